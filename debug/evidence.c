#include <stdio.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/paging.h"
#include "debug/words.h"
#include "debug/explain.h"

const char *evidence_kind(enum cpu_evidence_kind kind)
{
    static const char *const words[] = { "none", "descriptor", "gate", "tss", "pte", "operand", "register" };

    return kind <= CPU_EVIDENCE_REGISTER ? words[kind] : "none";
}

bool evidence_is_idt(const struct cpu_delivery *d)
{
    switch (d->cause) {
    case CPU_CAUSE_GP_IDT_LIMIT: case CPU_CAUSE_GP_IDT_TYPE: case CPU_CAUSE_GP_IDT_DPL: case CPU_CAUSE_GP_IDT_CSNULL: case CPU_CAUSE_GP_IDT_REAL:
    case CPU_CAUSE_NP_IDT: return d->evidence.kind == CPU_EVIDENCE_GATE;
    case CPU_CAUSE_GP_IDT_OFFSET: return d->evidence.kind == CPU_EVIDENCE_GATE;
    default: return false;
    }
}

static void hex_bytes(const struct cpu_evidence *e, struct sim_buf *out)
{
    for (unsigned n = 0; n < e->size && n < sizeof(e->bytes); n++)
        sim_buf_printf(out, "%s%02x", n ? " " : "", e->bytes[n]);
}

static struct seg_desc decoded(const struct cpu_evidence *e)
{
    struct seg_desc d = { .laddr = e->laddr };
    uint64_t raw;

    memcpy(&raw, e->bytes, sizeof(raw));
    seg_decode(raw, &d);
    if (e->size == sizeof(e->bytes)) {
        d.wide = true;
        memcpy(&d.upper, e->bytes + sizeof(raw), sizeof(d.upper));
        d.base |= d.upper << 32;
        d.gate_offset |= d.upper << 32;
    }
    d.selector = e->selector;
    return d;
}

static void gate_words(const struct story *s, const struct seg_desc *d, struct sim_buf *out)
{
    char symbol[160] = "";
    struct seg_desc code;

    if ((d->attr & SEG_TYPE) != SYS_TASK_GATE && !dbg_descriptor(s->cpu, d->gate_selector, &code))
        dbg_symbolize(s->dbg, dbg_linear(s->cpu, code.base + d->gate_offset), symbol, sizeof(symbol));
    words_gate(d, symbol, out);
}

/* An entry of the IDT: by its number, for its selector is only the error code's way to say so. */
static void idt_entry(const struct story *s, const struct cpu_delivery *d, struct sim_buf *out)
{
    const struct cpu_evidence *e = &d->evidence;
    unsigned index = e->selector >> 3, size = d->mode & MODE_LMA ? 16 : 8, entries = ((uint32_t)e->value + 1) / size;
    struct seg_desc gate;

    if (d->cause == CPU_CAUSE_GP_IDT_REAL) {
        sim_buf_printf(out, "IDTR has base 0x%08llx, limit 0x%llx; entry %u stands at 0x%08llx", (unsigned long long)s->cpu->idtr.base,
                       (unsigned long long)e->value, index, (unsigned long long)e->laddr);
        return;
    }
    if (e->size < 8) {
        sim_buf_printf(out, "IDTR has base 0x%08llx, limit 0x%llx, which is ", (unsigned long long)(e->laddr - index * size), (unsigned long long)e->value);
        if (entries)
            sim_buf_printf(out, "entries 0 to %u", entries - 1);
        else
            sim_buf_printf(out, "no entry at all");
        sim_buf_printf(out, "; entry %u would stand at 0x%08llx", index, (unsigned long long)e->laddr);
        return;
    }
    gate = decoded(e);
    sim_buf_printf(out, "IDT entry %u at 0x%08llx = ", index, (unsigned long long)e->laddr);
    hex_bytes(e, out);
    sim_buf_printf(out, ": ");
    gate_words(s, &gate, out);
    if (d->cause == CPU_CAUSE_GP_IDT_OFFSET && gate.wide)
        sim_buf_printf(out, "; that address is not canonical");
    else if (d->cause == CPU_CAUSE_GP_IDT_OFFSET)
        sim_buf_printf(out, "; the code segment's limit is 0x%llx", (unsigned long long)e->value);
}

