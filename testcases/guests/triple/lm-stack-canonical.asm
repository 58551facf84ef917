;; expect: chain=SS-CANON@push,SS-CANON,SS-CANON
;; expect: vectors=12,8
;; expect: error=0x0,0x1,0x1
;; expect: eip=push cr2=-
;; hint: RSP is not canonical (bits 63:48 are not copies of bit 47), and no gate has an IST of its own: no frame can be pushed.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LONG_MODE CR4_PAE
        mov     cr0, eax
        TO_64
        mov     rsp, 0x0000800000001000 ; ffff800000001000 is meant
push:   push    rax
        SURVIVED

section .isr
handler: SURVIVED

section .data
idt:    GATES_64 32, I(handler)
idtr:   dw      511
        dd      idt
tss:    times   104 db 0
        FLAT_GDT
        SEGMENTS_64 tss
        GDT_END
        PML4    P | W
        PAGE_TABLE_PAE P | W
        IDENTITY_PAE 0, 512
        PAGE_TABLE_PAE_END
