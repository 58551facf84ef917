/* The VGA's registers and ports: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem". */
#include "vga_bench.h"

#include <stdlib.h>
#include <string.h>

#include "devices/vga.h"
#include "devices/vga_core.h"

/* ---- The bench ---- */

struct vga_bench *bench_new_closed(const uint8_t *rom, size_t rom_bytes)
{
    struct vga_bench *b = calloc(1, sizeof *b);
    struct bus_ram *ram;

    sim_clock_init(&b->clock, 28322000);
    sim_log_init(&b->log);
    ck_assert_int_eq(bus_create(&b->clock, &b->log, &b->bus), SIM_OK);
    if (rom) {
        ck_assert_int_eq(bus_ram_create(&b->bus->memory, "vgabios", rom_bytes, false, &ram), SIM_OK);
        bus_ram_put(ram, 0, rom, rom_bytes);
    }
    ck_assert_int_eq(bus_device_create(b->bus, &vga_class, "vga", NULL, &b->dev), SIM_OK);
    bus_reset(b->bus, SIM_RESET_POWER);
    return b;
}

struct vga_bench *bench_new(void)
{
    struct vga_bench *b = bench_new_closed(NULL, 0);

    sim_pci_config_write(b->dev, VGA_DEVFN, 0x10, 0xE0000000, 4);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x18, 0xE1000000, 4);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x04, 3, 2);
    return b;
}

void bench_free(struct vga_bench *b)
{
    bus_destroy(b->bus);
    sim_log_fini(&b->log);
    sim_clock_fini(&b->clock);
    free(b);
}

uint64_t bench_do(struct vga_bench *b, enum bus_kind kind, uint64_t addr, uint64_t data, unsigned size)
{
    struct bus_txn txn = { .kind = kind, .size = (uint8_t)size, .addr = addr, .data = data };

    bus_do(b->bus, &txn);
    return txn.data;
}

uint8_t inb(struct vga_bench *b, uint16_t port)
{
    return (uint8_t)bench_do(b, BUS_IO_READ, port, 0, 1);
}

uint16_t inw(struct vga_bench *b, uint16_t port)
{
    return (uint16_t)bench_do(b, BUS_IO_READ, port, 0, 2);
}

void outb(struct vga_bench *b, uint16_t port, uint8_t value)
{
    bench_do(b, BUS_IO_WRITE, port, value, 1);
}

void outw(struct vga_bench *b, uint16_t port, uint16_t value)
{
    bench_do(b, BUS_IO_WRITE, port, value, 2);
}

void set_seq(struct vga_bench *b, uint8_t index, uint8_t value)
{
    outw(b, 0x3C4, (uint16_t)(value << 8 | index));
}

void set_gc(struct vga_bench *b, uint8_t index, uint8_t value)
{
    outw(b, 0x3CE, (uint16_t)(value << 8 | index));
}

void set_crtc(struct vga_bench *b, uint8_t index, uint8_t value)
{
    outw(b, 0x3D4, (uint16_t)(value << 8 | index));
}

void set_attr(struct vga_bench *b, uint8_t index, uint8_t value)
{
    inb(b, 0x3DA);
    outb(b, 0x3C0, index);
    outb(b, 0x3C0, value);
    outb(b, 0x3C0, 0x20);
}

void set_dispi(struct vga_bench *b, uint16_t index, uint16_t value)
{
    outw(b, 0x1CE, index);
    outw(b, 0x1CF, value);
}

uint16_t get_dispi(struct vga_bench *b, uint16_t index)
{
    outw(b, 0x1CE, index);
    return inw(b, 0x1CF);
}

void set_dac(struct vga_bench *b, uint8_t index, uint8_t red, uint8_t green, uint8_t blue)
{
    outb(b, 0x3C8, index);
    outb(b, 0x3C9, red);
    outb(b, 0x3C9, green);
    outb(b, 0x3C9, blue);
}

uint32_t mem_read(struct vga_bench *b, uint32_t paddr, unsigned size)
{
    return (uint32_t)bench_do(b, BUS_MEM_READ, paddr, 0, size);
}

