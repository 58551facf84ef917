/*
 * What is told to the one who watches: lines for people on standard error, or JSON objects, one a line, on standard output.
 */
#include "frontends/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNELS 8
#define TEXT_MAX 4000 /* longest piece of console text in one object */

#define PATIENCE 0.1  /* seconds that a line without an end may take */

/* Text of one channel that waits for the end of its line. */
struct channel {
    char name[24];
    char text[TEXT_MAX];
    size_t len;
    double since;         /* host time of its last byte */
};

struct report {
    struct channel channel[CHANNELS];
};

/* ---- JSON ---- */

/* Bytes of the UTF-8 character at s, 0 when it is none. */
static unsigned utf8_length(const unsigned char *s, size_t left)
{
    unsigned len = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : (*s & 0xf0) == 0xe0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;

    if (len > left)
        return 0;
    for (unsigned n = 1; n < len; n++)
        if ((s[n] & 0xc0) != 0x80)
            return 0;
    if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) || (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90))
        return 0;
    return len;
}

/* A JSON string. Bytes that are no UTF-8 stand for the characters of Latin-1. */
static void json_string(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;

    putchar('"');
    for (size_t n = 0; n < len;) {
        unsigned bytes = utf8_length(s + n, len - n);

        if (s[n] == '"' || s[n] == '\\')
            printf("\\%c", s[n]);
        else if (s[n] == '\n')
            fputs("\\n", stdout);
        else if (s[n] == '\r')
            fputs("\\r", stdout);
        else if (s[n] < 0x20 || s[n] == 0x7f || bytes == 0)
            printf("\\u%04x", s[n]);
        else
            fwrite(s + n, 1, bytes, stdout);
        n += bytes ? bytes : 1;
    }
    putchar('"');
}

static void json_text(const char *name, const char *text)
{
    printf(",\"%s\":", name);
    json_string(text, strlen(text));
}

static void json_begin(const char *type)
{
    printf("{\"type\":\"%s\"", type);
}

static void json_end(void)
{
    fputs("}\n", stdout);
}

/* ---- Console text ---- */

static struct channel *find_channel(struct report *r, const char *name)
{
    for (unsigned n = 0; n < CHANNELS; n++) {
        if (!r->channel[n].name[0])
            snprintf(r->channel[n].name, sizeof(r->channel[n].name), "%s", name);
        if (strcmp(r->channel[n].name, name) == 0)
            return &r->channel[n];
    }
    return NULL;
}

static void send_channel(struct channel *c)
{
    if (!c->len)
        return;
    json_begin("console");
    json_text("channel", c->name);
    fputs(",\"text\":", stdout);
    json_string(c->text, c->len);
    json_end();
    c->len = 0;
}

void report_text(struct cli *cli, const char *channel, const void *data, size_t len)
{
    struct channel *c = find_channel(cli->report, channel);
    const char *bytes = data;

    if (!cli->opt.json) {
        fwrite(data, 1, len, stderr);
        return;
    }
    for (size_t n = 0; c && n < len; n++) {
        c->text[c->len++] = bytes[n];
        c->since = host_now();
        if (bytes[n] == '\n' || c->len == sizeof(c->text))
            send_channel(c);
    }
}

void report_flush(struct cli *cli, bool all)
{
    for (unsigned n = 0; n < CHANNELS; n++) {
        struct channel *c = &cli->report->channel[n];

        if (all || (c->len && host_now() - c->since > PATIENCE))
            send_channel(c);
    }
    fflush(stdout);
}

/* ---- Log ---- */

void report_log(struct cli *cli, int level, const char *component, const char *line)
{
    static const char *const words[] = { "error", "warning", "info", "trace" };
    const char *word = words[level < 0 || level > 3 ? 3 : level];

    if (!cli->opt.json) {
        fprintf(stderr, "sim: %s: %s: %s\n", word, component, line);
        return;
    }
    json_begin("log");
    json_text("level", word);
    json_text("component", component);
    json_text("text", line);
    json_end();
}

/* ---- Stops ---- */

static bool is_fault(const struct sim_stop *stop)
{
    return stop->reason == SIM_STOP_TRIPLE_FAULT;
}

static void stop_json(struct cli *cli, const struct sim_stop *stop, int status)
{
    const char *explanation = is_fault(stop) ? sim_explain_json(cli->sim, stop) : "";

    json_begin("stop");
    json_text("reason", sim_stop_word(stop->reason));
    printf(",\"step\":%llu,\"cycle\":%llu,\"cpu\":%u", (unsigned long long)stop->at.step, (unsigned long long)stop->at.cycle, stop->cpu);
    json_text("text", stop->text);
    printf(",\"status\":%d", status);
    if (stop->reason == SIM_STOP_EXIT)
        printf(",\"code\":%u", (unsigned)stop->code);
    if (stop->reason == SIM_STOP_PROBE)
        printf(",\"probe\":%u", (unsigned)stop->probe);
    if (explanation[0] == '{') {
        fputs(",\"explanation\":", stdout);
        fputs(explanation, stdout);
        json_text("explanation_text", sim_explain(cli->sim, stop));
    }
    json_end();
}

void report_stop(struct cli *cli, const struct sim_stop *stop, int status)
{
    report_flush(cli, true);
    if (cli->opt.json) {
        stop_json(cli, stop, status);
        return;
    }
    if (isatty(STDERR_FILENO) && isatty(STDOUT_FILENO))
        serial_end_line(cli);
    fprintf(stderr, "sim: %s at step %llu: %s\n", sim_stop_word(stop->reason), (unsigned long long)stop->at.step, stop->text);
    if (is_fault(stop))
        fputs(sim_explain(cli->sim, stop), stderr);
}

/* ---- Statistics ---- */

void report_stats(struct cli *cli, const struct sim_stop *stop)
{
    struct sim_position at = sim_position(cli->sim);
    uint64_t digest = sim_digest(cli->sim), retired = sim_retired(cli->sim);
    double seconds = cli->host_seconds, mips = seconds > 0 ? (double)at.step / seconds / 1e6 : 0;

    if (cli->opt.json) {
        json_begin("stats");
        printf(",\"steps\":%llu,\"cycles\":%llu,\"instructions\":%llu,\"host_seconds\":%.6f,\"mips\":%.3f,\"digest\":\"%016llx\"",
               (unsigned long long)at.step, (unsigned long long)at.cycle, (unsigned long long)retired, seconds, mips, (unsigned long long)digest);
        json_text("reason", sim_stop_word(stop->reason));
        json_end();
        fflush(stdout);
        return;
    }
    fprintf(stderr,
            "steps         %llu\ncycles        %llu\ninstructions  %llu\nhost seconds  %.3f\nMIPS          %.1f\ndigest        %016llx\n"
            "stop reason   %s\n",
            (unsigned long long)at.step, (unsigned long long)at.cycle, (unsigned long long)retired, seconds, mips, (unsigned long long)digest,
            sim_stop_word(stop->reason));
}

/* ---- Commands ---- */

void report_command(struct cli *cli, const char *command, const char *text, enum sim_err err)
{
    report_flush(cli, true);
    json_begin("monitor");
    json_text("command", command);
    json_text("text", text);
    printf(",\"ok\":%s", err ? "false" : "true");
    json_end();
}

/* ---- Life ---- */

bool report_open(struct cli *cli)
{
    cli->report = calloc(1, sizeof(*cli->report));
    return cli->report != NULL;
}

void report_close(struct cli *cli)
{
    if (cli->report)
        report_flush(cli, true);
    free(cli->report);
    cli->report = NULL;
}
