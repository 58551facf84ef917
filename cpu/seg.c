#include "cpu/seg.h"

#include "cpu/code.h"
#include "cpu/mem.h"
#include "cpu/transfer.h"

/* Rights of a segment that can be written and read at CPL 0, and at CPL 3. */
#define REAL_ATTR (SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED)
#define VM86_ATTR (REAL_ATTR | 3u << 5)

/* ---- Descriptors: SDM Vol. 3A, "Segment descriptors" ---- */

/*
 *  63      56 55  52 51   48 47 46 45 44 43   40 39           16 15       0
 * | base hi | G D L A | limit | P | DPL | S | type | base 23:0     | limit lo |
 * | offset hi                 | P | DPL | 0 | type | count | selector | offset lo |   a gate
 */
static inline void decode_segment(uint64_t raw, struct seg_desc *out)
{
    uint32_t limit = (uint32_t)((raw & 0xffff) | (raw >> 32 & 0xf0000));

    out->raw = raw;
    out->attr = (uint32_t)(raw >> 40) & 0xf0ff;
    out->base = (raw >> 16 & 0xffffff) | (raw >> 56 & 0xff) << 24;
    out->limit = out->attr & SEG_G ? limit << 12 | 0xfff : limit;
}

void seg_decode(uint64_t raw, struct seg_desc *out)
{
    decode_segment(raw, out);
    out->gate_selector = (uint16_t)(raw >> 16);
    out->gate_offset = (uint32_t)(raw & 0xffff);
    if (out->attr & 8) /* 32-bit gates; bits 31:16 are reserved in 16-bit ones */
        out->gate_offset |= (uint32_t)(raw >> 32) & 0xffff0000u;
    out->gate_count = raw >> 32 & 0x1f;
    out->gate_ist = raw >> 32 & 7;
}

bool seg_read(struct cpu *cpu, uint16_t selector, struct seg_desc *out)
{
    bool local = selector & 4;
    uint64_t base = local ? cpu->seg[CPU_LDTR].base : cpu->gdtr.base;
    uint32_t limit = local ? cpu->seg[CPU_LDTR].limit : cpu->gdtr.limit;
    sim_laddr laddr = xfer_table_address(cpu, base + (selector & 0xfff8));
    uint64_t raw;

    if ((local && cpu->seg[CPU_LDTR].attr & SEG_UNUSABLE) || (selector | 7u) > limit) {
        *out = (struct seg_desc){ .selector = selector, .laddr = laddr, .limit = limit, .outside = true };
        return false;
    }
    raw = mem_sys_read(cpu, laddr, 8);
    out->selector = selector;
    out->outside = out->wide = false;
    out->laddr = laddr;
    out->upper = 0;
    if (raw & (uint64_t)SEG_S << 40) /* the most, and no gate */
        decode_segment(raw, out);
    else
        seg_decode(raw, out);
    return true;
}

bool seg_read_upper(struct cpu *cpu, struct seg_desc *d)
{
    uint32_t limit = d->selector & 4 ? cpu->seg[CPU_LDTR].limit : cpu->gdtr.limit;

    if (!(cpu->efer & EFER_LMA) || d->attr & SEG_S)
        return true;
    if ((d->selector & 0xfff8) + 15u > limit) {
        d->outside = true;
        d->limit = limit;
        return false;
    }
    d->wide = true;
    d->upper = mem_sys_read(cpu, d->laddr + 8, 8);
    d->base |= d->upper << 32;
    d->gate_offset |= d->upper << 32;
    return true;
}

void seg_set_accessed(struct cpu *cpu, struct seg_desc *d)
{
    if (d->attr & SEG_TYPE_ACCESSED)
        return;
    mem_sys_write(cpu, d->laddr + 5, 1, (d->raw >> 40 & 0xff) | SEG_TYPE_ACCESSED);
    d->attr |= SEG_TYPE_ACCESSED;
    d->raw |= (uint64_t)SEG_TYPE_ACCESSED << 40;
}

void seg_load_cache(struct cpu *cpu, unsigned seg, const struct seg_desc *d)
{
    cpu->seg[seg] = (struct cpu_seg){ .selector = d->selector, .attr = d->attr, .limit = d->limit, .base = d->base };
}

void seg_load_real(struct cpu *cpu, unsigned seg, uint16_t selector)
{
    struct cpu_seg *s = &cpu->seg[seg];

    if (cpu->eflags & EFL_VM) {
        vm86_load_segment(cpu, seg, selector);
        return;
    }
    s->selector = selector;
    s->base = (uint64_t)selector << 4;
    if (s->attr & SEG_UNUSABLE) {
        s->attr = REAL_ATTR;
        s->limit = 0xffff;
    }
}

