/*
 * Multiplication and division.
 *
 * Undefined: after multiplications SF and PF are those of the low half of the product, ZF and AF are cleared; divisions leave all flags
 * alone. So do current Intel processors, by the oracle test.
 */
#include "cpu/exec.h"

static inline __attribute__((always_inline)) void flags_product(struct cpu *cpu, unsigned width, uint64_t low, bool overflow)
{
    flags_result(cpu, width, low);
    cpu->cc.z = 1;
    cpu->cc.aux = overflow ? CC_CF : 0; /* CF and OF: bit 62 clear */
}

/* Twice the widest operand. */
__extension__ typedef unsigned __int128 wide;
__extension__ typedef __int128 swide;

/* v, sign-extended from `width` bits. */
static inline __attribute__((always_inline)) swide sext(uint64_t v, unsigned width)
{
    return (int64_t)flags_sext(v, width);
}

/* The product of one-operand forms: AX, or DX and AX. */
static inline __attribute__((always_inline)) void set_product(struct cpu *cpu, unsigned width, wide product)
{
    if (width == 8) {
        exec_set_reg(cpu, CPU_AX * 8, 16, (uint64_t)product);
    } else {
        exec_set_reg(cpu, CPU_AX * 8, width, (uint64_t)product);
        exec_set_reg(cpu, CPU_DX * 8, width, (uint64_t)(product >> width));
    }
}

/* SDM Vol. 2B, "MUL". */
CPU_BODY(mul)
{
    wide product = (wide)exec_reg(cpu, CPU_AX * 8, WIDTH) * PEEK_DST();

    set_product(cpu, WIDTH, product);
    flags_product(cpu, WIDTH, (uint64_t)product, product >> WIDTH != 0);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(mul)

/* SDM Vol. 2A, "IMUL". */
CPU_BODY(imul)
{
    swide product = sext(exec_reg(cpu, CPU_AX * 8, WIDTH), WIDTH) * sext(PEEK_DST(), WIDTH);

    set_product(cpu, WIDTH, (wide)product);
    flags_product(cpu, WIDTH, (uint64_t)product, product != sext((uint64_t)product, WIDTH));
    CONTINUE;
}
CPU_TEMPLATE_UNARY(imul)

/* With a destination of its own: RR and RM multiply by it, RRI and RMI by the immediate. */
CPU_BODY(imul_to)
{
    uint64_t factor = FORM == FORM_RRI || FORM == FORM_RMI ? (uint64_t)i->imm : exec_reg(cpu, i->dst, WIDTH);
    swide product = sext(READ_SRC(), WIDTH) * sext(factor, WIDTH);

    exec_set_reg(cpu, i->dst, WIDTH, (uint64_t)product);
    flags_product(cpu, WIDTH, (uint64_t)product, product != sext((uint64_t)product, WIDTH));
    CONTINUE;
}
CPU_REG_V(imul_to, RR) CPU_REG_V(imul_to, RRI) CPU_MEM_V(imul_to, RM) CPU_MEM_V(imul_to, RMI)
CPU_HANDLERS(imul_to, CPU_SLOT_REG_V(imul_to, RR) CPU_SLOT_REG_V(imul_to, RRI) CPU_SLOT_MEM_V(imul_to, RM)
                      CPU_SLOT_MEM_V(imul_to, RMI))

static __attribute__((noinline, cold)) _Noreturn void divide_error(struct cpu *cpu, const struct cpu_insn *i, uint64_t divisor)
{
    cpu->cur = i;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = divisor };
    cpu_raise(cpu, VEC_DE, 0, divisor ? CPU_CAUSE_DE_OVERFLOW : CPU_CAUSE_DE_ZERO);
}

/* AX, or DX and AX. */
static inline __attribute__((always_inline)) wide dividend(const struct cpu *cpu, unsigned width)
{
    if (width == 8)
        return exec_reg(cpu, CPU_AX * 8, 16);
    return (wide)exec_reg(cpu, CPU_DX * 8, width) << width | exec_reg(cpu, CPU_AX * 8, width);
}
static inline __attribute__((always_inline)) void set_quotient(struct cpu *cpu, unsigned width, uint64_t quotient, uint64_t remainder)
{
    exec_set_reg(cpu, CPU_AX * 8, width, quotient);
    exec_set_reg(cpu, width == 8 ? CPU_AX * 8 + 1 : CPU_DX * 8, width, remainder);
}

/* SDM Vol. 2A, "DIV". */
CPU_BODY(div)
{
    uint64_t divisor = PEEK_DST(), low;
    wide n = dividend(cpu, WIDTH);

    if (divisor == 0 || n >> WIDTH >= divisor) /* the second: the quotient would not fit */
        divide_error(cpu, i, divisor);
    low = (uint64_t)n;
    if (WIDTH == 64 && n >> 64)
        set_quotient(cpu, WIDTH, (uint64_t)(n / divisor), (uint64_t)(n % divisor));
    else
        set_quotient(cpu, WIDTH, low / divisor, low % divisor);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(div)

/* SDM Vol. 2A, "IDIV". */
static inline __attribute__((always_inline)) void idiv_narrow(struct cpu *cpu, const struct cpu_insn *i, unsigned width, uint64_t d)
{
    int64_t divisor = (int64_t)flags_sext(d, width), n = (int64_t)flags_sext((uint64_t)dividend(cpu, width), width * 2);

    /* The most negative dividend by -1 would overflow on the host as well. */
    if (divisor == 0 || (divisor == -1 && n == INT64_MIN) || (uint64_t)(n / divisor) != flags_sext((uint64_t)(n / divisor), width))
        divide_error(cpu, i, d);
    set_quotient(cpu, width, (uint64_t)(n / divisor), (uint64_t)(n % divisor));
}

static void idiv_wide(struct cpu *cpu, const struct cpu_insn *i, uint64_t d)
{
    swide divisor = sext(d, 64), n = (swide)dividend(cpu, 64), quotient;

    if (divisor == 0 || (divisor == -1 && n < -(swide)INT64_MAX))
        divide_error(cpu, i, d);
    quotient = n / divisor;
    if (quotient != sext((uint64_t)quotient, 64))
        divide_error(cpu, i, d);
    set_quotient(cpu, 64, (uint64_t)quotient, (uint64_t)(n % divisor));
}

CPU_BODY(idiv)
{
    uint64_t divisor = PEEK_DST();

    if (WIDTH == 64)
        idiv_wide(cpu, i, divisor);
    else
        idiv_narrow(cpu, i, WIDTH, divisor);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(idiv)
