#include "cpu/decode.h"

#include "cpu/code.h"

/* What has been read so far. `failed` means: more bytes than there are. */
struct decoder {
    const uint8_t *bytes;
    unsigned avail, pos;
    bool failed;
    uint32_t mode;
    bool op32, op64, ad32, ad64;
    bool lock, rep, repne, operand; /* prefixes met; rep or repne: the last of them */
    int seg_override; /* -1: none */
    uint8_t rex;      /* 0: none; from a VEX prefix too */
    uint8_t modrm;
    uint16_t prefix;  /* PF_*, VL*, VW*: what stands before the opcode, as rows ask for it */
    uint8_t vvvv;     /* of a VEX prefix, right way up: where no operand is there, all four bits are to be 0 in each mode */
};

static uint8_t next8(struct decoder *d)
{
    if (d->pos < d->avail)
        return d->bytes[d->pos++];
    d->failed = true;
    return 0;
}

static uint64_t next_le(struct decoder *d, unsigned size)
{
    uint64_t v = 0;

    for (unsigned n = 0; n < size; n++)
        v |= (uint64_t)next8(d) << (8 * n);
    return v;
}

static int64_t next_signed(struct decoder *d, unsigned size)
{
    return (int64_t)(next_le(d, size) << (64 - 8 * size)) >> (64 - 8 * size);
}

extern const struct cpu_handlers cpu_handlers_xchg;
extern cpu_fn op_magic;

/* ---- Handlers of what is not an instruction ---- */

static unsigned raise_ud(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    cpu_raise(cpu, VEC_UD, 0, (enum cpu_cause)i->imm);
}

static unsigned raise_nm(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    cpu_raise(cpu, VEC_NM, 0, (enum cpu_cause)i->imm);
}

static unsigned raise_gp0(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    cpu_raise(cpu, VEC_GP, 0, (enum cpu_cause)i->imm);
}

/* DR4 and DR5 above CPL 0. SDM Vol. 3A, "Priority Among Concurrent Events": that there is none, with CR4.DE, comes first. */
static unsigned raise_debug_alias(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    if (cpu->cr4 & CR4_DE)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVDR45);
    cpu_raise(cpu, VEC_GP, 0, (enum cpu_cause)i->imm);
}

static bool names_debug_alias(const struct isa_row *row, const struct cpu_insn *i)
{
    unsigned number = row->op[0] == Dd ? i->dst : i->src;

    return (row->op[0] == Dd || row->op[1] == Dd) && (number == 4 || number == 5);
}

static unsigned illegal(struct decoder *d, struct cpu_insn *out, cpu_fn *fn, enum cpu_cause cause)
{
    out->fn = fn;
    out->imm = cause;
    out->len = (uint8_t)d->pos;
    return d->pos;
}

/* ---- Prefixes ---- */

/* Operand and address size, and which mandatory prefix a row would see. */
static void sizes(struct decoder *d, bool address)
{
    if (d->mode & MODE_L) {
        d->op64 = d->rex & 8;
        d->op32 = !d->op64 && !d->operand;
        d->ad64 = !address;
        d->ad32 = address;
    } else {
        d->op32 = ((d->mode & MODE_D) != 0) != d->operand;
        d->ad32 = ((d->mode & MODE_D) != 0) != address;
    }
    d->prefix = d->rep ? PF_F3 : d->repne ? PF_F2 : d->operand ? PF_66 : PF_NP;
}

/* Returns the first opcode byte. A REX prefix counts only right before it. SDM Vol. 2A, "Instruction prefixes". */
static uint8_t prefixes(struct decoder *d)
{
    bool long_code = d->mode & MODE_L, address = false;

    for (;;) {
        uint8_t b = next8(d);

        if (d->failed)
            return 0;
        switch (b) {
        case 0x26: case 0x2e: case 0x36: case 0x3e:
            if (!long_code)
                d->seg_override = (b >> 3) & 3;
            break;
        case 0x64: d->seg_override = CPU_FS; break;
        case 0x65: d->seg_override = CPU_GS; break;
        case 0x66: d->operand = true; break;
        case 0x67: address = true; break;
        case 0xf0: d->lock = true; break;
        case 0xf2: d->repne = true; d->rep = false; break;
        case 0xf3: d->rep = true; d->repne = false; break;
        default:
            if (long_code && (b & 0xf0) == 0x40) {
                d->rex = b;
                continue;
            }
            sizes(d, address);
            return b;
        }
        d->rex = 0;
    }
}

