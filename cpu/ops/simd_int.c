/*
 * Integer arithmetic and comparisons on vectors.
 *
 * The portable expression is the definition; where SSE2 has the operation itself and the compiler does not find it, an intrinsic stands in.
 */
#include "cpu/ops/simd_host.h"

#define EACH(name, member, expression) SIMD_LANE(name) { return (union simd_lane){ .member = (expression) }; }
/* MMX, SSE, AVX; without MMX. */
#define ALL(name, member, expression)  EACH(name, member, expression) SIMD_BINARY(name)
#define XMM(name, member, expression)  EACH(name, member, expression) SIMD_BINARY_X(name)

static inline int32_t saturate(int32_t v, int32_t least, int32_t most)
{
    return v < least ? least : v > most ? most : v;
}

/* ---- Sums and differences: SDM Vol. 2B, "PADDB/PADDW/PADDD/PADDQ", "PSUBB/PSUBW/PSUBD", "PSUBQ" ---- */

ALL(paddb, vb, a.vb + b.vb)
ALL(paddw, vw, a.vw + b.vw)
ALL(paddd, vd, a.vd + b.vd)
ALL(paddq, vq, a.vq + b.vq)
ALL(psubb, vb, a.vb - b.vb)
ALL(psubw, vw, a.vw - b.vw)
ALL(psubd, vd, a.vd - b.vd)
ALL(psubq, vq, a.vq - b.vq)

/* SDM Vol. 2B, "PADDUSB/PADDUSW", "PSUBUSB/PSUBUSW": a carry makes all ones, a borrow zero. */
#define UNSIGNED_SATURATION(add, sub, u, s)                                                                                  \
    SIMD_LANE(add)                                                                                                           \
    {                                                                                                                        \
        union simd_lane r = { .u = a.u + b.u }, carry = { .s = r.u < a.u };                                                  \
                                                                                                                             \
        return (union simd_lane){ .vq = r.vq | carry.vq };                                                                   \
    }                                                                                                                        \
    SIMD_BINARY(add)                                                                                                         \
    SIMD_LANE(sub)                                                                                                           \
    {                                                                                                                        \
        union simd_lane r = { .u = a.u - b.u }, none = { .s = a.u >= b.u };                                                  \
                                                                                                                             \
        return (union simd_lane){ .vq = r.vq & none.vq };                                                                    \
    }                                                                                                                        \
    SIMD_BINARY(sub)
UNSIGNED_SATURATION(paddusb, psubusb, vb, vsb)
UNSIGNED_SATURATION(paddusw, psubusw, vw, vsw)

/* SDM Vol. 2B, "PADDSB/PADDSW", "PSUBSB/PSUBSW": of two numbers of the one sign a result of the other stands for the nearest limit. */
#define SIGNED_SATURATION(name, operator, differs, u, s, top, most)                                                          \
    SIMD_LANE(name)                                                                                                          \
    {                                                                                                                        \
        union simd_lane r = { .u = a.u operator b.u }, limit = { .s = (a.s >> (top)) ^ (most) };                             \
        union simd_lane over = { .u = differs };                                                                             \
                                                                                                                             \
        over.s = over.s < 0;                                                                                                 \
        return simd_select(over, limit, r);                                                                                  \
    }                                                                                                                        \
    SIMD_BINARY(name)
SIGNED_SATURATION(paddsb, +, (a.vb ^ r.vb) & (b.vb ^ r.vb), vb, vsb, 7, 0x7f)
SIGNED_SATURATION(paddsw, +, (a.vw ^ r.vw) & (b.vw ^ r.vw), vw, vsw, 15, 0x7fff)
SIGNED_SATURATION(psubsb, -, (a.vb ^ b.vb) & (a.vb ^ r.vb), vb, vsb, 7, 0x7f)
SIGNED_SATURATION(psubsw, -, (a.vw ^ b.vw) & (a.vw ^ r.vw), vw, vsw, 15, 0x7fff)

/* SDM Vol. 2B, "PAVGB/PAVGW": half of the sum, rounded up. */
ALL(pavgb, vb, (a.vb | b.vb) - ((a.vb ^ b.vb) >> 1))
ALL(pavgw, vw, (a.vw | b.vw) - ((a.vw ^ b.vw) >> 1))

/* ---- Comparisons: SDM Vol. 2B, "PCMPEQB/PCMPEQW/PCMPEQD", "PCMPEQQ", "PCMPGTB/PCMPGTW/PCMPGTD", "PCMPGTQ" ---- */

