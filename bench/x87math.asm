; x87math - the x87's functions: sine, cosine, tangent, arc tangent, powers and logarithms of 0.37 to 37.
;; rounds: 3000
;; insns: 8 + 2405 * n

%include "bench.inc"

        BENCH   3000
        fninit
.round: mov     ecx, 100
        fldz
.next:  fadd    dword [step]                    ; x
        fld     st0
        fsincos
        fmulp   st1, st0
        fld     st1
        fptan
        fpatan
        faddp   st1, st0                        ; a, x
        fld1
        fld     st2
        fyl2x                                   ; log2 x, a, x
        fld     st0
        frndint
        fsub    st1, st0
        fxch    st1
        f2xm1
        fld1
        faddp   st1, st0
        fscale                                  ; 2 to that power: x again
        fstp    st1
        faddp   st1, st0
        fstp    qword [result]
        dec     ecx
        jnz     .next
        fstp    st0
        dec     dword [rounds]
        jnz     .round
        FINISH

section .data
step:   dd      0.37
result: dq      0
