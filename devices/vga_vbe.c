/*
 * The "dispi" registers: pictures beyond the VGA's, in the manner of Bochs.
 * Bochs, "VBE display interface" (bochs/iodev/display: vbe.h, and the text of the VGABIOS project, vbe_display_api.txt).
 *
 *   1CE  index (16 bits)         1CF, 1D0  data (16 bits)
 *   0 id          B0C0 to B0C5
 *   1, 2, 3       xres, yres, bpp; may be written while disabled
 *   4 enable      vga_vbe_enable in vga_core.h
 *   5 bank        64 KiB of the memory (4 bpp: of each plane) at A0000
 *   6, 7          virtual width; virtual height (read only: as many lines as the memory holds)
 *   8, 9          top left pixel of the picture in the virtual screen
 *   A             size of the memory in units of 64 KiB (read only)
 *
 * BAR 2: dispi register n at 500 + 2n, ports 3C0..3DF at 400; the rest (EDID, byte order) reads as 0.
 *
 * While enabled, the A0000 window shows the bank and the picture is the dispi one, whatever the VGA registers say; they keep their
 * values, so that disabling brings the VGA mode back. A value that makes no picture inside the memory is refused:
 * the register keeps its old value, with a line in the log.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/vga_core.h"

enum { MAX_XRES = 4096, MAX_YRES = 4096, FIRST_ID = 0xB0C0, LAST_ID = 0xB0C5 };

void vga_vbe_reset(struct vga *v)
{
    v->vbe_index = 0;
    memset(v->vbe, 0, sizeof v->vbe);
    v->vbe[VGA_VBE_ID] = LAST_ID;
    v->vbe[VGA_VBE_BPP] = 8;
}

static bool known_bpp(uint32_t bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Four bits are one of each plane: eight pixels take one byte of each. */
static uint32_t line_bytes(uint32_t width, uint32_t bpp)
{
    return bpp == 4 ? (width + 7) / 8 * 4 : width * ((bpp + 7) / 8);
}

static bool fits(const struct vga_vbe_mode *m)
{
    return m->line_bytes >= line_bytes(m->width, m->bpp) && (uint64_t)(m->y + m->height - 1) * m->line_bytes +
           line_bytes(m->x + m->width, m->bpp) <= VGA_VRAM_BYTES;
}

static struct vga_vbe_mode mode_of(const uint16_t reg[VGA_VBE_COUNT])
{
    return (struct vga_vbe_mode){
        .width = reg[VGA_VBE_XRES], .height = reg[VGA_VBE_YRES], .bpp = reg[VGA_VBE_BPP],
        .line_bytes = line_bytes(reg[VGA_VBE_VIRT_WIDTH], reg[VGA_VBE_BPP]),
        .x = reg[VGA_VBE_X_OFFSET], .y = reg[VGA_VBE_Y_OFFSET],
    };
}

static bool makes_picture(const uint16_t reg[VGA_VBE_COUNT])
{
    struct vga_vbe_mode m = mode_of(reg);

    return known_bpp(m.bpp) && m.width && m.width <= MAX_XRES && m.height && m.height <= MAX_YRES && fits(&m);
}

/* What virtual height reads as. */
static uint16_t lines_in_memory(const uint16_t reg[VGA_VBE_COUNT])
{
    uint32_t bytes = mode_of(reg).line_bytes;

    return (uint16_t)(bytes > VGA_VRAM_BYTES / 0xFFFF ? VGA_VRAM_BYTES / bytes : 0xFFFF);
}

/* Registers that a restored file brought may be anything; then the picture is the smallest. */
struct vga_vbe_mode vga_vbe_mode(const struct vga *v)
{
    if (!makes_picture(v->vbe))
        return (struct vga_vbe_mode){ .width = 8, .height = 1, .bpp = 8, .line_bytes = 8 };
    return mode_of(v->vbe);
}

/* ---- Registers ---- */

/* The colours stay what they are when the DAC changes its width. */
static void set_dac_width(struct vga *v, bool dac8)
{
    for (unsigned i = 0; i < sizeof v->dac; i++)
        v->dac[i] = dac8 ? (uint8_t)(v->dac[i] << 2) : v->dac[i] >> 2;
}

static void clear_picture(struct vga *v)
{
    static const uint8_t zeros[SIM_PAGE_SIZE];
    struct vga_vbe_mode m = vga_vbe_mode(v);
    uint32_t bytes = m.line_bytes * m.height;

    for (uint32_t off = 0; off < bytes; off += SIM_PAGE_SIZE)
        bus_ram_put(v->vram, off, zeros, bytes - off < SIM_PAGE_SIZE ? bytes - off : SIM_PAGE_SIZE);
}

