#include "cpu/seg.h"

#include "cpu/code.h"
#include "cpu/mem.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* ---- The TSS: SDM Vol. 3A, "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)" ---- */

struct layout {
    uint8_t width;               /* of registers */
    uint8_t limit;               /* the least that a task switch accepts */
    uint8_t ip, flags, reg;      /* registers in order of their numbers */
    uint8_t seg, seg_count;      /* selectors in order of their numbers, `width` apart */
    uint8_t ldt;
};
static const struct layout layout16 = { 2, 0x2b, 0x0e, 0x10, 0x12, 0x22, 4, 0x2a };
static const struct layout layout32 = { 4, 0x67, 0x20, 0x24, 0x28, 0x48, 6, 0x60 };
enum { TSS_LINK = 0, TSS_CR3 = 0x1c, TSS_TRAP = 0x64, TSS_IOMAP = 0x66 };

static const struct layout *layout_of(uint32_t attr)
{
    return attr & 8 ? &layout32 : &layout16;
}

/* What a task switch loads. */
struct image {
    uint32_t cr3, ip, flags, reg[8];
    uint16_t seg[6], ldt;
    bool trap;
};

/* ---- Inner stacks ---- */

void tss_stack(struct cpu *cpu, unsigned dpl, uint16_t *ss, uint32_t *sp)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    unsigned width = layout_of(tr->attr)->width;
    uint32_t off = dpl * 2 * width + width;

    if (tr->attr & SEG_UNUSABLE || off + width + 1 > tr->limit)
        xfer_fault_tss(cpu, VEC_TS, tr->selector & 0xfffc, CPU_CAUSE_TS_STACK_TSS_LIMIT, off, width + 2);
    *ss = (uint16_t)mem_sys_read(cpu, tr->base + off + width, 2);
    *sp = (uint32_t)mem_sys_read(cpu, tr->base + off, width);
}

/* The 64-bit TSS: SDM Vol. 3A, "64-Bit Task-State Segment (TSS)". */
enum { TSS64_RSP0 = 4, TSS64_IST1 = 0x24 };

uint64_t tss_stack64(struct cpu *cpu, unsigned dpl, unsigned ist)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    uint32_t off = ist ? TSS64_IST1 + (ist - 1) * 8 : TSS64_RSP0 + dpl * 8;

    if (tr->attr & SEG_UNUSABLE || off + 7 > tr->limit)
        xfer_fault_tss(cpu, VEC_TS, tr->selector & 0xfffc, CPU_CAUSE_TS_STACK_TSS_LIMIT, off, 8);
    return mem_sys_read(cpu, tr->base + off, 8);
}

/* ---- The I/O permission bitmap: SDM Vol. 1, "I/O permission bit map" ---- */

void io_check_bitmap(struct cpu *cpu, uint16_t port, unsigned size)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    uint32_t off;

    if (tr->attr & SEG_UNUSABLE || (tr->attr & SEG_TYPE) != SYS_TSS_BUSY)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_IOMAP_TSS16, tr->selector);
    if (tr->limit < TSS_IOMAP + 1)
        xfer_fault_tss(cpu, VEC_GP, 0, CPU_CAUSE_GP_IOMAP_LIMIT, TSS_IOMAP, 2);
    off = (uint32_t)mem_sys_read(cpu, tr->base + TSS_IOMAP, 2) + port / 8;
    if (off + 1 > tr->limit) /* two bytes are read always */
        xfer_fault_tss(cpu, VEC_GP, 0, CPU_CAUSE_GP_IOMAP_LIMIT, off, 2);
    if (mem_sys_read(cpu, tr->base + off, 2) >> (port & 7) & ((1u << size) - 1))
        xfer_fault_tss(cpu, VEC_GP, 0, CPU_CAUSE_GP_IOPL_IO, off, 2);
}

/* ---- Task switches: SDM Vol. 3A, "Task switching" ---- */

