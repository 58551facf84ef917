/*
 * Control and debug registers, flags, descriptor-table instructions, questions about selectors, CPUID and MSRs.
 */
#include "testcases/unit/system_bench.h"

#include "cpu/flags.h"
#include "cpu/msr.h"

static struct sys s;

static void setup(void) { sys_open(&s, "max", 1); }
static void teardown(void) { sys_close(&s); }

#define REC(n) sys_record(&s, (n))

/* ---- CR0, CR3, CR4 ---- */

START_TEST(reserved_bits_of_cr0_are_ignored_and_et_is_1)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x22\xc0\x0f\x20\xc3");
    s.cpu->reg[CPU_AX] = 0x0008ffc1;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], CR0_PE | CR0_ET);
}
END_TEST

START_TEST(cr0_pe_leaves_and_enters_protected_mode)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x22\xc0\x0f\x22\xc3");
    s.cpu->reg[CPU_AX] = 0;
    s.cpu->reg[CPU_BX] = 1;
    sys_run(&s, 1);
    ck_assert(!(s.cpu->mode & MODE_PE));
    ck_assert(s.cpu->mode & MODE_D); /* CS is as it was loaded */
    sys_run(&s, 1);
    ck_assert(s.cpu->mode & MODE_PE);
}
END_TEST

START_TEST(lmsw_sets_pe_and_does_not_clear_it)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x01\xf0\x0f\x01\xe3\x66\x0f\x01\xe1");
    s.cpu->reg[CPU_AX] = CR0_TS | CR0_MP;
    s.cpu->reg[CPU_CX] = 0xffffffff;
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->cr0, CR0_PE | CR0_MP | CR0_TS | CR0_ET);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], s.cpu->cr0);
    ck_assert_uint_eq(s.cpu->reg[CPU_CX], 0xffff0000 | s.cpu->cr0);
}
END_TEST

START_TEST(clts_clears_ts)
{
    sys_protected(&s, 0);
    s.cpu->cr0 |= CR0_TS;
    CODE(&s, "\x0f\x06");
    sys_run(&s, 1);
    ck_assert(!(s.cpu->cr0 & CR0_TS));
}
END_TEST

/* A stale translation lives until something drops it: SDM Vol. 3A, "Operations that invalidate TLBs". */
struct flush_case {
    const char *code;
    unsigned len;
    uint32_t eax;
    bool global;      /* is the entry global? */
    bool stale;       /* does it survive? */
};
#define B(bytes) bytes, sizeof(bytes) - 1
static const struct flush_case flush_cases[] = {
    { B("\x90"), 0, false, true },
    { B("\x0f\x22\xd8"), AT_PD, false, false },                      /* mov cr3, eax */
    { B("\x0f\x22\xd8"), AT_PD, true, true },
    { B("\x0f\x22\xe0"), CR4_PGE | CR4_TSD, true, true },            /* mov cr4, eax */
    { B("\x0f\x22\xe0"), 0, true, false },
    { B("\x0f\x22\xe0"), CR4_PGE | CR4_PSE, true, false },
    { B("\x0f\x01\x3d\x10\x00\x06\x00"), 0, true, false },           /* invlpg [AT_DATA + 10h] */
    { B("\x0f\x01\x3d\x00\x10\x06\x00"), 0, false, true },           /* of another page */
    { B("\x0f\x22\xc0"), CR0_PG | CR0_PE | CR0_WP, false, true },    /* mov cr0, eax */
};

START_TEST(translations_live_until_they_are_invalidated)
{
    const struct flush_case *c = &flush_cases[_i];
    uint8_t code[32];

    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * (AT_DATA >> 12), AT_DATA | 7 | (c->global ? 0x100 : 0), 4);
    s.cpu->cr4 = CR4_PGE;
    sys_paging(&s);
    memcpy(code, "\x8b\x1d\x00\x00\x06\x00", 6); /* mov ebx, [AT_DATA] */
    memcpy(code + 6, c->code, c->len);
    memcpy(code + 6 + c->len, "\x8b\x1d\x00\x00\x06\x00", 6);
    sys_code(&s, code, 12 + c->len);
    sys_poke(&s, AT_DATA, 0x11111111, 4);
    sys_poke(&s, AT_DATA + 0x1000, 0x22222222, 4);
    s.cpu->reg[CPU_AX] = c->eax;
    sys_run(&s, 1);
    sys_poke(&s, AT_PT + 4 * (AT_DATA >> 12), (AT_DATA + 0x1000) | 7 | (c->global ? 0x100 : 0), 4);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], c->stale ? 0x11111111 : 0x22222222);
}
END_TEST

START_TEST(wp_is_effective_at_once)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * (AT_DATA >> 12), AT_DATA | 5, 4);
    sys_paging(&s);
    CODE(&s, "\xa3\x00\x00\x06\x00\x0f\x22\xc3\xa3\x00\x00\x06\x00");
    s.cpu->reg[CPU_BX] = CR0_PG | CR0_PE | CR0_WP;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_SUPER_WRITE);
    ck_assert_uint_eq(REC(0)->error, 3);
}
END_TEST

START_TEST(a_model_without_cr4_does_not_have_it)
{
    sys_close(&s);
    sys_open(&s, "486", 1);
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x20\xe0");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_UD_MOVCR);
}
END_TEST

/* ---- Debug registers ---- */

START_TEST(dr4_and_dr5_are_aliases_until_de)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x23\xe8\x0f\x21\xfb\x0f\x21\xe1\x0f\x21\xe1"); /* mov dr5, eax; mov ebx, dr7; mov ecx, dr4; once more */
    s.cpu->reg[CPU_AX] = 0xffffdfff;
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], 0xffff07ff);
    ck_assert_uint_eq(s.cpu->reg[CPU_CX], DR6_INIT);
    s.cpu->cr4 = CR4_DE;
    s.cpu->dr[7] = DR7_INIT;
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_UD_MOVDR45);
}
END_TEST

