#include "cpu/cpu.h"

#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/exec.h"
#include "cpu/lapic.h"
#include "cpu/model.h"
#include "cpu/paging.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* Control, debug and test registers. SDM Vol. 2B, "MOV - Move to/from control registers"; Vol. 3A, "Control registers". */

static void report(struct cpu *cpu, uint32_t reg, uint64_t old, uint64_t value)
{
    struct cpu_event event = { .kind = CPU_EVENT_CONTROL, .reg = reg, .old = old, .value = value };

    run_report(cpu, &event);
}

/* ---- CR0 ---- */

static bool in_64bit_mode(const struct cpu *cpu) { return cpu->mode & MODE_L; }

/* Paging goes on with EFER.LME set, or off in IA-32e mode. SDM Vol. 3A, "Initializing IA-32e mode", "Disabling IA-32e mode". */
static void check_long_mode(struct cpu *cpu, uint64_t value)
{
    if (cpu->efer & EFER_LMA) {
        if (!(value & CR0_PG) && (in_64bit_mode(cpu) || cpu->cr4 & CR4_PCIDE))
            xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_LM_OFF, value);
        return;
    }
    if (!(value & CR0_PG) || cpu->cr0 & CR0_PG || !(cpu->efer & EFER_LME))
        return;
    if (!(cpu->cr4 & CR4_PAE))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_LM_PAE, cpu->cr4);
    if (cpu->seg[CPU_CS].attr & SEG_L || (cpu->seg[CPU_TR].attr & SEG_TYPE) < SYS_TSS_AVAILABLE)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_LM_CSL, value);
}

/* EFER as it is with this CR0: LMA is LME and PG. */
static uint64_t efer_with(const struct cpu *cpu, uint64_t cr0)
{
    return (cpu->efer & ~(uint64_t)EFER_LMA) | (cpu->efer & EFER_LME && cr0 & CR0_PG ? EFER_LMA : 0);
}

static void write_efer(struct cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->efer;

    cpu->efer = value;
    if (old != value)
        report(cpu, 32, old, value);
}

/* Does this change make the processor read the PDPTEs anew? SDM Vol. 3A, "PDPTE registers". */
static bool cr0_loads_pdptes(const struct cpu *cpu, uint64_t value)
{
    return paging_has_pdptes(value, cpu->cr4, efer_with(cpu, value)) && (cpu->cr0 ^ value) & (CR0_PG | CR0_CD | CR0_NW);
}

/* Reserved bits of the lower half are ignored, and ET is 1. */
static void write_cr0(struct cpu *cpu, uint64_t image)
{
    uint64_t old = cpu->cr0, value = (image & CR0_WRITABLE) | CR0_ET;

    if (image >> 32)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR_RSVD, image);
    if (value & CR0_PG && !(value & CR0_PE))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_PGPE, value);
    if (value & CR0_NW && !(value & CR0_CD))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_NWCD, value);
    check_long_mode(cpu, value);
    if (cr0_loads_pdptes(cpu, value))
        mem_load_pdptes(cpu, cpu->cr3);
    cpu->cr0 = value;
    write_efer(cpu, efer_with(cpu, value));
    if ((old ^ value) & CR0_PG)
        mem_flush_tlb(cpu, true);
    else if ((old ^ value) & (CR0_WP | CR0_AM | CR0_CD)) /* rights and memory types are baked in, and alignment checks go past the fast tables */
        mem_fast_flush(cpu);
    report(cpu, 0, old, value);
    xfer_mode_changed(cpu);
}

CPU_OP(op_smsw)
{
    cpu->cur = i;
    if (cpu->cr4 & CR4_UMIP && cpu->cpl > 0)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_UMIP, cpu->cr4);
    rm_write(cpu, i, i->flags & INSN_MEM ? 2 : insn_op_bytes(i), cpu->cr0);
    CPU_CONTINUE(cpu, i);
}

/* Loads PE, MP, EM, TS; PE can only be set. */
CPU_OP(op_lmsw)
{
    uint32_t word = (uint32_t)rm_read(cpu, i, 2) & (CR0_PE | CR0_MP | CR0_EM | CR0_TS);

    cpu->cur = i;
    write_cr0(cpu, (cpu->cr0 & ~(uint64_t)(CR0_MP | CR0_EM | CR0_TS)) | word);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_clts)
{
    uint64_t old = cpu->cr0;

    cpu->cur = i;
    cpu->cr0 &= ~(uint64_t)CR0_TS;
    report(cpu, 0, old, cpu->cr0);
    xfer_mode_changed(cpu); /* MODE_TS */
    CPU_CONTINUE(cpu, i);
}

/* ---- CR3, CR4, CR8 ---- */

#define CR3_KEEP (1ull << 63) /* with CR4.PCIDE: nothing is flushed; not stored */

/* SDM Vol. 3A, "Process-context identifiers (PCIDs)". */
static void write_cr3(struct cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->cr3;
    bool keep = value & CR3_KEEP && cpu->cr4 & CR4_PCIDE;

    if (keep)
        value &= ~CR3_KEEP;
    if (value & ~paging_phys_mask(cpu) && (cpu->efer & EFER_LMA || value >> 32))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR_RSVD, value);
    if (paging_has_pdptes(cpu->cr0, cpu->cr4, cpu->efer))
        mem_load_pdptes(cpu, value);
    cpu->cr3 = value;
    if (keep) {
        paging_set_pcid(cpu);
        mem_fast_flush(cpu);
        code_forget_fetch(cpu);
    } else {
        mem_flush_tlb(cpu, false);
    }
    report(cpu, 3, old, value);
}

