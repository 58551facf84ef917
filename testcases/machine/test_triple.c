/*
 * Each guest of testcases/guests/triple dies of the cause that its first lines name: checks, vectors, error codes, place, CR2; and the
 * explanation names them too. The guests are read from INDEX, what is expected of them from their sources.
 */
#include "testcases/machine/bench.h"

#include <ctype.h>

#define LINKS 8

struct expectation {
    char cause[LINKS][40], symbol[LINKS][40];
    unsigned causes;
    unsigned vector[LINKS], vectors;
    char error[LINKS][16];
    unsigned errors;
    char eip[40], cr2[40];
    char says[256]; /* words of the explanation; empty: not looked at */
};

/* ---- What a source expects ---- */

static const char *triple_source(char *out, size_t cap, const char *name, const char *suffix)
{
    const char *top = getenv("top_srcdir");

    snprintf(out, cap, "%s/testcases/guests/triple/%s%s", top ? top : ".", name, suffix);
    return out;
}

/* The value of `key=` in a line, up to the next space, in out; false when it is not there. */
static bool value_of(const char *line, const char *key, char *out, size_t cap)
{
    const char *at = strstr(line, key);

    if (!at)
        return false;
    at += strlen(key);
    snprintf(out, cap, "%.*s", (int)strcspn(at, " \t\r\n"), at);
    return true;
}

static void read_line(struct expectation *e, const char *line)
{
    char list[256], *save = NULL;

    if (value_of(line, "chain=", list, sizeof(list)))
        for (char *item = strtok_r(list, ",", &save); item && e->causes < LINKS; item = strtok_r(NULL, ",", &save)) {
            size_t id = strcspn(item, "@");

            snprintf(e->cause[e->causes], sizeof(e->cause[0]), "%.*s", (int)id, item);
            snprintf(e->symbol[e->causes++], sizeof(e->symbol[0]), "%s", item[id] ? item + id + 1 : "");
        }
    if (value_of(line, "vectors=", list, sizeof(list)))
        for (char *item = strtok_r(list, ",", &save); item && e->vectors < LINKS; item = strtok_r(NULL, ",", &save))
            e->vector[e->vectors++] = (unsigned)strtoul(item, NULL, 0);
    if (value_of(line, "error=", list, sizeof(list)))
        for (char *item = strtok_r(list, ",", &save); item && e->errors < LINKS; item = strtok_r(NULL, ",", &save))
            snprintf(e->error[e->errors++], sizeof(e->error[0]), "%s", item);
    value_of(line, "eip=", e->eip, sizeof(e->eip));
    value_of(line, "cr2=", e->cr2, sizeof(e->cr2));
}

static void read_expectation(const char *name, struct expectation *e)
{
    char path[600], line[512];
    FILE *file = fopen(triple_source(path, sizeof(path), name, ".asm"), "r");

    ck_assert_msg(file != NULL, "%s cannot be read", path);
    memset(e, 0, sizeof(*e));
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, ";; expect:", 10) == 0)
            read_line(e, line);
        else if (strncmp(line, ";; says: ", 9) == 0)
            snprintf(e->says, sizeof(e->says), "%.*s", (int)strcspn(line + 9, "\n"), line + 9);
    fclose(file);
    ck_assert_msg(e->causes && e->vectors && e->errors && *e->eip, "%s does not say what to expect", path);
}

/* ---- What the CPU has recorded ---- */

struct chain {
    const struct cpu_delivery *link[CPU_HISTORY];
    unsigned links;
};

/* The newest chain: back to the record that was not met while another was delivered. */
static void read_chain(const struct cpu *cpu, struct chain *c)
{
    uint32_t first = cpu->history_next - 1;

    c->links = 0;
    ck_assert_uint_gt(cpu->history_next, 0);
    while (cpu->history_next - first < CPU_HISTORY && first && cpu->history[first % CPU_HISTORY].nested)
        first--;
    for (uint32_t n = first; n != cpu->history_next; n++)
        c->link[c->links++] = &cpu->history[n % CPU_HISTORY];
}

static bool is_combination(const struct cpu_delivery *d)
{
    return d->vector == VEC_DF && d->type == CPU_DELIVER_EXCEPTION;
}

/* One that was begun: not turned into #DF, and not the last. */
static bool was_attempted(const struct chain *c, unsigned n)
{
    return !c->link[n]->shutdown && (n + 1 >= c->links || is_combination(c->link[n]) || !is_combination(c->link[n + 1]) || !c->link[n]->nested ||
                                     n == 0);
}

/* ---- Mismatches, all of them ---- */

static void mismatch(struct sim_buf *report, const char *what, const char *expected, const char *found)
{
    sim_buf_printf(report, "\n  %s: %s expected, %s found", what, expected, found);
}

static uint64_t address_of(struct sim *sim, const char *text)
{
    uint64_t addr = 0;

    if (isdigit((unsigned char)text[0]))
        return strtoull(text, NULL, 0);
    ck_assert_msg(sim_symbol_address(sim, text, &addr) == SIM_OK, "symbol %s: %s", text, sim_last_error());
    return addr;
}

static void check_place(struct sim *sim, const char *what, const char *symbol, uint64_t laddr, struct sim_buf *report)
{
    char found[240], where[200] = "";
    uint64_t expected = address_of(sim, symbol);

    if (expected == laddr)
        return;
    sim_symbolize(sim, laddr, where, sizeof(where));
    snprintf(found, sizeof(found), "0x%llx %s", (unsigned long long)laddr, where);
    mismatch(report, what, symbol, found);
}

static void check_causes(struct sim *sim, const struct expectation *e, const struct chain *c, struct sim_buf *report)
{
    unsigned at = 0;
    char what[32], error[16];

    for (unsigned n = 0; n < c->links; n++) {
        const struct cpu_delivery *d = c->link[n];

        if (is_combination(d) || !d->cause)
            continue;
        snprintf(what, sizeof(what), "cause %u", at + 1);
        if (at >= e->causes) {
            mismatch(report, what, "nothing", cpu_cause_id(d->cause));
            continue;
        }
        if (strcmp(e->cause[at], cpu_cause_id(d->cause)) != 0)
            mismatch(report, what, e->cause[at], cpu_cause_id(d->cause));
        snprintf(error, sizeof(error), d->has_error ? "0x%x" : "-", d->error);
        snprintf(what, sizeof(what), "error code %u", at + 1);
        if (strcmp(e->error[at], error) != 0)
            mismatch(report, what, e->error[at], error);
        snprintf(what, sizeof(what), "place of cause %u", at + 1);
        if (e->symbol[at][0])
            check_place(sim, what, e->symbol[at], (uint32_t)(d->cs_base + d->ip), report);
        at++;
    }
    for (; at < e->causes; at++)
        mismatch(report, "cause", e->cause[at], "nothing");
}

static void check_vectors(const struct expectation *e, const struct chain *c, struct sim_buf *report)
{
    char expected[64] = "", found[64] = "";
    size_t used = 0;

    for (unsigned n = 0; n < e->vectors; n++)
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s%u", n ? "," : "", e->vector[n]);
    used = 0;
    for (unsigned n = 0; n < c->links && used < sizeof(found) - 8; n++)
        if (was_attempted(c, n))
            used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%u", used ? "," : "", c->link[n]->vector);
    if (strcmp(expected, found) != 0)
        mismatch(report, "vectors", expected, found);
}

static void check_registers(struct sim *sim, const struct expectation *e, struct cpu *cpu, struct sim_buf *report)
{
    char found[32];

    check_place(sim, "eip", e->eip, (uint32_t)(cpu->seg[CPU_CS].base + cpu->ip), report);
    if (strcmp(e->cr2, "-") == 0 || address_of(sim, e->cr2) == cpu->cr2)
        return;
    snprintf(found, sizeof(found), "0x%llx", (unsigned long long)cpu->cr2);
    mismatch(report, "cr2", e->cr2, found);
}

