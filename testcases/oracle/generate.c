/*
 * Makes up tests: an encoding of a row of the instruction table with random prefixes and operands, registers with a bias to edges, and
 * addresses that like page borders, read-only pages, holes and segment limits.
 */
#include "testcases/oracle/oracle.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/decode.h"

extern struct cpu_isa_index *oracle_isa;

static uint64_t random_state;

void rnd_seed(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15ull + 1;
    rnd();
    rnd();
}

uint32_t rnd(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 2685821657736338717ull) >> 32);
}

static bool one_in(unsigned n) { return rnd() % n == 0; }
static uint32_t below(uint32_t n) { return rnd() % n; }

static uint32_t edge_value(void)
{
    static const uint32_t edges[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
                                      0xfffffffe, 0xffffffff, 0x0f, 0x10, 0x99, 0x9a, 0xf9, 0xfa };

    switch (below(4)) {
    case 0: return edges[below(sizeof(edges) / sizeof(edges[0]))];
    case 1: return rnd() >> below(32);
    case 2: return edges[below(sizeof(edges) / sizeof(edges[0]))] + below(5) - 2;
    default: return rnd();
    }
}

/* ---- Segments ---- */

const struct segment flat_data = { .selector = 0x2b, .limit = UINT32_MAX, .big = true };
const struct segment flat_code = { .selector = 0x23, .limit = UINT32_MAX, .big = true, .code = true };
static const struct segment null_segment = { .null = true };

#define LDT(n) ((n) << 3 | 7)
/* First code segments, the first three of them readable; last those that are not present. */
struct segment ldt_segments[] = {
    { .selector = LDT(1), .base = CODE, .limit = 0x1fff, .code = true },
    { .selector = LDT(2), .base = CODE + 0x35, .limit = 0x1edf, .code = true },
    { .selector = LDT(3), .base = CODE, .limit = 0x1fff, .code = true, .big = true },
    { .selector = LDT(4), .base = 0, .limit = UINT32_MAX, .code = true, .big = true, .readonly = true },
    { .selector = LDT(5), .base = CODE - 0xf000, .limit = 0xffff, .code = true },
    { .selector = LDT(6), .base = DATA, .limit = 0x3fff, .big = true },
    { .selector = LDT(7), .base = DATA, .limit = 0x3fff },
    { .selector = LDT(8), .base = DATA + 0x7ff, .limit = 0x1ffe, .big = true },
    { .selector = LDT(9), .base = DATA - 0x1000, .limit = 0xfff, .down = true, .big = true },
    { .selector = LDT(10), .base = DATA - 0xe000, .limit = 0xefff, .down = true },
    { .selector = LDT(11), .base = DATA, .limit = 0x3fff, .readonly = true, .big = true },
    { .selector = LDT(12), .base = DATA - 0xc000, .limit = 0xffff },
    { .selector = LDT(13), .base = DATA - 0x10000, .limit = 0x1ffff },
    { .selector = LDT(14), .base = 0x80000000, .limit = UINT32_MAX, .big = true },
    { .selector = LDT(15), .base = DATA - 0x8000, .limit = 0xfffff },
    { .selector = LDT(16), .base = DATA + 0x1000, .limit = 0, .big = true },
    { .selector = LDT(17), .base = DATA, .limit = 0x3fff, .absent = true },
    { .selector = LDT(18), .base = CODE, .limit = 0x1fff, .code = true, .absent = true },
};
const unsigned ldt_count = sizeof(ldt_segments) / sizeof(ldt_segments[0]);
enum { LDT_CODES = 5, LDT_ABSENT = 2 };

static const struct segment *data_segment(bool for_stack)
{
    const struct segment *s;

    if (one_in(6))
        return &flat_data;
    if (!for_stack && one_in(20))
        return one_in(2) ? &null_segment : &ldt_segments[below(3)];
    do
        s = &ldt_segments[LDT_CODES + below(ldt_count - LDT_CODES - LDT_ABSENT)];
    while (for_stack && s->readonly);
    return s;
}

static void choose_segments(struct test *t)
{
    bool flat = below(5) < 3;

    for (unsigned n = 0; n < S_COUNT; n++)
        t->seg[n] = flat ? &flat_data : data_segment(n == S_SS);
    t->seg[S_FS] = &null_segment; /* natively FS belongs to the C library */
    t->seg[S_GS] = one_in(3) ? &flat_data : data_segment(false);
    t->seg[S_CS] = flat || one_in(4) ? &flat_code : &ldt_segments[below(LDT_CODES)];
}

/* ---- Addresses ---- */

/* A linear address that an access of a few bytes might find interesting. */
static uint32_t interesting(void)
{
    static const uint8_t border[] = { 0, 1, 2, 3, 4, 4, 5, 5, 6, 7, 8 };

    if (one_in(50))
        return below(9) - 8; /* across the end of the address space */
    switch (below(8)) {
    case 0: case 1: return DATA + border[below(sizeof(border))] * PAGE - below(9);
    case 2: return DATA + below(DATA_PAGES * PAGE);
    case 3: return DATA + 6 * PAGE + below(2 * PAGE);
    default: return DATA + (below(4 * PAGE) & (one_in(2) ? ~3u : ~0u));
    }
}

/* As an offset in that segment; sometimes near its limit instead. */
static uint32_t interesting_offset(const struct segment *s)
{
    if (s->limit != UINT32_MAX && one_in(4))
        return s->limit - below(9) + 2;
    return interesting() - s->base;
}

/* ---- Encodings ---- */

static void emit(struct test *t, uint64_t v, unsigned bytes)
{
    for (unsigned n = 0; n < bytes && t->len < sizeof(t->code) - 1; n++)
        t->code[t->len++] = (uint8_t)(v >> (8 * n));
}

static void emit_prefixes(struct test *t, const struct isa_row *row)
{
    static const uint8_t segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x65 };

    for (unsigned n = 0; n < 3; n++) {
        if (one_in(12))
            emit(t, 0x66, 1);
        if (one_in(20))
            emit(t, 0x67, 1);
        if (one_in(30))
            emit(t, segments[below(sizeof(segments))], 1);
        if (row->attributes & ISA_STRING ? one_in(4) : row->map == 0 && one_in(100))
            emit(t, one_in(2) ? 0xf2 : 0xf3, 1);
        if (one_in(row->attributes & ISA_LOCK ? 20 : 200))
            emit(t, 0xf0, 1);
    }
}

static bool has(const struct isa_row *row, enum isa_operand op)
{
    return row->op[0] == op || row->op[1] == op || row->op[2] == op;
}

static unsigned immediate_bytes(const struct isa_row *row, bool op32, bool ad32)
{
    unsigned n = 0;

    for (unsigned k = 0; k < 3; k++)
        switch (row->op[k]) {
        case Ib: case Ibs: case Jb: n += 1; break;
        case Iw: n += 2; break;
        case Ibw: n += 3; break;
        case Iz: case Iv: case Jz: n += op32 ? 4 : 2; break;
        case Ob: case Ov: n += ad32 ? 4 : 2; break;
        case Ap: n += op32 ? 6 : 4; break;
        default: break;
        }
    return n;
}

static unsigned count_prefix(const struct test *t, unsigned to, uint8_t byte)
{
    unsigned n = 0;

    for (unsigned k = 0; k < to; k++)
        n += t->code[k] == byte;
    return n;
}

