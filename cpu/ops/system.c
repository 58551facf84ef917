#include "cpu/seg.h"

#include "cpu/exec.h"
#include "cpu/model.h"
#include "cpu/transfer.h"

/* Descriptor-table registers, LDTR and TR, caches, CPUID, and the coprocessor's opcodes. SDM Vol. 2. */

/* ---- GDTR, IDTR ---- */

/* The whole 32-bit base is stored for either operand size. */
static void store_table(struct cpu *cpu, const struct cpu_insn *i, const struct cpu_table *t)
{
    sim_laddr laddr = mem_operand(cpu, i, EA_ANY, 6, MEM_WRITE);

    mem_probe_write(cpu, i, laddr, 6);
    mem_write(cpu, i, laddr, 2, t->limit);
    mem_write(cpu, i, (uint32_t)(laddr + 2), 4, t->base);
}

/* With a 16-bit operand the base has 24 bits, as on the 80286. */
static void load_table(struct cpu *cpu, const struct cpu_insn *i, struct cpu_table *t)
{
    sim_laddr laddr = mem_operand(cpu, i, EA_ANY, 6, MEM_READ);
    uint32_t limit = (uint32_t)mem_read(cpu, i, laddr, 2), base = (uint32_t)mem_read(cpu, i, (uint32_t)(laddr + 2), 4);

    t->limit = limit;
    t->base = insn_op_bytes(i) == 2 ? base & 0xffffff : base;
}

CPU_OP(op_sgdt) { store_table(cpu, i, &cpu->gdtr); CPU_CONTINUE(cpu, i); }
CPU_OP(op_sidt) { store_table(cpu, i, &cpu->idtr); CPU_CONTINUE(cpu, i); }
CPU_OP(op_lgdt) { load_table(cpu, i, &cpu->gdtr); CPU_CONTINUE(cpu, i); }
CPU_OP(op_lidt) { load_table(cpu, i, &cpu->idtr); CPU_CONTINUE(cpu, i); }

/* ---- LDTR, TR ---- */

static void store_selector(struct cpu *cpu, const struct cpu_insn *i, unsigned seg)
{
    rm_write(cpu, i, i->flags & INSN_MEM ? 2 : insn_op_bytes(i), cpu->seg[seg].selector);
}

CPU_OP(op_sldt) { store_selector(cpu, i, CPU_LDTR); CPU_CONTINUE(cpu, i); }
CPU_OP(op_str)  { store_selector(cpu, i, CPU_TR); CPU_CONTINUE(cpu, i); }

/* A system descriptor of the GDT of one of the given types (bit n: type n). */
static void read_system(struct cpu *cpu, uint16_t selector, uint32_t types, enum cpu_cause cause, enum cpu_cause absent, struct seg_desc *d)
{
    if (selector & 4) {
        *d = (struct seg_desc){ .selector = selector, .outside = true };
        xfer_fault(cpu, VEC_GP, cause, d);
    }
    if (!seg_read(cpu, selector, d))
        xfer_fault(cpu, VEC_GP, cause, d);
    if (d->attr & SEG_S || !(types >> (d->attr & SEG_TYPE) & 1))
        xfer_fault(cpu, VEC_GP, cause, d);
    if (!(d->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, absent, d);
}

CPU_OP(op_lldt)
{
    uint16_t selector = (uint16_t)rm_read(cpu, i, 2);
    struct seg_desc d;

    cpu->cur = i;
    if (xfer_null(selector)) {
        seg_load_null(cpu, CPU_LDTR, selector);
    } else {
        read_system(cpu, selector, 1u << SYS_LDT, CPU_CAUSE_GP_LLDT, CPU_CAUSE_NP_LLDT, &d);
        seg_load_cache(cpu, CPU_LDTR, &d);
    }
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_ltr)
{
    uint16_t selector = (uint16_t)rm_read(cpu, i, 2);
    struct seg_desc d;

    cpu->cur = i;
    if (xfer_null(selector))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_LTR, selector);
    read_system(cpu, selector, 1u << SYS_TSS16_AVAILABLE | 1u << SYS_TSS_AVAILABLE, CPU_CAUSE_GP_LTR, CPU_CAUSE_NP_TSS, &d);
    mem_sys_write(cpu, (uint32_t)(d.laddr + 5), 1, (d.raw >> 40 & 0xff) | 2);
    seg_load_cache(cpu, CPU_TR, &d);
    cpu->seg[CPU_TR].attr |= 2; /* busy */
    CPU_CONTINUE(cpu, i);
}

/* ---- Caches: none is modelled, memory is always what the last write made it ---- */

CPU_OP(op_invd)   { CPU_CONTINUE(cpu, i); }
CPU_OP(op_wbinvd) { CPU_CONTINUE(cpu, i); }

/* The address is not checked against the segment's limit: SDM Vol. 2A, "INVLPG". */
CPU_OP(op_invlpg)
{
    mem_invlpg(cpu, (uint32_t)(cpu->seg[i->seg].base + mem_offset(cpu, i)));
    CPU_CONTINUE(cpu, i);
}

/* ---- CPUID ---- */

CPU_OP(op_cpuid)
{
    uint32_t out[4];

    cpuid(cpu, (uint32_t)cpu->reg[CPU_AX], (uint32_t)cpu->reg[CPU_CX], out);
    cpu->reg[CPU_AX] = out[0];
    cpu->reg[CPU_BX] = out[1];
    cpu->reg[CPU_CX] = out[2];
    cpu->reg[CPU_DX] = out[3];
    CPU_CONTINUE(cpu, i);
}

/* ---- Without a coprocessor: SDM Vol. 3A, "Emulating the x87 FPU" ---- */

CPU_OP(op_esc)
{
    cpu->cur = i;
    if (cpu->cr0 & CR0_EM)
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_EM);
    if (cpu->cr0 & CR0_TS)
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_TS);
    sim_log_unmodelled(cpu->bus->log, cpu->name, "x87", "a floating-point instruction with CR0.EM = 0 is #UD: this CPU has no FPU");
    cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_FEATURE);
}

CPU_OP(op_wait)
{
    cpu->cur = i;
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_WAIT);
    CPU_CONTINUE(cpu, i);
}
