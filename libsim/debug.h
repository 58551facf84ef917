/*
 * Debugging a simulated machine: probes, symbols, disassembly, explanations, and the monitor's commands.
 *
 * Everything here is observation: it changes neither the guest nor its timing (sim_digest() is the same with and without).
 */
#ifndef LIBSIM_DEBUG_H
#define LIBSIM_DEBUG_H

#include "libsim/sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Probes ---- */

/*
 * Adds a probe, in the monitor's syntax:
 *
 *     break ADDR|SYMBOL|FILE:LINE|phys:ADDR     execution, before the step
 *     watch|rwatch|awatch ADDR[:LEN]            data, after the step
 *     catch interrupt|exception N[,N..]|triple-fault|port P[:LEN]|cr N|msr N|mode|reset|console TEXT|magic
 *
 * each followed by options: `if EXPR`, `ignore N`, `cpu N`, `once`, `log TEXT`. *id: its number, >= 1.
 * Errors: SIM_ERR_USAGE, SIM_ERR_UNKNOWN (symbol).
 */
enum sim_err sim_probe_add(struct sim *sim, const char *spec, uint32_t *id);
enum sim_err sim_probe_remove(struct sim *sim, uint32_t id);
enum sim_err sim_probe_enable(struct sim *sim, uint32_t id, bool enabled);
/* A hidden probe is a front end's own (gdb's breakpoints): it works as any other, and `info breakpoints` does not list it. */
enum sim_err sim_probe_hide(struct sim *sim, uint32_t id, bool hidden);
/* For a program: called at each hit instead of stopping; returns true to stop after all. */
typedef bool sim_probe_fn(void *arg, struct sim *sim, uint32_t id);
enum sim_err sim_probe_callback(struct sim *sim, uint32_t id, sim_probe_fn *fn, void *arg);

/* What the last access hit of a watch was; false if the last stop was none. */
struct sim_watch_hit {
    uint32_t probe;
    uint64_t laddr, old, value;
    unsigned size;
    bool write;
};
bool sim_watch_hit(const struct sim *sim, struct sim_watch_hit *out);

/* ---- Explanations ---- */

/* The last fault (or triple fault) in words: the chain of deliveries, the check that failed at each link, the bytes it looked at, a hint.
 * stop: which CPU it is about; NULL: the focus. Owned by the machine, valid until the next call. "" when nothing was delivered yet. */
const char *sim_explain(struct sim *sim, const struct sim_stop *stop);
/* The same as one JSON object (fields: chain[{vector,name,error,cause,text,cs,eip,symbol,cr2,evidence}], stack[], hint). */
const char *sim_explain_json(struct sim *sim, const struct sim_stop *stop);

/* ---- Symbols ---- */

/* Adds the symbols of an ELF file; `offset` is added to its addresses. The image's own are there already. */
enum sim_err sim_symbols_load(struct sim *sim, const char *path, uint64_t offset);
/* "kernel_main+0x12 (main.c:40)" into out; SIM_ERR_UNKNOWN when no symbol covers the address. */
enum sim_err sim_symbolize(struct sim *sim, uint64_t laddr, char *out, size_t cap);
enum sim_err sim_symbol_address(struct sim *sim, const char *name, uint64_t *laddr);

/* ---- Wide registers ---- */

/*
 * A register of any width as bytes, the lowest first: st0 to st7 (10 bytes; ST(i), not the physical register), xmm0 to xmm15 (16), ymm0 to ymm15 (32),
 * and all that sim_reg_read() knows, in as many bytes as they have. That one knows fcw, fsw, ftw, fop, fip, fcs, fdp, fds, mm0 to mm7, mxcsr,
 * pkru and the quadwords of the vectors: xmm0.q1, ymm15.q3.
 *
 * room: bytes that `out` has; 32 are always enough. *len: how many were written.
 * Errors: SIM_ERR_UNKNOWN (no such register, or none in this CPU model), SIM_ERR_USAGE (too little room).
 */
enum sim_err sim_reg_read_bytes(struct sim *sim, unsigned cpu, const char *name, void *out, size_t room, size_t *len);
/* A debugger's write: an input of the run. ST(i) and MMi change as values alone: tags and TOP stay. SIM_ERR_USAGE: not as many bytes as the register
 * has, or a value that a processor could not hold. */
enum sim_err sim_reg_write_bytes(struct sim *sim, unsigned cpu, const char *name, const void *data, size_t len);

/* ---- Code and stack ---- */

/* One instruction at laddr as the present mode of the CPU reads it: text into out, its length in *len. */
enum sim_err sim_disassemble(struct sim *sim, unsigned cpu, uint64_t laddr, char *out, size_t cap, unsigned *len);

struct sim_frame {
    uint64_t ip, sp;
    char where[200]; /* as sim_symbolize; the address when unknown */
};
/* The call stack, innermost first; *count in: room, out: frames. */
enum sim_err sim_backtrace(struct sim *sim, unsigned cpu, struct sim_frame *frames, unsigned *count);

/* ---- The monitor ---- */

/* Receives the command's output, any number of pieces. */
typedef void sim_text_fn(void *arg, const char *text, size_t len);

/*
 * Runs one command ("info registers", "break main", "reverse-step 10"; `help` lists them). Commands that run the machine return when it
 * stops. Errors: SIM_ERR_UNKNOWN (no such command), else the command's own; the text says more.
 */
enum sim_err sim_command(struct sim *sim, const char *line, sim_text_fn *out, void *arg);
/* Completions of a command line: the n-th word that could stand at its end, or NULL. Borrowed until the next call. */
const char *sim_complete(struct sim *sim, const char *line, unsigned n);
/* The command `quit` was given: the program that reads commands should end. */
bool sim_wants_quit(const struct sim *sim);
/* The CPU that commands are about ("cpu N" in the monitor). */
unsigned sim_focus(const struct sim *sim);
enum sim_err sim_set_focus(struct sim *sim, unsigned cpu);
/* The stop of the last run, whoever started it. */
void sim_last_stop(const struct sim *sim, struct sim_stop *stop);

#ifdef __cplusplus
}
#endif
#endif
