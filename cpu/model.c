#include "cpu/model.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/isa/isa.h"
#include "cpu/lapic.h"
#include "cpu/msr.h"
#include "cpu/pmu.h"
#include "cpu/xsave.h"

/*
 * Each processor has what the one before it had, so a model's words are composed: its sets, CPUID bits, CR4 and EFER bits and MSRs are
 * those of its generation's macros. A unit that gets built adds its bits to the generation that it came with, and `max` has them all.
 */

/* ---- Features: SDM Vol. 2A, "CPUID" ---- */

/* Leaf 1, EDX. */
enum {
    F_FPU = 1 << 0, F_VME = 1 << 1, F_DE = 1 << 2, F_PSE = 1 << 3, F_TSC = 1 << 4, F_MSR = 1 << 5, F_PAE = 1 << 6, F_MCE = 1 << 7, F_CX8 = 1 << 8,
    F_APIC = 1 << 9, F_SEP = 1 << 11, F_MTRR = 1 << 12, F_PGE = 1 << 13, F_MCA = 1 << 14, F_CMOV = 1 << 15, F_PAT = 1 << 16,
    F_PSE36 = 1 << 17, F_CLFLUSH = 1 << 19, F_MMX = 1 << 23, F_FXSR = 1 << 24, F_SSE = 1 << 25, F_SSE2 = 1 << 26
};
#define EDX1_486      F_FPU
#define EDX1_P5       (EDX1_486 | F_VME | F_DE | F_PSE | F_TSC | F_MSR | F_MCE | F_CX8 | F_APIC)
#define EDX1_PENTIUM3 (EDX1_P5 | F_PAE | F_SEP | F_MTRR | F_PGE | F_MCA | F_CMOV | F_PAT | F_PSE36 | F_MMX | F_FXSR | F_SSE)
#define EDX1_CORE2    (EDX1_PENTIUM3 | F_CLFLUSH | F_SSE2)
#define EDX1_NEHALEM  EDX1_CORE2
#define EDX1_HASWELL  EDX1_NEHALEM
#define EDX1_MAX      EDX1_HASWELL

/* Leaf 1, ECX. OSXSAVE is CR4.OSXSAVE. */
#define F1C_SSE3    (1u << 0)
#define F1C_PCLMUL  (1u << 1)
#define F1C_MONITOR (1u << 3)
#define F1C_SSSE3   (1u << 9)
#define F1C_FMA     (1u << 12)
#define F1C_PDCM    (1u << 15)
#define F1C_SSE41   (1u << 19)
#define F1C_SSE42   (1u << 20)
#define F1C_AES     (1u << 25)
#define F1C_XSAVE   (1u << 26)
#define F1C_OSXSAVE (1u << 27)
#define F1C_AVX     (1u << 28)
#define F1C_F16C    (1u << 29)
#define F1C_CX16   (1u << 13)
#define F1C_PCID   (1u << 17)
#define F1C_X2APIC (1u << 21)
#define F1C_DEADLINE (1u << 24) /* TSC deadline */
#define F1C_MOVBE  (1u << 22)
#define F1C_POPCNT (1u << 23)
#define F1C_RDRAND (1u << 30)
#define ECX1_CORE2   (F1C_MONITOR | F1C_CX16 | F1C_SSE3 | F1C_SSSE3)
#define ECX1_NEHALEM (ECX1_CORE2 | F1C_POPCNT | F1C_SSE41 | F1C_SSE42)
#define ECX1_HASWELL                                                                                                         \
    (ECX1_NEHALEM | F1C_PDCM | F1C_X2APIC | F1C_DEADLINE | F1C_PCID | F1C_MOVBE | F1C_RDRAND | F1C_PCLMUL | F1C_FMA | F1C_AES | F1C_XSAVE | F1C_AVX | F1C_F16C)
#define ECX1_MAX     ECX1_HASWELL

