/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the demonstration kernel know of each other, from the bottom up. */
#ifndef DEMO_KERNEL_H
#define DEMO_KERNEL_H

#include "x86.h"

#define array_length(a) (sizeof(a) / sizeof((a)[0]))

/* string.c */
void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
bool parse_number(const char *text, uint32_t *value);   /* decimal, or hexadecimal after 0x */

/* console.c: the screen and COM1 say the same. */
#define CONSOLE_NORMAL 0x07
#define CONSOLE_ALARM  0x4F             /* white on red */
void console_init(void);
void console_colour(uint8_t attribute);
void console_put(char c);
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* cpu.c: descriptor tables. */
#define IDT_VECTORS 256
#define GDT_CODE 0xC09A                 /* access byte, and the flags in the top digit */
#define GDT_DATA 0xC092
#define GDT_USER 0x0060                 /* DPL 3 */
#define GDT_TSS  0x0089
#define GDT_4GIB 0xFFFFF                /* in pages */
extern uint64_t idt[IDT_VECTORS];
void gdt_set(unsigned slot, uint32_t base, uint32_t limit, uint32_t access);
void tss_set_esp0(uint32_t esp0);
void cpu_init(void);                    /* the first CPU */
void cpu_init_second(void);
bool cpu_has_apic(void);

/* trap.c: exceptions and interrupts. */
struct trap_frame {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
    uint32_t user_esp, user_ss;         /* only there if CS says ring 3 */
};
void trap(struct trap_frame *frame);
void panic(const char *why) __attribute__((noreturn));
void interrupts_init(void);             /* PICs and timer */

/* memory.c: pages and address spaces. */
#define MAPPED_BYTES 0x1000000u         /* of RAM, mapped one to one */
#define USER_BASE    0x40000000u
#define USER_STACK   0x40010000u        /* one page */
#define WINDOW       0xD0000000u        /* a free page in the kernel's space, to try things */
#define PTE_P        0x001u
#define PTE_W        0x002u
#define PTE_U        0x004u
#define PTE_UNCACHED 0x018u
#define PTE_ADDRESS  0xFFFFF000u
extern uint32_t kernel_dir[];
void memory_init(uint32_t ram_end);
void *page_alloc(void);                 /* cleared; never NULL */
void page_free(void *page);
uint32_t pages_free(void);
uint32_t *page_entry(const uint32_t *dir, uint32_t laddr);  /* NULL if there is no table */
bool page_present(uint32_t laddr);
void page_map(uint32_t *dir, uint32_t laddr, uint32_t paddr, uint32_t flags);
uint32_t *space_create(void);
void space_destroy(uint32_t *dir);

/* task.c */
#define TICKS_PER_SECOND 100
enum task_state { TASK_FREE, TASK_NEW, TASK_READY, TASK_SLEEPING, TASK_WAITING };
struct task {
    enum task_state state;
    unsigned pid;
    char name[12];
    uint32_t *page_dir;                 /* kernel_dir for kernel threads */
    uint32_t esp;                       /* while it does not run */
    uint32_t esp0;                      /* where the kernel begins when ring 3 is interrupted */
    uint32_t wake_tick;
    uint32_t ticks;                     /* of CPU time */
};
extern uint8_t task_stacks[STACK_SLOTS][STACK_SLOT_BYTES];
extern struct task tasks[TASK_MAX];
extern struct task *current;
extern volatile uint32_t ticks;
void tasks_init(void);
struct task *task_create(const char *name, void (*function)(uint32_t), uint32_t argument);
struct task *task_create_user(const char *name, void (*function)(int), int argument);
void task_start(struct task *task);
uint8_t *task_stack(const struct task *task);               /* its lowest byte */
struct task *task_find(const char *name);                   /* NULL if there is none */
void task_tick(void);
void task_yield(void);
void task_sleep(uint32_t for_ticks);
void task_wait(void);                   /* until task_wake */
void task_wake(struct task *task);
void task_exit(void) __attribute__((noreturn));
void tasks_finish(void);                /* sleeps until the caller and the idle task are alone */

/* syscall.c, and user.c: what runs in ring 3. */
enum { SYS_WRITE, SYS_YIELD, SYS_SLEEP, SYS_GETTICKS, SYS_EXIT };
int syscall(struct trap_frame *frame);
void user_letters(int letter);
void user_spin(int letter);

/* input.c: the keyboard and COM1 are one stream. */
void input_init(void);
void input_keyboard(void);
void input_serial(void);
bool input_pending(void);
char input_read(void);

/* smp.c */
void smp_find(void);                    /* before paging: tables may lie anywhere */
void smp_start(void);
unsigned smp_cpus(void);                /* running, 1 or 2 */
const char *smp_source(void);
unsigned smp_this_cpu(void);
void smp_acknowledge(void);
void smp_run(void (*job)(void));        /* on the second CPU; returns at once */
bool smp_busy(void);

/* shell.c, bugs.c */
struct command {
    const char *name;
    const char *help;
    void (*run)(const char *argument);
};
extern const struct command bugs[];     /* ends with a NULL name */
void shell_execute(char *line);
void shell(void) __attribute__((noreturn));
void power_off(void);

#endif
