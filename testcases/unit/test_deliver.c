/*
 * Deliveries: frames, stack switches, error codes, RF, nesting, real mode. SDM Vol. 3A, "Interrupt and exception handling"; Vol. 2A, "INT n".
 */
#include "testcases/unit/system_bench.h"

#include "cpu/flags.h"

static struct sys s;

static void setup(void) { sys_open(&s, "max", 1); }
static void teardown(void) { sys_close(&s); }

#define REC(n) sys_record(&s, (n))

static void gate(unsigned vector, uint64_t raw) { sys_poke(&s, AT_IDT + 8 * vector, raw, 8); }

/* ---- Frames ---- */

START_TEST(an_interrupt_gate_at_the_same_level_pushes_three_dwords_and_closes_if)
{
    sys_protected(&s, 0);
    CODE(&s, "\xcd\x40");
    cpu_set_eflags(s.cpu, 2 | EFL_IF | EFL_TF | EFL_NT | EFL_CF);
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x400);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 12);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 2);
    ck_assert_uint_eq(sys_stack(&s, 1), CODE0);
    ck_assert_uint_eq(sys_stack(&s, 2), 2 | EFL_IF | EFL_TF | EFL_NT | EFL_CF);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_CF);
    ck_assert_uint_eq(s.cpu->pending_db, 0); /* INT n clears TF: no single-step trap */
    ck_assert(REC(0)->delivered && REC(0)->type == CPU_DELIVER_SOFTWARE_INT && REC(0)->insn_length == 2);
    ck_assert_uint_eq(REC(0)->ip, AT_CODE);
    ck_assert_uint_eq(s.cpu->history_next, 1);
}
END_TEST

START_TEST(a_trap_gate_leaves_if)
{
    sys_protected(&s, 3);
    CODE(&s, "\xcd\x80");
    cpu_set_eflags(s.cpu, 2 | EFL_IF);
    sys_run(&s, 1);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_IF);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA0);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 20);
    ck_assert_uint_eq(sys_stack(&s, 3), AT_STACK3);
    ck_assert_uint_eq(sys_stack(&s, 4), DATA3 | 3);
    ck_assert(sys_peek(&s, AT_GDT + DATA0 + 5, 1) & 1); /* accessed bits are set */
    ck_assert(sys_peek(&s, AT_GDT + CODE0 + 5, 1) & 1);
}
END_TEST

START_TEST(a_16_bit_gate_pushes_words)
{
    sys_protected(&s, 0);
    gate(13, GATE(CODE16, 0x1234, SYS_INT16, 0, 0));
    CODE(&s, "\x8e\xd8");
    s.cpu->reg[CPU_AX] = OUTSIDE;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0x1234);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 8);
    ck_assert_uint_eq(sys_stack(&s, 0), OUTSIDE | (AT_CODE & 0xffffu) << 16);
    ck_assert_uint_eq(sys_stack(&s, 1), CODE0 | 2u << 16); /* FLAGS: RF does not fit */
    ck_assert(!(s.cpu->mode & MODE_D));
}
END_TEST

START_TEST(int_n_to_a_vector_with_error_code_pushes_none)
{
    sys_protected(&s, 0);
    CODE(&s, "\xcd\x0d");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 12);
}
END_TEST

START_TEST(into_interrupts_only_with_of)
{
    sys_protected(&s, 0);
    CODE(&s, "\xce\xce");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 1);
    cpu_set_eflags(s.cpu, 2 | EFL_OF);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x40);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 2);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_OF_INTO);
}
END_TEST

START_TEST(int1_ignores_the_gate_dpl)
{
    sys_protected(&s, 3);
    CODE(&s, "\xf1");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_INT1);
}
END_TEST

START_TEST(a_conforming_handler_runs_at_the_interrupted_level)
{
    sys_protected(&s, 3);
    gate(0x80, GATE(CONF0, AT_HANDLER, SYS_INT, 3, 0));
    CODE(&s, "\xcd\x80");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, CONF0 | 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK3 - 12);
}
END_TEST

/* ---- RF ---- */

struct rf_case {
    const char *code;
    unsigned len;
    bool rf;
};
static const struct rf_case rf_cases[] = {
    { "\x0f\x0b", 2, true },      /* #UD */
    { "\xcc", 1, false },         /* #BP: a trap */
    { "\xf1", 1, false },
    { "\x8e\xd0", 2, true },      /* #GP of MOV SS */
};

START_TEST(faults_save_rf_set_and_traps_do_not)
{
    const struct rf_case *c = &rf_cases[_i];

    sys_protected(&s, 0);
    s.cpu->reg[CPU_AX] = 0;
    sys_code(&s, c->code, c->len);
    sys_run(&s, 1);
    ck_assert_int_eq((sys_stack(&s, 2) | sys_stack(&s, 3)) >> 16 & 1, c->rf);
    ck_assert_uint_eq(s.cpu->eflags & EFL_RF, 0);
}
END_TEST

/*
 * SDM Vol. 3B, "Instruction-breakpoint exception condition": what interrupts a repeated string instruction behind an iteration that is not
 * the last one finds RF set in the image it saves; behind the last iteration nothing is interrupted.
 */
