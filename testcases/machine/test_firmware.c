/*
 * The way of a real PC: SeaBIOS, GRUB from a CD or a hard disk, the demonstration kernel; and the same kernel direct. By the public calls
 * alone. make-iso.sh makes the image; what is missing for it is said, with status 77.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libsim/sim.h>

static char iso[64] = "/tmp/libsim-demo-XXXXXX";
static char kernel[512];

/* ---- A machine and what it says ---- */

struct bench {
    struct sim *sim;
    char text[65536];
    size_t len;
};

static void hear(void *arg, const char *channel, const void *data, size_t len)
{
    struct bench *b = arg;

    if (strcmp(channel, "serial0") != 0 || len > sizeof(b->text) - 1 - b->len)
        return;
    memcpy(b->text + b->len, data, len);
    b->text[b->len += len] = 0;
}

static const struct way {
    const char *name, *option, *boot, *cpus;
} ways[] = {
    { "CD", "cdrom", "cdrom", "1" },
    { "hard disk", "disk", "disk", "1" },
    { "direct", "image", "direct", "1" },
    { "CD, two CPUs", "cdrom", "cdrom", "2" },
    { "direct, two CPUs", "image", "direct", "2" },
};
#define WAYS (int)(sizeof(ways) / sizeof(ways[0]))

static void start(struct bench *b, const struct way *way, const char *timeline)
{
    struct sim_config cfg;

    memset(b, 0, sizeof(*b));
    sim_config_init(&cfg);
    ck_assert_int_eq(sim_config_set(&cfg, way->option, strcmp(way->option, "image") == 0 ? kernel : iso), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "boot", way->boot), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "cpus", way->cpus), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "timeline", timeline), SIM_OK);
    ck_assert_msg(sim_create(&cfg, &b->sim) == SIM_OK, "%s: %s", way->name, sim_last_error());
    sim_config_fini(&cfg);
    sim_on_output(b->sim, hear, b);
}

/* Runs until the text has come; the steps that a run without it is given up after are many times what it takes. */
static void expect(struct bench *b, const struct way *way, const char *text)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };

    while (!strstr(b->text, text) && stop.reason == SIM_STOP_STEPS && sim_position(b->sim).step < 2000000000)
        ck_assert_int_eq(sim_run_steps(b->sim, 100000, &stop), SIM_OK);
    ck_assert_msg(strstr(b->text, text) != NULL, "%s: no '%s' but %s (%s) at step %llu, and:\n%s", way->name, text, sim_stop_word(stop.reason), stop.text,
                  (unsigned long long)sim_position(b->sim).step, b->text);
}

/* ---- Pictures ---- */

static void check_picture(struct bench *b, const struct way *way)
{
    uint32_t width, height, *pixels, lit = 0;

    ck_assert_msg(sim_picture(b->sim, &width, &height, &pixels) == SIM_OK, "%s: %s", way->name, sim_last_error());
    for (uint32_t n = 0; n < width * height; n++)
        lit += pixels[n] != 0;
    free(pixels);
    ck_assert_msg(width == 720 && height == 400, "%s: %u x %u pixels", way->name, width, height);
    ck_assert_msg(lit > 1000 && lit < width * height / 2, "%s: %u of %u pixels are lit", way->name, lit, width * height);
}

/* PNG: the signature, then IHDR with width and height, big-endian. */
static void check_screenshot(struct bench *b, const struct way *way)
{
    static const unsigned char signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    const char *keep = getenv("KEEP_SCREENSHOTS"); /* a folder, for people who want to look */
    char path[600] = "/tmp/libsim-shot-XXXXXX";
    unsigned char head[24];
    enum sim_err err;
    FILE *file;

    if (keep)
        snprintf(path, sizeof(path), "%s/%s.png", keep, way->name);
    else
        close(mkstemp(path));
    err = sim_screenshot(b->sim, path);
    if (err == SIM_ERR_UNSUPPORTED) { /* built without libpng */
        unlink(path);
        return;
    }
    ck_assert_msg(err == SIM_OK, "%s: %s", way->name, sim_last_error());
    file = fopen(path, "rb");
    ck_assert_uint_eq(fread(head, 1, sizeof(head), file), sizeof(head));
    fseek(file, 0, SEEK_END);
    ck_assert_int_gt(ftell(file), 1000);
    fclose(file);
    if (!keep)
        unlink(path);
    ck_assert_mem_eq(head, signature, sizeof(signature));
    ck_assert_uint_eq((unsigned)(head[18] << 8 | head[19]), 720);
    ck_assert_uint_eq((unsigned)(head[22] << 8 | head[23]), 400);
}

