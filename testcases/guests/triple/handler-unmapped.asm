;; expect: chain=PF-NP-PT@handler,PF-NP-PT,PF-NP-PT
;; expect: vectors=14,8
;; expect: error=0x0,0x2,0x2
;; expect: eip=handler cr2=0x12fffc
;; hint: The page of the page-fault handler is not mapped: its fetch faults, which is delivered to it again, 256 frames deep, until the stack is used up.
;; note: Every delivery before the last succeeds; the chain is the last one's. The first #PF is the read at `null`.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PAGING_ON pd
null:   mov     eax, [0]
        SURVIVED

section .isr
handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, I(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        NOT_MAPPED TEXT_PAGE
        IDENTITY TEXT_PAGE, 1           ; .text is one page; .isr was forgotten
        NOT_MAPPED DATA_PAGE - TEXT_PAGE - 1
        IDENTITY DATA_PAGE, 16
        NOT_MAPPED STACK_PAGE - DATA_PAGE - 16
        IDENTITY STACK_PAGE, 1
        PAGE_TABLE_END
