/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small kernel to be watched while it works, and while it fails. It needs a PC with 4 MiB and a
 * Multiboot 1 loader. Words of its command line:
 *
 *     run=COMMAND,...   what to type at the first prompts; a + stands for a space
 *     quiet             do not let two tasks say hello
 *     exit              switch off once the commands are done
 */
#include "kernel.h"

#define MULTIBOOT_BOOTED 0x2BADB002
#define MULTIBOOT_MEMORY   0x001        /* bits of flags: which members are valid */
#define MULTIBOOT_CMDLINE  0x004
#define MULTIBOOT_MMAP     0x040

struct multiboot_info {
    uint32_t flags;
    uint32_t lower_kib, upper_kib;
    uint32_t boot_device;
    const char *command_line;
    uint32_t modules[2], symbols[4];
    uint32_t mmap_bytes, mmap;
};

struct multiboot_region {
    uint32_t bytes_following;
    uint64_t base, bytes;
    uint32_t type;                      /* 1 is RAM */
} __attribute__((packed));

static char command_line[256];
static uint32_t ram_kib;                /* in all */
static uint32_t ram_end;                /* of the RAM that the kernel is in */

/* Called while all is still as the loader has left it: what counts is copied. */
static void read_multiboot(uint32_t magic, const struct multiboot_info *info)
{
    const uint32_t kernel = (uint32_t)read_multiboot;

    if (magic != MULTIBOOT_BOOTED)
        panic("not started by a Multiboot 1 loader");
    if (info->flags & MULTIBOOT_CMDLINE)
        for (unsigned i = 0; i < sizeof(command_line) - 1 && info->command_line[i]; i++)
            command_line[i] = info->command_line[i];

    if (info->flags & MULTIBOOT_MMAP) {
        for (uint32_t p = info->mmap; p < info->mmap + info->mmap_bytes;) {
            const struct multiboot_region *region = (const void *)p;

            p += region->bytes_following + sizeof(region->bytes_following);
            if (region->type != 1)
                continue;
            ram_kib += region->bytes >> 10;
            if (kernel >= region->base && kernel - region->base < region->bytes)
                ram_end = region->base + region->bytes > UINT32_MAX
                        ? PTE_ADDRESS : (region->base + region->bytes) & PTE_ADDRESS;
        }
    } else if (info->flags & MULTIBOOT_MEMORY) {
        ram_kib = info->lower_kib + info->upper_kib;
        ram_end = 0x100000 + (info->upper_kib & ~3u) * 1024;
    }
    if (!ram_end)
        panic("the loader does not say how much memory there is");
}

/* What follows NAME in a word of the command line, or NULL. NAME may end with '='. */
static char *find_option(const char *name)
{
    size_t length = strlen(name);

    for (char *p = command_line; *p;) {
        if (!memcmp(p, name, length) &&
            (name[length - 1] == '=' || p[length] == ' ' || p[length] == '\0'))
            return p + length;
        while (*p && *p != ' ')
            p++;
        while (*p == ' ')
            p++;
    }
    return NULL;
}

static void run_command_line(void)
{
    char *next = find_option("run=");
    bool exit = find_option("exit");    /* asked first, as the words are cut up now */

    while (next && *next && *next != ' ') {
        char line[64];
        unsigned length = 0;

        for (; *next && *next != ' ' && *next != ','; next++)
            if (length < sizeof(line) - 1)
                line[length++] = *next == '+' ? ' ' : *next;
        line[length] = '\0';
        next += *next == ',';
        kprintf("demo> %s\n", line);
        shell_execute(line);
    }
    if (exit)
        power_off();
}

static void say_hello(void)
{
    kprintf("two tasks in ring 3: ");
    task_start(task_create_user("a", user_letters, 'a'));
    task_start(task_create_user("b", user_letters, 'b'));
    tasks_finish();
    kprintf("\n");
}

void kernel_main(uint32_t magic, const struct multiboot_info *info)
{
    console_init();
    read_multiboot(magic, info);
    smp_find();
    cpu_init();
    memory_init(ram_end);
    tasks_init();
    interrupts_init();
    input_init();
    interrupts_on();
    smp_start();

    kprintf("demo: a small kernel that works, and knows how to fail\n"
            "%u MiB of memory, %u CPU%s (%s), %u ticks a second\n",
            (ram_kib + 1023) / 1024, smp_cpus(), smp_cpus() > 1 ? "s" : "", smp_source(),
            TICKS_PER_SECOND);
    if (!find_option("quiet"))
        say_hello();
    kprintf("Type 'help'.\n\n");
    run_command_line();
    shell();
}
