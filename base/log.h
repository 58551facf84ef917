/*
 * The log: lines for people about what the machine met. Never guest state, never part of a digest.
 *
 * Each machine has one. Lines go to the callback that the embedding program set, or nowhere. What is
 * not modelled is said once per name for the life of the machine.
 */
#ifndef LIBSIM_BASE_LOG_H
#define LIBSIM_BASE_LOG_H

#include "base/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum sim_log_level {
    SIM_LOG_ERROR, /* the run's result cannot be trusted, or an action failed */
    SIM_LOG_WARN,  /* something not modelled, or a guest doing what hardware leaves undefined */
    SIM_LOG_INFO,
    SIM_LOG_TRACE
};

/* `line` has no newline and is valid during the call only. */
typedef void sim_log_fn(void *arg, enum sim_log_level level, const char *component, const char *line);

struct sim_log {
    sim_log_fn *fn; /* NULL: silence */
    void *arg;
    enum sim_log_level level; /* lines above it are dropped */
    bool muted;               /* while the past is re-executed */
    struct sim_log_seen *seen;
};

void sim_log_init(struct sim_log *log); /* silent, level SIM_LOG_WARN */
void sim_log_fini(struct sim_log *log);

void sim_log(struct sim_log *log, enum sim_log_level level, const char *component, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Says at SIM_LOG_WARN that `what` ("port 0x70 bit 7", "MSR 0x1a0") is not modelled: the first time
 * for this (component, what) only. The text after `fmt` tells what happens instead.
 */
void sim_log_unmodelled(struct sim_log *log, const char *component, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
#endif
