#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpu/run.h"
#include "debug/private.h"

/* ---- What the CPUs' observer has to look at ---- */

static bool is_break(const struct dbg_probe *p)
{
    return p->kind == DBG_BREAK || p->kind == DBG_BREAK_PHYS;
}

static bool is_watch(const struct dbg_probe *p)
{
    return p->kind == DBG_WATCH_WRITE || p->kind == DBG_WATCH_READ || p->kind == DBG_WATCH_ACCESS;
}

static uint32_t events_of(const struct dbg_probe *p)
{
    switch (p->kind) {
    case DBG_CATCH_VECTOR: return CPU_EVENT_DELIVERY;
    case DBG_CATCH_PORT: return CPU_EVENT_PORT;
    case DBG_CATCH_CR: return CPU_EVENT_CONTROL;
    case DBG_CATCH_MSR: return CPU_EVENT_MSR;
    case DBG_CATCH_MODE: return CPU_EVENT_MODE;
    case DBG_CATCH_MAGIC: return CPU_EVENT_MAGIC;
    case DBG_WATCH_WRITE: case DBG_WATCH_READ: case DBG_WATCH_ACCESS: return CPU_EVENT_ACCESS;
    default: return 0;
    }
}

static bool watched(void *arg, struct cpu *cpu, sim_laddr page)
{
    const struct dbg *dbg = arg;

    (void)cpu;
    for (unsigned n = 0; n < dbg->probe_count; n++) {
        const struct dbg_probe *p = dbg->probe[n];

        if (p->enabled && is_watch(p) && p->addr < page + SIM_PAGE_SIZE && page < p->addr + p->length)
            return true;
    }
    return false;
}

/* ---- Hits ---- */

static sim_steps machine_step(const struct dbg *dbg, const struct cpu *cpu, sim_steps own)
{
    return own + (sim_steps)dbg->step_offset[cpu->number & 7];
}

static const char *kind_word(const struct dbg_probe *p)
{
    static const char *const words[] = { "breakpoint", "breakpoint", "watchpoint", "read watchpoint", "access watchpoint", "catch", "catch port",
                                         "catch control register", "catch msr", "catch mode", "magic instruction", "catch console" };

    return words[p->kind];
}

static bool condition_holds(struct dbg *dbg, struct cpu *cpu, const struct dbg_probe *p)
{
    uint64_t value;

    if (!p->condition)
        return true;
    if (dbg_eval(dbg, cpu, p->condition, &value) != SIM_OK)
        return true; /* a condition that cannot be read stops: better than to miss it */
    return value != 0;
}

/* The probe's address, registers and so on match: does it stop? `step` is the machine step at which the machine will stand. */
static bool hit(struct dbg *dbg, struct cpu *cpu, struct dbg_probe *p, sim_steps step, const char *what)
{
    if (p->cpu >= 0 && p->cpu != (int)cpu->number)
        return false;
    if (!condition_holds(dbg, cpu, p))
        return false;
    if (dbg->mode == DBG_LIVE) {
        p->hits++;
        if (p->ignore) {
            p->ignore--;
            return false;
        }
        if (p->log) {
            sim_log(dbg->bus->log, SIM_LOG_INFO, "probe", "%s", p->log);
            return false;
        }
        if (p->callback && !p->callback(p->callback_arg, p->callback_sim, p->id))
            return false;
    } else if (p->log || p->callback) {
        return false;
    }
    dbg->hit = (struct dbg_hit){ .step = step, .cpu = cpu->number, .probe = p->id };
    snprintf(dbg->hit.text, sizeof(dbg->hit.text), "%s %u%s%s", kind_word(p), p->id, *what ? ": " : "", what);
    dbg->has_hit = true;
    if (dbg->mode == DBG_LIVE && p->once)
        p->enabled = false; /* removed at the next change of probes; nothing is freed under the run's feet */
    return dbg->mode == DBG_LIVE;
}

/* ---- The observer's calls ---- */

