;; expect: chain=PF-RSVD-ADDR@lookup,PF-RSVD-ADDR,PF-RSVD-ADDR
;; expect: vectors=14,8
;; expect: error=0x9,0x9,0x9
;; expect: eip=lookup cr2=idt_df
;; hint: The upper half of a 64-bit page-table entry was never cleared and sets reserved bits; the IDT shares that page, so the fault cannot be delivered.
;; note: QEMU 7.2 leaves bit 0 (P) of the error code clear for reserved bits.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, cr4
        or      eax, CR4_PAE
        mov     cr4, eax
        PAGING_ON pdpt
lookup: mov     eax, [table]
        SURVIVED

handler: SURVIVED

section .data
idt:    GATES   8, T(handler)       ; the first page of .data
idt_df: GATES   24, T(handler)
idt_end:
table:  dd      1, 2, 4, 8
idtr:   TABLE_REGISTER idt, idt_end
        align   4096
        FLAT_GDT
        GDT_END
        PAGE_TABLE_PAE P
        IDENTITY_PAE 0, DATA_PAGE
        dd      DATA_PAGE << 12 | P | W, 0x00300000
        IDENTITY_PAE DATA_PAGE + 1, 64
        PAGE_TABLE_PAE_END
