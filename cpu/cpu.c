#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/flags.h"
#include "cpu/isa/isa.h"
#include "cpu/lapic.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/monitor.h"
#include "cpu/msr.h"
#include "cpu/paging.h"
#include "cpu/run.h"
#include "cpu/smm.h"
#include "cpu/tlb.h"

/* ---- State tables ---- */

static const struct sim_field cc_fields[] = {
    SIM_FIELD(struct cpu_cc, z, "ZF: 0 when set"),
    SIM_FIELD(struct cpu_cc, res, "SF: bit 63; PF: parity of the low byte"),
    SIM_FIELD(struct cpu_cc, aux, "CF: bit 63; OF: bits 63 and 62 differ; AF: bit 3"),
    SIM_FIELD_END
};

static const struct sim_field seg_fields[] = {
    SIM_FIELD(struct cpu_seg, selector, "visible part"),
    SIM_FIELD(struct cpu_seg, attr, "access rights, as in a VMCS"),
    SIM_FIELD(struct cpu_seg, limit, "in bytes"),
    SIM_FIELD(struct cpu_seg, base, "linear address"),
    SIM_FIELD_END
};

static const struct sim_field table_fields[] = {
    SIM_FIELD(struct cpu_table, base, "linear address"),
    SIM_FIELD(struct cpu_table, limit, "in bytes"),
    SIM_FIELD_END
};

static const struct sim_field evidence_fields[] = {
    SIM_FIELD(struct cpu_evidence, kind, "what the failed check looked at"),
    SIM_FIELD(struct cpu_evidence, selector, ""),
    SIM_FIELD(struct cpu_evidence, level, "paging level, or segment register"),
    SIM_FIELD(struct cpu_evidence, size, "valid bytes"),
    SIM_FIELD(struct cpu_evidence, laddr, ""),
    SIM_FIELD(struct cpu_evidence, paddr, ""),
    SIM_FIELD(struct cpu_evidence, value, ""),
    SIM_FIELD_BYTES(struct cpu_evidence, bytes, ""),
    SIM_FIELD_END
};

static const struct sim_field delivery_fields[] = {
    SIM_FIELD(struct cpu_delivery, valid, ""),
    SIM_FIELD(struct cpu_delivery, vector, ""),
    SIM_FIELD(struct cpu_delivery, type, "interruption type"),
    SIM_FIELD(struct cpu_delivery, has_error, ""),
    SIM_FIELD(struct cpu_delivery, nested, "met while delivering the one before"),
    SIM_FIELD(struct cpu_delivery, shutdown, "ended in shutdown"),
    SIM_FIELD(struct cpu_delivery, delivered, "reached its handler"),
    SIM_FIELD(struct cpu_delivery, error, "error code"),
    SIM_FIELD(struct cpu_delivery, insn_length, ""),
    SIM_FIELD(struct cpu_delivery, cause, ""),
    SIM_FIELD_STRUCT(struct cpu_delivery, evidence, evidence_fields, ""),
    SIM_FIELD(struct cpu_delivery, cr2, ""),
    SIM_FIELD(struct cpu_delivery, cs, ""),
    SIM_FIELD(struct cpu_delivery, ip, ""),
    SIM_FIELD(struct cpu_delivery, cs_base, ""),
    SIM_FIELD(struct cpu_delivery, sp, ""),
    SIM_FIELD(struct cpu_delivery, ss, ""),
    SIM_FIELD(struct cpu_delivery, cpl, ""),
    SIM_FIELD(struct cpu_delivery, mode, ""),
    SIM_FIELD(struct cpu_delivery, step, ""),
    SIM_FIELD(struct cpu_delivery, cycle, ""),
    SIM_FIELD_END
};

