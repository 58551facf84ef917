/* Transactions, DMA, interrupt messages, instances: bus/bus.h, bus/device.h. */
#include "bus/bus.h"

#include "base/error.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISA 1000 /* cycles at 1 GHz */
#define PCI 100

static struct sim_clock test_clock;
static struct sim_log test_log;
static struct bus *bus;
static struct bus_ram *ram;
static struct bus_region ram_region, rom_region;
static char calls[2048]; /* "r4@8 w1@3=12 ": what ranges were asked */

static void note(const char *fmt, uint64_t a, uint64_t b, uint64_t c)
{
    size_t n = strlen(calls);

    snprintf(calls + n, sizeof(calls) - n, fmt, (unsigned long long)a, (unsigned long long)b, (unsigned long long)c);
}

/* ---- A device that answers with the number of each byte ---- */

struct card {
    struct sim_device dev;
    struct sim_range range[4];
    struct sim_event tick;
    struct sim_wire_driver irq;
    struct bus_region window;
    uint64_t base;
    bool loud;
    const char *label;
    uint32_t state;
};

static uint64_t numbered(uint64_t off, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (0x10 + off + i) << 8 * i;
    return v | (size < 8 ? UINT64_MAX << 8 * size : 0); /* the upper bits must not matter */
}

static uint64_t card_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    note("r%llu@%llu ", size, off, 0);
    return numbered(off, size);
}

static uint64_t card_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return numbered(off, size);
}

static void card_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    note("w%llu@%llu=%llx ", size, off, value);
}

static const struct sim_range_ops byte_ops = { card_read, card_write, card_peek, 0, 1 };
static const struct sim_range_ops plain_ops = { card_read, card_write, NULL, 0, 0 };
static const struct sim_range_ops wide_ops = { card_read, card_write, card_peek, 4, 8 };
static const struct sim_range_ops silent_ops = { 0 };

static enum sim_err card_realize(struct sim_device *dev)
{
    struct card *c = (struct card *)dev;
    enum sim_err err;

    (void)((err = sim_map_io(dev, &c->range[0], "bytes", 0x300, 8, &byte_ops, SIM_SPEED_ISA, 0)) ||
           (err = sim_map_io(dev, &c->range[1], "plain", 0x308, 8, &plain_ops, SIM_SPEED_PCI, 0)) ||
           (err = sim_map_memory(dev, &c->range[2], "wide", 0xF0000000, 16, &wide_ops, SIM_SPEED_PCI, 0)) ||
           (err = sim_map_memory(dev, &c->range[3], "silent", 0xF0000010, 16, &silent_ops, SIM_SPEED_LOCAL, 0)));
    return err;
}

static void card_input(struct sim_device *dev, const char *channel, const void *data, size_t len)
{
    note("input%llu ", len, 0, 0);
}

static void card_reset(struct sim_device *dev, enum sim_reset kind)
{
    note("reset%llu.%llu ", dev->component, kind, 0);
}

static void card_loaded(struct sim_device *dev)
{
    note("loaded%llu ", ((struct card *)dev)->state, 0, 0);
}

static const struct sim_field card_fields[] = {
    SIM_FIELD(struct card, state, "state"),
    SIM_FIELD_EVENT(struct card, tick, "tick"),
    SIM_FIELD_DERIVED(struct card, range, "mapped"),
    SIM_FIELD_DERIVED(struct card, irq, "wire"),
    SIM_FIELD_DERIVED(struct card, window, "mapped"),
    SIM_FIELD_END
};

static const struct sim_property card_properties[] = {
    SIM_PROPERTY_UINT_(struct card, base, 1, 0x10000000, "0x300", "first port"),
    SIM_PROPERTY_BOOL_(struct card, loud, "off", "makes noise"),
    SIM_PROPERTY_STRING_(struct card, label, NULL, "a name"),
    SIM_PROPERTY_END
};

static const struct sim_device_class card_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class), .name = "card", .version = 1,
    .instance_size = sizeof(struct card), .fields = card_fields, .properties = card_properties,
    .realize = card_realize, .reset = card_reset, .loaded = card_loaded, .input = card_input,
};

static struct sim_device *device_of(const struct sim_device_class *cls, const char *name)
{
    struct sim_device *dev;

    ck_assert_msg(bus_device_create(bus, cls, name, NULL, &dev) == SIM_OK, "%s", sim_last_error());
    return dev;
}

