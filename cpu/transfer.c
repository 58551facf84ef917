#include "cpu/transfer.h"

#include "cpu/code.h"
#include "cpu/mem.h"
#include "cpu/run.h"

/* ---- Faults ---- */

/* Call gates, task gates, interrupt and trap gates of both sizes. */
static bool is_gate(const struct seg_desc *d)
{
    return !d->outside && !(d->attr & SEG_S) && (d->attr & 4);
}

_Noreturn void xfer_fault_code(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause, const struct seg_desc *d)
{
    enum cpu_evidence_kind kind = is_gate(d) ? CPU_EVIDENCE_GATE : CPU_EVIDENCE_DESCRIPTOR;

    const uint64_t bytes[2] = { d->raw, d->upper };

    cpu_evidence_at(cpu, kind, d->selector, d->laddr, d->outside ? NULL : bytes, d->outside ? 0 : d->wide ? 16 : 8);
    cpu->evidence.value = d->limit;
    cpu_raise(cpu, vector, error, cause);
}

_Noreturn void xfer_fault(struct cpu *cpu, unsigned vector, enum cpu_cause cause, const struct seg_desc *d)
{
    xfer_fault_code(cpu, vector, d->selector & 0xfffc, cause, d);
}

_Noreturn void xfer_fault_value(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause, uint64_t value)
{
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = value };
    cpu_raise(cpu, vector, error, cause);
}

_Noreturn void xfer_fault_tss(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause, uint32_t off, unsigned size)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    sim_laddr laddr = xfer_table_address(cpu, tr->base + off);
    uint8_t bytes[8];
    bool inside = off + size - 1 <= tr->limit && cpu_peek(cpu, laddr, bytes, size) == size;

    cpu_evidence_at(cpu, CPU_EVIDENCE_TSS, tr->selector, laddr, inside ? bytes : NULL, inside ? size : 0);
    cpu->evidence.value = tr->limit;
    cpu_raise(cpu, vector, error, cause);
}

/* ---- Stacks ---- */

void xfer_present_stack(const struct cpu *cpu, enum cpu_cause cause, struct xfer_stack *s)
{
    s->ss = cpu->seg[CPU_SS];
    s->wide = cpu->mode & MODE_L;
    s->sp = s->wide ? cpu->reg[CPU_SP] : (uint32_t)cpu->reg[CPU_SP];
    s->inner = false;
    s->user = cpu->cpl == 3;
    s->error = 0;
    s->cause = cpu->cr0 & CR0_PE ? cause : CPU_CAUSE_SS_REAL_SP;
}

/* SDM Vol. 2A, "CALL": more privilege; "INT n": inter-privilege-level interrupt. */
void xfer_inner_stack(struct cpu *cpu, unsigned dpl, struct xfer_stack *s)
{
    static const struct xfer_stack_rules rules = { VEC_TS, CPU_CAUSE_TS_STACK_LIMIT, CPU_CAUSE_TS_STACK_RPL, CPU_CAUSE_TS_STACK_DPL,
                                                   CPU_CAUSE_TS_STACK_TYPE, CPU_CAUSE_SS_NP_TSS };
    uint16_t selector;
    uint32_t sp;

    tss_stack(cpu, dpl, &selector, &sp);
    if (xfer_null(selector))
        xfer_fault_tss(cpu, VEC_TS, 0, CPU_CAUSE_TS_STACK_NULL, cpu->seg[CPU_TR].attr & 8 ? dpl * 8 + 8 : dpl * 4 + 4, 2);
    xfer_check_stack(cpu, &rules, selector, dpl, &s->desc);
    s->ss.selector = selector;
    s->ss.attr = s->desc.attr | SEG_TYPE_ACCESSED;
    s->ss.limit = s->desc.limit;
    s->ss.base = s->desc.base;
    s->sp = sp;
    s->wide = false;
    s->inner = true;
    s->user = dpl == 3;
    s->error = selector & 0xfffc;
    s->cause = CPU_CAUSE_SS_PUSH_NEW;
}

