;; expect: chain=GP-CR0-LM-PAE@paging,GP-IDT-LIMIT,GP-IDT-LIMIT
;; expect: vectors=13,8
;; expect: error=0x0,0x6b,0x43
;; expect: eip=paging cr2=-
;; hint: EFER.LME is set, but CR4.PAE is not: MOV CR0 refuses to switch paging on.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LONG_MODE 0                     ; CR4_PAE is forgotten
paging: mov     cr0, eax
        SURVIVED

section .data
        FLAT_GDT
        GDT_END
idtr:   dw      0
        dd      0
        PML4    P | W
        PAGE_TABLE_PAE P | W
        IDENTITY_PAE 0, 512
        PAGE_TABLE_PAE_END