static void setup(void)
{
    sim_clock_init(&test_clock, 1000000000);
    sim_log_init(&test_log);
    ck_assert_int_eq(bus_create(&test_clock, &test_log, &bus), SIM_OK);
    ck_assert_int_eq(bus_ram_create(&bus->memory, "ram", 64 * SIM_PAGE_SIZE, true, &ram), SIM_OK);
    ram_region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = 60 * SIM_PAGE_SIZE, .answers = 3,
                                      .enabled = true, .ram = ram };
    rom_region = (struct bus_region){ .name = "rom", .kind = BUS_REGION_ROM, .length = 4 * SIM_PAGE_SIZE, .answers = 3,
                                      .enabled = true, .ram = ram, .ram_off = 60 * SIM_PAGE_SIZE };
    ck_assert_int_eq(bus_region_add(&bus->mem, NULL, &ram_region, 0), SIM_OK);
    ck_assert_int_eq(bus_region_add(&bus->mem, NULL, &rom_region, 0xFFFC000), SIM_OK);
    calls[0] = '\0';
}

static void teardown(void)
{
    bus_destroy(bus);
    sim_log_fini(&test_log);
    sim_clock_fini(&test_clock);
}

static struct bus_txn run(enum bus_kind kind, uint64_t addr, unsigned size, uint64_t data)
{
    struct bus_txn txn = { .kind = kind, .addr = addr, .size = (uint8_t)size, .data = data };

    calls[0] = '\0';
    bus_do(bus, &txn);
    return txn;
}

/* ---- Transactions ---- */

START_TEST(an_access_is_split_as_the_range_wants_it)
{
    static const struct {
        enum bus_kind kind;
        uint64_t addr;
        unsigned size;
        uint64_t data; /* in for writes, expected for reads */
        const char *calls;
        uint32_t stall;
    } cases[] = {
        /* an 8-bit card: a cycle per byte */
        { BUS_IO_READ, 0x300, 1, 0x10, "r1@0 ", ISA },
        { BUS_IO_READ, 0x302, 2, 0x1312, "r1@2 r1@3 ", 2 * ISA },
        { BUS_IO_WRITE, 0x300, 4, 0x44332211, "w1@0=11 w1@1=22 w1@2=33 w1@3=44 ", 4 * ISA },
        /* up to 4 at once, aligned or not */
        { BUS_IO_READ, 0x308, 4, 0x13121110, "r4@0 ", PCI },
        { BUS_IO_READ, 0x309, 4, 0x14131211, "r4@1 ", PCI },
        { BUS_IO_WRITE, 0x30E, 2, 0xBBAA, "w2@6=bbaa ", PCI },
        /* from one range into the next, and into nothing */
        { BUS_IO_READ, 0x306, 4, 0x11101716, "r1@6 r1@7 r2@0 ", 2 * ISA + PCI },
        { BUS_IO_READ, 0x30D, 4, 0xFF171615, "r2@5 r1@7 ", 2 * PCI + ISA },
        { BUS_IO_WRITE, 0x2FF, 2, 0x2211, "w1@0=22 ", 2 * ISA },
        /* nobody: all ones, one ISA access; 16-bit ports end at 64K */
        { BUS_IO_READ, 0x200, 1, 0xFF, "", ISA },
        { BUS_IO_READ, 0x200, 4, 0xFFFFFFFF, "", ISA },
        { BUS_IO_WRITE, 0x200, 4, 5, "", ISA },
        { BUS_IO_READ, 0xFFFF, 4, 0xFFFFFFFF, "", ISA },
        { BUS_MEM_READ, 0xE0000000, 8, UINT64_MAX, "", PCI },
        { BUS_MEM_WRITE, 0xE0000000, 8, 1, "", PCI },
        { BUS_MEM_READ, UINT64_MAX - 3, 8, UINT64_C(0xFFFFFFFF), NULL, 0 },
        /* a range of 4 to 8 bytes: small reads are widened, writes are not */
        { BUS_MEM_READ, 0xF0000000, 8, UINT64_C(0x1716151413121110), "r8@0 ", PCI },
        { BUS_MEM_READ, 0xF0000001, 1, 0x11, "r4@0 ", PCI },
        { BUS_MEM_READ, 0xF0000006, 2, 0x1716, "r4@4 ", PCI },
        { BUS_MEM_READ, 0xF0000003, 2, 0x1413, "r4@0 r4@4 ", 2 * PCI },
        { BUS_MEM_WRITE, 0xF0000003, 2, 0x2211, "w2@3=2211 ", PCI },
        /* operations that are not there */
        { BUS_MEM_READ, 0xF0000010, 4, 0xFFFFFFFF, "", 0 },
        { BUS_MEM_WRITE, 0xF0000010, 4, 1, "", 0 },
    };
    struct bus_txn txn;

    device_of(&card_class, "card");
    txn = run(cases[_i].kind, cases[_i].addr, cases[_i].size, cases[_i].data);
    if (!cases[_i].calls)
        return; /* around the end of all addresses: only that it comes back */
    ck_assert_uint_eq(txn.data, cases[_i].data);
    ck_assert_str_eq(calls, cases[_i].calls);
    ck_assert_uint_eq(txn.stall, cases[_i].stall);
    ck_assert_int_eq(txn.answered, calls[0] || cases[_i].stall == 0);
}
END_TEST

