/* Memory, by linear address of the CPU that Hg chose, or by physical address. Looking at it has no side effects; what is no memory is not there. */
#include "frontends/gdb/private.h"

#define MOST (PACKET_BYTES / 2 - 8) /* bytes in one packet, as hex digits or all escaped */

static enum sim_space space_of(const struct gdb_server *s)
{
    return s->physical ? SIM_PHYSICAL : SIM_LINEAR;
}

/* "ADDR,LENGTH". */
static bool take_range(struct cursor *c, uint64_t *addr, uint64_t *len)
{
    return cursor_hex(c, addr) && cursor_take(c, ',') && cursor_hex(c, len);
}

/* As much as can be read; 0: nothing of what was asked for. */
static size_t fetch(struct gdb_server *s, struct cursor *c, uint8_t *out, bool *valid)
{
    uint64_t addr, len;
    size_t done = 0;

    *valid = take_range(c, &addr, &len);
    if (!*valid || !len)
        return 0;
    sim_mem_read(s->sim, s->cpu, space_of(s), addr, out, len < MOST ? (size_t)len : MOST, &done);
    *valid = done > 0;
    return done;
}

void rsp_mem_read(struct gdb_server *s, struct cursor *c)
{
    uint8_t data[MOST];
    bool valid;
    size_t len = fetch(s, c, data, &valid);

    if (valid)
        text_hex_bytes(&s->reply, data, len);
    else
        reply_error(s);
}

void rsp_mem_read_binary(struct gdb_server *s, struct cursor *c)
{
    uint8_t data[MOST];
    bool valid;
    size_t len = fetch(s, c, data, &valid);

    if (!valid) {
        reply_error(s);
        return;
    }
    text_str(&s->reply, "b");
    for (size_t n = 0; n < len; n++)
        text_binary(&s->reply, data[n]);
}

static void store(struct gdb_server *s, uint64_t addr, const uint8_t *data, uint64_t len)
{
    size_t done = 0;

    if (len == 0 || sim_mem_write(s->sim, s->cpu, space_of(s), addr, data, (size_t)len, &done) == SIM_OK)
        reply_ok(s);
    else
        reply_error(s);
}

void rsp_mem_write(struct gdb_server *s, struct cursor *c)
{
    uint8_t data[PACKET_BYTES / 2];
    uint64_t addr, len;

    if (take_range(c, &addr, &len) && cursor_take(c, ':') && len <= sizeof(data) && cursor_left(c) == 2 * len && cursor_hex_bytes(c, data, len))
        store(s, addr, data, len);
    else
        reply_error(s);
}

void rsp_mem_write_binary(struct gdb_server *s, struct cursor *c)
{
    uint64_t addr, len;

    if (take_range(c, &addr, &len) && cursor_take(c, ':') && len == cursor_left(c))
        store(s, addr, c->at, len);
    else
        reply_error(s);
}
