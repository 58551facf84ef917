/*
 * IA-32e mode: entering and leaving it, its descriptors, transfers and deliveries. SDM Vol. 3A, "Initializing IA-32e mode", "Exception and
 * interrupt handling in 64-bit mode"; Vol. 2 for the instructions.
 */
#include "testcases/unit/long_bench.h"

static struct sys s;

static void setup(void) { long_open(&s); }
static void teardown(void) { sys_close(&s); }

#define B(bytes) bytes, sizeof(bytes) - 1
#define REC(n) sys_record(&s, n)

static uint64_t reg(unsigned n) { return s.cpu->reg[n]; }
static uint64_t canon_end = 0x0000800000000000; /* the first address that is not canonical */

/* ---- Entering and leaving ---- */

/* cr4.PAE, CR3, EFER.LME, CR0.PG, then a far jump to what follows. */
#define ENTER                                                                                                                   \
    "\x0f\x20\xe0\x83\xc8\x20\x0f\x22\xe0" "\xb8\x00\x00\x07\x00\x0f\x22\xd8" "\xb9\x80\x00\x00\xc0\x0f\x32\x0d\x00\x01\x00\x00\x0f\x30" \
    "\x0f\x20\xc0\x0d\x00\x00\x00\x80\x0f\x22\xc0" "\xea\x31\x00\x01\x00\x08\x00"

static void protected_with_long_tables(void)
{
    sys_close(&s);
    sys_open(&s, "max", 1);
    sys_protected(&s, 0);
    long_tables(&s);
    s.cpu->gdtr.limit = L_GDT_LIMIT;
    s.cpu->seg[CPU_TR].selector = 0;
}

START_TEST(code_enters_64_bit_mode)
{
    protected_with_long_tables();
    CODE(&s, ENTER "\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11\x50\x49\x89\xc7");
    sys_run(&s, 12);
    ck_assert_uint_eq(s.cpu->efer, EFER_LME | EFER_LMA);
    ck_assert(s.cpu->mode & MODE_LMA && !(s.cpu->mode & MODE_L)); /* compatibility mode until the jump */
    sys_run(&s, 4);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert(s.cpu->mode & MODE_L);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0 - 8);
    ck_assert_uint_eq(long_stack(&s, 0), 0x1122334455667788);
    ck_assert_uint_eq(reg(15), 0x1122334455667788);
}
END_TEST

START_TEST(code_goes_back_to_compatibility_and_to_legacy_mode)
{
    /* push 50h; push 10010h; retfq: 32-bit code there clears PG, then LME */
    CODE(&s, "\x6a\x50\x68\x10\x00\x01\x00\x48\xcb\x90\x90\x90\x90\x90\x90\x90"
             "\x0f\x20\xc0\x25\xff\xff\xff\x7f\x0f\x22\xc0\xb9\x80\x00\x00\xc0\x31\xc0\x31\xd2\x0f\x30");
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 16);
    ck_assert((s.cpu->mode & (MODE_LMA | MODE_L | MODE_D)) == (MODE_LMA | MODE_D));
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->efer & EFER_LMA, 0);
    sys_run(&s, 4);
    ck_assert_uint_eq(s.cpu->efer, 0);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

/* ---- Faults ---- */

enum from { KERNEL, USER, COMPAT, COMPAT_USER };

struct fault_case {
    enum from from;
    const char *code;
    unsigned len;
    uint64_t rax, rcx, rdx;
    void (*prepare)(void);
    uint8_t vector;
    uint32_t error;
    enum cpu_cause cause;
};
#define IS(vec, error_, cause_) .vector = VEC_##vec, .error = (error_), .cause = CPU_CAUSE_##cause_

