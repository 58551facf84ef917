/* What a kernel finds that is started directly: Multiboot Specification 0.6.96, and images that are no kernel. */
#include "testcases/unit/load_image.h"

#include "libsim/firmware.h"

static struct sim *sim;
static char text[256];

static void teardown(void)
{
    sim_destroy(sim);
    sim = NULL;
}

static void start(const struct image *i, const char *const *options)
{
    ck_assert_msg(load_open(&sim, i->bytes, i->len, options) == SIM_OK, "%s", sim_last_error());
}

static uint32_t info(unsigned off) { return (uint32_t)load_peek(sim, load_cpu(sim)->reg[CPU_BX] + off, 4); }

/* "Machine state". */
START_TEST(the_machine_state_is_as_specified)
{
    struct image i = image_elf(0);
    const struct cpu *cpu;
    struct sim_stop stop;

    start(&i, NULL);
    cpu = load_cpu(sim);
    ck_assert_uint_eq(cpu->reg[CPU_AX], 0x2BADB002);
    ck_assert_uint_eq(cpu->ip, IMAGE_ENTRY + 0x40);
    ck_assert_uint_eq(cpu->cr0 & 0x80000001u, 1);
    ck_assert_uint_eq(cpu_eflags(cpu) & (EFL_IF | EFL_VM), 0);
    for (unsigned n = 0; n <= CPU_GS; n++) {
        ck_assert_uint_eq(cpu->seg[n].base, 0);
        ck_assert_uint_eq(cpu->seg[n].limit, UINT32_MAX);
    }
    ck_assert(sim->bus->a20);
    sim_run_steps(sim, 10, &stop);
    ck_assert_int_eq(stop.reason, SIM_STOP_DEAD_HALT);
}
END_TEST

START_TEST(segments_are_loaded_and_their_rest_is_zero)
{
    struct image i = image_elf(0);
    uint8_t code[IMAGE_CODE_BYTES], bss[IMAGE_BSS_BYTES], zero[IMAGE_BSS_BYTES] = { 0 };

    start(&i, NULL);
    load_ram(sim, IMAGE_ENTRY, code, sizeof(code));
    ck_assert_mem_eq(code, i.bytes + IMAGE_CODE_AT, sizeof(code));
    load_ram(sim, IMAGE_ENTRY + IMAGE_CODE_BYTES, bss, sizeof(bss));
    ck_assert_mem_eq(bss, zero, sizeof(bss));
}
END_TEST

/* "mem_lower", "mmap_*": the map of the firmware, each entry with its size before it. */
START_TEST(memory_is_described_as_firmware_would)
{
    static const char *const sizes[] = { "2", "128", "4096" };
    struct image i = image_elf(2);
    struct firmware_range map[16];
    uint32_t at;
    unsigned count;

    start(&i, (const char *const[]){ "memory", sizes[_i], NULL });
    count = firmware_memory_map(sim, map, 16);
    ck_assert_uint_eq(info(0) & 0x41, 0x41);
    ck_assert_uint_eq(info(4), 639);
    ck_assert_uint_eq(info(8), _i == 0 ? 1024 : _i == 1 ? 127 * 1024 : 0xE0000000u / 1024 - 1024);
    at = info(48);
    ck_assert_uint_eq(info(44), count * 24);
    for (unsigned n = 0; n < count; n++, at += 24) {
        ck_assert_uint_eq(load_peek(sim, at, 4), 20);
        ck_assert_uint_eq(load_peek(sim, at + 4, 8), map[n].base);
        ck_assert_uint_eq(load_peek(sim, at + 12, 8), map[n].length);
        ck_assert_uint_eq(load_peek(sim, at + 20, 4), map[n].type);
    }
}
END_TEST

START_TEST(the_command_line_begins_with_the_image)
{
    struct image i = image_elf(0);

    start(&i, (const char *const[]){ "append", "root=/dev/hda quiet", NULL });
    ck_assert_uint_eq(info(0) & 4, 4);
    ck_assert_str_eq(load_text(sim, info(16), text), "kernel root=/dev/hda quiet");
    ck_assert_uint_eq(info(0) & 0x200, 0x200);
    ck_assert_str_eq(load_text(sim, info(64), text), "libsim");
}
END_TEST

