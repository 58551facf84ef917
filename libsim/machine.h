/*
 * struct sim: the only place that knows the whole machine. Internal to libsim/.
 *
 *   options.c   configuration by name           assemble.c  building the pc from it, reset
 *   load*.c     images for direct boot           sched.c     whose turn it is; events, inputs, requests
 *   firmware.c  what firmware does or is told    media_file.c  host files      plugin.c  users' devices
 *   input.c     the one door in                  output.c    the one door out
 *   timeline.c  checkpoints, goto, reverse       save.c      checkpoint files
 *   api.c       the public calls                 monitor*.c  sim_command
 */
#ifndef LIBSIM_LIBSIM_MACHINE_H
#define LIBSIM_LIBSIM_MACHINE_H

#include <stdatomic.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "bus/bus.h"
#include "cpu/cpu.h"
#include "libsim/debug.h"
#include "libsim/sim.h"

#define SIM_MAX_CPUS 8

struct dbg;
struct timeline;
struct sim_options;

enum image_kind { IMAGE_NONE, IMAGE_MULTIBOOT, IMAGE_MULTIBOOT2, IMAGE_BZIMAGE, IMAGE_DISK, IMAGE_CDROM, IMAGE_BOOT_SECTOR, IMAGE_FLAT, IMAGE_CHECKPOINT,
                  IMAGE_LOG };

/* ---- Input: what waits at the door ---- */

/* One input. `position` is set when it enters the run; a pending one has none yet. */
struct input {
    struct sim_position position;
    char channel[24];   /* a device's channel, or "@reset", "@reg", "@reg-bytes", "@mem" for the machine itself */
    uint16_t cpu;       /* "@reg", "@mem" */
    uint32_t len;
    uint8_t *data;      /* owned */
};

/* Inputs that entered the run, in order, for re-execution. */
struct input_log {
    struct input *item;
    size_t count, cap;
};

struct input_queue {        /* from any thread */
    pthread_mutex_t lock;
    struct input *item;
    size_t count, cap;
    atomic_bool waiting;
};

/* ---- Requests that devices make during a step ---- */

struct machine_request {
    bool reset, power_off, exit, error;
    uint32_t exit_code;
    char error_text[160];
};

/* ---- Turns: sched.c ---- */

struct turn {
    bool valid;
    uint64_t seed;
    uint32_t cpu;
    sim_cycles end;
};

struct sim {
    struct sim_options *options;
    struct sim_clock clock;
    struct sim_log log;
    struct bus *bus;
    struct cpu_cluster *cluster;
    struct dbg *dbg;            /* probes, symbols, explainer: debug/ */
    struct timeline *timeline;  /* NULL while off */
    uint64_t config_digest;     /* of what defines the machine: options and image contents */

    /* State of the machine itself: a component */
    sim_steps step;             /* machine steps */
    uint64_t turn_seed;         /* state of the generator that draws turns; 0: fixed quantum */
    uint32_t turn_cpu;          /* the CPU whose turn it is */
    sim_cycles turn_end;        /* its turn ends at this cycle of its clock */
    bool powered_off;
    uint64_t inputs_done;       /* inputs that had their effect: the next one is inputs.item[inputs_done] */
    uint64_t outputs_done;      /* outputs emitted */
    struct sim_component self;