/* Leaf 7, EBX and ECX. OSPKE is CR4.PKE. */
#define F7B_FSGSBASE (1u << 0)
#define F7B_TSC_ADJUST (1u << 1)
#define F7B_BMI1     (1u << 3)
#define F7B_AVX2     (1u << 5)
#define F7B_SMEP     (1u << 7)
#define F7B_BMI2     (1u << 8)
#define F7B_INVPCID  (1u << 10)
#define F7B_RDSEED   (1u << 18)
#define F7B_ADX      (1u << 19)
#define F7B_SMAP     (1u << 20)
#define F7B_CLFLUSHOPT (1u << 23)
#define F7B_CLWB     (1u << 24)
#define F7B_SHA      (1u << 29)
#define F7C_UMIP     (1u << 2)
#define F7C_PKU      (1u << 3)
#define F7C_OSPKE    (1u << 4)
#define F7C_LA57     (1u << 16)
#define F7C_RDPID    (1u << 22)
#define F7C_PKS      (1u << 31)
#define EBX7_HASWELL (F7B_FSGSBASE | F7B_TSC_ADJUST | F7B_AVX2 | F7B_BMI1 | F7B_SMEP | F7B_BMI2 | F7B_INVPCID)
#define EBX7_MAX     (EBX7_HASWELL | F7B_RDSEED | F7B_ADX | F7B_SMAP | F7B_CLFLUSHOPT | F7B_CLWB | F7B_SHA)
#define ECX7_MAX     (F7C_UMIP | F7C_PKU | F7C_LA57 | F7C_RDPID | F7C_PKS)
#define EDX7_MAX     0u

/* Leaf 80000001, EDX and ECX. SYSCALL shows in 64-bit mode only. */
#define F81D_SYSCALL (1u << 11)
#define F81D_NX      (1u << 20)
#define F81D_GBPAGES (1u << 26)
#define F81D_RDTSCP  (1u << 27)
#define F81D_LONG    (1u << 29)
#define F81C_LAHF      (1u << 0)
#define F81C_LZCNT     (1u << 5)
#define F81C_PREFETCHW (1u << 8)
#define EDX81_CORE2   (F81D_SYSCALL | F81D_NX | F81D_LONG)
#define EDX81_NEHALEM (EDX81_CORE2 | F81D_RDTSCP)
#define EDX81_HASWELL (EDX81_NEHALEM | F81D_GBPAGES)
#define EDX81_MAX     EDX81_HASWELL
#define ECX81_CORE2   F81C_LAHF
#define ECX81_NEHALEM ECX81_CORE2
#define ECX81_HASWELL (ECX81_NEHALEM | F81C_LZCNT)
#define ECX81_MAX     (ECX81_HASWELL | F81C_PREFETCHW)

/* ---- Instruction sets ---- */

#define SET(name) (1ull << SET_##name)
#define SETS_486      (SET(I8086) | SET(I186) | SET(I286) | SET(I386) | SET(I486) | SET(X87))
#define SETS_P5       (SETS_486 | SET(PENTIUM))
#define SETS_PENTIUM3 (SETS_P5 | SET(PPRO) | SET(CMOV) | SET(RDPMC) | SET(UD0) | SET(FCMOV) | SET(FXSR) | SET(SEP) | \
                       SET(MMX) | SET(SSE))
#define SETS_CORE2    (SETS_PENTIUM3 | SET(MONITOR) | SET(CLFLUSH) | SET(LONG) | SET(SYSCALL) | SET(CX16) | SET(SSE2) | SET(SSE3) | SET(SSSE3))
#define SETS_NEHALEM  (SETS_CORE2 | SET(RDTSCP) | SET(POPCNT) | SET(SSE41) | SET(SSE42))
#define SETS_HASWELL  (SETS_NEHALEM | SET(FSGSBASE) | SET(INVPCID) | SET(BMI1) | SET(BMI2) | SET(LZCNT) | SET(MOVBE) | SET(RDRAND) | \
                       SET(XSAVE) | SET(XSAVEOPT) | SET(AVX) | SET(AVX2) | SET(FMA) | SET(F16C) | SET(AES) | SET(PCLMUL))
