;; expect: chain=PF-RSVD-PSE36@save,PF-RSVD-PSE36,PF-RSVD-PSE36
;; expect: vectors=14,8
;; expect: error=0xb,0xb,0xb
;; expect: eip=save cr2=0xc03ffffc
;; hint: A 4 MiB page was given a physical address of 2 MiB; bit 21 of such an entry is reserved.
;; note: QEMU 7.2 leaves bit 0 (P) of the error code clear for reserved bits.

%include "triple/triple.inc"

%define KERNEL_BASE 0xc0000000

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, cr4
        or      eax, CR4_PSE
        mov     cr4, eax
        PAGING_ON pd
        mov     esp, KERNEL_BASE + 0x400000
save:   push    ebp
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        align   4096
pd:     dd      P | W | PS
        times   (KERNEL_BASE >> 22) - 1 dd 0
        dd      0x00200000 | P | W | PS
        times   1023 - (KERNEL_BASE >> 22) dd 0
