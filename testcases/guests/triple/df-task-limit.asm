;; expect: chain=PF-NP-PT@null,NP-IDT,TS-LIMIT
;; expect: vectors=14,8
;; expect: error=0x0,0x73,0x31
;; expect: eip=null cr2=0x10
;; hint: The TSS of the double-fault task has a limit of 66h, its size minus two, and a task switch demands 67h; the first fault is a null pointer, with no page-fault handler yet.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        PAGING_ON pd
        xor     ebx, ebx
null:   mov     eax, [ebx + 0x10]
df_entry: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        DESCRIPTOR D(df_tss), TSS_BYTES - 2, PRESENT | TSS_32, 0
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
        align   128
df_tss: TASK_TSS df_entry, CODE, stack_top, pd
idt:    ABSENT_GATES 8
        GATE    0, OWN + 8, TASK_GATE
        ABSENT_GATES 23
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        NOT_MAPPED 1
        IDENTITY 1, 1023
        PAGE_TABLE_END
