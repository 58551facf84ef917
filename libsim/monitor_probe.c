/*
 * Monitor: what stops the machine, and who wrote an address.
 */
#include "libsim/monitor_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making them ---- */

/* "break main if $eax == 1" as it stands: the library's syntax is the monitor's. */
static enum sim_err add(struct monitor_call *m, const char *word, const char *more)
{
    char spec[512];
    uint32_t id;
    enum sim_err err;

    if (snprintf(spec, sizeof(spec), "%s %s%s", word, m->args, more) >= (int)sizeof(spec))
        return sim_fail(SIM_ERR_USAGE, "%s: too long", m->name);
    err = dbg_probe_parse(m->sim->dbg, spec, &id);
    if (err)
        return err;
    say(m, "%u: %s", id, dbg_probe_find(m->sim->dbg, id)->spec);
    if (dbg_probe_find(m->sim->dbg, id)->kind == DBG_BREAK) {
        char where[200];

        dbg_symbolize(m->sim->dbg, dbg_probe_find(m->sim->dbg, id)->addr, where, sizeof(where));
        say(m, " at 0x%08llx%s%s", (ull)dbg_probe_find(m->sim->dbg, id)->addr, *where ? " " : "", where);
    }
    say(m, "\n");
    return SIM_OK;
}

static enum sim_err add_break(struct monitor_call *m)
{
    char here[32];

    if (m->count && strcmp(m->word[0], "if") != 0)
        return add(m, "break", "");
    snprintf(here, sizeof(here), "break 0x%llx", (ull)monitor_pc(m->cpu));
    return add(m, here, "");
}

/* "once" is an option, and options come before `if`: it goes in front of it. */
static enum sim_err add_once(struct monitor_call *m)
{
    char spec[512];
    const char *condition = strstr(m->args, " if ");
    size_t front = condition ? (size_t)(condition - m->args) : strlen(m->args);
    const char *args = m->args;
    enum sim_err err;

    if (!m->count)
        return monitor_usage(m, "tbreak ADDR|SYMBOL|FILE:LINE [if EXPR]");
    snprintf(spec, sizeof(spec), "%.*s once%s", (int)front, args, condition ? condition : "");
    m->args = spec;
    err = add(m, "break", "");
    m->args = args;
    return err;
}

static enum sim_err add_by_name(struct monitor_call *m)
{
    return m->count ? add(m, m->name, "") : monitor_usage(m, m->name[0] == 'c' ? "catch WHAT (help catch)" : "watch ADDR[:LEN]");
}

/* ---- Changing them ---- */

static enum sim_err find_probe(struct monitor_call *m, unsigned n, struct dbg_probe **out)
{
    uint64_t id;
    enum sim_err err = monitor_count(m, n, 0, &id);

    if (err)
        return err;
    *out = id <= UINT32_MAX ? dbg_probe_find(m->sim->dbg, (uint32_t)id) : NULL;
    if (!*out || (*out)->hidden)
        return sim_fail(SIM_ERR_UNKNOWN, "%s: no probe number %llu (info breakpoints lists them)", m->name, (ull)id);
    return SIM_OK;
}

/* The next one that is the user's. */
static struct dbg_probe *next_probe(struct monitor_call *m, const struct dbg_probe *after)
{
    struct dbg_probe *p = dbg_probe_next(m->sim->dbg, after);

    while (p && p->hidden)
        p = dbg_probe_next(m->sim->dbg, p);
    return p;
}

static enum sim_err delete(struct monitor_call *m)
{
    struct dbg_probe *p;
    enum sim_err err = SIM_OK;

    if (!m->count)
        while ((p = next_probe(m, NULL)) != NULL)
            dbg_probe_remove(m->sim->dbg, p->id);
    for (unsigned n = 0; !err && n < m->count; n++) {
        err = find_probe(m, n, &p);
        if (!err)
            dbg_probe_remove(m->sim->dbg, p->id);
    }
    return err;
}

static enum sim_err enable(struct monitor_call *m)
{
    bool on = m->name[0] == 'e';
    struct dbg_probe *p = NULL;
    enum sim_err err = SIM_OK;

    if (!m->count)
        while ((p = next_probe(m, p)) != NULL)
            p->enabled = on;
    for (unsigned n = 0; !err && n < m->count; n++) {
        err = find_probe(m, n, &p);
        if (!err)
            p->enabled = on;
    }
    dbg_probes_changed(m->sim->dbg);
    return err;
}

