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
    sim_steps record_before;  /* DBG_RECORD: where the search came from */
    struct dbg_access access;
    bool has_access;
    int64_t step_offset[8];   /* machine step less the CPU's own, by CPU */
    struct dbg_console_tail tail;
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

/* ---- Registers of x87, MMX, SSE and AVX (regs_fpu.c), behind regs.c ---- */

enum fpu_reg { FPU_REG_CW, FPU_REG_SW, FPU_REG_TW, FPU_REG_OP, FPU_REG_IP, FPU_REG_CS, FPU_REG_DP, FPU_REG_DS, FPU_REG_MXCSR };
uint64_t regs_fpu_read(const struct cpu *cpu, enum fpu_reg which);
enum sim_err regs_fpu_write(struct cpu *cpu, const char *name, enum fpu_reg which, uint64_t v);
/* st0 to st7, xmm0 to xmm15, ymm0 to ymm15. The n-th name, NULL after the last. */
const char *regs_wide_name(unsigned n);
bool regs_is_wide(const char *name);
enum sim_err regs_wide_read(const struct cpu *cpu, const char *name, uint8_t out[32], size_t *len);
/* One that there is, with as many bytes as it has. */
void regs_wide_write(struct cpu *cpu, const char *name, const uint8_t *data);
/* The CPU's model does not have the instruction set (SET_x) that the register belongs to: true, and sim_last_error() says so. */
bool regs_lacks(const struct cpu *cpu, const char *name, unsigned set);

#endif
