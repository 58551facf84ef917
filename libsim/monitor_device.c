/*
 * Monitor: devices, the bus, traces, input and output.
 */
#include "libsim/monitor_lists.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libsim/typing.h"

/* ---- Devices ---- */

enum sim_err monitor_list_devices(struct monitor_call *m)
{
    struct sim_device *dev = NULL;

    while ((dev = bus_device_next(m->sim->bus, dev)) != NULL)
        say(m, "%-12s %s\n", dev->name, dev->cls->title);
    return SIM_OK;
}

static void show_properties(struct monitor_call *m, const struct sim_device *dev)
{
    for (const struct sim_property *p = dev->cls->properties; p && p->name; p++) {
        const char *at = (const char *)dev + p->offset;

        say(m, "  %s = ", p->name);
        switch (p->kind) {
        case SIM_PROPERTY_UINT: say(m, "0x%llx", (ull)*(const uint64_t *)at); break;
        case SIM_PROPERTY_STRING: say(m, "%s", *(const char *const *)at ? *(const char *const *)at : ""); break;
        case SIM_PROPERTY_BOOL: say(m, *(const bool *)at ? "on" : "off"); break;
        }
        say(m, "  (%s)\n", p->doc ? p->doc : "");
    }
}

enum sim_err monitor_show_device(struct monitor_call *m, const char *name)
{
    struct sim_device *dev = bus_device_find(m->sim->bus, name);
    const struct sim_component *c;

    if (!dev)
        return sim_fail(SIM_ERR_UNKNOWN, "no device '%s' (info devices lists them)", name);
    say(m, "%s: %s\n", dev->name, dev->cls->title);
    show_properties(m, dev);
    if (dev->cls->describe)
        dev->cls->describe(dev, m->out);
    c = bus_device_component(dev);
    sim_fields_format(c->fields, c->object, "  ", m->out);
    return SIM_OK;
}

static enum sim_err show_field(struct monitor_call *m, const char *name, const char *path)
{
    struct sim_device *dev = bus_device_find(m->sim->bus, name);
    struct sim_field_ref ref;
    const struct sim_component *c;
    enum sim_err err;

    if (!dev)
        return sim_fail(SIM_ERR_UNKNOWN, "no device '%s' (info devices lists them)", name);
    c = bus_device_component(dev);
    err = sim_fields_find(c->fields, c->object, path, &ref);
    if (err)
        return err;
    if (ref.field->kind != SIM_KIND_UINT && ref.field->kind != SIM_KIND_BYTES && ref.field->kind != SIM_KIND_EVENT)
        return sim_fail(SIM_ERR_USAGE, "device %s %s: it has parts of its own: name one", name, path);
    say(m, "%s.%s =", name, path);
    for (uint32_t n = 0; n < ref.count; n++)
        say(m, " 0x%llx", (ull)sim_field_get(&ref, n));
    say(m, "%s%s\n", ref.field->doc && *ref.field->doc ? "  " : "", ref.field->doc ? ref.field->doc : "");
    return SIM_OK;
}

static enum sim_err device(struct monitor_call *m)
{
    if (m->count == 0)
        return monitor_list_devices(m);
    return m->count == 1 ? monitor_show_device(m, m->word[0]) : show_field(m, m->word[0], m->word[1]);
}

/* ---- Events ---- */

/* The name of the field that is this event, searched for in a component's table. */
static bool name_event(const struct sim_field *table, const char *object, const struct sim_event *ev, char *out, size_t cap)
{
    for (; table && table->kind != SIM_KIND_END; table++) {
        const char *at = object + table->offset;
        char inner[64];

        for (uint32_t n = 0; n < table->count && (table->kind == SIM_KIND_EVENT || table->kind == SIM_KIND_SUB); n++, at += table->width) {
            if (table->kind == SIM_KIND_EVENT && at == (const char *)ev) {
                snprintf(out, cap, "%s", table->name);
                return true;
            }
            if (table->kind == SIM_KIND_SUB && name_event(table->sub, at, ev, inner, sizeof(inner))) {
                snprintf(out, cap, table->count > 1 ? "%s[%u].%s" : "%s%.0u.%s", table->name, table->count > 1 ? n : 0, inner);
                return true;
            }
        }
    }
    return false;
}

static void say_event(struct monitor_call *m, const struct sim_event *ev)
{
    sim_cycles now = sched_now(m->sim);
    char name[96];

    for (unsigned n = 0; n < m->sim->component_count; n++) {
        const struct sim_component *c = m->sim->components[n];

        if (name_event(c->fields, c->object, ev, name, sizeof(name))) {
            say(m, "cycle %-14llu in %-12lld %s.%s\n", (ull)ev->deadline, (long long)(ev->deadline - now), c->name, name);
            return;
        }
    }
    say(m, "cycle %-14llu in %-12lld component %u, event %u\n", (ull)ev->deadline, (long long)(ev->deadline - now), ev->component, ev->number);
}

