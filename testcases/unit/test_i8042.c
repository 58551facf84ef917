/* IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller". */
#include "testcases/unit/i8042_bench.h"

#define KEY_A 0x04

START_TEST(reset_disables_ports_and_enables_a20)
{
    ck_assert_uint_eq(inb(b, KBC_STATUS), 0x10);
    ck_assert_uint_eq(kbc_answer(0x20), 0x30);
    ck_assert_uint_eq(kbc_answer(0xD0) & 0x03, 0x03);
    ck_assert(a20.level);
}
END_TEST

/* "Keyboard Controller Commands", 60h: as firmware leaves the command byte; a key then makes its interrupt, in set 1. */
START_TEST(set_up_the_keyboard_works_at_once)
{
    struct sim_key key = { KEY_A, 1 };

    kbc_command_data(0x60, 0x00);
    outb(b, KBC_STATUS, 0xAA); /* under way when it is set up */
    i8042_set_up(b->dev);
    run(10 * MS);
    ck_assert_uint_eq(inb(b, KBC_STATUS), 0x14);
    ck_assert_uint_eq(irq1.rises, 0);
    bus_input(b->bus, "keyboard", &key, sizeof(key));
    run(2 * MS);
    ck_assert_uint_eq(irq1.rises, 1);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x1E);
    ck_assert_uint_eq(kbc_answer(0x20), 0x65);
}
END_TEST

/* "Controller Commands": the byte that each of them answers with. */
START_TEST(commands_answer_within_microseconds)
{
    static const struct { uint8_t command, answer; } cases[] = {
        { 0xAA, 0x55 }, { 0xAB, 0x00 }, { 0xA9, 0x00 }, { 0xC0, 0xA3 }, { 0x20, 0x30 }, { 0xE0, 0x03 }
    };

    outb(b, KBC_STATUS, cases[_i].command);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & (IBF | CMD), IBF | CMD);
    run(10 * US);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & (IBF | OBF | AUX), OBF);
    ck_assert_uint_eq(inb(b, KBC_DATA), cases[_i].answer);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & OBF, 0);
}
END_TEST

START_TEST(the_self_test_sets_the_system_flag)
{
    ck_assert_uint_eq(inb(b, KBC_STATUS) & SYS, 0);
    kbc_answer(0xAA);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & SYS, SYS);
    kbc_command_data(0x60, 0x30);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & SYS, 0);
}
END_TEST

/* "Read Keyboard Controller RAM". */
START_TEST(ram_keeps_what_is_written)
{
    for (unsigned n = 1; n < 0x20; n++)
        kbc_command_data((uint8_t)(0x60 + n), (uint8_t)(0xA0 ^ n));
    for (unsigned n = 1; n < 0x20; n++)
        ck_assert_uint_eq(kbc_answer((uint8_t)(0x20 + n)), 0xA0 ^ n);
}
END_TEST

/* Commands A7h, A8h, ADh and AEh are bits 5 and 4 of the command byte. */
START_TEST(enabling_and_disabling_shows_in_the_command_byte)
{
    static const struct { uint8_t command, before, after; } cases[] = {
        { 0xA7, 0x00, 0x20 }, { 0xA8, 0x30, 0x10 }, { 0xAD, 0x00, 0x10 }, { 0xAE, 0x30, 0x20 }
    };

    kbc_command_data(0x60, cases[_i].before);
    kbc_command(cases[_i].command);
    ck_assert_uint_eq(kbc_answer(0x20), cases[_i].after);
}
END_TEST

/* "Write Output Port": bit 1. */
START_TEST(a20_follows_the_output_port)
{
    kbc_command_data(0xD1, 0xDD);
    ck_assert(!a20.level);
    ck_assert_uint_eq(kbc_answer(0xD0) & 0x03, 0x01);
    kbc_command_data(0xD1, 0xDF);
    ck_assert(a20.level);
}
END_TEST

/* "Write Output Port", bit 0; "Pulse Output Port". */
START_TEST(bit_0_of_the_output_port_resets_the_machine)
{
    static const struct { uint8_t command, data; unsigned resets; } cases[] = {
        { 0xFE, 0, 1 }, { 0xF0, 0, 1 }, { 0xFF, 0, 0 }, { 0xD1, 0xFE, 1 }, { 0xD1, 0xDF, 0 }
    };

    kbc_command(cases[_i].command);
    if (cases[_i].data)
        kbc_write(KBC_DATA, cases[_i].data);
    ck_assert_uint_eq(b->resets, cases[_i].resets);
}
END_TEST

/* "Write Keyboard Output Buffer", "Write Auxiliary Device Output Buffer". */
START_TEST(the_output_buffer_can_be_written)
{
    kbc_command_data(0x60, 0x33);
    kbc_command_data(0xD2, 0x5A);
    ck_assert_uint_eq(kbc_next(5 * US), OBF << 8 | 0x5A);
    ck_assert_uint_eq(irq1.rises, 1);
    kbc_command_data(0xD3, 0xA5);
    ck_assert_uint_eq(kbc_next(5 * US), (OBF | AUX) << 8 | 0xA5);
    ck_assert_uint_eq(irq12.rises, 1);
    ck_assert(!irq1.level && !irq12.level);
}
END_TEST

/* "Command byte", bits 0 and 1. */
START_TEST(interrupts_need_their_enable_bits)
{
    kbc_command_data(0x60, 0x30);
    kbc_command_data(0xD2, 0x11);
    run(5 * US);
    ck_assert(!irq1.level);
    kbc_command_data(0x60, 0x31);
    ck_assert(irq1.level);
    inb(b, KBC_DATA);
    ck_assert(!irq1.level);
}
END_TEST

START_TEST(a_byte_written_while_ibf_is_set_replaces_the_one_before)
{
    outb(b, KBC_STATUS, 0xAA);
    outb(b, KBC_STATUS, 0xAB);
    run(10 * US);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x00);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

/* UPI-41: DBBOUT is not overwritten by this firmware; the next command waits for the answer to be placed. */
START_TEST(an_answer_waits_for_the_output_buffer)
{
    kbc_command_data(0xD2, 0x11);
    run(10 * US);
    kbc_command(0xAA);
    outb(b, KBC_STATUS, 0xAB);
    run(MS);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & (IBF | OBF), IBF | OBF);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x11);
    run(5 * US);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x55);
    run(10 * US);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x00);
}
END_TEST

/* 11 bits at 11 kHz in either direction. */
START_TEST(a_byte_travels_for_a_millisecond)
{
    kbc_command_data(0x60, 0x21);
    key(KEY_A, true);
    run(MS - 1);
    ck_assert(!irq1.level);
    run(1);
    ck_assert(irq1.level);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x1C);

    key(KEY_A, false);
    inb(b, KBC_DATA);
    run(MS);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0xF0);
    run(MS);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0x1C);

    outb(b, KBC_DATA, 0xEE);
    run(5 * US + 2 * MS - 1);
    ck_assert(!irq1.level);
    run(1);
    ck_assert_uint_eq(inb(b, KBC_DATA), 0xEE);
}
END_TEST

START_TEST(a_full_output_buffer_holds_the_devices_back)
{
    kbc_command_data(0x60, 0x20);
    key(KEY_A, true);
    key(KEY_A, false);
    run(100 * MS);
    ck_kbd(BYTES(0x1C, 0xF0, 0x1C));
}
END_TEST

START_TEST(a_disabled_keyboard_keeps_its_bytes)
{
    kbc_command_data(0x60, 0x30);
    key(KEY_A, true);
    run(100 * MS);
    ck_assert_uint_eq(inb(b, KBC_STATUS) & OBF, 0);
    kbc_command(0xAE);
    ck_kbd(BYTES(0x1C));
}
END_TEST

START_TEST(a_command_interrupts_a_byte_which_is_sent_anew)
{
    kbc_command_data(0x60, 0x20);
    key(KEY_A, true);
    run(MS / 2);
    ck_assert_uint_eq(kbc_answer(0xAA), 0x55);
    ck_kbd(BYTES(0x1C));
}
END_TEST