/* Returns where a displacement of full width stands, 0 for none. */
static unsigned emit_row(struct test *t, const struct isa_row *row)
{
    bool big = t->seg[S_CS]->big, op32, ad32;
    unsigned disp_at = 0, prefixes;

    t->len = 0;
    emit_prefixes(t, row);
    prefixes = t->len;
    op32 = big != (count_prefix(t, prefixes, 0x66) > 0);
    ad32 = big != (count_prefix(t, prefixes, 0x67) > 0);
    if (row->map)
        emit(t, 0x0f, 1);
    emit(t, row->opcode + (row->attributes & ISA_PLUSR ? below(8) : 0), 1);
    if (row->ext != EXT_NONE) {
        /* With a register 62, C4 and C5 are EVEX and VEX to this host, and longer; 0F 01 is something newer. */
        bool only_memory = has(row, M) && (row->map ? row->opcode == 0x01 : row->opcode != 0x8d);
        unsigned mod = one_in(3) && !only_memory ? 3 : below(3), rm = below(8), reg = row->ext < 8 ? row->ext : below(8), disp;

        emit(t, mod << 6 | reg << 3 | rm, 1);
        if (mod != 3 && ad32 && rm == 4) {
            uint32_t sib = below(256);

            emit(t, sib, 1);
            rm = sib & 7;
        }
        disp = mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == (ad32 ? 5u : 6u)) ? (ad32 ? 4 : 2) : 0;
        if (mod == 3)
            disp = 0;
        if (disp > 1)
            disp_at = t->len;
        emit(t, edge_value(), disp);
    }
    if (has(row, Ob) || has(row, Ov))
        disp_at = t->len;
    emit(t, edge_value() | (uint64_t)edge_value() << 32, immediate_bytes(row, op32, ad32));
    return disp_at;
}

/* ---- Registers ---- */

static void set_low(uint32_t *reg, uint32_t v, bool wide)
{
    *reg = wide ? v : (*reg & 0xffff0000u) | (v & 0xffff);
}

/* Makes the memory operand lie at an interesting address, by its base or its displacement. Returns the linear address. */
static uint32_t aim(struct test *t, const struct cpu_insn *insn, unsigned disp_at)
{
    const struct segment *s = t->seg[insn->seg];
    uint32_t want = interesting_offset(s), base = insn->base < 8 ? t->in.reg[insn->base] : 0;
    uint32_t index = insn->index < 8 ? t->in.reg[insn->index] << insn->scale : 0, diff = want - (base + index + (uint32_t)insn->disp);
    bool wide = insn->flags & INSN_AD32;

    if (disp_at && (insn->base >= 8 || insn->base == insn->index || one_in(2))) {
        uint32_t disp = (uint32_t)insn->disp + diff;

        memcpy(&t->code[disp_at], &disp, wide ? 4 : 2);
    } else if (insn->base < 8 && insn->base != insn->index) {
        set_low(&t->in.reg[insn->base], base + diff, wide);
    }
    return s->base + want;
}

void put_both(uint32_t laddr, const void *bytes, unsigned len)
{
    for (unsigned n = 0; n < len; n++)
        if (data_writable((laddr + n - DATA) / PAGE)) {
            native_put(laddr + n, (const uint8_t *)bytes + n, 1);
            simulated_put(laddr + n, (const uint8_t *)bytes + n, 1);
        }
}

/* Something to read there: edges, or what makes CMPXCHG find its equal. */
static void place_operand(const struct test *t, uint32_t laddr)
{
    uint32_t v[2] = { edge_value(), edge_value() };

    if (one_in(3)) {
        v[0] = t->in.reg[R_AX];
        v[1] = t->in.reg[R_DX];
    }
    put_both(laddr, v, 8);
}

static void choose_registers(struct test *t, const struct isa_row *row)
{
    const struct segment *ss = t->seg[S_SS];

    for (unsigned n = 0; n < 8; n++)
        t->in.reg[n] = edge_value();
    if (one_in(2))
        t->in.reg[R_DX] &= one_in(2) ? 0 : 0xf; /* divisions like it */
    t->in.eflags = (rnd() & (EFL_ARITH | EFL_DF)) | (one_in(10) ? EFL_AC : 0);
    t->in.reg[R_SP] = interesting_offset(ss);
    t->in.reg[R_BP] = one_in(3) ? edge_value() : interesting_offset(ss);
    if (!ss->big && one_in(2)) {
        t->in.reg[R_SP] |= rnd() << 16;
        t->in.reg[R_BP] |= rnd() << 16;
    }
    if (row->attributes & ISA_STRING) {
        t->in.reg[R_SI] = interesting_offset(t->seg[S_DS]);
        t->in.reg[R_DI] = one_in(4) ? t->in.reg[R_SI] + below(17) - 8 : interesting_offset(t->seg[S_ES]);
        t->in.reg[R_CX] = one_in(8) ? edge_value() & 0x3fff : below(t->to_end ? 60 : 4);
        if (one_in(3))
            t->in.reg[R_AX] = 0;
    }
}

