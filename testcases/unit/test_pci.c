/* The PCI bus: bus/pci.h. PCI Local Bus Specification 2.1, chapter 6; INTx disable: 2.3. */
#include "bus/bus.h"

#include "base/error.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND 0x04
#define STATUS 0x06
#define BAR(n) (uint8_t)(0x10 + 4 * (n))
#define ROM 0x30

static struct sim_clock test_clock;
static struct sim_log test_log;
static struct bus *bus;
static struct sim_device *bridge;
static unsigned pirq_irq[4];

struct nic {
    struct sim_device dev;
    struct sim_pci_function pci;
    struct bus_ram *buffer;
    uint64_t devfn, pin;
    unsigned config_writes;
};

static uint64_t answer(struct sim_device *dev, uint64_t off, unsigned size)
{
    return 0xA0 + off;
}

static const struct sim_range_ops ops = { answer, NULL, answer, 0, 4 };
static const uint8_t rom_image[8192] = { 0x55, 0xAA };

static void config_written(struct sim_device *dev, uint8_t off, uint8_t len)
{
    ((struct nic *)dev)->config_writes++;
}

static enum sim_err nic_realize(struct sim_device *dev)
{
    struct nic *n = (struct nic *)dev;
    enum sim_err err = sim_device_ram(dev, "buffer", 8192, &n->buffer);

    if (err)
        return err;
    sim_pci_header(&n->pci, 0x8086, 0x100E, 0x020000, 3, (uint8_t)n->pin);
    n->pci.bar[0] = (struct sim_pci_bar){ .length = 256, .ops = &ops };
    n->pci.bar[1] = (struct sim_pci_bar){ .length = 64, .io = true, .ops = &ops };
    n->pci.bar[2] = (struct sim_pci_bar){ .length = 8192, .prefetch = true, .ram = n->buffer };
    n->pci.rom = rom_image;
    n->pci.rom_bytes = sizeof(rom_image);
    n->pci.config_written = config_written;
    return sim_pci_add(dev, &n->pci, (uint8_t)n->devfn);
}

static void nic_reset(struct sim_device *dev, enum sim_reset kind)
{
    sim_pci_reset(&((struct nic *)dev)->pci);
}

static void nic_loaded(struct sim_device *dev)
{
    sim_pci_loaded(&((struct nic *)dev)->pci);
}

static const struct sim_field nic_fields[] = {
    SIM_FIELD_STRUCT(struct nic, pci, sim_pci_function_fields, "configuration space"),
    SIM_FIELD_DERIVED(struct nic, buffer, "memory of its own"),
    SIM_FIELD_DERIVED(struct nic, config_writes, "of the test"),
    SIM_FIELD_END
};

static const struct sim_property nic_properties[] = {
    SIM_PROPERTY_UINT_(struct nic, devfn, 0, 255, "24", "slot 3.0"),
    SIM_PROPERTY_UINT_(struct nic, pin, 0, 5, "1", "interrupt pin"),
    SIM_PROPERTY_END
};

static const struct sim_device_class nic_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class), .name = "nic", .version = 1,
    .instance_size = sizeof(struct nic), .fields = nic_fields, .properties = nic_properties,
    .realize = nic_realize, .reset = nic_reset, .loaded = nic_loaded,
};

static unsigned route(struct sim_device *dev, unsigned pirq)
{
    return pirq_irq[pirq];
}

static enum sim_err bridge_realize(struct sim_device *dev)
{
    return sim_pci_set_router(dev, route);
}

static const struct sim_device_class bridge_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class), .name = "bridge", .version = 1,
    .instance_size = sizeof(struct sim_device), .realize = bridge_realize,
};

static struct nic *nic_at(const char *name, const char *devfn, const char *pin)
{
    const char *properties[] = { "devfn", devfn, "pin", pin, NULL };
    struct sim_device *dev;

    ck_assert_msg(bus_device_create(bus, &nic_class, name, properties, &dev) == SIM_OK, "%s", sim_last_error());
    return (struct nic *)dev;
}

static void setup(void)
{
    sim_clock_init(&test_clock, 1000000000);
    sim_log_init(&test_log);
    ck_assert_int_eq(bus_create(&test_clock, &test_log, &bus), SIM_OK);
    ck_assert_int_eq(bus_device_create(bus, &bridge_class, "bridge", NULL, &bridge), SIM_OK);
    for (unsigned i = 0; i < 4; i++)
        pirq_irq[i] = 16;
}

