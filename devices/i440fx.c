#include "devices/i440fx.h"

#include "base/error.h"
#include "bus/bus.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* "CONFADD: Configuration Address Register". */
#define I440FX_CONFADD(X, p)                                    \
    X(p, enable,   31, 31, "CONFDATA makes configuration cycles") \
    X(p, bus,      23, 16, "bus")                               \
    X(p, device,   15, 11, "device")                            \
    X(p, function, 10, 8,  "function")                          \
    X(p, reg,      7, 2,   "register, a doubleword")
SIM_BITS_DEFINE(i440fx_confadd, I440FX_CONFADD)

/* "SMRAM: System Management RAM Control Register". */
#define I440FX_SMRAM(X, p)                                      \
    X(p, open,   6, 6, "D_OPEN: SMRAM is seen outside SMM")     \
    X(p, closed, 5, 5, "D_CLS: data accesses do not reach it")  \
    X(p, locked, 4, 4, "D_LCK: D_OPEN is 0, and all is read-only until reset") \
    X(p, enable, 3, 3, "G_SMRAME: there is SMRAM")              \
    X(p, base,   2, 0, "C_BASE_SEG: 2 stands for A0000h")
SIM_BITS_DEFINE(i440fx_smram, I440FX_SMRAM)

/* 82371SB, "Reset Control Register"; TRC has these two bits in the same place. */
#define I440FX_RESET(X, p)                                      \
    X(p, rcpu, 2, 2, "going from 0 to 1 resets")                \
    X(p, hard, 1, 1, "1 the machine, 0 the processor (INIT)")
SIM_BITS_DEFINE(i440fx_reset, I440FX_RESET)

enum {
    PCICMD = 0x04, PCISTS = 0x06, MLT = 0x0D, SUBSYSTEM = 0x2C, PAM0 = 0x59, DRB0 = 0x60, FDHC = 0x68, SMRAM = 0x72, TRC = 0x93
};

/* What is not 0 after reset, or can be written. */
static const struct {
    uint8_t off, initial, writable, clear_on_1;
} registers[] = {
    { PCICMD, 0x06, 0x40, 0 },      { PCICMD + 1, 0, 0x01, 0 },
    { PCISTS, 0x80, 0, 0 },         { PCISTS + 1, 0x02, 0, 0xF9 },
    { MLT, 0, 0xF8, 0 },            { 0x0C, 0, 0, 0 }, /* no cache line size */
    { SUBSYSTEM, 0xF4, 0, 0 },      { SUBSYSTEM + 1, 0x1A, 0, 0 },
    { SUBSYSTEM + 2, 0x00, 0, 0 },  { SUBSYSTEM + 3, 0x11, 0, 0 },
    { 0x3C, 0, 0, 0 },              /* no interrupt line */
    { 0x50, 0, 0x74, 0 },           { 0x51, 0, 0xC0, 0 }, /* PMCCFG */
    { 0x52, 0, 0xFF, 0 },           /* DETURBO */
    { 0x53, 0x80, 0xFF, 0 },        /* DBC */
    { 0x54, 0, 0xFF, 0 },           /* AXC */
    { 0x55, 0, 0xFF, 0 },           { 0x56, 0, 0xFF, 0 }, /* DRT */
    { 0x57, 0x01, 0xFF, 0 },        /* DRAMC */
    { 0x58, 0, 0xFF, 0 },           /* DRAMT */
    { PAM0, 0, 0x70, 0 },           { PAM0 + 1, 0, 0x77, 0 },
    { PAM0 + 2, 0, 0x77, 0 },       { PAM0 + 3, 0, 0x77, 0 },
    { PAM0 + 4, 0, 0x77, 0 },       { PAM0 + 5, 0, 0x77, 0 },
    { PAM0 + 6, 0, 0x77, 0 },
    { DRB0, 0, 0xFF, 0 },           { DRB0 + 1, 0, 0xFF, 0 },
    { DRB0 + 2, 0, 0xFF, 0 },       { DRB0 + 3, 0, 0xFF, 0 },
    { DRB0 + 4, 0, 0xFF, 0 },       { DRB0 + 5, 0, 0xFF, 0 },
    { DRB0 + 6, 0, 0xFF, 0 },       { DRB0 + 7, 0, 0xFF, 0 },
    { FDHC, 0, 0xC0, 0 },
    { 0x70, 0, 0xF8, 0 },           /* MTT */
    { 0x71, 0x10, 0xF8, 0 },        /* CLT */
    { SMRAM, 0x02, 0x78, 0 },
    { 0x90, 0, 0x1B, 0 },           { 0x91, 0, 0, 0x11 }, /* ERRCMD, ERRSTS */
    { TRC, 0, 0x0F, 0 },
};