static const struct sim_field msr_fields[] = {
    SIM_FIELD(struct cpu_msrs, apic_base, "IA32_APIC_BASE"),
    SIM_FIELD(struct cpu_msrs, sysenter_cs, "IA32_SYSENTER_CS"),
    SIM_FIELD(struct cpu_msrs, sysenter_esp, "IA32_SYSENTER_ESP"),
    SIM_FIELD(struct cpu_msrs, sysenter_eip, "IA32_SYSENTER_EIP"),
    SIM_FIELD(struct cpu_msrs, pat, "IA32_PAT"),
    SIM_FIELD(struct cpu_msrs, mtrr_def_type, "IA32_MTRR_DEF_TYPE"),
    SIM_FIELD_ARRAY(struct cpu_msrs, mtrr_fixed, "IA32_MTRR_FIX*"),
    SIM_FIELD_ARRAY(struct cpu_msrs, mtrr_base, "IA32_MTRR_PHYSBASEn"),
    SIM_FIELD_ARRAY(struct cpu_msrs, mtrr_mask, "IA32_MTRR_PHYSMASKn"),
    SIM_FIELD(struct cpu_msrs, misc_enable, "IA32_MISC_ENABLE"),
    SIM_FIELD(struct cpu_msrs, feature_control, "IA32_FEATURE_CONTROL"),
    SIM_FIELD(struct cpu_msrs, mcg_status, "IA32_MCG_STATUS"),
    SIM_FIELD_ARRAY(struct cpu_msrs, mc_ctl, "IA32_MCi_CTL"),
    SIM_FIELD(struct cpu_msrs, misc_features_enables, "MISC_FEATURES_ENABLES"),
    SIM_FIELD(struct cpu_msrs, power_ctl, "MSR_POWER_CTL"),
    SIM_FIELD(struct cpu_msrs, debugctl, "IA32_DEBUGCTL"),
    SIM_FIELD(struct cpu_msrs, star, "IA32_STAR"),
    SIM_FIELD(struct cpu_msrs, lstar, "IA32_LSTAR"),
    SIM_FIELD(struct cpu_msrs, cstar, "IA32_CSTAR"),
    SIM_FIELD(struct cpu_msrs, fmask, "IA32_FMASK"),
    SIM_FIELD(struct cpu_msrs, kernel_gs_base, "IA32_KERNEL_GS_BASE"),
    SIM_FIELD(struct cpu_msrs, tsc_aux, "IA32_TSC_AUX"),
    SIM_FIELD(struct cpu_msrs, bios_sign_id, "IA32_BIOS_SIGN_ID"),
    SIM_FIELD(struct cpu_msrs, pkrs, "IA32_PKRS"),
    SIM_FIELD(struct cpu_msrs, tsc_adjust, "IA32_TSC_ADJUST"),
    SIM_FIELD(struct cpu_msrs, xss, "IA32_XSS"),
    SIM_FIELD_END
};

static const struct sim_field monitor_fields[] = {
    SIM_FIELD(struct cpu_monitor, armed, "writes to the line are watched"),
    SIM_FIELD(struct cpu_monitor, masked_too, "MWAIT ends by masked interrupts too"),
    SIM_FIELD(struct cpu_monitor, line, "physical address"),
    SIM_FIELD_DERIVED(struct cpu_monitor, ram, "where the trap is set"),
    SIM_FIELD_DERIVED(struct cpu_monitor, pfn, "where the trap is set"),
    SIM_FIELD_END
};

