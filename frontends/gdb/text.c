/* Hexadecimal text, read and written within bounds. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frontends/gdb/private.h"

/* ---- Reading ---- */

static int digit_value(uint8_t ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F')
        return ch - 'A' + 10;
    return -1;
}

size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

bool cursor_take(struct cursor *c, char ch)
{
    if (c->at == c->end || *c->at != (uint8_t)ch)
        return false;
    c->at++;
    return true;
}

bool cursor_take_text(struct cursor *c, const char *text)
{
    size_t len = strlen(text);

    if (cursor_left(c) < len || memcmp(c->at, text, len) != 0)
        return false;
    c->at += len;
    return true;
}

bool cursor_hex(struct cursor *c, uint64_t *value)
{
    unsigned digits = 0;
    uint64_t v = 0;

    while (c->at < c->end && digit_value(*c->at) >= 0) {
        if (++digits > 16)
            return false;
        v = v << 4 | (unsigned)digit_value(*c->at++);
    }
    *value = v;
    return digits > 0;
}

bool cursor_hex_bytes(struct cursor *c, uint8_t *out, size_t len)
{
    for (size_t n = 0; n < len; n++) {
        int high, low;

        if (cursor_left(c) < 2 || (high = digit_value(c->at[0])) < 0 || (low = digit_value(c->at[1])) < 0)
            return false;
        out[n] = (uint8_t)(high << 4 | low);
        c->at += 2;
    }
    return true;
}

/* ---- Writing ---- */

void text_clear(struct text *t)
{
    t->len = 0;
    t->overflow = false;
}

void text_put(struct text *t, const void *data, size_t len)
{
    if (len > sizeof(t->data) - t->len) {
        t->overflow = true;
        return;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
}

void text_str(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
    char line[512];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(line))
        t->overflow = true;
    else
        text_put(t, line, (size_t)len);
}

void text_hex_bytes(struct text *t, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    if (len > (sizeof(t->data) - t->len) / 2) {
        t->overflow = true;
        return;
    }
    for (size_t n = 0; n < len; n++) {
        t->data[t->len++] = digits[bytes[n] >> 4];
        t->data[t->len++] = digits[bytes[n] & 15];
    }
}

bool text_binary(struct text *t, uint8_t byte)
{
    bool escaped = byte == '$' || byte == '#' || byte == '}' || byte == '*';

    if (sizeof(t->data) - t->len < 2)
        return false;
    if (escaped)
        t->data[t->len++] = '}';
    t->data[t->len++] = (char)(escaped ? byte ^ 0x20 : byte);
    return true;
}