/* ---- VEX: SDM Vol. 2A, "The VEX prefix" ---- */

/* C4 and C5 are LES and LDS in real and VM86 mode, and with a memory operand outside 64-bit mode. */
static bool is_vex(const struct decoder *d, uint8_t opcode)
{
    if ((opcode != 0xc4 && opcode != 0xc5) || !(d->mode & MODE_PE) || d->mode & MODE_VM)
        return false;
    return d->mode & MODE_L || (d->pos < d->avail && d->bytes[d->pos] >= 0xc0);
}

/* Reads the rest of the prefix and the opcode; returns the map, or one that has no rows. */
static unsigned vex(struct decoder *d, uint8_t *opcode)
{
    static const uint16_t pp[4] = { PF_NP, PF_66, PF_F3, PF_F2 };
    bool three = *opcode == 0xc4;
    uint8_t first = next8(d), last = three ? next8(d) : first;
    unsigned map = three ? first & 31 : 1;
    bool wide = three && last & 0x80;

    d->vvvv = (~last >> 3) & 15;
    d->prefix = (uint16_t)(PF_VEX | pp[last & 3] | (last & 4 ? VL1 : VL0) | (wide ? VW1 : VW0));
    d->rex = 0x40;
    if (d->mode & MODE_L) {
        uint8_t high = (uint8_t)~first;

        d->rex |= (uint8_t)((wide ? 8 : 0) | (high & 0x80 ? 4 : 0) | (three && high & 0x40 ? 2 : 0) | (three && high & 0x20 ? 1 : 0));
        d->op64 = wide;
        d->op32 = !wide;
    } else {
        d->op32 = true;
    }
    *opcode = next8(d);
    return map >= 1 && map <= 3 ? map : 0;
}

/* ---- Memory operands: SDM Vol. 2A, "ModR/M and SIB bytes" ---- */

static void memory16(struct decoder *d, struct cpu_insn *out)
{
    static const uint8_t base[8] = { CPU_BX, CPU_BX, CPU_BP, CPU_BP, CPU_SI, CPU_DI, CPU_BP, CPU_BX };
    static const uint8_t index[8] = { CPU_SI, CPU_DI, CPU_SI, CPU_DI, CPU_REG_ZERO, CPU_REG_ZERO, CPU_REG_ZERO, CPU_REG_ZERO };
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;

    out->base = base[rm];
    out->index = index[rm];
    if (mod == 0 && rm == 6) {
        out->base = CPU_REG_ZERO;
        out->disp = (int32_t)next_le(d, 2);
    } else if (mod == 1) {
        out->disp = (int32_t)next_signed(d, 1);
    } else if (mod == 2) {
        out->disp = (int32_t)next_signed(d, 2);
    }
    out->seg = out->base == CPU_BP ? CPU_SS : CPU_DS;
}

static void sib(struct decoder *d, struct cpu_insn *out)
{
    uint8_t b = next8(d);
    unsigned base = (b & 7) | (d->rex & 1) << 3, index = ((b >> 3) & 7) | (d->rex & 2) << 2;

    out->scale = b >> 6;
    out->index = index == 4 ? CPU_REG_ZERO : (uint8_t)index;
    out->base = (uint8_t)base;
    if ((b & 7) == 5 && d->modrm >> 6 == 0) {
        out->base = CPU_REG_ZERO;
        out->disp = (int32_t)next_le(d, 4);
    }
}

static void memory32(struct decoder *d, struct cpu_insn *out)
{
    unsigned mod = d->modrm >> 6, rm = d->modrm & 7;

    out->index = CPU_REG_ZERO;
    if (rm == 4) {
        sib(d, out);
    } else if (mod == 0 && rm == 5) {
        out->base = d->mode & MODE_L ? CPU_REG_PAGE : CPU_REG_ZERO;
        out->disp = (int32_t)next_le(d, 4);
    } else {
        out->base = (uint8_t)(rm | (d->rex & 1) << 3);
    }
    if (mod == 1)
        out->disp = (int32_t)next_signed(d, 1);
    else if (mod == 2)
        out->disp = (int32_t)next_le(d, 4);
    out->seg = out->base == CPU_SP || out->base == CPU_BP ? CPU_SS : CPU_DS;
}

