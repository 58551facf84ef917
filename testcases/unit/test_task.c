/*
 * Far transfers that succeed, and task switches: SDM Vol. 3A, "Gate descriptors", "Task management".
 */
#include "testcases/unit/system_bench.h"

#include "cpu/flags.h"
#include "cpu/seg.h"

static struct sys s;

static void setup(void) { sys_open(&s, "max", 1); }
static void teardown(void) { sys_close(&s); }

#define REC(n) sys_record(&s, (n))
#define JMP "\xff\x28"
#define CALL "\xff\x18"

/* Executes `code` (a far transfer by [eax]) with this pointer. */
static void far_by(const char *code, unsigned selector, uint32_t offset)
{
    s.cpu->reg[CPU_AX] = AT_DATA;
    sys_poke(&s, AT_DATA, offset, 4);
    sys_poke(&s, AT_DATA + 4, selector, 2);
    sys_code(&s, code, strlen(code));
    sys_run(&s, 1);
}

/* ---- Far transfers ---- */

START_TEST(a_far_jump_loads_cs_and_eip)
{
    sys_protected(&s, 0);
    far_by(JMP, CODE16, 0xffff1234);
    ck_assert_int_eq(s.cpu->history_next, 1); /* beyond the limit with a 32-bit operand */
    sys_protected(&s, 0);
    CODE(&s, "\x66\xff\x28");
    sys_poke(&s, AT_DATA, 0x1234u | CODE16 << 16, 4);
    s.cpu->reg[CPU_AX] = AT_DATA;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0x1234);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, CODE16);
    ck_assert(!(s.cpu->mode & MODE_D));
}
END_TEST

START_TEST(a_far_call_and_a_far_return_match)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_TASK, 0x0008ca, 3); /* retf 8 */
    far_by(CALL, CODE0, AT_TASK);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 2);
    ck_assert_uint_eq(sys_stack(&s, 1), CODE0);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 + 8);
}
END_TEST

START_TEST(a_conforming_segment_is_entered_at_the_callers_level)
{
    sys_protected(&s, 3);
    far_by(CALL, CONF0, AT_TASK);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, CONF0 | 3);
}
END_TEST

START_TEST(a_call_gate_switches_stacks_and_copies_parameters)
{
    sys_protected(&s, 3);
    s.cpu->reg[CPU_SP] -= 12;
    for (unsigned n = 0; n < 3; n++)
        sys_poke(&s, AT_STACK3 - 12 + 4 * n, 0xa0 + n, 4);
    sys_poke(&s, AT_TASK, 0x000cca, 3); /* retf 12 */
    far_by(CALL, CALL_ARGS | 3, 0x77777777);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA0);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 28);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 2);
    ck_assert_uint_eq(sys_stack(&s, 1), CODE3 | 3);
    for (unsigned n = 0; n < 3; n++)
        ck_assert_uint_eq(sys_stack(&s, 2 + n), 0xa0 + n);
    ck_assert_uint_eq(sys_stack(&s, 5), AT_STACK3 - 12);
    ck_assert_uint_eq(sys_stack(&s, 6), DATA3 | 3);

    sys_run(&s, 1); /* the return gives the parameters back on both stacks */
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK3);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA3 | 3);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

START_TEST(a_call_gate_at_the_same_level_keeps_the_stack)
{
    sys_protected(&s, 0);
    far_by(CALL, CALL32, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 8);
}
END_TEST

START_TEST(a_16_bit_call_gate_pushes_words)
{
    sys_protected(&s, 0);
    far_by(CALL, CALL16, 0);
    ck_assert_uint_eq(s.cpu->ip, 0x1234);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 4);
    ck_assert_uint_eq(sys_stack(&s, 0), ((AT_CODE + 2) & 0xffff) | CODE0 << 16);
}
END_TEST

START_TEST(a_call_gate_to_conforming_code_keeps_the_level)
{
    sys_protected(&s, 3);
    far_by(CALL, CALL_CONF, 0);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK3 - 8);
}
END_TEST

