/*
 * The debugger inside the library: probes, symbols, disassembly, explanations.
 *
 * debug/ knows the CPUs and the bus, and devices only as tables. What it needs of the machine as a whole (running, the timeline) it does not
 * have: probes only say "stop here", and libsim/ does the rest. Nothing here is guest state, nothing here changes it.
 *
 *   probes.c   break, watch, catch: the CPUs' observer         expr.c     expressions of conditions and of the monitor's arguments
 *   regs*.c    registers by name                               disasm.c   Zydis
 *   symbols.c  ELF symbols                                     lines.c, unwind.c  DWARF: source lines, call stacks
 *   explain.c  why did this fault (see explain.h)              views_*.c  gdt, idt, tss, page tables, tlb, registers as text
 *   trace.c    instruction and bus traces                      words.c    what structures and bits mean, in words
 */
#ifndef LIBSIM_DEBUG_DBG_H
#define LIBSIM_DEBUG_DBG_H

#include "base/buf.h"
#include "cpu/cpu.h"

struct dbg;
struct sim;

enum sim_err dbg_create(struct cpu_cluster *cluster, struct bus *bus, struct dbg **out);
void dbg_destroy(struct dbg *dbg);

/* ---- Probes (probes.c) ---- */

enum dbg_kind {
    DBG_BREAK,         /* execution at a linear address */
    DBG_BREAK_PHYS,    /* execution at a physical address */
    DBG_WATCH_WRITE, DBG_WATCH_READ, DBG_WATCH_ACCESS,
    DBG_CATCH_VECTOR,  /* delivery of a vector: of those in `vectors`, or (none there) in `addr`..`addr + length - 1` */
    DBG_CATCH_PORT, DBG_CATCH_CR, DBG_CATCH_MSR, DBG_CATCH_MODE, DBG_CATCH_MAGIC, DBG_CATCH_CONSOLE,
    DBG_CATCH_SHUTDOWN, DBG_CATCH_RESET /* they make dbg_stops_on() true */
};

struct dbg_probe {
    uint32_t id;
    enum dbg_kind kind;
    uint64_t addr, length;
    uint64_t vectors[4]; /* CATCH_VECTOR: a bit for each */
    int cpu;             /* -1: any */
    bool enabled, once, hidden; /* hidden: made by a front end (gdb, finish), not listed */
    bool spent;          /* `once`, and had its hit: goes when the next probe is added */
    bool exceptions_only, interrupts_only;
    uint32_t ignore;     /* hits still to be passed over */
    uint64_t hits;
    char *condition;     /* expression, or NULL */
    char *log;           /* text to log instead of stopping, or NULL */
    char *text;          /* CATCH_CONSOLE: what to wait for */
    char *spec;          /* as the user wrote it */
    bool (*callback)(void *arg, struct sim *machine, uint32_t id); /* instead of stopping; true: stop after all */
    void *callback_arg;
    struct sim *callback_sim; /* handed through: nothing here looks into it */
};

/* In the monitor's syntax (libsim/debug.h, sim_probe_add). */
enum sim_err dbg_probe_parse(struct dbg *dbg, const char *spec, uint32_t *id);
/* From a filled-in struct; strings are copied. */
enum sim_err dbg_probe_add(struct dbg *dbg, const struct dbg_probe *probe, uint32_t *id);
enum sim_err dbg_probe_remove(struct dbg *dbg, uint32_t id);
struct dbg_probe *dbg_probe_find(struct dbg *dbg, uint32_t id);
/* In order of id; NULL after the last. */
struct dbg_probe *dbg_probe_next(struct dbg *dbg, const struct dbg_probe *after);
/* After `enabled` of a probe was changed from outside. */
void dbg_probes_changed(struct dbg *dbg);

