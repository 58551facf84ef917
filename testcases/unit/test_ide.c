/* ATA/ATAPI-6 (T13/1410D); PIIX3 data sheet (290550); Programming Interface for Bus Master IDE Controller 1.0. */
#include "testcases/unit/ide_bench.h"

enum { SLAVE = 0x10 };

static void setup(void)
{
    ide_open(true);
}

static uint16_t word(const uint8_t *data, unsigned n)
{
    return (uint16_t)(data[2 * n] | data[2 * n + 1] << 8);
}

/* ---- The function and its channels ---- */

START_TEST(the_function_is_a_piix3_ide)
{
    ck_assert_uint_eq(sim_pci_config_read(b->dev, DEVFN, 0x00, 4), 0x70108086);
    ck_assert_uint_eq(sim_pci_config_read(b->dev, DEVFN, 0x08, 4), 0x01018000);
    config(0x20, 0xFFFFFFFF, 4);
    ck_assert_uint_eq(sim_pci_config_read(b->dev, DEVFN, 0x20, 4), 0xFFFFFFF1);
}
END_TEST

/* "IDETIM", bit 15, and PCICMD.IOSE. */
START_TEST(channels_answer_when_they_are_decoded)
{
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
    config(0x40, 0x0000, 2);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), 0xFF);
    config(0x40, 0x8000, 2);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
    config(0x04, 0x0004, 2);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), 0xFF);
}
END_TEST

/* "Signature and persistence". */
START_TEST(drives_show_their_signature_after_reset)
{
    static const struct { uint16_t port; uint8_t device; uint8_t status, count, low, mid, high; } drives[] = {
        { PRIMARY, 0xA0, READY, 1, 1, 0x00, 0x00 },
        { PRIMARY, 0xB0, READY, 1, 1, 0x00, 0x00 },
        { SECONDARY, 0xA0, 0x00, 1, 1, 0x14, 0xEB },
    };

    outb(b, drives[_i].port + CONTROL, 0x04);
    ck_assert_uint_eq(inb(b, drives[_i].port + CONTROL), BSY);
    run(10 * MS);
    ck_assert_uint_eq(inb(b, drives[_i].port + CONTROL), BSY);
    outb(b, drives[_i].port + CONTROL, 0x00);
    ck_assert_uint_eq(inb(b, drives[_i].port + CONTROL), BSY);
    run(2 * MS);
    ck_assert_uint_eq(inb(b, drives[_i].port + 6), 0xA0);
    outb(b, drives[_i].port + 6, drives[_i].device);
    ck_assert_uint_eq(inb(b, drives[_i].port + 7), drives[_i].status);
    ck_assert_uint_eq(inb(b, drives[_i].port + 1), 0x01);
    ck_assert_uint_eq(inb(b, drives[_i].port + 2), drives[_i].count);
    ck_assert_uint_eq(inb(b, drives[_i].port + 3), drives[_i].low);
    ck_assert_uint_eq(inb(b, drives[_i].port + 4), drives[_i].mid);
    ck_assert_uint_eq(inb(b, drives[_i].port + 5), drives[_i].high);
    ck_assert(!irq14.level && !irq15.level);
}
END_TEST

/* "Device 0 only configurations". */
START_TEST(an_absent_device_1_has_status_0)
{
    outb(b, SECONDARY + 6, 0xB0);
    ck_assert_uint_eq(inb(b, SECONDARY + 7), 0x00);
    ck_assert_uint_eq(inb(b, SECONDARY + CONTROL), 0x00);
    outb(b, SECONDARY + 3, 0x5A);
    ck_assert_uint_eq(inb(b, SECONDARY + 3), 0x5A);
    outb(b, SECONDARY + 7, 0xEC);
    run(10 * MS);
    ck_assert_uint_eq(inb(b, SECONDARY + 7), 0x00);
    ck_assert_uint_eq(irq15.rises, 0);
}
END_TEST

