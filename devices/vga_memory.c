/*
 * The window at A0000: how the CPU's bytes pass through latches, set/reset, logic and masks into the planes.
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Graphics Controller" and "Memory Mode Register".
 *
 *   CPU address  --chain-4, odd/even-->  plane(s) and offset; four planes at an offset make one 32-bit word
 *   CPU data     --rotate--set/reset--logic with the latches--bit mask-->  the planes that map mask and address allow
 *
 * The general path does this byte by byte. Text, mode 13h and the linear dispi modes use none of it but the addressing, so
 * vga_memory_update() picks shorter paths for them, and their accesses are carried out whole.
 *
 * The address bits that chaining takes are filled from A16 on, that is with 0 but in the 128 KiB window.
 *
 * Deviation: the page bit of the miscellaneous output register has no effect on odd/even addressing. SR4 bit 1 (extended memory) has no effect: there are always 256 KiB.
 */
#include <string.h>

#include "devices/vga_core.h"

/* A nibble, a bit a plane, as a word of whole bytes. */
static uint32_t spread(unsigned nibble)
{
    uint32_t word = (nibble & 1) | (nibble & 2) << 7 | (nibble & 4) << 14 | (uint32_t)(nibble & 8) << 21;

    return word * 0xFF;
}

static uint32_t load32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* `len` bytes of memory from `at` on, all in one page. */
static uint8_t *bytes_for_write(struct vga *v, uint32_t at, unsigned len)
{
    return bus_ram_write_begin(v->vram, at >> SIM_PAGE_SHIFT, at & SIM_PAGE_MASK, len) + (at & SIM_PAGE_MASK);
}

static const uint8_t *bytes_for_read(struct vga *v, uint32_t at)
{
    return bus_ram_read_page(v->vram, at >> SIM_PAGE_SHIFT) + (at & SIM_PAGE_MASK);
}

/* ---- The general path ---- */

/* Where an offset of the window lies in the planes, in bytes of memory, once chaining has taken its bits. */
static uint32_t word_at(const struct vga *v, uint32_t off)
{
    if (v->seq[VGA_SEQ_MEMORY_MODE] & VGA_SR4_CHAIN4)
        off = (off & ~3u) | (off >> 16 & 3);
    else if (v->gc[VGA_GC_MISC] & VGA_GR6_CHAIN_ODD_EVEN)
        off = (off & ~1u) | (off >> 16 & 1);
    return (((off & (VGA_PLANE_BYTES - 1)) + v->pipe.base) * 4) & (VGA_VRAM_BYTES - 1);
}

static uint32_t logic(unsigned function, uint32_t data, uint32_t latch)
{
    switch (function & 3) {
    case 0: return data;
    case 1: return data & latch;
    case 2: return data | latch;
    default: return data ^ latch;
    }
}

static void write_byte(struct vga *v, uint32_t off, uint8_t value)
{
    const struct vga_pipe *p = &v->pipe;
    unsigned rotate = v->gc[VGA_GC_ROTATE] & 7;
    uint32_t rotated = (uint8_t)(value >> rotate | value << (8 - rotate)) * 0x01010101u;
    uint32_t bits = p->bits, map = p->map, data, at;
    uint8_t *word;

    if (v->seq[VGA_SEQ_MEMORY_MODE] & VGA_SR4_CHAIN4)
        map &= 0xFFu << 8 * (off & 3);
    else if (!(v->seq[VGA_SEQ_MEMORY_MODE] & VGA_SR4_SEQUENTIAL))
        map &= off & 1 ? 0xFF00FF00u : 0x00FF00FFu;
    if (!map)
        return;

    switch (v->gc[VGA_GC_MODE] & VGA_GR5_WRITE_MODE) {
    case 0: data = (rotated & ~p->set_on) | (p->set & p->set_on); break;
    case 1: data = v->latch; break;
    case 2: data = spread(value & 0xF); break;
    default: data = p->set; bits &= rotated; break;
    }
    if ((v->gc[VGA_GC_MODE] & VGA_GR5_WRITE_MODE) != 1) {
        data = logic(v->gc[VGA_GC_ROTATE] >> 3, data, v->latch);
        data = (data & bits) | (v->latch & ~bits);
    }
    at = word_at(v, off);
    word = bytes_for_write(v, at, 4);
    store32(word, (load32(word) & ~map) | (data & map));
}