enum between { BY_NMI, BY_INTERRUPT, BY_STEP, BY_DATA, BY_TASK, BETWEEN_COUNT };

static void arm(enum between what)
{
    switch (what) {
    case BY_NMI: case BY_TASK: s.cpu->nmi_pending = true; break;
    case BY_INTERRUPT: s.cpu->lapic->irr[0x40 / 32] |= 1u << 0x40 % 32; break;
    case BY_STEP: s.cpu->eflags |= EFL_TF; break;
    default: break;
    }
    cpu_attend(s.cpu);
}

/* REP STOSB with a count of 3: `before` iterations, and the event behind the next one. */
static void interrupt_rep(enum between what, unsigned before)
{
    sys_protected(&s, 0);
    CODE(&s, "\xf3\xaa\x90");
    s.cpu->reg[CPU_CX] = 3;
    s.cpu->reg[CPU_DI] = AT_DATA;
    s.cpu->lapic->svr |= 0x100;
    s.cpu->eflags |= EFL_IF;
    if (what == BY_TASK)
        gate(2, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0));
    if (what == BY_DATA) {
        s.cpu->dr[0] = AT_DATA + before;
        s.cpu->dr[7] = DR7_INIT | 2 | 1u << 16;
        mem_fast_flush(s.cpu);
    }
    cpu_attend(s.cpu);
    if (before)
        sys_run(&s, before);
    if (what == BY_STEP || what == BY_DATA)
        arm(what);
    sys_run(&s, 1);
    if (what != BY_STEP && what != BY_DATA)
        arm(what);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 1);
    ck_assert_uint_eq(s.cpu->retired, before == 2);
}

START_TEST(what_comes_between_the_iterations_of_rep_saves_rf_set)
{
    enum between what = (enum between)(_i / 3);
    unsigned before = (unsigned)_i % 3;
    uint32_t ip, flags;

    interrupt_rep(what, before);
    ip = what == BY_TASK ? (uint32_t)sys_peek(&s, AT_TSS + 0x20, 4) : sys_stack(&s, 0);
    flags = what == BY_TASK ? (uint32_t)sys_peek(&s, AT_TSS + 0x24, 4) : sys_stack(&s, 2);
    ck_assert_uint_eq(ip, before == 2 ? AT_CODE + 2 : AT_CODE);
    ck_assert_uint_eq(flags, 2 | EFL_IF | (what == BY_STEP ? EFL_TF : 0) | (before == 2 ? 0 : EFL_RF));
    ck_assert_uint_eq(s.cpu->eflags & EFL_RF, 0);
}
END_TEST

/* The handler begins a new instruction: an interrupt of its own saves RF clear. */
START_TEST(a_handler_between_iterations_is_not_within_the_rep)
{
    interrupt_rep(BY_NMI, 0);
    s.cpu->eflags |= EFL_IF;
    arm(BY_INTERRUPT);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x400);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_HANDLER + 0x20);
    ck_assert_uint_eq(sys_stack(&s, 2) & EFL_RF, 0);
}
END_TEST

/* The breakpoint of a REP instruction is looked at when it begins, not before each of its iterations. */
START_TEST(an_instruction_breakpoint_does_not_break_within_a_rep)
{
    sys_protected(&s, 0);
    CODE(&s, "\xf3\xaa\x90");
    s.cpu->reg[CPU_CX] = 3;
    s.cpu->reg[CPU_DI] = AT_DATA;
    sys_run(&s, 1);
    s.cpu->dr[0] = AT_CODE;
    s.cpu->dr[7] = DR7_INIT | 2;
    cpu_attend(s.cpu);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    s.cpu->ip = AT_CODE;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_EXEC);
}
END_TEST

/* ---- EXT, nesting ---- */

START_TEST(a_fault_while_delivering_an_nmi_has_ext)
{
    sys_protected(&s, 0);
    gate(2, ABSENT(GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0)));
    CODE(&s, "\x90");
    s.cpu->nmi_pending = true;
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->type, CPU_DELIVER_NMI);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_NP_IDT);
    ck_assert_uint_eq(REC(1)->error, 2 * 8 + 2 + 1);
    ck_assert(REC(1)->nested && REC(1)->delivered);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10 * VEC_NP);
    ck_assert(s.cpu->nmi_blocked);
}
END_TEST

