/* The debugger's inside, shared by the files of debug/. */
#ifndef LIBSIM_DEBUG_PRIVATE_H
#define LIBSIM_DEBUG_PRIVATE_H

#include "debug/dbg.h"

struct symbols;
struct trace;

struct dbg {
    struct cpu_cluster *cluster;
    struct bus *bus;
    struct symbols *symbols; /* symbols.c */
    struct trace *trace;     /* trace.c; NULL: off */

    /* probes.c */
    struct dbg_probe **probe; /* in order of id */
    unsigned probe_count;
    uint32_t next_id;
    unsigned stops_on;
    enum dbg_mode mode;
    struct cpu_observer observer;
    uint64_t split[64];
    struct dbg_hit hit;       /* of the present stop, or the last one recorded */
    bool has_hit;
    struct dbg_hit earlier;   /* DBG_RECORD: the last one of an earlier step than that */
    bool has_earlier;
    struct dbg_access access;
    bool has_access;
    int64_t step_offset[8];   /* machine step less the CPU's own, by CPU */
    char tail[256];           /* end of the console text so far, for CATCH_CONSOLE */
    unsigned tail_len;
};

/* Recomputes the observer from what is set, and gives it to the CPUs. */
void dbg_update_observer(struct dbg *dbg);

enum sim_err symbols_create(struct symbols **out);
void symbols_destroy(struct symbols *s);
void trace_destroy(struct dbg *dbg);
/* A step is about to be made (trace.c). */
void trace_step(struct dbg *dbg, struct cpu *cpu);
bool trace_wants_steps(const struct dbg *dbg);

/* A linear address as the CPU's present mode cuts it. */
sim_laddr dbg_linear(const struct cpu *cpu, uint64_t laddr);
/* All `len` bytes at a linear address, as an observer; false: not mapped. */
bool dbg_peek(struct cpu *cpu, sim_laddr laddr, void *out, size_t len);
/* dbg_disassemble for another mode word and CS base than the present ones. */
unsigned dbg_disassemble_as(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, uint64_t cs_base, uint32_t mode, char *out, size_t cap);
/* The descriptor of a selector, read as an observer. NULL, or in words why there is none. */
struct seg_desc;
const char *dbg_descriptor(struct cpu *cpu, uint16_t selector, struct seg_desc *out);

#endif
