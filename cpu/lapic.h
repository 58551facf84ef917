/*
 * The local APIC: SDM Vol. 3A, "Advanced programmable interrupt controller (APIC)".
 *
 * It sits in the processor, before the bus: accesses to its page cost nothing and reach no observer. Its timer is an event of the
 * machine's clock. Interrupts come in as messages (IPIs, I/O APIC, MSI) and by LINT0/LINT1; what may be delivered is asked by the
 * boundary through lapic_pending().
 */
#ifndef LIBSIM_CPU_LAPIC_H
#define LIBSIM_CPU_LAPIC_H

#include "cpu/cpu.h"

#define LAPIC_DEFAULT_BASE 0xFEE00000u
#define APIC_BASE_BSP    0x100u
#define APIC_BASE_EXTD   0x400u /* x2APIC mode */
#define APIC_BASE_ENABLE 0x800u

struct lapic {
    struct cpu *cpu;        /* derived */
    uint32_t id, ldr, dfr, tpr, svr, esr, esr_pending;
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t icr_low, icr_high;
    uint32_t lvt_timer, lvt_thermal, lvt_perf, lvt_lint0, lvt_lint1, lvt_error;
    uint32_t timer_initial, timer_divide;
    sim_cycles timer_start; /* cycle at which the present count began */
    uint64_t tsc_deadline;  /* IA32_TSC_DEADLINE: 0 while it is not armed */
    struct sim_event timer;
    bool lint0, lint1;      /* levels of the pins */
    bool extint;            /* an ExtINT message has come: the PIC has the vector */
    struct bus_apic_port port; /* derived */
};

extern const struct sim_field lapic_fields[];

enum sim_err lapic_create(struct cpu *cpu); /* sets cpu->lapic and joins the bus */
void lapic_destroy(struct lapic *lapic);
void lapic_reset(struct lapic *lapic, bool init);
void lapic_loaded(struct lapic *lapic);

/* Does this physical address belong to the (globally enabled) LAPIC? In x2APIC mode none does. */
static inline bool lapic_covers(const struct cpu *cpu, sim_paddr paddr)
{
    return cpu->lapic && (cpu->msr.apic_base & (APIC_BASE_ENABLE | APIC_BASE_EXTD)) == APIC_BASE_ENABLE &&
           ((paddr ^ cpu->msr.apic_base) & ~(sim_paddr)SIM_PAGE_MASK) == 0;
}

/* Does an access concern this CPU alone? Reads do, but for the timer's current count, which tells time; of the writes, those that neither send
 * (ICR, EOI) nor arm the timer do. Other accesses wait until the CPU is furthest behind, like those to any device. */
static inline bool lapic_is_private(uint32_t off, bool write)
{
    off &= ~15u;
    if (!write)
        return off != 0x390;
    return off == 0x80 || off == 0xd0 || off == 0xe0 || off == 0xf0 || off == 0x280 || (off >= 0x330 && off <= 0x370);
}

/* Register access at an offset within the page. Registers are 32 bits at 16-byte steps; other sizes are undefined by the SDM: answered by
 * the register's bytes, said once. May set CPU_ATT_*. lapic_peek: no side effects. */
uint32_t lapic_read(struct lapic *lapic, uint32_t off, unsigned size);
void lapic_write(struct lapic *lapic, uint32_t off, uint32_t value, unsigned size);
uint32_t lapic_peek(const struct lapic *lapic, uint32_t off);

/* The registers in x2APIC mode: MSRs 800h to 8FFh. SDM Vol. 3A, "Extended XAPIC (x2APIC)". False: #GP. Reads have no side effects. */
#define LAPIC_MSR_FIRST 0x800u
#define LAPIC_MSR_LAST  0x8ffu
bool lapic_msr_read(const struct lapic *lapic, uint32_t number, uint64_t *value);
bool lapic_msr_write(struct lapic *lapic, uint32_t number, uint64_t value);

/* IA32_TSC_DEADLINE is written; the processor's TSC was set to something else. SDM Vol. 3A, "TSC-Deadline Mode". */
void lapic_set_tsc_deadline(struct lapic *lapic, uint64_t tsc);
void lapic_tsc_changed(struct lapic *lapic);

/* A performance counter overflowed: SDM Vol. 3A, "Local vector table". The entry masks itself. */
void lapic_performance(struct lapic *lapic);

/* IA32_APIC_BASE becomes `value`: may it? SDM Vol. 3A, "x2APIC State Transitions". */
bool lapic_may_become(const struct cpu *cpu, uint64_t value);
/* It did, from `old`. */
void lapic_base_changed(struct lapic *lapic, uint64_t old);

/* The PIC's INTR and the NMI line, as the pins LINT0 and LINT1 of every LAPIC. */
void lapic_set_lint(struct lapic *lapic, unsigned pin, bool level);

/* The vector that would be delivered now (above the task and processor priority), -1 if none; an ExtINT through LINT0 counts as
 * LAPIC_EXTINT: then the vector comes from the PIC by an interrupt-acknowledge cycle. */
#define LAPIC_EXTINT 0x100
int lapic_pending(const struct lapic *lapic);
/* The boundary takes that vector: IRR to ISR. Not for LAPIC_EXTINT. */
void lapic_take(struct lapic *lapic, unsigned vector);

#endif