/* While the past is re-executed: how probes behave. */
enum dbg_mode {
    DBG_LIVE,   /* hits stop, log, call back */
    DBG_SILENT, /* no probe does anything: going to a known place */
    DBG_RECORD  /* hits are noted (dbg_last_hit) and do not stop: looking for the last one (set by dbg_record) */
};
void dbg_set_mode(struct dbg *dbg, enum dbg_mode mode);
/* DBG_RECORD, for a search that came from step `before`: what stops there, and not before it, is not noted. */
void dbg_record(struct dbg *dbg, sim_steps before);
/* The last hit noted since dbg_record; false: none. */
struct dbg_hit {
    sim_steps step;  /* machine step at which it would have stopped: before the instruction (break), after the access (watch, catch) */
    unsigned cpu;
    uint32_t probe;
    char text[160];
};
bool dbg_last_hit(const struct dbg *dbg, struct dbg_hit *hit);
/* How the debugger learns the machine step of what happens on a CPU now: sim's scheduler says what the machine's step count was when the CPU's
 * own count was `cpu_steps`; the difference holds until told otherwise. */
void dbg_tell_step(struct dbg *dbg, const struct cpu *cpu, sim_steps machine_step);

/* Is this a channel of console text? */
bool dbg_is_console(const char *channel);
/* Console text passes by here (from the output door), for CATCH_CONSOLE. step: the machine step at which the machine would stop for it; cpu: whose
 * step it is, or whose turn. True: stop. */
bool dbg_console(struct dbg *dbg, struct cpu *cpu, sim_steps step, const char *channel, const void *data, size_t len);
/* The machine step behind the one that this CPU makes now. */
sim_steps dbg_step_after(const struct dbg *dbg, const struct cpu *cpu);
/* The end of the console text so far: a word may lie across a checkpoint, which keeps this for the way back. */
struct dbg_console_tail {
    char text[256];
    unsigned len;
};
struct dbg_console_tail dbg_console_tail(const struct dbg *dbg);
void dbg_set_console_tail(struct dbg *dbg, const struct dbg_console_tail *tail);

/* What the present stop is about: fills in a line of text, returns the probe's number (0: none). */
uint32_t dbg_stop_text(struct dbg *dbg, char *text, size_t cap);

struct dbg_access { /* the last watch hit */
    uint32_t probe;
    uint64_t laddr, old, value;
    uint8_t size;
    bool write;
};
bool dbg_last_access(const struct dbg *dbg, struct dbg_access *out);

/* Stops that are not probes but settings: --stop-on. */
enum dbg_stop_event { DBG_STOP_TRIPLE_FAULT = 1, DBG_STOP_DEAD_HALT = 2, DBG_STOP_RESET = 4 };
bool dbg_stops_on(const struct dbg *dbg, enum dbg_stop_event event);
void dbg_set_stops_on(struct dbg *dbg, unsigned events);

/* ---- Expressions (expr.c) ---- */

/*
 * Numbers (0x.., decimal), registers ($eax, $cs.base, $cr0), symbols, memory (*EXPR: 4 bytes; b[EXPR] w[EXPR] d[EXPR] q[EXPR]; phys variants pb[..]),
 * operators of C with their precedence: ! ~ - * / % + - << >> < <= > >= == != & ^ | && ||, parentheses. 64-bit unsigned.
 * SIM_ERR_USAGE with the place of the error, SIM_ERR_UNKNOWN for names, SIM_ERR_FAULT for memory.
 */
enum sim_err dbg_eval(struct dbg *dbg, struct cpu *cpu, const char *text, uint64_t *value);
/* Registers by name (libsim/sim.h, sim_reg_read). */
enum sim_err dbg_reg_read(struct cpu *cpu, const char *name, uint64_t *value);
enum sim_err dbg_reg_write(struct cpu *cpu, const char *name, uint64_t value);
/* Registers of any width, as bytes (libsim/debug.h, sim_reg_read_bytes). */
enum sim_err dbg_reg_get(struct cpu *cpu, const char *name, void *out, size_t room, size_t *len);
enum sim_err dbg_reg_set(struct cpu *cpu, const char *name, const void *data, size_t len);
/* The n-th register's name, NULL after the last; for completion and front ends. */
const char *dbg_reg_name(unsigned n);

/* ---- Symbols (symbols.c) ---- */

