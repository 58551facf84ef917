/* Hints: what is wrong with the IDT, GDT or task that a delivery went through. */
#include <string.h>

#include "cpu/code.h"
#include "debug/words.h"
#include "debug/explain.h"

static const struct cpu *cpu_of(const struct hint *h)
{
    return h->s->cpu;
}

static bool is(const struct hint *h, enum cpu_cause cause)
{
    return h->d->cause == cause;
}

static bool is_between(const struct hint *h, enum cpu_cause first, enum cpu_cause last)
{
    return h->d->cause >= first && h->d->cause <= last;
}

static uint64_t raw_of(const struct hint *h)
{
    uint64_t raw = 0;

    memcpy(&raw, h->d->evidence.bytes, sizeof(raw));
    return raw;
}

static struct seg_desc seen(const struct hint *h)
{
    struct seg_desc d;

    seg_decode(raw_of(h), &d);
    return d;
}

/* An entry of 16 bytes, as IA-32e mode has them. */
static bool is_wide(const struct hint *h)
{
    return h->d->evidence.size == 16;
}

static enum touch touch_of(const struct hint *h)
{
    return story_touch(h->s, h->n);
}

static bool is_good_gate(uint64_t raw)
{
    struct seg_desc d;
    unsigned type;

    seg_decode(raw, &d);
    type = d.attr & (SEG_S | SEG_TYPE);
    return d.attr & SEG_P && d.gate_selector &&
           (type == SYS_TASK_GATE || type == SYS_INT16 || type == SYS_TRAP16 || type == SYS_INT || type == SYS_TRAP);
}

static bool is_good_segment(uint64_t raw)
{
    struct seg_desc d;

    seg_decode(raw, &d);
    return d.attr & SEG_P && (d.attr & SEG_S || (d.attr & 5) == 1);
}

/* LGDT and LIDT want the number of bytes less one. A limit that small, with nothing but good entries behind it, counts entries. */
bool hint_table_counts_entries(struct hint *h, uint64_t base, uint32_t limit, unsigned index, bool gate)
{
    uint64_t raw;

    if (limit >= 256 || index > limit)
        return false;
    for (unsigned n = (limit + 1) / 8; n <= index; n++)
        if (n && (!hint_table_entry(h, base, n, &raw) || !(gate ? is_good_gate(raw) : is_good_segment(raw))))
            return false;
    return true;
}

/* ---- Interrupts ---- */

static bool old_pic_vector(struct hint *h)
{
    const struct cpu_delivery *first = &h->s->link[0];

    if (first->type != CPU_DELIVER_EXTERNAL || !(first->mode & MODE_PE) || first->vector < 8 || first->vector > 15)
        return false;
    hint_arg(h, 0, "%u", first->vector);
    hint_arg(h, 1, "%u", first->vector - 8);
    hint_arg(h, 2, "%s", words_vector_short(first->vector) ? words_vector_short(first->vector) : "an exception");
    return true;
}

static bool interrupts_too_early(struct hint *h)
{
    const struct cpu_delivery *first = &h->s->link[0];
    enum cpu_cause met = h->s->link[1].cause;

    hint_arg(h, 0, "%u", first->vector);
    if (h->s->before.delivered && h->s->before.mode & MODE_PE)
        return false; /* one has come through already */
    return first->type == CPU_DELIVER_EXTERNAL && (met == CPU_CAUSE_NP_IDT || met == CPU_CAUSE_GP_IDT_TYPE || met == CPU_CAUSE_GP_IDT_LIMIT);
}

/* ---- The IDT ---- */

static bool real_mode_idt(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)cpu_of(h)->idtr.base);
    hint_arg(h, 1, "0x%x", cpu_of(h)->idtr.limit);
    return is(h, CPU_CAUSE_GP_IDT_REAL);
}

