/* Conversions between the formats, and of fp80 to and from integers. Those of fp32 and fp64 are in sse.inc. */
#include "cpu/fp/fp80.h"

enum { EMAX16 = 31, EMAX32 = 255, EMAX64 = 2047, BIAS16 = 15, BIAS32 = 127, BIAS64 = 1023 };

/* A narrow number, taken apart: the fraction in the upper bits below bit 63. */
struct parts {
    bool sign;
    int exp;       /* as encoded */
    int emax;      /* the exponent of infinity */
    uint64_t frac; /* of a number: without the leading 1 */
};

FP_INLINE struct parts parts16(fp16 a)
{
    return (struct parts){ a >> 15, a >> 10 & EMAX16, EMAX16, (uint64_t)(a & 0x3ff) << 53 };
}

FP_INLINE struct parts parts32(fp32 a)
{
    return (struct parts){ a >> 31, a >> 23 & EMAX32, EMAX32, (uint64_t)(a & 0x7fffff) << 40 };
}

FP_INLINE struct parts parts64(fp64 a)
{
    return (struct parts){ a >> 63, a >> 52 & EMAX64, EMAX64, (a & 0xfffffffffffffull) << 11 };
}

FP_INLINE bool parts_nan(const struct parts *p)
{
    return p->exp == p->emax && p->frac;
}

FP_INLINE bool parts_denormal(const struct parts *p)
{
    return !p->exp && p->frac;
}

/* Quiets a NaN, and signals when it was not. */
FP_INLINE void parts_quiet(struct fp_env *env, struct parts *p)
{
    if (!(p->frac & FP80_QUIET_BIT))
        env->flags |= FP_IE;
    p->frac |= FP80_QUIET_BIT;
}

/* Exact, of any finite number: the biased exponent in a format of bias `bias` and the significand, with its leading 1 in bit 63. */
FP_INLINE uint64_t parts_leading(const struct parts *p, int bias, int *exp)
{
    if (p->exp) {
        *exp = p->exp - p->emax / 2 + bias;
        return p->frac | FP80_ONE_BIT;
    }
    unsigned shift = fp_clz64(p->frac);

    *exp = 1 - (int)shift - p->emax / 2 + bias;
    return p->frac << shift;
}

/* ---- fp16, fp32, fp64 ---- */

fp64 fp64_from_fp32(struct fp_env *env, fp32 a)
{
    struct parts p = parts32(a);
    uint64_t minus = (uint64_t)p.sign << 63;
    int exp;

    if (FP_UNLIKELY(p.exp == EMAX32)) {
        if (p.frac)
            parts_quiet(env, &p);
        return minus | (uint64_t)EMAX64 << 52 | p.frac >> 11;
    }
    if (FP_UNLIKELY(!p.exp)) {
        if (!p.frac || env->daz)
            return minus;
        env->flags |= FP_DE;
    }
    uint64_t sig = parts_leading(&p, BIAS64, &exp);

    return minus | (uint64_t)exp << 52 | (sig << 1) >> 12;
}

fp32 fp32_from_fp64(struct fp_env *env, fp64 a)
{
    struct parts p = parts64(a);
    int exp;

    if (FP_UNLIKELY(p.exp == EMAX64)) {
        if (p.frac)
            parts_quiet(env, &p);
        return (uint32_t)p.sign << 31 | (uint32_t)EMAX32 << 23 | (uint32_t)(p.frac >> 40);
    }
    if (FP_UNLIKELY(!p.exp)) {
        if (!p.frac || env->daz)
            return (uint32_t)p.sign << 31;
        env->flags |= FP_DE;
    }
    uint64_t sig = parts_leading(&p, BIAS32, &exp);

    return fp_pack(env, p.sign, exp, sig >> 1 | (sig & 1), 23, EMAX32, false);
}

fp32 fp32_from_fp16(struct fp_env *env, fp16 a)
{
    struct parts p = parts16(a);
    uint32_t minus = (uint32_t)p.sign << 31;
    int exp;

    if (p.exp == EMAX16) {
        if (p.frac)
            parts_quiet(env, &p);
        return minus | (uint32_t)EMAX32 << 23 | (uint32_t)(p.frac >> 40);
    }
    if (!p.exp && !p.frac)
        return minus;
    uint64_t sig = parts_leading(&p, BIAS32, &exp);

    return minus | (uint32_t)exp << 23 | (uint32_t)(sig << 1 >> 41);
}

fp16 fp16_from_fp32(struct fp_env *env, fp32 a)
{
    struct parts p = parts32(a);
    int exp;

    if (p.exp == EMAX32) {
        if (p.frac)
            parts_quiet(env, &p);
        return (fp16)(p.sign << 15 | EMAX16 << 10 | (int)(p.frac >> 53));
    }
    if (!p.exp) {
        if (!p.frac || env->daz)
            return (fp16)(p.sign << 15);
        env->flags |= FP_DE | FP_PE; /* inexact, and by Intel's processors even when an unmasked FP_UE would judge by full precision */
    }
    uint64_t sig = parts_leading(&p, BIAS16, &exp);

    return fp_pack(env, p.sign, exp, sig >> 1, 10, EMAX16, false); /* its 40 lowest bits are zero */
}

/* ---- fp80: loads ---- */

/* A NaN keeps what it is. */
FP_INLINE fp80 extend(const struct parts *p)
{
    int exp;

    if (FP_UNLIKELY(p->exp == p->emax))
        return fp80_make(p->sign, FP80_EMAX, p->frac | FP80_ONE_BIT);
    if (FP_UNLIKELY(!p->exp && !p->frac))
        return fp80_make(p->sign, 0, 0);
    uint64_t sig = parts_leading(p, FP80_BIAS, &exp);

    return fp80_make(p->sign, exp, sig);
}

