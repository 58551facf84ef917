#include "devices/ps2mouse.h"

#include <string.h>

#define PS2MOUSE_BUTTONS(X, p)            \
    X(p, fifth,  4, 4, "")                \
    X(p, fourth, 3, 3, "")                \
    X(p, middle, 2, 2, "")                \
    X(p, right,  1, 1, "")                \
    X(p, left,   0, 0, "")
SIM_BITS_DEFINE(ps2mouse_buttons, PS2MOUSE_BUTTONS)

const struct sim_field ps2mouse_fields[] = {
    SIM_FIELD(struct ps2mouse, reporting, "1: enabled to send packets in stream mode"),
    SIM_FIELD(struct ps2mouse, remote, "1: remote mode, 0: stream mode"),
    SIM_FIELD(struct ps2mouse, wrap, "1: wrap mode: echoes what it is sent"),
    SIM_FIELD(struct ps2mouse, scaling, "1: 2:1, 0: 1:1"),
    SIM_FIELD(struct ps2mouse, resolution, "2^this counts per mm"),
    SIM_FIELD(struct ps2mouse, sample_rate, "packets per second in stream mode"),
    SIM_FIELD(struct ps2mouse, id, "device ID: 0 standard, 3 wheel, 4 wheel and five buttons"),
    SIM_FIELD(struct ps2mouse, command, "command whose argument is awaited; 0: none"),
    SIM_FIELD(struct ps2mouse, errors, "invalid bytes received in a row"),
    SIM_FIELD_ARRAY(struct ps2mouse, rates, "the last three sample rates set"),
    SIM_FIELD_BITS(struct ps2mouse, buttons, ps2mouse_buttons_bits, "buttons that are pressed"),
    SIM_FIELD_BITS(struct ps2mouse, buttons_sent, ps2mouse_buttons_bits, "buttons in the last packet"),
    SIM_FIELD(struct ps2mouse, dx, "movement not sent yet, to the right (two's complement)"),
    SIM_FIELD(struct ps2mouse, dy, "movement not sent yet, away from the user (two's complement)"),
    SIM_FIELD(struct ps2mouse, dz, "wheel steps not sent yet, towards the user (two's complement)"),
    SIM_FIELD_BYTES(struct ps2mouse, last_data, "the last answer or packet, for the resend command"),
    SIM_FIELD(struct ps2mouse, last_len, "bytes in it"),
    SIM_FIELD_BYTES(struct ps2mouse, data, "bytes to be sent"),
    SIM_FIELD_STRUCT(struct ps2mouse, out, ring_fields, "where in data"),
    SIM_FIELD_EVENT(struct ps2mouse, sample, "the next packet may be sent"),
    SIM_FIELD_EVENT(struct ps2mouse, bat, "end of the basic assurance test"),
    SIM_FIELD_DERIVED(struct ps2mouse, bat_ns, "from the i8042's property `bat`"),
    SIM_FIELD_END
};

#define MOVEMENT_LIMIT 100000 /* counts that wait to be sent, at most */

enum { ACK = 0xFA, RESEND = 0xFE, ERROR = 0xFC, BAT_PASSED = 0xAA };
enum { ID_STANDARD = 0, ID_WHEEL = 3, ID_FIVE_BUTTONS = 4 };

/* ---- What goes out ---- */

static void send(struct ps2mouse *m, const uint8_t *bytes, unsigned len)
{
    if (ring_count(&m->out, PS2MOUSE_BUFFER) + len > PS2MOUSE_BUFFER)
        return;
    for (unsigned i = 0; i < len; i++)
        m->data[ring_push(&m->out, PS2MOUSE_BUFFER)] = bytes[i];
}

/* An acknowledge, an answer or a movement: "Resend" sends the last one again. */
static void send_packet(struct ps2mouse *m, const uint8_t *bytes, uint8_t len)
{
    memcpy(m->last_data, bytes, len);
    m->last_len = len;
    send(m, bytes, len);
}

static void reply(struct ps2mouse *m, uint8_t byte)
{
    send_packet(m, &byte, 1);
}

/* Takes out of a counter what fits between `low` and `high`. */
static int take(int32_t *counter, int low, int high)
{
    int part = *counter < low ? low : *counter > high ? high : *counter;

    *counter -= part;
    return part;
}

/* "Set Scaling 2:1": for stream mode only. */
static int scaled(const struct ps2mouse *m, int value)
{
    static const int small[] = { 0, 1, 1, 3, 6, 9 };
    int size = value < 0 ? -value : value;

    if (!m->scaling || m->remote)
        return value;
    size = size < 6 ? small[size] : 2 * size;
    return value < 0 ? -size : size;
}

