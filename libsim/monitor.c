#include "libsim/monitor.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static monitor_fn help, quit, script;

static const struct monitor_command core_commands[] = {
    { "help", "h ?", "help [COMMAND]", "List the commands, or say what one does.", help, FOLLOW_COMMAND, NULL },
    { "script", "source", "script FILE", "Run the commands of a file, one a line; # begins a comment. Stops at the first that fails.", script,
      FOLLOW_NONE, NULL },
    { "quit", "q exit", "quit", "End the program.", quit, FOLLOW_NONE, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};

static const struct { const char *title; const struct monitor_command *commands; } themes[] = {
    { "Running, forward and back", monitor_run_commands }, { "Lines and calls", monitor_step_commands },
    { "Stopping", monitor_probe_commands },                { "Looking", monitor_info_commands },
    { "Source", monitor_source_commands },
    { "Memory and registers", monitor_memory_commands },   { "Devices, input, output", monitor_device_commands },
    { "The monitor", core_commands },
};
#define THEMES (sizeof(themes) / sizeof(themes[0]))

/* ---- What is remembered ---- */

struct monitor *monitor_of(struct sim *sim)
{
    if (!sim->monitor)
        sim->monitor = calloc(1, sizeof(*sim->monitor));
    return sim->monitor;
}

void monitor_destroy(struct sim *sim)
{
    free(sim->monitor);
    sim->monitor = NULL;
}

bool sim_wants_quit(const struct sim *sim)
{
    return sim->monitor && sim->monitor->quit;
}

/* ---- For the handlers ---- */

void monitor_flush(struct monitor_call *m)
{
    if (m->emit && m->out->len)
        m->emit(m->emit_arg, sim_buf_cstr(m->out), m->out->len);
    if (m->emit)
        sim_buf_clear(m->out);
}

enum sim_err monitor_usage(const struct monitor_call *m, const char *usage)
{
    return sim_fail(SIM_ERR_USAGE, "%s: usage: %s", m->name, usage);
}

enum sim_err monitor_eval(const struct monitor_call *m, const char *text, uint64_t *value)
{
    return dbg_eval(m->sim->dbg, m->cpu, text, value);
}

enum sim_err monitor_count(const struct monitor_call *m, unsigned n, uint64_t initial, uint64_t *value)
{
    *value = initial;
    return n < m->count ? monitor_eval(m, m->word[n], value) : SIM_OK;
}

bool monitor_abbreviates(const char *word, const char *full, size_t least)
{
    size_t len = strlen(word);

    return len >= least && strncmp(word, full, len) == 0;
}

static uint64_t linear(const struct cpu *cpu, unsigned seg, uint64_t off)
{
    return (uint32_t)(cpu->seg[seg].base + off);
}

uint64_t monitor_pc(const struct cpu *cpu)
{
    return linear(cpu, CPU_CS, cpu->ip);
}

uint64_t monitor_sp(const struct cpu *cpu)
{
    bool wide = cpu->seg[CPU_SS].attr & 1u << 14; /* B */

    return linear(cpu, CPU_SS, wide ? cpu->reg[CPU_SP] : cpu->reg[CPU_SP] & 0xffff);
}

void monitor_say_location(struct monitor_call *m)
{
    char where[200], insn[160];

    dbg_symbolize(m->sim->dbg, monitor_pc(m->cpu), where, sizeof(where));
    dbg_disassemble(m->sim->dbg, m->cpu, monitor_pc(m->cpu), insn, sizeof(insn));
    if (cpu_count(m->sim->cluster) > 1)
        say(m, "cpu %u: ", m->cpu->number);
    say(m, "%04x:%08llx %s%s%s\n", m->cpu->seg[CPU_CS].selector, (ull)m->cpu->ip, where, *where ? "  " : "", insn);
    monitor_say_source(m, monitor_pc(m->cpu));
}

/* For some stops there is more to say. */
static void say_more(struct monitor_call *m, const struct sim_stop *stop)
{
    switch (stop->reason) {
    case SIM_STOP_TRIPLE_FAULT:
        say(m, "%s", sim_explain(m->sim, stop));
        break;
    case SIM_STOP_DEAD_HALT:
        if (m->sim->timeline)
            say(m, "`reverse-stepi` shows how it came here.\n");
        break;
    case SIM_STOP_EXIT:
        say(m, "It wrote 0x%x.\n", stop->code);
        break;
    default:
        break;
    }
}

void monitor_say_stop(struct monitor_call *m, const struct sim_stop *stop)
{
    m->sim->last_stop = *stop;
    if (stop->cpu < cpu_count(m->sim->cluster)) {
        m->sim->focus = stop->cpu;
        m->cpu = cpu_get(m->sim->cluster, stop->cpu);
    }
    if (stop->reason == SIM_STOP_EXIT || stop->reason == SIM_STOP_POWER_OFF || stop->reason == SIM_STOP_INTERRUPTED)
        say(m, "step %llu: %s\n", (ull)stop->at.step, stop->text);
    else if (stop->reason != SIM_STOP_STEPS)
        say(m, "step %llu: %s%s%s\n", (ull)stop->at.step, sim_stop_word(stop->reason), *stop->text ? ": " : "", stop->text);
    say_more(m, stop);
    monitor_say_location(m);
    m->cpu->resume = true; /* a breakpoint here has been seen: going on passes it, whichever way the machine came here */
}

/* ---- Finding a command ---- */

static bool in_list(const char *list, const char *word, size_t len)
{
    while (*list) {
        size_t n = strcspn(list, " ");

        if (n == len && strncmp(list, word, n) == 0)
            return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

static const struct monitor_command *find_exact(const char *word, size_t len)
{
    for (unsigned t = 0; t < THEMES; t++)
        for (const struct monitor_command *c = themes[t].commands; c->name; c++)
            if ((strlen(c->name) == len && strncmp(c->name, word, len) == 0) || in_list(c->aliases, word, len))
                return c;
    return NULL;
}

/* The command, by name, alias or a beginning that no other has. */
static enum sim_err find(const char *word, size_t len, const struct monitor_command **out)
{
    const struct monitor_command *found = find_exact(word, len);

    for (unsigned t = 0; !found && t < THEMES; t++)
        for (const struct monitor_command *c = themes[t].commands; c->name; c++) {
            if (strncmp(c->name, word, len) != 0)
                continue;
            if (found)
                return sim_fail(SIM_ERR_UNKNOWN, "%.*s: could be %s or %s", (int)len, word, found->name, c->name);
            found = c;
        }
    *out = found;
    return found ? SIM_OK : sim_fail(SIM_ERR_UNKNOWN, "%.*s: no such command (help lists them)", (int)len, word);
}

/* ---- Running one ---- */

static const char *skip_blanks(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

static void split(char *text, struct monitor_call *m)
{
    char *rest = NULL;

    for (char *w = strtok_r(text, " \t", &rest); w && m->count < 32; w = strtok_r(NULL, " \t", &rest))
        m->word[m->count++] = w;
}

static size_t trimmed(const char *s)
{
    size_t len = strlen(s);

    while (len && isspace((unsigned char)s[len - 1]))
        len--;
    return len;
}

/* Letters, digits and dashes make a name; a slash begins the format. */
static size_t name_length(const char *line)
{
    return *line == '?' ? 1 : strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
}

/* "x/8xw ADDR": the name, the format, the arguments. */
static enum sim_err call(struct sim *sim, const char *line, struct sim_buf *out, sim_text_fn *emit, void *emit_arg)
{
    struct monitor_call m = { .sim = sim, .cpu = cpu_get(sim->cluster, sim->focus), .out = out, .emit = emit, .emit_arg = emit_arg, .format = "" };
    size_t len = name_length(line), format = line[len] == '/' ? strcspn(line + len, " \t") : 0;
    const struct monitor_command *c;
    enum sim_err err = find(line, len ? len : strcspn(line, " \t"), &c);
    char *text, *cut;

    if (err)
        return err;
    text = strndup(line, trimmed(line));
    cut = text ? strdup(skip_blanks(text + len + format)) : NULL;
    if (cut) {
        m.name = c->name;
        m.args = skip_blanks(text + len + format);
        if (format) {
            text[len + format] = 0; /* the blank before the arguments, or the end */
            m.format = text + len + 1;
        }
        split(cut, &m);
        err = c->fn(&m);
    } else {
        err = sim_fail(SIM_ERR_NOMEM, "out of memory");
    }
    free(text);
    free(cut);
    return err;
}

enum sim_err sim_command(struct sim *sim, const char *line, sim_text_fn *out, void *arg)
{
    struct sim_buf b = SIM_BUF_INIT;
    enum sim_err err = SIM_OK;

    if (sim->running)
        return sim_fail(SIM_ERR_BUSY, "the machine is running: this call may not come from one of its callbacks");
    if (!monitor_of(sim))
        return sim_fail(SIM_ERR_NOMEM, "out of memory");
    line = skip_blanks(line);
    if (*line && *line != '#')
        err = call(sim, line, &b, out, arg);
    if (out && b.len)
        out(arg, sim_buf_cstr(&b), b.len);
    sim_buf_fini(&b);
    return err;
}

/* ---- The monitor's own ---- */

static void help_on(struct monitor_call *m, const struct monitor_command *c)
{
    say(m, "%s%s\n", c->fn && m->count > 1 ? "info " : "", c->usage);
    if (c->aliases[0])
        say(m, "also: %s\n", c->aliases);
    say(m, "%s\n", c->help);
}

static int first_line(const char *text)
{
    return (int)strcspn(text, "\n");
}

static void list_topics(struct monitor_call *m)
{
    for (const struct monitor_command *c = monitor_info_topics; c->name; c++)
        say(m, "  info %-20s %.*s\n", c->usage, first_line(c->help), c->help);
}

static enum sim_err help_topic(struct monitor_call *m, const char *word)
{
    for (const struct monitor_command *c = monitor_info_topics; c->name; c++)
        if (monitor_abbreviates(word, c->name, 1) || in_list(c->aliases, word, strlen(word))) {
            help_on(m, c);
            return SIM_OK;
        }
    return sim_fail(SIM_ERR_UNKNOWN, "info %s: no such topic", word);
}

static enum sim_err help(struct monitor_call *m)
{
    const struct monitor_command *c;
    enum sim_err err;

    if (m->count == 0) {
        for (unsigned t = 0; t < THEMES; t++) {
            say(m, "%s%s\n", t ? "\n" : "", themes[t].title);
            for (c = themes[t].commands; c->name; c++)
                say(m, "  %-16s %.*s\n", c->name, first_line(c->help), c->help);
        }
        say(m, "\nhelp COMMAND says more. A command may be shortened as long as it is clear which.\n");
        return SIM_OK;
    }
    err = find(m->word[0], strlen(m->word[0]), &c);
    if (err)
        return err;
    if (c->follow == FOLLOW_INFO && m->count > 1)
        return help_topic(m, m->word[1]);
    help_on(m, c);
    if (c->follow == FOLLOW_INFO)
        list_topics(m);
    return SIM_OK;
}

static enum sim_err quit(struct monitor_call *m)
{
    m->sim->monitor->quit = true;
    return SIM_OK;
}

#define MAX_DEPTH 8
#define MAX_LINE 1000

/* One line without its end, of at most MAX_LINE + 1 characters; false: there is none. A NUL, which no text has, ends the reading: *is_text. */
static bool read_line(FILE *f, char line[MAX_LINE + 2], bool *is_text)
{
    size_t len = 0;
    int c = 0;

    *is_text = true;
    while (len <= MAX_LINE && *is_text && (c = getc(f)) != EOF && c != '\n') {
        *is_text = c != 0;
        line[len++] = (char)c;
    }
    line[len] = 0;
    return len || c != EOF;
}

static enum sim_err script_lines(struct monitor_call *m, FILE *f)
{
    char line[MAX_LINE + 2];
    enum sim_err err = SIM_OK;
    bool is_text;

    for (unsigned number = 1; !err && !m->sim->monitor->quit && read_line(f, line, &is_text); number++) {
        const char *text = skip_blanks(line);

        if (strlen(line) > MAX_LINE)
            err = sim_fail(SIM_ERR_USAGE, "%s:%u: a line of more than %d characters", m->args, number, MAX_LINE);
        line[strcspn(line, "\r")] = 0;
        if (!err && !is_text)
            err = sim_fail(SIM_ERR_USAGE, "%s:%u: not a text: it has a NUL", m->args, number);
        if (err)
            break;
        if (*text && *text != '#')
            err = call(m->sim, text, m->out, m->emit, m->emit_arg);
        monitor_flush(m);
        if (err)
            err = sim_fail(err, "%s:%u: %s", m->args, number, sim_last_error());
    }
    return err;
}

static enum sim_err script(struct monitor_call *m)
{
    struct monitor *monitor = m->sim->monitor;
    enum sim_err err;
    FILE *f;

    if (!m->count)
        return monitor_usage(m, "script FILE");
    if (monitor->depth == MAX_DEPTH)
        return sim_fail(SIM_ERR_USAGE, "script %s: scripts call each other without end", m->args);
    f = fopen(m->args, "r");
    if (!f)
        return sim_fail(SIM_ERR_IO, "script %s: cannot be read", m->args);
    monitor->depth++;
    err = script_lines(m, f);
    if (!err && ferror(f))
        err = sim_fail(SIM_ERR_IO, "script %s: cannot be read", m->args);
    monitor->depth--;
    fclose(f);
    return err;
}

/* ---- Completion ---- */

/* Hands out the n-th of what is offered, front part included. */
struct offers {
    struct monitor *monitor;
    const char *word;      /* what stands at the end of the line */
    unsigned wanted;
    bool found;
};

static void offer(struct offers *o, const char *prefix, const char *name, size_t len)
{
    char text[sizeof(o->monitor->completion)];

    snprintf(text, sizeof(text), "%s%.*s", prefix, (int)len, name);
    if (o->found || strncmp(text, o->word, strlen(o->word)) != 0)
        return;
    if (o->wanted-- == 0) {
        memcpy(o->monitor->completion, text, sizeof(text));
        o->found = true;
    }
}

static void offer_words(struct offers *o, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, " ");

        offer(o, "", list, n);
        list += n + (list[n] == ' ');
    }
}

static void offer_table(struct offers *o, const struct monitor_command *c)
{
    for (; c->name; c++)
        offer(o, "", c->name, strlen(c->name));
}

static void offer_commands(struct offers *o)
{
    for (unsigned t = 0; t < THEMES; t++)
        offer_table(o, themes[t].commands);
}

static void offer_devices(struct offers *o, struct sim *sim)
{
    struct sim_device *dev = NULL;

    while ((dev = bus_device_next(sim->bus, dev)) != NULL)
        offer(o, "", dev->name, strlen(dev->name));
}

/* Symbols, or registers behind a $; either may stand behind an operator. */
static void offer_names(struct offers *o, struct sim *sim)
{
    size_t front = strlen(o->word);
    char prefix[sizeof(o->monitor->completion)];
    const char *name;

    while (front && (isalnum((unsigned char)o->word[front - 1]) || strchr("_.:", o->word[front - 1])))
        front--;
    if (front >= sizeof(prefix))
        return;
    memcpy(prefix, o->word, front);
    prefix[front] = 0;
    if (front && o->word[front - 1] == '$') {
        for (unsigned n = 0; !o->found && (name = dbg_reg_name(n)) != NULL; n++)
            offer(o, prefix, name, strlen(name));
        return;
    }
    if (o->word[front])
        for (unsigned n = 0; !o->found && (name = dbg_symbol_complete(sim->dbg, o->word + front, n)) != NULL; n++)
            offer(o, prefix, name, strlen(name));
}

static void offer_following(struct offers *o, struct sim *sim, const struct monitor_command *c, unsigned position)
{
    switch (c->follow) {
    case FOLLOW_NONE: break;
    case FOLLOW_EXPRESSION: offer_names(o, sim); break;
    case FOLLOW_WORDS:
        if (position == 1)
            offer_words(o, c->words);
        break;
    case FOLLOW_COMMAND:
        if (position == 1)
            offer_commands(o);
        break;
    case FOLLOW_INFO:
        if (position == 1) {
            offer_table(o, monitor_info_topics);
            offer_devices(o, sim);
        } else {
            offer_names(o, sim);
        }
        break;
    case FOLLOW_DEVICE: offer_devices(o, sim); break;
    case FOLLOW_PROBE:
        offer_names(o, sim);
        if (position > 1)
            offer_words(o, "if ignore cpu once log");
        break;
    }
}

const char *sim_complete(struct sim *sim, const char *line, unsigned n)
{
    struct offers o = { .monitor = monitor_of(sim), .wanted = n };
    const struct monitor_command *c;
    unsigned position = 0;

    if (!o.monitor || sim->running)
        return NULL;
    line = skip_blanks(line);
    o.word = line;
    for (const char *at = line; *at; at++)
        if (isspace((unsigned char)*at)) {
            o.word = at + 1;
            position += !isspace((unsigned char)at[1]);
        }
    if (o.word == line)
        offer_commands(&o);
    else if (find(line, name_length(line), &c) == SIM_OK)
        offer_following(&o, sim, c, position);
    return o.found ? o.monitor->completion : NULL;
}
