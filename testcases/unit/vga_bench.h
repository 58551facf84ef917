/* A bus with a VGA on it, as its tests use it. */
#ifndef LIBSIM_TESTCASES_VGA_BENCH_H
#define LIBSIM_TESTCASES_VGA_BENCH_H

#include <check.h>

#include "bus/bus.h"

struct vga_bench {
    struct sim_clock clock;
    struct sim_log log;
    struct bus *bus;
    struct sim_device *dev;
};

/* With the CPU clock at that of the dots in text mode 3, I/O and memory enabled. */
struct vga_bench *bench_new(void);
/* The device as it comes out of reset: PCI command 0. `rom` becomes the VGA BIOS; NULL for none. */
struct vga_bench *bench_new_closed(const uint8_t *rom, size_t rom_bytes);
void bench_free(struct vga_bench *b);

uint64_t bench_do(struct vga_bench *b, enum bus_kind kind, uint64_t addr, uint64_t data, unsigned size);
uint8_t inb(struct vga_bench *b, uint16_t port);
uint16_t inw(struct vga_bench *b, uint16_t port);
void outb(struct vga_bench *b, uint16_t port, uint8_t value);
void outw(struct vga_bench *b, uint16_t port, uint16_t value);
/* Index and data of sequencer, graphics controller and (colour) CRTC; the attribute controller; the dispi registers. */
void set_seq(struct vga_bench *b, uint8_t index, uint8_t value);
void set_gc(struct vga_bench *b, uint8_t index, uint8_t value);
void set_crtc(struct vga_bench *b, uint8_t index, uint8_t value);
void set_attr(struct vga_bench *b, uint8_t index, uint8_t value);
void set_dispi(struct vga_bench *b, uint16_t index, uint16_t value);
uint16_t get_dispi(struct vga_bench *b, uint16_t index);
void set_dac(struct vga_bench *b, uint8_t index, uint8_t red, uint8_t green, uint8_t blue);

uint32_t mem_read(struct vga_bench *b, uint32_t paddr, unsigned size);
void mem_write(struct vga_bench *b, uint32_t paddr, uint32_t value, unsigned size);

/* A mode's registers, as the BIOS sets them. The palette: attribute i is DAC entry i, and entry i is (i, 0, 63 - i & 63). */
struct vga_mode {
    uint8_t misc, seq[5], crtc[25], gc[9], attr_mode, attr_planes;
};
extern const struct vga_mode mode_04, mode_0d, mode_12, mode_13;
void bench_set_mode(struct vga_bench *b, const struct vga_mode *mode);
/* The colour of DAC entry `i` in that palette. */
uint32_t palette_rgb(unsigned i);

/* The picture, to be released by free(p.pixels). */
struct sim_picture bench_picture(struct vga_bench *b);

Suite *vga_memory_suite(void);
Suite *vga_render_suite(void);
Suite *vga_vbe_suite(void);

#endif
