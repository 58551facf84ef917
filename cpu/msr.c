#include "cpu/msr.h"

#include <stdio.h>

#include "cpu/code.h"
#include "cpu/lapic.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/paging.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* ---- Checks of written values: true if WRMSR accepts it ---- */

/* UC, WC, WT, WP, WB; PAT knows UC- besides. SDM Vol. 3A, "Memory types". */
static bool is_memory_type(uint64_t type, bool pat)
{
    return type == 0 || type == 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}

static bool eight_types(uint64_t v, bool pat)
{
    for (unsigned n = 0; n < 64; n += 8)
        if (!is_memory_type(v >> n & 0xff, pat))
            return false;
    return true;
}

typedef bool accept_fn(const struct cpu *cpu, uint64_t v);
#define ACCEPT(name) static bool accept_##name(const struct cpu *cpu __attribute__((unused)), uint64_t v __attribute__((unused)))

ACCEPT(any) { return true; }
ACCEPT(zero) { return v == 0; }
ACCEPT(cpuid_fault) { return !(v & ~MISC_FEATURES_CPUID_FAULT); }
/* C1E: sleep has one depth. */
ACCEPT(power_ctl) { return !(v & ~2ull); }
/* LBR and BTF: neither branch trace messages nor stores. */
ACCEPT(debugctl) { return !(v & ~(uint64_t)(DEBUGCTL_LBR | DEBUGCTL_BTF)); }
ACCEPT(low_half) { return v >> 32 == 0; }
ACCEPT(pat) { return eight_types(v, true); }
ACCEPT(fixed) { return eight_types(v, false); }
ACCEPT(def_type) { return !(v & ~0xcffull) && is_memory_type(v & 0xff, false); }
ACCEPT(base) { return !(v & ~paging_phys_mask(cpu)) && !(v & 0xf00) && is_memory_type(v & 0xff, false); }
ACCEPT(mask) { return !(v & ~paging_phys_mask(cpu)) && !(v & 0x7ff); }
ACCEPT(apic_base)
{
    const uint64_t bits = APIC_BASE_BSP | APIC_BASE_EXTD | APIC_BASE_ENABLE;

    return !(v & ~(paging_phys_mask(cpu) & ~(uint64_t)SIM_PAGE_MASK) & ~bits) && lapic_may_become(cpu, v);
}
/* Addresses that are loaded into RIP, RSP or a base: any 32 bits on a processor without IA-32e mode. */
ACCEPT(address) { return !(cpu->model->efer & EFER_LME) || mem_canonical_base(cpu, v); }
/* Fast strings, BTS and PEBS not available, and the bits that firmware and kernels play with: 0, 3, 7, 11, 12, 16, 18, 22, 23, 34. */
ACCEPT(misc_enable) { return !(v & ~0x400c51889ull); }
/* LME cannot change while paging is on. LMA is not written: it follows. SDM Vol. 3A, "Initializing IA-32e mode". */
ACCEPT(efer)
{
    uint64_t allowed = cpu->model->efer | EFER_LMA;

    if (cpu->msr.misc_enable & MISC_ENABLE_XD_DISABLE) /* SDM Vol. 4, IA32_MISC_ENABLE bit 34 */
        allowed &= ~(uint64_t)EFER_NXE;

    return !(v & ~allowed) && !((v ^ cpu->efer) & EFER_LME && cpu->cr0 & CR0_PG);
}

/* ---- The registers: SDM Vol. 4 ---- */

enum kind {
    STORED, CONSTANT, MISC_ENABLE, PLATFORM_INFO, MC_CAP, MC_CTL, MC_REST, TIME_STAMP, TSC_ADJUST, TSC_DEADLINE, PKRS, APIC_BASE, UPDATE_TRIGGER, DEBUGCTL, EFER,
    SEGMENT_BASE /* `value`: which */
};

struct row {
    uint32_t number;
    uint8_t count, step; /* `count` registers, their numbers `step` apart, their values an array */
    uint8_t kind;
    uint32_t group;
    accept_fn *accept;          /* NULL: read only */
    size_t offset;              /* in struct cpu_msrs */
    uint64_t value;             /* CONSTANT; STORED: after RESET */
};
#define AT(member) offsetof(struct cpu_msrs, member)

static const struct row rows[] = {
    { 0x000, 2, 1, CONSTANT, MSR_P5_MC, NULL, 0, 0 },                                      /* IA32_P5_MC_ADDR, IA32_P5_MC_TYPE */
    { 0x010, 1, 1, TIME_STAMP, MSR_TSC, accept_any, 0, 0 },                                /* IA32_TIME_STAMP_COUNTER */
    { 0x017, 1, 1, CONSTANT, MSR_P6, NULL, 0, 0 },                                         /* IA32_PLATFORM_ID */
    { 0x01b, 1, 1, APIC_BASE, MSR_APIC, accept_apic_base, AT(apic_base), 0 },              /* IA32_APIC_BASE */
    { 0x03b, 1, 1, TSC_ADJUST, MSR_TSC_ADJUST, accept_any, AT(tsc_adjust), 0 },            /* IA32_TSC_ADJUST */
    { 0x079, 1, 1, UPDATE_TRIGGER, MSR_P6, accept_any, 0, 0 },                             /* IA32_BIOS_UPDT_TRIG: write only */
    { 0x08b, 1, 1, STORED, MSR_P6, accept_any, AT(bios_sign_id), 0 },                      /* IA32_BIOS_SIGN_ID */
    { 0x0fe, 1, 1, CONSTANT, MSR_MTRR, NULL, 0, 0x508 },                                   /* IA32_MTRRCAP: 8 variable, fixed, WC */
    { 0x174, 1, 1, STORED, MSR_SEP, accept_any, AT(sysenter_cs), 0 },                          /* IA32_SYSENTER_CS: bits 63:16 are not used, not reserved */
    { 0x175, 1, 1, STORED, MSR_SEP, accept_address, AT(sysenter_esp), 0 },
    { 0x176, 1, 1, STORED, MSR_SEP, accept_address, AT(sysenter_eip), 0 },
    { 0x0ce, 1, 1, PLATFORM_INFO, MSR_PLATFORM, NULL, 0, 0 },
    { 0x140, 1, 1, STORED, MSR_CPUID_FAULT, accept_cpuid_fault, AT(misc_features_enables), 0 },
    { 0x179, 1, 1, MC_CAP, MSR_MCA, NULL, 0, 0 },                                          /* IA32_MCG_CAP */
    { 0x17a, 1, 1, STORED, MSR_MCA, accept_zero, AT(mcg_status), 0 },                      /* IA32_MCG_STATUS */
    { 0x1a0, 1, 1, MISC_ENABLE, MSR_CORE, accept_misc_enable, AT(misc_enable), 0x41801 },       /* IA32_MISC_ENABLE: no BTS, no PEBS */
    { 0x1d9, 1, 1, DEBUGCTL, MSR_P6, accept_debugctl, AT(debugctl), 0 },                   /* IA32_DEBUGCTL */
    { 0x1fc, 1, 1, STORED, MSR_PLATFORM, accept_power_ctl, AT(power_ctl), 0 },
    { 0x200, 8, 2, STORED, MSR_MTRR, accept_base, AT(mtrr_base), 0 },
    { 0x201, 8, 2, STORED, MSR_MTRR, accept_mask, AT(mtrr_mask), 0 },
    { 0x250, 1, 1, STORED, MSR_MTRR, accept_fixed, AT(mtrr_fixed[0]), 0 },                 /* IA32_MTRR_FIX64K_00000 */
    { 0x258, 2, 1, STORED, MSR_MTRR, accept_fixed, AT(mtrr_fixed[1]), 0 },                 /* IA32_MTRR_FIX16K_80000, A0000 */
    { 0x268, 8, 1, STORED, MSR_MTRR, accept_fixed, AT(mtrr_fixed[3]), 0 },                 /* IA32_MTRR_FIX4K_C0000..F8000 */
    { 0x277, 1, 1, STORED, MSR_PAT, accept_pat, AT(pat), 0x0007040600070406 },             /* IA32_PAT */
    { 0x2ff, 1, 1, STORED, MSR_MTRR, accept_def_type, AT(mtrr_def_type), 0 },              /* IA32_MTRR_DEF_TYPE */
    /* Machine checks never happen: nothing is ever latched. */
    { 0x400, MSR_MC_BANKS, 4, MC_CTL, MSR_MCA, accept_any, AT(mc_ctl), 0 },                /* IA32_MCi_CTL */
    { 0x401, MSR_MC_BANKS, 4, MC_REST, MSR_MCA, accept_zero, 0, 0 },                       /* IA32_MCi_STATUS */
    { 0x402, MSR_MC_BANKS, 4, MC_REST, MSR_MCA, accept_zero, 0, 0 },                       /* IA32_MCi_ADDR */
    { 0x403, MSR_MC_BANKS, 4, MC_REST, MSR_MCA, accept_zero, 0, 0 },                       /* IA32_MCi_MISC */
    { 0x345, 1, 1, CONSTANT, MSR_PDCM, NULL, 0, 0x2000 },                                  /* IA32_PERF_CAPABILITIES: counters written in full width */
    { 0x6e0, 1, 1, TSC_DEADLINE, MSR_TSC_DEADLINE, accept_any, 0, 0 },                     /* IA32_TSC_DEADLINE */
    { 0x6e1, 1, 1, PKRS, MSR_PKS, accept_low_half, AT(pkrs), 0 },                          /* IA32_PKRS */
    { 0xda0, 1, 1, STORED, MSR_XSS, accept_zero, AT(xss), 0 },                             /* IA32_XSS: no supervisor state component is modelled */
    { 0xc0000080, 1, 1, EFER, MSR_EFER, accept_efer, 0, 0 },                               /* IA32_EFER */
    { 0xc0000081, 1, 1, STORED, MSR_LONG, accept_any, AT(star), 0 },
    { 0xc0000082, 1, 1, STORED, MSR_LONG, accept_address, AT(lstar), 0 },
    { 0xc0000083, 1, 1, STORED, MSR_LONG, accept_address, AT(cstar), 0 },                  /* kept, though SYSCALL never uses it here */
    { 0xc0000084, 1, 1, STORED, MSR_LONG, accept_low_half, AT(fmask), 0 },
    { 0xc0000100, 1, 1, SEGMENT_BASE, MSR_LONG, accept_address, 0, CPU_FS },               /* IA32_FS_BASE */
    { 0xc0000101, 1, 1, SEGMENT_BASE, MSR_LONG, accept_address, 0, CPU_GS },               /* IA32_GS_BASE */
    { 0xc0000102, 1, 1, STORED, MSR_LONG, accept_address, AT(kernel_gs_base), 0 },
    { 0xc0000103, 1, 1, STORED, MSR_TSC_AUX, accept_low_half, AT(tsc_aux), 0 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* A row may stand for more machine-check banks than the model has. */
static unsigned registers(const struct cpu *cpu, const struct row *row)
{
    return row->kind == MC_CTL || row->kind == MC_REST ? cpu->model->mc_banks : row->count;
}

/* The model's row for a number, and which of its registers that is. */
static const struct row *find(const struct cpu *cpu, uint32_t number, unsigned *index)
{
    for (unsigned n = 0; n < ROWS; n++) {
        uint32_t distance = number - rows[n].number;

        if (number >= rows[n].number && distance % rows[n].step == 0 && distance / rows[n].step < registers(cpu, &rows[n]) &&
            cpu->model->msrs & rows[n].group) {
            *index = distance / rows[n].step;
            return &rows[n];
        }
    }
    return NULL;
}

static uint64_t *stored(struct cpu *cpu, const struct row *row, unsigned index)
{
    return (uint64_t *)((char *)&cpu->msr + row->offset) + index;
}

/* The ratios of the clock to the bus's 100 MHz: the highest without turbo, and the lowest, which is the same; CPUID can be made to fault. */
static uint64_t platform_info(const struct cpu *cpu)
{
    uint64_t ratio = cpu->bus->clock->freq_hz / 100000000;

    ratio = ratio < 1 ? 1 : ratio > 255 ? 255 : ratio;
    return ratio << 40 | (cpu->model->msrs & MSR_CPUID_FAULT ? 1ull << 31 : 0) | ratio << 8;
}

static uint64_t value_of(const struct cpu *cpu, const struct row *row, unsigned index)
{
    switch (row->kind) {
    case CONSTANT: return row->value;
    case PLATFORM_INFO: return platform_info(cpu);
    case MC_CAP: return cpu->model->mc_banks;
    case MC_REST: return 0;
    case TIME_STAMP: return run_step_cycle(cpu) + cpu->tsc_offset;
    case TSC_DEADLINE: return cpu->lapic->tsc_deadline;
    case UPDATE_TRIGGER: return 0;
    case EFER: return cpu->efer;
    case SEGMENT_BASE: return cpu->seg[row->value].base;
    default: return *((const uint64_t *)((const char *)&cpu->msr + row->offset) + index);
    }
}

void msr_reset(struct cpu *cpu)
{
    cpu->msr = (struct cpu_msrs){ .apic_base = 0 };
    for (unsigned n = 0; n < ROWS; n++)
        if ((rows[n].kind == STORED || rows[n].kind == MISC_ENABLE) && rows[n].value)
            *stored(cpu, &rows[n], 0) = rows[n].value;
    if (cpu->model->pmu)
        cpu->msr.misc_enable |= MISC_ENABLE_PERFMON;
    if (cpu->model->has_lapic)
        cpu->msr.apic_base = LAPIC_DEFAULT_BASE | APIC_BASE_ENABLE | (cpu->number == 0 ? APIC_BASE_BSP : 0);
}

static _Noreturn void unknown(struct cpu *cpu, uint32_t number, const char *what)
{
    char name[24];

    snprintf(name, sizeof(name), "%s 0x%x", what, number);
    sim_log_unmodelled(cpu->bus->log, cpu->name, name, "this CPU model has no such register: #GP(0)");
    xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_MSR_UNKNOWN, number);
}

/* Is it one of the local APIC's registers? Outside x2APIC mode none of them can be reached. */
static bool is_x2apic(const struct cpu *cpu, uint32_t number)
{
    return number >= LAPIC_MSR_FIRST && number <= LAPIC_MSR_LAST && cpu->model->msrs & MSR_X2APIC;
}

uint64_t msr_read(struct cpu *cpu, uint32_t number)
{
    unsigned index;
    const struct row *row = find(cpu, number, &index);
    uint64_t value;

    if (is_x2apic(cpu, number)) {
        if (!lapic_msr_read(cpu->lapic, number, &value))
            xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_MSR_APIC, number);
        return value;
    }
    if (pmu_has_msr(cpu, number))
        return pmu_read(cpu, number);
    if (!row || row->kind == UPDATE_TRIGGER)
        unknown(cpu, number, "RDMSR");
    return value_of(cpu, row, index);
}