void mem_write(struct vga_bench *b, uint32_t paddr, uint32_t value, unsigned size)
{
    bench_do(b, BUS_MEM_WRITE, paddr, value, size);
}

/* IBM PS/2 and PC BIOS Interface Technical Reference, "Video parameter table". */
const struct vga_mode mode_04 = {
    0x63, { 0x03, 0x09, 0x03, 0x00, 0x02 },
    { 0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80, 0xBF, 0x1F, 0x00, 0xC1, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x14, 0x00, 0x96, 0xB9, 0xA2, 0xFF },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0F, 0x00, 0xFF }, 0x01, 0x03
};
const struct vga_mode mode_0d = {
    0x63, { 0x03, 0x09, 0x0F, 0x00, 0x06 },
    { 0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80, 0xBF, 0x1F, 0x00, 0xC0, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x14, 0x00, 0x96, 0xB9, 0xE3, 0xFF },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF }, 0x01, 0x0F
};
const struct vga_mode mode_12 = {
    0xE3, { 0x03, 0x01, 0x0F, 0x00, 0x06 },
    { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF }, 0x01, 0x0F
};
const struct vga_mode mode_13 = {
    0x63, { 0x03, 0x01, 0x0F, 0x00, 0x0E },
    { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF }, 0x41, 0x0F
};

void bench_set_mode(struct vga_bench *b, const struct vga_mode *mode)
{
    outb(b, 0x3C2, mode->misc);
    for (uint8_t i = 0; i < 5; i++)
        set_seq(b, i, mode->seq[i]);
    set_crtc(b, 0x11, 0);
    for (uint8_t i = 0; i < 25; i++)
        set_crtc(b, i, mode->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        set_gc(b, i, mode->gc[i]);
    for (uint8_t i = 0; i < 16; i++)
        set_attr(b, i, i);
    set_attr(b, 0x10, mode->attr_mode);
    set_attr(b, 0x12, mode->attr_planes);
    for (unsigned i = 0; i < 256; i++)
        set_dac(b, (uint8_t)i, i & 63, 0, 63 - (i & 63));
    outb(b, 0x3C6, 0xFF);
}

static uint32_t wide(unsigned c6)
{
    return c6 << 2 | c6 >> 4;
}

uint32_t palette_rgb(unsigned i)
{
    return wide(i & 63) << 16 | wide(63 - (i & 63));
}

struct sim_picture bench_picture(struct vga_bench *b)
{
    struct sim_picture p;

    ck_assert(vga_class.picture(b->dev, &p));
    return p;
}

/* ---- Registers ---- */

START_TEST(indexed_registers_keep_their_writable_bits)
{
    static const struct { uint16_t port; uint8_t count; uint8_t writable[25]; } groups[] = {
        { 0x3C4, 5, { 0x03, 0x3D, 0x0F, 0x3F, 0x0E } },
        { 0x3CE, 9, { 0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF } },
        { 0x3D4, 25, { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x3F, 0x7F, 0xFF,
                       0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xEF, 0xFF } },
    };
    static const uint8_t patterns[] = { 0xFF, 0x00, 0x55, 0xAA };
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    for (unsigned g = 0; g < 3; g++)
        for (unsigned p = 0; p < sizeof patterns; p++)
            for (uint8_t i = 0; i < groups[g].count; i++) {
                /* CR11 bit 7 would lock the others. */
                uint8_t value = patterns[p] & (g == 2 && i == 0x11 ? 0x7F : 0xFF);

                outb(b, groups[g].port, i);
                outb(b, groups[g].port + 1, value);
                ck_assert_uint_eq(inb(b, groups[g].port), i);
                ck_assert_uint_eq(inb(b, groups[g].port + 1), value & groups[g].writable[i]);
            }
    outb(b, 0x3C4, 7);
    ck_assert_uint_eq(inb(b, 0x3C5), 0);
    bench_free(b);
}
END_TEST

START_TEST(registers_of_both_parts_do_not_share_storage)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    for (uint8_t i = 0; i < 25; i++)
        set_crtc(b, i, i + 1);
    for (uint8_t i = 0; i < 25; i++) {
        outb(b, 0x3D4, i);
        ck_assert_uint_eq(inb(b, 0x3D5), i == 0x17 ? 0x08 : i + 1u);
    }
    bench_free(b);
}
END_TEST

