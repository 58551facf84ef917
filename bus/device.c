/*
 * Instances of devices, and what they may call, but for wires, PCI and media.
 */
#include "bus/device.h"

#include "base/error.h"
#include "bus/private.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What belongs to an instance. */
struct owned_region {
    struct owned_region *next;
    struct bus_region region;
    struct bus_space *space;
    char name[];
};

struct owned_event {
    struct owned_event *next;
    struct sim_event *ev;
    struct sim_device *dev;
    void (*fn)(struct sim_device *dev);
};

struct owned_ram {
    struct owned_ram *next;
    struct bus_ram *ram;
};

/* Lies right before the device's own struct. */
struct instance {
    _Alignas(16) struct instance *next;
    struct owned_region *regions;
    struct owned_event *events;
    struct owned_ram *rams;
    char **strings; /* values of its string properties */
    size_t strings_count;
    bool failed; /* ran out of memory where no error could be returned */
    struct sim_component component;
};

struct input {
    struct input *next;
    struct sim_device *dev;
    char channel[];
};

struct eoi_listener {
    struct eoi_listener *next;
    struct sim_device *dev;
    void (*fn)(struct sim_device *dev, uint8_t vector);
};

struct bus_devices {
    struct instance *first;
    struct input *inputs;
    struct eoi_listener *eois;
    uint16_t made;
};

static struct instance *instance_of(const struct sim_device *dev)
{
    return (struct instance *)(uintptr_t)dev - 1;
}

static struct sim_device *device_of(struct instance *inst)
{
    return (struct sim_device *)(inst + 1);
}

/* ---- Properties ---- */

static void *member(struct sim_device *dev, const struct sim_property *p)
{
    return (uint8_t *)dev + p->offset;
}

static bool parse_uint(const char *text, uint64_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned shift = 0;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *out = strtoull(hex ? text + 2 : text, &end, hex ? 16 : 10);
    if (errno || end == text + (hex ? 2 : 0))
        return false;
    switch (*end) {
    case 'k': case 'K': shift = 10; end++; break;
    case 'm': case 'M': shift = 20; end++; break;
    case 'g': case 'G': shift = 30; end++; break;
    }
    if (*end || *out > UINT64_MAX >> shift)
        return false;
    *out <<= shift;
    return true;
}

static bool parse_bool(const char *text, bool *out)
{
    static const char *const words[2][4] = { { "off", "no", "false", "0" }, { "on", "yes", "true", "1" } };

    for (unsigned v = 0; v < 2; v++) {
        for (unsigned i = 0; i < 4; i++) {
            if (!strcmp(text, words[v][i])) {
                *out = v;
                return true;
            }
        }
    }
    return false;
}

static enum sim_err property_set(struct sim_device *dev, const struct sim_property *p, const char *text)
{
    struct instance *inst = instance_of(dev);
    char **strings, *copy;
    uint64_t number;

    switch (p->kind) {
    case SIM_PROPERTY_UINT:
        if (!parse_uint(text, &number))
            return sim_fail(SIM_ERR_USAGE, "%s: %s=%s: not a number", dev->name, p->name, text);
        if ((p->min || p->max) && (number < p->min || number > p->max))
            return sim_fail(SIM_ERR_USAGE, "%s: %s=%s: %" PRIu64 " to %" PRIu64 " (%s)", dev->name, p->name, text,
                            p->min, p->max, p->doc);
        memcpy(member(dev, p), &number, sizeof(number));
        return SIM_OK;
    case SIM_PROPERTY_BOOL:
        if (!parse_bool(text, (bool *)member(dev, p)))
            return sim_fail(SIM_ERR_USAGE, "%s: %s=%s: on or off (%s)", dev->name, p->name, text, p->doc);
        return SIM_OK;
    case SIM_PROPERTY_STRING:
        strings = realloc(inst->strings, (inst->strings_count + 1) * sizeof(*strings));
        copy = strdup(text);
        if (strings)
            inst->strings = strings;
        if (!strings || !copy) {
            free(copy);
            return sim_fail(SIM_ERR_NOMEM, "%s: %s", dev->name, p->name);
        }
        inst->strings[inst->strings_count++] = copy;
        memcpy(member(dev, p), &copy, sizeof(copy));
        return SIM_OK;
    }
    return sim_fail(SIM_ERR_USAGE, "%s: property %s is of no known kind", dev->cls->name, p->name);
}

static enum sim_err unknown_property(const struct sim_device *dev, const char *name)
{
    const struct sim_property *p = dev->cls->properties;
    char list[256] = "none";
    size_t n = 0;

