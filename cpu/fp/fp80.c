/*
 * Double extended: arithmetic and comparison.
 *
 * What the SDM leaves open, as Intel processors (Skylake) do it:
 *   - with less than 64 bits of precision, a denormal result is rounded at the same place of the significand field as a normal one;
 *   - unmasked, a result that is out of range even when its exponent is wrapped (FSCALE alone makes such) becomes zero or infinity,
 *     whatever the direction of rounding.
 */
#include "cpu/fp/fp80.h"

enum fp80_class fp80_classify(fp80 a)
{
    int exp = fp80_exponent(a);

    if (exp == 0)
        return a.mant ? FP80_DENORMAL : FP80_ZERO;
    if (!(a.mant >> 63))
        return FP80_UNSUPPORTED;
    if (exp < FP80_EMAX)
        return FP80_NORMAL;
    return a.mant << 1 ? FP80_NAN : FP80_INFINITY;
}

fp80 fp80_invalid(struct fp_env *env)
{
    env->flags |= FP_IE;
    return FP80_INDEFINITE;
}

static bool is_nan(fp80 a)
{
    return fp80_exponent(a) == FP80_EMAX && a.mant > FP80_ONE_BIT;
}

static bool is_signalling(fp80 a)
{
    return is_nan(a) && !(a.mant & FP80_QUIET_BIT);
}

static bool is_unsupported(fp80 a)
{
    return fp80_exponent(a) && !(a.mant >> 63);
}

/* SDM Vol. 1, "Rules for handling NaNs". */
fp80 fp80_nan(struct fp_env *env, fp80 a, fp80 b)
{
    bool first;

    if (is_unsupported(a) || is_unsupported(b))
        return fp80_invalid(env);
    if (is_signalling(a) || is_signalling(b))
        env->flags |= FP_IE;
    if (!is_nan(a) || !is_nan(b))
        first = is_nan(a);
    else if (is_signalling(a) != is_signalling(b))
        first = is_signalling(b);
    else
        first = a.mant != b.mant ? a.mant > b.mant : !fp80_sign(a);
    if (!first)
        a = b;
    a.mant |= FP80_QUIET_BIT;
    return a;
}

/* FP_DE of one or two finite or infinite operands. False: unmasked, so that the operation ends here. */
static bool note_denormal(struct fp_env *env, fp80 a, fp80 b)
{
    bool narrow = env->narrow_denormal;

    env->narrow_denormal = false;
    if (!narrow && (fp80_exponent(a) || !a.mant) && (fp80_exponent(b) || !b.mant))
        return true;
    env->flags |= FP_DE;
    return env->masked & FP_DE;
}

/* ---- Rounding ---- */

static bool round_up(const struct fp_env *env, bool sign, uint64_t high, uint64_t low, unsigned precision)
{
    if (precision == 64)
        return fp_rounds_up(env, sign, high & 1, low);
    return fp_rounds_up(env, sign, high >> (64 - precision) & 1, high << precision | (low != 0));
}

static fp80 overflow(struct fp_env *env, bool sign, unsigned precision)
{
    bool up = env->rounding == FP_NEAREST || env->rounding == (sign ? FP_DOWN : FP_UP);

    env->flags |= FP_OE | FP_PE;
    if (!up)
        return fp80_make(sign, FP80_EMAX - 1, UINT64_MAX << (64 - precision));
    env->flags |= FP_UP_ROUNDED;
    return fp80_make(sign, FP80_EMAX, FP80_ONE_BIT);
}

fp80 fp80_pack(struct fp_env *env, bool sign, int exp, uint64_t high, uint64_t low, unsigned precision)
{
    const uint64_t unit = 1ull << (64 - precision);
    bool up = round_up(env, sign, high, low, precision), tiny = false;

    if (FP_UNLIKELY(exp <= 0) && (exp < 0 || !up || (high | (unit - 1)) != UINT64_MAX)) {
        if (env->masked & FP_UE) {
            fp_u128 v = fp_shift_jam128((fp_u128)high << 64 | low, 1 - exp);

            tiny = true;
            exp = 0;
            high = v >> 64;
            low = v;
            up = round_up(env, sign, high, low, precision);
        } else {
            env->flags |= FP_UE;
            exp += FP80_WRAP;
            if (exp <= 0) {
                env->flags |= FP_PE;
                return fp80_make(sign, 0, 0);
            }
        }
    }
    if (low || high & (unit - 1)) {
        env->flags |= FP_PE | (tiny ? FP_UE : 0) | (up ? FP_UP_ROUNDED : 0);
        high &= -unit;
        if (up && !(high += unit)) {
            high = FP80_ONE_BIT;
            exp++;
        }
    }
    if (tiny) {
        exp = high >> 63; /* rounded up to the smallest normal number, or not */
    } else if (FP_UNLIKELY(exp >= FP80_EMAX)) {
        if (env->masked & FP_OE) {
            env->flags &= ~FP_UP_ROUNDED;
            return overflow(env, sign, precision);
        }
        env->flags |= FP_OE;
        exp -= FP80_WRAP;
        if (exp >= FP80_EMAX) {
            env->flags |= FP_PE | FP_UP_ROUNDED;
            return fp80_make(sign, FP80_EMAX, FP80_ONE_BIT);
        }
    }
    return fp80_make(sign, exp, high);
}

