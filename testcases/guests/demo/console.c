/* SPDX-License-Identifier: BSD-2-Clause */
/* Output: the VGA's text mode 3 and a 16550 at COM1. */
#include "kernel.h"

#include <stdarg.h>

#define COLUMNS 80
#define ROWS    25
#define CRTC    0x3D4
#define COM1    0x3F8
#define LSR     (COM1 + 5)
#define LSR_THRE 0x20                   /* the transmitter takes the next byte */

static uint16_t *const screen = (uint16_t *)0xB8000;
static unsigned cursor;                 /* as a cell: 0 to ROWS * COLUMNS - 1 */
static uint8_t colour = CONSOLE_NORMAL;
static bool have_com1;

static void crtc_write(uint8_t index, uint8_t value)
{
    outb(CRTC, index);
    outb(CRTC + 1, value);
}

static void screen_clear(unsigned cell, unsigned cells)
{
    while (cells--)
        screen[cell++] = colour << 8 | ' ';
}

static void screen_put(char c)
{
    if (c == '\n') {
        unsigned column = cursor % COLUMNS;

        screen_clear(cursor, COLUMNS - column);
        cursor += COLUMNS - column;
    } else if (c == '\b') {
        cursor -= cursor > 0;
    } else {
        screen[cursor++] = colour << 8 | (uint8_t)c;
    }
    if (cursor == ROWS * COLUMNS) {
        cursor -= COLUMNS;
        memmove(screen, screen + COLUMNS, cursor * sizeof(*screen));
        screen_clear(cursor, COLUMNS);
    }
    crtc_write(0x0E, cursor >> 8);
    crtc_write(0x0F, cursor);
}

static void com1_put(char c)
{
    while (!(inb(LSR) & LSR_THRE))
        continue;
    outb(COM1, c);
}

void console_init(void)
{
    outb(COM1 + 1, 0x00);               /* no interrupts yet: input_init() */
    outb(COM1 + 3, 0x80);               /* DLAB: the divisor is next */
    outb(COM1 + 0, 1);                  /* 115200 baud */
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 0x03);               /* 8 data bits, no parity, 1 stop bit */
    outb(COM1 + 2, 0x07);               /* FIFOs on and empty */
    outb(COM1 + 4, 0x0B);               /* DTR, RTS, and OUT2: lets the interrupt through */
    have_com1 = inb(LSR) != 0xFF;

    crtc_write(0x0A, 0x0E);             /* cursor: the two lowest lines of the cell */
    crtc_write(0x0B, 0x0F);
    screen_clear(0, ROWS * COLUMNS);
}

void console_colour(uint8_t attribute)
{
    colour = attribute;
}

void console_put(char c)
{
    uint32_t eflags = interrupts_save();

    if (have_com1) {
        if (c == '\n')
            com1_put('\r');
        com1_put(c);
    }
    screen_put(c);
    interrupts_restore(eflags);
}

static void put_padded(const char *text, int width, char pad)
{
    for (width -= strlen(text); width > 0; width--)
        console_put(pad);
    while (*text)
        console_put(*text++);
}

static void put_number(uint32_t value, unsigned base, int width, char pad)
{
    char digits[11], *p = digits + sizeof(digits) - 1;

    *p = '\0';
    do
        *--p = "0123456789abcdef"[value % base];
    while ((value /= base));
    put_padded(p, width, pad);
}

/* Knows %c %s %u %x and %%, a width, and 0 or - before the width. */
void kprintf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        bool left = false;
        char pad = ' ';
        int width = 0;

        if (*format != '%') {
            console_put(*format);
            continue;
        }
        if (*++format == '-') {
            left = true;
            format++;
        } else if (*format == '0') {
            pad = '0';
        }
        while (*format >= '0' && *format <= '9')
            width = width * 10 + *format++ - '0';
        if (*format == 'u' || *format == 'x') {
            put_number(va_arg(args, uint32_t), *format == 'u' ? 10 : 16, width, pad);
        } else if (*format == 's') {
            const char *text = va_arg(args, const char *);

            put_padded(text, left ? 0 : width, pad);
            if (left)
                put_padded("", width - (int)strlen(text), ' ');
        } else {
            console_put(*format == 'c' ? va_arg(args, int) : *format);
        }
    }
    va_end(args);
}