void xfer_check_task(struct cpu *cpu, uint16_t selector, enum cpu_cause table, enum cpu_cause busy, struct seg_desc *out)
{
    unsigned type;

    if (selector & 4) {
        *out = (struct seg_desc){ .selector = selector, .outside = true };
        xfer_fault(cpu, VEC_GP, table, out);
    }
    if (!seg_read(cpu, selector, out))
        xfer_fault(cpu, VEC_GP, table, out);
    if (xfer_long(cpu)) /* there are no task switches */
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_TSS_LM, out);
    type = out->attr & (SEG_S | SEG_TYPE);
    if (type != SYS_TSS16_AVAILABLE && type != SYS_TSS_AVAILABLE)
        xfer_fault(cpu, VEC_GP, busy, out);
    if (!(out->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_TSS, out);
}

void xfer_check_task_ip(struct cpu *cpu, enum cpu_cause cause)
{
    if (cpu->ip > cpu->seg[CPU_CS].limit)
        xfer_fault_value(cpu, VEC_GP, 0, cause, cpu->ip);
}

static uint64_t read_field(struct cpu *cpu, uint64_t base, unsigned off, unsigned size)
{
    return mem_sys_read(cpu, (uint32_t)(base + off), size);
}

static void read_image(struct cpu *cpu, const struct seg_desc *tss, struct image *m)
{
    const struct layout *l = layout_of(tss->attr);
    uint32_t upper = l->width == 2 ? 0xffff0000u : 0; /* a 16-bit TSS says nothing about the upper halves */

    *m = (struct image){ .ip = (uint32_t)read_field(cpu, tss->base, l->ip, l->width) };
    m->flags = (uint32_t)read_field(cpu, tss->base, l->flags, l->width);
    for (unsigned n = 0; n < 8; n++)
        m->reg[n] = upper | (uint32_t)read_field(cpu, tss->base, l->reg + n * l->width, l->width);
    for (unsigned n = 0; n < l->seg_count; n++)
        m->seg[n] = (uint16_t)read_field(cpu, tss->base, l->seg + n * l->width, 2);
    m->ldt = (uint16_t)read_field(cpu, tss->base, l->ldt, 2);
    if (l->width == 4) {
        m->cr3 = (uint32_t)read_field(cpu, tss->base, TSS_CR3, 4);
        m->trap = read_field(cpu, tss->base, TSS_TRAP, 1) & 1;
    }
}

static sim_laddr busy_byte(const struct cpu *cpu, uint16_t selector)
{
    return (uint32_t)(cpu->gdtr.base + (selector & 0xfff8) + 5);
}

/* Everything that the switch writes can be written: from here on only the new task's segments can fault. */
static void probe(struct cpu *cpu, const struct seg_desc *tss, bool nests)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    const struct layout *l = layout_of(tr->attr);

    mem_sys_probe_write(cpu, (uint32_t)(tr->base + l->ip), l->seg + l->seg_count * l->width - l->ip);
    mem_sys_probe_write(cpu, busy_byte(cpu, tss->selector), 1);
    if (!nests)
        mem_sys_probe_write(cpu, busy_byte(cpu, tr->selector), 1);
    else
        mem_sys_probe_write(cpu, tss->base + TSS_LINK, 2);
}

static void save_old(struct cpu *cpu, uint64_t next_ip, uint32_t flags)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    const struct layout *l = layout_of(tr->attr);

    mem_sys_write(cpu, (uint32_t)(tr->base + l->ip), l->width, next_ip);
    mem_sys_write(cpu, (uint32_t)(tr->base + l->flags), l->width, flags);
    for (unsigned n = 0; n < 8; n++)
        mem_sys_write(cpu, (uint32_t)(tr->base + l->reg + n * l->width), l->width, cpu->reg[n]);
    for (unsigned n = 0; n < l->seg_count; n++)
        mem_sys_write(cpu, (uint32_t)(tr->base + l->seg + n * l->width), 2, cpu->seg[n].selector);
}

