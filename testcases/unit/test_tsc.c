/*
 * The time-stamp counter, IA32_TSC_ADJUST and the local APIC's timer in TSC-deadline mode: SDM Vol. 3A, "TSC-Deadline Mode"; Vol. 3B,
 * "Time-Stamp Counter".
 */
#include "testcases/unit/msr_bench.h"

enum { TSC = 0x10, TSC_ADJUST = 0x3b, TSC_DEADLINE = 0x6e0, SIGN_ID = 0x8b };
enum { LVT = 0x320, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0, ONE_SHOT = 0x40, PERIODIC = 0x20040, DEADLINE = 0x40040 };

static struct sys s;
static struct lapic *l;

static void begin(const char *model)
{
    sys_open(&s, model, 1);
    msr_cpu(&s, 0);
    l = s.cpu->lapic;
    lapic_write(l, 0xf0, 0x1ff, 4);
    lapic_write(l, LVT, DEADLINE, 4);
}
static void setup(void) { begin("max"); }
static void teardown(void) { sys_close(&s); }

static bool fired(void) { return l->irr[2] & 1; }

static uint64_t tsc(void)
{
    ck_assert(msr_execute(&s, "\x0f\x31", 2));
    return (uint32_t)s.cpu->reg[CPU_AX] | s.cpu->reg[CPU_DX] << 32;
}

/* ---- The counter and its adjustment ---- */

START_TEST(a_write_of_the_tsc_shows_in_the_adjustment)
{
    uint64_t before = tsc(), added;

    ck_assert_uint_eq(msr_get(&s, TSC_ADJUST), 0);
    msr_set(&s, TSC, before + 1000000);
    added = msr_get(&s, TSC_ADJUST);
    ck_assert_uint_lt(1000000 - added, 10); /* the few steps between reading and writing */
    ck_assert_uint_eq(s.cpu->tsc_offset, added);
    ck_assert_uint_lt(tsc() - before - 1000000, 10);
}
END_TEST

START_TEST(a_write_of_the_adjustment_moves_the_tsc)
{
    uint64_t before = tsc(), after;

    msr_keeps(&s, TSC_ADJUST, 5000000);
    after = tsc();
    ck_assert(after >= before + 5000000 && after < before + 5000010);
    msr_keeps(&s, TSC_ADJUST, 0x8000000000000000); /* it is no sum: what counts is the difference to the value before */
    msr_keeps(&s, TSC_ADJUST, 0);
    ck_assert_uint_lt(tsc() - before, 20);
}
END_TEST

START_TEST(reset_clears_both)
{
    msr_set(&s, TSC_ADJUST, 77);
    cpu_reset(s.cpu, true);
    ck_assert_uint_eq(s.cpu->msr.tsc_adjust, 77); /* INIT keeps it */
    cpu_reset(s.cpu, false);
    ck_assert_uint_eq(s.cpu->msr.tsc_adjust, 0);
    ck_assert_uint_eq(s.cpu->tsc_offset, 0 - s.cpu->cycle);
}
END_TEST

START_TEST(models_before_haswell_have_neither)
{
    static const char *const without[] = { "nehalem", "core2", "pentium3" };
    static const uint32_t numbers[] = { TSC_ADJUST, TSC_DEADLINE };
    uint32_t out[4];
    uint64_t v;

    teardown();
    begin(without[_i]);
    for (unsigned n = 0; n < 2; n++) {
        ck_assert(!msr_rd(&s, numbers[n], &v));
        msr_refused(&s, CPU_CAUSE_GP_MSR_UNKNOWN);
    }
    ck_assert_uint_eq(lapic_read(l, LVT, 4), ONE_SHOT); /* bit 18 of the LVT entry cannot be written */
    cpuid(s.cpu, 1, 0, out);
    ck_assert_uint_eq(out[2] & 1u << 24, 0);
    cpuid(s.cpu, 7, 0, out);
    ck_assert_uint_eq(out[1] & 2, 0);
}
END_TEST

