/*
 * SYSCALL, SYSENTER and their returns, SWAPGS, the bases of FS and GS, RDTSCP, RDPID. SDM Vol. 2.
 */
#include "cpu/flags.h"
#include "testcases/unit/long_bench.h"

static struct sys s;

enum { KERNEL_CS_SS = L_CODE0, USER_CS_SS = L_CODE32_3 /* SYSRET: +0 32-bit code, +8 stack, +16 64-bit code */ };
#define NOT_CANONICAL 0x0000800000000000ull

static void setup(void)
{
    long_open(&s);
    s.cpu->msr.star = (uint64_t)KERNEL_CS_SS << 32 | (uint64_t)USER_CS_SS << 48;
    s.cpu->msr.lstar = AT_TASK;
    s.cpu->msr.fmask = EFL_IF | EFL_TF | EFL_DF;
}
static void teardown(void) { sys_close(&s); }
static void user(unsigned code)
{
    long_enter(&s, code, 3);
}

#define B(bytes) bytes, sizeof(bytes) - 1
#define REC(n) sys_record(&s, n)

static uint64_t reg(unsigned n) { return s.cpu->reg[n]; }

START_TEST(syscall_enters_the_kernel_and_sysret_leaves_it)
{
    user(L_CODE3);
    CODE(&s, "\x0f\x05");
    sys_poke(&s, AT_TASK, 0x070f48, 3); /* sysretq */
    s.cpu->eflags |= EFL_IF | EFL_DF;
    flags_set(s.cpu, EFL_CF | EFL_ZF);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(reg(CPU_CX), AT_CODE + 2);
    ck_assert_uint_eq(reg(CPU_R11), 2 | EFL_IF | EFL_DF | EFL_CF | EFL_ZF);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_CF | EFL_ZF);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, L_CODE0);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].attr, 0xa09b);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, L_DATA0);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].attr, 0xc093);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK3); /* the stack is still the user's */
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, L_CODE3 | 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].attr, 0xa0fb);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, L_DATA3 | 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].attr, 0xc0f3);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 2 | EFL_IF | EFL_DF | EFL_CF | EFL_ZF);
    ck_assert(s.cpu->mode & MODE_L);
}
END_TEST

START_TEST(sysret_of_32_bits_goes_to_compatibility_mode)
{
    CODE(&s, "\x0f\x07");
    s.cpu->reg[CPU_CX] = 0xffffffff00000000 + AT_TASK;
    s.cpu->reg[CPU_R11] = EFL_RF | EFL_VM | EFL_IF;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, L_CODE32_3 | 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].attr, 0xc0fb);
    ck_assert(!(s.cpu->mode & MODE_L));
    ck_assert_uint_eq(cpu_eflags(s.cpu), EFL_IF | 2);
}
END_TEST

/* A traced SYSCALL: FMASK hides TF from the kernel, and the trap comes when SYSRET has brought it back. */
START_TEST(a_single_step_over_syscall_stops_behind_it)
{
    user(L_CODE3);
    CODE(&s, "\x0f\x05");
    sys_poke(&s, AT_TASK, 0x070f48, 3);
    s.cpu->eflags |= EFL_TF;
    cpu_attend(s.cpu);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_DB_STEP);
    ck_assert_uint_eq(REC(0)->ip, AT_CODE + 2);
}
END_TEST

START_TEST(sysenter_and_sysexit)
{
    bool wide = _i & 1, compat = _i & 2;

    s.cpu->msr.sysenter_cs = L_CODE0 | 3; /* +8 stack, +16 32-bit code, +24 its stack, +32 64-bit code, +40 its stack */
    s.cpu->msr.sysenter_esp = 0xffff800000001000;
    s.cpu->msr.sysenter_eip = AT_TASK;
    user(compat ? L_CODE32_3 : L_CODE3);
    s.cpu->eflags |= EFL_IF;
    CODE(&s, "\x0f\x34");
    sys_poke(&s, AT_TASK, wide ? 0x350f48 : 0x350f, 3);
    s.cpu->reg[CPU_DX] = AT_CODE + 16;
    s.cpu->reg[CPU_CX] = AT_STACK3 - 8;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(reg(CPU_SP), 0xffff800000001000);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, L_CODE0);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, L_DATA0);
    ck_assert(s.cpu->mode & MODE_L);
    ck_assert_uint_eq(s.cpu->eflags & EFL_IF, 0);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 16);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK3 - 8);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, (L_CODE0 + (wide ? 32 : 16)) | 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, (L_CODE0 + (wide ? 40 : 24)) | 3);
    ck_assert_int_eq(!!(s.cpu->mode & MODE_L), wide);
}
END_TEST

