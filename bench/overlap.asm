; overlap - copies whose source and destination overlap, where bulk execution must step aside or
; think: a byte spread by REP MOVSB one ahead, a pattern of 12 bytes spread by REP MOVSD, and a
; memmove() downwards with the direction flag set. 4 KiB each. An iteration counts as an instruction.
;; rounds: 20000
;; insns: 8 + 9233 * n
;; reps: 3 * n

%include "bench.inc"

%define BYTES   4096

        BENCH   20000
.round: cld
        mov     esi, ARENA
        mov     edi, ARENA + 1
        mov     ecx, BYTES
        mov     al, [rounds]
        mov     [esi], al
        rep movsb
        cmp     al, [edi - 1]
        jne     failed
        mov     esi, ARENA
        mov     edi, ARENA + 12
        mov     ecx, BYTES / 4
        rep movsd
        std
        mov     esi, ARENA + BYTES - 1
        mov     edi, ARENA + BYTES + 99
        mov     ecx, BYTES
        rep movsb
        dec     dword [rounds]
        jnz     .round
        cld
        FINISH
