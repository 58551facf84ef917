/* 8259A Programmable Interrupt Controller data sheet (231468); ELCR: 82371SB PIIX3 (290550). */
#include "testcases/unit/device_bench.h"

#include "devices/pic.h"

enum { MASTER = 0x20, SLAVE = 0xA0 };
enum { ICW4_8086 = 1, ICW4_AEOI = 2, ICW4_SFNM = 0x10 };
enum { EOI = 0x20, SPECIFIC_EOI = 0x60, ROTATE_EOI = 0xA0, ROTATE_SPECIFIC_EOI = 0xE0, SET_PRIORITY = 0xC0,
       ROTATE_AEOI_ON = 0x80, ROTATE_AEOI_OFF = 0x00 };
enum { READ_IRR = 0x0A, READ_ISR = 0x0B, POLL = 0x0C, SPECIAL_MASK_ON = 0x68, SPECIAL_MASK_OFF = 0x48 };

static struct bench *b;
static struct bench_wire intr;
static struct sim_wire_driver irq[16];

static void initialize(uint16_t port, uint8_t vector, uint8_t icw3, uint8_t icw4)
{
    outb(b, port, 0x11);
    outb(b, port + 1, vector);
    outb(b, port + 1, icw3);
    outb(b, port + 1, icw4);
}

static void initialize_as_pc(uint8_t master_icw4, uint8_t slave_icw4)
{
    initialize(MASTER, 0x08, 0x04, master_icw4);
    initialize(SLAVE, 0x70, 0x02, slave_icw4);
}

static void setup(void)
{
    b = bench_open(1000000000);
    bench_plug(b, &pic_class, "pic", NULL);
    bench_watch(b, &intr, "intr");
    for (unsigned i = 0; i < 16; i++) {
        char name[16];

        snprintf(name, sizeof(name), "isa.irq%u", i);
        ck_assert_int_eq(bus_wire_source(b->bus, &irq[i], name), SIM_OK);
    }
    bus_reset(b->bus, SIM_RESET_POWER);
    initialize_as_pc(ICW4_8086, ICW4_8086);
}

static void teardown(void)
{
    bench_close(b);
}

static void raise_irq(unsigned n) { sim_wire_set(&irq[n], true); }
static void lower_irq(unsigned n) { sim_wire_set(&irq[n], false); }

static unsigned acknowledge(void)
{
    uint32_t stall;

    return bus_intack(b->bus, 0, &stall);
}

static uint8_t status(uint16_t port, uint8_t which)
{
    outb(b, port, which);
    return inb(b, port);
}

/* Raises, takes the vector, lets go. */
static unsigned serve(unsigned n)
{
    unsigned vector;

    raise_irq(n);
    ck_assert(intr.level);
    vector = acknowledge();
    lower_irq(n);
    return vector;
}

START_TEST(after_reset_nothing_is_asked_for)
{
    bus_reset(b->bus, SIM_RESET_HARD);
    for (unsigned i = 0; i < 16; i++)
        raise_irq(i);
    ck_assert(!intr.level);
    ck_assert_uint_eq(inb(b, MASTER + 1), 0xFF);
    ck_assert_uint_eq(inb(b, SLAVE + 1), 0xFF);
}
END_TEST

/* "Cascade Mode": the slave's vector comes from the slave. */
START_TEST(each_input_has_its_vector)
{
    unsigned n = (unsigned)_i;

    if (n == 2)
        return; /* the cascade */
    ck_assert_uint_eq(serve(n), n < 8 ? 0x08 + n : 0x70 + n - 8);
    ck_assert_uint_eq(status(MASTER, READ_ISR), n < 8 ? 1u << n : 0x04);
    ck_assert_uint_eq(status(SLAVE, READ_ISR), n < 8 ? 0 : 1u << (n - 8));
    ck_assert(!intr.level);
}
END_TEST

/* "Initialization Command Words 3": with another ID the slave is silent, and nobody drives the bus. */
START_TEST(a_slave_with_another_id_does_not_answer)
{
    initialize(SLAVE, 0x70, 0x03, ICW4_8086);
    ck_assert_uint_eq(serve(8), 0xFF);
}
END_TEST

/* "ICW1", SNGL: no ICW3 is expected, and IR2 is an input like others. */
START_TEST(a_single_master_gives_the_vector_of_ir2_itself)
{
    outb(b, MASTER, 0x13);
    outb(b, MASTER + 1, 0x20);
    outb(b, MASTER + 1, ICW4_8086);
    outb(b, MASTER + 1, 0x00);
    ck_assert_uint_eq(inb(b, MASTER + 1), 0x00);
    ck_assert_uint_eq(serve(8), 0x22);
}
END_TEST