START_TEST(cpuid_announces_them)
{
    static const char *const with[] = { "haswell", "max" };
    uint32_t out[4];

    teardown();
    begin(with[_i]);
    cpuid(s.cpu, 1, 0, out);
    ck_assert_uint_ne(out[2] & 1u << 24, 0);
    cpuid(s.cpu, 7, 0, out);
    ck_assert_uint_ne(out[1] & 2, 0);
    cpuid(s.cpu, 6, 0, out);
    ck_assert_uint_eq(out[0], 4); /* the timer runs always */
    ck_assert_uint_eq(msr_get(&s, SIGN_ID), 0);
    s.cpu->reg[CPU_AX] = 1;
    ck_assert(msr_execute(&s, "\x0f\xa2", 2));
    ck_assert_uint_eq(msr_get(&s, SIGN_ID), 0x28ull << 32); /* CPUID with EAX = 1 tells the revision there */
}
END_TEST

/* ---- TSC-deadline mode ---- */

START_TEST(the_timer_fires_when_the_tsc_gets_there)
{
    uint64_t due = tsc() + 10000;

    msr_keeps(&s, TSC_DEADLINE, due);
    ck_assert_uint_eq(l->timer.deadline, due); /* the TSC counts cycles from 0 here */
    sim_clock_advance(&s.clock, due - 1);
    ck_assert(!fired());
    sim_clock_advance(&s.clock, due);
    ck_assert(fired());
    ck_assert_uint_eq(msr_get(&s, TSC_DEADLINE), 0);
    ck_assert_uint_eq(l->timer.deadline, SIM_NEVER); /* once */
}
END_TEST

START_TEST(a_deadline_in_the_past_fires_at_once)
{
    sim_clock_advance(&s.clock, 5000);
    s.cpu->cycle = 5000;
    msr_set(&s, TSC_DEADLINE, 1);
    sim_clock_advance(&s.clock, s.cpu->cycle);
    ck_assert(fired());
    ck_assert_uint_eq(l->tsc_deadline, 0);
}
END_TEST

START_TEST(zero_disarms)
{
    msr_set(&s, TSC_DEADLINE, tsc() + 1000);
    msr_set(&s, TSC_DEADLINE, 0);
    sim_clock_advance(&s.clock, 100000);
    ck_assert(!fired());
}
END_TEST

START_TEST(a_masked_timer_ends_in_silence)
{
    lapic_write(l, LVT, DEADLINE | 0x10000, 4);
    msr_set(&s, TSC_DEADLINE, tsc() + 1000);
    sim_clock_advance(&s.clock, 100000);
    ck_assert(!fired());
    ck_assert_uint_eq(l->tsc_deadline, 0);
}
END_TEST

START_TEST(a_deadline_beyond_time_never_comes)
{
    sim_clock_advance(&s.clock, 5000);
    s.cpu->cycle = 5000;
    msr_set(&s, TSC_ADJUST, 0 - 1000ull); /* the TSC is behind the clock */
    msr_keeps(&s, TSC_DEADLINE, UINT64_MAX);
    ck_assert_uint_eq(l->timer.deadline, SIM_NEVER);
    ck_assert_uint_eq(msr_get(&s, TSC_DEADLINE), UINT64_MAX);
}
END_TEST

START_TEST(the_deadline_follows_the_tsc)
{
    uint64_t due = tsc() + 100000;

    msr_set(&s, TSC_DEADLINE, due);
    msr_set(&s, TSC_ADJUST, 40000);
    ck_assert_uint_eq(l->timer.deadline, due - 40000);
    msr_set(&s, TSC, due - 500);
    ck_assert_uint_eq(l->timer.deadline + s.cpu->tsc_offset, due);
    ck_assert_uint_le(l->timer.deadline, s.cpu->cycle + 500);
    msr_set(&s, TSC_ADJUST, due * 2); /* it is past */
    sim_clock_advance(&s.clock, s.cpu->cycle);
    ck_assert(fired());
}
END_TEST

