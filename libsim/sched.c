/*
 * Whose turn it is.
 *
 * Each CPU has a clock. The one furthest behind runs, ties by number, until it is a quantum ahead of the next or meets an event's
 * deadline. An event fires when every running CPU has reached it. A step that touches what others see is made only by the CPU that
 * is furthest behind, so time never goes backwards. All that decides (turn, its end, the generator of turns) is state: where a run is
 * sliced by limits, checkpoints or observers changes nothing.
 */
#include "libsim/machine.h"

#include <stdio.h>
#include <string.h>

#include "debug/dbg.h"

/* Steps that a CPU may make before the loop looks for an interruption from outside: well below 1 ms. */
#define POLL_STEPS 65536

/* All CPUs halted, interrupts enabled, and nothing woke one for so long: it is dead. */
#define DEAD_SECONDS 10

/* ---- Time ---- */

static bool awake(const struct cpu *cpu)
{
    return cpu->activity == CPU_ACTIVE || cpu_wakeable(cpu);
}

/* The CPU furthest behind of those awake, `except` left out; NULL when there is none. */
static struct cpu *furthest_behind(const struct sim *sim, const struct cpu *except)
{
    struct cpu *best = NULL;

    for (unsigned n = 0; n < cpu_count(sim->cluster); n++) {
        struct cpu *cpu = cpu_get(sim->cluster, n);

        if (cpu != except && awake(cpu) && (!best || cpu->cycle < best->cycle))
            best = cpu;
    }
    return best;
}

sim_cycles sched_now(const struct sim *sim)
{
    const struct cpu *cpu = furthest_behind(sim, NULL);

    return cpu && cpu->cycle > sim->clock.now ? cpu->cycle : sim->clock.now;
}

struct sim_position sched_position(const struct sim *sim)
{
    return (struct sim_position){ sim->step, sched_now(sim) };
}

static sim_cycles saturating_add(sim_cycles a, sim_cycles b)
{
    return a > SIM_NEVER - b ? SIM_NEVER : a + b;
}

/* A sleeper wakes at the cycle of what woke it. A turn that had no end, for nobody else was awake, has one from then on. */
static void wake_sleepers(struct sim *sim)
{
    for (unsigned n = 0; n < cpu_count(sim->cluster); n++) {
        struct cpu *cpu = cpu_get(sim->cluster, n);

        if (cpu->activity == CPU_ACTIVE || !cpu_wakeable(cpu))
            continue;
        cpu_wake(cpu, sim->clock.now);
        if (cpu->number != sim->turn_cpu && sim->turn_end == SIM_NEVER)
            sim->turn_end = saturating_add(cpu->cycle, sim->quantum);
    }
}

/* Fires what all running CPUs have reached. */
static void fire_due(struct sim *sim)
{
    const struct cpu *cpu;

    while ((cpu = furthest_behind(sim, NULL)) != NULL && sim_clock_next(&sim->clock) <= cpu->cycle) {
        sim_clock_advance(&sim->clock, sim_clock_next(&sim->clock));
        wake_sleepers(sim);
    }
}

/* ---- Turns ---- */

/* xorshift64*: any state but 0. */
static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1dull;
}

static sim_cycles turn_length(struct sim *sim)
{
    return sim->turn_seed ? 1 + draw(&sim->turn_seed) % sim->quantum : sim->quantum;
}

/* The CPU whose turn it is; begins a new turn when the last one is over. */
static struct cpu *whose_turn(struct sim *sim)
{
    struct cpu *cpu = cpu_get(sim->cluster, sim->turn_cpu), *next;

    if (cpu && awake(cpu) && cpu->cycle < sim->turn_end)
        return cpu;
    cpu = furthest_behind(sim, NULL);
    if (!cpu)
        return NULL;
    next = furthest_behind(sim, cpu);
    sim->turn_cpu = cpu->number;
    sim->turn_end = next ? saturating_add(next->cycle, turn_length(sim)) : SIM_NEVER;
    return cpu;
}

static void end_turn(struct sim *sim)
{
    sim->turn_end = 0;
}

