; movsb - REP MOVSB of 16 bytes, as a short memcpy(): what it costs to start a string instruction.
; Addresses advance by 17 through 64 KiB, so alignment varies. An iteration counts as an instruction.
;; rounds: 8000
;; insns: 8 + 22004 * n
;; reps: 1000 * n

%include "bench.inc"

%define LENGTH  16

        BENCH   8000
        cld
.round: mov     ebx, ARENA
        mov     edx, 1000
.copy:  mov     esi, ebx
        lea     edi, [ebx + 0x20000]
        mov     ecx, LENGTH
        rep movsb
        add     ebx, LENGTH + 1
        dec     edx
        jnz     .copy
        dec     dword [rounds]
        jnz     .round
        FINISH
