#include "devices/uart.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "devices/ring.h"

#define UART_IER(X, p)                                                              \
    X(p, edssi, 3, 3, "modem status interrupt")                                     \
    X(p, elsi,  2, 2, "receiver line status interrupt")                             \
    X(p, etbei, 1, 1, "transmitter holding register empty interrupt")               \
    X(p, erbfi, 0, 0, "received data available and character timeout interrupts")
SIM_BITS_DEFINE(uart_ier, UART_IER)

#define UART_FCR(X, p)                                                              \
    X(p, trigger,  7, 6, "receiver interrupt at 1, 4, 8, 14 bytes")                 \
    X(p, dma_mode, 3, 3, "of RXRDY and TXRDY")                                      \
    X(p, tx_reset, 2, 2, "clears the transmitter FIFO")                             \
    X(p, rx_reset, 1, 1, "clears the receiver FIFO")                                \
    X(p, enable,   0, 0, "both FIFOs are on")
SIM_BITS_DEFINE(uart_fcr, UART_FCR)

#define UART_LCR(X, p)                                                              \
    X(p, dlab,         7, 7, "ports +0 and +1 are the divisor")                     \
    X(p, set_break,    6, 6, "forces the line to spacing")                          \
    X(p, stick_parity, 5, 5, "parity bit is the inverse of bit 4")                  \
    X(p, even_parity,  4, 4, "")                                                    \
    X(p, parity,       3, 3, "a parity bit is sent and checked")                    \
    X(p, stop,         2, 2, "0 one stop bit, 1 two (one and a half with 5 bits)")  \
    X(p, length,       1, 0, "data bits less 5")
SIM_BITS_DEFINE(uart_lcr, UART_LCR)

#define UART_MCR(X, p)                                                              \
    X(p, loop, 4, 4, "loopback")                                                    \
    X(p, out2, 3, 3, "on a PC: lets the interrupt through")                         \
    X(p, out1, 2, 2, "")                                                            \
    X(p, rts,  1, 1, "request to send")                                             \
    X(p, dtr,  0, 0, "data terminal ready")
SIM_BITS_DEFINE(uart_mcr, UART_MCR)

#define UART_LSR(X, p)                                                              \
    X(p, fifo_error, 7, 7, "an error in the receiver FIFO")                         \
    X(p, bi, 4, 4, "break")                                                         \
    X(p, fe, 3, 3, "framing error")                                                 \
    X(p, pe, 2, 2, "parity error")                                                  \
    X(p, oe, 1, 1, "overrun")
SIM_BITS_DEFINE(uart_lsr, UART_LSR)

#define UART_MSR(X, p)                                                              \
    X(p, dcd,  7, 7, "data carrier detect")                                         \
    X(p, ri,   6, 6, "ring indicator")                                              \
    X(p, dsr,  5, 5, "data set ready")                                              \
    X(p, cts,  4, 4, "clear to send")                                               \
    X(p, ddcd, 3, 3, "DCD changed since the last read")                             \
    X(p, teri, 2, 2, "RI went inactive since the last read")                        \
    X(p, ddsr, 1, 1, "DSR changed since the last read")                             \
    X(p, dcts, 0, 0, "CTS changed since the last read")
SIM_BITS_DEFINE(uart_msr, UART_MSR)

enum { LSR_DR = 0x01, LSR_OE = 0x02, LSR_FE = 0x08, LSR_BI = 0x10, LSR_THRE = 0x20, LSR_TEMT = 0x40,
       LSR_FIFO_ERROR = 0x80, LSR_ERRORS = 0x1E };
enum { MSR_DCTS = 0x01, MSR_TERI = 0x04, MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

/* "Interrupt Identification Register": in order of priority. */
enum {
    IIR_LINE_STATUS = 0x06,
    IIR_DATA = 0x04,
    IIR_TIMEOUT = 0x0C,
    IIR_THRE = 0x02,
    IIR_MODEM = 0x00,
    IIR_NONE = 0x01,
    IIR_FIFOS = 0xC0
};

#define FIFO_SIZE  16
#define QUEUE_SIZE 4096

/* A tick of the line: half a bit at divisor 1, 1.8432 MHz / 16 * 2. */
#define HALF_BIT_HZ 230400
#define STOP_BIT    2
#define FAST_CHARACTER 20 /* 1 start, 8 data, 1 stop bit */

struct uart {
    struct sim_device dev;