ALL(pcmpeqb, vsb, a.vsb == b.vsb)
ALL(pcmpeqw, vsw, a.vsw == b.vsw)
ALL(pcmpeqd, vsd, a.vsd == b.vsd)
XMM(pcmpeqq, vsq, a.vsq == b.vsq)
ALL(pcmpgtb, vsb, a.vsb > b.vsb)
ALL(pcmpgtw, vsw, a.vsw > b.vsw)
ALL(pcmpgtd, vsd, a.vsd > b.vsd)
XMM(pcmpgtq, vsq, a.vsq > b.vsq)

/* SDM Vol. 2B, "PMAXSB/PMAXSW/PMAXSD/PMAXSQ" and the like. */
#define MIN_MAX(name, u, s, relation, template)                                                                              \
    SIMD_LANE(name) { return simd_select((union simd_lane){ .s = a.u relation b.u }, a, b); }                                \
    template(name)
MIN_MAX(pminub, vb, vsb, <, SIMD_BINARY)
MIN_MAX(pmaxub, vb, vsb, >, SIMD_BINARY)
MIN_MAX(pminsw, vsw, vsw, <, SIMD_BINARY)
MIN_MAX(pmaxsw, vsw, vsw, >, SIMD_BINARY)
MIN_MAX(pminsb, vsb, vsb, <, SIMD_BINARY_X)
MIN_MAX(pmaxsb, vsb, vsb, >, SIMD_BINARY_X)
MIN_MAX(pminuw, vw, vsw, <, SIMD_BINARY_X)
MIN_MAX(pmaxuw, vw, vsw, >, SIMD_BINARY_X)
MIN_MAX(pminsd, vsd, vsd, <, SIMD_BINARY_X)
MIN_MAX(pmaxsd, vsd, vsd, >, SIMD_BINARY_X)
MIN_MAX(pminud, vd, vsd, <, SIMD_BINARY_X)
MIN_MAX(pmaxud, vd, vsd, >, SIMD_BINARY_X)

/* ---- Absolute values and signs: SDM Vol. 2B, "PABSB/PABSW/PABSD/PABSQ", "PSIGNB/PSIGNW/PSIGND" ---- */

#define SIGNS(absolute, sign, u, s)                                                                                          \
    SIMD_LANE(absolute)                                                                                                      \
    {                                                                                                                        \
        union simd_lane m = { .s = b.s < 0 };                                                                                \
                                                                                                                             \
        return (union simd_lane){ .u = (b.u ^ m.u) - m.u };                                                                  \
    }                                                                                                                        \
    SIMD_BINARY(absolute)                                                                                                    \
    SIMD_LANE(sign)                                                                                                          \
    {                                                                                                                        \
        union simd_lane m = { .s = b.s < 0 }, some = { .s = b.s != 0 };                                                      \
                                                                                                                             \
        return (union simd_lane){ .u = ((a.u ^ m.u) - m.u) & some.u };                                                       \
    }                                                                                                                        \
    SIMD_BINARY(sign)
SIGNS(pabsb, psignb, vb, vsb)
SIGNS(pabsw, psignw, vw, vsw)
SIGNS(pabsd, psignd, vd, vsd)

/* ---- Products: SDM Vol. 2B, "PMULLW", "PMULLD/PMULLQ", "PMULHW", "PMULHUW", "PMULHRSW", "PMULUDQ", "PMULDQ" ---- */

ALL(pmullw, vw, a.vw * b.vw)
XMM(pmulld, vd, a.vd * b.vd)

#define BY_WORDS(name, intrinsic, expression)                                                                                \
    SIMD_LANE(name)                                                                                                          \
    {                                                                                                                        \
        union simd_lane r;                                                                                                   \
                                                                                                                             \
        SIMD_HOST(intrinsic);                                                                                                \
        for (unsigned n = 0; n < 8; n++)                                                                                     \
            r.w[n] = (uint16_t)(expression);                                                                                 \
        return r;                                                                                                            \
    }                                                                                                                        \
    SIMD_BINARY(name)
BY_WORDS(pmulhw, _mm_mulhi_epi16, (uint32_t)(a.sw[n] * b.sw[n]) >> 16)
BY_WORDS(pmulhuw, _mm_mulhi_epu16, ((uint32_t)a.w[n] * b.w[n]) >> 16)

SIMD_LANE(pmulhrsw)
{
    union simd_lane r;

    for (unsigned n = 0; n < 8; n++)
        r.w[n] = (uint16_t)(((a.sw[n] * b.sw[n] >> 14) + 1) >> 1);
    return r;
}
SIMD_BINARY(pmulhrsw)

SIMD_LANE(pmuludq)
{
    SIMD_HOST(_mm_mul_epu32);
    return (union simd_lane){ .q = { (uint64_t)a.d[0] * b.d[0], (uint64_t)a.d[2] * b.d[2] } };
}
SIMD_BINARY(pmuludq)

