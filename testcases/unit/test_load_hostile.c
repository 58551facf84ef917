/*
 * Images that lie: truncated, overlapping, huge, looping, random. Each is taken or refused with one line; nothing else may happen, and what is
 * taken must run.
 */
#include "testcases/unit/load_image.h"

#include "libsim/load.h"

static struct sim *sim;

/* Taken or refused, and if taken, a few steps. Returns whether it was taken. */
static bool try_image(const struct image *i, size_t len, const char *const *options)
{
    static uint8_t *copy; /* of exactly that length, so that a sanitizer sees what is read behind it */
    enum sim_err err;
    struct sim_stop stop;

    copy = malloc(len ? len : 1);
    memcpy(copy, i->bytes, len);
    err = load_open(&sim, copy, len, options);
    if (err) {
        ck_assert_ptr_null(sim);
        ck_assert_msg(err == SIM_ERR_FORMAT || err == SIM_ERR_UNSUPPORTED || err == SIM_ERR_USAGE, "error %d: %s", err, sim_last_error());
        load_refused(err, err, NULL);
    } else {
        sim_run_steps(sim, 20, &stop);
        sim_destroy(sim);
        sim = NULL;
    }
    free(copy);
    return err == SIM_OK;
}

/* ---- Truncation ---- */

START_TEST(a_file_cut_anywhere_is_refused_or_complete)
{
    struct image i = _i ? image_flat_kernel() : image_elf(0);
    size_t needed = _i ? 0x100 : IMAGE_CODE_AT + IMAGE_CODE_BYTES; /* behind that are only section headers; behind load_end_addr nothing */

    for (size_t len = 0; len < i.len; len += len < 0x100 || len >= 0x1000 ? 1 : 61) {
        bool taken = try_image(&i, len, NULL);

        /* What is shorter than a Multiboot header is a flat binary like any other. */
        if (_i == 0 && len >= 4 && len < needed)
            ck_assert_msg(!taken, "%zu bytes of %zu were taken", len, i.len);
        if (_i == 1 && len >= 0x2c && len < needed)
            ck_assert_msg(!taken, "%zu bytes of %zu were taken", len, i.len);
        if (len >= needed)
            ck_assert_msg(taken, "%zu bytes of %zu: %s", len, i.len, sim_last_error());
    }
}
END_TEST

/* ---- Lies, one by one ---- */

struct lie {
    const char *word; /* in the message; NULL: the image is taken */
    enum { EHDR, PHDR, SHDR, BOOT } where;
    unsigned off, bytes;
    uint32_t value;
};
static const struct lie lies[] = {
    { "header", EHDR, offsetof(Elf32_Ehdr, e_phoff), 4, 0xfffffff0 },
    { "header", EHDR, offsetof(Elf32_Ehdr, e_phnum), 2, 0xfffe },
    { "nothing to load", EHDR, offsetof(Elf32_Ehdr, e_phnum), 2, 0 },
    { "header", EHDR, offsetof(Elf32_Ehdr, e_phentsize), 2, 1 },
    { "x86", EHDR, offsetof(Elf32_Ehdr, e_machine), 2, EM_ARM },
    { "ELF", EHDR, EI_CLASS, 1, 9 },
    { "ELF", EHDR, EI_DATA, 1, ELFDATA2MSB },
    { "entry", EHDR, offsetof(Elf32_Ehdr, e_entry), 4, 0 },
    { "entry", EHDR, offsetof(Elf32_Ehdr, e_entry), 4, IMAGE_ENTRY - 1 },
    { "entry", EHDR, offsetof(Elf32_Ehdr, e_entry), 4, IMAGE_ENTRY + IMAGE_CODE_BYTES + IMAGE_BSS_BYTES },
    { NULL, EHDR, offsetof(Elf32_Ehdr, e_entry), 4, IMAGE_ENTRY },
    { NULL, EHDR, offsetof(Elf32_Ehdr, e_shoff), 4, 0xffffffff },
    { NULL, EHDR, offsetof(Elf32_Ehdr, e_shnum), 2, 0xfeff },
    { NULL, EHDR, offsetof(Elf32_Ehdr, e_shentsize), 2, 0 },
    { NULL, EHDR, offsetof(Elf32_Ehdr, e_shstrndx), 2, 0xfeff },
    { "outside the file", PHDR, offsetof(Elf32_Phdr, p_offset), 4, 0xffffffff },
    { "outside the file", PHDR, offsetof(Elf32_Phdr, p_offset), 4, 0x1300 },
    { "outside the file", PHDR, offsetof(Elf32_Phdr, p_filesz), 4, 0xffffffff },
    { "outside the file", PHDR, offsetof(Elf32_Phdr, p_filesz), 4, IMAGE_CODE_BYTES + IMAGE_BSS_BYTES + 1 },
    { "outside the file", PHDR, offsetof(Elf32_Phdr, p_memsz), 4, IMAGE_CODE_BYTES - 1 },
    { "does not fit", PHDR, offsetof(Elf32_Phdr, p_memsz), 4, 0xffffffff },
    { "does not fit", PHDR, offsetof(Elf32_Phdr, p_memsz), 4, 0xfff00000 },
    { "does not fit", PHDR, offsetof(Elf32_Phdr, p_paddr), 4, 0xffffffff },
    { "does not fit", PHDR, offsetof(Elf32_Phdr, p_paddr), 4, 128u << 20 },
    { "no memory is", PHDR, offsetof(Elf32_Phdr, p_paddr), 4, 0xb8000 },
    { "no memory is", PHDR, offsetof(Elf32_Phdr, p_paddr), 4, 0x9fb00 },
    { "nothing to load", PHDR, offsetof(Elf32_Phdr, p_type), 4, PT_NOTE },
    { NULL, SHDR, 80 + offsetof(Elf32_Shdr, sh_size), 4, 0xffffffff },
    { NULL, SHDR, 80 + offsetof(Elf32_Shdr, sh_offset), 4, 0xffffffff },
    { NULL, SHDR, 120 + offsetof(Elf32_Shdr, sh_size), 4, 0 },
    { NULL, SHDR, 80 + offsetof(Elf32_Shdr, sh_link), 4, 2 },
    { "Multiboot", BOOT, 0, 4, 0 },
    { "Multiboot", BOOT, 8, 4, 0 },
};

