/*
 * Floating point, bit for bit: IEEE 754 half, single, double and the x87's double extended, as an x86 processor computes them.
 *
 * Values are bit patterns. Everything behind this header is integer arithmetic (the transcendental functions: MPFR), so results and
 * flags are the same on every host, whatever its FPU, compiler or rounding mode. fp_host.h holds the fast stand-ins.
 *
 * An operation takes an environment, returns the *masked* response and collects exception flags in env->flags (they are only ever set
 * here; whoever begins an instruction clears them). It raises nothing: when its last element is done, the instruction takes its flags
 * from fp_raised(), compares them with its masks, and drops the result when the SDM says that nothing is written. Where an unmasked
 * exception changes the result rather than dropping it (x87 overflow and underflow: the exponent is wrapped by 24576), `masked` tells.
 *
 * Rules that differ between the two units:
 *   - two NaN operands: fp32 and fp64 take the first (SSE); fp80 takes the quiet one of a quiet and a signalling one, else the one with
 *     the larger significand, and of equal ones the positive (x87). A signalling NaN is quieted and sets FP_IE. SDM Vol. 1, "Rules for
 *     handling NaNs".
 *   - denormal operands set FP_DE unless `daz` takes them for zero (then no flag). Invalid, a quiet NaN operand and divide by zero come
 *     before it: an operation that meets one of them does not set FP_DE (so 1/0 and denormal/0 both set FP_ZE alone). SDM Vol. 1,
 *     "Exception priority".
 *   - tininess is detected after rounding, as if the exponent had no lower end. Masked, FP_UE is set when the result is tiny and inexact;
 *     unmasked, when it is tiny, and FP_PE is then that of the rounding to full precision. With `ftz` and FP_UE masked, a tiny result
 *     becomes zero of its sign with FP_UE | FP_PE, though it were exact.
 *   - fp80 encodings that are no numbers (unnormals, pseudo-NaN, pseudo-infinity) are invalid operands; pseudo-denormals are denormals.
 *
 * SDM Vol. 1, chapters "Programming with the x87 FPU" and "Programming with SSE", and appendix "Guidelines for writing SIMD
 * floating-point exception handlers".
 */
#ifndef LIBSIM_CPU_FP_FP_H
#define LIBSIM_CPU_FP_FP_H

#include "base/types.h"

typedef uint16_t fp16;
typedef uint32_t fp32;
typedef uint64_t fp64;
/* Double extended: `mant` with its explicit integer bit 63, `se` the sign (bit 15) and the exponent, biased by 16383. */
typedef struct { uint64_t mant; uint16_t se; } fp80;

/* As in MXCSR.RC and the x87 control word's RC. (<math.h> has an FP_ZERO of its own.) */
enum fp_rounding { FP_NEAREST, FP_DOWN, FP_UP, FP_TOWARD_ZERO };

/* As in MXCSR and the x87 status word. FP_UP_ROUNDED: the magnitude was rounded up (the x87's C1); not a flag that MXCSR has. */
enum { FP_IE = 1, FP_DE = 2, FP_ZE = 4, FP_OE = 8, FP_UE = 16, FP_PE = 32, FP_ALL = 63, FP_UP_ROUNDED = 64 };

struct fp_env {
    uint8_t rounding;  /* enum fp_rounding */
    uint8_t masked;    /* FP_*: exceptions that are masked */
    uint8_t precision; /* significand bits of fp80 results of add, sub, mul, div, sqrt: 24, 53 or 64. The exponent's range stays */
    bool daz, ftz;     /* fp16, fp32, fp64 only */
    bool narrow_denormal; /* fp80_widen_*() met a denormal; taken back by the operation that follows. False at first */
    uint8_t flags;     /* FP_*: collected */
};

/* The flags of an instruction. An unmasked exception of the operands stops it before it rounds, in all elements. SDM Vol. 1,
 * "Exception priority", "Software Exceptions". */
static inline uint8_t fp_raised(const struct fp_env *env)
{
    uint8_t operands = env->flags & (FP_IE | FP_DE | FP_ZE);

    return operands & ~env->masked ? operands : env->flags;
}

/* What a comparison found. */
enum fp_relation { FP_LESS = -1, FP_EQUAL = 0, FP_GREATER = 1, FP_UNORDERED = 2 };

