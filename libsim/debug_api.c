/*
 * The public calls of <libsim/debug.h> that need no more than debug/.
 */
#include <stdio.h>
#include <string.h>

#include "debug/dbg.h"
#include "libsim/machine.h"

/* ---- Probes ---- */

enum sim_err sim_probe_add(struct sim *sim, const char *spec, uint32_t *id)
{
    return dbg_probe_parse(sim->dbg, spec, id);
}

enum sim_err sim_probe_remove(struct sim *sim, uint32_t id)
{
    return dbg_probe_remove(sim->dbg, id);
}

static struct dbg_probe *probe_or_fail(struct sim *sim, uint32_t id, enum sim_err *err)
{
    struct dbg_probe *p = dbg_probe_find(sim->dbg, id);

    *err = p ? SIM_OK : sim_fail(SIM_ERR_UNKNOWN, "no probe number %u", id);
    return p;
}

enum sim_err sim_probe_enable(struct sim *sim, uint32_t id, bool enabled)
{
    enum sim_err err;
    struct dbg_probe *p = probe_or_fail(sim, id, &err);

    if (err)
        return err;
    p->enabled = enabled;
    dbg_probes_changed(sim->dbg);
    return SIM_OK;
}

enum sim_err sim_probe_hide(struct sim *sim, uint32_t id, bool hidden)
{
    enum sim_err err;
    struct dbg_probe *p = probe_or_fail(sim, id, &err);

    if (!err)
        p->hidden = hidden;
    return err;
}

enum sim_err sim_probe_callback(struct sim *sim, uint32_t id, sim_probe_fn *fn, void *arg)
{
    enum sim_err err;
    struct dbg_probe *p = probe_or_fail(sim, id, &err);

    if (err)
        return err;
    p->callback = fn;
    p->callback_arg = arg;
    p->callback_sim = sim;
    return SIM_OK;
}

bool sim_watch_hit(const struct sim *sim, struct sim_watch_hit *out)
{
    struct dbg_access a;

    if (!dbg_last_access(sim->dbg, &a))
        return false;
    *out = (struct sim_watch_hit){ a.probe, a.laddr, a.old, a.value, a.size, a.write };
    return true;
}

/* ---- Explanations ---- */

static struct cpu *cpu_of_stop(struct sim *sim, const struct sim_stop *stop)
{
    struct cpu *cpu = cpu_get(sim->cluster, stop ? stop->cpu : sim->focus);

    return cpu ? cpu : cpu_get(sim->cluster, 0);
}

const char *sim_explain(struct sim *sim, const struct sim_stop *stop)
{
    sim_buf_clear(&sim->text);
    dbg_explain(sim->dbg, cpu_of_stop(sim, stop), &sim->text);
    return sim_buf_cstr(&sim->text);
}

const char *sim_explain_json(struct sim *sim, const struct sim_stop *stop)
{
    sim_buf_clear(&sim->json);
    dbg_explain_json(sim->dbg, cpu_of_stop(sim, stop), &sim->json);
    return sim_buf_cstr(&sim->json);
}

/* ---- Symbols ---- */

enum sim_err sim_symbols_load(struct sim *sim, const char *path, uint64_t offset)
{
    return dbg_symbols_load(sim->dbg, path, offset);
}

enum sim_err sim_symbolize(struct sim *sim, uint64_t laddr, char *out, size_t cap)
{
    dbg_symbolize(sim->dbg, laddr, out, cap);
    return *out ? SIM_OK : sim_fail(SIM_ERR_UNKNOWN, "no symbol at 0x%llx", (unsigned long long)laddr);
}

enum sim_err sim_symbol_address(struct sim *sim, const char *name, uint64_t *laddr)
{
    return dbg_symbol_find(sim->dbg, name, laddr) ? SIM_OK : sim_fail(SIM_ERR_UNKNOWN, "no symbol '%s'", name);
}

/* ---- Code and stack ---- */

enum sim_err sim_disassemble(struct sim *sim, unsigned number, uint64_t laddr, char *out, size_t cap, unsigned *len)
{
    struct cpu *cpu = cpu_get(sim->cluster, number);

    if (!cpu)
        return sim_fail(SIM_ERR_USAGE, "no CPU %u", number);
    *len = dbg_disassemble(sim->dbg, cpu, laddr, out, cap);
    return SIM_OK;
}

enum sim_err sim_backtrace(struct sim *sim, unsigned number, struct sim_frame *frames, unsigned *count)
{
    struct cpu *cpu = cpu_get(sim->cluster, number);
    struct dbg_frame raw[64];
    unsigned max = *count < 64 ? *count : 64;

    if (!cpu)
        return sim_fail(SIM_ERR_USAGE, "no CPU %u", number);
    *count = dbg_backtrace(sim->dbg, cpu, raw, max);
    for (unsigned n = 0; n < *count; n++) {
        frames[n].ip = raw[n].ip;
        frames[n].sp = raw[n].sp;
        /* a return address belongs to the call before it */
        dbg_symbolize(sim->dbg, raw[n].ip - (n != 0), frames[n].where, sizeof(frames[n].where));
        if (!frames[n].where[0])
            snprintf(frames[n].where, sizeof(frames[n].where), "0x%llx", (unsigned long long)raw[n].ip);
    }
    return SIM_OK;
}

/* ---- Focus ---- */

unsigned sim_focus(const struct sim *sim)
{
    return sim->focus;
}

enum sim_err sim_set_focus(struct sim *sim, unsigned cpu)
{
    if (cpu >= cpu_count(sim->cluster))
        return sim_fail(SIM_ERR_USAGE, "no CPU %u: there are %u", cpu, cpu_count(sim->cluster));
    sim->focus = cpu;
    return SIM_OK;
}
