#include "devices/floppy.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "bus/bus.h"
#include "devices/dma.h"

#define FLOPPY_DOR(X, p)                                                    \
    X(p, motors,  7, 4, "motor of drive 3..0")                              \
    X(p, gate,    3, 3, "DMA and interrupt reach the bus")                  \
    X(p, run,     2, 2, "0: the controller is in reset")                    \
    X(p, drive,   1, 0, "the selected drive")
SIM_BITS_DEFINE(floppy_dor, FLOPPY_DOR)

#define FLOPPY_SPECIFY1(X, p)                                               \
    X(p, step, 7, 4, "step rate: (16 - this) * 0.5 ms at 500 kb/s")         \
    X(p, head_unload, 3, 0, "")
SIM_BITS_DEFINE(floppy_specify1, FLOPPY_SPECIFY1)

#define FLOPPY_SPECIFY2(X, p)                                               \
    X(p, head_load, 7, 1, "")                                               \
    X(p, no_dma,    0, 0, "data go through the FIFO")
SIM_BITS_DEFINE(floppy_specify2, FLOPPY_SPECIFY2)

#define FLOPPY_CONFIG(X, p)                                                 \
    X(p, implied_seek, 6, 6, "commands seek to the cylinder they name")     \
    X(p, no_fifo,      5, 5, "")                                            \
    X(p, no_poll,      4, 4, "no drive polling after a reset")              \
    X(p, threshold,    3, 0, "of the FIFO")
SIM_BITS_DEFINE(floppy_config, FLOPPY_CONFIG)

enum { MSR_RQM = 0x80, MSR_DIO = 0x40, MSR_NON_DMA = 0x20, MSR_BUSY = 0x10 };
enum { ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_POLLED = 0xC0, ST0_SEEK_END = 0x20, ST0_EQUIPMENT_CHECK = 0x10 };
enum { ST1_END_OF_CYLINDER = 0x80, ST1_OVERRUN = 0x10, ST1_NO_DATA = 0x04, ST1_NOT_WRITABLE = 0x02,
       ST1_MISSING_MARK = 0x01 };
enum { ST2_WRONG_CYLINDER = 0x10 };
enum { ST3_WRITE_PROTECTED = 0x40, ST3_ALWAYS = 0x28, ST3_TRACK0 = 0x10 };

#define SECTOR        512u
#define DRIVES        4u /* of which 0 and 1 are there */
#define MAX_STEPS     79 /* of RECALIBRATE */
#define CONFIG_RESET  0x20
#define TRANSFER_RESULT 7 /* bytes: ST0, ST1, ST2, C, H, R, N */
#define POLL_NS       10000u
#define TWO_TURNS_NS  400000000u

enum { RATE_500, RATE_300, RATE_250, RATE_1000 };

/* What is on a diskette, by its length. Diskettes of double density are read at 250 or, in a 1.2 MB drive, 300 kb/s. */
struct geometry {
    uint16_t kilobytes;
    uint8_t cylinders, heads, sectors;
    uint8_t rate;
};

static const struct geometry geometries[] = {
    { 160, 40, 1, 8, RATE_250 },   { 180, 40, 1, 9, RATE_250 },   { 320, 40, 2, 8, RATE_250 },
    { 360, 40, 2, 9, RATE_250 },   { 720, 80, 2, 9, RATE_250 },   { 1200, 80, 2, 15, RATE_500 },
    { 1440, 80, 2, 18, RATE_500 }, { 2880, 80, 2, 36, RATE_1000 },
};
#define GEOMETRY_1440 (&geometries[6])

/* "Controller Phases". */
enum { COMMAND, EXECUTION, DATA_IN, DATA_OUT, RESULT };

/* What `execute` stands for when it fires. */
enum { EXECUTE_POLL, EXECUTE_SECTOR, EXECUTE_NOT_FOUND, EXECUTE_ID, EXECUTE_FORMAT };

struct floppy_drive {
    uint8_t cylinder, target;
    uint8_t seeking;
    uint8_t changed;
    uint8_t pending, st0;
    struct sim_event step;
    struct sim_media *media; /* derived */
};

static const struct sim_field floppy_drive_fields[] = {
    SIM_FIELD(struct floppy_drive, cylinder, "where the head is (PCN)"),
    SIM_FIELD(struct floppy_drive, target, "where it seeks to"),
    SIM_FIELD(struct floppy_drive, seeking, "1: it seeks; 2: it recalibrates"),
    SIM_FIELD(struct floppy_drive, changed, "DSKCHG: no step since the diskette was put in"),
    SIM_FIELD(struct floppy_drive, pending, "1: SENSE INTERRUPT STATUS is due"),
    SIM_FIELD(struct floppy_drive, st0, "what it will tell"),
    SIM_FIELD_EVENT(struct floppy_drive, step, "end of the seek"),
    SIM_FIELD_DERIVED(struct floppy_drive, media, "the diskette"),
    SIM_FIELD_END
};

