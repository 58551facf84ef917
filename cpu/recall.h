/*
 * Instructions as they were decoded before, by their bytes: code that is written anew is mostly what it was, and code in general says the
 * same things again and again. Decoding takes some hundred host instructions, recalling some thirty.
 *
 * What is recalled is what decode() would say: the memory holds no state of the machine.
 */
#ifndef LIBSIM_CPU_RECALL_H
#define LIBSIM_CPU_RECALL_H

#include "cpu/decode.h"
#include "cpu/insn.h"

#define RECALL_ENTRIES 256
#define RECALL_BYTES 16 /* that can be read at `bytes`, whatever the instruction's length */

struct cpu_recall {
    struct cpu_recalled {
        uint64_t bytes[2];
        uint32_t mode;
        struct cpu_insn insn; /* without `fn`: none */
    } entry[RECALL_ENTRIES];
};

/* As decode() of 15 bytes, with the mode and the instruction set that the memory is for. */
unsigned recall_decode(struct cpu_recall *recall, const struct cpu_isa_index *isa, uint32_t mode, unsigned off, const uint8_t *bytes,
                       struct cpu_insn *out, const struct isa_row **row_out);

#endif