/* SDM Vol. 2B, "MOV - Move to/from control registers": what may not change in IA-32e mode. */
static void check_cr4(struct cpu *cpu, uint64_t value)
{
    uint64_t changed = cpu->cr4 ^ value;
    bool lma = cpu->efer & EFER_LMA;

    if (value & ~(uint64_t)cpu->model->cr4)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR_RSVD, value);
    if (lma && !(value & CR4_PAE))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR4_PAE, value);
    if (lma && changed & CR4_LA57)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR4_LA57, value);
    if (changed & value & CR4_PCIDE && (!lma || cpu->cr3 & 0xfff))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR4_PCIDE, cpu->cr3);
}

static void write_cr4(struct cpu *cpu, uint64_t value)
{
    const uint32_t paging = CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP;
    uint64_t old = cpu->cr4;

    check_cr4(cpu, value);
    if (paging_has_pdptes(cpu->cr0, value, cpu->efer) && (old ^ value) & paging)
        mem_load_pdptes(cpu, cpu->cr3);
    cpu->cr4 = value;
    if ((old ^ value) & (paging | CR4_LA57) || old & ~value & CR4_PCIDE)
        mem_flush_tlb(cpu, true);
    else if ((old ^ value) & (CR4_SMAP | CR4_PKE | CR4_PKS | CR4_DE))
        mem_fast_flush(cpu);
    paging_set_pcid(cpu);
    report(cpu, 4, old, value);
    xfer_mode_changed(cpu);
}

/* The task priority: SDM Vol. 3A, "Interaction of task priorities between CR8 and APIC". */
static uint64_t read_cr8(const struct cpu *cpu)
{
    return cpu->lapic ? lapic_peek(cpu->lapic, 0x80) >> 4 : 0;
}

static void write_cr8(struct cpu *cpu, uint64_t value)
{
    uint64_t old = read_cr8(cpu);

    if (value >> 4)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR_RSVD, value);
    if (cpu->lapic)
        lapic_write(cpu->lapic, 0x80, (uint32_t)value << 4, 4);
    report(cpu, 8, old, value);
    cpu_attend(cpu);
}

/* CR4 came with the first features that it enables. */
static void check_number(struct cpu *cpu, unsigned number)
{
    if (number == 4 && !cpu->model->cr4)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVCR);
}

static unsigned operand_width(const struct cpu_insn *i) { return i->flags & INSN_OP64 ? 64 : 32; }

CPU_OP(op_mov_from_cr)
{
    uint64_t value;

    cpu->cur = i;
    check_number(cpu, i->src);
    switch (i->src) {
    case 0: value = cpu->cr0; break;
    case 2: value = cpu->cr2; break;
    case 3: value = cpu->cr3; break;
    case 4: value = cpu->cr4; break;
    default: value = read_cr8(cpu); break;
    }
    exec_set_reg(cpu, i->dst, operand_width(i), value);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_mov_to_cr)
{
    uint64_t value = exec_reg(cpu, i->src, operand_width(i));

    cpu->cur = i;
    check_number(cpu, i->dst);
    switch (i->dst) {
    case 0: write_cr0(cpu, value); break;
    case 2: cpu->cr2 = value; break;
    case 3: write_cr3(cpu, value); break;
    case 4: write_cr4(cpu, value); break;
    default: write_cr8(cpu, value); break;
    }
    CPU_CONTINUE(cpu, i);
}

/* ---- Debug registers: SDM Vol. 3B, "Debug registers" ---- */

/* The register meant: DR4 and DR5 are DR6 and DR7, unless CR4.DE takes them away. With DR7.GD any access is #DB. */
static unsigned debug_number(struct cpu *cpu, unsigned number)
{
    if (number == 4 || number == 5) {
        if (cpu->cr4 & CR4_DE)
            cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVDR45);
        number += 2;
    }
    if (cpu->dr[7] & DR7_GD) {
        debugreg_report(cpu, DR6_BD);
        xfer_fault_value(cpu, VEC_DB, 0, CPU_CAUSE_DB_GD, cpu->dr[7]);
    }
    return number;
}

CPU_OP(op_mov_from_dr)
{
    cpu->cur = i;
    exec_set_reg(cpu, i->dst, operand_width(i), cpu->dr[debug_number(cpu, i->src)]);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_mov_to_dr)
{
    uint64_t value = exec_reg(cpu, i->src, operand_width(i)), old;
    unsigned number;

    cpu->cur = i;
    number = debug_number(cpu, i->dst);
    old = cpu->dr[number];
    if (number >= 6 && value >> 32)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_DR_RSVD, value);
    if (number == 6)
        value = (value & DR6_WRITABLE) | DR6_INIT;
    else if (number == 7)
        value = (value & DR7_WRITABLE) | DR7_INIT;
    cpu->dr[number] = value;
    mem_fast_flush(cpu); /* other pages are watched now */
    cpu_attend(cpu);
    report(cpu, 16 + number, old, value);
    CPU_CONTINUE(cpu, i);
}

/* The test registers went with the 80486. */
CPU_OP(op_mov_tr)
{
    cpu->cur = i;
    cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVTR);
}
