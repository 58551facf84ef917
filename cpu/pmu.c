#include "cpu/pmu.h"

#include <stdio.h>
#include <string.h>

#include "cpu/lapic.h"
#include "cpu/model.h"
#include "cpu/run.h"

/* ---- Registers ---- */

enum {
    MSR_PMC0 = 0x0c1, MSR_PERFEVTSEL0 = 0x186, MSR_FIXED_CTR0 = 0x309, MSR_FIXED_CTR_CTRL = 0x38d, MSR_GLOBAL_STATUS = 0x38e,
    MSR_GLOBAL_CTRL = 0x38f, MSR_GLOBAL_OVF_CTRL = 0x390, MSR_A_PMC0 = 0x4c1
};

/* IA32_PERFEVTSELx: SDM Vol. 3B, "Layout of IA32_PERFEVTSELx MSRs". */
enum { SEL_USR = 1 << 16, SEL_OS = 1 << 17, SEL_EDGE = 1 << 18, SEL_INT = 1 << 20, SEL_EN = 1 << 22, SEL_INV = 1 << 23 };
#define SEL_CMASK   0xff000000u
#define SEL_FILTERS (SEL_EDGE | SEL_INV | SEL_CMASK)

/* IA32_FIXED_CTR_CTRL: four bits a counter. */
enum { FIXED_OS = 1, FIXED_USR = 2, FIXED_ANY = 4, FIXED_PMI = 8 };

#define FIXED_SHIFT 32 /* of the fixed counters in the global registers */
/* IA32_PERF_GLOBAL_OVF_CTRL: the overflow of the debug store's buffer, and "condition changed". */
#define OVF_BUFFER  (3ull << 62)

const struct sim_field pmu_fields[] = {
    SIM_FIELD_ARRAY(struct cpu_pmu, select, "IA32_PERFEVTSELx"),
    SIM_FIELD_ARRAY(struct cpu_pmu, counter, "IA32_PMCx as of the marks"),
    SIM_FIELD_ARRAY(struct cpu_pmu, fixed, "IA32_FIXED_CTRx as of the marks"),
    SIM_FIELD(struct cpu_pmu, fixed_ctrl, "IA32_FIXED_CTR_CTRL"),
    SIM_FIELD(struct cpu_pmu, global_ctrl, "IA32_PERF_GLOBAL_CTRL"),
    SIM_FIELD(struct cpu_pmu, global_status, "IA32_PERF_GLOBAL_STATUS"),
    SIM_FIELD_ARRAY(struct cpu_pmu, mark, "quantities that the counters know"),
    SIM_FIELD(struct cpu_pmu, cpl, "CPL since the marks"),
    SIM_FIELD(struct cpu_pmu, branches, "branch instructions retired while they were counted"),
    SIM_FIELD_ARRAY(struct cpu_pmu, walks, "page walks of loads, stores and fetches"),
    SIM_FIELD(struct cpu_pmu, slept, "cycles asleep"),
    SIM_FIELD_EVENT(struct cpu_pmu, overflow, "a counter that interrupts may overflow"),
    SIM_FIELD_DERIVED(struct cpu_pmu, counting, "some counter counts"),
    SIM_FIELD_DERIVED(struct cpu_pmu, by_cpl, "some counter is for one privilege only"),
    SIM_FIELD_DERIVED(struct cpu_pmu, by_step, "some counter counts branches"),
    SIM_FIELD_END
};

/* ---- Quantities ---- */

static const struct pmu_event p6_events[] = {
    { 0xc0, 0, PMU_INSTRUCTIONS }, { 0x79, 0, PMU_CYCLES }, { 0xc4, 0, PMU_BRANCHES }
};
/* SDM Vol. 3B, "Pre-defined architectural performance events". The reference clock is the TSC's, and that is the core's. */
static const struct pmu_event architectural[] = {
    { 0x3c, 0, PMU_CYCLES }, { 0xc0, 0, PMU_INSTRUCTIONS }, { 0x3c, 1, PMU_CYCLES }, { 0xc4, 0, PMU_BRANCHES }
};
/* INST_RETIRED.ANY, CPU_CLK_UNHALTED.CORE, CPU_CLK_UNHALTED.REF. */
static const uint8_t fixed_quantity[PMU_FIXED] = { PMU_INSTRUCTIONS, PMU_CYCLES, PMU_CYCLES };

static enum pmu_quantity find_event(const struct pmu_event *e, unsigned count, uint64_t select)
{
    for (unsigned n = 0; n < count; n++)
        if ((select & 0xff) == e[n].select && (select >> 8 & 0xff) == e[n].unit)
            return (enum pmu_quantity)e[n].quantity;
    return PMU_NOTHING;
}