static void descriptor(const struct story *s, const struct cpu_evidence *e, struct sim_buf *out)
{
    const char *table = e->selector & 4 ? "LDT" : "GDT";
    struct seg_desc d;

    if (e->size < 8) {
        unsigned entries = ((uint32_t)e->value + 1) / 8;

        sim_buf_printf(out, "selector 0x%04x is entry %u of the %s, whose limit is 0x%llx: ", e->selector, e->selector >> 3, table,
                       (unsigned long long)e->value);
        if (entries)
            sim_buf_printf(out, "entries 0 to %u", entries - 1);
        else
            sim_buf_printf(out, "not even one entry");
        return;
    }
    d = decoded(e);
    sim_buf_printf(out, "%s entry %u (selector 0x%04x) at 0x%08llx = ", table, e->selector >> 3, e->selector, (unsigned long long)e->laddr);
    hex_bytes(e, out);
    sim_buf_printf(out, ": ");
    if (e->kind == CPU_EVIDENCE_GATE)
        gate_words(s, &d, out);
    else
        words_descriptor(&d, out);
}

static const char *tss_field(uint32_t off, bool wide, unsigned cause)
{
    static const char *const fields32[] = { "back link", "ESP0", "SS0", "ESP1", "SS1", "ESP2", "SS2", "CR3", "EIP", "EFLAGS", "EAX", "ECX", "EDX", "EBX",
                                            "ESP", "EBP", "ESI", "EDI", "ES", "CS", "SS", "DS", "FS", "GS", "LDT", "T and I/O map base" };
    static const char *const fields16[] = { "back link", "SP0", "SS0", "SP1", "SS1", "SP2", "SS2", "IP", "FLAGS", "AX", "CX", "DX", "BX", "SP", "BP", "SI",
                                            "DI", "ES", "CS", "SS", "DS", "LDT" };

    if (cause == CPU_CAUSE_GP_IOPL_IO || cause == CPU_CAUSE_GP_EVENT_V86INT || (wide && off >= 0x68))
        return cause == CPU_CAUSE_GP_EVENT_V86INT ? "interrupt redirection bitmap" : "I/O permission bitmap";
    if (wide)
        return off / 4 < sizeof(fields32) / sizeof(fields32[0]) ? fields32[off / 4] : "?";
    return off / 2 < sizeof(fields16) / sizeof(fields16[0]) ? fields16[off / 2] : "?";
}

static void tss(const struct story *s, const struct cpu_delivery *d, struct sim_buf *out)
{
    const struct cpu_evidence *e = &d->evidence;
    const struct cpu_seg *tr = &s->cpu->seg[CPU_TR];
    uint32_t off = (uint32_t)(e->laddr - tr->base);

    sim_buf_printf(out, "%s in the TSS 0x%04x (base 0x%08llx, limit 0x%llx) at 0x%08llx", tss_field(off, tr->attr & 8, d->cause), e->selector,
                   (unsigned long long)tr->base, (unsigned long long)e->value, (unsigned long long)e->laddr);
    if (e->size) {
        sim_buf_printf(out, " = ");
        hex_bytes(e, out);
    } else {
        sim_buf_printf(out, ": beyond the limit");
    }
}

/* One level of a walk. */
static void entry_line(const struct story *s, unsigned level, sim_paddr paddr, uint64_t entry, struct sim_buf *out)
{
    bool wide = s->cpu->cr4 & CR4_PAE;

    sim_buf_printf(out, "%s at physical 0x%08llx = 0x%0*llx: ", words_level(level), (unsigned long long)paddr, wide ? 16 : 8, (unsigned long long)entry);
    words_entry(entry, level, wide, level == 2 ? wide || s->cpu->cr4 & CR4_PSE : level == 3, out);
}

/* The entry that failed, or, where all levels together decide, each of them. */
static void pte(const struct story *s, const struct cpu_delivery *d, struct sim_buf *out)
{
    const struct cpu_evidence *e = &d->evidence;
    struct cpu_walk walk;
    unsigned last;

    paging_peek(s->cpu, e->laddr, &walk);
    last = walk.levels ? walk.levels - 1 : 0;
    /* the tables may be others by now */
    if (d->cause == CPU_CAUSE_GP_CR3_PDPTE || !(d->error & 1) || d->error & 8 || !walk.levels || walk.step[last].paddr != e->paddr ||
        walk.step[last].entry != e->value) {
        if (e->level)
            entry_line(s, e->level, e->paddr, e->value, out);
        if (e->level && walk.levels && walk.step[last].paddr == e->paddr)
            sim_buf_printf(out, " (CR3 = 0x%08llx)", (unsigned long long)s->cpu->cr3);
        return;
    }
    for (unsigned n = 0; n < walk.levels; n++) {
        sim_buf_printf(out, "%s", n ? "\n" : "");
        entry_line(s, walk.step[n].level, walk.step[n].paddr, walk.step[n].entry, out);
    }
}

