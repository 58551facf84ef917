/* Expressions: recursive descent over C's precedence, in 64-bit unsigned arithmetic. Reads the guest as an observer. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "debug/private.h"

#define MAX_DEPTH 64 /* of parentheses and unary operators: the text is a user's, the stack is ours */

struct parser {
    struct dbg *dbg;
    struct cpu *cpu;
    const char *text, *at;
    enum sim_err err;
    unsigned depth;
    unsigned skip; /* > 0: in the part of && or || that does not count: nothing there can fail */
};

static void fail(struct parser *p, enum sim_err err, const char *what)
{
    if (!p->err)
        p->err = sim_fail(err, "expression '%s', column %d: %s", p->text, (int)(p->at - p->text) + 1, what);
}

static void blanks(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

/* ---- Operators ---- */

enum op { OP_OR, OP_AND, OP_BOR, OP_XOR, OP_BAND, OP_EQ, OP_NE, OP_LE, OP_GE, OP_SHL, OP_SHR, OP_LT, OP_GT, OP_ADD, OP_SUB, OP_MUL, OP_DIV,
          OP_MOD, OP_NONE };

/* Longer ones first. */
static const struct { char text[3]; uint8_t level, op; } operators[] = {
    { "||", 1, OP_OR }, { "&&", 2, OP_AND }, { "==", 6, OP_EQ },  { "!=", 6, OP_NE }, { "<=", 7, OP_LE },  { ">=", 7, OP_GE },
    { "<<", 8, OP_SHL }, { ">>", 8, OP_SHR }, { "|", 3, OP_BOR }, { "^", 4, OP_XOR }, { "&", 5, OP_BAND }, { "<", 7, OP_LT },
    { ">", 7, OP_GT },  { "+", 9, OP_ADD },  { "-", 9, OP_SUB },  { "*", 10, OP_MUL }, { "/", 10, OP_DIV }, { "%", 10, OP_MOD },
};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

static enum op peek_operator(struct parser *p, unsigned *level, size_t *len)
{
    blanks(p);
    for (unsigned n = 0; n < OPERATORS; n++) {
        *len = strlen(operators[n].text);
        if (strncmp(p->at, operators[n].text, *len) == 0) {
            *level = operators[n].level;
            return (enum op)operators[n].op;
        }
    }
    return OP_NONE;
}

static uint64_t apply(struct parser *p, enum op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case OP_OR: return a || b;
    case OP_AND: return a && b;
    case OP_BOR: return a | b;
    case OP_XOR: return a ^ b;
    case OP_BAND: return a & b;
    case OP_EQ: return a == b;
    case OP_NE: return a != b;
    case OP_LE: return a <= b;
    case OP_GE: return a >= b;
    case OP_LT: return a < b;
    case OP_GT: return a > b;
    case OP_SHL: return b < 64 ? a << b : 0;
    case OP_SHR: return b < 64 ? a >> b : 0;
    case OP_ADD: return a + b;
    case OP_SUB: return a - b;
    case OP_MUL: return a * b;
    default: break;
    }
    if (!b) {
        if (!p->skip)
            fail(p, SIM_ERR_USAGE, "division by zero");
        return 0;
    }
    return op == OP_DIV ? a / b : a % b;
}

/* ---- Operands ---- */

static uint64_t parse_level(struct parser *p, unsigned level);

/* What stands at `addr`; a failure is reported at the place `where` in the text. */
static uint64_t memory(struct parser *p, const char *where, uint64_t addr, unsigned size, bool physical)
{
    const char *at = p->at;
    uint64_t v = 0;
    char what[64];
    bool ok;

    if (p->skip || p->err)
        return 0;
    ok = physical ? bus_peek(p->dbg->bus, addr, &v, size) == size : dbg_peek(p->cpu, addr, &v, size);
    if (ok)
        return v;
    snprintf(what, sizeof(what), physical ? "nothing answers at physical address 0x%llx" : "0x%llx is not mapped", (unsigned long long)addr);
    p->at = where;
    fail(p, SIM_ERR_FAULT, what);
    p->at = at;
    return 0;
}

/* b[..], w[..], d[..], q[..], with p before them for physical memory. Returns the size, 0: something else. */
static unsigned memory_word(const char *at, bool *physical)
{
    static const char letters[] = "bwdq";
    const char *letter;

    *physical = *at == 'p';
    at += *physical;
    letter = *at ? strchr(letters, *at) : NULL;
    return letter && at[1] == '[' ? 1u << (letter - letters) : 0;
}

static uint64_t bracket(struct parser *p, unsigned size, bool physical)
{
    const char *start = p->at;
    uint64_t addr;

    p->at += physical ? 3 : 2;
    addr = parse_level(p, 1);
    blanks(p);
    if (*p->at != ']') {
        fail(p, SIM_ERR_USAGE, "']' is missing");
        return 0;
    }
    p->at++;
    return memory(p, start, addr, size, physical);
}