static void teardown(void)
{
    bus_destroy(bus);
    sim_log_fini(&test_log);
    sim_clock_fini(&test_clock);
}

static bool answers(enum bus_kind kind, uint64_t addr)
{
    struct bus_txn txn = { .kind = kind, .addr = addr, .size = 1 };

    bus_do(bus, &txn);
    return txn.answered;
}

static uint32_t get(uint8_t off, unsigned size)
{
    return sim_pci_config_read(bridge, 24, off, size);
}

static void set(uint8_t off, uint32_t value, unsigned size)
{
    sim_pci_config_write(bridge, 24, off, value, size);
}

START_TEST(an_empty_slot_reads_all_ones)
{
    ck_assert_uint_eq(get(0, 1), 0xFF);
    ck_assert_uint_eq(get(0, 2), 0xFFFF);
    ck_assert_uint_eq(get(0, 4), 0xFFFFFFFF);
    set(0, 0, 4);
    nic_at("nic", "24", "1");
    ck_assert_uint_eq(get(0, 4), 0x100E8086);
    ck_assert_uint_eq(get(8, 4), 0x02000003);
    ck_assert_uint_eq(get(0xFE, 4), 0xFFFFFFFF); /* over the end */
    set(0xFE, 0, 4);
}
END_TEST

START_TEST(only_writable_bits_are_written)
{
    static const struct {
        uint8_t off;
        unsigned size;
        uint32_t value, reads;
    } cases[] = {
        { 0x00, 4, 0, 0x100E8086 },           { 0x08, 4, 0xFFFFFFFF, 0x02000003 },
        { 0x04, 2, 0xFFFF, 0x0547 },          { 0x0C, 4, 0xFFFFFFFF, 0x0000FFFF },
        { 0x3C, 4, 0xFFFFFFFF, 0x000001FF },  { 0x10, 4, 0xFFFFFFFF, 0xFFFFFF00 },
        { 0x14, 4, 0xFFFFFFFF, 0xFFFFFFC1 },  { 0x18, 4, 0xFFFFFFFF, 0xFFFFE008 },
        { 0x1C, 4, 0xFFFFFFFF, 0 },           { 0x30, 4, 0xFFFFFFFF, 0xFFFFE001 },
        { 0x12, 1, 0xAB, 0xAB },              { 0x2C, 4, 0xFFFFFFFF, 0 },
    };
    struct nic *n = nic_at("nic", "24", "1");

    set(cases[_i].off, cases[_i].value, cases[_i].size);
    ck_assert_uint_eq(get(cases[_i].off, cases[_i].size), cases[_i].reads);
    ck_assert_uint_eq(sim_pci_config_peek(bridge, 24, cases[_i].off, cases[_i].size), cases[_i].reads);
    ck_assert_uint_eq(n->config_writes, 1);
}
END_TEST

START_TEST(status_errors_are_cleared_by_writing_1)
{
    struct nic *n = nic_at("nic", "24", "1");

    n->pci.config[STATUS + 1] = 0xF9;
    set(STATUS, 0x1000, 2);
    ck_assert_uint_eq(get(STATUS, 2), 0xE900);
    set(COMMAND, 0xFFFF0000, 4);
    ck_assert_uint_eq(get(STATUS, 2), 0);
}
END_TEST

START_TEST(bars_answer_where_the_guest_puts_them)
{
    uint8_t bytes[2] = { 0 };

    nic_at("nic", "24", "1");
    set(BAR(0), 0xE0000000, 4);
    set(BAR(1), 0xC000, 4);
    set(BAR(2), 0xE1000000, 4);
    set(ROM, 0xE2000001, 4);
    ck_assert(!answers(BUS_MEM_READ, 0xE0000000) && !answers(BUS_IO_READ, 0xC000));
    set(COMMAND, 1, 2);
    ck_assert(!answers(BUS_MEM_READ, 0xE0000000) && answers(BUS_IO_READ, 0xC000) && answers(BUS_IO_READ, 0xC03F));
    set(COMMAND, 2, 2);
    ck_assert(answers(BUS_MEM_READ, 0xE00000FF) && !answers(BUS_MEM_READ, 0xE0000100) && !answers(BUS_IO_READ, 0xC000));
    ck_assert(answers(BUS_MEM_READ, 0xE1001FFF) && answers(BUS_MEM_READ, 0xE2001FFF));
    bus_peek(bus, 0xE2000000, bytes, 2);
    ck_assert(bytes[0] == 0x55 && bytes[1] == 0xAA);
    set(ROM, 0xE2000000, 4);
    ck_assert(!answers(BUS_MEM_READ, 0xE2000000));
    set(BAR(0), 0xE8000000, 4);
    ck_assert(answers(BUS_MEM_READ, 0xE8000000) && !answers(BUS_MEM_READ, 0xE0000000));
    bus_reset(bus, SIM_RESET_HARD);
    ck_assert(!answers(BUS_MEM_READ, 0xE8000000) && !answers(BUS_MEM_READ, 0xE1000000));
    ck_assert(get(COMMAND, 2) == 0 && get(BAR(0), 4) == 0 && get(BAR(1), 4) == 1 && get(0, 4) == 0x100E8086);
}
END_TEST

