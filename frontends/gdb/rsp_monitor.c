/* `monitor COMMAND`: what the machine's own monitor knows, and a few commands that are about this connection. */
#include <stdio.h>
#include <string.h>

#include "frontends/gdb/private.h"

static void put_text(void *arg, const char *text, size_t len)
{
    server_console(arg, text, len);
}

static void say(struct gdb_server *s, const char *text)
{
    server_console(s, text, strlen(text));
}

/* ---- Commands of the connection ---- */

static void physical(struct gdb_server *s, const char *argument)
{
    if (strcmp(argument, "on") == 0 || strcmp(argument, "off") == 0)
        s->physical = argument[1] == 'n';
    else if (*argument)
        say(s, "monitor physical on|off\n");
    say(s, s->physical ? "memory is read and written by physical address\n" : "memory is read and written by linear address\n");
}

static void architecture(struct gdb_server *s, const char *argument)
{
    static const struct { const char *name; enum code_size code; } names[] = {
        { "auto", CODE_AUTO }, { "i8086", CODE_16 }, { "i386", CODE_32 }, { "x86-64", CODE_64 },
    };

    for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++)
        if (strcmp(argument, names[n].name) == 0) {
            s->forced = names[n].code;
            s->silent = false;
            say(s, "gdb is told at the next stop\n");
            return;
        }
    s->silent = strcmp(argument, "silent") == 0;
    say(s, s->silent ? "gdb is told of no change of mode\n" : "monitor architecture auto|i8086|i386|x86-64|silent\n");
}

struct own_command {
    const char *name;
    void (*run)(struct gdb_server *s, const char *argument);
    const char *help;
};
static const struct own_command own_commands[] = {
    { "physical", physical, "physical on|off  what addresses gdb's memory accesses are: physical or linear" },
    { "architecture", architecture,
      "architecture auto|i8086|i386|x86-64|silent  what gdb reads code as: as the CPU does, always the same, or without being told of changes" },
};
#define OWN_COMMANDS (sizeof(own_commands) / sizeof(own_commands[0]))

static bool run_own(struct gdb_server *s, const char *line)
{
    size_t word = strcspn(line, " \t");

    for (unsigned n = 0; n < OWN_COMMANDS; n++)
        if (strlen(own_commands[n].name) == word && strncmp(line, own_commands[n].name, word) == 0) {
            own_commands[n].run(s, line + word + strspn(line + word, " \t"));
            return true;
        }
    return false;
}

static void own_help(struct gdb_server *s)
{
    say(s, "Of the connection with gdb:\n");
    for (unsigned n = 0; n < OWN_COMMANDS; n++) {
        say(s, "  ");
        say(s, own_commands[n].help);
        say(s, "\n");
    }
}

/* ---- Commands of the machine ---- */

/* gdb keeps what it read of a machine that stands; it cannot be told that a command has moved it. */
static void say_if_moved(struct gdb_server *s, sim_steps before)
{
    if (sim_position(s->sim).step != before)
        say(s, "The machine has moved: `maintenance flush register-cache` shows gdb where it is.\n");
}

static void run_command(struct gdb_server *s, const char *line)
{
    sim_steps before = sim_position(s->sim).step;
    struct break_in *b = break_in_begin(s);
    enum sim_err err = sim_command(s->sim, line, put_text, s);

    break_in_end(b);
    if (err && *sim_last_error()) {
        say(s, sim_last_error());
        say(s, "\n");
    }
    say_if_moved(s, before);
}

/* The command comes as hex digits. */
void rsp_monitor(struct gdb_server *s, struct cursor *c)
{
    size_t len = cursor_left(c) / 2;
    char line[PACKET_BYTES / 2 + 1];

    if (!cursor_hex_bytes(c, (uint8_t *)line, len) || cursor_left(c) || memchr(line, 0, len)) {
        reply_error(s);
        return;
    }
    line[len] = 0;
    if (!run_own(s, line)) {
        run_command(s, line);
        if (strcmp(line, "help") == 0)
            own_help(s);
    }
    reply_ok(s);
}
