#include "cpu/monitor.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/paging.h"
#include "cpu/regs.h"
#include "cpu/run.h"

/* MONITOR and MWAIT: SDM Vol. 2B. Hints say how deep to sleep, and there is one depth here: they are not looked at. */

/* IA32_MISC_ENABLE can take both away. */
static void check_allowed(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    if (cpu->cpl > 0 || !(cpu->msr.misc_enable & MISC_ENABLE_MONITOR))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MONITOR);
}

static void check_extensions(struct cpu *cpu, uint32_t known)
{
    uint32_t extensions = (uint32_t)cpu->reg[CPU_CX];

    if (!(extensions & ~known))
        return;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = extensions };
    cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_MONITOR);
}

/* To memory it is a read of one byte. */
CPU_OP(op_monitor)
{
    sim_laddr laddr;

    check_allowed(cpu, i);
    check_extensions(cpu, 0);
    laddr = mem_segment(cpu, i, i->seg, insn_ad_cut(i, cpu->reg[CPU_AX]), 1, MEM_READ);
    mem_touch(cpu, i); /* from here on others' writes are watched */
    mem_probe_read(cpu, i, laddr, 1);
    monitor_arm(cpu, paging_translate(cpu, laddr, PAGING_READ, PAGING_SUPERVISOR) & cpu->bus->a20_mask);
    CONTINUE;
}

/* ECX bit 0: an interrupt ends it even if it is masked by EFLAGS.IF. */
CPU_OP(op_mwait)
{
    check_allowed(cpu, i);
    check_extensions(cpu, 1);
    mem_touch(cpu, i);
    cpu->monitor.masked_too = cpu->reg[CPU_CX] & 1;
    if (!monitor_ends_wait(cpu))
        cpu->activity = CPU_MWAIT;
    cpu_attend(cpu);
    CONTINUE;
}
