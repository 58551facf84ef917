#include "cpu/fpu.h"

#include "cpu/mem.h"
#include "cpu/run.h"

static const struct sim_field fp80_fields[] = {
    SIM_FIELD(fp80, mant, "significand"), SIM_FIELD(fp80, se, "sign and exponent"), SIM_FIELD_END
};

const struct sim_field fpu_fields[] = {
    SIM_FIELD_SUB(struct cpu_fpu, r, fp80_fields, "physical registers"),
    SIM_FIELD(struct cpu_fpu, cw, "control word"),
    SIM_FIELD(struct cpu_fpu, sw, "status word"),
    SIM_FIELD(struct cpu_fpu, valid, "bit n: Rn is not empty"),
    SIM_FIELD(struct cpu_fpu, fop, "last opcode"),
    SIM_FIELD(struct cpu_fpu, fcs, ""), SIM_FIELD(struct cpu_fpu, fds, ""),
    SIM_FIELD(struct cpu_fpu, fip, "last instruction"), SIM_FIELD(struct cpu_fpu, fdp, "last operand"),
    SIM_FIELD(struct cpu_fpu, ferr, "FERR# is driven"),
    SIM_FIELD_END
};

/* SDM Vol. 3A, "Processor state after reset"; Vol. 2A, "FINIT/FNINIT". */
void fpu_reset(struct cpu *cpu, bool fninit)
{
    struct cpu_fpu *f = &cpu->fpu;

    if (f->ferr && !fninit)
        sim_wire_set(&cpu->ferr, false);
    if (!fninit)
        *f = (struct cpu_fpu){ .valid = 0xff, .cw = FPU_CW_RESET };
    else
        f->valid = 0;
    if (fninit)
        f->cw = FPU_CW_INIT;
    f->sw = 0;
    f->fop = f->fcs = f->fds = 0;
    f->fip = f->fdp = 0;
}

static unsigned tag_of(fp80 v)
{
    switch (v.se & 0x7fff) {
    case 0x7fff: return 2;
    case 0: return v.mant ? 2 : 1;
    default: return v.mant >> 63 ? 0 : 2;
    }
}

uint16_t fpu_tag_word(const struct cpu_fpu *fpu)
{
    unsigned tags = 0;

    for (unsigned n = 0; n < 8; n++)
        tags |= (fpu->valid >> n & 1 ? tag_of(fpu->r[n]) : 3) << (2 * n);
    return (uint16_t)tags;
}

void fpu_set_tag_word(struct cpu_fpu *fpu, uint16_t tags)
{
    fpu->valid = 0;
    for (unsigned n = 0; n < 8; n++)
        fpu->valid |= (uint8_t)(((tags >> (2 * n) & 3) != 3) << n);
}

/* ---- Pending exceptions ---- */

/* Of several, the one that the SDM gives precedence: Vol. 1, "Exception priority". */
static enum cpu_cause pending_cause(const struct cpu_fpu *f)
{
    unsigned unmasked = f->sw & ~f->cw;

    if (unmasked & FP_IE)
        return f->sw & FPU_SW_SF ? CPU_CAUSE_MF_IE_STACK : CPU_CAUSE_MF_IE_ARITH;
    return unmasked & FP_ZE ? CPU_CAUSE_MF_ZE : unmasked & FP_DE ? CPU_CAUSE_MF_DE : unmasked & FP_OE ? CPU_CAUSE_MF_OE
           : unmasked & FP_UE ? CPU_CAUSE_MF_UE : unmasked & FP_PE ? CPU_CAUSE_MF_PE : CPU_CAUSE_MF_PENDING;
}

void fpu_check_pending(struct cpu *cpu, const struct cpu_insn *i)
{
    if (!(cpu->fpu.sw & FPU_SW_ES))
        return;
    cpu->cur = i;
    if (cpu->cr0 & CR0_NE)
        cpu_raise(cpu, VEC_MF, 0, pending_cause(&cpu->fpu));
    mem_touch(cpu, i);
    if (!cpu->fpu.ferr) {
        cpu->fpu.ferr = true;
        sim_wire_set(&cpu->ferr, true);
    }
    if (bus_wire_level(cpu->bus, "ignne"))
        return;
    cpu->activity = CPU_FROZEN;
    run_unwind(cpu, RUN_UNWIND_FROZEN);
}

