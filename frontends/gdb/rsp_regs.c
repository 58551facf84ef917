/*
 * Registers. All addresses that gdb handles are linear, so its eip is CS.base + EIP: then breakpoints, x/i $pc and the like hold in real
 * mode too, and where CS.base is 0 it is the same. What the CPU has is the register `ip`.
 */
#include <string.h>

#include "frontends/gdb/private.h"

static uint64_t read_reg(struct gdb_server *s, unsigned cpu, const char *name)
{
    uint64_t value = 0;

    sim_reg_read(s->sim, cpu, name, &value);
    return value;
}

uint64_t reg_pc(struct gdb_server *s, unsigned cpu)
{
    return (uint32_t)(read_reg(s, cpu, "cs.base") + read_reg(s, cpu, "eip"));
}

static uint64_t value_of(struct gdb_server *s, unsigned cpu, unsigned n)
{
    return n == GDB_REG_EIP ? reg_pc(s, cpu) : read_reg(s, cpu, gdb_regs[n].source);
}

static void encode(uint64_t value, uint8_t *out, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n++)
        out[n] = (uint8_t)(value >> 8 * n);
}

void reg_put(struct gdb_server *s, struct text *t, unsigned cpu, unsigned n)
{
    unsigned bytes = gdb_regs[n].bits / 8;
    uint8_t data[8];

    if (!gdb_regs[n].source) {
        for (unsigned k = 0; k < bytes; k++)
            text_str(t, "xx");
        return;
    }
    encode(value_of(s, cpu, n), data, bytes);
    text_hex_bytes(t, data, bytes);
}

/* Only what changes is written: each write is an input of the run. False: the machine refused it. */
static bool set(struct gdb_server *s, unsigned cpu, unsigned n, uint64_t value)
{
    const struct gdb_reg *r = &gdb_regs[n];

    if (value == value_of(s, cpu, n))
        return true;
    if (n == GDB_REG_EIP)
        return sim_reg_write(s->sim, cpu, r->source, (uint32_t)(value - read_reg(s, cpu, "cs.base"))) == SIM_OK;
    return sim_reg_write(s->sim, cpu, r->source, value) == SIM_OK && value_of(s, cpu, n) == value;
}

/* The value of register n, from the packet. False: malformed. *given: not the 'x' of an unavailable one. */
static bool take_value(struct cursor *c, unsigned n, uint64_t *value, bool *given)
{
    unsigned bytes = gdb_regs[n].bits / 8;
    uint8_t data[16];

    *value = 0;
    *given = !cursor_take(c, 'x');
    if (!*given) {
        for (unsigned k = 1; k < 2 * bytes; k++)
            if (!cursor_take(c, 'x'))
                return false;
        return true;
    }
    if (!cursor_hex_bytes(c, data, bytes))
        return false;
    for (unsigned k = 0; k < bytes && k < 8; k++)
        *value |= (uint64_t)data[k] << 8 * k;
    return true;
}

/* ---- Packets ---- */

void rsp_regs_read(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    for (unsigned n = 0; n < gdb_reg_count; n++)
        reg_put(s, &s->reply, s->cpu, n);
}

/* All or nothing, as far as the form goes: the packet is read before the first register is written. */
void rsp_regs_write(struct gdb_server *s, struct cursor *c)
{
    struct cursor trial = *c;
    bool given, good = true;
    uint64_t value;

    for (unsigned n = 0; n < gdb_reg_count; n++)
        if (!take_value(&trial, n, &value, &given)) {
            reply_error(s);
            return;
        }
    for (unsigned n = 0; n < gdb_reg_count; n++) {
        take_value(c, n, &value, &given);
        if (given && gdb_regs[n].source)
            good &= set(s, s->cpu, n, value);
    }
    if (good)
        reply_ok(s);
    else
        reply_error(s);
}

void rsp_reg_read(struct gdb_server *s, struct cursor *c)
{
    uint64_t n;

    if (cursor_hex(c, &n) && n < gdb_reg_count)
        reg_put(s, &s->reply, s->cpu, (unsigned)n);
    else
        reply_error(s);
}

void rsp_reg_write(struct gdb_server *s, struct cursor *c)
{
    uint64_t n, value;
    bool given;

    if (cursor_hex(c, &n) && n < gdb_reg_count && cursor_take(c, '=') && take_value(c, (unsigned)n, &value, &given) && given &&
        gdb_regs[n].source && set(s, s->cpu, (unsigned)n, value))
        reply_ok(s);
    else
        reply_error(s);
}
