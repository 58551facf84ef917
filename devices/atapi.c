#include "devices/atapi.h"

#include <stdio.h>
#include <string.h>

#include "devices/ata.h"

const struct sim_field atapi_fields[] = {
    SIM_FIELD_BYTES(struct atapi, packet, "command packet"),
    SIM_FIELD(struct atapi, sense_key, "sense key of the last error"),
    SIM_FIELD(struct atapi, asc, "additional sense code"),
    SIM_FIELD(struct atapi, ascq, "additional sense code qualifier"),
    SIM_FIELD(struct atapi, attention, "additional sense code of a unit attention to be reported; 0: none"),
    SIM_FIELD(struct atapi, media_event, "event for GET EVENT STATUS NOTIFICATION: 2 new medium, 3 removed"),
    SIM_FIELD(struct atapi, tray_open, "1: the tray is open"),
    SIM_FIELD(struct atapi, locked, "1: removal is prevented"),
    SIM_FIELD(struct atapi, dma, "1: data of the packet go by DMA"),
    SIM_FIELD(struct atapi, in_buffer, "1: data come from the buffer, 0: from the medium"),
    SIM_FIELD(struct atapi, limit, "byte count limit of the packet"),
    SIM_FIELD(struct atapi, offset, "byte of the medium that comes next"),
    SIM_FIELD(struct atapi, left, "bytes to transfer after those in the buffer"),
    SIM_FIELD_END
};

#define SECTOR 2048u

/* Sector count register during PACKET: "Interrupt Reason". */
enum { REASON_COMMAND = 0x01, REASON_TO_HOST = 0x02, REASON_STATUS = 0x03 };

enum { KEY_NOT_READY = 0x2, KEY_MEDIUM_ERROR = 0x3, KEY_ILLEGAL_REQUEST = 0x5, KEY_UNIT_ATTENTION = 0x6 };
enum { ASC_READ_ERROR = 0x11, ASC_INVALID_OPCODE = 0x20, ASC_LBA_RANGE = 0x21, ASC_INVALID_FIELD = 0x24,
       ASC_MEDIUM_CHANGED = 0x28, ASC_POWER_ON = 0x29, ASC_NO_SAVED_PAGES = 0x39, ASC_NO_MEDIUM = 0x3A,
       ASC_REMOVAL_PREVENTED = 0x53, ASC_ILLEGAL_MODE = 0x64 };

enum { EVENT_NONE = 0, EVENT_NEW_MEDIUM = 2, EVENT_REMOVED = 3 };

enum { PROFILE_CD_ROM = 0x0008, PROFILE_DVD_ROM = 0x0010 };
#define DVD_BYTES 900000000u

#define SPEED_KB 4234 /* 24 times 176.4 kB/s */

/* ---- Numbers in packets: big-endian ---- */

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | get16(p + 1);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t disc_sectors(const struct ide_drive *d)
{
    uint64_t n = (sim_media_bytes(d->media) + SECTOR - 1) / SECTOR;

    return n < 0xFFFFFFFF ? (uint32_t)n : 0xFFFFFFFF;
}

/* An address as LBA, or as minute, second and frame, which count from 2 seconds before LBA 0. */
static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
    uint64_t frame = (uint64_t)lba + 150;

    if (!msf) {
        put32(p, lba);
        return;
    }
    if (frame > 100 * 60 * 75 - 1)
        frame = 100 * 60 * 75 - 1;
    p[0] = 0;
    p[1] = (uint8_t)(frame / (60 * 75));
    p[2] = (uint8_t)(frame / 75 % 60);
    p[3] = (uint8_t)(frame % 75);
}

/* ---- How a packet ends ---- */

static void set_reason(struct ide_drive *d, uint8_t reason)
{
    d->count = (uint16_t)((d->count & 0xFF00) | reason);
}

static void finish(struct ide_drive *d)
{
    d->atapi.sense_key = d->atapi.asc = d->atapi.ascq = 0;
    set_reason(d, REASON_STATUS);
    ide_end(d, true);
}