void fpu_may_settle(struct cpu *cpu, const struct cpu_insn *i)
{
    if (cpu->fpu.ferr)
        mem_touch(cpu, i);
}

void fpu_settle(struct cpu *cpu)
{
    struct cpu_fpu *f = &cpu->fpu;
    bool pending = f->sw & ~f->cw & FP_ALL;

    f->sw = (uint16_t)((f->sw & ~(FPU_SW_ES | FPU_SW_B)) | (pending ? FPU_SW_ES | FPU_SW_B : 0));
    if (f->ferr && !pending) {
        f->ferr = false;
        sim_wire_set(&cpu->ferr, false);
    }
}

/* ---- The FXSAVE area: SDM Vol. 1, "Layout of the FXSAVE area" ---- */

enum { IMAGE_CW = 0, IMAGE_SW = 2, IMAGE_TAGS = 4, IMAGE_FOP = 6, IMAGE_IP = 8, IMAGE_CS = 12, IMAGE_DP = 16, IMAGE_DS = 20, IMAGE_ST = 32 };

static void put(uint8_t *at, uint64_t v, unsigned size)
{
    for (unsigned n = 0; n < size; n++)
        at[n] = (uint8_t)(v >> (8 * n));
}

static uint64_t get(const uint8_t *at, unsigned size)
{
    uint64_t v = 0;

    for (unsigned n = 0; n < size; n++)
        v |= (uint64_t)at[n] << (8 * n);
    return v;
}

void fpu_save_image(const struct cpu_fpu *f, uint8_t image[FPU_IMAGE_BYTES], bool wide)
{
    put(image + IMAGE_CW, f->cw, 2);
    put(image + IMAGE_SW, f->sw, 2);
    put(image + IMAGE_TAGS, f->valid, 2);
    put(image + IMAGE_FOP, f->fop, 2);
    put(image + IMAGE_IP, wide ? f->fip : (uint32_t)f->fip | (uint64_t)f->fcs << 32, 8);
    put(image + IMAGE_DP, wide ? f->fdp : (uint32_t)f->fdp | (uint64_t)f->fds << 32, 8);
    for (unsigned n = 0; n < 8; n++) {
        const fp80 *r = &f->r[((f->sw >> FPU_TOP_SHIFT) + n) & 7];

        put(image + IMAGE_ST + 16 * n, r->mant, 8);
        put(image + IMAGE_ST + 16 * n + 8, r->se, 8);
    }
}

/* A linear address as it can be: bits 63:48 copy bit 47. */
static uint64_t canonical(uint64_t v)
{
    return (uint64_t)((int64_t)(v << 16) >> 16);
}

void fpu_load_image(struct cpu_fpu *f, const uint8_t image[FPU_IMAGE_BYTES], bool wide)
{
    f->cw = (uint16_t)((get(image + IMAGE_CW, 2) & FPU_CW_BITS) | FPU_CW_RESET);
    f->sw = (uint16_t)get(image + IMAGE_SW, 2);
    f->valid = image[IMAGE_TAGS];
    f->fop = (uint16_t)(get(image + IMAGE_FOP, 2) & FPU_FOP_BITS);
    f->fip = wide ? canonical(get(image + IMAGE_IP, 8)) : get(image + IMAGE_IP, 4);
    f->fdp = wide ? canonical(get(image + IMAGE_DP, 8)) : get(image + IMAGE_DP, 4);
    f->fcs = wide ? 0 : (uint16_t)get(image + IMAGE_CS, 2);
    f->fds = wide ? 0 : (uint16_t)get(image + IMAGE_DS, 2);
    for (unsigned n = 0; n < 8; n++)
        f->r[((f->sw >> FPU_TOP_SHIFT) + n) & 7] =
            (fp80){ get(image + IMAGE_ST + 16 * n, 8), (uint16_t)get(image + IMAGE_ST + 16 * n + 8, 2) };
}
