#include "cpu/run.h"

#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/isa/isa.h"
#include "cpu/lapic.h"
#include "cpu/mem.h"
#include "cpu/monitor.h"
#include "cpu/smm.h"
#include "cpu/transfer.h"

/* ---- Leaving an instruction ---- */

_Noreturn void run_unwind(struct cpu *cpu, enum run_unwind why)
{
    cpu->unwind_why = (uint8_t)why;
    longjmp(cpu->unwind, 1);
}

sim_steps run_step_number(const struct cpu *cpu)
{
    return cpu->steps + run_steps_done(cpu);
}

/* Cycles that steps before the present one stalled and nobody has charged yet. */
static uint32_t stalled_before(const struct cpu *cpu)
{
    return cpu->stall && cpu->shared_step != run_step_number(cpu) ? cpu->stall : 0;
}

sim_cycles run_step_cycle(const struct cpu *cpu)
{
    return cpu->cycle + run_steps_done(cpu) + stalled_before(cpu);
}

uint64_t run_retired(const struct cpu *cpu)
{
    return cpu->retired + run_steps_done(cpu) - cpu->extra_steps;
}

/* A step that is told of and then has to wait is made again later: what the observer knows of it is not told twice, and the stop that it has
 * asked for comes then. */
void run_report(struct cpu *cpu, const struct cpu_event *event)
{
    struct cpu_reports *r = &cpu->reports;
    sim_steps step = run_step_number(cpu);

    if (!run_wants(cpu, event->kind))
        return;
    if (!r->valid || r->step != step)
        *r = (struct cpu_reports){ .valid = true, .step = step };
    if (r->count++ >= r->known)
        r->stop |= cpu->observer->event(cpu->observer->arg, cpu, event);
    if (r->stop)
        cpu->attention |= CPU_ATT_STOP;
}

/* The step under way is left, to be made again. */
static void keep_reports(struct cpu *cpu)
{
    struct cpu_reports *r = &cpu->reports;

    cpu->attention &= ~(uint32_t)CPU_ATT_STOP;
    if (r->known < r->count)
        r->known = r->count;
    r->count = 0;
}

/* ---- Counting ---- */

static uint64_t ip_mask(const struct cpu *cpu)
{
    return cpu->mode & MODE_L ? UINT64_MAX : UINT32_MAX;
}

/* `steps` steps are complete, `retired` instructions among them; the bus time of the last of them is charged. */
static void count(struct cpu *cpu, sim_steps steps, uint64_t retired)
{
    cpu->steps += steps;
    cpu->cycle += steps + cpu->stall;
    cpu->retired += retired;
    cpu->stall = 0;
    cpu->extra_steps = 0;
}

/* Counts the blocks of this run that are complete. */
static void count_blocks(struct cpu *cpu)
{
    sim_steps done = cpu->counted_to - cpu->budget;

    cpu->counted_to = cpu->budget;
    cpu->steps += done;
    cpu->cycle += done;
    cpu->retired += done;
    if (done)
        cpu->in_rep = false;
}

/* The same, and what they stalled. Between two blocks: what the next step's fetch has stalled stays that step's. */
static void catch_up(struct cpu *cpu)
{
    run_charge_stall(cpu, stalled_before(cpu));
    count_blocks(cpu);
}

bool run_has_company(const struct cpu *cpu)
{
    const struct cpu_cluster *all = cpu->cluster;

    for (unsigned n = 0; n < all->count; n++)
        if (all->cpu[n] != cpu && (all->cpu[n]->activity == CPU_ACTIVE || cpu_wakeable(all->cpu[n])))
            return true;
    return false;
}

/* The block was left before cpu->cur: what came before it is complete, and ip stands at it. */
static void settle_abandoned(struct cpu *cpu)
{
    catch_up(cpu);
    if (cpu->block && cpu->cur) {
        uint64_t before = (uint64_t)(cpu->cur - cpu->block->insn);
        uint32_t stall = cpu->stall;

        cpu->stall = 0;
        cpu->ip = CPU_INSN_IP(cpu, cpu->cur) & ip_mask(cpu);
        if (before)
            cpu->in_rep = false;
        count(cpu, before + cpu->extra_steps, before);
        cpu->stall = stall; /* belongs to the step that is still to be finished */
        cpu->attention &= ~(uint32_t)CPU_ATT_COUNT;
    }
    cpu->block = NULL;
    cpu->cur = NULL;
    cpu->retire = true;
}

