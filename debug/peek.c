/* Looking at the guest's memory and tables as an observer: what the other files of debug/ share. */
#include "cpu/code.h"
#include "cpu/seg.h"
#include "debug/private.h"

sim_laddr dbg_linear(const struct cpu *cpu, uint64_t laddr)
{
    return cpu->mode & MODE_LMA ? laddr : (uint32_t)laddr; /* the tables are 64 bits wide in compatibility mode too */
}

bool dbg_peek(struct cpu *cpu, sim_laddr laddr, void *out, size_t len)
{
    size_t first = len;
    sim_laddr last = dbg_linear(cpu, laddr + len - 1);

    laddr = dbg_linear(cpu, laddr);
    if (last < laddr) /* around the end of the address space */
        first = (size_t)(len - last - 1);
    return cpu_peek(cpu, laddr, out, first) == first && cpu_peek(cpu, 0, (uint8_t *)out + first, len - first) == len - first;
}

const char *dbg_descriptor(struct cpu *cpu, uint16_t selector, struct seg_desc *out)
{
    const struct cpu_seg *ldtr = &cpu->seg[CPU_LDTR];
    bool local = selector & 4;
    uint64_t base = local ? ldtr->base : cpu->gdtr.base, raw;

    *out = (struct seg_desc){ .selector = selector, .limit = local ? ldtr->limit : cpu->gdtr.limit };
    out->laddr = dbg_linear(cpu, base + (selector & 0xfff8));
    if (local && ldtr->attr & SEG_UNUSABLE) {
        out->outside = true;
        return "there is no LDT";
    }
    if ((selector | 7u) > out->limit) {
        out->outside = true;
        return local ? "it lies beyond the limit of the LDT" : "it lies beyond the limit of the GDT";
    }
    if (!dbg_peek(cpu, out->laddr, &raw, sizeof(raw)))
        return "its descriptor table is not mapped";
    seg_decode(raw, out);
    if (out->attr & SEG_S || !(cpu->mode & MODE_LMA))
        return NULL;
    if ((selector & 0xfff8) + 15u > (local ? ldtr->limit : cpu->gdtr.limit))
        return "its upper half lies beyond the limit of the table";
    if (!dbg_peek(cpu, out->laddr + 8, &out->upper, sizeof(out->upper)))
        return "its upper half is not mapped";
    out->wide = true;
    out->base |= out->upper << 32;
    out->gate_offset |= out->upper << 32;
    return NULL;
}
