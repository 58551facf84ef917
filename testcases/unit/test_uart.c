/* PC16550D data sheet (SNLS378). Times are in ticks of the line: half a bit at divisor 1. */
#include "testcases/unit/device_bench.h"

#include "devices/uart.h"

enum { RBR = 0x3F8, THR = 0x3F8, DLL = 0x3F8, IER = 0x3F9, DLM = 0x3F9, IIR = 0x3FA, FCR = 0x3FA, LCR = 0x3FB,
       MCR = 0x3FC, LSR = 0x3FD, MSR = 0x3FE, SCR = 0x3FF };
enum { DR = 0x01, OE = 0x02, FE = 0x08, BI = 0x10, THRE = 0x20, TEMT = 0x40, FIFO_ERROR = 0x80 };
enum { DATA = 0x04, TIMEOUT = 0x0C, TX_EMPTY = 0x02, LINE = 0x06, MODEM = 0x00, NONE = 0x01 };
enum { LOOP = 0x10, OUT2 = 0x08, OUT1 = 0x04, RTS = 0x02, DTR = 0x01 };

#define TICK_HZ   230400
#define CHARACTER 20 /* ticks at pace=fast */
#define START     2  /* from the write of THR to the start bit */

static struct bench *b;
static struct bench_wire irq;

static void open_with(const char *const *properties)
{
    b = bench_open(1000000000);
    bench_plug(b, &uart_class, "uart0", properties);
    bench_watch(b, &irq, "isa.irq4");
    bus_reset(b->bus, SIM_RESET_POWER);
    outb(b, LCR, 0x03);
    outb(b, MCR, OUT2);
    inb(b, MSR);
}

static void setup(void)
{
    open_with(NULL);
}

static void teardown(void)
{
    bench_close(b);
}

static void reopen(const char *const *properties)
{
    bench_close(b);
    open_with(properties);
}

static void ticks(unsigned n)
{
    bench_run_to_tick(b, TICK_HZ, sim_ticks_at(&b->clock, TICK_HZ, b->clock.now) + n);
}

static void input(const char *text)
{
    ck_assert_int_eq(bus_input(b->bus, "serial0", text, strlen(text)), SIM_OK);
}

static void ck_output(const char *text)
{
    ck_assert_uint_eq(b->output[0].len, strlen(text));
    ck_assert_mem_eq(b->output[0].bytes, text, strlen(text));
}

/* Sends a byte in loopback until it has come in. */
static void loop_byte(uint8_t byte)
{
    outb(b, THR, byte);
    ticks(START + CHARACTER);
}

/* "Reset Configuration"; the far end holds CTS, DSR and DCD. */
START_TEST(reset_leaves_an_idle_port)
{
    static const struct { uint16_t port; uint8_t value; } registers[] = {
        { IER, 0x00 }, { IIR, 0x01 }, { LCR, 0x00 }, { MCR, 0x00 }, { LSR, THRE | TEMT }, { MSR, 0xB0 }
    };

    outb(b, FCR, 0xC1);
    outb(b, IER, 0x0F);
    outb(b, LCR, 0x1B);
    outb(b, THR, 'x');
    bus_reset(b->bus, SIM_RESET_HARD);
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        ck_assert_uint_eq(inb(b, registers[i].port), registers[i].value);
    ticks(100);
    ck_output("");
    ck_assert(!irq.level);
}
END_TEST

/* "Programmable Baud Generator", "Scratchpad Register": MR leaves them alone. */
START_TEST(divisor_and_scratch_survive_a_hard_reset)
{
    outb(b, SCR, 0x5A);
    outb(b, LCR, 0x80);
    outb(b, DLL, 0x34);
    outb(b, DLM, 0x12);
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert_uint_eq(inb(b, SCR), 0x5A);
    outb(b, LCR, 0x80);
    ck_assert_uint_eq(inb(b, DLL), 0x34);
    ck_assert_uint_eq(inb(b, DLM), 0x12);
    outb(b, LCR, 0x03);
    ck_assert_uint_eq(inb(b, IER), 0);
}
END_TEST

START_TEST(bits_that_do_not_exist_read_zero)
{
    outb(b, IER, 0xFF);
    outb(b, MCR, 0xFF);
    ck_assert_uint_eq(inb(b, IER), 0x0F);
    ck_assert_uint_eq(inb(b, MCR), 0x1F);
}
END_TEST

