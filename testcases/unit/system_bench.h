/*
 * A bench for the system half of the processor: one CPU (or more), RAM, and descriptor tables that have one of everything. A test
 * writes a few bytes of code, changes what it is about, runs steps and looks.
 *
 *     00000 vectors    01000 GDT    02000 LDT    03000 IDT    04000 TSS (present)   05000 TSS (32-bit)   06000 TSS (16-bit)
 *     07000 page directory, 08000 page table    10000 code    20000 + 10h * vector: handlers    30000 stack of CPL 0 (top)
 *     40000 stack of CPL 3 (top)    50000 CPL 1 stack (top)    60000 data
 */
#ifndef LIBSIM_TESTCASES_UNIT_SYSTEM_BENCH_H
#define LIBSIM_TESTCASES_UNIT_SYSTEM_BENCH_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cpu/code.h"
#include "cpu/cpu.h"
#include "cpu/lapic.h"
#include "cpu/mem.h"
#include "cpu/model.h"

enum {
    AT_GDT = 0x1000, AT_LDT = 0x2000, AT_IDT = 0x3000, AT_TSS = 0x4000, AT_TSS32 = 0x5000, AT_TSS16 = 0x6000, AT_PD = 0x7000,
    AT_PT = 0x8000, AT_CODE = 0x10000, AT_HANDLER = 0x20000, AT_STACK0 = 0x30000, AT_STACK3 = 0x40000, AT_STACK1 = 0x50000,
    AT_DATA = 0x60000, AT_TASK = 0x11000 /* where the other tasks begin */
};

/* Selectors of the GDT. */
enum {
    CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x18, DATA3 = 0x20, TSS_SELF = 0x28, TSS32 = 0x30, LDT = 0x38, CODE16 = 0x40, DATA16 = 0x48,
    CODE_NP = 0x50, DATA_NP = 0x58, CODE_XO = 0x60, CONF0 = 0x68, CONF3 = 0x70, DATA_RO = 0x78, DATA1 = 0x80, CALL32 = 0x88,
    CALL32_DPL0 = 0x90, CALL_NP = 0x98, CALL_NULL = 0xa0, CALL_FAR = 0xa8, CALL_DATA = 0xb0, CALL_CODE_NP = 0xb8, TASK_GATE = 0xc0,
    TASK_NP = 0xc8, TASK_LDT = 0xd0, TASK_BUSY = 0xd8, TSS_NP = 0xe0, TSS_SHORT = 0xe8, TSS16 = 0xf0, CODE_SMALL = 0xf8,
    DATA_DOWN = 0x100, INT_GATE = 0x108, CALL16 = 0x110, CALL_ARGS = 0x118, LDT_NP = 0x120, CODE1 = 0x128, CALL_SELF3 = 0x130,
    TSS32_DPL3 = 0x138, TASK_FAR = 0x140, CALL_CONF = 0x148, CODE_NP3 = 0x150, DATA_NP3 = 0x158, CALL_SMALL = 0x160, TASK_TSS_NP = 0x168,
    OUTSIDE = 0x1f8, GDT_LIMIT = 0x16f
};

#define DESC(base, limit, attr)                                                                                       \
    ((uint64_t)((limit) & 0xffff) | (uint64_t)((base) & 0xffffff) << 16 | (uint64_t)((attr) & 0xf0ff) << 40 |         \
     (uint64_t)((limit) >> 16 & 0xf) << 48 | (uint64_t)((uint64_t)(base) >> 24 & 0xff) << 56)
#define GATE(selector, offset, type, dpl, count)                                                                      \
    ((uint64_t)((offset) & 0xffff) | (uint64_t)(selector) << 16 | (uint64_t)(count) << 32 |                           \
     (uint64_t)(0x80 | (dpl) << 5 | (type)) << 40 | (uint64_t)((uint64_t)(offset) >> 16) << 48)
#define FLAT(type, dpl) DESC(0, 0xfffff, SEG_G | SEG_DB | SEG_P | SEG_S | (dpl) << 5 | (type))
#define SYSTEM(base, limit, type, dpl) DESC(base, limit, SEG_P | (dpl) << 5 | (type))
#define ABSENT(d) ((d) & ~(1ull << 47))

struct sys {
    struct sim_clock clock;
    struct sim_log log;
    struct bus *bus;
    struct bus_ram *ram;
    struct bus_region region;
    struct cpu_cluster *cluster;
    struct cpu *cpu;
};

/* ---- RAM ---- */

static inline void sys_poke(struct sys *s, uint32_t at, uint64_t value, unsigned size)
{
    ck_assert_uint_eq(bus_poke(s->bus, at, &value, size), size);
}

static inline uint64_t sys_peek(struct sys *s, uint32_t at, unsigned size)
{
    uint64_t value = 0;

    bus_peek(s->bus, at, &value, size);
    return value;
}

static inline void sys_desc(struct sys *s, unsigned selector, uint64_t raw)
{
    sys_poke(s, AT_GDT + (selector & ~7u), raw, 8);
}

static inline void sys_code(struct sys *s, const void *bytes, size_t len)
{
    bus_poke(s->bus, AT_CODE, bytes, len);
}
#define CODE(s, bytes) sys_code((s), "" bytes, sizeof(bytes) - 1) /* a literal: of anything else `sizeof` would be wrong */

/* ---- Tables ---- */

static inline void sys_gdt(struct sys *s)
{
    static const struct { unsigned selector; uint64_t raw; } table[] = {
        { CODE0, FLAT(0xa, 0) }, { DATA0, FLAT(0x2, 0) }, { CODE3, FLAT(0xa, 3) }, { DATA3, FLAT(0x2, 3) },
        { TSS_SELF, SYSTEM(AT_TSS, 0xfff, SYS_TSS_BUSY, 0) }, { TSS32, SYSTEM(AT_TSS32, 0x67, SYS_TSS_AVAILABLE, 0) },
        { LDT, SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0) }, { CODE16, DESC(0, 0xffff, SEG_P | SEG_S | 0xa) },
        { DATA16, DESC(0, 0xffff, SEG_P | SEG_S | 0x2) }, { CODE_NP, ABSENT(FLAT(0xa, 0)) }, { DATA_NP, ABSENT(FLAT(0x2, 0)) },
        { CODE_XO, FLAT(0x8, 0) }, { CONF0, FLAT(0xe, 0) }, { CONF3, FLAT(0xe, 3) }, { DATA_RO, FLAT(0x0, 0) }, { DATA1, FLAT(0x2, 1) },
        { CALL32, GATE(CODE0, AT_TASK, SYS_CALL, 3, 0) }, { CALL32_DPL0, GATE(CODE0, AT_TASK, SYS_CALL, 0, 0) },
        { CALL_NP, ABSENT(GATE(CODE0, AT_TASK, SYS_CALL, 3, 0)) }, { CALL_NULL, GATE(0, AT_TASK, SYS_CALL, 3, 0) },
        { CALL_FAR, GATE(OUTSIDE, AT_TASK, SYS_CALL, 3, 0) }, { CALL_DATA, GATE(DATA0, AT_TASK, SYS_CALL, 3, 0) },
        { CALL_CODE_NP, GATE(CODE_NP, AT_TASK, SYS_CALL, 3, 0) }, { TASK_GATE, GATE(TSS32, 0, SYS_TASK_GATE, 3, 0) },
        { TASK_NP, ABSENT(GATE(TSS32, 0, SYS_TASK_GATE, 3, 0)) }, { TASK_LDT, GATE(TSS32 | 4, 0, SYS_TASK_GATE, 3, 0) },
        { TASK_BUSY, GATE(TSS_SELF, 0, SYS_TASK_GATE, 3, 0) }, { TSS_NP, ABSENT(SYSTEM(AT_TSS32, 0x67, SYS_TSS_AVAILABLE, 0)) },
        { TSS_SHORT, SYSTEM(AT_TSS32, 0x66, SYS_TSS_AVAILABLE, 0) }, { TSS16, SYSTEM(AT_TSS16, 0x2b, SYS_TSS16_AVAILABLE, 0) },
        { CODE_SMALL, DESC(0, 0xffff, SEG_DB | SEG_P | SEG_S | 0xa) }, { DATA_DOWN, DESC(0, 0xf, SEG_G | SEG_DB | SEG_P | SEG_S | 0x6) },
        { INT_GATE, GATE(CODE0, AT_TASK, SYS_INT, 3, 0) }, { CALL16, GATE(CODE16, 0x1234, SYS_CALL16, 3, 0) },
        { CALL_ARGS, GATE(CODE0, AT_TASK, SYS_CALL, 3, 3) }, { LDT_NP, ABSENT(SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0)) },
        { CODE1, FLAT(0xa, 1) }, { CALL_SELF3, GATE(CODE3, AT_TASK, SYS_CALL, 3, 0) },
        { TSS32_DPL3, SYSTEM(AT_TSS32, 0x67, SYS_TSS_AVAILABLE, 3) }, { TASK_FAR, GATE(OUTSIDE, 0, SYS_TASK_GATE, 3, 0) },
        { CALL_CONF, GATE(CONF0, AT_TASK, SYS_CALL, 3, 0) }, { CODE_NP3, ABSENT(FLAT(0xa, 3)) }, { DATA_NP3, ABSENT(FLAT(0x2, 3)) },
        { CALL_SMALL, GATE(CODE_SMALL, AT_TASK, SYS_CALL, 3, 0) }, { TASK_TSS_NP, GATE(TSS_NP, 0, SYS_TASK_GATE, 3, 0) },
    };

    for (size_t n = 0; n < sizeof(table) / sizeof(table[0]); n++)
        sys_desc(s, table[n].selector, table[n].raw);
    sys_poke(s, AT_LDT + 8, FLAT(0x2, 0), 8);
}

/* A TSS to be switched to: flat, at CPL 0, its stack in the middle of nowhere. */
static inline void sys_tss32(struct sys *s, uint32_t at)
{
    static const uint16_t selector[6] = { DATA0, CODE0, DATA0, DATA0, DATA0, DATA0 };

    sys_poke(s, at + 4, AT_STACK0, 4);
    sys_poke(s, at + 8, DATA0, 4);
    sys_poke(s, at + 12, AT_STACK1, 4);
    sys_poke(s, at + 16, DATA1 | 1, 4);
    sys_poke(s, at + 0x1c, AT_PD, 4);
    sys_poke(s, at + 0x20, AT_TASK, 4);
    sys_poke(s, at + 0x24, 2, 4);
    for (unsigned n = 0; n < 8; n++)
        sys_poke(s, at + 0x28 + 4 * n, n == CPU_SP ? 0x35000 : 0x11111111 * n, 4);
    for (unsigned n = 0; n < 6; n++)
        sys_poke(s, at + 0x48 + 4 * n, selector[n], 4);
    sys_poke(s, at + 0x66, 0x68, 2);
}

static inline void sys_tss16(struct sys *s, uint32_t at)
{
    static const uint16_t selector[4] = { DATA0, CODE16, DATA16, DATA0 };

    sys_poke(s, at + 0x0e, 0x1234, 2);
    sys_poke(s, at + 0x10, 2, 2);
    for (unsigned n = 0; n < 8; n++)
        sys_poke(s, at + 0x12 + 2 * n, n == CPU_SP ? 0x5000 : 0x1111 * n, 2);
    for (unsigned n = 0; n < 4; n++)
        sys_poke(s, at + 0x22 + 2 * n, selector[n], 2);
}

static inline void sys_tables(struct sys *s)
{
    sys_gdt(s);
    sys_tss32(s, AT_TSS);
    sys_tss32(s, AT_TSS32);
    sys_tss16(s, AT_TSS16);
    for (unsigned v = 0; v < 256; v++) {
        sys_poke(s, AT_IDT + 8 * v, GATE(CODE0, AT_HANDLER + 16 * v, v == 0x80 ? SYS_TRAP : SYS_INT, v == 0x80 || v == 3 || v == 4 ? 3 : 0, 0), 8);
        sys_poke(s, 4 * v, 0x2000u << 16 | 16 * v, 4); /* real mode and VM86: the same handlers */
    }
    for (unsigned n = 0; n < 1024; n++)
        sys_poke(s, AT_PT + 4 * n, n << 12 | 7, 4);
    sys_poke(s, AT_PD, AT_PT | 7, 4);
}

/* ---- The CPU ---- */

static inline void sys_segment(struct sys *s, unsigned seg, uint16_t selector, uint64_t raw)
{
    struct cpu_seg *r = &s->cpu->seg[seg];

    r->selector = selector;
    r->attr = (uint32_t)(raw >> 40) & 0xf0ff;
    if (r->attr & SEG_S)
        r->attr |= SEG_TYPE_ACCESSED;
    r->base = (raw >> 16 & 0xffffff) | (raw >> 56) << 24;
    r->limit = (uint32_t)((raw & 0xffff) | (raw >> 32 & 0xf0000));
    if (r->attr & SEG_G)
        r->limit = r->limit << 12 | 0xfff;
}

/* Flat protected mode at CPL 0 or 3, about to execute AT_CODE. */
static inline void sys_protected(struct sys *s, unsigned cpl)
{
    struct cpu *cpu = s->cpu;

    cpu->cr0 = CR0_PE | CR0_ET;
    cpu->gdtr = (struct cpu_table){ AT_GDT, GDT_LIMIT };
    cpu->idtr = (struct cpu_table){ AT_IDT, 256 * 8 - 1 };
    cpu->cpl = (uint8_t)cpl;
    sys_segment(s, CPU_CS, cpl ? CODE3 | 3 : CODE0, FLAT(0xa, cpl));
    for (unsigned n = 0; n < 6; n++)
        if (n != CPU_CS)
            sys_segment(s, n, cpl ? DATA3 | 3 : DATA0, FLAT(0x2, cpl));
    sys_segment(s, CPU_TR, TSS_SELF, SYSTEM(AT_TSS, 0xfff, SYS_TSS_BUSY, 0));
    sys_segment(s, CPU_LDTR, LDT, SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0));
    cpu_set_eflags(cpu, 2);
    cpu->ip = AT_CODE;
    for (unsigned n = 0; n < 8; n++)
        cpu->reg[n] = 0x01010101u * (n + 1);
    cpu->reg[CPU_SP] = cpl ? AT_STACK3 : AT_STACK0;
    cpu_mode_changed(cpu);
}

/* Virtual-8086 mode, CS:IP = 1000:0 (AT_CODE), SS:SP = 3000:F000. */
static inline void sys_vm86(struct sys *s, unsigned iopl)
{
    struct cpu *cpu = s->cpu;

    sys_protected(s, 3);
    for (unsigned n = 0; n < 6; n++)
        cpu->seg[n] = (struct cpu_seg){ .selector = 0x6000, .base = 0x60000, .limit = 0xffff, .attr = 0xf3 };
    cpu->seg[CPU_CS].selector = AT_CODE >> 4;
    cpu->seg[CPU_CS].base = AT_CODE;
    cpu->seg[CPU_SS].selector = 0x3000;
    cpu->seg[CPU_SS].base = 0x30000;
    cpu->ip = 0;
    cpu->reg[CPU_SP] = 0xf000;
    cpu_set_eflags(cpu, 2 | EFL_VM | iopl << EFL_IOPL_SHIFT);
    cpu_mode_changed(cpu);
}

/* Real mode, CS:IP = 1000:0, SS:SP = 3000:F000, the vectors at 0. */
static inline void sys_real(struct sys *s)
{
    struct cpu *cpu = s->cpu;

    cpu->cr0 = CR0_ET;
    cpu->cpl = 0;
    cpu->idtr = (struct cpu_table){ 0, 0x3ff };
    for (unsigned n = 0; n < 6; n++)
        cpu->seg[n] = (struct cpu_seg){ .selector = 0x6000, .base = 0x60000, .limit = 0xffff, .attr = 0x93 };
    cpu->seg[CPU_CS].selector = AT_CODE >> 4;
    cpu->seg[CPU_CS].base = AT_CODE;
    cpu->seg[CPU_SS].selector = 0x3000;
    cpu->seg[CPU_SS].base = 0x30000;
    cpu->ip = 0;
    cpu->reg[CPU_SP] = 0xf000;
    cpu_set_eflags(cpu, 2);
    cpu_mode_changed(cpu);
}

/* Identity mapping of the first 4 MiB, user and writable. */
static inline void sys_paging(struct sys *s)
{
    s->cpu->cr3 = AT_PD;
    s->cpu->cr0 |= CR0_PG;
    mem_flush_tlb(s->cpu, true);
    cpu_mode_changed(s->cpu);
}

static inline enum cpu_exit sys_run(struct sys *s, unsigned steps)
{
    enum cpu_exit exit = CPU_EXIT_TOUCHED;
    sim_steps end = s->cpu->steps + steps;

    while (s->cpu->steps < end && exit == CPU_EXIT_TOUCHED) {
        struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = end - s->cpu->steps, .shared_until = SIM_NEVER };

        exit = cpu_run(s->cpu, &slice);
    }
    return exit;
}

/* The n-th record since the history was cleared. */
static inline const struct cpu_delivery *sys_record(const struct sys *s, unsigned n)
{
    ck_assert_uint_lt(n, s->cpu->history_next);
    return &s->cpu->history[n % CPU_HISTORY];
}

static inline uint32_t sys_stack(struct sys *s, unsigned n) /* n-th dword from ESP */
{
    return (uint32_t)sys_peek(s, (uint32_t)(s->cpu->seg[CPU_SS].base + s->cpu->reg[CPU_SP] + 4 * n), 4);
}

/* ---- Life ---- */

static inline void sys_open(struct sys *s, const char *model, unsigned cpus)
{
    memset(s, 0, sizeof(*s));
    sim_clock_init(&s->clock, 1000000000);
    sim_log_init(&s->log);
    ck_assert_int_eq(bus_create(&s->clock, &s->log, &s->bus), SIM_OK);
    ck_assert_int_eq(bus_ram_create(&s->bus->memory, "ram", 4 << 20, true, &s->ram), SIM_OK);
    s->region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = 4 << 20, .answers = BUS_READS | BUS_WRITES,
                                     .enabled = true, .ram = s->ram };
    ck_assert_int_eq(bus_region_add(&s->bus->mem, NULL, &s->region, 0), SIM_OK);
    ck_assert_int_eq(cpu_cluster_create(s->bus, cpu_model_find(model), &s->cluster), SIM_OK);
    for (unsigned n = 0; n < cpus; n++)
        ck_assert_int_eq(cpu_create(s->cluster, &s->cpu), SIM_OK);
    s->cpu = cpu_get(s->cluster, 0);
    bus_set_a20(s->bus, true);
    sys_tables(s);
}

static inline void sys_close(struct sys *s)
{
    cpu_cluster_destroy(s->cluster);
    bus_destroy(s->bus);
    sim_log_fini(&s->log);
    sim_clock_fini(&s->clock);
}

#endif