/* "ICW1", IC4 = 0: all functions of ICW4 are 0: MCS-80 mode. The second INTA reads the CALL's low address byte. */
START_TEST(without_icw4_the_vector_is_a_call_address)
{
    static const struct { uint8_t icw1, irq, low; } cases[] = {
        { 0xF4, 0, 0xE0 }, { 0xF4, 5, 0xF4 }, { 0xF4, 7, 0xFC }, { 0x14, 1, 0x04 }, /* interval 4 */
        { 0xF0, 0, 0xC0 }, { 0xF0, 5, 0xE8 }, { 0xF0, 7, 0xF8 }, { 0x10, 1, 0x08 }, /* interval 8 */
    };

    outb(b, MASTER, cases[_i].icw1);
    outb(b, MASTER + 1, 0x12);
    outb(b, MASTER + 1, 0x04);
    outb(b, MASTER + 1, 0x00); /* OCW1 already */
    ck_assert_uint_eq(serve(cases[_i].irq), cases[_i].low);
}
END_TEST

/* "Initialization Command Words 1 and 2", a to f. */
START_TEST(icw1_clears_mask_and_edges)
{
    outb(b, MASTER + 1, 0xFF);
    raise_irq(1);
    outb(b, MASTER, READ_ISR);
    outb(b, MASTER, SET_PRIORITY | 3);
    outb(b, MASTER, SPECIAL_MASK_ON);
    initialize(MASTER, 0x08, 0x04, ICW4_8086);
    ck_assert_uint_eq(inb(b, MASTER + 1), 0);
    ck_assert_uint_eq(inb(b, MASTER), 0); /* IRR: the edge of input 1 came before */
    ck_assert(!intr.level);
    raise_irq(0);
    raise_irq(4);
    ck_assert_uint_eq(acknowledge(), 0x08); /* IR7 is lowest again */
}
END_TEST

/* "Fully Nested Mode". */
START_TEST(lower_levels_wait_for_eoi_higher_ones_do_not)
{
    ck_assert_uint_eq(serve(4), 0x0C);
    raise_irq(5);
    ck_assert(!intr.level);
    ck_assert_uint_eq(serve(3), 0x0B);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x18);
    outb(b, MASTER, EOI); /* ends 3, the highest */
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x10);
    ck_assert(!intr.level);
    outb(b, MASTER, EOI);
    ck_assert(intr.level);
    ck_assert_uint_eq(acknowledge(), 0x0D);
}
END_TEST

START_TEST(specific_eoi_ends_the_level_it_names)
{
    serve(4);
    serve(1);
    outb(b, MASTER, SPECIFIC_EOI | 4);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x02);
}
END_TEST

/* "Automatic End of Interrupt (AEOI) Mode". */
START_TEST(automatic_eoi_leaves_nothing_in_service)
{
    initialize_as_pc(ICW4_8086 | ICW4_AEOI, ICW4_8086 | ICW4_AEOI);
    ck_assert_uint_eq(serve(3), 0x0B);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0);
    raise_irq(8);
    raise_irq(9);
    ck_assert_uint_eq(acknowledge(), 0x70);
    ck_assert(intr.level); /* the slave makes a new edge for what is left */
    ck_assert_uint_eq(acknowledge(), 0x71);
    ck_assert(!intr.level);
}
END_TEST

/* "Automatic Rotation (Equal Priority Devices)". */
START_TEST(a_rotating_eoi_makes_the_level_the_lowest)
{
    raise_irq(4);
    ck_assert_uint_eq(acknowledge(), 0x0C);
    lower_irq(4);
    outb(b, MASTER, ROTATE_EOI);
    raise_irq(4);
    raise_irq(6);
    raise_irq(3);
    ck_assert_uint_eq(acknowledge(), 0x0E);
    outb(b, MASTER, EOI);
    ck_assert_uint_eq(acknowledge(), 0x0B);
    outb(b, MASTER, EOI);
    ck_assert_uint_eq(acknowledge(), 0x0C);
}
END_TEST

