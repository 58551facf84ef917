/*
 * Decimal arithmetic.
 *
 * Undefined: OF is cleared; AAA and AAS set PF, ZF and SF by the new AL; AAM clears CF and AF; AAD sets CF, AF and OF as an 8-bit ADD of
 * its product to AL does. So do current Intel processors, by the oracle test.
 */
#include "cpu/exec.h"

static uint8_t get_al(const struct cpu *cpu) { return (uint8_t)cpu->reg[CPU_AX]; }
static void set_al(struct cpu *cpu, uint8_t v) { exec_set_reg(cpu, CPU_AX * 8, 8, v); }

/* SF, ZF and PF by the result, CF and AF as given, OF clear. */
static void flags_decimal(struct cpu *cpu, uint8_t result, bool cf, bool af)
{
    flags_result(cpu, 8, result);
    cpu->cc.aux = (cf ? CC_CF | CC_CX : 0) | (af ? CC_AF : 0);
}

/* SDM Vol. 2A, "DAA". */
CPU_OP(op_daa)
{
    uint8_t old = get_al(cpu), al = old;
    bool cf = flag_cf(cpu), af = (old & 15) > 9 || flag_af(cpu), high = old > 0x99 || cf;

    al = (uint8_t)(al + (af ? 6 : 0) + (high ? 0x60 : 0));
    set_al(cpu, al);
    flags_decimal(cpu, al, high, af);
    CONTINUE;
}

/* SDM Vol. 2A, "DAS". */
CPU_OP(op_das)
{
    uint8_t old = get_al(cpu), al = old;
    bool cf = flag_cf(cpu), af = (old & 15) > 9 || flag_af(cpu), high = old > 0x99 || cf;

    al = (uint8_t)(al - (af ? 6 : 0) - (high ? 0x60 : 0));
    set_al(cpu, al);
    flags_decimal(cpu, al, high || (af && old < 6), af);
    CONTINUE;
}

/* SDM Vol. 2A, "AAA", "AAS": `adjust` is added to AX, with a carry or borrow between its halves for the sixes only. */
static void ascii_adjust(struct cpu *cpu, int adjust)
{
    uint16_t ax = (uint16_t)cpu->reg[CPU_AX];
    bool carry = (ax & 15) > 9 || flag_af(cpu);

    if (carry)
        ax = (uint16_t)(ax + adjust);
    ax &= 0xff0f;
    exec_set_reg(cpu, CPU_AX * 8, 16, ax);
    flags_decimal(cpu, (uint8_t)ax, carry, carry);
}
CPU_OP(op_aaa)
{
    ascii_adjust(cpu, 0x106);
    CONTINUE;
}
CPU_OP(op_aas)
{
    ascii_adjust(cpu, -0x106);
    CONTINUE;
}

/* SDM Vol. 2A, "AAM". */
CPU_OP(op_aam)
{
    unsigned base = (uint8_t)i->imm, al = get_al(cpu);

    if (!base) {
        cpu->cur = i;
        cpu_raise(cpu, VEC_DE, 0, CPU_CAUSE_DE_AAM0);
    }
    exec_set_reg(cpu, CPU_AX * 8, 16, al / base << 8 | al % base);
    flags_decimal(cpu, (uint8_t)(al % base), false, false);
    CONTINUE;
}

/* SDM Vol. 2A, "AAD". */
CPU_OP(op_aad)
{
    uint8_t al = get_al(cpu), product = (uint8_t)((cpu->reg[CPU_AX] >> 8 & 0xff) * (uint8_t)i->imm), sum = (uint8_t)(al + product);

    exec_set_reg(cpu, CPU_AX * 8, 16, sum);
    flags_add(cpu, 8, al, product, sum);
    CONTINUE;
}
