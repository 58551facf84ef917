/*
 * Monitor: by source lines and calls, forward and back.
 *
 * A call is recognised by what it leaves: after one step the stack is lower, and on top of it lies the address just behind the instruction.
 * What is so stepped over runs to its return, with a breakpoint that counts only when the stack is back at its height. Interrupts that come in
 * between are run through, as if they were not there.
 */
#include "libsim/monitor.h"

#include <stdio.h>
#include <string.h>

/* Steps that a search back may look through one by one. */
#define MAX_SEARCH 20000000

/* ---- Where it stands ---- */

struct line {
    const char *file; /* NULL: no line known */
    unsigned number;
    uint64_t function; /* address of the symbol; 0: unknown */
};

static struct line line_at(const struct monitor_call *m, uint64_t laddr)
{
    struct line l = { NULL, 0, 0 };
    const char *name;
    uint64_t offset;

    if (!dbg_line_at(m->sim->dbg, laddr, &l.file, &l.number))
        l.file = NULL;
    if (dbg_symbol_at(m->sim->dbg, laddr, &name, &offset))
        l.function = laddr - offset;
    return l;
}

static bool same_line(const struct line *a, const struct line *b)
{
    return a->number == b->number && a->function == b->function && (a->file == b->file || (a->file && b->file && strcmp(a->file, b->file) == 0));
}

/* Is this the first instruction of a line? */
static bool begins_line(const struct monitor_call *m, uint64_t laddr)
{
    struct line here = line_at(m, laddr), before = line_at(m, laddr - 1);

    return here.file && (!same_line(&here, &before) || here.function == laddr);
}

/* ---- Forward ---- */

/* Runs until the CPU is at `laddr` with its stack at `sp` or above. A stop for another reason is left in *stop. */
static enum sim_err run_to(struct monitor_call *m, uint64_t laddr, uint64_t sp, struct sim_stop *stop)
{
    char condition[80];
    struct dbg_probe p = { .kind = DBG_BREAK, .addr = laddr, .length = 1, .cpu = (int)m->cpu->number, .enabled = true, .hidden = true,
                           .condition = condition };
    uint32_t id;
    enum sim_err err;

    snprintf(condition, sizeof(condition), "(($ss.base + $esp) & 0xffffffff) >= 0x%llx", (ull)sp);
    err = dbg_probe_add(m->sim->dbg, &p, &id);
    if (err)
        return err;
    err = sim_run_to(m->sim, UINT64_MAX, SIM_NEVER, stop);
    dbg_probe_remove(m->sim->dbg, id);
    if (!err && stop->reason == SIM_STOP_PROBE && stop->probe == id) {
        stop->reason = SIM_STOP_STEPS;
        stop->probe = 0;
    }
    return err;
}

/* After a step from (ip, sp): the address behind the call that it was; 0 when it was none. */
static uint64_t called_from(struct monitor_call *m, uint64_t ip, uint64_t pc, uint64_t sp)
{
    const struct cpu *cpu = m->cpu;
    uint64_t now = monitor_sp(cpu);
    uint32_t top = 0;

    if (now >= sp || sp - now > 16)
        return 0;
    for (unsigned size = 2; size <= 4; size += 2) {
        top = 0;
        if (cpu_peek(m->cpu, now, &top, size) == size && top - (uint32_t)ip - 1 < 15 && top != (uint32_t)cpu->ip)
            return pc + (top - ip);
    }
    return 0;
}

static bool interrupted(const struct cpu *cpu, uint32_t history)
{
    const struct cpu_delivery *d = &cpu->history[(cpu->history_next - 1) % CPU_HISTORY];

    return cpu->history_next != history && (d->type == CPU_DELIVER_EXTERNAL || d->type == CPU_DELIVER_NMI);
}

/* One instruction; with `over`, calls count as one. Interrupts are run through. */
static enum sim_err step_one(struct monitor_call *m, bool over, struct sim_stop *stop)
{
    uint64_t ip = m->cpu->ip, pc = monitor_pc(m->cpu), sp = monitor_sp(m->cpu), behind;
    uint32_t history = m->cpu->history_next;
    enum sim_err err = sim_step_cpu(m->sim, m->cpu->number, stop);

    if (err || stop->reason != SIM_STOP_STEPS)
        return err;
    if (interrupted(m->cpu, history))
        return run_to(m, pc, sp, stop);
    behind = over ? called_from(m, ip, pc, sp) : 0;
    return behind ? run_to(m, behind, sp, stop) : SIM_OK;
}

