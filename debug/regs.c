/*
 * Registers by name. Reading is a table; a write is refused, with its reason, where the result could not have come about in a processor:
 * everything in cpu/ relies on that.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "cpu/code.h"
#include "cpu/isa/isa.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/paging.h"
#include "cpu/seg.h"
#include "debug/private.h"

enum reg_kind {
    REG_GPR,     /* index, shift, width */
    REG_IP, REG_PC, REG_EFLAGS,
    REG_SELECTOR, REG_BASE, REG_LIMIT, REG_ATTR, /* index: segment */
    REG_CR,      /* index: 0, 2, 3, 4 */
    REG_EFER, REG_DR, REG_PDPTE,
    REG_TABLE_BASE, REG_TABLE_LIMIT, /* index: 0 GDTR, 1 IDTR */
    REG_CPL, REG_TSC, REG_XCR0, REG_SMM, REG_SMBASE, REG_STEPS, REG_CYCLE,
    REG_FPU, REG_MMX, REG_XMM_Q, REG_YMM_Q, REG_PKRU /* see regs_fpu.c; index of a quadword: 4 * register + its place */
};

struct reg {
    const char *name;
    uint8_t kind, index, shift, width; /* width: bits */
};

#define GPR32(name, i) { "e" name, REG_GPR, i, 0, 32 }
#define GPR64(name, i) { name, REG_GPR, i, 0, 64 }
#define GPR16(name, i) { name, REG_GPR, i, 0, 16 }
#define SEGMENT(name, i)                                                                                             \
    { name, REG_SELECTOR, i, 0, 16 }, { name ".base", REG_BASE, i, 0, 64 }, { name ".limit", REG_LIMIT, i, 0, 32 },  \
    { name ".attr", REG_ATTR, i, 0, 17 }