static void refuse(struct ide_drive *d, uint8_t key, uint8_t asc, uint8_t ascq)
{
    d->atapi.sense_key = key;
    d->atapi.asc = asc;
    d->atapi.ascq = ascq;
    d->atapi.left = 0;
    set_reason(d, REASON_STATUS);
    ide_end_error(d, (uint8_t)(key << 4 | IDE_ABRT));
}

static void invalid_field(struct ide_drive *d)
{
    refuse(d, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD, 0);
}

/* The buffer to the host; in PIO the byte count tells how much. */
static void offer(struct ide_drive *d, uint32_t bytes)
{
    if (!d->atapi.dma) {
        set_reason(d, REASON_TO_HOST);
        d->lba_mid = (uint16_t)((d->lba_mid & 0xFF00) | (bytes & 0xFF));
        d->lba_high = (uint16_t)((d->lba_high & 0xFF00) | bytes >> 8);
    }
    ide_offer(d, bytes, d->atapi.dma, true);
}

/* "Byte Count": the limit is made even, but for the last block, which may be odd. */
static uint32_t chunk(const struct ide_drive *d, uint64_t bytes)
{
    uint32_t limit = d->atapi.limit & 0xFFFE;

    if (d->atapi.dma || limit == 0 || limit > IDE_BUFFER)
        limit = IDE_BUFFER;
    return bytes < limit ? (uint32_t)bytes : limit;
}

static bool takes_data(struct ide_drive *d)
{
    if (d->atapi.dma || d->atapi.limit)
        return true;
    d->atapi.left = 0;
    set_reason(d, REASON_STATUS);
    ide_end_error(d, IDE_ABRT);
    return false;
}

/* `len` bytes that are in the buffer, of which the host has room for `room`. */
static void answer(struct ide_drive *d, uint32_t len, uint32_t room)
{
    uint32_t bytes = len < room ? len : room, part = chunk(d, bytes);

    if (bytes == 0) {
        finish(d);
    } else if (takes_data(d)) {
        d->atapi.in_buffer = 1;
        d->atapi.left = bytes - part;
        offer(d, part);
    }
}

static uint8_t *clear_buffer(struct ide_drive *d)
{
    memset(d->buffer, 0, SECTOR);
    return d->buffer;
}

/* ---- Reading ---- */

void atapi_next_chunk(struct ide_drive *d)
{
    uint32_t bytes = chunk(d, d->atapi.left);

    if (d->atapi.in_buffer) {
        uint32_t at = d->len < IDE_BUFFER ? d->len : IDE_BUFFER;

        memmove(d->buffer, d->buffer + at, IDE_BUFFER - at);
    } else if (!ide_load(d, d->atapi.offset, bytes)) {
        refuse(d, KEY_MEDIUM_ERROR, ASC_READ_ERROR, 0);
        return;
    }
    d->atapi.offset += bytes;
    d->atapi.left -= bytes;
    offer(d, bytes);
}

void atapi_drained(struct ide_drive *d)
{
    if (d->atapi.left)
        ide_wait(d, IDE_STAGE_NEXT, IDE_NEXT_NS);
    else
        finish(d);
}

static void read_sectors(struct ide_drive *d, uint32_t lba, uint32_t count)
{
    uint32_t total = disc_sectors(d);

    if (lba > total || count > total - lba) {
        refuse(d, KEY_ILLEGAL_REQUEST, ASC_LBA_RANGE, 0);
        return;
    }
    if (count == 0) {
        finish(d);
        return;
    }
    if (!takes_data(d))
        return;
    d->atapi.in_buffer = 0;
    d->atapi.offset = (uint64_t)lba * SECTOR;
    d->atapi.left = (uint64_t)count * SECTOR;
    atapi_next_chunk(d);
}

static void run_read10(struct ide_drive *d)
{
    read_sectors(d, get32(d->atapi.packet + 2), get16(d->atapi.packet + 7));
}

static void run_read12(struct ide_drive *d)
{
    read_sectors(d, get32(d->atapi.packet + 2), get32(d->atapi.packet + 6));
}