static enum sim_err ignore(struct monitor_call *m)
{
    struct dbg_probe *p;
    uint64_t times;
    enum sim_err err = m->count == 2 ? find_probe(m, 0, &p) : monitor_usage(m, "ignore PROBE TIMES");

    if (!err)
        err = monitor_count(m, 1, 0, &times);
    if (err)
        return err;
    p->ignore = times > UINT32_MAX ? UINT32_MAX : (uint32_t)times;
    say(m, "%u: the next %u hits are passed over\n", p->id, p->ignore);
    return SIM_OK;
}

static enum sim_err condition(struct monitor_call *m)
{
    struct dbg_probe *p;
    uint64_t value;
    enum sim_err err = m->count ? find_probe(m, 0, &p) : monitor_usage(m, "condition PROBE [EXPR]");
    const char *text;
    char *copy = NULL;

    if (err)
        return err;
    text = m->args + strcspn(m->args, " \t");
    text += strspn(text, " \t");
    if (*text) {
        err = monitor_eval(m, text, &value);
        if (err && err != SIM_ERR_FAULT) /* memory may be mapped by then */
            return err;
        copy = strdup(text);
        if (!copy)
            return sim_fail(SIM_ERR_NOMEM, "out of memory");
    }
    free(p->condition);
    p->condition = copy;
    say(m, copy ? "%u: stops if %s\n" : "%u: stops always\n", p->id, copy);
    return SIM_OK;
}

/* ---- Who wrote it? ---- */

/* Other probes keep quiet meanwhile: `was` remembers those that were on. */
static void silence(struct monitor_call *m, uint32_t *was, unsigned *count, unsigned max)
{
    *count = 0;
    for (struct dbg_probe *p = dbg_probe_next(m->sim->dbg, NULL); p; p = dbg_probe_next(m->sim->dbg, p))
        if (p->enabled && *count < max) {
            p->enabled = false;
            was[(*count)++] = p->id;
        }
}

static void wake(struct monitor_call *m, const uint32_t *was, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        struct dbg_probe *p = dbg_probe_find(m->sim->dbg, was[n]);

        if (p)
            p->enabled = true;
    }
    dbg_probes_changed(m->sim->dbg);
}

static enum sim_err parse_range(struct monitor_call *m, uint64_t *laddr, uint64_t *len)
{
    char text[256];
    char *colon;
    enum sim_err err;

    snprintf(text, sizeof(text), "%s", m->args);
    colon = strchr(text, ':');
    if (colon)
        *colon = 0;
    *len = 4;
    err = monitor_eval(m, text, laddr);
    if (!err && colon)
        err = monitor_eval(m, colon + 1, len);
    if (!err && (*len == 0 || *len > 1u << 20))
        err = sim_fail(SIM_ERR_USAGE, "who-wrote: length 1 to 1 MiB");
    return err;
}

static void say_bytes(struct monitor_call *m, uint64_t laddr, uint64_t len)
{
    uint8_t bytes[8];
    size_t got = cpu_peek(m->cpu, laddr, bytes, len < sizeof(bytes) ? len : sizeof(bytes));

    for (size_t n = 0; n < got; n++)
        say(m, " %02x", bytes[n]);
    say(m, got ? "" : " (not mapped)");
}

/* Is it the step just made? Going back looks for hits before the present one only. */
static enum sim_err made_by_last_step(struct monitor_call *m, sim_steps from, struct sim_stop *stop)
{
    struct run_limits limits = { .step = from, .cycle = SIM_NEVER, .only_cpu = -1, .past = true };
    enum sim_err err = sim_goto(m->sim, from - 1, stop);

    if (!err)
        sched_run(m->sim, &limits, stop);
    return err;
}

/* Back to the last write, seen from `from`. On success the machine stands before the instruction that wrote. */
static enum sim_err find_writer(struct monitor_call *m, uint64_t laddr, uint64_t len, sim_steps from)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    enum sim_err err = from > timeline_first(m->sim) ? made_by_last_step(m, from, &stop) : SIM_OK;

    if (!err && stop.reason != SIM_STOP_PROBE)
        err = sim_reverse_run(m->sim, &stop);
    if (err)
        return err;
    if (stop.reason != SIM_STOP_PROBE) {
        err = sim_goto(m->sim, from, &stop);
        say(m, "no CPU has written there since step %llu, where the timeline begins\n", (ull)timeline_first(m->sim));
        return err;
    }
    m->sim->focus = stop.cpu;
    m->cpu = cpu_get(m->sim->cluster, stop.cpu);
    say(m, "step %llu wrote", (ull)stop.at.step - 1);
    say_bytes(m, laddr, len);
    err = sim_reverse_step_cpu(m->sim, stop.cpu, &stop);
    if (err)
        return err;
    say(m, ", before it was");
    say_bytes(m, laddr, len);
    say(m, "\n");
    monitor_say_location(m);
    say(m, "The machine now stands before this; `goto %llu` goes back to where you were.\n", (ull)from);
    return SIM_OK;
}

