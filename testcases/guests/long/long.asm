; long - a small 64-bit system: Multiboot 1, long mode, a user program that makes system calls by
; SYSCALL and INT, a page fault that is mended, a double fault on its own stack (IST1). It tells COM1
; about each, and ends by the debug-exit port with what the user program has counted up to.
;
; Each line that it prints is checked by test_long_guest; a handler that finds something else than it
; expects says "wrong" and ends with 1.

%define COM1            0x3f8
%define DEBUG_EXIT      0xf4
%define CODE64          0x08
%define DATA            0x10
%define USER_CODE32     0x18            ; SYSRET's order: 32-bit code, data, 64-bit code
%define USER_DATA       0x20 | 3
%define USER_CODE64     0x28 | 3
%define TSS             0x30
%define UNMAPPED        0x180000        ; the user's, mapped at its first access
%define STAR            0xc0000081
%define P               1
%define W               2
%define U               4

        bits    32
section .multiboot
        align   4
        dd      0x1badb002, 0, -0x1badb002

section .text
global start
start:  cli
        cld
        mov     esp, stack_top
        mov     edi, tables             ; PML4, PDPT, PD, PT one behind the other
        mov     ecx, 4 * 1024
        xor     eax, eax
        rep stosd
        mov     dword [tables], tables + 0x1000 + (P | W | U)
        mov     dword [tables + 0x1000], tables + 0x2000 + (P | W | U)
        mov     dword [tables + 0x2000], tables + 0x3000 + (P | W | U)
        mov     edi, tables + 0x3000
        mov     eax, P | W | U
.page:  stosd                           ; the first 2 MiB, all of it the user's too
        add     edi, 4
        add     eax, 0x1000
        cmp     eax, UNMAPPED
        jb      .page
        mov     eax, cr4
        or      eax, 0x20               ; PAE
        mov     cr4, eax
        mov     eax, tables
        mov     cr3, eax
        mov     ecx, 0xc0000080
        rdmsr
        or      eax, 0x101              ; LME, SCE
        wrmsr
        mov     eax, cr0
        or      eax, 0x80010000         ; PG, WP
        mov     cr0, eax
        lgdt    [gdtr]
        jmp     CODE64:long_mode

        bits    64
long_mode:
        mov     eax, DATA
        mov     ss, eax
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     esi, hello
        call    print
        mov     edi, idt
        mov     eax, 8
        mov     edx, double_fault
        mov     ebx, 1                  ; IST1
        call    set_gate
        mov     eax, 14
        mov     edx, page_fault
        xor     ebx, ebx
        call    set_gate
        mov     eax, 12
        mov     edx, wrong
        call    set_gate
        mov     eax, 13
        mov     edx, wrong
        call    set_gate
        mov     eax, 0x80
        mov     edx, int_80
        call    set_gate
        or      byte [idt + 0x80 * 16 + 5], 0x60 ; DPL 3
        lidt    [idtr]
        mov     eax, TSS
        ltr     ax
        mov     ecx, STAR
        xor     eax, eax
        mov     edx, (USER_CODE32 | 3) << 16 | CODE64
        wrmsr
        inc     ecx                     ; LSTAR
        mov     eax, system_call
        xor     edx, edx
        wrmsr
        add     ecx, 2                  ; FMASK
        mov     eax, 0x700              ; TF, IF, DF
        wrmsr
        push    USER_DATA
        push    user_stack_top
        push    2
        push    USER_CODE64
        push    user
        iretq

; Gate eax of the IDT at edi: handler edx, IST bl.
set_gate:
        shl     eax, 4
        lea     r8, [rdi + rax]
        mov     [r8], dx
        mov     word [r8 + 2], CODE64
        mov     [r8 + 4], bl
        mov     byte [r8 + 5], 0x8e
        shr     edx, 16
        mov     [r8 + 6], dx
        mov     qword [r8 + 8], 0
        ret

; ---- Output ----

print:  lodsb
        test    al, al
        jz      .done
        call    put
        jmp     print
.done:  ret

put:    mov     ah, al
        mov     dx, COM1 + 5