START_TEST(in_other_modes_the_msr_is_dead_and_the_count_alive)
{
    static const uint32_t modes[] = { ONE_SHOT, PERIODIC };

    lapic_write(l, LVT, modes[_i], 4);
    lapic_write(l, DIVIDE, 0xb, 4);
    lapic_write(l, INITIAL, 100000, 4);
    msr_set(&s, TSC_DEADLINE, tsc() + 10);
    ck_assert_uint_eq(msr_get(&s, TSC_DEADLINE), 0);
    ck_assert_uint_eq(l->timer.deadline, 100000);
    msr_set(&s, TSC_ADJUST, 99999); /* the count does not know the TSC */
    ck_assert_uint_eq(l->timer.deadline, 100000);
}
END_TEST

START_TEST(a_change_of_mode_disarms)
{
    msr_set(&s, TSC_DEADLINE, tsc() + 1000);
    lapic_write(l, LVT, DEADLINE | 0x10000, 4);
    ck_assert_uint_ne(l->timer.deadline, SIM_NEVER); /* the mask is no mode */
    lapic_write(l, LVT, ONE_SHOT, 4);
    ck_assert_uint_eq(l->timer.deadline, SIM_NEVER);
    ck_assert_uint_eq(msr_get(&s, TSC_DEADLINE), 0);
    lapic_write(l, INITIAL, 1000, 4);
    lapic_write(l, LVT, PERIODIC, 4);
    ck_assert_uint_ne(l->timer.deadline, SIM_NEVER); /* between counting modes the count goes on */
    lapic_write(l, LVT, DEADLINE, 4);
    ck_assert_uint_eq(l->timer.deadline, SIM_NEVER);
    ck_assert_uint_eq(lapic_read(l, INITIAL, 4), 0);
}
END_TEST

START_TEST(the_count_registers_are_dead_in_deadline_mode)
{
    msr_set(&s, TSC_DEADLINE, tsc() + 1000);
    lapic_write(l, INITIAL, 5, 4);
    ck_assert_uint_eq(lapic_read(l, INITIAL, 4), 0);
    ck_assert_uint_eq(lapic_read(l, CURRENT, 4), 0);
    lapic_write(l, DIVIDE, 0xb, 4);
    ck_assert_uint_eq(l->timer.deadline, l->tsc_deadline);
}
END_TEST

/* ---- What accesses to devices take ---- */

/* 300 rounds of OUT and IN of ports that nobody answers, 1 us each, and a REP OUTSB of three; the last TSC is in EBX. */
static void through_ports(sim_cycles ahead, sim_steps budget, sim_cycles shared)
{
    CODE(&s, "\xe6\x80\x40\xe4\x81\x0f\x31\x89\xc3\x31\xf6\xb1\x03\x66\xba\x80\x00\xf3\x6e\x4d\x75\xea\xf4");
    sys_protected(&s, 0);
    s.cpu->reg[CPU_BP] = 300;
    s.cpu->reg[CPU_CX] = 0;
    s.cpu->steps = s.cpu->retired = s.cpu->cycle = s.cpu->tsc_offset = 0;
    while (s.cpu->activity == CPU_ACTIVE) {
        struct cpu_slice slice = { .horizon = ahead == SIM_NEVER ? SIM_NEVER : s.cpu->cycle + ahead, .budget = budget,
                                   .shared_until = shared == SIM_NEVER ? SIM_NEVER : s.cpu->cycle + shared };

        cpu_run(s.cpu, &slice);
        ck_assert(ahead == SIM_NEVER || s.cpu->cycle <= slice.horizon + 1000); /* no step begins behind it; the last may be stalled */
    }
}

