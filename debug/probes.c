/* Probes: the CPUs' observer, and what is made of what it sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpu/run.h"
#include "debug/words.h"
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

sim_steps dbg_step_after(const struct dbg *dbg, const struct cpu *cpu)
{
    return machine_step(dbg, cpu, run_step_number(cpu) + 1);
}

static const char *kind_word(const struct dbg_probe *p)
{
    static const char *const words[] = { "breakpoint", "breakpoint", "watchpoint", "read watchpoint", "access watchpoint", "catch", "catch port",
                                         "catch cr", "catch msr", "catch mode", "magic instruction", "catch console", "catch triple-fault", "catch reset" };

    return words[p->kind];
}

/* A condition that cannot be evaluated stops, and says so: better than to miss it. */
static bool condition_holds(struct dbg *dbg, struct cpu *cpu, const struct dbg_probe *p, const char **note)
{
    uint64_t value;

    *note = "";
    if (!p->condition)
        return true;
    if (dbg_eval(dbg, cpu, p->condition, &value) == SIM_OK)
        return value != 0;
    *note = sim_last_error();
    return true;
}

static void note_hit(struct dbg *dbg, const struct dbg_hit *hit)
{
    if (dbg->mode == DBG_RECORD && hit->step >= dbg->record_before)
        return;
    dbg->hit = *hit;
    dbg->has_hit = true;
}

/* The probe's address, registers and so on match: does it stop? `step` is the machine step at which the machine will stand. */
static bool hit(struct dbg *dbg, struct cpu *cpu, struct dbg_probe *p, sim_steps step, const char *what)
{
    struct dbg_hit found = { .step = step, .cpu = cpu->number, .probe = p->id };
    const char *note;

    if ((p->cpu >= 0 && p->cpu != (int)cpu->number) || !condition_holds(dbg, cpu, p, &note))
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
    snprintf(found.text, sizeof(found.text), "%s %u%s%s%s%s", kind_word(p), p->id, *what ? ": " : "", what, *note ? "; " : "", note);
    note_hit(dbg, &found);
    if (dbg->mode != DBG_LIVE)
        return false;
    dbg->has_access = false; /* until the caller says otherwise */
    if (p->once) {
        p->enabled = false; /* removed when the next probe is added: nothing is freed under the run's feet */
        p->spent = true;
    }
    return true;
}

/* ---- The observer's calls ---- */

static bool at_break(struct cpu *cpu, const struct dbg_probe *p, sim_laddr laddr)
{
    sim_paddr paddr;

    if (p->kind == DBG_BREAK)
        return p->addr == laddr;
    return ((p->addr ^ laddr) & SIM_PAGE_MASK) == 0 && cpu_translate_peek(cpu, laddr, true, &paddr, NULL) == SIM_OK && paddr == p->addr;
}