static void write_enable(struct vga *v, uint16_t value)
{
    uint16_t next[VGA_VBE_COUNT], old = v->vbe[VGA_VBE_ENABLE_REG];
    bool turned_on = vga_vbe_enable_on(value) && !vga_vbe_enable_on(old);

    value &= 0xE3;
    memcpy(next, v->vbe, sizeof next);
    next[VGA_VBE_ENABLE_REG] = value;
    if (turned_on) {
        next[VGA_VBE_VIRT_WIDTH] = next[VGA_VBE_XRES];
        next[VGA_VBE_VIRT_HEIGHT] = lines_in_memory(next);
        next[VGA_VBE_X_OFFSET] = next[VGA_VBE_Y_OFFSET] = 0;
        next[VGA_VBE_BANK] = 0;
        if (!makes_picture(next)) {
            sim_device_log(&v->dev, SIM_LOG_WARN, "dispi: %u x %u with %u bits is no mode here; not enabled",
                           next[VGA_VBE_XRES], next[VGA_VBE_YRES], next[VGA_VBE_BPP]);
            return;
        }
    } else if (!vga_vbe_enable_on(value)) {
        next[VGA_VBE_BANK] = 0;
    }
    memcpy(v->vbe, next, sizeof next);
    if (vga_vbe_enable_dac8(old) != vga_vbe_enable_dac8(value))
        set_dac_width(v, vga_vbe_enable_dac8(value));
    if (turned_on && !vga_vbe_enable_keep(value))
        clear_picture(v);
    vga_memory_update(v);
}

static void write_geometry(struct vga *v, unsigned index, uint16_t value)
{
    uint16_t next[VGA_VBE_COUNT];

    memcpy(next, v->vbe, sizeof next);
    next[index] = value;
    if (vga_vbe_on(v)) {
        if (index == VGA_VBE_VIRT_WIDTH && value < next[VGA_VBE_XRES])
            next[index] = next[VGA_VBE_XRES];
        next[VGA_VBE_VIRT_HEIGHT] = lines_in_memory(next);
        if (!makes_picture(next)) {
            sim_device_log(&v->dev, SIM_LOG_WARN, "dispi: register %u cannot be %u: the picture would leave the memory",
                           index, value);
            return;
        }
    }
    memcpy(v->vbe, next, sizeof next);
}

static void vbe_write(struct vga *v, unsigned index, uint16_t value)
{
    switch (index) {
    case VGA_VBE_ID:
        if (value >= FIRST_ID && value <= LAST_ID)
            v->vbe[index] = value;
        break;
    case VGA_VBE_XRES:
    case VGA_VBE_YRES:
    case VGA_VBE_BPP:
        if (vga_vbe_on(v) && value != v->vbe[index])
            sim_device_log(&v->dev, SIM_LOG_WARN, "dispi: register %u stays %u while enabled", index, v->vbe[index]);
        else if (index == VGA_VBE_BPP ? !known_bpp(value) : value > MAX_XRES)
            sim_device_log(&v->dev, SIM_LOG_WARN, "dispi: register %u cannot be %u", index, value);
        else
            v->vbe[index] = value;
        break;
    case VGA_VBE_ENABLE_REG: write_enable(v, value); break;
    case VGA_VBE_BANK:
        v->vbe[index] = value & (VGA_VRAM_BYTES / 0x10000 - 1);
        vga_memory_update(v);
        break;
    case VGA_VBE_VIRT_WIDTH:
    case VGA_VBE_X_OFFSET:
    case VGA_VBE_Y_OFFSET: write_geometry(v, index, value); break;
    }
}

static uint16_t vbe_read(const struct vga *v, unsigned index)
{
    bool caps = vga_vbe_enable_caps(v->vbe[VGA_VBE_ENABLE_REG]);

    if (index == VGA_VBE_VIDEO_MEMORY_64K)
        return VGA_VRAM_BYTES / 0x10000;
    if (index >= VGA_VBE_COUNT)
        return 0;
    if (caps && index == VGA_VBE_XRES)
        return MAX_XRES;
    if (caps && index == VGA_VBE_YRES)
        return MAX_YRES;
    if (caps && index == VGA_VBE_BPP)
        return 32;
    return v->vbe[index];
}

/* ---- Ports: the index at 0, data at 1 and at 2. A byte written is a word with zeros above ---- */

static uint64_t port_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct vga *v = vga_of(dev);

    if (off == 3)
        return 0xFFFF;
    return off == 0 ? v->vbe_index : vbe_read(v, v->vbe_index);
}

static void port_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct vga *v = vga_of(dev);

    if (off == 0)
        v->vbe_index = (uint16_t)value;
    else if (off < 3)
        vbe_write(v, v->vbe_index, (uint16_t)value);
}

const struct sim_range_ops vga_vbe_port_ops = {
    .read = port_read, .write = port_write, .peek = port_read, .max_size = 2,
};

