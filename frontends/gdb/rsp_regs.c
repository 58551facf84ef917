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

/* Of 64 bits in 64-bit code only, whatever the client was told. */
static uint64_t code_address(struct gdb_server *s, unsigned cpu, uint64_t laddr)
{
    return read_reg(s, cpu, "efer") & 1 << 10 && read_reg(s, cpu, "cs.attr") & 1 << 13 ? laddr : (uint32_t)laddr;
}

bool reg_set_pc(struct gdb_server *s, unsigned cpu, uint64_t laddr)
{
    return sim_reg_write(s->sim, cpu, "rip", code_address(s, cpu, laddr - read_reg(s, cpu, "cs.base"))) == SIM_OK;
}

uint64_t reg_pc(struct gdb_server *s, unsigned cpu)
{
    return code_address(s, cpu, read_reg(s, cpu, "cs.base") + read_reg(s, cpu, "rip"));
}

/* The whole of its source, zeros behind it. Returns how many bytes that has. */
#define SOURCE_BYTES 64
static size_t read_source(struct gdb_server *s, unsigned cpu, const struct gdb_reg *r, uint8_t source[SOURCE_BYTES])
{
    size_t len = 0;

    memset(source, 0, SOURCE_BYTES);
    sim_reg_read_bytes(s->sim, cpu, r->source, source, SOURCE_BYTES, &len);
    return len;
}

/* How many bytes of the register its source gives. */
static size_t covered(const struct gdb_reg *r, size_t source_bytes)
{
    size_t bytes = r->part ? r->part : r->bits / 8u;

    return source_bytes < r->offset ? 0 : bytes < source_bytes - r->offset ? bytes : source_bytes - r->offset;
}

static void value_of(struct gdb_server *s, unsigned cpu, unsigned n, uint8_t value[GDB_REG_BYTES])
{
    const struct gdb_layout *layout = reg_layout(s);
    uint8_t source[SOURCE_BYTES];
    size_t len;

    memset(value, 0, GDB_REG_BYTES);
    if (n == layout->pc) {
        uint64_t pc = reg_pc(s, cpu);

        for (unsigned k = 0; k < layout->reg[n].bits / 8u; k++)
            value[k] = (uint8_t)(pc >> 8 * k);
        return;
    }
    len = read_source(s, cpu, &layout->reg[n], source);
    memcpy(value, source + layout->reg[n].offset, covered(&layout->reg[n], len));
}

void reg_put(struct gdb_server *s, struct text *t, unsigned cpu, unsigned n)
{
    uint8_t value[GDB_REG_BYTES];

    value_of(s, cpu, n, value);
    text_hex_bytes(t, value, reg_layout(s)->reg[n].bits / 8);
}

/* Only what changes is written: each write is an input of the run. False: the machine refused it. */
static bool set(struct gdb_server *s, unsigned cpu, unsigned n, const uint8_t value[GDB_REG_BYTES])
{
    const struct gdb_reg *r = &reg_layout(s)->reg[n];
    uint8_t old[GDB_REG_BYTES], source[SOURCE_BYTES];
    uint64_t pc = 0;
    size_t len, own;

    value_of(s, cpu, n, old);
    if (memcmp(old, value, r->bits / 8) == 0)
        return true;
    if (n == reg_layout(s)->pc) {
        for (unsigned k = 0; k < r->bits / 8u; k++)
            pc |= (uint64_t)value[k] << 8 * k;
        return reg_set_pc(s, cpu, pc);
    }
    len = read_source(s, cpu, r, source);
    own = covered(r, len);
    for (size_t k = own; k < r->bits / 8u; k++)
        if (value[k])
            return false; /* it does not fit */
    memcpy(source + r->offset, value, own);
    return sim_reg_write_bytes(s->sim, cpu, r->source, source, len) == SIM_OK;
}

/* The value of register n, from the packet. False: malformed. *given: not the 'x' of an unavailable one. */
static bool take_value(struct gdb_server *s, struct cursor *c, unsigned n, uint8_t value[GDB_REG_BYTES], bool *given)
{
    unsigned bytes = reg_layout(s)->reg[n].bits / 8;

    memset(value, 0, GDB_REG_BYTES);
    *given = !cursor_take(c, 'x');
    if (*given)
        return cursor_hex_bytes(c, value, bytes);
    for (unsigned k = 1; k < 2 * bytes; k++)
        if (!cursor_take(c, 'x'))
            return false;
    return true;
}

/* ---- Packets ---- */

void rsp_regs_read(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    for (unsigned n = 0; n < reg_layout(s)->count; n++)
        reg_put(s, &s->reply, s->cpu, n);
}

/* All or nothing, as far as the form goes: the packet is read before the first register is written. */
void rsp_regs_write(struct gdb_server *s, struct cursor *c)
{
    struct cursor trial = *c;
    uint8_t value[GDB_REG_BYTES];
    bool given, good = true;

    for (unsigned n = 0; n < reg_layout(s)->count; n++)
        if (!take_value(s, &trial, n, value, &given)) {
            reply_error(s);
            return;
        }
    for (unsigned n = 0; n < reg_layout(s)->count; n++) {
        take_value(s, c, n, value, &given);
        if (given)
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

    if (cursor_hex(c, &n) && n < reg_layout(s)->count)
        reg_put(s, &s->reply, s->cpu, (unsigned)n);
    else
        reply_error(s);
}

void rsp_reg_write(struct gdb_server *s, struct cursor *c)
{
    uint8_t value[GDB_REG_BYTES];
    uint64_t n;
    bool given;

    if (cursor_hex(c, &n) && n < reg_layout(s)->count && cursor_take(c, '=') && take_value(s, c, (unsigned)n, value, &given) && given &&
        set(s, s->cpu, (unsigned)n, value))
        reply_ok(s);
    else
        reply_error(s);
}