/* The codes that a fault met during the delivery of a fault carries: EXT is set. */
struct nested_case {
    uint64_t gate;      /* of #UD */
    uint16_t ss0;       /* 0: as is */
    unsigned vector;
    uint32_t error;
    enum cpu_cause cause;
};
static const struct nested_case nested_cases[] = {
    { 0, 0, VEC_GP, 0x33, CPU_CAUSE_GP_IDT_TYPE },
    { ABSENT(GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0)), 0, VEC_NP, 0x33, CPU_CAUSE_NP_IDT },
    { GATE(0, AT_HANDLER, SYS_INT, 0, 0), 0, VEC_GP, 1, CPU_CAUSE_GP_IDT_CSNULL },
    { GATE(OUTSIDE, AT_HANDLER, SYS_INT, 0, 0), 0, VEC_GP, OUTSIDE | 1, CPU_CAUSE_GP_IDT_CSLIMIT },
    { GATE(DATA0, AT_HANDLER, SYS_INT, 0, 0), 0, VEC_GP, DATA0 | 1, CPU_CAUSE_GP_IDT_CSTYPE },
    { GATE(CODE_NP, AT_HANDLER, SYS_INT, 0, 0), 0, VEC_NP, CODE_NP | 1, CPU_CAUSE_NP_IDT_CS },
    { GATE(CODE_SMALL, AT_HANDLER, SYS_INT, 0, 0), 0, VEC_GP, 1, CPU_CAUSE_GP_IDT_OFFSET },
    { GATE(TSS_SELF, 0, SYS_TASK_GATE, 0, 0), 0, VEC_GP, TSS_SELF | 1, CPU_CAUSE_GP_IDT_TASK },
    { GATE(TSS_NP, 0, SYS_TASK_GATE, 0, 0), 0, VEC_NP, TSS_NP | 1, CPU_CAUSE_NP_TSS },
    { GATE(TSS_SHORT, 0, SYS_TASK_GATE, 0, 0), 0, VEC_TS, TSS_SHORT | 1, CPU_CAUSE_TS_LIMIT },
    { GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0), 3, VEC_TS, 1, CPU_CAUSE_TS_STACK_NULL },
    { GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0), OUTSIDE, VEC_TS, OUTSIDE | 1, CPU_CAUSE_TS_STACK_LIMIT },
    { GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0), DATA_RO, VEC_TS, DATA_RO | 1, CPU_CAUSE_TS_STACK_TYPE },
    { GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0), DATA_NP, VEC_SS, DATA_NP | 1, CPU_CAUSE_SS_NP_TSS },
};

START_TEST(a_fault_while_delivering_a_fault_has_ext)
{
    const struct nested_case *c = &nested_cases[_i];

    sys_protected(&s, 3);
    gate(VEC_UD, c->gate);
    if (c->ss0)
        sys_poke(&s, AT_TSS + 8, c->ss0, 2);
    CODE(&s, "\x0f\x0b");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_UD_OPCODE);
    ck_assert_uint_eq(REC(1)->vector, c->vector);
    ck_assert_uint_eq(REC(1)->error, c->error);
    ck_assert_int_eq(REC(1)->cause, c->cause);
    ck_assert(REC(1)->nested);
    ck_assert_uint_eq(s.cpu->steps, 1);
}
END_TEST

/*
 * SDM Vol. 3A, "Interrupt 8 - Double fault exception": #AC is benign, so a fault met on the way to its handler is handled in its place,
 * without end when it is #AC again: the handler runs at CPL 3, on the misaligned stack that was the matter.
 */
START_TEST(alignment_checks_that_meet_themselves_end_in_shutdown)
{
    static const struct { const char *code; uint32_t steps, records; } cases[] = {
        { "\x50\x90", 1, 2 },  /* push eax: #AC, #AC */
        { "\xcd\x40", 1, 3 },  /* INT 40h: the same from its own delivery */
    };

    sys_protected(&s, 3);
    gate(VEC_AC, GATE(CODE3, AT_HANDLER, SYS_INT, 3, 0));
    gate(0x40, GATE(CODE3, AT_HANDLER, SYS_INT, 3, 0));
    sys_code(&s, cases[_i].code, 2);
    s.cpu->reg[CPU_SP] = AT_STACK3 - 2;
    s.cpu->cr0 |= CR0_AM;
    cpu_set_eflags(s.cpu, 2 | EFL_AC);
    cpu_mode_changed(s.cpu);
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_uint_eq(s.cpu->steps, cases[_i].steps);
    ck_assert_uint_eq(s.cpu->history_next, cases[_i].records);
    ck_assert_uint_eq(REC(cases[_i].records - 1)->vector, VEC_AC);
    ck_assert(REC(cases[_i].records - 1)->shutdown);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK3 - 2);
}
END_TEST

/* Two faults can lead to each other: #AC by a page that is not there, whose own handler is reached by the misaligned stack. */
START_TEST(alignment_checks_and_page_faults_in_turn_end_in_shutdown)
{
    sys_protected(&s, 3);
    sys_paging(&s);
    s.cpu->idtr = (struct cpu_table){ AT_IDT + 0x1000 - 8 * VEC_AC, 256 * 8 - 1 }; /* #AC's gate begins a page */
    for (unsigned v = 0; v < VEC_AC; v++)
        sys_poke(&s, (uint32_t)s.cpu->idtr.base + 8 * v, GATE(CODE3, AT_HANDLER, SYS_INT, 3, 0), 8);
    sys_poke(&s, AT_PT + 4 * (AT_IDT / 0x1000 + 1), 0, 4);
    CODE(&s, "\x50");
    s.cpu->seg[CPU_TR].base = AT_TSS32;
    s.cpu->reg[CPU_SP] = AT_STACK3 - 2;
    s.cpu->cr0 |= CR0_AM;
    cpu_set_eflags(s.cpu, 2 | EFL_AC);
    cpu_mode_changed(s.cpu);
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_uint_eq(s.cpu->steps, 1);
    ck_assert_uint_eq(REC(0)->vector, VEC_AC);
    ck_assert_uint_eq(REC(1)->vector, VEC_PF);
    ck_assert_uint_eq(REC(2)->vector, VEC_AC);
    ck_assert(REC(2)->shutdown);
}
END_TEST