/* VSIB: the index is a vector register, and 4, which means none elsewhere, is one too. SDM Vol. 2A, "Vector SIB (VSIB) memory addressing". */
static void vsib_index(struct cpu_insn *out)
{
    if (out->index == CPU_REG_ZERO)
        out->index = 4;
}

/* A RIP-relative displacement counts from the next instruction: from the page's start it is greater by where that is. */
static void count_from_page(struct cpu_insn *out)
{
    int64_t disp = (int64_t)out->disp + out->off + out->len;

    out->disp = (int32_t)disp;
    if (disp > INT32_MAX)
        out->base = CPU_REG_PAGE_HIGH;
}

static void memory(struct decoder *d, struct cpu_insn *out)
{
    out->scale = 0;
    if (d->ad32 || d->ad64)
        memory32(d, out);
    else
        memory16(d, out);
    if (d->seg_override >= 0)
        out->seg = (uint8_t)d->seg_override;
    out->flags |= INSN_MEM;
}

/* ---- Operands ---- */

/* Byte offset of a general register; without REX, 4..7 of the byte registers are AH, CH, DH, BH. */
static uint8_t reg_offset(const struct decoder *d, unsigned n, bool byte)
{
    if (byte && !d->rex && n >= 4)
        return (uint8_t)((n - 4) * 8 + 1);
    return (uint8_t)(n * 8);
}

static unsigned op_bytes(const struct decoder *d)
{
    return d->op64 ? 8 : d->op32 ? 4 : 2;
}

static void register_operand(struct cpu_insn *out, unsigned position, uint8_t value)
{
    if (position == 0)
        out->dst = value;
    else if (position == 1)
        out->src = value;
}

static void immediate(struct decoder *d, enum isa_operand op, struct cpu_insn *out)
{
    unsigned z = d->op32 || d->op64 ? 4 : 2;

    switch (op) {
    case Ibs: case Jb: out->imm = next_signed(d, 1); break;
    case Iw: out->imm = (int64_t)next_le(d, 2); break;
    case Iz: case Jz: out->imm = next_signed(d, z); break;
    case Iv: out->imm = next_signed(d, op_bytes(d)); break;
    case Ibw: out->imm = (int64_t)next_le(d, 3); break;
    case ONE: out->imm = 1; break;
    case Ap:
        out->imm = (int64_t)next_le(d, z);
        out->imm |= (int64_t)(next_le(d, 2) << 32);
        break;
    default: break;
    }
}

static void absolute(struct decoder *d, struct cpu_insn *out)
{
    out->base = out->index = CPU_REG_ZERO;
    out->scale = 0;
    if (d->ad64) {
        out->base = CPU_REG_IMM;
        out->imm = (int64_t)next_le(d, 8);
    } else {
        out->disp = (int32_t)next_le(d, d->ad32 ? 4 : 2);
    }
    out->seg = d->seg_override >= 0 ? (uint8_t)d->seg_override : CPU_DS;
    out->flags |= INSN_MEM;
}

enum kind { KIND_NONE, KIND_REG, KIND_MEM, KIND_IMM };

/* Is it kept beside the first and second operand, so that it does not count as one of them? */
static bool is_aside(enum isa_operand op)
{
    return op == Hx || op == By || op == Lx;
}

/* Reads one operand; its kind goes into the choice of the form. */
static enum kind operand(struct decoder *d, enum isa_operand op, unsigned position, uint8_t opcode, struct cpu_insn *out)
{
    unsigned reg = ((d->modrm >> 3) & 7) | (d->rex & 4) << 1, rm = (d->modrm & 7) | (d->rex & 1) << 3;

