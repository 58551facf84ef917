/*
 * The monitor: commands for people, in gdb's words where gdb has one. Internal to libsim/.
 *
 * A command is a row: name, other names, usage, help, what may follow (for completion), and a handler that appends its answer to `out`.
 * The rows stand with their handlers:
 *
 *   monitor_run.c     going forward and back           monitor_step.c    source lines, calls and returns
 *   monitor_probe.c   break, watch, catch, who-wrote   monitor_info.c    info and why
 *   monitor_memory.c  x, print, set, disassemble       monitor_device.c  devices, bus, input
 *   monitor_source.c  list                             monitor.c         the interpreter, completion, help
 */
#ifndef LIBSIM_LIBSIM_MONITOR_H
#define LIBSIM_LIBSIM_MONITOR_H

#include "debug/dbg.h"
#include "libsim/machine.h"

/* One call of a command. */
struct monitor_call {
    struct sim *sim;
    struct cpu *cpu;       /* in focus */
    struct sim_buf *out;
    sim_text_fn *emit;     /* where `out` goes in the end, for monitor_flush; or NULL */
    void *emit_arg;
    const char *name;      /* the command's full name */
    const char *args;      /* what follows it, as typed, without blanks at its ends */
    const char *format;    /* of "x/8xw": "8xw"; "" without */
    char *word[32];        /* args cut at blanks */
    unsigned count;
};

typedef enum sim_err monitor_fn(struct monitor_call *m);

/* What may follow a command. */
enum monitor_follow { FOLLOW_NONE, FOLLOW_EXPRESSION, FOLLOW_WORDS, FOLLOW_COMMAND, FOLLOW_INFO, FOLLOW_DEVICE, FOLLOW_PROBE };

struct monitor_command {
    const char *name;
    const char *aliases;   /* separated by blanks; "" */
    const char *usage;     /* "break ADDR|SYMBOL|FILE:LINE [if EXPR]" */
    const char *help;      /* a line, then more lines if needed */
    monitor_fn *fn;
    enum monitor_follow follow;
    const char *words;     /* FOLLOW_WORDS: separated by blanks */
};

/* Tables end with a row without a name. */
extern const struct monitor_command monitor_run_commands[], monitor_step_commands[], monitor_probe_commands[], monitor_info_commands[],
    monitor_source_commands[], monitor_memory_commands[], monitor_device_commands[];
/* The topics of `info`; `usage` has no "info ". */
extern const struct monitor_command monitor_info_topics[];

/* What the monitor remembers between commands. */
struct monitor_bookmark {
    char name[24];
    sim_steps step;
};
struct monitor {
    struct monitor_bookmark bookmark[64];
    unsigned bookmarks;
    uint64_t next_examine; /* where a further `x` goes on */
    char examine_format;
    unsigned examine_size;
    char completion[160];
    unsigned depth;        /* scripts within scripts */
    bool quit;
};
/* The machine's; NULL without memory. */
struct monitor *monitor_of(struct sim *sim);
void monitor_destroy(struct sim *sim);

/* ---- For the handlers ---- */

/* Appends to the answer. */
#define say(m, ...) sim_buf_printf((m)->out, __VA_ARGS__)
typedef unsigned long long ull; /* for printf */

/* Hands over what was said so far, so that it comes before what the guest is about to say. */
void monitor_flush(struct monitor_call *m);
/* SIM_ERR_USAGE: what the command wants. */
enum sim_err monitor_usage(const struct monitor_call *m, const char *usage);
/* The whole of `text` as an expression. */
enum sim_err monitor_eval(const struct monitor_call *m, const char *text, uint64_t *value);
/* The n-th word as a count, `initial` when there is none. */
enum sim_err monitor_count(const struct monitor_call *m, unsigned n, uint64_t initial, uint64_t *value);
/* Is `word` the beginning of `full`, at least `least` characters of it? */
bool monitor_abbreviates(const char *word, const char *full, size_t least);

/* Linear address of the next instruction; of the top of the stack. */
uint64_t monitor_pc(const struct cpu *cpu);
uint64_t monitor_sp(const struct cpu *cpu);
/* The source line of an address, if it is known and can be read. */
void monitor_say_source(struct monitor_call *m, uint64_t laddr);
/* "0008:00100147 print_path+0x3 (bugs.c:36)  push ebp", and the source line. */
void monitor_say_location(struct monitor_call *m);
/* Why it stopped, and where. */
void monitor_say_stop(struct monitor_call *m, const struct sim_stop *stop);

#endif