/* "Vertical Retrace End Register", bit 7: protects CR0 to CR7 but for bit 4 of CR7. */
START_TEST(write_protection_spares_only_line_compare_bit_8)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    for (uint8_t i = 0; i < 8; i++)
        set_crtc(b, i, 0x20 + i);
    set_crtc(b, 0x11, 0x80);
    for (uint8_t i = 0; i < 9; i++)
        set_crtc(b, i, 0x5F);
    for (uint8_t i = 0; i < 9; i++) {
        outb(b, 0x3D4, i);
        ck_assert_uint_eq(inb(b, 0x3D5), i < 7 ? 0x20u + i : i == 7 ? 0x37u : 0x5Fu);
    }
    set_crtc(b, 0x11, 0x00);
    set_crtc(b, 0x00, 0x5F);
    outb(b, 0x3D4, 0);
    ck_assert_uint_eq(inb(b, 0x3D5), 0x5F);
    bench_free(b);
}
END_TEST

START_TEST(crtc_answers_at_3d4_or_3b4_and_nowhere_else)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    ck_assert_uint_eq(inb(b, 0x3CC), 0x01);
    set_crtc(b, 0x0C, 0x12);
    ck_assert_uint_eq(inb(b, 0x3D5), 0x12);
    ck_assert_uint_eq(inb(b, 0x3B5), 0xFF);
    ck_assert_uint_eq(inb(b, 0x3BA), 0xFF);
    outb(b, 0x3DA, 0x03);
    ck_assert_uint_eq(inb(b, 0x3CA), 0x03);
    outb(b, 0x3C2, 0x00);
    ck_assert_uint_eq(inb(b, 0x3B5), 0x12);
    ck_assert_uint_eq(inb(b, 0x3D5), 0xFF);
    outb(b, 0x3D5, 0x34);
    ck_assert_uint_eq(inb(b, 0x3B5), 0x12);
    outb(b, 0x3BA, 0x01);
    ck_assert_uint_eq(inb(b, 0x3CA), 0x01);
    bench_free(b);
}
END_TEST

START_TEST(attribute_controller_takes_index_and_data_in_turn)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    inb(b, 0x3DA);
    for (uint8_t i = 0; i < 0x15; i++) {
        outb(b, 0x3C0, i);
        outb(b, 0x3C0, 0xFF);
        ck_assert_uint_eq(inb(b, 0x3C1), i < 0x10 ? 0x3F : i == 0x10 ? 0xEF : i == 0x11 ? 0xFF : i == 0x12 ? 0x3F : 0x0F);
        ck_assert_uint_eq(inb(b, 0x3C0), i);
    }
    /* A status read in between: what follows is an index again. */
    outb(b, 0x3C0, 0x05);
    inb(b, 0x3DA);
    outb(b, 0x3C0, 0x06);
    outb(b, 0x3C0, 0x2A);
    ck_assert_uint_eq(inb(b, 0x3C1), 0x2A);
    outb(b, 0x3C0, 0x05);
    ck_assert_uint_eq(inb(b, 0x3C1), 0x3F);
    bench_free(b);
}
END_TEST

/* "Address Register", bit 5: the palette is the picture's while it is set. */
START_TEST(palette_is_locked_while_it_drives_the_picture)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    inb(b, 0x3DA);
    outb(b, 0x3C0, 0x23);
    outb(b, 0x3C0, 0x11);
    ck_assert_uint_eq(inb(b, 0x3C1), 0);
    outb(b, 0x3C0, 0x33);
    outb(b, 0x3C0, 0x05);
    ck_assert_uint_eq(inb(b, 0x3C1), 0x05);
    bench_free(b);
}
END_TEST

