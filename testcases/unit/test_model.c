/*
 * What CPU models say of themselves: caches, topology, machine checks, and the MSRs that go with them. SDM Vol. 2A, "CPUID"; Vol. 4.
 */
#include "testcases/unit/msr_bench.h"

enum { MISC_ENABLE = 0x1a0, MCG_CAP = 0x179, MC0_CTL = 0x400, PLATFORM_INFO = 0xce, FEATURES = 0x140, POWER_CTL = 0x1fc, EFER = 0xc0000080 };

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

/* ---- Caches ---- */

struct cache {
    uint8_t type, level;
    uint32_t kib, ways;
    bool shared;
};
static const struct {
    const char *model;
    uint32_t descriptors[4];
    struct cache cache[4];
    uint32_t l2; /* leaf 80000006h, ECX */
} cache_cases[] = {
    { "pentium3", { 0x03020101, 0, 0, 0x0c040882 }, { { 0 } }, 0 },
    { "core2", { 0x05b0b101, 0x005657f0, 0, 0x2cb43049 }, { { 1, 1, 32, 8, false }, { 2, 1, 32, 8, false }, { 3, 2, 4096, 16, true } }, 0x10008040 },
    { "nehalem", { 0x55035a01, 0x00f0b2e4, 0, 0x09ca212c },
      { { 1, 1, 32, 8, false }, { 2, 1, 32, 4, false }, { 3, 2, 256, 8, false }, { 3, 3, 8192, 16, true } }, 0x01006040 },
    { "haswell", { 0x76036301, 0x00f0b5ff, 0, 0x00c10000 },
      { { 1, 1, 32, 8, false }, { 2, 1, 32, 8, false }, { 3, 2, 256, 8, false }, { 3, 3, 8192, 16, true } }, 0x01006040 },
};

START_TEST(the_caches_are_the_parts)
{
    for (unsigned reg = 0; reg < 4; reg++) {
        begin(cache_cases[_i].model, 3);
        ck_assert_uint_eq(leaf(2, 0, reg), cache_cases[_i].descriptors[reg]);
        teardown();
    }
    begin(cache_cases[_i].model, 3);
    for (unsigned n = 0; n < 4 && leaf(0, 0, 0) >= 4; n++) {
        const struct cache *c = &cache_cases[_i].cache[n];
        uint32_t a = leaf(4, n, 0), b = leaf(4, n, 1), sets = leaf(4, n, 2) + 1;

        ck_assert_uint_eq(a & 31, c->type);
        if (!c->type)
            break;
        ck_assert_uint_eq(a >> 5 & 7, c->level);
        ck_assert_uint_eq(a >> 14 & 0xfff, c->shared ? 3 : 0); /* 3 CPUs have room for 4 IDs */
        ck_assert_uint_eq(a >> 26, 3);
        ck_assert_uint_eq((b >> 22) + 1, c->ways);
        ck_assert_uint_eq(((b >> 22) + 1) * ((b >> 12 & 0x3ff) + 1) * ((b & 0xfff) + 1) * sets, c->kib * 1024);
    }
    if (leaf(0, 0, 0) >= 4)
        ck_assert_uint_eq(leaf(4, 4, 0), 0);
    if (cache_cases[_i].l2)
        ck_assert_uint_eq(leaf(0x80000006, 0, 2), cache_cases[_i].l2);
    teardown();
}
END_TEST

START_TEST(cpus_are_cores_of_one_package_since_the_core2)
{
    static const struct { const char *model; unsigned cpus, ids; bool htt; } cases[] = {
        { "pentium3", 2, 0, false }, { "core2", 1, 1, false }, { "core2", 2, 2, true }, { "haswell", 3, 4, true }, { "max", 8, 8, true },
    };

    begin(cases[_i].model, cases[_i].cpus);
    ck_assert_uint_eq(leaf(1, 0, 1) >> 16 & 0xff, cases[_i].ids);
    ck_assert_int_eq(leaf(1, 0, 3) >> 28 & 1, cases[_i].htt);
    teardown();
}
END_TEST

START_TEST(the_tsc_is_invariant_since_nehalem)
{
    static const struct { const char *model; bool is; } cases[] = { { "core2", false }, { "nehalem", true }, { "haswell", true }, { "max", true } };

    begin(cases[_i].model, 1);
    ck_assert_int_eq(leaf(0x80000007, 0, 3) >> 8 & 1, cases[_i].is);
    teardown();
}
END_TEST

/* ---- Machine checks: SDM Vol. 3B, "Machine-check architecture" ---- */

