#include "devices/pic.h"

/* "Initialization Command Word Format". */
#define PIC_ICW1(X, p)                                                              \
    X(p, address, 7, 5, "MCS-80: bits 7:5 of the CALL's address")                   \
    X(p, is_icw1, 4, 4, "1: this is ICW1")                                          \
    X(p, ltim,    3, 3, "level triggered; replaced by ELCR")                        \
    X(p, adi,     2, 2, "MCS-80: interval of the CALL addresses: 1 four, 0 eight")  \
    X(p, sngl,    1, 1, "1 alone, 0 cascaded (ICW3 follows)")                       \
    X(p, ic4,     0, 0, "ICW4 follows")
SIM_BITS_DEFINE(pic_icw1, PIC_ICW1)

#define PIC_ICW4(X, p)                                                              \
    X(p, sfnm, 4, 4, "special fully nested mode")                                   \
    X(p, buf,  3, 3, "buffered mode")                                               \
    X(p, ms,   2, 2, "buffered mode: 1 master, 0 slave")                            \
    X(p, aeoi, 1, 1, "automatic end of interrupt")                                  \
    X(p, upm,  0, 0, "1 8086 mode, 0 MCS-80 mode")
SIM_BITS_DEFINE(pic_icw4, PIC_ICW4)

/* "Operation Command Word Format". */
#define PIC_OCW2(X, p)                                                              \
    X(p, command, 7, 5, "R, SL, EOI")                                               \
    X(p, level,   2, 0, "IR level to be acted upon")
SIM_BITS_DEFINE(pic_ocw2, PIC_OCW2)

#define PIC_OCW3(X, p)                                                              \
    X(p, esmm, 6, 6, "take over bit 5")                                             \
    X(p, smm,  5, 5, "special mask mode")                                           \
    X(p, is_ocw3, 3, 3, "1: this is OCW3")                                          \
    X(p, poll, 2, 2, "poll command")                                                \
    X(p, rr,   1, 1, "take over bit 0")                                             \
    X(p, ris,  0, 0, "read 0 IRR, 1 ISR")
SIM_BITS_DEFINE(pic_ocw3, PIC_OCW3)

/* OCW2's R, SL and EOI as one number. */
enum {
    ROTATE_AEOI_CLEAR = 0,
    EOI_NON_SPECIFIC = 1,
    NO_OPERATION = 2,
    EOI_SPECIFIC = 3,
    ROTATE_AEOI_SET = 4,
    ROTATE_EOI_NON_SPECIFIC = 5,
    SET_PRIORITY = 6,
    ROTATE_EOI_SPECIFIC = 7
};

/* What the next write with A0 = 1 is. */
enum { EXPECT_OCW1 = 0, EXPECT_ICW2 = 2, EXPECT_ICW3 = 3, EXPECT_ICW4 = 4 };

enum { MASTER, SLAVE };
#define CASCADE 2 /* the master's input that the slave's INT is wired to */
#define SPURIOUS 7

struct pic_chip {
    uint8_t lines, latch;
    uint8_t isr, imr, elcr;
    uint8_t icw1, icw2, icw3, icw4;
    uint8_t expect;
    uint8_t lowest;
    bool special_mask, rotate_aeoi, read_isr, poll;
};

static const struct sim_field pic_chip_fields[] = {
    SIM_FIELD(struct pic_chip, lines, "levels of the inputs IR7..IR0"),
    SIM_FIELD(struct pic_chip, latch, "rising edges not acknowledged yet, of inputs still high"),
    SIM_FIELD(struct pic_chip, isr, "in service"),
    SIM_FIELD(struct pic_chip, imr, "masked"),
    SIM_FIELD(struct pic_chip, elcr, "1: level triggered"),
    SIM_FIELD_BITS(struct pic_chip, icw1, pic_icw1_bits, "initialization command word 1"),
    SIM_FIELD(struct pic_chip, icw2, "vector of IR0, in bits 7:3"),
    SIM_FIELD(struct pic_chip, icw3, "master: which inputs have a slave; slave: its number"),
    SIM_FIELD_BITS(struct pic_chip, icw4, pic_icw4_bits, "initialization command word 4"),
    SIM_FIELD(struct pic_chip, expect, "ICW that is awaited: 2 to 4; 0: none"),
    SIM_FIELD(struct pic_chip, lowest, "the input of lowest priority"),
    SIM_FIELD(struct pic_chip, special_mask, "special mask mode"),
    SIM_FIELD(struct pic_chip, rotate_aeoi, "rotate in automatic EOI mode"),
    SIM_FIELD(struct pic_chip, read_isr, "A0 = 0 reads ISR, not IRR"),
    SIM_FIELD(struct pic_chip, poll, "the next read is a poll"),
    SIM_FIELD_END
};

