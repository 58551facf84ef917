#include "cpu/msr.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* RDMSR, WRMSR, RDTSC, RDPMC. SDM Vol. 2B. */

static void set_edx_eax(struct cpu *cpu, uint64_t value)
{
    cpu->reg[CPU_AX] = (uint32_t)value;
    cpu->reg[CPU_DX] = value >> 32;
}

CPU_OP(op_rdmsr)
{
    mem_touch(cpu, i);
    set_edx_eax(cpu, msr_read(cpu, (uint32_t)cpu->reg[CPU_CX]));
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_wrmsr)
{
    uint64_t value = (uint32_t)cpu->reg[CPU_AX] | cpu->reg[CPU_DX] << 32;
    struct cpu_event event = { .kind = CPU_EVENT_MSR, .reg = (uint32_t)cpu->reg[CPU_CX], .value = value };

    mem_touch(cpu, i);
    msr_peek(cpu, event.reg, &event.old);
    msr_write(cpu, event.reg, value);
    run_report(cpu, &event);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_rdtsc)
{
    mem_touch(cpu, i);
    if (cpu->cr4 & CR4_TSD && cpu->cpl > 0)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_TSD, cpu->cr4);
    set_edx_eax(cpu, run_step_cycle(cpu) + cpu->tsc_offset);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2B, "RDTSCP". */
CPU_OP(op_rdtscp)
{
    mem_touch(cpu, i);
    if (cpu->cr4 & CR4_TSD && cpu->cpl > 0)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_TSD, cpu->cr4);
    set_edx_eax(cpu, run_step_cycle(cpu) + cpu->tsc_offset);
    cpu->reg[CPU_CX] = (uint32_t)cpu->msr.tsc_aux;
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_rdpid)
{
    exec_set_reg(cpu, i->dst, cpu->mode & MODE_L ? 64 : 32, cpu->msr.tsc_aux);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2B, "RDPMC". */
CPU_OP(op_rdpmc)
{
    uint64_t value;

    cpu->cur = i;
    if (!(cpu->cr4 & CR4_PCE) && cpu->cpl > 0)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_PCE, cpu->cr4);
    if (!pmu_read_counter(cpu, (uint32_t)cpu->reg[CPU_CX], &value))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_PCE, (uint32_t)cpu->reg[CPU_CX]);
    set_edx_eax(cpu, value);
    CPU_CONTINUE(cpu, i);
}
