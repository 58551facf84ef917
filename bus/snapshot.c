/*
 * Snapshots: persistent trees of page versions.
 *
 * Each RAM has a tree, indexed by pfn, that holds the version of every page; NULL stands for the fill. A snapshot is a
 * reference to the root of each RAM's tree. Nodes and versions are shared by counting references, and a node is copied
 * before it is changed unless this tree alone refers to it, so one more snapshot costs the paths to the pages that
 * changed since the last.
 *
 *      snapshot 1 --> root      root <-- snapshot 2 <-- ram->tree
 *                     /  \      /  \
 *                  node   node    node'
 *                  /  \   /  \    /  \
 *                 v1   v2 ...   v2   v3
 *
 * A version borrows its bytes from a live page that equals it, until bus_version_keep() copies them into the store
 * before that page's first write. Host addresses of pages never change.
 *
 *      page            ram->tree says        BUS_TRAP_CLEAN (hash counted)   listed in
 *      absent          fill                  -  (counts 0)                   -
 *      recorded        page->version         yes                             -
 *      hashed          out of date           yes                             changed
 *      written         out of date           no                              changed, unhashed
 *
 * RAMs without `state` go through the same states but are in no snapshot.
 */
#include "bus/ram.h"

#include "base/error.h"
#include "bus/private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FANOUT_BITS 6
#define FANOUT (1u << FANOUT_BITS)

struct bus_page_version {
    struct bus_page_version *next; /* in its bucket */
    uint64_t hash;                 /* of the content */
    uint8_t *data;                 /* owned copy; NULL while borrowed */
    struct bus_page *borrowed;     /* the page that equals it, while data is NULL */
    uint32_t refs;                 /* leaves that refer to it */
};

struct bus_tree_node {
    uint32_t refs;
    void *child[FANOUT]; /* nodes; in leaves (level 0) versions */
};

struct bus_snapshot {
    uint32_t count;
    struct {
        uint64_t serial; /* of the RAM */
        struct bus_tree_node *root;
        unsigned levels;
    } ram[];
};

/* ---- Versions ---- */

static const uint8_t *version_bytes(const struct bus_page_version *v)
{
    return v->data ? v->data : v->borrowed->data;
}

static struct bus_page_version **bucket_of(struct bus_memory *m, uint64_t hash)
{
    return &m->bucket[hash & (m->buckets - 1)];
}

/* Doubles the table when it is full; false when there is none and no memory for one. */
static bool buckets_grow(struct bus_memory *m)
{
    size_t buckets = m->buckets ? m->buckets * 2 : 256;
    struct bus_page_version **old = m->bucket, **bucket;

    if (m->versions < m->buckets)
        return true;
    bucket = calloc(buckets, sizeof(struct bus_page_version *));
    if (!bucket)
        return m->buckets > 0;
    m->bucket = bucket;
    for (size_t i = 0, n = m->buckets; i < n; i++) {
        while (old[i]) {
            struct bus_page_version *v = old[i];

            old[i] = v->next;
            v->next = bucket[v->hash & (buckets - 1)];
            bucket[v->hash & (buckets - 1)] = v;
        }
    }
    m->buckets = buckets;
    free(old);
    return true;
}

/* A version equal to the page: one that is in the store, or a new one without references. NULL: no memory. */
static struct bus_page_version *version_of(struct bus_memory *m, struct bus_page *page, uint64_t hash)
{
    struct bus_page_version *v;

    if (!buckets_grow(m))
        return NULL;
    for (v = *bucket_of(m, hash); v; v = v->next)
        if (v->hash == hash && !memcmp(version_bytes(v), page->data, SIM_PAGE_SIZE))
            return v;
    v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->hash = hash;
    v->borrowed = page;
    v->next = *bucket_of(m, hash);
    *bucket_of(m, hash) = v;
    m->versions++;
    m->store_bytes += sizeof(*v);
    return v;
}

static void version_free(struct bus_memory *m, struct bus_page_version *v)
{
    struct bus_page_version **at = bucket_of(m, v->hash);

    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    m->versions--;
    m->store_bytes -= sizeof(*v) + (v->data ? SIM_PAGE_SIZE : 0);
    free(v->data);
    free(v);
}

static void version_unref(struct bus_memory *m, struct bus_page_version *v)
{
    if (v && --v->refs == 0)
        version_free(m, v);
}

/* The page that the version borrows from is about to change. */
static void version_copy(struct bus_memory *m, struct bus_page_version *v)
{
    v->data = malloc(SIM_PAGE_SIZE);
    if (!v->data)
        sim_out_of_memory("page of a checkpoint");
    memcpy(v->data, v->borrowed->data, SIM_PAGE_SIZE);
    v->borrowed = NULL;
    m->store_bytes += SIM_PAGE_SIZE;
}

/* ---- Trees ---- */

