/*
 * Named wires: device.h, "Wires".
 */
#include "bus/private.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* A wire that its own sinks keep toggling would never come to rest. */
#define PENDING_MAX 256

struct sink {
    struct sink *next;
    bus_wire_sink_fn *fn; /* of somebody who is no device, with arg; or */
    void *arg;
    struct sim_device *dev; /* a device, with device_fn and pin */
    sim_wire_fn *device_fn;
    unsigned pin;
};

struct driver {
    struct sim_device *dev; /* NULL: the machine's */
    bool level;
};

struct sim_wire {
    struct sim_wire *next;
    struct bus *bus;
    char *name;
    struct driver *driver;
    uint32_t drivers, high; /* high: how many of them are */
    bool level;
    bool busy;        /* the sinks are being told */
    uint32_t pending; /* changes that they have not been told yet */
    struct sink *sinks;
};

struct bus_wires {
    struct sim_wire *first; /* by name */
};

static struct sim_wire *find(struct bus *bus, const char *name)
{
    struct sim_wire *w = bus->wires->first;

    while (w && strcmp(w->name, name))
        w = w->next;
    return w;
}

/* The wire of that name, made if need be; NULL: no memory. */
static struct sim_wire *wire_named(struct bus *bus, const char *name)
{
    struct sim_wire *w = find(bus, name), **at = &bus->wires->first;

    if (w)
        return w;
    w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->bus = bus;
    w->name = strdup(name);
    if (!w->name) {
        free(w);
        return NULL;
    }
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    w->next = *at;
    *at = w;
    return w;
}

static enum sim_err add_driver(struct bus *bus, struct sim_device *dev, struct sim_wire_driver *out, const char *name)
{
    struct sim_wire *w = wire_named(bus, name);
    struct driver *driver = w ? realloc(w->driver, (w->drivers + 1) * sizeof(*driver)) : NULL;

    if (!driver)
        return sim_fail(SIM_ERR_NOMEM, "wire %s", name);
    w->driver = driver;
    w->driver[w->drivers] = (struct driver){ dev, false };
    out->wire = w;
    out->index = w->drivers++;
    return SIM_OK;
}

static enum sim_err add_sink(struct bus *bus, const char *name, struct sink sink)
{
    struct sim_wire *w = wire_named(bus, name);
    struct sink *s = w ? malloc(sizeof(*s)) : NULL, **at;

    if (!s)
        return sim_fail(SIM_ERR_NOMEM, "wire %s", name);
    *s = sink;
    for (at = &w->sinks; *at; at = &(*at)->next)
        ;
    *at = s;
    return SIM_OK;
}

static void tell(struct sim_wire *w, bool level)
{
    for (const struct sink *s = w->sinks; s; s = s->next) {
        if (s->fn)
            s->fn(s->arg, level);
        else
            s->device_fn(s->dev, s->pin, level);
    }
}

/* The wire has a new level: tells the sinks of each change in turn. */
static void changed(struct sim_wire *w)
{
    uint32_t told = 0;

    w->pending++;
    if (w->busy)
        return;
    w->busy = true;
    while (w->pending) {
        /* Changes alternate, so the level before the last of n pending ones is known. */
        bool level = w->level ^ (~w->pending & 1);

        w->pending--;
        tell(w, level);
        if (++told == PENDING_MAX) {
            sim_log_unmodelled(w->bus->log, "bus", w->name, "the sinks of this wire keep toggling it; not followed further");
            if (w->pending & 1)
                tell(w, w->level);
            w->pending = 0;
        }
    }
    w->busy = false;
}

/* ---- Device side ---- */

enum sim_err sim_wire_drive(struct sim_device *dev, struct sim_wire_driver *out, const char *name)
{
    return add_driver(dev->bus, dev, out, name);
}

enum sim_err sim_wire_listen(struct sim_device *dev, const char *name, unsigned pin, sim_wire_fn *fn)
{
    return add_sink(dev->bus, name, (struct sink){ .dev = dev, .device_fn = fn, .pin = pin });
}

void sim_wire_set(struct sim_wire_driver *driver, bool level)
{
    struct sim_wire *w = driver->wire;
    struct driver *d;

    if (!w)
        return;
    d = &w->driver[driver->index];
    if (d->level == level)
        return;
    d->level = level;
    w->high += level ? 1 : -1;
    if (w->level == (w->high > 0))
        return;
    w->level = w->high > 0;
    changed(w);
}

void sim_wire_pulse(struct sim_wire_driver *driver)
{
    sim_wire_set(driver, false);
    sim_wire_set(driver, true);
    sim_wire_set(driver, false);
}

bool sim_wire_level(const struct sim_wire_driver *driver)
{
    return driver->wire && driver->wire->level;
}

/* ---- CPU and machine side ---- */

enum sim_err bus_wire_sink(struct bus *bus, const char *name, bus_wire_sink_fn *fn, void *arg)
{
    return add_sink(bus, name, (struct sink){ .fn = fn, .arg = arg });
}

bool bus_wire_level(struct bus *bus, const char *name)
{
    const struct sim_wire *w = find(bus, name);

    return w && w->level;
}

enum sim_err bus_wire_source(struct bus *bus, struct sim_wire_driver *out, const char *name)
{
    return add_driver(bus, NULL, out, name);
}

void bus_wires_format(struct bus *bus, struct sim_buf *out)
{
    for (const struct sim_wire *w = bus->wires->first; w; w = w->next) {
        sim_buf_printf(out, "%-16s %d", w->name, w->level);
        for (uint32_t i = 0; i < w->drivers; i++)
            sim_buf_printf(out, "%s%s=%d", i ? ", " : "  ", w->driver[i].dev ? w->driver[i].dev->name : "machine",
                           w->driver[i].level);
        sim_buf_printf(out, "\n");
    }
}

/* ---- State: by wire, in order of name, the level of each driver ---- */

static const struct sim_wire *next_driven(const struct sim_wire *w)
{
    while (w && !w->drivers)
        w = w->next;
    return w;
}

static void wires_pack(const void *member, struct sim_buf *out)
{
    const struct bus_wires *wires = *(struct bus_wires *const *)member;

    for (const struct sim_wire *w = next_driven(wires->first); w; w = next_driven(w->next)) {
        sim_buf_str(out, w->name);
        sim_buf_u32(out, w->drivers);
        for (uint32_t i = 0; i < w->drivers; i++)
            sim_buf_u8(out, w->driver[i].level);
    }
}

static enum sim_err wires_unpack(void *member, struct sim_reader *in)
{
    struct bus_wires *wires = *(struct bus_wires **)member;

    for (struct sim_wire *w = wires->first; w; w = w->next) {
        char name[256];
        const uint8_t *levels;

        if (!w->drivers)
            continue;
        sim_reader_str(in, name, sizeof(name));
        if (in->failed || strcmp(name, w->name))
            return sim_fail(SIM_ERR_FORMAT, "levels of wire %s are missing", w->name);
        if (sim_reader_u32(in) != w->drivers)
            return sim_fail(SIM_ERR_FORMAT, "wire %s has another number of drivers", w->name);
        levels = sim_reader_take(in, w->drivers);
        w->high = 0;
        for (uint32_t i = 0; levels && i < w->drivers; i++) {
            w->driver[i].level = levels[i] & 1;
            w->high += w->driver[i].level;
        }
        w->level = w->high > 0;
    }
    return SIM_OK;
}

const struct sim_field_custom bus_wires_custom = { wires_pack, wires_unpack };

/* ---- Life ---- */

struct bus_wires *bus_wires_create(void)
{
    return calloc(1, sizeof(struct bus_wires));
}

void bus_wires_leave(struct bus *bus, struct sim_device *dev)
{
    for (struct sim_wire *w = bus->wires->first; w; w = w->next) {
        for (struct sink **at = &w->sinks; *at;) {
            struct sink *s = *at;

            if (s->dev != dev) {
                at = &s->next;
                continue;
            }
            *at = s->next;
            free(s);
        }
        while (w->drivers && w->driver[w->drivers - 1].dev == dev) {
            w->high -= w->driver[--w->drivers].level;
            w->level = w->high > 0;
        }
        for (uint32_t i = 0; i < w->drivers; i++)
            if (w->driver[i].dev == dev)
                w->driver[i].dev = NULL;
    }
}

void bus_wires_destroy(struct bus_wires *wires)
{
    while (wires && wires->first) {
        struct sim_wire *w = wires->first;

        wires->first = w->next;
        while (w->sinks) {
            struct sink *s = w->sinks;

            w->sinks = s->next;
            free(s);
        }
        free(w->driver);
        free(w->name);
        free(w);
    }
    free(wires);
}
