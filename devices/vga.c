/*
 * The VGA's registers and ports, and its place on the PCI bus.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem" (1992):
 *
 *   3C0/3C1  attribute controller: index and data in turn; 3C1 reads data
 *   3C2      w miscellaneous output (read at 3CC), r input status 0
 *   3C4/3C5  sequencer                       3CE/3CF  graphics controller
 *   3C6..3C9 DAC: mask, read index / state, write index, data
 *   3CA      feature control, read           3xA      w feature control, r input status 1
 *   3x4/3x5  CRTC; x is D (colour) or B (monochrome) by bit 0 of the miscellaneous output register
 *
 * BAR 0 is the memory, BAR 2 registers in memory (vga_vbe.c). A disabled command bit closes the legacy ports and the
 * window as well: PCI Local Bus Specification 2.1, "Command Register".
 *
 * Deviation: not modelled are the vertical interrupt (said once when a guest asks for it), the light pen (CR10 and CR11
 * always read as the retrace registers, whatever CR3 bit 7 says), the monitor's sense comparator (input status 0 bit 4
 * reads as 1), the video subsystem enable at 3C3/46E8, and the diagnostic bits of input status 1, which read as 0.
 */
#include "devices/vga.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "devices/vga_core.h"

static const uint8_t seq_writable[VGA_SEQ_COUNT] = { 0x03, 0x3D, 0x0F, 0x3F, 0x0E };
static const uint8_t gc_writable[VGA_GC_COUNT] = { 0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF };
static const uint8_t crtc_writable[VGA_CR_COUNT] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x3F, 0x7F, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xEF, 0xFF
};

static uint8_t attr_writable(unsigned index)
{
    static const uint8_t rest[VGA_ATTR_COUNT - VGA_ATTR_MODE] = { 0xEF, 0xFF, 0x3F, 0x0F, 0x0F };

    return index < VGA_ATTR_MODE ? 0x3F : rest[index - VGA_ATTR_MODE];
}

/* ---- What follows from the registers ---- */

/* Remapping costs every CPU its cached translations, so only what changed is moved. */
static void update_decode(struct vga *v)
{
    bool io = v->pci.config[4] & 1;
    bool window = (v->pci.config[4] & 2) && vga_misc_ram(v->misc);
    uint16_t first = vga_misc_colour(v->misc) ? 0x3D4 : 0x3B4;

    if (first != v->crtc_first) {
        v->crtc_first = first;
        sim_range_move(&v->crtc_ports, first);
        sim_range_move(&v->status_port, first + 6u);
    }
    if (io != v->io_open) {
        v->io_open = io;
        sim_range_enable(&v->ports, io);
        sim_range_enable(&v->crtc_ports, io);
        sim_range_enable(&v->status_port, io);
        sim_range_enable(&v->vbe_ports, io);
    }
    if (window != v->window_open) {
        v->window_open = window;
        sim_range_enable(&v->window, window);
    }
}

void vga_update(struct vga *v)
{
    update_decode(v);
    vga_memory_update(v);
}

uint32_t vga_dac_rgb(const struct vga *v, uint8_t index)
{
    const uint8_t *c = &v->dac[index * 3];
    uint32_t rgb = 0;

    for (unsigned i = 0; i < 3; i++) {
        uint8_t c6 = c[i] & 0x3F;

        rgb = rgb << 8 | (vga_vbe_enable_dac8(v->vbe[VGA_VBE_ENABLE_REG]) ? c[i] : (uint8_t)(c6 << 2 | c6 >> 4));
    }
    return rgb;
}

/* ---- DAC ---- */

static void dac_fetch(struct vga *v)
{
    memcpy(v->dac_colour, &v->dac[v->dac_index * 3], 3);
    v->dac_index++;
    v->dac_cycle = 0;
}

static void dac_write(struct vga *v, uint8_t value)
{
    v->dac_colour[v->dac_cycle % 3] = vga_vbe_enable_dac8(v->vbe[VGA_VBE_ENABLE_REG]) ? value : value & 0x3F;
    if (++v->dac_cycle < 3)
        return;
    memcpy(&v->dac[v->dac_index * 3], v->dac_colour, 3);
    v->dac_index++;
    v->dac_cycle = 0;
}

/* ---- Ports ---- */

/* In colour, 3B4..3BA belong to somebody else, and the other way round. */
static bool is_crtc_port(const struct vga *v, uint16_t port)
{
    return (port & ~0xFu) == (vga_misc_colour(v->misc) ? 0x3D0u : 0x3B0u);
}

