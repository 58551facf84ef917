#include "cpu/lapic.h"

#include <stdlib.h>

#include "base/error.h"
#include "cpu/model.h"
#include "cpu/msr.h"

/*
 * Not modelled: the focus processor (SVR bit 9 is stored; the P4 and later have none either), interrupt polarity of the LVT (a pin's
 * level is "asserted" here, whatever its polarity), remote reads, thermal interrupts (their LVT entry is stored).
 */

enum {
    REG_ID = 0x020, REG_VERSION = 0x030, REG_TPR = 0x080, REG_APR = 0x090, REG_PPR = 0x0a0, REG_EOI = 0x0b0, REG_LDR = 0x0d0,
    REG_DFR = 0x0e0, REG_SVR = 0x0f0, REG_ISR = 0x100, REG_TMR = 0x180, REG_IRR = 0x200, REG_ESR = 0x280, REG_ICR_LOW = 0x300,
    REG_ICR_HIGH = 0x310, REG_LVT_TIMER = 0x320, REG_LVT_THERMAL = 0x330, REG_LVT_PERF = 0x340, REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360, REG_LVT_ERROR = 0x370, REG_TIMER_INITIAL = 0x380, REG_TIMER_CURRENT = 0x390, REG_TIMER_DIVIDE = 0x3e0,
    REG_SELF_IPI = 0x3f0 /* x2APIC mode only */
};
enum { SVR_ENABLE = 0x100 };
enum { ESR_SEND_VECTOR = 0x20, ESR_RECEIVE_VECTOR = 0x40, ESR_REGISTER = 0x80 };
enum { LVT_MODE = 0x700, LVT_PENDING = 0x1000, LVT_REMOTE_IRR = 0x4000, LVT_LEVEL = 0x8000, LVT_MASKED = 0x10000, LVT_PERIODIC = 0x20000,
       LVT_TSC_DEADLINE = 0x40000, LVT_TIMER_MODE = LVT_PERIODIC | LVT_TSC_DEADLINE };
enum { MODE_FIXED, MODE_LOWEST, MODE_SMI, MODE_NMI = 4, MODE_INIT, MODE_STARTUP, MODE_EXTINT };

/* Five LVT entries besides the error's; an integrated APIC. */
#define LAPIC_VERSION 0x00050014u

const struct sim_field lapic_fields[] = {
    SIM_FIELD_DERIVED(struct lapic, cpu, "its processor"),
    SIM_FIELD(struct lapic, id, "APIC ID"),
    SIM_FIELD(struct lapic, ldr, "logical destination register"),
    SIM_FIELD(struct lapic, dfr, "destination format register"),
    SIM_FIELD(struct lapic, tpr, "task priority"),
    SIM_FIELD(struct lapic, svr, "spurious-interrupt vector register"),
    SIM_FIELD(struct lapic, esr, "error status as last latched"),
    SIM_FIELD(struct lapic, esr_pending, "errors since then"),
    SIM_FIELD_ARRAY(struct lapic, irr, "interrupt requests"),
    SIM_FIELD_ARRAY(struct lapic, isr, "interrupts in service"),
    SIM_FIELD_ARRAY(struct lapic, tmr, "trigger modes: 1 level"),
    SIM_FIELD(struct lapic, icr_low, "interrupt command"),
    SIM_FIELD(struct lapic, icr_high, "interrupt command: destination, in x2APIC mode all 32 bits of it"),
    SIM_FIELD(struct lapic, lvt_timer, "local vector table: timer"),
    SIM_FIELD(struct lapic, lvt_thermal, "local vector table: thermal sensor"),
    SIM_FIELD(struct lapic, lvt_perf, "local vector table: performance counters"),
    SIM_FIELD(struct lapic, lvt_lint0, "local vector table: pin LINT0"),
    SIM_FIELD(struct lapic, lvt_lint1, "local vector table: pin LINT1"),
    SIM_FIELD(struct lapic, lvt_error, "local vector table: errors"),
    SIM_FIELD(struct lapic, timer_initial, "initial count"),
    SIM_FIELD(struct lapic, timer_divide, "divide configuration"),
    SIM_FIELD(struct lapic, timer_start, "cycle at which the present count began"),
    SIM_FIELD(struct lapic, tsc_deadline, "IA32_TSC_DEADLINE"),
    SIM_FIELD_EVENT(struct lapic, timer, "the count reaches 0, or the TSC its deadline"),
    SIM_FIELD(struct lapic, lint0, "level of the pin"),
    SIM_FIELD(struct lapic, lint1, "level of the pin"),
    SIM_FIELD(struct lapic, extint, "an ExtINT message has come"),
    SIM_FIELD_DERIVED(struct lapic, port, "where the bus finds it"),
    SIM_FIELD_END
};

