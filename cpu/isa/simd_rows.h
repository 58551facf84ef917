/*
 * Rows that come in families: an operation of MMX, SSE and AVX at the same opcode. Expanded by cpu/isa/simd_*.def.
 *
 * In the names: X without MMX; 1 with no operand in VEX.vvvv; I with an immediate; F for what AVX has at both lengths.
 */
#ifndef LIBSIM_CPU_ISA_SIMD_ROWS_H
#define LIBSIM_CPU_ISA_SIMD_ROWS_H

/* 66-prefixed SSE form, 128 bits by AVX, 256 by AVX2. */
#define SIMD_ROWS_X(map, opcode, name, set)                                                                                  \
    PFX(PF_66, map, opcode, EXT_R, #name, Vx, Wx, NO, V(name), ISA_SSE, set, 0, 0)                                           \
    VEX(PF_66 | VL0 | VWIG, map, opcode, EXT_R, "v" #name, Vx, Hx, Wx, NO, V(name), ISA_AVX, AVX, 0, 0)                      \
    VEX(PF_66 | VL1 | VWIG, map, opcode, EXT_R, "v" #name, Vx, Hx, Wx, NO, V(name), ISA_AVX, AVX2, 0, 0)
#define SIMD_ROWS_X1(map, opcode, name, set)                                                                                 \
    PFX(PF_66, map, opcode, EXT_R, #name, Vx, Wx, NO, V(name), ISA_SSE, set, 0, 0)                                           \
    VEX(PF_66 | VL0 | VWIG, map, opcode, EXT_R, "v" #name, Vx, Wx, NO, NO, V(name), ISA_AVX, AVX, 0, 0)                      \
    VEX(PF_66 | VL1 | VWIG, map, opcode, EXT_R, "v" #name, Vx, Wx, NO, NO, V(name), ISA_AVX, AVX2, 0, 0)
#define SIMD_ROWS_XI(opcode, name, set)                                                                                      \
    PFX(PF_66, 3, opcode, EXT_R, #name, Vx, Wx, Ib, V(name), ISA_SSE, set, 0, 0)                                             \
    VEX(PF_66 | VL0 | VWIG, 3, opcode, EXT_R, "v" #name, Vx, Hx, Wx, Ib, V(name), ISA_AVX, AVX, 0, 0)                        \
    VEX(PF_66 | VL1 | VWIG, 3, opcode, EXT_R, "v" #name, Vx, Hx, Wx, Ib, V(name), ISA_AVX, AVX2, 0, 0)

/* And the MMX form, which came with `mmx`. */
#define SIMD_ROWS(map, opcode, name, mmx, set)                                                                               \
    PFX(PF_NP, map, opcode, EXT_R, #name, Pq, Qq, NO, V(name), ISA_MMX, mmx, 0, 0)                                           \
    SIMD_ROWS_X(map, opcode, name, set)
#define SIMD_ROWS_1(map, opcode, name, mmx, set)                                                                             \
    PFX(PF_NP, map, opcode, EXT_R, #name, Pq, Qq, NO, V(name), ISA_MMX, mmx, 0, 0)                                           \
    SIMD_ROWS_X1(map, opcode, name, set)

/* An operation of floating-point names: any prefix, both lengths by AVX. `handler` may be that of an integer operation. */
#define SIMD_ROWS_F(prefix, opcode, name, handler, set)                                                                      \
    PFX(prefix, 1, opcode, EXT_R, #name, Vx, Wx, NO, V(handler), ISA_SSE, set, 0, 0)                                         \
    VEX(prefix | VLX | VWIG, 1, opcode, EXT_R, "v" #name, Vx, Hx, Wx, NO, V(handler), ISA_AVX, AVX, 0, 0)
#define SIMD_ROWS_F1(prefix, opcode, name, handler, set)                                                                     \
    PFX(prefix, 1, opcode, EXT_R, #name, Vx, Wx, NO, V(handler), ISA_SSE, set, 0, 0)                                         \
    VEX(prefix | VLX | VWIG, 1, opcode, EXT_R, "v" #name, Vx, Wx, NO, NO, V(handler), ISA_AVX, AVX, 0, 0)

#endif
