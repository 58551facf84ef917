; cmpsb - REPE CMPSB of two equal blocks of 4 KiB, as memcmp(). An iteration counts as an
; instruction.
;; rounds: 40000
;; insns: 16394 + 4102 * n
;; reps: n

%include "bench.inc"

%define BYTES   4096

        BENCH   40000
        mov     ecx, BYTES
        xor     eax, eax
.fill:  mov     [ARENA + ecx - 1], cl
        mov     [ARENA + 2 * BYTES + ecx - 1], cl
        dec     ecx
        jnz     .fill
        cld
.round: mov     esi, ARENA
        mov     edi, ARENA + 2 * BYTES
        mov     ecx, BYTES
        repe cmpsb
        jne     failed
        dec     dword [rounds]
        jnz     .round
        FINISH
