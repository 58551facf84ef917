/*
 * Performance counters: SDM Vol. 3B, "Performance Monitoring".
 */
#include "testcases/unit/msr_bench.h"

#include "base/buf.h"

enum { PMC0 = 0xc1, SELECT0 = 0x186, FIXED0 = 0x309, CAPABILITIES = 0x345, FIXED_CTRL = 0x38d, STATUS = 0x38e, GLOBAL = 0x38f, OVF = 0x390,
       A_PMC0 = 0x4c1, MISC_ENABLE = 0x1a0 };
enum { USR = 1 << 16, OS = 1 << 17, INT = 1 << 20, EN = 1 << 22, BOTH = USR | OS | EN };
enum { INSTRUCTIONS = 0xc0, CYCLES = 0x3c, REFERENCE = 0x13c, BRANCHES = 0xc4, LLC_MISSES = 0x412e };
#define WIDTH48 ((1ull << 48) - 1)

static struct sys s;

static void begin(const char *model)
{
    sys_open(&s, model, 1);
    msr_cpu(&s, 0);
    lapic_write(s.cpu->lapic, 0xf0, 0x1ff, 4);
}
static void setup(void) { begin("max"); }
static void teardown(void) { sys_close(&s); }

static uint64_t rdpmc(uint32_t which)
{
    s.cpu->reg[CPU_CX] = which;
    ck_assert(msr_execute(&s, "\x0f\x33", 2));
    return (uint32_t)s.cpu->reg[CPU_AX] | s.cpu->reg[CPU_DX] << 32;
}

/* What a counter says, without a step. */
static uint64_t value(uint32_t number)
{
    uint64_t v = 0;

    ck_assert(msr_peek(s.cpu, number, &v));
    return v;
}

static void run_code(const char *bytes, size_t len, unsigned steps)
{
    s.cpu->ip = AT_CODE;
    sys_code(&s, bytes, len);
    sys_run(&s, steps);
}
#define RUN(bytes, steps) run_code(bytes, sizeof(bytes) - 1, steps)

/* ---- What there is ---- */

struct model_case {
    const char *name;
    uint32_t eax, ebx, edx;
    unsigned counters, fixed;
    bool full_width;
};
static const struct model_case models[] = {
    { "core2", 0x07280202, 0x58, 0x503, 2, 3, false }, { "nehalem", 0x07300403, 0x58, 0x603, 4, 3, false },
    { "haswell", 0x07300403, 0x58, 0x603, 4, 3, true }, { "max", 0x07300403, 0x58, 0x603, 4, 3, true },
};

START_TEST(leaf_0a_and_the_registers_agree)
{
    const struct model_case *m = &models[_i];
    uint32_t out[4];
    uint64_t v;

    teardown();
    begin(m->name);
    cpuid(s.cpu, 0xa, 0, out);
    ck_assert(out[0] == m->eax && out[1] == m->ebx && out[2] == 0 && out[3] == m->edx);
    for (unsigned n = 0; n < 8; n++) {
        ck_assert_int_eq(msr_rd(&s, PMC0 + n, &v), n < m->counters);
        sys_protected(&s, 0);
        ck_assert_int_eq(msr_rd(&s, SELECT0 + n, &v), n < m->counters);
        sys_protected(&s, 0);
        ck_assert_int_eq(msr_rd(&s, FIXED0 + n, &v), n < m->fixed);
        sys_protected(&s, 0);
        ck_assert_int_eq(msr_rd(&s, A_PMC0 + n, &v), m->full_width && n < m->counters);
        sys_protected(&s, 0);
    }
    ck_assert_int_eq(msr_rd(&s, CAPABILITIES, &v), m->full_width);
    sys_protected(&s, 0);
    cpuid(s.cpu, 1, 0, out);
    ck_assert_int_eq(out[2] >> 15 & 1, m->full_width);
    ck_assert_uint_eq(msr_get(&s, GLOBAL), (1u << m->counters) - 1);
    ck_assert_uint_ne(msr_get(&s, MISC_ENABLE) & 0x80, 0);
}
END_TEST

