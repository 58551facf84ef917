/*
 * The program `sim`: options, terminal, window, and the loop between them and a machine. Nothing of the machine's insides.
 *
 *   args.c      the table of options               main.c     from options to exit status
 *   run.c       running, limits, stops             report.c   what is told: text or JSON
 *   session.c   the monitor at a terminal          terminal.c raw mode, escapes
 *   serial.c    where serial ports lead            display.c  the picture: window.c (SDL2), screen.c (in the terminal)
 *   demo.c      the demonstration                  keys.c     a terminal's bytes as keys
 */
#ifndef SIM_CLI_H
#define SIM_CLI_H

#include <poll.h>
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
    bool boots_something;           /* a disk, CD, floppy or BIOS: no demonstration kernel then */
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

struct port;       /* serial.c */
struct report;     /* report.c */
struct window;     /* window.c */
struct screen;     /* screen.c */
struct gdb_server; /* frontends/gdb */

struct cli {
    struct options opt;
    struct sim_config config;
    struct sim *sim;
    struct report *report;
    struct port *port[PORTS];
    struct window *window;
    struct screen *screen;
    struct gdb_server *gdb;
    bool interactive;               /* somebody sits at a terminal and may be asked */
    bool keys_to_keyboard;          /* those of the terminal; else to the port on stdio */
    bool stdin_ended;
    sim_cycles stdin_fed_at;
    bool escaping;                  /* Ctrl-A came, and what follows it is awaited */
    bool realtime;
    bool leaving;                   /* asked to end: Ctrl-A x, window closed, killed by gdb */
    bool finished;                  /* --until or --limit ended the run */
    bool gdb_knocks;                /* a packet waits: the machine was interrupted to read it */
    bool gdb_busy;                  /* within gdb_server_service */
    struct sim_stop end;            /* when the guest left: the stop that says how */
    bool ended;
    double pace_host;               /* host time and cycle from which --realtime counts */
    sim_cycles pace_cycle;
    double displayed;               /* host time of the last look at the picture */
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

/* ---- main.c ---- */

/* The machine that SIGINT interrupts while it runs; NULL: none. */
void signals_interrupt(struct sim *sim);

/* ---- run.c ---- */

/* Runs the machine to its end and returns the exit status. */
int run_all(struct cli *cli);
/* To the next stop, and shows it: `continue` of a session. */
void run_interactive(struct cli *cli);
double host_now(void);

/* ---- demo.c ---- */

/* Configures the machine for the demonstration. False: said why not. */
bool demo_prepare(struct cli *cli);
/* Shows it, and returns the exit status. */
int demo_run(struct cli *cli);

/* ---- session.c ---- */

/* Reads and runs commands until the session is over. */
void session_run(struct cli *cli);
/* Runs one and prints its answer or error. */
enum sim_err session_command(struct cli *cli, const char *line);

/* ---- terminal.c ---- */

/* Hands the terminal's keys to the guest; does nothing where there is no terminal to do so. */
void terminal_raw(struct cli *cli);
void terminal_cooked(void);
/* Gives the guest what has come on standard input, escapes taken out. Never waits. */
void terminal_service(struct cli *cli);
/* Standard input as something to wait for; false: nobody reads it. */
bool terminal_poll(const struct cli *cli, struct pollfd *fd);

/* ---- keys.c ---- */

/* What a terminal sent for keys becomes keys again, and is typed on the guest's keyboard. */
void keys_type(struct sim *sim, const char *bytes, size_t len);

/* ---- display.c ---- */

/* Opens what --display says. False: said why. */
bool display_open(struct cli *cli);
/* Shows what has changed, takes keys and mouse. Looks at the picture some 30 times a second only. */
void display_service(struct cli *cli, bool stopped);
/* Must display_service be called while the machine stands? */
bool display_wants_service(const struct cli *cli);
/* The monitor takes the terminal over; gives it back. */
void display_suspend(struct cli *cli);
void display_close(struct cli *cli);

/* ---- serial.c ---- */

/* Opens what `spec` names ("stdio", "file:P", "pty", "tcp:H:P", "null") for port n. False: said why. */
bool serial_open(struct cli *cli, unsigned n, const char *spec);
void serial_close(struct cli *cli);
/* Takes the guest's output. */
void serial_output(struct cli *cli, unsigned n, const void *data, size_t len);
/* Sends what waits to leave, and gives the guest what has come. Never waits. */
void serial_service(struct cli *cli);
/* The same; then, if the guest's text on standard output has not ended its line, ends it: somebody else is about to write there. */
void serial_end_line(struct cli *cli);
/* What to wait for until there is input: fills at most PORTS entries, returns how many. */
unsigned serial_poll(const struct cli *cli, struct pollfd *fds);
/* The port that leads to standard input and output; -1: none. */
int serial_on_stdio(const struct cli *cli);
/* Bytes for the guest on port n. */
void serial_input(struct cli *cli, unsigned n, const void *data, size_t len);
/* How many bytes, up to `most`, a line could have carried since *fed_at, which is set to now if it is not 0. */
size_t serial_room(const struct cli *cli, sim_cycles *fed_at, size_t most);

/* ---- report.c ---- */

bool report_open(struct cli *cli);
void report_close(struct cli *cli);
/* Text of a channel that no back end took. */
void report_text(struct cli *cli, const char *channel, const void *data, size_t len);
void report_log(struct cli *cli, int level, const char *component, const char *line);
/* How the run ended, and the exit status of that. */
void report_stop(struct cli *cli, const struct sim_stop *stop, int status);
void report_stats(struct cli *cli, const struct sim_stop *stop);
/* A monitor command's output, as JSON. */
void report_command(struct cli *cli, const char *command, const char *text, enum sim_err err);
/* Sends what was held back for whole lines; `all`: also a line that may still grow. */
void report_flush(struct cli *cli, bool all);

#endif