START_TEST(memory_costs_nothing_and_crosses_pages)
{
    struct bus_txn txn = run(BUS_MEM_WRITE, 2 * SIM_PAGE_SIZE - 3, 8, UINT64_C(0x8877665544332211));

    ck_assert(txn.answered && txn.stall == 0);
    txn = run(BUS_MEM_READ, 2 * SIM_PAGE_SIZE - 3, 8, 0);
    ck_assert_uint_eq(txn.data, UINT64_C(0x8877665544332211));
    bus_ram_put(ram, 60 * SIM_PAGE_SIZE, "rom!", 4);
    txn = run(BUS_MEM_READ, 0xFFFC000, 4, 0);
    ck_assert(txn.data == 0x216D6F72 && txn.answered && txn.stall == 0);
    txn = run(BUS_MEM_WRITE, 0xFFFC000, 4, 0);
    ck_assert(!txn.answered && txn.stall == PCI);
    ck_assert_uint_eq(run(BUS_MEM_READ, 0xFFFC000, 4, 0).data, 0x216D6F72);
}
END_TEST

START_TEST(a_page_is_handed_out_only_when_memory_answers_all_of_it)
{
    uint64_t pfn = 99;
    struct sim_range range;
    struct card *c = (struct card *)device_of(&card_class, "card");

    ck_assert_ptr_eq(bus_mem_page(bus, 0x5123, true, &pfn), ram);
    ck_assert_uint_eq(pfn, 5);
    ck_assert_ptr_eq(bus_mem_page(bus, 0xFFFD004, false, &pfn), ram);
    ck_assert_uint_eq(pfn, 61);
    ck_assert_ptr_null(bus_mem_page(bus, 0xFFFD004, true, &pfn));
    ck_assert_ptr_null(bus_mem_page(bus, 0xF0000000, false, &pfn));
    ck_assert_ptr_null(bus_mem_page(bus, 60 * SIM_PAGE_SIZE, false, &pfn));
    memset(&range, 0, sizeof(range));
    ck_assert_int_eq(sim_map_memory(&c->dev, &range, "hole", 0x5800, 4, &plain_ops, SIM_SPEED_PCI, 1), SIM_OK);
    ck_assert_ptr_null(bus_mem_page(bus, 0x5123, true, &pfn));
    ck_assert_ptr_eq(bus_mem_page(bus, 0x6000, true, &pfn), ram);
    sim_range_enable(&range, false);
    ck_assert_ptr_eq(bus_mem_page(bus, 0x5123, true, &pfn), ram);
}
END_TEST

struct observed {
    struct bus_observer o;
    unsigned count;
    struct bus_txn txn[32];
};

static void observe(void *arg, const struct bus_txn *txn)
{
    struct observed *o = arg;

    if (o->count < 32)
        o->txn[o->count] = *txn;
    o->count++;
}

static void leave(void *arg, const struct bus_txn *txn)
{
    struct observed *o = arg;

    o->count++;
    bus_unobserve(bus, &o->o);
}

START_TEST(observers_see_each_transaction_when_it_is_done)
{
    struct observed first = { .o = { leave, &first, NULL } }, o = { .o = { observe, &o, NULL } };
    struct sim_device *dev = device_of(&card_class, "card");
    uint8_t bytes[13] = { 1, 2, 3 };

    bus_observe(bus, &first.o);
    bus_observe(bus, &o.o);
    sim_clock_advance(&test_clock, 77);
    run(BUS_IO_READ, 0x308, 2, 0);
    run(BUS_SPECIAL, BUS_SPECIAL_HALT, 0, 0);
    sim_dma_write(dev, 0x1000, bytes, sizeof(bytes));
    ck_assert_uint_eq(first.count, 1);
    ck_assert_uint_eq(o.count, 5);
    ck_assert(o.txn[0].kind == BUS_IO_READ && o.txn[0].data == 0x1110 && o.txn[0].at == 77 && o.txn[0].stall == PCI);
    ck_assert(o.txn[1].kind == BUS_SPECIAL && o.txn[1].addr == BUS_SPECIAL_HALT && o.txn[1].stall == 0);
    ck_assert(o.txn[2].kind == BUS_MEM_WRITE && o.txn[2].size == 8 && o.txn[2].data == 0x030201);
    ck_assert(o.txn[3].size == 4 && o.txn[4].size == 1 && o.txn[4].addr == 0x100C);
    ck_assert_uint_eq(o.txn[2].master, BUS_MASTER_DEVICE + dev->master);
    bus_unobserve(bus, &o.o);
    run(BUS_IO_READ, 0x308, 2, 0);
    ck_assert_uint_eq(o.count, 5);
}
END_TEST

