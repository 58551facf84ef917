/*
 * Makes up tests: an encoding of a row of the instruction table with random prefixes and operands, registers with a bias to edges, and
 * addresses that like page borders, read-only pages, holes and segment limits.
 */
#include "testcases/oracle/oracle.h"

#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

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

static uint64_t edge_value_wide(void)
{
    uint64_t low = edge_value();

    switch (below(6)) {
    case 0: return low;
    case 1: return (uint64_t)(int64_t)(int32_t)low;
    case 2: return low << 32 | edge_value();
    case 3: return 1ull << below(64);
    case 4: return ((uint64_t)rnd() << 32 | rnd()) >> below(64);
    default: return low << below(33);
    }
}

/* ---- Segments ---- */

const struct segment flat_data = { .selector = 0x2b, .limit = UINT32_MAX, .big = true };
const struct segment flat_code = { .selector = 0x23, .limit = UINT32_MAX, .big = true, .code = true };
const struct segment wide_code = { .selector = 0x33, .limit = UINT32_MAX, .wide = true, .code = true };
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

static struct abilities host;

void generate_for(const struct abilities *has) { host = *has; }

static const struct segment *data_segment(bool for_stack)
{
    const struct segment *s;

    if (!host.ldt)
        return !for_stack && one_in(20) ? &null_segment : &flat_data;
    if (one_in(6))
        return &flat_data;
    if (!for_stack && one_in(20))
        return one_in(2) ? &null_segment : &ldt_segments[below(3)];
    do
        s = &ldt_segments[LDT_CODES + below(ldt_count - LDT_CODES - LDT_ABSENT)];
    while (for_stack && s->readonly);
    return s;
}

/* Only GS has a base that counts. */
static void choose_wide_segments(struct test *t)
{
    for (unsigned n = 0; n < S_COUNT; n++)
        t->seg[n] = &flat_data;
    t->seg[S_DS] = one_in(3) ? &null_segment : &flat_data;
    t->seg[S_FS] = &null_segment;
    t->seg[S_GS] = one_in(3) ? &flat_data : data_segment(false);
    t->seg[S_CS] = &wide_code;
}

/* Of those that the host runs, of which there is at least one. */
static const struct segment *code_segment(bool flat)
{
    const struct segment *s = flat || one_in(4) ? &flat_code : &ldt_segments[below(LDT_CODES)];

    while (s == &flat_code ? !host.code32 : s->big ? !host.code32_by_ldt : !host.code16)
        s = one_in(4) ? &flat_code : &ldt_segments[below(LDT_CODES)];
    return s;
}

static void choose_segments(struct test *t)
{
    bool flat = below(5) < 3 || !host.ldt;

    for (unsigned n = 0; n < S_COUNT; n++)
        t->seg[n] = flat ? &flat_data : data_segment(n == S_SS);
    t->seg[S_FS] = &null_segment; /* natively FS belongs to the C library */
    t->seg[S_GS] = one_in(3) ? &flat_data : data_segment(false);
    t->seg[S_CS] = code_segment(flat);
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
static uint64_t interesting_offset(const struct segment *s)
{
    if (s->limit != UINT32_MAX && one_in(4))
        return s->limit - below(9) + 2;
    return interesting() - s->base;
}

/* In 64-bit mode only a base counts, and an address may be anywhere: below the hole of those that are not canonical, in it, above. */
static uint64_t interesting_wide_offset(const struct segment *s)
{
    static const uint64_t border[] = { 0, CANONICAL, 0 - CANONICAL, 1ull << 63, 1ull << 32 };

    if (one_in(25))
        return border[below(sizeof(border) / sizeof(border[0]))] + below(17) - 8;
    return (uint64_t)interesting() - s->base;
}

/* Of tests about vectors half of the addresses are aligned, for many want that. */
static uint64_t aligned(const struct test *t, uint64_t off)
{
    if (!t->vectors)
        return off;
    return one_in(2) ? off & ~(one_in(2) ? 15ull : 31ull) : off - (one_in(2) ? below(25) : 0);
}

uint64_t offset_in(const struct test *t, unsigned seg)
{
    if (!t->seg[S_CS]->wide)
        return interesting_offset(t->seg[seg]);
    return interesting_wide_offset(seg == S_GS ? t->seg[seg] : &flat_data);
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
    return row->op[0] == op || row->op[1] == op || row->op[2] == op || row->op[3] == op;
}

/* The sizes that an encoding was given. */
struct sizes {
    unsigned op, ad; /* bytes */
};

static unsigned immediate_bytes(const struct isa_row *row, struct sizes size)
{
    unsigned n = 0;

    for (unsigned k = 0; k < 4; k++)
        switch (row->op[k]) {
        case Ib: case Ibs: case Jb: case Lx: n += 1; break;
        case Iw: n += 2; break;
        case Ibw: n += 3; break;
        case Iv: n += size.op; break;
        case Iz: case Jz: n += size.op > 4 ? 4 : size.op; break;
        case Ob: case Ov: n += size.ad; break;
        case Ap: n += size.op + 2; break;
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

/* Prefixes, and the opcode's map. */
static struct sizes emit_legacy_start(struct test *t, const struct isa_row *row)
{
    static const uint8_t mandatory[] = { [PF_66] = 0x66, [PF_F3] = 0xf3, [PF_F2] = 0xf2 };
    unsigned one = row->prefix & -(unsigned)row->prefix, prefixes;
    bool wide = t->seg[S_CS]->wide, big = t->seg[S_CS]->big;
    struct sizes size;

    emit_prefixes(t, row);
    if (row->prefix != PF_ANY && one != PF_NP)
        emit(t, mandatory[one], 1);
    prefixes = t->len;
    size.op = wide || big != (count_prefix(t, prefixes, 0x66) > 0) ? 4 : 2;
    size.ad = big != (count_prefix(t, prefixes, 0x67) > 0) ? 4 : 2;
    if (wide) {
        bool rex = row->attributes & ISA_REXW || one_in(2), w = row->attributes & ISA_REXW || one_in(2);

        size.ad = count_prefix(t, prefixes, 0x67) ? 4 : 8;
        size.op = rex && w ? 8 : count_prefix(t, prefixes, 0x66) && !(row->attributes & ISA_F64) ? 2 : 4;
        if (rex)
            emit(t, 0x40 | (w ? 8 : 0) | below(8), 1);
    }
    if (row->map)
        emit(t, 0x0f, 1);
    if (row->map > 1)
        emit(t, row->map == 2 ? 0x38 : 0x3a, 1);
    return size;
}

static bool uses_vvvv(const struct isa_row *row)
{
    return has(row, Hx) || has(row, By);
}

/* A VEX prefix, of two bytes where it may be; vvvv is now and then wrong. Outside 64-bit mode its first bits must be ones. */
static struct sizes emit_vex_start(struct test *t, const struct isa_row *row)
{
    static const uint8_t pp[] = { [PF_NP] = 0, [PF_66] = 1, [PF_F3] = 2, [PF_F2] = 3 };
    bool wide = t->seg[S_CS]->wide, w = (row->prefix & VWIG) == VWIG ? one_in(2) : !(row->prefix & VW0);
    unsigned rxb = wide ? below(8) << 5 : 0xe0, vvvv = uses_vvvv(row) || one_in(50) ? below(16) : 15;
    unsigned l = (row->prefix & VLIG) == VLIG ? below(2) : !(row->prefix & VL0), last;
    bool ad = one_in(20);

    if (vector_row(row) && one_in(50) && !host_has_wide(row))
        l ^= 1;
    if (vector_row(row) && one_in(50) && !vendor_ignores_w(row))
        w = !w;
    last = (wide ? vvvv : vvvv | 8) << 3 | l << 2 | pp[row->prefix & PF_ANY];

    if (ad)
        emit(t, 0x67, 1);
    if (one_in(30))
        emit(t, 0x65, 1);
    if (row->map == 1 && !w && (rxb & 0x60) == 0x60 && one_in(2)) {
        emit(t, 0xc5, 1);
        emit(t, (rxb & 0x80) | last, 1);
    } else {
        emit(t, 0xc4, 1);
        emit(t, rxb | row->map, 1);
        emit(t, (w ? 0x80 : 0) | last, 1);
    }
    return (struct sizes){ .op = 4, .ad = wide ? (ad ? 4 : 8) : t->seg[S_CS]->big != ad ? 4 : 2 };
}

static bool memory_only(const struct isa_row *row)
{
    /* With a register 62, C4 and C5 are EVEX and VEX to this host, and longer; 0F 01 is something newer. */
    if (has(row, M))
        return row->attributes & ISA_MEMONLY || (row->map ? row->opcode == 0x01 : row->opcode != 0x8d);
    return row->attributes & ISA_MEMONLY;
}

/* Returns where a displacement of full width stands, 0 for none. */
static unsigned emit_modrm(struct test *t, const struct isa_row *row, struct sizes size)
{
    bool fences = row->map == 1 && row->opcode == 0xae; /* in memory: other units' state */
    bool register_only = row->attributes & ISA_REGONLY && (fences || !one_in(8));
    unsigned mod = register_only || (one_in(3) && !memory_only(row)) ? 3 : below(3), rm = below(8), reg = row->ext < 8 ? row->ext : below(8), disp, disp_at = 0;
    bool big = size.ad >= 4;

    if (has(row, Vs) && !one_in(16))
        mod = below(3), rm = 4; /* without SIB it is #UD */
    if (row->ext >= 0xc0) {
        emit(t, row->ext, 1);
        return 0;
    }
    emit(t, mod << 6 | reg << 3 | rm, 1);
    if (mod == 3)
        return 0;
    if (big && rm == 4) {
        uint32_t sib = below(256);

        emit(t, sib, 1);
        rm = sib & 7;
    }
    disp = mod == 1 ? 1 : mod == 2 || rm == (big ? 5u : 6u) ? (big ? 4 : 2) : 0;
    if (disp > 1)
        disp_at = t->len;
    emit(t, edge_value(), disp);
    return disp_at;
}

/* Returns where a displacement of full width stands, 0 for none. */
static unsigned emit_row(struct test *t, const struct isa_row *row)
{
    struct sizes size;
    unsigned disp_at = 0;

    t->len = 0;
    size = row->prefix & PF_VEX ? emit_vex_start(t, row) : emit_legacy_start(t, row);
    emit(t, row->opcode + (row->attributes & ISA_PLUSR ? below(8) : 0), 1);
    if (row->ext != EXT_NONE)
        disp_at = emit_modrm(t, row, size);
    if (has(row, Ob) || has(row, Ov))
        disp_at = t->len;
    emit(t, edge_value() | (uint64_t)edge_value() << 32, immediate_bytes(row, size));
    return disp_at;
}

/* ---- Registers ---- */

static void set_low(uint64_t *reg, uint64_t v, unsigned bytes)
{
    uint64_t mask = bytes == 8 ? UINT64_MAX : (1ull << 8 * bytes) - 1;

    *reg = (*reg & ~mask) | (v & mask);
}

static uint64_t part(const struct test *t, const struct cpu_insn *insn, unsigned reg)
{
    if (reg == CPU_REG_PAGE || reg == CPU_REG_PAGE_HIGH)
        return CODE; /* as good a guess as any: the place is chosen later */
    return reg < R_COUNT ? t->in.reg[reg] << (reg == insn->index ? insn->scale : 0) : 0;
}

/* Makes the memory operand lie at an interesting address, by its base or its displacement. Returns the linear address. */
static uint64_t aim(struct test *t, struct cpu_insn *insn, unsigned disp_at)
{
    bool wide = t->seg[S_CS]->wide;
    uint64_t want = aligned(t, offset_in(t, insn->seg)), base = part(t, insn, insn->base), index = insn->index < R_COUNT ? t->in.reg[insn->index] << insn->scale : 0;
    uint64_t diff = want - (base + index + (uint64_t)(int64_t)insn->disp), segment = wide && insn->seg != S_GS ? 0 : t->seg[insn->seg]->base;
    unsigned bytes = insn_ad_bytes(insn);

    if (insn->base == CPU_REG_IMM) {
        memcpy(&t->code[disp_at], &want, 8);
    } else if (disp_at && (insn->base >= R_COUNT || insn->base == insn->index || one_in(2))) {
        uint32_t disp = (uint32_t)((uint64_t)(int64_t)insn->disp + diff);

        memcpy(&t->code[disp_at], &disp, bytes > 2 ? 4 : 2);
        insn->disp = bytes > 2 ? (int32_t)disp : (int16_t)disp;
    } else if (insn->base < R_COUNT && insn->base != insn->index) {
        set_low(&t->in.reg[insn->base], base + diff, bytes);
    }
    return wide ? segment + want : (uint32_t)(segment + want);
}

void put_both(uint32_t laddr, const void *bytes, unsigned len)
{
    for (unsigned n = 0; n < len; n++)
        if (data_writable((laddr + n - DATA) / PAGE)) {
            native_put(laddr + n, (const uint8_t *)bytes + n, 1);
            simulated_put(laddr + n, (const uint8_t *)bytes + n, 1);
        }
}

/* Of BT and its kin with a register: the byte that the bit is in. */
static uint64_t bit_address(const struct test *t, const struct cpu_insn *insn, uint64_t laddr)
{
    uint64_t bit = t->in.reg[insn->src / 8];

    laddr += (uint64_t)((insn->flags & INSN_OP64 ? (int64_t)bit : insn->flags & INSN_OP32 ? (int32_t)bit : (int16_t)bit) >> 3);
    return t->seg[S_CS]->wide ? laddr : (uint32_t)laddr;
}

/* Something to read there: edges, or what makes CMPXCHG find its equal. */
static void place_operand(const struct test *t, uint64_t laddr)
{
    uint64_t v[2] = { t->seg[S_CS]->wide ? edge_value_wide() : edge_value() | (uint64_t)edge_value() << 32, edge_value_wide() };

    if (one_in(3)) { /* what CMPXCHG8B and CMPXCHG16B want */
        v[0] = t->seg[S_CS]->wide && one_in(2) ? t->in.reg[R_AX] : (uint32_t)t->in.reg[R_AX] | t->in.reg[R_DX] << 32;
        v[1] = t->in.reg[R_DX];
    }
    if (t->vectors && laddr >= DATA && laddr < DATA + DATA_PAGES * PAGE) {
        uint8_t bytes[32];

        vector_operand(t, bytes);
        put_both((uint32_t)laddr, bytes, sizeof(bytes));
    } else if (laddr >= DATA && laddr < DATA + DATA_PAGES * PAGE)
        put_both((uint32_t)laddr, v, sizeof(v));
}

static uint64_t canonical(uint64_t v) { return (uint64_t)((int64_t)(v << 16) >> 16); }

static void choose_registers(struct test *t, const struct isa_row *row)
{
    const struct segment *ss = t->seg[S_SS];
    bool wide = t->seg[S_CS]->wide;

    for (unsigned n = 0; n < R_COUNT; n++)
        t->in.reg[n] = wide ? edge_value_wide() : n < 8 ? edge_value() : 0;
    if (one_in(2))
        t->in.reg[R_DX] &= one_in(2) ? 0 : 0xf; /* divisions like it */
    t->in.eflags = (rnd() & (EFL_ARITH | EFL_DF)) | (one_in(10) ? EFL_AC : 0);
    if (!strcmp(row->mnemonic, "movbe") || !strcmp(row->mnemonic, "cmpxchg8b") || has(row, Vs)) /* not checked on this host, or after other faults */
        t->in.eflags &= ~(uint32_t)EFL_AC;
    t->in.reg[R_SP] = offset_in(t, S_SS);
    if (wide && !host.stray_stack)
        t->in.reg[R_SP] = canonical(t->in.reg[R_SP]);
    t->in.reg[R_BP] = one_in(3) ? edge_value() : offset_in(t, S_SS);
    if (!wide) {
        t->in.reg[R_SP] = (uint32_t)t->in.reg[R_SP];
        t->in.reg[R_BP] = (uint32_t)t->in.reg[R_BP];
    }
    if (!wide && !ss->big && one_in(2)) {
        t->in.reg[R_SP] = (uint32_t)(t->in.reg[R_SP] | rnd() << 16);
        t->in.reg[R_BP] = (uint32_t)(t->in.reg[R_BP] | rnd() << 16);
    }
    if (row->attributes & ISA_STRING) {
        t->in.reg[R_SI] = offset_in(t, S_DS);
        t->in.reg[R_DI] = one_in(4) ? t->in.reg[R_SI] + below(17) - 8 : offset_in(t, S_ES);
        t->in.reg[R_CX] = one_in(8) ? edge_value() & 0x3fff : below(t->to_end ? 60 : 4);
        if (!wide) {
            t->in.reg[R_SI] = (uint32_t)t->in.reg[R_SI];
            t->in.reg[R_DI] = (uint32_t)t->in.reg[R_DI];
        }
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

/* Bytes that are no instruction have no length: how many of them are fetched is up to the processor. */
static void stay_inside(struct test *t)
{
    t->code_at = CODE + 0x200;
    t->in.ip = t->code_at - t->seg[S_CS]->base;
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

bool generate(unsigned row_number, bool wide, struct test *t)
{
    const struct isa_row *row = &isa_rows[row_number], *found;
    uint8_t padded[INSN_MAX_BYTES] = { 0 };
    uint32_t mode = MODE_PE | MODE_CPL;
    uint64_t at = 0;
    struct cpu_insn insn;
    unsigned disp_at;

    memset(t, 0, sizeof(*t));
    t->row = row_number;
    if (wide)
        choose_wide_segments(t);
    else
        choose_segments(t);
    t->vectors = vector_row(row);
    if (t->vectors) {
        choose_vectors(t);
        mode |= MODE_OSFXSR | MODE_AVX;
    }
    mode |= wide ? MODE_L | MODE_LMA : t->seg[S_CS]->big ? MODE_D : 0;
    /* A gather whose fault comes late takes a step's trap first, with what it has done so far. */
    t->to_end = has(row, Vs) || (row->attributes & ISA_STRING && one_in(2));
    choose_registers(t, row);
    disp_at = emit_row(t, row);
    if (is_enter(row) && !wide && !t->seg[S_SS]->big && (t->in.reg[R_SP] & 0xffff) < 4)
        return false; /* processors differ: cpu/ops/stack.c */
    memcpy(padded, t->code, t->len < sizeof(padded) ? t->len : sizeof(padded));
    decode(oracle_isa, mode, 0, padded, sizeof(padded), &insn, &found);
    if (found && vector_row(found))
        aim_vectors(t, found, &insn);
    if (found && insn.flags & INSN_MEM && !has(found, Vs)) {
        if (is_bit_test(row) && !one_in(4))
            t->in.reg[insn.src / 8] = below(200000) - 100000;
        at = aim(t, &insn, disp_at);
        if (t->vectors && at + 64 - CANONICAL < 128)
            t->in.eflags &= ~EFL_AC; /* across that border AC is found before what is not canonical */
        if (is_bit_test(row))
            at = bit_address(t, &insn, at);
        if (!strcmp(row->mnemonic, "movbe") && at < CANONICAL && at + 8 > CANONICAL)
            return false; /* this host makes two accesses of it */
        place_operand(t, at);
    } else if (is_xlat(row)) {
        t->in.reg[R_BX] = offset_in(t, insn.seg) - (t->in.reg[R_AX] & 0xff);
    }
    if (found && system_row_wanted(row) && !choose_selectors(t, row, &insn, (uint32_t)at))
        return false;
    if (!vendor_can_judge(t, found ? found : row, &insn, at))
        return false;
    if (wide && !host.stray_stack && t->in.reg[R_SP] != canonical(t->in.reg[R_SP]))
        return false; /* a memory operand's base */
    t->code[t->len] = 0xcc;
    if (found ? vendor_needs_room(found) : t->vectors)
        stay_inside(t);
    else
        choose_place(t);
    return put_code(t);
}

/* ---- Which rows ---- */

/* The rows that are not the system's; those stand last in all.def. */
enum {
    USER_ROWS = 0
#define INSN(...) + 1
#define PFX(...) + 1
#define VEX(...) + 1
#define ISA_WITHOUT_SYSTEM
#include "cpu/isa/all.def"
#undef ISA_WITHOUT_SYSTEM
#undef INSN
#undef PFX
#undef VEX
};

#ifdef __x86_64__
/* What clang 14 does not know by name. */
static bool host_says(unsigned leaf, unsigned ebx, unsigned ecx)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(leaf, 0, &a, &b, &c, &d) && ((b & ebx) | (c & ecx)) != 0;
}
#endif

/* Does the host have what the row belongs to? */
static bool host_has(enum isa_set set)
{
#ifdef __x86_64__
    switch (set) {
    case SET_POPCNT: return __builtin_cpu_supports("popcnt");
    case SET_LZCNT: return host_says(0x80000001, 0, bit_LZCNT);
    case SET_BMI1: return __builtin_cpu_supports("bmi");
    case SET_BMI2: return __builtin_cpu_supports("bmi2");
    case SET_RDRAND: case SET_RDSEED: return false; /* nobody can tell what it says */
    case SET_CLFLUSHOPT: return host_says(7, 1u << 23, 0);
    case SET_CLWB: return host_says(7, 1u << 24, 0);
    case SET_CX16: return host_says(1, 0, bit_CMPXCHG16B);
    case SET_ADX: return host_says(7, bit_ADX, 0);
    case SET_MOVBE: return host_says(1, 0, bit_MOVBE);
    default: return host_has_vectors(set);
    }
#else
    (void)set;
    return false;
#endif
}

bool row_wanted(unsigned row, bool wide)
{
    const struct isa_row *r = &isa_rows[row];

    if (wide ? !host.code64 : !host.code16 && !host.code32 && !host.code32_by_ldt)
        return false;
    if (!isa_row_built(r) || !host_has(r->set) || r->attributes & (wide ? ISA_NO64 : ISA_ONLY64))
        return false;
    if (vector_row(r))
        return true;
    if (r->attributes & (ISA_X87 | ISA_MMX | ISA_SSE | ISA_AVX) || r->set == SET_X87)
        return false; /* floating point has tests of its own */
    return row < USER_ROWS || (isa_sets[r->set].tier == 1 && system_row_wanted(r) && (!wide || runs_in_64_bits(r)));
}