START_TEST(automatic_eoi_can_rotate)
{
    initialize_as_pc(ICW4_8086 | ICW4_AEOI, ICW4_8086);
    outb(b, MASTER, ROTATE_AEOI_ON);
    raise_irq(1);
    raise_irq(3);
    ck_assert_uint_eq(acknowledge(), 0x09);
    lower_irq(1);
    raise_irq(1);
    ck_assert_uint_eq(acknowledge(), 0x0B);
    outb(b, MASTER, ROTATE_AEOI_OFF);
    ck_assert_uint_eq(acknowledge(), 0x09);
    lower_irq(1);
    raise_irq(1);
    raise_irq(4);
    ck_assert_uint_eq(acknowledge(), 0x0C); /* 3 is still the lowest: 4 comes before 1 */
}
END_TEST

/* "Specific Rotation (Specific Priority)". */
START_TEST(set_priority_names_the_lowest_level)
{
    static const struct { uint8_t command; } cases[] = { { SET_PRIORITY | 5 }, { ROTATE_SPECIFIC_EOI | 5 } };

    outb(b, MASTER, cases[_i].command);
    raise_irq(5);
    raise_irq(0);
    raise_irq(6);
    ck_assert_uint_eq(acknowledge(), 0x0E);
    outb(b, MASTER, SPECIFIC_EOI | 6);
    ck_assert_uint_eq(acknowledge(), 0x08);
    outb(b, MASTER, SPECIFIC_EOI | 0);
    ck_assert_uint_eq(acknowledge(), 0x0D);
}
END_TEST

/* "Special Mask Mode": a masked level in service inhibits itself only. */
START_TEST(special_mask_mode_opens_the_other_levels)
{
    serve(3);
    outb(b, MASTER + 1, 0x08);
    raise_irq(5);
    ck_assert(!intr.level);
    outb(b, MASTER, SPECIAL_MASK_ON);
    ck_assert(intr.level);
    ck_assert_uint_eq(acknowledge(), 0x0D);
    outb(b, MASTER, EOI); /* passes over 3, which is masked */
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x08);
    outb(b, MASTER, SPECIAL_MASK_OFF);
    outb(b, MASTER, EOI);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x00);
}
END_TEST

/* "Special Fully Nested Mode": a slave in service may ask for a higher level of its own. */
START_TEST(special_nesting_lets_a_slave_ask_again)
{
    static const struct { uint8_t icw4; bool again; } cases[] = {
        { ICW4_8086, false }, { ICW4_8086 | ICW4_SFNM, true }
    };

    initialize(MASTER, 0x08, 0x04, cases[_i].icw4);
    ck_assert_uint_eq(serve(12), 0x74);
    raise_irq(10);
    ck_assert_int_eq(intr.level, cases[_i].again);
    if (!cases[_i].again)
        return;
    ck_assert_uint_eq(acknowledge(), 0x72);
    raise_irq(3); /* lower than IR2: waits, special nesting or not */
    ck_assert(!intr.level);
}
END_TEST

/* "Poll Command". */
START_TEST(a_poll_acknowledges)
{
    raise_irq(5);
    raise_irq(3);
    outb(b, MASTER, POLL);
    ck_assert_uint_eq(bus_io_peek(b->bus, MASTER, 1), 0x83);
    ck_assert_uint_eq(inb(b, MASTER), 0x83);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x08);
    ck_assert_uint_eq(status(MASTER, READ_IRR), 0x20);
    outb(b, MASTER, POLL);
    ck_assert_uint_eq(inb(b, MASTER), 0x00); /* 5 is lower than 3 */
    ck_assert_uint_eq(inb(b, MASTER), 0x20); /* one read only */
}
END_TEST

/* "Reading the 8259A Status". */
START_TEST(status_reads_stay_selected)
{
    raise_irq(6);
    ck_assert_uint_eq(inb(b, MASTER), 0x40);
    acknowledge();
    ck_assert_uint_eq(inb(b, MASTER), 0x00);
    outb(b, MASTER, READ_ISR);
    ck_assert_uint_eq(inb(b, MASTER), 0x40);
    ck_assert_uint_eq(inb(b, MASTER), 0x40);
    outb(b, MASTER, 0x08); /* OCW3 with RR = 0 selects nothing */
    ck_assert_uint_eq(inb(b, MASTER), 0x40);
}
END_TEST

START_TEST(a_masked_request_waits)
{
    outb(b, MASTER + 1, 0x10);
    raise_irq(4);
    ck_assert(!intr.level);
    ck_assert_uint_eq(status(MASTER, READ_IRR), 0x10);
    outb(b, MASTER + 1, 0x00);
    ck_assert(intr.level);
}
END_TEST