START_TEST(a_channel_without_drives_floats)
{
    bench_close(b);
    b = bench_open(1000000000);
    bench_plug(b, &ide_class, "ide", NULL);
    bus_reset(b->bus, SIM_RESET_POWER);
    config(0x40, 0x80008000, 4);
    config(0x04, 0x0005, 2);
    outb(b, PRIMARY + 7, 0xEC);
    for (uint16_t reg = 1; reg < 8; reg++)
        ck_assert_uint_eq(inb(b, PRIMARY + reg), 0xFF);
    ck_assert_uint_eq(inw(b, PRIMARY), 0xFFFF);
}
END_TEST

/* ---- Identification ---- */

/* "IDENTIFY DEVICE". */
START_TEST(identify_tells_size_and_features)
{
    uint8_t data[512], sum = 0;

    outb(b, PRIMARY + 6, 0xA0);
    outb(b, PRIMARY + 7, 0xEC);
    ck_assert_uint_eq(inb(b, PRIMARY + CONTROL), BSY);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
    ck_assert(irq14.level);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY | DRQ);
    ck_assert(!irq14.level);
    read_words(PRIMARY, data, 512);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);

    ck_assert_uint_eq(word(data, 0) & 0x8000, 0); /* ATA */
    ck_assert_uint_eq(word(data, 1), DISK_SECTORS / (16 * 63));
    ck_assert_uint_eq(word(data, 3), 16);
    ck_assert_uint_eq(word(data, 6), 63);
    ck_assert_mem_eq(data + 54, "ILSBMID SI K", 12); /* "LIBSIM DISK", swapped in pairs */
    ck_assert_uint_eq(word(data, 49) & 0x0300, 0x0300);
    ck_assert_uint_eq(word(data, 60) | (uint32_t)word(data, 61) << 16, DISK_SECTORS);
    ck_assert_uint_eq(word(data, 83) & 0xC400, 0x4400);
    ck_assert_uint_eq(word(data, 100), DISK_SECTORS);
    for (unsigned i = 0; i < 512; i++)
        sum += data[i];
    ck_assert_uint_eq(sum, 0);
}
END_TEST

/* ---- Reading and writing by PIO ---- */

struct address { bool lba; uint8_t low, mid, high, head; uint32_t sector; };

static const struct address addresses[] = {
    { true, 0x00, 0x00, 0x00, 0x0, 0 },
    { true, 0x34, 0x12, 0x00, 0x0, 0x1234 },
    { false, 1, 0, 0, 0, 0 },       /* CHS 0/0/1 */
    { false, 63, 0, 0, 0, 62 },     /* CHS 0/0/63 */
    { false, 1, 0, 0, 1, 63 },      /* CHS 0/1/1 */
    { false, 5, 3, 0, 2, (3 * 16 + 2) * 63 + 4 },
};

START_TEST(a_sector_is_read_by_its_address)
{
    const struct address *a = &addresses[_i];
    uint8_t data[512];

    registers(PRIMARY, 1, a->low, a->mid, a->high, (uint8_t)(0xA0 | (a->lba ? 0x40 : 0) | a->head));
    outb(b, PRIMARY + 7, 0x20);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
    read_words(PRIMARY, data, 512);
    ck_medium(data, (uint64_t)a->sector * 512, 512);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
}
END_TEST

