/* SPDX-License-Identifier: BSD-2-Clause */
/* What ring 3 may ask for: INT 80h with the number in EAX, arguments in EBX and ECX. */
#include "kernel.h"

/* A task may only show what it can read itself. */
static bool user_can_read(uint32_t laddr, uint32_t bytes)
{
    uint32_t end = laddr + bytes;

    if (end < laddr)
        return false;
    for (laddr &= PTE_ADDRESS; laddr < end; laddr += PAGE_BYTES) {
        uint32_t *entry = page_entry(current->page_dir, laddr);

        if (!entry || (*entry & (PTE_P | PTE_U)) != (PTE_P | PTE_U))
            return false;
    }
    return true;
}

static int sys_write(const char *text, uint32_t bytes)
{
    if (!user_can_read((uint32_t)text, bytes))
        return -1;
    for (uint32_t i = 0; i < bytes; i++)
        console_put(text[i]);
    return bytes;
}

int syscall(struct trap_frame *frame)
{
    switch (frame->eax) {
    case SYS_WRITE:
        return sys_write((const char *)frame->ebx, frame->ecx);
    case SYS_YIELD:
        task_yield();
        return 0;
    case SYS_SLEEP:
        task_sleep(frame->ebx);
        return 0;
    case SYS_GETTICKS:
        return ticks;
    case SYS_EXIT:
        task_exit();
    default:
        return -1;
    }
}
