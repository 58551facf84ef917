/*
 * The quantities and error codes that every part of libsim speaks in.
 *
 * Public: installed, and included by <libsim/sim.h> and <libsim/device.h>.
 */
#ifndef LIBSIM_BASE_TYPES_H
#define LIBSIM_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t sim_paddr;  /* physical address, after A20 */
typedef uint64_t sim_laddr;  /* linear address */
typedef uint64_t sim_cycles; /* simulated time, in cycles of the CPU clock since power-on */
typedef uint64_t sim_steps;  /* a count of steps; see doc/time.md */

/* A deadline that never comes. */
#define SIM_NEVER UINT64_MAX

#define SIM_PAGE_SHIFT 12
#define SIM_PAGE_SIZE  4096u
#define SIM_PAGE_MASK  4095u

/* One row per error: the enum and the text of sim_err_text() both come from it. */
#define SIM_ERR_LIST(X)                                                     \
    X(OK,          "success")                                               \
    X(USAGE,       "argument out of range, or not usable here")             \
    X(UNKNOWN,     "no such name")                                          \
    X(BUSY,        "machine is running, or the call came from a callback")  \
    X(NOMEM,       "out of memory")                                         \
    X(IO,          "host file or socket failed")                            \
    X(FORMAT,      "file or image is damaged or of an unknown format")      \
    X(UNSUPPORTED, "not modelled, or not built in")                         \
    X(OVERLAP,     "range overlaps an existing mapping")                    \
    X(FAULT,       "address is not mapped, or access is not permitted")     \
    X(RANGE,       "position is outside the timeline")                      \
    X(DIVERGED,    "re-execution differs from the recorded run")

enum sim_err {
#define X(name, text) SIM_ERR_##name,
    SIM_ERR_LIST(X)
#undef X
};
#define SIM_OK SIM_ERR_OK

/* Short English text of an error code; never NULL, not to be freed. */
const char *sim_err_text(enum sim_err err);

/*
 * What went wrong in the last failed call of this thread: one line without a
 * newline, "" when nothing failed yet. Valid until the thread's next failing call.
 */
const char *sim_last_error(void);

/* A point of a run: the machine step, and the cycle that tells moments apart when all CPUs sleep. */
struct sim_position {
    sim_steps step;
    sim_cycles cycle;
};

#ifdef __cplusplus
}
#endif
#endif
