#include "devices/ide_drive.h"

#include <string.h>

#include "devices/ata.h"
#include "devices/atapi.h"

#define IDE_STATUS_BITS(X, p)                                \
    X(p, bsy,  7, 7, "busy")                                 \
    X(p, drdy, 6, 6, "ready")                                \
    X(p, df,   5, 5, "device fault")                         \
    X(p, dsc,  4, 4, "seek complete")                        \
    X(p, drq,  3, 3, "data request")                         \
    X(p, err,  0, 0, "error; with packets: CHK")
SIM_BITS_DEFINE(ide_status, IDE_STATUS_BITS)

#define IDE_DEVICE_BITS(X, p)                                \
    X(p, lba,  6, 6, "1 LBA, 0 CHS")                         \
    X(p, dev,  4, 4, "device 1")                             \
    X(p, head, 3, 0, "head, or LBA bits 27:24")
SIM_BITS_DEFINE(ide_device, IDE_DEVICE_BITS)

const struct sim_field ide_drive_fields[] = {
    SIM_FIELD(struct ide_drive, features, "features register; high byte: written before"),
    SIM_FIELD(struct ide_drive, count, "sector count register; high byte: written before"),
    SIM_FIELD(struct ide_drive, lba_low, "LBA low register; high byte: written before"),
    SIM_FIELD(struct ide_drive, lba_mid, "LBA mid register; high byte: written before"),
    SIM_FIELD(struct ide_drive, lba_high, "LBA high register; high byte: written before"),
    SIM_FIELD_BITS(struct ide_drive, device, ide_device_bits, "device register"),
    SIM_FIELD_BITS(struct ide_drive, status, ide_status_bits, "status register"),
    SIM_FIELD(struct ide_drive, error, "error register"),
    SIM_FIELD(struct ide_drive, command, "the last command"),
    SIM_FIELD(struct ide_drive, phase, "0 idle, 1 delay, 2 resetting, PIO 3 in 4 out, DMA 5 in 6 out"),
    SIM_FIELD(struct ide_drive, stage, "0 start, 1 next block, 2 store block, 3 packet comes in, 4 execute packet"),
    SIM_FIELD(struct ide_drive, intrq, "1: an interrupt is pending"),
    SIM_FIELD(struct ide_drive, transfer_mode, "of SET FEATURES 03h"),
    SIM_FIELD(struct ide_drive, pos, "next byte in the buffer"),
    SIM_FIELD(struct ide_drive, len, "end of the data in the buffer"),
    SIM_FIELD_BYTES(struct ide_drive, buffer, "data on their way"),
    SIM_FIELD_STRUCT(struct ide_drive, ata, ata_fields, "disk commands"),
    SIM_FIELD_STRUCT(struct ide_drive, atapi, atapi_fields, "packet commands"),
    SIM_FIELD_EVENT(struct ide_drive, delay, "end of the delay"),
    SIM_FIELD_DERIVED(struct ide_drive, dev, "the IDE function"),
    SIM_FIELD_DERIVED(struct ide_drive, media, "the medium of its channel"),
    SIM_FIELD_DERIVED(struct ide_drive, ops, "what commands do"),
    SIM_FIELD_DERIVED(struct ide_drive, changed, "the cable's"),
    SIM_FIELD_DERIVED(struct ide_drive, packet, "from the medium: a CD-ROM drive"),
    SIM_FIELD_DERIVED(struct ide_drive, number, "its place"),
    SIM_FIELD_END
};

/* ---- Phases ---- */

static uint32_t end_of_data(const struct ide_drive *d)
{
    return d->len < IDE_BUFFER ? d->len : IDE_BUFFER;
}

static void enter(struct ide_drive *d, uint8_t phase, uint8_t status, bool interrupt)
{
    d->phase = phase;
    d->status = status;
    if (interrupt)
        d->intrq = 1;
    d->changed(d);
}

static void start_delay(struct ide_drive *d, uint64_t ns)
{
    struct sim_clock *clock = sim_clock_of(d->dev);

    sim_event_at(&d->delay, clock->now + sim_ns_to_cycles(clock, ns));
}