    switch (op) {
    case NO: case ST0:
        return KIND_NONE;
    case Eb: case Ew: case Ed: case Ev: case Ey:
    case M: case Mb: case Mw: case Md: case Mq: case Mt: case Mo: case Mx: case Vs:
        if (d->modrm < 0xc0)
            return KIND_MEM; /* read already, for the displacement stands before immediates */
        register_operand(out, position, reg_offset(d, rm, op == Eb));
        return KIND_REG;
    case Wx: case Wb: case Ww: case Wd: case Wq: case Wo: case Wh: case Wf: case We:
        if (d->modrm < 0xc0)
            return KIND_MEM;
        register_operand(out, position, (uint8_t)rm);
        return KIND_REG;
    case Qq: case Qd: case STi:
        if (d->modrm < 0xc0)
            return KIND_MEM;
        register_operand(out, position, d->modrm & 7);
        return KIND_REG;
    case Rd:
        register_operand(out, position, (uint8_t)(rm * 8));
        return KIND_REG;
    case Gb: case Gw: case Gd: case Gv: case Gy:
        register_operand(out, position, reg_offset(d, reg, op == Gb));
        return KIND_REG;
    case Vx:
        register_operand(out, position, (uint8_t)reg);
        return KIND_REG;
    case Pq: case Sw:
        register_operand(out, position, (uint8_t)((d->modrm >> 3) & 7));
        return KIND_REG;
    case Cd: case Dd:
        register_operand(out, position, (uint8_t)reg);
        return KIND_REG;
    case Zb: case Zv: case Zd:
        register_operand(out, position, reg_offset(d, (opcode & 7) | (d->rex & 1) << 3, op == Zb));
        return KIND_REG;
    case AL: case rAX:
        register_operand(out, position, 0);
        return KIND_REG;
    case CL:
        register_operand(out, position, CPU_CX * 8);
        return KIND_REG;
    case DX:
        register_operand(out, position, CPU_DX * 8);
        return KIND_REG;
    case Ob: case Ov:
        absolute(d, out);
        return KIND_MEM;
    case Xb: case Xv: case Yb: case Yv:
        return KIND_NONE;
    case Hx: case By:
        out->imm |= (int64_t)(d->mode & MODE_L ? d->vvvv : d->vvvv & 7) << INSN_VVVV_SHIFT;
        return KIND_REG;
    case Lx:
        out->imm |= next8(d) & (d->mode & MODE_L ? 0xff : 0x7f);
        return KIND_REG;
    case Ib:
        out->imm |= next8(d);
        return KIND_IMM;
    default:
        immediate(d, op, out);
        return KIND_IMM;
    }
}

static enum cpu_form form_of(enum kind a, enum kind b, enum kind c)
{
    if (c == KIND_IMM)
        return a == KIND_MEM ? FORM_MRI : b == KIND_MEM ? FORM_RMI : FORM_RRI;
    switch (b) {
    case KIND_REG: return a == KIND_MEM ? FORM_MR : FORM_RR;
    case KIND_MEM: return FORM_RM;
    case KIND_IMM: return a == KIND_MEM ? FORM_MI : FORM_RI;
    default: break;
    }
    return a == KIND_REG ? FORM_R : a == KIND_MEM ? FORM_M : a == KIND_IMM ? FORM_I : FORM_N;
}

/* All operands of the row; returns the form of the first three that are not kept aside. */
static enum cpu_form operands(struct decoder *d, const struct isa_row *row, uint8_t opcode, struct cpu_insn *out)
{
    enum kind kinds[4] = { KIND_NONE, KIND_NONE, KIND_NONE, KIND_NONE };
    unsigned position = 0;

    for (unsigned n = 0; n < 4; n++) {
        enum kind kind = operand(d, row->op[n], position, opcode, out);

        if (!is_aside(row->op[n]))
            kinds[position++] = kind;
    }
    return form_of(kinds[0], kinds[1], kinds[2]);
}

/* 0..3 for 8, 16, 32, 64 bits: the width of the first operand that has one. */
static unsigned width_index(const struct decoder *d, const struct isa_row *row)
{
    switch (row->op[0] == By ? row->op[1] : row->op[0]) {
    case Eb: case Gb: case Zb: case AL: case Ob: case Xb: case Yb: return 0;
    case Ew: case Gw: case Sw: return 1;
    case Ed: case Gd: case Zd: return 2;
    case Ey: case Gy: return d->op64 ? 3 : 2;
    default: return d->op64 ? 3 : d->op32 ? 2 : 1;
    }
}

/* ---- Rows ---- */

/* Is what stands before the opcode as the row wants it? */
static bool prefix_fits(const struct isa_row *row, const struct decoder *d)
{
    return (d->prefix & ~row->prefix) == 0;
}

