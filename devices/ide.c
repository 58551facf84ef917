#include "devices/ide.h"

#include <stdio.h>
#include <string.h>

#include "bus/pci.h"
#include "devices/ata.h"
#include "devices/ide_drive.h"

#define IDE_BMIC(X, p)                                                      \
    X(p, rwcon, 3, 3, "1 writes memory, 0 reads memory")                    \
    X(p, ssbm,  0, 0, "start")
SIM_BITS_DEFINE(ide_bmic, IDE_BMIC)

#define IDE_BMIS(X, p)                                                      \
    X(p, drive1, 6, 6, "drive 1 is capable of DMA, says the software")      \
    X(p, drive0, 5, 5, "drive 0 is capable of DMA, says the software")      \
    X(p, interrupt, 2, 2, "the channel's interrupt line has risen")         \
    X(p, error,  1, 1, "a transfer met an error on PCI")                    \
    X(p, active, 0, 0, "a transfer is under way")
SIM_BITS_DEFINE(ide_bmis, IDE_BMIS)

#define IDE_CONTROL(X, p)                                                   \
    X(p, hob,  7, 7, "registers show what was written before")              \
    X(p, srst, 2, 2, "software reset")                                      \
    X(p, nien, 1, 1, "interrupt disabled")
SIM_BITS_DEFINE(ide_control, IDE_CONTROL)

enum { BMIS_CAPABLE = 0x60, BMIS_INTERRUPT = 0x04, BMIS_ERROR = 0x02, BMIS_ACTIVE = 0x01 };
enum { CONTROL_HOB = 0x80, CONTROL_SRST = 0x04, CONTROL_NIEN = 0x02 };

/* PCI configuration registers. */
enum { PCICMD = 0x04, PCICMD_IOSE = 0x01, PCICMD_BME = 0x04, IDETIM = 0x40, SIDETIM = 0x44 };
#define DEVFN          (1 << 3 | 1)
#define BUS_MASTER_BAR 4

#define DMA_NS_PER_WORD 120

/* A channel: the cable with its two drives, and its half of the bus master. */
struct ide_channel {
    uint8_t control, selected;
    uint8_t bmic, bmis;
    uint8_t last_entry;
    uint32_t bmidtp;
    uint32_t prd;
    uint32_t region, region_left;
    struct ide_drive drive[2];
    struct sim_event dma;

    /* Derived */
    struct ide *ide;
    struct sim_wire_driver irq;
    struct sim_range command_range, control_range;
};

static const struct sim_field ide_channel_fields[] = {
    SIM_FIELD_BITS(struct ide_channel, control, ide_control_bits, "device control register"),
    SIM_FIELD(struct ide_channel, selected, "the drive selected by bit 4 of the device register"),
    SIM_FIELD_BITS(struct ide_channel, bmic, ide_bmic_bits, "bus master command register"),
    SIM_FIELD_BITS(struct ide_channel, bmis, ide_bmis_bits, "bus master status register"),
    SIM_FIELD(struct ide_channel, last_entry, "1: the PRD in use has EOT set"),
    SIM_FIELD(struct ide_channel, bmidtp, "bus master descriptor table pointer register"),
    SIM_FIELD(struct ide_channel, prd, "address of the next PRD"),
    SIM_FIELD(struct ide_channel, region, "next address in the memory region in use"),
    SIM_FIELD(struct ide_channel, region_left, "bytes left in it"),
    SIM_FIELD_SUB(struct ide_channel, drive, ide_drive_fields, "device 0 and device 1"),
    SIM_FIELD_EVENT(struct ide_channel, dma, "the block has been moved"),
    SIM_FIELD_DERIVED(struct ide_channel, ide, "the device"),
    SIM_FIELD_DERIVED(struct ide_channel, irq, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct ide_channel, command_range, "command block ports"),
    SIM_FIELD_DERIVED(struct ide_channel, control_range, "device control port"),
    SIM_FIELD_END
};

struct ide {
    struct sim_device dev;
    struct sim_pci_function pci;
    struct ide_channel channel[2];
};

static const struct sim_field ide_fields[] = {
    SIM_FIELD_STRUCT(struct ide, pci, sim_pci_function_fields, "PCI function 0:1.1"),
    SIM_FIELD_SUB(struct ide, channel, ide_channel_fields, "primary and secondary"),
    SIM_FIELD_END
};

static struct ide *ide_of(struct sim_device *dev)
{
    return (struct ide *)dev;
}

