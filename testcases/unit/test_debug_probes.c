/* Probes and traces, on a running processor. */
#include <stdio.h>

#include "testcases/unit/debug_bench.h"

#include "cpu/flags.h"

static struct bench b;
static struct cpu *cpu;

/*
 *     10000  mov eax, 5          10012  mov ebx, [60004]
 *     10005  mov [60000], eax    10018  dec eax
 *     1000a  mov [60004], ax     10019  jnz 10005
 *     10010  int 40h             1001b  hlt
 */
static const char program[] = "\xb8\x05\x00\x00\x00" "\xa3\x00\x00\x06\x00" "\x66\xa3\x04\x00\x06\x00" "\xcd\x40" "\x8b\x1d\x04\x00\x06\x00"
                              "\x48" "\x75\xea" "\xf4";
enum { STORE = AT_CODE + 5, STORE16 = AT_CODE + 10, INT40 = AT_CODE + 16, LOAD = AT_CODE + 18, DEC = AT_CODE + 24, LOOP_STEPS = 7 };

static void setup(void)
{
    static const struct elf_symbol symbols[] = { { "start", AT_CODE, 0x20, STT_FUNC, 1 }, { "store", STORE, 0, STT_NOTYPE, 1 },
                                                 { "counter", AT_DATA, 4, STT_OBJECT, 1 } };

    bench_open(&b);
    bench_symbols(&b, symbols, 3);
    cpu = b.s.cpu;
    sys_protected(&b.s, 0);
    sys_code(&b.s, program, sizeof(program) - 1);
    sys_poke(&b.s, AT_HANDLER + 0x400, 0xcf, 1); /* INT 40h: iret */
}

static void teardown(void) { bench_close(&b); }

static uint32_t add(const char *spec)
{
    uint32_t id = 0;

    ck_assert_msg(dbg_probe_parse(b.dbg, spec, &id) == SIM_OK, "%s: %s", spec, sim_last_error());
    return id;
}

/* Runs until something stops it, the CPU halts, or 1000 steps are made. */
static bool run(void)
{
    return sys_run(&b.s, 1000) == CPU_EXIT_STOP;
}

static const char *stop_text(void)
{
    static char text[160];

    dbg_stop_text(b.dbg, text, sizeof(text));
    return text;
}

/* ---- Breakpoints ---- */

START_TEST(a_breakpoint_stops_before_the_instruction_and_goes_on_from_it)
{
    uint32_t id = add("break store");

    for (unsigned n = 0; n < 5; n++) {
        ck_assert(run());
        ck_assert_uint_eq(cpu->ip, STORE);
        ck_assert_uint_eq(cpu->steps, 1 + LOOP_STEPS * n);
        ck_assert_uint_eq(dbg_stop_text(b.dbg, (char[160]){ 0 }, 160), id);
    }
    ck_assert(!run());
    ck_assert_uint_eq(dbg_probe_find(b.dbg, id)->hits, 5);
    ck_assert_str_eq(stop_text(), "breakpoint 1");
}
END_TEST

static const struct { const char *spec; unsigned stops; uint64_t eax; } options[] = {
    { "break store", 5, 5 }, { "break *store", 5, 5 }, { "break 0x10005", 5, 5 }, { "break phys:0x10005", 5, 5 }, { "break store+5", 5, 5 },
    { "break store once", 1, 5 }, { "break store ignore 3", 2, 2 }, { "break store if $eax==3", 1, 3 }, { "break store if $eax < 3", 2, 2 },
    { "break store if $eax == 3 once", 1, 3 }, { "break store if d[counter]==4 ignore 0 cpu 0", 1, 3 }, { "break store log hello", 0, 0 },
    { "break store if $eax==2 log hello if there", 0, 0 }, { "break 0x200000", 0, 0 }, { "break store if 0", 0, 0 }, { "break store if $eax && 1", 5, 5 },
    { "  break   store  ", 5, 5 }, { "break store if *store != 0 && 0", 0, 0 },
};

START_TEST(options_of_a_breakpoint_hold)
{
    unsigned stops = 0;

    add(options[_i].spec);
    while (run()) {
        if (!stops++)
            ck_assert_uint_eq(cpu->reg[CPU_AX], options[_i].eax);
        ck_assert_uint_lt(stops, 10);
    }
    ck_assert_uint_eq(stops, options[_i].stops);
    ck_assert(cpu->activity == CPU_HALTED);
}
END_TEST

