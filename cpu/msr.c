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

#define PHYS_MASK ((1ull << PAGING_PHYS_BITS) - 1)

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

static bool accept_any(uint64_t v) { (void)v; return true; }
static bool accept_zero(uint64_t v) { return v == 0; }
static bool accept_pat(uint64_t v) { return eight_types(v, true); }
static bool accept_fixed(uint64_t v) { return eight_types(v, false); }
static bool accept_def_type(uint64_t v) { return !(v & ~0xcffull) && is_memory_type(v & 0xff, false); }
static bool accept_base(uint64_t v) { return !(v & ~PHYS_MASK) && !(v & 0xf00) && is_memory_type(v & 0xff, false); }
static bool accept_mask(uint64_t v) { return !(v & ~PHYS_MASK) && !(v & 0x7ff); }
static bool accept_apic_base(uint64_t v)
{
    return !(v & ~(PHYS_MASK & ~(uint64_t)SIM_PAGE_MASK) & ~(uint64_t)(APIC_BASE_BSP | APIC_BASE_ENABLE));
}

/* ---- The registers: SDM Vol. 4 ---- */

enum kind { STORED, CONSTANT, TIME_STAMP, APIC_BASE, IGNORED };

struct row {
    uint32_t number;
    uint8_t count, step; /* `count` registers, their numbers `step` apart, their values an array */
    uint8_t kind;
    uint32_t group;
    bool (*accept)(uint64_t v); /* NULL: read only */
    size_t offset;              /* in struct cpu_msrs */
    uint64_t value;             /* CONSTANT; STORED: after RESET */
};
#define AT(member) offsetof(struct cpu_msrs, member)

static const struct row rows[] = {
    /* Machine checks never happen: nothing is ever latched, and there are no banks. */
    { 0x000, 2, 1, CONSTANT, MSR_P5_MC, NULL, 0, 0 },                                      /* IA32_P5_MC_ADDR, IA32_P5_MC_TYPE */
    { 0x010, 1, 1, TIME_STAMP, MSR_TSC, accept_any, 0, 0 },                                /* IA32_TIME_STAMP_COUNTER */
    { 0x017, 1, 1, CONSTANT, MSR_P6, NULL, 0, 0 },                                         /* IA32_PLATFORM_ID */
    { 0x01b, 1, 1, APIC_BASE, MSR_APIC, accept_apic_base, AT(apic_base), 0 },              /* IA32_APIC_BASE */
    { 0x079, 1, 1, IGNORED, MSR_P6, accept_any, 0, 0 },                                    /* IA32_BIOS_UPDT_TRIG: takes any update */
    { 0x08b, 1, 1, STORED, MSR_P6, accept_any, AT(bios_sign_id), 0 },                      /* IA32_BIOS_SIGN_ID */
    { 0x0fe, 1, 1, CONSTANT, MSR_MTRR, NULL, 0, 0x508 },                                   /* IA32_MTRRCAP: 8 variable, fixed, WC */
    { 0x174, 1, 1, STORED, MSR_SEP, accept_any, AT(sysenter_cs), 0 },
    { 0x175, 1, 1, STORED, MSR_SEP, accept_any, AT(sysenter_esp), 0 },
    { 0x176, 1, 1, STORED, MSR_SEP, accept_any, AT(sysenter_eip), 0 },
    { 0x179, 1, 1, STORED, MSR_MCA, NULL, AT(mcg_cap), 0 },                                /* IA32_MCG_CAP: no banks */
    { 0x17a, 1, 1, STORED, MSR_MCA, accept_zero, AT(mcg_status), 0 },                      /* IA32_MCG_STATUS */
    { 0x200, 8, 2, STORED, MSR_MTRR, accept_base, AT(mtrr_base), 0 },
    { 0x201, 8, 2, STORED, MSR_MTRR, accept_mask, AT(mtrr_mask), 0 },
    { 0x250, 1, 1, STORED, MSR_MTRR, accept_fixed, AT(mtrr_fixed[0]), 0 },                 /* IA32_MTRR_FIX64K_00000 */
    { 0x258, 2, 1, STORED, MSR_MTRR, accept_fixed, AT(mtrr_fixed[1]), 0 },                 /* IA32_MTRR_FIX16K_80000, A0000 */
    { 0x268, 8, 1, STORED, MSR_MTRR, accept_fixed, AT(mtrr_fixed[3]), 0 },                 /* IA32_MTRR_FIX4K_C0000..F8000 */
    { 0x277, 1, 1, STORED, MSR_PAT, accept_pat, AT(pat), 0x0007040600070406 },             /* IA32_PAT */
    { 0x2ff, 1, 1, STORED, MSR_MTRR, accept_def_type, AT(mtrr_def_type), 0 },              /* IA32_MTRR_DEF_TYPE */
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The model's row for a number, and which of its registers that is. */
static const struct row *find(const struct cpu *cpu, uint32_t number, unsigned *index)
{
    for (unsigned n = 0; n < ROWS; n++) {
        uint32_t distance = number - rows[n].number;

        if (number >= rows[n].number && distance % rows[n].step == 0 && distance / rows[n].step < rows[n].count &&
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

static uint64_t value_of(const struct cpu *cpu, const struct row *row, unsigned index)
{
    switch (row->kind) {
    case CONSTANT: return row->value;
    case TIME_STAMP: return run_step_cycle(cpu) + cpu->tsc_offset;
    case IGNORED: return 0;
    default: return *((const uint64_t *)((const char *)&cpu->msr + row->offset) + index);
    }
}

void msr_reset(struct cpu *cpu)
{
    cpu->msr = (struct cpu_msrs){ .apic_base = 0 };
    for (unsigned n = 0; n < ROWS; n++)
        if (rows[n].kind == STORED && rows[n].value)
            *stored(cpu, &rows[n], 0) = rows[n].value;
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

uint64_t msr_read(struct cpu *cpu, uint32_t number)
{
    unsigned index;
    const struct row *row = find(cpu, number, &index);

    if (!row || row->kind == IGNORED)
        unknown(cpu, number, "RDMSR");
    return value_of(cpu, row, index);
}

/* The page that the local APIC answers moves, comes or goes. One that is switched on again starts as after RESET. */
static void write_apic_base(struct cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->msr.apic_base;

    cpu->msr.apic_base = value;
    if (~old & value & APIC_BASE_ENABLE)
        lapic_reset(cpu->lapic, false);
    mem_fast_flush(cpu);
    code_forget_fetch(cpu);
    cpu_attend(cpu);
}

void msr_write(struct cpu *cpu, uint32_t number, uint64_t value)
{
    unsigned index;
    const struct row *row = find(cpu, number, &index);

    if (!row)
        unknown(cpu, number, "WRMSR");
    if (!row->accept)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_MSR_LOCKED, number);
    if (!row->accept(value))
        xfer_fault_value(cpu, VEC_GP, 0, row->kind == APIC_BASE ? CPU_CAUSE_GP_MSR_APIC : CPU_CAUSE_GP_MSR_RSVD, value);
    switch (row->kind) {
    case TIME_STAMP: cpu->tsc_offset = value - run_step_cycle(cpu); break;
    case APIC_BASE: write_apic_base(cpu, value); break;
    case STORED: *stored(cpu, row, index) = value; break;
    default: break;
    }
}

bool msr_peek(const struct cpu *cpu, uint32_t number, uint64_t *value)
{
    unsigned index;
    const struct row *row = find(cpu, number, &index);

    if (row)
        *value = value_of(cpu, row, index);
    return row != NULL;
}
