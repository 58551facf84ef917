/* Time and events: base/clock.h. */
#include "base/clock.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 40

static struct fired {
    const struct sim_event *ev;
    sim_cycles now;
} fired[4096];
static unsigned fired_count;

static void note(void *arg)
{
    const struct sim_event *ev = arg;

    fired[fired_count++] = (struct fired){ ev, ev->clock->now };
}

static uint64_t random_state;

static uint64_t rnd(uint64_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (random_state >> 33) % below;
}

static void setup(void)
{
    fired_count = 0;
    random_state = 1;
}

START_TEST(equal_deadlines_fire_by_component_then_number)
{
    static const unsigned order_of_arming[][6] = { { 0, 1, 2, 3, 4, 5 }, { 5, 4, 3, 2, 1, 0 }, { 3, 0, 5, 1, 4, 2 } };
    struct sim_event ev[6];
    struct sim_clock clock;

    sim_clock_init(&clock, 1000);
    for (unsigned i = 0; i < 6; i++)
        sim_event_init(&ev[i], &clock, i / 2, i % 2, note, &ev[i]);
    for (unsigned i = 0; i < 6; i++)
        sim_event_at(&ev[order_of_arming[_i][i]], 50);
    sim_clock_advance(&clock, 49);
    ck_assert_uint_eq(fired_count, 0);
    sim_clock_advance(&clock, 50);
    ck_assert_uint_eq(fired_count, 6);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_ptr_eq(fired[i].ev, &ev[i]);
    sim_clock_fini(&clock);
}
END_TEST

/* Against a model that looks at all events each time. */
START_TEST(the_queue_agrees_with_a_plain_list)
{
    struct sim_event ev[EVENTS];
    sim_cycles deadline[EVENTS];
    struct sim_clock clock;

    random_state = (uint64_t)_i;
    sim_clock_init(&clock, 1000);
    for (unsigned i = 0; i < EVENTS; i++) {
        sim_event_init(&ev[i], &clock, i % 7, i, note, &ev[i]);
        deadline[i] = SIM_NEVER;
    }
    for (unsigned step = 0; step < 2000; step++) {
        unsigned i = (unsigned)rnd(EVENTS);
        sim_cycles next = SIM_NEVER, before = sim_clock_next(&clock), until;

        clock.moved = false;
        deadline[i] = rnd(4) ? clock.now + rnd(100) : SIM_NEVER;
        sim_event_at(&ev[i], deadline[i]);
        for (unsigned j = 0; j < EVENTS; j++) {
            ck_assert_uint_eq(ev[j].deadline, deadline[j]);
            next = deadline[j] < next ? deadline[j] : next;
        }
        ck_assert_uint_eq(sim_clock_next(&clock), next);
        ck_assert_int_eq(clock.moved, before != next);
        until = clock.now + rnd(20);
        fired_count = 0;
        sim_clock_advance(&clock, until);
        ck_assert_uint_eq(clock.now, until);
        for (unsigned f = 0; f < fired_count; f++) {
            unsigned best = EVENTS;

            for (unsigned j = 0; j < EVENTS; j++)
                if (deadline[j] <= until &&
                    (best == EVENTS || deadline[j] < deadline[best] ||
                     (deadline[j] == deadline[best] &&
                      (j % 7 < best % 7 || (j % 7 == best % 7 && j < best)))))
                    best = j;
            ck_assert_ptr_eq(fired[f].ev, &ev[best]);
            ck_assert_uint_eq(fired[f].now, deadline[best]);
            deadline[best] = SIM_NEVER;
        }
    }
    sim_clock_fini(&clock);
    for (unsigned i = 0; i < EVENTS; i++)
        ck_assert(ev[i].deadline == SIM_NEVER && ev[i].slot == 0);
}
END_TEST

struct periodic {
    struct sim_event ev;
    sim_cycles period;
    unsigned count;
};

static void again(void *arg)
{
    struct periodic *p = arg;

    p->count++;
    sim_event_at(&p->ev, p->ev.clock->now + p->period);
}

