/*
 * Page walks: from a linear to a physical address, through the architectural TLB.
 * SDM Vol. 3A, "Paging". None, 32-bit with PSE and PSE-36, and PAE; 4-level paging comes with long mode.
 */
#ifndef LIBSIM_CPU_PAGING_H
#define LIBSIM_CPU_PAGING_H

#include "cpu/mem.h"

enum paging_access { PAGING_READ, PAGING_WRITE, PAGING_FETCH };

/* The physical address (A20 not applied) of laddr for an access with user or supervisor rights. Fills the TLB, sets accessed and dirty
 * bits, or raises #PF. */
sim_paddr paging_translate(struct cpu *cpu, sim_laddr laddr, enum paging_access access, bool user);

/* Writes with supervisor rights to read-only pages: WP; the code above knows. */

/* Walks the tables without side effects. */
void paging_peek(struct cpu *cpu, sim_laddr laddr, struct cpu_walk *walk);

/* Number of physical address bits of the model: entries with bits at or above it set are reserved. */
#define PAGING_PHYS_BITS 36

#endif
