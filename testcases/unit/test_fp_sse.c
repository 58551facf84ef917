/*
 * fp16, fp32 and fp64 against this host's SSE, FMA and F16C: results and flags under every rounding, DAZ, FTZ and mask.
 *
 * An unmasked exception ends in SIGFPE, whose frame has MXCSR as the instruction left it.
 */
#include "cpu/fp/fp.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "testcases/host_vendor.h"
#include "testcases/unit/fp_bench.h"

#ifdef __x86_64__

/* ---- The host ---- */

struct native { uint64_t in[3], out; uint32_t mxcsr; };

static void *resume_at;
static volatile uint32_t trapped;

static void on_fpe(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    trapped = 1u << 31 | uc->uc_mcontext.fpregs->mxcsr;
    uc->uc_mcontext.fpregs->mxcsr = 0x1f80;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)resume_at;
}

/* xmm0, 1, 2 = in[]; the instruction; out = `from`. */
#define NATIVE(name, insn, from)                                                                                          \
    static void native_##name(struct native *n)                                                                          \
    {                                                                                                                     \
        static const uint32_t normal = 0x1f80;                                                                           \
                                                                                                                          \
        __asm__ volatile("movq 0(%0), %%xmm0\n\tmovq 8(%0), %%xmm1\n\tmovq 16(%0), %%xmm2\n\tmovq 0(%0), %%rcx\n\t"      \
                         "lea 1f(%%rip), %%rax\n\tmov %%rax, %1\n\txor %%eax, %%eax\n\t"                                  \
                         "ldmxcsr %2\n\t" insn "\n\t1: stmxcsr %2\n\tldmxcsr %3\n\t" from                                 \
                         :                                                                                                \
                         : "r"(n), "m"(resume_at), "m"(n->mxcsr), "m"(normal)                                            \
                         : "rax", "rcx", "rdx", "xmm0", "xmm1", "xmm2", "memory", "cc");                                 \
    }
#define OUT_XMM "movq %%xmm0, 24(%0)"
#define OUT_RAX "mov %%rax, 24(%0)"
#define COMPARED "\n\tlahf\n\tmovzbl %%ah, %%eax\n\tand $0x45, %%eax" /* ZF, PF, CF */

