/* IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft Intellimouse. */
#include "testcases/unit/i8042_bench.h"

static void setup(void)
{
    kbc_open();
    kbc_command_data(0x60, 0x10);
}

static void command(uint8_t byte)
{
    mouse_write(byte);
    ck_mouse(BYTES(0xFA));
}

static void set(uint8_t what, uint8_t value)
{
    command(what);
    command(value);
}

/* "Commands". */
START_TEST(commands_and_their_answers)
{
    static const struct { uint8_t command, len; uint8_t answer[4]; } cases[] = {
        { 0xE6, 1, { 0xFA } }, { 0xE7, 1, { 0xFA } }, { 0xE9, 4, { 0xFA, 0x00, 0x02, 100 } }, { 0xEA, 1, { 0xFA } },
        { 0xEB, 4, { 0xFA, 0x08, 0x00, 0x00 } }, { 0xEC, 1, { 0xFA } }, { 0xF0, 1, { 0xFA } },
        { 0xF2, 2, { 0xFA, 0x00 } }, { 0xF4, 1, { 0xFA } }, { 0xF5, 1, { 0xFA } }, { 0xF6, 1, { 0xFA } },
        { 0xE1, 1, { 0xFE } }, { 0xED, 1, { 0xFE } }, { 0xEF, 1, { 0xFE } }, { 0xF1, 1, { 0xFE } }, { 0xF7, 1, { 0xFE } },
    };

    mouse_write(cases[_i].command);
    ck_mouse(cases[_i].answer, cases[_i].len);
}
END_TEST

/* "Reset": FAh, AAh, ID. */
START_TEST(reset_tests_and_tells_the_id)
{
    set(0xE8, 3);
    mouse_write(0xFF);
    ck_mouse(BYTES(0xFA));
    ck_assert_uint_eq(kbc_next(20 * MS), (OBF | AUX) << 8 | 0xAA);
    ck_assert_uint_eq(kbc_next(2 * MS), (OBF | AUX) << 8 | 0x00);
    mouse_write(0xE9);
    ck_mouse(BYTES(0xFA, 0x00, 0x02, 100));
}
END_TEST

/* "Status Request". */
START_TEST(the_status_shows_settings_and_buttons)
{
    set(0xE8, 3);
    set(0xF3, 40);
    command(0xE7);
    command(0xF4);
    command(0xF0);
    move(0, 0, 0, 1 | 2);
    mouse_write(0xE9);
    ck_mouse(BYTES(0xFA, 0x75, 0x03, 40));
}
END_TEST

/* "Data Packet Format"; input: dx to the right, dy towards the user. */
START_TEST(movements_become_packets)
{
    static const struct { int dx, dy; uint8_t buttons; uint8_t packet[3]; } cases[] = {
        { 5, 0, 0, { 0x08, 5, 0 } },
        { -5, 0, 0, { 0x18, 0xFB, 0 } },
        { 0, -7, 0, { 0x08, 0, 7 } },
        { 0, 7, 0, { 0x28, 0, 0xF9 } },
        { 1, -1, 1, { 0x09, 1, 1 } },
        { 0, 0, 2, { 0x0A, 0, 0 } },
        { 0, 0, 4, { 0x0C, 0, 0 } },
        { -255, 255, 7, { 0x3F, 0x01, 0x01 } },
    };

    command(0xF4);
    move(cases[_i].dx, cases[_i].dy, 0, cases[_i].buttons);
    ck_mouse(cases[_i].packet, 3);
}
END_TEST

START_TEST(what_does_not_fit_comes_in_the_next_packet)
{
    command(0xF4);
    move(600, -300, 0, 0);
    ck_mouse(BYTES(0x08, 255, 255, 0x08, 255, 45, 0x08, 90, 0));
}
END_TEST

START_TEST(packets_come_at_the_sample_rate)
{
    set(0xF3, 20);
    command(0xF4);
    move(1, 0, 0, 0);
    ck_assert_uint_eq(kbc_next(2 * MS), (OBF | AUX) << 8 | 0x08);
    kbc_next(2 * MS);
    kbc_next(2 * MS);
    move(2, 0, 0, 0);
    move(3, 0, 0, 0);
    ck_assert_uint_eq(kbc_next(40 * MS), 0);
    ck_mouse(BYTES(0x08, 5, 0));
}
END_TEST

