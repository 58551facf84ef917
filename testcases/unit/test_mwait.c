/*
 * MONITOR and MWAIT: SDM Vol. 3A, "MONITOR/MWAIT Instruction"; Vol. 2B.
 */
#include "testcases/unit/msr_bench.h"

#include "base/buf.h"
#include "cpu/monitor.h"

#define MONITOR "\x0f\x01\xc8"
#define MWAIT   "\x0f\x01\xc9"
enum { MISC_ENABLE = 0x1a0, LINE = AT_DATA + 0x40 };

static struct sys s;
static struct cpu *sleeper, *other;

static void setup(void)
{
    sys_open(&s, "max", 2);
    msr_cpu(&s, 1);
    other = s.cpu;
    msr_cpu(&s, 0);
    sleeper = s.cpu;
    lapic_write(sleeper->lapic, 0xf0, 0x1ff, 4);
}
static void teardown(void) { sys_close(&s); }

static bool monitor(uint32_t at)
{
    s.cpu->reg[CPU_AX] = at;
    s.cpu->reg[CPU_CX] = 0;
    s.cpu->reg[CPU_DX] = 0xff; /* hints */
    return msr_execute(&s, MONITOR, 3);
}

static bool mwait(uint32_t extensions)
{
    s.cpu->reg[CPU_AX] = 0x20;
    s.cpu->reg[CPU_CX] = extensions;
    return msr_execute(&s, MWAIT, 3);
}

static void sleep_at(uint32_t at)
{
    ck_assert(monitor(at));
    ck_assert(mwait(0));
    ck_assert_int_eq(sleeper->activity, CPU_MWAIT);
    ck_assert_uint_eq(sleeper->ip, AT_CODE + 3);
    ck_assert(!cpu_wakeable(sleeper));
}

/* The other CPU executes mov [at], eax of 1, 2 or 4 bytes. */
static void write_by_other(uint32_t at, unsigned size)
{
    static const char *const code[] = { NULL, "\x88\x03", "\x66\x89\x03", NULL, "\x89\x03" };

    s.cpu = other;
    other->reg[CPU_BX] = at;
    ck_assert(msr_execute(&s, code[size], strlen(code[size])));
    s.cpu = sleeper;
}

static bool woken(void)
{
    if (!cpu_wakeable(sleeper))
        return false;
    cpu_wake(sleeper, 0);
    return sleeper->activity == CPU_ACTIVE;
}

/* ---- What may execute them ---- */

START_TEST(cpuid_tells_of_them)
{
    static const char *const models[] = { "core2", "nehalem", "haswell", "max" };
    uint32_t out[4];

    sys_close(&s);
    sys_open(&s, models[_i], 1);
    cpuid(s.cpu, 1, 0, out);
    ck_assert_uint_ne(out[2] & 8, 0);
    cpuid(s.cpu, 5, 0, out);
    ck_assert(out[0] == MONITOR_LINE && out[1] == MONITOR_LINE && out[2] == 3);
    msr_cpu(&s, 0);
    ck_assert_uint_ne(msr_get(&s, MISC_ENABLE) & 1 << 18, 0);
    msr_set(&s, MISC_ENABLE, msr_get(&s, MISC_ENABLE) & ~(1ull << 18)); /* and they are gone */
    cpuid(s.cpu, 1, 0, out);
    ck_assert_uint_eq(out[2] & 8, 0);
    ck_assert(!monitor(LINE));
    ck_assert_int_eq(sys_record(&s, s.cpu->history_next - 1)->cause, CPU_CAUSE_UD_MONITOR);
    sys_protected(&s, 0);
    ck_assert(!mwait(0));
    ck_assert_int_eq(sys_record(&s, s.cpu->history_next - 1)->vector, VEC_UD);
}
END_TEST

START_TEST(older_models_have_none)
{
    uint32_t out[4];

    sys_close(&s);
    sys_open(&s, "pentium3", 1);
    msr_cpu(&s, 0);
    cpuid(s.cpu, 1, 0, out);
    ck_assert_uint_eq(out[2] & 8, 0);
    ck_assert(!monitor(LINE));
    ck_assert_int_eq(sys_record(&s, s.cpu->history_next - 1)->vector, VEC_UD);
}
END_TEST

START_TEST(they_are_for_cpl_0)
{
    sys_protected(&s, 3);
    ck_assert(!monitor(LINE));
    ck_assert_int_eq(sys_record(&s, 0)->cause, CPU_CAUSE_UD_MONITOR);
    sys_protected(&s, 3);
    ck_assert(!mwait(0));
    ck_assert_int_eq(sys_record(&s, 1)->cause, CPU_CAUSE_UD_MONITOR);
}
END_TEST

