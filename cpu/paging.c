#include "cpu/paging.h"

#include "cpu/code.h"
#include "cpu/tlb.h"

/* Bits of a paging entry: SDM Vol. 3A, "Formats of CR3 and paging-structure entries". */
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 32, PTE_D = 64, PTE_PS = 128, PTE_G = 256,
       PTE_PAT_LARGE = 0x1000 /* in a 4-KByte page's entry PAT stands where PS does in others */ };
#define PTE_NX (1ull << 63)

/* How to walk in the present mode. */
struct walker {
    struct cpu *cpu;
    bool pae;       /* entries of 8 bytes */
    bool pdptes;    /* level 3 stands in registers */
    bool peek;      /* read entries as an observer */
    uint8_t levels; /* 2, 3, 4, 5 */
    uint8_t entry;  /* bytes */
};

static uint64_t read_entry(const struct walker *w, sim_paddr paddr)
{
    uint64_t v = 0;

    if (!w->peek)
        return mem_walk_read(w->cpu, paddr, w->entry);
    bus_peek_as(w->cpu->bus, cpu_viewer(w->cpu), paddr & w->cpu->bus->a20_mask, &v, w->entry);
    return v;
}

static sim_paddr address_of(uint64_t entry, unsigned shift)
{
    return entry & ((1ull << 52) - 1) & ~((1ull << shift) - 1);
}

/* Bits 39:32 of the address of a 4-MByte page stand in bits 20:13 of its entry, as far as there are such address bits. */
static unsigned pse36_bits(const struct cpu *cpu)
{
    unsigned bits = cpu->model->phys_bits < 40 ? cpu->model->phys_bits : 40;

    return bits > 32 ? bits - 32 : 0;
}

static sim_paddr leaf_address(uint64_t entry, unsigned shift)
{
    if (shift == 22)
        return (entry & 0xffc00000u) | (entry >> 13 & 0xff) << 32;
    return address_of(entry, shift);
}

/* Address bits of a large page's entry that lie below the page's size; bit 12 is PAT. */
static uint64_t low_address_bits(unsigned level)
{
    return level == 2 ? 0x1fe000 : level == 3 ? 0x3fffe000 : 0;
}

/* Levels that a large page can stand at. */
static bool may_be_large(const struct walker *w, unsigned level)
{
    if (!w->pae)
        return level == 2 && w->cpu->cr4 & CR4_PSE;
    return level == 2 || (level == 3 && !w->pdptes && w->cpu->model->gbpages);
}

/* The cause when reserved bits are set, else CPU_CAUSE_NONE. level 1 PT, 2 PD, 3 PDPT, 4 PML4, 5 PML5. */
static enum cpu_cause reserved_cause(const struct walker *w, uint64_t entry, unsigned level, bool leaf)
{
    if (!w->pae) { /* bits 21 and those of addresses that there are not */
        uint64_t mask = 0x3fe000 & ~(((1ull << pse36_bits(w->cpu)) - 1) << 13);

        return leaf && level == 2 && entry & mask ? CPU_CAUSE_PF_RSVD_PSE36 : CPU_CAUSE_NONE;
    }
    if (entry & PTE_NX && !(w->cpu->efer & EFER_NXE))
        return CPU_CAUSE_PF_RSVD_NX;
    if (level > 1 && entry & PTE_PS && (!leaf || entry & low_address_bits(level)))
        return CPU_CAUSE_PF_RSVD_PS;
    if (entry & ((1ull << 52) - 1) & ~paging_phys_mask(w->cpu))
        return CPU_CAUSE_PF_RSVD_ADDR;
    if (w->pdptes && entry & 0x7ffull << 52)
        return CPU_CAUSE_PF_RSVD_ADDR;
    return CPU_CAUSE_NONE;
}

static void note(struct cpu_walk *walk, sim_paddr paddr, uint64_t entry, unsigned level)
{
    walk->step[walk->levels].paddr = paddr;
    walk->step[walk->levels].entry = entry;
    walk->step[walk->levels].level = (uint8_t)level;
    walk->levels++;
}

/* Rights are what all levels allow; the protection key and G are the leaf's. */
static void combine_rights(const struct walker *w, uint64_t entry, struct cpu_walk *walk)
{
    if (!(entry & PTE_W))
        walk->rights &= (uint16_t)~TLB_W;
    if (!(entry & PTE_U))
        walk->rights &= (uint16_t)~TLB_U;
    if (w->pae && entry & PTE_NX)
        walk->rights |= TLB_NX;
}

