#include "cpu/mem.h"

#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/lapic.h"
#include "cpu/memtype.h"
#include "cpu/monitor.h"
#include "cpu/paging.h"
#include "cpu/run.h"
#include "cpu/smm.h"
#include "cpu/tlb.h"

/* ---- Fast tables: [user][read, write][CPU_FAST_SIZE], all of them derived ---- */

enum { FAST_READ, FAST_WRITE };

static struct cpu_fast *fast_table(struct cpu *cpu, bool user, unsigned which)
{
    return cpu->fast_tables + (user * 2u + which) * CPU_FAST_SIZE;
}

static void fast_clear_slot(struct cpu *cpu, unsigned slot)
{
    for (unsigned t = 0; t < 4; t++)
        cpu->fast_tables[t * CPU_FAST_SIZE + slot].tag = CPU_FAST_EMPTY(slot);
}

static void forget_device_pages(struct cpu *cpu)
{
    if (!cpu->device_pages_used)
        return;
    cpu->device_pages_used = false;
    memset(cpu->device_page, 0, sizeof(cpu->device_page));
}

static void forget_walk_pages(struct cpu *cpu)
{
    if (!cpu->walk_pages_used)
        return;
    cpu->walk_pages_used = false;
    memset(cpu->walk_page, 0, sizeof(cpu->walk_page));
}

void mem_fast_flush(struct cpu *cpu)
{
    forget_device_pages(cpu);
    forget_walk_pages(cpu);
    if (cpu->fast_filled_count >= CPU_FAST_SIZE) {
        for (unsigned slot = 0; slot < CPU_FAST_SIZE; slot++)
            fast_clear_slot(cpu, slot);
    } else {
        for (unsigned n = 0; n < cpu->fast_filled_count; n++)
            fast_clear_slot(cpu, cpu->fast_filled[n]);
    }
    cpu->fast_filled_count = 0;
}

void mem_fast_drop(struct cpu *cpu, sim_laddr laddr)
{
    forget_device_pages(cpu);
    fast_clear_slot(cpu, (laddr >> SIM_PAGE_SHIFT) & (CPU_FAST_SIZE - 1));
}

static void fast_fill(struct cpu *cpu, enum paging_rights as, unsigned which, sim_laddr laddr, uint8_t *host)
{
    unsigned slot = (laddr >> SIM_PAGE_SHIFT) & (CPU_FAST_SIZE - 1);
    struct cpu_fast *f = fast_table(cpu, as == PAGING_USER, which) + slot;

    if (!paging_may_cache(cpu, laddr, as))
        return;
    if (cpu->fast_filled_count < CPU_FAST_SIZE)
        cpu->fast_filled[cpu->fast_filled_count++] = (uint16_t)slot;
    f->tag = laddr & ~(uint64_t)SIM_PAGE_MASK;
    f->host = host;
}

void mem_fast_revoke(struct cpu *cpu, const uint8_t *page)
{
    unsigned count = cpu->fast_filled_count < CPU_FAST_SIZE ? cpu->fast_filled_count : CPU_FAST_SIZE;

    for (unsigned n = 0; n < count; n++) {
        unsigned slot = cpu->fast_filled_count < CPU_FAST_SIZE ? cpu->fast_filled[n] : n;

        for (unsigned user = 0; user < 2; user++) {
            struct cpu_fast *f = fast_table(cpu, user, FAST_WRITE) + slot;

            if (!page || f->host == page)
                f->tag = CPU_FAST_EMPTY(slot);
        }
    }
}

/* ---- The guest's invalidations ---- */

void mem_flush_tlb(struct cpu *cpu, bool globals_too)
{
    paging_set_pcid(cpu);
    if (globals_too)
        tlb_flush(cpu->tlb, true);
    else
        tlb_flush_pcid(cpu->tlb, cpu->tlb->pcid);
    mem_fast_flush(cpu);
    code_forget_fetch(cpu);
}

void mem_invlpg(struct cpu *cpu, sim_laddr laddr)
{
    bool large;
    uint16_t dropped = tlb_invalidate(cpu->tlb, laddr, &large);

    if (large)
        mem_fast_flush(cpu);
    else
        mem_fast_drop(cpu, laddr);
    if (dropped & TLB_FETCHED) /* what code was not fetched through, the fetch page does not rest on */
        code_forget_fetch(cpu);
}

/* ---- Shared things ---- */

static bool last_of_block(const struct cpu *cpu)
{
    return !cpu->block || !cpu->cur || cpu->cur - cpu->block->insn == cpu->block->count - 1;
}

