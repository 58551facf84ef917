/*
 * Bit manipulation on general registers: POPCNT, LZCNT, MOVBE, BMI1, BMI2, ADX.
 *
 * Undefined: AF is cleared, PF and SF are those of the result, and OF, where it is undefined, is cleared.
 */
#include "cpu/exec.h"

/* The operand that VEX.vvvv names. */
#define VVVV() exec_reg(cpu, insn_vvvv(i) * 8, WIDTH)

/* SF, ZF and PF by the result, CF as given, OF and AF clear. */
static inline __attribute__((always_inline)) void flags_bits(struct cpu *cpu, unsigned width, uint64_t result, bool cf)
{
    flags_result(cpu, width, result);
    cpu->cc.aux = cf ? CC_CF | CC_CX : 0;
}

/* ---- Counting ---- */

/* SDM Vol. 2B, "POPCNT". */
CPU_BODY(popcnt)
{
    uint64_t v = READ_SRC();

    exec_set_reg(cpu, i->dst, WIDTH, (uint64_t)__builtin_popcountll(v));
    cpu->cc = (struct cpu_cc){ .z = v, .res = 1 };
    CONTINUE;
}
CPU_TEMPLATE_LOAD(popcnt)

/* SDM Vol. 2D, "TZCNT"; Vol. 2A, "LZCNT". */
CPU_BODY(tzcnt)
{
    uint64_t v = READ_SRC(), r = v ? (uint64_t)__builtin_ctzll(v) : WIDTH;

    exec_set_reg(cpu, i->dst, WIDTH, r);
    flags_bits(cpu, WIDTH, r, v == 0);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(tzcnt)

CPU_BODY(lzcnt)
{
    uint64_t v = READ_SRC(), r = v ? (uint64_t)__builtin_clzll(v) - (64 - WIDTH) : WIDTH;

    exec_set_reg(cpu, i->dst, WIDTH, r);
    flags_bits(cpu, WIDTH, r, v == 0);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(lzcnt)

/* ---- MOVBE: SDM Vol. 2B ---- */

CPU_BODY(movbe)
{
    uint64_t v = READ_SRC();

    STORE_DST(__builtin_bswap64(v) >> (64 - WIDTH));
    CONTINUE;
}
CPU_MEM_V(movbe, RM) CPU_MEM_V(movbe, MR)
CPU_HANDLERS(movbe, CPU_SLOT_MEM_V(movbe, RM) CPU_SLOT_MEM_V(movbe, MR))

/* ---- ADX: SDM Vol. 2A, "ADCX", "ADOX". Only the one flag is read and written ---- */

static inline __attribute__((always_inline)) uint64_t add_carry(uint64_t a, uint64_t b, unsigned width, bool *carry)
{
    uint64_t r = exec_cut(a + b + *carry, width);

    *carry = ((a & b) | ((a | b) & ~r)) >> (width - 1) & 1;
    return r;
}

CPU_BODY(adcx)
{
    bool carry = flag_cf(cpu);
    uint64_t r = add_carry(exec_reg(cpu, i->dst, WIDTH), READ_SRC(), WIDTH, &carry);

    exec_set_reg(cpu, i->dst, WIDTH, r);
    flags_set_cf_of(cpu, carry, flag_of(cpu));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(adcx)

CPU_BODY(adox)
{
    bool carry = flag_of(cpu);
    uint64_t r = add_carry(exec_reg(cpu, i->dst, WIDTH), READ_SRC(), WIDTH, &carry);

    exec_set_reg(cpu, i->dst, WIDTH, r);
    flags_set_cf_of(cpu, flag_cf(cpu), carry);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(adox)

/* ---- BMI1: SDM Vol. 2A, "ANDN", "BEXTR", "BLSI", "BLSMSK", "BLSR" ---- */

CPU_BODY(andn)
{
    uint64_t r = CUT(~VVVV()) & READ_SRC();

    exec_set_reg(cpu, i->dst, WIDTH, r);
    flags_bits(cpu, WIDTH, r, false);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(andn)

CPU_BODY(bextr)
{
    uint64_t control = VVVV(), v = READ_SRC();
    unsigned start = control & 0xff, len = control >> 8 & 0xff;

    v = start < WIDTH ? v >> start : 0;
    v = len < WIDTH ? v & ((1ull << len) - 1) : v;
    exec_set_reg(cpu, i->dst, WIDTH, v);
    flags_bits(cpu, WIDTH, v, false);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(bextr)

/* The destination is VEX.vvvv, so ModRM.rm is the first operand proper. */
#define LOWEST_BIT(name, result, carry)                                                                                      \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        uint64_t v = PEEK_DST(), r = CUT(result);                                                                            \
                                                                                                                             \
        exec_set_reg(cpu, insn_vvvv(i) * 8, WIDTH, r);                                                                       \
        flags_bits(cpu, WIDTH, r, carry);                                                                                    \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    CPU_REG_V(name, R) CPU_MEM_V(name, M) CPU_HANDLERS(name, CPU_SLOT_REG_V(name, R) CPU_SLOT_MEM_V(name, M))
LOWEST_BIT(blsi, v & -v, v != 0)
LOWEST_BIT(blsmsk, v ^ (v - 1), v == 0)
LOWEST_BIT(blsr, v & (v - 1), v == 0)

/* ---- BMI2: SDM Vol. 2A to 2D ---- */

CPU_BODY(bzhi)
{
    uint64_t v = READ_SRC();
    unsigned n = VVVV() & 0xff;

    if (n < WIDTH)
        v &= (1ull << n) - 1;
    exec_set_reg(cpu, i->dst, WIDTH, v);
    flags_bits(cpu, WIDTH, v, n >= WIDTH);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(bzhi)

CPU_BODY(pdep)
{
    uint64_t v = VVVV(), r = 0;

    for (uint64_t mask = READ_SRC(); mask; mask &= mask - 1, v >>= 1)
        r |= v & 1 ? mask & -mask : 0;
    exec_set_reg(cpu, i->dst, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(pdep)

CPU_BODY(pext)
{
    uint64_t v = VVVV(), r = 0;
    unsigned n = 0;

    for (uint64_t mask = READ_SRC(); mask; mask &= mask - 1, n++)
        r |= v & mask & -mask ? 1ull << n : 0;
    exec_set_reg(cpu, i->dst, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_LOAD(pext)

/* The low half goes to VEX.vvvv first: with one register as both it holds the high half. */
CPU_BODY(mulx)
{
    __extension__ unsigned __int128 product = (unsigned __int128)exec_reg(cpu, CPU_DX * 8, WIDTH) * READ_SRC();

    exec_set_reg(cpu, insn_vvvv(i) * 8, WIDTH, (uint64_t)product);
    exec_set_reg(cpu, i->dst, WIDTH, (uint64_t)(product >> WIDTH));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(mulx)

#define SHIFT_COUNT() (VVVV() & (WIDTH - 1))
#define SHIFT_X(name, result)                                                                                                \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        uint64_t v = READ_SRC();                                                                                             \
                                                                                                                             \
        exec_set_reg(cpu, i->dst, WIDTH, result);                                                                            \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    CPU_TEMPLATE_LOAD(name)
SHIFT_X(shlx, v << SHIFT_COUNT())
SHIFT_X(shrx, v >> SHIFT_COUNT())
SHIFT_X(sarx, (uint64_t)((int64_t)flags_sext(v, WIDTH) >> SHIFT_COUNT()))

CPU_BODY(rorx)
{
    uint64_t v = READ_SRC();
    unsigned turn = insn_imm8(i) & (WIDTH - 1);

    exec_set_reg(cpu, i->dst, WIDTH, v >> turn | v << ((WIDTH - turn) & (WIDTH - 1)));
    CONTINUE;
}
CPU_REG_V(rorx, RRI) CPU_MEM_V(rorx, RMI)
CPU_HANDLERS(rorx, CPU_SLOT_REG_V(rorx, RRI) CPU_SLOT_MEM_V(rorx, RMI))