/*
 * "Data Packet Format":
 *
 *            7      6      5      4      3      2       1      0
 *     1   Y ovfl X ovfl Y sign X sign    1   middle  right   left
 *     2   X movement
 *     3   Y movement
 *     4   wheel (ID 3), or 0 0 5th 4th and four bits of wheel (ID 4)
 */
static void send_movement(struct ps2mouse *m)
{
    int limit = m->scaling && !m->remote ? 127 : 255;
    int dx = scaled(m, take(&m->dx, -limit, limit));
    int dy = scaled(m, take(&m->dy, -limit, limit));
    uint8_t packet[4] = { 0x08, (uint8_t)dx, (uint8_t)dy, 0 };

    packet[0] |= m->buttons & 7;
    if (dx < 0)
        packet[0] |= 0x10;
    if (dy < 0)
        packet[0] |= 0x20;
    m->buttons_sent = m->buttons;
    if (m->id == ID_STANDARD) {
        m->dz = 0;
        send_packet(m, packet, 3);
        return;
    }
    packet[3] = (uint8_t)take(&m->dz, -8, 7);
    if (m->id == ID_FIVE_BUTTONS)
        packet[3] = (packet[3] & 0x0F) | (m->buttons & 0x18) << 1;
    send_packet(m, packet, 4);
}

/* ---- Movement ---- */

static void arm(struct sim_event *ev, uint64_t ns)
{
    sim_event_at(ev, ev->clock->now + sim_ns_to_cycles(ev->clock, ns));
}

static void wait_for_sample(struct ps2mouse *m)
{
    arm(&m->sample, 1000000000u / (m->sample_rate ? m->sample_rate : 1));
}

static bool something_new(const struct ps2mouse *m)
{
    uint8_t buttons = m->id == ID_FIVE_BUTTONS ? 0x1F : 0x07;

    return m->dx || m->dy || (m->dz && m->id != ID_STANDARD) || ((m->buttons ^ m->buttons_sent) & buttons);
}

static bool streaming(const struct ps2mouse *m)
{
    return m->reporting && !m->remote && !m->wrap;
}

/* A packet as soon as the sample rate allows, and not before the one before it has gone. */
void ps2mouse_sample_due(struct ps2mouse *m)
{
    if (!streaming(m) || !something_new(m))
        return;
    if (!ps2mouse_has_byte(m))
        send_movement(m);
    wait_for_sample(m);
}

static void add_movement(int32_t *counter, int delta)
{
    int64_t sum = (int64_t)*counter + delta;

    *counter = (int32_t)(sum < -MOVEMENT_LIMIT ? -MOVEMENT_LIMIT : sum > MOVEMENT_LIMIT ? MOVEMENT_LIMIT : sum);
}

void ps2mouse_move(struct ps2mouse *m, int dx, int dy, int dz, uint8_t buttons)
{
    add_movement(&m->dx, dx);
    add_movement(&m->dy, -dy);
    add_movement(&m->dz, -dz);
    m->buttons = buttons & 0x1F;
    if (m->sample.deadline == SIM_NEVER)
        ps2mouse_sample_due(m);
}

static void clear_movement(struct ps2mouse *m)
{
    m->dx = m->dy = m->dz = 0;
    m->buttons_sent = m->buttons;
}

/* ---- Commands ---- */

static void set_defaults(struct ps2mouse *m)
{
    m->reporting = m->remote = m->wrap = m->scaling = 0;
    m->resolution = 2;
    m->sample_rate = 100;
    m->command = 0;
    clear_movement(m);
    sim_event_cancel(&m->sample);
}

static void start_bat(struct ps2mouse *m)
{
    set_defaults(m);
    m->id = ID_STANDARD;
    memset(m->rates, 0, sizeof(m->rates));
    arm(&m->bat, m->bat_ns);
}

void ps2mouse_bat_due(struct ps2mouse *m)
{
    const uint8_t passed[] = { BAT_PASSED, ID_STANDARD };

    send_packet(m, passed, sizeof(passed));
}

/* "Status Request". */
static void send_status(struct ps2mouse *m)
{
    uint8_t status[3] = { 0, m->resolution, m->sample_rate };

    status[0] = (uint8_t)(!!m->remote << 6 | !!m->reporting << 5 | !!m->scaling << 4 |
                          ps2mouse_buttons_left(m->buttons) << 2 | ps2mouse_buttons_middle(m->buttons) << 1 |
                          ps2mouse_buttons_right(m->buttons));
    send_packet(m, status, sizeof(status));
}

/* The first invalid byte is answered by "Resend", the next by "Error". */
static void refuse(struct ps2mouse *m)
{
    reply(m, m->errors ? ERROR : RESEND);
    m->errors = 1;
}

static void set_rate(struct ps2mouse *m, uint8_t rate)
{
    static const uint8_t rates[] = { 10, 20, 40, 60, 80, 100, 200 };

    if (!memchr(rates, rate, sizeof(rates))) {
        refuse(m);
        return;
    }
    reply(m, ACK);
    m->sample_rate = rate;
    memmove(m->rates, m->rates + 1, 2);
    m->rates[2] = rate;
    if (m->rates[0] == 200 && m->rates[1] == 100 && rate == 80)
        m->id = ID_WHEEL;
    if (m->rates[0] == 200 && m->rates[1] == 200 && rate == 80)
        m->id = ID_FIVE_BUTTONS;
}

static void set_resolution(struct ps2mouse *m, uint8_t resolution)
{
    if (resolution > 3) {
        refuse(m);
        return;
    }
    reply(m, ACK);
    m->resolution = resolution;
}

static void resend(struct ps2mouse *m)
{
    send(m, m->last_data, m->last_len <= sizeof(m->last_data) ? m->last_len : sizeof(m->last_data));
}

static bool is_command(uint8_t byte)
{
    static const uint8_t commands[] = { 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xEE,
                                        0xF0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xFF };

    return memchr(commands, byte, sizeof(commands));
}

static void run_command(struct ps2mouse *m, uint8_t command)
{
    if (command == 0xFE) {
        resend(m);
        return;
    }
    if (!is_command(command)) {
        refuse(m);
        return;
    }
    m->errors = 0;
    reply(m, ACK);
    switch (command) {
    case 0xE6: /* set scaling 1:1, 2:1 */
    case 0xE7:
        m->scaling = command == 0xE7;
        break;
    case 0xE8: /* set resolution */
    case 0xF3: /* set sample rate */
        m->command = command;
        break;
    case 0xE9:
        send_status(m);
        break;
    case 0xEA: /* set stream mode */
        m->remote = 0;
        clear_movement(m);
        break;
    case 0xEB: /* read data */
        send_movement(m);
        break;
    case 0xEE: /* set wrap mode */
        m->wrap = 1;
        break;
    case 0xF0: /* set remote mode */
        m->remote = 1;
        clear_movement(m);
        break;
    case 0xF2: /* read device type */
        send_packet(m, &m->id, 1);
        break;
    case 0xF4: /* enable, disable */
    case 0xF5:
        m->reporting = command == 0xF4;
        clear_movement(m);
        break;
    case 0xF6:
        set_defaults(m);
        break;
    case 0xFF:
        start_bat(m);
        break;
    case 0xEC: /* reset wrap mode: it is not on */
        break;
    }
}

/* "Set Wrap Mode": everything comes back but the two commands that end it. */
static void wrap(struct ps2mouse *m, uint8_t byte)
{
    if (byte == 0xEC) {
        m->wrap = 0;
        reply(m, ACK);
    } else if (byte == 0xFF) {
        run_command(m, byte);
    } else {
        reply(m, byte);
    }
}

/* Whatever it was about to send, a byte from the system ends it. */
void ps2mouse_receive(struct ps2mouse *m, uint8_t byte)
{
    uint8_t command = m->command;

    ring_clear(&m->out);
    m->command = 0;
    if (m->wrap)
        wrap(m, byte);
    else if (command == 0xF3)
        set_rate(m, byte);
    else if (command == 0xE8)
        set_resolution(m, byte);
    else
        run_command(m, byte);
}

/* ---- The wire ---- */

bool ps2mouse_has_byte(const struct ps2mouse *m)
{
    return ring_count(&m->out, PS2MOUSE_BUFFER);
}

uint8_t ps2mouse_take_byte(struct ps2mouse *m)
{
    return ps2mouse_has_byte(m) ? m->data[ring_pop(&m->out, PS2MOUSE_BUFFER)] : 0;
}

void ps2mouse_power_on(struct ps2mouse *m)
{
    memset(m->data, 0, sizeof(m->data));
    memset(m->last_data, 0, sizeof(m->last_data));
    memset(m->rates, 0, sizeof(m->rates));
    ring_clear(&m->out);
    m->last_len = m->errors = m->buttons = 0;
    m->id = ID_STANDARD;
    sim_event_cancel(&m->bat);
    set_defaults(m);
}