static bool idt_not_loaded(struct hint *h)
{
    const struct cpu_table *idtr = &cpu_of(h)->idtr;

    hint_arg(h, 0, "0x%llx", (unsigned long long)idtr->base);
    hint_arg(h, 1, "0x%x", idtr->limit);
    if (h->d->mode & MODE_PE && idtr->base == 0 && (idtr->limit == 0xffff || idtr->limit == 0x3ff))
        return evidence_is_idt(h->d) || touch_of(h) == TOUCH_IDT;
    return idtr->limit < 7 && evidence_is_idt(h->d);
}

static bool idt_limit_of_pointer(struct hint *h)
{
    const struct cpu_table *idtr = &cpu_of(h)->idtr;

    hint_arg(h, 0, "0x%x", idtr->limit);
    return is(h, CPU_CAUSE_GP_IDT_LIMIT) && idtr->base && (idtr->limit == 3 || idtr->limit == 4 || idtr->limit == 7 || idtr->limit == 8);
}

static bool idt_limit_counts(struct hint *h)
{
    const struct cpu_table *idtr = &cpu_of(h)->idtr;

    hint_arg(h, 0, "0x%x", idtr->limit);
    hint_arg(h, 1, "%u", idtr->limit + 1);
    hint_arg(h, 2, "0x%x", (idtr->limit + 1) * 8 - 1);
    return is(h, CPU_CAUSE_GP_IDT_LIMIT) && hint_table_counts_entries(h, idtr->base, idtr->limit, h->d->evidence.selector >> 3, true);
}

static bool idt_short(struct hint *h)
{
    hint_arg(h, 0, "%u", (cpu_of(h)->idtr.limit + 1) / 8);
    hint_arg(h, 1, "%u", h->d->evidence.selector >> 3);
    return is(h, CPU_CAUSE_GP_IDT_LIMIT);
}

/* How many of the IDT's first 32 entries are all zero, and how many are good gates. */
static void count_gates(const struct hint *h, unsigned *zero, unsigned *good, unsigned *all)
{
    const struct cpu_table *idtr = &cpu_of(h)->idtr;
    uint64_t raw;

    *zero = *good = *all = 0;
    for (unsigned n = 0; n < 256 && n * 8 + 7 <= idtr->limit && hint_table_entry(h, idtr->base, n, &raw); n++) {
        ++*all;
        *zero += raw == 0;
        *good += is_good_gate(raw);
    }
}

static bool idt_zero(struct hint *h)
{
    unsigned zero, good, all;

    if (!is(h, CPU_CAUSE_GP_IDT_TYPE) || raw_of(h))
        return false;
    count_gates(h, &zero, &good, &all);
    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->idtr.base);
    return zero == all;
}

static bool idt_entry_zero(struct hint *h)
{
    unsigned zero, good, all;

    if (!is(h, CPU_CAUSE_GP_IDT_TYPE) || raw_of(h))
        return false;
    count_gates(h, &zero, &good, &all);
    hint_arg(h, 0, "%u", h->d->evidence.selector >> 3);
    hint_arg(h, 1, "of %u entries %u are zero and %u good", all, zero, good);
    hint_arg(h, 2, "0x%llx", (unsigned long long)h->d->evidence.laddr);
    return true;
}

static bool gate_is_call_gate(struct hint *h)
{
    unsigned type = seen(h).attr & (SEG_S | SEG_TYPE);

    return is(h, CPU_CAUSE_GP_IDT_TYPE) && (type == SYS_CALL || type == SYS_CALL16);
}

static bool gate_is_no_gate(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)h->d->evidence.laddr);
    return is(h, CPU_CAUSE_GP_IDT_TYPE);
}

static bool no_handler(struct hint *h)
{
    hint_arg(h, 0, "%u", h->d->evidence.selector >> 3);
    return is(h, CPU_CAUSE_NP_IDT);
}

static bool int_by_user(struct hint *h)
{
    hint_arg(h, 0, "0x%02x", h->d->evidence.selector >> 3);
    return is(h, CPU_CAUSE_GP_IDT_DPL);
}

