/* IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)". */
#include "testcases/unit/i8042_bench.h"

enum { A = 0x04, ENTER = 0x28, CAPS_LOCK = 0x39, F7 = 0x40, PRINT = 0x46, PAUSE = 0x48, INSERT = 0x49, RIGHT = 0x4F,
       NUM_LOCK = 0x53, SLASH = 0x54, KP_ENTER = 0x58, MENU = 0x65, LEFT_CTRL = 0xE0, LEFT_SHIFT = 0xE1, LEFT_ALT = 0xE2,
       LEFT_WIN = 0xE3, RIGHT_CTRL = 0xE4, RIGHT_SHIFT = 0xE5, RIGHT_ALT = 0xE6 };

static void setup(void)
{
    kbc_open();
    kbc_command_data(0x60, 0x20); /* no translation, no interrupts */
}

static void command(uint8_t byte)
{
    kbd_write(byte);
    ck_kbd(BYTES(0xFA));
}

static void select_set(uint8_t set)
{
    command(0xF0);
    command(set);
}

/* Presses and releases; the scan codes are read byte by byte. */
static void ck_stroke(uint8_t usage, const uint8_t *bytes, size_t len)
{
    key(usage, true);
    key(usage, false);
    ck_kbd(bytes, len);
}

struct stroke {
    uint8_t usage, len;
    uint8_t bytes[16];
};

/* "Scan Code Set 2" and "1": make and break codes. */
START_TEST(strokes_in_set_2)
{
    static const struct stroke strokes[] = {
        { A, 3, { 0x1C, 0xF0, 0x1C } },
        { ENTER, 3, { 0x5A, 0xF0, 0x5A } },
        { F7, 3, { 0x83, 0xF0, 0x83 } },
        { NUM_LOCK, 3, { 0x77, 0xF0, 0x77 } },
        { KP_ENTER, 5, { 0xE0, 0x5A, 0xE0, 0xF0, 0x5A } },
        { RIGHT, 5, { 0xE0, 0x74, 0xE0, 0xF0, 0x74 } },
        { SLASH, 5, { 0xE0, 0x4A, 0xE0, 0xF0, 0x4A } },
        { LEFT_WIN, 5, { 0xE0, 0x1F, 0xE0, 0xF0, 0x1F } },
        { MENU, 5, { 0xE0, 0x2F, 0xE0, 0xF0, 0x2F } },
        { RIGHT_CTRL, 5, { 0xE0, 0x14, 0xE0, 0xF0, 0x14 } },
        { RIGHT_ALT, 5, { 0xE0, 0x11, 0xE0, 0xF0, 0x11 } },
        { PRINT, 10, { 0xE0, 0x12, 0xE0, 0x7C, 0xE0, 0xF0, 0x7C, 0xE0, 0xF0, 0x12 } },
        { PAUSE, 8, { 0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77 } },
    };

    for (size_t i = 0; i < sizeof(strokes) / sizeof(strokes[0]); i++)
        ck_stroke(strokes[i].usage, strokes[i].bytes, strokes[i].len);
}
END_TEST

START_TEST(strokes_in_set_1)
{
    static const struct stroke strokes[] = {
        { A, 2, { 0x1E, 0x9E } },
        { F7, 2, { 0x41, 0xC1 } },
        { RIGHT, 4, { 0xE0, 0x4D, 0xE0, 0xCD } },
        { PRINT, 8, { 0xE0, 0x2A, 0xE0, 0x37, 0xE0, 0xB7, 0xE0, 0xAA } },
        { PAUSE, 6, { 0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5 } },
    };

    select_set(1);
    for (size_t i = 0; i < sizeof(strokes) / sizeof(strokes[0]); i++)
        ck_stroke(strokes[i].usage, strokes[i].bytes, strokes[i].len);
}
END_TEST

/* "Scan Code Set 3": typematic, make/break and make only keys, as they are by default. */
START_TEST(strokes_in_set_3)
{
    static const struct stroke strokes[] = {
        { A, 1, { 0x1C } },
        { 0x29, 1, { 0x08 } }, /* Esc */
        { CAPS_LOCK, 3, { 0x14, 0xF0, 0x14 } },
        { LEFT_CTRL, 3, { 0x11, 0xF0, 0x11 } },
        { RIGHT_CTRL, 1, { 0x58 } },
        { LEFT_SHIFT, 3, { 0x12, 0xF0, 0x12 } },
        { PRINT, 1, { 0x57 } },
        { PAUSE, 1, { 0x62 } },
        { RIGHT, 1, { 0x6A } },
        { KP_ENTER, 1, { 0x79 } },
    };

    select_set(3);
    for (size_t i = 0; i < sizeof(strokes) / sizeof(strokes[0]); i++)
        ck_stroke(strokes[i].usage, strokes[i].bytes, strokes[i].len);
}
END_TEST

