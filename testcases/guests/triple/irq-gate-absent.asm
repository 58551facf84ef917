;; expect: chain=NP-IDT@idle,NP-IDT,NP-IDT
;; expect: vectors=32,11,8
;; expect: error=0x103,0x5b,0x43
;; expect: eip=idle cr2=-
;; hint: Interrupts were enabled with the timer unmasked and every gate still marked not present.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PIC_REMAP 32
        PIT_HZ  100
        IDLE

section .data
        FLAT_GDT
        GDT_END
idt:    ABSENT_GATES 48
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
