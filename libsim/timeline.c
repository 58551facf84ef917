/*
 * The timeline: checkpoints, and going to any step of the past.
 *
 * A checkpoint is the packed state of every component and a snapshot of the pages. They are taken every `interval` steps, which follows the
 * measured speed (so that re-executing one takes about a hundredth of a second), and thinned out with age: near the present they stand
 * densely, far back sparsely. Where they stand is no state: it moves nothing in the guest.
 *
 * Going to step S restores the last checkpoint at or before S and runs forward silently. On the way it leaves rungs: checkpoints in the middle
 * of what is still to go, and so on, each half as far from S as the one before. Who steps back again from S finds one close by, and where the
 * gap below it is wide, new ones divide that: many single steps back re-execute each gap about once for each halving. Rungs stand between one
 * ordinary checkpoint and the present only, so there are never more than a few.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "debug/dbg.h"
#include "libsim/machine.h"

#define TARGET_SECONDS   0.008     /* of host time between checkpoints, near the present */
#define MIN_INTERVAL     20000
#define MAX_INTERVAL     50000000
#define DEFAULT_BUDGET   (1ull << 30)
#define MAX_CHECKPOINTS  4096
#define RUNG_STEPS       2048      /* the smallest distance of rungs: about as long to re-execute as a checkpoint takes to restore */

struct checkpoint {
    sim_steps step;
    bool rung;
    struct sim_buf state;
    struct bus_snapshot *pages;
    struct dbg_console_tail console;
};

struct timeline {
    struct checkpoint *at;  /* by step */
    size_t count, cap;
    uint64_t budget_bytes;
    sim_steps interval;
    sim_steps last_step;    /* where the speed was measured last */
    struct timespec last_time;
};

/* ---- Checkpoints ---- */

static void checkpoint_free(struct sim *sim, struct checkpoint *c)
{
    sim_buf_fini(&c->state);
    bus_snapshot_free(&sim->bus->memory, c->pages);
}

static void remove_at(struct sim *sim, size_t n)
{
    struct timeline *t = sim->timeline;

    checkpoint_free(sim, &t->at[n]);
    memmove(&t->at[n], &t->at[n + 1], (t->count - n - 1) * sizeof(t->at[0]));
    t->count--;
}

/* Index of the last checkpoint at or before `step`; count when there is none. */
static size_t find(const struct timeline *t, sim_steps step)
{
    size_t low = 0, high = t->count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (t->at[mid].step <= step)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? low - 1 : t->count;
}

static bool take(struct sim *sim, bool rung)
{
    struct timeline *t = sim->timeline;
    struct checkpoint c = { .step = sim->step, .rung = rung, .state = SIM_BUF_INIT, .console = dbg_console_tail(sim->dbg) };
    size_t at = find(t, sim->step);

    if (at < t->count && t->at[at].step == sim->step)
        return true;
    if (t->count == t->cap) {
        struct checkpoint *grown = realloc(t->at, (t->cap * 2 + 64) * sizeof(*grown));

        if (!grown)
            return false;
        t->at = grown;
        t->cap = t->cap * 2 + 64;
    }
    sched_settle(sim);
    state_pack(sim, &c.state);
    c.pages = bus_snapshot_take(&sim->bus->memory);
    if (c.state.failed || !c.pages) {
        checkpoint_free(sim, &c);
        return false;
    }
    at = at < t->count ? at + 1 : 0;
    memmove(&t->at[at + 1], &t->at[at], (t->count - at) * sizeof(t->at[0]));
    t->at[at] = c;
    t->count++;
    return true;
}

static void restore(struct sim *sim, const struct checkpoint *c)
{
    struct sim_reader in = sim_reader_over(c->state.data, c->state.len);

    bus_snapshot_restore(&sim->bus->memory, c->pages);
    state_unpack(sim, &in); /* what was packed here unpacks here */
    dbg_set_console_tail(sim->dbg, &c->console);
    for (unsigned n = 0; n < cpu_count(sim->cluster); n++) {
        cpu_get(sim->cluster, n)->resume = false; /* that a breakpoint has been seen was said of another place */
        dbg_tell_step(sim->dbg, cpu_get(sim->cluster, n), sim->step);
    }
}

/* ---- Thinning ---- */

/* How much would be lost by removing checkpoint n: the gap it would leave, against its distance from the present. Smaller goes first. */
static double worth(const struct timeline *t, size_t n, sim_steps present)
{
    double gap = (double)(t->at[n + 1].step - t->at[n - 1].step);
    double age = present > t->at[n].step ? (double)(present - t->at[n].step) : (double)(t->at[n].step - present);

    return gap / (age + 1);
}

static bool over_budget(const struct sim *sim)
{
    return sim->timeline->count > MAX_CHECKPOINTS || sim->bus->memory.store_bytes + sim->timeline->count * 65536 > sim->timeline->budget_bytes;
}

