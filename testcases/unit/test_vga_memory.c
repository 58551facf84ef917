/*
 * The window at A0000 against a model that keeps four separate planes and thinks bit by bit.
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Graphics Controller".
 */
#include "vga_bench.h"

#include <stdlib.h>
#include <string.h>

#include "devices/vga.h"

/* ---- The model ---- */

struct model {
    uint8_t plane[4][0x10000];
    uint8_t latch[4];
    uint8_t seq[5], gc[9];
};

static bool bit(unsigned value, unsigned n)
{
    return value >> n & 1;
}

/* Offset in the window of a physical address, or -1. */
static long model_offset(const struct model *m, uint32_t paddr)
{
    switch (m->gc[6] >> 2 & 3) {
    case 0: return paddr - 0xA0000;
    case 1: return paddr < 0xB0000 ? (long)paddr - 0xA0000 : -1;
    case 2: return paddr >= 0xB0000 && paddr < 0xB8000 ? (long)paddr - 0xB0000 : -1;
    default: return paddr >= 0xB8000 ? (long)paddr - 0xB8000 : -1;
    }
}

static uint16_t model_place(const struct model *m, long off)
{
    if (bit(m->seq[4], 3))
        return (uint16_t)((off & ~3L) | (off >= 0x10000));
    if (bit(m->gc[6], 1))
        return (uint16_t)((off & ~1L) | (off >= 0x10000));
    return (uint16_t)off;
}

static bool model_plane_writable(const struct model *m, long off, unsigned plane)
{
    if (!bit(m->seq[2], plane))
        return false;
    if (bit(m->seq[4], 3))
        return (off & 3) == plane;
    return bit(m->seq[4], 2) || (off & 1) == (plane & 1);
}

static bool model_logic(unsigned function, bool data, bool latch)
{
    bool results[4] = { data, data && latch, data || latch, data != latch };

    return results[function];
}

/* One bit of one plane on its way into the memory. */
static bool model_bit(const struct model *m, unsigned plane, unsigned n, uint8_t value)
{
    unsigned mode = m->gc[5] & 3;
    bool latch = bit(m->latch[plane], n), rotated = bit(value, (n + (m->gc[3] & 7)) & 7);
    bool open = bit(m->gc[8], n), data = false;

    switch (mode) {
    case 0: data = bit(m->gc[1], plane) ? bit(m->gc[0], plane) : rotated; break;
    case 1: return latch;
    case 2: data = bit(value, plane); break;
    case 3: data = bit(m->gc[0], plane); open = open && rotated; break;
    }
    return open ? model_logic(m->gc[3] >> 3 & 3, data, latch) : latch;
}

static void model_write(struct model *m, uint32_t paddr, uint8_t value)
{
    long off = model_offset(m, paddr);

    for (unsigned plane = 0; off >= 0 && plane < 4; plane++) {
        uint8_t byte = 0;

        for (unsigned n = 0; n < 8; n++)
            byte |= (uint8_t)(model_bit(m, plane, n, value) << n);
        if (model_plane_writable(m, off, plane))
            m->plane[plane][model_place(m, off)] = byte;
    }
}

static uint8_t model_read(struct model *m, uint32_t paddr)
{
    long off = model_offset(m, paddr);
    unsigned chosen = m->gc[4] & 3;
    uint8_t equal = 0;

    if (off < 0)
        return 0xFF;
    for (unsigned plane = 0; plane < 4; plane++)
        m->latch[plane] = m->plane[plane][model_place(m, off)];
    if (bit(m->gc[5], 3)) {
        for (unsigned n = 0; n < 8; n++) {
            bool same = true;

            for (unsigned plane = 0; plane < 4; plane++)
                same = same && (!bit(m->gc[7], plane) || bit(m->latch[plane], n) == bit(m->gc[2], plane));
            equal |= (uint8_t)(same << n);
        }
        return equal;
    }
    if (bit(m->seq[4], 3))
        chosen = off & 3;
    else if (bit(m->gc[5], 4))
        chosen = (chosen & 2) | (off & 1);
    return m->latch[chosen];
}

/* ---- Both side by side ---- */

struct pair {
    struct vga_bench *b;
    struct model m;
    uint64_t seed;
};

static uint32_t draw(struct pair *p, uint32_t below)
{
    p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(p->seed >> 33) % below;
}

static struct pair *pair_new(uint64_t seed)
{
    struct pair *p = calloc(1, sizeof *p);

    p->b = bench_new();
    p->seed = seed;
    outb(p->b, 0x3C2, 0x03);
    return p;
}

static void pair_free(struct pair *p)
{
    bench_free(p->b);
    free(p);
}

static void pair_seq(struct pair *p, uint8_t index, uint8_t value)
{
    static const uint8_t writable[5] = { 0x03, 0x3D, 0x0F, 0x3F, 0x0E };

    p->m.seq[index] = value & writable[index];
    set_seq(p->b, index, value);
}