static bool is_xlat(const struct isa_row *row) { return row->map == 0 && row->opcode == 0xd7; }
static bool is_enter(const struct isa_row *row) { return row->map == 0 && row->opcode == 0xc8; }
static bool is_bit_test(const struct isa_row *row) { return row->map == 1 && row->op[0] == Ev && row->op[1] == Gv && (row->opcode & 0xe7) == 0xa3; }

/* Where the instruction stands: at the page's end now and then, or at the segment's. */
static void choose_place(struct test *t)
{
    const struct segment *cs = t->seg[S_CS];
    uint32_t at = CODE + 0x100 + below(64);

    if (one_in(30))
        at = CODE + PAGE - below(t->len + 2);
    else if (one_in(200))
        at = CODE + 2 * PAGE - below(t->len + 1);
    else if (cs->limit < 0x10000 && one_in(30))
        at = cs->base + cs->limit + 1 - below(t->len + 2);
    if (at < CODE || at >= CODE + 2 * PAGE)
        at = CODE + 0x200;
    t->code_at = at;
    t->in.ip = at - cs->base;
}

static bool put_code(const struct test *t)
{
    uint32_t room = CODE + CODE_PAGES * PAGE - t->code_at, len = t->len + 1;

    if (t->to_end && room < len)
        return false;
    native_put(t->code_at, t->code, len < room ? len : room);
    simulated_put(t->code_at, t->code, len < room ? len : room);
    return true;
}

bool generate(unsigned row_number, struct test *t)
{
    const struct isa_row *row = &isa_rows[row_number], *found;
    uint8_t padded[INSN_MAX_BYTES] = { 0 };
    uint32_t mode = MODE_PE | MODE_CPL;
    uint32_t at = 0;
    struct cpu_insn insn;
    unsigned disp_at;

    memset(t, 0, sizeof(*t));
    t->row = row_number;
    choose_segments(t);
    mode |= t->seg[S_CS]->big ? MODE_D : 0;
    t->to_end = row->attributes & ISA_STRING && one_in(2);
    choose_registers(t, row);
    disp_at = emit_row(t, row);
    if (is_enter(row) && !t->seg[S_SS]->big && (t->in.reg[R_SP] & 0xffff) < 4)
        return false; /* processors differ: cpu/ops/stack.c */
    memcpy(padded, t->code, t->len < sizeof(padded) ? t->len : sizeof(padded));
    decode(oracle_isa, mode, padded, sizeof(padded), &insn, &found);
    if (found && insn.flags & INSN_MEM) {

        if (is_bit_test(row) && !one_in(4))
            t->in.reg[insn.src / 8] = below(200000) - 100000;
        at = aim(t, &insn, disp_at);
        if (is_bit_test(row))
            at += (uint32_t)((int32_t)t->in.reg[insn.src / 8] >> 3);
        place_operand(t, at);
    } else if (is_xlat(row)) {
        t->in.reg[R_BX] = interesting_offset(t->seg[insn.seg]) - (t->in.reg[R_AX] & 0xff);
    }
    if (found && system_row_wanted(row) && !choose_selectors(t, row, &insn, at))
        return false;
    t->code[t->len] = 0xcc;
    choose_place(t);
    return put_code(t);
}

/* ---- Which rows ---- */

/* The rows that are not the system's; those stand last in all.def. */
enum {
    USER_ROWS = 0
#define INSN(...) + 1
#include "cpu/isa/misc.def"
#include "cpu/isa/alu.def"
#include "cpu/isa/shift.def"
#include "cpu/isa/muldiv.def"
#include "cpu/isa/mov.def"
#include "cpu/isa/stack.def"
#include "cpu/isa/branch.def"
#include "cpu/isa/string.def"
#include "cpu/isa/bits.def"
#include "cpu/isa/bcd.def"
#undef INSN
};

bool row_wanted(unsigned row)
{
    if (isa_sets[isa_rows[row].set].tier != 1 || !(isa_rows[row].handlers || isa_rows[row].plain))
        return false;
    return row < USER_ROWS || system_row_wanted(&isa_rows[row]);
}