/* "PAM: Programmable Attribute Map Registers": which nibble says who answers where. */
#define SEGMENTS 13
static const struct {
    uint8_t off, shift;
    uint32_t base, length;
} segments[SEGMENTS] = {
    { PAM0, 4, 0xF0000, 0x10000 },
    { PAM0 + 1, 0, 0xC0000, 0x4000 }, { PAM0 + 1, 4, 0xC4000, 0x4000 },
    { PAM0 + 2, 0, 0xC8000, 0x4000 }, { PAM0 + 2, 4, 0xCC000, 0x4000 },
    { PAM0 + 3, 0, 0xD0000, 0x4000 }, { PAM0 + 3, 4, 0xD4000, 0x4000 },
    { PAM0 + 4, 0, 0xD8000, 0x4000 }, { PAM0 + 4, 4, 0xDC000, 0x4000 },
    { PAM0 + 5, 0, 0xE0000, 0x4000 }, { PAM0 + 5, 4, 0xE4000, 0x4000 },
    { PAM0 + 6, 0, 0xE8000, 0x4000 }, { PAM0 + 6, 4, 0xEC000, 0x4000 },
};
enum { PAM_READ = 1, PAM_WRITE = 2 };

enum { ROM_PRIORITY = -10, RAM_PRIORITY = 10 };
enum {
    RAM_CONVENTIONAL, RAM_EXTENDED, RAM_HIGH, RAM_SMM, ROM_TOP, ROM_LOW, RAM_SEGMENT, REGIONS = RAM_SEGMENT + SEGMENTS
};

struct i440fx {
    struct sim_device dev;
    uint64_t ram_bytes;
    struct sim_pci_function pci;
    uint32_t confadd;
    uint8_t reset_control, trc, smram;
    struct sim_wire_driver init;
    struct sim_range ports;
    struct bus_region region[REGIONS];
};

static const struct sim_field i440fx_fields[] = {
    SIM_FIELD_STRUCT(struct i440fx, pci, sim_pci_function_fields, "configuration space"),
    SIM_FIELD_BITS(struct i440fx, confadd, i440fx_confadd_bits, "configuration address, port CF8h"),
    SIM_FIELD_BITS(struct i440fx, reset_control, i440fx_reset_bits, "PIIX3 reset control, port CF9h"),
    SIM_FIELD_BITS(struct i440fx, trc, i440fx_reset_bits, "turbo and reset control as it was, to see RCPU rise"),
    SIM_FIELD_BITS(struct i440fx, smram, i440fx_smram_bits, "SMRAM control as it was, to keep what is locked"),
    SIM_FIELD_DERIVED(struct i440fx, init, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct i440fx, ports, "ports CF8h-CFFh"),
    SIM_FIELD_DERIVED(struct i440fx, region, "the memory map: follows the registers"),
    SIM_FIELD_END
};

static const struct sim_property i440fx_properties[] = {
    SIM_PROPERTY_UINT_(struct i440fx, ram_bytes, 0, UINT64_MAX, "0", "main memory; 0: all of the RAM named \"ram\""),
    SIM_PROPERTY_END
};

static struct i440fx *i440fx_of(struct sim_device *dev)
{
    return (struct i440fx *)dev;
}

/* ---- The memory map ---- */

static enum sim_err map(struct i440fx *h, unsigned which, const char *name, struct bus_ram *ram, uint64_t off,
                        uint64_t base, uint64_t length)
{
    bool rom = which == ROM_TOP || which == ROM_LOW;
    struct bus_region *r = &h->region[which];

    if (length == 0)
        return SIM_OK;
    *r = (struct bus_region){
        .name = name,
        .kind = rom ? BUS_REGION_ROM : BUS_REGION_RAM,
        .length = length,
        .priority = rom ? ROM_PRIORITY : RAM_PRIORITY,
        .answers = BUS_READS | BUS_WRITES,
        .enabled = true,
        .ram = ram,
        .ram_off = off,
    };
    return bus_region_add(&h->dev.bus->mem, &h->dev.bus->mem.root, r, base);
}

static enum sim_err map_ram(struct i440fx *h, struct bus_ram *ram)
{
    uint64_t low = h->ram_bytes < I440FX_LOW_RAM_LIMIT ? h->ram_bytes : I440FX_LOW_RAM_LIMIT;
    enum sim_err err;

