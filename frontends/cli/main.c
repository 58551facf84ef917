/*
 * sim: from the command line to an exit status.
 */
#include "frontends/cli/cli.h"

#include "frontends/gdb/gdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t cli_signal;

/* Built in; see cli.mk. */
extern const unsigned char demo_kernel[];
extern const size_t demo_kernel_size;

static struct sim *volatile signalled; /* a signal handler has no argument */

void signals_interrupt(struct sim *sim)
{
    signalled = sim;
}

static void on_signal(int number)
{
    struct sim *sim = signalled;

    cli_signal = number;
    if (sim)
        sim_interrupt(sim);
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

static int status_of_error(enum sim_err err)
{
    return err == SIM_ERR_NOMEM || err == SIM_ERR_BUSY ? STATUS_INTERNAL : STATUS_USAGE;
}

static bool open_ports(struct cli *cli)
{
    for (unsigned n = 0; n < PORTS; n++) {
        const char *spec = n < cli->opt.serial_count ? cli->opt.serial[n] : n == 0 ? "stdio" : "null";

        if (n == 0 && cli->opt.serial_count == 0 && cli->opt.gdb && strcmp(cli->opt.gdb, "stdio") == 0)
            spec = "null";
        if (!serial_open(cli, n, spec))
            return false;
    }
    return true;
}

static int build_and_run(struct cli *cli)
{
    enum sim_err err;

    if (!cli->opt.image && !cli->opt.boots_something)
        sim_config_image(&cli->config, demo_kernel, demo_kernel_size);
    if (cli->opt.batch && !cli->opt.timeline_given)
        sim_config_set(&cli->config, "timeline", "off");
    if (cli->opt.demo && !demo_prepare(cli))
        return STATUS_USAGE;
    err = sim_create(&cli->config, &cli->sim);
    if (err) {
        usage_error("%s", sim_last_error());
        return status_of_error(err);
    }
    return run_all(cli);
}

static void close_all(struct cli *cli)
{
    signals_interrupt(NULL);
    terminal_cooked();
    display_close(cli);
    gdb_server_close(cli->gdb);
    sim_destroy(cli->sim);
    serial_close(cli);
    report_close(cli);
    sim_config_fini(&cli->config);
    for (unsigned n = 0; n < cli->opt.commands.count; n++)
        free((char *)cli->opt.commands.item[n]);
    for (unsigned n = 0; n < cli->opt.stop_probes.count; n++)
        free((char *)cli->opt.stop_probes.item[n]);
    free(cli->opt.commands.item);
    free(cli->opt.stop_probes.item);
    free(cli->opt.until_probe);
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    int status;

    sim_config_init(&cli.config);
    if (args_parse(&cli, argc, argv, &status)) {
        cli.interactive = !cli.opt.batch && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        cli.realtime = cli.opt.realtime_given ? cli.opt.realtime : cli.interactive;
        catch_signals();
        status = report_open(&cli) && open_ports(&cli) ? build_and_run(&cli) : STATUS_USAGE;
    }
    if (!cli_signal)
        gdb_server_exits(cli.gdb, status);
    close_all(&cli);
    if (cli_signal == SIGINT || cli_signal == SIGTERM || cli_signal == SIGHUP) {
        signal((int)cli_signal, SIG_DFL);
        raise((int)cli_signal); /* whoever started us sees why we ended */
    }
    return status;
}