/* "READ SECTOR(S)": an interrupt for each block, before its data. */
START_TEST(each_block_of_a_read_interrupts)
{
    static const struct { uint8_t command, multiple; unsigned blocks; } cases[] = {
        { 0x20, 0, 20 }, { 0x21, 0, 20 }, { 0xC4, 8, 3 }, { 0xC4, 16, 2 }, { 0xC4, 1, 20 }, { 0x24, 0, 20 }, { 0x29, 4, 5 }
    };
    uint8_t data[20 * 512];
    unsigned read = 0, per_block = cases[_i].multiple ? cases[_i].multiple : 1, before;

    if (cases[_i].multiple) {
        outb(b, PRIMARY + 2, cases[_i].multiple);
        outb(b, PRIMARY + 7, 0xC6);
        wait_ready(PRIMARY);
        inb(b, PRIMARY + 7);
    }
    before = irq14.rises;
    if (cases[_i].command == 0x24 || cases[_i].command == 0x29)
        command_lba48(PRIMARY, cases[_i].command, 100, 20);
    else
        command_lba28(PRIMARY, cases[_i].command, 100, 20);
    while (read < 20) {
        unsigned n = 20 - read < per_block ? 20 - read : per_block;

        ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
        ck_assert(irq14.level);
        inb(b, PRIMARY + 7);
        read_words(PRIMARY, data + read * 512, n * 512);
        read += n;
    }
    ck_assert_uint_eq(irq14.rises - before, cases[_i].blocks);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
    ck_medium(data, 100 * 512, sizeof(data));
    ck_assert_uint_eq(inb(b, PRIMARY + 3), 119);
    ck_assert_uint_eq(inb(b, PRIMARY + 2), 0);
}
END_TEST

/* "Data register": 16 bits wide; the host adapter makes two words of 32 bits. */
START_TEST(the_data_port_takes_32_bit_accesses)
{
    uint32_t data[128];

    command_lba28(PRIMARY, 0x20, 7, 1);
    wait_ready(PRIMARY);
    for (unsigned i = 0; i < 128; i++)
        data[i] = inl(b, PRIMARY);
    ck_medium((const uint8_t *)data, 7 * 512, 512);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);

    command_lba28(PRIMARY, 0x30, 8, 1);
    for (unsigned i = 0; i < 128; i++)
        outl(b, PRIMARY, ~data[i]);
    wait_ready(PRIMARY);
    command_lba28(PRIMARY, 0x20, 8, 1);
    wait_ready(PRIMARY);
    for (unsigned i = 0; i < 128; i++)
        ck_assert_uint_eq(inl(b, PRIMARY), ~data[i]);
}
END_TEST

/* "WRITE SECTOR(S)": DRQ without an interrupt first, then an interrupt after each block. */
START_TEST(what_is_written_is_read_back)
{
    static const uint8_t commands[] = { 0x30, 0x31, 0x34, 0xC5, 0x39 };
    bool ext = commands[_i] == 0x34 || commands[_i] == 0x39;
    uint8_t out[3 * 512], in[3 * 512];

    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 3);
    outb(b, PRIMARY + 2, 2);
    outb(b, PRIMARY + 7, 0xC6);
    wait_ready(PRIMARY);
    inb(b, PRIMARY + 7);
    if (ext)
        command_lba48(PRIMARY, commands[_i], DISK_SECTORS - 3, 3);
    else
        command_lba28(PRIMARY, commands[_i], DISK_SECTORS - 3, 3);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY | DRQ); /* at once */
    ck_assert(!irq14.level);
    for (unsigned i = 0; i < 3; i++) {
        bool end_of_block = commands[_i] == 0xC5 || commands[_i] == 0x39 ? i != 0 : true;

        write_words(PRIMARY, out + i * 512, 512);
        if (!end_of_block)
            continue;
        ck_assert_uint_eq(inb(b, PRIMARY + CONTROL), BSY);
        ck_assert_uint_eq(wait_ready(PRIMARY), i < 2 ? READY | DRQ : READY);
        ck_assert(irq14.level);
        inb(b, PRIMARY + 7);
    }
    command_lba28(PRIMARY, 0x20, DISK_SECTORS - 3, 3);
    for (unsigned i = 0; i < 3; i++) {
        wait_ready(PRIMARY);
        read_words(PRIMARY, in + i * 512, 512);
    }
    ck_assert_mem_eq(in, out, sizeof(out));
}
END_TEST

