#include "cpu/cpu.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/paging.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* Fast calls into the kernel and back, the bases of FS and GS, and what else came with 64-bit kernels. SDM Vol. 2, Vol. 3A, "Fast system
 * calls in 64-bit mode". */

/* ---- Flat segments that no descriptor is read for ---- */

static struct cpu_seg flat_code(uint16_t selector, unsigned dpl, bool wide)
{
    return (struct cpu_seg){ .selector = selector, .limit = UINT32_MAX,
                             .attr = SEG_G | SEG_P | SEG_S | dpl << 5 | SEG_TYPE_CODE | SEG_TYPE_READ | SEG_TYPE_ACCESSED | (wide ? SEG_L : SEG_DB) };
}

static struct cpu_seg flat_stack(uint16_t selector, unsigned dpl)
{
    return (struct cpu_seg){ .selector = selector, .limit = UINT32_MAX,
                             .attr = SEG_G | SEG_DB | SEG_P | SEG_S | dpl << 5 | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED };
}

/* The level and its two segments; `wide`: 64-bit code. */
static void enter(struct cpu *cpu, unsigned cpl, bool wide, uint16_t code, uint16_t stack, uint64_t ip)
{
    cpu->seg[CPU_CS] = flat_code((uint16_t)(code | cpl), cpl, wide);
    cpu->seg[CPU_SS] = flat_stack((uint16_t)(stack | cpl), cpl);
    cpu->cpl = (uint8_t)cpl;
    cpu->ip = ip;
    xfer_mode_changed(cpu);
}

/* ---- SYSCALL, SYSRET: as Intel has them, in 64-bit mode only ---- */

static void check_syscall(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    if (!(cpu->mode & MODE_L))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_MODE);
    if (!(cpu->efer & EFER_SCE))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_EFERSCE);
}

/* The trap flag counts as it is afterwards: a kernel masks it, and a traced program stops behind its SYSCALL when SYSRET sets it again. */
static void trap_if_set(struct cpu *cpu)
{
    cpu->step_trap = false;
    if (cpu->eflags & EFL_TF)
        cpu->pending_db |= DR6_BS;
    cpu_attend(cpu);
}

CPU_OP(op_syscall)
{
    uint32_t flags;
    uint16_t selector;

    check_syscall(cpu, i);
    flags = cpu_eflags(cpu);
    selector = (uint16_t)(cpu->msr.star >> 32);
    cpu->reg[CPU_CX] = CPU_NEXT_IP(cpu, i);
    cpu->reg[CPU_R11] = flags;
    cpu_set_eflags(cpu, (flags & ~(uint32_t)cpu->msr.fmask) | 2);
    enter(cpu, 0, true, selector & 0xfffc, (uint16_t)((selector & 0xfffc) + 8), cpu->msr.lstar);
    trap_if_set(cpu);
    return CPU_X_JUMP;
}

/* With REX.W to 64-bit code, else to compatibility mode. An address that is not canonical faults here, still in the kernel. */
CPU_OP(op_sysret)
{
    const uint32_t loaded = 0x3c7fd7;
    bool wide = i->flags & INSN_OP64;
    uint64_t ip = wide ? cpu->reg[CPU_CX] : (uint32_t)cpu->reg[CPU_CX];
    uint16_t selector = (uint16_t)(cpu->msr.star >> 48);

    check_syscall(cpu, i);
    if (cpu->cpl > 0 || (wide && !mem_canonical(cpu, ip)))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_SYSRET, ip);
    cpu_set_eflags(cpu, ((uint32_t)cpu->reg[CPU_R11] & loaded) | 2);
    enter(cpu, 3, wide, (uint16_t)(wide ? selector + 16 : selector), (uint16_t)(selector + 8), ip);
    trap_if_set(cpu);
    return CPU_X_JUMP;
}

/* ---- SYSENTER, SYSEXIT ---- */

CPU_OP(op_sysenter)
{
    uint16_t selector = cpu->msr.sysenter_cs & 0xfffc;
    bool wide = xfer_long(cpu);

    cpu->cur = i;
    if (!(cpu->cr0 & CR0_PE) || !selector)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_SYSENTER, cpu->msr.sysenter_cs);
    cpu->eflags &= ~(uint32_t)(EFL_VM | EFL_IF);
    cpu->reg[CPU_SP] = wide ? cpu->msr.sysenter_esp : (uint32_t)cpu->msr.sysenter_esp;
    enter(cpu, 0, wide, selector, (uint16_t)(selector + 8), wide ? cpu->msr.sysenter_eip : (uint32_t)cpu->msr.sysenter_eip);
    cpu_attend(cpu);
    return CPU_X_JUMP;
}

