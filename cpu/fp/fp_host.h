/*
 * Fast stand-ins for fp.h: the host's own SSE and x87, where they give the very same bits and flags.
 *
 * A stand-in takes the guest's control and status and its operands. True: *r is the result and the flags are told. False: nothing has
 * happened, and the caller does it by fp.h, which alone knows everything. It is true when
 *   - the guest rounds to nearest, without DAZ and FTZ (x87: to 64 bits), and FP_UE and FP_PE are masked; and
 *   - the host set no flag but FP_PE: so no signalling NaN, denormal, division by zero, overflow or underflow was met.
 * What is left is what IEEE 754 defines to the bit, and a quiet NaN by the rule that all x86 processors share. Reading MXCSR and the x87
 * status word back costs less than looking at the operands would.
 *
 * The host's flags are sticky, and clearing them costs more than reading (the x87's: much more). So while the guest's FP_PE is set, another
 * one changes nothing and the host's is not cleared; other flags are cleared when met.
 *
 * Instructions are asm, not C: a compiler may swap operands, and the first of two NaNs counts. Where the host is no x86-64 processor, or
 * fp_host_selftest() found it to differ (valgrind computes the x87 in 64 bits and keeps no flags), all are false.
 *
 * Not here, because the soft way is as fast: x87 loads and stores of single and double.
 */
#ifndef LIBSIM_CPU_FP_FP_HOST_H
#define LIBSIM_CPU_FP_FP_HOST_H

#include "cpu/fp/fp.h"

/* Which stand-ins may be used; the caller keeps it. */
struct fp_host {
    uint32_t mxcsr; /* what the bits FP_HOST_MXCSR of the guest's must be; never equal when SSE is off */
    uint16_t cw;    /* likewise for the x87 and FP_HOST_CW */
    bool fma;       /* the host has FMA3 */
};

/* Compares some hundred operations with fp.h. Leaves the host's control registers as they were. */
void fp_host_selftest(struct fp_host *host);

/* Around a run: stand-ins rely on the default rounding, precision and masks, and on an empty x87 stack (the ABI gives that). The status
 * flags of the host are nobody's across calls (System V ABI, "Registers"). */
struct fp_host_saved { uint32_t mxcsr; uint16_t cw; };
void fp_host_enter(struct fp_host_saved *saved);
void fp_host_leave(const struct fp_host_saved *saved);

/* Four singles, two doubles, four integers. */
typedef uint64_t fp_v128 __attribute__((vector_size(16)));

/*
 * SSE; `mxcsr` is the guest's, and gets FP_PE. T: fp32, fp64. The wide ones work on two halves.
 *
 *     fp_host_T_add, sub, mul, div, min, max (host, mxcsr, T a, T b, T *r)
 *     fp_host_fp32x4_add ..., fp_host_fp64x2_add ... (host, mxcsr, fp_v128 a, fp_v128 b, fp_v128 *r)
 *     fp_host_fp32x8_add ..., fp_host_fp64x4_add ... (host, mxcsr, const fp_v128 a[2], const fp_v128 b[2], fp_v128 r[2])
 *     fp_host_T_sqrt and so on, with a alone
 *     fp_host_T_fma and so on, with c, negate_product, negate_addend (constants, please): as T_fma
 *     fp_host_T_compare (host, mxcsr, a, b, quiet, enum fp_relation *r)
 *     fp_host_fp32x4_cmp, fp_host_fp64x2_cmp (..., unsigned predicate, fp_v128 *r): CMPPS's eight; sets no flag
 *     fp_host_T_to_i32, to_i64, trunc_i32, trunc_i64, from_i32, from_i64; fp_host_fp64_from_fp32, fp_host_fp32_from_fp64
 *     fp_host_cvtps2dq, cvttps2dq, cvtdq2ps, cvtpd2dq, cvttpd2dq, cvtdq2pd, cvtps2pd, cvtpd2ps (host, mxcsr, fp_v128 a, fp_v128 *r)
 *
 * x87; `cw` and `sw` are the guest's, *flags gets FP_PE and FP_UP_ROUNDED (FP_PE also when it was set in `sw` before):
 *
 *     fp_host_fp80_add, sub, mul, div (host, cw, sw, const fp80 *a, const fp80 *b, fp80 *r, uint8_t *flags)
 *     fp_host_fp80_sqrt (host, cw, sw, a, r, flags)
 *     fp_host_fp80_compare (host, cw, a, b, quiet, enum fp_relation *r)
 *     fp_host_fp80_to_i16, to_i32, to_i64 (host, cw, sw, a, int16_t *r and so on, flags)
 */

