;; expect: chain=PF-NP-PD@paged,PF-NP-PD,PF-NP-PD
;; expect: vectors=14,8
;; expect: error=0x0,0x0,0x0
;; expect: eip=paged cr2=idt_df
;; hint: CR3 was loaded with the first page-directory entry instead of the directory's address, so a page table serves as directory, and the null page it leaves out takes the first 4 MiB along.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PAGING_ON [pd]                  ; C: load_cr3(*pd) for load_cr3(pd)
paged:  SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   8, T(handler)
idt_df: GATES   24, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        NOT_MAPPED 1                    ; catches null pointers
        IDENTITY 1, 1023
        PAGE_TABLE_END