/* SDM Vol. 3A, "Stack switching in IA-32e mode", "Interrupt stack table". */
void xfer_long_stack(struct cpu *cpu, unsigned cpl, unsigned ist, struct xfer_stack *s)
{
    s->ss = cpu->seg[CPU_SS];
    s->sp = cpu->reg[CPU_SP];
    s->wide = true;
    s->inner = cpl != cpu->cpl;
    s->user = cpl == 3;
    s->error = 0;
    s->cause = CPU_CAUSE_SS_CANON;
    if (s->inner)
        s->ss = (struct cpu_seg){ .selector = (uint16_t)cpl, .attr = SEG_UNUSABLE | cpl << 5 };
    if (ist || s->inner) {
        s->sp = tss_stack64(cpu, cpl, ist);
        s->cause = CPU_CAUSE_SS_IST;
    } else if (!(cpu->mode & MODE_L)) {
        s->sp = (uint32_t)s->sp;
    }
}

void xfer_null_stack(struct cpu *cpu, uint16_t selector)
{
    seg_load_null(cpu, CPU_SS, selector);
    cpu->seg[CPU_SS].attr |= (uint32_t)cpu->cpl << 5; /* SS.DPL is the CPL always */
}

static uint64_t sp_mask(const struct xfer_stack *s)
{
    return s->wide ? UINT64_MAX : s->ss.attr & SEG_DB ? UINT32_MAX : 0xffff;
}

/* Offset of the n-th value pushed. */
static uint64_t slot(const struct xfer_stack *s, unsigned n, unsigned size)
{
    return (s->sp - (n + 1) * size) & sp_mask(s);
}

static bool within(const struct cpu_seg *ss, uint64_t off, unsigned size)
{
    uint64_t last = off + size - 1;

    if (ss->attr & SEG_UNUSABLE)
        return false;
    if ((ss->attr & (SEG_TYPE_CODE | SEG_TYPE_DOWN)) == SEG_TYPE_DOWN)
        return off > ss->limit && last <= (ss->attr & SEG_DB ? UINT32_MAX : 0xffff);
    return last <= ss->limit || (ss->base == 0 && ss->limit == UINT32_MAX); /* a flat segment wraps, as in mem.c */
}

/* Does the frame lie in one piece that the stack has room for? Its lowest offset. If not, value by value tells. */
static bool in_one_piece(const struct cpu *cpu, const struct xfer_stack *s, unsigned bytes, uint64_t *low)
{
    uint64_t sp = s->sp & sp_mask(s);

    if (sp < bytes)
        return false;
    *low = sp - bytes;
    return s->wide ? mem_canonical(cpu, *low) && mem_canonical(cpu, sp - 1) : within(&s->ss, *low, bytes);
}

void xfer_check_room(struct cpu *cpu, const struct xfer_stack *s, unsigned count, unsigned size)
{
    uint64_t low;

    if (in_one_piece(cpu, s, count * size, &low))
        return;
    for (unsigned n = 0; n < count; n++) {
        uint64_t off = slot(s, n, size);

        if (s->wide ? mem_canonical(cpu, off) && mem_canonical(cpu, off + size - 1) : within(&s->ss, off, size))
            continue;
        cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_OPERAND, .selector = s->ss.selector, .level = CPU_SS, .laddr = off,
                                               .value = s->ss.limit };
        cpu_raise(cpu, VEC_SS, s->error, s->wide && s->cause != CPU_CAUSE_SS_IST ? CPU_CAUSE_SS_CANON : s->cause);
    }
}

static sim_laddr slot_laddr(const struct xfer_stack *s, unsigned n, unsigned size)
{
    return s->wide ? slot(s, n, size) : (uint32_t)(s->ss.base + slot(s, n, size));
}

void xfer_probe(struct cpu *cpu, const struct xfer_stack *s, unsigned count, unsigned size)
{
    for (unsigned n = 0; n < count; n++)
        mem_probe_write_as(cpu, slot_laddr(s, n, size), size, s->user);
}