#define SETS_MAX                                                                                                             \
    (SETS_HASWELL | SET(SMAP) | SET(PKU) | SET(RDPID) | SET(ADX) | SET(RDSEED) | SET(CLFLUSHOPT) | SET(CLWB) | SET(PREFETCHW) | \
     SET(SHA) | SET(XSAVEC) | SET(XSAVES))

/* ---- Control registers, MSRs ---- */

#define CR4_P5       (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE)
#define CR4_PENTIUM3 (CR4_P5 | CR4_PAE | CR4_PGE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define CR4_CORE2    CR4_PENTIUM3
#define CR4_NEHALEM  CR4_CORE2
#define CR4_HASWELL  (CR4_NEHALEM | CR4_FSGSBASE | CR4_PCIDE | CR4_SMEP | CR4_OSXSAVE)
#define CR4_MAX      (CR4_HASWELL | CR4_SMAP | CR4_PKE | CR4_PKS | CR4_LA57 | CR4_UMIP)

#define EFER_CORE2 (EFER_SCE | EFER_LME | EFER_NXE)

#define MSRS_P5       (MSR_TSC | MSR_P5_MC)
#define MSRS_PENTIUM3 (MSRS_P5 | MSR_APIC | MSR_P6 | MSR_MTRR | MSR_PAT | MSR_MCA | MSR_SEP)
#define MSRS_CORE2    (MSRS_PENTIUM3 | MSR_EFER | MSR_LONG | MSR_CORE)
#define MSRS_NEHALEM  (MSRS_CORE2 | MSR_TSC_AUX | MSR_PLATFORM)
#define MSRS_HASWELL  (MSRS_NEHALEM | MSR_PDCM | MSR_CPUID_FAULT | MSR_X2APIC | MSR_TSC_ADJUST | MSR_TSC_DEADLINE)
#define MSRS_MAX      (MSRS_HASWELL | MSR_PKS | MSR_XSS)

/* ---- Performance counters: SDM Vol. 3B, "Performance Monitoring" ---- */

static const struct pmu_model pmu_p6 = { .version = 0, .counters = 2, .width = 40 };
static const struct pmu_model pmu_core2 = { .version = 2, .counters = 2, .width = 40, .fixed = 3, .fixed_width = 40 };

/* DTLB_LOAD_MISSES.WALK_COMPLETED, ITLB_MISSES.WALK_COMPLETED; DTLB_MISSES counts loads and stores, which are kept apart here. */
static const struct pmu_event events_nehalem[] = { { 0x08, 0x02, PMU_LOAD_WALKS }, { 0x85, 0x02, PMU_FETCH_WALKS } };
static const struct pmu_model pmu_nehalem = { .version = 3, .counters = 4, .width = 48, .fixed = 3, .fixed_width = 48,
                                              .events = events_nehalem, .event_count = 2 };

/* DTLB_LOAD_MISSES, DTLB_STORE_MISSES and ITLB_MISSES.WALK_COMPLETED. */
static const struct pmu_event events_haswell[] = { { 0x08, 0x0e, PMU_LOAD_WALKS }, { 0x49, 0x0e, PMU_STORE_WALKS },
                                                   { 0x85, 0x0e, PMU_FETCH_WALKS } };
static const struct pmu_model pmu_haswell = { .version = 3, .counters = 4, .width = 48, .fixed = 3, .fixed_width = 48, .full_width = true,
                                              .events = events_haswell, .event_count = 3 };

/* ---- Leaves ---- */

#define ANY UINT32_MAX

/* Leaf 1, EDX: the number of APIC IDs in EBX is valid. */
#define F1D_HTT (1u << 28)