static void take_leaf(const struct walker *w, sim_laddr laddr, uint64_t entry, unsigned shift, struct cpu_walk *walk)
{
    walk->mapped = true;
    walk->shift = (uint8_t)shift;
    walk->paddr = leaf_address(entry, shift) | (laddr & ((1ull << shift) - 1));
    walk->rights |= entry & (TLB_PWT | TLB_PCD);
    if (entry & (shift == 12 ? PTE_PS : PTE_PAT_LARGE))
        walk->rights |= TLB_PAT;
    if (entry & PTE_G && w->cpu->cr4 & CR4_PGE)
        walk->rights |= TLB_G;
    if (w->cpu->efer & EFER_LMA)
        walk->rights |= (uint16_t)((entry >> 59 & 15) << TLB_KEY_SHIFT);
}

/* Where the walk begins: the level and the table's address. False: it ends at a PDPTE register. */
static bool walk_begin(const struct walker *w, sim_laddr laddr, unsigned *level, sim_paddr *table, struct cpu_walk *walk)
{
    struct cpu *cpu = w->cpu;
    uint64_t pdpte;

    *level = w->levels;
    *table = w->pae ? cpu->cr3 & paging_phys_mask(cpu) & ~(uint64_t)SIM_PAGE_MASK : cpu->cr3 & 0xfffff000u;
    if (!w->pdptes)
        return true;
    pdpte = cpu->pdpte[laddr >> 30 & 3];
    note(walk, (cpu->cr3 & 0xffffffe0u) + (laddr >> 30 & 3) * 8, pdpte, 3);
    *table = address_of(pdpte, 12);
    *level = 2;
    return pdpte & PTE_P;
}

/* Walks down; stops at a leaf (mapped), a hole, or a reserved bit. */
static void walk_tables(const struct walker *w, sim_laddr laddr, struct cpu_walk *walk)
{
    unsigned bits = w->pae ? 9 : 10, level;
    sim_paddr table;

    walk->mapped = walk->reserved = false;
    walk->levels = walk->shift = 0;
    walk->paddr = 0;
    walk->rights = TLB_W | TLB_U;
    if (!walk_begin(w, laddr, &level, &table, walk))
        return;
    for (;; level--) {
        unsigned shift = 12 + bits * (level - 1);
        sim_paddr paddr = table + ((laddr >> shift) & ((1u << bits) - 1)) * w->entry;
        uint64_t entry = read_entry(w, paddr);
        bool leaf = level == 1 || (entry & PTE_PS && may_be_large(w, level));

        note(walk, paddr, entry, level);
        if (!(entry & PTE_P))
            return;
        if (reserved_cause(w, entry, level, leaf) != CPU_CAUSE_NONE) {
            walk->reserved = true;
            return;
        }
        combine_rights(w, entry, walk);
        if (leaf) {
            take_leaf(w, laddr, entry, shift, walk);
            return;
        }
        table = address_of(entry, 12);
    }
}

static struct walker walker_for(struct cpu *cpu, bool peek)
{
    bool pae = cpu->cr4 & CR4_PAE, lma = cpu->efer & EFER_LMA;

    return (struct walker){ .cpu = cpu, .pae = pae, .pdptes = pae && !lma, .peek = peek, .entry = pae ? 8 : 4,
                            .levels = !pae ? 2 : !lma ? 3 : cpu->cr4 & CR4_LA57 ? 5 : 4 };
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

/* What the protection key of a page forbids: data only. PKRU tells of user pages, IA32_PKRS of the supervisor's, whoever wants them.
 * SDM Vol. 3A, "Protection keys". */
static enum cpu_cause key_cause(const struct cpu *cpu, unsigned rights, enum paging_access access, bool user)
{
    bool user_page = rights & TLB_U;
    unsigned key = rights >> TLB_KEY_SHIFT & 15;
    uint64_t key_rights = (user_page ? cpu->pkru : cpu->msr.pkrs) >> (2 * key);

    if (!(cpu->cr4 & (user_page ? CR4_PKE : CR4_PKS)) || !(cpu->efer & EFER_LMA) || access == PAGING_FETCH)
        return CPU_CAUSE_NONE;
    if (key_rights & 1)
        return user_page ? CPU_CAUSE_PF_PKU_AD : CPU_CAUSE_PF_PKS;
    if (access == PAGING_WRITE && key_rights & 2 && ((user && user_page) || cpu->cr0 & CR0_WP))
        return user_page ? CPU_CAUSE_PF_PKU_WD : CPU_CAUSE_PF_PKS;
    return CPU_CAUSE_NONE;
}

/* The cause that forbids the access, or CPU_CAUSE_NONE. SDM Vol. 3A, "Determination of access rights". */
static enum cpu_cause rights_cause(const struct cpu *cpu, unsigned rights, enum paging_access access, enum paging_rights as)
{
    bool user = as == PAGING_USER;

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
        bool implicit = as == PAGING_IMPLICIT || cpu->cpl == 3;