static bool fits(const struct isa_row *row, const struct decoder *d)
{
    bool memory_form = d->modrm < 0xc0;

    if (!prefix_fits(row, d) || (row->ext >= 0xc0 && row->ext != d->modrm) || (row->attributes & ISA_NOREXB && d->rex & 1) ||
        (row->attributes & ISA_REXW && !(d->rex & 8)))
        return false;
    if (row->ext != EXT_NONE && ((row->attributes & ISA_MEMONLY && !memory_form) || (row->attributes & ISA_REGONLY && memory_form)))
        return false;
    return !(row->attributes & (d->mode & MODE_L ? ISA_NO64 : ISA_ONLY64));
}

static const struct isa_row *choose(const struct cpu_isa_index *isa, const struct decoder *d, unsigned map, uint8_t opcode)
{
    unsigned vex = (d->prefix & PF_VEX) != 0;
    const struct isa_slot *slot = &isa->slot[vex][map][opcode][isa->modrm[vex][map][opcode] ? (d->modrm >> 3) & 7 : 0];

    for (unsigned n = 0; n < slot->count; n++) {
        const struct isa_row *row = &isa_rows[isa->candidate[slot->first + n]];

        if (fits(row, d))
            return row;
    }
    return NULL;
}

/* There are CR0, CR2, CR3, CR4 and, in 64-bit mode, CR8, and eight debug registers; whether one exists is asked before the privilege. SDM Vol. 2B, "MOV - Move to/from control registers". */
static bool no_such_register(const struct isa_row *row, const struct decoder *d)
{
    unsigned n = ((d->modrm >> 3) & 7) | (d->rex & 4) << 1;

    if (row->op[0] == Dd || row->op[1] == Dd)
        return n > 7;
    return (row->op[0] == Cd || row->op[1] == Cd) && n != 0 && n != 2 && n != 3 && n != 4 && !(n == 8 && d->mode & MODE_L);
}

static bool is_memory_only(enum isa_operand op)
{
    return (op >= M && op <= Mx) || op == Vs;
}

/* #UD by the state that the unit of the instruction needs. SDM Vol. 2A, "Exceptions" of the classes. */
static enum cpu_cause unit_missing(const struct isa_row *row, uint32_t mode)
{
    if (row->attributes & ISA_MMX && mode & MODE_EM)
        return CPU_CAUSE_UD_MMXEM;
    if (row->attributes & ISA_SSE && mode & MODE_EM)
        return CPU_CAUSE_UD_CR0EM;
    if (row->attributes & ISA_SSE && !(mode & MODE_OSFXSR))
        return CPU_CAUSE_UD_CR4OSFXSR;
    if (row->attributes & ISA_AVX && !(mode & MODE_AVX))
        return CPU_CAUSE_UD_CR4OSXSAVE;
    return CPU_CAUSE_NONE;
}

static bool uses_vvvv(const struct isa_row *row)
{
    for (unsigned n = 0; n < 4; n++)
        if (row->op[n] == Hx || row->op[n] == By)
            return true;
    return false;
}

/* Why a row may not run in this mode, or with these prefixes; CPU_CAUSE_NONE if it may. In the order of the SDM: #UD before #NM and #GP. */
static enum cpu_cause forbidden(const struct isa_row *row, const struct decoder *d, const struct cpu_insn *out)
{
    if (!isa_row_built(row))
        return CPU_CAUSE_UD_FEATURE;
    if (row->attributes & ISA_PM && (!(d->mode & MODE_PE) || d->mode & MODE_VM))
        return CPU_CAUSE_UD_MODE;
    if (d->lock && !(row->attributes & ISA_LOCK && out->flags & INSN_MEM))
        return CPU_CAUSE_UD_LOCK;
    if (d->prefix & PF_VEX && d->vvvv && !uses_vvvv(row))
        return CPU_CAUSE_UD_VEXVVVV;
    if (d->modrm >= 0xc0 && (is_memory_only(row->op[0]) || is_memory_only(row->op[1]) || is_memory_only(row->op[2])))
        return CPU_CAUSE_UD_REGFORM;
    if (no_such_register(row, d))
        return CPU_CAUSE_UD_MOVCR;
    if ((row->op[0] == Vs || row->op[1] == Vs) && ((d->modrm & 7) != 4 || !(d->ad32 || d->ad64))) /* no SIB byte */
        return CPU_CAUSE_UD_GATHER;
    return unit_missing(row, d->mode);
}

