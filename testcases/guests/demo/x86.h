/* SPDX-License-Identifier: BSD-2-Clause */
/* The instructions C has no words for, and the numbers that C and assembly share. */
#ifndef DEMO_X86_H
#define DEMO_X86_H

#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_CODE   0x1B
#define SEL_USER_DATA   0x23
#define SEL_TSS         0x28
#define SEL_LOCAL       0x30            /* nobody's yet; the `gdt` command wants it */

#define CR0_PE 0x00000001
#define CR0_WP 0x00010000
#define CR0_NW 0x20000000
#define CR0_CD 0x40000000
#define CR0_PG 0x80000000

#define VECTOR_PAGE_FAULT 14
#define VECTOR_IRQ0       32
#define VECTOR_SYSCALL    0x80
#define VECTOR_IPI        0xF0
#define VECTOR_SPURIOUS   0xFF
#define TRAP_STUB_BYTES   16

/* A kernel stack in its slot: under it lies a guard page, which memory_init() leaves unmapped. */
#define PAGE_BYTES       4096
#define STACK_BYTES      8192
#define STACK_SLOT_BYTES (PAGE_BYTES + STACK_BYTES)

#define TASK_MAX         8
#define STACK_SLOTS      (TASK_MAX + 1)     /* the last one is the second CPU's */

#define AP_BOOT 0x8000                  /* a SIPI names a page below 1 MiB */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EFLAGS_IF 0x00000200
#define EFLAGS_ID 0x00200000

/* What LGDT and LIDT load. */
struct table_register {
    uint16_t limit;
    const void *base;
} __attribute__((packed));

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void interrupts_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void halt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

/* STI takes effect after the next instruction, so no interrupt can slip in between the two. */
static inline void interrupts_on_and_halt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

/* Pairs: interrupts are on again at the end only if they were on at the beginning. */
static inline uint32_t interrupts_save(void)
{
    uint32_t eflags;

    __asm__ volatile("pushfl; popl %0; cli" : "=r"(eflags) : : "memory");
    return eflags;
}

static inline void interrupts_restore(uint32_t eflags)
{
    if (eflags & EFLAGS_IF)
        interrupts_on();
}

static inline void load_gdt(const struct table_register *gdtr)
{
    __asm__ volatile("lgdt %0" : : "m"(*gdtr) : "memory");
}

static inline void load_idt(const struct table_register *idtr)
{
    __asm__ volatile("lidt %0" : : "m"(*idtr) : "memory");
}

/* read_cr0() and so on. */
#define CONTROL_REGISTER(cr)                                        \
    static inline uint32_t read_##cr(void)                          \
    {                                                               \
        uint32_t value;                                             \
                                                                    \
        __asm__ volatile("movl %%" #cr ", %0" : "=r"(value));       \
        return value;                                               \
    }                                                               \
    static inline void write_##cr(uint32_t value)                   \
    {                                                               \
        __asm__ volatile("movl %0, %%" #cr : : "r"(value) : "memory"); \
    }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)

/* The CPU may go on using its copy of a page-table entry until it is told that it has changed. */
static inline void forget_page(uint32_t laddr)
{
    __asm__ volatile("invlpg %0" : : "m"(*(char *)laddr) : "memory");
}
#endif

#endif