/* An alignment check on the way to another handler is delivered in its place, and once is no loop. */
START_TEST(an_alignment_check_in_a_delivery_takes_its_place)
{
    sys_protected(&s, 3);
    gate(VEC_UD, GATE(CODE3, AT_HANDLER, SYS_INT, 3, 0));
    CODE(&s, "\x0f\x0b");
    s.cpu->reg[CPU_SP] = AT_STACK3 - 2;
    s.cpu->cr0 |= CR0_AM;
    cpu_set_eflags(s.cpu, 2 | EFL_AC);
    cpu_mode_changed(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(REC(1)->vector, VEC_AC);
    ck_assert(REC(1)->delivered);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10 * VEC_AC);
}
END_TEST

/* Of an address that is odd, and of a page that is not there. */
START_TEST(an_alignment_check_comes_before_a_page_fault)
{
    static const char *const codes[] = { "\x89\x08", "\x0f\x01\x00", "\x0f\x01\x08" }; /* mov [eax],ecx; sgdt [eax]; sidt [eax] */

    sys_protected(&s, 3);
    sys_paging(&s);
    sys_poke(&s, AT_PT + 4 * (AT_DATA / 0x1000), 0, 4);
    sys_code(&s, codes[_i], strlen(codes[_i]));
    s.cpu->reg[CPU_AX] = AT_DATA + 1;
    s.cpu->cr0 |= CR0_AM;
    cpu_set_eflags(s.cpu, 2 | EFL_AC);
    cpu_mode_changed(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(REC(0)->vector, VEC_AC);
}
END_TEST

START_TEST(an_idt_that_ends_early_is_a_double_fault_or_a_triple_fault)
{
    sys_protected(&s, 0);
    s.cpu->idtr.limit = 13 * 8 + 6; /* #GP does not fit */
    CODE(&s, "\x8e\xd0");
    s.cpu->reg[CPU_AX] = 0;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_SS_NULL);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_GP_IDT_LIMIT);
    ck_assert_uint_eq(REC(1)->error, 13 * 8 + 3);
    ck_assert_uint_eq(REC(1)->evidence.value, 13 * 8 + 6);
    ck_assert_int_eq(REC(2)->cause, CPU_CAUSE_DF_CC);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x80);
    ck_assert_uint_eq(sys_stack(&s, 0), 0);
    ck_assert_uint_eq(sys_stack(&s, 1), AT_CODE);
    ck_assert_uint_eq(sys_stack(&s, 3), 2); /* an abort: RF stays clear */

    sys_protected(&s, 0);
    s.cpu->history_next = 0;
    s.cpu->idtr.limit = 0;
    s.cpu->reg[CPU_AX] = 0;
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_uint_eq(s.cpu->history_next, 4);
    ck_assert(REC(3)->shutdown);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0);
}
END_TEST

START_TEST(a_small_tss_has_no_inner_stack)
{
    sys_protected(&s, 3);
    s.cpu->seg[CPU_TR].limit = 8;
    CODE(&s, "\xcd\x80");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_TS_STACK_TSS_LIMIT);
    ck_assert_uint_eq(REC(1)->error, TSS_SELF);
    ck_assert_int_eq(REC(2)->cause, CPU_CAUSE_TS_STACK_TSS_LIMIT); /* delivering #TS has the same need */
    ck_assert_uint_eq(REC(2)->error, TSS_SELF | 1);
}
END_TEST

/* ---- All or nothing ---- */

START_TEST(a_frame_that_does_not_fit_is_ss_with_code_0)
{
    sys_protected(&s, 0);
    gate(VEC_SS, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0));
    s.cpu->reg[CPU_SP] = 6;
    s.cpu->seg[CPU_SS].limit = 0xffff;
    CODE(&s, "\xcd\x40");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_SS_EVENT);
    ck_assert_uint_eq(REC(1)->error, 0);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x38, 4), 6);       /* ESP as the old task saved it */
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x20, 4), AT_CODE); /* the INT itself */
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0x35000 - 4);         /* the error code is on the new task's stack */
    ck_assert_uint_eq(sys_stack(&s, 0), 0);
}
END_TEST