/* SDM Vol. 3A, "Priority Among Concurrent Events": an invalid opcode comes before general protection. */
START_TEST(dr5_with_de_is_invalid_at_any_cpl)
{
    static const struct { const char *code; enum cpu_cause without, with; } cases[] = {
        { "\x0f\x23\xe8", CPU_CAUSE_GP_CPL0, CPU_CAUSE_UD_MOVDR45 }, /* mov dr5, eax */
        { "\x0f\x21\xe0", CPU_CAUSE_GP_CPL0, CPU_CAUSE_UD_MOVDR45 }, /* mov eax, dr4 */
        { "\x0f\x21\xf0", CPU_CAUSE_GP_CPL0, CPU_CAUSE_GP_CPL0 },    /* mov eax, dr6 */
    };

    for (unsigned de = 0; de < 2; de++) {
        sys_protected(&s, 3);
        s.cpu->cr4 = de ? CR4_DE : 0;
        sys_code(&s, cases[_i].code, 3);
        sys_run(&s, 1);
        ck_assert_int_eq(REC(de)->cause, de ? cases[_i].with : cases[_i].without);
    }
}
END_TEST

START_TEST(gd_guards_the_debug_registers_once)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x23\xf8\x0f\x21\xf3");
    s.cpu->reg[CPU_AX] = DR7_GD;
    sys_run(&s, 2);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_GD);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | DR6_BD);
    ck_assert_uint_eq(s.cpu->dr[7], DR7_INIT);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 3);
    ck_assert_uint_eq(sys_stack(&s, 2), 2 | EFL_RF);
}
END_TEST

struct watch_case {
    const char *code;
    unsigned len;
    uint32_t dr0, dr7;
    enum cpu_cause cause; /* NONE: no trap */
};
#define WATCH(condition, length) (1u | (condition) << 16 | (length) << 18)
static const struct watch_case watch_cases[] = {
    { B("\xa3\x00\x00\x06\x00"), AT_DATA, WATCH(1, 3), CPU_CAUSE_DB_DATA },      /* mov [AT_DATA], eax */
    { B("\xa1\x00\x00\x06\x00"), AT_DATA, WATCH(1, 3), CPU_CAUSE_NONE },         /* mov eax, [AT_DATA] */
    { B("\xa1\x00\x00\x06\x00"), AT_DATA, WATCH(3, 3), CPU_CAUSE_DB_DATA },
    { B("\xa3\x00\x00\x06\x00"), AT_DATA + 3, WATCH(1, 0), CPU_CAUSE_DB_DATA },
    { B("\xa3\x00\x00\x06\x00"), AT_DATA + 4, WATCH(3, 3), CPU_CAUSE_NONE },
    { B("\xa3\x02\x00\x06\x00"), AT_DATA + 5, WATCH(1, 3), CPU_CAUSE_DB_DATA },  /* its range begins at AT_DATA + 4 */
    { B("\xa3\x00\x00\x06\x00"), AT_DATA, WATCH(1, 3) & ~1u, CPU_CAUSE_NONE },   /* off */
    { B("\xff\x05\x00\x00\x06\x00"), AT_DATA, WATCH(1, 3), CPU_CAUSE_DB_DATA }, /* inc dword */
    { B("\x50"), AT_STACK0 - 4, WATCH(1, 3), CPU_CAUSE_DB_DATA },
    { B("\xe6\x80"), 0x80, WATCH(2, 0), CPU_CAUSE_DB_IO },                       /* out 80h, al; CR4.DE */
    { B("\xe6\x81"), 0x80, WATCH(2, 0), CPU_CAUSE_NONE },
    { B("\x66\x6d"), 0x301, WATCH(2, 0), CPU_CAUSE_DB_IO },                      /* insw; DX = 0300h */
    { B("\x66\x6d"), AT_DATA, WATCH(1, 1), CPU_CAUSE_DB_DATA },
};

START_TEST(data_breakpoints_trap_after_the_access)
{
    const struct watch_case *c = &watch_cases[_i];
    uint8_t code[16];

    sys_protected(&s, 0);
    memcpy(code, "\x0f\x23\xfb", 3); /* mov dr7, ebx */
    memcpy(code + 3, c->code, c->len);
    code[3 + c->len] = 0x90;
    sys_code(&s, code, c->len + 4);
    s.cpu->cr4 = CR4_DE;
    s.cpu->dr[0] = c->dr0;
    s.cpu->reg[CPU_BX] = c->dr7;
    s.cpu->reg[CPU_DX] = 0x300;
    s.cpu->reg[CPU_DI] = AT_DATA;
    sys_run(&s, 3);
    if (c->cause != CPU_CAUSE_NONE) {
        ck_assert_int_eq(REC(0)->cause, c->cause);
        ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
        ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | 1);
        ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 3 + c->len);
        ck_assert_uint_eq(sys_stack(&s, 2) & EFL_RF, 0);
    } else {
        ck_assert_uint_eq(s.cpu->ip, AT_CODE + 4 + c->len);
    }
}
END_TEST

/* Data breakpoints are traps: an instruction that faults has not been executed. */
START_TEST(a_fault_drops_the_breakpoints_that_its_instruction_met)
{
    static const struct { const char *code; unsigned len, vector; } cases[] = {
        { B("\x62\x05\x00\x00\x06\x00"), VEC_BR }, /* bound eax, [AT_DATA] */
        { B("\xff\x35\x00\x00\x06\x00"), VEC_SS }, /* push dword [AT_DATA] */
    };
    uint8_t code[16];

    sys_protected(&s, 0);
    memcpy(code, "\x0f\x23\xfb", 3); /* mov dr7, ebx */
    memcpy(code + 3, cases[_i].code, cases[_i].len);
    sys_code(&s, code, 3 + cases[_i].len);
    s.cpu->dr[0] = AT_DATA;
    s.cpu->reg[CPU_AX] = 1;
    s.cpu->reg[CPU_BX] = WATCH(3, 3);
    if (cases[_i].vector == VEC_SS) {
        sys_segment(&s, CPU_SS, DATA0, DESC(0, 0xfff, SEG_DB | SEG_P | SEG_S | 3));
        s.cpu->reg[CPU_SP] = 0x2000;
        cpu_mode_changed(s.cpu);
    }
    sys_run(&s, 2);
    ck_assert_uint_eq(REC(0)->vector, cases[_i].vector);
    ck_assert_uint_eq(s.cpu->pending_db, 0);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT);
}
END_TEST

/*
 * SDM Vol. 3A, "Masking exceptions and interrupts when switching stacks": a breakpoint on the operand of MOV SS is delivered behind the
 * instruction that follows, whatever that one is.
 */
