/* QEMU Firmware Configuration (fw_cfg) Device, docs/specs/fw_cfg of QEMU. */
#include "testcases/unit/device_bench.h"

#include "devices/fw_cfg.h"

enum { SELECT = 0x510, DATA = 0x511, DMA_HIGH = 0x514, DMA_LOW = 0x518 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };
enum { REQUEST = 0x1000, BUFFER = 0x2000 };

static struct bench *b;
static struct bus_ram *ram;
static struct bus_region region;

static void open_with(const char *const *properties)
{
    b = bench_open(1000000000);
    ck_assert_int_eq(bus_ram_create(&b->bus->memory, "ram", 1 << 20, true, &ram), SIM_OK);
    region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = 1 << 20, .ram = ram, .enabled = true,
                                  .answers = BUS_READS | BUS_WRITES };
    ck_assert_int_eq(bus_region_add(&b->bus->mem, &b->bus->mem.root, &region, 0), SIM_OK);
    bench_plug(b, &fw_cfg_class, "fw_cfg", properties);
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void setup(void)
{
    open_with(NULL);
}

static void teardown(void)
{
    bench_close(b);
}

static uint64_t read_le(unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)inb(b, DATA) << 8 * i;
    return v;
}

static uint64_t read_be(unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | inb(b, DATA);
    return v;
}

static void read_bytes(void *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ((uint8_t *)out)[i] = inb(b, DATA);
}

/* Leaves the key and size of a file, found in the directory. */
static bool find_file(const char *wanted, uint16_t *key, uint32_t *size)
{
    uint32_t count;

    outw(b, SELECT, 0x19);
    count = (uint32_t)read_be(4);
    while (count--) {
        char name[56];

        *size = (uint32_t)read_be(4);
        *key = (uint16_t)read_be(2);
        read_be(2);
        read_bytes(name, sizeof(name));
        if (!strcmp(name, wanted))
            return true;
    }
    return false;
}

static uint32_t dma(uint32_t control, uint32_t len, uint64_t to)
{
    writel(b, REQUEST, __builtin_bswap32(control));
    writel(b, REQUEST + 4, __builtin_bswap32(len));
    writel(b, REQUEST + 8, __builtin_bswap32((uint32_t)(to >> 32)));
    writel(b, REQUEST + 12, __builtin_bswap32((uint32_t)to));
    outl(b, DMA_LOW, __builtin_bswap32(REQUEST));
    return __builtin_bswap32(readl(b, REQUEST));
}

START_TEST(it_says_qemu)
{
    char text[5] = "";

    outw(b, SELECT, 0);
    read_bytes(text, 4);
    ck_assert_str_eq(text, "QEMU");
    ck_assert_uint_eq(inb(b, DATA), 0); /* past the end */
    outw(b, SELECT, 1);
    ck_assert_uint_eq(read_le(4), 3); /* traditional and DMA */
    ck_assert_uint_eq(inl(b, DMA_HIGH), 0x554D4551);
    ck_assert_uint_eq(inl(b, DMA_LOW), 0x47464320);
}
END_TEST

START_TEST(numbered_items_tell_the_machine)
{
    static const struct { uint16_t key; unsigned bytes; uint64_t value; } cases[] = {
        { 0x03, 8, UINT64_C(8) << 30 }, { 0x05, 2, 4 }, { 0x0F, 2, 4 }, { 0x0E, 2, 0 }, { 0x8002, 1, 1 },
        { 0x0D, 8, 0 }, { 0x7777, 4, 0 }, /* not there: zeros */
    };

    bench_close(b);
    open_with((const char *const[]){ "ram_bytes", "8G", "cpus", "4", NULL });
    outw(b, SELECT, cases[_i].key);
    ck_assert_uint_eq(read_le(cases[_i].bytes), cases[_i].value);
}
END_TEST

START_TEST(the_memory_map_leaves_a_hole_for_pci)
{
    static const struct { const char *ram; uint32_t size; uint64_t low, high; } cases[] = {
        { "128M", 20, UINT64_C(128) << 20, 0 },
        { "3584M", 20, UINT64_C(0xE0000000), 0 },
        { "4G", 40, UINT64_C(0xE0000000), UINT64_C(0x20000000) },
    };
    uint16_t key;
    uint32_t size;

    bench_close(b);
    open_with((const char *const[]){ "ram_bytes", cases[_i].ram, NULL });
    ck_assert(find_file("etc/e820", &key, &size));
    ck_assert_uint_eq(size, cases[_i].size);
    outw(b, SELECT, key);
    ck_assert_uint_eq(read_le(8), 0);
    ck_assert_uint_eq(read_le(8), cases[_i].low);
    ck_assert_uint_eq(read_le(4), 1);
    if (!cases[_i].high)
        return;
    ck_assert_uint_eq(read_le(8), UINT64_C(1) << 32);
    ck_assert_uint_eq(read_le(8), cases[_i].high);
    ck_assert_uint_eq(read_le(4), 1);
}
END_TEST

START_TEST(items_and_files_can_be_added_and_replaced)
{
    uint16_t key, again;
    uint32_t size;

    ck_assert_int_eq(fw_cfg_add(b->dev, 0x0E, "\1", 2), SIM_OK);
    outw(b, SELECT, 0x0E);
    ck_assert_uint_eq(read_le(2), 1);
    ck_assert_int_eq(fw_cfg_add_file(b->dev, "opt/one", "first", 5), SIM_OK);
    ck_assert_int_eq(fw_cfg_add_file(b->dev, "opt/two", "", 0), SIM_OK);
    ck_assert(find_file("opt/one", &key, &size));
    ck_assert_uint_eq(size, 5);
    ck_assert_int_eq(fw_cfg_add_file(b->dev, "opt/one", "second", 6), SIM_OK);
    ck_assert(find_file("opt/one", &again, &size));
    ck_assert_uint_eq(again, key);
    ck_assert_uint_eq(size, 6);
    ck_assert(find_file("opt/two", &again, &size));
    ck_assert_uint_ne(again, key);
    ck_assert_uint_eq(size, 0);
    outw(b, SELECT, key);
    ck_assert_uint_eq(read_le(4), 'c' << 16 | 'e' << 8 | 's' | (uint32_t)'o' << 24);
}
END_TEST

START_TEST(names_and_keys_are_checked)
{
    char name[64];

    memset(name, 'x', sizeof(name));
    name[56] = '\0';
    ck_assert_int_eq(fw_cfg_add_file(b->dev, name, "", 0), SIM_ERR_USAGE);
    name[55] = '\0';
    ck_assert_int_eq(fw_cfg_add_file(b->dev, name, "", 0), SIM_OK);
    ck_assert_int_eq(fw_cfg_add_file(b->dev, "", "", 0), SIM_ERR_USAGE);
    ck_assert_int_eq(fw_cfg_add(b->dev, 0x19, "", 0), SIM_ERR_USAGE);
    ck_assert_int_eq(fw_cfg_add(b->dev, 0x20, "", 0), SIM_ERR_USAGE);
}
END_TEST

START_TEST(dma_selects_reads_and_skips)
{
    uint8_t data[6000], got[6000 + 8];
    uint16_t key;
    uint32_t size;

    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    ck_assert_int_eq(fw_cfg_add_file(b->dev, "opt/data", data, sizeof(data)), SIM_OK);
    ck_assert(find_file("opt/data", &key, &size));
    ck_assert_uint_eq(dma((uint32_t)key << 16 | DMA_SELECT | DMA_READ, sizeof(got), BUFFER), 0);
    bus_ram_get(ram, BUFFER, got, sizeof(got));
    ck_assert_mem_eq(got, data, sizeof(data));
    ck_assert_mem_eq(got + sizeof(data), "\0\0\0\0\0\0\0\0", 8);
    ck_assert_uint_eq(dma((uint32_t)key << 16 | DMA_SELECT | DMA_SKIP, 100, 0), 0);
    ck_assert_uint_eq(dma(DMA_READ, 4, BUFFER), 0);
    bus_ram_get(ram, BUFFER, got, 4);
    ck_assert_mem_eq(got, data + 100, 4);
    ck_assert_uint_eq(inb(b, DATA), data[104]); /* the port goes on where DMA ended */
}
END_TEST

START_TEST(dma_refuses_what_it_cannot_do)
{
    ck_assert_uint_eq(dma(DMA_SELECT | DMA_WRITE, 4, BUFFER), DMA_ERROR);
    ck_assert_uint_eq(dma(DMA_SELECT | DMA_READ, 0xFFFFFFFF, BUFFER), DMA_ERROR);
    ck_assert_uint_eq(dma(DMA_SELECT | DMA_SKIP, 0xFFFFFFFF, 0), 0);
    ck_assert_uint_eq(dma(DMA_READ, 4, BUFFER), 0);
    ck_assert_uint_eq(readl(b, BUFFER), 0);
}
END_TEST

START_TEST(looking_changes_nothing)
{
    outw(b, SELECT, 0);
    ck_assert_uint_eq(bus_io_peek(b->bus, DATA, 1), 'Q');
    ck_assert_uint_eq(bus_io_peek(b->bus, DATA, 1), 'Q');
    ck_assert_uint_eq(inb(b, DATA), 'Q');
    ck_assert_uint_eq(inb(b, DATA), 'E');
}
END_TEST

START_TEST(all_state_is_saved)
{
    outw(b, SELECT, 0);
    read_le(2);
    outl(b, DMA_HIGH, 0x01000000);
    bench_check_state(b);
    ck_assert_uint_eq(inb(b, DATA), 'M');
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("fw_cfg");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, it_says_qemu);
    tcase_add_loop_test(t, numbered_items_tell_the_machine, 0, 7);
    tcase_add_loop_test(t, the_memory_map_leaves_a_hole_for_pci, 0, 3);
    tcase_add_test(t, items_and_files_can_be_added_and_replaced);
    tcase_add_test(t, names_and_keys_are_checked);
    tcase_add_test(t, dma_selects_reads_and_skips);
    tcase_add_test(t, dma_refuses_what_it_cannot_do);
    tcase_add_test(t, looking_changes_nothing);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "fw_cfg");
}
