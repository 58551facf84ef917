/*
 * The x87's transcendental functions: correctly rounded, by MPFR asked in another way; special cases as on this host; and how far the
 * host's hardware is from that, which is the table in cpu/fp/transcend.c.
 */
#include "cpu/fp/fp.h"

#define MPFR_USE_INTMAX_T
#include <mpfr.h>
#include <stdlib.h>
#include <time.h>

#include "testcases/unit/fp_bench.h"
#include "testcases/unit/fp_x87_bench.h"

enum { BIAS = 0x3fff, GUARD = 400 };
enum { F2XM1, FYL2X, FYL2XP1, FPATAN, FSIN, FCOS, FPTAN, FUNCTIONS };

/* `a` is ST0, `b` ST1. */
static fp80 soft(int function, struct fp_env *env, fp80 a, fp80 b, bool *out_of_range)
{
    *out_of_range = false;
    switch (function) {
    case F2XM1:
        return fp80_2xm1(env, a);
    case FYL2X:
        return fp80_yl2x(env, a, b);
    case FYL2XP1:
        return fp80_yl2xp1(env, a, b);
    case FPATAN:
        return fp80_atan2(env, b, a);
    case FSIN:
        return fp80_sin(env, a, out_of_range);
    case FCOS:
        return fp80_cos(env, a, out_of_range);
    default:
        return fp80_tan(env, a, out_of_range);
    }
}

static fp80 number(bool sign, int exp, uint64_t mant)
{
    return (fp80){ mant | 1ull << 63, (uint16_t)(sign << 15 | exp) };
}

/* A number of magnitude 2^low to 2^(high + 1). */
static fp80 between(int low, int high)
{
    return number(rnd() & 1, BIAS + low + (int)rnd_below(high - low + 1), rnd_below(2) ? rnd() : rnd_fraction(63));
}

/* Where the function is defined, and its result a number. */
static void operands(int function, fp80 *a, fp80 *b)
{
    int far = rnd_below(8) ? 6 : 60;

    *b = rnd_below(4) ? between(-8, 8) : between(-16380, 16383);
    switch (function) {
    case F2XM1:
        *a = between(-64, -1);
        break;
    case FYL2X:
        *a = rnd_below(2) ? between(-1, 0) : between(-far, far);
        a->se &= 0x7fff;
        break;
    case FYL2XP1:
        *a = between(-70, -3); /* 1 - sqrt(1/2) is 0.29 */
        break;
    case FPATAN:
        *a = between(-8, 8);
        break;
    default:
        *a = between(-20, far);
        break;
    }
}

/* ---- Correct rounding ---- */

static void to_mpfr(mpfr_t x, fp80 a)
{
    mpfr_init2(x, 64);
    mpfr_set_uj_2exp(x, a.mant, (int)(a.se & 0x7fff) - BIAS - 63, MPFR_RNDZ);
    mpfr_setsign(x, x, a.se >> 15, MPFR_RNDZ);
}

/* The result to GUARD bits; where these look like an exact result that it is not, one bit more tells. */
static void truth(int function, mpfr_t r, const mpfr_t a, const mpfr_t b)
{
    mpfr_t t;
    int inexact;

    mpfr_init2(t, 2 * GUARD);
    mpfr_init2(r, GUARD);
    switch (function) {
    case F2XM1:
        mpfr_exp2(t, a, MPFR_RNDN);
        mpfr_sub_ui(r, t, 1, MPFR_RNDN);
        break;
    case FYL2XP1:
        mpfr_add_ui(t, a, 1, MPFR_RNDN);
        mpfr_log2(t, t, MPFR_RNDN);
        mpfr_mul(r, t, b, MPFR_RNDN);
        break;
    case FYL2X:
        mpfr_log2(t, a, MPFR_RNDN);
        mpfr_mul(r, t, b, MPFR_RNDN);
        break;
    case FPATAN:
        inexact = mpfr_atan2(r, b, a, MPFR_RNDN);
        mpfr_prec_round(r, GUARD + 1, MPFR_RNDN);
        if (inexact > 0)
            mpfr_nextbelow(r);
        else if (inexact < 0)
            mpfr_nextabove(r);
        break;
    case FSIN:
        mpfr_sin(r, a, MPFR_RNDN);
        break;
    case FCOS:
        mpfr_cos(r, a, MPFR_RNDN);
        break;
    default:
        mpfr_sin_cos(r, t, a, MPFR_RNDN);
        mpfr_div(r, r, t, MPFR_RNDN);
        break;
    }
    mpfr_clear(t);
}