void mem_leave_block(struct cpu *cpu)
{
    if (last_of_block(cpu))
        return;
    code_mark_touchy(cpu, cpu->block, cpu->cur->off);
    run_unwind(cpu, RUN_UNWIND_ALONE);
}

static void touch(struct cpu *cpu)
{
    mem_leave_block(cpu);
    run_touch(cpu);
    cpu->attention |= CPU_ATT_TOUCHED;
}

void mem_touch(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    touch(cpu);
}

/* ---- Physical accesses ---- */

/* The local APIC sits before the bus. */
static uint64_t lapic_access(struct cpu *cpu, bool write, uint32_t off, unsigned size, uint64_t data)
{
    if (!lapic_is_private(off, write))
        touch(cpu);
    else if (write)
        mem_leave_block(cpu); /* it may make an interrupt deliverable */
    if (!write)
        return lapic_read(cpu->lapic, off, size);
    lapic_write(cpu->lapic, off, (uint32_t)data, size);
    return data;
}

/* A transaction on the bus. `type`: enum memtype, of ports 0. */
static inline __attribute__((always_inline)) uint64_t bus_access(struct cpu *cpu, enum bus_kind kind, uint64_t addr, unsigned size, uint64_t data,
                                                                 bool locked, uint8_t type)
{
    struct bus_txn txn = { .kind = kind, .master = (uint16_t)cpu->number, .size = (uint8_t)size, .locked = locked, .type = type,
                           .smm = cpu->smm.active, .addr = addr, .data = data };

    if (!last_of_block(cpu))
        mem_leave_block(cpu);
    run_touch(cpu);
    bus_do(cpu->bus, &txn);
    run_stall(cpu, txn.stall);
    return txn.data;
}

static uint64_t memory_access(struct cpu *cpu, enum bus_kind kind, sim_paddr paddr, unsigned size, uint64_t data, bool locked, uint8_t type)
{
    if (lapic_covers(cpu, paddr))
        return lapic_access(cpu, kind == BUS_MEM_WRITE, (uint32_t)(paddr & SIM_PAGE_MASK), size, data);
    return bus_access(cpu, kind, paddr, size, data, locked, type);
}

/* The RAM page behind a physical address, or NULL. */
static struct bus_ram *ram_page(struct cpu *cpu, sim_paddr paddr, bool write, uint64_t *pfn)
{
    if (lapic_covers(cpu, paddr))
        return NULL;
    return bus_mem_page_as(cpu->bus, cpu_viewer(cpu), paddr, write, pfn);
}

uint64_t mem_phys_read(struct cpu *cpu, sim_paddr paddr, unsigned size)
{
    uint64_t pfn;
    struct bus_ram *ram;

    paddr &= cpu->bus->a20_mask;
    ram = ram_page(cpu, paddr, false, &pfn);
    if (!ram)
        return memory_access(cpu, BUS_MEM_READ, paddr, size, 0, false, (uint8_t)memtype_effective(cpu, paddr, 0));
    return mem_value(bus_ram_read_page(ram, pfn) + (paddr & SIM_PAGE_MASK), size);
}

uint64_t mem_walk_read_slow(struct cpu *cpu, sim_paddr paddr, unsigned size)
{
    struct cpu_walk_page *page = mem_walk_page(cpu, paddr);
    uint64_t pfn;
    struct bus_ram *ram = ram_page(cpu, paddr & cpu->bus->a20_mask, false, &pfn);

    if (!ram)
        return mem_phys_read(cpu, paddr, size);
    *page = (struct cpu_walk_page){ mem_walk_key(paddr), bus_ram_read_page(ram, pfn) };
    cpu->walk_pages_used = true;
    return mem_value(page->host + (paddr & SIM_PAGE_MASK), size);
}

/* Code that a write would change is thrown away by the RAM's listener; from inside a block such a write must be made alone, for
 * the block may be the code. */
static uint8_t *ram_for_write(struct cpu *cpu, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    if (ram->page[pfn].traps & BUS_TRAP_CODE && code_overlaps(ram, pfn, off, len))
        mem_leave_block(cpu);
    if (ram->page[pfn].traps & BUS_TRAP_WATCH && monitor_armed_for(cpu->cluster, ram, pfn, off, len))
        touch(cpu); /* it wakes another CPU */
    return bus_ram_write_begin(ram, pfn, off, len);
}

