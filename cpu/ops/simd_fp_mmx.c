/*
 * Conversions between floating-point vectors and MMX registers. SDM Vol. 2A, under their names.
 */
#include "cpu/simd_fp.h"

static void set_mmx(struct cpu *cpu, unsigned n, uint64_t v)
{
    fpu_enter_mmx(&cpu->fpu);
    cpu->fpu.r[n] = (fp80){ v, 0xffff };
}

/* `to`: two elements of type T become two integers. */
#define TO_MMX(name, T, size, align, to)                                                                                     \
    SIMD_FP_EACH(name, i32, T, T, to)                                                                                        \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        struct fp_env env = simd_fp_env(cpu);                                                                                \
        const void *from;                                                                                                    \
        uint64_t v = 0;                                                                                                      \
                                                                                                                             \
        fpu_check_pending(cpu, i);                                                                                           \
        from = i->flags & INSN_MEM ? simd_source(cpu, i, size, align) : &cpu->vector[i->src];                                \
        body_##name(&env, i, &v, from, from, 2);                                                                             \
        simd_fp_check(cpu, i, &env);                                                                                         \
        set_mmx(cpu, i->dst, v);                                                                                             \
        CONTINUE;                                                                                                            \
    }
TO_MMX(cvtps2pi, fp32, 8, SIMD_UNALIGNED, fp32_to_i32(env, b))
TO_MMX(cvttps2pi, fp32, 8, SIMD_UNALIGNED, fp32_to_i32(truncating(env), b))
TO_MMX(cvtpd2pi, fp64, 16, SIMD_ALIGNED, fp64_to_i32(env, b))
TO_MMX(cvttpd2pi, fp64, 16, SIMD_ALIGNED, fp64_to_i32(truncating(env), b))

/* The memory form touches no MMX register: it does not wait for x87 exceptions and does not enter MMX state. The manual says so of CVTPI2PD
 * only (SDM Vol. 2A, "CVTPI2PD"); processors do it with CVTPI2PS too. */
#define FROM_MMX(name, T)                                                                                            \
    SIMD_FP_EACH(name, T, i32, i32, T##_from_i32(env, b))                                                                    \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        bool memory = i->flags & INSN_MEM;                                                                                   \
        struct fp_env env = simd_fp_env(cpu);                                                                                \
        const void *from;                                                                                                    \
        T r[2];                                                                                                              \
                                                                                                                             \
        if (!memory)                                                                                                           \
            fpu_check_pending(cpu, i);                                                                                       \
        from = memory ? simd_source(cpu, i, 8, SIMD_UNALIGNED) : &cpu->fpu.r[i->src].mant;                                   \
        body_##name(&env, i, r, from, from, 2);                                                                              \
        simd_fp_check(cpu, i, &env);                                                                                         \
        if (!memory)                                                                                                           \
            fpu_enter_mmx(&cpu->fpu);                                                                                        \
        memcpy(&cpu->vector[i->dst], r, sizeof(r));                                                                          \
        CONTINUE;                                                                                                            \
    }
FROM_MMX(cvtpi2ps, fp32)
FROM_MMX(cvtpi2pd, fp64)
