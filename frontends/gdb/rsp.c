/*
 * Packets of the remote protocol: GDB manual, "Packets". One row each; what is in no row is answered with nothing, which tells gdb that the
 * packet is not supported.
 */
#include <string.h>

#include "frontends/gdb/private.h"

/* ---- Answers ---- */

void reply_ok(struct gdb_server *s)
{
    text_str(&s->reply, "OK");
}

/* gdb gives the number no meaning. */
void reply_error(struct gdb_server *s)
{
    text_clear(&s->reply);
    text_str(&s->reply, "E01");
}

/* ---- Threads: CPU n is thread n + 1 ---- */

bool take_thread(struct gdb_server *s, struct cursor *c, unsigned *cpu, bool *all)
{
    uint64_t id;

    *cpu = s->cpu;
    *all = false;
    if (cursor_take_text(c, "-1")) {
        *all = true;
        return true;
    }
    if (!cursor_hex(c, &id) || id > sim_cpus(s->sim))
        return false;
    if (id)
        *cpu = (unsigned)id - 1;
    return true;
}

/* Hg: what g, m and so on are about, and what monitor commands are about. Hc: what s is about. */
static void set_thread(struct gdb_server *s, struct cursor *c)
{
    bool general = cursor_take(c, 'g'), all;
    unsigned cpu;

    if ((!general && !cursor_take(c, 'c')) || !take_thread(s, c, &cpu, &all)) {
        reply_error(s);
        return;
    }
    if (general) {
        s->cpu = cpu;
        sim_set_focus(s->sim, cpu);
    }
    s->run_cpu = cpu;
    reply_ok(s);
}

static void thread_alive(struct gdb_server *s, struct cursor *c)
{
    unsigned cpu;
    bool all;

    if (take_thread(s, c, &cpu, &all))
        reply_ok(s);
    else
        reply_error(s);
}

/* ---- Leaving ---- */

static void detach(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    server_send_last(s, "OK", 2);
    breaks_clear(s);
    s->attached = false;
}

static void kill_machine(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    s->killed = true;
}

static void kill_process(struct gdb_server *s, struct cursor *c)
{
    server_send_last(s, "OK", 2);
    kill_machine(s, c);
}

/* Of the extended protocol: the machine's reset button, and the client sees it before its first step. */
static void restart(struct gdb_server *s, struct cursor *c)
{
    struct sim_stop stop;

    (void)c;
    sim_input_reset(s->sim);
    sim_run_steps(s->sim, 0, &stop); /* it enters */
    sim_run_steps(s->sim, 0, &stop); /* and takes effect */
}

static void extended(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    s->extended = true;
    reply_ok(s);
}

static void must_reply_empty(struct gdb_server *s, struct cursor *c)
{
    (void)s;
    (void)c;
}

/* ---- The table ---- */

/* Longer names before those they begin with. */
static const struct rsp_command commands[] = {
    { "?", rsp_why },
    { "!", extended },
    { "g", rsp_regs_read },
    { "G", rsp_regs_write },
    { "p", rsp_reg_read },
    { "P", rsp_reg_write },
    { "m", rsp_mem_read },
    { "M", rsp_mem_write },
    { "x", rsp_mem_read_binary },
    { "X", rsp_mem_write_binary },
    { "c", rsp_continue },
    { "C", rsp_continue },
    { "s", rsp_step },
    { "S", rsp_step },
    { "b", rsp_back },
    { "vCont?", rsp_vcont_actions },
    { "vCont", rsp_vcont },
    { "vKill", kill_process },
    { "vMustReplyEmpty", must_reply_empty },
    { "Z", rsp_break_insert },
    { "z", rsp_break_remove },
    { "H", set_thread },
    { "T", thread_alive },
    { "q", rsp_query },
    { "Q", rsp_set },
    { "D", detach },
    { "k", kill_machine },
    { "R", restart },
};

bool rsp_dispatch(struct gdb_server *s, const struct rsp_command *table, size_t rows, struct cursor *c)
{
    for (size_t n = 0; n < rows; n++)
        if (cursor_take_text(c, table[n].name)) {
            table[n].handler(s, c);
            return true;
        }
    return false;
}

/* These answer by themselves, later or not at all. */
static bool answers_itself(const struct gdb_server *s, uint8_t name)
{
    return s->running || s->killed || !s->attached || name == 'R' || name == 'k';
}

void rsp_packet(struct gdb_server *s, const uint8_t *data, size_t len)
{
    struct cursor c = { data, data + len };

    s->running = false; /* a client that speaks has given up waiting */
    text_clear(&s->reply);
    rsp_dispatch(s, commands, sizeof(commands) / sizeof(commands[0]), &c);
    if (answers_itself(s, len ? data[0] : 0))
        return;
    if (s->reply.overflow)
        reply_error(s);
    server_send(s, s->reply.data, s->reply.len);
}

void rsp_start(struct gdb_server *s)
{
    s->attached = true;
    s->running = s->no_ack = s->extended = s->physical = false;
    s->tells_swbreak = s->tells_hwbreak = s->tells_exec = false;
    sim_last_stop(s->sim, &s->stop);
    s->cpu = s->run_cpu = s->stop.cpu < sim_cpus(s->sim) ? s->stop.cpu : 0;
    sim_set_focus(s->sim, s->cpu);
    mode_start(s);
}
