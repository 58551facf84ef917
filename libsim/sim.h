/*
 * libsim: a full-system simulator of an x86 PC.
 *
 *     struct sim_config cfg;
 *     sim_config_init(&cfg);
 *     sim_config_set(&cfg, "image", "kernel.elf");
 *
 *     struct sim *sim;
 *     if (sim_create(&cfg, &sim) != SIM_OK)
 *         die("%s", sim_last_error());
 *
 *     struct sim_stop stop;
 *     sim_run_steps(sim, 1000000, &stop);
 *     if (stop.reason == SIM_STOP_TRIPLE_FAULT)
 *         puts(sim_explain(sim, &stop));
 *     sim_reverse_steps(sim, 1, &stop);
 *     sim_destroy(sim);
 *     sim_config_fini(&cfg);
 *
 * Handles are opaque. A process may hold many machines; nothing is global. One thread at a time owns a machine; only sim_interrupt()
 * and the sim_input_*() calls may come from other threads (and, for sim_interrupt, from signal handlers). The library prints nothing, exits
 * never, takes no signals. A failed call returns an error, leaves its line in sim_last_error(), and changes nothing.
 *
 * From a callback (output, log, probe) a program may read, interrupt and give input; every other call is SIM_ERR_BUSY.
 */
#ifndef LIBSIM_SIM_H
#define LIBSIM_SIM_H

#include "base/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_VERSION_MAJOR 0
#define SIM_VERSION_MINOR 1
#define SIM_VERSION "0.1"

/* The version of the library that is linked, as "0.1". */
const char *sim_version(void);

struct sim;

/* ---- Configuration ---- */

/* What machine to build. The members are the library's own; use the calls below. */
struct sim_config {
    struct sim_options *options;
};

/* A pc: 128 MiB, one `max` CPU at 1 GHz, unit timing, nothing to boot. */
void sim_config_init(struct sim_config *cfg);
void sim_config_fini(struct sim_config *cfg);

/*
 * Sets one option, by the name it has on the command line (sim_config_option() lists them): image, memory, cpus, cpu, quantum, seed, timing,
 * clock, rtc, bios, vgabios, boot, append, initrd, timeline, ... Options that may be given more than once (module, disk, device, plugin, probe) add up.
 *
 * Errors: SIM_ERR_UNKNOWN (no such option), SIM_ERR_USAGE (value out of range; the line says what is allowed).
 */
enum sim_err sim_config_set(struct sim_config *cfg, const char *name, const char *value);
/* An image in memory instead of a file: a Multiboot ELF, borrowed until the machine is destroyed. */
enum sim_err sim_config_image(struct sim_config *cfg, const void *data, size_t len);
/* Walks the options: name and one line of help of the n-th; false after the last. */
bool sim_config_option(unsigned n, const char **name, const char **help);

/* ---- What there is to choose from: each walks a list, false after its last; the texts live as long as the program ---- */

/* CPU models, for "cpu". */
bool sim_cpu_model(unsigned n, const char **name, const char **title);
/* Built-in device classes, for "device". */
bool sim_device_class(unsigned n, const char **name, const char **title);
/* Their properties: name, the value when not given, and what it means. */
bool sim_device_property(unsigned device_class, unsigned n, const char **name, const char **initial, const char **doc);

/* What of the instruction set is built, by extension: a table as text, malloc'ed for the caller; NULL without memory. */
char *sim_isa_coverage(void);

/* ---- Life ---- */

/*
 * Builds the machine, loads its image and leaves it at step 0. The configuration is copied.
 * Errors: SIM_ERR_IO, SIM_ERR_FORMAT (image), SIM_ERR_USAGE, SIM_ERR_NOMEM, SIM_ERR_UNSUPPORTED; *out is untouched then.
 */
enum sim_err sim_create(const struct sim_config *cfg, struct sim **out);
/* Writes back `,rw` images, then frees everything. NULL is allowed. */
void sim_destroy(struct sim *sim);
/* Writes the overlay of every `,rw` image into its file now. SIM_ERR_IO names the file. */
enum sim_err sim_commit(struct sim *sim);

/* ---- Running ---- */

