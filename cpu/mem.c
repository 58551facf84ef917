#include "cpu/mem.h"

#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/lapic.h"
#include "cpu/paging.h"
#include "cpu/run.h"
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
        cpu->fast_tables[t * CPU_FAST_SIZE + slot].tag = UINT64_MAX;
}

void mem_fast_flush(struct cpu *cpu)
{
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
    fast_clear_slot(cpu, (laddr >> SIM_PAGE_SHIFT) & (CPU_FAST_SIZE - 1));
}

static void fast_fill(struct cpu *cpu, bool user, unsigned which, sim_laddr laddr, uint8_t *host)
{
    unsigned slot = (laddr >> SIM_PAGE_SHIFT) & (CPU_FAST_SIZE - 1);
    struct cpu_fast *f = fast_table(cpu, user, which) + slot;

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
                f->tag = UINT64_MAX;
        }
    }
}

/* ---- The guest's invalidations ---- */

void mem_flush_tlb(struct cpu *cpu, bool globals_too)
{
    tlb_flush(cpu->tlb, globals_too);
    mem_fast_flush(cpu);
    code_forget_fetch(cpu);
}

void mem_invlpg(struct cpu *cpu, sim_laddr laddr)
{
    bool large;

    tlb_invalidate(cpu->tlb, laddr, &large);
    if (large)
        mem_fast_flush(cpu);
    else
        mem_fast_drop(cpu, laddr);
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
    if (run_step_cycle(cpu) > cpu->shared_until)
        run_unwind(cpu, RUN_UNWIND_WAIT);
    cpu->bus->clock->now = run_step_cycle(cpu);
    cpu->attention |= CPU_ATT_TOUCHED;
}

void mem_touch(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    touch(cpu);
}

/* ---- Values in memory: little-endian, of 1, 2, 4 or 8 bytes ---- */

static inline uint64_t value_at(const uint8_t *p, unsigned size)
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

static inline void value_put(uint8_t *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1: *p = (uint8_t)v; break;
    case 2: memcpy(p, &v, 2); break;
    case 4: memcpy(p, &v, 4); break;
    default: memcpy(p, &v, 8); break;
    }
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

/* A transaction on the bus. */
static uint64_t bus_access(struct cpu *cpu, enum bus_kind kind, uint64_t addr, unsigned size, uint64_t data, bool locked)
{
    struct bus_txn txn = { .kind = kind, .master = (uint16_t)cpu->number, .size = (uint8_t)size, .locked = locked,
                           .addr = addr, .data = data };

    if (kind <= BUS_MEM_WRITE && lapic_covers(cpu, addr))
        return lapic_access(cpu, kind == BUS_MEM_WRITE, (uint32_t)(addr & SIM_PAGE_MASK), size, data);
    touch(cpu);
    bus_do(cpu->bus, &txn);
    cpu->stall += txn.stall;
    return txn.data;
}

/* The RAM page behind a physical address, or NULL. */
static struct bus_ram *ram_page(struct cpu *cpu, sim_paddr paddr, bool write, uint64_t *pfn)
{
    if (lapic_covers(cpu, paddr))
        return NULL;
    return bus_mem_page(cpu->bus, paddr, write, pfn);
}

uint64_t mem_phys_read(struct cpu *cpu, sim_paddr paddr, unsigned size)
{
    uint64_t pfn;
    struct bus_ram *ram;

    paddr &= cpu->bus->a20_mask;
    ram = ram_page(cpu, paddr, false, &pfn);
    if (!ram)
        return bus_access(cpu, BUS_MEM_READ, paddr, size, 0, false);
    return value_at(bus_ram_read_page(ram, pfn) + (paddr & SIM_PAGE_MASK), size);
}

/* Code that a write would change is thrown away by the RAM's listener; from inside a block such a write must be made alone, for
 * the block may be the code. */
static uint8_t *ram_for_write(struct cpu *cpu, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    if (ram->page[pfn].traps & BUS_TRAP_CODE && code_overlaps(ram, pfn, off, len))
        mem_leave_block(cpu);
    return bus_ram_write_begin(ram, pfn, off, len);
}

