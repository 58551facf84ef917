/*
 * The local APIC in x2APIC mode: SDM Vol. 3A, "Extended XAPIC (x2APIC)".
 */
#include "testcases/unit/msr_bench.h"

enum { BASE = 0x1b, OFF = 0xfee00000, XAPIC = OFF | APIC_BASE_ENABLE, X2APIC = XAPIC | APIC_BASE_EXTD, EXTD_ALONE = OFF | APIC_BASE_EXTD };
enum { ID = 0x802, VERSION = 0x803, TPR = 0x808, PPR = 0x80a, EOI = 0x80b, LDR = 0x80d, SVR = 0x80f, ISR = 0x810, TMR = 0x818, IRR = 0x820,
       ESR = 0x828, ICR = 0x830, LVT_TIMER = 0x832, LVT_LINT0 = 0x835, LVT_ERROR = 0x837, INITIAL = 0x838, CURRENT = 0x839, DIVIDE = 0x83e,
       SELF_IPI = 0x83f };

static struct sys s;

static void setup(void)
{
    sys_open(&s, "max", 4);
    for (unsigned n = 4; n-- > 0;) {
        msr_cpu(&s, n);
        msr_set(&s, BASE, X2APIC | (n ? 0 : APIC_BASE_BSP));
        msr_set(&s, SVR, 0x1ff);
    }
}
static void teardown(void) { sys_close(&s); }

static bool requested(unsigned n, unsigned vector)
{
    return cpu_get(s.cluster, n)->lapic->irr[vector / 32] >> (vector % 32) & 1;
}

/* ---- Modes ---- */

static const uint32_t modes[] = { OFF, XAPIC, X2APIC, EXTD_ALONE };
/* SDM Vol. 3A, "x2APIC State Transitions": row: from, column: to. From disabled the way leads through xAPIC mode, and so it does back. */
static const bool legal[3][4] = { { true, true, false, false }, { true, true, true, false }, { true, false, true, false } };

START_TEST(the_mode_changes_along_legal_ways_only)
{
    static const uint32_t way[3][2] = { { OFF, OFF }, { OFF, XAPIC }, { X2APIC, X2APIC } };
    unsigned from = (unsigned)_i / 4, to = (unsigned)_i % 4;

    msr_set(&s, BASE, way[from][0]);
    msr_set(&s, BASE, way[from][1]);
    ck_assert_uint_eq(msr_get(&s, BASE), modes[from]);
    ck_assert_int_eq(msr_wr(&s, BASE, modes[to]), legal[from][to]);
    if (!legal[from][to])
        msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    ck_assert_uint_eq(msr_get(&s, BASE), modes[legal[from][to] ? to : from]);
}
END_TEST

START_TEST(a_model_without_it_refuses_the_bit_and_the_registers)
{
    uint32_t out[4];
    uint64_t v;

    sys_close(&s);
    sys_open(&s, "nehalem", 1);
    msr_cpu(&s, 0);
    ck_assert(!msr_wr(&s, BASE, X2APIC));
    msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    ck_assert(!msr_rd(&s, ID, &v));
    msr_refused(&s, CPU_CAUSE_GP_MSR_UNKNOWN);
    cpuid(s.cpu, 1, 0, out);
    ck_assert_uint_eq(out[2] & 1u << 21, 0);
}
END_TEST

START_TEST(cpuid_announces_it)
{
    static const char *const models[] = { "max", "haswell" };
    uint32_t out[4];

    for (unsigned n = 0; n < 2; n++) {
        sys_close(&s);
        sys_open(&s, models[n], 1);
        cpuid(s.cpu, 1, 0, out);
        ck_assert_uint_ne(out[2] & 1u << 21, 0);
    }
}
END_TEST

START_TEST(the_page_is_memory_while_the_registers_are_msrs)
{
    sys_poke(&s, 0x100020, 0x1234, 4);
    msr_set(&s, BASE, 0x100000 | APIC_BASE_ENABLE | APIC_BASE_EXTD);
    ck_assert(msr_execute(&s, "\xa1\x20\x00\x10\x00", 5)); /* mov eax, [100020h] */
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0x1234);
    msr_set(&s, BASE, 0x100000);
    msr_set(&s, BASE, 0x100000 | APIC_BASE_ENABLE);
    ck_assert(msr_execute(&s, "\xa1\x30\x00\x10\x00", 5));
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0x50014);
}
END_TEST