static bool at_break(struct dbg *dbg, struct cpu *cpu, const struct dbg_probe *p, sim_laddr laddr)
{
    sim_paddr paddr;

    if (p->kind == DBG_BREAK)
        return p->addr == laddr;
    return p->kind == DBG_BREAK_PHYS && ((p->addr ^ laddr) & SIM_PAGE_MASK) == 0 &&
           cpu_translate_peek(cpu, laddr, true, &paddr, NULL) == SIM_OK && paddr == p->addr && dbg;
}

static bool before(void *arg, struct cpu *cpu)
{
    struct dbg *dbg = arg;
    sim_laddr laddr = (uint32_t)(cpu->seg[CPU_CS].base + cpu->ip);
    bool stop = false;

    if (dbg->mode == DBG_SILENT)
        return false;
    if (dbg->mode == DBG_LIVE && trace_wants_steps(dbg))
        trace_step(dbg, cpu);
    for (unsigned n = 0; n < dbg->probe_count; n++) {
        struct dbg_probe *p = dbg->probe[n];

        if (p->enabled && is_break(p) && at_break(dbg, cpu, p, laddr))
            stop |= hit(dbg, cpu, p, machine_step(dbg, cpu, cpu->steps), "");
    }
    return stop;
}

static bool in_range(const struct dbg_probe *p, uint64_t value)
{
    return value - p->addr < p->length;
}

static bool access_matches(const struct dbg_probe *p, const struct cpu_event *e)
{
    if (e->laddr >= p->addr + p->length || p->addr >= e->laddr + e->size)
        return false;
    return p->kind == DBG_WATCH_ACCESS || (p->kind == DBG_WATCH_WRITE) == e->write;
}

static bool vector_matches(const struct dbg_probe *p, const struct cpu_delivery *d)
{
    bool interrupt = d->type == CPU_DELIVER_EXTERNAL || d->type == CPU_DELIVER_NMI;

    if ((p->exceptions_only && interrupt) || (p->interrupts_only && !interrupt))
        return false;
    return in_range(p, d->vector);
}

static bool event_matches(const struct dbg_probe *p, const struct cpu_event *e)
{
    if (!p->enabled || !(events_of(p) & e->kind))
        return false;
    switch (e->kind) {
    case CPU_EVENT_ACCESS: return access_matches(p, e);
    case CPU_EVENT_DELIVERY: return vector_matches(p, e->delivery);
    case CPU_EVENT_PORT: return e->laddr < p->addr + p->length && p->addr < e->laddr + e->size;
    case CPU_EVENT_CONTROL: case CPU_EVENT_MSR: return in_range(p, e->reg);
    default: return true;
    }
}

static void describe(const struct cpu_event *e, char *out, size_t cap)
{
    switch (e->kind) {
    case CPU_EVENT_ACCESS:
        snprintf(out, cap, "%s of %u bytes at 0x%llx: 0x%llx -> 0x%llx", e->write ? "write" : "read", e->size, (unsigned long long)e->laddr,
                 (unsigned long long)e->old, (unsigned long long)e->value);
        break;
    case CPU_EVENT_DELIVERY:
        snprintf(out, cap, "vector %u%s%s", e->delivery->vector, e->delivery->cause ? " " : "",
                 e->delivery->cause ? cpu_cause_id(e->delivery->cause) : "");
        break;
    case CPU_EVENT_PORT:
        snprintf(out, cap, "%s port 0x%llx, %u bytes, 0x%llx", e->write ? "OUT" : "IN", (unsigned long long)e->laddr, e->size,
                 (unsigned long long)e->value);
        break;
    case CPU_EVENT_CONTROL: case CPU_EVENT_MSR:
        snprintf(out, cap, "%u: 0x%llx -> 0x%llx", e->reg, (unsigned long long)e->old, (unsigned long long)e->value);
        break;
    default: *out = 0;
    }
}

