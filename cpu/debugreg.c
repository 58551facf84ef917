#include "cpu/debugreg.h"

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

static void note(struct cpu *cpu, unsigned n)
{
    cpu->pending_db |= DR6_B0 << n;
    cpu_attend(cpu);
}

void debugreg_data_access(struct cpu *cpu, sim_laddr laddr, unsigned size, bool write)
{
    for (unsigned n = 0; n < 4; n++) {
        enum condition c = condition_of(cpu, n);

        if (enabled(cpu, n) && (c == ON_ACCESS || (c == ON_WRITE && write)) && overlaps(cpu, n, laddr, size))
            note(cpu, n);
    }
}

void debugreg_port_access(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (!(cpu->dr[7] & 0xff) || !(cpu->cr4 & CR4_DE))
        return;
    for (unsigned n = 0; n < 4; n++)
        if (enabled(cpu, n) && condition_of(cpu, n) == ON_PORT && overlaps(cpu, n, port, size))
            note(cpu, n);
}

bool debugreg_has_exec(const struct cpu *cpu)
{
    if (!(cpu->dr[7] & 0xff))
        return false;
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