/* "Set All Keys", "Set Key Type". */
START_TEST(key_types_of_set_3_can_be_set)
{
    select_set(3);
    command(0xF8); /* all make/break */
    ck_stroke(A, BYTES(0x1C, 0xF0, 0x1C));
    command(0xFD); /* make: these two */
    command(0x1C);
    command(0x5A);
    command(0xF4);
    ck_stroke(A, BYTES(0x1C));
    ck_stroke(ENTER, BYTES(0x5A));
    ck_stroke(0x05, BYTES(0x32, 0xF0, 0x32));
    command(0xF6);
    select_set(3);
    ck_stroke(0x05, BYTES(0x32));
}
END_TEST

/* Notes on shift and Num Lock with the cursor keys, keypad / and Print Screen. */
START_TEST(shift_states_change_the_codes_of_some_keys)
{
    static const struct { uint8_t modifier; bool num_lock; struct stroke stroke; } cases[] = {
        { 0, true, { INSERT, 10, { 0xE0, 0x12, 0xE0, 0x70, 0xE0, 0xF0, 0x70, 0xE0, 0xF0, 0x12 } } },
        { LEFT_SHIFT, true, { INSERT, 5, { 0xE0, 0x70, 0xE0, 0xF0, 0x70 } } },
        { LEFT_SHIFT, false, { INSERT, 10, { 0xE0, 0xF0, 0x12, 0xE0, 0x70, 0xE0, 0xF0, 0x70, 0xE0, 0x12 } } },
        { RIGHT_SHIFT, false, { INSERT, 10, { 0xE0, 0xF0, 0x59, 0xE0, 0x70, 0xE0, 0xF0, 0x70, 0xE0, 0x59 } } },
        { LEFT_SHIFT, false, { SLASH, 10, { 0xE0, 0xF0, 0x12, 0xE0, 0x4A, 0xE0, 0xF0, 0x4A, 0xE0, 0x12 } } },
        { 0, true, { SLASH, 5, { 0xE0, 0x4A, 0xE0, 0xF0, 0x4A } } },
        { LEFT_CTRL, false, { PRINT, 5, { 0xE0, 0x7C, 0xE0, 0xF0, 0x7C } } },
        { LEFT_SHIFT, false, { PRINT, 5, { 0xE0, 0x7C, 0xE0, 0xF0, 0x7C } } },
        { LEFT_ALT, false, { PRINT, 3, { 0x84, 0xF0, 0x84 } } },
        { LEFT_CTRL, false, { PAUSE, 5, { 0xE0, 0x7E, 0xE0, 0xF0, 0x7E } } },
    };

    if (cases[_i].num_lock) {
        command(0xED);
        command(0x02);
    }
    if (cases[_i].modifier) {
        key(cases[_i].modifier, true);
        while (kbc_next(2 * MS))
            ;
    }
    ck_stroke(cases[_i].stroke.usage, cases[_i].stroke.bytes, cases[_i].stroke.len);
}
END_TEST

START_TEST(only_changes_are_told)
{
    key(A, true);
    key(A, true);
    ck_kbd(BYTES(0x1C));
    key(A, false);
    key(A, false);
    key(0xA5, true); /* no such key here */
    ck_kbd(BYTES(0xF0, 0x1C));
}
END_TEST

/* "Set Typematic Rate/Delay"; the default is 500 ms and 10.9 codes a second. */
START_TEST(a_held_key_repeats)
{
    static const struct { uint8_t rate; sim_cycles delay, period; } cases[] = {
        { 0x2B, 500 * MS, 91666674 }, { 0x00, 250 * MS, 33333336 }, { 0x7F, 1000 * MS, 500000040 }
    };

    command(0xF3);
    command(cases[_i].rate);
    key(A, true);
    run(MS);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x1C);
    run(cases[_i].delay - MS + MS - 1);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & OBF, 0);
    run(1);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x1C);
    run(cases[_i].period - 1);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & OBF, 0);
    run(1);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x1C);
    key(A, false);
    ck_kbd(BYTES(0xF0, 0x1C));
    ck_assert_uint_eq(kbc_next(2000 * (sim_cycles)MS), 0);
}
END_TEST

START_TEST(the_key_pressed_last_repeats)
{
    key(A, true);
    key(0x05, true);
    ck_kbd(BYTES(0x1C, 0x32));
    ck_assert_uint_eq(kbc_next(600 * MS), OBF << 8 | 0x32);
    key(A, false); /* another key's release does not stop it */
    ck_assert_uint_eq(kbc_next(2 * MS), OBF << 8 | 0xF0);
    ck_assert_uint_eq(kbc_next(2 * MS), OBF << 8 | 0x1C);
    ck_assert_uint_eq(kbc_next(100 * MS), OBF << 8 | 0x32);
}
END_TEST

/* "If a key is held down when keyboard data transmission is inhibited, only the first make code is stored". */
START_TEST(a_keyboard_that_may_not_send_does_not_repeat)
{
    kbc_command(0xAD);
    key(A, true);
    run(3000 * (sim_cycles)MS);
    key(A, false);
    kbc_command(0xAE);
    ck_kbd(BYTES(0x1C, 0xF0, 0x1C));
}
END_TEST

