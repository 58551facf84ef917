/*
 * The oracle test: one instruction at a time, natively as 64-bit, 32-bit or 16-bit user code on this host, and in the simulator, from the same
 * registers, segments and memory; then everything is compared.
 *
 * Both see the same linear addresses:
 *
 *     DATA   4 pages read/write, 1 read-only, 1 hole, 2 read/write, holes around
 *     CODE   2 pages, a hole behind
 *
 * and nothing else below 4 GiB, but that the simulator has its descriptor tables at SYSTEM, of the supervisor.
 *
 * A host may lack some of the modes, or segments with a base: then what it lacks is named and left out, and the rest is compared.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE       0x1000u
#define CANONICAL  0x0000800000000000ull /* addresses from here on belong to no user */
#define DATA       0x30000000u
#define DATA_PAGES 8u
#define CODE       0x31000000u
#define CODE_PAGES 2u
#define SYSTEM     0x32000000u
#define SYSTEM_PAGES 2u

enum { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI, R_COUNT = 16 };
enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_COUNT };

static inline bool data_present(unsigned page) { return page < DATA_PAGES && page != 5; }
static inline bool data_writable(unsigned page) { return data_present(page) && page != 4; }

/* A segment that both can have: flat, null, or one of the LDT's. */
struct segment {
    uint16_t selector; /* natively */
    uint32_t base, limit;
    bool code, down, readonly, big; /* readonly: of code, execute-only */
    bool wide;                      /* 64-bit code */
    bool null, absent;
};

/* The registers of the vector units and the x87, whose registers are in physical order. */
struct vectors {
    uint8_t ymm[16][32];
    uint64_t significand[8];
    uint16_t exponent[8];
    uint16_t control, status;
    uint32_t valid, mxcsr;
};

struct state {
    uint64_t reg[R_COUNT];
    struct vectors v; /* all zero in tests that are not about vectors */
    uint64_t ip;
    uint32_t eflags;
    int vector; /* of the fault that ended it; -1 none; 3: it ran on to the INT3 behind it */
    uint32_t error;
    uint64_t cr2;
    uint16_t sel[S_COUNT]; /* FS stays 0: natively it belongs to the C library */
};

struct test {
    struct state in;
    const struct segment *seg[S_COUNT];
    uint8_t code[16];
    unsigned len;
    uint32_t code_at; /* linear */
    bool vectors;     /* is one about them */
    bool to_end;      /* runs on to the INT3 behind it (REP; PUSHF, which would see TF; loads of SS); else one step is made */
    unsigned row;
};

/* ---- oracle.c ---- */

bool same_error(const struct state *native, const struct state *simulated);

/* ---- native.c ---- */

/* What this host runs and loads, each found by doing it: a kernel may take an LDT and yet load no segment of it, or have no 32-bit code. */
struct abilities {
    bool code16;            /* by the LDT */
    bool code32;            /* by flat_code */
    bool code32_by_ldt;
    bool code64;
    bool ldt;               /* data segments of the LDT */
    bool stray_stack;       /* 64-bit code whose RSP is not canonical */
};

/* NULL, or why this host cannot do it; then `has` says what it can, of which there is something. */
const char *native_init(const struct segment *ldt, unsigned count, struct abilities *has);
/* After that: can tests be about vectors? */
bool native_has_vectors(void);
/* Makes the read-only page so. */
void native_protect(void);
void native_put(uint32_t laddr, const void *bytes, unsigned len);
const uint8_t *native_page(uint32_t laddr);
void native_run(const struct test *t, struct state *out);

/* ---- simulated.c ---- */

/* Of the descriptors only those that the host has. */
const char *simulated_init(const struct abilities *host);
void simulated_put(uint32_t laddr, const void *bytes, unsigned len);
const uint8_t *simulated_page(uint32_t laddr);
void simulated_run(const struct test *t, struct state *out);

/* ---- generate.c ---- */

extern const struct segment flat_data, flat_code, wide_code;
extern struct segment ldt_segments[];
extern const unsigned ldt_count;

uint32_t rnd(void);
void rnd_seed(uint64_t seed);
/* Makes up a test of this row of the instruction table; what memory it wants goes to both sides. False: not this time. */
bool generate(unsigned row, bool wide, struct test *t);
/* To be called first. */
void generate_for(const struct abilities *host);
/* Rows that a user program may run, and that are compared; `wide`: in 64-bit mode. */
bool row_wanted(unsigned row, bool wide);

/* ---- vendor.c: hosts that are not Intel's ---- */

struct isa_row;
struct cpu_insn;

/* Would this test say something about us on this host? May change it until it does. `insn` is as decoded; `at`: its memory operand. */
bool vendor_can_judge(struct test *t, const struct isa_row *row, const struct cpu_insn *insn, uint64_t at);
/* Is another VEX.W no #UD? */
bool vendor_ignores_w(const struct isa_row *row);
/* Must the bytes behind it be there? */
bool vendor_needs_room(const struct isa_row *row);
/* The test in the simulator, as processors of the host's maker do it where that can be told beforehand. */
void vendor_run(const struct test *t, struct state *out);
/* Of outcomes that differ: did the host do what its maker's do, and just that? Changes what is simulated towards it. */
bool vendor_agrees(const struct test *t, const struct state *native, struct state *simulated);
void vendor_report(void);

/* ---- vectors.c: rows of MMX, SSE, AVX ---- */

bool vector_row(const struct isa_row *row);
/* Does the host have the extension, a number of sets.def? */
bool host_has_vectors(unsigned set);
/* Does it know the row with 256 bits, too, where we do not? */
bool host_has_wide(const struct isa_row *row);
void choose_vectors(struct test *t);
/* For rows whose addresses are in vectors, or in no operand. `insn` is as decoded. */
void aim_vectors(struct test *t, const struct isa_row *row, const struct cpu_insn *insn);
/* Something to read, 32 bytes of it. */
void vector_operand(const struct test *t, uint8_t *bytes);
/* Of generate.c: an offset that an access there might find interesting, and edges to look for at it. */
uint64_t offset_in(const struct test *t, unsigned seg);

/* ---- selectors.c: segment loads, far transfers, and the rest of the system's rows ---- */

bool system_row_wanted(const struct isa_row *row);
/* Those of them that are compared in 64-bit code, too: they load no segment. */
bool runs_in_64_bits(const struct isa_row *row);
/* Puts selectors where the instruction will find them; `at` is its memory operand. False: not this time. */
bool choose_selectors(struct test *t, const struct isa_row *row, const struct cpu_insn *insn, uint32_t at);
/* Of generate.c: into memory that both may write. */
void put_both(uint32_t laddr, const void *bytes, unsigned len);

#endif
