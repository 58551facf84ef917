#include "libsim/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/parallel.h"
#include "devices/pc_testdev.h"
#include "devices/uart.h"
#include "libsim/options.h"

struct plugin {
    struct plugin *next;
    void *handle;
    const struct sim_device_class *const *classes;
};

/* Built-in classes that it makes sense to have more of, or that no pc has by itself. */
static const struct sim_device_class *const built_in[] = { &uart_class, &parallel_class, &pc_testdev_class, NULL };

const struct sim_device_class *plugin_built_in(unsigned n)
{
    return n < sizeof(built_in) / sizeof(built_in[0]) - 1 ? built_in[n] : NULL;
}

static enum sim_err open_plugin(struct sim *sim, const char *path)
{
    struct plugin *p = calloc(1, sizeof(*p));

    if (!p)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!p->handle) {
        free(p);
        return sim_fail(SIM_ERR_IO, "plugin %s", dlerror());
    }
    p->next = sim->plugins;
    sim->plugins = p;
    p->classes = dlsym(p->handle, "sim_plugin_classes");
    if (!p->classes)
        return sim_fail(SIM_ERR_FORMAT, "plugin %s: exports no sim_plugin_classes", path);
    return SIM_OK;
}

static const struct sim_device_class *find_in(const struct sim_device_class *const *classes, const char *name)
{
    for (; *classes; classes++)
        if ((*classes)->abi == SIM_DEVICE_ABI && strcmp((*classes)->name, name) == 0)
            return *classes;
    return NULL;
}

static const struct sim_device_class *find_class(const struct sim *sim, const char *name)
{
    const struct sim_device_class *cls = find_in(built_in, name);

    for (const struct plugin *p = sim->plugins; !cls && p; p = p->next)
        cls = find_in(p->classes, name);
    return cls;
}

#define MAX_PROPERTIES 32

/* "CLASS,PROP=VALUE,...": cuts `text` in place. */
static enum sim_err make_device(struct sim *sim, char *text, unsigned number)
{
    char name[48], *rest = NULL, *word = strtok_r(text, ",", &rest);
    const char *properties[2 * MAX_PROPERTIES + 1];
    const struct sim_device_class *cls = word ? find_class(sim, word) : NULL;
    unsigned count = 0;
    struct sim_device *dev;

    if (!cls)
        return sim_fail(SIM_ERR_UNKNOWN, "device %s: no such class", word ? word : "");
    snprintf(name, sizeof(name), "%.30s-%u", cls->name, number);
    while ((word = strtok_r(NULL, ",", &rest)) != NULL) {
        char *equals = strchr(word, '=');

        if (!equals || count == MAX_PROPERTIES)
            return sim_fail(SIM_ERR_USAGE, "device %s: '%s' is not PROP=VALUE", cls->name, word);
        *equals = 0;
        properties[2 * count] = word;
        properties[2 * count + 1] = equals + 1;
        count++;
    }
    properties[2 * count] = NULL;
    return bus_device_create(sim->bus, cls, name, properties, &dev);
}

enum sim_err plugin_devices(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    enum sim_err err = SIM_OK;

    for (unsigned n = 0; !err && n < o->plugins.count; n++)
        err = open_plugin(sim, o->plugins.item[n]);
    for (unsigned n = 0; !err && n < o->devices.count; n++) {
        char *text = strdup(o->devices.item[n]);

        err = text ? make_device(sim, text, n) : sim_fail(SIM_ERR_NOMEM, "out of memory");
        free(text);
    }
    return err;
}

void plugin_close_all(struct sim *sim)
{
    while (sim->plugins) {
        struct plugin *p = sim->plugins;

        sim->plugins = p->next;
        dlclose(p->handle);
        free(p);
    }
}
