;; expect: chain=GP-IDT-CSTYPE@idle,GP-IDT-CSTYPE,GP-IDT-CSTYPE
;; expect: vectors=32,13,8
;; expect: error=0x9,0x9,0x9
;; expect: eip=idle cr2=-
;; hint: The GDT stood in memory that was reclaimed and cleared: all runs well on the loaded segments until the first timer interrupt reads the table.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     edi, gdt                ; free_init_memory()
        mov     ecx, gdt_end - gdt
        xor     eax, eax
        cld
        rep stosb
        PIC_REMAP 32
        PIT_HZ  100
        IDLE

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   48, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
