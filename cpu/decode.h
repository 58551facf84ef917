/*
 * Bytes to a decoded instruction.
 */
#ifndef LIBSIM_CPU_DECODE_H
#define LIBSIM_CPU_DECODE_H

#include "cpu/isa/isa.h"

/* No legal instruction is longer; SDM Vol. 2A, "Instruction format". */
#define INSN_MAX_BYTES 15

/*
 * Decodes the instruction at bytes[0..avail-1], avail <= 15, which stands at page offset `off`, for a mode word (code.h). Returns its length,
 * or 0 when it goes on past `avail` (never when avail is 15). Fills everything in *out; *row is its table row.
 *
 * What is not a legal instruction decodes too: to one whose handler raises #UD, or #GP for one longer than 15 bytes, with the precise
 * cause (its number is in imm); *row is NULL then. So does one that the present CPL may not execute (#GP(0)).
 */
unsigned decode(const struct cpu_isa_index *isa, uint32_t mode, unsigned off, const uint8_t *bytes, unsigned avail,
                struct cpu_insn *out, const struct isa_row **row);

/* Must the instruction end a block, or be one of its own? */
bool decode_ends_block(const struct cpu_insn *insn, const struct isa_row *row);
bool decode_is_alone(const struct cpu_insn *insn, const struct isa_row *row);

#endif
