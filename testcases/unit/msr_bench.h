/*
 * RDMSR, WRMSR and CPUID as a guest executes them: each by itself, in protected mode at CPL 0.
 */
#ifndef LIBSIM_TESTCASES_UNIT_MSR_BENCH_H
#define LIBSIM_TESTCASES_UNIT_MSR_BENCH_H

#include "cpu/msr.h"
#include "testcases/unit/system_bench.h"

/* CPU n is the one that the bench runs from now on. */
static inline void msr_cpu(struct sys *s, unsigned n)
{
    s->cpu = cpu_get(s->cluster, n);
    s->cpu->activity = CPU_ACTIVE;
    sys_protected(s, 0);
}

/* Executes one instruction. False when it faulted; the last record then says why. */
static inline bool msr_execute(struct sys *s, const char *bytes, size_t len)
{
    uint32_t before = s->cpu->history_next;

    s->cpu->ip = AT_CODE;
    sys_code(s, bytes, len);
    sys_run(s, 1);
    return s->cpu->history_next == before;
}

static inline bool msr_wr(struct sys *s, uint32_t number, uint64_t value)
{
    s->cpu->reg[CPU_CX] = number;
    s->cpu->reg[CPU_AX] = (uint32_t)value;
    s->cpu->reg[CPU_DX] = value >> 32;
    return msr_execute(s, "\x0f\x30", 2);
}

static inline bool msr_rd(struct sys *s, uint32_t number, uint64_t *value)
{
    s->cpu->reg[CPU_CX] = number;
    if (!msr_execute(s, "\x0f\x32", 2))
        return false;
    *value = (uint32_t)s->cpu->reg[CPU_AX] | s->cpu->reg[CPU_DX] << 32;
    return true;
}

/* The value of an MSR that there is. */
static inline uint64_t msr_get(struct sys *s, uint32_t number)
{
    uint64_t value = 0;

    ck_assert_msg(msr_rd(s, number, &value), "RDMSR %xh faulted", number);
    return value;
}

static inline void msr_set(struct sys *s, uint32_t number, uint64_t value)
{
    ck_assert_msg(msr_wr(s, number, value), "WRMSR %xh, %llxh faulted", number, (unsigned long long)value);
}

/* The last fault was #GP(0) for this cause. */
static inline void msr_refused(struct sys *s, enum cpu_cause cause)
{
    const struct cpu_delivery *d = sys_record(s, s->cpu->history_next - 1);

    ck_assert_int_eq(d->vector, VEC_GP);
    ck_assert_uint_eq(d->error, 0);
    ck_assert_msg(d->cause == cause, "cause %d, not %d", d->cause, cause);
    sys_protected(s, 0);
}

/* It is written, and reads back. */
static inline void msr_keeps(struct sys *s, uint32_t number, uint64_t value)
{
    uint64_t got;

    msr_set(s, number, value);
    got = msr_get(s, number);
    ck_assert_msg(got == value, "MSR %xh is %llxh, not %llxh", number, (unsigned long long)got, (unsigned long long)value);
}

#endif
