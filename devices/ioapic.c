#include "devices/ioapic.h"

#define IOAPIC_BASE 0xFEC00000u
#define PINS 24

/* "I/O Redirection Table Registers". */
#define IOAPIC_ENTRY(X, p)                                                          \
    X(p, dest,     63, 56, "APIC ID, or set of processors")                         \
    X(p, mask,     16, 16, "masked")                                                \
    X(p, level,    15, 15, "trigger mode: 1 level, 0 edge")                         \
    X(p, irr,      14, 14, "remote IRR: accepted, no EOI yet (level)")              \
    X(p, polarity, 13, 13, "1 low active")                                          \
    X(p, pending,  12, 12, "delivery status")                                       \
    X(p, logical,  11, 11, "destination mode: 1 logical")                           \
    X(p, delivery, 10, 8,  "0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT") \
    X(p, vector,   7, 0,   "vector")
SIM_BITS_DEFINE(ioapic_entry, IOAPIC_ENTRY)

#define ENTRY_WRITABLE UINT64_C(0xFF0000000001AFFF)
#define ENTRY_IRR (UINT64_C(1) << 14)
#define ENTRY_MASK (UINT64_C(1) << 16)

enum { DELIVER_FIXED = 0, DELIVER_LOWEST = 1 };

/* Offsets from the base, and what IOREGSEL selects. */
enum { IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40 };
enum { REG_ID = 0x00, REG_VERSION = 0x01, REG_ARBITRATION = 0x02, REG_TABLE = 0x10 };
#define VERSION_WITH_EOI 0x20

struct ioapic {
    struct sim_device dev;
    uint64_t version;
    uint32_t id;
    uint8_t select;
    uint32_t lines;
    uint64_t entry[PINS];
    struct sim_range range;
};

static const struct sim_field ioapic_fields[] = {
    SIM_FIELD(struct ioapic, id, "identification: bits 27:24"),
    SIM_FIELD(struct ioapic, select, "IOREGSEL: the register in the window"),
    SIM_FIELD(struct ioapic, lines, "levels of the pins"),
    { .name = "entry", .doc = "redirection table", .bits = ioapic_entry_bits, .offset = offsetof(struct ioapic, entry),
      .width = sizeof(uint64_t), .count = PINS, .kind = SIM_KIND_UINT },
    SIM_FIELD_DERIVED(struct ioapic, range, "FEC00000h"),
    SIM_FIELD_END
};

static const struct sim_property ioapic_properties[] = {
    SIM_PROPERTY_UINT_(struct ioapic, version, 0x11, 0x2F, "17", "version register bits 7:0; from 32 on with EOI register"),
    SIM_PROPERTY_END
};

static struct ioapic *ioapic_of(struct sim_device *dev)
{
    return (struct ioapic *)dev;
}

static bool is_level(uint64_t entry)
{
    uint64_t delivery = ioapic_entry_delivery(entry);

    /* "Delivery Mode": the others are edges, whatever bit 15 says. */
    return ioapic_entry_level(entry) && (delivery == DELIVER_FIXED || delivery == DELIVER_LOWEST);
}

static void deliver(struct ioapic *io, unsigned pin)
{
    uint64_t entry = io->entry[pin];
    struct sim_apic_message msg = {
        .vector = (uint8_t)ioapic_entry_vector(entry),
        .delivery = (uint8_t)ioapic_entry_delivery(entry),
        .dest = (uint8_t)ioapic_entry_dest(entry),
        .logical = ioapic_entry_logical(entry),
        .level = is_level(entry),
        .asserted = true,
    };

    if (is_level(entry))
        io->entry[pin] |= ENTRY_IRR;
    sim_apic_send(&io->dev, &msg);
}

/* A level pin that is high, not masked and not waiting for its EOI is delivered. */
static void deliver_level(struct ioapic *io, unsigned pin)
{
    uint64_t entry = io->entry[pin];

    if (is_level(entry) && (io->lines & 1u << pin) && !ioapic_entry_mask(entry) && !ioapic_entry_irr(entry))
        deliver(io, pin);
}

/* "Interrupt Mask": an edge on a masked pin is lost. */
static void pin_changed(struct sim_device *dev, unsigned pin, bool level)
{
    struct ioapic *io = ioapic_of(dev);
    uint64_t entry = io->entry[pin];
    bool rose = level && !(io->lines & 1u << pin);

    io->lines = (uint32_t)sim_bits_set(io->lines, pin, pin, level);
    if (is_level(entry))
        deliver_level(io, pin);
    else if (rose && !ioapic_entry_mask(entry))
        deliver(io, pin);
}