/* ---- 256-bit registers ---- */

static void set_bit(uint32_t *reg, unsigned n) { reg[n / 32] |= 1u << (n % 32); }
static void clear_bit(uint32_t *reg, unsigned n) { reg[n / 32] &= ~(1u << (n % 32)); }
static bool test_bit(const uint32_t *reg, unsigned n) { return reg[n / 32] >> (n % 32) & 1; }

/* The highest bit set, -1 if none. */
static int highest(const uint32_t *reg)
{
    for (int n = 7; n >= 0; n--)
        if (reg[n])
            return n * 32 + 31 - __builtin_clz(reg[n]);
    return -1;
}

/* ---- Priorities: SDM Vol. 3A, "Task and processor priorities" ---- */

static bool enabled(const struct lapic *l)
{
    return l->svr & SVR_ENABLE;
}

static bool x2apic(const struct lapic *l)
{
    return l->cpu->msr.apic_base & APIC_BASE_EXTD;
}

static uint32_t class_of(int vector)
{
    return vector < 0 ? 0 : (uint32_t)vector & 0xf0;
}

static uint32_t processor_priority(const struct lapic *l)
{
    uint32_t in_service = class_of(highest(l->isr));

    return (l->tpr & 0xf0) >= in_service ? l->tpr : in_service;
}

static uint32_t arbitration_priority(const struct lapic *l)
{
    uint32_t isr = class_of(highest(l->isr)), irr = class_of(highest(l->irr)), tpr = l->tpr & 0xf0;

    if (tpr >= irr && tpr > isr)
        return l->tpr;
    return isr > irr ? isr : irr;
}

/* ---- Accepting interrupts ---- */

static void error(struct lapic *l, uint32_t bit);

/* A fixed interrupt. SDM Vol. 3A, "Interrupt acceptance for fixed interrupts". */
static void accept(struct lapic *l, unsigned vector, bool level)
{
    if (!enabled(l))
        return;
    if (vector < 16) {
        error(l, ESR_RECEIVE_VECTOR);
        return;
    }
    set_bit(l->irr, vector);
    if (level)
        set_bit(l->tmr, vector);
    else
        clear_bit(l->tmr, vector);
    cpu_attend(l->cpu);
}

/* Errors collect until software writes ESR; each new kind interrupts by the error entry. */
static void error(struct lapic *l, uint32_t bit)
{
    bool news = !(l->esr_pending & bit);

    l->esr_pending |= bit;
    if (news && !(l->lvt_error & LVT_MASKED) && (l->lvt_error & 0xff) >= 16)
        accept(l, l->lvt_error & 0xff, false);
}

static void signal_cpu(struct lapic *l, unsigned mode, unsigned vector)
{
    struct cpu *cpu = l->cpu;

    switch (mode) {
    case MODE_SMI: cpu->smi_pending = true; break;
    case MODE_NMI: cpu->nmi_pending = true; break;
    case MODE_INIT: cpu->init_pending = true; break;
    case MODE_STARTUP: /* heard only while waiting for it, or about to */
        if (cpu->activity == CPU_WAIT_SIPI || cpu->init_pending) {
            cpu->sipi_pending = true;
            cpu->sipi_vector = (uint8_t)vector;
        }
        break;
    case MODE_EXTINT: l->extint = true; break;
    default:
        sim_log_unmodelled(cpu->bus->log, cpu->lapic_name, "reserved delivery mode", "the message or local interrupt is ignored");
        break;
    }
    cpu_attend(cpu);
}

