#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A guest chooses the names (ports, MSRs); past this many the log says so once and keeps quiet. */
#define SEEN_MAX 4096
#define SEEN_BUCKETS 1024

struct seen_name {
    struct seen_name *next;
    size_t component_len;
    char text[]; /* component, then what */
};

struct sim_log_seen {
    uint32_t count;
    bool full_said;
    struct seen_name *bucket[SEEN_BUCKETS];
};

static void say(struct sim_log *log, enum sim_log_level level, const char *component, const char *lead,
                const char *fmt, va_list ap)
{
    char line[1024];
    int n = snprintf(line, sizeof(line), "%s", lead);

    if (n < 0 || (size_t)n >= sizeof(line))
        n = 0;
    vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = ' ';
    log->fn(log->arg, level, component, line);
}

static bool silent(const struct sim_log *log, enum sim_log_level level)
{
    return !log->fn || log->muted || level > log->level;
}

enum seen { SEEN_BEFORE, SEEN_FIRST, SEEN_FULL };

static enum seen remember(struct sim_log *log, const char *component, const char *what)
{
    size_t clen = strlen(component), wlen = strlen(what);
    uint32_t hash = 2166136261u; /* FNV-1a */
    struct seen_name *s, **bucket;

    if (!log->seen)
        log->seen = (struct sim_log_seen *)calloc(1, sizeof(*log->seen));
    if (!log->seen)
        return SEEN_FIRST;
    for (const char *p = component; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    for (const char *p = what; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    bucket = &log->seen->bucket[hash % SEEN_BUCKETS];
    for (s = *bucket; s; s = s->next)
        if (s->component_len == clen && !memcmp(s->text, component, clen) && !strcmp(s->text + clen, what))
            return SEEN_BEFORE;
    if (log->seen->count >= SEEN_MAX)
        return SEEN_FULL;
    s = (struct seen_name *)malloc(sizeof(*s) + clen + wlen + 1);
    if (!s)
        return SEEN_FIRST;
    s->component_len = clen;
    memcpy(s->text, component, clen);
    memcpy(s->text + clen, what, wlen + 1);
    s->next = *bucket;
    *bucket = s;
    log->seen->count++;
    return SEEN_FIRST;
}

void sim_log_init(struct sim_log *log)
{
    memset(log, 0, sizeof(*log));
    log->level = SIM_LOG_WARN;
}

void sim_log_fini(struct sim_log *log)
{
    for (unsigned i = 0; log->seen && i < SEEN_BUCKETS; i++) {
        while (log->seen->bucket[i]) {
            struct seen_name *s = log->seen->bucket[i];

            log->seen->bucket[i] = s->next;
            free(s);
        }
    }
    free(log->seen);
    log->seen = NULL;
}

void sim_log(struct sim_log *log, enum sim_log_level level, const char *component, const char *fmt, ...)
{
    va_list ap;

    if (silent(log, level))
        return;
    va_start(ap, fmt);
    say(log, level, component, "", fmt, ap);
    va_end(ap);
}

void sim_log_unmodelled(struct sim_log *log, const char *component, const char *what, const char *fmt, ...)
{
    char lead[256];
    va_list ap;

    if (silent(log, SIM_LOG_WARN))
        return;
    switch (remember(log, component, what)) {
    case SEEN_BEFORE:
        return;
    case SEEN_FULL:
        if (!log->seen->full_said) {
            log->seen->full_said = true;
            sim_log(log, SIM_LOG_WARN, "log", "more than %d things are not modelled; no more are named", SEEN_MAX);
        }
        return;
    case SEEN_FIRST:
        snprintf(lead, sizeof(lead), "%s is not modelled: ", what);
        va_start(ap, fmt);
        say(log, SIM_LOG_WARN, component, lead, fmt, ap);
        va_end(ap);
        return;
    }
}
