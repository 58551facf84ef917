; syscall - INT 80h from ring 3 to ring 0 and IRET back, with the registers saved, a table of calls
; looked up and two arguments added, as a small Unix does it. Paging is on.
;; rounds: 2000
;; insns: 82064 + 36003 * n

%include "bench.inc"

        BENCH   2000
        PAGING_ON
        LOAD_TSS stack_top
        SET_GATE 0x80, entry
        lidt    [idtr]
        mov     eax, USER_DATA
        mov     ds, eax
        mov     es, eax
        push    dword USER_DATA
        push    dword user_stack_top
        push    dword 2
        push    dword USER_CODE
        push    dword user
        iretd

user:
.round: mov     edi, 1000
.call:  mov     eax, 1                          ; call 1: add
        mov     ebx, edi
        mov     ecx, 5
        int     0x80
        dec     edi
        jnz     .call
        dec     dword [rounds]
        jnz     .round
        mov     eax, 0                          ; call 0: exit
        int     0x80

entry:  cld
        push    es
        push    ds
        push    eax
        push    ebp
        push    edi
        push    esi
        push    edx
        push    ecx
        push    ebx
        mov     edx, DATA
        mov     ds, edx
        mov     es, edx
        cmp     eax, 2
        jae     .bad
        call    [calls + eax * 4]
        mov     [esp + 24], eax
.leave: pop     ebx
        pop     ecx
        pop     edx
        pop     esi
        pop     edi
        pop     ebp
        pop     eax
        pop     ds
        pop     es
        iretd
.bad:   mov     dword [esp + 24], -1
        jmp     .leave

sys_exit: FINISH
sys_add: mov    eax, [esp + 4]
        add     eax, [esp + 8]
        ret

section .data
calls:  dd      sys_exit, sys_add
idtr:   dw      256 * 8 - 1
        dd      idt

section .bss
        alignb  8
idt:    resq    256
        alignb  4096
        resb    4096
user_stack_top:
