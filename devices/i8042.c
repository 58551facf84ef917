#include "devices/i8042.h"

#include <stdio.h>
#include <string.h>

#include "devices/ps2kbd.h"
#include "devices/ps2mouse.h"

#define KBC_COMMAND_BYTE(X, p)                                          \
    X(p, translate,     6, 6, "keyboard codes go from set 2 to set 1")  \
    X(p, disable_mouse, 5, 5, "the mouse is held back")                 \
    X(p, disable_kbd,   4, 4, "the keyboard is held back")              \
    X(p, system,        2, 2, "system flag of the status")              \
    X(p, irq12,         1, 1, "interrupt for bytes of the mouse")       \
    X(p, irq1,          0, 0, "interrupt for all other bytes")
SIM_BITS_DEFINE(kbc_command_byte, KBC_COMMAND_BYTE)

#define KBC_PORT2(X, p)                                                 \
    X(p, kbd_data,    7, 7, "")                                         \
    X(p, kbd_clock,   6, 6, "")                                         \
    X(p, mouse_clock, 3, 3, "")                                         \
    X(p, mouse_data,  2, 2, "")                                         \
    X(p, a20,         1, 1, "A20 reaches the memory")                   \
    X(p, run,         0, 0, "0 resets the processor")
SIM_BITS_DEFINE(kbc_port2, KBC_PORT2)

enum { BYTE_SYSTEM = 0x04, BYTE_DISABLE_KBD = 0x10, BYTE_DISABLE_MOUSE = 0x20 };

enum { STATUS_OBF = 0x01, STATUS_IBF = 0x02, STATUS_SYSTEM = 0x04, STATUS_COMMAND = 0x08, STATUS_UNLOCKED = 0x10,
       STATUS_AUX_OBF = 0x20 };

#define COMMAND_BYTE_AT_RESET 0x30
#define COMMAND_BYTE_SET_UP   0x65
#define PORT2_AT_RESET        0xCF
#define PORT1                 0xA3 /* not locked, no manufacturing jumper, colour display, both data lines high */
#define TEST_INPUTS           0x03 /* both clocks high */

#define LOOP_NS 5000u    /* a turn of the firmware's loop */
#define WIRE_NS 1000000u /* 11 bits at 11 kHz */

/* What is on the wires. */
enum { WIRE_IDLE, FROM_KBD, FROM_MOUSE, TO_KBD, TO_MOUSE };

struct i8042 {
    struct sim_device dev;
    uint64_t bat; /* property */

    uint8_t command_byte;
    uint8_t ram[31];
    uint8_t port2;
    uint8_t input, input_full, input_is_command;
    uint8_t output, output_full, output_is_mouse;
    uint8_t reply, reply_waits, reply_is_mouse;
    uint8_t command;
    uint8_t wire, wire_data;
    uint8_t turn;
    uint8_t break_seen;
    struct ps2kbd kbd;
    struct ps2mouse mouse;
    struct sim_event loop, wire_done;

    struct sim_wire_driver irq1, irq12, a20; /* derived */
    struct sim_range data_range, status_range;
};

