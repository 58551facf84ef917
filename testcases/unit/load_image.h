/*
 * Builds images: ELF executables with or without a Multiboot header, for the tests of loaders. The numbers are what a file says, not what is
 * right: tests spoil them.
 */
#ifndef LIBSIM_TESTCASES_UNIT_LOAD_IMAGE_H
#define LIBSIM_TESTCASES_UNIT_LOAD_IMAGE_H

#include <elf.h>

#include "testcases/unit/load_bench.h"

enum { IMAGE_ENTRY = 0x100000, IMAGE_CODE_AT = 0x1000, IMAGE_CODE_BYTES = 0x200, IMAGE_BSS_BYTES = 0x300, IMAGE_STRINGS_AT = 0x1200, IMAGE_MAX = 0x2000 };

struct image {
    uint8_t bytes[IMAGE_MAX];
    size_t len;
};

/* The pieces, where `image_elf` puts them. */
static inline Elf32_Ehdr *image_header(struct image *i) { return (Elf32_Ehdr *)(void *)i->bytes; }
static inline Elf32_Phdr *image_segment(struct image *i, unsigned n) { return (Elf32_Phdr *)(void *)(i->bytes + 52) + n; }
static inline Elf32_Shdr *image_section(struct image *i, unsigned n) { return (Elf32_Shdr *)(void *)(i->bytes + 0x1300) + n; }
static inline uint32_t *image_multiboot(struct image *i) { return (uint32_t *)(void *)(i->bytes + IMAGE_CODE_AT); }

/* flags and what follows the checksum: header_addr, load_addr, load_end, bss_end, entry, mode_type, width, height, depth. */
static inline void image_put_multiboot(uint32_t *at, uint32_t flags)
{
    at[0] = 0x1BADB002;
    at[1] = flags;
    at[2] = 0 - at[0] - at[1];
}

/* An ELF32 kernel: one segment of code at 1 MiB with a Multiboot header and some bss; sections: null, .text, .symtab, .strtab. Its code is
 * "cli; hlt", behind the header. */
static inline struct image image_elf(uint32_t flags)
{
    static struct image i;
    Elf32_Ehdr *eh = image_header(&i);

    memset(&i, 0, sizeof(i));
    memcpy(eh->e_ident, "\177ELF\1\1\1", 7);
    *eh = (Elf32_Ehdr){ .e_type = ET_EXEC, .e_machine = EM_386, .e_version = 1, .e_entry = IMAGE_ENTRY + 0x40, .e_phoff = 52, .e_shoff = 0x1300,
                        .e_ehsize = 52, .e_phentsize = 32, .e_phnum = 1, .e_shentsize = 40, .e_shnum = 4, .e_shstrndx = 3 };
    memcpy(eh->e_ident, "\177ELF\1\1\1", 7);
    *image_segment(&i, 0) = (Elf32_Phdr){ .p_type = PT_LOAD, .p_offset = IMAGE_CODE_AT, .p_vaddr = IMAGE_ENTRY, .p_paddr = IMAGE_ENTRY,
                                          .p_filesz = IMAGE_CODE_BYTES, .p_memsz = IMAGE_CODE_BYTES + IMAGE_BSS_BYTES, .p_flags = 7 };
    image_put_multiboot(image_multiboot(&i), flags);
    memcpy(i.bytes + IMAGE_CODE_AT + 0x40, "\xfa\xf4", 2);
    memset(i.bytes + IMAGE_CODE_AT + 0x50, 0x5a, IMAGE_CODE_BYTES - 0x50);
    memcpy(i.bytes + IMAGE_STRINGS_AT, "\0start\0", 7);
    *image_section(&i, 1) = (Elf32_Shdr){ .sh_type = SHT_PROGBITS, .sh_flags = 6, .sh_addr = IMAGE_ENTRY, .sh_offset = IMAGE_CODE_AT,
                                          .sh_size = IMAGE_CODE_BYTES };
    *image_section(&i, 2) = (Elf32_Shdr){ .sh_type = SHT_SYMTAB, .sh_offset = 0x1240, .sh_size = 32, .sh_link = 3, .sh_entsize = 16 };
    *(Elf32_Sym *)(void *)(i.bytes + 0x1250) = (Elf32_Sym){ .st_name = 1, .st_value = IMAGE_ENTRY + 0x40, .st_info = 0x12, .st_shndx = 1 };
    *image_section(&i, 3) = (Elf32_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = IMAGE_STRINGS_AT, .sh_size = 7 };
    i.len = 0x1300 + 4 * 40;
    return i;
}

/* An a.out kludge: no ELF; the header at file offset 0x20, to be loaded at 2 MiB. */
static inline struct image image_flat_kernel(void)
{
    struct image i = { .len = 0x200 };
    uint32_t *h = (uint32_t *)(void *)(i.bytes + 0x20);

    image_put_multiboot(h, 0x10000);
    h[3] = 0x200020; /* header_addr */
    h[4] = 0x200010; /* load_addr: the file's first 10h bytes stay behind */
    h[5] = 0x200100; /* load_end_addr */
    h[6] = 0x200800; /* bss_end_addr */
    h[7] = 0x200060; /* entry_addr */
    memcpy(i.bytes + 0x60, "\xfa\xf4", 2);
    memset(i.bytes + 0x80, 0x77, 0x180);
    return i;
}

#endif
