/*
 * RAM as an array of pages, with one write trap per page.
 *
 * Used for main memory, ROM images, video RAM, flash and disk overlays. Nobody may assume that two pages
 * adjoin in host memory, and nobody keeps a host pointer across steps.
 *
 * A page is *absent* until it is first touched; an absent page reads as the RAM's `fill` says (zeros, or the
 * base image of a disk). Presence is not state: it never shows in contents, digest or files.
 *
 * The write trap. A page may be written directly (through a cached host pointer) only while `traps` is 0.
 * Every other writer calls bus_ram_write_begin() first, which settles the traps in one place:
 *
 *   BUS_TRAP_CLEAN  the page's hash is valid, and checkpoints may refer to its content: that content is kept for
 *                   them, the hash is taken out of the sum, the trap is lifted. Set and lifted by the RAM alone
 *   BUS_TRAP_CODE   decoded instructions live in the page: listeners are told the byte range. Set and cleared by
 *                   the CPUs
 *   BUS_TRAP_WATCH  somebody wants to see each write: listeners are told. Set and cleared by the CPUs
 *
 * When the first trap of a page is set, every listener's `revoke` is called, so that no direct pointer survives it.
 * A page that has just become present has BUS_TRAP_CLEAN: presence is asked by `data`, never by `traps`.
 */
#ifndef LIBSIM_BUS_RAM_H
#define LIBSIM_BUS_RAM_H

#include "base/buf.h"
#include "base/types.h"

enum {
    BUS_TRAP_CLEAN = 1,
    BUS_TRAP_CODE = 2,
    BUS_TRAP_WATCH = 4
};

struct bus_ram;
struct bus_memory;
struct bus_page_version; /* an immutable page content, shared by checkpoints */

struct bus_page {
    uint8_t *data;  /* SIM_PAGE_SIZE bytes, or NULL when absent; once set it stays until the RAM is destroyed */
    struct bus_page_version *version; /* private: what the page equals unless `changed`; NULL for the fill */
    uint64_t hash;  /* private: contribution to the RAM's sum while BUS_TRAP_CLEAN, else 0 */
    void *code;     /* for the CPUs: what they decoded from this page; NULL when nothing */
    uint32_t traps; /* BUS_TRAP_*: set them by bus_ram_trap_set only */
    bool changed;   /* private: listed in ram->changed, may differ from its version */
};

/* Page numbers, unordered. */
struct bus_pfn_list {
    uint64_t *pfn;
    size_t count, cap;
};

/* Told about changes that make cached pointers or decoded code invalid. All derived state. */
struct bus_ram_listener {
    /* Page `pfn` may no longer be written directly. */
    void (*revoke)(void *arg, struct bus_ram *ram, uint64_t pfn);
    /* No page of any RAM may be written directly any more (a checkpoint or digest was taken). */
    void (*revoke_all)(void *arg);
    /* Bytes off..off+len-1 of a page with BUS_TRAP_CODE are about to be overwritten. May clear the trap. */
    void (*code_write)(void *arg, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);
    /* Bytes of a page with BUS_TRAP_WATCH are about to be overwritten. May clear the trap. */
    void (*watched_write)(void *arg, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);
    void *arg;
    struct bus_ram_listener *next;
};

struct bus_ram {
    const char *name; /* "ram", "vram", "disk0": unique in the machine; it names the content in files */
    uint64_t pages;
    struct bus_page *page;
    bool state;       /* contents belong to checkpoints and the digest (not so for ROM images) */
    /* Content of an absent page; NULL: zeros. Returns false when the host could not deliver it (the page then
     * reads as zeros and the failure is logged by the callee). The same pfn always has the same fill. Set it right
     * after creation. */
    bool (*fill)(void *arg, uint64_t pfn, uint8_t out[SIM_PAGE_SIZE]);
    void *fill_arg;

    /* Private part: bus/ram.c, bus/snapshot.c */
    struct bus_memory *memory;  /* the machine's set of RAMs: store of versions, listeners */
    uint64_t sum;               /* sum of the hashes of pages with BUS_TRAP_CLEAN */
    struct bus_pfn_list changed;  /* pages whose version is not what the tree says */
    struct bus_pfn_list unhashed; /* present pages without BUS_TRAP_CLEAN */
    struct bus_tree_node *tree; /* versions of all pages that are not `changed` */
    unsigned levels;            /* of the tree */
    uint64_t serial;            /* tells RAMs apart in snapshots */
    uint64_t seed;              /* of page hashes: from the name */
    struct bus_chunk *chunks;   /* where page data lie */
    struct bus_ram *next;
};

/* All RAMs of a machine, and who listens. */
struct bus_memory {
    struct bus_ram *first;
    struct bus_ram_listener *listeners;
    uint64_t store_bytes; /* host memory held by page versions and their trees */

    /* Private part: bus/snapshot.c */
    struct bus_page_version **bucket; /* page versions by content hash */
    size_t buckets, versions;
    uint64_t serial;
};

