#include "devices/ps2kbd.h"

#include <string.h>

#define PS2KBD_LEDS(X, p)                 \
    X(p, caps_lock,   2, 2, "")           \
    X(p, num_lock,    1, 1, "")           \
    X(p, scroll_lock, 0, 0, "")
SIM_BITS_DEFINE(ps2kbd_leds, PS2KBD_LEDS)

/* "Set Typematic Rate/Delay". */
#define PS2KBD_TYPEMATIC(X, p)                                          \
    X(p, delay, 6, 5, "(1 + this) * 250 ms")                            \
    X(p, shift, 4, 3, "period: (8 + steps) * 2^this / 240 s")           \
    X(p, steps, 2, 0, "")
SIM_BITS_DEFINE(ps2kbd_typematic, PS2KBD_TYPEMATIC)

#define TYPEMATIC_DEFAULT 0x2B /* 500 ms, 10.9 codes a second */
#define TYPEMATIC_UNIT_NS 4166667u

const struct sim_field ps2kbd_fields[] = {
    SIM_FIELD(struct ps2kbd, scanning, "1: keys are scanned"),
    SIM_FIELD(struct ps2kbd, set, "scan code set, 1 to 3"),
    SIM_FIELD_BITS(struct ps2kbd, leds, ps2kbd_leds_bits, "indicators"),
    SIM_FIELD_BITS(struct ps2kbd, typematic, ps2kbd_typematic_bits, "typematic rate and delay"),
    SIM_FIELD(struct ps2kbd, command, "command whose option byte is awaited; 0: none"),
    SIM_FIELD(struct ps2kbd, last_sent, "for the resend command"),
    SIM_FIELD(struct ps2kbd, repeating, "HID usage of the key that repeats; 0: none"),
    SIM_FIELD_BYTES(struct ps2kbd, down, "a bit for each HID usage: the key is held"),
    SIM_FIELD_BYTES(struct ps2kbd, type, "of each key of set 3, by its code: 1 repeats, 2 has a break code"),
    SIM_FIELD_BYTES(struct ps2kbd, key_data, "buffered scan codes"),
    SIM_FIELD_STRUCT(struct ps2kbd, keys, ring_fields, "where in key_data"),
    SIM_FIELD_BYTES(struct ps2kbd, reply_data, "answers to commands"),
    SIM_FIELD_STRUCT(struct ps2kbd, replies, ring_fields, "where in reply_data"),
    SIM_FIELD_EVENT(struct ps2kbd, repeat, "the held key's next make code"),
    SIM_FIELD_EVENT(struct ps2kbd, bat, "end of the basic assurance test"),
    SIM_FIELD_DERIVED(struct ps2kbd, bat_ns, "from the i8042's property `bat`"),
    SIM_FIELD_END
};

/* ---- Keys ---- */

/* Types of set 3; "Default Scan Code Set 3 Operation". In sets 1 and 2 all keys but Pause are typematic/make/break. */
enum { MAKE_ONLY = 0, TYPEMATIC = 1, MAKE_BREAK = 2, TYPEMATIC_MAKE_BREAK = 3 };

/* What is special about a key in sets 1 and 2. */
enum { PLAIN, EXTENDED, CURSOR, SLASH, PRINT, PAUSE };

struct key {
    uint8_t kind;
    uint8_t set2; /* 0: no such key */
    uint8_t set3; /* 0: silent in set 3 */
    uint8_t type;
};

#define T TYPEMATIC
#define B MAKE_BREAK
#define M MAKE_ONLY

