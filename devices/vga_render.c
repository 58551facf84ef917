/*
 * What the monitor is sent in the VGA's own modes: text, CGA, EGA and VGA graphics, 256 colours.
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "CRT Controller" and "Attribute Controller".
 *
 * No mode is known here by its number. As in the part, the CRTC counts characters and scan lines, turns its counter into
 * an address, the four bytes there become eight or nine dots, and the attribute controller gives them colours. The
 * picture is in dots of the undivided dot clock, as on the screen: 320 pixel modes are 640 wide, 200 line ones 400 high.
 *
 * Blinking, of cursor and characters, is shown in its "on" phase. The border is not shown.
 *
 * In doubleword mode the two lowest address bits come from bits 15 and 14 of the counter: the bits that chain-4 puts there.
 * IBM's table names bits 13 and 12, with which the second quarter of mode 13h would be read from where nobody wrote.
 *
 * Deviation: SR1 bits 2 and 4 (shift registers loaded every second or fourth character), skews and the blanking
 * registers do not change the picture.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/vga_core.h"

enum { PLANES_BYTES = 4 * VGA_PLANE_BYTES, MAX_CHARS = 256, REFRESH_HZ = 60 };

/* ---- Timing ---- */

/* The CRTC's frame, in character clocks and scan lines. */
struct frame {
    uint32_t chars, total_chars;
    uint32_t char_dots; /* 8 or 9 */
    uint32_t dot_ticks; /* of the dot clock: 1 or 2 */
    uint32_t lines, total_lines;
    uint32_t retrace, retrace_lines;
};

static unsigned crtc_bit(const struct vga *v, unsigned index, unsigned from, unsigned to)
{
    return (v->crtc[index] >> from & 1u) << to;
}

static unsigned crtc_vertical(const struct vga *v, unsigned index, unsigned bit8, unsigned bit9)
{
    return v->crtc[index] | crtc_bit(v, VGA_CR_OVERFLOW, bit8, 8) | crtc_bit(v, VGA_CR_OVERFLOW, bit9, 9);
}

static unsigned line_compare(const struct vga *v)
{
    return v->crtc[VGA_CR_LINE_COMPARE] | crtc_bit(v, VGA_CR_OVERFLOW, 4, 8) |
           crtc_bit(v, VGA_CR_MAX_SCAN_LINE, 6, 9);
}

/* CR17 bit 2: the vertical counter runs at half the line rate. */
static unsigned half_lines(const struct vga *v)
{
    return v->crtc[VGA_CR_MODE] & VGA_CR17_HALF_LINES ? 1 : 0;
}

static struct frame frame_of(const struct vga *v)
{
    unsigned half = half_lines(v), retrace = crtc_vertical(v, VGA_CR_V_RETRACE_START, 2, 7);
    unsigned retrace_lines = (v->crtc[VGA_CR_V_RETRACE_END] - retrace) & 0xF;

    return (struct frame){
        .chars = v->crtc[VGA_CR_H_DISPLAY_END] + 1u,
        .total_chars = v->crtc[VGA_CR_H_TOTAL] + 5u,
        .char_dots = v->seq[VGA_SEQ_CLOCKING] & VGA_SR1_EIGHT_DOTS ? 8 : 9,
        .dot_ticks = v->seq[VGA_SEQ_CLOCKING] & VGA_SR1_HALF_CLOCK ? 2 : 1,
        .lines = (crtc_vertical(v, VGA_CR_V_DISPLAY_END, 1, 6) + 1u) << half,
        .total_lines = (crtc_vertical(v, VGA_CR_V_TOTAL, 0, 5) + 2u) << half,
        .retrace = retrace << half,
        .retrace_lines = (retrace_lines ? retrace_lines : 16) << half,
    };
}