/* Rounds the truth as a number of normal range; *flags as the x87 would. Returns false when out of that range. */
static bool rounded(mpfr_t r, mpfr_rnd_t rounding, fp80 *v, unsigned *flags)
{
    int inexact = mpfr_prec_round(r, 64, rounding);
    mpfr_exp_t exp = mpfr_get_exp(r) + BIAS - 1;

    if (exp < 1 || exp >= 0x7fff)
        return false;
    *flags = inexact ? FP_PE : 0;
    if (inexact && (inexact > 0) != !!mpfr_signbit(r))
        *flags |= FP_UP_ROUNDED;
    v->se = (uint16_t)((mpfr_signbit(r) ? 0x8000 : 0) | exp);
    mpfr_abs(r, r, MPFR_RNDZ);
    mpfr_mul_2si(r, r, 64 - mpfr_get_exp(r), MPFR_RNDZ);
    v->mant = mpfr_get_uj(r, MPFR_RNDZ);
    return true;
}

static const char *const names[] = { "F2XM1", "FYL2X", "FYL2XP1", "FPATAN", "FSIN", "FCOS", "FPTAN" };

START_TEST(results_are_rounded_correctly)
{
    static const mpfr_rnd_t modes[] = { MPFR_RNDN, MPFR_RNDD, MPFR_RNDU, MPFR_RNDZ };
    unsigned long total = bench_cases(1000), wrong = 0, compared = 0;

    for (unsigned long k = 0; k < total; k++) {
        struct fp_env env = { .rounding = rnd_below(4), .masked = FP_ALL, .precision = rnd_below(2) ? 64 : 24 };
        fp80 a, b, v, expected;
        mpfr_t x, y, r;
        unsigned flags;
        bool out, is_same;

        operands(_i, &a, &b);
        to_mpfr(x, a);
        to_mpfr(y, b);
        truth(_i, r, x, y);
        if (!mpfr_zero_p(r) && rounded(r, modes[env.rounding], &expected, &flags)) {
            v = soft(_i, &env, a, b, &out);
            is_same = v.mant == expected.mant && v.se == expected.se && env.flags == flags && !out;
            compared++;
            if (!is_same && wrong++ < 5)
                printf("%s %04x:%016llx, %04x:%016llx, rounding %u: %04x:%016llx flags %02x, not %04x:%016llx flags %02x\n", names[_i], a.se,
                       (unsigned long long)a.mant, b.se, (unsigned long long)b.mant, env.rounding, v.se, (unsigned long long)v.mant,
                       env.flags, expected.se, (unsigned long long)expected.mant, flags);
        }
        mpfr_clears(x, y, r, (mpfr_ptr)0);
    }
    mpfr_free_cache();
    bench_verdict(names[_i], wrong, compared);
}
END_TEST

/* A guest chooses the operands; it shall not choose how many digits MPFR computes. */
START_TEST(no_operand_takes_long)
{
    struct timespec from, to;
    double longest = 0;

    rnd_state = 1;
    for (unsigned k = 0; k < 1000; k++) {
        struct fp_env env = { .masked = FP_ALL, .precision = 64 };
        fp80 a = rnd_fp80((fp80){ 0, BIAS }), b = rnd_fp80(a);
        double ms;
        bool out;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        soft(_i, &env, a, b, &out);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
        longest = ms > longest ? ms : longest;
    }
    ck_assert_msg(longest < 20, "%s: %g ms", names[_i], longest);
}
END_TEST

