/* Views of descriptor tables: GDT, LDT, IDT (or the real-mode vectors), TSS. What a processor would refuse is marked with '!'. */
#include <stdio.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/mem.h"
#include "cpu/paging.h"
#include "debug/words.h"
#include "debug/private.h"

typedef unsigned long long ull;

static bool mapped(struct cpu *cpu, uint64_t laddr)
{
    struct cpu_walk walk;

    paging_peek(cpu, dbg_linear(cpu, laddr), &walk);
    return walk.mapped;
}

/* ---- GDT and LDT ---- */

/* The registers that hold a selector of this entry. */
static void users(const struct cpu *cpu, bool local, unsigned index, struct sim_buf *out)
{
    bool any = false;

    if (!(cpu->cr0 & CR0_PE) || cpu->eflags & EFL_VM)
        return;
    for (unsigned n = 0; n < CPU_SEGS; n++) {
        uint16_t selector = cpu->seg[n].selector;

        if (selector >> 3 == index && (selector & 4) == (local ? 4 : 0) && !(cpu->seg[n].attr & SEG_UNUSABLE) && index) {
            sim_buf_printf(out, "%s%s", any ? " " : "  <- ", words_segment_name(n));
            any = true;
        }
    }
}

static const char *complaint(struct cpu *cpu, const struct seg_desc *d)
{
    unsigned type = d->attr & (SEG_S | SEG_TYPE);

    if (!d->raw)
        return NULL;
    if (type == 0 || type == 8 || type == 10 || type == 13)
        return "no valid type";
    if (type == SYS_INT || type == SYS_TRAP || type == SYS_INT16 || type == SYS_TRAP16)
        return "belongs into the IDT";
    if ((type == SYS_TSS_AVAILABLE || type == SYS_TSS_BUSY) && d->limit < 0x67)
        return "too small for a task switch (103)";
    if ((type & 5) == 1 && !(d->attr & SEG_S) && !mapped(cpu, d->base))
        return "its base is not mapped";
    return NULL;
}

static void table_line(struct dbg *dbg, struct cpu *cpu, bool local, unsigned index, uint64_t raw, struct sim_buf *out)
{
    struct seg_desc d = { .raw = raw };
    char symbol[160] = "";
    struct seg_desc code;
    const char *wrong;

    seg_decode(raw, &d);
    if (cpu->mode & MODE_LMA && !(d.attr & SEG_S) && d.attr & SEG_TYPE)
        dbg_descriptor(cpu, (uint16_t)(index << 3 | (local ? 4 : 0)), &d);
    sim_buf_printf(out, "%5u  %04x  %08x %08x  ", index, (index << 3 | (local ? 4 : 0)) & 0xffff, (uint32_t)(raw >> 32), (uint32_t)raw);
    if (!index && !local) {
        sim_buf_printf(out, "null%s\n", raw ? " (never read; its bytes may be anything)" : "");
        return;
    }
    if (words_is_gate(d.attr)) {
        if ((d.attr & 7) == SYS_CALL16 && !dbg_descriptor(cpu, d.gate_selector, &code))
            dbg_symbolize(dbg, dbg_linear(cpu, code.base + d.gate_offset), symbol, sizeof(symbol));
        words_gate(&d, symbol, out);
    } else {
        words_descriptor(&d, out);
    }
    wrong = complaint(cpu, &d);
    if (wrong)
        sim_buf_printf(out, "  ! %s", wrong);
    users(cpu, local, index, out);
    sim_buf_printf(out, "\n");
}

/* In IA-32e mode a system descriptor has two entries; what stands before this one? It is one itself only if it is not an upper half. */
static bool is_upper_half(struct cpu *cpu, uint64_t base, unsigned index)
{
    bool upper = false;

    if (!(cpu->mode & MODE_LMA))
        return false;
    for (unsigned n = 1; n < index + 1 && n < 8192; n++) {
        struct seg_desc d;
        uint64_t raw;

        if (n == index)
            return upper;
        if (upper || !dbg_peek(cpu, base + n * 8, &raw, sizeof(raw))) {
            upper = false;
            continue;
        }
        seg_decode(raw, &d);
        upper = raw && !(d.attr & SEG_S) && d.attr & SEG_TYPE;
    }
    return false;
}