/* #NM: the unit is there, but its registers belong to another task, or it is emulated. */
static enum cpu_cause not_available(const struct isa_row *row, uint32_t mode)
{
    if (row->attributes & ISA_X87 && mode & MODE_EM)
        return CPU_CAUSE_NM_EM;
    if (row->attributes & (ISA_X87 | ISA_MMX | ISA_SSE | ISA_AVX) && mode & MODE_TS)
        return CPU_CAUSE_NM_TS;
    return CPU_CAUSE_NONE;
}

/* XCHG of BX with itself changes nothing, and so is free to be the mark by which a guest asks for its observer. */
static bool is_magic(const struct isa_row *row, const struct cpu_insn *out, enum cpu_form form)
{
    return row->handlers == &cpu_handlers_xchg && form == FORM_RR && row->op[0] == Ev && out->dst == CPU_BX * 8 && out->src == CPU_BX * 8;
}

/* The address kind that the instance may be made for. CS is flat too, but may not be written. */
static enum mem_ea address_kind(const struct isa_row *row, const struct decoder *d, const struct cpu_insn *out)
{
    bool memory = row->attributes & ISA_STRING || out->flags & INSN_MEM;

    if (d->mode & MODE_L)
        return d->ad64 && out->base != CPU_REG_IMM && !(memory && (out->seg == CPU_FS || out->seg == CPU_GS)) ? EA_LONG : EA_ANY;
    if (!(d->mode & MODE_FLAT) || !d->ad32)
        return EA_ANY;
    return out->seg == CPU_DS || out->seg == CPU_SS || out->seg == CPU_ES || !memory ? EA_FLAT : EA_ANY;
}

static bool is_mmx(const struct isa_row *row)
{
    for (unsigned n = 0; n < 3; n++)
        if (row->op[n] == Pq || row->op[n] == Qq || row->op[n] == Qd)
            return true;
    return false;
}

static cpu_fn *simd_handler(const struct isa_row *row, const struct decoder *d, const struct cpu_insn *out)
{
    bool memory = out->flags & INSN_MEM;
    enum cpu_simd_kind kind = is_mmx(row) ? SIMD_MMX : d->prefix & PF_VEX ? SIMD_AVX128 : SIMD_SSE;

    if (d->prefix & VL1 && (row->prefix & VLX) != VLIG)
        kind = SIMD_AVX256;
    return row->simd->fn[kind][memory];
}

static cpu_fn *handler(const struct isa_row *row, const struct decoder *d, const struct cpu_insn *out, enum cpu_form form)
{
    enum mem_ea ea = address_kind(row, d, out);
    cpu_fn *const(*of_form)[4];

    if (row->plain)
        return row->plain;
    if (row->simd)
        return simd_handler(row, d, out);
    if (is_magic(row, out, form))
        return op_magic;
    if (row->attributes & ISA_STRING)
        form = d->rep || d->repne ? FORM_REP : FORM_N;
    of_form = row->handlers->fn[form];
    return of_form[ea][width_index(d, row)] ? of_form[ea][width_index(d, row)] : of_form[EA_ANY][width_index(d, row)];
}

static uint8_t insn_flags(const struct decoder *d)
{
    return (uint8_t)((d->op32 ? INSN_OP32 : 0) | (d->op64 ? INSN_OP64 : 0) | (d->ad32 ? INSN_AD32 : 0) | (d->ad64 ? INSN_AD64 : 0) |
                     (d->lock ? INSN_LOCK : 0) | (d->rep ? INSN_REP : 0) | (d->repne ? INSN_REPNE : 0));
}

/* Reads the opcode's map and byte. */
static unsigned opcode_map(struct decoder *d, uint8_t *opcode)
{
    if (*opcode != 0x0f)
        return 0;
    *opcode = next8(d);
    if (*opcode != 0x38 && *opcode != 0x3a)
        return 1;
    bool map3 = *opcode == 0x3a;
    *opcode = next8(d);
    return map3 ? 3 : 2;
}

/* The bytes were not enough: with all 15 there, the instruction is too long. */
static unsigned too_short(struct decoder *d, struct cpu_insn *out)
{
    if (d->avail < INSN_MAX_BYTES)
        return 0;
    d->pos = INSN_MAX_BYTES;
    return illegal(d, out, raise_gp0, CPU_CAUSE_GP_LEN);
}

