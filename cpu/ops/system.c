#include "cpu/seg.h"

#include "cpu/code.h"
#include "cpu/isa/isa.h"
#include "cpu/model.h"
#include "cpu/tlb.h"
#include "cpu/transfer.h"

/* Descriptor-table registers, LDTR and TR, caches, CPUID, and the coprocessor's opcodes. SDM Vol. 2. */

/* CR4.UMIP: SDM Vol. 3A, "Control registers". */
static void check_umip(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    if (cpu->cr4 & CR4_UMIP && cpu->cpl > 0)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_UMIP, cpu->cr4);
}

/* ---- GDTR, IDTR: a limit of 2 bytes, a base of 4, in 64-bit mode 8 ---- */

static unsigned base_bytes(const struct cpu *cpu) { return cpu->mode & MODE_L ? 8 : 4; }

static sim_laddr base_at(const struct cpu *cpu, sim_laddr laddr)
{
    return cpu->mode & MODE_L ? laddr + 2 : (uint32_t)(laddr + 2);
}

/* The whole base is stored for either operand size. */
static void store_table(struct cpu *cpu, const struct cpu_insn *i, const struct cpu_table *t)
{
    unsigned bytes = base_bytes(cpu);
    sim_laddr laddr;

    check_umip(cpu, i);
    laddr = mem_operand(cpu, i, EA_ANY, 2 + bytes, MEM_WRITE);
    mem_probe_write(cpu, i, laddr, 2); /* each half with its own alignment */
    mem_probe_write(cpu, i, base_at(cpu, laddr), bytes);
    mem_write(cpu, i, laddr, 2, t->limit);
    mem_write(cpu, i, base_at(cpu, laddr), bytes, t->base);
}

/* With a 16-bit operand the base has 24 bits, as on the 80286; not in 64-bit mode. */
static void load_table(struct cpu *cpu, const struct cpu_insn *i, struct cpu_table *t)
{
    unsigned bytes = base_bytes(cpu);
    sim_laddr laddr = mem_operand(cpu, i, EA_ANY, 2 + bytes, MEM_READ);
    uint32_t limit = (uint32_t)mem_read(cpu, i, laddr, 2);
    uint64_t base = mem_read(cpu, i, base_at(cpu, laddr), bytes);

    cpu->cur = i;
    if (bytes == 8 && !mem_canonical_base(cpu, base))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_LGDT64, base);
    t->limit = limit;
    t->base = bytes == 4 && insn_op_bytes(i) == 2 ? base & 0xffffff : base;
}

CPU_OP(op_sgdt) { store_table(cpu, i, &cpu->gdtr); CPU_CONTINUE(cpu, i); }
CPU_OP(op_sidt) { store_table(cpu, i, &cpu->idtr); CPU_CONTINUE(cpu, i); }
CPU_OP(op_lgdt) { load_table(cpu, i, &cpu->gdtr); CPU_CONTINUE(cpu, i); }
CPU_OP(op_lidt) { load_table(cpu, i, &cpu->idtr); CPU_CONTINUE(cpu, i); }

/* ---- LDTR, TR ---- */

static void store_selector(struct cpu *cpu, const struct cpu_insn *i, unsigned seg)
{
    check_umip(cpu, i);
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
    if (!seg_read_upper(cpu, d))
        xfer_fault(cpu, VEC_GP, cause, d);
    if (seg_upper_type(d))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_SEG_128, d);
    if (!(d->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, absent, d);
    if (d->wide && !mem_canonical_base(cpu, d->base))
        xfer_fault(cpu, VEC_GP, cause, d);
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
    read_system(cpu, selector, 1u << SYS_TSS_AVAILABLE | (xfer_long(cpu) ? 0 : 1u << SYS_TSS16_AVAILABLE), CPU_CAUSE_GP_LTR,
                CPU_CAUSE_NP_TSS, &d);
    mem_sys_write(cpu, d.laddr + 5, 1, (d.raw >> 40 & 0xff) | 2);
    seg_load_cache(cpu, CPU_TR, &d);
    cpu->seg[CPU_TR].attr |= 2; /* busy */
    CPU_CONTINUE(cpu, i);
}

