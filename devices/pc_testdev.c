#include "devices/pc_testdev.h"

#include <stdio.h>

#define LINES 24
#define ISA_LINES 16
#define MEMORY_BASE 0xFF000000u
#define MEMORY_BYTES 0x10000u

struct pc_testdev {
    struct sim_device dev;
    uint32_t echo, flush;
    struct sim_wire_driver line[LINES];
    struct sim_range range_lines, range_echo, range_flush, range_memory;
    struct bus_ram *memory;
};

static const struct sim_field pc_testdev_fields[] = {
    SIM_FIELD(struct pc_testdev, echo, "ports E0h-E3h: what was written last"),
    SIM_FIELD(struct pc_testdev, flush, "ports E4h-E7h: what was written last"),
    SIM_FIELD_DERIVED(struct pc_testdev, line, "wires: the bus keeps their levels"),
    SIM_FIELD_DERIVED(struct pc_testdev, range_lines, "ports 2000h-2017h"),
    SIM_FIELD_DERIVED(struct pc_testdev, range_echo, "ports E0h-E3h"),
    SIM_FIELD_DERIVED(struct pc_testdev, range_flush, "ports E4h-E7h"),
    SIM_FIELD_DERIVED(struct pc_testdev, range_memory, "FF000000h"),
    SIM_FIELD_DERIVED(struct pc_testdev, memory, "a RAM of its own keeps the bytes"),
    SIM_FIELD_END
};

static struct pc_testdev *testdev_of(struct sim_device *dev)
{
    return (struct pc_testdev *)dev;
}

/* ---- Interrupt lines ---- */

static uint64_t lines_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return sim_wire_level(&testdev_of(dev)->line[off]);
}

static void lines_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    sim_wire_set(&testdev_of(dev)->line[off], value != 0);
}

/* ---- Registers that keep what was written ---- */

static void put(uint32_t *reg, uint64_t off, uint64_t value, unsigned size)
{
    *reg = (uint32_t)sim_bits_set(*reg, (unsigned)(8 * (off + size) - 1), (unsigned)(8 * off), value);
}

static uint64_t echo_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return testdev_of(dev)->echo >> 8 * off;
}

static void echo_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    put(&testdev_of(dev)->echo, off, value, size);
}

static uint64_t flush_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return testdev_of(dev)->flush >> 8 * off;
}

static void flush_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    put(&testdev_of(dev)->flush, off, value, size);
}

/* ---- Memory ---- */

static uint64_t memory_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint64_t value = 0;

    for (unsigned n = 0; n < size; n++)
        value |= (uint64_t)sim_ram_read8(testdev_of(dev)->memory, off + n) << 8 * n;
    return value;
}

static void memory_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    for (unsigned n = 0; n < size; n++)
        sim_ram_write8(testdev_of(dev)->memory, off + n, (uint8_t)(value >> 8 * n));
}

static const struct sim_range_ops lines_ops = {
    .read = lines_read, .write = lines_write, .peek = lines_read, .max_size = 1
};
static const struct sim_range_ops echo_ops = {
    .read = echo_read, .write = echo_write, .peek = echo_read, .max_size = 4
};
static const struct sim_range_ops flush_ops = {
    .read = flush_read, .write = flush_write, .peek = flush_read, .max_size = 4
};
static const struct sim_range_ops memory_ops = {
    .read = memory_read, .write = memory_write, .peek = memory_read, .max_size = 4
};

/* ---- The device ---- */

static enum sim_err drive_lines(struct sim_device *dev)
{
    enum sim_err err = SIM_OK;

    for (unsigned n = 0; n < LINES && !err; n++) {
        char name[12];

        snprintf(name, sizeof(name), n < ISA_LINES ? "isa.irq%u" : "gsi%u", n);
        err = sim_wire_drive(dev, &testdev_of(dev)->line[n], name);
    }
    return err;
}

static enum sim_err pc_testdev_realize(struct sim_device *dev)
{
    struct pc_testdev *t = testdev_of(dev);
    enum sim_err err;

    if ((err = sim_device_ram(dev, "memory", MEMORY_BYTES, &t->memory)) ||
        (err = sim_map_io(dev, &t->range_lines, "interrupt lines", 0x2000, LINES, &lines_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_map_io(dev, &t->range_echo, "echo", 0xE0, 4, &echo_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_map_io(dev, &t->range_flush, "flush", 0xE4, 4, &flush_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_map_memory(dev, &t->range_memory, "test memory", MEMORY_BASE, MEMORY_BYTES, &memory_ops, SIM_SPEED_LOCAL, 0)))
        return err;
    return drive_lines(dev);
}

static void pc_testdev_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct pc_testdev *t = testdev_of(dev);

    t->echo = 0;
    t->flush = 0;
    for (unsigned n = 0; n < LINES; n++)
        sim_wire_set(&t->line[n], false);
}

const struct sim_device_class pc_testdev_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "pc-testdev",
    .title = "Test device",
    .version = 1,
    .instance_size = sizeof(struct pc_testdev),
    .fields = pc_testdev_fields,
    .realize = pc_testdev_realize,
    .reset = pc_testdev_reset,
};