const struct sim_field cpu_fields[] = {
    SIM_FIELD_ROW_(struct cpu, reg, SIM_KIND_UINT, 8, CPU_GENERAL, NULL, NULL, NULL, "AX CX DX BX SP BP SI DI R8 to R15"),
    SIM_FIELD_ROW_(struct cpu, reg[CPU_GENERAL], SIM_KIND_DERIVED, 8 * (CPU_REGS - CPU_GENERAL), 1, NULL, NULL, NULL, "bases that are no registers"),
    SIM_FIELD_STRUCT(struct cpu, cc, cc_fields, "arithmetic flags"),
    SIM_FIELD(struct cpu, ip, "instruction pointer"),
    SIM_FIELD(struct cpu, eflags, "all but the arithmetic flags"),
    SIM_FIELD_SUB(struct cpu, seg, seg_fields, "ES CS SS DS FS GS LDTR TR"),
    SIM_FIELD_STRUCT(struct cpu, gdtr, table_fields, "global descriptor table"),
    SIM_FIELD_STRUCT(struct cpu, idtr, table_fields, "interrupt descriptor table"),
    SIM_FIELD(struct cpu, cr0, ""), SIM_FIELD(struct cpu, cr2, ""), SIM_FIELD(struct cpu, cr3, ""),
    SIM_FIELD(struct cpu, cr4, ""), SIM_FIELD(struct cpu, efer, ""),
    SIM_FIELD_ARRAY(struct cpu, dr, "debug registers"),
    SIM_FIELD_ARRAY(struct cpu, pdpte, "PAE page-directory-pointer registers"),
    SIM_FIELD(struct cpu, cpl, "current privilege level"),
    SIM_FIELD(struct cpu, xcr0, "state components that XSAVE knows"),
    SIM_FIELD_STRUCT(struct cpu, fpu, fpu_fields, "x87"),
    SIM_FIELD(struct cpu, mxcsr, "SSE control and status"),
    SIM_FIELD_ROW_(struct cpu, vector, SIM_KIND_UINT, 8, 4 * CPU_GENERAL, NULL, NULL, NULL, "YMM0 to YMM15, low quadword first"),
    SIM_FIELD(struct cpu, pkru, "protection-key rights"),
    SIM_FIELD(struct cpu, random, "where RDRAND's sequence stands"),
    SIM_FIELD(struct cpu, activity, "0 active, 1 halted, 2 wait for SIPI, 3 shutdown, 4 frozen by an x87 error, 5 MWAIT"),
    SIM_FIELD_STRUCT(struct cpu, monitor, monitor_fields, "what MONITOR armed"),
    SIM_FIELD(struct cpu, shadow_sti, "interrupt shadow of STI"),
    SIM_FIELD(struct cpu, shadow_ss, "interrupt shadow of MOV SS or POP SS"),
    SIM_FIELD(struct cpu, in_rep, "between two iterations of the REP instruction at ip"),
    SIM_FIELD(struct cpu, nmi_blocked, "until IRET"),
    SIM_FIELD(struct cpu, nmi_pending, ""), SIM_FIELD(struct cpu, smi_pending, ""), SIM_FIELD(struct cpu, init_pending, ""), SIM_FIELD(struct cpu, sipi_pending, ""),
    SIM_FIELD(struct cpu, sipi_vector, ""),
    SIM_FIELD(struct cpu, intr, "level of the INTR pin"),
    SIM_FIELD(struct cpu, pending_db, "debug traps that are due: DR6 bits"),
    SIM_FIELD_MAX(struct cpu, pending_db_cause, CPU_CAUSE_COUNT - 1, "which kind of breakpoint raised them"),
    SIM_FIELD_STRUCT(struct cpu, smm, smm_fields, "system-management mode"),
    SIM_FIELD(struct cpu, cycle, "this CPU's clock"),
    SIM_FIELD(struct cpu, steps, ""), SIM_FIELD(struct cpu, retired, "instructions retired"),
    SIM_FIELD(struct cpu, tsc_offset, "TSC less the clock"),
    SIM_FIELD_STRUCT(struct cpu, pmu, pmu_fields, "performance counters"),
    SIM_FIELD_STRUCT(struct cpu, msr, msr_fields, "model-specific registers"),
    SIM_FIELD_SUB(struct cpu, history, delivery_fields, "the last deliveries"),
    SIM_FIELD(struct cpu, history_next, "deliveries ever recorded"),
    SIM_FIELD_CUSTOM(struct cpu, tlb, &tlb_packing, "architectural TLB"),
    SIM_FIELD_END
};

/* ---- Cluster ---- */

enum sim_err cpu_cluster_create(struct bus *bus, const struct cpu_model *model, struct cpu_cluster **out)
{
    struct cpu_cluster *c = calloc(1, sizeof(*c));
    enum sim_err err;

    if (!c)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for the CPUs");
    c->bus = bus;
    c->model = model;
    smm_set_map(c, SMM_MAP_INTEL64);
    err = isa_index_create(model->sets, &c->isa);
    if (!err)
        err = code_init(c);
    if (err) {
        cpu_cluster_destroy(c);
        return err;
    }
    bus->change_arg = c;
    *out = c;
    return SIM_OK;
}