static bool event(void *arg, struct cpu *cpu, const struct cpu_event *e)
{
    struct dbg *dbg = arg;
    bool stop = false;
    char what[128];

    if (dbg->mode == DBG_SILENT)
        return false;
    for (unsigned n = 0; n < dbg->probe_count; n++) {
        struct dbg_probe *p = dbg->probe[n];

        if (!event_matches(p, e))
            continue;
        describe(e, what, sizeof(what));
        /* the step under way ends, and then the machine stops */
        if (!hit(dbg, cpu, p, machine_step(dbg, cpu, cpu->steps + (run_step_cycle(cpu) - cpu->cycle) + 1), what))
            continue;
        stop = true;
        if (e->kind == CPU_EVENT_ACCESS) {
            dbg->access = (struct dbg_access){ p->id, e->laddr, e->old, e->value, e->size, e->write };
            dbg->has_access = true;
        }
    }
    return stop;
}

void dbg_update_observer(struct dbg *dbg)
{
    struct cpu_observer *o = &dbg->observer;
    bool any = trace_wants_steps(dbg), watches = false;

    memset(dbg->split, 0, sizeof(dbg->split));
    *o = (struct cpu_observer){ .arg = dbg, .split = dbg->split, .before = before, .event = event, .every_step = trace_wants_steps(dbg) };
    for (unsigned n = 0; n < dbg->probe_count; n++) {
        const struct dbg_probe *p = dbg->probe[n];
        unsigned off = p->addr & SIM_PAGE_MASK;

        if (!p->enabled)
            continue;
        any |= is_break(p) || events_of(p);
        watches |= is_watch(p);
        o->events |= events_of(p);
        if (is_break(p))
            dbg->split[off >> 6] |= 1ull << (off & 63);
    }
    o->watched = watches ? watched : NULL;
    cpu_observe(dbg->cluster, any ? o : NULL);
}

/* ---- Life ---- */

enum sim_err dbg_create(struct cpu_cluster *cluster, struct bus *bus, struct dbg **out)
{
    struct dbg *dbg = calloc(1, sizeof(*dbg));
    enum sim_err err;

    if (!dbg)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the debugger");
    dbg->cluster = cluster;
    dbg->bus = bus;
    dbg->next_id = 1;
    err = symbols_create(&dbg->symbols);
    if (err) {
        free(dbg);
        return err;
    }
    *out = dbg;
    return SIM_OK;
}

static void probe_free(struct dbg_probe *p)
{
    free(p->condition);
    free(p->log);
    free(p->text);
    free(p->spec);
    free(p);
}

void dbg_destroy(struct dbg *dbg)
{
    if (!dbg)
        return;
    cpu_observe(dbg->cluster, NULL);
    for (unsigned n = 0; n < dbg->probe_count; n++)
        probe_free(dbg->probe[n]);
    free(dbg->probe);
    trace_destroy(dbg);
    symbols_destroy(dbg->symbols);
    free(dbg);
}

/* ---- The list ---- */

static bool copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

enum sim_err dbg_probe_add(struct dbg *dbg, const struct dbg_probe *probe, uint32_t *id)
{
    struct dbg_probe *p = malloc(sizeof(*p)), **grown = realloc(dbg->probe, (dbg->probe_count + 1) * sizeof(*grown));

    if (grown)
        dbg->probe = grown;
    if (!p || !grown) {
        free(p);
        return sim_fail(SIM_ERR_NOMEM, "out of memory for a probe");
    }
    *p = *probe;
    p->condition = p->log = p->text = p->spec = NULL;
    if (!copy_text(&p->condition, probe->condition) || !copy_text(&p->log, probe->log) || !copy_text(&p->text, probe->text) ||
        !copy_text(&p->spec, probe->spec)) {
        probe_free(p);
        return sim_fail(SIM_ERR_NOMEM, "out of memory for a probe");
    }
    if (!p->length)
        p->length = 1;
    p->id = dbg->next_id++;
    *id = p->id;
    dbg->probe[dbg->probe_count++] = p;
    dbg_update_observer(dbg);
    return SIM_OK;
}