    for (; p && p->name && n < sizeof(list); p++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", p->name);
    return sim_fail(SIM_ERR_UNKNOWN, "%s: no property %s; %s has: %s", dev->name, name, dev->cls->name, list);
}

static enum sim_err properties_set(struct sim_device *dev, const char *const *given)
{
    const struct sim_property *p;
    enum sim_err err;

    for (p = dev->cls->properties; p && p->name; p++) {
        err = p->initial ? property_set(dev, p, p->initial) : SIM_OK;
        if (err)
            return err;
    }
    for (; given && given[0]; given += 2) {
        for (p = dev->cls->properties; p && p->name && strcmp(p->name, given[0]); p++)
            ;
        if (!p || !p->name)
            return unknown_property(dev, given[0]);
        if (!given[1])
            return sim_fail(SIM_ERR_USAGE, "%s: %s has no value", dev->name, given[0]);
        for (const char *const *later = given + 2; later[0]; later += 2)
            if (!strcmp(later[0], given[0]))
                return sim_fail(SIM_ERR_USAGE, "%s: %s is given twice", dev->name, given[0]);
        err = property_set(dev, p, given[1]);
        if (err)
            return err;
    }
    return SIM_OK;
}

/* ---- Instances ---- */

static void component_loaded(void *object)
{
    struct sim_device *dev = object;

    if (dev->cls->loaded)
        dev->cls->loaded(dev);
}

/* Takes regions that lie in the device's struct (memory maps of bridges) out of a tree. */
static void regions_leave(struct bus_space *space, struct bus_region *parent, const struct sim_device *dev)
{
    uintptr_t first = (uintptr_t)dev, last = first + dev->cls->instance_size;

    for (struct bus_region *r = parent->children, *next; r; r = next) {
        next = r->sibling;
        regions_leave(space, r, dev);
        if ((uintptr_t)r >= first && (uintptr_t)r < last)
            bus_region_remove(space, r);
    }
}

/* Takes the instance out of everything it joined, and frees it. */
static void instance_free(struct bus *bus, struct instance *inst)
{
    struct sim_device *dev = device_of(inst);

    bus_pci_leave(bus, dev);
    bus_wires_leave(bus, dev);
    if (bus->intack_dev == dev) {
        bus->intack_dev = NULL;
        bus->intack = NULL;
    }
    for (struct input **at = &bus->devices->inputs; *at;) {
        struct input *in = *at;

        if (in->dev != dev) {
            at = &in->next;
            continue;
        }
        *at = in->next;
        free(in);
    }
    for (struct eoi_listener **at = &bus->devices->eois; *at;) {
        struct eoi_listener *l = *at;

        if (l->dev != dev) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        free(l);
    }
    while (inst->events) {
        struct owned_event *e = inst->events;

        inst->events = e->next;
        sim_event_cancel(e->ev);
        free(e);
    }
    while (inst->regions) {
        struct owned_region *r = inst->regions;

        inst->regions = r->next;
        bus_region_remove(r->space, &r->region);
        free(r);
    }
    regions_leave(&bus->mem, &bus->mem.root, dev);
    regions_leave(&bus->io, &bus->io.root, dev);
    if (dev->cls->destroy)
        dev->cls->destroy(dev);
    while (inst->rams) {
        struct owned_ram *r = inst->rams;

        inst->rams = r->next;
        bus_ram_destroy(r->ram);
        free(r);
    }
    for (size_t i = 0; i < inst->strings_count; i++)
        free(inst->strings[i]);
    free(inst->strings);
    free((char *)(uintptr_t)dev->name);
    free(inst);
}

static enum sim_err check_class(struct bus *bus, const struct sim_device_class *cls, const char *name)
{
    if (cls->abi != SIM_DEVICE_ABI || cls->size != sizeof(*cls))
        return sim_fail(SIM_ERR_UNSUPPORTED, "device class was built for interface %u (%u bytes), this library has %u (%zu): "
                        "rebuild it", cls->abi, cls->size, SIM_DEVICE_ABI, sizeof(*cls));
    if (!cls->name || cls->instance_size < sizeof(struct sim_device))
        return sim_fail(SIM_ERR_USAGE, "device class %s: no name, or instances of %u bytes", cls->name ? cls->name : "?",
                        cls->instance_size);
    if (!name || !name[0])
        return sim_fail(SIM_ERR_USAGE, "%s: an instance needs a name", cls->name);
    if (bus_device_find(bus, name))
        return sim_fail(SIM_ERR_USAGE, "%s: there is a device %s already", cls->name, name);
    return SIM_OK;
}

static enum sim_err realize(struct sim_device *dev)
{
    char before[512];
    enum sim_err err;

