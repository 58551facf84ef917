;; expect: chain=UD-OPCODE@bug,SS-IST,SS-IST,SS-IST
;; expect: vectors=6,12,8
;; expect: error=-,0x1,0x1,0x1
;; expect: eip=bug cr2=-
;; says: SS-IST: The stack pointer in the 64-bit TSS is not a canonical address.
;; hint: IST1 in the TSS is not canonical: the stack's address was written as 32 bits, sign and all, into the wrong half.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LONG_MODE CR4_PAE
        mov     cr0, eax
        TO_64
        mov     esp, stack_top
bug:    ud2
        SURVIVED

section .isr
handler: SURVIVED

section .data
idt:    GATES_64 32, I(handler), 1
idtr:   dw      511
        dd      idt
tss:    dd      0
        dq      B(stack_top), 0, 0, 0   ; RSP0
        dd      0xffffffff, 0x80132000  ; IST1: the halves are the wrong way round
        times   60 db 0
        FLAT_GDT
        SEGMENTS_64 tss
        GDT_END
        PML4    P | W
        PAGE_TABLE_PAE P | W
        IDENTITY_PAE 0, 512
        PAGE_TABLE_PAE_END
