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
u64 descriptor(u32 base, u32 limit, u32 attr); /* attr: access byte, flags in bits 15:12; limit as encoded */
u64 gate(u16 selector, u32 offset, u32 access, u32 count);
u64 broken(u64 d);

/* ---- say.c: the log ---- */

extern bool log_to_printer;

void say(const char *text);
void say_hex(u32 value);
void say_value(const char *name, u32 value);
void say_flush(void);

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

#endif