void ide_wait(struct ide_drive *d, uint8_t stage, uint64_t ns)
{
    d->stage = stage;
    enter(d, IDE_DELAY, IDE_BSY, false);
    start_delay(d, ns);
}

void ide_end(struct ide_drive *d, bool interrupt)
{
    d->error = 0;
    enter(d, IDE_IDLE, IDE_DRDY | IDE_DSC, interrupt);
}

void ide_end_error(struct ide_drive *d, uint8_t error)
{
    d->error = error;
    enter(d, IDE_IDLE, IDE_DRDY | IDE_DSC | IDE_ERR, true);
}

static void start_data(struct ide_drive *d, uint8_t phase, uint32_t bytes, bool interrupt)
{
    d->pos = 0;
    d->len = bytes < IDE_BUFFER ? (uint16_t)bytes : IDE_BUFFER;
    enter(d, phase, IDE_DRDY | IDE_DSC | IDE_DRQ, interrupt);
}

void ide_offer(struct ide_drive *d, uint32_t bytes, bool dma, bool interrupt)
{
    start_data(d, dma ? IDE_DMA_IN : IDE_PIO_IN, bytes, interrupt && !dma);
}

void ide_demand(struct ide_drive *d, uint8_t stage, uint32_t bytes, bool dma, bool interrupt)
{
    d->stage = stage;
    start_data(d, dma ? IDE_DMA_OUT : IDE_PIO_OUT, bytes, interrupt && !dma);
}

static void finish_reset(struct ide_drive *d)
{
    d->ops->reset(d);
    enter(d, IDE_IDLE, d->packet ? 0 : IDE_DRDY | IDE_DSC, false);
}

void ide_delay_over(struct ide_drive *d)
{
    if (d->phase == IDE_RESETTING)
        finish_reset(d);
    else
        d->ops->proceed(d);
}

/* "Software Reset Protocol". */
void ide_soft_reset(struct ide_drive *d, bool asserted)
{
    d->intrq = 0;
    sim_event_cancel(&d->delay);
    enter(d, IDE_RESETTING, IDE_BSY, false);
    if (!asserted)
        start_delay(d, IDE_RESET_NS);
}

void ide_power_on(struct ide_drive *d)
{
    sim_event_cancel(&d->delay);
    d->features = d->command = d->stage = d->intrq = 0;
    d->transfer_mode = 0;
    d->pos = d->len = 0;
    memset(d->buffer, 0, sizeof(d->buffer));
    memset(&d->ata, 0, sizeof(d->ata));
    memset(&d->atapi, 0, sizeof(d->atapi));
    d->phase = IDE_IDLE;
    d->status = 0;
    if (ide_present(d)) {
        ata_power_on(d);
        finish_reset(d);
    }
}

/* ---- Registers ---- */

static uint16_t *deep_register(struct ide_drive *d, unsigned reg)
{
    switch (reg) {
    case IDE_FEATURES:
        return &d->features;
    case IDE_COUNT:
        return &d->count;
    case IDE_LBA_LOW:
        return &d->lba_low;
    case IDE_LBA_MID:
        return &d->lba_mid;
    case IDE_LBA_HIGH:
        return &d->lba_high;
    default:
        return NULL;
    }
}

/* "When BSY or DRQ is set, writing the Command register has indeterminate results": it is ignored. */
static void write_command(struct ide_drive *d, uint8_t command)
{
    if ((d->status & (IDE_BSY | IDE_DRQ)) && !(command == ATA_DEVICE_RESET && d->packet && d->phase != IDE_RESETTING)) {
        sim_device_log(d->dev, SIM_LOG_WARN, "drive %u: command %02Xh while BSY or DRQ is set is ignored", d->number,
                       command);
        return;
    }
    d->command = command;
    d->error = 0;
    d->intrq = 0;
    d->changed(d);
    d->ops->command(d);
}

