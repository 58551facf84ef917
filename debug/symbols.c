/*
 * Symbols of ELF files. The files are hostile: libelf checks what it follows, and what we follow ourselves (names, sizes, counts) is
 * checked here. An image's data is copied, so a file that changes on disk changes nothing.
 */
#include "debug/symbols.h"

#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_FILE (1ull << 30)
#define SIZELESS_REACH 0x10000u /* how far behind a symbol without size an address may lie */
#define MAX_STEPS_BACK 256

enum sim_err symbols_create(struct symbols **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? SIM_OK : sim_fail(SIM_ERR_NOMEM, "out of memory for symbols");
}

static void image_free(struct image *image)
{
    if (!image)
        return;
    lines_free(image);
    elf_end(image->elf);
    free(image->symbol);
    free(image->by_name);
    free(image->segment);
    free(image->data);
    free(image->name);
    free(image);
}

void symbols_destroy(struct symbols *s)
{
    if (!s)
        return;
    for (unsigned n = 0; n < s->images; n++)
        image_free(s->image[n]);
    free(s->image);
    free(s);
}

/* ---- Reading ---- */

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const struct symbol *x = *(const struct symbol *const *)a, *y = *(const struct symbol *const *)b;
    int order = strcmp(x->name, y->name);

    return order ? order : (int)y->rank - (int)x->rank;
}

static enum sim_err sort(struct image *image)
{
    if (!image->symbols)
        return SIM_OK;
    qsort(image->symbol, image->symbols, sizeof(*image->symbol), by_address);
    image->by_name = calloc(image->symbols, sizeof(*image->by_name));
    if (!image->by_name)
        return sim_fail(SIM_ERR_NOMEM, "%s: out of memory for its symbols", image->name);
    for (size_t n = 0; n < image->symbols; n++)
        image->by_name[n] = &image->symbol[n];
    qsort(image->by_name, image->symbols, sizeof(*image->by_name), by_name);
    return SIM_OK;
}

/* Is this a name of something in the program? Sets its rank. */
static bool is_wanted(const GElf_Sym *sym, const char *name, uint8_t *rank)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);

    if (!name || !*name || sym->st_shndx == SHN_UNDEF || (type != STT_NOTYPE && type != STT_FUNC && type != STT_OBJECT))
        return false;
    *rank = (uint8_t)((type == STT_FUNC ? 4 : type == STT_OBJECT ? 2 : 0) + (GELF_ST_BIND(sym->st_info) != STB_LOCAL));
    return true;
}

/* Where a symbol ends; false: its section is not part of the program. */
static bool set_end(Elf *elf, const GElf_Sym *sym, struct symbol *s)
{
    GElf_Shdr header;
    Elf_Scn *section;
    uint64_t room = SIZELESS_REACH;

    s->sized = sym->st_size != 0;
    s->absolute = sym->st_shndx >= SHN_LORESERVE && sym->st_shndx != SHN_XINDEX;
    if (!s->absolute && sym->st_shndx != SHN_XINDEX) {
        section = elf_getscn(elf, sym->st_shndx);
        if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC))
            return false;
        if (sym->st_value - header.sh_addr <= header.sh_size && header.sh_size - (sym->st_value - header.sh_addr) < room)
            room = header.sh_size - (sym->st_value - header.sh_addr);
    }
    if (s->sized)
        room = sym->st_size;
    s->end = s->addr + room < s->addr ? UINT64_MAX : s->addr + room;
    return true;
}

static enum sim_err read_table(struct image *image, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;

    if (!count)
        return SIM_OK;
    image->symbol = calloc(count, sizeof(*image->symbol));
    if (!image->symbol)
        return sim_fail(SIM_ERR_NOMEM, "%s: out of memory for its symbols", image->name);
    for (size_t n = 0; n < count && n <= INT32_MAX; n++) {
        struct symbol *s = &image->symbol[image->symbols];
        GElf_Sym sym;

        if (!gelf_getsym(data, (int)n, &sym))
            break;
        s->name = elf_strptr(image->elf, header->sh_link, sym.st_name);
        s->addr = sym.st_value + image->offset;
        if (is_wanted(&sym, s->name, &s->rank) && set_end(image->elf, &sym, s))
            image->symbols++;
    }
    return sort(image);
}