#define SIM_STOP_LIST(X)                                                        \
    X(STEPS,        "steps",        "the requested number of steps was made")    \
    X(CYCLE,        "cycle",        "the requested cycle was reached")           \
    X(PROBE,        "probe",        "a breakpoint, watchpoint or other probe")   \
    X(TRIPLE_FAULT, "triple-fault", "a triple fault put a CPU into shutdown")    \
    X(DEAD_HALT,    "dead-halt",    "all CPUs halted and nothing can wake them") \
    X(POWER_OFF,    "power-off",    "the guest switched the machine off")        \
    X(EXIT,         "debug-exit",   "the guest wrote to the debug-exit port")    \
    X(RESET,        "reset",        "the guest asked for a reset (only when stopping on it)") \
    X(INTERRUPTED,  "interrupted",  "sim_interrupt() was called")                \
    X(START,        "start",        "the start of the timeline (running backwards)") \
    X(END,          "end",          "the end of the recorded past (running forward to it)") \
    X(ERROR,        "error",        "something that is not modelled, where going on would be a lie")

enum sim_stop_reason {
#define X(name, word, text) SIM_STOP_##name,
    SIM_STOP_LIST(X)
#undef X
};
const char *sim_stop_word(enum sim_stop_reason reason); /* "triple-fault" */

struct sim_stop {
    enum sim_stop_reason reason;
    unsigned cpu;              /* the CPU it is about, else the one that ran last */
    struct sim_position at;
    uint32_t code;             /* SIM_STOP_EXIT: the value written */
    uint32_t probe;            /* SIM_STOP_PROBE: its number */
    char text[160];            /* one line for people */
};

/* Run `steps` machine steps (0: none) or until something stops it. Equal machines given equal input end in equal states, however sliced. */
enum sim_err sim_run_steps(struct sim *sim, sim_steps steps, struct sim_stop *stop);
/* Run until the machine's clock reaches the absolute cycle; a past cycle runs nothing. SIM_NEVER: until something stops it. */
enum sim_err sim_run_until(struct sim *sim, sim_cycles cycle, struct sim_stop *stop);
/* Run until the machine's step or its cycle, both absolute, is reached (UINT64_MAX, SIM_NEVER: no such limit), or something stops it. */
enum sim_err sim_run_to(struct sim *sim, sim_steps step, sim_cycles cycle, struct sim_stop *stop);
/* One step of one CPU (others may run as their turn demands): what a debugger's stepi does. */
enum sim_err sim_step_cpu(struct sim *sim, unsigned cpu, struct sim_stop *stop);
/* Makes a run return soon (about 1 ms) with SIM_STOP_INTERRUPTED. Any thread, any signal handler. */
void sim_interrupt(struct sim *sim);

/*
 * A pulse: called between two steps, some hundred times a host second and at least every 10 ms of simulated time, while the machine runs, whoever
 * runs it (sim_command too). There a program looks after its terminal, window and sockets, gives input, interrupts, or waits to let idle
 * time pass. It is no part of the run: with or without, the same happens. NULL: none. Going back in time gives no pulse.
 */
typedef void sim_pulse_fn(void *arg);
void sim_on_pulse(struct sim *sim, sim_pulse_fn *fn, void *arg);

/* Where the machine is: its step and its cycle. */
struct sim_position sim_position(const struct sim *sim);
/* Simulated cycles per simulated second. */
uint64_t sim_clock_hz(const struct sim *sim);
unsigned sim_cpus(const struct sim *sim);
/* What a CPU is doing: "active", "halted", "waiting for SIPI", "shutdown", "frozen" (by an x87 error, until its
 * interrupt) or "waiting in MWAIT"; "" when there is no such CPU. */
const char *sim_cpu_activity(const struct sim *sim, unsigned cpu);
/* Retired instructions of all CPUs. */
uint64_t sim_retired(const struct sim *sim);

/* 64-bit digest of configuration, position, every component, disk overlays and RAM. Equal states give equal digests on every host. */
uint64_t sim_digest(struct sim *sim);

/* ---- Input: by one door, stamped with its position. Thread-safe. ---- */

/* Bytes for a channel ("serial0", "serial1"). SIM_ERR_UNKNOWN when no device accepts the channel. */
enum sim_err sim_input_bytes(struct sim *sim, const char *channel, const void *data, size_t len);
/* A key by its USB HID usage (page 7), pressed or released. */
enum sim_err sim_input_key(struct sim *sim, uint8_t usage, bool down);
/* Types text on the keyboard (US layout), at a pace that the guest can follow. */
enum sim_err sim_input_text(struct sim *sim, const char *text);
enum sim_err sim_input_mouse(struct sim *sim, int dx, int dy, int dz, unsigned buttons);
enum sim_err sim_input_reset(struct sim *sim);