START_TEST(a_period_of_0_does_not_stop_time)
{
    struct periodic p = { .period = 0 };
    struct sim_clock clock;

    sim_clock_init(&clock, 1000);
    sim_event_init(&p.ev, &clock, 0, 0, again, &p);
    sim_event_at(&p.ev, 10);
    sim_clock_advance(&clock, 19);
    ck_assert_uint_eq(p.count, 10);
    ck_assert_uint_eq(p.ev.deadline, 20);
    sim_clock_fini(&clock);
}
END_TEST

START_TEST(a_passed_deadline_fires_without_setting_time_back)
{
    struct sim_event ev;
    struct sim_clock clock;

    sim_clock_init(&clock, 1000);
    sim_event_init(&ev, &clock, 0, 0, note, &ev);
    sim_clock_advance(&clock, 100);
    sim_event_at(&ev, 40);
    ck_assert_uint_eq(sim_clock_next(&clock), 40);
    sim_clock_advance(&clock, 100);
    ck_assert_uint_eq(fired_count, 1);
    ck_assert_uint_eq(fired[0].now, 100);
    sim_clock_fini(&clock);
}
END_TEST

/* 8254 at 1.193182 MHz, RTC at 32768 Hz, 8 MHz BCLK, under CPU clocks from 1 MHz to 5 GHz. */
START_TEST(ticks_and_cycles_are_inverse)
{
    static const uint64_t cpu_hz[] = { 1000000, 1193182, 33333333, 1000000000, 2999999999u, 5000000000u };
    static const uint64_t part_hz[] = { 1, 32768, 115200, 1193182, 8000000, 14318180 };
    static const uint64_t ticks[] = { 0, 1, 2, 3, 65535, 1000003, 123456789012u };

    for (unsigned c = 0; c < 6; c++) {
        for (unsigned p = 0; p < 6; p++) {
            struct sim_clock clock;

            sim_clock_init(&clock, cpu_hz[c]);
            for (unsigned t = 0; t < 7; t++) {
                sim_cycles at = sim_cycle_of(&clock, part_hz[p], ticks[t]);

                if (at == SIM_NEVER)
                    continue; /* centuries */
                if (part_hz[p] <= cpu_hz[c])
                    ck_assert_uint_eq(sim_ticks_at(&clock, part_hz[p], at), ticks[t]);
                if (at)
                    ck_assert_uint_lt(sim_ticks_at(&clock, part_hz[p], at - 1), ticks[t]);
            }
            sim_clock_fini(&clock);
        }
    }
}
END_TEST

START_TEST(what_does_not_fit_is_never)
{
    struct sim_clock clock;

    sim_clock_init(&clock, 1000000000);
    ck_assert_uint_eq(sim_cycle_of(&clock, 1, UINT64_MAX), SIM_NEVER);
    ck_assert_uint_eq(sim_cycle_of(&clock, 0, 1), SIM_NEVER);
    ck_assert_uint_eq(sim_cycle_of(&clock, 0, 0), 0);
    ck_assert_uint_eq(sim_ticks_at(&clock, 0, 12345), 0);
    ck_assert_uint_eq(sim_ticks_at(&clock, UINT64_MAX, UINT64_MAX), UINT64_MAX);
    ck_assert_uint_eq(sim_ns_to_cycles(&clock, 1000), 1000);
    clock.freq_hz = 1;
    ck_assert_uint_eq(sim_ns_to_cycles(&clock, 1), 1); /* rounded up */
    ck_assert_uint_eq(sim_ns_to_cycles(&clock, 1000000001), 2);
    sim_clock_fini(&clock);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_loop_test(t, equal_deadlines_fire_by_component_then_number, 0, 3);
    tcase_add_loop_test(t, the_queue_agrees_with_a_plain_list, 0, 8);
    tcase_add_test(t, a_period_of_0_does_not_stop_time);
    tcase_add_test(t, a_passed_deadline_fires_without_setting_time_back);
    tcase_add_test(t, ticks_and_cycles_are_inverse);
    tcase_add_test(t, what_does_not_fit_is_never);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