/* The stack as RETFQ, or IRETQ in 64-bit mode, finds it. */
static void frame5(uint64_t ip, uint64_t cs, uint64_t flags, uint64_t sp, uint64_t ss)
{
    const uint64_t v[] = { ip, cs, flags, sp, ss };

    s.cpu->reg[CPU_SP] -= sizeof(v);
    for (unsigned n = 0; n < 5; n++)
        sys_poke(&s, (uint32_t)s.cpu->reg[CPU_SP] + 8 * n, v[n], 8);
}
static void frame_ld(void) { frame5(AT_TASK, L_CODE_LD, 2, AT_STACK0, L_DATA0); }
static void frame_far(void) { frame5(0x8000000000000000, L_CODE0, 2, AT_STACK0, L_DATA0); }
static void frame_null(void) { frame5(AT_TASK, L_CODE3 | 3, 2, AT_STACK3, 0); }
static void frame_null3(void) { frame5(AT_TASK, L_CODE3 | 3, 2, AT_STACK3, 3); }
static void frame_compat_null(void) { frame5(AT_TASK, L_CODE32, 2, AT_STACK0, 0); }
static void frame_rpl(void) { frame5(AT_TASK, L_CODE0, 2, AT_STACK0, L_DATA3 | 3); }
static void frame_absent(void) { frame5(AT_TASK, L_CODE_NP, 2, AT_STACK0, L_DATA0); }
static void nested(void) { s.cpu->eflags |= EFL_NT; frame5(AT_TASK, L_CODE0, 2, AT_STACK0, L_DATA0); }
static void ret_ld(void) { sys_poke(&s, AT_STACK0 - 8, L_CODE_LD, 8); s.cpu->reg[CPU_SP] -= 16; }
static void ret_far(void) { sys_poke(&s, AT_STACK0 - 16, canon_end, 8); sys_poke(&s, AT_STACK0 - 8, L_CODE0, 8); s.cpu->reg[CPU_SP] -= 16; }
static void pointer(uint64_t offset, uint16_t selector) { sys_poke(&s, AT_DATA, offset, 8); sys_poke(&s, AT_DATA + 8, selector, 2); }
static void to_ld(void) { pointer(AT_TASK, L_CODE_LD); }
static void to_gate32(void) { pointer(0, L_GATE_32 | 3); }
static void to_gate_type(void) { pointer(0, L_GATE_TYPE); }
static void to_gate_far(void) { pointer(0, L_GATE_FAR | 3); }
static void to_gate16(void) { pointer(0, L_GATE16); }
static void to_gate_np(void) { pointer(0, L_GATE_NP); }
static void to_tss(void) { pointer(0, L_TSS_FREE); }
static void to_task_gate(void) { pointer(0, L_TASK_GATE); }
static void to_far_offset(void) { pointer(canon_end, L_CODE0); }
static void to_half(void) { long_wide(&s, L_LAST, GATE(L_CODE0, 0, SYS_CALL, 3, 0), 0); pointer(0, L_LAST); }
static void bad_rsp0(void) { long_gate(&s, VEC_SS, L_CODE0, AT_HANDLER + 16 * VEC_SS, SYS_INT, 0, 1); sys_poke(&s, AT_TSS + 4, canon_end + 16, 8); pointer(0, L_GATE | 3); }
static void pcid_cr3(void) { s.cpu->cr3 |= 5; }
static void pcide(void) { s.cpu->cr4 |= CR4_PCIDE; }
static void umip(void) { s.cpu->cr4 |= CR4_UMIP; }
static void table_far(void) { sys_poke(&s, AT_DATA, 0xfff, 2); sys_poke(&s, AT_DATA + 2, 0x0200000000000000, 8); }

#define CALL_DATA "\x48\xff\x1c\x25\x00\x00\x06\x00" /* call far [AT_DATA], 16:64 */
#define JMP_DATA  "\x48\xff\x2c\x25\x00\x00\x06\x00"

