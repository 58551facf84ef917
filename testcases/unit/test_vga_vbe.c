/* The dispi registers and their pictures: VGABIOS project, vbe_display_api.txt. */
#include "vga_bench.h"

#include <stdlib.h>

#include "devices/vga.h"
#include "devices/vga_core.h"

#define LFB  0xE0000000
#define MMIO 0xE1000000

static struct vga_bench *bench_in_mode(uint16_t xres, uint16_t yres, uint16_t bpp, uint16_t enable)
{
    struct vga_bench *b = bench_new();

    bench_set_mode(b, &mode_13); /* for its palette */
    set_dispi(b, VGA_VBE_XRES, xres);
    set_dispi(b, VGA_VBE_YRES, yres);
    set_dispi(b, VGA_VBE_BPP, bpp);
    set_dispi(b, VGA_VBE_ENABLE_REG, enable);
    return b;
}

START_TEST(version_is_negotiated)
{
    struct vga_bench *b = bench_new();

    ck_assert_uint_eq(get_dispi(b, VGA_VBE_ID), 0xB0C5);
    set_dispi(b, VGA_VBE_ID, 0xB0C0);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_ID), 0xB0C0);
    set_dispi(b, VGA_VBE_ID, 0x1234);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_ID), 0xB0C0);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_VIDEO_MEMORY_64K), 256);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0x02);
    ck_assert_uint_ge(get_dispi(b, VGA_VBE_XRES), 2560);
    ck_assert_uint_ge(get_dispi(b, VGA_VBE_YRES), 1600);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_BPP), 32);
    outw(b, 0x1CE, VGA_VBE_ID);
    ck_assert_uint_eq(inw(b, 0x1D0), 0xB0C0);
    bench_free(b);
}
END_TEST

START_TEST(enabling_sets_up_the_virtual_screen)
{
    struct vga_bench *b = bench_in_mode(800, 600, 16, 0x41);

    ck_assert_uint_eq(get_dispi(b, VGA_VBE_ENABLE_REG), 0x41);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_VIRT_WIDTH), 800);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_VIRT_HEIGHT), (16 << 20) / 1600);
    set_dispi(b, VGA_VBE_XRES, 640); /* not while enabled */
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_XRES), 800);
    set_dispi(b, VGA_VBE_VIRT_WIDTH, 1024);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_VIRT_WIDTH), 1024);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_VIRT_HEIGHT), (16 << 20) / 2048);
    set_dispi(b, VGA_VBE_VIRT_WIDTH, 100);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_VIRT_WIDTH), 800);
    set_dispi(b, VGA_VBE_Y_OFFSET, 10000);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_Y_OFFSET), 0);
    set_dispi(b, VGA_VBE_Y_OFFSET, (16 << 20) / 1600 - 600);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_Y_OFFSET), (16 << 20) / 1600 - 600);
    bench_free(b);
}
END_TEST

START_TEST(modes_beyond_the_memory_are_refused)
{
    static const uint16_t modes[][3] = { { 4096, 4096, 32 }, { 0, 600, 8 }, { 800, 0, 8 } };
    struct vga_bench *b = bench_in_mode(modes[_i][0], modes[_i][1], modes[_i][2], 0x41);

    ck_assert_uint_eq(get_dispi(b, VGA_VBE_ENABLE_REG), 0);
    set_dispi(b, VGA_VBE_BPP, 17);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_BPP), modes[_i][2]);
    bench_free(b);
}
END_TEST