uint8_t vga_port_peek(const struct vga *v, uint16_t port)
{
    uint8_t attr = v->attr_index & 0x1F;

    switch (port) {
    case 0x3C0: return v->attr_index;
    case 0x3C1: return attr < VGA_ATTR_COUNT ? v->attr[attr] : 0;
    case 0x3C2: return 0x10;
    case 0x3C4: return v->seq_index;
    case 0x3C5: return v->seq_index < VGA_SEQ_COUNT ? v->seq[v->seq_index] : 0;
    case 0x3C6: return v->dac_mask;
    case 0x3C7: return v->dac_state;
    case 0x3C8: return v->dac_index;
    case 0x3C9: return v->dac_colour[v->dac_cycle % 3];
    case 0x3CA: return v->feature;
    case 0x3CC: return v->misc;
    case 0x3CE: return v->gc_index;
    case 0x3CF: return v->gc_index < VGA_GC_COUNT ? v->gc[v->gc_index] : 0;
    }
    if (!is_crtc_port(v, port))
        return 0xFF;
    switch (port & 0xF) {
    case 0x4: return v->crtc_index;
    case 0x5: return v->crtc_index < VGA_CR_COUNT ? v->crtc[v->crtc_index] : 0;
    case 0xA: return vga_beam_status(v);
    }
    return 0xFF;
}

uint8_t vga_port_read(struct vga *v, uint16_t port)
{
    uint8_t value = vga_port_peek(v, port);

    if (port == 0x3C9) {
        if (++v->dac_cycle >= 3)
            dac_fetch(v);
    } else if ((port & 0xF) == 0xA && is_crtc_port(v, port)) {
        v->attr_flip = 0;
    }
    return value;
}

static void attr_write(struct vga *v, uint8_t value)
{
    uint8_t index = v->attr_index & 0x1F;

    v->attr_flip ^= 1;
    if (v->attr_flip & 1) {
        v->attr_index = value & 0x3F;
        return;
    }
    if (index >= VGA_ATTR_COUNT)
        return;
    if (index < VGA_ATTR_MODE && (v->attr_index & VGA_ATTR_PALETTE_SOURCE))
        return; /* the picture has the palette */
    v->attr[index] = value & attr_writable(index);
}

static void crtc_write(struct vga *v, uint8_t value)
{
    uint8_t index = v->crtc_index;

    if (index >= VGA_CR_COUNT)
        return;
    value &= crtc_writable[index];
    if (index <= VGA_CR_OVERFLOW && (v->crtc[VGA_CR_V_RETRACE_END] & VGA_CR11_PROTECT)) {
        if (index != VGA_CR_OVERFLOW)
            return;
        value = (v->crtc[index] & ~0x10u) | (value & 0x10); /* bit 8 of the line compare is not protected */
    }
    v->crtc[index] = value;
    if (index == VGA_CR_V_RETRACE_END && !(value & VGA_CR11_NO_INTERRUPT) && (value & VGA_CR11_INTERRUPT_KEPT))
        sim_device_unmodelled(&v->dev, "vertical interrupt", "enabled in CR11; it is never raised");
}

static void misc_write(struct vga *v, uint8_t value)
{
    v->misc = value & 0xEF;
    vga_update(v);
}

void vga_port_write(struct vga *v, uint16_t port, uint8_t value)
{
    switch (port) {
    case 0x3C0: attr_write(v, value); return;
    case 0x3C2: misc_write(v, value); return;
    case 0x3C4: v->seq_index = value & 0x07; return;
    case 0x3C5:
        if (v->seq_index < VGA_SEQ_COUNT) {
            v->seq[v->seq_index] = value & seq_writable[v->seq_index];
            vga_memory_update(v);
        }
        return;
    case 0x3C6: v->dac_mask = value; return;
    case 0x3C7:
        v->dac_index = value;
        v->dac_state = 3;
        dac_fetch(v);
        return;
    case 0x3C8:
        v->dac_index = value;
        v->dac_state = 0;
        v->dac_cycle = 0;
        return;
    case 0x3C9: dac_write(v, value); return;
    case 0x3CE: v->gc_index = value & 0x0F; return;
    case 0x3CF:
        if (v->gc_index < VGA_GC_COUNT) {
            v->gc[v->gc_index] = value & gc_writable[v->gc_index];
            vga_memory_update(v);
        }
        return;
    }
    if (!is_crtc_port(v, port))
        return;
    switch (port & 0xF) {
    case 0x4: v->crtc_index = value & 0x3F; break;
    case 0x5: crtc_write(v, value); break;
    case 0xA: v->feature = value & 0x0B; break;
    }
}

static uint64_t ports_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return vga_port_read(vga_of(dev), (uint16_t)(0x3C0 + off));
}

static uint64_t ports_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return vga_port_peek(vga_of(dev), (uint16_t)(0x3C0 + off));
}

static void ports_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    vga_port_write(vga_of(dev), (uint16_t)(0x3C0 + off), (uint8_t)value);
}

static uint64_t crtc_ports_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return vga_port_read(vga_of(dev), (uint16_t)(vga_of(dev)->crtc_first + off));
}

