/*
 * Every check that protected-mode code can run into: vector, error code and cause, one row each. SDM Vol. 3A, "Protection",
 * "Task management"; the order of checks from Vol. 2.
 */
#include "testcases/unit/system_bench.h"

enum where { KERNEL, USER };

struct poke {
    uint32_t at;
    unsigned size;
    uint64_t value;
};
#define SETDESC(selector, raw) { AT_GDT + (selector), 8, (raw) }
#define SETGATE(vector, raw)   { AT_IDT + 8 * (vector), 8, (raw) }
#define SET32(at, value)       { (at), 4, (value) }
#define SET16(at, value)       { (at), 2, (value) }

struct row {
    enum where where;
    const char *code;
    unsigned len;
    uint32_t eax, eflags;
    uint32_t stack[6]; /* from ESP upwards */
    struct poke poke[3];
    unsigned vector;
    uint32_t error;
    enum cpu_cause cause;
    bool task;    /* the fault is the new task's */
    unsigned at;  /* offset of the instruction that faults, if the first one succeeds */
};

#define B(bytes) .code = bytes, .len = sizeof(bytes) - 1

/* The instructions under test; far ones get their selector and offset from the table's text. */
#define MOV_DS  "\x8e\xd8"
#define MOV_SS  "\x8e\xd0"
#define POP_ES  "\x07"
#define JMP_FAR "\xff\x28" /* jmp far [eax]: the pointer stands at AT_DATA */
#define CALL_FAR_ "\xff\x18"
#define RETF    "\xcb"
#define IRETD   "\xcf"
#define LLDT    "\x0f\x00\xd0"
#define LTR     "\x0f\x00\xd8"
#define INT(n)  "\xcd" n

/* jmp/call far [AT_DATA] with this pointer */
#define FAR(insn, selector, offset) B(insn), .eax = AT_DATA, .poke = { SET32(AT_DATA, offset), SET16(AT_DATA + 4, selector) }
#define FAR_AND(insn, selector, offset, ...)                                                                                     \
    B(insn), .eax = AT_DATA, .poke = { SET32(AT_DATA, offset), SET16(AT_DATA + 4, selector), __VA_ARGS__ }
#define IS(vec, code, id) .vector = VEC_##vec, .error = (code), .cause = CPU_CAUSE_##id
#define TASK(vec, code, id) IS(vec, code, id), .task = true
#define RET(...) B(RETF), .stack = { __VA_ARGS__ }
#define IRET_(...) B(IRETD), .stack = { __VA_ARGS__ }
/* jmp TSS32 after a change in that TSS */
#define SWITCH(...) FAR_AND(JMP_FAR, TSS32, 0, __VA_ARGS__)

static const struct row rows[] = {
    /* MOV, POP to DS, ES, FS, GS */
    { KERNEL, B(MOV_DS), .eax = OUTSIDE, IS(GP, OUTSIDE, GP_SEG_LIMIT) },
    { KERNEL, B(MOV_DS), .eax = 0x24 | 1, IS(GP, 0x24, GP_SEG_LIMIT) }, /* beyond the LDT */
    { KERNEL, B(MOV_DS), .eax = TSS32, IS(GP, TSS32, GP_SEG_SYSTEM) },
    { KERNEL, B(MOV_DS), .eax = CALL32, IS(GP, CALL32, GP_SEG_SYSTEM) },
    { KERNEL, B(MOV_DS), .eax = CODE_XO, IS(GP, CODE_XO, GP_SEG_EXECONLY) },
    { KERNEL, B(MOV_DS), .eax = DATA0 | 3, IS(GP, DATA0, GP_SEG_DPL) },
    { USER, B(MOV_DS), .eax = DATA0, IS(GP, DATA0, GP_SEG_DPL) },
    { USER, B(MOV_DS), .eax = CODE0, IS(GP, CODE0, GP_SEG_DPL) },
    { KERNEL, B(MOV_DS), .eax = DATA_NP, IS(NP, DATA_NP, NP_DATA) },
    { KERNEL, B(POP_ES), .stack = { DATA_NP }, IS(NP, DATA_NP, NP_DATA) },
    { KERNEL, B("\x0f\xb5\x08"), .eax = AT_DATA, .poke = { SET16(AT_DATA + 4, OUTSIDE) }, IS(GP, OUTSIDE, GP_SEG_LIMIT) }, /* LGS */
    /* SS */
    { KERNEL, B(MOV_SS), .eax = 0, IS(GP, 0, GP_SS_NULL) },
    { KERNEL, B(MOV_SS), .eax = 3, IS(GP, 0, GP_SS_NULL) },
    { KERNEL, B(MOV_SS), .eax = OUTSIDE, IS(GP, OUTSIDE, GP_SEG_LIMIT) },
    { KERNEL, B(MOV_SS), .eax = DATA0 | 1, IS(GP, DATA0, GP_SS_RPL) },
    { KERNEL, B(MOV_SS), .eax = DATA3, IS(GP, DATA3, GP_SS_DPL) },
    { KERNEL, B(MOV_SS), .eax = DATA_RO, IS(GP, DATA_RO, GP_SS_TYPE) },
    { KERNEL, B(MOV_SS), .eax = CODE0, IS(GP, CODE0, GP_SS_TYPE) },
    { KERNEL, B(MOV_SS), .eax = LDT, IS(GP, LDT, GP_SS_TYPE) },
    { KERNEL, B(MOV_SS), .eax = DATA_NP, IS(SS, DATA_NP, SS_NP_MOV) },
    { USER, B(MOV_SS), .eax = DATA0 | 3, IS(GP, DATA0, GP_SS_DPL) },
    { KERNEL, B("\x0f\xb2\x08"), .eax = AT_DATA, IS(GP, 0, GP_SS_NULL) }, /* LSS */
    { KERNEL, B("\x8e\xc8"), .eax = CODE0, IS(UD, 0, UD_MOVCS) },
    { KERNEL, B("\x8e\xf0"), .eax = DATA0, IS(UD, 0, UD_SEGREG) },
    { KERNEL, B("\x8c\xf8"), IS(UD, 0, UD_SEGREG) },
    /* LLDT, LTR */
    { KERNEL, B(LLDT), .eax = LDT | 4, IS(GP, LDT | 4, GP_LLDT) },
    { KERNEL, B(LLDT), .eax = OUTSIDE, IS(GP, OUTSIDE, GP_LLDT) },
    { KERNEL, B(LLDT), .eax = DATA0, IS(GP, DATA0, GP_LLDT) },
    { KERNEL, B(LLDT), .eax = TSS32, IS(GP, TSS32, GP_LLDT) },
    { KERNEL, B(LLDT), .eax = LDT_NP, IS(NP, LDT_NP, NP_LLDT) },
    { USER, B(LLDT), .eax = LDT, IS(GP, 0, GP_CPL0) },
    { KERNEL, B(LTR), .eax = 0, IS(GP, 0, GP_LTR) },
    { KERNEL, B(LTR), .eax = TSS32 | 4, IS(GP, TSS32 | 4, GP_LTR) },
    { KERNEL, B(LTR), .eax = OUTSIDE, IS(GP, OUTSIDE, GP_LTR) },
    { KERNEL, B(LTR), .eax = TSS_SELF, IS(GP, TSS_SELF, GP_LTR) }, /* busy */
    { KERNEL, B(LTR), .eax = LDT, IS(GP, LDT, GP_LTR) },
    { KERNEL, B(LTR), .eax = TSS_NP, IS(NP, TSS_NP, NP_TSS) },
    /* far JMP and CALL to code */
    { KERNEL, FAR(JMP_FAR, 0, AT_TASK), IS(GP, 0, GP_JMP_NULL) },
    { KERNEL, FAR(JMP_FAR, OUTSIDE, AT_TASK), IS(GP, OUTSIDE, GP_JMP_LIMIT) },
    { KERNEL, FAR(JMP_FAR, DATA0, AT_TASK), IS(GP, DATA0, GP_JMP_TYPE) },
    { KERNEL, FAR(JMP_FAR, LDT, AT_TASK), IS(GP, LDT, GP_JMP_TYPE) },
    { KERNEL, FAR(JMP_FAR, INT_GATE, AT_TASK), IS(GP, INT_GATE, GP_JMP_TYPE) },
    { KERNEL, FAR(JMP_FAR, CONF3, AT_TASK), IS(GP, CONF3, GP_JMP_CONF) },
    { KERNEL, FAR(JMP_FAR, CODE0 | 3, AT_TASK), IS(GP, CODE0, GP_JMP_NONCONF) },
    { KERNEL, FAR(JMP_FAR, CODE3, AT_TASK), IS(GP, CODE3, GP_JMP_NONCONF) },
    { USER, FAR(JMP_FAR, CODE0, AT_TASK), IS(GP, CODE0, GP_JMP_NONCONF) },
    { KERNEL, FAR(JMP_FAR, CODE_NP, AT_TASK), IS(NP, CODE_NP, NP_CS_JMP) },
    { KERNEL, FAR(JMP_FAR, CODE_SMALL, AT_TASK), IS(GP, 0, GP_JMP_OFFSET) },
    { KERNEL, FAR(CALL_FAR_, 3, AT_TASK), IS(GP, 0, GP_JMP_NULL) },
    { KERNEL, FAR(CALL_FAR_, CODE_SMALL, AT_TASK), IS(GP, 0, GP_JMP_OFFSET) },
    { USER, FAR(CALL_FAR_, CODE0 | 3, AT_TASK), IS(GP, CODE0, GP_JMP_NONCONF) },
    /* call gates */
    { USER, FAR(CALL_FAR_, CALL32_DPL0, 0), IS(GP, CALL32_DPL0, GP_GATE_DPL) },
    { KERNEL, FAR(CALL_FAR_, CALL32_DPL0 | 1, 0), IS(GP, CALL32_DPL0, GP_GATE_DPL) },
    { USER, FAR(CALL_FAR_, CALL_NP, 0), IS(NP, CALL_NP, NP_GATE) },
    { USER, FAR(CALL_FAR_, CALL_NULL, 0), IS(GP, 0, GP_GATE_CSNULL) },
    { USER, FAR(CALL_FAR_, CALL_FAR, 0), IS(GP, OUTSIDE, GP_GATE_CS) },
    { USER, FAR(CALL_FAR_, CALL_DATA, 0), IS(GP, DATA0, GP_GATE_CS) },
    { KERNEL, FAR(CALL_FAR_, CALL_SELF3, 0), IS(GP, CODE3, GP_GATE_CS) },
    { USER, FAR(CALL_FAR_, CALL_CODE_NP, 0), IS(NP, CODE_NP, NP_GATE_CS) },
    { USER, FAR(JMP_FAR, CALL32, 0), IS(GP, CODE0, GP_GATE_JMP) },
    { USER, FAR(CALL_FAR_, CALL_SMALL, 0), IS(GP, 0, GP_JMP_OFFSET) },
    /* the inner stack */
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SET16(AT_TSS + 8, 0)), IS(TS, 0, TS_STACK_NULL) },
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SET16(AT_TSS + 8, OUTSIDE)), IS(TS, OUTSIDE, TS_STACK_LIMIT) },
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SET16(AT_TSS + 8, DATA0 | 3)), IS(TS, DATA0, TS_STACK_RPL) },
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SET16(AT_TSS + 8, DATA3)), IS(TS, DATA3, TS_STACK_DPL) },
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SET16(AT_TSS + 8, DATA_RO)), IS(TS, DATA_RO, TS_STACK_TYPE) },
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SET16(AT_TSS + 8, DATA_NP)), IS(SS, DATA_NP, SS_NP_TSS) },
    { USER, FAR_AND(CALL_FAR_, CALL32, 0, SETDESC(DATA0, DESC(0, 0xfff, SEG_DB | SEG_P | SEG_S | 2))), IS(SS, DATA0, SS_PUSH_NEW) },
    /* task gates and TSSs: before the switch */
    { USER, FAR_AND(CALL_FAR_, TASK_GATE, 0, SETDESC(TASK_GATE, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0))), IS(GP, TASK_GATE, GP_GATE_DPL) },
    { USER, FAR(JMP_FAR, TASK_NP, 0), IS(NP, TASK_NP, NP_GATE) },
    { USER, FAR(JMP_FAR, TASK_LDT, 0), IS(GP, TSS32 | 4, GP_TSS_TI) },
    { USER, FAR(JMP_FAR, TASK_FAR, 0), IS(GP, OUTSIDE, GP_TSS_TI) },
    { USER, FAR(JMP_FAR, TASK_BUSY, 0), IS(GP, TSS_SELF, GP_TSS_BUSY) },
    { USER, FAR(JMP_FAR, TASK_TSS_NP, 0), IS(NP, TSS_NP, NP_TSS) },
    { USER, FAR(JMP_FAR, TSS32, 0), IS(GP, TSS32, GP_TSS_DPL) },
    { KERNEL, FAR(JMP_FAR, TSS32 | 1, 0), IS(GP, TSS32, GP_TSS_DPL) },
    { KERNEL, FAR(JMP_FAR, TSS_SELF, 0), IS(GP, TSS_SELF, GP_TSS_BUSY) },
    { KERNEL, FAR_AND(JMP_FAR, 0xc, 0, { AT_LDT + 8, 8, SYSTEM(AT_TSS32, 0x67, SYS_TSS_AVAILABLE, 0) }), IS(GP, 0xc, GP_TSS_TI) },
    { KERNEL, FAR(CALL_FAR_, TSS_NP, 0), IS(NP, TSS_NP, NP_TSS) },
    { KERNEL, FAR(CALL_FAR_, TSS_SHORT, 0), IS(TS, TSS_SHORT, TS_LIMIT) },
    { KERNEL, FAR_AND(JMP_FAR, TSS16, 0, SETDESC(TSS16, SYSTEM(AT_TSS16, 0x2a, SYS_TSS16_AVAILABLE, 0))), IS(TS, TSS16, TS_LIMIT) },
    /* what the new task finds */
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x60, LDT | 4)), TASK(TS, LDT | 4, TS_LDT_SEL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x60, OUTSIDE)), TASK(TS, OUTSIDE, TS_LDT_SEL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x60, DATA0)), TASK(TS, DATA0, TS_LDT_TYPE) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x60, LDT_NP)), TASK(TS, LDT_NP, TS_LDT_NP) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x4c, 0)), TASK(TS, 0, TS_CS_NULL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x4c, OUTSIDE)), TASK(TS, OUTSIDE, TS_CS_LIMIT) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x4c, DATA0)), TASK(TS, DATA0, TS_CS_TYPE) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x4c, CODE3)), TASK(TS, CODE3, TS_CS_DPL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x4c, CONF3)), TASK(TS, CONF3, TS_CS_DPL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x4c, CODE_NP)), TASK(NP, CODE_NP, NP_TASK_CS) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x50, 0)), TASK(TS, 0, TS_SS_NULL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x50, OUTSIDE)), TASK(TS, OUTSIDE, TS_SS_LIMIT) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x50, CODE0)), TASK(TS, CODE0, TS_SS_TYPE) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x50, DATA0 | 3)), TASK(TS, DATA0, TS_SS_RPL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x50, DATA3)), TASK(TS, DATA3, TS_SS_DPL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x50, DATA_NP)), TASK(SS, DATA_NP, SS_NP_TASK) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x48, OUTSIDE)), TASK(TS, OUTSIDE, TS_DS_LIMIT) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x54, CODE_XO)), TASK(TS, CODE_XO, TS_DS_TYPE) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x54, TSS_SELF)), TASK(TS, TSS_SELF, TS_DS_TYPE) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x58, DATA0 | 3)), TASK(TS, DATA0, TS_DS_DPL) },
    { KERNEL, SWITCH(SET16(AT_TSS32 + 0x5c, DATA_NP)), TASK(NP, DATA_NP, NP_TASK_DATA) },
    { KERNEL, FAR_AND(JMP_FAR, TSS32, 0, SET16(AT_TSS32 + 0x4c, CODE_SMALL)), TASK(GP, 0, GP_JMP_OFFSET) },
    /* RETF */
    { KERNEL, RET(AT_TASK, 0), IS(GP, 0, GP_RET_NULL) },
    { KERNEL, RET(AT_TASK, OUTSIDE), IS(GP, OUTSIDE, GP_RET_LIMIT) },
    { KERNEL, RET(AT_TASK, DATA0), IS(GP, DATA0, GP_RET_TYPE) },
    { KERNEL, RET(AT_TASK, CALL32), IS(GP, CALL32, GP_RET_TYPE) },
    { USER, RET(AT_TASK, CODE0), IS(GP, CODE0, GP_RET_RPL) },
    { KERNEL, RET(AT_TASK, CODE3), IS(GP, CODE3, GP_RET_DPL) },
    { KERNEL, RET(AT_TASK, CODE0 | 3), IS(GP, CODE0, GP_RET_DPL) },
    { KERNEL, RET(AT_TASK, CONF3), IS(GP, CONF3, GP_RET_DPL) },
    { KERNEL, RET(AT_TASK, CODE_NP), IS(NP, CODE_NP, NP_CS_RET) },
    { KERNEL, RET(AT_TASK, CODE_NP3 | 3), IS(NP, CODE_NP3, NP_CS_RET) },
    { KERNEL, RET(AT_TASK, CODE_SMALL), IS(GP, 0, GP_RET_OFFSET) },
    { KERNEL, RET(AT_TASK, CODE3 | 3, AT_STACK3, 3), IS(GP, 0, GP_RET_SSNULL) },
    { KERNEL, RET(AT_TASK, CODE3 | 3, AT_STACK3, OUTSIDE | 3), IS(GP, OUTSIDE, GP_RET_SS) },
    { KERNEL, RET(AT_TASK, CODE3 | 3, AT_STACK3, DATA3), IS(GP, DATA3, GP_RET_SS) },
    { KERNEL, RET(AT_TASK, CODE3 | 3, AT_STACK3, DATA0 | 3), IS(GP, DATA0, GP_RET_SS) },
    { KERNEL, RET(AT_TASK, CODE3 | 3, AT_STACK3, CODE3 | 3), IS(GP, CODE3, GP_RET_SS) },
    { KERNEL, RET(AT_TASK, CODE3 | 3, AT_STACK3, DATA_NP3 | 3), IS(SS, DATA_NP3, SS_NP_RET) },
    { KERNEL, RET(AT_TASK, CONF0 | 3, AT_STACK3, DATA3), IS(GP, DATA3, GP_RET_SS) },
    /* IRET */
    { KERNEL, IRET_(AT_TASK, 0, 2), IS(GP, 0, GP_IRET_CS) },
    { KERNEL, IRET_(AT_TASK, OUTSIDE, 2), IS(GP, OUTSIDE, GP_IRET_CS) },
    { KERNEL, IRET_(AT_TASK, TSS32, 2), IS(GP, TSS32, GP_IRET_CS) },
    { USER, IRET_(AT_TASK, CODE0, 2), IS(GP, CODE0, GP_IRET_CS) },
    { USER, IRET_(AT_TASK, CODE0 | 3, 2), IS(GP, CODE0, GP_IRET_CS) },
    { KERNEL, IRET_(AT_TASK, CODE_NP, 2), IS(NP, CODE_NP, NP_CS_RET) },
    { KERNEL, IRET_(AT_TASK, CODE_SMALL, 2), IS(GP, 0, GP_RET_OFFSET) },
    { KERNEL, IRET_(AT_TASK, CODE3 | 3, 2, AT_STACK3, 0), IS(GP, 0, GP_IRET_CS) },
    { KERNEL, IRET_(AT_TASK, CODE3 | 3, 2, AT_STACK3, DATA0), IS(GP, DATA0, GP_IRET_CS) },
    { KERNEL, IRET_(AT_TASK, CODE3 | 3, 2, AT_STACK3, DATA_NP3 | 3), IS(SS, DATA_NP3, SS_NP_RET) },
    { KERNEL, IRET_(0x10000, 0x1000, EFL_VM | 2), IS(GP, 0, GP_IRET_VM) },
    { KERNEL, B(IRETD), .eflags = EFL_NT, .poke = { SET16(AT_TSS, 0) }, IS(TS, 0, TS_BACKLINK_BUSY) },
    { KERNEL, B(IRETD), .eflags = EFL_NT, .poke = { SET16(AT_TSS, TSS32) }, IS(TS, TSS32, TS_BACKLINK_BUSY) },
    { KERNEL, B(IRETD), .eflags = EFL_NT, .poke = { SET16(AT_TSS, TSS32 | 4) }, IS(TS, TSS32 | 4, TS_BACKLINK_TI) },
    { KERNEL, B(IRETD), .eflags = EFL_NT, .poke = { SET16(AT_TSS, OUTSIDE) }, IS(TS, OUTSIDE, TS_BACKLINK_TI) },
    { KERNEL, B(IRETD), .eflags = EFL_NT, .poke = { SET16(AT_TSS, TSS_NP), SETDESC(TSS_NP, ABSENT(SYSTEM(AT_TSS32, 0x67, SYS_TSS_BUSY, 0))) },
      IS(NP, TSS_NP, NP_TSS) },
    { KERNEL, B(IRETD), .eflags = EFL_NT, .poke = { SET16(AT_TSS, TSS_SHORT), SETDESC(TSS_SHORT, SYSTEM(AT_TSS32, 0x66, SYS_TSS_BUSY, 0)) },
      IS(TS, TSS_SHORT, TS_LIMIT) },
    /* INT n through the IDT */
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, DESC(0, 0, SEG_P | 0)) }, IS(GP, 0x202, GP_IDT_TYPE) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(CODE0, 0, SYS_CALL, 3, 0)) }, IS(GP, 0x202, GP_IDT_TYPE) },
    { USER, B(INT("\x40")), IS(GP, 0x202, GP_IDT_DPL) },
    { USER, B("\xcc"), .poke = { SETGATE(3, GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0)) }, IS(GP, 0x1a, GP_IDT_DPL) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, ABSENT(GATE(CODE0, AT_HANDLER, SYS_INT, 3, 0))) }, IS(NP, 0x202, NP_IDT) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(3, AT_HANDLER, SYS_INT, 3, 0)) }, IS(GP, 0, GP_IDT_CSNULL) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(OUTSIDE, AT_HANDLER, SYS_INT, 3, 0)) }, IS(GP, OUTSIDE, GP_IDT_CSLIMIT) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(DATA0, AT_HANDLER, SYS_INT, 3, 0)) }, IS(GP, DATA0, GP_IDT_CSTYPE) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(CODE3, AT_HANDLER, SYS_INT, 3, 0)) }, IS(GP, CODE3, GP_IDT_CSTYPE) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(CODE_NP, AT_HANDLER, SYS_INT, 3, 0)) }, IS(NP, CODE_NP, NP_IDT_CS) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(CODE_SMALL, AT_HANDLER, SYS_INT, 3, 0)) }, IS(GP, 0, GP_IDT_OFFSET) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(TSS_SELF, 0, SYS_TASK_GATE, 3, 0)) }, IS(GP, TSS_SELF, GP_IDT_TASK) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(TSS32 | 4, 0, SYS_TASK_GATE, 3, 0)) }, IS(GP, TSS32 | 4, GP_IDT_TASK) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(OUTSIDE, 0, SYS_TASK_GATE, 3, 0)) }, IS(GP, OUTSIDE, GP_IDT_TASK) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(TSS_NP, 0, SYS_TASK_GATE, 3, 0)) }, IS(NP, TSS_NP, NP_TSS) },
    { KERNEL, B(INT("\x40")), .poke = { SETGATE(0x40, GATE(TSS_SHORT, 0, SYS_TASK_GATE, 3, 0)) }, IS(TS, TSS_SHORT, TS_LIMIT) },
    { USER, B(INT("\x80")), .poke = { SET16(AT_TSS + 8, 0) }, IS(TS, 0, TS_STACK_NULL) },
    { USER, B(INT("\x80")), .poke = { SET16(AT_TSS + 8, OUTSIDE) }, IS(TS, OUTSIDE, TS_STACK_LIMIT) },
    { USER, B(INT("\x80")), .poke = { SET16(AT_TSS + 8, DATA3) }, IS(TS, DATA3, TS_STACK_DPL) },
    { USER, B(INT("\x80")), .poke = { SET16(AT_TSS + 8, DATA0 | 3) }, IS(TS, DATA0, TS_STACK_RPL) },
    { USER, B(INT("\x80")), .poke = { SET16(AT_TSS + 8, DATA_RO) }, IS(TS, DATA_RO, TS_STACK_TYPE) },
    { USER, B(INT("\x80")), .poke = { SET16(AT_TSS + 8, DATA_NP) }, IS(SS, DATA_NP, SS_NP_TSS) },
    { USER, B(INT("\x80")), .poke = { SETDESC(DATA0, DESC(0, 0xfff, SEG_DB | SEG_P | SEG_S | 2)) }, IS(SS, DATA0, SS_PUSH_NEW) },
    { USER, B(INT("\x80")), .poke = { SETGATE(0x80, GATE(CODE_SMALL, AT_HANDLER, SYS_INT, 3, 0)) }, IS(GP, 0, GP_IDT_OFFSET) },
    /* privilege */
    { USER, B("\xf4"), IS(GP, 0, GP_CPL0) }, { USER, B("\xfa"), IS(GP, 0, GP_IOPL) }, { USER, B("\xfb"), IS(GP, 0, GP_IOPL) },
    { USER, B("\x0f\x20\xc0"), IS(GP, 0, GP_CPL0) }, { USER, B("\x0f\x06"), IS(GP, 0, GP_CPL0) }, { USER, B("\x0f\x30"), IS(GP, 0, GP_CPL0) },
    { KERNEL, B("\x0f\x20\xc8"), IS(UD, 0, UD_MOVCR) }, { KERNEL, B("\x0f\x22\xe8"), IS(UD, 0, UD_MOVCR) },
    { KERNEL, B("\x0f\x24\xf0"), IS(UD, 0, UD_MOVTR) }, { KERNEL, B("\x0f\xaa"), IS(UD, 0, UD_RSM) },
    { KERNEL, B("\x0f\x22\xc0"), .eax = 0x80000000, IS(GP, 0, GP_CR0_PGPE) },
    { KERNEL, B("\x0f\x22\xc0"), .eax = 0x20000001, IS(GP, 0, GP_CR0_NWCD) },
    { KERNEL, B("\x0f\x22\xe0"), .eax = 0x80000000, IS(GP, 0, GP_CR_RSVD) },
    { KERNEL, B("\x0f\x01\xd2"), IS(UD, 0, UD_REGFORM) }, /* LGDT of a register */
    { KERNEL, B("\xf0\x8e\xd8"), IS(UD, 0, UD_LOCK) },
    /* memory through segments: DS is loaded first */
    { KERNEL, B(MOV_DS "\xa1\x00\x00\x06\x00"), .eax = 2, IS(GP, 0, GP_NULLSEG), .at = 2 },
    { KERNEL, B(MOV_DS "\xa1\x00\x00\x06\x00"), .eax = DATA16, IS(GP, 0, GP_LIMIT), .at = 2 },
    { KERNEL, B(MOV_DS "\xa1\xfd\xff\x00\x00"), .eax = DATA16, IS(GP, 0, GP_LIMIT), .at = 2 },
    { KERNEL, B(MOV_DS "\xa1\xff\xff\x00\x00"), .eax = DATA_DOWN, IS(GP, 0, GP_LIMIT), .at = 2 },
    { KERNEL, B(MOV_DS "\xa3\x00\x00\x06\x00"), .eax = DATA_RO, IS(GP, 0, GP_WRITE_RO), .at = 2 },
    { KERNEL, B(MOV_DS "\xa3\x00\x00\x06\x00"), .eax = CODE0, IS(GP, 0, GP_WRITE_RO), .at = 2 },
    { KERNEL, B(MOV_DS "\xff\x05\x00\x00\x06\x00"), .eax = DATA_RO, IS(GP, 0, GP_WRITE_RO), .at = 2 },
    { KERNEL, B("\x2e\xa3\x00\x00\x06\x00"), IS(GP, 0, GP_WRITE_RO) }, /* through CS */
    { KERNEL, B("\xea\x07\x00\x01\x00\x60\x00\x2e\xa1\x00\x00\x06\x00"), IS(GP, 0, GP_READ_XO), .at = 7 }, /* jump there first */
    { KERNEL, B("\x31\xe4\x8e\xd0\x83\xc4\x02\xcb"), .eax = DATA0, .poke = { SETDESC(DATA0, DESC(0, 1, SEG_DB | SEG_P | SEG_S | 2)),
      SETGATE(VEC_SS, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0)) }, IS(SS, 0, SS_LIMIT), .at = 7 },
};

