;; expect: chain=UD-OPCODE@bug,GP-IDT-OFFSET,GP-IDT-OFFSET,GP-IDT-OFFSET
;; expect: vectors=6,13,8
;; expect: error=-,0x1,0x1,0x1
;; expect: eip=bug cr2=-
;; says: in 64-bit mode, and in compatibility mode too, each entry of the IDT has 16 bytes
;; hint: The IDT of the 32-bit kernel was kept: its gates have 8 bytes, those of 64-bit mode have 16.

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
idt:    GATES   32, I(handler), CODE64
idtr:   dw      255
        dd      idt
tss:    times   104 db 0
        FLAT_GDT
        SEGMENTS_64 tss
        GDT_END
        PML4    P | W
        PAGE_TABLE_PAE P | W
        IDENTITY_PAE 0, 512
        PAGE_TABLE_PAE_END
