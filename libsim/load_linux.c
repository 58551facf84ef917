/*
 * Linux kernels (bzImage), by their 32-bit entry. The kernel's Documentation/arch/x86/boot.rst, "The Linux/x86 Boot Protocol", and
 * zero-page.rst.
 */
#include <string.h>
#include <xxhash.h>

#include "cpu/cpu.h"
#include "libsim/firmware.h"
#include "libsim/load.h"
#include "libsim/media_file.h"
#include "libsim/options.h"

/* Offsets in the setup header, which are offsets in the zero page too. */
enum {
    SETUP_SECTS = 0x1f1, BOOT_FLAG = 0x1fe, JUMP_LENGTH = 0x201, VERSION = 0x206, LOADER = 0x210, LOADFLAGS = 0x211, RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c, CMDLINE = 0x228, INITRD_MAX = 0x22c, CMDLINE_SIZE = 0x238, PREF_ADDRESS = 0x258, INIT_SIZE = 0x260, HEADER = 0x1f1
};
enum { LOADED_HIGH = 1 };
/* The rest of the zero page. */
enum { SCREEN_INFO = 0, EXT_MEM_K = 2, ALT_MEM_K = 0x1e0, E820_ENTRIES = 0x1e8, E820_TABLE = 0x2d0, E820_MAX = 128 };

/* Where things go below 640 KiB. The kernel itself goes to 1 MiB, and unpacks itself from there. */
enum { ZERO_PAGE = 0x10000, GDT_AT = 0x11000, CMDLINE_AT = 0x20000, KERNEL_AT = 0x100000 };
enum { BOOT_CS = 0x10, BOOT_DS = 0x18 };

#define MAX_INITRD_BYTES (1ull << 30)

static uint64_t field(const struct sim *sim, unsigned at, unsigned bytes)
{
    uint64_t v = 0;

    memcpy(&v, sim->image.data + at, bytes);
    return v;
}

/* Where the protected-mode part begins in the file. */
static size_t kernel_offset(const struct sim *sim)
{
    unsigned sectors = sim->image.data[SETUP_SECTS];

    return ((sectors ? sectors : 4) + 1u) * 512;
}

static const char *command_line(const struct sim *sim)
{
    return sim->options->append ? sim->options->append : "";
}

/* First address that neither the kernel nor what it unpacks to needs. */
static uint64_t kernel_end(const struct sim *sim)
{
    uint64_t packed = KERNEL_AT + (sim->image.len - kernel_offset(sim)), unpacked = 0;

    if (field(sim, VERSION, 2) >= 0x20a)
        unpacked = field(sim, PREF_ADDRESS, 8) + field(sim, INIT_SIZE, 4);
    return packed > unpacked ? packed : unpacked;
}

static uint64_t initrd_at(const struct sim *sim)
{
    uint64_t top = load_low_ram(sim), limit = field(sim, VERSION, 2) >= 0x203 ? field(sim, INITRD_MAX, 4) + 1 : 0x38000000;

    top = top < limit ? top : limit;
    return sim->initrd.len < top ? (top - sim->initrd.len) & ~(uint64_t)SIM_PAGE_MASK : 0;
}

static enum sim_err check_header(const struct sim *sim)
{
    const char *name = load_name(sim);

    if (sim->image.len < INIT_SIZE + 4 || field(sim, BOOT_FLAG, 2) != 0xaa55 || sim->image.len <= kernel_offset(sim))
        return sim_fail(SIM_ERR_FORMAT, "%s: the Linux kernel image is cut off", name);
    if (field(sim, VERSION, 2) < 0x202 || !(field(sim, LOADFLAGS, 1) & LOADED_HIGH))
        return sim_fail(SIM_ERR_UNSUPPORTED, "%s: a zImage or a kernel older than boot protocol 2.02 (it has %x.%02x) is not loaded", name,
                        (unsigned)field(sim, VERSION + 1, 1), (unsigned)field(sim, VERSION, 1));
    return SIM_OK;
}

static enum sim_err check_room(const struct sim *sim)
{
    uint64_t most = field(sim, VERSION, 2) >= 0x206 ? field(sim, CMDLINE_SIZE, 4) : 255, low = load_low_ram(sim);
    const char *name = load_name(sim);

