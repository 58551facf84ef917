#include "cpu/monitor.h"

#include "cpu/code.h"
#include "cpu/lapic.h"
#include "cpu/run.h"

/* ---- The trap of the page ---- */

static void drop_trap(struct cpu *cpu)
{
    const struct cpu_cluster *cluster = cpu->cluster;
    struct cpu_monitor *m = &cpu->monitor;
    struct bus_ram *ram = m->ram;

    m->ram = NULL;
    if (!ram)
        return;
    for (unsigned n = 0; n < cluster->count; n++)
        if (cluster->cpu[n]->monitor.ram == ram && cluster->cpu[n]->monitor.pfn == m->pfn)
            return;
    bus_ram_trap_clear(ram, m->pfn, BUS_TRAP_WATCH);
}

static void set_trap(struct cpu *cpu)
{
    struct cpu_monitor *m = &cpu->monitor;

    m->ram = lapic_covers(cpu, m->line) ? NULL : bus_mem_page_as(cpu->bus, cpu_viewer(cpu), m->line, true, &m->pfn);
    if (!m->ram)
        return;
    bus_ram_read_page(m->ram, m->pfn); /* a trap needs a page that is there */
    bus_ram_trap_set(m->ram, m->pfn, BUS_TRAP_WATCH);
}

void monitor_arm(struct cpu *cpu, sim_paddr paddr)
{
    struct cpu_monitor *m = &cpu->monitor;

    monitor_disarm(cpu);
    m->line = paddr & ~(sim_paddr)(MONITOR_LINE - 1);
    set_trap(cpu);
    m->armed = m->ram != NULL;
}

void monitor_disarm(struct cpu *cpu)
{
    cpu->monitor.armed = false;
    drop_trap(cpu);
}

void monitor_loaded(struct cpu *cpu)
{
    drop_trap(cpu);
    if (cpu->monitor.armed)
        set_trap(cpu);
}

/* ---- Writes ---- */

static bool overlaps(const struct cpu *cpu, const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    const struct cpu_monitor *m = &cpu->monitor;
    uint32_t line = m->line & SIM_PAGE_MASK;

    return m->armed && m->ram == ram && m->pfn == pfn && off < line + MONITOR_LINE && line < off + len;
}

bool monitor_armed_for(const struct cpu_cluster *cluster, const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    for (unsigned n = 0; n < cluster->count; n++)
        if (overlaps(cluster->cpu[n], ram, pfn, off, len))
            return true;
    return false;
}

void monitor_written(struct cpu_cluster *cluster, const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    for (unsigned n = 0; n < cluster->count; n++)
        if (overlaps(cluster->cpu[n], ram, pfn, off, len)) {
            monitor_disarm(cluster->cpu[n]);
            cpu_attend(cluster->cpu[n]);
        }
}

bool monitor_ends_wait(const struct cpu *cpu)
{
    return !cpu->monitor.armed || (cpu->monitor.masked_too && run_interrupt_waits(cpu));
}
