#include "debug/explain.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/paging.h"
#include "cpu/seg.h"
#include "debug/words.h"

#define FRAME_BYTES 64 /* more than any delivery pushes */

/* ---- Gathering ---- */

static const struct cpu_delivery *record(const struct cpu *cpu, uint32_t n)
{
    return &cpu->history[n % CPU_HISTORY];
}

static uint32_t oldest(const struct cpu *cpu)
{
    return cpu->history_next > CPU_HISTORY ? cpu->history_next - CPU_HISTORY : 0;
}

/* The chain that ends just before record `end` begins here. */
static uint32_t chain_start(const struct cpu *cpu, uint32_t end)
{
    uint32_t n = end - 1;

    while (n > oldest(cpu) && record(cpu, n)->nested)
        n--;
    return n;
}

static bool has_exception(const struct cpu *cpu, uint32_t first, uint32_t end)
{
    for (uint32_t n = first; n < end; n++)
        if (words_is_exception(record(cpu, n)))
            return true;
    return false;
}

static bool same_fault(const struct cpu_delivery *a, const struct cpu_delivery *b)
{
    return a->valid && a->vector == b->vector && a->cause == b->cause && a->cs == b->cs && a->ip == b->ip && a->cr2 == b->cr2;
}

/* Nothing was committed since the last link was recorded. */
static bool is_current(const struct cpu *cpu, const struct cpu_delivery *last)
{
    return !last->delivered && cpu->ip == last->ip && cpu->seg[CPU_CS].selector == last->cs && cpu->reg[CPU_SP] == last->sp;
}

bool story_gather(struct dbg *dbg, struct cpu *cpu, struct story *s)
{
    uint32_t end = cpu->history_next, first;

    *s = (struct story){ .dbg = dbg, .cpu = cpu };
    if (!end)
        return false;
    for (first = chain_start(cpu, end); !has_exception(cpu, first, end) && first > oldest(cpu);) {
        end = first;
        first = chain_start(cpu, end);
    }
    if (!has_exception(cpu, first, end)) {
        s->searched = cpu->history_next - oldest(cpu);
        end = cpu->history_next;
        first = chain_start(cpu, end);
    }
    for (uint32_t n = first; n < end && s->count < CPU_HISTORY; n++)
        s->link[s->count++] = *record(cpu, n);
    s->since = cpu->history_next - end;
    s->cut = s->link[0].nested;
    s->shutdown = s->link[s->count - 1].shutdown;
    s->current = s->since == 0 && is_current(cpu, &s->link[s->count - 1]);
    if (first > oldest(cpu))
        s->before = *record(cpu, first - 1);
    while (first > oldest(cpu) && words_is_exception(&s->link[0]) && same_fault(record(cpu, first - 1), &s->link[0])) {
        s->repeats++;
        first--;
    }
    return true;
}

bool story_is_combined(const struct story *s, unsigned n)
{
    enum cpu_cause cause = s->link[n].cause;

    return n >= 1 && s->link[n].vector == VEC_DF && s->link[n].nested &&
           (cause == CPU_CAUSE_DF_CC || cause == CPU_CAUSE_DF_PC || cause == CPU_CAUSE_DF_PP || cause == CPU_CAUSE_DF_RM);
}

const struct cpu_delivery *story_delivering(const struct story *s, unsigned n)
{
    if (n == 0)
        return NULL;
    if (story_is_combined(s, n))
        return n >= 2 ? &s->link[n - 2] : NULL;
    return &s->link[n - 1];
}

/* ---- What a page fault touched ---- */

static uint64_t segment_base(const struct story *s, unsigned index, uint16_t selector)
{
    struct seg_desc d;

    if (s->cpu->seg[index].selector == selector)
        return s->cpu->seg[index].base;
    return dbg_descriptor(s->cpu, selector, &d) ? 0 : d.base;
}

sim_laddr story_sp(const struct story *s, const struct cpu_delivery *d)
{
    uint64_t sp = d->mode & (MODE_SS32 | MODE_L) ? d->sp : d->sp & 0xffff;

    if (!(d->mode & MODE_PE) || d->mode & MODE_VM)
        return dbg_linear(s->cpu, ((uint64_t)d->ss << 4) + sp);
    return dbg_linear(s->cpu, segment_base(s, CPU_SS, d->ss) + sp);
}

bool story_inner_stack(const struct story *s, uint16_t *ss, uint32_t *esp, sim_laddr *laddr)
{
    const struct cpu_seg *tr = &s->cpu->seg[CPU_TR];
    bool wide = tr->attr & 8;
    uint8_t fields[6] = { 0 };
    struct seg_desc d;

    if (tr->attr & SEG_UNUSABLE || !dbg_peek(s->cpu, tr->base + (wide ? 4 : 2), fields, wide ? 6 : 4))
        return false;
    *esp = wide ? fields[0] | fields[1] << 8 | fields[2] << 16 | (uint32_t)fields[3] << 24 : (uint32_t)(fields[0] | fields[1] << 8);
    *ss = (uint16_t)(wide ? fields[4] | fields[5] << 8 : fields[2] | fields[3] << 8);
    *laddr = dbg_linear(s->cpu, *esp + (dbg_descriptor(s->cpu, *ss, &d) ? 0 : d.base));
    return true;
}

