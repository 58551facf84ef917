; compiled64 - what gcc makes of C for x86-64 (work.c): sorting with a callback, a sieve, hashing, formatting,
; a CRC. All data fits the first-level cache; the result is checked.
;; bits: 64
;; rounds: 500
;; insns: 98496 + 474067 * n

%include "bench.inc"

        extern  work

%define RESULT  0xa47bdc4d

        BENCH   500
        LONG_MODE
.round: call    work
        cmp     eax, RESULT
        jne     failed64
        dec     dword [rounds]
        jnz     .round
        FINISH64
