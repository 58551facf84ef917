/*
 * The transcendental functions of the x87, correctly rounded by MPFR: the true result, cut to a few bits more than 64 and with the
 * knowledge whether anything was cut off, goes through the same rounding as a sum. Hence flags and C1 are those of the true result too.
 *
 * Hardware is not that exact. An Intel Xeon (Cascade Lake), rounding to nearest, is off by up to so many units in the last place;
 * testcases/unit/test_fp_transcend measures it on the host and fails where one is off by more than 1, but for the last rows:
 *
 *     F2XM1    -1 < x < 1             0.71
 *     FYL2X    2^-60 <= x < 2^61      0.73
 *     FYL2X    1/2 <= x < 2           0.91
 *     FYL2XP1  |x| < 1/4              0.91
 *     FPATAN   2^-60 <= |x| < 2^61    0.63
 *     FSIN     |x| < 1                0.60
 *     FCOS     |x| < 1                0.55
 *     FPTAN    |x| < 1                0.61
 *     FSIN     1 <= |x| < 128         thousands near multiples of pi: it reduces by a pi of 66 bits
 *     FCOS     1 <= |x| < 128         thousands near odd multiples of pi / 2
 *     FPTAN    1 <= |x| < 128         thousands near either; and all have no correct bit left when |x| nears 2^63
 *
 * Besides, hardware sets FP_PE whenever a finite, non-zero operand is not one of its special cases, also for exact results (2^1 - 1); here
 * they are exact. The special cases are those of the SDM's tables: zeros, infinities, NaNs.
 *
 * SDM Vol. 2A, "F2XM1", "FCOS", "FPATAN", "FPTAN", "FSIN", "FYL2X", "FYL2XP1".
 */
#include "cpu/fp/fp80.h"

#define MPFR_USE_INTMAX_T
#include <mpfr.h>

enum { RESULT_BITS = 80 }; /* more than 64 and a half; what lies below is jammed */

/* MPFR's range and flags belong to the thread, and thus to whoever uses the library. */
struct range { mpfr_exp_t emin, emax; mpfr_flags_t flags; };

static struct range range_enter(void)
{
    struct range r = { mpfr_get_emin(), mpfr_get_emax(), mpfr_flags_save() };

    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    return r;
}

static void range_leave(const struct range *r)
{
    mpfr_set_emin(r->emin);
    mpfr_set_emax(r->emax);
    mpfr_flags_restore(r->flags, MPFR_FLAGS_ALL);
}

void fp_release(void)
{
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
}

/* A finite number other than zero; `x` has at least 64 bits. */
static void set(mpfr_t x, fp80 a)
{
    int exp;
    uint64_t sig = fp80_leading(a, &exp);

    mpfr_set_uj_2exp(x, sig, exp - FP80_BIAS - 63, MPFR_RNDZ);
    if (fp80_sign(a))
        mpfr_neg(x, x, MPFR_RNDZ);
}

/* Rounds `r`, which was cut towards zero (`inexact`) or is exact; it is not zero. Destroys it. */
static fp80 get(struct fp_env *env, mpfr_t r, bool inexact)
{
    bool sign = mpfr_signbit(r);
    mpfr_exp_t exp = mpfr_get_exp(r); /* r = 0.1... * 2^exp */
    uint64_t high, low;

    mpfr_abs(r, r, MPFR_RNDZ);
    mpfr_mul_2si(r, r, 64 - exp, MPFR_RNDZ);
    high = mpfr_get_uj(r, MPFR_RNDZ);
    mpfr_frac(r, r, MPFR_RNDZ);
    mpfr_mul_2ui(r, r, 64, MPFR_RNDZ);
    low = mpfr_get_uj(r, MPFR_RNDZ) | inexact;
    return fp80_pack(env, sign, (int)exp - 1 + FP80_BIAS, high, low, 64);
}

/* Whether `r`, of `bits` bits and wrong by at most 2^(error) units of the last one, can be cut to RESULT_BITS. */
static bool decided(mpfr_t r, unsigned error)
{
    return mpfr_can_round(r, mpfr_get_prec(r) - error, MPFR_RNDN, MPFR_RNDZ, RESULT_BITS);
}

/* Cuts. */
static void cut(mpfr_t r)
{
    mpfr_prec_round(r, RESULT_BITS, MPFR_RNDZ);
}

/* FP_DE of finite or infinite operands. False: it is unmasked, and the operation ends. */
static bool note_denormal(struct fp_env *env, enum fp80_class a, enum fp80_class b)
{
    if (a != FP80_DENORMAL && b != FP80_DENORMAL)
        return true;
    env->flags |= FP_DE;
    return env->masked & FP_DE;
}

static fp80 infinity(bool sign)
{
    return fp80_make(sign, FP80_EMAX, FP80_ONE_BIT);
}

static fp80 zero(bool sign)
{
    return fp80_make(sign, 0, 0);
}

/* ---- F2XM1 ---- */

