/* What the manuals' structures mean, in words: shared by the explainer and the views. All of it only formats. */
#ifndef LIBSIM_DEBUG_WORDS_H
#define LIBSIM_DEBUG_WORDS_H

#include "base/buf.h"
#include "cpu/cpu.h"
#include "cpu/seg.h"

/* ---- Vectors ---- */

/* "#PF", "page fault", "Interrupt 14 - Page-Fault Exception (#PF)"; NULL for vectors that are no exceptions. */
const char *words_vector_short(unsigned vector);
const char *words_vector_name(unsigned vector);
const char *words_vector_section(unsigned vector);
/* "exception", "external interrupt", ... */
const char *words_delivery_type(enum cpu_delivery_type type);
/* Was it an exception in the manual's sense: a fault, trap or abort, or INT3 and its like? (Vector 8 may as well be IRQ 0.) */
bool words_is_exception(const struct cpu_delivery *d);
/* The error code's bits in words: "write by the kernel, page not present"; "GDT entry 2 (selector 0x0010)". */
void words_error(const struct cpu_delivery *d, struct sim_buf *out);

/* ---- Bits ---- */

struct words_bit {
    uint64_t mask;
    const char *name;
};
/* The names of the bits that are set, with blanks between them; "-" when none is. A table ends with mask 0. */
void words_bits(const struct words_bit *table, uint64_t value, struct sim_buf *out);
extern const struct words_bit words_cr0[], words_cr4[], words_efer[], words_eflags[], words_dr6[];

/* ---- Segments and gates ---- */

/* "code, readable, 32-bit" or "32-bit TSS, busy": what attributes (struct cpu_seg.attr) say a segment is. */
void words_attr(uint32_t attr, struct sim_buf *out);
/* A whole segment descriptor: what it is, DPL, present, base and limit. */
void words_descriptor(const struct seg_desc *d, struct sim_buf *out);
/* A gate: what it is, where it leads (with `symbol`, unless empty), DPL, present. */
void words_gate(const struct seg_desc *d, const char *symbol, struct sim_buf *out);
bool words_is_gate(uint32_t attr);
/* "ES" ... "TR" */
const char *words_segment_name(unsigned index);

/* ---- Paging ---- */

/* "PTE", "PDE", "PDPTE", "PML4E" */
const char *words_level(unsigned level);
/* An entry's bits and what it points at: "P W U A D, page 0x00123000". wide: of 8 bytes. */
void words_entry(uint64_t entry, unsigned level, bool wide, bool large_allowed, struct sim_buf *out);

/* ---- Others ---- */

/* "real mode", "32-bit protected mode", ... of a mode word. */
const char *words_mode(uint32_t mode);
/* 1234567 -> "1,234,567" */
const char *words_count(uint64_t n, char out[32]);

#endif