START_TEST(in_xapic_mode_the_msrs_fault)
{
    uint64_t v;

    msr_set(&s, BASE, OFF);
    for (unsigned n = 0; n < 2; n++) {
        ck_assert(!msr_rd(&s, VERSION, &v));
        msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
        ck_assert(!msr_wr(&s, TPR, 0));
        msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
        msr_set(&s, BASE, XAPIC);
    }
}
END_TEST

START_TEST(entering_keeps_the_registers_and_gives_the_id_back)
{
    struct lapic *l;

    msr_cpu(&s, 2);
    l = s.cpu->lapic;
    msr_set(&s, BASE, OFF);
    msr_set(&s, BASE, XAPIC);
    ck_assert_uint_eq(lapic_read(l, 0xf0, 4), 0xff); /* it had been off: as after RESET */
    lapic_write(l, 0x20, 0x55000000, 4);
    lapic_write(l, 0x80, 0x40, 4);
    lapic_write(l, 0xd0, 0x99000000, 4);
    lapic_write(l, 0x320, 0x20077, 4);
    lapic_write(l, 0x310, 0x03000000, 4);
    msr_set(&s, BASE, X2APIC);
    ck_assert_uint_eq(msr_get(&s, ID), 2);
    ck_assert_uint_eq(msr_get(&s, LDR), 4);
    ck_assert_uint_eq(msr_get(&s, TPR), 0x40);
    ck_assert_uint_eq(msr_get(&s, LVT_TIMER), 0x30077); /* masked: it was disabled by software */
    ck_assert_uint_eq(msr_get(&s, ICR) >> 32, 3);
}
END_TEST

START_TEST(init_stays_in_x2apic_mode)
{
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 1, .shared_until = SIM_NEVER };

    msr_cpu(&s, 3);
    msr_set(&s, TPR, 0x30);
    s.cpu->init_pending = true;
    cpu_attend(s.cpu);
    cpu_run(s.cpu, &slice);
    ck_assert_int_eq(s.cpu->activity, CPU_WAIT_SIPI);
    msr_cpu(&s, 3);
    ck_assert_uint_eq(msr_get(&s, BASE), X2APIC);
    ck_assert_uint_eq(msr_get(&s, ID), 3);
    ck_assert_uint_eq(msr_get(&s, LDR), 8);
    ck_assert_uint_eq(msr_get(&s, TPR), 0);
}
END_TEST

/* ---- Registers: SDM Vol. 3A, "Local APIC Register Address Map Supported by x2APIC" ---- */

enum { R = 1, W = 2, RW = 3 };
struct reg_case {
    uint32_t number, count, how;
    uint64_t takes; /* bits that may be written */
    uint64_t loses; /* of those: bits that do not read back */
};
static const struct reg_case regs[] = {
    { 0x800, 2, 0, 0, 0 }, { ID, 2, R, 0, 0 }, { 0x804, 4, 0, 0, 0 }, { TPR, 1, RW, 0xff, 0 }, { 0x809, 1, 0, 0, 0 }, { PPR, 1, R, 0, 0 },
    { EOI, 1, W, 0, 0 }, { 0x80c, 1, 0, 0, 0 }, { LDR, 1, R, 0, 0 }, { 0x80e, 1, 0, 0, 0 }, { SVR, 1, RW, 0x3ff, 0 }, { ISR, 24, R, 0, 0 },
    { ESR, 1, RW, 0, 0 }, { 0x829, 7, 0, 0, 0 }, { 0x831, 1, 0, 0, 0 }, { LVT_TIMER, 1, RW, 0x710ff, 0x1000 },
    { 0x833, 2, RW, 0x117ff, 0x1000 }, { LVT_LINT0, 2, RW, 0x1f7ff, 0x5000 }, { LVT_ERROR, 1, RW, 0x110ff, 0x1000 },
    { INITIAL, 1, RW, UINT32_MAX, 0 }, { CURRENT, 1, R, 0, 0 }, { 0x83a, 4, 0, 0, 0 }, { DIVIDE, 1, RW, 0xb, 0 }, { 0x840, 0xc0, 0, 0, 0 },
};

