/*
 * The architectural TLB: translations that the guest can observe.
 *
 * It is state: entries stay until the guest invalidates them or later fills push them out, even when the page tables say
 * something else by then; and they decide when accessed and dirty bits are set. Only guest accesses fill it. Set-associative,
 * indexed by linear page, replaced in order of fill. Small and large pages are kept apart.
 * SDM Vol. 3A, "Caching translation information".
 *
 * The fast tables in mem.h are derived from it and lose a page when it does.
 */
#ifndef LIBSIM_CPU_TLB_H
#define LIBSIM_CPU_TLB_H

#include "cpu/cpu.h"

#define TLB_WAYS 4
#define TLB_SMALL_SETS 1024
#define TLB_LARGE_SETS 16

enum {
    TLB_P = 1, TLB_W = 2, TLB_U = 4, TLB_D = 64, TLB_G = 256, /* as in a page-table entry: rights of all levels combined */
    TLB_NX = 512,
    TLB_FETCHED = 1024 /* derived: code was fetched through it */
};

struct tlb_entry {
    uint64_t vpage;      /* linear address >> 12 of the first page it covers */
    uint64_t ppage;      /* physical address >> 12, A20 not applied */
    uint64_t generation; /* live while equal to the TLB's (global entries: to `global_generation`) */
    uint16_t flags;
    uint8_t shift;       /* 12, 21, 22, 30 */
    uint8_t pcid;        /* for later */
};

struct cpu_tlb {
    uint64_t generation, global_generation; /* derived: entries are packed as live or not */
    struct tlb_entry small[TLB_SMALL_SETS][TLB_WAYS];
    struct tlb_entry large[TLB_LARGE_SETS][TLB_WAYS];
    uint8_t small_next[TLB_SMALL_SETS], large_next[TLB_LARGE_SETS]; /* way that the next fill takes */
    bool large_used; /* derived: false while no large entry can be live */
};

extern const struct sim_field_custom tlb_packing; /* for the CPU's table: live entries and replacement order only */

struct cpu_tlb *tlb_create(void);
/* The live entry that translates laddr, or NULL. No side effects. */
const struct tlb_entry *tlb_find(const struct cpu_tlb *tlb, sim_laddr laddr);
/* Puts an entry in, pushing out the oldest of its set; the pushed-out page is returned in *lost (live) so that fast tables can drop it. */
struct tlb_entry *tlb_fill(struct cpu_tlb *tlb, sim_laddr laddr, sim_paddr paddr, unsigned shift, uint16_t flags,
                           struct tlb_entry *lost);
void tlb_flush(struct cpu_tlb *tlb, bool globals_too);
/* INVLPG: drops whatever translates laddr, global or not. True if something was dropped; *large tells of a large page. */
bool tlb_invalidate(struct cpu_tlb *tlb, sim_laddr laddr, bool *large);

#endif
