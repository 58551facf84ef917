/* Setting the host's FPU up for the stand-ins, and finding out whether they may be used. */
#include "cpu/fp/fp_host.h"

#ifdef __x86_64__

/* ---- Around a run ---- */

enum { MXCSR_DEFAULT = 0x1f80, CW_DEFAULT = 0x37f };

/* The control word with nothing pending: loading one that unmasks a flag which is set would raise #MF. */
static void load_cw(uint16_t cw)
{
    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(cw));
}

void fp_host_enter(struct fp_host_saved *saved)
{
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(saved->mxcsr), "=m"(saved->cw));
    fp_host_load_mxcsr(MXCSR_DEFAULT);
    if (saved->cw != CW_DEFAULT)
        load_cw(CW_DEFAULT);
}

void fp_host_leave(const struct fp_host_saved *saved)
{
    fp_host_load_mxcsr(saved->mxcsr);
    if (saved->cw != CW_DEFAULT)
        load_cw(saved->cw);
}

/* ---- The self-test ---- */

/* One, near it, short and long ones, the ends of the range, denormals, zeros, infinities, NaNs; each with either sign. */
static const fp64 doubles[] = {
    0x3ff0000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x4008000000000000, 0x400921fb54442d18, 0x3fd5555555555555,
    0x7fefffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x000fffffffffffff, 0x0000000000000001, 0, 0x7ff0000000000000,
    0x7ff8000000000000, 0x7ff8000000000123, 0x7ff0000000000001, 0x41dfffffffc00000, 0x43e0000000000000, 0x47efffffe0000000,
    0x36a0000000000000
};
static const fp32 singles[] = {
    0x3f800000, 0x3f800001, 0x3f7fffff, 0x40400000, 0x40490fdb, 0x3eaaaaab, 0x7f7fffff, 0x00800000, 0x00800001, 0x007fffff, 0x00000001,
    0, 0x7f800000, 0x7fc00000, 0x7fc00123, 0x7f800001, 0x4f000000, 0x5f000000, 0x4b7fffff, 0x33800000
};
static const fp80 extendeds[] = {
    { 0x8000000000000000, 0x3fff }, { 0x8000000000000001, 0x3fff }, { 0xffffffffffffffff, 0x3ffe }, { 0xc000000000000000, 0x4000 },
    { 0xc90fdaa22168c235, 0x4000 }, { 0xaaaaaaaaaaaaaaab, 0x3ffd }, { 0xffffffffffffffff, 0x7ffe }, { 0x8000000000000000, 1 },
    { 0x8000000000000001, 1 }, { 0x7fffffffffffffff, 0 }, { 1, 0 }, { 0, 0 }, { 0x8000000000000000, 0x7fff },
    { 0xc000000000000000, 0x7fff }, { 0xc000000000000123, 0x7fff }, { 0x8000000000000001, 0x7fff }, { 0xfffffffffffffffe, 0x401e },
    { 0xffffffffffffffff, 0x403d }, { 0x8000000000000000, 0x403e }, { 0x8000000000000000, 0 }
};
enum { VALUES = 20, SIGNED = 2 * VALUES, STEP = 7 }; /* a seventh of all pairs */

static fp64 value64(unsigned n)
{
    return doubles[n / 2] | (fp64)(n & 1) << 63;
}

static fp32 value32(unsigned n)
{
    return singles[n / 2] | (fp32)(n & 1) << 31;
}

static fp80 value80(unsigned n)
{
    fp80 v = extendeds[n / 2];

    v.se |= (uint16_t)((n & 1) << 15);
    return v;
}

/* `soft` and `stand_in` give v and w: when the second is true, values and flags must be the same. `ok` and `env` are the caller's. */
#define SAME(soft, stand_in)                                          \
    do {                                                              \
        uint32_t mxcsr = MXCSR_DEFAULT;                               \
                                                                      \
        env.flags = 0;                                                \
        v = soft;                                                     \
        if (stand_in)                                                 \
            ok = ok && v == w && (mxcsr & FP_ALL) == env.flags;       \
    } while (0)

