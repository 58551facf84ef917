#include "debug/explain.h"

#include <stdio.h>
#include <string.h>

#include "cpu/code.h"
#include "debug/words.h"

#define WIDTH 118
#define INDENT 11 /* of what stands beside "at", "why" ... */
#define FRAMES 64

/* ---- Lines ---- */

/* Appends text, broken between words at WIDTH; the first line goes on from column `used`, others begin at `indent`. Ends the line. */
static void wrapped(struct sim_buf *out, unsigned used, unsigned indent, const char *text)
{
    while (*text) {
        size_t word = strcspn(text, " \n");
        bool fresh = used <= indent;

        if (!fresh && used + 1 + word > WIDTH) {
            sim_buf_printf(out, "\n%*s", (int)indent, "");
            used = indent;
            fresh = true;
        }
        sim_buf_printf(out, "%s%.*s", fresh ? "" : " ", (int)word, text);
        used += (unsigned)word + !fresh;
        text += word;
        if (*text == '\n') {
            sim_buf_printf(out, "\n%*s", (int)indent, "");
            used = indent;
        }
        text += *text != 0;
    }
    sim_buf_printf(out, "\n");
}

/* "     why   TEXT" */
static void labelled(struct sim_buf *out, const char *label, const char *text)
{
    if (!*text)
        return;
    sim_buf_printf(out, "     %-6s", label);
    wrapped(out, INDENT, INDENT, text);
}

/* ---- One link ---- */

/* "#PF page fault", "interrupt 32", "INT 0x80" */
static void link_name(const struct cpu_delivery *d, struct sim_buf *out)
{
    if (d->type == CPU_DELIVER_OTHER)
        sim_buf_printf(out, "shutdown by RSM");
    else if (d->type == CPU_DELIVER_EXTERNAL)
        sim_buf_printf(out, "external interrupt %u", d->vector);
    else if (d->type == CPU_DELIVER_SOFTWARE_INT)
        sim_buf_printf(out, "INT 0x%02x (software interrupt)", d->vector);
    else if (words_vector_short(d->vector))
        sim_buf_printf(out, "%s %s (vector %u)", words_vector_short(d->vector), words_vector_name(d->vector), d->vector);
    else
        sim_buf_printf(out, "exception %u", d->vector);
}

/* With error code and CR2. */
static void link_title(const struct cpu_delivery *d, struct sim_buf *out)
{
    link_name(d, out);
    if (d->has_error)
        sim_buf_printf(out, ", error 0x%04x", d->error);
    if (d->vector == VEC_PF && d->type == CPU_DELIVER_EXCEPTION)
        sim_buf_printf(out, ", CR2 = 0x%08llx", (unsigned long long)d->cr2);
}

/* What the manual's sections on a cause are called; the first prefix that fits. */
static const char *section(const struct cpu_delivery *d)
{
    static const struct { const char *prefix, *title; } sections[] = {
        { "GP-IDT-REAL", "Vol. 3B, \"Interrupt and Exception Handling\" (8086 Emulation)" }, { "GP-IDT-TASK", "Vol. 3A, \"Interrupt Tasks\"" },
        { "GP-IDT-LIMIT", "Vol. 3A, \"Interrupt Descriptor Table (IDT)\"" }, { "GP-IDT-TYPE", "Vol. 3A, \"IDT Descriptors\"" },
        { "NP-IDT-CS", "Vol. 3A, \"Exception- or Interrupt-Handler Procedures\"" }, { "NP-IDT", "Vol. 3A, \"IDT Descriptors\"" },
        { "GP-IDT", "Vol. 3A, \"Exception- or Interrupt-Handler Procedures\"" }, { "TS-STACK", "Vol. 3A, \"Stack Switching\"" },
        { "SS-PUSH-NEW", "Vol. 3A, \"Stack Switching\"" }, { "SS-NP-TSS", "Vol. 3A, \"Stack Switching\"" }, { "TS-", "Vol. 3A, \"Task Switching\"" },
        { "GP-IO", "Vol. 1, \"I/O Permission Bit Map\"" }, { "GP-RET", "Vol. 3A, \"Returning from a Called Procedure\"" },
        { "GP-JMP", "Vol. 3A, \"Privilege Checking When Transferring Program Control Between Code Segments\"" },
        { "GP-GATE", "Vol. 3A, \"Call Gates\"" }, { "GP-CR", "Vol. 3A, \"Control Registers\"" },
        { "PF-RSVD", "Vol. 3A, \"Page-Fault Exceptions\" and \"Formats of CR3 and paging-structure entries\"" },
        { "RSM-", "Vol. 3C, \"Exiting From SMM\"" },
        { "PF-STALE", "Vol. 3A, \"Invalidation of TLBs and Paging-Structure Caches\"" },
    };
    const char *id = d->cause ? cpu_cause_id(d->cause) : "";

    for (unsigned n = 0; n < sizeof(sections) / sizeof(sections[0]); n++)
        if (strncmp(id, sections[n].prefix, strlen(sections[n].prefix)) == 0)
            return sections[n].title;
    return NULL;
}

static void see(const struct cpu_delivery *d, struct sim_buf *out)
{
    const char *title = section(d);
    char text[200];

    if (!title && (!words_is_exception(d) || !words_vector_section(d->vector)))
        return;
    if (title)
        snprintf(text, sizeof(text), "SDM %s", title);
    else
        snprintf(text, sizeof(text), "SDM Vol. 3A, \"%s\"", words_vector_section(d->vector));
    labelled(out, "see", text);
}

/* The cause, what was being done, what the check saw, and where to read on. */
static void reasons(const struct story *s, unsigned n, struct sim_buf *out)
{
    const struct cpu_delivery *d = &s->link[n];
    struct sim_buf text = SIM_BUF_INIT;

    if (d->has_error && d->vector != VEC_DF && (d->error || d->vector == VEC_PF)) {
        words_error(d, &text);
        labelled(out, "error", sim_buf_cstr(&text));
        sim_buf_clear(&text);
    }
    if (d->cause) {
        sim_buf_printf(&text, "%s: %s", cpu_cause_id(d->cause), cpu_cause_text(d->cause));
        labelled(out, "why", sim_buf_cstr(&text));
        sim_buf_clear(&text);
    }
    story_touch_text(s, n, &text);
    labelled(out, "", sim_buf_cstr(&text));
    sim_buf_clear(&text);
    evidence_text(s, d, &text);
    labelled(out, "seen", sim_buf_cstr(&text));
    see(d, out);
    sim_buf_fini(&text);
}

static const char *who(const struct cpu_delivery *d)
{
    if (d->mode & MODE_SMM)
        return ", system-management mode";
    if (!(d->mode & MODE_PE))
        return ", real mode";
    if (d->mode & MODE_VM)
        return ", virtual-8086 mode";
    /* not in the middle of a task switch, where the CPL is 3 for a while whatever CS says */
    return (d->cs & 3) == 3 && d->cpl == 3 ? ", user mode" : d->cpl && d->cpl < 3 ? ", CPL 1 or 2" : "";
}

/* The instruction that stands where a link was met. */
static void instruction(const struct story *s, unsigned n, char *out, size_t cap)
{
    const struct cpu_delivery *d = &s->link[n];

    if (d->mode & MODE_PE && !(d->mode & MODE_VM) && (d->cs & 3) != d->cpl) { /* a new task's CS is not loaded yet: nothing can be read by it */
        snprintf(out, cap, "(the first instruction of the new task)");
        return;
    }
    dbg_disassemble_as(s->dbg, s->cpu, dbg_linear(s->cpu, d->cs_base + d->ip), d->cs_base, d->mode, out, cap);
    if (strcmp(out, "(unmapped)") == 0)
        snprintf(out, cap, "(not mapped%s)", story_touch(s, n) == TOUCH_CODE ? "" : " now: CR3 or the page tables have changed");
}

