/*
 * What a BIOS leaves behind, for kernels that are booted without one. doc/firmware.md tells what and why.
 */
#include "libsim/firmware.h"

#include <string.h>

#include "cpu/lapic.h"
#include "devices/vga.h"
#include "libsim/firmware_tables.h"
#include "libsim/load.h"
#include "libsim/options.h"

/* ---- Memory map ---- */

unsigned firmware_memory_map(const struct sim *sim, struct firmware_range *out, unsigned max)
{
    uint64_t ram = sim->options->memory, low = ram < FIRMWARE_LOW_RAM_END ? ram : FIRMWARE_LOW_RAM_END;
    const struct firmware_range all[] = {
        { 0, FIRMWARE_EBDA, 1 },
        { FIRMWARE_EBDA, 0xa0000 - FIRMWARE_EBDA, 2 },
        { 0xf0000, 0x10000, 2 },
        { 0x100000, low - 0x100000, 1 },
        { 0xfec00000, 0x1000, 2 },
        { 0xfee00000, 0x1000, 2 },
        { 0xfffc0000, 0x40000, 2 },
        { 1ull << 32, ram - low, 1 },
    };
    unsigned count = 0;

    for (unsigned n = 0; n < sizeof(all) / sizeof(all[0]) && count < max; n++)
        if (all[n].length && !(all[n].base == 0x100000 && low <= 0x100000))
            out[count++] = all[n];
    return count;
}

/* ---- Ports and configuration space, as firmware would write them ---- */

static void out(struct sim *sim, uint16_t port, uint8_t value)
{
    struct bus_txn txn = { .kind = BUS_IO_WRITE, .size = 1, .addr = port, .data = value };

    bus_do(sim->bus, &txn);
}

static void config(struct sim *sim, uint8_t devfn, uint8_t off, uint32_t value, unsigned size)
{
    sim_pci_config_write(bus_device_find(sim->bus, "i440fx"), devfn, off, value, size);
}

enum { DEVFN_HOST = 0, DEVFN_ISA = 1 << 3, DEVFN_IDE = (1 << 3) | 1, DEVFN_PM = (1 << 3) | 3, DEVFN_VGA = 2 << 3 };

static void set_up_pci(struct sim *sim)
{
    config(sim, DEVFN_HOST, 0x59, 0x30, 1); /* PAM0..6: C0000-FFFFF read and write RAM */
    for (uint8_t pam = 0x5a; pam <= 0x5f; pam++)
        config(sim, DEVFN_HOST, pam, 0x33, 1);
    for (uint8_t pirq = 0; pirq < 4; pirq++)
        config(sim, DEVFN_ISA, (uint8_t)(0x60 + pirq), pirq < 2 ? 10 : 11, 1);
    config(sim, DEVFN_IDE, 0x20, 0xc001, 4);  /* bus master registers */
    config(sim, DEVFN_IDE, 0x40, 0x80008000u, 4); /* IDETIM: both channels decode */
    config(sim, DEVFN_IDE, 0x04, 5, 2);
    config(sim, DEVFN_PM, 0x40, 0x601, 4);    /* power management base */
    config(sim, DEVFN_PM, 0x80, 1, 1);        /* ... decodes */
    config(sim, DEVFN_PM, 0x3c, 9, 1);
    config(sim, DEVFN_VGA, 0x10, 0xfd000000u, 4);
    config(sim, DEVFN_VGA, 0x18, 0xfebf0000u, 4);
    config(sim, DEVFN_VGA, 0x04, 3, 2);
}

/* Both PICs at their PC/AT vectors, all lines but the cascade masked: a kernel that enables interrupts before it has set them up is as wrong
 * here as after GRUB, which leaves the timer running; so IRQ 0 and 1 stay open, as a BIOS has them. */
static void set_up_interrupts(struct sim *sim)
{
    out(sim, 0x20, 0x11), out(sim, 0x21, 0x08), out(sim, 0x21, 0x04), out(sim, 0x21, 0x01);
    out(sim, 0xa0, 0x11), out(sim, 0xa1, 0x70), out(sim, 0xa1, 0x02), out(sim, 0xa1, 0x01);
    out(sim, 0x21, 0xb8);
    out(sim, 0xa1, 0x8f);
    out(sim, 0x4d0, 0x00);
    out(sim, 0x4d1, 0x0c); /* IRQ 10 and 11 are PCI's: level */
    out(sim, 0x43, 0x34);  /* counter 0: mode 2, 18.2 Hz */
    out(sim, 0x40, 0), out(sim, 0x40, 0);
    out(sim, 0x92, 0x02);  /* A20 on */
}

/* Virtual wire mode: SDM Vol. 3A, "APIC bus and virtual wire"; the MP Specification, "Virtual wire mode". */
static void set_up_lapic(struct sim *sim)
{
    struct lapic *lapic = cpu_get(sim->cluster, 0)->lapic;

    if (!lapic)
        return;
    lapic_write(lapic, 0xf0, 0x1ff, 4);  /* software enable */
    lapic_write(lapic, 0x350, 0x700, 4); /* LINT0: ExtINT */
    lapic_write(lapic, 0x360, 0x400, 4); /* LINT1: NMI */
}

/* Interrupt vectors that return at once, and the part of the BIOS data area that kernels read. */
static void set_up_low_memory(struct sim *sim)
{
    static const uint8_t iret = 0xcf;
    uint8_t vectors[1024], bda[256] = { 0 };

    for (unsigned n = 0; n < 256; n++)
        memcpy(vectors + 4 * n, &(uint32_t){ 0xf000ff53u }, 4);
    load_put(sim, 0, vectors, sizeof(vectors));
    load_put(sim, 0xfff53, &iret, 1);
    memcpy(bda + 0x00, &(uint16_t){ 0x3f8 }, 2);
    memcpy(bda + 0x02, &(uint16_t){ 0x2f8 }, 2);
    memcpy(bda + 0x08, &(uint16_t){ 0x378 }, 2);
    memcpy(bda + 0x0e, &(uint16_t){ FIRMWARE_EBDA >> 4 }, 2);
    memcpy(bda + 0x10, &(uint16_t){ 0x4426 }, 2); /* equipment: 2 serial, 1 parallel, 80x25 colour, mouse */
    memcpy(bda + 0x13, &(uint16_t){ FIRMWARE_EBDA >> 10 }, 2);
    bda[0x49] = 3;
    memcpy(bda + 0x4a, &(uint16_t){ 80 }, 2);
    memcpy(bda + 0x4c, &(uint16_t){ 4096 }, 2);
    memcpy(bda + 0x63, &(uint16_t){ 0x3d4 }, 2);
    bda[0x75] = (uint8_t)sim->disk_count;
    bda[0x84] = 24;
    bda[0x85] = 16;
    load_put(sim, 0x400, bda, sizeof(bda));
    load_put(sim, FIRMWARE_EBDA, &(uint8_t){ 1 }, 1); /* its size in KiB */
}

enum sim_err firmware_imitate(struct sim *sim)
{
    set_up_pci(sim);
    set_up_interrupts(sim);
    set_up_lapic(sim);
    set_up_low_memory(sim);
    firmware_put_tables(sim);
    vga_set_text_mode(bus_device_find(sim->bus, "vga"));
    return SIM_OK;
}

enum sim_err firmware_files(struct sim *sim)
{
    return firmware_hand_over_tables(sim);
}
