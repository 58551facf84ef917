/*
 * How vector instructions are written: MMX, SSE and AVX forms of one operation from one body.
 *
 * Nearly all of them work on lanes of 128 bits that do not know of each other, so a body is a function of lanes:
 *
 *     SIMD_LANE(paddb) { return (union simd_lane){ .vb = a.vb + b.vb }; }        // SDM Vol. 2B, "PADDB"
 *     SIMD_BINARY(paddb)                                                          // MMX, SSE, AVX 128 and 256
 *
 * and the template fetches a and b, runs it once or twice and stores by the rules of the form:
 *
 *     MMX       mm      = op(mm, mm/m64)          the upper half of the lane is zero; FPU enters MMX state; waits for x87 exceptions
 *     SSE       xmm     = op(xmm, xmm/m128)       bits above 127 stay; memory must be aligned to 16 (#GP(0)) unless SIMD_UNALIGNED
 *     AVX128    xmm     = op(xmm.vvvv, xmm/m128)  bits above 127 become zero; memory of any alignment
 *     AVX256    ymm     = op(ymm.vvvv, ymm/m256)
 *
 * A unary operation ignores a. An immediate is in i (insn_imm8). Where MMX works otherwise than on half a lane (PACKSSWB, PSHUFB ...) it has
 * a body of its own: SIMD_LANE_MMX, and SIMD_BINARY_MMX makes the table. What does not go by lanes is written at a lower level, with the
 * source already found, one function for each kind of form:
 *
 *     SIMD_OP(vpermd, avx256) { ... simd_load(b) ...; CONTINUE; }                 // b: 32 bytes, in a register or in memory
 *     SIMD_FORMS(vpermd, avx256, 32, SIMD_UNALIGNED)
 *     SIMD_TABLE(vpermd, SIMD_SLOT(vpermd, avx256))
 *
 * and what fits that neither is a plain CPU_OP with the accessors below. None of the functions that a template makes needs a stack frame: a
 * memory operand that is not at hand (simd_hit) is fetched by simd_miss, which goes on with the same body.
 *
 * Rows name templates by V(name). Whether the unit may run at all (CR0.EM, CR0.TS, CR4, XCR0) is decided when decoding, by ISA_MMX, ISA_SSE
 * and ISA_AVX; handlers do not ask. As everywhere: read, check, compute, write memory, commit registers.
 */
#ifndef LIBSIM_CPU_SIMD_H
#define LIBSIM_CPU_SIMD_H

#include "cpu/exec.h"

/* A lane, by element width; v: the compiler's vectors, whose + - & | ^ ~ << >> and comparisons work by element. Little-endian hosts only. */
union simd_lane {
    uint8_t b[16];
    int8_t sb[16];
    uint16_t w[8];
    int16_t sw[8];
    uint32_t d[4];
    int32_t sd[4];
    uint64_t q[2];
    int64_t sq[2];
    uint8_t vb __attribute__((vector_size(16)));
    int8_t vsb __attribute__((vector_size(16)));
    uint16_t vw __attribute__((vector_size(16)));
    int16_t vsw __attribute__((vector_size(16)));
    uint32_t vd __attribute__((vector_size(16)));
    int32_t vsd __attribute__((vector_size(16)));
    uint64_t vq __attribute__((vector_size(16)));
    int64_t vsq __attribute__((vector_size(16)));
};

static inline __attribute__((always_inline)) union simd_lane simd_load(const void *from)
{
    union simd_lane v;

    memcpy(&v, from, sizeof(v));
    return v;
}

/* The first `size` bytes; the others are zero. */
static inline __attribute__((always_inline)) union simd_lane simd_load_bytes(const void *from, unsigned size)
{
    union simd_lane v = { .q = { 0, 0 } };

    memcpy(&v, from, size);
    return v;
}

/* ---- Registers ---- */

/* Writes XMM as a VEX instruction does: the upper half becomes zero. */
static inline __attribute__((always_inline)) void simd_set_xmm(struct cpu *cpu, unsigned n, union simd_lane v)
{
    union cpu_vector *d = &cpu->vector[n];

    memcpy(d, &v, 16);
    d->q[2] = d->q[3] = 0;
}
/* Writes XMM as a legacy instruction does. */
static inline __attribute__((always_inline)) void simd_put_xmm(struct cpu *cpu, unsigned n, union simd_lane v)
{
    memcpy(&cpu->vector[n], &v, 16);
}
static inline __attribute__((always_inline)) void simd_set_ymm(struct cpu *cpu, unsigned n, union simd_lane low, union simd_lane high)
{
    memcpy(&cpu->vector[n], &low, 16);
    memcpy(cpu->vector[n].b + 16, &high, 16);
}

