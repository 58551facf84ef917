/*
 * Going back in time: every step of the past can be visited, in any order, and is what it was; nothing is sent twice; probes are found
 * backwards where they were hit forwards; an input in the past begins a new future.
 */
#include "testcases/machine/bench.h"

#include <time.h>

#define VISITS 300
#define COMMANDS "run=race,spin,stale,ps,race,mem,help"

static const struct setup {
    const char *name, *cpus, *seed;
} setups[] = {
    { "one CPU", "1", "0" },
    { "two CPUs", "2", "0" },
    { "two CPUs, drawn turns", "2", "4711" },
};
#define SETUPS (int)(sizeof(setups) / sizeof(setups[0]))

static struct sim *machine_of(const struct setup *s)
{
    return demo(COMMANDS, "cpus", s->cpus, "seed", s->seed, "clock", "4M", "quantum", "300", "timeline", "on", NULL);
}

/* Forward over `steps`, with serial input, keys and the mouse on the way. */
static void run_with_input(struct sim *sim, sim_steps from, sim_steps to, sim_steps every)
{
    struct sim_stop stop;

    for (sim_steps at = from + every; at <= to; at += every) {
        ck_assert_int_eq(sim_run_to(sim, at, SIM_NEVER, &stop), SIM_OK);
        ck_assert_msg(stop.reason == SIM_STOP_STEPS, "%s: %s", sim_stop_word(stop.reason), stop.text);
        switch (at / every % 5) {
        case 0: ck_assert_int_eq(sim_input_bytes(sim, "serial0", "ps\n", 3), SIM_OK); break;
        case 1: type_keys(sim, "ps\n"); break;
        case 2: ck_assert_int_eq(sim_input_mouse(sim, 5, 5, 0, 0), SIM_OK); break;
        case 3: ck_assert_int_eq(sim_input_bytes(sim, "serial0", "ticks\nspin\n", 11), SIM_OK); break;
        default: break;
        }
    }
    ck_assert_int_eq(sim_run_steps(sim, 0, &stop), SIM_OK); /* the last one enters */
}

static int by_step(const void *a, const void *b)
{
    sim_steps x = *(const sim_steps *)a, y = *(const sim_steps *)b;

    return x < y ? -1 : x > y;
}

static double milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* ---- Visits ---- */

#define END_STEP 6000000

START_TEST(each_visited_step_is_what_it_was)
{
    const struct setup *s = &setups[_i];
    static sim_steps step[VISITS];
    static uint64_t digest[VISITS];
    uint64_t random = 88172645463325252u + (unsigned)_i, end;
    struct sim *sim = machine_of(s), *forward = machine_of(s);
    struct heard heard = { SIM_BUF_INIT, 0 }, alone = { SIM_BUF_INIT, 0 };
    struct sim_stop stop;

    sim_on_output(sim, hear, &heard);
    sim_on_output(forward, hear, &alone);
    run_with_input(sim, 0, END_STEP, 150000);
    end = sim_digest(sim);

    /* The forward run that it is compared with knows no going back. */
    for (unsigned n = 0; n < VISITS; n++)
        step[n] = random_next(&random) % (END_STEP + 1);
    qsort(step, VISITS, sizeof(step[0]), by_step);
    for (unsigned n = 0, at = 0; n <= VISITS; n++) {
        sim_steps to = n < VISITS ? step[n] : END_STEP;

        for (; (at + 1) * 150000ull <= to; at++)
            run_with_input(forward, at * 150000ull, (at + 1) * 150000ull, 150000);
        ck_assert_int_eq(sim_run_to(forward, to, SIM_NEVER, &stop), SIM_OK);
        ck_assert_uint_eq(forward->step, to);
        if (n < VISITS)
            digest[n] = sim_digest(forward);
    }
    ck_assert_msg(sim_digest(forward) == end, "%s: two forward runs differ", s->name);
    ck_assert_uint_eq(alone.pieces, heard.pieces);

    for (unsigned n = 0; n < VISITS; n++) {
        unsigned k = random_next(&random) % VISITS;

        ck_assert_msg(sim_goto(sim, step[k], &stop) == SIM_OK, "%s: %s", s->name, sim_last_error());
        if (sim_digest(sim) == digest[k])
            continue;
        sim_destroy(forward);
        forward = machine_of(s);
        for (unsigned at = 0; (at + 1) * 150000ull <= step[k]; at++)
            run_with_input(forward, at * 150000ull, (at + 1) * 150000ull, 150000);
        sim_run_to(forward, step[k], SIM_NEVER, &stop);
        printf("%s: step %llu, visit %u\n", s->name, (unsigned long long)step[k], n);
        print_difference(forward, sim);
        ck_abort_msg("%s: step %llu is not what it was", s->name, (unsigned long long)step[k]);
    }
    ck_assert_msg(sim_goto(sim, END_STEP, &stop) == SIM_OK, "%s", sim_last_error());
    ck_assert_msg(sim_digest(sim) == end, "%s: the end is not what it was", s->name);
    ck_assert_uint_eq(alone.pieces, heard.pieces);

    /* From a step of the past, forward by an ordinary run: the inputs come again, nothing is sent again. */
    ck_assert_int_eq(sim_goto(sim, END_STEP / 3, &stop), SIM_OK);
    ck_assert_int_eq(sim_run_to(sim, END_STEP, SIM_NEVER, &stop), SIM_OK);
    ck_assert_msg(sim_digest(sim) == end, "%s: the end is another after a run from the past", s->name);
    ck_assert_uint_eq(alone.pieces, heard.pieces);
    ck_assert_uint_eq(alone.text.len, heard.text.len);
    ck_assert_mem_eq(alone.text.data, heard.text.data, heard.text.len);
    sim_buf_fini(&alone.text);
    sim_buf_fini(&heard.text);
    sim_destroy(forward);
    sim_destroy(sim);
}
END_TEST

