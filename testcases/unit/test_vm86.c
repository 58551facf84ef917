/*
 * Virtual-8086 mode: in, out, and the extensions. SDM Vol. 3B, "8086 emulation".
 */
#include "testcases/unit/system_bench.h"

#include "cpu/flags.h"

static struct sys s;

static void setup(void) { sys_open(&s, "max", 1); }
static void teardown(void) { sys_close(&s); }

#define REC(n) sys_record(&s, (n))

/* ---- In and out ---- */

START_TEST(iretd_enters_vm86_and_an_interrupt_leaves_it)
{
    static const uint32_t frame[] = { 0x20, 0x1100, EFL_VM | EFL_IF | 2, 0xf000, 0x3000, 0x6000, 0x6100, 0x6200, 0x6300 };

    sys_protected(&s, 0);
    CODE(&s, "\xcf");
    sys_poke(&s, 0x11020, 0x0b0f, 2); /* UD2 */
    s.cpu->reg[CPU_SP] -= sizeof(frame);
    for (unsigned n = 0; n < 9; n++)
        sys_poke(&s, (uint32_t)s.cpu->reg[CPU_SP] + 4 * n, frame[n], 4);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert(s.cpu->mode & MODE_VM && !(s.cpu->mode & MODE_D));
    ck_assert_uint_eq(s.cpu->ip, 0x20);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].base, 0x11000);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].base, 0x30000);
    ck_assert_uint_eq(s.cpu->seg[CPU_GS].base, 0x63000);
    ck_assert_uint_eq(s.cpu->seg[CPU_ES].limit, 0xffff);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], 0xf000);

    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x60);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert(!(s.cpu->eflags & (EFL_VM | EFL_IF)));
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA0);
    ck_assert_uint_eq(s.cpu->reg[CPU_SP], AT_STACK0 - 36);
    for (unsigned n = 0; n < 9; n++)
        ck_assert_uint_eq(sys_stack(&s, n), n == 2 ? frame[n] | EFL_RF : frame[n]);
    for (unsigned n = 0; n < 6; n++)
        if (n != CPU_CS && n != CPU_SS)
            ck_assert(s.cpu->seg[n].selector == 0 && s.cpu->seg[n].attr & SEG_UNUSABLE);
}
END_TEST

/* ---- IOPL-sensitive instructions ---- */

struct row {
    const char *code;
    unsigned len;
    unsigned iopl;
    uint32_t cr4, eflags;   /* besides VM and IOPL */
    uint16_t word;          /* what POPF and IRET find for FLAGS */
    enum cpu_cause cause;   /* NONE: no fault */
    uint32_t after;         /* EFLAGS, besides VM, IOPL and bit 1 */
};
#define B(bytes) bytes, sizeof(bytes) - 1
static const struct row rows[] = {
    { B("\xfa"), 3, 0, EFL_IF, 0, CPU_CAUSE_NONE, 0 },
    { B("\xfb"), 3, 0, 0, 0, CPU_CAUSE_NONE, EFL_IF },
    { B("\xfa"), 0, 0, EFL_IF, 0, CPU_CAUSE_GP_V86_IOPL, 0 },
    { B("\xfb"), 2, 0, 0, 0, CPU_CAUSE_GP_V86_IOPL, 0 },
    { B("\xfa"), 0, CR4_VME, EFL_IF | EFL_VIF, 0, CPU_CAUSE_NONE, EFL_IF },
    { B("\xfb"), 0, CR4_VME, EFL_IF, 0, CPU_CAUSE_NONE, EFL_IF | EFL_VIF },
    { B("\xfb"), 0, CR4_VME, EFL_VIP, 0, CPU_CAUSE_GP_VME_VIP, 0 },
    { B("\xfb"), 3, CR4_VME, EFL_VIP, 0, CPU_CAUSE_NONE, EFL_IF | EFL_VIP },
    { B("\x9c"), 0, 0, 0, 0, CPU_CAUSE_GP_V86_IOPL, 0 },
    { B("\x66\x9c"), 0, CR4_VME, 0, 0, CPU_CAUSE_GP_V86_IOPL, 0 },
    { B("\x9d"), 0, 0, 0, 0, CPU_CAUSE_GP_V86_IOPL, 0 },
    { B("\x66\x9d"), 0, CR4_VME, 0, 0, CPU_CAUSE_GP_V86_IOPL, 0 },
    { B("\x9d"), 3, 0, EFL_VIF, EFL_CF | EFL_IF, CPU_CAUSE_NONE, EFL_CF | EFL_IF | EFL_VIF },
    { B("\x9d"), 0, CR4_VME, EFL_IF, EFL_CF | EFL_IF, CPU_CAUSE_NONE, EFL_CF | EFL_IF | EFL_VIF },
    { B("\x9d"), 0, CR4_VME, EFL_VIF, EFL_ZF, CPU_CAUSE_NONE, EFL_ZF },
    { B("\x9d"), 0, CR4_VME, EFL_VIP, EFL_IF, CPU_CAUSE_GP_VME_VIP, 0 },
    { B("\x9d"), 0, CR4_VME, 0, EFL_TF, CPU_CAUSE_GP_VME_VIP, 0 },
    { B("\xcf"), 0, 0, 0, 0, CPU_CAUSE_GP_IRET_V86, 0 },
    { B("\x66\xcf"), 0, CR4_VME, 0, 0, CPU_CAUSE_GP_IRET_V86, 0 },
    { B("\xcf"), 3, 0, 0, EFL_IF | EFL_SF | EFL_IOPL, CPU_CAUSE_NONE, EFL_IF | EFL_SF },
    { B("\xcf"), 0, CR4_VME, 0, EFL_IF | EFL_SF, CPU_CAUSE_NONE, EFL_VIF | EFL_SF },
    { B("\xcf"), 0, CR4_VME, EFL_VIP, EFL_IF, CPU_CAUSE_GP_VME_VIP, 0 },
    { B("\xcd\x21"), 0, 0, 0, 0, CPU_CAUSE_GP_EVENT_V86INT, 0 },
    { B("\xf4"), 3, 0, 0, 0, CPU_CAUSE_GP_CPL0, 0 },
    { B("\x0f\x00\xc8"), 3, 0, 0, 0, CPU_CAUSE_UD_MODE, 0 }, /* STR */
};

