;; expect: chain=BP-INT3@break,GP-IDT-DPL,PF-NP-PT,PF-NP-PT,PF-NP-PT
;; expect: vectors=3,13,14,8
;; expect: error=-,0x1a,0x2,0x2,0x2
;; expect: eip=break cr2=0x12fffc
;; hint: ESP0 in the TSS is the lowest address of the kernel stack instead of the highest, so the first frame of a user-mode fault falls into the guard page below; the breakpoint's gate also lacks DPL 3.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        PAGING_ON pd
        DROP_TO_USER break

break:  int3
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_bottom
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        IDENTITY 0, TEXT_PAGE
        IDENTITY TEXT_PAGE, 1, P | W | U
        IDENTITY TEXT_PAGE + 1, STACK_PAGE - TEXT_PAGE - 2
        NOT_MAPPED 1                    ; the guard page
        IDENTITY STACK_PAGE, 16
        PAGE_TABLE_END
