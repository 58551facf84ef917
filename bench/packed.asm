; packed - SSE2 on whole registers: single and double arithmetic, integer sums, logic, shifts and shuffles, aligned and unaligned
; loads and stores.
;; rounds: 30000
;; insns: 2441 + 1707 * n

%include "bench.inc"

%define COUNT   100

        BENCH   30000
        SSE_ON
        mov     edi, ARENA
        mov     ecx, COUNT * 4 + 4
        xor     eax, eax
.fill:  add     eax, 12345
        cvtsi2ss xmm0, eax
        movss   [edi], xmm0
        add     edi, 4
        dec     ecx
        jnz     .fill
.round: mov     edi, ARENA
        mov     ecx, COUNT
        pxor    xmm0, xmm0
        pxor    xmm7, xmm7
.next:  movaps  xmm1, [edi]
        movups  xmm2, [edi + 4]
        mulps   xmm2, xmm1
        addps   xmm0, xmm2
        pshufd  xmm3, xmm1, 0x1b
        paddd   xmm7, xmm3
        pand    xmm3, [mask]
        psrld   xmm3, 3
        pxor    xmm7, xmm3
        cvtps2pd xmm4, xmm1
        mulpd   xmm4, xmm4
        punpckldq xmm1, xmm2
        movaps  [edi + 0x1000], xmm1
        movupd  [edi + 0x2008], xmm4
        add     edi, 16
        dec     ecx
        jnz     .next
        movaps  [sum], xmm0
        dec     dword [rounds]
        jnz     .round
        FINISH

section .data
        align   16
mask:   dd      0x00ff00ff, 0x00ff00ff, 0x0f0f0f0f, 0x0f0f0f0f
sum:    dq      0, 0