/* Dispi modes have no timing of their own: 60 pictures a second, with ordinary pauses between lines and pictures. */
static uint8_t vbe_beam_status(const struct vga *v, sim_cycles now)
{
    struct vga_vbe_mode m = vga_vbe_mode(v);
    uint64_t line_ticks = m.width + m.width / 4, lines = m.height + m.height / 16 + 4;
    uint64_t tick = sim_ticks_at(sim_clock_of(&v->dev), line_ticks * lines * REFRESH_HZ, now) % (line_ticks * lines);
    uint64_t line = tick / line_ticks;

    return (line >= m.height || tick % line_ticks >= m.width ? 0x01 : 0) |
           (line > m.height && line <= m.height + 2 ? 0x08 : 0);
}

static bool crtc_runs(const struct vga *v)
{
    return (v->crtc[VGA_CR_MODE] & VGA_CR17_RUN) && (v->seq[VGA_SEQ_RESET] & 3) == 3;
}

/* The beam's place follows from the time alone, as if the mode had been set at cycle 0. */
uint8_t vga_beam_status(const struct vga *v)
{
    sim_cycles now = sim_now(&v->dev);
    struct frame f = frame_of(v);
    uint64_t freq_hz = vga_misc_clock(v->misc) ? 28322000 : 25175000;
    uint64_t char_ticks = f.char_dots * f.dot_ticks, line_ticks = f.total_chars * char_ticks;
    uint64_t tick, line;
    bool shown, retrace;

    if (vga_vbe_on(v))
        return vbe_beam_status(v, now);
    if (!crtc_runs(v))
        return 0x01;
    tick = sim_ticks_at(sim_clock_of(&v->dev), freq_hz, now) % (line_ticks * f.total_lines);
    line = tick / line_ticks;
    shown = line < f.lines && tick % line_ticks < f.chars * char_ticks;
    retrace = line >= f.retrace && line < f.retrace + f.retrace_lines;
    return (shown ? 0 : 0x01) | (retrace ? 0x08 : 0);
}

/* ---- Addresses ---- */

/* Where the CRTC is: the counter at the line's first character, and the row within the character. */
struct scan {
    uint32_t counter;
    unsigned row;
    bool second;    /* of a doubled line */
    bool row_begins;
    bool split;     /* below the line compare */
};

static struct scan scan_start(const struct vga *v)
{
    return (struct scan){
        .counter = (uint32_t)v->crtc[VGA_CR_START_HIGH] << 8 | v->crtc[VGA_CR_START_LOW],
        .row = v->crtc[VGA_CR_PRESET_ROW] & 0x1F,
        .row_begins = true,
    };
}

static void scan_next(const struct vga *v, struct scan *s, unsigned line)
{
    s->row_begins = false;
    if (line == line_compare(v)) {
        *s = (struct scan){ .row_begins = true, .split = true };
    } else if ((v->crtc[VGA_CR_MAX_SCAN_LINE] & VGA_CR9_DOUBLE_SCAN) && !s->second) {
        s->second = true;
    } else {
        s->second = false;
        if (s->row == (v->crtc[VGA_CR_MAX_SCAN_LINE] & 0x1Fu)) {
            s->row = 0;
            s->row_begins = true;
            s->counter += 2u * v->crtc[VGA_CR_OFFSET];
        } else {
            s->row = (s->row + 1) & 0x1F;
        }
    }
}

static bool is_panned(const struct vga *v, const struct scan *s)
{
    return !s->split || !(v->attr[VGA_ATTR_MODE] & VGA_AR10_SPLIT_UNPANNED);
}

/* The counter of the line's first character as the memory sees it. */
static uint32_t first_counter(const struct vga *v, const struct scan *s)
{
    return s->counter + (is_panned(v, s) ? v->crtc[VGA_CR_PRESET_ROW] >> 5 & 3u : 0);
}