/* ---- Single steps back ---- */

/* What lies between two visits of the same checkpoint is gone over again and again, in smaller and smaller pieces: at the start, the middle and the
 * end of each, a step is what it was. */
START_TEST(thousands_of_single_steps_back)
{
    enum { N = 24000, SAMPLE = 61 };
    static uint64_t digest[N / SAMPLE + 1];
    static double took[N];
    struct sim *sim = machine_of(&setups[_i]);
    struct sim_stop stop;
    sim_steps start;

    run_with_input(sim, 0, 3000000, 150000);
    start = sim->step;
    for (unsigned n = 0; n <= N; n++) {
        if (n % SAMPLE == 0)
            digest[n / SAMPLE] = sim_digest(sim);
        if (n < N)
            ck_assert_int_eq(sim_run_steps(sim, 1, &stop), SIM_OK);
    }
    for (unsigned n = N; n-- > 0;) {
        double begin = milliseconds();

        ck_assert_int_eq(sim_reverse_steps(sim, 1, &stop), SIM_OK);
        took[n] = milliseconds() - begin;
        ck_assert_uint_eq(sim->step, start + n);
        if (n % SAMPLE == 0)
            ck_assert_msg(sim_digest(sim) == digest[n / SAMPLE], "%s: step %u back differs", setups[_i].name, N - n);
    }
    qsort(took, N, sizeof(took[0]), by_time);
    printf("%s: one step back takes %.3f ms in the median, %.2f ms at worst\n", setups[_i].name, took[N / 2], took[N - 1]);
    fflush(stdout);
    sim_destroy(sim);
}
END_TEST

/* In the direction of the way back, and of the way forth, and into the same piece from both sides. */
START_TEST(steps_back_and_forth_are_what_they_were)
{
    enum { SPAN = 20000 };
    static uint64_t digest[SPAN + 1];
    struct sim *sim = machine_of(&setups[_i]);
    struct sim_stop stop;
    uint64_t random = 4711;
    sim_steps start, at;

    run_with_input(sim, 0, 1500000, 150000);
    start = sim->step;
    for (unsigned n = 0; n <= SPAN; n++) {
        digest[n] = sim_digest(sim);
        ck_assert_int_eq(sim_run_steps(sim, 1, &stop), SIM_OK);
    }
    at = SPAN + 1;
    for (unsigned n = 0; n < 3000; n++) {
        sim_steps way = random_next(&random) % (n % 3 ? 4 : 6000);
        bool back = at >= SPAN || (at > way && random_next(&random) % 3);

        if (back)
            way = way < at ? way : at;
        else
            way = way < SPAN - at ? way : SPAN - at;
        ck_assert_int_eq(back ? sim_reverse_steps(sim, way, &stop) : sim_run_steps(sim, way, &stop), SIM_OK);
        at = back ? at - way : at + way;
        ck_assert_uint_eq(sim->step, start + at);
        if (at <= SPAN)
            ck_assert_msg(sim_digest(sim) == digest[at], "%s: visit %u: step %llu differs", setups[_i].name, n, (unsigned long long)at);
    }
    sim_destroy(sim);
}
END_TEST