void mem_phys_write(struct cpu *cpu, sim_paddr paddr, unsigned size, uint64_t v)
{
    uint64_t pfn;
    struct bus_ram *ram;

    paddr &= cpu->bus->a20_mask;
    ram = ram_page(cpu, paddr, true, &pfn);
    if (ram)
        value_put(ram_for_write(cpu, ram, pfn, paddr & SIM_PAGE_MASK, size) + (paddr & SIM_PAGE_MASK), size, v);
    else
        bus_access(cpu, BUS_MEM_WRITE, paddr, size, v, false);
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
    bool write, user, locked;
};

static uint64_t page_read(struct cpu *cpu, sim_laddr laddr, unsigned size, struct access a)
{
    sim_paddr paddr = paging_translate(cpu, laddr, a.write ? PAGING_WRITE : PAGING_READ, a.user) & cpu->bus->a20_mask;
    bool watched = page_watched(cpu, laddr);
    uint64_t pfn, v = 0;
    struct bus_ram *ram = ram_page(cpu, paddr, false, &pfn);

    if (watched)
        mem_leave_block(cpu);
    if (ram) {
        uint8_t *host = bus_ram_read_page(ram, pfn);

        v = value_at(host + (paddr & SIM_PAGE_MASK), size);
        if (!watched)
            fast_fill(cpu, a.user, FAST_READ, laddr, host);
    } else {
        v = bus_access(cpu, BUS_MEM_READ, paddr, size, 0, a.locked);
    }
    if (watched)
        report_access(cpu, laddr, size, false, v, v);
    return v;
}

static void page_write(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v, struct access a)
{
    sim_paddr paddr = paging_translate(cpu, laddr, PAGING_WRITE, a.user) & cpu->bus->a20_mask;
    bool watched = page_watched(cpu, laddr);
    uint64_t pfn, old = 0;
    struct bus_ram *ram = ram_page(cpu, paddr, true, &pfn);

    if (watched)
        mem_leave_block(cpu);
    if (ram) {
        uint8_t *host = ram_for_write(cpu, ram, pfn, paddr & SIM_PAGE_MASK, size);

        old = value_at(host + (paddr & SIM_PAGE_MASK), size);
        value_put(host + (paddr & SIM_PAGE_MASK), size, v);
        if (!watched && !ram->page[pfn].traps)
            fast_fill(cpu, a.user, FAST_WRITE, laddr, host);
    } else {
        bus_access(cpu, BUS_MEM_WRITE, paddr, size, v, a.locked);
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

static void probe(struct cpu *cpu, sim_laddr laddr, unsigned size, bool write, bool user)
{
    unsigned first = bytes_in_page(laddr, size);

    paging_translate(cpu, laddr, write ? PAGING_WRITE : PAGING_READ, user);
    if (first < size)
        paging_translate(cpu, wrap(cpu, laddr + first), write ? PAGING_WRITE : PAGING_READ, user);
}

static uint64_t linear_read(struct cpu *cpu, sim_laddr laddr, unsigned size, struct access a)
{
    unsigned first = bytes_in_page(laddr, size);
    uint64_t v = 0;

    if (first == size)
        return page_read(cpu, laddr, size, a);
    probe(cpu, laddr, size, a.write, a.user);
    for (unsigned n = 0; n < size; n++)
        v |= page_read(cpu, wrap(cpu, laddr + n), 1, a) << (8 * n);
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
    probe(cpu, laddr, size, true, a.user);
    for (unsigned n = 0; n < size; n++)
        page_write(cpu, wrap(cpu, laddr + n), 1, v >> (8 * n), a);
}

static bool is_user(const struct cpu *cpu)
{
    return cpu->cpl == 3;
}

uint64_t mem_read_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    cpu->cur = i;
    check_alignment(cpu, laddr, size);
    return linear_read(cpu, laddr, size, (struct access){ .user = is_user(cpu) });
}

void mem_write_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, uint64_t value)
{
    cpu->cur = i;
    check_alignment(cpu, laddr, size);
    linear_write(cpu, laddr, size, value, (struct access){ .write = true, .user = is_user(cpu) });
}

