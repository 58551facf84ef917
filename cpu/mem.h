/*
 * Memory as an instruction sees it: linear addresses, translated, checked, fast where nothing special is met.
 *
 * The inlined part is a hit in the fast table. All else (miss, device, page crossing, watched page, code page, pre-image
 * needed) goes through one slow path, mem.c. A slow access made from inside a block that turns out to reach a device, or to
 * overwrite code, does not happen: the block is left before the instruction, which then runs alone. So, in a handler:
 *
 *   - no register is committed before the last access that can fault or reach a device;
 *   - an instruction that makes several writes probes all of them first with mem_probe_write();
 *   - a read-modify-write starts with mem_rmw(), which faults as a write.
 */
#ifndef LIBSIM_CPU_MEM_H
#define LIBSIM_CPU_MEM_H

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/insn.h"

#define CPU_LIKELY(x) __builtin_expect(!!(x), 1)

/* ---- The fast path ---- */

static inline __attribute__((always_inline)) uint8_t *mem_fast(const struct cpu_fast *table, sim_laddr laddr, unsigned size)
{
    const struct cpu_fast *f = &table[(laddr >> SIM_PAGE_SHIFT) & (CPU_FAST_SIZE - 1)];

    /* One test for hit and for not crossing the page's end: below the page size only when the tag is this page. */
    if (CPU_LIKELY((laddr ^ f->tag) <= SIM_PAGE_SIZE - size))
        return f->host + (laddr & SIM_PAGE_MASK);
    return NULL;
}

/* ---- The slow path (mem.c) ---- */

/* Sizes 1, 2, 4, 8. `i` is the instruction making the access. With the rights of the present CPL. */
uint64_t mem_read_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size);
void mem_write_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, uint64_t value);
/* Checks that a write of `size` bytes (1..4096) would succeed, and sets dirty bits; raises if not. */
void mem_probe_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size);
/* Likewise for reads. */
void mem_probe_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size);
/* Reads with the checks of a write; the write that follows cannot fault. `locked`: the bus is held until that is done. */
uint64_t mem_rmw_read_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, bool locked);
void mem_rmw_write_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, uint64_t value, bool locked);

/* Operands of up to 4096 bytes (vectors, FXSAVE images) at a checked linear address. What is in one page and RAM moves at once; otherwise
 * all of it is probed first, then moved by pieces of 8 bytes, and the rest by 4, 2 and 1. */
void mem_read_bytes(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, void *to, unsigned size);
void mem_write_bytes(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, const void *from, unsigned size);

/* Host addresses for bulk string operations: the longest directly usable run starting at laddr, within its page; NULL (and
 * *len 0) when an element-wise access is needed. Sets accessed and dirty bits like the access would; may raise. */
uint8_t *mem_direct_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, uint32_t *len);
uint8_t *mem_direct_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, uint32_t *len);

/* ---- Typed accesses for handlers ---- */

static inline __attribute__((always_inline)) uint64_t mem_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    const uint8_t *p = mem_fast(cpu->fast_read, laddr, size);
    uint64_t v = 0;

    if (CPU_LIKELY(p != NULL)) {
        memcpy(&v, p, size);
        return v;
    }
    return mem_read_slow(cpu, i, laddr, size);
}

static inline __attribute__((always_inline)) void mem_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, uint64_t v)
{
    uint8_t *p = mem_fast(cpu->fast_write, laddr, size);

    if (CPU_LIKELY(p != NULL))
        memcpy(p, &v, size);
    else
        mem_write_slow(cpu, i, laddr, size, v);
}

/* A read-modify-write under way. */
struct mem_rmw {
    uint8_t *host; /* NULL: write through the slow path */
    sim_laddr laddr;
};

static inline __attribute__((always_inline)) uint64_t mem_rmw_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size,
                                                                   struct mem_rmw *rmw)
{
    uint64_t v = 0;

    rmw->laddr = laddr;
    rmw->host = mem_fast(cpu->fast_write, laddr, size);
    if (CPU_LIKELY(rmw->host != NULL)) {
        memcpy(&v, rmw->host, size);
        return v;
    }
    return mem_rmw_read_slow(cpu, i, laddr, size, (i->flags & INSN_LOCK) != 0);
}