enum sim_err dbg_probe_remove(struct dbg *dbg, uint32_t id)
{
    for (unsigned n = 0; n < dbg->probe_count; n++)
        if (dbg->probe[n]->id == id) {
            probe_free(dbg->probe[n]);
            memmove(&dbg->probe[n], &dbg->probe[n + 1], (dbg->probe_count - n - 1) * sizeof(dbg->probe[0]));
            dbg->probe_count--;
            dbg_update_observer(dbg);
            return SIM_OK;
        }
    return sim_fail(SIM_ERR_UNKNOWN, "no probe number %u", id);
}

struct dbg_probe *dbg_probe_find(struct dbg *dbg, uint32_t id)
{
    for (unsigned n = 0; n < dbg->probe_count; n++)
        if (dbg->probe[n]->id == id)
            return dbg->probe[n];
    return NULL;
}

struct dbg_probe *dbg_probe_next(struct dbg *dbg, const struct dbg_probe *after)
{
    for (unsigned n = 0; n < dbg->probe_count; n++)
        if (!after || dbg->probe[n]->id > after->id)
            return dbg->probe[n];
    return NULL;
}

void dbg_probes_changed(struct dbg *dbg)
{
    dbg_update_observer(dbg);
}

/* ---- Modes and stops ---- */

void dbg_set_mode(struct dbg *dbg, enum dbg_mode mode)
{
    dbg->mode = mode;
    if (mode != DBG_SILENT)
        dbg->has_hit = false;
}

bool dbg_last_hit(const struct dbg *dbg, struct dbg_hit *out)
{
    if (dbg->has_hit)
        *out = dbg->hit;
    return dbg->has_hit;
}

void dbg_tell_step(struct dbg *dbg, const struct cpu *cpu, sim_steps step)
{
    dbg->step_offset[cpu->number & 7] = (int64_t)(step - cpu->steps);
}

uint32_t dbg_stop_text(struct dbg *dbg, char *text, size_t cap)
{
    snprintf(text, cap, "%s", dbg->has_hit ? dbg->hit.text : "stopped by a probe");
    return dbg->has_hit ? dbg->hit.probe : 0;
}

bool dbg_last_access(const struct dbg *dbg, struct dbg_access *out)
{
    if (dbg->has_access)
        *out = dbg->access;
    return dbg->has_access;
}

bool dbg_stops_on(const struct dbg *dbg, enum dbg_stop_event e)
{
    return (dbg->stops_on & e) != 0;
}

void dbg_set_stops_on(struct dbg *dbg, unsigned events)
{
    dbg->stops_on = events;
}

/* ---- Console text ---- */

static bool tail_ends_with(const struct dbg *dbg, const char *text)
{
    size_t len = strlen(text);

    return len && len <= dbg->tail_len && memcmp(dbg->tail + dbg->tail_len - len, text, len) == 0;
}

static void tail_add(struct dbg *dbg, char c)
{
    if (dbg->tail_len == sizeof(dbg->tail)) {
        memmove(dbg->tail, dbg->tail + 128, 128);
        dbg->tail_len = 128;
    }
    dbg->tail[dbg->tail_len++] = c;
}

bool dbg_console(struct dbg *dbg, const char *channel, const void *data, size_t len)
{
    const char *bytes = data;
    bool stop = false;

    if (!dbg->probe_count || dbg->mode == DBG_SILENT || strncmp(channel, "serial", 6) != 0)
        return false;
    for (size_t at = 0; at < len; at++) {
        tail_add(dbg, bytes[at]);
        for (unsigned n = 0; n < dbg->probe_count; n++) {
            struct dbg_probe *p = dbg->probe[n];

            if (p->enabled && p->kind == DBG_CATCH_CONSOLE && tail_ends_with(dbg, p->text))
                stop |= hit(dbg, cpu_get(dbg->cluster, 0), p, machine_step(dbg, cpu_get(dbg->cluster, 0), cpu_get(dbg->cluster, 0)->steps), p->text);
        }
    }
    return stop;
}