struct floppy {
    struct sim_device dev;
    const char *dma; /* property */

    uint8_t dor, tdr, rate;
    uint8_t specify[2], config, precompensation, locked, perpendicular;
    uint8_t phase, stage;
    uint8_t interrupt;
    uint8_t command[9], received;
    uint8_t result[10], result_pos, result_len;
    uint8_t cylinder, head, sector, side;
    uint16_t pos, len;
    uint8_t buffer[1024];
    struct floppy_drive drive[DRIVES];
    struct sim_event execute;

    /* Derived */
    struct sim_device *dma_device;
    struct sim_wire_driver irq;
    struct sim_range range, rate_range;
};

static const struct sim_field floppy_fields[] = {
    SIM_FIELD_BITS(struct floppy, dor, floppy_dor_bits, "digital output register"),
    SIM_FIELD(struct floppy, tdr, "tape drive register"),
    SIM_FIELD(struct floppy, rate, "data rate: 0 500, 1 300, 2 250, 3 1000 kb/s"),
    SIM_FIELD_ARRAY(struct floppy, specify, "SPECIFY: step rate and head unload time; head load time and ND"),
    SIM_FIELD_BITS(struct floppy, config, floppy_config_bits, "CONFIGURE"),
    SIM_FIELD(struct floppy, precompensation, "CONFIGURE: first track with write precompensation"),
    SIM_FIELD(struct floppy, locked, "1: LOCK"),
    SIM_FIELD(struct floppy, perpendicular, "PERPENDICULAR MODE"),
    SIM_FIELD(struct floppy, phase, "0 command, 1 execution, data 2 in 3 out of the FIFO, 4 result"),
    SIM_FIELD(struct floppy, stage, "what is executed: 0 poll, 1 sector, 2 not found, 3 ID, 4 format"),
    SIM_FIELD(struct floppy, interrupt, "1: INT, before DOR.gate"),
    SIM_FIELD_BYTES(struct floppy, command, "command bytes"),
    SIM_FIELD(struct floppy, received, "how many of them were written"),
    SIM_FIELD_BYTES(struct floppy, result, "result bytes"),
    SIM_FIELD(struct floppy, result_pos, "the next of them"),
    SIM_FIELD(struct floppy, result_len, "how many there are"),
    SIM_FIELD(struct floppy, cylinder, "C of the transfer"),
    SIM_FIELD(struct floppy, head, "H of the transfer"),
    SIM_FIELD(struct floppy, sector, "R of the transfer"),
    SIM_FIELD(struct floppy, side, "the head that is active"),
    SIM_FIELD(struct floppy, pos, "next byte in the buffer"),
    SIM_FIELD(struct floppy, len, "bytes in the buffer"),
    SIM_FIELD_BYTES(struct floppy, buffer, "data of a sector, or of FORMAT TRACK"),
    SIM_FIELD_SUB(struct floppy, drive, floppy_drive_fields, "drives"),
    SIM_FIELD_EVENT(struct floppy, execute, "the execution phase goes on"),
    SIM_FIELD_DERIVED(struct floppy, dma_device, "from the property `dma`"),
    SIM_FIELD_DERIVED(struct floppy, irq, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct floppy, range, "ports 3F2h-3F5h"),
    SIM_FIELD_DERIVED(struct floppy, rate_range, "port 3F7h"),
    SIM_FIELD_END
};

static struct floppy *floppy_of(struct sim_device *dev)
{
    return (struct floppy *)dev;
}

/* ---- Interrupt and phases ---- */

static void set_interrupt(struct floppy *f, bool interrupt)
{
    f->interrupt = interrupt;
    sim_wire_set(&f->irq, interrupt && floppy_dor_gate(f->dor));
}

static void await_command(struct floppy *f)
{
    f->phase = COMMAND;
    f->received = 0;
}

static void give_result(struct floppy *f, const uint8_t *bytes, uint8_t len)
{
    memcpy(f->result, bytes, len);
    f->result_pos = 0;
    f->result_len = len;
    f->phase = RESULT;
}

static void arm(struct floppy *f, struct sim_event *ev, uint64_t ns)
{
    struct sim_clock *clock = sim_clock_of(&f->dev);

    sim_event_at(ev, clock->now + sim_ns_to_cycles(clock, ns));
}

