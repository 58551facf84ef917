/*
 * Tests of MMX, SSE and AVX rows: what is in the registers, and addresses that no ModRM operand gives.
 */
#include "testcases/oracle/oracle.h"

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/isa/isa.h"

/* The rows that these tests are about; those of floating point have a test of their own. */
static const struct {
    const char *mnemonic;
    uint8_t map, opcode, ext;
    uint16_t prefix;
} rows[] = {
#define INSN(map, opcode, ext, mnemonic, ...) { mnemonic, map, opcode, ext, PF_ANY },
#define PFX(prefix, map, opcode, ext, mnemonic, ...) { mnemonic, map, opcode, ext, prefix },
#define VEX(prefix, map, opcode, ext, mnemonic, ...) { mnemonic, map, opcode, ext, PF_VEX | (prefix) },
#include "cpu/isa/simd_insert.def"
#include "cpu/isa/simd_int.def"
#include "cpu/isa/simd_logic.def"
#include "cpu/isa/simd_misc.def"
#include "cpu/isa/simd_move.def"
#include "cpu/isa/simd_shuffle.def"
#undef INSN
#undef PFX
#undef VEX
};

bool vector_row(const struct isa_row *row)
{
    for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
        if (rows[n].map == row->map && rows[n].opcode == row->opcode && rows[n].ext == row->ext && rows[n].prefix == row->prefix &&
            !strcmp(rows[n].mnemonic, row->mnemonic))
            return true;
    return false;
}

bool host_has_vectors(unsigned set)
{
#ifdef __x86_64__
    uint32_t a = 7, b, c = 0, d;

    switch (set) {
    case SET_SSE3: return __builtin_cpu_supports("sse3");
    case SET_SSSE3: return __builtin_cpu_supports("ssse3");
    case SET_SSE41: return __builtin_cpu_supports("sse4.1");
    case SET_SSE42: return __builtin_cpu_supports("sse4.2");
    case SET_AVX: return __builtin_cpu_supports("avx");
    case SET_AVX2: return __builtin_cpu_supports("avx2");
    case SET_AES: return __builtin_cpu_supports("aes");
    case SET_PCLMUL: return __builtin_cpu_supports("pclmul");
    case SET_SHA:
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        return b >> 29 & 1;
    default: return true;
    }
#else
    (void)set;
    return false;
#endif
}

/* VAES, VPCLMULQDQ: 256 bits are no #UD there. */
bool host_has_wide(const struct isa_row *row)
{
    uint32_t a = 7, b, c = 0, d;

    if (row->map != (row->set == SET_AES ? 2 : 3) || (row->set == SET_AES ? row->opcode < 0xdc : row->set != SET_PCLMUL))
        return false;
#ifdef __x86_64__
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
#endif
    return c >> (row->set == SET_AES ? 9 : 10) & 1;
}

/* ---- Contents ---- */

static unsigned below(unsigned n) { return rnd() % n; }

/* Elements of one size: edges, small numbers, anything. */
static void fill(uint8_t *bytes, unsigned count)
{
    unsigned size = 1u << below(4), kind = below(5);

    for (unsigned n = 0; n < count; n += size) {
        static const uint64_t edges[] = { 0, 1, UINT64_MAX, 0x8080808080808080, 0x7f7f7f7f7f7f7f7f };
        uint64_t v = (uint64_t)rnd() << 32 | rnd(), top = 1ull << (8 * size - 1);

        switch (kind) {
        case 0: v = below(3) ? edges[below(5)] : v; break;
        case 1: v = top - below(3) + below(3); break;
        case 2: v = below(8 * size + 2) - (uint64_t)below(2); break;
        default: break;
        }
        memcpy(bytes + n, &v, size);
    }
}

void vector_operand(const struct test *t, uint8_t *bytes)
{
    if (below(3) == 0)
        memcpy(bytes, t->in.v.ymm[below(16)], 32); /* what comparisons find equal */
    else
        fill(bytes, 32);
    if (below(8) == 0)
        bytes[2] = bytes[3] = 0; /* what LDMXCSR takes */
}

void choose_vectors(struct test *t)
{
    struct vectors *v = &t->in.v;

    for (unsigned n = 0; n < 16; n++)
        if (n && below(4) == 0)
            memcpy(v->ymm[n], v->ymm[below(n)], 32);
        else
            fill(v->ymm[n], 32);
    for (unsigned n = 0; n < 8; n++) {
        fill((uint8_t *)&v->significand[n], 8);
        v->exponent[n] = (uint16_t)rnd();
    }
    v->control = 0x37f;
    v->status = (uint16_t)(rnd() & ~(FPU_SW_ES | FPU_SW_B));
    if (below(30) == 0) { /* an exception is pending */
        v->control &= (uint16_t)~1;
        v->status |= FPU_SW_ES | FPU_SW_B | 1;
    }
    v->valid = rnd() & 0xff;
    v->mxcsr = below(2) ? 0x1f80 : rnd() & 0xffff;
}

/* ---- Addresses ---- */

static bool has(const struct isa_row *row, enum isa_operand op)
{
    return row->op[0] == op || row->op[1] == op || row->op[2] == op || row->op[3] == op;
}

/* Each element somewhere of its own, by its index; the base is a register if there is one that the test does not need elsewhere. */
static void aim_gather(struct test *t, const struct isa_row *row, const struct cpu_insn *insn)
{
    bool quads = row->opcode & 1; /* indices */
    bool safe = below(3);         /* so that most of them come to an end */
    uint64_t base;

    if (insn->base < R_COUNT && safe)
        t->in.reg[insn->base] = DATA;
    else if (insn->base < R_COUNT && below(8))
        t->in.reg[insn->base] = offset_in(t, insn->seg);
    base = insn->base < R_COUNT ? t->in.reg[insn->base] : 0;
    for (unsigned n = 0; n < (quads ? 4u : 8u); n++) {
        uint64_t want = safe ? DATA + below(4 * PAGE - 8) - (insn->seg == CPU_GS || !t->seg[S_CS]->wide ? t->seg[insn->seg]->base : 0)
                             : offset_in(t, insn->seg);
        uint64_t diff = want - base - (uint64_t)(int64_t)insn->disp, index = (uint64_t)((int64_t)diff >> insn->scale);

        memcpy(t->in.v.ymm[insn->index & 15] + n * (quads ? 8 : 4), &index, quads ? 8 : 4);
    }
}

/* MASKMOVQ, MASKMOVDQU: whether bytes that are not written may fault is up to the processor, and this host's do. So all are written, or none
 * can fault. */
static void aim_bytes(struct test *t, const struct cpu_insn *insn)
{
    t->in.reg[R_DI] = offset_in(t, insn->seg);
    if (((t->in.reg[R_DI] + 16) & (CANONICAL - 1)) < 32)
        t->in.reg[R_DI] = DATA + PAGE; /* and so is what half of an operand finds across those borders */
    if (insn_ad_bytes(insn) == 2 && (t->in.reg[R_DI] & 0xffff) > 0xfff0)
        t->in.reg[R_DI] -= 16; /* and where 16 bits end */
    t->in.eflags &= ~EFL_AC; /* and whether alignment is checked */
    if (insn->flags & INSN_AD64 && below(2))
        t->in.reg[R_DI] = DATA + below(4 * PAGE - 16) - (insn->seg == CPU_GS ? t->seg[S_GS]->base : 0);
    else
        memset(t->in.v.ymm[insn->src], 0xff, 32), t->in.v.significand[insn->src & 7] = UINT64_MAX;
}

void aim_vectors(struct test *t, const struct isa_row *row, const struct cpu_insn *insn)
{
    if (has(row, Vs))
        aim_gather(t, row, insn);
    if (row->map == 1 && row->opcode == 0xf7)
        aim_bytes(t, insn);
    if (row->map == 3 && (row->opcode & 0xfe) == 0x60 && below(3)) /* lengths of PCMPESTRx */
        t->in.reg[R_AX] = below(20), t->in.reg[R_DX] = below(20);
}
