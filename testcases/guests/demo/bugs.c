/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ten ways to bring a kernel down, or to get a wrong answer from it. Each is a mistake that has
 * been made in earnest, as it was written: the line that is to blame is the one marked "Wrong".
 */
#include "kernel.h"

#define keep_apart __attribute__((noinline))    /* a function of its own in every backtrace */

/* null: page 0 is not mapped, so #PF, and the panic screen; CR2 is the offset of `ticks`. */
static keep_apart void reset_account(const char *name)
{
    struct task *task = task_find(name);

    task->ticks = 0;                            /* Wrong: nobody promised that it was found. */
}

static void bug_null(const char *argument)
{
    reset_account("init");
}

/*
 * stack: down through the whole stack, into the guard page: #PF, which cannot be delivered as its
 * frame would go there too; nor can the #DF that follows: triple fault.
 */
struct directory {
    const char *name;
    const struct directory *parent;
};

static const struct directory root = { "", &root };     /* as everywhere: /.. is / */
static const struct directory home = { "home", &root };

static keep_apart void print_path(const struct directory *directory)
{
    if (directory->parent)                      /* Wrong: the root has a parent, itself. */
        print_path(directory->parent);
    kprintf("%s/", directory->name);
}

static void bug_stack(const char *argument)
{
    print_path(&home);
}

/*
 * idt: nothing happens, for up to 10 ms. Then the timer's vector is past the limit: #GP. So is the
 * one of #GP: #DF. So is that: triple fault, wherever the CPU may be by then.
 */
static keep_apart void move_idt(const uint64_t *table)
{
    const struct table_register idtr = { sizeof(table) - 1, table };    /* Wrong: of a pointer. */

    load_idt(&idtr);
}

static void bug_idt(const char *argument)
{
    uint64_t *copy = page_alloc();

    memcpy(copy, idt, sizeof(idt));
    move_idt(copy);
}

/* stale: the CPU has been at this page before and need not look at the page tables again. */
static keep_apart uint32_t read_window(const uint32_t *page)
{
    *page_entry(kernel_dir, WINDOW) = (uint32_t)page | PTE_P;   /* Wrong: no forget_page(). */
    return *(volatile uint32_t *)WINDOW;
}

static void bug_stale(const char *argument)
{
    uint32_t *first = page_alloc(), *second = page_alloc();
    uint32_t before, seen, flushed, eflags = interrupts_save(); /* other tasks would load CR3 */

    *first = 0x11111111;
    *second = 0x22222222;
    before = read_window(first);
    seen = read_window(second);
    forget_page(WINDOW);
    flushed = *(volatile uint32_t *)WINDOW;
    *page_entry(kernel_dir, WINDOW) = 0;
    forget_page(WINDOW);
    interrupts_restore(eflags);

    kprintf("page one holds %08x, page two was then mapped in its place:\n"
            "expected %08x, read %08x, after INVLPG %08x: %s\n", before, *second, seen, flushed,
            seen == *second ? "this CPU had looked again" : "the TLB entry was stale");
    page_free(first);
    page_free(second);
}

/* race: between reading the counter and writing it back, somebody else may have done the same. */
static volatile uint32_t visitors;
static uint32_t counted[2];
static uint32_t race_end;

static keep_apart uint32_t one_more(uint32_t n)
{
    return n + 1;
}

static void count_visitors(uint32_t door)
{
    while (ticks < race_end) {
        visitors = one_more(visitors);          /* Wrong: three steps, and no lock. */
        counted[door]++;
    }
}

static void count_on_other_cpu(void)
{
    count_visitors(1);
}