/* ---- Private part ---- */

#define FP_HOST_INLINE static inline __attribute__((always_inline))

/* MXCSR: FTZ, RC, PM, UM, DAZ. Control word: RC, PC, PM, UM. */
enum { FP_HOST_MXCSR = 0xf840, FP_HOST_MXCSR_WANTED = 0x1800, FP_HOST_CW = 0xf30, FP_HOST_CW_WANTED = 0x330, FP_HOST_OFF = 1 };
/* IE, DE, ZE, OE, UE. */
enum { FP_HOST_OTHERS = FP_ALL & ~FP_PE };

#ifdef __x86_64__

FP_HOST_INLINE void fp_host_load_mxcsr(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

FP_HOST_INLINE bool fp_host_sse_begin(const struct fp_host *host, uint32_t mxcsr)
{
    if (__builtin_expect((mxcsr & FP_HOST_MXCSR) != host->mxcsr, 0))
        return false;
    if (__builtin_expect(!(mxcsr & FP_PE), 0)) {
        uint32_t v;

        __asm__ volatile("stmxcsr %0" : "=m"(v));
        if (v & FP_PE)
            fp_host_load_mxcsr(0x1f80);
    }
    return true;
}

FP_HOST_INLINE bool fp_host_sse_end(uint32_t *mxcsr)
{
    uint32_t v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    if (__builtin_expect(v & FP_HOST_OTHERS, 0)) {
        fp_host_load_mxcsr(0x1f80);
        return false;
    }
    if (__builtin_expect(!(*mxcsr & FP_PE), 0))
        *mxcsr |= v & FP_PE;
    return true;
}

#define FP_HOST_V(v) ((fp_v128){ (v), 0 })

/* r = r op a, or op a */
#define FP_HOST_ASM(insn, r, a) __asm__ volatile(insn " %1, %0" : "+x"(r) : "x"(a))

#define FP_HOST_BINARY_(name, T, insn)                                                                                        \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, T a, T b, T *r)                           \
    {                                                                                                                         \
        fp_v128 v = FP_HOST_V(a), w = FP_HOST_V(b);                                                                           \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        FP_HOST_ASM(insn, v, w);                                                                                              \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = (T)v[0];                                                                                                         \
        return true;                                                                                                          \
    }
#define FP_HOST_BINARY_V_(name, insn)                                                                                         \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, fp_v128 a, fp_v128 b, fp_v128 *r)         \
    {                                                                                                                         \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        FP_HOST_ASM(insn, a, b);                                                                                              \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = a;                                                                                                               \
        return true;                                                                                                          \
    }
#define FP_HOST_BINARY_W_(name, insn)                                                                                         \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, const fp_v128 a[2], const fp_v128 b[2],   \
                                       fp_v128 r[2])                                                                          \
    {                                                                                                                         \
        fp_v128 low = a[0], high = a[1], b0 = b[0], b1 = b[1];                                                                \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        FP_HOST_ASM(insn, low, b0);                                                                                           \
        FP_HOST_ASM(insn, high, b1);                                                                                          \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        r[0] = low;                                                                                                           \
        r[1] = high;                                                                                                          \
        return true;                                                                                                          \
    }
#define FP_HOST_UNARY_(name, T, insn)                                                                                         \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, T a, T *r)                                \
    {                                                                                                                         \
        fp_v128 v = FP_HOST_V(a);                                                                                             \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        FP_HOST_ASM(insn, v, v);                                                                                              \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = (T)v[0];                                                                                                         \
        return true;                                                                                                          \
    }
#define FP_HOST_UNARY_V_(name, insn)                                                                                          \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, fp_v128 a, fp_v128 *r)                    \
    {                                                                                                                         \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        FP_HOST_ASM(insn, a, a);                                                                                              \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = a;                                                                                                               \
        return true;                                                                                                          \
    }
