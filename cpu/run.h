/*
 * The run loop's inner interface: leaving an instruction, and where the present step stands in time.
 */
#ifndef LIBSIM_CPU_RUN_H
#define LIBSIM_CPU_RUN_H

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

/* Nobody else is awake: this CPU need not wait, and has nobody to give way to. */
static inline bool run_is_alone(const struct cpu *cpu) { return cpu->shared_until == SIM_NEVER; }

/* Does an interrupt wait that only EFLAGS.IF could hold off? */
bool run_interrupt_waits(const struct cpu *cpu);

/* Appends an event to the CPU's history, filling in where it happened. Returns the record, valid until CPU_HISTORY more were made. */
struct cpu_delivery *run_record(struct cpu *cpu, const struct cpu_delivery *event);

/* Tells the observer, if it wants this kind; asks for a stop after the step if it says so. */
void run_report(struct cpu *cpu, const struct cpu_event *event);
static inline bool run_wants(const struct cpu *cpu, uint32_t kind)
{
    return cpu->observer && cpu->observer->events & kind;
}

#endif
