#include "bus/pci.h"

#include "base/error.h"
#include "bus/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Offsets and bits of the header: PCI Local Bus Specification 2.1, "Configuration Space Organization"; INTx disable and
 * interrupt status: 2.3. */
enum {
    CFG_VENDOR = 0x00,
    CFG_DEVICE = 0x02,
    CFG_COMMAND = 0x04,
    CFG_STATUS = 0x06,
    CFG_REVISION = 0x08,
    CFG_CLASS = 0x09,
    CFG_CACHE_LINE = 0x0C,
    CFG_LATENCY = 0x0D,
    CFG_HEADER_TYPE = 0x0E,
    CFG_BAR0 = 0x10,
    CFG_ROM = 0x30,
    CFG_INTERRUPT_LINE = 0x3C,
    CFG_INTERRUPT_PIN = 0x3D,
    CFG_DEVICE_SPECIFIC = 0x40
};
#define COMMAND_IO 0x0001
#define COMMAND_MEMORY 0x0002
#define COMMAND_MASTER 0x0004
#define COMMAND_PARITY 0x0040
#define COMMAND_SERR 0x0100
#define COMMAND_INTX_DISABLE 0x0400
#define COMMAND_WRITABLE                                                                                    \
    (COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR | COMMAND_INTX_DISABLE)
#define STATUS_INTERRUPT 0x0008
#define STATUS_ERRORS 0xF900
#define HEADER_MULTIFUNCTION 0x80
#define BAR_IO 0x1u
#define BAR_PREFETCH 0x8u
#define ROM_ENABLE 0x1u

#define BAR_PRIORITY (-1)
#define PIRQS 4
#define ISA_IRQS 16

struct bus_pci {
    struct sim_pci_function *function[256];
    struct sim_device *router;
    unsigned (*route)(struct sim_device *bridge, unsigned pirq);
    struct sim_wire_driver isa[ISA_IRQS];
};

static const char *const pirq_wire[PIRQS] = { "pci.pirqa", "pci.pirqb", "pci.pirqc", "pci.pirqd" };

static const struct sim_field bar_fields[] = {
    SIM_FIELD_DERIVED(struct sim_pci_bar, length, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_bar, io, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_bar, prefetch, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_bar, ops, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_bar, ram, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_bar, range, "mapped as the registers say"),
    SIM_FIELD_END
};

const struct sim_field sim_pci_function_fields[] = {
    SIM_FIELD_DERIVED(struct sim_pci_function, dev, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_function, devfn, "fixed"),
    SIM_FIELD_BYTES(struct sim_pci_function, config, "configuration space"),
    SIM_FIELD_DERIVED(struct sim_pci_function, writable, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_function, clear_on_1, "fixed"),
    SIM_FIELD_SUB(struct sim_pci_function, bar, bar_fields, "base address registers"),
    SIM_FIELD_DERIVED(struct sim_pci_function, rom, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_function, rom_bytes, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_function, rom_ram, "fixed"),
    SIM_FIELD_DERIVED(struct sim_pci_function, rom_range, "mapped as the registers say"),
    SIM_FIELD_DERIVED(struct sim_pci_function, intx, "wire: reconnected by the machine"),
    SIM_FIELD(struct sim_pci_function, intx_level, "INTx# is asserted by the function"),
    SIM_FIELD_DERIVED(struct sim_pci_function, config_written, "fixed"),
    SIM_FIELD_END
};

static uint32_t config_get(const struct sim_pci_function *f, unsigned off, unsigned size)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint32_t)f->config[off + i] << 8 * i;
    return v;
}

static void put(uint8_t *bytes, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(v >> 8 * i);
}

/* ---- Ranges ---- */

/* Maps a range where its register says, if it may answer there. */
static void place(struct sim_range *range, uint32_t reg, uint64_t length, bool enabled)
{
    uint64_t first = reg & ~(length - 1);

    if (!range->region)
        return;
    enabled = enabled && first != 0 && first + length - 1 < UINT32_MAX;
    if (enabled)
        sim_range_move(range, first);
    sim_range_enable(range, enabled);
}