/* To be called first by an instruction that uses MMX registers. SDM Vol. 3A, "x87 FPU and MMX state", "Effect of MMX instructions". */
static inline void simd_mmx_wait(struct cpu *cpu, const struct cpu_insn *i)
{
    if (!CPU_LIKELY(!(cpu->fpu.sw & FPU_SW_ES)))
        fpu_check_pending(cpu, i);
}
static inline uint64_t simd_mmx(const struct cpu *cpu, unsigned n) { return cpu->fpu.r[n].mant; }
/* Writes one when nothing can fail any more. */
static inline void simd_set_mmx(struct cpu *cpu, unsigned n, uint64_t v)
{
    cpu->fpu.r[n].mant = v;
    cpu->fpu.r[n].se = 0xffff;
    fpu_enter_mmx(&cpu->fpu);
}

/* ---- Memory operands ---- */

/* Where `size` bytes (1 to 32) of the memory operand can be read: in guest RAM, or copied to cpu->operand. Valid until the
 * next access. Raises its faults: #GP(0) when `align` is not 1 and the address is not a multiple of it. */
const void *simd_source_slow(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align);

/* The memory operand's host address when it lies in one piece in the fast table; else NULL. A sum of addresses is cut by the address size. */
#define SIMD_FLAT_ADDRESS() (i->flags & INSN_AD64 ? MEM_SUM(cpu, i) : (uint32_t)MEM_SUM(cpu, i))
static inline __attribute__((always_inline)) const uint8_t *simd_hit(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align)
{
    sim_laddr laddr = SIMD_FLAT_ADDRESS();

    if (!CPU_LIKELY(i->flat) || laddr & (align - 1))
        return NULL;
    return mem_fast(cpu->fast_read, laddr, size);
}
static inline __attribute__((always_inline)) uint8_t *simd_hit_write(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align)
{
    sim_laddr laddr = SIMD_FLAT_ADDRESS();

    if (!CPU_LIKELY(i->flat) || laddr & (align - 1))
        return NULL;
    return mem_fast(cpu->fast_write, laddr, size);
}

static inline __attribute__((always_inline)) const void *simd_source(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align)
{
    const uint8_t *p = simd_hit(cpu, i, size, align);

    return CPU_LIKELY(p != NULL) ? p : simd_source_slow(cpu, i, size, align);
}

/* The source of a form that is known to have memory, or a register. */
#define SIMD_SRC_(size, align, memory) ((memory) ? simd_source(cpu, i, size, align) : (const void *)&cpu->vector[i->src])

/* Writes `size` bytes to the memory operand; all or nothing. */
void simd_store(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, const void *from);
/* Does so, and that is the whole instruction. */
unsigned simd_store_miss(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, const void *from);

/* What is left of an instruction whose source is found. */
typedef unsigned simd_at(struct cpu *cpu, const struct cpu_insn *i, const uint8_t *b);
/* Fetches a memory operand that simd_hit() has missed, and goes on. */
unsigned simd_miss(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, simd_at *at);

/* ---- Bodies and templates ---- */

#define SIMD_LANE_(name)                                                                                                     \
    static inline __attribute__((always_inline)) union simd_lane name(                                                       \
        union simd_lane a __attribute__((unused)), union simd_lane b __attribute__((unused)),                                \
        const struct cpu_insn *i __attribute__((unused)))
#define SIMD_LANE(name)     SIMD_LANE_(lane_##name)
#define SIMD_LANE_MMX(name) SIMD_LANE_(lane_mmx_##name)

enum { SIMD_ALIGNED = 16, SIMD_UNALIGNED = 1 };

/* The kinds of forms by the names that functions bear. */
enum { SIMD_KIND_mmx = SIMD_MMX, SIMD_KIND_sse = SIMD_SSE, SIMD_KIND_avx128 = SIMD_AVX128, SIMD_KIND_avx256 = SIMD_AVX256 };

/* The body of one kind, and the functions for its register and its memory form. */
#define SIMD_OP(name, kind)                                                                                                  \
    static unsigned name##_##kind##_at(struct cpu *cpu, const struct cpu_insn *i, const uint8_t *b __attribute__((unused)))
#define SIMD_REGISTER(name, kind)                                                                                            \
    static unsigned name##_##kind##_r(struct cpu *cpu, const struct cpu_insn *i)                                             \
    {                                                                                                                        \
        return name##_##kind##_at(cpu, i, cpu->vector[i->src].b);                                                            \
    }