/* MPFR's own range and flags are the thread's. */
START_TEST(the_thread_s_mpfr_is_left_as_it_was)
{
    struct fp_env env = { .masked = FP_ALL, .precision = 64 };
    bool out;

    mpfr_set_emin(-10);
    mpfr_set_emax(10);
    mpfr_clear_flags();
    for (unsigned k = 0; k < 300; k++) {
        fp80 v = soft(FYL2X, &env, number(false, BIAS + 3, 1), number(k & 1, 1 + k, k), &out);

        ck_assert(v.mant >> 63);
        ck_assert_int_lt(abs((v.se & 0x7fff) - 1 - (int)k), 4);
    }
    ck_assert(!mpfr_flags_test(MPFR_FLAGS_ALL));
    ck_assert_int_eq(mpfr_get_emin(), -10);
    ck_assert_int_eq(mpfr_get_emax(), 10);
    fp_release();
}
END_TEST

/* ---- The host ---- */

#ifdef __x86_64__
NATIVE(f2xm1, "f2xm1")
NATIVE(fyl2x, "fyl2x")
NATIVE(fyl2xp1, "fyl2xp1")
NATIVE(fpatan, "fpatan")
NATIVE(fsin, "fsin")
NATIVE(fcos, "fcos")
NATIVE(fptan, "fptan")
static void (*const native[])(struct native *n) = { native_f2xm1, native_fyl2x, native_fyl2xp1, native_fpatan,
                                                    native_fsin, native_fcos, native_fptan };

static fp80 on_host(int function, unsigned rounding, unsigned masks, fp80 a, fp80 b, struct native *n)
{
    *n = (struct native){ .cw = (uint16_t)(masks | 0x340 | rounding << 10) };
    n->st[0].mant = a.mant, n->st[0].se = a.se;
    n->st[1].mant = b.mant, n->st[1].se = b.se;
    native[function](n);
    /* FPTAN pushes 1, or a NaN. */
    return native_st(n, function == FPTAN && (n->out.sw >> 11 & 7) == 5);
}

static bool is_special(fp80 v)
{
    return (v.se & 0x7fff) == 0x7fff || v.mant == 0;
}

/* Zeros, infinities, NaNs and denormals: the host's results and flags where these are exact; flags of operands everywhere. */
START_TEST(special_cases_are_those_of_the_host)
{
    unsigned long total = bench_cases(30000), wrong = 0;

    for (unsigned long k = 0; k < total; k++) {
        struct fp_env env = { .rounding = rnd_below(4), .masked = rnd_below(2) ? FP_ALL : rnd() & FP_ALL, .precision = 64 };
        fp80 a = rnd_fp80((fp80){ 0, BIAS }), b = rnd_fp80(a), ours, theirs;
        unsigned flags, mask = FP_IE | FP_ZE | FP_DE, other;
        struct native n;
        bool out, is_same;

        if (rnd_below(2))
            a.mant = (uint64_t)((a.se & 0x7fff) != 0) << 63;
        if (rnd_below(2))
            b.mant = (uint64_t)((b.se & 0x7fff) != 0) << 63;
        ours = soft(_i, &env, a, b, &out);
        flags = fp_raised(&env);
        theirs = on_host(_i, env.rounding, env.masked, a, b, &n);
        other = n.out.sw;
        is_same = !((flags ^ other) & mask) && out == !!(other & C2);
        if (!(flags & ~env.masked & (FP_IE | FP_ZE | FP_DE)) && (is_special(a) || (_i < FSIN && _i != F2XM1 && is_special(b))))
            is_same = is_same && ours.mant == theirs.mant && ours.se == theirs.se && (flags & FP_ALL) == (other & FP_ALL) &&
                      !(flags & FP_UP_ROUNDED) == !(other & C1);
        if (!is_same && wrong++ < 8)
            printf("%s %04x:%016llx, %04x:%016llx cw %03x: %04x:%016llx flags %02x out %d, host %04x:%016llx sw %04x\n", names[_i], a.se,
                   (unsigned long long)a.mant, b.se, (unsigned long long)b.mant, n.cw, ours.se, (unsigned long long)ours.mant, flags, out,
                   theirs.se, (unsigned long long)theirs.mant, other);
    }
    bench_verdict_of_intel(names[_i], wrong, total);
}
END_TEST

