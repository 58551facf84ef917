/* ATA/ATAPI-6 (T13/1410D), PACKET; SFF-8020i; MMC-3. The drive is alone on the secondary channel. */
#include "testcases/unit/ide_bench.h"

enum { COMMAND_IN = 1, DATA_OUT = 2, FINISHED = 3 }; /* interrupt reasons */
enum { NOT_READY = 2, ILLEGAL_REQUEST = 5, UNIT_ATTENTION = 6 };

struct sense { uint8_t key, asc, ascq; };

static uint8_t reply[0x10000];

static void start(const uint8_t *packet, uint8_t features, uint16_t limit)
{
    outb(b, SECONDARY + 1, features);
    registers(SECONDARY, 0, 0, (uint8_t)limit, (uint8_t)(limit >> 8), 0xA0);
    outb(b, SECONDARY + 7, 0xA0);
    ck_assert_uint_eq(inb(b, SECONDARY + 7) & (BSY | DRQ | ERR), DRQ); /* at once, without an interrupt */
    ck_assert(!irq15.level);
    ck_assert_uint_eq(inb(b, SECONDARY + 2), COMMAND_IN);
    write_words(SECONDARY, packet, 12);
    ck_assert_uint_eq(inb(b, SECONDARY + CONTROL), BSY);
}

/* Takes the data blocks; returns how many bytes there were. Each block, and the end, interrupts. */
static unsigned take_data(uint16_t limit)
{
    unsigned total = 0;

    while (wait_ready(SECONDARY) & DRQ) {
        unsigned n = inb(b, SECONDARY + 4) | inb(b, SECONDARY + 5) << 8;

        ck_assert(irq15.level);
        ck_assert_uint_eq(inb(b, SECONDARY + 2), DATA_OUT);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_le(n, limit);
        ck_assert_uint_eq(inb(b, SECONDARY + 7) & (BSY | DRQ | ERR), DRQ);
        ck_assert(!irq15.level);
        read_words(SECONDARY, reply + total, n);
        total += n;
    }
    ck_assert(irq15.level);
    ck_assert_uint_eq(inb(b, SECONDARY + 2), FINISHED);
    return total;
}

/* A packet with PIO data; the status it ends with is in *status. */
static unsigned packet_limit(const uint8_t *packet, uint16_t limit, uint8_t *status)
{
    unsigned n;

    memset(reply, 0, sizeof(reply));
    start(packet, 0, limit);
    n = take_data(limit);
    *status = inb(b, SECONDARY + 7);
    ck_assert(!irq15.level);
    return n;
}

/* One that succeeds. */
static unsigned good(const uint8_t *packet)
{
    uint8_t status;
    unsigned n = packet_limit(packet, 0xFFFE, &status);

    ck_assert_uint_eq(status, READY);
    return n;
}

static struct sense request_sense(void)
{
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x03, 0, 0, 0, 18 }), 18);
    ck_assert_uint_eq(reply[0], 0x70);
    return (struct sense){ reply[2], reply[12], reply[13] };
}

/* One that fails, with this sense. */
static void bad(const uint8_t *packet, struct sense expected)
{
    uint8_t status;
    struct sense sense;

    ck_assert_uint_eq(packet_limit(packet, 0xFFFE, &status), 0);
    ck_assert_uint_eq(status, READY | ERR);
    ck_assert_uint_eq(inb(b, SECONDARY + 1), expected.key << 4 | ABRT);
    sense = request_sense();
    ck_assert_uint_eq(sense.key, expected.key);
    ck_assert_uint_eq(sense.asc, expected.asc);
    ck_assert_uint_eq(sense.ascq, expected.ascq);
}

static const uint8_t test_unit_ready[12];

/* Past the unit attention of power-on. */
static void setup(void)
{
    ide_open(false);
    bad(test_unit_ready, (struct sense){ UNIT_ATTENTION, 0x29, 0x00 });
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

START_TEST(unit_attention_is_reported_once)
{
    good(test_unit_ready);
    bus_reset(b->bus, SIM_RESET_HARD);
    config(0x40, 0x80008000, 4);
    config(0x04, 0x0005, 2);
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x12, 0, 0, 0, 36 }), 36); /* INQUIRY does not mind it */
    ck_assert_uint_eq(request_sense().asc, 0x29);
    good(test_unit_ready);
}
END_TEST