static void execute_after(struct floppy *f, uint8_t stage, uint64_t ns)
{
    f->phase = EXECUTION;
    f->stage = stage;
    arm(f, &f->execute, ns);
}

static unsigned kilobits(const struct floppy *f)
{
    static const uint16_t rates[] = { 500, 300, 250, 1000 };

    return rates[f->rate & 3];
}

static uint64_t sector_ns(const struct floppy *f)
{
    return SECTOR * 8 * UINT64_C(1000000) / kilobits(f);
}

/* ---- The diskette ---- */

static struct floppy_drive *chosen(struct floppy *f)
{
    return &f->drive[f->command[1] & 3];
}

static const struct geometry *geometry(const struct floppy_drive *d)
{
    uint64_t bytes = sim_media_bytes(d->media);

    for (size_t i = 0; i < sizeof(geometries) / sizeof(geometries[0]); i++)
        if (bytes == geometries[i].kilobytes * 1024u)
            return &geometries[i];
    return bytes < GEOMETRY_1440->kilobytes * 1024u ? GEOMETRY_1440 : NULL;
}

static bool turning(const struct floppy *f, const struct floppy_drive *d)
{
    return d->media && (floppy_dor_motors(f->dor) & 1u << (d - f->drive));
}

/* Can the address marks be read? */
static bool readable(const struct floppy *f, const struct floppy_drive *d)
{
    const struct geometry *g = d->media ? geometry(d) : NULL;
    bool right_rate = g && (f->rate == g->rate || (g->rate == RATE_250 && f->rate == RATE_300));

    return right_rate && d->cylinder < g->cylinders && f->side < g->heads;
}

/* Is sector C, H, R, N, for which the command looks, on the track? Then where on the medium. */
static bool find_sector(struct floppy *f, uint64_t *off)
{
    const struct floppy_drive *d = chosen(f);
    const struct geometry *g;

    if (!readable(f, d) || f->cylinder != d->cylinder || f->head != f->side || f->command[5] != 2 || f->sector < 1 ||
        f->sector > geometry(d)->sectors)
        return false;
    g = geometry(d);
    *off = (((uint64_t)f->cylinder * g->heads + f->side) * g->sectors + f->sector - 1) * SECTOR;
    return true;
}

/* How many of a sector's bytes the medium has. */
static uint32_t on_medium(const struct floppy_drive *d, uint64_t off)
{
    uint64_t size = sim_media_bytes(d->media);

    if (off >= size)
        return 0;
    return size - off < SECTOR ? (uint32_t)(size - off) : SECTOR;
}

static bool load(const struct floppy_drive *d, uint64_t off, uint8_t *out)
{
    uint32_t there = on_medium(d, off);

    memset(out + there, 0, SECTOR - there);
    return there == 0 || sim_media_read(d->media, off, out, there);
}

static bool store(const struct floppy_drive *d, uint64_t off, const uint8_t *in)
{
    uint32_t there = on_medium(d, off);

    return there == 0 || sim_media_write(d->media, off, in, there);
}

/* ---- Data transfer commands ---- */

static bool is_read(const struct floppy *f) { return (f->command[0] & 0x1F) == 0x06; }
static bool is_write(const struct floppy *f) { return (f->command[0] & 0x1F) == 0x05; }
static bool is_format(const struct floppy *f) { return (f->command[0] & 0x1F) == 0x0D; }
static bool multi_track(const struct floppy *f) { return f->command[0] & 0x80; }

/* "Result Phase" of the data transfer commands. */
static void finish(struct floppy *f, uint8_t st1, uint8_t st2)
{
    uint8_t st0 = (uint8_t)(f->side << 2 | (f->command[1] & 3));
    const uint8_t result[TRANSFER_RESULT] = {
        st1 || st2 ? st0 | ST0_ABNORMAL : st0, st1, st2, f->cylinder, f->head, f->sector, 2
    };

    give_result(f, result, sizeof(result));
    set_interrupt(f, true);
}

static void finish_not_found(struct floppy *f)
{
    const struct floppy_drive *d = chosen(f);

    if (!readable(f, d))
        finish(f, ST1_MISSING_MARK, 0);
    else
        finish(f, ST1_NO_DATA, f->cylinder != d->cylinder ? ST2_WRONG_CYLINDER : 0);
}