void mem_phys_write(struct cpu *cpu, sim_paddr paddr, unsigned size, uint64_t v)
{
    uint64_t pfn;
    struct bus_ram *ram;

    paddr &= cpu->bus->a20_mask;
    ram = ram_page(cpu, paddr, true, &pfn);
    if (ram)
        mem_value_put(ram_for_write(cpu, ram, pfn, paddr & SIM_PAGE_MASK, size) + (paddr & SIM_PAGE_MASK), size, v);
    else
        memory_access(cpu, BUS_MEM_WRITE, paddr, size, v, false, (uint8_t)memtype_effective(cpu, paddr, 0));
}

/* ---- Watched addresses: debug registers and observers ---- */

static bool page_watched(struct cpu *cpu, sim_laddr laddr)
{
    sim_laddr page = laddr & ~(uint64_t)SIM_PAGE_MASK;

    return debugreg_watches_page(cpu, page) ||
           (cpu->observer && cpu->observer->watched && cpu->observer->watched(cpu->observer->arg, cpu, page));
}

static void report_access(struct cpu *cpu, sim_laddr laddr, unsigned size, bool write, uint64_t old, uint64_t value)
{
    debugreg_data_access(cpu, laddr, size, write);
    if (cpu->observer && cpu->observer->events & CPU_EVENT_ACCESS) {
        struct cpu_event event = { .kind = CPU_EVENT_ACCESS, .laddr = laddr, .size = (uint8_t)size, .write = write, .old = old,
                                   .value = value };

        run_report(cpu, &event);
    }
}

/* ---- Linear accesses within one page ---- */

struct access {
    bool write, locked;
    uint8_t as; /* enum paging_rights */
};

/* The memory type of an access to a page that was translated just now. */
static uint8_t memory_type(const struct cpu *cpu, sim_laddr laddr, sim_paddr paddr)
{
    const struct tlb_entry *e = cpu->cr0 & CR0_PG ? tlb_find(cpu->tlb, laddr) : NULL;

    return (uint8_t)memtype_effective(cpu, paddr, e ? e->flags : 0);
}

/* Translations that lead to a device are found again without a look at TLB and map, as those that lead to RAM are in the fast tables; the
 * same events make both forget. */
static uint64_t device_key(sim_laddr laddr, unsigned as, bool write)
{
    return (laddr & ~(uint64_t)SIM_PAGE_MASK) | 1 | as << 1 | (uint64_t)write << 3;
}
static struct cpu_device_page *device_slot(struct cpu *cpu, uint64_t key)
{
    return &cpu->device_page[(key >> 12 ^ key >> 3) & (CPU_DEVICE_PAGES - 1)];
}
static bool device_known(struct cpu *cpu, sim_laddr laddr, unsigned as, bool write)
{
    uint64_t key = device_key(laddr, as, write);

    return device_slot(cpu, key)->key == key;
}
static void device_fill(struct cpu *cpu, sim_laddr laddr, unsigned as, bool write, sim_paddr paddr, uint8_t type)
{
    uint64_t key = device_key(laddr, as, write);

    if (!paging_may_cache(cpu, laddr, as))
        return;
    *device_slot(cpu, key) = (struct cpu_device_page){ key, paddr & ~(sim_paddr)SIM_PAGE_MASK, type };
    cpu->device_pages_used = true;
}
static uint64_t device_access(struct cpu *cpu, enum bus_kind kind, sim_laddr laddr, unsigned size, uint64_t data, struct access a)
{
    const struct cpu_device_page *page = device_slot(cpu, device_key(laddr, a.as, kind == BUS_MEM_WRITE));

    return memory_access(cpu, kind, page->paddr | (laddr & SIM_PAGE_MASK), size, data, a.locked, page->type);
}

/* A page that is being written is found in the fast table from now on, if nobody has to hear of writes to it. A read-modify-write reads
 * there, too: it must be the page that a read sees, which shadow RAM need not be. */
static void fill_write(struct cpu *cpu, enum paging_rights as, sim_laddr laddr, sim_paddr paddr)
{
    uint64_t pfn, read_pfn;
    struct bus_ram *ram = ram_page(cpu, paddr, true, &pfn);

    if (ram && ram == ram_page(cpu, paddr, false, &read_pfn) && pfn == read_pfn && !ram->page[pfn].traps && ram->page[pfn].data)
        fast_fill(cpu, as, FAST_WRITE, laddr, ram->page[pfn].data);
}