static const struct fault_case fault_cases[] = {
    /* Addresses. */
    { KERNEL, B("\x48\x8b\x00"), .rax = 0x0000800000000000, IS(GP, 0, GP_CANON) },
    { KERNEL, B("\x48\x8b\x40\x01"), .rax = 0x00007ffffffffff8, IS(GP, 0, GP_CANON) }, /* the last byte lies beyond */
    { USER, B("\x48\x89\xc4\x50"), .rax = 0x0000800000000008, IS(SS, 0, SS_CANON) },
    { KERNEL, B("\x48\x89\xc5\x48\x8b\x45\x00"), .rax = 0x0000900000000000, IS(SS, 0, SS_CANON) },
    { KERNEL, B("\xff\xe0"), .rax = 0x0000800000000000, IS(GP, 0, GP_JMP_OFFSET) },
    { USER, B("\x50\xc3"), .rax = 0xffff000000000000, IS(GP, 0, GP_JMP_OFFSET) },

    /* Control registers. */
    { KERNEL, B("\x0f\x22\xc0"), .rax = 0x33, IS(GP, 0, GP_CR0_LM_OFF) },
    { COMPAT, B("\x0f\x22\xc0"), .rax = 0x33, .prepare = pcide, IS(GP, 0, GP_CR0_LM_OFF) },
    { KERNEL, B("\x0f\x22\xc0"), .rax = 0x180010033, IS(GP, 0, GP_CR_RSVD) },
    { KERNEL, B("\x0f\x22\xe0"), .rax = CR4_PGE, IS(GP, 0, GP_CR4_PAE) },
    { KERNEL, B("\x0f\x22\xe0"), .rax = CR4_PAE | CR4_LA57, IS(GP, 0, GP_CR4_LA57) },
    { KERNEL, B("\x0f\x22\xe0"), .rax = CR4_PAE | CR4_PCIDE, .prepare = pcid_cr3, IS(GP, 0, GP_CR4_PCIDE) },
    { KERNEL, B("\x0f\x22\xe0"), .rax = CR4_PAE | 1ull << 32, IS(GP, 0, GP_CR_RSVD) },
    { KERNEL, B("\x0f\x22\xd8"), .rax = 1ull << 40, IS(GP, 0, GP_CR_RSVD) },
    { KERNEL, B("\x0f\x22\xd8"), .rax = 1ull << 63 | AT_PML4, IS(GP, 0, GP_CR_RSVD) }, /* no PCIDE */
    { KERNEL, B("\x44\x0f\x22\xc0"), .rax = 16, IS(GP, 0, GP_CR_RSVD) },              /* mov cr8, rax */
    { COMPAT, B("\x0f\x22\xc8"), IS(UD, 0, UD_MOVCR) },
    { KERNEL, B("\x0f\x23\xf8"), .rax = 1ull << 32, IS(GP, 0, GP_DR_RSVD) },
    { KERNEL, B("\x0f\x23\xf0"), .rax = 1ull << 63, IS(GP, 0, GP_DR_RSVD) },
    { KERNEL, B("\x0f\x30"), .rcx = 0xc0000080, .rax = EFER_NXE, IS(GP, 0, GP_MSR_EFER) }, /* LME with paging on */
    { USER, B("\x0f\x20\xc0"), IS(GP, 0, GP_CPL0) },
    { USER, B("\x0f\x01\xe0"), .prepare = umip, IS(GP, 0, GP_UMIP) },                  /* smsw eax */
    { USER, B("\x0f\x01\x04\x25\x00\x00\x06\x00"), .prepare = umip, IS(GP, 0, GP_UMIP) }, /* sgdt */
    { USER, B("\x0f\x00\xc8"), .prepare = umip, IS(GP, 0, GP_UMIP) },                  /* str eax */

    /* Descriptor tables. */
    { KERNEL, B("\x0f\x01\x14\x25\x00\x00\x06\x00"), .prepare = table_far, IS(GP, 0, GP_LGDT64) },
    { KERNEL, B("\x0f\x00\xd8"), .rax = L_TSS16, IS(GP, L_TSS16, GP_LTR) },
    { KERNEL, B("\x0f\x00\xd8"), .rax = L_TSS, IS(GP, L_TSS, GP_LTR) },                /* busy */
    { KERNEL, B("\x0f\x00\xd8"), .rax = L_TSS_TYPE, IS(GP, L_TSS_TYPE, GP_SEG_128) },
    { KERNEL, B("\x0f\x00\xd0"), .rax = L_LDT_FAR, IS(GP, L_LDT_FAR, GP_LLDT) },       /* its base is not canonical */
    { KERNEL, B("\x0f\x00\xd0"), .rax = L_LAST, IS(GP, L_LAST, GP_LLDT) },             /* its upper half lies outside */
    { KERNEL, B("\x8e\xd0"), .rax = 3, IS(GP, 0, GP_SS_NULL) },
    { USER, B("\x8e\xd0"), .rax = 3, IS(GP, 0, GP_SS_NULL) },
    { COMPAT, B("\x8e\xd0"), .rax = 0, IS(GP, 0, GP_SS_NULL) },

    /* Far transfers. */
    { KERNEL, B(JMP_DATA), .prepare = to_ld, IS(GP, L_CODE_LD, GP_JMP_LD) },
    { KERNEL, B(CALL_DATA), .prepare = to_far_offset, IS(GP, 0, GP_JMP_OFFSET) },
    { KERNEL, B(CALL_DATA), .prepare = to_gate16, IS(GP, L_GATE16, GP_GATE_64) },
    { USER, B(CALL_DATA), .prepare = to_gate32, IS(GP, L_CODE32, GP_GATE_64) },
    { KERNEL, B(CALL_DATA), .prepare = to_gate_type, IS(GP, L_GATE_TYPE, GP_SEG_128) },
    { USER, B(CALL_DATA), .prepare = to_gate_far, IS(GP, 0, GP_JMP_OFFSET) },
    { KERNEL, B(CALL_DATA), .prepare = to_gate_np, IS(NP, L_GATE_NP, NP_GATE) },
    { KERNEL, B(CALL_DATA), .prepare = to_half, IS(GP, L_LAST, GP_JMP_LIMIT) },
    { KERNEL, B(CALL_DATA), .prepare = to_tss, IS(GP, L_TSS_FREE, GP_TSS_LM) },
    { KERNEL, B(JMP_DATA), .prepare = to_task_gate, IS(GP, L_TASK_GATE, GP_TSS_LM) },
    { USER, B(CALL_DATA), .prepare = bad_rsp0, IS(SS, 0, SS_IST) },
    { KERNEL, B("\x48\xcb"), .prepare = ret_ld, IS(GP, L_CODE_LD, GP_JMP_LD) },
    { KERNEL, B("\x48\xcb"), .prepare = ret_far, IS(GP, 0, GP_RET_OFFSET) },
    { KERNEL, B("\x9a\x00\x00\x00\x00\x08\x00"), IS(UD, 0, UD_OPCODE) },

    /* IRET. */
    { KERNEL, B("\x48\xcf"), .prepare = nested, IS(GP, 0, GP_IRET_NT64) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_ld, IS(GP, L_CODE_LD, GP_JMP_LD) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_far, IS(GP, 0, GP_RET_OFFSET) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_null, IS(GP, 0, GP_IRET_CS) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_null3, IS(GP, 0, GP_IRET_CS) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_compat_null, IS(GP, 0, GP_IRET_CS) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_rpl, IS(GP, L_DATA3, GP_IRET_CS) },
    { KERNEL, B("\x48\xcf"), .prepare = frame_absent, IS(NP, L_CODE_NP, NP_CS_RET) },
};

