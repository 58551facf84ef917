#include "devices/ata.h"

#include <stdio.h>
#include <string.h>

#include "devices/atapi.h"

const struct sim_field ata_fields[] = {
    SIM_FIELD(struct ata, lba, "sector of the block in the buffer"),
    SIM_FIELD(struct ata, left, "sectors to transfer, with those in the buffer"),
    SIM_FIELD(struct ata, flags, "of the command: bit 3 48-bit address, 4 write, 5 multiple, 6 DMA"),
    SIM_FIELD(struct ata, multiple, "sectors in a block of READ and WRITE MULTIPLE; 0: disabled"),
    SIM_FIELD(struct ata, heads, "heads of the current translation"),
    SIM_FIELD(struct ata, sectors, "sectors per track of the current translation"),
    SIM_FIELD(struct ata, power, "as CHECK POWER MODE shows it; 1: asleep"),
    SIM_FIELD(struct ata, write_cache, "1: enabled"),
    SIM_FIELD(struct ata, look_ahead, "1: enabled"),
    SIM_FIELD_END
};

#define SECTOR       512u
#define MAX_MULTIPLE 16u
#define HEADS        16u
#define SECTORS      63u

enum { POWER_STANDBY = 0x00, POWER_SLEEP = 0x01, POWER_IDLE = 0x80, POWER_ACTIVE = 0xFF };

/* Who knows a command, what kind of transfer it is, and whether it takes no time until its first block. */
enum { DISK = 0x01, CD = 0x02, MEDIUM = 0x04, EXT = 0x08, WRITE = 0x10, MULTIPLE = 0x20, DMA = 0x40, AT_ONCE = 0x80 };

/* ---- Addresses ---- */

static uint64_t total_sectors(const struct ide_drive *d)
{
    return (sim_media_bytes(d->media) + SECTOR - 1) / SECTOR;
}

static bool is_ext(const struct ide_drive *d)
{
    return d->ata.flags & EXT;
}

/* The address in the registers; false when it is CHS and names no sector of the current translation. */
static bool get_address(const struct ide_drive *d, uint64_t *lba)
{
    uint32_t low = (d->lba_low & 0xFF) | (d->lba_mid & 0xFFu) << 8 | (d->lba_high & 0xFFu) << 16;
    uint32_t high = (uint32_t)(d->lba_low >> 8 | (d->lba_mid >> 8) << 8) | (uint32_t)(d->lba_high >> 8) << 16;
    uint32_t cylinder = low >> 8, sector = low & 0xFF, head = d->device & 0x0F;

    if (is_ext(d)) {
        *lba = low | (uint64_t)high << 24;
        return true;
    }
    if (d->device & IDE_DEVICE_LBA) {
        *lba = low | head << 24;
        return true;
    }
    if (sector == 0 || sector > d->ata.sectors || head >= d->ata.heads)
        return false;
    *lba = ((uint64_t)cylinder * d->ata.heads + head) * d->ata.sectors + sector - 1;
    return true;
}

static void put_low_bytes(struct ide_drive *d, uint32_t low)
{
    d->lba_low = (uint16_t)((d->lba_low & 0xFF00) | (low & 0xFF));
    d->lba_mid = (uint16_t)((d->lba_mid & 0xFF00) | (low >> 8 & 0xFF));
    d->lba_high = (uint16_t)((d->lba_high & 0xFF00) | (low >> 16 & 0xFF));
}

static void put_chs(struct ide_drive *d, uint64_t lba)
{
    uint32_t sectors = d->ata.sectors ? d->ata.sectors : 1, heads = d->ata.heads ? d->ata.heads : 1;
    uint64_t cylinder = lba / sectors / heads;

    put_low_bytes(d, (uint32_t)(lba % sectors + 1) | (uint32_t)(cylinder & 0xFFFF) << 8);
    d->device = (uint8_t)((d->device & 0xF0) | lba / sectors % heads);
}

/* An address back into the registers, in the form in which the command gave its own. */
static void put_address(struct ide_drive *d, uint64_t lba)
{
    if (is_ext(d)) {
        d->lba_low = (uint16_t)((lba & 0xFF) | (lba >> 24 & 0xFF) << 8);
        d->lba_mid = (uint16_t)((lba >> 8 & 0xFF) | (lba >> 32 & 0xFF) << 8);
        d->lba_high = (uint16_t)((lba >> 16 & 0xFF) | (lba >> 40 & 0xFF) << 8);
    } else if (d->device & IDE_DEVICE_LBA) {
        put_low_bytes(d, (uint32_t)lba);
        d->device = (uint8_t)((d->device & 0xF0) | (lba >> 24 & 0x0F));
    } else {
        put_chs(d, lba);
    }
}