START_TEST(dac_steps_through_colours_and_entries)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C8, 0xFE);
    ck_assert_uint_eq(inb(b, 0x3C7), 0);
    for (uint8_t i = 1; i <= 9; i++)
        outb(b, 0x3C9, i | 0xC0);
    ck_assert_uint_eq(inb(b, 0x3C8), 1);
    outb(b, 0x3C7, 0xFE);
    ck_assert_uint_eq(inb(b, 0x3C7), 3);
    ck_assert_uint_eq(inb(b, 0x3C8), 0xFF);
    for (uint8_t i = 1; i <= 9; i++)
        ck_assert_uint_eq(inb(b, 0x3C9), i);
    /* Two thirds of a colour change nothing. */
    outb(b, 0x3C8, 0xFE);
    outb(b, 0x3C9, 0x3F);
    outb(b, 0x3C9, 0x3F);
    outb(b, 0x3C7, 0xFE);
    ck_assert_uint_eq(inb(b, 0x3C9), 1);
    outb(b, 0x3C6, 0x0F);
    ck_assert_uint_eq(inb(b, 0x3C6), 0x0F);
    bench_free(b);
}
END_TEST

/* PCI Local Bus Specification 2.1, "Command Register". */
START_TEST(nothing_answers_until_pci_command_allows_it)
{
    struct vga_bench *b = bench_new_closed(NULL, 0);

    ck_assert_uint_eq(sim_pci_config_read(b->dev, VGA_DEVFN, 0x00, 4), 0x11111234);
    ck_assert_uint_eq(sim_pci_config_read(b->dev, VGA_DEVFN, 0x08, 4) >> 8, 0x030000);
    ck_assert_uint_eq(inb(b, 0x3CC), 0xFF);
    ck_assert_uint_eq(get_dispi(b, 0), 0xFFFF);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x04, 1, 2);
    ck_assert_uint_eq(inb(b, 0x3CC), 0x00);
    outb(b, 0x3C2, 0x02);
    set_seq(b, 2, 0x0F);
    set_seq(b, 4, 0x06);
    set_gc(b, 6, 0x05);
    set_gc(b, 8, 0xFF);
    mem_write(b, 0xA0000, 0x12, 1);
    ck_assert_uint_eq(mem_read(b, 0xA0000, 1), 0xFF);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x04, 3, 2);
    ck_assert_uint_eq(mem_read(b, 0xA0000, 1), 0x00);
    outb(b, 0x3C2, 0x00); /* the memory's own enable */
    ck_assert_uint_eq(mem_read(b, 0xA0000, 1), 0xFF);
    bench_free(b);
}
END_TEST

START_TEST(vga_bios_is_the_expansion_rom)
{
    uint8_t rom[5000];
    struct vga_bench *b;

    memset(rom, 0x5A, sizeof rom);
    b = bench_new_closed(rom, sizeof rom);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x30, 0xFFFFFFFE, 4);
    ck_assert_uint_eq(sim_pci_config_read(b->dev, VGA_DEVFN, 0x30, 4), 0xFFFFE000);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x30, 0xE2000001, 4);
    sim_pci_config_write(b->dev, VGA_DEVFN, 0x04, 3, 2);
    ck_assert_uint_eq(mem_read(b, 0xE2000000 + 4999, 1), 0x5A);
    ck_assert_uint_eq(mem_read(b, 0xE2000000 + 5000, 1), 0x00);
    bench_free(b);
}
END_TEST

/* Machines that start without firmware do no more than this. */
START_TEST(text_mode_without_firmware_needs_nothing_else)
{
    struct vga_bench *b = bench_new_closed(NULL, 0);

    vga_set_text_mode(b->dev);
    ck_assert_uint_eq(inb(b, 0x3CC), 0x67);
    mem_write(b, 0xB8000, 0x0758, 2);
    ck_assert_uint_eq(mem_read(b, 0xB8000, 2), 0x0758);
    ck_assert_uint_eq(sim_pci_config_read(b->dev, VGA_DEVFN, 0x04, 2), 3);
    bench_free(b);
}
END_TEST

