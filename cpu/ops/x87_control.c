/*
 * x87: control and status words, the environment, and FSAVE's image. None of these counts as the last instruction.
 *
 * Those whose names begin with FN do not wait; FWAIT in front of them makes the waiting forms. SDM Vol. 1, "x87 FPU control instructions".
 */
#include "cpu/code.h"
#include "cpu/ops/x87.h"

static void write2(struct cpu *cpu, const struct cpu_insn *i, uint16_t v)
{
    mem_write(cpu, i, mem_operand(cpu, i, EA_ANY, 2, MEM_WRITE), 2, v);
}

/* SDM Vol. 2C, "WAIT/FWAIT". TS alone does not matter to it. */
CPU_OP(op_fwait)
{
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) {
        cpu->cur = i;
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_WAIT);
    }
    x87_wait(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FINIT/FNINIT": the registers keep their contents. */
CPU_OP(op_fninit)
{
    fpu_may_settle(cpu, i);
    fpu_reset(cpu, true);
    fpu_settle(cpu);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FCLEX/FNCLEX". */
CPU_OP(op_fnclex)
{
    fpu_may_settle(cpu, i);
    cpu->fpu.sw &= (uint16_t)~(FP_ALL | FPU_SW_SF | FPU_SW_ES | FPU_SW_B);
    fpu_settle(cpu);
    CPU_CONTINUE(cpu, i);
}

/* FENI, FDISI (8087) and FSETPM (80287) do nothing. */
CPU_OP(op_fnothing)
{
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FLDCW": it may unmask an exception whose flag is set, which is pending then. */
CPU_OP(op_fldcw)
{
    uint64_t cw;

    x87_wait(cpu, i);
    fpu_may_settle(cpu, i);
    cw = mem_read(cpu, i, mem_operand(cpu, i, EA_ANY, 2, MEM_READ), 2);
    cpu->fpu.cw = (uint16_t)((cw & FPU_CW_BITS) | FPU_CW_RESET);
    fpu_settle(cpu);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_fnstcw)
{
    write2(cpu, i, cpu->fpu.cw);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_fnstsw)
{
    write2(cpu, i, cpu->fpu.sw);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_fnstsw_ax)
{
    exec_set_reg(cpu, CPU_AX * 8, 16, cpu->fpu.sw);
    CPU_CONTINUE(cpu, i);
}

/* ---- The environment: SDM Vol. 1, "x87 FPU environment (state) image formats" ---- */

/*
 * 14 or 28 bytes by operand size: seven items of 2 bytes, or of 4, whose unused upper halves are stored as ones. Items 3 to 6 are
 *
 *     protected mode   IP offset; CS, in 32-bit format with the opcode in bits 26:16; operand offset; DS
 *     real, VM86       16-bit: IP 15:0; IP 19:16 in bits 15:12, opcode in 10:0; operand 15:0; operand 19:16 in bits 15:12
 *                      32-bit: IP 15:0; IP 31:16 in bits 27:12, opcode in 10:0; operand 15:0; operand 31:16 in bits 27:12
 *
 * where real mode has linear addresses. Loaded, such a one belongs to a segment at 0.
 */
enum { ENV_CW, ENV_SW, ENV_TAGS, ENV_IP, ENV_CS, ENV_OPERAND, ENV_DS, ENV_ITEMS };

static bool real_format(const struct cpu *cpu)
{
    return !(cpu->cr0 & CR0_PE) || cpu->eflags & EFL_VM;
}

/* In 64-bit code REX.W does not matter. */
static unsigned item_bytes(const struct cpu_insn *i)
{
    return i->flags & (INSN_OP32 | INSN_OP64) ? 4 : 2;
}

static void put_item(uint8_t *image, unsigned item, unsigned size, uint32_t v)
{
    for (unsigned n = 0; n < size; n++)
        image[item * size + n] = (uint8_t)(v >> (8 * n));
}

static uint32_t get_item(const uint8_t *image, unsigned item, unsigned size)
{
    uint32_t v = 0;

    for (unsigned n = 0; n < size; n++)
        v |= (uint32_t)image[item * size + n] << (8 * n);
    return v;
}

static void put_environment(const struct cpu *cpu, uint8_t *image, unsigned size)
{
    const struct cpu_fpu *f = &cpu->fpu;

    put_item(image, ENV_CW, size, 0xffff0000 | f->cw);
    put_item(image, ENV_SW, size, 0xffff0000 | f->sw);
    put_item(image, ENV_TAGS, size, 0xffff0000 | fpu_tag_word(f));
    if (real_format(cpu)) {
        uint32_t mask = size == 2 ? 0xfffff : UINT32_MAX;
        uint32_t ip = (uint32_t)(f->fip + ((uint32_t)f->fcs << 4)) & mask, operand = (uint32_t)(f->fdp + ((uint32_t)f->fds << 4)) & mask;

        put_item(image, ENV_IP, size, 0xffff0000 | (ip & 0xffff));
        put_item(image, ENV_CS, size, ip >> 16 << 12 | f->fop);
        put_item(image, ENV_OPERAND, size, 0xffff0000 | (operand & 0xffff));
        put_item(image, ENV_DS, size, operand >> 16 << 12);
    } else {
        put_item(image, ENV_IP, size, (uint32_t)f->fip);
        put_item(image, ENV_CS, size, (uint32_t)f->fop << 16 | f->fcs);
        put_item(image, ENV_OPERAND, size, (uint32_t)f->fdp);
        put_item(image, ENV_DS, size, 0xffff0000 | f->fds);
    }
}

static void get_environment(struct cpu *cpu, const uint8_t *image, unsigned size)
{
    struct cpu_fpu *f = &cpu->fpu;
    uint32_t cs = get_item(image, ENV_CS, size);

    f->cw = (uint16_t)((get_item(image, ENV_CW, size) & FPU_CW_BITS) | FPU_CW_RESET);
    f->sw = (uint16_t)get_item(image, ENV_SW, size);
    fpu_set_tag_word(f, (uint16_t)get_item(image, ENV_TAGS, size));
    if (real_format(cpu)) {
        f->fip = (get_item(image, ENV_IP, size) & 0xffff) | (cs >> 12 & 0xffff) << 16;
        f->fdp = (get_item(image, ENV_OPERAND, size) & 0xffff) | (get_item(image, ENV_DS, size) >> 12 & 0xffff) << 16;
        f->fop = cs & FPU_FOP_BITS;
        f->fcs = f->fds = 0;
    } else {
        f->fip = get_item(image, ENV_IP, size);
        f->fdp = get_item(image, ENV_OPERAND, size);
        f->fop = size == 2 ? 0 : cs >> 16 & FPU_FOP_BITS;
        f->fcs = (uint16_t)cs;
        f->fds = (uint16_t)get_item(image, ENV_DS, size);
    }
    fpu_settle(cpu);
}

/* SDM Vol. 2A, "FSTENV/FNSTENV": afterwards all exceptions are masked. */
CPU_OP(op_fnstenv)
{
    uint8_t image[ENV_ITEMS * 4];
    unsigned size = item_bytes(i);

    fpu_may_settle(cpu, i);
    put_environment(cpu, image, size);
    mem_write_bytes(cpu, i, x87_operand(cpu, i, mem_offset(cpu, i), ENV_ITEMS * size, size, MEM_WRITE), image, ENV_ITEMS * size);
    cpu->fpu.cw |= FP_ALL;
    fpu_settle(cpu);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FLDENV". */
CPU_OP(op_fldenv)
{
    uint8_t image[ENV_ITEMS * 4];
    unsigned size = item_bytes(i);

    x87_wait(cpu, i);
    fpu_may_settle(cpu, i);
    mem_read_bytes(cpu, i, x87_operand(cpu, i, mem_offset(cpu, i), ENV_ITEMS * size, size, MEM_READ), image, ENV_ITEMS * size);
    get_environment(cpu, image, size);
    CPU_CONTINUE(cpu, i);
}

/* ---- The environment and the registers, ST(0) first ---- */

/* SDM Vol. 2A, "FSAVE/FNSAVE": the FPU is initialised afterwards. */
CPU_OP(op_fnsave)
{
    uint8_t image[ENV_ITEMS * 4 + 80], *at = image;
    unsigned size = item_bytes(i), bytes;

    fpu_may_settle(cpu, i);
    put_environment(cpu, image, size);
    at += ENV_ITEMS * size;
    for (unsigned n = 0; n < 8; n++, at += 10) {
        const fp80 *r = &cpu->fpu.r[x87_place(&cpu->fpu, n)];

        memcpy(at, &r->mant, 8);
        memcpy(at + 8, &r->se, 2);
    }
    bytes = (unsigned)(at - image);
    mem_write_bytes(cpu, i, x87_operand(cpu, i, mem_offset(cpu, i), bytes, size, MEM_WRITE), image, bytes);
    fpu_reset(cpu, true);
    fpu_settle(cpu);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FRSTOR". */
CPU_OP(op_frstor)
{
    uint8_t image[ENV_ITEMS * 4 + 80];
    const uint8_t *at;
    unsigned size = item_bytes(i), bytes = ENV_ITEMS * size + 80;

    x87_wait(cpu, i);
    fpu_may_settle(cpu, i);
    mem_read_bytes(cpu, i, x87_operand(cpu, i, mem_offset(cpu, i), bytes, size, MEM_READ), image, bytes);
    get_environment(cpu, image, size);
    at = image + ENV_ITEMS * size;
    for (unsigned n = 0; n < 8; n++, at += 10) {
        fp80 *r = &cpu->fpu.r[x87_place(&cpu->fpu, n)];

        memcpy(&r->mant, at, 8);
        memcpy(&r->se, at + 8, 2);
    }
    CPU_CONTINUE(cpu, i);
}

/* ---- FXSAVE: SDM Vol. 1, "FXSAVE and FXRSTOR instructions" ---- */

/*
 *     0 x87 state, as fpu_save_image() has it     24 MXCSR     28 MXCSR_MASK     32 ST0..ST7, 16 bytes each
 *     160 XMM0..XMM7; in 64-bit code to XMM15     416 (288) not written
 *
 * Without CR4.OSFXSR the XMM registers and MXCSR are left out; which is up to the processor.
 */
enum { FX_BYTES = 512, FX_MXCSR = 24, FX_MXCSR_MASK = 28, FX_XMM = 160 };
#define MXCSR_BITS 0xffffu

static unsigned xmm_count(const struct cpu *cpu)
{
    if (!(cpu->cr4 & CR4_OSFXSR))
        return 0;
    return cpu->mode & MODE_L ? 16 : 8;
}

/* The operand's linear address: 16-byte aligned, all 512 bytes within the segment. */
static sim_laddr fx_operand(struct cpu *cpu, const struct cpu_insn *i, enum mem_access access)
{
    sim_laddr laddr = mem_operand(cpu, i, EA_ANY, FX_BYTES, access);

    if (laddr & 15) {
        cpu->cur = i;
        cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_ALIGN);
    }
    return laddr;
}

/* SDM Vol. 2A, "FXSAVE". */
CPU_OP(op_fxsave)
{
    uint8_t image[FX_BYTES];
    sim_laddr laddr = fx_operand(cpu, i, MEM_WRITE);
    unsigned xmm = xmm_count(cpu), bytes = FX_XMM + 16 * xmm;
    uint32_t mask = MXCSR_BITS;

    mem_probe_write(cpu, i, laddr, FX_BYTES);
    fpu_save_image(&cpu->fpu, image, i->flags & INSN_OP64);
    if (!xmm)
        mem_read_bytes(cpu, i, laddr + FX_MXCSR, image + FX_MXCSR, 8);
    else {
        memcpy(image + FX_MXCSR, &cpu->mxcsr, 4);
        memcpy(image + FX_MXCSR_MASK, &mask, 4);
    }
    for (unsigned n = 0; n < xmm; n++)
        memcpy(image + FX_XMM + 16 * n, cpu->vector[n].b, 16);
    mem_write_bytes(cpu, i, laddr, image, bytes);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FXRSTOR". It does not wait, and what it brings may be pending for those that do. */
CPU_OP(op_fxrstor)
{
    uint8_t image[FX_BYTES];
    sim_laddr laddr;
    unsigned xmm = xmm_count(cpu);
    uint32_t mxcsr;

    fpu_may_settle(cpu, i);
    laddr = fx_operand(cpu, i, MEM_READ);
    mem_read_bytes(cpu, i, laddr, image, FX_BYTES);
    memcpy(&mxcsr, image + FX_MXCSR, 4);
    if (xmm && mxcsr & ~MXCSR_BITS) {
        cpu->cur = i;
        cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = mxcsr };
        cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_XRSTOR);
    }
    fpu_load_image(&cpu->fpu, image, i->flags & INSN_OP64);
    fpu_settle(cpu);
    if (xmm)
        cpu->mxcsr = mxcsr;
    for (unsigned n = 0; n < xmm; n++)
        memcpy(cpu->vector[n].b, image + FX_XMM + 16 * n, 16);
    CPU_CONTINUE(cpu, i);
}
