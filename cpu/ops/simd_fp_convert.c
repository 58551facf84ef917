/*
 * Conversions between the formats, to and from integers, and rounding to integral values. SDM Vol. 2A to 2C, under their names.
 */
#include "cpu/simd_fp.h"

/* The host does those of 128 bits. */
#define PACKED(name, size, count)                                                                                            \
    SIMD_FP_HOST_PACKED(name, size, fp_host_##name(SIMD_FP_HOST, b, &r), false)                                              \
    SIMD_FP_PACKED_SIZED(name, size, count, host_##name)

/* ---- Between formats ---- */

SIMD_FP_EACH(cvtps2pd, fp64, fp32, fp32, fp64_from_fp32(env, b))
SIMD_FP_EACH(cvtpd2ps, fp32, fp64, fp64, fp32_from_fp64(env, b))
SIMD_FP_EACH(cvtss2sd, fp64, fp32, fp32, fp64_from_fp32(env, b))
SIMD_FP_EACH(cvtsd2ss, fp32, fp64, fp64, fp32_from_fp64(env, b))
PACKED(cvtps2pd, 8, 2)
PACKED(cvtpd2ps, 16, 2)
SIMD_FP_HOST_SCALAR(cvtss2sd, fp64, fp32, REST_FIRST, fp_host_fp64_from_fp32(SIMD_FP_HOST, b, &r))
SIMD_FP_SCALAR(cvtss2sd, 4, host_cvtss2sd)
SIMD_FP_HOST_SCALAR(cvtsd2ss, fp32, fp64, REST_FIRST, fp_host_fp32_from_fp64(SIMD_FP_HOST, b, &r))
SIMD_FP_SCALAR(cvtsd2ss, 8, host_cvtsd2ss)

/* ---- Integers in vector registers ---- */

SIMD_FP_EACH(cvtdq2ps, fp32, i32, i32, fp32_from_i32(env, b))
SIMD_FP_EACH(cvtdq2pd, fp64, i32, i32, fp64_from_i32(env, b))
SIMD_FP_EACH(cvtps2dq, i32, fp32, fp32, fp32_to_i32(env, b))
SIMD_FP_EACH(cvttps2dq, i32, fp32, fp32, fp32_to_i32(truncating(env), b))
SIMD_FP_EACH(cvtpd2dq, i32, fp64, fp64, fp64_to_i32(env, b))
SIMD_FP_EACH(cvttpd2dq, i32, fp64, fp64, fp64_to_i32(truncating(env), b))
PACKED(cvtdq2ps, 16, 4)
PACKED(cvtdq2pd, 8, 2)
PACKED(cvtps2dq, 16, 4)
PACKED(cvttps2dq, 16, 4)
PACKED(cvtpd2dq, 16, 2)
PACKED(cvttpd2dq, 16, 2)

/* ---- To integral values ---- */

/* An immediate's rounding: bit 2 takes MXCSR's, bits 1:0 is it otherwise. SDM Vol. 2B, "ROUNDPD"; Vol. 2C, "VCVTPS2PH". */
static inline struct fp_env *by_immediate(struct fp_env *env, const struct cpu_insn *i)
{
    if (!(insn_imm8(i) & 4))
        env->rounding = insn_imm8(i) & 3;
    return env;
}

#define ROUND(name, T) SIMD_FP_EACH(name, T, T, T, T##_round(by_immediate(env, i), b, (insn_imm8(i) & 8) != 0))
ROUND(roundps, fp32)
ROUND(roundpd, fp64)
ROUND(roundss, fp32)
ROUND(roundsd, fp64)
SIMD_FP_PACKED(roundps, 4, simd_fp_soft)
SIMD_FP_PACKED(roundpd, 2, simd_fp_soft)
SIMD_FP_SCALAR(roundss, 4, simd_fp_soft)
SIMD_FP_SCALAR(roundsd, 8, simd_fp_soft)

/* ---- Integers in general registers ---- */

/* Not cut by the operand size prefix: 64 bits with REX.W or VEX.W, otherwise 32. */
static inline unsigned integer_bytes(const struct cpu_insn *i)
{
    return i->flags & INSN_OP64 ? 8 : 4;
}

/* `to`: the stand-in's name for it. */
#define TO_REGISTER(name, T, to, ENV)                                                                                        \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        const void *from = i->flags & INSN_MEM ? simd_source(cpu, i, sizeof(T), 1) : &cpu->vector[i->src];                   \
        bool wide = integer_bytes(i) == 8;                                                                                   \
        T v = *(const T##_at *)from;                                                                                         \
        int32_t narrow = 0;                                                                                                  \
        int64_t r;                                                                                                           \
                                                                                                                             \
        if (!(wide ? fp_host_##T##_##to##_i64(SIMD_FP_HOST, v, &r) : fp_host_##T##_##to##_i32(SIMD_FP_HOST, v, &narrow))) {  \
            struct fp_env env = simd_fp_env(cpu);                                                                            \
                                                                                                                             \
            if (wide)                                                                                                        \
                r = T##_to_i64(ENV, v);                                                                                      \
            else                                                                                                             \
                narrow = T##_to_i32(ENV, v);                                                                                 \
            simd_fp_check(cpu, i, &env);                                                                                     \
        }                                                                                                                    \
        if (wide)                                                                                                            \
            exec_set_reg(cpu, i->dst, 64, (uint64_t)r);                                                                      \
        else                                                                                                                 \
            exec_set_reg(cpu, i->dst, 32, (uint32_t)narrow);                                                                 \
        CONTINUE;                                                                                                            \
    }
TO_REGISTER(cvtss2si, fp32, to, &env)
TO_REGISTER(cvtsd2si, fp64, to, &env)
TO_REGISTER(cvttss2si, fp32, trunc, truncating(&env))
TO_REGISTER(cvttsd2si, fp64, trunc, truncating(&env))

/* The general register or memory. */
static int64_t integer_source(struct cpu *cpu, const struct cpu_insn *i)
{
    unsigned bytes = integer_bytes(i);
    uint64_t v = i->flags & INSN_MEM ? mem_read(cpu, i, mem_operand(cpu, i, EA_ANY, bytes, MEM_READ), bytes) : exec_reg(cpu, i->src, bytes * 8);

    return bytes == 8 ? (int64_t)v : (int32_t)v;
}

#define FROM_REGISTER_(name, T, vex)                                                                                         \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        union cpu_vector *d = &cpu->vector[i->dst];                                                                          \
        int64_t n = integer_source(cpu, i);                                                                                  \
        T v;                                                                                                                 \
                                                                                                                             \
        if (!fp_host_##T##_from_i64(SIMD_FP_HOST, n, &v)) {                                                                  \
            struct fp_env env = simd_fp_env(cpu);                                                                            \
                                                                                                                             \
            v = T##_from_i64(&env, n);                                                                                       \
            simd_fp_check(cpu, i, &env);                                                                                     \
        }                                                                                                                    \
        if (vex) {                                                                                                           \
            memcpy(d, &cpu->vector[insn_vvvv(i)], 16);                                                                       \
            d->q[2] = d->q[3] = 0;                                                                                           \
        }                                                                                                                    \
        memcpy(d, &v, sizeof(v));                                                                                            \
        CONTINUE;                                                                                                            \
    }
#define FROM_REGISTER(name, T) FROM_REGISTER_(name, T, false) FROM_REGISTER_(v##name, T, true)
FROM_REGISTER(cvtsi2ss, fp32)
FROM_REGISTER(cvtsi2sd, fp64)

/* ---- Half precision ---- */

SIMD_FP_EACH(vcvtph2ps, fp32, fp16, fp16, fp32_from_fp16(env, b))
SIMD_FP_PACKED_SIZED(vcvtph2ps, 8, 4, simd_fp_soft)

/* The destination comes first, and may be memory: it is checked before the elements, and written before MXCSR, for the write may have to
 * wait for a step of its own. */
static void ps2ph_store(struct cpu *cpu, const struct cpu_insn *i, unsigned count, struct fp_env *env)
{
    sim_laddr laddr = mem_operand(cpu, i, EA_ANY, 2 * count, MEM_WRITE);
    fp16 r[8];
    uint8_t flags;

    mem_probe_write(cpu, i, laddr, 2 * count);
    for (unsigned n = 0; n < count; n++)
        r[n] = fp16_from_fp32(env, cpu->vector[i->src].d[n]);
    flags = simd_fp_raise_unmasked(cpu, i, env);
    mem_write_bytes(cpu, i, laddr, r, 2 * count);
    cpu->mxcsr |= flags;
}

static void ps2ph_register(struct cpu *cpu, const struct cpu_insn *i, unsigned count, struct fp_env *env)
{
    union cpu_vector r = { .q = { 0 } };

    for (unsigned n = 0; n < count; n++)
        r.w[n] = fp16_from_fp32(env, cpu->vector[i->src].d[n]);
    simd_fp_check(cpu, i, env);
    cpu->vector[i->dst] = r;
}

#define PS2PH(suffix, to, count)                                                                                             \
    static unsigned vcvtps2ph_##suffix(struct cpu *cpu, const struct cpu_insn *i)                                            \
    {                                                                                                                        \
        struct fp_env env = simd_fp_env(cpu);                                                                                \
                                                                                                                             \
        to(cpu, i, count, by_immediate(&env, i));                                                                            \
        CONTINUE;                                                                                                            \
    }
PS2PH(avx128_r, ps2ph_register, 4)
PS2PH(avx128_m, ps2ph_store, 4)
PS2PH(avx256_r, ps2ph_register, 8)
PS2PH(avx256_m, ps2ph_store, 8)
SIMD_TABLE(vcvtps2ph, SIMD_FP_SLOT_(vcvtps2ph, SIMD_AVX128, avx128), SIMD_FP_SLOT_(vcvtps2ph, SIMD_AVX256, avx256))
