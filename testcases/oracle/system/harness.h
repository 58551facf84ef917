/*
 * What the guests of the system oracle have in common: system.h (protected mode) and long/long.h (IA-32e mode) say what they are.
 */
#ifndef LIBSIM_TESTCASES_HARNESS_H
#define LIBSIM_TESTCASES_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

enum { PAGE = 0x1000 };

/* Ways into the logger, its entries: vectors 0 to 31, then INT_LOG and INT_END. INT_FIRST to INT_LAST are the case's own. */
enum { INT_LOG = 0x40, INT_END = 0x41, INT_FIRST = 0x42, INT_LAST = 0x4f, ENTRIES = 34 };

/* Does the entry mean an instruction that has faulted? The case goes on behind it, not at it. */
static inline bool entry_is_fault(u32 entry)
{
    return entry < 32 && entry != 1 && entry != 3 && entry != 4;
}

/* ---- emit.c: the code of a case ---- */

enum { CODE_AT = 0x20000, /* two pages of routines */
       ROUTINES = 8, ROUTINE_BYTES = 0x200, MAX_INSNS = 256 };

/* The routine that is being written. */
extern struct routine_out {
    u32 at, end;            /* offsets from CODE_AT */
    u8 bits;
    unsigned routine;
} out;

extern struct insn {
    u32 off;                /* from CODE_AT */
    const char *name;
    bool last;              /* the end of its routine */
} insns[MAX_INSNS];
extern unsigned insn_count;

u32 routine_offset(unsigned routine);
void byte(u32 v);
void bytes(u64 v, unsigned n);
void insn(const char *name); /* begins here */
int insn_at(u32 off);       /* its number; -1: none begins there */

/* ---- random.c: case n of a seed is always the same ---- */

void rnd_seed(u32 seed, u32 number);
u32 rnd(void);
u32 below(u32 n);           /* 0 .. n - 1 */
bool chance(u32 percent);
u32 flip_bit(u32 mask);     /* one of the bits of mask */

/* ---- memory.c ---- */

void put16(u32 at, u16 value);
void put32(u32 at, u32 value);
void put64(u32 at, u64 value);
u32 get32(u32 at);
void clear(u32 at, u32 bytes);
/* Access byte and flags of descriptors, types of system descriptors, bits of page table entries. */
enum {
    A_P = 0x80, A_S = 0x10, A_CODE = 0x0a, A_EXEC = 0x08, A_CONF = 0x0e, A_DATA = 0x02, A_READ = 0x00, A_DOWN = 0x06,
    F_L = 0x2000, F_DB = 0x4000, F_G = 0x8000, DPL = 0x20 /* times the level */
};
enum { SYS_TSS16 = 1, SYS_LDT = 2, SYS_CALL16 = 4, SYS_TASK_GATE = 5, SYS_INT16 = 6, SYS_TSS = 9, SYS_BUSY = 2, SYS_CALL = 12, SYS_INT = 14, SYS_TRAP = 15 };
enum { PT_P = 1, PT_RW = 2, PT_US = 4, PT_A = 0x20, PT_D = 0x40, PT_PS = 0x80, PT_G = 0x100 };

u64 descriptor(u32 base, u32 limit, u32 attr); /* attr: access byte, flags in bits 15:12; limit as encoded */
u64 gate(u16 selector, u32 offset, u32 access, u32 count);
u64 broken(u64 d);

/* ---- say.c: the log ---- */

extern bool log_to_printer;

void say(const char *text);
void say_hex(u32 value);
void say_value(const char *name, u32 value);
void say_flush(void);
bool say_end(const char *why); /* the case has ended; false */

/* ---- watch.c: memory that the log tells ---- */

struct watched {
    u32 at, dwords;
};

void watch_begin(const struct watched *areas, unsigned count);
void watch_look(const struct watched *areas, unsigned count, bool tell);

/* ---- command.c: the command line ---- */

/* Keeps it, for what the loader has left lies where cases will be. `info`: of Multiboot. */
void command_keep(u32 magic, const u32 *info);
const char *command_find(const char *name);
u32 command_number(const char *name, u32 otherwise);
/* Runs the cases that it asks for, and tells the end. */
void command_cases(void (*run)(u32 seed, u32 number));

#endif
