;; expect: chain=DE-AAM0@digits,GP-IDT-OFFSET,GP-IDT-OFFSET
;; expect: vectors=0,8
;; expect: error=-,0x1,0x1
;; expect: eip=digits cr2=-
;; says: the handler's address lies beyond the code segment's limit, 0x107fff.
;; hint: The code segment ends where .text ends, but the handlers are in a section of their own behind it.
;; note: QEMU 7.2 checks no segment limits on fetch and runs the handler.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        lgdt    [tight_gdtr]
        jmp     CODE:.tight
.tight: mov     al, 42
digits: aam     0                       ; the base comes from a macro that was never set
        SURVIVED

section .isr
handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
tight_gdt: dq   0
        DESCRIPTOR 0, ISR_PAGE - 1, PRESENT | CODE_SEG, G4K | DEF32
        DESCRIPTOR 0, 0xfffff, PRESENT | DATA_SEG, G4K | DEF32
tight_gdt_end:
tight_gdtr: TABLE_REGISTER tight_gdt, tight_gdt_end
idt:    GATES   32, I(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
