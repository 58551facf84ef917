/*
 * What may come from other threads and from signal handlers: sim_interrupt() and the inputs; and machines in threads of their own. By the public
 * calls alone.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <libsim/debug.h>
#include <libsim/sim.h>

/* ---- Machines ---- */

static struct sim *demo(const char *append, const char *cpus)
{
    const char *guests = getenv("GUESTS");
    struct sim_config cfg;
    struct sim *sim = NULL;
    char path[512];

    snprintf(path, sizeof(path), "%s/demo/demo.elf", guests ? guests : "testcases/guests");
    sim_config_init(&cfg);
    ck_assert_int_eq(sim_config_set(&cfg, "image", path), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "append", append), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "cpus", cpus), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "clock", "10M"), SIM_OK);
    ck_assert_msg(sim_create(&cfg, &sim) == SIM_OK, "%s", sim_last_error());
    sim_config_fini(&cfg);
    return sim;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* ---- Interruptions ---- */

static void *interrupt_later(void *arg)
{
    sleep_ms(50);
    sim_interrupt(arg);
    return NULL;
}

/* _i: CPUs less one. The guest computes, so there are steps without end. */
START_TEST(another_thread_stops_a_busy_machine)
{
    struct sim *sim = demo("quiet run=race,race,race,race,race,race,race,race,race,race,race,race,race,race,race", _i ? "2" : "1");
    struct sim_stop stop;
    pthread_t thread;
    double start = seconds();

    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_later, sim), 0);
    do
        ck_assert_int_eq(sim_run_until(sim, SIM_NEVER, &stop), SIM_OK);
    while (stop.reason != SIM_STOP_INTERRUPTED && seconds() - start < 20);
    ck_assert_msg(stop.reason == SIM_STOP_INTERRUPTED, "%s", sim_stop_word(stop.reason));
    pthread_join(thread, NULL);
    ck_assert_int_eq(sim_run_steps(sim, 1000, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_STEPS);
    sim_destroy(sim);
}
END_TEST

/* At the prompt the guest sleeps in HLT, and time leaps from tick to tick. */
START_TEST(another_thread_stops_an_idle_machine)
{
    struct sim *sim = demo("quiet", _i ? "2" : "1");
    struct sim_stop stop;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_later, sim), 0);
    ck_assert_int_eq(sim_run_until(sim, SIM_NEVER, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_INTERRUPTED, "%s", sim_stop_word(stop.reason));
    pthread_join(thread, NULL);
    sim_destroy(sim);
}
END_TEST

static struct sim *signalled;

static void on_alarm(int number)
{
    (void)number;
    sim_interrupt(signalled);
}