/* Byte, word and doubleword mode, and the CGA's and Hercules' rows at bits 13 and 14: CR14 and CR17. */
static uint32_t address_of(const struct vga *v, uint32_t counter, unsigned row)
{
    uint8_t mode = v->crtc[VGA_CR_MODE];
    uint32_t address = counter;

    if (v->crtc[VGA_CR_UNDERLINE] & VGA_CR14_DWORD)
        address = counter << 2 | (counter >> 14 & 3);
    else if (!(mode & VGA_CR17_BYTE))
        address = counter << 1 | (counter >> (mode & VGA_CR17_WRAP_MA15 ? 15 : 13) & 1);
    if (!(mode & VGA_CR17_ROW0_IS_MA13))
        address = (address & ~0x2000u) | (row & 1) << 13;
    if (!(mode & VGA_CR17_ROW1_IS_MA14))
        address = (address & ~0x4000u) | (row >> 1 & 1) << 14;
    return address & (VGA_PLANE_BYTES - 1);
}

/* ---- Text ---- */

static bool is_text(const struct vga *v)
{
    return !vga_vbe_on(v) && crtc_runs(v) && !(v->gc[VGA_GC_MISC] & VGA_GR6_GRAPHICS);
}

static uint32_t cursor_counter(const struct vga *v)
{
    return (uint32_t)v->crtc[VGA_CR_CURSOR_HIGH] << 8 | v->crtc[VGA_CR_CURSOR_LOW];
}

static bool is_cursor_row(const struct vga *v, unsigned row)
{
    return !(v->crtc[VGA_CR_CURSOR_START] & VGA_CRA_CURSOR_OFF) && row >= (v->crtc[VGA_CR_CURSOR_START] & 0x1Fu) &&
           row <= (v->crtc[VGA_CR_CURSOR_END] & 0x1Fu);
}

static bool cursor_shows(const struct vga *v)
{
    for (unsigned row = 0; row <= (v->crtc[VGA_CR_MAX_SCAN_LINE] & 0x1Fu); row++)
        if (is_cursor_row(v, row))
            return true;
    return false;
}

/* Plane offset of one of the eight character maps. SR3 holds map B (attribute bit 3 clear) in bits 4, 1, 0, map A in 5, 3, 2. */
static uint32_t font_base(const struct vga *v, bool map_a)
{
    uint8_t sr3 = v->seq[VGA_SEQ_CHAR_MAP];
    unsigned low = map_a ? sr3 >> 2 & 3 : sr3 & 3, high = map_a ? sr3 >> 5 & 1 : sr3 >> 4 & 1;

    return low * 0x4000 + high * 0x2000;
}

static void text_dots(const struct vga *v, const uint8_t *planes, const uint8_t *cell, unsigned row, bool cursor,
                      uint8_t dots[9])
{
    uint8_t ch = cell[0], attr = cell[1], mode = v->attr[VGA_ATTR_MODE];
    uint8_t front = attr & 0xF, back = attr >> 4 & (mode & VGA_AR10_BLINK ? 0x7 : 0xF);
    unsigned glyph = planes[(font_base(v, attr & 8) + ch * 32u + row) * 4 + 2];
    bool ninth = (mode & VGA_AR10_LINE_GRAPHICS) && ch >= 0xC0 && ch <= 0xDF && (glyph & 1);

    glyph = glyph << 1 | ninth;
    if (cursor || ((attr & 7) == 1 && row == (v->crtc[VGA_CR_UNDERLINE] & 0x1Fu)))
        glyph = 0x1FF;
    for (unsigned i = 0; i < 9; i++)
        dots[i] = glyph >> (8 - i) & 1 ? front : back;
}

/* ---- Graphics ---- */