/* ---- The cable ---- */

static struct ide_channel *channel_of(struct ide_drive *d)
{
    return &ide_of(d->dev)->channel[d->number >> 1];
}

/* The drive that answers reads, or NULL when the bus floats: device 0 answers for an absent device 1. */
static struct ide_drive *answering(struct ide_channel *c)
{
    struct ide_drive *selected = &c->drive[c->selected & 1];

    if (ide_present(selected))
        return selected;
    return (c->selected & 1) && ide_present(&c->drive[0]) ? &c->drive[0] : NULL;
}

static struct ide_drive *selected_drive(struct ide_channel *c)
{
    struct ide_drive *d = &c->drive[c->selected & 1];

    return ide_present(d) ? d : NULL;
}

/* INTRQ of the selected drive reaches the PIC unless nIEN is set; its rise sets BMIS.interrupt. */
static void update_irq(struct ide_channel *c)
{
    const struct ide_drive *d = selected_drive(c);
    bool level = d && d->intrq && !ide_control_nien(c->control);

    if (level && !sim_wire_level(&c->irq))
        c->bmis |= BMIS_INTERRUPT;
    sim_wire_set(&c->irq, level);
}

/* ---- Bus master ---- */

static struct ide_drive *dma_drive(struct ide_channel *c)
{
    for (unsigned i = 0; i < 2; i++)
        if (ide_present(&c->drive[i]) && ide_wants_dma(&c->drive[i]))
            return &c->drive[i];
    return NULL;
}

static bool may_transfer(struct ide_channel *c, const struct ide_drive *d)
{
    if (!ide_bmic_ssbm(c->bmic) || !ide_bmis_active(c->bmis) || !(c->ide->pci.config[PCICMD] & PCICMD_BME))
        return false;
    if (ide_bmic_rwcon(c->bmic) == (d->phase == IDE_DMA_IN))
        return true;
    sim_device_unmodelled(&c->ide->dev, "a bus master transfer against BMIC.RWCON", "it waits");
    return false;
}

/* When drive and bus master are ready: the block will have been moved after its time on the cable. */
static void start_dma(struct ide_channel *c)
{
    struct sim_clock *clock = sim_clock_of(&c->ide->dev);
    struct ide_drive *d = dma_drive(c);
    uint32_t bytes;

    if (!d || !may_transfer(c, d)) {
        sim_event_cancel(&c->dma);
        return;
    }
    ide_buffer(d, &bytes);
    if (c->dma.deadline == SIM_NEVER)
        sim_event_at(&c->dma, clock->now + sim_ns_to_cycles(clock, (bytes + 1) / 2 * DMA_NS_PER_WORD));
}

/* "Physical Region Descriptor Table": the next entry. A count of 0 stands for 64K. */
static void fetch_prd(struct ide_channel *c)
{
    uint8_t prd[8];

    sim_dma_read(&c->ide->dev, c->prd, prd, sizeof(prd));
    c->prd += sizeof(prd);
    c->region = (prd[0] | (uint32_t)prd[1] << 8 | (uint32_t)prd[2] << 16 | (uint32_t)prd[3] << 24) & ~1u;
    c->region_left = (prd[4] | (uint32_t)prd[5] << 8) & ~1u;
    if (c->region_left == 0)
        c->region_left = 0x10000;
    c->last_entry = prd[7] >> 7;
}

/* As many bytes as the region in use holds; 0 when the table has ended. */
static uint32_t next_region(struct ide_channel *c, uint32_t bytes)
{
    if (c->region_left == 0 && !c->last_entry)
        fetch_prd(c);
    return bytes < c->region_left ? bytes : c->region_left;
}

/* At the end of the last region BMIS.active falls: "Bus Master IDE Status Register". */
static void leave_region(struct ide_channel *c, uint32_t bytes)
{
    c->region += bytes;
    c->region_left -= bytes;
    if (c->region_left == 0 && c->last_entry)
        c->bmis &= ~BMIS_ACTIVE;
}

static uint32_t move(struct ide_channel *c, struct ide_drive *d, uint8_t *data, uint32_t bytes)
{
    uint32_t done = 0, part;

    while (done < bytes && (part = next_region(c, bytes - done)) > 0) {
        if (d->phase == IDE_DMA_IN)
            sim_dma_write(&c->ide->dev, c->region, data + done, part);
        else
            sim_dma_read(&c->ide->dev, c->region, data + done, part);
        leave_region(c, part);
        done += part;
    }
    return done;
}