FP_INLINE fp80 load(struct fp_env *env, struct parts p)
{
    if (FP_UNLIKELY(parts_nan(&p)))
        parts_quiet(env, &p);
    if (FP_UNLIKELY(parts_denormal(&p)))
        env->flags |= FP_DE;
    return extend(&p);
}

fp80 fp80_from_fp32(struct fp_env *env, fp32 a)
{
    return load(env, parts32(a));
}

fp80 fp80_from_fp64(struct fp_env *env, fp64 a)
{
    return load(env, parts64(a));
}

fp80 fp80_widen_fp32(struct fp_env *env, fp32 a)
{
    struct parts p = parts32(a);

    env->narrow_denormal = parts_denormal(&p);
    return extend(&p);
}

fp80 fp80_widen_fp64(struct fp_env *env, fp64 a)
{
    struct parts p = parts64(a);

    env->narrow_denormal = parts_denormal(&p);
    return extend(&p);
}

fp80 fp80_from_i64(int64_t n)
{
    uint64_t v = n < 0 ? -(uint64_t)n : (uint64_t)n;

    if (!v)
        return fp80_make(false, 0, 0);
    return fp80_make(n < 0, FP80_BIAS + 63 - (int)fp_clz64(v), v << fp_clz64(v));
}

/* ---- fp80: stores ---- */

/* To a format with `frac` bits of fraction, `emax` the exponent of infinity. */
FP_INLINE uint64_t store(struct fp_env *env, fp80 a, int frac, int emax)
{
    const uint64_t minus = (uint64_t)fp80_sign(a) << (frac + (emax == EMAX32 ? 8 : 11));
    int exp;

    if (FP_UNLIKELY(!fp80_is_normal(a))) {
        switch (fp80_classify(a)) {
        case FP80_ZERO:
            return minus;
        case FP80_INFINITY:
            return minus | (uint64_t)emax << frac;
        case FP80_NAN:
        case FP80_UNSUPPORTED:
            a = fp80_nan(env, a, a);
            return (uint64_t)fp80_sign(a) << (frac + (emax == EMAX32 ? 8 : 11)) | (uint64_t)emax << frac | a.mant << 1 >> (64 - frac);
        default:
            break;
        }
    }
    uint64_t sig = fp80_leading(a, &exp);

    return fp_pack(env, fp80_sign(a), exp - FP80_BIAS + emax / 2, sig >> 1 | (sig & 1), frac, emax, true);
}

fp32 fp32_from_fp80(struct fp_env *env, fp80 a)
{
    return store(env, a, 23, EMAX32);
}

fp64 fp64_from_fp80(struct fp_env *env, fp80 a)
{
    return store(env, a, 52, EMAX64);
}

FP_INLINE int64_t to_integer(struct fp_env *env, fp80 a, unsigned bits)
{
    const uint64_t limit = 1ull << (bits - 1);
    enum fp80_class c = fp80_classify(a);
    bool sign = fp80_sign(a), up;
    uint64_t fraction, v;

    if (fp80_is_finite(c) && fp80_exponent(a) <= FP80_BIAS + 63) {
        v = fp80_split(a, &fraction);
        up = fp_rounds_up(env, sign, v & 1, fraction);
        v += up;
        if (v <= limit - !sign) {
            env->flags |= (fraction ? FP_PE : 0) | (up ? FP_UP_ROUNDED : 0);
            return (int64_t)(sign ? -v : v);
        }
    }
    env->flags |= FP_IE;
    return -(int64_t)(limit - 1) - 1;
}

int16_t fp80_to_i16(struct fp_env *env, fp80 a)
{
    return to_integer(env, a, 16);
}

int32_t fp80_to_i32(struct fp_env *env, fp80 a)
{
    return to_integer(env, a, 32);
}

int64_t fp80_to_i64(struct fp_env *env, fp80 a)
{
    return to_integer(env, a, 64);
}

/* ---- Packed BCD: 18 digits, and the sign in the upper bit of the last byte ---- */

enum { BCD_BYTES = 9 };

fp80 fp80_from_bcd(const uint8_t bcd[10])
{
    int64_t v = 0;
    fp80 a;

    for (int n = BCD_BYTES - 1; n >= 0; n--)
        v = v * 100 + (bcd[n] >> 4) * 10 + (bcd[n] & 15);
    a = fp80_from_i64(v);
    a.se |= (bcd[BCD_BYTES] & 0x80) << 8;
    return a;
}

void fp80_to_bcd(struct fp_env *env, fp80 a, uint8_t bcd[10])
{
    enum fp80_class c = fp80_classify(a);

    if (fp80_is_finite(c) && fp80_exponent(a) < FP80_BIAS + 63) {
        uint64_t fraction, v = fp80_split(a, &fraction);
        bool up = fp_rounds_up(env, fp80_sign(a), v & 1, fraction);

        v += up;
        if (v < 1000000000000000000ull) {
            env->flags |= (fraction ? FP_PE : 0) | (up ? FP_UP_ROUNDED : 0);
            for (int n = 0; n < BCD_BYTES; n++, v /= 100)
                bcd[n] = (uint8_t)(v % 100 / 10 << 4 | v % 10);
            bcd[BCD_BYTES] = fp80_sign(a) ? 0x80 : 0;
            return;
        }
    }
    /* The packed BCD indefinite. SDM Vol. 1, "Packed BCD Integers". */
    env->flags |= FP_IE;
    for (int n = 0; n < 7; n++)
        bcd[n] = 0;
    bcd[7] = 0xc0;
    bcd[8] = bcd[9] = 0xff;
}