static void graphics_dots(const struct vga *v, const uint8_t *word, uint8_t dots[8])
{
    uint8_t mode = v->gc[VGA_GC_MODE];

    for (unsigned i = 0; i < 8; i++) {
        if (mode & VGA_GR5_SHIFT256) {
            dots[i] = i & 1 ? word[i / 2] & 0xF : word[i / 2] >> 4;
        } else if (mode & VGA_GR5_INTERLEAVE) {
            unsigned from = 6 - 2 * (i & 3), plane = i / 4;

            dots[i] = (uint8_t)((word[plane] >> from & 3) | (word[plane + 2] >> from & 3) << 2);
        } else {
            dots[i] = 0;
            for (unsigned plane = 0; plane < 4; plane++)
                dots[i] |= (uint8_t)((word[plane] >> (7 - i) & 1) << plane);
        }
    }
}

/* ---- Colours ---- */

void vga_attr_colours(const struct vga *v, uint8_t out[16])
{
    uint8_t select = v->attr[VGA_ATTR_COLOUR_SELECT];

    for (unsigned i = 0; i < 16; i++) {
        uint8_t c = v->attr[i & v->attr[VGA_ATTR_PLANES] & 0xF] & 0x3F;

        if (v->attr[VGA_ATTR_MODE] & VGA_AR10_COLOUR_SELECT)
            c = (uint8_t)((c & 0xF) | (select & 3) << 4);
        out[i] = (uint8_t)(c | (select & 0xC) << 4);
    }
}

/* What does not change within a picture. */
struct painter {
    const struct vga *v;
    struct frame f;
    const uint8_t *planes;
    uint32_t colour[256]; /* of a dot's value, or of two dots' with 8-bit pixels */
};

static void choose_colours(struct painter *p)
{
    const struct vga *v = p->v;
    bool blank = v->seq[VGA_SEQ_CLOCKING] & VGA_SR1_SCREEN_OFF, pixel8 = v->attr[VGA_ATTR_MODE] & VGA_AR10_PIXEL8;
    uint8_t attr[16], enabled = v->attr[VGA_ATTR_PLANES] & 0xF;

    vga_attr_colours(v, attr);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t entry = pixel8 ? i & (enabled * 0x11u) : attr[i & 0xF];

        if (!(v->attr_index & VGA_ATTR_PALETTE_SOURCE))
            entry = v->attr[VGA_ATTR_OVERSCAN]; /* the CPU has the palette: border everywhere */
        p->colour[i] = blank ? 0 : vga_dac_rgb(v, entry & v->dac_mask);
    }
}

/* Dots to the left that panning moves out of sight. */
static unsigned pan_dots(const struct painter *p, const struct scan *s)
{
    unsigned pan = is_panned(p->v, s) ? p->v->attr[VGA_ATTR_PANNING] & 0xFu : p->f.char_dots == 9 ? 8 : 0;

    if (p->f.char_dots == 9)
        return pan >= 8 ? 0 : pan + 1;
    return pan & (p->v->attr[VGA_ATTR_MODE] & VGA_AR10_PIXEL8 ? 6u : 7u);
}

static void paint_line(const struct painter *p, const struct scan *s, uint32_t *out)
{
    const struct vga *v = p->v;
    bool text = is_text(v);
    unsigned count_by = v->crtc[VGA_CR_UNDERLINE] & VGA_CR14_COUNT_BY_4 ? 4
                        : v->crtc[VGA_CR_MODE] & VGA_CR17_COUNT_BY_2    ? 2
                                                                         : 1;
    uint8_t dots[(MAX_CHARS + 1) * 9 + 1] = { 0 };
    const uint8_t *from;

    for (uint32_t c = 0; c <= p->f.chars; c++) {
        uint32_t counter = first_counter(v, s) + c / count_by;
        const uint8_t *word = p->planes + address_of(v, counter, s->row) * 4;
        uint8_t *to = dots + c * p->f.char_dots;
        uint8_t nine[9] = { 0 };

        if (text)
            text_dots(v, p->planes, word, s->row,
                      ((counter ^ cursor_counter(v)) & 0xFFFF) == 0 && is_cursor_row(v, s->row), nine);
        else
            graphics_dots(v, word, nine);
        memcpy(to, nine, p->f.char_dots);
    }
    if (v->attr[VGA_ATTR_MODE] & VGA_AR10_PIXEL8)
        for (uint32_t i = 0; i + 1 < sizeof dots; i += 2)
            dots[i] = dots[i + 1] = (uint8_t)(dots[i] << 4 | dots[i + 1]);
    from = dots + pan_dots(p, s);
    for (uint32_t i = 0; i < p->f.chars * p->f.char_dots; i++)
        for (uint32_t tick = 0; tick < p->f.dot_ticks; tick++)
            *out++ = p->colour[from[i]];
}

