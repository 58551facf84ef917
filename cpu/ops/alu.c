/*
 * Addition, subtraction and logic.
 *
 * Undefined: AF after AND, OR, XOR and TEST is cleared, as current processors do.
 */
#include "cpu/exec.h"

/* SDM Vol. 2A, "ADD". */
CPU_BODY(add)
{
    uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a + b);

    WRITE_DST(r);
    flags_add(cpu, WIDTH, a, b, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(add)

/* SDM Vol. 2A, "ADC". */
CPU_BODY(adc)
{
    uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a + b + flag_cf(cpu));

    WRITE_DST(r);
    flags_add(cpu, WIDTH, a, b, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(adc)

/* SDM Vol. 2B, "SUB". */
CPU_BODY(sub)
{
    uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a - b);

    WRITE_DST(r);
    flags_sub(cpu, WIDTH, a, b, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(sub)

/* SDM Vol. 2B, "SBB". */
CPU_BODY(sbb)
{
    uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a - b - flag_cf(cpu));

    WRITE_DST(r);
    flags_sub(cpu, WIDTH, a, b, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(sbb)

/* SDM Vol. 2A, "CMP". */
CPU_BODY(cmp)
{
    uint64_t a = PEEK_DST(), b = READ_SRC();

    flags_sub(cpu, WIDTH, a, b, CUT(a - b));
    CONTINUE;
}
CPU_TEMPLATE_ALU(cmp)

/* SDM Vol. 2A, "AND". */
CPU_BODY(and)
{
    uint64_t r = READ_DST() & READ_SRC();

    WRITE_DST(r);
    flags_logic(cpu, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(and)

/* SDM Vol. 2B, "OR". */
CPU_BODY(or)
{
    uint64_t r = READ_DST() | READ_SRC();

    WRITE_DST(r);
    flags_logic(cpu, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(or)

/* SDM Vol. 2D, "XOR". */
CPU_BODY(xor)
{
    uint64_t r = READ_DST() ^ READ_SRC();

    WRITE_DST(r);
    flags_logic(cpu, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_ALU(xor)

/* SDM Vol. 2B, "TEST". */
CPU_BODY(test)
{
    flags_logic(cpu, WIDTH, PEEK_DST() & READ_SRC());
    CONTINUE;
}
CPU_TEMPLATE_RMI(test)

/* SDM Vol. 2A, "INC". */
CPU_BODY(inc)
{
    uint64_t r = CUT(READ_DST() + 1);

    WRITE_DST(r);
    flags_inc(cpu, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(inc)

/* SDM Vol. 2A, "DEC". */
CPU_BODY(dec)
{
    uint64_t r = CUT(READ_DST() - 1);

    WRITE_DST(r);
    flags_dec(cpu, WIDTH, r);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(dec)

/* SDM Vol. 2B, "NEG". */
CPU_BODY(neg)
{
    uint64_t a = READ_DST(), r = CUT(0 - a);

    WRITE_DST(r);
    flags_sub(cpu, WIDTH, 0, a, r);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(neg)

/* SDM Vol. 2B, "NOT". */
CPU_BODY(not)
{
    uint64_t r = CUT(~READ_DST());

    WRITE_DST(r);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(not)