static void begin(enum from from)
{
    static const unsigned code[] = { L_CODE0, L_CODE3, L_CODE32, L_CODE32_3 };

    long_enter(&s, code[from], from == USER || from == COMPAT_USER ? 3 : 0);
}

/* Steps until something is recorded. */
static void until_recorded(void)
{
    for (unsigned n = 0; n < 8 && !s.cpu->history_next; n++)
        sys_run(&s, 1);
}

START_TEST(a_check_has_its_vector_code_and_cause)
{
    const struct fault_case *c = &fault_cases[_i];

    begin(c->from);
    sys_code(&s, c->code, c->len);
    s.cpu->reg[CPU_AX] = c->rax;
    s.cpu->reg[CPU_CX] = c->rcx;
    s.cpu->reg[CPU_DX] = c->rdx;
    if (c->prepare)
        c->prepare();
    until_recorded();
    ck_assert_msg(REC(0)->cause == c->cause, "case %d: %s", _i, cpu_cause_id(REC(0)->cause));
    ck_assert_uint_eq(REC(0)->vector, c->vector);
    ck_assert_uint_eq(REC(0)->error, c->error);
    ck_assert(REC(0)->delivered);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16u * c->vector);
    ck_assert(s.cpu->mode & MODE_L);
}
END_TEST

/* ---- Turning paging on ---- */

START_TEST(long_mode_needs_pae)
{
    protected_with_long_tables();
    s.cpu->efer = EFER_LME;
    s.cpu->cr3 = AT_PML4;
    s.cpu->cr4 = _i == 0 ? 0 : CR4_PAE;
    if (_i == 1)
        s.cpu->seg[CPU_CS].attr |= SEG_L;
    if (_i == 2)
        s.cpu->seg[CPU_TR].attr = SEG_P | SYS_TSS16_BUSY;
    s.cpu->idtr.base = AT_DATA; /* an IDT of nothing: what is recorded first counts */
    CODE(&s, "\x0f\x22\xc0");
    s.cpu->reg[CPU_AX] = CR0_PG | CR0_PE | CR0_ET;
    until_recorded();
    ck_assert_int_eq(REC(0)->cause, _i == 0 ? CPU_CAUSE_GP_CR0_LM_PAE : CPU_CAUSE_GP_CR0_LM_CSL);
    ck_assert_uint_eq(s.cpu->efer, EFER_LME);
}
END_TEST

/* ---- Deliveries ---- */

START_TEST(a_frame_has_five_quadwords_on_an_aligned_stack)
{
    long_enter(&s, L_CODE0, 0);
    s.cpu->reg[CPU_SP] = AT_STACK0 - 3;
    s.cpu->eflags |= EFL_IF;
    CODE(&s, "\xcd\x40");
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0 - 16 - 40);
    ck_assert_uint_eq(long_stack(&s, 0), AT_CODE + 2);
    ck_assert_uint_eq(long_stack(&s, 1), L_CODE0);
    ck_assert_uint_eq(long_stack(&s, 2), EFL_IF | 2);
    ck_assert_uint_eq(long_stack(&s, 3), AT_STACK0 - 3);
    ck_assert_uint_eq(long_stack(&s, 4), L_DATA0);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, L_DATA0); /* no change of level, no change of SS */
    ck_assert_uint_eq(s.cpu->eflags & EFL_IF, 0);
}
END_TEST

START_TEST(an_inner_level_gets_rsp0_and_a_null_ss)
{
    bool compat = _i;

    begin(compat ? COMPAT_USER : USER);
    s.cpu->reg[CPU_SP] = AT_STACK3;
    s.cpu->eflags |= EFL_IF | EFL_TF | EFL_NT;
    s.cpu->cr2 = 0;
    CODE(&s, "\xa1\x00\x00\x30\x00\x00\x00\x00\x00"); /* mov eax, [300000h]: no user's page after the next line */
    sys_poke(&s, AT_LPD + 8, 0x200000 | 0x83, 8);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cr2, 0x300000);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16 * VEC_PF);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, 0);
    ck_assert(s.cpu->seg[CPU_SS].attr & SEG_UNUSABLE);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0 - 48);
    ck_assert_uint_eq(long_stack(&s, 0), 5); /* error code: a user's read, not allowed */
    ck_assert_uint_eq(long_stack(&s, 1), AT_CODE);
    ck_assert_uint_eq(long_stack(&s, 2), (compat ? L_CODE32_3 : L_CODE3) | 3);
    ck_assert_uint_eq(long_stack(&s, 3), EFL_IF | EFL_TF | EFL_NT | EFL_RF | 2);
    ck_assert_uint_eq(long_stack(&s, 4), AT_STACK3);
    ck_assert_uint_eq(long_stack(&s, 5), L_DATA3 | 3);
    ck_assert_uint_eq(s.cpu->eflags & (EFL_TF | EFL_NT | EFL_RF | EFL_IF), 0);
    /* Back: the error code goes, IRETQ restores all. */
    sys_poke(&s, AT_HANDLER + 16 * VEC_PF, 0xcf4808c48348, 8);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK3);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, L_DATA3 | 3);
    ck_assert_uint_eq(cpu_eflags(s.cpu), EFL_IF | EFL_TF | EFL_NT | EFL_RF | 2);
    ck_assert_int_eq(!!(s.cpu->mode & MODE_L), !compat);
}
END_TEST

START_TEST(an_ist_stack_is_taken_at_any_level)
{
    bool user = _i;

    begin(user ? USER : KERNEL);
    long_gate(&s, 0x40, L_CODE0, AT_HANDLER + 0x400, SYS_TRAP, 3, 1);
    s.cpu->eflags |= EFL_IF;
    CODE(&s, "\xcd\x40");
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_SP), AT_IST1 - 40);
    ck_assert_uint_eq(long_stack(&s, 3), user ? AT_STACK3 : AT_STACK0);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, user ? 0 : L_DATA0);
    ck_assert(s.cpu->eflags & EFL_IF); /* a trap gate */
}
END_TEST

struct gate_case {
    uint64_t low, high;
    enum from from;
    uint8_t vector;
    uint32_t error;
    enum cpu_cause cause;
};
#define ERR(v) ((v) * 8 + 2)
static const struct gate_case gate_cases[] = {
    { GATE(L_CODE0, AT_HANDLER, SYS_INT16, 3, 0), 0, KERNEL, IS(GP, ERR(0x40), GP_IDT_TYPE) },
    { GATE(L_TSS_FREE, 0, SYS_TASK_GATE, 3, 0), 0, KERNEL, IS(GP, ERR(0x40), GP_IDT_TYPE) },
    { GATE(L_CODE0, AT_HANDLER, SYS_INT, 0, 0), 0, USER, IS(GP, ERR(0x40), GP_IDT_DPL) },
    { ABSENT(GATE(L_CODE0, AT_HANDLER, SYS_INT, 3, 0)), 0, KERNEL, IS(NP, ERR(0x40), NP_IDT) },
    { GATE(L_CODE32, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(GP, L_CODE32, GP_IDT_CS64) },
    { GATE(L_CODE_LD, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(GP, L_CODE_LD, GP_IDT_CS64) },
    { GATE(L_CODE3, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(GP, L_CODE3, GP_IDT_CSTYPE) },
    { GATE(L_DATA0, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(GP, L_DATA0, GP_IDT_CSTYPE) },
    { GATE(L_CODE_NP, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(NP, L_CODE_NP, NP_IDT_CS) },
    { GATE(0, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(GP, 0, GP_IDT_CSNULL) },
    { GATE(OUTSIDE, AT_HANDLER, SYS_INT, 3, 0), 0, KERNEL, IS(GP, OUTSIDE, GP_IDT_CSLIMIT) },
    { GATE(L_CODE0, 0, SYS_INT, 3, 0), 0x8000, KERNEL, IS(GP, 0, GP_IDT_OFFSET) },
    { GATE(L_CODE0, AT_HANDLER, SYS_INT, 3, 2), 0, KERNEL, IS(SS, 0, SS_IST) },              /* IST2 is not canonical */
    { GATE(L_CODE0, AT_HANDLER, SYS_INT, 3, 7), 0, KERNEL, IS(TS, L_TSS, TS_STACK_TSS_LIMIT) }, /* IST7 lies behind the limit */
};

START_TEST(what_is_wrong_with_a_gate_is_told)
{
    const struct gate_case *c = &gate_cases[_i];

    begin(c->from);
    sys_poke(&s, AT_IDT + 16 * 0x40, c->low, 8);
    sys_poke(&s, AT_IDT + 16 * 0x40 + 8, c->high, 8);
    sys_poke(&s, AT_TSS + 0x2c, 0x8000000000000000, 8);
    s.cpu->seg[CPU_TR].limit = 0x5a;
    CODE(&s, "\xcd\x40");
    sys_run(&s, 1);
    ck_assert_msg(REC(1)->cause == c->cause, "case %d: %s", _i, cpu_cause_id(REC(1)->cause));
    ck_assert_uint_eq(REC(1)->vector, c->vector);
    ck_assert_uint_eq(REC(1)->error, c->error);
    ck_assert(REC(1)->nested);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16u * c->vector);
}
END_TEST

START_TEST(the_idt_ends_after_sixteen_bytes_an_entry)
{
    s.cpu->idtr.limit = 0x40 * 16 + 14;
    CODE(&s, "\xcd\x40");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_GP_IDT_LIMIT);
    ck_assert_uint_eq(REC(1)->error, ERR(0x40));
    ck_assert_uint_eq(REC(1)->evidence.laddr, AT_IDT + 0x400);
}
END_TEST

START_TEST(a_stack_that_is_not_canonical_leads_to_a_double_fault_on_its_ist)
{
    long_gate(&s, VEC_DF, L_CODE0, AT_HANDLER + 16 * VEC_DF, SYS_INT, 0, 1);
    s.cpu->reg[CPU_SP] = canon_end + 0x100;
    CODE(&s, "\x0f\x0b");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_UD_OPCODE);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_SS_CANON); /* #UD is benign: #SS is delivered, and meets the same */
    ck_assert_int_eq(REC(2)->cause, CPU_CAUSE_SS_CANON);
    ck_assert_int_eq(REC(3)->cause, CPU_CAUSE_DF_CC);
    ck_assert(REC(3)->delivered);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16 * VEC_DF);
    ck_assert_uint_eq(reg(CPU_SP), AT_IST1 - 48);
    ck_assert_uint_eq(long_stack(&s, 0), 0);
    ck_assert_uint_eq(long_stack(&s, 4), canon_end + 0x100);
}
END_TEST

/* ---- Transfers that succeed ---- */

START_TEST(a_call_gate_leads_inwards_and_back)
{
    bool compat = _i;

    begin(compat ? COMPAT_USER : USER);
    pointer(0, L_GATE | 3);
    sys_poke(&s, AT_DATA, (uint64_t)(L_GATE | 3) << 32, 8); /* for 16:32 */
    if (!compat)
        pointer(0, L_GATE | 3);
    if (compat)
        CODE(&s, "\xff\x1d\x00\x00\x06\x00");
    else
        CODE(&s, CALL_DATA);
    sys_poke(&s, AT_TASK, 0xcb48, 2); /* retfq */
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0 - 32);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, 0);
    ck_assert_uint_eq(long_stack(&s, 0), AT_CODE + (compat ? 6 : 8));
    ck_assert_uint_eq(long_stack(&s, 1), (compat ? L_CODE32_3 : L_CODE3) | 3);
    ck_assert_uint_eq(long_stack(&s, 2), AT_STACK3);
    ck_assert_uint_eq(long_stack(&s, 3), L_DATA3 | 3);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + (compat ? 6 : 8));
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK3);
    ck_assert_int_eq(!!(s.cpu->mode & MODE_L), !compat);
}
END_TEST