START_TEST(a_page_fault_in_a_push_leaves_the_old_state)
{
    sys_protected(&s, 3);
    sys_poke(&s, AT_PT + 4 * ((AT_STACK0 >> 12) - 1), 0, 4); /* the page below AT_STACK0 */
    sys_poke(&s, AT_TSS + 4, AT_STACK0 + 8, 4);              /* two pushes fit, the others do not */
    gate(VEC_PF, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0));
    sys_paging(&s);
    CODE(&s, "\xcd\x80");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_PF_NP_PT);
    ck_assert_uint_eq(REC(1)->error, 2); /* a supervisor's write */
    ck_assert_uint_eq(REC(1)->cr2, AT_STACK0 - 4);
    ck_assert_uint_eq(s.cpu->cr2, AT_STACK0 - 4);
    ck_assert_uint_eq(sys_peek(&s, AT_STACK0, 8), 0);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x38, 4), AT_STACK3);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x4c, 2), CODE3 | 3);
    ck_assert_uint_eq(sys_stack(&s, 0), 2);
}
END_TEST

START_TEST(a_page_fault_while_delivering_a_page_fault_is_a_double_fault)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * (AT_IDT >> 12), 0, 4);
    sys_paging(&s);
    CODE(&s, "\xa1\x00\x00\x40\x00"); /* mov eax, [400000h]: beyond the table */
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_NP_PD);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_PF_NP_PT);
    ck_assert_uint_eq(REC(1)->cr2, AT_IDT + 14 * 8);
    ck_assert_int_eq(REC(2)->cause, CPU_CAUSE_DF_PP);
    ck_assert_uint_eq(REC(3)->cr2, AT_IDT + 8 * 8);
    ck_assert(REC(3)->shutdown);
}
END_TEST

/* ---- A delivery that has to wait for its turn ---- */

/*
 * A CPU that is not furthest behind may not touch a device. When the frame goes into one, the step has not happened: what the boundary
 * consumed for it is there again, and it happens once when the turn has come.
 */
enum waits { W_NMI, W_HALTED, W_TRAP, W_INTERRUPT, W_FAULT, W_FAULT_RF, W_FAULT_SHADOW, W_BREAKPOINT, W_INT_N, W_NESTED, W_TASK, W_SPLIT,
             W_FAULT_RF_ALONE, WAITS_COUNT };
enum { IN_HOLE = 0x800100 }; /* nobody answers there; yet it is the bus that says so */

static unsigned writes;
static void count_writes(void *arg, const struct bus_txn *txn) { writes += txn->kind == BUS_MEM_WRITE; }

static void prepare_wait(enum waits what)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x0b");
    sys_desc(&s, CODE0, FLAT(0xb, 0)); /* accessed already: that bit would stay */
    s.cpu->reg[CPU_SP] = IN_HOLE;
    s.cpu->lapic->svr |= 0x100;
    s.cpu->nmi_pending = what == W_NMI || what == W_FAULT_SHADOW || what == W_NESTED;
    switch (what) {
    case W_HALTED: s.cpu->activity = CPU_HALTED; break;
    case W_TRAP: s.cpu->pending_db = 1; s.cpu->pending_db_cause = CPU_CAUSE_DB_IO; break;
    case W_INTERRUPT:
        s.cpu->lapic->irr[0x40 / 32] |= 1u << 0x40 % 32;
        s.cpu->eflags |= EFL_IF;
        break;
    case W_FAULT_SHADOW: s.cpu->shadow_ss = s.cpu->shadow_sti = true; break;
    case W_FAULT_RF: s.cpu->eflags |= EFL_RF; /* fallthrough */
    case W_BREAKPOINT:
        s.cpu->dr[0] = AT_CODE;
        s.cpu->dr[7] = DR7_INIT | 2;
        break;
    case W_INT_N: CODE(&s, "\xcd\x40"); break;
    case W_NESTED: gate(2, ABSENT(GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0))); break;
    case W_TASK: /* the task is switched to before the error code goes to its stack */
        s.cpu->reg[CPU_SP] = AT_STACK0;
        s.cpu->reg[CPU_AX] = OUTSIDE;
        CODE(&s, "\x8e\xd8");
        gate(VEC_GP, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0));
        sys_poke(&s, AT_TSS32 + 0x38, IN_HOLE, 4);
        break;
    case W_SPLIT: /* what is pushed first goes into RAM */
        sys_poke(&s, AT_PT + 4 * ((AT_STACK0 >> 12) - 1), IN_HOLE | 7, 4);
        s.cpu->reg[CPU_SP] = AT_STACK0 + 4;
        sys_paging(&s);
        break;
    case W_FAULT_RF_ALONE: s.cpu->eflags |= EFL_RF; break; /* with no breakpoint to hold off */
    default: break;
    }
    cpu_mode_changed(s.cpu);
}

static void state_of(struct sim_buf *out, uint8_t *ram, size_t size, bool cpu_too)
{
    if (cpu_too) {
        sim_fields_pack(cpu_fields, s.cpu, out);
        sim_fields_pack(lapic_fields, s.cpu->lapic, out);
    }
    bus_peek(s.bus, 0, ram, size);
}

START_TEST(a_delivery_that_must_wait_has_not_happened)
{
    static const enum cpu_cause causes[] = {
        CPU_CAUSE_NMI_PIN, CPU_CAUSE_NMI_PIN, CPU_CAUSE_DB_IO, CPU_CAUSE_NONE, CPU_CAUSE_UD_OPCODE, CPU_CAUSE_UD_OPCODE, CPU_CAUSE_UD_OPCODE,
        CPU_CAUSE_DB_EXEC, CPU_CAUSE_NONE, CPU_CAUSE_NMI_PIN, CPU_CAUSE_GP_SEG_LIMIT, CPU_CAUSE_UD_OPCODE,
        CPU_CAUSE_UD_OPCODE,
    };
    static uint8_t before_ram[AT_STACK0 + 0x1000], after_ram[sizeof(before_ram)];
    struct bus_observer observer = { .fn = count_writes };
    enum waits what = (enum waits)_i;
    bool whole = what != W_SPLIT; /* there the walk has filled the TLB */
    struct sim_buf before = { 0 }, after = { 0 };
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 1, .shared_until = 99 };

    prepare_wait(what);
    s.cpu->cycle = 100;
    if (what == W_HALTED) { /* it has looked, and slept, before the NMI came */
        ck_assert_int_eq(cpu_run(s.cpu, &slice), CPU_EXIT_SLEEP);
        s.cpu->nmi_pending = true;
        cpu_attend(s.cpu);
    }
    writes = 0;
    bus_observe(s.bus, &observer);
    state_of(&before, before_ram, sizeof(before_ram), whole);
    for (unsigned n = 0; n < 2; n++) { /* it may be asked more than once */
        ck_assert_int_eq(cpu_run(s.cpu, &slice), CPU_EXIT_WAIT);
        sim_buf_clear(&after);
        state_of(&after, after_ram, sizeof(after_ram), whole);
        ck_assert_uint_eq(s.cpu->steps, 0);
        ck_assert_uint_eq(s.cpu->history_next, 0);
        ck_assert_uint_eq(after.len, before.len);
        ck_assert(!whole || memcmp(after.data, before.data, before.len) == 0);
        for (unsigned at = 0; at < sizeof(before_ram); at++)
            ck_assert_msg(before_ram[at] == after_ram[at] || (!whole && at - AT_PD < 0x2000), "RAM at %x", at);
    }
    ck_assert_uint_eq(writes, 0);

    slice.shared_until = s.cpu->cycle;
    cpu_run(s.cpu, &slice);
    ck_assert_uint_eq(s.cpu->steps, 1);
    ck_assert_uint_eq(s.cpu->history_next, what == W_NESTED ? 2 : 1);
    ck_assert_int_eq(REC(0)->cause, causes[_i]);
    ck_assert(REC(s.cpu->history_next - 1)->delivered);
    ck_assert_uint_eq(writes, what == W_TASK ? 1 : what == W_SPLIT ? 2 : what == W_NESTED ? 4 : 3);
    bus_unobserve(s.bus, &observer);
    sim_buf_fini(&before);
    sim_buf_fini(&after);
}
END_TEST

/* ---- Real mode ---- */

START_TEST(real_mode_pushes_words_and_clears_if_tf_ac)
{
    sys_real(&s);
    CODE(&s, "\xcd\x21");
    cpu_set_eflags(s.cpu, 2 | EFL_IF | EFL_AC | EFL_ZF);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, 0x2000);
    ck_assert_uint_eq(s.cpu->ip, 0x210);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0xf000 - 6);
    ck_assert_uint_eq(sys_stack(&s, 0), 2 | (AT_CODE >> 4) << 16);
    ck_assert_uint_eq(sys_stack(&s, 1) & 0xffff, 2 | EFL_IF | EFL_ZF);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_ZF);
}
END_TEST

START_TEST(real_mode_iret_goes_back)
{
    sys_real(&s);
    CODE(&s, "\xcd\x21\x90");
    sys_poke(&s, AT_HANDLER + 0x210, 0xcf, 1);
    cpu_set_eflags(s.cpu, 2 | EFL_IF | EFL_DF);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->ip, 2);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].base, AT_CODE);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_IF | EFL_DF);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0xf000);
}
END_TEST

START_TEST(real_mode_vectors_beyond_the_limit_end_in_shutdown)
{
    sys_real(&s);
    s.cpu->idtr.limit = 3;
    CODE(&s, "\xcd\x21");
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_GP_IDT_REAL);
    ck_assert_uint_eq(s.cpu->ip, 0);
}
END_TEST

START_TEST(real_mode_odd_sp_at_the_bottom_is_a_stack_fault)
{
    sys_real(&s);
    s.cpu->reg[CPU_SP] = 5; /* FLAGS and CS fit, IP would wrap */
    CODE(&s, "\xcd\x21");
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_SS_REAL_SP);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 5);
}
END_TEST

START_TEST(real_mode_pushes_that_wrap_are_stack_faults_without_a_code)
{
    static const struct { const char *code; unsigned len; } pushes[] = { { "\x50", 1 }, { "\x9a\x00\x00\x00\x20", 5 }, { "\x06", 1 } };

    sys_real(&s);
    s.cpu->reg[CPU_SP] = 1;
    sys_code(&s, pushes[_i].code, pushes[_i].len);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_SS_REAL_SP);
    ck_assert_uint_eq(REC(0)->vector, VEC_SS);
    ck_assert(!REC(0)->has_error && REC(0)->error == 0);
}
END_TEST

