;; expect: chain=PF-NP-PT@recurse,PF-NP-PT,PF-NP-PT
;; expect: vectors=14,8
;; expect: error=0x2,0x2,0x2
;; expect: eip=recurse cr2=0x12fffc
;; hint: Endless recursion runs into the guard page below the stack, and #PF and #DF are handled on that same stack.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PAGING_ON pd
recurse: call   recurse

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        IDENTITY 0, STACK_PAGE - 1
        NOT_MAPPED 1                    ; the guard page
        IDENTITY STACK_PAGE, 16
        PAGE_TABLE_END