START_TEST(a_signal_handler_stops_a_machine)
{
    struct itimerval timer = { .it_value = { .tv_usec = 30000 } };
    struct sigaction action = { .sa_handler = on_alarm };
    struct sim_stop stop;

    signalled = demo("quiet", _i ? "2" : "1");
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    ck_assert_int_eq(sim_run_until(signalled, SIM_NEVER, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_INTERRUPTED, "%s", sim_stop_word(stop.reason));
    sim_destroy(signalled);
}
END_TEST

START_TEST(an_interruption_between_runs_stops_the_next_one_at_once)
{
    struct sim *sim = demo("quiet", "1");
    struct sim_stop stop;

    ck_assert_int_eq(sim_run_steps(sim, 5000, &stop), SIM_OK);
    sim_interrupt(sim);
    ck_assert_int_eq(sim_run_steps(sim, 5000, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_INTERRUPTED);
    ck_assert_uint_eq(stop.at.step, 5000);
    ck_assert_int_eq(sim_run_steps(sim, 5000, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_STEPS);
    ck_assert_uint_eq(stop.at.step, 10000);
    sim_destroy(sim);
}
END_TEST

/* Ten a millisecond or so: the machine gets on all the same, and ends as it would have. */
static void *interrupt_often(void *arg)
{
    struct { struct sim *sim; atomic_bool *end; } *a = arg;

    while (!atomic_load(a->end)) {
        sim_interrupt(a->sim);
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    return NULL;
}

START_TEST(many_interruptions_change_nothing)
{
    struct sim *sim = demo("run=spin,race exit", "2"), *calm = demo("run=spin,race exit", "2");
    atomic_bool end = false;
    struct { struct sim *sim; atomic_bool *end; } arg = { sim, &end };
    struct sim_stop stop;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_often, &arg), 0);
    do
        ck_assert_int_eq(sim_run_until(sim, SIM_NEVER, &stop), SIM_OK);
    while (stop.reason == SIM_STOP_INTERRUPTED);
    atomic_store(&end, true);
    pthread_join(thread, NULL);
    ck_assert_int_eq(stop.reason, SIM_STOP_POWER_OFF);
    ck_assert_int_eq(sim_run_until(calm, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_POWER_OFF);
    ck_assert_uint_eq(sim_digest(sim), sim_digest(calm));
    sim_destroy(calm);
    sim_destroy(sim);
}
END_TEST

/* ---- Input from other threads ---- */

struct typist {
    struct sim *sim;
    atomic_uint answers; /* "no command" lines that were heard */
    char last[16];
    size_t kept;
};

static void on_output(void *arg, const char *channel, const void *data, size_t len)
{
    struct typist *t = arg;
    const char *bytes = data;

    if (strcmp(channel, "serial0") != 0)
        return;
    for (size_t n = 0; n < len; n++) {
        memmove(t->last, t->last + 1, 9);
        t->last[9] = bytes[n];
        if (memcmp(t->last, "no command", 10) == 0)
            atomic_fetch_add(&t->answers, 1);
    }
}

#define LINES 40

static void *type_lines(void *arg)
{
    struct typist *t = arg;

    for (unsigned n = 0; n < LINES; n++) {
        ck_assert_int_eq(sim_input_bytes(t->sim, "serial0", "xyz\n", 4), SIM_OK);
        for (unsigned wait = 0; atomic_load(&t->answers) <= n && wait < 2000; wait++)
            sleep_ms(1);
    }
    sim_interrupt(t->sim);
    return NULL;
}

START_TEST(input_comes_from_another_thread)
{
    static struct typist typist;
    struct sim *sim = demo("quiet", _i ? "2" : "1");
    struct sim_stop stop;
    uint64_t digest;
    sim_steps end;
    pthread_t thread;

    typist = (struct typist){ .sim = sim };
    sim_on_output(sim, on_output, &typist);
    ck_assert_int_eq(pthread_create(&thread, NULL, type_lines, &typist), 0);
    ck_assert_int_eq(sim_run_until(sim, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_INTERRUPTED);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(atomic_load(&typist.answers), LINES);

    /* What came when is known: the run can be gone over again. */
    ck_assert_int_eq(sim_run_steps(sim, 1000, &stop), SIM_OK);
    end = stop.at.step;
    digest = sim_digest(sim);
    ck_assert_int_eq(sim_goto(sim, end / 5, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(sim, end, &stop), SIM_OK);
    ck_assert_uint_eq(sim_digest(sim), digest);
    ck_assert_uint_eq(atomic_load(&typist.answers), LINES);
    sim_destroy(sim);
}
END_TEST

/* ---- Machines in threads ---- */

static void *live_and_die(void *arg)
{
    uint64_t *digest = arg;

    for (unsigned n = 0; n < 3; n++) {
        struct sim *sim = demo("run=ps,spin,mem", n & 1 ? "2" : "1");
        struct sim_stop stop;
        uint32_t id;

        sim_probe_add(sim, "break trap ignore 20", &id);
        sim_run_steps(sim, 1500000, &stop);
        sim_explain(sim, NULL);
        sim_goto(sim, 100000, &stop);
        sim_run_to(sim, 900000, SIM_NEVER, &stop);
        if (stop.reason == SIM_STOP_PROBE)
            sim_run_to(sim, 900000, SIM_NEVER, &stop);
        digest[n] = sim_digest(sim);
        sim_config_set(&(struct sim_config){ NULL }, "memory", "a mistake in this thread"); /* the last error is a thread's own */
        sim_destroy(sim);
    }
    return NULL;
}

START_TEST(machines_live_and_die_in_threads)
{
    enum { THREADS = 4 };
    static uint64_t digest[THREADS][3];
    pthread_t thread[THREADS];

    for (unsigned n = 0; n < THREADS; n++)
        ck_assert_int_eq(pthread_create(&thread[n], NULL, live_and_die, digest[n]), 0);
    for (unsigned n = 0; n < THREADS; n++)
        pthread_join(thread[n], NULL);
    for (unsigned n = 1; n < THREADS; n++)
        ck_assert_mem_eq(digest[n], digest[0], sizeof(digest[0]));
}
END_TEST

/* ---- From callbacks ---- */

struct caller {
    struct sim *sim;
    unsigned calls, wrong;
};

static void call_back(void *arg, const char *channel, const void *data, size_t len)
{
    struct caller *c = arg;
    struct sim_stop stop;
    uint64_t value;

    (void)channel;
    (void)data;
    (void)len;
    c->calls++;
    c->wrong += sim_run_steps(c->sim, 1, &stop) != SIM_ERR_BUSY;
    c->wrong += sim_goto(c->sim, 0, &stop) != SIM_ERR_BUSY;
    c->wrong += sim_reg_write(c->sim, 0, "eax", 1) != SIM_ERR_BUSY;
    c->wrong += sim_reg_read(c->sim, 0, "cr0", &value) != SIM_OK;
    c->wrong += sim_timeline(c->sim, false, 0) != SIM_ERR_BUSY;
}

START_TEST(a_callback_may_look_but_not_run)
{
    struct caller c = { .sim = demo("run=ps exit", "1") };
    struct sim_stop stop;

    sim_on_output(c.sim, call_back, &c);
    ck_assert_int_eq(sim_run_until(c.sim, SIM_NEVER, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_POWER_OFF);
    ck_assert_uint_gt(c.calls, 50);
    ck_assert_uint_eq(c.wrong, 0);
    sim_destroy(c.sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    SRunner *runner;
    int failed;

#define CASE(name, count)                             \
    {                                                 \
        TCase *c = tcase_create(#name);               \
                                                      \
        tcase_set_timeout(c, 120);                    \
        tcase_add_loop_test(c, name, 0, count);       \
        suite_add_tcase(suite, c);                    \
    }
    CASE(another_thread_stops_a_busy_machine, 2)
    CASE(another_thread_stops_an_idle_machine, 2)
    CASE(a_signal_handler_stops_a_machine, 2)
    CASE(an_interruption_between_runs_stops_the_next_one_at_once, 1)
    CASE(many_interruptions_change_nothing, 1)
    CASE(input_comes_from_another_thread, 2)
    CASE(machines_live_and_die_in_threads, 1)
    CASE(a_callback_may_look_but_not_run, 1)
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
