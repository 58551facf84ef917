#include "devices/sysctl.h"

#define SYSCTL_PORT92(X, p)                                          \
    X(p, a20,  1, 1, "address line 20 reaches the memory")           \
    X(p, init, 0, 0, "going from 0 to 1 pulses INIT")
SIM_BITS_DEFINE(sysctl_port92, SYSCTL_PORT92)

#define PRESENT 0xE9 /* what the debug console and SeaBIOS' port read as */

static const char shutdown_text[] = "Shutdown";

struct sysctl {
    struct sim_device dev;
    uint8_t port92, post;
    uint8_t shutdown_letters;
    struct sim_wire_driver a20, init;
    struct sim_range range92, range_post, range_debug, range_exit, range_firmware, range_shutdown;
};

static const struct sim_field sysctl_fields[] = {
    SIM_FIELD_BITS(struct sysctl, port92, sysctl_port92_bits, "system control port A"),
    SIM_FIELD(struct sysctl, post, "POST code last written to port 80h"),
    SIM_FIELD(struct sysctl, shutdown_letters, "letters of \"Shutdown\" seen at port 8900h"),
    SIM_FIELD_DERIVED(struct sysctl, a20, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct sysctl, init, "likewise"),
    SIM_FIELD_DERIVED(struct sysctl, range92, "port 92h"),
    SIM_FIELD_DERIVED(struct sysctl, range_post, "port 80h"),
    SIM_FIELD_DERIVED(struct sysctl, range_debug, "port E9h"),
    SIM_FIELD_DERIVED(struct sysctl, range_exit, "ports F4h-F7h"),
    SIM_FIELD_DERIVED(struct sysctl, range_firmware, "port 402h"),
    SIM_FIELD_DERIVED(struct sysctl, range_shutdown, "port 8900h"),
    SIM_FIELD_END
};

static struct sysctl *sysctl_of(struct sim_device *dev)
{
    return (struct sysctl *)dev;
}

static uint64_t port92_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return sysctl_of(dev)->port92;
}

static void port92_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct sysctl *s = sysctl_of(dev);
    bool init = sysctl_port92_init(value) && !sysctl_port92_init(s->port92);

    s->port92 = value & 3;
    sim_wire_set(&s->a20, sysctl_port92_a20(value));
    if (init)
        sim_wire_pulse(&s->init);
}

static uint64_t post_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return sysctl_of(dev)->post;
}

static void post_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct sysctl *s = sysctl_of(dev);

    s->post = (uint8_t)value;
    sim_output(dev, "post", &s->post, 1);
}

static uint64_t present_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return PRESENT;
}

static void debug_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    uint8_t byte = (uint8_t)value;

    sim_output(dev, "debug", &byte, 1);
}

static void firmware_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    uint8_t byte = (uint8_t)value;

    sim_output(dev, "firmware", &byte, 1);
}

static uint64_t nothing_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return UINT64_MAX;
}

static void exit_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    sim_request(dev, SIM_REQUEST_EXIT, (uint32_t)value);
}

static void shutdown_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct sysctl *s = sysctl_of(dev);
    const unsigned letters = sizeof(shutdown_text) - 1;
    char letter = (char)value;

    if (s->shutdown_letters >= letters || letter != shutdown_text[s->shutdown_letters])
        s->shutdown_letters = 0;
    if (letter == shutdown_text[s->shutdown_letters])
        s->shutdown_letters++;
    if (s->shutdown_letters < letters)
        return;
    s->shutdown_letters = 0;
    sim_request(dev, SIM_REQUEST_POWER_OFF, 0);
}

static const struct sim_range_ops port92_ops = {
    .read = port92_read, .write = port92_write, .peek = port92_read, .max_size = 1
};
static const struct sim_range_ops post_ops = {
    .read = post_read, .write = post_write, .peek = post_read, .max_size = 1
};
static const struct sim_range_ops debug_ops = {
    .read = present_read, .write = debug_write, .peek = present_read, .max_size = 1
};
static const struct sim_range_ops firmware_ops = {
    .read = present_read, .write = firmware_write, .peek = present_read, .max_size = 1
};
static const struct sim_range_ops exit_ops = {
    .read = nothing_read, .write = exit_write, .peek = nothing_read, .max_size = 4
};
static const struct sim_range_ops shutdown_ops = {
    .read = nothing_read, .write = shutdown_write, .peek = nothing_read, .max_size = 1
};

static enum sim_err sysctl_realize(struct sim_device *dev)
{
    struct sysctl *s = sysctl_of(dev);
    enum sim_err err;

    if ((err = sim_map_io(dev, &s->range_post, "post", 0x80, 1, &post_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &s->range92, "port 92h", 0x92, 1, &port92_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &s->range_debug, "debug console", 0xE9, 1, &debug_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_map_io(dev, &s->range_exit, "debug exit", 0xF4, 4, &exit_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_map_io(dev, &s->range_firmware, "firmware messages", 0x402, 1, &firmware_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_map_io(dev, &s->range_shutdown, "shutdown", 0x8900, 1, &shutdown_ops, SIM_SPEED_LOCAL, 0)) ||
        (err = sim_wire_drive(dev, &s->a20, "a20.gate")))
        return err;
    return sim_wire_drive(dev, &s->init, "cpu.init");
}

static void sysctl_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct sysctl *s = sysctl_of(dev);

    s->port92 = 0;
    s->post = 0;
    s->shutdown_letters = 0;
    sim_wire_set(&s->a20, false);
    sim_wire_set(&s->init, false);
}

const struct sim_device_class sysctl_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "sysctl",
    .title = "System control and debug ports",
    .version = 1,
    .instance_size = sizeof(struct sysctl),
    .fields = sysctl_fields,
    .realize = sysctl_realize,
    .reset = sysctl_reset,
};