static uint64_t rom_length(const struct sim_pci_function *f)
{
    return f->rom_bytes < SIM_PAGE_SIZE ? SIM_PAGE_SIZE : f->rom_bytes;
}

static void place_all(struct sim_pci_function *f)
{
    uint32_t command = config_get(f, CFG_COMMAND, 2), rom = config_get(f, CFG_ROM, 4);
    struct bus *bus = f->dev->bus;

    bus_space_begin(&bus->mem);
    bus_space_begin(&bus->io);
    for (unsigned i = 0; i < SIM_PCI_BARS; i++) {
        struct sim_pci_bar *bar = &f->bar[i];

        place(&bar->range, config_get(f, CFG_BAR0 + 4 * i, 4), bar->length,
              command & (bar->io ? COMMAND_IO : COMMAND_MEMORY));
    }
    place(&f->rom_range, rom, rom_length(f), (command & COMMAND_MEMORY) && (rom & ROM_ENABLE));
    bus_space_commit(&bus->mem);
    bus_space_commit(&bus->io);
}

static enum sim_err add_bar(struct sim_device *dev, struct sim_pci_function *f, unsigned i)
{
    struct sim_pci_bar *bar = &f->bar[i];
    struct bus_region what = {
        .length = bar->length, .priority = BAR_PRIORITY, .answers = BUS_READS | BUS_WRITES, .ram = bar->ram,
        .kind = bar->ops ? BUS_REGION_DEVICE : BUS_REGION_RAM,
    };
    uint32_t low = bar->io ? BAR_IO : bar->prefetch ? BAR_PREFETCH : 0;
    char name[128];

    if (!bar->length)
        return SIM_OK;
    if ((bar->length & (bar->length - 1)) || bar->length < (bar->io ? 4 : 16) ||
        bar->length > (bar->io ? UINT64_C(0x10000) : UINT64_C(1) << 31) || !bar->ops == !bar->ram || (bar->io && bar->ram))
        return sim_fail(SIM_ERR_USAGE, "%s: BAR %u of %" PRIu64 " bytes: a power of two, and either operations or RAM",
                        dev->name, i, bar->length);
    snprintf(name, sizeof(name), "%s.bar%u", dev->name, i);
    what.name = name;
    bar->range.ops = bar->ops;
    bar->range.speed = SIM_SPEED_PCI;
    put(&f->config[CFG_BAR0 + 4 * i], low, 4);
    put(&f->writable[CFG_BAR0 + 4 * i], ~(uint32_t)(bar->length - 1), 4);
    return bus_device_region(dev, &bar->range, bar->io ? &dev->bus->io : &dev->bus->mem, &what, 0);
}

static enum sim_err add_rom(struct sim_device *dev, struct sim_pci_function *f)
{
    struct bus_region what = {
        .length = rom_length(f), .priority = BAR_PRIORITY, .answers = BUS_READS | BUS_WRITES, .kind = BUS_REGION_ROM,
    };
    char name[128];
    enum sim_err err;

    if (!f->rom)
        return SIM_OK;
    if (!f->rom_bytes || (f->rom_bytes & (f->rom_bytes - 1)) || f->rom_bytes > 1u << 24)
        return sim_fail(SIM_ERR_USAGE, "%s: expansion ROM of %u bytes: a power of two up to 16M", dev->name, f->rom_bytes);
    snprintf(name, sizeof(name), "pcirom%02x", f->devfn);
    err = sim_device_ram(dev, name, what.length, &f->rom_ram);
    if (err)
        return err;
    f->rom_ram->state = false;
    bus_ram_put(f->rom_ram, 0, f->rom, f->rom_bytes);
    snprintf(name, sizeof(name), "%s.rom", dev->name);
    what.name = name;
    what.ram = f->rom_ram;
    put(&f->writable[CFG_ROM], ~(uint32_t)(what.length - 1) | ROM_ENABLE, 4);
    return bus_device_region(dev, &f->rom_range, &dev->bus->mem, &what, 0);
}

/* ---- The function's side ---- */

