/* The test device: what devices/pc_testdev.h says of it. */
#include "testcases/unit/device_bench.h"

#include "devices/pc_testdev.h"

enum { LINES = 0x2000, ECHO = 0xE0, FLUSH = 0xE4 };
#define MEMORY UINT64_C(0xFF000000)

static struct bench *b;
static struct bench_wire irq5, gsi20;

static void setup(void)
{
    b = bench_open(1000000000);
    bench_plug(b, &pc_testdev_class, "testdev", NULL);
    bench_watch(b, &irq5, "isa.irq5");
    bench_watch(b, &gsi20, "gsi20");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void teardown(void)
{
    bench_close(b);
}

static void write_memory(uint64_t off, uint64_t value, unsigned size)
{
    bench_txn(b, BUS_MEM_WRITE, MEMORY + off, value, size);
}

static uint64_t read_memory(uint64_t off, unsigned size)
{
    return bench_txn(b, BUS_MEM_READ, MEMORY + off, 0, size);
}

START_TEST(a_port_drives_a_line)
{
    outb(b, LINES + 5, 1);
    ck_assert(irq5.level);
    ck_assert(!gsi20.level);
    outb(b, LINES + 20, 0x80);
    ck_assert(gsi20.level);
    ck_assert_uint_eq(inb(b, LINES + 5), 1);
    outb(b, LINES + 5, 0);
    ck_assert(!irq5.level);
    ck_assert_uint_eq(inb(b, LINES + 5), 0);
    ck_assert_uint_eq(irq5.rises, 1);
}
END_TEST

/* An access of 16 bits meets two lines. */
START_TEST(wide_writes_drive_each_line)
{
    outw(b, LINES + 4, 0x0100);
    ck_assert(irq5.level);
    outl(b, LINES + 20, 1);
    ck_assert(gsi20.level);
}
END_TEST

START_TEST(reset_lowers_the_lines)
{
    outb(b, LINES + 5, 1);
    outl(b, ECHO, 0x12345678);
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert(!irq5.level);
    ck_assert_uint_eq(inl(b, ECHO), 0);
}
END_TEST

START_TEST(echo_keeps_each_width)
{
    outl(b, ECHO, 0x89ABCDEF);
    ck_assert_uint_eq(inl(b, ECHO), 0x89ABCDEF);
    outw(b, ECHO, 0x1234);
    ck_assert_uint_eq(inw(b, ECHO), 0x1234);
    ck_assert_uint_eq(inl(b, ECHO), 0x89AB1234);
    outb(b, ECHO, 0x77);
    ck_assert_uint_eq(inb(b, ECHO), 0x77);
    outb(b, ECHO + 3, 0x55);
    ck_assert_uint_eq(inl(b, ECHO), 0x55AB1277);
}
END_TEST

START_TEST(flush_keeps_its_address_apart)
{
    outl(b, ECHO, 0x01020304);
    outl(b, FLUSH, 0x00123000);
    ck_assert_uint_eq(inl(b, FLUSH), 0x00123000);
    ck_assert_uint_eq(inl(b, ECHO), 0x01020304);
}
END_TEST

START_TEST(memory_keeps_bytes)
{
    write_memory(0, 0x1122334455667788, 8);
    ck_assert_uint_eq(read_memory(0, 8), 0x1122334455667788);
    ck_assert_uint_eq(read_memory(3, 2) & 0xFFFF, 0x4455);
    write_memory(0xFFFF, 0xA5, 1);
    ck_assert_uint_eq(read_memory(0xFFFF, 1) & 0xFF, 0xA5);
    ck_assert_uint_eq(read_memory(0x10000, 1) & 0xFF, 0xFF); /* nobody there */
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    outl(b, ECHO, 0x89ABCDEF);
    outl(b, FLUSH, 0x2000);
    write_memory(4, 0x5A, 1);
    bench_check_state(b);
    ck_assert_uint_eq(inl(b, ECHO), 0x89ABCDEF);
    ck_assert_uint_eq(inl(b, FLUSH), 0x2000);
    ck_assert_uint_eq(read_memory(4, 1) & 0xFF, 0x5A);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("pc_testdev");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_port_drives_a_line);
    tcase_add_test(t, wide_writes_drive_each_line);
    tcase_add_test(t, reset_lowers_the_lines);
    tcase_add_test(t, echo_keeps_each_width);
    tcase_add_test(t, flush_keeps_its_address_apart);
    tcase_add_test(t, memory_keeps_bytes);
    tcase_add_test(t, state_survives_saving_and_restoring);
    return bench_main(t, "pc_testdev");
}
