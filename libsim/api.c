/*
 * The public calls of <libsim/sim.h>: each checks its arguments and whether it may be made now, and hands on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "debug/dbg.h"
#include "libsim/media_file.h"
#include "libsim/monitor.h"
#include "libsim/options.h"
#include "libsim/typing.h"

const char *sim_version(void)
{
    return SIM_VERSION;
}

const char *sim_stop_word(enum sim_stop_reason reason)
{
    static const char *const words[] = {
#define X(name, word, text) word,
        SIM_STOP_LIST(X)
#undef X
    };

    return (unsigned)reason < sizeof(words) / sizeof(words[0]) ? words[reason] : "?";
}

/* ---- Life ---- */

static void log_line(void *arg, enum sim_log_level level, const char *component, const char *line)
{
    struct sim *sim = arg;

    if (sim->line)
        sim->line(sim->line_arg, (int)level, component, line);
}

enum sim_err sim_create(const struct sim_config *cfg, struct sim **out)
{
    struct sim *sim;
    enum sim_err err;

    if (!cfg || !cfg->options)
        return sim_fail(SIM_ERR_USAGE, "the configuration is empty: call sim_config_init first");
    sim = calloc(1, sizeof(*sim));
    if (!sim || !(sim->options = options_copy(cfg->options))) {
        free(sim);
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    }
    sim_log_init(&sim->log);
    sim->log.fn = log_line;
    sim->log.arg = sim;
    input_init(sim);
    err = machine_assemble(sim);
    if (!err && sim->options->timeline)
        err = timeline_create(sim, sim->options->timeline_budget);
    if (err) {
        sim_destroy(sim);
        return err;
    }
    *out = sim;
    return SIM_OK;
}

void sim_destroy(struct sim *sim)
{
    if (!sim)
        return;
    timeline_destroy(sim);
    machine_dismantle(sim);
    monitor_destroy(sim);
    typing_fini(sim);
    input_fini(sim);
    sim_log_fini(&sim->log);
    sim_buf_fini(&sim->text);
    sim_buf_fini(&sim->json);
    sim_buf_fini(&sim->image);
    sim_buf_fini(&sim->initrd);
    options_free(sim->options);
    free(sim);
}

/* From a callback of a run, only reading is allowed. */
static enum sim_err check_idle(const struct sim *sim)
{
    if (sim->running)
        return sim_fail(SIM_ERR_BUSY, "the machine is running: this call may not come from one of its callbacks");
    return SIM_OK;
}

static struct cpu *cpu_or_fail(const struct sim *sim, unsigned number, enum sim_err *err)
{
    struct cpu *cpu = cpu_get(sim->cluster, number);

    *err = cpu ? SIM_OK : sim_fail(SIM_ERR_USAGE, "no CPU %u: there are %u", number, cpu_count(sim->cluster));
    return cpu;
}

enum sim_err sim_commit(struct sim *sim)
{
    enum sim_err err = check_idle(sim);

    return err ? err : media_commit(sim);
}

/* ---- Running ---- */

/* Slices between pulses: about so much host time, and at most a hundredth of a simulated second, which is what an idle machine makes at once. */
#define PULSE_SECONDS 0.004
#define PULSE_MIN_CYCLES 2000

static double host_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The next slice's length, from what the last one took. */
static sim_cycles pulse_cycles(const struct sim *sim, double seconds)
{
    sim_cycles now = sim->pulse_cycles, max = sim->clock.freq_hz / 100;

    now = seconds > 2 * PULSE_SECONDS ? now / 2 : seconds < PULSE_SECONDS / 2 ? now * 2 : now;
    return now < PULSE_MIN_CYCLES ? PULSE_MIN_CYCLES : now > max ? max : now;
}

static sim_cycles earlier(sim_cycles a, sim_cycles b)
{
    return a < b ? a : b;
}

/* Between the slices is between two steps, and where slices end is no state. Keys that are being typed end slices too, so that they are
 * pressed at the same cycles in each run. */
