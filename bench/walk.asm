; walk - paging without locality: add to a random dword of 16 MiB, 4 KiB pages all different from
; one access to the next. Measures what a TLB miss and a host cache miss cost.
;; rounds: 10000
;; insns: 82021 + 8003 * n

%include "bench.inc"

        BENCH   10000
        PAGING_ON
        mov     ebx, 1
.round: mov     ecx, 1000
.access: imul   ebx, ebx, 1664525
        add     ebx, 1013904223
        mov     edx, ebx
        shr     edx, 8
        and     edx, ~3
        add     [ARENA + edx], ebx
        dec     ecx
        jnz     .access
        dec     dword [rounds]
        jnz     .round
        FINISH
