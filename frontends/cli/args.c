/*
 * The options of the command line: one table makes the parser and --help. sim(1) describes them; a test compares the two.
 */
#include "frontends/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int usage_error(const char *fmt, ...)
{
    va_list args;

    fputs("sim: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return STATUS_USAGE;
}

/* ---- Values ---- */

static bool add_text(struct texts *list, const char *text)
{
    const char **grown = realloc(list->item, (list->count + 1) * sizeof(*grown));

    if (!grown)
        return usage_error("out of memory"), false;
    list->item = grown;
    list->item[list->count++] = text;
    return true;
}

/* A whole number; with an exponent or a unit (1e9, 500M) it is still one. */
static bool parse_count(const char *text, uint64_t *value)
{
    char *end;
    uint64_t scale = 1;

    errno = 0;
    *value = strtoull(text, &end, 0);
    if (*text < '0' || *text > '9' || errno)
        return false;
    if (*end == 'k' || *end == 'K')
        scale = 1000, end++;
    else if (*end == 'M')
        scale = 1000000, end++;
    else if (*end == 'G')
        scale = 1000000000, end++;
    if (*end || *value > UINT64_MAX / scale)
        return false;
    *value *= scale;
    return true;
}

static bool set_switch(const char *name, const char *value, bool *given, bool *out)
{
    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return usage_error("--%s %s: on or off", name, value), false;
    *given = true;
    *out = strcmp(value, "on") == 0;
    return true;
}

static bool set_display(struct cli *cli, const char *value)
{
    static const char *const words[] = { "auto", "window", "term", "none" };

    for (unsigned n = 0; n < sizeof(words) / sizeof(words[0]); n++)
        if (strcmp(value, words[n]) == 0) {
            cli->opt.display = (enum display)n;
            return true;
        }
    return usage_error("--display %s: window, term or none", value), false;
}

static bool set_serial(struct cli *cli, const char *value)
{
    if (cli->opt.serial_count == PORTS)
        return usage_error("--serial %s: there are %d serial ports", value, PORTS), false;
    cli->opt.serial[cli->opt.serial_count++] = value;
    return true;
}

static bool set_until(struct cli *cli, const char *value)
{
    struct options *o = &cli->opt;
    const char *text = strchr(value, '=');

    if (text && text[1]) {
        text++;
        if (strncmp(value, "step=", 5) == 0 && parse_count(text, &o->until_step))
            return true;
        if (strncmp(value, "cycle=", 6) == 0 && parse_count(text, &o->until_cycle))
            return true;
        free(o->until_probe);
        o->until_probe = NULL;
        if (strncmp(value, "console=", 8) == 0 || strncmp(value, "serial=", 7) == 0)
            return asprintf(&o->until_probe, "catch console %s", text) > 0;
        if (strncmp(value, "symbol=", 7) == 0)
            return asprintf(&o->until_probe, "break %s", text) > 0;
    }
    return usage_error("--until %s: step=N, cycle=N, console=TEXT, serial=TEXT or symbol=NAME", value), false;
}

static bool set_limit(struct cli *cli, const char *value)
{
    char *end;

    if (strncmp(value, "steps=", 6) == 0 && parse_count(value + 6, &cli->opt.limit_steps))
        return true;
    if (strncmp(value, "seconds=", 8) == 0) {
        cli->opt.limit_seconds = strtod(value + 8, &end);
        if (end != value + 8 && !*end && cli->opt.limit_seconds > 0 && isfinite(cli->opt.limit_seconds))
            return true;
    }
    return usage_error("--limit %s: steps=N or seconds=N", value), false;
}

static bool is_stop_setting(const char *word, size_t len)
{
    static const char *const settings[] = { "triple-fault", "dead-halt", "reset", "none" };

    for (unsigned n = 0; n < sizeof(settings) / sizeof(settings[0]); n++)
        if (strlen(settings[n]) == len && strncmp(word, settings[n], len) == 0)
            return true;
    return false;
}

/* Appends text[0..len-1] to *list, behind a comma when it is not the first. */
static bool join(char **list, const char *text, size_t len)
{
    size_t old = *list ? strlen(*list) : 0;
    char *grown = realloc(*list, old + len + 2);

    if (!grown)
        return usage_error("out of memory"), false;
    *list = grown;
    snprintf(grown + old, len + 2, "%s%.*s", old ? "," : "", (int)len, text);
    return true;
}

/* Settings are the library's, everything else is a probe; a part that begins with a digit belongs to the probe before it ("catch
 * exception 6,13"). */
static bool set_stop_on(struct cli *cli, const char *value)
{
    struct texts *probes = &cli->opt.stop_probes;
    char *settings = NULL;
    bool ok = true, probe = false;

    if (!*value)
        return usage_error("--stop-on needs an argument: EVENT[,EVENT]"), false;
    for (const char *at = value; ok && *at;) {
        size_t len = strcspn(at, ",");

        if (is_stop_setting(at, len)) {
            ok = join(&settings, at, len);
            probe = false;
        } else {
            if (!probe || *at < '0' || *at > '9')
                ok = add_text(probes, NULL);
            ok = ok && join((char **)&probes->item[probes->count - 1], at, len);
            probe = true;
        }
        at += len + (at[len] == ',');
    }
    if (ok && settings && sim_config_set(&cli->config, "stop_on", settings) != SIM_OK)
        ok = !usage_error("%s", sim_last_error());
    free(settings);
    return ok;
}

static bool set_nic(const char *value)
{
    if (strcmp(value, "none") == 0)
        return true;
    return usage_error("--nic %s: network cards are not modelled yet", value), false;
}

static bool add_command(struct cli *cli, char kind, const char *value)
{
    char *text;

    return asprintf(&text, "%c%s", kind, value) > 0 && add_text(&cli->opt.commands, text);
}

/* ---- Lists for "help" ---- */

static void print_cpus(void)
{
    const char *name, *title;

    for (unsigned n = 0; sim_cpu_model(n, &name, &title); n++)
        printf("%-12s %s\n", name, title);
}

static void print_devices(void)
{
    const char *name, *title, *initial, *doc;

    for (unsigned c = 0; sim_device_class(c, &name, &title); c++) {
        printf("%-12s %s\n", name, title);
        for (unsigned n = 0; sim_device_property(c, n, &name, &initial, &doc); n++)
            printf("    %s=%s%*s%s\n", name, initial, (int)(strlen(name) + strlen(initial) < 20 ? 20 - strlen(name) - strlen(initial) : 1), "", doc);
    }
}

/* ---- The table ---- */

/* What an option does. MACHINE: it is the library's own, under the name in `config`. */
enum action { HEADING, MACHINE, CPU, DEVICE, NIC, SERIAL, DISPLAY, SCREENSHOT, GDB, WAIT, REALTIME, RECORD, CHECKPOINT, TIMELINE, STOP_ON, UNTIL, LIMIT,
              SCRIPT, COMMAND, BATCH, JSON, STATS, DEMO, COVERAGE, HELP, SHOW_VERSION };

struct row {
    const char *name;
    char letter;
    const char *argument; /* NULL: none */
    enum action action;
    const char *config;
    const char *help;
};

static const struct row rows[] = {
    { "The machine", 0, NULL, HEADING, NULL, NULL },
    { "memory", 'm', "SIZE", MACHINE, "memory", "main memory: 64 (MiB), 512K, 2G; default 128M" },
    { "cpus", 'n', "N", MACHINE, "cpus", "number of CPUs, 1 to 8; default 1" },
    { "cpu", 'C', "MODEL", CPU, "cpu", "CPU model; `help` lists them; default max" },
    { "quantum", 0, "CYCLES", MACHINE, "quantum", "how far a CPU may run ahead of the others; default 101" },
    { "seed", 0, "N", MACHINE, "seed", "draw each CPU's turn from 1..quantum; 0: fixed turns" },
    { "timing", 0, "MODEL", MACHINE, "timing", "timing model: unit" },
    { "clock", 0, "HZ", MACHINE, "clock", "CPU clock: 100M, 1G; default 1G" },
    { "rtc", 0, "DATE|host", MACHINE, "rtc", "date at power-on, as 2024-02-29T12:34:56; default 2020-01-01" },
    { "How it starts", 0, NULL, HEADING, NULL, NULL },
    { "bios", 0, "FILE", MACHINE, "bios", "firmware image; default: SeaBIOS of the distribution" },
    { "vgabios", 0, "FILE", MACHINE, "vgabios", "VGA BIOS image; default: SeaBIOS's of the distribution" },
    { "boot", 0, "WHAT", MACHINE, "boot", "disk, cdrom, floppy, or direct (no firmware)" },
    { "append", 'a', "TEXT", MACHINE, "append", "command line of the kernel" },
    { "module", 0, "FILE[,ARGS]", MACHINE, "module", "a Multiboot module; may be repeated" },
    { "initrd", 0, "FILE", MACHINE, "initrd", "initial ramdisk of a Linux kernel" },
    { "What is in it", 0, NULL, HEADING, NULL, NULL },
    { "disk", 'd', "FILE[,rw]", MACHINE, "disk", "a hard disk, up to 4; without rw the file is never written" },
    { "cdrom", 0, "FILE", MACHINE, "cdrom", "CD image" },
    { "floppy", 0, "FILE", MACHINE, "floppy", "floppy image" },
    { "nic", 0, "none", NIC, NULL, "network card: none is modelled yet" },
    { "device", 0, "CLASS[,PROP=VAL...]", DEVICE, "device", "a further device; `help` lists the classes" },
    { "plugin", 0, "FILE.so", MACHINE, "plugin", "device classes from a shared object" },
    { "What one sees", 0, NULL, HEADING, NULL, NULL },
    { "serial", 'S', "WHERE", SERIAL, NULL, "a serial port: stdio, file:P, pty, tcp:H:P or null; first COM1, then COM2" },
    { "serial-pace", 0, "PACE", MACHINE, "serial_pace", "fast: 115200 baud whatever the divisor; line: by the divisor" },
    { "display", 'D', "WHERE", DISPLAY, NULL, "window, term or none" },
    { "screenshot", 0, "FILE.png", SCREENSHOT, NULL, "write the picture at the end" },
    { "Debugging", 0, NULL, HEADING, NULL, NULL },
    { "gdb", 'g', "WHERE", GDB, NULL, "wait for gdb: [HOST:]PORT, unix:PATH or stdio" },
    { "wait", 'w', NULL, WAIT, NULL, "do not run before gdb or the monitor says so" },
    { "symbols", 0, "FILE[,OFFSET]", MACHINE, "symbols", "symbols of a further ELF file" },
    { "stop-on", 0, "EVENT[,EVENT]", STOP_ON, NULL, "triple-fault, dead-halt, reset, none, or a probe in monitor syntax" },
    { "until", 'u', "COND", UNTIL, NULL, "end with status 0 at step=N, cycle=N, console=TEXT, serial=TEXT or symbol=NAME" },
    { "limit", 'l', "LIMIT", LIMIT, NULL, "end with status 4 after steps=N or (host) seconds=N" },
    { "script", 'x', "FILE", SCRIPT, NULL, "monitor commands to run first, a line each" },
    { "command", 'e', "COMMAND", COMMAND, NULL, "a monitor command to run first; may be repeated" },
    { "Time", 0, NULL, HEADING, NULL, NULL },
    { "realtime", 0, "on|off", REALTIME, NULL, "let idle time pass on the wall clock; on when interactive" },
    { "timeline", 0, "on|off", TIMELINE, "timeline", "keep checkpoints for going back; off with --batch" },
    { "timeline-memory", 0, "SIZE", MACHINE, "timeline_memory", "host memory for checkpoints; default 1G" },
    { "record", 0, "LOG", RECORD, NULL, "write the inputs of the run (not modelled yet)" },
    { "replay", 0, "LOG", RECORD, NULL, "repeat a recorded run (not modelled yet)" },
    { "checkpoint", 0, "FILE", CHECKPOINT, NULL, "write the state at the end (not modelled yet)" },
    { "For programs, and help", 0, NULL, HEADING, NULL, NULL },
    { "batch", 'b', NULL, BATCH, NULL, "never ask; the exit status tells how it ended" },
    { "json", 'j', NULL, JSON, NULL, "console text, stops and statistics as JSON, an object a line; implies --batch" },
    { "stats", 's', NULL, STATS, NULL, "steps, cycles, host seconds, MIPS and digest at the end" },
    { "demo", 0, NULL, DEMO, NULL, "a triple fault, explained, in half a minute" },
    { "isa-coverage", 0, NULL, COVERAGE, NULL, "which instructions are built" },
    { "help", 'h', NULL, HELP, NULL, "this text" },
    { "version", 'V', NULL, SHOW_VERSION, NULL, "the version" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void print_help(void)
{
    printf("usage: sim [options] [IMAGE]\n\n"
           "Simulates a PC that boots IMAGE: a Multiboot or Linux kernel, a disk or CD image, a boot sector or\n"
           "a flat binary. Without one it boots a demonstration kernel. Ctrl-C opens the monitor; sim(1) says more.\n");
    for (unsigned n = 0; n < ROWS; n++) {
        char left[64];

        if (rows[n].action == HEADING) {
            printf("\n%s\n", rows[n].name);
            continue;
        }
        snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", rows[n].letter ? '-' : ' ', rows[n].letter ? rows[n].letter : ' ', rows[n].letter ? "," : " ",
                 rows[n].name, rows[n].argument ? " " : "", rows[n].argument ? rows[n].argument : "");
        if (strlen(left) > 32)
            printf("%s\n%-34s%s\n", left, "", rows[n].help);
        else
            printf("%-34s%s\n", left, rows[n].help);
    }
}

static bool set_machine(struct cli *cli, const struct row *row, const char *value)
{
    static const char *const bootable[] = { "disk", "cdrom", "floppy", "bios" };

    if (sim_config_set(&cli->config, row->config, value) != SIM_OK)
        return usage_error("--%s", sim_last_error()), false;
    for (unsigned n = 0; n < sizeof(bootable) / sizeof(bootable[0]); n++)
        cli->opt.boots_something |= strcmp(row->name, bootable[n]) == 0;
    return true;
}

/* False: ends here, with *status. */
static bool apply(struct cli *cli, const struct row *row, const char *value, int *status)
{
    struct options *o = &cli->opt;
    bool ignored;

    *status = STATUS_USAGE;
    switch (row->action) {
    case CPU:
        if (strcmp(value, "help") != 0)
            return set_machine(cli, row, value);
        print_cpus();
        break;
    case DEVICE:
        if (strcmp(value, "help") != 0)
            return set_machine(cli, row, value);
        print_devices();
        break;
    case MACHINE: return set_machine(cli, row, value);
    case TIMELINE: return set_switch(row->name, value, &o->timeline_given, &ignored) && set_machine(cli, row, value);
    case NIC: return set_nic(value);
    case SERIAL: return set_serial(cli, value);
    case DISPLAY: return set_display(cli, value);
    case SCREENSHOT: o->screenshot = value; return true;
    case GDB: o->gdb = value; return true;
    case WAIT: return o->wait = true;
    case REALTIME: return set_switch(row->name, value, &o->realtime_given, &o->realtime);
    case RECORD: case CHECKPOINT: return usage_error("--%s %s: not modelled yet", row->name, value), false;
    case STOP_ON: return set_stop_on(cli, value);
    case UNTIL: return set_until(cli, value);
    case LIMIT: return set_limit(cli, value);
    case SCRIPT: return add_command(cli, 'x', value);
    case COMMAND: return add_command(cli, 'e', value);
    case BATCH: return o->batch = true;
    case JSON: return o->json = o->batch = true;
    case STATS: return o->stats = true;
    case DEMO: return o->demo = true;
    case COVERAGE: {
        char *text = sim_isa_coverage();

        fputs(text ? text : "", stdout);
        free(text);
        break;
    }
    case HELP: print_help(); break;
    case SHOW_VERSION: printf("sim: libsim version %s\n", sim_version()); break;
    case HEADING: break;
    }
    *status = STATUS_OK;
    return false;
}

/* The long options of the table; `val` is the row, above all letters. */
#define ROW_VALUE 256

static void make_getopt(struct option *longs, char *letters)
{
    *letters++ = ':';
    for (unsigned n = 0; n < ROWS; n++) {
        if (rows[n].action == HEADING)
            continue;
        *longs++ = (struct option){ rows[n].name, rows[n].argument ? required_argument : no_argument, NULL, (int)(ROW_VALUE + n) };
        if (!rows[n].letter)
            continue;
        *letters++ = rows[n].letter;
        if (rows[n].argument)
            *letters++ = ':';
    }
    *longs = (struct option){ 0 };
    *letters = 0;
}

static const struct row *row_of(int value)
{
    if (value >= ROW_VALUE)
        return &rows[value - ROW_VALUE];
    for (unsigned n = 0; n < ROWS; n++)
        if (rows[n].letter == value)
            return &rows[n];
    return NULL;
}

/* Two long options that begin with the word. */
static bool could_be_two(const char *word, const struct row **one, const struct row **two)
{
    size_t len = strlen(word) < 2 ? 0 : strcspn(word + 2, "=");

    *one = *two = NULL;
    for (unsigned n = 0; len && n < ROWS && !*two; n++)
        if (rows[n].action != HEADING && strncmp(rows[n].name, word + 2, len) == 0) {
            *two = *one ? &rows[n] : NULL;
            *one = *one ? *one : &rows[n];
        }
    return *two;
}

/* What getopt_long did not like, in one line. */
static int option_error(int result, char **argv)
{
    const struct row *row = optopt ? row_of(optopt) : NULL, *other;
    const char *word = argv[optind - 1];

    if (result == ':')
        return usage_error("--%s needs an argument: %s", row->name, row->argument);
    if (row)
        return usage_error("--%s takes no argument", row->name);
    if (optopt == 0 && could_be_two(word, &row, &other))
        return usage_error("%s: could be --%s or --%s", word, row->name, other->name);
    if (optopt)
        return usage_error("-%c: no such option (sim --help lists them)", optopt);
    return usage_error("%s: no such option (sim --help lists them)", word);
}

/* gdb's packets on standard output go with nothing else there. */
static bool stdio_is_free(const struct options *o)
{
    if (!o->gdb || strcmp(o->gdb, "stdio") != 0)
        return true;
    if (o->json)
        return usage_error("--gdb stdio: standard output is --json's"), false;
    for (unsigned n = 0; n < o->serial_count; n++)
        if (strcmp(o->serial[n], "stdio") == 0)
            return usage_error("--gdb stdio: standard input and output are --serial's"), false;
    return true;
}

bool args_parse(struct cli *cli, int argc, char **argv, int *status)
{
    struct option longs[ROWS + 1];
    char letters[2 * ROWS + 2];
    int got;

    cli->opt.until_step = cli->opt.limit_steps = UINT64_MAX;
    cli->opt.until_cycle = SIM_NEVER;
    make_getopt(longs, letters);
    opterr = 0;
    while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (got == '?' || got == ':') {
            *status = option_error(got, argv);
            return false;
        }
        if (!apply(cli, row_of(got), optarg, status))
            return false;
    }
    *status = STATUS_USAGE;
    if (argc - optind > 1)
        return usage_error("%s: one image only; what comes after %s is too much", argv[optind + 1], argv[optind]), false;
    cli->opt.image = argv[optind];
    if (!stdio_is_free(&cli->opt))
        return false;
    if (cli->opt.wait && !cli->opt.gdb && cli->opt.batch)
        return usage_error("--wait: for whom? With --batch it needs --gdb"), false;
    if (cli->opt.image && sim_config_set(&cli->config, "image", cli->opt.image) != SIM_OK)
        return usage_error("%s", sim_last_error()), false;
    return true;
}
