#include "cpu/run.h"

#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/lapic.h"
#include "cpu/mem.h"

/* ---- Leaving an instruction ---- */

_Noreturn void run_unwind(struct cpu *cpu, enum run_unwind why)
{
    cpu->unwind_why = (uint8_t)why;
    longjmp(cpu->unwind, 1);
}

/* Steps that are complete but not counted yet: earlier blocks of this run, and those of the present block before the present step. */
static sim_steps steps_done(const struct cpu *cpu)
{
    sim_steps before = cpu->block && cpu->cur ? (sim_steps)(cpu->cur - cpu->block->insn) : 0;

    return (cpu->counted_to - cpu->budget) + before + cpu->extra_steps;
}

sim_cycles run_step_cycle(const struct cpu *cpu)
{
    return cpu->cycle + steps_done(cpu);
}

void run_report(struct cpu *cpu, const struct cpu_event *event)
{
    if (run_wants(cpu, event->kind) && cpu->observer->event(cpu->observer->arg, cpu, event))
        cpu->attention |= CPU_ATT_STOP;
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
static void catch_up(struct cpu *cpu)
{
    sim_steps done = cpu->counted_to - cpu->budget;

    cpu->counted_to = cpu->budget;
    cpu->steps += done;
    cpu->cycle += done;
    cpu->retired += done;
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
        count(cpu, before + cpu->extra_steps, before);
        cpu->stall = stall; /* belongs to the step that is still to be finished */
        cpu->attention &= ~(uint32_t)CPU_ATT_COUNT;
    }
    cpu->block = NULL;
    cpu->cur = NULL;
    cpu->retire = true;
}

/* ---- Deliveries ---- */

struct cpu_delivery *run_record(struct cpu *cpu, const struct cpu_delivery *event)
{
    struct cpu_delivery *r = &cpu->history[cpu->history_next++ % CPU_HISTORY];