/* 0 stands for 256, or for 65536 with a 48-bit address. */
static uint32_t get_count(const struct ide_drive *d)
{
    if (is_ext(d))
        return d->count ? d->count : 65536;
    return d->count & 0xFF ? d->count & 0xFF : 256;
}

static void put_count(struct ide_drive *d, uint32_t left)
{
    d->count = is_ext(d) ? (uint16_t)left : (uint16_t)((d->count & 0xFF00) | (left & 0xFF));
}

/* ---- Reading and writing ---- */

/* The command ends at the sector that could not be done. */
static void fail_at(struct ide_drive *d, uint64_t lba, uint8_t error)
{
    put_address(d, lba);
    put_count(d, d->ata.left);
    d->ata.left = 0;
    ide_end_error(d, error);
}

static uint32_t sectors_in_buffer(const struct ide_drive *d)
{
    uint32_t n = d->len / SECTOR;

    return n < d->ata.left ? n : d->ata.left;
}

static uint32_t block_sectors(const struct ide_drive *d)
{
    uint32_t most = d->ata.flags & DMA ? IDE_BUFFER / SECTOR : 1;

    if (d->ata.flags & MULTIPLE)
        most = d->ata.multiple < MAX_MULTIPLE ? d->ata.multiple : MAX_MULTIPLE;
    return most < d->ata.left ? most : d->ata.left;
}

/* The next block to or from the host. A block that runs over the end is cut there; at the end is IDNF. */
static void next_block(struct ide_drive *d, bool first)
{
    uint32_t n = block_sectors(d);
    uint64_t total = total_sectors(d);
    bool dma = d->ata.flags & DMA;

    if (d->ata.lba >= total) {
        fail_at(d, d->ata.lba, IDE_IDNF);
        return;
    }
    if (n > total - d->ata.lba)
        n = (uint32_t)(total - d->ata.lba);
    if (d->ata.flags & WRITE)
        ide_demand(d, IDE_STAGE_STORE, n * SECTOR, dma, !first);
    else if (ide_load(d, d->ata.lba * SECTOR, n * SECTOR))
        ide_offer(d, n * SECTOR, dma, true);
    else
        fail_at(d, d->ata.lba, IDE_UNC);
}

static void block_done(struct ide_drive *d)
{
    uint32_t n = sectors_in_buffer(d);

    d->ata.lba += n;
    d->ata.left -= n;
    if (d->ata.left == 0 && n) {
        put_address(d, d->ata.lba - 1);
        put_count(d, 0);
    }
}

static void store_block(struct ide_drive *d)
{
    if (sim_media_read_only(d->media) || !ide_store(d, d->ata.lba * SECTOR, sectors_in_buffer(d) * SECTOR)) {
        fail_at(d, d->ata.lba, IDE_ABRT);
        return;
    }
    block_done(d);
    if (d->ata.left)
        next_block(d, false);
    else
        ide_end(d, true);
}

static void run_transfer(struct ide_drive *d)
{
    d->ata.power = POWER_ACTIVE;
    d->ata.left = get_count(d);
    if ((d->ata.flags & MULTIPLE) && d->ata.multiple == 0) {
        d->ata.left = 0;
        ide_end_error(d, IDE_ABRT);
    } else if (!get_address(d, &d->ata.lba)) {
        d->ata.left = 0;
        ide_end_error(d, IDE_IDNF);
    } else {
        next_block(d, true);
    }
}

/* READ VERIFY SECTOR(S): as a read without data; the medium has no bad sectors, only an end. */
static void run_verify(struct ide_drive *d)
{
    uint64_t lba, total = total_sectors(d);

    d->ata.power = POWER_ACTIVE;
    d->ata.left = get_count(d);
    if (!get_address(d, &lba)) {
        d->ata.left = 0;
        ide_end_error(d, IDE_IDNF);
        return;
    }
    if (lba >= total || d->ata.left > total - lba) {
        uint64_t good = lba < total ? total - lba : 0;

        d->ata.left -= (uint32_t)good;
        fail_at(d, lba + good, IDE_IDNF);
        return;
    }
    put_address(d, lba + d->ata.left - 1);
    d->ata.left = 0;
    put_count(d, 0);
    ide_end(d, true);
}