START_TEST(an_outward_return_takes_privileged_data_segments_away)
{
    sys_protected(&s, 0);
    s.cpu->reg[CPU_SP] -= 16;
    sys_poke(&s, AT_STACK0 - 16, AT_TASK, 4);
    sys_poke(&s, AT_STACK0 - 12, CODE3 | 3, 4);
    sys_poke(&s, AT_STACK0 - 8, AT_STACK3, 4);
    sys_poke(&s, AT_STACK0 - 4, DATA3 | 3, 4);
    sys_segment(&s, CPU_ES, DATA3, FLAT(0x2, 3));
    sys_segment(&s, CPU_FS, CONF0, FLAT(0xe, 0));
    CODE(&s, "\xcb");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_DS].selector, 0);
    ck_assert(s.cpu->seg[CPU_DS].attr & SEG_UNUSABLE);
    ck_assert_uint_eq(s.cpu->seg[CPU_ES].selector, DATA3);
    ck_assert_uint_eq(s.cpu->seg[CPU_FS].selector, CONF0);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK3);
}
END_TEST

/*
 * SDM Vol. 2B, "RET", Vol. 2A, "IRET": on the way out a null selector becomes 0 whatever its RPL, as a user program sees that loads one
 * and waits for an interrupt. A return to the same level leaves them.
 */
START_TEST(an_outward_return_clears_the_rpl_of_null_selectors)
{
    static const uint8_t data[] = { CPU_ES, CPU_DS, CPU_FS, CPU_GS };
    bool iret = _i & 1, outward = _i & 2;
    const uint32_t frame[] = { AT_TASK, outward ? CODE3 | 3 : CODE0, 2, AT_STACK3, DATA3 | 3 };

    sys_protected(&s, 0);
    s.cpu->reg[CPU_SP] -= 20;
    for (unsigned n = 0, at = 0; n < 5; n++)
        if (n != 2 || iret)
            sys_poke(&s, AT_STACK0 - 20 + 4 * at++, frame[n], 4);
    for (unsigned n = 0; n < 3; n++)
        seg_load_null(s.cpu, data[n], (uint16_t)(n + 1));
    sys_segment(&s, CPU_GS, 2, FLAT(0x2, 3)); /* null, but still as it was before PE was set */
    cpu_mode_changed(s.cpu);
    sys_code(&s, iret ? "\xcf" : "\xcb", 1);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, outward ? 3 : 0);
    for (unsigned n = 0; n < 3; n++) {
        ck_assert_uint_eq(s.cpu->seg[data[n]].selector, outward ? 0 : n + 1);
        ck_assert(s.cpu->seg[data[n]].attr & SEG_UNUSABLE);
    }
    ck_assert_uint_eq(s.cpu->seg[CPU_GS].selector, outward ? 0 : 2);
    ck_assert_int_eq(!!(s.cpu->seg[CPU_GS].attr & SEG_UNUSABLE), outward);
}
END_TEST

START_TEST(a_return_to_a_16_bit_stack_keeps_the_upper_half_of_esp)
{
    sys_protected(&s, 0);
    sys_desc(&s, DATA16, DESC(0, 0xffff, SEG_P | SEG_S | 3 << 5 | 0x2));
    s.cpu->reg[CPU_SP] -= 20;
    sys_poke(&s, AT_STACK0 - 20, AT_TASK, 4);
    sys_poke(&s, AT_STACK0 - 16, CODE3 | 3, 4);
    sys_poke(&s, AT_STACK0 - 12, 2, 4);
    sys_poke(&s, AT_STACK0 - 8, 0x55551234, 4);
    sys_poke(&s, AT_STACK0 - 4, DATA16 | 3, 4);
    CODE(&s, "\xcf");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], ((AT_STACK0 - 20) & 0xffff0000) | 0x1234);
}
END_TEST

START_TEST(an_expand_down_segment_is_valid_above_its_limit)
{
    sys_protected(&s, 0);
    CODE(&s, "\x8e\xd8\xa1\x00\x00\x01\x00\xa1\xff\xff\x00\x00"); /* limit ffffh */
    s.cpu->reg[CPU_AX] = DATA_DOWN;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_LIMIT);
}
END_TEST

