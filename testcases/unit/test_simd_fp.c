/*
 * Floating-point vector instructions against this host: every row of cpu/isa/simd_fp*.def, with operands that lean to the edges and any
 * MXCSR, masked or not.
 *
 * SIM_ORACLE_CASES is the number of cases per row, SIM_SIMD a mnemonic to look at alone.
 */
#include "testcases/host_vendor.h"
#include "testcases/unit/simd_bench.h"

#include <math.h>

#include "cpu/simd_fp.h"

#ifdef SIMD_BENCH

/* ---- Which rows ---- */

static const struct { uint16_t prefix; uint8_t map, opcode; } fp_rows[] = {
#define PFX(prefix, map, opcode, ...) { prefix, map, opcode },
#define VEX(prefix, map, opcode, ...) { PF_VEX | (prefix), map, opcode },
#include "cpu/isa/simd_fp.def"
#include "cpu/isa/simd_fp_avx.def"
#include "cpu/isa/simd_fp_fma.def"
#undef PFX
#undef VEX
};
enum { FP_ROWS = sizeof(fp_rows) / sizeof(fp_rows[0]) };

static bool wanted(const struct isa_row *row)
{
    const char *only = getenv("SIM_SIMD");

    if (only && strcmp(only, row->mnemonic))
        return false;
    for (unsigned n = 0; n < FP_ROWS; n++)
        if (row->prefix == fp_rows[n].prefix && row->map == fp_rows[n].map && row->opcode == fp_rows[n].opcode)
            return true;
    return false;
}

/* ---- Operands ---- */

enum { HALF, SINGLE, DOUBLE, INTEGER };

static bool named(const struct isa_row *row, const char *part) { return strstr(row->mnemonic, part) != NULL; }

/* What the source's elements are, but now and then something else. */
static unsigned element_of(const struct isa_row *row)
{
    if (rnd_below(32) == 0)
        return rnd_below(4);
    if (named(row, "cvtph2"))
        return HALF;
    if (named(row, "cvtdq2") || named(row, "cvtpi2"))
        return INTEGER;
    if (named(row, "cvtpd2") || named(row, "cvttpd2") || named(row, "cvtsd2") || named(row, "cvttsd2"))
        return DOUBLE;
    if (named(row, "cvt"))
        return SINGLE;
    return named(row, "sd") || row->mnemonic[strlen(row->mnemonic) - 1] == 'd' ? DOUBLE : SINGLE;
}

/* 32 bytes of elements; `other`: those of another operand. */
static void fill(void *to, unsigned element, const void *other)
{
    for (unsigned n = 0; n < 32;) {
        uint64_t v = 0, o = 0;
        unsigned size = element == HALF ? 2 : element == DOUBLE ? 8 : 4;

        memcpy(&o, (const uint8_t *)other + n, size);
        switch (element) {
        case HALF: v = rnd_fp16(); break;
        case SINGLE: v = rnd_fp32((fp32)o); break;
        case DOUBLE: v = rnd_fp64(o); break;
        default: v = rnd_fraction(32); break;
        }
        memcpy((uint8_t *)to + n, &v, size);
        n += size;
    }
}

static uint32_t random_mxcsr(void)
{
    uint32_t v = MXCSR_INIT;

    if (rnd_below(2))
        v |= rnd_below(4) << 13;
    if (rnd_below(4) == 0)
        v |= 1 << 6;
    if (rnd_below(4) == 0)
        v |= 1u << 15;
    if (rnd_below(2))
        v |= rnd_below(2) ? FP_PE : rnd_below(64);
    if (rnd_below(4) == 0)
        v &= ~(rnd_below(2) ? FP_ALL << 7 : rnd_below(64) << 7);
    return v;
}

