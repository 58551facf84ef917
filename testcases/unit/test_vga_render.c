/* Pictures and text screens, from registers and memory to pixels. */
#include "vga_bench.h"

#include <stdlib.h>
#include <string.h>

#include "devices/font.h"
#include "devices/vga.h"

static const uint32_t BLACK = 0x000000, BLUE = 0x0000AA, GREY = 0xAAAAAA, WHITE = 0xFFFFFF, YELLOW = 0xFFFF55,
                      BROWN = 0xAA5500;

static struct vga_bench *bench_text(void)
{
    struct vga_bench *b = bench_new();

    vga_set_text_mode(b->dev);
    return b;
}

static void put_cell(struct vga_bench *b, unsigned column, unsigned row, uint8_t ch, uint8_t attr)
{
    mem_write(b, 0xB8000 + (row * 80 + column) * 2, ch | (uint32_t)attr << 8, 2);
}

/* One row of pixels as text: '#' for `on`, '.' for `off`, '?' for anything else. */
static const char *row_text(const struct sim_picture *p, unsigned x, unsigned y, unsigned n, uint32_t on, uint32_t off,
                            char out[64])
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t c = p->pixels[(size_t)y * p->width + x + i];

        out[i] = c == on ? '#' : c == off ? '.' : '?';
    }
    out[n] = '\0';
    return out;
}

static uint64_t picture_hash(const struct sim_picture *p)
{
    uint64_t hash = 0xCBF29CE484222325; /* FNV-1a */

    for (size_t i = 0; i < (size_t)p->width * p->height; i++)
        for (unsigned byte = 0; byte < 3; byte++)
            hash = (hash ^ (p->pixels[i] >> 8 * byte & 0xFF)) * 0x100000001B3;
    return hash;
}

/* ---- Text ---- */

START_TEST(text_mode_starts_clear_with_the_cursor_at_home)
{
    struct vga_bench *b = bench_text();
    struct sim_text_screen *t = malloc(sizeof *t);

    ck_assert(vga_class.text(b->dev, t));
    ck_assert_uint_eq(t->columns, 80);
    ck_assert_uint_eq(t->rows, 25);
    ck_assert_int_eq(t->cursor_column, 0);
    ck_assert_int_eq(t->cursor_row, 0);
    for (unsigned i = 0; i < 80 * 25; i++)
        ck_assert_uint_eq(t->cell[i], 0x0720);
    free(t);
    bench_free(b);
}
END_TEST

START_TEST(text_screen_has_what_was_written)
{
    struct vga_bench *b = bench_text();
    struct sim_text_screen *t = malloc(sizeof *t);

    put_cell(b, 79, 24, 'Z', 0x4E);
    put_cell(b, 3, 1, 0xDB, 0x01);
    set_crtc(b, 0x0E, (24 * 80 + 79) >> 8);
    set_crtc(b, 0x0F, (24 * 80 + 79) & 0xFF);
    ck_assert(vga_class.text(b->dev, t));
    ck_assert_uint_eq(t->cell[24 * 80 + 79], 0x4E5A);
    ck_assert_uint_eq(t->cell[80 + 3], 0x01DB);
    ck_assert_int_eq(t->cursor_column, 79);
    ck_assert_int_eq(t->cursor_row, 24);
    set_crtc(b, 0x0A, 0x2D);
    ck_assert(vga_class.text(b->dev, t));
    ck_assert_int_eq(t->cursor_row, -1);
    /* Two lines up: 80 characters each. */
    set_crtc(b, 0x0C, 0);
    set_crtc(b, 0x0D, 160);
    ck_assert(vga_class.text(b->dev, t));
    ck_assert_uint_eq(t->cell[22 * 80 + 79], 0x4E5A);
    set_gc(b, 6, 0x0F);
    ck_assert(!vga_class.text(b->dev, t));
    free(t);
    bench_free(b);
}
END_TEST

