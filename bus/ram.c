#include "bus/ram.h"

#include "base/error.h"
#include "bus/private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

#define RAM_MAX_BYTES (UINT64_C(1) << 40)

/* Page data come in chunks the size of a host huge page: guests touch memory all over the place, and the host's TLB
 * then has less to miss. */
#define CHUNK_BYTES (UINT64_C(2) << 20)

struct bus_chunk {
    struct bus_chunk *next;
    uint8_t *base;
    size_t bytes, used;
};

static void *reserve(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

/* A chunk of CHUNK_BYTES at an address divisible by it. */
static uint8_t *reserve_huge(void)
{
    uint8_t *p = reserve(2 * CHUNK_BYTES), *aligned;

    if (!p)
        return NULL;
    aligned = p + (-(uintptr_t)p & (CHUNK_BYTES - 1));
    if (aligned > p)
        munmap(p, (size_t)(aligned - p));
    munmap(aligned + CHUNK_BYTES, (size_t)(p + CHUNK_BYTES - aligned));
#ifdef MADV_HUGEPAGE
    (void)madvise(aligned, CHUNK_BYTES, MADV_HUGEPAGE);
#endif
    return aligned;
}

uint8_t *bus_ram_page_alloc(struct bus_ram *ram)
{
    struct bus_chunk *c = ram->chunks;

    if (!c || c->used == c->bytes) {
        uint64_t all = ram->pages * SIM_PAGE_SIZE;

        c = malloc(sizeof(*c));
        if (!c)
            sim_out_of_memory(ram->name);
        c->bytes = all < CHUNK_BYTES ? all : CHUNK_BYTES;
        c->used = 0;
        c->base = c->bytes == CHUNK_BYTES ? reserve_huge() : reserve(c->bytes);
        if (!c->base)
            sim_out_of_memory(ram->name);
        c->next = ram->chunks;
        ram->chunks = c;
    }
    c->used += SIM_PAGE_SIZE;
    return c->base + c->used - SIM_PAGE_SIZE;
}

void bus_pfn_list_add(struct bus_pfn_list *list, uint64_t pfn)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        uint64_t *p = realloc(list->pfn, cap * sizeof(*p));

        if (!p)
            sim_out_of_memory("list of written pages");
        list->pfn = p;
        list->cap = cap;
    }
    list->pfn[list->count++] = pfn;
}

/* ---- Content ---- */

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && !memcmp(page, page + 1, SIM_PAGE_SIZE - 1);
}

bool bus_ram_fill(const struct bus_ram *ram, uint64_t pfn, uint8_t out[SIM_PAGE_SIZE])
{
    if (ram->fill && ram->fill(ram->fill_arg, pfn, out))
        return true;
    memset(out, 0, SIM_PAGE_SIZE);
    return !ram->fill;
}

bool bus_ram_content_hash(const struct bus_ram *ram, uint64_t pfn, const uint8_t *data, uint64_t *hash)
{
    if (ram->fill) {
        uint8_t fill[SIM_PAGE_SIZE];

        bus_ram_fill(ram, pfn, fill);
        if (!memcmp(data, fill, SIM_PAGE_SIZE))
            return false;
    } else if (is_zero(data)) {
        return false;
    }
    *hash = XXH3_64bits(data, SIM_PAGE_SIZE);
    return true;
}

uint64_t bus_ram_contribution(const struct bus_ram *ram, uint64_t pfn, uint64_t content_hash)
{
    uint8_t bytes[16];
    uint64_t hash;

    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(content_hash >> 8 * i);
        bytes[8 + i] = (uint8_t)(pfn >> 8 * i);
    }
    hash = XXH3_64bits_withSeed(bytes, sizeof(bytes), ram->seed);
    return hash ? hash : 1;
}

/* ---- Listeners ---- */

void bus_memory_revoke_all(struct bus_memory *m)
{
    for (struct bus_ram_listener *l = m->listeners; l; l = l->next)
        if (l->revoke_all)
            l->revoke_all(l->arg);
}

