/*
 * Shifts and rotates. Counts are taken modulo 32, of 64-bit operands modulo 64; a count of 0 changes no flag.
 *
 * Undefined, and what we make of it (current Intel processors, by the oracle test; rotates as the 80386, which test386 shows):
 *   OF, counts other than 1   shifts: what a count of 1 gives; rotates: found from the result, as for a count of 1
 *   AF after shifts           cleared
 *   CF, counts past the width SHL, SHR: 0; SAR: the sign
 *   RCL and RCR by a multiple of the width and CF: no flag changes
 */
#include "cpu/exec.h"

#define COUNT() ((FORM == FORM_RI || FORM == FORM_MI ? (unsigned)i->imm : (unsigned)cpu->reg[CPU_CX]) & \
                 (WIDTH == 64 ? 63 : 31))

/* Room for an operand and the bits that leave it. Only 64-bit instances need its upper half; in others the compiler drops it. */
__extension__ typedef unsigned __int128 wide_int;

/* Bit n of v. */
#define BIT(v, n) ((v) >> (n) & 1)

/* Nothing is shifted and no flag changes, but a 32-bit register is written all the same: in 64-bit mode its upper half is cleared. */
#define UNMOVED(value)                                                                                                       \
    do {                                                                                                                     \
        if (WIDTH == 32 && !exec_dst_is_mem(FORM))                                                                           \
            exec_set_reg(cpu, i->dst, 32, (value));                                                                          \
        CONTINUE;                                                                                                            \
    } while (0)

/* SF, ZF, PF by the result, CF and OF as given, AF clear. */
static inline __attribute__((always_inline)) void flags_shift(struct cpu *cpu, unsigned width, uint64_t result, bool cf, bool of)
{
    flags_result(cpu, width, result);
    cpu->cc.aux = (uint64_t)cf << 63 | (uint64_t)(cf != of) << 62;
}

/* SDM Vol. 2B, "SAL/SAR/SHL/SHR". */
CPU_BODY(shl)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT();
    bool cf;

    if (!count)
        UNMOVED(a);
    r = CUT(a << count);
    cf = WIDTH == 64 ? BIT(a, 64 - count) : BIT(a << count, WIDTH & 63);
    WRITE_DST(r);
    flags_shift(cpu, WIDTH, r, cf, BIT(a ^ a << 1, WIDTH - 1));
    CONTINUE;
}
CPU_TEMPLATE_RMI(shl)

CPU_BODY(shr)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT();

    if (!count)
        UNMOVED(a);
    r = a >> count;
    WRITE_DST(r);
    flags_shift(cpu, WIDTH, r, BIT(a, count - 1), BIT(a, WIDTH - 1));
    CONTINUE;
}
CPU_TEMPLATE_RMI(shr)

CPU_BODY(sar)
{
    int64_t a = (int64_t)flags_sext(READ_DST(), WIDTH);
    unsigned count = COUNT();
    uint64_t r;

    if (!count)
        UNMOVED((uint64_t)a);
    r = CUT((uint64_t)(a >> count));
    WRITE_DST(r);
    flags_shift(cpu, WIDTH, r, BIT(a, count - 1), false);
    CONTINUE;
}
CPU_TEMPLATE_RMI(sar)

/* SDM Vol. 2B, "RCL/RCR/ROL/ROR". SF, ZF, AF and PF are left alone. OF, from the result: the top bit and CF for turns to the left, the two
 * top bits for turns to the right. */

CPU_BODY(rol)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT(), turn = count & (WIDTH - 1);

    if (!count)
        UNMOVED(a);
    r = CUT(a << turn | a >> ((WIDTH - turn) & (WIDTH - 1)));
    WRITE_DST(r);
    flags_set_cf_of(cpu, BIT(r, 0), BIT(r, WIDTH - 1) != BIT(r, 0));
    CONTINUE;
}
CPU_TEMPLATE_RMI(rol)