/* "mods_*": on page boundaries, behind the kernel, with their strings. */
START_TEST(modules_stand_on_pages_with_their_strings)
{
    struct image i = image_elf(1);
    char first[200], second[200], wanted[256];
    uint32_t list;

    load_files_begin();
    strcpy(first, load_file("one", "first module", 12));
    strcpy(second, load_file("two", "", 0));
    strcat(strcpy(wanted, first), " a=1,b=2");
    strcat(first, ",a=1,b=2");
    start(&i, (const char *const[]){ "module", first, "module", second, NULL });
    ck_assert_uint_eq(info(0) & 8, 8);
    ck_assert_uint_eq(info(20), 2);
    list = info(24);
    ck_assert_uint_eq(load_peek(sim, list, 4) & 0xfff, 0);
    ck_assert_uint_ge(load_peek(sim, list, 4), IMAGE_ENTRY + IMAGE_CODE_BYTES + IMAGE_BSS_BYTES);
    ck_assert_uint_eq(load_peek(sim, list + 4, 4) - load_peek(sim, list, 4), 12);
    ck_assert_str_eq(load_text(sim, load_peek(sim, list, 4), text), "first module");
    ck_assert_str_eq(load_text(sim, load_peek(sim, list + 8, 4), text), wanted);
    ck_assert_uint_eq(load_peek(sim, list + 16, 4), load_peek(sim, list + 20, 4));
    ck_assert_str_eq(load_text(sim, load_peek(sim, list + 24, 4), text), second);
    load_files_end();
}
END_TEST

/* A module is read once: a reset finds the same bytes though the file is gone. */
START_TEST(modules_survive_their_files)
{
    struct image i = image_elf(0);
    char path[200];
    struct sim_stop stop;

    load_files_begin();
    strcpy(path, load_file("one", "first module", 12));
    start(&i, (const char *const[]){ "module", path, NULL });
    load_files_end();
    sim_input_reset(sim);
    sim_run_steps(sim, 1, &stop);
    ck_assert_str_eq(load_text(sim, load_peek(sim, info(24), 4), text), "first module");
}
END_TEST

/* "syms": the section headers; those that were not loaded have an address now. */
START_TEST(sections_and_symbols_are_there)
{
    struct image i = image_elf(0);
    uint32_t table, symbols, strings;

    start(&i, NULL);
    ck_assert_uint_eq(info(0) & 32, 32);
    ck_assert_uint_eq(info(28), 4);
    ck_assert_uint_eq(info(32), 40);
    ck_assert_uint_eq(info(40), 3);
    table = info(36);
    ck_assert_uint_eq(load_peek(sim, table + 40 + 12, 4), IMAGE_ENTRY);
    symbols = (uint32_t)load_peek(sim, table + 80 + 12, 4);
    strings = (uint32_t)load_peek(sim, table + 120 + 12, 4);
    ck_assert_uint_eq(load_peek(sim, symbols + 16 + 4, 4), IMAGE_ENTRY + 0x40);
    ck_assert_str_eq(load_text(sim, strings + load_peek(sim, symbols + 16, 4), text), "start");
}
END_TEST

/* "The address tag fields": the part of the file that load_addr says, up to load_end_addr. */
START_TEST(address_fields_say_what_is_loaded)
{
    struct image i = image_flat_kernel();

    start(&i, NULL);
    ck_assert_uint_eq(load_cpu(sim)->ip, 0x200060);
    ck_assert_uint_eq(load_peek(sim, 0x200020, 4), 0x1BADB002);
    ck_assert_uint_eq(load_peek(sim, 0x2000ff, 1), 0x77);
    ck_assert_uint_eq(load_peek(sim, 0x200100, 1), 0);
    ck_assert_uint_eq(info(0) & 32, 0);
}
END_TEST

/* load_end_addr 0: the whole file; bss_end_addr 0: no bss. */
START_TEST(address_fields_may_be_zero)
{
    struct image i = image_flat_kernel();
    uint32_t *h = (uint32_t *)(void *)(i.bytes + 0x20);

    h[5] = h[6] = 0;
    start(&i, NULL);
    ck_assert_uint_eq(load_peek(sim, 0x2001ff, 1), 0x77);
    ck_assert_uint_eq(load_peek(sim, 0x200200, 1), 0);
}
END_TEST