void bus_ram_code_write(struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    for (struct bus_ram_listener *l = ram->memory->listeners; l; l = l->next)
        if (l->code_write)
            l->code_write(l->arg, ram, pfn, off, len);
}

/* ---- The slow halves of bus_ram_read_page and bus_ram_write_begin ---- */

uint8_t *bus_ram_make_present(struct bus_ram *ram, uint64_t pfn)
{
    struct bus_page *page = &ram->page[pfn];

    assert(pfn < ram->pages && !page->data);
    page->data = bus_ram_page_alloc(ram);
    if (ram->fill)
        bus_ram_fill(ram, pfn, page->data);
    /* Without a fill it is zero already: chunks are fresh, and pages are never given back. */
    page->traps |= BUS_TRAP_CLEAN;
    return page->data;
}

uint8_t *bus_ram_settle(struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    struct bus_page *page = &ram->page[pfn];

    assert(pfn < ram->pages && len >= 1 && off + len <= SIM_PAGE_SIZE);
    if (!page->data)
        bus_ram_make_present(ram, pfn);
    if (page->traps & BUS_TRAP_CLEAN) {
        ram->sum -= page->hash;
        page->hash = 0;
        bus_pfn_list_add(&ram->unhashed, pfn);
        if (!page->changed) {
            bus_version_keep(ram, pfn);
            page->version = NULL;
            page->changed = true;
            bus_pfn_list_add(&ram->changed, pfn);
        }
        page->traps &= ~(uint32_t)BUS_TRAP_CLEAN;
    }
    if (page->traps & BUS_TRAP_CODE)
        bus_ram_code_write(ram, pfn, off, len);
    if (page->traps & BUS_TRAP_WATCH)
        for (struct bus_ram_listener *l = ram->memory->listeners; l; l = l->next)
            if (l->watched_write)
                l->watched_write(l->arg, ram, pfn, off, len);
    return page->data;
}

/* ---- Public functions ---- */

void bus_memory_init(struct bus_memory *m)
{
    memset(m, 0, sizeof(*m));
}

void bus_memory_fini(struct bus_memory *m)
{
    while (m->first)
        bus_ram_destroy(m->first);
    bus_versions_fini(m);
    memset(m, 0, sizeof(*m));
}

void bus_memory_listen(struct bus_memory *m, struct bus_ram_listener *l)
{
    struct bus_ram_listener **at = &m->listeners;

    while (*at)
        at = &(*at)->next;
    l->next = NULL;
    *at = l;
}

void bus_memory_unlisten(struct bus_memory *m, struct bus_ram_listener *l)
{
    for (struct bus_ram_listener **at = &m->listeners; *at; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            return;
        }
    }
}

enum sim_err bus_ram_create(struct bus_memory *m, const char *name, uint64_t bytes, bool state, struct bus_ram **out)
{
    struct bus_ram *ram, **at;

    if (bytes == 0 || bytes > RAM_MAX_BYTES)
        return sim_fail(SIM_ERR_USAGE, "memory %s: %llu bytes; 1 to 2^40", name, (unsigned long long)bytes);
    if (bus_ram_find(m, name))
        return sim_fail(SIM_ERR_OVERLAP, "memory %s exists already", name);
    ram = calloc(1, sizeof(*ram));
    if (!ram)
        return sim_fail(SIM_ERR_NOMEM, "memory %s", name);
    ram->pages = (bytes + SIM_PAGE_MASK) >> SIM_PAGE_SHIFT;
    ram->name = strdup(name);
    ram->page = reserve(ram->pages * sizeof(*ram->page));
    if (!ram->name || !ram->page) {
        if (ram->page)
            munmap(ram->page, ram->pages * sizeof(*ram->page));
        free((char *)(uintptr_t)ram->name);
        free(ram);
        return sim_fail(SIM_ERR_NOMEM, "memory %s of %llu bytes", name, (unsigned long long)bytes);
    }
    ram->state = state;
    ram->memory = m;
    ram->seed = XXH3_64bits(name, strlen(name));
    ram->serial = ++m->serial;
    ram->levels = 1;
    while (ram->pages > UINT64_C(1) << 6 * ram->levels)
        ram->levels++;
    for (at = &m->first; *at; at = &(*at)->next)
        ;
    *at = ram;
    *out = ram;
    return SIM_OK;
}

