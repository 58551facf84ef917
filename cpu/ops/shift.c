/*
 * Shifts and rotates. Counts are taken modulo 32; a count of 0 changes no flag.
 *
 * Undefined, and what we make of it (current Intel processors, by the oracle test):
 *   AF                      after shifts: cleared
 *   OF, counts other than 1 as the formula for count 1 gives it, from the result
 *   CF, count past width    SHL, SHR: 0; SAR: the sign
 */
#include "cpu/exec.h"

#define COUNT() ((FORM == FORM_RI || FORM == FORM_MI ? (unsigned)i->imm : (unsigned)cpu->reg[CPU_CX]) & 31)

/* SDM Vol. 2B, "SAL/SAR/SHL/SHR". */
CPU_BODY(shl)
{
    uint64_t a = READ_DST(), wide;
    unsigned count = COUNT();

    if (!count)
        CONTINUE;
    wide = a << count; /* bit WIDTH is CF, and OF is whether it differs from the one below */
    WRITE_DST(CUT(wide));
    flags_result(cpu, WIDTH, wide);
    cpu->cc.aux = (wide << (63 - WIDTH)) & (CC_CF | CC_CX);
    CONTINUE;
}
CPU_TEMPLATE_RMI(shl)

CPU_BODY(shr)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT();

    if (!count)
        CONTINUE;
    r = a >> count;
    WRITE_DST(r);
    flags_result(cpu, WIDTH, r);
    cpu->cc.aux = 0;
    flags_set_cf_of(cpu, a >> (count - 1) & 1, (r ^ r << 1) >> (WIDTH - 1) & 1);
    CONTINUE;
}
CPU_TEMPLATE_RMI(shr)

CPU_BODY(sar)
{
    int64_t a = (int64_t)flags_sext(READ_DST(), WIDTH);
    unsigned count = COUNT();
    uint64_t r;

    if (!count)
        CONTINUE;
    r = CUT((uint64_t)(a >> count));
    WRITE_DST(r);
    flags_result(cpu, WIDTH, r);
    cpu->cc.aux = 0;
    flags_set_cf_of(cpu, a >> (count - 1) & 1, false);
    CONTINUE;
}
CPU_TEMPLATE_RMI(sar)

/* SDM Vol. 2B, "RCL/RCR/ROL/ROR". SF, ZF, AF and PF are left alone. */
CPU_BODY(rol)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT(), turn = count & (WIDTH - 1);

    if (!count)
        CONTINUE;
    r = CUT(a << turn | a >> ((WIDTH - turn) & (WIDTH - 1)));
    WRITE_DST(r);
    flags_set_cf_of(cpu, r & 1, (r ^ r >> (WIDTH - 1)) & 1);
    CONTINUE;
}
CPU_TEMPLATE_RMI(rol)

CPU_BODY(ror)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT(), turn = count & (WIDTH - 1);

    if (!count)
        CONTINUE;
    r = CUT(a >> turn | a << ((WIDTH - turn) & (WIDTH - 1)));
    WRITE_DST(r);
    flags_set_cf_of(cpu, r >> (WIDTH - 1) & 1, (r ^ r << 1) >> (WIDTH - 1) & 1);
    CONTINUE;
}
CPU_TEMPLATE_RMI(ror)

/* Through the carry: WIDTH + 1 bits turn, CF at the top. */
static inline __attribute__((always_inline)) uint64_t turn_left(uint64_t wide, unsigned bits, unsigned turn)
{
    return turn ? (wide << turn | wide >> (bits - turn)) & ((1ull << bits) - 1) : wide;
}

CPU_BODY(rcl)
{
    uint64_t a = READ_DST(), wide;
    unsigned count = COUNT();

    if (!count)
        CONTINUE;
    wide = turn_left(a | (uint64_t)flag_cf(cpu) << WIDTH, WIDTH + 1, count % (WIDTH + 1));
    WRITE_DST(CUT(wide));
    flags_set_cf_of(cpu, wide >> WIDTH & 1, (wide ^ wide << 1) >> WIDTH & 1);
    CONTINUE;
}
CPU_TEMPLATE_RMI(rcl)

CPU_BODY(rcr)
{
    uint64_t a = READ_DST(), wide, r;
    unsigned count = COUNT(), turn = count % (WIDTH + 1);

    if (!count)
        CONTINUE;
    wide = turn_left(a | (uint64_t)flag_cf(cpu) << WIDTH, WIDTH + 1, turn ? WIDTH + 1 - turn : 0);
    r = CUT(wide);
    WRITE_DST(r);
    flags_set_cf_of(cpu, wide >> WIDTH & 1, (r ^ r << 1) >> (WIDTH - 1) & 1);
    CONTINUE;
}
CPU_TEMPLATE_RMI(rcr)

/* SDM Vol. 2B, "SHLD", "SHRD". With 16-bit operands and a count above 16 the result is undefined: the destination follows the source,
 * as if 48 bits were shifted. */
#define COUNT2() ((FORM == FORM_RRI || FORM == FORM_MRI ? (unsigned)i->imm : (unsigned)cpu->reg[CPU_CX]) & 31)

CPU_BODY(shld)
{
    uint64_t a = READ_DST(), b = exec_reg(cpu, i->src, WIDTH), wide, r;
    unsigned count = COUNT2(), top = WIDTH == 16 ? 48 : 64;

    if (!count)
        CONTINUE;
    wide = WIDTH == 16 ? a << 32 | b << 16 | a : a << 32 | b;
    r = CUT(wide << count >> (top - WIDTH));
    WRITE_DST(r);
    flags_result(cpu, WIDTH, r);
    cpu->cc.aux = 0;
    flags_set_cf_of(cpu, wide >> (top - count) & 1, (r ^ a) >> (WIDTH - 1) & 1);
    CONTINUE;
}
CPU_BODY(shrd)
{
    uint64_t a = READ_DST(), b = exec_reg(cpu, i->src, WIDTH), wide, r;
    unsigned count = COUNT2();

    if (!count)
        CONTINUE;
    wide = WIDTH == 16 ? a << 32 | b << 16 | a : b << 32 | a;
    r = CUT(wide >> count);
    WRITE_DST(r);
    flags_result(cpu, WIDTH, r);
    cpu->cc.aux = 0;
    flags_set_cf_of(cpu, wide >> (count - 1) & 1, (r ^ r << 1) >> (WIDTH - 1) & 1);
    CONTINUE;
}
#define TEMPLATE_DOUBLE(name)                                                                                                \
    CPU_REG_V(name, RR) CPU_REG_V(name, RRI) CPU_MEM_V(name, MR) CPU_MEM_V(name, MRI)                                        \
    CPU_HANDLERS(name, CPU_SLOT_REG_V(name, RR) CPU_SLOT_REG_V(name, RRI) CPU_SLOT_MEM_V(name, MR) CPU_SLOT_MEM_V(name, MRI))
TEMPLATE_DOUBLE(shld)
TEMPLATE_DOUBLE(shrd)
