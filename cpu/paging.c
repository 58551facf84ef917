#include "cpu/paging.h"

#include "cpu/code.h"
#include "cpu/tlb.h"

/* Bits of a paging entry: SDM Vol. 3A, "Formats of CR3 and paging-structure entries". */
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 32, PTE_D = 64, PTE_PS = 128, PTE_G = 256 };
#define PTE_NX (1ull << 63)

/* How to walk in the present mode. */
struct walker {
    struct cpu *cpu;
    bool pae;
    bool peek;      /* read entries as an observer */
    unsigned entry; /* bytes */
};

static uint64_t read_entry(const struct walker *w, sim_paddr paddr)
{
    uint64_t v = 0;

    if (!w->peek)
        return mem_phys_read(w->cpu, paddr, w->entry);
    bus_peek(w->cpu->bus, paddr & w->cpu->bus->a20_mask, &v, w->entry);
    return v;
}

static sim_paddr address_of(uint64_t entry, unsigned shift)
{
    return entry & ((1ull << 52) - 1) & ~((1ull << shift) - 1);
}

/* Physical address of a leaf. PSE-36: bits 16:13 of a 4-MByte PDE are address bits 35:32. */
static sim_paddr leaf_address(uint64_t entry, unsigned shift)
{
    if (shift == 22)
        return (entry & 0xffc00000u) | (entry >> 13 & 0xf) << 32;
    return address_of(entry, shift);
}

/* Are reserved bits set? level 1 PT, 2 PD, 3 PDPT. */
static bool reserved_bits(const struct walker *w, uint64_t entry, unsigned level, bool leaf)
{
    uint64_t mask = 0;

    if (w->pae) {
        mask = ((1ull << 52) - 1) & ~((1ull << PAGING_PHYS_BITS) - 1);
        mask |= 0x7ffull << 52;
        if (!(w->cpu->efer & EFER_NXE))
            mask |= PTE_NX;
        if (leaf && level == 2)
            mask |= 0x1fe000;
    } else if (leaf && level == 2) {
        mask = 0x3e0000; /* bits 21:17 for 36 physical address bits */
    }
    return (entry & mask) != 0;
}

static enum cpu_cause reserved_cause(const struct walker *w, uint64_t entry, unsigned level, bool leaf)
{
    if (w->pae && entry & PTE_NX && !(w->cpu->efer & EFER_NXE))
        return CPU_CAUSE_PF_RSVD_NX;
    if (!w->pae)
        return CPU_CAUSE_PF_RSVD_PSE36;
    return leaf && level == 2 && entry & 0x1fe000 ? CPU_CAUSE_PF_RSVD_PS : CPU_CAUSE_PF_RSVD_ADDR;
}

static void note(struct cpu_walk *walk, sim_paddr paddr, uint64_t entry, unsigned level)
{
    walk->step[walk->levels].paddr = paddr;
    walk->step[walk->levels].entry = entry;
    walk->step[walk->levels].level = (uint8_t)level;
    walk->levels++;
}

/* Walks down; stops at a leaf (mapped), a hole, or a reserved bit. */
static void walk_tables(const struct walker *w, sim_laddr laddr, struct cpu_walk *walk)
{
    struct cpu *cpu = w->cpu;
    unsigned bits = w->pae ? 9 : 10, level = 2;
    sim_paddr table;

    *walk = (struct cpu_walk){ .rights = TLB_W | TLB_U };
    if (w->pae) {
        uint64_t pdpte = cpu->pdpte[laddr >> 30 & 3];

        note(walk, (cpu->cr3 & ~31ull) + (laddr >> 30 & 3) * 8, pdpte, 3);
        if (!(pdpte & PTE_P))
            return;
        table = address_of(pdpte, 12);
    } else {
        table = cpu->cr3 & 0xfffff000u;
    }
    for (;; level--) {
        unsigned shift = 12 + bits * (level - 1);
        sim_paddr paddr = table + ((laddr >> shift) & ((1u << bits) - 1)) * w->entry;
        uint64_t entry = read_entry(w, paddr);
        bool leaf = level == 1 || (entry & PTE_PS && (w->pae || cpu->cr4 & CR4_PSE));

        note(walk, paddr, entry, level);
        if (!(entry & PTE_P))
            return;
        if (reserved_bits(w, entry, level, leaf)) {
            walk->reserved = true;
            return;
        }
        if (!(entry & PTE_W))
            walk->rights &= (uint16_t)~TLB_W;
        if (!(entry & PTE_U))
            walk->rights &= (uint16_t)~TLB_U;
        if (w->pae && entry & PTE_NX)
            walk->rights |= TLB_NX;
        if (leaf) {
            walk->mapped = true;
            walk->shift = (uint8_t)shift;
            walk->paddr = leaf_address(entry, shift) | (laddr & ((1ull << shift) - 1));
            if (entry & PTE_G && cpu->cr4 & CR4_PGE)
                walk->rights |= TLB_G;
            return;
        }
        table = address_of(entry, 12);
    }
}

