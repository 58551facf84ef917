/*
 * What a BIOS leaves behind, for kernels that are booted without one. doc/firmware.md tells what and why.
 */
#include "libsim/firmware.h"

#include <string.h>

#include "cpu/lapic.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "devices/fw_cfg.h"
#include "devices/i8042.h"
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

/* ---- Ports, as firmware would write them ---- */

static void out(struct sim *sim, uint16_t port, uint8_t value)
{
    struct bus_txn txn = { .kind = BUS_IO_WRITE, .size = 1, .addr = port, .data = value };

    bus_do(sim->bus, &txn);
}

/* Both PICs at their PC/AT vectors, open for the timer, the keyboard, the cascade, the diskette, the clock, the mouse and both disks: a kernel
 * that enables interrupts before it has set them up is as wrong here as after GRUB. */
static void set_up_interrupts(struct sim *sim)
{
    static const struct { uint16_t port; uint8_t value; } writes[] = {
        { 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0x21, 0x01 }, { 0x21, 0xb8 }, /* ICW1-ICW4, mask */
        { 0xa0, 0x11 }, { 0xa1, 0x70 }, { 0xa1, 0x02 }, { 0xa1, 0x01 }, { 0xa1, 0x8e },
        { 0x4d0, 0x00 }, { 0x4d1, 0x0c },                                               /* IRQ 10 and 11 are PCI's: level */
        { 0x43, 0x34 }, { 0x40, 0 }, { 0x40, 0 },                                       /* counter 0: mode 2, 18.2 Hz */
        { 0x0d, 0 }, { 0xda, 0 }, { 0xd6, 0xc0 }, { 0xd4, 0 },                          /* DMA: clear; channel 4 cascades */
        { 0x92, 0x02 },                                                                 /* A20 on */
    };

    for (unsigned n = 0; n < sizeof(writes) / sizeof(writes[0]); n++)
        out(sim, writes[n].port, writes[n].value);
    i8042_set_up(bus_device_find(sim->bus, "i8042"));
}

/* Virtual wire mode: SDM Vol. 3A, "APIC bus and virtual wire"; the MP Specification, "Virtual wire mode". */
static void set_up_apics(struct sim *sim)
{
    struct lapic *lapic = cpu_get(sim->cluster, 0)->lapic;
    struct bus_txn select = { .kind = BUS_MEM_WRITE, .size = 4, .addr = 0xfec00000u, .data = 0 };
    struct bus_txn id = { .kind = BUS_MEM_WRITE, .size = 4, .addr = 0xfec00010u, .data = (uint64_t)firmware_ioapic_id(sim) << 24 };

    if (!lapic)
        return;
    lapic_write(lapic, 0xf0, 0x1ff, 4);  /* software enable */
    lapic_write(lapic, 0x350, 0x700, 4); /* LINT0: ExtINT */
    lapic_write(lapic, 0x360, 0x400, 4); /* LINT1: NMI */
    bus_do(sim->bus, &select);
    bus_do(sim->bus, &id);
}

/* ---- Memory types: RAM is WB, VGA's window and the space of PCI devices UC, ROM WP ---- */

static void set_up_memory_types(struct sim *sim)
{
    const uint64_t wb = 0x0606060606060606, wp = 0x0505050505050505;
    struct cpu *cpu;

    for (unsigned n = 0; (cpu = cpu_get(sim->cluster, n)) != NULL; n++) {
        struct cpu_msrs *m = &cpu->msr;

        if (!(cpu->model->msrs & MSR_MTRR))
            continue;
        m->mtrr_fixed[0] = m->mtrr_fixed[1] = wb;
        m->mtrr_fixed[2] = 0;
        for (unsigned r = 3; r < sizeof(m->mtrr_fixed) / sizeof(m->mtrr_fixed[0]); r++)
            m->mtrr_fixed[r] = wp;
        m->mtrr_base[0] = FIRMWARE_LOW_RAM_END;
        m->mtrr_mask[0] = (((1ull << cpu->model->phys_bits) - 1) & ~((1ull << 32) - FIRMWARE_LOW_RAM_END - 1)) | 0x800;
        m->mtrr_def_type = 0xc06; /* all enabled, by default WB */
    }
}

/* ---- Low memory ---- */