/* "IDENTIFY PACKET DEVICE"; IDENTIFY DEVICE and READ SECTOR(S) end in ABRT with the signature. */
START_TEST(the_drive_is_known_as_a_packet_device)
{
    static const uint8_t commands[] = { 0xEC, 0x20 };

    outb(b, SECONDARY + 7, 0xA1);
    ck_assert_uint_eq(wait_ready(SECONDARY), READY | DRQ);
    read_words(SECONDARY, reply, 512);
    ck_assert_uint_eq(reply[0] | reply[1] << 8, 0x85C0);
    for (unsigned i = 0; i < 2; i++) {
        registers(SECONDARY, 9, 9, 9, 9, 0xA0);
        outb(b, SECONDARY + 7, commands[i]);
        ck_assert_uint_eq(wait_ready(SECONDARY), READY | ERR);
        ck_assert_uint_eq(inb(b, SECONDARY + 1), ABRT);
        ck_assert_uint_eq(inb(b, SECONDARY + 4), 0x14);
        ck_assert_uint_eq(inb(b, SECONDARY + 5), 0xEB);
    }
}
END_TEST

/* "DEVICE RESET": also while BSY, and without an interrupt. */
START_TEST(device_reset_ends_what_is_under_way)
{
    unsigned before;

    start((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 0, 0, 0, 4 }, 0, 2048);
    before = irq15.rises;
    outb(b, SECONDARY + 7, 0x08);
    run(10 * MS);
    ck_assert_uint_eq(inb(b, SECONDARY + 7), 0x00);
    ck_assert_uint_eq(inb(b, SECONDARY + 1), 0x01);
    ck_assert_uint_eq(inb(b, SECONDARY + 4), 0x14);
    ck_assert_uint_eq(irq15.rises, before);
}
END_TEST

START_TEST(inquiry_names_a_cd_rom)
{
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x12, 0, 0, 0, 255 }), 36);
    ck_assert_uint_eq(reply[0], 0x05);
    ck_assert_uint_eq(reply[1], 0x80);
    ck_assert_uint_eq(reply[4], 31);
    ck_assert_mem_eq(reply + 8, "LIBSIM  CD-ROM          1.0 ", 28);
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x12, 0, 0, 0, 5 }), 5);
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x12, 0, 0, 0, 0 }), 0);
}
END_TEST

/* "Byte Count": no block is larger than the limit; an odd limit counts as the even number below. */
START_TEST(data_come_in_blocks_of_the_limit)
{
    static const struct { uint16_t limit; unsigned rises; } cases[] = {
        { 0xFFFF, 1 + 1 }, { 2048, 3 + 1 }, { 2049, 3 + 1 }, { 4096, 2 + 1 }, { 1000, 7 + 1 }
    };
    uint8_t status;
    unsigned before = irq15.rises;

    ck_assert_uint_eq(packet_limit((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 17, 0, 0, 3 }, cases[_i].limit, &status), 3 * 2048);
    ck_assert_uint_eq(status, READY);
    ck_assert_uint_eq(irq15.rises - before, cases[_i].rises);
    ck_medium(reply, 17 * 2048, 3 * 2048);
}
END_TEST

START_TEST(short_answers_are_cut_to_the_limit_too)
{
    uint8_t status;

    ck_assert_uint_eq(packet_limit((const uint8_t[12]){ 0x12, 0, 0, 0, 36 }, 8, &status), 36);
    ck_assert_mem_eq(reply + 8, "LIBSIM  CD-ROM          1.0 ", 28);
}
END_TEST

START_TEST(a_limit_of_zero_is_aborted)
{
    start((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 0, 0, 0, 1 }, 0, 0);
    ck_assert_uint_eq(wait_ready(SECONDARY), READY | ERR);
    ck_assert_uint_eq(inb(b, SECONDARY + 1), ABRT);
    start(test_unit_ready, 0, 0);
    ck_assert_uint_eq(wait_ready(SECONDARY), READY);
}
END_TEST