START_TEST(reserved_bits_fault)
{
    static const struct { uint32_t number; uint64_t takes; } cases[] = {
        { SELECT0, UINT32_MAX }, { FIXED0, WIDTH48 }, { FIXED_CTRL, 0xfff }, { GLOBAL, 0x70000000full }, { OVF, 0xc00000070000000full },
        { A_PMC0, WIDTH48 }, { STATUS, 0 }, { PMC0, UINT64_MAX },
    };

    for (unsigned bit = 0; bit < 64; bit++) {
        ck_assert_msg(msr_wr(&s, cases[_i].number, 1ull << bit) == (cases[_i].takes >> bit & 1), "bit %u of %x", bit, cases[_i].number);
        if (!(cases[_i].takes >> bit & 1))
            msr_refused(&s, CPU_CAUSE_GP_MSR_RSVD);
    }
}
END_TEST

START_TEST(a_counter_takes_32_bits_or_all)
{
    msr_set(&s, PMC0, 0x1234567880000001);
    ck_assert_uint_eq(msr_get(&s, PMC0), 0xffff80000001);
    msr_set(&s, PMC0, 0x12345678);
    ck_assert_uint_eq(msr_get(&s, PMC0), 0x12345678);
    msr_keeps(&s, A_PMC0, 0x123456789abc);
    ck_assert_uint_eq(msr_get(&s, PMC0), 0x123456789abc);
}
END_TEST

/* ---- Counting ---- */

START_TEST(instructions_and_cycles_are_counted)
{
    msr_set(&s, SELECT0, BOTH | INSTRUCTIONS);
    msr_set(&s, SELECT0 + 1, BOTH | CYCLES);
    msr_set(&s, SELECT0 + 2, BOTH | REFERENCE);
    msr_set(&s, FIXED_CTRL, 0x333);
    msr_set(&s, GLOBAL, 0x70000000f);
    for (unsigned n = 0; n < 3; n++) {
        uint64_t pmc = value(PMC0 + n), fixed = value(FIXED0 + n);

        RUN("\x90\x90\x90\x90\x90\x90\x90", 7);
        ck_assert_uint_eq(value(PMC0 + n), pmc + 7);
        ck_assert_uint_eq(value(FIXED0 + n), fixed + 7);
    }
}
END_TEST

START_TEST(a_rep_instruction_is_one_but_takes_its_cycles)
{
    uint64_t instructions, cycles;

    msr_set(&s, FIXED_CTRL, 0x33);
    msr_set(&s, GLOBAL, 0x300000000);
    s.cpu->reg[CPU_CX] = 100;
    s.cpu->reg[CPU_DI] = AT_DATA;
    instructions = value(FIXED0);
    cycles = value(FIXED0 + 1);
    RUN("\xf3\xaa\x90", 101);
    ck_assert_uint_eq(value(FIXED0), instructions + 2);
    ck_assert_uint_eq(value(FIXED0 + 1), cycles + 101);
}
END_TEST

START_TEST(cycles_asleep_do_not_count)
{
    uint64_t before;

    msr_set(&s, FIXED_CTRL, 0x30);
    msr_set(&s, GLOBAL, 0x200000000);
    RUN("\xf4", 1);
    before = value(FIXED0 + 1);
    cpu_wake(s.cpu, s.cpu->cycle + 1000000);
    ck_assert_uint_eq(value(FIXED0 + 1), before);
}
END_TEST

START_TEST(branches_are_counted_taken_or_not)
{
    uint64_t before;

    msr_set(&s, SELECT0, BOTH | BRANCHES);
    before = value(PMC0);
    /* jmp +0; xor eax, eax; jnz +0; jz +0; call +0; add esp, 4; mov ecx, 3; loop -2; nop: 1 + 1 + 1 + 1 + 3 */
    RUN("\xeb\x00\x31\xc0\x75\x00\x74\x00\xe8\x00\x00\x00\x00\x83\xc4\x04\xb9\x03\x00\x00\x00\xe2\xfe\x90", 11);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 24);
    ck_assert_uint_eq(value(PMC0), before + 7);
    RUN("\xcd\x30", 1); /* INT n is one too */
    ck_assert_uint_eq(value(PMC0), before + 8);
    msr_set(&s, SELECT0, 0);
    ck_assert(!s.cpu->pmu.by_step); /* and then blocks run whole again */
}
END_TEST

