/*
 * The oracle test: one instruction at a time, natively as 32-bit or 16-bit user code on this host, and in the simulator, from the same
 * registers, segments and memory; then everything is compared.
 *
 * Both see the same linear addresses:
 *
 *     DATA   4 pages read/write, 1 read-only, 1 hole, 2 read/write, holes around
 *     CODE   2 pages, a hole behind
 *
 * and nothing else below 4 GiB.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE       0x1000u
#define DATA       0x30000000u
#define DATA_PAGES 8u
#define CODE       0x31000000u
#define CODE_PAGES 2u

enum { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI };
enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_COUNT };

static inline bool data_present(unsigned page) { return page < DATA_PAGES && page != 5; }
static inline bool data_writable(unsigned page) { return data_present(page) && page != 4; }

/* A segment that both can have: flat, null, or one of the LDT's. */
struct segment {
    uint16_t selector; /* natively */
    uint32_t base, limit;
    bool code, down, readonly, big; /* readonly: of code, execute-only */
    bool null, absent;
};

struct state {
    uint32_t reg[8];
    uint32_t ip, eflags;
    int vector; /* of the fault that ended it; -1 none; 3: it ran on to the INT3 behind it */
    uint32_t error, cr2;
    uint16_t sel[S_COUNT]; /* FS stays 0: natively it belongs to the C library */
};

struct test {
    struct state in;
    const struct segment *seg[S_COUNT];
    uint8_t code[16];
    unsigned len;
    uint32_t code_at; /* linear */
    bool to_end;      /* runs on to the INT3 behind it (REP; PUSHF, which would see TF; loads of SS); else one step is made */
    unsigned row;
};

/* ---- native.c ---- */

/* NULL, or why this host cannot do it. */
const char *native_init(const struct segment *ldt, unsigned count);
/* Makes the read-only page so. */
void native_protect(void);
void native_put(uint32_t laddr, const void *bytes, unsigned len);
const uint8_t *native_page(uint32_t laddr);
void native_run(const struct test *t, struct state *out);

/* ---- simulated.c ---- */

const char *simulated_init(void);
void simulated_put(uint32_t laddr, const void *bytes, unsigned len);
const uint8_t *simulated_page(uint32_t laddr);
void simulated_run(const struct test *t, struct state *out);

/* ---- generate.c ---- */

extern const struct segment flat_data, flat_code;
extern struct segment ldt_segments[];
extern const unsigned ldt_count;

uint32_t rnd(void);
void rnd_seed(uint64_t seed);
/* Makes up a test of this row of the instruction table; what memory it wants goes to both sides. False: not this time. */
bool generate(unsigned row, struct test *t);
/* Rows that a user program may run, and that are compared. */
bool row_wanted(unsigned row);

/* ---- selectors.c: segment loads, far transfers, and the rest of the system's rows ---- */

struct isa_row;
struct cpu_insn;

bool system_row_wanted(const struct isa_row *row);
/* Puts selectors where the instruction will find them; `at` is its memory operand. False: not this time. */
bool choose_selectors(struct test *t, const struct isa_row *row, const struct cpu_insn *insn, uint32_t at);
/* Of generate.c: into memory that both may write. */
void put_both(uint32_t laddr, const void *bytes, unsigned len);

#endif
