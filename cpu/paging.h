/*
 * Page walks: from a linear to a physical address, through the architectural TLB.
 * SDM Vol. 3A, "Paging". None, 32-bit with PSE and PSE-36, PAE, and in IA-32e mode 4 or (CR4.LA57) 5 levels.
 */
#ifndef LIBSIM_CPU_PAGING_H
#define LIBSIM_CPU_PAGING_H

#include "cpu/mem.h"
#include "cpu/model.h"

enum paging_access { PAGING_READ, PAGING_WRITE, PAGING_FETCH };
/* With whose rights. SDM Vol. 3A, "Determination of access rights"; implicit: the processor itself, looking into its tables. */
enum paging_rights { PAGING_SUPERVISOR, PAGING_USER, PAGING_IMPLICIT };

/* The physical address (A20 not applied) of laddr for an access with these rights. Fills the TLB, sets accessed and dirty
 * bits, or raises #PF. */
sim_paddr paging_translate(struct cpu *cpu, sim_laddr laddr, enum paging_access access, enum paging_rights as);

/* May the page, once it could be accessed with these rights, be put into the fast tables? Not a user's page with SMAP on and supervisor
 * rights, for EFLAGS.AC says each time whether it may be touched. */
bool paging_may_cache(struct cpu *cpu, sim_laddr laddr, enum paging_rights as);

/* Walks the tables without side effects. */
void paging_peek(struct cpu *cpu, sim_laddr laddr, struct cpu_walk *walk);

/* The physical addresses that there are: entries with other address bits set are reserved. */
static inline uint64_t paging_phys_mask(const struct cpu *cpu) { return (1ull << cpu->model->phys_bits) - 1; }

/* Is it PAE paging, with its four registers? Not so in IA-32e mode. */
static inline bool paging_has_pdptes(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return cr0 & CR0_PG && cr4 & CR4_PAE && !(efer & EFER_LMA);
}

/* The address space that CR3 names: 0 without CR4.PCIDE. To be called when CR3 or CR4.PCIDE has changed and nothing is flushed. */
void paging_set_pcid(struct cpu *cpu);

/* Loads PKRU. */
void paging_set_pkru(struct cpu *cpu, uint32_t value);
/* Loads IA32_PKRS, the rights of supervisor pages. */
void paging_set_pkrs(struct cpu *cpu, uint64_t value);

#endif