    if (strlen(command_line(sim)) > most || strlen(command_line(sim)) >= 0x10000)
        return sim_fail(SIM_ERR_USAGE, "%s: the command line has %zu characters, and the kernel takes at most %llu", name,
                        strlen(command_line(sim)), (unsigned long long)most);
    if (kernel_end(sim) > low)
        return sim_fail(SIM_ERR_FORMAT, "%s: the kernel needs memory up to 0x%llx, and there is 0x%llx: more with -m?", name,
                        (unsigned long long)kernel_end(sim), (unsigned long long)low);
    if (sim->initrd.len && initrd_at(sim) < kernel_end(sim))
        return sim_fail(SIM_ERR_FORMAT, "%s: %zu bytes do not fit into memory behind the kernel: more with -m?", sim->options->initrd,
                        sim->initrd.len);
    return SIM_OK;
}

enum sim_err linux_check(struct sim *sim)
{
    enum sim_err err = check_header(sim);

    if (!err && sim->options->initrd)
        err = media_file_read(sim->options->initrd, MAX_INITRD_BYTES, &sim->initrd);
    sim->config_digest ^= XXH3_64bits_withSeed(sim->initrd.data, sim->initrd.len, RAMDISK_IMAGE);
    return err ? err : check_room(sim);
}

/* ---- The zero page ---- */

static void put(uint8_t *page, unsigned at, uint64_t v, unsigned bytes)
{
    memcpy(page + at, &v, bytes);
}

/* struct screen_info: VGA text, 80 x 25, 16 lines a character. */
static void put_screen(uint8_t *page)
{
    put(page, SCREEN_INFO + 0x06, 3, 1);
    put(page, SCREEN_INFO + 0x07, 80, 1);
    put(page, SCREEN_INFO + 0x0e, 25, 1);
    put(page, SCREEN_INFO + 0x0f, 1, 1);
    put(page, SCREEN_INFO + 0x10, 16, 2);
}

static void put_memory(const struct sim *sim, uint8_t *page)
{
    struct firmware_range range[16];
    unsigned count = firmware_memory_map(sim, range, 16);
    uint64_t above = (load_low_ram(sim) >> 10) - 1024;

    for (unsigned n = 0; n < count; n++) {
        put(page, E820_TABLE + n * 20, range[n].base, 8);
        put(page, E820_TABLE + n * 20 + 8, range[n].length, 8);
        put(page, E820_TABLE + n * 20 + 16, range[n].type, 4);
    }
    put(page, E820_ENTRIES, count, 1);
    put(page, EXT_MEM_K, above > 0xfc00 ? 0xfc00 : above, 2);
    put(page, ALT_MEM_K, above, 4);
}

static void make_zero_page(const struct sim *sim, uint8_t *page)
{
    unsigned end = 0x202u + sim->image.data[JUMP_LENGTH];

    memcpy(page + HEADER, sim->image.data + HEADER, end - HEADER);
    put_screen(page);
    put_memory(sim, page);
    put(page, LOADER, 0xff, 1); /* no number assigned */
    put(page, CMDLINE, CMDLINE_AT, 4);
    put(page, RAMDISK_IMAGE, sim->initrd.len ? initrd_at(sim) : 0, 4);
    put(page, RAMDISK_SIZE, sim->initrd.len, 4);
}

/* ---- Loading ---- */

/* "32-bit boot protocol": a GDT with flat segments at 10h and 18h, ESI the zero page, EBP, EDI and EBX zero. */
static void enter(struct sim *sim)
{
    static const uint64_t gdt[4] = { 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
    struct cpu *cpu = cpu_get(sim->cluster, 0);

    load_put(sim, GDT_AT, gdt, sizeof(gdt));
    load_enter_protected(sim, KERNEL_AT);
    cpu->gdtr = (struct cpu_table){ .base = GDT_AT, .limit = sizeof(gdt) - 1 };
    for (unsigned n = 0; n <= CPU_GS; n++)
        cpu->seg[n].selector = n == CPU_CS ? BOOT_CS : BOOT_DS;
    cpu->reg[CPU_SI] = ZERO_PAGE;
    cpu->reg[CPU_BX] = cpu->reg[CPU_BP] = cpu->reg[CPU_DI] = 0;
}

void linux_load(struct sim *sim)
{
    uint8_t page[SIM_PAGE_SIZE] = { 0 };
    const char *text = command_line(sim);

    make_zero_page(sim, page);
    load_put(sim, ZERO_PAGE, page, sizeof(page));
    load_put(sim, CMDLINE_AT, text, strlen(text) + 1);
    load_put(sim, KERNEL_AT, sim->image.data + kernel_offset(sim), sim->image.len - kernel_offset(sim));
    if (sim->initrd.len)
        load_put(sim, initrd_at(sim), sim->initrd.data, sim->initrd.len);
    enter(sim);
}
