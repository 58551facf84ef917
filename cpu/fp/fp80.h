/* What fp80's parts share: taking a number apart, and rounding it. */
#ifndef LIBSIM_CPU_FP_FP80_H
#define LIBSIM_CPU_FP_FP80_H

#include "cpu/fp/round.h"

enum { FP80_BIAS = 16383, FP80_EMAX = 0x7fff, FP80_WRAP = 24576 };
#define FP80_ONE_BIT   0x8000000000000000ull /* the explicit leading 1 */
#define FP80_QUIET_BIT 0x4000000000000000ull

/* sign * high.low * 2^(exp - bias): the leading 1 is bit 63 of `high`, `low` is jammed, `exp` may be out of range. Rounded to
 * `precision` bits, with all flags. */
fp80 fp80_pack(struct fp_env *env, bool sign, int exp, uint64_t high, uint64_t low, unsigned precision);

/* FP_IE and the indefinite. */
fp80 fp80_invalid(struct fp_env *env);
/* Of operands with a NaN or an unsupported encoding among them. */
fp80 fp80_nan(struct fp_env *env, fp80 a, fp80 b);

FP_INLINE bool fp80_sign(fp80 a)
{
    return a.se >> 15;
}

FP_INLINE int fp80_exponent(fp80 a)
{
    return a.se & FP80_EMAX;
}

FP_INLINE fp80 fp80_make(bool sign, int exp, uint64_t mant)
{
    return (fp80){ mant, (uint16_t)(sign << 15 | exp) };
}

FP_INLINE bool fp80_is_normal(fp80 a)
{
    return (unsigned)fp80_exponent(a) - 1 < FP80_EMAX - 1 && a.mant >> 63;
}

/* Neither a NaN, an infinity nor unsupported. */
FP_INLINE bool fp80_is_finite(enum fp80_class c)
{
    return c == FP80_NORMAL || c == FP80_DENORMAL || c == FP80_ZERO;
}

/* The significand of a finite number other than zero with its leading 1 in bit 63. */
FP_INLINE uint64_t fp80_leading(fp80 a, int *exp)
{
    unsigned shift = fp_clz64(a.mant);

    *exp = (fp80_exponent(a) ? fp80_exponent(a) : 1) - (int)shift;
    return a.mant << shift;
}

/* The magnitude of a finite number below 2^64 as an integer and a fraction, in 64 bits, jammed. */
FP_INLINE uint64_t fp80_split(fp80 a, uint64_t *fraction)
{
    int down = FP80_BIAS + 63 - fp80_exponent(a);

    *fraction = 0;
    if (down <= 0)
        return a.mant;
    if (down > 64) {
        *fraction = a.mant != 0;
        return 0;
    }
    *fraction = a.mant << (64 - down);
    return down < 64 ? a.mant >> down : 0;
}

#endif