/* ---- The monitor's syntax ---- */

struct words {
    char text[512];
    char *word[64];
    unsigned count;
};

static enum sim_err split_words(const char *spec, struct words *w)
{
    char *rest = NULL;

    if (strlen(spec) >= sizeof(w->text))
        return sim_fail(SIM_ERR_USAGE, "a probe of more than %zu characters", sizeof(w->text) - 1);
    strcpy(w->text, spec);
    w->count = 0;
    for (char *at = strtok_r(w->text, " \t", &rest); at && w->count < 64; at = strtok_r(NULL, " \t", &rest))
        w->word[w->count++] = at;
    return w->count ? SIM_OK : sim_fail(SIM_ERR_USAGE, "an empty probe");
}

/* The rest of the specification as it was written, from word n on: for conditions and texts with blanks. */
static const char *rest_from(const char *spec, const struct words *w, unsigned n)
{
    return spec + (w->word[n] - w->text);
}

static enum sim_err parse_range(struct dbg *dbg, char *text, struct dbg_probe *p)
{
    char *colon = strchr(text, ':');
    struct cpu *cpu = cpu_get(dbg->cluster, 0);
    enum sim_err err;

    if (colon)
        *colon = 0;
    err = dbg_eval(dbg, cpu, text, &p->addr);
    if (!err && colon)
        err = dbg_eval(dbg, cpu, colon + 1, &p->length);
    if (!err && colon && (p->length == 0 || p->length > 1u << 30))
        err = sim_fail(SIM_ERR_USAGE, "length %s: from 1 to 1 GiB", colon + 1);
    return err;
}

static enum sim_err parse_break(struct dbg *dbg, char *text, struct dbg_probe *p)
{
    char *colon = strrchr(text, ':');
    uint64_t line;
    char *end;

    p->kind = DBG_BREAK;
    if (strncmp(text, "phys:", 5) == 0) {
        p->kind = DBG_BREAK_PHYS;
        return dbg_eval(dbg, cpu_get(dbg->cluster, 0), text + 5, &p->addr);
    }
    if (!colon)
        return dbg_eval(dbg, cpu_get(dbg->cluster, 0), text[0] == '*' ? text + 1 : text, &p->addr);
    line = strtoull(colon + 1, &end, 10);
    *colon = 0;
    if (*end || !line || !dbg_line_find(dbg, text, (unsigned)line, &p->addr))
        return sim_fail(SIM_ERR_UNKNOWN, "no code at %s:%s", text, colon + 1);
    return SIM_OK;
}

/* "14", "32-47", or nothing (all 256). */
static enum sim_err parse_vectors(const char *text, struct dbg_probe *p)
{
    char *end;
    unsigned long first, last;

    p->addr = 0;
    p->length = 256;
    if (!text || !isdigit((unsigned char)*text))
        return SIM_OK;
    first = last = strtoul(text, &end, 0);
    if (*end == '-')
        last = strtoul(end + 1, &end, 0);
    if (*end || first > last || last > 255)
        return sim_fail(SIM_ERR_USAGE, "vector %s: a number or range up to 255", text);
    p->addr = first;
    p->length = last - first + 1;
    return SIM_OK;
}

struct catch_word {
    const char *word;
    enum dbg_kind kind;
    bool wants_argument;
};
static const struct catch_word catch_words[] = {
    { "interrupt", DBG_CATCH_VECTOR, false }, { "exception", DBG_CATCH_VECTOR, false }, { "port", DBG_CATCH_PORT, true },
    { "cr", DBG_CATCH_CR, true },             { "msr", DBG_CATCH_MSR, true },           { "mode", DBG_CATCH_MODE, false },
    { "magic", DBG_CATCH_MAGIC, false },      { "console", DBG_CATCH_CONSOLE, true },
};

/* *used: words that belong to the catch itself. */
static enum sim_err parse_catch(struct dbg *dbg, const char *spec, struct words *w, struct dbg_probe *p, unsigned *used)
{
    const struct catch_word *c = NULL;
    char *argument = w->count > 2 ? w->word[2] : NULL;

