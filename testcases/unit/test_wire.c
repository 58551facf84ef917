/* Named wires: bus/device.h, "Wires". */
#include "bus/bus.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct sim_clock test_clock;
static struct sim_log test_log;
static struct bus *bus;

/* What the sinks heard, in order: "a1 b1 a0 " */
static char heard[4096];

static void setup(void)
{
    sim_clock_init(&test_clock, 1000000000);
    sim_log_init(&test_log);
    ck_assert_int_eq(bus_create(&test_clock, &test_log, &bus), SIM_OK);
    heard[0] = '\0';
}

static void teardown(void)
{
    bus_destroy(bus);
    sim_log_fini(&test_log);
    sim_clock_fini(&test_clock);
}

struct sink {
    char name;
    struct sim_wire_driver *when_high, *when_low; /* set low, or pulsed, from within the sink */
};

static void hear(void *arg, bool level)
{
    struct sink *s = arg;
    size_t n = strlen(heard);

    ck_assert_uint_lt(n + 4, sizeof(heard));
    heard[n] = s->name;
    heard[n + 1] = level ? '1' : '0';
    heard[n + 2] = ' ';
    heard[n + 3] = '\0';
    if (level && s->when_high)
        sim_wire_set(s->when_high, false);
    if (!level && s->when_low)
        sim_wire_set(s->when_low, true);
}

static struct sink *listen(const char *wire, struct sink *s)
{
    ck_assert_int_eq(bus_wire_sink(bus, wire, hear, s), SIM_OK);
    return s;
}

static struct sim_wire_driver driver(const char *wire)
{
    struct sim_wire_driver d;

    ck_assert_int_eq(bus_wire_source(bus, &d, wire), SIM_OK);
    return d;
}

START_TEST(the_level_is_the_or_of_the_drivers)
{
    struct sim_wire_driver d[3] = { driver("isa.irq5"), driver("isa.irq5"), driver("isa.irq5") };
    struct sink s = { .name = 's' };
    bool level[3] = { false, false, false };
    unsigned changes = 0;

    listen("isa.irq5", &s);
    for (unsigned i = 0; i < 200; i++) {
        bool before = level[0] | level[1] | level[2];
        unsigned which = i * 7 % 3;

        level[which] = i * i / 7 & 1;
        sim_wire_set(&d[which], level[which]);
        ck_assert_int_eq(bus_wire_level(bus, "isa.irq5"), level[0] | level[1] | level[2]);
        ck_assert_int_eq(sim_wire_level(&d[0]), level[0] | level[1] | level[2]);
        changes += before != (level[0] | level[1] | level[2]);
        ck_assert_uint_eq(strlen(heard), 3 * changes); /* sinks hear edges only */
    }
    ck_assert_uint_gt(changes, 10);
}
END_TEST

START_TEST(sinks_hear_in_order_of_joining)
{
    struct sink a = { .name = 'a' }, b = { .name = 'b' };
    struct sim_wire_driver d = driver("w");

    listen("w", &a);
    listen("w", &b);
    sim_wire_pulse(&d);
    sim_wire_pulse(&d);
    ck_assert_str_eq(heard, "a1 b1 a0 b0 a1 b1 a0 b0 ");
}
END_TEST

/* A sink that takes the wire back must not make the next one hear the edges in reverse. */
START_TEST(every_sink_hears_every_edge_in_the_same_order)
{
    struct sim_wire_driver d = driver("w");
    struct sink a = { 'a', &d, NULL }, b = { 'b', NULL, NULL };

    listen("w", &a);
    listen("w", &b);
    sim_wire_set(&d, true);
    ck_assert_str_eq(heard, "a1 b1 a0 b0 ");
    ck_assert(!bus_wire_level(bus, "w"));
}
END_TEST