        if (access == PAGING_FETCH && cpu->cr4 & CR4_SMEP)
            return CPU_CAUSE_PF_SMEP;
        if (access != PAGING_FETCH && cpu->cr4 & CR4_SMAP && (implicit || !(cpu->eflags & EFL_AC)))
            return CPU_CAUSE_PF_SMAP;
    }
    return key_cause(cpu, rights, access, user);
}

static uint32_t error_code(const struct cpu *cpu, enum paging_access access, bool user, bool present, bool reserved)
{
    bool fetch_bit = access == PAGING_FETCH && ((cpu->cr4 & CR4_PAE && cpu->efer & EFER_NXE) || cpu->cr4 & CR4_SMEP);

    return present | (access == PAGING_WRITE) << 1 | user << 2 | reserved << 3 | (uint32_t)fetch_bit << 4;
}
#define ERROR_PK 32u

/* A fault drops what the TLB holds for the address: SDM Vol. 3A, "Operations that invalidate TLBs and paging-structure caches". Where there
 * is something, who calls has done so. */
static _Noreturn void fault(struct cpu *cpu, sim_laddr laddr, enum paging_access access, bool user, const struct cpu_walk *walk,
                            enum cpu_cause cause, uint32_t error)
{
    unsigned last = walk->levels ? walk->levels - 1 : 0;

    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_PTE, .laddr = laddr };
    if (walk->levels) {
        cpu->evidence.level = walk->step[last].level;
        cpu->evidence.paddr = walk->step[last].paddr;
        cpu->evidence.value = walk->step[last].entry;
    }
    cpu_raise_pf(cpu, laddr, error_code(cpu, access, user, error & 1, walk->reserved) | error, cause);
}

/* A page that is there, but not for this. The error code tells of its key whatever else is wrong. */
static _Noreturn void rights_fault(struct cpu *cpu, sim_laddr laddr, enum paging_access access, bool user, unsigned rights,
                                   const struct cpu_walk *walk, enum cpu_cause cause)
{
    fault(cpu, laddr, access, user, walk, cause, 1 | (key_cause(cpu, rights, access, user) != CPU_CAUSE_NONE ? ERROR_PK : 0));
}

static _Noreturn void walk_fault(const struct walker *w, sim_laddr laddr, enum paging_access access, bool user, const struct cpu_walk *walk)
{
    static const enum cpu_cause not_present[] = { CPU_CAUSE_PF_NP_PT, CPU_CAUSE_PF_NP_PT, CPU_CAUSE_PF_NP_PD, CPU_CAUSE_PF_NP_PDPT,
                                                  CPU_CAUSE_PF_NP_PML4, CPU_CAUSE_PF_NP_PML5 };
    unsigned level = walk->step[walk->levels - 1].level;
    uint64_t entry = walk->step[walk->levels - 1].entry;

    if (!walk->reserved)
        fault(w->cpu, laddr, access, user, walk, not_present[level], 0);
    fault(w->cpu, laddr, access, user, walk,
          reserved_cause(w, entry, level, level == 1 || (entry & PTE_PS && may_be_large(w, level))), 1);
}

/* ---- Accessed and dirty ---- */

static void set_bits(const struct walker *w, const struct cpu_walk *walk, bool dirty)
{
    for (unsigned n = 0; n < walk->levels; n++) {
        bool leaf = n == walk->levels - 1;
        uint64_t entry = walk->step[n].entry, want = entry | PTE_A | (leaf && dirty ? PTE_D : 0);

        if (w->pdptes && walk->step[n].level == 3) /* the registers' copies are not written back */
            continue;
        if (want != entry)
            mem_phys_write(w->cpu, walk->step[n].paddr, w->entry, want);
    }
}

/* Does the entry translate the page that is being executed? */
static bool covers_fetch(const struct cpu *cpu, const struct tlb_entry *e)
{
    sim_laddr page = cpu->seg[CPU_CS].base + cpu->reg[CPU_REG_PAGE];

    if (!(cpu->mode & MODE_L))
        page = (uint32_t)page;
    return page >> e->shift == e->vpage >> (e->shift - 12);
}