START_TEST(glyphs_appear_in_their_colours)
{
    static const struct { uint8_t attr; const uint32_t *front, *back; } colours[] = {
        { 0x07, &GREY, &BLACK }, { 0x1E, &YELLOW, &BLUE }, { 0x60, &BLACK, &BROWN }, { 0xF1, &BLUE, &GREY },
        { 0x1F, &WHITE, &BLUE },
    };
    struct vga_bench *b = bench_text();
    struct sim_picture p;

    if (colours[_i].attr == 0xF1)
        set_attr(b, 0x10, 0x0C); /* bit 7 blinks: three bits of background */
    else
        set_attr(b, 0x10, 0x04);
    put_cell(b, 5, 2, 'R', colours[_i].attr);
    p = bench_picture(b);
    ck_assert_uint_eq(p.width, 720);
    ck_assert_uint_eq(p.height, 400);
    for (unsigned y = 0; y < 16; y++)
        for (unsigned x = 0; x < 9; x++) {
            bool on = x < 8 && (font_8x16['R'][y] >> (7 - x) & 1);

            ck_assert_uint_eq(p.pixels[(32 + y) * 720 + 45 + x], on ? *colours[_i].front : *colours[_i].back);
        }
    free(p.pixels);
    bench_free(b);
}
END_TEST

/* "Attribute Mode Control Register", bit 2. */
START_TEST(line_drawing_reaches_into_the_ninth_dot)
{
    struct vga_bench *b = bench_text();
    struct sim_picture p;
    char row[64];

    set_attr(b, 0x10, 0x0C);
    put_cell(b, 0, 1, 0xC9, 0x07);
    put_cell(b, 1, 1, 0xCD, 0x07);
    put_cell(b, 2, 1, 0xB0 - 1, 0x07);
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 0, 16 + 5, 18, GREY, BLACK, row), "..................");
    ck_assert_str_eq(row_text(&p, 0, 16 + 6, 18, GREY, BLACK, row), "..################");
    ck_assert_str_eq(row_text(&p, 0, 16 + 7, 18, GREY, BLACK, row), "..#...............");
    ck_assert_str_eq(row_text(&p, 0, 16 + 8, 18, GREY, BLACK, row), "..#..#############");
    free(p.pixels);
    set_attr(b, 0x10, 0x08);
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 0, 16 + 6, 18, GREY, BLACK, row), "..######.########.");
    free(p.pixels);
    set_seq(b, 1, 0x01); /* eight dots a character */
    p = bench_picture(b);
    ck_assert_uint_eq(p.width, 640);
    ck_assert_str_eq(row_text(&p, 0, 16 + 6, 16, GREY, BLACK, row), "..##############");
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(cursor_and_underline_fill_their_rows)
{
    struct vga_bench *b = bench_text();
    struct sim_picture p;
    char row[64];

    put_cell(b, 1, 0, ' ', 0x01);
    set_crtc(b, 0x14, 0x0C); /* underline at row 12 */
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 0, 12, 20, GREY, BLACK, row), ".........?????????..");
    ck_assert_str_eq(row_text(&p, 0, 13, 20, GREY, BLACK, row), "#########...........");
    ck_assert_str_eq(row_text(&p, 0, 14, 20, GREY, BLACK, row), "#########...........");
    ck_assert_str_eq(row_text(&p, 0, 15, 20, GREY, BLACK, row), "....................");
    ck_assert_uint_eq(p.pixels[12 * 720 + 9], BLUE);
    free(p.pixels);
    bench_free(b);
}
END_TEST

/* "Character Map Select Register": attribute bit 3 chooses between maps A and B. */
START_TEST(attribute_bit_3_selects_the_second_font)
{
    struct vga_bench *b = bench_text();
    struct sim_picture p;
    char row[64];

    set_seq(b, 2, 0x04);
    set_seq(b, 4, 0x06);
    set_gc(b, 5, 0x00);
    set_gc(b, 6, 0x05);
    mem_write(b, 0xA0000 + 0x6000 + 'x' * 32 + 4, 0xA5, 1); /* map 5 */
    set_seq(b, 2, 0x03);
    set_seq(b, 3, 0x24); /* A: 5, B: 0 */
    set_seq(b, 4, 0x02);
    set_gc(b, 5, 0x10);
    set_gc(b, 6, 0x0E);
    put_cell(b, 1, 0, 'x', 0x0F);
    put_cell(b, 2, 0, 'x', 0x07);
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 9, 4, 18, WHITE, BLACK, row), "#.#..#.#..........");
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(every_printable_character_has_a_glyph_of_its_own)
{
    for (unsigned i = 33; i < 127; i++)
        for (unsigned k = 32; k < i; k++)
            ck_assert_msg(memcmp(font_8x16[i], font_8x16[k], FONT_HEIGHT), "%c looks like %c", i, k);
}
END_TEST