/* ---- Messages: the bus's side ---- */

static void on_message(void *arg, const struct sim_apic_message *msg)
{
    struct lapic *l = arg;

    if (msg->level && !msg->asserted) /* INIT level de-assert only resets arbitration IDs */
        return;
    if (msg->delivery <= MODE_LOWEST)
        accept(l, msg->vector, msg->level);
    else
        signal_cpu(l, msg->delivery, msg->vector);
}

/* In x2APIC mode the logical ID is derived: a cluster of 16, and the bit of a member. SDM Vol. 3A, "Logical destination mode in x2APIC mode". */
static uint32_t logical_id(const struct lapic *l)
{
    return x2apic(l) ? l->id >> 4 << 16 | 1u << (l->id & 15) : l->ldr;
}

static bool matches_logical(const struct lapic *l, uint32_t dest)
{
    uint32_t mine = logical_id(l);

    if (x2apic(l))
        return mine >> 16 == dest >> 16 && mine & dest & 0xffff;
    if (dest > 0xff)
        return false;
    mine >>= 24;
    if (l->dfr >> 28 == 0xf)
        return mine & dest;
    return (mine >> 4 == dest >> 4 || dest >> 4 == 0xf) && mine & dest & 0xf;
}

/* SDM Vol. 3A, "Determining IPI destination". */
static bool on_matches(void *arg, const struct sim_apic_message *msg)
{
    const struct lapic *l = arg;

    if (!(l->cpu->msr.apic_base & APIC_BASE_ENABLE))
        return false;
    if (msg->dest == (msg->wide ? UINT32_MAX : 0xff))
        return true;
    return msg->logical ? matches_logical(l, msg->dest) : msg->dest == l->id;
}

static unsigned on_priority(void *arg)
{
    const struct lapic *l = arg;

    return enabled(l) ? arbitration_priority(l) : 0x100;
}

/* ---- Interrupt command register ---- */

static void send_ipi(struct lapic *l)
{
    uint32_t icr = l->icr_low;
    unsigned shorthand = icr >> 18 & 3;
    struct sim_apic_message msg = { .vector = (uint8_t)icr, .delivery = icr >> 8 & 7, .dest = x2apic(l) ? l->icr_high : l->icr_high >> 24,
                                    .wide = x2apic(l), .logical = icr & 0x800, .asserted = icr & 0x4000 };

    msg.level = msg.delivery == MODE_INIT && icr & 0x8000; /* level matters for the INIT de-assert only */
    if (msg.delivery <= MODE_LOWEST && msg.vector < 16) {
        error(l, ESR_SEND_VECTOR);
        return;
    }
    if (shorthand == 1) {
        on_message(l, &msg);
        return;
    }
    if (shorthand) {
        msg.dest = UINT32_MAX;
        msg.wide = true;
        msg.logical = false;
    }
    bus_apic_send(l->cpu->bus, &msg, shorthand == 3 ? &l->port : NULL);
}

/* ---- Timer: SDM Vol. 3A, "APIC timer". Its clock is the CPU's, divided ---- */

static unsigned divisor(const struct lapic *l)
{
    unsigned code = (l->timer_divide & 3) | (l->timer_divide >> 1 & 4);

    return code == 7 ? 1 : 2u << code;
}

static sim_cycles now(const struct lapic *l)
{
    return l->cpu->bus->clock->now;
}

static bool deadline_mode(const struct lapic *l)
{
    return (l->lvt_timer & LVT_TIMER_MODE) == LVT_TSC_DEADLINE;
}

