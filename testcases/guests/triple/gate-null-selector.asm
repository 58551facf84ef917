;; expect: chain=UD-MOVCS@load_cs,GP-IDT-CSNULL,GP-IDT-CSNULL,GP-IDT-CSNULL
;; expect: vectors=6,13,8
;; expect: error=-,0x1,0x1,0x1
;; expect: eip=load_cs cr2=-
;; hint: set_gate() fills offset and type but forgets the code segment selector, so every gate has the null selector; the first fault is MOV to CS.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, CODE
load_cs: db     0x8e, 0xc8              ; mov cs, ax
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler), 0
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