/* READ CD: any type or mode 1, and of its parts the 2048 bytes of user data. */
static void run_read_cd(struct ide_drive *d)
{
    const uint8_t *p = d->atapi.packet;
    uint8_t type = p[1] >> 2 & 7, parts = p[9] & 0xF8;

    if (type != 0 && type != 2)
        refuse(d, KEY_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE, 0);
    else if (parts == 0x10)
        read_sectors(d, get32(p + 2), get24(p + 6));
    else if (parts == 0)
        finish(d);
    else
        invalid_field(d);
}

static void run_seek(struct ide_drive *d)
{
    if (get32(d->atapi.packet + 2) < disc_sectors(d))
        finish(d);
    else
        refuse(d, KEY_ILLEGAL_REQUEST, ASC_LBA_RANGE, 0);
}

static void run_read_capacity(struct ide_drive *d)
{
    uint8_t *out = clear_buffer(d);

    put32(out, disc_sectors(d) ? disc_sectors(d) - 1 : 0);
    put32(out + 4, SECTOR);
    answer(d, 8, 8);
}

/* ---- Table of contents ---- */

enum { DATA_TRACK = 0x14, LEAD_OUT = 0xAA };

static uint8_t *toc_track(uint8_t *out, uint8_t track, uint32_t lba, bool msf)
{
    out[1] = DATA_TRACK;
    out[2] = track;
    put_address(out + 4, lba, msf);
    return out + 8;
}

static uint8_t *toc_point(uint8_t *out, uint8_t point, uint8_t minute, uint8_t second, uint8_t frame)
{
    const uint8_t entry[11] = { 1, DATA_TRACK, 0, point, 0, 0, 0, 0, minute, second, frame };

    memcpy(out, entry, sizeof(entry));
    return out + sizeof(entry);
}

static uint8_t *toc_full(uint8_t *out, uint32_t total)
{
    uint8_t start[4], end[4];

    put_address(start, 0, true);
    put_address(end, total, true);
    out = toc_point(out, 0xA0, 1, 0, 0); /* first track */
    out = toc_point(out, 0xA1, 1, 0, 0); /* last track */
    out = toc_point(out, 0xA2, end[1], end[2], end[3]);
    return toc_point(out, 0x01, start[1], start[2], start[3]);
}

/* The format is in byte 2, or, as SFF-8020i has it, in the top bits of byte 9. */
static void run_read_toc(struct ide_drive *d)
{
    const uint8_t *p = d->atapi.packet;
    uint8_t format = p[2] & 0x0F ? p[2] & 0x0F : p[9] >> 6;
    bool msf = p[1] & 2;
    uint8_t *out = clear_buffer(d), *end = out + 4;

    if (format > 2 || (format == 0 && p[6] > 1 && p[6] != LEAD_OUT)) {
        invalid_field(d);
        return;
    }
    if (format == 0 && p[6] <= 1)
        end = toc_track(end, 1, 0, msf);
    if (format == 0)
        end = toc_track(end, LEAD_OUT, disc_sectors(d), msf);
    if (format == 1)
        end = toc_track(end, 1, 0, msf);
    if (format == 2)
        end = toc_full(end, disc_sectors(d));
    put16(out, (uint32_t)(end - out) - 2);
    out[2] = out[3] = 1; /* first and last track, or session */
    answer(d, (uint32_t)(end - out), get16(p + 7));
}

static void run_read_disc_information(struct ide_drive *d)
{
    uint8_t *out = clear_buffer(d);

    put16(out, 32);
    out[2] = 0x0E; /* last session and disc are complete */
    out[3] = out[4] = out[5] = out[6] = 1;
    out[7] = 0x20; /* unrestricted use */
    answer(d, 34, get16(d->atapi.packet + 7));
}

/* ---- The drive ---- */

static void run_test_unit_ready(struct ide_drive *d)
{
    finish(d);
}