static void check_register(const struct reg_case *c, uint32_t number)
{
    uint64_t v;

    ck_assert_msg(msr_rd(&s, number, &v) == !!(c->how & R), "reading %xh", number);
    if (!(c->how & R))
        msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    ck_assert_msg(msr_wr(&s, number, 0) == !!(c->how & W), "writing %xh", number);
    if (!(c->how & W)) {
        msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
        return;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        ck_assert_msg(msr_wr(&s, number, 1ull << bit) == (c->takes >> bit & 1), "writing bit %u of %xh", bit, number);
        if (!(c->takes >> bit & 1))
            msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
        else if (number != INITIAL)
            ck_assert_msg(msr_get(&s, number) == (1ull << bit & ~c->loses), "bit %u of %xh", bit, number);
    }
}

START_TEST(each_register_takes_its_bits_and_refuses_the_rest)
{
    const struct reg_case *c = &regs[_i];

    for (uint32_t n = 0; n < c->count; n++)
        check_register(c, c->number + n);
}
END_TEST

START_TEST(the_icr_is_one_register_of_64_bits)
{
    static const uint64_t refused[] = { 0x2000, 0x10000, 0x20000, 0x100000, 0x80000000 };

    for (unsigned n = 0; n < sizeof(refused) / sizeof(refused[0]); n++) {
        ck_assert(!msr_wr(&s, ICR, refused[n] | 0x4041));
        msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    }
    msr_set(&s, ICR, 0x0000000200005041); /* the delivery status is no reserved bit, and never set */
    ck_assert_uint_eq(msr_get(&s, ICR), 0x0000000200004041);
    ck_assert(requested(2, 0x41));
    ck_assert(!requested(0, 0x41) && !requested(1, 0x41) && !requested(3, 0x41));
}
END_TEST

START_TEST(wrong_accesses_set_no_error_bit)
{
    uint64_t v;

    msr_rd(&s, 0x804, &v);
    sys_protected(&s, 0);
    msr_set(&s, ESR, 0);
    ck_assert_uint_eq(msr_get(&s, ESR), 0);
}
END_TEST

/* ---- Interprocessor interrupts ---- */

struct ipi_case {
    uint32_t high, low;
    unsigned heard; /* bit n: CPU n gets vector 41h */
};
static const struct ipi_case ipi_cases[] = {
    { 2, 0x4041, 1 << 2 },              { 9, 0x4041, 0 },           { 0xff, 0x4041, 0 },   /* no broadcast: an ID like others */
    { UINT32_MAX, 0x4041, 15 },         { 0x100, 0x4041, 0 },       { 0, 0x44041, 1 << 1 }, /* self; sent by 1 */
    { 0, 0x84041, 15 },                 { 0, 0xc4041, 13 },         { 0x5, 0x4841, 5 },    /* logical: members of cluster 0 */
    { 0xffff, 0x4841, 15 },             { 0x10005, 0x4841, 0 },     { UINT32_MAX, 0x4841, 15 }, { 0x10, 0x4841, 0 },
};

START_TEST(ipis_reach_their_destinations)
{
    const struct ipi_case *c = &ipi_cases[_i];

    msr_cpu(&s, 1);
    msr_set(&s, ICR, (uint64_t)c->high << 32 | c->low);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_int_eq(requested(n, 0x41), c->heard >> n & 1);
}
END_TEST

/* Messages of devices have 8 bits of destination: FFh names all, in whatever mode they are. */
START_TEST(messages_of_devices_reach_both_modes)
{
    static const struct { struct sim_apic_message msg; unsigned heard; } cases[] = {
        { { .vector = 0x41, .dest = 0xff, .asserted = true }, 15 }, { { .vector = 0x41, .dest = 1, .asserted = true }, 2 },
        { { .vector = 0x41, .dest = 0xc, .logical = true, .asserted = true }, 12 },
        { { .vector = 0x41, .dest = 0xff, .logical = true, .asserted = true }, 15 },
    };

    msr_cpu(&s, 3);
    msr_set(&s, BASE, OFF);
    msr_set(&s, BASE, XAPIC);
    lapic_write(s.cpu->lapic, 0xf0, 0x1ff, 4);
    lapic_write(s.cpu->lapic, 0xd0, 0x08000000, 4);
    bus_apic_send(s.bus, &cases[_i].msg, NULL);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_int_eq(requested(n, 0x41), cases[_i].heard >> n & 1);
}
END_TEST