static int by_deadline(const void *a, const void *b)
{
    const struct sim_event *x = *(const struct sim_event *const *)a, *y = *(const struct sim_event *const *)b;

    if (x->deadline != y->deadline)
        return x->deadline < y->deadline ? -1 : 1;
    return x->component != y->component ? (x->component < y->component ? -1 : 1) : x->number < y->number ? -1 : 1;
}

enum sim_err monitor_list_events(struct monitor_call *m)
{
    const struct sim_clock *clock = &m->sim->clock;
    struct sim_event **sorted = malloc((clock->count + 1) * sizeof(struct sim_event *));

    if (!sorted)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    if (clock->count)
        memcpy(sorted, clock->heap, clock->count * sizeof(sorted[0]));
    qsort(sorted, clock->count, sizeof(sorted[0]), by_deadline);
    for (uint32_t n = 0; n < clock->count; n++)
        say_event(m, sorted[n]);
    if (!clock->count)
        say(m, "nothing is due\n");
    free(sorted);
    return SIM_OK;
}

enum sim_err monitor_list_map(struct monitor_call *m)
{
    if (!m->count || m->word[0][0] == 'm')
        bus_space_format(&m->sim->bus->mem, m->out);
    if (!m->count || m->word[0][0] == 'i')
        bus_space_format(&m->sim->bus->io, m->out);
    return SIM_OK;
}

/* ---- Bus and traces ---- */

static const char *const bus_kinds[] = { "read", "write", "in", "out", "intack", "special" };

/* "in", "0x60-0x64", "20": kind, addresses, count, in any order. */
static enum sim_err parse_filter(struct monitor_call *m, unsigned from, struct dbg_bus_filter *f, uint64_t *count)
{
    for (unsigned n = from; n < m->count; n++) {
        char *dash = strchr(m->word[n], '-');
        bool kind = false;
        enum sim_err err;

        for (unsigned k = 0; k < sizeof(bus_kinds) / sizeof(bus_kinds[0]); k++)
            if (strcmp(m->word[n], bus_kinds[k]) == 0) {
                f->kind = (int)k;
                kind = true;
            }
        if (kind)
            continue;
        if (strcmp(m->word[n], "at") == 0 && n + 1 < m->count) {
            dash = strchr(m->word[++n], '-');
            if (dash)
                *dash = 0;
            err = monitor_eval(m, m->word[n], &f->first);
            f->last = f->first;
            if (!err && dash)
                err = monitor_eval(m, dash + 1, &f->last);
        } else {
            err = monitor_eval(m, m->word[n], count);
        }
        if (err)
            return err;
    }
    return SIM_OK;
}

static enum sim_err bus(struct monitor_call *m)
{
    struct dbg_bus_filter filter = { 0, UINT64_MAX, -1, -1 };
    uint64_t count = 20, capacity = 4096;
    enum sim_err err;

    if (m->count && (strcmp(m->word[0], "on") == 0 || strcmp(m->word[0], "off") == 0)) {
        err = monitor_count(m, 1, capacity, &capacity);
        if (!err && (capacity == 0 || capacity > 1u << 20))
            err = sim_fail(SIM_ERR_USAGE, "bus on: from 1 to 1048576 transactions");
        return err ? err : dbg_bus_trace(m->sim->dbg, m->word[0][1] == 'n' ? (unsigned)capacity : 0);
    }
    err = parse_filter(m, 0, &filter, &count);
    if (!err)
        dbg_bus_show(m->sim->dbg, count > 1u << 20 ? 1u << 20 : (unsigned)count, &filter, m->out);
    return err;
}

static void trace_line(void *arg, const char *line)
{
    struct sim *sim = arg;

    sim_log(&sim->log, SIM_LOG_INFO, "trace", "%s", line);
}

static enum sim_err trace(struct monitor_call *m)
{
    bool on = m->count == 1 && strcmp(m->word[0], "on") == 0;

    if (m->count != 1 || (!on && strcmp(m->word[0], "off") != 0))
        return monitor_usage(m, "trace on|off");
    if (on && m->sim->log.level < SIM_LOG_INFO)
        m->sim->log.level = SIM_LOG_INFO;
    dbg_trace_steps(m->sim->dbg, on ? trace_line : NULL, m->sim);
    return SIM_OK;
}

static enum sim_err log_level(struct monitor_call *m)
{
    static const char *const words[] = { "error", "warning", "info", "trace" };

    for (unsigned n = 0; m->count && n < 4; n++)
        if (strcmp(m->word[0], words[n]) == 0)
            m->sim->log.level = (enum sim_log_level)n;
    say(m, "%s\n", words[m->sim->log.level & 3]);
    return SIM_OK;
}

/* ---- Input ---- */

