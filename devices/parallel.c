#include "devices/parallel.h"

#include <stdio.h>

#define PARALLEL_CONTROL(X, p)                                      \
    X(p, direction,  5, 5, "1: data lines are inputs")              \
    X(p, irq_enable, 4, 4, "interrupt at the end of ACK#")          \
    X(p, select,     3, 3, "SLCT IN")                               \
    X(p, no_init,    2, 2, "0: INIT# is low, the printer resets")   \
    X(p, auto_feed,  1, 1, "")                                      \
    X(p, strobe,     0, 0, "the data lines are valid")
SIM_BITS_DEFINE(parallel_control, PARALLEL_CONTROL)

enum { STATUS_NOT_BUSY = 0x80, STATUS_NOT_ACK = 0x40, STATUS_SELECT = 0x10, STATUS_NOT_ERROR = 0x08,
       STATUS_NOT_IRQ = 0x04, STATUS_UNUSED = 0x03 };

#define CONTROL_UNUSED 0xC0 /* read as 1 */

/* The printer's handshake. */
enum { IDLE, BUSY, ACK };
#define BUSY_NS 5000u
#define ACK_NS  5000u

struct parallel {
    struct sim_device dev;

    /* Properties */
    uint64_t base, irq;
    const char *channel;

    uint8_t data, control;
    uint8_t printer;
    uint8_t pending;
    struct sim_event next;

    /* Derived */
    struct sim_wire_driver line;
    struct sim_range range;
};

static const struct sim_field parallel_fields[] = {
    SIM_FIELD(struct parallel, data, "data register"),
    SIM_FIELD_BITS(struct parallel, control, parallel_control_bits, "control register"),
    SIM_FIELD(struct parallel, printer, "0 idle, 1 busy, 2 busy with ACK# low"),
    SIM_FIELD(struct parallel, pending, "1: interrupt"),
    SIM_FIELD_EVENT(struct parallel, next, "the printer goes on"),
    SIM_FIELD_DERIVED(struct parallel, line, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct parallel, range, "ports"),
    SIM_FIELD_END
};

static struct parallel *parallel_of(struct sim_device *dev)
{
    return (struct parallel *)dev;
}

static void set_pending(struct parallel *p, bool pending)
{
    p->pending = pending;
    sim_wire_set(&p->line, pending);
}

static void enter(struct parallel *p, uint8_t printer, uint64_t ns)
{
    struct sim_clock *clock = sim_clock_of(&p->dev);

    p->printer = printer;
    sim_event_at(&p->next, clock->now + sim_ns_to_cycles(clock, ns));
}

static void printer_next(struct sim_device *dev)
{
    struct parallel *p = parallel_of(dev);

    if (p->printer == BUSY) {
        enter(p, ACK, ACK_NS);
        return;
    }
    p->printer = IDLE;
    if (parallel_control_irq_enable(p->control))
        set_pending(p, true);
}

static void reset_printer(struct parallel *p)
{
    p->printer = IDLE;
    sim_event_cancel(&p->next);
}

static void strobe(struct parallel *p)
{
    if (p->printer != IDLE)
        sim_device_log(&p->dev, SIM_LOG_WARN, "STROBE while the printer is busy: a real one would lose byte %02Xh",
                       p->data);
    set_pending(p, false);
    sim_output(&p->dev, p->channel, &p->data, 1);
    enter(p, BUSY, BUSY_NS);
}

static void write_control(struct parallel *p, uint8_t value)
{
    bool rises = parallel_control_strobe(value) && !parallel_control_strobe(p->control);

    p->control = value & 0x3F;
    if (!parallel_control_irq_enable(value))
        set_pending(p, false);
    if (!parallel_control_no_init(value))
        reset_printer(p);
    else if (rises)
        strobe(p);
}

static uint8_t status(const struct parallel *p)
{
    uint8_t value = STATUS_SELECT | STATUS_NOT_ERROR | STATUS_UNUSED;

    if (p->printer == IDLE)
        value |= STATUS_NOT_BUSY;
    if (p->printer != ACK)
        value |= STATUS_NOT_ACK;
    if (!p->pending)
        value |= STATUS_NOT_IRQ;
    return value;
}

static uint64_t parallel_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct parallel *p = parallel_of(dev);

    switch (off) {
    case 0:
        return parallel_control_direction(p->control) ? 0xFF : p->data;
    case 1:
        return status(p);
    default:
        return p->control | CONTROL_UNUSED;
    }
}

static uint64_t parallel_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint64_t value = parallel_peek(dev, off, size);

    if (off == 1)
        set_pending(parallel_of(dev), false);
    return value;
}

static void parallel_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct parallel *p = parallel_of(dev);

    if (off == 0)
        p->data = (uint8_t)value;
    else if (off == 2)
        write_control(p, (uint8_t)value);
}

static const struct sim_range_ops parallel_ops = {
    .read = parallel_read, .write = parallel_write, .peek = parallel_peek, .max_size = 1
};

static enum sim_err parallel_realize(struct sim_device *dev)
{
    struct parallel *p = parallel_of(dev);
    char wire[16];
    enum sim_err err;

    snprintf(wire, sizeof(wire), "isa.irq%u", (unsigned)p->irq);
    sim_device_event(dev, &p->next, 0, printer_next);
    err = sim_wire_drive(dev, &p->line, wire);
    if (!err)
        err = sim_map_io(dev, &p->range, "parallel", (uint16_t)p->base, 3, &parallel_ops, SIM_SPEED_ISA, 0);
    return err;
}

static void parallel_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct parallel *p = parallel_of(dev);

    p->data = p->control = 0;
    reset_printer(p);
    set_pending(p, false);
}

static const struct sim_property parallel_properties[] = {
    SIM_PROPERTY_UINT_(struct parallel, base, 0, 0xFFFC, "0x378", "first of its 3 ports"),
    SIM_PROPERTY_UINT_(struct parallel, irq, 0, 15, "7", "ISA interrupt"),
    SIM_PROPERTY_STRING_(struct parallel, channel, "parallel0", "where its bytes go to"),
    SIM_PROPERTY_END
};

const struct sim_device_class parallel_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class),
    .name = "parallel", .title = "Parallel port with a printer", .version = 1,
    .instance_size = sizeof(struct parallel), .fields = parallel_fields, .properties = parallel_properties,
    .realize = parallel_realize, .reset = parallel_reset
};