/* By HID usage. */
static const struct key keys[256] = {
    [0x04] = { PLAIN, 0x1C, 0x1C, T }, /* A */
    [0x05] = { PLAIN, 0x32, 0x32, T },
    [0x06] = { PLAIN, 0x21, 0x21, T },
    [0x07] = { PLAIN, 0x23, 0x23, T },
    [0x08] = { PLAIN, 0x24, 0x24, T }, /* E */
    [0x09] = { PLAIN, 0x2B, 0x2B, T },
    [0x0A] = { PLAIN, 0x34, 0x34, T },
    [0x0B] = { PLAIN, 0x33, 0x33, T },
    [0x0C] = { PLAIN, 0x43, 0x43, T }, /* I */
    [0x0D] = { PLAIN, 0x3B, 0x3B, T },
    [0x0E] = { PLAIN, 0x42, 0x42, T },
    [0x0F] = { PLAIN, 0x4B, 0x4B, T },
    [0x10] = { PLAIN, 0x3A, 0x3A, T }, /* M */
    [0x11] = { PLAIN, 0x31, 0x31, T },
    [0x12] = { PLAIN, 0x44, 0x44, T },
    [0x13] = { PLAIN, 0x4D, 0x4D, T },
    [0x14] = { PLAIN, 0x15, 0x15, T }, /* Q */
    [0x15] = { PLAIN, 0x2D, 0x2D, T },
    [0x16] = { PLAIN, 0x1B, 0x1B, T },
    [0x17] = { PLAIN, 0x2C, 0x2C, T },
    [0x18] = { PLAIN, 0x3C, 0x3C, T }, /* U */
    [0x19] = { PLAIN, 0x2A, 0x2A, T },
    [0x1A] = { PLAIN, 0x1D, 0x1D, T },
    [0x1B] = { PLAIN, 0x22, 0x22, T },
    [0x1C] = { PLAIN, 0x35, 0x35, T }, /* Y */
    [0x1D] = { PLAIN, 0x1A, 0x1A, T },
    [0x1E] = { PLAIN, 0x16, 0x16, T }, /* 1 */
    [0x1F] = { PLAIN, 0x1E, 0x1E, T },
    [0x20] = { PLAIN, 0x26, 0x26, T },
    [0x21] = { PLAIN, 0x25, 0x25, T },
    [0x22] = { PLAIN, 0x2E, 0x2E, T }, /* 5 */
    [0x23] = { PLAIN, 0x36, 0x36, T },
    [0x24] = { PLAIN, 0x3D, 0x3D, T },
    [0x25] = { PLAIN, 0x3E, 0x3E, T },
    [0x26] = { PLAIN, 0x46, 0x46, T },
    [0x27] = { PLAIN, 0x45, 0x45, T }, /* 0 */
    [0x28] = { PLAIN, 0x5A, 0x5A, T }, /* Enter */
    [0x29] = { PLAIN, 0x76, 0x08, M }, /* Esc */
    [0x2A] = { PLAIN, 0x66, 0x66, T }, /* Backspace */
    [0x2B] = { PLAIN, 0x0D, 0x0D, T }, /* Tab */
    [0x2C] = { PLAIN, 0x29, 0x29, T }, /* space */
    [0x2D] = { PLAIN, 0x4E, 0x4E, T }, /* - */
    [0x2E] = { PLAIN, 0x55, 0x55, T }, /* = */
    [0x2F] = { PLAIN, 0x54, 0x54, T }, /* [ */
    [0x30] = { PLAIN, 0x5B, 0x5B, T }, /* ] */
    [0x31] = { PLAIN, 0x5D, 0x5C, T }, /* \ */
    [0x32] = { PLAIN, 0x5D, 0x53, T }, /* beside Enter on keyboards of 105 keys */
    [0x33] = { PLAIN, 0x4C, 0x4C, T }, /* ; */
    [0x34] = { PLAIN, 0x52, 0x52, T }, /* ' */
    [0x35] = { PLAIN, 0x0E, 0x0E, T }, /* ` */
    [0x36] = { PLAIN, 0x41, 0x41, T }, /* , */
    [0x37] = { PLAIN, 0x49, 0x49, T }, /* . */
    [0x38] = { PLAIN, 0x4A, 0x4A, T }, /* / */
    [0x39] = { PLAIN, 0x58, 0x14, B }, /* Caps Lock */
    [0x3A] = { PLAIN, 0x05, 0x07, M }, /* F1 */
    [0x3B] = { PLAIN, 0x06, 0x0F, M },
    [0x3C] = { PLAIN, 0x04, 0x17, M },
    [0x3D] = { PLAIN, 0x0C, 0x1F, M },
    [0x3E] = { PLAIN, 0x03, 0x27, M }, /* F5 */
    [0x3F] = { PLAIN, 0x0B, 0x2F, M },
    [0x40] = { PLAIN, 0x83, 0x37, M },
    [0x41] = { PLAIN, 0x0A, 0x3F, M },
    [0x42] = { PLAIN, 0x01, 0x47, M }, /* F9 */
    [0x43] = { PLAIN, 0x09, 0x4F, M },
    [0x44] = { PLAIN, 0x78, 0x56, M },
    [0x45] = { PLAIN, 0x07, 0x5E, M }, /* F12 */
    [0x46] = { PRINT, 0x7C, 0x57, M }, /* Print Screen */
    [0x47] = { PLAIN, 0x7E, 0x5F, M }, /* Scroll Lock */
    [0x48] = { PAUSE, 0x77, 0x62, M }, /* Pause */
    [0x49] = { CURSOR, 0x70, 0x67, M }, /* Insert */
    [0x4A] = { CURSOR, 0x6C, 0x6E, M }, /* Home */
    [0x4B] = { CURSOR, 0x7D, 0x6F, M }, /* Page Up */
    [0x4C] = { CURSOR, 0x71, 0x64, T }, /* Delete */
    [0x4D] = { CURSOR, 0x69, 0x65, M }, /* End */
    [0x4E] = { CURSOR, 0x7A, 0x6D, M }, /* Page Down */
    [0x4F] = { CURSOR, 0x74, 0x6A, T }, /* right */
    [0x50] = { CURSOR, 0x6B, 0x61, T }, /* left */
    [0x51] = { CURSOR, 0x72, 0x60, T }, /* down */
    [0x52] = { CURSOR, 0x75, 0x63, T }, /* up */
    [0x53] = { PLAIN, 0x77, 0x76, M }, /* Num Lock */
    [0x54] = { SLASH, 0x4A, 0x77, M }, /* keypad / */
    [0x55] = { PLAIN, 0x7C, 0x7E, M }, /* keypad * */
    [0x56] = { PLAIN, 0x7B, 0x84, M }, /* keypad - */
    [0x57] = { PLAIN, 0x79, 0x7C, T }, /* keypad + */
    [0x58] = { EXTENDED, 0x5A, 0x79, M }, /* keypad Enter */
    [0x59] = { PLAIN, 0x69, 0x69, M }, /* keypad 1 */
    [0x5A] = { PLAIN, 0x72, 0x72, M },
    [0x5B] = { PLAIN, 0x7A, 0x7A, M },
    [0x5C] = { PLAIN, 0x6B, 0x6B, M },
    [0x5D] = { PLAIN, 0x73, 0x73, M }, /* keypad 5 */
    [0x5E] = { PLAIN, 0x74, 0x74, M },
    [0x5F] = { PLAIN, 0x6C, 0x6C, M },
    [0x60] = { PLAIN, 0x75, 0x75, M },
    [0x61] = { PLAIN, 0x7D, 0x7D, M }, /* keypad 9 */
    [0x62] = { PLAIN, 0x70, 0x70, M },
    [0x63] = { PLAIN, 0x71, 0x71, M }, /* keypad . */
    [0x64] = { PLAIN, 0x61, 0x13, T }, /* beside the left shift on keyboards of 105 keys */
    [0x65] = { EXTENDED, 0x2F, 0x8D, B }, /* Application */
    [0x66] = { EXTENDED, 0x37, 0x00, M }, /* Power */
    [0xE0] = { PLAIN, 0x14, 0x11, B },    /* left Ctrl */
    [0xE1] = { PLAIN, 0x12, 0x12, B },    /* left Shift */
    [0xE2] = { PLAIN, 0x11, 0x19, B },    /* left Alt */
    [0xE3] = { EXTENDED, 0x1F, 0x8B, B }, /* left Windows */
    [0xE4] = { EXTENDED, 0x14, 0x58, M }, /* right Ctrl */
    [0xE5] = { PLAIN, 0x59, 0x59, B },    /* right Shift */
    [0xE6] = { EXTENDED, 0x11, 0x39, M }, /* right Alt */
    [0xE7] = { EXTENDED, 0x27, 0x8C, B }, /* right Windows */
};

