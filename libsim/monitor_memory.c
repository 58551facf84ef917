/*
 * Monitor: memory, registers, code, stack.
 */
#include "libsim/monitor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Formats ---- */

/* "8xw" of x/8xw: count, letter, size. */
struct format {
    unsigned count;
    char letter;
    unsigned size;
};

static enum sim_err parse_format(const struct monitor_call *m, const char *letters, struct format *f)
{
    static const char sizes[] = "bhwg";
    const char *at = m->format;
    char *end;

    f->count = 1;
    if (isdigit((unsigned char)*at)) {
        unsigned long n = strtoul(at, &end, 10);

        if (n == 0 || n > 100000)
            return sim_fail(SIM_ERR_USAGE, "%s/%s: a count from 1 to 100000", m->name, m->format);
        f->count = (unsigned)n;
        at = end;
    }
    for (; *at; at++) {
        const char *size = strchr(sizes, *at);

        if (size)
            f->size = 1u << (size - sizes);
        else if (strchr(letters, *at))
            f->letter = *at;
        else
            return sim_fail(SIM_ERR_USAGE, "%s/%s: '%c' is none of %s, nor a size (b h w g)", m->name, m->format, *at, letters);
    }
    return SIM_OK;
}

static void say_value(struct monitor_call *m, uint64_t v, const struct format *f)
{
    unsigned bits = f->size * 8;
    int64_t s = (int64_t)(v << (64 - bits)) >> (64 - bits);

    switch (f->letter) {
    case 'd': say(m, "%lld", (long long)s); break;
    case 'u': say(m, "%llu", (ull)v); break;
    case 'o': say(m, "0%llo", (ull)v); break;
    case 't':
        for (unsigned n = bits; n--;)
            say(m, "%u%s", (unsigned)(v >> n & 1), n && n % 8 == 0 ? "_" : "");
        break;
    case 'c': say(m, v >= 0x20 && v < 0x7f ? "'%c'" : "'\\x%02x'", (unsigned)(v & 0xff)); break;
    case 'a': {
        char where[200];

        dbg_symbolize(m->sim->dbg, v, where, sizeof(where));
        say(m, "0x%08llx%s%s", (ull)v, *where ? " " : "", where);
        break;
    }
    default: say(m, "0x%0*llx", (int)f->size * 2, (ull)v); break;
    }
}

/* ---- x ---- */

static bool peek(const struct monitor_call *m, bool physical, uint64_t addr, void *out, size_t len)
{
    return (physical ? bus_peek(m->sim->bus, addr, out, len) : cpu_peek(m->cpu, addr, out, len)) == len;
}

static void say_address(struct monitor_call *m, uint64_t addr, bool physical)
{
    const char *name;
    uint64_t offset;

    say(m, "%08llx", (ull)addr);
    if (!physical && dbg_symbol_at(m->sim->dbg, addr, &name, &offset))
        say(m, offset ? " <%s+0x%llx>" : " <%s>", name, (ull)offset);
    say(m, ":");
}

static enum sim_err unreachable(const struct monitor_call *m, uint64_t addr, bool physical)
{
    return sim_fail(SIM_ERR_FAULT, physical ? "nothing answers at physical address 0x%llx" : "0x%llx is not mapped", (ull)addr);
}

static enum sim_err examine_string(struct monitor_call *m, uint64_t *addr, bool physical)
{
    char c = 0;

    say_address(m, *addr, physical);
    say(m, " \"");
    for (unsigned n = 0; n < 4096; n++) {
        if (!peek(m, physical, *addr, &c, 1)) {
            say(m, "\"...\n");
            return unreachable(m, *addr, physical);
        }
        ++*addr;
        if (!c)
            break;
        say(m, c == '\n' ? "\\n" : c == '"' || c == '\\' ? "\\%c" : (unsigned char)c < 0x20 || (unsigned char)c >= 0x7f ? "\\x%02x" : "%c", (unsigned char)c);
    }
    say(m, "\"\n");
    return SIM_OK;
}

static enum sim_err disassemble_at(struct monitor_call *m, uint64_t *addr, bool mark)
{
    char text[160], where[200];

    dbg_symbolize(m->sim->dbg, *addr, where, sizeof(where));
    say(m, "%s %08llx %-36s ", mark && *addr == monitor_pc(m->cpu) ? "=>" : "  ", (ull)*addr, where);
    *addr += dbg_disassemble(m->sim->dbg, m->cpu, *addr, text, sizeof(text));
    say(m, "%s\n", text);
    return SIM_OK;
}

static enum sim_err examine_values(struct monitor_call *m, uint64_t *addr, const struct format *f, bool physical)
{
    unsigned columns = f->letter == 'a' ? 1 : f->letter == 't' ? (f->size == 1 ? 8 : 2) : f->letter == 'c' ? 8 : 16 / f->size;

