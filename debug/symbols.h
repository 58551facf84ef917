/* The images whose symbols are loaded: shared by symbols.c, lines.c (DWARF lines) and unwind.c (call stacks). */
#ifndef LIBSIM_DEBUG_SYMBOLS_H
#define LIBSIM_DEBUG_SYMBOLS_H

#include <libelf.h>

#include "debug/private.h"

struct symbol {
    uint64_t addr, end; /* end: first address that is no longer its own: by its size, or where its section ends when it has none */
    const char *name;   /* in the image's data */
    uint8_t rank;       /* of those at one address the highest is shown */
    bool sized, absolute;
};

/* A loaded part: the address it is linked at, and the one it is loaded at. They differ in kernels that turn paging on themselves. */
struct segment {
    uint64_t vaddr, paddr, size;
};

struct line {
    uint64_t addr;
    const char *file; /* owned by the image's DWARF data; NULL: nothing belongs to this address */
    uint32_t line;
};

struct image {
    char *name;
    void *data;          /* the whole file, copied */
    Elf *elf;
    uint64_t offset;     /* added to the file's addresses */
    struct symbol *symbol; /* by address */
    size_t symbols;
    const struct symbol **by_name; /* of equal names the one of the highest rank first */
    struct segment *segment;
    size_t segments;

    /* lines.c; read when first asked for */
    bool lines_read;
    void *dwarf;         /* Dwarf * */
    void *cfi[2];        /* Dwarf_CFI *: .debug_frame, .eh_frame */
    struct line *line;   /* by address */
    size_t lines;
};

struct symbols {
    struct image **image;
    unsigned images;
};

/* Reads the image's DWARF data, if that has not been tried yet. */
void lines_read(struct image *image);
void lines_free(struct image *image);

/* Address as linked, for an address that belongs to no link address but lies where a segment is loaded; else the address itself. */
uint64_t symbols_linked(const struct image *image, uint64_t laddr);

/* One step up the stack by call frame information. regs: by DWARF number, `count` of them; *ip is the address looked up. False: there is none. */
struct unwind_regs {
    uint64_t value[17];
    bool known[17];
    uint64_t ip;
};
bool unwind_cfi(struct symbols *s, struct cpu *cpu, struct unwind_regs *regs, bool caller);

#endif