    /* A device may fail without a word; then what an earlier call said must not stand for it. */
    snprintf(before, sizeof(before), "%s", sim_last_error());
    sim_fail(SIM_OK, "%s", "");
    err = dev->cls->realize ? dev->cls->realize(dev) : SIM_OK;
    if (!err && instance_of(dev)->failed)
        err = sim_fail(SIM_ERR_NOMEM, "%s: out of memory", dev->name);
    if (err && !sim_last_error()[0])
        sim_fail(err, "%s (%s): %s", dev->name, dev->cls->name, sim_err_text(err));
    if (!err)
        sim_fail(SIM_OK, "%s", before);
    return err;
}

enum sim_err bus_device_create(struct bus *bus, const struct sim_device_class *cls, const char *name,
                               const char *const *properties, struct sim_device **out)
{
    enum sim_err err = check_class(bus, cls, name);
    struct instance *inst, **at;
    struct sim_device *dev;

    if (err)
        return err;
    inst = calloc(1, sizeof(*inst) + cls->instance_size);
    if (!inst)
        return sim_fail(SIM_ERR_NOMEM, "%s: %u bytes", name, cls->instance_size);
    dev = device_of(inst);
    dev->cls = cls;
    dev->name = strdup(name);
    dev->component = bus_new_component(bus);
    dev->master = (uint16_t)(0xF000 + bus->devices->made);
    dev->bus = bus;
    dev->log = bus->log;
    inst->component = (struct sim_component){ dev->name, cls->version, cls->fields, dev, NULL, component_loaded };
    err = dev->name ? properties_set(dev, properties) : sim_fail(SIM_ERR_NOMEM, "%s", name);
    if (!err)
        err = realize(dev);
    if (err) {
        bus->components--;
        instance_free(bus, inst);
        return err;
    }
    bus->devices->made++;
    for (at = &bus->devices->first; *at; at = &(*at)->next)
        ;
    *at = inst;
    *out = dev;
    return SIM_OK;
}

struct sim_device *bus_device_find(struct bus *bus, const char *name)
{
    struct instance *inst = bus->devices->first;

    while (inst && strcmp(device_of(inst)->name, name))
        inst = inst->next;
    return inst ? device_of(inst) : NULL;
}

struct sim_device *bus_device_next(struct bus *bus, struct sim_device *after)
{
    struct instance *inst = after ? instance_of(after)->next : bus->devices->first;

