/*
 * What there is to choose from: CPU models, device classes, and how much of the instruction set is built.
 */
#include <string.h>

#include "cpu/isa/isa.h"
#include "cpu/model.h"
#include "libsim/plugin.h"

bool sim_cpu_model(unsigned n, const char **name, const char **title)
{
    const struct cpu_model *model = cpu_model_at(n);

    if (!model)
        return false;
    *name = model->name;
    *title = model->title;
    return true;
}

bool sim_device_class(unsigned n, const char **name, const char **title)
{
    const struct sim_device_class *cls = plugin_built_in(n);

    if (!cls)
        return false;
    *name = cls->name;
    *title = cls->title;
    return true;
}

bool sim_device_property(unsigned device_class, unsigned n, const char **name, const char **initial, const char **doc)
{
    const struct sim_device_class *cls = plugin_built_in(device_class);
    const struct sim_property *p = cls ? cls->properties : NULL;

    while (p && p->name && n--)
        p++;
    if (!p || !p->name)
        return false;
    *name = p->name;
    *initial = p->initial ? p->initial : "";
    *doc = p->doc ? p->doc : "";
    return true;
}

char *sim_isa_coverage(void)
{
    struct sim_buf b = SIM_BUF_INIT;
    char *text;

    isa_coverage(&b);
    text = strdup(sim_buf_cstr(&b));
    sim_buf_fini(&b);
    return text;
}
