#include "libsim/load.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "debug/dbg.h"
#include "libsim/firmware.h"
#include "libsim/firmware_tables.h"
#include "libsim/media_file.h"
#include "libsim/options.h"

#define MAX_KERNEL_BYTES (1ull << 30)

/* ---- Helpers of the loaders ---- */

uint64_t load_low_ram(const struct sim *sim)
{
    return sim->options->memory < 0xC0000000u ? sim->options->memory : 0xC0000000u;
}

const char *load_name(const struct sim *sim)
{
    return sim->options->image ? sim->options->image : "kernel";
}

static struct bus_ram *main_memory(struct sim *sim)
{
    return bus_ram_find(&sim->bus->memory, "ram");
}

void load_put(struct sim *sim, uint64_t paddr, const void *data, size_t len)
{
    if (len)
        bus_ram_put(main_memory(sim), paddr, data, len);
}

void load_zero(struct sim *sim, uint64_t paddr, uint64_t len)
{
    static const uint8_t zero[SIM_PAGE_SIZE];

    while (len) {
        size_t piece = len < sizeof(zero) ? len : sizeof(zero);

        load_put(sim, paddr, zero, piece);
        paddr += piece;
        len -= piece;
    }
}

/* Multiboot Specification, "Machine state". */
void load_enter_protected(struct sim *sim, uint64_t ip)
{
    struct cpu *cpu = cpu_get(sim->cluster, 0);
    const uint32_t common = SEG_P | SEG_S | SEG_DB | SEG_G | SEG_TYPE_ACCESSED;

    for (unsigned n = 0; n <= CPU_GS; n++)
        cpu->seg[n] = (struct cpu_seg){ .selector = n == CPU_CS ? 8 : 16, .limit = UINT32_MAX,
                                        .attr = common | (n == CPU_CS ? SEG_TYPE_CODE | SEG_TYPE_READ : SEG_TYPE_WRITE) };
    cpu->cr0 |= CR0_PE;
    cpu->cr0 &= ~(uint64_t)(CR0_NW | CR0_CD);
    cpu->ip = ip;
    cpu->reg[CPU_SP] = 0x7c00;
    cpu_mode_changed(cpu);
}

void load_enter_real(struct sim *sim, uint16_t cs, uint16_t ip)
{
    struct cpu *cpu = cpu_get(sim->cluster, 0);

    cpu->seg[CPU_CS].selector = cs;
    cpu->seg[CPU_CS].base = (uint64_t)cs << 4;
    cpu->cr0 &= ~(uint64_t)(CR0_NW | CR0_CD);
    cpu->ip = ip;
    cpu->reg[CPU_SP] = 0x7c00;
    cpu->reg[CPU_DX] = 0x80; /* the first hard disk */
    cpu->idtr = (struct cpu_table){ .base = 0, .limit = 0x3ff };
    cpu_mode_changed(cpu);
}

/* ---- What the image is ---- */

static bool is_iso(const struct sim_buf *b)
{
    return b->len >= 32774 && memcmp(b->data + 32769, "CD001", 5) == 0;
}

static bool is_boot_sector(const struct sim_buf *b)
{
    return b->len >= 512 && b->data[510] == 0x55 && b->data[511] == 0xAA;
}

static bool is_elf(const struct sim_buf *b)
{
    return b->len >= 4 && memcmp(b->data, "\177ELF", 4) == 0;
}

static bool is_bzimage(const struct sim_buf *b)
{
    return b->len >= 0x206 && memcmp(b->data + 0x202, "HdrS", 4) == 0;
}

static bool has_multiboot2(const struct sim_buf *b)
{
    for (size_t off = 0; off + 16 <= b->len && off < 32768; off += 8) {
        uint32_t w[4];

        memcpy(w, b->data + off, 16);
        if (w[0] == 0xE85250D6u && w[0] + w[1] + w[2] + w[3] == 0)
            return true;
    }
    return false;
}

