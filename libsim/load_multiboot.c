/*
 * Multiboot 1. Multiboot Specification version 0.6.96.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "libsim/firmware.h"
#include "libsim/load.h"
#include "libsim/options.h"

#define HEADER_MAGIC 0x1BADB002u
#define BOOT_MAGIC   0x2BADB002u
#define SEARCH_BYTES 8192

/* Header flags: "OS image format". */
enum { ALIGN_MODULES = 1, NEED_MEMORY = 2, NEED_VIDEO = 4, REQUIRED = 0xffff, HAS_ADDRESSES = 0x10000 };

/* Information flags: "Boot information format". */
enum { INFO_MEMORY = 1, INFO_CMDLINE = 4, INFO_MODULES = 8, INFO_ELF = 32, INFO_MMAP = 64, INFO_LOADER = 512, INFO_FRAMEBUFFER = 4096 };

struct header {
    uint32_t magic, flags, checksum, header_addr, load_addr, load_end, bss_end, entry, mode_type, width, height, depth;
};

static uint32_t le32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

int64_t multiboot_find(const uint8_t *image, size_t len)
{
    for (size_t off = 0; off + 12 <= len && off + 12 <= SEARCH_BYTES; off += 4)
        if (le32(image + off) == HEADER_MAGIC && le32(image + off) + le32(image + off + 4) + le32(image + off + 8) == 0)
            return (int64_t)off;
    return -1;
}

/* ---- What to load ---- */

struct plan {
    struct load_elf elf; /* for the a.out kludge: one segment */
    struct header header;
    bool is_elf;
};

static enum sim_err plan_addresses(struct sim *sim, size_t at, struct plan *p)
{
    const struct header *h = &p->header;
    uint64_t off, bytes, end;

    if (h->load_addr > h->header_addr || h->header_addr - h->load_addr > at)
        return sim_fail(SIM_ERR_FORMAT, "%s: Multiboot addresses: load_addr 0x%x and header_addr 0x%x do not fit the file", load_name(sim),
                        h->load_addr, h->header_addr);
    off = at - (h->header_addr - h->load_addr);
    bytes = h->load_end ? (uint64_t)h->load_end - h->load_addr : sim->image.len - off;
    if ((h->load_end && h->load_end < h->load_addr) || bytes > sim->image.len - off)
        return sim_fail(SIM_ERR_FORMAT, "%s: Multiboot load_end_addr 0x%x lies behind the file's end: truncated?", load_name(sim), h->load_end);
    end = h->bss_end ? h->bss_end : h->load_addr + bytes;
    if (end < h->load_addr + bytes || end > load_low_ram(sim))
        return sim_fail(SIM_ERR_FORMAT, "%s: Multiboot bss_end_addr 0x%x: below the data, or not in memory", load_name(sim), h->bss_end);
    if (h->entry < h->load_addr || h->entry >= end)
        return sim_fail(SIM_ERR_FORMAT, "%s: the entry point 0x%x lies outside the image", load_name(sim), h->entry);
    if (h->load_addr < 0x100000 && end > 0x9fc00)
        return sim_fail(SIM_ERR_FORMAT, "%s: Multiboot addresses 0x%x-0x%llx reach into 0x9FC00-0xFFFFF, where no memory is", load_name(sim),
                        h->load_addr, (unsigned long long)end);
    p->elf.segment[0] = (struct load_segment){ h->load_addr, off, bytes, end - h->load_addr };
    p->elf.segments = 1;
    p->elf.entry = h->entry;
    return SIM_OK;
}

static enum sim_err make_plan(struct sim *sim, struct plan *p)
{
    int64_t at = multiboot_find(sim->image.data, sim->image.len);
    size_t room;

    memset(p, 0, sizeof(*p));
    if (at < 0)
        return sim_fail(SIM_ERR_FORMAT, "%s: no Multiboot header", load_name(sim));
    room = sim->image.len - (size_t)at;
    memcpy(&p->header, sim->image.data + at, room < sizeof(p->header) ? room : sizeof(p->header));
    if (p->header.flags & REQUIRED & ~(ALIGN_MODULES | NEED_MEMORY | NEED_VIDEO))
        return sim_fail(SIM_ERR_UNSUPPORTED, "%s: Multiboot header requires unknown features (flags 0x%x)", load_name(sim), p->header.flags);
    if (p->header.flags & HAS_ADDRESSES)
        return room < 32 ? sim_fail(SIM_ERR_FORMAT, "%s: the Multiboot header is cut off", load_name(sim)) : plan_addresses(sim, (size_t)at, p);
    p->is_elf = true;
    return load_elf_parse(load_name(sim), sim->image.data, sim->image.len, load_low_ram(sim), &p->elf);
}

/* ---- Boot information, built in a buffer that goes to one address ---- */