static bool gate_selector_null(struct hint *h)
{
    return is(h, CPU_CAUSE_GP_IDT_CSNULL);
}

static bool handler_beyond_segment(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_GP_IDT_OFFSET) && h->d->evidence.kind == CPU_EVIDENCE_GATE && !is_wide(h);
}

/* What stands where bits 63:32 of the address should is the next gate, and what must be zero behind them is not. */
static bool gates_of_8_bytes(struct hint *h)
{
    uint64_t upper;

    memcpy(&upper, h->d->evidence.bytes + 8, sizeof(upper));
    return evidence_is_idt(h->d) && is_wide(h) && is_good_gate(upper);
}

static bool handler_not_canonical(struct hint *h)
{
    return is(h, CPU_CAUSE_GP_IDT_OFFSET) && is_wide(h);
}

static bool gate_v86(struct hint *h)
{
    return is(h, CPU_CAUSE_GP_IDT_V86);
}

/* ---- The GDT ---- */

static bool gdt_limit_counts(struct hint *h)
{
    const struct cpu_table *gdtr = &cpu_of(h)->gdtr;

    hint_arg(h, 0, "0x%x", gdtr->limit);
    hint_arg(h, 1, "%u", gdtr->limit + 1);
    hint_arg(h, 2, "0x%x", (gdtr->limit + 1) * 8 - 1);
    return is(h, CPU_CAUSE_GP_IDT_CSLIMIT) && !(h->d->evidence.selector & 4) &&
           hint_table_counts_entries(h, gdtr->base, gdtr->limit, h->d->evidence.selector >> 3, false);
}

static bool gate_selector_outside(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "0x%x", cpu_of(h)->seg[CPU_CS].selector & 0xfffc);
    return is(h, CPU_CAUSE_GP_IDT_CSLIMIT);
}

/* CS itself could not be loaded any more. */
static bool gdt_lost(struct hint *h)
{
    struct seg_desc d;

    if (!is(h, CPU_CAUSE_GP_IDT_CSTYPE) || raw_of(h))
        return false;
    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->gdtr.base);
    hint_arg(h, 1, "0x%llx", (unsigned long long)h->d->evidence.laddr);
    return dbg_descriptor(h->s->cpu, h->d->cs, &d) || (d.attr & (SEG_S | SEG_TYPE_CODE)) != (SEG_S | SEG_TYPE_CODE);
}

static bool gate_names_data(struct hint *h)
{
    struct seg_desc d = seen(h);

    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_GP_IDT_CSTYPE) && d.attr & SEG_S && !(d.attr & SEG_TYPE_CODE);
}

static bool gate_names_user_code(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "%u", SEG_DPL(seen(h).attr));
    hint_arg(h, 2, "%u", h->d->cpl);
    return is(h, CPU_CAUSE_GP_IDT_CSTYPE) && SEG_DPL(seen(h).attr) > h->d->cpl;
}

static bool gate_names_no_code(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_GP_IDT_CSTYPE);
}

static bool code_absent(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "%02X", (unsigned)h->d->evidence.bytes[5]);
    hint_arg(h, 2, "%02X", (unsigned)h->d->evidence.bytes[5] | 0x80u);
    return is(h, CPU_CAUSE_NP_IDT_CS);
}

/* ---- Task gates ---- */

static bool task_gate_names_segment(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_GP_IDT_TASK) && seen(h).attr & SEG_S;
}

static bool task_busy(struct hint *h)
{
    unsigned type = seen(h).attr & (SEG_S | SEG_TYPE);
    bool switched = h->d->cs != h->s->link[0].cs || h->d->ip != h->s->link[0].ip; /* busy because the chain has switched to it: no wonder */

    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "%s", (h->d->evidence.selector & 0xfffc) == (cpu_of(h)->seg[CPU_TR].selector & 0xfffc) ? "the one that LTR made current" : "busy");
    return is(h, CPU_CAUSE_GP_IDT_TASK) && (type == SYS_TSS_BUSY || type == SYS_TSS16_BUSY) && !switched;
}