static void run_seek(struct ide_drive *d)
{
    uint64_t lba;

    d->ata.power = POWER_ACTIVE;
    if (get_address(d, &lba) && lba < total_sectors(d))
        ide_end(d, true);
    else
        ide_end_error(d, IDE_IDNF);
}

/* ---- Identification ---- */

void ata_identify_word(struct ide_drive *d, unsigned word, uint16_t value)
{
    d->buffer[word * 2] = (uint8_t)value;
    d->buffer[word * 2 + 1] = (uint8_t)(value >> 8);
}

/* The first character of a pair is the high byte; spaces fill up. */
void ata_identify_text(struct ide_drive *d, unsigned word, unsigned words, const char *text)
{
    size_t len = strlen(text);

    for (unsigned i = 0; i < words * 2; i++)
        d->buffer[(word * 2 + i) ^ 1] = i < len ? (uint8_t)text[i] : ' ';
}

void ata_identify_common(struct ide_drive *d, const char *model)
{
    char serial[21];
    uint8_t mode = d->transfer_mode;

    snprintf(serial, sizeof(serial), "SIM%05u", d->number + 1u);
    memset(d->buffer, 0, SECTOR);
    ata_identify_text(d, 10, 10, serial);
    ata_identify_text(d, 23, 4, "1.0");
    ata_identify_text(d, 27, 20, model);
    ata_identify_word(d, 49, 0x0B00); /* IORDY, LBA, DMA */
    ata_identify_word(d, 53, 0x0003); /* words 54-58 and 64-70 are valid */
    ata_identify_word(d, 63, (uint16_t)(0x0007 | ((mode & 0xF8) == 0x20 ? 0x100u << (mode & 7) : 0)));
    ata_identify_word(d, 64, 0x0003); /* PIO modes 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        ata_identify_word(d, word, 120); /* cycle times in ns */
    ata_identify_word(d, 80, 0x007E); /* ATA-1 to ATA/ATAPI-6 */
    ata_identify_word(d, 93, d->number & 1 ? 0x4B00 : 0x400B); /* by jumper, passed diagnostics, 40 conductors */
}

/* Word 255: signature, and what makes the sum of all bytes 0. */
void ata_identify_checksum(struct ide_drive *d)
{
    uint8_t sum = 0xA5;

    for (unsigned i = 0; i < SECTOR - 2; i++)
        sum += d->buffer[i];
    d->buffer[SECTOR - 2] = 0xA5;
    d->buffer[SECTOR - 1] = -sum;
}

static void identify_geometry(struct ide_drive *d)
{
    uint64_t total = total_sectors(d);
    uint32_t cylinders = total / (HEADS * SECTORS) < 16383 ? (uint32_t)(total / (HEADS * SECTORS)) : 16383;
    uint32_t track = d->ata.heads * d->ata.sectors;
    uint64_t current = track && total / track < 65535 ? total / track : 65535;
    uint32_t reachable = (uint32_t)(current * track);
    uint32_t lba28 = total < 0x0FFFFFFF ? (uint32_t)total : 0x0FFFFFFF;

    ata_identify_word(d, 1, (uint16_t)cylinders);
    ata_identify_word(d, 3, HEADS);
    ata_identify_word(d, 6, SECTORS);
    ata_identify_word(d, 54, (uint16_t)current);
    ata_identify_word(d, 55, d->ata.heads);
    ata_identify_word(d, 56, d->ata.sectors);
    ata_identify_word(d, 57, (uint16_t)reachable);
    ata_identify_word(d, 58, (uint16_t)(reachable >> 16));
    ata_identify_word(d, 60, (uint16_t)lba28);
    ata_identify_word(d, 61, (uint16_t)(lba28 >> 16));
    for (unsigned i = 0; i < 4; i++)
        ata_identify_word(d, 100 + i, (uint16_t)(total >> (16 * i)));
}