static void cpu_destroy(struct cpu *cpu)
{
    if (cpu->pmu.overflow.clock)
        sim_event_cancel(&cpu->pmu.overflow);
    lapic_destroy(cpu->lapic);
    free(cpu->tlb);
    free(cpu->fast_tables);
    free(cpu->fast_filled);
    free(cpu->fetch);
    free(cpu->single);
    free(cpu);
}

void cpu_cluster_destroy(struct cpu_cluster *cluster)
{
    if (!cluster)
        return;
    code_fini(cluster);
    for (unsigned n = 0; n < cluster->count; n++)
        cpu_destroy(cluster->cpu[n]);
    isa_index_destroy(cluster->isa);
    free(cluster);
}

void cpu_seed_random(struct cpu_cluster *cluster, uint64_t seed)
{
    for (unsigned n = 0; n < cluster->count; n++)
        cluster->cpu[n]->random = seed ^ (uint64_t)(n + 1) << 56;
}

unsigned cpu_count(const struct cpu_cluster *cluster)
{
    return cluster->count;
}

struct cpu *cpu_get(const struct cpu_cluster *cluster, unsigned number)
{
    return number < cluster->count ? cluster->cpu[number] : NULL;
}

const char *cpu_activity_name(enum cpu_activity activity)
{
    switch (activity) {
    case CPU_ACTIVE: return "active";
    case CPU_HALTED: return "halted";
    case CPU_WAIT_SIPI: return "waiting for SIPI";
    case CPU_SHUTDOWN: return "shutdown";
    case CPU_FROZEN: return "frozen";
    case CPU_MWAIT: return "waiting in MWAIT";
    }
    return "";
}

/* The memory map or A20 changed: nothing cached about physical memory can be trusted. */
static void on_map_change(void *arg)
{
    struct cpu_cluster *cluster = arg;

    for (unsigned n = 0; n < cluster->count; n++) {
        mem_fast_flush(cluster->cpu[n]);
        code_forget_fetch(cluster->cpu[n]);
        monitor_loaded(cluster->cpu[n]);
    }
}

/* ---- Pins ---- */

static void on_intr(void *arg, bool level)
{
    struct cpu *cpu = arg;

    cpu->intr = level;
    if (cpu->lapic)
        lapic_set_lint(cpu->lapic, 0, level);
    cpu_attend(cpu);
}

static void on_nmi(void *arg, bool level)
{
    struct cpu *cpu = arg;

    if (cpu->lapic)
        lapic_set_lint(cpu->lapic, 1, level);
    else if (level)
        cpu->nmi_pending = true;
    cpu_attend(cpu);
}

/* The edge counts. */
static void on_smi(void *arg, bool level)
{
    struct cpu *cpu = arg;

    if (level)
        cpu->smi_pending = true;
    cpu_attend(cpu);
}

static void on_init(void *arg, bool level)
{
    struct cpu *cpu = arg;

    if (level)
        cpu->init_pending = true;
    cpu_attend(cpu);
}

/* The instruction that the processor froze in front of goes on. */
static void on_ignne(void *arg, bool level)
{
    struct cpu *cpu = arg;

    if (level && cpu->activity == CPU_FROZEN)
        cpu->activity = CPU_ACTIVE;
    cpu_attend(cpu);
}

static enum sim_err connect_pins(struct cpu *cpu)
{
    enum sim_err err = SIM_OK;

    if (cpu->number == 0)
        err = bus_wire_sink(cpu->bus, "intr", on_intr, cpu);
    if (!err)
        err = bus_wire_sink(cpu->bus, "nmi", on_nmi, cpu);
    if (!err && cpu->number == 0)
        err = bus_wire_sink(cpu->bus, "smi", on_smi, cpu);
    if (!err && cpu->number == 0)
        err = bus_wire_sink(cpu->bus, "cpu.init", on_init, cpu);
    if (!err)
        err = bus_wire_sink(cpu->bus, "ignne", on_ignne, cpu);
    if (!err)
        err = bus_wire_source(cpu->bus, &cpu->ferr, "ferr");
    return err;
}