/* ---- Undoing what a step did before it found that it must wait ---- */

/* To be called before something of struct cpu_undo changes. The first call of a step keeps what it was. */
static void keep_for_undo(struct cpu *cpu)
{
    struct cpu_undo *u = &cpu->undo;
    sim_steps step = cpu->steps + run_steps_done(cpu);

    if (u->valid && u->step == step)
        return;
    u->valid = true;
    u->step = step;
    u->activity = cpu->activity;
    u->nmi_blocked = cpu->nmi_blocked;
    u->nmi_pending = cpu->nmi_pending;
    u->pending_db = cpu->pending_db;
    u->pending_db_cause = cpu->pending_db_cause;
    u->dr6 = cpu->dr[6];
    u->history_next = cpu->history_next;
}

/* RF, if the step before which the CPU stands has dropped it. */
static void restore_rf(struct cpu *cpu)
{
    cpu->eflags |= cpu->rf_until == cpu->steps + 1 ? EFL_RF : 0;
    cpu->rf_until = 0;
}

/* The step before which the CPU stands was begun and did not happen. An interrupt needs no undoing: it is acknowledged by a step that may
 * touch shared things, and so may its delivery, which is of the same cycle. */
static void undo_step(struct cpu *cpu)
{
    struct cpu_undo *u = &cpu->undo;
    bool begun = u->valid && u->step == cpu->steps;

    u->valid = false;
    cpu->met.bits = 0;
    restore_rf(cpu);
    cpu->shadow_sti |= cpu->had_shadow_sti;
    cpu->shadow_ss |= cpu->had_shadow_ss;
    if (begun) {
        for (uint32_t n = 0; n < CPU_HISTORY && n < cpu->history_next - u->history_next; n++)
            cpu->history[(u->history_next + n) % CPU_HISTORY] = u->history[n];
        cpu->history_next = u->history_next;
        cpu->activity = u->activity;
        cpu->nmi_blocked = u->nmi_blocked;
        cpu->nmi_pending = u->nmi_pending;
        cpu->pending_db = u->pending_db;
        cpu->pending_db_cause = u->pending_db_cause;
        cpu->dr[6] = u->dr6;
    }
    cpu_attend(cpu);
}

/* The step is complete: nothing of it is given back. */
static void forget_before_step(struct cpu *cpu)
{
    cpu->step_trap = cpu->had_shadow_sti = cpu->had_shadow_ss = false;
    cpu->rf_until = 0;
}

/* ---- Deliveries ---- */

struct cpu_delivery *run_record(struct cpu *cpu, const struct cpu_delivery *event)
{
    struct cpu_delivery *r = &cpu->history[cpu->history_next % CPU_HISTORY];
    uint32_t n;

    keep_for_undo(cpu);
    n = cpu->history_next++ - cpu->undo.history_next;
    if (n < CPU_HISTORY)
        cpu->undo.history[n] = *r;
    *r = *event;
    r->valid = true;
    r->cs = cpu->seg[CPU_CS].selector;
    r->cs_base = cpu->seg[CPU_CS].base;
    r->ip = cpu->block && cpu->cur ? CPU_INSN_IP(cpu, cpu->cur) & ip_mask(cpu) : cpu->ip;
    r->ss = cpu->seg[CPU_SS].selector;
    r->sp = cpu->reg[CPU_SP];
    r->cpl = cpu->cpl;
    r->mode = cpu->mode;
    r->step = cpu->steps + run_steps_done(cpu);
    r->cycle = run_step_cycle(cpu);
    return r;
}

enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum fault_class class_of(const struct cpu_delivery *d)
{
    if (d->type != CPU_DELIVER_EXCEPTION)
        return BENIGN;
    switch (d->vector) {
    case VEC_DE: case VEC_TS: case VEC_NP: case VEC_SS: case VEC_GP: case VEC_CP: return CONTRIBUTORY;
    case VEC_PF: case VEC_VE: return PAGE_FAULT;
    case VEC_DF: return DOUBLE_FAULT;
    default: return BENIGN;
    }
}

static void enter_shutdown(struct cpu *cpu)
{
    struct bus_txn txn = { .kind = BUS_SPECIAL, .master = (uint16_t)cpu->number, .addr = BUS_SPECIAL_SHUTDOWN };
    struct cpu_event event = { .kind = CPU_EVENT_SHUTDOWN };

    cpu->activity = CPU_SHUTDOWN;
    bus_do(cpu->bus, &txn);
    run_report(cpu, &event);
}