static enum pmu_quantity quantity_of(const struct cpu *cpu, uint64_t select)
{
    const struct pmu_model *m = cpu->model->pmu;
    enum pmu_quantity q;

    if (select & SEL_FILTERS)
        return PMU_NOTHING;
    if (!m->version)
        return find_event(p6_events, sizeof(p6_events) / sizeof(p6_events[0]), select);
    q = find_event(architectural, sizeof(architectural) / sizeof(architectural[0]), select);
    return q != PMU_NOTHING ? q : find_event(m->events, m->event_count, select);
}

static uint64_t quantity_now(const struct cpu *cpu, enum pmu_quantity q)
{
    switch (q) {
    case PMU_INSTRUCTIONS: return run_retired(cpu);
    case PMU_CYCLES: return run_step_cycle(cpu) - cpu->pmu.slept;
    case PMU_BRANCHES: return cpu->pmu.branches;
    case PMU_LOAD_WALKS: case PMU_STORE_WALKS: case PMU_FETCH_WALKS: return cpu->pmu.walks[q - PMU_LOAD_WALKS];
    default: return 0;
    }
}

/* ---- One counter, whichever kind it is: 0 to PMU_COUNTERS - 1, behind them the fixed ones ---- */

enum { ALL_COUNTERS = PMU_COUNTERS + PMU_FIXED };

struct view {
    uint64_t *value;
    uint64_t mask;        /* its bits */
    enum pmu_quantity quantity;
    bool os, user, interrupts;
    uint64_t status;      /* its bit in the global registers */
};

/* False when the model has no such counter, or it is disabled: only value, mask and status tell then. */
static bool look(const struct cpu *cpu, unsigned n, struct view *v)
{
    const struct pmu_model *m = cpu->model->pmu;
    struct cpu_pmu *p = (struct cpu_pmu *)&cpu->pmu;
    bool enabled;

    *v = (struct view){ .quantity = PMU_NOTHING };
    if (n < PMU_COUNTERS) {
        uint64_t select = p->select[n];

        if (n >= m->counters)
            return false;
        *v = (struct view){ &p->counter[n], (1ull << m->width) - 1, quantity_of(cpu, select), select & SEL_OS, select & SEL_USR,
                            select & SEL_INT, 1ull << n };
        enabled = (m->version ? select : p->select[0]) & SEL_EN; /* the P6 has one bit for both */
    } else {
        uint64_t ctrl = p->fixed_ctrl >> (n - PMU_COUNTERS) * 4;

        n -= PMU_COUNTERS;
        if (n >= m->fixed)
            return false;
        *v = (struct view){ &p->fixed[n], (1ull << m->fixed_width) - 1, (enum pmu_quantity)fixed_quantity[n], ctrl & FIXED_OS,
                            ctrl & FIXED_USR, ctrl & FIXED_PMI, 1ull << (FIXED_SHIFT + n) };
        enabled = true;
    }
    return enabled && (m->version < 2 || p->global_ctrl & v->status) && v->quantity != PMU_NOTHING && (v->os || v->user);
}

/* Has it counted since the marks? */
static bool counted(const struct cpu *cpu, const struct view *v)
{
    return (v->os && v->user) || (cpu->pmu.cpl == 0 ? v->os : v->user);
}

/* What is to be added to it. */
static uint64_t pending(const struct cpu *cpu, const struct view *v)
{
    return counted(cpu, v) ? quantity_now(cpu, v->quantity) - cpu->pmu.mark[v->quantity] : 0;
}

static uint64_t counter_now(const struct cpu *cpu, unsigned n)
{
    struct view v;
    bool on = look(cpu, n, &v);

    return (*v.value + (on ? pending(cpu, &v) : 0)) & v.mask;
}

static uint64_t status_now(const struct cpu *cpu)
{
    uint64_t status = cpu->pmu.global_status;
    struct view v;

    for (unsigned n = 0; n < ALL_COUNTERS; n++)
        if (look(cpu, n, &v) && pending(cpu, &v) > v.mask - *v.value)
            status |= v.status;
    return status;
}