/* ---- Output: by one door, once, when the run first passes its position ---- */

/* Channels: "serial0", "serial1", "parallel0", "debug" (port 0xE9), "firmware" (0x402), "post" (0x80). */
typedef void sim_output_fn(void *arg, const char *channel, const void *data, size_t len);
void sim_on_output(struct sim *sim, sim_output_fn *fn, void *arg);

/* level 0 error, 1 warning, 2 information, 3 trace; lines above `level` are dropped. */
typedef void sim_line_fn(void *arg, int level, const char *component, const char *line);
void sim_on_log(struct sim *sim, int level, sim_line_fn *fn, void *arg);

/* ---- Registers and memory ---- */

/* Registers by the manual's names in lower case: eax, ax, eip, eflags, cs, cs.base, cs.limit, cs.attr, cr0, dr6, gdtr.base, tr, msr:0x10 ... */
enum sim_err sim_reg_read(struct sim *sim, unsigned cpu, const char *name, uint64_t *value);
/* A debugger's write: an input of the run. SIM_ERR_USAGE: a value that could not have come about in a processor; nothing is written. */
enum sim_err sim_reg_write(struct sim *sim, unsigned cpu, const char *name, uint64_t value);

enum sim_space { SIM_LINEAR, SIM_PHYSICAL };
/* No side effects, no timing. *done: how many bytes could be copied; SIM_ERR_FAULT when fewer than len. Main memory, ROM, and devices that can be
 * looked at are read, by linear address also the CPU's local APIC; written is main memory alone. */
enum sim_err sim_mem_read(struct sim *sim, unsigned cpu, enum sim_space space, uint64_t addr, void *out, size_t len, size_t *done);
enum sim_err sim_mem_write(struct sim *sim, unsigned cpu, enum sim_space space, uint64_t addr, const void *in, size_t len, size_t *done);

/* ---- Time travel ---- */

/* Keeps checkpoints from now on (on by default, except in --batch): what the reverse calls need. budget_bytes 0: the default. */
enum sim_err sim_timeline(struct sim *sim, bool on, uint64_t budget_bytes);
/* The steps that can be visited. */
void sim_timeline_range(const struct sim *sim, sim_steps *first, sim_steps *last);
/* To any step of the timeline, back or forward: to the moment when it had just been made. A machine that stands at that step already, and may
 * have slept since, stays. SIM_ERR_RANGE outside the timeline. Nothing is sent, no callback is called. */
enum sim_err sim_goto(struct sim *sim, sim_steps step, struct sim_stop *stop);
enum sim_err sim_reverse_steps(struct sim *sim, sim_steps steps, struct sim_stop *stop);
/* Back by one step of one CPU. */
enum sim_err sim_reverse_step_cpu(struct sim *sim, unsigned cpu, struct sim_stop *stop);
/* Back to the last place where a probe would have stopped, or to the start. */
enum sim_err sim_reverse_run(struct sim *sim, struct sim_stop *stop);
/* Input given while in the past begins a new future: what was recorded after it is dropped. */

/* The state as a file; atomic. */
enum sim_err sim_save(struct sim *sim, const char *path);

/* ---- Pictures ---- */

/* The screen as a PNG file. SIM_ERR_UNSUPPORTED without libpng or display device. */
enum sim_err sim_screenshot(struct sim *sim, const char *path);
/* Pixels 0x00RRGGBB, width*height, malloc'ed for the caller. */
enum sim_err sim_picture(struct sim *sim, uint32_t *width, uint32_t *height, uint32_t **pixels);
/* The text screen: cells as character (code page 437) | attribute << 8, into cells[columns*rows], at most `max` cells; cursor -1 when hidden. SIM_ERR_UNSUPPORTED in
 * graphics modes. */
enum sim_err sim_text_screen(struct sim *sim, uint32_t *columns, uint32_t *rows, uint16_t *cells, size_t max, int *cursor_column, int *cursor_row);

#ifdef __cplusplus
}
#endif
#endif