enum sim_err dbg_symbols_load(struct dbg *dbg, const char *path, uint64_t offset);
/* ELF image in memory, for the built-in kernel; copied. */
enum sim_err dbg_symbols_load_memory(struct dbg *dbg, const char *name, const void *data, size_t len, uint64_t offset);
/* Nearest symbol at or below; false if none is plausible (beyond its size, or 64 KiB away for sizeless ones). */
bool dbg_symbol_at(const struct dbg *dbg, uint64_t laddr, const char **name, uint64_t *offset);
bool dbg_symbol_find(const struct dbg *dbg, const char *name, uint64_t *laddr);
/* The n-th symbol's name that begins with `prefix`, for completion. */
const char *dbg_symbol_complete(const struct dbg *dbg, const char *prefix, unsigned n);
bool dbg_line_at(const struct dbg *dbg, uint64_t laddr, const char **file, unsigned *line);
bool dbg_line_find(const struct dbg *dbg, const char *file, unsigned line, uint64_t *laddr);
/* "name+0x12 (file.c:40)"; "" when nothing is known. */
void dbg_symbolize(const struct dbg *dbg, uint64_t laddr, char *out, size_t cap);

struct dbg_frame {
    uint64_t ip, sp, fp;
};
/* Call stack, innermost first: DWARF CFI where there is any, else frame pointers. Returns the number of frames, at most `max`. */
unsigned dbg_backtrace(struct dbg *dbg, struct cpu *cpu, struct dbg_frame *frames, unsigned max);

/* ---- Disassembly (disasm.c) ---- */

/* The instruction at linear address laddr in the CPU's present mode; returns its length (1 for undecodable or unreadable bytes, with "(bad)" or "(unmapped)").
 * Intel syntax by Zydis; without it the mnemonic and the bytes. */
unsigned dbg_disassemble(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, char *out, size_t cap);

/* ---- Explanations (explain.c) ---- */

/* The newest chain of deliveries of the CPU with an exception in it (else the newest of all) in words, or as one JSON object. Nothing is appended when there
 * was none. JSON: cpu, step, shutdown, chain, stack[{eip,esp,where}], hint. A link of the chain: n, vector, name, type, error (or null), error_text, cause
 * (an ID of cpu/causes.def, or ""), text, doing, cs, eip, symbol, instruction, cr2 (or null), cpl, step (before it), nested (met while the link before it was
 * being delivered; or, of a #DF with a cause DF-*, made of the two before it), delivered, shutdown, evidence{kind,selector,linear,physical,value,bytes,text} (or
 * null). Numbers are decimal; `step` is the machine's while one CPU runs, and near enough with more. */
void dbg_explain(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_explain_json(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);

/* ---- Views (views_*.c): each appends readable text; what a processor would refuse is marked with '!' ---- */

void dbg_view_registers(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_float(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);  /* x87: registers, control, status and tag word in words, last instruction */
void dbg_view_vector(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out); /* MMX, XMM or YMM registers, and MXCSR */
/* One register by name; the wide ones as the numbers that they may hold. */
enum sim_err dbg_view_register(struct cpu *cpu, const char *name, struct sim_buf *out);
void dbg_view_segments(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_cpu(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);   /* mode, control registers decoded, activity, pending events */
void dbg_view_gdt(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_ldt(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_idt(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_tss(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_tlb(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_page_tables(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out); /* runs of equal rights, merged */
void dbg_view_translate(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, struct sim_buf *out); /* each level's entry; TLB against tables */
void dbg_view_lapic(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);
void dbg_view_msrs(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out);

/* ---- Traces (trace.c) ---- */

/* The last `capacity` bus transactions are kept while on (0: off). */
enum sim_err dbg_bus_trace(struct dbg *dbg, unsigned capacity);
struct dbg_bus_filter {
    uint64_t first, last;  /* address range */
    int kind;              /* enum bus_kind, -1: any */
    int master;            /* -1: any */
};
void dbg_bus_show(struct dbg *dbg, unsigned count, const struct dbg_bus_filter *filter, struct sim_buf *out);
/* Calls `fn` with a line before each step while on: CPU, its step count, address, symbol, bytes, disassembly; behind '|' the registers that have changed since
 * this CPU's line before. NULL: off. Steps of a re-executed past have no line. */
void dbg_trace_steps(struct dbg *dbg, void (*fn)(void *arg, const char *line), void *arg);

#endif