/* Text as in C: \n \r \t \\ \xNN, in place. Returns its length. */
static size_t unescape(char *text)
{
    static const char names[] = "n\nr\rt\te\033";
    char *to = text;

    for (const char *at = text; *at; at++) {
        const char *name;
        char hex[3] = { 0 };

        if (*at != '\\' || !at[1]) {
            *to++ = *at;
            continue;
        }
        at++;
        for (name = names; *name && *name != *at; name += 2)
            ;
        if (*name)
            *to++ = name[1];
        else if (*at == 'x' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
            memcpy(hex, at + 1, 2);
            *to++ = (char)strtoul(hex, NULL, 16);
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    return (size_t)(to - text);
}

static enum sim_err send_text(struct monitor_call *m, const char *channel, const char *args, bool enter)
{
    char *text = malloc(strlen(args) + 2);
    enum sim_err err;
    size_t len;

    if (!text)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    strcpy(text, args);
    len = unescape(text);
    if (enter)
        text[len++] = '\r';
    err = sim_input_bytes(m->sim, channel, text, len);
    free(text);
    return err;
}

static enum sim_err console(struct monitor_call *m)
{
    return send_text(m, "serial0", m->args, true);
}

/* The rest of the arguments behind the n-th word, as typed. */
static const char *behind(const struct monitor_call *m, unsigned n)
{
    const char *at = m->args;

    for (; n; n--) {
        at += strcspn(at, " \t");
        at += strspn(at, " \t");
    }
    return at;
}

static enum sim_err input_keys(struct monitor_call *m)
{
    enum sim_err err = SIM_OK;
    uint8_t usage;
    bool down = m->count < 3 || strcmp(m->word[2], "up") != 0, up = m->count < 3 || strcmp(m->word[2], "down") != 0;

    if (m->count < 2)
        return monitor_usage(m, "input key NAME [down|up]");
    if (!typing_key(m->word[1], &usage))
        return sim_fail(SIM_ERR_UNKNOWN, "input key %s: no such key (a, 1, f1, enter, esc, left, ctrl, ...)", m->word[1]);
    if (down)
        err = sim_input_key(m->sim, usage, true);
    if (!err && up)
        err = sim_input_key(m->sim, usage, false);
    return err;
}

static enum sim_err input_mouse(struct monitor_call *m)
{
    uint64_t dx, dy, buttons;
    enum sim_err err = monitor_count(m, 1, 0, &dx);

    if (!err)
        err = monitor_count(m, 2, 0, &dy);
    if (!err)
        err = monitor_count(m, 3, 0, &buttons);
    return err ? err : sim_input_mouse(m->sim, (int)dx, (int)dy, 0, (unsigned)buttons);
}

static enum sim_err input(struct monitor_call *m)
{
    const char *what = m->count ? m->word[0] : "";

    if (strcmp(what, "text") == 0 && m->count > 1) {
        char *text = strdup(behind(m, 1));
        enum sim_err err = text ? SIM_OK : sim_fail(SIM_ERR_NOMEM, "out of memory");

        if (text) {
            text[unescape(text)] = 0;
            err = sim_input_text(m->sim, text);
        }
        free(text);
        return err;
    }
    if (strcmp(what, "key") == 0)
        return input_keys(m);
    if (strcmp(what, "mouse") == 0)
        return input_mouse(m);
    if (m->count > 1)
        return send_text(m, what, behind(m, 1), false);
    return monitor_usage(m, "input text TEXT | key NAME [down|up] | mouse DX DY [BUTTONS] | serial0 TEXT");
}

static enum sim_err screenshot(struct monitor_call *m)
{
    enum sim_err err = m->count ? sim_screenshot(m->sim, m->args) : monitor_usage(m, "screenshot FILE.png");

    if (!err)
        say(m, "%s\n", m->args);
    return err;
}

const struct monitor_command monitor_device_commands[] = {
    { "device", "", "device [NAME [FIELD]]", "List the devices, or show one's registers.", device, FOLLOW_DEVICE, NULL },
    { "map", "", "map [memory|io]", "Which part answers at which address.", monitor_list_map, FOLLOW_WORDS, "memory io" },
    { "bus", "", "bus on [N] | bus off | bus [COUNT] [read|write|in|out|intack|special] [at FIRST[-LAST]]",
      "Keep the last N bus transactions, and show the last COUNT (20) of them.", bus, FOLLOW_WORDS, "on off read write in out intack special at" },
    { "trace", "", "trace on|off", "Log each step: address, instruction, changed registers.", trace, FOLLOW_WORDS, "on off" },
    { "log", "", "log [error|warning|info|trace]", "Which lines of the log are shown.", log_level, FOLLOW_WORDS, "error warning info trace" },
    { "console", "", "console TEXT", "Send a line to COM1, as if it were typed there. Escapes: \\n \\r \\t \\e \\xNN.", console, FOLLOW_NONE, NULL },
    { "input", "", "input text TEXT | key NAME [down|up] | mouse DX DY [BUTTONS] | serial0 TEXT",
      "Type on the keyboard, press a key, move the mouse, or send bytes to a serial port.", input, FOLLOW_WORDS, "text key mouse serial0 serial1" },
    { "screenshot", "", "screenshot FILE.png", "Write the picture on the screen.", screenshot, FOLLOW_NONE, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