static const struct sim_field i8042_fields[] = {
    SIM_FIELD_BITS(struct i8042, command_byte, kbc_command_byte_bits, "controller RAM 20h"),
    SIM_FIELD_BYTES(struct i8042, ram, "controller RAM 21h to 3Fh"),
    SIM_FIELD_BITS(struct i8042, port2, kbc_port2_bits, "output port, but for the interrupt bits 5 and 4"),
    SIM_FIELD(struct i8042, input, "input buffer"),
    SIM_FIELD(struct i8042, input_full, "IBF"),
    SIM_FIELD(struct i8042, input_is_command, "1: the last write was to port 64h"),
    SIM_FIELD(struct i8042, output, "output buffer"),
    SIM_FIELD(struct i8042, output_full, "OBF"),
    SIM_FIELD(struct i8042, output_is_mouse, "1: from the mouse"),
    SIM_FIELD(struct i8042, reply, "the controller's own answer"),
    SIM_FIELD(struct i8042, reply_waits, "1: it waits for the output buffer"),
    SIM_FIELD(struct i8042, reply_is_mouse, "1: it goes out as if from the mouse"),
    SIM_FIELD(struct i8042, command, "command whose data byte is awaited; 0: none"),
    SIM_FIELD(struct i8042, wire, "0 idle, byte from 1 keyboard 2 mouse, byte to 3 keyboard 4 mouse"),
    SIM_FIELD(struct i8042, wire_data, "byte on its way to a device"),
    SIM_FIELD(struct i8042, turn, "1: the mouse comes first when both devices have a byte"),
    SIM_FIELD(struct i8042, break_seen, "1: translation swallowed F0h"),
    SIM_FIELD_STRUCT(struct i8042, kbd, ps2kbd_fields, "keyboard"),
    SIM_FIELD_STRUCT(struct i8042, mouse, ps2mouse_fields, "mouse"),
    SIM_FIELD_EVENT(struct i8042, loop, "the firmware's next turn"),
    SIM_FIELD_EVENT(struct i8042, wire_done, "the byte on the wire has arrived"),
    SIM_FIELD_DERIVED(struct i8042, irq1, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct i8042, irq12, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct i8042, a20, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct i8042, data_range, "port 60h"),
    SIM_FIELD_DERIVED(struct i8042, status_range, "port 64h"),
    SIM_FIELD_END
};

static struct i8042 *i8042_of(struct sim_device *dev)
{
    return (struct i8042 *)dev;
}

/* ---- Output buffer and wires ---- */

static void update_irqs(struct i8042 *c)
{
    sim_wire_set(&c->irq1, c->output_full && !c->output_is_mouse && kbc_command_byte_irq1(c->command_byte));
    sim_wire_set(&c->irq12, c->output_full && c->output_is_mouse && kbc_command_byte_irq12(c->command_byte));
}

static void put_output(struct i8042 *c, uint8_t byte, bool is_mouse)
{
    c->output = byte;
    c->output_full = 1;
    c->output_is_mouse = is_mouse;
    update_irqs(c);
}

static void answer(struct i8042 *c, uint8_t byte, bool as_mouse)
{
    c->reply = byte;
    c->reply_waits = 1;
    c->reply_is_mouse = as_mouse;
}

/* A20 and reset: bits 1 and 0 of the output port. */
static void write_port2(struct i8042 *c, uint8_t value)
{
    c->port2 = value;
    sim_wire_set(&c->a20, kbc_port2_a20(value));
    if (!kbc_port2_run(value))
        sim_request(&c->dev, SIM_REQUEST_RESET, 0);
}

static uint8_t read_port2(const struct i8042 *c)
{
    uint8_t irqs = 0;

    if (c->output_full)
        irqs = c->output_is_mouse ? 0x20 : 0x10;
    return (c->port2 & 0xCF) | irqs;
}

/* ---- The firmware: bytes of the devices ---- */

static bool kbd_may_send(const struct i8042 *c)
{
    return !kbc_command_byte_disable_kbd(c->command_byte) && ps2kbd_has_byte(&c->kbd);
}

static bool mouse_may_send(const struct i8042 *c)
{
    return !kbc_command_byte_disable_mouse(c->command_byte) && ps2mouse_has_byte(&c->mouse);
}

static void start_wire(struct i8042 *c, uint8_t what)
{
    struct sim_clock *clock = sim_clock_of(&c->dev);

    c->wire = what;
    sim_event_at(&c->wire_done, clock->now + sim_ns_to_cycles(clock, WIRE_NS));
}

static void stop_wire(struct i8042 *c)
{
    c->wire = WIRE_IDLE;
    sim_event_cancel(&c->wire_done);
}

static bool sending(const struct i8042 *c)
{
    return c->wire == TO_KBD || c->wire == TO_MOUSE;
}

/* Both devices in turn, when both have something to say. */
static void start_receiving(struct i8042 *c)
{
    bool kbd = kbd_may_send(c), mouse = mouse_may_send(c);

    if (kbd && (!mouse || !c->turn))
        start_wire(c, FROM_KBD);
    else if (mouse)
        start_wire(c, FROM_MOUSE);
}

/* "Scan Code Translation": F0h is swallowed and sets bit 7 of the code behind it. */
static void receive_kbd(struct i8042 *c)
{
    uint8_t byte = ps2kbd_take_byte(&c->kbd);

    c->turn = 1;
    if (!kbc_command_byte_translate(c->command_byte)) {
        put_output(c, byte, false);
    } else if (byte == 0xF0) {
        c->break_seen = 1;
    } else {
        put_output(c, ps2kbd_set1_code(byte) | (c->break_seen ? 0x80 : 0), false);
        c->break_seen = 0;
    }
}

static void receive_mouse(struct i8042 *c)
{
    c->turn = 0;
    put_output(c, ps2mouse_take_byte(&c->mouse), true);
}

/* What the firmware does next, if there is anything to do. */
static void schedule(struct i8042 *c)
{
    struct sim_clock *clock = sim_clock_of(&c->dev);
    bool busy = c->reply_waits ? !c->output_full : c->input_full;

    if (sending(c))
        return;
    if (busy) {
        if (c->loop.deadline == SIM_NEVER)
            sim_event_at(&c->loop, clock->now + sim_ns_to_cycles(clock, LOOP_NS));
    } else if (c->wire == WIRE_IDLE && !c->output_full && !c->reply_waits) {
        start_receiving(c);
    }
}

static void wire_done(struct sim_device *dev)
{
    struct i8042 *c = i8042_of(dev);
    uint8_t what = c->wire;

    c->wire = WIRE_IDLE;
    if (what == FROM_KBD && kbd_may_send(c) && !c->output_full)
        receive_kbd(c);
    else if (what == FROM_MOUSE && mouse_may_send(c) && !c->output_full)
        receive_mouse(c);
    else if (what == TO_KBD)
        ps2kbd_receive(&c->kbd, c->wire_data);
    else if (what == TO_MOUSE)
        ps2mouse_receive(&c->mouse, c->wire_data);
    schedule(c);
}

/* ---- The firmware: commands ---- */

static void send_kbd(struct i8042 *c, uint8_t byte)
{
    c->command_byte &= ~BYTE_DISABLE_KBD;
    c->break_seen = 0;
    c->wire_data = byte;
    start_wire(c, TO_KBD);
}

static void send_mouse(struct i8042 *c, uint8_t byte)
{
    c->command_byte &= ~BYTE_DISABLE_MOUSE;
    c->wire_data = byte;
    start_wire(c, TO_MOUSE);
}

static void unknown_command(struct i8042 *c, uint8_t command)
{
    char what[16];

    snprintf(what, sizeof(what), "command %02Xh", command);
    sim_device_unmodelled(&c->dev, what, "it does nothing and gives no answer");
}

/* F0h to FFh: the low four bits of the output port go low for 6 us where the command has a 0. */
static void pulse(struct i8042 *c, uint8_t command)
{
    if (!kbc_port2_run(command))
        sim_request(&c->dev, SIM_REQUEST_RESET, 0);
    else if (!kbc_port2_a20(command))
        unknown_command(c, command);
}

static void run_command(struct i8042 *c, uint8_t command)
{
    c->command = 0;
    switch (command) {
    case 0x20 ... 0x3F:
        answer(c, command == 0x20 ? c->command_byte : c->ram[command - 0x21], false);
        break;
    case 0x60 ... 0x7F:
    case 0xD1 ... 0xD4:
        c->command = command;
        break;
    case 0xA7:
        c->command_byte |= BYTE_DISABLE_MOUSE;
        break;
    case 0xA8:
        c->command_byte &= ~BYTE_DISABLE_MOUSE;
        break;
    case 0xA9: /* 00h: clock and data line are in order */
    case 0xAB:
        answer(c, 0x00, false);
        break;
    case 0xAA:
        c->command_byte |= BYTE_SYSTEM;
        answer(c, 0x55, false);
        break;
    case 0xAD:
        c->command_byte |= BYTE_DISABLE_KBD;
        break;
    case 0xAE:
        c->command_byte &= ~BYTE_DISABLE_KBD;
        break;
    case 0xC0:
        answer(c, PORT1, false);
        break;
    case 0xD0:
        answer(c, read_port2(c), false);
        break;
    case 0xE0:
        answer(c, TEST_INPUTS, false);
        break;
    case 0xF0 ... 0xFF:
        pulse(c, command);
        break;
    default:
        unknown_command(c, command);
    }
}

static void take_data(struct i8042 *c, uint8_t byte)
{
    uint8_t command = c->command;

    c->command = 0;
    switch (command) {
    case 0x60:
        c->command_byte = byte;
        break;
    case 0x61 ... 0x7F:
        c->ram[command - 0x61] = byte;
        break;
    case 0xD1:
        write_port2(c, byte);
        break;
    case 0xD2:
    case 0xD3:
        answer(c, byte, command == 0xD3);
        break;
    case 0xD4:
        send_mouse(c, byte);
        break;
    default:
        send_kbd(c, byte);
    }
}

/* A turn of the loop. A byte that a device is sending is cut short; the device will send it anew. */
static void loop_turn(struct sim_device *dev)
{
    struct i8042 *c = i8042_of(dev);

    if (sending(c))
        return;
    if (c->reply_waits) {
        if (!c->output_full) {
            stop_wire(c);
            c->reply_waits = 0;
            put_output(c, c->reply, c->reply_is_mouse);
        }
    } else if (c->input_full) {
        stop_wire(c);
        c->input_full = 0;
        if (c->input_is_command)
            run_command(c, c->input);
        else
            take_data(c, c->input);
        update_irqs(c);
    }
    schedule(c);
}

/* ---- Ports ---- */

static uint64_t data_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return i8042_of(dev)->output;
}

static uint64_t data_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct i8042 *c = i8042_of(dev);

    c->output_full = 0;
    update_irqs(c);
    schedule(c);
    return c->output;
}

static void write_input(struct i8042 *c, uint8_t value, bool is_command)
{
    if (c->input_full)
        sim_device_log(&c->dev, SIM_LOG_WARN,
                       "%02Xh written to port %s while IBF is set: %02Xh, written before, is lost", value,
                       is_command ? "64h" : "60h", c->input);
    c->input = value;
    c->input_full = 1;
    c->input_is_command = is_command;
    schedule(c);
}

static void data_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    write_input(i8042_of(dev), (uint8_t)value, false);
}

static uint64_t status_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct i8042 *c = i8042_of(dev);
    uint8_t status = STATUS_UNLOCKED;

    if (c->output_full)
        status |= c->output_is_mouse ? STATUS_OBF | STATUS_AUX_OBF : STATUS_OBF;
    if (c->input_full)
        status |= STATUS_IBF;
    if (kbc_command_byte_system(c->command_byte))
        status |= STATUS_SYSTEM;
    if (c->input_is_command)
        status |= STATUS_COMMAND;
    return status;
}

static void command_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    write_input(i8042_of(dev), (uint8_t)value, true);
}

static const struct sim_range_ops data_ops = {
    .read = data_read, .write = data_write, .peek = data_peek, .max_size = 1
};

static const struct sim_range_ops status_ops = {
    .read = status_read, .write = command_write, .peek = status_read, .max_size = 1
};

/* ---- Events and input of the devices ---- */

static void kbd_repeat(struct sim_device *dev)
{
    ps2kbd_repeat_due(&i8042_of(dev)->kbd);
    schedule(i8042_of(dev));
}

static void kbd_bat(struct sim_device *dev)
{
    ps2kbd_bat_due(&i8042_of(dev)->kbd);
    schedule(i8042_of(dev));
}

static void mouse_sample(struct sim_device *dev)
{
    ps2mouse_sample_due(&i8042_of(dev)->mouse);
    schedule(i8042_of(dev));
}

static void mouse_bat(struct sim_device *dev)
{
    ps2mouse_bat_due(&i8042_of(dev)->mouse);
    schedule(i8042_of(dev));
}

static void key_input(struct i8042 *c, const uint8_t *data, size_t len)
{
    struct sim_key key;

    for (; len >= sizeof(key); data += sizeof(key), len -= sizeof(key)) {
        memcpy(&key, data, sizeof(key));
        ps2kbd_key(&c->kbd, key.usage, key.down);
    }
}

static void mouse_input(struct i8042 *c, const uint8_t *data, size_t len)
{
    struct sim_mouse move;

    for (; len >= sizeof(move); data += sizeof(move), len -= sizeof(move)) {
        memcpy(&move, data, sizeof(move));
        ps2mouse_move(&c->mouse, move.dx, move.dy, move.dz, move.buttons);
    }
}

static void i8042_input(struct sim_device *dev, const char *channel, const void *data, size_t len)
{
    struct i8042 *c = i8042_of(dev);

    if (strcmp(channel, "keyboard") == 0)
        key_input(c, data, len);
    else
        mouse_input(c, data, len);
    schedule(c);
}

/* ---- The device ---- */

static enum sim_err join(struct i8042 *c)
{
    struct sim_device *dev = &c->dev;
    enum sim_err err = sim_wire_drive(dev, &c->irq1, "isa.irq1");

    if (!err)
        err = sim_wire_drive(dev, &c->irq12, "isa.irq12");
    if (!err)
        err = sim_wire_drive(dev, &c->a20, "a20.gate");
    if (!err)
        err = sim_accept_input(dev, "keyboard");
    if (!err)
        err = sim_accept_input(dev, "mouse");
    if (!err)
        err = sim_map_io(dev, &c->data_range, "i8042-data", 0x60, 1, &data_ops, SIM_SPEED_ISA, 0);
    if (!err)
        err = sim_map_io(dev, &c->status_range, "i8042-status", 0x64, 1, &status_ops, SIM_SPEED_ISA, 0);
    return err;
}

static enum sim_err i8042_realize(struct sim_device *dev)
{
    struct i8042 *c = i8042_of(dev);

    sim_device_event(dev, &c->loop, 0, loop_turn);
    sim_device_event(dev, &c->wire_done, 1, wire_done);
    sim_device_event(dev, &c->kbd.repeat, 2, kbd_repeat);
    sim_device_event(dev, &c->kbd.bat, 3, kbd_bat);
    sim_device_event(dev, &c->mouse.sample, 4, mouse_sample);
    sim_device_event(dev, &c->mouse.bat, 5, mouse_bat);
    c->kbd.bat_ns = c->mouse.bat_ns = c->bat * 1000000u;
    return join(c);
}

static void i8042_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct i8042 *c = i8042_of(dev);

    stop_wire(c);
    sim_event_cancel(&c->loop);
    c->command_byte = COMMAND_BYTE_AT_RESET;
    memset(c->ram, 0, sizeof(c->ram));
    c->port2 = PORT2_AT_RESET;
    c->input = c->input_full = c->input_is_command = 0;
    c->output = c->output_full = c->output_is_mouse = 0;
    c->reply = c->reply_waits = c->reply_is_mouse = 0;
    c->command = c->wire_data = c->turn = c->break_seen = 0;
    if (kind == SIM_RESET_POWER) {
        ps2kbd_power_on(&c->kbd);
        ps2mouse_power_on(&c->mouse);
    }
    sim_wire_set(&c->a20, true);
    update_irqs(c);
}

void i8042_set_up(struct sim_device *dev)
{
    struct i8042 *c = i8042_of(dev);

    i8042_reset(dev, SIM_RESET_POWER);
    c->command_byte = COMMAND_BYTE_SET_UP;
}

static const struct sim_property i8042_properties[] = {
    SIM_PROPERTY_UINT_(struct i8042, bat, 1, 2000, "20", "self test of keyboard and mouse, in ms"),
    SIM_PROPERTY_END
};

const struct sim_device_class i8042_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class),
    .name = "i8042", .title = "Keyboard controller, keyboard and mouse", .version = 1,
    .instance_size = sizeof(struct i8042), .fields = i8042_fields, .properties = i8042_properties,
    .realize = i8042_realize, .reset = i8042_reset, .input = i8042_input
};