START_TEST(a_gate_to_level_1_takes_rsp1)
{
    begin(USER);
    pointer(0, L_GATE1 | 3);
    CODE(&s, CALL_DATA);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, 1);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, 1);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK1 - 32);
}
END_TEST

START_TEST(iretd_and_iretq_pop_ss_at_the_same_level_in_64_bit_mode)
{
    bool wide = _i;

    sys_poke(&s, AT_DATA, AT_TASK, wide ? 8 : 4);
    for (unsigned n = 0; n < 5; n++) {
        const uint64_t v[] = { AT_TASK, L_CODE0, 2 | EFL_AC, AT_STACK1, 0 };

        sys_poke(&s, AT_DATA + (wide ? 8 : 4) * n, v[n], wide ? 8 : 4);
    }
    s.cpu->reg[CPU_SP] = AT_DATA;
    sys_code(&s, wide ? "\x48\xcf" : "\xcf", wide ? 2 : 1);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK1);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, 0);
    ck_assert(s.cpu->eflags & EFL_AC);
}
END_TEST

START_TEST(iret_cannot_set_vm)
{
    begin(COMPAT);
    sys_poke(&s, AT_STACK0 - 12, AT_TASK, 4);
    sys_poke(&s, AT_STACK0 - 8, L_CODE32, 4);
    sys_poke(&s, AT_STACK0 - 4, EFL_VM | 2, 4);
    s.cpu->reg[CPU_SP] = AT_STACK0 - 12;
    CODE(&s, "\xcf");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->eflags & EFL_VM, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0); /* compatibility mode: SS:ESP only when the level changes */
}
END_TEST

/* ---- Segments ---- */

START_TEST(system_descriptors_have_a_64_bit_base)
{
    CODE(&s, "\x0f\x00\xd8\x0f\x00\xd1"); /* ltr ax; lldt cx */
    s.cpu->reg[CPU_AX] = L_TSS_FREE;
    s.cpu->reg[CPU_CX] = L_LDT;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].base, 0xffff800000000000 + AT_TSS32);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].limit, 0x67);
    ck_assert_uint_eq(s.cpu->seg[CPU_LDTR].base, AT_LDT);
    ck_assert_uint_eq(sys_peek(&s, AT_GDT + L_TSS_FREE + 5, 1) & 15, SYS_TSS_BUSY);
}
END_TEST

START_TEST(descriptor_tables_have_a_64_bit_base)
{
    sys_poke(&s, AT_DATA, 0x123, 2);
    sys_poke(&s, AT_DATA + 2, 0xffff800012345678, 8);
    CODE(&s, "\x0f\x01\x1c\x25\x00\x00\x06\x00\x0f\x01\x0c\x25\x20\x00\x06\x00"); /* lidt [AT_DATA]; sidt [AT_DATA + 20h] */
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->idtr.base, 0xffff800012345678);
    ck_assert_uint_eq(s.cpu->idtr.limit, 0x123);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0x20, 2), 0x123);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0x22, 8), 0xffff800012345678);
}
END_TEST