/*
 * State is the turn in which the last step was made. Turns chosen since then are tentative: the CPU may find that it has to wait, and the next
 * is asked. A stop between two steps forgets them, for without it they are part of the next step; they will be chosen in the same way again.
 */
static void keep_turn(struct sim *sim)
{
    sim->kept_turn = (struct turn){ true, sim->turn_seed, sim->turn_cpu, sim->turn_end };
}

void sched_settle(struct sim *sim)
{
    if (!sim->kept_turn.valid)
        return;
    sim->turn_seed = sim->kept_turn.seed;
    sim->turn_cpu = sim->kept_turn.cpu;
    sim->turn_end = sim->kept_turn.end;
}

/* The CPU has made steps: a sleeper has no turn, PAUSE gives it up, and at a deadline others have to come there too. */
static void keep_turn_after_step(struct sim *sim, const struct cpu *cpu, enum cpu_exit why)
{
    if (!awake(cpu) || why == CPU_EXIT_YIELD || cpu->cycle >= sim_clock_next(&sim->clock))
        end_turn(sim);
    keep_turn(sim);
}

/* The last cycle at which a step of this CPU may touch what others see. */
static sim_cycles shared_until(const struct sim *sim, const struct cpu *cpu)
{
    const struct cpu *other = furthest_behind(sim, cpu);

    if (!other)
        return SIM_NEVER;
    return cpu->number < other->number || other->cycle == 0 ? other->cycle : other->cycle - 1;
}

/* ---- Stops ---- */

static void stop_at(struct sim *sim, struct sim_stop *stop, enum sim_stop_reason reason, unsigned cpu, const char *text)
{
    *stop = (struct sim_stop){ .reason = reason, .cpu = cpu, .at = sched_position(sim) };
    snprintf(stop->text, sizeof(stop->text), "%s", text);
}

static void stop_at_probe(struct sim *sim, struct sim_stop *stop, unsigned cpu)
{
    stop_at(sim, stop, SIM_STOP_PROBE, cpu, "");
    stop->probe = dbg_stop_text(sim->dbg, stop->text, sizeof(stop->text));
}

static bool requested(const struct sim *sim)
{
    return sim->request.reset || sim->request.power_off || sim->request.exit || sim->request.error;
}

void sched_reset(struct sim *sim)
{
    if (!sim->request.reset)
        return;
    sim->request.reset = false;
    if (machine_reset(sim, SIM_RESET_HARD) != SIM_OK) {
        sim->request.error = true;
        snprintf(sim->request.error_text, sizeof(sim->request.error_text), "%s", sim_last_error());
    }
    keep_turn(sim);
}

/* True: stopped. */
static bool take_requests(struct sim *sim, struct sim_stop *stop)
{
    struct machine_request r = sim->request;

    memset(&sim->request, 0, sizeof(sim->request));
    if (r.error) {
        stop_at(sim, stop, SIM_STOP_ERROR, sim->turn_cpu, r.error_text);
        return true;
    }
    if (r.power_off || r.exit) {
        sim->powered_off = true;
        stop_at(sim, stop, r.exit ? SIM_STOP_EXIT : SIM_STOP_POWER_OFF, sim->turn_cpu,
                r.exit ? "the guest wrote to the debug-exit port" : "the guest switched the machine off");
        stop->code = r.exit_code;
        return true;
    }
    sim->request.reset = true;
    sched_reset(sim);
    if (sim->request.error)
        return take_requests(sim, stop);
    if (sim->stop_on_reset)
        stop_at(sim, stop, SIM_STOP_RESET, 0, "the machine was reset");
    return sim->stop_on_reset;
}

/* Could an interrupt, or a write to a monitored line, still wake a halted CPU? NMIs are not asked for: no part of the pc raises one by itself. */
static bool any_interruptible(const struct sim *sim)
{
    for (unsigned n = 0; n < cpu_count(sim->cluster); n++) {
        const struct cpu *cpu = cpu_get(sim->cluster, n);

        if (cpu->activity == CPU_MWAIT) /* by DMA, or by a masked interrupt */
            return true;
        if ((cpu->activity == CPU_HALTED || cpu->activity == CPU_FROZEN) && cpu->eflags & EFL_IF)
            return true;
    }
    return false;
}

