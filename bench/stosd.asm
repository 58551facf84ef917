; stosd - REP STOSD of 64 KiB, as memset() of fresh pages. An iteration counts as an instruction.
;; rounds: 15000
;; insns: 8 + 16389 * n
;; reps: n

%include "bench.inc"

%define BYTES   65536

        BENCH   15000
        cld
.round: mov     edi, ARENA
        mov     ecx, BYTES / 4
        mov     eax, [rounds]
        rep stosd
        dec     dword [rounds]
        jnz     .round
        FINISH
