/* Media: bus/media.h. */
#include "bus/bus.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BYTES (3 * SIM_PAGE_SIZE + 1000) /* a partial last page */

static struct sim_clock test_clock;
static struct sim_log test_log;
static struct bus *bus;
static struct sim_device *dev;
static uint8_t image[BYTES], model[BYTES];
static bool broken;
static unsigned reads, closed, logged;

static bool image_read(void *arg, uint64_t off, void *out, size_t len)
{
    reads++;
    if (broken || off > BYTES || len > BYTES - off)
        return false;
    memcpy(out, image + off, len);
    return true;
}

static void image_close(void *arg)
{
    closed++;
}

static void count_line(void *arg, enum sim_log_level level, const char *component, const char *line)
{
    logged++;
}

static const struct bus_image whole = { BYTES, image_read, image_close, NULL };

static const struct sim_device_class drive_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class), .name = "drive", .version = 1,
    .instance_size = sizeof(struct sim_device),
};

static struct sim_media *attach(bool read_only)
{
    ck_assert_int_eq(bus_media_attach(bus, "ide0.0", &whole, read_only, false), SIM_OK);
    return sim_media_find(dev, "ide0.0");
}

static void setup(void)
{
    sim_clock_init(&test_clock, 1000000000);
    sim_log_init(&test_log);
    test_log.fn = count_line;
    ck_assert_int_eq(bus_create(&test_clock, &test_log, &bus), SIM_OK);
    ck_assert_int_eq(bus_device_create(bus, &drive_class, "drive", NULL, &dev), SIM_OK);
    for (unsigned i = 0; i < BYTES; i++)
        image[i] = (uint8_t)(i * 7 + i / 256);
    memcpy(model, image, BYTES);
    broken = false;
    reads = closed = logged = 0;
}

static void teardown(void)
{
    bus_destroy(bus);
    sim_log_fini(&test_log);
    sim_clock_fini(&test_clock);
}

START_TEST(reads_and_writes_of_any_size_agree_with_a_plain_disk)
{
    struct sim_media *m = attach(false);
    uint8_t buf[2 * SIM_PAGE_SIZE];
    uint32_t x = 12345;

    ck_assert_uint_eq(sim_media_bytes(m), BYTES);
    for (unsigned i = 0; i < 500; i++) {
        uint64_t off = (x = x * 1664525 + 1013904223) % BYTES;
        size_t len = (x = x * 1664525 + 1013904223) % sizeof(buf);

        if (len > BYTES - off)
            len = (size_t)(BYTES - off);
        if (x & 0x10000) {
            memset(buf, (int)i, len);
            ck_assert(sim_media_write(m, off, buf, len));
            memcpy(model + off, buf, len);
        } else {
            ck_assert(sim_media_read(m, off, buf, len));
            ck_assert(!memcmp(buf, model + off, len));
        }
    }
    for (unsigned i = 0; i < BYTES; i++)
        if (image[i] != (uint8_t)(i * 7 + i / 256))
            ck_abort_msg("the image was written");
}
END_TEST

START_TEST(nothing_is_read_or_written_outside)
{
    static const struct {
        uint64_t off;
        size_t len;
        bool good;
    } cases[] = {
        { 0, BYTES, true },  { BYTES, 0, true },    { BYTES - 1, 1, true }, { BYTES - 1, 2, false },
        { BYTES, 1, false }, { UINT64_MAX, 1, false }, { 1, SIZE_MAX, false },
    };
    static uint8_t buf[BYTES];
    struct sim_media *m = attach(false);

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(sim_media_read(m, cases[i].off, buf, cases[i].len), cases[i].good);
        ck_assert_int_eq(sim_media_write(m, cases[i].off, buf, cases[i].len), cases[i].good);
    }
}
END_TEST

START_TEST(a_read_only_medium_is_not_written)
{
    struct sim_media *m = attach(true);

    ck_assert(sim_media_read_only(m));
    ck_assert(!sim_media_write(m, 0, "x", 1));
}
END_TEST

START_TEST(reading_makes_no_pages)
{
    struct sim_media *m = attach(false);
    struct bus_ram *overlay = bus_ram_find(&bus->memory, "ide0.0");
    uint8_t buf[512];

    ck_assert(sim_media_read(m, 4096 - 256, buf, 512));
    ck_assert(!overlay->page[0].data && !overlay->page[1].data);
    ck_assert_uint_eq(bus_ram_hash(overlay), 0);
}
END_TEST

