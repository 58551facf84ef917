/*
 * Monitor: running, forward and back.
 */
#include "libsim/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends a command that ran the machine. */
static enum sim_err stopped(struct monitor_call *m, enum sim_err err, const struct sim_stop *stop)
{
    if (!err)
        monitor_say_stop(m, stop);
    return err;
}

/* ---- Forward ---- */

static enum sim_err run_on(struct monitor_call *m)
{
    struct sim_stop stop;
    uint64_t times;
    struct dbg_probe *p = dbg_probe_find(m->sim->dbg, m->sim->last_stop.reason == SIM_STOP_PROBE ? m->sim->last_stop.probe : 0);
    enum sim_err err = monitor_count(m, 0, 1, &times);

    if (!err && m->count && !p)
        err = sim_fail(SIM_ERR_USAGE, "continue %s: the machine does not stand at a probe that could be passed so often", m->args);
    if (err)
        return err;
    if (m->count && times)
        p->ignore = (uint32_t)(times - 1);
    return stopped(m, sim_run_to(m->sim, UINT64_MAX, SIM_NEVER, &stop), &stop);
}

static enum sim_err step_instruction(struct monitor_call *m)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    uint64_t times;
    enum sim_err err = monitor_count(m, 0, 1, &times);

    while (!err && times-- && stop.reason == SIM_STOP_STEPS)
        err = sim_step_cpu(m->sim, m->cpu->number, &stop);
    return stopped(m, err, &stop);
}

/* "until ADDR", "advance ADDR": a breakpoint that goes with the command. */
static enum sim_err advance(struct monitor_call *m)
{
    struct sim_stop stop;
    char spec[256];
    uint32_t id;
    enum sim_err err;

    if (!m->count)
        return monitor_usage(m, "until ADDR|SYMBOL|FILE:LINE");
    snprintf(spec, sizeof(spec), "break %s", m->word[0]);
    err = dbg_probe_parse(m->sim->dbg, spec, &id);
    if (err)
        return err;
    dbg_probe_find(m->sim->dbg, id)->hidden = true;
    err = sim_run_to(m->sim, UINT64_MAX, SIM_NEVER, &stop);
    dbg_probe_remove(m->sim->dbg, id);
    if (!err && stop.reason == SIM_STOP_PROBE && stop.probe == id) {
        stop.reason = SIM_STOP_STEPS;
        stop.probe = 0;
    }
    return stopped(m, err, &stop);
}

/* ---- Back ---- */

static enum sim_err reverse_instruction(struct monitor_call *m)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    uint64_t times;
    enum sim_err err = monitor_count(m, 0, 1, &times);

    while (!err && times-- && stop.reason == SIM_STOP_STEPS)
        err = sim_reverse_step_cpu(m->sim, m->cpu->number, &stop);
    return stopped(m, err, &stop);
}

static enum sim_err reverse_run(struct monitor_call *m)
{
    struct sim_stop stop;

    return stopped(m, sim_reverse_run(m->sim, &stop), &stop);
}

/* ---- To a place in time ---- */

static const struct monitor_bookmark *find_bookmark(const struct monitor *monitor, const char *name)
{
    for (unsigned n = 0; n < monitor->bookmarks; n++)
        if (strcmp(monitor->bookmark[n].name, name) == 0)
            return &monitor->bookmark[n];
    return NULL;
}

static enum sim_err parse_step(struct monitor_call *m, sim_steps *step)
{
    const struct monitor_bookmark *mark = find_bookmark(m->sim->monitor, m->word[0]);
    sim_steps first, last;
    const char *text = m->args;
    enum sim_err err;
    uint64_t n = 0;

    sim_timeline_range(m->sim, &first, &last);
    if (mark || strcmp(text, "start") == 0 || strcmp(text, "end") == 0) {
        *step = mark ? mark->step : text[0] == 's' ? first : last;
        return SIM_OK;
    }
    err = monitor_eval(m, *text == '+' || *text == '-' ? text + 1 : text, &n);
    if (*text == '-')
        n = n > m->sim->step ? 0 : m->sim->step - n;
    else if (*text == '+')
        n += m->sim->step;
    *step = n;
    return err;
}

static enum sim_err go_to(struct monitor_call *m)
{
    struct sim_stop stop;
    sim_steps step = 0;
    enum sim_err err = m->count ? parse_step(m, &step) : monitor_usage(m, "goto STEP|+N|-N|start|end|CHECKPOINT");

    return err ? err : stopped(m, sim_goto(m->sim, step, &stop), &stop);
}

