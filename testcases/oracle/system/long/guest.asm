; guest.asm - the ways in and out of the system oracle's guest of IA-32e mode: see long.h.

%define H_CODE  0x08
%define H_DATA  0x10
%define H_CODE64 0x18
%define MAIN_TSS 0x20
%define GDT_AT  0x10000
%define GDT_LIMIT 0xfff
%define IDT_AT  0x13000
%define ENTRIES 34
%define EFER    0xc0000080
%define FS_BASE 0xc0000100
%define GS_BASE 0xc0000101
%define KERNEL_GS_BASE 0xc0000102
%define HAS_CODE (1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17)

section .multiboot
        align   4
        dd      0x1badb002, 0, -0x1badb002

section .text
extern  guest_main, log_event
global  start, enter_case, log_entries, log_stack_top

        bits    32
start:  cli
        cld
        mov     esp, stack_top
        mov     esi, eax
        mov     edi, ebx
        mov     al, 0xff                ; no interrupts but the case's
        out     0x21, al
        out     0xa1, al
        mov     eax, harness_pdpt + 3   ; the guest's own tables: 1 GiB, the supervisor's
        mov     [harness_pml4], eax
        mov     eax, harness_pd + 3
        mov     [harness_pdpt], eax
        xor     ecx, ecx
.pd:    mov     eax, ecx
        shl     eax, 21
        or      eax, 0xe3
        mov     [harness_pd + ecx * 8], eax
        inc     ecx
        cmp     ecx, 512
        jb      .pd
        mov     eax, 0x20
        mov     cr4, eax
        mov     eax, harness_pml4
        mov     cr3, eax
        mov     ecx, EFER
        xor     edx, edx
        mov     eax, 0x901              ; SCE, LME, NXE
        wrmsr
        mov     eax, 0x80000031
        mov     cr0, eax
        lgdt    [first_gdtr]
        jmp     H_CODE64:start64

        bits    64
        default abs
start64:
        mov     eax, H_DATA
        mov     ss, eax
        mov     edi, edi
        xchg    esi, edi                ; magic, information
        call    guest_main
%include "../oracle/system/ending.inc"

; Begins the case that the frame describes, in RDI. Control registers and MSRs are as the case wants them, but for those of the frame.
enter_case:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        pushfq
        mov     [saved_rsp], rsp
        lgdt    [gdtr]
        lidt    [idtr]
        mov     eax, MAIN_TSS
        ltr     ax
        xor     eax, eax
        lldt    ax
        mov     ds, [rdi + 6 * 8]
        mov     es, [rdi + 7 * 8]
        mov     fs, [rdi + 8 * 8]
        mov     gs, [rdi + 9 * 8]
        mov     rsp, rdi
        jmp     resume

; Leaves it. CR4.PCIDE and CR4.PGE go while the guest's own tables are loaded.
leave_case:
        mov     eax, harness_pml4
        mov     cr3, rax
        mov     eax, 0x80000031
        mov     cr0, rax
        mov     eax, 0x20
        mov     cr4, rax
        xor     eax, eax
        mov     cr8, rax
        mov     ecx, EFER
        xor     edx, edx
        mov     eax, 0x901
        wrmsr
        lgdt    [gdtr]
        mov     eax, H_DATA
        mov     ss, eax
        mov     rsp, [saved_rsp]
        popfq
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

; Each way into the logger. A missing error code becomes ~0.
        align   16
log_entries:
%assign n 0
%rep ENTRIES
        align   16
%if n >= 32 || !((HAS_CODE >> n) & 1)
        push    -1
%endif
        push    n
        jmp     log_common
%assign n n + 1
%endrep

%macro save_msr 1
        mov     ecx, %1
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        push    rax
%endmacro

%macro load_msr 1
        pop     rax
        mov     rdx, rax
        shr     rdx, 32
        mov     ecx, %1
        wrmsr
%endmacro

log_common:
        push    r15
        push    r14
        push    r13
        push    r12
        push    r11
        push    r10
        push    r9
        push    r8
        push    rdi
        push    rsi
        push    rbp
        push    0                       ; RSP
        push    rbx
        push    rdx
        push    rcx
        push    rax
        xor     eax, eax
        mov     ax, gs
        push    rax
        mov     ax, fs
        push    rax
        mov     ax, es
        push    rax
        mov     ax, ds
        push    rax
        mov     rax, cr8
        push    rax
        mov     rbx, cr3
        push    rbx
        mov     rax, dr7                ; what the logger looks at may be watched
        push    rax
        xor     eax, eax
        mov     dr7, rax
        save_msr KERNEL_GS_BASE
        save_msr GS_BASE
        save_msr FS_BASE
        mov     eax, harness_pml4
        mov     cr3, rax
        cld
        mov     rdi, rsp
        mov     rbp, rsp
        and     rsp, -16
        call    log_event
        mov     rsp, rbp
        test    al, al
        jz      leave_case

; Goes on with the case whose frame RSP points to. The selectors are as the case left them: who loads FS or GS loads a base too.
resume: load_msr FS_BASE
        load_msr GS_BASE
        load_msr KERNEL_GS_BASE
        pop     rbx
        pop     rdx                     ; CR3
        pop     rax
        mov     cr8, rax
        add     rsp, 4 * 8
        mov     cr3, rdx                ; the frame is mapped there too
        mov     dr7, rbx
        pop     rax
        pop     rcx
        pop     rdx
        pop     rbx
        add     rsp, 8
        pop     rbp
        pop     rsi
        pop     rdi
        pop     r8
        pop     r9
        pop     r10
        pop     r11
        pop     r12
        pop     r13
        pop     r14
        pop     r15
        add     rsp, 16
        iretq

section .data
        align   8
first_gdt: dq   0
        dq      0x00cf9b000000ffff      ; H_CODE
        dq      0x00cf93000000ffff      ; H_DATA
        dq      0x00af9b000000ffff      ; H_CODE64
first_gdtr: dw  $ - first_gdt - 1
        dd      first_gdt
        align   4
        dw      0
gdtr:   dw      GDT_LIMIT
        dq      GDT_AT
        dw      0, 0, 0
idtr:   dw      0x4ff
        dq      IDT_AT

section .bss
        alignb  4096
harness_pml4: resb 4096
harness_pdpt: resb 4096
harness_pd:   resb 4096
log_stack:    resb 16384
log_stack_top:
stack:        resb 16384
stack_top:
saved_rsp:    resq 1
