/*
 * The same in the simulator: a bus with nothing but RAM, and one CPU at CPL 3 with paging. There is no IDT: a fault ends in shutdown
 * with the registers of before, and its record in the CPU's history says what it was.
 */
#include "testcases/oracle/oracle.h"

#include <string.h>

#include "bus/bus.h"
#include "cpu/code.h"
#include "cpu/isa/isa.h"
#include "cpu/mem.h"
#include "cpu/model.h"

/* Physical memory: page directory, page tables, descriptor tables, then the pages. The descriptor tables are the supervisor's, at SYSTEM. */
enum {
    PD = 0x1000, PT_DATA = 0x2000, PT_CODE = 0x3000, PT_SYSTEM = 0x4000, GDT_AT = 0x5000, LDT_AT = 0x6000,
    PML4 = 0x7000, PDPT = 0x8000, WIDE_PD = 0x9000, WIDE_PT_DATA = 0xa000, WIDE_PT_CODE = 0xb000, WIDE_PT_SYSTEM = 0xc000,
    DATA_AT = 0x10000, CODE_AT = 0x20000, RAM_BYTES = 0x40000
};

static struct sim_clock sim_time;
static struct sim_log sim_messages;
static struct bus *bus;
static struct bus_ram *ram;
static struct bus_region ram_region;
static struct cpu_cluster *cluster;
static struct cpu *cpu;
struct cpu_isa_index *oracle_isa; /* for generate.c */

static void put32(uint32_t paddr, uint32_t v)
{
    bus_ram_put(ram, paddr, &v, 4);
}

static void make_page_tables(void)
{
    put32(PD + (DATA >> 22) * 4, PT_DATA | 7);
    put32(PD + (CODE >> 22) * 4, PT_CODE | 7);
    put32(PD + (SYSTEM >> 22) * 4, PT_SYSTEM | 3);
    put32(PT_SYSTEM, GDT_AT | 0x63);
    put32(PT_SYSTEM + 4, LDT_AT | 0x63);
    for (unsigned n = 0; n < DATA_PAGES; n++)
        if (data_present(n))
            put32(PT_DATA + n * 4, (DATA_AT + n * PAGE) | (data_writable(n) ? 0x67 : 0x65));
    for (unsigned n = 0; n < CODE_PAGES; n++)
        put32(PT_CODE + n * 4, (CODE_AT + n * PAGE) | 0x67);
}

/* The same for 64-bit code. All of it lies in the first gigabyte. */
static void make_wide_page_tables(void)
{
    put32(PML4, PDPT | 7);
    put32(PDPT, WIDE_PD | 7);
    put32(WIDE_PD + (DATA >> 21) * 8, WIDE_PT_DATA | 7);
    put32(WIDE_PD + (CODE >> 21) * 8, WIDE_PT_CODE | 7);
    put32(WIDE_PD + (SYSTEM >> 21) * 8, WIDE_PT_SYSTEM | 3);
    put32(WIDE_PT_SYSTEM, GDT_AT | 0x63);
    put32(WIDE_PT_SYSTEM + 8, LDT_AT | 0x63);
    for (unsigned n = 0; n < DATA_PAGES; n++)
        if (data_present(n))
            put32(WIDE_PT_DATA + n * 8, (DATA_AT + n * PAGE) | (data_writable(n) ? 0x67 : 0x65));
    for (unsigned n = 0; n < CODE_PAGES; n++)
        put32(WIDE_PT_CODE + n * 8, (CODE_AT + n * PAGE) | 0x67);
}

static uint32_t attributes(const struct segment *s)
{
    uint32_t type = s->code ? SEG_TYPE_CODE | (s->readonly ? 0 : SEG_TYPE_READ) : (s->down ? SEG_TYPE_DOWN : 0) | (s->readonly ? 0 : SEG_TYPE_WRITE);

    return type | SEG_TYPE_ACCESSED | SEG_S | (s->absent ? 0 : SEG_P) | 3 << 5 | (s->big ? SEG_DB : 0) | (s->wide ? SEG_L : 0);
}

static void put_descriptor(uint32_t paddr, const struct segment *s)
{
    bool pages = s->limit > 0xfffff;
    uint32_t limit = pages ? s->limit >> 12 : s->limit, attr = attributes(s) | (pages ? SEG_G : 0);

    put32(paddr, (limit & 0xffff) | s->base << 16);
    put32(paddr + 4, (s->base >> 16 & 0xff) | attr << 8 | (limit & 0xf0000) | (s->base & 0xff000000));
}

static void make_descriptor_tables(const struct abilities *host)
{
    if (host->code32)
        put_descriptor(GDT_AT + (flat_code.selector & ~7u), &flat_code);
    if (host->code64)
        put_descriptor(GDT_AT + (wide_code.selector & ~7u), &wide_code);
    put_descriptor(GDT_AT + (flat_data.selector & ~7u), &flat_data);
    for (unsigned n = 0; n < ldt_count; n++)
        put_descriptor(LDT_AT + (ldt_segments[n].selector & ~7u), &ldt_segments[n]);
    cpu->gdtr = (struct cpu_table){ SYSTEM, 0x7f };
    cpu->idtr = (struct cpu_table){ SYSTEM, 0 };
    if (!host->ldt)
        cpu->seg[CPU_LDTR] = (struct cpu_seg){ .attr = SEG_UNUSABLE };
    else
        cpu->seg[CPU_LDTR] = (struct cpu_seg){ .selector = 0x50, .base = SYSTEM + PAGE, .limit = (ldt_count + 1) * 8 - 1,
                                           .attr = SYS_LDT | SEG_P };
}

