/*
 * SSE4.2's string comparisons, and CRC32.
 */
#include "cpu/ops/simd_host.h"

/* ---- PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM: SDM Vol. 1, "SSE4.2 PCMPxSTRx"; Vol. 2B, "Imm8 control byte operation" ---- */

/* The immediate. */
enum { STR_WORDS = 1, STR_SIGNED = 2, STR_AGGREGATE = 12, STR_ANY = 0, STR_RANGES = 4, STR_EACH = 8, STR_ORDERED = 12, STR_NEGATE = 16,
       STR_MASKED = 32, STR_LAST = 64, STR_FULL_MASK = 64 };

struct str {
    int32_t element[16];
    unsigned len;   /* that are valid */
};

static void str_load(struct str *s, union simd_lane v, unsigned how)
{
    for (unsigned n = 0; n < 16; n++)
        s->element[n] = n >= (how & STR_WORDS ? 8u : 16u) ? 0
                        : how & STR_WORDS ? how & STR_SIGNED ? v.sw[n] : v.w[n] : how & STR_SIGNED ? v.sb[n] : v.b[n];
}

/* Up to the first zero. */
static unsigned str_implicit(const struct str *s, unsigned count)
{
    unsigned len = 0;

    while (len < count && s->element[len])
        len++;
    return len;
}

/* As a register says: its absolute value, as far as there is room. */
static unsigned str_explicit(struct cpu *cpu, const struct cpu_insn *i, unsigned reg, unsigned count)
{
    int64_t v = i->flags & INSN_OP64 ? (int64_t)cpu->reg[reg] : (int32_t)cpu->reg[reg];
    uint64_t len = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    return len < count ? (unsigned)len : count;
}

/* "Equal any", "ranges": is element n of b among the elements of a, or between two of them? */
static bool str_among(const struct str *a, int32_t v)
{
    for (unsigned k = 0; k < a->len; k++)
        if (a->element[k] == v)
            return true;
    return false;
}
static bool str_in_range(const struct str *a, int32_t v)
{
    for (unsigned k = 0; k + 1 < a->len; k += 2)
        if (v >= a->element[k] && v <= a->element[k + 1])
            return true;
    return false;
}
/* "Equal ordered": does a stand in b at n? What lies beyond the vector's end is not compared; beyond b's end nothing is equal. */
static bool str_stands_at(const struct str *a, const struct str *b, unsigned n, unsigned count)
{
    for (unsigned k = 0; k < a->len && n + k < count; k++)
        if (n + k >= b->len || a->element[k] != b->element[n + k])
            return false;
    return true;
}

/* IntRes1, a bit for each element of b. */
static uint32_t str_compare(const struct str *a, const struct str *b, unsigned how, unsigned count)
{
    uint32_t r = 0;

    for (unsigned n = 0; n < count; n++) {
        bool hit;

        switch (how & STR_AGGREGATE) {
        case STR_ANY: hit = n < b->len && str_among(a, b->element[n]); break;
        case STR_RANGES: hit = n < b->len && str_in_range(a, b->element[n]); break;
        case STR_EACH: hit = n < a->len && n < b->len ? a->element[n] == b->element[n] : n >= a->len && n >= b->len; break;
        default: hit = str_stands_at(a, b, n, count); break;
        }
        r |= (uint32_t)hit << n;
    }
    return r;
}

/* IntRes2; flags and register are written after the last access. */
static inline uint32_t str_run(struct cpu *cpu, const struct cpu_insn *i, const uint8_t *source, bool explicit)
{
    unsigned how = insn_imm8(i), count = how & STR_WORDS ? 8 : 16;
    struct str a, b;
    uint32_t r, flip;

    str_load(&a, simd_load(&cpu->vector[i->dst]), how);
    str_load(&b, simd_load(source), how);
    a.len = explicit ? str_explicit(cpu, i, CPU_AX, count) : str_implicit(&a, count);
    b.len = explicit ? str_explicit(cpu, i, CPU_DX, count) : str_implicit(&b, count);
    r = str_compare(&a, &b, how, count);
    flip = how & STR_NEGATE ? how & STR_MASKED ? (1u << b.len) - 1 : (1u << count) - 1 : 0;
    r ^= flip;
    flags_set(cpu, (r ? EFL_CF : 0) | (b.len < count ? EFL_ZF : 0) | (a.len < count ? EFL_SF : 0) | (r & 1 ? EFL_OF : 0));
    return r;
}

static void str_index(struct cpu *cpu, const struct cpu_insn *i, uint32_t r)
{
    unsigned how = insn_imm8(i), none = how & STR_WORDS ? 8 : 16;

    exec_set_reg(cpu, CPU_CX * 8, 32, !r ? none : how & STR_LAST ? 31 - (unsigned)__builtin_clz(r) : (unsigned)__builtin_ctz(r));
}

static union simd_lane str_mask(const struct cpu_insn *i, uint32_t r)
{
    unsigned how = insn_imm8(i);
    union simd_lane v = { .q = { r, 0 } };

    if (how & STR_FULL_MASK && how & STR_WORDS)
        for (unsigned n = 8; n-- > 0;)
            v.w[n] = r >> n & 1 ? 0xffff : 0;
    else if (how & STR_FULL_MASK)
        for (unsigned n = 16; n-- > 0;)
            v.b[n] = r >> n & 1 ? 0xff : 0;
    return v;
}

#define STRING_OP(name, kind, explicit, finish)                                                                              \
    SIMD_OP(name, kind)                                                                                                      \
    {                                                                                                                        \
        uint32_t r = str_run(cpu, i, b, explicit);                                                                           \
                                                                                                                             \
        finish;                                                                                                              \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, kind, 16, SIMD_UNALIGNED)
#define STRINGS(index, mask, explicit)                                                                                       \
    STRING_OP(index, sse, explicit, str_index(cpu, i, r))                                                                    \
    SIMD_TABLE(index, SIMD_SLOT(index, sse) [SIMD_AVX128] = { index##_sse_r, index##_sse_m })                                \
    STRING_OP(mask, sse, explicit, simd_put_xmm(cpu, 0, str_mask(i, r)))                                                     \
    STRING_OP(mask, avx128, explicit, simd_set_xmm(cpu, 0, str_mask(i, r)))                                                  \
    SIMD_TABLE(mask, SIMD_SLOT(mask, sse) SIMD_SLOT(mask, avx128))
STRINGS(pcmpestri, pcmpestrm, true)
STRINGS(pcmpistri, pcmpistrm, false)

/* ---- CRC32: SDM Vol. 2A, "CRC32". The polynomial 11EDC6F41h, the bits of each byte from the lowest on ---- */

static unsigned crc32(struct cpu *cpu, const struct cpu_insn *i, unsigned size)
{
    uint64_t v = i->flags & INSN_MEM ? mem_read(cpu, i, mem_operand(cpu, i, EA_ANY, size, MEM_READ), size) : exec_reg(cpu, i->src, size * 8);
    uint32_t crc = (uint32_t)exec_reg(cpu, i->dst, 32);

    for (unsigned n = 0; n < size * 8; n++, v >>= 1)
        crc = crc >> 1 ^ ((crc ^ v) & 1 ? 0x82f63b78u : 0);
    exec_set_reg(cpu, i->dst, 32, crc);
    CONTINUE;
}
CPU_OP(op_crc32_b) { return crc32(cpu, i, 1); }
CPU_OP(op_crc32_v) { return crc32(cpu, i, insn_op_bytes(i)); }
