/* Address spaces: bus/space.h. */
#include "bus/space.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH 64
#define REGIONS 24

static uint64_t random_state;

static uint64_t rnd(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* ---- The model: asks the tree, byte by byte, who answers ---- */

struct answer {
    const struct bus_region *region;
    uint64_t off;
};

static struct answer model(const struct bus_region *r, enum bus_viewer viewer, uint64_t off, unsigned way, unsigned depth)
{
    struct answer a = { NULL, 0 };

    if (!r->enabled || r->hidden & BUS_HIDE(viewer) || !(r->answers & way) || off >= r->length || depth > 16)
        return a;
    if (r->kind == BUS_REGION_ALIAS)
        return model(r->alias, viewer, off + r->alias_off, way, depth + 1);
    if (r->kind == BUS_REGION_CONTAINER) {
        for (const struct bus_region *c = r->children; c && !a.region; c = c->sibling)
            if (off >= c->base && off - c->base < c->length)
                a = model(c, viewer, off - c->base, way, depth + 1);
        return a;
    }
    a.region = r;
    a.off = off;
    return a;
}

static bool agrees(struct bus_space *s, enum bus_viewer viewer, uint64_t addr, bool write)
{
    struct answer a = model(&s->root, viewer, addr, write ? BUS_WRITES : BUS_READS, 0);
    uint64_t run;
    const struct bus_flat *f = bus_space_run_as(s, viewer, addr, write, &run);
    uint64_t unused;

    if (viewer == BUS_NORMAL && f != bus_space_find(s, addr, write))
        return false;
    if (!a.region) {
        for (uint64_t i = addr; i < addr + run && i < LENGTH; i++)
            if (bus_space_run_as(s, viewer, i, write, &unused))
                return false;
        return !f;
    }
    return f && f->first <= addr && addr <= f->last && run == f->last - addr + 1 && f->region == a.region &&
           f->off + (addr - f->first) == a.off;
}

/* Check's assertions are too slow for each byte. */
static void compare(struct bus_space *s)
{
    for (unsigned write = 0; write < 2; write++)
        for (unsigned viewer = 0; viewer < BUS_VIEWERS; viewer++) {
            const struct bus_view *v = write ? &s->writes[viewer] : &s->reads[viewer];
            bool ok = true;

            for (uint64_t addr = 0; addr < LENGTH + 4; addr++)
                ok &= agrees(s, viewer, addr, write);
            for (uint32_t i = 1; i < v->count; i++)
                ok &= v->flat[i - 1].last < v->flat[i].first;
            ck_assert_msg(ok, "view of %s, viewer %u", write ? "writes" : "reads", viewer);
        }
}

/* The model above trusts the order of siblings; this one says what it must be. */
static void check_order(const struct bus_region *r, const unsigned *added, const struct bus_region *all)
{
    for (const struct bus_region *c = r->children; c; c = c->sibling) {
        if (c->sibling)
            ck_assert(c->priority > c->sibling->priority ||
                      (c->priority == c->sibling->priority && added[c - all] > added[c->sibling - all]));
        check_order(c, added, all);
    }
}

START_TEST(random_trees_answer_like_the_plain_model)
{
    static const struct sim_range_ops none;
    static struct sim_range range = { .ops = &none }; /* never called */
    struct bus_region all[REGIONS];
    unsigned added[REGIONS] = { 0 }, clock = 0;
    struct bus_space s;

    random_state = 1234567 + (uint64_t)_i * 977;
    ck_assert_int_eq(bus_space_init(&s, "test", LENGTH), SIM_OK);
    memset(all, 0, sizeof(all));
    for (unsigned i = 0; i < REGIONS; i++) {
        all[i].name = "r";
        all[i].kind = i % 3 == 0 ? BUS_REGION_CONTAINER : i % 5 == 1 ? BUS_REGION_ALIAS : BUS_REGION_DEVICE;
        all[i].length = rnd(LENGTH) + 1;
        all[i].priority = (int)rnd(4) - 1;
        all[i].answers = (unsigned)rnd(8) ? 3 : (unsigned)rnd(4);
        all[i].enabled = rnd(8) != 0;
        all[i].hidden = rnd(3) ? 0 : (unsigned)rnd(1u << BUS_VIEWERS);
        all[i].range = &range;
        all[i].alias = i > 1 ? &all[rnd(i)] : &all[0];
        all[i].alias_off = rnd(20);
    }
    for (unsigned step = 0; step < 200; step++) {
        unsigned i = (unsigned)rnd(REGIONS), j = (unsigned)rnd(REGIONS);
        struct bus_region *r = &all[i], *parent = j < 6 ? NULL : &all[j - j % 3];
        uint32_t generation = s.generation;

        switch (rnd(8)) {
        case 0:
        case 1:
        case 2:
            if (parent && parent <= r)
                break; /* containers hold, and aliases show, what comes before them: no loops */
            if (bus_region_add(&s, parent, r, rnd(LENGTH)) == SIM_OK)
                added[i] = ++clock;
            break;
        case 3:
            bus_region_move(&s, r, rnd(8) ? rnd(LENGTH) : UINT64_MAX - rnd(10));
            break;
        case 4:
            bus_region_enable(&s, r, rnd(2));
            break;
        case 5:
            bus_region_answer(&s, r, (unsigned)rnd(4));
            break;
        case 6:
            bus_space_begin(&s);
            bus_region_remove(&s, r);
            bus_region_move(&s, &all[j], rnd(LENGTH));
            ck_assert_uint_eq(s.generation, generation);
            bus_space_commit(&s);
            break;
        case 7:
            bus_region_hide(&s, r, (unsigned)rnd(1u << BUS_VIEWERS));
            break;
        }
        check_order(&s.root, added, all);
        compare(&s);
    }
    bus_space_fini(&s);
}
END_TEST

static struct bus_region device(const char *name, uint64_t length, int priority)
{
    static const struct sim_range_ops none;
    static struct sim_range range = { .ops = &none };

    return (struct bus_region){ .name = name, .kind = BUS_REGION_DEVICE, .length = length, .priority = priority,
                                .answers = BUS_READS | BUS_WRITES, .enabled = true, .range = &range };
}

static void count_change(void *arg)
{
    ++*(unsigned *)arg;
}

/* 440FX data sheet, "PAM": a segment reads shadow RAM while its writes go to PCI, or the other way. */
START_TEST(shadow_ram_answers_each_way_by_itself)
{
    struct bus_memory m;
    struct bus_ram *ram, *rom;
    struct bus_space s;
    struct bus_region bios, shadow;
    unsigned changes = 0;
    static const struct {
        unsigned answers;
        bool read_ram, write_ram;
    } cases[] = { { 0, false, false }, { BUS_READS, true, false }, { BUS_WRITES, false, true }, { 3, true, true } };

    bus_memory_init(&m);
    bus_ram_create(&m, "ram", 16 * SIM_PAGE_SIZE, true, &ram);
    bus_ram_create(&m, "rom", SIM_PAGE_SIZE, false, &rom);
    bus_space_init(&s, "memory", 1 << 20);
    bios = (struct bus_region){ .name = "bios", .kind = BUS_REGION_ROM, .length = SIM_PAGE_SIZE, .answers = 3,
                                .enabled = true, .ram = rom };
    shadow = (struct bus_region){ .name = "shadow", .kind = BUS_REGION_RAM, .length = SIM_PAGE_SIZE, .priority = 1,
                                  .enabled = true, .ram = ram, .ram_off = 15 * SIM_PAGE_SIZE };
    ck_assert_int_eq(bus_region_add(&s, NULL, &bios, 0xF0000), SIM_OK);
    ck_assert_int_eq(bus_region_add(&s, NULL, &shadow, 0xF0000), SIM_OK);
    s.changed = count_change;
    s.changed_arg = &changes;
    for (unsigned i = 1; i <= 4; i++) {
        bus_region_answer(&s, &shadow, cases[i % 4].answers);
        ck_assert_uint_eq(changes, i);
        ck_assert_ptr_eq(bus_space_find(&s, 0xF0123, false)->region, cases[i % 4].read_ram ? &shadow : &bios);
        ck_assert_ptr_eq(bus_space_find(&s, 0xF0123, true)->region, cases[i % 4].write_ram ? &shadow : &bios);
    }
    bus_region_answer(&s, &shadow, 0); /* no change, no flattening */
    ck_assert_uint_eq(changes, 4);
    ck_assert_uint_eq(bus_space_find(&s, 0xF0123, false)->off, 0);
    bus_space_fini(&s);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    struct bus_memory m;
    struct bus_ram *ram;
    struct bus_space s;
    struct bus_region fits = device("fits", 16, 0), other = device("other", 16, 0), big = device("big", 65537, 0);
    struct bus_region shown;

    bus_memory_init(&m);
    bus_ram_create(&m, "ram", 4 * SIM_PAGE_SIZE, true, &ram);
    bus_space_init(&s, "memory", 65536);
    ck_assert_int_eq(bus_region_add(&s, NULL, &fits, 65520), SIM_OK);
    ck_assert_int_eq(bus_region_add(&s, NULL, &fits, 0), SIM_ERR_USAGE);     /* twice */
    ck_assert_int_eq(bus_region_add(&s, NULL, &other, 65521), SIM_ERR_USAGE); /* outside */
    ck_assert_int_eq(bus_region_add(&s, NULL, &other, UINT64_MAX - 3), SIM_ERR_USAGE);
    ck_assert_int_eq(bus_region_add(&s, NULL, &big, 0), SIM_ERR_USAGE);
    ck_assert_int_eq(bus_region_add(&s, &fits, &other, 0), SIM_ERR_USAGE);   /* no container */
    other.range = NULL;
    ck_assert_int_eq(bus_region_add(&s, NULL, &other, 0), SIM_ERR_USAGE);    /* nobody to call */
    for (unsigned i = 0; i < 4; i++) {
        static const struct {
            uint64_t base, length, off;
        } bad[] = { { 0x800, 4096, 0 }, { 0, 4095, 0 }, { 0, 4096, 16 }, { 0, 8192, 3 * 4096 } };

        shown = (struct bus_region){ .name = "shown", .kind = BUS_REGION_RAM, .length = bad[i].length, .answers = 3,
                                     .enabled = true, .ram = ram, .ram_off = bad[i].off };
        ck_assert_int_eq(bus_region_add(&s, NULL, &shown, bad[i].base), SIM_ERR_USAGE);
    }
    bus_space_fini(&s);
    ck_assert_int_eq(bus_space_init(&s, "empty", 0), SIM_ERR_USAGE);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(an_alias_that_shows_itself_comes_to_an_end)
{
    struct bus_region loop = { .name = "loop", .kind = BUS_REGION_ALIAS, .length = 16, .answers = 3, .enabled = true };
    struct bus_space s;

    bus_space_init(&s, "memory", 64);
    loop.alias = &s.root;
    ck_assert_int_eq(bus_region_add(&s, NULL, &loop, 0), SIM_OK);
    ck_assert_ptr_null(bus_space_find(&s, 3, false));
    bus_space_fini(&s);
}
END_TEST

START_TEST(the_map_is_readable)
{
    struct bus_region uart = device("uart0", 8, 0), post = device("post", 1, 0);
    struct sim_buf out = SIM_BUF_INIT;
    struct bus_space s;

    bus_space_init(&s, "io", 65536);
    bus_region_add(&s, NULL, &uart, 0x3F8);
    bus_region_add(&s, NULL, &post, 0x3FA);
    bus_space_format(&s, &out);
    ck_assert_str_eq(sim_buf_cstr(&out), "rw 00000003f8-00000003f9 device uart0+0x0\n"
                                         "rw 00000003fa-00000003fa device post+0x0\n"
                                         "rw 00000003fb-00000003ff device uart0+0x3\n");
    sim_buf_clear(&out);
    bus_region_answer(&s, &post, BUS_WRITES);
    bus_space_format(&s, &out);
    ck_assert_ptr_nonnull(strstr(sim_buf_cstr(&out), "r  00000003f8-00000003ff device uart0+0x0\n"));
    ck_assert_ptr_nonnull(strstr(sim_buf_cstr(&out), " w 00000003fa-00000003fa device post+0x0\n"));
    sim_buf_fini(&out);
    bus_space_fini(&s);
}
END_TEST

START_TEST(the_map_shows_what_smm_sees_of_its_own)
{
    struct bus_region screen = device("vga", 0x20000, 0), smram = device("smram", 0x20000, 1);
    struct sim_buf out = SIM_BUF_INIT;
    struct bus_space s;

    bus_space_init(&s, "memory", 1 << 20);
    smram.hidden = BUS_HIDE(BUS_NORMAL) | BUS_HIDE(BUS_SMM);
    bus_region_add(&s, NULL, &screen, 0xA0000);
    bus_region_add(&s, NULL, &smram, 0xA0000);
    bus_space_format(&s, &out);
    ck_assert_str_eq(sim_buf_cstr(&out), "rw 00000a0000-00000bffff device vga+0x0\n"
                                         "in system-management mode, instructions:\n"
                                         "x  00000a0000-00000bffff device smram+0x0\n");
    sim_buf_clear(&out);
    bus_region_hide(&s, &smram, BUS_HIDE(BUS_NORMAL));
    bus_space_format(&s, &out);
    ck_assert_str_eq(sim_buf_cstr(&out), "rw 00000a0000-00000bffff device vga+0x0\n"
                                         "in system-management mode:\n"
                                         "rw 00000a0000-00000bffff device smram+0x0\n");
    sim_buf_fini(&out);
    bus_space_fini(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("space");
    TCase *t = tcase_create("space");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, random_trees_answer_like_the_plain_model, 0, 20);
    tcase_add_test(t, shadow_ram_answers_each_way_by_itself);
    tcase_add_test(t, what_cannot_be_is_refused);
    tcase_add_test(t, an_alias_that_shows_itself_comes_to_an_end);
    tcase_add_test(t, the_map_is_readable);
    tcase_add_test(t, the_map_shows_what_smm_sees_of_its_own);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