_Noreturn void run_shutdown(struct cpu *cpu, enum cpu_cause cause)
{
    struct cpu_delivery event = { .valid = true, .type = CPU_DELIVER_OTHER, .cause = cause, .evidence = cpu->evidence };

    run_record(cpu, &event)->shutdown = true;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_NONE };
    enter_shutdown(cpu);
    run_unwind(cpu, RUN_UNWIND_SHUTDOWN);
}

/* Combines a fault met while delivering `first` with it: SDM Vol. 3A, "Interrupt 8 - Double fault exception". False: shutdown. */
static bool combine(struct cpu *cpu, const struct cpu_delivery *first, struct cpu_delivery *second)
{
    enum fault_class a = class_of(first), b = class_of(second);

    if (a == DOUBLE_FAULT)
        return false;
    if ((a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b >= CONTRIBUTORY)) {
        *second = (struct cpu_delivery){ .valid = true, .vector = VEC_DF, .type = CPU_DELIVER_EXCEPTION, .has_error = true,
                                         .cause = a == CONTRIBUTORY ? CPU_CAUSE_DF_CC : b == CONTRIBUTORY ? CPU_CAUSE_DF_PC : CPU_CAUSE_DF_PP };
        if (!(cpu->mode & MODE_PE))
            second->cause = CPU_CAUSE_DF_RM;
    }
    return true;
}

/* Faults that do not make a double fault are handled one instead of the other. An exception that has failed on this way before fails
 * again, for a failed delivery changes nothing: a processor goes round for ever then, deaf to interrupts and NMI. We call that shutdown. */
static bool goes_round(const struct cpu *cpu, unsigned vector)
{
    for (uint32_t n = 2; n <= CPU_HISTORY && n <= cpu->history_next; n++) {
        const struct cpu_delivery *before = &cpu->history[(cpu->history_next - n) % CPU_HISTORY];

        if (before->type == CPU_DELIVER_EXCEPTION && before->vector == vector)
            return true;
        if (!before->nested)
            break;
    }
    return false;
}

/* A fault was raised while cpu->delivering was being delivered. */
static void nest(struct cpu *cpu)
{
    struct cpu_delivery *first = cpu->delivering, second = cpu->fault;
    struct cpu_delivery *r;

    cpu->delivering = NULL;
    cpu->pending_db &= ~DR6_BT; /* the task that it was to stop in does not come to its first instruction yet */
    second.nested = true;
    r = run_record(cpu, &second);
    if (!combine(cpu, first, &cpu->fault) || goes_round(cpu, cpu->fault.vector)) {
        r->shutdown = true;
        cpu->fault.valid = false;
        enter_shutdown(cpu);
        return;
    }
    cpu->fault.nested = true;
    if (cpu->fault.vector == VEC_DF && second.vector != VEC_DF)
        run_record(cpu, &cpu->fault);
    cpu->fault_recorded = true;
}

/* Delivers cpu->in_delivery as (the rest of) one step. Faults on the way unwind to cpu_run, which comes back here. */
static void deliver(struct cpu *cpu, bool recorded)
{
    struct cpu_event report = { .kind = CPU_EVENT_DELIVERY, .delivery = &cpu->in_delivery };

    cpu->block = NULL;
    cpu->cur = NULL;
    if (!recorded)
        run_record(cpu, &cpu->in_delivery);
    run_report(cpu, &report);
    cpu->delivering = &cpu->in_delivery;
    cpu_deliver(cpu, &cpu->in_delivery);
    cpu->delivering = NULL;
    cpu->history[(cpu->history_next - 1) % CPU_HISTORY].delivered = true;
    cpu->shadow_sti = cpu->shadow_ss = cpu->in_rep = false; /* who has attended to them makes one step alone for nothing */
    if (cpu->monitor.armed)
        monitor_disarm(cpu);
    forget_before_step(cpu);
}

/* Takes the fault that an instruction, a fetch or a delivery raised; ends the step unless it raises again. */
static void deliver_fault(struct cpu *cpu)
{
    bool recorded = cpu->fault_recorded;

    cpu->in_delivery = cpu->fault;
    cpu->fault.valid = cpu->fault_recorded = false;
    deliver(cpu, recorded);
    count(cpu, 1, 0);
}