/* ---- IRET ---- */

START_TEST(iret_undoes_an_interrupt_from_user_mode)
{
    sys_protected(&s, 3);
    CODE(&s, "\xcd\x80\x90");
    sys_poke(&s, AT_HANDLER + 0x800, 0xcf, 1);
    cpu_set_eflags(s.cpu, 2 | EFL_IF | EFL_CF);
    s.cpu->nmi_blocked = true;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA3 | 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_DS].selector, DATA3 | 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK3);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_IF | EFL_CF);
    ck_assert(!s.cpu->nmi_blocked);
}
END_TEST

START_TEST(iret_from_user_mode_cannot_change_if_or_iopl)
{
    sys_protected(&s, 3);
    CODE(&s, "\xcf");
    s.cpu->reg[CPU_SP] -= 12;
    sys_poke(&s, AT_STACK3 - 12, AT_TASK, 4);
    sys_poke(&s, AT_STACK3 - 8, CODE3 | 3, 4);
    sys_poke(&s, AT_STACK3 - 4, 0x3fffff & ~(uint32_t)EFL_RF, 4);
    sys_run(&s, 1);
    ck_assert_uint_eq(cpu_eflags(s.cpu), (EFL_ARITH | EFL_TF | EFL_DF | EFL_NT | EFL_AC | EFL_ID | 2));
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
}
END_TEST

START_TEST(rf_of_an_iret_image_lasts_for_one_instruction)
{
    sys_protected(&s, 0);
    CODE(&s, "\xcf");
    sys_poke(&s, AT_TASK, 0x9090, 2);
    s.cpu->reg[CPU_SP] -= 12;
    sys_poke(&s, AT_STACK0 - 12, AT_TASK, 4);
    sys_poke(&s, AT_STACK0 - 8, CODE0, 4);
    sys_poke(&s, AT_STACK0 - 4, EFL_RF | 2, 4);
    s.cpu->dr[0] = AT_TASK;
    s.cpu->dr[7] = DR7_INIT | 2; /* execution breakpoint 0 */
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->eflags & EFL_RF, EFL_RF);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK + 1);
    ck_assert_uint_eq(s.cpu->eflags & EFL_RF, 0);
    s.cpu->ip = AT_TASK;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
    ck_assert_int_eq(REC(s.cpu->history_next - 1)->cause, CPU_CAUSE_DB_EXEC);
    ck_assert_uint_eq(sys_stack(&s, 2) & EFL_RF, 0);
}
END_TEST

/* So it does with nothing to hold off, when a block may begin with that instruction: one that repeats keeps it until it is done, one that
 * has to wait gives it back. */
START_TEST(rf_without_a_breakpoint_lasts_for_one_instruction)
{
    static const struct { const char *code; unsigned len, budget; bool waits; unsigned steps; uint32_t rf; } cases[] = {
        { "\x40\x40\x40", 3, 1, false, 1, 0 },     { "\x40\x40\x40\xf4", 4, 4, false, 4, 0 },
        { "\xf3\xa4\x40", 3, 3, false, 3, EFL_RF }, { "\xf3\xa4\x40", 3, 5, false, 5, 0 },
        { "\xe6\x80\x40\xf4", 4, 4, true, 0, EFL_RF }, { "\x40\xe6\x80\x40\xf4", 5, 4, true, 1, 0 },
        { "\xe6\x80\xf4", 3, 2, false, 2, 0 },
    };
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = cases[_i].budget, .shared_until = cases[_i].waits ? 99 : SIM_NEVER };

    sys_code(&s, cases[_i].code, cases[_i].len);
    sys_protected(&s, 0);
    s.cpu->reg[CPU_CX] = 5;
    s.cpu->reg[CPU_SI] = s.cpu->reg[CPU_DI] = AT_DATA;
    s.cpu->eflags |= EFL_RF;
    s.cpu->steps = 0;
    s.cpu->cycle = 100;
    cpu_attend(s.cpu);
    for (unsigned n = 0; n < 3 && s.cpu->steps < cases[_i].steps; n++)
        cpu_run(s.cpu, &slice);
    ck_assert(!cases[_i].waits || cpu_run(s.cpu, &slice) == CPU_EXIT_WAIT);
    ck_assert_uint_eq(s.cpu->steps, cases[_i].steps);
    ck_assert_uint_eq(s.cpu->eflags & EFL_RF, cases[_i].rf);
}
END_TEST

/* Its record is state: what the gate looked like is no part of it. */
START_TEST(a_fault_without_evidence_shows_nothing_of_an_earlier_delivery)
{
    static const struct cpu_evidence nothing;

    sys_protected(&s, 0);
    CODE(&s, "\xcd\x40");
    sys_poke(&s, AT_HANDLER + 0x400, 0x0b0f, 2); /* UD2 */
    sys_run(&s, 2);
    ck_assert_int_eq(REC(s.cpu->history_next - 1)->cause, CPU_CAUSE_UD_OPCODE);
    ck_assert_mem_eq(&REC(s.cpu->history_next - 1)->evidence, &nothing, sizeof(nothing));
}
END_TEST

