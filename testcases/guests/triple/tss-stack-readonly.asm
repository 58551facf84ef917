;; expect: chain=DE-ZERO@divide,PF-SUPER-WRITE,PF-SUPER-WRITE,PF-SUPER-WRITE
;; expect: vectors=0,14,8
;; expect: error=-,0x3,0x3,0x3
;; expect: eip=divide cr2=0x131ffc
;; hint: The kernel stack in the TSS lies in a page that is mapped read-only, and CR0.WP makes that hold for the kernel too.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        PAGING_ON pd, CR0_WP
        xor     ecx, ecx
        DROP_TO_USER divide

divide: div     ecx
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, kernel_stack_top
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        IDENTITY 0, TEXT_PAGE
        IDENTITY TEXT_PAGE, 1, P | W | U
        IDENTITY TEXT_PAGE + 1, STACK_PAGE - TEXT_PAGE
        IDENTITY STACK_PAGE + 1, 1, P   ; fork() marked it for copy-on-write
        PAGE_TABLE_END

section .bss
        resb    4096
kernel_stack_top:
