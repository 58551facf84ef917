#include "devices/pit.h"

/* "Control Word Format". */
#define PIT_CW(X, p)                                                                 \
    X(p, select, 7, 6, "counter 0..2; 3 is read-back")                               \
    X(p, access, 5, 4, "0 latch, 1 LSB, 2 MSB, 3 LSB then MSB")                      \
    X(p, mode,   3, 1, "6 and 7 alias 2 and 3")                                      \
    X(p, bcd,    0, 0, "1 counts four decades")
SIM_BITS_DEFINE(pit_cw, PIT_CW)

/* "Read-Back Command Format". */
#define PIT_READBACK(X, p)                                                           \
    X(p, no_count,  5, 5, "0: latch the count")                                      \
    X(p, no_status, 4, 4, "0: latch the status")                                     \
    X(p, counters,  3, 1, "which counters, a bit each")
SIM_BITS_DEFINE(pit_readback, PIT_READBACK)

/* "Status Byte"; its low six bits are the control word's. */
#define PIT_STATUS(X, p)                                                             \
    X(p, out,  7, 7, "level of OUT")                                                 \
    X(p, null, 6, 6, "the count written was not loaded yet")                         \
    X(p, programmed, 5, 0, "access, mode and BCD as written")
SIM_BITS_DEFINE(pit_status, PIT_STATUS)

/* PIIX3, "NMI Status and Control". */
#define PIT_PORT61(X, p)                                                             \
    X(p, serr,     7, 7, "SERR# was the source of an NMI")                           \
    X(p, iochk,    6, 6, "IOCHK# was the source of an NMI")                          \
    X(p, out2,     5, 5, "level of OUT2")                                            \
    X(p, refresh,  4, 4, "toggles with each refresh")                                \
    X(p, iochk_off, 3, 3, "disable NMI by IOCHK#")                                   \
    X(p, serr_off, 2, 2, "disable NMI by SERR#")                                     \
    X(p, speaker,  1, 1, "let OUT2 through to the speaker")                          \
    X(p, gate2,    0, 0, "GATE of counter 2")
SIM_BITS_DEFINE(pit_port61, PIT_PORT61)

enum { ACCESS_LATCH, ACCESS_LSB, ACCESS_MSB, ACCESS_BOTH };
#define CLOCKS_PER_REFRESH 18 /* 15.085 us */

/* A counter as it was after clock `tick`. What happens later follows from it: see run_to(). */
struct pit_counter {
    uint64_t tick;
    uint32_t ce, initial;
    uint16_t cr, ol;
    uint8_t control, status, written_lsb;
    bool write_msb, read_msb, count_latched, status_latched;
    bool written, null_count, loading, counting, strobed, stopped;
    bool gate, out;
};

static const struct sim_field pit_counter_fields[] = {
    SIM_FIELD(struct pit_counter, tick, "clocks since power-on at which the rest is true"),
    SIM_FIELD(struct pit_counter, ce, "counting element, in binary even in BCD mode"),
    SIM_FIELD(struct pit_counter, initial, "the count last loaded into CE"),
    SIM_FIELD(struct pit_counter, cr, "count register, as written"),
    SIM_FIELD(struct pit_counter, ol, "output latch, while count_latched"),
    SIM_FIELD_BITS(struct pit_counter, control, pit_cw_bits, "control word"),
    SIM_FIELD_BITS(struct pit_counter, status, pit_status_bits, "status latch, while status_latched"),
    SIM_FIELD(struct pit_counter, written_lsb, "first byte of a count of two, while write_msb"),
    SIM_FIELD(struct pit_counter, write_msb, "the next byte written is the second of two"),
    SIM_FIELD(struct pit_counter, read_msb, "the next byte read is the second of two"),
    SIM_FIELD(struct pit_counter, count_latched, "OL holds a count until it was read"),
    SIM_FIELD(struct pit_counter, status_latched, "the status holds until it was read"),
    SIM_FIELD(struct pit_counter, written, "a count was written since the control word"),
    SIM_FIELD(struct pit_counter, null_count, "CR holds a count that was not loaded into CE yet"),
    SIM_FIELD(struct pit_counter, loading, "the next clock loads CR into CE"),
    SIM_FIELD(struct pit_counter, counting, "CE was loaded since the control word"),
    SIM_FIELD(struct pit_counter, strobed, "modes 4 and 5: CE has reached 0 since it was loaded"),
    SIM_FIELD(struct pit_counter, stopped, "mode 0: between the two bytes of a count"),
    SIM_FIELD(struct pit_counter, gate, "level of GATE"),
    SIM_FIELD(struct pit_counter, out, "level of OUT"),
    SIM_FIELD_END
};

struct pit {
    struct sim_device dev;
    bool out2;
    uint8_t port61;
    struct pit_counter counter[3];
    struct sim_event out0_change, out2_change;
    struct sim_wire_driver irq0, out0_wire, out2_wire;
    struct sim_range range, port61_range;
};

static const struct sim_field pit_fields[] = {
    SIM_FIELD_SUB(struct pit, counter, pit_counter_fields, "counters 0 to 2"),
    SIM_FIELD_BITS(struct pit, port61, pit_port61_bits, "port 61h bits 3:0 as written"),
    SIM_FIELD_EVENT(struct pit, out0_change, "next change of OUT0"),
    SIM_FIELD_EVENT(struct pit, out2_change, "next change of OUT2, with the property out2"),
    SIM_FIELD_DERIVED(struct pit, irq0, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct pit, out0_wire, "likewise"),
    SIM_FIELD_DERIVED(struct pit, out2_wire, "likewise"),
    SIM_FIELD_DERIVED(struct pit, range, "ports 40h-43h"),
    SIM_FIELD_DERIVED(struct pit, port61_range, "port 61h"),
    SIM_FIELD_END
};

static const struct sim_property pit_properties[] = {
    SIM_PROPERTY_BOOL_(struct pit, out2, "false", "drive the wire pit.out2 (an event for each change)"),
    SIM_PROPERTY_END
};

static struct pit *pit_of(struct sim_device *dev)
{
    return (struct pit *)dev;
}

/* ---- One counter, clock by clock ---- */

static unsigned mode_of(const struct pit_counter *c)
{
    unsigned mode = (unsigned)pit_cw_mode(c->control);

    return mode > 5 ? mode - 4 : mode;
}

static bool repeats(const struct pit_counter *c)
{
    return mode_of(c) == 2 || mode_of(c) == 3;
}

static uint32_t modulus(const struct pit_counter *c)
{
    return pit_cw_bcd(c->control) ? 10000 : 0x10000;
}

