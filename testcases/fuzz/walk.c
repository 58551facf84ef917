#include "testcases/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "debug/dbg.h"

bool walk_ended(const struct sim_stop *stop)
{
    return stop->reason == SIM_STOP_POWER_OFF || stop->reason == SIM_STOP_EXIT || stop->reason == SIM_STOP_TRIPLE_FAULT ||
           stop->reason == SIM_STOP_DEAD_HALT || stop->reason == SIM_STOP_ERROR;
}

static void must(struct walker *w, enum sim_err err)
{
    if (err && !w->failed)
        w->failed = sim_last_error();
}

void walk_plain(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do {
        must(w, sim_run_to(w->sim, mark, SIM_NEVER, stop));
        w->count += stop->reason == SIM_STOP_PROBE;
    } while (!w->failed && !walk_ended(stop) && w->sim->step < mark);
}

/* ---- In pieces ---- */

static void in_single_steps(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do
        must(w, sim_run_steps(w->sim, 1, stop));
    while (!w->failed && !walk_ended(stop) && w->sim->step < mark);
}

static void in_slices(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do {
        sim_steps to = w->sim->step + 1 + rng_below(&w->rng, 60);

        must(w, sim_run_to(w->sim, to < mark ? to : mark, SIM_NEVER, stop));
        sim_digest(w->sim);
    } while (!w->failed && !walk_ended(stop) && w->sim->step < mark);
}

static void in_cycles(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    /* A machine that sleeps makes no steps, only cycles: it is let run after a while. */
    for (unsigned n = 0; n < 200; n++) {
        must(w, sim_run_to(w->sim, mark, sim_position(w->sim).cycle + 1 + rng_below(&w->rng, 200), stop));
        if (w->failed || walk_ended(stop) || w->sim->step >= mark)
            return;
    }
    walk_plain(w, mark, stop);
}

static void in_steps_of_a_cpu(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    /* The others may make the steps of a turn meanwhile. It is the first one that is stepped, for a reset in between lets the rest wait for ever. */
    while (w->sim->step + 2 * w->scene->quantum + 10 < mark && cpu_get(w->sim->cluster, 0)->activity == CPU_ACTIVE) {
        must(w, sim_step_cpu(w->sim, 0, stop));
        if (w->failed || walk_ended(stop))
            return;
    }
    if (w->sim->step < mark)
        walk_plain(w, mark, stop);
}

static void interrupted(void *arg)
{
    struct walker *w = arg;

    if (++w->count % 3 == 0)
        sim_interrupt(w->sim);
}

static void with_interruptions(struct walker *w)
{
    sim_on_pulse(w->sim, interrupted, w);
}

/* ---- Into the past, and through a saved state ---- */

static void back_and_forth(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    struct sim_stop there;
    sim_steps first, last, at;

    walk_plain(w, mark, stop);
    at = w->sim->step;
    for (unsigned n = 1 + rng_below(&w->rng, 3); n && !w->failed; n--) {
        unsigned visit = w->marks ? rng_below(&w->rng, w->marks) : 0;
        bool known = w->marks && w->mark[visit].step != w->sim->step; /* who is there stays, and may have slept since */

        sim_timeline_range(w->sim, &first, &last);
        if (known && rng_chance(&w->rng, 50)) { /* a step whose digest is known */
            must(w, sim_goto(w->sim, w->mark[visit].step, &there));
            if (!w->failed && sim_digest(w->sim) != w->mark[visit].digest)
                w->failed = "the past is another when it is visited again";
        } else {
            must(w, sim_reverse_steps(w->sim, 1 + rng_below(&w->rng, (unsigned)(w->sim->step - first) + 1), &there));
        }
        if (w->sim->step < last && rng_chance(&w->rng, 50))
            must(w, sim_run_steps(w->sim, rng_below(&w->rng, (unsigned)(last - w->sim->step)), &there));
    }
    if (w->failed)
        return;
    if (!walk_ended(stop))
        must(w, sim_goto(w->sim, at, &there));
    else if (w->sim->step < at)
        walk_plain(w, UINT64_MAX, stop);
}

static void copy_pages(struct sim *from, struct sim *to)
{
    static uint8_t page[SIM_PAGE_SIZE];
    struct bus_ram *b = to->bus->memory.first;

    for (struct bus_ram *a = from->bus->memory.first; a && b; a = a->next, b = b->next)
        for (uint64_t at = 0; a->state && at < a->pages * SIM_PAGE_SIZE; at += SIM_PAGE_SIZE) {
            bus_ram_get(a, at, page, SIM_PAGE_SIZE);
            bus_ram_put(b, at, page, SIM_PAGE_SIZE);
        }
}

/* Everything that the field tables name, put into `to`. */
static void hand_over(struct walker *w, struct sim *to)
{
    struct sim_buf state = SIM_BUF_INIT;
    struct sim_reader in;
    uint64_t digest = sim_digest(w->sim);

    state_pack(w->sim, &state);
    if (to != w->sim)
        copy_pages(w->sim, to);
    in = sim_reader_over(state.data, state.len);
    must(w, state_unpack(to, &in));
    sim_buf_fini(&state);
    for (unsigned n = 0; n < sim_cpus(to); n++)
        dbg_tell_step(to->dbg, cpu_get(to->cluster, n), to->step);
    if (!w->failed && sim_digest(to) != digest)
        w->failed = "the restored state has another digest than the saved one";
}

static void through_another_machine(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    sim_steps middle = w->sim->step + rng_below(&w->rng, (unsigned)(mark - w->sim->step) + 1);
    struct sim *heir;

    walk_plain(w, middle, stop);
    if (w->failed || (w->sim->step >= middle && walk_ended(stop) && middle >= mark) || walk_ended(stop))
        return;
    heir = scene_open_bare(w->scene);
    if (!heir) {
        w->failed = sim_last_error();
        return;
    }
    hand_over(w, heir);
    sim_destroy(w->sim);
    w->sim = heir;
    walk_plain(w, mark, stop);
}

static void through_itself(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    do {
        sim_steps to = w->sim->step + 1 + rng_below(&w->rng, 40);

        walk_plain(w, to < mark ? to : mark, stop);
        if (!w->failed && !walk_ended(stop))
            hand_over(w, w->sim);
    } while (!w->failed && !walk_ended(stop) && w->sim->step < mark);
}

/* ---- Observed ---- */

static bool count_hit(void *arg, struct sim *sim, uint32_t id)
{
    struct walker *w = arg;

    (void)sim;
    (void)id;
    w->count++;
    return false;
}

static const char *const specs[] = { "break 0x10000", "break 0x10040", "break 0x11000", "break phys:0x10020", "watch 0x60000:256", "awatch 0x60100:512",
                                     "rwatch 0x10000:64", "watch 0x2fff0:16", "awatch 0x3fff0:16", "catch port 0x3f8:8", "catch port 0x20:2",
                                     "catch port 0xcf8:8", "catch exception 13", "catch exception 14", "catch exception 6", "catch interrupt 64", "catch cr 0",
                                     "catch cr 4", "catch cr 3", "catch msr 0xc0000080", "catch msr 0x1b", "catch mode", "catch magic", "break 0x20000",
                                     "watch 0x90000:4096", "awatch 0xfffff000:4096", "break 0x10080 if $eax > 5" };

static void add_probes(struct walker *w, bool counting)
{
    for (unsigned n = 0; n < sizeof(specs) / sizeof(specs[0]); n++) {
        uint32_t id;

        if (!rng_chance(&w->rng, 60))
            continue;
        must(w, sim_probe_add(w->sim, specs[n], &id));
        if (counting)
            must(w, sim_probe_callback(w->sim, id, count_hit, w));
    }
}

static void with_probes_that_count(struct walker *w) { add_probes(w, true); }
static void with_probes_that_stop(struct walker *w) { add_probes(w, false); }

