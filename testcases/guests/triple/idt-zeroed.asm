;; expect: chain=GP-LTR@second,GP-IDT-TYPE,GP-IDT-TYPE
;; expect: vectors=13,8
;; expect: error=0x28,0x6b,0x43
;; expect: eip=second cr2=-
;; hint: The IDT lies in .bss and no gate was ever written: a gate of zeros has no valid type; the first fault is LTR of a TSS that is busy already.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, OWN
        ltr     ax
second: ltr     ax                      ; tss_init() is called twice
        SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
idtr:   dw      256 * 8 - 1
        dd      idt

section .bss
        alignb  8
idt:    resq    256