/* ---- Arithmetic ---- */

static fp80 sum(struct fp_env *env, fp80 a, fp80 b, bool subtract)
{
    bool sa = fp80_sign(a), sb = fp80_sign(b) != subtract;
    int ea = fp80_exponent(a), eb = fp80_exponent(b);

    if (FP_UNLIKELY(!fp80_is_normal(a) || !fp80_is_normal(b) || env->narrow_denormal)) {
        enum fp80_class ca = fp80_classify(a), cb = fp80_classify(b);

        if (ca >= FP80_NAN || cb >= FP80_NAN) {
            env->narrow_denormal = false;
            return fp80_nan(env, a, b);
        }
        if (ca == FP80_INFINITY && cb == FP80_INFINITY && sa != sb) /* neither came from memory as a denormal */
            return fp80_invalid(env);
        if (!note_denormal(env, a, b))
            return a;
        if (ca == FP80_INFINITY)
            return a;
        if (cb == FP80_INFINITY)
            return fp80_make(sb, FP80_EMAX, b.mant);
        ea += !ea;
        eb += !eb;
    }
    fp_u128 va = (fp_u128)a.mant << 63, vb = (fp_u128)b.mant << 63, v;

    if (ea < eb || (ea == eb && va < vb)) {
        fp_u128 v0 = va;
        int e0 = ea;
        bool s0 = sa;

        va = vb, ea = eb, sa = sb;
        vb = v0, eb = e0, sb = s0;
    }
    vb = fp_shift_jam128(vb, ea - eb);
    v = sa == sb ? va + vb : va - vb;
    if (!v)
        return fp80_make(sa == sb ? sa : env->rounding == FP_DOWN, 0, 0);
    unsigned shift = fp_clz128(v);

    v <<= shift;
    return fp80_pack(env, sa, ea + 1 - (int)shift, v >> 64, v, env->precision);
}

fp80 fp80_add(struct fp_env *env, fp80 a, fp80 b)
{
    return sum(env, a, b, false);
}

fp80 fp80_sub(struct fp_env *env, fp80 a, fp80 b)
{
    return sum(env, a, b, true);
}

/* Products and quotients that are a NaN, an infinity or zero, and the flags of the operands. True: *result is it. */
static bool special_product(struct fp_env *env, fp80 a, fp80 b, bool quotient, fp80 *result)
{
    enum fp80_class ca = fp80_classify(a), cb = fp80_classify(b);
    bool sign = fp80_sign(a) != fp80_sign(b);
    enum fp80_class large = quotient ? FP80_ZERO : FP80_INFINITY, small = quotient ? FP80_INFINITY : FP80_ZERO;

    if (ca >= FP80_NAN || cb >= FP80_NAN)
        *result = fp80_nan(env, a, b);
    else if ((ca == FP80_INFINITY && cb == small) || (ca == FP80_ZERO && cb == large))
        *result = fp80_invalid(env);
    else if (quotient && cb == FP80_ZERO && ca != FP80_INFINITY) {
        env->flags |= FP_ZE;
        *result = fp80_make(sign, FP80_EMAX, FP80_ONE_BIT);
    } else if (!note_denormal(env, a, b))
        *result = a;
    else if (ca == FP80_INFINITY || cb == large)
        *result = fp80_make(sign, FP80_EMAX, FP80_ONE_BIT);
    else if (ca == FP80_ZERO || cb == small)
        *result = fp80_make(sign, 0, 0);
    else
        return false;
    env->narrow_denormal = false;
    return true;
}

