/*
 * The one door out. What the guest sends leaves once, when the run first passes its position: outputs are counted, the count is state, and
 * only one that was never counted before is sent.
 */
#include "debug/dbg.h"
#include "libsim/machine.h"

static bool console_stops(struct sim *sim, const char *channel, const void *data, size_t len)
{
    struct cpu *cpu = sim->stepping ? sim->stepping : cpu_get(sim->cluster, sim->turn_cpu);

    if (!dbg_is_console(channel))
        return false;
    return dbg_console(sim->dbg, cpu, sim->stepping ? dbg_step_after(sim->dbg, cpu) : sim->step, channel, data, len);
}

void output_emit(void *arg, const char *channel, const void *data, size_t len)
{
    struct sim *sim = arg;
    bool first_time = sim->outputs_done++ >= sim->furthest_output;

    if (console_stops(sim, channel, data, len))
        sim->console_stop = sim->bus->look = true;
    if (!first_time)
        return;
    sim->furthest_output = sim->outputs_done;
    if (sim->output)
        sim->output(sim->output_arg, channel, data, len);
}
