/*
 * Wide compare-and-exchange, cache control and random numbers.
 */
#include "cpu/exec.h"

/* SDM Vol. 2A, "CMPXCHG8B/CMPXCHG16B". The operand must be aligned to 16 bytes; memory is written whether equal or not. */
CPU_OP(op_cmpxchg16b)
{
    sim_laddr laddr = mem_operand(cpu, i, EA_ANY, 1, MEM_RMW); /* an aligned one does not lie half outside the canonical addresses */
    uint64_t v[2], acc[2] = { cpu->reg[CPU_AX], cpu->reg[CPU_DX] };
    bool equal;

    if (laddr & 15) {
        cpu->cur = i;
        cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_OPERAND, .selector = cpu->seg[i->seg].selector, .level = i->seg,
                                               .laddr = laddr };
        cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_ALIGN);
    }
    mem_probe_write(cpu, i, laddr, 16);
    mem_read_bytes(cpu, i, laddr, v, 16);
    equal = v[0] == acc[0] && v[1] == acc[1];
    mem_write_bytes(cpu, i, laddr, equal ? (uint64_t[2]){ cpu->reg[CPU_BX], cpu->reg[CPU_CX] } : v, 16);
    if (!equal) {
        cpu->reg[CPU_AX] = v[0];
        cpu->reg[CPU_DX] = v[1];
    }
    flags_set_zf(cpu, equal);
    CONTINUE;
}

/* SDM Vol. 2A, "CLFLUSH", "CLFLUSHOPT", "CLWB": checked like a load of a byte, but allowed in an execute-only segment. Memory is coherent, so no
 * line has to be written back. */
CPU_OP(op_clflush)
{
    mem_probe_read(cpu, i, mem_operand(cpu, i, EA_ANY, 1, MEM_FLUSH), 1);
    CONTINUE;
}

/* SDM Vol. 2B, "RDRAND", "RDSEED". Numbers come from the machine's seed by the splitmix64 sequence, one sequence a CPU: they always come, and
 * the same ones on every run. */
CPU_BODY(rdrand)
{
    uint64_t z = cpu->random += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    exec_set_reg(cpu, i->dst, WIDTH, z ^ z >> 31);
    flags_set(cpu, EFL_CF);
    CONTINUE;
}
CPU_REG_V(rdrand, R)
CPU_HANDLERS(rdrand, CPU_SLOT_REG_V(rdrand, R))