/* "IDENTIFY DEVICE". */
static void run_identify(struct ide_drive *d)
{
    uint16_t enabled = 0x4008;

    if (d->ata.write_cache)
        enabled |= 0x0020;
    if (d->ata.look_ahead)
        enabled |= 0x0040;
    ata_identify_common(d, "LIBSIM DISK");
    identify_geometry(d);
    ata_identify_word(d, 0, 0x0040); /* not removable */
    ata_identify_word(d, 47, 0x8000 | MAX_MULTIPLE);
    ata_identify_word(d, 50, 0x4000);
    ata_identify_word(d, 59, d->ata.multiple ? 0x0100 | d->ata.multiple : 0);
    ata_identify_word(d, 82, 0x4068); /* NOP, look-ahead, write cache, power management */
    ata_identify_word(d, 83, 0x7400); /* FLUSH CACHE EXT, FLUSH CACHE, 48-bit address */
    ata_identify_word(d, 84, 0x4000);
    ata_identify_word(d, 85, enabled);
    ata_identify_word(d, 86, 0x3400);
    ata_identify_word(d, 87, 0x4000);
    ata_identify_checksum(d);
    d->ata.left = 0;
    ide_offer(d, SECTOR, false, true);
}

void ata_signature(struct ide_drive *d)
{
    d->count = d->lba_low = 1;
    d->lba_mid = d->packet ? 0x14 : 0;
    d->lba_high = d->packet ? 0xEB : 0;
    d->device = 0;
}

/* A CD-ROM drive aborts the commands by which software looks for a disk, and shows what it is. */
static void run_not_for_packet(struct ide_drive *d)
{
    ata_signature(d);
    ide_end_error(d, IDE_ABRT);
}

/* ---- The other commands ---- */

static void run_abort(struct ide_drive *d)
{
    ide_end_error(d, IDE_ABRT);
}

static void run_nothing(struct ide_drive *d)
{
    ide_end(d, true);
}

/* "EXECUTE DEVICE DIAGNOSTIC": both drives; device 0 answers for both. Error 01h: passed. */
static void run_diagnostic(struct ide_drive *d)
{
    ata_signature(d);
    ide_end(d, (d->number & 1) == 0);
    d->error = 0x01;
    if (d->packet)
        d->status = 0;
}

static void run_device_reset(struct ide_drive *d)
{
    ata_signature(d);
    ide_end(d, false);
    d->error = 0x01;
    d->status = 0;
}

static void run_initialize_parameters(struct ide_drive *d)
{
    if ((d->count & 0xFF) == 0) {
        ide_end_error(d, IDE_ABRT);
        return;
    }
    d->ata.heads = (d->device & 0x0F) + 1;
    d->ata.sectors = d->count & 0xFF;
    ide_end(d, true);
}

static void run_set_multiple(struct ide_drive *d)
{
    uint8_t n = d->count & 0xFF;

    if (n > MAX_MULTIPLE || (n & (n - 1))) {
        ide_end_error(d, IDE_ABRT);
        return;
    }
    d->ata.multiple = n;
    ide_end(d, true);
}

/* "Transfer mode": PIO default, PIO with flow control up to 4, multiword DMA up to 2. */
static bool set_transfer_mode(struct ide_drive *d, uint8_t mode)
{
    bool known = mode <= 0x01 || (mode >= 0x08 && mode <= 0x0C) || (mode >= 0x20 && mode <= 0x22);

    if (known)
        d->transfer_mode = mode;
    return known;
}

static bool set_feature(struct ide_drive *d, uint8_t feature)
{
    switch (feature) {
    case 0x03:
        return set_transfer_mode(d, d->count & 0xFF);
    case 0x02: /* enable, disable write cache */
    case 0x82:
        d->ata.write_cache = feature == 0x02;
        return !d->packet;
    case 0xAA: /* enable, disable look-ahead */
    case 0x55:
        d->ata.look_ahead = feature == 0xAA;
        return !d->packet;
    case 0x66: /* settings survive, or do not survive, a software reset: they do */
    case 0xCC:
        return true;
    default:
        return false;
    }
}

static void run_set_features(struct ide_drive *d)
{
    if (set_feature(d, d->features & 0xFF))
        ide_end(d, true);
    else
        ide_end_error(d, IDE_ABRT);
}

/* READ NATIVE MAX ADDRESS; the address is LBA in both forms. */
static void run_native_max(struct ide_drive *d)
{
    uint64_t last = total_sectors(d) - 1;

    if (!is_ext(d)) {
        d->device |= IDE_DEVICE_LBA;
        if (last > 0x0FFFFFFF)
            last = 0x0FFFFFFF;
    }
    put_address(d, last);
    ide_end(d, true);
}

