/*
 * Memory types: SDM Vol. 3A, "Memory cache control".
 */
#include "testcases/unit/msr_bench.h"

#include "cpu/memtype.h"
#include "cpu/tlb.h"

enum { PAT = 0x277, DEF_TYPE = 0x2ff, BASE0 = 0x200, MASK0 = 0x201, FIX64K = 0x250, FIX16K = 0x258, FIX4K = 0x268 };
enum { UC = MEMTYPE_UC, WC = MEMTYPE_WC, WT = MEMTYPE_WT, WP = MEMTYPE_WP, WB = MEMTYPE_WB, UCM = MEMTYPE_UC_MINUS };

static struct sys s;

static void begin(const char *model)
{
    sys_open(&s, model, 1);
    msr_cpu(&s, 0);
}
static void setup(void) { begin("max"); }
static void teardown(void) { sys_close(&s); }

/* ---- MTRRs ---- */

START_TEST(without_enable_all_is_uc)
{
    msr_set(&s, BASE0, WB);
    msr_set(&s, MASK0, 0x800);
    msr_set(&s, DEF_TYPE, 0x406);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x1000), UC);
    msr_set(&s, DEF_TYPE, 0x800);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x1000), WB);
}
END_TEST

START_TEST(fixed_ranges_cover_the_first_megabyte)
{
    static const struct { uint32_t msr, first, size; } ranges[] = {
        { FIX64K, 0, 0x10000 }, { FIX16K, 0x80000, 0x4000 }, { FIX16K + 1, 0xa0000, 0x4000 }, { FIX4K, 0xc0000, 0x1000 },
        { FIX4K + 1, 0xc8000, 0x1000 }, { FIX4K + 7, 0xf8000, 0x1000 },
    };
    static const uint8_t types[] = { UC, WC, WT, WP, WB };

    msr_set(&s, DEF_TYPE, 0xc00 | WT);
    for (unsigned n = 0; n < 8; n++) {
        unsigned type = types[n % 5];

        msr_set(&s, ranges[_i].msr, (uint64_t)type << 8 * n);
        for (unsigned m = 0; m < 8; m++) {
            sim_paddr first = ranges[_i].first + m * ranges[_i].size;

            ck_assert_int_eq(memtype_by_mtrr(s.cpu, first), m == n ? type : UC);
            ck_assert_int_eq(memtype_by_mtrr(s.cpu, first + ranges[_i].size - 1), m == n ? type : UC);
        }
    }
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x100000), WT); /* beyond them: the default */
    msr_set(&s, DEF_TYPE, 0x800 | WP);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, ranges[_i].first), WP); /* and without FE */
}
END_TEST

/* 36 of max's 40 address bits, to see that those above count. */
START_TEST(variable_ranges_match_by_their_masks)
{
    msr_set(&s, DEF_TYPE, 0x800 | WB);
    msr_set(&s, BASE0, 0x1240000000 | WC);
    msr_set(&s, MASK0, 0xfff0000800);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x1240000000), WC);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x124fffffff), WC);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x1250000000), WB);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x0240000000), WB);
    msr_set(&s, MASK0, 0xfff0000000); /* not valid */
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x1240000000), WB);
}
END_TEST

START_TEST(overlaps_have_a_precedence)
{
    static const struct { uint8_t a, b, result; } cases[] = { { UC, WB, UC }, { WT, UC, UC }, { WT, WB, WT }, { WB, WT, WT }, { WC, WC, WC },
                                                              { WB, WB, WB }, { WC, WB, UC } };

    msr_set(&s, DEF_TYPE, 0x800 | WP);
    msr_set(&s, BASE0 + 4, 0x40000000 | cases[_i].a);
    msr_set(&s, MASK0 + 4, 0xffc0000800);
    msr_set(&s, BASE0 + 14, 0x40000000 | cases[_i].b);
    msr_set(&s, MASK0 + 14, 0xfff0000800);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x40001000), cases[_i].result);
    ck_assert_int_eq(memtype_by_mtrr(s.cpu, 0x60001000), cases[_i].a);
}
END_TEST

/* ---- With the PAT ---- */

START_TEST(the_two_combine)
{
    static const uint8_t types[] = { UC, WC, WT, WP, WB }, pats[] = { UC, UCM, WC, WT, WB, WP };
    static const uint8_t table[5][6] = {
        { UC, UC, WC, UC, UC, UC }, { UC, WC, WC, UC, WC, UC }, { UC, UC, WC, WT, WT, WP }, { UC, WC, WC, WT, WP, WP }, { UC, UC, WC, WT, WB, WP },
    };

    sys_paging(&s);
    for (unsigned m = 0; m < 5; m++) {
        msr_set(&s, DEF_TYPE, 0x800 | types[m]);
        for (unsigned p = 0; p < 6; p++) {
            msr_set(&s, PAT, pats[p]);
            ck_assert_msg(memtype_effective(s.cpu, 0x200000, 0) == table[m][p], "MTRR %u, PAT %u", types[m], pats[p]);
        }
    }
}
END_TEST