static unsigned child_index(uint64_t pfn, unsigned level)
{
    return (unsigned)(pfn >> FANOUT_BITS * level) & (FANOUT - 1);
}

static struct bus_page_version *tree_get(const struct bus_tree_node *root, unsigned levels, uint64_t pfn)
{
    const struct bus_tree_node *n = root;

    for (unsigned level = levels - 1; n && level > 0; level--)
        n = n->child[child_index(pfn, level)];
    return n ? n->child[child_index(pfn, 0)] : NULL;
}

static void tree_unref(struct bus_memory *m, struct bus_tree_node *n, unsigned level)
{
    if (!n || --n->refs)
        return;
    for (unsigned i = 0; i < FANOUT; i++) {
        if (level == 0)
            version_unref(m, n->child[i]);
        else
            tree_unref(m, n->child[i], level - 1);
    }
    m->store_bytes -= sizeof(*n);
    free(n);
}

/* A node that only *slot refers to: a new one, or a copy of a shared one. NULL: no memory. */
static struct bus_tree_node *node_own(struct bus_memory *m, struct bus_tree_node **slot, unsigned level)
{
    struct bus_tree_node *old = *slot, *n;

    if (old && old->refs == 1)
        return old;
    n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    m->store_bytes += sizeof(*n);
    if (old) {
        memcpy(n->child, old->child, sizeof(n->child));
        for (unsigned i = 0; i < FANOUT; i++) {
            if (n->child[i] && level == 0)
                ((struct bus_page_version *)n->child[i])->refs++;
            else if (n->child[i])
                ((struct bus_tree_node *)n->child[i])->refs++;
        }
        old->refs--;
    }
    n->refs = 1;
    *slot = n;
    return n;
}

/* Takes a reference to v (NULL: the fill). False: no memory, and the tree reads as before. */
static bool tree_set(struct bus_memory *m, struct bus_tree_node **root, unsigned levels, uint64_t pfn,
                     struct bus_page_version *v)
{
    struct bus_tree_node **slot = root;

    if (tree_get(*root, levels, pfn) == v)
        return true;
    for (unsigned level = levels; level-- > 0;) {
        struct bus_tree_node *n = node_own(m, slot, level);
        void **child;

        if (!n)
            return false;
        child = &n->child[child_index(pfn, level)];
        if (level > 0) {
            slot = (struct bus_tree_node **)child;
            continue;
        }
        if (v)
            v->refs++;
        version_unref(m, *child);
        *child = v;
    }
    return true;
}

/* Is the RAM's own tree the only one that refers to the page's version, and in this one place? */
static bool only_here(const struct bus_ram *ram, uint64_t pfn)
{
    const struct bus_tree_node *n = ram->tree;

    for (unsigned level = ram->levels - 1;; level--) {
        if (n->refs > 1)
            return false;
        if (level == 0)
            return ((const struct bus_page_version *)n->child[child_index(pfn, 0)])->refs == 1;
        n = n->child[child_index(pfn, level)];
    }
}

void bus_version_keep(struct bus_ram *ram, uint64_t pfn)
{
    struct bus_page *page = &ram->page[pfn];

    if (!page->version || page->version->borrowed != page)
        return;
    if (only_here(ram, pfn))
        tree_set(ram->memory, &ram->tree, ram->levels, pfn, NULL);
    else
        version_copy(ram->memory, page->version);
}

/* ---- Taking ---- */

/* Brings the RAM's tree up to date. False: no memory; what is not yet recorded stays listed as changed. */
static bool record(struct bus_ram *ram, bool *revoke)
{
    struct bus_memory *m = ram->memory;

    while (ram->changed.count) {
        uint64_t pfn = ram->changed.pfn[ram->changed.count - 1], content;
        struct bus_page *page = &ram->page[pfn];
        struct bus_page_version *v = NULL;

        bool differs = bus_ram_content_hash(ram, pfn, page->data, &content);
        if (differs) {
            v = version_of(m, page, content);
            if (!v)
                return false;
        }
        if (!tree_set(m, &ram->tree, ram->levels, pfn, v)) {
            if (v && v->refs == 0)
                version_free(m, v);
            return false;
        }
        if (!(page->traps & BUS_TRAP_CLEAN)) {
            page->hash = differs ? bus_ram_contribution(ram, pfn, content) : 0;
            ram->sum += page->hash;
            *revoke |= !page->traps;
            page->traps |= BUS_TRAP_CLEAN;
        }
        page->version = v;
        page->changed = false;
        ram->changed.count--;
    }
    ram->unhashed.count = 0; /* a page that is not hashed is changed */
    return true;
}

