;; expect: chain=SS-NP-MOV@load_ss,NP-IDT,NP-TSS
;; expect: vectors=12,8
;; expect: error=0x38,0x63,0x31
;; expect: eip=load_ss cr2=-
;; hint: The descriptor of the double-fault task's TSS is not present; the first fault is a stack segment that is not present either.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        mov     eax, OWN + 16
load_ss: mov    ss, eax
df_entry: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        DESCRIPTOR D(df_tss), TSS_BYTES - 1, TSS_32, 0          ; PRESENT is missing
        DESCRIPTOR 0, 0xfffff, DATA_SEG, G4K | DEF32            ; here too
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
        align   128
df_tss: TASK_TSS df_entry, CODE, stack_top, 0
idt:    ABSENT_GATES 8
        GATE    0, OWN + 8, TASK_GATE
        ABSENT_GATES 23
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