    /* Derived */
    struct turn kept_turn;      /* during a run: the turn in which the last step was made */
    struct machine_request request;
    struct input_queue queue;
    struct input_log inputs;
    enum sim_err refused;       /* what the last debugger's write came to */
    sim_steps furthest_step;    /* the end of the timeline */
    uint64_t furthest_output;   /* outputs sent; re-execution of these is silent */
    struct cpu *stepping;       /* the CPU that makes steps now; NULL between turns, when events fire */
    bool console_stop;          /* console text that a probe waits for has passed */
    sim_output_fn *output;
    void *output_arg;
    sim_line_fn *line;
    void *line_arg;
    sim_pulse_fn *pulse;
    void *pulse_arg;
    sim_cycles pulse_cycles;    /* length of a slice between pulses */
    struct typing *typing;      /* text on its way to the keyboard: typing.c */
    struct monitor *monitor;    /* what it remembers between commands */
    atomic_bool interrupted;
    bool running;               /* a run is on the stack, or a callback of one */
    bool stop_on_reset;
    uint32_t quantum;           /* cycles */
    unsigned focus;
    struct sim_stop last_stop;
    const struct sim_component **components; /* all, in component order: machine, bus, CPUs, LAPICs, devices */
    unsigned component_count;
    struct sim_buf text, json;  /* answers of sim_explain and the like */
    struct media_file *media;   /* open images: media_file.c */
    struct plugin *plugins;     /* open shared objects: plugin.c */
    struct sim_buf image;       /* the kernel image, for direct boot: load.c */
    struct sim_buf initrd;      /* of a Linux kernel: load_linux.c */
    struct load_modules *modules; /* and what goes with it: load_modules.c */
    enum image_kind image_kind;
    bool needs_firmware;
    bool boot_cdrom_first;
    bool boot_floppy_first;
    unsigned disk_count;
};

/* ---- sched.c ---- */

/* How far a run may go, and whether it re-executes the past. */
struct run_limits {
    sim_steps step;     /* absolute; UINT64_MAX: none */
    sim_cycles cycle;   /* absolute; SIM_NEVER: none */
    int only_cpu;       /* >= 0: stop when this CPU has made a step */
    bool past;          /* re-execution: inputs from the log only, interrupts ignored */
};
/* Runs the machine. Never fails: what ends it is in *stop. Called with nothing on the stack that belongs to the machine. */
void sched_run(struct sim *sim, const struct run_limits *limits, struct sim_stop *stop);
/* Before state is taken or an input has its effect: during a run, forgets a turn in which no step was made yet. */
void sched_settle(struct sim *sim);
/* A reset that was asked for and has not happened yet happens now: before an input that came behind it. */
void sched_reset(struct sim *sim);
/* The machine's present cycle: that of the CPU furthest behind, or of the last event when all sleep. */
sim_cycles sched_now(const struct sim *sim);
struct sim_position sched_position(const struct sim *sim);

/* ---- assemble.c ---- */

enum sim_err machine_assemble(struct sim *sim);
void machine_dismantle(struct sim *sim);
/* Power-on or hard reset of everything; loads the image again for direct boot. */
enum sim_err machine_reset(struct sim *sim, enum sim_reset kind);
void machine_request(void *sim, enum sim_request what, uint32_t code);

/* ---- input.c, output.c ---- */

void input_init(struct sim *sim);
void input_fini(struct sim *sim);
/* Gives the inputs that are due at the present position to their devices: those of the log, and, unless the past is re-executed, those that wait in the
 * queue, which enter the log and begin a new future. */
void input_deliver(struct sim *sim, bool past);
/* The position of the next logged input. */
bool input_next(const struct sim *sim, struct sim_position *at);
enum sim_err input_enqueue(struct sim *sim, const char *channel, unsigned cpu, const void *data, size_t len);
void output_emit(void *sim, const char *channel, const void *data, size_t len);

/* ---- state.c: all components together ---- */

enum sim_err state_list(struct sim *sim); /* fills `components` */
void state_pack(struct sim *sim, struct sim_buf *out);
enum sim_err state_unpack(struct sim *sim, struct sim_reader *in);
uint64_t state_digest(struct sim *sim);

/* ---- timeline.c ---- */

enum sim_err timeline_create(struct sim *sim, uint64_t budget_bytes);
void timeline_destroy(struct sim *sim);
/* Called by the scheduler between turns: takes a checkpoint when one is due. */
void timeline_tick(struct sim *sim);
/* Step at which the next checkpoint is due, so that the scheduler can stop there. */
sim_steps timeline_next(const struct sim *sim);
enum sim_err timeline_goto(struct sim *sim, sim_steps step, struct sim_stop *stop);
/* Drops the checkpoints after the present step: the past was changed. */
void timeline_forget_future(struct sim *sim);
/* Earliest step that can be visited. */
sim_steps timeline_first(const struct sim *sim);
enum sim_err timeline_reverse_run(struct sim *sim, struct sim_stop *stop);
enum sim_err timeline_reverse_step_cpu(struct sim *sim, unsigned cpu, struct sim_stop *stop);

#endif
