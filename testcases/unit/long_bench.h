/*
 * The system bench in IA-32e mode: descriptor tables of 16-byte entries, four levels of paging.
 *
 *     01000 GDT   02000 LDT   03000 IDT   04000 TSS   10000 code   20000 + 10h * vector: handlers   30000 stack of CPL 0 (top)
 *     38000 IST1 (top)   40000 stack of CPL 3 (top)   50000 stack of CPL 1 (top)   60000 data
 *     70000 PML4   71000 PDPT   72000 PD   73000 PML5   74000 PT: the first 2 MiB, page by page   the next 2 MiB: one page
 */
#ifndef LIBSIM_TESTCASES_UNIT_LONG_BENCH_H
#define LIBSIM_TESTCASES_UNIT_LONG_BENCH_H

#include "cpu/msr.h"
#include "cpu/seg.h"
#include "cpu/tlb.h"
#include "testcases/unit/system_bench.h"

enum {
    AT_PML4 = 0x70000, AT_PDPT = 0x71000, AT_LPD = 0x72000, AT_PML5 = 0x73000, AT_LPT = 0x74000, AT_IST1 = 0x38000
};

/* Selectors. The user's are in the order that SYSRET and SYSEXIT want. */
enum {
    L_CODE0 = 0x08, L_DATA0 = 0x10, L_CODE32_3 = 0x18, L_DATA3 = 0x20, L_CODE3 = 0x28, L_TSS = 0x30, L_LDT = 0x40, L_CODE32 = 0x50,
    L_CODE_LD = 0x58, L_GATE = 0x60, L_GATE_32 = 0x70, L_GATE_TYPE = 0x80, L_CODE_NP = 0x90, L_TSS16 = 0x98, L_TASK_GATE = 0xa0,
    L_CODE1 = 0xa8, L_GATE1 = 0xb0, L_TSS_FREE = 0xc0, L_LDT_FAR = 0xd0, L_GATE16 = 0xe0, L_GATE_FAR = 0xe8, L_TSS_TYPE = 0xf8,
    L_CONF0 = 0x108, L_CODE16 = 0x110, L_DATA_BASE = 0x118, L_GATE_NP = 0x120, L_DATA16 = 0x130, L_EXIT32 = 0x138, L_GDT_LIMIT = 0x147,
    L_LAST = 0x140 /* a system descriptor whose upper half lies outside */
};

#define LONG_CODE(dpl) DESC(0, 0xfffff, SEG_G | SEG_L | SEG_P | SEG_S | (dpl) << 5 | 0xa)
#define PTE_ALL 7u /* present, writable, user */

static inline void long_wide(struct sys *s, unsigned selector, uint64_t low, uint64_t high)
{
    sys_desc(s, selector, low);
    sys_desc(s, selector + 8, high);
}

static inline void long_gate(struct sys *s, unsigned vector, uint16_t selector, uint64_t offset, unsigned type, unsigned dpl, unsigned ist)
{
    sys_poke(s, AT_IDT + 16 * vector, GATE(selector, offset & 0xffffffff, type, dpl, ist), 8);
    sys_poke(s, AT_IDT + 16 * vector + 8, offset >> 32, 8);
}