const char *simulated_init(const struct abilities *host)
{
    static struct cpu_model model; /* every instruction that there is */
    const struct cpu_model *max = cpu_model_find("max");

    sim_clock_init(&sim_time, 1000000000);
    if (!max)
        return "no model";
    model = *max;
    model.sets = UINT64_MAX;
    if (bus_create(&sim_time, &sim_messages, &bus) || bus_ram_create(&bus->memory, "ram", RAM_BYTES, true, &ram))
        return "no machine";
    ram_region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = RAM_BYTES, .enabled = true,
                                      .answers = BUS_READS | BUS_WRITES, .ram = ram };
    if (bus_region_add(&bus->mem, NULL, &ram_region, 0) || cpu_cluster_create(bus, &model, &cluster) || cpu_create(cluster, &cpu))
        return "no CPU";
    oracle_isa = cluster->isa;
    make_page_tables();
    make_wide_page_tables();
    make_descriptor_tables(host);
    cpu->cr0 = CR0_PE | CR0_PG | CR0_WP | CR0_AM | CR0_NE | CR0_ET;
    cpu->cr3 = PD;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->xcr0 = 7;
    cpu->cpl = 3;
    cpu->seg[CPU_TR].limit = 0x60; /* no I/O permission map */
    mem_flush_tlb(cpu, true);
    return NULL;
}

static void load_vectors(const struct vectors *v)
{
    memcpy(cpu->vector, v->ymm, sizeof(cpu->vector));
    for (unsigned n = 0; n < 8; n++)
        cpu->fpu.r[n] = (fp80){ .mant = v->significand[n], .se = v->exponent[n] };
    cpu->fpu.cw = v->control;
    cpu->fpu.sw = v->status;
    cpu->fpu.valid = (uint8_t)v->valid;
    cpu->mxcsr = v->mxcsr;
}

static void store_vectors(struct vectors *v)
{
    memcpy(v->ymm, cpu->vector, sizeof(cpu->vector));
    for (unsigned n = 0; n < 8; n++) {
        v->significand[n] = cpu->fpu.r[n].mant;
        v->exponent[n] = cpu->fpu.r[n].se;
    }
    v->control = cpu->fpu.cw;
    v->status = cpu->fpu.sw;
    v->valid = cpu->fpu.valid;
    v->mxcsr = cpu->mxcsr;
}

/* Long mode for 64-bit code, legacy mode for the rest. */
static void choose_mode(bool wide)
{
    if (wide == !!(cpu->efer & EFER_LMA))
        return;
    cpu->efer = wide ? EFER_LME | EFER_LMA : 0;
    cpu->cr4 = (wide ? CR4_PAE : 0) | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->cr3 = wide ? PML4 : PD;
    mem_flush_tlb(cpu, true);
}

static uint32_t physical(uint32_t laddr)
{
    return laddr >= CODE ? CODE_AT + (laddr - CODE) : DATA_AT + (laddr - DATA);
}

void simulated_put(uint32_t laddr, const void *bytes, unsigned len)
{
    bus_ram_put(ram, physical(laddr), bytes, len);
}

const uint8_t *simulated_page(uint32_t laddr)
{
    return bus_ram_read_page(ram, physical(laddr) >> 12);
}

static void load_segment(unsigned n, const struct segment *s)
{
    cpu->seg[n] = (struct cpu_seg){ .selector = s->selector, .base = s->base, .limit = s->limit,
                                    .attr = s->null ? SEG_UNUSABLE : attributes(s) };
}

/* The record of the fault that ended the test; the interrupt that met it, for INT n. */
static const struct cpu_delivery *fault_record(uint32_t records)
{
    const struct cpu_delivery *d = &cpu->history[records % CPU_HISTORY];

    return d->type == CPU_DELIVER_SOFTWARE_INT ? &cpu->history[(records + 1) % CPU_HISTORY] : d;
}

void simulated_run(const struct test *t, struct state *out)
{
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = t->to_end ? 1000000 : 1, .shared_until = SIM_NEVER };
    uint32_t records = cpu->history_next;
    bool wide = t->seg[S_CS]->wide;
    const struct cpu_delivery *d;

    choose_mode(wide);
    if (t->vectors)
        load_vectors(&t->in.v);
    else
        cpu->fpu.sw = 0; /* no exception of the test before waits for FWAIT */
    for (unsigned n = 0; n < R_COUNT; n++)
        cpu->reg[n] = t->in.reg[n];
    cpu->ip = t->in.ip;
    cpu_set_eflags(cpu, t->in.eflags | EFL_IF | 2);
    for (unsigned n = 0; n < S_COUNT; n++)
        load_segment(n, t->seg[n]);
    cpu->activity = CPU_ACTIVE;
    cpu->shadow_ss = false;
    cpu->pending_db = 0;
    cpu->attention = 0;
    cpu_mode_changed(cpu);
    while (cpu_run(cpu, &slice) == CPU_EXIT_TOUCHED && t->to_end)
        ;
    *out = (struct state){ .vector = -1, .ip = cpu->ip, .eflags = cpu_eflags(cpu) };
    for (unsigned n = 0; n < (wide ? R_COUNT : 8u); n++)
        out->reg[n] = cpu->reg[n] & (wide ? UINT64_MAX : UINT32_MAX);
    if (t->vectors)
        store_vectors(&out->v);
    for (unsigned n = 0; n < S_COUNT; n++)
        out->sel[n] = cpu->seg[n].selector;
    if (cpu->history_next == records)
        return;
    d = fault_record(records);
    out->vector = d->vector;
    out->error = d->has_error ? d->error : 0;
    out->cr2 = d->vector == VEC_PF ? d->cr2 : 0;
    if (d->type == CPU_DELIVER_SOFTWARE_EXCEPTION)
        out->ip += d->insn_length; /* INT3 and INTO are traps */
}
