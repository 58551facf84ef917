/*
 * Registers described bit by bit.
 *
 * A register is one list in the manual's [hi:lo] order; SIM_BITS_DEFINE makes accessors from it
 * (pit_cw_mode(v)), and the rows that an inspector prints.
 *
 *     #define PIT_CW(X, p)                                     \
 *         X(p, select, 7, 6, "counter 0..2; 3 is read-back")   \
 *         X(p, access, 5, 4, "0 latch, 1 LSB, 2 MSB, 3 both")
 *     SIM_BITS_DEFINE(pit_cw, PIT_CW)
 *
 * Public: part of <libsim/device.h>.
 */
#ifndef LIBSIM_BASE_BITS_H
#define LIBSIM_BASE_BITS_H

#include "base/types.h"

struct sim_bits {
    const char *name; /* NULL ends a table */
    uint8_t hi, lo;   /* bit numbers, hi >= lo */
    const char *doc;
};

/* Bits hi..lo of v, moved down to bit 0. 0 <= lo <= hi <= 63. */
static inline uint64_t sim_bits_get(uint64_t v, unsigned hi, unsigned lo)
{
    return (v >> lo) & (UINT64_MAX >> (63 - (hi - lo)));
}

/* v with bits hi..lo replaced by the low bits of `field`. */
static inline uint64_t sim_bits_set(uint64_t v, unsigned hi, unsigned lo, uint64_t field)
{
    uint64_t mask = (UINT64_MAX >> (63 - (hi - lo))) << lo;

    return (v & ~mask) | ((field << lo) & mask);
}

#define SIM_BITS_ACCESSOR_(prefix, field, hi, lo, doc)                                            \
    static inline __attribute__((unused)) uint64_t prefix##_##field(uint64_t v)                   \
    {                                                                                             \
        return sim_bits_get(v, hi, lo);                                                           \
    }
#define SIM_BITS_ROW_(prefix, field, hi, lo, doc) { #field, hi, lo, doc },

#define SIM_BITS_DEFINE(prefix, LIST)                                                             \
    LIST(SIM_BITS_ACCESSOR_, prefix)                                                              \
    static const struct sim_bits prefix##_bits[] __attribute__((unused)) = {                      \
        LIST(SIM_BITS_ROW_, prefix) { NULL, 0, 0, NULL }                                          \
    };

#endif