static struct sys s;

static void setup(void) { sys_open(&s, "max", 1); }
static void teardown(void) { sys_close(&s); }

static void prepare(const struct row *r)
{
    sys_protected(&s, r->where == USER ? 3 : 0);
    s.cpu->reg[CPU_AX] = r->eax;
    cpu_set_eflags(s.cpu, 2 | r->eflags);
    for (unsigned n = 0; n < 3; n++)
        if (r->poke[n].size)
            sys_poke(&s, r->poke[n].at, r->poke[n].value, r->poke[n].size);
    s.cpu->reg[CPU_SP] -= sizeof(r->stack);
    for (unsigned n = 0; n < 6; n++)
        sys_poke(&s, (uint32_t)s.cpu->reg[CPU_SP] + 4 * n, r->stack[n], 4);
    sys_code(&s, r->code, r->len);
    cpu_attend(s.cpu);
}

/* Up to and with the instruction that faults: one step, its delivery included. */
static void run(const struct row *r)
{
    while (s.cpu->ip != AT_CODE + r->at)
        sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    sys_run(&s, 1);
}

/* The first fault is the expected one; INT n has a record of its own before it. */
START_TEST(a_check_has_its_vector_code_and_cause)
{
    const struct row *r = &rows[_i];
    const struct cpu_delivery *d;
    uint64_t ax = r->eax, si;

    prepare(r);
    si = s.cpu->reg[CPU_SI];
    run(r);
    d = sys_record(&s, 0);
    if (d->type != CPU_DELIVER_EXCEPTION)
        d = sys_record(&s, 1);
    ck_assert_msg(d->vector == r->vector && d->error == r->error && d->cause == r->cause, "row %d: vector %u error %x cause %s, not %u %x %s", _i,
                  d->vector, d->error, cpu_cause_id(d->cause), r->vector, r->error, cpu_cause_id(r->cause));
    ck_assert_uint_eq(d->ip, r->task ? AT_TASK : AT_CODE + r->at);
    ck_assert_int_eq(d->evidence.kind == CPU_EVIDENCE_NONE, d->vector == VEC_UD || d->cause == CPU_CAUSE_GP_CPL0);
    if (s.cpu->seg[CPU_TR].selector == TSS_SELF) {
        ck_assert_uint_eq(s.cpu->reg[CPU_AX], ax);
        ck_assert_uint_eq(s.cpu->reg[CPU_SI], si);
    }
}
END_TEST

