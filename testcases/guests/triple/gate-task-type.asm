;; expect: chain=GP-CR0-PGPE@paging,GP-IDT-TASK,GP-IDT-TASK
;; expect: vectors=13,8
;; expect: error=0x0,0x9,0x9
;; expect: eip=paging cr2=-
;; hint: The gates have type 5, a task gate, so their selector should name a TSS but names the code segment; the first fault is MOV CR0 with PG alone, PE lost.
;; note: QEMU 7.2 lets PG without PE pass and takes page faults instead.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        mov     eax, CR0_PG             ; not or-ed into the old CR0
paging: mov     cr0, eax
        SURVIVED

handler: SURVIVED

section .data
        FLAT_GDT
        GDT_END
idt:    GATES   32, T(handler), CODE, TASK_GATE
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
