#include "cpu/delivery.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/run.h"
#include "cpu/smm.h"
#include "cpu/transfer.h"

/* INT n and kin, IRET, and the flags that open the door to interrupts: PUSHF, POPF, CLI, STI, HLT. SDM Vol. 2. */

/* ---- Interrupts ---- */

CPU_OP(op_int3)
{
    cpu->cur = i;
    cpu_software_interrupt(cpu, VEC_BP, CPU_DELIVER_SOFTWARE_EXCEPTION, CPU_NEXT_IP(cpu, i));
    return CPU_X_JUMP;
}

CPU_OP(op_int)
{
    unsigned vector = (uint8_t)i->imm;

    cpu->cur = i;
    if (!(cpu->eflags & EFL_VM) || !vm86_interrupt(cpu, vector, CPU_NEXT_IP(cpu, i)))
        cpu_software_interrupt(cpu, vector, CPU_DELIVER_SOFTWARE_INT, CPU_NEXT_IP(cpu, i));
    return CPU_X_JUMP;
}

CPU_OP(op_into)
{
    cpu->cur = i;
    if (!flag_of(cpu))
        CPU_CONTINUE(cpu, i);
    cpu_software_interrupt(cpu, VEC_OF, CPU_DELIVER_SOFTWARE_EXCEPTION, CPU_NEXT_IP(cpu, i));
    return CPU_X_JUMP;
}

CPU_OP(op_int1)
{
    cpu->cur = i;
    cpu_software_interrupt(cpu, VEC_DB, CPU_DELIVER_PRIVILEGED_EXCEPTION, CPU_NEXT_IP(cpu, i));
    return CPU_X_JUMP;
}

CPU_OP(op_iret)
{
    far_iret(cpu, i);
    return CPU_X_JUMP;
}

CPU_OP(op_rsm)
{
    cpu->cur = i;
    if (!cpu->smm.active)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_RSM);
    smm_leave(cpu, i);
    return CPU_X_JUMP;
}

/* ---- PUSHF, POPF ---- */

CPU_OP(op_pushf)
{
    unsigned size = insn_op_bytes(i);
    uint32_t image;

    cpu->cur = i;
    if (cpu->eflags & EFL_VM && xfer_iopl(cpu) < 3)
        image = vm86_pushf_image(cpu, size);
    else
        image = cpu_eflags(cpu) & ~(uint32_t)(EFL_VM | EFL_RF);
    stack_push(cpu, i, size, image);
    CPU_CONTINUE(cpu, i);
}

/* Flags that POPF may change here: IF by IOPL, IOPL itself at CPL 0. VM, RF, VIF and VIP stay. */
static uint32_t popf_mask(const struct cpu *cpu, unsigned size)
{
    uint32_t mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT;

    if (size > 2)
        mask |= EFL_AC | EFL_ID;
    if (cpu->cpl <= xfer_iopl(cpu))
        mask |= EFL_IF;
    if (cpu->cpl == 0)
        mask |= EFL_IOPL;
    return mask;
}

CPU_OP(op_popf)
{
    unsigned size = insn_op_bytes(i);

    cpu->cur = i;
    if (cpu->eflags & EFL_VM && xfer_iopl(cpu) < 3) {
        vm86_popf(cpu, i);
    } else {
        uint32_t mask = popf_mask(cpu, size), image = (uint32_t)stack_read(cpu, i, 0, size);

        cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (image & mask));
    }
    stack_add(cpu, size);
    cpu_mode_changed(cpu); /* AC may have changed */
    CPU_CONTINUE(cpu, i);
}

/* ---- CLI, STI ---- */

/* Which flag the instruction is about: IF, or VIF where the virtual extensions stand in; raises #GP(0) where neither may be changed. */
static uint32_t interrupt_flag(struct cpu *cpu)
{
    bool vm86 = cpu->eflags & EFL_VM;

    if (cpu->cpl <= xfer_iopl(cpu))
        return EFL_IF;
    if (vm86 ? cpu->cr4 & CR4_VME : cpu->cpl == 3 && cpu->cr4 & CR4_PVI)
        return EFL_VIF;
    xfer_fault_value(cpu, VEC_GP, 0, vm86 ? CPU_CAUSE_GP_V86_IOPL : CPU_CAUSE_GP_IOPL, cpu_eflags(cpu));
}

CPU_OP(op_cli)
{
    cpu->cur = i;
    cpu->eflags &= ~interrupt_flag(cpu);
    cpu_attend(cpu);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_sti)
{
    uint32_t flag;

    cpu->cur = i;
    flag = interrupt_flag(cpu);
    if (flag == EFL_VIF && cpu->eflags & EFL_VIP)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_VME_VIP, cpu_eflags(cpu));
    if (flag == EFL_IF && !(cpu->eflags & EFL_IF))
        cpu->shadow_sti = true; /* interrupts open behind the next instruction: STI; HLT and STI; RET rely on it */
    cpu->eflags |= flag;
    cpu_attend(cpu);
    CPU_CONTINUE(cpu, i);
}

/* ---- HLT ---- */

CPU_OP(op_hlt)
{
    struct bus_txn txn = { .kind = BUS_SPECIAL, .master = (uint16_t)cpu->number, .addr = BUS_SPECIAL_HALT };

    mem_touch(cpu, i);
    bus_do(cpu->bus, &txn);
    cpu->activity = CPU_HALTED;
    cpu_attend(cpu);
    CPU_CONTINUE(cpu, i);
}