/* What an instruction has done before its fault stands, as far as the SDM says so; when it is left to run again, nothing does. */
static void settle_partial(struct cpu *cpu, bool stands)
{
    struct cpu_partial *p = &cpu->partial;

    for (unsigned n = 0; n < 2 && p->valid && stands; n++)
        cpu->vector[p->reg[n]] = p->value[n];
    p->valid = false;
}

/* The step that led to shutdown is complete. */
static void end_in_shutdown(struct cpu *cpu)
{
    settle_abandoned(cpu);
    forget_before_step(cpu);
    cpu_attend(cpu);
    count(cpu, 1, 0);
    cpu->attention |= CPU_ATT_SHUTDOWN;
}

/* An unwinding has arrived in cpu_run. */
static void unwound(struct cpu *cpu, enum run_unwind why)
{
    settle_partial(cpu, why == RUN_UNWIND_FAULT);
    if (cpu->delivering && why == RUN_UNWIND_FAULT) {
        bool software = cpu->block != NULL; /* INT n and the like deliver from inside their handler */

        nest(cpu);
        if (software)
            settle_abandoned(cpu);
        if (cpu->activity == CPU_SHUTDOWN)
            end_in_shutdown(cpu);
        return;
    }
    if (why == RUN_UNWIND_SHUTDOWN) {
        end_in_shutdown(cpu);
        return;
    }
    settle_abandoned(cpu);
    cpu->delivering = NULL;
    if (why == RUN_UNWIND_FAULT) {
        cpu->step_trap = false; /* the rest is forgotten when the fault is delivered, for that may have to wait */
        return;
    }
    if (why == RUN_UNWIND_FROZEN) { /* the instruction is still to come, and with it what TF and RF ask for */
        restore_rf(cpu);
        forget_before_step(cpu);
        cpu_attend(cpu);
        count(cpu, 1, 0);
        return;
    }
    if (why == RUN_UNWIND_ALONE)
        cpu->force_alone = true;
    else
        cpu->attention |= CPU_ATT_WAIT;
    keep_reports(cpu);
    undo_step(cpu);
    forget_before_step(cpu);
}

/* ---- The boundary: what the next step is ---- */

/* Few enough that what is stalled can be taken from it. */
static int64_t steps_left(const struct cpu *cpu)
{
    sim_steps by_cycle = cpu->horizon > cpu->cycle ? cpu->horizon - cpu->cycle : 0;
    sim_steps by_count = cpu->steps_end > cpu->steps ? cpu->steps_end - cpu->steps : 0;
    sim_steps left = by_cycle < by_count ? by_cycle : by_count;

    return left < INT64_MAX / 2 ? (int64_t)left : INT64_MAX / 2;
}

static int pending_interrupt(const struct cpu *cpu)
{
    if (cpu->lapic)
        return lapic_pending(cpu->lapic);
    return cpu->intr ? LAPIC_EXTINT : -1;
}

static bool interrupts_open(const struct cpu *cpu)
{
    return cpu->eflags & EFL_IF && !cpu->shadow_sti && !cpu->shadow_ss;
}

bool run_interrupt_waits(const struct cpu *cpu)
{
    return pending_interrupt(cpu) >= 0;
}

bool cpu_wakeable(const struct cpu *cpu)
{
    if (smm_takes_smi(cpu) || smm_takes_init(cpu))
        return true;
    switch (cpu->activity) {
    case CPU_ACTIVE: return true;
    case CPU_WAIT_SIPI: return cpu->sipi_pending;
    case CPU_SHUTDOWN: return false;
    case CPU_MWAIT:
        if (monitor_ends_wait(cpu))
            return true;
        break;
    case CPU_HALTED: case CPU_FROZEN: break;
    }
    return (cpu->nmi_pending && !cpu->nmi_blocked) || cpu->pending_db || (cpu->eflags & EFL_IF && pending_interrupt(cpu) >= 0);
}

void cpu_wake(struct cpu *cpu, sim_cycles cycle)
{
    if (cpu->cycle < cycle) {
        cpu->pmu.slept += cycle - cpu->cycle;
        cpu->cycle = cycle;
    }
    pmu_woken(cpu);
    if (cpu->activity == CPU_MWAIT && monitor_ends_wait(cpu)) {
        cpu->activity = CPU_ACTIVE;
        cpu_attend(cpu);
    }
}

/* Is there something about each step, RF aside, that a block of them would miss? */
static bool each_step_counts(const struct cpu *cpu)
{
    return cpu->eflags & EFL_TF || cpu->shadow_sti || cpu->shadow_ss || debugreg_has_exec(cpu) ||
           (cpu->eflags & EFL_VIP && vm86_interrupt_waits(cpu)) || cpu->pmu.by_step || (cpu->observer && cpu->observer->every_step);
}

