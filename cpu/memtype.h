/*
 * Memory types: SDM Vol. 3A, "Memory cache control". Which of them an access has follows from the MTRRs, the PAT and CR0.CD. No cache is
 * modelled, so they change nothing but what views show and what a bus transaction says.
 */
#ifndef LIBSIM_CPU_MEMTYPE_H
#define LIBSIM_CPU_MEMTYPE_H

#include "cpu/cpu.h"

enum memtype { MEMTYPE_UC = 0, MEMTYPE_WC = 1, MEMTYPE_WT = 4, MEMTYPE_WP = 5, MEMTYPE_WB = 6, MEMTYPE_UC_MINUS = 7 };

/* "WB". */
const char *memtype_name(enum memtype type);

/* Of a physical address by the MTRRs alone. WB where there are no MTRRs. */
enum memtype memtype_by_mtrr(const struct cpu *cpu, sim_paddr paddr);
/* Of an access to a page whose entry has these PWT, PCD and PAT bits (TLB_PWT, TLB_PCD, TLB_PAT). Without paging: 0. */
enum memtype memtype_effective(const struct cpu *cpu, sim_paddr paddr, unsigned page_bits);

#endif