START_TEST(a_lie_is_named)
{
    const struct lie *l = &lies[_i];
    struct image i = image_elf(0);
    const unsigned at[] = { 0, 52, 0x1300, IMAGE_CODE_AT };
    bool taken;

    memcpy(i.bytes + at[l->where] + l->off, &l->value, l->bytes);
    taken = try_image(&i, i.len, NULL);
    ck_assert_int_eq(taken, l->word == NULL);
    if (l->word)
        ck_assert_msg(strstr(sim_last_error(), l->word) != NULL, "\"%s\" says nothing of \"%s\"", sim_last_error(), l->word);
}
END_TEST

/* Header flags that the specification makes mandatory to understand, and addresses that contradict each other. */
static const struct { const char *word; unsigned index; uint32_t value; } address_lies[] = {
    { "cut off", 99, 0 },
    { "load_addr", 3, 0x20000f },
    { "load_addr", 3, 0x200080 },
    { "load_addr", 4, 0x200021 },
    { "load_end_addr", 5, 0x20000f },
    { "load_end_addr", 5, 0x200201 },
    { "load_end_addr", 5, 0xffffffff },
    { "bss_end_addr", 6, 0x2000ff },
    { "bss_end_addr", 6, 0xffffffff },
    { "entry", 7, 0x20000f },
    { "entry", 7, 0x200800 },
    { "entry", 7, 0xffffffff },
};

START_TEST(an_address_that_lies_is_named)
{
    struct image i = image_flat_kernel();
    uint32_t *h = (uint32_t *)(void *)(i.bytes + 0x20);

    if (address_lies[_i].index < 12)
        h[address_lies[_i].index] = address_lies[_i].value;
    else
        i.len = 0x20 + 31;
    ck_assert(!try_image(&i, i.len, NULL));
    ck_assert_msg(strstr(sim_last_error(), address_lies[_i].word) != NULL, "%s", sim_last_error());
}
END_TEST

START_TEST(features_that_are_required_and_unknown_are_refused)
{
    for (unsigned bit = 3; bit < 16; bit++) {
        struct image i = image_elf(1u << bit);

        ck_assert(!try_image(&i, i.len, NULL));
        ck_assert_ptr_nonnull(strstr(sim_last_error(), "requires"));
    }
    for (unsigned bit = 17; bit < 32; bit++) {
        struct image i = image_elf(1u << bit);

        ck_assert(try_image(&i, i.len, NULL));
    }
}
END_TEST

/* ---- Many segments ---- */

/* The program headers are moved behind the file; `n` of them. */
static struct image with_segments(unsigned n, uint32_t distance)
{
    static struct image i;

    i = image_elf(0);
    image_header(&i)->e_phoff = 0x1400;
    image_header(&i)->e_phnum = (uint16_t)n;
    for (unsigned k = 0; k < n && 0x1400 + 32 * (k + 1) <= IMAGE_MAX; k++) {
        Elf32_Phdr ph = *image_segment(&i, 0);

        ph.p_paddr += k * distance;
        memcpy(i.bytes + 0x1400 + 32 * k, &ph, 32);
    }
    i.len = 0x1400 + 32 * n;
    return i;
}

