;; expect: chain=DB-STEP@stepped,GP-IDT-LIMIT,GP-IDT-LIMIT,GP-IDT-LIMIT
;; expect: vectors=1,13,8
;; expect: error=-,0xb,0x6b,0x43
;; expect: eip=stepped cr2=-
;; hint: A saved flags word with TF set was restored before there was an IDT; the trap comes after the instruction that follows POPF.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        push    dword FLAGS_TF | FLAGS_1
        popfd
        nop
stepped: nop
        SURVIVED

section .data
        FLAT_GDT
        GDT_END
idtr:   dw      0
        dd      0
