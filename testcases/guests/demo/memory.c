/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages and address spaces.
 *
 *     00000000  nothing: a null pointer faults
 *     00001000  RAM, one to one, up to 16 MiB; the kernel's code in it cannot be written, and the
 *               guard page under each kernel stack is missing
 *     40000000  ring 3: code, shared by all tasks, and a stack page for each
 *     d0000000  a page of address space to try things with
 *     fee00000  the local APIC, if there is a second CPU
 */
#include "kernel.h"

#define POISON 0x6B                     /* fills free pages; as an address it is not mapped */

extern char kernel_start[], kernel_end[], user_load[], user_load_end[];

uint32_t kernel_dir[1024] __attribute__((aligned(PAGE_BYTES)));
static uint32_t never_used, ram_limit;  /* pages in between have not been handed out yet */
static void *free_list;                 /* a free page begins with the address of the next one */
static uint32_t free_list_length;

void *page_alloc(void)
{
    uint32_t eflags = interrupts_save();
    void *page = free_list;

    if (page) {
        free_list = *(void **)page;
        free_list_length--;
    } else if (never_used < ram_limit) {
        page = (void *)never_used;
        never_used += PAGE_BYTES;
    } else {
        panic("out of memory");
    }
    interrupts_restore(eflags);
    return memset(page, 0, PAGE_BYTES);
}

void page_free(void *page)
{
    uint32_t eflags = interrupts_save();

    memset(page, POISON, PAGE_BYTES);
    *(void **)page = free_list;
    free_list = page;
    free_list_length++;
    interrupts_restore(eflags);
}

uint32_t pages_free(void)
{
    return free_list_length + (ram_limit - never_used) / PAGE_BYTES;
}

uint32_t *page_entry(const uint32_t *dir, uint32_t laddr)
{
    uint32_t pde = dir[laddr >> 22];

    return pde & PTE_P ? (uint32_t *)(pde & PTE_ADDRESS) + (laddr >> 12 & 1023) : NULL;
}

bool page_present(uint32_t laddr)
{
    uint32_t *entry = page_entry((uint32_t *)read_cr3(), laddr);

    return entry && (*entry & PTE_P);
}

void page_map(uint32_t *dir, uint32_t laddr, uint32_t paddr, uint32_t flags)
{
    uint32_t *pde = &dir[laddr >> 22];

    if (!(*pde & PTE_P))
        *pde = (uint32_t)page_alloc() | PTE_P | PTE_W | PTE_U;
    *page_entry(dir, laddr) = paddr | flags | PTE_P;
}

void memory_init(uint32_t ram_end)
{
    never_used = (uint32_t)kernel_end;
    ram_limit = ram_end < MAPPED_BYTES ? ram_end : MAPPED_BYTES;

    for (uint32_t page = PAGE_BYTES; page < ram_limit; page += PAGE_BYTES) {
        bool code = page >= (uint32_t)kernel_start && page < (uint32_t)user_load_end;

        page_map(kernel_dir, page, page, code ? 0 : PTE_W);
    }
    for (unsigned slot = 0; slot < STACK_SLOTS; slot++)
        *page_entry(kernel_dir, (uint32_t)task_stacks[slot]) = 0;
    page_map(kernel_dir, WINDOW, 0, 0);     /* makes the table, which every space is to share */
    *page_entry(kernel_dir, WINDOW) = 0;

    write_cr3((uint32_t)kernel_dir);
    write_cr0(read_cr0() | CR0_PG | CR0_WP);
}

uint32_t *space_create(void)
{
    uint32_t *dir = page_alloc();

    memcpy(dir, kernel_dir, PAGE_BYTES);
    for (char *page = user_load; page < user_load_end; page += PAGE_BYTES)
        page_map(dir, USER_BASE + (page - user_load), (uint32_t)page, PTE_U);
    page_map(dir, USER_STACK, (uint32_t)page_alloc(), PTE_U | PTE_W);
    return dir;
}

void space_destroy(uint32_t *dir)
{
    page_free((void *)(*page_entry(dir, USER_STACK) & PTE_ADDRESS));
    page_free((void *)(dir[USER_BASE >> 22] & PTE_ADDRESS));
    page_free(dir);
}