START_TEST(each_bank_has_its_registers)
{
    static const struct { const char *model; unsigned banks; } cases[] = { { "pentium3", 5 }, { "core2", 6 }, { "nehalem", 9 }, { "haswell", 7 },
                                                                         { "max", 7 } };
    unsigned banks = cases[_i].banks;
    uint64_t v;

    begin(cases[_i].model, 1);
    ck_assert_uint_eq(msr_get(&s, MCG_CAP), banks);
    for (unsigned n = 0; n < banks; n++) {
        msr_keeps(&s, MC0_CTL + 4 * n, 0x1111111111111111u * n);
        for (unsigned reg = 1; reg < 4; reg++) { /* STATUS, ADDR, MISC: written with 0 only */
            msr_keeps(&s, MC0_CTL + 4 * n + reg, 0);
            ck_assert(!msr_wr(&s, MC0_CTL + 4 * n + reg, 1));
            msr_refused(&s, CPU_CAUSE_GP_MSR_RSVD);
        }
    }
    ck_assert_uint_eq(msr_get(&s, MC0_CTL + 4), 0x1111111111111111);
    ck_assert(!msr_rd(&s, MC0_CTL + 4 * banks, &v));
    msr_refused(&s, CPU_CAUSE_GP_MSR_UNKNOWN);
    teardown();
}
END_TEST

/* ---- IA32_MISC_ENABLE ---- */

START_TEST(misc_enable_keeps_what_it_tells)
{
    begin("max", 1);
    ck_assert_uint_eq(msr_get(&s, MISC_ENABLE), 0x41881);
    msr_set(&s, MISC_ENABLE, 0);
    ck_assert_uint_eq(msr_get(&s, MISC_ENABLE), 0x1880); /* performance monitoring, no BTS, no PEBS: read only */
    msr_keeps(&s, MISC_ENABLE, 0x1880 | 1 << 16 | 1 << 3);
    ck_assert(!msr_wr(&s, MISC_ENABLE, 2));
    msr_refused(&s, CPU_CAUSE_GP_MSR_RSVD);
    teardown();
}
END_TEST

START_TEST(misc_enable_limits_cpuid)
{
    begin("max", 1);
    ck_assert_uint_eq(leaf(0, 0, 0), 13);
    msr_set(&s, MISC_ENABLE, msr_get(&s, MISC_ENABLE) | 1 << 22);
    ck_assert_uint_eq(leaf(0, 0, 0), 2);
    ck_assert_uint_eq(leaf(7, 0, 1), leaf(2, 0, 1));
    ck_assert_uint_eq(leaf(0x80000000, 0, 0), 0x80000008);
    teardown();
}
END_TEST

START_TEST(misc_enable_takes_nx_away)
{
    begin("max", 1);
    msr_keeps(&s, EFER, EFER_NXE);
    msr_keeps(&s, EFER, 0);
    ck_assert_uint_ne(leaf(0x80000001, 0, 3) & 1 << 20, 0);
    msr_set(&s, MISC_ENABLE, msr_get(&s, MISC_ENABLE) | 1ull << 34);
    ck_assert_uint_eq(leaf(0x80000001, 0, 3) & 1 << 20, 0);
    ck_assert(!msr_wr(&s, EFER, EFER_NXE));
    msr_refused(&s, CPU_CAUSE_GP_MSR_EFER);
    teardown();
}
END_TEST

/* ---- CPUID faulting, the platform's MSRs ---- */

START_TEST(cpuid_can_be_made_to_fault_for_users)
{
    begin("haswell", 1);
    ck_assert_uint_ne(msr_get(&s, PLATFORM_INFO) & 1u << 31, 0);
    ck_assert(!msr_wr(&s, FEATURES, 2));
    msr_refused(&s, CPU_CAUSE_GP_MSR_RSVD);
    sys_protected(&s, 3);
    ck_assert(msr_execute(&s, "\x0f\xa2", 2));
    sys_protected(&s, 0);
    msr_keeps(&s, FEATURES, 1);
    ck_assert(msr_execute(&s, "\x0f\xa2", 2)); /* CPL 0 may */
    sys_protected(&s, 3);
    ck_assert(!msr_execute(&s, "\x0f\xa2", 2));
    msr_refused(&s, CPU_CAUSE_GP_CPUID);
    teardown();
}
END_TEST

START_TEST(platform_info_tells_the_clock)
{
    uint64_t v;

    begin("nehalem", 1); /* at 1 GHz */
    ck_assert_uint_eq(msr_get(&s, PLATFORM_INFO), 10ull << 40 | 10 << 8);
    ck_assert(!msr_wr(&s, PLATFORM_INFO, 0));
    msr_refused(&s, CPU_CAUSE_GP_MSR_LOCKED);
    ck_assert(!msr_rd(&s, FEATURES, &v));
    msr_refused(&s, CPU_CAUSE_GP_MSR_UNKNOWN);
    msr_keeps(&s, POWER_CTL, 2);
    ck_assert(!msr_wr(&s, POWER_CTL, 1));
    msr_refused(&s, CPU_CAUSE_GP_MSR_RSVD);
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *tc = tcase_create("model");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, the_caches_are_the_parts, 0, 4);
    tcase_add_loop_test(tc, cpus_are_cores_of_one_package_since_the_core2, 0, 5);
    tcase_add_loop_test(tc, the_tsc_is_invariant_since_nehalem, 0, 4);
    tcase_add_loop_test(tc, each_bank_has_its_registers, 0, 5);
    tcase_add_test(tc, misc_enable_keeps_what_it_tells);
    tcase_add_test(tc, misc_enable_limits_cpuid);
    tcase_add_test(tc, misc_enable_takes_nx_away);
    tcase_add_test(tc, cpuid_can_be_made_to_fault_for_users);
    tcase_add_test(tc, platform_info_tells_the_clock);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
