/* Why did this fault: the newest chain of deliveries. */
#include "debug/private.h"

void dbg_explain(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    uint32_t newest = cpu->history_next, first;
    char where[200];

    if (!newest)
        return;
    for (first = newest - 1; newest - first < CPU_HISTORY && first && cpu->history[first % CPU_HISTORY].nested;)
        first--;
    for (uint32_t n = first; n < newest; n++) {
        const struct cpu_delivery *d = &cpu->history[n % CPU_HISTORY];

        dbg_symbolize(dbg, dbg_linear(cpu, d->cs_base + d->ip), where, sizeof(where));
        sim_buf_printf(out, "%u. vector %u, error 0x%x, at %04x:%08llx %s: %s %s\n", n - first + 1, d->vector, d->error, d->cs,
                       (unsigned long long)d->ip, where, d->cause ? cpu_cause_id(d->cause) : "", d->cause ? cpu_cause_text(d->cause) : "");
    }
}

void dbg_explain_json(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    (void)dbg;
    sim_buf_printf(out, "{\"cpu\":%u,\"chain\":[]}", cpu->number);
}