static void run_standby(struct ide_drive *d)
{
    d->ata.power = POWER_STANDBY;
    ide_end(d, true);
}

static void run_idle(struct ide_drive *d)
{
    d->ata.power = POWER_IDLE;
    ide_end(d, true);
}

static void run_sleep(struct ide_drive *d)
{
    d->ata.power = POWER_SLEEP;
    ide_end(d, true);
}

static void run_check_power(struct ide_drive *d)
{
    put_count(d, d->ata.power);
    ide_end(d, true);
}

struct ata_command {
    uint8_t first, last; /* opcodes */
    uint8_t flags;
    void (*run)(struct ide_drive *d);
};

/* In order of opcodes. */
static const struct ata_command commands[] = {
    { 0x00, 0x00, DISK | CD, run_abort },                                  /* NOP */
    { 0x08, 0x08, CD, run_device_reset },                                  /* DEVICE RESET */
    { 0x10, 0x1F, DISK, run_nothing },                                     /* RECALIBRATE */
    { 0x20, 0x21, DISK | MEDIUM, run_transfer },                           /* READ SECTOR(S) */
    { 0x20, 0x21, CD, run_not_for_packet },
    { 0x24, 0x24, DISK | MEDIUM | EXT, run_transfer },                     /* READ SECTOR(S) EXT */
    { 0x25, 0x25, DISK | MEDIUM | EXT | DMA, run_transfer },               /* READ DMA EXT */
    { 0x27, 0x27, DISK | EXT, run_native_max },                            /* READ NATIVE MAX ADDRESS EXT */
    { 0x29, 0x29, DISK | MEDIUM | EXT | MULTIPLE, run_transfer },          /* READ MULTIPLE EXT */
    { 0x30, 0x31, DISK | WRITE | AT_ONCE, run_transfer },                  /* WRITE SECTOR(S) */
    { 0x34, 0x34, DISK | EXT | WRITE | AT_ONCE, run_transfer },            /* WRITE SECTOR(S) EXT */
    { 0x35, 0x35, DISK | MEDIUM | EXT | WRITE | DMA, run_transfer },       /* WRITE DMA EXT */
    { 0x39, 0x39, DISK | EXT | WRITE | MULTIPLE | AT_ONCE, run_transfer }, /* WRITE MULTIPLE EXT */
    { 0x40, 0x41, DISK | MEDIUM, run_verify },                             /* READ VERIFY SECTOR(S) */
    { 0x42, 0x42, DISK | MEDIUM | EXT, run_verify },                       /* READ VERIFY SECTOR(S) EXT */
    { 0x70, 0x7F, DISK, run_seek },                                        /* SEEK */
    { 0x90, 0x90, DISK | CD, run_diagnostic },                             /* EXECUTE DEVICE DIAGNOSTIC */
    { 0x91, 0x91, DISK, run_initialize_parameters },                       /* INITIALIZE DEVICE PARAMETERS */
    { 0x94, 0x94, DISK | CD, run_standby },                                /* STANDBY IMMEDIATE, as of ATA-1 */
    { 0x95, 0x95, DISK | CD, run_idle },                                   /* IDLE IMMEDIATE */
    { 0x96, 0x96, DISK, run_standby },                                     /* STANDBY */
    { 0x97, 0x97, DISK, run_idle },                                        /* IDLE */
    { 0x98, 0x98, DISK | CD, run_check_power },                            /* CHECK POWER MODE */
    { 0x99, 0x99, DISK | CD, run_sleep },                                  /* SLEEP */
    { 0xA0, 0xA0, CD | AT_ONCE, atapi_packet },                            /* PACKET */
    { 0xA1, 0xA1, CD, atapi_identify },                                    /* IDENTIFY PACKET DEVICE */
    { 0xC4, 0xC4, DISK | MEDIUM | MULTIPLE, run_transfer },                /* READ MULTIPLE */
    { 0xC5, 0xC5, DISK | WRITE | MULTIPLE | AT_ONCE, run_transfer },       /* WRITE MULTIPLE */
    { 0xC6, 0xC6, DISK, run_set_multiple },                                /* SET MULTIPLE MODE */
    { 0xC8, 0xC9, DISK | MEDIUM | DMA, run_transfer },                     /* READ DMA */
    { 0xCA, 0xCB, DISK | MEDIUM | WRITE | DMA, run_transfer },             /* WRITE DMA */
    { 0xE0, 0xE0, DISK | CD, run_standby },                                /* STANDBY IMMEDIATE */
    { 0xE1, 0xE1, DISK | CD, run_idle },                                   /* IDLE IMMEDIATE */
    { 0xE2, 0xE2, DISK, run_standby },                                     /* STANDBY */
    { 0xE3, 0xE3, DISK, run_idle },                                        /* IDLE */
    { 0xE5, 0xE5, DISK | CD, run_check_power },                            /* CHECK POWER MODE */
    { 0xE6, 0xE6, DISK | CD, run_sleep },                                  /* SLEEP */
    { 0xE7, 0xE7, DISK | MEDIUM, run_nothing },                            /* FLUSH CACHE */
    { 0xEA, 0xEA, DISK | MEDIUM | EXT, run_nothing },                      /* FLUSH CACHE EXT */
    { 0xEC, 0xEC, DISK, run_identify },                                    /* IDENTIFY DEVICE */
    { 0xEC, 0xEC, CD, run_not_for_packet },
    { 0xEF, 0xEF, DISK | CD, run_set_features },                           /* SET FEATURES */
    { 0xF8, 0xF8, DISK, run_native_max },                                  /* READ NATIVE MAX ADDRESS */
};