/* Default NaNs: SDM Vol. 1, "QNaN floating-point indefinite". */
#define FP32_INDEFINITE 0xffc00000u
#define FP64_INDEFINITE 0xfff8000000000000ull
#define FP80_INDEFINITE ((fp80){ 0xc000000000000000ull, 0xffff })

/* ---- fp32 and fp64: SSE ---- */

#define FP_DECLARE_SSE(T)                                                                                                    \
    T T##_add(struct fp_env *env, T a, T b);                                                                                 \
    T T##_sub(struct fp_env *env, T a, T b);                                                                                 \
    T T##_mul(struct fp_env *env, T a, T b);                                                                                 \
    T T##_div(struct fp_env *env, T a, T b);                                                                                 \
    T T##_sqrt(struct fp_env *env, T a);                                                                                     \
    /* a * b + c (or - c), the product first negated or not, rounded once. NaNs in the order a, b, c, which are the operands \
     * 1, 3, 2 of VFMADD132, 2, 1, 3 of VFMADD213 and 2, 3, 1 of VFMADD231; inf * 0 + QNaN is the NaN, without FP_IE.        \
     * `negate_product`, `negate_addend` change no NaN. */                                                                   \
    T T##_fma(struct fp_env *env, T a, T b, T c, bool negate_product, bool negate_addend);                                   \
    /* MINPS, MAXPS: the second operand when either is NaN (FP_IE, quiet or not), or both are zeros. It is returned as it is \
     * (a denormal under `daz`: as zero). */                                                                                 \
    T T##_min(struct fp_env *env, T a, T b);                                                                                 \
    T T##_max(struct fp_env *env, T a, T b);                                                                                 \
    /* `quiet`: FP_IE for signalling NaNs only (UCOMISS, the quiet predicates of CMPPS). */                                  \
    enum fp_relation T##_compare(struct fp_env *env, T a, T b, bool quiet);                                                  \
    /* To an integral value; by env->rounding. FP_PE unless `suppress` (ROUNDPS bit 3). */                                   \
    T T##_round(struct fp_env *env, T a, bool suppress);                                                                     \
    /* The integer indefinite (only the sign bit set) with FP_IE when out of range. */                                       \
    int32_t T##_to_i32(struct fp_env *env, T a);                                                                             \
    int64_t T##_to_i64(struct fp_env *env, T a);                                                                             \
    T T##_from_i32(struct fp_env *env, int32_t v);                                                                           \
    T T##_from_i64(struct fp_env *env, int64_t v);
FP_DECLARE_SSE(fp32)
FP_DECLARE_SSE(fp64)
#undef FP_DECLARE_SSE

fp64 fp64_from_fp32(struct fp_env *env, fp32 a);
fp32 fp32_from_fp64(struct fp_env *env, fp64 a);
/* F16C: half-precision denormals are never taken for zero and set no FP_DE; on output `ftz` is not looked at. SDM Vol. 2C, "VCVTPH2PS", "VCVTPS2PH". */
fp32 fp32_from_fp16(struct fp_env *env, fp16 a);
fp16 fp16_from_fp32(struct fp_env *env, fp32 a);

/* ---- fp80: x87 ---- */

enum fp80_class { FP80_ZERO, FP80_NORMAL, FP80_DENORMAL, FP80_INFINITY, FP80_NAN, FP80_UNSUPPORTED };
enum fp80_class fp80_classify(fp80 a);

fp80 fp80_add(struct fp_env *env, fp80 a, fp80 b);
fp80 fp80_sub(struct fp_env *env, fp80 a, fp80 b);
fp80 fp80_mul(struct fp_env *env, fp80 a, fp80 b);
fp80 fp80_div(struct fp_env *env, fp80 a, fp80 b);
fp80 fp80_sqrt(struct fp_env *env, fp80 a);
/* To an integral value; full precision (FRNDINT). */
fp80 fp80_round(struct fp_env *env, fp80 a);
enum fp_relation fp80_compare(struct fp_env *env, fp80 a, fp80 b, bool quiet);
/* a * 2^trunc(b): FSCALE, with its table of special cases. */
fp80 fp80_scale(struct fp_env *env, fp80 a, fp80 b);
/* FXTRACT: returns the significand, *exponent gets the unbiased exponent as a number. Zero: -infinity, FP_ZE. */
fp80 fp80_extract(struct fp_env *env, fp80 a, fp80 *exponent);
/* FPREM (nearest = false) and FPREM1. One invocation reduces the exponent by at most 63; *complete tells whether it came to the end, and
 * *quotient then holds the low bits of the quotient's magnitude (for C0, C3, C1; 0 when the result is a NaN). */