static uint32_t timer_current(const struct lapic *l)
{
    sim_cycles left;

    if (deadline_mode(l) || l->timer.deadline == SIM_NEVER || l->timer.deadline <= now(l))
        return 0;
    left = (l->timer.deadline - now(l) + divisor(l) - 1) / divisor(l);
    return left < l->timer_initial ? (uint32_t)left : l->timer_initial;
}

static void timer_arm(struct lapic *l)
{
    sim_event_at(&l->timer, l->timer_start + (sim_cycles)l->timer_initial * divisor(l));
}

static void timer_fire(void *arg)
{
    struct lapic *l = arg;

    if (deadline_mode(l)) {
        l->tsc_deadline = 0;
    } else if (l->lvt_timer & LVT_PERIODIC) {
        l->timer_start += (sim_cycles)l->timer_initial * divisor(l);
        timer_arm(l);
    }
    if (!(l->lvt_timer & LVT_MASKED))
        accept(l, l->lvt_timer & 0xff, false);
}

static void timer_write_initial(struct lapic *l, uint32_t value)
{
    if (deadline_mode(l))
        return;
    l->timer_initial = value;
    l->timer_start = now(l);
    if (value)
        timer_arm(l);
    else
        sim_event_cancel(&l->timer);
}

/* The count goes on from where it is, at the new pace. */
static void timer_write_divide(struct lapic *l, uint32_t value)
{
    uint32_t done = l->timer_initial - timer_current(l);
    bool running = l->timer.deadline != SIM_NEVER && !deadline_mode(l);

    l->timer_divide = value & 0xb;
    if (running) {
        l->timer_start = now(l) - (sim_cycles)done * divisor(l); /* modulo 2^64: it may lie before cycle 0 */
        timer_arm(l);
    }
}

/* The cycle at which the TSC reaches its deadline, if it does within the machine's time. */
static void deadline_arm(struct lapic *l)
{
    uint64_t tsc = now(l) + l->cpu->tsc_offset, left = l->tsc_deadline > tsc ? l->tsc_deadline - tsc : 0;

    if (!l->tsc_deadline || left > SIM_NEVER - now(l))
        sim_event_cancel(&l->timer);
    else
        sim_event_at(&l->timer, now(l) + left);
}

void lapic_set_tsc_deadline(struct lapic *l, uint64_t tsc)
{
    if (!deadline_mode(l)) /* as the manual says: the write is ignored */
        return;
    l->tsc_deadline = tsc;
    deadline_arm(l);
}

void lapic_tsc_changed(struct lapic *l)
{
    if (deadline_mode(l))
        deadline_arm(l);
}

/* The timer goes over to TSC-deadline mode, or comes back from it: nothing is armed then. */
static void timer_mode_changed(struct lapic *l, uint32_t old)
{
    if ((l->lvt_timer & LVT_TIMER_MODE) == LVT_TIMER_MODE)
        sim_log_unmodelled(l->cpu->bus->log, l->cpu->lapic_name, "timer mode 11b", "it is reserved; the timer counts as in periodic mode");
    if (((l->lvt_timer & LVT_TIMER_MODE) == LVT_TSC_DEADLINE) == ((old & LVT_TIMER_MODE) == LVT_TSC_DEADLINE))
        return;
    l->timer_initial = 0;
    l->tsc_deadline = 0;
    sim_event_cancel(&l->timer);
}

/* ---- Pins ---- */

/* A pin asks by its LVT entry. `edge`: it has just been asserted. */
static void lint(struct lapic *l, uint32_t *lvt, bool level, bool edge)
{
    unsigned mode = (*lvt & LVT_MODE) >> 8;

    if (*lvt & LVT_MASKED || !level)
        return;
    if (mode == MODE_FIXED) {
        bool level_triggered = *lvt & LVT_LEVEL;

        if (level_triggered ? !(*lvt & LVT_REMOTE_IRR) : edge)
            accept(l, *lvt & 0xff, level_triggered);
        if (level_triggered)
            *lvt |= LVT_REMOTE_IRR;
    } else if (mode != MODE_EXTINT && edge) {
        signal_cpu(l, mode, 0);
    }
}

