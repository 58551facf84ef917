/* Pages, traps, hashes and snapshots: bus/ram.h. */
#include "bus/ram.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define P SIM_PAGE_SIZE

static uint64_t random_state;

static uint64_t rnd(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static struct bus_ram *ram_new(struct bus_memory *m, const char *name, uint64_t pages)
{
    struct bus_ram *ram;

    ck_assert_int_eq(bus_ram_create(m, name, pages * P, true, &ram), SIM_OK);
    return ram;
}

static bool patterned(void *arg, uint64_t pfn, uint8_t out[SIM_PAGE_SIZE])
{
    ++*(unsigned *)arg;
    memset(out, (int)(pfn % 5), P); /* every fifth page is zeros */
    out[17] = (uint8_t)pfn;
    return true;
}

/* ---- What listeners hear ---- */

struct heard {
    struct bus_ram_listener listener;
    unsigned revoked, revoked_all, code_writes, watched_writes;
    uint64_t pfn;
    uint32_t off, len;
};

static void on_revoke(void *arg, struct bus_ram *ram, uint64_t pfn)
{
    struct heard *h = arg;

    h->revoked++;
    h->pfn = pfn;
}

static void on_revoke_all(void *arg)
{
    ((struct heard *)arg)->revoked_all++;
}

static void on_code_write(void *arg, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    struct heard *h = arg;

    h->code_writes++;
    h->pfn = pfn;
    h->off = off;
    h->len = len;
}

static void on_watched_write(void *arg, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    struct heard *h = arg;

    h->watched_writes++;
    h->off = off;
    h->len = len;
}

static void listen(struct heard *h, struct bus_memory *m)
{
    memset(h, 0, sizeof(*h));
    h->listener = (struct bus_ram_listener){ on_revoke, on_revoke_all, on_code_write, on_watched_write, h, NULL };
    bus_memory_listen(m, &h->listener);
}

/* ---- Pages ---- */

START_TEST(an_absent_page_reads_as_its_fill)
{
    struct bus_memory m;
    struct bus_ram *zeros, *disk;
    uint8_t bytes[2 * SIM_PAGE_SIZE];
    unsigned fills = 0;

    bus_memory_init(&m);
    zeros = ram_new(&m, "zeros", 4);
    disk = ram_new(&m, "disk", 4);
    disk->fill = patterned;
    disk->fill_arg = &fills;
    memset(bytes, 0xEE, sizeof(bytes));
    bus_ram_get(zeros, 100, bytes, P);
    for (unsigned i = 0; i < P; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert_uint_eq(bytes[P], 0xEE);
    bus_ram_get(disk, P + 17, bytes, P);
    ck_assert(bytes[0] == 1 && bytes[1] == 1 && bytes[P - 17] == 2 && bytes[P - 1] == 2);
    ck_assert_ptr_null(zeros->page[0].data); /* getting makes nothing present */
    ck_assert_ptr_null(disk->page[1].data);
    ck_assert_uint_eq(bus_ram_read_page(disk, 3)[17], 3);
    ck_assert_ptr_nonnull(disk->page[3].data);
    ck_assert_ptr_eq(bus_ram_read_page(disk, 3), disk->page[3].data);
    ck_assert_uint_eq(bus_ram_hash(disk), 0); /* presence is not state */
    bus_memory_fini(&m);
}
END_TEST

START_TEST(a_trapped_page_is_not_written_directly)
{
    struct bus_memory m;
    struct bus_ram *ram;
    struct heard h;
    uint8_t *page;

    bus_memory_init(&m);
    ram = ram_new(&m, "ram", 4);
    listen(&h, &m);
    page = bus_ram_write_begin(ram, 1, 0, 4);
    ck_assert_uint_eq(ram->page[1].traps, 0);
    bus_ram_trap_set(ram, 1, BUS_TRAP_CODE);
    ck_assert(h.revoked == 1 && h.pfn == 1);
    bus_ram_trap_set(ram, 1, BUS_TRAP_WATCH); /* no direct pointer to revoke any more */
    ck_assert_uint_eq(h.revoked, 1);
    ck_assert_ptr_eq(bus_ram_write_begin(ram, 1, 8, 24), page);
    ck_assert(h.code_writes == 1 && h.watched_writes == 1 && h.off == 8 && h.len == 24);
    bus_ram_hash(ram);
    ck_assert_uint_eq(ram->page[1].traps, BUS_TRAP_CLEAN | BUS_TRAP_CODE | BUS_TRAP_WATCH);
    ck_assert_uint_eq(h.revoked_all, 0); /* nothing was writable */
    bus_ram_write_begin(ram, 1, 0, 1);
    ck_assert_uint_eq(h.watched_writes, 2);
    bus_ram_trap_clear(ram, 1, BUS_TRAP_CODE | BUS_TRAP_WATCH);
    ck_assert_uint_eq(ram->page[1].traps, 0);
    bus_ram_write_begin(ram, 1, 0, 1);
    ck_assert_uint_eq(h.watched_writes, 2);
    bus_ram_hash(ram);
    ck_assert_uint_eq(h.revoked_all, 1);
    ck_assert_uint_eq(ram->page[1].traps, BUS_TRAP_CLEAN);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(sizes_are_rounded_to_pages_and_names_are_unique)
{
    static const struct {
        uint64_t bytes;
        enum sim_err err;
        uint64_t pages;
    } cases[] = {
        { 0, SIM_ERR_USAGE, 0 }, { 1, SIM_OK, 1 }, { 4096, SIM_OK, 1 }, { 4097, SIM_OK, 2 },
        { UINT64_C(1) << 40, SIM_OK, UINT64_C(1) << 28 }, { (UINT64_C(1) << 40) + 1, SIM_ERR_USAGE, 0 },
    };
    struct bus_memory m;
    struct bus_ram *ram;

    bus_memory_init(&m);
    for (unsigned i = 0; i < 6; i++) {
        char name[] = "ram0";

        name[3] += (char)i;
        ck_assert_int_eq(bus_ram_create(&m, name, cases[i].bytes, true, &ram), cases[i].err);
        if (!cases[i].err)
            ck_assert_uint_eq(ram->pages, cases[i].pages);
    }
    ck_assert_int_eq(bus_ram_create(&m, "ram1", 1, true, &ram), SIM_ERR_OVERLAP);
    ck_assert_ptr_nonnull(bus_ram_find(&m, "ram1"));
    ck_assert_ptr_null(bus_ram_find(&m, "ram"));
    bus_memory_fini(&m);
}
END_TEST

START_TEST(a_huge_sparse_disk_costs_what_was_written)
{
    struct bus_memory m;
    struct bus_ram *disk;
    struct bus_snapshot *s;
    uint64_t end = (UINT64_C(1) << 40) - 3, value = 0;
    uint64_t sum;

    bus_memory_init(&m);
    disk = ram_new(&m, "disk", UINT64_C(1) << 28);
    bus_ram_put(disk, end, "xyz", 3);
    sum = bus_ram_hash(disk);
    s = bus_snapshot_take(&m);
    bus_ram_put(disk, end, "abc", 3);
    bus_ram_put(disk, UINT64_C(1) << 39, "abc", 3);
    ck_assert(bus_ram_hash(disk) != sum);
    ck_assert_uint_lt(m.store_bytes, 100000);
    bus_snapshot_restore(&m, s);
    ck_assert_uint_eq(bus_ram_hash(disk), sum);
    bus_ram_get(disk, end, &value, 3);
    ck_assert_uint_eq(value, 0x7A7978);
    bus_snapshot_free(&m, s);
    bus_memory_fini(&m);
}
END_TEST

/* ---- Hashes ---- */

START_TEST(equal_contents_have_equal_hashes)
{
    struct bus_memory m, n;
    struct bus_ram *a, *b;
    unsigned fills = 0;
    uint8_t page[SIM_PAGE_SIZE];

    bus_memory_init(&m);
    bus_memory_init(&n);
    a = ram_new(&m, "ram", 64);
    b = ram_new(&n, "ram", 64);
    bus_ram_put(a, 5 * P, "hello", 5);
    bus_ram_put(a, 9 * P, "other", 5);
    bus_ram_put(b, 9 * P, "other", 5);
    bus_ram_hash(b);
    ck_assert(bus_ram_hash(a) != bus_ram_hash(b));
    bus_ram_put(b, 5 * P, "hello", 5);
    bus_ram_put(b, 7 * P, "gone", 4);
    bus_ram_hash(b);
    bus_ram_put(b, 7 * P, "\0\0\0\0", 4); /* present and zero again */
    ck_assert_uint_eq(bus_ram_hash(a), bus_ram_hash(b));
    /* The same content elsewhere, or under another name, is something else. */
    bus_ram_put(b, 5 * P, "\0\0\0\0\0", 5);
    bus_ram_put(b, 6 * P, "hello", 5);
    ck_assert(bus_ram_hash(a) != bus_ram_hash(b));
    ck_assert(bus_ram_hash(ram_new(&n, "vram", 64)) == 0);
    bus_ram_put(bus_ram_find(&n, "vram"), 5 * P, "hello", 5);
    bus_ram_put(bus_ram_find(&n, "vram"), 9 * P, "other", 5);
    ck_assert(bus_ram_hash(bus_ram_find(&n, "vram")) != bus_ram_hash(a));

    /* With a fill it is the fill that counts 0. */
    b = ram_new(&m, "disk", 8);
    b->fill = patterned;
    b->fill_arg = &fills;
    bus_ram_put(b, 3 * P, "x", 1);
    ck_assert(bus_ram_hash(b) != 0);
    patterned(&fills, 3, page);
    bus_ram_put(b, 3 * P, page, P);
    ck_assert_uint_eq(bus_ram_hash(b), 0);
    memset(page, 0, P);
    bus_ram_put(b, 3 * P, page, P);
    ck_assert(bus_ram_hash(b) != 0);
    bus_memory_fini(&m);
    bus_memory_fini(&n);
}
END_TEST

/* ---- Snapshots against a plain model ---- */

#define RAMS 3
#define SNAPSHOTS 12

static const uint64_t model_pages[RAMS] = { 90, 70, 5 };
#define MODEL_BYTES (165 * SIM_PAGE_SIZE)

struct bench {
    struct bus_memory m;
    struct bus_ram *ram[RAMS];
    uint8_t *now; /* contents of all RAMs in turn */
    struct bus_snapshot *snapshot[SNAPSHOTS];
    uint8_t *then[SNAPSHOTS];
    unsigned fills;
    /* A CPU's fast table: pages that may be written directly. Forgetting to revoke shows as a wrong snapshot. */
    struct bus_ram_listener listener;
    uint8_t *direct[RAMS][90], *address[RAMS][90];
};

static void forget_page(void *arg, struct bus_ram *ram, uint64_t pfn)
{
    struct bench *b = arg;

    for (unsigned i = 0; i < RAMS; i++)
        if (b->ram[i] == ram)
            b->direct[i][pfn] = NULL;
}

static void forget_all(void *arg)
{
    memset(((struct bench *)arg)->direct, 0, sizeof(((struct bench *)arg)->direct));
}

static struct bench *bench_new(void)
{
    static const char *const names[RAMS] = { "ram", "disk", "vram" };
    struct bench *b = calloc(1, sizeof(*b));

    bus_memory_init(&b->m);
    b->listener = (struct bus_ram_listener){ .revoke = forget_page, .revoke_all = forget_all, .arg = b };
    bus_memory_listen(&b->m, &b->listener);
    for (unsigned i = 0; i < RAMS; i++)
        b->ram[i] = ram_new(&b->m, names[i], model_pages[i]);
    b->ram[1]->fill = patterned;
    b->ram[1]->fill_arg = &b->fills;
    b->now = calloc(1, MODEL_BYTES);
    for (unsigned pfn = 0; pfn < model_pages[1]; pfn++)
        patterned(&b->fills, pfn, b->now + (90 + pfn) * P);
    return b;
}

static void bench_free(struct bench *b)
{
    for (unsigned i = 0; i < SNAPSHOTS; i++) {
        bus_snapshot_free(&b->m, b->snapshot[i]);
        free(b->then[i]);
    }
    bus_memory_fini(&b->m);
    free(b->now);
    free(b);
}

static uint8_t *model_at(uint8_t *model, unsigned which, uint64_t off)
{
    for (unsigned i = 0; i < which; i++)
        model += model_pages[i] * P;
    return model + off;
}

static void write_somewhere(struct bench *b)
{
    unsigned which = (unsigned)rnd(RAMS);
    uint64_t bytes = model_pages[which] * P;
    uint64_t off = rnd(4) ? rnd(bytes) : rnd(bytes < 6 * P ? bytes : 6 * P); /* a hot part, too */
    size_t len = (size_t)rnd(rnd(3) ? 64 : 3 * P) + 1;
    uint8_t data[3 * SIM_PAGE_SIZE];

    if (len > bytes - off)
        len = (size_t)(bytes - off);
    switch (rnd(4)) {
    case 0: memset(data, 0, len); break;
    case 1: memcpy(data, model_at(b->now, which, off), len); break; /* what is there already */
    case 2: memset(data, (int)rnd(3), len); break;
    default: for (size_t i = 0; i < len; i++) data[i] = (uint8_t)rnd(256);
    }
    bus_ram_put(b->ram[which], off, data, len);
    memcpy(model_at(b->now, which, off), data, len);
}

/* As a CPU does: through the fast table, entered when the page has no trap. */
static void store_byte(struct bench *b)
{
    unsigned which = (unsigned)rnd(RAMS);
    uint64_t pfn = rnd(model_pages[which]);
    uint32_t off = (uint32_t)rnd(P);
    uint8_t value = (uint8_t)rnd(256), *page = b->direct[which][pfn];

    if (!page) {
        page = bus_ram_write_begin(b->ram[which], pfn, off, 1);
        if (!b->ram[which]->page[pfn].traps)
            b->direct[which][pfn] = page;
    }
    if (!b->address[which][pfn])
        b->address[which][pfn] = page;
    if (page != b->address[which][pfn])
        ck_abort_msg("page %u of %s has moved", (unsigned)pfn, b->ram[which]->name);
    page[off] = value;
    *model_at(b->now, which, pfn * P + off) = value;
}

static void compare(struct bench *b)
{
    uint8_t page[SIM_PAGE_SIZE];

    for (unsigned i = 0; i < RAMS; i++) {
        for (uint64_t pfn = 0; pfn < model_pages[i]; pfn++) {
            bus_ram_get(b->ram[i], pfn * P, page, P);
            if (memcmp(page, model_at(b->now, i, pfn * P), P))
                ck_abort_msg("page %u of %s", (unsigned)pfn, b->ram[i]->name);
        }
    }
}

static void compare_hash(struct bench *b)
{
    struct bench *fresh = bench_new();

    for (unsigned i = 0; i < RAMS; i++) {
        bus_ram_put(fresh->ram[i], 0, model_at(b->now, i, 0), model_pages[i] * P);
        ck_assert_uint_eq(bus_ram_hash(b->ram[i]), bus_ram_hash(fresh->ram[i]));
    }
    bench_free(fresh);
}

static void compare_past(struct bench *b, unsigned slot)
{
    uint8_t bytes[2 * SIM_PAGE_SIZE];
    unsigned which = (unsigned)rnd(RAMS);
    uint64_t off = rnd(model_pages[which] * P - sizeof(bytes) + 1);

    bus_snapshot_get(b->snapshot[slot], b->ram[which], off, bytes, sizeof(bytes));
    ck_assert_mem_eq(bytes, model_at(b->then[slot], which, off), sizeof(bytes));
}

START_TEST(any_snapshot_can_be_restored_in_any_order)
{
    struct bench *b = bench_new();

    random_state = 88172645463325252u + (uint64_t)_i;
    for (unsigned step = 0; step < 600; step++) {
        unsigned slot = (unsigned)rnd(SNAPSHOTS);
        uint64_t action = rnd(100);

        if (action < 40) {
            write_somewhere(b);
        } else if (action < 75) {
            for (unsigned n = (unsigned)rnd(20); n > 0; n--)
                store_byte(b);
        } else if (action < 85) {
            if (b->snapshot[slot]) {
                bus_snapshot_free(&b->m, b->snapshot[slot]);
                b->snapshot[slot] = NULL;
            } else {
                b->snapshot[slot] = bus_snapshot_take(&b->m);
                ck_assert_ptr_nonnull(b->snapshot[slot]);
                if (!b->then[slot])
                    b->then[slot] = malloc(MODEL_BYTES);
                memcpy(b->then[slot], b->now, MODEL_BYTES);
            }
        } else if (action < 94) {
            if (b->snapshot[slot]) {
                bus_snapshot_restore(&b->m, b->snapshot[slot]);
                memcpy(b->now, b->then[slot], MODEL_BYTES);
                compare(b);
                compare_past(b, slot);
            }
        } else if (action < 96) {
            compare(b);
        } else if (action < 98) {
            bus_ram_hash(b->ram[rnd(RAMS)]);
        } else {
            compare_hash(b);
        }
    }
    compare(b);
    compare_hash(b);
    bench_free(b); /* asserts that no version is left */
}
END_TEST

START_TEST(restoring_nothing_gives_fresh_memory)
{
    struct bench *b = bench_new(), *fresh = bench_new();

    random_state = 5;
    for (int i = 0; i < 50; i++)
        write_somewhere(b);
    b->snapshot[0] = bus_snapshot_take(&b->m);
    for (int i = 0; i < 50; i++)
        write_somewhere(b);
    bus_snapshot_restore(&b->m, NULL);
    memcpy(b->now, fresh->now, MODEL_BYTES);
    compare(b);
    for (unsigned i = 0; i < RAMS; i++)
        ck_assert_uint_eq(bus_ram_hash(b->ram[i]), 0);
    bench_free(b);
    bench_free(fresh);
}
END_TEST

START_TEST(a_snapshot_costs_the_pages_written_since)
{
    struct bus_memory m;
    struct bus_ram *ram;
    struct bus_snapshot *s[3];
    uint64_t bytes, cost;

    bus_memory_init(&m);
    ram = ram_new(&m, "ram", 1 << 15);
    for (uint64_t pfn = 0; pfn < 1 << 15; pfn++) {
        uint64_t content = pfn + 1; /* all different, none zero */

        bus_ram_put(ram, pfn * P, &content, sizeof(content));
    }
    bytes = m.store_bytes;
    ck_assert_uint_eq(bytes, 0);
    s[0] = bus_snapshot_take(&m);
    bytes = m.store_bytes; /* versions and tree, but no copies: they borrow the live pages */
    ck_assert_uint_lt(bytes, (1 << 15) * 64 + 1000000);
    s[1] = bus_snapshot_take(&m);
    ck_assert_uint_lt(m.store_bytes - bytes, 100);
    for (uint64_t pfn = 0; pfn < 100; pfn++)
        bus_ram_put(ram, pfn * P + 8, "x", 1);
    ck_assert_uint_eq(m.store_bytes - bytes, 100 * P);
    s[2] = bus_snapshot_take(&m);
    bytes = m.store_bytes - bytes - 100 * P;
    ck_assert_uint_lt(bytes, 100 * 64 + 10 * 600);
    cost = bus_snapshot_cost(s[0]);
    bytes = m.store_bytes;
    bus_snapshot_free(&m, s[0]); /* s[1] has the same pages */
    ck_assert_uint_eq(m.store_bytes, bytes);
    ck_assert_uint_lt(cost, 200);
    cost = bus_snapshot_cost(s[1]);
    ck_assert_uint_ge(cost, 100 * P);
    bus_snapshot_free(&m, s[1]);
    ck_assert_uint_ge(bytes - m.store_bytes + 200, cost);
    bus_snapshot_free(&m, s[2]);
    for (uint64_t pfn = 0; pfn < 1 << 15; pfn++)
        bus_ram_put(ram, pfn * P + 8, "y", 1); /* nobody refers to them: nothing is kept */
    ck_assert_uint_lt(m.store_bytes, 1000000);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(equal_pages_are_kept_once)
{
    struct bus_memory m;
    struct bus_ram *ram;
    struct bus_snapshot *s[10];
    uint8_t page[SIM_PAGE_SIZE];

    bus_memory_init(&m);
    ram = ram_new(&m, "ram", 64);
    for (int i = 0; i < 10; i++) { /* a page that goes to and fro, and 20 equal ones */
        memset(page, i % 2 + 1, P);
        bus_ram_put(ram, 0, page, P);
        memset(page, 7, P);
        for (int j = 1; j <= 20; j++)
            bus_ram_put(ram, (uint64_t)j * P, page, P);
        s[i] = bus_snapshot_take(&m);
    }
    memset(page, 9, P);
    for (int j = 0; j <= 20; j++)
        bus_ram_put(ram, (uint64_t)j * P, page, P);
    ck_assert_uint_lt(m.store_bytes, 4 * P + 10 * 1200);
    bus_snapshot_restore(&m, s[4]);
    ck_assert_uint_eq(bus_ram_read_page(ram, 0)[0], 1);
    ck_assert_uint_eq(bus_ram_read_page(ram, 20)[4095], 7);
    for (int i = 0; i < 10; i++)
        bus_snapshot_free(&m, s[i]);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(restoring_tells_of_code_only_where_it_changes)
{
    struct bus_memory m;
    struct bus_ram *ram;
    struct bus_snapshot *s;
    struct heard h;

    bus_memory_init(&m);
    ram = ram_new(&m, "ram", 8);
    for (uint64_t pfn = 1; pfn <= 3; pfn++) {
        bus_ram_put(ram, pfn * P, "code", 4);
        bus_ram_trap_set(ram, pfn, BUS_TRAP_CODE);
    }
    s = bus_snapshot_take(&m);
    bus_ram_put(ram, 2 * P, "more", 4);
    bus_ram_put(ram, 3 * P, "code", 4);
    listen(&h, &m);
    bus_snapshot_restore(&m, s);
    ck_assert_uint_eq(h.revoked_all, 1);
    ck_assert(h.code_writes == 1 && h.pfn == 2 && h.off == 0 && h.len == P);
    ck_assert(ram->page[2].traps & BUS_TRAP_CODE); /* the CPU's to clear */
    bus_snapshot_free(&m, s);
    bus_memory_fini(&m);
}
END_TEST

struct pages {
    unsigned count;
    uint64_t pfn[16];
    const char *ram[16];
    uint8_t first[16];
};

static enum sim_err note_page(void *arg, struct bus_ram *ram, uint64_t pfn, const uint8_t *data)
{
    struct pages *p = arg;

    if (p->count == 16)
        return SIM_ERR_IO;
    p->ram[p->count] = ram->name;
    p->first[p->count] = data[0];
    p->pfn[p->count++] = pfn;
    return SIM_OK;
}

START_TEST(pages_that_differ_from_their_fill_are_listed_in_order)
{
    static const uint64_t written[] = { 4000, 3, 65, 64, 100 };
    struct pages now = { 0 }, then = { 0 }, disk_pages = { 0 };
    struct bus_memory m;
    struct bus_ram *ram, *disk, *rom;
    struct bus_snapshot *s;
    unsigned fills = 0;

    bus_memory_init(&m);
    ram = ram_new(&m, "ram", 5000);
    disk = ram_new(&m, "disk", 10);
    disk->fill = patterned;
    disk->fill_arg = &fills;
    ck_assert_int_eq(bus_ram_create(&m, "rom", P, false, &rom), SIM_OK);
    bus_ram_put(rom, 0, "rom", 3);
    for (unsigned i = 0; i < 5; i++)
        bus_ram_put(ram, written[i] * P, "a", 1);
    bus_ram_put(ram, 100 * P, "", 1); /* zero again */
    bus_ram_put(disk, 0, "d", 1);
    bus_ram_read_page(disk, 4);
    bus_ram_put(disk, 5 * P, "", 1); /* the fill, again */
    s = bus_snapshot_take(&m);
    bus_ram_put(ram, 3 * P, "b", 1);
    bus_ram_put(ram, 5 * P, "b", 1);
    ck_assert_int_eq(bus_memory_each_page(&m, note_page, &now), SIM_OK);
    ck_assert_uint_eq(now.count, 6);
    ck_assert(now.pfn[0] == 3 && now.pfn[1] == 5 && now.pfn[2] == 64 && now.pfn[3] == 65 && now.pfn[4] == 4000);
    ck_assert(now.first[0] == 'b' && now.first[2] == 'a' && now.first[5] == 'd');
    ck_assert_str_eq(now.ram[5], "disk");
    ck_assert_int_eq(bus_snapshot_each_page(&m, s, note_page, &then), SIM_OK);
    ck_assert(then.count == 5 && then.first[0] == 'a' && then.pfn[1] == 64);
    ck_assert_int_eq(bus_ram_each_page(rom, note_page, &disk_pages), SIM_OK);
    ck_assert_uint_eq(disk_pages.count, 1);
    for (uint64_t pfn = 200; pfn < 220; pfn++)
        bus_ram_put(ram, pfn * P, "c", 1);
    ck_assert_int_eq(bus_memory_each_page(&m, note_page, &now), SIM_ERR_IO); /* the callee's error ends it */
    bus_snapshot_free(&m, s);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(rom_contents_are_in_no_snapshot)
{
    struct bus_memory m;
    struct bus_ram *rom;
    struct bus_snapshot *s;
    char text[4] = "";

    bus_memory_init(&m);
    ck_assert_int_eq(bus_ram_create(&m, "rom", P, false, &rom), SIM_OK);
    s = bus_snapshot_take(&m);
    bus_ram_put(rom, 0, "rom", 3);
    bus_snapshot_restore(&m, s);
    bus_ram_get(rom, 0, text, 3);
    ck_assert_str_eq(text, "rom");
    bus_snapshot_free(&m, s);
    bus_memory_fini(&m);
}
END_TEST

START_TEST(a_memory_may_go_before_the_snapshots_do)
{
    struct bus_memory m;
    struct bus_ram *a, *b;
    struct bus_snapshot *s;
    uint8_t page[SIM_PAGE_SIZE];
    char text[5] = "";

    bus_memory_init(&m);
    a = ram_new(&m, "a", 100);
    b = ram_new(&m, "b", 100);
    memset(page, 3, P);
    bus_ram_put(a, 7 * P, page, P);
    bus_ram_put(b, 9 * P, page, P); /* shares the version that borrows a's page */
    bus_ram_put(b, 0, "text", 4);
    s = bus_snapshot_take(&m);
    bus_ram_destroy(a);
    bus_ram_put(b, 9 * P, "x", 1);
    bus_ram_put(b, 0, "else", 4);
    a = ram_new(&m, "a", 50);
    bus_ram_put(a, 7 * P, "young", 5); /* younger than the snapshot */
    bus_snapshot_restore(&m, s);
    ck_assert_mem_eq(bus_ram_read_page(b, 9), page, P);
    bus_ram_get(b, 0, text, 4);
    ck_assert_str_eq(text, "text");
    ck_assert_uint_eq(bus_ram_hash(a), 0);
    bus_snapshot_free(&m, s);
    bus_memory_fini(&m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ram");
    TCase *t = tcase_create("ram");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, an_absent_page_reads_as_its_fill);
    tcase_add_test(t, a_trapped_page_is_not_written_directly);
    tcase_add_test(t, sizes_are_rounded_to_pages_and_names_are_unique);
    tcase_add_test(t, a_huge_sparse_disk_costs_what_was_written);
    tcase_add_test(t, equal_contents_have_equal_hashes);
    tcase_add_loop_test(t, any_snapshot_can_be_restored_in_any_order, 0, 12);
    tcase_add_test(t, restoring_nothing_gives_fresh_memory);
    tcase_add_test(t, a_snapshot_costs_the_pages_written_since);
    tcase_add_test(t, equal_pages_are_kept_once);
    tcase_add_test(t, restoring_tells_of_code_only_where_it_changes);
    tcase_add_test(t, pages_that_differ_from_their_fill_are_listed_in_order);
    tcase_add_test(t, rom_contents_are_in_no_snapshot);
    tcase_add_test(t, a_memory_may_go_before_the_snapshots_do);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