void cpu_attend(struct cpu *cpu)
{
    uint32_t a = cpu->attention & ~(uint32_t)(CPU_ATT_INTERRUPT | CPU_ATT_TRAP | CPU_ATT_STEP | CPU_ATT_SLEEP);

    if (cpu->activity != CPU_ACTIVE)
        a |= CPU_ATT_SLEEP;
    if (smm_takes_smi(cpu) || smm_takes_init(cpu) || (cpu->sipi_pending && cpu->activity == CPU_WAIT_SIPI) || (cpu->nmi_pending && !cpu->nmi_blocked) ||
        (cpu->eflags & EFL_IF && pending_interrupt(cpu) >= 0))
        a |= CPU_ATT_INTERRUPT;
    if (cpu->pending_db)
        a |= CPU_ATT_TRAP;
    if (cpu->eflags & EFL_RF || each_step_counts(cpu))
        a |= CPU_ATT_STEP;
    cpu->attention = a;
}

/* This step touches what others see: is it this CPU's turn? */
static bool may_touch(struct cpu *cpu)
{
    if (cpu->cycle > cpu->shared_until) {
        cpu->attention |= CPU_ATT_WAIT;
        return false;
    }
    cpu->bus->clock->now = cpu->cycle;
    cpu->shared_step = cpu->steps;
    cpu->attention |= CPU_ATT_TOUCHED;
    return true;
}

static void take_smi(struct cpu *cpu)
{
    if (!may_touch(cpu))
        return;
    cpu->block = NULL;
    cpu->cur = NULL;
    smm_enter(cpu);
    forget_before_step(cpu);
    count(cpu, 1, 0);
}

static void take_init(struct cpu *cpu)
{
    bool sipi = cpu->sipi_pending; /* it came after the INIT, and is for the state that INIT leads to */

    cpu->init_pending = false;
    cpu_reset(cpu, true);
    cpu->sipi_pending = sipi;
    cpu_attend(cpu);
    count(cpu, 1, 0);
}

/* SDM Vol. 3A, "MP initialization protocol": the start-up vector is a 4-KByte page below 1 MByte. */
static void take_sipi(struct cpu *cpu)
{
    cpu->sipi_pending = false;
    cpu->activity = CPU_ACTIVE;
    cpu->seg[CPU_CS].selector = (uint16_t)(cpu->sipi_vector << 8);
    cpu->seg[CPU_CS].base = (uint64_t)cpu->sipi_vector << 12;
    cpu->ip = 0;
    cpu_mode_changed(cpu);
    count(cpu, 1, 0);
}

static void take_event(struct cpu *cpu, unsigned vector, enum cpu_delivery_type type, enum cpu_cause cause)
{
    cpu->in_delivery = (struct cpu_delivery){ .valid = true, .vector = (uint8_t)vector, .type = type, .cause = cause };
    cpu->activity = CPU_ACTIVE;
    deliver(cpu, false);
    count(cpu, 1, 0);
}

/* Several may come together; what is named is what explains best why it comes here: a delayed trap stands behind the wrong instruction. */
static enum cpu_cause debug_trap_cause(const struct cpu *cpu)
{
    if (cpu->pending_db_cause == CPU_CAUSE_DB_DELAYED)
        return CPU_CAUSE_DB_DELAYED;
    if (cpu->pending_db & DR6_BS)
        return cpu->msr.debugctl & DEBUGCTL_BTF ? CPU_CAUSE_DB_BTF : CPU_CAUSE_DB_STEP;
    if (cpu->pending_db & DR6_BT)
        return CPU_CAUSE_DB_TASK;
    return cpu->pending_db_cause == CPU_CAUSE_DB_IO ? CPU_CAUSE_DB_IO : CPU_CAUSE_DB_DATA;
}

/* Debug traps of the step before. */
static void take_debug_trap(struct cpu *cpu)
{
    enum cpu_cause cause = debug_trap_cause(cpu);

    debugreg_report(cpu, cpu->pending_db);
    cpu->pending_db = 0;
    cpu->pending_db_cause = CPU_CAUSE_NONE;
    take_event(cpu, VEC_DB, CPU_DELIVER_EXCEPTION, cause);
}

static void take_interrupt(struct cpu *cpu)
{
    int vector = pending_interrupt(cpu);

    if (!may_touch(cpu))
        return;
    if (vector == LAPIC_EXTINT)
        vector = bus_intack(cpu->bus, (uint16_t)cpu->number, &cpu->stall);
    else
        lapic_take(cpu->lapic, (unsigned)vector);
    take_event(cpu, (unsigned)vector, CPU_DELIVER_EXTERNAL, CPU_CAUSE_NONE);
}

/* A task switch's trap comes before an SMI, the other debug traps behind it. */
static bool smi_is_next(const struct cpu *cpu)
{
    return smm_takes_smi(cpu) && !cpu->shadow_sti && !cpu->shadow_ss && !(cpu->pending_db & DR6_BT);
}

/* Makes a step of something that is pending, in the order of SDM Vol. 3A, "Priority among simultaneous exceptions and interrupts".
 * False: nothing is. */
static bool take_pending(struct cpu *cpu)
{
    if (smi_is_next(cpu)) {
        take_smi(cpu);
        return true;
    }
    if (smm_takes_init(cpu)) {
        take_init(cpu);
        return true;
    }
    if (cpu->activity == CPU_WAIT_SIPI) {
        if (!cpu->sipi_pending)
            return false;
        take_sipi(cpu);
        return true;
    }
    if (cpu->activity == CPU_SHUTDOWN || cpu->shadow_ss)
        return false;
    keep_for_undo(cpu);
    if (cpu->pending_db) {
        take_debug_trap(cpu);
        return true;
    }
    if (cpu->nmi_pending && !cpu->nmi_blocked && !cpu->shadow_sti) { /* STI may hold it off: SDM Vol. 2B, "STI" */
        cpu->nmi_pending = false;
        cpu->nmi_blocked = true;
        take_event(cpu, VEC_NMI, CPU_DELIVER_NMI, CPU_CAUSE_NMI_PIN);
        return true;
    }
    if (interrupts_open(cpu) && pending_interrupt(cpu) >= 0) {
        take_interrupt(cpu);
        return true;
    }
    return false;
}

/* ---- Running blocks ---- */

static void settle_block(struct cpu *cpu, const struct cpu_block *b, unsigned next)
{
    sim_steps done = cpu->counted_to - cpu->budget + b->count;

    if (next == CPU_X_NEXT)
        cpu->ip = (cpu->reg[CPU_REG_PAGE] + b->end) & ip_mask(cpu);
    cpu->counted_to = cpu->budget;
    if (cpu->attention & CPU_ATT_COUNT) {
        count(cpu, done + cpu->extra_steps, done - !cpu->retire);
        cpu->attention &= ~(uint32_t)CPU_ATT_COUNT;
    } else {
        count(cpu, done, done);
    }
    cpu->in_rep = !cpu->retire;
    if (cpu->pending_db && cpu->shadow_ss)
        cpu->pending_db_cause = CPU_CAUSE_DB_DELAYED; /* it waits until the next instruction is done */
    cpu->retire = true;
}

/* The next instruction begins. */
static void drop_rf(struct cpu *cpu)
{
    if (!(cpu->eflags & EFL_RF))
        return;
    cpu->eflags &= ~(uint32_t)EFL_RF;
    cpu->rf_until = cpu->steps + 1;
}

/* RF stands where it has no breakpoint to hold off, as behind the IRET of each page fault's handler: a block may begin, and drops it. False: the next
 * instruction has to be alone. (What repeats keeps RF.) */
static bool resume_in_block(struct cpu *cpu)
{
    struct cpu_block *b;

    if (!(cpu->eflags & EFL_RF) || each_step_counts(cpu))
        return false;
    cpu->budget = cpu->counted_to = (sim_steps)steps_left(cpu);
    b = code_find(cpu);
    if (!b || isa_rows[b->insn[0].row].attributes & ISA_STRING)
        return false;
    drop_rf(cpu);
    cpu->attention &= ~(uint32_t)CPU_ATT_STEP;
    return true;
}