static void fill_case(struct simd_case *c)
{
    unsigned element = element_of(c->row), last = c->insn.dst & 15;

    c->in.mxcsr = random_mxcsr();
    if (bench_is_vector_rm(c->row->op[0]) || c->row->op[0] == Vx)
        fill(c->in.vector[last], element, c->in.vector[last]);
    if (bench_has(c->row, Hx)) {
        unsigned n = insn_vvvv(&c->insn);

        fill(c->in.vector[n], element, c->in.vector[last]);
        last = n;
    }
    if (c->insn.src < 16)
        fill(c->in.vector[c->insn.src], element, c->in.vector[last]);
    if (c->insn.flags & INSN_MEM)
        fill(bench_memory(c), element, c->in.vector[last]);
    for (unsigned n = 0; n < 8; n++)
        c->in.mm[n] = rnd_fraction(32) | rnd_fraction(32) << 32;
    if (bench_is_mmx(c->row) && rnd_below(16) == 0) { /* an x87 exception may be pending */
        c->in.cw &= (uint16_t)~rnd_below(64);
        c->in.sw |= (uint16_t)rnd_below(64);
        if (c->in.sw & ~c->in.cw & FP_ALL)
            c->in.sw |= FPU_SW_ES | FPU_SW_B;
    }
}

/* ---- Approximations ---- */

/* SDM Vol. 2B, "RCPPS", "RSQRTPS": ours is within 1.5 * 2^-12 of the true value of operand `x`; what the host has is no number when ours is
 * none. */
static bool approximately(const struct isa_row *row, fp32 x, fp32 host, fp32 ours)
{
    float v, h, r;
    double exact;

    if (host == ours)
        return true;
    memcpy(&v, &x, 4);
    memcpy(&h, &host, 4);
    memcpy(&r, &ours, 4);
    exact = 1 / (named(row, "rsqrt") ? sqrt(v) : v);
    return __builtin_isnormal(h) && __builtin_isnormal(r) && fabs(r - exact) <= 1.5 / 4096 * fabs(exact);
}

/* A reciprocal near the lower end may be zero or not. */
static bool near_the_end(fp32 a, fp32 b)
{
    fp32 high = a & INT32_MAX, low = b & INT32_MAX;

    return (a ^ b) >> 31 == 0 && ((!high && low >> 23 == 1 && !(low & 0x7fe000)) || (!low && high >> 23 == 1 && !(high & 0x7fe000)));
}

/* What processors leave behind of CVTPS2PI, CVTPI2PS and their kin when they raise #XM, and we do not: MMX state is entered already. */
static bool mmx_residue(const struct simd_case *c)
{
    static struct simd_case patched;

    if (c->native.fault != VEC_XM || !bench_is_mmx(c->row))
        return false;
    patched = *c;
    patched.native.sw = c->in.sw;
    patched.native.valid = c->in.valid;
    return bench_same(&patched);
}

/* ---- Dot products: SDM Vol. 2A, "DPPS" does not say which of several NaNs it is ---- */

static bool is_nan32(fp32 v) { return (v & INT32_MAX) > 0x7f800000; }
static bool is_nan64(fp64 v) { return (v & INT64_MAX) > 0x7ff0000000000000; }

/* Makes each NaN that came of several the one that HOST_DOT_PRODUCT tells of; returns how many there are. `a`, `b`: the operands. */
#define OTHER_NANS(T, bits, lane)                                                                                                \
    static unsigned other_nans##bits(const struct simd_case *c, const void *a, const void *b, void *result, unsigned bytes)      \
    {                                                                                                                            \
        struct fp_env env = simd_fp_env(bench_sim.cpu);                                                                          \
        unsigned imm = insn_imm8(&c->insn), found = 0;                                                                           \
        T x[lane], y[lane], v[lane];                                                                                             \
                                                                                                                                 \
        for (unsigned at = 0; at < bytes; at += 16) {                                                                            \
            unsigned nans = 0;                                                                                                   \
                                                                                                                                 \
            memcpy(x, (const uint8_t *)a + at, 16);                                                                              \
            memcpy(y, (const uint8_t *)b + at, 16);                                                                              \
            for (unsigned n = 0; n < lane; n++) {                                                                                \
                v[n] = imm >> (4 + n) & 1 ? T##_mul(&env, x[n], y[n]) : 0;                                                       \
                nans += is_nan##bits(v[n]);                                                                                      \
            }                                                                                                                    \
            for (unsigned step = 1; step < lane; step <<= 1)                                                                     \
                for (unsigned n = 0; n < lane; n += 2 * step) {                                                                  \
                    nans += !is_nan##bits(v[n]) && !is_nan##bits(v[n + step]) && is_nan##bits(T##_add(&env, v[n], v[n + step])); \
                    v[n] = T##_add(&env, v[n], v[n + step]);                                                                     \
                }                                                                                                                \
            for (unsigned n = 0; nans > 1 && n < lane; n++)                                                                      \
                if (imm >> n & 1) {                                                                                              \
                    memcpy((uint8_t *)result + at + n * sizeof(T), &v[0], sizeof(T));                                            \
                    found++;                                                                                                     \
                }                                                                                                                \
        }                                                                                                                        \
        return found;                                                                                                            \
    }
OTHER_NANS(fp32, 32, 4)
OTHER_NANS(fp64, 64, 2)

static bool other_nan(const struct simd_case *c)
{
    static struct simd_case patched;
    bool vex = c->row->prefix & PF_VEX;
    const void *a = c->in.vector[vex ? insn_vvvv(&c->insn) : c->insn.dst];
    const void *b = c->insn.flags & INSN_MEM ? bench_memory((struct simd_case *)c) : (const uint8_t *)c->in.vector[c->insn.src];
    unsigned bytes = vex && c->code[2] & 4 ? 32 : 16, found; /* VEX.L; in map 3 the prefix has three bytes */

    if (c->native.fault >= 0 || c->sim.fault >= 0)
        return false;
    patched = *c;
    bench_sim.cpu->mxcsr = c->in.mxcsr;
    found = named(c->row, "dpps") ? other_nans32(c, a, b, patched.sim.vector[c->insn.dst], bytes)
                                  : other_nans64(c, a, b, patched.sim.vector[c->insn.dst], bytes);
    return found && bench_same(&patched) && host_rule(HOST_DOT_PRODUCT);
}

/* HOST_HALF_INEXACT, of some elements; the others note what they note. */
static bool other_half(const struct simd_case *c)
{
    static struct simd_case patched;
    unsigned imm = insn_imm8(&c->insn), flags = 0, found = 0;
    struct fp_env env;
    fp32 v;

    if (c->native.fault != VEC_XM || c->sim.fault != VEC_XM || !(c->sim.mxcsr & ~(c->in.mxcsr >> 7) & FP_UE))
        return false;
    bench_sim.cpu->mxcsr = c->in.mxcsr;
    for (unsigned n = 0; n < (c->code[2] & 4 ? 8u : 4u); n++) {
        env = simd_fp_env(bench_sim.cpu);
        if (!(imm & 4))
            env.rounding = imm & 3;
        memcpy(&v, (const uint8_t *)c->in.vector[c->insn.src] + 4 * n, 4);
        fp16_from_fp32(&env, v);
        if (!env.daz && host_half_is_exact(v) && ++found)
            env.flags &= ~(unsigned)FP_PE;
        flags |= fp_raised(&env);
    }
    patched = *c;
    patched.sim.mxcsr = c->in.mxcsr | (flags & FP_ALL);
    return found && bench_same(&patched) && host_rule(HOST_HALF_INEXACT);
}

static bool close_enough(const struct simd_case *c)
{
    static struct simd_case patched;
    unsigned d = c->insn.dst;

    if (mmx_residue(c))
        return true;
    if (named(c->row, "dpps") || named(c->row, "dppd"))
        return other_nan(c);
    if (named(c->row, "cvtps2ph"))
        return other_half(c);
    if (!named(c->row, "rcp") && !named(c->row, "rsqrt"))
        return false;
    patched = *c;
    for (unsigned n = 0; n < 8; n++) {
        const uint8_t *from = c->insn.flags & INSN_MEM ? bench_memory(&patched) : (const uint8_t *)c->in.vector[c->insn.src];
        fp32 x, native, ours;

        memcpy(&x, from + 4 * n, 4);
        memcpy(&native, (const uint8_t *)c->native.vector[d] + 4 * n, 4);
        memcpy(&ours, (const uint8_t *)c->sim.vector[d] + 4 * n, 4);
        if (approximately(c->row, x, native, ours) || near_the_end(native, ours))
            memcpy((uint8_t *)patched.sim.vector[d] + 4 * n, &native, 4);
    }
    return bench_same(&patched);
}

static const struct simd_suite suite = { wanted, fill_case, close_enough };

/* ---- Tests ---- */

