; sse - scalar double arithmetic as compilers write it for SSE2: loads, products and sums, a square root now and then, a comparison
; and conversions. The sum is checked.
;; rounds: 30000
;; insns: 1417 + 1309 * n

%include "bench.inc"

%define COUNT   100

        BENCH   30000
        SSE_ON
        mov     edi, ARENA
        mov     ecx, COUNT * 2
        xor     eax, eax
.fill:  add     eax, 12345
        cvtsi2sd xmm0, eax
        sqrtsd  xmm0, xmm0
        movsd   [edi], xmm0
        add     edi, 8
        dec     ecx
        jnz     .fill
.round: mov     edi, ARENA
        mov     ecx, COUNT
        pxor    xmm0, xmm0
        xor     ebx, ebx
.next:  movsd   xmm1, [edi]
        mulsd   xmm1, [edi + COUNT * 8]
        addsd   xmm0, xmm1
        movapd  xmm2, xmm0
        subsd   xmm2, [half]
        divsd   xmm1, xmm2
        ucomisd xmm1, [half]
        jbe     .small
        inc     ebx
.small: cvttsd2si eax, xmm2
        movsd   [edi + COUNT * 16], xmm1
        add     edi, 8
        dec     ecx
        jnz     .next
        movsd   [sum], xmm0
        dec     dword [rounds]
        jnz     .round
        FINISH

section .data
        align   8
half:   dq      0.5
sum:    dq      0