/* ---- Where the beam is ---- */

/* Mode 3: 100 characters of 9 dots, 449 lines; 720 dots and 400 lines are shown, lines 412 and 413 are retrace. */
START_TEST(status_follows_the_beam_of_text_mode)
{
    static const struct { uint32_t line, dot; uint8_t status; } beam[] = {
        { 0, 0, 0x00 },     { 0, 719, 0x00 },   { 0, 720, 0x01 },   { 0, 899, 0x01 },   { 1, 0, 0x00 },
        { 399, 719, 0x00 }, { 400, 0, 0x01 },   { 411, 899, 0x01 }, { 412, 0, 0x09 },   { 413, 899, 0x09 },
        { 414, 0, 0x01 },   { 448, 899, 0x01 }, { 449, 0, 0x00 },   { 449 + 412, 5, 0x09 },
    };
    struct vga_bench *b = bench_new();

    vga_set_text_mode(b->dev);
    b->clock.now = (uint64_t)beam[_i].line * 900 + beam[_i].dot;
    ck_assert_uint_eq(inb(b, 0x3DA), beam[_i].status);
    bench_free(b);
}
END_TEST

START_TEST(a_second_has_seventy_text_pictures)
{
    struct vga_bench *b = bench_new();
    unsigned pictures = 0, before = 0;

    vga_set_text_mode(b->dev);
    for (; b->clock.now < b->clock.freq_hz; b->clock.now += 450) {
        unsigned now = inb(b, 0x3DA) & 8;

        pictures += now && !before;
        before = now;
    }
    ck_assert_uint_eq(pictures, 70);
    bench_free(b);
}
END_TEST

START_TEST(the_beam_rests_without_a_crtc)
{
    struct vga_bench *b = bench_new();

    vga_set_text_mode(b->dev);
    set_crtc(b, 0x17, 0x23);
    for (unsigned i = 0; i < 1000; i++, b->clock.now += 777)
        ck_assert_uint_eq(inb(b, 0x3DA), 0x01);
    bench_free(b);
}
END_TEST

START_TEST(dispi_modes_run_at_sixty_hertz)
{
    struct vga_bench *b = bench_new();
    unsigned pictures = 0, before = 0, shown = 0, samples = 0;

    outb(b, 0x3C2, 0x01);
    set_dispi(b, 1, 1024);
    set_dispi(b, 2, 768);
    set_dispi(b, 4, 0x41);
    for (; b->clock.now < b->clock.freq_hz; b->clock.now += 97, samples++) {
        uint8_t status = inb(b, 0x3DA);

        pictures += (status & 8) && !before;
        before = status & 8;
        shown += !(status & 1);
    }
    ck_assert_uint_eq(pictures, 60);
    ck_assert_uint_gt(shown, samples / 2);
    bench_free(b);
}
END_TEST

/* ---- State ---- */

START_TEST(looking_has_no_side_effect)
{
    struct vga_bench *b = bench_new();

    outb(b, 0x3C2, 0x01);
    outb(b, 0x3C8, 0);
    for (uint8_t i = 1; i <= 6; i++)
        outb(b, 0x3C9, i);
    outb(b, 0x3C7, 0);
    inb(b, 0x3DA);
    outb(b, 0x3C0, 0x11);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(bus_io_peek(b->bus, 0x3C9, 1), 1);
        bus_io_peek(b->bus, 0x3DA, 1);
    }
    outb(b, 0x3C0, 0x77); /* still data of 11 */
    ck_assert_uint_eq(inb(b, 0x3C1), 0x77);
    ck_assert_uint_eq(inb(b, 0x3C9), 1);
    ck_assert_uint_eq(bus_io_peek(b->bus, 0x3C9, 1), 2);
    bench_free(b);
}
END_TEST

