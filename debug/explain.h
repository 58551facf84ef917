/*
 * The story of a fault: the newest chain of deliveries in a CPU's history, and what each link of it was about.
 *
 *   story.c     which records belong together, and what a page fault on the way touched
 *   evidence.c  what the failed check looked at, in words
 *   hints.c     what the programmer may have done wrong, from tables of patterns:
 *               hints_tables.c and hints_reach.c, why a handler could not be reached; hints_fault.c, why the first fault happened
 *   explain.c   the whole, for people and as JSON
 */
#ifndef LIBSIM_DEBUG_EXPLAIN_H
#define LIBSIM_DEBUG_EXPLAIN_H

#include "debug/private.h"

struct story {
    struct dbg *dbg;
    struct cpu *cpu;
    struct cpu_delivery link[CPU_HISTORY]; /* oldest first; all but the first were met while another was being delivered */
    unsigned count;
    bool shutdown;              /* ended in a triple fault */
    bool current;               /* the CPU's registers are still those of the last link */
    bool cut;                   /* the history does not reach back to the chain's beginning */
    struct cpu_delivery before; /* the record before the chain; not valid when there is none */
    unsigned repeats;           /* records just before the chain with the same exception at the same place */
    unsigned searched;          /* how many records were looked through in vain for an exception; 0: one was found */
    uint32_t since;             /* records after the chain */
};

/* The newest chain with an exception in it, else the newest chain. False: nothing was ever delivered. */
bool story_gather(struct dbg *dbg, struct cpu *cpu, struct story *s);

/* The event that was being delivered when link n was met; NULL for the first. */
const struct cpu_delivery *story_delivering(const struct story *s, unsigned n);
/* Is link n the double fault that the two links before it were combined to? */
bool story_is_combined(const struct story *s, unsigned n);

/* What the access of a page fault was about. */
enum touch {
    TOUCH_OTHER, TOUCH_CODE, TOUCH_STACK, /* of the instruction */
    TOUCH_IDT, TOUCH_GDT, TOUCH_LDT, TOUCH_TSS, TOUCH_PRESENT_STACK, TOUCH_INNER_STACK /* of the delivery */
};
enum touch story_touch(const struct story *s, unsigned n);
/* "while pushing the frame on the stack 0010:0012fffc"; "" when there is nothing to say. */
void story_touch_text(const struct story *s, unsigned n, struct sim_buf *out);

/* Linear address of SS:SP of a record. */
sim_laddr story_sp(const struct story *s, const struct cpu_delivery *d);
/* SS:ESP of privilege level 0 in the present TSS; *laddr is their linear address (by the GDT's word). False: the TSS cannot be read. */
bool story_inner_stack(const struct story *s, uint16_t *ss, uint32_t *esp, sim_laddr *laddr);
/* Do the page tables map this address now? */
bool story_mapped(const struct story *s, sim_laddr laddr);

/* What the failed check of a link looked at. Appends nothing when it looked at nothing. */
void evidence_text(const struct story *s, const struct cpu_delivery *d, struct sim_buf *out);
/* "descriptor", "gate", ... as in JSON. */
const char *evidence_kind(enum cpu_evidence_kind kind);
/* Is the evidence an entry of the IDT (and not a gate in the GDT)? */
bool evidence_is_idt(const struct cpu_delivery *d);

/* ---- Hints ---- */

struct hint {
    const struct story *s;
    const struct cpu_delivery *d; /* the link it is about */
    unsigned n;                   /* its number in the story */
    char arg[3][96];              /* what {0}, {1}, {2} in the text stand for; set by the predicate */
};
/* A pattern: the first row whose predicate holds gives the hint. Of one topic one hint is given. */
struct hint_row {
    bool (*matches)(struct hint *h);
    uint8_t topic;
    const char *text;
};
enum { TOPIC_IDT = 1, TOPIC_GDT, TOPIC_STACK, TOPIC_TSS, TOPIC_PAGING, TOPIC_PIC, TOPIC_CODE, TOPIC_DATA, TOPIC_TASK, TOPIC_REACH };
extern const struct hint_row hints_tables[], hints_reach[], hints_fault[]; /* ending in a row without predicate */
void hint_arg(struct hint *h, unsigned n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The tables asked: the hints' texts, each ended by a newline. */
void hints_text(const struct story *s, struct sim_buf *out);

/* Shared by the tables. */
bool hint_table_entry(const struct hint *h, uint64_t base, unsigned index, uint64_t *raw); /* false: not mapped */
bool hint_handler_faults(struct hint *h);               /* the first fault is its own handler's, again and again */
bool hint_table_counts_entries(struct hint *h, uint64_t base, uint32_t limit, unsigned index, bool gate); /* a table's limit seems to be a count */
bool hint_cr3_is_table(struct hint *h);                 /* CR3 names a page table */
bool hint_cr3_unaligned(struct hint *h);                /* CR3 is no multiple of 4096 */
bool hint_cr3_is_empty(struct hint *h);                 /* CR3 names a table without a present entry, or no memory */

#endif
