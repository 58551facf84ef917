/*
 * Elements that change their places: packing, interleaving, shuffles, permutations, broadcasts.
 */
#include "cpu/ops/simd_host.h"

/* ---- Packing with saturation: SDM Vol. 2B, "PACKSSWB/PACKSSDW", "PACKUSWB", "PACKUSDW" ---- */

static inline int32_t saturate(int32_t v, int32_t least, int32_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* The elements of a, then those of b. In MMX registers each has half as many: together one lane. */
#define PACK(name, half, to, from, least, most, intrinsic)                                                                   \
    SIMD_LANE(name)                                                                                                          \
    {                                                                                                                        \
        union simd_lane r;                                                                                                   \
                                                                                                                             \
        intrinsic;                                                                                                           \
        for (unsigned n = 0; n < (half); n++) {                                                                              \
            r.to[n] = (__typeof__(r.to[0]))saturate(a.from[n], least, most);                                                 \
            r.to[n + (half)] = (__typeof__(r.to[0]))saturate(b.from[n], least, most);                                        \
        }                                                                                                                    \
        return r;                                                                                                            \
    }
#define PACK_MMX(name)                                                                                                       \
    SIMD_LANE_MMX(name)                                                                                                      \
    {                                                                                                                        \
        a.q[1] = b.q[0];                                                                                                     \
        return lane_##name(a, a, i);                                                                                         \
    }                                                                                                                        \
    SIMD_BINARY_MMX(name)
PACK(packsswb, 8, sb, sw, INT8_MIN, INT8_MAX, SIMD_HOST(_mm_packs_epi16))
PACK(packuswb, 8, b, sw, 0, UINT8_MAX, SIMD_HOST(_mm_packus_epi16))
PACK(packssdw, 4, sw, sd, INT16_MIN, INT16_MAX, SIMD_HOST(_mm_packs_epi32))
PACK(packusdw, 4, w, sd, 0, UINT16_MAX, (void)0)
PACK_MMX(packsswb)
PACK_MMX(packuswb)
PACK_MMX(packssdw)
SIMD_BINARY_X(packusdw)

/* ---- Interleaving: SDM Vol. 2B, "PUNPCKHBW/...", "PUNPCKLBW/..."; Vol. 2B, "UNPCKLPS" and the like are the same ---- */

#define UNPACK(low, high, half, element, low_intrinsic, high_intrinsic)                                                      \
    SIMD_LANE(low)                                                                                                           \
    {                                                                                                                        \
        union simd_lane r;                                                                                                   \
                                                                                                                             \
        SIMD_HOST(low_intrinsic);                                                                                            \
        for (unsigned n = 0; n < (half); n++)                                                                                \
            r.element[2 * n] = a.element[n], r.element[2 * n + 1] = b.element[n];                                            \
        return r;                                                                                                            \
    }                                                                                                                        \
    SIMD_LANE(high)                                                                                                          \
    {                                                                                                                        \
        union simd_lane r;                                                                                                   \
                                                                                                                             \
        SIMD_HOST(high_intrinsic);                                                                                           \
        for (unsigned n = 0; n < (half); n++)                                                                                \
            r.element[2 * n] = a.element[n + (half)], r.element[2 * n + 1] = b.element[n + (half)];                          \
        return r;                                                                                                            \
    }
/* MMX: the low halves of registers, of which the second is 4 bytes in memory; the high ones are in the lane's middle. */
#define UNPACK_MMX(low, high)                                                                                                \
    SIMD_INSTANCES_X_(low, SIMD_ALIGNED) SIMD_LANES_MMX_(low, lane_##low, 4)                                                 \
    SIMD_TABLE(low, SIMD_SLOTS_X(low) SIMD_SLOT(low, mmx))                                                                   \
    SIMD_LANE_MMX(high) { return (union simd_lane){ .q = { lane_##low(a, b, i).q[1], 0 } }; }                                \
    SIMD_BINARY_MMX(high)
UNPACK(punpcklbw, punpckhbw, 8, b, _mm_unpacklo_epi8, _mm_unpackhi_epi8)
UNPACK(punpcklwd, punpckhwd, 4, w, _mm_unpacklo_epi16, _mm_unpackhi_epi16)
UNPACK(punpckldq, punpckhdq, 2, d, _mm_unpacklo_epi32, _mm_unpackhi_epi32)
UNPACK(punpcklqdq, punpckhqdq, 1, q, _mm_unpacklo_epi64, _mm_unpackhi_epi64)
UNPACK_MMX(punpcklbw, punpckhbw)
UNPACK_MMX(punpcklwd, punpckhwd)
UNPACK_MMX(punpckldq, punpckhdq)
SIMD_BINARY_X(punpcklqdq)
SIMD_BINARY_X(punpckhqdq)

/* ---- Shuffles within a lane ---- */

/* SDM Vol. 2B, "PSHUFB". */
#define SHUFFLE_BYTES(count)                                                                                                 \
    union simd_lane r = { .q = { 0, 0 } };                                                                                   \
                                                                                                                             \
    for (unsigned n = 0; n < (count); n++)                                                                                   \
        r.b[n] = b.sb[n] < 0 ? 0 : a.b[b.b[n] & ((count) - 1)];                                                              \
    return r
SIMD_LANE(pshufb) { SHUFFLE_BYTES(16); }
SIMD_LANE_MMX(pshufb) { SHUFFLE_BYTES(8); }
SIMD_BINARY_MMX(pshufb)

/* SDM Vol. 2B, "PSHUFD", "PSHUFHW", "PSHUFLW", "PSHUFW": two bits of the immediate for each element. */
#define CHOSEN(n) (insn_imm8(i) >> 2 * (n) & 3)
SIMD_LANE(pshufd) { return (union simd_lane){ .d = { b.d[CHOSEN(0)], b.d[CHOSEN(1)], b.d[CHOSEN(2)], b.d[CHOSEN(3)] } }; }
SIMD_LANE(pshuflw)
{
    return (union simd_lane){ .w = { b.w[CHOSEN(0)], b.w[CHOSEN(1)], b.w[CHOSEN(2)], b.w[CHOSEN(3)], b.w[4], b.w[5], b.w[6], b.w[7] } };
}
SIMD_LANE(pshufhw)
{
    return (union simd_lane){ .w = { b.w[0], b.w[1], b.w[2], b.w[3], b.w[4 + CHOSEN(0)], b.w[4 + CHOSEN(1)], b.w[4 + CHOSEN(2)],
                                     b.w[4 + CHOSEN(3)] } };
}
SIMD_LANE_MMX(pshufw) { return lane_pshuflw(a, b, i); }
SIMD_BINARY_X(pshufd)
SIMD_BINARY_X(pshuflw)
SIMD_BINARY_X(pshufhw)
SIMD_ONLY_MMX(pshufw)

/* SDM Vol. 2B, "SHUFPS", "SHUFPD": the lower half from a, the upper from b. */
SIMD_CHOICE(shufps)
{
    return (union simd_lane){ .d = { a.d[choice & 3], a.d[choice >> 2 & 3], b.d[choice >> 4 & 3], b.d[choice >> 6 & 3] } };
}
SIMD_CHOICE_X(shufps, 0)
SIMD_CHOICE(shufpd) { return (union simd_lane){ .q = { a.q[choice & 1], b.q[choice >> 1 & 1] } }; }
SIMD_CHOICE_X(shufpd, 2)

/* SDM Vol. 2B, "PALIGNR": bytes of the two operands together, a above b; beyond them there are zeros. */
#define ALIGN_BYTES(count)                                                                                                   \
    uint8_t both[3 * 16] = { 0 };                                                                                            \
    unsigned from = insn_imm8(i) < 2 * (count) ? insn_imm8(i) : 2 * (count);                                                 \
                                                                                                                             \
    memcpy(both, &b, (count));                                                                                               \
    memcpy(both + (count), &a, (count));                                                                                     \
    return simd_load_bytes(both + from, count)
SIMD_LANE(palignr) { ALIGN_BYTES(16); }
SIMD_LANE_MMX(palignr) { ALIGN_BYTES(8); }
SIMD_BINARY_MMX(palignr)

/* SDM Vol. 2C, "VPERMILPS", "VPERMILPD": by a vector (a is the source), by an immediate (b is). */
SIMD_LANE(vpermilps) { return (union simd_lane){ .d = { a.d[b.d[0] & 3], a.d[b.d[1] & 3], a.d[b.d[2] & 3], a.d[b.d[3] & 3] } }; }
SIMD_LANE(vpermilpd) { return (union simd_lane){ .q = { a.q[b.q[0] >> 1 & 1], a.q[b.q[1] >> 1 & 1] } }; }
SIMD_BINARY_AVX(vpermilps)
SIMD_BINARY_AVX(vpermilpd)
SIMD_CHOICE(vpermilpd_imm) { return (union simd_lane){ .q = { b.q[choice & 1], b.q[choice >> 1 & 1] } }; }
SIMD_CHOICE_AVX(vpermilpd_imm, 2)

/* SDM Vol. 2B, "MOVSHDUP", "MOVSLDUP". */
SIMD_LANE(movshdup) { return (union simd_lane){ .d = { b.d[1], b.d[1], b.d[3], b.d[3] } }; }
SIMD_LANE(movsldup) { return (union simd_lane){ .d = { b.d[0], b.d[0], b.d[2], b.d[2] } }; }
SIMD_BINARY_X(movshdup)
SIMD_BINARY_X(movsldup)

/* SDM Vol. 2B, "MOVDDUP": 8 bytes for a lane that is alone, 16 for each of two. */
SIMD_LANE(movddup) { return (union simd_lane){ .q = { b.q[0], b.q[0] } }; }
SIMD_LANES_SSE_(movddup, 8, SIMD_UNALIGNED)
SIMD_LANES_AVX128_(movddup, 8)
SIMD_LANES_AVX256_(movddup, 16, 16)
SIMD_TABLE(movddup, SIMD_SLOTS_X(movddup))

/* ---- Blends: bits of an immediate, or sign bits of a mask, choose b. SDM Vol. 2A, "BLENDPS", "BLENDPD", "BLENDVPS", "BLENDVPD";
 * Vol. 2B, "PBLENDW", "PBLENDVB"; Vol. 2C, "VPBLENDD" ---- */

#define BLEND(name, element, count)                                                                                          \
    SIMD_CHOICE(name)                                                                                                        \
    {                                                                                                                        \
        for (unsigned n = 0; n < (count); n++)                                                                               \
            a.element[n] = choice >> n & 1 ? b.element[n] : a.element[n];                                                    \
        return a;                                                                                                            \
    }
BLEND(blendps, d, 4)
BLEND(blendpd, q, 2)
BLEND(pblendw, w, 8)
BLEND(vpblendd, d, 4)
SIMD_CHOICE_X(blendps, 4)
SIMD_CHOICE_X(blendpd, 2)
SIMD_CHOICE_X(pblendw, 0)
SIMD_CHOICE_AVX(vpblendd, 4)

/* The mask is XMM0, with VEX a register in the immediate. */
#define BLEND_BY_MASK(name, s)                                                                                               \
    static inline __attribute__((always_inline)) union simd_lane name(const void *a, const void *b, const void *mask)        \
    {                                                                                                                        \
        union simd_lane m = simd_load(mask);                                                                                 \
                                                                                                                             \
        m.s = m.s < 0;                                                                                                       \
        return simd_select(m, simd_load(b), simd_load(a));                                                                   \
    }                                                                                                                        \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, name(&cpu->vector[i->dst], b, &cpu->vector[0]));                                           \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, name(&cpu->vector[insn_vvvv(i)], b, &cpu->vector[insn_is4(i)]));                           \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx256)                                                                                                    \
    {                                                                                                                        \
        const uint8_t *a = cpu->vector[insn_vvvv(i)].b, *mask = cpu->vector[insn_is4(i)].b;                                  \
        union simd_lane low = name(a, b, mask), high = name(a + 16, b + 16, mask + 16);                                      \
                                                                                                                             \
        simd_set_ymm(cpu, i->dst, low, high);                                                                                \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, sse, 16, SIMD_ALIGNED)                                                                                  \
    SIMD_FORMS(name, avx128, 16, SIMD_UNALIGNED)                                                                             \
    SIMD_FORMS(name, avx256, 32, SIMD_UNALIGNED)                                                                             \
    SIMD_TABLE(name, SIMD_SLOTS_X(name))
BLEND_BY_MASK(blendvps, vsd)
BLEND_BY_MASK(blendvpd, vsq)
BLEND_BY_MASK(pblendvb, vsb)

/* ---- Widening: SDM Vol. 2B, "PMOVSX", "PMOVZX" ---- */

#define WIDEN(name, count, to, from, size)                                                                                   \
    SIMD_LANE(name)                                                                                                          \
    {                                                                                                                        \
        union simd_lane r;                                                                                                   \
                                                                                                                             \
        for (unsigned n = 0; n < (count); n++)                                                                               \
            r.to[n] = b.from[n];                                                                                             \
        return r;                                                                                                            \
    }                                                                                                                        \
    SIMD_SMALL_X(name, size)
WIDEN(pmovsxbw, 8, sw, sb, 8)
WIDEN(pmovsxbd, 4, sd, sb, 4)
WIDEN(pmovsxbq, 2, sq, sb, 2)
WIDEN(pmovsxwd, 4, sd, sw, 8)
WIDEN(pmovsxwq, 2, sq, sw, 4)
WIDEN(pmovsxdq, 2, sq, sd, 8)
WIDEN(pmovzxbw, 8, w, b, 8)
WIDEN(pmovzxbd, 4, d, b, 4)
WIDEN(pmovzxbq, 2, q, b, 2)
WIDEN(pmovzxwd, 4, d, w, 8)
WIDEN(pmovzxwq, 2, q, w, 4)
WIDEN(pmovzxdq, 2, q, d, 8)

/* ---- Broadcasts: SDM Vol. 2C, "VBROADCAST", "VPBROADCAST" ---- */

#define BROADCAST(name, size, count, element)                                                                                \
    static inline __attribute__((always_inline)) union simd_lane name##_lane(const uint8_t *b)                               \
    {                                                                                                                        \
        union simd_lane v = simd_load_bytes(b, size), r;                                                                     \
                                                                                                                             \
        for (unsigned n = 0; n < (count); n++)                                                                               \
            r.element[n] = v.element[0];                                                                                     \
        return r;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, name##_lane(b));                                                                           \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx256)                                                                                                    \
    {                                                                                                                        \
        union simd_lane r = name##_lane(b);                                                                                  \
                                                                                                                             \
        simd_set_ymm(cpu, i->dst, r, r);                                                                                     \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, avx128, size, SIMD_UNALIGNED)                                                                           \
    SIMD_FORMS(name, avx256, size, SIMD_UNALIGNED)                                                                           \
    SIMD_TABLE(name, SIMD_SLOT(name, avx128) SIMD_SLOT(name, avx256))
BROADCAST(vpbroadcastb, 1, 16, b)
BROADCAST(vpbroadcastw, 2, 8, w)
BROADCAST(vpbroadcastd, 4, 4, d)
BROADCAST(vpbroadcastq, 8, 2, q)

SIMD_OP(vbroadcastf128, avx256)
{
    union simd_lane r = simd_load(b);

    simd_set_ymm(cpu, i->dst, r, r);
    CONTINUE;
}
SIMD_FORMS(vbroadcastf128, avx256, 16, SIMD_UNALIGNED)
SIMD_TABLE(vbroadcastf128, SIMD_SLOT(vbroadcastf128, avx256))

/* ---- Across the lanes: SDM Vol. 2C, "VPERM2F128", "VPERMD", "VPERMQ"; "VINSERTF128" ---- */

#define ACROSS(name, size)                                                                                                   \
    SIMD_FORMS(name, avx256, size, SIMD_UNALIGNED)                                                                           \
    SIMD_TABLE(name, SIMD_SLOT(name, avx256))

/* One of the four halves of a and b, or zero. */
static inline union simd_lane half_of(const uint8_t *a, const uint8_t *b, unsigned choice)
{
    if (choice & 8)
        return (union simd_lane){ .q = { 0, 0 } };
    return simd_load((choice & 2 ? b : a) + (choice & 1) * 16);
}
SIMD_OP(vperm2f128, avx256)
{
    const uint8_t *a = cpu->vector[insn_vvvv(i)].b;
    union simd_lane low = half_of(a, b, insn_imm8(i)), high = half_of(a, b, insn_imm8(i) >> 4);

    simd_set_ymm(cpu, i->dst, low, high);
    CONTINUE;
}
ACROSS(vperm2f128, 32)

SIMD_OP(vpermd, avx256)
{
    union cpu_vector index = cpu->vector[insn_vvvv(i)], from, to;

    memcpy(&from, b, 32);
    for (unsigned n = 0; n < 8; n++)
        to.d[n] = from.d[index.d[n] & 7];
    cpu->vector[i->dst] = to;
    CONTINUE;
}
ACROSS(vpermd, 32)

SIMD_OP(vpermq, avx256)
{
    union cpu_vector from, to;

    memcpy(&from, b, 32);
    for (unsigned n = 0; n < 4; n++)
        to.q[n] = from.q[CHOSEN(n)];
    cpu->vector[i->dst] = to;
    CONTINUE;
}
ACROSS(vpermq, 32)

SIMD_OP(vinsertf128, avx256)
{
    union cpu_vector v = cpu->vector[insn_vvvv(i)];

    memcpy(v.b + (insn_imm8(i) & 1) * 16, b, 16);
    cpu->vector[i->dst] = v;
    CONTINUE;
}
ACROSS(vinsertf128, 16)