static enum sim_err finish_steps(struct monitor_call *m, enum sim_err err, const struct sim_stop *stop)
{
    if (!err)
        monitor_say_stop(m, stop);
    return err;
}

/* To the beginning of another line. Where no line is known it is one instruction. */
static enum sim_err step_line(struct monitor_call *m, bool over, struct sim_stop *stop)
{
    struct line start = line_at(m, monitor_pc(m->cpu));
    enum sim_err err;

    for (;;) {
        struct line now;

        err = step_one(m, over, stop);
        if (err || stop->reason != SIM_STOP_STEPS || !start.file)
            return err;
        now = line_at(m, monitor_pc(m->cpu));
        if (now.file && !same_line(&now, &start))
            return SIM_OK;
    }
}

static enum sim_err step_lines(struct monitor_call *m, bool over)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    uint64_t times;
    enum sim_err err = monitor_count(m, 0, 1, &times);

    while (!err && times-- && stop.reason == SIM_STOP_STEPS)
        err = step_line(m, over, &stop);
    return finish_steps(m, err, &stop);
}

static enum sim_err step(struct monitor_call *m)
{
    return step_lines(m, false);
}

static enum sim_err next(struct monitor_call *m)
{
    return step_lines(m, true);
}

static enum sim_err next_instruction(struct monitor_call *m)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    uint64_t times;
    enum sim_err err = monitor_count(m, 0, 1, &times);

    while (!err && times-- && stop.reason == SIM_STOP_STEPS) {
        uint64_t pc = monitor_pc(m->cpu);

        do /* all rounds of a REP are one */
            err = step_one(m, true, &stop);
        while (!err && stop.reason == SIM_STOP_STEPS && monitor_pc(m->cpu) == pc && m->cpu->reg[CPU_CX] != 0 && m->cpu->activity == CPU_ACTIVE);
    }
    return finish_steps(m, err, &stop);
}

/* The caller's frame. */
static enum sim_err caller(struct monitor_call *m, struct dbg_frame *frame)
{
    struct dbg_frame frames[2];

    if (dbg_backtrace(m->sim->dbg, m->cpu, frames, 2) < 2)
        return sim_fail(SIM_ERR_UNKNOWN, "%s: no caller is to be found on the stack", m->name);
    *frame = frames[1];
    return SIM_OK;
}

static enum sim_err finish(struct monitor_call *m)
{
    struct dbg_frame up;
    struct sim_stop stop;
    enum sim_err err = caller(m, &up);

    if (!err)
        err = run_to(m, (uint32_t)(m->cpu->seg[CPU_CS].base + up.ip), (uint32_t)(m->cpu->seg[CPU_SS].base + up.sp), &stop);
    if (!err && stop.reason == SIM_STOP_STEPS)
        say(m, "returned 0x%llx\n", (ull)(uint32_t)m->cpu->reg[CPU_AX]);
    return finish_steps(m, err, &stop);
}

/* ---- Back ---- */

struct search {
    bool over;          /* lines of functions that were called do not count */
    uint64_t sp;        /* of the present */
};

static bool wanted(const struct monitor_call *m, const struct search *s)
{
    return begins_line(m, monitor_pc(m->cpu)) && (!s->over || monitor_sp(m->cpu) >= s->sp);
}

/* Looks at each step in [from, to) for the last one that is wanted. */
static enum sim_err search_window(struct monitor_call *m, const struct search *s, sim_steps from, sim_steps to, sim_steps *found, bool *any)
{
    sim_steps own = 0;
    struct sim_stop stop;
    enum sim_err err = SIM_OK;

    *any = false;
    for (sim_steps at = from; !err && at < to; at++) {
        if (atomic_exchange(&m->sim->interrupted, false))
            return sim_fail(SIM_ERR_BUSY, "%s: interrupted", m->name);
        err = sim_goto(m->sim, at, &stop);
        if (!err && (at == from || m->cpu->steps != own) && wanted(m, s)) {
            *found = at;
            *any = true;
        }
        own = m->cpu->steps;
    }
    return err;
}

/* Goes back to the last step before now that is wanted, in windows that grow. */
static enum sim_err search_back(struct monitor_call *m, const struct search *s, struct sim_stop *stop)
{
    sim_steps now = m->sim->step, to = now, first, last, found = now, size = 1000;
    enum sim_err err = SIM_OK;