/* "Error register", IDNF: the address of the first sector that is not there. */
START_TEST(sectors_behind_the_end_are_not_found)
{
    static const struct { uint8_t command; bool ext; uint64_t lba; unsigned count, good; } cases[] = {
        { 0x20, false, DISK_SECTORS, 1, 0 },
        { 0x20, false, DISK_SECTORS - 2, 4, 2 },
        { 0x20, false, 0x0FFFFFFF, 0, 0 },
        { 0x24, true, 0xFFFFFFFFFFFF, 0, 0 },
        { 0x40, false, DISK_SECTORS - 2, 4, 0 },
        { 0x42, true, DISK_SECTORS - 2, 0, 0 },
        { 0x30, false, DISK_SECTORS, 1, 0 },
        { 0x70, false, DISK_SECTORS, 1, 0 },
    };
    uint8_t data[512];

    if (cases[_i].ext)
        command_lba48(PRIMARY, cases[_i].command, cases[_i].lba, (uint16_t)cases[_i].count);
    else
        command_lba28(PRIMARY, cases[_i].command, (uint32_t)cases[_i].lba, (uint8_t)cases[_i].count);
    for (unsigned i = 0; i < cases[_i].good; i++) {
        ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
        read_words(PRIMARY, data, 512);
    }
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | ERR);
    ck_assert(irq14.level);
    ck_assert_uint_eq(inb(b, PRIMARY + 1), IDNF);
    if (cases[_i].good)
        ck_assert_uint_eq(inb(b, PRIMARY + 3) | inb(b, PRIMARY + 4) << 8, DISK_SECTORS);
}
END_TEST

START_TEST(chs_addresses_outside_the_translation_are_not_found)
{
    static const struct { uint8_t sector, head; } cases[] = { { 0, 0 }, { 64, 0 }, { 10, 8 } };

    registers(PRIMARY, 20, 0, 0, 0, 0xA7); /* 8 heads, 20 sectors */
    outb(b, PRIMARY + 7, 0x91);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY);
    registers(PRIMARY, 1, cases[_i].sector, 0, 0, (uint8_t)(0xA0 | cases[_i].head));
    outb(b, PRIMARY + 7, 0x20);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | ERR);
    ck_assert_uint_eq(inb(b, PRIMARY + 1), IDNF);
}
END_TEST

START_TEST(a_partial_last_sector_is_filled_up_with_zeros)
{
    uint8_t data[512];

    outb(b, PRIMARY + 6, 0xF0);
    registers(PRIMARY, 1, 1, 0, 0, 0xF0);
    outb(b, PRIMARY + 7, 0x20);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
    read_words(PRIMARY, data, 512);
    ck_medium(data, 512, 1000 - 512);
    for (unsigned i = 1000 - 512; i < 512; i++)
        ck_assert_uint_eq(data[i], 0);
}
END_TEST

/* ---- Other commands ---- */

START_TEST(commands_without_data_end_with_an_interrupt)
{
    static const struct { uint8_t command, features, count, status, error; } cases[] = {
        { 0x10, 0, 0, READY, 0 },            /* RECALIBRATE */
        { 0x00, 0, 0, READY | ERR, ABRT },   /* NOP */
        { 0x08, 0, 0, READY | ERR, ABRT },   /* DEVICE RESET is for packet devices */
        { 0xA0, 0, 0, READY | ERR, ABRT },
        { 0x70, 0, 0, READY, 0 },            /* SEEK */
        { 0x91, 0, 0, READY | ERR, ABRT },   /* no sectors per track */
        { 0xC4, 0, 1, READY | ERR, ABRT },   /* READ MULTIPLE while disabled */
        { 0xC6, 0, 3, READY | ERR, ABRT },   /* SET MULTIPLE: no power of two */
        { 0xC6, 0, 32, READY | ERR, ABRT },
        { 0xE7, 0, 0, READY, 0 },            /* FLUSH CACHE */
        { 0xEA, 0, 0, READY, 0 },
        { 0xEF, 0x03, 0x22, READY, 0 },      /* multiword DMA mode 2 */
        { 0xEF, 0x03, 0x0C, READY, 0 },      /* PIO mode 4 */
        { 0xEF, 0x03, 0x42, READY | ERR, ABRT }, /* Ultra DMA */
        { 0xEF, 0x82, 0, READY, 0 },
        { 0xEF, 0x99, 0, READY | ERR, ABRT },
        { 0x40, 0, 5, READY, 0 },            /* READ VERIFY */
        { 0xF5, 0, 0, READY | ERR, ABRT },   /* not modelled */
    };

    outb(b, PRIMARY + 1, cases[_i].features);
    registers(PRIMARY, cases[_i].count, 1, 0, 0, 0xE0);
    outb(b, PRIMARY + 7, cases[_i].command);
    ck_assert_uint_eq(inb(b, PRIMARY + CONTROL), BSY);
    ck_assert(!irq14.level);
    ck_assert_uint_eq(wait_ready(PRIMARY), cases[_i].status);
    ck_assert(irq14.level);
    ck_assert_uint_eq(inb(b, PRIMARY + 1), cases[_i].error);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), cases[_i].status);
    ck_assert(!irq14.level);
}
END_TEST

START_TEST(native_max_is_the_last_sector)
{
    outb(b, PRIMARY + 6, 0xE0);
    outb(b, PRIMARY + 7, 0xF8);
    wait_ready(PRIMARY);
    ck_assert_uint_eq(inb(b, PRIMARY + 3) | inb(b, PRIMARY + 4) << 8, DISK_SECTORS - 1);
    ck_assert_uint_eq(inb(b, PRIMARY + 6), 0xE0);
}
END_TEST

/* "CHECK POWER MODE". */
START_TEST(the_power_mode_can_be_asked_for)
{
    static const struct { uint8_t command, mode; } cases[] = { { 0xE0, 0x00 }, { 0xE1, 0x80 }, { 0xE2, 0x00 }, { 0xE3, 0x80 },
                                                               { 0x94, 0x00 }, { 0x40, 0xFF } };

    registers(PRIMARY, 1, 0, 0, 0, 0xE0);
    outb(b, PRIMARY + 7, cases[_i].command);
    wait_ready(PRIMARY);
    outb(b, PRIMARY + 7, 0xE5);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY);
    ck_assert_uint_eq(inb(b, PRIMARY + 2), cases[_i].mode);
}
END_TEST

START_TEST(a_sleeping_drive_wakes_by_reset_only)
{
    outb(b, PRIMARY + 7, 0xE6);
    wait_ready(PRIMARY);
    inb(b, PRIMARY + 7);
    outb(b, PRIMARY + 7, 0xEC);
    run(10 * MS);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
    outb(b, PRIMARY + CONTROL, 0x04);
    outb(b, PRIMARY + CONTROL, 0x00);
    wait_ready(PRIMARY);
    outb(b, PRIMARY + 7, 0xEC);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
}
END_TEST

/* "EXECUTE DEVICE DIAGNOSTIC": both devices, device 0 answers. */
START_TEST(diagnostics_are_for_both_drives)
{
    outb(b, PRIMARY + 6, 0xF0);
    outb(b, PRIMARY + 7, 0x90);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY);
    ck_assert(irq14.level);
    ck_assert_uint_eq(inb(b, PRIMARY + 6), 0xA0);
    ck_assert_uint_eq(inb(b, PRIMARY + 1), 0x01);
    ck_assert_uint_eq(inb(b, PRIMARY + 2), 0x01);
}
END_TEST

/* "Device Control register", nIEN. */
START_TEST(nien_keeps_the_interrupt_from_the_host)
{
    outb(b, PRIMARY + CONTROL, 0x02);
    outb(b, PRIMARY + 7, 0xEC);
    wait_ready(PRIMARY);
    ck_assert(!irq14.level);
    outb(b, PRIMARY + CONTROL, 0x00);
    ck_assert(irq14.level);
}
END_TEST