struct delayed_case {
    const char *code;    /* of 2 bytes, behind MOV SS */
    uint32_t ip;         /* saved by #DB */
    uint32_t dr6;
    bool step;
};
static const struct delayed_case delayed_cases[] = {
    { "\x90\x90", AT_CODE + 7, 1, false },
    { "\x90\x90", AT_CODE + 7, 1 | DR6_BS, true },
    { "\xeb\x02", AT_CODE + 10, 1, false },
    { "\xcd\x40", AT_HANDLER + 0x400, 1, false }, /* INT 40h: before its handler's first instruction */
    { "\x0f\x0b", AT_HANDLER + 0x60, 1, false },  /* #UD: likewise */
};

START_TEST(a_breakpoint_on_the_operand_of_mov_ss_is_delayed)
{
    const struct delayed_case *c = &delayed_cases[_i];
    const struct cpu_delivery *r;
    uint8_t code[10] = "\x8e\x15\x00\x00\x06\x00\x90\x90\x90"; /* mov ss, [AT_DATA] */

    sys_protected(&s, 0);
    memcpy(code + 6, c->code, 2);
    sys_code(&s, code, sizeof(code));
    sys_poke(&s, AT_DATA, DATA0, 2);
    s.cpu->dr[0] = AT_DATA;
    s.cpu->dr[7] = WATCH(3, 1);
    cpu_set_eflags(s.cpu, 2 | (c->step ? EFL_TF : 0));
    cpu_mode_changed(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 6);
    sys_run(&s, 2);
    r = REC(s.cpu->history_next - 1);
    ck_assert_uint_eq(r->vector, VEC_DB);
    ck_assert_int_eq(r->cause, CPU_CAUSE_DB_DELAYED);
    ck_assert_uint_eq(sys_stack(&s, 0), c->ip);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | c->dr6);
    ck_assert_uint_eq(s.cpu->pending_db, 0);
    ck_assert_int_eq(s.cpu->pending_db_cause, CPU_CAUSE_NONE);
}
END_TEST

/* POP SS reads the stack; the next trap is its own again. */
START_TEST(a_delayed_trap_is_forgotten_when_delivered)
{
    sys_protected(&s, 0);
    CODE(&s, "\x17\xbc\x00\x00\x05\x00"); /* pop ss; mov esp, AT_STACK1 */
    sys_poke(&s, AT_HANDLER + 0x10, 0x00060000a3, 5); /* mov [AT_DATA], eax */
    sys_poke(&s, AT_STACK0, DATA0, 4);
    s.cpu->dr[0] = AT_STACK0;
    s.cpu->dr[1] = AT_DATA;
    s.cpu->dr[7] = WATCH(3, 1) | 4u | 1u << 20;
    cpu_mode_changed(s.cpu);
    sys_run(&s, 3);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_DELAYED);
    sys_run(&s, 2);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_DB_DATA);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | 2);
}
END_TEST

/* The same section: debug exceptions are held off on the boundary behind MOV SS and POP SS, and an instruction breakpoint that is held off is lost. */
START_TEST(a_breakpoint_on_the_instruction_behind_a_load_of_ss_is_lost)
{
    sys_protected(&s, 0);
    sys_code(&s, _i == 0 ? "\x8e\xd0\x90\x90" : "\x17\x40\x90\x90", 4); /* mov ss, ax; nop / pop ss; inc eax */
    s.cpu->reg[CPU_AX] = DATA0;
    sys_poke(&s, AT_STACK0, DATA0, 4);
    s.cpu->dr[0] = AT_CODE + (_i == 0 ? 2 : 1);
    s.cpu->dr[1] = s.cpu->dr[0] + 1;
    s.cpu->dr[7] = WATCH(0, 0) | 4u;
    cpu_mode_changed(s.cpu);
    cpu_attend(s.cpu);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, s.cpu->dr[1]);
    sys_run(&s, 1); /* the next one is found */
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_EXEC);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | 2);
}
END_TEST

/* SDM Vol. 3B, "Debug Status Register (DR6)": B0 to B3 tell of the newest exception, BD, BS and BT stay until software clears them. */
struct dr6_case {
    const char *code;    /* of 2 bytes */
    uint32_t dr7, flags;
    uint32_t dr6;
};
static const struct dr6_case dr6_cases[] = {
    { "\x88\x0f", WATCH(1, 0), 0, 1 | DR6_BS | DR6_BT },                   /* mov [edi], cl: trap */
    { "\x90\x90", WATCH(0, 0) | 4u, 0, 2 | DR6_BS | DR6_BT },              /* breakpoint 1 on the instruction: fault */
    { "\x90\x90", 0, EFL_TF, DR6_BS | DR6_BT },                           /* single step: no B bit is left */
    { "\x0f\x21", DR7_GD, 0, DR6_BD | DR6_BS | DR6_BT },                   /* mov ecx, dr0: general detect */
};

START_TEST(a_debug_exception_replaces_the_breakpoint_bits_of_dr6)
{
    const struct dr6_case *c = &dr6_cases[_i];
    uint8_t code[4] = { 0x90, 0x90, 0xc1, 0x90 };

    sys_protected(&s, 0);
    memcpy(code, c->code, 2);
    sys_code(&s, code, sizeof(code));
    s.cpu->reg[CPU_DI] = AT_DATA;
    s.cpu->dr[0] = AT_DATA;
    s.cpu->dr[1] = AT_CODE;
    s.cpu->dr[6] = DR6_INIT | DR6_BS | DR6_BT | 0xc;
    s.cpu->dr[7] = DR7_INIT | c->dr7;
    cpu_set_eflags(s.cpu, 2 | c->flags);
    cpu_mode_changed(s.cpu);
    cpu_attend(s.cpu);
    sys_run(&s, 2);
    ck_assert_uint_eq(REC(0)->vector, VEC_DB);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | c->dr6);
}
END_TEST

