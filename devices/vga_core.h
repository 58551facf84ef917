/*
 * What the files of the VGA share: its registers, its derived state, and who answers what.
 *
 *   vga.c         registers and ports, PCI, reset
 *   vga_memory.c  the window at A0000: planes, latches, write modes
 *   vga_vbe.c     the "dispi" registers and their pictures
 *   vga_render.c  picture and text of the VGA's own modes; where the beam is
 *   vga_modes.c   text mode without firmware
 *
 * Register names and numbers: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".
 */
#ifndef LIBSIM_DEVICES_VGA_CORE_H
#define LIBSIM_DEVICES_VGA_CORE_H

#include "bus/bus.h"

#define VGA_DEVFN       (2 << 3)     /* device 2, function 0 */
#define VGA_VRAM_BYTES  (16u << 20) /* power of two: accesses wrap by mask */
#define VGA_PLANE_BYTES 0x10000u    /* of a plane, as the CRTC and the CPU reach it */

/* Miscellaneous output register: written at 3C2, read at 3CC. */
#define VGA_MISC(X, p)                                                          \
    X(p, vsync,      7, 7, "vertical sync polarity")                            \
    X(p, hsync,      6, 6, "horizontal sync polarity")                          \
    X(p, page,       5, 5, "page of odd/even modes (no effect)")                \
    X(p, clock,      3, 2, "dot clock: 0 25.175 MHz, 1 28.322 MHz")             \
    X(p, ram,        1, 1, "the CPU reaches the display memory")                \
    X(p, colour,     0, 0, "1 CRTC at 3D4, status 1 at 3DA; 0 at 3B4, 3BA")
SIM_BITS_DEFINE(vga_misc, VGA_MISC)

/* Dispi enable register. */
#define VGA_VBE_ENABLE(X, p)                                                    \
    X(p, keep,       7, 7, "leave the memory as it is when enabling")           \
    X(p, lfb,        6, 6, "linear frame buffer wanted (always there)")         \
    X(p, dac8,       5, 5, "8 bits per colour in the palette")                  \
    X(p, caps,       1, 1, "xres, yres and bpp read as their maxima")           \
    X(p, on,         0, 0, "dispi mode instead of a VGA mode")
SIM_BITS_DEFINE(vga_vbe_enable, VGA_VBE_ENABLE)

enum {
    VGA_SEQ_RESET, VGA_SEQ_CLOCKING, VGA_SEQ_MAP_MASK, VGA_SEQ_CHAR_MAP, VGA_SEQ_MEMORY_MODE, VGA_SEQ_COUNT
};
enum {
    VGA_SR1_EIGHT_DOTS = 0x01, VGA_SR1_HALF_CLOCK = 0x08, VGA_SR1_SCREEN_OFF = 0x20,
    VGA_SR4_SEQUENTIAL = 0x04, /* clear: odd/even */
    VGA_SR4_CHAIN4 = 0x08
};

enum {
    VGA_GC_SET_RESET, VGA_GC_ENABLE_SET_RESET, VGA_GC_COLOUR_COMPARE, VGA_GC_ROTATE, VGA_GC_READ_MAP, VGA_GC_MODE,
    VGA_GC_MISC, VGA_GC_COLOUR_CARE, VGA_GC_BIT_MASK, VGA_GC_COUNT
};
enum {
    VGA_GR5_WRITE_MODE = 0x03, VGA_GR5_READ_MODE = 0x08, VGA_GR5_ODD_EVEN = 0x10, VGA_GR5_INTERLEAVE = 0x20,
    VGA_GR5_SHIFT256 = 0x40,
    VGA_GR6_GRAPHICS = 0x01, VGA_GR6_CHAIN_ODD_EVEN = 0x02
};

enum {
    VGA_CR_H_TOTAL, VGA_CR_H_DISPLAY_END, VGA_CR_H_BLANK_START, VGA_CR_H_BLANK_END, VGA_CR_H_RETRACE_START,
    VGA_CR_H_RETRACE_END, VGA_CR_V_TOTAL, VGA_CR_OVERFLOW, VGA_CR_PRESET_ROW, VGA_CR_MAX_SCAN_LINE,
    VGA_CR_CURSOR_START, VGA_CR_CURSOR_END, VGA_CR_START_HIGH, VGA_CR_START_LOW, VGA_CR_CURSOR_HIGH, VGA_CR_CURSOR_LOW,
    VGA_CR_V_RETRACE_START, VGA_CR_V_RETRACE_END, VGA_CR_V_DISPLAY_END, VGA_CR_OFFSET, VGA_CR_UNDERLINE,
    VGA_CR_V_BLANK_START, VGA_CR_V_BLANK_END, VGA_CR_MODE, VGA_CR_LINE_COMPARE, VGA_CR_COUNT
};
enum {
    VGA_CR9_DOUBLE_SCAN = 0x80, VGA_CRA_CURSOR_OFF = 0x20,
    VGA_CR11_PROTECT = 0x80, VGA_CR11_NO_INTERRUPT = 0x20, VGA_CR11_INTERRUPT_KEPT = 0x10,
    VGA_CR14_COUNT_BY_4 = 0x20, VGA_CR14_DWORD = 0x40,
    VGA_CR17_ROW0_IS_MA13 = 0x01, VGA_CR17_ROW1_IS_MA14 = 0x02, /* clear: replaced */
    VGA_CR17_HALF_LINES = 0x04, VGA_CR17_COUNT_BY_2 = 0x08, VGA_CR17_WRAP_MA15 = 0x20, VGA_CR17_BYTE = 0x40,
    VGA_CR17_RUN = 0x80
};

