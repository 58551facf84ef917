/*
 * Moves between general registers and memory, and exchanges.
 */
#include "cpu/exec.h"
#include "cpu/run.h"

/* SDM Vol. 2B, "MOV". */
CPU_BODY(mov)
{
    STORE_DST(READ_SRC());
    CONTINUE;
}
CPU_TEMPLATE_ALU(mov)

/* SDM Vol. 2A, "LEA". The segment does not matter, and nothing is accessed. */
CPU_BODY(lea)
{
    exec_set_reg(cpu, i->dst, WIDTH, FAST ? FLAT_OPERAND() : mem_offset(cpu, i));
    CONTINUE;
}
CPU_MEM_V(lea, RM)
CPU_HANDLERS(lea, CPU_SLOT_MEM_V(lea, RM))

/* SDM Vol. 2B, "MOVZX". */
CPU_BODY(movzx_b)
{
    exec_set_reg(cpu, i->dst, WIDTH, READ_SRC_W(8));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(movzx_b)

CPU_BODY(movzx_w)
{
    exec_set_reg(cpu, i->dst, WIDTH, READ_SRC_W(16));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(movzx_w)

/* SDM Vol. 2B, "MOVSX". */
CPU_BODY(movsx_b)
{
    exec_set_reg(cpu, i->dst, WIDTH, flags_sext(READ_SRC_W(8), 8));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(movsx_b)

CPU_BODY(movsx_w)
{
    exec_set_reg(cpu, i->dst, WIDTH, flags_sext(READ_SRC_W(16), 16));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(movsx_w)

/* SDM Vol. 2B, "MOVSX/MOVSXD". */
CPU_BODY(movsxd)
{
    exec_set_reg(cpu, i->dst, WIDTH, flags_sext(READ_SRC_W(WIDTH == 16 ? 16 : 32), WIDTH == 16 ? 16 : 32));
    CONTINUE;
}
CPU_TEMPLATE_LOAD(movsxd)

/* SDM Vol. 2D, "XCHG". With memory it locks the bus, prefix or not. */
CPU_BODY(xchg)
{
    uint64_t a = READ_DST(), b = READ_SRC();

    WRITE_DST(b);
    exec_set_reg(cpu, i->src, WIDTH, a);
    CONTINUE;
}
CPU_TEMPLATE_RMR(xchg)

/* XCHG BX,BX: the mark by which a guest asks for its observer. */
CPU_OP(op_magic)
{
    if (run_wants(cpu, CPU_EVENT_MAGIC)) {
        struct cpu_event event = { .kind = CPU_EVENT_MAGIC, .laddr = CPU_INSN_IP(cpu, i) + cpu->seg[CPU_CS].base };

        cpu->cur = i;
        run_report(cpu, &event);
    }
    if (i->flags & INSN_OP32)
        exec_set_reg(cpu, CPU_BX * 8, 32, cpu->reg[CPU_BX]); /* XCHG EBX,EBX clears the upper half */
    CONTINUE;
}

/* SDM Vol. 2D, "XADD". With one register as both, it ends up with the sum. */
CPU_BODY(xadd)
{
    uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a + b);

    if (FORM == FORM_MR)
        WRITE_DST(r);
    exec_set_reg(cpu, i->src, WIDTH, a);
    if (FORM == FORM_RR)
        WRITE_DST(r);
    flags_add(cpu, WIDTH, a, b, r);
    CONTINUE;
}
CPU_TEMPLATE_RMR(xadd)

/* SDM Vol. 2A, "CMPXCHG". Memory is written whether equal or not; a register only when equal, so that the upper half of a 32-bit one stays
 * otherwise, as the oracle test shows. */
CPU_BODY(cmpxchg)
{
    uint64_t dst = READ_DST(), acc = exec_reg(cpu, CPU_AX * 8, WIDTH), src = READ_SRC();

    if (FORM == FORM_MR || acc == dst)
        WRITE_DST(acc == dst ? src : dst);
    if (acc != dst)
        exec_set_reg(cpu, CPU_AX * 8, WIDTH, dst);
    flags_sub(cpu, WIDTH, acc, dst, CUT(acc - dst));
    CONTINUE;
}
CPU_TEMPLATE_RMR(cmpxchg)

/* SDM Vol. 2A, "CMPXCHG8B". */
CPU_OP(op_cmpxchg8b)
{
    struct mem_rmw rmw;
    uint64_t dst = mem_rmw_read(cpu, i, mem_operand(cpu, i, EA_ANY, 8, MEM_RMW), 8, &rmw);
    uint64_t acc = (uint32_t)cpu->reg[CPU_AX] | cpu->reg[CPU_DX] << 32;
    uint64_t src = (uint32_t)cpu->reg[CPU_BX] | cpu->reg[CPU_CX] << 32;

    mem_rmw_write(cpu, i, 8, &rmw, acc == dst ? src : dst);
    if (acc != dst) {
        cpu->reg[CPU_AX] = (uint32_t)dst;
        cpu->reg[CPU_DX] = dst >> 32;
    }
    flags_set_zf(cpu, acc == dst);
    CONTINUE;
}

/* SDM Vol. 2A, "BSWAP". Undefined with 16-bit operands: the result is 0, as current processors do. */
CPU_BODY(bswap)
{
    uint64_t v = exec_reg(cpu, i->dst, WIDTH);

    exec_set_reg(cpu, i->dst, WIDTH, WIDTH == 16 ? 0 : WIDTH == 32 ? __builtin_bswap32((uint32_t)v) : __builtin_bswap64(v));
    CONTINUE;
}
CPU_REG_V(bswap, R)
CPU_HANDLERS(bswap, CPU_SLOT_REG_V(bswap, R))

/* SDM Vol. 2D, "XLAT". AL is added to (E)BX in the address size. */
CPU_OP(op_xlat)
{
    uint64_t off = cpu->reg[CPU_BX] + (uint8_t)cpu->reg[CPU_AX];
    sim_laddr laddr = mem_segment(cpu, i, i->seg, insn_ad_cut(i, off), 1, MEM_READ);

    exec_set_reg(cpu, CPU_AX * 8, 8, mem_read(cpu, i, laddr, 1));
    CONTINUE;
}

/* SDM Vol. 2A, "CBW/CWDE/CDQE". */
CPU_BODY(cbw)
{
    exec_set_reg(cpu, CPU_AX * 8, WIDTH, flags_sext(exec_reg(cpu, CPU_AX * 8, WIDTH / 2), WIDTH / 2));
    CONTINUE;
}
CPU_TEMPLATE_NONE(cbw)

/* SDM Vol. 2A, "CWD/CDQ/CQO". */
CPU_BODY(cwd)
{
    exec_set_reg(cpu, CPU_DX * 8, WIDTH, exec_reg(cpu, CPU_AX * 8, WIDTH) >> (WIDTH - 1) ? UINT64_MAX : 0);
    CONTINUE;
}
CPU_TEMPLATE_NONE(cwd)

/* SDM Vol. 2A, "CMOVcc". The source is read whether the condition holds or not, so it may fault. In 64-bit mode the upper half of a
 * 32-bit destination is cleared either way. */
#define CMOVCC(name, cc)                                                                                                     \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        uint64_t v = READ_SRC();                                                                                             \
                                                                                                                             \
        exec_set_reg(cpu, i->dst, WIDTH, flags_cond(cpu, cc) ? v : exec_reg(cpu, i->dst, WIDTH));                            \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    CPU_TEMPLATE_LOAD(name)

/* SDM Vol. 2B, "SETcc". */
#define SETCC(name, cc)                                                                                                      \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        STORE_DST(flags_cond(cpu, cc));                                                                                      \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    CPU_TEMPLATE_UNARY_B(name)

#define BOTH(cc, suffix) CMOVCC(cmov##suffix, cc) SETCC(set##suffix, cc)
BOTH(0, o) BOTH(1, no) BOTH(2, b) BOTH(3, nb) BOTH(4, z) BOTH(5, nz) BOTH(6, be) BOTH(7, nbe)
BOTH(8, s) BOTH(9, ns) BOTH(10, p) BOTH(11, np) BOTH(12, l) BOTH(13, nl) BOTH(14, le) BOTH(15, nle)
