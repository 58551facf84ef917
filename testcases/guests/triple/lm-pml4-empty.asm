;; expect: chain=PF-NP-PML4@next,PF-NP-PML4,PF-NP-PML4
;; expect: vectors=14,8
;; expect: error=0x0,0x0,0x0
;; expect: eip=next cr2=0x110080
;; hint: The PML4 is all zero: the instruction behind MOV CR0 is not mapped any more, nor is the IDT.
;; note: The double fault's entry is looked up at IDT + 8 * 16.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LONG_MODE CR4_PAE
        mov     cr0, eax
next:   SURVIVED

section .data
idt:    GATES_64 32, T(next)
idtr:   dw      511
        dd      idt
        FLAT_GDT
        GDT_END
        PML4    0                       ; W | P is forgotten
        PAGE_TABLE_PAE P | W
        IDENTITY_PAE 0, 512
        PAGE_TABLE_PAE_END
