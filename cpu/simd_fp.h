/*
 * How floating-point vector instructions are written.
 *
 * The arithmetic is cpu/fp/, element by element. A body computes all elements of one form, in an environment that MXCSR gave, and
 * knows nothing of registers, memory and exceptions:
 *
 *     SIMD_FP_EACH(addps, fp32, fp32, fp32, fp32_add(env, a, b))        // SDM Vol. 2A, "ADDPS"
 *     SIMD_FP_PACKED(addps, 4, simd_fp_soft)                             // SSE, AVX 128 and 256
 *
 * simd_fp_run() does the rest, for all of them alike:
 *
 *   - the flags of all elements are ORed. When an exception of the operands (IE, DE, ZE) is unmasked in any element, those of the results
 *     (OE, UE, PE) are not noted at all (fp_raised())
 *   - MXCSR gets the flags, also when the exception is then raised: #XM, or #UD without CR4.OSXMMEXCPT
 *   - only then is the destination written. What the body leaves alone in it is zero, or (scalars) comes from the first source; legacy
 *     forms leave bits 255:128, VEX ones clear them
 *
 * Before it, a handler tries what the host can do itself (cpu/fp/fp_host.h): SIMD_FP_HOST_PACKED and its like make such an attempt, which
 * stands in the place of simd_fp_soft, the one that never succeeds.
 *
 * SDM Vol. 1, "SSE, SSE2, and SSE3 exceptions"; appendix "Guidelines for writing SIMD floating-point exception handlers".
 */
#ifndef LIBSIM_CPU_SIMD_FP_H
#define LIBSIM_CPU_SIMD_FP_H

#include "cpu/fp/fp_host.h"
#include "cpu/simd.h"

enum {
    MXCSR_DAZ = 1 << 6, MXCSR_MASKS_SHIFT = 7, MXCSR_RC_SHIFT = 13, MXCSR_FTZ = 1 << 15
};

/* The environment of an instruction that begins. */
static inline struct fp_env simd_fp_env(const struct cpu *cpu)
{
    uint32_t m = cpu->mxcsr;

    return (struct fp_env){ .rounding = m >> MXCSR_RC_SHIFT & 3, .masked = m >> MXCSR_MASKS_SHIFT & FP_ALL, .precision = 64,
                            .daz = (m & MXCSR_DAZ) != 0, .ftz = (m & MXCSR_FTZ) != 0 };
}

/* For the conversions with T in their names. */
static inline struct fp_env *truncating(struct fp_env *env)
{
    env->rounding = FP_TOWARD_ZERO;
    return env;
}

/* To be called after the last element, before anything is written: notes the flags, and raises what is not masked. */
void simd_fp_check(struct cpu *cpu, const struct cpu_insn *i, const struct fp_env *env);

/* The same in two parts, for what can still fault afterwards: raises, and returns the flags to be noted. */
uint8_t simd_fp_raise_unmasked(struct cpu *cpu, const struct cpu_insn *i, const struct fp_env *env);

/* ---- Bodies ---- */

/* `count` elements into `result`, whose other bits are set already. `first`: the first source; `second`: the second, or the only one. They
 * are not where `result` is; `second` may lie in guest memory, unaligned. */
typedef void simd_fp_body(struct fp_env *env, const struct cpu_insn *i, void *result, const void *first, const void *second, unsigned count);

typedef uint16_t fp16_at __attribute__((aligned(1), may_alias));
typedef uint32_t fp32_at __attribute__((aligned(1), may_alias));
typedef uint64_t fp64_at __attribute__((aligned(1), may_alias));
typedef int32_t i32_at __attribute__((aligned(1), may_alias));

#define SIMD_FP_BODY(name)                                                                                                   \
    static void body_##name(struct fp_env *env __attribute__((unused)), const struct cpu_insn *i __attribute__((unused)),    \
                            void *result, const void *first __attribute__((unused)), const void *second, unsigned count)