/* ---- One CPU ---- */

static bool allocate(struct cpu *cpu)
{
    cpu->tlb = tlb_create();
    cpu->fast_tables = aligned_alloc(64, 5 * CPU_FAST_SIZE * sizeof(struct cpu_fast));
    cpu->fast_filled = calloc(CPU_FAST_SIZE, sizeof(*cpu->fast_filled));
    cpu->fetch = calloc(1, sizeof(*cpu->fetch));
    cpu->single = calloc(1, sizeof(struct cpu_block) + 2 * sizeof(struct cpu_insn));
    return cpu->tlb && cpu->fast_tables && cpu->fast_filled && cpu->fetch && cpu->single;
}

enum sim_err cpu_create(struct cpu_cluster *cluster, struct cpu **out)
{
    struct cpu *cpu;
    enum sim_err err;

    if (cluster->count == sizeof(cluster->cpu) / sizeof(cluster->cpu[0]))
        return sim_fail(SIM_ERR_USAGE, "no more than %u CPUs", cluster->count);
    cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~(size_t)63);
    if (cpu)
        memset(cpu, 0, sizeof(*cpu));
    if (!cpu || !allocate(cpu)) {
        if (cpu)
            cpu_destroy(cpu);
        return sim_fail(SIM_ERR_NOMEM, "out of memory for a CPU");
    }
    cpu->cluster = cluster;
    cpu->bus = cluster->bus;
    cpu->model = cluster->model;
    cpu->number = cluster->count;
    cpu->component = bus_new_component(cluster->bus);
    cpu->retire = true;
    fp_host_selftest(&cpu->fp_host);
    for (unsigned n = 0; n < 5 * CPU_FAST_SIZE; n++)
        cpu->fast_tables[n] = (struct cpu_fast){ .tag = CPU_FAST_EMPTY(n % CPU_FAST_SIZE) };
    pmu_init(cpu);
    err = lapic_create(cpu);
    if (!err)
        err = connect_pins(cpu);
    if (err) {
        cpu_destroy(cpu);
        return err;
    }
    snprintf(cpu->name, sizeof(cpu->name), "cpu%u", cpu->number);
    snprintf(cpu->lapic_name, sizeof(cpu->lapic_name), "lapic%u", cpu->number);
    cluster->cpu[cluster->count++] = cpu;
    cluster->bus->a20_changed = on_map_change;
    cluster->bus->map_changed = on_map_change;
    cluster->bus->change_arg = cluster;
    cpu_reset(cpu, false);
    *out = cpu;
    return SIM_OK;
}

/* ---- Reset: SDM Vol. 3A, "Processor state after reset" ---- */

static void reset_segments(struct cpu *cpu)
{
    for (unsigned n = 0; n < CPU_SEGS; n++)
        cpu->seg[n] = (struct cpu_seg){ .limit = 0xffff, .attr = SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED };
    cpu->seg[CPU_CS].attr |= SEG_TYPE_CODE;
    cpu->seg[CPU_CS].selector = 0xf000;
    cpu->seg[CPU_CS].base = 0xffff0000u;
    cpu->seg[CPU_LDTR].attr = SEG_P | SYS_LDT;
    cpu->seg[CPU_TR].attr = SEG_P | SYS_TSS_BUSY;
    cpu->gdtr = cpu->idtr = (struct cpu_table){ .base = 0, .limit = 0xffff };
}

static void reset_events(struct cpu *cpu)
{
    cpu->shadow_sti = cpu->shadow_ss = cpu->nmi_blocked = cpu->nmi_pending = cpu->init_pending = cpu->sipi_pending = false;
    cpu->in_rep = false;
    cpu->smm.active = false;
    cpu->smm.pending_db = 0;
    cpu->smm.pending_db_cause = CPU_CAUSE_NONE;
    monitor_disarm(cpu);
    cpu->pending_db = 0;
    cpu->pending_db_cause = CPU_CAUSE_NONE;
    cpu->fault.valid = cpu->undo.valid = cpu->reports.valid = false;
    cpu->force_alone = false;
    cpu->activity = cpu->number ? CPU_WAIT_SIPI : CPU_ACTIVE;
}