START_TEST(segments_may_be_many_but_not_overlap)
{
    static const struct { unsigned count; uint32_t distance; const char *word; } cases[] = {
        { 2, 0x1000, NULL }, { 64, 0x1000, NULL }, { 65, 0x1000, "segments" }, { 2, 0, "overlap" }, { 2, IMAGE_CODE_BYTES, "overlap" },
        { 3, 0x7fffffff, "does not fit" },
    };

    for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        struct image i = with_segments(cases[n].count, cases[n].distance);

        ck_assert_int_eq(try_image(&i, i.len, NULL), cases[n].word == NULL);
        if (cases[n].word)
            ck_assert_msg(strstr(sim_last_error(), cases[n].word) != NULL, "%s", sim_last_error());
    }
}
END_TEST

/* The smallest machine: everything has to be found room for before anything is written. */
START_TEST(room_is_found_or_refused)
{
    struct image i = image_elf(0);
    char path[200], text[70000];

    load_files_begin();
    memset(text, 'x', sizeof(text));
    text[69000] = 0;
    ck_assert(!try_image(&i, i.len, (const char *const[]){ "memory", "1", NULL }));
    ck_assert(try_image(&i, i.len, (const char *const[]){ "memory", "2", NULL }));
    ck_assert(!try_image(&i, i.len, (const char *const[]){ "append", text, NULL }));
    strcpy(path, load_file("module", text, sizeof(text)));
    ck_assert(try_image(&i, i.len, (const char *const[]){ "memory", "2", "module", path, NULL }));
    image_segment(&i, 0)->p_memsz = 0xff000;
    ck_assert(!try_image(&i, i.len, (const char *const[]){ "memory", "2", "module", path, NULL }));
    ck_assert_ptr_nonnull(strstr(sim_last_error(), "module"));
    image_segment(&i, 0)->p_memsz = 0x100000;
    ck_assert(!try_image(&i, i.len, (const char *const[]){ "memory", "2", NULL })); /* its symbols */
    image_segment(&i, 0)->p_paddr = 0x8000;
    image_header(&i)->e_entry = IMAGE_ENTRY + 0x40;
    image_segment(&i, 0)->p_memsz = IMAGE_CODE_BYTES;
    ck_assert(!try_image(&i, i.len, (const char *const[]){ "memory", "1", NULL })); /* its information */
    load_files_end();
}
END_TEST

/* ---- Random damage ---- */

START_TEST(random_damage_does_no_harm)
{
    uint32_t seed = 12345u + (uint32_t)_i;
    unsigned taken = 0;

    for (unsigned n = 0; n < 400; n++) {
        struct image i = _i & 1 ? image_flat_kernel() : image_elf(n & 2 ? 0 : 0x10000);
        unsigned headers = _i & 1 ? 0x40 : 52 + 32;

        for (unsigned k = load_random(&seed) % 6 + 1; k; k--) {
            unsigned where = load_random(&seed) % 4, at = load_random(&seed);

            at = where == 0 ? at % (unsigned)i.len : where == 1 ? 0x1300 + at % 160 : at % headers;
            if (at < i.len)
                i.bytes[at] = (uint8_t)(load_random(&seed) & 1 ? load_random(&seed) : 0xffu << (load_random(&seed) & 7));
        }
        taken += try_image(&i, i.len, NULL);
    }
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_lt(taken, 400);
}
END_TEST

/* ---- Other kinds ---- */

START_TEST(what_cannot_be_booted_is_refused_by_name)
{
    static struct image i;

    i.len = 0;
    ck_assert(!try_image(&i, 0, NULL));
    memset(&i, 0, sizeof(i));
    memcpy(i.bytes, "libsimck", 8);
    ck_assert(!try_image(&i, 64, NULL));
    ck_assert_ptr_nonnull(strstr(sim_last_error(), "checkpoint"));
    memset(&i, 0, sizeof(i));
    memcpy(i.bytes, "\177ELF", 4);
    ck_assert(!try_image(&i, 4, NULL));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hostile images");
    TCase *t = tcase_create("loaders");
    SRunner *r;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_file_cut_anywhere_is_refused_or_complete, 0, 2);
    tcase_add_loop_test(t, a_lie_is_named, 0, sizeof(lies) / sizeof(lies[0]));
    tcase_add_loop_test(t, an_address_that_lies_is_named, 0, sizeof(address_lies) / sizeof(address_lies[0]));
    tcase_add_test(t, features_that_are_required_and_unknown_are_refused);
    tcase_add_test(t, segments_may_be_many_but_not_overlap);
    tcase_add_test(t, room_is_found_or_refused);
    tcase_add_loop_test(t, random_damage_does_no_harm, 0, 4);
    tcase_add_test(t, what_cannot_be_booted_is_refused_by_name);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
