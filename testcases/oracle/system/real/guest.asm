; guest.asm - ways in and out of the cases of real mode: see real.h.

%define H_CODE   0x08
%define H_DATA   0x10
%define H_CODE16 0x18
%define H_DATA16 0x20
%define LOGGER_AT 0x8000
%define LOGGER_SEG 0x800
%define ENTRIES  34
%define GDT_AT   0x10000
%define GDT_LIMIT 0x7f

section .text
        bits    32
extern  log_event
global  enter_case, logger_begin, logger_end
%include "../oracle/system/start.inc"

enter_case:
        pushad
        mov     [saved_esp], esp
        push    2                       ; AC, ID and the like of the case before
        popfd
        lgdt    [own_gdtr]
        jmp     H_CODE:.resume
.resume: jmp    H_CODE16:(resume - logger_begin)

; An event: the logger's real-mode half has saved everything.
event:  mov     eax, H_DATA
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     ss, eax
        mov     esp, log_stack_top
        cld
        call    log_event
        test    al, al
        jz      .leave
        jmp     H_CODE16:(resume - logger_begin)
.leave: mov     esp, [saved_esp]
        popad
        ret

; ---- Copied to LOGGER_AT: offsets count from here ----

        bits    16
%define AT(label) (label - logger_begin)
        align   16
logger_begin:
%assign n 0
%rep ENTRIES
        align   16
        mov     byte [cs:AT(f_entry)], n
        jmp     save
%assign n n + 1
%endrep

save:   mov     [cs:AT(f_eax)], eax
        mov     [cs:AT(f_ecx)], ecx
        mov     [cs:AT(f_edx)], edx
        mov     [cs:AT(f_ebx)], ebx
        mov     [cs:AT(f_esp)], esp
        mov     [cs:AT(f_ebp)], ebp
        mov     [cs:AT(f_esi)], esi
        mov     [cs:AT(f_edi)], edi
        mov     [cs:AT(f_ds)], ds
        mov     [cs:AT(f_es)], es
        mov     [cs:AT(f_fs)], fs
        mov     [cs:AT(f_gs)], gs
        mov     [cs:AT(f_ss)], ss
        mov     eax, cr0
        mov     [cs:AT(f_cr0)], eax
        mov     eax, dr7
        mov     [cs:AT(f_dr7)], eax
        xor     eax, eax
        mov     dr7, eax
        o32 sgdt [cs:AT(f_gdt)]
        o32 sidt [cs:AT(f_idt)]
        o32 lgdt [cs:AT(own_gdtr)]
        mov     eax, 0x11               ; PE, ET
        mov     cr0, eax
        jmp     dword H_CODE:event

; From protected mode, in H_CODE16: segments of 64 KiB, then back.
resume: mov     ax, H_DATA16
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     eax, 0x10
        mov     cr0, eax
        jmp     LOGGER_SEG:AT(.real)
.real:  o32 lgdt [cs:AT(f_gdt)]
        o32 lidt [cs:AT(f_idt)]
        mov     eax, [cs:AT(f_cr0)]
        and     al, 0xfe
        mov     cr0, eax
        mov     ds, [cs:AT(f_ds)]
        mov     es, [cs:AT(f_es)]
        mov     fs, [cs:AT(f_fs)]
        mov     gs, [cs:AT(f_gs)]
        mov     eax, [cs:AT(f_dr7)]
        mov     dr7, eax
        mov     eax, [cs:AT(f_eax)]
        mov     ecx, [cs:AT(f_ecx)]
        mov     edx, [cs:AT(f_edx)]
        mov     ebx, [cs:AT(f_ebx)]
        mov     ebp, [cs:AT(f_ebp)]
        mov     esi, [cs:AT(f_esi)]
        mov     edi, [cs:AT(f_edi)]
        mov     ss, [cs:AT(f_ss)]
        mov     esp, [cs:AT(f_esp)]
        iret

        align   4
own_gdtr: dw    GDT_LIMIT
        dd      GDT_AT
        align   16
        times   0x400 - ($ - logger_begin) db 0
f_eax:  dd      0                       ; struct frame, at LOGGER_AT + 400h
f_ecx:  dd      0
f_edx:  dd      0
f_ebx:  dd      0
f_esp:  dd      0
f_ebp:  dd      0
f_esi:  dd      0
f_edi:  dd      0
f_ds:   dd      0
f_es:   dd      0
f_fs:   dd      0
f_gs:   dd      0
f_ss:   dd      0
f_cr0:  dd      0
f_dr7:  dd      0
f_entry: dd     0
f_gdt:  dw      0
        dd      0
f_idt:  dw      0
        dd      0
logger_end:

section .bss
saved_esp: resd 1
        alignb  4096
log_stack: resb 16384
log_stack_top:
stack:  resb    16384
stack_top:
