/*
 * fp80 against this host's x87: results, all flags and C1 under every rounding, precision and mask.
 *
 * x87 exceptions wait for the next instruction that looks: FNSAVE does not, and shows what an unmasked one has left.
 */
#include "cpu/fp/fp.h"

#include <string.h>

#include "testcases/host_vendor.h"
#include "testcases/unit/fp_bench.h"
#include "testcases/unit/fp_x87_bench.h"

#ifdef __x86_64__

/* ---- The host ---- */

NATIVE(add, "fadd %%st(1), %%st")
NATIVE(sub, "fsub %%st(1), %%st")
NATIVE(mul, "fmul %%st(1), %%st")
NATIVE(div, "fdiv %%st(1), %%st")
NATIVE(add_fp32, "fadds (%4)")
NATIVE(sub_fp32, "fsubs (%4)")
NATIVE(mul_fp32, "fmuls (%4)")
NATIVE(div_fp32, "fdivs (%4)")
NATIVE(divr_fp32, "fdivrs (%4)")
NATIVE(com_fp32, "fcoms (%4)")
NATIVE(add_fp64, "faddl (%4)")
NATIVE(subr_fp64, "fsubrl (%4)")
NATIVE(mul_fp64, "fmull (%4)")
NATIVE(div_fp64, "fdivl (%4)")
NATIVE(com_fp64, "fcoml (%4)")
NATIVE(add_i32, "fiaddl (%4)")
NATIVE(sqrt, "fsqrt")
NATIVE(round, "frndint")
NATIVE(com, "fcom %%st(1)")
NATIVE(ucom, "fucom %%st(1)")
NATIVE(scale, "fscale")
NATIVE(extract, "fxtract")
NATIVE(remainder, "fprem")
NATIVE(remainder1, "fprem1")
NATIVE(load_fp32, "flds (%4)")
NATIVE(load_fp64, "fldl (%4)")
NATIVE(load_i64, "fildll (%4)")
NATIVE(load_bcd, "fbld (%4)")
NATIVE(store_fp32, "fsts (%4)")
NATIVE(store_fp64, "fstl (%4)")
NATIVE(store_i16, "fists (%4)")
NATIVE(store_i32, "fistl (%4)")
NATIVE(store_i64, "fistpll (%4)")
NATIVE(trunc_i16, "fisttps (%4)")
NATIVE(trunc_i32, "fisttpl (%4)")
NATIVE(trunc_i64, "fisttpll (%4)")
NATIVE(store_bcd, "fbstp (%4)")
NATIVE(fld1, "fld1")
NATIVE(fldl2t, "fldl2t")
NATIVE(fldl2e, "fldl2e")
NATIVE(fldpi, "fldpi")
NATIVE(fldlg2, "fldlg2")
NATIVE(fldln2, "fldln2")
NATIVE(fldz, "fldz")

/* ---- Ours ---- */

/* What an operation leaves: st[] from ST0 on, bytes in memory, condition codes. */
struct result { fp80 st[2]; uint8_t mem[16]; uint16_t codes; };

static uint16_t codes_of(enum fp_relation r)
{
    return r == FP_UNORDERED ? C3 | C2 | C0 : r == FP_EQUAL ? C3 : r == FP_LESS ? C0 : 0;
}

static void reduce(struct fp_env *env, fp80 a, fp80 b, bool nearest, struct result *r)
{
    bool complete;
    uint64_t q;

    r->st[0] = fp80_remainder(env, a, b, nearest, &complete, &q);
    r->codes = complete ? (q & 1 ? C1 : 0) | (q & 2 ? C3 : 0) | (q & 4 ? C0 : 0) : C2;
}

static void put(struct result *r, uint64_t v, unsigned bytes)
{
    memcpy(r->mem, &v, bytes);
}

static uint64_t get(const uint8_t *mem, unsigned bytes)
{
    uint64_t v = 0;

    memcpy(&v, mem, bytes);
    return v;
}

#define SOFT(name, statement) \
    static void soft_##name(struct fp_env *env, fp80 a, fp80 b, const uint8_t *mem, struct result *r) { statement; }
#define ONE(name, expression) SOFT(name, r->st[0] = expression)
ONE(add, fp80_add(env, a, b))
ONE(sub, fp80_sub(env, a, b))
ONE(mul, fp80_mul(env, a, b))
ONE(div, fp80_div(env, a, b))
ONE(add_fp32, fp80_add(env, a, fp80_widen_fp32(env, get(mem, 4))))
ONE(sub_fp32, fp80_sub(env, a, fp80_widen_fp32(env, get(mem, 4))))
ONE(mul_fp32, fp80_mul(env, a, fp80_widen_fp32(env, get(mem, 4))))
ONE(div_fp32, fp80_div(env, a, fp80_widen_fp32(env, get(mem, 4))))
ONE(divr_fp32, fp80_div(env, fp80_widen_fp32(env, get(mem, 4)), a))
SOFT(com_fp32, r->codes = codes_of(fp80_compare(env, a, fp80_widen_fp32(env, get(mem, 4)), false)))
ONE(add_fp64, fp80_add(env, a, fp80_widen_fp64(env, get(mem, 8))))
ONE(subr_fp64, fp80_sub(env, fp80_widen_fp64(env, get(mem, 8)), a))
ONE(mul_fp64, fp80_mul(env, a, fp80_widen_fp64(env, get(mem, 8))))
ONE(div_fp64, fp80_div(env, a, fp80_widen_fp64(env, get(mem, 8))))
SOFT(com_fp64, r->codes = codes_of(fp80_compare(env, a, fp80_widen_fp64(env, get(mem, 8)), false)))
ONE(add_i32, fp80_add(env, a, fp80_from_i64((int32_t)get(mem, 4))))
ONE(sqrt, fp80_sqrt(env, a))
ONE(round, fp80_round(env, a))
SOFT(com, r->codes = codes_of(fp80_compare(env, a, b, false)))
SOFT(ucom, r->codes = codes_of(fp80_compare(env, a, b, true)))
ONE(scale, fp80_scale(env, a, b))
SOFT(extract, r->st[0] = fp80_extract(env, a, &r->st[1]))
SOFT(remainder, reduce(env, a, b, false, r))
SOFT(remainder1, reduce(env, a, b, true, r))
ONE(load_fp32, fp80_from_fp32(env, get(mem, 4)))
ONE(load_fp64, fp80_from_fp64(env, get(mem, 8)))
ONE(load_i64, fp80_from_i64(get(mem, 8)))
ONE(load_bcd, fp80_from_bcd(mem))
SOFT(store_fp32, put(r, fp32_from_fp80(env, a), 4))
SOFT(store_fp64, put(r, fp64_from_fp80(env, a), 8))
SOFT(store_i16, put(r, fp80_to_i16(env, a), 2))
SOFT(store_i32, put(r, fp80_to_i32(env, a), 4))
SOFT(store_i64, put(r, fp80_to_i64(env, a), 8))
SOFT(trunc_i16, env->rounding = FP_TOWARD_ZERO; put(r, fp80_to_i16(env, a), 2))
SOFT(trunc_i32, env->rounding = FP_TOWARD_ZERO; put(r, fp80_to_i32(env, a), 4))
SOFT(trunc_i64, env->rounding = FP_TOWARD_ZERO; put(r, fp80_to_i64(env, a), 8))
SOFT(store_bcd, fp80_to_bcd(env, a, r->mem))
ONE(fld1, fp80_constant(env, FP80_ONE))
ONE(fldl2t, fp80_constant(env, FP80_L2T))
ONE(fldl2e, fp80_constant(env, FP80_L2E))
ONE(fldpi, fp80_constant(env, FP80_PI))
ONE(fldlg2, fp80_constant(env, FP80_LG2))
ONE(fldln2, fp80_constant(env, FP80_LN2))
ONE(fldz, fp80_constant(env, FP80_ZERO_CONSTANT))

/* ---- Both ---- */

/* What an operation changes: the register, registers after a push, codes alone, memory. */
enum kind { REGISTER, PUSH, CODES, MEMORY };
/* Its memory operand. */
enum memory { NONE, FP32, FP64, I32, I64, BCD };

static const struct operation {
    const char *name;
    void (*native)(struct native *n);
    void (*soft)(struct fp_env *env, fp80 a, fp80 b, const uint8_t *mem, struct result *r);
    enum kind kind;
    enum memory memory;
} operations[] = {
#define ROW(name, kind, memory) { #name, native_##name, soft_##name, kind, memory },
    ROW(add, REGISTER, NONE) ROW(sub, REGISTER, NONE) ROW(mul, REGISTER, NONE) ROW(div, REGISTER, NONE)
    ROW(add_fp32, REGISTER, FP32) ROW(sub_fp32, REGISTER, FP32) ROW(mul_fp32, REGISTER, FP32) ROW(div_fp32, REGISTER, FP32)
    ROW(divr_fp32, REGISTER, FP32) ROW(com_fp32, CODES, FP32) ROW(add_fp64, REGISTER, FP64) ROW(subr_fp64, REGISTER, FP64)
    ROW(mul_fp64, REGISTER, FP64) ROW(div_fp64, REGISTER, FP64) ROW(com_fp64, CODES, FP64) ROW(add_i32, REGISTER, I32)
    ROW(sqrt, REGISTER, NONE) ROW(round, REGISTER, NONE) ROW(com, CODES, NONE) ROW(ucom, CODES, NONE) ROW(scale, REGISTER, NONE)
    ROW(extract, PUSH, NONE) ROW(remainder, REGISTER, NONE) ROW(remainder1, REGISTER, NONE)
    ROW(load_fp32, PUSH, FP32) ROW(load_fp64, PUSH, FP64) ROW(load_i64, PUSH, I64) ROW(load_bcd, PUSH, BCD)
    ROW(store_fp32, MEMORY, NONE) ROW(store_fp64, MEMORY, NONE) ROW(store_i16, MEMORY, NONE) ROW(store_i32, MEMORY, NONE)
    ROW(store_i64, MEMORY, NONE) ROW(trunc_i16, MEMORY, NONE) ROW(trunc_i32, MEMORY, NONE) ROW(trunc_i64, MEMORY, NONE)
    ROW(store_bcd, MEMORY, NONE)
    ROW(fld1, PUSH, NONE) ROW(fldl2t, PUSH, NONE) ROW(fldl2e, PUSH, NONE) ROW(fldpi, PUSH, NONE) ROW(fldlg2, PUSH, NONE)
    ROW(fldln2, PUSH, NONE) ROW(fldz, PUSH, NONE)
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]), UNTOUCHED = 0xa5 };

/* Compares what the operation wrote; `stopped`: by an exception of its operands, `dropped`: the store was not done. */
static bool same_result(const struct operation *op, const struct native *n, const struct result *r, fp80 a, bool stopped, bool dropped)
{
    uint8_t untouched[16];

    switch (op->kind) {
    case REGISTER:
        return equal(native_st(n, 0), stopped ? a : r->st[0]);
    case PUSH:
        if (stopped)
            return equal(native_st(n, 0), a);
        /* FXTRACT: the significand is pushed last. */
        return equal(native_st(n, 0), r->st[0]) && (op->native != native_extract || equal(native_st(n, 1), r->st[1]));
    case MEMORY:
        memset(untouched, UNTOUCHED, sizeof(untouched));
        return !memcmp(n->mem, dropped ? untouched : r->mem, 16);
    default:
        return true;
    }
}

static bool codes_are_quotient(const struct operation *op)
{
    return op->native == native_remainder || op->native == native_remainder1;
}

/* HOST_TINY_UNCHANGED: makes of our outcome that which the host must have. */
static bool becomes_tiny(const struct operation *op, const struct fp_env *env, fp80 a, fp80 b, struct result *r, unsigned *flags)
{
    struct fp_env scaling = { .rounding = env->rounding, .masked = env->masked, .precision = env->precision };
    enum fp80_class needed = op->native == native_scale ? FP80_ZERO : FP80_INFINITY;

    if ((op->native != native_scale && !codes_are_quotient(op)) || fp80_classify(a) != FP80_DENORMAL || a.mant >> 63 || fp80_classify(b) != needed ||
        (env->masked & (FP_UE | FP_DE)) != FP_DE || !host_rule(HOST_TINY_UNCHANGED))
        return false;
    r->st[0] = fp80_scale(&scaling, a, (fp80){ 1ull << 63, 0x3ffe }); /* by 0, but as if it were a scaling */
    *flags |= FP_UE;
    return true;
}

static bool same(const struct operation *op, struct native *n)
{
    static const uint8_t precision[] = { 24, 64, 53, 64 };
    static unsigned shown;
    struct fp_env env = { .rounding = n->cw >> 10 & 3, .masked = n->cw & FP_ALL, .precision = precision[n->cw >> 8 & 3] };
    fp80 a = { n->st[0].mant, n->st[0].se }, b = { n->st[1].mant, n->st[1].se };
    struct result r = { .codes = 0 };
    struct native before = *n;
    unsigned flags;
    uint16_t codes = C1;
    bool stopped, dropped, is_same;

    memset(r.mem, UNTOUCHED, sizeof(r.mem));
    op->soft(&env, a, b, n->mem, &r);
    flags = fp_raised(&env);
    stopped = flags & ~env.masked & (FP_IE | (op->memory && op->kind == PUSH ? 0 : FP_DE) | FP_ZE); /* FLD loads a denormal */
    dropped = flags & ~env.masked & (FP_IE | FP_OE | FP_UE);
    if (flags & FP_UP_ROUNDED)
        r.codes |= C1;
    if (op->kind == CODES || codes_are_quotient(op))
        codes = C0 | C1 | C2 | C3;
    if (stopped && op->kind != CODES) { /* C0, C2, C3 are then undefined */
        codes = C1;
        r.codes = 0;
    }
    op->native(n);
    is_same = (n->out.sw & FP_ALL) == (flags & FP_ALL) && !((n->out.sw ^ r.codes) & codes) && same_result(op, n, &r, a, stopped, dropped);
    if (!is_same && becomes_tiny(op, &env, a, b, &r, &flags))
        is_same = (n->out.sw & FP_ALL) == (flags & FP_ALL) && !((n->out.sw ^ r.codes) & codes) && same_result(op, n, &r, a, stopped, dropped);
    if (!is_same && shown++ < 20)
        printf("%s cw %03x %04x:%016llx, %04x:%016llx, mem %02x %016llx:\n  native %04x:%016llx %04x:%016llx sw %04x mem %02x %016llx\n"
               "  soft   %04x:%016llx %04x:%016llx flags %02x codes %04x mem %02x %016llx\n",
               op->name, before.cw, a.se, (unsigned long long)a.mant, b.se, (unsigned long long)b.mant, before.mem[9],
               (unsigned long long)get(before.mem, 8), n->out.st[0].se, (unsigned long long)n->out.st[0].mant, n->out.st[1].se,
               (unsigned long long)n->out.st[1].mant, n->out.sw, n->mem[9], (unsigned long long)get(n->mem, 8), r.st[0].se,
               (unsigned long long)r.st[0].mant, r.st[1].se, (unsigned long long)r.st[1].mant, flags, r.codes, r.mem[9],
               (unsigned long long)get(r.mem, 8));
    return is_same;
}

/* Digits 0 to 9: what hardware makes of others is undefined. */
static void random_bcd(uint8_t *mem)
{
    uint64_t v = rnd() >> rnd_below(60);

    for (int n = 0; n < 9; n++, v /= 100)
        mem[n] = (uint8_t)(v % 10 << 4 | v / 10 % 10);
    mem[9] = rnd();
}

static void random_memory(const struct operation *op, uint8_t *mem, fp80 other)
{
    struct fp_env env = { .masked = FP_ALL, .precision = 64 };
    uint64_t v;

    memset(mem, UNTOUCHED, 16);
    switch (op->memory) {
    case FP32:
        v = rnd_fp32(fp32_from_fp80(&env, other));
        memcpy(mem, &v, 4);
        break;
    case FP64:
        v = rnd_fp64(fp64_from_fp80(&env, other));
        memcpy(mem, &v, 8);
        break;
    case I32:
    case I64:
        v = (uint64_t)((int64_t)rnd_fraction(64) >> rnd_below(64));
        memcpy(mem, &v, op->memory == I32 ? 4 : 8);
        break;
    case BCD:
        random_bcd(mem);
        break;
    default:
        break;
    }
}

/* Near the limits of integers and of BCD, near halves, and at the ends of single and double. */
static fp80 store_operand(void)
{
    static const uint64_t limits[] = { 0x7fff, 0x8000, 0x7fffffff, 0x80000000, INT64_MAX, 1ull << 63, 999999999999999999ull };
    fp80 v = rnd_fp80((fp80){ 0, 0x3fff });
    uint64_t n;

    switch (rnd_below(6)) {
    case 0:
        n = limits[rnd_below(7)] + rnd_below(3) - 1;
        v.se = (uint16_t)((v.se & 0x8000) | (0x3fff + 63 - __builtin_clzll(n)));
        v.mant = (n << __builtin_clzll(n)) + (rnd_below(4) ? 0 : rnd_fraction(11) * 2 - 1024);
        v.mant |= 1ull << 63;
        break;
    case 1:
        v.se = (uint16_t)((v.se & 0x8000) | (0x3ffe + rnd_below(66)));
        break;
    case 2:
        v.se = (uint16_t)((v.se & 0x8000) | (0x3fff - 127 - 26 + rnd_below(30)));
        break;
    case 3:
        v.se = (uint16_t)((v.se & 0x8000) | (0x3fff - 1023 - 55 + rnd_below(58)));
        break;
    case 4:
        v.se = (uint16_t)((v.se & 0x8000) | ((rnd_below(2) ? 0x3fff + 126 : 0x3fff + 1022) + rnd_below(4)));
        break;
    default:
        break;
    }
    return v;
}

static void random_operands(const struct operation *op, struct native *n)
{
    fp80 a = op->kind == MEMORY ? store_operand() : rnd_fp80((fp80){ 0, 0 }), b = rnd_fp80(a);

    if (op->native == native_scale && rnd_below(2)) { /* by whole numbers that matter */
        b = fp80_from_i64((int64_t)rnd_below(70000) - 35000);
        b.mant |= rnd_below(2) ? rnd_fraction(40) : 0;
    } else if (op->kind != MEMORY && rnd_below(2)) {
        fp80 first = a;

        a = b;
        b = first;
    }
    n->st[0].mant = a.mant, n->st[0].se = a.se;
    n->st[1].mant = b.mant, n->st[1].se = b.se;
    random_memory(op, n->mem, a);
}

static void compare(const struct operation *op, unsigned long total, bool unmasked)
{
    unsigned long wrong = 0;

    for (unsigned long k = 0; k < total; k++) {
        unsigned masks = unmasked ? rnd() & FP_ALL : FP_ALL, pc = rnd_below(3);
        struct native n = { .cw = (uint16_t)(masks | 0x40 | (pc ? pc + 1 : 0) << 8 | rnd_below(4) << 10) };

        random_operands(op, &n);
        wrong += !same(op, &n);
    }
    /* How far FPREM goes in one step is the processor's business. */
    host_rules_report();
    (codes_are_quotient(op) ? bench_verdict_of_intel : bench_verdict)(op->name, wrong, total);
}

START_TEST(masked_operations_are_those_of_the_host)
{
    compare(&operations[_i], bench_cases(40000), false);
}
END_TEST

START_TEST(unmasked_exceptions_are_those_of_the_host)
{
    compare(&operations[_i], bench_cases(40000) / 2, true);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("fp-x87");
    TCase *tc = tcase_create("fp-x87");
    SRunner *runner = srunner_create(suite);
    int failed;

#ifdef __x86_64__
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, masked_operations_are_those_of_the_host, 0, OPERATIONS);
    tcase_add_loop_test(tc, unmasked_exceptions_are_those_of_the_host, 0, OPERATIONS);
#else
    puts("SKIP: test_fp_x87: this host is no x86-64 processor");
    return 77;
#endif
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
