/* The command line: words, and numbers as NAME=DECIMAL. */
#include "testcases/oracle/system/harness.h"

static char line[256];

void command_keep(u32 magic, const u32 *info)
{
    const char *given = magic == 0x2badb002 && info[0] & 4 ? (const char *)(uintptr_t)info[4] : "";

    for (unsigned n = 0; n < sizeof(line) - 1 && given[n]; n++)
        line[n] = given[n];
}

const char *command_find(const char *name)
{
    for (const char *p = line; *p; p++) {
        unsigned n = 0;

        while (name[n] && p[n] == name[n])
            n++;
        if (!name[n])
            return p + n;
    }
    return 0;
}

u32 command_number(const char *name, u32 otherwise)
{
    const char *p = command_find(name);
    u32 v = 0;

    if (!p)
        return otherwise;
    while (*p >= '0' && *p <= '9')
        v = v * 10 + (u32)(*p++ - '0');
    return v;
}

void command_cases(void (*run)(u32 seed, u32 number))
{
    u32 seed = command_number("seed=", 1), first = command_number("first=", 0), count = command_number("count=", 100);

    log_to_printer = command_find("printer");
    for (u32 n = first; n < first + count; n++)
        run(seed, n);
    say("Z\n");
    say_flush();
}