/* Brings all counters up to date. */
static void settle(struct cpu *cpu)
{
    struct cpu_pmu *p = &cpu->pmu;
    bool interrupt = false;
    struct view v;

    for (unsigned n = 0; n < ALL_COUNTERS; n++) {
        uint64_t add;

        if (!look(cpu, n, &v))
            continue;
        add = pending(cpu, &v);
        if (add > v.mask - *v.value) {
            p->global_status |= v.status;
            interrupt |= v.interrupts;
        }
        *v.value = (*v.value + add) & v.mask;
    }
    for (unsigned q = 0; q < PMU_QUANTITIES; q++)
        p->mark[q] = quantity_now(cpu, (enum pmu_quantity)q);
    p->cpl = cpu->cpl;
    if (interrupt && cpu->lapic)
        lapic_performance(cpu->lapic);
}

/* ---- Overflow ---- */

/* No quantity grows by more than one a cycle: the earliest cycle at which a counter that interrupts can overflow. Counters are up to date. */
static void arm(struct cpu *cpu)
{
    uint64_t least = UINT64_MAX;
    sim_cycles now = run_step_cycle(cpu);
    struct view v;

    for (unsigned n = 0; n < ALL_COUNTERS && cpu->pmu.counting; n++)
        if (look(cpu, n, &v) && v.interrupts && counted(cpu, &v) && v.mask - *v.value < least)
            least = v.mask - *v.value;
    if (least == UINT64_MAX || least >= SIM_NEVER - now)
        sim_event_cancel(&cpu->pmu.overflow);
    else
        sim_event_at(&cpu->pmu.overflow, now + least + 1);
}

/* While the CPU sleeps nothing counts: pmu_woken() goes on. */
static void on_overflow(void *arg)
{
    struct cpu *cpu = arg;

    settle(cpu);
    if (cpu->activity == CPU_ACTIVE || cpu_wakeable(cpu))
        arm(cpu);
}

static void find_flags(struct cpu *cpu)
{
    struct cpu_pmu *p = &cpu->pmu;
    struct view v;

    p->counting = p->by_cpl = p->by_step = false;
    for (unsigned n = 0; cpu->model->pmu && n < ALL_COUNTERS; n++)
        if (look(cpu, n, &v)) {
            p->counting = true;
            p->by_cpl |= v.os != v.user;
            p->by_step |= v.quantity == PMU_BRANCHES;
        }
}

void pmu_cpl_changed(struct cpu *cpu)
{
    settle(cpu);
    arm(cpu);
}

void pmu_woken(struct cpu *cpu)
{
    if (cpu->pmu.counting && cpu->pmu.overflow.deadline == SIM_NEVER) {
        settle(cpu);
        arm(cpu);
    }
}

/* ---- Registers ---- */

enum kind { COUNTER, FULL_WIDTH, SELECT, FIXED, FIXED_CTRL, GLOBAL_STATUS, GLOBAL_CTRL, GLOBAL_OVF_CTRL, NO_REGISTER };

static bool in(uint32_t number, uint32_t first, unsigned count, unsigned *index)
{
    *index = number - first;
    return number >= first && *index < count;
}

static enum kind register_of(const struct cpu *cpu, uint32_t number, unsigned *index)
{
    const struct pmu_model *m = cpu->model->pmu;

    if (!m)
        return NO_REGISTER;
    if (in(number, MSR_PMC0, m->counters, index))
        return COUNTER;
    if (in(number, MSR_PERFEVTSEL0, m->counters, index))
        return SELECT;
    if (m->full_width && in(number, MSR_A_PMC0, m->counters, index))
        return FULL_WIDTH;
    if (in(number, MSR_FIXED_CTR0, m->fixed, index))
        return FIXED;
    if (m->version < 2)
        return NO_REGISTER;
    switch (number) {
    case MSR_FIXED_CTR_CTRL: return FIXED_CTRL;
    case MSR_GLOBAL_STATUS: return GLOBAL_STATUS;
    case MSR_GLOBAL_CTRL: return GLOBAL_CTRL;
    case MSR_GLOBAL_OVF_CTRL: return GLOBAL_OVF_CTRL;
    default: return NO_REGISTER;
    }
}

bool pmu_has_msr(const struct cpu *cpu, uint32_t number)
{
    unsigned index;

    return register_of(cpu, number, &index) != NO_REGISTER;
}

uint64_t pmu_read(const struct cpu *cpu, uint32_t number)
{
    unsigned index;

    switch (register_of(cpu, number, &index)) {
    case COUNTER: case FULL_WIDTH: return counter_now(cpu, index);
    case FIXED: return counter_now(cpu, PMU_COUNTERS + index);
    case SELECT: return cpu->pmu.select[index];
    case FIXED_CTRL: return cpu->pmu.fixed_ctrl;
    case GLOBAL_STATUS: return status_now(cpu);
    case GLOBAL_CTRL: return cpu->pmu.global_ctrl;
    default: return 0; /* IA32_PERF_GLOBAL_OVF_CTRL */
    }
}

