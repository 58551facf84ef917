/* Host files as media: overlays, writing back, and files that are no media. */
#include "testcases/unit/load_bench.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "libsim/media_file.h"

static struct sim *sim;
static const uint8_t idle[] = { 0xf4 };
static char path[200];

static void setup(void) { load_files_begin(); }
static void teardown(void)
{
    sim_destroy(sim);
    sim = NULL;
    load_files_end();
}

static enum sim_err open_with(const char *option, const char *value)
{
    return load_open(&sim, idle, sizeof(idle), (const char *const[]){ option, value, NULL });
}

/* A file of n bytes, each its offset's low byte; its path. */
static const char *numbers(const char *name, size_t n)
{
    uint8_t *bytes = malloc(n ? n : 1);

    for (size_t k = 0; k < n; k++)
        bytes[k] = (uint8_t)k;
    strcpy(path, load_file(name, bytes, n));
    free(bytes);
    return path;
}

/* Does the file still hold what `numbers` wrote, but for what is at `at`? */
static void file_holds(size_t n, size_t at, const void *other, size_t len)
{
    uint8_t *bytes = malloc(n + 1);
    FILE *f = fopen(path, "rb");

    ck_assert_uint_eq(fread(bytes, 1, n + 1, f), n); /* and it is no longer */
    fclose(f);
    for (size_t k = 0; k < n; k++)
        if (bytes[k] != (k >= at && k < at + len ? ((const uint8_t *)other)[k - at] : (uint8_t)k))
            ck_abort_msg("byte %zu of %s is %02x", k, path, bytes[k]);
    free(bytes);
}

static struct sim_media *medium(const char *channel)
{
    return sim_media_find(bus_device_find(sim->bus, "ide"), channel);
}

/* ---- Overlays ---- */

START_TEST(a_disk_is_never_written_unless_asked)
{
    uint8_t back[6];

    ck_assert_int_eq(open_with("disk", numbers("disk", 10000)), SIM_OK);
    ck_assert(sim_media_write(medium("ide0.0"), 5000, "guest!", 6));
    ck_assert(sim_media_read(medium("ide0.0"), 5000, back, 6));
    ck_assert_mem_eq(back, "guest!", 6);
    ck_assert_int_eq(sim_commit(sim), SIM_OK);
    file_holds(10000, 0, "", 0);
    sim_destroy(sim);
    sim = NULL;
    file_holds(10000, 0, "", 0);
}
END_TEST

/* Pages at both ends, the last one cut short, and nothing before the commit. */
START_TEST(rw_writes_back_at_commit)
{
    static const size_t at[] = { 0, 4093, 8192, 9994 };
    char option[210];

    snprintf(option, sizeof(option), "%s,rw", numbers("disk", 10000));
    ck_assert_int_eq(open_with("disk", option), SIM_OK);
    ck_assert(sim_media_write(medium("ide0.0"), at[_i], "guest!", 6));
    file_holds(10000, 0, "", 0);
    ck_assert_int_eq(sim_commit(sim), SIM_OK);
    file_holds(10000, at[_i], "guest!", 6);
}
END_TEST

START_TEST(a_diskette_is_written_back_as_a_disk_is)
{
    char option[210];

    snprintf(option, sizeof(option), "%s,rw", numbers("floppy", 1474560));
    ck_assert_int_eq(open_with("floppy", option), SIM_OK);
    ck_assert_uint_eq(media_bytes(sim, "fd0"), 1474560);
    ck_assert(sim_media_write(sim_media_find(bus_device_find(sim->bus, "floppy"), "fd0"), 512, "guest!", 6));
    ck_assert_int_eq(sim_commit(sim), SIM_OK);
    file_holds(1474560, 512, "guest!", 6);
}
END_TEST