void sim_pci_header(struct sim_pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_code, uint8_t revision,
                    uint8_t interrupt_pin)
{
    memset(f->config, 0, sizeof(f->config));
    memset(f->writable, 0, sizeof(f->writable));
    memset(f->clear_on_1, 0, sizeof(f->clear_on_1));
    put(&f->config[CFG_VENDOR], vendor, 2);
    put(&f->config[CFG_DEVICE], device, 2);
    f->config[CFG_REVISION] = revision;
    put(&f->config[CFG_CLASS], class_code, 3);
    f->config[CFG_INTERRUPT_PIN] = interrupt_pin;
    put(&f->writable[CFG_COMMAND], COMMAND_WRITABLE, 2);
    f->writable[CFG_CACHE_LINE] = 0xFF;
    f->writable[CFG_LATENCY] = 0xFF;
    f->writable[CFG_INTERRUPT_LINE] = interrupt_pin ? 0xFF : 0;
    put(&f->clear_on_1[CFG_STATUS], STATUS_ERRORS, 2);
}

enum sim_err sim_pci_add(struct sim_device *dev, struct sim_pci_function *f, uint8_t devfn)
{
    struct bus_pci *pci = dev->bus->pci;
    struct sim_pci_function *first = pci->function[devfn & ~7];
    unsigned pin = f->config[CFG_INTERRUPT_PIN];
    enum sim_err err = SIM_OK;

    if (pci->function[devfn])
        return sim_fail(SIM_ERR_OVERLAP, "%s: PCI slot %u.%u is taken by %s", dev->name, devfn >> 3, devfn & 7,
                        pci->function[devfn]->dev->name);
    if (pin > 4)
        return sim_fail(SIM_ERR_USAGE, "%s: interrupt pin %u; 0 to 4", dev->name, pin);
    f->dev = dev;
    f->devfn = devfn;
    dev->master = devfn;
    for (unsigned i = 0; i < SIM_PCI_BARS && !err; i++)
        err = add_bar(dev, f, i);
    if (!err)
        err = add_rom(dev, f);
    if (!err && pin)
        err = sim_wire_drive(dev, &f->intx, pirq_wire[((devfn >> 3) - 1 + (pin - 1)) & (PIRQS - 1)]);
    if (err)
        return err;
    pci->function[devfn] = f;
    if ((devfn & 7) && first)
        first->config[CFG_HEADER_TYPE] |= HEADER_MULTIFUNCTION;
    return SIM_OK;
}

/* The wire and the status bit follow intx_level and the command register. */
static void intx_update(struct sim_pci_function *f)
{
    uint32_t status = config_get(f, CFG_STATUS, 2) & ~(uint32_t)STATUS_INTERRUPT;

    put(&f->config[CFG_STATUS], status | (f->intx_level ? STATUS_INTERRUPT : 0), 2);
    sim_wire_set(&f->intx, f->intx_level && !(config_get(f, CFG_COMMAND, 2) & COMMAND_INTX_DISABLE));
}

void sim_pci_reset(struct sim_pci_function *f)
{
    for (unsigned i = 0; i < CFG_DEVICE_SPECIFIC; i++)
        f->config[i] &= (uint8_t)~(f->writable[i] | f->clear_on_1[i]);
    f->intx_level = false;
    intx_update(f);
    place_all(f);
}

void sim_pci_loaded(struct sim_pci_function *f)
{
    place_all(f);
}

void sim_pci_intx(struct sim_pci_function *f, bool level)
{
    if (f->intx_level == level)
        return;
    f->intx_level = level;
    intx_update(f);
}

/* ---- The host bridge's side ---- */

static struct sim_pci_function *function_at(struct sim_device *bridge, uint8_t devfn, unsigned off, unsigned size)
{
    return size <= 4 && off + size <= sizeof(bridge->bus->pci->function[0]->config) ? bridge->bus->pci->function[devfn]
                                                                                     : NULL;
}

