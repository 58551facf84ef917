/*
 * Running. `c` lets the front end's loop run; steps and the way back are made here, within the packet. GDB manual, "Packets" (vCont, bc,
 * bs) and "Stop Reply Packets".
 *
 * The machine is deterministic, so no CPU can be held while others run: `vCont;s:N` steps CPU N, and the others run as their turns demand,
 * whatever gdb's scheduler-locking says; `c` always means all.
 */
#include <stdio.h>
#include <string.h>

#include "frontends/gdb/private.h"

/* Steps made for one packet before gdb hears of it. */
#define RANGE_STEPS 100000

/* ---- Stop replies ---- */

enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5 };

static void console_line(struct gdb_server *s, const char *text)
{
    size_t len = strlen(text);

    server_console(s, text, len);
    if (!len || text[len - 1] != '\n')
        server_console(s, "\n", 1);
}

/* What the user should read besides the signal: it reaches gdb before the stop. */
static void tell(struct gdb_server *s, const struct sim_stop *stop)
{
    const char *why;
    char code[16];

    switch (stop->reason) {
    case SIM_STOP_STEPS: case SIM_STOP_INTERRUPTED: case SIM_STOP_START: case SIM_STOP_END: return;
    case SIM_STOP_PROBE:
        if (!break_of_probe(s, stop->probe))
            console_line(s, stop->text);
        return;
    case SIM_STOP_TRIPLE_FAULT:
        console_line(s, stop->text);
        why = sim_explain(s->sim, stop);
        if (*why)
            console_line(s, why);
        return;
    case SIM_STOP_EXIT:
        snprintf(code, sizeof(code), ": 0x%x", stop->code);
        server_console(s, stop->text, strlen(stop->text));
        console_line(s, code);
        return;
    default: console_line(s, stop->text);
    }
}

/* gdb looks for the watchpoint that has this address in it. */
static uint64_t watched_address(struct gdb_server *s, const struct gdb_break *b)
{
    struct sim_watch_hit hit;

    if (!sim_watch_hit(s->sim, &hit) || hit.probe != b->probe[0] || hit.laddr < b->addr || hit.laddr - b->addr >= b->len)
        return b->addr;
    return hit.laddr;
}

static void put_break(struct gdb_server *s, const struct gdb_break *b)
{
    static const char *const words[] = { "swbreak", "hwbreak", "watch", "rwatch", "awatch" };

    if (b->type >= 2)
        text_printf(&s->reply, "%s:%llx;", words[b->type], (unsigned long long)watched_address(s, b));
    else if (b->type ? s->tells_hwbreak : s->tells_swbreak)
        text_printf(&s->reply, "%s:;", words[b->type]);
}

static void put_reason(struct gdb_server *s, const struct sim_stop *stop)
{
    const struct gdb_break *b;

    switch (stop->reason) {
    case SIM_STOP_START: text_str(&s->reply, "replaylog:begin;"); break;
    case SIM_STOP_END: text_str(&s->reply, "replaylog:end;"); break;
    case SIM_STOP_PROBE:
        b = break_of_probe(s, stop->probe);
        if (b)
            put_break(s, b);
        break;
    default: break;
    }
}

/* T, with the registers that gdb asks for first. */
static void put_stop(struct gdb_server *s, const struct sim_stop *stop)
{
    const struct gdb_layout *layout = reg_layout(s);
    const uint8_t wanted[] = { layout->sp, layout->bp, layout->pc };

    text_clear(&s->reply);
    text_printf(&s->reply, "T%02x", stop->reason == SIM_STOP_INTERRUPTED ? SIGNAL_INT : SIGNAL_TRAP);
    for (unsigned n = 0; n < sizeof(wanted); n++) {
        text_printf(&s->reply, "%02x:", wanted[n]);
        reg_put(s, &s->reply, s->cpu, wanted[n]);
        text_str(&s->reply, ";");
    }
    text_printf(&s->reply, "thread:%x;", s->cpu + 1);
    put_reason(s, stop);
}

/* The registers are told in the sizes of the new description, for gdb reads that before it reads them. */
static void put_stop_announced(struct gdb_server *s, const struct sim_stop *stop)
{
    bool differs = mode_follow(s);

    put_stop(s, stop);
    if (differs)
        mode_announce(s);
}

