/* 8254 Programmable Interval Timer data sheet (231164); port 61h: 82371SB PIIX3 (290550). */
#include "testcases/unit/device_bench.h"

#include "devices/pit.h"

#define CYCLES_PER_CLOCK 10

/* Counter 2 is tested, because it has a gate. */
enum { COUNTER = 0x42, CONTROL = 0x43, PORT61 = 0x61 };
enum { LATCH = 0x80, LSB = 0x90, MSB = 0xA0, BOTH = 0xB0, BCD = 1 };
enum { READ_BACK_2 = 0xC8, NO_COUNT = 0x20, NO_STATUS = 0x10 };

static struct bench *b;
static struct bench_wire out0;

static void setup(void)
{
    b = bench_open(UINT64_C(1) * PIT_HZ * CYCLES_PER_CLOCK);
    bench_plug(b, &pit_class, "pit", NULL);
    bench_watch(b, &out0, "isa.irq0");
    bus_reset(b->bus, SIM_RESET_POWER);
    bench_run_to_tick(b, PIT_HZ, 1000);
}

static void teardown(void)
{
    bench_close(b);
}

static void clocks(uint64_t n)
{
    bench_run_to(b, b->clock.now + n * CYCLES_PER_CLOCK);
}

static void gate(bool level)
{
    outb(b, PORT61, level);
}

static bool out(void)
{
    return bus_io_peek(b->bus, PORT61, 1) & 0x20;
}

static void control(unsigned access, unsigned mode)
{
    outb(b, CONTROL, (uint8_t)(access | mode << 1));
}

static void count_lsb(uint8_t n)
{
    outb(b, COUNTER, n);
}

static void count_both(unsigned n)
{
    outb(b, COUNTER, (uint8_t)n);
    outb(b, COUNTER, (uint8_t)(n >> 8));
}

static unsigned latched(void)
{
    unsigned low;

    outb(b, CONTROL, LATCH);
    low = inb(b, COUNTER);
    return low | inb(b, COUNTER) << 8;
}

static uint8_t status(void)
{
    outb(b, CONTROL, READ_BACK_2 | NO_COUNT);
    return inb(b, COUNTER);
}

/* ---- The data sheet's timing diagrams ---- */

/* What happens before a clock: nothing, the count is written, GATE moves. */
enum { NOTHING, GATE_LOW, GATE_HIGH, COUNT };
struct before {
    unsigned clock, what, value;
};
struct after {
    unsigned count;
    bool out;
};

