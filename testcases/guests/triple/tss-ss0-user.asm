;; expect: chain=GP-IDT-DPL@syscall,TS-STACK-RPL,TS-STACK-RPL
;; expect: vectors=128,13,8
;; expect: error=0x402,0x21,0x21
;; expect: eip=syscall cr2=-
;; hint: SS0 in the TSS holds the user data selector, whose RPL is 3 where the kernel's stack needs 0; the first fault is INT 80h through a gate with DPL 0.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_USER syscall

syscall: int    0x80
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS USER_DATA, stack_top
idt:    GATES   256, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