/* Interrupts and debug traps come between two instructions: the address is that of the second. */
static bool comes_before(const struct cpu_delivery *d)
{
    switch (d->cause) {
    case CPU_CAUSE_DB_STEP: case CPU_CAUSE_DB_BTF: case CPU_CAUSE_DB_DATA: case CPU_CAUSE_DB_IO: case CPU_CAUSE_DB_TASK:
    case CPU_CAUSE_DB_DELAYED: return true;
    default: return d->type == CPU_DELIVER_EXTERNAL || d->type == CPU_DELIVER_NMI;
    }
}

static void place(const struct story *s, unsigned n, struct sim_buf *out)
{
    const struct cpu_delivery *d = &s->link[n];
    char symbol[200], insn[128], text[400];

    dbg_symbolize(s->dbg, dbg_linear(s->cpu, d->cs_base + d->ip), symbol, sizeof(symbol));
    instruction(s, n, insn, sizeof(insn));
    snprintf(text, sizeof(text), "%s%04x:%08llx%s%s%s\n%s", comes_before(d) ? "before " : "", d->cs, (unsigned long long)d->ip, *symbol ? "  " : "", symbol,
             who(d), insn);
    labelled(out, "at", text);
}

/* ---- The chain, for people ---- */

/* Is link n told as a part of the next one: what turned into a double fault? */
static bool is_part_of_next(const struct story *s, unsigned n)
{
    return n >= 1 && n + 1 < s->count && story_is_combined(s, n + 1);
}

/* Links that were met while events were being delivered, and have been told with their reasons already. */
static bool is_told(const struct story *s, unsigned n)
{
    const struct cpu_delivery *d = &s->link[n];

    for (unsigned m = 1; m < n; m++) {
        const struct cpu_delivery *e = &s->link[m];

        if (e->vector == d->vector && e->cause == d->cause && e->error == d->error && e->cr2 == d->cr2 &&
            memcmp(e->evidence.bytes, d->evidence.bytes, sizeof(e->evidence.bytes)) == 0 && e->evidence.laddr == d->evidence.laddr &&
            e->evidence.paddr == d->evidence.paddr && e->evidence.value == d->evidence.value)
            return true;
    }
    return false;
}

static void met(const struct story *s, unsigned n, struct sim_buf *out)
{
    struct sim_buf text = SIM_BUF_INIT;

    link_title(&s->link[n], &text);
    if (is_told(s, n))
        sim_buf_printf(&text, ": %s, the same again", s->link[n].cause ? cpu_cause_id(s->link[n].cause) : "");
    labelled(out, "met", sim_buf_cstr(&text));
    sim_buf_fini(&text);
    if (!is_told(s, n))
        reasons(s, n, out);
}

static void item(const struct story *s, unsigned n, unsigned number, struct sim_buf *out)
{
    const struct cpu_delivery *d = &s->link[n];
    struct sim_buf title = SIM_BUF_INIT;

    if (d->shutdown)
        sim_buf_printf(&title, "shutdown");
    else
        link_title(d, &title);
    if (number > 1)
        sim_buf_printf(&title, ", because %u could not be delivered", number - 1);
    sim_buf_printf(out, "%2u. ", number);
    wrapped(out, 4, 4, sim_buf_cstr(&title));
    sim_buf_fini(&title);
    if (n == 0 || d->ip != s->link[n - 1].ip || d->cs != s->link[n - 1].cs)
        place(s, n, out);
    if (d->type == CPU_DELIVER_OTHER)
        reasons(s, n, out);
    else if (d->shutdown)
        met(s, n, out);
    else if (story_is_combined(s, n)) {
        met(s, n - 1, out);
        /* DF-RM speaks of the interrupt table */
        if (d->cause != CPU_CAUSE_DF_RM || s->link[n - 1].cause == CPU_CAUSE_GP_IDT_REAL) {
            sim_buf_printf(&title, "%s: %s", cpu_cause_id(d->cause), cpu_cause_text(d->cause));
            labelled(out, "so", sim_buf_cstr(&title));
            sim_buf_fini(&title);
        }
    } else
        reasons(s, n, out);
    sim_buf_printf(out, "\n");
}

/* This CPU's step count as the machine's. */
static uint64_t machine_step(const struct story *s, sim_steps own)
{
    return own + (uint64_t)s->dbg->step_offset[s->cpu->number & 7];
}

/* Where the handler of a vector is, by the IDT of now. */
static void handler(const struct story *s, unsigned vector, struct sim_buf *out)
{
    struct seg_desc gate, code;
    char symbol[160] = "";
    uint64_t raw;

    unsigned size = s->cpu->mode & MODE_LMA ? 16 : 8;

    if (!(s->cpu->cr0 & CR0_PE) || vector * size + size - 1 > s->cpu->idtr.limit ||
        !dbg_peek(s->cpu, s->cpu->idtr.base + vector * size, &raw, sizeof(raw)))
        return;
    seg_decode(raw, &gate);
    if (size == 16 && dbg_peek(s->cpu, s->cpu->idtr.base + vector * size + 8, &raw, sizeof(raw)))
        gate.gate_offset |= raw << 32;
    if (!words_is_gate(gate.attr) || (gate.attr & SEG_TYPE) == SYS_TASK_GATE || dbg_descriptor(s->cpu, gate.gate_selector, &code))
        return;
    dbg_symbolize(s->dbg, dbg_linear(s->cpu, code.base + gate.gate_offset), symbol, sizeof(symbol));
    sim_buf_printf(out, ", %04x:%08llx%s%s", gate.gate_selector, (unsigned long long)gate.gate_offset, *symbol ? " " : "", symbol);
}

static void headline(const struct story *s, struct sim_buf *out)
{
    const struct cpu_delivery *last = &s->link[s->count - 1];
    struct sim_buf text = SIM_BUF_INIT;
    char count[32];

    if (last->type == CPU_DELIVER_OTHER) {
        sim_buf_printf(&text, "CPU %u shut down at step %s: RSM found a state in the save map of SMM that it cannot go back to.",
                       s->cpu->number, words_count(machine_step(s, last->step) + 1, count));
    } else if (s->shutdown) {
        sim_buf_printf(&text, "Triple fault on CPU %u at step %s.", s->cpu->number, words_count(machine_step(s, last->step) + 1, count));
    } else {
        if (s->searched)
            sim_buf_printf(&text, "There is no fault among the last %u deliveries of CPU %u. At step ", s->searched, s->cpu->number);
        else
            sim_buf_printf(&text, "CPU %u, step ", s->cpu->number);
        sim_buf_printf(&text, "%s%s ", words_count(machine_step(s, s->link[0].step), count), s->searched ? "" : ":");
        link_name(last, &text);
        if (last->delivered)
            sim_buf_printf(&text, " was delivered to its handler");
        else
            sim_buf_printf(&text, " is being delivered");
        handler(s, last->vector, &text);
        sim_buf_printf(&text, ".");
    }
    if (s->since)
        sim_buf_printf(&text, " Interrupts delivered since: %s.", words_count(s->since, count));
    wrapped(out, 0, 0, sim_buf_cstr(&text));
    if (s->repeats)
        sim_buf_printf(out, "The same fault had been delivered just before, at the same place%s.\n",
                       s->repeats + s->count >= CPU_HISTORY - 2 ? ", many times" : "");
    if (s->cut)
        sim_buf_printf(out, "The history does not reach back to where it began.\n");
    sim_buf_printf(out, "\n");
    sim_buf_fini(&text);
}

/* ---- The stack ---- */

/* The registers are those of the first fault, or at least (after a task switch) of the last. */
static const char *stack_title(const struct story *s)
{
    const struct cpu_delivery *first = &s->link[0];

    if (s->cpu->ip == first->ip && s->cpu->seg[CPU_CS].selector == first->cs && s->cpu->reg[CPU_SP] == first->sp)
        return "Stack:";
    return s->shutdown ? "Stack of the new task:" : NULL;
}