struct info {
    struct sim_buf b;     /* the information structure first, what it points at behind it */
    uint64_t at;          /* where it will stand */
    uint64_t modules_end; /* first free address behind kernel and modules */
    bool write;           /* else all is done but for writing: to see whether it can be */
};
#define INFO_BYTES     116
#define INFO_MAX_BYTES 65536
#define MAX_SECTIONS   800 /* half of that */

static void info_set(struct info *i, unsigned off, uint32_t v)
{
    if (!i->b.failed)
        memcpy(i->b.data + off, &v, 4);
}

static uint32_t info_here(const struct info *i)
{
    return (uint32_t)(i->at + i->b.len);
}

static uint32_t info_string(struct info *i, const char *text)
{
    uint32_t at = info_here(i);

    sim_buf_put(&i->b, text, strlen(text) + 1);
    while (i->b.len & 3)
        sim_buf_u8(&i->b, 0); /* what follows is aligned */
    return at;
}

static uint64_t kernel_end(const struct plan *p)
{
    uint64_t end = 0;

    for (unsigned n = 0; n < p->elf.segments; n++)
        if (p->elf.segment[n].paddr + p->elf.segment[n].mem_bytes > end)
            end = p->elf.segment[n].paddr + p->elf.segment[n].mem_bytes;
    return end < 0x100000 ? 0x100000 : end;
}

static uint64_t page_up(uint64_t v)
{
    return (v + SIM_PAGE_MASK) & ~(uint64_t)SIM_PAGE_MASK;
}

static void add_memory(struct sim *sim, struct info *i)
{
    struct firmware_range range[16];
    unsigned count = firmware_memory_map(sim, range, 16);
    uint32_t start, flags_upper = (uint32_t)(load_low_ram(sim) >> 10) - 1024;

    info_set(i, 4, 639);
    for (unsigned n = 0; n < count; n++)
        if (range[n].type == 1 && range[n].base == 0x100000)
            flags_upper = (uint32_t)(range[n].length >> 10);
    info_set(i, 8, flags_upper);
    start = info_here(i);
    for (unsigned n = 0; n < count; n++) {
        sim_buf_u32(&i->b, 20);
        sim_buf_u64(&i->b, range[n].base);
        sim_buf_u64(&i->b, range[n].length);
        sim_buf_u32(&i->b, range[n].type);
    }
    info_set(i, 44, info_here(i) - start);
    info_set(i, 48, start);
}

/* Section headers, with the sections that are not loaded (symbols, strings) put behind the kernel. */
static enum sim_err add_sections(struct sim *sim, const struct plan *p, struct info *i)
{
    uint32_t table;
    uint64_t next = i->modules_end;

    if (!p->is_elf || !p->elf.shnum || p->elf.shnum > MAX_SECTIONS || p->elf.is64 || p->elf.shentsize != 40)
        return SIM_OK;
    table = info_here(i);
    for (uint32_t n = 0; n < p->elf.shnum; n++) {
        uint8_t sh[40];
        uint32_t type, addr, off, size;

        memcpy(sh, sim->image.data + p->elf.shoff + n * 40, 40);
        type = le32(sh + 4);
        addr = le32(sh + 12);
        off = le32(sh + 16);
        size = le32(sh + 20);
        if ((type == 2 || type == 3) && !addr && off <= sim->image.len && size <= sim->image.len - off) { /* SHT_SYMTAB, SHT_STRTAB */
            if (next + size > load_low_ram(sim))
                return sim_fail(SIM_ERR_FORMAT, "%s: no memory left for its symbols", load_name(sim));
            if (i->write)
                load_put(sim, next, sim->image.data + off, size);
            memcpy(sh + 12, &(uint32_t){ (uint32_t)next }, 4);
            next = page_up(next + size);
        }
        sim_buf_put(&i->b, sh, 40);
    }
    i->modules_end = next;
    info_set(i, 28, p->elf.shnum);
    info_set(i, 32, 40);
    info_set(i, 36, table);
    info_set(i, 40, p->elf.shstrndx);
    info_set(i, 0, le32(i->b.data) | INFO_ELF);
    return SIM_OK;
}

/* ---- Modules ---- */

static enum sim_err place_module(struct sim *sim, const struct load_module *m, struct info *i, uint32_t range[3])
{
    if (m->data.len > load_low_ram(sim) || i->modules_end > load_low_ram(sim) - m->data.len)
        return sim_fail(SIM_ERR_FORMAT, "module %s: %zu bytes do not fit into memory behind the kernel", m->text, m->data.len);
    if (i->write)
        load_put(sim, i->modules_end, m->data.data, m->data.len);
    range[0] = (uint32_t)i->modules_end;
    range[1] = (uint32_t)(i->modules_end + m->data.len);
    range[2] = info_string(i, m->text);
    i->modules_end = page_up(i->modules_end + m->data.len);
    return SIM_OK;
}

static enum sim_err add_modules(struct sim *sim, struct info *i)
{
    uint32_t range[LOAD_MAX_MODULES][3], at;

