;; expect: chain=GP-IDT-LIMIT@syscall,GP-IDT-LIMIT,GP-IDT-LIMIT
;; expect: vectors=128,13,8
;; expect: error=0x402,0x6b,0x43
;; expect: eip=syscall cr2=-
;; hint: The IDT limit is the number of entries minus one, not the number of bytes minus one, so only the first gates count.

%include "triple/triple.inc"

%define ENTRIES 48

start:  ENTER_FLAT
        lidt    [idtr]
syscall: int    0x80
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   ENTRIES, T(handler)
idtr:   dw      ENTRIES - 1             ; times 8 is missing
        dd      idt