/* "Transmitter Holding Register": THRE when the shifter takes the byte, TEMT when that is empty too. */
START_TEST(a_byte_is_out_when_its_stop_bit_was_sent)
{
    outb(b, THR, 'a');
    ck_assert_uint_eq(inb(b, LSR), 0);
    ticks(START);
    ck_assert_uint_eq(inb(b, LSR), THRE);
    outb(b, THR, 'b');
    ticks(CHARACTER - 1);
    ck_output("");
    ticks(1);
    ck_output("a");
    ck_assert_uint_eq(inb(b, LSR), THRE);
    ticks(CHARACTER - 1);
    ck_output("a");
    ticks(1);
    ck_output("ab");
    ck_assert_uint_eq(inb(b, LSR), THRE | TEMT);
}
END_TEST

/* "Line Control Register", "Programmable Baud Generator". */
START_TEST(at_line_pace_a_character_lasts_as_divisor_and_format_say)
{
    static const struct { uint8_t lcr; uint16_t divisor; unsigned half_bits; uint8_t mask; } cases[] = {
        { 0x03, 1, 20, 0xFF },  /* 8N1 */
        { 0x03, 12, 20, 0xFF },
        { 0x1B, 3, 22, 0xFF },  /* 8E1 */
        { 0x07, 3, 22, 0xFF },  /* 8N2 */
        { 0x02, 96, 18, 0x7F }, /* 7N1 */
        { 0x04, 2, 15, 0x1F },  /* 5N1.5 */
        { 0x00, 1, 14, 0x1F },  /* 5N1 */
        { 0x01, 1, 16, 0x3F },  /* 6N1 */
    };
    static const char *const line[] = { "pace", "line", NULL };
    sim_cycles sent;

    reopen(line);
    outb(b, LCR, 0x80);
    outb(b, DLL, cases[_i].divisor & 0xFF);
    outb(b, DLM, cases[_i].divisor >> 8);
    outb(b, LCR, cases[_i].lcr);
    outb(b, THR, 0xFF);
    ticks((2 + cases[_i].half_bits) * cases[_i].divisor);
    ck_assert_uint_eq(b->output[0].len, 1);
    ck_assert_uint_eq(b->output[0].bytes[0], cases[_i].mask);

    outb(b, THR, 0xFF);
    ticks((2 + cases[_i].half_bits) * cases[_i].divisor - 1);
    sent = b->output[0].len;
    ticks(1);
    ck_assert_uint_eq(sent, 1);
    ck_assert_uint_eq(b->output[0].len, 2);
}
END_TEST

START_TEST(without_fifo_a_second_byte_overwrites_the_first)
{
    outb(b, THR, '1');
    outb(b, THR, '2');
    ticks(100);
    ck_output("2");
}
END_TEST

START_TEST(the_transmitter_fifo_holds_sixteen_bytes)
{
    outb(b, FCR, 0x01);
    for (char c = 'a'; c <= 'q'; c++) /* one too many */
        outb(b, THR, (uint8_t)c);
    ck_assert_uint_eq(inb(b, LSR), 0);
    ticks(START + 16 * CHARACTER);
    ck_output("abcdefghijklmnop");
    ticks(100);
    ck_output("abcdefghijklmnop");
}
END_TEST

/* "Interrupt Control Functions": THRE is reset by reading IIR, if it is the source, and by writing THR. */
START_TEST(the_transmitter_interrupt_goes_by_reading_iir_or_writing_thr)
{
    outb(b, IER, 0x02);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, IIR), TX_EMPTY);
    ck_assert(!irq.level);
    ck_assert_uint_eq(inb(b, IIR), NONE);

    outb(b, IER, 0x00);
    outb(b, IER, 0x02); /* enabling it anew raises it anew */
    ck_assert(irq.level);
    outb(b, THR, 'x');
    ck_assert(!irq.level);
    ticks(START);
    ck_assert(irq.level);
}
END_TEST

/* "FIFO Interrupt Mode", transmitter, B. */
START_TEST(a_lone_byte_in_the_fifo_delays_the_interrupt)
{
    outb(b, FCR, 0x01);
    outb(b, IER, 0x02);
    inb(b, IIR);
    outb(b, THR, '0'); /* the first after changing FCR0 is immediate */
    ticks(START);
    ck_assert(irq.level);
    ticks(CHARACTER);

    outb(b, THR, '1');
    ticks(START + CHARACTER - 2 - 1);
    ck_assert_uint_eq(inb(b, LSR), THRE);
    ck_assert(!irq.level);
    ticks(1);
    ck_assert(irq.level);
    ticks(CHARACTER);

    outb(b, THR, '2');
    outb(b, THR, '3');
    ticks(START + CHARACTER); /* the shifter takes the second: empty, and at once */
    ck_assert(irq.level);
}
END_TEST