/* "Buffer": sixteen bytes, the seventeenth is the overrun code. */
START_TEST(too_many_keys_overrun_the_buffer)
{
    static const struct { uint8_t set, overrun; unsigned keys; } cases[] = { { 2, 0x00, 6 }, { 1, 0xFF, 9 } };

    select_set(cases[_i].set);
    kbc_command(0xAD);
    for (uint8_t n = 0; n < cases[_i].keys + 3; n++) {
        key((uint8_t)(A + n), true);
        key((uint8_t)(A + n), false);
    }
    kbc_command(0xAE);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_ne(kbc_next(2 * MS), 0);
    ck_kbd(BYTES(cases[_i].overrun));
}
END_TEST

/* "Commands from the System". */
START_TEST(commands_and_their_answers)
{
    static const struct { uint8_t command, len; uint8_t answer[4]; } cases[] = {
        { 0xEE, 1, { 0xEE } }, { 0xF2, 3, { 0xFA, 0xAB, 0x83 } }, { 0xF4, 1, { 0xFA } }, { 0xF5, 1, { 0xFA } },
        { 0xF6, 1, { 0xFA } }, { 0xF7, 1, { 0xFA } }, { 0xFA, 1, { 0xFA } },
        { 0xEF, 1, { 0xFE } }, { 0xF1, 1, { 0xFE } }, { 0x12, 1, { 0xFE } },
    };

    kbd_write(cases[_i].command);
    ck_kbd(cases[_i].answer, cases[_i].len);
}
END_TEST

START_TEST(the_scan_code_set_can_be_asked_for)
{
    for (uint8_t set = 1; set <= 3; set++) {
        select_set(set);
        command(0xF0);
        kbd_write(0);
        ck_kbd(BYTES(0xFA, set));
    }
    command(0xF0);
    kbd_write(4);
    ck_kbd(BYTES(0xFE));
}
END_TEST

/* "Set/Reset Mode Indicators": a command in place of the option byte ends it. */
START_TEST(a_command_may_come_instead_of_an_option)
{
    command(0xED);
    command(0x02);
    command(0xED);
    kbd_write(0xF2);
    ck_kbd(BYTES(0xFA, 0xAB, 0x83));
    kbd_write(0x01);
    ck_kbd(BYTES(0xFE));
}
END_TEST

START_TEST(resend_sends_the_last_byte_again)
{
    command(0xF4);
    kbd_write(0xFE);
    ck_kbd(BYTES(0xFA));
    ck_stroke(A, BYTES(0x1C, 0xF0, 0x1C));
    kbd_write(0xFE);
    ck_kbd(BYTES(0x1C));
}
END_TEST

START_TEST(a_disabled_keyboard_does_not_scan)
{
    command(0xF5);
    key(A, true);
    key(A, false);
    ck_assert_uint_eq(kbc_next(10 * MS), 0);
    command(0xF4);
    ck_stroke(A, BYTES(0x1C, 0xF0, 0x1C));
}
END_TEST

/* "Reset": FAh, the basic assurance test, AAh; all settings are the default ones. */
START_TEST(reset_tests_and_restores_the_defaults)
{
    select_set(3);
    kbd_write(0xFF);
    ck_kbd(BYTES(0xFA));
    key(A, true);
    key(A, false);
    ck_assert_uint_eq(kbc_next(20 * MS), OBF << 8 | 0xAA);
    ck_stroke(A, BYTES(0x1C, 0xF0, 0x1C));
}
END_TEST

START_TEST(an_answer_goes_ahead_of_buffered_keys)
{
    kbc_command(0xAD);
    key(A, true);
    key(A, false);
    kbd_write(0xF2);
    ck_kbd(BYTES(0xFA, 0xAB, 0x83, 0x1C, 0xF0, 0x1C));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ps2kbd");

    tcase_add_checked_fixture(t, setup, kbc_close);
    tcase_add_test(t, strokes_in_set_2);
    tcase_add_test(t, strokes_in_set_1);
    tcase_add_test(t, strokes_in_set_3);
    tcase_add_test(t, key_types_of_set_3_can_be_set);
    tcase_add_loop_test(t, shift_states_change_the_codes_of_some_keys, 0, 10);
    tcase_add_test(t, only_changes_are_told);
    tcase_add_loop_test(t, a_held_key_repeats, 0, 3);
    tcase_add_test(t, the_key_pressed_last_repeats);
    tcase_add_test(t, a_keyboard_that_may_not_send_does_not_repeat);
    tcase_add_loop_test(t, too_many_keys_overrun_the_buffer, 0, 2);
    tcase_add_loop_test(t, commands_and_their_answers, 0, 10);
    tcase_add_test(t, the_scan_code_set_can_be_asked_for);
    tcase_add_test(t, a_command_may_come_instead_of_an_option);
    tcase_add_test(t, resend_sends_the_last_byte_again);
    tcase_add_test(t, a_disabled_keyboard_does_not_scan);
    tcase_add_test(t, reset_tests_and_restores_the_defaults);
    tcase_add_test(t, an_answer_goes_ahead_of_buffered_keys);
    return bench_main(t, "ps2kbd");
}
