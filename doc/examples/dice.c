/*
 * A device of one's own: dice. Reading its port rolls them; writing sets what the next rolls begin with.
 *
 *     cc -shared -fPIC dice.c $(pkg-config --cflags libsim) -o dice.so
 *     sim --plugin ./dice.so --device dice,base=0x2f0,sides=20 kernel.elf
 *
 * Rolls come from the device's own state, not from the host: a run that rolls is the same run each time, can be gone back in, and
 * `info dice-0` shows the next one coming.
 */
#include <libsim/device.h>

struct dice {
    struct sim_device dev; /* must come first */
    uint64_t base, sides;  /* properties */
    uint32_t state;
    uint8_t last;
    struct sim_range range;
};

static uint64_t dice_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct dice *d = (struct dice *)dev;

    (void)off, (void)size;
    d->state = d->state * 1664525 + 1013904223; /* Numerical Recipes, "Quick and Dirty Generators" */
    d->last = (uint8_t)(1 + (d->state >> 16) % d->sides);
    return d->last;
}

/* For debuggers: the same port, without a roll. */
static uint64_t dice_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    (void)off, (void)size;
    return ((struct dice *)dev)->last;
}

static void dice_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    (void)off, (void)size;
    ((struct dice *)dev)->state = (uint32_t)value;
}

static const struct sim_range_ops dice_ops = { .read = dice_read, .write = dice_write, .peek = dice_peek, .max_size = 1 };

static enum sim_err dice_realize(struct sim_device *dev)
{
    struct dice *d = (struct dice *)dev;

    return sim_map_io(dev, &d->range, "dice", (uint16_t)d->base, 1, &dice_ops, SIM_SPEED_ISA, 0);
}

static void dice_reset(struct sim_device *dev, enum sim_reset kind)
{
    (void)kind;
    ((struct dice *)dev)->state = 1;
    ((struct dice *)dev)->last = 0;
}

/* Every member that is state stands here: what does not is lost when time goes back. */
static const struct sim_field dice_fields[] = {
    SIM_FIELD(struct dice, state, "of the generator"),
    SIM_FIELD(struct dice, last, "the roll read last"),
    SIM_FIELD_DERIVED(struct dice, range, "mapped by realize"),
    SIM_FIELD_END
};

static const struct sim_property dice_properties[] = {
    SIM_PROPERTY_UINT_(struct dice, base, 0, 0xffff, "0x2f0", "its port"),
    SIM_PROPERTY_UINT_(struct dice, sides, 2, 100, "6", "of each die"),
    SIM_PROPERTY_END
};

static const struct sim_device_class dice_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class), .name = "dice", .title = "Dice", .version = 1,
    .instance_size = sizeof(struct dice), .fields = dice_fields, .properties = dice_properties,
    .realize = dice_realize, .reset = dice_reset
};

extern const struct sim_device_class *const sim_plugin_classes[];
const struct sim_device_class *const sim_plugin_classes[] = { &dice_class, NULL };