START_TEST(real_mode_far_calls_wrap_nothing)
{
    sys_real(&s);
    CODE(&s, "\x9a\x34\x12\x00\x20");
    sys_poke(&s, 0x21234, 0xcb, 1);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].base, 0x20000);
    ck_assert_uint_eq(s.cpu->ip, 0x1234);
    ck_assert_uint_eq(sys_stack(&s, 0), 5 | (AT_CODE >> 4) << 16);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 5);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, AT_CODE >> 4);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0xf000);
}
END_TEST

/* ---- Task switches ---- */

static unsigned type_of(unsigned selector) { return sys_peek(&s, AT_GDT + selector + 5, 1) & 15; }

static void check_new_task(void)
{
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].selector, TSS32);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].attr & SEG_TYPE, SYS_TSS_BUSY);
    for (unsigned n = 0; n < 8; n++)
        ck_assert_uint_eq(s.cpu->reg[n], n == CPU_SP ? 0x35000 : 0x11111111 * n);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert(s.cpu->cr0 & CR0_TS);
    ck_assert_uint_eq(type_of(TSS32), SYS_TSS_BUSY);
}

START_TEST(a_jump_to_a_task_saves_the_old_one_and_marks_it_free)
{
    sys_protected(&s, 0);
    cpu_set_eflags(s.cpu, 2 | EFL_DF | EFL_ZF);
    far_by(JMP, TSS32, 0x999);
    check_new_task();
    ck_assert_uint_eq(type_of(TSS_SELF), SYS_TSS_AVAILABLE);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x20, 4), AT_CODE + 2);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x24, 4), 2 | EFL_DF | EFL_ZF);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x28, 4), AT_DATA);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x34, 4), 0x04040404);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x38, 4), AT_STACK0);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x4c, 4), CODE0);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS32, 2), 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_LDTR].selector, 0);
    ck_assert(s.cpu->seg[CPU_LDTR].attr & SEG_UNUSABLE);
}
END_TEST

/* SDM Vol. 3B, "Single-Stepping on Branches": a debugger that wants to know sets the T flag of the task's TSS. */
START_TEST(a_task_switch_is_not_single_stepped)
{
    sys_protected(&s, 0);
    cpu_set_eflags(s.cpu, 2 | EFL_TF);
    cpu_attend(s.cpu);
    far_by(JMP, TSS32, 0);
    check_new_task();
    ck_assert_uint_eq(s.cpu->pending_db, 0);
    sys_poke(&s, AT_TASK, 0x90, 1);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK + 1);
}
END_TEST

START_TEST(a_called_task_is_nested_and_returns_by_iret)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_TASK, 0xcf, 1);
    far_by(CALL, TSS32, 0);
    check_new_task();
    ck_assert_uint_eq(type_of(TSS_SELF), SYS_TSS_BUSY);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_NT);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS32, 2), TSS_SELF);

    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].selector, TSS_SELF);
    ck_assert_uint_eq(type_of(TSS_SELF), SYS_TSS_BUSY);
    ck_assert_uint_eq(type_of(TSS32), SYS_TSS_AVAILABLE);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS32 + 0x24, 4), 2); /* NT is clear in what the ended task saves */
    ck_assert_uint_eq(sys_peek(&s, AT_TSS32 + 0x20, 4), AT_TASK + 1);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

START_TEST(a_task_gate_leads_there_from_user_mode)
{
    sys_protected(&s, 3);
    far_by(CALL, TASK_GATE, 0);
    check_new_task();
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x4c, 4), CODE3 | 3);
}
END_TEST

START_TEST(an_exception_through_a_task_gate_pushes_its_code_on_the_new_stack)
{
    sys_protected(&s, 3);
    sys_poke(&s, AT_IDT + 13 * 8, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0), 8);
    CODE(&s, "\x8e\xd8");
    s.cpu->reg[CPU_AX] = DATA0;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].selector, TSS32);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0x35000 - 4);
    ck_assert_uint_eq(sys_stack(&s, 0), DATA0);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x20, 4), AT_CODE);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS + 0x24, 4), 2 | EFL_RF);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_NT);
}
END_TEST

