/* What a Linux kernel finds that is started directly: the kernel's "The Linux/x86 Boot Protocol"; and bzImages that are not whole. */
#include "testcases/unit/load_bench.h"

#include "libsim/firmware.h"

enum { SETUP_BYTES = 2 * 512, KERNEL_BYTES = 1000, KERNEL_AT = 0x100000, PREFERRED = 0x1000000, INIT_BYTES = 0x200000 };

static struct sim *sim;
static char text[256];
static uint8_t image[SETUP_BYTES + KERNEL_BYTES];

static void teardown(void)
{
    sim_destroy(sim);
    sim = NULL;
}

static void set(unsigned at, uint64_t v, unsigned bytes)
{
    memcpy(image + at, &v, bytes);
}

/* A kernel of one setup sector, whose code is HLT. */
static void make_image(void)
{
    memset(image, 0, SETUP_BYTES);
    memset(image + SETUP_BYTES, 0xf4, KERNEL_BYTES);
    set(0x1f1, 1, 1);
    set(0x1fe, 0xaa55, 2);
    set(0x200, 0x6aeb, 2); /* the header ends at 26Ch */
    set(0x202, 0x53726448, 4);
    set(0x206, 0x20f, 2);
    set(0x211, 1, 1);
    set(0x22c, 0x7fffffff, 4);
    set(0x238, 100, 4);
    set(0x258, PREFERRED, 8);
    set(0x260, INIT_BYTES, 4);
}

static enum sim_err boot(const char *const *options)
{
    return load_open(&sim, image, sizeof(image), options);
}

static uint64_t zero_page(unsigned off, unsigned bytes)
{
    return load_peek(sim, load_cpu(sim)->reg[CPU_SI] + off, bytes);
}

/* "32-bit Boot Protocol". */
START_TEST(the_machine_state_is_as_specified)
{
    const struct cpu *cpu;

    make_image();
    ck_assert_msg(boot(NULL) == SIM_OK, "%s", sim_last_error());
    cpu = load_cpu(sim);
    ck_assert_uint_eq(cpu->ip, KERNEL_AT);
    ck_assert_uint_eq(cpu->cr0 & 0x80000001u, 1);
    ck_assert_uint_eq(cpu_eflags(cpu) & EFL_IF, 0);
    ck_assert_uint_eq(cpu->reg[CPU_BX] | cpu->reg[CPU_BP] | cpu->reg[CPU_DI], 0);
    ck_assert_uint_eq(cpu->seg[CPU_CS].selector, 0x10);
    ck_assert_uint_eq(cpu->seg[CPU_DS].selector, 0x18);
    ck_assert_uint_eq(cpu->seg[CPU_SS].selector, 0x18);
    ck_assert_uint_eq(load_peek(sim, cpu->gdtr.base + 0x10, 8), 0x00cf9b000000ffff);
    ck_assert_uint_eq(load_peek(sim, cpu->gdtr.base + 0x18, 8), 0x00cf93000000ffff);
    ck_assert_uint_eq(load_peek(sim, KERNEL_AT, 8), 0xf4f4f4f4f4f4f4f4);
}
END_TEST

START_TEST(the_zero_page_tells_of_memory_and_command_line)
{
    struct firmware_range map[16];
    unsigned count;

    make_image();
    ck_assert_int_eq(boot((const char *const[]){ "append", "console=ttyS0 quiet", NULL }), SIM_OK);
    count = firmware_memory_map(sim, map, 16);
    ck_assert_uint_eq(zero_page(0x1e8, 1), count);
    for (unsigned n = 0; n < count; n++) {
        ck_assert_uint_eq(zero_page(0x2d0 + n * 20, 8), map[n].base);
        ck_assert_uint_eq(zero_page(0x2d8 + n * 20, 8), map[n].length);
        ck_assert_uint_eq(zero_page(0x2e0 + n * 20, 4), map[n].type);
    }
    ck_assert_str_eq(load_text(sim, (uint32_t)zero_page(0x228, 4), text), "console=ttyS0 quiet");
    ck_assert_uint_eq(zero_page(0x210, 1), 0xff);
    ck_assert_uint_eq(zero_page(0x206, 2), 0x20f); /* the header is copied */
    ck_assert_uint_eq(zero_page(0x7, 1), 80);
    ck_assert_uint_eq(zero_page(0x21c, 4), 0);
}
END_TEST

START_TEST(the_ramdisk_stands_at_the_end_of_memory)
{
    char content[5000], path[200];
    uint32_t at;

    for (unsigned n = 0; n < sizeof(content); n++)
        content[n] = (char)n;
    load_files_begin();
    strcpy(path, load_file("initrd", content, sizeof(content)));
    make_image();
    ck_assert_msg(boot((const char *const[]){ "memory", "64", "initrd", path, NULL }) == SIM_OK, "%s", sim_last_error());
    at = (uint32_t)zero_page(0x218, 4);
    ck_assert_uint_eq(zero_page(0x21c, 4), sizeof(content));
    ck_assert_uint_eq(at, (64u << 20) - 0x2000);
    load_ram(sim, at, content, sizeof(content));
    ck_assert_uint_eq((uint8_t)content[4999], 4999 & 0xff);
    sim_destroy(sim);
    set(0x22c, 0x1ffffff, 4); /* not above 32 MiB */
    ck_assert_int_eq(boot((const char *const[]){ "memory", "64", "initrd", path, NULL }), SIM_OK);
    ck_assert_uint_eq(zero_page(0x218, 4), (32u << 20) - 0x2000);
    load_files_end();
}
END_TEST

static void refused(size_t len, const char *const *options, const char *words)
{
    ck_assert_int_ne(load_open(&sim, image, len, options), SIM_OK);
    ck_assert_ptr_null(sim);
    ck_assert_msg(strstr(sim_last_error(), words) != NULL, "said: %s", sim_last_error());
}

START_TEST(what_is_not_whole_or_has_no_room_is_refused)
{
    char path[200], line[102];

    make_image();
    refused(0x220, NULL, "cut off");
    refused(SETUP_BYTES, NULL, "cut off");
    set(0x211, 0, 1);
    refused(sizeof(image), NULL, "zImage");
    make_image();
    set(0x206, 0x201, 2);
    refused(sizeof(image), NULL, "2.01");
    make_image();
    refused(sizeof(image), (const char *const[]){ "memory", "16", NULL }, "-m");
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    refused(sizeof(image), (const char *const[]){ "append", line, NULL }, "at most 100");
    load_files_begin();
    strcpy(path, load_file("initrd", image, sizeof(image)));
    refused(sizeof(image), (const char *const[]){ "memory", "18", "initrd", path, NULL }, "do not fit");
    refused(sizeof(image), (const char *const[]){ "initrd", "/nonexistent/initrd", NULL }, "/nonexistent/initrd");
    memset(image, 0, 512); /* no kernel at all */
    memset(image + 0x202, 0, 4);
    refused(600, (const char *const[]){ "initrd", path, NULL }, "only a Linux kernel");
    load_files_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load_linux");
    TCase *tc = tcase_create("load_linux");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, the_machine_state_is_as_specified);
    tcase_add_test(tc, the_zero_page_tells_of_memory_and_command_line);
    tcase_add_test(tc, the_ramdisk_stands_at_the_end_of_memory);
    tcase_add_test(tc, what_is_not_whole_or_has_no_room_is_refused);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
