/*
 * MONITOR and MWAIT: SDM Vol. 3A, "MONITOR/MWAIT Instruction".
 *
 * A processor that has armed its monitor hears of each write to one line of memory: by itself, by another processor or by DMA. The page's
 * write trap tells (BUS_TRAP_WATCH), so writes to other pages cost nothing. A write to an armed line touches what others see: it waits for
 * its CPU's turn, and the sleeper wakes at its cycle. What disarms: that write, any delivery, INIT and RESET.
 */
#ifndef LIBSIM_CPU_MONITOR_H
#define LIBSIM_CPU_MONITOR_H

#include "cpu/cpu.h"

#define MONITOR_LINE 64u /* bytes, naturally aligned */

/* Arms the monitor for the line of a physical address (after A20). What is no RAM cannot be watched: nothing is armed then. */
void monitor_arm(struct cpu *cpu, sim_paddr paddr);
void monitor_disarm(struct cpu *cpu);

/* Would a write of bytes off..off+len-1 of this page reach a line that some CPU has armed? */
bool monitor_armed_for(const struct cpu_cluster *cluster, const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);
/* Such bytes are about to be written: the RAM's listener. */
void monitor_written(struct cpu_cluster *cluster, const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);

/* The state was loaded, or the memory map changed: sets the page's trap anew. */
void monitor_loaded(struct cpu *cpu);

/* Has a CPU that executed MWAIT reason to go on, though nothing is delivered? cpu_wake() lets it. */
bool monitor_ends_wait(const struct cpu *cpu);

#endif
