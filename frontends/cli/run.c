/*
 * Running the machine: the pulse that looks after the world outside, limits, and what a stop means.
 */
#include "frontends/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/gdb/gdb.h"

#define AHEAD 0.003     /* seconds that simulated time may run ahead of the host's before we wait */
#define BEHIND 0.2      /* when it is so far behind, there is no catching up */

double host_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- The world outside ---- */

/* Waits for input of any kind; seconds < 0: for as long as it takes. */
static void wait_for_input(struct cli *cli, double seconds)
{
    struct pollfd fds[PORTS + 2];
    unsigned count = serial_poll(cli, fds);
    double most = display_wants_service(cli) ? 0.02 : 0.1;

    count += terminal_poll(cli, &fds[count]);
    if (cli->gdb && gdb_server_fd(cli->gdb) >= 0)
        fds[count++] = (struct pollfd){ .fd = gdb_server_fd(cli->gdb), .events = POLLIN };
    if (seconds < 0 || seconds > most)
        seconds = most;
    poll(fds, count, (int)(seconds * 1000));
}

/* Idle time passes on the wall clock: waits while the machine is ahead of it. */
static void keep_pace(struct cli *cli)
{
    double hz = (double)sim_clock_hz(cli->sim), now = host_now(), ahead;
    sim_cycles cycle = sim_position(cli->sim).cycle;

    if (!cli->realtime)
        return;
    ahead = (double)(cycle - cli->pace_cycle) / hz - (now - cli->pace_host);
    if (cycle < cli->pace_cycle || ahead < -BEHIND || ahead > 10) { /* slow, or gone elsewhere in time */
        cli->pace_host = now;
        cli->pace_cycle = cycle;
    } else if (ahead > AHEAD) {
        wait_for_input(cli, ahead);
    }
}

static bool gdb_has_something(struct cli *cli)
{
    struct pollfd ready;

    if (!cli->gdb || cli->gdb_busy || gdb_server_fd(cli->gdb) < 0)
        return false;
    ready = (struct pollfd){ .fd = gdb_server_fd(cli->gdb), .events = POLLIN };
    return poll(&ready, 1, 0) > 0;
}

static void watch_limits(struct cli *cli)
{
    const struct options *o = &cli->opt;

    if ((o->limit_seconds && host_now() - cli->started > o->limit_seconds) || sim_position(cli->sim).step > o->limit_steps)
        cli->out_of_time = true;
    if (gdb_has_something(cli))
        cli->gdb_knocks = true;
    if (cli->out_of_time || cli->gdb_knocks || cli->leaving || cli_signal)
        sim_interrupt(cli->sim);
}

static void pulse(void *arg)
{
    struct cli *cli = arg;

    terminal_raw(cli);
    terminal_service(cli);
    serial_service(cli);
    display_service(cli, false);
    report_flush(cli, false);
    keep_pace(cli);
    watch_limits(cli);
}