START_TEST(iopl_and_the_extensions_decide)
{
    const struct row *r = &rows[_i];
    uint32_t fixed = 2 | EFL_VM | r->iopl << EFL_IOPL_SHIFT;

    sys_vm86(&s, r->iopl);
    cpu_set_eflags(s.cpu, fixed | r->eflags);
    s.cpu->cr4 = r->cr4;
    sys_code(&s, r->code, r->len);
    if (r->code[r->len - 1] == '\xcf') {
        sys_poke(&s, 0x3f000, 0x1100u << 16 | 0x20, 4);
        sys_poke(&s, 0x3f004, r->word, 2);
    } else {
        sys_poke(&s, 0x3f000, r->word, 2);
    }
    sys_run(&s, 1);
    if (r->cause != CPU_CAUSE_NONE) {
        ck_assert_int_eq(REC(0)->cause, r->cause);
        ck_assert_uint_eq(REC(0)->error, 0);
        ck_assert_uint_eq(s.cpu->cpl, 0);
        ck_assert_uint_eq(sys_stack(&s, REC(0)->has_error + 3), 0xf000); /* SP is as it was */
    } else {
        ck_assert_uint_eq(s.cpu->history_next, 0);
        ck_assert_uint_eq(cpu_eflags(s.cpu), fixed | r->after);
    }
}
END_TEST

START_TEST(pushf_shows_vif_as_if_and_iopl_3)
{
    sys_vm86(&s, 0);
    s.cpu->cr4 = CR4_VME;
    cpu_set_eflags(s.cpu, 2 | EFL_VM | EFL_VIF | EFL_PF);
    CODE(&s, "\x9c\xfa\x9c");
    sys_run(&s, 3);
    ck_assert_uint_eq(sys_peek(&s, 0x3f000 - 2, 2), 2 | EFL_IF | EFL_IOPL | EFL_PF);
    ck_assert_uint_eq(sys_peek(&s, 0x3f000 - 4, 2), 2 | EFL_IOPL | EFL_PF);
}
END_TEST

/* ---- INT n: the six methods ---- */

static void redirection(unsigned vector, bool to_monitor)
{
    sys_poke(&s, AT_TSS + 0x66, 0x88 + 32, 2);
    sys_poke(&s, AT_TSS + 0x88 + vector / 8, to_monitor ? 1u << (vector & 7) : 0, 1);
}

