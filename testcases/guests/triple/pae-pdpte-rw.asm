;; expect: chain=GP-CR3-PDPTE@paging,GP-IDT-LIMIT,GP-IDT-LIMIT
;; expect: vectors=13,8
;; expect: error=0x0,0x6b,0x43
;; expect: eip=paging cr2=-
;; hint: The PAE directory-pointer entry has the writable bit set, as a page-directory entry would, but bits 1 and 2 are reserved there, and MOV CR0 checks when it loads them.
;; note: QEMU 7.2 does not check the entries when they are loaded.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, cr4
        or      eax, CR4_PAE
        mov     cr4, eax
        mov     eax, pdpt
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG
paging: mov     cr0, eax
        SURVIVED

section .data
        FLAT_GDT
        GDT_END
idtr:   dw      0
        dd      0
        PAGE_TABLE_PAE P | W            ; P alone is right
        IDENTITY_PAE 0, 512
        PAGE_TABLE_PAE_END
