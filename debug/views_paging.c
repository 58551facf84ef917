/* Views of paging: the map, one address, the TLB. */
#include <stdlib.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/lapic.h"
#include "cpu/memtype.h"
#include "cpu/paging.h"
#include "cpu/tlb.h"
#include "debug/words.h"
#include "debug/private.h"

typedef unsigned long long ull;

#define MAX_LINES 4096 /* of a map: beyond that nobody reads */

/* "user rwx" */
static void rights_text(const struct cpu *cpu, unsigned rights, struct sim_buf *out)
{
    bool nx = rights & TLB_NX && cpu->efer & EFER_NXE;

    sim_buf_printf(out, "%-6s r%c%c%s", rights & TLB_U ? "user" : "kernel", rights & TLB_W ? 'w' : '-', nx ? '-' : 'x', rights & TLB_G ? " global" : "");
}

static const char *page_size(unsigned shift)
{
    return shift == 12 ? "4K" : shift == 21 ? "2M" : shift == 22 ? "4M" : "1G";
}

static void amount(uint64_t bytes, struct sim_buf *out)
{
    if (bytes >= 1ull << 30 && !(bytes & ((1ull << 30) - 1)))
        sim_buf_printf(out, "%6llu GiB", (ull)(bytes >> 30));
    else if (bytes >= 1u << 20 && !(bytes & ((1u << 20) - 1)))
        sim_buf_printf(out, "%6llu MiB", (ull)(bytes >> 20));
    else
        sim_buf_printf(out, "%6llu KiB", (ull)(bytes >> 10));
}

/* ---- The map ---- */

/* Neighbouring pages of equal kind, physically in one piece. */
struct run {
    uint64_t first, bytes, paddr;
    uint16_t rights;
    uint8_t shift;
    bool reserved;
    enum memtype type; /* at the beginning of each page */
};

static void print_run(struct cpu *cpu, const struct run *r, struct sim_buf *out)
{
    sim_buf_printf(out, "%08llx-%08llx ", (ull)r->first, (ull)(r->first + r->bytes - 1));
    amount(r->bytes, out);
    if (r->reserved) {
        sim_buf_printf(out, "  ! reserved bits are set in a paging entry\n");
        return;
    }
    sim_buf_printf(out, "  -> %08llx-%08llx  %s  ", (ull)r->paddr, (ull)(r->paddr + r->bytes - 1), page_size(r->shift));
    rights_text(cpu, r->rights, out);
    sim_buf_printf(out, "  %-2s%s\n", memtype_name(r->type), r->first == r->paddr ? "  identity" : "");
}

static bool continues(const struct cpu *cpu, const struct run *r, const struct cpu_walk *w, uint64_t laddr)
{
    if (!r->bytes || laddr != r->first + r->bytes || r->reserved != w->reserved)
        return false;
    return w->reserved || (w->rights == r->rights && w->shift == r->shift && w->paddr == r->paddr + r->bytes &&
                           memtype_effective(cpu, w->paddr, w->rights) == r->type);
}

/* What an entry of a level stands for. */
static unsigned level_shift(const struct cpu *cpu, unsigned level)
{
    return cpu->cr4 & CR4_PAE ? 12 + 9 * (level - 1) : 12 + 10 * (level - 1);
}

/* How far the answer of this walk reaches. */
static uint64_t reach(const struct cpu *cpu, const struct cpu_walk *w)
{
    return 1ull << (w->mapped ? w->shift : w->levels ? level_shift(cpu, w->step[w->levels - 1].level) : 12);
}

static const char *paging_name(const struct cpu *cpu)
{
    if (cpu->efer & EFER_LMA)
        return cpu->cr4 & CR4_LA57 ? "5 levels" : "4 levels";
    return cpu->cr4 & CR4_PAE ? "PAE" : "32-bit paging";
}

/* The next address to ask for: behind the lower half the upper one begins. */
static uint64_t behind(const struct cpu *cpu, uint64_t laddr, uint64_t bytes)
{
    laddr += bytes;
    if (cpu->efer & EFER_LMA && laddr && !mem_canonical(cpu, laddr))
        return cpu->cr4 & CR4_LA57 ? 0xff00000000000000 : 0xffff800000000000;
    return laddr;
}

