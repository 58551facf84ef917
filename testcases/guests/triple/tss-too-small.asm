;; expect: chain=GP-IOMAP-LIMIT@user,TS-STACK-TSS-LIMIT,TS-STACK-TSS-LIMIT
;; expect: vectors=13,8
;; expect: error=0x0,0x29,0x29
;; expect: eip=user cr2=-
;; hint: The TSS descriptor's limit is the size of a pointer to the TSS, not of the TSS, so there is neither an I/O bitmap nor an SS0 within it.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_USER user

user:   in      al, 0x60
handler: SURVIVED

section .data
        FLAT_GDT
        DESCRIPTOR D(tss), 4 - 1, PRESENT | TSS_32, 0   ; C: sizeof(tss) of `struct tss *tss`
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
