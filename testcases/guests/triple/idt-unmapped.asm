;; expect: chain=BP-INT3@break,PF-NP-PD,PF-NP-PD,PF-NP-PD
;; expect: vectors=3,14,8
;; expect: error=-,0x0,0x0,0x0
;; expect: eip=break cr2=0xc0110040
;; hint: The IDT register holds the higher-half address of the IDT, but the page directory maps only the lower one.

%include "triple/triple.inc"

%define KERNEL_BASE 0xc0000000

start:  ENTER_FLAT
        lidt    [idtr]
        PAGING_ON pd
break:  int3
        SURVIVED

handler: SURVIVED

section .data
idt:    GATES   32, T(handler)
idt_end:
idtr:   dw      idt_end - idt - 1
        dd      KERNEL_BASE + idt
        FLAT_GDT
        GDT_END
        PAGE_TABLE
        IDENTITY 0, 1024
        PAGE_TABLE_END