    sim_timeline_range(m->sim, &first, &last);
    while (!err && to > first && now - to < MAX_SEARCH) {
        sim_steps from = to - first > size ? to - size : first;
        bool any;

        err = search_window(m, s, from, to, &found, &any);
        if (!err && any)
            return sim_goto(m->sim, found, stop);
        to = from;
        size = size < 1000000 ? size * 10 : size;
    }
    if (err)
        return err;
    if (to > first) {
        err = sim_goto(m->sim, now, stop);
        return err ? err : sim_fail(SIM_ERR_UNKNOWN, "%s: nothing within %d steps; use break and reverse-continue", m->name, MAX_SEARCH);
    }
    err = sim_goto(m->sim, first, stop);
    stop->reason = SIM_STOP_START;
    snprintf(stop->text, sizeof(stop->text), "the start of the timeline");
    return err;
}

static enum sim_err reverse_lines(struct monitor_call *m, bool over)
{
    struct sim_stop stop = { .reason = SIM_STOP_STEPS };
    uint64_t times;
    enum sim_err err = monitor_count(m, 0, 1, &times);

    while (!err && times-- && stop.reason == SIM_STOP_STEPS) {
        struct search s = { .over = over, .sp = monitor_sp(m->cpu) };

        if (line_at(m, monitor_pc(m->cpu)).file)
            err = search_back(m, &s, &stop);
        else
            err = sim_reverse_step_cpu(m->sim, m->cpu->number, &stop);
    }
    return finish_steps(m, err, &stop);
}

static enum sim_err reverse_step(struct monitor_call *m)
{
    return reverse_lines(m, false);
}

static enum sim_err reverse_next(struct monitor_call *m)
{
    return reverse_lines(m, true);
}

/* Back to the call: to the function's first instruction with the stack as it was then, and one step more. */
static enum sim_err reverse_finish(struct monitor_call *m)
{
    struct line here = line_at(m, monitor_pc(m->cpu));
    struct dbg_frame up;
    struct sim_stop stop;
    char condition[80];
    struct dbg_probe p = { .kind = DBG_BREAK, .addr = here.function, .length = 1, .cpu = (int)m->cpu->number, .enabled = true, .hidden = true,
                           .condition = condition };
    uint32_t id;
    enum sim_err err = here.function ? caller(m, &up) : sim_fail(SIM_ERR_UNKNOWN, "reverse-finish: this function has no symbol");

    if (err)
        return err;
    if (here.function != monitor_pc(m->cpu)) {
        snprintf(condition, sizeof(condition), "$esp >= 0x%llx && $esp < 0x%llx", (ull)(up.sp - 8), (ull)up.sp);
        err = dbg_probe_add(m->sim->dbg, &p, &id);
        if (err)
            return err;
        err = sim_reverse_run(m->sim, &stop);
        dbg_probe_remove(m->sim->dbg, id);
        if (err || stop.reason != SIM_STOP_PROBE || stop.probe != id)
            return finish_steps(m, err, &stop);
    }
    err = sim_reverse_step_cpu(m->sim, m->cpu->number, &stop);
    return finish_steps(m, err, &stop);
}

const struct monitor_command monitor_step_commands[] = {
    { "step", "s", "step [N]", "Run to another source line, into functions.\nWhere no line is known it is one instruction.", step, FOLLOW_NONE, NULL },
    { "next", "n", "next [N]", "Run to another source line; calls are run through.", next, FOLLOW_NONE, NULL },
    { "nexti", "ni", "nexti [N]", "One instruction; calls and REPs are run through.", next_instruction, FOLLOW_NONE, NULL },
    { "finish", "fin", "finish", "Run until the function returns.", finish, FOLLOW_NONE, NULL },
    { "reverse-step", "rs", "reverse-step [N]", "Go back to the beginning of a line, into functions.", reverse_step, FOLLOW_NONE, NULL },
    { "reverse-next", "rn", "reverse-next [N]", "Go back to the beginning of a line; calls count as one.", reverse_next, FOLLOW_NONE, NULL },
    { "reverse-finish", "rfin", "reverse-finish", "Go back to where the function was called.", reverse_finish, FOLLOW_NONE, NULL },
    { NULL, NULL, NULL, NULL, NULL, FOLLOW_NONE, NULL }
};
