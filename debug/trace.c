/* Traces: the last transactions of the bus, and a line for each step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "debug/private.h"

#define MAX_CAPACITY (1u << 20)
#define TRACED_REGS 9 /* the general registers and EFLAGS */

struct trace {
    /* Transactions: a ring */
    struct bus_observer observer;
    struct bus_txn *txn;
    unsigned capacity;
    uint64_t count; /* ever seen */

    /* Steps */
    void (*fn)(void *arg, const char *line);
    void *arg;
    uint32_t last[8][TRACED_REGS]; /* by CPU */
};

static struct trace *trace_of(struct dbg *dbg)
{
    if (!dbg->trace)
        dbg->trace = calloc(1, sizeof(*dbg->trace));
    return dbg->trace;
}

/* ---- Transactions ---- */

static void seen(void *arg, const struct bus_txn *txn)
{
    struct trace *t = arg;

    t->txn[t->count++ % t->capacity] = *txn;
}

static void bus_trace_off(struct dbg *dbg)
{
    struct trace *t = dbg->trace;

    if (t && t->capacity)
        bus_unobserve(dbg->bus, &t->observer);
    if (t) {
        free(t->txn);
        t->txn = NULL;
        t->capacity = 0;
        t->count = 0;
    }
}

enum sim_err dbg_bus_trace(struct dbg *dbg, unsigned capacity)
{
    struct bus_txn *txn = NULL;
    struct trace *t = trace_of(dbg);

    if (capacity > MAX_CAPACITY)
        return sim_fail(SIM_ERR_USAGE, "bus trace: at most %u transactions can be kept", MAX_CAPACITY);
    if (capacity)
        txn = calloc(capacity, sizeof(*txn));
    if (!t || (capacity && !txn)) {
        free(txn);
        return sim_fail(SIM_ERR_NOMEM, "out of memory for a bus trace");
    }
    bus_trace_off(dbg);
    if (!capacity)
        return SIM_OK;
    t->txn = txn;
    t->capacity = capacity;
    t->observer = (struct bus_observer){ .fn = seen, .arg = t };
    bus_observe(dbg->bus, &t->observer);
    return SIM_OK;
}

static bool passes(const struct bus_txn *txn, const struct dbg_bus_filter *f)
{
    if (!f)
        return true;
    if ((f->kind >= 0 && f->kind != (int)txn->kind) || (f->master >= 0 && f->master != txn->master))
        return false;
    return txn->addr <= f->last && txn->addr + (txn->size ? txn->size - 1 : 0) >= f->first;
}

static void show(const struct bus_txn *txn, struct sim_buf *out)
{
    static const char *const kinds[] = { "mem read", "mem write", "io read", "io write", "intack", "special" };
    static const char *const specials[] = { "shutdown", "flush", "halt" };
    bool port = txn->kind == BUS_IO_READ || txn->kind == BUS_IO_WRITE;
    char master[16];

    snprintf(master, sizeof(master), txn->master < BUS_MASTER_DEVICE ? "cpu%u" : "dma %02x",
             txn->master < BUS_MASTER_DEVICE ? txn->master : txn->master - BUS_MASTER_DEVICE);
    sim_buf_printf(out, "%14llu  %-7s %-9s ", (unsigned long long)txn->at, master, txn->kind <= BUS_SPECIAL ? kinds[txn->kind] : "?");
    if (txn->kind == BUS_SPECIAL)
        sim_buf_printf(out, "%s", txn->addr <= BUS_SPECIAL_HALT ? specials[txn->addr] : "?");
    else if (txn->kind == BUS_INTACK)
        sim_buf_printf(out, "vector 0x%02llx", (unsigned long long)txn->data & 0xff);
    else
        sim_buf_printf(out, port ? "    0x%04llx" : "0x%08llx", (unsigned long long)txn->addr);
    if (txn->kind < BUS_INTACK)
        sim_buf_printf(out, " = 0x%0*llx", 2 * txn->size, (unsigned long long)txn->data);
    if (txn->kind < BUS_SPECIAL && !txn->answered)
        sim_buf_printf(out, "  (nobody answered)");
    if (txn->stall)
        sim_buf_printf(out, "  +%u cycles", txn->stall);
    sim_buf_printf(out, "%s%s\n", txn->locked ? "  locked" : "", txn->smm ? "  smm" : "");
}