static void dma_done(struct ide_channel *c)
{
    struct ide_drive *d = dma_drive(c);
    uint32_t bytes;
    uint8_t *data;

    if (!d || !may_transfer(c, d))
        return;
    data = ide_buffer(d, &bytes);
    ide_moved(d, move(c, d, data, bytes));
}

static void drive_changed(struct ide_drive *d)
{
    struct ide_channel *c = channel_of(d);

    update_irq(c);
    start_dma(c);
}

/* Starting begins the table anew; stopping forgets where it was. */
static void write_bmic(struct ide_channel *c, uint8_t value)
{
    bool started = ide_bmic_ssbm(c->bmic);

    c->bmic = value & 0x09;
    if (ide_bmic_ssbm(value) && !started) {
        c->prd = c->bmidtp;
        c->region_left = 0;
        c->last_entry = 0;
        c->bmis |= BMIS_ACTIVE;
    } else if (!ide_bmic_ssbm(value)) {
        c->bmis &= ~BMIS_ACTIVE;
    }
    start_dma(c);
}

/* Bits 2 and 1 are cleared by writing 1, bits 6 and 5 are the software's. */
static void write_bmis(struct ide_channel *c, uint8_t value)
{
    c->bmis &= ~(value & (BMIS_INTERRUPT | BMIS_ERROR));
    c->bmis = (c->bmis & ~BMIS_CAPABLE) | (value & BMIS_CAPABLE);
}

static uint8_t bus_master_byte(const struct ide_channel *c, unsigned reg)
{
    switch (reg) {
    case 0:
        return c->bmic;
    case 2:
        return c->bmis;
    case 4 ... 7:
        return (uint8_t)(c->bmidtp >> (8 * (reg - 4)));
    default:
        return 0;
    }
}

static uint64_t bus_master_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bus_master_byte(&ide_of(dev)->channel[(off + i) >> 3 & 1], (off + i) & 7) << (8 * i);
    return value;
}

static void bus_master_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        struct ide_channel *c = &ide_of(dev)->channel[(off + i) >> 3 & 1];
        unsigned reg = (off + i) & 7;
        uint8_t byte = (uint8_t)(value >> (8 * i));

        if (reg == 0)
            write_bmic(c, byte);
        else if (reg == 2)
            write_bmis(c, byte);
        else if (reg >= 4)
            c->bmidtp = (uint32_t)sim_bits_set(c->bmidtp, 8 * (reg - 4) + 7, 8 * (reg - 4), byte) & ~3u;
    }
}

static const struct sim_range_ops bus_master_ops = {
    .read = bus_master_read, .write = bus_master_write, .peek = bus_master_read
};

/* ---- Command block and control block ---- */

static uint8_t register_byte(struct ide_channel *c, unsigned reg)
{
    const struct ide_drive *d = answering(c);

    if (!d)
        return 0xFF;
    if (reg == IDE_STATUS && d != selected_drive(c))
        return 0x00;
    return ide_read_register(d, reg, ide_control_hob(c->control));
}

static uint8_t read_register(struct ide_channel *c, unsigned reg)
{
    uint8_t value = register_byte(c, reg);
    struct ide_drive *d = selected_drive(c);

    if (reg == IDE_STATUS && d)
        ide_acknowledge(d);
    return value;
}

/* Both drives take what is written, but for a command, which is the selected drive's; diagnostics are for both. */
static void write_register(struct ide_channel *c, unsigned reg, uint8_t value)
{
    bool diagnostic = reg == IDE_COMMAND && value == ATA_EXECUTE_DIAGNOSTIC;

    c->control &= ~CONTROL_HOB;
    if (reg == IDE_DEVICE)
        c->selected = !!(value & IDE_DEVICE_DEV);
    if (diagnostic)
        c->selected = 0;
    for (unsigned i = 0; i < 2; i++)
        if (ide_present(&c->drive[i]) && (reg != IDE_COMMAND || diagnostic || i == c->selected))
            ide_write_register(&c->drive[i], reg, value);
    update_irq(c);
}

static uint16_t read_word(struct ide_channel *c)
{
    struct ide_drive *d = selected_drive(c);

    return d ? ide_read_data(d) : 0xFFFF;
}