/* Checkpoints keep the overlay: going back takes the write back. */
START_TEST(the_past_has_the_disk_of_the_past)
{
    static const uint8_t loop[] = { 0xeb, 0xfe };
    struct sim_stop stop;
    uint8_t byte = 0;

    ck_assert_int_eq(load_open(&sim, loop, sizeof(loop), (const char *const[]){ "disk", numbers("disk", 4096), "timeline", "on", NULL }), SIM_OK);
    sim_run_steps(sim, 10, &stop);
    ck_assert(sim_media_write(medium("ide0.0"), 7, "x", 1));
    ck_assert_int_eq(sim_goto(sim, 5, &stop), SIM_OK);
    ck_assert(sim_media_read(medium("ide0.0"), 7, &byte, 1));
    ck_assert_uint_eq(byte, 7);
}
END_TEST

START_TEST(channels_are_given_out_in_order)
{
    char disk[200], cd[200];

    strcpy(disk, numbers("disk", 4096));
    strcpy(cd, numbers("cd", 40960));
    ck_assert_int_eq(load_open(&sim, idle, sizeof(idle), (const char *const[]){ "disk", disk, "disk", disk, "disk", disk, "cdrom", cd, NULL }), SIM_OK);
    ck_assert(!sim_media_is_cdrom(medium("ide0.0")));
    ck_assert(!sim_media_is_cdrom(medium("ide0.1")));
    ck_assert(sim_media_is_cdrom(medium("ide1.0")));
    ck_assert(sim_media_read_only(medium("ide1.0")));
    ck_assert(!sim_media_is_cdrom(medium("ide1.1")));
    ck_assert_uint_eq(sim->disk_count, 3);
}
END_TEST

START_TEST(more_than_four_drives_are_refused)
{
    const char *d = numbers("disk", 4096);

    load_refused(load_open(&sim, idle, sizeof(idle), (const char *const[]){ "disk", d, "disk", d, "disk", d, "disk", d, "disk", d, NULL }), SIM_ERR_USAGE, d);
    load_refused(load_open(&sim, idle, sizeof(idle), (const char *const[]){ "disk", d, "disk", d, "disk", d, "disk", d, "cdrom", d, NULL }), SIM_ERR_USAGE,
                 d);
}
END_TEST

/* ---- Files that are no media: each option that names a file, each kind of bad file ---- */

static const char *const options[] = { "disk", "cdrom", "floppy", "bios", "module", "image" };
static const struct { const char *name, *word; enum sim_err err; } bad_files[] = {
    { "nowhere", "No such file", SIM_ERR_IO },
    { "nowhere/either", "No such file", SIM_ERR_IO },
    { "directory", "not a plain file", SIM_ERR_FORMAT },
    { "pipe", "not a plain file", SIM_ERR_FORMAT },
    { "loop", "symbolic links", SIM_ERR_IO },
    { "empty", NULL, SIM_ERR_FORMAT },
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]), BAD_FILES = sizeof(bad_files) / sizeof(bad_files[0]) };

START_TEST(a_bad_file_is_named_with_its_reason)
{
    const char *option = options[_i / BAD_FILES];
    unsigned n = (unsigned)_i % BAD_FILES;
    /* A BIOS is read where there is nothing else to start. */
    const uint8_t *image = strcmp(option, "bios") && strcmp(option, "image") ? idle : NULL;
    char file[200];
    struct stat st;

    snprintf(file, sizeof(file), "%s/directory", load_dir);
    ck_assert_int_eq(mkdir(file, 0755), 0);
    snprintf(file, sizeof(file), "%s/pipe", load_dir);
    ck_assert_int_eq(mkfifo(file, 0644), 0);
    snprintf(file, sizeof(file), "%s/loop", load_dir);
    ck_assert_int_eq(symlink("loop", file), 0);
    load_file("empty", "", 0);
    snprintf(file, sizeof(file), "%s/%s", load_dir, bad_files[n].name);
    if (strcmp(option, "module") == 0) {
        static uint8_t kernel[] = { 0x02, 0xb0, 0xad, 0x1b, 0, 0, 1, 0, 0xfe, 0x4f, 0x51, 0xe4, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0x20, 0, 0xf4 };
        enum sim_err err = load_open(&sim, kernel, sizeof(kernel), (const char *const[]){ option, file, NULL });

        if (strcmp(bad_files[n].name, "empty") == 0)
            ck_assert_msg(err == SIM_OK, "%s", sim_last_error()); /* a module may be empty */
        else
            load_refused(err, bad_files[n].err, bad_files[n].word);
        return;
    }
    load_refused(load_open(&sim, image, image ? sizeof(idle) : 0, (const char *const[]){ option, file, NULL }), bad_files[n].err, bad_files[n].word);
    ck_assert_ptr_nonnull(strstr(sim_last_error(), load_dir));
    ck_assert_ptr_null(sim);
    if (strcmp(bad_files[n].name, "empty") == 0)
        ck_assert(stat(file, &st) == 0 && st.st_size == 0);
}
END_TEST