static const struct ata_command *find_command(const struct ide_drive *d)
{
    uint8_t kind = d->packet ? CD : DISK;

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (d->command >= commands[i].first && d->command <= commands[i].last && (commands[i].flags & kind))
            return &commands[i];
    return NULL;
}

static void run_command(struct ide_drive *d)
{
    const struct ata_command *c = find_command(d);

    if (c)
        c->run(d);
    else
        ide_end_error(d, IDE_ABRT);
}

static void unknown_command(struct ide_drive *d)
{
    char what[40];

    snprintf(what, sizeof(what), "%s command %02Xh", d->packet ? "ATAPI drive" : "ATA", d->command);
    sim_device_unmodelled(d->dev, what, "it ends in ABRT");
}

/* ---- What the drive calls ---- */

/* "SLEEP": nothing but a reset wakes the drive. */
static void ata_command(struct ide_drive *d)
{
    const struct ata_command *c = find_command(d);

    if (!c)
        unknown_command(d);
    if (d->ata.power == POWER_SLEEP && d->command != ATA_DEVICE_RESET)
        return;
    d->ata.flags = c ? c->flags : 0;
    d->ata.left = 0;
    if (c && (c->flags & AT_ONCE))
        c->run(d);
    else
        ide_wait(d, IDE_STAGE_START, c && (c->flags & MEDIUM) ? IDE_ACCESS_NS : IDE_COMMAND_NS);
}

static void ata_proceed(struct ide_drive *d)
{
    switch (d->stage) {
    case IDE_STAGE_START:
        run_command(d);
        break;
    case IDE_STAGE_STORE:
        store_block(d);
        break;
    case IDE_STAGE_EXECUTE:
        atapi_execute(d);
        break;
    default:
        if (d->packet)
            atapi_next_chunk(d);
        else
            next_block(d, false);
    }
}

/* After the last block of a PIO read nothing more is said. */
static void ata_drained(struct ide_drive *d)
{
    if (d->command == ATA_PACKET) {
        atapi_drained(d);
        return;
    }
    block_done(d);
    if (d->ata.left)
        ide_wait(d, IDE_STAGE_NEXT, IDE_NEXT_NS);
    else
        ide_end(d, d->ata.flags & DMA);
}

static void ata_filled(struct ide_drive *d)
{
    if (d->stage == IDE_STAGE_PACKET)
        atapi_take_packet(d);
    else
        ide_wait(d, IDE_STAGE_STORE, IDE_NEXT_NS);
}

static void ata_reset(struct ide_drive *d)
{
    d->ata.power = POWER_ACTIVE;
    d->ata.left = 0;
    d->error = 0x01; /* diagnostic code: passed */
    ata_signature(d);
}

const struct ide_drive_ops ata_ops = {
    .command = ata_command, .proceed = ata_proceed, .drained = ata_drained, .filled = ata_filled, .reset = ata_reset
};

void ata_power_on(struct ide_drive *d)
{
    d->ata.heads = HEADS;
    d->ata.sectors = SECTORS;
    d->ata.write_cache = d->ata.look_ahead = !d->packet;
    atapi_power_on(d);
}
