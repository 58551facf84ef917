; movsd - REP MOVSD of 64 KiB blocks, aligned, from one to the other, without paging.
; An iteration counts as an instruction.
;; rounds: 60000
;; insns: 8 + 16389 * n
;; reps: n

%include "bench.inc"

%define BYTES   65536

        BENCH   60000
        cld
.round: mov     esi, ARENA
        mov     edi, ARENA + 2 * BYTES
        mov     ecx, BYTES / 4
        rep movsd
        dec     dword [rounds]
        jnz     .round
        FINISH
