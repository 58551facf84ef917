;; expect: chain=GP-IDT-REAL@bios,GP-IDT-REAL,GP-IDT-REAL
;; expect: vectors=16,13,8
;; expect: error=-,-,-
;; expect: eip=bios cr2=-
;; hint: The kernel went back to real mode for a BIOS call without pointing the IDT register at the interrupt vector table again.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        TO_REAL_MODE
        mov     ax, 0x0e41
bios:   int     0x10
        SURVIVED
        LOW_END

section .data
        FLAT_GDT
        SEGMENTS_16
        GDT_END
idtr:   dw      0
        dd      0