START_TEST(a_mouse_that_is_disabled_or_remote_sends_no_packets)
{
    move(1, 1, 0, 1);
    ck_assert_uint_eq(kbc_next(50 * MS), 0);
    command(0xF4);
    ck_assert_uint_eq(kbc_next(50 * MS), 0); /* enabling begins anew */
    command(0xF0);
    move(9, 0, 0, 0);
    ck_assert_uint_eq(kbc_next(50 * MS), 0);
    mouse_write(0xEB);
    ck_mouse(BYTES(0xFA, 0x08, 9, 0));
}
END_TEST

/* "Set Scaling 2:1": in stream mode, not in what is read. */
START_TEST(scaling_doubles_what_streams)
{
    static const struct { int in; uint8_t out; } cases[] = {
        { 1, 1 }, { 2, 1 }, { 3, 3 }, { 4, 6 }, { 5, 9 }, { 6, 12 }, { 100, 200 }
    };

    command(0xE7);
    command(0xF4);
    move(cases[_i].in, 0, 0, 0);
    ck_mouse(BYTES(0x08, cases[_i].out, 0));
    command(0xF0);
    move(cases[_i].in, 0, 0, 0);
    mouse_write(0xEB);
    ck_mouse(BYTES(0xFA, 0x08, (uint8_t)cases[_i].in, 0));
}
END_TEST

/* Wheel: away from the user is negative. */
START_TEST(sample_rates_unlock_wheel_and_buttons)
{
    set(0xF3, 200);
    set(0xF3, 100);
    set(0xF3, 80);
    mouse_write(0xF2);
    ck_mouse(BYTES(0xFA, 0x03));
    command(0xF4);
    move(1, 0, 1, 0);
    ck_mouse(BYTES(0x08, 1, 0, 0xFF));
    move(0, 0, -10, 0);
    ck_mouse(BYTES(0x08, 0, 0, 7, 0x08, 0, 0, 3));

    set(0xF3, 200);
    set(0xF3, 200);
    set(0xF3, 80);
    mouse_write(0xF2);
    ck_mouse(BYTES(0xFA, 0x04));
    move(0, 0, 2, 0x19);
    ck_mouse(BYTES(0x09, 0, 0, 0x3E));
}
END_TEST

/* "Set Wrap Mode". */
START_TEST(wrap_mode_echoes_until_it_is_reset)
{
    command(0xEE);
    mouse_write(0xF2);
    ck_mouse(BYTES(0xF2));
    mouse_write(0x55);
    ck_mouse(BYTES(0x55));
    command(0xEC);
    mouse_write(0xF2);
    ck_mouse(BYTES(0xFA, 0x00));
}
END_TEST

/* "Error Handling": the first invalid byte is answered by FEh, the next by FCh. */
START_TEST(a_second_invalid_byte_is_an_error)
{
    command(0xF3);
    mouse_write(33);
    ck_mouse(BYTES(0xFE));
    mouse_write(0x00);
    ck_mouse(BYTES(0xFC));
    command(0xF4);
    command(0xE8);
    mouse_write(4);
    ck_mouse(BYTES(0xFE));
}
END_TEST

START_TEST(resend_sends_the_last_packet_again)
{
    command(0xF4);
    move(3, 0, 0, 0);
    ck_mouse(BYTES(0x08, 3, 0));
    mouse_write(0xFE);
    ck_mouse(BYTES(0x08, 3, 0));
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    command(0xF4);
    move(300, -2, 0, 1);
    run(MS / 2);
    bench_check_state(b);
    ck_mouse(BYTES(0x09, 255, 2, 0x09, 45, 0));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ps2mouse");

    tcase_add_checked_fixture(t, setup, kbc_close);
    tcase_add_loop_test(t, commands_and_their_answers, 0, 16);
    tcase_add_test(t, reset_tests_and_tells_the_id);
    tcase_add_test(t, the_status_shows_settings_and_buttons);
    tcase_add_loop_test(t, movements_become_packets, 0, 8);
    tcase_add_test(t, what_does_not_fit_comes_in_the_next_packet);
    tcase_add_test(t, packets_come_at_the_sample_rate);
    tcase_add_test(t, a_mouse_that_is_disabled_or_remote_sends_no_packets);
    tcase_add_loop_test(t, scaling_doubles_what_streams, 0, 7);
    tcase_add_test(t, sample_rates_unlock_wheel_and_buttons);
    tcase_add_test(t, wrap_mode_echoes_until_it_is_reset);
    tcase_add_test(t, a_second_invalid_byte_is_an_error);
    tcase_add_test(t, resend_sends_the_last_packet_again);
    tcase_add_test(t, state_survives_saving_and_restoring);
    return bench_main(t, "ps2mouse");
}