/* INT1 is a debug exception itself: what MOV SS held back comes with it, and no second one follows. */
START_TEST(a_delayed_breakpoint_comes_with_int1)
{
    uint8_t code[8] = "\x8e\x15\x00\x00\x06\x00\xf1\x90"; /* mov ss, [AT_DATA]; int1 */

    sys_protected(&s, 0);
    sys_code(&s, code, sizeof(code));
    sys_poke(&s, AT_DATA, DATA0, 2);
    sys_poke(&s, AT_HANDLER + 0x10, 0x9090, 2);
    s.cpu->dr[0] = AT_DATA;
    s.cpu->dr[7] = WATCH(3, 1);
    cpu_mode_changed(s.cpu);
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->history_next, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_INT1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x11);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | 1);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 7);
    ck_assert_uint_eq(s.cpu->pending_db, 0);
    ck_assert_int_eq(s.cpu->pending_db_cause, CPU_CAUSE_NONE);
}
END_TEST

/* A breakpoint on the stack that INT1 itself pushes on is a trap of its own. */
START_TEST(a_breakpoint_hit_by_int1_follows_it)
{
    sys_protected(&s, 0);
    CODE(&s, "\xf1");
    s.cpu->dr[0] = AT_STACK0 - 4;
    s.cpu->dr[7] = WATCH(1, 3);
    cpu_mode_changed(s.cpu);
    sys_run(&s, 2);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_INT1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_DB_DATA);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_HANDLER + 0x10);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | 1);
}
END_TEST

START_TEST(tf_traps_after_each_instruction)
{
    sys_protected(&s, 0);
    CODE(&s, "\x9d\x90\x90");
    s.cpu->reg[CPU_SP] -= 4;
    sys_poke(&s, AT_STACK0 - 4, 2 | EFL_TF, 4);
    sys_run(&s, 2); /* POPF, NOP: the trap follows the instruction behind POPF */
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | DR6_BS);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 2);
    ck_assert_uint_eq(sys_stack(&s, 2), 2 | EFL_TF);
}
END_TEST

/* SDM Vol. 3B, "Single-Stepping on Branches" */
START_TEST(with_btf_only_taken_branches_trap)
{
    sys_protected(&s, 0);
    s.cpu->msr.debugctl = DEBUGCTL_BTF;
    CODE(&s, "\x90\x74\x02\x75\x00\x90"); /* nop; jz +2; jnz +0; nop */
    cpu_set_eflags(s.cpu, 2 | EFL_TF);
    cpu_attend(s.cpu);
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 5);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_BTF);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | DR6_BS);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 5);
    ck_assert_uint_eq(s.cpu->msr.debugctl, 0);
}
END_TEST

START_TEST(debugctl_takes_the_bits_that_are_modelled)
{
    static const struct { unsigned low; bool taken; } cases[] = { { 0, true }, { 2, true }, { 1, true }, { 0x40, false }, { 0x80, false } };

    for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
        sys_protected(&s, 0);
        CODE(&s, "\x0f\x30");
        s.cpu->history_next = 0;
        s.cpu->reg[CPU_CX] = 0x1d9;
        s.cpu->reg[CPU_AX] = cases[n].low;
        s.cpu->reg[CPU_DX] = 0;
        sys_run(&s, 1);
        ck_assert_int_eq(s.cpu->history_next, !cases[n].taken);
    }
}
END_TEST

/* ---- Flags and halting ---- */

START_TEST(sti_opens_interrupts_behind_the_next_instruction)
{
    sys_protected(&s, 0);
    CODE(&s, "\xfb\xfb\x90");
    sys_run(&s, 1);
    ck_assert(s.cpu->shadow_sti);
    sys_run(&s, 1);
    ck_assert(!s.cpu->shadow_sti); /* IF was set already */
}
END_TEST

/* SDM Vol. 2B, "STI": NMIs may be held off for one instruction, too; here they are. One that waits wakes the HLT behind STI. */
START_TEST(sti_holds_off_an_nmi_for_one_instruction)
{
    static const struct { const char *code; unsigned steps; } cases[] = {
        { "\xfb\x90", 2 }, { "\xfb\xf4", 2 },
        { "\x90\xfb", 1 }, /* IF was clear: no reason to wait before STI */
    };

    sys_protected(&s, 0);
    sys_code(&s, cases[_i].code, 2);
    if (_i == 2)
        s.cpu->nmi_pending = true;
    else
        sys_run(&s, 1);
    s.cpu->nmi_pending = true;
    cpu_attend(s.cpu);
    sys_run(&s, cases[_i].steps - 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_NMI_PIN);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 2u * (_i != 2));
}
END_TEST

START_TEST(mov_ss_and_pop_ss_cast_a_shadow_and_lss_does_not)
{
    sys_protected(&s, 0);
    CODE(&s, "\x8e\xd0\x17\x0f\xb2\x25\x00\x00\x06\x00");
    sys_poke(&s, AT_DATA, AT_STACK0, 4);
    sys_poke(&s, AT_DATA + 4, DATA0, 2);
    sys_poke(&s, AT_STACK0, DATA0, 4);
    s.cpu->reg[CPU_AX] = DATA0;
    sys_run(&s, 1);
    ck_assert(s.cpu->shadow_ss);
    sys_run(&s, 1);
    ck_assert(s.cpu->shadow_ss);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 + 4);
    sys_run(&s, 1);
    ck_assert(!s.cpu->shadow_ss);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0);
}
END_TEST

START_TEST(popf_respects_iopl_and_leaves_vm_rf_vif_vip)
{
    static const struct { unsigned cpl, iopl; uint32_t after; } cases[] = {
        { 0, 0, EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_AC | EFL_ID },
        { 3, 3, EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_AC | EFL_ID },
        { 3, 0, EFL_ARITH | EFL_TF | EFL_DF | EFL_NT | EFL_AC | EFL_ID },
    };

    sys_protected(&s, cases[_i].cpl);
    cpu_set_eflags(s.cpu, 2 | cases[_i].iopl << EFL_IOPL_SHIFT);
    CODE(&s, "\x9d");
    s.cpu->reg[CPU_SP] -= 4;
    sys_poke(&s, (uint32_t)s.cpu->reg[CPU_SP], 0x3fffff, 4);
    sys_run(&s, 1);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | cases[_i].after);
}
END_TEST

START_TEST(hlt_sleeps_behind_itself)
{
    sys_protected(&s, 0);
    CODE(&s, "\xf4");
    ck_assert_int_eq(sys_run(&s, 2), CPU_EXIT_SLEEP);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 1);
    ck_assert_int_eq(s.cpu->activity, CPU_HALTED);
    s.cpu->nmi_pending = true;
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x20);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 1);
}
END_TEST