void lapic_performance(struct lapic *l)
{
    uint32_t lvt = l->lvt_perf;

    if (lvt & LVT_MASKED || !(l->cpu->msr.apic_base & APIC_BASE_ENABLE))
        return;
    l->lvt_perf |= LVT_MASKED;
    if ((lvt & LVT_MODE) >> 8 == MODE_FIXED)
        accept(l, lvt & 0xff, false);
    else
        signal_cpu(l, (lvt & LVT_MODE) >> 8, 0);
}

/* ---- End of interrupt ---- */

/* A level-triggered pin that is still asserted asks again. */
static void lint_eoi(struct lapic *l, uint32_t *lvt, bool level, unsigned vector)
{
    if (!(*lvt & LVT_REMOTE_IRR) || (*lvt & 0xff) != vector)
        return;
    *lvt &= ~(uint32_t)LVT_REMOTE_IRR;
    lint(l, lvt, level, false);
}

static void end_of_interrupt(struct lapic *l)
{
    int vector = highest(l->isr);

    if (vector < 0)
        return;
    clear_bit(l->isr, (unsigned)vector);
    if (test_bit(l->tmr, (unsigned)vector)) {
        lint_eoi(l, &l->lvt_lint0, l->lint0, (unsigned)vector);
        lint_eoi(l, &l->lvt_lint1, l->lint1, (unsigned)vector);
        bus_apic_eoi(l->cpu->bus, (uint8_t)vector);
    }
    cpu_attend(l->cpu);
}

/* ---- Registers ---- */

static uint32_t timer_bits(const struct lapic *l)
{
    return 0x300ff | (l->cpu->model->msrs & MSR_TSC_DEADLINE ? LVT_TSC_DEADLINE : 0);
}

/* An LVT entry and the bits of it that can be written. */
static uint32_t *lvt_of(struct lapic *l, uint32_t reg, uint32_t *writable)
{
    switch (reg) {
    case REG_LVT_TIMER: *writable = timer_bits(l); return &l->lvt_timer;
    case REG_LVT_THERMAL: *writable = 0x107ff; return &l->lvt_thermal;
    case REG_LVT_PERF: *writable = 0x107ff; return &l->lvt_perf;
    case REG_LVT_LINT0: *writable = 0x1a7ff; return &l->lvt_lint0;
    case REG_LVT_LINT1: *writable = 0x1a7ff; return &l->lvt_lint1;
    case REG_LVT_ERROR: *writable = 0x100ff; return &l->lvt_error;
    default: return NULL;
    }
}

static void write_lvt(struct lapic *l, uint32_t reg, uint32_t value)
{
    uint32_t writable, *lvt = lvt_of(l, reg, &writable), old = *lvt;

    *lvt = (*lvt & LVT_REMOTE_IRR) | (value & writable) | (enabled(l) ? 0 : LVT_MASKED);
    if (!(*lvt & LVT_LEVEL))
        *lvt &= ~(uint32_t)LVT_REMOTE_IRR;
    if (reg == REG_LVT_TIMER)
        timer_mode_changed(l, old);
    if (reg == REG_LVT_LINT0 && l->lint0)
        lint(l, lvt, true, false);
    else if (reg == REG_LVT_LINT1 && l->lint1)
        lint(l, lvt, true, false);
    cpu_attend(l->cpu);
}

/* Software disable masks the whole table: SDM Vol. 3A, "Local APIC state after it has been software disabled". */
static void write_svr(struct lapic *l, uint32_t value)
{
    l->svr = value & 0x3ff;
    if (!enabled(l))
        for (uint32_t reg = REG_LVT_TIMER; reg <= REG_LVT_ERROR; reg += 0x10) {
            uint32_t writable;

            *lvt_of(l, reg, &writable) |= LVT_MASKED;
        }
    cpu_attend(l->cpu);
}

