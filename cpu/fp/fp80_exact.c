/* What the x87 does to exponents and remainders without rounding, and its constants. */
#include "cpu/fp/fp80.h"

/* FP_DE. False: it is unmasked, and the operation ends. */
static bool note_denormal(struct fp_env *env, enum fp80_class a, enum fp80_class b)
{
    if (a != FP80_DENORMAL && b != FP80_DENORMAL)
        return true;
    env->flags |= FP_DE;
    return env->masked & FP_DE;
}

/* Denormals pass through operations that change nothing as they are, without an unmasked FP_UE; but pseudo-denormals get the exponent
 * that is theirs. */
static fp80 unchanged(fp80 a)
{
    if (!fp80_exponent(a))
        a.se |= a.mant >> 63;
    return a;
}

/* ---- FSCALE: SDM Vol. 2A, "FSCALE" ---- */

/* The integer part of b, cut to what carries any number out of range. */
static int scale_of(fp80 b)
{
    const int limit = 1 << 17;
    uint64_t fraction, v;

    if (fp80_exponent(b) > FP80_BIAS + 17)
        return fp80_sign(b) ? -limit : limit;
    v = fp80_split(b, &fraction);
    return fp80_sign(b) ? -(int)v : (int)v;
}

fp80 fp80_scale(struct fp_env *env, fp80 a, fp80 b)
{
    enum fp80_class ca = fp80_classify(a), cb = fp80_classify(b);
    int exp;

    if (ca >= FP80_NAN || cb >= FP80_NAN)
        return fp80_nan(env, a, b);
    if (cb == FP80_INFINITY && ca == (fp80_sign(b) ? FP80_INFINITY : FP80_ZERO))
        return fp80_invalid(env);
    if (!note_denormal(env, ca, cb) || ca == FP80_INFINITY || ca == FP80_ZERO)
        return a;
    if (cb == FP80_ZERO)
        return unchanged(a);
    if (cb == FP80_INFINITY)
        return fp80_sign(b) ? fp80_make(fp80_sign(a), 0, 0) : fp80_make(fp80_sign(a), FP80_EMAX, FP80_ONE_BIT);
    uint64_t sig = fp80_leading(a, &exp);

    return fp80_pack(env, fp80_sign(a), exp + scale_of(b), sig, 0, 64);
}

/* ---- FXTRACT: SDM Vol. 2A, "FXTRACT" ---- */

fp80 fp80_extract(struct fp_env *env, fp80 a, fp80 *exponent)
{
    enum fp80_class c = fp80_classify(a);
    int exp;

    switch (c) {
    case FP80_NAN:
    case FP80_UNSUPPORTED:
        return *exponent = fp80_nan(env, a, a);
    case FP80_INFINITY:
        *exponent = fp80_make(false, FP80_EMAX, FP80_ONE_BIT);
        return a;
    case FP80_ZERO:
        env->flags |= FP_ZE;
        *exponent = fp80_make(true, FP80_EMAX, FP80_ONE_BIT);
        return a;
    default:
        break;
    }
    note_denormal(env, c, c);
    uint64_t sig = fp80_leading(a, &exp);

    *exponent = fp80_from_i64(exp - FP80_BIAS);
    return fp80_make(fp80_sign(a), FP80_BIAS, sig);
}

/* ---- FPREM, FPREM1: SDM Vol. 2A, "FPREM", "FPREM1" ---- */

/* |a| less the multiple `*quotient` of |b| that is nearest, `va` and `*exp` telling a and then the remainder; a's exponent is at most one
 * less than b's. True: the remainder is negative. */
static bool nearest_remainder(uint64_t *va, int *exp, uint64_t vb, int eb, uint64_t *quotient)
{
    uint64_t rest = *va;

    if (*exp < eb) { /* a is less than b, and more than b / 4 */
        if (rest <= vb)
            return false;
        *va = 2 * vb - rest;
        *quotient = 1;
        return true;
    }
    if (rest < vb - rest || (rest == vb - rest && !(*quotient & 1)))
        return false;
    *va = vb - rest;
    ++*quotient;
    return true;
}

fp80 fp80_remainder(struct fp_env *env, fp80 a, fp80 b, bool nearest, bool *complete, uint64_t *quotient)
{
    enum fp80_class ca = fp80_classify(a), cb = fp80_classify(b);
    bool sign = fp80_sign(a);
    int ea, eb, distance;

    *complete = true;
    *quotient = 0;
    if (ca >= FP80_NAN || cb >= FP80_NAN)
        return fp80_nan(env, a, b);
    if (ca == FP80_INFINITY || cb == FP80_ZERO)
        return fp80_invalid(env);
    if (!note_denormal(env, ca, cb) || ca == FP80_ZERO)
        return a;
    if (cb == FP80_INFINITY)
        return unchanged(a);
    uint64_t va = fp80_leading(a, &ea), vb = fp80_leading(b, &eb);

    distance = ea - eb;
    if (distance >= 64) { /* SDM: by 32 to 63, as the implementation likes. Intel's: until the distance is a multiple of 32 */
        *complete = false;
        distance = 32 + distance % 32;
    }
    if (distance >= 0) {
        uint64_t high = distance ? va >> (64 - distance) : 0, low = va << distance;

        *quotient = fp_div128(high, low, vb, &va);
        ea -= distance;
    }
    if (nearest && *complete && ea >= eb - 1)
        sign ^= nearest_remainder(&va, &ea, vb, eb, quotient);
    if (!va)
        return fp80_make(fp80_sign(a), 0, 0);
    unsigned shift = fp_clz64(va);

    return fp80_pack(env, sign, ea - (int)shift, va << shift, 0, 64);
}

/* ---- FLD1 and its kin: SDM Vol. 2A, "FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/FLDLN2/FLDZ" ---- */

fp80 fp80_constant(const struct fp_env *env, enum fp80_constant which)
{
    static const struct { int exp; uint64_t high, low; } constants[] = {
        [FP80_ONE] = { 0, FP80_ONE_BIT, 0 },
        [FP80_L2T] = { 1, 0xd49a784bcd1b8afeull, 0x492bf6ff4dafdb4cull },
        [FP80_L2E] = { 0, 0xb8aa3b295c17f0bbull, 0xbe87fed0691d3e88ull },
        [FP80_PI] = { 1, 0xc90fdaa22168c234ull, 0xc4c6628b80dc1cd1ull },
        [FP80_LG2] = { -2, 0x9a209a84fbcff798ull, 0x8f8959ac0b7c9178ull },
        [FP80_LN2] = { -1, 0xb17217f7d1cf79abull, 0xc9e3b39803f2f6afull },
        [FP80_ZERO_CONSTANT] = { 0, 0, 0 },
    };
    int exp = FP80_BIAS + constants[which].exp;
    uint64_t high = constants[which].high;

    if (!high)
        return fp80_make(false, 0, 0);
    return fp80_make(false, exp, high + fp_rounds_up(env, false, high & 1, constants[which].low));
}
