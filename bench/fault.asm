; fault - page faults that a kernel repairs: each access of user code to one of 256 pages that are not there leads to the handler, which
; enters the page into its table and returns, so that the access is made again. Then the pages are taken away and CR3 is reloaded.
;; rounds: 6000
;; insns: 83096 + 5393 * n
;; faults: 256 * n

%include "bench.inc"

%define PAGES   256

        BENCH   6000
        PAGING_ON
        LOAD_TSS stack_top
        SET_GATE 14, page_fault
        SET_GATE 0x80, take_away
        SET_GATE 0x81, end
        lidt    [idtr]
        mov     eax, USER_DATA
        mov     ds, eax
        mov     es, eax
        push    dword USER_DATA
        push    dword user_stack_top
        push    dword 2
        push    dword USER_CODE
        push    dword user
        int     0x80                            ; all away, to begin with
        iretd                                   ; (with the segments of user code, which the kernel may use)

user:
.round: mov     esi, ARENA
        mov     ecx, PAGES
.touch: add     [esi], ecx
        add     esi, 4096
        dec     ecx
        jnz     .touch
        int     0x80
        dec     dword [rounds]
        jnz     .round
        int     0x81

end:    FINISH

; The page of CR2 becomes present.
page_fault:
        push    eax
        push    edx
        mov     edx, cr2
        mov     eax, edx
        and     eax, ~4095
        or      eax, 7
        shr     edx, 12
        mov     [page_tables + edx * 4], eax
        pop     edx
        pop     eax
        add     esp, 4                          ; the error code
        iretd

; None of the pages is present.
take_away:
        push    edi
        push    ecx
        push    eax
        mov     edi, page_tables + (ARENA >> 12) * 4
        mov     ecx, PAGES
        xor     eax, eax
.page:  mov     [edi], eax
        add     edi, 4
        dec     ecx
        jnz     .page
        mov     eax, cr3
        mov     cr3, eax
        pop     eax
        pop     ecx
        pop     edi
        iretd

section .data
idtr:   dw      256 * 8 - 1
        dd      idt

section .bss
        alignb  8
idt:    resq    256
        alignb  4096
        resb    4096
user_stack_top:
