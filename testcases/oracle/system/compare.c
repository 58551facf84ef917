/*
 * Compares two logs of the system oracle: the simulator's and a peer's.
 *
 *     compare PEER OURS THEIRS [most differences to show]
 *
 * The peer's known errors are rows of a table (peers.c); each says exactly what differs where, and what the manual says. What no row
 * explains is shown, and makes the exit status 1. A difference ends the comparison of its case unless its row says that the case goes on
 * as before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testcases/oracle/system/peers.h"

enum { MAX_VALUES = 2048, MAX_EVENTS = 64, MAX_TOKENS = 1024, MAX_CAUSES = 64 };

static void *allocate(size_t bytes)
{
    void *p = malloc(bytes);

    if (!p) {
        perror("compare");
        exit(2);
    }
    return p;
}

/* ---- A log: lines, and where each case begins ---- */

struct log {
    char *text;
    char **line;
    size_t lines, next;     /* next: of the case that comes next */
};

static void read_log(const char *path, struct log *log)
{
    FILE *f = fopen(path, "rb");
    size_t used = 0, room = 1 << 20, got;

    if (!f) {
        fprintf(stderr, "compare: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    log->text = allocate(room + 1);
    while ((got = fread(log->text + used, 1, room - used, f)) > 0) {
        used += got;
        if (used == room) {
            log->text = realloc(log->text, (room *= 2) + 1);
            if (!log->text) {
                perror("compare");
                exit(2);
            }
        }
    }
    fclose(f);
    log->text[used] = 0;
    room = 1;
    for (const char *p = log->text; (p = strchr(p, '\n')); p++)
        room++;
    log->line = allocate(room * sizeof(char *));
    for (char *p = strtok(log->text, "\n"); p; p = strtok(NULL, "\n"))
        if (strchr("CDEX", p[0]) && p[1] == ' ')
            log->line[log->lines++] = p;
    log->next = 0;
}

/* The lines of the case that comes next: [from, to). False: there is none. */
static bool next_case(struct log *log, size_t *from, size_t *to, unsigned *number)
{
    while (log->next < log->lines && log->line[log->next][0] != 'C')
        log->next++;
    if (log->next >= log->lines)
        return false;
    *number = (unsigned)strtoul(log->line[log->next] + 2, NULL, 16);
    *from = ++log->next;
    while (log->next < log->lines && log->line[log->next][0] != 'C')
        log->next++;
    *to = log->next;
    return true;
}

/* ---- The state that a log tells ---- */

struct value {
    char name[12];
    uint32_t v;
    uint32_t excused;       /* bits that a row has explained; of ours */
};
struct state {
    struct value value[MAX_VALUES];
    unsigned values;
};

static struct value *find_value(struct state *s, const char *name)
{
    for (unsigned n = 0; n < s->values; n++)
        if (!strcmp(s->value[n].name, name))
            return &s->value[n];
    if (s->values == MAX_VALUES) {
        fprintf(stderr, "compare: too many values in a case\n");
        exit(2);
    }
    s->value[s->values] = (struct value){ .v = 0 };
    snprintf(s->value[s->values].name, sizeof(s->value[0].name), "%s", name);
    return &s->value[s->values++];
}

static uint32_t *value_of(struct state *s, const char *name)
{
    return &find_value(s, name)->v;
}

static struct state ours, theirs;

uint32_t peer_value(const char *name)
{
    return *value_of(&ours, name);
}

uint32_t peer_theirs(const char *name)
{
    return *value_of(&theirs, name);
}

static bool knows(const struct state *s, const char *name)
{
    for (unsigned n = 0; n < s->values; n++)
        if (!strcmp(s->value[n].name, name))
            return true;
    return false;
}

/* What both began with. */
static void begin(const char *name, uint32_t v)
{
    if (!knows(&ours, name))
        *value_of(&ours, name) = v;
    if (!knows(&theirs, name))
        *value_of(&theirs, name) = v;
}

/* Takes an event's line apart; the names of what it tells are added to `names`. */
static void parse(const char *line, struct state *s, struct event *e, char names[][12], unsigned *count)
{
    static char copy[2][1 << 16];
    char *p = copy[s == &ours], *token, *save;

    snprintf(p, sizeof(copy[0]), "%s", line);
    *e = (struct event){ .line = line };
    strtok_r(p, " ", &save);
    token = strtok_r(NULL, " ", &save);
    e->vector = token ? (int)strtol(token, NULL, 16) : -1;
    token = strtok_r(NULL, " ", &save);
    e->error = token && *token != '-' ? strtol(token, NULL, 16) : -1;
    token = strtok_r(NULL, " ", &save);
    e->what = token ? token : "";
    while ((token = strtok_r(NULL, " ", &save))) {
        char *equal = strchr(token, '='), *before;

        if (!equal || equal - token >= 12)
            continue;
        *equal = 0;
        before = strchr(equal + 1, ':');
        if (before)
            begin(token, (uint32_t)strtoul(before + 1, NULL, 16));
        *value_of(s, token) = (uint32_t)strtoul(equal + 1, NULL, 16);
        if (*count < MAX_TOKENS)
            snprintf(names[(*count)++], 12, "%s", token);
    }
}

/* ---- What our processor has met since the last event: see subject.c ---- */

static const char *causes[MAX_CAUSES];
static unsigned cause_count;

bool peer_caused(const char *id)
{
    for (unsigned n = 0; n < cause_count; n++)
        if (!strcmp(causes[n], id))
            return true;
    return false;
}

bool peer_caused_kind(const char *start)
{
    for (unsigned n = 0; n < cause_count; n++)
        if (!strncmp(causes[n], start, strlen(start)))
            return true;
    return false;
}

static void show_causes(void)
{
    printf("    causes:");
    for (unsigned n = 0; n < cause_count; n++)
        printf(" %s", causes[n]);
    printf("\n");
}

/* ---- Comparison ---- */

static unsigned long cases, events, unexplained, not_ended, left_out, shown, show_most = 10;
static const struct peer *peer;

/* False: enough of them. */
static bool show(unsigned number, const char *a, const char *b, const char *before)
{
    unexplained++;
    if (shown++ >= show_most)
        return false;
    printf("case %u (%x): %s\n    before: %.200s\n    ours:   %s\n    theirs: %s\n", number, number, peer->name, before, a, b);
    show_causes();
    return true;
}

/* The values that no row explains, ours first. */
static void show_values(const struct event *a, const struct event *b, char names[][12], unsigned count)
{
    printf("    differ:");
    for (unsigned n = 0; n < count; n++) {
        struct difference d = { a, b, names[n], *value_of(&ours, names[n]), *value_of(&theirs, names[n]) };

        if ((d.ours ^ d.theirs) & ~find_value(&ours, names[n])->excused && !peer_explains(peer, &d))
            printf(" %s=%x/%x", names[n], d.ours, d.theirs);
    }
    printf("\n");
}

/* One row for each value that differs, or NULL. What a row has explained may still differ later, in the same bits. */
static struct known *explain_values(const struct event *a, const struct event *b, char names[][12], unsigned count, bool *equal)
{
    struct known *row = NULL;

    *equal = true;
    for (unsigned n = 0; n < count; n++) {
        struct difference d = { a, b, names[n], *value_of(&ours, names[n]), *value_of(&theirs, names[n]) };
        uint32_t bits = d.ours ^ d.theirs, *excused = &find_value(&ours, names[n])->excused;
        struct known *found;

        *excused &= bits;
        if (bits == *excused)
            continue;
        *equal = false;
        found = peer_explains(peer, &d);
        if (!found)
            return NULL;
        *excused = bits;
        if (!row || found->ends)
            row = found;
    }
    return row;
}

/* False: the rest of the case is no use. */
static bool compare_event(unsigned number, const char *a, const char *b, const char *before)
{
    static char names[MAX_TOKENS][12];
    struct event one, two;
    unsigned count = 0;
    bool equal;
    struct known *row;

    events++;
    if (a[0] != 'E' || b[0] != 'E') {
        struct event none = { .line = a, .vector = -1, .what = "" }, other = { .line = b, .vector = -1, .what = "" };
        struct difference d = { &none, &other, "", 0, 0 };

        if (!strcmp(a, b))
            return false;
        if (!strcmp(b, "X died")) { /* or was too slow: that is no difference of state */
            not_ended++;
            return false;
        }
        if (a[0] == 'E')
            parse(a, &ours, &none, names, &count);
        if (b[0] == 'E')
            parse(b, &theirs, &other, names, &count);
        row = peer_explains(peer, &d);
        if (row)
            row->met++;
        else
            show(number, a, b, before);
        return false;
    }
    parse(a, &ours, &one, names, &count);
    parse(b, &theirs, &two, names, &count);
    if (one.vector != two.vector || one.error != two.error || strcmp(one.what, two.what)) {
        struct difference d = { &one, &two, "", 0, 0 };

        row = peer_explains(peer, &d);
        if (row) {
            row->met++;
            return !row->ends;
        }
        show(number, a, b, before);
        return false;
    }
    row = explain_values(&one, &two, names, count, &equal);
    if (equal)
        return true;
    if (row) {
        row->met++;
        return !row->ends;
    }
    if (show(number, a, b, before))
        show_values(&one, &two, names, count);
    return false;
}

static void compare_case(unsigned number, char **a, size_t na, char **b, size_t nb)
{
    const char *before = "";

    if (na && !strcmp(a[na - 1], "X died")) { /* so the peer was not asked */
        left_out++;
        return;
    }
    cases++;
    ours.values = theirs.values = 0;
    for (size_t n = 0, m = 0; n < na || m < nb; n++, m++) {
        const char *one, *two = m < nb ? b[m] : "X died";

        for (cause_count = 0; n < na && a[n][0] == 'D'; n++)
            if (cause_count < MAX_CAUSES)
                causes[cause_count++] = a[n] + 2;
        one = n < na ? a[n] : "X died";
        if (!compare_event(number, one, two, before))
            return;
        before = one;
    }
}

int main(int argc, char **argv)
{
    static struct log a, b;
    size_t from_a, to_a, from_b, to_b;
    unsigned number_a, number_b = 0;
    bool more;

    if (argc < 4) {
        fprintf(stderr, "usage: compare PEER OURS THEIRS [MOST]\n");
        return 2;
    }
    peer = peer_find(argv[1]);
    if (!peer) {
        fprintf(stderr, "compare: %s: no such peer\n", argv[1]);
        return 2;
    }
    if (argc > 4)
        show_most = strtoul(argv[4], NULL, 10);
    read_log(argv[2], &a);
    read_log(argv[3], &b);
    more = next_case(&b, &from_b, &to_b, &number_b);
    while (next_case(&a, &from_a, &to_a, &number_a)) {
        if (!more || number_b > number_a) { /* the peer has not even begun it */
            not_ended++;
            continue;
        }
        while (more && number_b < number_a)
            more = next_case(&b, &from_b, &to_b, &number_b);
        if (!more || number_b != number_a)
            continue;
        compare_case(number_a, a.line + from_a, to_a - from_a, b.line + from_b, to_b - from_b);
        more = next_case(&b, &from_b, &to_b, &number_b);
    }
    if (!cases && !left_out) {
        fprintf(stderr, "compare: there is no case in both logs\n");
        return 2;
    }
    for (const struct known *k = peer->known; k->why; k++)
        if (k->met)
            printf("known error of %s: %lu times: %s\n", peer->name, k->met, k->why);
    if (left_out)
        printf("%lu cases that the simulator does not end were left out\n", left_out);
    if (not_ended)
        printf("%s did not end %lu cases that the simulator ends\n", peer->name, not_ended);
    printf("system oracle: %lu cases, %lu events compared with %s; %lu differences not explained\n", cases, events, peer->name, unexplained);
    return unexplained != 0;
}