START_TEST(sysenter_works_in_legacy_mode)
{
    sys_close(&s);
    sys_open(&s, "pentium3", 1);
    sys_protected(&s, 3);
    s.cpu->msr.sysenter_cs = CODE0;
    s.cpu->msr.sysenter_esp = AT_STACK1;
    s.cpu->msr.sysenter_eip = AT_TASK;
    CODE(&s, "\x0f\x34");
    sys_poke(&s, AT_TASK, 0x350f, 2);
    s.cpu->reg[CPU_DX] = AT_CODE + 2;
    s.cpu->reg[CPU_CX] = AT_STACK3;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_TASK);
    ck_assert_uint_eq(s.cpu->cpl, 0);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].attr, 0xc09b);
    ck_assert_uint_eq(reg(CPU_SP), AT_STACK1);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->cpl, 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, CODE3 | 3);
    ck_assert_uint_eq(s.cpu->seg[CPU_SS].selector, DATA3 | 3);
}
END_TEST

/* ---- Faults ---- */

static void no_sce(void) { s.cpu->efer &= ~(uint64_t)EFER_SCE; }
static void fsgsbase(void) { s.cpu->cr4 |= CR4_FSGSBASE; }
static void pke(void) { s.cpu->cr4 |= CR4_PKE; }
static void sysenter_cs(void) { s.cpu->msr.sysenter_cs = L_CODE0; }
static void tsd(void) { s.cpu->cr4 |= CR4_TSD; }

static const struct {
    unsigned code, cpl;
    const char *bytes;
    unsigned len;
    uint64_t rax, rcx, rdx;
    void (*prepare)(void);
    unsigned vector;
    enum cpu_cause cause;
} faults[] = {
#define IS(vec, id) .vector = VEC_##vec, .cause = CPU_CAUSE_##id
    { L_CODE32_3, 3, B("\x0f\x05"), IS(UD, UD_MODE) },
    { L_CODE3, 3, B("\x0f\x05"), .prepare = no_sce, IS(UD, UD_EFERSCE) },
    { L_CODE0, 0, B("\x48\x0f\x07"), .prepare = no_sce, IS(UD, UD_EFERSCE) },
    { L_CODE3, 3, B("\x48\x0f\x07"), IS(GP, GP_SYSRET) },
    { L_CODE0, 0, B("\x48\x0f\x07"), .rcx = NOT_CANONICAL, IS(GP, GP_SYSRET) },
    { L_CODE3, 3, B("\x0f\x34"), IS(GP, GP_SYSENTER) },
    { L_CODE0, 0, B("\x0f\x35"), IS(GP, GP_SYSENTER) },
    { L_CODE3, 3, B("\x0f\x35"), .prepare = sysenter_cs, IS(GP, GP_SYSENTER) },
    { L_CODE0, 0, B("\x48\x0f\x35"), .prepare = sysenter_cs, .rdx = NOT_CANONICAL, IS(GP, GP_SYSENTER) },
    { L_CODE0, 0, B("\x48\x0f\x35"), .prepare = sysenter_cs, .rcx = NOT_CANONICAL, IS(GP, GP_SYSENTER) },
    { L_CODE3, 3, B("\x0f\x01\xf8"), IS(GP, GP_CPL0) },
    { L_CODE3, 3, B("\xf3\x48\x0f\xae\xc0"), IS(UD, UD_CR4BIT) },
    { L_CODE3, 3, B("\xf3\x48\x0f\xae\xd0"), .prepare = fsgsbase, .rax = 1ull << 60, IS(GP, GP_BASE) },
    { L_CODE3, 3, B("\xf3\x48\x0f\xae\xd8"), .prepare = fsgsbase, .rax = 1ull << 60, IS(GP, GP_BASE) },
    { L_CODE3, 3, B("\x0f\x01\xcb"), IS(UD, UD_CR4BIT) },
    { L_CODE3, 3, B("\x0f\x01\xee"), IS(UD, UD_CR4BIT) },
    { L_CODE3, 3, B("\x0f\x01\xee"), .prepare = pke, .rcx = 1, IS(GP, GP_PKRU) },
    { L_CODE3, 3, B("\x0f\x01\xef"), .prepare = pke, .rdx = 1, IS(GP, GP_PKRU) },
    { L_CODE3, 3, B("\x0f\x01\xf9"), .prepare = tsd, IS(GP, GP_TSD) },
};

