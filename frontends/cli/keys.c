/*
 * A terminal sends characters and escape sequences; a keyboard has keys. Here the ones become the others again (US layout).
 */
#include "frontends/cli/cli.h"

#include <string.h>

/* HID Usage Tables, "Keyboard/Keypad page". */
enum { KEY_A = 0x04, KEY_ESC = 0x29, KEY_BACKSPACE = 0x2a, KEY_CTRL = 0xe0, KEY_ALT = 0xe2 };

static const struct { const char *sequence; uint8_t usage; } sequences[] = {
    { "[A", 0x52 },   { "[B", 0x51 },   { "[C", 0x4f },   { "[D", 0x50 },   { "OA", 0x52 },   { "OB", 0x51 },   { "OC", 0x4f },   { "OD", 0x50 },
    { "[H", 0x4a },   { "[F", 0x4d },   { "OH", 0x4a },   { "OF", 0x4d },   { "[1~", 0x4a },  { "[2~", 0x49 },  { "[3~", 0x4c },  { "[4~", 0x4d },
    { "[5~", 0x4b },  { "[6~", 0x4e },  { "OP", 0x3a },   { "OQ", 0x3b },   { "OR", 0x3c },   { "OS", 0x3d },   { "[11~", 0x3a }, { "[12~", 0x3b },
    { "[13~", 0x3c }, { "[14~", 0x3d }, { "[15~", 0x3e }, { "[17~", 0x3f }, { "[18~", 0x40 }, { "[19~", 0x41 }, { "[20~", 0x42 }, { "[21~", 0x43 },
    { "[23~", 0x44 }, { "[24~", 0x45 },
};

static void stroke(struct sim *sim, uint8_t with, uint8_t usage)
{
    if (with)
        sim_input_key(sim, with, true);
    sim_input_key(sim, usage, true);
    sim_input_key(sim, usage, false);
    if (with)
        sim_input_key(sim, with, false);
}

/* Behind an ESC: the length of the sequence for a key, 0: none. */
static size_t sequence(const char *bytes, size_t len, uint8_t *usage)
{
    for (unsigned n = 0; n < sizeof(sequences) / sizeof(sequences[0]); n++) {
        size_t want = strlen(sequences[n].sequence);

        if (want <= len && memcmp(bytes, sequences[n].sequence, want) == 0) {
            *usage = sequences[n].usage;
            return want;
        }
    }
    return 0;
}

void keys_type(struct sim *sim, const char *bytes, size_t len)
{
    for (size_t n = 0; n < len; n++) {
        unsigned char c = (unsigned char)bytes[n];
        char text[2] = { (char)c, 0 };
        uint8_t usage;
        size_t used;

        if (c == 0x1b && (used = sequence(bytes + n + 1, len - n - 1, &usage)) > 0) {
            stroke(sim, 0, usage);
            n += used;
        } else if (c == 0x1b && n + 1 < len && bytes[n + 1] >= 'a' && bytes[n + 1] <= 'z') {
            stroke(sim, KEY_ALT, (uint8_t)(KEY_A + bytes[++n] - 'a'));
        } else if (c == 0x7f) {
            stroke(sim, 0, KEY_BACKSPACE);
        } else if (c >= 1 && c <= 26 && c != '\r' && c != '\n' && c != '\t' && c != '\b') {
            stroke(sim, KEY_CTRL, (uint8_t)(KEY_A + c - 1));
        } else {
            sim_input_text(sim, text); /* what no key makes is dropped */
        }
    }
}
