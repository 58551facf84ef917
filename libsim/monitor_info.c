/*
 * Monitor: info and why. A topic is a row, like a command; what is no topic is the name of a device.
 */
#include "libsim/monitor.h"

#include <stdio.h>
#include <string.h>

#include "libsim/monitor_lists.h"

/* ---- Views of debug/: one function each ---- */

#define VIEW(name)                                                       \
    static enum sim_err name(struct monitor_call *m)                     \
    {                                                                    \
        dbg_view_##name(m->sim->dbg, m->cpu, m->out);                    \
        return SIM_OK;                                                   \
    }
VIEW(registers) VIEW(vector) VIEW(segments) VIEW(cpu) VIEW(gdt) VIEW(ldt) VIEW(idt) VIEW(tss) VIEW(tlb) VIEW(page_tables) VIEW(lapic) VIEW(msrs)

static enum sim_err float_registers(struct monitor_call *m)
{
    dbg_view_float(m->sim->dbg, m->cpu, m->out);
    return SIM_OK;
}

static enum sim_err translate(struct monitor_call *m)
{
    uint64_t addr;
    enum sim_err err = m->count ? monitor_eval(m, m->args, &addr) : monitor_usage(m, "info translate ADDR");

    if (!err)
        dbg_view_translate(m->sim->dbg, m->cpu, addr, m->out);
    return err;
}

/* ---- Processors ---- */

static enum sim_err cpus(struct monitor_call *m)
{
    for (unsigned n = 0; n < cpu_count(m->sim->cluster); n++) {
        struct cpu *cpu = cpu_get(m->sim->cluster, n);
        char where[200];

        dbg_symbolize(m->sim->dbg, monitor_pc(cpu), where, sizeof(where));
        say(m, "%s cpu %u  %-16s cycle %llu, %llu steps  %04x:%08llx %s\n", n == m->sim->focus ? "*" : " ", n,
            cpu_activity_name(cpu->activity), (ull)cpu->cycle, (ull)cpu->steps, cpu->seg[CPU_CS].selector, (ull)cpu->ip, where);
    }
    return SIM_OK;
}

static enum sim_err one_register(struct monitor_call *m)
{
    for (unsigned n = 0; n < m->count; n++) {
        enum sim_err err = dbg_view_register(m->cpu, m->word[n] + (m->word[n][0] == '$'), m->out);

        if (err)
            return err;
    }
    return m->count ? SIM_OK : registers(m);
}

static enum sim_err all_registers(struct monitor_call *m)
{
    static enum sim_err (*const views[])(struct monitor_call *) = { registers, cpu, segments, float_registers, vector };

    for (unsigned n = 0; n < sizeof(views) / sizeof(views[0]); n++) {
        if (n)
            say(m, "\n");
        views[n](m);
    }
    return SIM_OK;
}

/* ---- Time ---- */

static enum sim_err position(struct monitor_call *m)
{
    struct sim_position at = sched_position(m->sim);

    say(m, "step %llu, cycle %llu (%.6f s of simulated time), %llu instructions retired\n", (ull)at.step, (ull)at.cycle,
        (double)at.cycle / (double)m->sim->clock.freq_hz, (ull)sim_retired(m->sim));
    say(m, "digest %016llx\n", (ull)sim_digest(m->sim));
    return SIM_OK;
}

static enum sim_err timeline(struct monitor_call *m)
{
    sim_steps first, last;

    if (!m->sim->timeline) {
        say(m, "off: run with --timeline on to go back\n");
        return SIM_OK;
    }
    sim_timeline_range(m->sim, &first, &last);
    say(m, "steps %llu to %llu can be visited; now at %llu\n", (ull)first, (ull)last, (ull)m->sim->step);
    say(m, "%llu inputs so far, %llu KiB of old pages are kept\n", (ull)m->sim->inputs_done, (ull)m->sim->bus->memory.store_bytes >> 10);
    return SIM_OK;
}

/* ---- Symbols ---- */

static enum sim_err symbol(struct monitor_call *m)
{
    char where[200];
    uint64_t addr;
    enum sim_err err = m->count ? monitor_eval(m, m->args, &addr) : monitor_usage(m, "info symbol ADDR|NAME");

    if (err)
        return err;
    dbg_symbolize(m->sim->dbg, addr, where, sizeof(where));
    say(m, "0x%llx %s\n", (ull)addr, *where ? where : "is in no known symbol");
    return SIM_OK;
}

static enum sim_err line(struct monitor_call *m)
{
    uint64_t addr = monitor_pc(m->cpu);
    enum sim_err err = m->count ? monitor_eval(m, m->args, &addr) : SIM_OK;
    const char *file;
    unsigned number;

    if (err)
        return err;
    if (dbg_line_at(m->sim->dbg, addr, &file, &number))
        say(m, "0x%llx is in line %u of %s\n", (ull)addr, number, file);
    else
        say(m, "no line is known for 0x%llx\n", (ull)addr);
    return SIM_OK;
}

/* ---- The rest of the machine ---- */

static enum sim_err irq(struct monitor_call *m)
{
    bus_wires_format(m->sim->bus, m->out);
    return SIM_OK;
}

static enum sim_err stop(struct monitor_call *m)
{
    struct sim_stop last = m->sim->last_stop;

    monitor_say_stop(m, &last);
    return SIM_OK;
}