/* The text in one line: it may be broken between any two words. */
static bool says(const char *text, const char *words)
{
    char line[8192];
    size_t len = 0;

    for (; *text && len < sizeof(line) - 1; text++) {
        bool space = *text == ' ' || *text == '\n';

        if (!space || (len && line[len - 1] != ' '))
            line[len++] = space ? ' ' : *text;
    }
    line[len] = 0;
    return strstr(line, words) != NULL;
}

static void check_explanation(struct sim *sim, const struct expectation *e, const struct sim_stop *stop, struct sim_buf *report)
{
    for (unsigned n = 0; n < e->causes; n++) {
        if (!strstr(sim_explain(sim, stop), e->cause[n]))
            mismatch(report, "explanation", e->cause[n], "nothing of it");
        if (!strstr(sim_explain_json(sim, stop), e->cause[n]))
            mismatch(report, "explanation in JSON", e->cause[n], "nothing of it");
    }
    if (!says(sim_explain(sim, stop), e->says))
        mismatch(report, "explanation", e->says, "nothing of it");
}

/* ---- The tests ---- */

static char names[64][40];
static unsigned name_count;

START_TEST(guest_dies_as_expected)
{
    char path[512], guest[64];
    const char *options[] = { "image", NULL, "memory", "16", "timeline", "off", NULL };
    struct sim_buf report = SIM_BUF_INIT;
    struct expectation e;
    struct sim_stop stop;
    struct chain chain;
    struct sim *sim;
    struct cpu *cpu;

    read_expectation(names[_i], &e);
    snprintf(guest, sizeof(guest), "triple/%s.elf", names[_i]);
    options[1] = guest_path(path, sizeof(path), guest);
    sim = machine_from(options);
    ck_assert_int_eq(sim_run_steps(sim, 50000000, &stop), SIM_OK);
    ck_assert_msg(stop.reason == SIM_STOP_TRIPLE_FAULT, "%s: %s at step %llu: %s", names[_i], sim_stop_word(stop.reason),
                  (unsigned long long)stop.at.step, stop.text);
    cpu = cpu_get(sim->cluster, stop.cpu);
    ck_assert_int_eq(cpu->activity, CPU_SHUTDOWN);
    read_chain(cpu, &chain);
    ck_assert_msg(chain.link[chain.links - 1]->shutdown, "%s: the last record does not say that it ended in shutdown", names[_i]);
    check_causes(sim, &e, &chain, &report);
    check_vectors(&e, &chain, &report);
    check_registers(sim, &e, cpu, &report);
    check_explanation(sim, &e, &stop, &report);
    sim_buf_u8(&report, 0);
    ck_assert_msg(report.len == 1, "%s:%s\n%s", names[_i], (const char *)report.data, sim_explain(sim, &stop));
    sim_buf_fini(&report);
    sim_destroy(sim);
}
END_TEST

static void read_names(void)
{
    char path[600], line[300];
    FILE *file = fopen(triple_source(path, sizeof(path), "INDEX", ""), "r");

    while (file && fgets(line, sizeof(line), file))
        if (line[0] != '#' && line[0] != '\n' && name_count < sizeof(names) / sizeof(names[0]))
            snprintf(names[name_count++], sizeof(names[0]), "%.*s", (int)strcspn(line, " \n"), line);
    if (file)
        fclose(file);
}

START_TEST(the_index_lists_fifty_five_guests)
{
    ck_assert_uint_eq(name_count, 55);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("triple faults");
    TCase *index = tcase_create("INDEX");

    read_names();
    tcase_add_test(index, the_index_lists_fifty_five_guests);
    suite_add_tcase(suite, index);
    for (unsigned n = 0; n < name_count; n++) {
        TCase *c = tcase_create(names[n]);

        tcase_add_loop_test(c, guest_dies_as_expected, (int)n, (int)n + 1);
        suite_add_tcase(suite, c);
    }
    return run_suite(suite);
}