void vm86_load_segment(struct cpu *cpu, unsigned seg, uint16_t selector)
{
    cpu->seg[seg] = (struct cpu_seg){ .selector = selector, .base = (uint64_t)selector << 4, .limit = 0xffff, .attr = VM86_ATTR };
}

void seg_load_null(struct cpu *cpu, unsigned seg, uint16_t selector)
{
    cpu->seg[seg] = (struct cpu_seg){ .selector = selector, .attr = SEG_UNUSABLE };
}

/* ---- Checks ---- */

static bool is_code(const struct seg_desc *d)
{
    return (d->attr & (SEG_S | SEG_TYPE_CODE)) == (SEG_S | SEG_TYPE_CODE);
}

static bool is_writable_data(const struct seg_desc *d)
{
    return (d->attr & (SEG_S | SEG_TYPE_CODE | SEG_TYPE_WRITE)) == (SEG_S | SEG_TYPE_WRITE);
}

void xfer_check_stack(struct cpu *cpu, const struct xfer_stack_rules *rules, uint16_t selector, unsigned cpl, struct seg_desc *out)
{
    if (!seg_read(cpu, selector, out))
        xfer_fault(cpu, rules->vector, rules->outside, out);
    if ((selector & 3u) != cpl)
        xfer_fault(cpu, rules->vector, rules->rpl, out);
    if (!is_writable_data(out))
        xfer_fault(cpu, rules->vector, rules->type, out);
    if (SEG_DPL(out->attr) != cpl)
        xfer_fault(cpu, rules->vector, rules->dpl, out);
    if (!(out->attr & SEG_P))
        xfer_fault(cpu, VEC_SS, rules->absent, out);
}

void xfer_check_data(struct cpu *cpu, const struct xfer_data_rules *rules, uint16_t selector, struct seg_desc *out)
{
    unsigned rpl = selector & 3u;

    if (!seg_read(cpu, selector, out))
        xfer_fault(cpu, rules->vector, rules->outside, out);
    if (!(out->attr & SEG_S))
        xfer_fault(cpu, rules->vector, rules->system, out);
    if (is_code(out) && !(out->attr & SEG_TYPE_READ))
        xfer_fault(cpu, rules->vector, rules->unreadable, out);
    if (!(is_code(out) && out->attr & SEG_TYPE_CONFORMING) && (rpl > SEG_DPL(out->attr) || cpu->cpl > SEG_DPL(out->attr)))
        xfer_fault(cpu, rules->vector, rules->dpl, out);
    if (!(out->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, rules->absent, out);
}

/* ---- MOV, POP, LxS: SDM Vol. 2B, "MOV" ---- */

static void load_stack(struct cpu *cpu, uint16_t selector)
{
    static const struct xfer_stack_rules rules = { VEC_GP, CPU_CAUSE_GP_SEG_LIMIT, CPU_CAUSE_GP_SS_RPL, CPU_CAUSE_GP_SS_DPL,
                                                   CPU_CAUSE_GP_SS_TYPE, CPU_CAUSE_SS_NP_MOV };
    struct seg_desc d;

    if (xfer_null(selector)) { /* 64-bit code inside of CPL 3 may: its stack needs no descriptor */
        if (!(cpu->mode & MODE_L) || cpu->cpl == 3 || selector != cpu->cpl)
            xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_SS_NULL, selector);
        xfer_null_stack(cpu, selector);
        return;
    }
    xfer_check_stack(cpu, &rules, selector, cpu->cpl, &d);
    seg_set_accessed(cpu, &d);
    seg_load_cache(cpu, CPU_SS, &d);
}

static void load_data(struct cpu *cpu, unsigned seg, uint16_t selector)
{
    static const struct xfer_data_rules rules = { VEC_GP, CPU_CAUSE_GP_SEG_LIMIT, CPU_CAUSE_GP_SEG_SYSTEM,
                                                  CPU_CAUSE_GP_SEG_EXECONLY, CPU_CAUSE_GP_SEG_DPL, CPU_CAUSE_NP_DATA };
    struct seg_desc d;

    if (xfer_null(selector)) {
        seg_load_null(cpu, seg, selector);
        return;
    }
    xfer_check_data(cpu, &rules, selector, &d);
    seg_set_accessed(cpu, &d);
    seg_load_cache(cpu, seg, &d);
}

void seg_load(struct cpu *cpu, unsigned seg, uint16_t selector)
{
    if (!xfer_protected(cpu))
        seg_load_real(cpu, seg, selector);
    else if (seg == CPU_SS)
        load_stack(cpu, selector);
    else
        load_data(cpu, seg, selector);
}
