/* Errors that peers are known to make: see compare.c. */
#ifndef LIBSIM_TESTCASES_SYSTEM_PEERS_H
#define LIBSIM_TESTCASES_SYSTEM_PEERS_H

#include <stdbool.h>
#include <stdint.h>

struct event {
    const char *line;
    int vector;             /* -1: the case has ended */
    long error;             /* -1: without */
    const char *what;       /* the instruction */
};

/* What differs: the events as a whole if `name` is empty, else one value after them. */
struct difference {
    const struct event *a, *b; /* ours, theirs */
    const char *name;
    uint32_t ours, theirs;
};

struct known {
    bool (*is)(const struct difference *d);
    bool ends;              /* the case goes its own way from there on */
    const char *why;        /* what the manual says, and where; NULL ends the table */
    unsigned long met;
};

struct peer {
    const char *name;
    struct known *known;
};

extern struct known bochs_long_known[]; /* peers_long.c: in IA-32e mode */
extern struct known bochs_real_known[]; /* peers_real.c: in real mode */

const struct peer *peer_find(const char *name);
struct known *peer_explains(const struct peer *peer, const struct difference *d);

/* Of compare.c: what one of our or their values is now, by its name in the log. */
uint32_t peer_value(const char *name);
uint32_t peer_theirs(const char *name);

/* What a difference is about: the address of a value in memory, or 0; whether the instruction has that name; and the kinds of events. */
uint32_t peer_address(const struct difference *d);
bool peer_said(const struct event *e, const char *what);
bool peer_is_fault(const struct event *e);
bool peer_is_call(const struct event *e);

/* Did our processor meet an exception of that cause (an ID of cpu/causes.def) between the event before and this one? */
bool peer_caused(const char *id);
bool peer_caused_kind(const char *start); /* of any whose ID begins so: "PF-" */

/* Rows of peers.c that hold in IA-32e mode too. */
bool peer_disabled_breakpoint(const struct difference *d);
bool peer_breakpoint_early(const struct difference *d);

#endif