START_TEST(self_ipi_asks_by_its_vector)
{
    uint64_t v;

    msr_set(&s, SELF_IPI, 0x61);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_int_eq(requested(n, 0x61), n == 0);
    ck_assert(!msr_wr(&s, SELF_IPI, 0x161));
    msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    ck_assert(!msr_rd(&s, SELF_IPI, &v));
    msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    msr_set(&s, SELF_IPI, 0x0f);
    msr_set(&s, ESR, 0);
    ck_assert_uint_eq(msr_get(&s, ESR), 0x20); /* send illegal vector */
}
END_TEST

START_TEST(eoi_ends_an_interrupt_and_takes_only_0)
{
    msr_set(&s, SELF_IPI, 0x61);
    lapic_take(s.cpu->lapic, 0x61);
    ck_assert_uint_eq(msr_get(&s, ISR + 3), 2);
    ck_assert_uint_eq(msr_get(&s, PPR), 0x60);
    ck_assert(!msr_wr(&s, EOI, 1));
    msr_refused(&s, CPU_CAUSE_GP_MSR_APIC);
    msr_set(&s, EOI, 0);
    ck_assert_uint_eq(msr_get(&s, ISR + 3), 0);
}
END_TEST

START_TEST(an_ipi_waits_for_the_turn_of_its_cpu)
{
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 1, .shared_until = 0 };

    msr_cpu(&s, 1);
    s.cpu->cycle = 100;
    s.cpu->reg[CPU_CX] = ICR;
    s.cpu->reg[CPU_DX] = 2;
    s.cpu->reg[CPU_AX] = 0x4041;
    CODE(&s, "\x0f\x30");
    ck_assert_int_eq(cpu_run(s.cpu, &slice), CPU_EXIT_WAIT);
    ck_assert(!requested(2, 0x41));
    slice.shared_until = 100;
    cpu_run(s.cpu, &slice);
    ck_assert(requested(2, 0x41));
}
END_TEST

/* ---- Topology: SDM Vol. 2A, "CPUID", leaf 0Bh ---- */

START_TEST(leaf_0b_counts_the_processors)
{
    static const struct { unsigned cpus, shift; } cases[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 }, { 8, 3 } };
    uint32_t out[4];

    sys_close(&s);
    sys_open(&s, "nehalem", cases[_i].cpus);
    for (unsigned n = 0; n < cases[_i].cpus; n++) {
        struct cpu *cpu = cpu_get(s.cluster, n);

        cpuid(cpu, 0xb, 0, out);
        ck_assert(out[0] == 0 && out[1] == 1 && out[2] == 0x100 && out[3] == n);
        cpuid(cpu, 0xb, 1, out);
        ck_assert(out[0] == cases[_i].shift && out[1] == cases[_i].cpus && out[2] == 0x201 && out[3] == n);
        cpuid(cpu, 0xb, 2, out);
        ck_assert(out[0] == 0 && out[1] == 0 && out[2] == 2 && out[3] == n);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x2apic");
    TCase *tc = tcase_create("x2apic");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, the_mode_changes_along_legal_ways_only, 0, 12);
    tcase_add_test(tc, a_model_without_it_refuses_the_bit_and_the_registers);
    tcase_add_test(tc, cpuid_announces_it);
    tcase_add_test(tc, the_page_is_memory_while_the_registers_are_msrs);
    tcase_add_test(tc, in_xapic_mode_the_msrs_fault);
    tcase_add_test(tc, entering_keeps_the_registers_and_gives_the_id_back);
    tcase_add_test(tc, init_stays_in_x2apic_mode);
    tcase_add_loop_test(tc, each_register_takes_its_bits_and_refuses_the_rest, 0, sizeof(regs) / sizeof(regs[0]));
    tcase_add_test(tc, the_icr_is_one_register_of_64_bits);
    tcase_add_test(tc, wrong_accesses_set_no_error_bit);
    tcase_add_loop_test(tc, ipis_reach_their_destinations, 0, sizeof(ipi_cases) / sizeof(ipi_cases[0]));
    tcase_add_loop_test(tc, messages_of_devices_reach_both_modes, 0, 4);
    tcase_add_test(tc, self_ipi_asks_by_its_vector);
    tcase_add_test(tc, eoi_ends_an_interrupt_and_takes_only_0);
    tcase_add_test(tc, an_ipi_waits_for_the_turn_of_its_cpu);
    tcase_add_loop_test(tc, leaf_0b_counts_the_processors, 0, 6);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
