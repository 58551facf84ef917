/*
 * Comparisons of floating-point elements: to masks, and to EFLAGS.
 */
#include "cpu/simd_fp.h"

/* ---- CMPPS and its kin: SDM Vol. 2A, "CMPPD", table of comparison predicates ---- */

/* By predicate bits 3:0, the relations that hold: bit 0 less, 1 equal, 2 greater, 3 unordered. Bit 4 changes whether quiet NaNs signal. */
enum { LT = 1, EQ = 2, GT = 4, UN = 8 };
static const uint8_t predicates[16] = {
    EQ, LT, LT | EQ, UN, LT | GT | UN, EQ | GT | UN, GT | UN, LT | EQ | GT, EQ | UN, LT | UN, LT | EQ | UN, 0, LT | GT, EQ | GT, GT,
    LT | EQ | GT | UN
};

static inline bool is_quiet(unsigned predicate)
{
    return ((predicate + 1) >> 1 & 1) == (predicate >> 4);
}

static inline bool holds(unsigned predicate, enum fp_relation found)
{
    return predicates[predicate & 15] >> (found + 1) & 1;
}

/* Legacy forms have 8 predicates and ignore the upper bits; VEX ones have 32. The host is asked for the first 8 only. */
#define COMPARE_PACKED(name, T, lanes, mask)                                                                                 \
    SIMD_FP_EACH(name, T, T, T, holds(insn_imm8(i) & (mask), T##_compare(env, a, b, is_quiet(insn_imm8(i) & (mask)))) ? (T)-1 : 0) \
    SIMD_FP_HOST_PACKED(name, 16,                                                                                            \
        (insn_imm8(i) & (mask)) < 8 && fp_host_##T##x##lanes##_cmp(SIMD_FP_HOST, a, b, insn_imm8(i), &r),                    \
        (insn_imm8(i) & (mask)) < 8 && fp_host_##T##x##lanes##_cmp(SIMD_FP_HOST, a[0], b[0], insn_imm8(i), &r[0]) &&         \
            fp_host_##T##x##lanes##_cmp(SIMD_FP_HOST, a[1], b[1], insn_imm8(i), &r[1]))                                      \
    SIMD_FP_PACKED(name, lanes, host_##name)
#define COMPARE_SCALAR(name, T, mask)                                                                                        \
    SIMD_FP_EACH(name, T, T, T, holds(insn_imm8(i) & (mask), T##_compare(env, a, b, is_quiet(insn_imm8(i) & (mask)))) ? (T)-1 : 0) \
    static inline __attribute__((always_inline)) bool name##_host(struct cpu *cpu, unsigned predicate, T a, T b, T *r)       \
    {                                                                                                                        \
        enum fp_relation found;                                                                                              \
                                                                                                                             \
        if (!fp_host_##T##_compare(SIMD_FP_HOST, a, b, is_quiet(predicate), &found))                                         \
            return false;                                                                                                    \
        *r = holds(predicate, found) ? (T)-1 : 0;                                                                            \
        return true;                                                                                                         \
    }                                                                                                                        \
    SIMD_FP_HOST_SCALAR(name, T, T, REST_FIRST, name##_host(cpu, insn_imm8(i) & (mask), a, b, &r))                           \
    SIMD_FP_SCALAR(name, sizeof(T), host_##name)

COMPARE_PACKED(cmpps, fp32, 4, 7)
COMPARE_PACKED(cmppd, fp64, 2, 7)
COMPARE_SCALAR(cmpss, fp32, 7)
COMPARE_SCALAR(cmpsd, fp64, 7)
COMPARE_PACKED(vcmpps, fp32, 4, 31)
COMPARE_PACKED(vcmppd, fp64, 2, 31)
COMPARE_SCALAR(vcmpss, fp32, 31)
COMPARE_SCALAR(vcmpsd, fp64, 31)

/* ---- COMISS, UCOMISS: SDM Vol. 2A, "COMISS"; Vol. 2B, "UCOMISS" ---- */

static inline uint32_t eflags_of(enum fp_relation found)
{
    switch (found) {
    case FP_LESS: return EFL_CF;
    case FP_EQUAL: return EFL_ZF;
    case FP_GREATER: return 0;
    default: return EFL_CF | EFL_PF | EFL_ZF;
    }
}

/* EFLAGS change only when nothing is raised. */
#define COMPARE_FLAGS(name, T, quiet)                                                                                        \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        const void *from = i->flags & INSN_MEM ? simd_source(cpu, i, sizeof(T), 1) : &cpu->vector[i->src];                   \
        T a = *(const T##_at *)&cpu->vector[i->dst], b = *(const T##_at *)from;                                              \
        enum fp_relation found;                                                                                              \
                                                                                                                             \
        if (!fp_host_##T##_compare(SIMD_FP_HOST, a, b, quiet, &found)) {                                                     \
            struct fp_env env = simd_fp_env(cpu);                                                                            \
                                                                                                                             \
            found = T##_compare(&env, a, b, quiet);                                                                          \
            simd_fp_check(cpu, i, &env);                                                                                     \
        }                                                                                                                    \
        flags_set(cpu, eflags_of(found));                                                                                    \
        CONTINUE;                                                                                                            \
    }
COMPARE_FLAGS(comiss, fp32, false)
COMPARE_FLAGS(comisd, fp64, false)
COMPARE_FLAGS(ucomiss, fp32, true)
COMPARE_FLAGS(ucomisd, fp64, true)