/* A fault that can be delivered is: the handler finds the error code and the address of the instruction. */
START_TEST(a_fault_reaches_its_handler_with_its_error_code)
{
    const struct row *r = &rows[_i];
    const struct cpu_delivery *d;
    bool broken = r->task; /* some rows break the very stack that the handler needs */

    for (unsigned n = 0; n < 3; n++)
        broken |= r->poke[n].size && (r->poke[n].at == AT_TSS + 8 || r->poke[n].at == AT_GDT + DATA0);
    if (broken)
        return;
    prepare(r);
    run(r);
    d = sys_record(&s, s.cpu->history_next - 1);
    ck_assert(d->delivered);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16 * r->vector);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, CODE0);
    ck_assert_uint_eq(sys_stack(&s, 0), d->has_error ? r->error : AT_CODE + r->at);
    ck_assert_uint_eq(sys_stack(&s, d->has_error), AT_CODE + r->at);
    ck_assert_uint_eq(sys_stack(&s, d->has_error + 1), d->cs);
    ck_assert_uint_eq(d->cs, r->where == USER ? CODE3 | 3 : r->cause == CPU_CAUSE_GP_READ_XO ? CODE_XO : CODE0);
    ck_assert_uint_eq(sys_stack(&s, d->has_error + 2), (r->eflags | 2 | EFL_RF));
}
END_TEST