static uint64_t page_read(struct cpu *cpu, sim_laddr laddr, unsigned size, struct access a)
{
    if (!a.write && device_known(cpu, laddr, a.as, false))
        return device_access(cpu, BUS_MEM_READ, laddr, size, 0, a);

    sim_paddr paddr = paging_translate(cpu, laddr, a.write ? PAGING_WRITE : PAGING_READ, a.as) & cpu->bus->a20_mask;
    bool watched = page_watched(cpu, laddr);
    uint64_t pfn, v = 0;
    struct bus_ram *ram = ram_page(cpu, paddr, false, &pfn);

    if (watched)
        mem_leave_block(cpu);
    if (ram) {
        uint8_t *host = bus_ram_read_page(ram, pfn);

        v = mem_value(host + (paddr & SIM_PAGE_MASK), size);
        if (!watched)
            fast_fill(cpu, a.as, FAST_READ, laddr, host);
        if (!watched && a.write)
            fill_write(cpu, a.as, laddr, paddr);
    } else {
        uint8_t type = memory_type(cpu, laddr, paddr);

        if (!watched && !a.write)
            device_fill(cpu, laddr, a.as, false, paddr, type);
        v = memory_access(cpu, BUS_MEM_READ, paddr, size, 0, a.locked, type);
    }
    if (watched)
        report_access(cpu, laddr, size, false, v, v);
    return v;
}

static void page_write(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v, struct access a)
{
    if (device_known(cpu, laddr, a.as, true)) {
        device_access(cpu, BUS_MEM_WRITE, laddr, size, v, a);
        return;
    }

    sim_paddr paddr = paging_translate(cpu, laddr, PAGING_WRITE, a.as) & cpu->bus->a20_mask;
    bool watched = page_watched(cpu, laddr);
    uint64_t pfn, old = 0;
    struct bus_ram *ram = ram_page(cpu, paddr, true, &pfn);

    if (watched)
        mem_leave_block(cpu);
    if (ram) {
        uint8_t *host = ram_for_write(cpu, ram, pfn, paddr & SIM_PAGE_MASK, size);

        old = mem_value(host + (paddr & SIM_PAGE_MASK), size);
        mem_value_put(host + (paddr & SIM_PAGE_MASK), size, v);
        if (!watched)
            fill_write(cpu, a.as, laddr, paddr);
    } else {
        uint8_t type = memory_type(cpu, laddr, paddr);

        if (!watched)
            device_fill(cpu, laddr, a.as, true, paddr, type);
        memory_access(cpu, BUS_MEM_WRITE, paddr, size, v, a.locked, type);
    }
    if (watched)
        report_access(cpu, laddr, size, true, old, v);
}

/* #AC: SDM Vol. 3A, "Alignment checking". While it is on, nothing is found in the fast tables (cpu_mode_changed). */
static void check_alignment(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    if (laddr & (size - 1) && cpu->cpl == 3 && cpu->cr0 & CR0_AM && cpu->eflags & EFL_AC)
        cpu_raise(cpu, VEC_AC, 0, CPU_CAUSE_AC_USER);
}

/* ---- Linear accesses of any alignment ---- */

static unsigned bytes_in_page(sim_laddr laddr, unsigned size)
{
    unsigned left = SIM_PAGE_SIZE - (laddr & SIM_PAGE_MASK);

    return size < left ? size : left;
}

/* Linear addresses are 32 bits wide outside 64-bit mode. */
static sim_laddr wrap(const struct cpu *cpu, sim_laddr laddr)
{
    return cpu->mode & MODE_L ? laddr : (uint32_t)laddr;
}

/* The n-th byte behind laddr. What the processor itself looks up beyond 4 GiB while compatibility-mode code runs does not wrap. */
static sim_laddr behind(const struct cpu *cpu, sim_laddr laddr, unsigned n)
{
    return laddr >> 32 ? laddr + n : wrap(cpu, laddr + n);
}

/* A write to a device, or to a page with a monitored line, has to be this CPU's turn: that is found out before the first of several writes, not between them. */
static void probe_page(struct cpu *cpu, sim_laddr laddr, bool write, enum paging_rights as)
{
    sim_paddr paddr = paging_translate(cpu, laddr, write ? PAGING_WRITE : PAGING_READ, as) & cpu->bus->a20_mask;
    uint64_t pfn;
    struct bus_ram *ram;

    if (!write)
        return;
    ram = ram_page(cpu, paddr, true, &pfn);
    if (!ram || ram->page[pfn].traps & BUS_TRAP_WATCH)
        touch(cpu);
}

