/* SPDX-License-Identifier: BSD-2-Clause */
/* The first instructions of both CPUs. */
#include "x86.h"

#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 0x3             /* modules on page boundaries, memory map wanted */

    .section .multiboot, "a"
    .balign 4
    .long MULTIBOOT_MAGIC
    .long MULTIBOOT_FLAGS
    .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

/* The loader leaves 32-bit protected mode, no paging, EAX = its magic, EBX = its information. */
    .text
    .globl boot
    .type boot, @function
boot:
    cli
    cld
    movl $task_stacks + STACK_SLOT_BYTES, %esp      /* task 0, the shell, begins here */
    xorl %ebp, %ebp                                 /* where a backtrace ends */
    pushl $0
    popfl
    pushl %ebx
    pushl %eax
    call kernel_main
1:  cli
    hlt
    jmp 1b
    .size boot, . - boot

/*
 * The second CPU wakes up in real mode at AP_BOOT, where smp_start() has copied everything from
 * ap_boot to ap_boot_end; so it may only use addresses made by AT().
 */
#define AT(label) ((label) - ap_boot + AP_BOOT)

    .globl ap_boot, ap_boot_end
    .type ap_boot, @function
    .code16
ap_boot:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AT(ap_gdtr)
    movl %cr0, %eax
    andl $~(CR0_CD | CR0_NW), %eax                  /* INIT leaves the cache off */
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $SEL_KERNEL_CODE, $AT(ap_protected)

    .code32
ap_protected:
    movw $SEL_KERNEL_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $kernel_dir, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $CR0_PG | CR0_WP, %eax
    movl %eax, %cr0
    movl $task_stacks + STACK_SLOTS * STACK_SLOT_BYTES, %esp
    xorl %ebp, %ebp
    pushl $0
    popfl
    movl $ap_main, %eax                             /* absolute: this code has moved */
    call *%eax

    .balign 8
ap_gdt:
    .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
ap_gdtr:
    .word ap_gdtr - ap_gdt - 1
    .long AT(ap_gdt)
ap_boot_end:
    .size ap_boot, . - ap_boot

    .section .note.GNU-stack, "", @progbits