static sim_cycles asleep_since(const struct sim *sim)
{
    sim_cycles last = 0;

    for (unsigned n = 0; n < cpu_count(sim->cluster); n++)
        if (cpu_get(sim->cluster, n)->cycle > last)
            last = cpu_get(sim->cluster, n)->cycle;
    return last;
}

/* All CPUs sleep: lets the next event come, or stops. True: stopped. */
static bool sleep_on(struct sim *sim, const struct run_limits *limits, struct sim_stop *stop)
{
    sim_cycles next = sim_clock_next(&sim->clock);
    struct sim_position input;
    bool input_waits = input_next(sim, &input) && input.step == sim->step;

    if (input_waits && input.cycle <= next && input.cycle <= limits->cycle) {
        if (input.cycle > sim->clock.now)
            sim_clock_advance(&sim->clock, input.cycle);
        return false; /* the loop delivers it */
    }
    if (!input_waits && (next == SIM_NEVER || !any_interruptible(sim) ||
                         next > saturating_add(asleep_since(sim), DEAD_SECONDS * sim->clock.freq_hz))) {
        stop_at(sim, stop, SIM_STOP_DEAD_HALT, sim->turn_cpu,
                any_interruptible(sim) ? "all CPUs are halted, and nothing comes that would wake them"
                                       : "all CPUs are halted with interrupts off (EFLAGS.IF = 0)");
        return true;
    }
    if (next >= limits->cycle) {
        if (limits->cycle > sim->clock.now)
            sim_clock_advance(&sim->clock, limits->cycle);
        stop_at(sim, stop, SIM_STOP_CYCLE, sim->turn_cpu, "cycle reached");
        return true;
    }
    sim_clock_advance(&sim->clock, next);
    wake_sleepers(sim);
    return false;
}

/* ---- The loop ---- */

static sim_steps min_steps(sim_steps a, sim_steps b)
{
    return a < b ? a : b;
}

/* Machine steps that may be made before something has to be looked at. */
static sim_steps budget(const struct sim *sim, const struct run_limits *limits, const struct cpu *cpu)
{
    sim_steps n = min_steps(POLL_STEPS, limits->step - sim->step);
    struct sim_position input;

    n = min_steps(n, timeline_next(sim) - sim->step);
    if (input_next(sim, &input))
        n = min_steps(n, input.step > sim->step ? input.step - sim->step : 1);
    if (limits->only_cpu == (int)cpu->number)
        n = 1;
    return n;
}

/* The machine's clock is that of the CPU furthest behind: only that one has to stop at a limit, lest turns end elsewhere than without. */
static sim_cycles cycle_limit(const struct sim *sim, const struct run_limits *limits, const struct cpu *cpu)
{
    const struct cpu *other = furthest_behind(sim, cpu);

    return other && other->cycle < limits->cycle ? SIM_NEVER : limits->cycle;
}

static void take_turn(struct sim *sim, struct cpu *cpu, const struct run_limits *limits, enum cpu_exit *why)
{
    sim_cycles deadline = sim_clock_next(&sim->clock), horizon = sim->turn_end < deadline ? sim->turn_end : deadline;
    sim_cycles limit = cycle_limit(sim, limits, cpu);
    struct cpu_slice slice = { .horizon = horizon < limit ? horizon : limit, .budget = budget(sim, limits, cpu),
                               .shared_until = shared_until(sim, cpu) };
    sim_steps before = cpu->steps;

    sim->bus->look = sim->clock.moved = false;
    dbg_tell_step(sim->dbg, cpu, sim->step);
    sim->stepping = cpu;
    *why = cpu_run(cpu, &slice);
    sim->stepping = NULL;
    sim->step += cpu->steps - before;
    if (cpu->steps != before)
        keep_turn_after_step(sim, cpu, *why);
    wake_sleepers(sim);
}

static const char *shutdown_text(const struct cpu *cpu)
{
    bool by_rsm = cpu->history[(cpu->history_next - 1) % CPU_HISTORY].type == CPU_DELIVER_OTHER;

    return by_rsm ? "RSM found a state that cannot be: the CPU is in shutdown" : "triple fault: the CPU is in shutdown";
}