#define FP_HOST_UNARY_W_(name, insn)                                                                                          \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, const fp_v128 a[2], fp_v128 r[2])         \
    {                                                                                                                         \
        fp_v128 low = a[0], high = a[1];                                                                                      \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        FP_HOST_ASM(insn, low, low);                                                                                          \
        FP_HOST_ASM(insn, high, high);                                                                                        \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        r[0] = low;                                                                                                           \
        r[1] = high;                                                                                                          \
        return true;                                                                                                          \
    }

/* b = a * b + c: the order of the NaNs is a, b, c (SDM Vol. 1, "Rules for handling NaNs"; VFMADD213). */
#define FP_HOST_FMA_ASM(suffix, a, b, c)                                                                                      \
    do {                                                                                                                      \
        if (!negate_product && !negate_addend)                                                                                \
            __asm__ volatile("vfmadd213" suffix " %2, %1, %0" : "+x"(b) : "x"(a), "x"(c));                                    \
        else if (!negate_product)                                                                                             \
            __asm__ volatile("vfmsub213" suffix " %2, %1, %0" : "+x"(b) : "x"(a), "x"(c));                                    \
        else if (!negate_addend)                                                                                              \
            __asm__ volatile("vfnmadd213" suffix " %2, %1, %0" : "+x"(b) : "x"(a), "x"(c));                                   \
        else                                                                                                                  \
            __asm__ volatile("vfnmsub213" suffix " %2, %1, %0" : "+x"(b) : "x"(a), "x"(c));                                   \
    } while (0)

#define FP_HOST_FMA_(name, T, suffix)                                                                                         \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, T a, T b, T c, bool negate_product,       \
                                       bool negate_addend, T *r)                                                              \
    {                                                                                                                         \
        fp_v128 va = FP_HOST_V(a), vb = FP_HOST_V(b), vc = FP_HOST_V(c);                                                      \
                                                                                                                              \
        if (!host->fma || !fp_host_sse_begin(host, *mxcsr))                                                                   \
            return false;                                                                                                     \
        FP_HOST_FMA_ASM(suffix, va, vb, vc);                                                                                  \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = (T)vb[0];                                                                                                        \
        return true;                                                                                                          \
    }
#define FP_HOST_FMA_V_(name, suffix)                                                                                          \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, fp_v128 a, fp_v128 b, fp_v128 c,          \
                                       bool negate_product, bool negate_addend, fp_v128 *r)                                   \
    {                                                                                                                         \
        if (!host->fma || !fp_host_sse_begin(host, *mxcsr))                                                                   \
            return false;                                                                                                     \
        FP_HOST_FMA_ASM(suffix, a, b, c);                                                                                     \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = b;                                                                                                               \
        return true;                                                                                                          \
    }
#define FP_HOST_FMA_W_(name, suffix)                                                                                          \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, const fp_v128 a[2], const fp_v128 b[2],   \
                                       const fp_v128 c[2], bool negate_product, bool negate_addend, fp_v128 r[2])             \
    {                                                                                                                         \
        fp_v128 a0 = a[0], a1 = a[1], low = b[0], high = b[1], c0 = c[0], c1 = c[1];                                          \
                                                                                                                              \
        if (!host->fma || !fp_host_sse_begin(host, *mxcsr))                                                                   \
            return false;                                                                                                     \
        FP_HOST_FMA_ASM(suffix, a0, low, c0);                                                                                 \
        FP_HOST_FMA_ASM(suffix, a1, high, c1);                                                                                \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        r[0] = low;                                                                                                           \
        r[1] = high;                                                                                                          \
        return true;                                                                                                          \
    }

#define FP_HOST_COMPARE_(name, T, suffix)                                                                                     \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, T a, T b, bool quiet, enum fp_relation *r) \
    {                                                                                                                         \
        fp_v128 v = FP_HOST_V(a), w = FP_HOST_V(b);                                                                           \
        bool unordered, equal, less;                                                                                          \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        if (quiet)                                                                                                            \
            __asm__ volatile("ucomi" suffix " %4, %3" : "=@ccp"(unordered), "=@ccz"(equal), "=@ccc"(less) : "x"(v), "x"(w));  \
        else                                                                                                                  \
            __asm__ volatile("comi" suffix " %4, %3" : "=@ccp"(unordered), "=@ccz"(equal), "=@ccc"(less) : "x"(v), "x"(w));   \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = unordered ? FP_UNORDERED : equal ? FP_EQUAL : less ? FP_LESS : FP_GREATER;                                       \
        return true;                                                                                                          \
    }
