/*
 * Building the pc: which parts it has, how they are wired, and its reset.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "cpu/model.h"
#include "cpu/smm.h"
#include "debug/dbg.h"
#include "devices/dma.h"
#include "devices/floppy.h"
#include "devices/fw_cfg.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/ide.h"
#include "devices/ioapic.h"
#include "devices/parallel.h"
#include "devices/pic.h"
#include "devices/piix.h"
#include "devices/pit.h"
#include "devices/rtc.h"
#include "devices/sysctl.h"
#include "devices/uart.h"
#include "devices/vga.h"
#include "libsim/firmware.h"
#include "libsim/load.h"
#include "libsim/media_file.h"
#include "libsim/options.h"
#include "libsim/plugin.h"

/* ---- Requests from devices ---- */

void machine_request(void *arg, enum sim_request what, uint32_t code)
{
    struct sim *sim = arg;

    sim->bus->look = true;
    switch (what) {
    case SIM_REQUEST_RESET: sim->request.reset = true; break;
    case SIM_REQUEST_POWER_OFF: sim->request.power_off = true; break;
    case SIM_REQUEST_EXIT:
        sim->request.exit = true;
        sim->request.exit_code = code;
        break;
    }
}

/* ---- Memory ---- */

/* A ROM image as a RAM that is no state: its bytes count in the configuration's digest. */
static enum sim_err load_rom(struct sim *sim, const char *name, const char *path, uint64_t max_bytes)
{
    struct sim_buf b = SIM_BUF_INIT;
    struct bus_ram *ram;
    enum sim_err err = media_file_read(path, max_bytes, &b);

    if (!err && (b.len == 0 || b.len & SIM_PAGE_MASK) && strcmp(name, "bios") == 0)
        err = sim_fail(SIM_ERR_FORMAT, "%s: %zu bytes: a BIOS image is a multiple of 4 KiB long", path, b.len);
    if (!err && strcmp(name, "vgabios") == 0 && (b.len < 3 || b.data[0] != 0x55 || b.data[1] != 0xAA))
        err = sim_fail(SIM_ERR_FORMAT, "%s: no expansion ROM: it does not begin with 55 AA", path);
    if (!err)
        err = bus_ram_create(&sim->bus->memory, name, b.len, false, &ram);
    if (!err) {
        bus_ram_put(ram, 0, b.data, b.len);
        sim->config_digest ^= XXH3_64bits_withSeed(b.data, b.len, (XXH64_hash_t)name[0]);
    }
    sim_buf_fini(&b);
    return err;
}

static const char *first_readable(const char *const *paths)
{
    for (; *paths; paths++)
        if (media_file_readable(*paths))
            return *paths;
    return NULL;
}

/* SeaBIOS as distributions install it. */
static const char *default_bios(void)
{
    static const char *const paths[] = { "/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin", "/usr/share/qemu/bios-256k.bin",
                                         "/usr/share/seabios/bios-256k.bin", NULL };

    return first_readable(paths);
}

static const char *default_vgabios(void)
{
    static const char *const paths[] = { "/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/qemu/vgabios-stdvga.bin", NULL };

    return first_readable(paths);
}

static enum sim_err create_memory(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    struct bus_ram *ram;
    const char *bios = o->bios ? o->bios : default_bios(), *vgabios = o->vgabios ? o->vgabios : default_vgabios();
    enum sim_err err = bus_ram_create(&sim->bus->memory, "ram", o->memory, true, &ram);

    if (err || !sim->needs_firmware)
        return err;
    if (!bios)
        return sim_fail(SIM_ERR_IO, "no BIOS found: install the package seabios, or name one with --bios");
    err = load_rom(sim, "bios", bios, 16u << 20);
    if (!err && vgabios)
        err = load_rom(sim, "vgabios", vgabios, 1u << 20);
    return err;
}

/* ---- Devices ---- */

static enum sim_err add(struct sim *sim, const struct sim_device_class *cls, const char *name, const char *const *properties)
{
    struct sim_device *dev;

    return bus_device_create(sim->bus, cls, name, properties, &dev);
}

static const char *decimal(char *out, uint64_t value)
{
    snprintf(out, 24, "%llu", (unsigned long long)value);
    return out;
}

/* A digit a device, the lowest first: 1 floppy, 2 disk, 3 CD. */
static const char *boot_order(const struct sim *sim)
{
    switch (sim->options->boot) {
    case BOOT_CDROM: return "563"; /* 0x233 */
    case BOOT_FLOPPY: return "801"; /* 0x321 */
    case BOOT_DISK: return "306"; /* 0x132 */
    default: break;
    }
    return sim->boot_floppy_first ? "801" : sim->boot_cdrom_first ? "563" : "306";
}

/* CMOS byte 10h, by the length of the diskette: what SeaBIOS calls it, drive A in the upper half. */
static const char *floppy_types(const struct sim *sim)
{
    static const struct { unsigned kib; const char *type; } types[] = {
        { 160, "0x60" }, { 180, "0x70" }, { 320, "0x80" }, { 360, "0x10" }, { 720, "0x30" }, { 1200, "0x20" }, { 2880, "0x50" },
    };
    uint64_t bytes = media_bytes(sim, "fd0");

    for (unsigned n = 0; n < sizeof(types) / sizeof(types[0]); n++)
        if (bytes == types[n].kib * UINT64_C(1024))
            return types[n].type;
    return bytes ? "0x40" : "0";
}

static enum sim_err add_rtc(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    char date[24], ram[24], cpus[24];
    const char *const p[] = { "date", decimal(date, (uint64_t)(o->rtc < 0 ? time(NULL) : o->rtc)), "ram_bytes", decimal(ram, o->memory),
                              "cpus", decimal(cpus, o->cpus), "boot_order", boot_order(sim),
                              "disks", sim->disk_count > 1 ? "3" : sim->disk_count ? "1" : "0", "floppy_types", floppy_types(sim), NULL };

    return add(sim, &rtc_class, "rtc", p);
}

