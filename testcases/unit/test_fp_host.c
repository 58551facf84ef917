/*
 * The host's SSE and x87 as stand-ins: whenever one says true it must agree with fp.h, whatever the guest's state; and it must say true
 * where it may, or it is of no use.
 */
#include "cpu/fp/fp_host.h"

#include <string.h>

#include "testcases/unit/fp_bench.h"

static struct fp_host host;

static unsigned long wrong, done, unused;

/* The guest's MXCSR: mostly such that stand-ins work, with any sticky flags. */
static uint32_t random_mxcsr(void)
{
    return rnd_below(8) ? 0x1f80 | (rnd() & FP_ALL) : (uint32_t)(rnd() & 0xffff);
}

static struct fp_env env_of(uint32_t mxcsr)
{
    return (struct fp_env){ .rounding = mxcsr >> 13 & 3, .masked = mxcsr >> 7 & FP_ALL, .daz = mxcsr >> 6 & 1, .ftz = mxcsr >> 15 & 1 };
}

/* Counts a case: `before` and `after` are MXCSR, `flags` those of fp.h. */
static void judge(const char *name, bool is_done, bool same, uint32_t before, uint32_t after, unsigned flags)
{
    static unsigned shown;
    uint32_t should = before | (is_done ? flags & FP_ALL : 0);

    done += is_done;
    if (is_done && same && after == should && !(flags & FP_ALL & ~FP_PE))
        return;
    if (!is_done && after == before) {
        /* What a stand-in is for. */
        if ((before & FP_HOST_MXCSR) == FP_HOST_MXCSR_WANTED && !(flags & FP_ALL & ~FP_PE))
            unused++;
        return;
    }
    wrong++;
    if (shown++ < 10)
        printf("%s: mxcsr %04x, then %04x, flags %02x, values %s\n", name, before, after, flags, same ? "the same" : "differ");
}

static void verdict(const char *name, unsigned long total, bool on)
{
    fflush(stdout);
    ck_assert_msg(!wrong, "%s: %lu of %lu cases differ", name, wrong, total);
    if (on) {
        ck_assert_msg(done, "%s: never done", name);
        ck_assert_msg(!unused, "%s: %lu of %lu plain cases were not done", name, unused, total);
    }
}

#define LANES(T) (16 / sizeof(T))