START_TEST(a_condition_that_cannot_be_evaluated_stops_and_says_why)
{
    sys_paging(&b.s);
    add("break store if *0x80000000 == 1");
    ck_assert(run());
    ck_assert_has(stop_text(), "breakpoint 1; ");
    ck_assert_has(stop_text(), "0x80000000 is not mapped");
}
END_TEST

/* Neither does the && that follows help, nor that the address needs no mapping: nothing answers there. */
START_TEST(a_condition_on_nothing_stops_and_says_why)
{
    add("break store if *0xfffffff0 == 0 && 0");
    ck_assert(run());
    ck_assert_has(stop_text(), "breakpoint 1; ");
    ck_assert_has(stop_text(), "0xfffffff0");
}
END_TEST

START_TEST(probes_can_be_removed_disabled_and_walked)
{
    uint32_t first = add("break store"), second = add("break 0x10010");
    struct dbg_probe *p = dbg_probe_next(b.dbg, NULL);

    ck_assert_uint_eq(p->id, first);
    ck_assert_uint_eq(dbg_probe_next(b.dbg, p)->id, second);
    ck_assert_ptr_null(dbg_probe_next(b.dbg, dbg_probe_next(b.dbg, p)));
    p->enabled = false;
    dbg_probes_changed(b.dbg);
    ck_assert(run());
    ck_assert_uint_eq(cpu->ip, INT40);
    ck_assert_int_eq(dbg_probe_remove(b.dbg, second), SIM_OK);
    ck_assert_int_eq(dbg_probe_remove(b.dbg, second), SIM_ERR_UNKNOWN);
    ck_assert(!run());
    ck_assert_ptr_null(dbg_probe_find(b.dbg, second));
}
END_TEST

START_TEST(a_probe_for_one_hit_goes_when_the_next_is_added)
{
    uint32_t id = add("break store once");

    ck_assert(run());
    ck_assert_ptr_nonnull(dbg_probe_find(b.dbg, id)); /* nothing is freed under the run's feet */
    add("break 0x10010");
    ck_assert_ptr_null(dbg_probe_find(b.dbg, id));
}
END_TEST

static bool count_calls(void *arg, struct sim *machine, uint32_t id)
{
    (void)machine;
    return ++*(unsigned *)arg == 3 && id == 1;
}

START_TEST(a_callback_decides)
{
    unsigned calls = 0;
    struct dbg_probe *p = dbg_probe_find(b.dbg, add("break store"));

    p->callback = count_calls;
    p->callback_arg = &calls;
    ck_assert(run());
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(cpu->reg[CPU_AX], 3);
}
END_TEST

/* ---- Data ---- */

static const struct { const char *spec; uint32_t ip; const char *text; uint64_t laddr; unsigned size; bool write; } watches[] = {
    { "watch counter", STORE16, "watchpoint 1: write of 4 bytes at 0x60000: 0x0 -> 0x5", AT_DATA, 4, true },
    { "watch 0x60003:1", STORE16, "write of 4 bytes at 0x60000", AT_DATA, 4, true },
    { "watch 0x60004:2", INT40, "write of 2 bytes at 0x60004: 0x0 -> 0x5", AT_DATA + 4, 2, true },
    { "rwatch 0x60004", DEC, "read watchpoint 1: read of 4 bytes at 0x60004: 0x5", AT_DATA + 4, 4, false },
    { "awatch 0x60004", INT40, "access watchpoint 1: write of 2", AT_DATA + 4, 2, true },
    { "watch counter if $eax == 2", STORE16, "0x3 -> 0x2", AT_DATA, 4, true },
    { "watch 0x60004:0x100000", INT40, "write of 2 bytes", AT_DATA + 4, 2, true },
};

START_TEST(a_watchpoint_stops_after_the_access_and_says_what_it_was)
{
    struct dbg_access access;

    ck_assert(!dbg_last_access(b.dbg, &access));
    add(watches[_i].spec);
    ck_assert(run());
    ck_assert_uint_eq(cpu->ip, watches[_i].ip);
    ck_assert_has(stop_text(), watches[_i].text);
    ck_assert(dbg_last_access(b.dbg, &access));
    ck_assert_uint_eq(access.probe, 1);
    ck_assert_uint_eq(access.laddr, watches[_i].laddr);
    ck_assert_uint_eq(access.size, watches[_i].size);
    ck_assert(access.write == watches[_i].write);
}
END_TEST

START_TEST(a_later_breakpoint_is_no_watch_hit)
{
    struct dbg_access access;

    add("watch counter once");
    add("break 0x10010");
    ck_assert(run());
    ck_assert(dbg_last_access(b.dbg, &access));
    ck_assert(run());
    ck_assert(!dbg_last_access(b.dbg, &access));
}
END_TEST

START_TEST(the_stack_of_a_delivery_is_watched_too)
{
    add("watch 0x2fff4:12");
    ck_assert(run());
    ck_assert_uint_eq(cpu->ip, AT_HANDLER + 0x400);
}
END_TEST

/* ---- Events ---- */

static const struct { const char *code; unsigned len; const char *spec, *text; } catches[] = {
    { "\xcd\x40", 2, "catch interrupt", "catch 1: software interrupt 64" }, { "\xcd\x40", 2, "catch interrupt 0x40", "software interrupt 64" },
    { "\xcd\x40", 2, "catch interrupt 0x30-0x4f", "software interrupt 64" }, { "\xcd\x40", 2, "catch interrupt 3,64,80", "software interrupt 64" },
    { "\x0f\x0b", 2, "catch exception", "catch 1: #UD UD-OPCODE" }, { "\x0f\x0b", 2, "catch exception 6", "#UD" }, { "\xcc", 1, "catch exception 3", "#BP BP-INT3" },
    { "\xa1\x00\x00\x00\x80", 5, "catch exception 14 if $cr2 == 0x80000000", "#PF at 0x80000000, PF-NP-PD" },
    { "\xe6\x80", 2, "catch port 0x80", "catch port 1: OUT port 0x80, 1 bytes, 0x1" }, { "\xe4\x64", 2, "catch port 0x60:8", "IN port 0x64" },
    { "\x0f\x22\xd8", 3, "catch cr 3", "catch cr 1: CR3: 0x7000 -> 0x1010101" }, { "\x66\x87\xdb", 3, "catch magic", "magic instruction 1" },
    { "\xb9\x77\x02\x00\x00\x31\xc0\x31\xd2\x0f\x30", 11, "catch msr 0x277", "catch msr 1: MSR 0x277: 0x7040600070406 -> 0x0" },
    { "\x0f\x20\xc0\x25\xff\xff\xff\x7f\x0f\x22\xc0", 11, "catch mode", "catch mode 1: protected with paging -> protected" },
};

START_TEST(events_are_caught)
{
    sys_paging(&b.s);
    sys_code(&b.s, catches[_i].code, catches[_i].len);
    add(catches[_i].spec);
    ck_assert(run());
    ck_assert_has(stop_text(), catches[_i].text);
}
END_TEST

START_TEST(the_ways_to_smm_and_back_are_mode_switches)
{
    cpu->smm.base = 0x80000;
    sys_poke(&b.s, 0x88000, 0xaa0f, 2);
    cpu->smi_pending = true;
    cpu_attend(cpu);
    add("catch mode");
    ck_assert(run());
    ck_assert_has(stop_text(), "catch mode 1: protected -> SMM, real");
    ck_assert(run());
    ck_assert_has(stop_text(), "catch mode 1: SMM, real -> protected");
}
END_TEST

/* INT n is an interrupt and no exception; INT3 and faults are exceptions. */
static const struct { const char *code; unsigned len; const char *spec; } passes[] = {
    { "\xcd\x40\xf4", 3, "catch exception" }, { "\xcc\xf4", 2, "catch interrupt" }, { "\x0f\x0b", 2, "catch interrupt" }, { "\xcd\x40\xf4", 3, "catch interrupt 65" },
    { "\xcd\x40\xf4", 3, "catch interrupt 0x80,3-5" }, { "\xe6\x80\xf4", 3, "catch port 0x81:10" }, { "\x66\x87\xc9\xf4", 4, "catch magic" },
    { "\x0f\x22\xd8\xf4", 4, "catch cr 0" },
};

START_TEST(other_events_pass)
{
    sys_code(&b.s, passes[_i].code, passes[_i].len);
    sys_poke(&b.s, AT_HANDLER + 3 * 16, 0xf4, 1);
    sys_poke(&b.s, AT_HANDLER + 6 * 16, 0xf4, 1);
    add(passes[_i].spec);
    ck_assert(!run());
}
END_TEST

