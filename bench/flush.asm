; flush - paging by a kernel that reloads CR3 often: 1000 additions to random dwords of 256 KiB, all
; of whose pages a TLB holds, then CR3 again.
;; rounds: 25000
;; insns: 82021 + 8005 * n

%include "bench.inc"

        BENCH   25000
        PAGING_ON
        mov     ebx, 1
.round: mov     ecx, 1000
.access: imul   ebx, ebx, 1664525
        add     ebx, 1013904223
        mov     edx, ebx
        shr     edx, 14
        and     edx, ~3
        add     [ARENA + edx], ebx
        dec     ecx
        jnz     .access
        mov     eax, cr3
        mov     cr3, eax
        dec     dword [rounds]
        jnz     .round
        FINISH