/* Looks at the first bytes of a file. */
static enum image_kind identify(const struct sim *sim, const struct sim_buf *head)
{
    if (head->len >= 8 && memcmp(head->data, "libsimck", 8) == 0)
        return IMAGE_CHECKPOINT;
    if (head->len >= 8 && memcmp(head->data, "libsimlg", 8) == 0)
        return IMAGE_LOG;
    if (is_iso(head))
        return IMAGE_CDROM;
    if (is_bzimage(head))
        return IMAGE_BZIMAGE;
    if (is_elf(head))
        return multiboot_find(head->data, head->len) < 0 && has_multiboot2(head) ? IMAGE_MULTIBOOT2 : IMAGE_MULTIBOOT; /* the loader says what is missing */
    if (is_boot_sector(head)) /* a disk may well hold a Multiboot kernel in its first sectors: xv6's does */
        return sim->options->boot == BOOT_DIRECT ? IMAGE_BOOT_SECTOR : IMAGE_DISK;
    return multiboot_find(head->data, head->len) >= 0 ? IMAGE_MULTIBOOT : IMAGE_FLAT;
}

/* A flat binary goes to 7C00h, below the EBDA. */
static enum sim_err check_flat(const struct sim *sim)
{
    if (sim->image.len > FIRMWARE_EBDA - 0x7c00)
        return sim_fail(SIM_ERR_FORMAT, "%s: no kernel, disk or CD image, and too long (%zu bytes) for a flat real-mode binary", load_name(sim),
                        sim->image.len);
    return SIM_OK;
}

static enum sim_err plan_kernel(struct sim *sim)
{
    const char *name = load_name(sim);
    enum sim_err err = SIM_OK;

    if (sim->options->image_data)
        sim_buf_put(&sim->image, sim->options->image_data, sim->options->image_data_len);
    else
        err = media_file_read(name, MAX_KERNEL_BYTES, &sim->image);
    if (!err && sim->image.failed)
        err = sim_fail(SIM_ERR_NOMEM, "%s: out of memory", name);
    if (!err)
        err = load_modules_read(sim);
    if (err)
        return err;
    sim->config_digest ^= XXH3_64bits(sim->image.data, sim->image.len);
    switch (sim->image_kind) {
    case IMAGE_MULTIBOOT: return multiboot_check(sim);
    case IMAGE_BOOT_SECTOR: return SIM_OK;
    case IMAGE_FLAT: return check_flat(sim);
    case IMAGE_BZIMAGE: return linux_check(sim);
    case IMAGE_MULTIBOOT2: return sim_fail(SIM_ERR_UNSUPPORTED, "%s: Multiboot 2 kernels are not loaded yet; boot it by GRUB from a CD image", name);
    case IMAGE_CHECKPOINT: return sim_fail(SIM_ERR_UNSUPPORTED, "%s: checkpoint files are not read yet", name);
    default: return sim_fail(SIM_ERR_UNSUPPORTED, "%s: this kind of file cannot be booted yet", name);
    }
}

/* The first bytes of the configured image. */
static enum sim_err read_head(struct sim *sim, struct sim_buf *head)
{
    const struct sim_options *o = sim->options;

    if (o->image_data) {
        sim_buf_put(head, o->image_data, o->image_data_len < 65536 ? o->image_data_len : 65536);
        return SIM_OK;
    }
    return media_file_head(o->image, 65536, head);
}

/* What says how firmware boots has no meaning where there is none. */
static enum sim_err refuse_firmware_options(const struct sim *sim)
{
    static const char *const boots[] = { [BOOT_DISK] = "disk", [BOOT_CDROM] = "cdrom", [BOOT_FLOPPY] = "floppy" };
    const struct sim_options *o = sim->options;

    if (o->bios)
        return sim_fail(SIM_ERR_USAGE, "--bios %s: this kernel is loaded without firmware", o->bios);
    if (o->vgabios)
        return sim_fail(SIM_ERR_USAGE, "--vgabios %s: this kernel is loaded without firmware", o->vgabios);
    if (o->boot != BOOT_AUTO && o->boot != BOOT_DIRECT)
        return sim_fail(SIM_ERR_USAGE, "--boot %s: this kernel is loaded without firmware", boots[o->boot]);
    return SIM_OK;
}

