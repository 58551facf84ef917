/* The syntax of probes: sim_probe_add() in libsim/debug.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "debug/private.h"

struct words {
    char text[512], condition[512];
    char *word[64];
    unsigned count;
};

static enum sim_err split_words(const char *spec, struct words *w)
{
    char *rest = NULL;

    if (strlen(spec) >= sizeof(w->text))
        return sim_fail(SIM_ERR_USAGE, "a probe of more than %zu characters", sizeof(w->text) - 1);
    strcpy(w->text, spec);
    w->count = 0;
    for (char *at = strtok_r(w->text, " \t", &rest); at && w->count < 64; at = strtok_r(NULL, " \t", &rest))
        w->word[w->count++] = at;
    return w->count ? SIM_OK : sim_fail(SIM_ERR_USAGE, "an empty probe");
}

/* The rest of the specification as it was written, from word n on: for conditions and texts with blanks. */
static const char *rest_from(const char *spec, const struct words *w, unsigned n)
{
    return spec + (w->word[n] - w->text);
}

static enum sim_err parse_range(struct dbg *dbg, char *text, struct dbg_probe *p)
{
    char *colon = strchr(text, ':');
    struct cpu *cpu = cpu_get(dbg->cluster, 0);
    enum sim_err err;

    if (colon)
        *colon = 0;
    err = dbg_eval(dbg, cpu, text, &p->addr);
    if (!err && colon)
        err = dbg_eval(dbg, cpu, colon + 1, &p->length);
    if (!err && colon && (p->length == 0 || p->length > 1u << 30))
        err = sim_fail(SIM_ERR_USAGE, "length %s: from 1 to 1 GiB", colon + 1);
    return err;
}

static enum sim_err parse_break(struct dbg *dbg, char *text, struct dbg_probe *p)
{
    char *colon = strrchr(text, ':');
    uint64_t line;
    char *end;

    p->kind = DBG_BREAK;
    if (strncmp(text, "phys:", 5) == 0) {
        p->kind = DBG_BREAK_PHYS;
        return dbg_eval(dbg, cpu_get(dbg->cluster, 0), text + 5, &p->addr);
    }
    if (!colon)
        return dbg_eval(dbg, cpu_get(dbg->cluster, 0), text[0] == '*' ? text + 1 : text, &p->addr);
    line = strtoull(colon + 1, &end, 10);
    *colon = 0;
    if (*end || !line || !dbg_line_find(dbg, text, (unsigned)line, &p->addr))
        return sim_fail(SIM_ERR_UNKNOWN, "no code at %s:%s", text, colon + 1);
    return SIM_OK;
}

/* "14", "32-47", "8,13,14", or nothing (all 256). */
static enum sim_err parse_vectors(const char *text, struct dbg_probe *p)
{
    const char *at = text;

    p->addr = 0;
    p->length = 256;
    if (!text || !isdigit((unsigned char)*text))
        return SIM_OK;
    for (;; at++) {
        char *end;
        unsigned long first = strtoul(at, &end, 0), last = first;

        if (*end == '-')
            last = strtoul(end + 1, &end, 0);
        if (end == at || (*end && *end != ',') || first > last || last > 255)
            return sim_fail(SIM_ERR_USAGE, "vectors '%s': numbers up to 255 and ranges, with commas between them", text);
        for (; first <= last; first++)
            p->vectors[first / 64] |= 1ull << (first & 63);
        at = end;
        if (!*at)
            return SIM_OK;
    }
}

struct catch_word {
    const char *word;
    enum dbg_kind kind;
    bool wants_argument;
};
static const struct catch_word catch_words[] = {
    { "interrupt", DBG_CATCH_VECTOR, false }, { "exception", DBG_CATCH_VECTOR, false }, { "port", DBG_CATCH_PORT, true },
    { "cr", DBG_CATCH_CR, true },             { "msr", DBG_CATCH_MSR, true },           { "mode", DBG_CATCH_MODE, false },
    { "magic", DBG_CATCH_MAGIC, false },      { "console", DBG_CATCH_CONSOLE, true },      { "triple-fault", DBG_CATCH_SHUTDOWN, false },
    { "reset", DBG_CATCH_RESET, false },
};

/* *used: words that belong to the catch itself. */
static enum sim_err parse_catch(struct dbg *dbg, const char *spec, struct words *w, struct dbg_probe *p, unsigned *used)
{
    const struct catch_word *c = NULL;
    char *argument = w->count > 2 ? w->word[2] : NULL;

