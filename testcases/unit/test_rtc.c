/* Motorola MC146818A data sheet; CMOS bytes as firmware reads them. */
#include "testcases/unit/device_bench.h"

#include "devices/rtc.h"

#define HZ 32768
enum { A = 0x0A, B = 0x0B, C = 0x0C, D = 0x0D };
enum { SET = 0x80, PIE = 0x40, AIE = 0x20, UIE = 0x10, DM = 0x04, H24 = 0x02 };
enum { IRQF = 0x80, PF = 0x40, AF = 0x20, UF = 0x10, UIP = 0x80 };

static struct bench *b;
static struct bench_wire irq8;

static void open_with(const char *const *properties)
{
    b = bench_open(HZ * 100);
    bench_plug(b, &rtc_class, "rtc", properties);
    bench_watch(b, &irq8, "isa.irq8");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void setup(void)
{
    open_with(NULL);
}

static void teardown(void)
{
    bench_close(b);
}

static uint8_t cmos(uint8_t where)
{
    outb(b, 0x70, where);
    return inb(b, 0x71);
}

static void cmos_write(uint8_t where, uint8_t value)
{
    outb(b, 0x70, where);
    outb(b, 0x71, value);
}

static void run_ticks(uint64_t n)
{
    bench_run_to(b, b->clock.now + n * 100);
}

static void run_seconds(uint64_t n)
{
    run_ticks(n * HZ);
}

/* Sets day and time as bytes, with the clock stopped, in the format that B names. */
static void set_clock(uint8_t format, const uint8_t t[7])
{
    static const uint8_t where[7] = { 9, 8, 7, 6, 4, 2, 0 }; /* year month day weekday hours minutes seconds */

    cmos_write(B, SET | format);
    for (unsigned i = 0; i < 7; i++)
        cmos_write(where[i], t[i]);
    cmos_write(B, format);
}

static void check_clock(const uint8_t t[7])
{
    static const uint8_t where[7] = { 9, 8, 7, 6, 4, 2, 0 };

    for (unsigned i = 0; i < 7; i++)
        ck_assert_msg(cmos(where[i]) == t[i], "byte %u: %02x, not %02x", where[i], cmos(where[i]), t[i]);
}

/* ---- The calendar ---- */

START_TEST(the_clock_starts_at_the_date_given)
{
    static const struct { const char *date; uint8_t century, t[7]; } cases[] = {
        { "1577836800", 0x20, { 0x20, 0x01, 0x01, 4, 0x00, 0x00, 0x00 } },  /* Wednesday */
        { "0", 0x19, { 0x70, 0x01, 0x01, 5, 0x00, 0x00, 0x00 } },           /* Thursday */
        { "951782399", 0x20, { 0x00, 0x02, 0x28, 2, 0x23, 0x59, 0x59 } },   /* Monday */
        { "951782400", 0x20, { 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00 } },
        { "1709251199", 0x20, { 0x24, 0x02, 0x29, 5, 0x23, 0x59, 0x59 } },
        { "4107542399", 0x21, { 0x00, 0x02, 0x28, 1, 0x23, 0x59, 0x59 } },  /* 2100 is no leap year */
        { "4107542400", 0x21, { 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00 } },
        { "253402300799", 0x99, { 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59 } },
    };

    bench_close(b);
    open_with((const char *const[]){ "date", cases[_i].date, NULL });
    check_clock(cases[_i].t);
    ck_assert_uint_eq(cmos(0x32), cases[_i].century);
}
END_TEST

START_TEST(time_goes_on)
{
    static const struct { uint8_t format, from[7]; uint64_t seconds; uint8_t to[7]; } cases[] = {
        { H24, { 0x20, 0x01, 0x01, 4, 0x00, 0x00, 0x00 }, 1, { 0x20, 0x01, 0x01, 4, 0x00, 0x00, 0x01 } },
        { H24, { 0x20, 0x01, 0x01, 4, 0x00, 0x00, 0x59 }, 1, { 0x20, 0x01, 0x01, 4, 0x00, 0x01, 0x00 } },
        { H24, { 0x20, 0x01, 0x01, 4, 0x09, 0x59, 0x59 }, 1, { 0x20, 0x01, 0x01, 4, 0x10, 0x00, 0x00 } },
        { H24, { 0x99, 0x12, 0x31, 7, 0x23, 0x59, 0x59 }, 1, { 0x00, 0x01, 0x01, 1, 0x00, 0x00, 0x00 } },
        { H24, { 0x23, 0x02, 0x28, 3, 0x23, 0x59, 0x59 }, 1, { 0x23, 0x03, 0x01, 4, 0x00, 0x00, 0x00 } },
        { H24, { 0x24, 0x02, 0x28, 4, 0x23, 0x59, 0x59 }, 1, { 0x24, 0x02, 0x29, 5, 0x00, 0x00, 0x00 } },
        { H24, { 0x24, 0x04, 0x30, 3, 0x12, 0x00, 0x00 }, 86400, { 0x24, 0x05, 0x01, 4, 0x12, 0x00, 0x00 } },
        { H24, { 0x20, 0x01, 0x01, 4, 0x00, 0x00, 0x00 }, 366 * 86400, { 0x21, 0x01, 0x01, 6, 0x00, 0x00, 0x00 } },
        { H24 | DM, { 20, 1, 1, 4, 9, 59, 59 }, 1, { 20, 1, 1, 4, 10, 0, 0 } },
        { H24 | DM, { 20, 12, 31, 7, 23, 59, 59 }, 3601, { 21, 1, 1, 1, 1, 0, 0 } },
        /* 12 hours: 12 AM is midnight, bit 7 is PM. */
        { 0, { 0x20, 0x01, 0x01, 4, 0x11, 0x59, 0x59 }, 1, { 0x20, 0x01, 0x01, 4, 0x92, 0x00, 0x00 } },
        { 0, { 0x20, 0x01, 0x01, 4, 0x92, 0x59, 0x59 }, 1, { 0x20, 0x01, 0x01, 4, 0x81, 0x00, 0x00 } },
        { 0, { 0x20, 0x01, 0x01, 4, 0x91, 0x59, 0x59 }, 1, { 0x20, 0x01, 0x02, 5, 0x12, 0x00, 0x00 } },
        { 0, { 0x20, 0x01, 0x01, 4, 0x12, 0x59, 0x59 }, 1, { 0x20, 0x01, 0x01, 4, 0x01, 0x00, 0x00 } },
        { DM, { 20, 1, 1, 4, 0x80 | 11, 59, 59 }, 1, { 20, 1, 2, 5, 12, 0, 0 } },
        /* Out of range: rolls over at the carry. */
        { H24 | DM, { 20, 1, 1, 4, 0, 75, 59 }, 1, { 20, 1, 1, 4, 1, 0, 0 } },
    };

    set_clock(cases[_i].format, cases[_i].from);
    run_seconds(cases[_i].seconds);
    check_clock(cases[_i].to);
}
END_TEST

START_TEST(one_stride_ends_where_many_seconds_end)
{
    static const uint8_t start[7] = { 0x23, 0x12, 0x31, 1, 0x22, 0x50, 0x30 };
    uint8_t end[7];
    static const uint8_t where[7] = { 9, 8, 7, 6, 4, 2, 0 };
    const unsigned seconds = 5000;

    set_clock(H24, start);
    for (unsigned i = 0; i < seconds; i++) {
        run_seconds(1);
        cmos(0);
    }
    for (unsigned i = 0; i < 7; i++)
        end[i] = cmos(where[i]);
    set_clock(H24, start);
    run_seconds(seconds);
    check_clock(end);
}
END_TEST

START_TEST(the_century_turns)
{
    bench_close(b);
    open_with((const char *const[]){ "date", "946684799", NULL });
    ck_assert_uint_eq(cmos(0x32), 0x19);
    run_seconds(1);
    ck_assert_uint_eq(cmos(9), 0x00);
    ck_assert_uint_eq(cmos(0x32), 0x20);
}
END_TEST

/* "SET": no updates; the divider goes on, so that the next second comes at its time. */
START_TEST(set_stops_the_updates)
{
    run_ticks(HZ / 2);
    cmos_write(B, SET | H24);
    run_seconds(10);
    ck_assert_uint_eq(cmos(0), 0x00);
    ck_assert_uint_eq(cmos(C) & UF, 0);
    cmos_write(B, H24);
    run_ticks(HZ / 2 - 1);
    ck_assert_uint_eq(cmos(0), 0x00);
    run_ticks(1);
    ck_assert_uint_eq(cmos(0), 0x01);
}
END_TEST

/* "Divider Control": the first update comes half a second after the divider is released. */
START_TEST(the_divider_can_be_held)
{
    cmos_write(A, 0x76);
    run_seconds(100);
    ck_assert_uint_eq(cmos(0), 0x00);
    cmos_write(A, 0x26);
    run_ticks(HZ / 2 - 1);
    ck_assert_uint_eq(cmos(0), 0x00);
    run_ticks(1);
    ck_assert_uint_eq(cmos(0), 0x01);
}
END_TEST

/* "Update Cycle": UIP is set 244 us before an update of 1984 us. */
START_TEST(uip_announces_the_update)
{
    run_ticks(HZ - 74);
    ck_assert_uint_eq(cmos(A), 0x26);
    run_ticks(1);
    ck_assert_uint_eq(cmos(A), 0x26 | UIP);
    run_ticks(72);
    ck_assert_uint_eq(cmos(A), 0x26 | UIP);
    ck_assert_uint_eq(cmos(0), 0x00);
    run_ticks(1);
    ck_assert_uint_eq(cmos(A), 0x26);
    ck_assert_uint_eq(cmos(0), 0x01);
    cmos_write(B, SET | H24);
    run_ticks(HZ - 1);
    ck_assert_uint_eq(cmos(A), 0x26);
}
END_TEST

/* ---- Interrupts ---- */

/* "Periodic Interrupt Rate and Square Wave Output Frequency", 32.768 kHz. */
START_TEST(the_periodic_interrupt_has_fifteen_rates)
{
    static const uint32_t ticks[16] = { 0, 128, 256, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384 };

    cmos_write(A, 0x20 | (uint8_t)_i);
    cmos_write(B, PIE | H24);
    if (_i == 0) {
        ck_assert_uint_eq(sim_clock_next(&b->clock), SIM_NEVER);
        return;
    }
    for (unsigned n = 1; n <= 3; n++) {
        run_ticks(ticks[_i] - 1);
        ck_assert(!irq8.level);
        run_ticks(1);
        ck_assert(irq8.level);
        ck_assert_uint_eq(cmos(C) & (IRQF | PF), IRQF | PF);
        ck_assert(!irq8.level);
    }
}
END_TEST

START_TEST(flags_come_without_their_enables_but_do_not_interrupt)
{
    run_seconds(1);
    ck_assert_uint_eq(bus_io_peek(b->bus, 0x71, 1), 0x01);
    ck_assert_uint_eq(cmos(C), PF | UF);
    ck_assert_uint_eq(cmos(C), 0);
    ck_assert_uint_eq(irq8.rises, 0);
}
END_TEST

START_TEST(an_update_interrupts_when_it_ends)
{
    cmos_write(B, UIE | H24);
    run_ticks(HZ - 1);
    ck_assert(!irq8.level);
    run_ticks(1);
    ck_assert(irq8.level);
    run_seconds(5);
    ck_assert_uint_eq(irq8.rises, 1); /* until C is read */
    ck_assert_uint_eq(cmos(C) & (IRQF | UF), IRQF | UF);
    run_seconds(1);
    ck_assert_uint_eq(irq8.rises, 2);
    cmos_write(B, SET | UIE | H24); /* clears UIE */
    ck_assert_uint_eq(cmos(B), SET | H24);
    ck_assert(!irq8.level);
}
END_TEST

/* "Alarm": two top bits set are "don't care". */
START_TEST(the_alarm_comes_at_its_time)
{
    static const struct { uint8_t format, hours, minutes, seconds; uint32_t first, next; } cases[] = {
        { H24, 0x01, 0x02, 0x03, 3723, 86400 },
        { H24, 0x00, 0x00, 0x00, 86400, 86400 },
        { H24, 0xC0, 0x30, 0x00, 1800, 3600 },
        { H24, 0xFF, 0xFF, 0x10, 10, 60 },
        { H24, 0xC0, 0xC0, 0xC0, 1, 1 },
        { H24 | DM, 23, 59, 59, 86399, 86400 },
        { 0, 0x81, 0x00, 0x00, 46800, 86400 }, /* 1 PM */
        { H24, 0x05, 0xFF, 0x00, 18000, 60 },
        { H24, 0x25, 0x00, 0x00, 0, 0 },
    };
    static const uint8_t midnight[2][7] = { { 0x20, 0x01, 0x01, 4, 0x00, 0, 0 }, { 0x20, 0x01, 0x01, 4, 0x12, 0, 0 } };

    set_clock(cases[_i].format, midnight[!(cases[_i].format & H24)]);
    cmos_write(5, cases[_i].hours);
    cmos_write(3, cases[_i].minutes);
    cmos_write(1, cases[_i].seconds);
    cmos(C);
    cmos_write(B, AIE | cases[_i].format);
    if (cases[_i].first == 0) {
        ck_assert_uint_eq(sim_clock_next(&b->clock), SIM_NEVER);
        return;
    }
    run_seconds(cases[_i].first - 1);
    ck_assert(!irq8.level);
    run_seconds(1);
    ck_assert(irq8.level);
    ck_assert_uint_eq(cmos(C) & (IRQF | AF), IRQF | AF);
    run_seconds(cases[_i].next - 1);
    ck_assert(!irq8.level);
    run_seconds(1);
    ck_assert(irq8.level);
}
END_TEST

START_TEST(an_alarm_that_passed_unseen_is_in_register_c)
{
    cmos_write(5, 0x01);
    cmos_write(3, 0x00);
    cmos_write(1, 0x00);
    cmos(C);
    run_seconds(3599);
    ck_assert_uint_eq(cmos(C) & AF, 0);
    run_seconds(1000);
    ck_assert_uint_eq(cmos(C) & AF, AF);
}
END_TEST

/* ---- Memory ---- */

START_TEST(register_d_says_that_time_is_valid)
{
    cmos_write(D, 0x00);
    ck_assert_uint_eq(cmos(D), 0x80);
}
END_TEST

START_TEST(memory_keeps_its_bytes_in_two_banks)
{
    cmos_write(0x40, 0x11);
    outb(b, 0x72, 0x40);
    outb(b, 0x73, 0x22);
    ck_assert_uint_eq(cmos(0x40), 0x11);
    ck_assert_uint_eq(cmos(0xC0), 0x11); /* bit 7 is the NMI mask */
    ck_assert_uint_eq(inb(b, 0x73), 0x22);
    ck_assert_uint_eq(inb(b, 0x70), 0xFF);
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert_uint_eq(cmos(0x40), 0x11);
}
END_TEST

/* "RESET": interrupts off, time kept. */
START_TEST(a_reset_stops_interrupts_not_time)
{
    cmos_write(B, PIE | AIE | UIE | H24);
    run_seconds(2);
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert(!irq8.level);
    ck_assert_uint_eq(cmos(B), H24);
    ck_assert_uint_eq(cmos(C), 0);
    run_seconds(1);
    ck_assert_uint_eq(cmos(0), 0x03);
}
END_TEST

static unsigned word(uint8_t low)
{
    return cmos(low) | cmos(low + 1) << 8;
}

START_TEST(memory_size_is_told_three_ways)
{
    static const struct { const char *ram; unsigned kib, units_above_16m, units_above_4g; } cases[] = {
        { "1048576", 0, 0, 0 },
        { "16777216", 15360, 0, 0 },
        { "134217728", 65535, 1792, 0 },
        { "3758096384", 65535, 57088, 0 },
        { "8589934592", 65535, 57088, 73728 },
    };

    bench_close(b);
    open_with((const char *const[]){ "ram_bytes", cases[_i].ram, NULL });
    ck_assert_uint_eq(word(0x15), 640);
    ck_assert_uint_eq(word(0x17), cases[_i].kib);
    ck_assert_uint_eq(word(0x30), cases[_i].kib);
    ck_assert_uint_eq(word(0x34), cases[_i].units_above_16m);
    ck_assert_uint_eq(word(0x5B) | cmos(0x5D) << 16, cases[_i].units_above_4g);
}
END_TEST

START_TEST(the_rest_of_the_machine_is_told)
{
    uint16_t sum = 0;

    bench_close(b);
    open_with((const char *const[]){ "cpus", "4", "boot_order", "0x213", "floppy_types", "0x44", "disks", "3", NULL });
    ck_assert_uint_eq(cmos(0x5F), 3);
    ck_assert_uint_eq(cmos(0x3D), 0x13);
    ck_assert_uint_eq(cmos(0x38), 0x20);
    ck_assert_uint_eq(cmos(0x10), 0x44);
    ck_assert_uint_eq(cmos(0x12), 0xFF);
    ck_assert_uint_eq(cmos(0x14), 0x47);
    ck_assert_uint_eq(cmos(0x39), 0x55);
    for (uint8_t i = 0x10; i < 0x2E; i++)
        sum += cmos(i);
    ck_assert_uint_eq(cmos(0x2E) << 8 | cmos(0x2F), sum);
}
END_TEST

START_TEST(all_state_is_saved)
{
    cmos_write(B, PIE | UIE | H24);
    run_ticks(12345);
    cmos_write(0x40, 0x99);
    bench_check_state(b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("rtc");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, the_clock_starts_at_the_date_given, 0, 8);
    tcase_add_loop_test(t, time_goes_on, 0, 16);
    tcase_add_test(t, one_stride_ends_where_many_seconds_end);
    tcase_add_test(t, the_century_turns);
    tcase_add_test(t, set_stops_the_updates);
    tcase_add_test(t, the_divider_can_be_held);
    tcase_add_test(t, uip_announces_the_update);
    tcase_add_loop_test(t, the_periodic_interrupt_has_fifteen_rates, 0, 16);
    tcase_add_test(t, flags_come_without_their_enables_but_do_not_interrupt);
    tcase_add_test(t, an_update_interrupts_when_it_ends);
    tcase_add_loop_test(t, the_alarm_comes_at_its_time, 0, 9);
    tcase_add_test(t, an_alarm_that_passed_unseen_is_in_register_c);
    tcase_add_test(t, register_d_says_that_time_is_valid);
    tcase_add_test(t, memory_keeps_its_bytes_in_two_banks);
    tcase_add_test(t, a_reset_stops_interrupts_not_time);
    tcase_add_loop_test(t, memory_size_is_told_three_ways, 0, 5);
    tcase_add_test(t, the_rest_of_the_machine_is_told);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "rtc");
}