static void set_busy(struct cpu *cpu, uint16_t selector, bool busy)
{
    uint64_t byte = mem_sys_read(cpu, busy_byte(cpu, selector), 1);

    mem_sys_write(cpu, busy_byte(cpu, selector), 1, busy ? byte | 2 : byte & ~2ull);
}

static void load_cr3(struct cpu *cpu, uint32_t cr3)
{
    struct cpu_event event = { .kind = CPU_EVENT_CONTROL, .reg = 3, .old = cpu->cr3, .value = cr3 };

    if (cpu->cr3 != cr3)
        mem_flush_tlb(cpu, false);
    cpu->cr3 = cr3;
    run_report(cpu, &event);
}

/* Registers of the new task, segments by their selectors only: none of them can be used yet. */
static void commit(struct cpu *cpu, const struct seg_desc *tss, const struct image *m, bool nests)
{
    const uint32_t valid = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_RF | EFL_VM | EFL_AC | EFL_VIF | EFL_VIP | EFL_ID;
    bool wide = tss->attr & 8;

    cpu->cur = NULL; /* a fault from here on is the new task's: it stands at ip */
    seg_load_cache(cpu, CPU_TR, tss);
    cpu->seg[CPU_TR].attr |= 2;
    cpu->cr0 |= CR0_TS;
    cpu->dr[7] &= ~0x155ull; /* L0-L3, LE: SDM Vol. 3B, "Debug control register (DR7)" */
    if (wide && cpu->cr0 & CR0_PG)
        load_cr3(cpu, m->cr3);
    cpu_set_eflags(cpu, (m->flags & valid) | (nests ? EFL_NT : 0));
    cpu->ip = m->ip;
    for (unsigned n = 0; n < 8; n++)
        cpu->reg[n] = m->reg[n];
    for (unsigned n = 0; n < 6; n++)
        seg_load_null(cpu, n, m->seg[n]);
    seg_load_null(cpu, CPU_LDTR, m->ldt);
}

/* ---- The new task's segments: faults are the new task's, #TS mostly ---- */

static _Noreturn void null_selector(struct cpu *cpu, enum cpu_cause cause, unsigned seg)
{
    const struct layout *l = layout_of(cpu->seg[CPU_TR].attr);

    xfer_fault_tss(cpu, VEC_TS, 0, cause, l->seg + seg * l->width, 2);
}

static void load_ldt(struct cpu *cpu, uint16_t selector)
{
    struct seg_desc d = { .selector = selector, .outside = true };

    if (xfer_null(selector))
        return;
    if (selector & 4 || !seg_read(cpu, selector, &d))
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_LDT_SEL, &d);
    if ((d.attr & (SEG_S | SEG_TYPE)) != SYS_LDT)
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_LDT_TYPE, &d);
    if (!(d.attr & SEG_P))
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_LDT_NP, &d);
    seg_load_cache(cpu, CPU_LDTR, &d);
}

static void load_code(struct cpu *cpu, uint16_t selector)
{
    unsigned rpl = selector & 3u;
    struct seg_desc d;

    if (xfer_null(selector))
        null_selector(cpu, CPU_CAUSE_TS_CS_NULL, CPU_CS);
    if (!seg_read(cpu, selector, &d))
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_CS_LIMIT, &d);
    if (!(d.attr & SEG_S) || !(d.attr & SEG_TYPE_CODE))
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_CS_TYPE, &d);
    if (d.attr & SEG_TYPE_CONFORMING ? SEG_DPL(d.attr) > rpl : SEG_DPL(d.attr) != rpl)
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_CS_DPL, &d);
    if (!(d.attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_TASK_CS, &d);
    seg_set_accessed(cpu, &d);
    seg_load_cache(cpu, CPU_CS, &d);
}

