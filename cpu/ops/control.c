#include "cpu/cpu.h"

#include "cpu/exec.h"
#include "cpu/model.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* Control, debug and test registers. SDM Vol. 2B, "MOV - Move to/from control registers"; Vol. 3A, "Control registers". */

static void report(struct cpu *cpu, uint32_t reg, uint64_t old, uint64_t value)
{
    struct cpu_event event = { .kind = CPU_EVENT_CONTROL, .reg = reg, .old = old, .value = value };

    run_report(cpu, &event);
}

/* ---- CR0 ---- */

#define CR0_WRITABLE (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

/* Does this change make the processor read the PDPTEs anew? SDM Vol. 3A, "PDPTE registers". */
static bool cr0_loads_pdptes(const struct cpu *cpu, uint64_t value)
{
    return value & CR0_PG && cpu->cr4 & CR4_PAE && (cpu->cr0 ^ value) & (CR0_PG | CR0_CD | CR0_NW);
}

/* Reserved bits are ignored, and ET is 1. */
static void write_cr0(struct cpu *cpu, uint32_t image)
{
    uint64_t old = cpu->cr0, value = (image & CR0_WRITABLE) | CR0_ET;

    if (value & CR0_PG && !(value & CR0_PE))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_PGPE, value);
    if (value & CR0_NW && !(value & CR0_CD))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR0_NWCD, value);
    if (cr0_loads_pdptes(cpu, value))
        mem_load_pdptes(cpu, cpu->cr3);
    cpu->cr0 = value;
    if ((old ^ value) & CR0_PG)
        mem_flush_tlb(cpu, true);
    else if ((old ^ value) & (CR0_WP | CR0_AM)) /* rights are baked into the fast tables, and alignment checks go past them */
        mem_fast_flush(cpu);
    report(cpu, 0, old, value);
    xfer_mode_changed(cpu);
}

CPU_OP(op_smsw)
{
    rm_write(cpu, i, i->flags & INSN_MEM ? 2 : insn_op_bytes(i), cpu->cr0);
    CPU_CONTINUE(cpu, i);
}

/* Loads PE, MP, EM, TS; PE can only be set. */
CPU_OP(op_lmsw)
{
    uint32_t word = (uint32_t)rm_read(cpu, i, 2) & (CR0_PE | CR0_MP | CR0_EM | CR0_TS);

    cpu->cur = i;
    write_cr0(cpu, ((uint32_t)cpu->cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | word);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_clts)
{
    uint64_t old = cpu->cr0;

    cpu->cur = i;
    cpu->cr0 &= ~(uint64_t)CR0_TS;
    report(cpu, 0, old, cpu->cr0);
    CPU_CONTINUE(cpu, i);
}

/* ---- CR3, CR4 ---- */

static void write_cr3(struct cpu *cpu, uint32_t value)
{
    uint64_t old = cpu->cr3;

    if (cpu->cr0 & CR0_PG && cpu->cr4 & CR4_PAE)
        mem_load_pdptes(cpu, value);
    cpu->cr3 = value;
    mem_flush_tlb(cpu, false);
    report(cpu, 3, old, value);
}

static void write_cr4(struct cpu *cpu, uint32_t value)
{
    const uint32_t paging = CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP;
    uint64_t old = cpu->cr4;

    if (value & ~cpu->model->cr4)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_CR_RSVD, value);
    if (cpu->cr0 & CR0_PG && value & CR4_PAE && (old ^ value) & paging)
        mem_load_pdptes(cpu, cpu->cr3);
    cpu->cr4 = value;
    if ((old ^ value) & paging)
        mem_flush_tlb(cpu, true);
    else if ((old ^ value) & (CR4_SMAP | CR4_DE))
        mem_fast_flush(cpu);
    report(cpu, 4, old, value);
    xfer_mode_changed(cpu);
}

/* CR4 came with the first features that it enables. */
static void check_number(struct cpu *cpu, unsigned number)
{
    if (number == 1 || number > 4 || (number == 4 && !cpu->model->cr4))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVCR);
}

CPU_OP(op_mov_from_cr)
{
    const uint64_t value[] = { cpu->cr0, 0, cpu->cr2, cpu->cr3, cpu->cr4 };

    cpu->cur = i;
    check_number(cpu, i->src);
    exec_set_reg(cpu, i->dst, 32, value[i->src]);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_mov_to_cr)
{
    uint32_t value = (uint32_t)exec_reg(cpu, i->src, 32);

    cpu->cur = i;
    check_number(cpu, i->dst);
    switch (i->dst) {
    case 0: write_cr0(cpu, value); break;
    case 2: cpu->cr2 = value; break;
    case 3: write_cr3(cpu, value); break;
    default: write_cr4(cpu, value); break;
    }
    CPU_CONTINUE(cpu, i);
}

/* ---- Debug registers: SDM Vol. 3B, "Debug registers" ---- */

#define DR6_WRITABLE 0xe00fu
#define DR7_WRITABLE 0xffff23ffu

/* The register meant: DR4 and DR5 are DR6 and DR7, unless CR4.DE takes them away. With DR7.GD any access is #DB. */
static unsigned debug_number(struct cpu *cpu, unsigned number)
{
    if (number == 4 || number == 5) {
        if (cpu->cr4 & CR4_DE)
            cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MOVDR45);
        number += 2;
    }
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[6] |= DR6_BD;
        xfer_fault_value(cpu, VEC_DB, 0, CPU_CAUSE_DB_GD, cpu->dr[7]);
    }
    return number;
}

CPU_OP(op_mov_from_dr)
{
    cpu->cur = i;
    exec_set_reg(cpu, i->dst, 32, cpu->dr[debug_number(cpu, i->src)]);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_mov_to_dr)
{
    uint64_t value = exec_reg(cpu, i->src, 32), old;
    unsigned number;

    cpu->cur = i;
    number = debug_number(cpu, i->dst);
    old = cpu->dr[number];
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