START_TEST(walks_are_counted)
{
    static const struct { uint16_t select; const char *code; } cases[] = { { 0x0e08, "\xa1\x00\x00\x10\x00" }, { 0x0e49, "\xa3\x00\x00\x10\x00" } };
    uint64_t before;

    sys_paging(&s);
    msr_set(&s, SELECT0, BOTH | cases[_i].select);
    before = value(PMC0);
    run_code(cases[_i].code, 5, 1);
    ck_assert_uint_eq(value(PMC0), before + 1);
    run_code(cases[_i].code, 5, 1); /* now it is a hit */
    ck_assert_uint_eq(value(PMC0), before + 1);
}
END_TEST

START_TEST(privilege_decides)
{
    static const struct { uint32_t flags; unsigned user, system; } cases[] = { { USR, 3, 0 }, { OS, 0, 3 }, { USR | OS, 3, 3 }, { 0, 0, 0 } };
    uint64_t before;

    msr_set(&s, SELECT0, EN | cases[_i].flags | INSTRUCTIONS);
    before = value(PMC0);
    RUN("\x90\x90\x90", 3);
    ck_assert_uint_eq(value(PMC0), before + cases[_i].system);
    sys_protected(&s, 3);
    before = value(PMC0);
    RUN("\x90\x90\x90", 3);
    ck_assert_uint_eq(value(PMC0), before + cases[_i].user);
}
END_TEST

/* A block that leads from one privilege to the other and back: each instruction counts for one of them. */
START_TEST(each_instruction_counts_once)
{
    uint64_t user, os, all;

    msr_set(&s, SELECT0, EN | USR | INSTRUCTIONS);
    msr_set(&s, SELECT0 + 1, EN | OS | INSTRUCTIONS);
    msr_set(&s, SELECT0 + 2, BOTH | INSTRUCTIONS);
    sys_protected(&s, 3);
    sys_poke(&s, AT_HANDLER + 16 * 0x80, 0xcf9090, 3); /* nop; nop; iret */
    user = value(PMC0), os = value(PMC0 + 1), all = value(PMC0 + 2);
    RUN("\x90\x90\xcd\x80\x90\x90", 8);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(value(PMC0 + 2), all + 8);
    ck_assert_uint_eq(value(PMC0) - user + value(PMC0 + 1) - os, 8);
    ck_assert(value(PMC0 + 1) - os >= 2 && value(PMC0 + 1) - os <= 4);
}
END_TEST

START_TEST(a_counter_needs_all_its_enables)
{
    uint64_t before;

    msr_set(&s, SELECT0, BOTH | INSTRUCTIONS);
    msr_set(&s, GLOBAL, 0xe);
    before = value(PMC0);
    RUN("\x90\x90\x90", 3);
    ck_assert_uint_eq(value(PMC0), before);
    msr_set(&s, GLOBAL, 1);
    msr_set(&s, SELECT0, USR | OS | INSTRUCTIONS);
    before = value(PMC0);
    RUN("\x90\x90\x90", 3);
    ck_assert_uint_eq(value(PMC0), before);
}
END_TEST

START_TEST(what_is_not_counted_stands_still)
{
    static const uint32_t select[] = { LLC_MISSES, 0xc5, INSTRUCTIONS | 1u << 24, INSTRUCTIONS | 1 << 18, CYCLES | 1 << 23, 0x2c0 };

    msr_set(&s, SELECT0, BOTH | select[_i]);
    RUN("\x90\x90\x90", 3);
    ck_assert_uint_eq(value(PMC0), 0);
}
END_TEST

START_TEST(looking_changes_nothing)
{
    struct sim_buf a = { NULL }, b = { NULL };

    msr_set(&s, SELECT0, EN | OS | INSTRUCTIONS);
    RUN("\x90\x90\x90", 3);
    sim_fields_pack(cpu_fields, s.cpu, &a);
    value(PMC0);
    value(STATUS);
    sim_fields_pack(cpu_fields, s.cpu, &b);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_eq(a.data, b.data, a.len);
    sim_buf_fini(&a);
    sim_buf_fini(&b);
}
END_TEST

/* ---- RDPMC ---- */