#undef T
#undef B
#undef M

enum { USAGE_LEFT_CTRL = 0xE0, USAGE_LEFT_SHIFT = 0xE1, USAGE_LEFT_ALT = 0xE2, USAGE_RIGHT_CTRL = 0xE4,
       USAGE_RIGHT_SHIFT = 0xE5, USAGE_RIGHT_ALT = 0xE6 };

/* Set 1 code of each set 2 code below 80h. */
static const uint8_t set1_codes[128] = {
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,
    0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,
    0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,
    0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,
    0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,
    0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54
};

uint8_t ps2kbd_set1_code(uint8_t set2)
{
    if (set2 < 0x80)
        return set1_codes[set2];
    if (set2 == 0x83) /* F7 */
        return 0x41;
    if (set2 == 0x84) /* SysRq */
        return 0x54;
    return set2;
}

static bool is_down(const struct ps2kbd *k, uint8_t usage)
{
    return k->down[usage >> 3] & 1u << (usage & 7);
}

/* ---- The bytes of a key ---- */

/* The scan codes of one event, in set 2 or 3. The longest is that of Pause. */
struct sequence {
    uint8_t byte[16];
    uint32_t len;
};

enum { EXTEND = 0xE0, EXTEND_PAUSE = 0xE1, BREAK = 0xF0 };