    /* Properties */
    uint64_t base, irq;
    const char *channel, *pace;
    bool gate_out2;

    /* Registers */
    uint8_t ier, fcr, lcr, mcr, msr, scr;
    uint8_t line_errors;
    uint16_t divisor;

    /* Receiver */
    uint8_t rbr;
    uint8_t rx_data[FIFO_SIZE], rx_errors[FIFO_SIZE];
    struct ring rx;
    uint8_t timed_out;
    uint8_t broken;
    uint8_t queue_data[QUEUE_SIZE];
    struct ring queue;

    /* Transmitter */
    uint8_t tx_data[FIFO_SIZE];
    struct ring tx;
    uint8_t tsr;
    uint8_t shifting;
    uint8_t two_bytes;
    uint8_t thre_pending;

    struct sim_event sent, arrived, timeout, thre, line_break;

    /* Derived */
    bool fast;
    struct sim_wire_driver line;
    struct sim_range range;
};

static const struct sim_field uart_fields[] = {
    SIM_FIELD_BITS(struct uart, ier, uart_ier_bits, "interrupt enable register"),
    SIM_FIELD_BITS(struct uart, fcr, uart_fcr_bits, "FIFO control register"),
    SIM_FIELD_BITS(struct uart, lcr, uart_lcr_bits, "line control register"),
    SIM_FIELD_BITS(struct uart, mcr, uart_mcr_bits, "modem control register"),
    SIM_FIELD_BITS(struct uart, msr, uart_msr_bits, "modem status register"),
    SIM_FIELD(struct uart, scr, "scratch register"),
    SIM_FIELD_BITS(struct uart, line_errors, uart_lsr_bits, "line status register, the bits that are latched"),
    SIM_FIELD(struct uart, divisor, "divisor latch; 0 stands for 65536"),
    SIM_FIELD(struct uart, rbr, "the byte read last"),
    SIM_FIELD_BYTES(struct uart, rx_data, "receiver FIFO; without FIFO, its oldest byte is RBR"),
    SIM_FIELD_BYTES(struct uart, rx_errors, "LSR bits that each of them brings when it is the oldest"),
    SIM_FIELD_STRUCT(struct uart, rx, ring_fields, "where in rx_data"),
    SIM_FIELD(struct uart, timed_out, "1: character timeout interrupt pending"),
    SIM_FIELD(struct uart, broken, "1: this break in loopback was received"),
    SIM_FIELD_BYTES(struct uart, queue_data, "input that the far end has not sent yet"),
    SIM_FIELD_STRUCT(struct uart, queue, ring_fields, "where in queue_data"),
    SIM_FIELD_BYTES(struct uart, tx_data, "transmitter FIFO; without FIFO, its only byte is THR"),
    SIM_FIELD_STRUCT(struct uart, tx, ring_fields, "where in tx_data"),
    SIM_FIELD(struct uart, tsr, "transmitter shift register"),
    SIM_FIELD(struct uart, shifting, "1: tsr is being sent"),
    SIM_FIELD(struct uart, two_bytes, "1: the transmitter FIFO held two bytes since THRE was last 1"),
    SIM_FIELD(struct uart, thre_pending, "1: THRE interrupt pending"),
    SIM_FIELD_EVENT(struct uart, sent, "tsr is loaded, or has been sent"),
    SIM_FIELD_EVENT(struct uart, arrived, "the next byte of the queue has arrived"),
    SIM_FIELD_EVENT(struct uart, timeout, "four characters' time since the receiver FIFO was touched"),
    SIM_FIELD_EVENT(struct uart, thre, "a delayed THRE interrupt is due"),
    SIM_FIELD_EVENT(struct uart, line_break, "a break in loopback has lasted a character's time"),
    SIM_FIELD_DERIVED(struct uart, fast, "from the property `pace`"),
    SIM_FIELD_DERIVED(struct uart, line, "wire: the bus keeps its level"),
    SIM_FIELD_DERIVED(struct uart, range, "ports"),
    SIM_FIELD_END
};

static struct uart *uart_of(struct sim_device *dev)
{
    return (struct uart *)dev;
}

/* ---- Time on the line ---- */

/* Half bits of a character at the divisor's pace. "Line Control Register". */
static unsigned character(const struct uart *u)
{
    unsigned bits = 5 + (unsigned)uart_lcr_length(u->lcr);
    unsigned stop = STOP_BIT;

    if (u->fast)
        return FAST_CHARACTER;
    if (uart_lcr_stop(u->lcr))
        stop = bits == 5 ? 3 : 4;
    return 2 * (1 + bits + (unsigned)uart_lcr_parity(u->lcr)) + stop;
}

/* Arms `ev` so many half bits from the tick of the line that has just passed. */
static void arm(struct uart *u, struct sim_event *ev, unsigned half_bits)
{
    const struct sim_clock *clock = sim_clock_of(&u->dev);
    uint64_t divisor = u->fast ? 1 : u->divisor ? u->divisor : 65536;
    uint64_t tick = sim_ticks_at(clock, HALF_BIT_HZ, clock->now);

    sim_event_at(ev, sim_cycle_of(clock, HALF_BIT_HZ, tick + half_bits * divisor));
}

static bool armed(const struct sim_event *ev)
{
    return ev->deadline != SIM_NEVER;
}

/* ---- Interrupts ---- */

static bool fifo_on(const struct uart *u)
{
    return uart_fcr_enable(u->fcr);
}

static unsigned depth(const struct uart *u)
{
    return fifo_on(u) ? FIFO_SIZE : 1;
}

static unsigned received(const struct uart *u)
{
    return ring_count(&u->rx, FIFO_SIZE);
}

static unsigned to_send(const struct uart *u)
{
    return ring_count(&u->tx, FIFO_SIZE);
}

/* Received data available: "FIFO Control Register", bits 6 and 7. */
static bool data_pending(const struct uart *u)
{
    static const uint8_t triggers[] = { 1, 4, 8, 14 };

    return received(u) >= (fifo_on(u) ? triggers[uart_fcr_trigger(u->fcr)] : 1u);
}

/* "Interrupt Control Functions": what IIR bits 3:0 show. */
static uint8_t interrupt(const struct uart *u)
{
    if (uart_ier_elsi(u->ier) && (u->line_errors & LSR_ERRORS))
        return IIR_LINE_STATUS;
    if (uart_ier_erbfi(u->ier) && data_pending(u))
        return IIR_DATA;
    if (uart_ier_erbfi(u->ier) && u->timed_out)
        return IIR_TIMEOUT;
    if (uart_ier_etbei(u->ier) && u->thre_pending)
        return IIR_THRE;
    if (uart_ier_edssi(u->ier) && (u->msr & 0x0F))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart *u)
{
    bool level = interrupt(u) != IIR_NONE;

    if (level && !uart_mcr_out2(u->mcr)) {
        if (u->gate_out2)
            level = false;
        else if (!uart_mcr_loop(u->mcr))
            sim_device_unmodelled(&u->dev, "the gate of MCR.OUT2",
                                  "the interrupt reaches the PIC, though MCR.OUT2 = 0 keeps it from there on most PCs");
    }
    sim_wire_set(&u->line, level);
}

/* ---- Modem lines ---- */

/* CTS, DSR, RI and DCD as they come in. "Modem Control Register", bit 4: in loopback from RTS, DTR, OUT1, OUT2. */
static uint8_t modem_inputs(const struct uart *u)
{
    uint8_t in = 0;

    if (!uart_mcr_loop(u->mcr))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    if (uart_mcr_rts(u->mcr))
        in |= MSR_CTS;
    if (uart_mcr_dtr(u->mcr))
        in |= MSR_DSR;
    if (uart_mcr_out1(u->mcr))
        in |= MSR_RI;
    if (uart_mcr_out2(u->mcr))
        in |= MSR_DCD;
    return in;
}

/* "Modem Status Register": bits 3:0 tell what changed; bit 2 only that RI went from active to inactive. */
static void update_modem(struct uart *u)
{
    uint8_t now = modem_inputs(u);
    uint8_t changed = (u->msr ^ now) & 0xF0;

    changed &= ~(now & MSR_RI);
    u->msr = now | (u->msr & 0x0F) | changed >> 4;
}

/* ---- Receiver ---- */

/* The oldest byte of the FIFO brings its errors into LSR. */
static void reveal_errors(struct uart *u)
{
    uint32_t top = ring_index(&u->rx, FIFO_SIZE, 0);

    if (received(u) == 0)
        return;
    u->line_errors |= u->rx_errors[top];
    u->rx_errors[top] = 0;
}

static bool errors_in_fifo(const struct uart *u)
{
    for (unsigned i = 0; i < received(u); i++)
        if (u->rx_errors[ring_index(&u->rx, FIFO_SIZE, i)])
            return true;
    return false;
}

/*
 * A character has come in whole. "Line Status Register", bit 1: with FIFOs, one that finds the FIFO full is lost;
 * without, it takes the place of the one that was not read.
 */
static void receive(struct uart *u, uint8_t byte, uint8_t errors)
{
    uint32_t at;

    if (received(u) >= depth(u)) {
        u->line_errors |= LSR_OE;
        if (fifo_on(u))
            return;
        ring_clear(&u->rx);
    }
    at = ring_push(&u->rx, FIFO_SIZE);
    u->rx_data[at] = byte;
    u->rx_errors[at] = errors;
    if (fifo_on(u)) {
        arm(u, &u->timeout, 4 * character(u));
        if (errors)
            u->line_errors |= LSR_FIFO_ERROR;
    }
    if (received(u) == 1)
        reveal_errors(u);
}

static void clear_receiver(struct uart *u)
{
    ring_clear(&u->rx);
    u->timed_out = 0;
    u->line_errors &= ~LSR_FIFO_ERROR;
    sim_event_cancel(&u->timeout);
}

/* pace=fast: the far end holds its next character back. */
static bool far_end_waits(const struct uart *u)
{
    return u->fast && (uart_mcr_loop(u->mcr) || received(u) >= depth(u));
}

static void listen(struct uart *u)
{
    if (ring_count(&u->queue, QUEUE_SIZE) && !armed(&u->arrived) && !far_end_waits(u))
        arm(u, &u->arrived, character(u));
}

/* What of a byte goes over the line. */
static uint8_t on_line(const struct uart *u, uint8_t byte)
{
    if (u->fast && !uart_mcr_loop(u->mcr))
        return byte;
    return byte & (0xFF >> (3 - uart_lcr_length(u->lcr)));
}

static void uart_arrived(struct sim_device *dev)
{
    struct uart *u = uart_of(dev);

    if (ring_count(&u->queue, QUEUE_SIZE) && !far_end_waits(u)) {
        uint8_t byte = u->queue_data[ring_pop(&u->queue, QUEUE_SIZE)];

        if (!uart_mcr_loop(u->mcr)) /* "the receiver Serial Input (SIN) is disconnected" */
            receive(u, on_line(u, byte), 0);
    }
    listen(u);
    update_irq(u);
}

/* "FIFO Interrupt Mode": nobody touched a FIFO that is not empty for four characters. */
static void uart_timeout(struct sim_device *dev)
{
    struct uart *u = uart_of(dev);

    u->timed_out = fifo_on(u) && received(u);
    update_irq(u);
}

static uint8_t read_rbr(struct uart *u)
{
    if (received(u)) {
        u->rbr = u->rx_data[ring_pop(&u->rx, FIFO_SIZE)];
        reveal_errors(u);
    }
    u->timed_out = 0;
    if (fifo_on(u) && received(u))
        arm(u, &u->timeout, 4 * character(u));
    else
        sim_event_cancel(&u->timeout);
    listen(u);
    return u->rbr;
}

/* ---- Transmitter ---- */

/*
 * THR or the transmitter FIFO has become empty. "FIFO Interrupt Mode": with FIFOs, the interrupt comes one character
 * less its stop bit later, unless the FIFO held two bytes since it was last empty.
 */
static void transmitter_empty(struct uart *u)
{
    if (!fifo_on(u) || u->two_bytes)
        u->thre_pending = 1;
    else
        arm(u, &u->thre, character(u) - STOP_BIT);
    u->two_bytes = 0;
}

static void uart_thre(struct sim_device *dev)
{
    struct uart *u = uart_of(dev);

    u->thre_pending = to_send(u) == 0;
    update_irq(u);
}

static void start_character(struct uart *u)
{
    u->tsr = u->tx_data[ring_pop(&u->tx, FIFO_SIZE)];
    u->shifting = 1;
    arm(u, &u->sent, character(u));
    if (to_send(u) == 0)
        transmitter_empty(u);
}

static void end_character(struct uart *u)
{
    uint8_t byte = on_line(u, u->tsr);

    u->shifting = 0;
    if (uart_lcr_set_break(u->lcr))
        return; /* the line is held at spacing */
    if (uart_mcr_loop(u->mcr))
        receive(u, byte, 0);
    else
        sim_output(&u->dev, u->channel, &byte, 1);
}

static void uart_sent(struct sim_device *dev)
{
    struct uart *u = uart_of(dev);

    if (u->shifting)
        end_character(u);
    if (to_send(u))
        start_character(u);
    update_irq(u);
}

/* Without FIFO a byte that was not taken over yet is overwritten; a full FIFO loses the new one. */
static void write_thr(struct uart *u, uint8_t byte)
{
    if (to_send(u) < depth(u))
        u->tx_data[ring_push(&u->tx, FIFO_SIZE)] = byte;
    else if (!fifo_on(u))
        u->tx_data[ring_index(&u->tx, FIFO_SIZE, 0)] = byte;
    if (to_send(u) >= 2)
        u->two_bytes = 1;
    u->thre_pending = 0;
    sim_event_cancel(&u->thre);
    if (!armed(&u->sent))
        arm(u, &u->sent, 2);
}

static void clear_transmitter(struct uart *u)
{
    bool had_bytes = to_send(u);

    ring_clear(&u->tx);
    sim_event_cancel(&u->thre);
    if (!u->shifting)
        sim_event_cancel(&u->sent);
    if (had_bytes)
        u->thre_pending = 1;
}

/* "Line Control Register", bit 6, seen by the own receiver: one zero character for each break. */
static void update_break(struct uart *u)
{
    bool breaking = uart_lcr_set_break(u->lcr) && uart_mcr_loop(u->mcr);

    if (!breaking) {
        sim_event_cancel(&u->line_break);
        u->broken = 0;
    } else if (!u->broken && !armed(&u->line_break)) {
        arm(u, &u->line_break, character(u));
    }
}

static void uart_line_break(struct sim_device *dev)
{
    struct uart *u = uart_of(dev);

    u->broken = 1;
    receive(u, 0, LSR_BI | LSR_FE);
    update_irq(u);
}

/* ---- Registers ---- */

/* "Interrupt Enable Register": an empty transmitter interrupts as soon as it may. */
static void write_ier(struct uart *u, uint8_t value)
{
    if (uart_ier_etbei(value) && !uart_ier_etbei(u->ier) && to_send(u) == 0) {
        u->thre_pending = 1;
        sim_event_cancel(&u->thre);
    }
    u->ier = value & 0x0F;
}

/* "FIFO Control Register": changing bit 0 clears both FIFOs; the other bits count only when bit 0 is written as 1. */
static void write_fcr(struct uart *u, uint8_t value)
{
    bool changed = uart_fcr_enable(value) != uart_fcr_enable(u->fcr);

    if (changed)
        u->two_bytes = 1; /* "the first transmitter interrupt after changing FCR0 will be immediate" */
    if (changed || (uart_fcr_enable(value) && uart_fcr_rx_reset(value)))
        clear_receiver(u);
    if (changed || (uart_fcr_enable(value) && uart_fcr_tx_reset(value)))
        clear_transmitter(u);
    u->fcr = uart_fcr_enable(value) ? value & 0xC9 : 0;
    listen(u);
}

static uint8_t line_status(const struct uart *u)
{
    uint8_t lsr = u->line_errors & (LSR_ERRORS | LSR_FIFO_ERROR);

    if (received(u))
        lsr |= LSR_DR;
    if (to_send(u) == 0)
        lsr |= u->shifting ? LSR_THRE : LSR_THRE | LSR_TEMT;
    return lsr;
}

static uint8_t read_lsr(struct uart *u)
{
    uint8_t lsr = line_status(u);

    u->line_errors = fifo_on(u) && errors_in_fifo(u) ? LSR_FIFO_ERROR : 0;
    return lsr;
}

static uint8_t identify(const struct uart *u)
{
    return interrupt(u) | (fifo_on(u) ? IIR_FIFOS : 0);
}

/* "Interrupt Control Functions": reading IIR resets the THRE interrupt, if it is the one shown. */
static uint8_t read_iir(struct uart *u)
{
    uint8_t iir = identify(u);

    if ((iir & 0x0F) == IIR_THRE)
        u->thre_pending = 0;
    return iir;
}

static uint8_t read_msr(struct uart *u)
{
    uint8_t msr = u->msr;

    u->msr &= 0xF0;
    return msr;
}

static uint64_t uart_peek(struct sim_device *dev, uint64_t off, unsigned size)
{
    const struct uart *u = uart_of(dev);
    bool dlab = uart_lcr_dlab(u->lcr);

    switch (off) {
    case 0:
        if (dlab)
            return u->divisor & 0xFF;
        return received(u) ? u->rx_data[ring_index(&u->rx, FIFO_SIZE, 0)] : u->rbr;
    case 1:
        return dlab ? u->divisor >> 8 : u->ier;
    case 2:
        return identify(u);
    case 3:
        return u->lcr;
    case 4:
        return u->mcr;
    case 5:
        return line_status(u);
    case 6:
        return u->msr;
    default:
        return u->scr;
    }
}

static uint64_t uart_read(struct sim_device *dev, uint64_t off, unsigned size)
{
    struct uart *u = uart_of(dev);
    uint64_t value;

    switch (off) {
    case 0:
        value = uart_lcr_dlab(u->lcr) ? u->divisor & 0xFFu : read_rbr(u);
        break;
    case 2:
        value = read_iir(u);
        break;
    case 5:
        value = read_lsr(u);
        break;
    case 6:
        value = read_msr(u);
        break;
    default:
        return uart_peek(dev, off, size);
    }
    update_irq(u);
    return value;
}

static void uart_write(struct sim_device *dev, uint64_t off, uint64_t value, unsigned size)
{
    struct uart *u = uart_of(dev);
    bool dlab = uart_lcr_dlab(u->lcr);

    switch (off) {
    case 0:
        if (dlab)
            u->divisor = (uint16_t)sim_bits_set(u->divisor, 7, 0, value);
        else
            write_thr(u, (uint8_t)value);
        break;
    case 1:
        if (dlab)
            u->divisor = (uint16_t)sim_bits_set(u->divisor, 15, 8, value);
        else
            write_ier(u, (uint8_t)value);
        break;
    case 2:
        write_fcr(u, (uint8_t)value);
        break;
    case 3:
        u->lcr = (uint8_t)value;
        update_break(u);
        break;
    case 4:
        u->mcr = value & 0x1F;
        update_modem(u);
        update_break(u);
        listen(u);
        break;
    case 7:
        u->scr = (uint8_t)value;
        break;
    default: /* LSR: "intended for read operations only"; MSR: read only */
        break;
    }
    update_irq(u);
}

static const struct sim_range_ops uart_ops = {
    .read = uart_read, .write = uart_write, .peek = uart_peek, .max_size = 1
};

/* ---- The device ---- */

static void uart_input(struct sim_device *dev, const char *channel, const void *data, size_t len)
{
    struct uart *u = uart_of(dev);
    const uint8_t *bytes = data;

    for (size_t i = 0; i < len; i++) {
        if (ring_count(&u->queue, QUEUE_SIZE) == QUEUE_SIZE) {
            sim_device_log(dev, SIM_LOG_WARN, "%s: %zu bytes of input are lost: the guest has %u to read first",
                           channel, len - i, (unsigned)QUEUE_SIZE);
            break;
        }
        u->queue_data[ring_push(&u->queue, QUEUE_SIZE)] = bytes[i];
    }
    listen(u);
}

static enum sim_err uart_realize(struct sim_device *dev)
{
    struct uart *u = uart_of(dev);
    char wire[16];
    enum sim_err err;