static struct walker walker_for(struct cpu *cpu, bool peek)
{
    bool pae = cpu->cr4 & CR4_PAE;

    return (struct walker){ .cpu = cpu, .pae = pae, .peek = peek, .entry = pae ? 8 : 4 };
}

void paging_peek(struct cpu *cpu, sim_laddr laddr, struct cpu_walk *walk)
{
    struct walker w = walker_for(cpu, true);

    if (cpu->cr0 & CR0_PG) {
        walk_tables(&w, laddr, walk);
        return;
    }
    *walk = (struct cpu_walk){ .mapped = true, .paddr = laddr, .shift = 12, .rights = TLB_W | TLB_U };
}

/* ---- Rights ---- */

/* The cause that forbids the access, or CPU_CAUSE_NONE. SDM Vol. 3A, "Determination of access rights". */
static enum cpu_cause rights_cause(const struct cpu *cpu, unsigned rights, enum paging_access access, bool user)
{
    if (user && !(rights & TLB_U))
        return CPU_CAUSE_PF_USER_SUPER;
    if (access == PAGING_WRITE && !(rights & TLB_W)) {
        if (user)
            return CPU_CAUSE_PF_USER_WRITE;
        if (cpu->cr0 & CR0_WP)
            return CPU_CAUSE_PF_SUPER_WRITE;
    }
    if (access == PAGING_FETCH && rights & TLB_NX && cpu->efer & EFER_NXE)
        return CPU_CAUSE_PF_NX;
    if (!user && rights & TLB_U) {
        if (access == PAGING_FETCH && cpu->cr4 & CR4_SMEP)
            return CPU_CAUSE_PF_SMEP;
        if (access != PAGING_FETCH && cpu->cr4 & CR4_SMAP && (!(cpu->eflags & EFL_AC) || cpu->cpl == 3))
            return CPU_CAUSE_PF_SMAP;
    }
    return CPU_CAUSE_NONE;
}

static uint32_t error_code(const struct cpu *cpu, enum paging_access access, bool user, bool present, bool reserved)
{
    bool fetch_bit = access == PAGING_FETCH && ((cpu->cr4 & CR4_PAE && cpu->efer & EFER_NXE) || cpu->cr4 & CR4_SMEP);

    return present | (access == PAGING_WRITE) << 1 | user << 2 | reserved << 3 | (uint32_t)fetch_bit << 4;
}

/* A fault drops what the TLB holds for the address: SDM Vol. 3A, "Operations that invalidate TLBs and paging-structure caches". */
static _Noreturn void fault(struct cpu *cpu, sim_laddr laddr, enum paging_access access, bool user, const struct cpu_walk *walk,
                            enum cpu_cause cause, bool present)
{
    unsigned last = walk->levels ? walk->levels - 1 : 0;

    mem_invlpg(cpu, laddr);
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_PTE, .laddr = laddr };
    if (walk->levels) {
        cpu->evidence.level = walk->step[last].level;
        cpu->evidence.paddr = walk->step[last].paddr;
        cpu->evidence.value = walk->step[last].entry;
    }
    cpu_raise_pf(cpu, laddr, error_code(cpu, access, user, present, walk->reserved), cause);
}

static _Noreturn void walk_fault(const struct walker *w, sim_laddr laddr, enum paging_access access, bool user, const struct cpu_walk *walk)
{
    static const enum cpu_cause not_present[] = { CPU_CAUSE_PF_NP_PT, CPU_CAUSE_PF_NP_PT, CPU_CAUSE_PF_NP_PD, CPU_CAUSE_PF_NP_PDPT };
    unsigned level = walk->step[walk->levels - 1].level;
    uint64_t entry = walk->step[walk->levels - 1].entry;

    if (!walk->reserved)
        fault(w->cpu, laddr, access, user, walk, not_present[level], false);
    fault(w->cpu, laddr, access, user, walk, reserved_cause(w, entry, level, level == 1 || entry & PTE_PS), true);
}

/* ---- Accessed and dirty ---- */

static void set_bits(const struct walker *w, const struct cpu_walk *walk, bool dirty)
{
    for (unsigned n = 0; n < walk->levels; n++) {
        bool leaf = n == walk->levels - 1;
        uint64_t entry = walk->step[n].entry, want = entry | PTE_A | (leaf && dirty ? PTE_D : 0);

        if (walk->step[n].level == 3) /* PAE: the registers' copies are not written back */
            continue;
        if (want != entry)
            mem_phys_write(w->cpu, walk->step[n].paddr, w->entry, want);
    }
}