/* Control word and count are written before clock 0; `after` says what is there after each clock. */
static const struct diagram {
    const char *title;
    unsigned mode, count;
    bool gate;
    struct before before[4];
    struct after after[16];
} diagrams[] = {
    { "Mode 0: count of 4", 0, 4, true, { { 0 } },
      { { 4, 0 }, { 3, 0 }, { 2, 0 }, { 1, 0 }, { 0, 1 }, { 0xFFFF, 1 }, { 0xFFFE, 1 } } },
    { "Mode 0: GATE low stops the count", 0, 3, true, { { 2, GATE_LOW, 0 }, { 4, GATE_HIGH, 0 } },
      { { 3, 0 }, { 2, 0 }, { 2, 0 }, { 2, 0 }, { 1, 0 }, { 0, 1 }, { 0xFFFF, 1 } } },
    { "Mode 0: a new count while counting", 0, 3, true, { { 3, COUNT, 2 } },
      { { 3, 0 }, { 2, 0 }, { 1, 0 }, { 2, 0 }, { 1, 0 }, { 0, 1 }, { 0xFFFF, 1 } } },
    { "Mode 0: a new count after terminal count takes OUT down", 0, 1, true, { { 2, COUNT, 2 } },
      { { 1, 0 }, { 0, 1 }, { 2, 0 }, { 1, 0 }, { 0, 1 }, { 0xFFFF, 1 }, { 0xFFFE, 1 } } },
    { "Mode 1: a trigger starts, a second one starts again", 1, 3, false,
      { { 1, GATE_HIGH, 0 }, { 2, GATE_LOW, 0 }, { 3, GATE_HIGH, 0 } },
      { { 0, 1 }, { 3, 0 }, { 2, 0 }, { 3, 0 }, { 2, 0 }, { 1, 0 }, { 0, 1 }, { 0xFFFF, 1 } } },
    { "Mode 1: a new count waits for the next trigger", 1, 2, false,
      { { 0, GATE_HIGH, 0 }, { 1, COUNT, 4 }, { 4, GATE_LOW, 0 }, { 5, GATE_HIGH, 0 } },
      { { 2, 0 }, { 1, 0 }, { 0, 1 }, { 0xFFFF, 1 }, { 0xFFFE, 1 }, { 4, 0 }, { 3, 0 }, { 2, 0 } } },
    { "Mode 2: count of 3", 2, 3, true, { { 0 } },
      { { 3, 1 }, { 2, 1 }, { 1, 0 }, { 3, 1 }, { 2, 1 }, { 1, 0 }, { 3, 1 } } },
    { "Mode 2: GATE low stops, its rise loads", 2, 3, true, { { 2, GATE_LOW, 0 }, { 4, GATE_HIGH, 0 } },
      { { 3, 1 }, { 2, 1 }, { 2, 1 }, { 2, 1 }, { 3, 1 }, { 2, 1 }, { 1, 0 }, { 3, 1 } } },
    { "Mode 2: GATE low during the pulse sets OUT at once", 2, 2, true, { { 2, GATE_LOW, 0 }, { 3, GATE_HIGH, 0 } },
      { { 2, 1 }, { 1, 0 }, { 1, 1 }, { 2, 1 }, { 1, 0 }, { 2, 1 }, { 1, 0 } } },
    { "Mode 2: a new count waits for the end of the period", 2, 4, true, { { 2, COUNT, 5 } },
      { { 4, 1 }, { 3, 1 }, { 2, 1 }, { 1, 0 }, { 5, 1 }, { 4, 1 }, { 3, 1 }, { 2, 1 }, { 1, 0 } } },
    { "Mode 3: count of 4", 3, 4, true, { { 0 } },
      { { 4, 1 }, { 2, 1 }, { 4, 0 }, { 2, 0 }, { 4, 1 }, { 2, 1 }, { 4, 0 } } },
    { "Mode 3: count of 5", 3, 5, true, { { 0 } },
      { { 4, 1 }, { 2, 1 }, { 0, 1 }, { 4, 0 }, { 2, 0 }, { 4, 1 }, { 2, 1 }, { 0, 1 }, { 4, 0 } } },
    { "Mode 3: GATE low sets OUT, its rise loads", 3, 4, true, { { 3, GATE_LOW, 0 }, { 5, GATE_HIGH, 0 } },
      { { 4, 1 }, { 2, 1 }, { 4, 0 }, { 4, 1 }, { 4, 1 }, { 4, 1 }, { 2, 1 }, { 4, 0 } } },
    { "Mode 3: a new count waits for the end of the half", 3, 4, true, { { 1, COUNT, 6 } },
      { { 4, 1 }, { 2, 1 }, { 6, 0 }, { 4, 0 }, { 2, 0 }, { 6, 1 }, { 4, 1 } } },
    { "Mode 4: count of 3", 4, 3, true, { { 0 } },
      { { 3, 1 }, { 2, 1 }, { 1, 1 }, { 0, 0 }, { 0xFFFF, 1 }, { 0xFFFE, 1 }, { 0xFFFD, 1 } } },
    { "Mode 4: GATE low stops", 4, 3, false, { { 2, GATE_HIGH, 0 } },
      { { 3, 1 }, { 3, 1 }, { 2, 1 }, { 1, 1 }, { 0, 0 }, { 0xFFFF, 1 }, { 0xFFFE, 1 } } },
    { "Mode 4: a new count is loaded at once", 4, 3, true, { { 3, COUNT, 2 } },
      { { 3, 1 }, { 2, 1 }, { 1, 1 }, { 2, 1 }, { 1, 1 }, { 0, 0 }, { 0xFFFF, 1 } } },
    { "Mode 5: a trigger starts", 5, 3, false, { { 1, GATE_HIGH, 0 } },
      { { 0, 1 }, { 3, 1 }, { 2, 1 }, { 1, 1 }, { 0, 0 }, { 0xFFFF, 1 }, { 0xFFFE, 1 } } },
    { "Mode 5: a second trigger starts again", 5, 3, false,
      { { 0, GATE_HIGH, 0 }, { 1, GATE_LOW, 0 }, { 2, GATE_HIGH, 0 } },
      { { 3, 1 }, { 2, 1 }, { 3, 1 }, { 2, 1 }, { 1, 1 }, { 0, 0 }, { 0xFFFF, 1 } } },
    { "Mode 6 is mode 2", 6, 3, true, { { 0 } },
      { { 3, 1 }, { 2, 1 }, { 1, 0 }, { 3, 1 }, { 2, 1 }, { 1, 0 }, { 3, 1 } } },
    { "Mode 7 is mode 3", 7, 4, true, { { 0 } },
      { { 4, 1 }, { 2, 1 }, { 4, 0 }, { 2, 0 }, { 4, 1 }, { 2, 1 }, { 4, 0 } } },
};
#define DIAGRAMS (int)(sizeof(diagrams) / sizeof(diagrams[0]))