static void on_line(void *arg, const char *line)
{
    struct walker *w = arg;

    w->count += line[0] != 0;
}

static void with_traces(struct walker *w)
{
    must(w, dbg_bus_trace(w->sim->dbg, 100));
    dbg_trace_steps(w->sim->dbg, on_line, w);
}

static void look(struct walker *w)
{
    struct sim_buf b = SIM_BUF_INIT;
    uint8_t bytes[64];
    char text[200];
    unsigned len;
    size_t done;

    for (unsigned n = 0; n < sim_cpus(w->sim); n++) {
        struct cpu *cpu = cpu_get(w->sim->cluster, n);
        struct dbg_frame frames[8];

        dbg_view_registers(w->sim->dbg, cpu, &b);
        dbg_view_segments(w->sim->dbg, cpu, &b);
        dbg_view_cpu(w->sim->dbg, cpu, &b);
        dbg_view_gdt(w->sim->dbg, cpu, &b);
        dbg_view_ldt(w->sim->dbg, cpu, &b);
        dbg_view_idt(w->sim->dbg, cpu, &b);
        dbg_view_tss(w->sim->dbg, cpu, &b);
        dbg_view_tlb(w->sim->dbg, cpu, &b);
        dbg_view_page_tables(w->sim->dbg, cpu, &b);
        dbg_view_translate(w->sim->dbg, cpu, cpu->reg[rng_below(&w->rng, 8)], &b);
        dbg_view_lapic(w->sim->dbg, cpu, &b);
        dbg_view_msrs(w->sim->dbg, cpu, &b);
        dbg_backtrace(w->sim->dbg, cpu, frames, 8);
        sim_disassemble(w->sim, n, cpu->seg[CPU_CS].base + cpu->ip, text, sizeof(text), &len);
        sim_mem_read(w->sim, n, SIM_LINEAR, cpu->reg[rng_below(&w->rng, 8)], bytes, sizeof(bytes), &done);
        sim_mem_read(w->sim, n, SIM_PHYSICAL, cpu->reg[rng_below(&w->rng, 8)], bytes, sizeof(bytes), &done);
    }
    for (unsigned port = 0; port < 0x600; port++)
        bus_io_peek(w->sim->bus, (uint16_t)port, 1);
    sim_explain(w->sim, NULL);
    sim_explain_json(w->sim, NULL);
    w->count += b.len != 0;
    sim_buf_fini(&b);
}

static void looked_at(struct walker *w, sim_steps mark, struct sim_stop *stop)
{
    unsigned looks = 3;

    do {
        sim_steps to = w->sim->step + 1 + rng_below(&w->rng, 100);

        walk_plain(w, to < mark && looks ? to : mark, stop);
        if (looks) {
            look(w);
            looks--;
        }
    } while (!w->failed && !walk_ended(stop) && w->sim->step < mark);
}

const struct way ways[] = {
    { "in one piece", false, NULL, walk_plain },
    { "in single steps", false, NULL, in_single_steps },
    { "in slices", false, NULL, in_slices },
    { "in slices of cycles", false, NULL, in_cycles },
    { "in steps of one processor", false, NULL, in_steps_of_a_cpu },
    { "with interruptions", true, with_interruptions, in_slices },
    { "with the timeline", true, NULL, walk_plain },
    { "back and forth", true, NULL, back_and_forth },
    { "back and forth among probes", true, with_probes_that_count, back_and_forth },
    { "through another machine", false, NULL, through_another_machine },
    { "saved and restored", false, NULL, through_itself },
    { "with probes that count", false, with_probes_that_count, walk_plain },
    { "with probes that stop", false, with_probes_that_stop, walk_plain },
    { "with traces", false, with_traces, walk_plain },
    { "with traces, in slices", true, with_traces, in_slices },
    { "looked at", false, NULL, looked_at },
};
const unsigned way_count = sizeof(ways) / sizeof(ways[0]);
