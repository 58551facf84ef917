/*
 * What far transfers, deliveries and task switches share: faults that show a descriptor, the frame that is pushed on the present or
 * on an inner stack, and the commitment of CS:EIP and SS:ESP.
 *
 * The order in every transfer: read and check everything, probe the frame, write it, commit registers. A fault therefore leaves the
 * state of before; only accessed bits, TLB entries and CR2 may show that it was tried.
 */
#ifndef LIBSIM_CPU_TRANSFER_H
#define LIBSIM_CPU_TRANSFER_H

#include "cpu/code.h"
#include "cpu/delivery.h"
#include "cpu/seg.h"

static inline bool xfer_null(uint16_t selector) { return (selector & 0xfffc) == 0; }
static inline bool xfer_protected(const struct cpu *cpu) /* protected mode, VM86 not included */
{
    return cpu->cr0 & CR0_PE && !(cpu->eflags & EFL_VM);
}
static inline bool xfer_long(const struct cpu *cpu) { return cpu->efer & EFER_LMA; } /* IA-32e mode */
/* Where a descriptor table's entry, or a field of the TSS, stands: 32 bits outside IA-32e mode. */
static inline sim_laddr xfer_table_address(const struct cpu *cpu, sim_laddr laddr) { return xfer_long(cpu) ? laddr : (uint32_t)laddr; }
/* The address of the next instruction. */
static inline uint64_t xfer_next_ip(const struct cpu *cpu, uint64_t next) { return cpu->mode & MODE_L ? next : (uint32_t)next; }
static inline unsigned xfer_iopl(const struct cpu *cpu) { return (cpu->eflags & EFL_IOPL) >> EFL_IOPL_SHIFT; }
/* May this port be accessed? CPL <= IOPL, or the bitmap says so; raises if not. */
static inline void io_check(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (cpu->cr0 & CR0_PE && (cpu->eflags & EFL_VM || cpu->cpl > xfer_iopl(cpu)))
        io_check_bitmap(cpu, port, size);
}

/* ---- Faults ---- */

/* Raises with a descriptor or gate as evidence; the error code is its selector without RPL, or `error`. */
_Noreturn void xfer_fault(struct cpu *cpu, unsigned vector, enum cpu_cause cause, const struct seg_desc *d);
_Noreturn void xfer_fault_code(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause, const struct seg_desc *d);
/* Raises with a value (a selector, an offset, a register) as evidence. */
_Noreturn void xfer_fault_value(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause, uint64_t value);
/* Raises with a field of the present TSS as evidence. */
_Noreturn void xfer_fault_tss(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause, uint32_t off, unsigned size);

/* ---- Checks of descriptors: one algorithm, the causes (and #GP or #TS) by who asks ---- */

struct xfer_stack_rules {
    uint8_t vector;
    enum cpu_cause outside, rpl, dpl, type, absent;
};
struct xfer_data_rules {
    uint8_t vector;
    enum cpu_cause outside, system, unreadable, dpl, absent;
};
/* A stack segment for `cpl`; `selector` is not null. */
void xfer_check_stack(struct cpu *cpu, const struct xfer_stack_rules *rules, uint16_t selector, unsigned cpl, struct seg_desc *out);
/* A segment for DS, ES, FS or GS; `selector` is not null. */
void xfer_check_data(struct cpu *cpu, const struct xfer_data_rules *rules, uint16_t selector, struct seg_desc *out);

/* ---- Stacks and frames ---- */

struct xfer_stack {
    struct cpu_seg ss;
    uint64_t sp;
    bool wide;            /* a 64-bit stack pointer: no base, no limit, canonical */
    bool inner;           /* SS is loaded anew: `desc` */
    bool user;            /* pushes are made with user rights */
    uint32_t error;       /* of the #SS when the frame does not fit */
    enum cpu_cause cause;
    struct seg_desc desc; /* of an inner stack that is not `wide`; of others it is not set */
};

/* These fill `s`. */