static void probe(struct cpu *cpu, sim_laddr laddr, unsigned size, bool write, enum paging_rights as)
{
    unsigned first = bytes_in_page(laddr, size);

    probe_page(cpu, laddr, write, as);
    if (first < size)
        probe_page(cpu, behind(cpu, laddr, first), write, as);
}

static uint64_t linear_read(struct cpu *cpu, sim_laddr laddr, unsigned size, struct access a)
{
    unsigned first = bytes_in_page(laddr, size);
    uint64_t v = 0;

    if (first == size)
        return page_read(cpu, laddr, size, a);
    probe(cpu, laddr, size, a.write, a.as);
    for (unsigned n = 0; n < size; n++)
        v |= page_read(cpu, behind(cpu, laddr, n), 1, a) << (8 * n);
    return v;
}

static void linear_write(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v, struct access a)
{
    unsigned first = bytes_in_page(laddr, size);

    if (first == size) {
        page_write(cpu, laddr, size, v, a);
        return;
    }
    mem_leave_block(cpu); /* one of the bytes may have to be alone: decide before the first is written */
    probe(cpu, laddr, size, true, a.as);
    for (unsigned n = 0; n < size; n++)
        page_write(cpu, behind(cpu, laddr, n), 1, v >> (8 * n), a);
}

static bool is_user(const struct cpu *cpu)
{
    return cpu->cpl == 3;
}

static enum paging_rights present_rights(const struct cpu *cpu)
{
    return is_user(cpu) ? PAGING_USER : PAGING_SUPERVISOR;
}

static enum paging_rights rights_of(bool user)
{
    return user ? PAGING_USER : PAGING_SUPERVISOR;
}

uint64_t mem_read_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    cpu->cur = i;
    check_alignment(cpu, laddr, size);
    return linear_read(cpu, laddr, size, (struct access){ .as = present_rights(cpu) });
}

void mem_write_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, uint64_t value)
{
    cpu->cur = i;
    check_alignment(cpu, laddr, size);
    linear_write(cpu, laddr, size, value, (struct access){ .write = true, .as = present_rights(cpu) });
}

uint64_t mem_rmw_read_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, bool locked)
{
    cpu->cur = i;
    check_alignment(cpu, laddr, size);
    return linear_read(cpu, laddr, size, (struct access){ .write = true, .as = present_rights(cpu), .locked = locked });
}

void mem_rmw_write_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, uint64_t value, bool locked)
{
    uint8_t *host = mem_fast(cpu->fast_write, laddr, size);

    cpu->cur = i;
    if (host)
        mem_value_put(host, size, value);
    else
        linear_write(cpu, laddr, size, value, (struct access){ .write = true, .as = present_rights(cpu), .locked = locked });
}

void mem_probe_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    cpu->cur = i;
    if (size <= 8 && !(size & (size - 1))) /* vectors may lie anywhere, or have rules of their own */
        check_alignment(cpu, laddr, size);
    mem_leave_block(cpu);
    probe(cpu, laddr, size, true, present_rights(cpu));
}

void mem_probe_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    cpu->cur = i;
    if (size <= 8 && !(size & (size - 1))) /* vectors may lie anywhere, or have rules of their own */
        check_alignment(cpu, laddr, size);
    probe(cpu, laddr, size, false, present_rights(cpu));
}

/* ---- Operands of more than 8 bytes ---- */