/* Does the entry translate the page that is being executed? */
static bool covers_fetch(const struct cpu *cpu, const struct tlb_entry *e)
{
    sim_laddr page = cpu->seg[CPU_CS].base + cpu->ip_base;

    if (!(cpu->mode & MODE_L))
        page = (uint32_t)page;
    return page >> e->shift == e->vpage >> (e->shift - 12);
}

static void fill_tlb(struct cpu *cpu, sim_laddr laddr, const struct cpu_walk *walk, bool dirty)
{
    struct tlb_entry lost;
    bool large;

    tlb_invalidate(cpu->tlb, laddr, &large);
    tlb_fill(cpu->tlb, laddr, walk->paddr, walk->shift, (uint16_t)(walk->rights | (dirty ? TLB_D : 0)), &lost);
    if (lost.flags & TLB_P) {
        if (lost.shift == 12)
            mem_fast_drop(cpu, lost.vpage << 12);
        else
            mem_fast_flush(cpu);
        if (lost.flags & TLB_FETCHED) {
            code_forget_fetch(cpu);
            if (covers_fetch(cpu, &lost))
                mem_leave_block(cpu); /* the next instruction looks its page up again, in a block or not */
        }
    }
}

static sim_paddr walk_and_fill(struct cpu *cpu, sim_laddr laddr, enum paging_access access, bool user)
{
    struct walker w = walker_for(cpu, false);
    struct cpu_walk walk;
    enum cpu_cause cause;
    bool dirty;

    walk_tables(&w, laddr, &walk);
    if (!walk.mapped)
        walk_fault(&w, laddr, access, user, &walk);
    cause = rights_cause(cpu, walk.rights, access, user);
    if (cause != CPU_CAUSE_NONE)
        fault(cpu, laddr, access, user, &walk, cause, true);
    dirty = access == PAGING_WRITE || walk.step[walk.levels - 1].entry & PTE_D;
    set_bits(&w, &walk, access == PAGING_WRITE);
    fill_tlb(cpu, laddr, &walk, dirty);
    return walk.paddr;
}

sim_paddr paging_translate(struct cpu *cpu, sim_laddr laddr, enum paging_access access, bool user)
{
    const struct tlb_entry *e;
    enum cpu_cause cause;

    if (!(cpu->cr0 & CR0_PG))
        return laddr;
    e = tlb_find(cpu->tlb, laddr);
    if (!e || (access == PAGING_WRITE && !(e->flags & TLB_D) && rights_cause(cpu, e->flags, access, user) == CPU_CAUSE_NONE)) {
        sim_paddr paddr = walk_and_fill(cpu, laddr, access, user);

        if (access == PAGING_FETCH)
            ((struct tlb_entry *)tlb_find(cpu->tlb, laddr))->flags |= TLB_FETCHED;
        return paddr;
    }
    cause = rights_cause(cpu, e->flags, access, user);
    if (cause != CPU_CAUSE_NONE) {
        struct cpu_walk walk;

        paging_peek(cpu, laddr, &walk); /* what the tables say now: the entry may be stale */
        if (walk.mapped && rights_cause(cpu, walk.rights, access, user) == CPU_CAUSE_NONE)
            cause = CPU_CAUSE_PF_STALE;
        walk.reserved = false;
        fault(cpu, laddr, access, user, &walk, cause, true);
    }
    if (access == PAGING_FETCH)
        ((struct tlb_entry *)e)->flags |= TLB_FETCHED;
    return e->ppage << 12 | (laddr & ((1ull << e->shift) - 1));
}

/* ---- PAE: PDPTE registers. SDM Vol. 3A, "PDPTE registers" ---- */

void mem_load_pdptes(struct cpu *cpu, uint64_t cr3)
{
    uint64_t pdpte[4];
    const uint64_t reserved = ((1ull << 52) - 1 - ((1ull << PAGING_PHYS_BITS) - 1)) | 0xfffull << 52 | 0x1e6;

    for (unsigned n = 0; n < 4; n++) {
        pdpte[n] = mem_phys_read(cpu, (cr3 & 0xffffffe0u) + n * 8, 8);
        if (pdpte[n] & PTE_P && pdpte[n] & reserved) {
            cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_PTE, .level = 3, .paddr = (cr3 & 0xffffffe0u) + n * 8,
                                                   .value = pdpte[n] };
            cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR3_PDPTE);
        }
    }
    memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
}
