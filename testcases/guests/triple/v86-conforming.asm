;; expect: chain=GP-EVENT-V86INT@dos,GP-IDT-V86,GP-IDT-V86
;; expect: vectors=13,8
;; expect: error=0x0,0x31,0x31
;; expect: eip=dos cr2=-
;; hint: The handlers' code segment is conforming, and virtual-8086 mode can only be left for a segment that is not, with DPL 0.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_V86 dos
handler: SURVIVED

section .low
        bits    16
dos:    int     0x21
        SURVIVED
        LOW_END

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        DESCRIPTOR 0, 0xfffff, PRESENT | CONFORMING_SEG, G4K | DEF32
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
idt:    GATES   64, T(handler), OWN + 8
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