bool story_mapped(const struct story *s, sim_laddr laddr)
{
    struct cpu_walk walk;

    paging_peek(s->cpu, dbg_linear(s->cpu, laddr), &walk);
    return walk.mapped;
}

static bool within(uint64_t addr, uint64_t first, uint64_t bytes)
{
    return (uint32_t)(addr - first) < bytes;
}

static enum touch touch_of_instruction(const struct story *s, const struct cpu_delivery *d)
{
    sim_laddr ip = dbg_linear(s->cpu, d->cs_base + d->ip), sp = story_sp(s, d);
    bool write = d->error & 2;

    if (!write && (d->error & 16 || d->cr2 == ip || (within(d->cr2, ip, 15) && (d->cr2 ^ ip) >> 12)))
        return TOUCH_CODE;
    /* what is just below the stack pointer is being pushed; locals lie above it */
    return within(d->cr2, sp - 256, 256 + 4) || (write && within(d->cr2, sp, 1u << 14)) ? TOUCH_STACK : TOUCH_OTHER;
}

static enum touch touch_of_delivery(const struct story *s, const struct cpu_delivery *d, const struct cpu_delivery *event)
{
    const struct cpu *cpu = s->cpu;
    const struct cpu_seg *tr = &cpu->seg[CPU_TR], *ldtr = &cpu->seg[CPU_LDTR];
    sim_laddr inner;
    uint32_t esp;
    uint16_t ss;

    if (within(d->cr2, cpu->idtr.base + event->vector * 8u, 8) && !(d->error & 2))
        return TOUCH_IDT;
    if (within(d->cr2, story_sp(s, d) - FRAME_BYTES, FRAME_BYTES) && d->cpl == 0 && d->error & 2)
        return TOUCH_PRESENT_STACK;
    if (d->cpl != 0 && d->error & 2 && story_inner_stack(s, &ss, &esp, &inner) && within(d->cr2, inner - FRAME_BYTES, FRAME_BYTES))
        return TOUCH_INNER_STACK;
    if (within(d->cr2, cpu->gdtr.base, (uint64_t)cpu->gdtr.limit + 1))
        return TOUCH_GDT;
    if (!(tr->attr & SEG_UNUSABLE) && within(d->cr2, tr->base, 0x68))
        return TOUCH_TSS;
    return !(ldtr->attr & SEG_UNUSABLE) && within(d->cr2, ldtr->base, (uint64_t)ldtr->limit + 1) ? TOUCH_LDT : TOUCH_OTHER;
}

enum touch story_touch(const struct story *s, unsigned n)
{
    const struct cpu_delivery *d = &s->link[n], *event = story_delivering(s, n);

    if (d->vector != VEC_PF || d->type != CPU_DELIVER_EXCEPTION)
        return TOUCH_OTHER;
    return event ? touch_of_delivery(s, d, event) : touch_of_instruction(s, d);
}

void story_touch_text(const struct story *s, unsigned n, struct sim_buf *out)
{
    const struct cpu_delivery *d = &s->link[n], *event = story_delivering(s, n);
    sim_laddr inner;
    uint32_t esp;
    uint16_t ss;

    switch (story_touch(s, n)) {
    case TOUCH_CODE: sim_buf_printf(out, "while fetching the instruction"); break;
    case TOUCH_STACK: sim_buf_printf(out, "while using the stack at %04x:%08x", d->ss, (uint32_t)d->sp); break;
    case TOUCH_IDT: sim_buf_printf(out, "while reading IDT entry %u", event->vector); break;
    case TOUCH_GDT:
        sim_buf_printf(out, "while %s GDT entry %u", d->error & 2 ? "marking accessed" : "reading",
                       (unsigned)((uint32_t)(d->cr2 - s->cpu->gdtr.base) / 8));
        break;
    case TOUCH_LDT: sim_buf_printf(out, "while reading the LDT"); break;
    case TOUCH_TSS: sim_buf_printf(out, "while %s the TSS 0x%04x", d->error & 2 ? "writing" : "reading", s->cpu->seg[CPU_TR].selector); break;
    case TOUCH_PRESENT_STACK: sim_buf_printf(out, "while pushing the handler's frame on the stack at %04x:%08x", d->ss, (uint32_t)d->sp); break;
    case TOUCH_INNER_STACK:
        if (story_inner_stack(s, &ss, &esp, &inner))
            sim_buf_printf(out, "while pushing the handler's frame on the kernel's stack, SS0:ESP0 = %04x:%08x in the TSS", ss, esp);
        break;
    case TOUCH_OTHER: break;
    }
}