/* SDM Vol. 2A, "CLFLUSH": allowed to flush a linear address in an execute-only segment; so are its kin. */
START_TEST(lines_of_an_execute_only_segment_can_be_flushed)
{
    static const char *const flush[] = { "\x2e\x0f\xae\x3d\x00\x00\x06\x00\x90", "\x2e\x66\x0f\xae\x3d\x00\x00\x06\x00", "\x2e\x66\x0f\xae\x35\x00\x00\x06\x00" };

    sys_protected(&s, 0);
    CODE(&s, "\xea\x07\x00\x01\x00\x60\x00"); /* jmp CODE_XO:AT_CODE + 7 */
    for (unsigned n = 0; n < 9; n++)
        sys_poke(&s, AT_CODE + 7 + n, (uint8_t)flush[_i][n], 1);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 7 + (_i == 0 ? 8 : 9));
}
END_TEST

/* Code that runs on beyond its segment's limit, which is a page's end, meets the limit; the page behind, which is not there, it does not. */
START_TEST(the_limit_comes_before_the_page_behind_it)
{
    sys_vm86(&s, 0);
    if (_i == 1) {
        sys_protected(&s, 0);
        sys_segment(&s, CPU_CS, CODE_SMALL, DESC(0x60000, 0xffff, SEG_DB | SEG_P | SEG_S | 0xa));
    }
    s.cpu->seg[CPU_CS].base = 0x60000;
    s.cpu->ip = 0xfffe;
    sys_poke(&s, 0x6fffe, 0x9090, 2);
    sys_poke(&s, AT_PT + 4 * 0x70, 0, 4);
    sys_paging(&s);
    sys_run(&s, 3);
    ck_assert_uint_eq(sys_record(&s, 0)->vector, VEC_GP);
    ck_assert_uint_eq(sys_record(&s, 0)->cause, CPU_CAUSE_GP_FETCH);
    ck_assert_uint_eq(sys_record(&s, 0)->ip, 0x10000);
}
END_TEST