static uint64_t crtc_ports_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return vga_port_peek(vga_of(dev), (uint16_t)(vga_of(dev)->crtc_first + off));
}

static void crtc_ports_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    vga_port_write(vga_of(dev), (uint16_t)(vga_of(dev)->crtc_first + off), (uint8_t)value);
}

static uint64_t status_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    return vga_port_read(vga_of(dev), vga_of(dev)->crtc_first + 6);
}

static uint64_t status_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    return vga_port_peek(vga_of(dev), vga_of(dev)->crtc_first + 6);
}

static void status_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    vga_port_write(vga_of(dev), vga_of(dev)->crtc_first + 6, (uint8_t)value);
}

static const struct sim_range_ops ports_ops = {
    .read = ports_read, .write = ports_write, .peek = ports_peek, .max_size = 1,
};
static const struct sim_range_ops crtc_ports_ops = {
    .read = crtc_ports_read, .write = crtc_ports_write, .peek = crtc_ports_peek, .max_size = 1,
};
static const struct sim_range_ops status_ops = {
    .read = status_read, .write = status_write, .peek = status_peek, .max_size = 1,
};

/* ---- Life ---- */

static void config_written(struct sim_device *dev, uint8_t off, uint8_t len)
{
    update_decode(vga_of(dev));
}

static enum sim_err add_ranges(struct vga *v)
{
    struct sim_device *dev = &v->dev;
    enum sim_err err;

    v->crtc_first = 0x3B4;
    v->io_open = v->window_open = true;
    if ((err = sim_map_memory(dev, &v->window, "vga window", 0xA0000, 0x20000, &vga_window_ops, SIM_SPEED_PCI, 1)) ||
        (err = sim_map_io(dev, &v->ports, "vga", 0x3C0, 16, &ports_ops, SIM_SPEED_PCI, 0)) ||
        (err = sim_map_io(dev, &v->crtc_ports, "vga crtc", 0x3B4, 2, &crtc_ports_ops, SIM_SPEED_PCI, 0)) ||
        (err = sim_map_io(dev, &v->status_port, "vga status", 0x3BA, 1, &status_ops, SIM_SPEED_PCI, 0)) ||
        (err = sim_map_io(dev, &v->vbe_ports, "vga dispi", 0x1CE, 4, &vga_vbe_port_ops, SIM_SPEED_PCI, 0)))
        return err;
    return SIM_OK;
}

/* The expansion ROM is a power of two long; what is behind the image reads as erased. */
static enum sim_err take_rom(struct vga *v)
{
    struct bus_ram *rom = bus_ram_find(&v->dev.bus->memory, "vgabios");
    uint32_t bytes = 2048;

    if (!rom)
        return SIM_OK;
    if (rom->pages > 0x1000)
        return sim_fail(SIM_ERR_USAGE, "%s: a VGA BIOS of more than 16 MiB", v->dev.name);
    while (bytes < rom->pages * SIM_PAGE_SIZE)
        bytes *= 2;
    v->rom_image = malloc(bytes);
    if (!v->rom_image)
        return sim_fail(SIM_ERR_NOMEM, "%s: no memory for the VGA BIOS", v->dev.name);
    memset(v->rom_image, 0xFF, bytes);
    bus_ram_get(rom, 0, v->rom_image, rom->pages * SIM_PAGE_SIZE);
    v->pci.rom = v->rom_image;
    v->pci.rom_bytes = bytes;
    return SIM_OK;
}

static enum sim_err vga_realize(struct sim_device *dev)
{
    struct vga *v = vga_of(dev);
    enum sim_err err;

    if ((err = sim_device_ram(dev, "vram", VGA_VRAM_BYTES, &v->vram)) || (err = add_ranges(v)))
        return err;
    sim_pci_header(&v->pci, 0x1234, 0x1111, 0x030000, 2, 0);
    v->pci.bar[0] = (struct sim_pci_bar){ .length = VGA_VRAM_BYTES, .prefetch = true, .ram = v->vram };
    v->pci.bar[2] = (struct sim_pci_bar){ .length = SIM_PAGE_SIZE, .ops = &vga_mmio_ops };
    v->pci.config_written = config_written;
    if ((err = take_rom(v)))
        return err;
    return sim_pci_add(dev, &v->pci, VGA_DEVFN);
}

static void vga_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct vga *v = vga_of(dev);

    sim_pci_reset(&v->pci);
    v->misc = v->feature = 0;
    v->seq_index = v->gc_index = v->crtc_index = v->attr_index = v->attr_flip = 0;
    memset(v->seq, 0, sizeof v->seq);
    memset(v->gc, 0, sizeof v->gc);
    memset(v->crtc, 0, sizeof v->crtc);
    memset(v->attr, 0, sizeof v->attr);
    v->dac_mask = 0xFF;
    v->dac_index = v->dac_cycle = v->dac_state = 0;
    memset(v->dac_colour, 0, sizeof v->dac_colour);
    memset(v->dac, 0, sizeof v->dac);
    v->latch = 0;
    vga_vbe_reset(v);
    vga_update(v);
}