uint64_t mem_rmw_read_slow(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size, bool locked)
{
    cpu->cur = i;
    check_alignment(cpu, laddr, size);
    return linear_read(cpu, laddr, size, (struct access){ .write = true, .user = is_user(cpu), .locked = locked });
}

void mem_probe_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    cpu->cur = i;
    if (!(size & (size - 1)))
        check_alignment(cpu, laddr, size);
    mem_leave_block(cpu);
    probe(cpu, laddr, size, true, is_user(cpu));
}

void mem_probe_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, unsigned size)
{
    cpu->cur = i;
    if (!(size & (size - 1)))
        check_alignment(cpu, laddr, size);
    probe(cpu, laddr, size, false, is_user(cpu));
}

/* ---- Runs for string operations ---- */

uint8_t *mem_direct_read(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, uint32_t *len)
{
    uint8_t *host = mem_fast(cpu->fast_read, laddr, 1);

    *len = 0;
    if (!host) {
        mem_probe_read(cpu, i, laddr, 1);
        uint64_t pfn;
        sim_paddr paddr = paging_translate(cpu, laddr, PAGING_READ, is_user(cpu)) & cpu->bus->a20_mask;
        struct bus_ram *ram = ram_page(cpu, paddr, false, &pfn);

        if (!ram || page_watched(cpu, laddr))
            return NULL;
        host = bus_ram_read_page(ram, pfn) + (paddr & SIM_PAGE_MASK);
        fast_fill(cpu, is_user(cpu), FAST_READ, laddr, host - (laddr & SIM_PAGE_MASK));
    }
    *len = SIM_PAGE_SIZE - (laddr & SIM_PAGE_MASK);
    return host;
}

uint8_t *mem_direct_write(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr, uint32_t *len)
{
    uint8_t *host = mem_fast(cpu->fast_write, laddr, 1);

    *len = 0;
    if (!host) {
        cpu->cur = i;
        uint64_t pfn;
        sim_paddr paddr = paging_translate(cpu, laddr, PAGING_WRITE, is_user(cpu)) & cpu->bus->a20_mask;
        struct bus_ram *ram = ram_page(cpu, paddr, true, &pfn);

        /* A clean page, or one that is not there yet, is made dirty by its first element; from then on the run is direct. */
        if (!ram || page_watched(cpu, laddr) || ram->page[pfn].traps || !ram->page[pfn].data)
            return NULL;
        host = ram->page[pfn].data + (paddr & SIM_PAGE_MASK);
        fast_fill(cpu, is_user(cpu), FAST_WRITE, laddr, host - (laddr & SIM_PAGE_MASK));
    }
    *len = SIM_PAGE_SIZE - (laddr & SIM_PAGE_MASK);
    return host;
}

/* ---- Effective addresses ---- */