/* The pixel at (3, 2) of 64 x 16, written through the linear frame buffer. */
START_TEST(every_depth_has_its_pixels)
{
    static const struct { uint16_t bpp; uint32_t off, value, size, rgb; } depths[] = {
        { 8, 2 * 64 + 3, 0x15, 1, 0 },
        { 15, 2 * 128 + 6, 0x7C00 | 0x10 << 5 | 1, 2, 0xFF8408 },
        { 16, 2 * 128 + 6, 0xF800 | 0x21 << 5 | 1, 2, 0xFF8608 },
        { 24, 2 * 192 + 9, 0x563412, 4, 0x563412 },
        { 32, 2 * 256 + 12, 0xFF563412, 4, 0x563412 },
    };
    struct vga_bench *b = bench_in_mode(64, 16, depths[_i].bpp, 0x41);
    uint32_t expected = depths[_i].bpp == 8 ? palette_rgb(0x15) : depths[_i].rgb;
    uint32_t background = depths[_i].bpp == 8 ? palette_rgb(0) : 0;
    struct sim_picture p;

    mem_write(b, LFB + depths[_i].off, depths[_i].value, depths[_i].size);
    p = bench_picture(b);
    ck_assert_uint_eq(p.width, 64);
    ck_assert_uint_eq(p.height, 16);
    for (uint32_t i = 0; i < 64 * 16; i++)
        ck_assert_uint_eq(p.pixels[i], i == 2 * 64 + 3 ? expected : background);
    free(p.pixels);
    bench_free(b);
}
END_TEST

/* 4 bits: planes through the window, its banks 64 KiB of each plane. 1024 x 768 has 96 KiB a plane. */
START_TEST(sixteen_colours_come_from_planes_and_banks)
{
    struct vga_bench *b = bench_in_mode(1024, 768, 4, 0x41);
    struct sim_picture p;

    set_seq(b, 4, 0x06);
    set_gc(b, 5, 0x02);
    set_gc(b, 6, 0x05);
    set_gc(b, 8, 0x08);
    mem_write(b, 0xA0000 + 128 + 1, 0x0A, 1);
    set_dispi(b, VGA_VBE_BANK, 1);
    mem_write(b, 0xA0000, 0x06, 1);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[1024 + 12], palette_rgb(0x0A));
    ck_assert_uint_eq(p.pixels[512 * 1024 + 4], palette_rgb(0x06));
    ck_assert_uint_eq(p.pixels[0], palette_rgb(0));
    free(p.pixels);
    set_dispi(b, VGA_VBE_VIRT_WIDTH, 2048);
    set_dispi(b, VGA_VBE_X_OFFSET, 3);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[256 * 1024 + 4 - 3], palette_rgb(0x06));
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(banks_and_linear_frame_buffer_are_the_same_memory)
{
    struct vga_bench *b = bench_in_mode(1024, 768, 32, 0x41);

    set_dispi(b, VGA_VBE_BANK, 5);
    mem_write(b, 0xA0FFE, 0x44332211, 4);
    ck_assert_uint_eq(mem_read(b, LFB + 0x50FFE, 4), 0x44332211);
    ck_assert_uint_eq(mem_read(b, 0xA0FFF, 2), 0x3322);
    mem_write(b, LFB + 0x5FFFF, 0x99, 1);
    ck_assert_uint_eq(mem_read(b, 0xAFFFF, 1), 0x99);
    ck_assert_uint_eq(mem_read(b, 0xB8000, 1), 0xFF);
    set_dispi(b, VGA_VBE_BANK, 0);
    ck_assert_uint_eq(mem_read(b, 0xAFFFF, 1), 0x00);
    bench_free(b);
}
END_TEST

START_TEST(offsets_move_the_picture)
{
    struct vga_bench *b = bench_in_mode(64, 16, 32, 0x41);
    struct sim_picture p;

    set_dispi(b, VGA_VBE_VIRT_WIDTH, 100);
    set_dispi(b, VGA_VBE_X_OFFSET, 10);
    set_dispi(b, VGA_VBE_Y_OFFSET, 7);
    mem_write(b, LFB + ((7 + 5) * 100 + 10 + 20) * 4, 0x00ABCDEF, 4);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[5 * 64 + 20], 0xABCDEF);
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(enabling_clears_unless_told_not_to)
{
    struct vga_bench *b = bench_in_mode(64, 16, 8, 0x41);

    mem_write(b, LFB + 5, 0x77, 1);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0xC1);
    ck_assert_uint_eq(mem_read(b, LFB + 5, 1), 0x77);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0x41);
    ck_assert_uint_eq(mem_read(b, LFB + 5, 1), 0x00);
    bench_free(b);
}
END_TEST