/* "Scan Code Translation". */
START_TEST(translation_makes_set_1_of_set_2)
{
    kbc_command_data(0x60, 0x60);
    key(KEY_A, true);
    key(KEY_A, false);
    key(0x4F, true); /* right */
    key(0x4F, false);
    ck_kbd(BYTES(0x1E, 0x9E, 0xE0, 0x4D, 0xE0, 0xCD));
    kbd_write(0xF2);
    ck_kbd(BYTES(0xFA, 0xAB, 0x41));
}
END_TEST

START_TEST(writing_to_a_device_enables_its_port)
{
    kbd_write(0xEE);
    ck_kbd(BYTES(0xEE));
    ck_assert_uint_eq(kbc_answer(0x20), 0x20);
    mouse_write(0xF2);
    ck_mouse(BYTES(0xFA, 0x00));
    ck_assert_uint_eq(kbc_answer(0x20), 0x00);
}
END_TEST

START_TEST(keyboard_and_mouse_take_turns)
{
    kbd_write(0xF2);
    mouse_write(0xF2);
    ck_assert_uint_eq(kbc_next(2 * MS), OBF << 8 | 0xFA);
    ck_assert_uint_eq(kbc_next(2 * MS), (OBF | AUX) << 8 | 0xFA);
    ck_assert_uint_eq(kbc_next(2 * MS), OBF << 8 | 0xAB);
    ck_assert_uint_eq(kbc_next(2 * MS), (OBF | AUX) << 8 | 0x00);
    ck_assert_uint_eq(kbc_next(2 * MS), OBF << 8 | 0x83);
}
END_TEST

START_TEST(unknown_commands_do_nothing_and_say_so_once)
{
    kbc_command(0xAC);
    kbc_command(0xAC);
    ck_assert_uint_eq(kbc_next(MS), 0);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

START_TEST(a_hard_reset_does_not_reach_the_keyboard)
{
    kbd_write(0xF0);
    kbd_write(0x03);
    run(10 * MS);
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert_uint_eq(kbc_answer(0x20), 0x30);
    kbd_write(0xF0);
    ck_kbd(BYTES(0xFA));
    kbd_write(0x00);
    ck_kbd(BYTES(0xFA, 0x03));
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    kbc_command_data(0x60, 0x61);
    kbc_command_data(0x6A, 0x77);
    key(KEY_A, true);
    key(0xE1, true);
    run(MS / 3);
    bench_check_state(b);
    ck_kbd(BYTES(0x1E, 0x2A));
    ck_assert_uint_eq(kbc_answer(0x2A), 0x77);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("i8042");

    tcase_add_checked_fixture(t, kbc_open, kbc_close);
    tcase_add_test(t, reset_disables_ports_and_enables_a20);
    tcase_add_test(t, set_up_the_keyboard_works_at_once);
    tcase_add_loop_test(t, commands_answer_within_microseconds, 0, 6);
    tcase_add_test(t, the_self_test_sets_the_system_flag);
    tcase_add_test(t, ram_keeps_what_is_written);
    tcase_add_loop_test(t, enabling_and_disabling_shows_in_the_command_byte, 0, 4);
    tcase_add_test(t, a20_follows_the_output_port);
    tcase_add_loop_test(t, bit_0_of_the_output_port_resets_the_machine, 0, 5);
    tcase_add_test(t, the_output_buffer_can_be_written);
    tcase_add_test(t, interrupts_need_their_enable_bits);
    tcase_add_test(t, a_byte_written_while_ibf_is_set_replaces_the_one_before);
    tcase_add_test(t, an_answer_waits_for_the_output_buffer);
    tcase_add_test(t, a_byte_travels_for_a_millisecond);
    tcase_add_test(t, a_full_output_buffer_holds_the_devices_back);
    tcase_add_test(t, a_disabled_keyboard_keeps_its_bytes);
    tcase_add_test(t, a_command_interrupts_a_byte_which_is_sent_anew);
    tcase_add_test(t, translation_makes_set_1_of_set_2);
    tcase_add_test(t, writing_to_a_device_enables_its_port);
    tcase_add_test(t, keyboard_and_mouse_take_turns);
    tcase_add_test(t, unknown_commands_do_nothing_and_say_so_once);
    tcase_add_test(t, a_hard_reset_does_not_reach_the_keyboard);
    tcase_add_test(t, state_survives_saving_and_restoring);
    return bench_main(t, "i8042");
}