/* .symtab, or .dynsym where that was stripped. */
static enum sim_err read_symbols(struct image *image)
{
    static const GElf_Word types[] = { SHT_SYMTAB, SHT_DYNSYM };

    for (unsigned t = 0; t < 2; t++)
        for (Elf_Scn *section = elf_nextscn(image->elf, NULL); section; section = elf_nextscn(image->elf, section)) {
            GElf_Shdr header;

            if (gelf_getshdr(section, &header) && header.sh_type == types[t] && !image->symbol) {
                enum sim_err err = read_table(image, section, &header);

                if (err)
                    return err;
            }
        }
    return SIM_OK;
}

static void read_segments(struct image *image)
{
    size_t count = 0;

    if (elf_getphdrnum(image->elf, &count) != 0 || !count || count > 65535)
        return;
    image->segment = calloc(count, sizeof(*image->segment));
    for (size_t n = 0; image->segment && n < count; n++) {
        GElf_Phdr header;

        if (gelf_getphdr(image->elf, (int)n, &header) && header.p_type == PT_LOAD && header.p_vaddr != header.p_paddr)
            image->segment[image->segments++] = (struct segment){ header.p_vaddr, header.p_paddr, header.p_memsz };
    }
}

/* Takes `data` over. */
static enum sim_err image_open(const char *name, void *data, size_t len, uint64_t offset, struct image **out)
{
    struct image *image = calloc(1, sizeof(*image));
    enum sim_err err = SIM_OK;

    if (image)
        image->name = strdup(name);
    if (!image || !image->name) {
        free(image);
        free(data);
        return sim_fail(SIM_ERR_NOMEM, "%s: out of memory for its symbols", name);
    }
    image->data = data;
    image->offset = offset;
    elf_version(EV_CURRENT);
    image->elf = elf_memory(data, len);
    if (!image->elf || elf_kind(image->elf) != ELF_K_ELF)
        err = sim_fail(SIM_ERR_FORMAT, "%s: not an ELF file, so there are no symbols in it", name);
    if (!err)
        err = read_symbols(image);
    if (err) {
        image_free(image);
        return err;
    }
    read_segments(image);
    *out = image;
    return SIM_OK;
}

static enum sim_err add(struct symbols *s, const char *name, void *data, size_t len, uint64_t offset)
{
    struct image *image = NULL, **grown;
    enum sim_err err = image_open(name, data, len, offset, &image);

    if (err)
        return err;
    grown = realloc(s->image, (s->images + 1) * sizeof(*grown));
    if (!grown) {
        image_free(image);
        return sim_fail(SIM_ERR_NOMEM, "%s: out of memory for its symbols", name);
    }
    s->image = grown;
    s->image[s->images++] = image;
    return SIM_OK;
}

enum sim_err dbg_symbols_load_memory(struct dbg *dbg, const char *name, const void *data, size_t len, uint64_t offset)
{
    void *copy;

    if (len > MAX_FILE)
        return sim_fail(SIM_ERR_FORMAT, "%s: more than 1 GiB: too large to look for symbols", name);
    copy = malloc(len ? len : 1);
    if (!copy)
        return sim_fail(SIM_ERR_NOMEM, "%s: out of memory for its symbols", name);
    memcpy(copy, data, len);
    return add(dbg->symbols, name, copy, len, offset);
}

enum sim_err dbg_symbols_load(struct dbg *dbg, const char *path, uint64_t offset)
{
    FILE *f = fopen(path, "rb");
    struct sim_buf b = SIM_BUF_INIT;
    uint8_t piece[65536];
    enum sim_err err = SIM_OK;
    size_t got;

    if (!f)
        return sim_fail(SIM_ERR_IO, "%s: cannot be opened", path);
    while (!err && (got = fread(piece, 1, sizeof(piece), f)) > 0) {
        sim_buf_put(&b, piece, got);
        if (b.len > MAX_FILE)
            err = sim_fail(SIM_ERR_FORMAT, "%s: more than 1 GiB: too large to look for symbols", path);
    }
    if (!err && ferror(f))
        err = sim_fail(SIM_ERR_IO, "%s: cannot be read", path);
    if (!err && b.failed)
        err = sim_fail(SIM_ERR_NOMEM, "%s: out of memory for its symbols", path);
    fclose(f);
    if (err || !b.len) {
        sim_buf_fini(&b);
        return err ? err : sim_fail(SIM_ERR_FORMAT, "%s: an empty file", path);
    }
    return add(dbg->symbols, path, b.data, b.len, offset);
}