/* The first checkpoint always stays: the start can always be reached. */
static void thin_out(struct sim *sim)
{
    struct timeline *t = sim->timeline;

    while (t->count > 8 && over_budget(sim)) {
        size_t worst = 1;

        for (size_t n = 2; n + 1 < t->count; n++)
            if (worth(t, n, sim->step) < worth(t, worst, sim->step))
                worst = n;
        remove_at(sim, worst);
    }
}

/* ---- The schedule ---- */

/* Derived from host time, but so is nothing in the guest: only where checkpoints stand. */
static void adapt_interval(struct sim *sim)
{
    struct timeline *t = sim->timeline;
    struct timespec now;
    double seconds;

    clock_gettime(CLOCK_MONOTONIC, &now);
    seconds = (double)(now.tv_sec - t->last_time.tv_sec) + 1e-9 * (double)(now.tv_nsec - t->last_time.tv_nsec);
    if (sim->step > t->last_step && seconds > 1e-5) {
        double speed = (double)(sim->step - t->last_step) / seconds, want = speed * TARGET_SECONDS;

        want = 0.5 * want + 0.5 * (double)t->interval;
        t->interval = want < MIN_INTERVAL ? MIN_INTERVAL : want > MAX_INTERVAL ? MAX_INTERVAL : (sim_steps)want;
    }
    t->last_time = now;
    t->last_step = sim->step;
}

sim_steps timeline_next(const struct sim *sim)
{
    const struct timeline *t = sim->timeline;
    size_t at;

    if (!t)
        return UINT64_MAX;
    at = find(t, sim->step);
    return at < t->count ? t->at[at].step + t->interval > sim->step ? t->at[at].step + t->interval : sim->step + 1 : sim->step + 1;
}

void timeline_tick(struct sim *sim)
{
    struct timeline *t = sim->timeline;
    size_t at;

    if (!t)
        return;
    at = find(t, sim->step);
    if (at < t->count && sim->step - t->at[at].step < t->interval)
        return;
    take(sim, false);
    adapt_interval(sim);
    thin_out(sim);
}

/* ---- Life ---- */

enum sim_err timeline_create(struct sim *sim, uint64_t budget_bytes)
{
    struct timeline *t = calloc(1, sizeof(*t));

    if (!t)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the timeline");
    t->budget_bytes = budget_bytes ? budget_bytes : DEFAULT_BUDGET;
    t->interval = 1000000;
    t->last_step = sim->step;
    clock_gettime(CLOCK_MONOTONIC, &t->last_time);
    sim->timeline = t;
    if (take(sim, false))
        return SIM_OK;
    timeline_destroy(sim);
    return sim_fail(SIM_ERR_NOMEM, "out of memory for the first checkpoint");
}

void timeline_destroy(struct sim *sim)
{
    struct timeline *t = sim->timeline;

    if (!t)
        return;
    for (size_t n = 0; n < t->count; n++)
        checkpoint_free(sim, &t->at[n]);
    free(t->at);
    free(t);
    sim->timeline = NULL;
}

void timeline_forget_future(struct sim *sim)
{
    struct timeline *t = sim->timeline;

    while (t && t->count > 1 && t->at[t->count - 1].step > sim->step)
        remove_at(sim, t->count - 1);
}

sim_steps timeline_first(const struct sim *sim)
{
    return sim->timeline ? sim->timeline->at[0].step : sim->step;
}

/* ---- Going ---- */

/* Stops after which the run went on, if it did: the machine had no part in them. */
static bool passed_over(enum sim_stop_reason reason)
{
    return reason == SIM_STOP_TRIPLE_FAULT || reason == SIM_STOP_RESET || reason == SIM_STOP_ERROR;
}

static void run_past(struct sim *sim, sim_steps step, struct sim_stop *stop)
{
    struct run_limits limits = { .step = step, .cycle = SIM_NEVER, .only_cpu = -1, .past = true };

    sim->log.muted = true;
    do
        sched_run(sim, &limits, stop);
    while (sim->step < step && passed_over(stop->reason));
    sim->log.muted = false;
}

/* Rungs stand from the last ordinary checkpoint at or before `step` on up to it; others go. */
static void drop_rungs(struct sim *sim, sim_steps step)
{
    struct timeline *t = sim->timeline;
    size_t first = find(t, step);

    while (first && t->at[first].rung)
        first--;
    for (size_t n = t->count; n-- > 1;)
        if (t->at[n].rung && (n < first || t->at[n].step > step))
            remove_at(sim, n);
}

/* From a checkpoint to `step`, leaving rungs. cpu: not further than up to where it has made `own` steps; NULL: all the way. */
static void climb(struct sim *sim, sim_steps step, const struct cpu *cpu, sim_steps own, struct sim_stop *stop)
{
    while (step - sim->step >= 2 * RUNG_STEPS) {
        sim_steps middle = sim->step + (step - sim->step) / 2;

        run_past(sim, middle, stop);
        if (sim->step != middle || (cpu && cpu->steps >= own))
            return;
        take(sim, true);
    }
    if (!cpu)
        run_past(sim, step, stop);
}