/* The next sector, once it has passed under the head. */
static void next_sector(struct floppy *f)
{
    uint64_t off;

    if (!find_sector(f, &off)) {
        execute_after(f, EXECUTE_NOT_FOUND, TWO_TURNS_NS);
        return;
    }
    if (is_write(f) && floppy_specify2_no_dma(f->specify[1])) {
        f->phase = DATA_OUT;
        f->pos = 0;
        f->len = SECTOR;
        set_interrupt(f, true);
        return;
    }
    execute_after(f, EXECUTE_SECTOR, sector_ns(f));
}

/* "Result Phase Table": the address behind a sector. True at the end of the cylinder. */
static bool advance(struct floppy *f)
{
    if (f->sector != f->command[6]) {
        f->sector++;
        return false;
    }
    f->sector = 1;
    if (multi_track(f)) {
        f->head ^= 1;
        f->side ^= 1;
        if (f->side)
            return false;
    }
    f->cylinder++;
    return true;
}

/* After a sector. Without TC the command goes on to the end of the cylinder, which is an error. */
static void sector_done(struct floppy *f, bool terminal_count)
{
    bool end = advance(f);

    if (terminal_count)
        finish(f, 0, 0);
    else if (end)
        finish(f, ST1_END_OF_CYLINDER, 0);
    else
        next_sector(f);
}

static void read_sector(struct floppy *f, uint64_t off)
{
    bool terminal_count;

    if (!load(chosen(f), off, f->buffer)) {
        finish(f, ST1_NO_DATA, 0);
    } else if (floppy_specify2_no_dma(f->specify[1])) {
        f->phase = DATA_IN;
        f->pos = 0;
        f->len = SECTOR;
        set_interrupt(f, true);
    } else if (dma_transfer(f->dma_device, 2, f->buffer, SECTOR, &terminal_count) == 0) {
        finish(f, ST1_OVERRUN, 0);
    } else {
        sector_done(f, terminal_count);
    }
}

/* After TC the rest of the sector is filled with zeros. */
static void write_sector(struct floppy *f, uint64_t off)
{
    bool terminal_count = false;
    size_t got = SECTOR;

    if (!floppy_specify2_no_dma(f->specify[1])) {
        got = dma_transfer(f->dma_device, 2, f->buffer, SECTOR, &terminal_count);
        memset(f->buffer + got, 0, SECTOR - got);
    }
    if (got == 0)
        finish(f, ST1_OVERRUN, 0);
    else if (!store(chosen(f), off, f->buffer))
        finish(f, ST1_NO_DATA, 0);
    else
        sector_done(f, terminal_count);
}

/* VERIFY: with EC, byte 8 counts the sectors, and its end is a good one. */
static void verify_sector(struct floppy *f)
{
    bool counted = f->command[1] & 0x80;

    sector_done(f, counted && --f->command[8] == 0);
}

static void transfer_sector(struct floppy *f)
{
    uint64_t off;

    if (!find_sector(f, &off))
        finish_not_found(f);
    else if (is_read(f))
        read_sector(f, off);
    else if (is_write(f))
        write_sector(f, off);
    else
        verify_sector(f);
}

/* Does the diskette turn, and may it be written? If not, waits for ever, or ends with an error. */
static bool diskette_ready(struct floppy *f, bool write)
{
    const struct floppy_drive *d = chosen(f);

    f->phase = EXECUTION;
    if (!turning(f, d))
        return false;
    if (write && sim_media_read_only(d->media)) {
        finish(f, ST1_NOT_WRITABLE, 0);
        return false;
    }
    return true;
}

static void run_transfer(struct floppy *f)
{
    f->cylinder = f->command[2];
    f->head = f->command[3];
    f->sector = f->command[4];
    f->side = f->command[1] >> 2 & 1;
    if (!diskette_ready(f, is_write(f)))
        return;
    if (floppy_config_implied_seek(f->config))
        chosen(f)->cylinder = f->cylinder;
    next_sector(f);
}

/* READ ID: the first address mark that comes along; the diskette is always just past its index hole. */
static void run_read_id(struct floppy *f)
{
    const struct floppy_drive *d = chosen(f);

    f->side = f->command[1] >> 2 & 1;
    f->cylinder = d->cylinder;
    f->head = f->side;
    f->sector = 1;
    if (diskette_ready(f, false))
        execute_after(f, readable(f, d) ? EXECUTE_ID : EXECUTE_NOT_FOUND, readable(f, d) ? sector_ns(f) : TWO_TURNS_NS);
}

/* ---- FORMAT TRACK ---- */

