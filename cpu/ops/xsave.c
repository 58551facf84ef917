/*
 * XSAVE and its kin: SDM Vol. 1, "Managing state using the XSAVE feature set"; Vol. 2D.
 *
 * A component counts as in use when its registers differ from their initial configuration. XSAVEOPT and XSAVES save all that is in use:
 * the modified optimization, which is up to the processor, is not made.
 */
#include "cpu/xsave.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/isa/isa.h"
#include "cpu/model.h"
#include "cpu/paging.h"

const struct xsave_component xsave_components[] = { { 2, 256, 576 }, { 9, 8, 2688 } };
const unsigned xsave_component_count = sizeof(xsave_components) / sizeof(xsave_components[0]);

enum { MXCSR_AT = 24, MXCSR_MASK_AT = 28, XMM_AT = 160, HEADER_AT = 512, XCOMP_AT = 520 };
#define MXCSR_BITS 0xffffu

/* ---- Components ---- */

uint64_t xsave_supported(const struct cpu_model *model)
{
    uint64_t bits = XSAVE_X87 | XSAVE_SSE;

    bits |= model->sets >> SET_AVX & 1 ? XSAVE_AVX : 0;
    return bits | (model->sets >> SET_PKU & 1 ? XSAVE_PKRU : 0);
}

/* Where a component stands: the compacted format leaves no room for those that XCOMP_BV lacks. */
static unsigned place(const struct xsave_component *c, uint64_t components, bool compacted)
{
    unsigned at = XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES;

    if (!compacted)
        return c->offset;
    for (const struct xsave_component *before = xsave_components; before < c; before++)
        at += components >> before->number & 1 ? before->size : 0;
    return at;
}

uint32_t xsave_bytes(uint64_t components, bool compacted)
{
    uint32_t bytes = XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES;

    for (unsigned n = 0; n < xsave_component_count; n++) {
        const struct xsave_component *c = &xsave_components[n];

        if (components >> c->number & 1)
            bytes = place(c, components, compacted) + c->size;
    }
    return bytes;
}

/* Outside 64-bit mode the upper eight vector registers are not touched. */
static unsigned vectors(const struct cpu *cpu)
{
    return cpu->mode & MODE_L ? 16 : 8;
}

static bool x87_in_use(const struct cpu_fpu *f)
{
    static const fp80 zero[8];

    return f->cw != FPU_CW_INIT || f->sw || f->valid || f->fop || f->fcs || f->fds || f->fip || f->fdp || memcmp(f->r, zero, sizeof(zero)) != 0;
}

/* Is any of the low (half = 0) or high halves not zero? */
static bool vectors_in_use(const struct cpu *cpu, unsigned half)
{
    for (unsigned n = 0; n < vectors(cpu); n++)
        if (cpu->vector[n].q[half * 2] | cpu->vector[n].q[half * 2 + 1])
            return true;
    return false;
}

/* XINUSE. */
static uint64_t in_use(const struct cpu *cpu)
{
    return (x87_in_use(&cpu->fpu) ? XSAVE_X87 : 0) | (vectors_in_use(cpu, 0) ? XSAVE_SSE : 0) | (vectors_in_use(cpu, 1) ? XSAVE_AVX : 0) |
           (cpu->pkru ? XSAVE_PKRU : 0);
}

static void component_save(const struct cpu *cpu, unsigned number, uint8_t *to)
{
    if (number == 9) {
        memset(to, 0, 8);
        memcpy(to, &cpu->pkru, 4);
        return;
    }
    for (unsigned n = 0; n < vectors(cpu); n++)
        memcpy(to + n * 16, &cpu->vector[n].q[2], 16);
}

/* from == NULL: the initial configuration. */
static void component_load(struct cpu *cpu, unsigned number, const uint8_t *from)
{
    static const uint8_t zero[16];

    if (number == 9) {
        uint32_t pkru;

        memcpy(&pkru, from ? from : zero, 4);
        paging_set_pkru(cpu, pkru);
        return;
    }
    for (unsigned n = 0; n < vectors(cpu); n++)
        memcpy(&cpu->vector[n].q[2], from ? from + n * 16 : zero, 16);
}

/* ---- Checks that all of them make ---- */

static _Noreturn void refuse(struct cpu *cpu, const struct cpu_insn *i, enum cpu_cause cause, uint64_t value)
{
    cpu->cur = i;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = value };
    cpu_raise(cpu, VEC_GP, 0, cause);
}

static void need_osxsave(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    if (!(cpu->cr4 & CR4_OSXSAVE))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_CR4OSXSAVE);
}

/* The area's linear address. */
static sim_laddr area(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes, enum mem_access access)
{
    sim_laddr laddr;

    need_osxsave(cpu, i);
    if (cpu->cr0 & CR0_TS)
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_TS);
    laddr = mem_operand(cpu, i, EA_ANY, bytes, access);
    if (laddr & 63)
        refuse(cpu, i, CPU_CAUSE_GP_ALIGN, laddr);
    return laddr;
}