uint64_t mem_offset(struct cpu *cpu, const struct cpu_insn *i)
{
    uint64_t off = cpu->reg[i->base] + (cpu->reg[i->index] << i->scale) + (uint64_t)(int64_t)i->disp;

    if (i->flags & INSN_AD64)
        return off;
    return i->flags & INSN_AD32 ? (uint32_t)off : (uint16_t)off;
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

/* SDM Vol. 3A, "Limit checking", "Type checking". Expand-down segments are valid above their limit. */
static void segment_check(struct cpu *cpu, unsigned seg, uint64_t off, unsigned size, enum mem_access access)
{
    const struct cpu_seg *s = &cpu->seg[seg];
    bool code = s->attr & SEG_TYPE_CODE, writable = !code && s->attr & SEG_TYPE_WRITE, readable = !code || s->attr & SEG_TYPE_READ;
    uint64_t last = off + size - 1;

    if (s->attr & SEG_UNUSABLE)
        segment_fault(cpu, seg, off, CPU_CAUSE_GP_NULLSEG);
    if (cpu->mode & MODE_PE && !(cpu->mode & MODE_VM)) {
        if (access != MEM_READ && !writable)
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

static sim_laddr segment_linear(struct cpu *cpu, unsigned seg, uint64_t off, unsigned size, enum mem_access access)
{
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

void stack_add(struct cpu *cpu, int64_t bytes)
{
    uint64_t mask = stack_mask(cpu), sp = cpu->reg[CPU_SP];

    cpu->reg[CPU_SP] = (sp & ~mask) | ((sp + (uint64_t)bytes) & mask);
}

void stack_push(struct cpu *cpu, const struct cpu_insn *i, unsigned size, uint64_t v)
{
    uint64_t sp = (cpu->reg[CPU_SP] - size) & stack_mask(cpu);
    sim_laddr laddr;

    cpu->cur = i;
    if (!(cpu->mode & MODE_PE) && sp + size - 1 > cpu->seg[CPU_SS].limit)
        segment_fault(cpu, CPU_SS, sp, CPU_CAUSE_SS_REAL_SP);
    laddr = segment_linear(cpu, CPU_SS, sp, size, MEM_WRITE);
    check_alignment(cpu, laddr, size);
    mem_write_as(cpu, laddr, size, v, is_user(cpu));
    stack_add(cpu, -(int64_t)size);
}

uint64_t stack_read(struct cpu *cpu, const struct cpu_insn *i, uint64_t offset_from_sp, unsigned size)
{
    uint64_t sp = (cpu->reg[CPU_SP] + offset_from_sp) & stack_mask(cpu);
    sim_laddr laddr;

    cpu->cur = i;
    laddr = segment_linear(cpu, CPU_SS, sp, size, MEM_READ);
    check_alignment(cpu, laddr, size);
    return mem_read_as(cpu, laddr, size, is_user(cpu));
}

/* ---- System accesses, and accesses with the rights of another CPL ---- */

uint64_t mem_read_as(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user)
{
    const uint8_t *p = mem_fast(fast_table(cpu, user, FAST_READ), laddr, size);

    return p ? value_at(p, size) : linear_read(cpu, laddr, size, (struct access){ .user = user });
}

void mem_write_as(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v, bool user)
{
    uint8_t *p = mem_fast(fast_table(cpu, user, FAST_WRITE), laddr, size);

    if (p)
        value_put(p, size, v);
    else
        linear_write(cpu, laddr, size, v, (struct access){ .write = true, .user = user });
}

void mem_probe_write_as(struct cpu *cpu, sim_laddr laddr, unsigned size, bool user)
{
    if (user)
        check_alignment(cpu, laddr, size);
    if (mem_fast(fast_table(cpu, user, FAST_WRITE), laddr, size))
        return;
    mem_leave_block(cpu);
    probe(cpu, laddr, size, true, user);
}

uint64_t mem_sys_read(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    return mem_read_as(cpu, wrap(cpu, laddr), size, false);
}

void mem_sys_write(struct cpu *cpu, sim_laddr laddr, unsigned size, uint64_t v)
{
    mem_write_as(cpu, wrap(cpu, laddr), size, v, false);
}

void mem_sys_probe_write(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    mem_probe_write_as(cpu, wrap(cpu, laddr), size, false);
}

/* ---- Ports ---- */

static void report_port(struct cpu *cpu, uint16_t port, unsigned size, bool write, uint32_t v)
{
    debugreg_port_access(cpu, port, size);
    if (cpu->observer && cpu->observer->events & CPU_EVENT_PORT) {
        struct cpu_event event = { .kind = CPU_EVENT_PORT, .laddr = port, .size = (uint8_t)size, .write = write, .value = v };

        run_report(cpu, &event);
    }
}

uint32_t mem_in(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned size)
{
    uint32_t v;

    cpu->cur = i;
    v = (uint32_t)bus_access(cpu, BUS_IO_READ, port, size, 0, false);
    report_port(cpu, port, size, false, v);
    return v;
}

void mem_out(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned size, uint32_t v)
{
    cpu->cur = i;
    bus_access(cpu, BUS_IO_WRITE, port, size, v, false);
    report_port(cpu, port, size, true, v);
}
