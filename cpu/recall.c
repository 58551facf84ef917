#include "cpu/recall.h"

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/isa/isa.h"

/* Of an instruction's length in bytes: which of its first eight count, and of the next eight. */
static uint64_t first_mask(unsigned len) { return len >= 8 ? UINT64_MAX : (1ull << len * 8) - 1; }
static uint64_t rest_mask(unsigned len) { return len <= 8 ? 0 : (1ull << (len - 8) * 8) - 1; }

static struct cpu_recalled *entry_of(struct cpu_recall *recall, uint32_t mode, uint64_t first)
{
    uint32_t key = ((uint32_t)first ^ mode << 7) * 0x9e3779b1u;

    return &recall->entry[key >> 24];
}

unsigned recall_decode(struct cpu_recall *recall, const struct cpu_isa_index *isa, uint32_t mode, unsigned off, const uint8_t *bytes,
                       struct cpu_insn *out, const struct isa_row **row_out)
{
    uint64_t first, rest;
    struct cpu_recalled *e;
    unsigned len;

    memcpy(&first, bytes, 8);
    memcpy(&rest, bytes + 8, 8);
    e = entry_of(recall, mode, first);
    len = e->insn.len;
    if (e->insn.fn && e->mode == mode && !((e->bytes[0] ^ first) & first_mask(len)) && !((e->bytes[1] ^ rest) & rest_mask(len))) {
        *out = e->insn;
        out->off = (uint16_t)off;
        *row_out = &isa_rows[e->insn.row];
        return len;
    }
    len = decode(isa, mode, off, bytes, INSN_MAX_BYTES, out, row_out);
    /* An illegal one has no row; one that counts from its page is another elsewhere. */
    if (len && *row_out && out->base != CPU_REG_PAGE && out->base != CPU_REG_PAGE_HIGH)
        *e = (struct cpu_recalled){ { first, rest }, mode, *out };
    return len;
}
