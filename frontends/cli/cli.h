/*
 * The program `sim`: options, terminal, window, and the loop between them and a machine. Nothing of the machine's insides.
 *
 *   args.c    the table of options                 main.c    from options to exit status
 *   run.c     running, limits, stops               report.c  what is told: text or JSON
 *   serial.c  where serial ports lead              demo.c    the demonstration
 */
#ifndef SIM_CLI_H
#define SIM_CLI_H

#include <signal.h>

#include "libsim/debug.h"
#include "libsim/sim.h"

/* Exit statuses of --batch; 16 and up: the guest's own. */
enum {
    STATUS_OK = 0,
    STATUS_INTERNAL = 1,
    STATUS_USAGE = 2,
    STATUS_EVENT = 3,
    STATUS_LIMIT = 4,
    STATUS_GUEST = 16
};

#define PORTS 2 /* serial ports */

enum display { DISPLAY_AUTO, DISPLAY_WINDOW, DISPLAY_TERM, DISPLAY_NONE };

/* A list of texts, borrowed from the command line. */
struct texts {
    const char **item;
    unsigned count;
};

struct options {
    const char *image;
    bool batch, json, stats, wait, demo;
    bool realtime_given, realtime, timeline_given;
    bool boots_something;           /* a disk, CD or floppy: no demonstration kernel then */
    enum display display;
    const char *serial[PORTS];
    unsigned serial_count;
    const char *gdb, *screenshot;
    struct texts commands;          /* "eCOMMAND" and "xFILE", in order */
    struct texts stop_probes;       /* probes among the words of --stop-on */
    sim_steps until_step, limit_steps; /* UINT64_MAX: none */
    sim_cycles until_cycle;         /* SIM_NEVER: none */
    double limit_seconds;           /* 0: none */
    char *until_probe;              /* in monitor syntax; NULL: none */
};

struct port; /* serial.c */
struct report; /* report.c */

struct cli {
    struct options opt;
    struct sim_config config;
    struct sim *sim;
    struct report *report;
    struct port *port[PORTS];
    bool interactive;               /* somebody sits at a terminal and may be asked */
    uint32_t until_id;              /* probe of --until; 0: none */
    double started;                 /* host seconds at the first step */
    double host_seconds;            /* spent running */
    bool out_of_time;               /* --limit seconds passed */
};

/* Set by signal handlers. */
extern volatile sig_atomic_t cli_signal;

/* ---- args.c ---- */

/* Fills in cli->opt and cli->config. False: the caller ends with *status; what there is to say was said. */
bool args_parse(struct cli *cli, int argc, char **argv, int *status);
/* "sim: TEXT" on standard error; returns STATUS_USAGE. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- run.c ---- */

/* Runs the machine to its end and returns the exit status. */
int run_all(struct cli *cli);
double host_now(void);

/* ---- serial.c ---- */

/* Opens what `spec` names ("stdio", "file:P", "pty", "tcp:H:P", "null") for port n. False: said why. */
bool serial_open(struct cli *cli, unsigned n, const char *spec);
void serial_close(struct cli *cli);
/* Takes the guest's output. */
void serial_output(struct cli *cli, unsigned n, const void *data, size_t len);
/* Sends what waits to leave, and gives the guest what has come. Never waits. */
void serial_service(struct cli *cli);

/* ---- report.c ---- */

bool report_open(struct cli *cli);
void report_close(struct cli *cli);
/* Text of a channel that no back end took. */
void report_text(struct cli *cli, const char *channel, const void *data, size_t len);
void report_log(struct cli *cli, int level, const char *component, const char *line);
void report_stop(struct cli *cli, const struct sim_stop *stop);
void report_stats(struct cli *cli, const struct sim_stop *stop);
/* A monitor command's output. */
void report_command(struct cli *cli, const char *command, const char *text, enum sim_err err);
/* Sends what was held back for whole lines; `all`: also a line that may still grow. */
void report_flush(struct cli *cli, bool all);

#endif
