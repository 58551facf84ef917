/*
 * The one door in. Whatever changes the guest's course from outside passes here and is stamped with the position at which it took effect;
 * the log of what passed is what re-execution is fed with.
 */
#include <stdlib.h>
#include <string.h>

#include "debug/dbg.h"
#include "libsim/machine.h"

/* ---- The queue: from any thread ---- */

static bool grow(struct input **item, size_t *cap, size_t count)
{
    struct input *grown;

    if (count < *cap)
        return true;
    grown = realloc(*item, (*cap * 2 + 16) * sizeof(*grown));
    if (!grown)
        return false;
    *item = grown;
    *cap = *cap * 2 + 16;
    return true;
}

static bool accepted(const struct sim *sim, const char *channel)
{
    return channel[0] == '@' || bus_accepts_input(sim->bus, channel);
}

enum sim_err input_enqueue(struct sim *sim, const char *channel, unsigned cpu, const void *data, size_t len)
{
    struct input in = { .cpu = (uint16_t)cpu, .len = (uint32_t)len };
    enum sim_err err = SIM_OK;

    if (strlen(channel) >= sizeof(in.channel) || !accepted(sim, channel))
        return sim_fail(SIM_ERR_UNKNOWN, "no device takes input on channel '%s'", channel);
    if (len > 1u << 20)
        return sim_fail(SIM_ERR_USAGE, "input of %zu bytes: at most 1 MiB at a time", len);
    strcpy(in.channel, channel);
    in.data = malloc(len ? len : 1);
    if (!in.data)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    if (len)
        memcpy(in.data, data, len);
    pthread_mutex_lock(&sim->queue.lock);
    if (grow(&sim->queue.item, &sim->queue.cap, sim->queue.count)) {
        sim->queue.item[sim->queue.count++] = in;
        atomic_store(&sim->queue.waiting, true);
    } else {
        free(in.data);
        err = sim_fail(SIM_ERR_NOMEM, "out of memory");
    }
    pthread_mutex_unlock(&sim->queue.lock);
    return err;
}

/* ---- Effect ---- */

/* "@mem": space (1 byte), address (8), bytes. "@reg": value (8), name. "@reg-bytes": name, bytes. */
static void write_memory(struct sim *sim, const struct input *in)
{
    struct sim_reader r = sim_reader_over(in->data, in->len);
    bool physical = sim_reader_u8(&r) == SIM_PHYSICAL;
    uint64_t addr = sim_reader_u64(&r);
    struct cpu *cpu = cpu_get(sim->cluster, in->cpu);

    if (r.failed || !cpu)
        return;
    if (physical)
        bus_poke(sim->bus, addr, in->data + r.pos, in->len - r.pos);
    else
        cpu_poke(cpu, addr, in->data + r.pos, in->len - r.pos);
}

static enum sim_err write_register(struct sim *sim, const struct input *in)
{
    struct sim_reader r = sim_reader_over(in->data, in->len);
    uint64_t value = sim_reader_u64(&r);
    struct cpu *cpu = cpu_get(sim->cluster, in->cpu);
    char name[32];

    sim_reader_str(&r, name, sizeof(name));
    return r.failed || !cpu ? sim_fail(SIM_ERR_UNKNOWN, "the name of a register has at most %zu characters", sizeof(name) - 1) : dbg_reg_write(cpu, name, value);
}

static enum sim_err write_register_bytes(struct sim *sim, const struct input *in)
{
    struct sim_reader r = sim_reader_over(in->data, in->len);
    struct cpu *cpu = cpu_get(sim->cluster, in->cpu);
    char name[32];

    sim_reader_str(&r, name, sizeof(name));
    return r.failed || !cpu ? sim_fail(SIM_ERR_UNKNOWN, "the name of a register has at most %zu characters", sizeof(name) - 1)
                            : dbg_reg_set(cpu, name, in->data + r.pos, in->len - r.pos);
}

/* Only a debugger's write can be refused: it has no effect then. */
static enum sim_err apply(struct sim *sim, const struct input *in)
{
    sched_reset(sim); /* one that came before, at the same position */
    if (strcmp(in->channel, "@reset") == 0)
        sim->request.reset = true;
    else if (strcmp(in->channel, "@mem") == 0)
        write_memory(sim, in);
    else if (strcmp(in->channel, "@reg") == 0)
        return write_register(sim, in);
    else if (strcmp(in->channel, "@reg-bytes") == 0)
        return write_register_bytes(sim, in);
    else
        bus_input(sim->bus, in->channel, in->data, in->len);
    return SIM_OK;
}

/* Devices see the input at the machine's present cycle. */
static void at_present(struct sim *sim)
{
    sim_cycles now = sched_now(sim);

    if (now > sim->clock.now)
        sim->clock.now = now;
}

/* ---- The log ---- */

/* item[inputs_done] is the next that is due: what lies before it has had its effect, and inputs_done is state. */
static void free_inputs(struct input_log *log, size_t from)
{
    for (size_t n = from; n < log->count; n++)
        free(log->item[n].data);
    if (log->count > from)
        log->count = from;
}

bool input_next(const struct sim *sim, struct sim_position *at)
{
    if (sim->inputs_done >= sim->inputs.count)
        return false;
    *at = sim->inputs.item[sim->inputs_done].position;
    return true;
}

static bool due(const struct sim *sim, struct sim_position when)
{
    struct sim_position at = sched_position(sim);

    return when.step < at.step || (when.step == at.step && when.cycle <= at.cycle);
}

static void replay_due(struct sim *sim)
{
    struct sim_position when;

    while (input_next(sim, &when) && due(sim, when)) {
        at_present(sim);
        apply(sim, &sim->inputs.item[sim->inputs_done++]);
    }
}

/* One waiting input enters the run. */
static void enter(struct sim *sim, struct input *in)
{
    enum sim_err err;

    at_present(sim);
    in->position = sched_position(sim);
    if (!grow(&sim->inputs.item, &sim->inputs.cap, sim->inputs.count)) {
        sim_log(&sim->log, SIM_LOG_ERROR, "input", "out of memory: an input is lost");
        free(in->data);
        return;
    }
    sim->inputs.item[sim->inputs.count++] = *in;
    sim->inputs_done++;
    err = apply(sim, in);
    if (err) { /* as if it had not come */
        sim->refused = err;
        sim->inputs_done--;
        free_inputs(&sim->inputs, sim->inputs.count - 1);
    }
}

/* Input given in the past begins a new future. */
static void forget_future(struct sim *sim)
{
    free_inputs(&sim->inputs, sim->inputs_done);
    sim->furthest_output = sim->outputs_done;
    sim->furthest_step = sim->step;
    timeline_forget_future(sim);
}

void input_deliver(struct sim *sim, bool past)
{
    struct input_queue *q = &sim->queue;

    replay_due(sim);
    if (past || !atomic_load(&q->waiting))
        return;
    sched_settle(sim);
    pthread_mutex_lock(&q->lock);
    forget_future(sim);
    for (size_t n = 0; n < q->count; n++)
        enter(sim, &q->item[n]);
    q->count = 0;
    atomic_store(&q->waiting, false);
    pthread_mutex_unlock(&q->lock);
}

void input_init(struct sim *sim)
{
    pthread_mutex_init(&sim->queue.lock, NULL);
}

void input_fini(struct sim *sim)
{
    for (size_t n = 0; n < sim->queue.count; n++)
        free(sim->queue.item[n].data);
    free(sim->queue.item);
    free_inputs(&sim->inputs, 0);
    free(sim->inputs.item);
    pthread_mutex_destroy(&sim->queue.lock);
}
