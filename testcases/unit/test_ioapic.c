/* 82093AA I/O Advanced Programmable Interrupt Controller data sheet (290566). */
#include "testcases/unit/device_bench.h"

#include "devices/ioapic.h"

#define BASE 0xFEC00000u
enum { ID = 0, VERSION = 1, ARBITRATION = 2, TABLE = 0x10 };
enum { MASKED = 1 << 16, LEVEL = 1 << 15, IRR = 1 << 14, LOW_ACTIVE = 1 << 13, LOGICAL = 1 << 11 };
enum { FIXED = 0 << 8, LOWEST = 1 << 8, SMI = 2 << 8, NMI = 4 << 8, INIT = 5 << 8, EXTINT = 7 << 8 };

static struct bench *b;
static struct sim_apic_message last;
static unsigned messages;

static void hear(void *arg, const struct sim_apic_message *msg)
{
    last = *msg;
    messages++;
}

static bool matches(void *arg, const struct sim_apic_message *msg)
{
    return true;
}

static unsigned priority(void *arg)
{
    return 0;
}

static struct bus_apic_port lapic = { .message = hear, .matches = matches, .priority = priority };

static void open_with(const char *const *properties)
{
    b = bench_open(1000000000);
    messages = 0;
    lapic.next = NULL;
    bus_apic_attach(b->bus, &lapic);
    bench_plug(b, &ioapic_class, "ioapic", properties);
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

static uint32_t read_reg(uint8_t reg)
{
    writel(b, BASE, reg);
    return readl(b, BASE + 0x10);
}

static void write_reg(uint8_t reg, uint32_t value)
{
    writel(b, BASE, reg);
    writel(b, BASE + 0x10, value);
}

static void set_entry(unsigned pin, uint32_t low, uint8_t dest)
{
    write_reg((uint8_t)(TABLE + 2 * pin + 1), (uint32_t)dest << 24);
    write_reg((uint8_t)(TABLE + 2 * pin), low);
}

static struct sim_wire_driver wire(const char *name)
{
    struct sim_wire_driver w;

    ck_assert_int_eq(bus_wire_source(b->bus, &w, name), SIM_OK);
    return w;
}

START_TEST(it_has_24_masked_entries)
{
    ck_assert_uint_eq(read_reg(VERSION), 0x00170011);
    for (unsigned pin = 0; pin < 24; pin++) {
        ck_assert_uint_eq(read_reg((uint8_t)(TABLE + 2 * pin)), MASKED);
        ck_assert_uint_eq(read_reg((uint8_t)(TABLE + 2 * pin + 1)), 0);
    }
    ck_assert_uint_eq(read_reg(TABLE + 48), 0xFFFFFFFF);
}
END_TEST

START_TEST(the_id_has_four_bits)
{
    write_reg(ID, 0xFFFFFFFF);
    ck_assert_uint_eq(read_reg(ID), 0x0F000000);
    ck_assert_uint_eq(read_reg(ARBITRATION), 0x0F000000);
    write_reg(VERSION, 0);
    ck_assert_uint_eq(read_reg(VERSION), 0x00170011);
}
END_TEST

START_TEST(entries_keep_what_can_be_written)
{
    set_entry(5, 0xFFFFFFFF, 0xFF);
    ck_assert_uint_eq(read_reg(TABLE + 10), 0x0001AFFF);
    ck_assert_uint_eq(read_reg(TABLE + 11), 0xFF000000);
}
END_TEST

START_TEST(each_wire_has_its_pin)
{
    static const struct { const char *wire; unsigned pin; } cases[] = {
        { "intr", 0 }, { "isa.irq1", 1 }, { "isa.irq0", 2 }, { "isa.irq3", 3 }, { "isa.irq9", 9 }, { "isa.irq15", 15 },
        { "gsi16", 16 }, { "gsi23", 23 },
    };
    struct sim_wire_driver w = wire(cases[_i].wire);

    set_entry(cases[_i].pin, 0x40 + cases[_i].pin, 0x03);
    sim_wire_set(&w, true);
    ck_assert_uint_eq(messages, 1);
    ck_assert_uint_eq(last.vector, 0x40 + cases[_i].pin);
    ck_assert_uint_eq(last.dest, 0x03);
}
END_TEST

START_TEST(the_message_says_what_the_entry_says)
{
    static const struct { uint32_t low; uint8_t delivery; bool logical, level; } cases[] = {
        { FIXED | 0x31, 0, false, false }, { LOWEST | LOGICAL | 0x32, 1, true, false }, { SMI, 2, false, false },
        { NMI, 4, false, false }, { INIT, 5, false, false }, { EXTINT, 7, false, false },
        { FIXED | LEVEL | LOW_ACTIVE | 0x33, 0, false, true }, { NMI | LEVEL, 4, false, false },
    };
    struct sim_wire_driver w = wire("isa.irq5");

    set_entry(5, cases[_i].low, 1);
    sim_wire_set(&w, true);
    ck_assert_uint_eq(messages, 1);
    ck_assert_uint_eq(last.delivery, cases[_i].delivery);
    ck_assert_uint_eq(last.vector, cases[_i].low & 0xFF);
    ck_assert_int_eq(last.logical, cases[_i].logical);
    ck_assert_int_eq(last.level, cases[_i].level);
    ck_assert(last.asserted);
}
END_TEST

/* "Interrupt Mask": edges on a masked pin are ignored; a level is seen when the mask goes. */
START_TEST(a_masked_edge_is_lost_a_masked_level_is_not)
{
    static const struct { uint32_t low; unsigned messages; } cases[] = { { 0x31, 0 }, { LEVEL | 0x31, 1 } };
    struct sim_wire_driver w = wire("isa.irq5");

    set_entry(5, MASKED | cases[_i].low, 0);
    sim_wire_set(&w, true);
    ck_assert_uint_eq(messages, 0);
    set_entry(5, cases[_i].low, 0);
    ck_assert_uint_eq(messages, cases[_i].messages);
}
END_TEST

/* "Remote IRR": set when the message is accepted, cleared by EOI with the vector. */
START_TEST(a_level_is_sent_again_after_its_eoi)
{
    struct sim_wire_driver w = wire("isa.irq11");

    set_entry(11, LEVEL | 0x51, 0);
    sim_wire_set(&w, true);
    ck_assert_uint_eq(read_reg(TABLE + 22), LEVEL | IRR | 0x51);
    sim_wire_set(&w, false);
    sim_wire_set(&w, true);
    ck_assert_uint_eq(messages, 1);
    bus_apic_eoi(b->bus, 0x50);
    ck_assert_uint_eq(messages, 1);
    bus_apic_eoi(b->bus, 0x51);
    ck_assert_uint_eq(messages, 2);
    sim_wire_set(&w, false);
    bus_apic_eoi(b->bus, 0x51);
    ck_assert_uint_eq(messages, 2);
    ck_assert_uint_eq(read_reg(TABLE + 22), LEVEL | 0x51);
}
END_TEST

START_TEST(an_edge_has_no_remote_irr)
{
    struct sim_wire_driver w = wire("isa.irq4");

    set_entry(4, 0x34, 0);
    sim_wire_pulse(&w);
    sim_wire_pulse(&w);
    ck_assert_uint_eq(messages, 2);
    ck_assert_uint_eq(read_reg(TABLE + 8), 0x34);
}
END_TEST

/* As kernels end an interrupt of a part without EOI register: masked, edge, then level again. */
START_TEST(making_an_entry_an_edge_clears_remote_irr)
{
    struct sim_wire_driver w = wire("isa.irq11");

    set_entry(11, LEVEL | 0x51, 0);
    sim_wire_set(&w, true);
    write_reg(TABLE + 22, MASKED | 0x51);
    ck_assert_uint_eq(read_reg(TABLE + 22), MASKED | 0x51);
    write_reg(TABLE + 22, LEVEL | 0x51);
    ck_assert_uint_eq(messages, 2);
}
END_TEST

START_TEST(later_parts_have_an_eoi_register)
{
    static const struct { const char *version; unsigned messages; } cases[] = { { "0x11", 1 }, { "0x20", 2 } };
    struct sim_wire_driver w;

    bench_close(b);
    open_with((const char *const[]){ "version", cases[_i].version, NULL });
    w = wire("isa.irq11");
    set_entry(11, LEVEL | 0x51, 0);
    sim_wire_set(&w, true);
    writel(b, BASE + 0x40, 0x51);
    ck_assert_uint_eq(messages, cases[_i].messages);
}
END_TEST

START_TEST(the_window_takes_doublewords)
{
    writel(b, BASE, TABLE);
    bench_txn(b, BUS_MEM_WRITE, BASE + 0x10, 0x31, 1);
    ck_assert_uint_eq(readl(b, BASE + 0x10), MASKED);
    ck_assert_uint_eq(b->log_lines, 1);
    ck_assert_uint_eq(readl(b, BASE), TABLE);
}
END_TEST

START_TEST(all_state_is_saved)
{
    struct sim_wire_driver w = wire("isa.irq11");

    set_entry(11, LEVEL | 0x51, 7);
    sim_wire_set(&w, true);
    write_reg(ID, 0x05000000);
    bench_check_state(b);
    ck_assert_uint_eq(read_reg(TABLE + 22), LEVEL | IRR | 0x51);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ioapic");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, it_has_24_masked_entries);
    tcase_add_test(t, the_id_has_four_bits);
    tcase_add_test(t, entries_keep_what_can_be_written);
    tcase_add_loop_test(t, each_wire_has_its_pin, 0, 8);
    tcase_add_loop_test(t, the_message_says_what_the_entry_says, 0, 8);
    tcase_add_loop_test(t, a_masked_edge_is_lost_a_masked_level_is_not, 0, 2);
    tcase_add_test(t, a_level_is_sent_again_after_its_eoi);
    tcase_add_test(t, an_edge_has_no_remote_irr);
    tcase_add_test(t, making_an_entry_an_edge_clears_remote_irr);
    tcase_add_loop_test(t, later_parts_have_an_eoi_register, 0, 2);
    tcase_add_test(t, the_window_takes_doublewords);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "ioapic");
}