/* Fixed format. A unit attention that nobody has heard of is reported here too. */
static void run_request_sense(struct ide_drive *d)
{
    struct atapi *a = &d->atapi;
    uint8_t *out = clear_buffer(d);

    if (a->sense_key == 0 && a->attention) {
        a->sense_key = KEY_UNIT_ATTENTION;
        a->asc = a->attention;
        a->ascq = 0;
        a->attention = 0;
    }
    out[0] = 0x70;
    out[2] = a->sense_key;
    out[7] = 10;
    out[12] = a->asc;
    out[13] = a->ascq;
    answer(d, 18, a->packet[4]);
}

static void run_inquiry(struct ide_drive *d)
{
    static const char names[] = "LIBSIM  "
                                "CD-ROM          "
                                "1.0 ";
    uint8_t *out = clear_buffer(d);

    if (d->atapi.packet[1] & 1) {
        invalid_field(d);
        return;
    }
    out[0] = 0x05; /* CD-ROM */
    out[1] = 0x80; /* removable */
    out[3] = 0x21; /* ATAPI */
    out[4] = 31;
    memcpy(out + 8, names, 28);
    answer(d, 36, d->atapi.packet[4]);
}

static void eject(struct ide_drive *d)
{
    if (d->atapi.locked) {
        refuse(d, KEY_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED, 0x02);
        return;
    }
    if (!d->atapi.tray_open)
        d->atapi.media_event = EVENT_REMOVED;
    d->atapi.tray_open = 1;
    finish(d);
}

static void load(struct ide_drive *d)
{
    if (d->atapi.tray_open) {
        d->atapi.media_event = EVENT_NEW_MEDIUM;
        d->atapi.attention = ASC_MEDIUM_CHANGED;
    }
    d->atapi.tray_open = 0;
    finish(d);
}

/* Starting and stopping the spindle shows nowhere. */
static void run_start_stop(struct ide_drive *d)
{
    bool start = d->atapi.packet[4] & 1, tray = d->atapi.packet[4] & 2;

    if (tray && start)
        load(d);
    else if (tray)
        eject(d);
    else
        finish(d);
}

static void run_prevent_allow(struct ide_drive *d)
{
    d->atapi.locked = d->atapi.packet[4] & 1;
    finish(d);
}

static void run_mechanism_status(struct ide_drive *d)
{
    uint8_t *out = clear_buffer(d);

    out[1] = d->atapi.tray_open ? 0x10 : 0;
    answer(d, 8, get16(d->atapi.packet + 8));
}

/* Media class alone (4). */
static void run_get_event_status(struct ide_drive *d)
{
    const uint8_t *p = d->atapi.packet;
    uint8_t *out = clear_buffer(d);

    if (!(p[1] & 1)) { /* asynchronous notification */
        invalid_field(d);
        return;
    }
    out[3] = 0x10; /* classes that are supported */
    if (!(p[4] & 0x10)) {
        put16(out, 2);
        out[2] = 0x80; /* no event available */
        answer(d, 4, get16(p + 7));
        return;
    }
    put16(out, 6);
    out[2] = 4;
    out[4] = d->atapi.media_event;
    out[5] = d->atapi.tray_open ? 0x01 : 0x02; /* tray open; medium present */
    d->atapi.media_event = EVENT_NONE;
    answer(d, 8, get16(p + 7));
}

/* ---- Mode pages and features ---- */

struct mode_page {
    uint8_t len;
    uint8_t data[20];
};

static const struct mode_page mode_pages[] = {
    { 8, { 0x01, 6, 0x00, 5 } }, /* read error recovery: 5 retries */
    { 20, { 0x2A, 18,            /* capabilities and mechanical status */
            0x00, 0x00, 0x70, 0x00, /* mode 2 forms 1 and 2, multisession */
            0x29, 0x00,             /* tray, eject, lock */
            SPEED_KB >> 8, SPEED_KB & 0xFF, 0, 0, 0, 64, SPEED_KB >> 8, SPEED_KB & 0xFF } },
};

