;; expect: chain=PF-NP-PD@paged,PF-NP-PD,PF-NP-PD
;; expect: vectors=14,8
;; expect: error=0x0,0x0,0x0
;; expect: eip=paged cr2=gdt_code
;; hint: Paging was switched on with the kernel mapped at 3 GiB only, while EIP, the stack and the GDT register still held low addresses.

%include "triple/triple.inc"

%define KERNEL_BASE 0xc0000000

start:  ENTER_FLAT
        lidt    [idtr]                  ; this one was thought of: a high address
        PAGING_ON pd
paged:  mov     eax, KERNEL_BASE + high
        jmp     eax
high:   SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, KERNEL_BASE + T(handler)
idt_end:
idtr:   dw      idt_end - idt - 1
        dd      KERNEL_BASE + idt
        align   4096
pd:     times   KERNEL_BASE >> 22 dd 0  ; entry 0 is missing
        dd      D(pt) + P + W
        times   1023 - (KERNEL_BASE >> 22) dd 0
pt:     IDENTITY 0, 1024
