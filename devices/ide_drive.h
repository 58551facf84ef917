/*
 * A drive as its cable sees it: the command block registers, the data register, BSY and DRQ, INTRQ and DMARQ.
 *
 * Source: ATA/ATAPI-6 (T13/1410D), "Register Definitions", "Protocol". What a command does is in devices/ata.c, packets
 * are in devices/atapi.c; the cable with two drives and the bus master are in devices/ide.c.
 *
 * A drive is in one phase at a time:
 *
 *     IDLE      nothing under way
 *     DELAY     BSY: `delay` will call ops->proceed
 *     RESETTING BSY: as long as SRST is 1, and until `delay` fires after that
 *     PIO_IN    DRQ: the host reads buffer[pos..len) through the data register, then ops->drained
 *     PIO_OUT   DRQ: the host writes buffer[pos..len), then ops->filled
 *     DMA_IN    DRQ and DMARQ: as PIO_IN, through the bus master
 *     DMA_OUT   as PIO_OUT
 *
 * Time. A command without data takes 10 us, one that goes to the medium 100 us until its first block and 20 us for each
 * further one (a drive whose buffer is always ready), a reset 1 ms. DRQ for the first block of a PIO write, and for the
 * packet of PACKET, comes at once: software is known that does not wait for it.
 */
#ifndef LIBSIM_DEVICES_IDE_DRIVE_H
#define LIBSIM_DEVICES_IDE_DRIVE_H

#include "bus/device.h"

#define IDE_BUFFER 8192 /* 16 sectors of a disk, 4 of a CD */

#define IDE_COMMAND_NS 10000u
#define IDE_ACCESS_NS  100000u
#define IDE_NEXT_NS    20000u
#define IDE_RESET_NS   1000000u

/* Command block registers by their offset. */
enum { IDE_DATA, IDE_FEATURES, IDE_COUNT, IDE_LBA_LOW, IDE_LBA_MID, IDE_LBA_HIGH, IDE_DEVICE, IDE_COMMAND,
       IDE_ERROR = IDE_FEATURES, IDE_STATUS = IDE_COMMAND };

enum { IDE_BSY = 0x80, IDE_DRDY = 0x40, IDE_DF = 0x20, IDE_DSC = 0x10, IDE_DRQ = 0x08, IDE_ERR = 0x01 };
enum { IDE_UNC = 0x40, IDE_IDNF = 0x10, IDE_ABRT = 0x04 };
enum { IDE_DEVICE_LBA = 0x40, IDE_DEVICE_DEV = 0x10 };

enum ide_phase { IDE_IDLE, IDE_DELAY, IDE_RESETTING, IDE_PIO_IN, IDE_PIO_OUT, IDE_DMA_IN, IDE_DMA_OUT };

/* What the drive goes on with. */
enum ide_stage {
    IDE_STAGE_START,  /* carry out the command */
    IDE_STAGE_NEXT,   /* load the next block */
    IDE_STAGE_STORE,  /* write the block to the medium */
    IDE_STAGE_PACKET, /* the packet comes in */
    IDE_STAGE_EXECUTE /* carry out the packet */
};

struct ide_drive;

struct ide_drive_ops {
    void (*command)(struct ide_drive *d); /* one was written */
    void (*proceed)(struct ide_drive *d); /* a delay is over */
    void (*drained)(struct ide_drive *d); /* the host has taken all of the buffer */
    void (*filled)(struct ide_drive *d);  /* the host has filled the buffer */
    void (*reset)(struct ide_drive *d); /* the command set's own state, and the signature */
};

/* State of the disk commands: devices/ata.c. */
struct ata {
    uint64_t lba;
    uint32_t left;     /* sectors to transfer */
    uint8_t flags;     /* of the command's row */
    uint8_t multiple;  /* sectors per block of READ/WRITE MULTIPLE, 0: disabled */
    uint8_t heads, sectors;
    uint8_t power;
    uint8_t write_cache, look_ahead;
};

/* State of the packet commands: devices/atapi.c. */
struct atapi {
    uint64_t offset;   /* on the medium, of the next chunk */
    uint64_t left;     /* bytes after those in the buffer */
    uint8_t packet[12];
    uint8_t sense_key, asc, ascq;
    uint8_t attention; /* ASC of the unit attention to be reported, or 0 */
    uint8_t media_event;
    uint8_t tray_open, locked;
    uint8_t dma;
    uint8_t in_buffer;
    uint16_t limit;    /* byte count limit of the PACKET command */
};

struct ide_drive {
    /* Registers; of those that are two deep the low byte was written last. */
    uint16_t features, count, lba_low, lba_mid, lba_high;
    uint8_t device, status, error, command;

    uint8_t phase, stage;
    uint8_t intrq;
    uint8_t transfer_mode;
    uint16_t pos, len;
    uint8_t number; /* derived: its place, 0 to 3 */
    bool packet;    /* derived: a CD-ROM drive */
    uint8_t buffer[IDE_BUFFER];
    struct ata ata;
    struct atapi atapi;
    struct sim_event delay;

    /* Derived: set when the device is realized */
    struct sim_device *dev;
    struct sim_media *media; /* NULL: no drive */
    const struct ide_drive_ops *ops;
    void (*changed)(struct ide_drive *d); /* intrq or phase changed */
};

extern const struct sim_field ide_drive_fields[];

/* ---- For the cable ---- */

static inline bool ide_present(const struct ide_drive *d)
{
    return d->media != NULL;
}

void ide_power_on(struct ide_drive *d);
void ide_soft_reset(struct ide_drive *d, bool asserted);
void ide_delay_over(struct ide_drive *d);
/* A register other than data; writing IDE_COMMAND starts the command. */
void ide_write_register(struct ide_drive *d, unsigned reg, uint8_t value);
/* Without the side effect of IDE_STATUS, which is ide_acknowledge. `previous`: the deeper byte, as with HOB = 1. */
uint8_t ide_read_register(const struct ide_drive *d, unsigned reg, bool previous);
void ide_acknowledge(struct ide_drive *d);
uint16_t ide_read_data(struct ide_drive *d);
uint16_t ide_peek_data(const struct ide_drive *d);
void ide_write_data(struct ide_drive *d, uint16_t word);

static inline bool ide_wants_dma(const struct ide_drive *d)
{
    return d->phase == IDE_DMA_IN || d->phase == IDE_DMA_OUT;
}

/* Bytes that are still to be moved, and where; ide_moved says that `bytes` of them were. */
uint8_t *ide_buffer(struct ide_drive *d, uint32_t *bytes);
void ide_moved(struct ide_drive *d, uint32_t bytes);

/* ---- For the commands ---- */

/* BSY; ops->proceed is called after `ns`. */
void ide_wait(struct ide_drive *d, uint8_t stage, uint64_t ns);
/* The command has ended, with or without an interrupt. */
void ide_end(struct ide_drive *d, bool interrupt);
void ide_end_error(struct ide_drive *d, uint8_t error);
/* buffer[0..bytes) goes to the host, or comes from it. In PIO, `interrupt` tells the host. */
void ide_offer(struct ide_drive *d, uint32_t bytes, bool dma, bool interrupt);
void ide_demand(struct ide_drive *d, uint8_t stage, uint32_t bytes, bool dma, bool interrupt);
/* Bytes of the medium into the buffer, zeros behind its end; false when the host failed. */
bool ide_load(struct ide_drive *d, uint64_t off, uint32_t bytes);
/* And back; what would lie behind its end vanishes. */
bool ide_store(struct ide_drive *d, uint64_t off, uint32_t bytes);

#endif