/* The data register is 16 bits wide: a 32-bit access is two words, an 8-bit one meets the low half of a word. */
static uint64_t command_read(struct ide_channel *c, uint64_t off, unsigned size)
{
    uint64_t value = 0;

    if (off == IDE_DATA) {
        value = read_word(c);
        if (size == 4)
            value |= (uint64_t)read_word(c) << 16;
        return value;
    }
    for (unsigned i = 0; i < size && off + i <= IDE_STATUS; i++)
        value |= (uint64_t)read_register(c, (unsigned)off + i) << (8 * i);
    return value;
}

static void command_write(struct ide_channel *c, uint64_t off, uint64_t value, unsigned size)
{
    if (off == IDE_DATA) {
        for (unsigned i = 0; i < size; i += 2) {
            struct ide_drive *d = selected_drive(c);

            if (d)
                ide_write_data(d, (uint16_t)(value >> (8 * i)));
        }
        return;
    }
    for (unsigned i = 0; i < size && off + i <= IDE_COMMAND; i++)
        write_register(c, (unsigned)off + i, (uint8_t)(value >> (8 * i)));
}

static uint64_t command_peek(struct ide_channel *c, uint64_t off, unsigned size)
{
    const struct ide_drive *d = selected_drive(c);
    uint64_t value = 0;

    if (off == IDE_DATA)
        return d ? ide_peek_data(d) : 0xFFFF;
    for (unsigned i = 0; i < size && off + i <= IDE_STATUS; i++)
        value |= (uint64_t)register_byte(c, (unsigned)off + i) << (8 * i);
    return value;
}

/* "Device Control register". Both drives see SRST; afterwards device 0 is selected. */
static void control_write(struct ide_channel *c, uint8_t value)
{
    uint8_t changed = c->control ^ value;

    c->control = value & (CONTROL_HOB | CONTROL_SRST | CONTROL_NIEN);
    if (changed & CONTROL_SRST) {
        c->selected = 0;
        for (unsigned i = 0; i < 2; i++)
            if (ide_present(&c->drive[i]))
                ide_soft_reset(&c->drive[i], ide_control_srst(value));
    }
    update_irq(c);
}

/* The same for each of the two channels, whose number an address range does not bring along. */
#define CHANNEL_OPS(n)                                                                                          \
    static uint64_t command_read_##n(struct sim_device *dev, uint64_t off, unsigned size)                       \
    {                                                                                                           \
        return command_read(&ide_of(dev)->channel[n], off, size);                                               \
    }                                                                                                           \
    static void command_write_##n(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)          \
    {                                                                                                           \
        command_write(&ide_of(dev)->channel[n], off, value, size);                                              \
    }                                                                                                           \
    static uint64_t command_peek_##n(struct sim_device *dev, uint64_t off, unsigned size)                       \
    {                                                                                                           \
        return command_peek(&ide_of(dev)->channel[n], off, size);                                               \
    }                                                                                                           \
    static uint64_t control_read_##n(struct sim_device *dev, uint64_t off, unsigned size)                       \
    {                                                                                                           \
        return register_byte(&ide_of(dev)->channel[n], IDE_STATUS);                                             \
    }                                                                                                           \
    static void control_write_##n(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)          \
    {                                                                                                           \
        control_write(&ide_of(dev)->channel[n], (uint8_t)value);                                                \
    }                                                                                                           \
    static void dma_done_##n(struct sim_device *dev)                                                            \
    {                                                                                                           \
        dma_done(&ide_of(dev)->channel[n]);                                                                     \
    }                                                                                                           \
    static void delay_over_##n##_0(struct sim_device *dev)                                                      \
    {                                                                                                           \
        ide_delay_over(&ide_of(dev)->channel[n].drive[0]);                                                      \
    }                                                                                                           \
    static void delay_over_##n##_1(struct sim_device *dev)                                                      \
    {                                                                                                           \
        ide_delay_over(&ide_of(dev)->channel[n].drive[1]);                                                      \
    }
CHANNEL_OPS(0)
CHANNEL_OPS(1)

struct channel_ports {
    uint16_t command, control;
    const char *irq;
    struct sim_range_ops command_ops, control_ops;
    void (*dma_done)(struct sim_device *dev);
    void (*delay_over[2])(struct sim_device *dev);
};

static const struct channel_ports ports[2] = {
    { 0x1F0, 0x3F6, "isa.irq14",
      { .read = command_read_0, .write = command_write_0, .peek = command_peek_0 },
      { .read = control_read_0, .write = control_write_0, .peek = control_read_0, .max_size = 1 },
      dma_done_0, { delay_over_0_0, delay_over_0_1 } },
    { 0x170, 0x376, "isa.irq15",
      { .read = command_read_1, .write = command_write_1, .peek = command_peek_1 },
      { .read = control_read_1, .write = control_write_1, .peek = control_read_1, .max_size = 1 },
      dma_done_1, { delay_over_1_0, delay_over_1_1 } },
};