/* Leaf 80000007, EDX: the TSC runs at one rate whatever the processor does. */
#define INVARIANT_TSC 0x100u

/* Leaf 4: a cache of a type (1 data, 2 instructions, 3 unified) at a level, lines of 64 bytes. `shared`: by all processors of the package.
 * Who shares is patched in by cache_leaf(). */
#define CACHE_SHARED (1u << 14)
#define CACHE_LEAF(subleaf, type, level, shared, ways, sets, edx) \
    { 4, subleaf, (type) | (level) << 5 | 1u << 8 | ((shared) ? CACHE_SHARED : 0), ((ways) - 1u) << 22 | 63, (sets) - 1, edx }
#define CACHES_CORE2   CACHE_LEAF(0, 1, 1, false, 8, 64, 1), CACHE_LEAF(1, 2, 1, false, 8, 64, 1), CACHE_LEAF(2, 3, 2, true, 16, 4096, 1)
#define CACHES_NEHALEM                                                                                                   \
    CACHE_LEAF(0, 1, 1, false, 8, 64, 0), CACHE_LEAF(1, 2, 1, false, 4, 128, 0), CACHE_LEAF(2, 3, 2, false, 8, 512, 0), \
    CACHE_LEAF(3, 3, 3, true, 16, 8192, 2)
#define CACHES_HASWELL                                                                                                  \
    CACHE_LEAF(0, 1, 1, false, 8, 64, 0), CACHE_LEAF(1, 2, 1, false, 8, 64, 0), CACHE_LEAF(2, 3, 2, false, 8, 512, 0), \
    CACHE_LEAF(3, 3, 3, true, 16, 8192, 6)

/* Leaf 5: lines of 64 bytes; masked interrupts may end MWAIT; C0 and one kind of C1. */
#define MONITOR_LEAF { 5, ANY, 64, 64, 3, 0x10 }

/* Leaf 6, EAX: the local APIC's timer never stops. */
#define ARAT 4u

/* Leaf 1, EBX bits 15:8: what CLFLUSH flushes, in quadwords. */
#define LINE_BYTES (8u << 8)

/* Leaf 0: EBX, ECX, EDX spell "GenuineIntel". */
#define VENDOR(max_leaf) { 0, ANY, max_leaf, 0x756e6547, 0x6c65746e, 0x49656e69 }

/* Signatures: family, model, stepping. */
#define SIGNATURE_486      0x00000435
#define SIGNATURE_PENTIUM  0x0000052c
#define SIGNATURE_PENTIUM3 0x00000683
#define SIGNATURE_CORE2    0x000006fb
#define SIGNATURE_NEHALEM  0x000106a5
#define SIGNATURE_HASWELL  0x000306c3

static const struct cpu_cpuid_leaf leaves_486[] = {
    VENDOR(1),
    { 1, ANY, SIGNATURE_486, 0, 0, EDX1_486 },
};

static const struct cpu_cpuid_leaf leaves_pentium[] = {
    VENDOR(1),
    { 1, ANY, SIGNATURE_PENTIUM, 0, 0, EDX1_P5 },
};

static const struct cpu_cpuid_leaf leaves_pentium3[] = {
    VENDOR(2),
    { 1, ANY, SIGNATURE_PENTIUM3, 0, 0, EDX1_PENTIUM3 },
    { 2, ANY, 0x03020101, 0, 0, 0x0c040882 }, /* 16 + 16 KiB, L2 256 KiB */
};

static const struct cpu_cpuid_leaf leaves_core2[] = {
    VENDOR(10),
    { 1, ANY, SIGNATURE_CORE2, LINE_BYTES, ECX1_CORE2, EDX1_CORE2 },
    { 2, ANY, 0x05b0b101, 0x005657f0, 0, 0x2cb43049 },
    CACHES_CORE2,
    MONITOR_LEAF,
    { 0x80000000, ANY, 0x80000008, 0, 0, 0 },
    { 0x80000001, ANY, 0, 0, ECX81_CORE2, EDX81_CORE2 },
    { 0x80000006, ANY, 0, 0, 0x10008040, 0 },
    { 0x80000008, ANY, 36 | 48 << 8, 0, 0, 0 },
};