void cpu_reset(struct cpu *cpu, bool init)
{
    memset(cpu->reg, 0, sizeof(cpu->reg));
    cpu->reg[CPU_DX] = cpu->model->signature;
    cpu->ip = 0xfff0;
    cpu_set_eflags(cpu, 2);
    reset_segments(cpu);
    cpu->cr0 = CR0_ET | CR0_NW | CR0_CD;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->efer = 0;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr[6] = DR6_INIT;
    cpu->dr[7] = DR7_INIT;
    memset(cpu->pdpte, 0, sizeof(cpu->pdpte));
    cpu->cpl = 0;
    reset_events(cpu);
    if (!init) {
        cpu->smi_pending = false; /* INIT leaves it, and SMBASE */
        cpu->smm = (struct cpu_smm){ .base = SMM_BASE_INITIAL };
        fpu_reset(cpu, false);
        memset(cpu->vector, 0, sizeof(cpu->vector));
        cpu->mxcsr = MXCSR_INIT;
        cpu->xcr0 = 1;
        cpu->pkru = 0;
        cpu->tsc_offset = 0 - cpu->cycle;
        msr_reset(cpu);
        pmu_reset(cpu);
        memset(cpu->history, 0, sizeof(cpu->history));
        cpu->history_next = 0;
    }
    if (cpu->lapic)
        lapic_reset(cpu->lapic, init);
    mem_flush_tlb(cpu, true);
    cpu_mode_changed(cpu);
}

/* ---- Derived state ---- */

/* 0: base 0, limit 4 GiB, and of `mask` just the rights `rights`. */
static uint64_t unlike_flat(const struct cpu_seg *s, uint32_t mask, uint32_t rights)
{
    return s->base | (s->limit ^ UINT32_MAX) | ((s->attr ^ rights) & (mask | SEG_UNUSABLE));
}

/* An execute-only CS would make CS-relative reads of EA_FLAT wrong. */
#define FLAT_DATA (SEG_TYPE_CODE | SEG_TYPE_DOWN | SEG_TYPE_WRITE)
static bool all_flat(const struct cpu *cpu)
{
    return !(unlike_flat(&cpu->seg[CPU_CS], SEG_TYPE_READ | SEG_DB, SEG_TYPE_READ | SEG_DB) |
             unlike_flat(&cpu->seg[CPU_SS], FLAT_DATA | SEG_DB, SEG_TYPE_WRITE | SEG_DB) |
             unlike_flat(&cpu->seg[CPU_DS], FLAT_DATA, SEG_TYPE_WRITE) | unlike_flat(&cpu->seg[CPU_ES], FLAT_DATA, SEG_TYPE_WRITE));
}

/* XCR0 bits that AVX instructions need: SDM Vol. 1, "Detection of AVX instructions". */
#define XCR0_AVX 6u

/* What control registers and SMM decide. */
static uint32_t mode_of_controls(const struct cpu *cpu)
{
    uint32_t m = 0;

    m |= cpu->cr0 & CR0_PE ? MODE_PE : 0;
    m |= cpu->smm.active ? MODE_SMM : 0;
    m |= cpu->cr0 & CR0_PG ? MODE_PG : 0;
    m |= cpu->cr0 & CR0_TS ? MODE_TS : 0;
    m |= cpu->cr0 & CR0_EM ? MODE_EM : 0;
    m |= cpu->cr4 & CR4_OSFXSR ? MODE_OSFXSR : 0;
    m |= cpu->cr4 & CR4_OSXSAVE && (cpu->xcr0 & XCR0_AVX) == XCR0_AVX ? MODE_AVX : 0;
    m |= cpu->efer & EFER_LMA ? MODE_LMA : 0;
    return m;
}

