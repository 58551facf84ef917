#include "cpu/simd.h"

#include "cpu/code.h"

/* SDM Vol. 2A, "Exceptions type 1", "type 4": an operand that must be aligned and is not. */
static _Noreturn void misaligned(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr)
{
    cpu->cur = i;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_OPERAND, .selector = cpu->seg[i->seg].selector, .level = i->seg, .laddr = laddr };
    cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_ALIGN);
}

/* The alignment is looked at before the segment: an operand on the stack that is out of bounds as well is #GP, not #SS. So do current Intel
 * processors, by the oracle test. */
static sim_laddr operand(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, enum mem_access access)
{
    bool no_base = cpu->mode & MODE_L && i->seg != CPU_FS && i->seg != CPU_GS;
    sim_laddr laddr = (no_base ? 0 : cpu->seg[i->seg].base) + (align > 1 ? mem_offset(cpu, i) : 0);

    if (align > 1 && laddr & (align - 1))
        misaligned(cpu, i, laddr);
    return mem_operand(cpu, i, EA_ANY, size, access);
}

const void *simd_source_slow(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align)
{
    mem_read_bytes(cpu, i, operand(cpu, i, size, align, MEM_READ), &cpu->operand, size);
    return &cpu->operand;
}

void simd_store(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, const void *from)
{
    mem_write_bytes(cpu, i, operand(cpu, i, size, align, MEM_WRITE), from, size);
}

unsigned simd_miss(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, simd_at *at)
{
    return at(cpu, i, simd_source_slow(cpu, i, size, align));
}

unsigned simd_store_miss(struct cpu *cpu, const struct cpu_insn *i, unsigned size, unsigned align, const void *from)
{
    simd_store(cpu, i, size, align, from);
    CONTINUE;
}