    for (unsigned n = 0; n < sizeof(catch_words) / sizeof(catch_words[0]); n++)
        if (w->count > 1 && strcmp(w->word[1], catch_words[n].word) == 0)
            c = &catch_words[n];
    if (!c)
        return sim_fail(SIM_ERR_USAGE, "catch what? interrupt, exception, port, cr, msr, mode, magic or console");
    if (c->wants_argument && !argument)
        return sim_fail(SIM_ERR_USAGE, "catch %s needs an argument", c->word);
    p->kind = c->kind;
    *used = c->wants_argument ? 3 : 2;
    switch (c->kind) {
    case DBG_CATCH_VECTOR:
        p->exceptions_only = strcmp(c->word, "exception") == 0;
        p->interrupts_only = !p->exceptions_only;
        *used += argument && isdigit((unsigned char)*argument);
        return parse_vectors(argument, p);
    case DBG_CATCH_CONSOLE:
        p->text = (char *)rest_from(spec, w, 2);
        *used = w->count;
        return SIM_OK;
    case DBG_CATCH_MODE: case DBG_CATCH_MAGIC: return SIM_OK;
    default: return parse_range(dbg, argument, p);
    }
}

static enum sim_err parse_options(const char *spec, struct words *w, unsigned n, struct dbg_probe *p)
{
    while (n < w->count) {
        const char *word = w->word[n], *argument = n + 1 < w->count ? w->word[n + 1] : NULL;

        if (strcmp(word, "once") == 0) {
            p->once = true;
            n++;
        } else if (strcmp(word, "if") == 0 && argument) {
            p->condition = (char *)rest_from(spec, w, n + 1);
            return SIM_OK;
        } else if (strcmp(word, "log") == 0 && argument) {
            p->log = (char *)rest_from(spec, w, n + 1);
            return SIM_OK;
        } else if (strcmp(word, "ignore") == 0 && argument) {
            p->ignore = (uint32_t)strtoul(argument, NULL, 0);
            n += 2;
        } else if (strcmp(word, "cpu") == 0 && argument) {
            p->cpu = atoi(argument);
            n += 2;
        } else {
            return sim_fail(SIM_ERR_USAGE, "probe: '%s' is not understood here (if EXPR, ignore N, cpu N, once, log TEXT)", word);
        }
    }
    return SIM_OK;
}

enum sim_err dbg_probe_parse(struct dbg *dbg, const char *spec, uint32_t *id)
{
    struct dbg_probe p = { .cpu = -1, .enabled = true, .length = 1, .spec = (char *)spec };
    struct words w;
    unsigned used = 2;
    enum sim_err err;

    while (isspace((unsigned char)*spec))
        spec++;
    err = split_words(spec, &w);
    if (err)
        return err;
    if (strcmp(w.word[0], "catch") == 0)
        err = parse_catch(dbg, spec, &w, &p, &used);
    else if (w.count < 2)
        err = sim_fail(SIM_ERR_USAGE, "%s what?", w.word[0]);
    else if (strcmp(w.word[0], "break") == 0)
        err = parse_break(dbg, w.word[1], &p);
    else if (strcmp(w.word[0], "watch") == 0 || strcmp(w.word[0], "rwatch") == 0 || strcmp(w.word[0], "awatch") == 0) {
        p.kind = w.word[0][0] == 'w' ? DBG_WATCH_WRITE : w.word[0][0] == 'r' ? DBG_WATCH_READ : DBG_WATCH_ACCESS;
        p.length = 4;
        err = parse_range(dbg, w.word[1], &p);
    } else {
        err = sim_fail(SIM_ERR_USAGE, "a probe begins with break, watch, rwatch, awatch or catch, not '%s'", w.word[0]);
    }
    if (!err)
        err = parse_options(spec, &w, used, &p);
    return err ? err : dbg_probe_add(dbg, &p, id);
}