/* ---- BAR 2 ---- */

enum { MMIO_PORTS = 0x400, MMIO_DISPI = 0x500, MMIO_DISPI_END = MMIO_DISPI + 2 * (VGA_VBE_VIDEO_MEMORY_64K + 1) };

static bool is_mmio_port(uint64_t off)
{
    return off >= MMIO_PORTS && off < MMIO_PORTS + 0x20;
}

static uint8_t mmio_byte(struct vga *v, uint64_t off, bool look)
{
    uint16_t port = (uint16_t)(off - MMIO_PORTS + 0x3C0);

    if (is_mmio_port(off))
        return look ? vga_port_peek(v, port) : vga_port_read(v, port);
    if (off >= MMIO_DISPI && off < MMIO_DISPI_END)
        return (uint8_t)(vbe_read(v, (unsigned)(off - MMIO_DISPI) / 2) >> 8 * (off & 1));
    return 0;
}

static uint64_t mmio_look(struct vga *v, uint64_t off, unsigned size, bool look)
{
    uint64_t value = mmio_byte(v, off, look);

    return size == 1 ? value : value | (uint64_t)mmio_byte(v, off + 1, look) << 8;
}

static uint64_t mmio_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return mmio_look(vga_of(dev), off, size, false);
}

static uint64_t mmio_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return mmio_look(vga_of(dev), off, size, true);
}

static void mmio_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct vga *v = vga_of(dev);

    if (off >= MMIO_DISPI && off < MMIO_DISPI_END && size == 2 && !(off & 1)) {
        vbe_write(v, (unsigned)(off - MMIO_DISPI) / 2, (uint16_t)value);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        if (is_mmio_port(off + i))
            vga_port_write(v, (uint16_t)(off + i - MMIO_PORTS + 0x3C0), (uint8_t)(value >> 8 * i));
}

const struct sim_range_ops vga_mmio_ops = {
    .read = mmio_read, .write = mmio_write, .peek = mmio_peek, .max_size = 2,
};

/* ---- The picture ---- */

static uint32_t widen(uint32_t value, unsigned lo, unsigned bits)
{
    uint32_t c = value >> lo & ((1u << bits) - 1);

    return c << (8 - bits) | c >> (2 * bits - 8);
}

/* `from` is the first pixel's place in `line`, in pixels. */
static void draw_line(const uint8_t *line, uint32_t from, const struct vga_vbe_mode *m, const uint32_t *colours,
                      uint32_t *out)
{
    for (uint32_t x = 0; x < m->width; x++) {
        uint32_t at = from + x, value = 0;
        const uint8_t *p = line + at * ((m->bpp + 7) / 8);

        switch (m->bpp) {
        case 4:
            for (unsigned plane = 0; plane < 4; plane++)
                value |= (line[at / 8 * 4 + plane] >> (7 - at % 8) & 1u) << plane;
            out[x] = colours[value];
            break;
        case 8: out[x] = colours[p[0]]; break;
        case 15:
            value = p[0] | (uint32_t)p[1] << 8;
            out[x] = widen(value, 10, 5) << 16 | widen(value, 5, 5) << 8 | widen(value, 0, 5);
            break;
        case 16:
            value = p[0] | (uint32_t)p[1] << 8;
            out[x] = widen(value, 11, 5) << 16 | widen(value, 5, 6) << 8 | widen(value, 0, 5);
            break;
        default: out[x] = (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]; break;
        }
    }
}

bool vga_vbe_picture(struct vga *v, struct sim_picture *out)
{
    struct vga_vbe_mode m = vga_vbe_mode(v);
    uint32_t from = m.bpp == 4 ? m.x % 8 : 0, bytes = line_bytes(from + m.width, m.bpp);
    uint32_t skip = m.bpp == 4 ? m.x / 8 * 4 : line_bytes(m.x, m.bpp);
    uint32_t *pixels = malloc(sizeof *pixels * m.width * m.height), colours[256];
    uint8_t *line = malloc(bytes), attr[16];

    if (!pixels || !line) {
        free(pixels);
        free(line);
        return false;
    }
    vga_attr_colours(v, attr);
    for (unsigned i = 0; i < 256; i++)
        colours[i] = vga_dac_rgb(v, (m.bpp == 4 ? attr[i & 0xF] : i) & v->dac_mask);
    for (uint32_t y = 0; y < m.height; y++) {
        uint32_t off = (m.y + y) * m.line_bytes + skip;

        bus_ram_get(v->vram, off, line, bytes);
        draw_line(line, from, &m, colours, pixels + (size_t)y * m.width);
    }
    free(line);
    *out = (struct sim_picture){ .width = m.width, .height = m.height, .pixels = pixels };
    return true;
}