START_TEST(int_n_goes_to_the_monitor_with_iopl_3)
{
    sys_vm86(&s, 3);
    sys_poke(&s, AT_IDT + 0x21 * 8, GATE(CODE0, AT_HANDLER, SYS_INT, 3, 0), 8);
    CODE(&s, "\xcd\x21");
    if (_i) { /* with the extensions, and the bit set */
        s.cpu->cr4 = CR4_VME;
        redirection(0x21, true);
    }
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(sys_stack(&s, 0), 2);
}
END_TEST

START_TEST(int_n_with_iopl_3_needs_a_gate_for_ring_3)
{
    sys_vm86(&s, 3);
    CODE(&s, "\xcd\x21");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_GP_IDT_DPL);
    ck_assert_uint_eq(REC(1)->error, 0x21 * 8 + 2);
}
END_TEST

START_TEST(a_clear_bit_redirects_int_n_to_the_program)
{
    unsigned iopl = _i ? 3 : 0;

    sys_vm86(&s, iopl);
    s.cpu->cr4 = CR4_VME;
    cpu_set_eflags(s.cpu, cpu_eflags(s.cpu) | EFL_IF | EFL_VIF | EFL_CF);
    redirection(0x21, false);
    CODE(&s, "\xcd\x21");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, 0x2000);
    ck_assert_uint_eq(s.cpu->ip, 0x210);
    ck_assert_uint_eq(sys_stack(&s, 0), 2 | (AT_CODE >> 4) << 16);
    ck_assert_uint_eq(sys_stack(&s, 1) & 0xffff, 2 | EFL_IF | EFL_CF | EFL_IOPL);
    ck_assert_uint_eq(s.cpu->eflags & (EFL_IF | EFL_VIF), iopl ? EFL_VIF : EFL_IF);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

START_TEST(a_set_bit_with_iopl_0_is_the_monitors)
{
    sys_vm86(&s, 0);
    s.cpu->cr4 = CR4_VME;
    redirection(0x21, true);
    CODE(&s, "\xcd\x21");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_EVENT_V86INT);
    ck_assert_int_eq(REC(0)->evidence.kind, CPU_EVIDENCE_TSS);
    ck_assert_uint_eq(REC(0)->evidence.bytes[0], 2);
}
END_TEST

START_TEST(int3_is_not_sensitive_to_iopl)
{
    sys_vm86(&s, 0);
    CODE(&s, "\xcc");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x30);
}
END_TEST

START_TEST(a_handler_for_vm86_is_not_conforming_and_has_dpl_0)
{
    static const uint16_t selector[] = { CONF0, CODE1 };

    sys_vm86(&s, 3);
    sys_poke(&s, AT_IDT + 6 * 8, GATE(selector[_i], AT_HANDLER, SYS_INT, 0, 0), 8);
    CODE(&s, "\x0f\x0b");
    sys_run(&s, 1);
    ck_assert_int_eq(REC(1)->cause, CPU_CAUSE_GP_IDT_V86);
    ck_assert_uint_eq(REC(1)->error, selector[_i] | 1u);
}
END_TEST

/* ---- Protected-mode virtual interrupts ---- */

START_TEST(pvi_lets_user_code_have_a_virtual_if)
{
    sys_protected(&s, 3);
    s.cpu->cr4 = CR4_PVI;
    CODE(&s, "\xfb\xfa\xfb");
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->eflags & (EFL_IF | EFL_VIF), EFL_VIF);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->eflags & (EFL_IF | EFL_VIF), 0);
    s.cpu->eflags |= EFL_VIP;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_VME_VIP);
}
END_TEST

/* ---- VIF and VIP both set ---- */

/*
 * SDM Vol. 3B, "Class 2 - Maskable hardware interrupt handling in virtual-8086 mode using the virtual interrupt mechanism",
 * "Protected-mode virtual interrupts": found set together at the beginning of an instruction they fault, for a monitor may return so.
 * They count where VIF is in use: with IOPL below 3, at CPL 3 alone.
 */