static void before_clock(const struct diagram *d, unsigned clock)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct before *now = &d->before[i];

        if (now->clock != clock)
            continue;
        if (now->what == GATE_LOW || now->what == GATE_HIGH)
            gate(now->what == GATE_HIGH);
        else if (now->what == COUNT)
            count_both(now->value);
    }
}

START_TEST(modes_follow_the_timing_diagrams)
{
    const struct diagram *d = &diagrams[_i];

    gate(d->gate);
    control(BOTH, d->mode);
    ck_assert_msg(out() == (d->mode != 0), "%s: OUT after the control word", d->title);
    count_both(d->count);
    for (unsigned clock = 0; clock < 7; clock++) {
        before_clock(d, clock);
        clocks(1);
        ck_assert_msg(out() == d->after[clock].out, "%s: OUT after clock %u", d->title, clock);
        ck_assert_msg(latched() == d->after[clock].count, "%s: count after clock %u", d->title, clock);
    }
}
END_TEST

/* The same in one stride: what happens in between follows without being looked at. */
START_TEST(strides_end_where_single_clocks_end)
{
    static const unsigned counts[] = { 1, 2, 3, 4, 5, 7, 100, 9999, 0 };
    const unsigned mode = (unsigned)_i / 2, format = (unsigned)_i % 2;

    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        unsigned stride = 1 + i * 37, peeked;
        bool level;

        gate(false);
        control(BOTH | format, mode);
        count_both(counts[i]);
        gate(true);
        for (unsigned s = 0; s < 30; s++) {
            uint64_t end = b->clock.now + stride * CYCLES_PER_CLOCK;
            struct sim_buf state = SIM_BUF_INIT;
            struct sim_reader in;

            sim_fields_pack(b->dev->cls->fields, b->dev, &state);
            b->clock.now = end;
            peeked = latched();
            level = out();
            b->clock.now = end - stride * CYCLES_PER_CLOCK;
            in = sim_reader_over(state.data, state.len);
            ck_assert_int_eq(sim_fields_unpack(b->dev->cls->fields, b->dev, &in), SIM_OK);
            sim_buf_fini(&state);
            for (unsigned c = 0; c < stride; c++) {
                clocks(1);
                gate(true); /* brings the counter up to date */
            }
            ck_assert_uint_eq(latched(), peeked);
            ck_assert_int_eq(out(), level);
        }
    }
}
END_TEST