static void run_in_slices(struct sim *sim, const struct run_limits *limits, struct sim_stop *stop)
{
    for (;;) {
        struct run_limits slice = *limits;
        double start = host_seconds();
        sim_cycles key = typing_due(sim);

        slice.cycle = earlier(earlier(limits->cycle, key), sim->pulse ? sched_now(sim) + sim->pulse_cycles : SIM_NEVER);
        sched_run(sim, &slice, stop);
        if (stop->reason == SIM_STOP_DEAD_HALT && key != SIM_NEVER && typing_feed(sim))
            continue;
        if (stop->reason != SIM_STOP_CYCLE || slice.cycle == limits->cycle)
            return;
        if (stop->at.cycle >= key)
            typing_feed(sim);
        if (sim->pulse) {
            sim->pulse_cycles = pulse_cycles(sim, host_seconds() - start);
            sim->pulse(sim->pulse_arg);
        }
    }
}

static enum sim_err run(struct sim *sim, const struct run_limits *limits, struct sim_stop *stop)
{
    enum sim_err err = check_idle(sim);

    if (err)
        return err;
    sim->running = true;
    if (sim->pulse || typing_due(sim) != SIM_NEVER)
        run_in_slices(sim, limits, stop);
    else
        sched_run(sim, limits, stop);
    sim->running = false;
    sim->last_stop = *stop;
    return SIM_OK;
}

enum sim_err sim_run_steps(struct sim *sim, sim_steps steps, struct sim_stop *stop)
{
    struct run_limits limits = { .step = steps > UINT64_MAX - sim->step ? UINT64_MAX : sim->step + steps, .cycle = SIM_NEVER, .only_cpu = -1 };

    return run(sim, &limits, stop);
}

enum sim_err sim_run_until(struct sim *sim, sim_cycles cycle, struct sim_stop *stop)
{
    struct run_limits limits = { .step = UINT64_MAX, .cycle = cycle, .only_cpu = -1 };

    return run(sim, &limits, stop);
}

enum sim_err sim_run_to(struct sim *sim, sim_steps step, sim_cycles cycle, struct sim_stop *stop)
{
    struct run_limits limits = { .step = step, .cycle = cycle, .only_cpu = -1 };

    return run(sim, &limits, stop);
}

enum sim_err sim_step_cpu(struct sim *sim, unsigned cpu, struct sim_stop *stop)
{
    struct run_limits limits = { .step = UINT64_MAX, .cycle = SIM_NEVER, .only_cpu = (int)cpu };
    enum sim_err err;

    cpu_or_fail(sim, cpu, &err);
    return err ? err : run(sim, &limits, stop);
}

void sim_interrupt(struct sim *sim)
{
    atomic_store(&sim->interrupted, true);
}

void sim_on_pulse(struct sim *sim, sim_pulse_fn *fn, void *arg)
{
    sim->pulse = fn;
    sim->pulse_arg = arg;
    sim->pulse_cycles = PULSE_MIN_CYCLES;
}

uint64_t sim_clock_hz(const struct sim *sim)
{
    return sim->clock.freq_hz;
}

struct sim_position sim_position(const struct sim *sim)
{
    return sched_position(sim);
}

unsigned sim_cpus(const struct sim *sim)
{
    return cpu_count(sim->cluster);
}

const char *sim_cpu_activity(const struct sim *sim, unsigned number)
{
    const struct cpu *cpu = cpu_get(sim->cluster, number);

    return cpu ? cpu_activity_name(cpu->activity) : "";
}

uint64_t sim_retired(const struct sim *sim)
{
    uint64_t sum = 0;

    for (unsigned n = 0; n < cpu_count(sim->cluster); n++)
        sum += cpu_get(sim->cluster, n)->retired;
    return sum;
}

uint64_t sim_digest(struct sim *sim)
{
    return state_digest(sim);
}

void sim_last_stop(const struct sim *sim, struct sim_stop *stop)
{
    *stop = sim->last_stop;
}

/* ---- Input ---- */