/* INTRQ belongs to the selected drive. */
START_TEST(selecting_the_other_drive_hides_the_interrupt)
{
    outb(b, PRIMARY + 7, 0xEC);
    wait_ready(PRIMARY);
    ck_assert(irq14.level);
    outb(b, PRIMARY + 6, 0xB0);
    ck_assert(!irq14.level);
    outb(b, PRIMARY + 6, 0xA0);
    ck_assert(irq14.level);
}
END_TEST

/* "Device Control register", HOB; it is cleared by writing a command block register. */
START_TEST(hob_shows_what_was_written_before)
{
    registers(PRIMARY, 0x11, 0x21, 0x31, 0x41, 0xE0);
    registers(PRIMARY, 0x12, 0x22, 0x32, 0x42, 0xE0);
    ck_assert_uint_eq(inb(b, PRIMARY + 3), 0x22);
    outb(b, PRIMARY + CONTROL, 0x80);
    ck_assert_uint_eq(inb(b, PRIMARY + 2), 0x11);
    ck_assert_uint_eq(inb(b, PRIMARY + 3), 0x21);
    ck_assert_uint_eq(inb(b, PRIMARY + 4), 0x31);
    ck_assert_uint_eq(inb(b, PRIMARY + 5), 0x41);
    outb(b, PRIMARY + 6, 0xE0);
    ck_assert_uint_eq(inb(b, PRIMARY + 2), 0x12);
}
END_TEST

START_TEST(without_drq_the_data_port_is_empty)
{
    ck_assert_uint_eq(inw(b, PRIMARY), 0xFFFF);
    outw(b, PRIMARY, 0x1234);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
}
END_TEST

START_TEST(a_command_during_another_is_ignored)
{
    command_lba28(PRIMARY, 0x20, 1, 1);
    outb(b, PRIMARY + 7, 0xE7);
    ck_assert_uint_eq(wait_ready(PRIMARY), READY | DRQ);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

/* ---- Bus master ---- */

enum { BMIC = BMIDE, BMIS = BMIDE + 2, START = 1, TO_MEMORY = 8 };

static void dma_read(uint32_t lba, uint8_t sectors)
{
    outb(b, BMIS, 0x06);
    command_lba28(PRIMARY, 0xC8, lba, sectors);
    outb(b, BMIC, START | TO_MEMORY);
}

START_TEST(dma_scatters_a_read_over_its_regions)
{
    static const struct prd prd[] = { { 0x10000, 512 }, { 0x20002, 1024 }, { 0x30000, 20 * 512 - 1536 } };
    uint8_t data[20 * 512];

    prd_table(BMIDE, prd, 3);
    dma_read(30, 20);
    ck_assert_uint_eq(inb(b, BMIS) & 0x07, 0x01);
    run(5 * MS);
    ck_assert_uint_eq(irq14.rises, 1);
    ck_assert_uint_eq(inb(b, BMIS) & 0x07, 0x04); /* interrupt; the table is used up */
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
    outb(b, BMIC, 0);
    outb(b, BMIS, 0x04);
    ck_assert_uint_eq(inb(b, BMIS) & 0x07, 0x00);
    for (unsigned i = 0, at = 0; i < 3; at += prd[i++].bytes)
        bus_ram_get(ram, prd[i].address, data + at, prd[i].bytes);
    ck_medium(data, 30 * 512, sizeof(data));
}
END_TEST

START_TEST(dma_gathers_a_write)
{
    static const struct prd prd[] = { { 0x10000, 1000 }, { 0x20000, 24 } };
    uint8_t out[1024], in[512];

    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i ^ i >> 8);
    bus_ram_put(ram, 0x10000, out, 1000);
    bus_ram_put(ram, 0x20000, out + 1000, 24);
    prd_table(BMIDE, prd, 2);
    command_lba48(PRIMARY, 0x35, 9, 2);
    outb(b, BMIC, START);
    run(5 * MS);
    ck_assert_uint_eq(inb(b, BMIS) & 0x07, 0x04);
    for (unsigned i = 0; i < 2; i++) {
        command_lba28(PRIMARY, 0x20, 9 + i, 1);
        wait_ready(PRIMARY);
        read_words(PRIMARY, in, 512);
        ck_assert_mem_eq(in, out + i * 512, 512);
    }
}
END_TEST