static enum sim_err who_wrote(struct monitor_call *m)
{
    struct dbg_probe watch = { .kind = DBG_WATCH_WRITE, .cpu = -1, .enabled = true, .hidden = true };
    sim_steps from = m->sim->step;
    uint32_t was[256], id;
    unsigned count;
    enum sim_err err = m->count ? parse_range(m, &watch.addr, &watch.length) : monitor_usage(m, "who-wrote ADDR[:LEN]");

    if (err)
        return err;
    silence(m, was, &count, 256);
    err = dbg_probe_add(m->sim->dbg, &watch, &id);
    if (!err) {
        err = find_writer(m, watch.addr, watch.length, from);
        dbg_probe_remove(m->sim->dbg, id);
    }
    wake(m, was, count);
    return err;
}

/* ---- The list, for info breakpoints ---- */

enum sim_err monitor_list_probes(struct monitor_call *m)
{
    struct dbg_probe *p = NULL;
    bool any = false;

    while ((p = next_probe(m, p)) != NULL) {
        say(m, "%-3u %-8s %s", p->id, p->enabled ? "enabled" : "disabled", p->spec ? p->spec : "");
        if (p->condition && (!p->spec || !strstr(p->spec, p->condition)))
            say(m, " if %s", p->condition);
        say(m, "  (%llu hits%s", (ull)p->hits, p->ignore ? "" : ")\n");
        if (p->ignore)
            say(m, ", %u more are passed over)\n", p->ignore);
        any = true;
    }
    if (!any)
        say(m, "none; `help break` and `help catch` say how to make one\n");
    return SIM_OK;
}

#define OPTIONS "\nOptions: if EXPR, ignore N, cpu N, once, log TEXT (log it and go on)."

const struct monitor_command monitor_probe_commands[] = {
    { "break", "b br", "break [ADDR|SYMBOL|FILE:LINE|phys:ADDR] [OPTIONS]", "Stop before an instruction." OPTIONS, add_break, FOLLOW_PROBE, NULL },
    { "tbreak", "tb", "tbreak ADDR|SYMBOL|FILE:LINE [if EXPR]", "Stop there once.", add_once, FOLLOW_PROBE, NULL },
    { "watch", "", "watch ADDR[:LEN] [OPTIONS]", "Stop after a write to an address (4 bytes)." OPTIONS, add_by_name, FOLLOW_PROBE, NULL },
    { "rwatch", "", "rwatch ADDR[:LEN] [OPTIONS]", "Stop after a read of an address." OPTIONS, add_by_name, FOLLOW_PROBE, NULL },
    { "awatch", "", "awatch ADDR[:LEN] [OPTIONS]", "Stop after a read or a write of an address." OPTIONS, add_by_name, FOLLOW_PROBE, NULL },
    { "catch", "", "catch WHAT [OPTIONS]",
      "Stop at an event: interrupt [N[-M]], exception [N[-M]], port P[:LEN], cr N, msr N, mode,\nmagic (xchg bx,bx), console TEXT." OPTIONS,
      add_by_name, FOLLOW_WORDS, "interrupt exception port cr msr mode magic console" },
    { "delete", "d", "delete [N...]", "Remove probes, or all.", delete, FOLLOW_NONE, NULL },
    { "enable", "", "enable [N...]", "Let probes count again, or all.", enable, FOLLOW_NONE, NULL },
    { "disable", "", "disable [N...]", "Keep probes without letting them count.", enable, FOLLOW_NONE, NULL },
    { "ignore", "", "ignore N TIMES", "Pass over the next hits of a probe.", ignore, FOLLOW_NONE, NULL },
    { "condition", "cond", "condition N [EXPR]", "Let a probe count only if EXPR is not 0; without EXPR, always.", condition, FOLLOW_EXPRESSION, NULL },
    { "who-wrote", "ww", "who-wrote ADDR[:LEN]", "Go back to the last write to an address (4 bytes), and show who made it.\nWrites by DMA are not seen.",
      who_wrote, FOLLOW_EXPRESSION, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
