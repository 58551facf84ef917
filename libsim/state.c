/*
 * All components of a machine together: what a checkpoint holds and a digest covers, besides the pages.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "libsim/machine.h"

static const struct sim_field clock_fields[] = {
    SIM_FIELD(struct sim_clock, now, "cycle of the last event or of the last step that reached the bus"),
    SIM_FIELD_END
};

/* What a step or an input has asked for, and the next round carries out. */
static const struct sim_field request_fields[] = {
    SIM_FIELD(struct machine_request, reset, ""),
    SIM_FIELD(struct machine_request, power_off, ""),
    SIM_FIELD(struct machine_request, exit, "by the debug-exit port"),
    SIM_FIELD(struct machine_request, exit_code, ""),
    SIM_FIELD_END
};

static const struct sim_field machine_fields[] = {
    SIM_FIELD(struct sim, step, "machine steps"),
    SIM_FIELD(struct sim, turn_seed, "generator of turns; 0: fixed quantum"),
    SIM_FIELD(struct sim, turn_cpu, "whose turn it is"),
    SIM_FIELD(struct sim, turn_end, "cycle at which the turn ends"),
    SIM_FIELD(struct sim, powered_off, ""),
    SIM_FIELD(struct sim, inputs_done, "inputs that had their effect"),
    SIM_FIELD(struct sim, outputs_done, "outputs emitted"),
    SIM_FIELD_STRUCT(struct sim, clock, clock_fields, ""),
    SIM_FIELD_STRUCT(struct sim, request, request_fields, "still to be carried out"),
    SIM_FIELD_END
};

static void machine_loaded(void *object)
{
    struct sim *sim = object;

    if (sim->turn_cpu >= cpu_count(sim->cluster))
        sim->turn_cpu = 0;
    sim->request.error = false;
}

static bool add(struct sim *sim, const struct sim_component *c)
{
    const struct sim_component **grown;

    if (!c)
        return true;
    grown = realloc(sim->components, (sim->component_count + 1) * sizeof(*grown));
    if (!grown)
        return false;
    sim->components = grown;
    sim->components[sim->component_count++] = c;
    return true;
}

enum sim_err state_list(struct sim *sim)
{
    struct sim_device *dev = NULL;
    bool ok;

    sim->component_count = 0;
    sim->self = (struct sim_component){ "machine", 1, machine_fields, sim, NULL, machine_loaded };
    ok = add(sim, &sim->self) && add(sim, bus_component(sim->bus));
    while (ok && (dev = bus_device_next(sim->bus, dev)) != NULL)
        ok = add(sim, bus_device_component(dev));
    for (unsigned n = 0; ok && n < cpu_count(sim->cluster); n++)
        ok = add(sim, cpu_component(cpu_get(sim->cluster, n))) && add(sim, cpu_lapic_component(cpu_get(sim->cluster, n)));
    return ok ? SIM_OK : sim_fail(SIM_ERR_NOMEM, "out of memory");
}

void state_pack(struct sim *sim, struct sim_buf *out)
{
    for (unsigned n = 0; n < sim->component_count; n++) {
        const struct sim_component *c = sim->components[n];

        if (c->settle)
            c->settle(c->object);
        sim_fields_pack(c->fields, c->object, out);
    }
}

enum sim_err state_unpack(struct sim *sim, struct sim_reader *in)
{
    for (unsigned n = 0; n < sim->component_count; n++) {
        enum sim_err err = sim_fields_unpack(sim->components[n]->fields, sim->components[n]->object, in);

        if (err)
            return sim_fail(err, "checkpoint: the state of %s is damaged", sim->components[n]->name);
    }
    for (unsigned n = 0; n < sim->component_count; n++)
        if (sim->components[n]->loaded)
            sim->components[n]->loaded(sim->components[n]->object);
    return SIM_OK;
}

uint64_t state_digest(struct sim *sim)
{
    struct sim_buf b = SIM_BUF_INIT;
    uint64_t digest;

    sim_buf_u64(&b, sim->config_digest);
    state_pack(sim, &b);
    for (struct bus_ram *ram = sim->bus->memory.first; ram; ram = ram->next)
        if (ram->state) {
            sim_buf_str(&b, ram->name);
            sim_buf_u64(&b, bus_ram_hash(ram));
        }
    digest = XXH3_64bits(b.data, b.len);
    sim_buf_fini(&b);
    return digest;
}