static void run_format(struct floppy *f)
{
    f->side = f->command[1] >> 2 & 1;
    f->pos = 0;
    f->len = (uint16_t)(4 * f->command[3]);
    if (!diskette_ready(f, true))
        return;
    if (floppy_specify2_no_dma(f->specify[1]) && f->len) {
        f->phase = DATA_OUT;
        set_interrupt(f, true);
    } else {
        execute_after(f, EXECUTE_FORMAT, TWO_TURNS_NS / 2);
    }
}

/* C, H, R and N of each sector come from the host. A medium keeps its geometry: what is not on it vanishes. */
static void format_track(struct floppy *f)
{
    uint32_t count = f->command[3], got = 4 * count;
    uint8_t data[SECTOR];
    bool terminal_count;

    if (!floppy_specify2_no_dma(f->specify[1]))
        got = (uint32_t)dma_transfer(f->dma_device, 2, f->buffer, 4 * count, &terminal_count);
    memset(data, f->command[5], sizeof(data));
    for (uint32_t i = 0; i < got / 4; i++) {
        uint64_t off;

        f->cylinder = f->buffer[4 * i];
        f->head = f->buffer[4 * i + 1];
        f->sector = f->buffer[4 * i + 2];
        f->command[5] = f->buffer[4 * i + 3];
        if (find_sector(f, &off))
            store(chosen(f), off, data);
        else
            sim_device_unmodelled(&f->dev, "FORMAT TRACK in another format", "sectors that the image lacks vanish");
    }
    finish(f, got < 4 * count ? ST1_OVERRUN : 0, 0);
}

static void floppy_execute(struct sim_device *dev)
{
    struct floppy *f = floppy_of(dev);

    switch (f->stage) {
    case EXECUTE_POLL:
        for (unsigned i = 0; i < DRIVES; i++) {
            f->drive[i].pending = 1;
            f->drive[i].st0 = (uint8_t)(ST0_POLLED | i);
        }
        set_interrupt(f, true);
        break;
    case EXECUTE_SECTOR:
        transfer_sector(f);
        break;
    case EXECUTE_FORMAT:
        format_track(f);
        break;
    case EXECUTE_ID:
        finish(f, 0, 0);
        break;
    default:
        finish_not_found(f);
    }
}

/* ---- Seeking ---- */

enum { SEEK = 1, RECALIBRATE = 2 };

/* A seek has ended of which nobody has heard. What polling found does not count. */
static bool seek_ended(const struct floppy *f)
{
    for (unsigned i = 0; i < DRIVES; i++)
        if (f->drive[i].pending && !(f->drive[i].st0 & ST0_INVALID))
            return true;
    return false;
}

/* Step pulses also tell the drive that a diskette was put in. */
static void start_seek(struct floppy *f, uint8_t what, uint8_t target)
{
    struct floppy_drive *d = chosen(f);
    unsigned steps = target > d->cylinder ? target - d->cylinder : d->cylinder - target;
    uint64_t step_ns = (16 - floppy_specify1_step(f->specify[0])) * UINT64_C(250000000) / kilobits(f);

    if (what == RECALIBRATE && steps > MAX_STEPS)
        steps = MAX_STEPS;
    d->seeking = what;
    d->target = target;
    d->st0 = (uint8_t)(f->command[1] & 7);
    if (d->media && steps)
        d->changed = 0;
    arm(f, &d->step, steps ? steps * step_ns : POLL_NS);
    await_command(f);
}

static void seek_done(struct floppy *f, unsigned number)
{
    struct floppy_drive *d = &f->drive[number];
    bool lost = d->seeking == RECALIBRATE && (number > 1 || d->cylinder > MAX_STEPS);

    d->cylinder = lost && number < 2 ? d->cylinder - MAX_STEPS : d->target;
    d->st0 = (uint8_t)((d->st0 & 7) | ST0_SEEK_END | (lost ? ST0_ABNORMAL | ST0_EQUIPMENT_CHECK : 0));
    d->seeking = 0;
    d->pending = 1;
    set_interrupt(f, true);
}

static void seek_done_0(struct sim_device *dev) { seek_done(floppy_of(dev), 0); }
static void seek_done_1(struct sim_device *dev) { seek_done(floppy_of(dev), 1); }
static void seek_done_2(struct sim_device *dev) { seek_done(floppy_of(dev), 2); }
static void seek_done_3(struct sim_device *dev) { seek_done(floppy_of(dev), 3); }

static void run_recalibrate(struct floppy *f)
{
    start_seek(f, RECALIBRATE, 0);
}

static void run_seek(struct floppy *f)
{
    start_seek(f, SEEK, f->command[2]);
}

