/* Hints: plain words for the commonest mistakes, from tables of patterns. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "debug/words.h"
#include "debug/explain.h"

void hint_arg(struct hint *h, unsigned n, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(h->arg[n], sizeof(h->arg[n]), fmt, args);
    va_end(args);
}

/* Eight bytes of a table; false: not mapped. */
bool hint_table_entry(const struct hint *h, uint64_t base, unsigned index, uint64_t *raw)
{
    return dbg_peek(h->s->cpu, base + index * 8u, raw, sizeof(*raw));
}

/* ---- Asking the tables ---- */

static void put(const struct hint *h, const char *text, struct sim_buf *out)
{
    while (*text) {
        size_t plain = strcspn(text, "{");

        sim_buf_put(out, text, plain);
        text += plain;
        if (text[0] == '{' && text[1] >= '0' && text[1] <= '2' && text[2] == '}') {
            sim_buf_printf(out, "%s", h->arg[text[1] - '0']);
            text += 3;
        } else if (*text) {
            sim_buf_put(out, text++, 1);
        }
    }
    sim_buf_put(out, "\n", 1);
}

static bool ask(const struct hint_row *rows, const struct story *s, unsigned n, uint32_t *topics, struct sim_buf *out)
{
    for (; rows->matches; rows++) {
        struct hint h = { .s = s, .d = &s->link[n], .n = n };

        if (!rows->matches(&h))
            continue;
        if (!(*topics >> rows->topic & 1))
            put(&h, rows->text, out);
        *topics |= 1u << rows->topic;
        return true;
    }
    return false;
}

void hints_text(const struct story *s, struct sim_buf *out)
{
    uint32_t topics = 0;

    /* The last thing that failed is why the machine died; the first is what it died of. */
    for (unsigned n = s->count; n-- > 1;)
        if (!story_is_combined(s, n)) {
            if (!ask(hints_tables, s, n, &topics, out))
                ask(hints_reach, s, n, &topics, out);
            if (s->link[n].cause >= CPU_CAUSE_PF_RSVD_ADDR && s->link[n].cause <= CPU_CAUSE_PF_RSVD_PSE36)
                ask(hints_fault, s, n, &topics, out);
        }
    if (words_is_exception(&s->link[0]) && s->link[0].type != CPU_DELIVER_OTHER)
        ask(hints_fault, s, 0, &topics, out);
}
