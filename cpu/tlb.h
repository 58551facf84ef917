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
    TLB_PWT = 8, TLB_PCD = 16, TLB_PAT = 128, /* of the leaf: the memory type */
    TLB_NX = 512,
    TLB_FETCHED = 1024, /* derived: code was fetched through it */
    TLB_KEY_SHIFT = 12  /* bits 15:12: the protection key */
};
#define TLB_PCIDS 4096

struct tlb_entry {
    uint64_t vpage;      /* linear address >> 12 of the first page it covers */
    uint64_t ppage;      /* physical address >> 12, A20 not applied */
    uint64_t stamp;      /* when it was filled, in flushes: live unless what it belongs to was flushed since */
    uint16_t flags;
    uint16_t pcid;       /* of the address space that it belongs to; a global one is used in all of them */
    uint8_t shift;       /* 12, 21, 22, 30 */
};

struct cpu_tlb {
    /* Derived: flushes are counted, and each remembers its number; entries are packed as live or not. */
    uint64_t flushes;
    uint64_t flushed_global;           /* the last flush of global entries */
    uint64_t flushed_all;              /* the last flush of the others, of every address space */
    uint64_t flushed_pcid[TLB_PCIDS];  /* the last one of each */
    uint64_t flushed_here;             /* the later of the two, for the present address space */
    uint16_t pcid;                     /* the present address space */
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
/* Which address space lookups and fills are about from now on: 0 unless CR4.PCIDE. */
void tlb_set_pcid(struct cpu_tlb *tlb, uint16_t pcid);
/* Flushes: the entries of one address space that are not global; those of all; and the global ones with them. */
void tlb_flush_pcid(struct cpu_tlb *tlb, uint16_t pcid);
void tlb_flush(struct cpu_tlb *tlb, bool globals_too);
/* INVLPG: drops whatever translates laddr, global or not. The flags of what was dropped, 0 if nothing was; *large tells of a large page. */
uint16_t tlb_invalidate(struct cpu_tlb *tlb, sim_laddr laddr, bool *large);
/* INVPCID of one address: what is not global and translates laddr in that address space. */
void tlb_invalidate_pcid(struct cpu_tlb *tlb, sim_laddr laddr, uint16_t pcid);
/* Has the entry been flushed? In whatever address space it is. */
bool tlb_live(const struct cpu_tlb *tlb, const struct tlb_entry *e);

#endif