/* ---- Observers, and a delivery that has to wait for its turn ---- */

static unsigned told;

static bool tell(void *arg, struct cpu *cpu, const struct cpu_event *event)
{
    (void)arg;
    (void)cpu;
    (void)event;
    told++;
    return true;
}

/* The descriptor of the handler's code is no RAM: reading it is for the CPU that is furthest behind. INT n is told before that is known. */
START_TEST(what_was_told_of_a_step_that_had_to_wait_is_not_told_again)
{
    static const struct cpu_observer watch = { .events = CPU_EVENT_DELIVERY, .event = tell };
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 2, .shared_until = 0 };

    told = 0;
    sys_protected(&s, 0);
    CODE(&s, "\x90\xcd\x40");
    s.cpu->gdtr.base = 0x800000;
    cpu_observe(s.cluster, &watch);
    ck_assert_int_eq(cpu_run(s.cpu, &slice), CPU_EXIT_WAIT); /* no stop: the step is still to be made */
    ck_assert_uint_eq(s.cpu->steps, 1);
    ck_assert_int_eq(cpu_run(s.cpu, &slice), CPU_EXIT_WAIT);
    ck_assert_uint_eq(told, 1);
    slice.shared_until = SIM_NEVER;
    slice.budget = 1;
    ck_assert_int_eq(cpu_run(s.cpu, &slice), CPU_EXIT_SHUTDOWN); /* a descriptor of nothing but FFh lets no handler be reached */
    ck_assert_uint_eq(s.cpu->steps, 2);
    ck_assert_uint_eq(told, 3); /* INT n once, its #GP, the #DF */
    cpu_observe(s.cluster, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deliver");
    TCase *tc = tcase_create("deliver");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_interrupt_gate_at_the_same_level_pushes_three_dwords_and_closes_if);
    tcase_add_test(tc, a_trap_gate_leaves_if);
    tcase_add_test(tc, a_16_bit_gate_pushes_words);
    tcase_add_test(tc, int_n_to_a_vector_with_error_code_pushes_none);
    tcase_add_test(tc, into_interrupts_only_with_of);
    tcase_add_test(tc, int1_ignores_the_gate_dpl);
    tcase_add_test(tc, a_conforming_handler_runs_at_the_interrupted_level);
    tcase_add_loop_test(tc, faults_save_rf_set_and_traps_do_not, 0, sizeof(rf_cases) / sizeof(rf_cases[0]));
    tcase_add_loop_test(tc, what_comes_between_the_iterations_of_rep_saves_rf_set, 0, 3 * BETWEEN_COUNT);
    tcase_add_test(tc, a_handler_between_iterations_is_not_within_the_rep);
    tcase_add_test(tc, an_instruction_breakpoint_does_not_break_within_a_rep);
    tcase_add_test(tc, a_fault_while_delivering_an_nmi_has_ext);
    tcase_add_loop_test(tc, alignment_checks_that_meet_themselves_end_in_shutdown, 0, 2);
    tcase_add_test(tc, alignment_checks_and_page_faults_in_turn_end_in_shutdown);
    tcase_add_test(tc, an_alignment_check_in_a_delivery_takes_its_place);
    tcase_add_loop_test(tc, an_alignment_check_comes_before_a_page_fault, 0, 3);
    tcase_add_loop_test(tc, a_fault_while_delivering_a_fault_has_ext, 0, sizeof(nested_cases) / sizeof(nested_cases[0]));
    tcase_add_test(tc, an_idt_that_ends_early_is_a_double_fault_or_a_triple_fault);
    tcase_add_test(tc, a_small_tss_has_no_inner_stack);
    tcase_add_test(tc, a_frame_that_does_not_fit_is_ss_with_code_0);
    tcase_add_test(tc, a_page_fault_in_a_push_leaves_the_old_state);
    tcase_add_test(tc, a_page_fault_while_delivering_a_page_fault_is_a_double_fault);
    tcase_add_loop_test(tc, a_delivery_that_must_wait_has_not_happened, 0, WAITS_COUNT);
    tcase_add_test(tc, real_mode_pushes_words_and_clears_if_tf_ac);
    tcase_add_test(tc, real_mode_iret_goes_back);
    tcase_add_test(tc, real_mode_vectors_beyond_the_limit_end_in_shutdown);
    tcase_add_test(tc, real_mode_odd_sp_at_the_bottom_is_a_stack_fault);
    tcase_add_loop_test(tc, real_mode_pushes_that_wrap_are_stack_faults_without_a_code, 0, 3);
    tcase_add_test(tc, iret_undoes_an_interrupt_from_user_mode);
    tcase_add_test(tc, iret_from_user_mode_cannot_change_if_or_iopl);
    tcase_add_test(tc, rf_of_an_iret_image_lasts_for_one_instruction);
    tcase_add_loop_test(tc, rf_without_a_breakpoint_lasts_for_one_instruction, 0, 7);
    tcase_add_test(tc, a_fault_without_evidence_shows_nothing_of_an_earlier_delivery);
    tcase_add_test(tc, what_was_told_of_a_step_that_had_to_wait_is_not_told_again);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