/* "Mode 2": with count n, OUT is low during the last clock only; 0 stands for 65536, in BCD for 10000. */
START_TEST(the_period_of_mode_2_is_the_count)
{
    static const struct { unsigned count, format; uint64_t period; } cases[] = {
        { 2, 0, 2 }, { 3, 0, 3 }, { 0x1234, 0, 0x1234 }, { 0, 0, 65536 }, { 0x1234, BCD, 1234 }, { 0, BCD, 10000 },
        { 1, 0, 2 }, /* not allowed; counts as 2 here */
    };
    uint64_t n = cases[_i].period;

    gate(true);
    control(BOTH | cases[_i].format, 2);
    count_both(cases[_i].count);
    clocks(1);
    for (unsigned period = 0; period < 3; period++) {
        clocks(n - 2);
        ck_assert(out());
        clocks(1);
        ck_assert(!out());
        clocks(1);
        ck_assert(out());
    }
    clocks(n * 1000000007); /* a thousand hours in one stride */
    ck_assert(out());
    clocks(n - 1);
    ck_assert(!out());
}
END_TEST

/* "Mode 3": odd counts are high one clock longer. */
START_TEST(the_halves_of_mode_3)
{
    static const struct { unsigned count; uint64_t high, low; } cases[] = {
        { 2, 1, 1 }, { 3, 2, 1 }, { 0x1000, 0x800, 0x800 }, { 0x1001, 0x801, 0x800 }, { 0, 32768, 32768 },
        { 0xFFFF, 0x8000, 0x7FFF },
    };

    gate(true);
    control(BOTH, 3);
    count_both(cases[_i].count);
    clocks(1);
    for (unsigned period = 0; period < 3; period++) {
        clocks(cases[_i].high - 1);
        ck_assert(out());
        clocks(1);
        ck_assert(!out());
        clocks(cases[_i].low - 1);
        ck_assert(!out());
        clocks(1);
        ck_assert(out());
    }
}
END_TEST

START_TEST(bcd_counts_in_decades)
{
    gate(true);
    control(BOTH | BCD, 0);
    count_both(0x1000);
    clocks(2);
    ck_assert_uint_eq(latched(), 0x0999);
    clocks(999);
    ck_assert(out());
    ck_assert_uint_eq(latched(), 0x0000);
    clocks(1);
    ck_assert_uint_eq(latched(), 0x9999);
}
END_TEST

/* "Write Operations": with one byte a count, the other byte is zero. */
START_TEST(counts_of_one_byte_leave_the_other_zero)
{
    static const struct { unsigned access, count; } cases[] = { { LSB, 0x0056 }, { MSB, 0x5600 } };

    gate(true);
    control(BOTH, 0);
    count_both(0xFFFF);
    control(cases[_i].access, 0);
    count_lsb(0x56);
    clocks(cases[_i].count);
    ck_assert(!out());
    clocks(1);
    ck_assert(out());
}
END_TEST

/* "Mode 0": writing the first byte stops the count and takes OUT down. */
START_TEST(mode_0_stops_between_the_bytes_of_a_count)
{
    gate(true);
    control(BOTH, 0);
    count_both(1);
    clocks(2);
    ck_assert(out());
    count_lsb(3);
    ck_assert(!out());
    clocks(10);
    ck_assert_uint_eq(latched(), 0);
    count_lsb(0);
    clocks(4);
    ck_assert(out());
}
END_TEST