/* SDM Vol. 3A, "Limit Checking": an access beyond an effective limit of FFFFFFFFH may fault or not; here a flat segment wraps, whoever accesses it. */
START_TEST(an_event_can_be_pushed_around_the_end_of_a_flat_stack)
{
    sys_protected(&s, 0);
    CODE(&s, "\xcd\x40");
    s.cpu->reg[CPU_SP] = 2;
    sys_poke(&s, 0, 0, 4);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16 * 0x40);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0xfffffff6);
    ck_assert_uint_eq(sys_peek(&s, 0, 2), 0); /* of EFLAGS at FFFFFFFEh, where no RAM is, the upper half */
}
END_TEST

/* BOUND: the index is below the first bound already, and the second cannot be read. */
START_TEST(both_bounds_are_read_before_they_are_compared)
{
    CODE(&s, "\x62\x05\x00\x00\x00\x00");
    sys_protected(&s, 0);
    sys_poke(&s, AT_DATA, 10, 4);
    sys_segment(&s, CPU_DS, DATA0, DESC(AT_DATA, 3, SEG_DB | SEG_P | SEG_S | 3));
    cpu_mode_changed(s.cpu);
    s.cpu->reg[CPU_AX] = 1;
    sys_run(&s, 1);
    ck_assert_int_eq(sys_record(&s, 0)->cause, CPU_CAUSE_GP_LIMIT);
}
END_TEST

