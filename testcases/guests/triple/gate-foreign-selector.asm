;; expect: chain=OF-INTO@check,GP-IDT-CSLIMIT,GP-IDT-CSLIMIT,GP-IDT-CSLIMIT
;; expect: vectors=4,13,8
;; expect: error=-,0x28,0x29,0x29
;; expect: eip=check cr2=-
;; hint: The gates carry the boot loader's code selector, 28h, which lies beyond the end of the kernel's own GDT.
;; note: INTO is a software interrupt, so the first #GP has EXT clear; the others arise from an exception and have it set.

%include "triple/triple.inc"

%define LOADER_CODE 0x28

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, 0x7fffffff
        inc     eax
check:  into
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler), LOADER_CODE
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