/* ModRM and what follows it, as the row says. Returns the form. */
static enum cpu_form body(struct decoder *d, const struct isa_row *row, uint8_t opcode, struct cpu_insn *out)
{
    enum cpu_form form;

    if (d->mode & MODE_L && (row->attributes & ISA_F64 || (row->attributes & ISA_D64 && d->op32)))
        d->op64 = true, d->op32 = false, out->flags = insn_flags(d);
    if (row->op[0] == Rd || row->op[1] == Rd)
        d->modrm |= 0xc0;
    if (row->ext != EXT_NONE && d->modrm < 0xc0)
        memory(d, out);
    else if (d->seg_override >= 0)
        out->seg = (uint8_t)d->seg_override; /* strings and XLAT */
    form = operands(d, row, opcode, out);
    if (row->op[0] == Vs || row->op[1] == Vs)
        vsib_index(out);
    out->len = (uint8_t)d->pos;
    if (out->base == CPU_REG_PAGE)
        count_from_page(out);
    if (row->attributes & ISA_X87)
        out->imm = (opcode & 7) << 8 | d->modrm;
    return form;
}

unsigned decode(const struct cpu_isa_index *isa, uint32_t mode, unsigned off, const uint8_t *bytes, unsigned avail, struct cpu_insn *out,
                const struct isa_row **row_out)
{
    struct decoder d = { .bytes = bytes, .avail = avail, .mode = mode, .seg_override = -1, .modrm = 0xc0 };
    uint8_t opcode = prefixes(&d);
    bool vexed = is_vex(&d, opcode), spoilt = vexed && (d.operand || d.rep || d.repne || d.lock || d.rex);
    unsigned map = vexed ? vex(&d, &opcode) : opcode_map(&d, &opcode);
    const struct isa_row *row;
    enum cpu_form form;
    enum cpu_cause cause;

    *row_out = NULL;
    *out = (struct cpu_insn){ .base = CPU_REG_ZERO, .index = CPU_REG_ZERO, .seg = CPU_DS, .off = (uint16_t)off };
    out->flags = insn_flags(&d);
    if (!d.failed && isa->modrm[vexed][map][opcode])
        d.modrm = next8(&d);
    if (d.failed)
        return too_short(&d, out);
    if (vexed && spoilt)
        return illegal(&d, out, raise_ud, CPU_CAUSE_UD_VEXPREFIX);
    row = choose(isa, &d, map, opcode);
    if (!row)
        return illegal(&d, out, raise_ud, CPU_CAUSE_UD_OPCODE);
    form = body(&d, row, opcode, out);
    if (d.failed)
        return too_short(&d, out);
    out->row = (row - isa_rows) & 0x7fff;
    if (row->attributes & ISA_LOCKED && out->flags & INSN_MEM)
        out->flags |= INSN_LOCK;
    cause = forbidden(row, &d, out);
    if (cause != CPU_CAUSE_NONE)
        return illegal(&d, out, raise_ud, cause);
    if (row->attributes & ISA_CPL0 && mode & MODE_CPL)
        return illegal(&d, out, names_debug_alias(row, out) ? raise_debug_alias : raise_gp0, CPU_CAUSE_GP_CPL0);
    cause = not_available(row, mode);
    if (cause != CPU_CAUSE_NONE)
        return illegal(&d, out, raise_nm, cause);
    out->flat = out->flags & INSN_MEM && address_kind(row, &d, out) != EA_ANY;
    out->fn = handler(row, &d, out, form);
    if (!out->fn)
        return illegal(&d, out, raise_ud, CPU_CAUSE_UD_FEATURE);
    *row_out = row;
    return d.pos;
}

bool decode_ends_block(const struct cpu_insn *insn, const struct isa_row *row)
{
    return !row || row->attributes & ISA_END || insn->fn == op_magic || decode_is_alone(insn, row);
}

bool decode_is_alone(const struct cpu_insn *insn, const struct isa_row *row)
{
    if (!row)
        return false;
    return row->attributes & ISA_ALONE || (row->attributes & ISA_STRING && insn->flags & (INSN_REP | INSN_REPNE));
}