/* A binary operation in all widths. */
#define TEST_BINARY(T, other, V, W, op)                                                              \
    START_TEST(T##_##op##_is_the_soft_one)                                                           \
    {                                                                                                \
        unsigned long total = bench_cases(60000);                                                    \
                                                                                                     \
        for (unsigned long k = 0; k < total; k++) {                                                  \
            union { T t[2 * LANES(T)]; fp_v128 v[2]; } a, b, soft, w = { .v = { { 0 } } }, v = w;    \
            uint32_t before = random_mxcsr(), after = before;                                        \
            struct fp_env env = env_of(before);                                                      \
            unsigned flags[3] = { 0 };                                                               \
            bool is_done;                                                                            \
            T one = 0;                                                                               \
                                                                                                     \
            for (unsigned n = 0; n < 2 * LANES(T); n++) {                                            \
                a.t[n] = n && rnd_below(8) ? a.t[0] + (T)n : rnd_##T(other);                         \
                b.t[n] = n && rnd_below(8) ? b.t[0] + (T)n : rnd_##T(a.t[n]);                        \
                soft.t[n] = T##_##op(&env, a.t[n], b.t[n]);                                          \
                if (n == 0)                                                                          \
                    flags[0] = env.flags;                                                            \
                if (n == LANES(T) - 1)                                                               \
                    flags[1] = env.flags;                                                            \
            }                                                                                        \
            flags[2] = env.flags;                                                                    \
            is_done = fp_host_##T##_##op(&host, &after, a.t[0], b.t[0], &one);                       \
            judge(#T "_" #op, is_done, one == soft.t[0], before, after, flags[0]);                   \
            after = before;                                                                          \
            is_done = fp_host_##V##_##op(&host, &after, a.v[0], b.v[0], &v.v[0]);                    \
            judge(#V "_" #op, is_done, !memcmp(&v, &soft, 16), before, after, flags[1]);             \
            after = before;                                                                          \
            w = a; /* the result may lie where an operand does */                                    \
            is_done = fp_host_##W##_##op(&host, &after, w.v, b.v, w.v);                              \
            judge(#W "_" #op, is_done, !memcmp(&w, &soft, 32), before, after, flags[2]);             \
        }                                                                                            \
        verdict(#T "_" #op, total, host.mxcsr != FP_HOST_OFF);                                       \
    }                                                                                                \
    END_TEST

#define TESTS_BINARY(op) TEST_BINARY(fp32, 0x3f800000, fp32x4, fp32x8, op) TEST_BINARY(fp64, 0x3ff0000000000000, fp64x2, fp64x4, op)
TESTS_BINARY(add)
TESTS_BINARY(sub)
TESTS_BINARY(mul)
TESTS_BINARY(div)
TESTS_BINARY(min)
TESTS_BINARY(max)

/* Square root and the fused operations, in all widths. */
#define TEST_OTHERS(T, V, W)                                                                                              \
    START_TEST(T##_sqrt_and_fma_are_the_soft_ones)                                                                        \
    {                                                                                                                     \
        unsigned long total = bench_cases(60000);                                                                         \
                                                                                                                          \
        for (unsigned long k = 0; k < total; k++) {                                                                       \
            union { T t[2 * LANES(T)]; fp_v128 v[2]; } a, b, c, root, sum, v, w;                                          \
            uint32_t before = random_mxcsr(), after = before;                                                             \
            struct fp_env env = env_of(before), fused = env;                                                              \
            bool np = rnd() & 1, na = rnd() & 1, is_done;                                                                 \
            unsigned flags = 0, fused_flags = 0, half = 0, fused_half = 0;                                                \
            T one = 0;                                                                                                    \
                                                                                                                          \
            for (unsigned n = 0; n < 2 * LANES(T); n++) {                                                                 \
                a.t[n] = rnd_##T(n ? a.t[0] : 0);                                                                         \
                if (n && rnd_below(8))                                                                                    \
                    a.t[n] = a.t[0];                                                                                      \
                b.t[n] = n && rnd_below(8) ? b.t[0] : rnd_##T(a.t[n]);                                                    \
                c.t[n] = n && rnd_below(8) ? c.t[0] : rnd_##T(b.t[n]);                                                    \
                root.t[n] = T##_sqrt(&env, a.t[n]);                                                                       \
                sum.t[n] = T##_fma(&fused, a.t[n], b.t[n], c.t[n], np, na);                                               \
                if (n == 0)                                                                                               \
                    flags = env.flags, fused_flags = fused.flags;                                                         \
                if (n == LANES(T) - 1)                                                                                    \
                    half = env.flags, fused_half = fused.flags;                                                           \
            }                                                                                                             \
            is_done = fp_host_##T##_sqrt(&host, &after, a.t[0], &one);                                                    \
            judge(#T "_sqrt", is_done, one == root.t[0], before, after, flags);                                           \
            after = before;                                                                                               \
            is_done = fp_host_##V##_sqrt(&host, &after, a.v[0], &v.v[0]);                                                 \
            judge(#V "_sqrt", is_done, !memcmp(&v, &root, 16), before, after, half);                                      \
            after = before;                                                                                               \
            is_done = fp_host_##W##_sqrt(&host, &after, a.v, w.v);                                                        \
            judge(#W "_sqrt", is_done, !memcmp(&w, &root, 32), before, after, env.flags);                                 \
            if (!host.fma)                                                                                                \
                continue;                                                                                                 \
            after = before;                                                                                               \
            is_done = fp_host_##T##_fma(&host, &after, a.t[0], b.t[0], c.t[0], np, na, &one);                             \
            judge(#T "_fma", is_done, one == sum.t[0], before, after, fused_flags);                                       \
            after = before;                                                                                               \
            is_done = fp_host_##V##_fma(&host, &after, a.v[0], b.v[0], c.v[0], np, na, &v.v[0]);                          \
            judge(#V "_fma", is_done, !memcmp(&v, &sum, 16), before, after, fused_half);                                  \
            after = before;                                                                                               \
            is_done = fp_host_##W##_fma(&host, &after, a.v, b.v, c.v, np, na, w.v);                                       \
            judge(#W "_fma", is_done, !memcmp(&w, &sum, 32), before, after, fused.flags);                                 \
        }                                                                                                                 \
        verdict(#T "_sqrt, fma", total, host.mxcsr != FP_HOST_OFF);                                                       \
    }                                                                                                                     \
    END_TEST
TEST_OTHERS(fp32, fp32x4, fp32x8)
TEST_OTHERS(fp64, fp64x2, fp64x4)

/* CMPPS: SDM Vol. 2A, "CMPPS", predicates 0 to 7. */
static bool predicate_holds(unsigned predicate, enum fp_relation r)
{
    bool negated = predicate & 4, holds;

    switch (predicate & 3) {
    case 0:
        holds = r == FP_EQUAL;
        break;
    case 1:
        holds = r == FP_LESS;
        break;
    case 2:
        holds = r == FP_LESS || r == FP_EQUAL;
        break;
    default:
        holds = r == FP_UNORDERED;
        break;
    }
    return holds != negated;
}

#define TEST_COMPARE(T, V)                                                                                                \
    START_TEST(T##_comparisons_are_the_soft_ones)                                                                         \
    {                                                                                                                     \
        unsigned long total = bench_cases(60000);                                                                         \
                                                                                                                          \
        for (unsigned long k = 0; k < total; k++) {                                                                       \
            union { T t[LANES(T)]; fp_v128 v; } a, b, soft, v;                                                            \
            uint32_t before = random_mxcsr(), after = before;                                                             \
            unsigned predicate = rnd_below(8);                                                                            \
            bool quiet = rnd() & 1, quiet_predicate = (predicate & 3) == 0 || (predicate & 3) == 3, is_done;              \
            struct fp_env env = env_of(before);                                                                           \
            enum fp_relation r = FP_EQUAL, right;                                                                         \
                                                                                                                          \
            a.t[0] = rnd_##T(0);                                                                                          \
            b.t[0] = rnd_##T(a.t[0]);                                                                                     \
            right = T##_compare(&env, a.t[0], b.t[0], quiet);                                                             \
            is_done = fp_host_##T##_compare(&host, &after, a.t[0], b.t[0], quiet, &r);                                    \
            judge(#T "_compare", is_done, r == right, before, after, env.flags);                                          \
            env.flags = 0;                                                                                                \
            for (unsigned n = 0; n < LANES(T); n++) {                                                                     \
                if (n) {                                                                                                  \
                    a.t[n] = rnd_below(4) ? a.t[0] : rnd_##T(0);                                                          \
                    b.t[n] = rnd_below(4) ? b.t[0] : rnd_##T(a.t[n]);                                                     \
                }                                                                                                         \
                soft.t[n] = predicate_holds(predicate, T##_compare(&env, a.t[n], b.t[n], quiet_predicate)) ? (T)-1 : 0;   \
            }                                                                                                             \
            after = before;                                                                                               \
            is_done = fp_host_##V##_cmp(&host, &after, a.v, b.v, predicate, &v.v);                                        \
            judge(#V "_cmp", is_done, !memcmp(&v, &soft, 16), before, after, env.flags);                                  \
        }                                                                                                                 \
        verdict(#T "_compare", total, host.mxcsr != FP_HOST_OFF);                                                         \
    }                                                                                                                     \
    END_TEST
TEST_COMPARE(fp32, fp32x4)
TEST_COMPARE(fp64, fp64x2)

/* One conversion of `a`, whose soft form is an expression of env. */
#define CONVERT(R, name, a, soft)                                                                         \
    do {                                                                                                  \
        struct fp_env env = env_of(before);                                                               \
        uint32_t after = before;                                                                          \
        R r = 0, right = soft;                                                                            \
        bool is_done = fp_host_##name(&host, &after, a, &r);                                              \
                                                                                                          \
        judge(#name, is_done, r == right, before, after, env.flags);                                      \
    } while (0)
#define TRUNCATED (env.rounding = FP_TOWARD_ZERO)

START_TEST(conversions_are_the_soft_ones)
{
    unsigned long total = bench_cases(60000);

    for (unsigned long k = 0; k < total; k++) {
        uint32_t before = random_mxcsr();
        fp32 s = rnd_fp32(0);
        fp64 d = rnd_fp64(0);
        int64_t n = (int64_t)rnd() >> rnd_below(64);

        CONVERT(int32_t, fp32_to_i32, s, fp32_to_i32(&env, s));
        CONVERT(int64_t, fp32_to_i64, s, fp32_to_i64(&env, s));
        CONVERT(int32_t, fp64_to_i32, d, fp64_to_i32(&env, d));
        CONVERT(int64_t, fp64_to_i64, d, fp64_to_i64(&env, d));
        CONVERT(int32_t, fp32_trunc_i32, s, (TRUNCATED, fp32_to_i32(&env, s)));
        CONVERT(int64_t, fp32_trunc_i64, s, (TRUNCATED, fp32_to_i64(&env, s)));
        CONVERT(int32_t, fp64_trunc_i32, d, (TRUNCATED, fp64_to_i32(&env, d)));
        CONVERT(int64_t, fp64_trunc_i64, d, (TRUNCATED, fp64_to_i64(&env, d)));
        CONVERT(fp32, fp32_from_i32, (int32_t)n, fp32_from_i32(&env, (int32_t)n));
        CONVERT(fp32, fp32_from_i64, n, fp32_from_i64(&env, n));
        CONVERT(fp64, fp64_from_i32, (int32_t)n, fp64_from_i32(&env, (int32_t)n));
        CONVERT(fp64, fp64_from_i64, n, fp64_from_i64(&env, n));
        CONVERT(fp64, fp64_from_fp32, s, fp64_from_fp32(&env, s));
        CONVERT(fp32, fp32_from_fp64, d, fp32_from_fp64(&env, d));
    }
    verdict("conversions", total, host.mxcsr != FP_HOST_OFF);
}
END_TEST

/* One packed conversion: `count` results of type R from operands of type A; those above them in the register are zero. */
#define PACKED(name, A, R, count, from, soft)                                                                \
    do {                                                                                                  \
        struct fp_env env = env_of(before);                                                               \
        union { A of[16 / sizeof(A)]; fp_v128 v; } in;                                                     \
        union { R r[16 / sizeof(R)]; fp_v128 v; } out, right = { .v = { 0 } };                            \
        uint32_t after = before;                                                                          \
        bool is_done;                                                                                     \
                                                                                                          \
        for (unsigned n = 0; n < 16 / sizeof(A); n++)                                                     \
            in.of[n] = (A)(from);                                                                             \
        for (unsigned n = 0; n < (count); n++)                                                            \
            right.r[n] = (R)(soft);                                                                       \
        is_done = fp_host_##name(&host, &after, in.v, &out.v);                                            \
        judge(#name, is_done, !memcmp(&out, &right, 16), before, after, env.flags);                       \
    } while (0)

START_TEST(packed_conversions_are_the_soft_ones)
{
    unsigned long total = bench_cases(60000);

    for (unsigned long k = 0; k < total; k++) {
        uint32_t before = random_mxcsr();
        fp32 s = rnd_fp32(0);
        fp64 d = rnd_fp64(0);

        PACKED(cvtps2dq, fp32, int32_t, 4, rnd_below(4) ? s : rnd_fp32(s), fp32_to_i32(&env, in.of[n]));
        PACKED(cvttps2dq, fp32, int32_t, 4, rnd_below(4) ? s : rnd_fp32(s), (TRUNCATED, fp32_to_i32(&env, in.of[n])));
        PACKED(cvtdq2ps, int32_t, fp32, 4, rnd() >> rnd_below(64), fp32_from_i32(&env, in.of[n]));
        PACKED(cvtpd2dq, fp64, int32_t, 2, rnd_below(4) ? d : rnd_fp64(d), fp64_to_i32(&env, in.of[n]));
        PACKED(cvttpd2dq, fp64, int32_t, 2, rnd_below(4) ? d : rnd_fp64(d), (TRUNCATED, fp64_to_i32(&env, in.of[n])));
        PACKED(cvtdq2pd, int32_t, fp64, 2, rnd() >> rnd_below(64), fp64_from_i32(&env, in.of[n]));
        PACKED(cvtps2pd, fp32, fp64, 2, rnd_below(4) ? s : rnd_fp32(s), fp64_from_fp32(&env, in.of[n]));
        PACKED(cvtpd2ps, fp64, fp32, 2, rnd_below(4) ? d : rnd_fp64(d), fp32_from_fp64(&env, in.of[n]));
    }
    verdict("packed conversions", total, host.mxcsr != FP_HOST_OFF);
}
END_TEST

/* ---- x87 ---- */

static void judge_x87(const char *name, bool is_done, bool same, uint16_t cw, uint16_t sw, unsigned got, unsigned flags)
{
    static unsigned shown;

    done += is_done;
    if (is_done && same && ((got ^ flags) & ~(unsigned)(sw & FP_PE)) == 0 && !(flags & FP_ALL & ~FP_PE))
        return;
    if (!is_done) {
        unused += (cw & FP_HOST_CW) == FP_HOST_CW_WANTED && !(flags & FP_ALL & ~FP_PE);
        return;
    }
    wrong++;
    if (shown++ < 10)
        printf("%s: cw %03x, flags %02x, not %02x, values %s\n", name, cw, got, flags, same ? "the same" : "differ");
}

static bool equal(fp80 a, fp80 b)
{
    return a.mant == b.mant && a.se == b.se;
}

#define X87(name, R, operands, is_same, soft)                                                                       \
    do {                                                                                                            \
        struct fp_env env = soft_env;                                                                               \
        R r = { 0 }, right = soft;                                                                                  \
        uint8_t got = 0;                                                                                            \
        bool is_done = fp_host_fp80_##name operands;                                                                \
                                                                                                                    \
        judge_x87(#name, is_done, is_same, cw, sw, got, env.flags);                                                 \
    } while (0)

START_TEST(x87_operations_are_the_soft_ones)
{
    static const uint8_t precision[] = { 24, 64, 53, 64 };
    unsigned long total = bench_cases(60000);

    for (unsigned long k = 0; k < total; k++) {
        uint16_t cw = rnd_below(8) ? 0x37f : (uint16_t)(rnd() & 0xf3f), sw = (uint16_t)(rnd() & FP_ALL);
        struct fp_env soft_env = { .rounding = cw >> 10 & 3, .masked = cw & FP_ALL, .precision = precision[cw >> 8 & 3] };
        fp80 a = rnd_fp80((fp80){ 0, 0x3fff }), b = rnd_fp80(a);
        bool quiet = rnd() & 1, compared;
        enum fp_relation relation = FP_EQUAL, soft_relation;
        struct fp_env soft_compare = soft_env;

        X87(add, fp80, (&host, cw, sw, &a, &b, &r, &got), equal(r, right), fp80_add(&env, a, b));
        X87(sub, fp80, (&host, cw, sw, &a, &b, &r, &got), equal(r, right), fp80_sub(&env, a, b));
        X87(mul, fp80, (&host, cw, sw, &a, &b, &r, &got), equal(r, right), fp80_mul(&env, a, b));
        X87(div, fp80, (&host, cw, sw, &a, &b, &r, &got), equal(r, right), fp80_div(&env, a, b));
        X87(sqrt, fp80, (&host, cw, sw, &a, &r, &got), equal(r, right), fp80_sqrt(&env, a));
        X87(to_i16, int16_t, (&host, cw, sw, &a, &r, &got), r == right, fp80_to_i16(&env, a));
        X87(to_i32, int32_t, (&host, cw, sw, &a, &r, &got), r == right, fp80_to_i32(&env, a));
        X87(to_i64, int64_t, (&host, cw, sw, &a, &r, &got), r == right, fp80_to_i64(&env, a));
        soft_relation = fp80_compare(&soft_compare, a, b, quiet);
        compared = fp_host_fp80_compare(&host, cw, &a, &b, quiet, &relation);
        judge_x87("compare", compared, relation == soft_relation, cw, 0, 0, soft_compare.flags);
    }
    verdict("x87", total, host.cw != FP_HOST_OFF);
}
END_TEST

#ifdef __x86_64__
/* As the System V ABI wants it of whoever changes them. */
START_TEST(control_registers_are_given_back)
{
    const uint16_t odd_cw = 0x67f & ~0x20; /* rounds down, precision exception unmasked */
    const uint32_t odd_mxcsr = 0x7f80;
    struct fp_host_saved saved;
    uint16_t cw, normal;
    uint32_t mxcsr, usual;

    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(normal), "=m"(usual));
    __asm__ volatile("fldcw %0\n\tldmxcsr %1" : : "m"(odd_cw), "m"(odd_mxcsr));
    fp_host_enter(&saved);
    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(cw), "=m"(mxcsr));
    ck_assert_uint_eq(cw, 0x37f);
    ck_assert_uint_eq(mxcsr, 0x1f80);
    __asm__ volatile("fldpi\n\tfmul %%st(0), %%st\n\tfstp %%st(0)" : : : "st"); /* leaves PE behind, and would trap below */
    fp_host_leave(&saved);
    __asm__ volatile("fwait\n\tfnstcw %0\n\tstmxcsr %1" : "=m"(cw), "=m"(mxcsr));
    __asm__ volatile("fnclex\n\tfldcw %0\n\tldmxcsr %1" : : "m"(normal), "m"(usual));
    ck_assert_uint_eq(cw, odd_cw);
    ck_assert_uint_eq(mxcsr, odd_mxcsr);
}
END_TEST
#endif

#ifdef __x86_64__
/* Or all tests above would pass with stand-ins that are off. Valgrind keeps no flags and has no third of 64 bits: there they must be. */
START_TEST(the_self_test_likes_a_real_processor)
{
    const fp80 one = { 1ull << 63, 0x3fff }, three = { 3ull << 62, 0x4000 };
    fp80 third;
    uint32_t mxcsr = 0x1f80;
    uint16_t sw;

    __asm__ volatile("ldmxcsr %0\n\tcvtsi2sdl %1, %%xmm0\n\tsqrtsd %%xmm0, %%xmm0\n\tstmxcsr %0" : "+m"(mxcsr) : "r"(3) : "xmm0");
    ck_assert_uint_eq(host.mxcsr, mxcsr & FP_PE ? FP_HOST_MXCSR_WANTED : FP_HOST_OFF);
    __asm__ volatile("fnclex\n\tfldt %3\n\tfldt %2\n\tfdiv %%st(1), %%st\n\tfnstsw %1\n\tfstpt %0\n\tfstp %%st(0)"
                     : "=m"(third), "=&a"(sw)
                     : "m"(one), "m"(three)
                     : "st", "st(1)");
    ck_assert_uint_eq(host.cw, (sw & FP_PE) && third.mant == 0xaaaaaaaaaaaaaaab ? FP_HOST_CW_WANTED : FP_HOST_OFF);
    ck_assert_int_eq(host.fma, __builtin_cpu_supports("fma") != 0);
}
END_TEST
#endif

/* Before each test: as inside a run. */
static void enter(void)
{
    struct fp_host_saved saved;

    fp_host_selftest(&host);
    fp_host_enter(&saved);
    wrong = done = unused = 0;
}

int main(void)
{
    Suite *suite = suite_create("fp-host");
    TCase *tc = tcase_create("fp-host");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 0);
    tcase_add_checked_fixture(tc, enter, NULL);
    tcase_add_test(tc, fp32_add_is_the_soft_one);
    tcase_add_test(tc, fp32_sub_is_the_soft_one);
    tcase_add_test(tc, fp32_mul_is_the_soft_one);
    tcase_add_test(tc, fp32_div_is_the_soft_one);
    tcase_add_test(tc, fp32_min_is_the_soft_one);
    tcase_add_test(tc, fp32_max_is_the_soft_one);
    tcase_add_test(tc, fp64_add_is_the_soft_one);
    tcase_add_test(tc, fp64_sub_is_the_soft_one);
    tcase_add_test(tc, fp64_mul_is_the_soft_one);
    tcase_add_test(tc, fp64_div_is_the_soft_one);
    tcase_add_test(tc, fp64_min_is_the_soft_one);
    tcase_add_test(tc, fp64_max_is_the_soft_one);
    tcase_add_test(tc, fp32_sqrt_and_fma_are_the_soft_ones);
    tcase_add_test(tc, fp64_sqrt_and_fma_are_the_soft_ones);
    tcase_add_test(tc, fp32_comparisons_are_the_soft_ones);
    tcase_add_test(tc, fp64_comparisons_are_the_soft_ones);
    tcase_add_test(tc, conversions_are_the_soft_ones);
    tcase_add_test(tc, packed_conversions_are_the_soft_ones);
    tcase_add_test(tc, x87_operations_are_the_soft_ones);
#ifdef __x86_64__
    tcase_add_test(tc, the_self_test_likes_a_real_processor);
    tcase_add_test(tc, control_registers_are_given_back);
#endif
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