/* One instruction by itself, with what surrounds each: shadows, RF, single-step trap, instruction breakpoints, virtual interrupts. */
static void step_alone(struct cpu *cpu)
{
    struct cpu_block *b;
    unsigned next;
    bool on_branches;

    cpu->force_alone = false;
    if (debugreg_has_exec(cpu) && !(cpu->eflags & EFL_RF) && !cpu->in_rep && !cpu->shadow_ss) {
        uint32_t bits = debugreg_exec_match(cpu, (cpu->seg[CPU_CS].base + cpu->ip) & ip_mask(cpu));

        if (bits) {
            keep_for_undo(cpu);
            debugreg_report(cpu, bits);
            cpu_raise(cpu, VEC_DB, 0, CPU_CAUSE_DB_EXEC);
        }
    }
    if (vm86_interrupt_waits(cpu))
        vm86_fault_waiting(cpu);
    b = code_single(cpu);
    cpu->step_trap = cpu->eflags & EFL_TF;
    on_branches = cpu->msr.debugctl & DEBUGCTL_BTF;
    drop_rf(cpu);
    cpu->had_shadow_sti = cpu->shadow_sti;
    cpu->had_shadow_ss = cpu->shadow_ss;
    cpu->shadow_sti = cpu->shadow_ss = false;
    cpu->budget = cpu->counted_to = (sim_steps)steps_left(cpu);
    cpu->block = b;
    cpu->cur = b->insn;
    next = b->insn[0].fn(cpu, b->insn);
    if (cpu->pmu.by_step)
        cpu->pmu.branches += cpu->retire && isa_rows[b->insn[0].row].attributes & ISA_BRANCH;
    if (cpu->step_trap && !cpu->shadow_ss && (!on_branches || (next != CPU_X_NEXT && isa_rows[b->insn[0].row].attributes & ISA_BRANCH)))
        cpu->pending_db |= DR6_BS;
    if (!cpu->retire)
        restore_rf(cpu); /* a REP instruction goes on: RF stays for its next iteration */
    forget_before_step(cpu);
    settle_block(cpu, b, next);
    cpu->block = NULL;
    cpu_attend(cpu);
}

/* Does the observer want to see the instruction at ip before it runs? */
static bool observer_looks(const struct cpu *cpu)
{
    const struct cpu_observer *o = cpu->observer;
    unsigned off = (cpu->seg[CPU_CS].base + cpu->ip) & SIM_PAGE_MASK;

    return o->before && (o->every_step || (o->split && o->split[off >> 6] >> (off & 63) & 1));
}

static bool observer_stops(struct cpu *cpu)
{
    return observer_looks(cpu) && cpu->observer->before(cpu->observer->arg, cpu);
}

/* Makes the step at a block's start alone; ip may not have been kept while blocks followed each other by links. */
static void step_from_block(struct cpu *cpu, const struct cpu_block *b, int64_t left)
{
    catch_up(cpu);
    cpu->block = NULL;
    if (b)
        cpu->ip = (cpu->reg[CPU_REG_PAGE] + b->off) & ip_mask(cpu);
    if (left > 0)
        step_alone(cpu);
}

/* The block behind `b`, which was just left by exit `next`. */
static struct cpu_block *follow(struct cpu *cpu, struct cpu_block *b, unsigned next)
{
    struct cpu_block *linked;

    if (next == CPU_X_NEXT)
        cpu->ip = (cpu->reg[CPU_REG_PAGE] + b->end) & ip_mask(cpu);
    cpu->block = NULL;
    linked = next <= CPU_X_TAKEN ? code_link(cpu, b, next) : NULL;
    return linked ? linked : code_find(cpu);
}

/* A block wanted attention, and is counted. Is it of a kind that run() would only note: another mode, a device that changed nothing for the
 * clock, steps that are not one an instruction? */
static bool goes_on(struct cpu *cpu)
{
    if (cpu->attention & ~(uint32_t)(CPU_ATT_MODE | CPU_ATT_TOUCHED) || (cpu->attention & CPU_ATT_TOUCHED && run_machine_looks(cpu)))
        return false;
    cpu->attention = 0;
    return true;
}

/* Steps that blocks may follow each other for without coming back to the loop. */
#define CHAIN_STEPS 1024

static int64_t chain_until(int64_t left)
{
    return left > CHAIN_STEPS ? left - CHAIN_STEPS : 0;
}