/* Odd lengths are taken; what is too short for one sector is not. */
START_TEST(odd_lengths)
{
    static const struct { size_t bytes; bool taken; } cases[] = { { 1, false }, { 511, false }, { 512, true }, { 513, true }, { 1000, true }, { 4097, true } };

    ck_assert_int_eq(open_with("disk", numbers("disk", cases[_i].bytes)) == SIM_OK, cases[_i].taken);
    if (!cases[_i].taken)
        load_refused(SIM_ERR_FORMAT, SIM_ERR_FORMAT, "512 bytes");
}
END_TEST

START_TEST(an_unreadable_file_is_refused)
{
    numbers("disk", 4096);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (access(path, R_OK) == 0)
        return; /* the superuser reads everything */
    load_refused(open_with("disk", path), SIM_ERR_IO, "Permission denied");
}
END_TEST

/* Two writers of one file would each write half a disk. */
START_TEST(a_second_writer_is_refused)
{
    char option[210];
    int fd;

    snprintf(option, sizeof(option), "%s,rw", numbers("disk", 4096));
    fd = open(path, O_RDWR);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    load_refused(open_with("disk", option), SIM_ERR_IO, "in use");
    close(fd);
    ck_assert_int_eq(open_with("disk", option), SIM_OK);
}
END_TEST

/* A file that shrank while the machine was running: the guest's read fails, the host goes on. */
START_TEST(a_file_that_shrinks_does_no_harm)
{
    uint8_t bytes[512];

    ck_assert_int_eq(open_with("disk", numbers("disk", 1 << 20)), SIM_OK);
    ck_assert_int_eq(truncate(path, 1024), 0);
    sim_media_read(medium("ide0.0"), 512 << 10, bytes, sizeof(bytes));
    ck_assert(sim_media_read(medium("ide0.0"), 1 << 20, bytes, 1) == false);
}
END_TEST

START_TEST(two_floppies_are_one_too_many)
{
    uint8_t boot[1024] = { [510] = 0x55, [511] = 0xAA };
    char one[200];

    strcpy(one, load_file("one", boot, sizeof(boot)));
    numbers("two", 4096);
    load_refused(load_open(&sim, NULL, 0, (const char *const[]){ "image", one, "floppy", path, "boot", "floppy", NULL }), SIM_ERR_USAGE, "two");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("media files");
    TCase *t = tcase_create("files");
    SRunner *r;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_disk_is_never_written_unless_asked);
    tcase_add_loop_test(t, rw_writes_back_at_commit, 0, 4);
    tcase_add_test(t, a_diskette_is_written_back_as_a_disk_is);
    tcase_add_test(t, the_past_has_the_disk_of_the_past);
    tcase_add_test(t, channels_are_given_out_in_order);
    tcase_add_test(t, more_than_four_drives_are_refused);
    tcase_add_loop_test(t, a_bad_file_is_named_with_its_reason, 0, OPTIONS * BAD_FILES);
    tcase_add_loop_test(t, odd_lengths, 0, 6);
    tcase_add_test(t, an_unreadable_file_is_refused);
    tcase_add_test(t, a_second_writer_is_refused);
    tcase_add_test(t, a_file_that_shrinks_does_no_harm);
    tcase_add_test(t, two_floppies_are_one_too_many);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