START_TEST(looking_has_no_side_effects)
{
    uint8_t bytes[16];

    device_of(&card_class, "card");
    ck_assert_uint_eq(bus_peek(bus, 0xF0000003, bytes, 16), 13); /* the silent range answers no peek */
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(bytes[i], i < 13 ? 0x13 + i : 0xFF);
    ck_assert_uint_eq(bus_io_peek(bus, 0x306, 4), 0xFFFF1716); /* "plain" has no peek */
    ck_assert_uint_eq(bus_io_peek(bus, 0x200, 1), 0xFF);
    ck_assert_str_eq(calls, "");
    bus_ram_put(ram, 60 * SIM_PAGE_SIZE - 2, "ab", 2);
    ck_assert_uint_eq(bus_peek(bus, 60 * SIM_PAGE_SIZE - 2, bytes, 4), 2);
    ck_assert_mem_eq(bytes, "ab\xFF\xFF", 4);
}
END_TEST

START_TEST(poking_reaches_memory_only)
{
    char bytes[8] = "";

    device_of(&card_class, "card");
    ck_assert_uint_eq(bus_poke(bus, 60 * SIM_PAGE_SIZE - 3, "abcdef", 6), 3);
    ck_assert_uint_eq(bus_poke(bus, 0xFFFC000, "abcdef", 6), 0); /* ROM */
    ck_assert_uint_eq(bus_poke(bus, 0xF0000000, "abcdef", 6), 0);
    ck_assert_str_eq(calls, "");
    ck_assert_uint_eq(bus_poke(bus, 60 * SIM_PAGE_SIZE - 3, NULL, 6), 3); /* only told */
    bus_peek(bus, 60 * SIM_PAGE_SIZE - 3, bytes, 3);
    ck_assert_str_eq(bytes, "abc");
    bus_region_answer(&bus->mem, &ram_region, BUS_WRITES); /* nobody reads there: what a write would reach */
    ck_assert_uint_eq(bus_poke(bus, 0x1000, "w", 1), 1);
    bus_region_answer(&bus->mem, &ram_region, BUS_READS); /* read-only shadow RAM: what a read shows */
    ck_assert_uint_eq(bus_poke(bus, 0x1001, "r", 1), 1);
    bus_ram_get(ram, 0x1000, bytes, 2);
    ck_assert_mem_eq(bytes, "wr", 2);
}
END_TEST

/* ---- DMA and interrupt messages ---- */

START_TEST(dma_reads_ones_where_nobody_answers)
{
    struct sim_device *dev = device_of(&card_class, "card");
    uint8_t bytes[8];

    sim_dma_write(dev, 60 * SIM_PAGE_SIZE - 4, "abcdefgh", 8);
    sim_dma_read(dev, 60 * SIM_PAGE_SIZE - 4, bytes, 8);
    ck_assert_mem_eq(bytes, "abcd\xFF\xFF\xFF\xFF", 8);
    sim_dma_write(dev, 0xF0000000, "abcd", 4);
    sim_dma_read(dev, 0xF0000000, bytes, 4);
    ck_assert_mem_eq(bytes, "\xFF\xFF\xFF\xFF", 4);
    ck_assert_str_eq(calls, ""); /* no device hears it */
    sim_dma_write(dev, 0xFFFC000, "abcd", 4); /* ROM */
    sim_dma_read(dev, 0xFFFC000, bytes, 4);
    ck_assert_mem_eq(bytes, "\0\0\0\0", 4);
}
END_TEST

struct apic {
    struct bus_apic_port port;
    uint8_t id;
    unsigned priority, messages;
    struct sim_apic_message last;
};

static void apic_message(void *arg, const struct sim_apic_message *msg)
{
    struct apic *a = arg;

    a->messages++;
    a->last = *msg;
}

static bool apic_matches(void *arg, const struct sim_apic_message *msg)
{
    struct apic *a = arg;

    return msg->logical ? msg->dest & 1u << a->id : msg->dest == a->id || msg->dest == 0xFF;
}

static unsigned apic_priority(void *arg)
{
    return ((struct apic *)arg)->priority;
}

static void apics_attach(struct apic *a, unsigned n)
{
    memset(a, 0, n * sizeof(*a));
    for (unsigned i = 0; i < n; i++) {
        a[i].id = (uint8_t)i;
        a[i].port = (struct bus_apic_port){ apic_message, apic_matches, apic_priority, &a[i], NULL };
        bus_apic_attach(bus, &a[i].port);
    }
}

