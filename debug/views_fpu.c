/* Views of x87, MMX, SSE and AVX. */
#include <math.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/isa/isa.h"
#include "cpu/model.h"
#include "debug/private.h"
#include "debug/words.h"

typedef unsigned long long ull;

/* ---- x87: SDM Vol. 1, "x87 FPU control word", "x87 FPU status register" ---- */

static const struct words_bit flag_bits[] = { { FP_IE, "IE" }, { FP_DE, "DE" }, { FP_ZE, "ZE" }, { FP_OE, "OE" }, { FP_UE, "UE" }, { FP_PE, "PE" }, { 0, NULL } };
static const struct words_bit mask_bits[] = { { FP_IE, "IM" }, { FP_DE, "DM" }, { FP_ZE, "ZM" }, { FP_OE, "OM" }, { FP_UE, "UM" }, { FP_PE, "PM" }, { 0, NULL } };
static const struct words_bit status_bits[] = {
    { FPU_SW_B, "B" }, { FPU_SW_C3, "C3" }, { FPU_SW_C2, "C2" }, { FPU_SW_C1, "C1" }, { FPU_SW_C0, "C0" }, { FPU_SW_ES, "ES" }, { FPU_SW_SF, "SF" },
    { FP_PE, "PE" }, { FP_UE, "UE" }, { FP_OE, "OE" }, { FP_ZE, "ZE" }, { FP_DE, "DE" }, { FP_IE, "IE" }, { 0, NULL }
};
static const char *const roundings[] = { "to nearest", "down", "up", "to zero" };
static const char *const precisions[] = { "24", "reserved", "53", "64" };

static const char *kind(fp80 v)
{
    unsigned exponent = v.se & 0x7fff;

    if (exponent == 0x7fff)
        return !(v.mant >> 63) ? "unsupported" : v.mant << 1 == 0 ? "infinity" : v.mant >> 62 & 1 ? "QNaN" : "SNaN";
    if (!exponent)
        return !v.mant ? "zero" : v.mant >> 63 ? "pseudo-denormal" : "denormal";
    return v.mant >> 63 ? "" : "unsupported";
}

/* Formatting only: it never comes back. */
static void number80(fp80 v, struct sim_buf *out)
{
    const char *word = kind(v);
    unsigned exponent = v.se & 0x7fff;

    if (exponent == 0x7fff || *word == 'u')
        sim_buf_printf(out, "%s%s", v.se >> 15 ? "-" : "", word);
    else
        sim_buf_printf(out, "%s%.18Lg%s%s", v.se >> 15 ? "-" : "", ldexpl((long double)v.mant, (int)(exponent ? exponent : 1) - 16383 - 63),
                       *word && v.mant ? "  " : "", v.mant ? word : "");
}

static void stack_register(const struct cpu_fpu *f, unsigned i, struct sim_buf *out)
{
    unsigned r = (((unsigned)f->sw >> FPU_TOP_SHIFT) + i) & 7;

    sim_buf_printf(out, "st%u  R%u  %04x %016llx  ", i, r, f->r[r].se, (ull)f->r[r].mant);
    if (!(f->valid >> r & 1))
        sim_buf_printf(out, "empty\n");
    else {
        number80(f->r[r], out);
        sim_buf_printf(out, "\n");
    }
}

void dbg_view_float(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    const struct cpu_fpu *f = &cpu->fpu;
    char where[200];

    for (unsigned i = 0; i < 8; i++)
        stack_register(f, i, out);
    sim_buf_printf(out, "fcw  %04x  masked: ", f->cw);
    words_bits(mask_bits, f->cw & FP_ALL, out);
    sim_buf_printf(out, "; precision %s bits, rounds %s\n", precisions[f->cw >> 8 & 3], roundings[f->cw >> 10 & 3]);
    sim_buf_printf(out, "fsw  %04x  TOP %u, ", f->sw, (unsigned)(f->sw & FPU_SW_TOP) >> FPU_TOP_SHIFT);
    words_bits(status_bits, f->sw, out);
    sim_buf_printf(out, "%s\n", f->sw & FPU_SW_ES ? "  ! an exception is pending" : "");
    sim_buf_printf(out, "ftw  %04x\n", fpu_tag_word(f));
    dbg_symbolize(dbg, f->fip, where, sizeof(where));
    sim_buf_printf(out, "last instruction %04x:%08llx%s%s, opcode %03x, operand %04x:%08llx\n", f->fcs, (ull)f->fip, *where ? " " : "", where, f->fop, f->fds,
                   (ull)f->fdp);
}