void dbg_view_page_tables(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    struct run run = { .bytes = 0 };
    const uint64_t end = cpu->efer & EFER_LMA ? 0 : 1ull << 32; /* 64 bits wrap */
    unsigned lines = 0;
    struct cpu_walk w;

    (void)dbg;
    if (!(cpu->cr0 & CR0_PG)) {
        sim_buf_printf(out, "Paging is off: linear addresses are physical.\n");
        return;
    }
    sim_buf_printf(out, "CR3 = 0x%08llx, %s%s\n", (ull)cpu->cr3, paging_name(cpu),
                   cpu->cr0 & CR0_WP ? "" : "; CR0.WP is clear: the kernel may write read-only pages");
    for (uint64_t laddr = 0, first = 1; (laddr != end || first) && lines < MAX_LINES; laddr = behind(cpu, laddr, reach(cpu, &w))) {
        first = 0;
        paging_peek(cpu, laddr, &w);
        if (continues(cpu, &run, &w, laddr)) {
            run.bytes += reach(cpu, &w);
            continue;
        }
        if (run.bytes) {
            print_run(cpu, &run, out);
            lines++;
        }
        run = (struct run){ laddr, w.mapped || w.reserved ? reach(cpu, &w) : 0, w.paddr, w.rights, w.shift, w.reserved,
                           memtype_effective(cpu, w.paddr, w.rights) };
    }
    if (run.bytes)
        print_run(cpu, &run, out);
    if (lines == MAX_LINES)
        sim_buf_printf(out, "... and more\n");
    else if (!lines && !run.bytes)
        sim_buf_printf(out, "Nothing is mapped.\n");
}

/* ---- One address ---- */

static void walk_line(struct cpu *cpu, sim_laddr laddr, const struct cpu_walk *w, unsigned n, struct sim_buf *out)
{
    unsigned level = w->step[n].level, bits = cpu->cr4 & CR4_PAE ? 9 : 10;
    bool wide = cpu->cr4 & CR4_PAE, copy = wide && level == 3 && !(cpu->efer & EFER_LMA);

    sim_buf_printf(out, "  %-5s [%4u] at physical 0x%08llx = 0x%0*llx  ", words_level(level),
                   (unsigned)(laddr >> level_shift(cpu, level)) & (copy ? 3u : (1u << bits) - 1), (ull)w->step[n].paddr, wide ? 16 : 8,
                   (ull)w->step[n].entry);
    words_entry(w->step[n].entry, level, wide, (level == 2 && (wide || cpu->cr4 & CR4_PSE)) || (level == 3 && !copy), out);
    if (copy)
        sim_buf_printf(out, " (as loaded with CR3)");
    if (w->reserved && n == w->levels - 1)
        sim_buf_printf(out, "  ! reserved bits are set");
    sim_buf_printf(out, "\n");
}

/* Memory or device at a physical address. */
static void answer(struct cpu *cpu, sim_paddr paddr, struct sim_buf *out)
{
    const struct bus_flat *flat = bus_space_run_as(&cpu->bus->mem, cpu_viewer(cpu), paddr, false, &(uint64_t){ 0 });

    if (lapic_covers(cpu, paddr))
        sim_buf_printf(out, ", the local APIC");
    else if (flat && flat->region->name)
        sim_buf_printf(out, ", %s %s", flat->region->kind == BUS_REGION_RAM ? "RAM" : flat->region->kind == BUS_REGION_ROM ? "ROM" : "device",
                       flat->region->name);
    else if (!flat)
        sim_buf_printf(out, ", where nobody answers");
}

static void compare_tlb(struct cpu *cpu, sim_laddr laddr, const struct cpu_walk *w, struct sim_buf *out)
{
    const struct tlb_entry *e = tlb_find(cpu->tlb, laddr);
    const unsigned compared = TLB_W | TLB_U | TLB_NX;
    sim_paddr paddr;

    if (!e) {
        sim_buf_printf(out, "  TLB: nothing for this address\n");
        return;
    }
    paddr = e->ppage << 12 | (laddr & ((1ull << e->shift) - 1));
    sim_buf_printf(out, "  TLB: physical 0x%08llx, %s page, ", (ull)paddr, page_size(e->shift));
    rights_text(cpu, e->flags, out);
    if (!w->mapped)
        sim_buf_printf(out, "  ! STALE: the tables do not map it any more; the processor still does, until INVLPG or a reload of CR3");
    else if (paddr != w->paddr || (e->flags ^ w->rights) & compared)
        sim_buf_printf(out, "  ! STALE: the tables say something else; the processor goes by the TLB until INVLPG or a reload of CR3");
    sim_buf_printf(out, "\n");
}

