/*
 * The system oracle: short random privileged sequences, the same on every machine, with the state logged at each step.
 *
 * The guest (guest.asm and the C files here, one Multiboot ELF) makes cases from numbers: descriptor tables, TSSs and page tables, some of
 * them broken in one field, and a few routines of privileged instructions. It lets each run, with TF set more often than not, and catches
 * every exception by a task gate: the processor itself then saves all registers into a TSS, and the logger has a stack, segments and page
 * tables of its own, whatever state the case is in. (Case kinds in IA-32e mode: by an interrupt stack of the IST.) What the logger finds
 * is written to the debug port 0xE9 as text; then the case goes on, behind the instruction that has faulted.
 *
 * run.sh runs the guest in the simulator and in a second opinion, and compare.c tells where the two logs differ. Nothing of the
 * comparison depends on a stub: peers need to boot a Multiboot ELF or a disk, and to have the port.
 *
 * The log, one line for each thing; all numbers are hexadecimal:
 *
 *     C n                        case n begins
 *     E vector error what ...    an exception or interrupt; `error` is `-` without an error code; `what` is the instruction that has
 *                                faulted, or that the case was to go on with (or `?`); then each value that is not as it was in the event before: NAME=VALUE,
 *                                registers as the TSS has them, and dwords of memory as mADDRESS=VALUE, the first time with
 *                                `:VALUE` that was there before
 *     X why                      the case has ended
 *     Z                          all is done
 */
#ifndef LIBSIM_TESTCASES_SYSTEM_H
#define LIBSIM_TESTCASES_SYSTEM_H

#include "testcases/oracle/system/harness.h"

/* ---- Memory: linear is physical here; 16-bit segments, VM86 and real mode reach all of it ---- */

enum {
    GDT_AT = 0x10000,       /* two pages: what the guest itself needs, and the case's descriptors */
    LDT_AT = 0x12000,
    IDT_AT = 0x13000,
    TSS_AT = 0x14000,       /* of the task that a case begins with, with its bitmaps */
    TASK_AT = 0x15000,      /* other TSSs, TASK_BYTES each */
    LOG_TSS_AT = 0x16000,   /* one for each way to enter the logger, TASK_BYTES each: two pages */
    CASE_PD = 0x18000, CASE_PT, /* of 32-bit paging; each 4 KiB: see CASE_TABLE */
    DATA_AT = 0x30000,      /* DATA_PAGES */
    STACK_AT = 0x40000,     /* one page for each CPL */
    ARENA_AT = GDT_AT, ARENA_END = 0x50000,
    LOW_END = 0x9f000, HIGH_END = 0x880000, /* up to here memory is cleared at first */
    TASK_BYTES = 0x80, TASKS = 4, DATA_PAGES = 8,
    WATCHED_PAGES = 0x50    /* whose page table entries differ from case to case */
};
#define CASE_TABLE(n) (CASE_PD + (n) * PAGE) /* 0 PD, 1 PT, 2 PDPT, 3 PD of PAE, 4 PT of PAE, 5 PML4 */

/* ---- Selectors ---- */

enum {
    H_CODE = 0x08, H_DATA = 0x10, H_CODE64 = 0x18, H_TSS = 0x20, /* the guest's own: flat, CPL 0 */
    MAIN_TSS = 0x28,
    LOG_TSS = 0x100,        /* + 8 * entry */
    FIRST = 0x1000,         /* the case's descriptors: FIRST + 8 * enum slot */
    GDT_LIMIT = 0x1fff
};

/* The case's descriptors. Names: code or data or stack, width, DPL. */
enum slot {
    C32_0, C32_1, C32_2, C32_3, C16_0, C16_3, CONF32_0, CONF16_0, CONF32_3, EXEC32_0, EXEC32_3, CODES,
    D32_0 = CODES, D32_1, D32_2, D32_3, D16_0, D16_3, READ_0, READ_3, DOWN_0, DOWN_3, FLAT_0, FLAT_3, DATAS,
    S32_0 = DATAS, S32_1, S32_2, S32_3, S16_0, S16_3, SDOWN_0, STACKS,
    LDT_1 = STACKS, LDT_2, TSS_1, TSS_2, TSS_16, TSS_SHORT, SYSTEMS,
    CALL_FIRST = SYSTEMS, CALL_LAST = CALL_FIRST + 11, TASK_GATE_1, TASK_GATE_2, ODD_1, ODD_2, MUTANT_FIRST, MUTANT_LAST = MUTANT_FIRST + 7, SLOTS
};
enum { LDT_ENTRIES = 16 };

/* ---- What a case is ---- */

struct scenario {
    u32 number;
    bool pae, paging;
    bool vm86;              /* begins in VM86 mode */
    u8 cpl, width;          /* begins so */
    u32 cr0, cr4;
    u32 dr[4], dr7;
    bool no_data;           /* no breakpoints on data */
    bool keep_dr6;          /* the logger does not clear DR6 */
    u8 bits[ROUTINES];      /* 16 or 32 */
};
extern struct scenario scenario;

/* ---- tables.c: descriptor tables, TSSs, page tables ---- */

void make_tables_once(void);
void make_tables(void);
u16 any_selector(void);
u16 code_selector(unsigned bits); /* one that fits, mostly */
unsigned any_routine(unsigned bits, unsigned after);

/* ---- code.c: the routines ---- */

void make_code(void);

/* ---- log.c ---- */

void log_begin(void);
/* Called by each task of the logger. True: the case goes on. */
bool log_event(unsigned entry, u32 *stack);

/* ---- guest.asm ---- */

extern u8 log_entries[];    /* 16 bytes of code each */
extern u8 log_stacks[];     /* 4096 bytes each */
extern u32 harness_pd[], harness_pdpt[];
void enter_case(void);      /* returns when the case has ended */

#endif
