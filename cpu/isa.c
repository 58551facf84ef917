#include "cpu/isa/isa.h"

#include <stdlib.h>

#include "base/error.h"

/* Declarations of every handler that a row names. */
#define T(name) extern const struct cpu_handlers cpu_handlers_##name;
#define V(name) extern const struct cpu_simd cpu_simd_##name;
#define P(name) extern cpu_fn op_##name;
#define U
#define INSN(map, opcode, ext, mnemonic, op0, op1, op2, handler, attributes, set, written, undefined) handler
#define PFX(prefix, map, opcode, ext, mnemonic, op0, op1, op2, handler, attributes, set, written, undefined) handler
#define VEX(prefix, map, opcode, ext, mnemonic, op0, op1, op2, op3, handler, attributes, set, written, undefined) handler
#include "cpu/isa/all.def"
#undef T
#undef V
#undef P
#undef U
#undef INSN
#undef PFX
#undef VEX

#define T(name) .handlers = &cpu_handlers_##name
#define V(name) .simd = &cpu_simd_##name
#define P(name) .plain = op_##name
#define U       .plain = NULL
#define ROW(prefix_, map_, opcode_, ext_, mnemonic_, op0, op1, op2, op3, handler, attributes_, set_, written_, undefined_)   \
    { .prefix = prefix_, .map = map_, .opcode = opcode_, .ext = ext_, .op = { op0, op1, op2, op3 }, .set = SET_##set_,         \
      .attributes = attributes_, .written = written_, .undefined = undefined_, .mnemonic = mnemonic_, handler },
#define INSN(map_, opcode_, ext_, mnemonic_, op0, op1, op2, handler, attributes_, set_, written_, undefined_)                \
    ROW(PF_ANY, map_, opcode_, ext_, mnemonic_, op0, op1, op2, NO, handler, attributes_, set_, written_, undefined_)
#define PFX(prefix_, map_, opcode_, ext_, mnemonic_, op0, op1, op2, handler, attributes_, set_, written_, undefined_)        \
    ROW(prefix_, map_, opcode_, ext_, mnemonic_, op0, op1, op2, NO, handler, attributes_, set_, written_, undefined_)
#define VEX(prefix_, map_, opcode_, ext_, mnemonic_, op0, op1, op2, op3, handler, attributes_, set_, written_, undefined_)   \
    ROW(PF_VEX | (prefix_), map_, opcode_, ext_, mnemonic_, op0, op1, op2, op3, handler, attributes_, set_, written_, undefined_)
const struct isa_row isa_rows[] = {
#include "cpu/isa/all.def"
};
#undef ROW
#undef INSN
#undef PFX
#undef VEX
const unsigned isa_row_count = sizeof(isa_rows) / sizeof(isa_rows[0]);

const struct isa_set_info isa_sets[SET_COUNT] = {
#define ISA_SET(name, tier, title) { #name, title, tier },
#include "cpu/isa/sets.def"
#undef ISA_SET
};

/* ---- The index ---- */

static bool wanted(const struct isa_row *row, uint64_t sets)
{
    return sets >> row->set & 1;
}

/* Calls `enter` for each slot that the row belongs to. */
static void each_slot(struct cpu_isa_index *index, unsigned n, void (*enter)(struct cpu_isa_index *, struct isa_slot *, unsigned row))
{
    const struct isa_row *row = &isa_rows[n];
    unsigned vex = (row->prefix & PF_VEX) != 0, span = row->attributes & ISA_PLUSR ? 8 : 1;

    for (unsigned opcode = row->opcode; opcode < row->opcode + span; opcode++) {
        struct isa_slot *slots = index->slot[vex][row->map][opcode];

        if (row->ext != EXT_NONE)
            index->modrm[vex][row->map][opcode] = true;
        for (unsigned digit = 0; digit < 8; digit++)
            if (row->ext == EXT_NONE ? digit == 0 : row->ext == EXT_R || digit == (row->ext < 8 ? row->ext : (row->ext >> 3 & 7u)))
                enter(index, &slots[digit], n);
    }
}

