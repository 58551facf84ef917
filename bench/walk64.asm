; walk64 - the work of `walk` in 64-bit mode: a page table has a quarter of the reach and two levels more above it.
;; bits: 64
;; rounds: 10000
;; insns: 98497 + 8003 * n

%include "bench.inc"

        BENCH   10000
        LONG_MODE
        mov     ebx, 1
.round: mov     ecx, 1000
.access: imul   ebx, ebx, 1664525
        add     ebx, 1013904223
        mov     edx, ebx
        shr     edx, 8
        and     edx, ~7
        add     [ARENA + rdx], rbx
        dec     ecx
        jnz     .access
        dec     dword [rounds]
        jnz     .round
        FINISH64
