/*
 * What the formats share: wide shifts, a 128-bit division and square root, and the rounding of a significand into fp16, fp32 or fp64.
 *
 * A significand on its way to one of these formats is a uint64_t with its leading 1 in bit 62 and, in bit 0, the or of all that lies
 * below ("jammed"). 62 - 52 = 10 bits stay below a double's last one, so a jammed bit is never mistaken for a half.
 */
#ifndef LIBSIM_CPU_FP_ROUND_H
#define LIBSIM_CPU_FP_ROUND_H

#include "cpu/fp/fp.h"

#define FP_LIKELY(x)   __builtin_expect(!!(x), 1)
#define FP_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define FP_INLINE      static inline __attribute__((always_inline))

typedef unsigned __int128 fp_u128;

FP_INLINE unsigned fp_clz64(uint64_t v) /* v != 0 */
{
    return __builtin_clzll(v);
}

FP_INLINE unsigned fp_clz128(fp_u128 v) /* v != 0 */
{
    return v >> 64 ? fp_clz64(v >> 64) : 64 + fp_clz64((uint64_t)v);
}

FP_INLINE uint64_t fp_shift_jam64(uint64_t v, unsigned n)
{
    if (n == 0)
        return v;
    return n < 64 ? v >> n | (v << (64 - n) != 0) : v != 0;
}

FP_INLINE fp_u128 fp_shift_jam128(fp_u128 v, unsigned n)
{
    if (n == 0)
        return v;
    return n < 128 ? v >> n | (v << (128 - n) != 0) : v != 0;
}

/* high:low / d, where high < d. */
FP_INLINE uint64_t fp_div128(uint64_t high, uint64_t low, uint64_t d, uint64_t *remainder)
{
#ifdef __x86_64__
    uint64_t q;

    __asm__("divq %4" : "=a"(q), "=d"(*remainder) : "0"(low), "1"(high), "r"(d) : "cc");
    return q;
#else
    fp_u128 n = (fp_u128)high << 64 | low;
    uint64_t q = n / d;

    *remainder = low - q * d;
    return q;
#endif
}

/* floor(sqrt(n)) of n >= 2^62, and n >= 2^126; the remainder is n less its square. */
uint32_t fp_sqrt64(uint64_t n, uint64_t *remainder);
uint64_t fp_sqrt128(fp_u128 n, fp_u128 *remainder);

/* Whether to round a magnitude away from zero: `fraction` is what lies below its last bit, in 64 bits. */
FP_INLINE bool fp_rounds_up(const struct fp_env *env, bool sign, bool odd, uint64_t fraction)
{
    switch (env->rounding) {
    case FP_NEAREST:
        return fraction > 1ull << 63 || (fraction == 1ull << 63 && odd);
    case FP_DOWN:
        return sign && fraction;
    case FP_UP:
        return !sign && fraction;
    default:
        return false;
    }
}

/* What is added to a significand before its lowest bits, `mask`, are dropped. To nearest this is half; a tie then lost its last bit. */
FP_INLINE uint64_t fp_increment(const struct fp_env *env, bool sign, uint64_t mask)
{
    if (FP_LIKELY(env->rounding == FP_NEAREST))
        return (mask >> 1) + 1;
    return env->rounding == (sign ? FP_DOWN : FP_UP) ? mask : 0;
}

/* `sign`, `exp` (biased; may be out of range), `sig`: as told above. `x87`: a store, which knows no flush to zero, reports C1, and
 * sets an unmasked FP_OE or FP_UE alone. fp16 (F16C) ignores `ftz` too. Called with constant `frac` (bits of the fraction), `emax` (the
 * exponent of infinity). Out of the way of fp_pack: what does not fit. */
FP_INLINE uint64_t fp_pack_extreme(struct fp_env *env, bool sign, int exp, uint64_t sig, int frac, int emax, bool x87)
{
    const int drop = 62 - frac;
    const uint64_t mask = (1ull << drop) - 1, minus = (uint64_t)sign << (frac + (emax == 31 ? 5 : emax == 255 ? 8 : 11));
    uint64_t inc = fp_increment(env, sign, mask);

    if (exp > 0) { /* overflow */
        bool up = inc;

        if (env->masked & FP_OE)
            env->flags |= FP_OE | FP_PE | (x87 && up ? FP_UP_ROUNDED : 0);
        else
            env->flags |= FP_OE | (!x87 && (sig & mask) ? FP_PE : 0);
        return minus | (((uint64_t)emax << frac) - !up);
    }
    if (exp < 0 || sig + inc < 1ull << 63) { /* tiny */
        if (!(env->masked & FP_UE)) {
            env->flags |= FP_UE | (!x87 && (sig & mask) ? FP_PE : 0);
            return minus;
        }
        if (!x87 && env->ftz && emax != 31) {
            env->flags |= FP_UE | FP_PE;
            return minus;
        }
        sig = fp_shift_jam64(sig, 1 - exp);
        if (sig & mask)
            env->flags |= FP_UE | FP_PE;
    } else {
        sig = fp_shift_jam64(sig, 1 - exp);
        env->flags |= FP_PE;
    }
    uint64_t low = sig & mask, kept = sig >> drop;

    sig = (sig + inc) >> drop;
    if (env->rounding == FP_NEAREST && low == inc)
        sig &= ~1ull;
    if (x87 && sig != kept)
        env->flags |= FP_UP_ROUNDED;
    return minus | sig; /* a carry makes the smallest normal number */
}

FP_INLINE uint64_t fp_pack(struct fp_env *env, bool sign, int exp, uint64_t sig, int frac, int emax, bool x87)
{
    const int drop = 62 - frac;
    const uint64_t mask = (1ull << drop) - 1, minus = (uint64_t)sign << (frac + (emax == 31 ? 5 : emax == 255 ? 8 : 11));
    uint64_t inc = fp_increment(env, sign, mask), low = sig & mask, kept = sig >> drop;

    if (FP_UNLIKELY((unsigned)(exp - 1) >= (unsigned)emax - 2) && (exp <= 0 || exp >= emax || sig + inc >= 1ull << 63))
        return fp_pack_extreme(env, sign, exp, sig, frac, emax, x87);
    sig = (sig + inc) >> drop;
    if (low) {
        env->flags |= FP_PE;
        if (env->rounding == FP_NEAREST && low == inc)
            sig &= ~1ull;
        if (x87 && sig != kept)
            env->flags |= FP_UP_ROUNDED;
    }
    return minus + ((uint64_t)(exp - 1) << frac) + sig; /* the leading 1 makes up for the 1, and a carry raises the exponent */
}

#endif