START_TEST(escapes_and_wait_ask_cr0)
{
    static const struct { const char *code; unsigned len; uint32_t cr0; enum cpu_cause cause; } cases[] = {
        { B("\xd9\x00"), CR0_EM, CPU_CAUSE_NM_EM }, { B("\xdb\xe3"), CR0_TS, CPU_CAUSE_NM_TS }, { B("\xd9\xd1"), 0, CPU_CAUSE_UD_OPCODE },
        { B("\x9b"), CR0_MP | CR0_TS, CPU_CAUSE_NM_WAIT }, { B("\x9b"), CR0_TS, CPU_CAUSE_NONE }, { B("\x9b"), CR0_EM, CPU_CAUSE_NONE },
    };

    sys_protected(&s, 0);
    s.cpu->cr0 |= cases[_i].cr0;
    cpu_mode_changed(s.cpu);
    sys_code(&s, cases[_i].code, cases[_i].len);
    sys_run(&s, 1);
    if (cases[_i].cause == CPU_CAUSE_NONE)
        ck_assert_uint_eq(s.cpu->history_next, 0);
    else
        ck_assert_int_eq(REC(0)->cause, cases[_i].cause);
}
END_TEST

/* ---- Tables ---- */

START_TEST(lgdt_with_a_16_bit_operand_loads_24_bits_and_sgdt_stores_32)
{
    sys_protected(&s, 0);
    CODE(&s, "\x66\x0f\x01\x15\x00\x00\x06\x00\x0f\x01\x15\x08\x00\x06\x00\x66\x0f\x01\x05\x10\x00\x06\x00");
    sys_poke(&s, AT_DATA, 0x123456780fffull, 6);
    sys_poke(&s, AT_DATA + 8, 0x123456780fffull, 6);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->gdtr.base, 0x345678);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->gdtr.base, 0x12345678);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0x10, 6), 0x123456780fffull);
}
END_TEST

START_TEST(lldt_and_ltr_load_and_mark)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x00\xd0\x0f\x00\xdb\x0f\x00\xc9\x0f\x00\xd2"); /* lldt ax; ltr bx; str ecx; lldt dx */
    s.cpu->reg[CPU_AX] = LDT;
    s.cpu->reg[CPU_BX] = TSS32;
    s.cpu->reg[CPU_DX] = 2;
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_LDTR].base, AT_LDT);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].base, AT_TSS32);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].attr & SEG_TYPE, SYS_TSS_BUSY);
    ck_assert_uint_eq(sys_peek(&s, AT_GDT + TSS32 + 5, 1) & 15, SYS_TSS_BUSY);
    ck_assert_uint_eq(s.cpu->reg[CPU_CX], TSS32);
    sys_run(&s, 1);
    ck_assert(s.cpu->seg[CPU_LDTR].attr & SEG_UNUSABLE);
}
END_TEST

START_TEST(segments_load_with_base_limit_and_accessed_bit)
{
    sys_protected(&s, 0);
    sys_desc(&s, DATA3, DESC(0x12345678, 0x54321, SEG_P | SEG_S | 3 << 5 | SEG_AVL | 2));
    CODE(&s, "\x8e\xd8\x8c\xdb\x8e\xe1\x1e\x0f\xa9");
    s.cpu->reg[CPU_AX] = DATA3 | 1;
    s.cpu->reg[CPU_CX] = 3;
    sys_run(&s, 5);
    ck_assert_uint_eq(s.cpu->seg[CPU_DS].base, 0x12345678);
    ck_assert_uint_eq(s.cpu->seg[CPU_DS].limit, 0x54321);
    ck_assert_uint_eq(sys_peek(&s, AT_GDT + DATA3 + 5, 1), 0xf3);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], DATA3 | 1);
    ck_assert(s.cpu->seg[CPU_FS].attr & SEG_UNUSABLE);
    ck_assert_uint_eq(s.cpu->seg[CPU_FS].selector, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_GS].base, 0x12345678);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

START_TEST(real_mode_loads_keep_the_limit)
{
    sys_real(&s);
    s.cpu->seg[CPU_DS].limit = UINT32_MAX; /* "unreal" */
    CODE(&s, "\x8e\xd8\x66\x67\xa1\x00\x00\x01\x00");
    s.cpu->reg[CPU_AX] = 0x6000;
    sys_poke(&s, 0x70000, 0xcafe1234, 4);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0xcafe1234);
}
END_TEST

START_TEST(lds_loads_both_or_neither)
{
    sys_protected(&s, 0);
    CODE(&s, "\xc5\x1d\x00\x00\x06\x00\xc5\x1d\x08\x00\x06\x00");
    sys_poke(&s, AT_DATA, 0x55555555, 4);
    sys_poke(&s, AT_DATA + 4, DATA3, 2);
    sys_poke(&s, AT_DATA + 8, 0x66666666, 4);
    sys_poke(&s, AT_DATA + 12, DATA_NP, 2);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], 0x55555555);
    ck_assert_uint_eq(s.cpu->seg[CPU_DS].selector, DATA3);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_NP_DATA);
}
END_TEST

/* ---- LAR, LSL, VERR, VERW, ARPL ---- */

struct ask_case {
    unsigned cpl;
    uint16_t selector;
    bool lar, lsl, verr, verw;
};
static const struct ask_case ask_cases[] = {
    { 0, 0, false, false, false, false },
    { 0, OUTSIDE, false, false, false, false },
    { 0, DATA0, true, true, true, true },
    { 0, DATA0 | 3, false, false, false, false },
    { 3, DATA0, false, false, false, false },
    { 3, DATA3, true, true, true, true },
    { 0, CODE0, true, true, true, false },
    { 0, CODE_XO, true, true, false, false },
    { 0, DATA_RO, true, true, true, false },
    { 3, CONF0 | 3, true, true, true, false },
    { 0, DATA_NP, true, true, true, true },
    { 0, TSS32, true, true, false, false },
    { 0, TSS_SELF, true, true, false, false },
    { 0, TSS16, true, true, false, false },
    { 0, LDT, true, true, false, false },
    { 0, CALL32, true, false, false, false },
    { 0, CALL16, true, false, false, false },
    { 0, TASK_GATE, true, false, false, false },
    { 0, INT_GATE, false, false, false, false },
};

