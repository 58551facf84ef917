/* The monitor's commands, on the demonstration kernel: it has symbols, lines, tasks and calls. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libsim/monitor.h"

/* ---- The bench ---- */

static struct sim *sim;
static char said[65536];

static void hear(void *arg, const char *text, size_t len)
{
    size_t had = strlen(said);

    (void)arg;
    if (len > sizeof(said) - had - 1)
        len = sizeof(said) - had - 1;
    memcpy(said + had, text, len);
    said[had + len] = 0;
}

static enum sim_err command(const char *line)
{
    said[0] = 0;
    return sim_command(sim, line, hear, NULL);
}

/* It is done, and says `text` (NULL: whatever). */
#define DOES(line, text)                                                                                          \
    do {                                                                                                          \
        ck_assert_msg(command(line) == SIM_OK, "%s: %s", line, sim_last_error());                                 \
        ck_assert_msg(!(text) || strstr(said, (text) ? (text) : ""), "%s: no '%s' in:\n%s", line, (text) ? (text) : "", said); \
    } while (0)
/* It is refused, in a line that holds `text`. */
#define REFUSES(line, err, text)                                                                                  \
    do {                                                                                                          \
        ck_assert_int_eq(command(line), err);                                                                     \
        ck_assert_msg(strstr(sim_last_error(), text) != NULL, "%s: %s", line, sim_last_error());                  \
    } while (0)

static void boot(void)
{
    const char *guests = getenv("GUESTS");
    struct sim_config cfg;
    char path[1024];

    snprintf(path, sizeof(path), "%s/demo/demo.elf", guests ? guests : "testcases/guests");
    sim_config_init(&cfg);
    ck_assert_int_eq(sim_config_set(&cfg, "image", path), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "append", "quiet run=stack"), SIM_OK);
    ck_assert_msg(sim_create(&cfg, &sim) == SIM_OK, "%s", sim_last_error());
    sim_config_fini(&cfg);
}

static void leave(void)
{
    sim_destroy(sim);
    sim = NULL;
}

static uint64_t step(void)
{
    return sim_position(sim).step;
}

static uint64_t value(const char *expression)
{
    char line[200];
    uint64_t v;

    snprintf(line, sizeof(line), "print/x %s", expression);
    DOES(line, "0x");
    ck_assert_int_eq(sscanf(said, "%llx", (unsigned long long *)&v), 1);
    return v;
}

/* ---- The table ---- */

static const struct monitor_command *const tables[] = { monitor_run_commands, monitor_step_commands, monitor_probe_commands, monitor_info_commands,
                                                        monitor_source_commands, monitor_memory_commands, monitor_device_commands };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

START_TEST(every_command_has_help_and_a_usage_that_begins_with_its_name)
{
    for (unsigned t = 0; t < TABLES; t++)
        for (const struct monitor_command *c = tables[t]; c->name; c++) {
            char line[64];

            ck_assert_msg(strncmp(c->usage, c->name, strlen(c->name)) == 0, "%s: %s", c->name, c->usage);
            ck_assert_msg(c->help && strlen(c->help) > 10 && c->help[strcspn(c->help, "\n") - 1] != ' ', "%s", c->name);
            ck_assert(c->follow != FOLLOW_WORDS || c->words);
            snprintf(line, sizeof(line), "help %s", c->name);
            DOES(line, c->usage);
        }
    for (const struct monitor_command *c = monitor_info_topics; c->name; c++) {
        char line[64];

        ck_assert_msg(strncmp(c->usage, c->name, strlen(c->name)) == 0, "%s: %s", c->name, c->usage);
        snprintf(line, sizeof(line), "help info %s", c->name);
        DOES(line, c->usage);
    }
    DOES("help", "reverse-continue");
    DOES("help info", "info registers");
}
END_TEST

/* Counts how often a word is a name or alias. */
static unsigned owners(const char *word, size_t len)
{
    unsigned count = 0;

    for (unsigned t = 0; t < TABLES; t++)
        for (const struct monitor_command *c = tables[t]; c->name; c++) {
            count += strlen(c->name) == len && strncmp(c->name, word, len) == 0;
            for (const char *a = c->aliases; *a; a += strcspn(a, " "), a += *a == ' ')
                count += strcspn(a, " ") == len && strncmp(a, word, len) == 0;
        }
    return count;
}

START_TEST(no_two_commands_share_a_name)
{
    for (unsigned t = 0; t < TABLES; t++)
        for (const struct monitor_command *c = tables[t]; c->name; c++) {
            ck_assert_msg(owners(c->name, strlen(c->name)) == 1, "%s", c->name);
            for (const char *a = c->aliases; *a; a += strcspn(a, " "), a += *a == ' ')
                ck_assert_msg(owners(a, strcspn(a, " ")) == 1, "%s", a);
        }
}
END_TEST

START_TEST(a_command_may_be_shortened_while_it_is_clear_which)
{
    DOES("inf pos", "step 0");
    DOES("  i   position  ", "step 0");
    DOES("disas", "=>");
    DOES("", NULL);
    DOES("# a comment", NULL);
    REFUSES("re", SIM_ERR_UNKNOWN, "could be");
    REFUSES("info s", SIM_ERR_UNKNOWN, "more than one");
    REFUSES("frobnicate", SIM_ERR_UNKNOWN, "no such command");
    REFUSES("%%%", SIM_ERR_UNKNOWN, "no such command");
    REFUSES("info frobnicate", SIM_ERR_UNKNOWN, "no such topic");
    REFUSES("help frobnicate", SIM_ERR_UNKNOWN, "no such command");
}
END_TEST

/* ---- Values and memory ---- */

/* A refused write is an error, changes nothing, and does not come again when the past is visited. */
START_TEST(what_a_register_cannot_hold_is_refused)
{
    uint64_t digest = sim_digest(sim);

    REFUSES("set $cr0 = 0x80000000", SIM_ERR_USAGE, "paging");
    REFUSES("set $fcw = 0xffff", SIM_ERR_USAGE, "do not exist");
    ck_assert_int_eq(sim_reg_write_bytes(sim, 0, "xmm0", "12345678", 8), SIM_ERR_USAGE);
    ck_assert_int_eq(sim_reg_write_bytes(sim, 0, "zmm0", "12345678", 8), SIM_ERR_UNKNOWN);
    ck_assert_uint_eq(sim_digest(sim), digest);
}
END_TEST

START_TEST(what_is_written_to_a_wide_register_is_an_input)
{
    static const uint8_t bytes[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
    struct sim_stop stop;
    uint64_t digest, before = sim_digest(sim);
    uint8_t out[32];
    size_t len;

    ck_assert_int_eq(sim_run_steps(sim, 100, &stop), SIM_OK);
    ck_assert_int_eq(sim_reg_write_bytes(sim, 0, "xmm5", bytes, 16), SIM_OK);
    ck_assert_int_eq(sim_run_steps(sim, 100, &stop), SIM_OK);
    digest = sim_digest(sim);
    ck_assert_int_eq(sim_goto(sim, 0, &stop), SIM_OK);
    ck_assert_uint_eq(sim_digest(sim), before);
    ck_assert_int_eq(sim_goto(sim, 200, &stop), SIM_OK);
    ck_assert_uint_eq(sim_digest(sim), digest);
    ck_assert_int_eq(sim_reg_read_bytes(sim, 0, "ymm5", out, sizeof(out), &len), SIM_OK);
    ck_assert_uint_eq(len, 32);
    ck_assert_mem_eq(out, bytes, 16);
}
END_TEST

START_TEST(print_and_set_know_registers_and_memory)
{
    DOES("print 6*7", "0x2a = 42");
    DOES("p/d 0xffffffffffffffff", "-1");
    DOES("p/t 5", "101");
    DOES("p/c 65", "'A'");
    DOES("p kernel_main", "kernel_main");
    DOES("set $eax = 0x1234", NULL);
    ck_assert_uint_eq(value("$eax"), 0x1234);
    DOES("set ebx 7", NULL);
    ck_assert_uint_eq(value("$ebx"), 7);
    DOES("set d[0x300000] = 0x11223344", NULL);
    DOES("set b[0x300000 + (1 == 1)] = 0xff", NULL);
    ck_assert_uint_eq(value("d[0x300000]"), 0x1122ff44);
    DOES("set *0x300000 = 5", NULL);
    DOES("set pw[0x300002]=0xabcd", NULL);
    ck_assert_uint_eq(value("*0x300000"), 0xabcd0005);
    REFUSES("set", SIM_ERR_USAGE, "usage");
    REFUSES("set $eax", SIM_ERR_USAGE, "usage");
    REFUSES("set $nothing = 1", SIM_ERR_UNKNOWN, "nothing");
    REFUSES("set d[ = 1", SIM_ERR_UNKNOWN, "d[");
    REFUSES("print", SIM_ERR_USAGE, "usage");
    REFUSES("print 1 +", SIM_ERR_USAGE, "column");
    REFUSES("print/q 1", SIM_ERR_USAGE, "'q'");
}
END_TEST

START_TEST(x_shows_memory_in_many_ways)
{
    DOES("set d[0x300000] = 0x00636261", NULL);
    DOES("x/s 0x300000", "\"abc\"");
    DOES("x/4xb 0x300000", "0x61 0x62 0x63 0x00");
    DOES("x/2xh 0x300000", "0x6261 0x0063");
    DOES("x/xg 0x300000", "0x0000000000636261");
    DOES("x/3c 0x300000", "'a' 'b' 'c'");
    DOES("x/2dw 0x300000", "6513249 0");
    DOES("x", "00300008:"); /* goes on behind, in the same format */
    DOES("x/tb 0x300000", "01100001");
    DOES("xp/w 0x300000", NULL);
    DOES("x/2i $pc", "=>");
    DOES("x/a $pc", "boot");
    REFUSES("x/0x 0", SIM_ERR_USAGE, "count");
    REFUSES("x/9999999x 0", SIM_ERR_USAGE, "count");
    REFUSES("xp/i 0", SIM_ERR_USAGE, "x/i");
    REFUSES("xp 0xfffffffffff0", SIM_ERR_FAULT, "nothing answers");
}
END_TEST

/* ---- Forward and back ---- */

START_TEST(what_was_stepped_forward_is_stepped_back)
{
    uint64_t digest, at;

    DOES("until kernel_main", "kernel_main");
    digest = sim_digest(sim);
    at = step();
    DOES("stepi 100", NULL);
    ck_assert_uint_eq(step(), at + 100);
    DOES("reverse-stepi 100", "kernel_main");
    ck_assert_uint_eq(sim_digest(sim), digest);
    DOES("goto +50", NULL);
    ck_assert_uint_eq(step(), at + 50);
    DOES("goto -50", "kernel_main");
    ck_assert_uint_eq(sim_digest(sim), digest);
    REFUSES("goto 0xffffffffffff", SIM_ERR_RANGE, "outside the timeline");
    REFUSES("goto", SIM_ERR_USAGE, "usage");
}
END_TEST

#ifdef HAVE_LIBDW /* lines of the source */
START_TEST(lines_and_calls_are_stepped_both_ways)
{
    uint64_t at;

    DOES("break bug_stack", "bugs.c");
    DOES("continue", "bug_stack");
    at = step();
    DOES("next", "bugs.c:44");
    DOES("reverse-next", "bug_stack ");
    ck_assert_uint_eq(step(), at);
    DOES("step 2", "print_path ");
    DOES("step", "bugs.c:37");
    DOES("reverse-step", "print_path ");
    DOES("reverse-finish", "call");
    DOES("backtrace", "#0  ");
    ck_assert_ptr_nonnull(strstr(said, "kernel_main"));
    DOES("goto start", "boot");
    DOES("until memory_init", "memory_init");
    DOES("finish", "kernel_main");
    at = value("$pc");
    DOES("stepi", NULL);
    DOES("reverse-next", NULL);
    DOES("nexti", NULL);
    ck_assert_uint_ge(value("$pc"), at - 64);
}
END_TEST

START_TEST(next_runs_through_a_call_and_stepi_does_not)
{
    uint64_t sp, depth;

    DOES("until kernel_main", NULL);
    DOES("next", NULL);
    sp = value("$esp");
    for (depth = 0; depth < 6; depth++) {
        DOES("next", "kernel_main");
        ck_assert_uint_ge(value("$esp") + 64, sp);
    }
}
END_TEST
#endif

START_TEST(reverse_continue_finds_the_last_hit_then_the_start)
{
    uint64_t last;

    DOES("continue", "Triple fault");
    last = step();
    DOES("break print_path", NULL);
    DOES("reverse-continue", "breakpoint");
    ck_assert_uint_lt(step(), last);
    last = step();
    DOES("reverse-continue", "breakpoint");
    ck_assert_uint_lt(step(), last);
    DOES("continue", "breakpoint"); /* passes the one it stands at */
    ck_assert_uint_eq(step(), last);
    DOES("delete", NULL);
    DOES("reverse-continue", "start");
    ck_assert_uint_eq(step(), 0);
    DOES("goto end", NULL);
}
END_TEST

START_TEST(checkpoints_are_names_for_steps)
{
    DOES("until kernel_main", NULL);
    DOES("checkpoint", "c1");
    DOES("checkpoint here", "here");
    uint64_t at = step();
    DOES("stepi 10", NULL);
    DOES("checkpoint take there", "there");
    DOES("checkpoint list", "here");
    DOES("goto here", "kernel_main");
    ck_assert_uint_eq(step(), at);
    DOES("goto there", NULL);
    ck_assert_uint_eq(step(), at + 10);
    REFUSES("checkpoint with three words", SIM_ERR_USAGE, "usage");
    REFUSES("checkpoint a-name-that-is-much-too-long-to-be-kept", SIM_ERR_USAGE, "23");
}
END_TEST

/* ---- Probes ---- */

START_TEST(probes_are_listed_changed_and_removed)
{
    uint64_t first;

    DOES("info breakpoints", "none");
    DOES("tbreak kernel_main if 1 == 2", "once");
    DOES("delete 1", NULL);
    DOES("break print_path if $esp < 0x10c000", NULL);
    DOES("info b", "print_path");
    DOES("continue", "breakpoint 2");
    ck_assert_uint_lt(value("$esp"), 0x10c000);
    DOES("condition 2", "always");
    DOES("ignore 2 3", "3 hits");
    first = step();
    DOES("continue", "breakpoint 2");
    ck_assert_uint_gt(step(), first);
    DOES("continue 5", "breakpoint 2");
    DOES("condition 2 $eax == 12345", "stops if");
    DOES("disable 2", NULL);
    DOES("info b", "disabled");
    DOES("enable", NULL);
    DOES("continue", "Triple fault");
    REFUSES("delete 77", SIM_ERR_UNKNOWN, "77");
    REFUSES("condition 2 1 +", SIM_ERR_USAGE, "column");
    REFUSES("ignore 2", SIM_ERR_USAGE, "usage");
    REFUSES("break nowhere_at_all", SIM_ERR_UNKNOWN, "nowhere_at_all");
    REFUSES("watch", SIM_ERR_USAGE, "usage");
    REFUSES("catch", SIM_ERR_USAGE, "usage");
    REFUSES("catch sunset", SIM_ERR_USAGE, "catch what");
    REFUSES("tbreak", SIM_ERR_USAGE, "usage");
}
END_TEST

START_TEST(who_wrote_goes_back_to_the_writer)
{
    uint64_t now, sp, top;

    DOES("break bug_stack", NULL);
    DOES("continue", "bug_stack");
    now = step();
    sp = value("$esp");
    top = value("*$esp");
    DOES("who-wrote $esp", "call"); /* the return address was pushed by the call */
    ck_assert_uint_eq(step(), now - 1);
    ck_assert_uint_eq(value("$esp"), sp + 4);
    DOES("goto end", "bug_stack");
    ck_assert_uint_eq(value("*$esp"), top);
    DOES("who-wrote 0x7000000:8", "no CPU has written");
    ck_assert_uint_eq(step(), now);
    DOES("info breakpoints", "enabled"); /* the others are back */
    REFUSES("who-wrote", SIM_ERR_USAGE, "usage");
    REFUSES("who-wrote 0:0", SIM_ERR_USAGE, "length");
}
END_TEST

/* ---- Looking changes nothing ---- */

static const char *const looks[] = {
    "info registers", "info registers eax $cr0", "info registers st0 $xmm1 ymm2 mm3 mxcsr", "info float", "info vector",
    "info all-registers", "info cpu", "info cpus", "info segments", "info gdt", "info ldt", "info idt", "info tss", "info tlb",
    "info mem", "info translate kernel_main", "info msrs", "info apic", "info devices", "info events", "info irq", "info map", "info map io",
    "info breakpoints", "info timeline", "info position", "info stop", "info symbol $pc", "info line", "info pic", "info pit", "info ioapic", "info ide",
    "info vga", "info uart0", "device", "device rtc", "device uart0 lcr", "map", "bus on", "bus", "bus 5 out at 0x3f8-0x3ff", "bus off", "why",
    "x/20i $pc", "backtrace", "translate $esp", "list", "cpu 0", "log", "checkpoint list",
};

START_TEST(looking_changes_nothing)
{
    uint64_t digest;
    bool there;

    DOES("until bug_stack", NULL);
    digest = sim_digest(sim);
    there = access("testcases/guests/demo/bugs.c", R_OK) == 0;
    for (unsigned n = 0; n < sizeof(looks) / sizeof(looks[0]); n++)
        if (strcmp(looks[n], "list") != 0 || there)
            DOES(looks[n], NULL);
    ck_assert_uint_eq(sim_digest(sim), digest);
    REFUSES("cpu 1", SIM_ERR_USAGE, "no CPU 1");
    REFUSES("info registers r16", SIM_ERR_UNKNOWN, "r16");
    REFUSES("print $xmm1", SIM_ERR_USAGE, "xmm1.q0");
    REFUSES("device piano", SIM_ERR_UNKNOWN, "piano");
    REFUSES("device uart0 keys", SIM_ERR_UNKNOWN, "keys");
    REFUSES("trace sometimes", SIM_ERR_USAGE, "usage");
    REFUSES("bus on 0", SIM_ERR_USAGE, "1048576");
}
END_TEST

/* Every view calls what a CPU does by the same name. */
START_TEST(activities_have_names)
{
    static const char *const names[] = { "active", "halted", "waiting for SIPI", "shutdown", "frozen", "waiting in MWAIT" };
    struct cpu *cpu = cpu_get(sim->cluster, 0);

    cpu->activity = (enum cpu_activity)_i;
    ck_assert_str_eq(sim_cpu_activity(sim, 0), names[_i]);
    DOES("info cpu", names[_i]);
    DOES("info cpus", names[_i]);
    ck_assert_str_eq(sim_cpu_activity(sim, 1), "");
}
END_TEST

/* ---- Scripts, quit ---- */

static const char *script(const char *text)
{
    static char path[] = "/tmp/test_monitor.XXXXXX", name[sizeof(path)];
    int fd;

    memcpy(name, path, sizeof(path));
    fd = mkstemp(name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return name;
}

START_TEST(scripts_stop_at_the_first_error_and_name_its_line)
{
    char line[200];
    const char *path = script("# comment\n\n  print 1+1\nprint 2+2");

    snprintf(line, sizeof(line), "script %s", path);
    DOES(line, "0x2 = 2\n0x4 = 4");
    unlink(path);
    path = script("print 1\nnonsense\nprint 3\n");
    snprintf(line, sizeof(line), "source %s", path);
    REFUSES(line, SIM_ERR_UNKNOWN, ":2: nonsense");
    ck_assert_ptr_null(strstr(said, "0x3"));
    unlink(path);
    REFUSES("script /nonexistent", SIM_ERR_IO, "/nonexistent");
    ck_assert(!sim_wants_quit(sim));
    DOES("quit", NULL);
    ck_assert(sim_wants_quit(sim));
}
END_TEST

START_TEST(a_script_that_calls_itself_ends)
{
    const char *path = script("");
    char line[200];
    FILE *f = fopen(path, "w");

    snprintf(line, sizeof(line), "script %s", path);
    fprintf(f, "%s\n", line);
    fclose(f);
    REFUSES(line, SIM_ERR_USAGE, "without end");
    unlink(path);
}
END_TEST

/* ---- Completion ---- */

static bool offered(const char *line, const char *word)
{
    const char *one;

    for (unsigned n = 0; (one = sim_complete(sim, line, n)) != NULL; n++)
        if (strcmp(one, word) == 0)
            return true;
    return false;
}

START_TEST(words_are_completed_by_what_may_stand_there)
{
    ck_assert(offered("", "help"));
    ck_assert(offered("rev", "reverse-continue"));
    ck_assert(!offered("rev", "print"));
    ck_assert(offered("info re", "registers"));
    ck_assert(offered("info ua", "uart0"));
    ck_assert(offered("help chec", "checkpoint"));
    ck_assert(offered("device v", "vga"));
    ck_assert(offered("break kernel_m", "kernel_main"));
    ck_assert(offered("print $ea", "$eax"));
    ck_assert(offered("print 4*kernel_m", "4*kernel_main"));
    ck_assert(offered("print/x *kernel_m", "*kernel_main"));
    ck_assert(offered("catch ex", "exception"));
    ck_assert(offered("goto st", "start"));
    ck_assert_ptr_null(sim_complete(sim, "quit ", 0));
    ck_assert_ptr_null(sim_complete(sim, "frobnicate x", 0));
    ck_assert_ptr_null(sim_complete(sim, "", 1000));
}
END_TEST

/* ---- Typing ---- */

/* The demonstration at its prompt, with `text` typed on its keyboard, one simulated second later. */
static uint64_t typed(const char *line, sim_steps slice)
{
    struct sim_stop stop;
    uint64_t digest;
    sim_cycles end;

    boot();
    DOES("set d[0x300000] = 1", NULL); /* an input, so that the log is not empty */
    DOES("goto start", NULL);
    end = sim_clock_hz(sim) / 2;
    ck_assert_int_eq(sim_run_until(sim, end, &stop), SIM_OK);
    DOES(line, NULL);
    end += sim_clock_hz(sim);
    while (sim_position(sim).cycle < end && sim_run_to(sim, step() + slice, end, &stop) == SIM_OK && stop.reason == SIM_STOP_STEPS)
        ;
    digest = sim_digest(sim);
    leave();
    return digest;
}

START_TEST(typing_is_the_same_however_the_run_is_sliced)
{
    leave();
    ck_assert_uint_eq(typed("input text Hello, World! 1+2=3\\n", 1000000000), typed("input text Hello, World! 1+2=3\\n", 1234));
    ck_assert_uint_ne(typed("input text ab", 1000000000), typed("input text ac", 1000000000));
    boot();
    REFUSES("input text \\x07", SIM_ERR_USAGE, "0x07");
    REFUSES("input key hyper", SIM_ERR_UNKNOWN, "hyper");
    REFUSES("input", SIM_ERR_USAGE, "usage");
    REFUSES("input serial9 x", SIM_ERR_UNKNOWN, "serial9");
    DOES("input key f1", NULL);
    DOES("input key a down", NULL);
    DOES("input mouse 1 -1 1", NULL);
    DOES("console ps", NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("monitor");
    TCase *t = tcase_create("commands");

    tcase_add_checked_fixture(t, boot, leave);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_command_has_help_and_a_usage_that_begins_with_its_name);
    tcase_add_test(t, no_two_commands_share_a_name);
    tcase_add_test(t, a_command_may_be_shortened_while_it_is_clear_which);
    tcase_add_test(t, print_and_set_know_registers_and_memory);
    tcase_add_test(t, what_a_register_cannot_hold_is_refused);
    tcase_add_test(t, what_is_written_to_a_wide_register_is_an_input);
    tcase_add_test(t, x_shows_memory_in_many_ways);
    tcase_add_test(t, what_was_stepped_forward_is_stepped_back);
#ifdef HAVE_LIBDW
    tcase_add_test(t, lines_and_calls_are_stepped_both_ways);
    tcase_add_test(t, next_runs_through_a_call_and_stepi_does_not);
#else
    puts("SKIP: stepping by lines of the source: built without libdw");
#endif
    tcase_add_test(t, reverse_continue_finds_the_last_hit_then_the_start);
    tcase_add_test(t, checkpoints_are_names_for_steps);
    tcase_add_test(t, probes_are_listed_changed_and_removed);
    tcase_add_test(t, who_wrote_goes_back_to_the_writer);
    tcase_add_test(t, looking_changes_nothing);
    tcase_add_loop_test(t, activities_have_names, CPU_ACTIVE, CPU_MWAIT + 1);
    tcase_add_test(t, scripts_stop_at_the_first_error_and_name_its_line);
    tcase_add_test(t, a_script_that_calls_itself_ends);
    tcase_add_test(t, words_are_completed_by_what_may_stand_there);
    tcase_add_test(t, typing_is_the_same_however_the_run_is_sliced);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