/* However a run is cut, and whether it is this CPU's turn, each step begins where it does in one that is not. */
START_TEST(stalls_are_charged_to_the_cycle)
{
    static const struct { sim_cycles ahead; sim_steps budget; sim_cycles shared; } cuts[] = {
        { SIM_NEVER, UINT64_MAX, SIM_NEVER }, { 1, UINT64_MAX, SIM_NEVER }, { 999, UINT64_MAX, SIM_NEVER }, { 2002, 5, SIM_NEVER },
        { SIM_NEVER, 1, SIM_NEVER }, { SIM_NEVER, 7, SIM_NEVER }, { SIM_NEVER, UINT64_MAX, 0 }, { 5000, 100, 3 }, { 1, 3, 2001 },
    };
    const sim_steps steps = 300 * 13 + 1;
    const sim_cycles stalls = 300 * 5 * 1000;

    through_ports(cuts[_i].ahead, cuts[_i].budget, cuts[_i].shared);
    ck_assert_uint_eq(s.cpu->steps, steps);
    ck_assert_uint_eq(s.cpu->retired, steps - 300 * 2);
    ck_assert_uint_eq(s.cpu->cycle, steps + stalls);
    /* RDTSC, and behind it: MOV, XOR, MOV, MOV, three steps of OUTSB, DEC, JNZ, and HLT */
    ck_assert_uint_eq((uint32_t)s.cpu->reg[CPU_BX], s.cpu->cycle - 3000 - 11);
}
END_TEST

static bool look(void *arg, struct cpu *cpu)
{
    (void)arg;
    (void)cpu;
    return false;
}

/* The walk that fetches the first instruction behind MOV CR0 reads memory that is not there, which takes its time and gives ones: so does the
 * code. The fault cannot be delivered, and all of that is one step, whether each step is looked at, made alone or none is. */
START_TEST(a_fetch_that_stalls_is_of_the_step_that_it_is_for)
{
    static const struct cpu_observer each = { .every_step = true, .before = look };
    const sim_cycles transactions = 2 + 2 + 2 + 3; /* the walk; two bytes, which are no instruction; the walk to the IDT; the gates of #UD, #GP, #DF */

    CODE(&s, "\x0f\x22\xd8\x0f\x22\xc2\x90");
    sys_protected(&s, 0);
    s.cpu->reg[CPU_AX] = 0x8fef0000;
    s.cpu->reg[CPU_DX] = s.cpu->cr0 | CR0_PG;
    s.cpu->steps = s.cpu->retired = s.cpu->cycle = 0;
    if (_i == 1)
        cpu_observe(s.cluster, &each);
    while (s.cpu->activity == CPU_ACTIVE) {
        struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = _i == 2 ? 1 : 100, .shared_until = SIM_NEVER };

        cpu_run(s.cpu, &slice);
    }
    ck_assert_uint_eq(s.cpu->activity, CPU_SHUTDOWN);
    ck_assert_uint_eq(s.cpu->steps, 3);
    ck_assert_uint_eq(s.cpu->retired, 2);
    ck_assert_uint_eq(s.cpu->cycle, 3 + 100 * transactions);
    ck_assert_uint_eq(sys_record(&s, 0)->cycle, 2); /* where its step begins */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tsc");
    TCase *tc = tcase_create("tsc");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_write_of_the_tsc_shows_in_the_adjustment);
    tcase_add_test(tc, a_write_of_the_adjustment_moves_the_tsc);
    tcase_add_test(tc, reset_clears_both);
    tcase_add_loop_test(tc, models_before_haswell_have_neither, 0, 3);
    tcase_add_loop_test(tc, cpuid_announces_them, 0, 2);
    tcase_add_test(tc, the_timer_fires_when_the_tsc_gets_there);
    tcase_add_test(tc, a_deadline_in_the_past_fires_at_once);
    tcase_add_test(tc, zero_disarms);
    tcase_add_test(tc, a_masked_timer_ends_in_silence);
    tcase_add_test(tc, a_deadline_beyond_time_never_comes);
    tcase_add_test(tc, the_deadline_follows_the_tsc);
    tcase_add_loop_test(tc, in_other_modes_the_msr_is_dead_and_the_count_alive, 0, 2);
    tcase_add_test(tc, a_change_of_mode_disarms);
    tcase_add_test(tc, the_count_registers_are_dead_in_deadline_mode);
    tcase_add_loop_test(tc, stalls_are_charged_to_the_cycle, 0, 9);
    tcase_add_loop_test(tc, a_fetch_that_stalls_is_of_the_step_that_it_is_for, 0, 3);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