/* What the CPU gets of a word that was read into the latches. */
static uint8_t choose_byte(const struct vga *v, uint32_t off, uint32_t latch)
{
    unsigned plane = v->gc[VGA_GC_READ_MAP] & 3;

    if (v->gc[VGA_GC_MODE] & VGA_GR5_READ_MODE) {
        uint32_t differ = (latch ^ v->pipe.compare) & v->pipe.care;

        differ |= differ >> 16;
        return (uint8_t)~(differ | differ >> 8);
    }
    if (v->seq[VGA_SEQ_MEMORY_MODE] & VGA_SR4_CHAIN4)
        plane = off & 3;
    else if (v->gc[VGA_GC_MODE] & VGA_GR5_ODD_EVEN)
        plane = (plane & 2) | (off & 1);
    return (uint8_t)(latch >> 8 * plane);
}

static void write_general(struct vga *v, uint32_t off, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        write_byte(v, off + i, (uint8_t)(value >> 8 * i));
}

static uint32_t read_general(struct vga *v, uint32_t off, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        v->latch = load32(bytes_for_read(v, word_at(v, off + i)));
        value |= (uint32_t)choose_byte(v, off + i, v->latch) << 8 * i;
    }
    return value;
}

/* ---- Odd/even with plain data: text. An even byte is at 4 * offset, its odd neighbour behind it ---- */

static void write_text(struct vga *v, uint32_t off, uint32_t value, unsigned size)
{
    uint8_t *word;

    if (size == 1) {
        *bytes_for_write(v, (off & ~1u) * 4 + (off & 1), 1) = (uint8_t)value;
    } else if (off & (size - 1)) {
        for (unsigned i = 0; i < size; i++)
            write_text(v, off + i, value >> 8 * i & 0xFF, 1);
    } else {
        word = bytes_for_write(v, off * 4, size == 2 ? 2 : 10);
        word[0] = (uint8_t)value;
        word[1] = (uint8_t)(value >> 8);
        if (size == 4) {
            word[8] = (uint8_t)(value >> 16);
            word[9] = (uint8_t)(value >> 24);
        }
    }
}

static uint32_t read_text(struct vga *v, uint32_t off, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        if (i == 0 || !((off + i) & 1))
            v->latch = load32(bytes_for_read(v, ((off + i) & ~1u) * 4));
        value |= (v->latch >> 8 * ((v->gc[VGA_GC_READ_MAP] & 2) | ((off + i) & 1)) & 0xFF) << 8 * i;
    }
    return value;
}

/* ---- Chain-4 with plain data: mode 13h. An aligned group of four is one word at 4 * offset ---- */

static void write_chain4(struct vga *v, uint32_t off, uint32_t value, unsigned size)
{
    if (size == 4 && !(off & 3)) {
        store32(bytes_for_write(v, off * 4, 4), value);
        return;
    }
    for (unsigned i = 0; i < size; i++, off++)
        *bytes_for_write(v, (off & ~3u) * 4 + (off & 3), 1) = (uint8_t)(value >> 8 * i);
}

/* ---- Dispi modes with packed pixels: the memory itself, from the bank on ---- */

static void write_linear(struct vga *v, uint32_t off, uint32_t value, unsigned size)
{
    uint8_t *at;

    if ((off & SIM_PAGE_MASK) + size > SIM_PAGE_SIZE) {
        for (unsigned i = 0; i < size; i++)
            write_linear(v, off + i, value >> 8 * i & 0xFF, 1);
        return;
    }
    at = bytes_for_write(v, v->linear_base + off, size);
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t read_linear(struct vga *v, uint32_t off, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)*bytes_for_read(v, v->linear_base + off + i) << 8 * i;
    return value;
}

/* ---- The window ---- */

/* Outside of what GR6 opens nobody answers: the bus floats. */
static bool in_window(const struct vga *v, uint64_t *off, unsigned size)
{
    *off -= v->window_first;
    return *off < v->window_bytes && size <= v->window_bytes - *off;
}

static uint64_t window_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct vga *v = vga_of(dev);
    uint64_t value = 0;

    if (in_window(v, &off, size))
        return v->mem_read(v, (uint32_t)off, size);
    for (unsigned i = 0; i < size; i++) /* over its edge */
        value |= (uint64_t)(off + i < v->window_bytes ? v->mem_read(v, (uint32_t)off + i, 1) : 0xFF) << 8 * i;
    return value;
}

