#include "cpu/decode.h"

#include "cpu/code.h"

/* What has been read so far. `failed` means: more bytes than there are. */
struct decoder {
    const uint8_t *bytes;
    unsigned avail, pos;
    bool failed;
    uint32_t mode;
    bool op32, op64, ad32, ad64;
    bool lock, rep, repne;
    int seg_override; /* -1: none */
    uint8_t rex;      /* 0: none */
    uint8_t modrm;
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

static unsigned raise_gp0(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    cpu_raise(cpu, VEC_GP, 0, (enum cpu_cause)i->imm);
}

static unsigned illegal(struct decoder *d, struct cpu_insn *out, cpu_fn *fn, enum cpu_cause cause)
{
    out->fn = fn;
    out->imm = cause;
    out->len = (uint8_t)d->pos;
    return d->pos;
}

/* ---- Prefixes ---- */

/* Returns the first opcode byte. A REX prefix counts only right before it. SDM Vol. 2A, "Instruction prefixes". */
static uint8_t prefixes(struct decoder *d)
{
    bool long_code = d->mode & MODE_L;
    bool operand = false, address = false;

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
        case 0x66: operand = true; break;
        case 0x67: address = true; break;
        case 0xf0: d->lock = true; break;
        case 0xf2: d->repne = true; d->rep = false; break;
        case 0xf3: d->rep = true; d->repne = false; break;
        default:
            if (long_code && (b & 0xf0) == 0x40) {
                d->rex = b;
                continue;
            }
            if (long_code) {
                d->op64 = d->rex & 8;
                d->op32 = !d->op64 && !operand;
                d->ad64 = !address;
                d->ad32 = address;
            } else {
                d->op32 = ((d->mode & MODE_D) != 0) != operand;
                d->ad32 = ((d->mode & MODE_D) != 0) != address;
            }
            return b;
        }
        d->rex = 0;
    }
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
        out->base = CPU_REG_ZERO;
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
    case Ib: out->imm = (int64_t)next_le(d, 1); break;
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
    out->disp = (int32_t)next_le(d, d->ad32 ? 4 : 2);
    out->seg = d->seg_override >= 0 ? (uint8_t)d->seg_override : CPU_DS;
    out->flags |= INSN_MEM;
}

enum kind { KIND_NONE, KIND_REG, KIND_MEM, KIND_IMM };

/* Reads one operand; its kind goes into the choice of the form. */
static enum kind operand(struct decoder *d, enum isa_operand op, unsigned position, uint8_t opcode, struct cpu_insn *out)
{
    unsigned reg = ((d->modrm >> 3) & 7) | (d->rex & 4) << 1, rm = (d->modrm & 7) | (d->rex & 1) << 3;