static bool task_gate_wrong(struct hint *h)
{
    unsigned type = seen(h).attr & (SEG_S | SEG_TYPE);

    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_GP_IDT_TASK) && type != SYS_TSS_BUSY && type != SYS_TSS16_BUSY;
}

static bool task_absent(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_NP_TSS);
}

static bool task_limit(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "0x%llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_TS_LIMIT);
}

static bool task_segment(struct hint *h)
{
    const char *id = cpu_cause_id(h->d->cause);

    if (!is_between(h, CPU_CAUSE_TS_LDT_SEL, CPU_CAUSE_TS_DS_DPL) && !is(h, CPU_CAUSE_NP_TASK_CS) && !is(h, CPU_CAUSE_NP_TASK_DATA) &&
        !is(h, CPU_CAUSE_SS_NP_TASK))
        return false;
    hint_arg(h, 0, "0x%x", cpu_of(h)->seg[CPU_TR].selector);
    if (strncmp(id, "TS-", 3) == 0) /* TS-CS-TYPE: CS */
        hint_arg(h, 1, "%.*s", (int)strcspn(id + 3, "-"), id + 3);
    else
        hint_arg(h, 1, "%s", is(h, CPU_CAUSE_NP_TASK_CS) ? "CS" : is(h, CPU_CAUSE_SS_NP_TASK) ? "SS" : "a data segment");
    hint_arg(h, 2, "0x%x", h->d->evidence.selector);
    return true;
}