    u->fast = strcmp(u->pace, "fast") == 0;
    if (!u->fast && strcmp(u->pace, "line") != 0)
        return sim_fail(SIM_ERR_USAGE, "%s: pace=%s: must be fast or line", dev->name, u->pace);
    snprintf(wire, sizeof(wire), "isa.irq%u", (unsigned)u->irq);

    sim_device_event(dev, &u->sent, 0, uart_sent);
    sim_device_event(dev, &u->arrived, 1, uart_arrived);
    sim_device_event(dev, &u->timeout, 2, uart_timeout);
    sim_device_event(dev, &u->thre, 3, uart_thre);
    sim_device_event(dev, &u->line_break, 4, uart_line_break);
    err = sim_wire_drive(dev, &u->line, wire);
    if (!err)
        err = sim_accept_input(dev, u->channel);
    if (!err)
        err = sim_map_io(dev, &u->range, "uart", (uint16_t)u->base, 8, &uart_ops, SIM_SPEED_ISA, 0);
    return err;
}

/* "Reset Configuration". Divisor, scratch and data registers are not touched by MR. */
static void uart_reset(struct sim_device *dev, enum sim_reset kind)
{
    struct uart *u = uart_of(dev);

    u->ier = u->fcr = u->lcr = u->mcr = u->line_errors = 0;
    u->shifting = u->two_bytes = u->thre_pending = u->broken = 0;
    clear_receiver(u);
    ring_clear(&u->tx);
    sim_event_cancel(&u->sent);
    sim_event_cancel(&u->thre);
    sim_event_cancel(&u->line_break);
    u->msr = modem_inputs(u);
    if (kind == SIM_RESET_POWER) {
        u->divisor = 0;
        u->scr = u->rbr = u->tsr = 0;
        memset(u->rx_data, 0, sizeof(u->rx_data));
        memset(u->rx_errors, 0, sizeof(u->rx_errors));
        memset(u->tx_data, 0, sizeof(u->tx_data));
        memset(u->queue_data, 0, sizeof(u->queue_data));
        ring_clear(&u->queue);
        sim_event_cancel(&u->arrived);
    }
    listen(u);
    update_irq(u);
}

static const struct sim_property uart_properties[] = {
    SIM_PROPERTY_UINT_(struct uart, base, 0, 0xFFF8, "0x3f8", "first of its 8 ports"),
    SIM_PROPERTY_UINT_(struct uart, irq, 0, 15, "4", "ISA interrupt"),
    SIM_PROPERTY_STRING_(struct uart, channel, "serial0", "where its bytes go to and come from"),
    SIM_PROPERTY_STRING_(struct uart, pace, "fast", "fast: 115200 baud whatever the divisor; line: by the divisor"),
    SIM_PROPERTY_BOOL_(struct uart, gate_out2, "0", "MCR.OUT2 = 0 holds the interrupt back"),
    SIM_PROPERTY_END
};

const struct sim_device_class uart_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class),
    .name = "16550a", .title = "Serial port with FIFOs", .version = 1,
    .instance_size = sizeof(struct uart), .fields = uart_fields, .properties = uart_properties,
    .realize = uart_realize, .reset = uart_reset, .input = uart_input
};