static void operand(const struct story *s, const struct cpu_evidence *e, struct sim_buf *out)
{
    const struct cpu_seg *seg = e->level < CPU_SEGS ? &s->cpu->seg[e->level] : NULL;

    sim_buf_printf(out, "offset 0x%llx in %s (selector 0x%04x, limit 0x%llx", (unsigned long long)e->laddr, words_segment_name(e->level), e->selector,
                   (unsigned long long)e->value);
    if (seg && seg->selector == e->selector && seg->limit == e->value) {
        sim_buf_printf(out, ", base 0x%08llx, ", (unsigned long long)seg->base);
        if (seg->attr & SEG_UNUSABLE)
            sim_buf_printf(out, "unusable: a null selector was loaded");
        else
            words_attr(seg->attr, out);
    }
    sim_buf_printf(out, ")");
}

/* What the value is that a check refused. */
static const struct { enum cpu_cause cause; const char *name; } value_names[] = {
    { CPU_CAUSE_DE_ZERO, "divisor" }, { CPU_CAUSE_DE_OVERFLOW, "divisor" },
    { CPU_CAUSE_GP_IDT_OFFSET, "offset of the handler" }, { CPU_CAUSE_GP_SS_NULL, "selector" }, { CPU_CAUSE_GP_JMP_NULL, "selector" },
    { CPU_CAUSE_GP_RET_NULL, "selector popped" }, { CPU_CAUSE_GP_RET_SSNULL, "selector popped" }, { CPU_CAUSE_GP_LTR, "selector" },
    { CPU_CAUSE_GP_LLDT, "selector" }, { CPU_CAUSE_GP_CR0_PGPE, "value for CR0" }, { CPU_CAUSE_GP_CR0_NWCD, "value for CR0" },
    { CPU_CAUSE_GP_CR_RSVD, "value for the control register" }, { CPU_CAUSE_GP_MSR_UNKNOWN, "register number (ECX)" },
    { CPU_CAUSE_GP_MSR_LOCKED, "register number (ECX)" }, { CPU_CAUSE_GP_MSR_RSVD, "value (EDX:EAX)" }, { CPU_CAUSE_GP_MSR_APIC, "value (EDX:EAX)" },
    { CPU_CAUSE_GP_IOPL, "EFLAGS" }, { CPU_CAUSE_GP_V86_IOPL, "EFLAGS" }, { CPU_CAUSE_GP_VME_VIP, "EFLAGS" }, { CPU_CAUSE_GP_IRET_V86, "EFLAGS" },
    { CPU_CAUSE_GP_EVENT_V86INT, "EFLAGS" }, { CPU_CAUSE_GP_TSD, "CR4" }, { CPU_CAUSE_DB_GD, "DR7" }, { CPU_CAUSE_GP_IOMAP_TSS16, "TR" },
    { CPU_CAUSE_GP_IRET_VM, "EIP popped" }, { CPU_CAUSE_GP_JMP_OFFSET, "offset" },
};

static void value(const struct cpu_delivery *d, struct sim_buf *out)
{
    const char *name = "value";

    for (unsigned n = 0; n < sizeof(value_names) / sizeof(value_names[0]); n++)
        if (value_names[n].cause == d->cause)
            name = value_names[n].name;
    sim_buf_printf(out, "%s = 0x%llx", name, (unsigned long long)d->evidence.value);
    if (strcmp(name, "EFLAGS") == 0) {
        sim_buf_printf(out, " (IOPL %u; ", (unsigned)(d->evidence.value >> EFL_IOPL_SHIFT & 3));
        words_bits(words_eflags, d->evidence.value, out);
        sim_buf_printf(out, ")");
    }
    if (strncmp(name, "value for CR0", 13) == 0) {
        sim_buf_printf(out, " (");
        words_bits(words_cr0, d->evidence.value, out);
        sim_buf_printf(out, ")");
    }
}

void evidence_text(const struct story *s, const struct cpu_delivery *d, struct sim_buf *out)
{
    switch (d->evidence.kind) {
    case CPU_EVIDENCE_DESCRIPTOR: descriptor(s, &d->evidence, out); break;
    case CPU_EVIDENCE_GATE:
        if (evidence_is_idt(d))
            idt_entry(s, d, out);
        else
            descriptor(s, &d->evidence, out);
        break;
    case CPU_EVIDENCE_TSS: tss(s, d, out); break;
    case CPU_EVIDENCE_PTE: pte(s, d, out); break;
    case CPU_EVIDENCE_OPERAND: operand(s, &d->evidence, out); break;
    case CPU_EVIDENCE_REGISTER: value(d, out); break;
    case CPU_EVIDENCE_NONE: break;
    }
}
