#include "cpu/model.h"

#include <string.h>

#include "cpu/isa/isa.h"
#include "cpu/lapic.h"
#include "cpu/msr.h"
#include "cpu/paging.h"

/* ---- Features: SDM Vol. 2A, "CPUID", leaf 1, EDX ---- */

enum {
    F_VME = 1 << 1, F_DE = 1 << 2, F_PSE = 1 << 3, F_TSC = 1 << 4, F_MSR = 1 << 5, F_PAE = 1 << 6, F_MCE = 1 << 7, F_CX8 = 1 << 8,
    F_APIC = 1 << 9, F_MTRR = 1 << 12, F_PGE = 1 << 13, F_MCA = 1 << 14, F_CMOV = 1 << 15, F_PAT = 1 << 16, F_PSE36 = 1 << 17
};

#define SET(name) (1ull << SET_##name)
#define SETS_486  (SET(I8086) | SET(I186) | SET(I286) | SET(I386) | SET(I486))
#define SETS_P5   (SETS_486 | SET(PENTIUM))
#define SETS_P6   (SETS_P5 | SET(PPRO) | SET(CMOV) | SET(RDPMC) | SET(UD0))

#define CR4_P5 (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE)
#define CR4_P6 (CR4_P5 | CR4_PAE | CR4_PGE | CR4_PCE)

#define ANY UINT32_MAX

/* Leaf 0: EBX, ECX, EDX spell "GenuineIntel". */
#define VENDOR(max_leaf) { 0, ANY, max_leaf, 0x756e6547, 0x6c65746e, 0x49656e69 }

static const struct cpu_cpuid_leaf leaves_486[] = {
    VENDOR(1),
    { 1, ANY, 0x0000042b, 0, 0, 0 },
};

static const struct cpu_cpuid_leaf leaves_pentium[] = {
    VENDOR(1),
    { 1, ANY, 0x0000052c, 0, 0, F_VME | F_DE | F_PSE | F_TSC | F_MSR | F_MCE | F_CX8 | F_APIC },
};

static const struct cpu_cpuid_leaf leaves_max[] = {
    VENDOR(1),
    { 1, ANY, 0x00000683, 0, 0, F_VME | F_DE | F_PSE | F_TSC | F_MSR | F_PAE | F_MCE | F_CX8 | F_APIC | F_MTRR | F_PGE | F_MCA | F_CMOV |
                                F_PAT | F_PSE36 },
    { 0x80000000, ANY, 0x80000008, 0, 0, 0 },
    { 0x80000008, ANY, PAGING_PHYS_BITS | 32 << 8, 0, 0, 0 },
};

#define LEAVES(table) .leaves = table, .leaf_count = sizeof(table) / sizeof(table[0])

/* The first one is the default. */
static const struct cpu_model models[] = {
    { .name = "max", .title = "libsim max: all that is modelled, no FPU", .sets = SETS_P6, .signature = 0x683, .has_lapic = true,
      .cr4 = CR4_P6, .msrs = MSR_TSC | MSR_P5_MC | MSR_APIC | MSR_P6 | MSR_MTRR | MSR_PAT | MSR_MCA, LEAVES(leaves_max) },
    { .name = "pentium", .title = "Pentium without FPU", .sets = SETS_P5, .signature = 0x52c, .has_lapic = true,
      .cr4 = CR4_P5, .msrs = MSR_TSC | MSR_P5_MC, LEAVES(leaves_pentium) },
    { .name = "486", .title = "80486SX", .sets = SETS_486, .signature = 0x42b, LEAVES(leaves_486) },
};

const struct cpu_model *cpu_model_find(const char *name)
{
    for (unsigned n = 0; n < sizeof(models) / sizeof(models[0]); n++)
        if (strcmp(models[n].name, name) == 0)
            return &models[n];
    return NULL;
}

const struct cpu_model *cpu_model_at(unsigned n)
{
    return n < sizeof(models) / sizeof(models[0]) ? &models[n] : NULL;
}

/* ---- CPUID ---- */

static const struct cpu_cpuid_leaf *find(const struct cpu_model *m, uint32_t leaf, uint32_t subleaf)
{
    for (unsigned n = 0; n < m->leaf_count; n++)
        if (m->leaves[n].leaf == leaf && (m->leaves[n].subleaf == ANY || m->leaves[n].subleaf == subleaf))
            return &m->leaves[n];
    return NULL;
}

/* Is the leaf at or below the highest of its range? */
static bool in_range(const struct cpu_model *m, uint32_t leaf)
{
    const struct cpu_cpuid_leaf *first = find(m, leaf & 0x80000000, 0);

    return first && leaf <= first->eax;
}

/* Leaves 80000002..4: 48 bytes, padded by zeros. */
static void brand(const struct cpu_model *m, uint32_t leaf, uint32_t out[4])
{
    char text[48] = "";

    memcpy(text, m->title, strlen(m->title) < sizeof(text) ? strlen(m->title) : sizeof(text) - 1);
    for (unsigned n = 0; n < 4; n++) {
        const uint8_t *p = (const uint8_t *)text + (leaf - 0x80000002) * 16 + n * 4;

        out[n] = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
}

void cpuid(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct cpu_model *m = cpu->model;
    const struct cpu_cpuid_leaf *found;

    if (!in_range(m, leaf))
        leaf = find(m, 0, 0)->eax;
    found = find(m, leaf, subleaf);
    for (unsigned n = 0; n < 4; n++)
        out[n] = 0;
    if (leaf >= 0x80000002 && leaf <= 0x80000004) {
        brand(m, leaf, out);
    } else if (found) {
        out[0] = found->eax;
        out[1] = found->ebx;
        out[2] = found->ecx;
        out[3] = found->edx;
    }
    if (leaf == 1 && m->has_lapic) {
        out[1] |= cpu->number << 24;
        if (!(cpu->msr.apic_base & APIC_BASE_ENABLE))
            out[3] &= ~(uint32_t)F_APIC;
    }
}