/* "Edge and Level Triggered Modes": the input must stay high until the first INTA; else a default IR7 comes. */
START_TEST(a_request_that_is_gone_gives_ir7_and_nothing_in_service)
{
    static const uint8_t irqs[] = { 0, 3, 7 };

    raise_irq(irqs[_i]);
    lower_irq(irqs[_i]);
    ck_assert(!intr.level);
    ck_assert_uint_eq(acknowledge(), 0x0F);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x00);
}
END_TEST

/* The slave's INT is the master's IR2, an input like others: what it asked for is forgotten when it falls. */
START_TEST(a_slave_request_that_is_gone_gives_ir7_too)
{
    raise_irq(10);
    ck_assert(intr.level);
    ck_assert_uint_eq(status(MASTER, READ_IRR), 0x04);
    outb(b, SLAVE + 1, 0x04);
    ck_assert(!intr.level);
    ck_assert_uint_eq(acknowledge(), 0x0F);
    ck_assert_uint_eq(status(MASTER, READ_ISR), 0x00);
}
END_TEST

START_TEST(an_edge_asks_once_a_level_as_long_as_it_lasts)
{
    static const struct { uint8_t elcr; bool again; } cases[] = { { 0x00, false }, { 0x20, true } };

    outb(b, 0x4D0, cases[_i].elcr);
    raise_irq(5);
    ck_assert_uint_eq(acknowledge(), 0x0D);
    outb(b, MASTER, EOI);
    ck_assert_int_eq(intr.level, cases[_i].again);
    lower_irq(5);
    ck_assert(!intr.level);
}
END_TEST

/* PIIX3, "ELCR1", "ELCR2". */
START_TEST(some_interrupts_are_edges_for_ever)
{
    outw(b, 0x4D0, 0xFFFF);
    ck_assert_uint_eq(inb(b, 0x4D0), 0xF8);
    ck_assert_uint_eq(inb(b, 0x4D1), 0xDE);
}
END_TEST

START_TEST(intr_falls_at_the_acknowledge_and_rises_for_the_next)
{
    unsigned before;

    raise_irq(4);
    raise_irq(1);
    before = intr.rises;
    acknowledge();
    ck_assert(!intr.level);
    outb(b, MASTER, EOI);
    ck_assert_uint_eq(intr.rises, before + 1);
}
END_TEST

START_TEST(all_state_is_saved)
{
    serve(4);
    raise_irq(9);
    outb(b, MASTER, POLL);
    outb(b, 0x4D0, 0x20);
    bench_check_state(b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("pic");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, after_reset_nothing_is_asked_for);
    tcase_add_loop_test(t, each_input_has_its_vector, 0, 16);
    tcase_add_test(t, a_slave_with_another_id_does_not_answer);
    tcase_add_test(t, a_single_master_gives_the_vector_of_ir2_itself);
    tcase_add_loop_test(t, without_icw4_the_vector_is_a_call_address, 0, 8);
    tcase_add_test(t, icw1_clears_mask_and_edges);
    tcase_add_test(t, lower_levels_wait_for_eoi_higher_ones_do_not);
    tcase_add_test(t, specific_eoi_ends_the_level_it_names);
    tcase_add_test(t, automatic_eoi_leaves_nothing_in_service);
    tcase_add_test(t, a_rotating_eoi_makes_the_level_the_lowest);
    tcase_add_test(t, automatic_eoi_can_rotate);
    tcase_add_loop_test(t, set_priority_names_the_lowest_level, 0, 2);
    tcase_add_test(t, special_mask_mode_opens_the_other_levels);
    tcase_add_loop_test(t, special_nesting_lets_a_slave_ask_again, 0, 2);
    tcase_add_test(t, a_poll_acknowledges);
    tcase_add_test(t, status_reads_stay_selected);
    tcase_add_test(t, a_masked_request_waits);
    tcase_add_loop_test(t, a_request_that_is_gone_gives_ir7_and_nothing_in_service, 0, 3);
    tcase_add_test(t, a_slave_request_that_is_gone_gives_ir7_too);
    tcase_add_loop_test(t, an_edge_asks_once_a_level_as_long_as_it_lasts, 0, 2);
    tcase_add_test(t, some_interrupts_are_edges_for_ever);
    tcase_add_test(t, intr_falls_at_the_acknowledge_and_rises_for_the_next);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "pic");
}