/* The next piece of what is left: each is an access of its own, as far as devices are concerned, and of a size that accesses have. */
static unsigned piece_of(unsigned left)
{
    return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void read_pieces(struct cpu *cpu, sim_laddr laddr, uint8_t *to, unsigned size, struct access a)
{
    for (unsigned n = 0, piece; n < size; n += piece) {
        uint64_t v;

        piece = piece_of(size - n);
        v = linear_read(cpu, wrap(cpu, laddr + n), piece, a);
        memcpy(to + n, &v, piece);
    }
}

void mem_read_bytes(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, void *to, unsigned size)
{
    const uint8_t *p = mem_fast(cpu->fast_read, laddr, size);

    if (p) {
        memcpy(to, p, size);
        return;
    }
    mem_probe_read(cpu, i, laddr, size);
    read_pieces(cpu, laddr, to, size, (struct access){ .as = present_rights(cpu) });
}

void mem_write_bytes(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, const void *from, unsigned size)
{
    uint8_t *p = mem_fast(cpu->fast_write, laddr, size);

    if (p) {
        memcpy(p, from, size);
        return;
    }
    mem_probe_write(cpu, i, laddr, size);
    for (unsigned n = 0, piece; n < size; n += piece) {
        uint64_t v = 0;

        piece = piece_of(size - n);
        memcpy(&v, (const uint8_t *)from + n, piece);
        linear_write(cpu, wrap(cpu, laddr + n), piece, v, (struct access){ .write = true, .as = present_rights(cpu) });
    }
}

/* ---- Runs for string operations ---- */

uint8_t *mem_direct_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, uint32_t *len)
{
    uint8_t *host = mem_fast(cpu->fast_read, laddr, 1);

    *len = 0;
    if (!host && device_known(cpu, laddr, present_rights(cpu), false))
        return NULL;
    if (!host) {
        mem_probe_read(cpu, i, laddr, 1);
        uint64_t pfn;
        sim_paddr paddr = paging_translate(cpu, laddr, PAGING_READ, present_rights(cpu)) & cpu->bus->a20_mask;
        struct bus_ram *ram = ram_page(cpu, paddr, false, &pfn);

        if (!ram || page_watched(cpu, laddr))
            return NULL;
        host = bus_ram_read_page(ram, pfn) + (paddr & SIM_PAGE_MASK);
        fast_fill(cpu, present_rights(cpu), FAST_READ, laddr, host - (laddr & SIM_PAGE_MASK));
    }
    *len = SIM_PAGE_SIZE - (laddr & SIM_PAGE_MASK);
    return host;
}

uint8_t *mem_direct_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, uint32_t *len)
{
    uint8_t *host = mem_fast(cpu->fast_write, laddr, 1);

    *len = 0;
    if (!host && device_known(cpu, laddr, present_rights(cpu), true))
        return NULL;
    if (!host) {
        cpu->cur = i;
        uint64_t pfn;
        sim_paddr paddr = paging_translate(cpu, laddr, PAGING_WRITE, present_rights(cpu)) & cpu->bus->a20_mask;
        struct bus_ram *ram = ram_page(cpu, paddr, true, &pfn);

        /* A clean page, or one that is not there yet, is made dirty by its first element; from then on the run is direct. */
        if (!ram || page_watched(cpu, laddr) || ram->page[pfn].traps || !ram->page[pfn].data)
            return NULL;
        host = ram->page[pfn].data + (paddr & SIM_PAGE_MASK);
        fill_write(cpu, present_rights(cpu), laddr, paddr);
    }
    *len = SIM_PAGE_SIZE - (laddr & SIM_PAGE_MASK);
    return host;
}

/* ---- Effective addresses ---- */

bool mem_canonical_base(const struct cpu *cpu, uint64_t value)
{
    unsigned unused = cpu->model->cr4 & CR4_LA57 ? 7 : 16;

    return (uint64_t)((int64_t)(value << unused) >> unused) == value;
}

uint64_t mem_offset(struct cpu *cpu, const struct cpu_insn *i)
{
    if (i->base == CPU_REG_IMM)
        return (uint64_t)i->imm;
    return insn_ad_cut(i, MEM_SUM(cpu, i));
}

static _Noreturn void segment_fault(struct cpu *cpu, unsigned seg, uint64_t off, enum cpu_cause gp_cause)
{
    const struct cpu_seg *s = &cpu->seg[seg];

    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_OPERAND, .selector = s->selector, .level = (uint8_t)seg, .laddr = off,
                                           .value = s->limit };
    if (seg == CPU_SS)
        cpu_raise(cpu, VEC_SS, 0, gp_cause == CPU_CAUSE_SS_REAL_SP ? gp_cause : CPU_CAUSE_SS_LIMIT);
    if (gp_cause == CPU_CAUSE_GP_LIMIT && !(cpu->mode & MODE_PE))
        gp_cause = CPU_CAUSE_GP_REAL64K;
    cpu_raise(cpu, VEC_GP, 0, gp_cause);
}

/* SDM Vol. 3A, "Limit checking", "Type checking". Expand-down segments are valid above their limit. Real mode goes by what protected mode has left
 * in a segment's hidden part ("Switching Back to Real-Address Mode"), but that code may be written there. */
