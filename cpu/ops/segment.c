#include "cpu/seg.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/isa/isa.h"
#include "cpu/transfer.h"

/* Segment registers: MOV, PUSH, POP, LDS and kin; far transfers; LAR, LSL, VERR, VERW, ARPL. SDM Vol. 2. */

/* A register destination gets the operand size (zero-extended), memory always a word. */
static void write_selector(struct cpu *cpu, const struct cpu_insn *i, uint16_t v)
{
    rm_write(cpu, i, i->flags & INSN_MEM ? 2 : insn_op_bytes(i), v);
}

/* The word operand of a row whose first operand is a register of some kind. */
static uint16_t read_source_word(struct cpu *cpu, const struct cpu_insn *i)
{
    if (i->flags & INSN_MEM)
        return (uint16_t)mem_read(cpu, i, mem_operand(cpu, i, EA_ANY, 2, MEM_READ), 2);
    return (uint16_t)exec_reg(cpu, i->src, 16);
}

/* ---- Loads and stores ---- */

CPU_OP(op_mov_from_segment)
{
    cpu->cur = i;
    if (i->src > CPU_GS)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_SEGREG);
    write_selector(cpu, i, cpu->seg[i->src].selector);
    CPU_CONTINUE(cpu, i);
}

/* After a load of SS the next instruction runs undisturbed: it is expected to load ESP. */
static void segment_loaded(struct cpu *cpu, unsigned seg, bool shadow)
{
    if (seg == CPU_SS && shadow)
        cpu->shadow_ss = true;
    cpu_segment_loaded(cpu, seg);
    if (cpu->shadow_ss)
        cpu_attend(cpu);
}

CPU_OP(op_mov_to_segment)
{
    cpu->cur = i;
    if (i->dst > CPU_GS)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_SEGREG);
    if (i->dst == CPU_CS)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVCS);
    seg_load(cpu, i->dst, read_source_word(cpu, i));
    segment_loaded(cpu, i->dst, true);
    CPU_CONTINUE(cpu, i);
}

/* The register that PUSH and POP name in their opcode: 06 0E 16 1E and one more for POP; 0F A0 and A8. */
static unsigned segment_of(const struct cpu_insn *i)
{
    const struct isa_row *row = &isa_rows[i->row];

    return row->map == 0 ? row->opcode >> 3 : CPU_FS + (row->opcode >> 3 & 1);
}

/* With 32-bit operands only the lower half of the slot is accessed, as the SDM says of recent processors: Vol. 2B, "PUSH". */
CPU_OP(op_push_segment)
{
    unsigned size = insn_op_bytes(i);
    uint16_t selector = cpu->seg[segment_of(i)].selector;

    if (size == 2) {
        stack_push(cpu, i, size, selector);
    } else {
        uint64_t sp = (cpu->reg[CPU_SP] - size) & (cpu->mode & MODE_L ? UINT64_MAX : cpu->mode & MODE_SS32 ? UINT32_MAX : 0xffff);

        mem_write(cpu, i, mem_segment(cpu, i, CPU_SS, sp, 2, MEM_WRITE), 2, selector);
        stack_add(cpu, -(int64_t)size);
    }
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_pop_segment)
{
    unsigned seg = segment_of(i), size = insn_op_bytes(i);

    seg_load(cpu, seg, (uint16_t)stack_read(cpu, i, 0, 2));
    stack_add(cpu, size); /* in the width of the old stack: the mode word is still the old one */
    segment_loaded(cpu, seg, true);
    CPU_CONTINUE(cpu, i);
}

/* Offset, then selector; the offset has the operand's size. */
static void read_pointer(struct cpu *cpu, const struct cpu_insn *i, uint64_t *offset, uint16_t *selector)
{
    unsigned size = insn_op_bytes(i);
    uint64_t off = mem_offset(cpu, i), second = insn_ad_cut(i, off + size);

    *offset = mem_read(cpu, i, mem_segment(cpu, i, i->seg, off, size, MEM_READ), size);
    *selector = (uint16_t)mem_read(cpu, i, mem_segment(cpu, i, i->seg, second, 2, MEM_READ), 2);
}

CPU_OP(op_load_pointer)
{
    static const uint8_t map1[] = { [2] = CPU_SS, [4] = CPU_FS, [5] = CPU_GS };
    const struct isa_row *row = &isa_rows[i->row];
    unsigned seg = row->map == 1 ? map1[row->opcode & 7] : row->opcode == 0xc4 ? CPU_ES : CPU_DS;
    uint64_t offset;
    uint16_t selector;

    read_pointer(cpu, i, &offset, &selector);
    seg_load(cpu, seg, selector);
    exec_set_reg(cpu, i->dst, insn_op_bytes(i) * 8, offset);
    segment_loaded(cpu, seg, false);
    CPU_CONTINUE(cpu, i);
}

/* ---- Far transfers: far.c ---- */