const struct hint_row hints_tables[] = {
    { old_pic_vector, TOPIC_PIC,
      "vector {0} came from the interrupt controller: it is IRQ {1}, not {2}. The 8259s still have the vectors that the BIOS gave them (8 to 15), "
      "which protected mode uses for exceptions. Remap them (ICW2) to 0x20 and up before STI, and install gates there." },
    { real_mode_idt, TOPIC_IDT,
      "in real mode the processor finds handlers through IDTR as well, and it has base {0}, limit {1}. Load it with base 0 and limit 0x3ff "
      "before you go (back) to real mode." },
    { interrupts_too_early, TOPIC_IDT,
      "interrupts were enabled (STI, or IF in a loaded EFLAGS) before there was a gate for vector {0}. Fill the IDT first, or mask the IRQ." },
    { idt_limit_of_pointer, TOPIC_IDT,
      "the IDT's limit is {0}, the size of a pointer: LIDT was given sizeof of a pointer to the table instead of the table's. For 256 entries it is 0x7ff." },
    { idt_not_loaded, TOPIC_IDT,
      "there is no IDT: IDTR has base {0}, limit {1}. LIDT was not executed yet, or its operand was not filled in when it was." },
    { idt_limit_counts, TOPIC_IDT,
      "the IDT's limit, {0}, looks like a number of entries, for the table goes on behind it. The limit is the number of bytes less one: {2} for "
      "{1} entries." },
    { idt_short, TOPIC_IDT,
      "the IDT has room for {0} entries only, and vector {1} lies behind them. Give it 256 entries (limit 0x7ff), or at least 32 (0xff), and fill in "
      "those of the exceptions." },
    { idt_zero, TOPIC_IDT,
      "the IDT at {0} is all zeros: it was never filled in, was cleared afterwards, or IDTR names the wrong place. An IDT in .bss has to be filled "
      "before LIDT matters." },
    { idt_entry_zero, TOPIC_IDT,
      "IDT entry {0} is all zeros ({1}): it was never filled in, or something overwrote it. `who-wrote {2}` tells which." },
    { gate_is_call_gate, TOPIC_IDT,
      "the entry is a call gate (type C), which an IDT cannot hold. An interrupt gate has type E: byte 5 is 8E, not 8C." },
    { gate_is_no_gate, TOPIC_IDT,
      "the entry holds no gate: the IDT was overwritten, its entries have another layout than the processor's, or IDTR names the wrong place. "
      "`who-wrote {0}` tells who wrote it." },
    { no_handler, TOPIC_IDT,
      "no handler is installed for vector {0}. A kernel wants gates for all of the vectors 0 to 31 before anything can go wrong, #DF (8) above all." },
    { int_by_user, TOPIC_IDT,
      "user code may use INT {0} only if the gate's DPL is 3 (byte 5 is EE for an interrupt gate, EF for a trap gate)." },
    { gate_selector_null, TOPIC_IDT, "the code that fills in gates forgot the code-segment selector (bytes 2 and 3); it is 0." },
    { handler_beyond_segment, TOPIC_IDT,
      "the handler's address lies beyond the code segment's limit, {0}. Either the segment ends too early, or bits 31:16 of the address "
      "(bytes 6 and 7 of the gate) are wrong." },
    { gates_of_8_bytes, TOPIC_IDT,
      "the second half of the entry looks like a gate of its own, but in 64-bit mode, and in compatibility mode too, each entry of the IDT has 16 bytes: "
      "bytes 8 to 11 are bits 63:32 of the handler's address, the rest is 0." },
    { handler_not_canonical, TOPIC_IDT, "bits 63:32 of the handler's address stand in bytes 8 to 11 of the gate, bits 31:16 in bytes 6 and 7." },
    { gate_v86, TOPIC_GDT,
      "virtual-8086 mode can only be left for a code segment with DPL 0 that is not conforming: use an ordinary kernel code segment in the gates." },
    { gdt_limit_counts, TOPIC_GDT,
      "the GDT's limit, {0}, looks like a number of entries, for there are good descriptors behind it. The limit is the number of bytes less one: "
      "{2} for {1} entries." },
    { gate_selector_outside, TOPIC_GDT,
      "the gate's code-segment selector, {0}, does not exist in the present GDT. Perhaps it is the boot loader's; CS is {1} by now." },
    { gdt_lost, TOPIC_GDT,
      "the GDT at {0} does not hold the segments that are in use: its entries are zero. Either LGDT was given a wrong base, or the table was cleared or "
      "reused afterwards. Loaded segment registers go on working, until something reads the table. `who-wrote {1}` tells who wrote there." },
    { gate_names_data, TOPIC_GDT, "the gate's selector, {0}, is a data segment's; it must be that of the kernel's code segment." },
    { gate_names_user_code, TOPIC_GDT,
      "the gate's selector, {0}, is the code segment of level {1}, and a handler cannot be less privileged than what it interrupts (level {2}). Use the "
      "kernel's code segment." },
    { gate_names_no_code, TOPIC_GDT, "the gate's selector, {0}, must be that of the kernel's code segment." },
    { code_absent, TOPIC_GDT, "the descriptor of the code segment {0} lacks the present bit: its access byte is {1} and should be {2}." },
    { task_gate_names_segment, TOPIC_TASK,
      "the gate is a task gate (type 5), whose selector must be that of a TSS, but {0} is a segment. An interrupt gate has type E: byte 5 is 8E, not 85." },
    { task_busy, TOPIC_TASK,
      "the task gate names the TSS {0}, which is {1}; a task cannot be switched to while it is busy. #DF needs a TSS of its own, beside the one that LTR loads." },
    { task_gate_wrong, TOPIC_TASK, "the selector in the task gate, {0}, must name an available TSS in the GDT." },
    { task_absent, TOPIC_TASK, "the descriptor of the TSS {0} lacks the present bit (bit 7 of its access byte: 89 for an available 32-bit TSS)." },
    { task_limit, TOPIC_TASK,
      "the descriptor of the TSS {0} has limit {1}, and a task switch demands 0x67 (103) at least: the size of the TSS less one." },
    { task_segment, TOPIC_TASK,
      "the new task's TSS ({0}) holds a wrong selector for {1}: {2}. The switch itself was done, so the registers are the new task's already." },
    { NULL, 0, NULL }
};