static void bug_race(const char *argument)
{
    uint32_t total;

    visitors = counted[0] = counted[1] = 0;
    if (smp_cpus() > 1) {
        race_end = ticks + 3;
        smp_run(count_on_other_cpu);
        count_visitors(0);
        while (smp_busy())
            task_sleep(1);
    } else {
        race_end = ticks + 10;
        task_start(task_create("door 0", count_visitors, 0));
        task_start(task_create("door 1", count_visitors, 1));
        tasks_finish();
    }
    total = counted[0] + counted[1];
    kprintf("%s counted %u + %u = %u visitors; the counter says %u: %u are lost\n",
            smp_cpus() > 1 ? "two CPUs" : "two threads", counted[0], counted[1], total, visitors,
            total - visitors);
}

/* hlt: no interrupt will ever set what the loop waits for: a dead machine. */
static keep_apart void wait_for_key(void)
{
    interrupts_off();                           /* so that no key comes after the test */
    while (!input_pending())
        halt();                                 /* Wrong: it takes interrupts_on_and_halt(). */
}

static void bug_hlt(const char *argument)
{
    kprintf("press any key\n");
    wait_for_key();
}

/* gdt: the descriptor that results is not one of a data segment: #GP with its selector. */
struct local {
    struct task *task;
    uint32_t error, random, spare;
};

static keep_apart void set_local(struct local *local)
{
    gdt_set(SEL_LOCAL >> 3, (uint32_t)local, GDT_DATA, sizeof(*local) - 1);     /* Wrong: order. */
    __asm__ volatile("movw %w0, %%gs" : : "r"(SEL_LOCAL));
}

static void bug_gdt(const char *argument)
{
    static struct local local;

    set_local(&local);
}

/*
 * tss: all is well until ring 3 is interrupted. The CPU takes ESP0 and pushes, into the guard page:
 * #PF. It is to be delivered on the same stack: #DF; and so on: triple fault.
 */
static keep_apart void restart_on_empty_stack(struct task *task)
{
    task->esp0 = (uint32_t)task_stack(task);    /* Wrong: stacks begin at the other end. */
}

static void bug_tss(const char *argument)
{
    struct task *task = task_create_user("victim", user_letters, 'v');

    restart_on_empty_stack(task);
    task_start(task);
    tasks_finish();
}

/* cr3: what lies on the stack is no page directory; even the next instruction has gone. */
static keep_apart void enter_space(uint32_t *dir)
{
    write_cr3((uint32_t)&dir);                  /* Wrong: & */
}

static void bug_cr3(const char *argument)
{
    enter_space(space_create());
}

/* jump: EIP becomes what page_free() fills pages with, 6b6b6b6b: #PF. */
struct alarm {
    uint32_t tick;
    void (*ring)(void);
};

static void beep(void)
{
    kprintf("beep\n");
}

static keep_apart void wait_for_alarm(struct alarm *alarm)
{
    while (ticks < alarm->tick)
        task_sleep(1);
    page_free(alarm);
    alarm->ring();                              /* Wrong: it has just been freed. */
}

static void bug_jump(const char *argument)
{
    struct alarm *alarm = page_alloc();

    *alarm = (struct alarm){ .tick = ticks + 2, .ring = beep };
    wait_for_alarm(alarm);
}

const struct command bugs[] = {
    { "null", "a pointer that is null is written through: panic", bug_null },
    { "stack", "a recursion without end meets the guard page: triple fault", bug_stack },
    { "idt", "an IDT that is too short, at the next interrupt: triple fault", bug_idt },
    { "stale", "a page is mapped anew without INVLPG: an old value is read", bug_stale },
    { "race", "two CPUs, or threads, count without a lock: some counts are lost", bug_race },
    { "hlt", "HLT with interrupts off: a dead machine", bug_hlt },
    { "gdt", "a descriptor with its fields mixed up: panic", bug_gdt },
    { "tss", "a task's ESP0 at the wrong end, at its next system call: triple fault", bug_tss },
    { "cr3", "CR3 points to something else than a page directory: triple fault", bug_cr3 },
    { "jump", "a call through memory that was freed: panic", bug_jump },
    { NULL, NULL, NULL }
};