enum sim_err sim_input_bytes(struct sim *sim, const char *channel, const void *data, size_t len)
{
    if (channel[0] == '@' || strcmp(channel, "keyboard") == 0 || strcmp(channel, "mouse") == 0)
        return sim_fail(SIM_ERR_USAGE, "channel '%s' takes no bytes", channel);
    return input_enqueue(sim, channel, 0, data, len);
}

enum sim_err sim_input_key(struct sim *sim, uint8_t usage, bool down)
{
    struct sim_key key = { .usage = usage, .down = down };

    return input_enqueue(sim, "keyboard", 0, &key, sizeof(key));
}

enum sim_err sim_input_mouse(struct sim *sim, int dx, int dy, int dz, unsigned buttons)
{
    struct sim_mouse m = { .dx = (int16_t)dx, .dy = (int16_t)dy, .dz = (int16_t)dz, .buttons = (uint8_t)buttons };

    if (dx != m.dx || dy != m.dy || dz != m.dz || buttons > 7)
        return sim_fail(SIM_ERR_USAGE, "mouse movement or buttons out of range");
    return input_enqueue(sim, "mouse", 0, &m, sizeof(m));
}

enum sim_err sim_input_reset(struct sim *sim)
{
    return input_enqueue(sim, "@reset", 0, NULL, 0);
}

/* ---- Output ---- */

void sim_on_output(struct sim *sim, sim_output_fn *fn, void *arg)
{
    sim->output = fn;
    sim->output_arg = arg;
}

void sim_on_log(struct sim *sim, int level, sim_line_fn *fn, void *arg)
{
    sim->line = fn;
    sim->line_arg = arg;
    sim->log.level = (enum sim_log_level)level;
}

/* ---- Registers and memory ---- */

enum sim_err sim_reg_read(struct sim *sim, unsigned number, const char *name, uint64_t *value)
{
    enum sim_err err;
    struct cpu *cpu = cpu_or_fail(sim, number, &err);

    return err ? err : dbg_reg_read(cpu, name, value);
}

/* A debugger's writes are inputs: they enter at once, at the present position. */
static enum sim_err enter_now(struct sim *sim, const char *channel, unsigned cpu, struct sim_buf *b)
{
    enum sim_err err = b->failed ? sim_fail(SIM_ERR_NOMEM, "out of memory") : input_enqueue(sim, channel, cpu, b->data, b->len);

    if (!err) {
        sim->refused = SIM_OK;
        input_deliver(sim, false);
        err = sim->refused;
    }
    sim_buf_fini(b);
    return err;
}

enum sim_err sim_reg_write(struct sim *sim, unsigned number, const char *name, uint64_t value)
{
    struct sim_buf b = SIM_BUF_INIT;
    uint64_t old;
    enum sim_err err = check_idle(sim);
    struct cpu *cpu;

    if (!err)
        cpu = cpu_or_fail(sim, number, &err);
    if (!err)
        err = dbg_reg_read(cpu, name, &old); /* it exists */
    if (err)
        return err;
    sim_buf_u64(&b, value);
    sim_buf_str(&b, name);
    return enter_now(sim, "@reg", number, &b);
}

enum sim_err sim_reg_read_bytes(struct sim *sim, unsigned number, const char *name, void *out, size_t room, size_t *len)
{
    enum sim_err err;
    struct cpu *cpu = cpu_or_fail(sim, number, &err);

    return err ? err : dbg_reg_get(cpu, name, out, room, len);
}

enum sim_err sim_reg_write_bytes(struct sim *sim, unsigned number, const char *name, const void *data, size_t len)
{
    struct sim_buf b = SIM_BUF_INIT;
    uint8_t old[32];
    size_t bytes;
    enum sim_err err = check_idle(sim);
    struct cpu *cpu;

    if (!err)
        cpu = cpu_or_fail(sim, number, &err);
    if (!err)
        err = dbg_reg_get(cpu, name, old, sizeof(old), &bytes); /* it exists */
    if (!err && len != bytes)
        err = sim_fail(SIM_ERR_USAGE, "%s has %zu bytes, not %zu", name, bytes, len);
    if (err)
        return err;
    sim_buf_str(&b, name);
    sim_buf_put(&b, data, len);
    return enter_now(sim, "@reg-bytes", number, &b);
}