static bool read_register(const struct lapic *l, uint32_t reg, uint32_t *value)
{
    uint32_t unused;

    switch (reg) {
    case REG_ID: *value = x2apic(l) ? l->id : l->id << 24; return true;
    case REG_VERSION: *value = LAPIC_VERSION; return true;
    case REG_TPR: *value = l->tpr; return true;
    case REG_APR: *value = arbitration_priority(l); return true;
    case REG_PPR: *value = processor_priority(l); return true;
    case REG_EOI: *value = 0; return true;
    case REG_LDR: *value = logical_id(l); return true;
    case REG_DFR: *value = l->dfr; return true;
    case REG_SVR: *value = l->svr; return true;
    case REG_ESR: *value = l->esr; return true;
    case REG_ICR_LOW: *value = l->icr_low; return true;
    case REG_ICR_HIGH: *value = l->icr_high; return true;
    case REG_TIMER_INITIAL: *value = l->timer_initial; return true;
    case REG_TIMER_CURRENT: *value = timer_current(l); return true;
    case REG_TIMER_DIVIDE: *value = l->timer_divide; return true;
    default: break;
    }
    if (reg >= REG_ISR && reg < REG_ESR) {
        const uint32_t *set = reg < REG_TMR ? l->isr : reg < REG_IRR ? l->tmr : l->irr;

        *value = set[reg >> 4 & 7];
        return true;
    }
    if (reg >= REG_LVT_TIMER && reg <= REG_LVT_ERROR) {
        *value = *lvt_of((struct lapic *)l, reg, &unused);
        return true;
    }
    return false;
}

static bool write_register(struct lapic *l, uint32_t reg, uint32_t value)
{
    switch (reg) {
    case REG_ID: l->id = value >> 24; return true;
    case REG_TPR: l->tpr = value & 0xff; cpu_attend(l->cpu); return true;
    case REG_EOI: end_of_interrupt(l); return true;
    case REG_LDR: l->ldr = value & 0xff000000u; return true;
    case REG_DFR: l->dfr = value | 0x0fffffffu; return true;
    case REG_SVR: write_svr(l, value); return true;
    case REG_ESR: l->esr = l->esr_pending; l->esr_pending = 0; return true;
    case REG_ICR_LOW: l->icr_low = value & 0xccfff; send_ipi(l); return true; /* delivery status is never "pending" */
    case REG_ICR_HIGH: l->icr_high = value & 0xff000000u; return true;
    case REG_TIMER_INITIAL: timer_write_initial(l, value); return true;
    case REG_TIMER_DIVIDE: timer_write_divide(l, value); return true;
    case REG_VERSION: case REG_APR: case REG_PPR: case REG_TIMER_CURRENT: return true; /* read only */
    default: break;
    }
    if (reg >= REG_LVT_TIMER && reg <= REG_LVT_ERROR) {
        write_lvt(l, reg, value);
        return true;
    }
    return reg >= REG_ISR && reg < REG_ESR;
}

/* Only 32-bit accesses at multiples of 16 are defined. */
static void check_access(const struct lapic *l, uint32_t off, unsigned size)
{
    if (off & 15 || size != 4)
        sim_log_unmodelled(l->cpu->bus->log, l->cpu->lapic_name, "odd access",
                           "%u bytes at %03xh: the manual defines 32-bit accesses at multiples of 16 only", size, off);
}

static uint32_t cut(uint32_t value, uint32_t off, unsigned size)
{
    if (off & 12)
        return 0;
    value >>= 8 * (off & 3);
    return size < 4 ? value & ((1u << 8 * size) - 1) : value;
}

uint32_t lapic_read(struct lapic *l, uint32_t off, unsigned size)
{
    uint32_t value = 0;

    check_access(l, off, size);
    if (!read_register(l, off & 0xff0, &value))
        error(l, ESR_REGISTER);
    return cut(value, off, size);
}

