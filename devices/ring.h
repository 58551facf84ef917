/*
 * A ring of bytes: the FIFOs and queues of the serial devices.
 *
 * The bytes themselves are an array of the owner's, of `size` elements, so that each queue has its own length in the
 * owner's state table. Any content of a struct ring is a valid ring: what a checkpoint file says is bounded at use.
 */
#ifndef LIBSIM_DEVICES_RING_H
#define LIBSIM_DEVICES_RING_H

#include "base/field.h"

struct ring {
    uint32_t first; /* where the oldest byte is */
    uint32_t count;
};

static const struct sim_field ring_fields[] __attribute__((unused)) = {
    SIM_FIELD(struct ring, first, "index of the oldest byte"),
    SIM_FIELD(struct ring, count, "bytes in it"),
    SIM_FIELD_END
};

static inline uint32_t ring_count(const struct ring *r, uint32_t size)
{
    return r->count < size ? r->count : size;
}

/* Index of the n-th byte counted from the oldest. */
static inline uint32_t ring_index(const struct ring *r, uint32_t size, uint32_t n)
{
    return (r->first % size + n) % size;
}

/* Index at which a new byte goes; the ring must not be full. */
static inline uint32_t ring_push(struct ring *r, uint32_t size)
{
    uint32_t at = ring_index(r, size, ring_count(r, size));

    r->count = ring_count(r, size) + 1;
    return at;
}

/* Index of the oldest byte, which leaves; the ring must not be empty. */
static inline uint32_t ring_pop(struct ring *r, uint32_t size)
{
    uint32_t at = r->first % size;

    r->count = ring_count(r, size) - 1;
    r->first = (at + 1) % size;
    return at;
}

static inline void ring_clear(struct ring *r)
{
    r->first = r->count = 0;
}

#endif