    return inst ? device_of(inst) : NULL;
}

void bus_reset(struct bus *bus, enum sim_reset kind)
{
    for (struct instance *inst = bus->devices->first; inst; inst = inst->next)
        if (device_of(inst)->cls->reset)
            device_of(inst)->cls->reset(device_of(inst), kind);
}

bool bus_accepts_input(struct bus *bus, const char *channel)
{
    for (const struct input *in = bus->devices->inputs; in; in = in->next)
        if (!strcmp(in->channel, channel))
            return true;
    return false;
}

enum sim_err bus_input(struct bus *bus, const char *channel, const void *data, size_t len)
{
    for (struct input *in = bus->devices->inputs; in; in = in->next) {
        if (!strcmp(in->channel, channel)) {
            in->dev->cls->input(in->dev, channel, data, len);
            return SIM_OK;
        }
    }
    return sim_fail(SIM_ERR_UNKNOWN, "no device takes input on channel %s", channel);
}

const struct sim_component *bus_device_component(struct sim_device *dev)
{
    return &instance_of(dev)->component;
}

size_t bus_device_class_gap(const struct sim_device_class *cls)
{
    uint8_t *covered = calloc(1, cls->instance_size);
    size_t gap;

    if (!covered)
        sim_out_of_memory("map of a struct's bytes");
    memset(covered, 1, sizeof(struct sim_device));
    for (const struct sim_property *p = cls->properties; p && p->name; p++)
        memset(covered + p->offset, 1, p->kind == SIM_PROPERTY_BOOL ? sizeof(bool) : 8);
    gap = sim_fields_gap_beside(cls->fields, cls->instance_size, covered);
    free(covered);
    return gap;
}

uint32_t bus_new_component(struct bus *bus)
{
    return bus->components++;
}

/* ---- Address ranges ---- */

enum sim_err bus_device_region(struct sim_device *dev, struct sim_range *range, struct bus_space *space,
                               const struct bus_region *what, uint64_t first)
{
    struct instance *inst = instance_of(dev);
    struct owned_region *r = calloc(1, sizeof(*r) + strlen(what->name) + 1);
    enum sim_err err;

    if (!r)
        return sim_fail(SIM_ERR_NOMEM, "%s: range %s", dev->name, what->name);
    strcpy(r->name, what->name);
    r->space = space;
    r->region = *what;
    r->region.name = r->name;
    r->region.range = what->kind == BUS_REGION_DEVICE ? range : NULL;
    err = bus_region_add(space, NULL, &r->region, first);
    if (err) {
        free(r);
        return sim_fail(err, "%s: %s", dev->name, sim_last_error());
    }
    range->dev = dev;
    range->region = &r->region;
    r->next = inst->regions;
    inst->regions = r;
    return SIM_OK;
}

static bool size_ok(uint8_t size)
{
    return size <= 8 && (size & (size - 1)) == 0;
}

static enum sim_err map(struct sim_device *dev, struct sim_range *range, struct bus_space *space, const char *name,
                        uint64_t first, uint64_t length, const struct sim_range_ops *ops, enum sim_speed speed, int priority)
{
    struct bus_region what = {
        .name = name, .kind = BUS_REGION_DEVICE, .length = length, .priority = priority,
        .answers = BUS_READS | BUS_WRITES, .enabled = true,
    };

    if (range->region)
        return sim_fail(SIM_ERR_USAGE, "%s: range %s is mapped already", dev->name, name);
    if (!size_ok(ops->min_size) || !size_ok(ops->max_size) || ops->min_size > (ops->max_size ? ops->max_size : 4))
        return sim_fail(SIM_ERR_USAGE, "%s: range %s takes accesses of %u to %u bytes", dev->name, name, ops->min_size,
                        ops->max_size);
    range->ops = ops;
    range->speed = speed;
    return bus_device_region(dev, range, space, &what, first);
}

enum sim_err sim_map_io(struct sim_device *dev, struct sim_range *range, const char *name, uint16_t first,
                        uint32_t length, const struct sim_range_ops *ops, enum sim_speed speed, int priority)
{
    return map(dev, range, &dev->bus->io, name, first, length, ops, speed, priority);
}

enum sim_err sim_map_memory(struct sim_device *dev, struct sim_range *range, const char *name, sim_paddr first,
                            uint64_t length, const struct sim_range_ops *ops, enum sim_speed speed, int priority)
{
    return map(dev, range, &dev->bus->mem, name, first, length, ops, speed, priority);
}

static struct bus_space *space_of(const struct sim_range *range)
{
    return ((struct owned_region *)((uint8_t *)range->region - offsetof(struct owned_region, region)))->space;
}

void sim_range_move(struct sim_range *range, uint64_t first)
{
    bus_region_move(space_of(range), range->region, first);
}

void sim_range_enable(struct sim_range *range, bool enabled)
{
    bus_region_enable(space_of(range), range->region, enabled);
}

/* ---- Interrupt acknowledge and messages ---- */

enum sim_err sim_answer_intack(struct sim_device *dev, uint8_t (*fn)(struct sim_device *dev))
{
    if (dev->bus->intack)
        return sim_fail(SIM_ERR_OVERLAP, "%s: %s answers interrupt acknowledge already", dev->name,
                        dev->bus->intack_dev->name);
    dev->bus->intack = fn;
    dev->bus->intack_dev = dev;
    return SIM_OK;
}

void sim_apic_send(struct sim_device *dev, const struct sim_apic_message *msg)
{
    bus_apic_send(dev->bus, msg, NULL);
}

enum sim_err sim_listen_eoi(struct sim_device *dev, void (*fn)(struct sim_device *dev, uint8_t vector))
{
    struct eoi_listener *l = malloc(sizeof(*l)), **at;

