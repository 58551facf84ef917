/*
 * The one door out. What the guest sends leaves once, when the run first passes its position: outputs are counted, the count is state, and
 * only one that was never counted before is sent.
 */
#include "debug/dbg.h"
#include "libsim/machine.h"

void output_emit(void *arg, const char *channel, const void *data, size_t len)
{
    struct sim *sim = arg;
    bool first_time = sim->outputs_done++ >= sim->furthest_output;

    if (dbg_console(sim->dbg, channel, data, len))
        sim->console_stop = sim->bus->look = true;
    if (!first_time)
        return;
    sim->furthest_output = sim->outputs_done;
    if (sim->output)
        sim->output(sim->output_arg, channel, data, len);
}