START_TEST(a_message_reaches_whom_it_names)
{
    static const struct {
        struct sim_apic_message msg;
        int except;
        unsigned heard; /* bit per APIC */
    } cases[] = {
        { { .vector = 0x40, .dest = 2 }, -1, 4 },
        { { .vector = 0x40, .dest = 0xFF }, -1, 15 },
        { { .vector = 0x40, .dest = 0xFF }, 1, 13 },
        { { .vector = 0x40, .dest = 5 }, -1, 0 },
        { { .vector = 0x40, .dest = 0x0A, .logical = true }, -1, 10 },
        { { .vector = 0x40, .dest = 0x0F, .logical = true, .delivery = 1 }, -1, 4 },  /* the lowest */
        { { .vector = 0x40, .dest = 0x0B, .logical = true, .delivery = 1 }, -1, 2 },  /* the first of equals */
        { { .vector = 0x40, .dest = 0xFF, .delivery = 1 }, 2, 2 },
    };
    static const unsigned priority[4] = { 9, 5, 3, 5 };
    struct apic a[4];
    unsigned heard = 0;
    bool matched;

    apics_attach(a, 4);
    for (unsigned i = 0; i < 4; i++)
        a[i].priority = priority[i];
    matched = bus_apic_send(bus, &cases[_i].msg, cases[_i].except < 0 ? NULL : &a[cases[_i].except].port);
    for (unsigned i = 0; i < 4; i++)
        heard |= a[i].messages << i;
    ck_assert_uint_eq(heard, cases[_i].heard);
    ck_assert_int_eq(matched, cases[_i].heard != 0);
}
END_TEST

/* SDM Vol. 3A, "Message Signalled Interrupts". */
START_TEST(a_dma_write_to_fee_is_an_msi)
{
    static const struct {
        uint32_t addr, data;
        struct sim_apic_message msg;
    } cases[] = {
        { 0xFEE03000, 0x0041, { .vector = 0x41, .dest = 3, .asserted = true } },
        { 0xFEE0300C, 0x0142, { .vector = 0x42, .dest = 3, .logical = true, .delivery = 1, .asserted = true } },
        { 0xFEEFF000, 0xC430, { .vector = 0x30, .dest = 0xFF, .delivery = 4, .level = true, .asserted = true } },
        { 0xFEE00004, 0x8030, { .vector = 0x30, .dest = 0, .logical = true, .level = true } },
    };
    struct sim_device *dev = device_of(&card_class, "card");
    struct apic a[4];
    const struct sim_apic_message *want = &cases[_i].msg;
    uint8_t bytes[4];

    apics_attach(a, 4);
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(cases[_i].data >> 8 * i);
    sim_dma_write(dev, cases[_i].addr, bytes, 4);
    for (unsigned i = 0; i < 4; i++) {
        const struct sim_apic_message *got = &a[i].last;

        if (a[i].messages)
            ck_assert(got->vector == want->vector && got->dest == want->dest && got->delivery == want->delivery &&
                      got->logical == want->logical && got->wide == want->wide && got->level == want->level && got->asserted == want->asserted);
    }
    sim_dma_write(dev, cases[_i].addr + 2, bytes, 2); /* no MSI: dropped, and no harm */
}
END_TEST

static uint8_t answer(struct sim_device *dev)
{
    return 0x28;
}

static void eoi(struct sim_device *dev, uint8_t vector)
{
    note("eoi%llx ", vector, 0, 0);
}

START_TEST(the_pic_answers_interrupt_acknowledge)
{
    struct sim_device *dev = device_of(&card_class, "card");
    uint32_t stall = 0;

    ck_assert_uint_eq(bus_intack(bus, 0, &stall), 0xFF);
    ck_assert_int_eq(sim_answer_intack(dev, answer), SIM_OK);
    ck_assert_int_eq(sim_answer_intack(dev, answer), SIM_ERR_OVERLAP);
    ck_assert_uint_eq(bus_intack(bus, 0, &stall), 0x28);
    ck_assert_uint_eq(stall, PCI);
    ck_assert(run(BUS_INTACK, 0, 1, 0).answered);
    ck_assert_int_eq(sim_listen_eoi(dev, eoi), SIM_OK);
    bus_apic_eoi(bus, 0x51);
    ck_assert_str_eq(calls, "eoi51 ");
}
END_TEST

static void count_change(void *arg)
{
    ++*(unsigned *)arg;
}

