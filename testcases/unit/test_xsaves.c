/*
 * IA32_XSS, XSAVES and XRSTORS: SDM Vol. 1, "Managing state using the XSAVE feature set"; Vol. 2D.
 */
#include "testcases/unit/msr_bench.h"

enum { XSS = 0xda0 };

static struct sys s;

static void begin(const char *model, unsigned cpus)
{
    sys_open(&s, model, cpus);
    msr_cpu(&s, 0);
}
static void teardown(void) { sys_close(&s); }

static uint32_t leaf(uint32_t number, uint32_t subleaf, unsigned reg)
{
    uint32_t out[4];

    cpuid(s.cpu, number, subleaf, out);
    return out[reg];
}

START_TEST(xss_has_no_bits)
{
    uint64_t v;

    begin("max", 1);
    ck_assert_uint_ne(leaf(0xd, 1, 0) & 8, 0);
    ck_assert_uint_eq(leaf(0xd, 1, 2) | leaf(0xd, 1, 3), 0);
    msr_keeps(&s, XSS, 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        ck_assert(!msr_wr(&s, XSS, 1ull << bit));
        msr_refused(&s, CPU_CAUSE_GP_MSR_RSVD);
    }
    teardown();
    begin("haswell", 1);
    ck_assert_uint_eq(leaf(0xd, 1, 0) & 8, 0);
    ck_assert(!msr_rd(&s, XSS, &v));
    msr_refused(&s, CPU_CAUSE_GP_MSR_UNKNOWN);
    teardown();
}
END_TEST

/* XSAVES makes a compacted area, XRSTORS takes no other; both are for CPL 0. SDM Vol. 2D. */
START_TEST(xsaves_and_xrstors_move_state)
{
    static const char save[] = "\x0f\xc7\x2b", load[] = "\x0f\xc7\x1b"; /* [ebx] */

    begin("max", 1);
    s.cpu->cr4 |= CR4_OSXSAVE | CR4_OSFXSR;
    s.cpu->xcr0 = 7;
    s.cpu->vector[3].q[2] = 0x1122334455667788;
    cpu_mode_changed(s.cpu);
    s.cpu->reg[CPU_BX] = AT_DATA;
    s.cpu->reg[CPU_AX] = s.cpu->reg[CPU_DX] = UINT32_MAX;
    ck_assert(msr_execute(&s, save, 3));
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 520, 8), 7 | 1ull << 63);
    ck_assert_uint_ne(sys_peek(&s, AT_DATA + 512, 8) & 4, 0);
    s.cpu->vector[3].q[2] = 0;
    ck_assert(msr_execute(&s, load, 3));
    ck_assert_uint_eq(s.cpu->vector[3].q[2], 0x1122334455667788);
    sys_poke(&s, AT_DATA + 520, 7, 8); /* the standard format */
    ck_assert(!msr_execute(&s, load, 3));
    ck_assert_int_eq(sys_record(&s, 0)->cause, CPU_CAUSE_GP_XRSTOR);
    for (unsigned n = 0; n < 2; n++) {
        sys_protected(&s, 3);
        s.cpu->reg[CPU_BX] = AT_DATA;
        ck_assert(!msr_execute(&s, n ? load : save, 3));
        ck_assert_int_eq(sys_record(&s, 1 + n)->vector, VEC_GP);
    }
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xsaves");
    TCase *tc = tcase_create("xsaves");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_test(tc, xss_has_no_bits);
    tcase_add_test(tc, xsaves_and_xrstors_move_state);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