START_TEST(selectors_are_judged_without_a_fault)
{
    const struct ask_case *c = &ask_cases[_i];
    uint64_t raw = sys_peek(&s, AT_GDT + (c->selector & ~7u), 8);

    sys_protected(&s, c->cpl);
    /* lar ecx, ax; setz bl; lsl edx, ax; setz bh; verr ax; setz [..]; verw ax; setz [..] */
    CODE(&s, "\x0f\x02\xc8\x0f\x94\xc3\x0f\x03\xd0\x0f\x94\xc7\x0f\x00\xe0\x0f\x94\x05\x00\x00\x06\x00\x0f\x00\xe8\x0f\x94\x05\x01\x00\x06\x00");
    s.cpu->reg[CPU_AX] = c->selector;
    s.cpu->reg[CPU_CX] = s.cpu->reg[CPU_DX] = 0x99999999;
    sys_run(&s, 8);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX] & 0xff, c->lar);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX] >> 8 & 0xff, c->lsl);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 1), c->verr);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 1, 1), c->verw);
    ck_assert_uint_eq(s.cpu->reg[CPU_CX], c->lar ? raw >> 32 & 0xffff00 : 0x99999999);
    if (!c->lsl)
        ck_assert_uint_eq(s.cpu->reg[CPU_DX], 0x99999999);
    else
        ck_assert_uint_eq(s.cpu->reg[CPU_DX], raw & 1ull << 55 ? 0xffffffff : (raw & 0xffff) | (raw >> 32 & 0xf0000));
}
END_TEST

START_TEST(arpl_raises_the_rpl_only)
{
    sys_protected(&s, 0);
    CODE(&s, "\x63\xd8\x0f\x94\xc1\x63\xd8\x0f\x94\xc5\x63\x1d\x00\x00\x06\x00"); /* arpl ax, bx, twice; arpl [AT_DATA], bx */
    s.cpu->reg[CPU_AX] = 0x10;
    s.cpu->reg[CPU_BX] = 2;
    sys_poke(&s, AT_DATA, 0x21, 2);
    sys_run(&s, 5);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0x12);
    ck_assert_uint_eq(s.cpu->reg[CPU_CX] & 0xffff, 0x0001);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 2), 0x22);
}
END_TEST

/* SDM Vol. 2A, "ARPL", "Operation": nothing is written where the RPL is high enough, so a read-only segment does no harm then. */
START_TEST(arpl_writes_only_what_changes)
{
    sys_protected(&s, 0);
    CODE(&s, "\x8e\xd9\x63\x1d\x00\x00\x06\x00\x43\x63\x1d\x00\x00\x06\x00"); /* mov ds, ecx; arpl [AT_DATA], bx; inc ebx; arpl [AT_DATA], bx */
    s.cpu->reg[CPU_CX] = DATA_RO;
    s.cpu->reg[CPU_BX] = 2;
    sys_poke(&s, AT_DATA, 0x22, 2);
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 1);
    ck_assert_uint_eq(s.cpu->history[0].vector, 13);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 2), 0x22);
}
END_TEST

/* ---- CPUID, MSRs, time ---- */

START_TEST(cpuid_names_the_vendor_and_what_is_modelled)
{
    uint32_t r[4];

    cpuid(s.cpu, 0, 0, r);
    ck_assert_mem_eq(&r[1], "Genu", 4);
    ck_assert_mem_eq(&r[3], "ineI", 4);
    ck_assert_mem_eq(&r[2], "ntel", 4);
    cpuid(s.cpu, 1, 0, r);
    ck_assert_uint_eq(r[0] >> 8 & 15, 6);
    ck_assert_uint_eq(r[3] & 1, 1);       /* FPU */
    ck_assert_uint_eq(r[3] >> 11 & 1, 1); /* SEP */
    ck_assert_uint_eq(r[3] >> 9 & 1, 1);
    s.cpu->msr.apic_base &= ~(uint64_t)APIC_BASE_ENABLE;
    cpuid(s.cpu, 1, 0, r);
    ck_assert_uint_eq(r[3] >> 9 & 1, 0);
    s.cpu->msr.apic_base |= APIC_BASE_ENABLE;
    cpuid(s.cpu, 0x80000002, 0, r);
    ck_assert_mem_eq(r, s.cpu->model->title, 16);
    cpuid(s.cpu, 0x80000001, 0, r);
    ck_assert_uint_eq(r[3], 1u << 29 | 1u << 27 | 1u << 26 | 1u << 20); /* SYSCALL: in 64-bit mode only */
}
END_TEST

START_TEST(cpuid_answers_beyond_the_last_leaf_as_for_the_last_basic_one)
{
    uint32_t r[4];

    sys_close(&s);
    sys_open(&s, "pentium", 1);
    cpuid(s.cpu, 0x7fffffff, 0, r);
    ck_assert_uint_eq(r[0], s.cpu->model->signature);
    cpuid(s.cpu, 0x80000000, 0, r);
    ck_assert_uint_eq(r[0], s.cpu->model->signature);
}
END_TEST

START_TEST(the_model_decides_what_decodes)
{
    static const struct { const char *model, *code; unsigned len; bool there; } cases[] = {
        { "486", B("\x0f\x31"), false }, { "pentium", B("\x0f\x31"), true }, { "max", B("\x0f\x31"), true },
        { "pentium", B("\x0f\x44\xc0"), false }, { "max", B("\x0f\x44\xc0"), true }, { "486", B("\x0f\xa2"), true },
        { "pentium", B("\x0f\x33"), false },
    };

    ck_assert_ptr_null(cpu_model_find("8080"));
    ck_assert_ptr_eq(cpu_model_at(0), cpu_model_find("max"));
    sys_close(&s);
    sys_open(&s, cases[_i].model, 1);
    sys_protected(&s, 0);
    sys_code(&s, cases[_i].code, cases[_i].len);
    sys_run(&s, 1);
    ck_assert_int_eq(s.cpu->history_next == 0, cases[_i].there);
}
END_TEST