#define FP_HOST_CMP_CASE_(n, insn)                                                                                            \
    case n:                                                                                                                   \
        FP_HOST_ASM(insn, a, b);                                                                                              \
        break;
#define FP_HOST_CMP_(name, suffix)                                                                                            \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, fp_v128 a, fp_v128 b, unsigned predicate, \
                                       fp_v128 *r)                                                                            \
    {                                                                                                                         \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        switch (predicate & 7) {                                                                                              \
            FP_HOST_CMP_CASE_(0, "cmpeq" suffix)                                                                              \
            FP_HOST_CMP_CASE_(1, "cmplt" suffix)                                                                              \
            FP_HOST_CMP_CASE_(2, "cmple" suffix)                                                                              \
            FP_HOST_CMP_CASE_(3, "cmpunord" suffix)                                                                           \
            FP_HOST_CMP_CASE_(4, "cmpneq" suffix)                                                                             \
            FP_HOST_CMP_CASE_(5, "cmpnlt" suffix)                                                                             \
            FP_HOST_CMP_CASE_(6, "cmpnle" suffix)                                                                             \
            FP_HOST_CMP_CASE_(7, "cmpord" suffix)                                                                             \
        }                                                                                                                     \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = a;                                                                                                               \
        return true;                                                                                                          \
    }

/* To and from a general register. */
#define FP_HOST_TO_(name, T, I, insn)                                                                                         \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, T a, I *r)                                \
    {                                                                                                                         \
        fp_v128 v = FP_HOST_V(a);                                                                                             \
        I n;                                                                                                                  \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        __asm__ volatile(insn " %1, %0" : "=r"(n) : "x"(v));                                                                  \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = n;                                                                                                               \
        return true;                                                                                                          \
    }
#define FP_HOST_FROM_(name, T, I, insn)                                                                                       \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, uint32_t *mxcsr, I a, T *r)                                \
    {                                                                                                                         \
        fp_v128 v = FP_HOST_V(0);                                                                                             \
                                                                                                                              \
        if (!fp_host_sse_begin(host, *mxcsr))                                                                                 \
            return false;                                                                                                     \
        __asm__ volatile(insn " %1, %0" : "+x"(v) : "r"(a));                                                                  \
        if (!fp_host_sse_end(mxcsr))                                                                                          \
            return false;                                                                                                     \
        *r = (T)v[0];                                                                                                         \
        return true;                                                                                                          \
    }

/* The x87: the host's FP_PE is of this operation when the guest's was not set before; C1 always is. */
FP_HOST_INLINE bool fp_host_x87_begin(const struct fp_host *host, uint16_t cw, uint16_t sw)
{
    if (__builtin_expect((cw & FP_HOST_CW) != host->cw, 0))
        return false;
    if (!(sw & FP_PE)) {
        uint16_t v;

        __asm__ volatile("fnstsw %0" : "=a"(v));
        if (v & FP_PE)
            __asm__ volatile("fnclex");
    }
    return true;
}

FP_HOST_INLINE bool fp_host_x87_end(uint16_t status, uint8_t *flags)
{
    if (__builtin_expect(status & FP_HOST_OTHERS, 0)) {
        __asm__ volatile("fnclex");
        return false;
    }
    *flags = (uint8_t)((status & FP_PE) | (status >> 3 & FP_UP_ROUNDED)); /* C1 is bit 9 */
    return true;
}