void lapic_write(struct lapic *l, uint32_t off, uint32_t value, unsigned size)
{
    check_access(l, off, size);
    if (off & 15)
        return;
    if (!write_register(l, off & 0xff0, value))
        error(l, ESR_REGISTER);
}

uint32_t lapic_peek(const struct lapic *l, uint32_t off)
{
    uint32_t value = 0;

    read_register(l, off & 0xff0, &value);
    return cut(value, off, 4);
}

/* ---- x2APIC mode: SDM Vol. 3A, "x2APIC Register Address Space" ---- */

enum { X2APIC_READ = 1, X2APIC_WRITE = 2 };

/* How the register can be reached, and which bits it takes; of what can only be read, `takes` says nothing. Status bits of LVT entries and ICR
 * are no reserved bits: writes leave them alone. */
static unsigned x2apic_register(const struct lapic *l, uint32_t reg, uint64_t *takes)
{
    *takes = 0;
    switch (reg) {
    case REG_ID: case REG_VERSION: case REG_PPR: case REG_LDR: case REG_TIMER_CURRENT: return X2APIC_READ;
    case REG_EOI: return X2APIC_WRITE;
    case REG_ESR: return X2APIC_READ | X2APIC_WRITE;
    case REG_SELF_IPI: *takes = 0xff; return X2APIC_WRITE;
    case REG_TPR: *takes = 0xff; break;
    case REG_SVR: *takes = 0x3ff; break;
    case REG_ICR_LOW: *takes = 0xffffffff000cdfff; break;
    case REG_LVT_TIMER: *takes = timer_bits(l) | LVT_PENDING; break;
    case REG_LVT_ERROR: *takes = 0x110ff; break;
    case REG_LVT_THERMAL: case REG_LVT_PERF: *takes = 0x117ff; break;
    case REG_LVT_LINT0: case REG_LVT_LINT1: *takes = 0x1f7ff; break;
    case REG_TIMER_INITIAL: *takes = UINT32_MAX; break;
    case REG_TIMER_DIVIDE: *takes = 0xb; break;
    default: return reg >= REG_ISR && reg < REG_ESR ? X2APIC_READ : 0;
    }
    return X2APIC_READ | X2APIC_WRITE;
}

bool lapic_msr_read(const struct lapic *l, uint32_t number, uint64_t *value)
{
    uint32_t reg = (number - LAPIC_MSR_FIRST) << 4, low = 0;
    uint64_t unused;

    if (!x2apic(l) || !(x2apic_register(l, reg, &unused) & X2APIC_READ))
        return false;
    read_register(l, reg, &low);
    *value = reg == REG_ICR_LOW ? low | (uint64_t)l->icr_high << 32 : low;
    return true;
}

/* SDM Vol. 3A, "SELF IPI Register": as the shorthand, a fixed interrupt and an edge. */
static void self_ipi(struct lapic *l, uint32_t vector)
{
    if (vector < 16)
        error(l, ESR_SEND_VECTOR);
    else
        accept(l, vector, false);
}

bool lapic_msr_write(struct lapic *l, uint32_t number, uint64_t value)
{
    uint32_t reg = (number - LAPIC_MSR_FIRST) << 4;
    uint64_t takes;

    if (!x2apic(l) || !(x2apic_register(l, reg, &takes) & X2APIC_WRITE) || value & ~takes)
        return false;
    if (reg == REG_ICR_LOW)
        l->icr_high = (uint32_t)(value >> 32);
    if (reg == REG_SELF_IPI)
        self_ipi(l, (uint32_t)value);
    else
        write_register(l, reg, (uint32_t)value);
    return true;
}

bool lapic_may_become(const struct cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->msr.apic_base;

    if (!(value & APIC_BASE_EXTD))
        return !(old & APIC_BASE_EXTD) || !(value & APIC_BASE_ENABLE);
    return cpu->model->msrs & MSR_X2APIC && value & APIC_BASE_ENABLE && old & APIC_BASE_ENABLE;
}