void bus_ram_destroy(struct bus_ram *ram)
{
    struct bus_ram **at = &ram->memory->first;

    while (*at != ram)
        at = &(*at)->next;
    *at = ram->next;
    bus_versions_leave(ram);
    while (ram->chunks) {
        struct bus_chunk *c = ram->chunks;

        ram->chunks = c->next;
        munmap(c->base, c->bytes);
        free(c);
    }
    munmap(ram->page, ram->pages * sizeof(*ram->page));
    free(ram->changed.pfn);
    free(ram->unhashed.pfn);
    free((char *)(uintptr_t)ram->name);
    free(ram);
}

struct bus_ram *bus_ram_find(struct bus_memory *m, const char *name)
{
    struct bus_ram *ram = m->first;

    while (ram && strcmp(ram->name, name))
        ram = ram->next;
    return ram;
}

void bus_ram_trap_set(struct bus_ram *ram, uint64_t pfn, uint32_t trap)
{
    struct bus_page *page = &ram->page[pfn];
    bool first = !page->traps;

    assert(pfn < ram->pages && !(trap & BUS_TRAP_CLEAN));
    page->traps |= trap;
    if (!first || !trap)
        return;
    for (struct bus_ram_listener *l = ram->memory->listeners; l; l = l->next)
        if (l->revoke)
            l->revoke(l->arg, ram, pfn);
}

void bus_ram_trap_clear(struct bus_ram *ram, uint64_t pfn, uint32_t trap)
{
    assert(pfn < ram->pages && !(trap & BUS_TRAP_CLEAN));
    ram->page[pfn].traps &= ~trap;
}

void bus_ram_get(struct bus_ram *ram, uint64_t off, void *out, size_t len)
{
    uint64_t bytes = ram->pages * SIM_PAGE_SIZE;
    uint8_t *to = out;

    assert(off <= bytes && len <= bytes - off);
    while (len) {
        uint64_t pfn = off >> SIM_PAGE_SHIFT;
        size_t in_page = off & SIM_PAGE_MASK;
        size_t n = SIM_PAGE_SIZE - in_page < len ? SIM_PAGE_SIZE - in_page : len;
        const uint8_t *data = ram->page[pfn].data;

        if (data) {
            memcpy(to, data + in_page, n);
        } else if (ram->fill) {
            uint8_t fill[SIM_PAGE_SIZE];

            bus_ram_fill(ram, pfn, fill);
            memcpy(to, fill + in_page, n);
        } else {
            memset(to, 0, n);
        }
        to += n;
        off += n;
        len -= n;
    }
}

void bus_ram_put(struct bus_ram *ram, uint64_t off, const void *in, size_t len)
{
    uint64_t bytes = ram->pages * SIM_PAGE_SIZE;
    const uint8_t *from = in;

    assert(off <= bytes && len <= bytes - off);
    while (len) {
        uint32_t in_page = off & SIM_PAGE_MASK;
        uint32_t n = SIM_PAGE_SIZE - in_page < len ? SIM_PAGE_SIZE - in_page : (uint32_t)len;

        memcpy(bus_ram_write_begin(ram, off >> SIM_PAGE_SHIFT, in_page, n) + in_page, from, n);
        from += n;
        off += n;
        len -= n;
    }
}

uint64_t bus_ram_hash(struct bus_ram *ram)
{
    bool revoke = false;

    for (size_t i = 0; i < ram->unhashed.count; i++) {
        uint64_t pfn = ram->unhashed.pfn[i], hash;
        struct bus_page *page = &ram->page[pfn];

        page->hash = 0;
        if (bus_ram_content_hash(ram, pfn, page->data, &hash))
            page->hash = bus_ram_contribution(ram, pfn, hash);
        ram->sum += page->hash;
        revoke |= !page->traps;
        page->traps |= BUS_TRAP_CLEAN;
    }
    ram->unhashed.count = 0;
    if (revoke)
        bus_memory_revoke_all(ram->memory);
    return ram->sum;
}