static enum sim_err add_fw_cfg(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    char ram[24], cpus[24];
    const char *const p[] = { "ram_bytes", decimal(ram, o->memory), "cpus", decimal(cpus, o->cpus), NULL };

    return add(sim, &fw_cfg_class, "fw_cfg", p);
}

static enum sim_err add_uart(struct sim *sim, const char *name, const char *base, const char *irq, const char *channel)
{
    const char *pace = sim->options->serial_pace ? sim->options->serial_pace : "fast";
    const char *const p[] = { "base", base, "irq", irq, "channel", channel, "pace", pace, NULL };

    return add(sim, &uart_class, name, p);
}

static enum sim_err add_devices(struct sim *sim)
{
    static const struct { const struct sim_device_class *cls; const char *name; } plain[] = {
        { &i440fx_class, "i440fx" }, { &piix3_class, "piix3" }, { &piix4_pm_class, "piix4pm" }, { &pic_class, "pic" }, { &pit_class, "pit" },
        { &ioapic_class, "ioapic" }, { &dma_class, "dma" }, { &floppy_class, "floppy" }, { &sysctl_class, "sysctl" }, { &i8042_class, "i8042" }, { &vga_class, "vga" },
        { &ide_class, "ide" }, { &parallel_class, "parallel0" },
    };
    enum sim_err err = SIM_OK;

    for (unsigned n = 0; !err && n < sizeof(plain) / sizeof(plain[0]); n++)
        err = add(sim, plain[n].cls, plain[n].name, NULL);
    if (!err)
        err = add_rtc(sim);
    if (!err)
        err = add_fw_cfg(sim);
    if (!err)
        err = add_uart(sim, "uart0", "0x3f8", "4", "serial0");
    if (!err)
        err = add_uart(sim, "uart1", "0x2f8", "3", "serial1");
    if (!err)
        err = plugin_devices(sim);
    return err;
}

/* ---- A20: the gate of 8042 or port 92h ---- */

static void on_a20(void *arg, bool level)
{
    struct sim *sim = arg;

    bus_set_a20(sim->bus, level);
}

/* ---- Processors ---- */

static enum sim_err add_cpus(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    enum sim_err err = cpu_cluster_create(sim->bus, cpu_model_find(o->cpu_model ? o->cpu_model : "max"), &sim->cluster);
    struct cpu *cpu;

    if (!err && sim->needs_firmware)
        smm_set_map(sim->cluster, SMM_MAP_AMD64); /* of long mode's two layouts, the one that the firmware knows */
    for (unsigned n = 0; !err && n < o->cpus; n++)
        err = cpu_create(sim->cluster, &cpu);
    return err;
}

/* What defines the machine: two that differ here are different machines. */
static void digest_options(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    struct sim_buf b = SIM_BUF_INIT;

    sim_buf_u64(&b, o->memory);
    sim_buf_u64(&b, o->clock_hz);
    sim_buf_u64(&b, o->seed);
    sim_buf_u32(&b, o->cpus);
    sim_buf_u32(&b, o->quantum);
    sim_buf_str(&b, o->cpu_model ? o->cpu_model : "max");
    sim_buf_str(&b, o->append ? o->append : "");
    for (unsigned n = 0; n < o->devices.count; n++)
        sim_buf_str(&b, o->devices.item[n]);
    sim->config_digest ^= XXH3_64bits(b.data, b.len);
    sim_buf_fini(&b);
}

enum sim_err machine_assemble(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    enum sim_err err;

    sim_clock_init(&sim->clock, o->clock_hz);
    sim->quantum = o->quantum;
    sim->turn_seed = o->seed;
    err = bus_create(&sim->clock, &sim->log, &sim->bus);
    if (err)
        return err;
    sim->bus->host.output = output_emit;
    sim->bus->host.request = machine_request;
    sim->bus->host.arg = sim;
    err = image_plan(sim);
    if (!err)
        err = create_memory(sim);
    if (!err)
        err = media_open_all(sim);
    if (!err)
        err = bus_wire_sink(sim->bus, "a20.gate", on_a20, sim);
    if (!err)
        err = add_devices(sim);
    if (!err)
        err = add_cpus(sim);
    if (!err)
        cpu_seed_random(sim->cluster, o->seed);
    if (!err)
        err = dbg_create(sim->cluster, sim->bus, &sim->dbg);
    if (!err)
        err = state_list(sim);
    if (err)
        return err;
    dbg_set_stops_on(sim->dbg, o->stop_on);
    digest_options(sim);
    err = machine_reset(sim, SIM_RESET_POWER);
    return err ? err : image_symbols(sim);
}

void machine_dismantle(struct sim *sim)
{
    dbg_destroy(sim->dbg);
    cpu_cluster_destroy(sim->cluster);
    if (sim->bus)
        bus_destroy(sim->bus);
    media_forget_all(sim);
    load_forget(sim);
    plugin_close_all(sim);
    sim_clock_fini(&sim->clock);
    free(sim->components);
}

enum sim_err machine_reset(struct sim *sim, enum sim_reset kind)
{
    sim_cycles now = sched_now(sim);

    if (now > sim->clock.now)
        sim->clock.now = now; /* what devices start now starts now, not at their last access */
    bus_reset(sim->bus, kind);
    for (unsigned n = 0; n < cpu_count(sim->cluster); n++)
        cpu_reset(cpu_get(sim->cluster, n), false);
    sim->turn_cpu = 0;
    sim->turn_end = 0;
    if (sim->needs_firmware)
        return firmware_files(sim);
    return image_boot_direct(sim);
}