/* Handlers at the addresses that IBM's BIOS made fixed: enough that a real-mode program may enable interrupts. Software interrupts return. */
static const uint8_t on_timer[] = { 0x1e, 0x50, 0x31, 0xc0, 0x8e, 0xd8, 0x66, 0xff, 0x06, 0x6c, 0x04, /* push ds, ax; ds = 0; inc dword [46Ch] */
                                    0xcd, 0x1c, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0x1f, 0xcf };           /* int 1Ch; EOI; pop ax, ds; iret */
static const uint8_t on_key[] = { 0x50, 0xe4, 0x60, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf };             /* in al, 60h; EOI */
static const uint8_t on_irq[] = { 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf };                         /* EOI */
static const uint8_t on_slave_irq[] = { 0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf };       /* EOI to both */
static const uint8_t on_int[] = { 0xcf };
static const struct { uint8_t first, last; uint16_t ip; uint8_t len; const uint8_t *code; } handlers[] = {
    { 0x00, 0xff, 0xff53, sizeof(on_int), on_int },         { 0x08, 0x08, 0xfea5, sizeof(on_timer), on_timer },
    { 0x09, 0x09, 0xe987, sizeof(on_key), on_key },         { 0x0a, 0x0f, 0xff23, sizeof(on_irq), on_irq },
    { 0x70, 0x77, 0xff2a, sizeof(on_slave_irq), on_slave_irq },
};

static void set_up_vectors(struct sim *sim)
{
    uint32_t vectors[256];

    for (unsigned h = 0; h < sizeof(handlers) / sizeof(handlers[0]); h++) {
        load_put(sim, 0xf0000u + handlers[h].ip, handlers[h].code, handlers[h].len);
        for (unsigned n = handlers[h].first; n <= handlers[h].last; n++)
            vectors[n] = 0xf0000000u | handlers[h].ip;
    }
    load_put(sim, 0, vectors, sizeof(vectors));
}

/* The BIOS data area, as far as kernels read it. */
static void set_up_data_area(struct sim *sim)
{
    static const struct { uint8_t off; uint16_t value; } words[] = {
        { 0x00, 0x3f8 }, { 0x02, 0x2f8 }, { 0x08, 0x378 },                    /* serial and parallel ports */
        { 0x0e, FIRMWARE_EBDA >> 4 }, { 0x13, FIRMWARE_EBDA >> 10 },          /* EBDA; KiB of base memory */
        { 0x1a, 0x1e }, { 0x1c, 0x1e }, { 0x80, 0x1e }, { 0x82, 0x3e },       /* the keyboard's buffer: empty */
        { 0x49, 80 << 8 | 3 }, { 0x4c, 4096 }, { 0x60, 0x0607 }, { 0x63, 0x3d4 },
        { 0x78, 0x1414 }, { 0x7a, 0x1414 }, { 0x7c, 0x0a0a }, { 0x7e, 0x0a0a }, /* time-outs */
        { 0x84, 16 << 8 | 24 }, { 0x96, 0x10 },                               /* rows - 1, character height; 101 keys */
    };
    uint16_t equipment = 0x4426; /* 2 serial, 1 parallel, 80x25 colour, mouse */
    uint8_t bda[256] = { 0 };

    for (unsigned n = 0; n < sizeof(words) / sizeof(words[0]); n++)
        memcpy(bda + words[n].off, &words[n].value, 2);
    if (sim->options->floppy)
        equipment |= 1;
    memcpy(bda + 0x10, &equipment, 2);
    bda[0x75] = (uint8_t)sim->disk_count;
    load_put(sim, 0x400, bda, sizeof(bda));
    load_put(sim, FIRMWARE_EBDA, &(uint8_t){ 1 }, 1); /* its size in KiB */
}

enum sim_err firmware_imitate(struct sim *sim)
{
    firmware_set_up_pci(sim);
    set_up_interrupts(sim);
    set_up_apics(sim);
    set_up_memory_types(sim);
    set_up_vectors(sim);
    set_up_data_area(sim);
    firmware_put_tables(sim);
    vga_set_text_mode(bus_device_find(sim->bus, "vga"));
    return SIM_OK;
}

/* SeaBIOS makes all tables itself (doc/firmware.md). Where nothing boots it is to stay, rather than to start anew each minute. */
enum sim_err firmware_files(struct sim *sim)
{
    return fw_cfg_add_file(bus_device_find(sim->bus, "fw_cfg"), "etc/boot-fail-wait", &(uint32_t){ UINT32_MAX }, 4);
}