/* st = a op b, with b in st(1) */
#define FP_HOST_X87_BINARY_(name, insn)                                                                                       \
    FP_HOST_INLINE bool fp_host_fp80_##name(const struct fp_host *host, uint16_t cw, uint16_t sw, const fp80 *a, const fp80 *b, \
                                            fp80 *r, uint8_t *flags)                                                          \
    {                                                                                                                         \
        fp80 v;                                                                                                               \
                                                                                                                              \
        if (!fp_host_x87_begin(host, cw, sw))                                                                                 \
            return false;                                                                                                     \
        __asm__ volatile("fldt %3\n\tfldt %2\n\t" insn " %%st(1), %%st\n\tfnstsw %1\n\tfstpt %0\n\tfstp %%st(0)"              \
                         : "=m"(v), "=&a"(sw)                                                                                 \
                         : "m"(*a), "m"(*b)                                                                                   \
                         : "st", "st(1)");                                                                                    \
        if (!fp_host_x87_end(sw, flags))                                                                                      \
            return false;                                                                                                     \
        r->mant = v.mant;                                                                                                     \
        r->se = v.se;                                                                                                         \
        return true;                                                                                                          \
    }
#define FP_HOST_X87_TO_(name, I, insn)                                                                                        \
    FP_HOST_INLINE bool fp_host_fp80_##name(const struct fp_host *host, uint16_t cw, uint16_t sw, const fp80 *a, I *r,        \
                                            uint8_t *flags)                                                                   \
    {                                                                                                                         \
        I v;                                                                                                                  \
                                                                                                                              \
        if (!fp_host_x87_begin(host, cw, sw))                                                                                 \
            return false;                                                                                                     \
        __asm__ volatile("fldt %2\n\t" insn " %0\n\tfnstsw %1" : "=m"(v), "=&a"(sw) : "m"(*a) : "st");                        \
        if (!fp_host_x87_end(sw, flags))                                                                                      \
            return false;                                                                                                     \
        *r = v;                                                                                                               \
        return true;                                                                                                          \
    }

FP_HOST_INLINE bool fp_host_fp80_sqrt(const struct fp_host *host, uint16_t cw, uint16_t sw, const fp80 *a, fp80 *r, uint8_t *flags)
{
    fp80 v;

    if (!fp_host_x87_begin(host, cw, sw))
        return false;
    __asm__ volatile("fldt %2\n\tfsqrt\n\tfnstsw %1\n\tfstpt %0" : "=m"(v), "=&a"(sw) : "m"(*a) : "st");
    if (!fp_host_x87_end(sw, flags))
        return false;
    r->mant = v.mant;
    r->se = v.se;
    return true;
}

FP_HOST_INLINE bool fp_host_fp80_compare(const struct fp_host *host, uint16_t cw, const fp80 *a, const fp80 *b, bool quiet,
                                         enum fp_relation *r)
{
    uint16_t sw = FP_PE;
    uint8_t flags;

    if (!fp_host_x87_begin(host, cw, sw))
        return false;
    if (quiet)
        __asm__ volatile("fldt %2\n\tfldt %1\n\tfucompp\n\tfnstsw %0" : "=a"(sw) : "m"(*a), "m"(*b) : "st", "st(1)");
    else
        __asm__ volatile("fldt %2\n\tfldt %1\n\tfcompp\n\tfnstsw %0" : "=a"(sw) : "m"(*a), "m"(*b) : "st", "st(1)");
    if (!fp_host_x87_end(sw, &flags))
        return false;
    *r = sw & 0x400 ? FP_UNORDERED : sw & 0x4000 ? FP_EQUAL : sw & 0x100 ? FP_LESS : FP_GREATER; /* C2, C3, C0 */
    return true;
}

#else /* no x86-64 host: the same names, never true */

#define FP_HOST_NEVER_(name, ...) \
    FP_HOST_INLINE bool fp_host_##name(const struct fp_host *host, __VA_ARGS__) { return false; }