START_TEST(bases_count_for_fs_and_gs_only)
{
    CODE(&s, "\x8e\xd8\x8e\xe0\x8e\xd1\x48\x8b\x14\x25\x00\x00\x06\x00" /* mov ds, ax; mov fs, ax; mov ss, cx; mov rdx, [AT_DATA] */
             "\x64\x48\x8b\x3c\x25\x08\x00\x00\x00");                     /* mov rdi, fs:[8] */
    sys_desc(&s, L_DATA_BASE, DESC(AT_DATA, 0xffff, SEG_P | SEG_S | 0x2));
    sys_poke(&s, AT_DATA, 0x1111, 8);
    sys_poke(&s, AT_DATA + 8, 0x2222, 8);
    s.cpu->reg[CPU_AX] = L_DATA_BASE;
    s.cpu->reg[CPU_CX] = 0; /* a null SS is fine here */
    sys_run(&s, 5);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(reg(CPU_DX), 0x1111);
    ck_assert_uint_eq(reg(CPU_DI), 0x2222);
    ck_assert_uint_eq(s.cpu->seg[CPU_FS].base, AT_DATA);
}
END_TEST

START_TEST(a_return_to_the_user_keeps_the_bases_of_null_segments)
{
    s.cpu->seg[CPU_FS] = (struct cpu_seg){ .attr = SEG_UNUSABLE, .base = 0x7fff12345678 };
    s.cpu->seg[CPU_GS] = (struct cpu_seg){ .selector = 1, .attr = SEG_UNUSABLE, .base = 0x7fff87654321 };
    if (_i) { /* not null, but the kernel's: they become null */
        sys_segment(&s, CPU_FS, L_DATA0, FLAT(0x2, 0));
        sys_segment(&s, CPU_GS, L_DATA0, FLAT(0x2, 0));
        s.cpu->seg[CPU_FS].base = 0x7fff12345678;
        s.cpu->seg[CPU_GS].base = 0x7fff87654321;
    }
    frame5(AT_TASK, L_CODE3 | 3, 2, AT_STACK3, L_DATA3 | 3);
    CODE(&s, "\x48\xcf");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_FS].base, 0x7fff12345678);
    ck_assert_uint_eq(s.cpu->seg[CPU_GS].base, 0x7fff87654321);
    ck_assert_uint_eq(s.cpu->seg[CPU_GS].selector, 0);
    ck_assert(s.cpu->seg[CPU_GS].attr & SEG_UNUSABLE);
}
END_TEST

START_TEST(lar_and_lsl_know_the_types_of_long_mode)
{
    static const struct { uint16_t selector; bool lar, lsl; } cases[] = {
        { L_TSS, true, true }, { L_LDT, true, true }, { L_GATE, true, false }, { L_TSS16, false, false }, { L_TASK_GATE, false, false },
        { L_GATE16, false, false }, { L_CODE0, true, true }, { L_TSS_TYPE, false, false }, { L_LAST, false, false },
    };

    CODE(&s, "\x48\x0f\x02\xd0\x0f\x94\xc3\x48\x0f\x03\xd0\x0f\x94\xc7"); /* lar rdx, ax; setz bl; lsl rdx, ax; setz bh */
    s.cpu->reg[CPU_AX] = cases[_i].selector;
    sys_run(&s, 4);
    ck_assert_uint_eq(reg(CPU_BX) & 0xff, cases[_i].lar);
    ck_assert_uint_eq(reg(CPU_BX) >> 8 & 0xff, cases[_i].lsl);
}
END_TEST

/* ---- Registers of 64 bits ---- */

START_TEST(control_and_debug_registers_have_64_bits)
{
    CODE(&s, "\x0f\x22\xd0\x0f\x20\xd1\x0f\x23\xc0\x0f\x21\xc2\x44\x0f\x22\xc3\x44\x0f\x20\xc6"); /* cr2, dr0 from rax; cr8 from rbx */
    s.cpu->reg[CPU_AX] = 0x123456789abcdef0;
    s.cpu->reg[CPU_BX] = 9;
    sys_run(&s, 6);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->cr2, 0x123456789abcdef0);
    ck_assert_uint_eq(reg(CPU_CX), 0x123456789abcdef0);
    ck_assert_uint_eq(s.cpu->dr[0], 0x123456789abcdef0);
    ck_assert_uint_eq(reg(CPU_DX), 0x123456789abcdef0);
    ck_assert_uint_eq(reg(CPU_SI), 9);
    ck_assert_uint_eq(lapic_peek(s.cpu->lapic, 0x80), 0x90);
}
END_TEST

START_TEST(an_execution_breakpoint_compares_all_64_bits)
{
    CODE(&s, "\x90\x90");
    s.cpu->dr[0] = AT_CODE + 1 + (_i ? 1ull << 32 : 0);
    s.cpu->dr[7] = DR7_INIT | 2;
    cpu_attend(s.cpu);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, _i ? 0 : 1);
}
END_TEST