START_TEST(a_cpu_steps_back_by_its_own_steps)
{
    struct sim *sim = machine_of(&setups[1]), *fresh = machine_of(&setups[1]);
    struct sim_stop stop;
    const struct cpu *cpu = cpu_get(sim->cluster, 1);
    uint64_t random = 12345;

    ck_assert_int_eq(sim_run_steps(sim, 1500000, &stop), SIM_OK);
    ck_assert_uint_gt(cpu->steps, 1000);
    for (unsigned n = 0; n < 40; n++) {
        unsigned number = random_next(&random) & 1;
        sim_steps own = cpu_get(sim->cluster, number)->steps, all = sim->step;

        ck_assert_msg(sim_reverse_step_cpu(sim, number, &stop) == SIM_OK, "%s", sim_last_error());
        ck_assert_uint_eq(cpu_get(sim->cluster, number)->steps, own - 1);
        ck_assert_uint_lt(sim->step, all);
        ck_assert_int_eq(sim_run_steps(sim, 1, &stop), SIM_OK);
        ck_assert_msg(cpu_get(sim->cluster, number)->steps == own, "the step after it is another CPU's");
        ck_assert_int_eq(sim_reverse_steps(sim, 1 + random_next(&random) % 300, &stop), SIM_OK);
    }
    for (unsigned n = 0; n < 5000; n++) { /* one after the other, through whole turns of the other CPU */
        sim_steps own = cpu->steps;

        ck_assert_msg(sim_reverse_step_cpu(sim, 1, &stop) == SIM_OK, "%s", sim_last_error());
        ck_assert_uint_eq(cpu->steps, own - 1);
    }
    ck_assert_int_eq(sim_run_to(fresh, sim->step, SIM_NEVER, &stop), SIM_OK);
    ck_assert_uint_eq(sim_digest(sim), sim_digest(fresh));
    sim_destroy(fresh);
    sim_destroy(sim);
}
END_TEST

