;; expect: chain=GP-CPL0@user,TS-STACK-NULL,TS-STACK-NULL
;; expect: vectors=13,8
;; expect: error=0x0,0x1,0x1
;; expect: eip=user cr2=-
;; hint: The TSS was cleared and given an ESP0 but no SS0, so no fault of user mode can switch to the kernel's stack.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_USER user

user:   hlt
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS 0, stack_top
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