/* Values in effect and defaults are the same; nothing can be changed or saved. */
static uint8_t *put_mode_page(const struct ide_drive *d, uint8_t *out, const struct mode_page *page, bool changeable)
{
    memcpy(out, page->data, changeable ? 2 : page->len);
    if (page->data[0] == 0x2A && !changeable && d->atapi.locked)
        out[6] |= 0x02;
    return out + page->len;
}

static void run_mode_sense(struct ide_drive *d)
{
    const uint8_t *p = d->atapi.packet;
    uint8_t control = p[2] >> 6, code = p[2] & 0x3F;
    uint8_t *out = clear_buffer(d), *end = out + 8;

    if (control == 3) {
        refuse(d, KEY_ILLEGAL_REQUEST, ASC_NO_SAVED_PAGES, 0);
        return;
    }
    for (size_t i = 0; i < sizeof(mode_pages) / sizeof(mode_pages[0]); i++)
        if (code == mode_pages[i].data[0] || code == 0x3F)
            end = put_mode_page(d, end, &mode_pages[i], control == 1);
    if (end == out + 8) {
        invalid_field(d);
        return;
    }
    put16(out, (uint32_t)(end - out) - 2);
    out[2] = d->atapi.tray_open ? 0x71 : 0x01; /* door open; 120 mm data disc */
    answer(d, (uint32_t)(end - out), get16(p + 7));
}

struct feature {
    uint16_t code;
    uint8_t flags; /* version, persistent, current */
    uint8_t len;
    uint8_t data[8];
};

static const struct feature features[] = {
    { 0x0000, 0x03, 8, { 0x00, PROFILE_DVD_ROM, 0, 0, 0x00, PROFILE_CD_ROM, 0, 0 } }, /* profile list */
    { 0x0001, 0x03, 4, { 0, 0, 0, 2 } },                                             /* core: ATAPI */
    { 0x0002, 0x03, 4, { 0 } },                                                      /* morphing */
    { 0x0003, 0x03, 4, { 0x29, 0, 0, 0 } },                      /* removable medium: tray, eject, lock */
    { 0x0010, 0x01, 8, { 0, 0, 0x08, 0, 0, 1, 0, 0 } },          /* random readable: 2048 bytes, blocking 1 */
    { 0x001D, 0x01, 0, { 0 } },                                  /* multi-read */
    { 0x001E, 0x01, 4, { 0 } },                                  /* CD read */
    { 0x001F, 0x01, 0, { 0 } },                                  /* DVD read */
    { 0x0100, 0x03, 0, { 0 } },                                  /* power management */
};

static uint16_t current_profile(const struct ide_drive *d)
{
    if (d->atapi.tray_open)
        return 0;
    return sim_media_bytes(d->media) > DVD_BYTES ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static uint8_t *put_feature(const struct ide_drive *d, uint8_t *out, const struct feature *f)
{
    put16(out, f->code);
    out[2] = f->flags;
    out[3] = f->len;
    memcpy(out + 4, f->data, f->len);
    if (f->code == 0) {
        out[6] = current_profile(d) == PROFILE_DVD_ROM;
        out[10] = current_profile(d) == PROFILE_CD_ROM;
    }
    return out + 4 + f->len;
}

/* RT: 0 all features from the given number on, 1 the current ones, 2 that one. */
static void run_get_configuration(struct ide_drive *d)
{
    const uint8_t *p = d->atapi.packet;
    uint8_t rt = p[1] & 3;
    uint32_t first = get16(p + 2);
    uint8_t *out = clear_buffer(d), *end = out + 8;

    if (rt == 3) {
        invalid_field(d);
        return;
    }
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        if (rt == 2 ? features[i].code == first : features[i].code >= first)
            end = put_feature(d, end, &features[i]);
    put32(out, (uint32_t)(end - out) - 4);
    put16(out + 6, current_profile(d));
    answer(d, (uint32_t)(end - out), get16(p + 7));
}

/* ---- Packets ---- */

enum {
    MEDIUM = 1,    /* fails when there is none */
    ANY_TIME = 2   /* a pending unit attention does not stop it */
};

struct packet_command {
    uint8_t opcode;
    uint8_t flags;
    void (*run)(struct ide_drive *d);
};

static const struct packet_command commands[] = {
    { 0x00, MEDIUM, run_test_unit_ready },
    { 0x03, ANY_TIME, run_request_sense },
    { 0x12, ANY_TIME, run_inquiry },
    { 0x1B, 0, run_start_stop },
    { 0x1E, 0, run_prevent_allow },
    { 0x25, MEDIUM, run_read_capacity },
    { 0x28, MEDIUM, run_read10 },
    { 0x2B, MEDIUM, run_seek },
    { 0x43, MEDIUM, run_read_toc },
    { 0x46, ANY_TIME, run_get_configuration },
    { 0x4A, ANY_TIME, run_get_event_status },
    { 0x51, MEDIUM, run_read_disc_information },
    { 0x5A, 0, run_mode_sense },
    { 0xA8, MEDIUM, run_read12 },
    { 0xBD, 0, run_mechanism_status },
    { 0xBE, MEDIUM, run_read_cd },
};

static const struct packet_command *find_command(uint8_t opcode)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].opcode == opcode)
            return &commands[i];
    return NULL;
}

