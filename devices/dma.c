#include "devices/dma.h"

#include <assert.h>
#include <string.h>

/* "Mode Register". */
#define DMA_MODE(X, p)                                                  \
    X(p, mode,     7, 6, "0 demand, 1 single, 2 block, 3 cascade")      \
    X(p, down,     5, 5, "the address decrements")                      \
    X(p, auto_init, 4, 4, "address and count start again after TC")     \
    X(p, transfer, 3, 2, "0 verify, 1 into memory, 2 from memory")      \
    X(p, channel,  1, 0, "channel that is written")
SIM_BITS_DEFINE(dma_mode, DMA_MODE)

/* "Command Register". */
#define DMA_COMMAND(X, p)                                               \
    X(p, dack_high, 7, 7, "DACK sense")                                 \
    X(p, dreq_low,  6, 6, "DREQ sense")                                 \
    X(p, extended_write, 5, 5, "extended write")                        \
    X(p, rotating,  4, 4, "rotating priority")                          \
    X(p, compressed, 3, 3, "compressed timing")                         \
    X(p, off,       2, 2, "controller disabled")                        \
    X(p, hold,      1, 1, "channel 0 address hold")                     \
    X(p, mem_to_mem, 0, 0, "memory to memory")
SIM_BITS_DEFINE(dma_command, DMA_COMMAND)

enum { MODE_CASCADE = 3 };
enum { TO_MEMORY = 1, FROM_MEMORY = 2 };
/* Registers of a controller after those of the channels. */
enum { COMMAND = 8, REQUEST, SINGLE_MASK, MODE, CLEAR_POINTER, MASTER_CLEAR, CLEAR_MASK, ALL_MASK };
enum { BYTES, WORDS };
#define CASCADE_CHANNEL 4

struct dma_channel {
    uint16_t base_address, base_count, address, count;
    uint16_t mode; /* a byte */
};

static const struct sim_field dma_channel_fields[] = {
    SIM_FIELD(struct dma_channel, base_address, "address as programmed"),
    SIM_FIELD(struct dma_channel, base_count, "count as programmed: transfers less one"),
    SIM_FIELD(struct dma_channel, address, "address now"),
    SIM_FIELD(struct dma_channel, count, "count now"),
    SIM_FIELD_BITS(struct dma_channel, mode, dma_mode_bits, "mode register"),
    SIM_FIELD_END
};

struct dma_controller {
    struct dma_channel channel[4];
    uint8_t command, mask, request, dreq, terminal_count;
    bool second_byte;
};

static const struct sim_field dma_controller_fields[] = {
    SIM_FIELD_SUB(struct dma_controller, channel, dma_channel_fields, "its four channels"),
    SIM_FIELD_BITS(struct dma_controller, command, dma_command_bits, "command register"),
    SIM_FIELD(struct dma_controller, mask, "a bit a channel: masked"),
    SIM_FIELD(struct dma_controller, request, "a bit a channel: software request"),
    SIM_FIELD(struct dma_controller, dreq, "a bit a channel: DREQ"),
    SIM_FIELD(struct dma_controller, terminal_count, "a bit a channel: TC reached since the status was read"),
    SIM_FIELD(struct dma_controller, second_byte, "first/last flip-flop: the upper byte is next"),
    SIM_FIELD_END
};

struct dma {
    struct sim_device dev;
    struct dma_controller controller[2];
    uint8_t page[16];
    struct sim_range range[2], page_range;
};

static const struct sim_field dma_fields[] = {
    SIM_FIELD_SUB(struct dma, controller, dma_controller_fields, "0 bytes, 1 words"),
    SIM_FIELD_ARRAY(struct dma, page, "page registers 80h-8Fh"),
    SIM_FIELD_DERIVED(struct dma, range, "ports 00h-0Fh and C0h-DFh"),
    SIM_FIELD_DERIVED(struct dma, page_range, "ports 81h-8Fh"),
    SIM_FIELD_END
};

static struct dma *dma_of(struct sim_device *dev)
{
    return (struct dma *)dev;
}

/* ---- Transfers ---- */

static bool controller_open(const struct dma_controller *c, unsigned n)
{
    return !dma_command_off(c->command) && !(c->mask & 1u << n);
}

static bool channel_open(const struct dma *dma, unsigned channel)
{
    const struct dma_controller *c = &dma->controller[channel / 4], *second = &dma->controller[WORDS];

    if (!controller_open(c, channel % 4) || dma_mode_mode(c->channel[channel % 4].mode) == MODE_CASCADE)
        return false;
    return channel / 4 == WORDS || controller_open(second, CASCADE_CHANNEL % 4);
}

/* PIIX3, "DMA Low Page Registers": bits 23:16; a word channel's address is doubled and its page's bit 0 left out. */
static sim_paddr memory_address(const struct dma *dma, unsigned channel)
{
    static const uint8_t page_of[8] = { 7, 3, 1, 2, 15, 11, 9, 10 };
    uint32_t page = dma->page[page_of[channel]];
    uint32_t address = dma->controller[channel / 4].channel[channel % 4].address;

    return channel / 4 == WORDS ? (page & 0xFE) << 16 | address << 1 : page << 16 | address;
}

static void move(struct dma *dma, unsigned channel, uint8_t *data, unsigned len)
{
    sim_paddr paddr = memory_address(dma, channel);

    switch (dma_mode_transfer(dma->controller[channel / 4].channel[channel % 4].mode)) {
    case TO_MEMORY:
        sim_dma_write(&dma->dev, paddr, data, len);
        break;
    case FROM_MEMORY:
        sim_dma_read(&dma->dev, paddr, data, len);
        break;
    }
}

/* After each transfer; true at terminal count. "Autoinitialize"; without it the channel is masked. */
static bool step(struct dma_controller *c, unsigned n)
{
    struct dma_channel *ch = &c->channel[n];

    ch->address += dma_mode_down(ch->mode) ? -1 : 1;
    if (ch->count-- != 0)
        return false;
    c->terminal_count |= 1u << n;
    c->request &= ~(1u << n);
    if (dma_mode_auto_init(ch->mode)) {
        ch->address = ch->base_address;
        ch->count = ch->base_count;
    } else {
        c->mask |= 1u << n;
    }
    return true;
}

size_t dma_transfer(struct sim_device *dev, unsigned channel, void *data, size_t len, bool *terminal_count)
{
    struct dma *dma = dma_of(dev);
    unsigned unit = channel / 4 == WORDS ? 2 : 1;
    size_t done = 0;

    assert(dev->cls == &dma_class && channel < 8 && channel != CASCADE_CHANNEL);
    *terminal_count = false;
    while (len - done >= unit && channel_open(dma, channel) && !*terminal_count) {
        move(dma, channel, (uint8_t *)data + done, unit);
        *terminal_count = step(&dma->controller[channel / 4], channel % 4);
        done += unit;
    }
    return done;
}

void dma_set_request(struct sim_device *dev, unsigned channel, bool requested)
{
    struct dma_controller *c = &dma_of(dev)->controller[channel / 4];

    assert(dev->cls == &dma_class && channel < 8);
    c->dreq = (uint8_t)sim_bits_set(c->dreq, channel % 4, channel % 4, requested);
}

/* ---- Registers ---- */

static uint8_t half(const struct dma_controller *c, uint16_t word)
{
    return (uint8_t)(c->second_byte ? word >> 8 : word);
}

static uint8_t peek_register(const struct dma_controller *c, unsigned reg)
{
    const struct dma_channel *ch = &c->channel[reg / 2 & 3];

    if (reg < COMMAND)
        return half(c, reg & 1 ? ch->count : ch->address);
    switch (reg) {
    case COMMAND: /* reads the status */
        return (uint8_t)((c->dreq | c->request) << 4 | c->terminal_count);
    case MASTER_CLEAR: /* reads the temporary register, of memory-to-memory transfers */
        return 0;
    case ALL_MASK:
        return 0xF0 | c->mask;
    }
    return 0xFF;
}

static uint8_t read_register(struct dma_controller *c, unsigned reg)
{
    uint8_t value = peek_register(c, reg);

    if (reg < COMMAND)
        c->second_byte = !c->second_byte;
    if (reg == COMMAND)
        c->terminal_count = 0;
    return value;
}

static void write_channel(struct dma_controller *c, unsigned reg, uint8_t value)
{
    struct dma_channel *ch = &c->channel[reg / 2];
    uint16_t *base = reg & 1 ? &ch->base_count : &ch->base_address;
    uint16_t *current = reg & 1 ? &ch->count : &ch->address;
    unsigned lo = c->second_byte ? 8 : 0;

    *base = (uint16_t)sim_bits_set(*base, lo + 7, lo, value);
    *current = (uint16_t)sim_bits_set(*current, lo + 7, lo, value);
    c->second_byte = !c->second_byte;
}

/* "Master Clear": as RESET. */
static void master_clear(struct dma_controller *c)
{
    c->command = c->request = c->terminal_count = 0;
    c->second_byte = false;
    c->mask = 0x0F;
}

static void write_command(struct sim_device *dev, struct dma_controller *c, uint8_t value)
{
    c->command = value;
    if (dma_command_mem_to_mem(value))
        sim_device_unmodelled(dev, "memory to memory", "such transfers do not take place");
}

static void write_request(struct sim_device *dev, struct dma_controller *c, uint8_t value)
{
    c->request = (uint8_t)sim_bits_set(c->request, value & 3, value & 3, value >> 2 & 1);
    if (value & 4)
        sim_device_unmodelled(dev, "software request", "it shows in the status, and moves nothing");
}

static void write_register(struct sim_device *dev, struct dma_controller *c, unsigned reg, uint8_t value)
{
    switch (reg) {
    case COMMAND:
        write_command(dev, c, value);
        break;
    case REQUEST:
        write_request(dev, c, value);
        break;
    case SINGLE_MASK:
        c->mask = (uint8_t)sim_bits_set(c->mask, value & 3, value & 3, value >> 2 & 1);
        break;
    case MODE:
        c->channel[dma_mode_channel(value)].mode = value;
        break;
    case CLEAR_POINTER:
        c->second_byte = false;
        break;
    case MASTER_CLEAR:
        master_clear(c);
        break;
    case CLEAR_MASK:
        c->mask = 0;
        break;
    case ALL_MASK:
        c->mask = value & 0x0F;
        break;
    default:
        write_channel(c, reg, value);
    }
}

static uint64_t bytes_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return read_register(&dma_of(dev)->controller[BYTES], (unsigned)off);
}

static uint64_t bytes_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return peek_register(&dma_of(dev)->controller[BYTES], (unsigned)off);
}

static void bytes_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    write_register(dev, &dma_of(dev)->controller[BYTES], (unsigned)off, (uint8_t)value);
}

/* The second controller hangs one address line higher: A0 is not decoded. */
static uint64_t words_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return read_register(&dma_of(dev)->controller[WORDS], (unsigned)off / 2);
}

static uint64_t words_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return peek_register(&dma_of(dev)->controller[WORDS], (unsigned)off / 2);
}

static void words_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    write_register(dev, &dma_of(dev)->controller[WORDS], (unsigned)off / 2, (uint8_t)value);
}

static uint64_t page_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return dma_of(dev)->page[off + 1];
}

static void page_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    dma_of(dev)->page[off + 1] = (uint8_t)value;
}

static const struct sim_range_ops bytes_ops = {
    .read = bytes_read, .write = bytes_write, .peek = bytes_peek, .max_size = 1
};
static const struct sim_range_ops words_ops = {
    .read = words_read, .write = words_write, .peek = words_peek, .max_size = 1
};
static const struct sim_range_ops page_ops = { .read = page_read, .write = page_write, .peek = page_read, .max_size = 1 };

/* ---- The device ---- */

static enum sim_err dma_realize(struct sim_device *dev)
{
    struct dma *dma = dma_of(dev);
    enum sim_err err;

    if ((err = sim_map_io(dev, &dma->range[BYTES], "dma bytes", 0x00, 16, &bytes_ops, SIM_SPEED_ISA, 0)) ||
        (err = sim_map_io(dev, &dma->range[WORDS], "dma words", 0xC0, 32, &words_ops, SIM_SPEED_ISA, 0)))
        return err;
    /* Port 92h is port 92h's; the alias of the pages at 90h-9Fh is not decoded. */
    return sim_map_io(dev, &dma->page_range, "dma pages", 0x81, 15, &page_ops, SIM_SPEED_ISA, 0);
}

static void dma_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct dma *dma = dma_of(dev);

    memset(dma->page, 0, sizeof(dma->page));
    for (unsigned i = 0; i < 2; i++) {
        uint8_t dreq = dma->controller[i].dreq; /* whoever drives it resets it */

        dma->controller[i] = (struct dma_controller){ .dreq = dreq };
        master_clear(&dma->controller[i]);
    }
}

const struct sim_device_class dma_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "i8237a",
    .title = "DMA controllers",
    .version = 1,
    .instance_size = sizeof(struct dma),
    .fields = dma_fields,
    .realize = dma_realize,
    .reset = dma_reset,
};