struct msr_case {
    uint32_t number;
    uint64_t value;
    enum cpu_cause cause; /* of WRMSR */
};
static const struct msr_case msr_cases[] = {
    { 0x277, 0x0007040600070405, CPU_CAUSE_NONE },
    { 0x277, 0x0002040600070406, CPU_CAUSE_GP_MSR_RSVD },
    { 0x2ff, 0xc06, CPU_CAUSE_NONE },
    { 0x2ff, 0x1000, CPU_CAUSE_GP_MSR_RSVD },
    { 0x2ff, 0x007, CPU_CAUSE_GP_MSR_RSVD },
    { 0x200, 0xffff000006, CPU_CAUSE_NONE },
    { 0x200, 0x10000000006, CPU_CAUSE_GP_MSR_RSVD },
    { 0x20f, 0xff0000800, CPU_CAUSE_NONE },
    { 0x20f, 0xff0000900, CPU_CAUSE_GP_MSR_RSVD },
    { 0x250, 0x0606060606060606, CPU_CAUSE_NONE },
    { 0x26f, 0x0605040100000006, CPU_CAUSE_NONE },
    { 0x26f, 0x0605040200000006, CPU_CAUSE_GP_MSR_RSVD },
    { 0x0fe, 0x508, CPU_CAUSE_GP_MSR_LOCKED },
    { 0x179, 0, CPU_CAUSE_GP_MSR_LOCKED },
    { 0x17a, 0, CPU_CAUSE_NONE },
    { 0x17a, 4, CPU_CAUSE_GP_MSR_RSVD },
    { 0x01b, 0xfee00900, CPU_CAUSE_NONE },
    { 0x01b, 0xfee00400, CPU_CAUSE_GP_MSR_APIC }, /* EXTD alone */
    { 0x174, 8, CPU_CAUSE_NONE },
    { 0x174, 0x0002040000020208, CPU_CAUSE_NONE }, /* SDM Vol. 4: bits 63:16 of IA32_SYSENTER_CS are "not used", not reserved */
    { 0x176, 0xffff800000000000, CPU_CAUSE_NONE },
    { 0x176, 0x8000000000000000, CPU_CAUSE_GP_MSR_RSVD },
    { 0x1a0, 0x1881, CPU_CAUSE_NONE },
    { 0x1a0, 2, CPU_CAUSE_GP_MSR_RSVD },
    { 0xc0000080, 0x901, CPU_CAUSE_NONE },
    { 0xc0000080, 0x1000, CPU_CAUSE_GP_MSR_EFER },
    { 0xc0000081, 0xffffffffffffffff, CPU_CAUSE_NONE },
    { 0xc0000082, 0xff00000000000000, CPU_CAUSE_NONE },          /* canonical with 57 bits */
    { 0xc0000082, 0xfe00000000000000, CPU_CAUSE_GP_MSR_RSVD },
    { 0xc0000084, 0x100000000, CPU_CAUSE_GP_MSR_RSVD },
    { 0xc0000100, 0x00007ffffffff000, CPU_CAUSE_NONE },
    { 0xc0000101, 0x0200000000000000, CPU_CAUSE_GP_MSR_RSVD },
    { 0xc0000102, 0x0200000000000000, CPU_CAUSE_GP_MSR_RSVD },
    { 0xc0000103, 5, CPU_CAUSE_NONE },
    { 0xc0000103, 0x100000005, CPU_CAUSE_GP_MSR_RSVD },
    { 0x6e1, 0xfffffffe, CPU_CAUSE_NONE },
    { 0x6e1, 0x100000000, CPU_CAUSE_GP_MSR_RSVD },
    { 0x210, 0, CPU_CAUSE_GP_MSR_UNKNOWN },
};

START_TEST(msrs_keep_what_is_valid_and_refuse_the_rest)
{
    const struct msr_case *c = &msr_cases[_i];

    sys_protected(&s, 0);
    CODE(&s, "\x0f\x30\x31\xc0\x31\xd2\x0f\x32");
    s.cpu->reg[CPU_CX] = c->number;
    s.cpu->reg[CPU_AX] = (uint32_t)c->value;
    s.cpu->reg[CPU_DX] = c->value >> 32;
    sys_run(&s, 1);
    if (c->cause != CPU_CAUSE_NONE) {
        ck_assert_int_eq(REC(0)->cause, c->cause);
        return;
    }
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX] | s.cpu->reg[CPU_DX] << 32, c->value);
}
END_TEST

START_TEST(rdtsc_counts_cycles_and_can_be_kept_from_users)
{
    uint64_t first;

    sys_protected(&s, 3);
    CODE(&s, "\x0f\x31\x90\x90\x0f\x31\x0f\x31");
    sys_run(&s, 1);
    first = s.cpu->reg[CPU_AX];
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], first + 3);
    s.cpu->cr4 = CR4_TSD;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_TSD);
}
END_TEST

START_TEST(the_tsc_can_be_set)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x30\x0f\x31");
    s.cpu->reg[CPU_CX] = 0x10;
    s.cpu->reg[CPU_AX] = 1000;
    s.cpu->reg[CPU_DX] = 5;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 1001);
    ck_assert_uint_eq(s.cpu->reg[CPU_DX], 5);
}
END_TEST

START_TEST(rdpmc_checks_pce_and_the_index)
{
    sys_protected(&s, 3);
    CODE(&s, "\x0f\x33");
    s.cpu->reg[CPU_CX] = _i ? 4 : 0;
    s.cpu->cr4 = _i == 2 ? 0 : CR4_PCE;
    sys_run(&s, 1);
    if (_i == 0)
        ck_assert_uint_eq(s.cpu->history_next, 0);
    else
        ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_PCE);
}
END_TEST

/* ---- Causes ---- */

START_TEST(every_cause_has_an_id_and_a_sentence)
{
    for (unsigned n = 1; n < CPU_CAUSE_COUNT; n++) {
        const char *text = cpu_cause_text((enum cpu_cause)n);

        ck_assert_str_ne(cpu_cause_id((enum cpu_cause)n), "");
        ck_assert_msg(strlen(text) > 20 && text[strlen(text) - 1] == '.', "%s", cpu_cause_id((enum cpu_cause)n));
        for (unsigned m = 1; m < n; m++)
            ck_assert_str_ne(cpu_cause_id((enum cpu_cause)n), cpu_cause_id((enum cpu_cause)m));
    }
    ck_assert_str_eq(cpu_cause_id(CPU_CAUSE_GP_IDT_V86), "GP-IDT-V86");
    ck_assert_str_eq(cpu_cause_id(CPU_CAUSE_COUNT), "-");
}
END_TEST

