/*
 * Segmentation: descriptors, segment loads, far transfers, task switches.
 *
 * Each function carries out one algorithm of the SDM with all its checks in the manual's order, and raises with the cause's ID and the
 * descriptor as evidence. Nothing is committed before the last check, but for what the SDM lets stand.
 */
#ifndef LIBSIM_CPU_SEG_H
#define LIBSIM_CPU_SEG_H

#include "cpu/cpu.h"
#include "cpu/insn.h"

/* A descriptor as read from a table. */
struct seg_desc {
    uint16_t selector;
    bool outside;      /* its table's limit: nothing below is valid but `limit`, the table's */
    uint64_t laddr;    /* where it stands */
    uint64_t raw;      /* the eight bytes */
    bool wide;         /* a system descriptor of IA-32e mode, which has eight more: `upper` */
    uint64_t upper;
    uint32_t attr;     /* as in struct cpu_seg */
    uint64_t base;
    uint32_t limit;    /* scaled */
    /* gates, and what may be one (SEG_S is clear): */
    uint16_t gate_selector;
    uint64_t gate_offset;
    uint8_t gate_count;
    uint8_t gate_ist;
};

/* Reads the descriptor of `selector` from GDT or LDT; false when the index lies outside its table. */
bool seg_read(struct cpu *cpu, uint16_t selector, struct seg_desc *out);
/* In IA-32e mode a system descriptor has sixteen bytes: reads the upper eight, and completes base and offset. False when they lie outside
 * the table. What is found in place of their type is in the upper word: seg_upper_type(). Elsewhere: nothing to do, true. */
bool seg_read_upper(struct cpu *cpu, struct seg_desc *d);
static inline unsigned seg_upper_type(const struct seg_desc *d) { return d->wide ? (unsigned)(d->upper >> 40) & 31 : 0; }
/* Sets the descriptor's accessed bit in memory if it is clear. */
void seg_set_accessed(struct cpu *cpu, struct seg_desc *d);
void seg_decode(uint64_t raw, struct seg_desc *out);
/* Fills the segment register's hidden part from the descriptor. */
void seg_load_cache(struct cpu *cpu, unsigned seg, const struct seg_desc *d);
/* Real mode and VM86: base = selector << 4. In real mode limit and rights stay ("unreal"); in VM86 they are set. */
void seg_load_real(struct cpu *cpu, unsigned seg, uint16_t selector);
/* Unusable until the next load; in real mode that load makes it an ordinary 64-KByte segment again. */
void seg_load_null(struct cpu *cpu, unsigned seg, uint16_t selector);

/* MOV/POP/LxS to ES, SS, DS, FS, GS, in any mode, with all checks. SS: the caller sets the shadow. The caller ends with
 * cpu_mode_changed(). */
void seg_load(struct cpu *cpu, unsigned seg, uint16_t selector);

/* Far transfers: complete instructions. On return cpu->ip, CS (SS:SP) are the target's. */
void far_jump(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint64_t offset);
void far_call(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint64_t offset);
void far_return(struct cpu *cpu, const struct cpu_insn *i, unsigned release_bytes);
void far_iret(struct cpu *cpu, const struct cpu_insn *i);

enum task_source { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_EVENT };
/* Switches to the task of a TSS descriptor (already checked to be an available, or for IRET a busy, present TSS). For TASK_EVENT an error
 * code may be pushed on the new stack by the caller afterwards. `next_ip` is what the old TSS saves. */
void task_switch(struct cpu *cpu, const struct seg_desc *tss, enum task_source source, uint64_t next_ip);

/* Reads the inner stack pointer for `dpl` from the TSS (16- or 32-bit). Raises #TS. */
void tss_stack(struct cpu *cpu, unsigned dpl, uint16_t *ss, uint32_t *sp);
/* Likewise from a 64-bit TSS: RSPn for `dpl`, or, not 0, the interrupt stack ISTn. */
uint64_t tss_stack64(struct cpu *cpu, unsigned dpl, unsigned ist);
/* Does the I/O permission bitmap allow this port? Raises #GP(0) with the precise cause if not. */
void io_check_bitmap(struct cpu *cpu, uint16_t port, unsigned size);

#endif
