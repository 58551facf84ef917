#include "devices/fw_cfg.h"

#include "base/error.h"
#include "devices/i440fx.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of items. */
enum {
    KEY_SIGNATURE = 0x00, KEY_ID = 0x01, KEY_RAM_SIZE = 0x03, KEY_CPUS = 0x05, KEY_BOOT_MENU = 0x0E, KEY_MAX_CPUS = 0x0F,
    KEY_DIRECTORY = 0x19, KEY_FIRST_FILE = 0x20, KEY_LAST_FILE = 0x3FFF, KEY_WRITE_CHANNEL = 0x4000, KEY_ARCH = 0x8000,
    KEY_IRQ0_OVERRIDE = KEY_ARCH + 2
};

/* The control word of a DMA request. */
#define FW_CFG_DMA(X, p)                            \
    X(p, key,    31, 16, "item to select")          \
    X(p, write,  4, 4, "to the item")               \
    X(p, select, 3, 3, "select the item first")     \
    X(p, skip,   2, 2, "move on")                   \
    X(p, read,   1, 1, "from the item")             \
    X(p, error,  0, 0, "answer: it failed")
SIM_BITS_DEFINE(fw_cfg_dma, FW_CFG_DMA)

enum { ID_TRADITIONAL = 1, ID_DMA = 2 };
#define NAME_BYTES 56
#define DIRECTORY_ENTRY_BYTES 64
#define PAST_END_BYTES (64u << 10)

struct fw_item {
    uint16_t key;
    uint8_t *data;
    size_t len;
    char name[NAME_BYTES]; /* "": no file */
};

struct fw_cfg {
    struct sim_device dev;
    uint64_t ram_bytes, cpus;
    uint16_t key;
    uint64_t offset;
    uint32_t dma_high;
    struct fw_item *items;
    size_t count;
    struct sim_range range, dma_range;
};

static const struct sim_field fw_cfg_fields[] = {
    SIM_FIELD(struct fw_cfg, key, "item selected"),
    SIM_FIELD(struct fw_cfg, offset, "its byte that is read next"),
    SIM_FIELD(struct fw_cfg, dma_high, "upper half of the DMA request's address"),
    SIM_FIELD_DERIVED(struct fw_cfg, items, "configuration"),
    SIM_FIELD_DERIVED(struct fw_cfg, count, "configuration"),
    SIM_FIELD_DERIVED(struct fw_cfg, range, "ports 510h-511h"),
    SIM_FIELD_DERIVED(struct fw_cfg, dma_range, "ports 514h-51Bh"),
    SIM_FIELD_END
};

static const struct sim_property fw_cfg_properties[] = {
    SIM_PROPERTY_UINT_(struct fw_cfg, ram_bytes, 0, UINT64_MAX, "134217728", "main memory"),
    SIM_PROPERTY_UINT_(struct fw_cfg, cpus, 1, 255, "1", "processors"),
    SIM_PROPERTY_END
};

static struct fw_cfg *fw_cfg_of(struct sim_device *dev)
{
    return (struct fw_cfg *)dev;
}

/* ---- Items ---- */

static struct fw_item *find(const struct fw_cfg *fw, uint16_t key)
{
    for (size_t i = 0; i < fw->count; i++)
        if (fw->items[i].key == key)
            return &fw->items[i];
    return NULL;
}

static struct fw_item *find_file(const struct fw_cfg *fw, const char *name)
{
    for (size_t i = 0; i < fw->count; i++)
        if (strcmp(fw->items[i].name, name) == 0)
            return &fw->items[i];
    return NULL;
}

/* Gives item `key` a copy of the data, making the item if it is new. */
static enum sim_err set_item(struct fw_cfg *fw, uint16_t key, const char *name, const void *data, size_t len)
{
    struct fw_item *item = find(fw, key);
    uint8_t *copy = malloc(len ? len : 1);

    if (copy && !item) {
        struct fw_item *more = realloc(fw->items, (fw->count + 1) * sizeof(*more));

        if (more) {
            fw->items = more;
            item = &more[fw->count++];
            *item = (struct fw_item){ .key = key };
            strcpy(item->name, name);
        }
    }
    if (!copy || !item) {
        free(copy);
        return sim_fail(SIM_ERR_NOMEM, "%s: no memory for %zu bytes", fw->dev.name, len);
    }
    if (len)
        memcpy(copy, data, len);
    free(item->data);
    item->data = copy;
    item->len = len;
    return SIM_OK;
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The directory: a count, then size, key and name of each file, big-endian. */
static enum sim_err make_directory(struct fw_cfg *fw)
{
    uint8_t *dir = calloc(fw->count + 1, DIRECTORY_ENTRY_BYTES);
    uint8_t *entry = dir + 4;
    uint32_t files = 0;
    enum sim_err err;

    if (!dir)
        return sim_fail(SIM_ERR_NOMEM, "%s: no memory for the directory", fw->dev.name);
    for (size_t i = 0; i < fw->count; i++) {
        const struct fw_item *item = &fw->items[i];

        if (!item->name[0])
            continue;
        put_be32(entry, (uint32_t)item->len);
        entry[4] = (uint8_t)(item->key >> 8);
        entry[5] = (uint8_t)item->key;
        memcpy(entry + 8, item->name, NAME_BYTES);
        entry += DIRECTORY_ENTRY_BYTES;
        files++;
    }
    put_be32(dir, files);
    err = set_item(fw, KEY_DIRECTORY, "", dir, (size_t)(entry - dir));
    free(dir);
    return err;
}

static enum sim_err check(struct sim_device *dev, size_t len)
{
    if (dev->cls != &fw_cfg_class)
        return sim_fail(SIM_ERR_USAGE, "%s is no fw_cfg", dev->name);
    if (len > UINT32_MAX)
        return sim_fail(SIM_ERR_USAGE, "%s: %zu bytes are too many for an item", dev->name, len);
    return SIM_OK;
}

enum sim_err fw_cfg_add(struct sim_device *dev, uint16_t key, const void *data, size_t len)
{
    enum sim_err err = check(dev, len);

    if (err)
        return err;
    if (key == KEY_DIRECTORY || (key >= KEY_FIRST_FILE && key < KEY_ARCH))
        return sim_fail(SIM_ERR_USAGE, "%s: key 0x%x is not free", dev->name, key);
    return set_item(fw_cfg_of(dev), key, "", data, len);
}

enum sim_err fw_cfg_add_file(struct sim_device *dev, const char *name, const void *data, size_t len)
{
    struct fw_cfg *fw = fw_cfg_of(dev);
    enum sim_err err = check(dev, len);
    const struct fw_item *item;
    uint16_t key = KEY_FIRST_FILE;

    if (err)
        return err;
    if (name[0] == '\0' || strlen(name) >= NAME_BYTES)
        return sim_fail(SIM_ERR_USAGE, "%s: file name \"%s\": 1 to %d characters", dev->name, name, NAME_BYTES - 1);
    item = find_file(fw, name);
    if (item)
        key = item->key;
    while (!item && find(fw, key))
        key++;
    if (key > KEY_LAST_FILE)
        return sim_fail(SIM_ERR_USAGE, "%s: too many files", dev->name);
    err = set_item(fw, key, name, data, len);
    return err ? err : make_directory(fw);
}

/* ---- Registers ---- */

static void select_item(struct fw_cfg *fw, uint16_t key)
{
    fw->key = key & ~KEY_WRITE_CHANNEL;
    fw->offset = 0;
}

/* The next `len` bytes of the item; zeros past its end, and for an item that is not there. */
static void item_bytes(const struct fw_cfg *fw, void *out, size_t len)
{
    const struct fw_item *item = find(fw, fw->key);
    size_t have = item && fw->offset < item->len ? item->len - (size_t)fw->offset : 0;

    if (have > len)
        have = len;
    if (have)
        memcpy(out, item->data + fw->offset, have);
    memset((uint8_t *)out + have, 0, len - have);
}

static uint64_t fw_cfg_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint8_t byte = 0;

    if (off == 1)
        item_bytes(fw_cfg_of(dev), &byte, 1);
    return byte;
}

static uint64_t fw_cfg_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    uint64_t byte = fw_cfg_peek(dev, off, size);

    if (off == 1)
        fw_cfg_of(dev)->offset++;
    return byte;
}

static void fw_cfg_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    if (off == 0 && size == 2)
        select_item(fw_cfg_of(dev), (uint16_t)value);
}

/* Copies to memory; false when the request is out of bounds. */
static bool dma_read_item(struct fw_cfg *fw, uint64_t to, uint32_t len)
{
    const struct fw_item *item = find(fw, fw->key);
    uint64_t end = item ? item->len : 0;
    uint8_t piece[SIM_PAGE_SIZE];

    if (fw->offset > end)
        end = fw->offset;
    if (len > end - fw->offset + PAST_END_BYTES)
        return false;
    while (len) {
        uint32_t n = len < sizeof(piece) ? len : (uint32_t)sizeof(piece);

        item_bytes(fw, piece, n);
        sim_dma_write(&fw->dev, to, piece, n);
        fw->offset += n;
        to += n;
        len -= n;
    }
    return true;
}

/* The request in memory: control, length, address, big-endian. Its control word is the answer. */
static void dma_request(struct fw_cfg *fw, uint64_t where)
{
    uint8_t request[16], answer[4];
    uint32_t control, len;
    uint64_t to;
    bool ok = true;

    sim_dma_read(&fw->dev, where, request, sizeof(request));
    control = get_be32(request);
    len = get_be32(request + 4);
    to = (uint64_t)get_be32(request + 8) << 32 | get_be32(request + 12);
    if (fw_cfg_dma_select(control))
        select_item(fw, (uint16_t)fw_cfg_dma_key(control));
    if (fw_cfg_dma_read(control))
        ok = dma_read_item(fw, to, len);
    else if (fw_cfg_dma_write(control))
        ok = false;
    else if (fw_cfg_dma_skip(control))
        fw->offset += len;
    put_be32(answer, ok ? 0 : 1);
    sim_dma_write(&fw->dev, where, answer, sizeof(answer));
}

static uint64_t dma_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    static const char signature[9] = "QEMU CFG";
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)(uint8_t)signature[(off + i) & 7] << i * 8;
    return value;
}

/* The address of a request, big-endian: the upper half first, the lower one starts it. */
static void dma_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct fw_cfg *fw = fw_cfg_of(dev);
    uint32_t half = __builtin_bswap32((uint32_t)value);

    if (size != 4)
        return;
    if (off == 0)
        fw->dma_high = half;
    if (off != 4)
        return;
    dma_request(fw, (uint64_t)fw->dma_high << 32 | half);
    fw->dma_high = 0;
}

static const struct sim_range_ops fw_cfg_ops = {
    .read = fw_cfg_read, .write = fw_cfg_write, .peek = fw_cfg_peek, .max_size = 2
};
static const struct sim_range_ops dma_ops = { .read = dma_read, .write = dma_write, .peek = dma_read, .max_size = 4 };

/* ---- The device ---- */

static void put_le64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* RAM below and above 4 GiB, 20 bytes a row: address, length, type 1. */
static enum sim_err add_e820(struct fw_cfg *fw)
{
    uint64_t low = fw->ram_bytes < I440FX_LOW_RAM_LIMIT ? fw->ram_bytes : I440FX_LOW_RAM_LIMIT;
    uint8_t row[40] = { [16] = 1, [36] = 1 };

    put_le64(row + 8, low);
    put_le64(row + 20, UINT64_C(1) << 32);
    put_le64(row + 28, fw->ram_bytes - low);
    return fw_cfg_add_file(&fw->dev, "etc/e820", row, fw->ram_bytes > low ? 40 : 20);
}

static enum sim_err add_usual_items(struct fw_cfg *fw)
{
    static const uint8_t id[4] = { ID_TRADITIONAL | ID_DMA }, boot_menu[2] = { 0 }, irq0_override[1] = { 1 };
    /* S0 and S5; bit 7: there is such a state. */
    static const uint8_t states[6] = { 0x80, 0, 0, 0x01, 0, 0x80 };
    const uint8_t cpus[2] = { (uint8_t)fw->cpus, 0 };
    uint8_t ram[8];
    enum sim_err err;

    put_le64(ram, fw->ram_bytes);
    if ((err = fw_cfg_add(&fw->dev, KEY_SIGNATURE, "QEMU", 4)) ||
        (err = fw_cfg_add(&fw->dev, KEY_ID, id, sizeof(id))) ||
        (err = fw_cfg_add(&fw->dev, KEY_RAM_SIZE, ram, sizeof(ram))) ||
        (err = fw_cfg_add(&fw->dev, KEY_CPUS, cpus, sizeof(cpus))) ||
        (err = fw_cfg_add(&fw->dev, KEY_MAX_CPUS, cpus, sizeof(cpus))) ||
        (err = fw_cfg_add(&fw->dev, KEY_BOOT_MENU, boot_menu, sizeof(boot_menu))) ||
        (err = fw_cfg_add(&fw->dev, KEY_IRQ0_OVERRIDE, irq0_override, sizeof(irq0_override))) ||
        (err = fw_cfg_add_file(&fw->dev, "etc/system-states", states, sizeof(states))))
        return err;
    return add_e820(fw);
}

static enum sim_err fw_cfg_realize(struct sim_device *dev)
{
    struct fw_cfg *fw = fw_cfg_of(dev);
    enum sim_err err;

    if ((err = add_usual_items(fw)) ||
        (err = sim_map_io(dev, &fw->range, "fw_cfg", 0x510, 2, &fw_cfg_ops, SIM_SPEED_PCI, 0)))
        return err;
    return sim_map_io(dev, &fw->dma_range, "fw_cfg dma", 0x514, 8, &dma_ops, SIM_SPEED_PCI, 0);
}

static void fw_cfg_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct fw_cfg *fw = fw_cfg_of(dev);

    select_item(fw, 0);
    fw->dma_high = 0;
}

static void fw_cfg_destroy(struct sim_device *dev)
{
    struct fw_cfg *fw = fw_cfg_of(dev);

    for (size_t i = 0; i < fw->count; i++)
        free(fw->items[i].data);
    free(fw->items);
}

static void fw_cfg_describe(struct sim_device *dev, struct sim_buf *out)
{
    const struct fw_cfg *fw = fw_cfg_of(dev);

    for (size_t i = 0; i < fw->count; i++)
        sim_buf_printf(out, "item %04x %zu bytes %s\n", fw->items[i].key, fw->items[i].len, fw->items[i].name);
}

const struct sim_device_class fw_cfg_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "fw_cfg",
    .title = "Firmware configuration",
    .version = 1,
    .instance_size = sizeof(struct fw_cfg),
    .fields = fw_cfg_fields,
    .properties = fw_cfg_properties,
    .realize = fw_cfg_realize,
    .reset = fw_cfg_reset,
    .destroy = fw_cfg_destroy,
    .describe = fw_cfg_describe,
};
