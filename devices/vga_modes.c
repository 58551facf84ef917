/*
 * Text mode 3 without firmware: the registers that IBM's BIOS sets for 80 x 25 colour text of 9 x 16 dots on a colour monitor.
 * IBM PS/2 and PC BIOS Interface Technical Reference, "Video parameter table", mode 3+.
 */
#include <string.h>

#include "devices/font.h"
#include "devices/vga.h"
#include "devices/vga_core.h"

static const uint8_t text_seq[VGA_SEQ_COUNT] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
static const uint8_t text_crtc[VGA_CR_COUNT] = {
    0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00,
    0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF
};
static const uint8_t text_gc[VGA_GC_COUNT] = { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF };
/* The EGA's colours: brown is dark yellow with less green. */
static const uint8_t text_attr[VGA_ATTR_COUNT] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F,
    0x0C, 0x00, 0x0F, 0x08, 0x00
};

/* DAC entries 0..63 are the EGA's 64 colours: bits 2..0 are two thirds, bits 5..3 one third of red, green and blue. */
static void set_ega_colours(struct vga *v)
{
    memset(v->dac, 0, sizeof v->dac);
    for (unsigned i = 0; i < 64; i++)
        for (unsigned c = 0; c < 3; c++)
            v->dac[3 * i + c] = (uint8_t)((i >> (2 - c) & 1) * 42 + (i >> (5 - c) & 1) * 21);
}

/* Planes 0 and 1: spaces in grey on black at the even offsets. Plane 2: the font, 32 bytes a character. */
static void fill_planes(struct vga *v)
{
    uint8_t page[SIM_PAGE_SIZE];

    for (uint32_t first = 0; first < 0x8000; first += SIM_PAGE_SIZE / 4) {
        bus_ram_get(v->vram, first * 4, page, sizeof page);
        for (uint32_t i = 0; i < SIM_PAGE_SIZE / 4; i++) {
            uint32_t at = first + i;

            page[4 * i] = at & 1 ? 0 : ' ';
            page[4 * i + 1] = at & 1 ? 0 : 0x07;
            if (at < 256 * 32)
                page[4 * i + 2] = at % 32 < FONT_HEIGHT ? font_8x16[at / 32][at % 32] : 0;
        }
        bus_ram_put(v->vram, first * 4, page, sizeof page);
    }
}

void vga_set_text_mode(struct sim_device *dev)
{
    struct vga *v = vga_of(dev);
    uint32_t command = sim_pci_config_read(dev, VGA_DEVFN, 0x04, 2);

    v->misc = 0x67;
    v->feature = 0;
    memcpy(v->seq, text_seq, sizeof v->seq);
    memcpy(v->crtc, text_crtc, sizeof v->crtc);
    memcpy(v->gc, text_gc, sizeof v->gc);
    memcpy(v->attr, text_attr, sizeof v->attr);
    v->attr_index = VGA_ATTR_PALETTE_SOURCE;
    v->attr_flip = 0;
    v->dac_mask = 0xFF;
    vga_vbe_reset(v);
    set_ega_colours(v);
    fill_planes(v);
    sim_pci_config_write(dev, VGA_DEVFN, 0x04, command | 3, 2);
    vga_update(v);
}
