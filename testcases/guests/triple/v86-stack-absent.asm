;; expect: chain=GP-V86-IOPL@task,SS-NP-TSS,SS-NP-TSS
;; expect: vectors=13,8
;; expect: error=0x0,0x31,0x31
;; expect: eip=task cr2=-
;; hint: A virtual-8086 task executes CLI, which the monitor would emulate, but SS0 in the TSS names a segment that is not present.
;; note: QEMU 7.2 raises #TS where the SDM has #SS for a stack segment that is not present.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        DROP_TO_V86 task
handler: SURVIVED

section .low
        bits    16
task:   cli
        SURVIVED
        LOW_END

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        DESCRIPTOR 0, 0xfffff, DATA_SEG, G4K | DEF32            ; PRESENT is missing
        GDT_END
        align   128
tss:    STACK_TSS OWN + 8, stack_top
idt:    GATES   32, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
