;; expect: chain=TS-BACKLINK-BUSY@return,GP-IDT-LIMIT,NP-IDT
;; expect: vectors=10,8
;; expect: error=0x0,0x53,0x43
;; expect: eip=return cr2=-
;; hint: A flags word with NT set was restored, so IRET means "return to the previous task", and the back link in the TSS is 0, which names no busy TSS; the IDT ends before #TS.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        push    dword FLAGS_NT | FLAGS_1
        popfd                           ; from a context that was never filled in
        push    dword FLAGS_1
        push    dword CODE
        push    dword next
return: iretd
next:   SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
idt:    ABSENT_GATES 10
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