/* Where the frame is written directly; NULL: value by value. */
static uint8_t *frame_host(struct cpu *cpu, const struct xfer_stack *s, unsigned bytes)
{
    uint64_t low;

    if (!in_one_piece(cpu, s, bytes, &low))
        return NULL;
    return mem_frame(cpu, s->wide ? low : (uint32_t)(s->ss.base + low), bytes, s->user);
}

void xfer_push(struct cpu *cpu, struct xfer_stack *s, const uint64_t *values, unsigned count, unsigned size)
{
    uint8_t *host;

    if (s->inner && !s->wide)
        seg_set_accessed(cpu, &s->desc);
    host = frame_host(cpu, s, count * size);
    if (host) {
        for (unsigned n = 0; n < count; n++)
            mem_value_put(host + (count - n - 1) * size, size, values[n]);
    } else {
        xfer_probe(cpu, s, count, size);
        for (unsigned n = 0; n < count; n++)
            mem_write_as(cpu, slot_laddr(s, n, size), size, values[n], s->user);
    }
    s->sp = (s->sp & ~sp_mask(s)) | ((s->sp - count * size) & sp_mask(s));
}

/* ---- Commitment ---- */

void xfer_commit_stack(struct cpu *cpu, const struct xfer_stack *s)
{
    if (s->inner)
        cpu->seg[CPU_SS] = s->ss;
    cpu->reg[CPU_SP] = s->sp;
}

/* 64-bit code has no base; what its descriptor says is not loaded. */
void xfer_commit_code(struct cpu *cpu, const struct seg_desc *code, unsigned cpl, uint64_t ip)
{
    seg_load_cache(cpu, CPU_CS, code);
    cpu->seg[CPU_CS].selector = (uint16_t)((code->selector & 0xfffc) | cpl);
    if (xfer_is_long(cpu, code))
        cpu->seg[CPU_CS].base = 0;
    cpu->cpl = (uint8_t)cpl;
    cpu->ip = ip;
}

bool xfer_reaches(const struct cpu *cpu, const struct seg_desc *code, uint64_t ip)
{
    return xfer_is_long(cpu, code) ? mem_canonical(cpu, ip) : ip <= code->limit;
}

/* Index of a mode's name: real, protected, paging, VM86, long (compatibility mode included); from 8 on the same in SMM. */
static unsigned mode_index(uint32_t mode)
{
    unsigned smm = mode & MODE_SMM ? 8 : 0;

    if (!(mode & MODE_PE))
        return smm;
    if (mode & MODE_LMA)
        return smm + 4;
    return smm + (mode & MODE_VM ? 3 : mode & MODE_PG ? 2 : 1);
}

void xfer_mode_changed(struct cpu *cpu)
{
    uint32_t before = cpu->mode;

    cpu_mode_changed(cpu);
    if (run_wants(cpu, CPU_EVENT_MODE) && mode_index(cpu->mode) != mode_index(before)) {
        struct cpu_event event = { .kind = CPU_EVENT_MODE, .old = mode_index(before), .value = mode_index(cpu->mode) };

        run_report(cpu, &event);
    }
}

void xfer_drop_data_segments(struct cpu *cpu)
{
    static const uint8_t data[] = { CPU_ES, CPU_DS, CPU_FS, CPU_GS };

    for (unsigned n = 0; n < sizeof(data); n++) {
        const struct cpu_seg *s = &cpu->seg[data[n]];
        bool conforming = (s->attr & (SEG_TYPE_CODE | SEG_TYPE_CONFORMING)) == (SEG_TYPE_CODE | SEG_TYPE_CONFORMING);

        if (!xfer_null(s->selector) && (s->attr & SEG_UNUSABLE || conforming || SEG_DPL(s->attr) >= cpu->cpl))
            continue;
        cpu->seg[data[n]].selector = 0;
        cpu->seg[data[n]].attr = SEG_UNUSABLE; /* the base stays: kernels that gave GS one through its MSR find it again */
    }
}