/* 2^x - 1 = e^(x ln 2) - 1: the product and the function are wrong by an ulp or two each, and the function's condition is below 1.5. It is
 * irrational unless x is whole. */
static void exp2m1(mpfr_t r, const mpfr_t x)
{
    mpfr_prec_t bits = RESULT_BITS + 20;

    for (;; bits += 64) {
        mpfr_set_prec(r, bits);
        mpfr_const_log2(r, MPFR_RNDN);
        mpfr_mul(r, r, x, MPFR_RNDN);
        mpfr_expm1(r, r, MPFR_RNDN);
        if (decided(r, 4))
            break;
    }
    cut(r);
}

fp80 fp80_2xm1(struct fp_env *env, fp80 a)
{
    enum fp80_class c = fp80_classify(a);
    bool sign = fp80_sign(a);
    struct range range;
    mpfr_t x, r;

    if (c >= FP80_NAN)
        return fp80_nan(env, a, a);
    if (c == FP80_INFINITY)
        return sign ? fp80_make(true, FP80_BIAS, FP80_ONE_BIT) : a;
    if (!note_denormal(env, c, c) || c == FP80_ZERO)
        return a;
    if (fp80_exponent(a) >= FP80_BIAS) {
        if (fp80_exponent(a) > FP80_BIAS || a.mant != FP80_ONE_BIT) {
            env->flags |= FP_PE; /* undefined: as hardware does */
            return a;
        }
        return sign ? fp80_make(true, FP80_BIAS - 1, FP80_ONE_BIT) : a;
    }
    range = range_enter();
    mpfr_init2(x, 64);
    mpfr_init2(r, RESULT_BITS);
    set(x, a);
    exp2m1(r, x);
    a = get(env, r, true);
    mpfr_clear(x);
    mpfr_clear(r);
    range_leave(&range);
    return a;
}

/* ---- FYL2X, FYL2XP1 ---- */

/* y * log2(x), or y * log2(1 + x), of a positive argument other than 1. Of a power of two the result is exact; else it is irrational, and
 * half an ulp wrong after each of four roundings. */
static fp80 y_log2(struct fp_env *env, fp80 x, fp80 y, bool plus_one)
{
    mpfr_prec_t bits = RESULT_BITS + 20;
    struct range range = range_enter();
    mpfr_t vx, vy, argument, r, ln2;
    bool power, far = fp80_exponent(x) > FP80_BIAS + 400; /* 1 + x is x, but for what makes the result inexact; or takes MPFR 16,000 bits */
    int inexact;

    mpfr_inits2(64, vx, vy, (mpfr_ptr)0);
    mpfr_init2(argument, 66); /* 1 + x that does not fit is no power of two */
    mpfr_init2(r, RESULT_BITS);
    mpfr_init2(ln2, bits);
    set(vx, x);
    set(vy, y);
    inexact = mpfr_add_ui(argument, vx, plus_one && !far, MPFR_RNDZ);
    power = !inexact && mpfr_min_prec(argument) == 1;
    if (power)
        mpfr_mul_si(r, vy, mpfr_get_exp(argument) - 1, MPFR_RNDZ); /* of 64 and 15 bits */
    for (; !power; bits += 64) {
        mpfr_set_prec(r, bits);
        mpfr_set_prec(ln2, bits);
        if (plus_one && !far)
            mpfr_log1p(r, vx, MPFR_RNDN);
        else
            mpfr_log(r, vx, MPFR_RNDN);
        mpfr_const_log2(ln2, MPFR_RNDN);
        mpfr_div(r, r, ln2, MPFR_RNDN);
        mpfr_mul(r, r, vy, MPFR_RNDN);
        if (decided(r, 4))
            break;
    }
    cut(r);
    y = get(env, r, !power || (plus_one && far));
    mpfr_clears(vx, vy, argument, r, ln2, (mpfr_ptr)0);
    range_leave(&range);
    return y;
}

/* The sign of log2(x), x > 0 and not 1. */
static bool below_one(fp80 x)
{
    return fp80_exponent(x) < FP80_BIAS;
}

fp80 fp80_yl2x(struct fp_env *env, fp80 x, fp80 y)
{
    enum fp80_class cx = fp80_classify(x), cy = fp80_classify(y);
    bool sy = fp80_sign(y), one = x.se == FP80_BIAS && x.mant == FP80_ONE_BIT;

    if (cx >= FP80_NAN || cy >= FP80_NAN)
        return fp80_nan(env, x, y);
    if ((fp80_sign(x) && cx != FP80_ZERO) || (cx == FP80_ZERO && cy == FP80_ZERO) || (cx == FP80_INFINITY && cy == FP80_ZERO) ||
        (one && cy == FP80_INFINITY))
        return fp80_invalid(env);
    if (cx == FP80_ZERO) {
        env->flags |= cy == FP80_INFINITY ? 0 : FP_ZE;
        return infinity(!sy);
    }
    if (!note_denormal(env, cx, cy))
        return y;
    if (one || cy == FP80_ZERO)
        return zero(sy != (!one && below_one(x)));
    if (cx == FP80_INFINITY || cy == FP80_INFINITY)
        return infinity(sy != below_one(x));
    return y_log2(env, x, y, false);
}

