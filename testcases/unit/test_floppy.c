/* Intel 82077AA data sheet (290166). */
#include "testcases/unit/device_bench.h"

#include "devices/dma.h"
#include "devices/floppy.h"

enum { DOR = 0x3F2, MSR = 0x3F4, DSR = 0x3F4, FIFO = 0x3F5, DIR = 0x3F7, CCR = 0x3F7 };
enum { RQM = 0x80, DIO = 0x40, NON_DMA = 0x20, BUSY = 0x10 };
enum { US = 1000, MS = 1000000 };
enum { TO_MEMORY = 0x46, FROM_MEMORY = 0x4A };

static struct bench *b;
static struct bench_wire irq;
static struct bus_region ram_region;
static struct bus_ram *ram;
static uint8_t result[16];

static uint8_t medium_byte(uint64_t off)
{
    return (uint8_t)(off * 5 + off / 512 * 11);
}

static bool medium_read(void *arg, uint64_t off, void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = medium_byte(off + i);
    return true;
}

static void open_with(unsigned bytes, bool read_only)
{
    const struct bus_image image = { .bytes = bytes, .read = medium_read };

    b = bench_open(1000000000);
    ck_assert_int_eq(bus_media_attach(b->bus, "fd0", &image, read_only, false), SIM_OK);
    ck_assert_int_eq(bus_ram_create(&b->bus->memory, "ram", 1 << 20, true, &ram), SIM_OK);
    ram_region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = 1 << 20, .ram = ram, .enabled = true,
                                      .answers = BUS_READS | BUS_WRITES };
    ck_assert_int_eq(bus_region_add(&b->bus->mem, &b->bus->mem.root, &ram_region, 0), SIM_OK);
    bench_plug(b, &dma_class, "dma", NULL);
    bench_plug(b, &floppy_class, "floppy", NULL);
    bench_watch(b, &irq, "isa.irq6");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void run(sim_cycles cycles)
{
    bench_run_to(b, b->clock.now + cycles);
}

static void command(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_eq(inb(b, MSR) & (RQM | DIO), RQM);
        outb(b, FIFO, bytes[i]);
    }
}
#define COMMAND(...) command((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static unsigned take_result(void)
{
    unsigned n = 0;

    while ((inb(b, MSR) & (RQM | DIO | BUSY)) == (RQM | DIO | BUSY) && n < sizeof(result))
        result[n++] = inb(b, FIFO);
    ck_assert_uint_eq(inb(b, MSR) & (RQM | DIO | BUSY), RQM);
    return n;
}

/* Waits for the interrupt of a transfer, and takes its seven result bytes. */
static void ck_result(uint8_t st0, uint8_t st1, uint8_t st2, uint8_t c, uint8_t h, uint8_t r)
{
    const uint8_t expected[] = { st0, st1, st2, c, h, r, 2 };

    for (unsigned i = 0; i < 2000 && !irq.level; i++)
        run(10 * MS);
    ck_assert(irq.level);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_mem_eq(result, expected, 7);
    ck_assert(!irq.level);
}

static void ck_sense(uint8_t st0, uint8_t cylinder)
{
    COMMAND(0x08);
    ck_assert_uint_eq(take_result(), 2);
    ck_assert_uint_eq(result[0], st0);
    ck_assert_uint_eq(result[1], cylinder);
}

/* Out of reset, polling sensed, motor of drive 0 on, 500 kb/s, steps of 3 ms. */
static void start(void)
{
    outb(b, DOR, 0x0C);
    run(MS);
    for (unsigned i = 0; i < 4; i++)
        ck_sense((uint8_t)(0xC0 | i), 0);
    outb(b, DOR, 0x1C);
    outb(b, CCR, 0);
    COMMAND(0x03, 0xAF, 0x02);
}

static void setup(void)
{
    open_with(1440 * 1024, false);
    start();
}

static void teardown(void)
{
    bench_close(b);
}

static void reopen(unsigned bytes, bool read_only)
{
    bench_close(b);
    open_with(bytes, read_only);
    start();
}

/* Channel 2, from 10000h on. */
static void program_dma(uint8_t mode, uint16_t bytes)
{
    outb(b, 0xD4, 0x00); /* channel 4, the cascade */
    outb(b, 0xD6, 0xC0);
    outb(b, 0x0A, 0x06);
    outb(b, 0x0C, 0x00);
    outb(b, 0x0B, mode);
    outb(b, 0x04, 0x00);
    outb(b, 0x04, 0x00);
    outb(b, 0x05, (uint8_t)(bytes - 1));
    outb(b, 0x05, (uint8_t)((bytes - 1) >> 8));
    outb(b, 0x81, 0x01);
    outb(b, 0x0A, 0x02);
}

static void seek(uint8_t cylinder)
{
    COMMAND(0x0F, 0x00, cylinder);
    while (!irq.level)
        run(MS);
    ck_sense(0x20, cylinder);
}

static void ck_ram(uint64_t off, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        ck_assert_uint_eq((uint8_t)(readl(b, 0x10000 + i) & 0xFF), medium_byte(off + i));
}

/* "Reset", "Drive Polling". */
START_TEST(a_reset_ends_with_an_interrupt_for_all_drives)
{
    outb(b, DOR, 0x08);
    ck_assert_uint_eq(inb(b, MSR), 0);
    outb(b, DOR, 0x0C);
    run(MS);
    ck_assert(irq.level);
    ck_sense(0xC0, 0);
    ck_assert(!irq.level);
    ck_sense(0xC1, 0);
    ck_sense(0xC2, 0);
    ck_sense(0xC3, 0);
    COMMAND(0x08);
    ck_assert_uint_eq(take_result(), 1);
    ck_assert_uint_eq(result[0], 0x80);
}
END_TEST

/* "CONFIGURE": POLL; "LOCK" keeps it over a software reset. */
START_TEST(polling_can_be_switched_off_and_locked)
{
    COMMAND(0x13, 0x00, 0x17, 0x00);
    COMMAND(0x94);
    take_result();
    ck_assert_uint_eq(result[0], 0x10);
    outb(b, DSR, 0x80);
    run(MS);
    ck_assert(!irq.level);
    COMMAND(0x14);
    take_result();
    ck_assert_uint_eq(result[0], 0x00);
    outb(b, DSR, 0x80);
    run(MS);
    ck_assert(irq.level);
}
END_TEST

/* "Digital Output Register", DMAGATE#. */
START_TEST(dor_gates_the_interrupt)
{
    outb(b, DOR, 0x00);
    outb(b, DOR, 0x04);
    run(MS);
    ck_assert(!irq.level);
    outb(b, DOR, 0x0C);
    ck_assert(irq.level);
}
END_TEST

START_TEST(control_commands_answer)
{
    static const struct { uint8_t command, byte, bytes, len, result; } cases[] = {
        { 0x10, 0, 1, 1, 0x90 }, /* VERSION */
        { 0x04, 0x04, 2, 1, 0x3C }, /* SENSE DRIVE STATUS: track 0, head 1 */
        { 0x1F, 0, 1, 1, 0x80 }, /* invalid */
        { 0x0E, 0, 1, 10, 0 },   /* DUMPREG */
    };
    const uint8_t bytes[] = { cases[_i].command, cases[_i].byte };

    command(bytes, cases[_i].bytes);
    ck_assert_uint_eq(take_result(), cases[_i].len);
    ck_assert_uint_eq(result[0], cases[_i].result);
}
END_TEST

/* "SEEK", "SPECIFY": the step rate is (16 - SRT) * 0.5 ms at 500 kb/s. */
START_TEST(a_seek_takes_its_steps)
{
    COMMAND(0x0F, 0x00, 10);
    ck_assert_uint_eq(inb(b, MSR), RQM | 0x01);
    run(30 * MS - 1);
    ck_assert(!irq.level);
    run(1);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, MSR), RQM);
    ck_sense(0x20, 10);
    ck_assert(!irq.level);
    COMMAND(0x07, 0x00);
    run(30 * MS);
    ck_sense(0x20, 0);
}
END_TEST

START_TEST(relative_seeks_go_both_ways)
{
    COMMAND(0xCF, 0x00, 5);
    run(100 * MS);
    ck_sense(0x20, 5);
    COMMAND(0x8F, 0x00, 2);
    run(100 * MS);
    ck_sense(0x20, 3);
}
END_TEST

/* "RECALIBRATE": 79 step pulses at most. */
START_TEST(recalibration_may_need_a_second_try)
{
    seek(100);
    COMMAND(0x07, 0x00);
    run(1000 * MS);
    ck_sense(0x70, 21);
    COMMAND(0x07, 0x00);
    run(1000 * MS);
    ck_sense(0x20, 0);
    COMMAND(0x07, 0x02); /* there is no drive 2 */
    run(1000 * MS);
    ck_sense(0x72, 0);
}
END_TEST

/* "Digital Input Register", DSKCHG: until the drive is stepped with a diskette in it. */
START_TEST(a_step_clears_the_disk_change_line)
{
    ck_assert_uint_eq(inb(b, DIR) & 0x80, 0x80);
    seek(1);
    ck_assert_uint_eq(inb(b, DIR) & 0x80, 0x00);
    outb(b, DOR, 0x1D);
    ck_assert_uint_eq(inb(b, DIR) & 0x80, 0x80);
}
END_TEST

/* "READ DATA" by DMA until TC, and the "Result Phase Table". */
START_TEST(sectors_are_read_until_the_terminal_count)
{
    static const struct { uint8_t mt, c, h, r, eot; unsigned sectors; uint8_t rc, rh, rr; } cases[] = {
        { 0, 0, 0, 1, 18, 1, 0, 0, 2 },
        { 0, 0, 0, 18, 18, 1, 1, 0, 1 },
        { 0, 0, 1, 5, 18, 3, 0, 1, 8 },
        { 1, 0, 0, 18, 18, 1, 0, 1, 1 },
        { 1, 0, 0, 17, 18, 4, 0, 1, 3 },
        { 1, 0, 1, 18, 18, 1, 1, 0, 1 },
        { 1, 7, 0, 1, 18, 36, 8, 0, 1 },
    };
    uint64_t off = ((cases[_i].c * 2u + cases[_i].h) * 18 + cases[_i].r - 1) * 512u;
    uint8_t head = (uint8_t)(cases[_i].h << 2), end_head = cases[_i].mt && cases[_i].rh ? 4 : 0;

    seek(cases[_i].c);
    program_dma(TO_MEMORY, (uint16_t)(cases[_i].sectors * 512));
    COMMAND((uint8_t)(cases[_i].mt ? 0xE6 : 0x66), head, cases[_i].c, cases[_i].h, cases[_i].r, 2, cases[_i].eot, 0x1B, 0xFF);
    ck_assert_uint_eq(inb(b, MSR), BUSY);
    run(cases[_i].sectors * 8192 * (sim_cycles)US - 1);
    ck_assert(!irq.level);
    ck_result(cases[_i].mt ? end_head : head, 0, 0, cases[_i].rc, cases[_i].rh, cases[_i].rr);
    ck_ram(off, cases[_i].sectors * 512);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    seek(79);
    for (unsigned i = 0; i < 1024; i += 4)
        writel(b, 0x10000 + i, i * 0x01010101);
    program_dma(FROM_MEMORY, 1024);
    COMMAND(0xC5, 0x04, 79, 1, 17, 2, 18, 0x1B, 0xFF);
    ck_result(0x00, 0, 0, 80, 0, 1);
    for (unsigned i = 0; i < 1024; i += 4)
        writel(b, 0x10000 + i, 0);
    program_dma(TO_MEMORY, 1024);
    COMMAND(0xE6, 0x04, 79, 1, 17, 2, 18, 0x1B, 0xFF);
    ck_result(0x00, 0, 0, 80, 0, 1);
    for (unsigned i = 0; i < 1024; i += 4)
        ck_assert_uint_eq(readl(b, 0x10000 + i), i * 0x01010101);
}
END_TEST

/* "Status Register 1" and "2". */
START_TEST(transfers_fail_with_their_status)
{
    static const struct { uint8_t rate, r, n, c, h, eot; uint8_t st0, st1, st2; uint8_t rc, rr; } cases[] = {
        { 2, 1, 2, 0, 0, 18, 0x40, 0x01, 0x00, 0, 1 },  /* the wrong data rate: no address mark */
        { 0, 19, 2, 0, 0, 20, 0x40, 0x04, 0x00, 0, 19 }, /* no such sector */
        { 0, 0, 2, 0, 0, 18, 0x40, 0x04, 0x00, 0, 0 },
        { 0, 1, 3, 0, 0, 18, 0x40, 0x04, 0x00, 0, 1 },  /* sectors of 1024 bytes */
        { 0, 1, 2, 5, 0, 18, 0x40, 0x04, 0x10, 5, 1 },  /* the head is elsewhere */
        { 0, 1, 2, 0, 1, 18, 0x40, 0x04, 0x00, 0, 1 },  /* H is not the head */
        { 0, 17, 2, 0, 0, 18, 0x40, 0x80, 0x00, 1, 1 }, /* no TC before the end of the cylinder */
    };

    outb(b, CCR, cases[_i].rate);
    program_dma(TO_MEMORY, 0x8000);
    COMMAND(0x46, 0x00, cases[_i].c, cases[_i].h, cases[_i].r, cases[_i].n, cases[_i].eot, 0x1B, 0xFF);
    ck_result(cases[_i].st0, cases[_i].st1, cases[_i].st2, cases[_i].rc, cases[_i].h, cases[_i].rr);
}
END_TEST

