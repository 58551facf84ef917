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
    MSR_SEP = 128,
    MSR_EFER = 256,
    MSR_LONG = 512,    /* SYSCALL's, and the bases of FS and GS */
    MSR_TSC_AUX = 1024,
    MSR_PLATFORM = 131072,      /* MSR_PLATFORM_INFO, MSR_POWER_CTL */
    MSR_CPUID_FAULT = 262144,   /* MISC_FEATURES_ENABLES */
    MSR_XSS = 524288,
    MSR_PDCM = 65536, /* IA32_PERF_CAPABILITIES */
    MSR_TSC_ADJUST = 8192,
    MSR_TSC_DEADLINE = 16384,
    MSR_PKS = 32768,   /* IA32_PKRS */
    MSR_X2APIC = 4096, /* the local APIC's registers */
    MSR_CORE = 2048    /* since the Pentium M: IA32_MISC_ENABLE, IA32_FEATURE_CONTROL */
};

void msr_reset(struct cpu *cpu);

/* RDMSR and WRMSR with all checks; raise #GP(0). Called with cpu->cur set. */
uint64_t msr_read(struct cpu *cpu, uint32_t number);
void msr_write(struct cpu *cpu, uint32_t number, uint64_t value);
/* For observers: false when the model has no such MSR. No side effects. */
bool msr_peek(const struct cpu *cpu, uint32_t number, uint64_t *value);

#endif