void dbg_bus_show(struct dbg *dbg, unsigned count, const struct dbg_bus_filter *filter, struct sim_buf *out)
{
    struct trace *t = dbg->trace;
    uint64_t first, kept, n;
    unsigned found = 0;

    if (!t || !t->capacity) {
        sim_buf_printf(out, "The bus trace is off.\n");
        return;
    }
    kept = t->count < t->capacity ? t->count : t->capacity;
    first = t->count - kept;
    for (n = t->count; n > first && found < count; n--)
        found += passes(&t->txn[(n - 1) % t->capacity], filter);
    for (; n < t->count; n++)
        if (passes(&t->txn[n % t->capacity], filter))
            show(&t->txn[n % t->capacity], out);
}

/* ---- Steps ---- */

void dbg_trace_steps(struct dbg *dbg, void (*fn)(void *arg, const char *line), void *arg)
{
    struct trace *t = trace_of(dbg);

    if (!t)
        return;
    t->fn = fn;
    t->arg = arg;
    for (unsigned n = 0; n < cpu_count(dbg->cluster) && n < 8; n++) {
        struct cpu *cpu = cpu_get(dbg->cluster, n);

        for (unsigned r = 0; r < 8; r++)
            t->last[n][r] = (uint32_t)cpu->reg[r];
        t->last[n][8] = cpu_eflags(cpu);
    }
    dbg_update_observer(dbg);
}

bool trace_wants_steps(const struct dbg *dbg)
{
    return dbg->trace && dbg->trace->fn;
}

/* Appends what changed since this CPU's last line. */
static void changes(struct trace *t, struct cpu *cpu, char *line, size_t cap)
{
    static const char *const names[TRACED_REGS] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eflags" };
    uint32_t *last = t->last[cpu->number & 7];
    size_t len = strlen(line);

    for (unsigned r = 0; r < TRACED_REGS; r++) {
        uint32_t now = r < 8 ? (uint32_t)cpu->reg[r] : cpu_eflags(cpu);

        if (now == last[r])
            continue;
        last[r] = now;
        if (len < cap)
            len += (size_t)snprintf(line + len, cap - len, " %s=%08x", names[r], now);
    }
}

void trace_step(struct dbg *dbg, struct cpu *cpu)
{
    sim_laddr laddr = dbg_linear(cpu, cpu->seg[CPU_CS].base + cpu->ip);
    char text[128], line[400], where[96], hex[2 * 15 + 1] = "";
    unsigned len = dbg_disassemble(dbg, cpu, laddr, text, sizeof(text));
    uint8_t bytes[15];
    const char *name;
    uint64_t offset;

    *where = 0;
    if (dbg_symbol_at(dbg, laddr, &name, &offset))
        snprintf(where, sizeof(where), " <%.60s+0x%llx>", name, (unsigned long long)offset);
    len = (unsigned)cpu_peek(cpu, laddr, bytes, len);
    for (unsigned n = 0; n < len; n++)
        snprintf(hex + 2 * n, 3, "%02x", bytes[n]);
    snprintf(line, sizeof(line), "cpu%u %llu %04x:%08llx%s  %-16s %-32s |", cpu->number, (unsigned long long)cpu->steps,
             cpu->seg[CPU_CS].selector, (unsigned long long)cpu->ip, where, hex, text);
    changes(dbg->trace, cpu, line, sizeof(line));
    dbg->trace->fn(dbg->trace->arg, line);
}

void trace_destroy(struct dbg *dbg)
{
    bus_trace_off(dbg);
    free(dbg->trace);
    dbg->trace = NULL;
}
