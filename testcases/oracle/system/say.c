/* Text to port 0xE9, or to the first parallel port. */
#include "testcases/oracle/system/harness.h"

bool log_to_printer;

static void out8(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" :: "a"(value), "Nd"(port));
}

static char text[4096];
static unsigned long text_used;

void say_flush(void)
{
    const char *from = text;
    unsigned long count = text_used;

    for (; log_to_printer && count; count--, from++) {
        out8(0x378, (u8)*from);
        out8(0x37a, 0x0d); /* strobe */
        out8(0x37a, 0x0c);
    }
    __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0xe9) : "memory");
    text_used = 0;
}

static void say_char(char c)
{
    if (text_used == sizeof(text))
        say_flush();
    text[text_used++] = c;
}

void say(const char *s)
{
    while (*s)
        say_char(*s++);
}

void say_hex(u32 value)
{
    int digit = 28;

    while (digit && !(value >> digit))
        digit -= 4;
    for (; digit >= 0; digit -= 4)
        say_char("0123456789abcdef"[value >> digit & 15]);
}

void say_value(const char *name, u32 value)
{
    say(" ");
    say(name);
    say("=");
    say_hex(value);
}

bool say_end(const char *why)
{
    say("\nX ");
    say(why);
    say("\n");
    say_flush();
    return false;
}
