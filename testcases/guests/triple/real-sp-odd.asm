;; expect: chain=SS-REAL-SP@save,SS-REAL-SP,SS-REAL-SP
;; expect: vectors=12,8
;; expect: error=-,-,-
;; expect: eip=save cr2=-
;; hint: In real mode SP was 1, so a word pushed would wrap round the segment's end, and no exception frame fits either.
;; note: QEMU 7.2 checks no stack limits; SP wraps and the guest survives.

%include "triple/triple.inc"

start:  ENTER_FLAT
        TO_REAL_MODE
        lidt    [L(ivt_register)]
        mov     sp, 1
save:   push    ax
        SURVIVED
ivt_register:
        dw      0x3ff
        dd      0
        LOW_END

section .data
        FLAT_GDT
        SEGMENTS_16
        GDT_END