/* The page that the local APIC answers moves, comes or goes. */
static void write_apic_base(struct cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->msr.apic_base;

    cpu->msr.apic_base = value;
    lapic_base_changed(cpu->lapic, old);
    mem_fast_flush(cpu);
    code_forget_fetch(cpu);
    cpu_attend(cpu);
}

/* Whether bit 63 of paging entries is reserved, and what the fast tables know of it, changes with NXE. */
static void write_efer(struct cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->efer;
    struct cpu_event event = { .kind = CPU_EVENT_CONTROL, .reg = 32, .old = old };

    cpu->efer = event.value = (value & ~(uint64_t)EFER_LMA) | (old & EFER_LMA);
    if ((old ^ value) & EFER_NXE) {
        mem_fast_flush(cpu);
        code_forget_fetch(cpu);
    }
    run_report(cpu, &event);
    cpu_mode_changed(cpu);
}

/* IA32_TSC_ADJUST is what writes of it and of the TSC have added. SDM Vol. 3B, "Time-Stamp Counter Adjustment". */
static void add_to_tsc(struct cpu *cpu, uint64_t difference)
{
    cpu->tsc_offset += difference;
    cpu->msr.tsc_adjust += difference;
    if (cpu->lapic)
        lapic_tsc_changed(cpu->lapic);
}