/* A page of which the guest writes a part needs the rest from the image. */
START_TEST(a_host_that_fails_fails_the_access_and_loses_nothing)
{
    struct sim_media *m = attach(false);
    uint8_t buf[16];

    ck_assert(sim_media_write(m, 100, "kept", 4));
    broken = true;
    ck_assert(!sim_media_read(m, SIM_PAGE_SIZE, buf, 16));
    ck_assert(!sim_media_write(m, SIM_PAGE_SIZE + 1, "x", 1));
    ck_assert(!sim_media_write(m, SIM_PAGE_SIZE - 4, "abcdefgh", 8)); /* half of it could have been */
    ck_assert(sim_media_read(m, 100, buf, 4));
    ck_assert_mem_eq(buf, "kept", 4);
    ck_assert_uint_ge(logged, 2);
    broken = false;
    ck_assert(sim_media_read(m, SIM_PAGE_SIZE - 4, buf, 8));
    ck_assert_mem_eq(buf, image + SIM_PAGE_SIZE - 4, 8);
}
END_TEST

START_TEST(an_overlay_is_part_of_snapshots)
{
    struct sim_media *m = attach(false);
    struct bus_snapshot *s = bus_snapshot_take(&bus->memory);
    uint8_t buf[8];

    ck_assert(sim_media_write(m, BYTES - 8, "written!", 8));
    bus_snapshot_restore(&bus->memory, s);
    ck_assert(sim_media_read(m, BYTES - 8, buf, 8));
    ck_assert_mem_eq(buf, image + BYTES - 8, 8);
    bus_snapshot_free(&bus->memory, s);
}
END_TEST

struct written {
    unsigned count;
    uint64_t off[8];
    size_t len[8];
};

static enum sim_err note(void *arg, uint64_t off, const uint8_t *data, size_t len)
{
    struct written *w = arg;

    ck_assert(!memcmp(data, model + off, len));
    w->off[w->count] = off;
    w->len[w->count++] = len;
    return SIM_OK;
}

START_TEST(what_was_written_is_listed_in_order)
{
    struct sim_media *m = attach(false);
    struct written w = { 0 };

    ck_assert(sim_media_write(m, BYTES - 1, "z", 1));
    ck_assert(sim_media_write(m, 5, "a", 1));
    ck_assert(sim_media_write(m, 2 * SIM_PAGE_SIZE, image + 2 * SIM_PAGE_SIZE, 10)); /* what it was */
    model[BYTES - 1] = 'z';
    model[5] = 'a';
    ck_assert_int_eq(bus_media_each_written(bus, "ide0.0", note, &w), SIM_OK);
    ck_assert_uint_eq(w.count, 2);
    ck_assert(w.off[0] == 0 && w.len[0] == SIM_PAGE_SIZE);
    ck_assert(w.off[1] == 3 * SIM_PAGE_SIZE && w.len[1] == 1000);
    ck_assert_int_eq(bus_media_each_written(bus, "fd0", note, &w), SIM_ERR_UNKNOWN);
}
END_TEST

START_TEST(a_channel_holds_one_medium)
{
    struct bus_image empty = { 0, image_read, image_close, NULL };

    ck_assert_ptr_null(sim_media_find(dev, "ide0.0"));
    ck_assert_int_eq(bus_media_attach(bus, "ide0.0", &empty, false, false), SIM_ERR_USAGE);
    attach(false);
    ck_assert_int_eq(bus_media_attach(bus, "ide0.0", &whole, false, false), SIM_ERR_OVERLAP);
    ck_assert_int_eq(bus_media_attach(bus, "ide1.0", &whole, true, true), SIM_OK);
    ck_assert(sim_media_is_cdrom(sim_media_find(dev, "ide1.0")));
    ck_assert_uint_eq(closed, 0);
    bus_destroy(bus);
    ck_assert_uint_eq(closed, 2);
    bus = NULL;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("media");
    TCase *t = tcase_create("media");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, reads_and_writes_of_any_size_agree_with_a_plain_disk);
    tcase_add_test(t, nothing_is_read_or_written_outside);
    tcase_add_test(t, a_read_only_medium_is_not_written);
    tcase_add_test(t, reading_makes_no_pages);
    tcase_add_test(t, a_host_that_fails_fails_the_access_and_loses_nothing);
    tcase_add_test(t, an_overlay_is_part_of_snapshots);
    tcase_add_test(t, what_was_written_is_listed_in_order);
    tcase_add_test(t, a_channel_holds_one_medium);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