/* READ(10), READ(12), READ CD with user data. */
START_TEST(sectors_can_be_read_in_three_ways)
{
    static const uint8_t packets[][12] = {
        { 0x28, 0, 0, 0, 0, 50, 0, 0, 2 },
        { 0xA8, 0, 0, 0, 0, 50, 0, 0, 0, 2 },
        { 0xBE, 0, 0, 0, 0, 50, 0, 0, 2, 0x10 },
        { 0xBE, 0x08, 0, 0, 0, 50, 0, 0, 2, 0x10 },
    };

    ck_assert_uint_eq(good(packets[_i]), 4096);
    ck_medium(reply, 50 * 2048, 4096);
}
END_TEST

START_TEST(errors_have_their_sense)
{
    static const struct { uint8_t packet[12]; struct sense sense; } cases[] = {
        { { 0x28, 0, 0, 0, 0, 100, 0, 0, 1 }, { ILLEGAL_REQUEST, 0x21, 0 } },
        { { 0x28, 0, 0, 0, 0, 99, 0, 0, 2 }, { ILLEGAL_REQUEST, 0x21, 0 } },
        { { 0xA8, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, { ILLEGAL_REQUEST, 0x21, 0 } },
        { { 0xA8, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF }, { ILLEGAL_REQUEST, 0x21, 0 } },
        { { 0x2B, 0, 0, 0, 0, 100 }, { ILLEGAL_REQUEST, 0x21, 0 } },
        { { 0xBE, 0, 0, 0, 0, 0, 0, 0, 1, 0xF8 }, { ILLEGAL_REQUEST, 0x24, 0 } },
        { { 0xBE, 0x04, 0, 0, 0, 0, 0, 0, 1, 0x10 }, { ILLEGAL_REQUEST, 0x64, 0 } },
        { { 0x43, 0, 5, 0, 0, 0, 0, 0, 12 }, { ILLEGAL_REQUEST, 0x24, 0 } },
        { { 0x43, 0, 0, 0, 0, 0, 2, 0, 12 }, { ILLEGAL_REQUEST, 0x24, 0 } },
        { { 0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8 }, { ILLEGAL_REQUEST, 0x24, 0 } },
        { { 0x5A, 0, 0xC1, 0, 0, 0, 0, 0, 8 }, { ILLEGAL_REQUEST, 0x39, 0 } },
        { { 0x5A, 0, 0x05, 0, 0, 0, 0, 0, 8 }, { ILLEGAL_REQUEST, 0x24, 0 } },
        { { 0x12, 1, 0, 0, 36 }, { ILLEGAL_REQUEST, 0x24, 0 } },
        { { 0x42, 0, 0, 0, 0, 0, 0, 0, 4 }, { ILLEGAL_REQUEST, 0x20, 0 } }, /* not modelled */
    };

    bad(cases[_i].packet, cases[_i].sense);
    ck_assert_uint_eq(request_sense().key, 0); /* told once */
}
END_TEST

START_TEST(the_capacity_is_the_last_sector)
{
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x25 }), 8);
    ck_assert_uint_eq(be32(reply), CD_SECTORS - 1);
    ck_assert_uint_eq(be32(reply + 4), 2048);
    good((const uint8_t[12]){ 0x2B, 0, 0, 0, 0, 99 });
}
END_TEST