START_TEST(the_start_is_where_going_back_ends)
{
    struct sim *sim = machine_of(&setups[0]);
    uint64_t start = sim_digest(sim);
    sim_steps first, last;
    struct sim_stop stop;

    ck_assert_int_eq(sim_run_steps(sim, 400000, &stop), SIM_OK);
    sim_timeline_range(sim, &first, &last);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(last, 400000);
    ck_assert_int_eq(sim_goto(sim, 400001, &stop), SIM_ERR_RANGE);
    ck_assert_int_eq(sim_reverse_steps(sim, 400001, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_START);
    ck_assert_uint_eq(sim->step, 0);
    ck_assert_uint_eq(sim_digest(sim), start);
    ck_assert_int_eq(sim_goto(sim, 400000, &stop), SIM_OK);
    ck_assert_int_eq(sim_reverse_run(sim, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_START);
    ck_assert_uint_eq(sim_digest(sim), start);
    sim_destroy(sim);
}
END_TEST

/* ---- Probes ---- */

#define HITS 60

static const char *const probe_specs[] = {
    "break trap", "break task_tick", "break syscall", "watch ticks", "awatch race_end", "watch visitors ignore 1000", "catch interrupt 32",
    "catch port 0x3fd", "catch cr 3", "rwatch ticks", "catch console e", "catch console mo",
};
#define PROBES (int)(sizeof(probe_specs) / sizeof(probe_specs[0]))

/* The hits of a forward run are met again backwards, in the reverse order, each in the same state. */
START_TEST(probes_are_hit_backwards_where_they_were_hit_forwards)
{
    static sim_steps hit[HITS];
    static uint64_t digest[HITS];
    unsigned hits = 0;
    struct sim *sim = machine_of(&setups[_i % 2]);
    const char *spec = probe_specs[_i / 2];
    struct sim_stop stop;
    sim_steps begin;
    uint32_t id;

    ck_assert_int_eq(sim_run_steps(sim, 300000, &stop), SIM_OK);
    begin = sim->step;
    ck_assert_msg(sim_probe_add(sim, spec, &id) == SIM_OK, "%s: %s", spec, sim_last_error());
    while (hits < HITS) {
        ck_assert_int_eq(sim_run_to(sim, begin + 2500000, SIM_NEVER, &stop), SIM_OK);
        if (stop.reason != SIM_STOP_PROBE)
            break;
        ck_assert_msg(!hits || sim->step > hit[hits - 1], "%s: stopped twice at step %llu", spec, (unsigned long long)sim->step);
        hit[hits] = sim->step;
        digest[hits++] = sim_digest(sim);
    }
    if (strstr(spec, "ignore")) { /* what is passed over differs with the direction */
        ck_assert_uint_gt(hits, 0);
        hits = 0;
    } else {
        ck_assert_msg(hits > 2, "%s: %u hits: %s", spec, hits, stop.text);
        if (stop.reason == SIM_STOP_PROBE) { /* at the last hit: that one is not behind us */
            hits--;
            ck_assert_uint_eq(sim->step, hit[hits]);
        }
    }
    for (unsigned n = hits; n-- > 0;) {
        ck_assert_msg(sim_reverse_run(sim, &stop) == SIM_OK, "%s", sim_last_error());
        ck_assert_msg(stop.reason == SIM_STOP_PROBE && stop.probe == id, "%s: %s: %s", spec, sim_stop_word(stop.reason), stop.text);
        ck_assert_msg(sim->step == hit[n], "%s: hit %u back is at step %llu, was at %llu", spec, n, (unsigned long long)sim->step,
                      (unsigned long long)hit[n]);
        ck_assert_msg(sim_digest(sim) == digest[n], "%s: hit %u is in another state", spec, n);
    }
    if (hits > 1) { /* and forward again */
        ck_assert_int_eq(sim_run_to(sim, UINT64_MAX, SIM_NEVER, &stop), SIM_OK);
        ck_assert_int_eq(stop.reason, SIM_STOP_PROBE);
        ck_assert_msg(sim->step == hit[1], "%s: forward from the first hit: step %llu, not %llu", spec, (unsigned long long)sim->step,
                      (unsigned long long)hit[1]);
    }
    sim_destroy(sim);
}
END_TEST

/* Where a checkpoint stands is no reason to miss a hit, be it at the hit or a little before it. No ordinary one stands between the start and
 * step 1,000,000, and from the start to twice a step, going leaves one in the middle. */
START_TEST(a_checkpoint_hides_no_hit_from_a_search)
{
    static sim_steps hit[HITS];
    unsigned hits = 0;
    struct sim *sim = machine_of(&setups[_i % 2]);
    const char *spec = probe_specs[_i / 2];
    struct sim_stop stop;
    uint32_t id;

    ck_assert_int_eq(sim_run_steps(sim, 100000, &stop), SIM_OK);
    ck_assert_int_eq(sim_probe_add(sim, spec, &id), SIM_OK);
    while (hits < HITS && sim_run_to(sim, 499999, SIM_NEVER, &stop) == SIM_OK && stop.reason == SIM_STOP_PROBE)
        hit[hits++] = sim->step;
    ck_assert_int_eq(sim_probe_enable(sim, id, false), SIM_OK);
    ck_assert_int_eq(sim_run_to(sim, 999999, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(sim_probe_enable(sim, id, true), SIM_OK);
    for (unsigned n = 0; n + 2 < hits; n++)
        for (unsigned back = 0; back < 4; back++) {
            if (back % 2 == 0) {
                ck_assert_int_eq(sim_goto(sim, 2 * (hit[n] - (2 - back)), &stop), SIM_OK);
                ck_assert_int_eq(sim_goto(sim, hit[n + 2], &stop), SIM_OK);
            }
            ck_assert_int_eq(sim_reverse_run(sim, &stop), SIM_OK);
            ck_assert_msg(sim->step == hit[n + 1 - back % 2], "%s: back before hit %u: step %llu, was %llu", spec, n + 2 - back % 2,
                          (unsigned long long)sim->step, (unsigned long long)hit[n + 1 - back % 2]);
        }
    sim_destroy(sim);
}
END_TEST

/* ---- New futures ---- */

START_TEST(input_in_the_past_begins_a_new_future)
{
    const struct setup *s = &setups[_i];
    struct sim *sim = machine_of(s), *fresh = machine_of(s);
    struct heard heard = { SIM_BUF_INIT, 0 }, alone = { SIM_BUF_INIT, 0 };
    struct sim_stop stop;
    sim_steps first, last;

    sim_on_output(sim, hear, &heard);
    sim_on_output(fresh, hear, &alone);
    run_with_input(sim, 0, 3000000, 100000);
    ck_assert_int_eq(sim_goto(sim, 1234567, &stop), SIM_OK);
    ck_assert_int_eq(sim_input_bytes(sim, "serial0", "help\n", 5), SIM_OK);
    ck_assert_int_eq(sim_run_to(sim, 2000000, SIM_NEVER, &stop), SIM_OK);
    sim_timeline_range(sim, &first, &last);
    ck_assert_uint_eq(last, 2000000);
    ck_assert_int_eq(sim_goto(sim, 2000001, &stop), SIM_ERR_RANGE);

    /* It is the future of a machine that got that input at that step, and nothing else. */
    run_with_input(fresh, 0, 1200000, 100000);
    ck_assert_int_eq(sim_run_to(fresh, 1234567, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(sim_input_bytes(fresh, "serial0", "help\n", 5), SIM_OK);
    ck_assert_int_eq(sim_run_to(fresh, 2000000, SIM_NEVER, &stop), SIM_OK);
    if (sim_digest(sim) != sim_digest(fresh))
        print_difference(fresh, sim);
    ck_assert_msg(sim_digest(sim) == sim_digest(fresh), "%s: the new future is another", s->name);

    /* Back before the fork, and forward: the new past is the one that is remembered. */
    ck_assert_int_eq(sim_goto(sim, 900000, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(sim, 2000000, &stop), SIM_OK);
    ck_assert_uint_eq(sim_digest(sim), sim_digest(fresh));
    sim_buf_fini(&alone.text);
    sim_buf_fini(&heard.text);
    sim_destroy(fresh);
    sim_destroy(sim);
}
END_TEST

START_TEST(a_debuggers_write_in_the_past_begins_a_new_future)
{
    struct sim *sim = machine_of(&setups[1]);
    struct sim_stop stop;
    sim_steps first, last;
    uint64_t written, value, ticks;
    size_t done;

    ck_assert_int_eq(sim_run_steps(sim, 2000000, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(sim, 1000000, &stop), SIM_OK);
    ck_assert_int_eq(sim_symbol_address(sim, "ticks", &ticks), SIM_OK);
    value = 5000;
    ck_assert_int_eq(sim_mem_write(sim, 0, SIM_LINEAR, ticks, &value, 4, &done), SIM_OK);
    ck_assert_int_eq(sim_reg_read(sim, 0, "ebx", &value), SIM_OK);
    ck_assert_int_eq(sim_reg_write(sim, 0, "ebx", value), SIM_OK);
    written = sim_digest(sim);
    sim_timeline_range(sim, &first, &last);
    ck_assert_uint_eq(last, 1000000);
    ck_assert_int_eq(sim_run_steps(sim, 300000, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(sim, 500000, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(sim, 1000000, &stop), SIM_OK);
    ck_assert_msg(sim_digest(sim) == written, "the write is not there when its step is visited again");
    value = 0;
    ck_assert_int_eq(sim_mem_read(sim, 0, SIM_LINEAR, ticks, &value, 4, &done), SIM_OK);
    ck_assert_uint_eq(value, 5000);
    sim_destroy(sim);
}
END_TEST

START_TEST(a_reset_from_outside_can_be_gone_back_over)
{
    const struct setup *s = &setups[_i];
    struct sim *sim = machine_of(s);
    struct sim_stop stop;
    uint64_t before, at, after, random = 99;

    ck_assert_int_eq(sim_run_steps(sim, 700000, &stop), SIM_OK);
    before = sim_digest(sim);
    ck_assert_int_eq(sim_input_reset(sim), SIM_OK);
    ck_assert_int_eq(sim_run_steps(sim, 1, &stop), SIM_OK);
    at = sim_digest(sim);
    ck_assert_int_eq(sim_run_to(sim, 1500000, SIM_NEVER, &stop), SIM_OK);
    after = sim_digest(sim);
    for (unsigned n = 0; n < 20; n++) {
        ck_assert_int_eq(sim_goto(sim, random_next(&random) % 1500000, &stop), SIM_OK);
        ck_assert_int_eq(sim_goto(sim, n & 1 ? 1500000 : 700001, &stop), SIM_OK);
        ck_assert_msg(sim_digest(sim) == (n & 1 ? after : at), "%s: another state after the reset", s->name);
    }
    ck_assert_uint_ne(before, at);
    sim_destroy(sim);
}
END_TEST

/* A CPU that triple-faulted stays there; the others went on, and so does re-execution. */
START_TEST(a_triple_fault_can_be_gone_back_over)
{
    struct sim *sim = demo("quiet run=race,idt", "cpus", "2", "clock", "4M", NULL);
    struct sim_stop stop;
    sim_steps fault;
    uint64_t digest, id;

    ck_assert_int_eq(sim_run_steps(sim, 20000000, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_TRIPLE_FAULT, "%s: %s", sim_stop_word(stop.reason), stop.text);
    fault = sim->step;
    digest = sim_digest(sim);
    ck_assert_int_eq(sim_reverse_steps(sim, 1, &stop), SIM_OK);
    ck_assert_int_eq(sim_reg_read(sim, stop.cpu, "eip", &id), SIM_OK);
    ck_assert_int_eq(sim_run_steps(sim, 1, &stop), SIM_OK);
    ck_assert_uint_eq(sim->step, fault);
    ck_assert_uint_eq(sim_digest(sim), digest);
    ck_assert_int_eq(sim_goto(sim, fault / 2, &stop), SIM_OK);
    ck_assert_int_eq(sim_run_to(sim, UINT64_MAX, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_TRIPLE_FAULT);
    ck_assert_uint_eq(sim_digest(sim), digest);
    sim_destroy(sim);
}
END_TEST

/* The reset enters where the CPU stands after its last step: a checkpoint that is taken there holds that it is still to be carried out. */
START_TEST(a_reset_at_a_triple_fault_can_be_gone_back_over)
{
    struct sim *sim = machine_of(&setups[0]);
    struct sim_stop stop;
    sim_steps fault;
    uint64_t digest;

    ck_assert_int_eq(sim_run_steps(sim, 100000, &stop), SIM_OK);
    ck_assert_int_eq(sim_reg_write(sim, 0, "idtr.limit", 0), SIM_OK);
    ck_assert_int_eq(sim_run_steps(sim, 800000, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_TRIPLE_FAULT, "%s: %s", sim_stop_word(stop.reason), stop.text);
    fault = sim->step;
    ck_assert_int_eq(sim_input_reset(sim), SIM_OK);
    ck_assert_int_eq(sim_run_to(sim, fault + 1000, SIM_NEVER, &stop), SIM_OK);
    digest = sim_digest(sim);
    ck_assert_int_eq(sim_run_to(sim, 2 * fault + 5000, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(sim, 2 * fault, &stop), SIM_OK); /* leaves a checkpoint half-way: at the fault */
    ck_assert_msg(sim_goto(sim, fault + 1000, &stop) == SIM_OK, "%s", sim_last_error());
    ck_assert_uint_eq(sim_digest(sim), digest);
    sim_destroy(sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reverse");

#define CASE(name, count)                             \
    {                                                 \
        TCase *c = tcase_create(#name);               \
                                                      \
        tcase_set_timeout(c, 300);                    \
        tcase_add_loop_test(c, name, 0, count);       \
        suite_add_tcase(suite, c);                    \
    }
    CASE(each_visited_step_is_what_it_was, SETUPS)
    CASE(thousands_of_single_steps_back, SETUPS)
    CASE(steps_back_and_forth_are_what_they_were, SETUPS)
    CASE(a_cpu_steps_back_by_its_own_steps, 1)
    CASE(the_start_is_where_going_back_ends, 1)
    CASE(probes_are_hit_backwards_where_they_were_hit_forwards, 2 * PROBES)
    CASE(a_checkpoint_hides_no_hit_from_a_search, 2 * PROBES)
    CASE(input_in_the_past_begins_a_new_future, SETUPS)
    CASE(a_debuggers_write_in_the_past_begins_a_new_future, 1)
    CASE(a_reset_from_outside_can_be_gone_back_over, SETUPS)
    CASE(a_triple_fault_can_be_gone_back_over, 1)
    CASE(a_reset_at_a_triple_fault_can_be_gone_back_over, 1)
    return run_suite(suite);
}