static void vga_loaded(struct sim_device *dev)
{
    sim_pci_loaded(&vga_of(dev)->pci);
    vga_update(vga_of(dev));
}

static void vga_destroy(struct sim_device *dev)
{
    free(vga_of(dev)->rom_image);
}

static const struct sim_field vga_fields[] = {
    SIM_FIELD_STRUCT(struct vga, pci, sim_pci_function_fields, "PCI configuration"),
    SIM_FIELD_BITS(struct vga, misc, vga_misc_bits, "miscellaneous output"),
    SIM_FIELD(struct vga, feature, "feature control"),
    SIM_FIELD(struct vga, seq_index, "sequencer index, port 3C4"),
    SIM_FIELD_ARRAY(struct vga, seq, "sequencer SR0 to SR4"),
    SIM_FIELD(struct vga, gc_index, "graphics controller index, port 3CE"),
    SIM_FIELD_ARRAY(struct vga, gc, "graphics controller GR0 to GR8"),
    SIM_FIELD(struct vga, crtc_index, "CRTC index, port 3x4"),
    SIM_FIELD_ARRAY(struct vga, crtc, "CRTC CR0 to CR18"),
    SIM_FIELD(struct vga, attr_index, "attribute controller index, with bit 5 palette address source"),
    SIM_FIELD(struct vga, attr_flip, "the next write to 3C0 is 0 an index, 1 data"),
    SIM_FIELD_ARRAY(struct vga, attr, "attribute controller AR0 to AR14"),
    SIM_FIELD(struct vga, dac_mask, "ANDed to each pixel before the DAC"),
    SIM_FIELD(struct vga, dac_index, "DAC entry that the next colour goes to or comes from"),
    SIM_FIELD(struct vga, dac_cycle, "0 red, 1 green, 2 blue is next"),
    SIM_FIELD(struct vga, dac_state, "3 after a read index, 0 after a write index"),
    SIM_FIELD_ARRAY(struct vga, dac_colour, "the colour on its way"),
    SIM_FIELD_BYTES(struct vga, dac, "the DAC's colours: 256 of red, green, blue"),
    SIM_FIELD(struct vga, vbe_index, "dispi index, port 1CE"),
    SIM_FIELD_ARRAY(struct vga, vbe, "dispi: id, xres, yres, bpp, enable, bank, virtual width and height, offsets"),
    SIM_FIELD(struct vga, latch, "the four planes' latches, plane 0 lowest"),
    SIM_FIELD_DERIVED(struct vga, vram, "a RAM of its own"),
    SIM_FIELD_DERIVED(struct vga, rom_image, "the VGA BIOS, padded"),
    SIM_FIELD_DERIVED(struct vga, window, "A0000 to BFFFF"),
    SIM_FIELD_DERIVED(struct vga, ports, "3C0 to 3CF"),
    SIM_FIELD_DERIVED(struct vga, crtc_ports, "3x4 and 3x5"),
    SIM_FIELD_DERIVED(struct vga, status_port, "3xA"),
    SIM_FIELD_DERIVED(struct vga, vbe_ports, "1CE to 1D1"),
    SIM_FIELD_DERIVED(struct vga, crtc_first, "where the CRTC answers"),
    SIM_FIELD_DERIVED(struct vga, io_open, "ports are mapped"),
    SIM_FIELD_DERIVED(struct vga, window_open, "the window is mapped"),
    SIM_FIELD_DERIVED(struct vga, window_first, "of GR6, from A0000"),
    SIM_FIELD_DERIVED(struct vga, window_bytes, "of GR6"),
    SIM_FIELD_DERIVED(struct vga, linear_base, "of the window in dispi modes"),
    SIM_FIELD_DERIVED(struct vga, pipe, "the graphics controller, spread out"),
    SIM_FIELD_DERIVED(struct vga, mem_write, "path through the window"),
    SIM_FIELD_DERIVED(struct vga, mem_read, "path through the window"),
    SIM_FIELD_END
};

const struct sim_device_class vga_class = {
    .abi = SIM_DEVICE_ABI,
    .size = sizeof(struct sim_device_class),
    .name = "vga",
    .title = "VGA with Bochs dispi",
    .version = 1,
    .instance_size = sizeof(struct vga),
    .fields = vga_fields,
    .realize = vga_realize,
    .reset = vga_reset,
    .loaded = vga_loaded,
    .destroy = vga_destroy,
    .picture = vga_picture,
    .text = vga_text,
    .describe = vga_describe,
};
