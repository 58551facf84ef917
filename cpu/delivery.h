/*
 * Deliveries: interrupts, exceptions and everything else that goes through the IDT, with their causes.
 *
 * A fault is raised by cpu_raise(), which leaves the instruction by the one non-local exit. The run loop then delivers
 * it; a fault met during delivery is combined by the double-fault rules. Each attempt leaves a record in the CPU's
 * history: what it was, which check failed, and the bytes that check looked at. The explainer reads nothing else.
 */
#ifndef LIBSIM_CPU_DELIVERY_H
#define LIBSIM_CPU_DELIVERY_H

#include "base/types.h"

struct cpu;

/* Causes: CPU_CAUSE_GP_LIMIT and so on; cpu/causes.def has their printed IDs and texts. */
enum cpu_cause {
    CPU_CAUSE_NONE,
#define CAUSE(id, text_id, vector, text) CPU_CAUSE_##id,
#include "cpu/causes.def"
#undef CAUSE
    CPU_CAUSE_COUNT
};
const char *cpu_cause_id(enum cpu_cause cause);   /* "GP-LIMIT" */
const char *cpu_cause_text(enum cpu_cause cause); /* a sentence */

/* SDM Vol. 3C, "Interruption type". */
enum cpu_delivery_type {
    CPU_DELIVER_EXTERNAL = 0,
    CPU_DELIVER_NMI = 2,
    CPU_DELIVER_EXCEPTION = 3,          /* hardware exception */
    CPU_DELIVER_SOFTWARE_INT = 4,       /* INT n */
    CPU_DELIVER_PRIVILEGED_EXCEPTION = 5, /* INT1 */
    CPU_DELIVER_SOFTWARE_EXCEPTION = 6, /* INT3, INTO */
    CPU_DELIVER_OTHER = 7               /* no event of the IDT: a shutdown by itself (RSM); the vector says nothing */
};

enum { VEC_DE, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM, VEC_DF, VEC_CSO, VEC_TS, VEC_NP, VEC_SS, VEC_GP,
       VEC_PF, VEC_MF = 16, VEC_AC, VEC_MC, VEC_XM, VEC_VE, VEC_CP };

/* The thing that a failed check looked at. */
enum cpu_evidence_kind {
    CPU_EVIDENCE_NONE,
    CPU_EVIDENCE_DESCRIPTOR, /* a segment descriptor: selector, where, bytes */
    CPU_EVIDENCE_GATE,       /* an IDT or call gate */
    CPU_EVIDENCE_TSS,        /* a field of a TSS */
    CPU_EVIDENCE_PTE,        /* a paging entry: `paddr` */
    CPU_EVIDENCE_OPERAND,    /* a memory operand: segment `selector` and offset */
    CPU_EVIDENCE_REGISTER    /* a value: `value` */
};
struct cpu_evidence {
    enum cpu_evidence_kind kind;
    uint16_t selector;
    uint8_t level;      /* PTE: 1 PT, 2 PD, 3 PDPT, 4 PML4; OPERAND: segment register index */
    uint8_t size;       /* valid bytes of `bytes` */
    uint64_t laddr;     /* where it stands; OPERAND: the offset */
    uint64_t paddr;
    uint64_t value;     /* PTE: the entry; OPERAND: the segment's limit; REGISTER: the value */
    uint8_t bytes[16];
};

struct cpu_delivery {
    bool valid;
    uint8_t vector;
    enum cpu_delivery_type type;
    bool has_error;
    bool nested;        /* met while delivering the record before it */
    bool shutdown;      /* this one ended in shutdown (the triple fault) */
    bool delivered;     /* reached its handler */
    uint32_t error;
    uint8_t insn_length; /* of INT n, INT3, INTO: the return address lies behind it */
    enum cpu_cause cause;
    struct cpu_evidence evidence;
    uint64_t cr2;       /* of a page fault */
    uint16_t cs;        /* where the instruction stands that led here */
    uint64_t ip;
    uint64_t cs_base;
    uint64_t sp;        /* SS:SP at that moment */
    uint16_t ss;
    uint8_t cpl;
    uint32_t mode;
    sim_steps step;     /* this CPU's step count */
    sim_cycles cycle;
};
#define CPU_HISTORY 16

/* Leaves the present instruction with a fault. Error-code vectors (8, 10-14, 17) use `error`; EXT is added where the rules
 * say so. cpu->evidence, if set since the step began, goes into the record. */
_Noreturn void cpu_raise(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause);
/* A page fault: sets CR2 first. `error` is complete. */
_Noreturn void cpu_raise_pf(struct cpu *cpu, sim_laddr laddr, uint32_t error, enum cpu_cause cause);

/* Notes what the next check looks at. `bytes` may be NULL. */
void cpu_evidence_at(struct cpu *cpu, enum cpu_evidence_kind kind, uint16_t selector, sim_laddr laddr, const void *bytes, unsigned size);

/*
 * Delivers one event through the IDT (real, protected, VM86, IA-32e mode), with stack switch, task gates and
 * error code. May itself raise. Called by the boundary (deliver_with_nesting in run.c) only; INT n, INT3, INTO and INT1 handlers go
 * through cpu_software_interrupt(). On return the CPU stands at the handler's first instruction.
 */
void cpu_deliver(struct cpu *cpu, struct cpu_delivery *event);
/* INT n and friends, from inside their handler: `next_ip` is pushed. */
void cpu_software_interrupt(struct cpu *cpu, unsigned vector, enum cpu_delivery_type type, uint64_t next_ip);

#endif
