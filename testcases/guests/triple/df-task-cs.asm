;; expect: chain=DE-ZERO@divide,NP-IDT,TS-CS-TYPE
;; expect: vectors=0,8
;; expect: error=-,0x3,0x11
;; expect: eip=df_entry cr2=-
;; hint: The TSS of the double-fault task has the data selector in its CS field; that is found out after the switch, so the registers are the new task's.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        xor     ecx, ecx
divide: idiv    ecx
df_entry: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        TSS_DESCRIPTOR df_tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
        align   128
df_tss: TASK_TSS df_entry, DATA, stack_top, 0
idt:    ABSENT_GATES 8
        GATE    0, OWN + 8, TASK_GATE
        ABSENT_GATES 23
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