START_TEST(dac_takes_eight_bits_when_asked)
{
    struct vga_bench *b = bench_in_mode(64, 16, 8, 0x61);
    struct sim_picture p;

    outb(b, 0x3C7, 0x3F);
    ck_assert_uint_eq(inb(b, 0x3C9), 0x3F << 2);
    set_dac(b, 7, 0x81, 0x02, 0xFF);
    mem_write(b, LFB, 7, 1);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[0], 0x8102FF);
    free(p.pixels);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0x41);
    outb(b, 0x3C7, 7);
    ck_assert_uint_eq(inb(b, 0x3C9), 0x20);
    bench_free(b);
}
END_TEST

START_TEST(disabling_brings_the_vga_mode_back)
{
    struct vga_bench *b = bench_new();
    struct sim_text_screen *text = malloc(sizeof *text);

    vga_set_text_mode(b->dev);
    mem_write(b, 0xB8000, 0x1F41, 2);
    set_dispi(b, VGA_VBE_XRES, 640);
    set_dispi(b, VGA_VBE_YRES, 480);
    set_dispi(b, VGA_VBE_BPP, 32);
    set_dispi(b, VGA_VBE_ENABLE_REG, 0xC1);
    ck_assert(!vga_class.text(b->dev, text));
    set_dispi(b, VGA_VBE_ENABLE_REG, 0);
    ck_assert(vga_class.text(b->dev, text));
    ck_assert_uint_eq(text->cell[0], 0x1F41);
    ck_assert_uint_eq(mem_read(b, 0xB8000, 2), 0x1F41);
    free(text);
    bench_free(b);
}
END_TEST

START_TEST(registers_in_memory_are_the_same_registers)
{
    struct vga_bench *b = bench_new();

    mem_write(b, MMIO + 0x500 + 2 * VGA_VBE_XRES, 640, 2);
    ck_assert_uint_eq(get_dispi(b, VGA_VBE_XRES), 640);
    ck_assert_uint_eq(mem_read(b, MMIO + 0x500, 2), 0xB0C5);
    ck_assert_uint_eq(mem_read(b, MMIO + 0x500 + 2 * VGA_VBE_VIDEO_MEMORY_64K, 2), 256);
    mem_write(b, MMIO + 0x400 + 2, 0x01, 1);
    ck_assert_uint_eq(inb(b, 0x3CC), 0x01);
    mem_write(b, MMIO + 0x400 + 0x14, 0x420C, 2);
    ck_assert_uint_eq(mem_read(b, MMIO + 0x400 + 0x15, 1), 0x42);
    ck_assert_uint_eq(mem_read(b, MMIO, 4), 0);
    ck_assert_uint_eq(mem_read(b, MMIO + 0x600, 4), 0);
    bench_free(b);
}
END_TEST

Suite *vga_vbe_suite(void)
{
    Suite *s = suite_create("vga dispi");
    TCase *t = tcase_create("dispi");

    tcase_add_test(t, version_is_negotiated);
    tcase_add_test(t, enabling_sets_up_the_virtual_screen);
    tcase_add_loop_test(t, modes_beyond_the_memory_are_refused, 0, 3);
    tcase_add_loop_test(t, every_depth_has_its_pixels, 0, 5);
    tcase_add_test(t, sixteen_colours_come_from_planes_and_banks);
    tcase_add_test(t, banks_and_linear_frame_buffer_are_the_same_memory);
    tcase_add_test(t, offsets_move_the_picture);
    tcase_add_test(t, enabling_clears_unless_told_not_to);
    tcase_add_test(t, dac_takes_eight_bits_when_asked);
    tcase_add_test(t, disabling_brings_the_vga_mode_back);
    tcase_add_test(t, registers_in_memory_are_the_same_registers);
    suite_add_tcase(s, t);
    return s;
}