static void unknown_packet(struct ide_drive *d)
{
    char what[32];

    snprintf(what, sizeof(what), "packet command %02Xh", d->atapi.packet[0]);
    sim_device_unmodelled(d->dev, what, "it ends in ILLEGAL REQUEST");
    refuse(d, KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE, 0);
}

void atapi_execute(struct ide_drive *d)
{
    const struct packet_command *c = find_command(d->atapi.packet[0]);
    uint8_t attention = d->atapi.attention;

    if (attention && !(c && (c->flags & ANY_TIME))) {
        d->atapi.attention = 0;
        refuse(d, KEY_UNIT_ATTENTION, attention, 0);
    } else if (!c) {
        unknown_packet(d);
    } else if ((c->flags & MEDIUM) && d->atapi.tray_open) {
        refuse(d, KEY_NOT_READY, ASC_NO_MEDIUM, 0x02);
    } else {
        c->run(d);
    }
}

void atapi_take_packet(struct ide_drive *d)
{
    const struct packet_command *c;

    memcpy(d->atapi.packet, d->buffer, sizeof(d->atapi.packet));
    c = find_command(d->atapi.packet[0]);
    ide_wait(d, IDE_STAGE_EXECUTE, c && (c->flags & MEDIUM) ? IDE_ACCESS_NS : IDE_COMMAND_NS);
}

/* Features register: bit 0 data by DMA, bit 1 overlapped, which IDENTIFY PACKET DEVICE does not offer. */
void atapi_packet(struct ide_drive *d)
{
    if (d->features & 2) {
        ide_end_error(d, IDE_ABRT);
        return;
    }
    d->atapi.dma = d->features & 1;
    d->atapi.limit = (uint16_t)((d->lba_mid & 0xFF) | (d->lba_high & 0xFF) << 8);
    set_reason(d, REASON_COMMAND);
    ide_demand(d, IDE_STAGE_PACKET, sizeof(d->atapi.packet), false, false);
}

/* "IDENTIFY PACKET DEVICE". */
void atapi_identify(struct ide_drive *d)
{
    ata_identify_common(d, "LIBSIM CD-ROM");
    ata_identify_word(d, 0, 0x85C0); /* ATAPI, CD-ROM, removable, DRQ at once, packets of 12 bytes */
    ata_identify_word(d, 82, 0x4218); /* NOP, DEVICE RESET, PACKET, power management */
    ata_identify_word(d, 83, 0x4000);
    ata_identify_word(d, 84, 0x4000);
    ata_identify_word(d, 85, 0x4218);
    ata_identify_word(d, 87, 0x4000);
    ata_identify_checksum(d);
    ide_offer(d, 512, false, true);
}

void atapi_power_on(struct ide_drive *d)
{
    d->atapi.attention = ASC_POWER_ON;
}