static void list_bookmarks(struct monitor_call *m)
{
    const struct monitor *monitor = m->sim->monitor;
    sim_steps first, last;

    sim_timeline_range(m->sim, &first, &last);
    for (unsigned n = 0; n < monitor->bookmarks; n++)
        say(m, "%-12s step %llu\n", monitor->bookmark[n].name, (ull)monitor->bookmark[n].step);
    say(m, "%-12s step %llu\n%-12s step %llu, furthest %llu; every step between can be gone to\n", "start", (ull)first, "now", (ull)m->sim->step,
        (ull)last);
}

/* The timeline can go to any step: a checkpoint of the user's is a name for one. */
static enum sim_err checkpoint(struct monitor_call *m)
{
    struct monitor *monitor = m->sim->monitor;
    struct monitor_bookmark *mark;
    unsigned skip = m->count && strcmp(m->word[0], "take") == 0;
    char name[24];

    if (m->count == 1 && strcmp(m->word[0], "list") == 0) {
        list_bookmarks(m);
        return SIM_OK;
    }
    if (m->count > skip + 1 || (m->count > skip && strlen(m->word[skip]) >= sizeof(name)))
        return monitor_usage(m, "checkpoint [take] [NAME] | checkpoint list (a name has at most 23 characters)");
    if (!m->sim->timeline)
        return sim_fail(SIM_ERR_RANGE, "the timeline is off: run with --timeline on");
    snprintf(name, sizeof(name), "%s", m->count > skip ? m->word[skip] : "");
    if (!*name)
        snprintf(name, sizeof(name), "c%u", monitor->bookmarks + 1);
    mark = (struct monitor_bookmark *)find_bookmark(monitor, name);
    if (!mark && monitor->bookmarks == sizeof(monitor->bookmark) / sizeof(monitor->bookmark[0]))
        return sim_fail(SIM_ERR_NOMEM, "checkpoint: there is room for %u", monitor->bookmarks);
    if (!mark)
        mark = &monitor->bookmark[monitor->bookmarks++];
    *mark = (struct monitor_bookmark){ .step = m->sim->step };
    memcpy(mark->name, name, sizeof(name));
    say(m, "checkpoint %s: step %llu; `goto %s` comes back to it\n", name, (ull)mark->step, name);
    return SIM_OK;
}

/* ---- The machine ---- */

static enum sim_err reset(struct monitor_call *m)
{
    enum sim_err err = sim_input_reset(m->sim);

    if (!err)
        say(m, "the reset takes effect with the next step\n");
    return err;
}

static enum sim_err focus(struct monitor_call *m)
{
    uint64_t n;
    enum sim_err err = monitor_count(m, 0, m->sim->focus, &n);

    if (!err)
        err = sim_set_focus(m->sim, n > UINT32_MAX ? UINT32_MAX : (unsigned)n);
    if (err)
        return err;
    m->cpu = cpu_get(m->sim->cluster, (unsigned)n);
    say(m, "cpu %u\n", (unsigned)n);
    monitor_say_location(m);
    return SIM_OK;
}

const struct monitor_command monitor_run_commands[] = {
    { "continue", "c cont", "continue [N]", "Run until something stops the machine.\nWith N, pass the breakpoint it stands at N-1 times.", run_on,
      FOLLOW_NONE, NULL },
    { "stepi", "si", "stepi [N]", "Make N steps of the CPU in focus (1): an instruction, one round of a REP, or a delivery.", step_instruction,
      FOLLOW_NONE, NULL },
    { "until", "u advance", "until ADDR|SYMBOL|FILE:LINE", "Run to a place.", advance, FOLLOW_EXPRESSION, NULL },
    { "reverse-stepi", "rsi", "reverse-stepi [N]", "Go back by N steps of the CPU in focus (1).", reverse_instruction, FOLLOW_NONE, NULL },
    { "reverse-continue", "rc", "reverse-continue", "Go back to the last place where a probe would have stopped, or to the start.", reverse_run,
      FOLLOW_NONE, NULL },
    { "goto", "", "goto STEP|+N|-N|start|end|CHECKPOINT", "Go to a step of the timeline, back or forward.", go_to, FOLLOW_WORDS, "start end" },
    { "checkpoint", "", "checkpoint [take] [NAME] | checkpoint list",
      "Give this step a name, for `goto`; or list what can be gone to.", checkpoint, FOLLOW_WORDS, "take list" },
    { "cpu", "", "cpu [N]", "Choose the CPU that commands are about.", focus, FOLLOW_NONE, NULL },
    { "reset", "", "reset", "Press the reset button.", reset, FOLLOW_NONE, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
