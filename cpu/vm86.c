#include "cpu/transfer.h"

#include "cpu/exec.h"

/*
 * Virtual-8086 mode with its extensions: SDM Vol. 3B, "8086 emulation". With IOPL below 3 the program's IF is VIF while CR4.VME is set;
 * what would enable interrupts while VIP is set faults, so that the monitor can deliver the one that waits.
 */

static bool extended(const struct cpu *cpu)
{
    return cpu->cr4 & CR4_VME;
}

static _Noreturn void fault(struct cpu *cpu, enum cpu_cause cause)
{
    xfer_fault_value(cpu, VEC_GP, 0, cause, cpu_eflags(cpu));
}

/* An image that POPF or IRET would load with IOPL < 3. */
static void check_image(struct cpu *cpu, uint32_t image)
{
    if (image & EFL_TF || (image & EFL_IF && cpu->eflags & EFL_VIP))
        fault(cpu, CPU_CAUSE_GP_VME_VIP);
}

static void load_image(struct cpu *cpu, uint32_t image)
{
    const uint32_t mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT | EFL_VIF;

    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (image & mask & ~(uint32_t)EFL_VIF) | (image & EFL_IF ? EFL_VIF : 0));
}

/*
 * STI, POPF and IRET do not set VIF while VIP is set, but a monitor may return to a program with both. Where VIF is in use: in virtual-8086
 * mode with CR4.VME, at CPL 3 of protected mode with CR4.PVI ("Protected-mode virtual interrupts"), and with IOPL below 3.
 */
bool vm86_interrupt_waits(const struct cpu *cpu)
{
    const uint32_t both = EFL_VIF | EFL_VIP;

    if ((cpu->eflags & both) != both || cpu->cpl != 3 || xfer_iopl(cpu) == 3)
        return false;
    return cpu->cr4 & (cpu->eflags & EFL_VM ? CR4_VME : CR4_PVI);
}

_Noreturn void vm86_fault_waiting(struct cpu *cpu)
{
    fault(cpu, CPU_CAUSE_GP_VME_VIP);
}

uint32_t vm86_pushf_image(struct cpu *cpu, unsigned size)
{
    uint32_t flags = cpu_eflags(cpu);

    if (!extended(cpu) || size != 2)
        fault(cpu, CPU_CAUSE_GP_V86_IOPL);
    return (flags & ~(uint32_t)EFL_IF) | (flags & EFL_VIF ? EFL_IF : 0) | EFL_IOPL;
}

void vm86_popf(struct cpu *cpu, const struct cpu_insn *i)
{
    uint32_t image;

    if (!extended(cpu) || insn_op_bytes(i) != 2)
        fault(cpu, CPU_CAUSE_GP_V86_IOPL);
    image = (uint32_t)stack_read(cpu, i, 0, 2);
    check_image(cpu, image);
    load_image(cpu, image);
}

static void check_iret(struct cpu *cpu, unsigned size)
{
    if (xfer_iopl(cpu) < 3 && (!extended(cpu) || size != 2))
        fault(cpu, CPU_CAUSE_GP_IRET_V86);
}

void vm86_iret(struct cpu *cpu, const struct cpu_insn *i)
{
    unsigned size = insn_op_bytes(i);
    uint32_t ip, flags;
    uint16_t selector;

    check_iret(cpu, size);
    ip = (uint32_t)stack_read(cpu, i, 0, size);
    selector = (uint16_t)stack_read(cpu, i, size, size);
    flags = (uint32_t)stack_read(cpu, i, 2 * size, size);
    if (ip > 0xffff)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_IRET_VM, ip);
    if (xfer_iopl(cpu) == 3) {
        uint32_t mask = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_NT | (size > 2 ? EFL_RF | EFL_AC | EFL_ID : 0);

        cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (flags & mask));
    } else {
        check_image(cpu, flags);
        load_image(cpu, flags);
    }
    stack_add(cpu, 3 * size);
    vm86_load_segment(cpu, CPU_CS, selector);
    cpu->ip = ip;
}

/* ---- INT n: SDM Vol. 3B, "Class 3 - Software interrupt handling in virtual-8086 mode" ---- */

/*
 * The redirection bitmap: 32 bytes that end where the I/O permission bitmap begins. A set bit, or no bitmap within the limit, means the
 * protected-mode handler. `off` tells where the byte stands in the TSS.
 */
static bool redirects(struct cpu *cpu, unsigned vector, uint32_t *off)
{
    const struct cpu_seg *tr = &cpu->seg[CPU_TR];

    *off = 0;
    if (!extended(cpu) || (tr->attr & SEG_TYPE) != SYS_TSS_BUSY || tr->limit < 0x67)
        return false;
    *off = (uint32_t)mem_sys_read(cpu, (uint32_t)(tr->base + 0x66), 2) - 32 + vector / 8;
    if (*off > tr->limit)
        return false;
    return !(mem_sys_read(cpu, (uint32_t)(tr->base + *off), 1) >> (vector & 7) & 1);
}

/* To the 8086 program's own handler, by the vector table at linear address 0. */
static void redirect(struct cpu *cpu, unsigned vector, uint64_t next_ip)
{
    bool virtual = xfer_iopl(cpu) < 3;
    uint64_t frame[3] = { cpu_eflags(cpu), cpu->seg[CPU_CS].selector, (uint16_t)next_ip };
    struct xfer_stack s;
    uint32_t target = (uint32_t)mem_read_as(cpu, vector * 4, 4, true);

    xfer_present_stack(cpu, CPU_CAUSE_SS_LIMIT, &s);
    if (virtual)
        frame[0] = (frame[0] & ~(uint32_t)EFL_IF) | (frame[0] & EFL_VIF ? EFL_IF : 0) | EFL_IOPL;
    xfer_check_room(cpu, &s, 3, 2);
    xfer_push(cpu, &s, frame, 3, 2);
    xfer_commit_stack(cpu, &s);
    cpu->eflags &= ~(uint32_t)(EFL_TF | (virtual ? EFL_VIF : EFL_IF));
    vm86_load_segment(cpu, CPU_CS, (uint16_t)(target >> 16));
    cpu->ip = target & 0xffff;
    cpu->step_trap = false;
    xfer_mode_changed(cpu);
}

bool vm86_interrupt(struct cpu *cpu, unsigned vector, uint64_t next_ip)
{
    uint32_t off;

    if (redirects(cpu, vector, &off)) {
        redirect(cpu, vector, next_ip);
        return true;
    }
    if (xfer_iopl(cpu) < 3) {
        if (off)
            xfer_fault_tss(cpu, VEC_GP, 0, CPU_CAUSE_GP_EVENT_V86INT, off, 1);
        fault(cpu, CPU_CAUSE_GP_EVENT_V86INT);
    }
    return false;
}
