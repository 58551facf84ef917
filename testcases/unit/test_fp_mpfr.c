/*
 * fp32, fp64 and fp80 arithmetic and conversions against MPFR: a second opinion, which needs no x86 host. Finite operands, masked.
 */
#include "cpu/fp/fp.h"

#define MPFR_USE_INTMAX_T
#include <mpfr.h>

#include "testcases/unit/fp_bench.h"

/* A format as MPFR sees it (a number is 0.1... * 2^exponent), and its values as fp80, which holds them all. */
static const struct format { const char *name; int bits, emin, emax; } formats[] = {
    { "fp32", 24, -125, 128 }, { "fp64", 53, -1021, 1024 }, { "fp80", 64, -16381, 16384 }
};
enum { F32, F64, F80, FORMATS };
enum { ADD, SUB, MUL, DIV, SQRT, FMA, FROM_I64, TO_F32, TO_F64, OPERATIONS };
static const char *const names[] = { "add", "sub", "mul", "div", "sqrt", "fma", "from_i64", "to fp32", "to fp64" };

static fp80 operand(int format, fp80 other)
{
    struct fp_env env = { .masked = FP_ALL };
    fp80 v;

    do {
        if (format == F32)
            v = fp80_from_fp32(&env, rnd_fp32(fp32_from_fp80(&env, other)));
        else if (format == F64)
            v = fp80_from_fp64(&env, rnd_fp64(fp64_from_fp80(&env, other)));
        else
            v = rnd_fp80(other);
    } while (fp80_classify(v) > FP80_DENORMAL);
    return v;
}

static void to_mpfr(mpfr_t x, fp80 a)
{
    int exp = a.se & 0x7fff;

    mpfr_init2(x, 64);
    if (exp == 0x7fff)
        mpfr_set_inf(x, 1);
    else
        mpfr_set_uj_2exp(x, a.mant, (exp ? exp : 1) - 0x3fff - 63, MPFR_RNDZ);
    mpfr_setsign(x, x, a.se >> 15, MPFR_RNDZ);
}

#define SOFT(T)                                                                                        \
    static fp80 soft_##T(struct fp_env *env, int operation, fp80 a80, fp80 b80, fp80 c80, int64_t n)   \
    {                                                                                                  \
        struct fp_env exact = { .masked = FP_ALL };                                                    \
        T a = T##_from_fp80(&exact, a80), b = T##_from_fp80(&exact, b80), c = T##_from_fp80(&exact, c80), r; \
                                                                                                       \
        switch (operation) {                                                                           \
        case ADD:                                                                                      \
            r = T##_add(env, a, b);                                                                    \
            break;                                                                                     \
        case SUB:                                                                                      \
            r = T##_sub(env, a, b);                                                                    \
            break;                                                                                     \
        case MUL:                                                                                      \
            r = T##_mul(env, a, b);                                                                    \
            break;                                                                                     \
        case DIV:                                                                                      \
            r = T##_div(env, a, b);                                                                    \
            break;                                                                                     \
        case SQRT:                                                                                     \
            r = T##_sqrt(env, a);                                                                      \
            break;                                                                                     \
        case FMA:                                                                                      \
            r = T##_fma(env, a, b, c, false, false);                                                   \
            break;                                                                                     \
        default:                                                                                       \
            r = T##_from_i64(env, n);                                                                  \
            break;                                                                                     \
        }                                                                                              \
        return fp80_from_##T(&exact, r);                                                               \
    }
SOFT(fp32)
SOFT(fp64)

static fp80 soft(struct fp_env *env, int format, int operation, fp80 a, fp80 b, fp80 c, int64_t n)
{
    struct fp_env exact = { .masked = FP_ALL };

    switch (operation) {
    case TO_F32:
        return fp80_from_fp32(&exact, format == F64 ? fp32_from_fp64(env, fp64_from_fp80(&exact, a)) : fp32_from_fp80(env, a));
    case TO_F64:
        return fp80_from_fp64(&exact, fp64_from_fp80(env, a));
    default:
        break;
    }
    if (format != F80)
        return (format == F32 ? soft_fp32 : soft_fp64)(env, operation, a, b, c, n);
    switch (operation) {
    case ADD:
        return fp80_add(env, a, b);
    case SUB:
        return fp80_sub(env, a, b);
    case MUL:
        return fp80_mul(env, a, b);
    case DIV:
        return fp80_div(env, a, b);
    case SQRT:
        return fp80_sqrt(env, a);
    default:
        return fp80_from_i64(n);
    }
}