/* The new ESP and EIP come in ECX and EDX; with REX.W RSP and RIP in RCX and RDX. */
CPU_OP(op_sysexit)
{
    bool wide = i->flags & INSN_OP64;
    uint16_t selector = (uint16_t)((cpu->msr.sysenter_cs & 0xfffc) + (wide ? 32 : 16));
    uint64_t sp = wide ? cpu->reg[CPU_CX] : (uint32_t)cpu->reg[CPU_CX], ip = wide ? cpu->reg[CPU_DX] : (uint32_t)cpu->reg[CPU_DX];

    cpu->cur = i;
    if (!(cpu->cr0 & CR0_PE) || cpu->cpl > 0 || !(cpu->msr.sysenter_cs & 0xfffc))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_SYSENTER, cpu->msr.sysenter_cs);
    if (wide && (!mem_canonical(cpu, ip) || !mem_canonical(cpu, sp)))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_SYSENTER, mem_canonical(cpu, ip) ? sp : ip);
    cpu->reg[CPU_SP] = sp;
    enter(cpu, 3, wide, selector, (uint16_t)(selector + 8), ip);
    cpu_attend(cpu);
    return CPU_X_JUMP;
}

/* ---- Bases ---- */

CPU_OP(op_swapgs)
{
    uint64_t base = cpu->seg[CPU_GS].base;

    cpu->seg[CPU_GS].base = cpu->msr.kernel_gs_base;
    cpu->msr.kernel_gs_base = base;
    CPU_CONTINUE(cpu, i);
}

static unsigned base_width(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->cur = i;
    if (!(cpu->cr4 & CR4_FSGSBASE))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_CR4BIT);
    return i->flags & INSN_OP64 ? 64 : 32;
}

static void write_base(struct cpu *cpu, const struct cpu_insn *i, unsigned seg)
{
    uint64_t base = exec_reg(cpu, i->dst, base_width(cpu, i));

    if (!mem_canonical_base(cpu, base))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_BASE, base);
    cpu->seg[seg].base = base;
}

CPU_OP(op_rdfsbase)
{
    exec_set_reg(cpu, i->dst, base_width(cpu, i), cpu->seg[CPU_FS].base);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_rdgsbase)
{
    exec_set_reg(cpu, i->dst, base_width(cpu, i), cpu->seg[CPU_GS].base);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_wrfsbase) { write_base(cpu, i, CPU_FS); CPU_CONTINUE(cpu, i); }
CPU_OP(op_wrgsbase) { write_base(cpu, i, CPU_GS); CPU_CONTINUE(cpu, i); }

/* ---- SMAP, protection keys ---- */

/* What a supervisor may touch is asked at each access (paging_may_cache), so nothing has to be thrown away. */
static void set_ac(struct cpu *cpu, const struct cpu_insn *i, bool set)
{
    cpu->cur = i;
    if (cpu->cpl > 0)
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_CR4BIT);
    cpu->eflags = set ? cpu->eflags | EFL_AC : cpu->eflags & ~(uint32_t)EFL_AC;
}

CPU_OP(op_clac) { set_ac(cpu, i, false); CPU_CONTINUE(cpu, i); }
CPU_OP(op_stac) { set_ac(cpu, i, true); CPU_CONTINUE(cpu, i); }

static void check_pkru(struct cpu *cpu, const struct cpu_insn *i, uint64_t zero)
{
    cpu->cur = i;
    if (!(cpu->cr4 & CR4_PKE))
        cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_CR4BIT);
    if ((uint32_t)zero)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_PKRU, (uint32_t)zero);
}

CPU_OP(op_rdpkru)
{
    check_pkru(cpu, i, cpu->reg[CPU_CX]);
    cpu->reg[CPU_AX] = cpu->pkru;
    cpu->reg[CPU_DX] = 0;
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_wrpkru)
{
    check_pkru(cpu, i, cpu->reg[CPU_CX] | cpu->reg[CPU_DX]);
    paging_set_pkru(cpu, (uint32_t)cpu->reg[CPU_AX]);
    CPU_CONTINUE(cpu, i);
}