static void table(struct dbg *dbg, struct cpu *cpu, bool local, uint64_t base, uint32_t limit, struct sim_buf *out)
{
    unsigned count = (limit + 1) / 8, n = 0;
    uint64_t raw;

    count = count > 8192 ? 8192 : count;
    while (n < count) {
        unsigned first = n;

        if (is_upper_half(cpu, base, n)) {
            n++;
            continue;
        }
        if (!dbg_peek(cpu, base + n * 8, &raw, sizeof(raw))) {
            while (n < count && !dbg_peek(cpu, base + n * 8, &raw, sizeof(raw)))
                n++;
            sim_buf_printf(out, "%5u - %u  not mapped\n", first, n - 1);
            continue;
        }
        if (raw || !n) {
            table_line(dbg, cpu, local, n++, raw, out);
            continue;
        }
        while (n < count && dbg_peek(cpu, base + n * 8, &raw, sizeof(raw)) && !raw)
            n++;
        if (n - first > 1)
            sim_buf_printf(out, "%5u - %u  empty\n", first, n - 1);
        else
            table_line(dbg, cpu, local, first, 0, out);
    }
    if ((limit + 1) % 8 && limit)
        sim_buf_printf(out, "  ! the limit plus one is no multiple of 8: is it a number of entries?\n");
}

void dbg_view_gdt(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    sim_buf_printf(out, "GDT at 0x%08llx, limit 0x%x: %u entries\n", (ull)cpu->gdtr.base, cpu->gdtr.limit, (cpu->gdtr.limit + 1) / 8);
    if (!(cpu->cr0 & CR0_PE))
        sim_buf_printf(out, "(not in use: real mode)\n");
    table(dbg, cpu, false, cpu->gdtr.base, cpu->gdtr.limit, out);
}

void dbg_view_ldt(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    const struct cpu_seg *s = &cpu->seg[CPU_LDTR];

    if (s->attr & SEG_UNUSABLE || !(s->selector & 0xfffc)) {
        sim_buf_printf(out, "There is no LDT.\n");
        return;
    }
    sim_buf_printf(out, "LDT (selector 0x%04x) at 0x%08llx, limit 0x%x\n", s->selector, (ull)s->base, s->limit);
    table(dbg, cpu, true, s->base, s->limit, out);
}

/* ---- IDT ---- */

static const char *gate_complaint(struct cpu *cpu, const struct seg_desc *gate, const struct seg_desc *code, const char *no_code)
{
    unsigned type = gate->attr & (SEG_S | SEG_TYPE);

    if (type == SYS_TASK_GATE) {
        if (no_code)
            return no_code;
        if ((code->attr & (SEG_S | 7)) != 1)
            return "its TSS is busy, or no TSS";
        return code->attr & SEG_P ? NULL : "its TSS is not present";
    }
    if (type != SYS_INT && type != SYS_TRAP && type != SYS_INT16 && type != SYS_TRAP16)
        return "no gate";
    if (!(gate->gate_selector & 0xfffc))
        return "its code segment is the null selector";
    if (no_code)
        return no_code;
    if ((code->attr & (SEG_S | SEG_TYPE_CODE)) != (SEG_S | SEG_TYPE_CODE))
        return "its selector does not name a code segment";
    if (!(code->attr & SEG_P))
        return "its code segment is not present";
    if (cpu->mode & MODE_LMA) {
        if (type != SYS_INT && type != SYS_TRAP)
            return "no gate of long mode";
        if ((code->attr & (SEG_L | SEG_DB)) != SEG_L)
            return "its code segment is no 64-bit code";
        if (!mem_canonical(cpu, gate->gate_offset))
            return "its handler's address is not canonical";
        return mapped(cpu, gate->gate_offset) ? NULL : "its handler is not mapped";
    }
    if (gate->gate_offset > code->limit)
        return "its handler lies beyond the code segment's limit";
    return mapped(cpu, code->base + gate->gate_offset) ? NULL : "its handler is not mapped";
}

static void range(unsigned first, unsigned last, struct sim_buf *out)
{
    const char *name = words_vector_short(first);

    if (first == last)
        sim_buf_printf(out, "%8u %-4s ", first, name && name[0] == '#' ? name : name && first == VEC_NMI ? name : "");
    else
        sim_buf_printf(out, "%3u - %3u     ", first, last);
}

static void idt_line(struct dbg *dbg, struct cpu *cpu, unsigned first, unsigned last, uint64_t raw, uint64_t upper, struct sim_buf *out)
{
    struct seg_desc gate = { .raw = raw }, code;
    char symbol[160] = "";
    const char *no_code, *wrong;

    range(first, last, out);
    if (!raw) {
        sim_buf_printf(out, "empty\n");
        return;
    }
    seg_decode(raw, &gate);
    gate.gate_offset |= upper << 32;
    gate.wide = cpu->mode & MODE_LMA;
    no_code = dbg_descriptor(cpu, gate.gate_selector, &code);
    if (!no_code)
        dbg_symbolize(dbg, dbg_linear(cpu, code.base + gate.gate_offset), symbol, sizeof(symbol));
    words_gate(&gate, symbol, out);
    if (cpu->mode & MODE_LMA && gate.gate_ist)
        sim_buf_printf(out, ", IST%u", gate.gate_ist);
    wrong = gate_complaint(cpu, &gate, &code, no_code);
    if (wrong)
        sim_buf_printf(out, "  ! %s", wrong);
    sim_buf_printf(out, "\n");
}

/* Four bytes each: SDM Vol. 3B, "Interrupt and exception handling" (8086 emulation). */
static void vector_line(struct dbg *dbg, struct cpu *cpu, unsigned first, unsigned last, uint64_t raw, struct sim_buf *out)
{
    uint32_t laddr = (uint32_t)((raw >> 16) << 4) + (uint32_t)(raw & 0xffff);
    char symbol[160];

    (void)cpu;
    dbg_symbolize(dbg, laddr, symbol, sizeof(symbol));
    range(first, last, out);
    sim_buf_printf(out, "%04x:%04x%s%s\n", (unsigned)(raw >> 16), (unsigned)(raw & 0xffff), *symbol ? "  " : "", symbol);
}

/* Equal neighbours share a line. */
static void vectors(struct dbg *dbg, struct cpu *cpu, unsigned size, struct sim_buf *out)
{
    unsigned count = (cpu->idtr.limit + 1) / size, n = 0;

    count = count > 256 ? 256 : count;
    while (n < count) {
        unsigned first = n;
        uint64_t raw[2] = { 0, 0 }, next[2];
        bool readable = dbg_peek(cpu, cpu->idtr.base + n * size, raw, size), same = true;

        for (n++; n < count && same; n += same) {
            next[0] = next[1] = 0;
            same = dbg_peek(cpu, cpu->idtr.base + n * size, next, size) == readable && next[0] == raw[0] && next[1] == raw[1];
        }
        if (!readable) {
            range(first, n - 1, out);
            sim_buf_printf(out, "not mapped\n");
        } else if (size >= 8) {
            idt_line(dbg, cpu, first, n - 1, raw[0], raw[1], out);
        } else {
            vector_line(dbg, cpu, first, n - 1, raw[0], out);
        }
    }
}

void dbg_view_idt(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    bool real = !(cpu->cr0 & CR0_PE);
    unsigned size = real ? 4 : cpu->mode & MODE_LMA ? 16 : 8;

    sim_buf_printf(out, "%s at 0x%08llx, limit 0x%x: %u entries\n", real ? "Interrupt vector table" : "IDT", (ull)cpu->idtr.base, cpu->idtr.limit,
                   (cpu->idtr.limit + 1) / size);
    vectors(dbg, cpu, size, out);
}

