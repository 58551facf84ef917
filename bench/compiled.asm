; compiled - what gcc makes of C (work.c): sorting with a callback, a sieve, hashing, formatting,
; a CRC. All data fits the first-level cache; the result is checked.
;; rounds: 500
;; insns: 7 + 529005 * n

%include "bench.inc"

        extern  work

%define RESULT  0xa47bdc4d

        BENCH   500
.round: call    work
        cmp     eax, RESULT
        jne     failed
        dec     dword [rounds]
        jnz     .round
        FINISH