/* "Bus Master IDE Status Register": interrupt and active. */
START_TEST(the_table_may_be_longer_or_shorter_than_the_transfer)
{
    static const struct { uint32_t bytes; uint8_t status; bool interrupt; } cases[] = {
        { 2048, 0x05, true }, { 1024, 0x04, true }, { 512, 0x00, false }
    };
    struct prd prd = { 0x10000, cases[_i].bytes };

    prd_table(BMIDE, &prd, 1);
    dma_read(0, 2);
    run(100 * MS);
    ck_assert_uint_eq(inb(b, BMIS) & 0x07, cases[_i].status);
    ck_assert_int_eq(irq14.level, cases[_i].interrupt);
    if (cases[_i].interrupt)
        return;
    outb(b, BMIC, 0); /* the drive still waits: the rest goes with a new table */
    outb(b, BMIC, START | TO_MEMORY);
    run(5 * MS);
    ck_assert(irq14.level);
}
END_TEST

/* "Physical Region Descriptor": a count of 0 stands for 64K; bit 0 of address and count is 0. */
START_TEST(odd_descriptors_are_read_as_even_ones)
{
    static const struct prd prd[] = { { 0x10001, 3 }, { 0x20000, 0 } };
    uint8_t data[512];

    prd_table(BMIDE, prd, 2);
    dma_read(3, 1);
    run(5 * MS);
    ck_assert_uint_eq(inb(b, BMIS) & 0x07, 0x05);
    bus_ram_get(ram, 0x10000, data, 2);
    bus_ram_get(ram, 0x20000, data + 2, 510);
    ck_medium(data, 3 * 512, 512);
}
END_TEST

START_TEST(the_drive_waits_for_the_bus_master)
{
    static const struct prd prd[] = { { 0x10000, 512 } };

    prd_table(BMIDE, prd, 1);
    command_lba28(PRIMARY, 0xC8, 0, 1);
    run(50 * MS);
    ck_assert_uint_eq(inb(b, PRIMARY + CONTROL), READY | DRQ);
    outb(b, BMIC, START); /* the wrong way */
    run(50 * MS);
    ck_assert(!irq14.level);
    ck_assert_uint_eq(b->log_lines, 1);
    config(0x04, 0x0001, 2);
    outb(b, BMIC, 0);
    outb(b, BMIC, START | TO_MEMORY);
    run(50 * MS);
    ck_assert(!irq14.level);
    config(0x04, 0x0005, 2);
    run(50 * MS);
    ck_assert(irq14.level);
}
END_TEST

START_TEST(bus_master_registers_keep_what_is_theirs)
{
    outl(b, BMIDE + 4, 0xFFFFFFFF);
    ck_assert_uint_eq(inl(b, BMIDE + 4), 0xFFFFFFFC);
    outb(b, BMIS, 0xFF);
    ck_assert_uint_eq(inb(b, BMIS), 0x60);
    outb(b, BMIC, 0xFE);
    ck_assert_uint_eq(inb(b, BMIC), 0x08);
    outl(b, BMIDE + 12, 0x12345678);
    ck_assert_uint_eq(inw(b, BMIDE + 12), 0x5678);
    ck_assert_uint_eq(inb(b, BMIDE + 15), 0x12);
}
END_TEST