static const struct cpu_cpuid_leaf leaves_nehalem[] = {
    VENDOR(11),
    { 1, ANY, SIGNATURE_NEHALEM, LINE_BYTES, ECX1_NEHALEM, EDX1_NEHALEM },
    { 2, ANY, 0x55035a01, 0x00f0b2e4, 0, 0x09ca212c },
    CACHES_NEHALEM,
    MONITOR_LEAF,
    { 0x80000000, ANY, 0x80000008, 0, 0, 0 },
    { 0x80000001, ANY, 0, 0, ECX81_NEHALEM, EDX81_NEHALEM },
    { 0x80000006, ANY, 0, 0, 0x01006040, 0 },
    { 0x80000007, ANY, 0, 0, 0, INVARIANT_TSC },
    { 0x80000008, ANY, 36 | 48 << 8, 0, 0, 0 },
};

static const struct cpu_cpuid_leaf leaves_haswell[] = {
    VENDOR(13),
    { 1, ANY, SIGNATURE_HASWELL, LINE_BYTES, ECX1_HASWELL, EDX1_HASWELL },
    { 2, ANY, 0x76036301, 0x00f0b5ff, 0, 0x00c10000 },
    CACHES_HASWELL,
    MONITOR_LEAF,
    { 6, ANY, ARAT, 0, 0, 0 },
    { 7, 0, 0, EBX7_HASWELL, 0, 0 },
    { 0x80000000, ANY, 0x80000008, 0, 0, 0 },
    { 0x80000001, ANY, 0, 0, ECX81_HASWELL, EDX81_HASWELL },
    { 0x80000006, ANY, 0, 0, 0x01006040, 0 },
    { 0x80000007, ANY, 0, 0, 0, INVARIANT_TSC },
    { 0x80000008, ANY, 39 | 48 << 8, 0, 0, 0 },
};

static const struct cpu_cpuid_leaf leaves_max[] = {
    VENDOR(13),
    { 1, ANY, SIGNATURE_HASWELL, LINE_BYTES, ECX1_MAX, EDX1_MAX },
    { 2, ANY, 0x76036301, 0x00f0b5ff, 0, 0x00c10000 },
    CACHES_HASWELL,
    MONITOR_LEAF,
    { 6, ANY, ARAT, 0, 0, 0 },
    { 7, 0, 0, EBX7_MAX, ECX7_MAX, EDX7_MAX },
    { 0x80000000, ANY, 0x80000008, 0, 0, 0 },
    { 0x80000001, ANY, 0, 0, ECX81_MAX, EDX81_MAX },
    { 0x80000006, ANY, 0, 0, 0x01006040, 0 },
    { 0x80000007, ANY, 0, 0, 0, INVARIANT_TSC },
    { 0x80000008, ANY, 40 | 57 << 8, 0, 0, 0 },
};

#define LEAVES(table) .leaves = table, .leaf_count = sizeof(table) / sizeof(table[0])