START_TEST(enter_leave_and_flags_have_64_bits)
{
    CODE(&s, "\x9c\xc8\x10\x00\x02\xc9\x9d\x0f\xa0\x0f\xa1"); /* pushfq; enter 16, 2; leave; popfq; push fs; pop fs */
    s.cpu->reg[CPU_BP] = AT_STACK1;
    sys_poke(&s, AT_STACK1 - 8, 0xffff800000001234, 8);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(sys_peek(&s, AT_STACK0 - 8, 8), 2);
    ck_assert_uint_eq(sys_peek(&s, AT_STACK0 - 16, 8), AT_STACK1);
    ck_assert_uint_eq(sys_peek(&s, AT_STACK0 - 24, 8), 0xffff800000001234);
    ck_assert_uint_eq(sys_peek(&s, AT_STACK0 - 32, 8), AT_STACK0 - 16);
    ck_assert_uint_eq(reg(CPU_BP), AT_STACK0 - 16);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0 - 32 - 16);
    sys_run(&s, 2);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0);
    ck_assert_uint_eq(reg(CPU_BP), AT_STACK1);
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0 - 8);
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK0);
    ck_assert_uint_eq(s.cpu->seg[CPU_FS].selector, L_DATA0);
}
END_TEST

/* Nothing is there, and no entry of the fast tables may look as if there were. */
START_TEST(the_last_page_is_like_any_other)
{
    static const char *const code[] = { "\x88\x03", "\x8a\x03", "\x00\x03" }; /* mov, mov, add */

    for (unsigned n = 0; n < 3; n++) {
        sys_code(&s, code[n], 2);
        s.cpu->ip = AT_CODE;
        s.cpu->reg[CPU_BX] = UINT64_MAX - 3;
        s.cpu->history_next = 0;
        sys_run(&s, 1);
        ck_assert_uint_eq(s.cpu->history_next, 1);
        ck_assert_uint_eq(s.cpu->history[0].vector, VEC_PF);
        ck_assert_uint_eq(s.cpu->cr2, UINT64_MAX - 3);
    }
}
END_TEST

START_TEST(running_off_the_canonical_half_faults)
{
    sys_poke(&s, AT_PML4 + 8 * 255, AT_PDPT | PTE_ALL, 8);
    sys_poke(&s, AT_PDPT + 8 * 511, AT_LPD | PTE_ALL, 8);
    sys_poke(&s, AT_LPD + 8 * 511, AT_LPT | PTE_ALL, 8);
    sys_poke(&s, AT_LPT + 8 * 511, AT_CODE | PTE_ALL, 8);
    sys_poke(&s, AT_CODE + 0xffe, 0x9090, 2);
    s.cpu->ip = canon_end - 2;
    sys_run(&s, 3);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_FETCH);
    ck_assert_uint_eq(REC(0)->ip, canon_end);
    ck_assert_uint_eq(s.cpu->retired, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long");
    TCase *t = tcase_create("long mode");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, code_enters_64_bit_mode);
    tcase_add_test(t, code_goes_back_to_compatibility_and_to_legacy_mode);
    tcase_add_loop_test(t, a_check_has_its_vector_code_and_cause, 0, sizeof(fault_cases) / sizeof(fault_cases[0]));
    tcase_add_loop_test(t, long_mode_needs_pae, 0, 3);
    tcase_add_test(t, a_frame_has_five_quadwords_on_an_aligned_stack);
    tcase_add_loop_test(t, an_inner_level_gets_rsp0_and_a_null_ss, 0, 2);
    tcase_add_loop_test(t, an_ist_stack_is_taken_at_any_level, 0, 2);
    tcase_add_loop_test(t, what_is_wrong_with_a_gate_is_told, 0, sizeof(gate_cases) / sizeof(gate_cases[0]));
    tcase_add_test(t, the_idt_ends_after_sixteen_bytes_an_entry);
    tcase_add_test(t, a_stack_that_is_not_canonical_leads_to_a_double_fault_on_its_ist);
    tcase_add_loop_test(t, a_call_gate_leads_inwards_and_back, 0, 2);
    tcase_add_test(t, a_gate_to_level_1_takes_rsp1);
    tcase_add_loop_test(t, iretd_and_iretq_pop_ss_at_the_same_level_in_64_bit_mode, 0, 2);
    tcase_add_test(t, iret_cannot_set_vm);
    tcase_add_test(t, system_descriptors_have_a_64_bit_base);
    tcase_add_test(t, descriptor_tables_have_a_64_bit_base);
    tcase_add_test(t, bases_count_for_fs_and_gs_only);
    tcase_add_loop_test(t, a_return_to_the_user_keeps_the_bases_of_null_segments, 0, 2);
    tcase_add_loop_test(t, lar_and_lsl_know_the_types_of_long_mode, 0, 9);
    tcase_add_test(t, control_and_debug_registers_have_64_bits);
    tcase_add_loop_test(t, an_execution_breakpoint_compares_all_64_bits, 0, 2);
    tcase_add_test(t, enter_leave_and_flags_have_64_bits);
    tcase_add_test(t, the_last_page_is_like_any_other);
    tcase_add_test(t, running_off_the_canonical_half_faults);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