CPU_OP(op_jmp_far)
{
    far_jump(cpu, i, (uint16_t)(i->imm >> 32), (uint32_t)i->imm);
    return CPU_X_JUMP;
}

CPU_OP(op_jmp_far_indirect)
{
    uint64_t offset;
    uint16_t selector;

    read_pointer(cpu, i, &offset, &selector);
    far_jump(cpu, i, selector, offset);
    return CPU_X_JUMP;
}

CPU_OP(op_call_far)
{
    far_call(cpu, i, (uint16_t)(i->imm >> 32), (uint32_t)i->imm);
    return CPU_X_JUMP;
}

CPU_OP(op_call_far_indirect)
{
    uint64_t offset;
    uint16_t selector;

    read_pointer(cpu, i, &offset, &selector);
    far_call(cpu, i, selector, offset);
    return CPU_X_JUMP;
}

CPU_OP(op_ret_far)
{
    far_return(cpu, i, (uint16_t)i->imm); /* 0 without an operand */
    return CPU_X_JUMP;
}

/* ---- Questions about selectors: they answer in ZF and do not fault on what the selector names ---- */

/* The descriptor, if there is one and the present level (and the RPL) may see it. */
static bool visible(struct cpu *cpu, uint16_t selector, struct seg_desc *d)
{
    const uint32_t conforming = SEG_S | SEG_TYPE_CODE | SEG_TYPE_CONFORMING;

    if (xfer_null(selector) || !seg_read(cpu, selector, d) || !seg_read_upper(cpu, d) || seg_upper_type(d))
        return false;
    return (d->attr & conforming) == conforming || (SEG_DPL(d->attr) >= cpu->cpl && SEG_DPL(d->attr) >= (selector & 3u));
}

/* System types that LAR and LSL accept: bit n for type n. */
#define TSS_AND_LDT (1u << SYS_TSS16_AVAILABLE | 1u << SYS_LDT | 1u << SYS_TSS16_BUSY | 1u << SYS_TSS_AVAILABLE | 1u << SYS_TSS_BUSY)
#define GATES       (1u << SYS_CALL16 | 1u << SYS_TASK_GATE | 1u << SYS_CALL)

/* In IA-32e mode the 16-bit ones, and task gates, do not exist. */
#define LONG_TYPES  (1u << SYS_LDT | 1u << SYS_TSS_AVAILABLE | 1u << SYS_TSS_BUSY | 1u << SYS_CALL)

static bool accepted(const struct cpu *cpu, const struct seg_desc *d, uint32_t system_types)
{
    if (xfer_long(cpu))
        system_types &= LONG_TYPES;
    return d->attr & SEG_S || system_types >> (d->attr & SEG_TYPE) & 1;
}

CPU_OP(op_lar)
{
    uint16_t selector = read_source_word(cpu, i);
    struct seg_desc d;
    bool ok;

    cpu->cur = i;
    ok = visible(cpu, selector, &d) && accepted(cpu, &d, TSS_AND_LDT | GATES);
    if (ok) /* bits 19:16, undefined by the SDM, are the limit's, as on current Intel processors (oracle test) */
        exec_set_reg(cpu, i->dst, insn_op_bytes(i) * 8, d.raw >> 32 & 0xffff00);
    flags_set_zf(cpu, ok);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_lsl)
{
    uint16_t selector = read_source_word(cpu, i);
    struct seg_desc d;
    bool ok;

    cpu->cur = i;
    ok = visible(cpu, selector, &d) && accepted(cpu, &d, TSS_AND_LDT);
    if (ok)
        exec_set_reg(cpu, i->dst, insn_op_bytes(i) * 8, d.limit);
    flags_set_zf(cpu, ok);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_verr)
{
    uint16_t selector = (uint16_t)rm_read(cpu, i, 2);
    struct seg_desc d;

    cpu->cur = i;
    flags_set_zf(cpu, visible(cpu, selector, &d) && d.attr & SEG_S && (!(d.attr & SEG_TYPE_CODE) || d.attr & SEG_TYPE_READ));
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_verw)
{
    uint16_t selector = (uint16_t)rm_read(cpu, i, 2);
    struct seg_desc d;

    cpu->cur = i;
    flags_set_zf(cpu, visible(cpu, selector, &d) && (d.attr & (SEG_S | SEG_TYPE_CODE | SEG_TYPE_WRITE)) == (SEG_S | SEG_TYPE_WRITE));
    CPU_CONTINUE(cpu, i);
}

/* "Operation": the destination is written only where the RPL is raised, so a read-only one that needs no change does not fault. */
CPU_OP(op_arpl)
{
    uint16_t from = (uint16_t)exec_reg(cpu, i->src, 16), to = (uint16_t)rm_read(cpu, i, 2);
    bool raise = (to & 3) < (from & 3);

    if (raise)
        rm_write(cpu, i, 2, (to & ~3) | (from & 3));
    flags_set_zf(cpu, raise);
    CPU_CONTINUE(cpu, i);
}