/* "0008:00100049 recurse", of a frame; the address of a call for all but the first. */
static void frame_where(const struct story *s, const struct dbg_frame *f, bool caller, char *out, size_t cap)
{
    dbg_symbolize(s->dbg, dbg_linear(s->cpu, s->cpu->seg[CPU_CS].base + f->ip - caller), out, cap);
}

static void stack_text(const struct story *s, struct sim_buf *out)
{
    const char *title = stack_title(s);
    struct dbg_frame frame[FRAMES];
    char where[200];
    unsigned count, n, last;

    if (!title)
        return;
    count = dbg_backtrace(s->dbg, s->cpu, frame, FRAMES);
    sim_buf_printf(out, "%s\n", title);
    for (n = 0; n < count && n < 24; n = last + 1) {
        for (last = n; last + 1 < count && frame[last + 1].ip == frame[n].ip; last++)
            ;
        frame_where(s, &frame[n], n > 0, where, sizeof(where));
        sim_buf_printf(out, "     #%-3u %08llx  %s", n, (unsigned long long)frame[n].ip, where);
        if (last > n)
            sim_buf_printf(out, "  (and %s%u more like it)", count == FRAMES && last == count - 1 ? "at least " : "", last - n);
        sim_buf_printf(out, "\n");
    }
    if (n < count)
        sim_buf_printf(out, "     ...\n");
    sim_buf_printf(out, "\n");
}