static inline __attribute__((always_inline)) void mem_rmw_write(struct cpu *cpu, const struct cpu_insn *i, unsigned size, struct mem_rmw *rmw,
                                                                uint64_t v)
{
    if (CPU_LIKELY(rmw->host != NULL))
        memcpy(rmw->host, &v, size);
    else
        mem_rmw_write_slow(cpu, i, rmw->laddr, size, v, (i->flags & INSN_LOCK) != 0);
}

/* ---- Effective addresses ---- */

/* Are the bits above the linear address width (48, with CR4.LA57 57) copies of its top bit? SDM Vol. 1, "Canonical addressing". */
static inline bool mem_canonical(const struct cpu *cpu, sim_laddr laddr)
{
    unsigned unused = cpu->cr4 & CR4_LA57 ? 7 : 16;

    return (uint64_t)((int64_t)(laddr << unused) >> unused) == laddr;
}

/* Likewise for what is kept and used later (bases, MSRs): as wide as the processor can be told to be, whatever CR4.LA57 says now. */
bool mem_canonical_base(const struct cpu *cpu, uint64_t value);

/* Which memory operands a handler instance is made for. */
enum mem_ea {
    EA_ANY,  /* any segment, any address size, checked out of line */
    EA_FLAT, /* MODE_FLAT, 32-bit addressing, segment ES, CS, SS or DS */
    EA_LONG, /* MODE_L, 64-bit addressing, no segment base */
    EA_KINDS
};

/* The address of a memory operand where no segment has a base. A RIP-relative one too: see CPU_REG_PAGE. */
#define MEM_SUM(cpu, i) ((cpu)->reg[(i)->base] + ((cpu)->reg[(i)->index] << (i)->scale) + (uint64_t)(int64_t)(i)->disp)

enum mem_access {
    MEM_READ,
    MEM_WRITE,
    MEM_RMW,
    MEM_FLUSH /* as a read, but execute-only segments allow it */
};

/* The offset of the memory operand, by its address size. */
uint64_t mem_offset(struct cpu *cpu, const struct cpu_insn *i);
/* Linear address of `size` bytes at `off` in segment `seg`, after the segment's checks (limit, type, null): raises #GP or #SS. */
sim_laddr mem_segment(struct cpu *cpu, const struct cpu_insn *i, unsigned seg, uint64_t off, unsigned size, enum mem_access access);

static inline __attribute__((always_inline)) sim_laddr mem_operand(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, unsigned size,
                                                                   enum mem_access access)
{
    if (ea == EA_FLAT)
        return (uint32_t)MEM_SUM(cpu, i);
    return mem_segment(cpu, i, i->seg, mem_offset(cpu, i), size, access);
}

/* ---- The stack ---- */

/* Generic pushes and pops of 2, 4 or 8 bytes on the present stack (SP or ESP by SS.B), with checks. Pop only reads; the caller
 * then commits with stack_add(). Push commits (E)SP itself, after the write. */
void stack_push(struct cpu *cpu, const struct cpu_insn *i, unsigned size, uint64_t v);
uint64_t stack_read(struct cpu *cpu, const struct cpu_insn *i, uint64_t offset_from_sp, unsigned size);
void stack_add(struct cpu *cpu, int64_t bytes); /* (E)SP += bytes, in its width */

/* ---- Values in the host's bytes: little-endian, of 1, 2, 4 or 8 ---- */

static inline uint64_t mem_value(const uint8_t *p, unsigned size)
{
    uint16_t w;
    uint32_t d;
    uint64_t q;

    switch (size) {
    case 1: return *p;
    case 2: return memcpy(&w, p, 2), w;
    case 4: return memcpy(&d, p, 4), d;
    default: return memcpy(&q, p, 8), q;
    }
}

static inline void mem_value_put(uint8_t *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1: *p = (uint8_t)v; break;
    case 2: memcpy(p, &v, 2); break;
    case 4: memcpy(p, &v, 4); break;
    default: memcpy(p, &v, 8); break;
    }
}

/* ---- System accesses: descriptor tables, TSS, IDT, real-mode IVT: supervisor rights whatever the CPL ---- */