/* ---- The PCI function ---- */

/* "IDETIM", bit 15: IDE decode enable. */
static void map_channels(struct ide *ide)
{
    bool io = ide->pci.config[PCICMD] & PCICMD_IOSE;

    for (unsigned i = 0; i < 2; i++) {
        bool decode = io && (ide->pci.config[IDETIM + 2 * i + 1] & 0x80);

        sim_range_enable(&ide->channel[i].command_range, decode);
        sim_range_enable(&ide->channel[i].control_range, decode);
    }
}

static void config_written(struct sim_device *dev, uint8_t off, uint8_t len)
{
    struct ide *ide = ide_of(dev);

    map_channels(ide);
    for (unsigned i = 0; i < 2; i++) /* PCICMD.BME may let a transfer go on */
        start_dma(&ide->channel[i]);
}

static void prepare_drive(struct ide *ide, unsigned number)
{
    struct ide_drive *d = &ide->channel[number >> 1].drive[number & 1];
    char medium[8];

    snprintf(medium, sizeof(medium), "ide%u.%u", number >> 1 & 1, number & 1);
    d->dev = &ide->dev;
    d->number = (uint8_t)number;
    d->media = sim_media_find(&ide->dev, medium);
    d->packet = d->media && sim_media_is_cdrom(d->media);
    d->ops = &ata_ops;
    d->changed = drive_changed;
    sim_device_event(&ide->dev, &d->delay, number, ports[number >> 1].delay_over[number & 1]);
}

static enum sim_err prepare_channel(struct ide *ide, unsigned number)
{
    struct ide_channel *c = &ide->channel[number];
    const struct channel_ports *p = &ports[number];
    enum sim_err err;

    c->ide = ide;
    prepare_drive(ide, 2 * number);
    prepare_drive(ide, 2 * number + 1);
    sim_device_event(&ide->dev, &c->dma, 4 + number, p->dma_done);
    err = sim_wire_drive(&ide->dev, &c->irq, p->irq);
    if (!err)
        err = sim_map_io(&ide->dev, &c->command_range, "ide-command", p->command, 8, &p->command_ops, SIM_SPEED_PCI, 0);
    if (!err)
        err = sim_map_io(&ide->dev, &c->control_range, "ide-control", p->control, 1, &p->control_ops, SIM_SPEED_PCI, 0);
    return err;
}

static enum sim_err ide_realize(struct sim_device *dev)
{
    struct ide *ide = ide_of(dev);
    enum sim_err err;

    sim_pci_header(&ide->pci, 0x8086, 0x7010, 0x010180, 0, 0);
    memset(ide->pci.writable + IDETIM, 0xFF, SIDETIM - IDETIM + 1);
    ide->pci.bar[BUS_MASTER_BAR] = (struct sim_pci_bar){ .length = 16, .io = true, .ops = &bus_master_ops };
    ide->pci.config_written = config_written;
    err = sim_pci_add(dev, &ide->pci, DEVFN);
    for (unsigned i = 0; !err && i < 2; i++)
        err = prepare_channel(ide, i);
    return err;
}

static void reset_channel(struct ide_channel *c)
{
    sim_event_cancel(&c->dma);
    c->control = c->selected = 0;
    c->bmic = c->bmis = c->last_entry = 0;
    c->bmidtp = c->prd = c->region = c->region_left = 0;
    for (unsigned i = 0; i < 2; i++)
        ide_power_on(&c->drive[i]);
    update_irq(c);
}

static void ide_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct ide *ide = ide_of(dev);

    sim_pci_reset(&ide->pci);
    memset(ide->pci.config + IDETIM, 0, SIDETIM - IDETIM + 1);
    reset_channel(&ide->channel[0]);
    reset_channel(&ide->channel[1]);
    map_channels(ide);
}

static void ide_loaded(struct sim_device *dev)
{
    struct ide *ide = ide_of(dev);

    sim_pci_loaded(&ide->pci);
    map_channels(ide);
}

const struct sim_device_class ide_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class),
    .name = "piix3-ide", .title = "IDE controller with bus master, and its drives", .version = 1,
    .instance_size = sizeof(struct ide), .fields = ide_fields,
    .realize = ide_realize, .reset = ide_reset, .loaded = ide_loaded
};
