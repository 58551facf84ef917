/*
 * The system oracle's cases of real mode: ../system.h says what the oracle is, and how the log reads.
 *
 * A case is 16-bit code at CODE_SEG with an interrupt table at 0, most of whose vectors lead to the logger. That saves all registers beside its
 * own code in low memory, without a stack, and goes to protected mode; to go on it returns, and loads the segments again, so that what a
 * case has left in their hidden parts does not outlive an event. Cases go to protected mode, too, for some instructions, or come back
 * from it with segments of other limits ("unreal"); what faults there ends the machine, as there is no IDT for that.
 */
#ifndef LIBSIM_TESTCASES_REAL_H
#define LIBSIM_TESTCASES_REAL_H

#include "testcases/oracle/system/harness.h"

/* ---- Memory ---- */

enum {
    LOGGER_AT = 0x8000,     /* the logger's real-mode half; guest.asm knows it */
    GDT_AT = 0x10000, GDT_LIMIT = 0x7f,
    DATA_AT = 0x30000,      /* 64 KiB */
    STACK_AT = 0x40000,
    LOW_END = 0x9f000       /* filled before each case */
};
enum { LOGGER_SEG = LOGGER_AT >> 4, CODE_SEG = CODE_AT >> 4, DATA_SEG = DATA_AT >> 4, STACK_SEG = STACK_AT >> 4 };

/* Selectors: the harness's, then the case's, whose bases are those of real mode. */
enum { H_CODE = 0x08, H_DATA = 0x10, H_CODE16 = 0x18, H_DATA16 = 0x20, P_CODE = 0x28, P_DATA = 0x30, P_STACK = 0x38, P_BIG = 0x40, P_SMALL = 0x48, P_DOWN = 0x50 };

/* ---- A case ---- */

/* Below the logger's code; guest.asm knows the order. Selectors stand in dwords. */
struct frame {
    u32 reg[8];             /* as PUSHA has them, EAX first */
    u32 ds, es, fs, gs, ss;
    u32 cr0, dr7, entry;
    u16 gdt_limit;
    u32 gdt_base;
    u16 idt_limit;
    u32 idt_base;
} __attribute__((packed));
extern struct frame *const frame;

/* ---- code.c ---- */

void make_code(void);

/* ---- log.c ---- */

void log_begin(u32 number);
bool log_event(void);       /* true: the case goes on */

/* ---- guest.asm ---- */

extern u8 logger_begin[], logger_end[];
void enter_case(void);      /* returns when the case has ended */

#endif
