/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs for ring 3. link.ld puts this file at USER_BASE, where each task's own address space
 * maps it; so nothing here may call the kernel but by INT 80h, or keep data but on the stack.
 */
#include "kernel.h"

static int call(int number, uint32_t first, uint32_t second)
{
    int result;

    __asm__ volatile("int %1"
                     : "=a"(result) : "i"(VECTOR_SYSCALL), "a"(number), "b"(first), "c"(second)
                     : "memory");
    return result;
}

static void write_letter(char letter)
{
    call(SYS_WRITE, (uint32_t)&letter, 1);
}

/* A polite task: it says something, and sleeps. */
void user_letters(int letter)
{
    for (int i = 0; i < 8; i++) {
        write_letter(letter);
        call(SYS_SLEEP, 1, 0);
    }
    call(SYS_EXIT, 0, 0);
}

/* A busy task, which has to be interrupted; it stops after 40 letters, or two seconds. */
void user_spin(int letter)
{
    uint32_t start = call(SYS_GETTICKS, 0, 0);

    for (int i = 0; i < 40; i++) {
        if (call(SYS_GETTICKS, 0, 0) - start >= 2 * TICKS_PER_SECOND)
            break;
        for (volatile int n = 0; n < 100000; n++)
            continue;
        write_letter(letter);
    }
    call(SYS_EXIT, 0, 0);
}
