;; expect: chain=PF-RSVD-NX@save,PF-RSVD-NX,PF-RSVD-NX
;; expect: vectors=14,8
;; expect: error=0xb,0xb,0xb
;; expect: eip=save cr2=0x130ffc
;; hint: The stack's page-table entry has the no-execute bit set, but EFER.NXE was not, which makes that bit reserved.
;; note: QEMU 7.2 leaves bit 0 (P) of the error code clear for reserved bits.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, cr4
        or      eax, CR4_PAE
        mov     cr4, eax
        PAGING_ON pdpt
save:   push    ebp
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE_PAE P
        IDENTITY_PAE 0, STACK_PAGE
        dd      STACK_PAGE << 12 | P | W, 0x80000000
        PAGE_TABLE_PAE_END
