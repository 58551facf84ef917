/* Port 92h: 82371AB PIIX4 (290562), "PORT 92". The others: devices/sysctl.h. */
#include "testcases/unit/device_bench.h"

#include "devices/sysctl.h"

static struct bench *b;
static struct bench_wire a20, init;

static void setup(void)
{
    b = bench_open(1000000000);
    bench_plug(b, &sysctl_class, "sysctl", NULL);
    bench_watch(b, &a20, "a20.gate");
    bench_watch(b, &init, "cpu.init");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void teardown(void)
{
    bench_close(b);
}

static void check_output(const char *channel, const char *text)
{
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(b->output[i].channel, channel))
            continue;
        ck_assert_uint_eq(b->output[i].len, strlen(text));
        ck_assert_mem_eq(b->output[i].bytes, text, strlen(text));
        return;
    }
    ck_abort_msg("nothing went to %s", channel);
}

static void write_text(uint16_t port, const char *text)
{
    for (; *text; text++)
        outb(b, port, (uint8_t)*text);
}

START_TEST(port_92h_gates_a20)
{
    outb(b, 0x92, 0x02);
    ck_assert(a20.level);
    ck_assert_uint_eq(inb(b, 0x92), 0x02);
    outb(b, 0x92, 0x00);
    ck_assert(!a20.level);
}
END_TEST

START_TEST(init_pulses_when_its_bit_rises)
{
    outb(b, 0x92, 0x01);
    ck_assert_uint_eq(init.rises, 1);
    ck_assert(!init.level);
    outb(b, 0x92, 0x01);
    ck_assert_uint_eq(init.rises, 1);
    outb(b, 0x92, 0x00);
    outb(b, 0x92, 0x03);
    ck_assert_uint_eq(init.rises, 2);
}
END_TEST

START_TEST(the_post_code_is_told_and_remembered)
{
    write_text(0x80, "AB");
    check_output("post", "AB");
    ck_assert_uint_eq(inb(b, 0x80), 'B');
}
END_TEST

START_TEST(consoles_say_that_they_are_there)
{
    static const struct { uint16_t port; const char *channel; } cases[] = { { 0xE9, "debug" }, { 0x402, "firmware" } };

    ck_assert_uint_eq(inb(b, cases[_i].port), 0xE9);
    write_text(cases[_i].port, "hello");
    check_output(cases[_i].channel, "hello");
}
END_TEST

START_TEST(debug_exit_takes_any_size)
{
    outb(b, 0xF4, 0x21);
    ck_assert_uint_eq(b->exit_code, 0x21);
    outw(b, 0xF4, 0x1234);
    ck_assert_uint_eq(b->exit_code, 0x1234);
    outl(b, 0xF4, 0x12345678);
    ck_assert_uint_eq(b->exit_code, 0x12345678);
    ck_assert_uint_eq(b->exits, 3);
}
END_TEST

START_TEST(the_word_shutdown_switches_off)
{
    static const struct { const char *text; unsigned power_offs; } cases[] = {
        { "Shutdown", 1 }, { "ShutShutdown", 1 }, { "SShutdown", 1 }, { "shutdown", 0 }, { "Shutdow", 0 },
        { "ShutdownShutdown", 2 },
    };

    write_text(0x8900, cases[_i].text);
    ck_assert_uint_eq(b->power_offs, cases[_i].power_offs);
}
END_TEST

START_TEST(all_state_is_saved)
{
    outb(b, 0x92, 0x02);
    outb(b, 0x80, 0x55);
    write_text(0x8900, "Shut");
    bench_check_state(b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("sysctl");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, port_92h_gates_a20);
    tcase_add_test(t, init_pulses_when_its_bit_rises);
    tcase_add_test(t, the_post_code_is_told_and_remembered);
    tcase_add_loop_test(t, consoles_say_that_they_are_there, 0, 2);
    tcase_add_test(t, debug_exit_takes_any_size);
    tcase_add_loop_test(t, the_word_shutdown_switches_off, 0, 6);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "sysctl");
}