enum {
    VGA_ATTR_MODE = 0x10, VGA_ATTR_OVERSCAN, VGA_ATTR_PLANES, VGA_ATTR_PANNING, VGA_ATTR_COLOUR_SELECT, VGA_ATTR_COUNT
};
enum {
    VGA_ATTR_PALETTE_SOURCE = 0x20, /* in the index: the palette drives the picture, not the CPU */
    VGA_AR10_LINE_GRAPHICS = 0x04, VGA_AR10_BLINK = 0x08, VGA_AR10_SPLIT_UNPANNED = 0x20, VGA_AR10_PIXEL8 = 0x40,
    VGA_AR10_COLOUR_SELECT = 0x80
};

enum {
    VGA_VBE_ID, VGA_VBE_XRES, VGA_VBE_YRES, VGA_VBE_BPP, VGA_VBE_ENABLE_REG, VGA_VBE_BANK, VGA_VBE_VIRT_WIDTH,
    VGA_VBE_VIRT_HEIGHT, VGA_VBE_X_OFFSET, VGA_VBE_Y_OFFSET, VGA_VBE_COUNT,
    VGA_VBE_VIDEO_MEMORY_64K = VGA_VBE_COUNT
};

/* The graphics controller's settings, spread over a 32-bit word that holds one byte of each plane (plane 0 lowest). */
struct vga_pipe {
    uint32_t map;        /* planes that writes change */
    uint32_t bits;       /* bit mask */
    uint32_t set, set_on; /* set/reset and its enable */
    uint32_t compare, care;
    uint32_t base;       /* of the window, in plane bytes */
};

struct vga {
    struct sim_device dev;
    struct sim_pci_function pci;

    uint8_t misc, feature;
    uint8_t seq_index, seq[VGA_SEQ_COUNT];
    uint8_t gc_index, gc[VGA_GC_COUNT];
    uint8_t crtc_index, crtc[VGA_CR_COUNT];
    uint8_t attr_index, attr_flip, attr[VGA_ATTR_COUNT];
    uint8_t dac_mask, dac_index, dac_cycle, dac_state, dac_colour[3], dac[256 * 3];
    uint16_t vbe_index, vbe[VGA_VBE_COUNT];
    uint32_t latch;

    /* derived */
    struct bus_ram *vram; /* byte n of plane p is at 4n + p */
    uint8_t *rom_image;
    struct sim_range window, ports, crtc_ports, status_port, vbe_ports;
    uint16_t crtc_first;
    bool io_open, window_open;           /* are mapped */
    uint32_t window_first, window_bytes; /* what GR6 opens, from A0000 */
    uint32_t linear_base;                /* of the window in dispi modes without planes */
    struct vga_pipe pipe;
    void (*mem_write)(struct vga *v, uint32_t off, uint32_t value, unsigned size); /* off: into the open window */
    uint32_t (*mem_read)(struct vga *v, uint32_t off, unsigned size);
};

static inline struct vga *vga_of(struct sim_device *dev)
{
    return (struct vga *)dev;
}

static inline bool vga_vbe_on(const struct vga *v)
{
    return vga_vbe_enable_on(v->vbe[VGA_VBE_ENABLE_REG]);
}

/* ---- vga.c ---- */

/* The registers behind ports 3B0..3DF, one byte each; absent ones read as all ones. */
uint8_t vga_port_read(struct vga *v, uint16_t port);
void vga_port_write(struct vga *v, uint16_t port, uint8_t value);
uint8_t vga_port_peek(const struct vga *v, uint16_t port);
/* Rebuilds everything that follows from the registers. */
void vga_update(struct vga *v);
/* 0x00RRGGBB of a DAC entry. */
uint32_t vga_dac_rgb(const struct vga *v, uint8_t index);

/* ---- vga_memory.c ---- */

extern const struct sim_range_ops vga_window_ops;
/* Chooses the window and the paths through it; after a change of sequencer, graphics controller or dispi registers. */
void vga_memory_update(struct vga *v);

/* ---- vga_vbe.c ---- */

/* A dispi picture, always inside the memory. */
struct vga_vbe_mode {
    uint32_t width, height;
    uint32_t bpp;        /* 4, 8, 15, 16, 24, 32 */
    uint32_t line_bytes; /* in the memory */
    uint32_t x, y;       /* of the top left pixel */
};

extern const struct sim_range_ops vga_vbe_port_ops;
extern const struct sim_range_ops vga_mmio_ops;
void vga_vbe_reset(struct vga *v);
struct vga_vbe_mode vga_vbe_mode(const struct vga *v);
bool vga_vbe_picture(struct vga *v, struct sim_picture *out);

/* ---- vga_render.c ---- */

bool vga_picture(struct sim_device *dev, struct sim_picture *out);
bool vga_text(struct sim_device *dev, struct sim_text_screen *out);
void vga_describe(struct sim_device *dev, struct sim_buf *out);
/* Colours of the 16 values of a pixel, through the attribute controller: DAC entries. */
void vga_attr_colours(const struct vga *v, uint8_t out[16]);
/* Input status 1: bit 0 nothing is displayed, bit 3 vertical retrace. */
uint8_t vga_beam_status(const struct vga *v);

#endif
