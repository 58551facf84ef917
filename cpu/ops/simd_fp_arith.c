/*
 * Floating-point arithmetic on vectors, and its approximations.
 */
#include "cpu/simd_fp.h"

/* The packed and scalar, single and double forms of one operation. `...`: its operands, a and b or b alone. */
#define ARITHMETIC(name, ...)                                                                                                \
    SIMD_FP_EACH(name##ps, fp32, fp32, fp32, fp32_##name(env, __VA_ARGS__))                                                  \
    SIMD_FP_EACH(name##pd, fp64, fp64, fp64, fp64_##name(env, __VA_ARGS__))                                                  \
    SIMD_FP_EACH(name##ss, fp32, fp32, fp32, fp32_##name(env, __VA_ARGS__))                                                  \
    SIMD_FP_EACH(name##sd, fp64, fp64, fp64, fp64_##name(env, __VA_ARGS__))                                                  \
    SIMD_FP_HOST_PACKED(name##ps, 16, fp_host_fp32x4_##name(SIMD_FP_HOST, __VA_ARGS__, &r),                                  \
                        fp_host_fp32x8_##name(SIMD_FP_HOST, __VA_ARGS__, r))                                                 \
    SIMD_FP_HOST_PACKED(name##pd, 16, fp_host_fp64x2_##name(SIMD_FP_HOST, __VA_ARGS__, &r),                                  \
                        fp_host_fp64x4_##name(SIMD_FP_HOST, __VA_ARGS__, r))                                                 \
    SIMD_FP_HOST_SCALAR(name##ss, fp32, fp32, REST_FIRST, fp_host_fp32_##name(SIMD_FP_HOST, __VA_ARGS__, &r))                \
    SIMD_FP_HOST_SCALAR(name##sd, fp64, fp64, REST_FIRST, fp_host_fp64_##name(SIMD_FP_HOST, __VA_ARGS__, &r))                \
    SIMD_FP_PACKED(name##ps, 4, host_##name##ps)                                                                             \
    SIMD_FP_PACKED(name##pd, 2, host_##name##pd)                                                                             \
    SIMD_FP_SCALAR(name##ss, 4, host_##name##ss)                                                                             \
    SIMD_FP_SCALAR(name##sd, 8, host_##name##sd)

/* SDM Vol. 2A and 2B, under their names. */
ARITHMETIC(add, a, b)
ARITHMETIC(sub, a, b)
ARITHMETIC(mul, a, b)
ARITHMETIC(div, a, b)
ARITHMETIC(min, a, b)
ARITHMETIC(max, a, b)
ARITHMETIC(sqrt, b)

/* ---- Horizontal ---- */

/* SDM Vol. 2A, "ADDSUBPS", "ADDSUBPD": even elements are subtracted, odd ones added. */
#define ADDSUB(name, T)                                                                                                      \
    SIMD_FP_BODY(name)                                                                                                       \
    {                                                                                                                        \
        const T##_at *a = first, *b = second;                                                                                \
        T##_at *r = result;                                                                                                  \
                                                                                                                             \
        for (unsigned n = 0; n < count; n++)                                                                                 \
            r[n] = n & 1 ? T##_add(env, a[n], b[n]) : T##_sub(env, a[n], b[n]);                                              \
    }
ADDSUB(addsubps, fp32)
ADDSUB(addsubpd, fp64)
SIMD_FP_PACKED(addsubps, 4, simd_fp_soft)
SIMD_FP_PACKED(addsubpd, 2, simd_fp_soft)

/* SDM Vol. 2A, "HADDPS", "HADDPD", "HSUBPS", "HSUBPD": in each 128 bits, pairs of the first source, then pairs of the second. */
#define HORIZONTAL(name, T, op, per_lane)                                                                                    \
    SIMD_FP_BODY(name)                                                                                                       \
    {                                                                                                                        \
        T##_at *r = result;                                                                                                  \
                                                                                                                             \
        for (unsigned n = 0; n < count; n++) {                                                                               \
            const T##_at *from = n % (per_lane) < (per_lane) / 2 ? first : second;                                           \
            unsigned pair = n / (per_lane) * (per_lane) + n % ((per_lane) / 2) * 2;                                          \
                                                                                                                             \
            r[n] = T##_##op(env, from[pair], from[pair + 1]);                                                                \
        }                                                                                                                    \
    }                                                                                                                        \
    SIMD_FP_PACKED(name, per_lane, simd_fp_soft)
HORIZONTAL(haddps, fp32, add, 4)
HORIZONTAL(haddpd, fp64, add, 2)
HORIZONTAL(hsubps, fp32, sub, 4)
HORIZONTAL(hsubpd, fp64, sub, 2)

/* ---- Dot products ---- */

/*
 * SDM Vol. 2A, "DPPS", "DPPD": imm[7:4] tells which products are made, imm[3:0] where the sum goes. It is made in each element, from its
 * own value and that of a partner: the pairs first, then (DPPS) the halves. So all elements get the same sum, unless several products
 * are NaNs; which one an element gets the manual does not say, and here as on Intel's processors its own value is the first operand of the
 * last addition, the second of the one before.
 *
 * Each step is an operation of its own to MXCSR: what it raises ends the instruction, with the flags of the steps before it.
 */
#define DOT_RUN(name, T, per_lane)                                                                                           \
    static void name##_run(struct cpu *cpu, const struct cpu_insn *i, enum cpu_simd_kind kind, const T##_at *b)              \
    {                                                                                                                        \
        unsigned imm = insn_imm8(i), count = kind == SIMD_AVX256 ? 2 * (per_lane) : (per_lane), size = kind == SIMD_SSE ? 16 : 32; \
        struct fp_env env = simd_fp_env(cpu);                                                                                \
        union cpu_vector *d = &cpu->vector[i->dst];                                                                          \
        const T##_at *a = (const T##_at *)(kind == SIMD_SSE ? d : &cpu->vector[insn_vvvv(i)]);                               \
        T v[2 * (per_lane)] = { 0 }, sum[2 * (per_lane)];                                                                    \
                                                                                                                             \
        for (unsigned n = 0; n < count; n++)                                                                                 \
            v[n] = imm >> (4 + n % (per_lane)) & 1 ? T##_mul(&env, a[n], b[n]) : 0;                                          \
        simd_fp_check(cpu, i, &env);                                                                                         \
        for (unsigned partner = 1; partner < (per_lane); partner <<= 1) {                                                    \
            env.flags = 0;                                                                                                   \
            for (unsigned n = 0; n < count; n++)                                                                             \
                sum[n] = 2 * partner == (per_lane) ? T##_add(&env, v[n], v[n ^ partner]) : T##_add(&env, v[n ^ partner], v[n]);  \
            simd_fp_check(cpu, i, &env);                                                                                     \
            memcpy(v, sum, count * sizeof(T));                                                                               \
        }                                                                                                                    \
        for (unsigned n = 0; n < count; n++)                                                                                 \
            v[n] = imm >> (n % (per_lane)) & 1 ? v[n] : 0;                                                                   \
        memcpy(d, v, size);                                                                                                  \
    }
#define DOT_HANDLER(name, suffix, kind, memory, size, align)                                                                 \
    static unsigned name##_##suffix(struct cpu *cpu, const struct cpu_insn *i)                                               \
    {                                                                                                                        \
        name##_run(cpu, i, kind, SIMD_SRC_(size, align, memory));                                                            \
        CONTINUE;                                                                                                            \
    }
#define DOT(name, T, per_lane)                                                                                               \
    DOT_RUN(name, T, per_lane)                                                                                               \
    DOT_HANDLER(name, sse_r, SIMD_SSE, 0, 16, 1) DOT_HANDLER(name, sse_m, SIMD_SSE, 1, 16, SIMD_ALIGNED)                     \
    DOT_HANDLER(name, avx128_r, SIMD_AVX128, 0, 16, 1) DOT_HANDLER(name, avx128_m, SIMD_AVX128, 1, 16, 1)

DOT(dpps, fp32, 4)
DOT_HANDLER(dpps, avx256_r, SIMD_AVX256, 0, 32, 1)
DOT_HANDLER(dpps, avx256_m, SIMD_AVX256, 1, 32, 1)
SIMD_TABLE(dpps, SIMD_FP_SLOT_(dpps, SIMD_SSE, sse), SIMD_FP_SLOT_(dpps, SIMD_AVX128, avx128), SIMD_FP_SLOT_(dpps, SIMD_AVX256, avx256))
DOT(dppd, fp64, 2)
SIMD_TABLE(dppd, SIMD_FP_SLOT_(dppd, SIMD_SSE, sse), SIMD_FP_SLOT_(dppd, SIMD_AVX128, avx128))

/* ---- Approximations ---- */

enum { FRACTION = 23, KEPT = 12, BIAS = 127, EMAX = 255 };
#define QUIET_BIT 0x00400000u
#define INFINITE  0x7f800000u
#define SIGN      0x80000000u

/* `v`: the significand, cut off one bit behind those that are kept; its leading 1 counts up the exponent. */
static fp32 approximate(fp32 sign, int exp, uint64_t v)
{
    return sign | (((fp32)(exp - 1) << FRACTION) + ((fp32)((v + 1) >> 1) << (FRACTION - KEPT)));
}

/*
 * SDM Vol. 2B, "RCPPS": any value within 1.5 * 2^-12 of 1/a, relatively. Here it is 1/a to the nearest with 12 bits behind the leading 1,
 * so that it is within 2^-13. Denormals are zeros, and so is a result that would be one; neither MXCSR's controls nor its flags take part.
 */
static fp32 reciprocal(fp32 a)
{
    fp32 sign = a & SIGN, fraction = a & ((1u << FRACTION) - 1);
    int exp = a >> FRACTION & EMAX;

    if (exp == EMAX)
        return fraction ? a | QUIET_BIT : sign;
    if (exp == 0)
        return sign | INFINITE;
    if (exp > BIAS + 126 || (exp == BIAS + 126 && fraction))
        return sign;
    if (!fraction)
        return sign | (fp32)(2 * BIAS - exp) << FRACTION;
    /* 1 < m < 2: 1 < 2/m < 2 */
    return approximate(sign, 2 * BIAS - 1 - exp, (1ull << (KEPT + 2 + FRACTION)) / (fraction | 1u << FRACTION));
}

/* 2 / sqrt(m) with KEPT + 1 bits behind the leading 1, cut off, where 1 < m < 4 is `m` / 2^FRACTION: the greatest r with r * r * m <= 4. */
static uint64_t double_inverse_root(uint64_t m)
{
    uint64_t r = 1u << (KEPT + 1);

    for (uint64_t bit = r >> 1; bit; bit >>= 1)
        if ((r | bit) * (r | bit) * m <= 1ull << (2 * (KEPT + 2) + FRACTION))
            r |= bit;
    return r;
}

/* SDM Vol. 2B, "RSQRTPS": likewise, of the square root. Negative numbers give the indefinite, zeros infinity of their sign. */
static fp32 reciprocal_root(fp32 a)
{
    fp32 fraction = a & ((1u << FRACTION) - 1);
    int exp = a >> FRACTION & EMAX, half;
    uint64_t m = fraction | 1u << FRACTION;

    if (exp == EMAX && fraction)
        return a | QUIET_BIT;
    if (exp == 0)
        return (a & SIGN) | INFINITE;
    if (a & SIGN)
        return FP32_INDEFINITE;
    if (exp == EMAX)
        return 0;
    half = (exp - BIAS) & 1 ? (exp - BIAS - 1) / 2 : (exp - BIAS) / 2;
    m <<= (exp - BIAS) & 1; /* 1 <= m / 2^23 < 4 */
    if (m == 1u << FRACTION)
        return (fp32)(BIAS - half) << FRACTION;
    return approximate(0, BIAS - 1 - half, double_inverse_root(m));
}

SIMD_FP_EACH(rcpps, fp32, fp32, fp32, reciprocal(b))
SIMD_FP_EACH(rcpss, fp32, fp32, fp32, reciprocal(b))
SIMD_FP_EACH(rsqrtps, fp32, fp32, fp32, reciprocal_root(b))
SIMD_FP_EACH(rsqrtss, fp32, fp32, fp32, reciprocal_root(b))
SIMD_FP_PACKED(rcpps, 4, simd_fp_soft)
SIMD_FP_SCALAR(rcpss, 4, simd_fp_soft)
SIMD_FP_PACKED(rsqrtps, 4, simd_fp_soft)
SIMD_FP_SCALAR(rsqrtss, 4, simd_fp_soft)