/* "FIFO Control Register", bits 6 and 7. */
START_TEST(the_receiver_interrupts_at_its_trigger_level)
{
    static const unsigned levels[] = { 1, 4, 8, 14 };

    outb(b, FCR, (uint8_t)(0x01 | _i << 6));
    outb(b, IER, 0x01);
    input("0123456789abcdef");
    ticks((levels[_i] - 1) * CHARACTER);
    ck_assert(!irq.level);
    ticks(CHARACTER);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, IIR), 0xC0 | DATA);
    ck_assert_uint_eq(inb(b, RBR), '0');
    ck_assert_uint_eq(inb(b, IIR), 0xC0 | NONE);
    ck_assert(!irq.level);
}
END_TEST

/* "FIFO Interrupt Mode", receiver: four characters after the last byte came or was read. */
START_TEST(bytes_below_the_trigger_level_time_out)
{
    outb(b, FCR, 0xC1);
    outb(b, IER, 0x01);
    input("abc");
    ticks(3 * CHARACTER + 4 * CHARACTER - 1);
    ck_assert(!irq.level);
    ticks(1);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, IIR), 0xC0 | TIMEOUT);
    ck_assert_uint_eq(inb(b, RBR), 'a');
    ck_assert(!irq.level);
    ticks(4 * CHARACTER);
    ck_assert(irq.level);
    inb(b, RBR);
    inb(b, RBR);
    ticks(8 * CHARACTER);
    ck_assert(!irq.level);
}
END_TEST

/* "Interrupt Control Functions": priorities 1 to 4. */
START_TEST(interrupts_are_shown_in_order_of_priority)
{
    outb(b, MCR, LOOP | OUT2);
    inb(b, MSR);
    loop_byte('1');
    loop_byte('2'); /* overrun */
    outb(b, MCR, LOOP | OUT2 | RTS);
    outb(b, IER, 0x0F);

    ck_assert_uint_eq(inb(b, IIR), LINE);
    ck_assert_uint_eq(inb(b, LSR), DR | OE | THRE | TEMT);
    ck_assert_uint_eq(inb(b, IIR), DATA);
    ck_assert_uint_eq(inb(b, RBR), '2');
    ck_assert_uint_eq(inb(b, IIR), TX_EMPTY);
    ck_assert_uint_eq(inb(b, IIR), MODEM);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, MSR), 0x91); /* DCD and CTS, CTS changed */
    ck_assert_uint_eq(inb(b, IIR), NONE);
    ck_assert(!irq.level);
}
END_TEST

/* "Line Status Register", bit 1. */
START_TEST(a_full_fifo_keeps_what_it_has)
{
    outb(b, FCR, 0x01);
    outb(b, MCR, LOOP);
    for (unsigned i = 0; i < 17; i++)
        loop_byte((uint8_t)i);
    ck_assert_uint_eq(inb(b, LSR), DR | OE | THRE | TEMT);
    ck_assert_uint_eq(inb(b, LSR), DR | THRE | TEMT);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(inb(b, RBR), i);
    ck_assert_uint_eq(inb(b, LSR), THRE | TEMT);
}
END_TEST

/* "Modem Control Register", bit 4: DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD. */
START_TEST(loopback_connects_modem_outputs_to_inputs)
{
    static const struct { uint8_t mcr, msr; } cases[] = {
        { DTR, 0x20 }, { RTS, 0x10 }, { OUT1, 0x40 }, { OUT2, 0x80 }, { OUT2 | RTS, 0x90 }, { 0, 0x00 }
    };

    outb(b, MCR, LOOP | cases[_i].mcr);
    ck_assert_uint_eq(inb(b, MSR) & 0xF0, cases[_i].msr);
    ck_assert_uint_eq(inb(b, MSR) & 0x0F, 0);
}
END_TEST

/* "Modem Status Register", bit 2: trailing edge of RI. */
START_TEST(only_the_end_of_a_ring_is_told)
{
    outb(b, MCR, LOOP);
    inb(b, MSR);
    outb(b, MCR, LOOP | OUT1);
    ck_assert_uint_eq(inb(b, MSR), 0x40);
    outb(b, MCR, LOOP);
    ck_assert_uint_eq(inb(b, MSR), 0x04);
    ck_assert_uint_eq(inb(b, MSR), 0x00);
}
END_TEST