/* The first one is the default. */
static const struct cpu_model models[] = {
    { .name = "max", .title = "libsim max: all that is modelled", .sets = SETS_MAX, .signature = SIGNATURE_HASWELL, .has_lapic = true,
      .microcode = 0x28, .phys_bits = 40, .gbpages = true, .cr4 = CR4_MAX, .efer = EFER_CORE2, .msrs = MSRS_MAX, .mc_banks = 7, .pmu = &pmu_haswell,
      LEAVES(leaves_max) },
    { .name = "haswell", .title = "Haswell", .sets = SETS_HASWELL, .signature = SIGNATURE_HASWELL, .has_lapic = true,
      .microcode = 0x28, .phys_bits = 39, .gbpages = true, .cr4 = CR4_HASWELL, .efer = EFER_CORE2, .msrs = MSRS_HASWELL, .mc_banks = 7, .pmu = &pmu_haswell,
      LEAVES(leaves_haswell) },
    { .name = "nehalem", .title = "Nehalem", .sets = SETS_NEHALEM, .signature = SIGNATURE_NEHALEM, .has_lapic = true,
      .microcode = 0x1d, .phys_bits = 36, .cr4 = CR4_NEHALEM, .efer = EFER_CORE2, .msrs = MSRS_NEHALEM, .mc_banks = 9, .pmu = &pmu_nehalem,
      LEAVES(leaves_nehalem) },
    { .name = "core2", .title = "Core 2", .sets = SETS_CORE2, .signature = SIGNATURE_CORE2, .has_lapic = true,
      .microcode = 0xba, .phys_bits = 36, .cr4 = CR4_CORE2, .efer = EFER_CORE2, .msrs = MSRS_CORE2, .mc_banks = 6, .pmu = &pmu_core2,
      LEAVES(leaves_core2) },
    { .name = "pentium3", .title = "Pentium III", .sets = SETS_PENTIUM3, .signature = SIGNATURE_PENTIUM3, .has_lapic = true,
      .microcode = 0x14, .phys_bits = 36, .cr4 = CR4_PENTIUM3, .msrs = MSRS_PENTIUM3, .mc_banks = 5, .pmu = &pmu_p6,
      LEAVES(leaves_pentium3) },
    { .name = "pentium", .title = "Pentium", .sets = SETS_P5, .signature = SIGNATURE_PENTIUM, .has_lapic = true,
      .phys_bits = 32, .cr4 = CR4_P5, .msrs = MSRS_P5, LEAVES(leaves_pentium) },
    { .name = "486", .title = "80486DX2", .sets = SETS_486, .signature = SIGNATURE_486, .phys_bits = 32, LEAVES(leaves_486) },
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

/* Leaf 0Dh: the state components of XSAVE, and what its area needs. */
static void xsave_leaf(const struct cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    uint64_t sets = cpu->model->sets, supported = xsave_supported(cpu->model);

    if (subleaf == 0) {
        out[0] = (uint32_t)supported;
        out[1] = xsave_bytes(cpu->xcr0, false);
        out[2] = xsave_bytes(supported, false);
        out[3] = (uint32_t)(supported >> 32);
    } else if (subleaf == 1) { /* XSAVEOPT; XSAVEC; XGETBV with ECX = 1; XSAVES and IA32_XSS */
        out[0] = (sets & SET(XSAVEOPT) ? 1u : 0) | (sets & SET(XSAVEC) ? 2u | 4u : 0) | (sets & SET(XSAVES) ? 8u : 0);
        out[1] = sets & SET(XSAVEC) ? xsave_bytes(cpu->xcr0 | cpu->msr.xss, true) : 0;
    }
    for (unsigned n = 0; n < xsave_component_count; n++)
        if (subleaf == xsave_components[n].number && supported >> subleaf & 1) {
            out[0] = xsave_components[n].size;
            out[1] = xsave_components[n].offset;
        }
}

/* Leaf 0Ah. EBX: see PMU_UNAVAILABLE. */
static void perfmon_leaf(const struct pmu_model *m, uint32_t out[4])
{
    if (!m || !m->version)
        return;
    out[0] = m->version | (uint32_t)m->counters << 8 | (uint32_t)m->width << 16 | 7u << 24;
    out[1] = PMU_UNAVAILABLE;
    out[3] = m->fixed | (uint32_t)m->fixed_width << 5;
}

/* Bits that number `count` things. */
static unsigned bits_for(unsigned count)
{
    return count > 1 ? 32 - (unsigned)__builtin_clz(count - 1) : 0;
}

/* Leaf 0Bh: one package, a thread a core. SDM Vol. 2A, "CPUID", "Extended Topology Enumeration Leaf". */
static void topology_leaf(const struct cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    enum { SMT = 1, CORE = 2 };

    if (subleaf < 2) {
        out[0] = subleaf ? bits_for(cpu->cluster->count) : 0;
        out[1] = subleaf ? cpu->cluster->count : 1;
        out[2] = (subleaf ? CORE : SMT) << 8;
    }
    out[2] |= subleaf & 0xff;
    out[3] = cpu->number;
}

/* Leaf 1: how many APIC IDs the package has. Models with leaf 4 are one package, older ones are each a package of their own. */
static void package_ids(const struct cpu *cpu, uint32_t out[4])
{
    if (!find(cpu->model, 4, 0))
        return;
    out[1] |= 1u << (16 + bits_for(cpu->cluster->count));
    if (cpu->cluster->count > 1)
        out[3] |= F1D_HTT;
}

/* Leaf 4: IDs that share the cache, and cores of the package, each less one. */
static void cache_leaf(const struct cpu *cpu, uint32_t out[4])
{
    uint32_t ids = (1u << bits_for(cpu->cluster->count)) - 1;

    if (out[0])
        out[0] = (out[0] & ~CACHE_SHARED) | (out[0] & CACHE_SHARED ? ids << 14 : 0) | ids << 26;
}

/* What depends on the CPU's number and state. */
static void patch(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    if (leaf == 1 && cpu->model->has_lapic) {
        out[1] |= cpu->number << 24;
        if (!(cpu->msr.apic_base & APIC_BASE_ENABLE))
            out[3] &= ~(uint32_t)F_APIC;
    }
    if (leaf == 1 && !(cpu->msr.misc_enable & MISC_ENABLE_MONITOR))
        out[2] &= ~F1C_MONITOR;
    if (leaf == 1 && cpu->cr4 & CR4_OSXSAVE)
        out[2] |= F1C_OSXSAVE;
    if (leaf == 7 && subleaf == 0 && cpu->cr4 & CR4_PKE)
        out[2] |= F7C_OSPKE;
    if (leaf == 1)
        package_ids(cpu, out);
    if (leaf == 4)
        cache_leaf(cpu, out);
    if (leaf == 0xa)
        perfmon_leaf(cpu->model->pmu, out);
    if (leaf == 0xb)
        topology_leaf(cpu, subleaf, out);
    if (leaf == 0xd && cpu->model->sets & SET(XSAVE))
        xsave_leaf(cpu, subleaf, out);
    if (leaf == 0x80000001 && cpu->msr.misc_enable & MISC_ENABLE_XD_DISABLE)
        out[3] &= ~F81D_NX;
    if (leaf == 0x80000001 && !(cpu->mode & MODE_L))
        out[3] &= ~F81D_SYSCALL;
}

/* The highest basic leaf. SDM Vol. 2A, "CPUID", about IA32_MISC_ENABLE bit 22: software that knows 2 or 3 only. */
#define LIMITED 2u
static uint32_t highest(const struct cpu *cpu)
{
    uint32_t leaf = find(cpu->model, 0, 0)->eax;

    return cpu->msr.misc_enable & MISC_ENABLE_LIMIT_CPUID && leaf > LIMITED ? LIMITED : leaf;
}

void cpuid(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct cpu_model *m = cpu->model;
    const struct cpu_cpuid_leaf *found;

    if (!in_range(m, leaf) || (leaf > LIMITED && leaf < 0x80000000 && cpu->msr.misc_enable & MISC_ENABLE_LIMIT_CPUID))
        leaf = highest(cpu);
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
    patch(cpu, leaf, subleaf, out);
    if (leaf == 0)
        out[0] = highest(cpu);
}