START_TEST(a_reset_ends_a_transfer)
{
    static const struct prd prd[] = { { 0x10000, 0 } };

    prd_table(BMIDE, prd, 1);
    dma_read(0, 100);
    run(MS);
    outb(b, PRIMARY + CONTROL, 0x04);
    outb(b, PRIMARY + CONTROL, 0x00);
    run(100 * MS);
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
    ck_assert_uint_eq(irq14.rises, 0);
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    static const struct prd prd[] = { { 0x10000, 10000 }, { 0x20000, 0 } };
    uint8_t data[100 * 512];

    prd_table(BMIDE, prd, 2);
    dma_read(40, 100);
    run(MS);
    bench_check_state(b);
    run(100 * MS);
    ck_assert(irq14.level);
    bus_ram_get(ram, 0x10000, data, 10000);
    bus_ram_get(ram, 0x20000, data + 10000, sizeof(data) - 10000);
    ck_medium(data, 40 * 512, sizeof(data));
    ck_assert_uint_eq(inb(b, PRIMARY + 7), READY);
}
END_TEST

START_TEST(looking_changes_nothing)
{
    uint8_t data[512];

    command_lba28(PRIMARY, 0x20, 2, 1);
    wait_ready(PRIMARY);
    for (uint16_t reg = 0; reg < 8; reg++)
        bus_io_peek(b->bus, PRIMARY + reg, 1);
    ck_assert_uint_eq(bus_io_peek(b->bus, PRIMARY, 2), medium_byte(1024) | medium_byte(1025) << 8);
    ck_assert(irq14.level);
    read_words(PRIMARY, data, 512);
    ck_medium(data, 1024, 512);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ide");

    tcase_add_checked_fixture(t, setup, ide_close);
    tcase_add_test(t, the_function_is_a_piix3_ide);
    tcase_add_test(t, channels_answer_when_they_are_decoded);
    tcase_add_loop_test(t, drives_show_their_signature_after_reset, 0, 3);
    tcase_add_test(t, an_absent_device_1_has_status_0);
    tcase_add_test(t, a_channel_without_drives_floats);
    tcase_add_test(t, identify_tells_size_and_features);
    tcase_add_loop_test(t, a_sector_is_read_by_its_address, 0, 6);
    tcase_add_loop_test(t, each_block_of_a_read_interrupts, 0, 7);
    tcase_add_test(t, the_data_port_takes_32_bit_accesses);
    tcase_add_loop_test(t, what_is_written_is_read_back, 0, 5);
    tcase_add_loop_test(t, sectors_behind_the_end_are_not_found, 0, 8);
    tcase_add_loop_test(t, chs_addresses_outside_the_translation_are_not_found, 0, 3);
    tcase_add_test(t, a_partial_last_sector_is_filled_up_with_zeros);
    tcase_add_loop_test(t, commands_without_data_end_with_an_interrupt, 0, 18);
    tcase_add_test(t, native_max_is_the_last_sector);
    tcase_add_loop_test(t, the_power_mode_can_be_asked_for, 0, 6);
    tcase_add_test(t, a_sleeping_drive_wakes_by_reset_only);
    tcase_add_test(t, diagnostics_are_for_both_drives);
    tcase_add_test(t, nien_keeps_the_interrupt_from_the_host);
    tcase_add_test(t, selecting_the_other_drive_hides_the_interrupt);
    tcase_add_test(t, hob_shows_what_was_written_before);
    tcase_add_test(t, without_drq_the_data_port_is_empty);
    tcase_add_test(t, a_command_during_another_is_ignored);
    tcase_add_test(t, dma_scatters_a_read_over_its_regions);
    tcase_add_test(t, dma_gathers_a_write);
    tcase_add_loop_test(t, the_table_may_be_longer_or_shorter_than_the_transfer, 0, 3);
    tcase_add_test(t, odd_descriptors_are_read_as_even_ones);
    tcase_add_test(t, the_drive_waits_for_the_bus_master);
    tcase_add_test(t, bus_master_registers_keep_what_is_theirs);
    tcase_add_test(t, a_reset_ends_a_transfer);
    tcase_add_test(t, state_survives_saving_and_restoring);
    tcase_add_test(t, looking_changes_nothing);
    return bench_main(t, "ide");
}