/* "Counter Latch Command": held until read; a second latch is ignored; other counters go on. */
START_TEST(a_latched_count_waits_to_be_read)
{
    gate(true);
    control(BOTH, 2);
    count_both(0x1000);
    clocks(1 + 0x10);
    outb(b, CONTROL, LATCH);
    clocks(0x20);
    outb(b, CONTROL, LATCH);
    ck_assert_uint_eq(inb(b, COUNTER), 0xF0);
    clocks(0x20);
    ck_assert_uint_eq(inb(b, COUNTER), 0x0F);
    ck_assert_uint_eq(latched(), 0x1000 - 0x50);
}
END_TEST

START_TEST(a_control_word_drops_what_was_latched)
{
    gate(true);
    control(BOTH, 2);
    count_both(0x1000);
    clocks(1);
    outb(b, CONTROL, LATCH);
    outb(b, CONTROL, READ_BACK_2 | NO_COUNT);
    control(BOTH, 0);
    count_both(0x2233);
    clocks(1);
    ck_assert_uint_eq(inb(b, COUNTER), 0x33);
    ck_assert_uint_eq(inb(b, COUNTER), 0x22);
}
END_TEST

/* "Read-Back Command": status comes first, then the count, whichever was latched first. */
START_TEST(read_back_gives_status_then_count)
{
    gate(true);
    control(BOTH, 2);
    count_both(0x1234);
    clocks(1);
    outb(b, CONTROL, READ_BACK_2);
    clocks(100);
    ck_assert_uint_eq(inb(b, COUNTER), 0x80 | 0x34);
    ck_assert_uint_eq(inb(b, COUNTER), 0x34);
    ck_assert_uint_eq(inb(b, COUNTER), 0x12);
}
END_TEST

START_TEST(read_back_reaches_several_counters)
{
    outb(b, CONTROL, 0x34);
    outb(b, CONTROL, 0x56);
    outb(b, CONTROL, 0xBB);
    outb(b, CONTROL, 0xC0 | NO_COUNT | 0x0E);
    ck_assert_uint_eq(inb(b, 0x40), 0xC0 | 0x34); /* OUT, null count, as written */
    ck_assert_uint_eq(inb(b, 0x41), 0xC0 | 0x16);
    ck_assert_uint_eq(inb(b, 0x42), 0xC0 | 0x3B);
}
END_TEST

/* "Null Count": set by control word and count, cleared when the count is loaded. */
START_TEST(null_count_says_whether_the_count_was_loaded)
{
    gate(true);
    control(BOTH, 2);
    ck_assert(status() & 0x40);
    count_both(10);
    ck_assert(status() & 0x40);
    clocks(1);
    ck_assert(!(status() & 0x40));
    count_lsb(20);
    ck_assert(!(status() & 0x40)); /* the second byte sets it */
    count_lsb(0);
    ck_assert(status() & 0x40);
    clocks(9);
    ck_assert(status() & 0x40);
    clocks(1);
    ck_assert(!(status() & 0x40));
}
END_TEST

START_TEST(the_control_port_cannot_be_read)
{
    ck_assert_uint_eq(inb(b, CONTROL), 0xFF);
}
END_TEST

