/*
 * Lazy arithmetic flags.
 *
 * An operation stores its result and the carries of its addition; the flags are read off them when somebody asks:
 *
 *     ZF   z == 0
 *     SF   res < 0               res is the result, sign-extended from the operation's width
 *     PF   even parity of the low byte of res
 *     CF   bit 63 of aux         aux holds the carry vector: bit 63 the carry out of the top bit, bit 62 the carry into it,
 *     OF   bit 63 ^ bit 62       bit 3 the carry out of bit 3
 *     AF   bit 3 of aux
 *
 * z and res come from one value; they are two members so that POPF, SAHF and IRET can set ZF, SF and PF freely.
 */
#ifndef LIBSIM_CPU_FLAGS_H
#define LIBSIM_CPU_FLAGS_H

#include "cpu/cpu.h"

#define CC_CF (1ull << 63)
#define CC_CX (1ull << 62)
#define CC_AF (1ull << 3)

static inline bool flag_cf(const struct cpu *cpu) { return (int64_t)cpu->cc.aux < 0; }
static inline bool flag_of(const struct cpu *cpu) { return (int64_t)(cpu->cc.aux ^ (cpu->cc.aux << 1)) < 0; }
static inline bool flag_zf(const struct cpu *cpu) { return cpu->cc.z == 0; }
static inline bool flag_sf(const struct cpu *cpu) { return (int64_t)cpu->cc.res < 0; }
static inline bool flag_af(const struct cpu *cpu) { return (cpu->cc.aux & CC_AF) != 0; }
static inline bool flag_pf(const struct cpu *cpu) { return !__builtin_parity(cpu->cc.res & 0xff); }
static inline bool flag_lt(const struct cpu *cpu) /* SF != OF */
{
    return (int64_t)(cpu->cc.res ^ cpu->cc.aux ^ (cpu->cc.aux << 1)) < 0;
}

/* v cut to `width` bits and sign-extended. */
static inline uint64_t flags_sext(uint64_t v, unsigned width)
{
    return (uint64_t)((int64_t)(v << (64 - width)) >> (64 - width));
}

static inline void flags_result(struct cpu *cpu, unsigned width, uint64_t result)
{
    cpu->cc.z = cpu->cc.res = flags_sext(result, width);
}

/* The carry vector of `width` bits, moved so that its top two bits are bits 63 and 62 and bit 3 stays. */
static inline uint64_t flags_carries(uint64_t carries, unsigned width)
{
    return width == 64 ? carries : (carries << (64 - width)) | (carries & CC_AF);
}

/* a + b (+ carry in) == result; all cut to width. */
static inline void flags_add(struct cpu *cpu, unsigned width, uint64_t a, uint64_t b, uint64_t result)
{
    cpu->cc.aux = flags_carries((a & b) | ((a | b) & ~result), width);
    flags_result(cpu, width, result);
}

/* a - b (- borrow in) == result. */
static inline void flags_sub(struct cpu *cpu, unsigned width, uint64_t a, uint64_t b, uint64_t result)
{
    cpu->cc.aux = flags_carries((~a & b) | ((~a | b) & result), width);
    flags_result(cpu, width, result);
}

/* INC and DEC leave CF alone; the other flags follow from the result: it overflowed to the least (or from it to the greatest) number,
 * and its low digit went to 0 (or F). */
static inline void flags_inc(struct cpu *cpu, unsigned width, uint64_t result)
{
    uint64_t cf = cpu->cc.aux & CC_CF, of = result == 1ull << (width - 1);

    cpu->cc.aux = (cf | cf >> 1) ^ of << 62 ^ ((result & 15) == 0 ? CC_AF : 0);
    flags_result(cpu, width, result);
}
static inline void flags_dec(struct cpu *cpu, unsigned width, uint64_t result)
{
    uint64_t cf = cpu->cc.aux & CC_CF, of = result == (1ull << (width - 1)) - 1;

    cpu->cc.aux = (cf | cf >> 1) ^ of << 62 ^ ((result & 15) == 15 ? CC_AF : 0);
    flags_result(cpu, width, result);
}

/* AND, OR, XOR, TEST: CF and OF cleared, AF (undefined) cleared. */
static inline void flags_logic(struct cpu *cpu, unsigned width, uint64_t result)
{
    cpu->cc.aux = 0;
    flags_result(cpu, width, result);
}

/* Sets CF and OF, leaving the others. */
static inline void flags_set_cf_of(struct cpu *cpu, bool cf, bool of)
{
    cpu->cc.aux = (cpu->cc.aux & CC_AF) | (cf ? CC_CF : 0) | (cf != of ? CC_CX : 0);
}
static inline void flags_set_cf(struct cpu *cpu, bool cf) { flags_set_cf_of(cpu, cf, flag_of(cpu)); }
static inline void flags_set_zf(struct cpu *cpu, bool zf) { cpu->cc.z = !zf; }

/* The six arithmetic flags as EFLAGS bits, and back. */
static inline uint32_t flags_get(const struct cpu *cpu)
{
    return (flag_cf(cpu) ? EFL_CF : 0) | (flag_pf(cpu) ? EFL_PF : 0) | (flag_af(cpu) ? EFL_AF : 0) |
           (flag_zf(cpu) ? EFL_ZF : 0) | (flag_sf(cpu) ? EFL_SF : 0) | (flag_of(cpu) ? EFL_OF : 0);
}
static inline void flags_set(struct cpu *cpu, uint32_t eflags)
{
    bool cf = eflags & EFL_CF, of = eflags & EFL_OF;

    cpu->cc.z = !(eflags & EFL_ZF);
    cpu->cc.res = (eflags & EFL_SF ? 1ull << 63 : 0) | (eflags & EFL_PF ? 0 : 1);
    cpu->cc.aux = (cf ? CC_CF : 0) | (cf != of ? CC_CX : 0) | (eflags & EFL_AF ? CC_AF : 0);
}

/* Condition code cc of Jcc, SETcc, CMOVcc: SDM Vol. 1, "Condition codes". Constant cc: folds to one test. */
static inline __attribute__((always_inline)) bool flags_cond(const struct cpu *cpu, unsigned cc)
{
    bool r;

    switch (cc >> 1) {
    case 0: r = flag_of(cpu); break;
    case 1: r = flag_cf(cpu); break;
    case 2: r = flag_zf(cpu); break;
    case 3: r = flag_cf(cpu) || flag_zf(cpu); break;
    case 4: r = flag_sf(cpu); break;
    case 5: r = flag_pf(cpu); break;
    case 6: r = flag_lt(cpu); break;
    default: r = flag_lt(cpu) || flag_zf(cpu); break;
    }
    return r != (cc & 1);
}

#endif
