/*
 * Flags, ports, BOUND, and instructions that do nothing or must not be.
 */
#include "cpu/exec.h"
#include "cpu/run.h"
#include "cpu/seg.h"
#include "cpu/smm.h"
#include "cpu/transfer.h"

/* SDM Vol. 2B, "NOP": with whatever prefixes, so the hints that a processor does not know, ENDBR64 among them. */
CPU_OP(op_nop)
{
    CONTINUE;
}

/* SDM Vol. 2B, "PAUSE". A CPU that waits in a spin loop gives up its turn: the one it waits for goes on sooner, and two loops of equal length
 * cannot keep each other from a lock for ever. */
CPU_OP(op_pause)
{
    if (!run_is_alone(cpu))
        cpu->attention |= CPU_ATT_YIELD;
    CONTINUE;
}

/* SDM Vol. 2D, "UD". */
CPU_OP(op_ud)
{
    cpu->cur = i;
    cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_OPCODE);
}

/* ---- Flags ---- */

CPU_OP(op_clc)
{
    flags_set_cf(cpu, false);
    CONTINUE;
}
CPU_OP(op_stc)
{
    flags_set_cf(cpu, true);
    CONTINUE;
}
CPU_OP(op_cmc)
{
    flags_set_cf(cpu, !flag_cf(cpu));
    CONTINUE;
}
CPU_OP(op_cld)
{
    cpu->eflags &= ~(uint32_t)EFL_DF;
    CONTINUE;
}
CPU_OP(op_std)
{
    cpu->eflags |= EFL_DF;
    CONTINUE;
}

/* SDM Vol. 2A, "LAHF"; Vol. 2B, "SAHF". */
CPU_OP(op_lahf)
{
    exec_set_reg(cpu, CPU_AX * 8 + 1, 8, (flags_get(cpu) & 0xff) | 2);
    CONTINUE;
}
CPU_OP(op_sahf)
{
    flags_set(cpu, (uint8_t)(cpu->reg[CPU_AX] >> 8) | (flag_of(cpu) ? EFL_OF : 0));
    CONTINUE;
}

/* D6, undocumented until of late: AL = CF ? FF : 0. */
CPU_OP(op_salc)
{
    exec_set_reg(cpu, CPU_AX * 8, 8, flag_cf(cpu) ? 0xff : 0);
    CONTINUE;
}

/* ---- BOUND: SDM Vol. 2A, "BOUND" ---- */

/* Both bounds are read before the index is compared, as processors do: the SDM says neither. */
CPU_OP(op_bound)
{
    unsigned bytes = insn_op_bytes(i);
    int64_t index = (int64_t)flags_sext(exec_reg(cpu, i->dst, bytes * 8), bytes * 8), bound[2];

    for (unsigned n = 0; n < 2; n++) {
        uint64_t off = mem_offset(cpu, i) + n * bytes;
        sim_laddr laddr = mem_segment(cpu, i, i->seg, insn_ad_cut(i, off), bytes, MEM_READ);

        bound[n] = (int64_t)flags_sext(mem_read(cpu, i, laddr, bytes), bytes * 8);
    }
    if (index < bound[0] || index > bound[1]) {
        cpu->cur = i;
        cpu_raise(cpu, VEC_BR, 0, CPU_CAUSE_BR_BOUND);
    }
    CONTINUE;
}

/* ---- Ports: SDM Vol. 2A, "IN"; Vol. 2B, "OUT" ---- */

static inline unsigned in(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned bytes, bool immediate)
{
    uint32_t v;

    cpu->cur = i;
    io_check(cpu, port, bytes);
    v = mem_in(cpu, i, port, bytes);
    if (immediate)
        smm_note_immediate(cpu);
    exec_set_reg(cpu, CPU_AX * 8, bytes * 8, v);
    CONTINUE;
}
static inline unsigned out(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned bytes, bool immediate)
{
    cpu->cur = i;
    io_check(cpu, port, bytes);
    mem_out(cpu, i, port, bytes, (uint32_t)exec_reg(cpu, CPU_AX * 8, bytes * 8));
    if (immediate)
        smm_note_immediate(cpu);
    CONTINUE;
}
static inline unsigned port_bytes(const struct cpu_insn *i) { return i->flags & INSN_OP32 || i->flags & INSN_OP64 ? 4 : 2; }

CPU_OP(op_in_b_imm)  { return in(cpu, i, (uint8_t)i->imm, 1, true); }
CPU_OP(op_in_v_imm)  { return in(cpu, i, (uint8_t)i->imm, port_bytes(i), true); }
CPU_OP(op_in_b_dx)   { return in(cpu, i, (uint16_t)cpu->reg[CPU_DX], 1, false); }
CPU_OP(op_in_v_dx)   { return in(cpu, i, (uint16_t)cpu->reg[CPU_DX], port_bytes(i), false); }
CPU_OP(op_out_b_imm) { return out(cpu, i, (uint8_t)i->imm, 1, true); }
CPU_OP(op_out_v_imm) { return out(cpu, i, (uint8_t)i->imm, port_bytes(i), true); }
CPU_OP(op_out_b_dx)  { return out(cpu, i, (uint16_t)cpu->reg[CPU_DX], 1, false); }
CPU_OP(op_out_v_dx)  { return out(cpu, i, (uint16_t)cpu->reg[CPU_DX], port_bytes(i), false); }