fp80 fp80_mul(struct fp_env *env, fp80 a, fp80 b)
{
    fp80 special;
    int ea, eb;

    if (FP_UNLIKELY(!fp80_is_normal(a) || !fp80_is_normal(b) || env->narrow_denormal) && special_product(env, a, b, false, &special))
        return special;
    uint64_t va = fp80_leading(a, &ea), vb = fp80_leading(b, &eb);
    fp_u128 v = (fp_u128)va * vb;
    int exp = ea + eb - FP80_BIAS + 1;

    if (!(v >> 127)) {
        v <<= 1;
        exp--;
    }
    return fp80_pack(env, fp80_sign(a) != fp80_sign(b), exp, v >> 64, v, env->precision);
}

fp80 fp80_div(struct fp_env *env, fp80 a, fp80 b)
{
    fp80 special;
    int ea, eb;

    if (FP_UNLIKELY(!fp80_is_normal(a) || !fp80_is_normal(b) || env->narrow_denormal) && special_product(env, a, b, true, &special))
        return special;
    uint64_t va = fp80_leading(a, &ea), vb = fp80_leading(b, &eb), q, rest, low;
    int exp = ea - eb + FP80_BIAS;

    if (va >= vb) {
        q = fp_div128(va >> 1, va << 63, vb, &rest);
    } else {
        q = fp_div128(va, 0, vb, &rest);
        exp--;
    }
    low = rest > vb - rest ? UINT64_MAX : rest != 0; /* never a tie: no quotient of 64-bit numbers ends with its 65th bit */
    return fp80_pack(env, fp80_sign(a) != fp80_sign(b), exp, q, low, env->precision);
}

fp80 fp80_sqrt(struct fp_env *env, fp80 a)
{
    int exp;

    if (FP_UNLIKELY(!fp80_is_normal(a) || fp80_sign(a))) {
        enum fp80_class c = fp80_classify(a);

        if (c >= FP80_NAN)
            return fp80_nan(env, a, a);
        if (c == FP80_ZERO)
            return a;
        if (fp80_sign(a))
            return fp80_invalid(env);
        if (c == FP80_INFINITY || !note_denormal(env, a, a))
            return a;
    }
    uint64_t v = fp80_leading(a, &exp), root;
    bool odd = (exp - FP80_BIAS) & 1;
    fp_u128 rest;

    exp = (exp - FP80_BIAS - odd) / 2 + FP80_BIAS;
    root = fp_sqrt128((fp_u128)v << (63 + odd), &rest);
    return fp80_pack(env, false, exp, root, rest > root ? UINT64_MAX : rest != 0, env->precision); /* (root + 1/2)^2 = root^2 + root + 1/4 */
}

fp80 fp80_round(struct fp_env *env, fp80 a)
{
    bool sign = fp80_sign(a);
    uint64_t fraction, v;

    switch (fp80_classify(a)) {
    case FP80_NAN:
    case FP80_UNSUPPORTED:
        return fp80_nan(env, a, a);
    case FP80_ZERO:
    case FP80_INFINITY:
        return a;
    default:
        if (!note_denormal(env, a, a) || fp80_exponent(a) >= FP80_BIAS + 63)
            return a;
    }
    v = fp80_split(a, &fraction);
    if (!fraction)
        return a;
    env->flags |= FP_PE;
    if (fp_rounds_up(env, sign, v & 1, fraction)) {
        env->flags |= FP_UP_ROUNDED;
        v++; /* below 2^63, so no carry is lost */
    }
    if (!v)
        return fp80_make(sign, 0, 0);
    return fp80_make(sign, FP80_BIAS + 63 - (int)fp_clz64(v), v << fp_clz64(v));
}

/* ---- Comparison ---- */

enum fp_relation fp80_compare(struct fp_env *env, fp80 a, fp80 b, bool quiet)
{
    enum fp80_class ca = fp80_classify(a), cb = fp80_classify(b);
    bool sa = fp80_sign(a), sb = fp80_sign(b);

    if (ca >= FP80_NAN || cb >= FP80_NAN) {
        env->narrow_denormal = false;
        if (!quiet || ca == FP80_UNSUPPORTED || cb == FP80_UNSUPPORTED || is_signalling(a) || is_signalling(b))
            env->flags |= FP_IE;
        return FP_UNORDERED;
    }
    note_denormal(env, a, b);
    if (ca == FP80_ZERO && cb == FP80_ZERO)
        return FP_EQUAL;
    if (sa != sb)
        return sa ? FP_LESS : FP_GREATER;
    int ea = fp80_exponent(a), eb = fp80_exponent(b);

    ea += !ea; /* a pseudo-denormal is as large as the number with exponent 1 */
    eb += !eb;
    if (ea == eb && a.mant == b.mant)
        return FP_EQUAL;
    return (ea != eb ? ea < eb : a.mant < b.mant) != sa ? FP_LESS : FP_GREATER;
}