/* The rows of the table: a range of operands, and by how many units in the last place the host may be off there. 0: no bound is known,
 * for near multiples of pi / 2 the host's pi of 66 bits tells. */
static const struct range { int function, low, high; double ulp; const char *text; } ranges[] = {
    { F2XM1, -64, -1, 1, "-1 < x < 1" },
    { FYL2X, -60, 60, 1, "2^-60 <= x < 2^61" },
    { FYL2X, -1, 0, 1, "1/2 <= x < 2" },
    { FYL2XP1, -70, -3, 1, "|x| < 1/4" },
    { FPATAN, -60, 60, 1, "2^-60 <= |x| < 2^61" },
    { FSIN, -30, -1, 1, "|x| < 1" },
    { FCOS, -30, -1, 1, "|x| < 1" },
    { FPTAN, -30, -1, 1, "|x| < 1" },
    { FSIN, 0, 6, 0, "1 <= |x| < 128" },
    { FCOS, 0, 6, 0, "1 <= |x| < 128" },
    { FPTAN, 0, 6, 0, "1 <= |x| < 128" },
};

START_TEST(the_host_s_errors_are_those_of_the_table)
{
    const struct range *range = &ranges[_i];
    unsigned long total = bench_cases(1000);
    double worst = 0;

    for (unsigned long k = 0; k < total; k++) {
        fp80 a = number(rnd() & 1, BIAS + range->low + (int)rnd_below(range->high - range->low + 1), rnd()), b = between(-30, 30), theirs;
        struct native n;
        mpfr_t x, y, r, t;
        double off;

        if (range->function == FYL2X)
            a.se &= 0x7fff;
        theirs = on_host(range->function, FP_NEAREST, FP_ALL, a, b, &n);
        to_mpfr(x, a);
        to_mpfr(y, b);
        to_mpfr(t, theirs);
        truth(range->function, r, x, y);
        mpfr_sub(r, r, t, MPFR_RNDN);
        mpfr_mul_2si(r, r, 64 - mpfr_get_exp(t), MPFR_RNDN);
        off = mpfr_get_d(r, MPFR_RNDA);
        off = off < 0 ? -off : off;
        worst = off > worst ? off : worst;
        mpfr_clears(x, y, r, t, (mpfr_ptr)0);
    }
    mpfr_free_cache();
    printf("    %-8s %-20s %.3g\n", names[range->function], range->text, worst);
    fflush(stdout);
    ck_assert_msg(!range->ulp || worst <= range->ulp || !__builtin_cpu_is("intel"), "%s, %s: %g ulp, the table says %g", names[range->function], range->text, worst, range->ulp);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("fp-transcend");
    TCase *tc = tcase_create("fp-transcend");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, results_are_rounded_correctly, 0, FUNCTIONS);
    tcase_add_loop_test(tc, no_operand_takes_long, 0, FUNCTIONS);
    tcase_add_test(tc, the_thread_s_mpfr_is_left_as_it_was);
#ifdef __x86_64__
    tcase_add_loop_test(tc, special_cases_are_those_of_the_host, 0, FUNCTIONS);
    tcase_add_loop_test(tc, the_host_s_errors_are_those_of_the_table, 0, (int)(sizeof(ranges) / sizeof(ranges[0])));
#endif
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