void bus_memory_init(struct bus_memory *m);
void bus_memory_fini(struct bus_memory *m); /* destroys the RAMs; free the snapshots first */
void bus_memory_listen(struct bus_memory *m, struct bus_ram_listener *l); /* l stays the caller's */
void bus_memory_unlisten(struct bus_memory *m, struct bus_ram_listener *l);

/* A RAM of `bytes` (rounded up to whole pages, 1 byte to 1 TiB), all absent; the name is copied. The table of pages is
 * reserved, not touched: a sparse disk costs what was written of it. SIM_ERR_USAGE, SIM_ERR_NOMEM, SIM_ERR_OVERLAP
 * (name taken). */
enum sim_err bus_ram_create(struct bus_memory *m, const char *name, uint64_t bytes, bool state, struct bus_ram **out);
void bus_ram_destroy(struct bus_ram *ram);
struct bus_ram *bus_ram_find(struct bus_memory *m, const char *name);

/* Host address of a page for reading; makes it present. Never NULL: running out of host memory stops the
 * process with a message (the one condition under which the library aborts; see doc/memory.md). */
static inline uint8_t *bus_ram_read_page(struct bus_ram *ram, uint64_t pfn);

/* Settles the traps for a write of bytes off..off+len-1 of one page (len >= 1, off + len <= SIM_PAGE_SIZE) and
 * returns the page's host address, valid for that write. */
static inline uint8_t *bus_ram_write_begin(struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);

/* BUS_TRAP_CODE and BUS_TRAP_WATCH. */
void bus_ram_trap_set(struct bus_ram *ram, uint64_t pfn, uint32_t trap);   /* revokes direct writes */
void bus_ram_trap_clear(struct bus_ram *ram, uint64_t pfn, uint32_t trap);

/* Byte ranges, over page borders; `off` + len within the RAM (asserted). For loaders, DMA and debuggers.
 * bus_ram_get does not make absent pages present and has no side effect. */
void bus_ram_get(struct bus_ram *ram, uint64_t off, void *out, size_t len);
void bus_ram_put(struct bus_ram *ram, uint64_t off, const void *in, size_t len);

/* Sum of page hashes of the RAM's content, modulo 2^64; pages equal to the fill count 0, be they present or absent, so
 * equal contents give equal sums. Costs the pages written since the last call; they become BUS_TRAP_CLEAN. */
uint64_t bus_ram_hash(struct bus_ram *ram);

/*
 * Snapshots: the content of all RAMs with `state` at one moment, as a persistent tree of page versions.
 * Taking one costs the pages written since the last; going to one costs the pages that differ. Any snapshot
 * may be restored at any time, in any order; restoring leaves all of them valid.
 */
struct bus_snapshot;

/* NULL when out of memory. */
struct bus_snapshot *bus_snapshot_take(struct bus_memory *m);
/* Makes the contents those of `s`; NULL: of a machine whose RAMs were never written. A RAM that is younger than `s`
 * gets its fill. Listeners hear revoke_all, and a code_write for each page with code that changes. */
void bus_snapshot_restore(struct bus_memory *m, const struct bus_snapshot *s);
void bus_snapshot_free(struct bus_memory *m, struct bus_snapshot *s);
/* Host bytes that freeing this snapshot alone would release (approximate). */
uint64_t bus_snapshot_cost(const struct bus_snapshot *s);

/* Content of `ram` at the time of `s`, without restoring it; off + len within the RAM (asserted). */
void bus_snapshot_get(const struct bus_snapshot *s, struct bus_ram *ram, uint64_t off, void *out, size_t len);

/* For files: calls `page` for every page that differs from its fill, in order of (RAM's creation, pfn), until one call
 * fails. The callee writes no RAM. */
typedef enum sim_err bus_page_fn(void *arg, struct bus_ram *ram, uint64_t pfn, const uint8_t *data);
enum sim_err bus_memory_each_page(struct bus_memory *m, bus_page_fn *page, void *arg);
/* The same for one RAM (it may be one without `state`), and for a snapshot. */
enum sim_err bus_ram_each_page(struct bus_ram *ram, bus_page_fn *page, void *arg);
enum sim_err bus_snapshot_each_page(struct bus_memory *m, const struct bus_snapshot *s, bus_page_fn *page, void *arg);

/* ---- Private part ---- */

uint8_t *bus_ram_make_present(struct bus_ram *ram, uint64_t pfn);
uint8_t *bus_ram_settle(struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);

static inline uint8_t *bus_ram_read_page(struct bus_ram *ram, uint64_t pfn)
{
    uint8_t *data = ram->page[pfn].data;

    return data ? data : bus_ram_make_present(ram, pfn);
}

static inline uint8_t *bus_ram_write_begin(struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    struct bus_page *page = &ram->page[pfn];

    return page->data && !page->traps ? page->data : bus_ram_settle(ram, pfn, off, len);
}

#endif