/* Bit 6: inwards. The head does not leave the disk. */
static void run_relative_seek(struct floppy *f)
{
    int from = chosen(f)->cylinder, by = f->command[2];
    int to = f->command[0] & 0x40 ? from + by : from - by;

    start_seek(f, SEEK, (uint8_t)(to < 0 ? 0 : to > 255 ? 255 : to));
}

/* ---- Control commands ---- */

static void run_invalid(struct floppy *f)
{
    static const uint8_t st0[] = { ST0_INVALID };

    give_result(f, st0, 1);
}

static void run_unmodelled(struct floppy *f)
{
    char what[16];

    snprintf(what, sizeof(what), "command %02Xh", f->command[0]);
    sim_device_unmodelled(&f->dev, what, "it ends as an invalid command");
    run_invalid(f);
}

static void run_sense_interrupt(struct floppy *f)
{
    for (unsigned i = 0; i < DRIVES; i++) {
        struct floppy_drive *d = &f->drive[i];

        if (!d->pending)
            continue;
        d->pending = 0;
        give_result(f, (const uint8_t[]){ d->st0, d->cylinder }, 2);
        set_interrupt(f, seek_ended(f));
        return;
    }
    run_invalid(f);
}

static void run_sense_drive(struct floppy *f)
{
    const struct floppy_drive *d = chosen(f);
    uint8_t st3 = ST3_ALWAYS | (f->command[1] & 7);

    if (d->cylinder == 0)
        st3 |= ST3_TRACK0;
    if (d->media && sim_media_read_only(d->media))
        st3 |= ST3_WRITE_PROTECTED;
    give_result(f, &st3, 1);
}

static void run_specify(struct floppy *f)
{
    memcpy(f->specify, f->command + 1, 2);
    await_command(f);
}

static void run_version(struct floppy *f)
{
    static const uint8_t enhanced[] = { 0x90 };

    give_result(f, enhanced, 1);
}

static void run_configure(struct floppy *f)
{
    f->config = f->command[2] & 0x7F;
    f->precompensation = f->command[3];
    await_command(f);
}

static void run_lock(struct floppy *f)
{
    f->locked = f->command[0] >> 7;
    give_result(f, (const uint8_t[]){ (uint8_t)(f->locked << 4) }, 1);
}

/* The drives' bits change only when OW is written 1. */
static void run_perpendicular(struct floppy *f)
{
    uint8_t value = f->command[1];

    f->perpendicular = value & 0x80 ? value & 0x3F : (f->perpendicular & 0x3C) | (value & 0x03);
    await_command(f);
}

static void run_dumpreg(struct floppy *f)
{
    const uint8_t result[] = {
        f->drive[0].cylinder, f->drive[1].cylinder, f->drive[2].cylinder, f->drive[3].cylinder, f->specify[0],
        f->specify[1], f->command[6], (uint8_t)(f->locked << 7 | f->perpendicular), f->config, f->precompensation
    };

    give_result(f, result, sizeof(result));
}

struct floppy_command {
    uint8_t mask, opcode; /* of the first byte */
    uint8_t len;
    void (*run)(struct floppy *f);
};

/* "Command Set/Descriptions". */
static const struct floppy_command commands[] = {
    { 0x1F, 0x06, 9, run_transfer },      /* READ DATA */
    { 0x3F, 0x05, 9, run_transfer },      /* WRITE DATA */
    { 0x1F, 0x16, 9, run_transfer },      /* VERIFY */
    { 0xBF, 0x0D, 6, run_format },        /* FORMAT TRACK */
    { 0xBF, 0x0A, 2, run_read_id },       /* READ ID */
    { 0xFF, 0x07, 2, run_recalibrate },   /* RECALIBRATE */
    { 0xFF, 0x0F, 3, run_seek },          /* SEEK */
    { 0xBF, 0x8F, 3, run_relative_seek }, /* RELATIVE SEEK */
    { 0xFF, 0x08, 1, run_sense_interrupt },
    { 0xFF, 0x04, 2, run_sense_drive },
    { 0xFF, 0x03, 3, run_specify },
    { 0xFF, 0x10, 1, run_version },
    { 0xFF, 0x13, 4, run_configure },
    { 0x7F, 0x14, 1, run_lock },
    { 0xFF, 0x12, 2, run_perpendicular },
    { 0xFF, 0x0E, 1, run_dumpreg },
    { 0x9F, 0x02, 9, run_unmodelled },    /* READ TRACK */
    { 0x1F, 0x0C, 9, run_unmodelled },    /* READ DELETED DATA */
    { 0x3F, 0x09, 9, run_unmodelled },    /* WRITE DELETED DATA */
    { 0x1F, 0x11, 9, run_unmodelled },    /* SCAN EQUAL */
    { 0x1F, 0x19, 9, run_unmodelled },    /* SCAN LOW OR EQUAL */
    { 0x1F, 0x1D, 9, run_unmodelled },    /* SCAN HIGH OR EQUAL */
    { 0x00, 0x00, 1, run_invalid },
};

