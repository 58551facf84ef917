;; expect: chain=SS-LIMIT@save,SS-EVENT,SS-EVENT
;; expect: vectors=12,8
;; expect: error=0x0,0x1,0x1
;; expect: eip=save cr2=-
;; hint: The stack segment's descriptor lacks the granularity bit, so its limit is 1 MiB and the stack lies above.
;; note: QEMU 7.2 checks no stack limits; the guest survives.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, OWN
        mov     ss, eax
save:   push    ebp
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        DESCRIPTOR 0, 0xfffff, PRESENT | DATA_SEG, DEF32       ; G4K is missing
        GDT_END
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