enum into { TO_VM86, TO_USER, TO_KERNEL, TASK_TO_VM86 };
struct both_row {
    enum into into;
    unsigned iopl;
    uint32_t cr4, eflags;
    bool fault;
};
#define BOTH (EFL_VIF | EFL_VIP)
static const struct both_row both_rows[] = {
    { TO_VM86, 0, CR4_VME, BOTH, true },
    { TO_VM86, 2, CR4_VME, BOTH, true },
    { TO_VM86, 0, CR4_VME, EFL_VIP, false },
    { TO_VM86, 0, CR4_VME, EFL_VIF, false },
    { TO_VM86, 3, CR4_VME, BOTH, false },
    { TO_VM86, 0, CR4_PVI, BOTH, false },
    { TO_VM86, 0, 0, BOTH, false },
    { TO_USER, 0, CR4_PVI, BOTH, true },
    { TO_USER, 0, CR4_PVI, EFL_VIP, false },
    { TO_USER, 3, CR4_PVI, BOTH, false },
    { TO_USER, 0, CR4_VME, BOTH, false },
    { TO_KERNEL, 0, CR4_PVI | CR4_VME, BOTH, false },
    { TASK_TO_VM86, 0, CR4_VME, BOTH, true },
    { TASK_TO_VM86, 0, CR4_PVI, BOTH, false },
};

/* Both ways in lead to linear address AT_TASK. */
static void go(const struct both_row *r, uint32_t flags)
{
    const uint32_t vm86[] = { 0, AT_TASK >> 4, flags, 0xf000, 0x3000, 0x6000, 0x6000, 0x6000, 0x6000 };
    const uint32_t user[] = { AT_TASK, CODE3 | 3, flags, AT_STACK3, DATA3 | 3 };
    const uint32_t kernel[] = { AT_TASK, CODE0, flags };
    const uint32_t *frame = r->into == TO_VM86 ? vm86 : r->into == TO_USER ? user : kernel;
    unsigned count = r->into == TO_VM86 ? 9 : r->into == TO_USER ? 5 : 3;

    if (r->into == TASK_TO_VM86) {
        sys_code(&s, "\xea\x00\x00\x00\x00\x30\x00", 7); /* jmp TSS32:0 */
        sys_poke(&s, AT_TSS32 + 0x20, 0, 4);
        sys_poke(&s, AT_TSS32 + 0x24, flags, 4);
        for (unsigned n = 0; n < 6; n++)
            sys_poke(&s, AT_TSS32 + 0x48 + 4 * n, n == CPU_CS ? AT_TASK >> 4 : 0x6000, 4);
    } else {
        CODE(&s, "\xcf");
        s.cpu->reg[CPU_SP] -= 4 * count;
        for (unsigned n = 0; n < count; n++)
            sys_poke(&s, (uint32_t)s.cpu->reg[CPU_SP] + 4 * n, frame[n], 4);
    }
    sys_run(&s, 1);
}

START_TEST(vif_with_vip_faults_when_an_instruction_begins)
{
    const struct both_row *r = &both_rows[_i];
    uint32_t flags = 2 | r->iopl << EFL_IOPL_SHIFT | r->eflags | (r->into == TO_VM86 || r->into == TASK_TO_VM86 ? EFL_VM : 0), ip;

    sys_protected(&s, 0);
    s.cpu->cr4 = r->cr4;
    sys_poke(&s, AT_TASK, 0x90909090, 4);
    go(r, flags);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(cpu_eflags(s.cpu), flags);
    ip = (uint32_t)s.cpu->ip;
    sys_run(&s, 1);
    if (!r->fault) {
        ck_assert_uint_eq(s.cpu->history_next, 0);
        ck_assert_uint_eq(s.cpu->ip, ip + 1);
        return;
    }
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_VME_VIP);
    ck_assert_uint_eq(REC(0)->vector, VEC_GP);
    ck_assert_uint_eq(REC(0)->ip, ip);
    ck_assert_uint_eq(REC(0)->evidence.value, flags);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 0x10 * VEC_GP);
    ck_assert_uint_eq(sys_stack(&s, 0), 0);
    ck_assert_uint_eq(sys_stack(&s, 1), ip);
    ck_assert_uint_eq(sys_stack(&s, 3), flags | EFL_RF);
    ck_assert_uint_eq(s.cpu->steps, 2);
}
END_TEST

/* An interrupt that may be taken comes first, and the fault is of the instruction's beginning: nothing of it is fetched. */
START_TEST(vif_with_vip_stands_between_interrupts_and_the_fetch)
{
    const struct both_row r = { TO_VM86, 0, CR4_VME, 0, true };

    sys_protected(&s, 0);
    s.cpu->cr4 = CR4_VME;
    sys_poke(&s, AT_PT + 4 * (AT_TASK >> 12), 0, 4);
    sys_poke(&s, AT_TSS + 4, AT_STACK0 - 0x100, 4);
    sys_paging(&s);
    go(&r, 2 | EFL_VM | BOTH);
    if (_i) {
        s.cpu->nmi_pending = true;
        cpu_attend(s.cpu);
    }
    sys_run(&s, 1);
    if (_i)
        ck_assert_uint_eq(REC(0)->vector, VEC_NMI);
    else
        ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_VME_VIP);
    ck_assert_uint_eq(s.cpu->history_next, 1);
}
END_TEST

