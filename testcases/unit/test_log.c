/* The log and the error line: base/log.h, base/error.h. */
#include "base/log.h"

#include "base/error.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct heard {
    unsigned count;
    enum sim_log_level level;
    char component[32], line[1200];
};

static void hear(void *arg, enum sim_log_level level, const char *component, const char *line)
{
    struct heard *h = arg;

    h->count++;
    h->level = level;
    snprintf(h->component, sizeof(h->component), "%s", component);
    snprintf(h->line, sizeof(h->line), "%s", line);
}

static struct sim_log log_to(struct heard *h)
{
    struct sim_log log;

    sim_log_init(&log);
    log.fn = hear;
    log.arg = h;
    return log;
}

START_TEST(lines_above_the_level_are_dropped)
{
    struct heard h = { 0 };
    struct sim_log log = log_to(&h);

    sim_log(&log, SIM_LOG_INFO, "pit", "quiet");
    ck_assert_uint_eq(h.count, 0);
    sim_log(&log, SIM_LOG_WARN, "pit", "count %d\nof two lines", 7);
    ck_assert_uint_eq(h.count, 1);
    ck_assert_str_eq(h.component, "pit");
    ck_assert_str_eq(h.line, "count 7 of two lines");
    log.muted = true;
    sim_log(&log, SIM_LOG_ERROR, "pit", "re-executed");
    ck_assert_uint_eq(h.count, 1);
    sim_log_fini(&log);
}
END_TEST

START_TEST(what_is_not_modelled_is_said_once_per_name)
{
    struct heard h = { 0 };
    struct sim_log log = log_to(&h);

    for (int i = 0; i < 3; i++)
        sim_log_unmodelled(&log, "rtc", "port 0x70 bit 7", "NMI stays enabled");
    ck_assert_uint_eq(h.count, 1);
    ck_assert_int_eq(h.level, SIM_LOG_WARN);
    ck_assert_str_eq(h.line, "port 0x70 bit 7 is not modelled: NMI stays enabled");
    sim_log_unmodelled(&log, "rt", "cport 0x70 bit 7", "another name");
    ck_assert_uint_eq(h.count, 2);
    sim_log_fini(&log);
}
END_TEST

START_TEST(a_muted_line_is_said_later)
{
    struct heard h = { 0 };
    struct sim_log log = log_to(&h);

    log.muted = true;
    sim_log_unmodelled(&log, "cpu", "MSR 0x1a0", "reads 0");
    log.muted = false;
    sim_log_unmodelled(&log, "cpu", "MSR 0x1a0", "reads 0");
    ck_assert_uint_eq(h.count, 1);
    sim_log_fini(&log);
}
END_TEST

START_TEST(a_guest_cannot_fill_the_host_with_names)
{
    struct heard h = { 0 };
    struct sim_log log = log_to(&h);
    char what[32];

    for (int i = 0; i < 10000; i++) {
        snprintf(what, sizeof(what), "port %d", i);
        sim_log_unmodelled(&log, "bus", what, "ignored");
    }
    ck_assert_uint_eq(h.count, 4096 + 1);
    ck_assert_ptr_nonnull(strstr(h.line, "no more are named"));
    sim_log_fini(&log);
}
END_TEST

START_TEST(an_error_line_is_one_short_line)
{
    char big[1000];

    ck_assert_int_eq(sim_fail(SIM_ERR_USAGE, "--cpus %d: 1 to 8", 9), SIM_ERR_USAGE);
    ck_assert_str_eq(sim_last_error(), "--cpus 9: 1 to 8");
    sim_fail(SIM_ERR_IO, "disk.img: %s", sim_last_error());
    ck_assert_str_eq(sim_last_error(), "disk.img: --cpus 9: 1 to 8");
    sim_fail(SIM_ERR_FORMAT, "a\nb\033c");
    ck_assert_str_eq(sim_last_error(), "a?b?c");
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    sim_fail(SIM_ERR_USAGE, "%s", big);
    ck_assert_uint_eq(strlen(sim_last_error()), 511);
    ck_assert_str_eq(sim_err_text(SIM_OK), "success");
    ck_assert_ptr_nonnull(sim_err_text((enum sim_err)999));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, lines_above_the_level_are_dropped);
    tcase_add_test(t, what_is_not_modelled_is_said_once_per_name);
    tcase_add_test(t, a_muted_line_is_said_later);
    tcase_add_test(t, a_guest_cannot_fill_the_host_with_names);
    tcase_add_test(t, an_error_line_is_one_short_line);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