/* With the host's FPU standing in where it may, and without it. */
START_TEST(every_row_computes_what_the_host_does)
{
    unsigned long cases = bench_cases(_i ? 300 : 600), wrong = 0, faults = 0;
    static unsigned rows[FP_ROWS];
    unsigned count = bench_rows(&suite, rows, FP_ROWS);

    if (_i)
        bench_sim.cpu->fp_host.mxcsr = FP_HOST_OFF;
    for (unsigned n = 0; n < count; n++) {
        unsigned long differ = bench_row(&suite, rows[n], cases, &faults);

        if (differ)
            printf("%s: %lu of %lu cases differ\n\n", isa_rows[rows[n]].mnemonic, differ, cases);
        wrong += differ;
    }
    printf("%u rows, %lu faults\n", count, faults);
    host_rules_report();
    ck_assert_uint_gt(count, 0);
    ck_assert(faults || getenv("SIM_SIMD"));
    bench_verdict("vectors", wrong, count * cases);
}
END_TEST

/* DIVPS XMM0, XMM1 in the simulator: element 0 divides by zero, element 1 overflows, the others are exact. */
static const struct simd_state *divide(uint32_t mxcsr)
{
    static const fp32 a[4] = { 0x3f800000, 0x7f000000, 0x40800000, 0 }, b[4] = { 0, 0x3e800000, 0x40000000, 0x3f800000 };
    static struct simd_case c;

    memset(&c, 0, sizeof(c));
    memcpy(c.code, "\x0f\x5e\xc1", 3);
    c.len = 3;
    c.in.mxcsr = mxcsr;
    c.in.cw = 0x37f;
    memcpy(c.in.vector[0], a, sizeof(a));
    memcpy(c.in.vector[1], b, sizeof(b));
    bench_simulated(&c);
    if (c.sim.fault >= 0)
        ck_assert_mem_eq(c.sim.vector, c.in.vector, sizeof(c.in.vector));
    return &c.sim;
}

/* SDM Vol. 1, "Exception priority": an unmasked exception of an operand, in any element, keeps those of results from being noted. */
static const struct { unsigned masked; int fault; unsigned flags; } priorities[] = {
    { FP_ALL, -1, FP_ZE | FP_OE | FP_PE },
    { FP_ALL & ~FP_ZE, VEC_XM, FP_ZE },
    { FP_ALL & ~FP_OE, VEC_XM, FP_ZE | FP_OE },
    { FP_ALL & ~FP_PE, VEC_XM, FP_ZE | FP_OE | FP_PE },
    { FP_ALL & ~(FP_IE | FP_DE | FP_UE), -1, FP_ZE | FP_OE | FP_PE },
    { 0, VEC_XM, FP_ZE },
};

START_TEST(operand_exceptions_come_before_those_of_results)
{
    const struct simd_state *s = divide(priorities[_i].masked << 7);

    ck_assert_int_eq(s->fault, priorities[_i].fault);
    ck_assert_uint_eq(s->mxcsr, priorities[_i].masked << 7 | priorities[_i].flags);
}
END_TEST

/* SDM Vol. 3A, "Interrupt 19". */
START_TEST(without_osxmmexcpt_it_is_an_invalid_opcode)
{
    const struct simd_state *s;

    bench_sim.cpu->cr4 &= ~CR4_OSXMMEXCPT;
    s = divide(MXCSR_INIT & ~(FP_ZE << 7));
    ck_assert_int_eq(s->fault, VEC_UD);
    ck_assert_int_eq(bench_sim.cpu->history[0].cause, CPU_CAUSE_UD_XMUNMASKED);
    ck_assert_uint_eq(s->mxcsr & FP_ALL, FP_ZE);
}
END_TEST

int main(void)
{
    const char *why = bench_host_open();
    TCase *tc = tcase_create("simd_fp");
    Suite *s = suite_create("simd_fp");
    SRunner *runner;
    int failed;

    if (why) {
        printf("SKIP: test_simd_fp: %s\n", why);
        return 77;
    }
    tcase_add_checked_fixture(tc, bench_sim_open, bench_sim_close);
    tcase_add_loop_test(tc, every_row_computes_what_the_host_does, 0, 2);
    tcase_add_loop_test(tc, operand_exceptions_come_before_those_of_results, 0, sizeof(priorities) / sizeof(priorities[0]));
    tcase_add_test(tc, without_osxmmexcpt_it_is_an_invalid_opcode);
    tcase_set_timeout(tc, 0);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#else

int main(void)
{
    printf("SKIP: test_simd_fp: this host does not run x86 code\n");
    return 77;
}

#endif