START_TEST(the_a20_gate_masks_addresses)
{
    const struct sim_component *c = bus_component(bus);
    struct sim_wire_driver gate, other;
    struct sim_buf b = SIM_BUF_INIT;
    struct sim_reader r;
    unsigned changes = 0;

    ck_assert_uint_eq(bus->a20_mask, UINT64_MAX); /* nobody drives it */
    bus->a20_changed = count_change;
    bus->change_arg = &changes;
    ck_assert_int_eq(bus_wire_source(bus, &gate, "a20.gate"), SIM_OK);
    ck_assert_int_eq(bus_wire_source(bus, &other, "a20.gate"), SIM_OK);
    sim_wire_set(&gate, true);
    sim_wire_set(&other, true);
    sim_wire_set(&gate, false); /* port 92h still holds it */
    ck_assert(bus->a20 && changes == 0);
    sim_wire_set(&other, false);
    ck_assert_uint_eq(bus->a20_mask, ~(UINT64_C(1) << 20));
    ck_assert_uint_eq(changes, 1);
    sim_fields_pack(c->fields, c->object, &b);
    bus_set_a20(bus, true);
    r = sim_reader_over(b.data, b.len);
    ck_assert_int_eq(sim_fields_unpack(c->fields, c->object, &r), SIM_OK);
    c->loaded(c->object);
    ck_assert_uint_eq(bus->a20_mask, ~(UINT64_C(1) << 20));
    ck_assert_uint_eq(changes, 3);
    sim_buf_fini(&b);
}
END_TEST

/* ---- Instances ---- */

START_TEST(properties_are_parsed_or_refused_in_one_line)
{
    static const struct {
        const char *properties[5];
        enum sim_err err;
        const char *says;
        uint64_t base;
        bool loud;
        const char *label;
    } cases[] = {
        { { NULL }, SIM_OK, NULL, 0x300, false, NULL },
        { { "base", "64", "loud", "on" }, SIM_OK, NULL, 64, true, NULL },
        { { "base", "0x2F8", "label", "a b" }, SIM_OK, NULL, 0x2F8, false, "a b" },
        { { "base", "16M", "loud", "no" }, SIM_OK, NULL, 16 << 20, false, NULL },
        { { "base", "010" }, SIM_OK, NULL, 10, false, NULL },
        { { "base", "0" }, SIM_ERR_USAGE, "c: base=0: 1 to 268435456 (first port)", 0, false, NULL },
        { { "base", "1G" }, SIM_ERR_USAGE, "c: base=1G: 1 to", 0, false, NULL },
        { { "base", "" }, SIM_ERR_USAGE, "not a number", 0, false, NULL },
        { { "base", "-1" }, SIM_ERR_USAGE, "not a number", 0, false, NULL },
        { { "base", "0x" }, SIM_ERR_USAGE, "not a number", 0, false, NULL },
        { { "base", "7x" }, SIM_ERR_USAGE, "not a number", 0, false, NULL },
        { { "base", "99999999999999999999" }, SIM_ERR_USAGE, "not a number", 0, false, NULL },
        { { "base", "17179869184G" }, SIM_ERR_USAGE, "not a number", 0, false, NULL },
        { { "loud", "maybe" }, SIM_ERR_USAGE, "c: loud=maybe: on or off (makes noise)", 0, false, NULL },
        { { "bass", "1" }, SIM_ERR_UNKNOWN, "c: no property bass; card has: base, loud, label", 0, false, NULL },
        { { "base", "1", "base", "2" }, SIM_ERR_USAGE, "given twice", 0, false, NULL },
    };
    struct sim_device *dev;
    const struct card *c;

    ck_assert_int_eq(bus_device_create(bus, &card_class, "c", cases[_i].properties, &dev), cases[_i].err);
    if (cases[_i].err) {
        ck_assert_msg(strstr(sim_last_error(), cases[_i].says) != NULL, "said: %s", sim_last_error());
        ck_assert_ptr_null(bus_device_find(bus, "c"));
        return;
    }
    c = (const struct card *)dev;
    ck_assert_uint_eq(c->base, cases[_i].base);
    ck_assert_int_eq(c->loud, cases[_i].loud);
    ck_assert_pstr_eq(c->label, cases[_i].label);
}
END_TEST

START_TEST(a_class_of_another_interface_is_refused)
{
    static struct sim_device_class cls; /* outlives its instances */
    struct sim_device *dev;

    cls = card_class;
    cls.abi++;
    ck_assert_int_eq(bus_device_create(bus, &cls, "c", NULL, &dev), SIM_ERR_UNSUPPORTED);
    cls = card_class;
    cls.size -= 8;
    ck_assert_int_eq(bus_device_create(bus, &cls, "c", NULL, &dev), SIM_ERR_UNSUPPORTED);
    cls = card_class;
    cls.instance_size = 4;
    ck_assert_int_eq(bus_device_create(bus, &cls, "c", NULL, &dev), SIM_ERR_USAGE);
    ck_assert_int_eq(bus_device_create(bus, &card_class, "", NULL, &dev), SIM_ERR_USAGE);
    device_of(&card_class, "c");
    ck_assert_int_eq(bus_device_create(bus, &card_class, "c", NULL, &dev), SIM_ERR_USAGE);
}
END_TEST

/* Joins everything there is, then fails. */
static enum sim_err failing_realize(struct sim_device *dev)
{
    struct card *c = (struct card *)dev;
    struct bus_ram *own;