/* After record() failed half way: forgets the unhashed pages that it hashed. */
static void unhashed_purge(struct bus_ram *ram)
{
    size_t kept = 0;

    for (size_t i = 0; i < ram->unhashed.count; i++)
        if (!(ram->page[ram->unhashed.pfn[i]].traps & BUS_TRAP_CLEAN))
            ram->unhashed.pfn[kept++] = ram->unhashed.pfn[i];
    ram->unhashed.count = kept;
}

struct bus_snapshot *bus_snapshot_take(struct bus_memory *m)
{
    struct bus_snapshot *s;
    bool revoke = false, ok = true;
    uint32_t count = 0;

    for (struct bus_ram *ram = m->first; ram; ram = ram->next)
        count += ram->state;
    s = calloc(1, sizeof(*s) + count * sizeof(s->ram[0]));
    if (!s)
        return NULL;
    for (struct bus_ram *ram = m->first; ram && ok; ram = ram->next) {
        if (!ram->state)
            continue;
        ok = record(ram, &revoke);
        if (!ok) {
            unhashed_purge(ram);
            break;
        }
        s->ram[s->count].serial = ram->serial;
        s->ram[s->count].levels = ram->levels;
        s->ram[s->count].root = ram->tree;
        if (ram->tree)
            ram->tree->refs++;
        s->count++;
    }
    if (revoke)
        bus_memory_revoke_all(m);
    if (!ok) {
        bus_snapshot_free(m, s);
        return NULL;
    }
    return s;
}

/* ---- Restoring ---- */

static struct bus_tree_node *root_in(const struct bus_snapshot *s, const struct bus_ram *ram)
{
    for (uint32_t i = 0; s && i < s->count; i++)
        if (s->ram[i].serial == ram->serial)
            return s->ram[i].root;
    return NULL;
}

/* Makes a page equal to v (NULL: the fill) and recorded. */
static void page_become(struct bus_ram *ram, uint64_t pfn, struct bus_page_version *v)
{
    struct bus_page *page = &ram->page[pfn];

    if (!page->changed) {
        if (page->version == v)
            return;
        bus_version_keep(ram, pfn);
    }
    if (page->traps & BUS_TRAP_CLEAN)
        ram->sum -= page->hash;
    page->hash = 0;
    if (v || page->data) {
        uint8_t fill[SIM_PAGE_SIZE];
        const uint8_t *bytes = fill;

        if (v)
            bytes = version_bytes(v);
        else
            bus_ram_fill(ram, pfn, fill);
        if (!page->data)
            page->data = bus_ram_page_alloc(ram);
        else if ((page->traps & BUS_TRAP_CODE) && memcmp(page->data, bytes, SIM_PAGE_SIZE))
            bus_ram_code_write(ram, pfn, 0, SIM_PAGE_SIZE);
        memcpy(page->data, bytes, SIM_PAGE_SIZE);
        page->traps |= BUS_TRAP_CLEAN;
    }
    if (v)
        page->hash = bus_ram_contribution(ram, pfn, v->hash);
    ram->sum += page->hash;
    page->version = v;
    page->changed = false;
}

/* Visits the pages in which two trees differ. */
static void become_where_differ(struct bus_ram *ram, const struct bus_tree_node *from, const struct bus_tree_node *to,
                                unsigned level, uint64_t first_pfn)
{
    if (from == to)
        return;
    for (unsigned i = 0; i < FANOUT; i++) {
        void *a = from ? from->child[i] : NULL, *b = to ? to->child[i] : NULL;
        uint64_t pfn = first_pfn + ((uint64_t)i << FANOUT_BITS * level);

        if (a == b)
            continue;
        if (level == 0)
            page_become(ram, pfn, b);
        else
            become_where_differ(ram, a, b, level - 1, pfn);
    }
}

void bus_snapshot_restore(struct bus_memory *m, const struct bus_snapshot *s)
{
    bus_memory_revoke_all(m);
    for (struct bus_ram *ram = m->first; ram; ram = ram->next) {
        struct bus_tree_node *to = root_in(s, ram);

        if (!ram->state)
            continue;
        for (size_t i = 0; i < ram->changed.count; i++)
            page_become(ram, ram->changed.pfn[i], tree_get(to, ram->levels, ram->changed.pfn[i]));
        ram->changed.count = 0;
        ram->unhashed.count = 0;
        become_where_differ(ram, ram->tree, to, ram->levels - 1, 0);
        if (to)
            to->refs++;
        tree_unref(m, ram->tree, ram->levels - 1);
        ram->tree = to;
    }
}

/* ---- Looking at snapshots, and letting them go ---- */

void bus_snapshot_free(struct bus_memory *m, struct bus_snapshot *s)
{
    for (uint32_t i = 0; s && i < s->count; i++)
        tree_unref(m, s->ram[i].root, s->ram[i].levels - 1);
    free(s);
}