static void on_output(void *arg, const char *channel, const void *data, size_t len)
{
    struct cli *cli = arg;

    if (channel[0] != 's' && channel[0] != 'd') /* POST codes are frequent, and nobody's */
        return;
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

/* ---- Stops ---- */

static bool guest_left(const struct sim_stop *stop)
{
    return stop->reason == SIM_STOP_EXIT || stop->reason == SIM_STOP_POWER_OFF;
}

/* A machine that is off says no more than that: how it came to be so is kept. */
static void note_end(struct cli *cli, struct sim_stop *stop)
{
    if (!guest_left(stop)) {
        cli->ended = false;
    } else if (cli->ended && cli->end.at.step == stop->at.step) {
        *stop = cli->end;
    } else {
        cli->end = *stop;
        cli->ended = true;
    }
}

/* The exit status of a stop, in --batch. */
static int status_of(const struct cli *cli, const struct sim_stop *stop)
{
    switch (stop->reason) {
    case SIM_STOP_POWER_OFF: return STATUS_OK;
    case SIM_STOP_EXIT: return STATUS_GUEST + (int)(stop->code & 0x7f);
    case SIM_STOP_CYCLE: return STATUS_OK;
    case SIM_STOP_STEPS: return stop->at.step >= cli->opt.until_step ? STATUS_OK : STATUS_LIMIT;
    case SIM_STOP_PROBE: return cli->until_id && stop->probe == cli->until_id ? STATUS_OK : STATUS_EVENT;
    case SIM_STOP_INTERRUPTED: return cli->out_of_time ? STATUS_LIMIT : cli->leaving ? STATUS_OK : STATUS_EVENT;
    default: return STATUS_EVENT;
    }
}

/* What ended the run is said in the words of the command line. */
static void put_into_words(const struct cli *cli, struct sim_stop *stop)
{
    const char *text = NULL;

    if (stop->reason == SIM_STOP_STEPS)
        text = stop->at.step >= cli->opt.until_step ? "--until was met" : "--limit was reached";
    else if (stop->reason == SIM_STOP_CYCLE || (stop->reason == SIM_STOP_PROBE && stop->probe == cli->until_id))
        text = "--until was met";
    else if (stop->reason == SIM_STOP_INTERRUPTED && cli->out_of_time)
        text = "--limit was reached";
    else if (stop->reason == SIM_STOP_INTERRUPTED)
        text = "by a signal";
    if (text)
        snprintf(stop->text, sizeof(stop->text), "%s", text);
}

/* Does the stop end the program, whoever else would like to go on? */
static bool is_final(const struct cli *cli, const struct sim_stop *stop)
{
    switch (stop->reason) {
    case SIM_STOP_STEPS: return stop->at.step >= cli->opt.until_step || stop->at.step >= cli->opt.limit_steps;
    case SIM_STOP_CYCLE: return stop->at.cycle >= cli->opt.until_cycle;
    case SIM_STOP_PROBE: return cli->until_id && stop->probe == cli->until_id;
    case SIM_STOP_INTERRUPTED: return cli->out_of_time || cli->leaving || (cli_signal && (cli_signal != SIGINT || !cli->interactive));
    default: return false;
    }
}

/* Somebody may still wake a machine that waits for nothing but input. */
static bool may_be_woken(struct cli *cli, const struct sim_stop *stop)
{
    if (stop->reason != SIM_STOP_DEAD_HALT || !cli->interactive)
        return false;
    for (unsigned n = 0; n < sim_cpus(cli->sim); n++) {
        uint64_t eflags;

        if (sim_reg_read(cli->sim, n, "eflags", &eflags) == SIM_OK && eflags & 0x200)
            return true;
    }
    return false;
}

/* One run to the next stop. */
static enum sim_err run_once(struct cli *cli, struct sim_stop *stop)
{
    const struct options *o = &cli->opt;
    double start = host_now();
    enum sim_err err;

    cli->pace_host = start;
    cli->pace_cycle = sim_position(cli->sim).cycle;
    cli->gdb_knocks = false;
    signals_interrupt(cli->sim);
    do {
        err = sim_run_to(cli->sim, o->until_step < o->limit_steps ? o->until_step : o->limit_steps, o->until_cycle, stop);
        if (err || !may_be_woken(cli, stop))
            break;
        pulse(cli);
        wait_for_input(cli, -1);
    } while (!cli_signal && !cli->leaving && !cli->out_of_time);
    signals_interrupt(NULL);
    cli->host_seconds += host_now() - start;
    serial_service(cli);
    if (!err)
        note_end(cli, stop);
    return err;
}

/* ---- gdb ---- */

/* While gdb holds the machine: its packets, until it lets go. False: it killed the machine, or somebody ended the wait. */
static bool serve_gdb(struct cli *cli)
{
    bool alive = true;

    while (alive && cli->gdb && !cli_signal && !cli->leaving) {
        if (gdb_has_something(cli)) {
            cli->gdb_busy = true;
            signals_interrupt(cli->sim);
            alive = gdb_server_service(cli->gdb);
            signals_interrupt(NULL);
            cli->gdb_busy = false;
            serial_service(cli);
            continue;
        }
        if (gdb_server_running(cli->gdb) && (gdb_server_attached(cli->gdb) || !cli->opt.wait))
            break;
        if (cli->opt.limit_seconds && host_now() - cli->started > cli->opt.limit_seconds)
            cli->out_of_time = cli->leaving = true;
        wait_for_input(cli, -1);
        display_service(cli, true);
    }
    if (cli->gdb && gdb_server_attached(cli->gdb))
        cli->opt.wait = false; /* for the first client only */
    cli->leaving |= !alive;
    return !cli->leaving && !cli_signal;
}

/* Runs until a stop that is the front end's own business: final, or seen by no client of gdb. */
static enum sim_err run_to_stop(struct cli *cli, struct sim_stop *stop)
{
    for (;;) {
        enum sim_err err;

        if (cli->gdb && !serve_gdb(cli)) {
            *stop = (struct sim_stop){ .reason = SIM_STOP_INTERRUPTED, .at = sim_position(cli->sim), .text = "interrupted" };
            return SIM_OK;
        }
        err = run_once(cli, stop);
        if (err || is_final(cli, stop))
            return err;
        if (stop->reason == SIM_STOP_INTERRUPTED && cli->gdb_knocks && !cli_signal)
            continue;
        if (!cli->gdb || !gdb_server_attached(cli->gdb) || stop->reason == SIM_STOP_INTERRUPTED)
            return SIM_OK;
        gdb_server_stopped(cli->gdb, stop);
    }
}

/* ---- Interactive ---- */

void run_interactive(struct cli *cli)
{
    struct sim_stop stop;
    enum sim_err err = run_to_stop(cli, &stop);

    terminal_cooked();
    display_suspend(cli);
    report_flush(cli, true);
    if (err) {
        fprintf(stderr, "sim: %s\n", sim_last_error());
        return;
    }
    if (cli_signal == SIGINT)
        cli_signal = 0;
    cli->finished = is_final(cli, &stop);
    session_command(cli, "info stop");
}

static int interact(struct cli *cli)
{
    if (!cli->opt.wait || cli->gdb)
        run_interactive(cli);
    if (!cli->leaving && !cli->finished)
        session_run(cli);
    return cli->out_of_time ? STATUS_LIMIT : STATUS_OK;
}

/* ---- Before the run, and after ---- */

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

struct answer {
    struct cli *cli;
    char *text;
    size_t len;
};

/* As text it is printed at once, so that it keeps its order with what the guest says. */
static void gather(void *arg, const char *text, size_t len)
{
    struct answer *a = arg;
    char *grown;

    if (!a->cli->opt.json) {
        terminal_cooked();
        serial_end_line(a->cli);
        fwrite(text, 1, len, stdout);
        fflush(stdout);
        return;
    }
    grown = realloc(a->text, a->len + len + 1);
    if (!grown)
        return;
    a->text = grown;
    memcpy(grown + a->len, text, len);
    a->len += len;
    grown[a->len] = 0;
}

/* The commands of -e and --script. False: one failed. */
static bool run_commands(struct cli *cli)
{
    struct sim_stop stop;

    for (unsigned n = 0; n < cli->opt.commands.count && !sim_wants_quit(cli->sim) && !cli->out_of_time && !cli_signal; n++) {
        const char *text = cli->opt.commands.item[n] + 1;
        struct answer answer = { cli, NULL, 0 };
        char *line = NULL;
        enum sim_err err;

        if (cli->opt.commands.item[n][0] == 'x' && asprintf(&line, "script %s", text) < 0)
            line = NULL;
        signals_interrupt(cli->sim);
        err = sim_command(cli->sim, line ? line : text, gather, &answer);
        signals_interrupt(NULL);
        terminal_cooked();
        if (cli->opt.json)
            report_command(cli, line ? line : text, answer.text ? answer.text : "", err);
        free(answer.text);
        if (err)
            usage_error("%s", sim_last_error());
        free(line);
        if (err)
            return false;
        sim_last_stop(cli->sim, &stop);
        note_end(cli, &stop);
    }
    return true;
}

static bool open_gdb(struct cli *cli)
{
    if (cli->opt.gdb && gdb_server_open(cli->sim, cli->opt.gdb, &cli->gdb) != SIM_OK)
        return usage_error("--%s", sim_last_error()), false; /* it says "gdb WHERE: ..." */
    return true;
}

static int run_unattended(struct cli *cli)
{
    struct sim_stop stop;
    int status;

    if (sim_wants_quit(cli->sim)) {
        sim_last_stop(cli->sim, &stop);
        stop.at = sim_position(cli->sim);
    } else if (run_to_stop(cli, &stop) != SIM_OK) {
        usage_error("%s", sim_last_error());
        return STATUS_INTERNAL;
    }
    status = sim_wants_quit(cli->sim) ? STATUS_OK : status_of(cli, &stop);
    put_into_words(cli, &stop);
    report_stop(cli, &stop, status);
    if (cli->opt.stats)
        report_stats(cli, &stop);
    return status;
}

int run_all(struct cli *cli)
{
    int status;

    sim_on_output(cli->sim, on_output, cli);
    sim_on_log(cli->sim, 1, on_log, cli);
    sim_on_pulse(cli->sim, pulse, cli);
    if (!add_probes(cli) || !open_gdb(cli) || !display_open(cli))
        return STATUS_USAGE;
    cli->started = host_now();
    if (cli->opt.demo)
        return demo_run(cli);
    terminal_service(cli);
    if (!run_commands(cli))
        return STATUS_USAGE;
    status = cli->interactive && !sim_wants_quit(cli->sim) ? interact(cli) : run_unattended(cli);
    if (cli->opt.screenshot && sim_screenshot(cli->sim, cli->opt.screenshot) != SIM_OK)
        return usage_error("--screenshot: %s", sim_last_error());
    return status;
}