/* With what segments, CPL and EFLAGS.VM decide. */
static uint32_t mode_with_segments(const struct cpu *cpu, uint32_t m)
{
    m |= (uint32_t)cpu->cpl << MODE_CPL_SHIFT | (cpu->eflags & EFL_VM ? MODE_VM : 0);
    if (m & MODE_LMA && cpu->seg[CPU_CS].attr & SEG_L)
        return m | MODE_L;
    m |= cpu->seg[CPU_CS].attr & SEG_DB ? MODE_D : 0;
    m |= cpu->seg[CPU_SS].attr & SEG_DB ? MODE_SS32 : 0;
    return all_flat(cpu) ? m | MODE_FLAT : m;
}

/* The fast tables of the present privilege; the one that is always empty while alignment is checked, for only the slow path does that. */
static void choose_fast(struct cpu *cpu)
{
    if (cpu->cpl == 3 && cpu->cr0 & CR0_AM && cpu->eflags & EFL_AC) {
        cpu->fast_read = cpu->fast_write = cpu->fast_tables + 4 * CPU_FAST_SIZE;
        return;
    }
    cpu->fast_read = cpu->fast_tables + (cpu->cpl == 3 ? 2 : 0) * CPU_FAST_SIZE;
    cpu->fast_write = cpu->fast_read + CPU_FAST_SIZE;
}

static void take_mode(struct cpu *cpu, uint32_t mode)
{
    choose_fast(cpu);
    if ((mode ^ cpu->mode) & (MODE_CPL | MODE_PG | MODE_PE | MODE_L)) /* what the fetch page was checked for */
        cpu->fetch->valid = false;
    if (mode != cpu->mode)
        cpu->attention |= CPU_ATT_MODE;
    cpu->mode = mode;
    if (cpu->pmu.by_cpl && cpu->pmu.cpl != cpu->cpl)
        pmu_cpl_changed(cpu);
}

void cpu_segments_changed(struct cpu *cpu)
{
    take_mode(cpu, mode_with_segments(cpu, cpu->mode & MODE_CONTROLS));
}

/* Most loads are of one flat segment after another. */
void cpu_segment_loaded(struct cpu *cpu, unsigned seg)
{
    if (seg == CPU_FS || seg == CPU_GS || cpu->mode & MODE_L)
        return;
    if (cpu->mode & MODE_FLAT && seg != CPU_SS && !unlike_flat(&cpu->seg[seg], FLAT_DATA, SEG_TYPE_WRITE))
        return;
    cpu_segments_changed(cpu);
}

void cpu_mode_changed(struct cpu *cpu)
{
    take_mode(cpu, mode_with_segments(cpu, mode_of_controls(cpu)));
    cpu_attend(cpu);
}

static void cpu_settle(void *object)
{
    struct cpu *cpu = object;

    flags_set(cpu, flags_get(cpu));
}

static void cpu_loaded(void *object)
{
    struct cpu *cpu = object;

    cpu->reg[CPU_REG_ZERO] = cpu->reg[CPU_REG_IMM] = 0;
    cpu->cpl &= 3;
    cpu->fault.valid = cpu->undo.valid = cpu->fault_recorded = cpu->force_alone = cpu->resume = false;
    cpu->met.bits = 0;
    cpu->rf_until = 0;
    cpu->step_trap = cpu->had_shadow_sti = cpu->had_shadow_ss = false;
    cpu->delivering = NULL;
    cpu->block = NULL;
    cpu->cur = NULL;
    cpu->retire = true;
    cpu->stall = 0;
    cpu->extra_steps = 0;
    cpu->attention = 0;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_NONE };
    paging_set_pcid(cpu);
    mem_fast_flush(cpu);
    code_forget_fetch(cpu);
    monitor_loaded(cpu);
    pmu_loaded(cpu);
    cpu_mode_changed(cpu);
}

static void lapic_is_loaded(void *object)
{
    struct lapic *lapic = object;

    lapic_loaded(lapic);
    cpu_attend(lapic->cpu);
}

const struct sim_component *cpu_component(struct cpu *cpu)
{
    cpu->self = (struct sim_component){ cpu->name, 1, cpu_fields, cpu, cpu_settle, cpu_loaded };
    return &cpu->self;
}

