; switch - two processes that yield to each other: INT 80h, registers saved, the other's kernel
; stack and page directory loaded, IRET into it. Each writes one page of its own in between, at the
; same linear address.
;; rounds: 1000
;; insns: 89227 + 27000 * n
;; reps: 1

%include "bench.inc"

%define PRIVATE 0x08000000                      ; 128 MiB: beyond what PAGING_ON maps

        BENCH   1000
        PAGING_ON
        LOAD_TSS 0
        SET_GATE 0x80, yield
        lidt    [idtr]
        imul    eax, [rounds], 1000
        mov     [left], eax
        mov     esi, page_directory             ; a directory each: the common map and one table
        mov     edi, directory_a
        mov     ecx, 1024
        cld
.copy:  mov     eax, [esi]
        mov     [edi], eax
        mov     [edi + 4096], eax
        add     esi, 4
        add     edi, 4
        dec     ecx
        jnz     .copy
        mov     dword [directory_a + (PRIVATE >> 22) * 4], table_a + 7
        mov     dword [directory_b + (PRIVATE >> 22) * 4], table_b + 7
        mov     dword [table_a], page_a + 7
        mov     dword [table_b], page_b + 7
        mov     esi, frame                      ; B starts as if it had yielded
        mov     edi, kernel_b - frame_bytes
        mov     ecx, frame_bytes / 4
        rep movsd
        mov     dword [other_stack], kernel_b - frame_bytes
        mov     dword [other_cr3], directory_b
        mov     dword [other_top], kernel_b
        mov     dword [tss + 4], kernel_a
        mov     eax, directory_a
        mov     cr3, eax
        mov     esp, user_frame                 ; and A is entered
        mov     eax, USER_DATA
        mov     ds, eax
        mov     es, eax
        iretd

user:   inc     dword [PRIVATE]
        int     0x80
        jmp     user

yield:  cld
        push    es
        push    ds
        pushad
        mov     edx, DATA
        mov     ds, edx
        mov     es, edx
        dec     dword [left]
        jz      .end
        mov     ebx, cr3                        ; exchange with the other
        mov     ecx, [tss + 4]
        mov     eax, [other_stack]
        mov     [other_stack], esp
        mov     esp, eax
        mov     eax, [other_top]
        mov     [other_top], ecx
        mov     [tss + 4], eax
        mov     eax, [other_cr3]
        mov     [other_cr3], ebx
        mov     cr3, eax
        popad
        pop     ds
        pop     es
        iretd
.end:   FINISH

section .data
idtr:   dw      256 * 8 - 1
        dd      idt
frame:  times   8 dd 0                          ; POPAD
        dd      USER_DATA, USER_DATA            ; DS, ES
user_frame:
        dd      user, USER_CODE, 2, 0, USER_DATA
frame_bytes equ $ - frame

section .bss
        alignb  4096
directory_a: resb 4096
directory_b: resb 4096
table_a: resb   4096
table_b: resb   4096
page_a: resb    4096
page_b: resb    4096
        resb    4096
kernel_a: resb  4096
kernel_b:
idt:    resq    256
left:   resd    1
other_stack: resd 1
other_cr3: resd 1
other_top: resd 1