    for (unsigned n = 0; n < f->count; n++) {
        uint64_t v = 0;

        if (n % columns == 0) {
            say(m, "%s", n ? "\n" : "");
            say_address(m, *addr, physical);
        }
        if (!peek(m, physical, *addr, &v, f->size)) {
            say(m, "\n");
            return unreachable(m, *addr, physical);
        }
        say(m, " ");
        say_value(m, v, f);
        *addr += f->size;
    }
    say(m, "\n");
    return SIM_OK;
}

/* Each string or instruction is a line, of a length that is seen when it is read. */
static enum sim_err examine_lines(struct monitor_call *m, uint64_t *addr, const struct format *f, bool physical)
{
    enum sim_err err = SIM_OK;

    if (f->letter == 'i' && physical)
        return sim_fail(SIM_ERR_USAGE, "xp/i: code is read by linear addresses: x/i");
    for (unsigned n = 0; !err && n < f->count; n++)
        err = f->letter == 's' ? examine_string(m, addr, physical) : disassemble_at(m, addr, true);
    return err;
}

static enum sim_err examine(struct monitor_call *m)
{
    struct monitor *monitor = m->sim->monitor;
    struct format f = { 1, monitor->examine_format ? monitor->examine_format : 'x', monitor->examine_size ? monitor->examine_size : 4 };
    bool physical = strcmp(m->name, "xp") == 0;
    uint64_t addr = monitor->next_examine;
    enum sim_err err = parse_format(m, "xduotcasi", &f);

    if (!err && f.letter == 'c' && !strpbrk(m->format, "bhwg"))
        f.size = 1;
    if (!err && m->count)
        err = monitor_eval(m, m->args, &addr);
    if (!err)
        err = f.letter == 's' || f.letter == 'i' ? examine_lines(m, &addr, &f, physical) : examine_values(m, &addr, &f, physical);
    if (err)
        return err;
    monitor->next_examine = addr;
    monitor->examine_format = f.letter;
    monitor->examine_size = f.size;
    return SIM_OK;
}

/* ---- print, set ---- */

static enum sim_err print(struct monitor_call *m)
{
    struct format f = { 1, 0, 8 };
    uint64_t v;
    char where[200];
    enum sim_err err = parse_format(m, "xduotca", &f);

    if (!err)
        err = m->count ? monitor_eval(m, m->args, &v) : monitor_usage(m, "print[/FMT] EXPR");
    if (err)
        return err;
    if (!f.letter) {
        dbg_symbolize(m->sim->dbg, v, where, sizeof(where));
        say(m, "0x%llx = %lld%s%s\n", (ull)v, (long long)v, *where ? " = " : "", where);
        return SIM_OK;
    }
    if (f.letter == 'x' && !strpbrk(m->format, "bhwg"))
        say(m, "0x%llx", (ull)v);
    else
        say_value(m, f.size < 8 ? v & ((1ull << f.size * 8) - 1) : v, &f);
    say(m, "\n");
    return SIM_OK;
}

/* "b[EXPR]", "pw[EXPR]", "*EXPR": the size, 0 when it is no memory; the address's text in *inner. */
static unsigned memory_operand(char *text, bool *physical, char **inner)
{
    static const char letters[] = "bwdq";
    char *letter, *last = text + strlen(text) - 1;

    *physical = false;
    *inner = text + 1;
    if (*text == '*')
        return 4;
    *physical = *text == 'p' && text[1] && text[2] == '[';
    text += *physical;
    letter = *text ? strchr(letters, *text) : NULL;
    if (!letter || text[1] != '[' || *last != ']')
        return 0;
    *last = 0;
    *inner = text + 2;
    return 1u << (letter - letters);
}

static enum sim_err set_memory(struct monitor_call *m, const char *where, bool physical, unsigned size, uint64_t value)
{
    uint64_t addr;
    enum sim_err err = monitor_eval(m, where, &addr);
    size_t done;

    return err ? err : sim_mem_write(m->sim, m->cpu->number, physical ? SIM_PHYSICAL : SIM_LINEAR, addr, &value, size, &done);
}

/* The "=" that sets: none of ==, !=, <=, >=. */
static char *find_equals(char *text)
{
    for (char *at = text; (at = strchr(at, '=')) != NULL; at++) {
        if (at[1] == '=')
            at++;
        else if (at > text && !strchr("!<>", at[-1]))
            return at;
    }
    return NULL;
}

static enum sim_err set_target(struct monitor_call *m, char *target, uint64_t value)
{
    bool physical;
    char *inner;
    unsigned size;

    for (size_t len = strlen(target); len && isspace((unsigned char)target[len - 1]); len--)
        target[len - 1] = 0;
    if (!*target)
        return monitor_usage(m, "set REGISTER|b[ADDR]|w[ADDR]|d[ADDR]|q[ADDR]|*ADDR = EXPR");
    if (*target == '$')
        return sim_reg_write(m->sim, m->cpu->number, target + 1, value);
    size = memory_operand(target, &physical, &inner);
    return size ? set_memory(m, inner, physical, size, value) : sim_reg_write(m->sim, m->cpu->number, target, value);
}

