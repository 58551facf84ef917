/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: kernel threads and ring-3 programs, taking turns on the first CPU. */
#include "kernel.h"

extern void switch_stacks(uint32_t *save_esp, uint32_t load_esp);
extern void thread_entry(void), user_entry(void);

uint8_t task_stacks[STACK_SLOTS][STACK_SLOT_BYTES] __attribute__((aligned(PAGE_BYTES)));
struct task tasks[TASK_MAX];
struct task *current;
volatile uint32_t ticks;

static struct task *idle_task;
static unsigned last_pid;

uint8_t *task_stack(const struct task *task)
{
    return task_stacks[task - tasks] + PAGE_BYTES;
}

/* Round robin. Called with interrupts off; returns when it is the caller's turn again. */
static void schedule(void)
{
    struct task *last = current, *next = idle_task;

    for (unsigned i = 1; i <= TASK_MAX; i++) {
        struct task *task = &tasks[(last - tasks + i) % TASK_MAX];

        if (task->state == TASK_READY && task != idle_task) {
            next = task;
            break;
        }
    }
    if (next == last)
        return;
    current = next;
    tss_set_esp0(next->esp0);
    if (read_cr3() != (uint32_t)next->page_dir)
        write_cr3((uint32_t)next->page_dir);
    switch_stacks(&last->esp, next->esp);
}

static void push(struct task *task, uint32_t value)
{
    task->esp -= sizeof(value);
    *(uint32_t *)task->esp = value;
}

static struct task *task_allocate(const char *name)
{
    uint32_t eflags = interrupts_save();
    struct task *task = tasks;

    while (task->state != TASK_FREE)
        if (++task == tasks + TASK_MAX)
            panic("too many tasks");
    *task = (struct task){ .state = TASK_NEW, .pid = last_pid++, .page_dir = kernel_dir };
    interrupts_restore(eflags);

    memcpy(task->name, name, strlen(name) + 1);
    task->esp = task->esp0 = (uint32_t)task_stack(task) + STACK_BYTES;
    return task;
}

/* What switch_stacks() takes from the stack when the task runs for the first time. */
static void push_start(struct task *task, void (*entry)(void))
{
    push(task, (uint32_t)entry);
    for (unsigned reg = 0; reg < 4; reg++)
        push(task, 0);
}

struct task *task_create(const char *name, void (*function)(uint32_t), uint32_t argument)
{
    struct task *task = task_allocate(name);

    push(task, argument);
    push(task, (uint32_t)function);
    push_start(task, thread_entry);
    return task;
}

struct task *task_create_user(const char *name, void (*function)(int), int argument)
{
    struct task *task = task_allocate(name);
    uint32_t *user_stack;

    task->page_dir = space_create();
    user_stack = (uint32_t *)(*page_entry(task->page_dir, USER_STACK) & PTE_ADDRESS);
    user_stack[1023] = argument;        /* above it, as after a CALL, a return address: 0 */

    push(task, SEL_USER_DATA);
    push(task, USER_STACK + PAGE_BYTES - 2 * sizeof(uint32_t));
    push(task, EFLAGS_IF);
    push(task, SEL_USER_CODE);
    push(task, (uint32_t)function);
    push_start(task, user_entry);
    return task;
}

void task_start(struct task *task)
{
    task->state = TASK_READY;
}

struct task *task_find(const char *name)
{
    for (struct task *task = tasks; task < tasks + TASK_MAX; task++)
        if (task->state != TASK_FREE && !strcmp(task->name, name))
            return task;
    return NULL;
}

static void idle(uint32_t unused)
{
    for (;;)
        interrupts_on_and_halt();
}

/* Whoever calls this becomes the first task, on the stack it has (boot.S). */
void tasks_init(void)
{
    current = task_allocate("shell");
    task_start(current);
    idle_task = task_create("idle", idle, 0);
    task_start(idle_task);
}

/* The timer's interrupt, a hundred times a second. */
void task_tick(void)
{
    ticks++;
    current->ticks++;
    for (struct task *task = tasks; task < tasks + TASK_MAX; task++)
        if (task->state == TASK_SLEEPING && task->wake_tick == ticks)
            task->state = TASK_READY;
    schedule();
}

void task_yield(void)
{
    uint32_t eflags = interrupts_save();

    schedule();
    interrupts_restore(eflags);
}

void task_sleep(uint32_t for_ticks)
{
    uint32_t eflags = interrupts_save();

    if (for_ticks) {
        current->wake_tick = ticks + for_ticks;
        current->state = TASK_SLEEPING;
    }
    schedule();
    interrupts_restore(eflags);
}

void task_wait(void)
{
    uint32_t eflags = interrupts_save();

    current->state = TASK_WAITING;
    schedule();
    interrupts_restore(eflags);
}

/* Called with interrupts off, mostly from a handler. */
void task_wake(struct task *task)
{
    if (task->state == TASK_WAITING)
        task->state = TASK_READY;
    if (current == idle_task)
        schedule();
}

void task_exit(void)
{
    interrupts_off();
    if (current->page_dir != kernel_dir) {
        write_cr3((uint32_t)kernel_dir);
        space_destroy(current->page_dir);
    }
    current->state = TASK_FREE;         /* its stack is ours until the next task is created */
    schedule();
    panic("a dead task runs");
}

void tasks_finish(void)
{
    unsigned others;

    do {
        task_sleep(1);
        others = 0;
        for (struct task *task = tasks; task < tasks + TASK_MAX; task++)
            others += task->state != TASK_FREE && task != current && task != idle_task;
    } while (others);
}
