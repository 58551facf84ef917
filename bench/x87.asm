; x87 - a sum of products over doubles, as a compiler of the 387 writes it: FLD, FMUL, FADDP, FSTP with memory and stack, a comparison.
;; rounds: 30000
;; insns: 1611 + 1206 * n

%include "bench.inc"

%define COUNT   100

        BENCH   30000
        fninit
        mov     edi, ARENA
        mov     ecx, COUNT * 2
        xor     eax, eax
.fill:  add     eax, 12345
        mov     [edi], eax
        fild    dword [edi]
        fsqrt
        fstp    qword [edi]
        add     edi, 8
        dec     ecx
        jnz     .fill
.round: mov     edi, ARENA
        mov     ecx, COUNT
        fldz
.next:  fld     qword [edi]
        fmul    qword [edi + COUNT * 8]
        fadd    st1, st0
        fadd    dword [addend]
        fsub    st0, st1
        fstp    qword [edi + COUNT * 16]
        fld     st0
        fxch    st1
        fstp    st1
        add     edi, 8
        dec     ecx
        jnz     .next
        fstp    qword [sum]
        dec     dword [rounds]
        jnz     .round
        FINISH

section .data
addend: dd      1.5
sum:    dq      0
