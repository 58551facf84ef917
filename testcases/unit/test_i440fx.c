/* Intel 440FX PCIset data sheet (290549). */
#include "testcases/unit/device_bench.h"

#include "devices/i440fx.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static struct bench *b;
static struct bus_ram *ram, *rom;

static void open_with(uint64_t ram_bytes, uint64_t rom_bytes)
{
    b = bench_open(1000000000);
    ck_assert_int_eq(bus_ram_create(&b->bus->memory, "ram", ram_bytes, true, &ram), SIM_OK);
    if (rom_bytes)
        ck_assert_int_eq(bus_ram_create(&b->bus->memory, "bios", rom_bytes, false, &rom), SIM_OK);
    for (uint64_t off = 0; off < rom_bytes; off += SIM_PAGE_SIZE)
        bus_ram_put(rom, off, &(uint32_t){ 0xB0000000u + (uint32_t)off }, 4);
    bench_plug(b, &i440fx_class, "host", NULL);
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void setup(void)
{
    open_with(16 * MIB, 256 << 10);
}

static void teardown(void)
{
    bench_close(b);
}

static uint32_t config_read(uint32_t reg, unsigned size)
{
    outl(b, 0xCF8, 0x80000000u | (reg & ~3u));
    return (uint32_t)bench_txn(b, BUS_IO_READ, 0xCFC + (reg & 3), 0, size);
}

static void config_write(uint32_t reg, uint32_t value, unsigned size)
{
    outl(b, 0xCF8, 0x80000000u | (reg & ~3u));
    bench_txn(b, BUS_IO_WRITE, 0xCFC + (reg & 3), value, size);
}

START_TEST(it_is_the_82441fx)
{
    ck_assert_uint_eq(config_read(0x00, 4), 0x12378086);
    ck_assert_uint_eq(config_read(0x02, 2), 0x1237);
    ck_assert_uint_eq(config_read(0x03, 1), 0x12);
    ck_assert_uint_eq(config_read(0x08, 4), 0x06000002);
    ck_assert_uint_eq(config_read(0x2C, 4), 0x11001AF4); /* by which SeaBIOS knows a simulator */
}
END_TEST

/* "Register Description": default values. */
START_TEST(registers_have_their_defaults)
{
    static const struct { uint8_t reg, size; uint16_t value; } cases[] = {
        { 0x04, 2, 0x0006 }, { 0x06, 2, 0x0280 }, { 0x0D, 1, 0 }, { 0x53, 1, 0x80 }, { 0x57, 1, 0x01 }, { 0x59, 1, 0 },
        { 0x5F, 1, 0 }, { 0x68, 1, 0 }, { 0x71, 1, 0x10 }, { 0x72, 1, 0x02 }, { 0x93, 1, 0 },
        { 0x67, 1, 2 }, /* DRB7: 16 MiB in units of 8 */
    };

    ck_assert_uint_eq(config_read(cases[_i].reg, cases[_i].size), cases[_i].value);
}
END_TEST

/* "CONFADD": doublewords only; bit 31 enables; "CONFDATA": any size within it. */
START_TEST(confadd_is_a_doubleword)
{
    outl(b, 0xCF8, 0x80000058);
    outb(b, 0xCF8, 0x00);
    outw(b, 0xCFA, 0x0000);
    ck_assert_uint_eq(inl(b, 0xCF8), 0x80000058);
    ck_assert_uint_eq(inb(b, 0xCF8), 0xFF);
    outl(b, 0xCF8, 0xFFFFFFFF);
    ck_assert_uint_eq(inl(b, 0xCF8), 0x80FFFFFC);
}
END_TEST

START_TEST(nobody_answers_elsewhere)
{
    static const uint32_t confadd[] = { 0x00000000, 0x80000800, 0x80010000, 0x80000100 };

    outl(b, 0xCF8, confadd[_i]);
    ck_assert_uint_eq(inl(b, 0xCFC), 0xFFFFFFFF);
    ck_assert_uint_eq(inw(b, 0xCFE), 0xFFFF);
}
END_TEST

START_TEST(memory_lies_where_it_should)
{
    static const struct { uint64_t paddr; bool ram; } cases[] = {
        { 0, true }, { 0x9FFFC, true }, { 0xA0000, false }, { 0xBFFFC, false }, { 0xC0000, false }, { 0xD8000, false },
        { 0x100000, true }, { 16 * MIB - 4, true }, { 16 * MIB, false }, { 0xDFFFFFFC, false },
    };

    writel(b, cases[_i].paddr, 0x12345678);
    ck_assert_uint_eq(readl(b, cases[_i].paddr), cases[_i].ram ? 0x12345678 : 0xFFFFFFFF);
}
END_TEST

/* RAM beyond E0000000h is found from 4 GiB on. */
START_TEST(memory_makes_room_for_pci)
{
    uint32_t v;

    bench_close(b);
    open_with(4 * GIB, 0);
    writel(b, 0xDFFFFFFC, 1);
    writel(b, 0xE0000000, 2);
    writel(b, 4 * GIB, 3);
    writel(b, 4 * GIB + 512 * MIB - 4, 4);
    ck_assert_uint_eq(readl(b, 0xDFFFFFFC), 1);
    ck_assert_uint_eq(readl(b, 0xE0000000), 0xFFFFFFFF);
    ck_assert_uint_eq(readl(b, 4 * GIB), 3);
    ck_assert_uint_eq(readl(b, 4 * GIB + 512 * MIB - 4), 4);
    ck_assert_uint_eq(readl(b, 4 * GIB + 512 * MIB), 0xFFFFFFFF);
    bus_ram_get(ram, 0xE0000000, &v, 4);
    ck_assert_uint_eq(v, 3);
    ck_assert_uint_eq(config_read(0x67, 1), 0xFF);
}
END_TEST

START_TEST(the_rom_ends_at_4_gib_and_at_1_mib)
{
    ck_assert_uint_eq(readl(b, 0xFFFC0000), 0xB0000000);
    ck_assert_uint_eq(readl(b, 0xFFFFF000), 0xB003F000);
    ck_assert_uint_eq(readl(b, 0xE0000), 0xB0020000);
    ck_assert_uint_eq(readl(b, 0xFF000), 0xB003F000);
    writel(b, 0xFF000, 0);
    ck_assert_uint_eq(readl(b, 0xFF000), 0xB003F000);
}
END_TEST

/* "PAM": each segment's nibble: bit 0 reads from RAM, bit 1 writes to RAM. */
static const struct { uint32_t paddr; uint8_t reg, shift; } segments[] = {
    { 0xC0000, 0x5A, 0 }, { 0xC4000, 0x5A, 4 }, { 0xC8000, 0x5B, 0 }, { 0xCC000, 0x5B, 4 }, { 0xD0000, 0x5C, 0 },
    { 0xD4000, 0x5C, 4 }, { 0xD8000, 0x5D, 0 }, { 0xDC000, 0x5D, 4 }, { 0xE0000, 0x5E, 0 }, { 0xE4000, 0x5E, 4 },
    { 0xE8000, 0x5F, 0 }, { 0xEC000, 0x5F, 4 }, { 0xF0000, 0x59, 4 },
};

START_TEST(each_segment_reads_and_writes_where_pam_says)
{
    uint32_t first = segments[_i].paddr, last = first + (first == 0xF0000 ? 0xFFFC : 0x3FFC);
    uint32_t on_pci = readl(b, first), v;

    config_write(segments[_i].reg, 2u << segments[_i].shift, 1); /* writes to RAM, reads from PCI */
    writel(b, first, 0x11111111);
    writel(b, last, 0x22222222);
    ck_assert_uint_eq(readl(b, first), on_pci);
    bus_ram_get(ram, last, &v, 4);
    ck_assert_uint_eq(v, 0x22222222);
    config_write(segments[_i].reg, 1u << segments[_i].shift, 1); /* reads from RAM, writes to PCI */
    writel(b, first, 0x33333333);
    ck_assert_uint_eq(readl(b, first), 0x11111111);
    ck_assert_uint_eq(readl(b, last), 0x22222222);
    config_write(segments[_i].reg, 3u << segments[_i].shift, 1);
    writel(b, first, 0x44444444);
    ck_assert_uint_eq(readl(b, first), 0x44444444);
    config_write(segments[_i].reg, 0, 1);
    ck_assert_uint_eq(readl(b, first), on_pci);
}
END_TEST

/* As SeaBIOS shadows itself: RAM under the ROM is written while the ROM is read. */
START_TEST(the_rom_can_be_copied_under_itself)
{
    config_write(0x59, 0x20, 1);
    for (uint32_t p = 0xF0000; p < 0x100000; p += SIM_PAGE_SIZE)
        writel(b, p, readl(b, p));
    config_write(0x59, 0x10, 1);
    ck_assert_uint_eq(readl(b, 0xFF000), 0xB003F000);
    bus_reset(b->bus, SIM_RESET_HARD);
    writel(b, 0xFF000, 0);
    ck_assert_uint_eq(readl(b, 0xFF000), 0xB003F000);
}
END_TEST

/* "SMRAM": D_OPEN shows it, D_CLS hides it, D_LCK closes it until reset. */
START_TEST(smram_opens_and_locks)
{
    config_write(0x72, 0x4A, 1);
    writel(b, 0xA0000, 0x5A5A5A5A);
    ck_assert_uint_eq(readl(b, 0xA0000), 0x5A5A5A5A);
    config_write(0x72, 0x6A, 1);
    ck_assert_uint_eq(readl(b, 0xA0000), 0xFFFFFFFF);
    config_write(0x72, 0x5A, 1); /* locking clears D_OPEN */
    ck_assert_uint_eq(config_read(0x72, 1), 0x1A);
    config_write(0x72, 0x4A, 1);
    ck_assert_uint_eq(config_read(0x72, 1), 0x1A);
    ck_assert_uint_eq(readl(b, 0xA0000), 0xFFFFFFFF);
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert_uint_eq(config_read(0x72, 1), 0x02);
}
END_TEST

static uint32_t smm_read(uint64_t paddr)
{
    struct bus_txn txn = { .kind = BUS_MEM_READ, .size = 4, .smm = true, .addr = paddr };

    bus_do(b->bus, &txn);
    return (uint32_t)txn.data;
}

static bool smm_fetches_ram(uint64_t paddr)
{
    uint64_t pfn;

    return bus_mem_page_as(b->bus, BUS_SMM_CODE, paddr, false, &pfn) == ram && pfn == paddr >> SIM_PAGE_SHIFT;
}

/* "System Management RAM": who sees it, by the register. */
START_TEST(a_processor_in_smm_sees_smram)
{
    static const struct { uint8_t smram; bool normal, smm, code; } cases[] = {
        { 0x02, false, false, false }, /* no G_SMRAME: none */
        { 0x42, false, false, false },
        { 0x0A, false, true, true },
        { 0x4A, true, true, true },    /* D_OPEN */
        { 0x2A, false, false, true },  /* D_CLS: instructions only */
        { 0x1A, false, true, true },   /* D_LCK; no way back from here */
        { 0x02, false, true, true },
        { 0x3A, false, false, true },  /* but D_CLS can still be set */
    };

    bus_ram_put(ram, 0xA0000, &(uint32_t){ 0x12345678 }, 4);
    bus_ram_put(ram, 0xBFFFC, &(uint32_t){ 0x12345678 }, 4);
    for (unsigned n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        config_write(0x72, cases[n].smram, 1);
        for (uint64_t at = 0xA0000; at <= 0xBFFFC; at += 0x1FFFC) {
            ck_assert_uint_eq(readl(b, at), cases[n].normal ? 0x12345678 : 0xFFFFFFFF);
            ck_assert_uint_eq(smm_read(at), cases[n].smm ? 0x12345678 : 0xFFFFFFFF);
            ck_assert(smm_fetches_ram(at) == cases[n].code);
        }
    }
    ck_assert_uint_eq(smm_read(0x9FFFC), 0); /* elsewhere all is as for everybody */
    bench_check_state(b);
    ck_assert_uint_eq(smm_read(0xA0000), 0xFFFFFFFF);
    ck_assert(smm_fetches_ram(0xA0000));
}
END_TEST

/* PIIX3, "RC: Reset Control Register"; 82441FX, "TRC". */
START_TEST(reset_control_resets_when_rcpu_rises)
{
    struct bench_wire init;

    bench_watch(b, &init, "cpu.init");
    outb(b, 0xCF9, 0x02);
    ck_assert_uint_eq(b->resets, 0);
    outb(b, 0xCF9, 0x06);
    ck_assert_uint_eq(b->resets, 1);
    outb(b, 0xCF9, 0x06);
    ck_assert_uint_eq(b->resets, 1);
    outb(b, 0xCF9, 0x00);
    outb(b, 0xCF9, 0x04);
    ck_assert_uint_eq(b->resets, 1);
    ck_assert_uint_eq(init.rises, 1);
    ck_assert_uint_eq(inb(b, 0xCF9), 0x04);
    config_write(0x93, 0x02, 1);
    config_write(0x93, 0x06, 1);
    ck_assert_uint_eq(b->resets, 2);
}
END_TEST

START_TEST(a_hole_that_is_not_modelled_is_said_once)
{
    config_write(0x68, 0x80, 1);
    config_write(0x68, 0x40, 1);
    ck_assert_uint_eq(b->log_lines, 1);
    ck_assert_uint_eq(config_read(0x68, 1), 0x40);
}
END_TEST

START_TEST(a_host_bridge_without_ram_says_so)
{
    struct bench *empty = bench_open(1000000);
    struct sim_device *dev;

    ck_assert_int_eq(bus_device_create(empty->bus, &i440fx_class, "host", NULL, &dev), SIM_ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(sim_last_error(), "\"ram\""));
    bench_close(empty);
}
END_TEST

START_TEST(all_state_is_saved)
{
    config_write(0x59, 0x30, 1);
    config_write(0x72, 0x4A, 1);
    writel(b, 0xF0000, 0x77777777);
    outb(b, 0xCF9, 0x02);
    bench_check_state(b);
    ck_assert_uint_eq(readl(b, 0xF0000), 0x77777777); /* the map came back too */
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("i440fx");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, it_is_the_82441fx);
    tcase_add_loop_test(t, registers_have_their_defaults, 0, 12);
    tcase_add_test(t, confadd_is_a_doubleword);
    tcase_add_loop_test(t, nobody_answers_elsewhere, 0, 4);
    tcase_add_loop_test(t, memory_lies_where_it_should, 0, 10);
    tcase_add_test(t, memory_makes_room_for_pci);
    tcase_add_test(t, the_rom_ends_at_4_gib_and_at_1_mib);
    tcase_add_loop_test(t, each_segment_reads_and_writes_where_pam_says, 0, 13);
    tcase_add_test(t, the_rom_can_be_copied_under_itself);
    tcase_add_test(t, smram_opens_and_locks);
    tcase_add_test(t, a_processor_in_smm_sees_smram);
    tcase_add_test(t, reset_control_resets_when_rcpu_rises);
    tcase_add_test(t, a_hole_that_is_not_modelled_is_said_once);
    tcase_add_test(t, a_host_bridge_without_ram_says_so);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "i440fx");
}