#define FP_HOST_BINARY_(name, T, insn)    FP_HOST_NEVER_(name, uint32_t *mxcsr, T a, T b, T *r)
#define FP_HOST_BINARY_V_(name, insn)     FP_HOST_NEVER_(name, uint32_t *mxcsr, fp_v128 a, fp_v128 b, fp_v128 *r)
#define FP_HOST_BINARY_W_(name, insn)     FP_HOST_NEVER_(name, uint32_t *mxcsr, const fp_v128 a[2], const fp_v128 b[2], fp_v128 r[2])
#define FP_HOST_UNARY_(name, T, insn)     FP_HOST_NEVER_(name, uint32_t *mxcsr, T a, T *r)
#define FP_HOST_UNARY_V_(name, insn)      FP_HOST_NEVER_(name, uint32_t *mxcsr, fp_v128 a, fp_v128 *r)
#define FP_HOST_UNARY_W_(name, insn)      FP_HOST_NEVER_(name, uint32_t *mxcsr, const fp_v128 a[2], fp_v128 r[2])
#define FP_HOST_FMA_(name, T, suffix)     FP_HOST_NEVER_(name, uint32_t *mxcsr, T a, T b, T c, bool np, bool na, T *r)
#define FP_HOST_FMA_V_(name, suffix) \
    FP_HOST_NEVER_(name, uint32_t *mxcsr, fp_v128 a, fp_v128 b, fp_v128 c, bool np, bool na, fp_v128 *r)
#define FP_HOST_FMA_W_(name, suffix) \
    FP_HOST_NEVER_(name, uint32_t *mxcsr, const fp_v128 a[2], const fp_v128 b[2], const fp_v128 c[2], bool np, bool na, fp_v128 r[2])