/* "Framebuffer": whatever is asked for, a kernel "must be prepared" for EGA text. */
START_TEST(a_request_for_graphics_is_answered_with_text)
{
    struct image i = image_elf(4);
    uint32_t *h = image_multiboot(&i);

    h[8] = 0, h[9] = 1024, h[10] = 768, h[11] = 32;
    start(&i, NULL);
    ck_assert_uint_eq(info(0) & 0x1000, 0x1000);
    ck_assert_uint_eq(info(88), 0xb8000);
    ck_assert_uint_eq(info(96), 160);
    ck_assert_uint_eq(info(100), 80);
    ck_assert_uint_eq(info(104), 25);
    ck_assert_uint_eq(info(108) & 0xffff, 0x0210);
}
END_TEST

/* A kernel that is linked at a high virtual address enters where that is in memory. */
START_TEST(the_entry_is_translated)
{
    struct image i = image_elf(0);

    image_segment(&i, 0)->p_vaddr = 0xC0100000;
    image_header(&i)->e_entry = 0xC0100040;
    start(&i, NULL);
    ck_assert_uint_eq(load_cpu(sim)->ip, IMAGE_ENTRY + 0x40);
}
END_TEST

/* A kernel below 640 KiB: the information stands out of its way. */
START_TEST(a_low_kernel_and_its_information_do_not_meet)
{
    struct image i = image_elf(0);

    image_segment(&i, 0)->p_paddr = image_segment(&i, 0)->p_vaddr = 0x8f00;
    image_header(&i)->e_entry = 0x8f40;
    start(&i, NULL);
    ck_assert_uint_ge(load_cpu(sim)->reg[CPU_BX], 0x100000);
    ck_assert_uint_eq(load_peek(sim, 0x8f40, 2), 0xf4fa);
}
END_TEST

/* ---- What is no kernel ---- */

START_TEST(a_boot_sector_starts_at_7c00)
{
    struct image i = { .len = 1024 };

    memset(i.bytes, 0x11, i.len);
    i.bytes[510] = 0x55, i.bytes[511] = 0xAA;
    start(&i, (const char *const[]){ "boot", "direct", NULL });
    ck_assert_uint_eq(load_cpu(sim)->ip, 0x7c00);
    ck_assert_uint_eq(load_cpu(sim)->reg[CPU_DX] & 0xff, 0x80);
    ck_assert_uint_eq(load_peek(sim, 0x7dff, 2), 0x00AA);
    ck_assert_uint_eq(load_cpu(sim)->cr0 & 1, 0);
}
END_TEST

START_TEST(a_flat_binary_starts_at_7c00)
{
    struct image i = { .len = 1024 };

    memset(i.bytes, 0x11, i.len);
    start(&i, NULL);
    ck_assert_uint_eq(load_cpu(sim)->ip, 0x7c00);
    ck_assert_uint_eq(load_peek(sim, 0x7fff, 2), 0x0011);
}
END_TEST

/* A reset loads everything again: the guest's changes are gone. */
START_TEST(a_reset_starts_the_kernel_anew)
{
    struct image i = image_elf(0);
    struct sim_stop stop;

    start(&i, NULL);
    bus_ram_put(bus_ram_find(&sim->bus->memory, "ram"), IMAGE_ENTRY + 0x40, "\x90\x90", 2);
    sim_input_reset(sim);
    sim_run_steps(sim, 1, &stop);
    ck_assert_uint_eq(load_peek(sim, IMAGE_ENTRY + 0x40, 2), 0xf4fa);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("load");
    TCase *t = tcase_create("direct boot");
    SRunner *r;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, the_machine_state_is_as_specified);
    tcase_add_test(t, segments_are_loaded_and_their_rest_is_zero);
    tcase_add_loop_test(t, memory_is_described_as_firmware_would, 0, 3);
    tcase_add_test(t, the_command_line_begins_with_the_image);
    tcase_add_test(t, modules_stand_on_pages_with_their_strings);
    tcase_add_test(t, modules_survive_their_files);
    tcase_add_test(t, sections_and_symbols_are_there);
    tcase_add_test(t, address_fields_say_what_is_loaded);
    tcase_add_test(t, address_fields_may_be_zero);
    tcase_add_test(t, a_request_for_graphics_is_answered_with_text);
    tcase_add_test(t, the_entry_is_translated);
    tcase_add_test(t, a_low_kernel_and_its_information_do_not_meet);
    tcase_add_test(t, a_boot_sector_starts_at_7c00);
    tcase_add_test(t, a_flat_binary_starts_at_7c00);
    tcase_add_test(t, a_reset_starts_the_kernel_anew);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