static void window_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct vga *v = vga_of(dev);

    if (in_window(v, &off, size)) {
        v->mem_write(v, (uint32_t)off, (uint32_t)value, size);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        if (off + i < v->window_bytes)
            v->mem_write(v, (uint32_t)(off + i), value >> 8 * i & 0xFF, 1);
}

static uint64_t window_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct vga *v = vga_of(dev);
    uint64_t value = 0;

    off -= v->window_first;
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = off + i;
        uint8_t word[4], byte = 0xFF;

        if (at < v->window_bytes && v->mem_read == read_linear) {
            bus_ram_get(v->vram, v->linear_base + at, &byte, 1);
        } else if (at < v->window_bytes) {
            bus_ram_get(v->vram, word_at(v, (uint32_t)at), word, 4);
            byte = choose_byte(v, (uint32_t)at, load32(word));
        }
        value |= (uint64_t)byte << 8 * i;
    }
    return value;
}

const struct sim_range_ops vga_window_ops = {
    .read = window_read, .write = window_write, .peek = window_peek, .max_size = 4,
};

/* ---- Choosing ---- */

/* Do writes put the CPU's bytes into the planes of `map` as they are? */
static bool plain_writes(const struct vga *v, uint8_t map)
{
    return v->seq[VGA_SEQ_MAP_MASK] == map && v->gc[VGA_GC_BIT_MASK] == 0xFF && v->gc[VGA_GC_ROTATE] == 0 &&
           v->gc[VGA_GC_ENABLE_SET_RESET] == 0 && !(v->gc[VGA_GC_MODE] & VGA_GR5_WRITE_MODE) && v->pipe.base == 0;
}

static void choose_paths(struct vga *v, bool linear)
{
    uint8_t chaining = v->seq[VGA_SEQ_MEMORY_MODE] & (VGA_SR4_CHAIN4 | VGA_SR4_SEQUENTIAL);
    bool pairs = (v->gc[VGA_GC_MISC] & VGA_GR6_CHAIN_ODD_EVEN) && v->window_bytes <= VGA_PLANE_BYTES;
    bool chain4 = (chaining & VGA_SR4_CHAIN4) && v->window_bytes <= VGA_PLANE_BYTES;

    v->mem_write = write_general;
    v->mem_read = read_general;
    if (linear) {
        v->mem_write = write_linear;
        v->mem_read = read_linear;
        return;
    }
    if (chain4 && plain_writes(v, 0xF))
        v->mem_write = write_chain4;
    else if (chaining == 0 && pairs && plain_writes(v, 0x3))
        v->mem_write = write_text;
    if (!(chaining & VGA_SR4_CHAIN4) && pairs && v->pipe.base == 0 &&
        (v->gc[VGA_GC_MODE] & (VGA_GR5_ODD_EVEN | VGA_GR5_READ_MODE)) == VGA_GR5_ODD_EVEN)
        v->mem_read = read_text;
}

void vga_memory_update(struct vga *v)
{
    static const struct { uint32_t first, bytes; } windows[4] = {
        { 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 }
    };
    struct vga_pipe *p = &v->pipe;
    unsigned window = v->gc[VGA_GC_MISC] >> 2 & 3;
    uint32_t bank = 0;
    bool linear = false;

    if (vga_vbe_on(v)) {
        window = 1; /* whatever GR6 says */
        bank = v->vbe[VGA_VBE_BANK] * 0x10000u;
        linear = vga_vbe_mode(v).bpp > 4;
    }
    v->window_first = windows[window].first;
    v->window_bytes = windows[window].bytes;
    v->linear_base = bank & (VGA_VRAM_BYTES - 1);
    p->base = linear ? 0 : bank & (VGA_VRAM_BYTES / 4 - 1);
    p->map = spread(v->seq[VGA_SEQ_MAP_MASK] & 0xF);
    p->bits = v->gc[VGA_GC_BIT_MASK] * 0x01010101u;
    p->set = spread(v->gc[VGA_GC_SET_RESET] & 0xF);
    p->set_on = spread(v->gc[VGA_GC_ENABLE_SET_RESET] & 0xF);
    p->compare = spread(v->gc[VGA_GC_COLOUR_COMPARE] & 0xF);
    p->care = spread(v->gc[VGA_GC_COLOUR_CARE] & 0xF);
    choose_paths(v, linear);
}