static uint64_t own_bytes(const struct bus_tree_node *n, unsigned level)
{
    uint64_t bytes = sizeof(*n);

    if (!n || n->refs > 1)
        return 0;
    for (unsigned i = 0; i < FANOUT; i++) {
        const struct bus_page_version *v = n->child[i];

        if (level > 0)
            bytes += own_bytes(n->child[i], level - 1);
        else if (v && v->refs == 1)
            bytes += sizeof(*v) + (v->data ? SIM_PAGE_SIZE : 0);
    }
    return bytes;
}

uint64_t bus_snapshot_cost(const struct bus_snapshot *s)
{
    uint64_t bytes = sizeof(*s) + s->count * sizeof(s->ram[0]);

    for (uint32_t i = 0; i < s->count; i++)
        bytes += own_bytes(s->ram[i].root, s->ram[i].levels - 1);
    return bytes;
}

void bus_snapshot_get(const struct bus_snapshot *s, struct bus_ram *ram, uint64_t off, void *out, size_t len)
{
    const struct bus_tree_node *root = root_in(s, ram);
    uint64_t bytes = ram->pages * SIM_PAGE_SIZE;
    uint8_t *to = out;

    assert(off <= bytes && len <= bytes - off);
    while (len) {
        size_t in_page = off & SIM_PAGE_MASK;
        size_t n = SIM_PAGE_SIZE - in_page < len ? SIM_PAGE_SIZE - in_page : len;
        const struct bus_page_version *v = tree_get(root, ram->levels, off >> SIM_PAGE_SHIFT);
        uint8_t fill[SIM_PAGE_SIZE];

        if (!v)
            bus_ram_fill(ram, off >> SIM_PAGE_SHIFT, fill);
        memcpy(to, (v ? version_bytes(v) : fill) + in_page, n);
        to += n;
        off += n;
        len -= n;
    }
}

static enum sim_err each_page(struct bus_ram *ram, const struct bus_tree_node *n, unsigned level, uint64_t first_pfn,
                              bus_page_fn *page, void *arg)
{
    enum sim_err err = SIM_OK;

    for (unsigned i = 0; n && i < FANOUT && !err; i++) {
        uint64_t pfn = first_pfn + ((uint64_t)i << FANOUT_BITS * level);

        if (!n->child[i])
            continue;
        err = level > 0 ? each_page(ram, n->child[i], level - 1, pfn, page, arg)
                        : page(arg, ram, pfn, version_bytes(n->child[i]));
    }
    return err;
}

enum sim_err bus_ram_each_page(struct bus_ram *ram, bus_page_fn *page, void *arg)
{
    bool revoke = false, ok = record(ram, &revoke);

    if (!ok)
        unhashed_purge(ram);
    if (revoke)
        bus_memory_revoke_all(ram->memory);
    if (!ok)
        return sim_fail(SIM_ERR_NOMEM, "pages of memory %s", ram->name);
    return each_page(ram, ram->tree, ram->levels - 1, 0, page, arg);
}

enum sim_err bus_memory_each_page(struct bus_memory *m, bus_page_fn *page, void *arg)
{
    enum sim_err err = SIM_OK;

    for (struct bus_ram *ram = m->first; ram && !err; ram = ram->next)
        if (ram->state)
            err = bus_ram_each_page(ram, page, arg);
    return err;
}

enum sim_err bus_snapshot_each_page(struct bus_memory *m, const struct bus_snapshot *s, bus_page_fn *page, void *arg)
{
    enum sim_err err = SIM_OK;

    for (struct bus_ram *ram = m->first; ram && !err; ram = ram->next)
        if (ram->state)
            err = each_page(ram, root_in(s, ram), ram->levels - 1, 0, page, arg);
    return err;
}

/* Copies into the store what others borrow from this RAM's pages: other trees share the node, or the version. */
static void lend_no_more(struct bus_ram *ram, const struct bus_tree_node *n, unsigned level, uint64_t first_pfn,
                         bool shared)
{
    if (!n)
        return;
    shared |= n->refs > 1;
    for (unsigned i = 0; i < FANOUT; i++) {
        uint64_t pfn = first_pfn + ((uint64_t)i << FANOUT_BITS * level);
        struct bus_page_version *v = n->child[i];

        if (level > 0)
            lend_no_more(ram, n->child[i], level - 1, pfn, shared);
        else if (v && v->borrowed == &ram->page[pfn] && (shared || v->refs > 1))
            version_copy(ram->memory, v);
    }
}

void bus_versions_leave(struct bus_ram *ram)
{
    lend_no_more(ram, ram->tree, ram->levels - 1, 0, false);
    tree_unref(ram->memory, ram->tree, ram->levels - 1);
    ram->tree = NULL;
}

void bus_versions_fini(struct bus_memory *m)
{
    assert(m->versions == 0); /* a snapshot was not freed */
    free(m->bucket);
    m->bucket = NULL;
    m->buckets = 0;
}
