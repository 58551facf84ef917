/*
 * Fused multiply-add: SDM Vol. 2C, "VFMADD132PS" and so on.
 *
 * The number in a name orders the operands: 132 multiplies the first by the third and adds the second. So do NaNs: fp32_fma() takes them
 * from its arguments in the order factor, factor, addend, of which the factors are swapped in 213.
 */
#include "cpu/simd_fp.h"

/* d: the first operand, a: the second (VEX.vvvv), b: the third. */
#define OPERANDS_132 d, b, a
#define OPERANDS_213 a, d, b
#define OPERANDS_231 a, b, d
/* So that the operands become three arguments first. */
#define CALL(f, ...) f(__VA_ARGS__)

/* `product`, `addend`: whether it is negated. */
#define FMA_PACKED(name, T, narrow, wide, lanes, operands, product, addend)                                                  \
    SIMD_FP_EACH(name, T, T, T, CALL(T##_fma, env, operands, product, addend))                                               \
    SIMD_FP_HOST_PACKED(name, 16, CALL(fp_host_##narrow##_fma, SIMD_FP_HOST, operands, product, addend, &r),                 \
                        CALL(fp_host_##wide##_fma, SIMD_FP_HOST, operands, product, addend, r))                              \
    SIMD_FP_FUSED(name, lanes, host_##name)
#define FMA_SCALAR(name, T, operands, product, addend)                                                                       \
    SIMD_FP_EACH(name, T, T, T, CALL(T##_fma, env, operands, product, addend))                                               \
    SIMD_FP_HOST_SCALAR(name, T, T, REST_DESTINATION, CALL(fp_host_##T##_fma, SIMD_FP_HOST, operands, product, addend, &r))  \
    SIMD_FP_FUSED_SCALAR(name, sizeof(T), host_##name)
#define FMA(name, order, product, addend)                                                                                    \
    FMA_PACKED(name##order##ps, fp32, fp32x4, fp32x8, 4, OPERANDS_##order, product, addend)                                  \
    FMA_PACKED(name##order##pd, fp64, fp64x2, fp64x4, 2, OPERANDS_##order, product, addend)                                  \
    FMA_SCALAR(name##order##ss, fp32, OPERANDS_##order, product, addend)                                                     \
    FMA_SCALAR(name##order##sd, fp64, OPERANDS_##order, product, addend)
/* Alternating: there is no scalar form. `even`: whether the addends of even elements are negated; those of odd ones are otherwise. */
#define FMA_ALTERNATE(name, order, even)                                                                                     \
    SIMD_FP_EACH(name##order##ps, fp32, fp32, fp32, CALL(fp32_fma, env, OPERANDS_##order, false, (n & 1) != (even)))         \
    SIMD_FP_FUSED(name##order##ps, 4, simd_fp_soft)                                                                          \
    SIMD_FP_EACH(name##order##pd, fp64, fp64, fp64, CALL(fp64_fma, env, OPERANDS_##order, false, (n & 1) != (even)))         \
    SIMD_FP_FUSED(name##order##pd, 2, simd_fp_soft)

#define FMA_ORDER(order)                                                                                                     \
    FMA(vfmadd, order, false, false)                                                                                         \
    FMA(vfmsub, order, false, true)                                                                                          \
    FMA(vfnmadd, order, true, false)                                                                                         \
    FMA(vfnmsub, order, true, true)                                                                                          \
    FMA_ALTERNATE(vfmaddsub, order, true)                                                                                    \
    FMA_ALTERNATE(vfmsubadd, order, false)
FMA_ORDER(132)
FMA_ORDER(213)
FMA_ORDER(231)