static enum sim_err set(struct monitor_call *m)
{
    char *text = strdup(m->args), *equals = text ? find_equals(text) : NULL;
    uint64_t value;
    enum sim_err err;

    if (!text)
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    if (!equals && m->count == 2) /* "set eax 5" */
        equals = strpbrk(text, " \t");
    if (equals) {
        *equals = 0;
        err = monitor_eval(m, equals + 1, &value);
        if (!err)
            err = set_target(m, text, value);
    } else {
        err = monitor_usage(m, "set REGISTER|b[ADDR]|w[ADDR]|d[ADDR]|q[ADDR]|*ADDR = EXPR");
    }
    free(text);
    return err;
}

/* ---- Code and stack ---- */

static enum sim_err disassemble(struct monitor_call *m)
{
    uint64_t addr = monitor_pc(m->cpu), end = UINT64_MAX, count = 12;
    const char *comma = strchr(m->args, ',');
    char *first = strndup(m->args, comma ? (size_t)(comma - m->args) : strlen(m->args));
    enum sim_err err = first ? SIM_OK : sim_fail(SIM_ERR_NOMEM, "out of memory");

    if (!err && *first)
        err = monitor_eval(m, first, &addr);
    if (!err && comma) {
        err = monitor_eval(m, comma + 1 + strspn(comma + 1, " +"), &count);
        end = strchr(comma, '+') ? addr + count : count;
        count = 100000;
    }
    for (uint64_t n = 0; !err && n < count && addr < end; n++)
        err = disassemble_at(m, &addr, true);
    free(first);
    return err;
}

static void say_frame(struct monitor_call *m, unsigned n, const struct dbg_frame *frame)
{
    char where[200];

    /* a return address belongs to the call before it */
    dbg_symbolize(m->sim->dbg, (uint32_t)(m->cpu->seg[CPU_CS].base + frame->ip - (n != 0)), where, sizeof(where));
    say(m, "#%-2u %08llx %s\n", n, (ull)frame->ip, where);
}

/* A recursion is shown by its ends. */
static enum sim_err backtrace(struct monitor_call *m)
{
    struct dbg_frame frames[256];
    uint64_t max;
    enum sim_err err = monitor_count(m, 0, 256, &max);
    unsigned count, same;

    if (err)
        return err;
    count = dbg_backtrace(m->sim->dbg, m->cpu, frames, max < 256 ? (unsigned)max : 256);
    for (unsigned n = 0; n < count; n += same) {
        for (same = 1; n && n + same < count && frames[n + same].ip == frames[n].ip; same++)
            ;
        say_frame(m, n, &frames[n]);
        if (same > 2)
            say(m, "    and %u more like it\n", same - 1);
        else if (same == 2)
            say_frame(m, n + 1, &frames[n + 1]);
    }
    return SIM_OK;
}

static enum sim_err translate(struct monitor_call *m)
{
    uint64_t addr;
    enum sim_err err = m->count ? monitor_eval(m, m->args, &addr) : monitor_usage(m, "translate ADDR");

    if (!err)
        dbg_view_translate(m->sim->dbg, m->cpu, addr, m->out);
    return err;
}

#define FORMATS "\nFMT: a count, a letter (x hex, d signed, u unsigned, o octal, t binary, c character,\na address, s string, i instruction) and a size (b h w g: 1 2 4 8 bytes)."

const struct monitor_command monitor_memory_commands[] = {
    { "x", "", "x[/FMT] [ADDR]", "Show memory at a linear address; without one, what follows." FORMATS, examine, FOLLOW_EXPRESSION, NULL },
    { "xp", "", "xp[/FMT] [ADDR]", "Show memory at a physical address." FORMATS, examine, FOLLOW_EXPRESSION, NULL },
    { "print", "p", "print[/FMT] EXPR",
      "Show a value. Expressions: numbers, $registers, symbols, memory as b[ADDR] w[] d[] q[] (pb[] ...: physical) or *ADDR,\nand C's operators.", print,
      FOLLOW_EXPRESSION, NULL },
    { "set", "", "set REGISTER|b[ADDR]|w[ADDR]|d[ADDR]|q[ADDR]|*ADDR = EXPR",
      "Change a register or memory. It is an input of the run: what was recorded after this step is dropped.", set, FOLLOW_EXPRESSION, NULL },
    { "disassemble", "disas", "disassemble [ADDR[, END|, +LENGTH]]", "Show code, from the next instruction on or at an address.", disassemble,
      FOLLOW_EXPRESSION, NULL },
    { "backtrace", "bt where", "backtrace [N]", "Show the call stack, innermost first.", backtrace, FOLLOW_NONE, NULL },
    { "translate", "", "translate ADDR", "Walk the page tables for a linear address, level by level.", translate, FOLLOW_EXPRESSION, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