START_TEST(another_wire_changed_from_a_sink_is_told_at_once)
{
    struct sim_wire_driver d = driver("w"), other = driver("other");
    struct sink a = { 'a', &other, NULL }, b = { 'b', NULL, NULL }, o = { 'o', NULL, NULL };

    sim_wire_set(&other, true);
    listen("w", &a);
    listen("w", &b);
    listen("other", &o);
    sim_wire_set(&d, true);
    ck_assert_str_eq(heard, "a1 o0 b1 ");
}
END_TEST

START_TEST(a_wire_that_never_rests_is_left_alone)
{
    struct sim_wire_driver d = driver("w");
    struct sink a = { 'a', &d, &d };

    listen("w", &a);
    sim_wire_set(&d, true);
    ck_assert_uint_lt(strlen(heard), 3 * 300);
}
END_TEST

START_TEST(an_unconnected_driver_does_nothing)
{
    struct sim_wire_driver d = { NULL, 0 };

    sim_wire_set(&d, true);
    sim_wire_pulse(&d);
    ck_assert(!sim_wire_level(&d));
    ck_assert(!bus_wire_level(bus, "no such wire"));
}
END_TEST

START_TEST(levels_are_state_and_restoring_tells_nobody)
{
    const struct sim_component *c = bus_component(bus);
    struct sim_wire_driver b = driver("b"), a[2] = { driver("a"), driver("a") };
    struct sim_buf saved = SIM_BUF_INIT, again = SIM_BUF_INIT;
    struct sink s = { .name = 's' };
    struct sim_reader r;

    sim_wire_set(&a[1], true);
    sim_fields_save(c->fields, c->object, &saved);
    listen("a", &s);
    listen("only heard", &s); /* a wire without drivers has no state */
    sim_wire_set(&a[1], false);
    sim_wire_set(&b, true);
    heard[0] = '\0';
    r = sim_reader_over(saved.data, saved.len);
    ck_assert_int_eq(sim_fields_load(c->fields, c->object, &r), SIM_OK);
    ck_assert_str_eq(heard, "");
    ck_assert(bus_wire_level(bus, "a") && !bus_wire_level(bus, "b"));
    sim_fields_save(c->fields, c->object, &again);
    ck_assert_uint_eq(saved.len, again.len);
    ck_assert_mem_eq(saved.data, again.data, saved.len);
    sim_wire_set(&a[0], true); /* a[1] still drives: no edge */
    sim_wire_set(&a[0], false);
    ck_assert_str_eq(heard, "");
    sim_wire_set(&a[1], false);
    ck_assert_str_eq(heard, "s0 ");

    driver("a"); /* another machine */
    r = sim_reader_over(saved.data, saved.len);
    ck_assert_int_eq(sim_fields_load(c->fields, c->object, &r), SIM_ERR_FORMAT);
    sim_buf_fini(&saved);
    sim_buf_fini(&again);
}
END_TEST

START_TEST(wires_are_listed_by_name)
{
    struct sim_wire_driver z = driver("z");
    struct sim_buf out = SIM_BUF_INIT;

    driver("m");
    driver("z");
    sim_wire_set(&z, true);
    bus_wires_format(bus, &out);
    ck_assert_str_eq(sim_buf_cstr(&out), "a20.gate         0\n"
                                         "m                0  machine=0\n"
                                         "z                1  machine=1, machine=0\n");
    sim_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("wire");
    TCase *t = tcase_create("wire");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_level_is_the_or_of_the_drivers);
    tcase_add_test(t, sinks_hear_in_order_of_joining);
    tcase_add_test(t, every_sink_hears_every_edge_in_the_same_order);
    tcase_add_test(t, another_wire_changed_from_a_sink_is_told_at_once);
    tcase_add_test(t, a_wire_that_never_rests_is_left_alone);
    tcase_add_test(t, an_unconnected_driver_does_nothing);
    tcase_add_test(t, levels_are_state_and_restoring_tells_nobody);
    tcase_add_test(t, wires_are_listed_by_name);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
