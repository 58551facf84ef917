;; expect: chain=BR-BOUND@check,GP-IDT-TYPE,GP-IDT-TYPE,GP-IDT-TYPE
;; expect: vectors=5,13,8
;; expect: error=-,0x2b,0x6b,0x43
;; expect: eip=check cr2=-
;; hint: The gates have type C, a call gate, where E, an interrupt gate, was meant; the IDT does not take call gates.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, 10
check:  bound   eax, [range]
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler), CODE, CALL_GATE
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
range:  dd      0, 9