uint32_t sim_pci_config_read(struct sim_device *bridge, uint8_t devfn, uint8_t off, unsigned size)
{
    const struct sim_pci_function *f = function_at(bridge, devfn, off, size);

    return f ? config_get(f, off, size) : size >= 4 ? UINT32_MAX : (UINT32_C(1) << 8 * size) - 1;
}

uint32_t sim_pci_config_peek(struct sim_device *bridge, uint8_t devfn, uint8_t off, unsigned size)
{
    return sim_pci_config_read(bridge, devfn, off, size); /* reading has no side effects */
}

static bool touches(unsigned off, unsigned size, unsigned first, unsigned length)
{
    return off < first + length && first < off + size;
}

void sim_pci_config_write(struct sim_device *bridge, uint8_t devfn, uint8_t off, uint32_t value, unsigned size)
{
    struct sim_pci_function *f = function_at(bridge, devfn, off, size);

    if (!f)
        return;
    for (unsigned i = off; i < off + size; i++, value >>= 8) {
        uint8_t v = (uint8_t)value, keep = (uint8_t)~f->writable[i];

        f->config[i] = (uint8_t)((f->config[i] & keep) | (v & f->writable[i]));
        f->config[i] &= (uint8_t)~(v & f->clear_on_1[i]);
    }
    if (touches(off, size, CFG_COMMAND, 2) || touches(off, size, CFG_BAR0, 4 * SIM_PCI_BARS) ||
        touches(off, size, CFG_ROM, 4))
        place_all(f);
    if (touches(off, size, CFG_COMMAND, 2))
        intx_update(f);
    if (f->config_written)
        f->config_written(f->dev, off, (uint8_t)size);
}

/* ---- The ISA bridge's side ---- */

static void reroute(struct bus *bus)
{
    struct bus_pci *pci = bus->pci;
    bool level[ISA_IRQS] = { false };

    if (!pci->route)
        return;
    for (unsigned pirq = 0; pirq < PIRQS; pirq++) {
        unsigned irq = pci->route(pci->router, pirq);

        if (irq < ISA_IRQS)
            level[irq] |= bus_wire_level(bus, pirq_wire[pirq]);
    }
    for (unsigned irq = 0; irq < ISA_IRQS; irq++)
        sim_wire_set(&pci->isa[irq], level[irq]);
}

static void pirq_changed(struct sim_device *router, unsigned pirq, bool level)
{
    reroute(router->bus);
}

enum sim_err sim_pci_set_router(struct sim_device *bridge, unsigned (*route)(struct sim_device *bridge, unsigned pirq))
{
    struct bus_pci *pci = bridge->bus->pci;
    enum sim_err err = SIM_OK;

    if (pci->router)
        return sim_fail(SIM_ERR_OVERLAP, "%s: %s routes PCI interrupts already", bridge->name, pci->router->name);
    for (unsigned irq = 0; irq < ISA_IRQS && !err; irq++) {
        char name[16];

        snprintf(name, sizeof(name), "isa.irq%u", irq);
        err = sim_wire_drive(bridge, &pci->isa[irq], name);
    }
    for (unsigned pirq = 0; pirq < PIRQS && !err; pirq++)
        err = sim_wire_listen(bridge, pirq_wire[pirq], pirq, pirq_changed);
    if (err)
        return err;
    pci->router = bridge;
    pci->route = route;
    return SIM_OK;
}

void sim_pci_reroute(struct sim_device *bridge)
{
    reroute(bridge->bus);
}

/* ---- Life ---- */

struct bus_pci *bus_pci_create(void)
{
    return calloc(1, sizeof(struct bus_pci));
}

void bus_pci_leave(struct bus *bus, struct sim_device *dev)
{
    struct bus_pci *pci = bus->pci;

    for (unsigned i = 0; i < 256; i++)
        if (pci->function[i] && pci->function[i]->dev == dev)
            pci->function[i] = NULL;
    if (pci->router == dev) {
        pci->router = NULL;
        pci->route = NULL;
        memset(pci->isa, 0, sizeof(pci->isa));
    }
}

void bus_pci_destroy(struct bus_pci *pci)
{
    free(pci);
}