    if ((err = map(h, RAM_CONVENTIONAL, "conventional memory", ram, 0, 0, 640 * KIB)) ||
        (err = map(h, RAM_EXTENDED, "extended memory", ram, MIB, MIB, low - MIB)) ||
        (err = map(h, RAM_HIGH, "memory above 4 GiB", ram, low, 4 * GIB, h->ram_bytes - low)) ||
        (err = map(h, RAM_SMM, "SMRAM", ram, 0xA0000, 0xA0000, 128 * KIB)))
        return err;
    for (unsigned i = 0; i < SEGMENTS && !err; i++)
        err = map(h, RAM_SEGMENT + i, "shadow memory", ram, segments[i].base, segments[i].base, segments[i].length);
    return err;
}

static enum sim_err map_rom(struct i440fx *h, struct bus_ram *rom)
{
    uint64_t bytes = rom->pages * SIM_PAGE_SIZE;
    uint64_t low = bytes < 128 * KIB ? bytes : 128 * KIB;
    enum sim_err err = map(h, ROM_TOP, "firmware", rom, 0, 4 * GIB - bytes, bytes);

    return err ? err : map(h, ROM_LOW, "firmware below 1 MiB", rom, bytes - low, MIB - low, low);
}

/* "System Management RAM": without G_SMRAME there is none. Processors in SMM see it, with D_OPEN all do; D_CLS leaves it to the fetches
 * of code in SMM, so that its data accesses reach the screen. D_OPEN together with D_CLS is not allowed: D_CLS wins here. */
static unsigned smram_hidden_from(uint8_t smram)
{
    unsigned hidden = BUS_HIDE(BUS_NORMAL);

    if (!i440fx_smram_enable(smram))
        return hidden | BUS_HIDE_SMM;
    if (i440fx_smram_closed(smram))
        return hidden | BUS_HIDE(BUS_SMM);
    return i440fx_smram_open(smram) ? 0 : hidden;
}

/* Makes the map what the registers say. */
static void show_map(struct i440fx *h)
{
    struct bus_space *mem = &h->dev.bus->mem;
    const uint8_t *config = h->pci.config;

    bus_space_begin(mem);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        unsigned pam = config[segments[i].off] >> segments[i].shift;

        bus_region_answer(mem, &h->region[RAM_SEGMENT + i],
                          (pam & PAM_READ ? BUS_READS : 0) | (pam & PAM_WRITE ? BUS_WRITES : 0));
    }
    bus_region_hide(mem, &h->region[RAM_SMM], smram_hidden_from(config[SMRAM]));
    bus_space_commit(mem);
}

/* ---- Registers ---- */

static void reset_request(struct i440fx *h, uint8_t before, uint8_t now)
{
    if (!i440fx_reset_rcpu(now) || i440fx_reset_rcpu(before))
        return;
    if (i440fx_reset_hard(now))
        sim_request(&h->dev, SIM_REQUEST_RESET, 0);
    else
        sim_wire_pulse(&h->init);
}

/* D_LCK stays set until reset, keeps D_OPEN at 0 and the rest of SMRAM but D_CLS as it was. */
static uint8_t smram_written(uint8_t before, uint8_t now)
{
    if (i440fx_smram_locked(before))
        return (before & ~0x20) | (now & 0x20);
    return i440fx_smram_locked(now) ? now & ~0x40 : now;
}

static void config_written(struct sim_device *dev, uint8_t off, uint8_t len)
{
    struct i440fx *h = i440fx_of(dev);
    uint8_t *config = h->pci.config;

    config[SMRAM] = h->smram = smram_written(h->smram, config[SMRAM]);
    if (config[FDHC])
        sim_device_unmodelled(dev, "FDHC", "the fixed memory hole is not opened");
    show_map(h);
    reset_request(h, h->trc, config[TRC]);
    h->trc = config[TRC];
}

/* CONFADD is there for doublewords only; smaller accesses go to the ports of PCI. */
static bool is_confadd(uint64_t off, unsigned size)
{
    return off == 0 && size == 4;
}

static bool is_reset_control(uint64_t off, unsigned size)
{
    return off == 1 && size == 1;
}

/* CONFDATA with a target on bus 0; there is no other bus. */
static bool selects_function(const struct i440fx *h, uint64_t off)
{
    return off >= 4 && i440fx_confadd_enable(h->confadd) && i440fx_confadd_bus(h->confadd) == 0;
}

static uint8_t selected_devfn(const struct i440fx *h)
{
    return (uint8_t)(h->confadd >> 8);
}