static void end_of_interrupt(struct sim_device *dev, uint8_t vector)
{
    struct ioapic *io = ioapic_of(dev);

    for (unsigned pin = 0; pin < PINS; pin++) {
        if (ioapic_entry_vector(io->entry[pin]) != vector || !ioapic_entry_irr(io->entry[pin]))
            continue;
        io->entry[pin] &= ~ENTRY_IRR;
        deliver_level(io, pin);
    }
}

/* ---- Registers ---- */

static uint32_t read_register(const struct ioapic *io, uint8_t reg)
{
    switch (reg) {
    case REG_ID:
    case REG_ARBITRATION:
        return io->id;
    case REG_VERSION:
        return (PINS - 1) << 16 | (uint32_t)io->version;
    }
    if (reg < REG_TABLE || reg >= REG_TABLE + 2 * PINS)
        return 0xFFFFFFFF;
    return (uint32_t)(io->entry[(reg - REG_TABLE) / 2] >> (reg & 1) * 32);
}

/* An entry made edge-triggered forgets its remote IRR. */
static void write_entry(struct ioapic *io, unsigned pin, bool upper, uint32_t value)
{
    uint64_t entry = sim_bits_set(io->entry[pin], upper ? 63 : 31, upper ? 32 : 0, value);

    io->entry[pin] = (entry & ENTRY_WRITABLE) | (io->entry[pin] & ENTRY_IRR);
    if (!ioapic_entry_level(entry))
        io->entry[pin] &= ~ENTRY_IRR;
    deliver_level(io, pin);
}

static void write_register(struct ioapic *io, uint8_t reg, uint32_t value)
{
    if (reg == REG_ID)
        io->id = value & 0x0F000000;
    if (reg >= REG_TABLE && reg < REG_TABLE + 2 * PINS)
        write_entry(io, (reg - REG_TABLE) / 2, reg & 1, value);
}

static uint64_t ioapic_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct ioapic *io = ioapic_of(dev);

    switch (off & ~UINT64_C(3)) {
    case IOREGSEL:
        return io->select >> (off & 3) * 8;
    case IOWIN:
        return read_register(io, io->select) >> (off & 3) * 8;
    }
    return UINT64_MAX;
}

static void ioapic_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct ioapic *io = ioapic_of(dev);

    if (off == IOREGSEL)
        io->select = (uint8_t)value;
    else if (off == IOWIN && size == 4)
        write_register(io, io->select, (uint32_t)value);
    else if (off == IOEOI && io->version >= VERSION_WITH_EOI)
        end_of_interrupt(dev, (uint8_t)value);
    else if (off == IOWIN)
        sim_device_unmodelled(dev, "IOWIN", "a write of %u bytes is ignored: the window takes doublewords", size);
}

static const struct sim_range_ops ioapic_ops = {
    .read = ioapic_read, .write = ioapic_write, .peek = ioapic_read, .max_size = 4
};

/* ---- The device ---- */

static enum sim_err listen(struct sim_device *dev)
{
    static const char *const wires[PINS] = {
        "intr", "isa.irq1", "isa.irq0", "isa.irq3", "isa.irq4", "isa.irq5", "isa.irq6", "isa.irq7",
        "isa.irq8", "isa.irq9", "isa.irq10", "isa.irq11", "isa.irq12", "isa.irq13", "isa.irq14", "isa.irq15",
        "gsi16", "gsi17", "gsi18", "gsi19", "gsi20", "gsi21", "gsi22", "gsi23"
    };
    enum sim_err err = SIM_OK;

    for (unsigned pin = 0; pin < PINS && !err; pin++)
        err = sim_wire_listen(dev, wires[pin], pin, pin_changed);
    return err;
}

static enum sim_err ioapic_realize(struct sim_device *dev)
{
    struct ioapic *io = ioapic_of(dev);
    enum sim_err err;

    if ((err = sim_map_memory(dev, &io->range, "ioapic", IOAPIC_BASE, 0x1000, &ioapic_ops, SIM_SPEED_PCI, 0)) ||
        (err = listen(dev)))
        return err;
    return sim_listen_eoi(dev, end_of_interrupt);
}

static void ioapic_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct ioapic *io = ioapic_of(dev);

    io->id = 0;
    io->select = 0;
    for (unsigned pin = 0; pin < PINS; pin++)
        io->entry[pin] = ENTRY_MASK;
}

const struct sim_device_class ioapic_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "82093aa",
    .title = "I/O APIC",
    .version = 1,
    .instance_size = sizeof(struct ioapic),
    .fields = ioapic_fields,
    .properties = ioapic_properties,
    .realize = ioapic_realize,
    .reset = ioapic_reset,
};