SIMD_LANE(pmuldq) { return (union simd_lane){ .sq = { (int64_t)a.sd[0] * b.sd[0], (int64_t)a.sd[2] * b.sd[2] } }; }
SIMD_BINARY_X(pmuldq)

/* SDM Vol. 2B, "PMADDWD". Only four times 8000h gives a sum that does not fit: it stays 80000000h. */
SIMD_LANE(pmaddwd)
{
    union simd_lane r;

    SIMD_HOST(_mm_madd_epi16);
    for (unsigned n = 0; n < 4; n++)
        r.d[n] = (uint32_t)(a.sw[2 * n] * b.sw[2 * n]) + (uint32_t)(a.sw[2 * n + 1] * b.sw[2 * n + 1]);
    return r;
}
SIMD_BINARY(pmaddwd)

/* SDM Vol. 2B, "PMADDUBSW": a is unsigned, b signed. */
SIMD_LANE(pmaddubsw)
{
    union simd_lane r;

    for (unsigned n = 0; n < 8; n++)
        r.sw[n] = (int16_t)saturate(a.b[2 * n] * b.sb[2 * n] + a.b[2 * n + 1] * b.sb[2 * n + 1], INT16_MIN, INT16_MAX);
    return r;
}
SIMD_BINARY(pmaddubsw)

/* ---- Neighbours: SDM Vol. 2B, "PHADDW/PHADDD", "PHADDSW", "PHSUBW/PHSUBD", "PHSUBSW" ---- */

/* `half`: elements of the result that come from a, as many from b. */
#define PAIRS_BODY(element, half, expression)                                                                                \
    union simd_lane r = { .q = { 0, 0 } };                                                                                   \
                                                                                                                             \
    for (unsigned n = 0; n < 2 * (half); n++) {                                                                              \
        int32_t x = n < (half) ? a.element[2 * n] : b.element[2 * (n - (half))];                                             \
        int32_t y = n < (half) ? a.element[2 * n + 1] : b.element[2 * (n - (half)) + 1];                                     \
                                                                                                                             \
        r.element[n] = (expression);                                                                                         \
    }                                                                                                                        \
    return r
#define PAIRS(name, element, half, expression)                                                                               \
    SIMD_LANE(name) { PAIRS_BODY(element, half, expression); }                                                               \
    SIMD_LANE_MMX(name) { PAIRS_BODY(element, (half) / 2, expression); }                                                     \
    SIMD_BINARY_MMX(name)
PAIRS(phaddw, sw, 4, (int16_t)(x + y))
PAIRS(phaddd, sd, 2, (int32_t)((uint32_t)x + (uint32_t)y))
PAIRS(phaddsw, sw, 4, (int16_t)saturate(x + y, INT16_MIN, INT16_MAX))
PAIRS(phsubw, sw, 4, (int16_t)(x - y))
PAIRS(phsubd, sd, 2, (int32_t)((uint32_t)x - (uint32_t)y))
PAIRS(phsubsw, sw, 4, (int16_t)saturate(x - y, INT16_MIN, INT16_MAX))

/* ---- Sums of differences ---- */

/* SDM Vol. 2B, "PSADBW". */
SIMD_LANE(psadbw)
{
    union simd_lane r = { .q = { 0, 0 } };

    SIMD_HOST(_mm_sad_epu8);
    for (unsigned n = 0; n < 16; n++)
        r.q[n / 8] += (uint64_t)(a.b[n] > b.b[n] ? a.b[n] - b.b[n] : b.b[n] - a.b[n]);
    return r;
}
SIMD_BINARY(psadbw)

/* SDM Vol. 2B, "MPSADBW": four bytes of b, chosen by bits 1:0, against the four that begin at each of eight places of a, from bit 2 on.
 * The high lane has bits 5:3. */
SIMD_CHOICE(mpsadbw)
{
    const uint8_t *x = a.b + (choice & 4), *y = b.b + (choice & 3) * 4;
    union simd_lane r = { .q = { 0, 0 } };

    for (unsigned n = 0; n < 8; n++)
        for (unsigned k = 0; k < 4; k++)
            r.w[n] = (uint16_t)(r.w[n] + (x[n + k] > y[k] ? x[n + k] - y[k] : y[k] - x[n + k]));
    return r;
}
SIMD_CHOICE_X(mpsadbw, 3)

/* SDM Vol. 2B, "PHMINPOSUW": the least word and its place; the first of equal ones. */
SIMD_LANE(phminposuw)
{
    unsigned least = 0;

    for (unsigned n = 1; n < 8; n++)
        if (b.w[n] < b.w[least])
            least = n;
    return (union simd_lane){ .w = { b.w[least], (uint16_t)least } };
}
SIMD_BINARY_128(phminposuw)