static uint32_t from_bcd(uint16_t v)
{
    return (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u + (v & 15);
}

static uint16_t to_bcd(uint32_t v)
{
    return (uint16_t)((v / 1000 % 10) << 12 | (v / 100 % 10) << 8 | (v / 10 % 10) << 4 | v % 10);
}

/* The number of clocks that CR stands for; 0 stands for 2^16, or 10^4 in BCD. */
static uint32_t count_written(const struct pit_counter *c)
{
    uint32_t n = pit_cw_bcd(c->control) ? from_bcd(c->cr) : c->cr;

    if (n == 0)
        return modulus(c);
    return n == 1 && repeats(c) ? 2 : n;
}

static uint16_t count_read(const struct pit_counter *c)
{
    return pit_cw_bcd(c->control) ? to_bcd(c->ce) : (uint16_t)c->ce;
}

/* GATE low stops modes 0, 2, 3 and 4; in modes 1 and 5 only its edges matter. */
static bool enabled(const struct pit_counter *c)
{
    return c->counting && !c->stopped && (c->gate || mode_of(c) == 1 || mode_of(c) == 5);
}

static void load(struct pit_counter *c)
{
    c->initial = count_written(c);
    c->ce = c->initial;
    if (mode_of(c) == 3)
        c->ce &= ~1u; /* an odd count is loaded less one, and counted in twos */
    c->null_count = false;
    c->loading = false;
    c->counting = true;
    c->strobed = false;
}

/* Mode 3: clocks until OUT toggles. The high half of an odd count takes one clock more. */
static uint32_t half_left(const struct pit_counter *c)
{
    return c->ce / 2 + (c->out && (c->initial & 1));
}

/* The next clock's load: what the counter was waiting for has come. */
static void clock_load(struct pit_counter *c)
{
    load(c);
    switch (mode_of(c)) {
    case 1:
        c->out = false;
        break;
    case 2:
    case 3:
        c->out = true;
        break;
    }
}

/* One clock of a counter that counts. */
static void clock_count(struct pit_counter *c)
{
    switch (mode_of(c)) {
    case 2:
        if (c->ce == 1)
            load(c);
        else
            c->ce--;
        c->out = c->ce != 1;
        return;
    case 3:
        if (half_left(c) > 1) {
            c->ce -= 2;
            return;
        }
        load(c);
        c->out = !c->out;
        return;
    }
    c->ce = (c->ce ? c->ce : modulus(c)) - 1;
    switch (mode_of(c)) {
    case 0:
    case 1:
        c->out |= c->ce == 0;
        break;
    case 4:
    case 5:
        c->out = c->strobed || c->ce != 0;
        c->strobed |= c->ce == 0;
        break;
    }
}

/* How many clocks from now OUT changes or CE is loaded, if nobody writes and GATE stays; 0: never. */
static uint32_t clocks_to_change(const struct pit_counter *c)
{
    if (c->loading)
        return 1;
    if (!enabled(c))
        return 0;
    switch (mode_of(c)) {
    case 0:
    case 1:
        return c->out ? 0 : c->ce;
    case 2:
        return c->out ? c->ce - 1 : 1;
    case 3:
        return half_left(c);
    default:
        if (c->strobed)
            return c->out ? 0 : 1;
        return c->ce;
    }
}

/* Clocks in which OUT does not change and nothing is loaded. */
static void skip(struct pit_counter *c, uint64_t clocks)
{
    uint32_t n;

    c->tick += clocks;
    if (!enabled(c))
        return;
    n = (uint32_t)(clocks % modulus(c));
    if (mode_of(c) == 3)
        c->ce -= 2 * n;
    else
        c->ce = c->ce >= n ? c->ce - n : c->ce + modulus(c) - n;
}

/* Whole periods leave modes 2 and 3 as they are, once CE counts what CR says. */
static void skip_periods(struct pit_counter *c, uint64_t tick)
{
    if (repeats(c) && enabled(c) && !c->loading && !c->null_count && c->initial)
        c->tick = tick - (tick - c->tick) % c->initial;
}

/* Brings the counter to the state after clock `tick`. */
static void run_to(struct pit_counter *c, uint64_t tick)
{
    while (c->tick < tick) {
        uint32_t change;

        skip_periods(c, tick);
        change = clocks_to_change(c);
        if (change == 0 || change > tick - c->tick) {
            skip(c, tick - c->tick);
            return;
        }
        skip(c, change - 1);
        c->tick++;
        if (c->loading)
            clock_load(c);
        else
            clock_count(c);
    }
}

/* ---- One counter: its ports ---- */

/* "Write Operations": CR is cleared, control logic reset, OUT goes to its initial state at once. */
static void write_control(struct pit_counter *c, uint8_t value)
{
    c->control = value & 0x3F;
    c->cr = 0;
    c->write_msb = c->read_msb = c->count_latched = c->status_latched = false;
    c->null_count = true;
    c->written = c->loading = c->counting = c->strobed = c->stopped = false;
    c->out = mode_of(c) != 0;
}

/* A whole count has been written. */
static void count_arrives(struct pit_counter *c)
{
    c->written = true;
    c->null_count = true;
    switch (mode_of(c)) {
    case 0:
        c->stopped = false;
        c->out = false;
        c->loading = true;
        break;
    case 4:
        c->loading = true;
        break;
    case 2:
    case 3:
        c->loading |= !c->counting; /* later counts wait for the end of the period, or of the half */
        break;
    default:
        break; /* modes 1 and 5 wait for a trigger */
    }
}

static void write_count(struct pit_counter *c, uint8_t value)
{
    switch (pit_cw_access(c->control)) {
    case ACCESS_LSB:
        c->cr = value;
        break;
    case ACCESS_MSB:
        c->cr = (uint16_t)(value << 8);
        break;
    case ACCESS_BOTH:
        c->write_msb = !c->write_msb;
        if (c->write_msb) {
            c->written_lsb = value;
            if (mode_of(c) == 0) {
                c->stopped = true;
                c->out = false;
            }
            return;
        }
        c->cr = (uint16_t)(value << 8 | c->written_lsb);
        break;
    default:
        return; /* no control word since RESET */
    }
    count_arrives(c);
}

static void latch_count(struct pit_counter *c)
{
    if (c->count_latched)
        return;
    c->ol = count_read(c);
    c->count_latched = true;
}

static uint8_t status_of(const struct pit_counter *c)
{
    return (uint8_t)(c->out << 7 | c->null_count << 6 | c->control);
}

static void latch_status(struct pit_counter *c)
{
    if (c->status_latched)
        return;
    c->status = status_of(c);
    c->status_latched = true;
}

static uint8_t read_count(struct pit_counter *c)
{
    uint16_t count = c->count_latched ? c->ol : count_read(c);
    bool msb = pit_cw_access(c->control) == ACCESS_MSB;

    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (pit_cw_access(c->control) == ACCESS_BOTH) {
        msb = c->read_msb;
        c->read_msb = !c->read_msb;
        if (!msb)
            return (uint8_t)count; /* OL is held until the second byte was read */
    }
    c->count_latched = false;
    return (uint8_t)(msb ? count >> 8 : count);
}

/* "Gate Pin Operations Summary". */
static void set_gate(struct pit_counter *c, bool level)
{
    bool rose = level && !c->gate;

    c->gate = level;
    if (!level && repeats(c))
        c->out = true;
    if (rose && mode_of(c) != 0 && mode_of(c) != 4 && c->written)
        c->loading = true;
}

/* ---- The part ---- */

static uint64_t ticks_now(const struct sim_device *dev)
{
    return sim_ticks_at(sim_clock_of(dev), PIT_HZ, sim_now(dev));
}

/* Counter n as it is now. */
static struct pit_counter *counter_now(struct pit *pit, unsigned n)
{
    run_to(&pit->counter[n], ticks_now(&pit->dev));
    return &pit->counter[n];
}

/* A copy of it, for those who only look. */
static struct pit_counter counter_seen(struct sim_device *dev, unsigned n)
{
    struct pit_counter c = pit_of(dev)->counter[n];

    run_to(&c, ticks_now(dev));
    return c;
}

static void arm(struct pit *pit, struct sim_event *ev, const struct pit_counter *c)
{
    uint32_t clocks = clocks_to_change(c);

    sim_event_at(ev, clocks ? sim_cycle_of(sim_clock_of(&pit->dev), PIT_HZ, c->tick + clocks) : SIM_NEVER);
}

/* Counter n was touched, or its event came: its output goes out. */
static void settle(struct pit *pit, unsigned n)
{
    struct pit_counter *c = counter_now(pit, n);

    if (n == 0) {
        sim_wire_set(&pit->irq0, c->out);
        sim_wire_set(&pit->out0_wire, c->out);
        arm(pit, &pit->out0_change, c);
    }
    if (n == 2 && pit->out2) {
        sim_wire_set(&pit->out2_wire, c->out);
        arm(pit, &pit->out2_change, c);
    }
}

static void out0_due(struct sim_device *dev)
{
    settle(pit_of(dev), 0);
}

static void out2_due(struct sim_device *dev)
{
    settle(pit_of(dev), 2);
}

/* "Read-Back Command". */
static void read_back(struct pit *pit, uint8_t value)
{
    for (unsigned n = 0; n < 3; n++) {
        if (!(pit_readback_counters(value) & 1u << n))
            continue;
        if (!pit_readback_no_count(value))
            latch_count(counter_now(pit, n));
        if (!pit_readback_no_status(value))
            latch_status(counter_now(pit, n));
    }
}

static void write_control_port(struct pit *pit, uint8_t value)
{
    unsigned n = (unsigned)pit_cw_select(value);

    if (n == 3) {
        read_back(pit, value);
        return;
    }
    if (pit_cw_access(value) == ACCESS_LATCH) {
        latch_count(counter_now(pit, n));
        return;
    }
    write_control(counter_now(pit, n), value);
    settle(pit, n);
}

static uint64_t pit_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    if (off == 3)
        return 0xFF; /* "no operation, three-state" */
    return read_count(counter_now(pit_of(dev), (unsigned)off));
}

static void pit_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct pit *pit = pit_of(dev);

    if (off == 3) {
        write_control_port(pit, (uint8_t)value);
        return;
    }
    write_count(counter_now(pit, (unsigned)off), (uint8_t)value);
    if (pit->counter[off].written && pit->counter[off].cr == 1 && repeats(&pit->counter[off]))
        sim_device_unmodelled(dev, "count of 1", "modes 2 and 3 do not allow it; it counts as 2");
    settle(pit, (unsigned)off);
}

static uint64_t pit_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct pit_counter c;

    if (off == 3)
        return 0xFF;
    c = counter_seen(dev, (unsigned)off);
    return read_count(&c);
}

/* OUT as it will be at clock `tick`. */
static bool out_at(const struct pit_counter *c, uint64_t tick)
{
    struct pit_counter then;

    if (!clocks_to_change(c))
        return c->out;
    then = *c;
    run_to(&then, tick);
    return then.out;
}

/* Each way of looking gives the same; the counter is not touched. */
static uint64_t port61_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint64_t tick = ticks_now(dev), refresh = tick / CLOCKS_PER_REFRESH & 1;

    return pit_of(dev)->port61 | refresh << 4 | (uint64_t)out_at(&pit_of(dev)->counter[2], tick) << 5;
}

static void port61_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct pit *pit = pit_of(dev);

    pit->port61 = value & 0x0F;
    set_gate(counter_now(pit, 2), pit_port61_gate2(value));
    settle(pit, 2);
}

static const struct sim_range_ops pit_ops = { .read = pit_read, .write = pit_write, .peek = pit_peek, .max_size = 1 };
static const struct sim_range_ops port61_ops = {
    .read = port61_read, .write = port61_write, .peek = port61_read, .max_size = 1
};

static enum sim_err pit_realize(struct sim_device *dev)
{
    struct pit *pit = pit_of(dev);
    enum sim_err err;

    sim_device_event(dev, &pit->out0_change, 0, out0_due);
    sim_device_event(dev, &pit->out2_change, 1, out2_due);
    if ((err = sim_map_io(dev, &pit->range, "pit", 0x40, 4, &pit_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &pit->port61_range, "port 61h", 0x61, 1, &port61_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_wire_drive(dev, &pit->irq0, "isa.irq0")) ||
        (err = sim_wire_drive(dev, &pit->out0_wire, "pit.out0")))
        return err;
    return pit->out2 ? sim_wire_drive(dev, &pit->out2_wire, "pit.out2") : SIM_OK;
}

static void pit_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct pit *pit = pit_of(dev);

    pit->port61 = 0;
    for (unsigned n = 0; n < 3; n++) {
        pit->counter[n] = (struct pit_counter){ .tick = ticks_now(dev), .null_count = true, .gate = n != 2 };
        settle(pit, n);
    }
}

const struct sim_device_class pit_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "i8254",
    .title = "Programmable interval timer",
    .version = 1,
    .instance_size = sizeof(struct pit),
    .fields = pit_fields,
    .properties = pit_properties,
    .realize = pit_realize,
    .reset = pit_reset,
};
