;; expect: chain=NP-CS-JMP@reload,NP-IDT-CS,NP-IDT-CS
;; expect: vectors=11,8
;; expect: error=0x8,0x9,0x9
;; expect: eip=reload cr2=-
;; hint: The code segment's access byte lacks the present bit (1A for 9A), so neither the far jump nor any handler can use it.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        lgdt    [new_gdtr]
reload: jmp     CODE:.done
.done:  SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
new_gdt: dq     0
        DESCRIPTOR 0, 0xfffff, CODE_SEG, G4K | DEF32            ; PRESENT is missing
        DESCRIPTOR 0, 0xfffff, PRESENT | DATA_SEG, G4K | DEF32
new_gdt_end:
new_gdtr: TABLE_REGISTER new_gdt, new_gdt_end
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