START_TEST(loopback_sends_nothing_and_masks_to_the_word_length)
{
    outb(b, LCR, 0x02);
    outb(b, MCR, LOOP);
    loop_byte(0xFF);
    ck_assert_uint_eq(inb(b, RBR), 0x7F);
    ck_output("");
}
END_TEST

/* "Line Status Register", bit 4: one zero character for a break. */
START_TEST(a_break_in_loopback_is_one_zero_character)
{
    outb(b, MCR, LOOP | OUT2);
    outb(b, IER, 0x04);
    outb(b, LCR, 0x43);
    ticks(CHARACTER - 1);
    ck_assert(!irq.level);
    ticks(1);
    ck_assert(irq.level);
    ck_assert_uint_eq(inb(b, LSR), BI | FE | DR | THRE | TEMT);
    ck_assert_uint_eq(inb(b, RBR), 0);
    ticks(10 * CHARACTER);
    ck_assert_uint_eq(inb(b, LSR), THRE | TEMT);
    outb(b, LCR, 0x03);
    outb(b, LCR, 0x43);
    ticks(CHARACTER);
    ck_assert_uint_eq(inb(b, LSR), BI | FE | DR | THRE | TEMT);
}
END_TEST

/* "Line Status Register", bits 4 and 7: an error shows when its byte is the oldest, its being there at once. */
START_TEST(an_error_waits_in_the_fifo_for_its_byte)
{
    outb(b, FCR, 0x01);
    outb(b, MCR, LOOP);
    loop_byte('a');
    outb(b, LCR, 0x43);
    ticks(CHARACTER);
    outb(b, LCR, 0x03);
    ck_assert_uint_eq(inb(b, LSR), FIFO_ERROR | DR | THRE | TEMT);
    ck_assert_uint_eq(inb(b, LSR), FIFO_ERROR | DR | THRE | TEMT);
    ck_assert_uint_eq(inb(b, RBR), 'a');
    ck_assert_uint_eq(inb(b, LSR), FIFO_ERROR | BI | FE | DR | THRE | TEMT);
    ck_assert_uint_eq(inb(b, LSR), DR | THRE | TEMT);
}
END_TEST

/* "FIFO Control Register". */
START_TEST(switching_the_fifos_empties_them)
{
    static const struct { uint8_t before, write; bool receiver, transmitter; } cases[] = {
        { 0x01, 0x00, true, true }, { 0x00, 0x01, true, true }, { 0x01, 0x03, true, false }, { 0x01, 0x05, false, true },
        { 0x01, 0x01, false, false }
    };

    outb(b, FCR, cases[_i].before);
    input("x");
    ticks(CHARACTER);
    outb(b, THR, 'y');
    outb(b, FCR, cases[_i].write);
    ck_assert_int_eq(!(inb(b, LSR) & DR), cases[_i].receiver);
    ticks(100);
    ck_output(cases[_i].transmitter ? "" : "y");
}
END_TEST

START_TEST(fcr_is_deaf_while_bit_0_is_written_0)
{
    outb(b, FCR, 0xC1);
    ck_assert_uint_eq(inb(b, IIR), 0xC1);
    outb(b, FCR, 0xC0);
    ck_assert_uint_eq(inb(b, IIR), 0x01);
}
END_TEST

START_TEST(the_far_end_waits_for_a_receiver_that_is_full)
{
    input("ab");
    ticks(50 * CHARACTER);
    ck_assert_uint_eq(inb(b, LSR), DR | THRE | TEMT);
    ck_assert_uint_eq(inb(b, RBR), 'a');
    ticks(CHARACTER - 1);
    ck_assert_uint_eq(inb(b, LSR), THRE | TEMT);
    ticks(1);
    ck_assert_uint_eq(inb(b, RBR), 'b');
}
END_TEST

START_TEST(at_line_pace_nobody_waits)
{
    static const char *const line[] = { "pace", "line", NULL };

    reopen(line);
    outb(b, LCR, 0x83);
    outb(b, DLL, 1);
    outb(b, LCR, 0x03);
    input("abc");
    ticks(3 * CHARACTER);
    ck_assert_uint_eq(inb(b, LSR), DR | OE | THRE | TEMT);
    ck_assert_uint_eq(inb(b, RBR), 'c');
}
END_TEST

