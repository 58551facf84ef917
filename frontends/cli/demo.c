/*
 * sim --demo: a kernel dies of a triple fault; why, and where it went wrong, is found out by going back in time.
 *
 * What is typed stands in a table, with what is said before it; the answers are the monitor's own.
 */
#include "frontends/cli/cli.h"

#include <stdio.h>

struct scene {
    const char *say;     /* NULL: goes on with the scene before */
    const char *command;
};

static const struct scene scenes[] = {
    { "This is a PC, simulated. A small kernel boots in it, and is told to run its command `stack`:", "continue" },
    { "So far the autopsy. But nothing is lost: the machine can go back, to where that command began.", "break bug_stack" },
    { NULL, "reverse-continue" },
    { "From there forward again by source lines, into the function that would not end:", "until print_path" },
    { NULL, "next" },
    { NULL, "disassemble $pc, +12" },
    { NULL, "info registers" },
    { "It goes on as long as a directory has a parent. The root directory, as a name and a parent:", "x/2xw root" },
};

static const char farewell[] =
    "\nThe root is its own parent: line 37 of bugs.c is to blame.\n\n"
    "What to do next:\n"
    "  sim                        the same kernel, and you at its prompt; `help` lists nine other ways to bring it down\n"
    "  sim kernel.elf             boots yours; Ctrl-C opens the monitor, whose `help` lists what else it can do\n"
    "  sim --gdb 1234 kernel.elf  waits for gdb: target remote :1234, then reverse-continue works there too\n";

static void say(const struct cli *cli, const char *text)
{
    printf(cli->interactive ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

bool demo_prepare(struct cli *cli)
{
    if (cli->opt.image || cli->opt.boots_something)
        return usage_error("--demo brings its own kernel: it goes without an image"), false;
    return sim_config_set(&cli->config, "append", "quiet run=stack") == SIM_OK && sim_config_set(&cli->config, "timeline", "on") == SIM_OK;
}

int demo_run(struct cli *cli)
{
    struct sim_stop stop;

    for (unsigned n = 0; n < sizeof(scenes) / sizeof(scenes[0]); n++) {
        if (scenes[n].say)
            say(cli, scenes[n].say);
        printf("\n(sim) %s\n", scenes[n].command);
        fflush(stdout);
        if (session_command(cli, scenes[n].command) != SIM_OK)
            return STATUS_INTERNAL;
        sim_last_stop(cli->sim, &stop);
        if (n == 0 && stop.reason != SIM_STOP_TRIPLE_FAULT)
            return usage_error("the demonstration did not go as it should"), STATUS_INTERNAL;
    }
    fputs(farewell, stdout);
    if (cli->interactive) {
        puts("\nThe machine is still here, and you may go on; `quit` ends.");
        session_run(cli);
    }
    return STATUS_OK;
}
