/*
 * Running the machine: the pulse that looks after the world outside, limits, and what a stop means.
 */
#include "frontends/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double host_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- While it runs ---- */

static void pulse(void *arg)
{
    struct cli *cli = arg;

    serial_service(cli);
    report_flush(cli, false);
    if (cli->opt.limit_seconds && host_now() - cli->started > cli->opt.limit_seconds) {
        cli->out_of_time = true;
        sim_interrupt(cli->sim);
    }
    if (cli_signal)
        sim_interrupt(cli->sim);
}

static void on_output(void *arg, const char *channel, const void *data, size_t len)
{
    struct cli *cli = arg;

    if (strcmp(channel, "serial0") == 0)
        serial_output(cli, 0, data, len);
    else if (strcmp(channel, "serial1") == 0)
        serial_output(cli, 1, data, len);
    else if (strcmp(channel, "debug") == 0)
        report_text(cli, channel, data, len);
}

static void on_log(void *arg, int level, const char *component, const char *line)
{
    report_log(arg, level, component, line);
}

/* ---- Ends ---- */

/* The exit status of a stop, in --batch. */
static int status_of(const struct cli *cli, const struct sim_stop *stop)
{
    switch (stop->reason) {
    case SIM_STOP_POWER_OFF: return STATUS_OK;
    case SIM_STOP_EXIT: return STATUS_GUEST + (int)(stop->code & 0x7f);
    case SIM_STOP_CYCLE: return STATUS_OK;
    case SIM_STOP_STEPS: return stop->at.step >= cli->opt.until_step ? STATUS_OK : STATUS_LIMIT;
    case SIM_STOP_PROBE: return cli->until_id && stop->probe == cli->until_id ? STATUS_OK : STATUS_EVENT;
    case SIM_STOP_INTERRUPTED: return cli->out_of_time ? STATUS_LIMIT : STATUS_EVENT;
    default: return STATUS_EVENT;
    }
}

/* One run to the next stop. */
static enum sim_err run_once(struct cli *cli, struct sim_stop *stop)
{
    const struct options *o = &cli->opt;
    double start = host_now();
    enum sim_err err = sim_run_to(cli->sim, o->until_step < o->limit_steps ? o->until_step : o->limit_steps, o->until_cycle, stop);

    cli->host_seconds += host_now() - start;
    serial_service(cli);
    return err;
}

/* ---- Before the run ---- */

static bool add_probes(struct cli *cli)
{
    uint32_t id;

    for (unsigned n = 0; n < cli->opt.stop_probes.count; n++)
        if (sim_probe_add(cli->sim, cli->opt.stop_probes.item[n], &id) != SIM_OK)
            return usage_error("--stop-on %s: %s", cli->opt.stop_probes.item[n], sim_last_error()), false;
    if (cli->opt.until_probe && sim_probe_add(cli->sim, cli->opt.until_probe, &cli->until_id) != SIM_OK)
        return usage_error("--until: %s", sim_last_error()), false;
    return true;
}

int run_all(struct cli *cli)
{
    struct sim_stop stop;

    sim_on_output(cli->sim, on_output, cli);
    sim_on_log(cli->sim, 1, on_log, cli);
    sim_on_pulse(cli->sim, pulse, cli);
    if (!add_probes(cli))
        return STATUS_USAGE;
    cli->started = host_now();
    serial_service(cli);
    if (run_once(cli, &stop) != SIM_OK) {
        usage_error("%s", sim_last_error());
        return STATUS_INTERNAL;
    }
    report_stop(cli, &stop);
    if (cli->opt.stats)
        report_stats(cli, &stop);
    if (cli->opt.screenshot && sim_screenshot(cli->sim, cli->opt.screenshot) != SIM_OK)
        return usage_error("--screenshot: %s", sim_last_error());
    return status_of(cli, &stop);
}
