/*
 * Model-specific registers: SDM Vol. 4.
 */
#ifndef LIBSIM_CPU_MSR_H
#define LIBSIM_CPU_MSR_H

#include "base/types.h"

struct cpu;

/* Groups of MSRs that a model has or lacks. */
enum {
    MSR_TSC = 1,
    MSR_P5_MC = 2,  /* P5_MC_ADDR, P5_MC_TYPE */
    MSR_APIC = 4,   /* IA32_APIC_BASE */
    MSR_P6 = 8,     /* platform, microcode */
    MSR_MTRR = 16,
    MSR_PAT = 32,
    MSR_MCA = 64,
    MSR_SEP = 128
};

void msr_reset(struct cpu *cpu);

/* RDMSR and WRMSR with all checks; raise #GP(0). Called with cpu->cur set. */
uint64_t msr_read(struct cpu *cpu, uint32_t number);
void msr_write(struct cpu *cpu, uint32_t number, uint64_t value);
/* For observers: false when the model has no such MSR. No side effects. */
bool msr_peek(const struct cpu *cpu, uint32_t number, uint64_t *value);

#endif