fp80 fp80_yl2xp1(struct fp_env *env, fp80 x, fp80 y)
{
    enum fp80_class cx = fp80_classify(x), cy = fp80_classify(y);
    bool sx = fp80_sign(x), sign = sx != fp80_sign(y);

    if (cx >= FP80_NAN || cy >= FP80_NAN)
        return fp80_nan(env, x, y);
    if ((cx == FP80_INFINITY && (sx || cy == FP80_ZERO)) || (cx == FP80_ZERO && cy == FP80_INFINITY))
        return fp80_invalid(env);
    if (!note_denormal(env, cx, cy))
        return y;
    if (cx == FP80_ZERO || cy == FP80_ZERO)
        return zero(sign);
    if (cx == FP80_INFINITY || cy == FP80_INFINITY)
        return infinity(sign);
    if (sx && fp80_exponent(x) >= FP80_BIAS) {
        env->flags |= FP_PE; /* undefined: as hardware does */
        return x;
    }
    return y_log2(env, x, y, true);
}

/* ---- FPATAN ---- */

/* A multiple of pi / 4, for operands that are zero or infinite. */
static fp80 quarters(struct fp_env *env, bool sign, unsigned quarters_of_pi)
{
    struct range range = range_enter();
    mpfr_t r;
    fp80 v;

    mpfr_init2(r, 2 * RESULT_BITS);
    mpfr_const_pi(r, MPFR_RNDZ);
    mpfr_mul_ui(r, r, quarters_of_pi, MPFR_RNDZ);
    mpfr_div_2ui(r, r, 2, MPFR_RNDZ);
    mpfr_setsign(r, r, sign, MPFR_RNDZ);
    v = get(env, r, true);
    mpfr_clear(r);
    range_leave(&range);
    return v;
}

fp80 fp80_atan2(struct fp_env *env, fp80 y, fp80 x)
{
    enum fp80_class cx = fp80_classify(x), cy = fp80_classify(y);
    bool sx = fp80_sign(x), sy = fp80_sign(y);
    struct range range;
    mpfr_t vx, vy, r;

    if (cx >= FP80_NAN || cy >= FP80_NAN)
        return fp80_nan(env, x, y);
    if (!note_denormal(env, cx, cy))
        return y;
    if (cy == FP80_ZERO || (cx == FP80_INFINITY && cy != FP80_INFINITY))
        return sx ? quarters(env, sy, 4) : zero(sy);
    if (cy == FP80_INFINITY)
        return quarters(env, sy, cx != FP80_INFINITY ? 2 : sx ? 3 : 1);
    if (cx == FP80_ZERO)
        return quarters(env, sy, 2);
    range = range_enter();
    mpfr_inits2(64, vx, vy, (mpfr_ptr)0);
    mpfr_init2(r, RESULT_BITS);
    set(vx, x);
    set(vy, y);
    y = get(env, r, mpfr_atan2(r, vy, vx, MPFR_RNDZ));
    mpfr_clears(vx, vy, r, (mpfr_ptr)0);
    range_leave(&range);
    return y;
}

/* ---- FSIN, FCOS, FPTAN ---- */

static fp80 circular(struct fp_env *env, fp80 a, int (*function)(mpfr_t, const mpfr_t, mpfr_rnd_t), fp80 of_zero, bool *out_of_range)
{
    enum fp80_class c = fp80_classify(a);
    struct range range;
    mpfr_t x, r;
    int inexact;

    *out_of_range = false;
    if (c >= FP80_NAN)
        return fp80_nan(env, a, a);
    if (c == FP80_INFINITY)
        return fp80_invalid(env);
    if (c == FP80_ZERO)
        return of_zero;
    if (fp80_exponent(a) >= FP80_BIAS + 63) {
        *out_of_range = true;
        return a;
    }
    if (!note_denormal(env, c, c))
        return a;
    range = range_enter();
    mpfr_init2(x, 64);
    mpfr_init2(r, RESULT_BITS);
    set(x, a);
    inexact = function(r, x, MPFR_RNDZ);
    a = get(env, r, inexact);
    mpfr_clear(x);
    mpfr_clear(r);
    range_leave(&range);
    return a;
}

fp80 fp80_sin(struct fp_env *env, fp80 a, bool *out_of_range)
{
    return circular(env, a, mpfr_sin, a, out_of_range);
}

fp80 fp80_cos(struct fp_env *env, fp80 a, bool *out_of_range)
{
    return circular(env, a, mpfr_cos, fp80_make(false, FP80_BIAS, FP80_ONE_BIT), out_of_range);
}

fp80 fp80_tan(struct fp_env *env, fp80 a, bool *out_of_range)
{
    return circular(env, a, mpfr_tan, a, out_of_range);
}
