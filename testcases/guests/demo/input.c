/* SPDX-License-Identifier: BSD-2-Clause */
/* Input: the keyboard, by way of the 8042 in scan code set 1, and COM1; both by interrupt. */
#include "kernel.h"

#define KBD_DATA   0x60
#define KBD_STATUS 0x64                 /* reads; commands are written to the same port */
#define KBD_OUTPUT_FULL 0x01            /* a byte for us */
#define KBD_INPUT_FULL  0x02            /* our last byte has not been taken yet */
#define KBD_IRQ1      0x01              /* bits of the 8042's command byte */
#define KBD_DISABLED  0x10
#define KBD_TRANSLATE 0x40
#define KEY_RELEASED 0x80
#define KEY_LEFT_SHIFT  0x2A
#define KEY_RIGHT_SHIFT 0x36
#define COM1 0x3F8
#define LSR  (COM1 + 5)
#define LSR_DR 0x01                     /* a byte has come */

/* By scan code, from 0 on. */
static const char plain[] =
    "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static char buffer[64];
static volatile unsigned head, tail;    /* characters put in, and taken out, since the beginning */
static struct task *reader;

static bool kbd_ready(void)
{
    for (unsigned tries = 0; tries < 10000; tries++)
        if (!(inb(KBD_STATUS) & KBD_INPUT_FULL))
            return true;
    return false;
}

static void kbd_send(uint16_t port, uint8_t value)
{
    if (kbd_ready())
        outb(port, value);
}

static void kbd_init(void)
{
    uint8_t command_byte;

    if (inb(KBD_STATUS) == 0xFF)
        return;                         /* nobody there */
    for (unsigned stale = 0; stale < 32 && (inb(KBD_STATUS) & KBD_OUTPUT_FULL); stale++)
        inb(KBD_DATA);
    kbd_send(KBD_STATUS, 0x20);         /* read the command byte */
    for (unsigned tries = 0; tries < 10000; tries++)
        if (inb(KBD_STATUS) & KBD_OUTPUT_FULL)
            break;
    command_byte = inb(KBD_DATA);
    kbd_send(KBD_STATUS, 0x60);         /* and write it */
    kbd_send(KBD_DATA, (command_byte | KBD_IRQ1 | KBD_TRANSLATE) & ~KBD_DISABLED);
}

void input_init(void)
{
    kbd_init();
    outb(COM1 + 1, 0x01);               /* IER: interrupt when a byte has come */
}

static void put(char c)
{
    if (c == '\r')
        c = '\n';
    if (c == 0x7F)
        c = '\b';
    if (head - tail == sizeof(buffer))
        return;                         /* full: whoever types this fast can type it again */
    buffer[head++ % sizeof(buffer)] = c;
    if (reader)
        task_wake(reader);
}

void input_keyboard(void)
{
    static bool shift;
    uint8_t code = inb(KBD_DATA), key = code & ~KEY_RELEASED;

    if (key == KEY_LEFT_SHIFT || key == KEY_RIGHT_SHIFT)
        shift = !(code & KEY_RELEASED);
    else if (code < sizeof(plain) - 1 && plain[code])
        put(shift ? shifted[code] : plain[code]);
}

void input_serial(void)
{
    while (inb(LSR) & LSR_DR)
        put(inb(COM1));
}

bool input_pending(void)
{
    return head != tail;
}

char input_read(void)
{
    uint32_t eflags = interrupts_save();
    char c;

    reader = current;
    while (!input_pending())
        task_wait();
    c = buffer[tail++ % sizeof(buffer)];
    interrupts_restore(eflags);
    return c;
}
