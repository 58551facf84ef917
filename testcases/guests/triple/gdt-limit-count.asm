;; expect: chain=GP-SEG-LIMIT@load_ds,GP-IDT-CSLIMIT,GP-IDT-CSLIMIT
;; expect: vectors=13,8
;; expect: error=0x10,0x9,0x9
;; expect: eip=load_ds cr2=-
;; hint: The GDT limit is the number of entries minus one, not the number of bytes minus one, so every selector lies beyond it.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        lgdt    [short_gdtr]
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
short_gdtr: dw  (gdt_end - gdt) / 8 - 1
        dd      gdt