/* ---- Ports ---- */

struct port_row {
    bool vm86;
    unsigned iopl;
    uint16_t map, bits; /* I/O map base in the TSS, and the two bytes for port 21h (bits 31..16 of the map) */
    uint32_t attr, limit;
    enum cpu_cause cause;
};
static const struct port_row port_rows[] = {
    { false, 3, 0x68, 0xffff, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_NONE },
    { false, 0, 0x68, 0x0000, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_NONE },
    { false, 0, 0x68, 0x0002, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_GP_IOPL_IO },
    { false, 0, 0x68, 0xfffd, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_NONE },
    { false, 0, 0x68, 0x0000, SYS_TSS_BUSY, 0x6c, CPU_CAUSE_GP_IOMAP_LIMIT }, /* the second byte is outside */
    { false, 0, 0xffff, 0x0000, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_GP_IOMAP_LIMIT },
    { false, 0, 0x68, 0x0000, SYS_TSS_BUSY, 0x66, CPU_CAUSE_GP_IOMAP_LIMIT },
    { false, 0, 0x68, 0x0000, SYS_TSS16_BUSY, 0xfff, CPU_CAUSE_GP_IOMAP_TSS16 },
    { true, 3, 0x68, 0x0002, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_GP_IOPL_IO },      /* VM86: the bitmap always */
    { true, 0, 0x68, 0x0000, SYS_TSS_BUSY, 0xfff, CPU_CAUSE_NONE },
};

START_TEST(the_io_permission_bitmap_decides)
{
    const struct port_row *r = &port_rows[_i];

    if (r->vm86) {
        sys_vm86(&s, r->iopl);
    } else {
        sys_protected(&s, 3);
        cpu_set_eflags(s.cpu, 2 | r->iopl << EFL_IOPL_SHIFT);
    }
    s.cpu->seg[CPU_TR].limit = r->limit;
    s.cpu->seg[CPU_TR].attr = SEG_P | r->attr;
    sys_poke(&s, AT_TSS + 0x66, r->map, 2);
    sys_poke(&s, AT_TSS + 0x68 + 4, r->bits, 2);
    CODE(&s, "\xe4\x21");
    sys_run(&s, 1);
    if (r->cause == CPU_CAUSE_NONE) {
        ck_assert_uint_eq(s.cpu->history_next, 0);
        ck_assert_uint_eq(s.cpu->reg[CPU_AX] & 0xff, 0xff);
    } else {
        ck_assert_int_eq(REC(0)->cause, r->cause);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vm86");
    TCase *tc = tcase_create("vm86");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, iretd_enters_vm86_and_an_interrupt_leaves_it);
    tcase_add_loop_test(tc, iopl_and_the_extensions_decide, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, pushf_shows_vif_as_if_and_iopl_3);
    tcase_add_loop_test(tc, int_n_goes_to_the_monitor_with_iopl_3, 0, 2);
    tcase_add_test(tc, int_n_with_iopl_3_needs_a_gate_for_ring_3);
    tcase_add_loop_test(tc, a_clear_bit_redirects_int_n_to_the_program, 0, 2);
    tcase_add_test(tc, a_set_bit_with_iopl_0_is_the_monitors);
    tcase_add_test(tc, int3_is_not_sensitive_to_iopl);
    tcase_add_loop_test(tc, a_handler_for_vm86_is_not_conforming_and_has_dpl_0, 0, 2);
    tcase_add_test(tc, pvi_lets_user_code_have_a_virtual_if);
    tcase_add_loop_test(tc, vif_with_vip_faults_when_an_instruction_begins, 0, sizeof(both_rows) / sizeof(both_rows[0]));
    tcase_add_loop_test(tc, vif_with_vip_stands_between_interrupts_and_the_fetch, 0, 2);
    tcase_add_loop_test(tc, the_io_permission_bitmap_decides, 0, sizeof(port_rows) / sizeof(port_rows[0]));
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