    for (unsigned n = 0; n < sizeof(catch_words) / sizeof(catch_words[0]); n++)
        if (w->count > 1 && strcmp(w->word[1], catch_words[n].word) == 0)
            c = &catch_words[n];
    if (!c)
        return sim_fail(SIM_ERR_USAGE, "catch what? interrupt, exception, triple-fault, port, cr, msr, mode, magic, reset or console");
    if (c->wants_argument && !argument)
        return sim_fail(SIM_ERR_USAGE, "catch %s needs an argument", c->word);
    p->kind = c->kind;
    *used = c->wants_argument ? 3 : 2;
    switch (c->kind) {
    case DBG_CATCH_VECTOR:
        p->exceptions_only = strcmp(c->word, "exception") == 0;
        p->interrupts_only = !p->exceptions_only;
        *used += argument && isdigit((unsigned char)*argument);
        return parse_vectors(argument, p);
    case DBG_CATCH_CONSOLE:
        p->text = (char *)rest_from(spec, w, 2);
        *used = w->count;
        return SIM_OK;
    case DBG_CATCH_MODE: case DBG_CATCH_MAGIC: return SIM_OK;
    case DBG_CATCH_SHUTDOWN: case DBG_CATCH_RESET:
        return w->count == 2 ? SIM_OK : sim_fail(SIM_ERR_USAGE, "catch %s: it takes no options", c->word);
    default: return parse_range(dbg, argument, p);
    }
}

static bool is_option(const char *word)
{
    return strcmp(word, "once") == 0 || strcmp(word, "if") == 0 || strcmp(word, "log") == 0 || strcmp(word, "ignore") == 0 || strcmp(word, "cpu") == 0;
}

static enum sim_err parse_count(const char *option, const char *text, unsigned long max, unsigned long *out)
{
    char *end;

    *out = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end || *out > max)
        return sim_fail(SIM_ERR_USAGE, "%s %s: a number from 0 to %lu", option, text, max);
    return SIM_OK;
}

/* The condition goes on up to the next option; what cannot be understood now will not be later. Memory may be mapped by then. */
static enum sim_err parse_condition(struct dbg *dbg, const char *spec, struct words *w, unsigned *n, struct dbg_probe *p)
{
    const char *start = rest_from(spec, w, *n);
    enum sim_err err;
    uint64_t value;
    size_t len;

    while (*n < w->count && !is_option(w->word[*n]))
        ++*n;
    len = *n < w->count ? (size_t)(rest_from(spec, w, *n) - start) : strlen(start);
    memcpy(w->condition, start, len);
    w->condition[len] = 0;
    p->condition = w->condition;
    err = dbg_eval(dbg, cpu_get(dbg->cluster, 0), w->condition, &value);
    return err == SIM_ERR_FAULT ? SIM_OK : err;
}

static enum sim_err parse_options(struct dbg *dbg, const char *spec, struct words *w, unsigned n, struct dbg_probe *p)
{
    enum sim_err err = SIM_OK;
    unsigned long number;

    while (!err && n < w->count) {
        const char *word = w->word[n], *argument = n + 1 < w->count ? w->word[n + 1] : NULL;

        n++;
        if (!is_option(word))
            return sim_fail(SIM_ERR_USAGE, "probe: '%s' is not understood here (if EXPR, ignore N, cpu N, once, log TEXT)", word);
        if (strcmp(word, "once") == 0) {
            p->once = true;
            continue;
        }
        if (!argument)
            return sim_fail(SIM_ERR_USAGE, "probe: '%s' needs an argument", word);
        if (strcmp(word, "log") == 0) {
            p->log = (char *)rest_from(spec, w, n);
            return SIM_OK;
        }
        if (strcmp(word, "if") == 0) {
            err = parse_condition(dbg, spec, w, &n, p);
            continue;
        }
        n++;
        err = parse_count(word, argument, *word == 'c' ? cpu_count(dbg->cluster) - 1 : UINT32_MAX, &number);
        if (err)
            return err;
        if (*word == 'c')
            p->cpu = (int)number;
        else
            p->ignore = (uint32_t)number;
    }
    return err;
}

enum sim_err dbg_probe_parse(struct dbg *dbg, const char *spec, uint32_t *id)
{
    struct dbg_probe p = { .cpu = -1, .enabled = true, .length = 1, .spec = (char *)spec };
    struct words w;
    unsigned used = 2;
    enum sim_err err;

    while (isspace((unsigned char)*spec))
        spec++;
    err = split_words(spec, &w);
    if (err)
        return err;
    if (strcmp(w.word[0], "catch") == 0)
        err = parse_catch(dbg, spec, &w, &p, &used);
    else if (w.count < 2)
        err = sim_fail(SIM_ERR_USAGE, "%s what?", w.word[0]);
    else if (strcmp(w.word[0], "break") == 0)
        err = parse_break(dbg, w.word[1], &p);
    else if (strcmp(w.word[0], "watch") == 0 || strcmp(w.word[0], "rwatch") == 0 || strcmp(w.word[0], "awatch") == 0) {
        p.kind = w.word[0][0] == 'w' ? DBG_WATCH_WRITE : w.word[0][0] == 'r' ? DBG_WATCH_READ : DBG_WATCH_ACCESS;
        p.length = 4;
        err = parse_range(dbg, w.word[1], &p);
    } else {
        err = sim_fail(SIM_ERR_USAGE, "a probe begins with break, watch, rwatch, awatch or catch, not '%s'", w.word[0]);
    }
    if (!err)
        err = parse_options(dbg, spec, &w, used, &p);
    return err ? err : dbg_probe_add(dbg, &p, id);
}