#define NATIVE_BOTH(s, T)                                                                    \
    NATIVE(T##_add, "add" s " %%xmm1, %%xmm0", OUT_XMM)                                      \
    NATIVE(T##_sub, "sub" s " %%xmm1, %%xmm0", OUT_XMM)                                      \
    NATIVE(T##_mul, "mul" s " %%xmm1, %%xmm0", OUT_XMM)                                      \
    NATIVE(T##_div, "div" s " %%xmm1, %%xmm0", OUT_XMM)                                      \
    NATIVE(T##_min, "min" s " %%xmm1, %%xmm0", OUT_XMM)                                      \
    NATIVE(T##_max, "max" s " %%xmm1, %%xmm0", OUT_XMM)                                      \
    NATIVE(T##_sqrt, "sqrt" s " %%xmm0, %%xmm0", OUT_XMM)                                    \
    NATIVE(T##_comi, "comi" s " %%xmm1, %%xmm0" COMPARED, OUT_RAX)                           \
    NATIVE(T##_ucomi, "ucomi" s " %%xmm1, %%xmm0" COMPARED, OUT_RAX)                         \
    NATIVE(T##_to_i32, "cvt" s "2si %%xmm0, %%eax", OUT_RAX)                                 \
    NATIVE(T##_to_i64, "cvt" s "2si %%xmm0, %%rax", OUT_RAX)                                 \
    NATIVE(T##_trunc_i32, "cvtt" s "2si %%xmm0, %%eax", OUT_RAX)                             \
    NATIVE(T##_trunc_i64, "cvtt" s "2si %%xmm0, %%rax", OUT_RAX)                             \
    NATIVE(T##_from_i32, "cvtsi2" s " %%ecx, %%xmm0", OUT_XMM)                               \
    NATIVE(T##_from_i64, "cvtsi2" s "q %%rcx, %%xmm0", OUT_XMM)                              \
    NATIVE(T##_round, "round" s " $4, %%xmm0, %%xmm0", OUT_XMM)                              \
    NATIVE(T##_round_down_quietly, "round" s " $9, %%xmm0, %%xmm0", OUT_XMM)                 \
    NATIVE(T##_fmadd, "vfmadd213" s " %%xmm2, %%xmm1, %%xmm0", OUT_XMM)                      \
    NATIVE(T##_fmadd132, "vfmadd132" s " %%xmm2, %%xmm1, %%xmm0", OUT_XMM)                   \
    NATIVE(T##_fmadd231, "vfmadd231" s " %%xmm2, %%xmm1, %%xmm0", OUT_XMM)                   \
    NATIVE(T##_fmsub, "vfmsub213" s " %%xmm2, %%xmm1, %%xmm0", OUT_XMM)                      \
    NATIVE(T##_fnmadd, "vfnmadd213" s " %%xmm2, %%xmm1, %%xmm0", OUT_XMM)                    \
    NATIVE(T##_fnmsub, "vfnmsub213" s " %%xmm2, %%xmm1, %%xmm0", OUT_XMM)

NATIVE_BOTH("ss", fp32)
NATIVE_BOTH("sd", fp64)
NATIVE(fp64_from_fp32, "cvtss2sd %%xmm0, %%xmm0", OUT_XMM)
NATIVE(fp32_from_fp64, "cvtsd2ss %%xmm0, %%xmm0", OUT_XMM)
NATIVE(fp32_from_fp16, "vcvtph2ps %%xmm0, %%xmm0", OUT_XMM)
NATIVE(fp16_from_fp32, "vcvtps2ph $4, %%xmm0, %%xmm0", OUT_XMM)

/* ---- Ours ---- */

/* As COMISS tells it: ZF, PF, CF in the places of EFLAGS. */
static unsigned eflags_of(enum fp_relation r)
{
    return r == FP_UNORDERED ? 0x45 : r == FP_EQUAL ? 0x40 : r == FP_LESS ? 1 : 0;
}

static void towards_zero(struct fp_env *env)
{
    env->rounding = FP_TOWARD_ZERO;
}

#define SOFT(name, expression) \
    static uint64_t soft_##name(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c) { return expression; }
#define SOFT_BOTH(T)                                                            \
    SOFT(T##_add, T##_add(env, a, b))                                           \
    SOFT(T##_sub, T##_sub(env, a, b))                                           \
    SOFT(T##_mul, T##_mul(env, a, b))                                           \
    SOFT(T##_div, T##_div(env, a, b))                                           \
    SOFT(T##_min, T##_min(env, a, b))                                           \
    SOFT(T##_max, T##_max(env, a, b))                                           \
    SOFT(T##_sqrt, T##_sqrt(env, a))                                            \
    SOFT(T##_comi, eflags_of(T##_compare(env, a, b, false)))                    \
    SOFT(T##_ucomi, eflags_of(T##_compare(env, a, b, true)))                    \
    SOFT(T##_to_i32, (uint32_t)T##_to_i32(env, a))                              \
    SOFT(T##_to_i64, T##_to_i64(env, a))                                        \
    SOFT(T##_trunc_i32, (towards_zero(env), (uint32_t)T##_to_i32(env, a)))      \
    SOFT(T##_trunc_i64, (towards_zero(env), T##_to_i64(env, a)))                \
    SOFT(T##_from_i32, T##_from_i32(env, a))                                    \
    SOFT(T##_from_i64, T##_from_i64(env, a))                                    \
    SOFT(T##_round, T##_round(env, a, false))                                   \
    SOFT(T##_round_down_quietly, (env->rounding = FP_DOWN, T##_round(env, a, true))) \
    SOFT(T##_fmadd, T##_fma(env, b, a, c, false, false))                        \
    SOFT(T##_fmadd132, T##_fma(env, a, c, b, false, false))                     \
    SOFT(T##_fmadd231, T##_fma(env, b, c, a, false, false))                     \
    SOFT(T##_fmsub, T##_fma(env, b, a, c, false, true))                         \
    SOFT(T##_fnmadd, T##_fma(env, b, a, c, true, false))                        \
    SOFT(T##_fnmsub, T##_fma(env, b, a, c, true, true))

SOFT_BOTH(fp32)
SOFT_BOTH(fp64)
SOFT(fp64_from_fp32, fp64_from_fp32(env, a))
SOFT(fp32_from_fp64, fp32_from_fp64(env, a))
SOFT(fp32_from_fp16, fp32_from_fp16(env, a))
SOFT(fp16_from_fp32, fp16_from_fp32(env, a))

/* ---- Both ---- */

enum { HALF, SINGLE, DOUBLE, INTEGER };
enum { SSE2, SSE41, FMA, F16C };

static const struct operation {
    const char *name;
    void (*native)(struct native *n);
    uint64_t (*soft)(struct fp_env *env, uint64_t a, uint64_t b, uint64_t c);
    int in, out, needs;
} operations[] = {
#define ROW(name, in, out, needs) { #name, native_##name, soft_##name, in, out, needs },
#define ROWS(T, F)                                                                                               \
    ROW(T##_add, F, F, SSE2) ROW(T##_sub, F, F, SSE2) ROW(T##_mul, F, F, SSE2) ROW(T##_div, F, F, SSE2)          \
    ROW(T##_min, F, F, SSE2) ROW(T##_max, F, F, SSE2) ROW(T##_sqrt, F, F, SSE2)                                  \
    ROW(T##_comi, F, INTEGER, SSE2) ROW(T##_ucomi, F, INTEGER, SSE2)                                             \
    ROW(T##_to_i32, F, SINGLE, SSE2) ROW(T##_to_i64, F, INTEGER, SSE2)                                           \
    ROW(T##_trunc_i32, F, SINGLE, SSE2) ROW(T##_trunc_i64, F, INTEGER, SSE2)                                     \
    ROW(T##_from_i32, INTEGER, F, SSE2) ROW(T##_from_i64, INTEGER, F, SSE2)                                      \
    ROW(T##_round, F, F, SSE41) ROW(T##_round_down_quietly, F, F, SSE41)                                         \
    ROW(T##_fmadd132, F, F, FMA) ROW(T##_fmadd231, F, F, FMA)                                                    \
    ROW(T##_fmadd, F, F, FMA) ROW(T##_fmsub, F, F, FMA) ROW(T##_fnmadd, F, F, FMA) ROW(T##_fnmsub, F, F, FMA)
    ROWS(fp32, SINGLE)
    ROWS(fp64, DOUBLE)
    ROW(fp64_from_fp32, SINGLE, DOUBLE, SSE2)
    ROW(fp32_from_fp64, DOUBLE, SINGLE, SSE2)
    ROW(fp32_from_fp16, HALF, SINGLE, F16C)
    ROW(fp16_from_fp32, SINGLE, HALF, F16C)
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static bool host_has(int needs)
{
    unsigned a, b, c, d;

    __builtin_cpu_init();
    switch (needs) {
    case SSE41:
        return __builtin_cpu_supports("sse4.1");
    case FMA:
        return __builtin_cpu_supports("fma");
    case F16C:
        /* clang 14 does not know it by name; "avx" says that the OS saves the registers. */
        return __builtin_cpu_supports("avx") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    default:
        return true;
    }
}

static uint64_t operand(int format, uint64_t other)
{
    switch (format) {
    case HALF:
        return rnd_fp16();
    case SINGLE:
        return rnd_fp32(other);
    case DOUBLE:
        return rnd_fp64(other);
    default:
        return (uint64_t)((int64_t)(rnd() & rnd_fraction(64)) >> rnd_below(64)) ^ -(rnd() & 1);
    }
}

/* An addend for the fused operations: near the product, with either sign. */
static uint64_t addend(int format, uint64_t a, uint64_t b)
{
    struct fp_env env = { .rounding = rnd_below(4), .masked = FP_ALL };

    if (rnd_below(2))
        return operand(format, a);
    if (format == SINGLE)
        return rnd_fp32((fp32_mul(&env, a, b) ^ 1u << 31) + rnd_below(3) - 1);
    return rnd_fp64((fp64_mul(&env, a, b) ^ 1ull << 63) + rnd_below(3) - 1);
}

static bool same(const struct operation *op, struct native *n)
{
    static const uint64_t width[] = { 0xffff, 0xffffffff, UINT64_MAX, UINT64_MAX };
    static unsigned shown;
    uint32_t control = n->mxcsr & ~FP_ALL;
    struct fp_env env = { .rounding = control >> 13 & 3, .masked = control >> 7 & FP_ALL, .daz = control >> 6 & 1, .ftz = control >> 15 };
    uint64_t soft = op->soft(&env, n->in[0], n->in[1], n->in[2]) & width[op->out];
    unsigned flags = fp_raised(&env) & FP_ALL;
    bool stops = flags & ~env.masked, is_same;

    trapped = 0;
    op->native(n);
    if (trapped)
        n->mxcsr = trapped;
    n->out &= width[op->out];
    if (op->native == native_fp16_from_fp32 && host_half_is_exact((uint32_t)n->in[0]) && !env.daz && flags & ~env.masked & FP_UE &&
        host_rule(HOST_HALF_INEXACT))
        flags &= ~(unsigned)FP_PE;
    is_same = !trapped == !stops && (n->mxcsr & FP_ALL) == flags && (stops || n->out == soft);
    if (!is_same && shown++ < 20)
        printf("%s %llx, %llx, %llx, mxcsr %04x: native %llx flags %02x%s, soft %llx flags %02x\n", op->name, (unsigned long long)n->in[0],
               (unsigned long long)n->in[1], (unsigned long long)n->in[2], control, (unsigned long long)n->out, n->mxcsr & FP_ALL,
               trapped ? " trapped" : "", (unsigned long long)soft, flags);
    return is_same;
}

static void compare(const struct operation *op, unsigned long total, bool unmasked)
{
    unsigned long wrong = 0;

    for (unsigned long k = 0; k < total; k++) {
        uint32_t masks = unmasked ? rnd() & FP_ALL : FP_ALL;
        struct native n = { .mxcsr = (uint32_t)rnd_below(4) << 13 | masks << 7 };

        if (!rnd_below(4))
            n.mxcsr |= rnd_below(2) << 6 | rnd_below(2) << 15;
        n.in[0] = operand(op->in, 0);
        n.in[1] = operand(op->in, n.in[0]);
        n.in[2] = op->needs == FMA ? addend(op->in, n.in[0], n.in[1]) : 0;
        if (rnd_below(2)) {
            uint64_t first = n.in[0];

            n.in[0] = n.in[1];
            n.in[1] = first;
        }
        wrong += !same(op, &n);
    }
    host_rules_report();
    bench_verdict(op->name, wrong, total);
}

START_TEST(masked_operations_are_those_of_the_host)
{
    if (host_has(operations[_i].needs))
        compare(&operations[_i], bench_cases(60000), false);
}
END_TEST

START_TEST(unmasked_exceptions_are_those_of_the_host)
{
    struct sigaction action = { .sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO };

    ck_assert(!sigaction(SIGFPE, &action, NULL));
    if (host_has(operations[_i].needs))
        compare(&operations[_i], bench_cases(60000) / 10, true);
}
END_TEST

/* All halves there are. */
START_TEST(every_half_converts_as_on_the_host)
{
    unsigned long wrong = 0;

    if (!host_has(F16C))
        return;
    for (uint32_t v = 0; v < 4 << 16; v++) {
        struct native n = { .in = { v & 0xffff }, .mxcsr = 0x1f80 | (v >> 16) << 13 };

        wrong += !same(&operations[OPERATIONS - 2], &n);
    }
    bench_verdict("fp32_from_fp16", wrong, 4 << 16);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("fp-sse");
    TCase *tc = tcase_create("fp-sse");
    SRunner *runner = srunner_create(suite);
    int failed;

#ifdef __x86_64__
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, masked_operations_are_those_of_the_host, 0, OPERATIONS);
    tcase_add_loop_test(tc, unmasked_exceptions_are_those_of_the_host, 0, OPERATIONS);
    tcase_add_test(tc, every_half_converts_as_on_the_host);
#else
    puts("SKIP: test_fp_sse: this host is no x86-64 processor");
    return 77;
#endif
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