/* Each element by an expression of those of the sources, a and b, and of what the destination held, d. R, A, B: their types. */
#define SIMD_FP_EACH(name, R, A, B, expression)                                                                              \
    SIMD_FP_BODY(name)                                                                                                       \
    {                                                                                                                        \
        for (unsigned n = 0; n < count; n++) {                                                                               \
            A##_at a __attribute__((unused)) = ((const A##_at *)first)[n];                                                   \
            B##_at b = ((const B##_at *)second)[n];                                                                          \
            R##_at d __attribute__((unused)) = ((R##_at *)result)[n];                                                        \
                                                                                                                             \
            ((R##_at *)result)[n] = (R##_at)(expression);                                                                    \
        }                                                                                                                    \
    }

/* ---- The host ---- */

/* True: the instruction is done. False: nothing has happened. */
#define SIMD_FP_ATTEMPT(name)                                                                                                \
    static inline __attribute__((always_inline)) bool name(struct cpu *cpu __attribute__((unused)),                          \
        const struct cpu_insn *i __attribute__((unused)), const enum cpu_simd_kind kind __attribute__((unused)),             \
        const void *from __attribute__((unused)))
SIMD_FP_ATTEMPT(simd_fp_soft) { return false; }

/* The first two arguments of a stand-in. */
#define SIMD_FP_HOST &cpu->fp_host, &cpu->mxcsr

static inline const union cpu_vector *simd_fp_first(const struct cpu *cpu, const struct cpu_insn *i, enum cpu_simd_kind kind)
{
    return &cpu->vector[kind == SIMD_SSE ? i->dst : insn_vvvv(i)];
}

/* An attempt host_name: `narrow` does 128 bits, `wide` 256 (in two halves), from a, b and d (the sources and the destination) to r. The
 * source has `size` bytes in 128 bits. */
#define SIMD_FP_HOST_PACKED(name, size, narrow, wide)                                                                        \
    SIMD_FP_ATTEMPT(host_##name)                                                                                             \
    {                                                                                                                        \
        union cpu_vector *to = &cpu->vector[i->dst];                                                                         \
                                                                                                                             \
        if (kind == SIMD_AVX256) {                                                                                           \
            fp_v128 a[2] __attribute__((unused)), b[2] __attribute__((unused)), d[2] __attribute__((unused)), r[2] = { { 0 } }; \
                                                                                                                             \
            memcpy(a, simd_fp_first(cpu, i, kind), 32);                                                                      \
            memcpy(b, from, 2 * (size));                                                                                     \
            memcpy(d, to, 32);                                                                                               \
            if (!(wide))                                                                                                     \
                return false;                                                                                                \
            memcpy(to, r, 32);                                                                                               \
        } else {                                                                                                             \
            fp_v128 a __attribute__((unused)), b = { 0 }, d __attribute__((unused)), r;                                      \
                                                                                                                             \
            memcpy(&a, simd_fp_first(cpu, i, kind), 16);                                                                     \
            memcpy(&b, from, size);                                                                                          \
            memcpy(&d, to, 16);                                                                                              \
            if (!(narrow))                                                                                                   \
                return false;                                                                                                \
            memcpy(to, &r, 16);                                                                                              \
            if (kind != SIMD_SSE)                                                                                            \
                to->q[2] = to->q[3] = 0;                                                                                     \
        }                                                                                                                    \
        return true;                                                                                                         \
    }
/* Likewise of the lowest element: `attempt` goes from a and d (of type R) and b (of type B) to r. */
#define SIMD_FP_HOST_SCALAR(name, R, B, rest, attempt)                                                                       \
    SIMD_FP_ATTEMPT(host_##name)                                                                                             \
    {                                                                                                                        \
        union cpu_vector *to = &cpu->vector[i->dst];                                                                         \
        R a __attribute__((unused)) = *(const R##_at *)simd_fp_first(cpu, i, kind), d __attribute__((unused)) = *(const R##_at *)to, r; \
        B b = *(const B##_at *)from;                                                                                         \
                                                                                                                             \
        if (!(attempt))                                                                                                      \
            return false;                                                                                                    \
        if (kind != SIMD_SSE) {                                                                                              \
            if ((rest) == REST_FIRST)                                                                                        \
                memcpy(to, simd_fp_first(cpu, i, kind), 16);                                                                 \
            to->q[2] = to->q[3] = 0;                                                                                         \
        }                                                                                                                    \
        memcpy(to, &r, sizeof(r));                                                                                           \
        return true;                                                                                                         \
    }

/* ---- Forms ---- */

/* What `result` holds before the body: zeros, the first source's bits 127:0, the whole destination. */
enum simd_fp_rest { REST_ZERO, REST_FIRST, REST_DESTINATION };

/* What of an instruction's form is fixed. */
struct simd_fp_form {
    enum cpu_simd_kind kind;
    enum simd_fp_rest rest;
    unsigned count; /* elements of the result */
};

/* `b` is where the second source can be read: simd_source(), or the register. */
void simd_fp_run(struct cpu *cpu, const struct cpu_insn *i, struct simd_fp_form form, simd_fp_body *body, const void *b);

/* Where the memory operand lies in RAM that is at hand, or NULL. */
static inline __attribute__((always_inline)) const void *simd_fp_hit(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align)
{
    sim_laddr laddr = i->flags & INSN_AD64 ? MEM_SUM(cpu, i) : (uint32_t)MEM_SUM(cpu, i);

    return CPU_LIKELY(i->flat && !(laddr & (align - 1))) ? mem_fast(cpu->fast_read, laddr, size) : NULL;
}

/* One handler, and what it leaves to when the attempt fails, so that it needs no frame. `size` and `align` are those of the memory
 * operand. */
#define SIMD_FP_HANDLER_(name, suffix, kind, memory, rest, size, align, count, attempt)                                      \
    static __attribute__((noinline)) unsigned name##_soft_##suffix(struct cpu *cpu, const struct cpu_insn *i)                \
    {                                                                                                                        \
        simd_fp_run(cpu, i, (struct simd_fp_form){ kind, rest, count }, body_##name, SIMD_SRC_(size, align, memory));        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    static unsigned name##_##suffix(struct cpu *cpu, const struct cpu_insn *i)                                               \
    {                                                                                                                        \
        const void *from = (memory) ? simd_fp_hit(cpu, i, size, align) : (const void *)&cpu->vector[i->src];                 \
                                                                                                                             \
        if (!CPU_LIKELY(from && attempt(cpu, i, kind, from)))                                                                \
            return name##_soft_##suffix(cpu, i);                                                                             \
        CONTINUE;                                                                                                            \
    }
/* Register and memory form. */
#define SIMD_FP_BOTH_(name, suffix, kind, rest, size, align, count, attempt)                                                 \
    SIMD_FP_HANDLER_(name, suffix##_r, kind, 0, rest, size, align, count, attempt)                                           \
    SIMD_FP_HANDLER_(name, suffix##_m, kind, 1, rest, size, align, count, attempt)
#define SIMD_FP_SSE_(name, rest, size, align, count, attempt) SIMD_FP_BOTH_(name, sse, SIMD_SSE, rest, size, align, count, attempt)
#define SIMD_FP_AVX_(name, rest, size, count, attempt)        SIMD_FP_BOTH_(name, avx128, SIMD_AVX128, rest, size, 1, count, attempt)
#define SIMD_FP_AVX256_(name, rest, size, count, attempt)     SIMD_FP_BOTH_(name, avx256, SIMD_AVX256, rest, size, 1, count, attempt)

#define SIMD_FP_SLOT_(name, KIND, suffix) [KIND] = { name##_##suffix##_r, name##_##suffix##_m }

/* All of a register: `count` elements in 128 bits, from a source that has `size` bytes then (16 but for some conversions). Memory must be
 * aligned in legacy forms that read 16 bytes. */
#define SIMD_FP_PACKED_SIZED(name, size, count, attempt)                                                                     \
    SIMD_FP_SSE_(name, REST_ZERO, size, (size) == 16 ? SIMD_ALIGNED : SIMD_UNALIGNED, count, attempt)                        \
    SIMD_FP_AVX_(name, REST_ZERO, size, count, attempt)                                                                      \
    SIMD_FP_AVX256_(name, REST_ZERO, 2 * (size), 2 * (count), attempt)                                                       \
    SIMD_TABLE(name, SIMD_FP_SLOT_(name, SIMD_SSE, sse), SIMD_FP_SLOT_(name, SIMD_AVX128, avx128),                           \
               SIMD_FP_SLOT_(name, SIMD_AVX256, avx256))
#define SIMD_FP_PACKED(name, count, attempt) SIMD_FP_PACKED_SIZED(name, 16, count, attempt)

/* The lowest element; the others of 128 bits come from the first source. */
#define SIMD_FP_SCALAR(name, size, attempt)                                                                                  \
    SIMD_FP_SSE_(name, REST_FIRST, size, 1, 1, attempt) SIMD_FP_AVX_(name, REST_FIRST, size, 1, attempt)                     \
    SIMD_TABLE(name, SIMD_FP_SLOT_(name, SIMD_SSE, sse), SIMD_FP_SLOT_(name, SIMD_AVX128, avx128))

/* Three operands, of which the destination is one: VEX only. */
#define SIMD_FP_FUSED(name, count, attempt)                                                                                  \
    SIMD_FP_AVX_(name, REST_DESTINATION, 16, count, attempt)                                                                 \
    SIMD_FP_AVX256_(name, REST_DESTINATION, 32, 2 * (count), attempt)                                                        \
    SIMD_TABLE(name, SIMD_FP_SLOT_(name, SIMD_AVX128, avx128), SIMD_FP_SLOT_(name, SIMD_AVX256, avx256))
#define SIMD_FP_FUSED_SCALAR(name, size, attempt)                                                                            \
    SIMD_FP_AVX_(name, REST_DESTINATION, size, 1, attempt) SIMD_TABLE(name, SIMD_FP_SLOT_(name, SIMD_AVX128, avx128))

#endif