    card_realize(dev);
    sim_device_ram(dev, "buffer", 4096, &own);
    sim_wire_drive(dev, &c->irq, "isa.irq3");
    sim_wire_listen(dev, "isa.irq4", 0, NULL);
    sim_wire_set(&c->irq, true);
    sim_answer_intack(dev, answer);
    sim_listen_eoi(dev, eoi);
    sim_accept_input(dev, "serial0");
    sim_device_event(dev, &c->tick, 0, NULL);
    sim_event_at(&c->tick, 100);
    c->window = (struct bus_region){ .name = "window", .kind = BUS_REGION_ALIAS, .length = 4096, .answers = 3,
                                     .enabled = true, .alias = &ram_region };
    bus_region_add(&bus->mem, NULL, &c->window, 0x80000000);
    return c->label ? sim_fail(SIM_ERR_USAGE, "card: %s", c->label) : SIM_ERR_IO;
}

START_TEST(a_device_that_fails_leaves_nothing_behind)
{
    static const char *const labelled[] = { "label", "out of luck", NULL };
    struct sim_device_class cls = card_class;
    struct sim_device *dev;
    uint32_t component = device_of(&card_class, "before")->component;

    cls.realize = failing_realize;
    sim_fail(SIM_ERR_IO, "an old line");
    ck_assert_int_eq(bus_device_create(bus, &cls, "bad", NULL, &dev), SIM_ERR_IO);
    ck_assert_str_eq(sim_last_error(), "bad (card): host file or socket failed"); /* not the old line */
    ck_assert_int_eq(bus_device_create(bus, &cls, "bad", labelled, &dev), SIM_ERR_USAGE);
    ck_assert_str_eq(sim_last_error(), "card: out of luck");
    ck_assert_ptr_null(bus_device_find(bus, "bad"));
    ck_assert_ptr_null(bus_ram_find(&bus->memory, "bad.buffer"));
    ck_assert_uint_eq(sim_clock_next(&test_clock), SIM_NEVER);
    ck_assert(!bus_wire_level(bus, "isa.irq3"));
    ck_assert_int_eq(bus_input(bus, "serial0", "x", 1), SIM_ERR_UNKNOWN);
    ck_assert(!run(BUS_MEM_READ, 0x80000000, 4, 0).answered);
    ck_assert(!run(BUS_INTACK, 0, 1, 0).answered);
    bus_apic_eoi(bus, 1);
    ck_assert_str_eq(calls, "");
    ck_assert_uint_eq(bus_new_component(bus), component + 1);
}
END_TEST

START_TEST(devices_are_reset_in_order_of_creation)
{
    struct sim_device *a = device_of(&card_class, "a"), *b = device_of(&card_class, "b");
    struct sim_device *dev = bus_device_next(bus, NULL);

    ck_assert(dev == a && bus_device_next(bus, a) == b && !bus_device_next(bus, b));
    bus_reset(bus, SIM_RESET_HARD);
    ck_assert_str_eq(calls, "reset0.1 reset1.1 ");
}
END_TEST

START_TEST(a_device_is_a_component)
{
    struct sim_device *dev = device_of(&card_class, "card");
    const struct sim_component *c = bus_device_component(dev);

    ck_assert_str_eq(c->name, "card");
    ck_assert_ptr_eq(c->object, dev);
    ((struct card *)dev)->state = 7;
    c->loaded(c->object);
    ck_assert_str_eq(calls, "loaded7 ");
    ck_assert_uint_eq(bus_device_class_gap(&card_class), sizeof(struct card));
}
END_TEST

static enum sim_err taking_realize(struct sim_device *dev)
{
    return sim_accept_input(dev, "keyboard");
}

static void ticked(struct sim_device *dev)
{
    note("tick%llu ", sim_now(dev), 0, 0);
}

static enum sim_err ticking_realize(struct sim_device *dev)
{
    sim_device_event(dev, &((struct card *)dev)->tick, 0, ticked);
    return SIM_OK;
}

START_TEST(input_goes_to_the_one_who_takes_it)
{
    static struct sim_device_class cls; /* outlives its instances */
    struct sim_device *dev;

    cls = card_class;
    cls.realize = taking_realize;
    device_of(&cls, "kbd");
    ck_assert_int_eq(bus_device_create(bus, &cls, "other", NULL, &dev), SIM_ERR_OVERLAP);
    ck_assert_int_eq(bus_input(bus, "keyboard", "abc", 3), SIM_OK);
    ck_assert_int_eq(bus_input(bus, "mouse", "abc", 3), SIM_ERR_UNKNOWN);
    ck_assert_str_eq(calls, "input3 ");
    cls.input = NULL;
    ck_assert_int_eq(bus_device_create(bus, &cls, "deaf", NULL, &dev), SIM_ERR_USAGE);
}
END_TEST