START_TEST(a_16_bit_tss_saves_and_loads_words)
{
    sys_protected(&s, 0);
    sys_poke(&s, 0x1234, 0xcf, 1);
    far_by(CALL, TSS16, 0);
    ck_assert_uint_eq(s.cpu->ip, 0x1234);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, CODE16);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA16);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX] & 0xffff, 0x3333);
    ck_assert(s.cpu->seg[CPU_FS].attr & SEG_UNUSABLE);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].attr & SEG_TYPE, SYS_TSS16_BUSY);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS16, 2), TSS_SELF);

    sys_run(&s, 1); /* IRET in 16-bit code: by NT, whatever the operand size */
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(sys_peek(&s, AT_TSS16 + 0x0e, 2), 0x1235);
    ck_assert_uint_eq(type_of(TSS16), SYS_TSS16_AVAILABLE);
}
END_TEST

START_TEST(a_task_switch_loads_cr3_and_flushes)
{
    sys_protected(&s, 0);
    sys_poke(&s, 0x9000, AT_PT | 7, 4); /* another directory, the same table */
    sys_poke(&s, AT_TSS32 + 0x1c, 0x9000, 4);
    sys_paging(&s);
    far_by(JMP, TSS32, 0);
    ck_assert_uint_eq(s.cpu->cr3, 0x9000);
    check_new_task();
}
END_TEST

START_TEST(without_paging_cr3_stays)
{
    sys_protected(&s, 0);
    s.cpu->cr3 = 0x1234000;
    far_by(JMP, TSS32, 0);
    ck_assert_uint_eq(s.cpu->cr3, 0x1234000);
}
END_TEST

START_TEST(bad_pdptes_stop_a_task_switch_before_it_begins)
{
    sys_protected(&s, 0);
    sys_poke(&s, 0xa000, 0xb001, 8); /* PDPT: a directory with one 2-MByte page */
    sys_poke(&s, 0xb000, 0x0e3, 8);
    sys_poke(&s, 0xc000, 0xb003, 8); /* bit 1 is reserved */
    sys_poke(&s, AT_TSS32 + 0x1c, 0xc000, 4);
    s.cpu->cr4 = CR4_PAE;
    s.cpu->cr3 = 0xa000;
    s.cpu->pdpte[0] = 0xb001;
    s.cpu->cr0 |= CR0_PG;
    mem_flush_tlb(s.cpu, true);
    cpu_mode_changed(s.cpu);
    far_by(JMP, TSS32, 0);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_CR3_PDPTE);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].selector, TSS_SELF);
    ck_assert_uint_eq(type_of(TSS32), SYS_TSS_AVAILABLE);
    ck_assert_uint_eq(s.cpu->cr3, 0xa000);
}
END_TEST

START_TEST(the_t_bit_traps_before_the_first_instruction)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_TSS32 + 0x64, 1, 2);
    far_by(JMP, TSS32, 0);
    check_new_task();
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10);
    ck_assert_uint_eq(s.cpu->dr[6], DR6_INIT | DR6_BT);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_TASK);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_TASK);
}
END_TEST

/* Its stack has no room for the error code: what comes next is another task, and its first instruction is not the one to be trapped. */
START_TEST(a_double_fault_takes_the_trap_of_the_t_bit_away)
{
    sys_protected(&s, 3);
    sys_poke(&s, AT_TSS32 + 0x64, 1, 2);
    sys_poke(&s, AT_TSS32 + 0x38, 0x10, 4);
    sys_poke(&s, AT_TSS32 + 0x50, DATA_DOWN, 4);
    sys_poke(&s, AT_IDT + 13 * 8, GATE(TSS32, 0, SYS_TASK_GATE, 0, 0), 8);
    sys_poke(&s, AT_IDT + 8 * 8, GATE(TSS16, 0, SYS_TASK_GATE, 0, 0), 8);
    CODE(&s, "\x8e\xd8");
    s.cpu->reg[CPU_AX] = DATA0;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].selector, TSS16);
    ck_assert_uint_eq(s.cpu->pending_db, 0);
}
END_TEST

