/*
 * The run loop's inner interface: leaving an instruction, and where the present step stands in time.
 */
#ifndef LIBSIM_CPU_RUN_H
#define LIBSIM_CPU_RUN_H

#include "cpu/code.h"
#include "cpu/cpu.h"

enum run_unwind {
    RUN_UNWIND_FAULT = 1, /* cpu->fault is to be delivered; the instruction had no effect but what the SDM lets stand */
    RUN_UNWIND_ALONE,     /* the instruction had no effect and must be run again as a block of its own */
    RUN_UNWIND_FROZEN,    /* the instruction did nothing but freeze the processor: a step in itself */
    RUN_UNWIND_SHUTDOWN,  /* the instruction did nothing but shut the processor down: a step in itself */
    RUN_UNWIND_WAIT       /* the instruction had no effect; this CPU must wait until it is furthest behind */
};

/* The one non-local exit. The instruction left is cpu->cur (of cpu->block), or the step was a delivery or a fetch. */
_Noreturn void run_unwind(struct cpu *cpu, enum run_unwind why);

/* Instructions retired before the present one. */
uint64_t run_retired(const struct cpu *cpu);

/* The cycle at which the present step began. */
sim_cycles run_step_cycle(const struct cpu *cpu);

/* The present step's number: what cpu->steps is when it begins. */
sim_steps run_step_number(const struct cpu *cpu);

/* Shuts the CPU down, as a step of its own, with a record of `cause` and cpu->evidence. From an instruction's handler that has done
 * mem_touch(). */
_Noreturn void run_shutdown(struct cpu *cpu, enum cpu_cause cause);

/* Does an interrupt wait that only EFLAGS.IF could hold off? */
bool run_interrupt_waits(const struct cpu *cpu);

/* Nobody else is awake: this CPU need not wait, and has nobody to give way to. */
static inline bool run_is_alone(const struct cpu *cpu) { return cpu->shared_until == SIM_NEVER; }

/* Has this CPU, which was alone, woken another? */
bool run_has_company(const struct cpu *cpu);

/* ---- Touching what others see ---- */

/* Steps that are complete but not counted yet: earlier blocks of this run, and those of the present block before the present step. */
static inline sim_steps run_steps_done(const struct cpu *cpu)
{
    sim_steps before = cpu->block && cpu->cur ? (sim_steps)(cpu->cur - cpu->block->insn) : 0;

    return (cpu->counted_to - cpu->budget) + before + cpu->extra_steps;
}

static inline void run_charge_stall(struct cpu *cpu, uint32_t cycles)
{
    cpu->cycle += cycles;
    cpu->stall -= cycles;
}

/* The present step is about to touch something: sets the clock, and cpu->shared_step. Leaves the step (RUN_UNWIND_WAIT) when it is not this
 * CPU's turn. */
static inline void run_touch(struct cpu *cpu)
{
    sim_steps done = run_steps_done(cpu), step = cpu->steps + done;
    sim_cycles at;

    if (cpu->shared_step != step)
        run_charge_stall(cpu, cpu->stall);
    at = cpu->cycle + done;
    if (at > cpu->shared_until)
        run_unwind(cpu, RUN_UNWIND_WAIT);
    cpu->bus->clock->now = at;
    cpu->shared_step = step;
}

/* A step has reached a device: has that moved a deadline, or is there another CPU that may have been woken? */
static inline bool run_machine_looks(const struct cpu *cpu)
{
    return cpu->bus->look || cpu->bus->clock->moved || !run_is_alone(cpu) || (cpu->cluster->count > 1 && run_has_company(cpu));
}

/* A bus access has taken `cycles`, which the present step is charged. Where the access has changed nothing that the machine's loop looks
 * at, blocks go on following each other; their chain gets shorter by what was stalled, in case it is the horizon that ends it. */
static inline void run_stall(struct cpu *cpu, uint32_t cycles)
{
    cpu->stall += cycles;
    if (run_machine_looks(cpu)) {
        cpu->attention |= CPU_ATT_TOUCHED;
        return;
    }
    cpu->budget -= cycles;
    cpu->counted_to -= cycles;
    if (cpu->chain_until != INT64_MAX)
        cpu->chain_until = cpu->chain_until > cycles ? cpu->chain_until - cycles : 0;
}

/* ---- Telling ---- */

/* Appends an event to the CPU's history, filling in where it happened. Returns the record, valid until CPU_HISTORY more were made. */
struct cpu_delivery *run_record(struct cpu *cpu, const struct cpu_delivery *event);

/* Tells the observer, if it wants this kind; asks for a stop after the step if it says so. */
void run_report(struct cpu *cpu, const struct cpu_event *event);
static inline bool run_wants(const struct cpu *cpu, uint32_t kind)
{
    return cpu->observer && cpu->observer->events & kind;
}

#endif