/* `present`: there is an entry for the address already. */
static void fill_tlb(struct cpu *cpu, sim_laddr laddr, const struct cpu_walk *walk, bool dirty, bool present)
{
    struct tlb_entry lost;
    bool large;
    uint16_t dropped = present ? tlb_invalidate(cpu->tlb, laddr, &large) & TLB_FETCHED : 0; /* the fetch page rests on its successor now */

    tlb_fill(cpu->tlb, laddr, walk->paddr, walk->shift, (uint16_t)(walk->rights | (dirty ? TLB_D : 0) | dropped), &lost);
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

static sim_paddr walk_and_fill(struct cpu *cpu, sim_laddr laddr, enum paging_access access, enum paging_rights as, bool present)
{
    struct walker w = walker_for(cpu, false);
    bool user = as == PAGING_USER, dirty;
    struct cpu_walk walk;
    enum cpu_cause cause;

    walk_tables(&w, laddr, &walk);
    cause = walk.mapped ? rights_cause(cpu, walk.rights, access, as) : CPU_CAUSE_NONE;
    if (present && (!walk.mapped || cause != CPU_CAUSE_NONE))
        mem_invlpg(cpu, laddr);
    if (!walk.mapped)
        walk_fault(&w, laddr, access, user, &walk);
    if (cause != CPU_CAUSE_NONE)
        rights_fault(cpu, laddr, access, user, walk.rights, &walk, cause);
    dirty = access == PAGING_WRITE || walk.step[walk.levels - 1].entry & PTE_D;
    set_bits(&w, &walk, access == PAGING_WRITE);
    fill_tlb(cpu, laddr, &walk, dirty, present);
    return walk.paddr;
}

sim_paddr paging_translate(struct cpu *cpu, sim_laddr laddr, enum paging_access access, enum paging_rights as)
{
    const struct tlb_entry *e;
    enum cpu_cause cause;

    if (!(cpu->cr0 & CR0_PG))
        return laddr;
    e = tlb_find(cpu->tlb, laddr);
    if (!e || (access == PAGING_WRITE && !(e->flags & TLB_D) && rights_cause(cpu, e->flags, access, as) == CPU_CAUSE_NONE)) {
        sim_paddr paddr = walk_and_fill(cpu, laddr, access, as, e);

        cpu->pmu.walks[access] += !e;
        if (access == PAGING_FETCH)
            ((struct tlb_entry *)tlb_find(cpu->tlb, laddr))->flags |= TLB_FETCHED;
        return paddr;
    }
    cause = rights_cause(cpu, e->flags, access, as);
    if (cause != CPU_CAUSE_NONE) {
        unsigned rights = e->flags;
        struct cpu_walk walk;

        paging_peek(cpu, laddr, &walk); /* what the tables say now: the entry may be stale */
        if (walk.mapped && rights_cause(cpu, walk.rights, access, as) == CPU_CAUSE_NONE)
            cause = CPU_CAUSE_PF_STALE;
        walk.reserved = false;
        mem_invlpg(cpu, laddr);
        rights_fault(cpu, laddr, access, as == PAGING_USER, rights, &walk, cause);
    }
    if (access == PAGING_FETCH)
        ((struct tlb_entry *)e)->flags |= TLB_FETCHED;
    return e->ppage << 12 | (laddr & ((1ull << e->shift) - 1));
}

bool paging_may_cache(struct cpu *cpu, sim_laddr laddr, enum paging_rights as)
{
    const struct tlb_entry *e;

    if (!(cpu->cr4 & CR4_SMAP) || as == PAGING_USER || !(cpu->cr0 & CR0_PG))
        return true;
    e = tlb_find(cpu->tlb, laddr);
    return e && !(e->flags & TLB_U);
}

void paging_set_pcid(struct cpu *cpu)
{
    tlb_set_pcid(cpu->tlb, cpu->cr4 & CR4_PCIDE ? cpu->cr3 & (TLB_PCIDS - 1) : 0);
}

void paging_set_pkru(struct cpu *cpu, uint32_t value)
{
    cpu->pkru = value;
    if (cpu->cr4 & CR4_PKE)
        mem_fast_flush(cpu); /* keys are baked in */
}

void paging_set_pkrs(struct cpu *cpu, uint64_t value)
{
    cpu->msr.pkrs = value;
    if (cpu->cr4 & CR4_PKS)
        mem_fast_flush(cpu);
}

/* ---- PAE: PDPTE registers. SDM Vol. 3A, "PDPTE registers" ---- */

void mem_load_pdptes(struct cpu *cpu, uint64_t cr3)
{
    uint64_t pdpte[4];
    const uint64_t reserved = ~paging_phys_mask(cpu) | 0x1e6;

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
