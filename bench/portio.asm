; portio - port accesses: OUT to the POST port 80h and IN from port 61h, one of each in turn.
;; rounds: 10000
;; insns: 7 + 5003 * n

%include "bench.inc"

        BENCH   10000
.round: mov     ecx, 1000
.access: out    0x80, al
        in      al, 0x61
        add     ebx, eax
        dec     ecx
        jnz     .access
        dec     dword [rounds]
        jnz     .round
        FINISH