void dbg_view_translate(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, struct sim_buf *out)
{
    char symbol[200];
    struct cpu_walk w;

    laddr = dbg_linear(cpu, laddr);
    dbg_symbolize(dbg, laddr, symbol, sizeof(symbol));
    sim_buf_printf(out, "linear 0x%08llx%s%s", (ull)laddr, *symbol ? "  " : "", symbol);
    paging_peek(cpu, laddr, &w);
    if (!(cpu->cr0 & CR0_PG)) {
        sim_buf_printf(out, "\n  paging is off\n");
    } else {
        sim_buf_printf(out, "\n  CR3 = 0x%08llx\n", (ull)cpu->cr3);
        for (unsigned n = 0; n < w.levels; n++)
            walk_line(cpu, laddr, &w, n, out);
    }
    if (w.mapped) {
        sim_paddr paddr = w.paddr & cpu->bus->a20_mask;

        sim_buf_printf(out, "  -> physical 0x%08llx", (ull)paddr);
        answer(cpu, paddr, out);
        if (paddr != w.paddr)
            sim_buf_printf(out, " (0x%08llx with A20 masked)", (ull)w.paddr);
        if (cpu->cr0 & CR0_PG) {
            sim_buf_printf(out, ", %s page, ", page_size(w.shift));
            rights_text(cpu, w.rights, out);
        }
        sim_buf_printf(out, ", %s (%s by the MTRRs)", memtype_name(memtype_effective(cpu, paddr, w.rights)),
                       memtype_name(memtype_by_mtrr(cpu, paddr)));
        sim_buf_printf(out, "\n");
    } else {
        sim_buf_printf(out, "  -> not mapped\n");
    }
    if (cpu->cr0 & CR0_PG)
        compare_tlb(cpu, laddr, &w, out);
}

/* ---- TLB ---- */

static int by_page(const void *a, const void *b)
{
    const struct tlb_entry *x = *(const struct tlb_entry *const *)a, *y = *(const struct tlb_entry *const *)b;

    return x->vpage < y->vpage ? -1 : x->vpage > y->vpage;
}

static bool stale(struct cpu *cpu, const struct tlb_entry *e)
{
    struct cpu_walk w;

    paging_peek(cpu, e->vpage << 12, &w);
    return !w.mapped || w.paddr >> 12 != e->ppage || (e->flags ^ w.rights) & (TLB_W | TLB_U | TLB_NX);
}

/* Entries that a line can show together. */
static bool follows(struct cpu *cpu, const struct tlb_entry *a, const struct tlb_entry *b)
{
    uint64_t pages = 1ull << (a->shift - 12);
    const unsigned shown = TLB_W | TLB_U | TLB_D | TLB_G | TLB_NX;

    return a->shift == b->shift && b->vpage == a->vpage + pages && b->ppage == a->ppage + pages && !((a->flags ^ b->flags) & shown) &&
           stale(cpu, a) == stale(cpu, b);
}

static void tlb_line(struct cpu *cpu, const struct tlb_entry *first, const struct tlb_entry *last, struct sim_buf *out)
{
    uint64_t bytes = ((last->vpage - first->vpage) << 12) + (1ull << last->shift);

    sim_buf_printf(out, "%08llx-%08llx  -> %08llx-%08llx  %s  ", (ull)(first->vpage << 12), (ull)((first->vpage << 12) + bytes - 1),
                   (ull)(first->ppage << 12), (ull)((first->ppage << 12) + bytes - 1), page_size(first->shift));
    rights_text(cpu, first->flags, out);
    sim_buf_printf(out, "%s%s\n", first->flags & TLB_D ? " dirty" : "", stale(cpu, first) ? "  ! STALE: the page tables say something else" : "");
}

void dbg_view_tlb(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    const unsigned small = TLB_SMALL_SETS * TLB_WAYS, large = TLB_LARGE_SETS * TLB_WAYS;
    const struct tlb_entry **entry = calloc(small + large, sizeof(*entry));
    unsigned count = 0, first, last;

    (void)dbg;
    if (!entry) {
        sim_buf_printf(out, "Out of memory.\n");
        return;
    }
    for (unsigned n = 0; n < small + large; n++) {
        const struct tlb_entry *e = n < small ? &cpu->tlb->small[0][0] + n : &cpu->tlb->large[0][0] + (n - small);

        if (tlb_live(cpu->tlb, e))
            entry[count++] = e;
    }
    qsort(entry, count, sizeof(*entry), by_page);
    sim_buf_printf(out, "%u live entries\n", count);
    for (first = 0; first < count; first = last + 1) {
        for (last = first; last + 1 < count && follows(cpu, entry[last], entry[last + 1]); last++)
            ;
        tlb_line(cpu, entry[first], entry[last], out);
    }
    free(entry);
}