/* ---- The class's operations ---- */

bool vga_picture(struct sim_device *dev, struct sim_picture *out)
{
    struct vga *v = vga_of(dev);
    struct painter p = { .v = v, .f = frame_of(v) };
    uint32_t width = p.f.chars * p.f.char_dots * p.f.dot_ticks;
    struct scan s = scan_start(v);
    uint32_t *pixels;
    uint8_t *planes;

    if (vga_vbe_on(v))
        return vga_vbe_picture(v, out);
    if (!crtc_runs(v))
        return false;
    pixels = malloc(sizeof *pixels * width * p.f.lines);
    planes = malloc(PLANES_BYTES);
    if (!pixels || !planes) {
        free(pixels);
        free(planes);
        return false;
    }
    bus_ram_get(v->vram, 0, planes, PLANES_BYTES);
    p.planes = planes;
    choose_colours(&p);
    for (uint32_t y = 0; y < p.f.lines; y++) {
        paint_line(&p, &s, pixels + (size_t)y * width);
        if (!half_lines(v) || (y & 1))
            scan_next(v, &s, y >> half_lines(v));
    }
    free(planes);
    *out = (struct sim_picture){ .width = width, .height = p.f.lines, .pixels = pixels };
    return true;
}

static void text_row(const struct vga *v, const struct scan *s, struct sim_text_screen *out)
{
    for (uint32_t c = 0; c < out->columns; c++) {
        uint32_t counter = first_counter(v, s) + c;
        uint8_t word[4];

        bus_ram_get(v->vram, address_of(v, counter, s->row) * 4, word, 4);
        out->cell[out->rows * out->columns + c] = (uint16_t)(word[0] | word[1] << 8);
        if (out->cursor_row < 0 && ((counter ^ cursor_counter(v)) & 0xFFFF) == 0 && cursor_shows(v)) {
            out->cursor_row = (int32_t)out->rows;
            out->cursor_column = (int32_t)c;
        }
    }
    out->rows++;
}

bool vga_text(struct sim_device *dev, struct sim_text_screen *out)
{
    struct vga *v = vga_of(dev);
    struct frame f = frame_of(v);
    struct scan s = scan_start(v);

    if (!is_text(v))
        return false;
    memset(out, 0, sizeof *out);
    out->columns = f.chars < 132 ? f.chars : 132;
    out->cursor_row = out->cursor_column = -1;
    for (uint32_t line = 0; line < f.lines >> half_lines(v) && out->rows < 60; line++) {
        if (s.row_begins)
            text_row(v, &s, out);
        scan_next(v, &s, line);
    }
    return true;
}

void vga_describe(struct sim_device *dev, struct sim_buf *out)
{
    struct vga *v = vga_of(dev);
    struct frame f = frame_of(v);
    struct vga_vbe_mode m = vga_vbe_mode(v);

    if (vga_vbe_on(v))
        sim_buf_printf(out, "dispi mode, %u x %u, %u bits a pixel, %u bytes a line\n", m.width, m.height, m.bpp,
                       m.line_bytes);
    else if (!crtc_runs(v))
        sim_buf_printf(out, "no picture: the CRTC or the sequencer is in reset\n");
    else
        sim_buf_printf(out, "%s, %u characters of %u dots, %u lines\n", is_text(v) ? "text" : "graphics", f.chars,
                       f.char_dots, f.lines);
}