static bool before(void *arg, struct cpu *cpu)
{
    struct dbg *dbg = arg;
    sim_laddr laddr = dbg_linear(cpu, cpu->seg[CPU_CS].base + cpu->ip);
    bool stop = false;

    if (dbg->mode == DBG_SILENT)
        return false;
    if (dbg->mode == DBG_LIVE && trace_wants_steps(dbg))
        trace_step(dbg, cpu);
    for (unsigned n = 0; n < dbg->probe_count; n++) {
        struct dbg_probe *p = dbg->probe[n];

        if (p->enabled && is_break(p) && at_break(cpu, p, laddr))
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
    bool exception = words_is_exception(d); /* INT n is an interrupt, INT3 and INTO are not */

    if (exception ? p->interrupts_only : p->exceptions_only)
        return false;
    if (p->vectors[0] | p->vectors[1] | p->vectors[2] | p->vectors[3])
        return p->vectors[d->vector / 64] >> (d->vector & 63) & 1;
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

static void describe_delivery(const struct cpu_delivery *d, char *out, size_t cap)
{
    const char *name = words_is_exception(d) ? words_vector_short(d->vector) : NULL;

    if (!name)
        snprintf(out, cap, "%s %u", words_delivery_type(d->type), d->vector);
    else if (d->vector == VEC_PF)
        snprintf(out, cap, "%s at 0x%08llx, %s", name, (unsigned long long)d->cr2, d->cause ? cpu_cause_id(d->cause) : "");
    else
        snprintf(out, cap, "%s%s%s", name, d->cause ? " " : "", d->cause ? cpu_cause_id(d->cause) : "");
}

static void describe_control(const struct cpu_event *e, char *out, size_t cap)
{
    char name[8] = "EFER";

    if (e->reg < 32)
        snprintf(name, sizeof(name), "%s%u", e->reg < 16 ? "CR" : "DR", e->reg & 15);
    snprintf(out, cap, "%s: 0x%llx -> 0x%llx", name, (unsigned long long)e->old, (unsigned long long)e->value);
}

static void describe(const struct cpu_event *e, char *out, size_t cap)
{
    static const char *const modes[] = { "real", "protected", "protected with paging", "virtual-8086", "long" };

    switch (e->kind) {
    case CPU_EVENT_ACCESS:
        snprintf(out, cap, "%s of %u bytes at 0x%llx: 0x%llx%s", e->write ? "write" : "read", e->size, (unsigned long long)e->laddr,
                 (unsigned long long)e->old, e->write ? "" : " read");
        if (e->write)
            snprintf(out + strlen(out), cap - strlen(out), " -> 0x%llx", (unsigned long long)e->value);
        break;
    case CPU_EVENT_DELIVERY: describe_delivery(e->delivery, out, cap); break;
    case CPU_EVENT_PORT:
        snprintf(out, cap, "%s port 0x%llx, %u bytes, 0x%llx", e->write ? "OUT" : "IN", (unsigned long long)e->laddr, e->size,
                 (unsigned long long)e->value);
        break;
    case CPU_EVENT_CONTROL: describe_control(e, out, cap); break;
    case CPU_EVENT_MSR:
        snprintf(out, cap, "MSR 0x%x: 0x%llx -> 0x%llx", e->reg, (unsigned long long)e->old, (unsigned long long)e->value);
        break;
    case CPU_EVENT_MODE:
        snprintf(out, cap, "%s%s -> %s%s", e->old & 8 ? "SMM, " : "", modes[(e->old & 7) % 5], e->value & 8 ? "SMM, " : "",
                 modes[(e->value & 7) % 5]);
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
        if (!hit(dbg, cpu, p, dbg_step_after(dbg, cpu), what))
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

/* Probes that were meant for one hit and had it, unless somebody switched them on again. */
static void drop_spent(struct dbg *dbg)
{
    unsigned kept = 0;

    for (unsigned n = 0; n < dbg->probe_count; n++)
        if (dbg->probe[n]->spent && !dbg->probe[n]->enabled)
            probe_free(dbg->probe[n]);
        else
            dbg->probe[kept++] = dbg->probe[n];
    dbg->probe_count = kept;
}

enum sim_err dbg_probe_add(struct dbg *dbg, const struct dbg_probe *probe, uint32_t *id)
{
    struct dbg_probe *p = malloc(sizeof(*p)), **grown;

    drop_spent(dbg);
    grown = realloc(dbg->probe, (dbg->probe_count + 1) * sizeof(*grown));
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

void dbg_record(struct dbg *dbg, sim_steps before)
{
    dbg_set_mode(dbg, DBG_RECORD);
    dbg->record_before = before;
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
    enum dbg_kind kind = e == DBG_STOP_TRIPLE_FAULT ? DBG_CATCH_SHUTDOWN : DBG_CATCH_RESET;

    for (unsigned n = 0; n < dbg->probe_count; n++)
        if (dbg->probe[n]->enabled && dbg->probe[n]->kind == kind && e != DBG_STOP_DEAD_HALT)
            return true;
    return (dbg->stops_on & e) != 0;
}

void dbg_set_stops_on(struct dbg *dbg, unsigned events)
{
    dbg->stops_on = events;
}

/* ---- Console text ---- */

struct dbg_console_tail dbg_console_tail(const struct dbg *dbg)
{
    return dbg->tail;
}

void dbg_set_console_tail(struct dbg *dbg, const struct dbg_console_tail *tail)
{
    dbg->tail = *tail;
}

static bool tail_ends_with(const struct dbg_console_tail *tail, const char *text)
{
    size_t len = strlen(text);

    return len && len <= tail->len && memcmp(tail->text + tail->len - len, text, len) == 0;
}

static void tail_add(struct dbg_console_tail *tail, char c)
{
    if (tail->len == sizeof(tail->text)) {
        memmove(tail->text, tail->text + 128, 128);
        tail->len = 128;
    }
    tail->text[tail->len++] = c;
}

bool dbg_is_console(const char *channel)
{
    return channel[0] == 's' && strncmp(channel, "serial", 6) == 0;
}

bool dbg_console(struct dbg *dbg, struct cpu *cpu, sim_steps step, const char *channel, const void *data, size_t len)
{
    const char *bytes = data;
    bool stop = false;

    if (!dbg_is_console(channel))
        return false;
    for (size_t at = 0; at < len; at++) {
        tail_add(&dbg->tail, bytes[at]);
        for (unsigned n = 0; dbg->mode != DBG_SILENT && n < dbg->probe_count; n++) {
            struct dbg_probe *p = dbg->probe[n];

            if (p->enabled && p->kind == DBG_CATCH_CONSOLE && tail_ends_with(&dbg->tail, p->text))
                stop |= hit(dbg, cpu, p, step, p->text);
        }
    }
    return stop;
}
