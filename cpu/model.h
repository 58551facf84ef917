/*
 * CPU models are data: which instructions decode, what CPUID says, which MSRs there are.
 */
#ifndef LIBSIM_CPU_MODEL_H
#define LIBSIM_CPU_MODEL_H

#include "base/types.h"

struct cpu;
struct pmu_model;

/* One CPUID leaf; subleaf UINT32_MAX: any. What depends on the CPU's state (APIC ID, OSXSAVE) is patched in by cpuid(). */
struct cpu_cpuid_leaf {
    uint32_t leaf, subleaf;
    uint32_t eax, ebx, ecx, edx;
};

struct cpu_model {
    const char *name;   /* "pentium": as after --cpu */
    const char *title;
    uint64_t sets;      /* instruction sets that decode: 1 << SET_x */
    uint32_t signature; /* family, model, stepping: CPUID.1:EAX, and EDX after reset */
    bool has_lapic;
    uint8_t phys_bits;  /* of physical addresses */
    uint32_t microcode; /* revision of the update that it runs with; 0: it has none */
    uint8_t mc_banks;   /* machine-check banks, up to MSR_MC_BANKS */
    bool gbpages;       /* pages of 1 GiB */
    uint32_t cr4;       /* bits that may be set; 0: there is no CR4 */
    uint32_t efer;      /* bits that may be set; 0: there is no EFER */
    uint32_t msrs;      /* MSR_*: see msr.h */
    const struct pmu_model *pmu; /* performance counters; NULL: none */
    const struct cpu_cpuid_leaf *leaves; /* in order of leaf; the brand string is `title` */
    unsigned leaf_count;
};

/* NULL when there is none of that name. */
const struct cpu_model *cpu_model_find(const char *name);
/* The n-th model, NULL after the last. */
const struct cpu_model *cpu_model_at(unsigned n);

/* The CPUID instruction for this CPU: leaves out of range answer as the highest basic leaf does. out: EAX EBX ECX EDX. */
void cpuid(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

#endif
