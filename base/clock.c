#include "base/clock.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

/* ---- The queue: a binary heap, earliest first; slot = index + 1 ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    if (a->component != b->component)
        return a->component < b->component;
    return a->number < b->number;
}

static void place(struct sim_clock *clock, uint32_t i, struct sim_event *ev)
{
    clock->heap[i] = ev;
    ev->slot = i + 1;
}

/* Puts `ev` where it belongs, given that place i is free. */
static void sift(struct sim_clock *clock, uint32_t i, struct sim_event *ev)
{
    while (i > 0 && before(ev, clock->heap[(i - 1) / 2])) {
        place(clock, i, clock->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= clock->count)
            break;
        if (child + 1 < clock->count && before(clock->heap[child + 1], clock->heap[child]))
            child++;
        if (!before(clock->heap[child], ev))
            break;
        place(clock, i, clock->heap[child]);
        i = child;
    }
    place(clock, i, ev);
}

static void take_out(struct sim_clock *clock, struct sim_event *ev)
{
    uint32_t i = ev->slot - 1;
    struct sim_event *last = clock->heap[--clock->count];

    if (last != ev)
        sift(clock, i, last);
    ev->slot = 0;
    ev->deadline = SIM_NEVER;
}

static void put_in(struct sim_clock *clock, struct sim_event *ev)
{
    if (clock->count == clock->cap) {
        uint32_t cap = clock->cap ? clock->cap * 2 : 32;
        struct sim_event **heap = (struct sim_event **)realloc(clock->heap, cap * sizeof(*heap));

        if (!heap)
            sim_out_of_memory("event queue");
        clock->heap = heap;
        clock->cap = cap;
    }
    sift(clock, clock->count++, ev);
}

/* ---- Public functions ---- */

void sim_clock_init(struct sim_clock *clock, uint64_t freq_hz)
{
    assert(freq_hz > 0);
    memset(clock, 0, sizeof(*clock));
    clock->freq_hz = freq_hz;
}

void sim_clock_fini(struct sim_clock *clock)
{
    for (uint32_t i = 0; i < clock->count; i++) {
        clock->heap[i]->slot = 0;
        clock->heap[i]->deadline = SIM_NEVER;
    }
    free(clock->heap);
    clock->heap = NULL;
    clock->count = clock->cap = 0;
}

void sim_event_init(struct sim_event *ev, struct sim_clock *clock, uint32_t component, uint32_t number,
                    sim_event_fn *fire, void *arg)
{
    memset(ev, 0, sizeof(*ev));
    ev->deadline = SIM_NEVER;
    ev->fire = fire;
    ev->arg = arg;
    ev->clock = clock;
    ev->component = component;
    ev->number = number;
}

void sim_event_at(struct sim_event *ev, sim_cycles deadline)
{
    struct sim_clock *clock = ev->clock;
    sim_cycles next = sim_clock_next(clock);

    if (clock->firing == ev && deadline <= clock->now && clock->now < SIM_NEVER - 1)
        deadline = clock->now + 1;
    if (deadline == SIM_NEVER) {
        if (ev->slot)
            take_out(clock, ev);
    } else {
        ev->deadline = deadline;
        if (ev->slot)
            sift(clock, ev->slot - 1, ev);
        else
            put_in(clock, ev);
    }
    if (sim_clock_next(clock) != next)
        clock->moved = true;
}

void sim_event_cancel(struct sim_event *ev)
{
    sim_event_at(ev, SIM_NEVER);
}

sim_cycles sim_clock_next(const struct sim_clock *clock)
{
    return clock->count ? clock->heap[0]->deadline : SIM_NEVER;
}

void sim_clock_advance(struct sim_clock *clock, sim_cycles until)
{
    assert(!clock->firing); /* not from within an event */
    while (clock->count && clock->heap[0]->deadline <= until) {
        struct sim_event *ev = clock->heap[0];

        if (clock->now < ev->deadline)
            clock->now = ev->deadline;
        take_out(clock, ev);
        clock->moved = true;
        clock->firing = ev;
        ev->fire(ev->arg);
        clock->firing = NULL;
    }
    if (clock->now < until)
        clock->now = until;
}

uint64_t sim_ticks_at(const struct sim_clock *clock, uint64_t freq_hz, sim_cycles cycle)
{
    u128 ticks;
    uint64_t product;

    if (!__builtin_mul_overflow(cycle, freq_hz, &product)) /* a division of 64 bits costs a fraction */
        return product / clock->freq_hz;
    ticks = (u128)cycle * freq_hz / clock->freq_hz;
    return ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

sim_cycles sim_cycle_of(const struct sim_clock *clock, uint64_t freq_hz, uint64_t tick)
{
    u128 product = (u128)tick * clock->freq_hz;
    u128 cycle;

    if (tick == 0)
        return 0;
    if (freq_hz == 0)
        return SIM_NEVER;
    cycle = product / freq_hz + (product % freq_hz != 0);
    return cycle > SIM_NEVER ? SIM_NEVER : (sim_cycles)cycle;
}

sim_cycles sim_ns_to_cycles(const struct sim_clock *clock, uint64_t ns)
{
    u128 cycles = ((u128)ns * clock->freq_hz + 999999999u) / 1000000000u;

    return cycles > SIM_NEVER ? SIM_NEVER : (sim_cycles)cycles;
}