#define VECTOR(n)                                                                                                        \
    { "xmm" #n ".q0", REG_XMM_Q, 4 * n, 0, 64 }, { "xmm" #n ".q1", REG_XMM_Q, 4 * n + 1, 0, 64 },                       \
    { "ymm" #n ".q0", REG_YMM_Q, 4 * n, 0, 64 }, { "ymm" #n ".q1", REG_YMM_Q, 4 * n + 1, 0, 64 },                       \
    { "ymm" #n ".q2", REG_YMM_Q, 4 * n + 2, 0, 64 }, { "ymm" #n ".q3", REG_YMM_Q, 4 * n + 3, 0, 64 }

static const struct reg regs[] = {
    GPR32("ax", CPU_AX), GPR32("cx", CPU_CX), GPR32("dx", CPU_DX), GPR32("bx", CPU_BX),
    GPR32("sp", CPU_SP), GPR32("bp", CPU_BP), GPR32("si", CPU_SI), GPR32("di", CPU_DI),
    { "eip", REG_IP, 0, 0, 32 }, { "eflags", REG_EFLAGS, 0, 0, 32 },
    GPR64("rax", CPU_AX), GPR64("rcx", CPU_CX), GPR64("rdx", CPU_DX), GPR64("rbx", CPU_BX),
    GPR64("rsp", CPU_SP), GPR64("rbp", CPU_BP), GPR64("rsi", CPU_SI), GPR64("rdi", CPU_DI),
    GPR64("r8", 8), GPR64("r9", 9), GPR64("r10", 10), GPR64("r11", 11),
    GPR64("r12", 12), GPR64("r13", 13), GPR64("r14", 14), GPR64("r15", 15),
    { "rip", REG_IP, 0, 0, 64 }, { "rflags", REG_EFLAGS, 0, 0, 32 },
    GPR16("ax", CPU_AX), GPR16("cx", CPU_CX), GPR16("dx", CPU_DX), GPR16("bx", CPU_BX),
    GPR16("sp", CPU_SP), GPR16("bp", CPU_BP), GPR16("si", CPU_SI), GPR16("di", CPU_DI),
    { "ip", REG_IP, 0, 0, 16 }, { "flags", REG_EFLAGS, 0, 0, 16 },
    { "al", REG_GPR, CPU_AX, 0, 8 }, { "cl", REG_GPR, CPU_CX, 0, 8 }, { "dl", REG_GPR, CPU_DX, 0, 8 }, { "bl", REG_GPR, CPU_BX, 0, 8 },
    { "ah", REG_GPR, CPU_AX, 8, 8 }, { "ch", REG_GPR, CPU_CX, 8, 8 }, { "dh", REG_GPR, CPU_DX, 8, 8 }, { "bh", REG_GPR, CPU_BX, 8, 8 },
    SEGMENT("cs", CPU_CS), SEGMENT("ss", CPU_SS), SEGMENT("ds", CPU_DS), SEGMENT("es", CPU_ES), SEGMENT("fs", CPU_FS),
    SEGMENT("gs", CPU_GS), SEGMENT("ldtr", CPU_LDTR), SEGMENT("tr", CPU_TR),
    { "cr0", REG_CR, 0, 0, 32 }, { "cr2", REG_CR, 2, 0, 64 }, { "cr3", REG_CR, 3, 0, 64 }, { "cr4", REG_CR, 4, 0, 32 },
    { "efer", REG_EFER, 0, 0, 64 },
    { "dr0", REG_DR, 0, 0, 64 }, { "dr1", REG_DR, 1, 0, 64 }, { "dr2", REG_DR, 2, 0, 64 }, { "dr3", REG_DR, 3, 0, 64 },
    { "dr6", REG_DR, 6, 0, 32 }, { "dr7", REG_DR, 7, 0, 32 },
    { "gdtr.base", REG_TABLE_BASE, 0, 0, 64 }, { "gdtr.limit", REG_TABLE_LIMIT, 0, 0, 16 },
    { "idtr.base", REG_TABLE_BASE, 1, 0, 64 }, { "idtr.limit", REG_TABLE_LIMIT, 1, 0, 16 },
    { "cpl", REG_CPL, 0, 0, 2 }, { "pc", REG_PC, 0, 0, 64 }, { "tsc", REG_TSC, 0, 0, 64 },
    { "pdpte0", REG_PDPTE, 0, 0, 64 }, { "pdpte1", REG_PDPTE, 1, 0, 64 }, { "pdpte2", REG_PDPTE, 2, 0, 64 },
    { "pdpte3", REG_PDPTE, 3, 0, 64 },
    { "smm", REG_SMM, 0, 0, 1 }, { "smbase", REG_SMBASE, 0, 0, 32 },
    { "xcr0", REG_XCR0, 0, 0, 64 }, { "steps", REG_STEPS, 0, 0, 64 }, { "cycle", REG_CYCLE, 0, 0, 64 },
    { "fcw", REG_FPU, FPU_REG_CW, 0, 16 }, { "fsw", REG_FPU, FPU_REG_SW, 0, 16 }, { "ftw", REG_FPU, FPU_REG_TW, 0, 16 },
    { "fop", REG_FPU, FPU_REG_OP, 0, 11 }, { "fip", REG_FPU, FPU_REG_IP, 0, 64 }, { "fcs", REG_FPU, FPU_REG_CS, 0, 16 },
    { "fdp", REG_FPU, FPU_REG_DP, 0, 64 }, { "fds", REG_FPU, FPU_REG_DS, 0, 16 }, { "mxcsr", REG_FPU, FPU_REG_MXCSR, 0, 32 },
    { "pkru", REG_PKRU, 0, 0, 32 },
    { "mm0", REG_MMX, 0, 0, 64 }, { "mm1", REG_MMX, 1, 0, 64 }, { "mm2", REG_MMX, 2, 0, 64 }, { "mm3", REG_MMX, 3, 0, 64 },
    { "mm4", REG_MMX, 4, 0, 64 }, { "mm5", REG_MMX, 5, 0, 64 }, { "mm6", REG_MMX, 6, 0, 64 }, { "mm7", REG_MMX, 7, 0, 64 },
    VECTOR(0), VECTOR(1), VECTOR(2), VECTOR(3), VECTOR(4), VECTOR(5), VECTOR(6), VECTOR(7),
    VECTOR(8), VECTOR(9), VECTOR(10), VECTOR(11), VECTOR(12), VECTOR(13), VECTOR(14), VECTOR(15),
};
#define REGS (sizeof(regs) / sizeof(regs[0]))

const char *dbg_reg_name(unsigned n)
{
    return n < REGS ? regs[n].name : regs_wide_name(n - (unsigned)REGS);
}

static const struct reg *find(const char *name)
{
    for (unsigned n = 0; n < REGS; n++)
        if (regs[n].name[0] == (name[0] | 0x20) && strcasecmp(regs[n].name, name) == 0)
            return &regs[n];
    return NULL;
}

static enum sim_err unknown(const char *name)
{
    if (regs_is_wide(name))
        return sim_fail(SIM_ERR_USAGE, "%s has more than 64 bits: `info registers %s` shows it%s%s%s", name, name, *name == 's' ? "" : ", its quadwords are ",
                        *name == 's' ? "" : name, *name == 's' ? "" : ".q0 and so on");
    return sim_fail(SIM_ERR_UNKNOWN, "no register '%s' (eax, ax, al, eip, eflags, cs, cs.base, cs.limit, cs.attr, cr0, gdtr.base, msr:0x10, ...)",
                    name);
}

/* What the CPU model must have for it to be there. */
static enum isa_set needed_by(const struct reg *r)
{
    switch ((enum reg_kind)r->kind) {
    case REG_MMX: return SET_MMX;
    case REG_XMM_Q: return SET_SSE;
    case REG_YMM_Q: return SET_AVX;
    case REG_PKRU: return SET_PKU;
    default: return r->kind == REG_FPU && r->index == FPU_REG_MXCSR ? SET_SSE : SET_I8086;
    }
}

/* "msr:0x10": true if it is one; *number is set when it is well-formed. */
static bool is_msr(const char *name, uint32_t *number, bool *valid)
{
    unsigned long long v;
    char *end;

    if (strncasecmp(name, "msr:", 4) != 0)
        return false;
    v = strtoull(name + 4, &end, 0);
    *valid = name[4] >= '0' && name[4] <= '9' && !*end && v <= UINT32_MAX;
    *number = (uint32_t)v;
    return true;
}

static uint64_t cut(uint64_t v, unsigned width)
{
    return width >= 64 ? v : v & ((1ull << width) - 1);
}

/* ---- Reading ---- */

static uint64_t *control(struct cpu *cpu, unsigned index)
{
    switch (index) {
    case 0: return &cpu->cr0;
    case 2: return &cpu->cr2;
    case 3: return &cpu->cr3;
    default: return &cpu->cr4;
    }
}

static struct cpu_table *table_of(struct cpu *cpu, unsigned index)
{
    return index ? &cpu->idtr : &cpu->gdtr;
}

static uint64_t read_reg(struct cpu *cpu, const struct reg *r)
{
    switch ((enum reg_kind)r->kind) {
    case REG_GPR: return cpu->reg[r->index] >> r->shift;
    case REG_IP: return cpu->ip;
    case REG_PC: return dbg_linear(cpu, cpu->seg[CPU_CS].base + cpu->ip);
    case REG_EFLAGS: return cpu_eflags(cpu);
    case REG_SELECTOR: return cpu->seg[r->index].selector;
    case REG_BASE: return cpu->seg[r->index].base;
    case REG_LIMIT: return cpu->seg[r->index].limit;
    case REG_ATTR: return cpu->seg[r->index].attr;
    case REG_CR: return *control(cpu, r->index);
    case REG_EFER: return cpu->efer;
    case REG_DR: return cpu->dr[r->index];
    case REG_PDPTE: return cpu->pdpte[r->index];
    case REG_TABLE_BASE: return table_of(cpu, r->index)->base;
    case REG_TABLE_LIMIT: return table_of(cpu, r->index)->limit;
    case REG_CPL: return cpu->cpl;
    case REG_SMM: return cpu->smm.active;
    case REG_SMBASE: return cpu->smm.base;
    case REG_TSC: return cpu->cycle + cpu->tsc_offset;
    case REG_XCR0: return cpu->xcr0;
    case REG_STEPS: return cpu->steps;
    case REG_CYCLE: return cpu->cycle;
    case REG_FPU: return regs_fpu_read(cpu, r->index);
    case REG_MMX: return cpu->fpu.r[r->index].mant;
    case REG_XMM_Q: case REG_YMM_Q: return cpu->vector[r->index / 4].q[r->index % 4];
    case REG_PKRU: return cpu->pkru;
    }
    return 0;
}

enum sim_err dbg_reg_read(struct cpu *cpu, const char *name, uint64_t *value)
{
    const struct reg *r = find(name);
    uint32_t msr;
    bool valid;

    if (is_msr(name, &msr, &valid)) {
        if (!valid)
            return sim_fail(SIM_ERR_UNKNOWN, "'%s': an MSR is named msr:NUMBER, such as msr:0x10", name);
        return msr_peek(cpu, msr, value) ? SIM_OK : sim_fail(SIM_ERR_UNKNOWN, "CPU model %s has no MSR 0x%x", cpu->model->name, msr);
    }
    if (!r)
        return unknown(name);
    if (regs_lacks(cpu, name, needed_by(r)))
        return SIM_ERR_UNKNOWN;
    *value = cut(read_reg(cpu, r), r->width);
    return SIM_OK;
}

/* ---- Writing: segments ---- */

static bool vm86(const struct cpu *cpu)
{
    return cpu->eflags & EFL_VM;
}

static bool protected_mode(const struct cpu *cpu)
{
    return cpu->cr0 & CR0_PE && !vm86(cpu);
}

/* A selector in protected mode loads its descriptor, as the guest's own load would; a null one (not CS, SS, TR) makes the segment unusable. */
static enum sim_err load_selector(struct cpu *cpu, const struct reg *r, uint16_t selector)
{
    bool code = r->index == CPU_CS, stack = r->index == CPU_SS, system = r->index >= CPU_LDTR;
    struct seg_desc d;
    const char *wrong;

    if ((selector & 0xfffc) == 0) {
        if (code || stack || r->index == CPU_TR)
            return sim_fail(SIM_ERR_USAGE, "%s: a null selector cannot be loaded here", r->name);
        cpu->seg[r->index] = (struct cpu_seg){ .selector = selector, .attr = SEG_UNUSABLE };
        return SIM_OK;
    }
    if (system && selector & 4)
        return sim_fail(SIM_ERR_USAGE, "%s: 0x%x names an entry of the LDT; it must stand in the GDT", r->name, selector);
    wrong = dbg_descriptor(cpu, selector, &d);
    if (!wrong && !(d.attr & SEG_P))
        wrong = "its descriptor is not present";
    else if (!wrong && system)
        wrong = r->index == CPU_LDTR ? ((d.attr & (SEG_S | SEG_TYPE)) == SYS_LDT ? NULL : "its descriptor is no LDT")
                                     : ((d.attr & (SEG_S | 5)) == 1 && d.attr & SEG_TYPE ? NULL : "its descriptor is no TSS");
    else if (!wrong && !(d.attr & SEG_S))
        wrong = "its descriptor is a system descriptor";
    else if (!wrong && code)
        wrong = !(d.attr & SEG_TYPE_CODE) ? "its descriptor is no code segment"
                : (selector & 3) != cpu->cpl ? "its RPL is not the CPL"
                : (d.attr & SEG_TYPE_CONFORMING ? SEG_DPL(d.attr) > cpu->cpl : SEG_DPL(d.attr) != cpu->cpl) ? "its DPL does not fit the CPL" : NULL;
    else if (!wrong && stack)
        wrong = (d.attr & (SEG_TYPE_CODE | SEG_TYPE_WRITE)) != SEG_TYPE_WRITE ? "its descriptor is no writable data segment"
                : (selector & 3) != cpu->cpl || SEG_DPL(d.attr) != cpu->cpl ? "RPL and DPL must equal the CPL" : NULL;
    else if (!wrong)
        wrong = (d.attr & (SEG_TYPE_CODE | SEG_TYPE_READ)) == SEG_TYPE_CODE ? "its descriptor is an execute-only code segment" : NULL;
    if (wrong)
        return sim_fail(SIM_ERR_USAGE, "%s: 0x%04x cannot be loaded: %s", r->name, selector, wrong);
    cpu->seg[r->index] = (struct cpu_seg){ .selector = selector, .attr = d.attr, .limit = d.limit, .base = d.base };
    return SIM_OK;
}

static enum sim_err write_selector(struct cpu *cpu, const struct reg *r, uint16_t selector)
{
    enum sim_err err = SIM_OK;

    if (protected_mode(cpu) || r->index >= CPU_LDTR)
        err = load_selector(cpu, r, selector);
    else {
        cpu->seg[r->index].selector = selector;
        cpu->seg[r->index].base = (uint64_t)selector << 4;
        if (cpu->seg[r->index].attr & SEG_UNUSABLE) { /* usable again, as after a load in real mode */
            cpu->seg[r->index].attr = SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED | (vm86(cpu) ? 3u << 5 : 0);
            cpu->seg[r->index].limit = 0xffff;
        }
    }
    return err;
}

/* What the hidden part may hold beside each other: SDM Vol. 3C, "Checks on guest segment registers". */
static enum sim_err check_hidden(const struct cpu *cpu, const struct reg *r, const struct cpu_seg *s)
{
    bool code = (s->attr & (SEG_S | SEG_TYPE_CODE)) == (SEG_S | SEG_TYPE_CODE);

    if (s->attr & ~0x1f0ffu)
        return sim_fail(SIM_ERR_USAGE, "%s: bits 11:8 and above 16 do not exist", r->name);
    if (s->attr & SEG_L && !(r->index == CPU_CS && cpu->mode & MODE_LMA && !(s->attr & SEG_DB)))
        return sim_fail(SIM_ERR_USAGE, "%s: bit 13 (L) needs long mode", r->name);
    if (s->attr & SEG_UNUSABLE)
        return r->index == CPU_CS || r->index == CPU_TR ? sim_fail(SIM_ERR_USAGE, "%s: CS and TR are always usable", r->name) : SIM_OK;
    if ((s->attr & SEG_G && (s->limit & 0xfff) != 0xfff) || (!(s->attr & SEG_G) && s->limit > 0xfffff))
        return sim_fail(SIM_ERR_USAGE, "%s: limit 0x%x does not go with G=%d (attr bit 15): set the other one first", r->name, s->limit,
                        (s->attr & SEG_G) != 0);
    if (vm86(cpu) && r->index < CPU_LDTR && (s->limit != 0xffff || s->base != (uint64_t)s->selector << 4 || s->attr != 0xf3))
        return sim_fail(SIM_ERR_USAGE, "%s: in virtual-8086 mode base, limit and attributes follow from the selector", r->name);
    if (!(s->attr & SEG_S) != (r->index >= CPU_LDTR))
        return sim_fail(SIM_ERR_USAGE, "%s: bit 4 (S) must be %d here", r->name, r->index < CPU_LDTR);
    if (!protected_mode(cpu) || r->index >= CPU_LDTR)
        return SIM_OK;
    if (r->index == CPU_CS && !code)
        return sim_fail(SIM_ERR_USAGE, "%s: CS must be a code segment (bit 3) in protected mode", r->name);
    if (r->index == CPU_SS && ((s->attr & (SEG_TYPE_CODE | SEG_TYPE_WRITE)) != SEG_TYPE_WRITE || SEG_DPL(s->attr) != cpu->cpl))
        return sim_fail(SIM_ERR_USAGE, "%s: SS must be writable data with DPL %u, the CPL", r->name, cpu->cpl);
    return SIM_OK;
}

/* What is kept as an address has 32 bits, and in IA-32e mode is canonical. */
static enum sim_err check_address(const struct cpu *cpu, const struct reg *r, uint64_t v)
{
    if (!(cpu->mode & MODE_LMA) && v >> 32)
        return sim_fail(SIM_ERR_USAGE, "%s: 0x%llx does not fit into 32 bits, and this is not long mode", r->name, (unsigned long long)v);
    if (cpu->mode & MODE_LMA && !mem_canonical_base(cpu, v))
        return sim_fail(SIM_ERR_USAGE, "%s: 0x%llx is not canonical", r->name, (unsigned long long)v);
    return SIM_OK;
}

static enum sim_err write_hidden(struct cpu *cpu, const struct reg *r, uint64_t v)
{
    struct cpu_seg s = cpu->seg[r->index];
    enum sim_err err;

    if (r->kind == REG_BASE) {
        err = check_address(cpu, r, v);
        if (err)
            return err;
        s.base = v;
    }
    if (r->kind == REG_LIMIT)
        s.limit = (uint32_t)v;
    if (r->kind == REG_ATTR)
        s.attr = (uint32_t)v;
    err = check_hidden(cpu, r, &s);
    if (!err)
        cpu->seg[r->index] = s;
    return err;
}

/* ---- Writing: control registers ---- */

#define CR0_BITS (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

/* The four PDPTEs that CR3 would load: SDM Vol. 3A, "PDPTE registers". */
static enum sim_err peek_pdptes(struct cpu *cpu, uint64_t cr3, uint64_t pdpte[4])
{
    const uint64_t reserved = ~paging_phys_mask(cpu) | 0x1e6;

    for (unsigned n = 0; n < 4; n++) {
        sim_paddr paddr = ((cr3 & 0xffffffe0u) + n * 8) & cpu->bus->a20_mask;

        bus_peek_as(cpu->bus, cpu_viewer(cpu), paddr, &pdpte[n], 8);
        if (pdpte[n] & 1 && pdpte[n] & reserved)
            return sim_fail(SIM_ERR_USAGE, "PDPTE %u at physical 0x%llx is 0x%016llx, which has reserved bits set", n,
                            (unsigned long long)paddr, (unsigned long long)pdpte[n]);
    }
    return SIM_OK;
}

static enum sim_err check_cr0(const struct cpu *cpu, uint64_t v)
{
    if (v & ~(uint64_t)CR0_BITS)
        return sim_fail(SIM_ERR_USAGE, "cr0: bits 0x%llx do not exist", (unsigned long long)(v & ~(uint64_t)CR0_BITS));
    if (v & CR0_PG && !(v & CR0_PE))
        return sim_fail(SIM_ERR_USAGE, "cr0: paging (PG) needs protected mode (PE)");
    if (v & CR0_NW && !(v & CR0_CD))
        return sim_fail(SIM_ERR_USAGE, "cr0: NW needs CD");
    if (cpu->cr0 & ~v & CR0_PE && (vm86(cpu) || cpu->cpl != 0))
        return sim_fail(SIM_ERR_USAGE, "cr0: PE can be cleared at CPL 0 only, and not in virtual-8086 mode");
    return SIM_OK;
}

/* What IA-32e mode holds fast: it is entered and left by the guest alone. */
static enum sim_err check_long_mode(const struct cpu *cpu, unsigned index, uint64_t v)
{
    bool lma = cpu->efer & EFER_LMA;

    if (index == 0 && cpu->efer & EFER_LME && (cpu->cr0 ^ v) & CR0_PG)
        return sim_fail(SIM_ERR_USAGE, "cr0: PG enters or leaves long mode while EFER.LME is set, which only the guest can do");
    if (index == 3 && v & ~paging_phys_mask(cpu) && (lma || v >> 32))
        return sim_fail(SIM_ERR_USAGE, "cr3: CPU model %s has %u address bits", cpu->model->name, cpu->model->phys_bits);
    if (index == 4 && lma && (!(v & CR4_PAE) || (cpu->cr4 ^ v) & CR4_LA57))
        return sim_fail(SIM_ERR_USAGE, "cr4: PAE and LA57 cannot be changed in long mode");
    if (index == 4 && v & ~cpu->cr4 & CR4_PCIDE && (!lma || cpu->cr3 & 0xfff))
        return sim_fail(SIM_ERR_USAGE, "cr4: PCIDE needs long mode and a zero PCID in cr3");
    return SIM_OK;
}

static enum sim_err write_control(struct cpu *cpu, const struct reg *r, uint64_t v)
{
    uint64_t cr[5] = { cpu->cr0, 0, cpu->cr2, cpu->cr3, cpu->cr4 }, pdpte[4];
    enum sim_err err = SIM_OK;

    cr[r->index] = v;
    if (r->index == 0)
        err = check_cr0(cpu, v);
    if (r->index == 4 && v & ~(uint64_t)cpu->model->cr4)
        err = sim_fail(SIM_ERR_USAGE, "cr4: CPU model %s does not have bits 0x%llx", cpu->model->name,
                       (unsigned long long)(v & ~(uint64_t)cpu->model->cr4));
    if (!err)
        err = check_long_mode(cpu, r->index, v);
    if (!err && paging_has_pdptes(cr[0], cr[4], cpu->efer)) {
        err = peek_pdptes(cpu, cr[3], pdpte);
        if (!err && r->index != 2)
            memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
        if (r->index == 2)
            err = SIM_OK;
    }
    if (err)
        return err;
    *control(cpu, r->index) = v;
    if (r->index != 2)
        mem_flush_tlb(cpu, r->index != 3);
    return SIM_OK;
}

/* ---- Writing: the rest ---- */

#define EFLAGS_BITS 0x3f7fd7u

static enum sim_err write_eflags(struct cpu *cpu, uint64_t v)
{
    if (v & ~(uint64_t)EFLAGS_BITS)
        return sim_fail(SIM_ERR_USAGE, "eflags: bits 0x%llx do not exist", (unsigned long long)(v & ~(uint64_t)EFLAGS_BITS));
    if ((v ^ cpu_eflags(cpu)) & EFL_VM)
        return sim_fail(SIM_ERR_USAGE, "eflags: VM cannot be changed here, for every segment would have to change with it");
    cpu_set_eflags(cpu, (uint32_t)v);
    return SIM_OK;
}

/* WRMSR's own checks; what they raise is the refusal. Nothing of cpu_run() is on the stack, so its exit is free to be borrowed. */
static enum sim_err write_msr(struct cpu *cpu, uint32_t number, uint64_t value)
{
    enum cpu_cause cause;
    uint64_t old;

    if (!msr_peek(cpu, number, &old))
        return sim_fail(SIM_ERR_UNKNOWN, "CPU model %s has no MSR 0x%x", cpu->model->name, number);
    if (!_setjmp(cpu->unwind)) {
        msr_write(cpu, number, value);
        return SIM_OK;
    }
    cause = cpu->fault.cause;
    cpu->fault.valid = false;
    return sim_fail(SIM_ERR_USAGE, "msr:0x%x: %s", number, cpu_cause_text(cause));
}

static enum sim_err write_efer(struct cpu *cpu, uint64_t v)
{
    uint64_t old;

    if (!msr_peek(cpu, 0xc0000080u, &old))
        return sim_fail(SIM_ERR_USAGE, "efer: CPU model %s does not have it", cpu->model->name);
    return write_msr(cpu, 0xc0000080u, v);
}

static void write_debug_register(struct cpu *cpu, unsigned index, uint64_t v)
{
    if (index == 6)
        v = (v & 0xe00f) | DR6_INIT;
    if (index == 7)
        v = (v & 0xffff2fffu) | DR7_INIT;
    cpu->dr[index] = v;
    mem_fast_flush(cpu); /* pages may be watched now, or no longer */
}

static void write_gpr(struct cpu *cpu, const struct reg *r, uint64_t v)
{
    uint64_t mask = cut(UINT64_MAX, r->width) << r->shift;

    cpu->reg[r->index] = (cpu->reg[r->index] & ~mask) | (v << r->shift & mask);
}

static enum sim_err write_reg(struct cpu *cpu, const struct reg *r, uint64_t v)
{
    switch ((enum reg_kind)r->kind) {
    case REG_GPR: write_gpr(cpu, r, v); return SIM_OK;
    case REG_IP:
        if (r->width == 16)
            v |= cpu->ip & 0xffff0000u;
        if (check_address(cpu, r, v) || (cpu->mode & MODE_L && !mem_canonical(cpu, v)))
            return sim_fail(SIM_ERR_USAGE, "%s: 0x%llx is no address of code here", r->name, (unsigned long long)v);
        cpu->in_rep = cpu->in_rep && v == cpu->ip;
        cpu->ip = v;
        cpu->resume = false;
        return SIM_OK;
    case REG_EFLAGS: return write_eflags(cpu, r->width == 16 ? v | (cpu_eflags(cpu) & 0xffff0000u) : v);
    case REG_SELECTOR: return write_selector(cpu, r, (uint16_t)v);
    case REG_BASE: case REG_LIMIT: case REG_ATTR: return write_hidden(cpu, r, v);
    case REG_CR: return write_control(cpu, r, v);
    case REG_EFER: return write_efer(cpu, v);
    case REG_DR: write_debug_register(cpu, r->index, v); return SIM_OK;
    case REG_TABLE_BASE:
        if (check_address(cpu, r, v))
            return SIM_ERR_USAGE;
        table_of(cpu, r->index)->base = v;
        return SIM_OK;
    case REG_TABLE_LIMIT: table_of(cpu, r->index)->limit = (uint32_t)v; return SIM_OK;
    case REG_TSC: cpu->tsc_offset = v - cpu->cycle; return SIM_OK;
    case REG_FPU:
        if ((r->index == FPU_REG_IP || r->index == FPU_REG_DP) && check_address(cpu, r, v))
            return SIM_ERR_USAGE;
        return regs_fpu_write(cpu, r->name, r->index, v);
    case REG_MMX: cpu->fpu.r[r->index].mant = v; return SIM_OK;
    case REG_XMM_Q: case REG_YMM_Q: cpu->vector[r->index / 4].q[r->index % 4] = v; return SIM_OK;
    case REG_PKRU: paging_set_pkru(cpu, (uint32_t)v); return SIM_OK;
    case REG_SMBASE: cpu->smm.base = (uint32_t)v; return SIM_OK;
    case REG_CPL: return sim_fail(SIM_ERR_USAGE, "cpl: it follows from CS and SS, and is not written by itself");
    case REG_PC: return sim_fail(SIM_ERR_USAGE, "pc: it is CS.base + EIP; write eip");
    default: return sim_fail(SIM_ERR_USAGE, "%s: it can only be read", r->name);
    }
}

enum sim_err dbg_reg_write(struct cpu *cpu, const char *name, uint64_t value)
{
    const struct reg *r = find(name);
    enum sim_err err;
    uint32_t msr;
    bool valid;

    if (is_msr(name, &msr, &valid)) {
        err = valid ? write_msr(cpu, msr, value) : sim_fail(SIM_ERR_UNKNOWN, "'%s': an MSR is named msr:NUMBER, such as msr:0x10", name);
    } else if (!r) {
        return unknown(name);
    } else if (regs_lacks(cpu, name, needed_by(r))) {
        return SIM_ERR_UNKNOWN;
    } else {
        uint64_t kept = cut(value, r->width);

        if (kept != value && value != (kept | ~cut(UINT64_MAX, r->width))) /* nor a negative number of that width */
            return sim_fail(SIM_ERR_USAGE, "%s: 0x%llx does not fit into %u bits", r->name, (unsigned long long)value, r->width);
        err = write_reg(cpu, r, kept);
    }
    if (!err)
        cpu_mode_changed(cpu);
    return err;
}

/* ---- As bytes ---- */

enum sim_err dbg_reg_get(struct cpu *cpu, const char *name, void *out, size_t room, size_t *len)
{
    const struct reg *r = find(name);
    uint8_t data[32] = { 0 };
    uint64_t value;
    enum sim_err err;
    size_t bytes;

    if (regs_is_wide(name)) {
        err = regs_wide_read(cpu, name, data, &bytes);
    } else {
        err = dbg_reg_read(cpu, name, &value);
        bytes = r ? (r->width + 7u) / 8 : 8;
        for (unsigned n = 0; !err && n < bytes; n++)
            data[n] = (uint8_t)(value >> 8 * n);
    }
    if (!err && bytes > room)
        err = sim_fail(SIM_ERR_USAGE, "%s has %zu bytes: there is room for %zu", name, bytes, room);
    if (err)
        return err;
    memcpy(out, data, bytes);
    *len = bytes;
    return SIM_OK;
}

enum sim_err dbg_reg_set(struct cpu *cpu, const char *name, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint8_t old[32];
    uint64_t value = 0;
    size_t want;
    enum sim_err err = dbg_reg_get(cpu, name, old, sizeof(old), &want);

    if (!err && len != want)
        err = sim_fail(SIM_ERR_USAGE, "%s has %zu bytes, not %zu", name, want, len);
    if (err)
        return err;
    if (regs_is_wide(name)) {
        regs_wide_write(cpu, name, data);
        return SIM_OK;
    }
    for (size_t n = 0; n < len; n++)
        value |= (uint64_t)bytes[n] << 8 * n;
    return dbg_reg_write(cpu, name, value);
}
