#include "libsim/typing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Between two movements of keys. */
#define PACE_NS 10000000

#define LEFT_SHIFT 0xe1

struct typing {
    uint8_t *stroke;   /* pairs: usage, then 1 down or 0 up */
    size_t count, next, cap;
    sim_cycles due;
};

/* ---- Keys: HID Usage Tables, "Keyboard/Keypad page" ---- */

static const struct { const char *name; uint8_t usage; } keys[] = {
    { "enter", 0x28 }, { "return", 0x28 }, { "esc", 0x29 }, { "escape", 0x29 }, { "backspace", 0x2a }, { "tab", 0x2b }, { "space", 0x2c },
    { "minus", 0x2d }, { "equal", 0x2e }, { "capslock", 0x39 }, { "f1", 0x3a }, { "f2", 0x3b }, { "f3", 0x3c }, { "f4", 0x3d }, { "f5", 0x3e },
    { "f6", 0x3f }, { "f7", 0x40 }, { "f8", 0x41 }, { "f9", 0x42 }, { "f10", 0x43 }, { "f11", 0x44 }, { "f12", 0x45 }, { "print", 0x46 },
    { "scrolllock", 0x47 }, { "pause", 0x48 }, { "insert", 0x49 }, { "home", 0x4a }, { "pageup", 0x4b }, { "delete", 0x4c }, { "end", 0x4d },
    { "pagedown", 0x4e }, { "right", 0x4f }, { "left", 0x50 }, { "down", 0x51 }, { "up", 0x52 }, { "numlock", 0x53 }, { "ctrl", 0xe0 },
    { "shift", 0xe1 }, { "alt", 0xe2 }, { "win", 0xe3 }, { "rightctrl", 0xe4 }, { "rightshift", 0xe5 }, { "altgr", 0xe6 },
};

/* Of the US layout, in order of usage from 0x2d: plain and shifted. */
static const char plain_marks[] = "-=[]\\#;'`,./", shifted_marks[] = "_+{}|~:\"~<>?";

/* The key of a character, and whether it takes the shift key; 0: there is none. */
static uint8_t usage_of(char c, bool *shift)
{
    static const char shifted_digits[] = "!@#$%^&*()";
    const char *at;

    *shift = false;
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(0x04 + c - 'a');
    if (c >= '1' && c <= '9')
        return (uint8_t)(0x1e + c - '1');
    switch (c) {
    case '0': return 0x27;
    case '\n': case '\r': return 0x28;
    case '\033': return 0x29;
    case '\b': return 0x2a;
    case '\t': return 0x2b;
    case ' ': return 0x2c;
    case '#': break; /* shift 3, not the key that only others have */
    default:
        at = c ? strchr(plain_marks, c) : NULL;
        if (at)
            return (uint8_t)(0x2d + (at - plain_marks));
    }
    *shift = true;
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(0x04 + c - 'A');
    at = c ? strchr(shifted_digits, c) : NULL;
    if (at)
        return (uint8_t)(0x1e + (at - shifted_digits));
    if (c == '~')
        return 0x35;
    at = c ? strchr(shifted_marks, c) : NULL;
    return at ? (uint8_t)(0x2d + (at - shifted_marks)) : 0;
}

bool typing_key(const char *name, uint8_t *usage)
{
    bool shift;

    for (unsigned n = 0; n < sizeof(keys) / sizeof(keys[0]); n++)
        if (strcasecmp(keys[n].name, name) == 0) {
            *usage = keys[n].usage;
            return true;
        }
    if (strlen(name) != 1)
        return false;
    *usage = usage_of(*name, &shift);
    return *usage && !shift;
}

/* ---- The queue ---- */

/* Under the lock of the input queue. */
static bool push(struct typing *t, uint8_t usage, bool down)
{
    if (t->next == t->count)
        t->next = t->count = 0;
    if (t->count + 2 > t->cap) {
        uint8_t *grown = realloc(t->stroke, t->cap * 2 + 64);

        if (!grown)
            return false;
        t->stroke = grown;
        t->cap = t->cap * 2 + 64;
    }
    t->stroke[t->count++] = usage;
    t->stroke[t->count++] = down;
    return true;
}

static bool push_character(struct typing *t, char c)
{
    bool shift;
    uint8_t usage = usage_of(c, &shift);

    return (!shift || push(t, LEFT_SHIFT, true)) && push(t, usage, true) && push(t, usage, false) && (!shift || push(t, LEFT_SHIFT, false));
}

enum sim_err sim_input_text(struct sim *sim, const char *text)
{
    bool ok = true, shift;

    if (!bus_accepts_input(sim->bus, "keyboard"))
        return sim_fail(SIM_ERR_UNKNOWN, "this machine has no keyboard");
    for (const char *at = text; *at; at++)
        if (!usage_of(*at, &shift))
            return sim_fail(SIM_ERR_USAGE, "character 0x%02x cannot be typed on a US keyboard", (unsigned char)*at);
    pthread_mutex_lock(&sim->queue.lock);
    if (!sim->typing)
        sim->typing = calloc(1, sizeof(*sim->typing));
    ok = sim->typing != NULL;
    for (const char *at = text; ok && *at; at++)
        ok = push_character(sim->typing, *at);
    pthread_mutex_unlock(&sim->queue.lock);
    return ok ? SIM_OK : sim_fail(SIM_ERR_NOMEM, "out of memory");
}

sim_cycles typing_due(struct sim *sim)
{
    sim_cycles due = SIM_NEVER;

    pthread_mutex_lock(&sim->queue.lock);
    if (sim->typing && sim->typing->next < sim->typing->count && sim->step >= sim->furthest_step)
        due = sim->typing->due;
    pthread_mutex_unlock(&sim->queue.lock);
    return due;
}

bool typing_feed(struct sim *sim)
{
    struct typing *t = sim->typing;
    uint8_t usage = 0, down = 0;
    bool any;

    pthread_mutex_lock(&sim->queue.lock);
    any = t && t->next < t->count;
    if (any) {
        usage = t->stroke[t->next++];
        down = t->stroke[t->next++];
        t->due = sched_now(sim) + sim_ns_to_cycles(&sim->clock, PACE_NS);
    }
    pthread_mutex_unlock(&sim->queue.lock);
    return any && sim_input_key(sim, usage, down) == SIM_OK;
}

void typing_fini(struct sim *sim)
{
    if (sim->typing)
        free(sim->typing->stroke);
    free(sim->typing);
    sim->typing = NULL;
}
