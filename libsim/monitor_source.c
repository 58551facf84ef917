/*
 * Monitor: source text. The debugging information says where it should be; where it is not, nothing is shown.
 */
#include "libsim/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LINE 400

/* The image may name any file: only plain ones are read, and only lines of a reasonable length. */
static FILE *open_source(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
}

/* Lines first..last of the file, `mark` with an arrow; how many there were. */
static unsigned say_lines(struct monitor_call *m, const char *path, unsigned first, unsigned last, unsigned mark)
{
    FILE *f = open_source(path);
    char text[MAX_LINE];
    unsigned number = 1, shown = 0;

    if (!f)
        return 0;
    while (number <= last && fgets(text, sizeof(text), f)) {
        size_t len = strlen(text);
        bool whole = len && text[len - 1] == '\n';

        while (len && (unsigned char)text[len - 1] < 0x20)
            text[--len] = 0;
        if (number >= first) {
            say(m, "%s%-6u %s\n", mark ? (number == mark ? "=> " : "   ") : "", number, text);
            shown++;
        }
        if (!whole) /* the rest of a long line */
            for (int c = fgetc(f); c != EOF && c != '\n'; c = fgetc(f))
                ;
        number++;
    }
    fclose(f);
    return shown;
}

void monitor_say_source(struct monitor_call *m, uint64_t laddr)
{
    const char *file;
    unsigned line;

    if (dbg_line_at(m->sim->dbg, laddr, &file, &line))
        say_lines(m, file, line, line, 0);
}

/* "list", "list ADDR", "list FILE:LINE". */
static enum sim_err list(struct monitor_call *m)
{
    uint64_t addr = monitor_pc(m->cpu);
    const char *file, *colon = strrchr(m->args, ':');
    char name[256];
    unsigned line;
    enum sim_err err = SIM_OK;

    if (colon) {
        snprintf(name, sizeof(name), "%.*s", (int)(colon - m->args), m->args);
        if (!dbg_line_find(m->sim->dbg, name, (unsigned)strtoul(colon + 1, NULL, 10), &addr))
            err = sim_fail(SIM_ERR_UNKNOWN, "list: no code at %s", m->args);
    } else if (m->count) {
        err = monitor_eval(m, m->args, &addr);
    }
    if (err)
        return err;
    if (!dbg_line_at(m->sim->dbg, addr, &file, &line))
        return sim_fail(SIM_ERR_UNKNOWN, "list: no line is known for 0x%llx", (ull)addr);
    if (!say_lines(m, file, line > 5 ? line - 5 : 1, line + 5, line))
        return sim_fail(SIM_ERR_IO, "list: %s: cannot be read from here", file);
    return SIM_OK;
}

const struct monitor_command monitor_source_commands[] = {
    { "list", "l", "list [ADDR|SYMBOL|FILE:LINE]", "Show the source text around a place.", list, FOLLOW_EXPRESSION, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