enum sim_err timeline_goto(struct sim *sim, sim_steps step, struct sim_stop *stop)
{
    struct timeline *t = sim->timeline;
    sim_steps furthest = sim->furthest_step;
    size_t at;

    if (!t)
        return sim_fail(SIM_ERR_RANGE, "the timeline is off: run with --timeline on");
    if (step < t->at[0].step || step > furthest)
        return sim_fail(SIM_ERR_RANGE, "step %llu is outside the timeline (%llu to %llu)", (unsigned long long)step,
                        (unsigned long long)t->at[0].step, (unsigned long long)furthest);
    dbg_set_mode(sim->dbg, DBG_SILENT);
    at = find(t, step);
    if (step < sim->step || t->at[at].step > sim->step) {
        drop_rungs(sim, step);
        restore(sim, &t->at[find(t, step)]);
        climb(sim, step, NULL, 0, stop);
    } else {
        run_past(sim, step, stop);
    }
    dbg_set_mode(sim->dbg, DBG_LIVE);
    if (sim->step != step)
        return sim_fail(SIM_ERR_DIVERGED, "re-execution stopped at step %llu: %s", (unsigned long long)sim->step, stop->text);
    return SIM_OK;
}

/* The last hit from a checkpoint on up to step `to`, going there; one at `origin`, where the search began, is none. False: none. */
static bool last_hit_between(struct sim *sim, size_t checkpoint, sim_steps to, sim_steps origin, struct dbg_hit *hit)
{
    struct sim_stop stop;
    bool found;

    restore(sim, &sim->timeline->at[checkpoint]);
    dbg_record(sim->dbg, origin);
    run_past(sim, to, &stop);
    found = dbg_last_hit(sim->dbg, hit);
    dbg_set_mode(sim->dbg, DBG_LIVE);
    return found;
}

enum sim_err timeline_reverse_run(struct sim *sim, struct sim_stop *stop)
{
    struct timeline *t = sim->timeline;
    sim_steps origin = sim->step, to = origin;
    struct dbg_hit hit;

    if (!t)
        return sim_fail(SIM_ERR_RANGE, "the timeline is off: run with --timeline on");
    while (to > t->at[0].step) {
        size_t at = find(t, to - 1);
        sim_steps from = t->at[at].step;

        if (last_hit_between(sim, at, to, origin, &hit)) {
            enum sim_err err = timeline_goto(sim, hit.step, stop);
            const struct dbg_probe *probe = dbg_probe_find(sim->dbg, hit.probe);

            if (probe && (probe->kind == DBG_BREAK || probe->kind == DBG_BREAK_PHYS))
                cpu_get(sim->cluster, hit.cpu)->resume = true; /* as behind a stop of a forward run: going on does not stop here again */
            stop->reason = SIM_STOP_PROBE;
            stop->cpu = hit.cpu;
            stop->probe = hit.probe;
            stop->at = sched_position(sim);
            memcpy(stop->text, hit.text, sizeof(stop->text));
            return err;
        }
        to = from;
    }
    enum sim_err err = timeline_goto(sim, t->at[0].step, stop);

    stop->reason = SIM_STOP_START;
    strcpy(stop->text, "the start of the timeline");
    return err;
}

/* From a checkpoint to the machine step before which the CPU makes its `own`-th step; `end` is at or behind that. */
static void before_step_of(struct sim *sim, const struct cpu *cpu, sim_steps own, sim_steps end, struct sim_stop *stop)
{
    climb(sim, end, cpu, own, stop);
    for (size_t at = find(sim->timeline, sim->step); cpu->steps >= own; at--) /* the others have made the steps behind it */
        restore(sim, &sim->timeline->at[at]);
    while (cpu->steps + 1 < own)
        run_past(sim, sim->step + (own - 1 - cpu->steps), stop);
}

enum sim_err timeline_reverse_step_cpu(struct sim *sim, unsigned number, struct sim_stop *stop)
{
    struct timeline *t = sim->timeline;
    const struct cpu *cpu = cpu_get(sim->cluster, number);
    sim_steps own = cpu->steps, end = sim->step;

    if (!t)
        return sim_fail(SIM_ERR_RANGE, "the timeline is off: run with --timeline on");
    if (end > t->at[0].step)
        drop_rungs(sim, end - 1);
    for (size_t at = find(t, end ? end - 1 : 0); end > t->at[0].step; at--) {
        restore(sim, &t->at[at]);
        if (cpu->steps < own) {
            dbg_set_mode(sim->dbg, DBG_SILENT);
            before_step_of(sim, cpu, own, end - 1, stop);
            dbg_set_mode(sim->dbg, DBG_LIVE);
            enum sim_err err = timeline_goto(sim, sim->step, stop);

            stop->cpu = number;
            return err;
        }
        if (at == 0)
            break;
    }
    enum sim_err err = timeline_goto(sim, t->at[0].step, stop);

    stop->reason = SIM_STOP_START;
    strcpy(stop->text, "the start of the timeline");
    return err;
}
