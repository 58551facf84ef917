/* The processor's registers and tables as text. */
#include "debug/private.h"

#define NOT_YET(name)                                                         \
    void name(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)          \
    {                                                                         \
        (void)dbg, (void)cpu;                                                 \
        sim_buf_printf(out, "This view is still to come.\n");                 \
    }
NOT_YET(dbg_view_segments) NOT_YET(dbg_view_cpu) NOT_YET(dbg_view_gdt) NOT_YET(dbg_view_ldt) NOT_YET(dbg_view_idt) NOT_YET(dbg_view_tss)
NOT_YET(dbg_view_tlb) NOT_YET(dbg_view_page_tables) NOT_YET(dbg_view_lapic) NOT_YET(dbg_view_msrs)

void dbg_view_registers(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    (void)dbg;
    sim_buf_printf(out, "eax %08x ecx %08x edx %08x ebx %08x\nesp %08x ebp %08x esi %08x edi %08x\neip %08x eflags %08x\n",
                   (uint32_t)cpu->reg[0], (uint32_t)cpu->reg[1], (uint32_t)cpu->reg[2], (uint32_t)cpu->reg[3], (uint32_t)cpu->reg[4],
                   (uint32_t)cpu->reg[5], (uint32_t)cpu->reg[6], (uint32_t)cpu->reg[7], (uint32_t)cpu->ip, cpu_eflags(cpu));
}

void dbg_view_translate(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, struct sim_buf *out)
{
    sim_paddr paddr;

    (void)dbg;
    if (cpu_translate_peek(cpu, laddr, true, &paddr, NULL))
        sim_buf_printf(out, "0x%08llx is not mapped\n", (unsigned long long)laddr);
    else
        sim_buf_printf(out, "0x%08llx -> physical 0x%08llx\n", (unsigned long long)laddr, (unsigned long long)paddr);
}