static uint8_t selected_register(const struct i440fx *h, uint64_t off)
{
    return (uint8_t)((h->confadd & 0xFC) + (off - 4));
}

static uint64_t ports_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct i440fx *h = i440fx_of(dev);

    if (is_confadd(off, size))
        return h->confadd;
    if (is_reset_control(off, size))
        return h->reset_control;
    if (selects_function(h, off))
        return sim_pci_config_read(dev, selected_devfn(h), selected_register(h, off), size);
    return UINT64_MAX;
}

static uint64_t ports_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct i440fx *h = i440fx_of(dev);

    if (selects_function(h, off))
        return sim_pci_config_peek(dev, selected_devfn(h), selected_register(h, off), size);
    return ports_read(dev, off, size);
}

static void ports_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct i440fx *h = i440fx_of(dev);

    if (is_confadd(off, size)) {
        h->confadd = value & 0x80FFFFFC;
    } else if (is_reset_control(off, size)) {
        reset_request(h, h->reset_control, (uint8_t)value);
        h->reset_control = value & 6;
    } else if (selects_function(h, off)) {
        sim_pci_config_write(dev, selected_devfn(h), selected_register(h, off), (uint32_t)value, size);
    }
}

static const struct sim_range_ops ports_ops = {
    .read = ports_read, .write = ports_write, .peek = ports_peek, .max_size = 4
};

/* DRB: the end of each of 8 rows in units of 8 MiB; what a byte cannot say is left out. Two rows a module. */
static void set_row_boundaries(struct i440fx *h)
{
    uint64_t units = h->ram_bytes / (8 * MIB);

    for (unsigned row = 0; row < 8; row++)
        h->pci.config[DRB0 + row] = units < 255 ? (uint8_t)units : 255;
}

/* ---- The device ---- */

static enum sim_err i440fx_realize(struct sim_device *dev)
{
    struct i440fx *h = i440fx_of(dev);
    struct bus_ram *ram = bus_ram_find(&dev->bus->memory, "ram"), *rom = bus_ram_find(&dev->bus->memory, "bios");
    enum sim_err err;

    if (!ram)
        return sim_fail(SIM_ERR_USAGE, "%s: there is no RAM named \"ram\"", dev->name);
    if (h->ram_bytes == 0)
        h->ram_bytes = ram->pages * SIM_PAGE_SIZE;
    if (h->ram_bytes < MIB || h->ram_bytes % SIM_PAGE_SIZE || h->ram_bytes > ram->pages * SIM_PAGE_SIZE)
        return sim_fail(SIM_ERR_USAGE, "%s: ram_bytes: at least 1 MiB, whole pages, and no more than the RAM has",
                        dev->name);
    if (rom && rom->pages * SIM_PAGE_SIZE > 16 * MIB)
        return sim_fail(SIM_ERR_USAGE, "%s: the firmware image is larger than 16 MiB", dev->name);

    sim_pci_header(&h->pci, 0x8086, 0x1237, 0x060000, 2, 0);
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        h->pci.writable[registers[i].off] = registers[i].writable;
        h->pci.clear_on_1[registers[i].off] = registers[i].clear_on_1;
    }
    h->pci.config_written = config_written;
    bus_space_begin(&dev->bus->mem);
    err = map_ram(h, ram);
    if (!err && rom)
        err = map_rom(h, rom);
    bus_space_commit(&dev->bus->mem);
    if (err || (err = sim_pci_add(dev, &h->pci, 0)) || (err = sim_wire_drive(dev, &h->init, "cpu.init")))
        return err;
    return sim_map_io(dev, &h->ports, "pci configuration", 0xCF8, 8, &ports_ops, SIM_SPEED_PCI, 0);
}

static void i440fx_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct i440fx *h = i440fx_of(dev);

    sim_pci_reset(&h->pci);
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        h->pci.config[registers[i].off] = registers[i].initial;
    set_row_boundaries(h);
    h->confadd = 0;
    h->reset_control = h->trc = 0;
    h->smram = h->pci.config[SMRAM];
    sim_wire_set(&h->init, false);
    show_map(h);
}

static void i440fx_loaded(struct sim_device *dev)
{
    struct i440fx *h = i440fx_of(dev);

    sim_pci_loaded(&h->pci);
    show_map(h);
}

const struct sim_device_class i440fx_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "i440fx",
    .title = "Host bridge",
    .version = 1,
    .instance_size = sizeof(struct i440fx),
    .fields = i440fx_fields,
    .properties = i440fx_properties,
    .realize = i440fx_realize,
    .reset = i440fx_reset,
    .loaded = i440fx_loaded,
};