#define SSE_TEST(T, value)                                                                                          \
    static bool same_##T(const struct fp_host *host)                                                                \
    {                                                                                                               \
        struct fp_env env = { .masked = FP_ALL };                                                                   \
        bool ok = true;                                                                                             \
                                                                                                                    \
        for (unsigned n = 0; n < SIGNED * SIGNED; n += STEP) {                                                         \
            T a = value(n / SIGNED), b = value(n % SIGNED), c = value((n * 7) % SIGNED), v, w;                      \
                                                                                                                    \
            SAME(T##_add(&env, a, b), fp_host_##T##_add(host, &mxcsr, a, b, &w));                                   \
            SAME(T##_sub(&env, a, b), fp_host_##T##_sub(host, &mxcsr, a, b, &w));                                   \
            SAME(T##_mul(&env, a, b), fp_host_##T##_mul(host, &mxcsr, a, b, &w));                                   \
            SAME(T##_div(&env, a, b), fp_host_##T##_div(host, &mxcsr, a, b, &w));                                   \
            SAME(T##_min(&env, a, b), fp_host_##T##_min(host, &mxcsr, a, b, &w));                                   \
            SAME(T##_max(&env, a, b), fp_host_##T##_max(host, &mxcsr, a, b, &w));                                   \
            SAME(T##_sqrt(&env, a), fp_host_##T##_sqrt(host, &mxcsr, a, &w));                                       \
            SAME(T##_fma(&env, a, b, c, false, true), fp_host_##T##_fma(host, &mxcsr, a, b, c, false, true, &w));   \
        }                                                                                                           \
        return ok;                                                                                                  \
    }
SSE_TEST(fp32, value32)
SSE_TEST(fp64, value64)

static bool same_conversions(const struct fp_host *host)
{
    struct fp_env env = { .masked = FP_ALL };
    bool ok = true;

    for (unsigned n = 0; n < SIGNED; n++) {
        {
            fp64 v, w;

            SAME(fp64_from_fp32(&env, value32(n)), fp_host_fp64_from_fp32(host, &mxcsr, value32(n), &w));
            SAME(fp64_from_i64(&env, (int64_t)value64(n)), fp_host_fp64_from_i64(host, &mxcsr, (int64_t)value64(n), &w));
        }
        {
            fp32 v, w;

            SAME(fp32_from_fp64(&env, value64(n)), fp_host_fp32_from_fp64(host, &mxcsr, value64(n), &w));
        }
        {
            int64_t v, w;

            SAME(fp64_to_i64(&env, value64(n)), fp_host_fp64_to_i64(host, &mxcsr, value64(n), &w));
        }
        for (unsigned m = 0; m < SIGNED; m += STEP) {
            enum fp_relation v, w;

            SAME(fp64_compare(&env, value64(n), value64(m), false),
                 fp_host_fp64_compare(host, &mxcsr, value64(n), value64(m), false, &w));
            SAME(fp32_compare(&env, value32(n), value32(m), true), fp_host_fp32_compare(host, &mxcsr, value32(n), value32(m), true, &w));
        }
    }
    return ok;
}

static bool same80(const struct fp_env *env, const fp80 *v, const fp80 *w, uint8_t flags)
{
    return v->mant == w->mant && v->se == w->se && env->flags == flags;
}

#define SAME80(soft, stand_in)                              \
    do {                                                    \
        env.flags = 0;                                      \
        v = soft;                                           \
        if (stand_in)                                       \
            ok = ok && same80(&env, &v, &w, flags);         \
    } while (0)

static bool same_x87(const struct fp_host *host)
{
    struct fp_env env = { .masked = FP_ALL, .precision = 64 };
    const uint16_t cw = CW_DEFAULT;
    bool ok = true;

    for (unsigned n = 0; n < SIGNED * SIGNED; n += STEP) {
        fp80 a = value80(n / SIGNED), b = value80(n % SIGNED), v, w;
        enum fp_relation relation;
        int64_t integer;
        uint8_t flags;

        SAME80(fp80_add(&env, a, b), fp_host_fp80_add(host, cw, 0, &a, &b, &w, &flags));
        SAME80(fp80_sub(&env, a, b), fp_host_fp80_sub(host, cw, 0, &a, &b, &w, &flags));
        SAME80(fp80_mul(&env, a, b), fp_host_fp80_mul(host, cw, 0, &a, &b, &w, &flags));
        SAME80(fp80_div(&env, a, b), fp_host_fp80_div(host, cw, 0, &a, &b, &w, &flags));
        SAME80(fp80_sqrt(&env, a), fp_host_fp80_sqrt(host, cw, 0, &a, &w, &flags));
        env.flags = 0;
        if (fp_host_fp80_compare(host, cw, &a, &b, false, &relation))
            ok = ok && relation == fp80_compare(&env, a, b, false) && !env.flags;
        env.flags = 0;
        if (fp_host_fp80_to_i64(host, cw, 0, &a, &integer, &flags))
            ok = ok && integer == fp80_to_i64(&env, a) && env.flags == flags;
    }
    return ok;
}

void fp_host_selftest(struct fp_host *host)
{
    struct fp_host_saved saved;
    bool sse, x87;

    *host = (struct fp_host){ .mxcsr = FP_HOST_MXCSR_WANTED, .cw = FP_HOST_CW_WANTED, .fma = __builtin_cpu_supports("fma") };
    fp_host_enter(&saved);
    sse = same_fp32(host) && same_fp64(host) && same_conversions(host);
    x87 = same_x87(host);
    fp_host_leave(&saved);
    if (!sse)
        host->mxcsr = FP_HOST_OFF;
    if (!x87)
        host->cw = FP_HOST_OFF;
}

#else

void fp_host_enter(struct fp_host_saved *saved)
{
}

void fp_host_leave(const struct fp_host_saved *saved)
{
}

void fp_host_selftest(struct fp_host *host)
{
    *host = (struct fp_host){ .mxcsr = FP_HOST_OFF, .cw = FP_HOST_OFF };
}
#endif