/* Requested-feature bitmap. */
static uint64_t requested(const struct cpu *cpu)
{
    return cpu->xcr0 & ((uint32_t)cpu->reg[CPU_AX] | cpu->reg[CPU_DX] << 32);
}

/* ---- Saving ---- */

static void save_legacy(struct cpu *cpu, const struct cpu_insn *i, uint64_t save, bool mxcsr, uint8_t *image)
{
    uint32_t mask = MXCSR_BITS;

    if (save & XSAVE_X87) {
        uint8_t x87[XSAVE_LEGACY_BYTES];

        fpu_save_image(&cpu->fpu, x87, i->flags & INSN_OP64);
        memcpy(image, x87, MXCSR_AT);
        memcpy(image + 32, x87 + 32, XMM_AT - 32);
    }
    if (mxcsr) {
        memcpy(image + MXCSR_AT, &cpu->mxcsr, 4);
        memcpy(image + MXCSR_MASK_AT, &mask, 4);
    }
    for (unsigned n = 0; save & XSAVE_SSE && n < vectors(cpu); n++)
        memcpy(image + XMM_AT + n * 16, cpu->vector[n].b, 16);
}

/* The image of memory as it will be: what is not saved stays, so it is read first. `save`: components that are written. */
static void save(struct cpu *cpu, const struct cpu_insn *i, uint64_t rfbm, uint64_t save, bool compacted)
{
    unsigned bytes = xsave_bytes(rfbm, compacted);
    sim_laddr laddr = area(cpu, i, bytes, MEM_WRITE);
    uint8_t image[XSAVE_MAX_BYTES];
    uint64_t header[2];

    mem_probe_write(cpu, i, laddr, bytes);
    mem_read_bytes(cpu, i, laddr, image, bytes);
    memcpy(header, image + HEADER_AT, sizeof(header));
    save_legacy(cpu, i, save, compacted ? save & XSAVE_SSE : rfbm & (XSAVE_SSE | XSAVE_AVX), image);
    for (unsigned n = 0; n < xsave_component_count; n++)
        if (save >> xsave_components[n].number & 1)
            component_save(cpu, xsave_components[n].number, image + place(&xsave_components[n], rfbm, compacted));
    header[0] = compacted ? save : (header[0] & ~rfbm) | (in_use(cpu) & rfbm);
    if (compacted)
        header[1] = rfbm | XSAVE_COMPACTED;
    memcpy(image + HEADER_AT, header, sizeof(header));
    mem_write_bytes(cpu, i, laddr, image, bytes);
}

/* SDM Vol. 2D, "XSAVE". */
CPU_OP(op_xsave)
{
    save(cpu, i, requested(cpu), requested(cpu), false);
    CONTINUE;
}

/* SDM Vol. 2D, "XSAVEOPT". */
CPU_OP(op_xsaveopt)
{
    save(cpu, i, requested(cpu), requested(cpu) & in_use(cpu), false);
    CONTINUE;
}

/* SDM Vol. 2D, "XSAVEC". An MXCSR that is not the initial one makes SSE state count as in use. */
CPU_OP(op_xsavec)
{
    uint64_t rfbm = requested(cpu);

    save(cpu, i, rfbm, rfbm & (in_use(cpu) | (cpu->mxcsr != MXCSR_INIT ? XSAVE_SSE : 0)), true);
    CONTINUE;
}

/* SDM Vol. 2D, "XSAVES". The supervisor components that IA32_XSS adds are none: it takes no bit but 0. */
CPU_OP(op_xsaves)
{
    return op_xsavec(cpu, i);
}

/* ---- Restoring ---- */

/* Reads the header, and checks it. Returns the components that the area has room for. */
static uint64_t check_header(struct cpu *cpu, const struct cpu_insn *i, const uint8_t *bytes, bool must_be_compacted)
{
    uint64_t header[8], rest = 0;
    bool compacted;

    memcpy(header, bytes, sizeof(header));
    compacted = header[1] & XSAVE_COMPACTED;
    for (unsigned n = 2; n < (compacted ? 8 : 3); n++)
        rest |= header[n];
    if (!compacted && (must_be_compacted || header[1]))
        refuse(cpu, i, CPU_CAUSE_GP_XRSTOR, header[1]);
    if (rest)
        refuse(cpu, i, CPU_CAUSE_GP_XRSTOR, rest);
    if (compacted && header[1] & ~(cpu->xcr0 | XSAVE_COMPACTED))
        refuse(cpu, i, CPU_CAUSE_GP_XRSTOR, header[1]);
    if (header[0] & ~(compacted ? header[1] : cpu->xcr0))
        refuse(cpu, i, CPU_CAUSE_GP_XRSTOR, header[0]);
    return compacted ? header[1] : cpu->xcr0;
}