START_TEST(every_member_is_in_the_state_table)
{
    size_t head = sizeof(struct sim_device);
    struct sim_field rows[64] = { { .name = "dev", .width = (uint32_t)head, .count = 1, .kind = SIM_KIND_DERIVED } };
    unsigned n = 0;

    for (; vga_class.fields[n].kind != SIM_KIND_END; n++)
        rows[n + 1] = vga_class.fields[n];
    ck_assert_uint_lt(n, 62);
    ck_assert_uint_eq(sim_fields_gap(rows, sizeof(struct vga)), sizeof(struct vga));
}
END_TEST

/* Whatever a damaged file brings: it comes back as it went in, and nothing breaks. */
START_TEST(noise_survives_saving_and_hurts_nothing)
{
    struct vga_bench *b = bench_new();
    struct sim_buf state = SIM_BUF_INIT, noise = SIM_BUF_INIT, after = SIM_BUF_INIT, info = SIM_BUF_INIT;
    struct sim_text_screen *text = malloc(sizeof *text);
    uint32_t seed = 12345 + (uint32_t)_i;

    vga_set_text_mode(b->dev);
    sim_fields_pack(vga_class.fields, b->dev, &state);
    for (size_t i = 0; i < state.len; i++)
        sim_buf_u8(&noise, (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24));
    /* The PCI header stays, or the ranges would lie over each other. */
    memcpy(noise.data, state.data, 257);
    for (unsigned pass = 0; pass < 2; pass++) {
        struct sim_buf *from = pass ? &state : &noise;
        struct sim_reader r = sim_reader_over(from->data, from->len);
        struct sim_picture picture;

        ck_assert_int_eq(sim_fields_unpack(vga_class.fields, b->dev, &r), SIM_OK);
        vga_class.loaded(b->dev);
        sim_buf_clear(&after);
        sim_fields_pack(vga_class.fields, b->dev, &after);
        ck_assert_mem_eq(after.data, from->data, from->len);
        if (vga_class.picture(b->dev, &picture))
            free(picture.pixels);
        vga_class.text(b->dev, text);
        vga_class.describe(b->dev, &info);
        for (uint16_t port = 0x3B0; port < 0x3E0; port++)
            outb(b, port, inb(b, port));
        for (uint32_t paddr = 0xA0000; paddr < 0xC0000; paddr += 1021)
            mem_write(b, paddr, mem_read(b, paddr, 4), 4);
    }
    free(text);
    sim_buf_fini(&state);
    sim_buf_fini(&noise);
    sim_buf_fini(&after);
    sim_buf_fini(&info);
    bench_free(b);
}
END_TEST

static Suite *vga_suite(void)
{
    Suite *s = suite_create("vga");
    TCase *t = tcase_create("registers");

    tcase_add_test(t, indexed_registers_keep_their_writable_bits);
    tcase_add_test(t, registers_of_both_parts_do_not_share_storage);
    tcase_add_test(t, write_protection_spares_only_line_compare_bit_8);
    tcase_add_test(t, crtc_answers_at_3d4_or_3b4_and_nowhere_else);
    tcase_add_test(t, attribute_controller_takes_index_and_data_in_turn);
    tcase_add_test(t, palette_is_locked_while_it_drives_the_picture);
    tcase_add_test(t, dac_steps_through_colours_and_entries);
    tcase_add_test(t, nothing_answers_until_pci_command_allows_it);
    tcase_add_test(t, vga_bios_is_the_expansion_rom);
    tcase_add_test(t, text_mode_without_firmware_needs_nothing_else);
    tcase_add_loop_test(t, status_follows_the_beam_of_text_mode, 0, 14);
    tcase_add_test(t, a_second_has_seventy_text_pictures);
    tcase_add_test(t, the_beam_rests_without_a_crtc);
    tcase_add_test(t, dispi_modes_run_at_sixty_hertz);
    tcase_add_test(t, looking_has_no_side_effect);
    tcase_add_test(t, every_member_is_in_the_state_table);
    tcase_add_loop_test(t, noise_survives_saving_and_hurts_nothing, 0, 20);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(vga_suite());
    int failed;

    srunner_add_suite(r, vga_memory_suite());
    srunner_add_suite(r, vga_render_suite());
    srunner_add_suite(r, vga_vbe_suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
