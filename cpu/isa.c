#include "cpu/isa/isa.h"

#include <stdlib.h>

#include "base/error.h"

/* Declarations of every handler that a row names. */
#define T(name) extern const struct cpu_handlers cpu_handlers_##name;
#define P(name) extern cpu_fn op_##name;
#define U
#define INSN(map, opcode, ext, mnemonic, op0, op1, op2, handler, attributes, set, written, undefined) handler
#include "cpu/isa/all.def"
#undef T
#undef P
#undef U
#undef INSN

#define T(name) .handlers = &cpu_handlers_##name
#define P(name) .plain = op_##name
#define U       .plain = NULL
#define INSN(map_, opcode_, ext_, mnemonic_, op0, op1, op2, handler, attributes_, set_, written_, undefined_)                  \
    { .map = map_, .opcode = opcode_, .ext = ext_, .op = { op0, op1, op2 }, .set = SET_##set_, .attributes = attributes_,        \
      .written = written_, .undefined = undefined_, .mnemonic = mnemonic_, handler },
const struct isa_row isa_rows[] = {
#include "cpu/isa/all.def"
};
#undef INSN
const unsigned isa_row_count = sizeof(isa_rows) / sizeof(isa_rows[0]);

const struct isa_set_info isa_sets[SET_COUNT] = {
#define ISA_SET(name, tier, title) { #name, title, tier },
#include "cpu/isa/sets.def"
#undef ISA_SET
};

static void append(struct cpu_isa_index *index, uint16_t *first, unsigned row)
{
    while (*first) {
        if (*first == row + 1)
            return;
        first = &index->next[*first - 1];
    }
    *first = (uint16_t)(row + 1);
}

/* A row that several slots share (EXT_R: all eight digits; PLUSR: all eight opcodes) has one `next`, so slots that share a row must
 * go on alike: true because rows with digits and rows without never share an opcode. */
static void enter(struct cpu_isa_index *index, unsigned n, unsigned opcode)
{
    const struct isa_row *row = &isa_rows[n];
    uint16_t *slots = index->slot[row->map][opcode];

    if (row->ext == EXT_NONE) {
        append(index, &slots[0], n);
        return;
    }
    index->modrm[row->map][opcode] = true;
    if (row->ext < 8)
        append(index, &slots[row->ext], n);
    else
        for (unsigned digit = 0; digit < 8; digit++)
            append(index, &slots[digit], n);
}

enum sim_err isa_index_create(uint64_t sets, struct cpu_isa_index **out)
{
    struct cpu_isa_index *index = calloc(1, sizeof(*index));

    if (!index || !(index->next = calloc(isa_row_count, sizeof(*index->next)))) {
        free(index);
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the instruction table");
    }
    for (unsigned n = 0; n < isa_row_count; n++) {
        if (!(sets >> isa_rows[n].set & 1))
            continue;
        for (unsigned r = 0; r < (isa_rows[n].attributes & ISA_PLUSR ? 8u : 1u); r++)
            enter(index, n, isa_rows[n].opcode + r);
    }
    *out = index;
    return SIM_OK;
}

void isa_index_destroy(struct cpu_isa_index *index)
{
    if (index)
        free(index->next);
    free(index);
}

static bool is_rm(enum isa_operand op)
{
    return op >= Eb && op <= Ev;
}

static unsigned forms_of(const struct isa_row *row)
{
    bool both = is_rm(row->op[0]) || is_rm(row->op[1]);

    return both && !(row->attributes & (ISA_MEMONLY | ISA_REGONLY)) ? 2 : 1;
}

void isa_coverage(struct sim_buf *out)
{
    unsigned all_listed = 0, all_built = 0;

    sim_buf_printf(out, "%-5s %-24s %8s %8s\n", "tier", "extension", "built", "listed");
    for (unsigned set = 0; set < SET_COUNT; set++) {
        unsigned listed = 0, built = 0;

        for (unsigned n = 0; n < isa_row_count; n++)
            if (isa_rows[n].set == set) {
                listed += forms_of(&isa_rows[n]);
                built += isa_rows[n].handlers || isa_rows[n].plain ? forms_of(&isa_rows[n]) : 0;
            }
        sim_buf_printf(out, "%-5u %-24s %8u %8u\n", isa_sets[set].tier, isa_sets[set].title, built, listed);
        all_listed += listed;
        all_built += built;
    }
    sim_buf_printf(out, "%-5s %-24s %8u %8u\n", "all", "", all_built, all_listed);
}