START_TEST(a_masked_dma_channel_overruns)
{
    program_dma(TO_MEMORY, 512);
    outb(b, 0x0A, 0x06);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    ck_result(0x40, 0x10, 0, 0, 0, 1);
}
END_TEST

START_TEST(a_write_protected_diskette_is_not_written)
{
    reopen(1440 * 1024, true);
    program_dma(FROM_MEMORY, 512);
    COMMAND(0x45, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    ck_result(0x40, 0x02, 0, 0, 0, 1);
}
END_TEST

/* Without index pulses the part waits; a reset gets it back. */
START_TEST(without_motor_or_diskette_nothing_ends)
{
    static const uint8_t dor[] = { 0x0C, 0x2C };

    outb(b, DOR, dor[_i]);
    program_dma(TO_MEMORY, 512);
    COMMAND(0x46, (uint8_t)_i, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    run(10000 * (sim_cycles)MS);
    ck_assert_uint_eq(inb(b, MSR), BUSY);
    outb(b, DOR, 0x08);
    outb(b, DOR, 0x0C);
    run(MS);
    ck_assert(irq.level);
    ck_sense(0xC0, 0);
}
END_TEST

/* "SPECIFY", ND: an interrupt for each sector's data, and no TC. */
START_TEST(data_may_go_through_the_fifo)
{
    COMMAND(0x03, 0xAF, 0x03);
    COMMAND(0x46, 0x00, 0, 0, 2, 2, 3, 0x1B, 0xFF);
    for (unsigned s = 0; s < 2; s++) {
        run(9 * MS);
        ck_assert(irq.level);
        for (unsigned i = 0; i < 512; i++) {
            ck_assert_uint_eq(inb(b, MSR), RQM | DIO | NON_DMA | BUSY);
            ck_assert_uint_eq(inb(b, FIFO), medium_byte((s + 1) * 512 + i));
        }
    }
    ck_result(0x40, 0x80, 0, 1, 0, 1);

    COMMAND(0x45, 0x00, 0, 0, 9, 2, 9, 0x1B, 0xFF);
    ck_assert(irq.level);
    for (unsigned i = 0; i < 512; i++) {
        ck_assert_uint_eq(inb(b, MSR), RQM | NON_DMA | BUSY);
        outb(b, FIFO, (uint8_t)~i);
    }
    ck_result(0x40, 0x80, 0, 1, 0, 1);
    COMMAND(0x46, 0x00, 0, 0, 9, 2, 9, 0x1B, 0xFF);
    run(9 * MS);
    for (unsigned i = 0; i < 512; i++)
        ck_assert_uint_eq(inb(b, FIFO), (uint8_t)~i);
}
END_TEST

START_TEST(a_track_is_formatted)
{
    for (unsigned r = 1; r <= 18; r++)
        writel(b, 0x10000 + 4 * (r - 1), 3 | 1 << 8 | r << 16 | 2 << 24);
    seek(3);
    program_dma(FROM_MEMORY, 72);
    COMMAND(0x4D, 0x04, 2, 18, 0x54, 0xF6);
    ck_result(0x04, 0, 0, 3, 1, 18);
    program_dma(TO_MEMORY, 18 * 512);
    COMMAND(0x46, 0x04, 3, 1, 1, 2, 18, 0x1B, 0xFF);
    ck_result(0x04, 0, 0, 4, 1, 1);
    for (unsigned i = 0; i < 18 * 512; i += 4)
        ck_assert_uint_eq(readl(b, 0x10000 + i), 0xF6F6F6F6);
}
END_TEST

START_TEST(read_id_tells_where_the_head_is)
{
    seek(12);
    COMMAND(0x4A, 0x04);
    ck_result(0x04, 0, 0, 12, 1, 1);
    outb(b, CCR, 1);
    COMMAND(0x4A, 0x00);
    ck_result(0x40, 0x01, 0, 12, 0, 1);
}
END_TEST

START_TEST(verify_reads_without_data)
{
    COMMAND(0xD6, 0x80, 0, 0, 17, 2, 18, 0x1B, 4);
    ck_result(0x04, 0, 0, 0, 1, 3);
}
END_TEST

/* The length of the medium tells what it is. */
START_TEST(diskettes_come_in_several_formats)
{
    static const struct { unsigned bytes; uint8_t rate, last_cylinder, last_head, last_sector; } cases[] = {
        { 160 * 1024, 2, 39, 0, 8 }, { 360 * 1024, 2, 39, 1, 9 }, { 360 * 1024, 1, 39, 1, 9 }, { 720 * 1024, 2, 79, 1, 9 },
        { 1200 * 1024, 0, 79, 1, 15 }, { 2880 * 1024, 3, 79, 1, 36 }, { 1440 * 1024, 0, 79, 1, 18 },
    };

    reopen(cases[_i].bytes, false);
    outb(b, CCR, cases[_i].rate);
    seek(cases[_i].last_cylinder);
    program_dma(TO_MEMORY, 512);
    COMMAND(0x46, (uint8_t)(cases[_i].last_head << 2), cases[_i].last_cylinder, cases[_i].last_head, cases[_i].last_sector, 2,
            cases[_i].last_sector, 0x1B, 0xFF);
    ck_result((uint8_t)(cases[_i].last_head << 2), 0, 0, cases[_i].last_cylinder + 1, cases[_i].last_head, 1);
    ck_ram(cases[_i].bytes - 512, 512);
}
END_TEST

START_TEST(a_short_image_is_filled_up_with_zeros)
{
    reopen(700, false);
    program_dma(TO_MEMORY, 1024);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    ck_result(0x00, 0, 0, 0, 0, 3);
    ck_ram(0, 700);
    for (unsigned i = 700; i < 1024; i += 4)
        ck_assert_uint_eq(readl(b, 0x10000 + i), 0);
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    program_dma(TO_MEMORY, 4 * 512);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    run(9 * MS);
    bench_check_state(b);
    program_dma(TO_MEMORY, 3 * 512); /* the reset was the DMA controller's too */
    ck_result(0x00, 0, 0, 0, 0, 5);
    ck_ram(512, 3 * 512);
}
END_TEST

START_TEST(a_dma_controller_is_needed)
{
    static const char *const none[] = { "dma", "nothing", NULL };
    struct sim_device *dev;

    ck_assert_int_eq(bus_device_create(b->bus, &floppy_class, "floppy2", none, &dev), SIM_ERR_USAGE);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("floppy");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_reset_ends_with_an_interrupt_for_all_drives);
    tcase_add_test(t, polling_can_be_switched_off_and_locked);
    tcase_add_test(t, dor_gates_the_interrupt);
    tcase_add_loop_test(t, control_commands_answer, 0, 4);
    tcase_add_test(t, a_seek_takes_its_steps);
    tcase_add_test(t, relative_seeks_go_both_ways);
    tcase_add_test(t, recalibration_may_need_a_second_try);
    tcase_add_test(t, a_step_clears_the_disk_change_line);
    tcase_add_loop_test(t, sectors_are_read_until_the_terminal_count, 0, 7);
    tcase_add_test(t, what_is_written_is_read_back);
    tcase_add_loop_test(t, transfers_fail_with_their_status, 0, 7);
    tcase_add_test(t, a_masked_dma_channel_overruns);
    tcase_add_test(t, a_write_protected_diskette_is_not_written);
    tcase_add_loop_test(t, without_motor_or_diskette_nothing_ends, 0, 2);
    tcase_add_test(t, data_may_go_through_the_fifo);
    tcase_add_test(t, a_track_is_formatted);
    tcase_add_test(t, read_id_tells_where_the_head_is);
    tcase_add_test(t, verify_reads_without_data);
    tcase_add_loop_test(t, diskettes_come_in_several_formats, 0, 7);
    tcase_add_test(t, a_short_image_is_filled_up_with_zeros);
    tcase_add_test(t, state_survives_saving_and_restoring);
    tcase_add_test(t, a_dma_controller_is_needed);
    return bench_main(t, "floppy");
}