#define SIMD_MEMORY(name, kind, size, align)                                                                                 \
    static unsigned name##_##kind##_m(struct cpu *cpu, const struct cpu_insn *i)                                             \
    {                                                                                                                        \
        const uint8_t *b = simd_hit(cpu, i, size, align);                                                                    \
                                                                                                                             \
        if (!CPU_LIKELY(b != NULL))                                                                                          \
            return simd_miss(cpu, i, size, align, name##_##kind##_at);                                                       \
        return name##_##kind##_at(cpu, i, b);                                                                                \
    }
#define SIMD_FORMS(name, kind, size, align) SIMD_REGISTER(name, kind) SIMD_MEMORY(name, kind, size, align)
#define SIMD_FORMS_MMX(name, size)                                                                                           \
    static unsigned name##_mmx_r(struct cpu *cpu, const struct cpu_insn *i)                                                  \
    {                                                                                                                        \
        simd_mmx_wait(cpu, i);                                                                                               \
        return name##_mmx_at(cpu, i, (const uint8_t *)&cpu->fpu.r[i->src].mant);                                             \
    }                                                                                                                        \
    static unsigned name##_mmx_m(struct cpu *cpu, const struct cpu_insn *i)                                                  \
    {                                                                                                                        \
        simd_mmx_wait(cpu, i);                                                                                               \
        return name##_mmx_at(cpu, i, simd_source(cpu, i, size, SIMD_UNALIGNED));                                             \
    }

#define SIMD_SLOT(name, kind)          [SIMD_KIND_##kind] = { name##_##kind##_r, name##_##kind##_m },
#define SIMD_SLOT_REGISTER(name, kind) [SIMD_KIND_##kind] = { name##_##kind##_r, NULL },
#define SIMD_SLOT_MEMORY(name, kind)   [SIMD_KIND_##kind] = { NULL, name##_##kind##_m },
#define SIMD_SLOTS_X(name)             SIMD_SLOT(name, sse) SIMD_SLOT(name, avx128) SIMD_SLOT(name, avx256)
#define SIMD_TABLE(name, ...)                                                                                                \
    extern const struct cpu_simd cpu_simd_##name;                                                                            \
    const struct cpu_simd cpu_simd_##name = { .fn = { __VA_ARGS__ } };

/* A lane body as the body of each kind. `size`: bytes of b that a lane uses, and as many as there are in memory. */
#define SIMD_LANES_MMX_(name, body, size)                                                                                    \
    SIMD_OP(name, mmx)                                                                                                       \
    {                                                                                                                        \
        union simd_lane r = body(simd_load_bytes(&cpu->fpu.r[i->dst].mant, 8), simd_load_bytes(b, size), i);                 \
                                                                                                                             \
        simd_set_mmx(cpu, i->dst, r.q[0]);                                                                                   \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS_MMX(name, size)
#define SIMD_LANES_SSE_(name, size, align)                                                                                   \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, lane_##name(simd_load(&cpu->vector[i->dst]), simd_load_bytes(b, size), i));                \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, sse, size, align)
#define SIMD_LANES_AVX128_(name, size)                                                                                       \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, lane_##name(simd_load(&cpu->vector[insn_vvvv(i)]), simd_load_bytes(b, size), i));          \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, avx128, size, SIMD_UNALIGNED)
/* `next`: where the high lane's part of b begins. */
#define SIMD_LANES_AVX256_(name, size, next)                                                                                 \
    SIMD_OP(name, avx256)                                                                                                    \
    {                                                                                                                        \
        const uint8_t *a = cpu->vector[insn_vvvv(i)].b;                                                                      \
        union simd_lane low = lane_##name(simd_load(a), simd_load_bytes(b, size), i);                                        \
        union simd_lane high = lane_##name(simd_load(a + 16), simd_load_bytes(b + (next), size), i);                         \
                                                                                                                             \
        simd_set_ymm(cpu, i->dst, low, high);                                                                                \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, avx256, (size) + (next), SIMD_UNALIGNED)

/* An operation that an immediate says more about: SIMD_CHOICE(name) is a function of a, b and `choice`, which is the immediate, for the
 * high lane shifted right by `next`. */
#define SIMD_CHOICE(name)                                                                                                    \
    static inline __attribute__((always_inline)) union simd_lane choice_##name(                                              \
        union simd_lane a __attribute__((unused)), union simd_lane b __attribute__((unused)), unsigned choice)
#define SIMD_CHOICE_SSE_(name)                                                                                               \
    SIMD_OP(name, sse)                                                                                                       \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, choice_##name(simd_load(&cpu->vector[i->dst]), simd_load(b), insn_imm8(i)));               \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, sse, 16, SIMD_ALIGNED)
#define SIMD_CHOICE_AVX_(name, next)                                                                                         \
    SIMD_OP(name, avx128)                                                                                                    \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, choice_##name(simd_load(&cpu->vector[insn_vvvv(i)]), simd_load(b), insn_imm8(i)));         \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, avx128, 16, SIMD_UNALIGNED)                                                                             \
    SIMD_OP(name, avx256)                                                                                                    \
    {                                                                                                                        \
        const uint8_t *a = cpu->vector[insn_vvvv(i)].b;                                                                      \
        union simd_lane low = choice_##name(simd_load(a), simd_load(b), insn_imm8(i));                                       \
        union simd_lane high = choice_##name(simd_load(a + 16), simd_load(b + 16), insn_imm8(i) >> (next));                  \
                                                                                                                             \
        simd_set_ymm(cpu, i->dst, low, high);                                                                                \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_FORMS(name, avx256, 32, SIMD_UNALIGNED)
#define SIMD_CHOICE_X(name, next)   SIMD_CHOICE_SSE_(name) SIMD_CHOICE_AVX_(name, next) SIMD_TABLE(name, SIMD_SLOTS_X(name))
#define SIMD_CHOICE_AVX(name, next) SIMD_CHOICE_AVX_(name, next) SIMD_TABLE(name, SIMD_SLOT(name, avx128) SIMD_SLOT(name, avx256))

#define SIMD_INSTANCES_X_(name, align)                                                                                       \
    SIMD_LANES_SSE_(name, 16, align) SIMD_LANES_AVX128_(name, 16) SIMD_LANES_AVX256_(name, 16, 16)

/* Two operands (or one: the body ignores a): SSE and AVX; MMX too; MMX with a body of its own; MMX alone. */
#define SIMD_BINARY_X(name)   SIMD_INSTANCES_X_(name, SIMD_ALIGNED) SIMD_TABLE(name, SIMD_SLOTS_X(name))
#define SIMD_BINARY(name)                                                                                                    \
    SIMD_INSTANCES_X_(name, SIMD_ALIGNED) SIMD_LANES_MMX_(name, lane_##name, 8)                                              \
    SIMD_TABLE(name, SIMD_SLOTS_X(name) SIMD_SLOT(name, mmx))
#define SIMD_BINARY_MMX(name)                                                                                                \
    SIMD_INSTANCES_X_(name, SIMD_ALIGNED) SIMD_LANES_MMX_(name, lane_mmx_##name, 8)                                          \
    SIMD_TABLE(name, SIMD_SLOTS_X(name) SIMD_SLOT(name, mmx))
#define SIMD_ONLY_MMX(name) SIMD_LANES_MMX_(name, lane_mmx_##name, 8) SIMD_TABLE(name, SIMD_SLOT(name, mmx))
/* No 256-bit form. */
#define SIMD_BINARY_128(name)                                                                                                \
    SIMD_LANES_SSE_(name, 16, SIMD_ALIGNED) SIMD_LANES_AVX128_(name, 16) SIMD_TABLE(name, SIMD_SLOT(name, sse) SIMD_SLOT(name, avx128))
/* Legacy SSE alone. */
#define SIMD_BINARY_SSE(name) SIMD_LANES_SSE_(name, 16, SIMD_ALIGNED) SIMD_TABLE(name, SIMD_SLOT(name, sse))
/* The VEX forms alone. */
#define SIMD_BINARY_AVX(name)                                                                                                \
    SIMD_LANES_AVX128_(name, 16) SIMD_LANES_AVX256_(name, 16, 16) SIMD_TABLE(name, SIMD_SLOT(name, avx128) SIMD_SLOT(name, avx256))
/* The second operand is of `size` bytes, which need not be aligned: 128 bits only (scalars); and 256 bits from twice as many. */
#define SIMD_SMALL(name, size)                                                                                               \
    SIMD_LANES_SSE_(name, size, SIMD_UNALIGNED) SIMD_LANES_AVX128_(name, size)                                               \
    SIMD_TABLE(name, SIMD_SLOT(name, sse) SIMD_SLOT(name, avx128))
#define SIMD_SMALL_X(name, size)                                                                                             \
    SIMD_LANES_SSE_(name, size, SIMD_UNALIGNED) SIMD_LANES_AVX128_(name, size) SIMD_LANES_AVX256_(name, size, size)          \
    SIMD_TABLE(name, SIMD_SLOTS_X(name))
/* The second operand is one for all lanes: shift counts, 16 bytes (MMX 8). */
#define SIMD_COUNT(name)                                                                                                     \
    SIMD_LANES_SSE_(name, 16, SIMD_ALIGNED) SIMD_LANES_AVX128_(name, 16) SIMD_LANES_AVX256_(name, 16, 0)                     \
    SIMD_LANES_MMX_(name, lane_##name, 8) SIMD_TABLE(name, SIMD_SLOTS_X(name) SIMD_SLOT(name, mmx))

#endif