    *r = *event;
    r->valid = true;
    r->cs = cpu->seg[CPU_CS].selector;
    r->cs_base = cpu->seg[CPU_CS].base;
    r->ip = cpu->block && cpu->cur ? CPU_INSN_IP(cpu, cpu->cur) & ip_mask(cpu) : cpu->ip;
    r->ss = cpu->seg[CPU_SS].selector;
    r->sp = cpu->reg[CPU_SP];
    r->cpl = cpu->cpl;
    r->mode = cpu->mode;
    r->step = cpu->steps + steps_done(cpu);
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

/* A fault was raised while cpu->delivering was being delivered. */
static void nest(struct cpu *cpu)
{
    struct cpu_delivery *first = cpu->delivering, second = cpu->fault;
    struct cpu_delivery *r;

    cpu->delivering = NULL;
    second.nested = true;
    r = run_record(cpu, &second);
    if (!combine(cpu, first, &cpu->fault)) {
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

/* Delivers an event as (the rest of) one step. Faults on the way unwind to cpu_run, which comes back here. */
static void deliver(struct cpu *cpu, const struct cpu_delivery *event, bool recorded)
{
    struct cpu_event report = { .kind = CPU_EVENT_DELIVERY, .delivery = &cpu->in_delivery };

    cpu->in_delivery = *event;
    cpu->block = NULL;
    cpu->cur = NULL;
    if (!recorded)
        run_record(cpu, event);
    run_report(cpu, &report);
    cpu->delivering = &cpu->in_delivery;
    cpu_deliver(cpu, &cpu->in_delivery);
    cpu->delivering = NULL;
    cpu->history[(cpu->history_next - 1) % CPU_HISTORY].delivered = true;
    cpu->shadow_sti = cpu->shadow_ss = false;
    cpu_attend(cpu);
}

/* Takes the fault that an instruction, a fetch or a delivery raised; ends the step unless it raises again. */
static void deliver_fault(struct cpu *cpu)
{
    struct cpu_delivery event = cpu->fault;
    bool recorded = cpu->fault_recorded;

    cpu->fault.valid = cpu->fault_recorded = false;
    deliver(cpu, &event, recorded);
    count(cpu, 1, 0);
}

/* An unwinding has arrived in cpu_run. */
static void unwound(struct cpu *cpu, enum run_unwind why)
{
    if (cpu->delivering && why == RUN_UNWIND_FAULT) {
        bool software = cpu->block != NULL; /* INT n and the like deliver from inside their handler */

        nest(cpu);
        if (software)
            settle_abandoned(cpu);
        if (cpu->activity == CPU_SHUTDOWN) {
            settle_abandoned(cpu);
            cpu_attend(cpu);
            count(cpu, 1, 0);
            cpu->attention |= CPU_ATT_SHUTDOWN;
        }
        return;
    }
    settle_abandoned(cpu);
    cpu->delivering = NULL;
    if (why == RUN_UNWIND_ALONE)
        cpu->force_alone = true;
    else if (why == RUN_UNWIND_WAIT)
        cpu->attention |= CPU_ATT_WAIT;
    if (why != RUN_UNWIND_FAULT) { /* the step did not happen: what it consumed is given back */
        cpu->eflags |= cpu->step_rf ? EFL_RF : 0;
        cpu->shadow_sti |= cpu->had_shadow_sti;
        cpu->shadow_ss |= cpu->had_shadow_ss;
    }
    cpu->step_trap = cpu->step_rf = cpu->had_shadow_sti = cpu->had_shadow_ss = false;
}

/* ---- The boundary: what the next step is ---- */

static sim_steps steps_left(const struct cpu *cpu)
{
    sim_steps by_cycle = cpu->horizon > cpu->cycle ? cpu->horizon - cpu->cycle : 0;
    sim_steps by_count = cpu->steps_end > cpu->steps ? cpu->steps_end - cpu->steps : 0;

    return by_cycle < by_count ? by_cycle : by_count;
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

bool cpu_wakeable(const struct cpu *cpu)
{
    if (cpu->init_pending)
        return true;
    switch (cpu->activity) {
    case CPU_ACTIVE: return true;
    case CPU_WAIT_SIPI: return cpu->sipi_pending;
    case CPU_SHUTDOWN: return false;
    case CPU_HALTED: break;
    }
    return (cpu->nmi_pending && !cpu->nmi_blocked) || cpu->pending_db || (cpu->eflags & EFL_IF && pending_interrupt(cpu) >= 0);
}

void cpu_attend(struct cpu *cpu)
{
    uint32_t a = cpu->attention & ~(uint32_t)(CPU_ATT_INTERRUPT | CPU_ATT_TRAP | CPU_ATT_STEP | CPU_ATT_SLEEP);

    if (cpu->activity != CPU_ACTIVE)
        a |= CPU_ATT_SLEEP;
    if (cpu->init_pending || (cpu->sipi_pending && cpu->activity == CPU_WAIT_SIPI) || (cpu->nmi_pending && !cpu->nmi_blocked) ||
        (cpu->eflags & EFL_IF && pending_interrupt(cpu) >= 0))
        a |= CPU_ATT_INTERRUPT;
    if (cpu->pending_db)
        a |= CPU_ATT_TRAP;
    if (cpu->eflags & (EFL_TF | EFL_RF) || cpu->shadow_sti || cpu->shadow_ss || debugreg_has_exec(cpu) ||
        (cpu->observer && cpu->observer->every_step))
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
    cpu->attention |= CPU_ATT_TOUCHED;
    return true;
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
    struct cpu_delivery event = { .valid = true, .vector = (uint8_t)vector, .type = type, .cause = cause };

    cpu->activity = CPU_ACTIVE;
    deliver(cpu, &event, false);
    count(cpu, 1, 0);
}

/* Debug traps of the step before: DR6 keeps its other B bits. */
static void take_debug_trap(struct cpu *cpu)
{
    uint32_t bits = cpu->pending_db;
    enum cpu_cause cause = bits & DR6_BS ? CPU_CAUSE_DB_STEP : bits & DR6_BT ? CPU_CAUSE_DB_TASK : CPU_CAUSE_DB_DATA;

    cpu->pending_db = 0;
    cpu->dr[6] |= bits;
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

/* Makes a step of something that is pending, in the order of SDM Vol. 3A, "Priority among simultaneous exceptions and interrupts".
 * False: nothing is. */
static bool take_pending(struct cpu *cpu)
{
    if (cpu->init_pending) {
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
    if (cpu->pending_db) {
        take_debug_trap(cpu);
        return true;
    }
    if (cpu->nmi_pending && !cpu->nmi_blocked) {
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
    if (next == CPU_X_NEXT)
        cpu->ip = (cpu->ip_base + b->end) & ip_mask(cpu);
    catch_up(cpu);
    count(cpu, b->count + cpu->extra_steps, b->count - !cpu->retire);
    cpu->retire = true;
    cpu->attention &= ~(uint32_t)CPU_ATT_COUNT;
}

/* One instruction by itself, with what surrounds each: shadows, RF, single-step trap, instruction breakpoints. */
static void step_alone(struct cpu *cpu)
{
    struct cpu_block *b;
    unsigned next;

    cpu->force_alone = false;
    if (debugreg_has_exec(cpu) && !(cpu->eflags & EFL_RF)) {
        uint32_t bits = debugreg_exec_match(cpu, (uint32_t)(cpu->seg[CPU_CS].base + cpu->ip));

        if (bits) {
            cpu->dr[6] |= bits;
            cpu_raise(cpu, VEC_DB, 0, CPU_CAUSE_DB_EXEC);
        }
    }
    b = code_single(cpu);
    cpu->step_trap = cpu->eflags & EFL_TF;
    cpu->step_rf = cpu->eflags & EFL_RF;
    cpu->had_shadow_sti = cpu->shadow_sti;
    cpu->had_shadow_ss = cpu->shadow_ss;
    cpu->shadow_sti = cpu->shadow_ss = false;
    cpu->eflags &= ~(uint32_t)EFL_RF;
    cpu->budget = cpu->counted_to = steps_left(cpu);
    cpu->block = b;
    cpu->cur = b->insn;
    next = b->insn[0].fn(cpu, b->insn);
    if (cpu->step_trap && !cpu->shadow_ss)
        cpu->pending_db |= DR6_BS;
    if (!cpu->retire && cpu->step_rf) /* a REP instruction goes on: RF stays for its next iteration */
        cpu->eflags |= EFL_RF;
    cpu->step_trap = cpu->step_rf = cpu->had_shadow_sti = cpu->had_shadow_ss = false;
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
static void step_from_block(struct cpu *cpu, const struct cpu_block *b, sim_steps left)
{
    catch_up(cpu);
    cpu->block = NULL;
    if (b)
        cpu->ip = (cpu->ip_base + b->off) & ip_mask(cpu);
    if (left)
        step_alone(cpu);
}

/* The block behind `b`, which was just left by exit `next`. */
static struct cpu_block *follow(struct cpu *cpu, struct cpu_block *b, unsigned next)
{
    struct cpu_block *linked;

    if (next == CPU_X_NEXT)
        cpu->ip = (cpu->ip_base + b->end) & ip_mask(cpu);
    cpu->block = NULL;
    linked = next <= CPU_X_TAKEN ? code_link(cpu, b, next) : NULL;
    return linked ? linked : code_find(cpu);
}

/* Runs blocks until something wants attention or the horizon is near. What the blocks do is counted when that ends (catch_up). */
static inline __attribute__((always_inline)) void run_blocks(struct cpu *cpu, const bool observed)
{
    struct cpu_block *b;
    sim_steps left = steps_left(cpu);

    cpu->budget = cpu->counted_to = left;
    b = code_find(cpu);
    while (b && b->count <= left) {
        unsigned next, n = b->count;
        struct cpu_block *linked;

        cpu->block = b;
        cpu->budget = left;
        next = b->insn[0].fn(cpu, b->insn);
        if (cpu->attention) {
            settle_block(cpu, b, next);
            cpu->block = NULL;
            return;
        }
        left -= n;
        linked = !observed && next <= CPU_X_TAKEN ? b->link[next] : NULL;
        if (linked) {
            b = linked;
            continue;
        }
        cpu->budget = left;
        if (next == CPU_X_NEXT && (observed || !left))
            cpu->ip = (cpu->ip_base + b->end) & ip_mask(cpu);
        if (!left || (observed && observer_looks(cpu))) { /* with nothing left the next step's fetch fault is not this slice's */
            cpu->block = NULL;
            catch_up(cpu);
            return;
        }
        b = follow(cpu, b, next);
    }
    cpu->budget = left;
    step_from_block(cpu, b, left);
}

/* Runs until there is a reason to return to the machine. Called anew after each unwinding. */
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
        if (a & CPU_ATT_YIELD && cpu->cluster->count > 1)
            return CPU_EXIT_YIELD;
        if (a & CPU_ATT_TOUCHED) {
            cpu->attention &= ~(uint32_t)CPU_ATT_TOUCHED;
            if (cpu->cluster->count > 1 || cpu->bus->look || cpu->bus->clock->moved)
                return CPU_EXIT_TOUCHED;
        }
        if (!steps_left(cpu))
            return CPU_EXIT_HORIZON;
        if (a & (CPU_ATT_INTERRUPT | CPU_ATT_TRAP | CPU_ATT_SLEEP) && take_pending(cpu))
            continue;
        if (cpu->activity != CPU_ACTIVE)
            return CPU_EXIT_SLEEP;
        if (cpu->observer && !cpu->force_alone && !cpu->resume && observer_stops(cpu)) {
            cpu->resume = true; /* going on from here does not stop here again */
            return CPU_EXIT_STOP;
        }
        cpu->resume = false;
        if (cpu->force_alone || a & CPU_ATT_STEP)
            step_alone(cpu);
        else if (cpu->observer)
            run_blocks(cpu, true);
        else
            run_blocks(cpu, false);
    }
}

enum cpu_exit cpu_run(struct cpu *cpu, const struct cpu_slice *slice)
{
    cpu->horizon = slice->horizon;
    cpu->steps_end = slice->budget > UINT64_MAX - cpu->steps ? UINT64_MAX : cpu->steps + slice->budget;
    cpu->shared_until = slice->shared_until;
    if (_setjmp(cpu->unwind))
        unwound(cpu, (enum run_unwind)cpu->unwind_why);
    return run(cpu);
}