static void count_row(struct cpu_isa_index *index, struct isa_slot *slot, unsigned row)
{
    (void)index;
    (void)row;
    slot->count++;
}

static void enter_row(struct cpu_isa_index *index, struct isa_slot *slot, unsigned row)
{
    index->candidate[slot->first + slot->count++] = (uint16_t)row;
}

/* Gives each slot its place among the candidates, and sets its count back to 0; returns how many there are. */
static unsigned place_slots(struct cpu_isa_index *index)
{
    struct isa_slot *slot = &index->slot[0][0][0][0];
    unsigned total = 0;

    for (unsigned n = 0; n < sizeof(index->slot) / sizeof(*slot); n++) {
        slot[n].first = (uint16_t)total;
        total += slot[n].count;
        slot[n].count = 0;
    }
    return total;
}

enum sim_err isa_index_create(uint64_t sets, struct cpu_isa_index **out)
{
    struct cpu_isa_index *index = calloc(1, sizeof(*index));

    if (!index)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the instruction table");
    for (unsigned n = 0; n < isa_row_count; n++)
        if (wanted(&isa_rows[n], sets))
            each_slot(index, n, count_row);
    index->candidate = calloc(place_slots(index), sizeof(*index->candidate));
    if (!index->candidate) {
        free(index);
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the instruction table");
    }
    for (unsigned n = 0; n < isa_row_count; n++)
        if (wanted(&isa_rows[n], sets))
            each_slot(index, n, enter_row);
    *out = index;
    return SIM_OK;
}

void isa_index_destroy(struct cpu_isa_index *index)
{
    if (index)
        free(index->candidate);
    free(index);
}

/* ---- Coverage ---- */

/* Register or memory. */
static bool is_rm(enum isa_operand op)
{
    return (op >= Eb && op <= Ey) || (op >= Wx && op <= We) || op == Qq || op == Qd;
}

static unsigned forms_of(const struct isa_row *row)
{
    bool both = is_rm(row->op[0]) || is_rm(row->op[1]) || is_rm(row->op[2]);
    unsigned lengths = (row->prefix & VLX) == VLX ? 2 : 1;

    return lengths * (both && !(row->attributes & (ISA_MEMONLY | ISA_REGONLY)) ? 2 : 1);
}

bool isa_row_built(const struct isa_row *row)
{
    return row->handlers || row->simd || row->plain;
}

struct coverage {
    unsigned built, listed;
};

static void cover(struct coverage *c, const struct isa_row *row)
{
    c->listed += forms_of(row);
    c->built += isa_row_built(row) ? forms_of(row) : 0;
}

void isa_coverage(struct sim_buf *out)
{
    struct coverage of_set[SET_COUNT] = { { 0 } }, of_tier[ISA_TIERS + 1] = { { 0 } }, all = { 0 };

    for (unsigned n = 0; n < isa_row_count; n++) {
        cover(&of_set[isa_rows[n].set], &isa_rows[n]);
        cover(&of_tier[isa_sets[isa_rows[n].set].tier], &isa_rows[n]);
        cover(&all, &isa_rows[n]);
    }
    sim_buf_printf(out, "%-5s %-24s %8s %8s\n", "tier", "extension", "built", "listed");
    for (unsigned set = 0; set < SET_COUNT; set++)
        sim_buf_printf(out, "%-5u %-24s %8u %8u\n", isa_sets[set].tier, isa_sets[set].title, of_set[set].built, of_set[set].listed);
    for (unsigned tier = 1; tier <= ISA_TIERS; tier++)
        sim_buf_printf(out, "%-5u %-24s %8u %8u\n", tier, "all of the tier", of_tier[tier].built, of_tier[tier].listed);
    sim_buf_printf(out, "%-5s %-24s %8u %8u\n", "all", "", all.built, all.listed);
}
