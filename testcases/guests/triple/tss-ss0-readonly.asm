;; expect: chain=UD-LOCK@user,TS-STACK-TYPE,TS-STACK-TYPE,TS-STACK-TYPE
;; expect: vectors=6,10,8
;; expect: error=-,0x31,0x31,0x31
;; expect: eip=user cr2=-
;; hint: SS0 in the TSS names a read-only data segment; a stack must be writable.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_USER user

user:   db      0xf0, 0x90              ; lock nop
handler: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        DESCRIPTOR 0, 0xfffff, PRESENT | RODATA_SEG, G4K | DEF32
        GDT_END
        align   128
tss:    STACK_TSS OWN + 8, stack_top
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