static const struct floppy_command *find_command(uint8_t first)
{
    const struct floppy_command *c = commands;

    while ((first & c->mask) != c->opcode)
        c++;
    return c; /* the last one matches everything */
}

/* ---- The FIFO ---- */

static void write_command(struct floppy *f, uint8_t byte)
{
    const struct floppy_command *c;

    if (f->received >= sizeof(f->command))
        f->received = 0;
    f->command[f->received++] = byte;
    c = find_command(f->command[0]);
    if (f->received >= c->len)
        c->run(f);
}

/* The host has filled the buffer. */
static void data_written(struct floppy *f)
{
    if (is_format(f))
        execute_after(f, EXECUTE_FORMAT, TWO_TURNS_NS / 2);
    else
        execute_after(f, EXECUTE_SECTOR, sector_ns(f));
}

static void write_fifo(struct floppy *f, uint8_t byte)
{
    if (f->phase == COMMAND) {
        write_command(f, byte);
    } else if (f->phase == DATA_OUT) {
        set_interrupt(f, false);
        if (f->pos < sizeof(f->buffer))
            f->buffer[f->pos] = byte;
        if (++f->pos >= f->len)
            data_written(f);
    }
}

static uint8_t peek_fifo(const struct floppy *f)
{
    if (f->phase == RESULT && f->result_pos < sizeof(f->result))
        return f->result[f->result_pos];
    if (f->phase == DATA_IN && f->pos < sizeof(f->buffer))
        return f->buffer[f->pos];
    return 0xFF;
}

/* Reading data, or the result of a transfer, takes INT back. */
static uint8_t read_fifo(struct floppy *f)
{
    uint8_t byte = peek_fifo(f);

    if (f->phase == RESULT) {
        if (f->result_len == TRANSFER_RESULT)
            set_interrupt(f, seek_ended(f));
        if (++f->result_pos >= f->result_len)
            await_command(f);
    } else if (f->phase == DATA_IN) {
        set_interrupt(f, false);
        if (++f->pos >= f->len)
            sector_done(f, false);
    }
    return byte;
}

/* "Main Status Register". */
static uint8_t main_status(const struct floppy *f)
{
    static const uint8_t phases[] = {
        [COMMAND] = MSR_RQM, [EXECUTION] = MSR_BUSY, [DATA_IN] = MSR_RQM | MSR_DIO | MSR_NON_DMA | MSR_BUSY,
        [DATA_OUT] = MSR_RQM | MSR_NON_DMA | MSR_BUSY, [RESULT] = MSR_RQM | MSR_DIO | MSR_BUSY
    };
    uint8_t msr = f->phase <= RESULT ? phases[f->phase] : 0;

    if (!floppy_dor_run(f->dor))
        return 0;
    if (f->phase == COMMAND && f->received)
        msr |= MSR_BUSY;
    for (unsigned i = 0; i < DRIVES; i++)
        if (f->drive[i].seeking)
            msr |= 1u << i;
    return msr;
}

/* ---- Reset ---- */

static void stop(struct floppy *f)
{
    sim_event_cancel(&f->execute);
    for (unsigned i = 0; i < DRIVES; i++) {
        sim_event_cancel(&f->drive[i].step);
        f->drive[i].seeking = f->drive[i].pending = 0;
    }
    if (!f->locked) {
        f->config = CONFIG_RESET;
        f->precompensation = 0;
    }
    f->perpendicular &= 0x3C;
    f->result_pos = f->result_len = 0;
    await_command(f);
    set_interrupt(f, false);
}

/* "Drive Polling": begins when the reset ends. */
static void start(struct floppy *f)
{
    if (floppy_config_no_poll(f->config))
        return;
    f->stage = EXECUTE_POLL;
    arm(f, &f->execute, POLL_NS);
}

static void write_dor(struct floppy *f, uint8_t value)
{
    bool was_running = floppy_dor_run(f->dor);

    f->dor = value;
    if (!floppy_dor_run(value))
        stop(f);
    else if (!was_running)
        start(f);
    set_interrupt(f, f->interrupt);
}

