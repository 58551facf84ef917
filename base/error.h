/*
 * How a failing call says what failed: a code for programs and one line for people.
 * The line is kept per thread; sim_last_error() returns it.
 *
 * Public: part of <libsim/device.h>.
 */
#ifndef LIBSIM_BASE_ERROR_H
#define LIBSIM_BASE_ERROR_H

#include "base/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sets the thread's error line and returns `err`, so that a function can end in
 * `return sim_fail(SIM_ERR_USAGE, "--cpus %u: 1 to 8", n);`. The line is cut at 511 bytes; control
 * characters become '?'. sim_last_error() may be among the arguments.
 */
enum sim_err sim_fail(enum sim_err err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ends the process with a message: for the few places that cannot go on without memory and have no caller to
 * tell (doc/memory.md). Everywhere else running out of memory is SIM_ERR_NOMEM. */
void sim_out_of_memory(const char *what) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