fp80 fp80_remainder(struct fp_env *env, fp80 a, fp80 b, bool nearest, bool *complete, uint64_t *quotient);

/* FLD. Signalling NaNs set FP_IE and become quiet, denormals set FP_DE; both are exact. Unmasked, FP_IE pushes nothing; but with FP_DE the
 * value is pushed, whatever the SDM says of it in general ("Denormal Operand Exception"): Intel processors do. */
fp80 fp80_from_fp32(struct fp_env *env, fp32 a);
fp80 fp80_from_fp64(struct fp_env *env, fp64 a);
/* The memory operand of FADD, FCOM and their kin, to be given to fp80_add, sub, mul, div or compare next: exact; a signalling NaN still
 * signals, and a denormal sets FP_DE in that operation, by its priority. */
fp80 fp80_widen_fp32(struct fp_env *env, fp32 a);
fp80 fp80_widen_fp64(struct fp_env *env, fp64 a);
fp80 fp80_from_i64(int64_t v); /* FILD, and the operand of FIADD and its kin */
/* FST: no FP_DE. Unmasked overflow and underflow store nothing: FP_OE or FP_UE alone is set then. */
fp32 fp32_from_fp80(struct fp_env *env, fp80 a);
fp64 fp64_from_fp80(struct fp_env *env, fp80 a);
/* FIST (FISTTP: set FP_TOWARD_ZERO). Out of range: the integer indefinite with FP_IE. */
int16_t fp80_to_i16(struct fp_env *env, fp80 a);
int32_t fp80_to_i32(struct fp_env *env, fp80 a);
int64_t fp80_to_i64(struct fp_env *env, fp80 a);
/* FBLD, FBSTP: ten bytes, low digit first. Out of range: the packed BCD indefinite with FP_IE. Digits above 9 (undefined) count as what they are. */
fp80 fp80_from_bcd(const uint8_t bcd[10]);
void fp80_to_bcd(struct fp_env *env, fp80 a, uint8_t bcd[10]);

/* FLD1 and so on; the irrational ones are rounded by env->rounding to 64 bits, without a flag. */
enum fp80_constant { FP80_ONE, FP80_L2T, FP80_L2E, FP80_PI, FP80_LG2, FP80_LN2, FP80_ZERO_CONSTANT };
fp80 fp80_constant(const struct fp_env *env, enum fp80_constant which);

/* ---- Transcendental: correctly rounded by MPFR, in 64 bits whatever the precision control ---- */

/* Outside -1..1 (undefined) as hardware does: the operand, with FP_PE; of -infinity -1. */
fp80 fp80_2xm1(struct fp_env *env, fp80 a);
/* y * log2(x), and y * log2(x + 1), for any x above -1; at and below it (undefined) as hardware does: x, with FP_PE. */
fp80 fp80_yl2x(struct fp_env *env, fp80 x, fp80 y);
fp80 fp80_yl2xp1(struct fp_env *env, fp80 x, fp80 y);
fp80 fp80_atan2(struct fp_env *env, fp80 y, fp80 x);  /* FPATAN: y is ST(1) */
/* |a| >= 2^63: *out_of_range is set (C2) and the operand returned, without flags. Otherwise the argument is reduced by the true pi, where
 * hardware uses 66 bits of it. */
fp80 fp80_sin(struct fp_env *env, fp80 a, bool *out_of_range);
fp80 fp80_cos(struct fp_env *env, fp80 a, bool *out_of_range);
fp80 fp80_tan(struct fp_env *env, fp80 a, bool *out_of_range);

/* Gives back what MPFR keeps for this thread (the digits of pi and ln 2); they come again when needed. For whoever ends a machine. */
void fp_release(void);

#endif
