/*
 * Simulated time and the events that are due in it.
 *
 * One clock per machine. Time is counted in cycles of the CPU clock. An event is a callback with a
 * deadline. Deadlines are state (a component's table holds them, as SIM_FIELD_EVENT); the queue is
 * derived from them. Events of equal deadline fire in order of (component, number), never in order of
 * arming, so that a restored machine goes on exactly like the one that was saved.
 */
#ifndef LIBSIM_BASE_CLOCK_H
#define LIBSIM_BASE_CLOCK_H

#include "base/types.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_event;
struct sim_clock;

/* Called with clock->now == the event's deadline, the event already disarmed; it may arm itself again. */
typedef void sim_event_fn(void *arg);

/* Embedded in the component that owns it. */
struct sim_event {
    sim_cycles deadline; /* SIM_NEVER: not armed. Read it freely; set it only by the calls below */
    sim_event_fn *fire;
    void *arg;
    struct sim_clock *clock;
    uint32_t component; /* the owner's component number */
    uint32_t number;    /* the event's number within its owner, fixed by the owner's source */
    uint32_t slot;      /* place in the queue + 1, 0 when not queued: derived */
};

struct sim_clock {
    sim_cycles now;   /* the cycle at which the current access or event takes effect */
    uint64_t freq_hz; /* cycles per simulated second, > 0 */
    struct sim_event **heap;
    uint32_t count, cap;
    bool moved; /* set when the earliest deadline changed: the run loop recomputes its horizon, and clears it */
    struct sim_event *firing; /* private: the event whose callback runs */
};

void sim_clock_init(struct sim_clock *clock, uint64_t freq_hz);
void sim_clock_fini(struct sim_clock *clock); /* the events themselves belong to their owners */

/* `fire` is called with `arg`. The event starts disarmed; one that is armed must be cancelled before its memory goes
 * or is set up anew. (component, number) is unique in a clock. */
void sim_event_init(struct sim_event *ev, struct sim_clock *clock, uint32_t component, uint32_t number,
                    sim_event_fn *fire, void *arg);

/* Arms the event for the absolute cycle `deadline` (not a delay), moving it if it was armed already; one that has
 * passed fires at the next boundary, as if due at once. From its own callback an event is armed for the next cycle
 * at the earliest, so a period of 0 that a guest programmed cannot stop time. SIM_NEVER disarms. */
void sim_event_at(struct sim_event *ev, sim_cycles deadline);
void sim_event_cancel(struct sim_event *ev);

/* The earliest deadline, SIM_NEVER if nothing is armed. */
sim_cycles sim_clock_next(const struct sim_clock *clock);

/* Fires, in order, every event with deadline <= `until`; `now` is each one's deadline while it fires
 * (never set back below its value at entry), and `until` at the end. For the run loop only: not from a callback. */
void sim_clock_advance(struct sim_clock *clock, sim_cycles until);

/*
 * Time of a part that runs at another frequency. Deadlines are computed from a tick count since an
 * origin, never by adding rounded periods, so that error does not add up.
 *
 * sim_ticks_at    whole ticks of a freq_hz clock that have passed at `cycle` (origin: cycle 0)
 * sim_cycle_of    the first cycle at which `tick` ticks have passed; inverse: sim_ticks_at(sim_cycle_of(t)) == t
 *                 when freq_hz <= clock->freq_hz
 *
 * Results that do not fit are UINT64_MAX (SIM_NEVER). A freq_hz of 0 is a clock that stands still.
 */
uint64_t sim_ticks_at(const struct sim_clock *clock, uint64_t freq_hz, sim_cycles cycle);
sim_cycles sim_cycle_of(const struct sim_clock *clock, uint64_t freq_hz, uint64_t tick);

/* Cycles in `ns` nanoseconds, rounded up. */
sim_cycles sim_ns_to_cycles(const struct sim_clock *clock, uint64_t ns);

#ifdef __cplusplus
}
#endif
#endif