/* ---- The screen's layout ---- */

START_TEST(line_compare_splits_the_screen)
{
    struct vga_bench *b = bench_text();
    struct sim_text_screen *t = malloc(sizeof *t);
    struct sim_picture p;

    put_cell(b, 0, 0, 0xDB, 0x04);  /* the split part shows the memory's start */
    put_cell(b, 0, 25, 0xDB, 0x02); /* the upper part starts at line 25 of the memory */
    set_crtc(b, 0x0A, 0x20);
    set_crtc(b, 0x0C, (25 * 80) >> 8);
    set_crtc(b, 0x0D, (25 * 80) & 0xFF);
    set_crtc(b, 0x11, 0x0E);
    set_crtc(b, 0x07, 0x0F);
    set_crtc(b, 0x09, 0x0F);
    set_crtc(b, 0x18, 199);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[0], 0x00AA00);
    ck_assert_uint_eq(p.pixels[199 * 720], BLACK);
    ck_assert_uint_eq(p.pixels[200 * 720], 0xAA0000);
    ck_assert_uint_eq(p.pixels[215 * 720], 0xAA0000);
    ck_assert_uint_eq(p.pixels[216 * 720], BLACK);
    free(p.pixels);
    ck_assert(vga_class.text(b->dev, t));
    ck_assert_uint_eq(t->cell[0], 0x02DB);
    /* 200 lines are twelve rows and a half. */
    ck_assert_uint_eq(t->cell[13 * 80], 0x04DB);
    free(t);
    bench_free(b);
}
END_TEST

START_TEST(panning_moves_by_dots_and_spares_the_split)
{
    struct vga_bench *b = bench_text();
    struct sim_picture p;
    char row[64];

    put_cell(b, 0, 0, '-', 0x07);
    put_cell(b, 80 - 1, 0, ' ', 0x07);
    set_crtc(b, 0x0A, 0x20);
    set_crtc(b, 0x11, 0x0E);
    set_crtc(b, 0x07, 0x0F);
    set_crtc(b, 0x09, 0x0F);
    set_crtc(b, 0x18, 31);
    set_attr(b, 0x13, 0x01); /* in nine dots: two to the left */
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 0, 7, 9, GREY, BLACK, row), "#####....");
    ck_assert_str_eq(row_text(&p, 0, 32 + 7, 9, GREY, BLACK, row), "#####....");
    free(p.pixels);
    set_attr(b, 0x10, 0x2C);
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 0, 7, 9, GREY, BLACK, row), "#####....");
    ck_assert_str_eq(row_text(&p, 0, 32 + 7, 9, GREY, BLACK, row), ".######..");
    free(p.pixels);
    set_crtc(b, 0x08, 0x03); /* three rows up */
    set_attr(b, 0x13, 0x08);
    p = bench_picture(b);
    ck_assert_str_eq(row_text(&p, 0, 4, 9, GREY, BLACK, row), ".######..");
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(a_switched_off_screen_is_black_or_border)
{
    struct vga_bench *b = bench_text();
    struct sim_picture p;

    put_cell(b, 0, 1, 0xDB, 0x0F);
    set_seq(b, 1, 0x20);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[16 * 720], BLACK);
    free(p.pixels);
    set_seq(b, 1, 0x00);
    set_attr(b, 0x11, 0x01);
    inb(b, 0x3DA);
    outb(b, 0x3C0, 0x00); /* the CPU has the palette */
    p = bench_picture(b);
    for (unsigned i = 0; i < 720 * 400; i++)
        ck_assert_uint_eq(p.pixels[i], BLUE);
    free(p.pixels);
    set_crtc(b, 0x17, 0x23);
    ck_assert(!vga_class.picture(b->dev, &p));
    bench_free(b);
}
END_TEST