static int compute(mpfr_t r, int operation, const mpfr_t a, const mpfr_t b, const mpfr_t c, int64_t n, mpfr_rnd_t mode)
{
    switch (operation) {
    case ADD:
        return mpfr_add(r, a, b, mode);
    case SUB:
        return mpfr_sub(r, a, b, mode);
    case MUL:
        return mpfr_mul(r, a, b, mode);
    case DIV:
        return mpfr_div(r, a, b, mode);
    case SQRT:
        return mpfr_sqrt(r, a, mode);
    case FMA:
        return mpfr_fma(r, a, b, c, mode);
    case FROM_I64:
        return mpfr_set_sj(r, n, mode);
    default:
        return mpfr_set(r, a, mode);
    }
}

/* The result in `format`, and FP_OE, FP_UE, FP_PE and FP_UP_ROUNDED: fp.h's rules. */
static unsigned right(mpfr_t r, const struct format *format, int operation, const mpfr_t a, const mpfr_t b, const mpfr_t c, int64_t n,
                      unsigned rounding)
{
    static const mpfr_rnd_t modes[] = { MPFR_RNDN, MPFR_RNDD, MPFR_RNDU, MPFR_RNDZ };
    mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    unsigned flags = 0;
    bool tiny;
    int inexact;

    mpfr_init2(r, format->bits);
    compute(r, operation, a, b, c, n, modes[rounding]);
    tiny = mpfr_regular_p(r) && mpfr_get_exp(r) < format->emin;
    mpfr_set_emin(format->emin - format->bits + 1);
    mpfr_set_emax(format->emax);
    mpfr_clear_flags();
    inexact = compute(r, operation, a, b, c, n, modes[rounding]);
    inexact = mpfr_check_range(r, inexact, modes[rounding]); /* mpfr_set() does not */
    inexact = mpfr_subnormalize(r, inexact, modes[rounding]);
    if (mpfr_overflow_p())
        flags |= FP_OE;
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
    if (inexact)
        flags |= FP_PE | (tiny ? FP_UE : 0) | ((inexact > 0) != !!mpfr_signbit(r) ? FP_UP_ROUNDED : 0);
    return flags;
}

static bool wanted(int format, int operation, fp80 a, fp80 b)
{
    switch (operation) {
    case DIV:
        return b.mant != 0;
    case SQRT:
        return !(a.se >> 15);
    case FMA:
        return format != F80;
    case TO_F32:
        return format != F32;
    case TO_F64:
        return format == F80;
    default:
        return true;
    }
}

static bool same(int format, int operation)
{
    static unsigned shown;
    struct fp_env env = { .rounding = rnd_below(4), .masked = FP_ALL, .precision = 64 };
    const struct format *to = &formats[operation == TO_F32 ? F32 : operation == TO_F64 ? F64 : format];
    fp80 a = operand(format, (fp80){ 0, 0x3fff }), b = operand(format, a), c = operand(format, b), v;
    int64_t n = (int64_t)rnd_fraction(64) >> rnd_below(64);
    unsigned flags, compared = FP_OE | FP_UE | FP_PE | (format == F80 && operation != FROM_I64 ? FP_UP_ROUNDED : 0);
    mpfr_t x, y, z, r, ours;
    bool is_same;

    if (!wanted(format, operation, a, b))
        return true;
    to_mpfr(x, a);
    to_mpfr(y, b);
    to_mpfr(z, c);
    v = soft(&env, format, operation, a, b, c, n);
    flags = right(r, to, operation, x, y, z, n, env.rounding);
    to_mpfr(ours, v);
    is_same = mpfr_equal_p(r, ours) && !mpfr_signbit(r) == !mpfr_signbit(ours) && !((flags ^ env.flags) & compared);
    if (!is_same && shown++ < 10)
        mpfr_printf("%s %s %Ra, %Ra, %Ra, %lld rounding %u: %Ra flags %02x, not %Ra flags %02x\n", to->name, names[operation], x, y, z,
                    (long long)n, env.rounding, ours, env.flags, r, flags);
    mpfr_clears(x, y, z, r, ours, (mpfr_ptr)0);
    return is_same;
}

START_TEST(arithmetic_is_that_of_mpfr)
{
    unsigned long total = bench_cases(20000), wrong = 0;

    for (unsigned long k = 0; k < total; k++)
        for (int format = 0; format < FORMATS; format++)
            wrong += !same(format, _i);
    mpfr_free_cache();
    bench_verdict(names[_i], wrong, FORMATS * total);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fp-mpfr");
    TCase *tc = tcase_create("fp-mpfr");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, arithmetic_is_that_of_mpfr, 0, OPERATIONS);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
