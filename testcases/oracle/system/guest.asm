; guest.asm - the system oracle's ways in and out: see system.h.

%define H_CODE  0x08
%define H_DATA  0x10
%define H_TSS   0x20
%define GDT_AT  0x10000
%define GDT_LIMIT 0x1fff
%define IDT_AT  0x13000
%define ENTRIES 34
%define STACK   4096
%define EFL_NT  0x4000

section .text
        bits    32
extern  log_event
global  enter_case, log_entries, log_stacks
%include "../oracle/system/start.inc"

; Begins the case: a return from an interrupt task into the case's first task. Control registers are
; as the case wants them, with the guest's own page tables.
enter_case:
        pushad
        pushfd
        mov     [saved_esp], esp
        lgdt    [gdtr]
        lidt    [idtr]
        mov     eax, H_TSS
        ltr     ax
        xor     eax, eax
        lldt    ax
        pushfd
        or      dword [esp], EFL_NT
        popfd
        iretd

; Leaves it, from the task that the logger is in.
leave_case:
        mov     eax, 0x31               ; PE, ET, NE
        mov     cr0, eax
        xor     eax, eax
        mov     cr3, eax
        mov     cr4, eax
        lgdt    [gdtr]
        mov     esp, [saved_esp]
        popfd
        popad
        ret

; Each way into the logger is a task of its own: that tells which it was. The stack has the error
; code, if there is one.
        align   16
log_entries:
%assign n 0
%rep ENTRIES
        align   16
        push    dword n
        jmp     log_common
%assign n n + 1
%endrep

log_common:
        mov     eax, dr7                ; what the logger looks at may be watched
        push    eax
        xor     eax, eax
        mov     dr7, eax
        mov     ebx, [esp + 4]
        mov     eax, esp
        push    eax
        push    ebx
        call    log_event
        add     esp, 8
        test    al, al
        jz      leave_case
        pop     eax
        mov     dr7, eax
        lea     eax, [ebx + 1]
        imul    eax, eax, STACK
        lea     esp, [log_stacks + eax]
        iretd
        mov     eax, ebx                ; entered again
        shl     eax, 4
        add     eax, log_entries
        jmp     eax

section .data
        align   4
        dw      0
gdtr:   dw      GDT_LIMIT
        dd      GDT_AT
        dw      0
idtr:   dw      0x7ff
        dd      IDT_AT

section .bss
saved_esp: resd 1
        alignb  4096
log_stacks:     resb    ENTRIES * STACK
stack:  resb    16384
stack_top:
