/*
 * Equal machines given equal input go the same way, however they are run and whoever looks on.
 *
 * Two machines walk side by side over the demonstration kernel, or over storm.c, a guest that does at random what is hard to repeat: one in long
 * strides, the other in a way of its own. At each mark their digests must be equal; when they are not, the fields and pages that differ are
 * printed.
 */
#include "testcases/machine/bench.h"

#include <pthread.h>

#include "debug/dbg.h"

/* ---- The machines ---- */

#define EVERYTHING "run=race,spin,stale,mem,race,help,ps,race exit"

#define STORM NULL /* instead of a command line */

static const struct setup {
    const char *name, *append, *cpus, *quantum, *seed, *clock;
    sim_steps every;
    unsigned marks;
} setups[] = {
    { "one CPU", EVERYTHING, "1", "1000", "0", "4M", 10000, 300 },
    { "one CPU, drawn turns", EVERYTHING, "1", "50", "7", "2M", 10000, 200 },
    { "two CPUs", EVERYTHING, "2", "1000", "0", "4M", 10000, 300 },
    { "two CPUs in turns of one cycle", EVERYTHING, "2", "1", "0", "2M", 5000, 200 },
    { "two CPUs, drawn turns", EVERYTHING, "2", "5000", "12345", "3M", 10000, 250 },
    { "two CPUs, short drawn turns", EVERYTHING, "2", "77", "1", "2M", 5000, 250 },
    { "three CPUs", EVERYTHING, "3", "300", "99", "2M", 5000, 250 },
    { "storm on one CPU", STORM, "1", "1000", "0", "10M", 5000, 150 },
    { "storm on two CPUs, long drawn turns", STORM, "2", "20000", "77", "10M", 5000, 150 },
    { "storm on three CPUs, short drawn turns", STORM, "3", "50", "5", "10M", 5000, 150 },
    { "storm on four CPUs", STORM, "4", "1009", "0", "10M", 5000, 200 },
    { "storm on eight CPUs in turns of one cycle", STORM, "8", "1", "0", "10M", 5000, 150 },
};
#define SETUPS (int)(sizeof(setups) / sizeof(setups[0]))

static struct sim *machine_of(const struct setup *s, const char *timeline)
{
    if (s->append == STORM) {
        char path[512];
        const char *options[] = { "image", guest_path(path, sizeof(path), "../machine/storm.elf"), "memory", "64", "cpus", s->cpus, "quantum", s->quantum,
                                  "seed", s->seed, "clock", s->clock, "timeline", timeline, NULL };

        return machine_from(options);
    }
    return demo(s->append, "cpus", s->cpus, "quantum", s->quantum, "seed", s->seed, "clock", s->clock, "timeline", timeline, NULL);
}

/* ---- Ways to run ---- */

struct walker {
    struct sim *sim;
    uint64_t random;
    uint64_t count;      /* of what a way counts */
    sim_cycles quantum;
};

struct way {
    const char *timeline;
    void (*prepare)(struct walker *w);
    void (*run)(struct walker *w, sim_steps mark, struct sim_stop *stop); /* to the mark, or to where the machine stops for good */
};

static bool for_good(const struct sim_stop *stop)
{
    return stop->reason == SIM_STOP_POWER_OFF || stop->reason == SIM_STOP_EXIT || stop->reason == SIM_STOP_TRIPLE_FAULT ||
           stop->reason == SIM_STOP_DEAD_HALT || stop->reason == SIM_STOP_ERROR;
}

/* Goes on over stops at probes, cycles and the like. */
static void to_mark(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do {
        ck_assert_int_eq(sim_run_to(w->sim, mark, SIM_NEVER, stop), SIM_OK);
        w->count += stop->reason == SIM_STOP_PROBE;
    } while (!for_good(stop) && w->sim->step < mark);
}

static void in_random_slices(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do {
        uint64_t r = random_next(&w->random);
        sim_steps left = mark - w->sim->step, n = 1 + (r >> 8) % ((r & 7) == 0 ? 20000 : (r & 7) < 3 ? 5 : 700);
        enum sim_err err;

        if (r & 64)
            err = sim_run_to(w->sim, mark, sim_position(w->sim).cycle + n, stop);
        else
            err = sim_run_steps(w->sim, n < left ? n : left, stop);
        ck_assert_int_eq(err, SIM_OK);
    } while (!for_good(stop) && w->sim->step < mark);
}

/* A thousand steps one by one before each mark: they end inside REP, at interrupts, in HLT and at devices. */
static void in_single_steps(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    if (mark - w->sim->step > 1500) {
        to_mark(w, mark - 1500, stop);
        if (for_good(stop))
            return;
    }
    do
        ck_assert_int_eq(sim_run_steps(w->sim, 1, stop), SIM_OK);
    while (!for_good(stop) && w->sim->step < mark);
}

static void in_steps_of_a_cpu(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    /* The others may make a turn's steps meanwhile. */
    for (unsigned n = 0; n < 300 && w->sim->step + 2 * w->quantum + 2000 < mark; n++) {
        unsigned cpu = random_next(&w->random) % sim_cpus(w->sim);

        if (cpu_get(w->sim->cluster, cpu)->activity != CPU_ACTIVE) /* it might sleep for long */
            continue;
        ck_assert_int_eq(sim_step_cpu(w->sim, cpu, stop), SIM_OK);
        if (for_good(stop))
            return;
    }
    to_mark(w, mark, stop);
}

static void in_cycles(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do
        ck_assert_int_eq(sim_run_to(w->sim, mark, sim_position(w->sim).cycle + 1 + random_next(&w->random) % 3000, stop), SIM_OK);
    while (!for_good(stop) && w->sim->step < mark);
}

static void back_and_forth(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    struct sim_stop there;
    sim_steps at;

    to_mark(w, mark, stop);
    at = w->sim->step;
    for (unsigned n = random_next(&w->random) % 8 ? 0 : 1 + random_next(&w->random) % 3; n; n--) {
        sim_steps first, last;

        sim_timeline_range(w->sim, &first, &last);
        ck_assert_msg(sim_goto(w->sim, first + random_next(&w->random) % (last - first + 1), &there) == SIM_OK, "%s", sim_last_error());
        if (random_next(&w->random) & 1)
            ck_assert_int_eq(sim_run_steps(w->sim, random_next(&w->random) % 3000 % (last - w->sim->step + 1), &there), SIM_OK);
    }
    if (!for_good(stop)) {
        ck_assert_msg(sim_goto(w->sim, at, &there) == SIM_OK, "%s", sim_last_error());
        return;
    }
    if (w->sim->step < at)
        to_mark(w, UINT64_MAX, stop);
}

static void pulsed(void *arg)
{
    struct walker *w = arg;

    w->count++;
}

static void with_pulse(struct walker *w)
{
    sim_on_pulse(w->sim, pulsed, w);
}

static void interrupted(void *arg)
{
    struct walker *w = arg;

    if (++w->count % 3 == 0)
        sim_interrupt(w->sim);
}

static void with_interruptions(struct walker *w)
{
    sim_on_pulse(w->sim, interrupted, w);
}

static bool count_hit(void *arg, struct sim *sim, uint32_t id)
{
    struct walker *w = arg;

    (void)sim;
    (void)id;
    w->count++;
    return false;
}

/* Those whose symbols the guest has. */
static void add_probes(struct walker *w, const char *const *specs, bool counting)
{
    unsigned added = 0;
    uint32_t id;

    for (; *specs; specs++) {
        enum sim_err err = sim_probe_add(w->sim, *specs, &id);

        ck_assert_msg(err == SIM_OK || err == SIM_ERR_UNKNOWN, "%s: %s", *specs, sim_last_error());
        if (err)
            continue;
        added++;
        if (counting)
            ck_assert_int_eq(sim_probe_callback(w->sim, id, count_hit, w), SIM_OK);
    }
    ck_assert_uint_gt(added, 3);
}

static void with_probes_that_miss(struct walker *w)
{
    static const char *const specs[] = { "break 0x7fff0000", "break panic", "watch 0x00000010:4", "watch ticks if 0", "watch heard:1024 if 0",
                                         "awatch 0x500000:4096", "catch port 0x1234", "catch exception 13", NULL };

    add_probes(w, specs, false);
}

static void with_probes_that_stop(struct walker *w)
{
    static const char *const specs[] = { "break trap ignore 3", "watch ticks", "catch port 0x3f8", "catch interrupt 32", "break task_tick", "catch cr 3",
                                         "break message", "watch lock ignore 10", "break sleep", "watch 0x2004000:64 ignore 30", "catch exception 6", NULL };

    add_probes(w, specs, false);
}

static void with_probes_that_count(struct walker *w)
{
    static const char *const specs[] = { "break trap", "break syscall", "break memset", "awatch ticks", "awatch tasks:64", "watch command_line:256",
                                         "catch port 0x3f8:8", "catch port 0x20", "catch interrupt 32", "catch exception 14", "catch cr 3", "catch cr 0",
                                         "catch mode", "catch console demo>", "break strings", "break new_code", "awatch counter", "rwatch lock",
                                         "awatch code:64", "watch heard:1024", "awatch 0x2003ff0:32", "break on_timer", NULL };

    add_probes(w, specs, true);
}

static void on_line(void *arg, const char *line)
{
    struct walker *w = arg;

    w->count += line[0] != 0;
}

static void with_traces(struct walker *w)
{
    ck_assert_int_eq(dbg_bus_trace(w->sim->dbg, 1000), SIM_OK);
    dbg_trace_steps(w->sim->dbg, on_line, w);
}

static void with_bus_trace(struct walker *w)
{
    ck_assert_int_eq(dbg_bus_trace(w->sim->dbg, 1000), SIM_OK);
}

/* Everything that only looks, between the strides. */
static void looked_at(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    struct sim_buf b = SIM_BUF_INIT;
    static uint8_t bytes[70000];
    static uint16_t cells[132 * 60];
    uint32_t columns, rows, *pixels;
    int x, y;
    size_t done;
    char text[200];
    unsigned len;

    to_mark(w, mark, stop);
    if (mark / 5000 % 8 > 1)
        return;
    for (unsigned n = 0; n < sim_cpus(w->sim); n++) {
        struct cpu *cpu = cpu_get(w->sim->cluster, n);

        dbg_view_registers(w->sim->dbg, cpu, &b);
        dbg_view_cpu(w->sim->dbg, cpu, &b);
        dbg_view_gdt(w->sim->dbg, cpu, &b);
        dbg_view_idt(w->sim->dbg, cpu, &b);
        dbg_view_tss(w->sim->dbg, cpu, &b);
        dbg_view_tlb(w->sim->dbg, cpu, &b);
        dbg_view_page_tables(w->sim->dbg, cpu, &b);
        dbg_view_translate(w->sim->dbg, cpu, cpu->ip, &b);
        dbg_view_lapic(w->sim->dbg, cpu, &b);
        sim_disassemble(w->sim, n, cpu->seg[CPU_CS].base + cpu->ip, text, sizeof(text), &len);
        sim_mem_read(w->sim, n, SIM_LINEAR, random_next(&w->random) & 0xffffff, bytes, sizeof(bytes), &done);
        sim_mem_read(w->sim, n, SIM_LINEAR, 0xfee00000, bytes, 4096, &done);
        sim_mem_read(w->sim, n, SIM_PHYSICAL, random_next(&w->random) & 0xffffff, bytes, sizeof(bytes), &done);
        sim_mem_read(w->sim, n, SIM_PHYSICAL, 0xa0000, bytes, 0x20000 < sizeof(bytes) ? 0x20000 : sizeof(bytes), &done);
    }
    for (unsigned port = 0; port < 65536; port += 1 + port / 1100)
        bus_io_peek(w->sim->bus, (uint16_t)port, 1);
    sim_explain(w->sim, NULL);
    sim_explain_json(w->sim, NULL);
    sim_text_screen(w->sim, &columns, &rows, cells, sizeof(cells) / sizeof(cells[0]), &x, &y);
    if (mark % 80000 == 0 && sim_picture(w->sim, &columns, &rows, &pixels) == SIM_OK)
        free(pixels);
    w->count += b.len != 0;
    sim_buf_fini(&b);
}

static const struct way one_piece = { "off", NULL, to_mark };
static const struct way random_slices = { "off", NULL, in_random_slices };
static const struct way random_slices_timed = { "on", NULL, in_random_slices };
static const struct way single_steps = { "off", NULL, in_single_steps };
static const struct way steps_of_a_cpu = { "off", NULL, in_steps_of_a_cpu };
static const struct way cycles = { "off", NULL, in_cycles };
static const struct way timeline = { "on", NULL, to_mark };
static const struct way travels = { "on", NULL, back_and_forth };
static const struct way pulses = { "off", with_pulse, to_mark };
static const struct way interruptions = { "on", with_interruptions, to_mark };
static const struct way probes_that_miss = { "off", with_probes_that_miss, to_mark };
static const struct way probes_that_stop = { "on", with_probes_that_stop, to_mark };
static const struct way probes_that_count = { "off", with_probes_that_count, to_mark };
static const struct way traces = { "off", with_traces, to_mark };
static const struct way bus_trace = { "off", with_bus_trace, to_mark };
static const struct way looks = { "off", NULL, looked_at };
static const struct way everything = { "on", with_probes_that_count, in_random_slices };

/* ---- Side by side ---- */

/* Input from outside, at fixed marks. */
static void give_input(struct sim *sim, unsigned mark)
{
    switch (mark % 60) {
    case 7: type_keys(sim, "ps\n"); break;
    case 13: sim_input_bytes(sim, "serial0", "ticks\n", 6); break;
    case 14: sim_input_mouse(sim, 3, -4, 0, 1); break;
    case 20: sim_input_key(sim, 0x04, true); break;
    case 21: sim_input_key(sim, 0x04, false); break;
    case 22: sim_input_bytes(sim, "serial1", "nobody listens", 14); break;
    default: break;
    }
}

static void compare(struct sim *a, struct sim *b, const struct setup *s, unsigned mark, const struct sim_stop *stop_a, const struct sim_stop *stop_b)
{
    bool equal = sim_digest(a) == sim_digest(b);

    if (!equal || a->step != b->step) {
        printf("%s, mark %u, step %llu: %s  |  step %llu: %s\n", s->name, mark, (unsigned long long)a->step, sim_stop_word(stop_a->reason),
               (unsigned long long)b->step, sim_stop_word(stop_b->reason));
        print_difference(a, b);
    }
    ck_assert_msg(equal && a->step == b->step, "%s: the runs differ at mark %u", s->name, mark);
}

static uint64_t side_by_side(const struct setup *s, const struct way *way, uint64_t seed)
{
    sim_cycles quantum = strtoull(s->quantum, NULL, 10);
    struct walker a = { machine_of(s, "off"), seed, 0, quantum }, b = { machine_of(s, way->timeline), seed, 0, quantum };
    struct sim_stop stop_a, stop_b;

    if (way->prepare)
        way->prepare(&b);
    compare(a.sim, b.sim, s, 0, &(struct sim_stop){ .reason = SIM_STOP_START }, &(struct sim_stop){ .reason = SIM_STOP_START });
    for (unsigned mark = 1; mark <= s->marks; mark++) {
        to_mark(&a, mark * s->every, &stop_a);
        way->run(&b, mark * s->every, &stop_b);
        compare(a.sim, b.sim, s, mark, &stop_a, &stop_b);
        if (for_good(&stop_a))
            break;
        give_input(a.sim, mark);
        give_input(b.sim, mark);
    }
    sim_destroy(a.sim);
    sim_destroy(b.sim);
    return b.count;
}

#define WAY_TEST(test, way)                                  \
    START_TEST(test)                                         \
    {                                                        \
        side_by_side(&setups[_i], &way, 0x9e3779b97f4a7c15u + (unsigned)_i); \
    }                                                        \
    END_TEST

WAY_TEST(a_second_run_equals_the_first, one_piece)
WAY_TEST(slices_of_random_length_change_nothing, random_slices)
WAY_TEST(slices_change_nothing_while_checkpoints_are_taken, random_slices_timed)
WAY_TEST(single_steps_change_nothing, single_steps)
WAY_TEST(stepping_one_cpu_changes_nothing, steps_of_a_cpu)
WAY_TEST(slices_by_cycle_change_nothing, cycles)
WAY_TEST(the_timeline_changes_nothing, timeline)
WAY_TEST(going_back_and_forth_changes_nothing, travels)
WAY_TEST(a_pulse_changes_nothing, pulses)
WAY_TEST(interrupting_the_run_changes_nothing, interruptions)
WAY_TEST(probes_that_miss_change_nothing, probes_that_miss)
WAY_TEST(probes_that_stop_change_nothing, probes_that_stop)
WAY_TEST(probes_that_count_change_nothing, probes_that_count)
WAY_TEST(a_bus_observer_changes_nothing, bus_trace)
WAY_TEST(looking_changes_nothing, looks)
WAY_TEST(probes_timeline_and_slices_together_change_nothing, everything)

START_TEST(tracing_each_step_changes_nothing)
{
    struct setup s = setups[_i];

    s.marks = s.marks < 60 ? s.marks : 60;
    ck_assert_uint_gt(side_by_side(&s, &traces, 1), 0);
}
END_TEST

/* The digests in between have no part in it: one run without any ends the same. */
START_TEST(taking_digests_changes_nothing)
{
    const struct setup *s = &setups[_i];
    struct sim *a = machine_of(s, "off"), *b = machine_of(s, "off");
    sim_steps end = 3 * s->marks * s->every;
    struct sim_stop stop_a, stop_b;

    do {
        ck_assert_int_eq(sim_run_to(a, a->step + 17321 < end ? a->step + 17321 : end, SIM_NEVER, &stop_a), SIM_OK);
        sim_digest(a);
    } while (!for_good(&stop_a) && a->step < end);
    ck_assert_int_eq(sim_run_to(b, end, SIM_NEVER, &stop_b), SIM_OK);
    compare(a, b, s, 0, &stop_a, &stop_b);
    sim_destroy(a);
    sim_destroy(b);
}
END_TEST

/* ---- In two threads ---- */

struct thread_run {
    const struct setup *setup;
    uint64_t digest[1000];
    unsigned count;
};

static void *run_in_thread(void *arg)
{
    struct thread_run *t = arg;
    struct sim *sim = machine_of(t->setup, "on");
    struct walker w = { sim, 1, 0, 0 };
    struct sim_stop stop;

    do {
        to_mark(&w, (t->count + 1) * t->setup->every, &stop);
        t->digest[t->count] = sim_digest(sim);
        give_input(sim, ++t->count);
    } while (!for_good(&stop) && t->count < t->setup->marks);
    sim_destroy(sim);
    return NULL;
}

START_TEST(two_machines_in_two_threads_do_not_know_of_each_other)
{
    static struct thread_run run[3];
    pthread_t thread[2];

    for (unsigned n = 0; n < 3; n++)
        run[n] = (struct thread_run){ .setup = &setups[_i] };
    run_in_thread(&run[2]);
    for (unsigned n = 0; n < 2; n++)
        ck_assert_int_eq(pthread_create(&thread[n], NULL, run_in_thread, &run[n]), 0);
    for (unsigned n = 0; n < 2; n++)
        ck_assert_int_eq(pthread_join(thread[n], NULL), 0);
    for (unsigned n = 0; n < 2; n++) {
        ck_assert_uint_eq(run[n].count, run[2].count);
        for (unsigned k = 0; k < run[2].count; k++)
            ck_assert_msg(run[n].digest[k] == run[2].digest[k], "%s: thread %u differs at mark %u", setups[_i].name, n, k);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("determinism");

#define CASE(name)                                    \
    {                                                 \
        TCase *c = tcase_create(#name);               \
                                                      \
        tcase_set_timeout(c, 300);                    \
        tcase_add_loop_test(c, name, 0, SETUPS);      \
        suite_add_tcase(suite, c);                    \
    }
    CASE(a_second_run_equals_the_first)
    CASE(taking_digests_changes_nothing)
    CASE(slices_of_random_length_change_nothing)
    CASE(slices_change_nothing_while_checkpoints_are_taken)
    CASE(single_steps_change_nothing)
    CASE(stepping_one_cpu_changes_nothing)
    CASE(slices_by_cycle_change_nothing)
    CASE(the_timeline_changes_nothing)
    CASE(going_back_and_forth_changes_nothing)
    CASE(a_pulse_changes_nothing)
    CASE(interrupting_the_run_changes_nothing)
    CASE(probes_that_miss_change_nothing)
    CASE(probes_that_stop_change_nothing)
    CASE(probes_that_count_change_nothing)
    CASE(a_bus_observer_changes_nothing)
    CASE(tracing_each_step_changes_nothing)
    CASE(looking_changes_nothing)
    CASE(probes_timeline_and_slices_together_change_nothing)
    CASE(two_machines_in_two_threads_do_not_know_of_each_other)
    return run_suite(suite);
}