.wait:  in      al, dx
        test    al, 0x20
        jz      .wait
        mov     al, ah
        mov     dx, COM1
        out     dx, al
        ret

print_hex:                              ; r9, 16 digits
        mov     r10d, 16
.digit: rol     r9, 4
        mov     eax, r9d
        and     eax, 15
        mov     al, [digits + rax]
        call    put
        dec     r10d
        jnz     .digit
        mov     al, 10
        jmp     put

; ---- Handlers ----

; edi: 1 prints the text at rsi, 2 breaks the stack
system_call:
        cmp     rsp, user_stack_top     ; still the user's
        ja      wrong
        mov     [saved_rsp], rsp
        mov     esp, stack_top
        push    rcx
        push    r11
        cmp     edi, 2
        je      break_stack
        call    print
        pop     r11
        pop     rcx
        mov     rsp, [saved_rsp]
        o64 sysret

break_stack:
        mov     rsp, 0x0000800000001000
        push    rax                     ; #SS, and its frame cannot be pushed either

int_80: mov     eax, esp
        and     eax, 15                 ; five quadwords below an aligned RSP0
        cmp     eax, 8
        jne     wrong
        cmp     qword [rsp + 8], USER_CODE64
        jne     wrong
        call    print
        iretq

page_fault:
        cmp     qword [rsp], 4 | 2      ; user, write, not present
        jne     wrong
        mov     esi, fault_at
        call    print
        mov     r9, cr2
        call    print_hex
        mov     r9, cr2
        shr     r9, 12
        mov     rax, UNMAPPED | P | W | U
        mov     [tables + 0x3000 + r9 * 8], rax
        add     rsp, 8
        iretq

double_fault:
        mov     rax, rsp                ; six quadwords on IST1
        cmp     rax, ist1_top - 48
        jne     wrong
        mov     esi, double
        call    print
        mov     dx, COM1 + 5
.sent:  in      al, dx
        test    al, 0x40                ; the last character too
        jz      .sent
        mov     eax, [UNMAPPED]
        mov     dx, DEBUG_EXIT
        out     dx, eax
        hlt

wrong:  mov     esp, stack_top
        mov     esi, wrong_text
        call    print
        mov     eax, 1
        mov     dx, DEBUG_EXIT
        out     dx, eax
        hlt

; ---- The user program: 64-bit code at level 3 ----

user:   mov     edi, 1
        mov     esi, by_syscall
        syscall
        mov     esi, by_int
        int     0x80
        mov     dword [UNMAPPED], 41    ; faults once
        inc     dword [UNMAPPED]
        mov     edi, 2
        syscall

section .data
hello:  db      "long: 64-bit mode", 10, 0
by_syscall: db  "long: SYSCALL from level 3", 10, 0
by_int: db      "long: INT from level 3", 10, 0
fault_at: db    "long: page fault at ", 0
double: db      "long: double fault on IST1", 10, 0
wrong_text: db  "long: wrong", 10, 0
digits: db      "0123456789abcdef"

        align   8
gdt:    dq      0
        dq      0x00209a0000000000      ; CODE64
        dq      0x00cf92000000ffff      ; DATA
        dq      0x00cffa000000ffff      ; USER_CODE32
        dq      0x00cff2000000ffff      ; USER_DATA
        dq      0x0020fa0000000000      ; USER_CODE64
        dw      103, 0                  ; TSS
        db      0x11, 0x89, 0, 0        ; it stands at 110000h
        dq      0
gdtr:   dw      gdtr - gdt - 1
        dd      gdt
idtr:   dw      256 * 16 - 1
        dd      idt, 0

section .tss
        dd      0
        dd      stack_top, 0, 0, 0, 0, 0, 0, 0 ; RSP0 to RSP2
        dd      ist1_top, 0
        dq      0, 0, 0, 0, 0, 0
        dq      0
        dw      0, 104

section .bss
        alignb  4096
tables: resb    4 * 4096
idt:    resb    256 * 16
        resb    4096
stack_top:
        resb    4096
ist1_top:
        resb    4096
user_stack_top:
saved_rsp: resq 1
