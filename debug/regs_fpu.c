/*
 * Registers of x87, MMX, SSE and AVX. The words among them are rows of regs.c's table; those of more than 64 bits are here, and move as bytes,
 * the lowest first.
 *
 * A write to ST(i) or MMi leaves tags and TOP as they are: an empty register stays empty, with the value that it would show when tagged.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "cpu/isa/isa.h"
#include "cpu/model.h"
#include "debug/private.h"

/* ---- Words ---- */

uint64_t regs_fpu_read(const struct cpu *cpu, enum fpu_reg which)
{
    const struct cpu_fpu *f = &cpu->fpu;

    switch (which) {
    case FPU_REG_CW: return f->cw;
    case FPU_REG_SW: return f->sw;
    case FPU_REG_TW: return fpu_tag_word(f);
    case FPU_REG_OP: return f->fop;
    case FPU_REG_IP: return f->fip;
    case FPU_REG_CS: return f->fcs;
    case FPU_REG_DP: return f->fdp;
    case FPU_REG_DS: return f->fds;
    case FPU_REG_MXCSR: return cpu->mxcsr;
    }
    return 0;
}

static enum sim_err write_control_word(struct cpu *cpu, const char *name, uint16_t v)
{
    if (v & ~(FPU_CW_BITS | FPU_CW_RESET))
        return sim_fail(SIM_ERR_USAGE, "%s: bits 0x%x do not exist", name, v & ~(FPU_CW_BITS | FPU_CW_RESET));
    if (!(v & FPU_CW_RESET))
        return sim_fail(SIM_ERR_USAGE, "%s: bit 6 is always set", name);
    cpu->fpu.cw = v;
    fpu_settle(cpu);
    return SIM_OK;
}

static enum sim_err write_status_word(struct cpu *cpu, const char *name, uint16_t v)
{
    uint16_t summary = v & ~cpu->fpu.cw & FP_ALL ? FPU_SW_ES | FPU_SW_B : 0;

    if ((v & (FPU_SW_ES | FPU_SW_B)) != summary)
        return sim_fail(SIM_ERR_USAGE, "%s: bits 7 (ES) and 15 (B) must both be %d: they follow from the exception flags and the masks in fcw", name, summary != 0);
    cpu->fpu.sw = v;
    fpu_settle(cpu);
    return SIM_OK;
}

enum sim_err regs_fpu_write(struct cpu *cpu, const char *name, enum fpu_reg which, uint64_t v)
{
    struct cpu_fpu *f = &cpu->fpu;

    switch (which) {
    case FPU_REG_CW: return write_control_word(cpu, name, (uint16_t)v);
    case FPU_REG_SW: return write_status_word(cpu, name, (uint16_t)v);
    case FPU_REG_TW: fpu_set_tag_word(f, (uint16_t)v); break; /* which are empty; the rest follows from the contents */
    case FPU_REG_OP: f->fop = (uint16_t)v; break;
    case FPU_REG_IP: f->fip = v; break;
    case FPU_REG_CS: f->fcs = (uint16_t)v; break;
    case FPU_REG_DP: f->fdp = v; break;
    case FPU_REG_DS: f->fds = (uint16_t)v; break;
    case FPU_REG_MXCSR:
        if (v & ~(uint64_t)MXCSR_MASK)
            return sim_fail(SIM_ERR_USAGE, "%s: bits 0x%llx do not exist", name, (unsigned long long)(v & ~(uint64_t)MXCSR_MASK));
        cpu->mxcsr = (uint32_t)v;
        break;
    }
    return SIM_OK;
}

/* ---- Wide ones ---- */

enum wide_kind { WIDE_ST, WIDE_XMM, WIDE_YMM };

struct wide {
    const char *name;
    uint8_t kind, index;
};

#define ROWS8(word, kind)                                                                                                              \
    { word "0", kind, 0 }, { word "1", kind, 1 }, { word "2", kind, 2 }, { word "3", kind, 3 }, { word "4", kind, 4 }, { word "5", kind, 5 }, \
    { word "6", kind, 6 }, { word "7", kind, 7 }
#define ROWS16(word, kind)                                                                                                             \
    ROWS8(word, kind), { word "8", kind, 8 }, { word "9", kind, 9 }, { word "10", kind, 10 }, { word "11", kind, 11 },                 \
    { word "12", kind, 12 }, { word "13", kind, 13 }, { word "14", kind, 14 }, { word "15", kind, 15 }

static const struct wide wide[] = { ROWS8("st", WIDE_ST), ROWS16("xmm", WIDE_XMM), ROWS16("ymm", WIDE_YMM) };
#define WIDES (sizeof(wide) / sizeof(wide[0]))

static const uint8_t wide_bytes[] = { [WIDE_ST] = 10, [WIDE_XMM] = 16, [WIDE_YMM] = 32 };

const char *regs_wide_name(unsigned n)
{
    return n < WIDES ? wide[n].name : NULL;
}

static const struct wide *find(const char *name)
{
    for (unsigned n = 0; n < WIDES; n++)
        if (strcasecmp(wide[n].name, name) == 0)
            return &wide[n];
    return NULL;
}

bool regs_is_wide(const char *name)
{
    return find(name) != NULL;
}

bool regs_lacks(const struct cpu *cpu, const char *name, unsigned set)
{
    if (cpu->model->sets >> set & 1)
        return false;
    sim_fail(SIM_ERR_UNKNOWN, "CPU model %s has no register %s", cpu->model->name, name);
    return true;
}

static unsigned physical(const struct cpu *cpu, const struct wide *w)
{
    return (((unsigned)cpu->fpu.sw >> FPU_TOP_SHIFT) + w->index) & 7;
}

enum sim_err regs_wide_read(const struct cpu *cpu, const char *name, uint8_t out[32], size_t *len)
{
    const struct wide *w = find(name);
    const fp80 *r;

    *len = wide_bytes[w->kind];
    if (w->kind != WIDE_ST) {
        if (regs_lacks(cpu, name, w->kind == WIDE_XMM ? SET_SSE : SET_AVX))
            return SIM_ERR_UNKNOWN;
        memcpy(out, cpu->vector[w->index].b, *len);
        return SIM_OK;
    }
    r = &cpu->fpu.r[physical(cpu, w)];
    for (unsigned n = 0; n < 8; n++)
        out[n] = (uint8_t)(r->mant >> 8 * n);
    out[8] = (uint8_t)r->se;
    out[9] = (uint8_t)(r->se >> 8);
    return SIM_OK;
}

void regs_wide_write(struct cpu *cpu, const char *name, const uint8_t *data)
{
    const struct wide *w = find(name);
    fp80 v = { 0, (uint16_t)(data[8] | data[9] << 8) };

    if (w->kind != WIDE_ST) {
        memcpy(cpu->vector[w->index].b, data, wide_bytes[w->kind]);
        return;
    }
    for (unsigned n = 0; n < 8; n++)
        v.mant |= (uint64_t)data[n] << 8 * n;
    cpu->fpu.r[physical(cpu, w)] = v;
}