START_TEST(the_page_chooses_its_entry)
{
    sys_paging(&s);
    msr_set(&s, DEF_TYPE, 0x800 | WB);
    for (unsigned n = 0; n < 8; n++) {
        unsigned bits = (n & 1 ? TLB_PWT : 0) | (n & 2 ? TLB_PCD : 0) | (n & 4 ? TLB_PAT : 0);

        msr_set(&s, PAT, (0x0606060606060606 & ~(0xffull << 8 * n)) | (uint64_t)WC << 8 * n);
        for (unsigned m = 0; m < 8; m++)
            ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, (m & 1 ? TLB_PWT : 0) | (m & 2 ? TLB_PCD : 0) | (m & 4 ? TLB_PAT : 0)),
                             m == n ? WC : WB);
        ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, bits), WC);
    }
    s.cpu->cr0 &= ~(uint64_t)CR0_PG; /* without paging: by the MTRRs */
    ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, 0), WB);
    s.cpu->cr0 |= CR0_CD;
    ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, 0), UC);
}
END_TEST

START_TEST(a_pentium_knows_pcd_and_pwt)
{
    teardown();
    begin("pentium");
    sys_paging(&s);
    ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, 0), WB);
    ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, TLB_PWT), WT);
    ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, TLB_PCD), UC);
    ck_assert_int_eq(memtype_effective(s.cpu, 0x200000, TLB_PAT), WB); /* there is none: the bit says nothing */
}
END_TEST

/* ---- Transactions ---- */

static unsigned seen;

static void hear(void *arg, const struct bus_txn *txn)
{
    (void)arg;
    if (txn->kind == BUS_MEM_READ)
        seen = txn->type;
}

START_TEST(a_transaction_tells_its_type)
{
    static const struct { uint32_t bits; unsigned type; } cases[] = { { 0, WB }, { 0x08, WT }, { 0x18, UC }, { 0x80, WC }, { 0x90, UC } };
    struct bus_observer o = { .fn = hear };

    sys_paging(&s);
    msr_set(&s, PAT, 0x0007040100070406);
    msr_set(&s, DEF_TYPE, 0x800 | WB);
    sys_poke(&s, AT_PT + 4 * 0x200, 0xd0000007 | cases[_i].bits, 4); /* where nobody answers */
    seen = 99;
    bus_observe(s.bus, &o);
    ck_assert(msr_execute(&s, "\xa1\x00\x00\x20\x00", 5));
    bus_unobserve(s.bus, &o);
    ck_assert_uint_eq(seen, cases[_i].type);
}
END_TEST

/* Where a device was found is remembered, its type with it. */
START_TEST(a_new_type_counts_at_the_next_access)
{
    struct bus_observer o = { .fn = hear };

    sys_paging(&s);
    msr_set(&s, DEF_TYPE, 0x800 | WB);
    sys_poke(&s, AT_PT + 4 * 0x200, 0xd0000007, 4);
    bus_observe(s.bus, &o);
    for (unsigned n = 0; n < 2; n++) {
        ck_assert(msr_execute(&s, "\xa1\x00\x00\x20\x00", 5));
        ck_assert_uint_eq(seen, WB);
    }
    msr_set(&s, DEF_TYPE, 0x800 | WT);
    ck_assert(msr_execute(&s, "\xa1\x00\x00\x20\x00", 5));
    ck_assert_uint_eq(seen, WT);
    msr_set(&s, PAT, 0x0007040600070401);
    ck_assert(msr_execute(&s, "\xa1\x00\x00\x20\x00", 5));
    bus_unobserve(s.bus, &o);
    ck_assert_uint_eq(seen, WC);
}
END_TEST

START_TEST(a_large_page_has_its_pat_bit_elsewhere)
{
    struct bus_observer o = { .fn = hear };

    sys_paging(&s);
    s.cpu->cr4 |= CR4_PSE;
    msr_set(&s, PAT, 0x0007040100070406);
    msr_set(&s, DEF_TYPE, 0x800 | WB);
    sys_poke(&s, AT_PD + 4, 0xd0000087 | 0x1000, 4);
    bus_observe(s.bus, &o);
    ck_assert(msr_execute(&s, "\xa1\x00\x00\x40\x00", 5));
    ck_assert_uint_eq(seen, WC);
    sys_poke(&s, AT_PD + 4, 0xd0000087, 4);
    mem_flush_tlb(s.cpu, true);
    ck_assert(msr_execute(&s, "\xa1\x00\x00\x40\x00", 5));
    bus_unobserve(s.bus, &o);
    ck_assert_uint_eq(seen, WB);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memtype");
    TCase *tc = tcase_create("memtype");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, without_enable_all_is_uc);
    tcase_add_loop_test(tc, fixed_ranges_cover_the_first_megabyte, 0, 6);
    tcase_add_test(tc, variable_ranges_match_by_their_masks);
    tcase_add_loop_test(tc, overlaps_have_a_precedence, 0, 7);
    tcase_add_test(tc, the_two_combine);
    tcase_add_test(tc, the_page_chooses_its_entry);
    tcase_add_test(tc, a_pentium_knows_pcd_and_pwt);
    tcase_add_loop_test(tc, a_transaction_tells_its_type, 0, 5);
    tcase_add_test(tc, a_new_type_counts_at_the_next_access);
    tcase_add_test(tc, a_large_page_has_its_pat_bit_elsewhere);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
