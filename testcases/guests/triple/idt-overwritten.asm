;; expect: chain=DE-OVERFLOW@divide,GP-IDT-TYPE,GP-IDT-TYPE
;; expect: vectors=0,8
;; expect: error=-,0x3,0x43
;; expect: eip=divide cr2=-
;; hint: Clearing a buffer of 64 bytes as if it had 64 dwords wiped the gates behind it.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     edi, buffer
        mov     ecx, 64
        xor     eax, eax
        cld
        rep stosd                       ; rep stosb was meant
        mov     edx, 1                  ; 2^32 / 1 does not fit into EAX
        mov     ecx, 1
divide: div     ecx
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
        align   8
buffer: times   64 db 0
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