/* The present stack; a frame that does not fit is #SS(0) with `cause`, in real mode with one of its own. */
void xfer_present_stack(const struct cpu *cpu, enum cpu_cause cause, struct xfer_stack *s);
/* The stack of the inner level `dpl`, from the TSS, with all its checks. */
void xfer_inner_stack(struct cpu *cpu, unsigned dpl, struct xfer_stack *s);
/* In IA-32e mode, for a gate to level `cpl`: ISTn, or RSPn from the TSS, or the present one. SS is null after a change of level. */
void xfer_long_stack(struct cpu *cpu, unsigned cpl, unsigned ist, struct xfer_stack *s);
/* SS as a null selector loads it in 64-bit mode. */
void xfer_null_stack(struct cpu *cpu, uint16_t selector);
/* Do `count` values of `size` bytes fit? Raises #SS. */
void xfer_check_room(struct cpu *cpu, const struct xfer_stack *s, unsigned count, unsigned size);
/* Could they be written? Raises #PF and #AC. */
void xfer_probe(struct cpu *cpu, const struct xfer_stack *s, unsigned count, unsigned size);
/* Pushes them, the first one highest: sets accessed bits, probes all, writes all. Moves s->sp. */
void xfer_push(struct cpu *cpu, struct xfer_stack *s, const uint64_t *values, unsigned count, unsigned size);

/* ---- Commitment: no more faults ---- */

void xfer_commit_stack(struct cpu *cpu, const struct xfer_stack *s);
/* CS gets `cpl` as its RPL. The caller ends with xfer_mode_changed(). */
void xfer_commit_code(struct cpu *cpu, const struct seg_desc *code, unsigned cpl, uint64_t ip);
/* Is this 64-bit code? */
static inline bool xfer_is_long(const struct cpu *cpu, const struct seg_desc *code) { return xfer_long(cpu) && code->attr & SEG_L; }
/* May code run there: within the limit, in 64-bit code canonical? */
bool xfer_reaches(const struct cpu *cpu, const struct seg_desc *code, uint64_t ip);
/* cpu_mode_changed(), and the observer hears of a new mode. */
void xfer_mode_changed(struct cpu *cpu);
/* A return to an outer level takes away data segments that this level may not use, and makes null selectors 0: SDM Vol. 2B, "RET". */
void xfer_drop_data_segments(struct cpu *cpu);

/* ---- Virtual interrupts ---- */

/* VIF and VIP are both set, and count: no instruction begins. */
bool vm86_interrupt_waits(const struct cpu *cpu);
_Noreturn void vm86_fault_waiting(struct cpu *cpu);

/* ---- Tasks ---- */

/* The descriptor of a TSS that a JMP, CALL, gate or event switches to: in the GDT, available, present. */
void xfer_check_task(struct cpu *cpu, uint16_t selector, enum cpu_cause table, enum cpu_cause busy, struct seg_desc *out);
/* The EIP that a switched-to task begins at lies within its code segment; #GP(0) if not. */
void xfer_check_task_ip(struct cpu *cpu, enum cpu_cause cause);

/* EFL_RF if the image of EFLAGS that this event saves has it set, else 0. */
uint32_t deliver_rf(const struct cpu *cpu, const struct cpu_delivery *e);

/* ---- VM86 (vm86.c) ---- */

/* All six segment registers as VM86 has them, from their selectors. */
void vm86_load_segment(struct cpu *cpu, unsigned seg, uint16_t selector);
/* INT n: true when it was redirected to the 8086 program's own handler; raises #GP(0) where it may not be executed. */
bool vm86_interrupt(struct cpu *cpu, unsigned vector, uint64_t next_ip);
/* IRET in VM86. */
void vm86_iret(struct cpu *cpu, const struct cpu_insn *i);
/* PUSHF's image, and POPF all but the stack pointer, with IOPL < 3; raise #GP(0) unless the extensions help. */
uint32_t vm86_pushf_image(struct cpu *cpu, unsigned size);
void vm86_popf(struct cpu *cpu, const struct cpu_insn *i);

#endif
