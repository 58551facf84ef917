/* SPDX-License-Identifier: BSD-2-Clause */
/* The prompt, and the commands that do no harm. */
#include "kernel.h"

#define DEBUG_EXIT   0xF4
#define KBD_COMMAND  0x64
#define KBD_RESET    0xFE               /* pulses the CPU's reset line */
#define RESET_CONTROL 0xCF9
#define PM1_SLEEP    0x2000             /* SLP_EN, and SLP_TYP 0: off, on a PIIX4 */

static void do_help(const char *argument);

static void do_ps(const char *argument)
{
    static const char *const states[] = { "", "new", "ready", "sleeping", "waiting" };

    kprintf("pid name         state     ticks  ring\n");
    for (const struct task *task = tasks; task < tasks + TASK_MAX; task++)
        if (task->state != TASK_FREE)
            kprintf("%3u %-12s %-8s %6u  %u\n", task->pid, task->name,
                    task == current ? "running" : states[task->state], task->ticks,
                    task->page_dir == kernel_dir ? 0 : 3);
}

static uint32_t page_kind(uint32_t laddr)
{
    const uint32_t *entry = page_entry(kernel_dir, laddr);

    return entry && (*entry & PTE_P) ? *entry & (PTE_P | PTE_W | PTE_U | PTE_UNCACHED) : 0;
}

/* One line for each run of pages that are mapped alike. */
static void do_mem(const char *argument)
{
    uint32_t start = 0, kind = page_kind(0), page = 0;

    kprintf("%u pages are free. The kernel sees:\n", pages_free());
    do {
        page += kernel_dir[page >> 22] & PTE_P ? PAGE_BYTES : 1024 * PAGE_BYTES;
        if (page && page_kind(page) == kind)
            continue;
        if (kind)
            kprintf("%08x-%08x %6u KiB  %s%s%s\n", start, page - 1, (page - start) / 1024,
                    kind & PTE_W ? "read, write" : "read only", kind & PTE_U ? ", ring 3" : "",
                    kind & PTE_UNCACHED ? ", uncached" : "");
        start = page;
        kind = page_kind(page);
    } while (page);
    kprintf("The small holes are guard pages, under each kernel stack.\n");
}

static void do_ticks(const char *argument)
{
    kprintf("%u ticks, that is %u.%02u seconds\n", ticks, ticks / TICKS_PER_SECOND,
            ticks % TICKS_PER_SECOND);
}

static void do_peek(const char *argument)
{
    uint32_t laddr;

    if (!parse_number(argument, &laddr)) {
        kprintf("peek needs an address, such as 0x100000\n");
        return;
    }
    laddr &= ~3u;
    if (!page_present(laddr))
        kprintf("%08x is not mapped\n", laddr);
    else
        kprintf("%08x: %08x\n", laddr, *(volatile uint32_t *)laddr);
}

static void do_spin(const char *argument)
{
    for (char letter = 'A'; letter <= 'C'; letter++)
        task_start(task_create_user("spin", user_spin, letter));
    tasks_finish();
    kprintf("\n");
}

static void do_reboot(const char *argument)
{
    outb(KBD_COMMAND, KBD_RESET);
    task_sleep(2);
    outb(RESET_CONTROL, 0x06);
    task_sleep(2);
    kprintf("neither the 8042 nor port CF9 has reset this machine\n");
}

void power_off(void)
{
    static const uint16_t pm1a_control[] = { 0x604, 0xB004 };   /* PIIX4: QEMU now, and before */

    for (unsigned i = 0; i < array_length(pm1a_control); i++) {
        outw(pm1a_control[i], PM1_SLEEP);
        task_sleep(2);
    }
    outb(DEBUG_EXIT, 0);
    task_sleep(2);
    kprintf("this machine cannot be switched off from here\n");
}

static void do_off(const char *argument)
{
    power_off();
}

static void do_exit(const char *argument)
{
    uint32_t code = 0;

    if (*argument && !parse_number(argument, &code)) {
        kprintf("exit needs a number\n");
        return;
    }
    outb(DEBUG_EXIT, code);
    task_sleep(2);
    kprintf("nothing listens at port F4\n");
}

static const struct command commands[] = {
    { "help", "this list", do_help },
    { "ps", "what tasks there are", do_ps },
    { "mem", "what memory is mapped", do_mem },
    { "ticks", "how long the machine has been up", do_ticks },
    { "peek", "ADDRESS: show the word there", do_peek },
    { "spin", "three tasks in ring 3 compete for the CPU", do_spin },
    { "reboot", "start again", do_reboot },
    { "off", "switch off", do_off },
    { "exit", "NUMBER: tell it to the debug-exit port F4", do_exit },
    { NULL, NULL, NULL }
};

static void list(const struct command *command)
{
    for (; command->name; command++)
        kprintf("  %-7s %s\n", command->name, command->help);
}

static void do_help(const char *argument)
{
    list(commands);
    kprintf("These go wrong, each because of one line in bugs.c:\n");
    list(bugs);
}

static const struct command *find(const struct command *command, const char *name)
{
    while (command->name && strcmp(command->name, name))
        command++;
    return command->name ? command : NULL;
}

/* Cuts the line up. */
void shell_execute(char *line)
{
    const struct command *command;
    char *argument;

    while (*line == ' ')
        line++;
    for (argument = line; *argument && *argument != ' ';)
        argument++;
    while (*argument == ' ')
        *argument++ = '\0';
    if (!*line)
        return;
    command = find(commands, line);
    if (!command)
        command = find(bugs, line);
    if (command)
        command->run(argument);
    else
        kprintf("no command '%s'; try help\n", line);
}

static void read_line(char *line, unsigned size)
{
    unsigned length = 0;
    char c;

    while ((c = input_read()) != '\n') {
        if (c == '\b' && length) {
            length--;
            kprintf("\b \b");
        } else if (c >= ' ' && c < 0x7F && length < size - 1) {
            line[length++] = c;
            console_put(c);
        }
    }
    line[length] = '\0';
    kprintf("\n");
}

void shell(void)
{
    char line[64];

    for (;;) {
        kprintf("demo> ");
        read_line(line, sizeof(line));
        shell_execute(line);
    }
}