static void load_stack(struct cpu *cpu, uint16_t selector, unsigned cpl)
{
    static const struct xfer_stack_rules rules = { VEC_TS, CPU_CAUSE_TS_SS_LIMIT, CPU_CAUSE_TS_SS_RPL, CPU_CAUSE_TS_SS_DPL,
                                                   CPU_CAUSE_TS_SS_TYPE, CPU_CAUSE_SS_NP_TASK };
    struct seg_desc d;

    if (xfer_null(selector))
        null_selector(cpu, CPU_CAUSE_TS_SS_NULL, CPU_SS);
    xfer_check_stack(cpu, &rules, selector, cpl, &d);
    seg_set_accessed(cpu, &d);
    seg_load_cache(cpu, CPU_SS, &d);
}

static void load_data(struct cpu *cpu, unsigned seg, uint16_t selector)
{
    static const struct xfer_data_rules rules = { VEC_TS, CPU_CAUSE_TS_DS_LIMIT, CPU_CAUSE_TS_DS_TYPE, CPU_CAUSE_TS_DS_TYPE,
                                                  CPU_CAUSE_TS_DS_DPL, CPU_CAUSE_NP_TASK_DATA };
    struct seg_desc d;

    if (xfer_null(selector))
        return;
    xfer_check_data(cpu, &rules, selector, &d);
    seg_set_accessed(cpu, &d);
    seg_load_cache(cpu, seg, &d);
}

/*
 * Until SS is loaded the CPL is 3 whatever CS says, so that a handler of what is found wrong gets a stack from the new TSS. The SDM
 * leaves open what it gets.
 */
static void load_segments(struct cpu *cpu, const struct image *m)
{
    static const uint8_t data[] = { CPU_ES, CPU_DS, CPU_FS, CPU_GS };
    unsigned cpl = m->seg[CPU_CS] & 3u;

    cpu->cpl = 3;
    xfer_mode_changed(cpu);
    load_ldt(cpu, m->ldt);
    if (cpu->eflags & EFL_VM) {
        for (unsigned n = 0; n < 6; n++)
            vm86_load_segment(cpu, n, m->seg[n]);
        return;
    }
    load_code(cpu, m->seg[CPU_CS]);
    load_stack(cpu, m->seg[CPU_SS], cpl);
    cpu->cpl = (uint8_t)cpl;
    xfer_mode_changed(cpu);
    for (unsigned n = 0; n < sizeof(data); n++)
        load_data(cpu, data[n], m->seg[data[n]]);
}

static uint32_t old_flags(const struct cpu *cpu, enum task_source source)
{
    uint32_t flags = cpu_eflags(cpu);

    if (source == TASK_IRET)
        flags &= ~(uint32_t)EFL_NT;
    if (source == TASK_EVENT)
        flags |= deliver_rf(cpu, cpu->delivering);
    return flags;
}

void task_switch(struct cpu *cpu, const struct seg_desc *tss, enum task_source source, uint64_t next_ip)
{
    bool nests = source == TASK_CALL || source == TASK_EVENT;
    const struct cpu_seg old = cpu->seg[CPU_TR];
    struct image m;

    if (tss->limit < layout_of(tss->attr)->limit)
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_LIMIT, tss);
    mem_touch(cpu, cpu->cur); /* now, if at all: an LDT or a new stack that is no RAM is met when the switch has been made */
    probe(cpu, tss, nests);
    read_image(cpu, tss, &m);
    if (tss->attr & 8 && cpu->cr0 & CR0_PG && cpu->cr4 & CR4_PAE)
        mem_load_pdptes(cpu, m.cr3);

    save_old(cpu, next_ip, old_flags(cpu, source));
    if (!nests)
        set_busy(cpu, old.selector, false);
    if (source != TASK_IRET)
        set_busy(cpu, tss->selector, true);
    if (nests)
        mem_sys_write(cpu, tss->base + TSS_LINK, 2, old.selector);

    commit(cpu, tss, &m, nests);
    load_segments(cpu, &m);
    cpu->step_trap = false; /* SDM Vol. 3B, "Single-Stepping on Branches": a transfer that switches tasks causes no single-step trap */
    if (m.trap)
        cpu->pending_db |= DR6_BT;
    xfer_mode_changed(cpu);
    cpu_attend(cpu);
}
