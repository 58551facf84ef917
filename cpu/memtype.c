#include "cpu/memtype.h"

#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/paging.h"
#include "cpu/tlb.h"

enum { DEF_TYPE_FIXED = 1 << 10, DEF_TYPE_ENABLE = 1 << 11, MASK_VALID = 1 << 11 };

const char *memtype_name(enum memtype type)
{
    static const char *const names[] = { "UC", "WC", "?", "?", "WT", "WP", "WB", "UC-" };

    return names[type & 7];
}

/* ---- MTRRs ---- */

/* SDM Vol. 3A, "Fixed range MTRRs": 8 ranges of 64 KiB, 16 of 16 KiB, 64 of 4 KiB. */
static enum memtype fixed(const struct cpu *cpu, sim_paddr paddr)
{
    unsigned n = paddr < 0x80000 ? paddr >> 16 : paddr < 0xc0000 ? 8 + ((paddr - 0x80000) >> 14) : 24 + ((paddr - 0xc0000) >> 12);

    return (enum memtype)(cpu->msr.mtrr_fixed[n / 8] >> 8 * (n % 8) & 7);
}

/* SDM Vol. 3A, "MTRR precedences": UC wins, WT wins over WB. What else may meet is undefined: UC here. */
static enum memtype overlap(enum memtype a, enum memtype b)
{
    if (a == b)
        return a;
    return (a == MEMTYPE_WT && b == MEMTYPE_WB) || (a == MEMTYPE_WB && b == MEMTYPE_WT) ? MEMTYPE_WT : MEMTYPE_UC;
}

enum memtype memtype_by_mtrr(const struct cpu *cpu, sim_paddr paddr)
{
    const struct cpu_msrs *m = &cpu->msr;
    uint64_t bits = paging_phys_mask(cpu) & ~(uint64_t)SIM_PAGE_MASK;
    int found = -1;

    if (!(cpu->model->msrs & MSR_MTRR))
        return MEMTYPE_WB;
    if (!(m->mtrr_def_type & DEF_TYPE_ENABLE))
        return MEMTYPE_UC;
    if (m->mtrr_def_type & DEF_TYPE_FIXED && paddr < 0x100000)
        return fixed(cpu, paddr);
    for (unsigned n = 0; n < sizeof(m->mtrr_mask) / sizeof(m->mtrr_mask[0]); n++) {
        enum memtype type = (enum memtype)(m->mtrr_base[n] & 7);

        if (m->mtrr_mask[n] & MASK_VALID && !((paddr ^ m->mtrr_base[n]) & m->mtrr_mask[n] & bits))
            found = (int)(found < 0 ? type : overlap((enum memtype)found, type));
    }
    return found < 0 ? (enum memtype)(m->mtrr_def_type & 7) : (enum memtype)found;
}

/* ---- With the page's ---- */

/* As RESET sets IA32_PAT: processors without that register know PCD and PWT only, and do the same. */
#define PAT_RESET 0x0007040600070406ull

/* SDM Vol. 3A, "Effective page-level memory types for Pentium III and more recent processor families": row MTRR, column PAT. */
enum memtype memtype_effective(const struct cpu *cpu, sim_paddr paddr, unsigned page_bits)
{
    static const uint8_t table[8][8] = {
        /* PAT:          UC WC  -  - WT WP WB UC- */
        [MEMTYPE_UC] = { 0, 1, 0, 0, 0, 0, 0, 0 },
        [MEMTYPE_WC] = { 0, 1, 0, 0, 0, 0, 1, 1 },
        [MEMTYPE_WT] = { 0, 1, 0, 0, 4, 5, 4, 0 },
        [MEMTYPE_WP] = { 0, 1, 0, 0, 4, 5, 5, 1 },
        [MEMTYPE_WB] = { 0, 1, 0, 0, 4, 5, 6, 0 },
    };
    bool has_pat = cpu->model->msrs & MSR_PAT;
    unsigned index = (page_bits & TLB_PWT ? 1 : 0) | (page_bits & TLB_PCD ? 2 : 0) | (page_bits & TLB_PAT && has_pat ? 4 : 0);

    if (cpu->cr0 & CR0_CD)
        return MEMTYPE_UC;
    if (!(cpu->cr0 & CR0_PG))
        return memtype_by_mtrr(cpu, paddr);
    return (enum memtype)table[memtype_by_mtrr(cpu, paddr)][(has_pat ? cpu->msr.pat : PAT_RESET) >> 8 * index & 7];
}