static bool after_turn(struct sim *sim, struct cpu *cpu, enum cpu_exit why, struct sim_stop *stop)
{
    switch (why) {
    case CPU_EXIT_WAIT:
    case CPU_EXIT_YIELD:
    case CPU_EXIT_SLEEP:
        end_turn(sim);
        return false;
    case CPU_EXIT_HORIZON:
        if (cpu->cycle >= sim_clock_next(&sim->clock))
            end_turn(sim); /* others have to reach the deadline too */
        return false;
    case CPU_EXIT_SHUTDOWN:
        end_turn(sim);
        if (dbg_stops_on(sim->dbg, DBG_STOP_TRIPLE_FAULT)) {
            stop_at(sim, stop, SIM_STOP_TRIPLE_FAULT, cpu->number, shutdown_text(cpu));
            return true;
        }
        sim->request.reset = true; /* the chipset answers the shutdown cycle with RESET# */
        return false;
    case CPU_EXIT_STOP:
        stop_at_probe(sim, stop, cpu->number);
        return true;
    case CPU_EXIT_TOUCHED:
        return false;
    }
    return false;
}

static bool limits_reached(struct sim *sim, const struct run_limits *limits, struct sim_stop *stop)
{
    const struct cpu *cpu = furthest_behind(sim, NULL);

    if (sim->step >= limits->step) {
        stop_at(sim, stop, SIM_STOP_STEPS, sim->turn_cpu, "steps made");
        return true;
    }
    if (cpu && cpu->cycle >= limits->cycle) {
        stop_at(sim, stop, SIM_STOP_CYCLE, sim->turn_cpu, "cycle reached");
        return true;
    }
    return false;
}

/* What is due at the present position: the state between two steps is the one behind it, whatever the run stopped for. */
static void arrive(struct sim *sim, const struct run_limits *limits)
{
    fire_due(sim);
    input_deliver(sim, limits->past);
    wake_sleepers(sim);
}

/* One round: events, inputs, requests, then a turn. True: stopped. */
static bool round_once(struct sim *sim, const struct run_limits *limits, sim_steps only_from, struct sim_stop *stop)
{
    struct cpu *cpu;
    enum cpu_exit why;

    arrive(sim, limits);
    if (requested(sim))
        return take_requests(sim, stop);
    if (sim->console_stop) {
        sim->console_stop = false;
        stop_at_probe(sim, stop, sim->turn_cpu);
        return true;
    }
    if (limits->only_cpu >= 0 && cpu_get(sim->cluster, (unsigned)limits->only_cpu)->steps > only_from) {
        stop_at(sim, stop, SIM_STOP_STEPS, (unsigned)limits->only_cpu, "step made");
        return true;
    }
    if (limits_reached(sim, limits, stop))
        return true;
    if (!limits->past && atomic_exchange(&sim->interrupted, false)) {
        stop_at(sim, stop, SIM_STOP_INTERRUPTED, sim->turn_cpu, "interrupted");
        return true;
    }
    timeline_tick(sim);
    cpu = whose_turn(sim);
    if (!cpu)
        return sleep_on(sim, limits, stop);
    take_turn(sim, cpu, limits, &why);
    if (!after_turn(sim, cpu, why, stop))
        return false;
    arrive(sim, limits);
    sim->console_stop = false; /* this is that stop, or one at the same place */
    return true;
}

void sched_run(struct sim *sim, const struct run_limits *limits, struct sim_stop *stop)
{
    sim_steps only_from = limits->only_cpu >= 0 ? cpu_get(sim->cluster, (unsigned)limits->only_cpu)->steps : 0;

    if (sim->powered_off) {
        stop_at(sim, stop, SIM_STOP_POWER_OFF, 0, "the machine is switched off");
        return;
    }
    keep_turn(sim);
    while (!round_once(sim, limits, only_from, stop))
        ;
    sched_settle(sim);
    sim->kept_turn.valid = false;
    if (sim->step > sim->furthest_step)
        sim->furthest_step = sim->step;
}