/* ---- Graphics ---- */

START_TEST(cga_colours_interleave_in_two_halves)
{
    struct vga_bench *b = bench_new();
    struct sim_picture p;

    bench_set_mode(b, &mode_04);
    mem_write(b, 0xB8000, 0x1B, 1);          /* line 0: 0 1 2 3 */
    mem_write(b, 0xB8001, 0xE4, 1);          /* then 3 2 1 0 */
    mem_write(b, 0xB8000 + 0x2000, 0xFF, 1); /* line 1 */
    mem_write(b, 0xB8000 + 80, 0xAA, 1);     /* line 2 */
    p = bench_picture(b);
    ck_assert_uint_eq(p.width, 640);
    ck_assert_uint_eq(p.height, 400);
    for (unsigned x = 0; x < 16; x++) {
        unsigned pixel = x / 2, expected = pixel < 4 ? pixel : 7 - pixel;

        ck_assert_uint_eq(p.pixels[x], palette_rgb(expected));
        ck_assert_uint_eq(p.pixels[640 + x], palette_rgb(expected));
        ck_assert_uint_eq(p.pixels[2 * 640 + x], palette_rgb(pixel < 4 ? 3 : 0));
        ck_assert_uint_eq(p.pixels[4 * 640 + x], palette_rgb(pixel < 4 ? 2 : 0));
    }
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(planes_make_sixteen_colours)
{
    struct vga_bench *b = bench_new();
    struct sim_picture p;

    bench_set_mode(b, _i ? &mode_12 : &mode_0d);
    for (uint8_t plane = 0; plane < 4; plane++) {
        set_seq(b, 2, 1 << plane);
        mem_write(b, 0xA0000 + (_i ? 80 : 40) * 3, plane == 0 ? 0x55 : plane == 1 ? 0x33 : plane == 2 ? 0x0F : 0xF0, 1);
    }
    p = bench_picture(b);
    ck_assert_uint_eq(p.width, 640);
    ck_assert_uint_eq(p.height, _i ? 480 : 400);
    for (unsigned x = 0; x < 8; x++) {
        unsigned expected = (x & 1) | (x & 2) | (x < 4 ? 8 : 4);

        if (_i)
            ck_assert_uint_eq(p.pixels[3 * 640 + x], palette_rgb(expected));
        else
            for (unsigned i = 0; i < 4; i++) /* each pixel two dots wide and two lines high */
                ck_assert_uint_eq(p.pixels[(6 + i / 2) * 640 + 2 * x + i % 2], palette_rgb(expected));
    }
    ck_assert_uint_eq(p.pixels[8], palette_rgb(0));
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(mode_13h_has_a_byte_a_pixel)
{
    struct vga_bench *b = bench_new();
    struct sim_picture p;

    bench_set_mode(b, &mode_13);
    for (unsigned x = 0; x < 320; x++)
        mem_write(b, 0xA0000 + 320 * 100 + x, x & 0xFF, 1);
    p = bench_picture(b);
    ck_assert_uint_eq(p.width, 640);
    ck_assert_uint_eq(p.height, 400);
    for (unsigned i = 0; i < 1280; i++)
        ck_assert_uint_eq(p.pixels[200 * 640 + i], palette_rgb(i % 640 / 2 & 0xFF));
    ck_assert_uint_eq(p.pixels[199 * 640 + 2], palette_rgb(0));
    free(p.pixels);
    set_attr(b, 0x13, 0x04); /* two pixels */
    outb(b, 0x3C6, 0x0F);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[200 * 640 + 2 * 17], palette_rgb(19 & 0x0F));
    free(p.pixels);
    bench_free(b);
}
END_TEST

/* Mode 13h without chain-4 and with the CRTC in byte mode: 64 KiB of four pixels each, 320 x 240 and more. */
START_TEST(mode_x_reaches_all_memory)
{
    struct vga_bench *b = bench_new();
    struct sim_picture p;

    bench_set_mode(b, &mode_13);
    set_seq(b, 4, 0x06);
    set_crtc(b, 0x14, 0x00);
    set_crtc(b, 0x17, 0xE3);
    set_crtc(b, 0x0C, 0xC0); /* the fourth page */
    set_seq(b, 2, 0x04);
    mem_write(b, 0xA0000 + 0xC000 + 80 * 2 + 1, 0x21, 1);
    p = bench_picture(b);
    for (unsigned x = 0; x < 640; x++)
        ck_assert_uint_eq(p.pixels[4 * 640 + x], palette_rgb(x / 2 == 6 ? 0x21 : 0));
    free(p.pixels);
    bench_free(b);
}
END_TEST

/* "Color Select Register" and "Color Plane Enable Register". */
START_TEST(attribute_controller_chooses_dac_pages_and_planes)
{
    struct vga_bench *b = bench_new();
    struct sim_picture p;

    bench_set_mode(b, &mode_12);
    mem_write(b, 0xA0000, 0x80, 1); /* pixel 15 */
    set_attr(b, 0x12, 0x06);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[0], palette_rgb(6));
    free(p.pixels);
    for (unsigned i = 0; i < 256; i++)
        set_dac(b, (uint8_t)i, i >> 4, i & 0xF, 0);
    set_attr(b, 0x14, 0x0B);
    p = bench_picture(b); /* bits 7:6 are 2; 5:4 from the palette */
    ck_assert_uint_eq(p.pixels[0], (8u << 2) << 16 | (6u << 2) << 8);
    free(p.pixels);
    set_attr(b, 0x10, 0x81);
    p = bench_picture(b);
    ck_assert_uint_eq(p.pixels[0], (0xBu << 2) << 16 | (6u << 2) << 8);
    free(p.pixels);
    bench_free(b);
}
END_TEST