/* SDM Vol. 3A, "Switching Back to Real-Address Mode": a segment that is not loaded again keeps its attributes. CS may be written there always. */
START_TEST(types_are_checked_in_real_mode_too)
{
    static const struct { const char *code; unsigned seg; uint32_t type; enum cpu_cause cause; } cases[] = {
        { "\x26\xa3\x00\x00", CPU_ES, 0x0, CPU_CAUSE_GP_WRITE_RO }, { "\x26\xa3\x00\x00", CPU_ES, 0xe, CPU_CAUSE_GP_WRITE_RO },
        { "\x26\xa1\x00\x00", CPU_ES, 0x8, CPU_CAUSE_GP_READ_XO },  { "\x26\xa1\x00\x00", CPU_ES, 0xe, CPU_CAUSE_NONE },
        { "\x26\xa3\x00\x00", CPU_ES, 0x2, CPU_CAUSE_NONE },        { "\x2e\xa3\x00\x40", CPU_CS, 0xa, CPU_CAUSE_NONE },
        { "\x2e\xa1\x00\x40", CPU_CS, 0x8, CPU_CAUSE_NONE },
    };

    sys_code(&s, cases[_i].code, 4);
    sys_real(&s);
    s.cpu->seg[cases[_i].seg].attr = (s.cpu->seg[cases[_i].seg].attr & ~(uint32_t)SEG_TYPE) | cases[_i].type;
    cpu_mode_changed(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, cases[_i].cause ? 1 : 0);
    ck_assert(!cases[_i].cause || sys_record(&s, 0)->cause == cases[_i].cause);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seg");
    TCase *tc = tcase_create("faults");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_check_has_its_vector_code_and_cause, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, an_event_can_be_pushed_around_the_end_of_a_flat_stack);
    tcase_add_loop_test(tc, the_limit_comes_before_the_page_behind_it, 0, 2);
    tcase_add_loop_test(tc, lines_of_an_execute_only_segment_can_be_flushed, 0, 3);
    tcase_add_loop_test(tc, types_are_checked_in_real_mode_too, 0, 7);
    tcase_add_test(tc, both_bounds_are_read_before_they_are_compared);
    tcase_add_loop_test(tc, a_fault_reaches_its_handler_with_its_error_code, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
