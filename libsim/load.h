/*
 * Kernel images for direct boot. Each loader checks the whole image, and that all of it finds room, before it writes a byte of guest memory.
 */
#ifndef LIBSIM_LIBSIM_LOAD_H
#define LIBSIM_LIBSIM_LOAD_H

#include "libsim/machine.h"

/* Offset of the Multiboot 1 header in the first 8 KiB, or -1. */
int64_t multiboot_find(const uint8_t *image, size_t len);
/* Checks the image (flags, segments, sizes against RAM), and that modules and information find room. */
enum sim_err multiboot_check(struct sim *sim);
/* Puts kernel, modules and information into RAM; sets the boot CPU's registers. Multiboot Specification 0.6.96. */
enum sim_err multiboot_load(struct sim *sim);

/* Linux: checks the setup header, reads the initial ramdisk, sees that all finds room. */
enum sim_err linux_check(struct sim *sim);
/* Puts kernel, ramdisk and zero page into RAM; sets the boot CPU's registers. */
void linux_load(struct sim *sim);

/* A piece of an image and where it goes. */
struct load_segment {
    uint64_t paddr, file_off, file_bytes, mem_bytes;
};
#define LOAD_MAX_SEGMENTS 64
struct load_elf {
    struct load_segment segment[LOAD_MAX_SEGMENTS];
    unsigned segments;
    uint64_t entry;      /* physical */
    bool is64;
    /* section headers, for Multiboot: table in the file */
    uint64_t shoff;
    uint32_t shnum, shentsize, shstrndx;
};
/* Parses with libelf; SIM_ERR_FORMAT when any header leads outside the image or RAM. */
enum sim_err load_elf_parse(const char *name, const uint8_t *image, size_t len, uint64_t ram_bytes, struct load_elf *out);

/* ---- load_modules.c ---- */

#define LOAD_MAX_MODULES 64
struct load_module {
    char *text; /* name and arguments */
    struct sim_buf data;
};
struct load_modules {
    struct load_module module[LOAD_MAX_MODULES];
    unsigned count;
};
/* Reads the files of --module. */
enum sim_err load_modules_read(struct sim *sim);
/* Frees what loaders keep. */
void load_forget(struct sim *sim);

/* ---- load.c ---- */

/* RAM below 4 GiB, as far as loaders use it. */
uint64_t load_low_ram(const struct sim *sim);
/* What the image is called in messages and command lines. */
const char *load_name(const struct sim *sim);
/* RAM of the machine; a put outside it is refused before. */
void load_put(struct sim *sim, uint64_t paddr, const void *data, size_t len);
void load_zero(struct sim *sim, uint64_t paddr, uint64_t len);

/* Registers for a 32-bit protected-mode entry: flat segments, paging off, interrupts off. */
void load_enter_protected(struct sim *sim, uint64_t ip);
/* For real-mode entry at segment:offset. */
void load_enter_real(struct sim *sim, uint16_t cs, uint16_t ip);

#endif
