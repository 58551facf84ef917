/* Source lines, from DWARF by libdw. Read as a whole when first asked for: a table by address, so that images without .debug_aranges work too. */
#include "debug/symbols.h"

#include <string.h>

#ifdef HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

#define MAX_LINES (1u << 24)

static bool add(struct image *image, size_t *cap, const struct line *line)
{
    if (image->lines == MAX_LINES)
        return false;
    if (image->lines == *cap) {
        size_t more = *cap ? 2 * *cap : 1024;
        struct line *grown = realloc(image->line, more * sizeof(*grown));

        if (!grown)
            return false;
        image->line = grown;
        *cap = more;
    }
    image->line[image->lines++] = *line;
    return true;
}

static bool add_unit(struct image *image, size_t *cap, Dwarf_Lines *lines, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        Dwarf_Line *row = dwarf_onesrcline(lines, n);
        Dwarf_Addr addr;
        bool ends = false;
        int number = 0;

        if (!row || dwarf_lineaddr(row, &addr) != 0)
            continue;
        dwarf_lineendsequence(row, &ends);
        dwarf_lineno(row, &number);
        struct line line = { .addr = addr + image->offset, .line = number > 0 ? (uint32_t)number : 0 };
        if (!ends && line.line)
            line.file = dwarf_linesrc(row, NULL, NULL);
        if (!add(image, cap, &line))
            return false;
    }
    return true;
}

/* By address; where a sequence ends and another begins, the beginning counts. */
static int by_address(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return (x->file != NULL) - (y->file != NULL);
}

static void read_units(struct image *image, Dwarf *dwarf)
{
    Dwarf_Off off = 0, next;
    size_t header, cap = 0;

    while (dwarf_nextcu(dwarf, off, &next, &header, NULL, NULL, NULL) == 0 && next > off) {
        Dwarf_Die die;
        Dwarf_Lines *lines;
        size_t count;

        if (dwarf_offdie(dwarf, off + header, &die) && dwarf_getsrclines(&die, &lines, &count) == 0 && !add_unit(image, &cap, lines, count))
            break;
        off = next;
    }
    if (image->lines)
        qsort(image->line, image->lines, sizeof(*image->line), by_address);
}

void lines_read(struct image *image)
{
    Dwarf *dwarf;

    if (image->lines_read)
        return;
    image->lines_read = true;
    image->cfi[1] = dwarf_getcfi_elf(image->elf);
    dwarf = dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
    if (!dwarf)
        return;
    image->dwarf = dwarf;
    image->cfi[0] = dwarf_getcfi(dwarf);
    read_units(image, dwarf);
}

void lines_free(struct image *image)
{
    free(image->line);
    if (image->cfi[1])
        dwarf_cfi_end(image->cfi[1]);
    if (image->dwarf)
        dwarf_end(image->dwarf); /* and its .debug_frame */
}

#else

void lines_read(struct image *image)
{
    image->lines_read = true;
}

void lines_free(struct image *image)
{
    (void)image;
}

#endif

static const struct line *find(struct image *image, uint64_t laddr)
{
    size_t low = 0, high;

    lines_read(image);
    high = image->lines;
    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (image->line[mid].addr <= laddr)
            low = mid + 1;
        else
            high = mid;
    }
    return low && image->line[low - 1].file ? &image->line[low - 1] : NULL;
}

bool dbg_line_at(const struct dbg *dbg, uint64_t laddr, const char **file, unsigned *line)
{
    for (unsigned n = 0; n < dbg->symbols->images; n++) {
        struct image *image = dbg->symbols->image[n];
        const struct line *found = find(image, symbols_linked(image, laddr));

        if (found) {
            *file = found->file;
            *line = found->line;
            return true;
        }
    }
    return false;
}

/* "dir/x.c" and "x.c" both name "/home/me/dir/x.c". */
static bool same_file(const char *full, const char *asked)
{
    size_t long_len = strlen(full), len = strlen(asked);

    return len && len <= long_len && strcmp(full + long_len - len, asked) == 0 && (len == long_len || full[long_len - len - 1] == '/');
}

/* The first address of that line, or of the next line of the file that has code. */
bool dbg_line_find(const struct dbg *dbg, const char *file, unsigned line, uint64_t *laddr)
{
    const struct line *best = NULL;

    for (unsigned n = 0; n < dbg->symbols->images; n++) {
        struct image *image = dbg->symbols->image[n];

        lines_read(image);
        for (size_t i = 0; i < image->lines; i++) {
            const struct line *l = &image->line[i];

            if (l->file && l->line >= line && (!best || l->line < best->line) && same_file(l->file, file))
                best = l;
        }
    }
    if (best)
        *laddr = best->addr;
    return best != NULL;
}