/* The machine stands, and the CPU that the stop is about is the current one. */
static void stand(struct gdb_server *s, const struct sim_stop *stop)
{
    s->running = false;
    s->stop = *stop;
    s->cpu = s->run_cpu = stop->cpu < sim_cpus(s->sim) ? stop->cpu : 0;
    sim_set_focus(s->sim, s->cpu);
    tell(s, stop);
    put_stop_announced(s, stop);
}

void rsp_stopped(struct gdb_server *s, const struct sim_stop *stop)
{
    stand(s, stop);
    server_send(s, s->reply.data, s->reply.len);
}

void rsp_broken(struct gdb_server *s)
{
    struct sim_stop stop;

    if (!s->running)
        return; /* it stood already; gdb has the stop */
    sim_last_stop(s->sim, &stop);
    stop.reason = SIM_STOP_INTERRUPTED;
    stop.at = sim_position(s->sim);
    rsp_stopped(s, &stop);
}

void rsp_why(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    put_stop_announced(s, &(struct sim_stop){ .reason = SIM_STOP_STEPS });
}

/* ---- Forward ---- */

static void go(struct gdb_server *s)
{
    breaks_resume(s, false, 0);
    s->running = true;
}

/* first..last: the range to stay in; first > last: one step. A stop within the range is allowed, and gdb goes on from it. */
static void step(struct gdb_server *s, unsigned cpu, bool alone, uint64_t first, uint64_t last)
{
    struct break_in *b = break_in_begin(s);
    unsigned left = RANGE_STEPS;
    struct sim_stop stop;
    enum sim_err err;
    uint64_t pc;

    breaks_resume(s, alone, cpu);
    do {
        err = sim_step_cpu(s->sim, cpu, &stop);
        pc = reg_pc(s, cpu);
    } while (!err && stop.reason == SIM_STOP_STEPS && pc >= first && pc <= last && --left);
    break_in_end(b);
    if (err)
        reply_error(s);
    else
        stand(s, &stop);
}

/* Where to go on, if the packet says. False: malformed. */
static bool take_address(struct gdb_server *s, struct cursor *c)
{
    uint64_t addr;

    if (!cursor_left(c))
        return true;
    if (!cursor_hex(c, &addr) || cursor_left(c))
        return false;
    if (addr == reg_pc(s, s->run_cpu))
        return true;
    return reg_set_pc(s, s->run_cpu, addr);
}

/* Signals have no meaning here: "C05;ADDR" is "cADDR". */
static bool take_signal(struct cursor *c)
{
    uint64_t number;

    return cursor_hex(c, &number) && (cursor_take(c, ';') || !cursor_left(c));
}

static bool with_signal(const struct cursor *c)
{
    return c->at[-1] == 'C' || c->at[-1] == 'S';
}

void rsp_continue(struct gdb_server *s, struct cursor *c)
{
    if (mode_release(s))
        return;
    if ((with_signal(c) && !take_signal(c)) || !take_address(s, c))
        reply_error(s);
    else
        go(s);
}

void rsp_step(struct gdb_server *s, struct cursor *c)
{
    if (mode_release(s))
        return;
    if ((with_signal(c) && !take_signal(c)) || !take_address(s, c))
        reply_error(s);
    else
        step(s, s->run_cpu, false, 1, 0);
}

/* ---- vCont ---- */

struct action {
    char kind; /* 'c', 's', 'r', 't' */
    bool all;
    unsigned cpu;
    uint64_t first, last;
};

/* One of ";ACTION[:THREAD]". */
static bool take_action(struct gdb_server *s, struct cursor *c, struct action *a)
{
    uint64_t number;

    *a = (struct action){ .all = true, .cpu = s->run_cpu, .first = 1 };
    if (!cursor_take(c, ';') || !cursor_left(c))
        return false;
    a->kind = (char)(*c->at++ | 0x20);
    if (with_signal(c) && !cursor_hex(c, &number))
        return false;
    if (a->kind == 'r' && (!cursor_hex(c, &a->first) || !cursor_take(c, ',') || !cursor_hex(c, &a->last)))
        return false;
    if (a->kind == 'r')
        a->last--; /* the end is not in the range; an empty one is a step */
    if (a->kind == 'r' && a->last + 1 <= a->first)
        a->first = 1, a->last = 0;
    if (cursor_take(c, ':') && !take_thread(s, c, &a->cpu, &a->all))
        return false;
    return a->kind == 'c' || a->kind == 's' || a->kind == 'r' || a->kind == 't';
}

void rsp_vcont_actions(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    text_str(&s->reply, "vCont;c;C;s;S;t;r");
}

/* The leftmost action of a thread is its own; the first thread that is to step decides what happens. */
void rsp_vcont(struct gdb_server *s, struct cursor *c)
{
    struct action a, stepping = { 0 };
    bool everybody = false, goes_on = false;

    if (mode_release(s))
        return;
    while (cursor_left(c)) {
        if (!take_action(s, c, &a)) {
            reply_error(s);
            return;
        }
        if (!stepping.kind && (a.kind == 's' || a.kind == 'r') && !everybody)
            stepping = a;
        goes_on |= a.kind == 'c' && !everybody;
        everybody |= a.all;
    }
    if (stepping.kind)
        step(s, stepping.cpu, !everybody, stepping.first, stepping.last);
    else if (goes_on)
        go(s);
    else
        rsp_why(s, c); /* all are to stop, and all do */
}

/* ---- Back ---- */

/* There is nothing behind: the start, or no timeline, which the user is told. */
static void no_way_back(struct gdb_server *s)
{
    struct sim_stop stop = { .reason = SIM_STOP_START, .cpu = s->run_cpu, .at = sim_position(s->sim) };

    console_line(s, sim_last_error());
    stand(s, &stop);
}

static void step_back(struct gdb_server *s)
{
    const struct gdb_break *passed;
    struct sim_stop stop;

    watches_note(s);
    if (sim_reverse_step_cpu(s->sim, s->run_cpu, &stop) != SIM_OK) {
        no_way_back(s);
        return;
    }
    passed = watches_changed(s);
    if (passed && stop.reason == SIM_STOP_STEPS) {
        stop.reason = SIM_STOP_PROBE;
        stop.probe = passed->probe[0];
    }
    stand(s, &stop);
}

/* A watchpoint stops behind the access. On the way back, that is before it has been undone, but gdb wants to see it undone. */
static bool undo_access(struct gdb_server *s, struct sim_stop *stop)
{
    const struct gdb_break *b = stop->reason == SIM_STOP_PROBE ? break_of_probe(s, stop->probe) : NULL;
    struct sim_stop at;

    if (!b || b->type < 2)
        return true;
    if (sim_reverse_steps(s->sim, 1, &at) != SIM_OK)
        return false;
    stop->at = at.at;
    return true;
}

/* Does the machine stand where a watchpoint has stopped it? That access is then the first on the way back, though sim_reverse_run looks
 * for the one before. By its address, for gdb has set the watchpoint anew since. */
static bool behind_access(struct gdb_server *s, struct sim_stop *stop)
{
    struct sim_watch_hit hit;

    sim_last_stop(s->sim, stop);
    if (stop->reason != SIM_STOP_PROBE || stop->at.step != sim_position(s->sim).step || !sim_watch_hit(s->sim, &hit))
        return false;
    for (unsigned n = 0; n < s->break_count; n++) {
        const struct gdb_break *b = &s->breaks[n];

        if (b->type >= 2 && b->type != (hit.write ? 3 : 2) && hit.laddr < b->addr + b->len && b->addr < hit.laddr + hit.size) {
            stop->probe = b->probe[0];
            return true;
        }
    }
    return false;
}

static void run_back(struct gdb_server *s)
{
    struct break_in *b = break_in_begin(s);
    struct sim_stop stop;
    bool done = (behind_access(s, &stop) || sim_reverse_run(s->sim, &stop) == SIM_OK) && undo_access(s, &stop);

    break_in_end(b);
    if (done)
        stand(s, &stop);
    else
        no_way_back(s);
}

void rsp_back(struct gdb_server *s, struct cursor *c)
{
    if (mode_release(s))
        return;
    breaks_resume(s, false, 0);
    if (cursor_take(c, 's'))
        step_back(s);
    else if (cursor_take(c, 'c'))
        run_back(s);
}