static void segment_check(struct cpu *cpu, unsigned seg, uint64_t off, unsigned size, enum mem_access access)
{
    const struct cpu_seg *s = &cpu->seg[seg];
    bool code = s->attr & SEG_TYPE_CODE, writable = !code && s->attr & SEG_TYPE_WRITE, readable = !code || s->attr & SEG_TYPE_READ;
    uint64_t last = off + size - 1;

    if (s->attr & SEG_UNUSABLE)
        segment_fault(cpu, seg, off, CPU_CAUSE_GP_NULLSEG);
    if (cpu->mode & MODE_PE || seg != CPU_CS) {
        if ((access == MEM_WRITE || access == MEM_RMW) && !writable)
            segment_fault(cpu, seg, off, CPU_CAUSE_GP_WRITE_RO);
        if (access == MEM_READ && !readable)
            segment_fault(cpu, seg, off, CPU_CAUSE_GP_READ_XO);
    }
    if (!code && s->attr & SEG_TYPE_DOWN) {
        uint64_t top = s->attr & SEG_DB ? UINT32_MAX : 0xffff;

        if (off <= s->limit || last > top)
            segment_fault(cpu, seg, off, CPU_CAUSE_GP_LIMIT);
    } else if (last > s->limit && (s->base || s->limit != UINT32_MAX)) { /* a flat segment wraps */
        segment_fault(cpu, seg, off, CPU_CAUSE_GP_LIMIT);
    }
}

/* 64-bit mode knows no limits and no types, and bases of FS and GS only. SDM Vol. 3A, "Segmentation in IA-32e mode". */
static sim_laddr long_linear(struct cpu *cpu, unsigned seg, uint64_t off, unsigned size)
{
    sim_laddr laddr = seg == CPU_FS || seg == CPU_GS ? cpu->seg[seg].base + off : off;

    if (mem_canonical(cpu, laddr)) {
        if (mem_canonical(cpu, laddr + size - 1))
            return laddr;
        if (size <= 8 && !(size & (size - 1)))
            check_alignment(cpu, laddr, size); /* found before the end that is not canonical, by the oracle test */
    }
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_OPERAND, .selector = cpu->seg[seg].selector, .level = (uint8_t)seg,
                                           .laddr = laddr };
    cpu_raise(cpu, seg == CPU_SS ? VEC_SS : VEC_GP, 0, seg == CPU_SS ? CPU_CAUSE_SS_CANON : CPU_CAUSE_GP_CANON);
}

/* Segments that MODE_FLAT speaks of and that may be written: nothing is to be checked. */
#define FLAT_SEGMENTS (1u << CPU_ES | 1u << CPU_SS | 1u << CPU_DS)

static inline sim_laddr segment_linear(struct cpu *cpu, unsigned seg, uint64_t off, unsigned size, enum mem_access access)
{
    if (CPU_LIKELY(cpu->mode & MODE_FLAT && FLAT_SEGMENTS >> seg & 1))
        return (uint32_t)off;
    if (cpu->mode & MODE_L)
        return long_linear(cpu, seg, off, size);
    segment_check(cpu, seg, off, size, access);
    return wrap(cpu, cpu->seg[seg].base + off);
}

sim_laddr mem_segment(struct cpu *cpu, const struct cpu_insn *i, unsigned seg, uint64_t off, unsigned size, enum mem_access access)
{
    cpu->cur = i;
    return segment_linear(cpu, seg, off, size, access);
}

/* ---- The stack ---- */

static uint64_t stack_mask(const struct cpu *cpu)
{
    return cpu->mode & MODE_L ? UINT64_MAX : cpu->mode & MODE_SS32 ? UINT32_MAX : 0xffff;
}

static inline sim_laddr stack_linear(struct cpu *cpu, uint64_t offset_from_sp, unsigned size, enum mem_access access)
{
    if (CPU_LIKELY(cpu->mode & MODE_FLAT))
        return (uint32_t)(cpu->reg[CPU_SP] + offset_from_sp);
    return segment_linear(cpu, CPU_SS, (cpu->reg[CPU_SP] + offset_from_sp) & stack_mask(cpu), size, access);
}

void stack_add(struct cpu *cpu, int64_t bytes)
{
    uint64_t mask = stack_mask(cpu), sp = cpu->reg[CPU_SP];

    cpu->reg[CPU_SP] = (sp & ~mask) | ((sp + (uint64_t)bytes) & mask);
}

