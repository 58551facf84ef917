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

/* The product of one-operand forms: AX, or DX and AX. */
static inline __attribute__((always_inline)) void set_product(struct cpu *cpu, unsigned width, uint64_t product)
{
    if (width == 8) {
        exec_set_reg(cpu, CPU_AX * 8, 16, product);
    } else {
        exec_set_reg(cpu, CPU_AX * 8, width, product);
        exec_set_reg(cpu, CPU_DX * 8, width, product >> width);
    }
}

/* SDM Vol. 2B, "MUL". */
CPU_BODY(mul)
{
    uint64_t product = exec_reg(cpu, CPU_AX * 8, WIDTH) * PEEK_DST();

    set_product(cpu, WIDTH, product);
    flags_product(cpu, WIDTH, product, product >> WIDTH);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(mul)

/* SDM Vol. 2A, "IMUL". */
CPU_BODY(imul)
{
    uint64_t product = flags_sext(exec_reg(cpu, CPU_AX * 8, WIDTH), WIDTH) * flags_sext(PEEK_DST(), WIDTH);

    set_product(cpu, WIDTH, product);
    flags_product(cpu, WIDTH, product, product != flags_sext(product, WIDTH));
    CONTINUE;
}
CPU_TEMPLATE_UNARY(imul)

/* With a destination of its own: RR and RM multiply by it, RRI and RMI by the immediate. */
CPU_BODY(imul_to)
{
    uint64_t factor = FORM == FORM_RRI || FORM == FORM_RMI ? (uint64_t)i->imm : exec_reg(cpu, i->dst, WIDTH);
    uint64_t product = flags_sext(READ_SRC(), WIDTH) * flags_sext(factor, WIDTH);

    exec_set_reg(cpu, i->dst, WIDTH, product);
    flags_product(cpu, WIDTH, product, product != flags_sext(product, WIDTH));
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

static inline __attribute__((always_inline)) uint64_t dividend(const struct cpu *cpu, unsigned width)
{
    return width == 8 ? exec_reg(cpu, CPU_AX * 8, 16) : exec_reg(cpu, CPU_AX * 8, width) | exec_reg(cpu, CPU_DX * 8, width) << width;
}
static inline __attribute__((always_inline)) void set_quotient(struct cpu *cpu, unsigned width, uint64_t quotient, uint64_t remainder)
{
    exec_set_reg(cpu, CPU_AX * 8, width, quotient);
    exec_set_reg(cpu, width == 8 ? CPU_AX * 8 + 1 : CPU_DX * 8, width, remainder);
}

/* SDM Vol. 2A, "DIV". */
CPU_BODY(div)
{
    uint64_t divisor = PEEK_DST(), n = dividend(cpu, WIDTH);

    if (divisor == 0 || n >> WIDTH >= divisor) /* the second: the quotient would not fit */
        divide_error(cpu, i, divisor);
    set_quotient(cpu, WIDTH, n / divisor, n % divisor);
    CONTINUE;
}
CPU_TEMPLATE_UNARY(div)

/* SDM Vol. 2A, "IDIV". */
CPU_BODY(idiv)
{
    int64_t divisor = (int64_t)flags_sext(PEEK_DST(), WIDTH), n = (int64_t)flags_sext(dividend(cpu, WIDTH), WIDTH * 2);

    /* The most negative dividend by -1 would overflow on the host as well. */
    if (divisor == 0 || (divisor == -1 && n == INT64_MIN) || (uint64_t)(n / divisor) != flags_sext((uint64_t)(n / divisor), WIDTH))
        divide_error(cpu, i, (uint64_t)divisor);
    set_quotient(cpu, WIDTH, (uint64_t)(n / divisor), (uint64_t)(n % divisor));
    CONTINUE;
}
CPU_TEMPLATE_UNARY(idiv)
