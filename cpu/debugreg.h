/*
 * Debug registers: breakpoints that the guest sets. SDM Vol. 3B, "Debug registers".
 *
 * Data and I/O matches raise a trap: bits go into cpu->pending_db and the boundary delivers #DB after the step. Instruction matches
 * are faults, tested by the boundary before a step.
 */
#ifndef LIBSIM_CPU_DEBUGREG_H
#define LIBSIM_CPU_DEBUGREG_H

#include "cpu/cpu.h"

/* Is an enabled data breakpoint on this linear page? Such pages stay out of the fast tables. */
bool debugreg_watches_page(const struct cpu *cpu, sim_laddr page);
/* A data access was made (after it): notes matches. */
void debugreg_data_access(struct cpu *cpu, sim_laddr laddr, unsigned size, bool write);
void debugreg_port_matches(struct cpu *cpu, uint16_t port, unsigned size); /* some breakpoint is enabled */
static inline void debugreg_port_access(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (cpu->dr[7] & 0xff)
        debugreg_port_matches(cpu, port, size);
}
/* Is any instruction breakpoint enabled? Then steps are made one by one. */
bool debugreg_has_enabled_exec(const struct cpu *cpu);
static inline bool debugreg_has_exec(const struct cpu *cpu) { return cpu->dr[7] & 0xff && debugreg_has_enabled_exec(cpu); }
/* DR6 bits of instruction breakpoints that match the linear address; 0: none. */
uint32_t debugreg_exec_match(const struct cpu *cpu, sim_laddr laddr);
/* A debug exception comes for these reasons (DR6 bits): B0 to B3 become what it says, the other bits stay until software clears them. */
void debugreg_report(struct cpu *cpu, uint32_t bits);
/* #DB was delivered, INT 1 apart. */
void debugreg_delivered(struct cpu *cpu);
/* The present instruction faults: breakpoints that its accesses have met do not trap. */
void debugreg_faulted(struct cpu *cpu);

#endif