void stack_push(struct cpu *cpu, const struct cpu_insn *i, unsigned size, uint64_t v)
{
    uint64_t sp = (cpu->reg[CPU_SP] - size) & stack_mask(cpu);
    sim_laddr laddr;
    uint8_t *p;

    cpu->cur = i;
    if (!(cpu->mode & MODE_PE) && sp + size - 1 > cpu->seg[CPU_SS].limit)
        segment_fault(cpu, CPU_SS, sp, CPU_CAUSE_SS_REAL_SP);
    laddr = segment_linear(cpu, CPU_SS, sp, size, MEM_WRITE);
    p = mem_fast(cpu->fast_write, laddr, size);
    if (p)
        mem_value_put(p, size, v);
    else
        mem_write_slow(cpu, i, laddr, size, v);
    stack_add(cpu, -(int64_t)size);
}

uint64_t stack_read(struct cpu *cpu, const struct cpu_insn *i, uint64_t offset_from_sp, unsigned size)
{
    const uint8_t *p;
    sim_laddr laddr;

    cpu->cur = i;
    laddr = stack_linear(cpu, offset_from_sp, size, MEM_READ);
    p = mem_fast(cpu->fast_read, laddr, size);
    return p ? mem_value(p, size) : mem_read_slow(cpu, i, laddr, size);
}

/* ---- System accesses, and accesses with the rights of another CPL ---- */

uint64_t mem_read_as(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user)
{
    const uint8_t *p = mem_fast(fast_table(cpu, user, FAST_READ), laddr, size);

    return p ? mem_value(p, size) : linear_read(cpu, laddr, size, (struct access){ .as = rights_of(user) });
}

void mem_write_as(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v, bool user)
{
    uint8_t *p = mem_fast(fast_table(cpu, user, FAST_WRITE), laddr, size);

    if (p)
        mem_value_put(p, size, v);
    else
        linear_write(cpu, laddr, size, v, (struct access){ .write = true, .as = rights_of(user) });
}

void mem_probe_write_as(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user)
{
    if (user)
        check_alignment(cpu, laddr, size);
    if (mem_fast(fast_table(cpu, user, FAST_WRITE), laddr, size))
        return;
    mem_leave_block(cpu);
    probe(cpu, laddr, size, true, rights_of(user));
}

uint8_t *mem_frame(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user)
{
    if (user && cpu->cr0 & CR0_AM && cpu->eflags & EFL_AC)
        return NULL;
    return mem_fast(fast_table(cpu, user, FAST_WRITE), laddr, size);
}

/* The tables' addresses are 64 bits wide in IA-32e mode, whatever the code. */
static sim_laddr sys_address(struct cpu *cpu, sim_laddr laddr)
{
    if (!(cpu->efer & EFER_LMA))
        return (uint32_t)laddr;
    if (!mem_canonical(cpu, laddr)) {
        cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = laddr };
        cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_CANON);
    }
    return laddr;
}

uint64_t mem_sys_read_slow(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    return linear_read(cpu, sys_address(cpu, laddr), size, (struct access){ .as = PAGING_IMPLICIT });
}

void mem_sys_write(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v)
{
    uint8_t *p;

    laddr = sys_address(cpu, laddr);
    p = mem_fast(fast_table(cpu, false, FAST_WRITE), laddr, size);
    if (p)
        mem_value_put(p, size, v);
    else
        linear_write(cpu, laddr, size, v, (struct access){ .write = true, .as = PAGING_IMPLICIT });
}

void mem_sys_probe_write(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    laddr = sys_address(cpu, laddr);
    if (mem_fast(fast_table(cpu, false, FAST_WRITE), laddr, size))
        return;
    mem_leave_block(cpu);
    probe(cpu, laddr, size, true, PAGING_IMPLICIT);
}

/* ---- Ports ---- */

static inline void report_port(struct cpu *cpu, uint16_t port, unsigned size, bool write, uint32_t v)
{
    debugreg_port_access(cpu, port, size);
    if (run_wants(cpu, CPU_EVENT_PORT)) {
        struct cpu_event event = { .kind = CPU_EVENT_PORT, .laddr = port, .size = (uint8_t)size, .write = write, .value = v };

        run_report(cpu, &event);
    }
}

uint32_t mem_in(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned size)
{
    uint32_t v;

    cpu->cur = i;
    v = (uint32_t)bus_access(cpu, BUS_IO_READ, port, size, 0, false, 0);
    smm_note_io(cpu, i, port, size, false);
    report_port(cpu, port, size, false, v);
    return v;
}

void mem_out(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned size, uint32_t v)
{
    cpu->cur = i;
    bus_access(cpu, BUS_IO_WRITE, port, size, v, false, 0);
    smm_note_io(cpu, i, port, size, true);
    report_port(cpu, port, size, true, v);
}