START_TEST(input_beyond_the_queue_is_lost_and_said_so)
{
    static char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    input(text);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

START_TEST(out2_gates_the_interrupt_if_asked_to)
{
    static const char *const gated[] = { "gate_out2", "on", NULL };

    reopen(gated);
    outb(b, MCR, 0);
    outb(b, IER, 0x02);
    ck_assert(!irq.level);
    ck_assert_uint_eq(inb(b, MCR), 0);
    outb(b, MCR, OUT2);
    ck_assert(irq.level);
}
END_TEST

START_TEST(without_out2_the_interrupt_comes_with_a_warning)
{
    outb(b, MCR, 0);
    outb(b, IER, 0x02);
    ck_assert(irq.level);
    ck_assert_uint_eq(b->log_lines, 1);
}
END_TEST

START_TEST(looking_changes_nothing)
{
    outb(b, IER, 0x0F);
    input("a");
    ticks(CHARACTER);
    for (uint16_t port = RBR; port <= SCR; port++)
        bus_io_peek(b->bus, port, 1);
    ck_assert_uint_eq(bus_io_peek(b->bus, RBR, 1), 'a');
    ck_assert_uint_eq(inb(b, IIR), DATA);
    ck_assert_uint_eq(inb(b, RBR), 'a');
    ck_assert_uint_eq(inb(b, IIR), TX_EMPTY);
}
END_TEST

START_TEST(state_survives_saving_and_restoring)
{
    outb(b, FCR, 0xC1);
    outb(b, IER, 0x0F);
    input("hello");
    for (char c = 'a'; c < 'f'; c++)
        outb(b, THR, (uint8_t)c);
    ticks(2 * CHARACTER + 7);
    bench_check_state(b);
    ticks(200);
    ck_output("abcde");
    for (const char *p = "hello"; *p; p++)
        ck_assert_uint_eq(inb(b, RBR), (uint8_t)*p);
}
END_TEST

START_TEST(a_wrong_pace_is_refused)
{
    static const char *const wrong[] = { "pace", "slow", NULL };
    struct sim_device *dev;

    ck_assert_int_eq(bus_device_create(b->bus, &uart_class, "uart9", wrong, &dev), SIM_ERR_USAGE);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("uart");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, reset_leaves_an_idle_port);
    tcase_add_test(t, divisor_and_scratch_survive_a_hard_reset);
    tcase_add_test(t, bits_that_do_not_exist_read_zero);
    tcase_add_test(t, a_byte_is_out_when_its_stop_bit_was_sent);
    tcase_add_loop_test(t, at_line_pace_a_character_lasts_as_divisor_and_format_say, 0, 8);
    tcase_add_test(t, without_fifo_a_second_byte_overwrites_the_first);
    tcase_add_test(t, the_transmitter_fifo_holds_sixteen_bytes);
    tcase_add_test(t, the_transmitter_interrupt_goes_by_reading_iir_or_writing_thr);
    tcase_add_test(t, a_lone_byte_in_the_fifo_delays_the_interrupt);
    tcase_add_loop_test(t, the_receiver_interrupts_at_its_trigger_level, 0, 4);
    tcase_add_test(t, bytes_below_the_trigger_level_time_out);
    tcase_add_test(t, interrupts_are_shown_in_order_of_priority);
    tcase_add_test(t, a_full_fifo_keeps_what_it_has);
    tcase_add_loop_test(t, loopback_connects_modem_outputs_to_inputs, 0, 6);
    tcase_add_test(t, only_the_end_of_a_ring_is_told);
    tcase_add_test(t, loopback_sends_nothing_and_masks_to_the_word_length);
    tcase_add_test(t, a_break_in_loopback_is_one_zero_character);
    tcase_add_test(t, an_error_waits_in_the_fifo_for_its_byte);
    tcase_add_loop_test(t, switching_the_fifos_empties_them, 0, 5);
    tcase_add_test(t, fcr_is_deaf_while_bit_0_is_written_0);
    tcase_add_test(t, the_far_end_waits_for_a_receiver_that_is_full);
    tcase_add_test(t, at_line_pace_nobody_waits);
    tcase_add_test(t, input_beyond_the_queue_is_lost_and_said_so);
    tcase_add_test(t, out2_gates_the_interrupt_if_asked_to);
    tcase_add_test(t, without_out2_the_interrupt_comes_with_a_warning);
    tcase_add_test(t, looking_changes_nothing);
    tcase_add_test(t, state_survives_saving_and_restoring);
    tcase_add_test(t, a_wrong_pace_is_refused);
    return bench_main(t, "uart");
}