/* What tells of features (7, 11, 12) can only be read. */
static void write_misc_enable(struct cpu *cpu, uint64_t value)
{
    const uint64_t fixed = MISC_ENABLE_PERFMON | 0x1800;

    cpu->msr.misc_enable = (value & ~fixed) | (cpu->msr.misc_enable & fixed);
}

static enum cpu_cause refusal(const struct row *row)
{
    return row->kind == APIC_BASE ? CPU_CAUSE_GP_MSR_APIC : row->kind == EFER ? CPU_CAUSE_GP_MSR_EFER : CPU_CAUSE_GP_MSR_RSVD;
}

void msr_write(struct cpu *cpu, uint32_t number, uint64_t value)
{
    unsigned index;
    const struct row *row = find(cpu, number, &index);

    if (is_x2apic(cpu, number)) {
        if (!lapic_msr_write(cpu->lapic, number, value))
            xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_MSR_APIC, number);
        return;
    }
    if (pmu_has_msr(cpu, number)) {
        if (!pmu_write(cpu, number, value))
            xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_MSR_RSVD, value);
        return;
    }
    if (!row)
        unknown(cpu, number, "WRMSR");
    if (!row->accept)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_MSR_LOCKED, number);
    if (!row->accept(cpu, value))
        xfer_fault_value(cpu, VEC_GP, 0, refusal(row), value);
    switch (row->kind) {
    case TIME_STAMP: add_to_tsc(cpu, value - (run_step_cycle(cpu) + cpu->tsc_offset)); break;
    case TSC_ADJUST: add_to_tsc(cpu, value - cpu->msr.tsc_adjust); break;
    case TSC_DEADLINE: lapic_set_tsc_deadline(cpu->lapic, value); break;
    case PKRS: paging_set_pkrs(cpu, value); break;
    case APIC_BASE: write_apic_base(cpu, value); break;
    case EFER: write_efer(cpu, value); break;
    case SEGMENT_BASE: cpu->seg[row->value].base = value; break;
    case MISC_ENABLE: write_misc_enable(cpu, value); break;
    case UPDATE_TRIGGER:
        sim_log_unmodelled(cpu->bus->log, cpu->name, "IA32_BIOS_UPDT_TRIG", "microcode updates do nothing, IA32_BIOS_SIGN_ID stays as it is");
        break;
    case DEBUGCTL:
        if (value & DEBUGCTL_LBR)
            sim_log_unmodelled(cpu->bus->log, cpu->name, "IA32_DEBUGCTL.LBR", "no branch is recorded");
        *stored(cpu, row, index) = value;
        break;
    case STORED: case MC_CTL:
        *stored(cpu, row, index) = value;
        if (row->group & (MSR_MTRR | MSR_PAT))
            mem_fast_flush(cpu); /* memory types are baked in */
        break;
    default: break;
    }
}

bool msr_peek(const struct cpu *cpu, uint32_t number, uint64_t *value)
{
    unsigned index;
    const struct row *row = find(cpu, number, &index);

    if (is_x2apic(cpu, number))
        return lapic_msr_read(cpu->lapic, number, value);
    if (pmu_has_msr(cpu, number)) {
        *value = pmu_read(cpu, number);
        return true;
    }
    if (row)
        *value = value_of(cpu, row, index);
    return row != NULL;
}