START_TEST(extensions_that_there_are_not_fault)
{
    s.cpu->reg[CPU_AX] = LINE;
    s.cpu->reg[CPU_CX] = 1;
    ck_assert(!msr_execute(&s, MONITOR, 3));
    msr_refused(&s, CPU_CAUSE_GP_MONITOR);
    ck_assert(monitor(LINE));
    ck_assert(!mwait(2));
    msr_refused(&s, CPU_CAUSE_GP_MONITOR);
}
END_TEST

START_TEST(monitor_is_a_read_of_its_segment)
{
    s.cpu->seg[CPU_DS].limit = 0xfff;
    cpu_mode_changed(s.cpu);
    ck_assert(!monitor(0x1000));
    ck_assert_int_eq(sys_record(&s, 0)->cause, CPU_CAUSE_GP_LIMIT);
    sys_protected(&s, 0);
    sys_paging(&s);
    sys_poke(&s, AT_PT + 4 * (LINE >> 12), 0, 4);
    ck_assert(!monitor(LINE));
    ck_assert_int_eq(sys_record(&s, 1)->vector, VEC_PF);
    ck_assert_uint_eq(s.cpu->cr2, LINE);
}
END_TEST

/* ---- What wakes ---- */

START_TEST(a_write_to_the_line_wakes)
{
    static const struct { uint32_t at; uint8_t size; bool wakes; } cases[] = {
        { LINE, 4, true }, { LINE + 63, 1, true }, { LINE - 1, 1, false }, { LINE + 64, 4, false }, { LINE - 1, 2, true },
        { LINE - 4, 4, false }, { LINE + 60, 4, true }, { LINE + 63, 4, true }, { AT_DATA + 0x1040, 4, false },
    };

    sleep_at(LINE + 8);
    write_by_other(cases[_i].at, cases[_i].size);
    ck_assert_int_eq(woken(), cases[_i].wakes);
    sys_run(&s, 1);
    ck_assert_int_eq(sleeper->activity == CPU_ACTIVE, cases[_i].wakes);
}
END_TEST

START_TEST(a_write_across_pages_wakes)
{
    sleep_at(AT_DATA + 0xfc0);
    write_by_other(AT_DATA + 0xffe, 4);
    ck_assert(woken());
    sleep_at(AT_DATA + 0x1000);
    write_by_other(AT_DATA + 0xffe, 4);
    ck_assert(woken());
}
END_TEST

START_TEST(dma_and_pokes_wake)
{
    sleep_at(LINE);
    bus_ram_put(s.ram, LINE + 4, "x", 1);
    ck_assert(woken());
}
END_TEST

START_TEST(a_write_before_mwait_is_not_lost)
{
    ck_assert(monitor(LINE));
    write_by_other(LINE, 4);
    ck_assert(mwait(0));
    ck_assert_int_eq(sleeper->activity, CPU_ACTIVE);
}
END_TEST

START_TEST(without_monitor_mwait_does_not_wait)
{
    ck_assert(mwait(0));
    ck_assert_int_eq(sleeper->activity, CPU_ACTIVE);
    sleep_at(LINE);
    write_by_other(LINE, 4);
    ck_assert(woken());
    ck_assert(mwait(0)); /* it has to be armed again */
    ck_assert_int_eq(sleeper->activity, CPU_ACTIVE);
}
END_TEST

START_TEST(a_device_cannot_be_monitored)
{
    ck_assert(monitor(0xd0000000));
    ck_assert(mwait(0));
    ck_assert_int_eq(sleeper->activity, CPU_ACTIVE);
}
END_TEST

START_TEST(interrupts_wake_and_are_delivered)
{
    s.cpu->eflags |= EFL_IF;
    sleep_at(LINE);
    lapic_write(sleeper->lapic, 0x300, 0x44061, 4);
    ck_assert(cpu_wakeable(sleeper));
    sys_run(&s, 1);
    ck_assert_uint_eq(sleeper->ip, AT_HANDLER + 16 * 0x61);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 3);
    ck_assert(!sleeper->monitor.armed); /* a delivery disarms */
    ck_assert_uint_eq(s.ram->page[LINE >> 12].traps & BUS_TRAP_WATCH, 0);
}
END_TEST

START_TEST(masked_interrupts_wake_if_asked_to)
{
    ck_assert(monitor(LINE));
    ck_assert(mwait((uint32_t)_i));
    ck_assert_int_eq(sleeper->activity, CPU_MWAIT);
    lapic_write(sleeper->lapic, 0x300, 0x44061, 4);
    ck_assert_int_eq(woken(), _i);
    if (_i) {
        sys_run(&s, 1);
        ck_assert(sleeper->lapic->irr[3] & 2); /* it still waits */
        ck_assert_uint_eq(sleeper->history_next, 0);
        ck_assert(monitor(LINE));
        ck_assert(mwait(1)); /* and there is no sleeping while it does */
        ck_assert_int_eq(sleeper->activity, CPU_ACTIVE);
    }
}
END_TEST

START_TEST(nmi_wakes)
{
    sleep_at(LINE);
    sleeper->nmi_pending = true;
    cpu_attend(sleeper);
    sys_run(&s, 1);
    ck_assert_uint_eq(sleeper->ip, AT_HANDLER + 16 * VEC_NMI);
}
END_TEST

START_TEST(a_sleeper_wakes_at_the_cycle_of_the_write)
{
    sleep_at(LINE);
    other->cycle = 5000;
    write_by_other(LINE, 4);
    ck_assert_uint_eq(s.clock.now, 5000);
    cpu_wake(sleeper, s.clock.now);
    ck_assert_uint_eq(sleeper->cycle, 5000);
}
END_TEST

START_TEST(a_write_that_wakes_waits_for_its_turn)
{
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 2, .shared_until = 10 };

    sleep_at(LINE);
    other->cycle = 100;
    s.cpu = other;
    CODE(&s, "\x90\x89\x03");
    other->ip = AT_CODE;
    other->reg[CPU_BX] = LINE;
    ck_assert_int_eq(cpu_run(other, &slice), CPU_EXIT_WAIT);
    ck_assert_uint_eq(other->ip, AT_CODE + 1);
    ck_assert(!cpu_wakeable(sleeper));
    slice.shared_until = 1000;
    slice.budget = 1;
    cpu_run(other, &slice);
    ck_assert(cpu_wakeable(sleeper));
}
END_TEST

/* ---- The trap ---- */

START_TEST(the_trap_is_there_while_some_line_of_the_page_is_armed)
{
    const struct bus_page *page = &s.ram->page[LINE >> 12];

    ck_assert(monitor(LINE));
    s.cpu = other;
    ck_assert(monitor(LINE + 0x80));
    write_by_other(LINE, 4);
    ck_assert(!sleeper->monitor.armed && other->monitor.armed);
    ck_assert_uint_ne(page->traps & BUS_TRAP_WATCH, 0);
    write_by_other(LINE + 0x80, 4); /* by itself: that is a write too */
    ck_assert(!other->monitor.armed);
    ck_assert_uint_eq(page->traps & BUS_TRAP_WATCH, 0);
    ck_assert(monitor(LINE));
    ck_assert(monitor(LINE + 0x1000)); /* one line at a time */
    ck_assert_uint_eq(page->traps & BUS_TRAP_WATCH, 0);
}
END_TEST

START_TEST(reset_disarms)
{
    sleep_at(LINE);
    cpu_reset(sleeper, true);
    ck_assert(!sleeper->monitor.armed);
    ck_assert_uint_eq(s.ram->page[LINE >> 12].traps & BUS_TRAP_WATCH, 0);
}
END_TEST

START_TEST(what_is_armed_survives_save_and_restore)
{
    const struct sim_component *c = cpu_component(sleeper);
    struct sim_buf saved = { NULL };
    struct sim_reader in;

    sleep_at(LINE);
    sim_fields_pack(c->fields, c->object, &saved);
    write_by_other(LINE, 4);
    ck_assert(woken());
    in = (struct sim_reader){ .data = saved.data, .len = saved.len };
    ck_assert_int_eq(sim_fields_unpack(c->fields, c->object, &in), SIM_OK);
    c->loaded(c->object);
    ck_assert_int_eq(sleeper->activity, CPU_MWAIT);
    ck_assert(!cpu_wakeable(sleeper));
    write_by_other(LINE, 4);
    ck_assert(woken());
    sim_buf_fini(&saved);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mwait");
    TCase *tc = tcase_create("mwait");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, cpuid_tells_of_them, 0, 4);
    tcase_add_test(tc, older_models_have_none);
    tcase_add_test(tc, they_are_for_cpl_0);
    tcase_add_test(tc, extensions_that_there_are_not_fault);
    tcase_add_test(tc, monitor_is_a_read_of_its_segment);
    tcase_add_loop_test(tc, a_write_to_the_line_wakes, 0, 9);
    tcase_add_test(tc, a_write_across_pages_wakes);
    tcase_add_test(tc, dma_and_pokes_wake);
    tcase_add_test(tc, a_write_before_mwait_is_not_lost);
    tcase_add_test(tc, without_monitor_mwait_does_not_wait);
    tcase_add_test(tc, a_device_cannot_be_monitored);
    tcase_add_test(tc, interrupts_wake_and_are_delivered);
    tcase_add_loop_test(tc, masked_interrupts_wake_if_asked_to, 0, 2);
    tcase_add_test(tc, nmi_wakes);
    tcase_add_test(tc, a_sleeper_wakes_at_the_cycle_of_the_write);
    tcase_add_test(tc, a_write_that_wakes_waits_for_its_turn);
    tcase_add_test(tc, the_trap_is_there_while_some_line_of_the_page_is_armed);
    tcase_add_test(tc, reset_disarms);
    tcase_add_test(tc, what_is_armed_survives_save_and_restore);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
