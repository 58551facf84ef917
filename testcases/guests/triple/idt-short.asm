;; expect: chain=DE-ZERO@divide,NP-IDT,GP-IDT-LIMIT
;; expect: vectors=0,8
;; expect: error=-,0x3,0x43
;; expect: eip=divide cr2=-
;; hint: The IDT has room for vectors 0 to 7 only and the divide error's gate is not present, so neither #DE nor #DF has a way in.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, 100
        xor     edx, edx
        xor     ecx, ecx
divide: div     ecx
        SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    ABSENT_GATES 8
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