    switch (op) {
    case NO:
        return KIND_NONE;
    case Eb: case Ew: case Ed: case Ev: case M:
        if (d->modrm < 0xc0)
            return KIND_MEM; /* read already, for the displacement stands before immediates */
        register_operand(out, position, reg_offset(d, rm, op == Eb));
        return KIND_REG;
    case Rd:
        register_operand(out, position, (uint8_t)(rm * 8));
        return KIND_REG;
    case Gb: case Gw: case Gd: case Gv:
        register_operand(out, position, reg_offset(d, reg, op == Gb));
        return KIND_REG;
    case Sw: case Cd: case Dd:
        register_operand(out, position, (uint8_t)((d->modrm >> 3) & 7));
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

/* 0..3 for 8, 16, 32, 64 bits: the width of the first operand that has one. */
static unsigned width_index(const struct decoder *d, const struct isa_row *row)
{
    switch (row->op[0]) {
    case Eb: case Gb: case Zb: case AL: case Ob: case Xb: case Yb: return 0;
    case Ew: case Gw: case Sw: return 1;
    case Ed: case Gd: case Zd: case Rd: return 2;
    default: return d->op64 ? 3 : d->op32 ? 2 : 1;
    }
}

/* ---- Rows ---- */

static bool fits(const struct isa_row *row, const struct decoder *d)
{
    bool memory_form = d->modrm < 0xc0;

    if (row->ext != EXT_NONE && ((row->attributes & ISA_MEMONLY && !memory_form) || (row->attributes & ISA_REGONLY && memory_form)))
        return false;
    return !(row->attributes & (d->mode & MODE_L ? ISA_NO64 : ISA_ONLY64));
}

static const struct isa_row *choose(const struct cpu_isa_index *isa, const struct decoder *d, unsigned map, uint8_t opcode)
{
    unsigned digit = isa->modrm[map][opcode] ? (d->modrm >> 3) & 7 : 0;

    for (unsigned n = isa->slot[map][opcode][digit]; n; n = isa->next[n - 1])
        if (fits(&isa_rows[n - 1], d))
            return &isa_rows[n - 1];
    return NULL;
}

/* There are CR0, CR2, CR3 and CR4; whether one exists is asked before the privilege. SDM Vol. 2B, "MOV - Move to/from control registers". */
static bool no_such_register(const struct isa_row *row, const struct decoder *d)
{
    unsigned n = ((d->modrm >> 3) & 7) | (d->rex & 4) << 1;

    return (row->op[0] == Cd || row->op[1] == Cd) && n != 0 && n != 2 && n != 3 && n != 4 && !(n == 8 && d->mode & MODE_L);
}

/* Why a row may not run in this mode, or with these prefixes; CPU_CAUSE_NONE if it may. In the order of the SDM: #UD before #GP. */
static enum cpu_cause forbidden(const struct isa_row *row, const struct decoder *d, const struct cpu_insn *out)
{
    if (!row->handlers && !row->plain)
        return CPU_CAUSE_UD_FEATURE;
    if (row->attributes & ISA_PM && (!(d->mode & MODE_PE) || d->mode & MODE_VM))
        return CPU_CAUSE_UD_MODE;
    if (d->lock && !(row->attributes & ISA_LOCK && out->flags & INSN_MEM))
        return CPU_CAUSE_UD_LOCK;
    if ((row->op[0] == M || row->op[1] == M) && d->modrm >= 0xc0)
        return CPU_CAUSE_UD_REGFORM;
    if (no_such_register(row, d))
        return CPU_CAUSE_UD_MOVCR;
    return CPU_CAUSE_NONE;
}

/* XCHG of BX with itself changes nothing, and so is free to be the mark by which a guest asks for its observer. */
static bool is_magic(const struct isa_row *row, const struct cpu_insn *out, enum cpu_form form)
{
    return row->handlers == &cpu_handlers_xchg && form == FORM_RR && row->op[0] == Ev && out->dst == CPU_BX * 8 && out->src == CPU_BX * 8;
}

static cpu_fn *handler(const struct isa_row *row, const struct decoder *d, const struct cpu_insn *out, enum cpu_form form)
{
    /* CS is flat too, but may not be written. */
    bool string = row->attributes & ISA_STRING, flat_seg = out->seg == CPU_DS || out->seg == CPU_SS || out->seg == CPU_ES;
    enum mem_ea ea = d->mode & MODE_FLAT && d->ad32 && (flat_seg || !(string || out->flags & INSN_MEM)) ? EA_FLAT : EA_ANY;

    if (row->plain)
        return row->plain;
    if (is_magic(row, out, form))
        return op_magic;
    if (string)
        form = d->rep || d->repne ? FORM_REP : FORM_N;
    return row->handlers->fn[form][ea][width_index(d, row)];
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

unsigned decode(const struct cpu_isa_index *isa, uint32_t mode, const uint8_t *bytes, unsigned avail, struct cpu_insn *out,
                const struct isa_row **row_out)
{
    struct decoder d = { .bytes = bytes, .avail = avail, .mode = mode, .seg_override = -1, .modrm = 0xc0 };
    uint8_t opcode = prefixes(&d);
    unsigned map = opcode_map(&d, &opcode);
    const struct isa_row *row;
    enum cpu_cause cause;

    *row_out = NULL;
    *out = (struct cpu_insn){ .base = CPU_REG_ZERO, .index = CPU_REG_ZERO, .seg = CPU_DS };
    out->flags = insn_flags(&d);
    if (d.failed)
        return too_short(&d, out);
    if (isa->modrm[map][opcode])
        d.modrm = next8(&d);
    if (d.failed)
        return too_short(&d, out);
    row = choose(isa, &d, map, opcode);
    if (!row)
        return illegal(&d, out, raise_ud, CPU_CAUSE_UD_OPCODE);
    if (row->attributes & ISA_D64 && mode & MODE_L && d.op32)
        d.op64 = true, d.op32 = false, out->flags = insn_flags(&d);
    if (row->op[0] == Rd || row->op[1] == Rd)
        d.modrm |= 0xc0;
    if (row->ext != EXT_NONE && d.modrm < 0xc0)
        memory(&d, out);
    else if (d.seg_override >= 0)
        out->seg = (uint8_t)d.seg_override; /* strings and XLAT */

    enum kind kinds[3];
    for (unsigned n = 0; n < 3; n++)
        kinds[n] = operand(&d, row->op[n], n, opcode, out);
    if (d.failed)
        return too_short(&d, out);
    out->len = (uint8_t)d.pos;
    out->row = (uint16_t)(row - isa_rows);
    if (row->attributes & ISA_LOCKED && out->flags & INSN_MEM)
        out->flags |= INSN_LOCK;
    cause = forbidden(row, &d, out);
    if (cause != CPU_CAUSE_NONE)
        return illegal(&d, out, raise_ud, cause);
    if (row->attributes & ISA_CPL0 && mode & MODE_CPL)
        return illegal(&d, out, raise_gp0, CPU_CAUSE_GP_CPL0);
    out->fn = handler(row, &d, out, form_of(kinds[0], kinds[1], kinds[2]));
    if (!out->fn)
        return illegal(&d, out, raise_ud, CPU_CAUSE_UD_FEATURE);
    *row_out = row;
    return d.pos;
}

bool decode_ends_block(const struct cpu_insn *insn, const struct isa_row *row)
{
    if (!row || row->attributes & ISA_END || insn->fn == op_magic || decode_is_alone(insn, row))
        return true;
    return row->attributes & ISA_PAUSE && insn->flags & INSN_REP;
}

bool decode_is_alone(const struct cpu_insn *insn, const struct isa_row *row)
{
    if (!row)
        return false;
    return row->attributes & ISA_ALONE || (row->attributes & ISA_STRING && insn->flags & (INSN_REP | INSN_REPNE));
}
