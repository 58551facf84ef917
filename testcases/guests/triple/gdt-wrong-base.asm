;; expect: chain=GP-SEG-SYSTEM@load_ds,GP-IDT-CSTYPE,GP-IDT-CSTYPE
;; expect: vectors=13,8
;; expect: error=0x10,0x9,0x9
;; expect: eip=load_ds cr2=-
;; hint: LGDT was given a second GDT that is still all zeros, so every selector names a descriptor without a type.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        lgdt    [new_gdtr]              ; before copying the entries over
        mov     eax, DATA
load_ds: mov    ds, eax
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
new_gdtr: dw    8 * 8 - 1
        dd      new_gdt

section .bss
        alignb  8
new_gdt: resq   8