START_TEST(a_planar_test_card_keeps_its_hash)
{
    struct vga_bench *b = bench_new();
    struct sim_picture p;

    bench_set_mode(b, &mode_12);
    set_gc(b, 5, 0x02);
    for (uint32_t off = 0; off < 80 * 480; off++) {
        set_gc(b, 8, 0xFF);
        mem_write(b, 0xA0000 + off, (off / 80 / 30 + off % 80 / 5) & 0xF, 1);
        set_gc(b, 8, 0x11);
        mem_read(b, 0xA0000 + off, 1);
        mem_write(b, 0xA0000 + off, 0x0F, 1);
    }
    p = bench_picture(b);
    ck_assert_uint_eq(picture_hash(&p), 0x4D01FB7A9684AF25);
    free(p.pixels);
    bench_free(b);
}
END_TEST

Suite *vga_render_suite(void)
{
    Suite *s = suite_create("vga pictures");
    TCase *t = tcase_create("pictures");

    tcase_add_test(t, text_mode_starts_clear_with_the_cursor_at_home);
    tcase_add_test(t, text_screen_has_what_was_written);
    tcase_add_loop_test(t, glyphs_appear_in_their_colours, 0, 5);
    tcase_add_test(t, line_drawing_reaches_into_the_ninth_dot);
    tcase_add_test(t, cursor_and_underline_fill_their_rows);
    tcase_add_test(t, attribute_bit_3_selects_the_second_font);
    tcase_add_test(t, every_printable_character_has_a_glyph_of_its_own);
    tcase_add_test(t, line_compare_splits_the_screen);
    tcase_add_test(t, panning_moves_by_dots_and_spares_the_split);
    tcase_add_test(t, a_switched_off_screen_is_black_or_border);
    tcase_add_test(t, cga_colours_interleave_in_two_halves);
    tcase_add_loop_test(t, planes_make_sixteen_colours, 0, 2);
    tcase_add_test(t, mode_13h_has_a_byte_a_pixel);
    tcase_add_test(t, mode_x_reaches_all_memory);
    tcase_add_test(t, attribute_controller_chooses_dac_pages_and_planes);
    tcase_add_test(t, a_planar_test_card_keeps_its_hash);
    suite_add_tcase(s, t);
    return s;
}