/* ---- Vectors ---- */

static bool has(const struct cpu *cpu, enum isa_set set)
{
    return cpu->model->sets >> set & 1;
}

void dbg_view_vector(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    unsigned count = cpu->mode & MODE_L ? 16 : 8;

    (void)dbg;
    if (!has(cpu, SET_MMX)) {
        sim_buf_printf(out, "CPU model %s has no vector registers.\n", cpu->model->name);
        return;
    }
    for (unsigned n = 0; n < 8; n++)
        sim_buf_printf(out, "mm%u %016llx%s", n, (ull)cpu->fpu.r[n].mant, n % 4 == 3 ? "\n" : "  ");
    if (!has(cpu, SET_SSE))
        return;
    for (unsigned n = 0; n < count; n++) {
        const uint64_t *q = cpu->vector[n].q;

        if (has(cpu, SET_AVX))
            sim_buf_printf(out, "ymm%-2u  %016llx %016llx  %016llx %016llx\n", n, (ull)q[3], (ull)q[2], (ull)q[1], (ull)q[0]);
        else
            sim_buf_printf(out, "xmm%-2u  %016llx %016llx\n", n, (ull)q[1], (ull)q[0]);
    }
    sim_buf_printf(out, "mxcsr %08x  masked: ", cpu->mxcsr);
    words_bits(mask_bits, cpu->mxcsr >> 7 & FP_ALL, out);
    sim_buf_printf(out, "; flags: ");
    words_bits(flag_bits, cpu->mxcsr & FP_ALL, out);
    sim_buf_printf(out, "; rounds %s%s%s\n", roundings[cpu->mxcsr >> 13 & 3], cpu->mxcsr & 1 << 6 ? ", DAZ" : "", cpu->mxcsr & 1 << 15 ? ", FTZ" : "");
}

/* ---- One register ---- */

static void as_numbers(const uint8_t *data, size_t len, struct sim_buf *out)
{
    sim_buf_printf(out, "  double:");
    for (size_t n = len; n > 0; n -= 8) {
        double v;

        memcpy(&v, data + n - 8, 8);
        sim_buf_printf(out, " %.17g", v);
    }
    sim_buf_printf(out, "\n  float: ");
    for (size_t n = len; n > 0; n -= 4) {
        float v;

        memcpy(&v, data + n - 4, 4);
        sim_buf_printf(out, " %.9g", (double)v);
    }
    sim_buf_printf(out, "\n");
}

enum sim_err dbg_view_register(struct cpu *cpu, const char *name, struct sim_buf *out)
{
    uint8_t data[32];
    size_t len;
    uint64_t value = 0;
    enum sim_err err = dbg_reg_get(cpu, name, data, sizeof(data), &len);

    if (err)
        return err;
    if (len <= 8) {
        for (size_t n = 0; n < len; n++)
            value |= (uint64_t)data[n] << 8 * n;
        sim_buf_printf(out, "%-8s 0x%llx = %llu\n", name, (ull)value, (ull)value);
        return SIM_OK;
    }
    sim_buf_printf(out, "%-8s 0x", name);
    for (size_t n = len; n > 0; n--)
        sim_buf_printf(out, "%02x", data[n - 1]);
    sim_buf_printf(out, "\n");
    if (len == 10) {
        fp80 v = { 0, (uint16_t)(data[8] | data[9] << 8) };

        for (unsigned n = 0; n < 8; n++)
            v.mant |= (uint64_t)data[n] << 8 * n;
        sim_buf_printf(out, "  ");
        number80(v, out);
        sim_buf_printf(out, "\n");
    } else {
        as_numbers(data, len, out);
    }
    return SIM_OK;
}