/* A guest asks for a BAR's size with decoding on: firmware at the end of 4 GiB must stay visible. */
START_TEST(asking_for_the_size_maps_nothing)
{
    nic_at("nic", "24", "1");
    set(COMMAND, 3, 2);
    for (unsigned bar = 0; bar < 3; bar++)
        set(BAR(bar), 0xFFFFFFFF, 4);
    set(ROM, 0xFFFFFFFF, 4);
    ck_assert(!answers(BUS_MEM_READ, 0xFFFFFF00) && !answers(BUS_MEM_READ, 0xFFFFE000));
    ck_assert(!answers(BUS_IO_READ, 0xFFC0) && !answers(BUS_MEM_READ, 0) && !answers(BUS_IO_READ, 0));
}
END_TEST

START_TEST(memory_covers_a_bar)
{
    struct bus_ram *ram;
    struct bus_region region = { .name = "ram", .kind = BUS_REGION_RAM, .length = 1 << 20, .answers = 3, .enabled = true };
    struct bus_txn txn = { .kind = BUS_MEM_READ, .addr = 0x10000, .size = 1 };

    bus_ram_create(&bus->memory, "ram", 1 << 20, true, &ram);
    region.ram = ram;
    ck_assert_int_eq(bus_region_add(&bus->mem, NULL, &region, 0), SIM_OK);
    nic_at("nic", "24", "1");
    set(COMMAND, 2, 2);
    set(BAR(0), 0x10000, 4);
    bus_do(bus, &txn);
    ck_assert_uint_eq(txn.data, 0);
    bus_region_remove(&bus->mem, &region);
    bus_do(bus, &txn);
    ck_assert_uint_eq(txn.data, 0xA0);
}
END_TEST

START_TEST(restored_registers_map_the_bars)
{
    struct nic *n = nic_at("nic", "24", "1");
    const struct sim_component *c = bus_device_component(&n->dev);
    struct sim_buf b = SIM_BUF_INIT;
    struct sim_reader r;

    set(COMMAND, 2, 2);
    set(BAR(0), 0xE0000000, 4);
    sim_fields_save(c->fields, c->object, &b);
    set(BAR(0), 0xE8000000, 4);
    r = sim_reader_over(b.data, b.len);
    ck_assert_int_eq(sim_fields_load(c->fields, c->object, &r), SIM_OK);
    c->loaded(c->object);
    ck_assert(answers(BUS_MEM_READ, 0xE0000000) && !answers(BUS_MEM_READ, 0xE8000000));
    ck_assert_uint_eq(bus_device_class_gap(&nic_class), sizeof(struct nic));
    sim_buf_fini(&b);
}
END_TEST

/* INTA of slot n reaches PIRQ (n - 1) & 3, and the pins after it the next ones. */
START_TEST(pins_reach_their_pirq)
{
    static const struct {
        const char *devfn, *pin, *wire; /* NULL: none */
    } cases[] = {
        { "8", "1", "pci.pirqa" },  { "16", "1", "pci.pirqb" }, { "24", "1", "pci.pirqc" }, { "24", "2", "pci.pirqd" },
        { "24", "3", "pci.pirqa" }, { "40", "1", "pci.pirqa" }, { "0", "1", "pci.pirqd" },  { "11", "4", "pci.pirqd" },
        { "24", "0", NULL },
    };
    static const char *const wires[] = { "pci.pirqa", "pci.pirqb", "pci.pirqc", "pci.pirqd" };
    struct nic *n = nic_at("nic", cases[_i].devfn, cases[_i].pin);

    sim_pci_intx(&n->pci, true);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(bus_wire_level(bus, wires[i]), cases[_i].wire && !strcmp(cases[_i].wire, wires[i]));
}
END_TEST

