; smc - code that patches itself: the immediate of an instruction in another page is written, then
; the function around it is called and must return the new value.
;; rounds: 1500
;; insns: 7 + 9003 * n

%include "bench.inc"

        BENCH   1500
.round: mov     ecx, 1000
.patch: mov     [patched + 1], ecx
        call    patched
        cmp     eax, ecx
        jne     failed
        dec     ecx
        jnz     .patch
        dec     dword [rounds]
        jnz     .round
        FINISH

section .data
        align   4096
patched: mov    eax, strict dword 0
        add     ebx, eax
        ret
        align   4096
