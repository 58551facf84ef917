/*
 * Logic, shifts and tests of vectors.
 */
#include "cpu/ops/simd_host.h"

/* SDM Vol. 2B, "PAND", "PANDN", "POR", "PXOR"; Vol. 2A, "ANDPS" and the like are the same. */
SIMD_LANE(pand) { return (union simd_lane){ .vq = a.vq & b.vq }; }
SIMD_LANE(pandn) { return (union simd_lane){ .vq = ~a.vq & b.vq }; }
SIMD_LANE(por) { return (union simd_lane){ .vq = a.vq | b.vq }; }
SIMD_LANE(pxor) { return (union simd_lane){ .vq = a.vq ^ b.vq }; }
SIMD_BINARY(pand)
SIMD_BINARY(pandn)
SIMD_BINARY(por)
SIMD_BINARY(pxor)

/* ---- Shifts of elements by one count: SDM Vol. 2B, "PSLLW/PSLLD/PSLLQ", "PSRAW/PSRAD/PSRAQ", "PSRLW/PSRLD/PSRLQ" ----
 *
 * The count is the low quadword of the second operand, or an immediate; all of it counts. */

static inline __attribute__((always_inline)) union simd_lane lane_zero(void) { return (union simd_lane){ .q = { 0, 0 } }; }

/* By an immediate: the register operand is the source, and the destination too unless VEX.vvvv names that. */
#define SHIFT_BY_IMMEDIATE(name, shift)                                                                                      \
    static unsigned name##_mmx_r(struct cpu *cpu, const struct cpu_insn *i)                                                  \
    {                                                                                                                        \
        simd_mmx_wait(cpu, i);                                                                                               \
        simd_set_mmx(cpu, i->dst, shift((union simd_lane){ .q = { simd_mmx(cpu, i->dst), 0 } }, insn_imm8(i)).q[0]);         \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SHIFT_BY_IMMEDIATE_X(name, shift)                                                                                        \
    SIMD_TABLE(name, SIMD_SLOT_REGISTER(name, mmx) SHIFT_SLOTS(name))
#define SHIFT_BY_IMMEDIATE_X(name, shift)                                                                                    \
    static unsigned name##_sse_r(struct cpu *cpu, const struct cpu_insn *i)                                                  \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, shift(simd_load(&cpu->vector[i->dst]), insn_imm8(i)));                                     \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    static unsigned name##_avx128_r(struct cpu *cpu, const struct cpu_insn *i)                                               \
    {                                                                                                                        \
        simd_set_xmm(cpu, insn_vvvv(i), shift(simd_load(&cpu->vector[i->dst]), insn_imm8(i)));                               \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    static unsigned name##_avx256_r(struct cpu *cpu, const struct cpu_insn *i)                                               \
    {                                                                                                                        \
        const uint8_t *a = cpu->vector[i->dst].b;                                                                            \
        union simd_lane low = shift(simd_load(a), insn_imm8(i)), high = shift(simd_load(a + 16), insn_imm8(i));              \
                                                                                                                             \
        simd_set_ymm(cpu, insn_vvvv(i), low, high);                                                                          \
        CONTINUE;                                                                                                            \
    }
#define SHIFT_SLOTS(name) SIMD_SLOT_REGISTER(name, sse) SIMD_SLOT_REGISTER(name, avx128) SIMD_SLOT_REGISTER(name, avx256)

/* `beyond`: what a count of more than the width gives. */
#define SHIFT(name, member, count, beyond, operator, intrinsic)                                                              \
    static inline __attribute__((always_inline)) union simd_lane shift_##name(union simd_lane a, uint64_t by)                \
    {                                                                                                                        \
        SHIFT_HOST(intrinsic);                                                                                               \
        if (by >= (count))                                                                                                   \
            beyond;                                                                                                          \
        for (unsigned n = 0; n < 128 / (count); n++)                                                                         \
            a.member[n] = (__typeof__(a.member[n]))(a.member[n] operator by);                                                \
        return a;                                                                                                            \
    }                                                                                                                        \
    SIMD_LANE(name) { return shift_##name(a, b.q[0]); }                                                                      \
    SIMD_COUNT(name)                                                                                                         \
    SHIFT_BY_IMMEDIATE(name##_imm, shift_##name)
#if SIMD_HOST_SSE2
#define SHIFT_HOST(intrinsic) return (union simd_lane){ .vq = (simd_vq)intrinsic((__m128i)a.vq, _mm_cvtsi64_si128((int64_t)by)) }
#else
#define SHIFT_HOST(intrinsic) ((void)0)
#endif
SHIFT(psllw, w, 16, return lane_zero(), <<, _mm_sll_epi16)
SHIFT(pslld, d, 32, return lane_zero(), <<, _mm_sll_epi32)
SHIFT(psllq, q, 64, return lane_zero(), <<, _mm_sll_epi64)
SHIFT(psrlw, w, 16, return lane_zero(), >>, _mm_srl_epi16)
SHIFT(psrld, d, 32, return lane_zero(), >>, _mm_srl_epi32)
SHIFT(psrlq, q, 64, return lane_zero(), >>, _mm_srl_epi64)
SHIFT(psraw, sw, 16, by = 15, >>, _mm_sra_epi16)
SHIFT(psrad, sd, 32, by = 31, >>, _mm_sra_epi32)

/* SDM Vol. 2B, "PSLLDQ", "PSRLDQ": by bytes. */
static inline __attribute__((always_inline)) union simd_lane shift_pslldq(union simd_lane a, unsigned by)
{
    uint8_t twice[32] = { 0 };

    memcpy(twice + 16, &a, 16);
    return simd_load(twice + 16 - (by < 16 ? by : 16));
}
static inline __attribute__((always_inline)) union simd_lane shift_psrldq(union simd_lane a, unsigned by)
{
    uint8_t twice[32] = { 0 };

    memcpy(twice, &a, 16);
    return simd_load(twice + (by < 16 ? by : 16));
}
SHIFT_BY_IMMEDIATE_X(pslldq, shift_pslldq)
SHIFT_BY_IMMEDIATE_X(psrldq, shift_psrldq)
SIMD_TABLE(pslldq, SHIFT_SLOTS(pslldq))
SIMD_TABLE(psrldq, SHIFT_SLOTS(psrldq))

/* ---- Each element by a count of its own: SDM Vol. 2C, "VPSLLVW/VPSLLVD/VPSLLVQ" and the like ---- */

#define SHIFT_EACH(name, member, count, by, width, beyond, operator)                                                         \
    SIMD_LANE(name)                                                                                                          \
    {                                                                                                                        \
        for (unsigned n = 0; n < (count); n++)                                                                               \
            a.member[n] = b.by[n] < (width) ? a.member[n] operator b.by[n] : beyond;                                         \
        return a;                                                                                                            \
    }                                                                                                                        \
    SIMD_BINARY_AVX(name)
SHIFT_EACH(vpsllvd, d, 4, d, 32, 0, <<)
SHIFT_EACH(vpsllvq, q, 2, q, 64, 0, <<)
SHIFT_EACH(vpsrlvd, d, 4, d, 32, 0, >>)
SHIFT_EACH(vpsrlvq, q, 2, q, 64, 0, >>)
SHIFT_EACH(vpsravd, sd, 4, d, 32, a.sd[n] >> 31, >>)

/* ---- Tests: SDM Vol. 2B, "PTEST"; Vol. 2C, "VTESTPD/VTESTPS" ---- */

/* ZF: no bit of `mask` is in both; CF: none is in b alone. `half`: 8 bytes of each. */
#define TEST(name, mask)                                                                                                     \
    static inline void test_##name(struct cpu *cpu, const uint64_t *a, const uint8_t *b, unsigned halves)                    \
    {                                                                                                                        \
        uint64_t both = 0, alone = 0, q;                                                                                     \
                                                                                                                             \
        for (unsigned n = 0; n < halves; n++) {                                                                              \
            memcpy(&q, b + 8 * n, 8);                                                                                        \
            both |= a[n] & q;                                                                                                \
            alone |= ~a[n] & q;                                                                                              \
        }                                                                                                                    \
        flags_set(cpu, (both & (mask) ? 0 : EFL_ZF) | (alone & (mask) ? 0 : EFL_CF));                                        \
    }
#define TEST_KIND(name, kind, halves, align)                                                                                 \
    SIMD_OP(name, kind)                                                                                                      \
    {                                                                                                                        \
        test_##name(cpu, cpu->vector[i->dst].q, b, halves);                                                                  \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, kind, 8 * (halves), align)
TEST(ptest, UINT64_MAX)
TEST_KIND(ptest, sse, 2, SIMD_ALIGNED)
TEST_KIND(ptest, avx128, 2, SIMD_UNALIGNED)
TEST_KIND(ptest, avx256, 4, SIMD_UNALIGNED)
SIMD_TABLE(ptest, SIMD_SLOTS_X(ptest))
TEST(vtestps, 0x8000000080000000)
TEST_KIND(vtestps, avx128, 2, SIMD_UNALIGNED)
TEST_KIND(vtestps, avx256, 4, SIMD_UNALIGNED)
SIMD_TABLE(vtestps, SIMD_SLOT(vtestps, avx128) SIMD_SLOT(vtestps, avx256))
TEST(vtestpd, 0x8000000000000000)
TEST_KIND(vtestpd, avx128, 2, SIMD_UNALIGNED)
TEST_KIND(vtestpd, avx256, 4, SIMD_UNALIGNED)
SIMD_TABLE(vtestpd, SIMD_SLOT(vtestpd, avx128) SIMD_SLOT(vtestpd, avx256))

/* ---- Sign bits: SDM Vol. 2B, "PMOVMSKB"; Vol. 2A, "MOVMSKPD", "MOVMSKPS" ---- */

static inline uint32_t signs_b(union simd_lane v)
{
    uint32_t mask = 0;

#if SIMD_HOST_SSE2
    return (uint32_t)_mm_movemask_epi8((__m128i)v.vq);
#endif
    for (unsigned n = 0; n < 16; n++)
        mask |= (uint32_t)(v.b[n] >> 7) << n;
    return mask;
}
static inline uint32_t signs_d(union simd_lane v) { return v.d[0] >> 31 | v.d[1] >> 31 << 1 | v.d[2] >> 31 << 2 | v.d[3] >> 31 << 3; }
static inline uint32_t signs_q(union simd_lane v) { return (uint32_t)(v.q[0] >> 63 | v.q[1] >> 63 << 1); }

#define SIGNS_OF(name, signs, count)                                                                                         \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        exec_set_reg(cpu, i->dst, 32, signs(simd_load(b)));                                                                  \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_REGISTER(name, sse)                                                                                                 \
    SIMD_OP(name, avx256)                                                                                                    \
    {                                                                                                                        \
        exec_set_reg(cpu, i->dst, 32, signs(simd_load(b)) | signs(simd_load(b + 16)) << (count));                            \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_REGISTER(name, avx256)
#define SIGNS_SLOTS(name)                                                                                                    \
    SIMD_SLOT_REGISTER(name, sse) [SIMD_AVX128] = { name##_sse_r, NULL }, SIMD_SLOT_REGISTER(name, avx256)
SIGNS_OF(movmskps, signs_d, 4)
SIGNS_OF(movmskpd, signs_q, 2)
SIGNS_OF(pmovmskb, signs_b, 16)
SIMD_TABLE(movmskps, SIGNS_SLOTS(movmskps))
SIMD_TABLE(movmskpd, SIGNS_SLOTS(movmskpd))
static unsigned pmovmskb_mmx_r(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    fpu_enter_mmx(&cpu->fpu);
    exec_set_reg(cpu, i->dst, 32, signs_b((union simd_lane){ .q = { simd_mmx(cpu, i->src), 0 } }));
    CONTINUE;
}
SIMD_TABLE(pmovmskb, SIGNS_SLOTS(pmovmskb) SIMD_SLOT_REGISTER(pmovmskb, mmx))