/* ---- TSS: SDM Vol. 3A, "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)" ---- */

struct tss_field {
    const char *name;
    uint8_t off, size;
};
static const struct tss_field tss32[] = {
    { "back link", 0x00, 2 }, { "ESP0", 0x04, 4 }, { "SS0", 0x08, 2 },  { "ESP1", 0x0c, 4 }, { "SS1", 0x10, 2 },    { "ESP2", 0x14, 4 },
    { "SS2", 0x18, 2 },       { "CR3", 0x1c, 4 },  { "EIP", 0x20, 4 },  { "EFLAGS", 0x24, 4 }, { "EAX", 0x28, 4 },  { "ECX", 0x2c, 4 },
    { "EDX", 0x30, 4 },       { "EBX", 0x34, 4 },  { "ESP", 0x38, 4 },  { "EBP", 0x3c, 4 },  { "ESI", 0x40, 4 },    { "EDI", 0x44, 4 },
    { "ES", 0x48, 2 },        { "CS", 0x4c, 2 },   { "SS", 0x50, 2 },   { "DS", 0x54, 2 },   { "FS", 0x58, 2 },     { "GS", 0x5c, 2 },
    { "LDT", 0x60, 2 },       { "T", 0x64, 2 },    { "I/O map base", 0x66, 2 }, { NULL, 0, 0 }
};
static const struct tss_field tss16[] = {
    { "back link", 0x00, 2 }, { "SP0", 0x02, 2 }, { "SS0", 0x04, 2 }, { "SP1", 0x06, 2 }, { "SS1", 0x08, 2 }, { "SP2", 0x0a, 2 },
    { "SS2", 0x0c, 2 },       { "IP", 0x0e, 2 },  { "FLAGS", 0x10, 2 }, { "AX", 0x12, 2 }, { "CX", 0x14, 2 }, { "DX", 0x16, 2 },
    { "BX", 0x18, 2 },        { "SP", 0x1a, 2 },  { "BP", 0x1c, 2 },  { "SI", 0x1e, 2 },  { "DI", 0x20, 2 },  { "ES", 0x22, 2 },
    { "CS", 0x24, 2 },        { "SS", 0x26, 2 },  { "DS", 0x28, 2 },  { "LDT", 0x2a, 2 }, { NULL, 0, 0 }
};

static const struct tss_field tss64[] = {
    { "RSP0", 0x04, 8 }, { "RSP1", 0x0c, 8 }, { "RSP2", 0x14, 8 }, { "IST1", 0x24, 8 }, { "IST2", 0x2c, 8 }, { "IST3", 0x34, 8 },
    { "IST4", 0x3c, 8 }, { "IST5", 0x44, 8 }, { "IST6", 0x4c, 8 }, { "IST7", 0x54, 8 }, { "I/O map base", 0x66, 2 }, { NULL, 0, 0 }
};

static void tss_fields(struct cpu *cpu, const struct cpu_seg *tr, const struct tss_field *f, struct sim_buf *out)
{
    unsigned column = 0;

    for (; f->name; f++) {
        uint64_t v = 0;

        bool last = ++column % 3 == 0 || !f[1].name;
        char text[24] = "(beyond)";

        if (f->off + f->size - 1u <= tr->limit) {
            bool readable = dbg_peek(cpu, tr->base + f->off, &v, f->size);

            snprintf(text, sizeof(text), readable ? "%0*llx" : "unmapped", 2 * f->size, (ull)v);
        }
        sim_buf_printf(out, last ? "  %-12s %s\n" : "  %-12s %-8s", f->name, text);
    }
}