    if (!l)
        return sim_fail(SIM_ERR_NOMEM, "%s", dev->name);
    *l = (struct eoi_listener){ NULL, dev, fn };
    for (at = &dev->bus->devices->eois; *at; at = &(*at)->next)
        ;
    *at = l;
    return SIM_OK;
}

void bus_devices_eoi(struct bus *bus, uint8_t vector)
{
    for (struct eoi_listener *l = bus->devices->eois; l; l = l->next)
        l->fn(l->dev, vector);
}

/* ---- Time ---- */

sim_cycles sim_now(const struct sim_device *dev)
{
    return dev->bus->clock->now;
}

struct sim_clock *sim_clock_of(const struct sim_device *dev)
{
    return dev->bus->clock;
}

static void device_event(void *arg)
{
    const struct owned_event *e = arg;

    e->fn(e->dev);
}

void sim_device_event(struct sim_device *dev, struct sim_event *ev, uint32_t number, void (*fn)(struct sim_device *dev))
{
    struct instance *inst = instance_of(dev);
    struct owned_event *e = malloc(sizeof(*e));

    sim_event_init(ev, dev->bus->clock, dev->component, number, device_event, e);
    if (!e) {
        inst->failed = true; /* the instance will not come to life */
        return;
    }
    *e = (struct owned_event){ inst->events, ev, dev, fn };
    inst->events = e;
}

/* ---- DMA, RAM, channels ---- */

void sim_dma_read(struct sim_device *dev, sim_paddr paddr, void *out, size_t len)
{
    bus_dma_read(dev->bus, dev, paddr, out, len);
}

void sim_dma_write(struct sim_device *dev, sim_paddr paddr, const void *in, size_t len)
{
    bus_dma_write(dev->bus, dev, paddr, in, len);
}

enum sim_err sim_device_ram(struct sim_device *dev, const char *name, uint64_t bytes, struct bus_ram **out)
{
    struct instance *inst = instance_of(dev);
    struct owned_ram *r = malloc(sizeof(*r));
    struct sim_buf full = SIM_BUF_INIT;
    enum sim_err err;

    sim_buf_printf(&full, "%s.%s", dev->name, name);
    err = r && !full.failed ? bus_ram_create(&dev->bus->memory, sim_buf_cstr(&full), bytes, true, out)
                            : sim_fail(SIM_ERR_NOMEM, "%s: %s", dev->name, name);
    sim_buf_fini(&full);
    if (err) {
        free(r);
        return err;
    }
    *r = (struct owned_ram){ inst->rams, *out };
    inst->rams = r;
    return SIM_OK;
}

void sim_ram_read(struct bus_ram *ram, uint64_t off, void *out, size_t len)
{
    bus_ram_get(ram, off, out, len);
}

void sim_ram_write(struct bus_ram *ram, uint64_t off, const void *in, size_t len)
{
    bus_ram_put(ram, off, in, len);
}

uint8_t sim_ram_read8(struct bus_ram *ram, uint64_t off)
{
    return bus_ram_read_page(ram, off >> SIM_PAGE_SHIFT)[off & SIM_PAGE_MASK];
}

void sim_ram_write8(struct bus_ram *ram, uint64_t off, uint8_t value)
{
    bus_ram_write_begin(ram, off >> SIM_PAGE_SHIFT, off & SIM_PAGE_MASK, 1)[off & SIM_PAGE_MASK] = value;
}

void sim_output(struct sim_device *dev, const char *channel, const void *data, size_t len)
{
    const struct bus_host *host = &dev->bus->host;

    if (host->output)
        host->output(host->arg, channel, data, len);
}

enum sim_err sim_accept_input(struct sim_device *dev, const char *channel)
{
    struct input *in;

    if (!dev->cls->input)
        return sim_fail(SIM_ERR_USAGE, "%s: class %s takes no input", dev->name, dev->cls->name);
    for (in = dev->bus->devices->inputs; in; in = in->next)
        if (!strcmp(in->channel, channel))
            return sim_fail(SIM_ERR_OVERLAP, "%s: %s takes input on %s already", dev->name, in->dev->name, channel);
    in = malloc(sizeof(*in) + strlen(channel) + 1);
    if (!in)
        return sim_fail(SIM_ERR_NOMEM, "%s: channel %s", dev->name, channel);
    strcpy(in->channel, channel);
    in->dev = dev;
    in->next = dev->bus->devices->inputs;
    dev->bus->devices->inputs = in;
    return SIM_OK;
}

void sim_request(struct sim_device *dev, enum sim_request what, uint32_t code)
{
    const struct bus_host *host = &dev->bus->host;

    if (host->request)
        host->request(host->arg, what, code);
}

/* ---- Life ---- */

struct bus_devices *bus_devices_create(void)
{
    return calloc(1, sizeof(struct bus_devices));
}

void bus_devices_destroy(struct bus *bus)
{
    if (!bus->devices)
        return;
    while (bus->devices->first) { /* the last made goes first */
        struct instance **at = &bus->devices->first, *inst;

        while ((*at)->next)
            at = &(*at)->next;
        inst = *at;
        *at = NULL;
        instance_free(bus, inst);
    }
    free(bus->devices);
    bus->devices = NULL;
}
