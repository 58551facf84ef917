;; expect: chain=PF-NP-PD@save,PF-NP-PD,PF-NP-PD
;; expect: vectors=14,8
;; expect: error=0x2,0x2,0x2
;; expect: eip=save cr2=0xcffffffc
;; hint: The stack pointer was set to the top of a region that has no page table yet.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PAGING_ON pd
        mov     esp, 0xd0000000
save:   push    ebp
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        IDENTITY 0, 1024
        PAGE_TABLE_END