const struct sim_component *cpu_lapic_component(struct cpu *cpu)
{
    if (!cpu->lapic)
        return NULL;
    cpu->lapic_self = (struct sim_component){ cpu->lapic_name, 1, lapic_fields, cpu->lapic, NULL, lapic_is_loaded };
    return &cpu->lapic_self;
}

uint32_t cpu_eflags(const struct cpu *cpu)
{
    return cpu->eflags | flags_get(cpu) | 2;
}

void cpu_set_eflags(struct cpu *cpu, uint32_t value)
{
    bool alignment = (cpu->eflags ^ value) & EFL_AC;

    cpu->eflags = (value & ~(uint32_t)EFL_ARITH) | 2;
    flags_set(cpu, value);
    if (alignment)
        choose_fast(cpu);
}

/* ---- Looking ---- */

enum sim_err cpu_translate_peek(struct cpu *cpu, sim_laddr laddr, bool use_tlb, sim_paddr *paddr, struct cpu_walk *walk)
{
    const struct tlb_entry *e = use_tlb && cpu->cr0 & CR0_PG ? tlb_find(cpu->tlb, laddr) : NULL;
    struct cpu_walk local;

    if (!walk)
        walk = &local;
    paging_peek(cpu, laddr, walk);
    if (e) {
        walk->paddr = e->ppage << 12 | (laddr & ((1ull << e->shift) - 1));
        walk->shift = e->shift;
        walk->rights = e->flags;
        walk->mapped = walk->from_tlb = true;
    }
    if (!walk->mapped)
        return SIM_ERR_FAULT;
    *paddr = walk->paddr & cpu->bus->a20_mask;
    return SIM_OK;
}

static size_t peek_lapic(const struct lapic *lapic, uint32_t off, uint8_t *out, size_t len)
{
    for (size_t n = 0; n < len; n++, off++)
        out[n] = (uint8_t)(lapic_peek(lapic, off & ~3u) >> 8 * (off & 3));
    return len;
}

/* Both copy page by page and stop at the first byte that cannot be reached. */
size_t cpu_peek(struct cpu *cpu, sim_laddr laddr, void *out, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t piece = SIM_PAGE_SIZE - ((laddr + done) & SIM_PAGE_MASK), got;
        sim_paddr paddr;

        piece = piece < len - done ? piece : len - done;
        if (cpu_translate_peek(cpu, laddr + done, true, &paddr, NULL))
            break;
        got = lapic_covers(cpu, paddr) ? peek_lapic(cpu->lapic, paddr & SIM_PAGE_MASK, (uint8_t *)out + done, piece)
                                       : bus_peek_as(cpu->bus, cpu_viewer(cpu), paddr, (uint8_t *)out + done, piece);
        done += got;
        if (got < piece)
            break;
    }
    return done;
}

size_t cpu_poke(struct cpu *cpu, sim_laddr laddr, const void *in, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t piece = SIM_PAGE_SIZE - ((laddr + done) & SIM_PAGE_MASK), put;
        sim_paddr paddr;

        piece = piece < len - done ? piece : len - done;
        if (cpu_translate_peek(cpu, laddr + done, true, &paddr, NULL) || lapic_covers(cpu, paddr))
            break;
        put = bus_poke_as(cpu->bus, cpu_viewer(cpu), paddr, in ? (const uint8_t *)in + done : NULL, piece);
        done += put;
        if (put < piece)
            break;
    }
    return done;
}

/* ---- Observation ---- */

void cpu_observe(struct cpu_cluster *cluster, const struct cpu_observer *observer)
{
    static const uint64_t none[64];
    const uint64_t *split = observer && observer->split ? observer->split : none;

    cluster->observer = observer;
    if (memcmp(cluster->split, split, sizeof(cluster->split)) != 0) {
        memcpy(cluster->split, split, sizeof(cluster->split));
        code_flush(cluster);
    }
    for (unsigned n = 0; n < cluster->count; n++) {
        cluster->cpu[n]->observer = observer;
        mem_fast_flush(cluster->cpu[n]); /* pages may be watched now, or no longer */
        cpu_attend(cluster->cpu[n]);
    }
}