/* DSR bit 7: a reset that ends by itself. */
static void write_dsr(struct floppy *f, uint8_t value)
{
    f->rate = value & 3;
    if (!(value & 0x80) || !floppy_dor_run(f->dor))
        return;
    stop(f);
    start(f);
}

/* ---- Ports ---- */

enum { PORT_DOR = 0, PORT_TDR = 1, PORT_MSR = 2, PORT_FIFO = 3 }; /* from 3F2h */

static uint64_t floppy_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct floppy *f = floppy_of(dev);

    switch (off) {
    case PORT_DOR:
        return f->dor;
    case PORT_TDR:
        return f->tdr | 0xFC;
    case PORT_MSR:
        return main_status(f);
    default:
        return peek_fifo(f);
    }
}

static uint64_t floppy_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return off == PORT_FIFO ? read_fifo(floppy_of(dev)) : floppy_peek(dev, off, size);
}

static void floppy_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct floppy *f = floppy_of(dev);

    switch (off) {
    case PORT_DOR:
        write_dor(f, (uint8_t)value);
        break;
    case PORT_TDR:
        f->tdr = value & 3;
        break;
    case PORT_MSR:
        write_dsr(f, (uint8_t)value);
        break;
    default:
        if (floppy_dor_run(f->dor))
            write_fifo(f, (uint8_t)value);
    }
}

/* DIR: the lines of the selected drive; bits 6:0 are not driven in AT mode. */
static uint64_t dir_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct floppy *f = floppy_of(dev);

    return 0x7F | (f->drive[floppy_dor_drive(f->dor)].changed ? 0x80 : 0);
}

static void ccr_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    floppy_of(dev)->rate = value & 3;
}

static const struct sim_range_ops floppy_ops = {
    .read = floppy_read, .write = floppy_write, .peek = floppy_peek, .max_size = 1
};

static const struct sim_range_ops rate_ops = {
    .read = dir_read, .write = ccr_write, .peek = dir_read, .max_size = 1
};

/* ---- The device ---- */

static enum sim_err floppy_realize(struct sim_device *dev)
{
    static void (*const seek_events[DRIVES])(struct sim_device *) = { seek_done_0, seek_done_1, seek_done_2, seek_done_3 };
    struct floppy *f = floppy_of(dev);
    enum sim_err err;

    f->dma_device = bus_device_find(dev->bus, f->dma);
    if (!f->dma_device || f->dma_device->cls != &dma_class)
        return sim_fail(SIM_ERR_USAGE, "%s: dma=%s: no DMA controller of that name", dev->name, f->dma);
    sim_device_event(dev, &f->execute, 0, floppy_execute);
    for (unsigned i = 0; i < DRIVES; i++)
        sim_device_event(dev, &f->drive[i].step, 1 + i, seek_events[i]);
    f->drive[0].media = sim_media_find(dev, "fd0");
    f->drive[1].media = sim_media_find(dev, "fd1");
    err = sim_wire_drive(dev, &f->irq, "isa.irq6");
    if (!err)
        err = sim_map_io(dev, &f->range, "floppy", 0x3F2, 4, &floppy_ops, SIM_SPEED_ISA, 0);
    if (!err)
        err = sim_map_io(dev, &f->rate_range, "floppy-rate", 0x3F7, 1, &rate_ops, SIM_SPEED_ISA, 0);
    return err;
}

static void floppy_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct floppy *f = floppy_of(dev);

    f->dor = f->tdr = f->locked = f->perpendicular = f->stage = 0;
    f->rate = RATE_250;
    memset(f->specify, 0, sizeof(f->specify));
    memset(f->command, 0, sizeof(f->command));
    memset(f->result, 0, sizeof(f->result));
    memset(f->buffer, 0, sizeof(f->buffer));
    f->cylinder = f->head = f->sector = f->side = 0;
    f->pos = f->len = 0;
    for (unsigned i = 0; i < DRIVES; i++) {
        f->drive[i].target = f->drive[i].st0 = 0;
        if (kind == SIM_RESET_POWER) {
            f->drive[i].cylinder = 0;
            f->drive[i].changed = 1;
        }
    }
    stop(f);
}

static const struct sim_property floppy_properties[] = {
    SIM_PROPERTY_STRING_(struct floppy, dma, "dma", "the DMA controller"),
    SIM_PROPERTY_END
};

const struct sim_device_class floppy_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class),
    .name = "82077aa", .title = "Floppy disk controller", .version = 1,
    .instance_size = sizeof(struct floppy), .fields = floppy_fields, .properties = floppy_properties,
    .realize = floppy_realize, .reset = floppy_reset
};
