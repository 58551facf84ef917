;; expect: chain=GP-SEG-LIMIT@load_gs,NP-IDT,GP-IDT-TASK
;; expect: vectors=13,8
;; expect: error=0x50,0x6b,0x29
;; expect: eip=load_gs cr2=-
;; hint: The double fault's task gate names the TSS that LTR made the current one; a busy task cannot be switched to.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        mov     eax, 0x50               ; beyond the GDT
load_gs: mov    gs, eax
df_entry: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        GDT_END
        align   128
tss:    TASK_TSS df_entry, CODE, stack_top, 0
idt:    ABSENT_GATES 8
        GATE    0, OWN, TASK_GATE
        ABSENT_GATES 23
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