/* "READ TOC". 100 sectors and 150 frames are 00:03:25. */
START_TEST(the_table_of_contents_has_one_data_track)
{
    static const struct { uint8_t packet[12]; unsigned len; uint8_t data[48]; } cases[] = {
        { { 0x43, 0, 0, 0, 0, 0, 0, 0, 100 }, 20,
          { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, 0, 100 } },
        { { 0x43, 2, 0, 0, 0, 0, 0, 0, 100 }, 20,
          { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 2, 0, 0, 0x14, 0xAA, 0, 0, 0, 3, 25 } },
        { { 0x43, 0, 0, 0, 0, 0, 0xAA, 0, 100 }, 12, { 0, 10, 1, 1, 0, 0x14, 0xAA, 0, 0, 0, 0, 100 } },
        { { 0x43, 0, 0, 0, 0, 0, 0, 0, 4 }, 4, { 0, 18, 1, 1 } },
        { { 0x43, 0, 1, 0, 0, 0, 0, 0, 100 }, 12, { 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0 } },
        { { 0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0x40 }, 12, { 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0 } },
        { { 0x43, 2, 2, 0, 0, 0, 1, 0, 100 }, 48,
          { 0, 46, 1, 1, 1, 0x14, 0, 0xA0, 0, 0, 0, 0, 1, 0, 0, 1, 0x14, 0, 0xA1, 0, 0, 0, 0, 1, 0, 0,
            1, 0x14, 0, 0xA2, 0, 0, 0, 0, 0, 3, 25, 1, 0x14, 0, 1, 0, 0, 0, 0, 0, 2, 0 } },
    };

    ck_assert_uint_eq(good(cases[_i].packet), cases[_i].len);
    ck_assert_mem_eq(reply, cases[_i].data, cases[_i].len);
}
END_TEST

START_TEST(the_disc_is_complete)
{
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x51, 0, 0, 0, 0, 0, 0, 0, 34 }), 34);
    ck_assert_uint_eq(reply[1], 32);
    ck_assert_uint_eq(reply[2], 0x0E);
}
END_TEST

/* "MODE SENSE(10)": values in effect, changeable, and all pages. */
START_TEST(mode_pages_can_be_read)
{
    static const struct { uint8_t page; unsigned len; uint8_t first, bytes; } cases[] = {
        { 0x01, 16, 0x01, 6 }, { 0x2A, 28, 0x2A, 18 }, { 0x3F, 36, 0x01, 6 }, { 0x6A, 28, 0x2A, 18 }, { 0x81, 16, 0x01, 6 }
    };

    ck_assert_uint_eq(good((const uint8_t[12]){ 0x5A, 0, cases[_i].page, 0, 0, 0, 0, 0, 200 }), cases[_i].len);
    ck_assert_uint_eq(reply[1], cases[_i].len - 2);
    ck_assert_uint_eq(reply[8], cases[_i].first);
    ck_assert_uint_eq(reply[9], cases[_i].bytes);
    if (cases[_i].page == 0x2A)
        ck_assert_uint_eq(reply[14], 0x29);
    if (cases[_i].page == 0x6A)
        ck_assert_uint_eq(reply[14], 0x00);
}
END_TEST

/* "GET CONFIGURATION". */
START_TEST(the_configuration_lists_features)
{
    unsigned n = good((const uint8_t[12]){ 0x46, 0, 0, 0, 0, 0, 0, 0, 200 });

    ck_assert_uint_eq(be32(reply), n - 4);
    ck_assert_uint_eq(reply[7], 0x08); /* current profile: CD-ROM */
    ck_assert_uint_eq(reply[14], 0);   /* DVD-ROM is not current */
    ck_assert_uint_eq(reply[18], 1);   /* CD-ROM is */
    n = good((const uint8_t[12]){ 0x46, 2, 0, 0x1E, 0, 0, 0, 0, 200 });
    ck_assert_uint_eq(n, 16);
    ck_assert_uint_eq(reply[9], 0x1E);
    ck_assert_uint_eq(good((const uint8_t[12]){ 0x46, 2, 0, 0x77, 0, 0, 0, 0, 200 }), 8);
}
END_TEST

