/*
 * testcases/guests/long in a whole machine: what it says, how it ends, and that going back and running again ends the same.
 */
#include "testcases/machine/bench.h"

static const char *const expected = "long: 64-bit mode\nlong: SYSCALL from level 3\nlong: INT from level 3\nlong: page fault at 0000000000180000\n"
                                    "long: double fault on IST1\n";

struct said {
    char text[1024];
    size_t len;
};

static void keep(void *arg, const char *channel, const void *data, size_t len)
{
    struct said *h = arg;

    if (strcmp(channel, "serial0") != 0 || len > sizeof(h->text) - 1 - h->len)
        return;
    memcpy(h->text + h->len, data, len);
    h->text[h->len += len] = 0;
}

static struct sim *machine(const char *model, const char *timeline)
{
    char path[512];
    const char *options[] = { "image", guest_path(path, sizeof(path), "long/long.elf"), "memory", "16", "cpu", model, "timeline", timeline, NULL };

    return machine_from(options);
}

START_TEST(the_guest_says_what_it_met_and_ends_with_what_it_counted)
{
    static const char *const models[] = { "max", "core2", "nehalem", "haswell" };
    struct said said = { .len = 0 };
    struct sim *sim = machine(models[_i], "off");
    struct sim_stop stop;

    sim_on_output(sim, keep, &said);
    ck_assert_int_eq(sim_run_steps(sim, 10000000, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_EXIT, "%s: %s", sim_stop_word(stop.reason), stop.text);
    ck_assert_str_eq(said.text, expected);
    ck_assert_uint_eq(stop.code, 42);
    sim_destroy(sim);
}
END_TEST

START_TEST(a_processor_without_long_mode_does_not_enter_it)
{
    struct sim *sim = machine("pentium3", "off");
    struct sim_stop stop;

    ck_assert_int_eq(sim_run_steps(sim, 10000000, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_TRIPLE_FAULT); /* there is no EFER, and no IDT yet */
    ck_assert(strstr(sim_explain(sim, &stop), "GP-MSR-UNKNOWN") != NULL);
    sim_destroy(sim);
}
END_TEST

START_TEST(going_back_and_on_ends_the_same)
{
    struct sim *sim = machine("max", "on");
    struct sim_stop stop;
    uint64_t digest;

    ck_assert_int_eq(sim_run_steps(sim, 10000000, &stop), SIM_OK);
    ck_assert_int_eq(stop.reason, SIM_STOP_EXIT);
    digest = sim_digest(sim);
    for (sim_steps back = 1; back < stop.at.step; back *= 7) {
        struct sim_stop again;

        ck_assert_int_eq(sim_reverse_steps(sim, back, &again), SIM_OK);
        ck_assert_int_eq(sim_run_steps(sim, back, &again), SIM_OK);
        ck_assert_uint_eq(again.at.step, stop.at.step);
        ck_assert_uint_eq(sim_digest(sim), digest);
    }
    sim_destroy(sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long guest");
    TCase *t = tcase_create("long guest");

    tcase_add_loop_test(t, the_guest_says_what_it_met_and_ends_with_what_it_counted, 0, 4);
    tcase_add_test(t, a_processor_without_long_mode_does_not_enter_it);
    tcase_add_test(t, going_back_and_on_ends_the_same);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