/* Code is decoded for CR0.TS as it is. */
START_TEST(clts_counts_for_the_next_instruction)
{
    sys_protected(&s, 0);
    s.cpu->cr0 |= CR0_TS | CR0_MP;
    cpu_mode_changed(s.cpu);
    CODE(&s, "\x0f\x06\xd9\xd0\xd9\xd0");
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 6);
}
END_TEST

/* Shadow RAM as the PAM registers may have it: the ROM is read, and RAM is written. */
START_TEST(a_read_modify_write_reads_what_a_read_would)
{
    struct bus_ram *other;
    struct bus_region rom = { .name = "rom", .kind = BUS_REGION_ROM, .length = 0x1000, .priority = 1, .answers = BUS_READS, .enabled = true };

    ck_assert_int_eq(bus_ram_create(&s.bus->memory, "rom", 0x1000, true, &other), SIM_OK);
    bus_ram_put(other, 0, &(uint32_t){ 5 }, 4);
    rom.ram = other;
    ck_assert_int_eq(bus_region_add(&s.bus->mem, NULL, &rom, AT_DATA), SIM_OK);
    sys_protected(&s, 0);
    s.cpu->reg[CPU_BX] = AT_DATA;
    s.cpu->reg[CPU_AX] = 100;
    if (_i) /* stores first: once to make the page dirty, then to find it so */
        CODE(&s, "\x89\x03\x89\x03\x89\x03\xff\x03\xff\x03");
    else
        CODE(&s, "\xff\x03\xff\x03\xff\x03\xff\x03\xff\x03");
    sys_run(&s, 5);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    bus_region_remove(&s.bus->mem, &rom);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 4), 6);
}
END_TEST

#define LOOP(tc, name, table) tcase_add_loop_test(tc, name, 0, sizeof(table) / sizeof(table[0]))

int main(void)
{
    Suite *suite = suite_create("system");
    TCase *tc = tcase_create("system");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, clts_counts_for_the_next_instruction);
    tcase_add_loop_test(tc, a_read_modify_write_reads_what_a_read_would, 0, 2);
    tcase_add_test(tc, reserved_bits_of_cr0_are_ignored_and_et_is_1);
    tcase_add_test(tc, cr0_pe_leaves_and_enters_protected_mode);
    tcase_add_test(tc, lmsw_sets_pe_and_does_not_clear_it);
    tcase_add_test(tc, clts_clears_ts);
    LOOP(tc, translations_live_until_they_are_invalidated, flush_cases);
    tcase_add_test(tc, wp_is_effective_at_once);
    tcase_add_test(tc, a_model_without_cr4_does_not_have_it);
    tcase_add_test(tc, dr4_and_dr5_are_aliases_until_de);
    tcase_add_loop_test(tc, dr5_with_de_is_invalid_at_any_cpl, 0, 3);
    tcase_add_test(tc, gd_guards_the_debug_registers_once);
    LOOP(tc, data_breakpoints_trap_after_the_access, watch_cases);
    tcase_add_loop_test(tc, a_fault_drops_the_breakpoints_that_its_instruction_met, 0, 2);
    LOOP(tc, a_breakpoint_on_the_operand_of_mov_ss_is_delayed, delayed_cases);
    tcase_add_test(tc, a_delayed_trap_is_forgotten_when_delivered);
    tcase_add_loop_test(tc, a_debug_exception_replaces_the_breakpoint_bits_of_dr6, 0, sizeof(dr6_cases) / sizeof(dr6_cases[0]));
    tcase_add_loop_test(tc, a_breakpoint_on_the_instruction_behind_a_load_of_ss_is_lost, 0, 2);
    tcase_add_test(tc, a_delayed_breakpoint_comes_with_int1);
    tcase_add_test(tc, a_breakpoint_hit_by_int1_follows_it);
    tcase_add_test(tc, tf_traps_after_each_instruction);
    tcase_add_test(tc, with_btf_only_taken_branches_trap);
    tcase_add_test(tc, debugctl_takes_the_bits_that_are_modelled);
    tcase_add_test(tc, sti_opens_interrupts_behind_the_next_instruction);
    tcase_add_loop_test(tc, sti_holds_off_an_nmi_for_one_instruction, 0, 3);
    tcase_add_test(tc, mov_ss_and_pop_ss_cast_a_shadow_and_lss_does_not);
    tcase_add_loop_test(tc, popf_respects_iopl_and_leaves_vm_rf_vif_vip, 0, 3);
    tcase_add_test(tc, hlt_sleeps_behind_itself);
    tcase_add_loop_test(tc, escapes_and_wait_ask_cr0, 0, 6);
    tcase_add_test(tc, lgdt_with_a_16_bit_operand_loads_24_bits_and_sgdt_stores_32);
    tcase_add_test(tc, lldt_and_ltr_load_and_mark);
    tcase_add_test(tc, segments_load_with_base_limit_and_accessed_bit);
    tcase_add_test(tc, real_mode_loads_keep_the_limit);
    tcase_add_test(tc, lds_loads_both_or_neither);
    LOOP(tc, selectors_are_judged_without_a_fault, ask_cases);
    tcase_add_test(tc, arpl_raises_the_rpl_only);
    tcase_add_test(tc, arpl_writes_only_what_changes);
    tcase_add_test(tc, cpuid_names_the_vendor_and_what_is_modelled);
    tcase_add_test(tc, cpuid_answers_beyond_the_last_leaf_as_for_the_last_basic_one);
    tcase_add_loop_test(tc, the_model_decides_what_decodes, 0, 7);
    LOOP(tc, msrs_keep_what_is_valid_and_refuse_the_rest, msr_cases);
    tcase_add_test(tc, rdtsc_counts_cycles_and_can_be_kept_from_users);
    tcase_add_test(tc, the_tsc_can_be_set);
    tcase_add_loop_test(tc, rdpmc_checks_pce_and_the_index, 0, 3);
    tcase_add_test(tc, every_cause_has_an_id_and_a_sentence);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