static void check_screen_text(struct bench *b, const struct way *way)
{
    static uint16_t cells[132 * 60];
    static char text[132 * 60 + 1];
    uint32_t columns, rows;
    int x, y;

    ck_assert_msg(sim_text_screen(b->sim, &columns, &rows, cells, sizeof(cells) / sizeof(cells[0]), &x, &y) == SIM_OK, "%s: %s", way->name,
                  sim_last_error());
    ck_assert_uint_eq(columns, 80);
    ck_assert_uint_eq(rows, 25);
    for (uint32_t n = 0; n < columns * rows; n++)
        text[n] = (char)(cells[n] & 0x7f ? cells[n] & 0x7f : ' ');
    ck_assert_msg(strstr(text, "Type 'help'.") != NULL, "%s: not on the screen:\n%s", way->name, text);
}

/* ---- The tests ---- */

START_TEST(the_demonstration_kernel_comes_to_its_prompt)
{
    static struct bench b;
    const struct way *way = &ways[_i];

    start(&b, way, "off");
    expect(&b, way, "demo> ");
    ck_assert_msg(strstr(b.text, way->cpus[0] == '2' ? "2 CPUs" : "1 CPU ") != NULL, "%s:\n%s", way->name, b.text);
    check_screen_text(&b, way);
    check_picture(&b, way);
    check_screenshot(&b, way);

    /* Keyboard and serial line are alive. */
    ck_assert_int_eq(sim_input_bytes(b.sim, "serial0", "ps\n", 3), SIM_OK);
    expect(&b, way, "0 shell        running");
    ck_assert_int_eq(sim_input_key(b.sim, 0x1d, true), SIM_OK); /* z */
    ck_assert_int_eq(sim_input_key(b.sim, 0x1d, false), SIM_OK);
    ck_assert_int_eq(sim_input_key(b.sim, 0x28, true), SIM_OK);
    ck_assert_int_eq(sim_input_key(b.sim, 0x28, false), SIM_OK);
    expect(&b, way, "no command 'z'");
    sim_destroy(b.sim);
}
END_TEST

/* Firmware, boot loader and kernel, twice, one of them in pieces: the same state. */
START_TEST(booting_is_deterministic)
{
    static struct bench a, b;
    const struct way *way = &ways[_i];
    struct sim_stop stop;
    uint64_t random = 7, digest;

    start(&a, way, "off");
    start(&b, way, "on");
    for (sim_steps mark = 7000000; mark <= 63000000; mark += 7000000) {
        ck_assert_int_eq(sim_run_to(a.sim, mark, SIM_NEVER, &stop), SIM_OK);
        do {
            random = random * 6364136223846793005u + 1442695040888963407u;
            ck_assert_int_eq(sim_run_to(b.sim, mark, sim_position(b.sim).cycle + (random >> 40), &stop), SIM_OK);
        } while (sim_position(b.sim).step < mark);
        ck_assert_msg(sim_digest(a.sim) == sim_digest(b.sim), "%s: the runs differ at step %llu", way->name, (unsigned long long)mark);
    }
    digest = sim_digest(b.sim);
    ck_assert_int_eq(sim_goto(b.sim, 11111111, &stop), SIM_OK);
    ck_assert_int_eq(sim_goto(b.sim, 63000000, &stop), SIM_OK);
    ck_assert_uint_eq(sim_digest(b.sim), digest);
    sim_destroy(a.sim);
    sim_destroy(b.sim);
}
END_TEST

/* ---- What it needs ---- */

static void skip(const char *what)
{
    printf("SKIP: %s\n", what);
    exit(77);
}

static void find_all(void)
{
    const char *guests = getenv("GUESTS"), *top = getenv("top_srcdir");
    char command[2048];
    int status;

    snprintf(kernel, sizeof(kernel), "%s/demo/demo.elf", guests ? guests : "testcases/guests");
    if (access("/usr/share/seabios/bios-256k.bin", R_OK) != 0)
        skip("SeaBIOS (package seabios) was not found");
    close(mkstemp(iso));
    snprintf(command, sizeof(command), "bash '%s/testcases/machine/make-iso.sh' %s '%s' quiet", top ? top : ".", iso, kernel);
    status = system(command);
    if (status != 0) {
        unlink(iso);
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
    }
}

int main(void)
{
    Suite *suite = suite_create("firmware");
    SRunner *runner;
    int failed;

    find_all();
#define CASE(name, first, end)                        \
    {                                                 \
        TCase *c = tcase_create(#name);               \
                                                      \
        tcase_set_timeout(c, 300);                    \
        tcase_add_loop_test(c, name, first, end);     \
        suite_add_tcase(suite, c);                    \
    }
    CASE(the_demonstration_kernel_comes_to_its_prompt, 0, WAYS)
    CASE(booting_is_deterministic, 0, 1)
    CASE(booting_is_deterministic, 3, 4)
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unlink(iso);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