START_TEST(a_device_event_calls_its_device)
{
    static struct sim_device_class cls; /* outlives its instances */
    struct card *c;

    cls = card_class;
    cls.realize = ticking_realize;
    c = (struct card *)device_of(&cls, "t");
    sim_event_at(&c->tick, 50);
    sim_clock_advance(&test_clock, 100);
    ck_assert_str_eq(calls, "tick50 ");
}
END_TEST

static uint64_t moving_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct card *c = (struct card *)dev;

    sim_range_move(&c->range[0], 0x400); /* the map changes under the access */
    sim_range_enable(&c->range[1], false);
    return 0x55;
}

static enum sim_err moving_realize(struct sim_device *dev)
{
    static const struct sim_range_ops ops = { moving_read, NULL, NULL, 0, 1 };
    struct card *c = (struct card *)dev;

    sim_map_io(dev, &c->range[1], "b", 0x308, 8, &ops, SIM_SPEED_ISA, 0);
    return sim_map_io(dev, &c->range[0], "a", 0x300, 8, &ops, SIM_SPEED_ISA, 0);
}

START_TEST(a_range_may_move_while_it_is_read)
{
    static struct sim_device_class cls; /* outlives its instances */

    cls = card_class;
    cls.realize = moving_realize;
    device_of(&cls, "m");
    ck_assert_uint_eq(run(BUS_IO_READ, 0x300, 2, 0).data, 0x5555);
    ck_assert(!run(BUS_IO_READ, 0x308, 1, 0).answered);
    ck_assert(run(BUS_IO_READ, 0x407, 1, 0).answered);
}
END_TEST

START_TEST(ranges_that_make_no_sense_are_refused)
{
    static const struct sim_range_ops bad[] = { { .max_size = 3 }, { .max_size = 16 }, { .min_size = 8 },
                                                { .min_size = 2, .max_size = 1 } };
    struct card *c = (struct card *)device_of(&card_class, "card");
    struct sim_range range = { 0 };

    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(sim_map_io(&c->dev, &range, "bad", 0, 8, &bad[i], SIM_SPEED_ISA, 0), SIM_ERR_USAGE);
    ck_assert_int_eq(sim_map_io(&c->dev, &range, "end", 0xFFFF, 2, &byte_ops, SIM_SPEED_ISA, 0), SIM_ERR_USAGE);
    ck_assert_int_eq(sim_map_io(&c->dev, &range, "none", 0, 0, &byte_ops, SIM_SPEED_ISA, 0), SIM_ERR_USAGE);
    ck_assert_int_eq(sim_map_io(&c->dev, &c->range[0], "twice", 0, 1, &byte_ops, SIM_SPEED_ISA, 0), SIM_ERR_USAGE);
    ck_assert_int_eq(sim_map_io(&c->dev, &range, "last", 0xFFFF, 1, &byte_ops, SIM_SPEED_ISA, 0), SIM_OK);
    sim_range_move(&range, UINT64_MAX); /* a guest's number: out of sight */
    ck_assert(!run(BUS_IO_READ, 0xFFFF, 1, 0).answered);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bus");
    TCase *t = tcase_create("bus");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, an_access_is_split_as_the_range_wants_it, 0, 23);
    tcase_add_test(t, memory_costs_nothing_and_crosses_pages);
    tcase_add_test(t, a_page_is_handed_out_only_when_memory_answers_all_of_it);
    tcase_add_test(t, observers_see_each_transaction_when_it_is_done);
    tcase_add_test(t, looking_has_no_side_effects);
    tcase_add_test(t, poking_reaches_memory_only);
    tcase_add_test(t, dma_reads_ones_where_nobody_answers);
    tcase_add_loop_test(t, a_message_reaches_whom_it_names, 0, 8);
    tcase_add_loop_test(t, a_dma_write_to_fee_is_an_msi, 0, 4);
    tcase_add_test(t, the_pic_answers_interrupt_acknowledge);
    tcase_add_test(t, the_a20_gate_masks_addresses);
    tcase_add_loop_test(t, properties_are_parsed_or_refused_in_one_line, 0, 16);
    tcase_add_test(t, a_class_of_another_interface_is_refused);
    tcase_add_test(t, a_device_that_fails_leaves_nothing_behind);
    tcase_add_test(t, devices_are_reset_in_order_of_creation);
    tcase_add_test(t, a_device_is_a_component);
    tcase_add_test(t, input_goes_to_the_one_who_takes_it);
    tcase_add_test(t, a_device_event_calls_its_device);
    tcase_add_test(t, a_range_may_move_while_it_is_read);
    tcase_add_test(t, ranges_that_make_no_sense_are_refused);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
