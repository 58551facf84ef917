/*
 * Moves of vectors between registers and memory, of single elements, MXCSR, and what ends the use of MMX or of the upper halves.
 */
#include "cpu/code.h"
#include "cpu/ops/simd_host.h"

/* ---- Whole vectors: SDM Vol. 2B, "MOVAPS", "MOVUPS", "MOVDQA", "MOVDQU", "MOVNTDQ", "LDDQU" ---- */

/* Loads: the source is an operand like any other. */
#define MOVES(name, align16, align32)                                                                                        \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, simd_load(b));                                                                             \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, simd_load(b));                                                                             \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx256)                                                                                                    \
    {                                                                                                                        \
        simd_set_ymm(cpu, i->dst, simd_load(b), simd_load(b + 16));                                                          \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, sse, 16, align16)                                                                                       \
    SIMD_FORMS(name, avx128, 16, align16)                                                                                    \
    SIMD_FORMS(name, avx256, 32, align32)                                                                                    \
    SIMD_TABLE(name, SIMD_SLOTS_X(name))                                                                                     \
    STORE(name##_store, size16, 16, align16)                                                                                 \
    STORE(name##_store, size32, 32, align32)                                                                                 \
    SIMD_TABLE(name##_store, [SIMD_SSE] = { name##_sse_r, name##_store_size16 }, [SIMD_AVX128] = { name##_avx128_r, name##_store_size16 }, \
               [SIMD_AVX256] = { name##_avx256_r, name##_store_size32 })

/* A store of the first `size` bytes of the source register, from `at` on. */
#define STORE_FROM(name, which, size, align, at)                                                                             \
    static unsigned name##_##which(struct cpu *cpu, const struct cpu_insn *i)                                                \
    {                                                                                                                        \
        uint8_t *p = simd_hit_write(cpu, i, size, align);                                                                    \
                                                                                                                             \
        if (!CPU_LIKELY(p != NULL))                                                                                          \
            return simd_store_miss(cpu, i, size, align, cpu->vector[i->src].b + (at));                                       \
        memcpy(p, cpu->vector[i->src].b + (at), size);                                                                       \
        CONTINUE;                                                                                                            \
    }
#define STORE(name, which, size, align) STORE_FROM(name, which, size, align, 0)
#define STORE_TABLE(name) SIMD_TABLE(name, [SIMD_SSE] = { NULL, name##_m }, [SIMD_AVX128] = { NULL, name##_m })

MOVES(movups, 1, 1)
MOVES(movaps, 16, 32)

/* ---- Low and high halves: SDM Vol. 2B, "MOVLPS", "MOVLPD", "MOVHLPS", "MOVHPS", "MOVHPD", "MOVLHPS" ---- */

/* b's first 8 bytes beside a half of a. The register forms of MOVLPS and MOVHPS take the other half of the source: MOVHLPS, MOVLHPS. */
SIMD_LANE(movlps) { return (union simd_lane){ .q = { b.q[0], a.q[1] } }; }
SIMD_LANE(movhps) { return (union simd_lane){ .q = { a.q[0], b.q[0] } }; }
#define HALVES(name, from)                                                                                                   \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, lane_##name(simd_load(&cpu->vector[i->dst]), simd_load_bytes(b, 8), i));                   \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, lane_##name(simd_load(&cpu->vector[insn_vvvv(i)]), simd_load_bytes(b, 8), i));             \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_MEMORY(name, sse, 8, SIMD_UNALIGNED)                                                                                \
    SIMD_MEMORY(name, avx128, 8, SIMD_UNALIGNED)                                                                             \
    static unsigned name##_sse_r(struct cpu *cpu, const struct cpu_insn *i)                                                  \
    {                                                                                                                        \
        return name##_sse_at(cpu, i, cpu->vector[i->src].b + (from));                                                        \
    }                                                                                                                        \
    static unsigned name##_avx128_r(struct cpu *cpu, const struct cpu_insn *i)                                               \
    {                                                                                                                        \
        return name##_avx128_at(cpu, i, cpu->vector[i->src].b + (from));                                                     \
    }                                                                                                                        \
    SIMD_TABLE(name, SIMD_SLOT(name, sse) SIMD_SLOT(name, avx128))
HALVES(movlps, 8)
HALVES(movhps, 0)
STORE_FROM(movlps_store, m, 8, 1, 0)
STORE_FROM(movhps_store, m, 8, 1, 8)
STORE_TABLE(movlps_store)
STORE_TABLE(movhps_store)

/* ---- Scalars: SDM Vol. 2B, "MOVSS", "MOVSD" ---- */

/* From memory the rest becomes zero; from a register it stays, with VEX it comes from the second operand. A store to a register is the same
 * with the fields of ModRM the other way round. */
#define SCALAR(name, size)                                                                                                   \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, simd_load_bytes(b, size));                                                                 \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, simd_load_bytes(b, size));                                                                 \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_MEMORY(name, sse, size, SIMD_UNALIGNED)                                                                             \
    SIMD_MEMORY(name, avx128, size, SIMD_UNALIGNED)                                                                          \
    static unsigned name##_sse_r(struct cpu *cpu, const struct cpu_insn *i)                                                  \
    {                                                                                                                        \
        union simd_lane r = simd_load(&cpu->vector[i->dst]);                                                                 \
                                                                                                                             \
        memcpy(&r, &cpu->vector[i->src], size);                                                                              \
        simd_put_xmm(cpu, i->dst, r);                                                                                        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    static unsigned name##_avx128_r(struct cpu *cpu, const struct cpu_insn *i)                                               \
    {                                                                                                                        \
        union simd_lane r = simd_load(&cpu->vector[insn_vvvv(i)]);                                                           \
                                                                                                                             \
        memcpy(&r, &cpu->vector[i->src], size);                                                                              \
        simd_set_xmm(cpu, i->dst, r);                                                                                        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_TABLE(name, SIMD_SLOT(name, sse) SIMD_SLOT(name, avx128))                                                           \
    STORE(name##_store, m, size, 1)                                                                                          \
    SIMD_TABLE(name##_store, [SIMD_SSE] = { name##_sse_r, name##_store_m }, [SIMD_AVX128] = { name##_avx128_r, name##_store_m })
SCALAR(movss, 4)
SCALAR(movsd, 8)

/* SDM Vol. 2B, "MOVQ": the rest becomes zero, from a register too. */
#define QUAD(name, kind, set)                                                                                                \
    SIMD_OP(name, kind)                                                                                                      \
    {                                                                                                                        \
        set(cpu, i->dst, simd_load_bytes(b, 8));                                                                             \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, kind, 8, SIMD_UNALIGNED)
QUAD(movq, sse, simd_put_xmm)
QUAD(movq, avx128, simd_set_xmm)
STORE(movq_store, m, 8, 1)
SIMD_LANE_MMX(movq) { return b; }
SIMD_LANES_MMX_(movq, lane_mmx_movq, 8)
SIMD_TABLE(movq, SIMD_SLOT(movq, sse) SIMD_SLOT(movq, avx128) SIMD_SLOT(movq, mmx))

/* MMX to memory; MOVNTQ too. */
static unsigned movq_store_mmx_m(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    simd_store(cpu, i, 8, SIMD_UNALIGNED, &cpu->fpu.r[i->src].mant);
    fpu_enter_mmx(&cpu->fpu);
    CONTINUE;
}
SIMD_TABLE(movq_store, [SIMD_SSE] = { movq_sse_r, movq_store_m }, [SIMD_AVX128] = { movq_avx128_r, movq_store_m },
           [SIMD_MMX] = { movq_mmx_r, movq_store_mmx_m })

/* SDM Vol. 2B, "MOVQ2DQ", "MOVDQ2Q". */
static unsigned movq2dq_mmx_r(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    simd_put_xmm(cpu, i->dst, (union simd_lane){ .q = { simd_mmx(cpu, i->src), 0 } });
    fpu_enter_mmx(&cpu->fpu);
    CONTINUE;
}
static unsigned movdq2q_mmx_r(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    simd_set_mmx(cpu, i->dst, cpu->vector[i->src].q[0]);
    CONTINUE;
}
SIMD_TABLE(movq2dq, SIMD_SLOT_REGISTER(movq2dq, mmx))
SIMD_TABLE(movdq2q, SIMD_SLOT_REGISTER(movdq2q, mmx))

/* ---- General registers: SDM Vol. 2B, "MOVD/MOVQ" ---- */

/* 32 bits, with REX.W or VEX.W in 64-bit mode 64. */
static inline unsigned wide_bytes(const struct cpu_insn *i) { return i->flags & INSN_OP64 ? 8 : 4; }

static inline uint64_t movd_source(struct cpu *cpu, const struct cpu_insn *i)
{
    unsigned size = wide_bytes(i);
    uint64_t v = 0;

    if (!(i->flags & INSN_MEM))
        return exec_reg(cpu, i->src, size * 8);
    memcpy(&v, simd_source(cpu, i, size, SIMD_UNALIGNED), size);
    return v;
}
static unsigned movd_sse(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_put_xmm(cpu, i->dst, (union simd_lane){ .q = { movd_source(cpu, i), 0 } });
    CONTINUE;
}
static unsigned movd_avx(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_set_xmm(cpu, i->dst, (union simd_lane){ .q = { movd_source(cpu, i), 0 } });
    CONTINUE;
}
static unsigned movd_mmx(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    simd_set_mmx(cpu, i->dst, movd_source(cpu, i));
    CONTINUE;
}
SIMD_TABLE(movd, [SIMD_SSE] = { movd_sse, movd_sse }, [SIMD_AVX128] = { movd_avx, movd_avx }, [SIMD_MMX] = { movd_mmx, movd_mmx })

static unsigned movd_store_x(struct cpu *cpu, const struct cpu_insn *i)
{
    rm_write(cpu, i, wide_bytes(i), cpu->vector[i->src].q[0]);
    CONTINUE;
}
static unsigned movd_store_mmx(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    rm_write(cpu, i, wide_bytes(i), simd_mmx(cpu, i->src));
    fpu_enter_mmx(&cpu->fpu);
    CONTINUE;
}
SIMD_TABLE(movd_store, [SIMD_SSE] = { movd_store_x, movd_store_x }, [SIMD_AVX128] = { movd_store_x, movd_store_x },
           [SIMD_MMX] = { movd_store_mmx, movd_store_mmx })

/* ---- The state of the units ---- */

/* SDM Vol. 2A, "EMMS". */
CPU_OP(op_emms)
{
    simd_mmx_wait(cpu, i);
    fpu_enter_mmx(&cpu->fpu);
    cpu->fpu.valid = 0;
    CONTINUE;
}

/* SDM Vol. 2C, "VZEROUPPER", "VZEROALL": outside 64-bit mode there are eight registers. */
static inline unsigned vectors(const struct cpu *cpu) { return cpu->mode & MODE_L ? 16 : 8; }

CPU_OP(op_vzeroupper)
{
    for (unsigned n = 0; n < vectors(cpu); n++)
        cpu->vector[n].q[2] = cpu->vector[n].q[3] = 0;
    CONTINUE;
}
CPU_OP(op_vzeroall)
{
    memset(cpu->vector, 0, vectors(cpu) * sizeof(cpu->vector[0]));
    CONTINUE;
}

/* SDM Vol. 2A, "LDMXCSR"; Vol. 2B, "STMXCSR". */
CPU_OP(op_ldmxcsr)
{
    uint32_t v = (uint32_t)mem_read(cpu, i, mem_operand(cpu, i, EA_ANY, 4, MEM_READ), 4);

    cpu->cur = i;
    if (v & ~MXCSR_MASK)
        cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_XRSTOR);
    cpu->mxcsr = v;
    CONTINUE;
}
CPU_OP(op_stmxcsr)
{
    rm_write(cpu, i, 4, cpu->mxcsr);
    CONTINUE;
}

/* SDM Vol. 2B, "PREFETCHh", "PREFETCHW", "SFENCE", "LFENCE", "MFENCE": there is no cache to fill, and memory is written in order. Nothing is
 * accessed. */
CPU_OP(op_hint) { CONTINUE; }

/* SDM Vol. 2B, "MOVNTI": a store of a general register that needs no vector unit. */
CPU_OP(op_movnti)
{
    rm_write(cpu, i, wide_bytes(i), exec_reg(cpu, i->src, wide_bytes(i) * 8));
    CONTINUE;
}
