#include "cpu/debugreg.h"

#include "cpu/run.h"

#define DR6_B 0xFu /* B0 to B3 */

/*
 * DR7: L0 G0 L1 G1 ... in bits 7:0, then LE GE, GD; for breakpoint n two bits of condition (0 execute, 1 write, 2 port, 3 read or write)
 * from bit 16 + 4n and two of length (1, 2, 8, 4 bytes) above them.
 */
enum condition { ON_EXECUTE, ON_WRITE, ON_PORT, ON_ACCESS };

static bool enabled(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (2 * n) & 3;
}

static enum condition condition_of(const struct cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (16 + 4 * n) & 3;
}

static unsigned length_of(const struct cpu *cpu, unsigned n)
{
    static const uint8_t bytes[] = { 1, 2, 8, 4 };

    return bytes[cpu->dr[7] >> (18 + 4 * n) & 3];
}

/* Its range begins at a multiple of its length. */
static bool overlaps(const struct cpu *cpu, unsigned n, uint64_t first, uint64_t size)
{
    uint64_t from = cpu->dr[n] & ~(uint64_t)(length_of(cpu, n) - 1);

    return first < from + length_of(cpu, n) && from < first + size;
}

static bool is_data(enum condition c)
{
    return c == ON_WRITE || c == ON_ACCESS;
}

bool debugreg_watches_page(const struct cpu *cpu, sim_laddr page)
{
    if (!(cpu->dr[7] & 0xff))
        return false;
    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && is_data(condition_of(cpu, n)) && overlaps(cpu, n, page, SIM_PAGE_SIZE))
            return true;
    return false;
}

static void note(struct cpu *cpu, unsigned n, enum cpu_cause cause)
{
    sim_steps step = cpu->steps + run_steps_done(cpu);

    if (cpu->met.step != step)
        cpu->met.bits = 0;
    cpu->met.step = step;
    cpu->met.bits |= (DR6_B0 << n) & ~cpu->pending_db;
    cpu->pending_db |= DR6_B0 << n;
    if (cpu->pending_db_cause == CPU_CAUSE_NONE)
        cpu->pending_db_cause = cause;
    cpu_attend(cpu);
}

/* SDM Vol. 3B, "Data Memory and I/O Breakpoint Exception Conditions": they are traps, and this instruction is not executed. */
void debugreg_faulted(struct cpu *cpu)
{
    if (cpu->met.step == cpu->steps + run_steps_done(cpu))
        cpu->pending_db &= ~cpu->met.bits;
    cpu->met.bits = 0;
    if (!cpu->pending_db)
        cpu->pending_db_cause = CPU_CAUSE_NONE;
}

void debugreg_data_access(struct cpu *cpu, sim_laddr laddr, unsigned size, bool write)
{
    for (unsigned n = 0; n < 4; n++) {
        enum condition c = condition_of(cpu, n);

        if (enabled(cpu, n) && (c == ON_ACCESS || (c == ON_WRITE && write)) && overlaps(cpu, n, laddr, size))
            note(cpu, n, CPU_CAUSE_DB_DATA);
    }
}

void debugreg_port_matches(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (!(cpu->cr4 & CR4_DE))
        return;
    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && condition_of(cpu, n) == ON_PORT && overlaps(cpu, n, port, size))
            note(cpu, n, CPU_CAUSE_DB_IO);
}

bool debugreg_has_enabled_exec(const struct cpu *cpu)
{
    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && condition_of(cpu, n) == ON_EXECUTE)
            return true;
    return false;
}

uint32_t debugreg_exec_match(const struct cpu *cpu, sim_laddr laddr)
{
    uint32_t bits = 0;

    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && condition_of(cpu, n) == ON_EXECUTE && cpu->dr[n] == laddr)
            bits |= DR6_B0 << n;
    return bits;
}

/* SDM Vol. 3B, "Debug Control Register (DR7)", "Single-Stepping on Branches": the handler can use the debug registers, and steps on branches no more. */
void debugreg_delivered(struct cpu *cpu)
{
    cpu->dr[7] &= ~(uint64_t)DR7_GD;
    cpu->msr.debugctl &= ~(uint64_t)(DEBUGCTL_BTF | DEBUGCTL_LBR);
}

void debugreg_report(struct cpu *cpu, uint32_t bits)
{
    cpu->dr[6] = (cpu->dr[6] & ~(uint64_t)DR6_B) | bits;
}
