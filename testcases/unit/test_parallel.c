/* IBM PS/2 Hardware Interface Technical Reference, "Parallel Port Controller". */
#include "testcases/unit/device_bench.h"

#include "devices/parallel.h"

enum { DATA = 0x378, STATUS = 0x379, CONTROL = 0x37A };
enum { STROBE = 0x01, NO_INIT = 0x04, SELECT = 0x08, IRQ = 0x10 };
enum { US = 1000 };

static struct bench *b;
static struct bench_wire irq;

static void setup(void)
{
    b = bench_open(1000000000);
    bench_plug(b, &parallel_class, "lpt", NULL);
    bench_watch(b, &irq, "isa.irq7");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void teardown(void)
{
    bench_close(b);
}

static void run(sim_cycles cycles)
{
    bench_run_to(b, b->clock.now + cycles);
}

static void print(char c, uint8_t control)
{
    outb(b, DATA, (uint8_t)c);
    outb(b, CONTROL, control | STROBE);
    outb(b, CONTROL, control);
}

START_TEST(a_printer_is_there_and_ready)
{
    ck_assert_uint_eq(inb(b, STATUS), 0xDF);
    ck_assert_uint_eq(inb(b, CONTROL), 0xC0);
    outb(b, DATA, 0x5A);
    ck_assert_uint_eq(inb(b, DATA), 0x5A);
}
END_TEST

START_TEST(a_byte_goes_out_at_the_strobe)
{
    outb(b, DATA, 'x');
    ck_assert_uint_eq(b->output[0].len, 0);
    print('H', NO_INIT | SELECT);
    run(10 * US);
    print('i', NO_INIT | SELECT);
    outb(b, CONTROL, NO_INIT | SELECT);
    ck_assert_uint_eq(b->output[0].len, 2);
    ck_assert_mem_eq(b->output[0].bytes, "Hi", 2);
    ck_assert_str_eq(b->output[0].channel, "parallel0");
}
END_TEST

/* Busy, then busy with ACK# low, then ready. */
START_TEST(the_printer_acknowledges)
{
    print('a', NO_INIT);
    ck_assert_uint_eq(inb(b, STATUS), 0x5F);
    run(5 * US);
    ck_assert_uint_eq(inb(b, STATUS), 0x1F);
    run(5 * US);
    ck_assert_uint_eq(inb(b, STATUS), 0xDF);
}
END_TEST

/* "Interrupt": when ACK# goes from active to inactive. */
START_TEST(the_end_of_the_acknowledge_interrupts)
{
    print('a', NO_INIT | IRQ);
    run(10 * US - 1);
    ck_assert(!irq.level);
    run(1);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, STATUS), 0xDB);
    ck_assert(!irq.level);
    print('b', NO_INIT);
    run(20 * US);
    ck_assert_uint_eq(irq.rises, 1);
}
END_TEST

START_TEST(init_resets_the_printer)
{
    print('a', NO_INIT | IRQ);
    outb(b, CONTROL, IRQ);
    ck_assert_uint_eq(inb(b, STATUS), 0xDF);
    run(20 * US);
    ck_assert(!irq.level);
}
END_TEST

START_TEST(a_strobe_while_busy_is_warned_of)
{
    print('a', NO_INIT);
    print('b', NO_INIT);
    ck_assert_uint_eq(b->output[0].len, 2);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    print('a', NO_INIT | IRQ);
    run(7 * US);
    bench_check_state(b);
    run(3 * US);
    ck_assert(irq.level);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("parallel");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_printer_is_there_and_ready);
    tcase_add_test(t, a_byte_goes_out_at_the_strobe);
    tcase_add_test(t, the_printer_acknowledges);
    tcase_add_test(t, the_end_of_the_acknowledge_interrupts);
    tcase_add_test(t, init_resets_the_printer);
    tcase_add_test(t, a_strobe_while_busy_is_warned_of);
    tcase_add_test(t, state_survives_saving_and_restoring);
    return bench_main(t, "parallel");
}