void ide_write_register(struct ide_drive *d, unsigned reg, uint8_t value)
{
    uint16_t *deep = deep_register(d, reg);

    if (reg == IDE_COMMAND) {
        write_command(d, value);
        return;
    }
    if (d->status & IDE_BSY)
        return;
    if (deep)
        *deep = (uint16_t)(*deep << 8 | value);
    else if (reg == IDE_DEVICE)
        d->device = value;
}

uint8_t ide_read_register(const struct ide_drive *d, unsigned reg, bool previous)
{
    unsigned shift = previous ? 8 : 0;

    switch (reg) {
    case IDE_ERROR:
        return d->error;
    case IDE_COUNT:
        return (uint8_t)(d->count >> shift);
    case IDE_LBA_LOW:
        return (uint8_t)(d->lba_low >> shift);
    case IDE_LBA_MID:
        return (uint8_t)(d->lba_mid >> shift);
    case IDE_LBA_HIGH:
        return (uint8_t)(d->lba_high >> shift);
    case IDE_DEVICE:
        return d->device | 0xA0; /* obsolete bits that have always been 1 */
    default:
        return d->status;
    }
}

/* Reading the status register clears the pending interrupt. */
void ide_acknowledge(struct ide_drive *d)
{
    if (!d->intrq)
        return;
    d->intrq = 0;
    d->changed(d);
}

/* ---- Data ---- */

uint8_t *ide_buffer(struct ide_drive *d, uint32_t *bytes)
{
    uint32_t end = end_of_data(d);
    uint32_t pos = d->pos < end ? d->pos : end;

    *bytes = end - pos;
    return d->buffer + pos;
}

void ide_moved(struct ide_drive *d, uint32_t bytes)
{
    uint32_t pos = d->pos + bytes;

    d->pos = (uint16_t)(pos < IDE_BUFFER ? pos : IDE_BUFFER);
    if (d->pos < end_of_data(d))
        return;
    if (d->phase == IDE_PIO_IN || d->phase == IDE_DMA_IN)
        d->ops->drained(d);
    else if (d->phase == IDE_PIO_OUT || d->phase == IDE_DMA_OUT)
        d->ops->filled(d);
}

uint16_t ide_peek_data(const struct ide_drive *d)
{
    uint32_t end = end_of_data(d);

    if (d->phase != IDE_PIO_IN || d->pos >= end)
        return 0xFFFF;
    return d->buffer[d->pos] | (d->pos + 1u < end ? d->buffer[d->pos + 1] : 0) << 8;
}

/* Without DRQ nothing is there to be read: all ones. */
uint16_t ide_read_data(struct ide_drive *d)
{
    uint16_t word = ide_peek_data(d);

    if (d->phase == IDE_PIO_IN)
        ide_moved(d, 2);
    return word;
}

void ide_write_data(struct ide_drive *d, uint16_t word)
{
    uint32_t bytes;
    uint8_t *at = ide_buffer(d, &bytes);

    if (d->phase != IDE_PIO_OUT)
        return;
    if (bytes > 0)
        at[0] = (uint8_t)word;
    if (bytes > 1)
        at[1] = (uint8_t)(word >> 8);
    ide_moved(d, 2);
}

/* ---- Medium ---- */

/* How many of so many bytes at `off` the medium has. */
static uint32_t on_medium(const struct ide_drive *d, uint64_t off, uint32_t bytes)
{
    uint64_t size = sim_media_bytes(d->media);

    if (off >= size)
        return 0;
    return size - off < bytes ? (uint32_t)(size - off) : bytes;
}

bool ide_load(struct ide_drive *d, uint64_t off, uint32_t bytes)
{
    uint32_t there = on_medium(d, off, bytes);

    memset(d->buffer + there, 0, bytes - there);
    return there == 0 || sim_media_read(d->media, off, d->buffer, there);
}

bool ide_store(struct ide_drive *d, uint64_t off, uint32_t bytes)
{
    uint32_t there = on_medium(d, off, bytes);

    return there == 0 || sim_media_write(d->media, off, d->buffer, there);
}