static void pair_gc(struct pair *p, uint8_t index, uint8_t value)
{
    static const uint8_t writable[9] = { 0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF };

    p->m.gc[index] = value & writable[index];
    set_gc(p->b, index, value);
}

static void pair_access(struct pair *p, uint32_t paddr, unsigned size, bool write)
{
    uint32_t value = draw(p, 1u << 31) << 1 ^ draw(p, 1u << 31), expected = 0;

    if (write) {
        mem_write(p->b, paddr, value, size);
        for (unsigned i = 0; i < size; i++)
            model_write(&p->m, paddr + i, (uint8_t)(value >> 8 * i));
    } else {
        for (unsigned i = 0; i < size; i++)
            expected |= (uint32_t)model_read(&p->m, paddr + i) << 8 * i;
        value = mem_read(p->b, paddr, size);
        ck_assert_msg((value ^ expected) << (32 - 8 * size) == 0, "%u bytes at %05x: %08x, not %08x", size, paddr, value,
                      expected);
    }
}

/* Near the start and the end of a window and of a page, so that accesses meet. */
static uint32_t draw_address(struct pair *p)
{
    static const uint32_t places[] = { 0xA0000, 0xA0FF0, 0xAFFF0, 0xB0000, 0xB7FF0, 0xB8000, 0xB8FF0, 0xBFFE0 };

    return places[draw(p, 8)] + draw(p, 16);
}

static void pair_accesses(struct pair *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        pair_access(p, draw_address(p), 1u << draw(p, 3), draw(p, 3));
}

/* Reads every plane by itself: read mode 0, sequential, with no regard to where the windows are. */
static void pair_compare_planes(struct pair *p)
{
    pair_seq(p, 4, 0x06);
    pair_gc(p, 5, 0x00);
    pair_gc(p, 6, 0x05);
    for (unsigned plane = 0; plane < 4; plane++) {
        pair_gc(p, 4, (uint8_t)plane);
        for (uint32_t off = 0; off < 0x10000; off += 4) {
            uint32_t word = mem_read(p->b, 0xA0000 + off, 4);

            for (unsigned i = 0; i < 4; i++)
                ck_assert_uint_eq(word >> 8 * i & 0xFF, p->m.plane[plane][off + i]);
        }
    }
}

START_TEST(random_registers_act_like_the_model)
{
    struct pair *p = pair_new(0x1000 + (uint64_t)_i);

    for (unsigned round = 0; round < 120; round++) {
        for (uint8_t i = 0; i < 9; i++)
            pair_gc(p, i, (uint8_t)draw(p, 256));
        pair_seq(p, 2, (uint8_t)draw(p, 256));
        pair_seq(p, 4, (uint8_t)draw(p, 256));
        pair_accesses(p, 30);
    }
    pair_compare_planes(p);
    pair_free(p);
}
END_TEST

/* Text, mode 13h and plain planes with one register changed at a time: the short paths and what leads out of them. */
START_TEST(short_paths_act_like_the_model)
{
    static const struct { uint8_t map, memory, mode, misc; } settings[] = {
        { 0x3, 0x02, 0x10, 0x0E }, /* text at B8000 */
        { 0x3, 0x02, 0x10, 0x0A }, /* text at B0000 */
        { 0x3, 0x02, 0x10, 0x06 }, /* text in 64 KiB at A0000 */
        { 0x3, 0x02, 0x10, 0x02 }, /* text in 128 KiB */
        { 0x3, 0x02, 0x30, 0x0F }, /* mode 4 */
        { 0xF, 0x0E, 0x40, 0x05 }, /* mode 13h */
        { 0xF, 0x0E, 0x40, 0x01 }, /* the same in 128 KiB */
        { 0xF, 0x06, 0x00, 0x05 }, /* mode 12h */
    };
    struct pair *p = pair_new(0x2000 + (uint64_t)_i);

    for (unsigned round = 0; round < 100; round++) {
        for (uint8_t i = 0; i < 9; i++)
            pair_gc(p, i, 0);
        pair_seq(p, 2, settings[_i].map);
        pair_seq(p, 4, settings[_i].memory);
        pair_gc(p, 5, settings[_i].mode);
        pair_gc(p, 6, settings[_i].misc);
        pair_gc(p, 8, 0xFF);
        pair_accesses(p, 30);
        switch (draw(p, 3)) {
        case 0: pair_gc(p, (uint8_t)draw(p, 9), (uint8_t)draw(p, 256)); break;
        case 1: pair_seq(p, 2, (uint8_t)draw(p, 16)); break;
        default: pair_seq(p, 4, (uint8_t)draw(p, 16)); break;
        }
        pair_accesses(p, 30);
    }
    pair_compare_planes(p);
    pair_free(p);
}
END_TEST

/* ---- Cases to read ---- */