START_TEST(rdpmc_reads_them)
{
    static const uint32_t none[] = { 4, 0x40000003, 0x80000000, 0xffffffff };

    msr_set(&s, A_PMC0 + 2, 0x123456789abc);
    msr_set(&s, FIXED0 + 1, 0xabcdef012345);
    ck_assert_uint_eq(rdpmc(2), 0x123456789abc);
    ck_assert_uint_eq(rdpmc(0x40000001), 0xabcdef012345);
    s.cpu->reg[CPU_CX] = none[_i];
    ck_assert(!msr_execute(&s, "\x0f\x33", 2));
    msr_refused(&s, CPU_CAUSE_GP_PCE);
    sys_protected(&s, 3);
    s.cpu->reg[CPU_CX] = 2;
    ck_assert(!msr_execute(&s, "\x0f\x33", 2));
    msr_refused(&s, CPU_CAUSE_GP_PCE);
    sys_protected(&s, 3);
    s.cpu->cr4 |= CR4_PCE;
    ck_assert_uint_eq(rdpmc(2), 0x123456789abc);
}
END_TEST

START_TEST(rdpmc_counts_what_came_before_it_in_its_block)
{
    uint64_t before;

    msr_set(&s, SELECT0, BOTH | INSTRUCTIONS);
    before = value(PMC0);
    s.cpu->reg[CPU_CX] = 0;
    RUN("\x90\x90\x90\x0f\x33\x90\x90", 7);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], before + 3);
}
END_TEST

START_TEST(the_p6_has_two)
{
    uint64_t before;

    teardown();
    begin("pentium3");
    msr_set(&s, SELECT0 + 1, USR | OS | INSTRUCTIONS);
    msr_set(&s, SELECT0, BOTH | 0x79); /* CPU_CLK_UNHALTED; EN here is for both */
    before = rdpmc(1);
    RUN("\x90\x90\x90", 3);
    ck_assert_uint_eq(rdpmc(1), before + 4);
    ck_assert_uint_gt(rdpmc(0), 3);
    s.cpu->reg[CPU_CX] = 2;
    ck_assert(!msr_execute(&s, "\x0f\x33", 2));
    sys_protected(&s, 0);
    ck_assert(!msr_wr(&s, GLOBAL, 0));
    msr_refused(&s, CPU_CAUSE_GP_MSR_UNKNOWN);
}
END_TEST

/* ---- Overflow ---- */

START_TEST(an_overflow_shows_in_the_status_until_it_is_cleared)
{
    msr_set(&s, A_PMC0, WIDTH48 - 4);
    msr_set(&s, SELECT0, BOTH | INSTRUCTIONS); /* itself counts: it is retired behind its write */
    ck_assert_uint_eq(value(STATUS), 0);
    RUN("\x90\x90\x90\x90\x90\x90\x90\x90", 8);
    ck_assert_uint_eq(value(STATUS), 1);
    ck_assert_uint_lt(value(PMC0), 8);
    msr_set(&s, SELECT0, 0);
    ck_assert_uint_eq(msr_get(&s, STATUS), 1);
    msr_set(&s, OVF, 1);
    ck_assert_uint_eq(msr_get(&s, STATUS), 0);
}
END_TEST

/* Runs to the event, as the machine's loop does. */
static void run_to_overflow(unsigned most)
{
    while (most-- && s.clock.now <= s.cpu->cycle && !s.cpu->pmu.global_status) {
        struct cpu_slice slice = { .horizon = sim_clock_next(&s.clock), .budget = 1000, .shared_until = SIM_NEVER };

        cpu_run(s.cpu, &slice);
        if (sim_clock_next(&s.clock) <= s.cpu->cycle)
            sim_clock_advance(&s.clock, s.cpu->cycle);
    }
}

START_TEST(an_overflow_interrupts_at_its_instruction)
{
    static const struct { uint32_t lvt; bool nmi; } cases[] = { { 0x71, false }, { 0x400, true } };
    static const char loop[] = "\x90\x90\x90\x90\x90\x90\xeb\xf8"; /* 7 instructions */
    uint64_t first;

    lapic_write(s.cpu->lapic, 0x340, cases[_i].lvt, 4);
    msr_set(&s, A_PMC0, WIDTH48 - 1000);
    msr_set(&s, SELECT0, BOTH | INT | INSTRUCTIONS);
    first = s.cpu->retired; /* the write itself is counted: what it wrote counts from its beginning on */
    s.cpu->ip = AT_CODE;
    sys_code(&s, loop, 8);
    run_to_overflow(1000);
    ck_assert_uint_eq(s.cpu->retired - first, 1000);
    ck_assert_uint_eq(s.cpu->pmu.global_status, 1);
    ck_assert_int_eq(s.cpu->nmi_pending, cases[_i].nmi);
    ck_assert_int_eq(s.cpu->lapic->irr[3] >> 17 & 1, !cases[_i].nmi);
    ck_assert_uint_eq(lapic_read(s.cpu->lapic, 0x340, 4), cases[_i].lvt | 0x10000); /* the entry has masked itself */
}
END_TEST