START_TEST(local_breakpoints_end_with_the_task)
{
    sys_protected(&s, 0);
    s.cpu->dr[7] = DR7_INIT | 0x3ff;
    far_by(JMP, TSS32, 0);
    ck_assert_uint_eq(s.cpu->dr[7], DR7_INIT | 0x2aa);
}
END_TEST

START_TEST(a_task_may_begin_in_vm86)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_TSS32 + 0x24, EFL_VM | 2, 4);
    sys_poke(&s, AT_TSS32 + 0x20, 0x10, 4);
    sys_poke(&s, AT_TSS32 + 0x4c, 0x1100, 4);
    far_by(JMP, TSS32, 0);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert(s.cpu->mode & MODE_VM);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].base, 0x11000);
    ck_assert_uint_eq(s.cpu->ip, 0x10);
    ck_assert_uint_eq(s.cpu->seg[CPU_DS].base, DATA0 << 4);
}
END_TEST

START_TEST(a_read_only_tss_faults_before_the_switch)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * (AT_TSS >> 12), AT_TSS | 5, 4);
    s.cpu->cr0 |= CR0_WP;
    sys_paging(&s);
    far_by(JMP, TSS32, 0);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_SUPER_WRITE);
    ck_assert_uint_eq(REC(0)->ip, AT_CODE);
    ck_assert_uint_eq(s.cpu->seg[CPU_TR].selector, TSS_SELF);
    ck_assert_uint_eq(type_of(TSS_SELF), SYS_TSS_BUSY);
    ck_assert_uint_eq(type_of(TSS32), SYS_TSS_AVAILABLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("task");
    TCase *tc = tcase_create("task");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_far_jump_loads_cs_and_eip);
    tcase_add_test(tc, a_far_call_and_a_far_return_match);
    tcase_add_test(tc, a_conforming_segment_is_entered_at_the_callers_level);
    tcase_add_test(tc, a_call_gate_switches_stacks_and_copies_parameters);
    tcase_add_test(tc, a_call_gate_at_the_same_level_keeps_the_stack);
    tcase_add_test(tc, a_16_bit_call_gate_pushes_words);
    tcase_add_test(tc, a_call_gate_to_conforming_code_keeps_the_level);
    tcase_add_test(tc, an_outward_return_takes_privileged_data_segments_away);
    tcase_add_loop_test(tc, an_outward_return_clears_the_rpl_of_null_selectors, 0, 4);
    tcase_add_test(tc, a_return_to_a_16_bit_stack_keeps_the_upper_half_of_esp);
    tcase_add_test(tc, an_expand_down_segment_is_valid_above_its_limit);
    tcase_add_test(tc, real_mode_far_calls_wrap_nothing);
    tcase_add_test(tc, a_jump_to_a_task_saves_the_old_one_and_marks_it_free);
    tcase_add_test(tc, a_task_switch_is_not_single_stepped);
    tcase_add_test(tc, a_called_task_is_nested_and_returns_by_iret);
    tcase_add_test(tc, a_task_gate_leads_there_from_user_mode);
    tcase_add_test(tc, an_exception_through_a_task_gate_pushes_its_code_on_the_new_stack);
    tcase_add_test(tc, a_16_bit_tss_saves_and_loads_words);
    tcase_add_test(tc, a_task_switch_loads_cr3_and_flushes);
    tcase_add_test(tc, without_paging_cr3_stays);
    tcase_add_test(tc, bad_pdptes_stop_a_task_switch_before_it_begins);
    tcase_add_test(tc, the_t_bit_traps_before_the_first_instruction);
    tcase_add_test(tc, a_double_fault_takes_the_trap_of_the_t_bit_away);
    tcase_add_test(tc, local_breakpoints_end_with_the_task);
    tcase_add_test(tc, a_task_may_begin_in_vm86);
    tcase_add_test(tc, a_read_only_tss_faults_before_the_switch);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
