/* The system bench with a debugger on it, and an ELF file made by hand. */
#ifndef LIBSIM_TESTCASES_UNIT_DEBUG_BENCH_H
#define LIBSIM_TESTCASES_UNIT_DEBUG_BENCH_H

#include <elf.h>

#include "debug/dbg.h"
#include "testcases/unit/system_bench.h"

struct bench {
    struct sys s;
    struct dbg *dbg;
    struct sim_buf text;
};

static inline void bench_open(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    sys_open(&b->s, "max", 1);
    ck_assert_int_eq(dbg_create(b->s.cluster, b->s.bus, &b->dbg), SIM_OK);
}

static inline void bench_close(struct bench *b)
{
    dbg_destroy(b->dbg);
    sim_buf_fini(&b->text);
    sys_close(&b->s);
}

/* What a function appends, as a string that lives until the next call. */
#define TEXT(b, call) (sim_buf_clear(&(b)->text), (call), sim_buf_cstr(&(b)->text))

#define ck_assert_has(text, part) ck_assert_msg(strstr((text), (part)) != NULL, "'%s' is not in:\n%s", (part), (text))
#define ck_assert_has_not(text, part) ck_assert_msg(strstr((text), (part)) == NULL, "'%s' is in:\n%s", (part), (text))

/* ---- A 32-bit ELF file: .text, .data, .symtab, .strtab, and one loaded segment ---- */

struct elf_symbol {
    const char *name;
    uint32_t value, size;
    uint8_t type;     /* STT_* */
    uint16_t section; /* 1 .text, 2 .data, SHN_ABS, SHN_UNDEF */
};

enum { ELF_SHDRS = 7 };

/* text: the section's address and size; paddr: where the segment is loaded; frames: contents of .eh_frame, which stands behind .data. Returns the
 * file's size; *out is malloc'ed. */
static inline size_t elf_make(const struct elf_symbol *symbol, unsigned symbols, uint32_t vaddr, uint32_t paddr, uint32_t size, const void *frames,
                              size_t frames_len, uint8_t **out)
{
    static const char names[] = "\0.text\0.data\0.symtab\0.strtab\0.shstrtab\0.eh_frame";
    size_t strings = 1, at_symbols = 0x200, at_strings, at_names, at_frames, len;
    uint8_t *file;
    Elf32_Ehdr *e;
    Elf32_Shdr *h;
    Elf32_Sym *s;
    char *strtab;

    for (unsigned n = 0; n < symbols; n++)
        strings += strlen(symbol[n].name) + 1;
    at_strings = at_symbols + (symbols + 1) * sizeof(Elf32_Sym);
    at_names = at_strings + strings;
    at_frames = (at_names + sizeof(names) + 15) & ~(size_t)15;
    len = at_frames + frames_len + 16;
    file = calloc(1, len);
    ck_assert_ptr_nonnull(file);
    e = (Elf32_Ehdr *)file;
    *e = (Elf32_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC, .e_machine = EM_386,
                       .e_version = EV_CURRENT, .e_entry = vaddr, .e_phoff = 52, .e_shoff = 0x60, .e_ehsize = 52, .e_phentsize = 32, .e_phnum = 1,
                       .e_shentsize = 40, .e_shnum = ELF_SHDRS, .e_shstrndx = 5 };
    *(Elf32_Phdr *)(file + 52) = (Elf32_Phdr){ PT_LOAD, 0, vaddr, paddr, 0, size, PF_R | PF_X, 4096 };
    h = (Elf32_Shdr *)(file + 0x60);
    h[1] = (Elf32_Shdr){ 1, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, vaddr, 0x200, size / 2, 0, 0, 16, 0 };
    h[2] = (Elf32_Shdr){ 7, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, vaddr + size / 2, 0x200, size / 2, 0, 0, 16, 0 };
    h[3] = (Elf32_Shdr){ 13, SHT_SYMTAB, 0, 0, (Elf32_Off)at_symbols, (symbols + 1) * sizeof(Elf32_Sym), 4, 1, 4, sizeof(Elf32_Sym) };
    h[4] = (Elf32_Shdr){ 21, SHT_STRTAB, 0, 0, (Elf32_Off)at_strings, (Elf32_Word)strings, 0, 0, 1, 0 };
    h[5] = (Elf32_Shdr){ 29, SHT_STRTAB, 0, 0, (Elf32_Off)at_names, sizeof(names), 0, 0, 1, 0 };
    h[6] = (Elf32_Shdr){ 39, frames_len ? SHT_PROGBITS : SHT_NULL, SHF_ALLOC, vaddr + size, (Elf32_Off)at_frames, (Elf32_Word)frames_len, 0, 0, 4, 0 };
    memcpy(file + at_names, names, sizeof(names));
    if (frames_len)
        memcpy(file + at_frames, frames, frames_len);
    s = (Elf32_Sym *)(file + at_symbols);
    strtab = (char *)file + at_strings;
    strings = 1;
    for (unsigned n = 0; n < symbols; n++) {
        s[n + 1] = (Elf32_Sym){ (Elf32_Word)strings, symbol[n].value, symbol[n].size, ELF32_ST_INFO(STB_GLOBAL, symbol[n].type), 0, symbol[n].section };
        strcpy(strtab + strings, symbol[n].name);
        strings += strlen(symbol[n].name) + 1;
    }
    *out = file;
    return len;
}

/* Symbols for the bench's code and data. */
static inline void bench_symbols(struct bench *b, const struct elf_symbol *symbol, unsigned symbols)
{
    uint8_t *file;
    size_t len = elf_make(symbol, symbols, AT_CODE, AT_CODE, 0x100000, NULL, 0, &file);

    ck_assert_int_eq(dbg_symbols_load_memory(b->dbg, "bench", file, len, 0), SIM_OK);
    free(file);
}

#endif
