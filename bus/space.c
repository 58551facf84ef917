#include "bus/space.h"

#include "base/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX (UINT64_C(1) << 52)
#define DEPTH_MAX 16 /* of containers and aliases; an alias that shows itself ends there */

/* ---- Flattening ---- */

static void insert_at(struct bus_view *v, uint32_t i, struct bus_flat flat)
{
    if (v->count == v->cap) {
        uint32_t cap = v->cap ? v->cap * 2 : 64;
        struct bus_flat *p = realloc(v->flat, cap * sizeof(*p));

        if (!p)
            sim_out_of_memory("address map");
        v->flat = p;
        v->cap = cap;
    }
    memmove(&v->flat[i + 1], &v->flat[i], (v->count - i) * sizeof(v->flat[0]));
    v->flat[i] = flat;
    v->count++;
}

/* Index of the first range that ends at or after `addr`. */
static uint32_t first_not_below(const struct bus_view *v, uint64_t addr)
{
    uint32_t lo = 0, hi = v->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (v->flat[mid].last < addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Puts those parts of `flat` into the view that nothing painted before covers. */
static void paint(struct bus_view *v, struct bus_flat flat)
{
    uint32_t i = first_not_below(v, flat.first);

    for (;;) {
        struct bus_flat part = flat;

        if (i < v->count && v->flat[i].first <= flat.first) {
            if (v->flat[i].last >= flat.last)
                return;
            flat.off += v->flat[i].last + 1 - flat.first;
            flat.first = v->flat[i].last + 1;
            i++;
            continue;
        }
        if (i < v->count && v->flat[i].first <= flat.last)
            part.last = v->flat[i].first - 1;
        insert_at(v, i++, part);
        if (part.last == flat.last)
            return;
        flat.off += part.last + 1 - flat.first;
        flat.first = part.last + 1;
    }
}

static uint32_t whole_sizes(const struct sim_range *range)
{
    unsigned max = range->ops->max_size ? range->ops->max_size : 4;
    uint32_t sizes = 0;

    for (unsigned n = 1; n <= max; n *= 2)
        if (n >= range->ops->min_size)
            sizes |= 1u << n;
    return sizes;
}

/* Shows bytes lo..hi of region `r` at `addr`. What wins is painted first. */
static void render(struct bus_view *v, enum bus_viewer viewer, const struct bus_region *r, uint64_t lo, uint64_t hi, uint64_t addr,
                   unsigned way, unsigned depth)
{
    struct bus_flat flat;

    if (!r || !r->enabled || r->hidden & BUS_HIDE(viewer) || !(r->answers & way) || lo >= r->length || depth > DEPTH_MAX)
        return;
    if (hi > r->length - 1)
        hi = r->length - 1;
    switch (r->kind) {
    case BUS_REGION_CONTAINER:
        for (const struct bus_region *c = r->children; c; c = c->sibling) {
            uint64_t first = c->base > lo ? c->base : lo;
            uint64_t last = c->length - 1 < hi - c->base ? c->base + c->length - 1 : hi;

            if (c->base <= hi && first <= last)
                render(v, viewer, c, first - c->base, last - c->base, addr + (first - lo), way, depth + 1);
        }
        return;
    case BUS_REGION_ALIAS:
        if (r->alias_off <= LENGTH_MAX)
            render(v, viewer, r->alias, lo + r->alias_off, hi + r->alias_off, addr, way, depth + 1);
        return;
    case BUS_REGION_RAM:
    case BUS_REGION_ROM:
    case BUS_REGION_DEVICE:
        flat.first = addr;
        flat.last = addr + (hi - lo);
        flat.region = r;
        flat.off = r->kind == BUS_REGION_DEVICE ? lo : lo + r->ram_off;
        flat.whole = r->kind == BUS_REGION_DEVICE ? whole_sizes(r->range) : 0;
        paint(v, flat);
        return;
    }
}

static void flatten_view(const struct bus_space *s, struct bus_view *v, enum bus_viewer viewer, unsigned way)
{
    v->count = 0;
    v->hit = NULL;
    v->pages_bytes = 0;
    v->generation = s->generation;
    render(v, viewer, &s->root, 0, s->root.length - 1, 0, way, 0);
}

static void flatten(struct bus_space *s)
{
    if (s->batch) {
        s->stale = true;
        return;
    }
    s->stale = false;
    s->generation++;
    for (unsigned viewer = 0; viewer < BUS_VIEWERS; viewer++)
        s->reads[viewer].hit = s->writes[viewer].hit = NULL;
    flatten_view(s, &s->reads[BUS_NORMAL], BUS_NORMAL, BUS_READS);
    flatten_view(s, &s->writes[BUS_NORMAL], BUS_NORMAL, BUS_WRITES);
    if (s->changed)
        s->changed(s->changed_arg);
}

/* ---- Public functions ---- */

enum sim_err bus_space_init(struct bus_space *s, const char *name, uint64_t length)
{
    memset(s, 0, sizeof(*s));
    if (length == 0 || length > LENGTH_MAX)
        return sim_fail(SIM_ERR_USAGE, "space %s: length %" PRIu64 "; 1 to 2^52", name, length);
    s->name = name;
    s->root.name = name;
    s->root.kind = BUS_REGION_CONTAINER;
    s->root.length = length;
    s->root.answers = BUS_READS | BUS_WRITES;
    s->root.enabled = true;
    return SIM_OK;
}

void bus_space_fini(struct bus_space *s)
{
    for (unsigned viewer = 0; viewer < BUS_VIEWERS; viewer++) {
        free(s->reads[viewer].flat);
        free(s->writes[viewer].flat);
    }
    memset(s, 0, sizeof(*s));
}

static bool misaligned(const struct bus_region *r, uint64_t base)
{
    return (r->kind == BUS_REGION_RAM || r->kind == BUS_REGION_ROM) &&
           ((base | r->length | r->ram_off) & SIM_PAGE_MASK);
}

enum sim_err bus_region_add(struct bus_space *s, struct bus_region *parent, struct bus_region *region, uint64_t base)
{
    struct bus_region **at;

    if (!parent)
        parent = &s->root;
    if (region->parent)
        return sim_fail(SIM_ERR_USAGE, "%s is in %s already", region->name, region->parent->name);
    if (parent->kind != BUS_REGION_CONTAINER)
        return sim_fail(SIM_ERR_USAGE, "%s: %s is no container", region->name, parent->name);
    if (region->length == 0 || region->length > parent->length || base > parent->length - region->length)
        return sim_fail(SIM_ERR_USAGE, "%s: %" PRIu64 " bytes at 0x%" PRIx64 " do not fit into %s", region->name,
                        region->length, base, parent->name);
    if (misaligned(region, base))
        return sim_fail(SIM_ERR_USAGE, "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not whole pages", region->name,
                        region->length, base);
    if ((region->kind == BUS_REGION_RAM || region->kind == BUS_REGION_ROM) &&
        (!region->ram || region->ram_off > region->ram->pages * SIM_PAGE_SIZE ||
         region->length > region->ram->pages * SIM_PAGE_SIZE - region->ram_off))
        return sim_fail(SIM_ERR_USAGE, "%s shows more than its memory has", region->name);
    if ((region->kind == BUS_REGION_DEVICE && !region->range) || (region->kind == BUS_REGION_ALIAS && !region->alias))
        return sim_fail(SIM_ERR_USAGE, "%s points at nothing", region->name);
    for (at = &parent->children; *at && (*at)->priority > region->priority; at = &(*at)->sibling)
        ;
    region->sibling = *at;
    *at = region;
    region->parent = parent;
    region->base = base;
    flatten(s);
    return SIM_OK;
}

void bus_region_remove(struct bus_space *s, struct bus_region *region)
{
    struct bus_region **at;

    if (!region->parent)
        return;
    for (at = &region->parent->children; *at != region; at = &(*at)->sibling)
        ;
    *at = region->sibling;
    region->parent = region->sibling = NULL;
    flatten(s);
}

void bus_region_move(struct bus_space *s, struct bus_region *region, uint64_t base)
{
    assert(!misaligned(region, base));
    if (region->base == base)
        return;
    region->base = base;
    flatten(s);
}

void bus_region_enable(struct bus_space *s, struct bus_region *region, bool enabled)
{
    if (region->enabled == enabled)
        return;
    region->enabled = enabled;
    flatten(s);
}

void bus_region_answer(struct bus_space *s, struct bus_region *region, unsigned answers)
{
    if (region->answers == answers)
        return;
    region->answers = answers;
    flatten(s);
}

void bus_region_hide(struct bus_space *s, struct bus_region *region, unsigned hidden)
{
    if (region->hidden == hidden)
        return;
    region->hidden = hidden;
    flatten(s);
}

void bus_space_begin(struct bus_space *s)
{
    s->batch++;
}

void bus_space_commit(struct bus_space *s)
{
    assert(s->batch > 0);
    if (--s->batch == 0 && s->stale)
        flatten(s);
}

/* What the viewer sees, up to date. */
static struct bus_view *view_of(struct bus_space *s, enum bus_viewer viewer, bool write)
{
    struct bus_view *v = write ? &s->writes[viewer] : &s->reads[viewer];

    if (v->generation != s->generation) {
        assert(!s->batch);
        flatten_view(s, v, viewer, write ? BUS_WRITES : BUS_READS);
    }
    return v;
}

const struct bus_flat *bus_space_find_run(struct bus_space *s, enum bus_viewer viewer, uint64_t addr, bool write, uint64_t *run)
{
    struct bus_view *v = view_of(s, viewer, write);
    const struct bus_flat *f;
    uint32_t i = first_not_below(v, addr);

    if (i == v->count) {
        *run = 0 - addr;
        return NULL;
    }
    f = &v->flat[i];
    if (f->first > addr) {
        *run = f->first - addr;
        return NULL;
    }
    v->hit = f;
    *run = f->last - addr + 1;
    return f;
}

const struct bus_flat *bus_space_run(struct bus_space *s, uint64_t addr, bool write, uint64_t *run)
{
    return bus_space_run_as(s, BUS_NORMAL, addr, write, run);
}

const struct bus_flat *bus_space_find(struct bus_space *s, uint64_t addr, bool write)
{
    uint64_t run;

    return bus_space_run(s, addr, write, &run);
}

static void format_view(const struct bus_view *v, const char *way, struct sim_buf *out)
{
    for (uint32_t i = 0; i < v->count; i++) {
        const struct bus_flat *f = &v->flat[i];
        const struct bus_region *r = f->region;

        sim_buf_printf(out, "%s %010" PRIx64 "-%010" PRIx64 " ", way, f->first, f->last);
        if (r->kind == BUS_REGION_DEVICE)
            sim_buf_printf(out, "device %s+0x%" PRIx64 "\n", r->name, f->off);
        else
            sim_buf_printf(out, "%s %s (%s+0x%" PRIx64 ")\n", r->kind == BUS_REGION_RAM ? "ram" : "rom", r->name,
                           r->ram->name, f->off);
    }
}

static bool views_equal(const struct bus_view *v, const struct bus_view *w)
{
    if (v->count != w->count)
        return false;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct bus_flat *a = &v->flat[i], *b = &w->flat[i];

        if (a->first != b->first || a->last != b->last || a->region != b->region || a->off != b->off)
            return false;
    }
    return true;
}

static void format_viewer(const struct bus_view *reads, const struct bus_view *writes, struct sim_buf *out)
{
    if (views_equal(reads, writes)) {
        format_view(reads, "rw", out);
        return;
    }
    format_view(reads, "r ", out);
    format_view(writes, " w", out);
}

void bus_space_format(struct bus_space *s, struct sim_buf *out)
{
    const struct bus_view *reads = view_of(s, BUS_NORMAL, false), *writes = view_of(s, BUS_NORMAL, true);
    const struct bus_view *smm_reads = view_of(s, BUS_SMM, false), *smm_writes = view_of(s, BUS_SMM, true);
    const struct bus_view *code = view_of(s, BUS_SMM_CODE, false);

    format_viewer(reads, writes, out);
    if (!views_equal(reads, smm_reads) || !views_equal(writes, smm_writes)) {
        sim_buf_printf(out, "in system-management mode:\n");
        format_viewer(smm_reads, smm_writes, out);
    }
    if (!views_equal(smm_reads, code)) {
        sim_buf_printf(out, "in system-management mode, instructions:\n");
        format_view(code, "x ", out);
    }
}