START_TEST(text_lies_in_planes_0_and_1_at_even_offsets)
{
    struct vga_bench *b = bench_new();

    vga_set_text_mode(b->dev);
    mem_write(b, 0xB8000, 0x1F41, 2);
    mem_write(b, 0xB8002, 0x2F431E42, 4);
    ck_assert_uint_eq(mem_read(b, 0xB8000, 4), 0x1E421F41);
    set_seq(b, 4, 0x06);
    set_gc(b, 5, 0x00);
    set_gc(b, 6, 0x05);
    ck_assert_uint_eq(mem_read(b, 0xA0000, 1), 0x41);
    ck_assert_uint_eq(mem_read(b, 0xA0002, 1), 0x42);
    ck_assert_uint_eq(mem_read(b, 0xA0004, 1), 0x43);
    set_gc(b, 4, 1);
    ck_assert_uint_eq(mem_read(b, 0xA0000, 1), 0x1F);
    ck_assert_uint_eq(mem_read(b, 0xA0004, 1), 0x2F);
    bench_free(b);
}
END_TEST

START_TEST(chain_4_deals_bytes_to_the_planes)
{
    struct vga_bench *b = bench_new();

    bench_set_mode(b, &mode_13);
    mem_write(b, 0xA0004, 0x44332211, 4);
    mem_write(b, 0xA0009, 0x55, 1);
    ck_assert_uint_eq(mem_read(b, 0xA0006, 2), 0x4433);
    set_seq(b, 4, 0x06);
    for (uint8_t plane = 0; plane < 4; plane++) {
        set_gc(b, 4, plane);
        ck_assert_uint_eq(mem_read(b, 0xA0004, 1), 0x11u * (plane + 1));
        ck_assert_uint_eq(mem_read(b, 0xA0008, 1), plane == 1 ? 0x55 : 0);
    }
    bench_free(b);
}
END_TEST

/* The usual way to set a pixel of mode 12h: write mode 2 through the bit mask, with the latches filled by a read. */
START_TEST(a_pixel_keeps_its_neighbours)
{
    struct vga_bench *b = bench_new();

    bench_set_mode(b, &mode_12);
    set_gc(b, 5, 0x02);
    mem_write(b, 0xA0010, 0x0F, 1);
    set_gc(b, 8, 0x20);
    mem_read(b, 0xA0010, 1);
    mem_write(b, 0xA0010, 0x05, 1);
    set_gc(b, 5, 0x08); /* which pixels have colour 5? */
    set_gc(b, 2, 0x05);
    ck_assert_uint_eq(mem_read(b, 0xA0010, 1), 0x20);
    set_gc(b, 2, 0x0F);
    ck_assert_uint_eq(mem_read(b, 0xA0010, 1), 0xDF);
    set_gc(b, 7, 0x05); /* planes 1 and 3 do not matter */
    ck_assert_uint_eq(mem_read(b, 0xA0010, 1), 0xFF);
    bench_free(b);
}
END_TEST

START_TEST(write_mode_1_copies_all_planes_at_once)
{
    struct vga_bench *b = bench_new();

    bench_set_mode(b, &mode_12);
    set_gc(b, 5, 0x02);
    mem_write(b, 0xA0000, 0x09, 1);
    set_gc(b, 5, 0x01);
    set_gc(b, 8, 0x00); /* does not matter here */
    mem_read(b, 0xA0000, 1);
    mem_write(b, 0xA1000, 0x00, 1);
    set_gc(b, 5, 0x00);
    for (uint8_t plane = 0; plane < 4; plane++) {
        set_gc(b, 4, plane);
        ck_assert_uint_eq(mem_read(b, 0xA1000, 1), plane == 0 || plane == 3 ? 0xFF : 0);
    }
    bench_free(b);
}
END_TEST

START_TEST(looking_leaves_the_latches)
{
    struct vga_bench *b = bench_new();
    uint8_t byte;

    bench_set_mode(b, &mode_12);
    mem_write(b, 0xA0000, 0xAA, 1);
    mem_write(b, 0xA0001, 0x55, 1);
    mem_read(b, 0xA0000, 1);
    ck_assert_uint_eq(bus_peek(b->bus, 0xA0001, &byte, 1), 1);
    ck_assert_uint_eq(byte, 0x55);
    set_gc(b, 5, 0x01);
    mem_write(b, 0xA0002, 0, 1);
    ck_assert_uint_eq(mem_read(b, 0xA0002, 1), 0xAA);
    bench_free(b);
}
END_TEST

Suite *vga_memory_suite(void)
{
    Suite *s = suite_create("vga memory");
    TCase *t = tcase_create("memory");

    tcase_add_loop_test(t, random_registers_act_like_the_model, 0, 8);
    tcase_add_loop_test(t, short_paths_act_like_the_model, 0, 8);
    tcase_add_test(t, text_lies_in_planes_0_and_1_at_even_offsets);
    tcase_add_test(t, chain_4_deals_bytes_to_the_planes);
    tcase_add_test(t, a_pixel_keeps_its_neighbours);
    tcase_add_test(t, write_mode_1_copies_all_planes_at_once);
    tcase_add_test(t, looking_leaves_the_latches);
    suite_add_tcase(s, t);
    return s;
}