enum sim_err image_plan(struct sim *sim)
{
    const struct sim_options *o = sim->options;
    struct sim_buf head = SIM_BUF_INIT;
    enum sim_err err;

    sim->image_kind = IMAGE_NONE;
    if (o->image || o->image_data) {
        err = read_head(sim, &head);
        if (!err && head.len == 0)
            err = sim_fail(SIM_ERR_FORMAT, "%s: the file is empty", o->image ? o->image : "kernel");
        if (err) {
            sim_buf_fini(&head);
            return err;
        }
        sim->image_kind = identify(sim, &head);
        sim_buf_fini(&head);
    } else if (!o->disks.count && !o->cdrom && !o->floppy && !o->bios) {
        return sim_fail(SIM_ERR_USAGE, "nothing to boot: give a kernel, a disk, CD or floppy image, or a BIOS");
    }
    if (o->boot == BOOT_DIRECT && (sim->image_kind == IMAGE_NONE || sim->image_kind == IMAGE_CDROM))
        return sim_fail(SIM_ERR_USAGE, "--boot direct needs a kernel, boot sector or flat image");
    if (o->initrd && sim->image_kind != IMAGE_BZIMAGE)
        return sim_fail(SIM_ERR_USAGE, "--initrd %s: only a Linux kernel takes an initial ramdisk", o->initrd);
    sim->needs_firmware = sim->image_kind == IMAGE_NONE || sim->image_kind == IMAGE_DISK || sim->image_kind == IMAGE_CDROM;
    sim->boot_floppy_first = sim->image_kind == IMAGE_NONE && o->floppy && !o->disks.count && !o->cdrom;
    sim->boot_cdrom_first = sim->image_kind == IMAGE_CDROM || (o->cdrom && !o->disks.count && sim->image_kind != IMAGE_DISK);
    if (sim->needs_firmware)
        return SIM_OK;
    err = refuse_firmware_options(sim);
    return err ? err : plan_kernel(sim);
}

/* ---- Booting it ---- */

enum sim_err image_boot_direct(struct sim *sim)
{
    enum sim_err err = firmware_imitate(sim);

    if (err)
        return err;
    if (sim->image_kind == IMAGE_MULTIBOOT)
        return multiboot_load(sim);
    if (sim->image_kind == IMAGE_BZIMAGE) {
        linux_load(sim);
        return SIM_OK;
    }
    load_put(sim, 0x7c00, sim->image.data, sim->image.len < 512 || sim->image_kind == IMAGE_FLAT ? sim->image.len : 512);
    load_enter_real(sim, 0, 0x7c00);
    return SIM_OK;
}

/* "FILE[,OFFSET]" */
static enum sim_err add_symbols(struct sim *sim, const char *item)
{
    const char *comma = strrchr(item, ',');
    char *end, *path;
    uint64_t offset = comma ? strtoull(comma + 1, &end, 0) : 0;
    enum sim_err err;

    if (comma && *end)
        comma = NULL, offset = 0;
    path = strndup(item, comma ? (size_t)(comma - item) : strlen(item));
    err = path ? dbg_symbols_load(sim->dbg, path, offset) : sim_fail(SIM_ERR_NOMEM, "out of memory");
    free(path);
    return err;
}

enum sim_err image_symbols(struct sim *sim)
{
    enum sim_err err = SIM_OK;

    if (sim->image.len > 4 && memcmp(sim->image.data, "\177ELF", 4) == 0)
        dbg_symbols_load_memory(sim->dbg, load_name(sim), sim->image.data, sim->image.len, 0); /* none is no error */
    for (unsigned n = 0; !err && n < sim->options->symbols.count; n++)
        err = add_symbols(sim, sim->options->symbols.item[n]);
    return err;
}