struct pic {
    struct sim_device dev;
    struct pic_chip chip[2];
    struct sim_wire_driver intr;
    struct sim_range range[2], elcr_range;
};

static const struct sim_field pic_fields[] = {
    SIM_FIELD_SUB(struct pic, chip, pic_chip_fields, "0 master, 1 slave"),
    SIM_FIELD_DERIVED(struct pic, intr, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct pic, range, "ports 20h-21h and A0h-A1h"),
    SIM_FIELD_DERIVED(struct pic, elcr_range, "ports 4D0h-4D1h"),
    SIM_FIELD_END
};

static struct pic *pic_of(struct sim_device *dev)
{
    return (struct pic *)dev;
}

/* ---- One chip ---- */

static uint8_t irr(const struct pic_chip *c)
{
    return (c->latch & ~c->elcr) | (c->lines & c->elcr);
}

static bool has_slave(const struct pic_chip *c, unsigned level)
{
    return !pic_icw1_sngl(c->icw1) && (c->icw3 & 1u << level);
}

/* "Special Fully Nested Mode": a slave in service does not lock out its own further requests at the master. */
static bool nests(const struct pic_chip *c, bool is_master, unsigned level)
{
    return is_master && pic_icw4_sfnm(c->icw4) && has_slave(c, level);
}

/* The input to be served next, or -1. "Fully Nested Mode"; "Special Mask Mode": what is masked does not block. */
static int request(const struct pic_chip *c, bool is_master)
{
    uint8_t wanted = irr(c) & ~c->imr;
    uint8_t blocking = c->special_mask ? c->isr & ~c->imr : c->isr;

    if (c->expect != EXPECT_OCW1)
        return -1;
    for (unsigned i = 1; i <= 8; i++) {
        unsigned level = (c->lowest + i) & 7;

        if ((wanted & 1u << level) && (!(blocking & 1u << level) || nests(c, is_master, level)))
            return (int)level;
        if (blocking & 1u << level)
            return -1;
    }
    return -1;
}

/* An interrupt-acknowledge sequence takes `level` into service. */
static void accept(struct pic_chip *c, unsigned level)
{
    c->latch &= ~(1u << level);
    if (!pic_icw4_aeoi(c->icw4))
        c->isr |= 1u << level;
    else if (c->rotate_aeoi)
        c->lowest = (uint8_t)level;
}

/* The byte that the chip puts on the data bus in the second INTA cycle. */
static uint8_t vector(const struct pic_chip *c, unsigned level)
{
    if (pic_icw4_upm(c->icw4))
        return (c->icw2 & 0xF8) | level;
    if (pic_icw1_adi(c->icw1))
        return (c->icw1 & 0xE0) | level << 2;
    return (c->icw1 & 0xC0) | level << 3;
}

static void set_line(struct pic_chip *c, unsigned level, bool high)
{
    uint8_t bit = 1u << level;

    if (high) {
        c->latch |= bit & ~c->lines;
        c->lines |= bit;
    } else {
        c->latch &= ~bit;
        c->lines &= ~bit;
    }
}

/* "Initialization Command Words 1 and 2". That ISR is cleared too goes without saying there. */
static void write_icw1(struct pic_chip *c, uint8_t value)
{
    c->icw1 = value;
    c->latch = 0;
    c->isr = 0;
    c->imr = 0;
    c->lowest = 7;
    c->icw3 = 7;
    c->special_mask = c->rotate_aeoi = c->read_isr = c->poll = false;
    if (!pic_icw1_ic4(value))
        c->icw4 = 0;
    c->expect = EXPECT_ICW2;
}

static void write_icw2(struct pic_chip *c, uint8_t value)
{
    c->icw2 = value;
    if (!pic_icw1_sngl(c->icw1))
        c->expect = EXPECT_ICW3;
    else
        c->expect = pic_icw1_ic4(c->icw1) ? EXPECT_ICW4 : EXPECT_OCW1;
}

/* The in-service input of highest priority that a non-specific EOI ends, or -1. "End of Interrupt (EOI)": in special
 * mask mode one that is masked is passed over. */
static int highest_in_service(const struct pic_chip *c)
{
    uint8_t isr = c->special_mask ? c->isr & ~c->imr : c->isr;

    for (unsigned i = 1; i <= 8; i++) {
        unsigned level = (c->lowest + i) & 7;

        if (isr & 1u << level)
            return (int)level;
    }
    return -1;
}

static void end_of_interrupt(struct pic_chip *c, int level, bool rotate)
{
    if (level < 0)
        return;
    c->isr &= ~(1u << level);
    if (rotate)
        c->lowest = (uint8_t)level;
}

static void write_ocw2(struct pic_chip *c, uint8_t value)
{
    uint8_t level = (uint8_t)pic_ocw2_level(value);

    switch (pic_ocw2_command(value)) {
    case EOI_NON_SPECIFIC:
    case ROTATE_EOI_NON_SPECIFIC:
        end_of_interrupt(c, highest_in_service(c), pic_ocw2_command(value) == ROTATE_EOI_NON_SPECIFIC);
        break;
    case EOI_SPECIFIC:
    case ROTATE_EOI_SPECIFIC:
        end_of_interrupt(c, level, pic_ocw2_command(value) == ROTATE_EOI_SPECIFIC);
        break;
    case ROTATE_AEOI_SET:
        c->rotate_aeoi = true;
        break;
    case ROTATE_AEOI_CLEAR:
        c->rotate_aeoi = false;
        break;
    case SET_PRIORITY:
        c->lowest = level;
        break;
    case NO_OPERATION:
        break;
    }
}

static void write_ocw3(struct pic_chip *c, uint8_t value)
{
    if (pic_ocw3_esmm(value))
        c->special_mask = pic_ocw3_smm(value);
    if (pic_ocw3_poll(value))
        c->poll = true; /* "Poll Command": overrides a status read */
    else if (pic_ocw3_rr(value))
        c->read_isr = pic_ocw3_ris(value);
}

static void write_command(struct pic_chip *c, uint8_t value)
{
    if (pic_icw1_is_icw1(value))
        write_icw1(c, value);
    else if (pic_ocw3_is_ocw3(value))
        write_ocw3(c, value);
    else
        write_ocw2(c, value);
}

static void write_data(struct pic_chip *c, uint8_t value)
{
    switch (c->expect) {
    case EXPECT_ICW2:
        write_icw2(c, value);
        break;
    case EXPECT_ICW3:
        c->icw3 = value;
        c->expect = pic_icw1_ic4(c->icw1) ? EXPECT_ICW4 : EXPECT_OCW1;
        break;
    case EXPECT_ICW4:
        c->icw4 = value;
        c->expect = EXPECT_OCW1;
        break;
    default:
        c->imr = value;
    }
}

/* ---- The pair ---- */

static void update(struct pic *pic)
{
    set_line(&pic->chip[MASTER], CASCADE, request(&pic->chip[SLAVE], false) >= 0);
    sim_wire_set(&pic->intr, request(&pic->chip[MASTER], true) >= 0);
}

/* INT falls when a chip is acknowledged, so that what is left over makes a new edge. */
static void lower_int(struct pic *pic, unsigned which)
{
    if (which == SLAVE)
        set_line(&pic->chip[MASTER], CASCADE, false);
    else
        sim_wire_set(&pic->intr, false);
}

/* Acknowledges one chip: the level served, SPURIOUS without one. */
static unsigned acknowledge(struct pic *pic, unsigned which)
{
    struct pic_chip *c = &pic->chip[which];
    int level = request(c, which == MASTER);

    lower_int(pic, which);
    if (level < 0)
        return SPURIOUS;
    accept(c, (unsigned)level);
    return (unsigned)level;
}

/* "Cascade Mode": the master names a slave on the CAS lines, and the slave of that number gives the vector. */
static uint8_t pic_intack(struct sim_device *dev)
{
    struct pic *pic = pic_of(dev);
    const struct pic_chip *master = &pic->chip[MASTER], *slave = &pic->chip[SLAVE];
    unsigned level = acknowledge(pic, MASTER);
    uint8_t answer;

    if (!has_slave(master, level))
        answer = vector(master, level);
    else if (!pic_icw1_sngl(slave->icw1) && (slave->icw3 & 7) == level)
        answer = vector(slave, acknowledge(pic, SLAVE));
    else
        answer = 0xFF; /* nobody drives the data bus */
    update(pic);
    return answer;
}

static void pic_irq(struct sim_device *dev, unsigned pin, bool level)
{
    struct pic *pic = pic_of(dev);

    set_line(&pic->chip[pin >> 3], pin & 7, level);
    update(pic);
}

/* "Poll Command": the read is an acknowledge. */
static uint8_t poll_read(struct pic *pic, unsigned which)
{
    struct pic_chip *c = &pic->chip[which];
    int level = request(c, which == MASTER);

    c->poll = false;
    if (level < 0)
        return 0;
    acknowledge(pic, which);
    update(pic);
    return 0x80 | (uint8_t)level;
}

static uint8_t chip_peek(const struct pic_chip *c, bool is_master, uint64_t off)
{
    if (c->poll) {
        int level = request(c, is_master);

        return level < 0 ? 0 : 0x80 | (uint8_t)level;
    }
    if (off == 1)
        return c->imr;
    return c->read_isr ? c->isr : irr(c);
}

static uint64_t chip_read(struct sim_device *dev, unsigned which, uint64_t off)
{
    struct pic *pic = pic_of(dev);

    if (pic->chip[which].poll)
        return poll_read(pic, which);
    return chip_peek(&pic->chip[which], which == MASTER, off);
}

static void chip_write(struct sim_device *dev, unsigned which, uint64_t off, uint8_t value)
{
    struct pic *pic = pic_of(dev);

    if (off == 0)
        write_command(&pic->chip[which], value);
    else
        write_data(&pic->chip[which], value);
    update(pic);
}

static uint64_t master_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return chip_read(dev, MASTER, off);
}

static void master_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    chip_write(dev, MASTER, off, (uint8_t)value);
}

static uint64_t master_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return chip_peek(&pic_of(dev)->chip[MASTER], true, off);
}

static uint64_t slave_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return chip_read(dev, SLAVE, off);
}

static void slave_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    chip_write(dev, SLAVE, off, (uint8_t)value);
}

static uint64_t slave_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return chip_peek(&pic_of(dev)->chip[SLAVE], false, off);
}

static uint64_t elcr_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return pic_of(dev)->chip[off].elcr;
}

/* PIIX3, "ELCR1/ELCR2": IRQ 0, 1, 2, 8 and 13 are always edge triggered. */
static void elcr_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    static const uint8_t writable[2] = { 0xF8, 0xDE };
    struct pic *pic = pic_of(dev);

    pic->chip[off].elcr = (uint8_t)value & writable[off];
    update(pic);
}

static const struct sim_range_ops range_ops[2] = {
    { .read = master_read, .write = master_write, .peek = master_peek, .max_size = 1 },
    { .read = slave_read, .write = slave_write, .peek = slave_peek, .max_size = 1 },
};
static const struct sim_range_ops elcr_ops = {
    .read = elcr_read, .write = elcr_write, .peek = elcr_read, .max_size = 1
};

static enum sim_err listen_to_isa(struct sim_device *dev)
{
    static const char *const wires[16] = {
        "isa.irq0", "isa.irq1", NULL, "isa.irq3", "isa.irq4", "isa.irq5", "isa.irq6", "isa.irq7",
        "isa.irq8", "isa.irq9", "isa.irq10", "isa.irq11", "isa.irq12", "isa.irq13", "isa.irq14", "isa.irq15"
    };
    enum sim_err err = SIM_OK;

    for (unsigned i = 0; i < 16 && !err; i++)
        if (wires[i])
            err = sim_wire_listen(dev, wires[i], i, pic_irq);
    return err;
}

static enum sim_err pic_realize(struct sim_device *dev)
{
    struct pic *pic = pic_of(dev);
    enum sim_err err;

    if ((err = sim_map_io(dev, &pic->range[MASTER], "pic master", 0x20, 2, &range_ops[MASTER], SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &pic->range[SLAVE], "pic slave", 0xA0, 2, &range_ops[SLAVE], SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &pic->elcr_range, "elcr", 0x4D0, 2, &elcr_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_wire_drive(dev, &pic->intr, "intr")) ||
        (err = listen_to_isa(dev)))
        return err;
    return sim_answer_intack(dev, pic_intack);
}

static void pic_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct pic *pic = pic_of(dev);

    for (unsigned i = 0; i < 2; i++) {
        uint8_t lines = pic->chip[i].lines; /* whoever drives them resets them */

        pic->chip[i] = (struct pic_chip){ .lines = lines, .imr = 0xFF, .lowest = 7, .icw3 = 7 };
    }
    update(pic);
}

const struct sim_device_class pic_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "i8259a",
    .title = "Programmable interrupt controllers",
    .version = 1,
    .instance_size = sizeof(struct pic),
    .fields = pic_fields,
    .realize = pic_realize,
    .reset = pic_reset,
};