uint64_t mem_sys_read_slow(struct cpu *cpu, sim_laddr laddr, unsigned size);
static inline __attribute__((always_inline)) uint64_t mem_sys_read(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    const uint8_t *p;

    laddr = cpu->efer & EFER_LMA ? laddr : (uint32_t)laddr;
    p = mem_fast(cpu->fast_tables, laddr, size); /* the supervisor's table for reading */
    return CPU_LIKELY(p != NULL) ? mem_value(p, size) : mem_sys_read_slow(cpu, laddr, size);
}
void mem_sys_write(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v);
void mem_sys_probe_write(struct cpu *cpu, sim_laddr laddr, unsigned size);

/* Explicit rights, for stack switches: pushes are made with the rights of the new CPL (`user`: CPL 3). */
void mem_write_as(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v, bool user);
uint64_t mem_read_as(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user);
void mem_probe_write_as(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user);
/* The host's bytes of a frame that may be written at once, without any of these; NULL: they tell what there is. */
uint8_t *mem_frame(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user);

/* ---- Translation ---- */

/* What a walk saw, for the explainer and `info mem`. */
struct cpu_walk {
    unsigned levels;           /* entries seen, from the top */
    struct { sim_paddr paddr; uint64_t entry; uint8_t level; } step[5];
    sim_paddr paddr;
    uint8_t shift;             /* size of the page: 12, 21, 22, 30 */
    uint16_t rights;           /* TLB_* of all levels combined */
    bool mapped;
    bool from_tlb;
    bool reserved;             /* an entry had a reserved bit set */
};

/* The present step does something that only the last step of a block may do: unless it is the last, it is abandoned (before any effect)
 * and run again alone. */
void mem_leave_block(struct cpu *cpu);

/* Drops fast-table entries: all, or those of one linear page. Called when the TLB or the map changes. */
void mem_fast_flush(struct cpu *cpu);
void mem_fast_drop(struct cpu *cpu, sim_laddr laddr);
/* A RAM page (by host address; NULL: any) may no longer be written directly. */
void mem_fast_revoke(struct cpu *cpu, const uint8_t *page);
/* The guest's invalidations: MOV CR3, changes of CR0/CR4 paging bits, INVLPG. */
void mem_flush_tlb(struct cpu *cpu, bool globals_too);
void mem_invlpg(struct cpu *cpu, sim_laddr laddr);
/* PAE: reads the four PDPTEs; raises #GP(0) on reserved bits, leaving the old ones. */
void mem_load_pdptes(struct cpu *cpu, uint64_t cr3);

/* Physical accesses by the processor itself, A20 applied. */
uint64_t mem_phys_read(struct cpu *cpu, sim_paddr paddr, unsigned size);
void mem_phys_write(struct cpu *cpu, sim_paddr paddr, unsigned size, uint64_t v);

/* The same read, of a paging structure's entry (4 or 8 bytes, aligned): most lie in a few pages of RAM. */
uint64_t mem_walk_read_slow(struct cpu *cpu, sim_paddr paddr, unsigned size);
static inline uint64_t mem_walk_key(sim_paddr paddr) { return (paddr & ~(sim_paddr)SIM_PAGE_MASK) | 1; }
static inline struct cpu_walk_page *mem_walk_page(struct cpu *cpu, sim_paddr paddr)
{
    return &cpu->walk_page[paddr >> SIM_PAGE_SHIFT & (CPU_WALK_PAGES - 1)];
}
static inline uint64_t mem_walk_read(struct cpu *cpu, sim_paddr paddr, unsigned size)
{
    const struct cpu_walk_page *page = mem_walk_page(cpu, paddr);

    if (CPU_LIKELY(page->key == mem_walk_key(paddr)))
        return mem_value(page->host + (paddr & SIM_PAGE_MASK), size);
    return mem_walk_read_slow(cpu, paddr, size);
}

/* ---- I/O ports (permission already checked) ---- */
uint32_t mem_in(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned size);
void mem_out(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned size, uint32_t v);

/* To be called by a handler before its first effect when it reads time or touches what other CPUs see (RDTSC, RDMSR of time, HLT
 * with... ): leaves the block unless this step may touch shared things and is the block's last; sets the clock's `now`. */
void mem_touch(struct cpu *cpu, const struct cpu_insn *i);

#endif