START_TEST(without_the_int_bit_nothing_interrupts)
{
    lapic_write(s.cpu->lapic, 0x340, 0x400, 4);
    msr_set(&s, A_PMC0, WIDTH48 - 2);
    msr_set(&s, SELECT0, BOTH | INSTRUCTIONS);
    ck_assert_uint_eq(s.cpu->pmu.overflow.deadline, SIM_NEVER);
    RUN("\x90\x90\x90\x90", 4);
    msr_set(&s, SELECT0, 0);
    ck_assert_uint_eq(s.cpu->pmu.global_status, 1);
    ck_assert(!s.cpu->nmi_pending);
}
END_TEST

START_TEST(a_sleeper_overflows_after_it_woke)
{
    sim_cycles due;

    lapic_write(s.cpu->lapic, 0x340, 0x400, 4);
    msr_set(&s, FIXED0 + 1, WIDTH48 - 1000);
    msr_set(&s, FIXED_CTRL, 0xb0);
    msr_set(&s, GLOBAL, 0x200000000);
    RUN("\xf4", 1);
    due = s.cpu->pmu.overflow.deadline;
    ck_assert_uint_le(due, s.cpu->cycle + 1000);
    sim_clock_advance(&s.clock, 50000);
    ck_assert_uint_eq(s.cpu->pmu.global_status, 0);
    ck_assert_uint_eq(s.cpu->pmu.overflow.deadline, SIM_NEVER);
    due -= s.cpu->cycle;
    cpu_wake(s.cpu, 50000);
    ck_assert_uint_eq(s.cpu->pmu.overflow.deadline, 50000 + due);
}
END_TEST

/* ---- State ---- */

START_TEST(every_byte_is_described_and_reset_clears)
{
    ck_assert_uint_eq(sim_fields_gap(pmu_fields, sizeof(struct cpu_pmu)), sizeof(struct cpu_pmu));
    msr_set(&s, SELECT0, BOTH | INT | INSTRUCTIONS);
    msr_set(&s, FIXED_CTRL, 0xb);
    cpu_reset(s.cpu, true);
    ck_assert_uint_eq(value(SELECT0), BOTH | INT | INSTRUCTIONS); /* INIT */
    cpu_reset(s.cpu, false);
    ck_assert(!value(SELECT0) && !value(FIXED_CTRL) && !value(PMC0) && value(GLOBAL) == 0xf);
    ck_assert_uint_eq(s.cpu->pmu.overflow.deadline, SIM_NEVER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pmu");
    TCase *tc = tcase_create("pmu");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, leaf_0a_and_the_registers_agree, 0, 4);
    tcase_add_loop_test(tc, reserved_bits_fault, 0, 8);
    tcase_add_test(tc, a_counter_takes_32_bits_or_all);
    tcase_add_test(tc, instructions_and_cycles_are_counted);
    tcase_add_test(tc, a_rep_instruction_is_one_but_takes_its_cycles);
    tcase_add_test(tc, cycles_asleep_do_not_count);
    tcase_add_test(tc, branches_are_counted_taken_or_not);
    tcase_add_loop_test(tc, walks_are_counted, 0, 2);
    tcase_add_loop_test(tc, privilege_decides, 0, 4);
    tcase_add_test(tc, each_instruction_counts_once);
    tcase_add_test(tc, a_counter_needs_all_its_enables);
    tcase_add_loop_test(tc, what_is_not_counted_stands_still, 0, 6);
    tcase_add_test(tc, looking_changes_nothing);
    tcase_add_loop_test(tc, rdpmc_reads_them, 0, 4);
    tcase_add_test(tc, rdpmc_counts_what_came_before_it_in_its_block);
    tcase_add_test(tc, the_p6_has_two);
    tcase_add_test(tc, an_overflow_shows_in_the_status_until_it_is_cleared);
    tcase_add_loop_test(tc, an_overflow_interrupts_at_its_instruction, 0, 2);
    tcase_add_test(tc, without_the_int_bit_nothing_interrupts);
    tcase_add_test(tc, a_sleeper_overflows_after_it_woke);
    tcase_add_test(tc, every_byte_is_described_and_reset_clears);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
