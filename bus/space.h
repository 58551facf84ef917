/*
 * Address spaces: which part answers at which address.
 *
 * A space (memory or I/O) is a tree of regions. Where children of one container overlap, the higher priority wins;
 * within one priority the one added later. A container answers where its children do: its holes show what lies below
 * it. A region may answer reads only, writes only, or both: shadow RAM (PAM) is a
 * RAM region that answers reads over a PCI region that answers writes. The tree is flattened into sorted
 * ranges, one view for reads and one for writes, whenever it changes; listeners then drop cached lookups.
 *
 * Not everybody sees the same: a processor in system-management mode has a view of its own (SMRAM), and in it code may be
 * fetched from elsewhere than data are read from. A region says who does not see it.
 */
#ifndef LIBSIM_BUS_SPACE_H
#define LIBSIM_BUS_SPACE_H

#include "base/types.h"
#include "bus/device.h"
#include "bus/ram.h"

enum bus_region_kind {
    BUS_REGION_CONTAINER, /* answers through its children only */
    BUS_REGION_RAM,       /* reads and writes a bus_ram */
    BUS_REGION_ROM,       /* reads a bus_ram; writes reach nobody, not even what lies below */
    BUS_REGION_DEVICE,    /* calls a sim_range's operations */
    BUS_REGION_ALIAS      /* shows a part of another region (or of a whole container), in a tree or not */
};

enum { BUS_READS = 1, BUS_WRITES = 2 };

/* Who looks. */
enum bus_viewer {
    BUS_NORMAL,   /* everybody else: processors outside SMM, DMA, loaders, debuggers by physical address */
    BUS_SMM,      /* a processor in SMM, for data */
    BUS_SMM_CODE, /* the same, fetching instructions */
    BUS_VIEWERS
};
#define BUS_HIDE(viewer) (1u << (viewer))
#define BUS_HIDE_SMM     (BUS_HIDE(BUS_SMM) | BUS_HIDE(BUS_SMM_CODE))

struct bus_region {
    const char *name;
    enum bus_region_kind kind;
    uint64_t base;     /* within the parent; what leaves the parent is not seen */
    uint64_t length;   /* bytes; 1 .. 2^52 */
    int priority;
    unsigned answers;  /* BUS_READS | BUS_WRITES; of a container or alias: what it lets through. 0: nobody answers */
    bool enabled;      /* false: as if not there, through aliases too */
    unsigned hidden;   /* BUS_HIDE(): who does not see it, as if it was disabled for them; 0: all see it */
    struct bus_ram *ram;      /* RAM, ROM: page-aligned */
    uint64_t ram_off;
    struct sim_range *range;  /* DEVICE: its operations are set before it is added */
    struct bus_region *alias; /* ALIAS */
    uint64_t alias_off;
    /* Private: the tree; siblings with the one that wins first */
    struct bus_region *parent, *children, *sibling;
};

/* One range of a flattened view. Addresses between ranges belong to nobody. */
struct bus_flat {
    uint64_t first, last; /* inclusive */
    const struct bus_region *region; /* RAM, ROM or DEVICE */
    uint64_t off;                    /* of `first`: into the RAM, or into the device's range */
    uint32_t whole;                  /* bit n: the device takes an access of n bytes as it is, in one piece */
};

struct bus_view {
    struct bus_flat *flat; /* sorted, disjoint */
    uint32_t count, cap;
    uint32_t generation;   /* of the space when it was flattened: the views of SMM are flattened when somebody looks */
    const struct bus_flat *hit; /* where the last lookup ended; NULL: none has, since the map changed */
    /* Whole pages of RAM that a lookup found last (bus_mem_page_as): `pages_bytes` from `pages_first` on; 0: none yet. */
    uint64_t pages_first, pages_bytes, pages_off;
    struct bus_ram *pages_ram;
};

struct bus_space {
    const char *name; /* "memory" or "io" */
    struct bus_region root;
    struct bus_view reads[BUS_VIEWERS], writes[BUS_VIEWERS];
    uint32_t batch;   /* > 0: flattening waits for bus_space_commit */
    bool stale;
    uint32_t generation; /* counts flattenings */
    void (*changed)(void *arg); /* after each flattening; may be NULL */
    void *changed_arg;
};

enum sim_err bus_space_init(struct bus_space *s, const char *name, uint64_t length);
void bus_space_fini(struct bus_space *s); /* regions stay their owners' */

/* Parent NULL: the root. `region` is the caller's and stays in place until removed; one inside a device's struct leaves
 * with the device. Zero it, then set name, kind,
 * length, priority, answers, enabled, and what it points at: a region left at 0 answers nobody. SIM_ERR_USAGE when it
 * lies outside its parent, is misaligned (RAM, ROM: whole pages), is in a tree already, or the parent is no
 * container. */
enum sim_err bus_region_add(struct bus_space *s, struct bus_region *parent, struct bus_region *region, uint64_t base);
void bus_region_remove(struct bus_space *s, struct bus_region *region);
/* The part that lies outside the parent afterwards is not seen. */
void bus_region_move(struct bus_space *s, struct bus_region *region, uint64_t base);
void bus_region_enable(struct bus_space *s, struct bus_region *region, bool enabled);
void bus_region_answer(struct bus_space *s, struct bus_region *region, unsigned answers);
void bus_region_hide(struct bus_space *s, struct bus_region *region, unsigned hidden);

/* Several changes, one flattening. Calls nest. Until the commit, lookups see the map of before. */
void bus_space_begin(struct bus_space *s);
void bus_space_commit(struct bus_space *s);

/* The range that answers a read (or write) at `addr`, or NULL. Valid until the tree changes. */
const struct bus_flat *bus_space_find(struct bus_space *s, uint64_t addr, bool write);

/* The same, and how far it goes: *run is the number of bytes from `addr` on that this range answers or, for NULL, that
 * nobody does. 0 stands for 2^64. */
const struct bus_flat *bus_space_run(struct bus_space *s, uint64_t addr, bool write, uint64_t *run);
/* As `viewer` sees it; the two above are BUS_NORMAL's. Not for BUS_SMM and BUS_SMM_CODE while a batch of changes is open. */
const struct bus_flat *bus_space_find_run(struct bus_space *s, enum bus_viewer viewer, uint64_t addr, bool write, uint64_t *run);
/* Mostly it is where the last one was. */
static inline const struct bus_flat *bus_space_run_as(struct bus_space *s, enum bus_viewer viewer, uint64_t addr, bool write, uint64_t *run)
{
    const struct bus_flat *f = (write ? &s->writes[viewer] : &s->reads[viewer])->hit;

    if (f && addr >= f->first && addr <= f->last) {
        *run = f->last - addr + 1;
        return f;
    }
    return bus_space_find_run(s, viewer, addr, write, run);
}

/* Appends the flattened map as text, a range a line: for the `info map` command. What processors in SMM see follows where it
 * is something else. */
void bus_space_format(struct bus_space *s, struct sim_buf *out);

#endif