static inline void long_gdt(struct sys *s)
{
    static const struct { unsigned selector; uint64_t raw; } table[] = {
        { L_CODE0, LONG_CODE(0) }, { L_DATA0, FLAT(0x2, 0) }, { L_CODE32_3, FLAT(0xa, 3) }, { L_DATA3, FLAT(0x2, 3) },
        { L_CODE3, LONG_CODE(3) }, { L_CODE32, FLAT(0xa, 0) }, { L_CODE_LD, LONG_CODE(0) | FLAT(0xa, 0) },
        { L_CODE_NP, ABSENT(LONG_CODE(0)) }, { L_TSS16, SYSTEM(AT_TSS16, 0x2b, SYS_TSS16_AVAILABLE, 0) },
        { L_TASK_GATE, GATE(L_TSS_FREE, 0, SYS_TASK_GATE, 3, 0) }, { L_CODE1, LONG_CODE(1) },
        { L_GATE16, GATE(L_CODE0, AT_TASK, SYS_CALL16, 3, 0) },
        { L_CONF0, DESC(0, 0xfffff, SEG_G | SEG_L | SEG_P | SEG_S | 0xe) }, { L_CODE16, DESC(0, 0xffff, SEG_P | SEG_S | 0xa) },
        { L_DATA_BASE, DESC(0x1234000, 0xffff, SEG_P | SEG_S | 0x2) }, { L_DATA16, DESC(0, 0xffff, SEG_P | SEG_S | 0x2) },
        { L_EXIT32, FLAT(0xa, 3) },
    };

    for (unsigned selector = 8; selector < L_GDT_LIMIT; selector += 8)
        sys_desc(s, selector, 0);
    for (size_t n = 0; n < sizeof(table) / sizeof(table[0]); n++)
        sys_desc(s, table[n].selector, table[n].raw);
    long_wide(s, L_TSS, SYSTEM(AT_TSS, 0x67, SYS_TSS_BUSY, 0), 0);
    long_wide(s, L_TSS_FREE, SYSTEM(AT_TSS32, 0x67, SYS_TSS_AVAILABLE, 0), 0xffff8000);
    long_wide(s, L_TSS_TYPE, SYSTEM(AT_TSS32, 0x67, SYS_TSS_AVAILABLE, 0), 1ull << 40);
    long_wide(s, L_LDT, SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0), 0);
    long_wide(s, L_LDT_FAR, SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0), 0x12345678);
    long_wide(s, L_GATE, GATE(L_CODE0, AT_TASK, SYS_CALL, 3, 0), 0);
    long_wide(s, L_GATE1, GATE(L_CODE1, AT_TASK, SYS_CALL, 3, 0), 0);
    long_wide(s, L_GATE_32, GATE(L_CODE32, AT_TASK, SYS_CALL, 3, 0), 0);
    long_wide(s, L_GATE_TYPE, GATE(L_CODE0, AT_TASK, SYS_CALL, 3, 0), 0x1full << 40);
    long_wide(s, L_GATE_FAR, GATE(L_CODE0, AT_TASK, SYS_CALL, 3, 0), 0x8000);
    long_wide(s, L_GATE_NP, ABSENT(GATE(L_CODE0, AT_TASK, SYS_CALL, 3, 0)), 0);
    sys_desc(s, L_LAST, SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0));
}

static inline void long_tables(struct sys *s)
{
    long_gdt(s);
    for (unsigned v = 0; v < 256; v++)
        long_gate(s, v, L_CODE0, AT_HANDLER + 16 * v, SYS_INT, 3, 0);
    sys_poke(s, AT_TSS + 4, AT_STACK0, 8);
    sys_poke(s, AT_TSS + 12, AT_STACK1, 8);
    sys_poke(s, AT_TSS + 0x24, AT_IST1, 8);
    sys_poke(s, AT_PML5, AT_PML4 | PTE_ALL, 8);
    sys_poke(s, AT_PML4, AT_PDPT | PTE_ALL, 8);
    sys_poke(s, AT_PDPT, AT_LPD | PTE_ALL, 8);
    sys_poke(s, AT_LPD, AT_LPT | PTE_ALL, 8);
    sys_poke(s, AT_LPD + 8, 0x200000 | 0x80 | PTE_ALL, 8);
    for (unsigned n = 0; n < 512; n++)
        sys_poke(s, AT_LPT + 8 * n, n << 12 | PTE_ALL, 8);
}

static inline uint64_t long_pte(unsigned laddr) { return AT_LPT + 8 * (laddr >> 12); }

/* In IA-32e mode, about to execute AT_CODE with the given code segment, at its level. */
static inline void long_enter(struct sys *s, unsigned code, unsigned cpl)
{
    struct cpu *cpu = s->cpu;
    uint64_t raw;

    sys_protected(s, cpl);
    long_tables(s);
    raw = sys_peek(s, AT_GDT + code, 8);
    cpu->cr4 = CR4_PAE | CR4_PGE;
    cpu->cr3 = AT_PML4;
    cpu->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    cpu->cr0 |= CR0_PG | CR0_WP;
    cpu->gdtr = (struct cpu_table){ AT_GDT, L_GDT_LIMIT };
    cpu->idtr = (struct cpu_table){ AT_IDT, 256 * 16 - 1 };
    for (unsigned n = 0; n < 6; n++)
        sys_segment(s, n, cpl ? L_DATA3 | 3 : L_DATA0, FLAT(0x2, cpl));
    sys_segment(s, CPU_CS, (uint16_t)(code | cpl), raw);
    sys_segment(s, CPU_TR, L_TSS, SYSTEM(AT_TSS, 0x67, SYS_TSS_BUSY, 0));
    sys_segment(s, CPU_LDTR, L_LDT, SYSTEM(AT_LDT, 0x1f, SYS_LDT, 0));
    mem_flush_tlb(cpu, true);
    cpu_mode_changed(cpu);
}

static inline void long_open(struct sys *s)
{
    sys_open(s, "max", 1);
    long_enter(s, L_CODE0, 0);
}

static inline void long_user(struct sys *s) { long_enter(s, L_CODE3, 3); }

static inline uint64_t long_stack(struct sys *s, unsigned n) /* n-th quadword from RSP */
{
    return sys_peek(s, (uint32_t)s->cpu->reg[CPU_SP] + 8 * n, 8);
}

#endif