    for (unsigned n = 0; n < sim->modules->count; n++) {
        enum sim_err err = place_module(sim, &sim->modules->module[n], i, range[n]);

        if (err)
            return err;
    }
    at = info_here(i);
    for (unsigned n = 0; n < sim->modules->count; n++) {
        sim_buf_put(&i->b, range[n], sizeof(range[n]));
        sim_buf_u32(&i->b, 0);
    }
    info_set(i, 20, sim->modules->count);
    info_set(i, 24, at);
    return SIM_OK;
}

static void add_command_line(struct sim *sim, struct info *i)
{
    const char *append = sim->options->append ? sim->options->append : "";
    char *text = NULL;

    if (asprintf(&text, "%s%s%s", load_name(sim), *append ? " " : "", append) < 0)
        return;
    info_set(i, 16, info_string(i, text));
    free(text);
}

/* "Framebuffer": EGA text, which a kernel that asked for graphics must be ready to get. */
static void add_framebuffer(struct sim *sim, const struct plan *p, struct info *i)
{
    uint8_t fb[28] = { 0 };

    if (p->header.flags & NEED_VIDEO && p->header.mode_type == 0 && i->write)
        sim_log(&sim->log, SIM_LOG_WARN, "multiboot", "the kernel asks for a graphics mode; it gets 80x25 text");
    memcpy(fb, &(uint64_t){ 0xB8000 }, 8);
    memcpy(fb + 8, &(uint32_t){ 160 }, 4);
    memcpy(fb + 12, &(uint32_t){ 80 }, 4);
    memcpy(fb + 16, &(uint32_t){ 25 }, 4);
    fb[20] = 16;
    fb[21] = 2;
    if (!i->b.failed)
        memcpy(i->b.data + 88, fb, sizeof(fb));
}

static void load_kernel(struct sim *sim, const struct plan *p)
{
    for (unsigned n = 0; n < p->elf.segments; n++) {
        const struct load_segment *s = &p->elf.segment[n];

        load_put(sim, s->paddr, sim->image.data + s->file_off, s->file_bytes);
        load_zero(sim, s->paddr + s->file_bytes, s->mem_bytes - s->file_bytes);
    }
}

/* Below 640 KiB, where no kernel of today is linked; where one is, behind its end. */
static void place_info(const struct plan *p, struct info *i)
{
    i->modules_end = page_up(kernel_end(p));
    i->at = 0x9000;
    for (unsigned n = 0; n < p->elf.segments; n++)
        if (p->elf.segment[n].paddr < 0x9fc00) {
            i->at = i->modules_end;
            i->modules_end += INFO_MAX_BYTES;
            return;
        }
}

/* Everything but the kernel itself, whose plan is made. */
static enum sim_err make_info(struct sim *sim, const struct plan *p, struct info *i)
{
    static const uint8_t blank[INFO_BYTES];
    enum sim_err err;

    place_info(p, i);
    sim_buf_put(&i->b, blank, sizeof(blank));
    info_set(i, 0, INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MMAP | INFO_LOADER | INFO_FRAMEBUFFER);
    add_memory(sim, i);
    add_command_line(sim, i);
    info_set(i, 64, info_string(i, "libsim"));
    add_framebuffer(sim, p, i);
    if (i->modules_end > load_low_ram(sim) && (i->at != 0x9000 || sim->modules->count))
        return sim_fail(SIM_ERR_FORMAT, "%s: no memory left behind the kernel: more with -m?", load_name(sim));
    err = add_modules(sim, i);
    if (!err)
        err = add_sections(sim, p, i);
    if (!err && (i->b.failed || i->b.len > INFO_MAX_BYTES))
        err = sim_fail(SIM_ERR_FORMAT, "%s: its boot information (command line, module names) does not fit into 64 KiB", load_name(sim));
    return err;
}

enum sim_err multiboot_check(struct sim *sim)
{
    struct plan p;
    struct info i = { .b = SIM_BUF_INIT };
    enum sim_err err = make_plan(sim, &p);

    if (!err)
        err = make_info(sim, &p, &i);
    sim_buf_fini(&i.b);
    return err;
}

enum sim_err multiboot_load(struct sim *sim)
{
    struct plan p;
    struct info i = { .b = SIM_BUF_INIT, .write = true };
    struct cpu *cpu = cpu_get(sim->cluster, 0);
    enum sim_err err = make_plan(sim, &p);

    if (err)
        return err;
    load_kernel(sim, &p);
    err = make_info(sim, &p, &i);
    if (!err) {
        load_put(sim, i.at, i.b.data, i.b.len);
        load_enter_protected(sim, p.elf.entry);
        cpu->reg[CPU_AX] = BOOT_MAGIC;
        cpu->reg[CPU_BX] = i.at;
    }
    sim_buf_fini(&i.b);
    return err;
}
