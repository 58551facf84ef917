;; expect: chain=UD-OPCODE@bad,GP-IDT-LIMIT,GP-IDT-LIMIT,GP-IDT-LIMIT
;; expect: vectors=6,13,8
;; expect: error=-,0x33,0x6b,0x43
;; expect: eip=bad cr2=-
;; hint: The IDT register was loaded before its limit and base were filled in, so there is no IDT at all.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
bad:    ud2                             ; a BUG() that should have been reported
        SURVIVED

section .data
        FLAT_GDT
        GDT_END
idtr:   dw      0                       ; to be filled in by idt_init(), called later
        dd      0
