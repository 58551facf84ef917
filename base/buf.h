/*
 * A growable byte buffer, and a reader that cannot run past the end of one.
 *
 * Multi-byte values are little-endian. Running out of memory while growing is remembered in
 * `failed` and makes all later puts do nothing, so callers check once, at the end.
 *
 * Public: part of <libsim/device.h>.
 */
#ifndef LIBSIM_BASE_BUF_H
#define LIBSIM_BASE_BUF_H

#include "base/types.h"

struct sim_buf {
    uint8_t *data; /* owned; NULL when empty */
    size_t len, cap;
    bool failed;
};

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_BUF_INIT { NULL, 0, 0, false }

void sim_buf_fini(struct sim_buf *b);  /* frees; the buffer is empty again afterwards */
void sim_buf_clear(struct sim_buf *b); /* length 0, memory and `failed` kept */

void sim_buf_put(struct sim_buf *b, const void *bytes, size_t n);
void sim_buf_u8(struct sim_buf *b, uint8_t v);
void sim_buf_u16(struct sim_buf *b, uint16_t v);
void sim_buf_u32(struct sim_buf *b, uint32_t v);
void sim_buf_u64(struct sim_buf *b, uint64_t v);
void sim_buf_str(struct sim_buf *b, const char *s);  /* u16 length, then the bytes; cut at 65535 */
void sim_buf_printf(struct sim_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text so far as a C string (a NUL is kept behind `len`); "" when empty or failed. */
const char *sim_buf_cstr(struct sim_buf *b);

struct sim_reader {
    const uint8_t *data;
    size_t len, pos;
    bool failed; /* set by a read past the end; values read from then on are 0 */
};

static inline struct sim_reader sim_reader_over(const void *data, size_t len)
{
    struct sim_reader r = { (const uint8_t *)data, len, 0, false };

    return r;
}

/* The next n bytes, or NULL (and failed) when fewer are left. Borrowed from the reader's data. */
const void *sim_reader_take(struct sim_reader *r, size_t n);
uint8_t sim_reader_u8(struct sim_reader *r);
uint16_t sim_reader_u16(struct sim_reader *r);
uint32_t sim_reader_u32(struct sim_reader *r);
uint64_t sim_reader_u64(struct sim_reader *r);
/* Copies a sim_buf_str into out[cap], always NUL-terminated; fails when it does not fit or holds a NUL itself. */
void sim_reader_str(struct sim_reader *r, char *out, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