/* Runs blocks until something wants attention or the horizon is near. What the blocks do is counted when that ends (catch_up). */
static inline __attribute__((always_inline)) void run_blocks(struct cpu *cpu, const bool observed)
{
    struct cpu_block *b;
    int64_t left = steps_left(cpu);

    cpu->budget = cpu->counted_to = (sim_steps)left;
    b = code_find(cpu);
    left = (int64_t)cpu->budget; /* less what the fetch has stalled */
    while (b && b->count <= left) {
        unsigned next;
        struct cpu_block *linked;

        cpu->block = b;
        cpu->budget = (sim_steps)left;
        cpu->chain_until = observed ? INT64_MAX : chain_until(left);
        next = b->insn[0].fn(cpu, b->insn);
        b = cpu->block; /* others may have followed */
        if (cpu->attention) {
            bool other_mode = cpu->attention & CPU_ATT_MODE;

            settle_block(cpu, b, next);
            cpu->block = NULL;
            if (observed || !goes_on(cpu))
                return;
            left = steps_left(cpu);
            cpu->budget = cpu->counted_to = (sim_steps)left;
            if (!left)
                return;
            if (other_mode)
                next = CPU_X_JUMP;
        } else {
            left = (int64_t)(cpu->budget - b->count); /* below 0 when the last step was stalled for long */
        }
        linked = !observed && next <= CPU_X_TAKEN ? b->link[next] : NULL;
        if (linked) {
            b = linked;
            continue;
        }
        cpu->budget = (sim_steps)left;
        if (next == CPU_X_NEXT && (observed || left <= 0))
            cpu->ip = (cpu->reg[CPU_REG_PAGE] + b->end) & ip_mask(cpu);
        if (left <= 0 || (observed && observer_looks(cpu))) { /* with nothing left the next step's fetch fault is not this slice's */
            cpu->block = NULL;
            catch_up(cpu);
            return;
        }
        b = follow(cpu, b, next);
        left = (int64_t)cpu->budget;
    }
    cpu->budget = (sim_steps)left;
    step_from_block(cpu, b, left);
}

/* Runs until there is a reason to return to the machine. */
static enum cpu_exit run(struct cpu *cpu)
{
    for (;;) {
        uint32_t a;

        if (cpu->fault.valid)
            deliver_fault(cpu);
        a = cpu->attention;
        cpu->attention &= ~(uint32_t)(CPU_ATT_STOP | CPU_ATT_SHUTDOWN | CPU_ATT_WAIT | CPU_ATT_YIELD | CPU_ATT_MODE);
        if (a & CPU_ATT_SHUTDOWN)
            return CPU_EXIT_SHUTDOWN;
        if (a & CPU_ATT_STOP)
            return CPU_EXIT_STOP;
        if (a & CPU_ATT_WAIT)
            return CPU_EXIT_WAIT;
        if (a & CPU_ATT_YIELD)
            return CPU_EXIT_YIELD;
        if (a & CPU_ATT_TOUCHED) {
            cpu->attention &= ~(uint32_t)CPU_ATT_TOUCHED;
            if (run_machine_looks(cpu))
                return CPU_EXIT_TOUCHED;
        }
        if (!steps_left(cpu))
            return CPU_EXIT_HORIZON;
        if (a & (CPU_ATT_INTERRUPT | CPU_ATT_TRAP | CPU_ATT_SLEEP) && take_pending(cpu))
            continue;
        if (cpu->activity == CPU_MWAIT)
            cpu_wake(cpu, cpu->cycle);
        if (cpu->activity != CPU_ACTIVE)
            return CPU_EXIT_SLEEP;
        if (cpu->observer && !cpu->force_alone && !cpu->resume && observer_stops(cpu)) {
            cpu->resume = true; /* going on from here does not stop here again */
            return CPU_EXIT_STOP;
        }
        cpu->resume = false;
        if (cpu->force_alone || (a & CPU_ATT_STEP && !resume_in_block(cpu)))
            step_alone(cpu);
        else if (cpu->observer)
            run_blocks(cpu, true);
        else
            run_blocks(cpu, false);
    }
}

/* The same, and again after each unwinding. */
static enum cpu_exit run_unwinding(struct cpu *cpu)
{
    if (_setjmp(cpu->unwind))
        unwound(cpu, (enum run_unwind)cpu->unwind_why);
    return run(cpu);
}

enum cpu_exit cpu_run(struct cpu *cpu, const struct cpu_slice *slice)
{
    struct fp_host_saved saved;
    enum cpu_exit exit;

    cpu->horizon = slice->horizon;
    cpu->steps_end = slice->budget > UINT64_MAX - cpu->steps ? UINT64_MAX : cpu->steps + slice->budget;
    cpu->shared_until = slice->shared_until;
    cpu->undo.valid = false; /* others may have changed what it kept */
    fp_host_enter(&saved);
    exit = run_unwinding(cpu);
    fp_host_leave(&saved);
    return exit;
}