/* Bits of the global registers that stand for counters. */
static uint64_t global_bits(const struct pmu_model *m)
{
    return ((1ull << m->counters) - 1) | ((1ull << m->fixed) - 1) << FIXED_SHIFT;
}

static uint64_t writable(const struct pmu_model *m, enum kind kind)
{
    uint64_t bits = 0;

    switch (kind) {
    case COUNTER: return UINT64_MAX; /* what lies above bit 31 is not looked at */
    case FULL_WIDTH: return (1ull << m->width) - 1;
    case FIXED: return (1ull << m->fixed_width) - 1;
    case SELECT: return UINT32_MAX;
    case FIXED_CTRL:
        for (unsigned n = 0; n < m->fixed; n++)
            bits |= (uint64_t)(FIXED_OS | FIXED_USR | FIXED_PMI | (m->version > 2 ? FIXED_ANY : 0)) << 4 * n;
        return bits;
    case GLOBAL_CTRL: return global_bits(m);
    case GLOBAL_OVF_CTRL: return global_bits(m) | OVF_BUFFER;
    default: return 0;
    }
}

/* A counter that is switched on and will stand still says so. */
static void say_what_stands_still(const struct cpu *cpu, uint64_t select)
{
    char name[48];

    if (!(select & SEL_EN) || quantity_of(cpu, select) != PMU_NOTHING)
        return;
    snprintf(name, sizeof(name), "performance event %02xh, unit mask %02xh%s", (unsigned)select & 0xff, (unsigned)select >> 8 & 0xff,
             select & SEL_FILTERS ? ", filtered" : "");
    sim_log_unmodelled(cpu->bus->log, cpu->name, name, "it is not counted: the counter stands still");
}

bool pmu_write(struct cpu *cpu, uint32_t number, uint64_t value)
{
    const struct pmu_model *m = cpu->model->pmu;
    struct cpu_pmu *p = &cpu->pmu;
    unsigned index;
    enum kind kind = register_of(cpu, number, &index);

    if (kind == GLOBAL_STATUS || value & ~writable(m, kind))
        return false;
    settle(cpu);
    switch (kind) {
    case COUNTER: p->counter[index] = (uint64_t)(int64_t)(int32_t)value & ((1ull << m->width) - 1); break;
    case FULL_WIDTH: p->counter[index] = value; break;
    case FIXED: p->fixed[index] = value; break;
    case SELECT:
        p->select[index] = value;
        say_what_stands_still(cpu, value);
        break;
    case FIXED_CTRL: p->fixed_ctrl = value; break;
    case GLOBAL_CTRL: p->global_ctrl = value; break;
    default: p->global_status &= ~value; break;
    }
    find_flags(cpu);
    arm(cpu);
    cpu_attend(cpu);
    return true;
}

/* SDM Vol. 2B, "RDPMC". */
bool pmu_read_counter(const struct cpu *cpu, uint32_t ecx, uint64_t *value)
{
    const struct pmu_model *m = cpu->model->pmu;
    bool fixed = m && m->fixed && ecx & 1u << 30;
    uint32_t n = fixed ? ecx & ~(1u << 30) : ecx;

    if (!m || n >= (fixed ? m->fixed : m->counters))
        return false;
    *value = counter_now(cpu, fixed ? PMU_COUNTERS + n : n);
    return true;
}

/* ---- Life ---- */

void pmu_init(struct cpu *cpu)
{
    sim_event_init(&cpu->pmu.overflow, cpu->bus->clock, cpu->component, 1, on_overflow, cpu);
}

void pmu_reset(struct cpu *cpu)
{
    struct cpu_pmu *p = &cpu->pmu;
    struct cpu_pmu fresh = { .branches = p->branches, .slept = p->slept };

    memcpy(fresh.walks, p->walks, sizeof(fresh.walks));
    sim_event_cancel(&p->overflow);
    fresh.overflow = p->overflow;
    if (cpu->model->pmu && cpu->model->pmu->version > 1)
        fresh.global_ctrl = (1ull << cpu->model->pmu->counters) - 1;
    *p = fresh;
    for (unsigned q = 0; q < PMU_QUANTITIES; q++)
        p->mark[q] = quantity_now(cpu, (enum pmu_quantity)q);
}

void pmu_loaded(struct cpu *cpu)
{
    find_flags(cpu);
}