#define FP_HOST_COMPARE_(name, T, suffix) FP_HOST_NEVER_(name, uint32_t *mxcsr, T a, T b, bool quiet, enum fp_relation *r)
#define FP_HOST_CMP_(name, suffix)        FP_HOST_NEVER_(name, uint32_t *mxcsr, fp_v128 a, fp_v128 b, unsigned predicate, fp_v128 *r)
#define FP_HOST_TO_(name, T, I, insn)     FP_HOST_NEVER_(name, uint32_t *mxcsr, T a, I *r)
#define FP_HOST_FROM_(name, T, I, insn)   FP_HOST_NEVER_(name, uint32_t *mxcsr, I a, T *r)
#define FP_HOST_X87_BINARY_(name, insn) \
    FP_HOST_NEVER_(fp80_##name, uint16_t cw, uint16_t sw, const fp80 *a, const fp80 *b, fp80 *r, uint8_t *flags)
#define FP_HOST_X87_TO_(name, I, insn) FP_HOST_NEVER_(fp80_##name, uint16_t cw, uint16_t sw, const fp80 *a, I *r, uint8_t *flags)
FP_HOST_NEVER_(fp80_sqrt, uint16_t cw, uint16_t sw, const fp80 *a, fp80 *r, uint8_t *flags)
FP_HOST_NEVER_(fp80_compare, uint16_t cw, const fp80 *a, const fp80 *b, bool quiet, enum fp_relation *r)

#endif

#define FP_HOST_ARITHMETIC_(op)                                                                        \
    FP_HOST_BINARY_(fp32_##op, fp32, #op "ss") FP_HOST_BINARY_(fp64_##op, fp64, #op "sd")              \
    FP_HOST_BINARY_V_(fp32x4_##op, #op "ps") FP_HOST_BINARY_V_(fp64x2_##op, #op "pd")                  \
    FP_HOST_BINARY_W_(fp32x8_##op, #op "ps") FP_HOST_BINARY_W_(fp64x4_##op, #op "pd")
FP_HOST_ARITHMETIC_(add)
FP_HOST_ARITHMETIC_(sub)
FP_HOST_ARITHMETIC_(mul)
FP_HOST_ARITHMETIC_(div)
FP_HOST_ARITHMETIC_(min)
FP_HOST_ARITHMETIC_(max)
FP_HOST_UNARY_(fp32_sqrt, fp32, "sqrtss")
FP_HOST_UNARY_(fp64_sqrt, fp64, "sqrtsd")
FP_HOST_UNARY_V_(fp32x4_sqrt, "sqrtps")
FP_HOST_UNARY_V_(fp64x2_sqrt, "sqrtpd")
FP_HOST_UNARY_W_(fp32x8_sqrt, "sqrtps")
FP_HOST_UNARY_W_(fp64x4_sqrt, "sqrtpd")
FP_HOST_FMA_(fp32_fma, fp32, "ss")
FP_HOST_FMA_(fp64_fma, fp64, "sd")
FP_HOST_FMA_V_(fp32x4_fma, "ps")
FP_HOST_FMA_V_(fp64x2_fma, "pd")
FP_HOST_FMA_W_(fp32x8_fma, "ps")
FP_HOST_FMA_W_(fp64x4_fma, "pd")
FP_HOST_COMPARE_(fp32_compare, fp32, "ss")
FP_HOST_COMPARE_(fp64_compare, fp64, "sd")
FP_HOST_CMP_(fp32x4_cmp, "ps")
FP_HOST_CMP_(fp64x2_cmp, "pd")
FP_HOST_TO_(fp32_to_i32, fp32, int32_t, "cvtss2si")
FP_HOST_TO_(fp32_to_i64, fp32, int64_t, "cvtss2si")
FP_HOST_TO_(fp64_to_i32, fp64, int32_t, "cvtsd2si")
FP_HOST_TO_(fp64_to_i64, fp64, int64_t, "cvtsd2si")
FP_HOST_TO_(fp32_trunc_i32, fp32, int32_t, "cvttss2si")
FP_HOST_TO_(fp32_trunc_i64, fp32, int64_t, "cvttss2si")
FP_HOST_TO_(fp64_trunc_i32, fp64, int32_t, "cvttsd2si")
FP_HOST_TO_(fp64_trunc_i64, fp64, int64_t, "cvttsd2si")
FP_HOST_FROM_(fp32_from_i32, fp32, int32_t, "cvtsi2ssl")
FP_HOST_FROM_(fp32_from_i64, fp32, int64_t, "cvtsi2ssq")
FP_HOST_FROM_(fp64_from_i32, fp64, int32_t, "cvtsi2sdl")
FP_HOST_FROM_(fp64_from_i64, fp64, int64_t, "cvtsi2sdq")
FP_HOST_UNARY_V_(cvtps2dq, "cvtps2dq")
FP_HOST_UNARY_V_(cvttps2dq, "cvttps2dq")
FP_HOST_UNARY_V_(cvtdq2ps, "cvtdq2ps")
FP_HOST_UNARY_V_(cvtpd2dq, "cvtpd2dq")
FP_HOST_UNARY_V_(cvttpd2dq, "cvttpd2dq")
FP_HOST_UNARY_V_(cvtdq2pd, "cvtdq2pd")
FP_HOST_UNARY_V_(cvtps2pd, "cvtps2pd")
FP_HOST_UNARY_V_(cvtpd2ps, "cvtpd2ps")

FP_HOST_INLINE bool fp_host_fp64_from_fp32(const struct fp_host *host, uint32_t *mxcsr, fp32 a, fp64 *r)
{
    fp_v128 v;

    if (!fp_host_cvtps2pd(host, mxcsr, (fp_v128){ a, 0 }, &v))
        return false;
    *r = v[0];
    return true;
}

FP_HOST_INLINE bool fp_host_fp32_from_fp64(const struct fp_host *host, uint32_t *mxcsr, fp64 a, fp32 *r)
{
    fp_v128 v;

    if (!fp_host_cvtpd2ps(host, mxcsr, (fp_v128){ a, 0 }, &v))
        return false;
    *r = (fp32)v[0];
    return true;
}

FP_HOST_X87_BINARY_(add, "fadd")
FP_HOST_X87_BINARY_(sub, "fsub")
FP_HOST_X87_BINARY_(mul, "fmul")
FP_HOST_X87_BINARY_(div, "fdiv")
FP_HOST_X87_TO_(to_i16, int16_t, "fistps")
FP_HOST_X87_TO_(to_i32, int32_t, "fistpl")
FP_HOST_X87_TO_(to_i64, int64_t, "fistpll")

#undef FP_HOST_BINARY_
#undef FP_HOST_BINARY_V_
#undef FP_HOST_BINARY_W_
#undef FP_HOST_UNARY_
#undef FP_HOST_UNARY_V_
#undef FP_HOST_UNARY_W_
#undef FP_HOST_FMA_
#undef FP_HOST_FMA_V_
#undef FP_HOST_FMA_W_
#undef FP_HOST_COMPARE_
#undef FP_HOST_CMP_
#undef FP_HOST_TO_
#undef FP_HOST_FROM_
#undef FP_HOST_ARITHMETIC_
#undef FP_HOST_X87_BINARY_
#undef FP_HOST_X87_TO_

#endif