START_TEST(shared_interrupts_are_ored_and_follow_the_routing)
{
    struct nic *a = nic_at("a", "24", "1"), *b = nic_at("b", "56", "1"), *c = nic_at("c", "8", "1");

    pirq_irq[2] = 11; /* a and b */
    pirq_irq[0] = 11; /* c */
    sim_pci_reroute(bridge);
    sim_pci_intx(&a->pci, true);
    sim_pci_intx(&b->pci, true);
    sim_pci_intx(&c->pci, true);
    sim_pci_intx(&a->pci, false);
    ck_assert(bus_wire_level(bus, "isa.irq11"));
    sim_pci_intx(&b->pci, false);
    ck_assert(bus_wire_level(bus, "isa.irq11")); /* c */
    pirq_irq[0] = 5;
    sim_pci_reroute(bridge);
    ck_assert(!bus_wire_level(bus, "isa.irq11") && bus_wire_level(bus, "isa.irq5"));
    pirq_irq[0] = 16;
    sim_pci_reroute(bridge);
    ck_assert(!bus_wire_level(bus, "isa.irq5"));
}
END_TEST

START_TEST(the_command_register_can_hold_intx_back)
{
    struct nic *n = nic_at("nic", "24", "1");

    sim_pci_intx(&n->pci, true);
    ck_assert(bus_wire_level(bus, "pci.pirqc"));
    set(COMMAND, 0x400, 2);
    ck_assert(!bus_wire_level(bus, "pci.pirqc"));
    ck_assert_uint_eq(get(STATUS, 2), 8);
    set(COMMAND, 0, 2);
    ck_assert(bus_wire_level(bus, "pci.pirqc"));
    bus_reset(bus, SIM_RESET_HARD);
    ck_assert(!bus_wire_level(bus, "pci.pirqc"));
    ck_assert_uint_eq(get(STATUS, 2), 0);
}
END_TEST

START_TEST(slots_are_taken_once_and_functions_are_announced)
{
    static const char *const same_slot[] = { "devfn", "24", NULL }, *const bad_pin[] = { "devfn", "64", "pin", "5", NULL };
    struct nic *n = nic_at("nic", "24", "1");
    struct sim_device *dev;

    ck_assert_uint_eq(n->dev.master, 24);
    ck_assert_int_eq(bus_device_create(bus, &nic_class, "other", same_slot, &dev), SIM_ERR_OVERLAP);
    ck_assert_str_eq(sim_last_error(), "other: PCI slot 3.0 is taken by nic");
    ck_assert_int_eq(bus_device_create(bus, &nic_class, "other", bad_pin, &dev), SIM_ERR_USAGE);
    ck_assert_uint_eq(sim_pci_config_read(bridge, 64, 0, 2), 0xFFFF);
    ck_assert_uint_eq(get(0x0E, 1), 0);
    nic_at("second", "25", "2");
    ck_assert_uint_eq(get(0x0E, 1), 0x80);
    bus_reset(bus, SIM_RESET_HARD);
    ck_assert_uint_eq(get(0x0E, 1), 0x80);
    ck_assert_int_eq(bus_device_create(bus, &bridge_class, "second router", NULL, &dev), SIM_ERR_OVERLAP);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pci");
    TCase *t = tcase_create("pci");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, an_empty_slot_reads_all_ones);
    tcase_add_loop_test(t, only_writable_bits_are_written, 0, 12);
    tcase_add_test(t, status_errors_are_cleared_by_writing_1);
    tcase_add_test(t, bars_answer_where_the_guest_puts_them);
    tcase_add_test(t, asking_for_the_size_maps_nothing);
    tcase_add_test(t, memory_covers_a_bar);
    tcase_add_test(t, restored_registers_map_the_bars);
    tcase_add_loop_test(t, pins_reach_their_pirq, 0, 9);
    tcase_add_test(t, shared_interrupts_are_ored_and_follow_the_routing);
    tcase_add_test(t, the_command_register_can_hold_intx_back);
    tcase_add_test(t, slots_are_taken_once_and_functions_are_announced);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