START_TEST(the_tray_opens_unless_it_is_locked)
{
    static const uint8_t eject[12] = { 0x1B, 0, 0, 0, 2 }, load[12] = { 0x1B, 0, 0, 0, 3 };
    static const uint8_t events[12] = { 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8 }, mechanism[12] = { 0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8 };

    good((const uint8_t[12]){ 0x1E, 0, 0, 0, 1 });
    bad(eject, (struct sense){ ILLEGAL_REQUEST, 0x53, 0x02 });
    good((const uint8_t[12]){ 0x1E, 0, 0, 0, 0 });
    ck_assert_uint_eq(good(events), 8);
    ck_assert_mem_eq(reply, ((const uint8_t[]){ 0, 6, 4, 0x10, 0, 2, 0, 0 }), 8);

    good(eject);
    good(events);
    ck_assert_mem_eq(reply, ((const uint8_t[]){ 0, 6, 4, 0x10, 3, 1, 0, 0 }), 8);
    good(mechanism);
    ck_assert_uint_eq(reply[1], 0x10);
    bad(test_unit_ready, (struct sense){ NOT_READY, 0x3A, 0x02 });

    good(load);
    bad(test_unit_ready, (struct sense){ UNIT_ATTENTION, 0x28, 0x00 });
    good(events);
    ck_assert_mem_eq(reply, ((const uint8_t[]){ 0, 6, 4, 0x10, 2, 2, 0, 0 }), 8);
    good(events);
    ck_assert_uint_eq(reply[4], 0);
    good(test_unit_ready);
}
END_TEST

/* Features register, bit 0: the data go through the bus master, and only the end interrupts. */
START_TEST(a_packet_may_move_its_data_by_dma)
{
    static const struct prd prd[] = { { 0x10000, 10 * 2048 } };
    unsigned before;

    prd_table(BMIDE + 8, prd, 1);
    before = irq15.rises;
    start((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 20, 0, 0, 10 }, 1, 0);
    outb(b, BMIDE + 8, 0x09);
    run(10 * MS);
    ck_assert_uint_eq(irq15.rises - before, 1);
    ck_assert_uint_eq(inb(b, BMIDE + 10) & 0x07, 0x04);
    ck_assert_uint_eq(inb(b, SECONDARY + 2), FINISHED);
    ck_assert_uint_eq(inb(b, SECONDARY + 7), READY);
    bus_ram_get(ram, 0x10000, reply, 10 * 2048);
    ck_medium(reply, 20 * 2048, 10 * 2048);
}
END_TEST

START_TEST(overlap_is_not_offered)
{
    outb(b, SECONDARY + 1, 2);
    outb(b, SECONDARY + 7, 0xA0);
    ck_assert_uint_eq(inb(b, SECONDARY + 7), READY | ERR);
    ck_assert_uint_eq(inb(b, SECONDARY + 1), ABRT);
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    start((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 3, 0, 0, 2 }, 0, 2048);
    wait_ready(SECONDARY);
    inb(b, SECONDARY + 7);
    read_words(SECONDARY, reply, 1000);
    bench_check_state(b);
    read_words(SECONDARY, reply + 1000, 1048);
    wait_ready(SECONDARY);
    read_words(SECONDARY, reply + 2048, 2048);
    ck_medium(reply, 3 * 2048, 4096);
    ck_assert_uint_eq(wait_ready(SECONDARY), READY);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("atapi");

    tcase_add_checked_fixture(t, setup, ide_close);
    tcase_add_test(t, unit_attention_is_reported_once);
    tcase_add_test(t, the_drive_is_known_as_a_packet_device);
    tcase_add_test(t, device_reset_ends_what_is_under_way);
    tcase_add_test(t, inquiry_names_a_cd_rom);
    tcase_add_loop_test(t, data_come_in_blocks_of_the_limit, 0, 5);
    tcase_add_test(t, short_answers_are_cut_to_the_limit_too);
    tcase_add_test(t, a_limit_of_zero_is_aborted);
    tcase_add_loop_test(t, sectors_can_be_read_in_three_ways, 0, 4);
    tcase_add_loop_test(t, errors_have_their_sense, 0, 14);
    tcase_add_test(t, the_capacity_is_the_last_sector);
    tcase_add_loop_test(t, the_table_of_contents_has_one_data_track, 0, 7);
    tcase_add_test(t, the_disc_is_complete);
    tcase_add_loop_test(t, mode_pages_can_be_read, 0, 5);
    tcase_add_test(t, the_configuration_lists_features);
    tcase_add_test(t, the_tray_opens_unless_it_is_locked);
    tcase_add_test(t, a_packet_may_move_its_data_by_dma);
    tcase_add_test(t, overlap_is_not_offered);
    tcase_add_test(t, state_survives_saving_and_restoring);
    return bench_main(t, "atapi");
}