CPU_BODY(ror)
{
    uint64_t a = READ_DST(), r;
    unsigned count = COUNT(), turn = count & (WIDTH - 1);

    if (!count)
        UNMOVED(a);
    r = CUT(a >> turn | a << ((WIDTH - turn) & (WIDTH - 1)));
    WRITE_DST(r);
    flags_set_cf_of(cpu, BIT(r, WIDTH - 1), BIT(r ^ r << 1, WIDTH - 1));
    CONTINUE;
}
CPU_TEMPLATE_RMI(ror)

/* Through the carry: WIDTH + 1 bits turn, CF at the top. */
static inline __attribute__((always_inline)) wide_int turn_left(wide_int wide, unsigned bits, unsigned turn)
{
    return (wide << turn | wide >> (bits - turn)) & (((wide_int)1 << bits) - 1);
}

CPU_BODY(rcl)
{
    uint64_t a = READ_DST();
    unsigned turn = COUNT() % (WIDTH + 1);
    wide_int wide;

    if (!turn)
        UNMOVED(a);
    wide = turn_left(a | (wide_int)flag_cf(cpu) << WIDTH, WIDTH + 1, turn);
    WRITE_DST(CUT((uint64_t)wide));
    flags_set_cf_of(cpu, BIT(wide, WIDTH), BIT(wide ^ wide << 1, WIDTH));
    CONTINUE;
}
CPU_TEMPLATE_RMI(rcl)

CPU_BODY(rcr)
{
    uint64_t a = READ_DST();
    unsigned turn = COUNT() % (WIDTH + 1);
    wide_int wide;

    if (!turn)
        UNMOVED(a);
    wide = turn_left(a | (wide_int)flag_cf(cpu) << WIDTH, WIDTH + 1, WIDTH + 1 - turn);
    WRITE_DST(CUT((uint64_t)wide));
    flags_set_cf_of(cpu, BIT(wide, WIDTH), BIT(wide ^ wide << 1, WIDTH - 1));
    CONTINUE;
}
CPU_TEMPLATE_RMI(rcr)

/* SDM Vol. 2B, "SHLD", "SHRD". With 16-bit operands and a count above 16 the result is undefined: the destination follows the source,
 * as if 48 bits were shifted. */
#define COUNT2() ((FORM == FORM_RRI || FORM == FORM_MRI ? (unsigned)i->imm : (unsigned)cpu->reg[CPU_CX]) & \
                  (WIDTH == 64 ? 63 : 31))

CPU_BODY(shld)
{
    uint64_t a = READ_DST(), b = exec_reg(cpu, i->src, WIDTH), r;
    unsigned count = COUNT2(), top = WIDTH == 16 ? 48 : 2 * WIDTH;
    wide_int wide;

    if (!count)
        UNMOVED(a);
    wide = WIDTH == 16 ? a << 32 | b << 16 | a : (wide_int)a << WIDTH | b;
    r = CUT((uint64_t)(wide << count >> (top - WIDTH)));
    WRITE_DST(r);
    flags_shift(cpu, WIDTH, r, BIT(wide, top - count), BIT(a ^ a << 1, WIDTH - 1));
    CONTINUE;
}
CPU_BODY(shrd)
{
    uint64_t a = READ_DST(), b = exec_reg(cpu, i->src, WIDTH), r;
    unsigned count = COUNT2();
    wide_int wide;

    if (!count)
        UNMOVED(a);
    wide = WIDTH == 16 ? a << 32 | b << 16 | a : (wide_int)b << WIDTH | a;
    r = CUT((uint64_t)(wide >> count));
    WRITE_DST(r);
    flags_shift(cpu, WIDTH, r, BIT(wide, count - 1), BIT(a, WIDTH - 1) ^ BIT(b, 0));
    CONTINUE;
}
#define TEMPLATE_DOUBLE(name)                                                                                                \
    CPU_REG_V(name, RR) CPU_REG_V(name, RRI) CPU_MEM_V(name, MR) CPU_MEM_V(name, MRI)                                        \
    CPU_HANDLERS(name, CPU_SLOT_REG_V(name, RR) CPU_SLOT_REG_V(name, RRI) CPU_SLOT_MEM_V(name, MR) CPU_SLOT_MEM_V(name, MRI))
TEMPLATE_DOUBLE(shld)
TEMPLATE_DOUBLE(shrd)
