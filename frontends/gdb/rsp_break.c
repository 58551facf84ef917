/*
 * Breakpoints and watchpoints: hidden probes of the machine. Guest memory is never patched, so software and hardware breakpoints are the
 * same thing, and a guest that reads or rewrites its code sees nothing of them.
 *
 * To go on from a breakpoint, gdb takes it away, steps that thread alone, and puts it back. The other CPUs may run during that step, as
 * their turn demands, and must not slip past the breakpoint: so one that is taken away is only `lifted`, and what it means shows when the
 * machine is resumed (breaks_resume).
 */
#include <stdio.h>
#include <string.h>

#include "frontends/gdb/private.h"

enum { SOFTWARE, HARDWARE, WRITE, READ, ACCESS, TYPES };

static void remove_probes(struct gdb_server *s, struct gdb_break *b)
{
    for (unsigned n = 0; n < b->probes; n++)
        sim_probe_remove(s->sim, b->probe[n]);
    b->probes = 0;
}

/* cpu: "" for all, " cpu N" for one. */
static bool add_probe(struct gdb_server *s, struct gdb_break *b, const char *cpu)
{
    static const char *const words[TYPES] = { "break", "break", "watch", "rwatch", "awatch" };
    char spec[96], len[32] = "";
    uint32_t id;

    if (b->type >= WRITE)
        snprintf(len, sizeof(len), ":0x%llx", (unsigned long long)b->len);
    snprintf(spec, sizeof(spec), "%s 0x%llx%s%s", words[b->type], (unsigned long long)b->addr, len, cpu);
    if (sim_probe_add(s->sim, spec, &id) != SIM_OK)
        return false;
    sim_probe_hide(s->sim, id, true);
    b->probe[b->probes++] = id;
    return true;
}

/* ---- Resuming ---- */

static void drop(struct gdb_server *s, unsigned n)
{
    remove_probes(s, &s->breaks[n]);
    s->breaks[n] = s->breaks[--s->break_count];
}

/* A lifted breakpoint still holds for all CPUs but the one that steps over it. */
static void spare(struct gdb_server *s, struct gdb_break *b, unsigned stepping)
{
    char cpu[16];

    remove_probes(s, b);
    for (unsigned n = 0; n < sim_cpus(s->sim) && n < BREAK_PROBES; n++)
        if (n != stepping) {
            snprintf(cpu, sizeof(cpu), " cpu %u", n);
            add_probe(s, b, cpu);
        }
}

void breaks_resume(struct gdb_server *s, bool alone, unsigned cpu)
{
    for (unsigned n = s->break_count; n-- > 0;) {
        if (!s->breaks[n].lifted)
            continue;
        if (alone && s->breaks[n].type < WRITE && sim_cpus(s->sim) > 1)
            spare(s, &s->breaks[n], cpu);
        else
            drop(s, n);
    }
}

/* ---- Packets ---- */

/* "TYPE,ADDR,KIND", and perhaps conditions, which were not offered. */
static bool take_break(struct cursor *c, struct gdb_break *b)
{
    uint64_t type;

    *b = (struct gdb_break){ 0 };
    if (!cursor_hex(c, &type) || type >= TYPES || !cursor_take(c, ',') || !cursor_hex(c, &b->addr) || !cursor_take(c, ',') ||
        !cursor_hex(c, &b->len))
        return false;
    b->type = (unsigned)type;
    return b->type < WRITE || b->len > 0;
}

static struct gdb_break *find(struct gdb_server *s, const struct gdb_break *like)
{
    for (unsigned n = 0; n < s->break_count; n++)
        if (s->breaks[n].type == like->type && s->breaks[n].addr == like->addr && s->breaks[n].len == like->len)
            return &s->breaks[n];
    return NULL;
}

/* Inserting twice is inserting once: GDB manual, "Packets". */
void rsp_break_insert(struct gdb_server *s, struct cursor *c)
{
    struct gdb_break b, *old;

    if (!take_break(c, &b)) {
        reply_error(s);
        return;
    }
    old = find(s, &b);
    if (old && !old->lifted) {
        reply_ok(s);
        return;
    }
    if (old)
        drop(s, (unsigned)(old - s->breaks));
    if (s->break_count == MAX_BREAKS || !add_probe(s, &b, "")) {
        reply_error(s);
        return;
    }
    s->breaks[s->break_count++] = b;
    reply_ok(s);
}

void rsp_break_remove(struct gdb_server *s, struct cursor *c)
{
    struct gdb_break b, *old;

    if (!take_break(c, &b)) {
        reply_error(s);
        return;
    }
    old = find(s, &b);
    if (old)
        old->lifted = true;
    reply_ok(s);
}

void breaks_clear(struct gdb_server *s)
{
    while (s->break_count)
        drop(s, s->break_count - 1);
}

const struct gdb_break *break_of_probe(const struct gdb_server *s, uint32_t probe)
{
    for (unsigned n = 0; n < s->break_count; n++)
        for (unsigned k = 0; k < s->breaks[n].probes; k++)
            if (s->breaks[n].probe[k] == probe)
                return &s->breaks[n];
    return NULL;
}

/* ---- Watchpoints that a step back passes ---- */

/* FNV-1a over what the range holds; of a long one, over its first 4 KiB. */
static uint64_t sum(struct gdb_server *s, const struct gdb_break *b)
{
    uint8_t data[4096];
    uint64_t hash = 0xcbf29ce484222325u;
    size_t done = 0;

    sim_mem_read(s->sim, s->cpu, SIM_LINEAR, b->addr, data, b->len < sizeof(data) ? (size_t)b->len : sizeof(data), &done);
    for (size_t n = 0; n < done; n++)
        hash = (hash ^ data[n]) * 0x100000001b3u;
    return hash;
}

static bool is_written(const struct gdb_break *b)
{
    return (b->type == WRITE || b->type == ACCESS) && !b->lifted;
}

void watches_note(struct gdb_server *s)
{
    for (unsigned n = 0; n < s->break_count; n++)
        if (is_written(&s->breaks[n]))
            s->breaks[n].sum = sum(s, &s->breaks[n]);
}

const struct gdb_break *watches_changed(struct gdb_server *s)
{
    for (unsigned n = 0; n < s->break_count; n++)
        if (is_written(&s->breaks[n]) && s->breaks[n].sum != sum(s, &s->breaks[n]))
            return &s->breaks[n];
    return NULL;
}
