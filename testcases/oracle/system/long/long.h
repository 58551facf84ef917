/*
 * The system oracle's guest of IA-32e mode: cases in 64-bit and compatibility mode. system.h, its sister of protected mode, tells how the
 * oracle works, and what the log looks like; here is what differs.
 *
 * There are no task gates in IA-32e mode: each vector has an interrupt gate with a stack of its own in the IST (1), and the logger's
 * entry (guest.asm) keeps all registers in a struct frame. Its code, data and stack are mapped in the case's page tables too, for the
 * supervisor; while it runs CR3 names tables of its own. Values of 64 bits are told in two halves, NAME and NAME.h.
 *
 * The first megabyte is mapped where it lies, and again through windows: see WINDOWS.
 */
#ifndef LIBSIM_TESTCASES_LONG_H
#define LIBSIM_TESTCASES_LONG_H

#include "testcases/oracle/system/harness.h"

/* ---- Memory ---- */

enum {
    GDT_AT = 0x10000,       /* what the guest itself needs, and the case's descriptors */
    LDT_AT = 0x12000,
    IDT_AT = 0x13000,
    TSS_AT = 0x14000,       /* the case's, with its bitmap; others at + OTHER_TSS * n */
    OTHER_TSS = 0x200, TSSS = 4,
    TABLES_AT = 0x18000,    /* PML4, PDPT, PD, PT of the first 2 MiB: a page each */
    DATA_AT = 0x30000,      /* DATA_PAGES */
    STACK_AT = 0x40000,     /* one page each: CPL 0, IST 2, IST 3, CPL 3 */
    ARENA_AT = GDT_AT, ARENA_END = 0x50000,
    DATA_PAGES = 8, STACK_PAGES = 4, WATCHED_PAGES = 0x50
};
enum { PML4_AT = TABLES_AT, PDPT_AT = TABLES_AT + PAGE, PD_AT = TABLES_AT + 2 * PAGE, PT_AT = TABLES_AT + 3 * PAGE };

/* The same 2 MiB at other addresses: by the page table, by a page of 2 MiB, by one of 1 GiB, in the upper half, and in the last 2 MiB. */
#define WINDOWS 6
extern const u64 windows[WINDOWS];

/* ---- Selectors ---- */

enum { H_CODE = 0x08, H_DATA = 0x10, H_CODE64 = 0x18, MAIN_TSS = 0x20, /* the guest's own: flat, CPL 0; 16 bytes for the TSS */
       FIRST = 0x400, GDT_LIMIT = 0xfff };

/* The case's descriptors, 8 bytes each. The first seven stand as SYSCALL, SYSRET, SYSENTER and SYSEXIT want them. */
enum slot {
    K_CODE64, K_DATA, U_CODE32, U_DATA, U_CODE64, U_DATA_2, FLATS,
    K_CODE32 = FLATS, K_CODE16, U_CODE16, CONF64_0, CONF32_0, CONF64_3, EXEC64_0, CODE_BOTH, CODES, /* CODE_BOTH: D and L */
    K_DATA16 = CODES, K_READ, U_READ, U_DOWN, K_BASED, U_BASED, K_STACK, U_STACK, PLAIN, /* these have bases that count in compatibility mode */
    SYSTEM = PLAIN,
    LDT_1 = SYSTEM, LDT_2 = LDT_1 + 2, TSS_1 = LDT_2 + 2, TSS_2 = TSS_1 + 2, TSS_ODD = TSS_2 + 2, CALL_FIRST = TSS_ODD + 2, /* 16 bytes each */
    CALL_LAST = CALL_FIRST + 14, ODD_1 = CALL_LAST + 2, MUTANT_FIRST = ODD_1 + 2, MUTANT_LAST = MUTANT_FIRST + 7, SLOTS
};
enum { LDT_ENTRIES = 16 };

/* ---- A case ---- */

enum gpr { AX, CX, DX, BX, SP, BP, SI, DI };

/* What the entry keeps of a case; guest.asm knows the order. */
struct frame {
    u64 fs_base, gs_base, kernel_gs_base, dr7, cr3, cr8;
    u64 ds, es, fs, gs;
    u64 reg[16];            /* RSP is in the frame of the event */
    u64 entry, error;       /* error: ~0 without one */
    u64 ip, cs, flags, sp, ss;
};

struct scenario {
    u32 number;
    u8 cpl, bits[ROUTINES]; /* 64, 32 or 16; [0] is where the case begins */
    u32 cr0, cr4, efer;
    u64 dr[4], dr7;
    bool no_data, keep_dr6;
    bool wide_stack;        /* ENTER, LEAVE and IRET of 64-bit mode have no other operand size */
};
extern struct scenario scenario;

/* ---- tables.c ---- */

void make_tables_once(void);
void make_tables(void);
u16 any_selector(void);
u16 code_selector(unsigned bits);
unsigned any_routine(unsigned bits, unsigned after);
u32 stack_top(unsigned page);
u64 any_window(void);       /* mostly where it lies */
u64 odd_address(void);      /* near an end of what is canonical, or beyond; or anything */
u64 rnd64(void);

/* ---- code.c ---- */

void make_code(void);

/* ---- log.c ---- */

void log_begin(const struct frame *f);
bool log_event(struct frame *f); /* of the entry; true: the case goes on */

/* ---- guest.asm ---- */

extern u8 log_entries[];    /* 16 bytes of code each */
extern u8 log_stack_top[];
void enter_case(struct frame *f); /* returns when the case has ended */

#endif