START_TEST(what_is_not_allowed_faults)
{
    long_enter(&s, faults[_i].code, faults[_i].cpl);
    sys_code(&s, faults[_i].bytes, faults[_i].len);
    s.cpu->reg[CPU_AX] = faults[_i].rax;
    s.cpu->reg[CPU_CX] = faults[_i].rcx;
    s.cpu->reg[CPU_DX] = faults[_i].rdx;
    if (faults[_i].prepare)
        faults[_i].prepare();
    sys_run(&s, 1);
    ck_assert_msg(REC(0)->cause == faults[_i].cause, "case %d: %s", _i, cpu_cause_id(REC(0)->cause));
    ck_assert_uint_eq(REC(0)->vector, faults[_i].vector);
    ck_assert_uint_eq(REC(0)->error, 0);
    ck_assert_uint_eq(REC(0)->ip, AT_CODE);
}
END_TEST

/* ---- Bases, time, number ---- */

START_TEST(swapgs_exchanges_the_bases)
{
    CODE(&s, "\x0f\x01\xf8\x65\x48\x8b\x04\x25\x08\x00\x00\x00"); /* swapgs; mov rax, gs:[8] */
    s.cpu->seg[CPU_GS].base = 0x1234;
    s.cpu->msr.kernel_gs_base = AT_DATA;
    sys_poke(&s, AT_DATA + 8, 0x77, 8);
    sys_run(&s, 2);
    ck_assert_uint_eq(reg(CPU_AX), 0x77);
    ck_assert_uint_eq(s.cpu->msr.kernel_gs_base, 0x1234);
}
END_TEST

START_TEST(bases_are_read_and_written)
{
    s.cpu->cr4 |= CR4_FSGSBASE;
    CODE(&s, "\xf3\x48\x0f\xae\xd0\xf3\x0f\xae\xd8\xf3\x48\x0f\xae\xc1\xf3\x48\x0f\xae\xca"); /* wrfsbase rax; wrgsbase eax; rdfsbase rcx; rdgsbase rdx */
    s.cpu->reg[CPU_AX] = 0xffff876543210000;
    sys_run(&s, 4);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(reg(CPU_CX), 0xffff876543210000);
    ck_assert_uint_eq(reg(CPU_DX), 0x43210000);
    ck_assert_uint_eq(s.cpu->seg[CPU_GS].base, 0x43210000);
}
END_TEST

START_TEST(rdtscp_and_rdpid_tell_the_processors_number)
{
    s.cpu->msr.tsc_aux = 0x1005;
    CODE(&s, "\x0f\x01\xf9\xf3\x0f\xc7\xfb\x0f\x31"); /* rdtscp; rdpid rbx; rdtsc */
    s.cpu->reg[CPU_BX] = UINT64_MAX;
    sys_run(&s, 1);
    uint64_t time = reg(CPU_AX);
    ck_assert_uint_eq(reg(CPU_CX), 0x1005);
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(reg(CPU_BX), 0x1005);
    ck_assert_uint_eq(reg(CPU_AX), time + 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long syscall");
    TCase *t = tcase_create("long syscall");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, syscall_enters_the_kernel_and_sysret_leaves_it);
    tcase_add_test(t, sysret_of_32_bits_goes_to_compatibility_mode);
    tcase_add_test(t, a_single_step_over_syscall_stops_behind_it);
    tcase_add_loop_test(t, sysenter_and_sysexit, 0, 4);
    tcase_add_test(t, sysenter_works_in_legacy_mode);
    tcase_add_loop_test(t, what_is_not_allowed_faults, 0, sizeof(faults) / sizeof(faults[0]));
    tcase_add_test(t, swapgs_exchanges_the_bases);
    tcase_add_test(t, bases_are_read_and_written);
    tcase_add_test(t, rdtscp_and_rdpid_tell_the_processors_number);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
