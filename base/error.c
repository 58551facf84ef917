#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one thing that outlives a call outside a machine: what the thread's last failing call said. */
static _Thread_local char last_line[512];

const char *sim_err_text(enum sim_err err)
{
    static const char *const texts[] = {
#define X(name, text) text,
        SIM_ERR_LIST(X)
#undef X
    };

    return (unsigned)err < sizeof(texts) / sizeof(texts[0]) ? texts[err] : "unknown error";
}

const char *sim_last_error(void)
{
    return last_line;
}

enum sim_err sim_fail(enum sim_err err, const char *fmt, ...)
{
    char line[sizeof(last_line)]; /* the arguments may point into last_line */
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(line, sizeof(line), fmt, ap) < 0)
        line[0] = '\0';
    va_end(ap);
    /* One line, and nothing in a hostile file's names that a terminal would obey. */
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    memcpy(last_line, line, sizeof(line));
    return err;
}

void sim_out_of_memory(const char *what)
{
    fprintf(stderr, "libsim: out of memory: %s\n", what);
    abort();
}