/* ---- Caches: none is modelled, memory is always what the last write made it ---- */

CPU_OP(op_invd)   { CPU_CONTINUE(cpu, i); }
CPU_OP(op_wbinvd) { CPU_CONTINUE(cpu, i); }

/* The address is not checked against the segment's limit, and one that is not canonical names no page: SDM Vol. 2A, "INVLPG". */
CPU_OP(op_invlpg)
{
    uint64_t off = mem_offset(cpu, i);
    bool wide = cpu->mode & MODE_L, based = !wide || i->seg == CPU_FS || i->seg == CPU_GS;
    sim_laddr laddr = (based ? cpu->seg[i->seg].base : 0) + off;

    if (!wide)
        mem_invlpg(cpu, (uint32_t)laddr);
    else if (mem_canonical(cpu, laddr))
        mem_invlpg(cpu, laddr);
    CPU_CONTINUE(cpu, i);
}

/* The descriptor: PCID in bits 11:0, zeros, and the address in the upper half. SDM Vol. 2A, "INVPCID". */
enum { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_EVERYTHING, INVPCID_ALL_CONTEXTS };

CPU_OP(op_invpcid)
{
    uint64_t type = exec_reg(cpu, i->dst, cpu->mode & MODE_L ? 64 : 32), d[2];
    uint16_t pcid;

    mem_read_bytes(cpu, i, mem_operand(cpu, i, EA_ANY, 16, MEM_READ), d, 16);
    cpu->cur = i;
    if (type > INVPCID_ALL_CONTEXTS)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_INVPCID, type);
    if (d[0] >> 12)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_INVPCID, d[0]);
    pcid = d[0] & 0xfff;
    if (type <= INVPCID_CONTEXT && pcid && !(cpu->cr4 & CR4_PCIDE))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_INVPCID, pcid);
    if (type == INVPCID_ADDRESS && !mem_canonical_base(cpu, d[1]))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_INVPCID, d[1]);
    switch (type) {
    case INVPCID_ADDRESS: tlb_invalidate_pcid(cpu->tlb, d[1], pcid); break;
    case INVPCID_CONTEXT: tlb_flush_pcid(cpu->tlb, pcid); break;
    default: tlb_flush(cpu->tlb, type == INVPCID_EVERYTHING); break;
    }
    mem_fast_flush(cpu);
    code_forget_fetch(cpu);
    CPU_CONTINUE(cpu, i);
}

/* ---- CPUID ---- */

CPU_OP(op_cpuid)
{
    uint32_t out[4];

    if (cpu->msr.misc_features_enables & MISC_FEATURES_CPUID_FAULT && cpu->cpl > 0) { /* SDM Vol. 3A, "CPUID faulting" */
        cpu->cur = i;
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CPUID, cpu->msr.misc_features_enables);
    }
    if ((uint32_t)cpu->reg[CPU_AX] == 1 && cpu->model->microcode) /* SDM Vol. 3A, "Determining the signature" */
        cpu->msr.bios_sign_id = (uint64_t)cpu->model->microcode << 32;
    cpuid(cpu, (uint32_t)cpu->reg[CPU_AX], (uint32_t)cpu->reg[CPU_CX], out);
    cpu->reg[CPU_AX] = out[0];
    cpu->reg[CPU_BX] = out[1];
    cpu->reg[CPU_CX] = out[2];
    cpu->reg[CPU_DX] = out[3];
    CPU_CONTINUE(cpu, i);
}

/* ---- What the coprocessor does not have, or all when there is none: SDM Vol. 3A, "Emulating the x87 FPU" ---- */

CPU_OP(op_esc)
{
    cpu->cur = i;
    if (cpu->cr0 & CR0_EM)
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_EM);
    if (cpu->cr0 & CR0_TS)
        cpu_raise(cpu, VEC_NM, 0, CPU_CAUSE_NM_TS);
    if (cpu->model->sets >> SET_X87 & 1)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_OPCODE);
    sim_log_unmodelled(cpu->bus->log, cpu->name, "x87", "a floating-point instruction with CR0.EM = 0 is #UD: this CPU has no FPU");
    cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_FEATURE);
}
