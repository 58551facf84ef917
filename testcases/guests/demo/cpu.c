/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables in which the CPU looks things up: GDT, TSS, IDT. Both CPUs share them. */
#include "kernel.h"

struct tss {
    uint32_t back_link;
    uint32_t esp0, ss0;
    uint32_t unused[22];
    uint16_t trap, io_map;
};

uint64_t idt[IDT_VECTORS];
static uint64_t gdt[7];
static struct tss tss;

extern const char trap_stubs[], trap_stub_syscall[], trap_stub_ipi[], trap_stub_spurious[];

/*
 * SDM Vol. 3A, "Segment Descriptors":
 *
 *     63      56 55  52 51       48 47    40 39           16 15            0
 *     base 31:24 flags  limit 19:16 access   base 23:0       limit 15:0
 */
void gdt_set(unsigned slot, uint32_t base, uint32_t limit, uint32_t access)
{
    gdt[slot] = (limit & 0xFFFF) | (uint64_t)(base & 0xFFFFFF) << 16 |
                (uint64_t)(access & 0xF0FF) << 40 | (uint64_t)(limit >> 16 & 0xF) << 48 |
                (uint64_t)(base >> 24) << 56;
}

static void idt_set(unsigned vector, const char *stub, unsigned dpl)
{
    uint32_t offset = (uint32_t)stub;

    idt[vector] = (offset & 0xFFFF) | (uint64_t)SEL_KERNEL_CODE << 16 |
                  (uint64_t)(0x8E | dpl << 5) << 40 | (uint64_t)(offset >> 16) << 48;
}

void tss_set_esp0(uint32_t esp0)
{
    tss.esp0 = esp0;
}

static void load_tables(void)
{
    const struct table_register gdtr = { sizeof(gdt) - 1, gdt };
    const struct table_register idtr = { sizeof(idt) - 1, idt };

    load_gdt(&gdtr);
    load_idt(&idtr);
    __asm__ volatile("ljmp %0, $1f\n"
                     "1: movw %w1, %%ds\n"
                     "movw %w1, %%es\n"
                     "movw %w1, %%ss\n"
                     "movw %w2, %%fs\n"
                     "movw %w2, %%gs"
                     : : "i"(SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA), "r"(0) : "memory");
}

void cpu_init(void)
{
    gdt_set(SEL_KERNEL_CODE >> 3, 0, GDT_4GIB, GDT_CODE);
    gdt_set(SEL_KERNEL_DATA >> 3, 0, GDT_4GIB, GDT_DATA);
    gdt_set(SEL_USER_CODE >> 3, 0, GDT_4GIB, GDT_CODE | GDT_USER);
    gdt_set(SEL_USER_DATA >> 3, 0, GDT_4GIB, GDT_DATA | GDT_USER);
    gdt_set(SEL_TSS >> 3, (uint32_t)&tss, sizeof(tss) - 1, GDT_TSS);

    for (unsigned vector = 0; vector < VECTOR_IRQ0 + 16; vector++)
        idt_set(vector, trap_stubs + vector * TRAP_STUB_BYTES, 0);
    idt_set(VECTOR_SYSCALL, trap_stub_syscall, 3);
    idt_set(VECTOR_IPI, trap_stub_ipi, 0);
    idt_set(VECTOR_SPURIOUS, trap_stub_spurious, 0);

    load_tables();
    tss.ss0 = SEL_KERNEL_DATA;
    tss.io_map = sizeof(tss);           /* beyond the limit: no ports for ring 3 */
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
}

/* Needs no TSS, as it never enters ring 3. */
void cpu_init_second(void)
{
    load_tables();
}

/* CPUID is there if its flag can be changed; the 486 and older may not have it. */
static bool cpu_has_cpuid(void)
{
    uint32_t before, after;

    __asm__ volatile("pushfl; popl %0; movl %0, %1; xorl %2, %1; pushl %1; popfl; pushfl; popl %1"
                     : "=&r"(before), "=&r"(after) : "i"(EFLAGS_ID) : "cc");
    return (before ^ after) & EFLAGS_ID;
}

bool cpu_has_apic(void)
{
    uint32_t leaf = 1, ebx, ecx, edx;

    if (!cpu_has_cpuid())
        return false;
    __asm__ volatile("cpuid" : "+a"(leaf), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return edx & 1 << 9;
}
