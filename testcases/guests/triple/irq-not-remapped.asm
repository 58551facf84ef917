;; expect: chain=NP-IDT@idle,NP-IDT,NP-IDT
;; expect: vectors=8,11,8
;; expect: error=0x43,0x5b,0x43
;; expect: eip=idle cr2=-
;; hint: The interrupt controller still delivers IRQ 0 as vector 8, as in real mode, so the timer looks like a double fault, and only the gates from 32 on were written.
;; note: The first vector 8 is an external interrupt, hence benign; only the last 8 is #DF.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PIC_REMAP 8                     ; as the BIOS leaves it
        PIT_HZ  100
        IDLE

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    ABSENT_GATES 32
        GATES   16, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