static uint64_t number(struct parser *p)
{
    unsigned base = 10;
    uint64_t v = 0;
    bool any = false;

    if (p->at[0] == '0' && (p->at[1] == 'x' || p->at[1] == 'X')) {
        base = 16;
        p->at += 2;
    }
    for (; isalnum((unsigned char)*p->at); p->at++) {
        unsigned char c = (unsigned char)*p->at;
        unsigned digit = (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);

        if (digit >= base || v > (UINT64_MAX - digit) / base) {
            fail(p, SIM_ERR_USAGE, digit >= base ? "not a digit of this number" : "a number of more than 64 bits");
            return 0;
        }
        v = v * base + digit;
        any = true;
    }
    if (!any)
        fail(p, SIM_ERR_USAGE, "a number is expected here");
    return v;
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '@' || c == '$' || c == '?';
}

static enum sim_err name_value(struct parser *p, const char *name, bool is_register, uint64_t *v)
{
    if (!is_register && dbg_symbol_find(p->dbg, name, v))
        return SIM_OK;
    return dbg_reg_read(p->cpu, name, v);
}

/* $register, symbol, or a register's bare name where no symbol has it. */
static uint64_t name(struct parser *p)
{
    const char *start = p->at;
    bool is_register = *p->at == '$';
    char text[256], what[300];
    uint64_t v = 0;
    enum sim_err err;
    size_t len;

    p->at += is_register;
    while (in_name(*p->at) || (*p->at == ':' && p->at - start == 3 + is_register && strncmp(start + is_register, "msr", 3) == 0))
        p->at++;
    len = (size_t)(p->at - start) - is_register;
    if (len >= sizeof(text)) {
        fail(p, SIM_ERR_UNKNOWN, "a name of more than 255 characters");
        return 0;
    }
    memcpy(text, start + is_register, len);
    text[len] = 0;
    err = name_value(p, text, is_register, &v);
    if (err && !p->err) {
        const char *end = p->at;

        p->at = start;
        if (err == SIM_ERR_USAGE) /* a register that is wider than a number */
            snprintf(what, sizeof(what), "%s", sim_last_error());
        else
            snprintf(what, sizeof(what), "%s '%s' is not known", is_register ? "register" : "symbol or register", text);
        fail(p, err == SIM_ERR_USAGE ? err : SIM_ERR_UNKNOWN, what);
        p->at = end;
    }
    return v;
}

static uint64_t primary(struct parser *p)
{
    bool physical;
    unsigned size = memory_word(p->at, &physical);
    uint64_t v;

    if (size)
        return bracket(p, size, physical);
    if (*p->at == '(') {
        p->at++;
        v = parse_level(p, 1);
        blanks(p);
        if (*p->at != ')')
            fail(p, SIM_ERR_USAGE, "')' is missing");
        else
            p->at++;
        return v;
    }
    if (isdigit((unsigned char)*p->at))
        return number(p);
    if (in_name(*p->at))
        return name(p);
    fail(p, SIM_ERR_USAGE, *p->at ? "a number, name or parenthesis is expected here" : "it ends too early");
    return 0;
}

static uint64_t unary(struct parser *p)
{
    const char *start;
    uint64_t v;
    char op;

    blanks(p);
    start = p->at;
    op = *start;
    if (!op || !strchr("!~-+*", op))
        return primary(p);
    p->at++;
    if (++p->depth > MAX_DEPTH) {
        fail(p, SIM_ERR_USAGE, "nested too deeply");
        return 0;
    }
    v = unary(p);
    p->depth--;
    switch (op) {
    case '!': return !v;
    case '~': return ~v;
    case '-': return 0 - v;
    case '*': return memory(p, start, v, 4, false);
    default: return v;
    }
}

static uint64_t parse_level(struct parser *p, unsigned level)
{
    uint64_t v;

    if (++p->depth > MAX_DEPTH) {
        fail(p, SIM_ERR_USAGE, "nested too deeply");
        return 0;
    }
    v = unary(p);
    while (!p->err) {
        unsigned its_level = 0;
        size_t len = 0;
        enum op op = peek_operator(p, &its_level, &len);
        bool decided = (op == OP_AND && !v) || (op == OP_OR && v);
        uint64_t right;

        if (op == OP_NONE || its_level < level)
            break;
        p->at += len;
        p->skip += decided;
        right = parse_level(p, its_level + 1);
        p->skip -= decided;
        v = apply(p, op, v, right);
    }
    p->depth--;
    return v;
}

enum sim_err dbg_eval(struct dbg *dbg, struct cpu *cpu, const char *text, uint64_t *value)
{
    struct parser p = { .dbg = dbg, .cpu = cpu, .text = text, .at = text };
    uint64_t v = parse_level(&p, 1);

    blanks(&p);
    if (!p.err && *p.at)
        fail(&p, SIM_ERR_USAGE, "an operator is expected here");
    if (!p.err)
        *value = v;
    return p.err;
}