static void load_legacy(struct cpu *cpu, const struct cpu_insn *i, uint64_t rfbm, uint64_t load, const uint8_t *image)
{
    static const uint8_t zero[16];

    if (rfbm & XSAVE_X87) {
        if (load & XSAVE_X87)
            fpu_load_image(&cpu->fpu, image, i->flags & INSN_OP64);
        else
            cpu->fpu = (struct cpu_fpu){ .cw = FPU_CW_INIT, .ferr = cpu->fpu.ferr };
        fpu_settle(cpu);
    }
    for (unsigned n = 0; rfbm & XSAVE_SSE && n < vectors(cpu); n++)
        memcpy(cpu->vector[n].b, load & XSAVE_SSE ? image + XMM_AT + n * 16 : zero, 16);
}

/* MXCSR as the area has it; the standard format loads it for AVX too, and whether SSE state is marked or not. */
static uint32_t new_mxcsr(struct cpu *cpu, const struct cpu_insn *i, uint64_t rfbm, uint64_t load, bool compacted, const uint8_t *image)
{
    uint32_t mxcsr;

    memcpy(&mxcsr, image + MXCSR_AT, 4);
    if (!(rfbm & (compacted ? XSAVE_SSE : XSAVE_SSE | XSAVE_AVX)))
        return cpu->mxcsr;
    if (compacted && !(load & XSAVE_SSE))
        return MXCSR_INIT;
    if (mxcsr & ~MXCSR_BITS)
        refuse(cpu, i, CPU_CAUSE_GP_XRSTOR, mxcsr);
    return mxcsr;
}

static void restore(struct cpu *cpu, const struct cpu_insn *i, bool must_be_compacted)
{
    uint64_t rfbm = requested(cpu), has, load, xstate;
    sim_laddr laddr = area(cpu, i, XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES, MEM_READ);
    uint8_t image[XSAVE_MAX_BYTES];
    bool compacted;
    uint32_t mxcsr;

    fpu_may_settle(cpu, i);
    mem_read_bytes(cpu, i, laddr, image, XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES);
    has = check_header(cpu, i, image + HEADER_AT, must_be_compacted);
    compacted = has & XSAVE_COMPACTED;
    memcpy(&xstate, image + HEADER_AT, 8);
    load = rfbm & xstate;
    for (unsigned n = 0; n < xsave_component_count; n++) {
        unsigned at = place(&xsave_components[n], has, compacted);

        if (load >> xsave_components[n].number & 1)
            mem_read_bytes(cpu, i, laddr + at, image + at, xsave_components[n].size);
    }
    mxcsr = new_mxcsr(cpu, i, rfbm, load, compacted, image);
    load_legacy(cpu, i, rfbm, load, image);
    cpu->mxcsr = mxcsr;
    for (unsigned n = 0; n < xsave_component_count; n++) {
        const struct xsave_component *c = &xsave_components[n];

        if (rfbm >> c->number & 1)
            component_load(cpu, c->number, load >> c->number & 1 ? image + place(c, has, compacted) : NULL);
    }
}

/* SDM Vol. 2D, "XRSTOR", "XRSTORS". */
CPU_OP(op_xrstor)
{
    restore(cpu, i, false);
    CONTINUE;
}

CPU_OP(op_xrstors)
{
    restore(cpu, i, true);
    CONTINUE;
}

/* ---- XCR0 ---- */

/* SDM Vol. 2D, "XGETBV". ECX = 1: the components of XCR0 that are in use. */
CPU_OP(op_xgetbv)
{
    uint32_t which = (uint32_t)cpu->reg[CPU_CX];
    uint64_t v = which ? cpu->xcr0 & in_use(cpu) : cpu->xcr0;

    need_osxsave(cpu, i);
    if (which > 1 || (which && !(cpu->model->sets >> SET_XSAVEC & 1)))
        refuse(cpu, i, CPU_CAUSE_GP_XSETBV, which);
    exec_set_reg(cpu, CPU_AX * 8, 32, v);
    exec_set_reg(cpu, CPU_DX * 8, 32, v >> 32);
    CONTINUE;
}

/* SDM Vol. 2D, "XSETBV". x87 state cannot be left out, nor AVX be had without SSE. */
CPU_OP(op_xsetbv)
{
    uint64_t v = (uint32_t)cpu->reg[CPU_AX] | cpu->reg[CPU_DX] << 32;

    need_osxsave(cpu, i);
    if ((uint32_t)cpu->reg[CPU_CX])
        refuse(cpu, i, CPU_CAUSE_GP_XSETBV, cpu->reg[CPU_CX]);
    if (v & ~xsave_supported(cpu->model) || !(v & XSAVE_X87) || (v & XSAVE_AVX && !(v & XSAVE_SSE)))
        refuse(cpu, i, CPU_CAUSE_GP_XSETBV, v);
    cpu->xcr0 = v;
    cpu_mode_changed(cpu);
    CONTINUE;
}