static enum sim_err copied(size_t got, size_t len, uint64_t addr, size_t *done)
{
    if (done)
        *done = got;
    if (got == len)
        return SIM_OK;
    return sim_fail(SIM_ERR_FAULT, "nothing can be reached at 0x%llx", (unsigned long long)(addr + got));
}

enum sim_err sim_mem_read(struct sim *sim, unsigned number, enum sim_space space, uint64_t addr, void *out, size_t len, size_t *done)
{
    enum sim_err err;
    struct cpu *cpu = cpu_or_fail(sim, number, &err);

    if (err)
        return err;
    return copied(space == SIM_PHYSICAL ? bus_peek(sim->bus, addr, out, len) : cpu_peek(cpu, addr, out, len), len, addr, done);
}

enum sim_err sim_mem_write(struct sim *sim, unsigned number, enum sim_space space, uint64_t addr, const void *in, size_t len, size_t *done)
{
    struct sim_buf b = SIM_BUF_INIT;
    enum sim_err err = check_idle(sim);
    struct cpu *cpu;
    size_t reachable;

    if (!err)
        cpu = cpu_or_fail(sim, number, &err);
    if (err)
        return err;
    reachable = space == SIM_PHYSICAL ? bus_poke(sim->bus, addr, NULL, len) : cpu_poke(cpu, addr, NULL, len);
    if (!reachable)
        return copied(0, len, addr, done);
    sim_buf_u8(&b, (uint8_t)space);
    sim_buf_u64(&b, addr);
    sim_buf_put(&b, in, reachable);
    err = enter_now(sim, "@mem", number, &b);
    return err ? err : copied(reachable, len, addr, done);
}

/* ---- Time travel ---- */

enum sim_err sim_timeline(struct sim *sim, bool on, uint64_t budget_bytes)
{
    enum sim_err err = check_idle(sim);

    if (err)
        return err;
    timeline_destroy(sim);
    sim->furthest_step = sim->step;
    return on ? timeline_create(sim, budget_bytes) : SIM_OK;
}

void sim_timeline_range(const struct sim *sim, sim_steps *first, sim_steps *last)
{
    *first = timeline_first(sim);
    *last = sim->furthest_step;
}

enum sim_err sim_goto(struct sim *sim, sim_steps step, struct sim_stop *stop)
{
    enum sim_err err = check_idle(sim);

    if (err)
        return err;
    sim->running = true;
    err = timeline_goto(sim, step, stop);
    sim->running = false;
    if (!err)
        sim->last_stop = *stop;
    return err;
}

enum sim_err sim_reverse_steps(struct sim *sim, sim_steps steps, struct sim_stop *stop)
{
    sim_steps first = timeline_first(sim);
    bool short_of = steps > sim->step - first;
    enum sim_err err = sim_goto(sim, short_of ? first : sim->step - steps, stop);

    if (!err && short_of) {
        stop->reason = SIM_STOP_START;
        snprintf(stop->text, sizeof(stop->text), "the start of the timeline");
        sim->last_stop = *stop;
    }
    return err;
}

enum sim_err sim_reverse_step_cpu(struct sim *sim, unsigned number, struct sim_stop *stop)
{
    enum sim_err err = check_idle(sim);

    if (!err)
        cpu_or_fail(sim, number, &err);
    if (err)
        return err;
    sim->running = true;
    err = timeline_reverse_step_cpu(sim, number, stop);
    sim->running = false;
    if (!err)
        sim->last_stop = *stop;
    return err;
}

enum sim_err sim_reverse_run(struct sim *sim, struct sim_stop *stop)
{
    enum sim_err err = check_idle(sim);

    if (err)
        return err;
    sim->running = true;
    err = timeline_reverse_run(sim, stop);
    sim->running = false;
    if (!err)
        sim->last_stop = *stop;
    return err;
}