START_TEST(a_count_that_is_not_allowed_is_said_once)
{
    control(BOTH, 2);
    count_both(0x0101);
    ck_assert_uint_eq(b->log_lines, 0);
    count_both(1);
    count_both(1);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

/* The line of IRQ 0 rises each time the period of mode 2 ends. */
START_TEST(out0_asks_for_interrupts_at_its_rate)
{
    outb(b, CONTROL, 0x34);
    ck_assert(out0.level);
    outb(b, 0x40, 0xA9);
    outb(b, 0x40, 0x04); /* 1193 */
    clocks(1 + 1193);
    ck_assert_uint_eq(out0.rises, 2);
    ck_assert_uint_eq(out0.last_rise, b->clock.now);
    clocks(1193 * 100 - 1);
    ck_assert_uint_eq(out0.rises, 101);
    clocks(1);
    ck_assert_uint_eq(out0.rises, 102);
}
END_TEST

START_TEST(out0_of_mode_0_rises_once)
{
    outb(b, CONTROL, 0x30);
    outb(b, 0x40, 100);
    outb(b, 0x40, 0);
    clocks(100);
    ck_assert(!out0.level);
    clocks(1);
    ck_assert(out0.level);
    clocks(1000000);
    ck_assert_uint_eq(out0.rises, 1);
    ck_assert_uint_eq(sim_clock_next(&b->clock), SIM_NEVER);
}
END_TEST

/* A counter that nothing listens to has no events. */
START_TEST(counter_2_costs_no_events)
{
    gate(true);
    control(BOTH, 3);
    count_both(2);
    ck_assert_uint_eq(sim_clock_next(&b->clock), SIM_NEVER);
}
END_TEST

START_TEST(port_61h_shows_gate_speaker_refresh_and_out2)
{
    outb(b, PORT61, 0xFF);
    ck_assert_uint_eq(inb(b, PORT61) & 0xCF, 0x0F);
    outb(b, PORT61, 0x01);
    bench_run_to_tick(b, PIT_HZ, 18 * 100);
    ck_assert_uint_eq(inb(b, PORT61), 0x01);
    clocks(17);
    ck_assert_uint_eq(inb(b, PORT61), 0x01);
    clocks(1);
    ck_assert_uint_eq(inb(b, PORT61), 0x11);
    control(LSB, 2);
    ck_assert_uint_eq(inb(b, PORT61), 0x31);
}
END_TEST

START_TEST(looking_changes_nothing)
{
    gate(true);
    control(BOTH, 2);
    count_both(0x1000);
    clocks(1);
    outb(b, CONTROL, READ_BACK_2);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(bus_io_peek(b->bus, COUNTER, 1), 0xB4);
    ck_assert_uint_eq(inb(b, COUNTER), 0xB4);
    ck_assert_uint_eq(inb(b, COUNTER), 0x00);
    ck_assert_uint_eq(bus_io_peek(b->bus, COUNTER, 1), 0x10);
    ck_assert_uint_eq(inb(b, COUNTER), 0x10);
}
END_TEST

START_TEST(all_state_is_saved)
{
    gate(true);
    control(BOTH, 3);
    count_both(0x1000);
    outb(b, CONTROL, 0x34);
    outb(b, 0x40, 0x10);
    clocks(5);
    outb(b, CONTROL, READ_BACK_2);
    bench_check_state(b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("pit");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, modes_follow_the_timing_diagrams, 0, DIAGRAMS);
    tcase_add_loop_test(t, strides_end_where_single_clocks_end, 0, 12);
    tcase_add_loop_test(t, the_period_of_mode_2_is_the_count, 0, 7);
    tcase_add_loop_test(t, the_halves_of_mode_3, 0, 6);
    tcase_add_test(t, bcd_counts_in_decades);
    tcase_add_loop_test(t, counts_of_one_byte_leave_the_other_zero, 0, 2);
    tcase_add_test(t, mode_0_stops_between_the_bytes_of_a_count);
    tcase_add_test(t, a_latched_count_waits_to_be_read);
    tcase_add_test(t, a_control_word_drops_what_was_latched);
    tcase_add_test(t, read_back_gives_status_then_count);
    tcase_add_test(t, read_back_reaches_several_counters);
    tcase_add_test(t, null_count_says_whether_the_count_was_loaded);
    tcase_add_test(t, the_control_port_cannot_be_read);
    tcase_add_test(t, a_count_that_is_not_allowed_is_said_once);
    tcase_add_test(t, out0_asks_for_interrupts_at_its_rate);
    tcase_add_test(t, out0_of_mode_0_rises_once);
    tcase_add_test(t, counter_2_costs_no_events);
    tcase_add_test(t, port_61h_shows_gate_speaker_refresh_and_out2);
    tcase_add_test(t, looking_changes_nothing);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "pit");
}
