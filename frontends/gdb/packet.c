/* Packets: $CONTENT#SUM. GDB manual, "Remote Protocol: Overview". */
#include <string.h>

#include "frontends/gdb/private.h"

static int digit_of(uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = byte ? strchr(digits, byte >= 'A' && byte <= 'F' ? byte | 0x20 : byte) : NULL;

    return at ? (int)(at - digits) : -1;
}

static void begin(struct packet_reader *r)
{
    r->state = READ_DATA;
    r->len = 0;
    r->sum = 0;
    r->too_long = r->bad_sum = false;
}

static void add(struct packet_reader *r, uint8_t byte)
{
    if (r->len < PACKET_BYTES)
        r->data[r->len++] = byte;
    else
        r->too_long = true;
}

static enum packet_event between(struct packet_reader *r, uint8_t byte)
{
    switch (byte) {
    case '$': begin(r); return PACKET_NONE;
    case '-': return PACKET_AGAIN;
    case 3: return PACKET_BREAK;
    default: return PACKET_NONE; /* '+', and noise on the line */
    }
}

/* A '$' in the middle is the start of the next packet: the rest of this one was lost. */
static enum packet_event within(struct packet_reader *r, uint8_t byte)
{
    if (byte == '$') {
        begin(r);
        return PACKET_NONE;
    }
    if (byte == '#') {
        r->state = READ_SUM_HIGH;
        return PACKET_NONE;
    }
    r->sum = (uint8_t)(r->sum + byte);
    if (r->state == READ_ESCAPED) {
        add(r, byte ^ 0x20);
        r->state = READ_DATA;
    } else if (byte == '}') {
        r->state = READ_ESCAPED;
    } else {
        add(r, byte);
    }
    return PACKET_NONE;
}

static enum packet_event complete(struct packet_reader *r)
{
    r->state = READ_IDLE;
    if (r->bad_sum || r->sum != r->expected)
        return PACKET_BROKEN;
    if (r->too_long)
        return PACKET_TOO_LONG;
    r->data[r->len] = 0;
    return PACKET_COMPLETE;
}

enum packet_event packet_read(struct packet_reader *r, uint8_t byte)
{
    int digit;

    switch (r->state) {
    case READ_IDLE: return between(r, byte);
    case READ_DATA: case READ_ESCAPED: return within(r, byte);
    case READ_SUM_HIGH: case READ_SUM_LOW: break;
    }
    digit = digit_of(byte);
    r->bad_sum |= digit < 0;
    r->expected = (uint8_t)(r->expected << 4 | (digit & 15));
    if (r->state == READ_SUM_LOW)
        return complete(r);
    r->state = READ_SUM_LOW;
    return PACKET_NONE;
}

size_t packet_frame(const char *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum = 0;

    out[0] = '$';
    for (size_t n = 0; n < len; n++) {
        out[n + 1] = data[n];
        sum = (uint8_t)(sum + (uint8_t)data[n]);
    }
    out[len + 1] = '#';
    out[len + 2] = digits[sum >> 4];
    out[len + 3] = digits[sum & 15];
    return len + 4;
}
