#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for n more bytes and the NUL behind them. */
static bool reserve(struct sim_buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : 64;
    uint8_t *data;

    if (b->failed)
        return false;
    if (n >= SIZE_MAX / 4 - b->len) {
        b->failed = true;
        return false;
    }
    if (b->len + n < b->cap)
        return true;
    while (cap <= b->len + n)
        cap *= 2;
    data = (uint8_t *)realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void sim_buf_fini(struct sim_buf *b)
{
    free(b->data);
    *b = (struct sim_buf)SIM_BUF_INIT;
}

void sim_buf_clear(struct sim_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

void sim_buf_put(struct sim_buf *b, const void *bytes, size_t n)
{
    if (n == 0 || !reserve(b, n))
        return;
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = 0;
}

static void put_le(struct sim_buf *b, uint64_t v, unsigned n)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> 8 * i);
    sim_buf_put(b, bytes, n);
}

void sim_buf_u8(struct sim_buf *b, uint8_t v)
{
    put_le(b, v, 1);
}

void sim_buf_u16(struct sim_buf *b, uint16_t v)
{
    put_le(b, v, 2);
}

void sim_buf_u32(struct sim_buf *b, uint32_t v)
{
    put_le(b, v, 4);
}

void sim_buf_u64(struct sim_buf *b, uint64_t v)
{
    put_le(b, v, 8);
}

void sim_buf_str(struct sim_buf *b, const char *s)
{
    size_t n = strlen(s);

    if (n > UINT16_MAX)
        n = UINT16_MAX;
    sim_buf_u16(b, (uint16_t)n);
    sim_buf_put(b, s, n);
}

void sim_buf_printf(struct sim_buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n <= 0 || !reserve(b, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

const char *sim_buf_cstr(struct sim_buf *b)
{
    return b->data && !b->failed ? (const char *)b->data : "";
}

const void *sim_reader_take(struct sim_reader *r, size_t n)
{
    static const uint8_t nothing[1]; /* taking 0 bytes of an empty reader succeeds */
    const uint8_t *at;

    if (r->failed || n > r->len - r->pos) {
        r->failed = true;
        return NULL;
    }
    at = r->data ? r->data + r->pos : nothing;
    r->pos += n;
    return at;
}

static uint64_t take_le(struct sim_reader *r, unsigned n)
{
    const uint8_t *p = (const uint8_t *)sim_reader_take(r, n);
    uint64_t v = 0;

    for (unsigned i = 0; p && i < n; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

uint8_t sim_reader_u8(struct sim_reader *r)
{
    return (uint8_t)take_le(r, 1);
}

uint16_t sim_reader_u16(struct sim_reader *r)
{
    return (uint16_t)take_le(r, 2);
}

uint32_t sim_reader_u32(struct sim_reader *r)
{
    return (uint32_t)take_le(r, 4);
}

uint64_t sim_reader_u64(struct sim_reader *r)
{
    return take_le(r, 8);
}

void sim_reader_str(struct sim_reader *r, char *out, size_t cap)
{
    size_t n = sim_reader_u16(r);
    const void *p = sim_reader_take(r, n);

    if (!p || n >= cap || memchr(p, 0, n)) {
        r->failed = true;
        n = 0;
    }
    if (n)
        memcpy(out, p, n);
    if (cap)
        out[n] = '\0';
}
