/* Byte buffers and readers: base/buf.h. */
#include "base/buf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(what_is_put_is_read_back)
{
    struct sim_buf b = SIM_BUF_INIT;
    struct sim_reader r;
    char text[8];

    sim_buf_u8(&b, 0x12);
    sim_buf_u16(&b, 0x3456);
    sim_buf_u32(&b, 0x789ABCDE);
    sim_buf_u64(&b, UINT64_C(0xF011223344556677));
    sim_buf_str(&b, "wire");
    sim_buf_put(&b, "xyz", 3);
    ck_assert(!b.failed);
    ck_assert_uint_eq(b.data[1], 0x56); /* little-endian */
    r = sim_reader_over(b.data, b.len);
    ck_assert_uint_eq(sim_reader_u8(&r), 0x12);
    ck_assert_uint_eq(sim_reader_u16(&r), 0x3456);
    ck_assert_uint_eq(sim_reader_u32(&r), 0x789ABCDE);
    ck_assert_uint_eq(sim_reader_u64(&r), UINT64_C(0xF011223344556677));
    sim_reader_str(&r, text, sizeof(text));
    ck_assert_str_eq(text, "wire");
    ck_assert_mem_eq(sim_reader_take(&r, 3), "xyz", 3);
    ck_assert(!r.failed && r.pos == r.len);
    sim_buf_fini(&b);
    ck_assert(!b.data && !b.len);
}
END_TEST

START_TEST(a_reader_stops_for_good_at_the_end)
{
    static const uint8_t data[] = { 1, 2, 3 };
    struct sim_reader r = sim_reader_over(data, sizeof(data));

    ck_assert_uint_eq(sim_reader_u16(&r), 0x0201);
    ck_assert_uint_eq(sim_reader_u16(&r), 0);
    ck_assert(r.failed);
    ck_assert_uint_eq(sim_reader_u8(&r), 0);
    ck_assert_ptr_null(sim_reader_take(&r, 0));
    r = sim_reader_over(NULL, 0);
    ck_assert_ptr_nonnull(sim_reader_take(&r, 0));
    ck_assert_ptr_null(sim_reader_take(&r, SIZE_MAX));
}
END_TEST

START_TEST(a_string_that_does_not_fit_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len, cap;
        bool good;
    } cases[] = {
        { "\3\0abc", 5, 4, true },   { "\3\0abc", 5, 3, false }, { "\3\0ab", 4, 8, false },
        { "\3\0a\0c", 5, 8, false }, { "\0\0", 2, 1, true },     { "\0", 1, 4, false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_reader r = sim_reader_over(cases[i].bytes, cases[i].len);
        char out[8] = "?";

        sim_reader_str(&r, out, cases[i].cap);
        ck_assert_int_eq(!r.failed, cases[i].good);
        ck_assert_uint_eq(strlen(out), cases[i].good ? cases[i].cap - 1 : 0);
    }
}
END_TEST

START_TEST(text_grows_and_stays_terminated)
{
    struct sim_buf b = SIM_BUF_INIT;

    ck_assert_str_eq(sim_buf_cstr(&b), "");
    for (int i = 0; i < 1000; i++)
        sim_buf_printf(&b, "%03d,", i);
    ck_assert_uint_eq(b.len, 4000);
    ck_assert_uint_eq(strlen(sim_buf_cstr(&b)), 4000);
    ck_assert(!strncmp(sim_buf_cstr(&b) + 3996, "999,", 4));
    sim_buf_clear(&b);
    ck_assert_str_eq(sim_buf_cstr(&b), "");
    sim_buf_put(&b, "a", 1);
    ck_assert_str_eq(sim_buf_cstr(&b), "a");
    sim_buf_fini(&b);
}
END_TEST

START_TEST(a_failed_buffer_takes_no_more)
{
    struct sim_buf b = SIM_BUF_INIT;

    sim_buf_u8(&b, 1);
    sim_buf_put(&b, "", SIZE_MAX / 2); /* more than there can be */
    ck_assert(b.failed);
    sim_buf_u8(&b, 2);
    ck_assert_uint_eq(b.len, 1);
    ck_assert_str_eq(sim_buf_cstr(&b), "");
    sim_buf_fini(&b);
    ck_assert(!b.failed);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("buf");
    TCase *t = tcase_create("buf");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, what_is_put_is_read_back);
    tcase_add_test(t, a_reader_stops_for_good_at_the_end);
    tcase_add_test(t, a_string_that_does_not_fit_is_refused);
    tcase_add_test(t, text_grows_and_stays_terminated);
    tcase_add_test(t, a_failed_buffer_takes_no_more);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