/* ---- Looking up ---- */

uint64_t symbols_linked(const struct image *image, uint64_t laddr)
{
    uint64_t addr = laddr - image->offset;

    for (size_t n = 0; n < image->segments; n++)
        if (addr - image->segment[n].vaddr < image->segment[n].size)
            return laddr;
    for (size_t n = 0; n < image->segments; n++)
        if (addr - image->segment[n].paddr < image->segment[n].size)
            return addr - image->segment[n].paddr + image->segment[n].vaddr + image->offset;
    return laddr;
}

/* The number of symbols at or below laddr. */
static size_t at_or_below(const struct image *image, uint64_t laddr)
{
    size_t low = 0, high = image->symbols;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (image->symbol[mid].addr <= laddr)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const struct symbol *covering(const struct image *image, uint64_t laddr)
{
    size_t n = at_or_below(image, laddr);

    for (unsigned steps = 0; n > 0 && steps < MAX_STEPS_BACK; steps++) {
        const struct symbol *s = &image->symbol[--n];

        if (!s->absolute && (laddr == s->addr || laddr < s->end))
            return s;
    }
    return NULL;
}

static const struct symbol *find_at(const struct symbols *s, uint64_t laddr, uint64_t *offset)
{
    const struct symbol *best = NULL;

    for (unsigned n = 0; n < s->images; n++) {
        uint64_t linked = symbols_linked(s->image[n], laddr);
        const struct symbol *found = covering(s->image[n], linked);

        if (found && (!best || linked - found->addr < *offset)) {
            best = found;
            *offset = linked - found->addr;
        }
    }
    return best;
}

bool dbg_symbol_at(const struct dbg *dbg, uint64_t laddr, const char **name, uint64_t *offset)
{
    const struct symbol *s = find_at(dbg->symbols, laddr, offset);

    if (s)
        *name = s->name;
    return s != NULL;
}

/* The first symbol by name whose name is not less than this one. */
static size_t name_bound(const struct image *image, const char *name)
{
    size_t low = 0, high = image->symbols;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(image->by_name[mid]->name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool dbg_symbol_find(const struct dbg *dbg, const char *name, uint64_t *laddr)
{
    const struct symbol *best = NULL;

    for (unsigned n = 0; n < dbg->symbols->images; n++) {
        const struct image *image = dbg->symbols->image[n];
        size_t at = name_bound(image, name);

        if (at < image->symbols && strcmp(image->by_name[at]->name, name) == 0 && (!best || image->by_name[at]->rank > best->rank))
            best = image->by_name[at];
    }
    if (best)
        *laddr = best->addr;
    return best != NULL;
}

const char *dbg_symbol_complete(const struct dbg *dbg, const char *prefix, unsigned n)
{
    size_t len = strlen(prefix);

    for (unsigned m = 0; m < dbg->symbols->images; m++) {
        const struct image *image = dbg->symbols->image[m];
        size_t at = name_bound(image, prefix);

        for (; at < image->symbols && strncmp(image->by_name[at]->name, prefix, len) == 0; at++)
            if (n-- == 0)
                return image->by_name[at]->name;
    }
    return NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void dbg_symbolize(const struct dbg *dbg, uint64_t laddr, char *out, size_t cap)
{
    const char *name, *file;
    uint64_t offset;
    unsigned line;
    char place[160] = "";

    if (dbg_line_at(dbg, laddr, &file, &line))
        snprintf(place, sizeof(place), "%s:%u", base_name(file), line);
    if (!dbg_symbol_at(dbg, laddr, &name, &offset))
        snprintf(out, cap, "%s", place);
    else if (offset)
        snprintf(out, cap, "%s+0x%llx%s%s%s", name, (unsigned long long)offset, *place ? " (" : "", place, *place ? ")" : "");
    else
        snprintf(out, cap, "%s%s%s%s", name, *place ? " (" : "", place, *place ? ")" : "");
}