/* May user programs use the port? One byte at a time, and none without the byte behind it: SDM Vol. 1, "I/O permission bit map". */
static bool port_open(struct cpu *cpu, const struct cpu_seg *tr, uint32_t map, unsigned port)
{
    uint32_t off = map + port / 8;
    uint8_t byte;

    return off + 1 <= tr->limit && dbg_peek(cpu, tr->base + off, &byte, 1) && !(byte >> (port & 7) & 1);
}

static void io_map(struct cpu *cpu, const struct cpu_seg *tr, struct sim_buf *out)
{
    unsigned first, port, runs = 0;
    uint16_t map;

    if (tr->limit < 0x67 || !dbg_peek(cpu, tr->base + 0x66, &map, sizeof(map))) {
        sim_buf_printf(out, "I/O permission bitmap: none\n");
        return;
    }
    if (map >= tr->limit) {
        sim_buf_printf(out, "I/O permission bitmap: none (its base, 0x%x, is not below the limit): no port is open above IOPL\n", map);
        return;
    }
    sim_buf_printf(out, "I/O permission bitmap at offset 0x%x; open ports:", map);
    for (port = 0; port < 65536 && runs < 64; port++) {
        if (!port_open(cpu, tr, map, port))
            continue;
        for (first = port; port + 1 < 65536 && port_open(cpu, tr, map, port + 1); port++)
            ;
        sim_buf_printf(out, first == port ? " %04x" : " %04x-%04x", first, port);
        runs++;
    }
    sim_buf_printf(out, "%s\n", !runs ? " none" : port < 65536 ? " ..." : "");
}

/* What would go wrong when the stack of level 0 is needed. */
static void inner_stack(struct cpu *cpu, const struct cpu_seg *tr, bool wide, struct sim_buf *out)
{
    struct seg_desc d;
    uint32_t esp = 0;
    uint16_t ss = 0;
    const char *wrong;

    if (!dbg_peek(cpu, tr->base + (wide ? 4 : 2), &esp, wide ? 4 : 2) || !dbg_peek(cpu, tr->base + (wide ? 8 : 4), &ss, 2))
        return;
    wrong = !(ss & 0xfffc) ? "it is null" : dbg_descriptor(cpu, ss, &d);
    if (!wrong && ((d.attr & (SEG_S | SEG_TYPE_CODE | SEG_TYPE_WRITE)) != (SEG_S | SEG_TYPE_WRITE) || !(d.attr & SEG_P)))
        wrong = "it names no present, writable data segment";
    if (!wrong && (ss & 3 || SEG_DPL(d.attr)))
        wrong = "RPL and DPL must be 0";
    if (wrong)
        sim_buf_printf(out, "! SS0 = 0x%04x cannot be used: %s\n", ss, wrong);
    else if (!mapped(cpu, d.base + esp - 4))
        sim_buf_printf(out, "! the memory below ESP0 (0x%08x) is not mapped\n", (uint32_t)(d.base + esp));
}

void dbg_view_tss(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];
    bool wide = tr->attr & 8, lma = cpu->mode & MODE_LMA;
    char where[200] = "";
    uint32_t ip;

    sim_buf_printf(out, "TR = 0x%04x: %s TSS at 0x%08llx, limit 0x%x%s\n", tr->selector, lma ? "64-bit" : wide ? "32-bit" : "16-bit", (ull)tr->base, tr->limit,
                   tr->selector & 0xfffc ? "" : "  ! LTR was never executed");
    if (!(tr->selector & 0xfffc))
        return;
    if (lma) {
        tss_fields(cpu, tr, tss64, out);
        io_map(cpu, tr, out);
        return;
    }
    tss_fields(cpu, tr, wide ? tss32 : tss16, out);
    inner_stack(cpu, tr, wide, out);
    if (wide && tr->limit >= 0x23 && dbg_peek(cpu, tr->base + 0x20, &ip, 4) && ip) {
        dbg_symbolize(dbg, ip, where, sizeof(where));
        if (*where)
            sim_buf_printf(out, "EIP is %s\n", where);
    }
    if (wide)
        io_map(cpu, tr, out);
}
