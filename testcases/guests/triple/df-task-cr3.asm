;; expect: chain=PF-NP-PT@recurse,PF-NP-PT,PF-NP-PD
;; expect: vectors=14,8
;; expect: error=0x2,0x2,0x0
;; expect: eip=df_entry cr2=gdt_code
;; hint: The double-fault task, there to survive a stack overflow, has a CR3 whose page directory was allocated but never filled; the switch then cannot even read its code segment's descriptor.
;; note: The SDM checks the code segment first ("Task Switching"); Bochs 2.7 reads the stack segment first and has gdt_data in CR2.

%include "triple/triple.inc"

start:  ENTER_FLAT
        lidt    [idtr]
        LOAD_TR OWN
        PAGING_ON pd
recurse: call   recurse
handler: SURVIVED
df_entry: SURVIVED

section .data
        FLAT_GDT
        TSS_DESCRIPTOR tss
        TSS_DESCRIPTOR df_tss
        GDT_END
        align   128
tss:    STACK_TSS DATA, stack_top
        align   128
df_tss: TASK_TSS df_entry, CODE, df_stack_top, empty_pd
idt:    GATES   8, T(handler)
        GATE    0, OWN + 8, TASK_GATE
        GATES   23, T(handler)
idt_end:
idtr:   TABLE_REGISTER idt, idt_end
        PAGE_TABLE
        IDENTITY 0, STACK_PAGE - 1
        NOT_MAPPED 1                    ; the guard page
        IDENTITY STACK_PAGE, 16
        PAGE_TABLE_END

section .bss
empty_pd: resb  4096
        resb    4096
df_stack_top:
