/* 8237A High Performance Programmable DMA Controller data sheet (231466); pages: 82371SB PIIX3 (290550). */
#include "testcases/unit/device_bench.h"

#include "devices/dma.h"

enum { VERIFY = 0 << 2, TO_MEMORY = 1 << 2, FROM_MEMORY = 2 << 2 };
enum { DEMAND = 0 << 6, SINGLE = 1 << 6, BLOCK = 2 << 6, CASCADE = 3 << 6, DOWN = 0x20, AUTO = 0x10 };

static const uint8_t page_port[8] = { 0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A };

static struct bench *b;
static struct bus_ram *ram;
static struct bus_region region;

/* A register of the controller of `channel`. */
static uint16_t port(unsigned channel, unsigned reg)
{
    return (uint16_t)(channel < 4 ? reg : 0xC0 + 2 * reg);
}

static void setup(void)
{
    b = bench_open(1000000000);
    ck_assert_int_eq(bus_ram_create(&b->bus->memory, "ram", 16 << 20, true, &ram), SIM_OK);
    region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = 16 << 20, .ram = ram, .enabled = true,
                                  .answers = BUS_READS | BUS_WRITES };
    ck_assert_int_eq(bus_region_add(&b->bus->mem, &b->bus->mem.root, &region, 0), SIM_OK);
    bench_plug(b, &dma_class, "dma", NULL);
    bus_reset(b->bus, SIM_RESET_POWER);
    outb(b, port(4, 11), CASCADE); /* as firmware does */
    outb(b, port(4, 10), 0);
}

static void teardown(void)
{
    bench_close(b);
}

/* `transfers` bytes or words at `paddr`. */
static void program(unsigned channel, uint8_t mode, uint32_t paddr, unsigned transfers)
{
    unsigned n = channel % 4;
    uint32_t address = channel < 4 ? paddr : paddr >> 1;

    outb(b, port(channel, 10), 4 | n);
    outb(b, port(channel, 12), 0);
    outb(b, port(channel, 11), mode | n);
    outb(b, port(channel, 2 * n), (uint8_t)address);
    outb(b, port(channel, 2 * n), (uint8_t)(address >> 8));
    outb(b, port(channel, 2 * n + 1), (uint8_t)(transfers - 1));
    outb(b, port(channel, 2 * n + 1), (uint8_t)((transfers - 1) >> 8));
    outb(b, page_port[channel], (uint8_t)(paddr >> 16));
    outb(b, port(channel, 10), (uint8_t)n);
}

static unsigned current(unsigned channel, unsigned what)
{
    unsigned low;

    outb(b, port(channel, 12), 0);
    low = inb(b, port(channel, 2 * (channel % 4) + what));
    return low | inb(b, port(channel, 2 * (channel % 4) + what)) << 8;
}

START_TEST(each_channel_moves_data_both_ways)
{
    static const unsigned channels[] = { 0, 1, 2, 3, 5, 6, 7 };
    unsigned channel = channels[_i];
    const uint32_t paddr = 0x123450;
    char text[9] = "";
    bool tc;

    program(channel, SINGLE | TO_MEMORY, paddr, channel < 4 ? 8 : 4);
    ck_assert_uint_eq(dma_transfer(b->dev, channel, "diskette", 8, &tc), 8);
    ck_assert(tc);
    bus_ram_get(ram, paddr, text, 8);
    ck_assert_str_eq(text, "diskette");
    memset(text, 0, 8);
    program(channel, SINGLE | FROM_MEMORY, paddr, channel < 4 ? 8 : 4);
    ck_assert_uint_eq(dma_transfer(b->dev, channel, text, 8, &tc), 8);
    ck_assert_str_eq(text, "diskette");
}
END_TEST

START_TEST(verify_counts_and_moves_nothing)
{
    uint8_t data[4] = { 1, 2, 3, 4 };
    bool tc;

    program(2, SINGLE | VERIFY, 0x1000, 4);
    ck_assert_uint_eq(dma_transfer(b->dev, 2, data, 4, &tc), 4);
    ck_assert(tc);
    ck_assert_mem_eq(data, "\1\2\3\4", 4);
    ck_assert_uint_eq(readl(b, 0x1000), 0);
}
END_TEST

/* "Current Word Register": TC when it rolls from 0 to FFFFh; then the channel is masked. */
START_TEST(the_count_ends_the_transfer)
{
    uint8_t data[16] = { 0 };
    bool tc;

    program(2, SINGLE | TO_MEMORY, 0x1000, 10);
    ck_assert_uint_eq(dma_transfer(b->dev, 2, data, 6, &tc), 6);
    ck_assert(!tc);
    ck_assert_uint_eq(current(2, 0), 0x1006);
    ck_assert_uint_eq(current(2, 1), 3);
    ck_assert_uint_eq(inb(b, 8) & 0x0F, 0);
    ck_assert_uint_eq(dma_transfer(b->dev, 2, data, 6, &tc), 4);
    ck_assert(tc);
    ck_assert_uint_eq(current(2, 1), 0xFFFF);
    ck_assert_uint_eq(inb(b, 15) & 0x0F, 0x0F); /* masked again */
    ck_assert_uint_eq(inb(b, 8) & 0x0F, 0x04);
    ck_assert_uint_eq(inb(b, 8) & 0x0F, 0x00); /* reading the status clears TC */
    ck_assert_uint_eq(dma_transfer(b->dev, 2, data, 6, &tc), 0);
}
END_TEST

/* "Autoinitialize". */
START_TEST(autoinitialize_starts_again)
{
    uint8_t data[4] = { 0 };
    bool tc;

    program(1, SINGLE | TO_MEMORY | AUTO, 0x2000, 4);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(dma_transfer(b->dev, 1, data, 4, &tc), 4);
        ck_assert(tc);
        ck_assert_uint_eq(current(1, 0), 0x2000);
        ck_assert_uint_eq(current(1, 1), 3);
    }
}
END_TEST

START_TEST(addresses_can_go_down)
{
    char text[5] = "";
    bool tc;

    program(3, SINGLE | TO_MEMORY | DOWN, 0x3003, 4);
    dma_transfer(b->dev, 3, "abcd", 4, &tc);
    bus_ram_get(ram, 0x3000, text, 4);
    ck_assert_str_eq(text, "dcba");
}
END_TEST

/* The page register does not count: addresses wrap within 64 KiB, or 128 KiB. */
START_TEST(addresses_stay_in_their_page)
{
    static const struct { unsigned channel; uint32_t last, first; } cases[] = {
        { 2, 0x1FFFE, 0x10000 }, { 5, 0x3FFFE, 0x20000 }
    };
    bool tc;

    program(cases[_i].channel, SINGLE | TO_MEMORY, cases[_i].last, 4);
    dma_transfer(b->dev, cases[_i].channel, "abcdefgh", 4, &tc);
    ck_assert_uint_eq(readl(b, cases[_i].last) & 0xFFFF, 'b' << 8 | 'a');
    ck_assert_uint_eq(readl(b, cases[_i].first) & 0xFFFF, 'd' << 8 | 'c');
}
END_TEST

START_TEST(a_closed_channel_moves_nothing)
{
    static const struct { uint16_t port; uint8_t value; bool open; } cases[] = {
        { 0x0A, 6, false },  /* masked */
        { 0x0F, 0x04, false },
        { 0x0F, 0x0B, true },
        { 0x08, 0x04, false }, /* controller disabled */
        { 0x0D, 0, false },  /* master clear */
        { 0x0E, 0, true },   /* clear mask */
        { 0x0B, CASCADE | 2, false },
        { 0xD4, 4, false },  /* channel 4, through which channels 0-3 go */
        { 0xD0, 4, false },
        { 0xDE, 0x0E, true },
    };
    bool tc;

    program(2, SINGLE | TO_MEMORY, 0x1000, 4);
    outb(b, cases[_i].port, cases[_i].value);
    ck_assert_uint_eq(dma_transfer(b->dev, 2, "abcd", 4, &tc), cases[_i].open ? 4 : 0);
    ck_assert_int_eq(tc, cases[_i].open);
}
END_TEST

START_TEST(requests_show_in_the_status)
{
    dma_set_request(b->dev, 2, true);
    ck_assert_uint_eq(inb(b, 0x08), 0x40);
    dma_set_request(b->dev, 2, false);
    ck_assert_uint_eq(inb(b, 0x08), 0x00);
    outb(b, 0x09, 5);
    ck_assert_uint_eq(inb(b, 0x08), 0x20);
    ck_assert_uint_eq(b->log_lines, 1); /* it moves nothing, and that is said */
}
END_TEST

START_TEST(pages_are_memory)
{
    for (uint16_t p = 0x81; p <= 0x8F; p++)
        outb(b, p, (uint8_t)(p ^ 0x55));
    for (uint16_t p = 0x81; p <= 0x8F; p++)
        ck_assert_uint_eq(inb(b, p), p ^ 0x55);
}
END_TEST

START_TEST(looking_changes_nothing)
{
    program(2, SINGLE | TO_MEMORY, 0x1234, 4);
    outb(b, 0x0C, 0);
    ck_assert_uint_eq(bus_io_peek(b->bus, 0x04, 1), 0x34);
    ck_assert_uint_eq(bus_io_peek(b->bus, 0x04, 1), 0x34);
    ck_assert_uint_eq(inb(b, 0x04), 0x34);
    ck_assert_uint_eq(bus_io_peek(b->bus, 0x04, 1), 0x12);
}
END_TEST

START_TEST(all_state_is_saved)
{
    uint8_t data[4] = { 0 };
    bool tc;

    program(2, SINGLE | TO_MEMORY, 0x12340, 10);
    dma_transfer(b->dev, 2, data, 4, &tc);
    program(6, SINGLE | FROM_MEMORY | AUTO, 0x52340, 10);
    dma_set_request(b->dev, 6, true);
    bench_check_state(b);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("dma");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_channel_moves_data_both_ways, 0, 7);
    tcase_add_test(t, verify_counts_and_moves_nothing);
    tcase_add_test(t, the_count_ends_the_transfer);
    tcase_add_test(t, autoinitialize_starts_again);
    tcase_add_test(t, addresses_can_go_down);
    tcase_add_loop_test(t, addresses_stay_in_their_page, 0, 2);
    tcase_add_loop_test(t, a_closed_channel_moves_nothing, 0, 10);
    tcase_add_test(t, requests_show_in_the_status);
    tcase_add_test(t, pages_are_memory);
    tcase_add_test(t, looking_changes_nothing);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "dma");
}
