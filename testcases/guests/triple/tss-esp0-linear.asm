;; expect: chain=GP-IOPL@user,SS-PUSH-NEW,SS-PUSH-NEW
;; expect: vectors=13,8
;; expect: error=0x0,0x31,0x31
;; expect: eip=user cr2=-
;; hint: The kernel's stack has a segment of its own with a base and a limit of one page, but ESP0 is a linear address, far beyond that limit.
;; note: QEMU 7.2 checks no stack limits; the handler runs.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_USER user

user:   cli
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        DESCRIPTOR B(stack_bottom), 0xfff, PRESENT | DATA_SEG, DEF32
        GDT_END
        align   128
tss:    STACK_TSS OWN + 8, stack_top    ; 1000h was meant
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
