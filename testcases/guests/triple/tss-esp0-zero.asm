;; expect: chain=PF-USER-SUPER@peek,PF-NP-PD,PF-NP-PD
;; expect: vectors=14,8
;; expect: error=0x5,0x2,0x2
;; expect: eip=peek cr2=0xfffffffc
;; hint: ESP0 in the TSS was never set, so the frame of a user-mode fault goes to the top of the address space, where nothing is mapped.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        PAGING_ON pd
        DROP_TO_USER peek

peek:   mov     eax, [gdt]              ; a kernel page
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, 0
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        IDENTITY 0, TEXT_PAGE
        IDENTITY TEXT_PAGE, 1, P | W | U
        IDENTITY TEXT_PAGE + 1, 1024 - TEXT_PAGE - 1
        PAGE_TABLE_END