START_TEST(console_text_is_waited_for_across_pieces)
{
    add("catch console login: ");
    ck_assert(!dbg_console(b.dbg, cpu, 0, "serial0", "welcome\nlog", 11));
    ck_assert(!dbg_console(b.dbg, cpu, 0, "debug", "in: ", 4)); /* no console */
    ck_assert(dbg_console(b.dbg, cpu, 0, "serial0", "in: ", 4));
    ck_assert(!dbg_console(b.dbg, cpu, 0, "serial0", "in: ", 4));
    for (unsigned n = 0; n < 1000; n++)
        ck_assert(!dbg_console(b.dbg, cpu, 0, "serial0", "xxxxxxx", 7));
    ck_assert(dbg_console(b.dbg, cpu, 0, "serial1", "login: login", 12));
}
END_TEST

START_TEST(stops_on_a_triple_fault_are_a_setting_or_a_catch)
{
    uint32_t id;

    dbg_set_stops_on(b.dbg, DBG_STOP_DEAD_HALT);
    ck_assert(!dbg_stops_on(b.dbg, DBG_STOP_TRIPLE_FAULT) && dbg_stops_on(b.dbg, DBG_STOP_DEAD_HALT));
    id = add("catch triple-fault");
    ck_assert(dbg_stops_on(b.dbg, DBG_STOP_TRIPLE_FAULT) && !dbg_stops_on(b.dbg, DBG_STOP_RESET));
    dbg_probe_remove(b.dbg, id);
    add("catch reset");
    ck_assert(!dbg_stops_on(b.dbg, DBG_STOP_TRIPLE_FAULT) && dbg_stops_on(b.dbg, DBG_STOP_RESET));
}
END_TEST

/* ---- What is refused ---- */

static const struct { const char *spec; enum sim_err err; const char *says; } bad[] = {
    { "", SIM_ERR_USAGE, "empty" }, { "   ", SIM_ERR_USAGE, "empty" }, { "break", SIM_ERR_USAGE, "break what?" }, { "brake x", SIM_ERR_USAGE, "not 'brake'" },
    { "break nobody", SIM_ERR_UNKNOWN, "nobody" }, { "break x.c:7", SIM_ERR_UNKNOWN, "no code at x.c:7" }, { "break x.c:", SIM_ERR_UNKNOWN, "no code" },
    { "break store when", SIM_ERR_USAGE, "'when' is not understood" }, { "break store if", SIM_ERR_USAGE, "'if' needs an argument" },
    { "break store if $eax ==", SIM_ERR_USAGE, "too early" }, { "break store if nobody", SIM_ERR_UNKNOWN, "nobody" }, { "break store ignore x", SIM_ERR_USAGE, "ignore x" },
    { "break store cpu 1", SIM_ERR_USAGE, "cpu 1: a number from 0 to 0" }, { "watch counter:0", SIM_ERR_USAGE, "length 0" },
    { "watch counter:0x80000000", SIM_ERR_USAGE, "1 GiB" }, { "catch", SIM_ERR_USAGE, "catch what?" }, { "catch fish", SIM_ERR_USAGE, "catch what?" },
    { "catch interrupt 256", SIM_ERR_USAGE, "256" }, { "catch interrupt 5-3", SIM_ERR_USAGE, "5-3" }, { "catch interrupt 1,,2", SIM_ERR_USAGE, "1,,2" },
    { "catch interrupt 1-", SIM_ERR_USAGE, "1-" }, { "catch port", SIM_ERR_USAGE, "needs an argument" }, { "catch console", SIM_ERR_USAGE, "needs an argument" },
    { "catch triple-fault once", SIM_ERR_USAGE, "no options" },
};

START_TEST(what_is_not_understood_is_refused)
{
    uint32_t id = 99;

    ck_assert_int_eq(dbg_probe_parse(b.dbg, bad[_i].spec, &id), bad[_i].err);
    ck_assert_has(sim_last_error(), bad[_i].says);
    ck_assert_uint_eq(id, 99);
    ck_assert_ptr_null(dbg_probe_next(b.dbg, NULL));
}
END_TEST

START_TEST(an_endless_specification_is_refused)
{
    char spec[2000];
    uint32_t id;

    memset(spec, 'a', sizeof(spec));
    spec[sizeof(spec) - 1] = 0;
    ck_assert_int_eq(dbg_probe_parse(b.dbg, spec, &id), SIM_ERR_USAGE);
    for (unsigned n = 0; n < 500; n++)
        spec[n] = n % 2 ? ' ' : 'x';
    spec[500] = 0;
    ck_assert_int_eq(dbg_probe_parse(b.dbg, spec, &id), SIM_ERR_USAGE);
}
END_TEST

/* ---- The past ---- */

START_TEST(silent_probes_do_nothing)
{
    add("break store");
    add("watch counter");
    dbg_set_mode(b.dbg, DBG_SILENT);
    ck_assert(!run());
    ck_assert_uint_eq(dbg_probe_find(b.dbg, 1)->hits, 0);
}
END_TEST

START_TEST(a_recording_notes_the_last_hit_and_does_not_stop)
{
    struct dbg_hit hit;

    add("break store ignore 2"); /* counts are of live runs */
    dbg_tell_step(b.dbg, cpu, 1000 + cpu->steps);
    dbg_record(b.dbg, UINT64_MAX);
    ck_assert(!dbg_last_hit(b.dbg, &hit));
    ck_assert(!run());
    ck_assert(dbg_last_hit(b.dbg, &hit));
    ck_assert_uint_eq(hit.step, 1000 + 1 + 4 * LOOP_STEPS);
    ck_assert_uint_eq(hit.probe, 1);
    ck_assert_uint_eq(dbg_probe_find(b.dbg, 1)->hits, 0);
    ck_assert_uint_eq(dbg_probe_find(b.dbg, 1)->ignore, 2);
}
END_TEST

/* The steps of a recording are those at which a live run stops. */
static const char *const both[] = { "break store", "watch counter", "rwatch 0x60004", "catch interrupt", "awatch 0x60004" };

START_TEST(a_recording_names_the_step_at_which_a_live_run_stops)
{
    sim_steps stops[32];
    unsigned count = 0;
    struct dbg_hit hit;

    add(both[_i]);
    while (run())
        stops[count++] = cpu->steps;
    ck_assert_uint_ge(count, 5);
    for (unsigned n = count; n-- > 1;) {
        teardown();
        setup();
        add(both[_i]);
        dbg_tell_step(b.dbg, cpu, cpu->steps);
        dbg_record(b.dbg, stops[n]);
        sys_run(&b.s, (unsigned)stops[n]); /* to where it stops: that stop itself does not count */
        ck_assert(dbg_last_hit(b.dbg, &hit));
        ck_assert_uint_eq(hit.step, stops[n - 1]);
    }
}
END_TEST

/* ---- Observation changes nothing ---- */

static void no_line(void *arg, const char *line)
{
    (void)line;
    ++*(unsigned *)arg;
}

START_TEST(an_observed_run_ends_in_the_same_state)
{
    struct sim_buf plain = SIM_BUF_INIT, seen = SIM_BUF_INIT;
    unsigned lines = 0;

    run();
    sim_fields_pack(cpu_fields, cpu, &plain);
    teardown();
    setup();
    add("break store if 0");
    add("watch 0x60000:8 if 0");
    add("catch interrupt log x");
    dbg_trace_steps(b.dbg, no_line, &lines);
    ck_assert_int_eq(dbg_bus_trace(b.dbg, 16), SIM_OK);
    ck_assert(!run());
    sim_fields_pack(cpu_fields, cpu, &seen);
    ck_assert_uint_eq(plain.len, seen.len);
    ck_assert_mem_eq(plain.data, seen.data, plain.len);
    ck_assert_uint_eq(lines, cpu->steps);
    sim_buf_fini(&plain);
    sim_buf_fini(&seen);
}
END_TEST

/* ---- Traces ---- */

static char traced[16][400];
static unsigned traced_count;

static void keep_line(void *arg, const char *line)
{
    (void)arg;
    if (traced_count < 16)
        snprintf(traced[traced_count++], sizeof(traced[0]), "%s", line);
}

START_TEST(a_step_trace_has_a_line_for_each_step)
{
    traced_count = 0;
    dbg_trace_steps(b.dbg, keep_line, NULL);
    sys_run(&b.s, 3);
    dbg_trace_steps(b.dbg, NULL, NULL);
    sys_run(&b.s, 3);
    ck_assert_uint_eq(traced_count, 3);
    ck_assert_has(traced[0], "cpu0 0 0008:00010000 <start+0x0>  b805000000");
    ck_assert_has(traced[1], "cpu0 1 0008:00010005 <store+0x0>  a300000600");
    ck_assert_has(traced[1], "| eax=00000005");
#ifdef HAVE_ZYDIS
    ck_assert_has(traced[1], "mov [0x00060000], eax <counter>");
#endif
    ck_assert_has_not(traced[2], "eax=");
}
END_TEST

START_TEST(a_bus_trace_keeps_the_last_transactions)
{
    static const struct dbg_bus_filter port80 = { 0x80, 0x80, -1, -1 }, memory = { 0, UINT64_MAX, BUS_MEM_READ, -1 }, others = { 0, UINT64_MAX, -1, 3 };
    const char *text;

    ck_assert_has(TEXT(&b, dbg_bus_show(b.dbg, 10, NULL, &b.text)), "off");
    ck_assert_int_eq(dbg_bus_trace(b.dbg, 3), SIM_OK);
    CODE(&b.s, "\xe6\x80\xe6\x81\xe6\x82\xe6\x83\xf4"); /* out 80h..83h, al; hlt */
    ck_assert(!run());
    text = TEXT(&b, dbg_bus_show(b.dbg, 10, NULL, &b.text));
    ck_assert_has_not(text, "0x0081");
    ck_assert_has(text, "cpu0    io write      0x0082 = 0x01  (nobody answered)");
    ck_assert_has(text, "0x0083");
    ck_assert_has(text, "special   halt");
    ck_assert_str_eq(TEXT(&b, dbg_bus_show(b.dbg, 10, &port80, &b.text)), "");
    ck_assert_str_eq(TEXT(&b, dbg_bus_show(b.dbg, 10, &memory, &b.text)), "");
    ck_assert_str_eq(TEXT(&b, dbg_bus_show(b.dbg, 10, &others, &b.text)), "");
    text = TEXT(&b, dbg_bus_show(b.dbg, 1, NULL, &b.text));
    ck_assert_has_not(text, "0x0083");
    ck_assert_has(text, "halt");
    ck_assert_int_eq(dbg_bus_trace(b.dbg, 1u << 30), SIM_ERR_USAGE);
    ck_assert_int_eq(dbg_bus_trace(b.dbg, 0), SIM_OK);
    ck_assert_has(TEXT(&b, dbg_bus_show(b.dbg, 10, NULL, &b.text)), "off");
}
END_TEST

#define LOOP(tcase, test, table) tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("debug probes");
    TCase *t = tcase_create("probes"), *r = tcase_create("traces and the past");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_breakpoint_stops_before_the_instruction_and_goes_on_from_it);
    LOOP(t, options_of_a_breakpoint_hold, options);
    tcase_add_test(t, a_condition_that_cannot_be_evaluated_stops_and_says_why);
    tcase_add_test(t, a_condition_on_nothing_stops_and_says_why);
    tcase_add_test(t, probes_can_be_removed_disabled_and_walked);
    tcase_add_test(t, a_probe_for_one_hit_goes_when_the_next_is_added);
    tcase_add_test(t, a_callback_decides);
    LOOP(t, a_watchpoint_stops_after_the_access_and_says_what_it_was, watches);
    tcase_add_test(t, a_later_breakpoint_is_no_watch_hit);
    tcase_add_test(t, the_stack_of_a_delivery_is_watched_too);
    LOOP(t, events_are_caught, catches);
    LOOP(t, other_events_pass, passes);
    tcase_add_test(t, the_ways_to_smm_and_back_are_mode_switches);
    tcase_add_test(t, console_text_is_waited_for_across_pieces);
    tcase_add_test(t, stops_on_a_triple_fault_are_a_setting_or_a_catch);
    LOOP(t, what_is_not_understood_is_refused, bad);
    tcase_add_test(t, an_endless_specification_is_refused);
    tcase_add_checked_fixture(r, setup, teardown);
    tcase_add_test(r, silent_probes_do_nothing);
    tcase_add_test(r, a_recording_notes_the_last_hit_and_does_not_stop);
    LOOP(r, a_recording_names_the_step_at_which_a_live_run_stops, both);
    tcase_add_test(r, an_observed_run_ends_in_the_same_state);
    tcase_add_test(r, a_step_trace_has_a_line_for_each_step);
    tcase_add_test(r, a_bus_trace_keeps_the_last_transactions);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, r);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
