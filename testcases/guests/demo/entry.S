/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways into the kernel (exceptions, interrupts, system calls) and from one task to the next. */
#include "x86.h"

    .cfi_sections .debug_frame
    .text

/*
 * One stub per vector, TRAP_STUB_BYTES apart from trap_stubs on. Some exceptions push an error
 * code; the other stubs push a zero, so that struct trap_frame always has the same shape.
 */
    .macro stub vector, error_code=0
    .balign TRAP_STUB_BYTES
    .if \error_code == 0
    pushl $0
    .endif
    pushl $\vector
    jmp trap_entry
    .endm

    .globl trap_stubs, trap_stub_syscall, trap_stub_ipi, trap_stub_spurious
    .type trap_stubs, @function
    .balign TRAP_STUB_BYTES
trap_stubs:
    .irp vector, 0, 1, 2, 3, 4, 5, 6, 7
    stub \vector
    .endr
    stub 8, 1
    stub 9
    .irp vector, 10, 11, 12, 13, 14
    stub \vector, 1
    .endr
    stub 15
    stub 16
    stub 17, 1
    .irp vector, 18, 19, 20
    stub \vector
    .endr
    stub 21, 1
    .irp vector, 22, 23, 24, 25, 26, 27, 28
    stub \vector
    .endr
    stub 29, 1
    stub 30, 1
    .irp vector, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    stub \vector
    .endr
trap_stub_syscall:
    stub VECTOR_SYSCALL
trap_stub_ipi:
    stub VECTOR_IPI
trap_stub_spurious:
    stub VECTOR_SPURIOUS
    .size trap_stubs, . - trap_stubs

/* Saves the rest of struct trap_frame, calls trap(frame), and goes back to what was interrupted. */
    .type trap_entry, @function
trap_entry:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa %esp, 5 * 4            /* vector, error, EIP, CS, EFLAGS */
    .cfi_offset %eip, -3 * 4
    pushal
    .cfi_adjust_cfa_offset 8 * 4
    .cfi_offset %ebx, -9 * 4
    .cfi_offset %ebp, -11 * 4
    .cfi_offset %esi, -12 * 4
    .cfi_offset %edi, -13 * 4
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    .cfi_adjust_cfa_offset 4 * 4
    movl $SEL_KERNEL_DATA, %eax
    movw %ax, %ds
    movw %ax, %es
    cld
    pushl %esp
    .cfi_adjust_cfa_offset 4
    call trap
    addl $4, %esp
    .cfi_adjust_cfa_offset -4
    popl %gs
    popl %fs
    popl %es
    popl %ds
    .cfi_adjust_cfa_offset -4 * 4
    popal
    .cfi_adjust_cfa_offset -8 * 4
    addl $8, %esp                       /* vector and error code */
    .cfi_adjust_cfa_offset -2 * 4
    iret
    .cfi_endproc
    .size trap_entry, . - trap_entry

/* void switch_stacks(uint32_t *save_esp, uint32_t load_esp): from one task to another. */
    .globl switch_stacks
    .type switch_stacks, @function
switch_stacks:
    movl 4(%esp), %eax
    movl 8(%esp), %edx
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    movl %esp, (%eax)
    movl %edx, %esp
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    ret
    .size switch_stacks, . - switch_stacks

/* A new kernel thread: on its stack are the function and its argument. */
    .globl thread_entry
    .type thread_entry, @function
thread_entry:
    sti
    popl %eax
    call *%eax
    call task_exit
    .size thread_entry, . - thread_entry

/* A new ring-3 task: on its stack is a complete frame for IRET. */
    .globl user_entry
    .type user_entry, @function
user_entry:
    movl $SEL_USER_DATA, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    xorl %eax, %eax                     /* leave nothing of the kernel in the registers */
    xorl %ecx, %ecx
    xorl %edx, %edx
    iret
    .size user_entry, . - user_entry

    .section .note.GNU-stack, "", @progbits
