; chase - paging without locality, each address known only when the last load is done: a ring of
; 262144 pointers, one per 64 bytes of 16 MiB, in random order.
;; rounds: 10000
;; insns: 2965607 + 3003 * n

%include "bench.inc"

%define NODES   (16 << 20 >> 6)

        BENCH   10000
        PAGING_ON
        xor     eax, eax                        ; a full-period generator makes one ring of all
        mov     ecx, NODES
.node:  mov     edi, eax
        shl     edi, 6
        imul    eax, eax, 137413
        add     eax, 92821
        and     eax, NODES - 1
        mov     edx, eax
        shl     edx, 6
        add     edx, ARENA
        mov     [ARENA + edi], edx
        dec     ecx
        jnz     .node
        mov     eax, ARENA
.round: mov     ecx, 1000
.follow: mov    eax, [eax]
        dec     ecx
        jnz     .follow
        dec     dword [rounds]
        jnz     .round
        FINISH
