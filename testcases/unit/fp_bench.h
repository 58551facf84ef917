/*
 * What the tests of cpu/fp share: random operands that lean to the edges, and how many of them.
 *
 * SIM_ORACLE_CASES is the number of cases per operation; the default makes a sample of some seconds. SIM_ORACLE_SEED starts elsewhere.
 */
#ifndef LIBSIM_TESTCASES_FP_BENCH_H
#define LIBSIM_TESTCASES_FP_BENCH_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu/fp/fp.h"

static uint64_t rnd_state;

static inline uint64_t rnd(void) /* splitmix64 */
{
    uint64_t z = rnd_state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline unsigned rnd_below(unsigned n)
{
    return (rnd() >> 32) * n >> 32;
}

static inline unsigned long bench_number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

static inline unsigned long bench_cases(unsigned long otherwise)
{
    rnd_state = bench_number("SIM_ORACLE_SEED", 1) * 0x123456789abcdefull;
    return bench_number("SIM_ORACLE_CASES", otherwise);
}

/* ---- Operands ---- */

/* `bits` bits: few of them set, few of them clear, short, or random. */
static inline uint64_t rnd_fraction(unsigned bits)
{
    uint64_t all = bits == 64 ? UINT64_MAX : (1ull << bits) - 1, v;
    unsigned n = rnd_below(bits + 1), m = rnd_below(bits);

    switch (rnd_below(12)) {
    case 0:
        v = 0;
        break;
    case 1:
        v = all;
        break;
    case 2:
        v = 1ull << m;
        break;
    case 3:
        v = ~(1ull << m);
        break;
    case 4:
        v = n < 64 ? all << n : 0;
        break;
    case 5:
        v = n < 64 ? all >> n : 0;
        break;
    case 6: /* short: products and quotients that are exact, or halfway */
        v = n < bits ? rnd() << n : 0;
        break;
    case 7:
        v = n < bits ? rnd() >> (64 - bits + n) : 0;
        break;
    case 8:
        v = (1ull << m) + rnd_below(5) - 2;
        break;
    case 9:
        v = rnd_below(2) ? rnd_below(4) : all - rnd_below(4);
        break;
    default:
        v = rnd();
        break;
    }
    return v & all;
}

/* A biased exponent in a format whose infinity has `emax`, of values with `bits` bits; `other` is that of another operand, or -1. */
static inline int rnd_exponent(int emax, int bits, int other)
{
    int near = (int)rnd_below(5) - 2, exp;

    switch (rnd_below(16)) {
    case 0:
        exp = 0;
        break;
    case 1:
        exp = emax;
        break;
    case 2:
        exp = emax - 1 - (int)rnd_below(3);
        break;
    case 3:
        exp = 1 + (int)rnd_below(3);
        break;
    case 4:
        exp = (int)rnd_below(bits + 3);
        break;
    case 5:
        exp = emax / 2 + near;
        break;
    case 6:
        exp = emax / 2 + (int)rnd_below(bits + 3);
        break;
    case 7:
        exp = emax / 2 + (int)rnd_below(2) * 32 + (int)rnd_below(32); /* integers at their limits */
        break;
    case 8:
    case 9:
        exp = other + near;
        break;
    case 10:
        exp = other + near + (rnd_below(2) ? bits : -bits);
        break;
    case 11:
        exp = other + (int)rnd_below(bits) - bits / 2;
        break;
    case 12:
        exp = emax / 2 - other + near; /* the product at the lower end */
        break;
    case 13:
        exp = emax + emax / 2 - other + near; /* and at the upper one */
        break;
    case 14:
        exp = emax / 2 - other - (int)rnd_below(bits + 3);
        break;
    default:
        exp = rnd_below(emax + 1);
        break;
    }
    return exp < 0 || exp > emax ? (int)rnd_below(emax + 1) : exp;
}

static inline fp16 rnd_fp16(void)
{
    return (fp16)((rnd() & 1) << 15 | (uint64_t)rnd_exponent(31, 11, -1) << 10 | rnd_fraction(10));
}

static inline fp32 rnd_fp32(fp32 other)
{
    fp32 v = (fp32)((rnd() & 1) << 31 | (uint64_t)rnd_exponent(255, 24, other >> 23 & 255) << 23 | rnd_fraction(23));

    if (!rnd_below(16))
        v = (other ^ (fp32)(rnd() & 1) << 31) + rnd_below(3) - 1; /* cancels */
    return rnd_below(64) ? v : v & 0xff800000;
}

static inline fp64 rnd_fp64(fp64 other)
{
    fp64 v = (rnd() & 1) << 63 | (uint64_t)rnd_exponent(2047, 53, other >> 52 & 2047) << 52 | rnd_fraction(52);

    if (!rnd_below(16))
        v = (other ^ (rnd() & 1) << 63) + rnd_below(3) - 1;
    return rnd_below(64) ? v : v & 0xfff0000000000000;
}

static inline fp80 rnd_fp80(fp80 other)
{
    fp80 v = { rnd_fraction(64), (uint16_t)((rnd() & 1) << 15 | (unsigned)rnd_exponent(0x7fff, 64, other.se & 0x7fff)) };

    if (rnd_below(32) && v.se & 0x7fff) /* seldom unsupported, or a pseudo-denormal */
        v.mant |= 1ull << 63;
    else if (rnd_below(4) && !(v.se & 0x7fff))
        v.mant &= INT64_MAX;
    switch (rnd_below(32)) {
    case 0:
        v = other;
        v.mant += rnd_below(3) - 1;
        v.se ^= (rnd() & 1) << 15;
        break;
    case 1:
        v.mant = (uint64_t)(v.se % 0x7fff != 0) << 63; /* zero, infinity, powers of two */
        break;
    case 2: /* as if from a shorter format, so that a sum or product can be halfway */
        v.mant &= ~0ull << (rnd_below(2) ? 40 : 11);
        break;
    case 3: /* an integer */
        v = fp80_from_i64((int64_t)rnd() >> rnd_below(64));
        break;
    }
    return v;
}

/* Fails when `wrong` cases of `total` differed. */
static inline void bench_verdict(const char *name, unsigned long wrong, unsigned long total)
{
    fflush(stdout);
    ck_assert_msg(!wrong, "%s: %lu of %lu cases differ", name, wrong, total);
    ck_assert_msg(total, "%s: no case was compared", name);
}

/* The same for what the SDM leaves open and Intel's processors decide: another maker's are told of, but fail nothing. */
static inline void bench_verdict_of_intel(const char *name, unsigned long wrong, unsigned long total)
{
#ifdef __x86_64__
    if (wrong && !__builtin_cpu_is("intel")) {
        printf("NOTE: %s: %lu of %lu cases differ; this host is no Intel processor\n", name, wrong, total);
        fflush(stdout);
        return;
    }
#endif
    bench_verdict(name, wrong, total);
}

#endif