const struct monitor_command monitor_info_topics[] = {
    { "registers", "r reg", "registers [NAME...]", "General registers, or those that are named.", one_register, FOLLOW_EXPRESSION, NULL },
    { "float", "fpu x87", "float", "x87 registers; control, status and tag words in words.", float_registers, FOLLOW_NONE, NULL },
    { "vector", "sse avx mmx", "vector", "Vector registers and MXCSR.", vector, FOLLOW_NONE, NULL },
    { "all-registers", "", "all-registers", "All of these, control and debug registers, segments.", all_registers, FOLLOW_NONE, NULL },
    { "cpu", "", "cpu", "Mode, control registers, activity, what is pending.", cpu, FOLLOW_NONE, NULL },
    { "cpus", "threads", "cpus", "All CPUs, and where they are.", cpus, FOLLOW_NONE, NULL },
    { "segments", "seg", "segments", "Segment registers with their hidden parts.", segments, FOLLOW_NONE, NULL },
    { "gdt", "", "gdt", "The global descriptor table, decoded.", gdt, FOLLOW_NONE, NULL },
    { "ldt", "", "ldt", "The local descriptor table, decoded.", ldt, FOLLOW_NONE, NULL },
    { "idt", "", "idt", "The interrupt descriptor table, decoded.", idt, FOLLOW_NONE, NULL },
    { "tss", "", "tss", "The task state segment.", tss, FOLLOW_NONE, NULL },
    { "tlb", "", "tlb", "What the TLB holds, stale entries too.", tlb, FOLLOW_NONE, NULL },
    { "mem", "pg", "mem", "What the page tables map, in runs of equal rights.", page_tables, FOLLOW_NONE, NULL },
    { "translate", "", "translate ADDR", "One linear address, level by level.", translate, FOLLOW_EXPRESSION, NULL },
    { "msrs", "msr", "msrs", "Model-specific registers.", msrs, FOLLOW_NONE, NULL },
    { "apic", "lapic", "apic", "The local APIC.", lapic, FOLLOW_NONE, NULL },
    { "devices", "", "devices", "All devices; info NAME or device NAME shows one: pic, pit, ioapic, ide, vga, uart0 ...", monitor_list_devices,
      FOLLOW_NONE, NULL },
    { "events", "", "events", "What is due, and when.", monitor_list_events, FOLLOW_NONE, NULL },
    { "irq", "wires", "irq", "Interrupt lines and other wires, with who drives them.", irq, FOLLOW_NONE, NULL },
    { "map", "", "map [memory|io]", "Which part answers at which address.", monitor_list_map, FOLLOW_WORDS, "memory io" },
    { "breakpoints", "b probes", "breakpoints", "Breakpoints, watchpoints and catches.", monitor_list_probes, FOLLOW_NONE, NULL },
    { "timeline", "", "timeline", "Which steps can be visited.", timeline, FOLLOW_NONE, NULL },
    { "position", "pos", "position", "Step, cycle and digest.", position, FOLLOW_NONE, NULL },
    { "stop", "program", "stop", "Why the machine stopped last.", stop, FOLLOW_NONE, NULL },
    { "symbol", "sym", "symbol ADDR|NAME", "What symbol an address is in.", symbol, FOLLOW_EXPRESSION, NULL },
    { "line", "", "line [ADDR]", "What source line an address is in.", line, FOLLOW_EXPRESSION, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};

/* ---- info, why ---- */

static bool is_alias(const char *list, const char *word)
{
    const char *at = strstr(list, word);
    size_t len = strlen(word);

    return at && (at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]);
}

static const struct monitor_command *find_topic(const char *word, bool *ambiguous)
{
    const struct monitor_command *found = NULL;

    *ambiguous = false;
    for (const struct monitor_command *c = monitor_info_topics; c->name; c++) {
        if (strcmp(c->name, word) == 0 || is_alias(c->aliases, word)) {
            *ambiguous = false;
            return c;
        }
        if (monitor_abbreviates(word, c->name, 1)) {
            *ambiguous = found != NULL;
            found = c;
        }
    }
    return *ambiguous ? NULL : found;
}

static enum sim_err info(struct monitor_call *m)
{
    const struct monitor_command *topic;
    bool ambiguous;

    if (!m->count)
        return monitor_usage(m, "info TOPIC (help info lists them)");
    if (bus_device_find(m->sim->bus, m->word[0]))
        return monitor_show_device(m, m->word[0]);
    topic = find_topic(m->word[0], &ambiguous);
    if (!topic)
        return sim_fail(SIM_ERR_UNKNOWN, "info %s: %s (help info lists them)", m->word[0], ambiguous ? "could be more than one topic" : "no such topic or device");
    m->args += strlen(m->word[0]);
    m->args += strspn(m->args, " \t");
    m->count--;
    memmove(m->word, m->word + 1, m->count * sizeof(m->word[0]));
    return topic->fn(m);
}

static enum sim_err why(struct monitor_call *m)
{
    const char *text = sim_explain(m->sim, NULL);

    say(m, "%s", *text ? text : "Nothing was delivered to this CPU yet: no exception, no interrupt.\n");
    return SIM_OK;
}

const struct monitor_command monitor_info_commands[] = {
    { "info", "i", "info TOPIC", "Show a part of the machine.", info, FOLLOW_INFO, NULL },
    { "why", "explain", "why", "Explain the last fault: the chain of events, and the check that failed.", why, FOLLOW_NONE, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