/* What is switched off is as after RESET when it comes again. On the way to x2APIC mode the ID becomes the processor's, all else stays; a
 * destination keeps its meaning. */
void lapic_base_changed(struct lapic *l, uint64_t old)
{
    uint64_t now = l->cpu->msr.apic_base;

    if ((old ^ now) & APIC_BASE_ENABLE)
        lapic_reset(l, false);
    if (~old & now & APIC_BASE_EXTD) {
        l->id = l->cpu->number;
        l->icr_high >>= 24;
    }
}

void lapic_set_lint(struct lapic *l, unsigned pin, bool level)
{
    bool *present = pin == 0 ? &l->lint0 : &l->lint1;
    bool edge = level && !*present;

    *present = level;
    if (pin == 0 && !level)
        l->extint = false;
    if (!(l->cpu->msr.apic_base & APIC_BASE_ENABLE)) { /* the pins are INTR and NMI themselves */
        if (pin == 1 && edge)
            l->cpu->nmi_pending = true;
    } else {
        lint(l, pin == 0 ? &l->lvt_lint0 : &l->lvt_lint1, level, edge);
    }
    cpu_attend(l->cpu);
}

/* ---- What the boundary asks ---- */

/* Does the PIC ask through LINT0, or by a message? Its request line tells whether it still does. */
static bool extint_pending(const struct lapic *l)
{
    if (l->lint0 && (l->lvt_lint0 & (LVT_MASKED | LVT_MODE)) == MODE_EXTINT << 8)
        return true;
    return l->extint && bus_wire_level(l->cpu->bus, "intr");
}

int lapic_pending(const struct lapic *l)
{
    int vector;

    if (!(l->cpu->msr.apic_base & APIC_BASE_ENABLE))
        return l->lint0 ? LAPIC_EXTINT : -1;
    if (extint_pending(l))
        return LAPIC_EXTINT;
    vector = highest(l->irr);
    return vector >= 0 && class_of(vector) > (processor_priority(l) & 0xf0) ? vector : -1;
}

void lapic_take(struct lapic *l, unsigned vector)
{
    clear_bit(l->irr, vector);
    set_bit(l->isr, vector);
}

/* ---- Life ---- */

enum sim_err lapic_create(struct cpu *cpu)
{
    struct lapic *l;

    if (!cpu->model->has_lapic)
        return SIM_OK;
    l = calloc(1, sizeof(*l));
    if (!l)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for a local APIC");
    l->cpu = cpu;
    l->id = cpu->number;
    sim_event_init(&l->timer, cpu->bus->clock, cpu->component, 0, timer_fire, l);
    l->port = (struct bus_apic_port){ .message = on_message, .matches = on_matches, .priority = on_priority, .arg = l };
    bus_apic_attach(cpu->bus, &l->port);
    cpu->lapic = l;
    return SIM_OK;
}

void lapic_destroy(struct lapic *l)
{
    if (!l)
        return;
    sim_event_cancel(&l->timer);
    free(l);
}

/* SDM Vol. 3A, "Local APIC state after power-up or reset"; INIT keeps the ID. The pins are outside. */
void lapic_reset(struct lapic *l, bool init)
{
    struct lapic fresh = { .cpu = l->cpu, .id = init ? l->id : l->cpu->number, .dfr = UINT32_MAX, .svr = 0xff, .lint0 = l->lint0,
                           .lint1 = l->lint1, .port = l->port };

    fresh.lvt_timer = fresh.lvt_thermal = fresh.lvt_perf = fresh.lvt_lint0 = fresh.lvt_lint1 = fresh.lvt_error = LVT_MASKED;
    sim_event_cancel(&l->timer);
    fresh.timer = l->timer;
    *l = fresh;
    cpu_attend(l->cpu);
}

void lapic_loaded(struct lapic *l)
{
    (void)l; /* nothing is derived but the pointers, which a restore does not touch */
}
