;; expect: chain=GP-SS-NULL@load_ss,GP-IDT-CSTYPE,GP-IDT-CSTYPE
;; expect: vectors=13,8
;; expect: error=0x0,0x19,0x19
;; expect: eip=load_ss cr2=-
;; hint: The gates name the user code segment, and a handler may not be less privileged than the code it interrupts; the first fault is a null SS.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        xor     eax, eax
load_ss: mov    ss, eax
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler), USER_CODE
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
