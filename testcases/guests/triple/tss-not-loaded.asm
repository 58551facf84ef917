;; expect: chain=GP-CPL0@user,PF-NP-PT,PF-NP-PT,PF-NP-PT
;; expect: vectors=13,14,8
;; expect: error=0x0,0x0,0x0,0x0
;; expect: eip=user cr2=0x8
;; hint: LTR was never executed: the task register still has its reset value, base 0, so the switch to the kernel's stack reads SS0 and ESP0 from the unmapped page 0.
;; note: The SDM's description of INT reads SS0, at 8, before ESP0, at 4.
;; note: QEMU 7.2 gives up ("invalid tss type") on the reset value of TR.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        PAGING_ON pd
        DROP_TO_USER user

user:   hlt
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        NOT_MAPPED TEXT_PAGE            ; with page 0, to catch null pointers
        IDENTITY TEXT_PAGE, 1, P | W | U
        IDENTITY TEXT_PAGE + 1, 64
        PAGE_TABLE_END