static void add(struct sequence *s, uint8_t byte)
{
    if (s->len < sizeof(s->byte))
        s->byte[s->len++] = byte;
}

static void add_code(struct sequence *s, uint8_t code, bool extended, bool down)
{
    if (extended)
        add(s, EXTEND);
    if (!down)
        add(s, BREAK);
    add(s, code);
}

/*
 * Cursor keys pretend that shift is up, and keypad digits that it is down: "Scan Code Set 2", notes on shift and
 * Num Lock. Before a make code the pretence begins, after a break code it ends.
 */
static void add_shifts(struct sequence *s, const struct ps2kbd *k, const struct key *key, bool begin)
{
    bool left = is_down(k, USAGE_LEFT_SHIFT), right = is_down(k, USAGE_RIGHT_SHIFT);
    bool num_lock = ps2kbd_leds_num_lock(k->leds);

    if (key->kind == CURSOR && num_lock) {
        if (!left && !right)
            add_code(s, keys[USAGE_LEFT_SHIFT].set2, true, begin);
        return;
    }
    if (left)
        add_code(s, keys[USAGE_LEFT_SHIFT].set2, true, !begin);
    if (right)
        add_code(s, keys[USAGE_RIGHT_SHIFT].set2, true, !begin);
}

static void add_print(struct sequence *s, const struct ps2kbd *k, const struct key *key, bool down, bool repeated)
{
    bool alt = is_down(k, USAGE_LEFT_ALT) || is_down(k, USAGE_RIGHT_ALT);
    bool ctrl = is_down(k, USAGE_LEFT_CTRL) || is_down(k, USAGE_RIGHT_CTRL);
    bool shift = is_down(k, USAGE_LEFT_SHIFT) || is_down(k, USAGE_RIGHT_SHIFT);

    if (alt) {
        add_code(s, 0x84, false, down);
        return;
    }
    if (down && !repeated && !ctrl && !shift)
        add_code(s, keys[USAGE_LEFT_SHIFT].set2, true, true);
    add_code(s, key->set2, true, down);
    if (!down && !ctrl && !shift)
        add_code(s, keys[USAGE_LEFT_SHIFT].set2, true, false);
}

/* Pause has no break code of its own; with Ctrl it is Break. */
static void add_pause(struct sequence *s, const struct ps2kbd *k, bool down)
{
    static const uint8_t pause[] = { EXTEND_PAUSE, 0x14, 0x77, EXTEND_PAUSE, BREAK, 0x14, BREAK, 0x77 };

    if (!down)
        return;
    if (is_down(k, USAGE_LEFT_CTRL) || is_down(k, USAGE_RIGHT_CTRL)) {
        add_code(s, 0x7E, true, true);
        add_code(s, 0x7E, true, false);
        return;
    }
    for (size_t i = 0; i < sizeof(pause); i++)
        add(s, pause[i]);
}

static void sequence_set2(struct sequence *s, const struct ps2kbd *k, const struct key *key, bool down, bool repeated)
{
    bool shifts = (key->kind == CURSOR || key->kind == SLASH) && !repeated;

    if (key->kind == PRINT) {
        add_print(s, k, key, down, repeated);
    } else if (key->kind == PAUSE) {
        add_pause(s, k, down);
    } else {
        if (shifts && down)
            add_shifts(s, k, key, true);
        add_code(s, key->set2, key->kind != PLAIN, down);
        if (shifts && !down)
            add_shifts(s, k, key, false);
    }
}

static void sequence_set3(struct sequence *s, const struct ps2kbd *k, const struct key *key, bool down)
{
    if (key->set3 && (down || (k->type[key->set3] & MAKE_BREAK)))
        add_code(s, key->set3, false, down);
}

/* F0h before a code becomes bit 7 of the code. */
static void to_set1(struct sequence *s)
{
    uint32_t len = 0;
    uint8_t bit7 = 0;

    for (uint32_t i = 0; i < s->len; i++) {
        if (s->byte[i] == BREAK) {
            bit7 = 0x80;
            continue;
        }
        s->byte[len++] = ps2kbd_set1_code(s->byte[i]) | bit7;
        bit7 = 0;
    }
    s->len = len;
}

/* "Buffer Overrun": the 17th byte becomes the overrun code; what comes after it is lost. */
static void buffer(struct ps2kbd *k, uint8_t byte)
{
    uint32_t count = ring_count(&k->keys, sizeof(k->key_data));

    if (count > PS2KBD_BUFFER)
        return;
    if (count == PS2KBD_BUFFER)
        byte = k->set == 1 ? 0xFF : 0x00;
    k->key_data[ring_push(&k->keys, sizeof(k->key_data))] = byte;
}

static void send_key(struct ps2kbd *k, uint8_t usage, bool down, bool repeated)
{
    struct sequence s = { .len = 0 };

    if (k->set == 3)
        sequence_set3(&s, k, &keys[usage], down);
    else
        sequence_set2(&s, k, &keys[usage], down, repeated);
    if (k->set == 1)
        to_set1(&s);
    for (uint32_t i = 0; i < s.len; i++)
        buffer(k, s.byte[i]);
}

/* ---- Typematic ---- */

static void arm(struct sim_event *ev, uint64_t ns)
{
    sim_event_at(ev, ev->clock->now + sim_ns_to_cycles(ev->clock, ns));
}

static bool repeats(const struct ps2kbd *k, const struct key *key)
{
    if (k->set == 3)
        return k->type[key->set3] & TYPEMATIC;
    return key->kind != PAUSE;
}

static void stop_repeating(struct ps2kbd *k)
{
    k->repeating = 0;
    sim_event_cancel(&k->repeat);
}

/* The key pressed last repeats, until it is released or another one is pressed. */
static void start_repeating(struct ps2kbd *k, uint8_t usage)
{
    stop_repeating(k);
    if (!repeats(k, &keys[usage]))
        return;
    k->repeating = usage;
    arm(&k->repeat, (1 + ps2kbd_typematic_delay(k->typematic)) * 250000000u);
}

void ps2kbd_repeat_due(struct ps2kbd *k)
{
    uint64_t units = (8 + ps2kbd_typematic_steps(k->typematic)) << ps2kbd_typematic_shift(k->typematic);

    if (k->repeating == 0)
        return;
    if (ring_count(&k->keys, sizeof(k->key_data)) == 0)
        send_key(k, k->repeating, true, true);
    arm(&k->repeat, units * TYPEMATIC_UNIT_NS);
}

void ps2kbd_key(struct ps2kbd *k, uint8_t usage, bool down)
{
    if (keys[usage].set2 == 0 || is_down(k, usage) == down)
        return;
    k->down[usage >> 3] ^= 1u << (usage & 7);
    if (!down && k->repeating == usage)
        stop_repeating(k);
    if (!k->scanning)
        return;
    send_key(k, usage, down, false);
    if (down)
        start_repeating(k, usage);
}

/* ---- Commands ---- */

enum { ACK = 0xFA, RESEND = 0xFE, ECHO = 0xEE, BAT_PASSED = 0xAA };

static void reply(struct ps2kbd *k, uint8_t byte)
{
    if (ring_count(&k->replies, PS2KBD_REPLIES) < PS2KBD_REPLIES)
        k->reply_data[ring_push(&k->replies, PS2KBD_REPLIES)] = byte;
}

/* Goes ahead of what is left of an answer. */
static void reply_first(struct ps2kbd *k, uint8_t byte)
{
    uint32_t count = ring_count(&k->replies, PS2KBD_REPLIES);

    if (count == PS2KBD_REPLIES)
        return;
    k->replies.first = (k->replies.first % PS2KBD_REPLIES + PS2KBD_REPLIES - 1) % PS2KBD_REPLIES;
    k->replies.count = count + 1;
    k->reply_data[k->replies.first] = byte;
}

static void default_types(struct ps2kbd *k)
{
    memset(k->type, MAKE_ONLY, sizeof(k->type));
    for (unsigned usage = 0; usage < 256; usage++)
        if (keys[usage].set3)
            k->type[keys[usage].set3] = keys[usage].type;
}

static void set_defaults(struct ps2kbd *k)
{
    k->set = 2;
    k->typematic = TYPEMATIC_DEFAULT;
    k->command = 0;
    default_types(k);
    ring_clear(&k->keys);
    stop_repeating(k);
}

/* "Reset": acknowledges, then tests itself, and sends the completion code. */
static void start_bat(struct ps2kbd *k)
{
    set_defaults(k);
    k->leds = 0;
    k->scanning = 0;
    arm(&k->bat, k->bat_ns);
}

void ps2kbd_bat_due(struct ps2kbd *k)
{
    k->scanning = 1;
    reply(k, BAT_PASSED);
}

/* Commands F7h to FDh: what they make of a key. */
static uint8_t type_of_command(uint8_t command)
{
    static const uint8_t types[] = {
        TYPEMATIC, MAKE_BREAK, MAKE_ONLY, TYPEMATIC_MAKE_BREAK, /* F7h to FAh: all keys */
        TYPEMATIC, MAKE_BREAK, MAKE_ONLY                        /* FBh to FDh: one key */
    };

    return types[command - 0xF7];
}

static void run_command(struct ps2kbd *k, uint8_t command)
{
    switch (command) {
    case 0xEE:
        reply(k, ECHO);
        return;
    case 0xFE:
        reply_first(k, k->last_sent);
        return;
    case 0xED: /* set indicators */
    case 0xF0: /* select alternate scan codes */
    case 0xF3: /* set typematic rate/delay */
    case 0xFB: /* set key type: typematic */
    case 0xFC: /* set key type: make/break */
    case 0xFD: /* set key type: make */
        reply(k, ACK);
        k->command = command;
        return;
    case 0xF2: /* read ID */
        reply(k, ACK);
        reply(k, 0xAB);
        reply(k, 0x83);
        return;
    case 0xF4: /* enable */
        reply(k, ACK);
        ring_clear(&k->keys);
        stop_repeating(k);
        k->scanning = 1;
        return;
    case 0xF5: /* default disable */
        reply(k, ACK);
        set_defaults(k);
        k->scanning = 0;
        return;
    case 0xF6: /* set default */
        reply(k, ACK);
        set_defaults(k);
        return;
    case 0xF7: /* set all keys: typematic, make/break, make, typematic/make/break */
    case 0xF8:
    case 0xF9:
    case 0xFA:
        reply(k, ACK);
        memset(k->type, type_of_command(command), sizeof(k->type));
        ring_clear(&k->keys);
        return;
    case 0xFF:
        reply(k, ACK);
        start_bat(k);
        return;
    default: /* EFh, F1h and what is no command: "Resend" */
        reply(k, RESEND);
    }
}

static void select_set(struct ps2kbd *k, uint8_t set)
{
    if (set > 3) {
        reply(k, RESEND);
        return;
    }
    reply(k, ACK);
    if (set == 0) {
        reply(k, k->set);
        return;
    }
    k->set = set;
    ring_clear(&k->keys);
    stop_repeating(k);
}

static void take_option(struct ps2kbd *k, uint8_t command, uint8_t option)
{
    switch (command) {
    case 0xED:
        reply(k, ACK);
        k->leds = option & 7;
        break;
    case 0xF0:
        select_set(k, option);
        break;
    case 0xF3:
        reply(k, ACK);
        k->typematic = option & 0x7F;
        break;
    case 0xFB: /* a list of keys, ended by the next command */
    case 0xFC:
    case 0xFD:
        reply(k, ACK);
        k->type[option] = type_of_command(command);
        k->command = command;
        break;
    }
}

/* An option byte below EDh belongs to the command before it; a command in its place ends that one. */
void ps2kbd_receive(struct ps2kbd *k, uint8_t byte)
{
    uint8_t command = k->command;

    if (byte != 0xFE) {
        ring_clear(&k->replies);
        k->command = 0;
    }
    if (command && byte < 0xED)
        take_option(k, command, byte);
    else
        run_command(k, byte);
}

/* ---- The wire ---- */

bool ps2kbd_has_byte(const struct ps2kbd *k)
{
    return ring_count(&k->replies, PS2KBD_REPLIES) || ring_count(&k->keys, sizeof(k->key_data));
}

uint8_t ps2kbd_take_byte(struct ps2kbd *k)
{
    if (ring_count(&k->replies, PS2KBD_REPLIES))
        k->last_sent = k->reply_data[ring_pop(&k->replies, PS2KBD_REPLIES)];
    else if (ring_count(&k->keys, sizeof(k->key_data)))
        k->last_sent = k->key_data[ring_pop(&k->keys, sizeof(k->key_data))];
    return k->last_sent;
}

void ps2kbd_power_on(struct ps2kbd *k)
{
    memset(k->down, 0, sizeof(k->down));
    memset(k->key_data, 0, sizeof(k->key_data));
    memset(k->reply_data, 0, sizeof(k->reply_data));
    ring_clear(&k->replies);
    sim_event_cancel(&k->bat);
    set_defaults(k);
    k->leds = 0;
    k->last_sent = 0;
    k->scanning = 1;
}