static void hints(const struct story *s, struct sim_buf *out)
{
    struct sim_buf text = SIM_BUF_INIT;
    const char *at, *end;

    hints_text(s, &text);
    for (at = sim_buf_cstr(&text); *at; at = end + (*end != 0)) {
        char line[1024];

        end = at + strcspn(at, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
        sim_buf_printf(out, "Hint: ");
        wrapped(out, 6, 6, line);
    }
    sim_buf_fini(&text);
}

void dbg_explain(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    struct story s;
    unsigned number = 0;

    if (!story_gather(dbg, cpu, &s))
        return;
    headline(&s, out);
    for (unsigned n = 0; n < s.count; n++)
        if (!is_part_of_next(&s, n))
            item(&s, n, ++number, out);
    stack_text(&s, out);
    hints(&s, out);
    if (s.shutdown)
        sim_buf_printf(out, "To look at the machine just before: goto %llu\n", (unsigned long long)machine_step(&s, s.link[0].step));
}

/* ---- JSON ---- */

static void json_string(struct sim_buf *out, const char *text)
{
    sim_buf_printf(out, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            sim_buf_printf(out, "\\%c", c);
        else if (c == '\n')
            sim_buf_printf(out, "\\n");
        else if (c < 0x20 || c >= 0x7f) /* names in hostile files may be in any encoding */
            sim_buf_printf(out, "\\u%04x", c);
        else
            sim_buf_printf(out, "%c", c);
    }
    sim_buf_printf(out, "\"");
}

static void json_text(struct sim_buf *out, const char *name, const char *text)
{
    sim_buf_printf(out, ",\"%s\":", name);
    json_string(out, text);
}

static void json_number(struct sim_buf *out, const char *name, uint64_t value)
{
    sim_buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void json_evidence(const struct story *s, const struct cpu_delivery *d, struct sim_buf *out)
{
    const struct cpu_evidence *e = &d->evidence;
    struct sim_buf text = SIM_BUF_INIT;

    if (e->kind == CPU_EVIDENCE_NONE) {
        sim_buf_printf(out, ",\"evidence\":null");
        return;
    }
    sim_buf_printf(out, ",\"evidence\":{\"kind\":\"%s\"", evidence_kind(e->kind));
    json_number(out, "selector", e->selector);
    json_number(out, "linear", e->laddr);
    json_number(out, "physical", e->paddr);
    json_number(out, "value", e->value);
    sim_buf_printf(out, ",\"bytes\":\"");
    for (unsigned n = 0; n < e->size && n < sizeof(e->bytes); n++)
        sim_buf_printf(out, "%02x", e->bytes[n]);
    sim_buf_printf(out, "\"");
    evidence_text(s, d, &text);
    json_text(out, "text", sim_buf_cstr(&text));
    sim_buf_printf(out, "}");
    sim_buf_fini(&text);
}

/* A link as it stands in the history: also those that were combined to a double fault. */
static void json_link(const struct story *s, unsigned n, struct sim_buf *out)
{
    const struct cpu_delivery *d = &s->link[n];
    const char *name = words_is_exception(d) ? words_vector_short(d->vector) : NULL;
    struct sim_buf text = SIM_BUF_INIT;
    char symbol[200], insn[128];

    sim_buf_printf(out, "%s{\"n\":%u,\"vector\":%u", n ? "," : "", n + 1, d->vector);
    json_text(out, "name", d->type == CPU_DELIVER_OTHER ? "shutdown" : name ? name : "interrupt");
    json_text(out, "type", words_delivery_type(d->type));
    if (d->has_error) {
        json_number(out, "error", d->error);
        words_error(d, &text);
        json_text(out, "error_text", sim_buf_cstr(&text));
        sim_buf_clear(&text);
    } else {
        sim_buf_printf(out, ",\"error\":null,\"error_text\":null");
    }
    json_text(out, "cause", d->cause ? cpu_cause_id(d->cause) : "");
    json_text(out, "text", d->cause ? cpu_cause_text(d->cause) : "");
    story_touch_text(s, n, &text);
    json_text(out, "doing", sim_buf_cstr(&text));
    sim_buf_fini(&text);
    json_number(out, "cs", d->cs);
    json_number(out, "eip", d->ip);
    dbg_symbolize(s->dbg, dbg_linear(s->cpu, d->cs_base + d->ip), symbol, sizeof(symbol));
    json_text(out, "symbol", symbol);
    instruction(s, n, insn, sizeof(insn));
    json_text(out, "instruction", insn);
    if (d->vector == VEC_PF && d->type == CPU_DELIVER_EXCEPTION)
        json_number(out, "cr2", d->cr2);
    else
        sim_buf_printf(out, ",\"cr2\":null");
    json_number(out, "cpl", d->cpl);
    json_number(out, "step", machine_step(s, d->step));
    sim_buf_printf(out, ",\"nested\":%s,\"delivered\":%s,\"shutdown\":%s", d->nested ? "true" : "false", d->delivered ? "true" : "false",
                   d->shutdown ? "true" : "false");
    json_evidence(s, d, out);
    sim_buf_printf(out, "}");
}

static void json_stack(const struct story *s, struct sim_buf *out)
{
    struct dbg_frame frame[FRAMES];
    unsigned count = stack_title(s) ? dbg_backtrace(s->dbg, s->cpu, frame, FRAMES) : 0;
    char where[200];

    sim_buf_printf(out, ",\"stack\":[");
    for (unsigned n = 0; n < count; n++) {
        frame_where(s, &frame[n], n > 0, where, sizeof(where));
        sim_buf_printf(out, "%s{\"eip\":%llu", n ? "," : "", (unsigned long long)frame[n].ip);
        json_number(out, "esp", frame[n].sp);
        json_text(out, "where", where);
        sim_buf_printf(out, "}");
    }
    sim_buf_printf(out, "]");
}

void dbg_explain_json(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    struct sim_buf text = SIM_BUF_INIT;
    struct story s;

    if (!story_gather(dbg, cpu, &s))
        return;
    sim_buf_printf(out, "{\"cpu\":%u", cpu->number);
    json_number(out, "step", machine_step(&s, s.link[0].step));
    sim_buf_printf(out, ",\"shutdown\":%s,\"chain\":[", s.shutdown ? "true" : "false");
    for (unsigned n = 0; n < s.count; n++)
        json_link(&s, n, out);
    sim_buf_printf(out, "]");
    json_stack(&s, out);
    hints_text(&s, &text);
    json_text(out, "hint", sim_buf_cstr(&text));
    sim_buf_printf(out, "}");
    sim_buf_fini(&text);
}
