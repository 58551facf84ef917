/* Multiboot header, entry, and the way of the other CPUs from real mode to C. */
        .section .multiboot, "a"
        .long 0x1BADB002, 0, -0x1BADB002

        .text
        .global start
start:
        cli
        mov $(stacks + 0x4000), %esp
        lgdt gdt_register
        ljmp $0x08, $1f
1:      mov $0x10, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %fs
        mov %eax, %gs
        mov %eax, %ss
        call storm_main
        ud2

        /* Copied to 0x8000, where the start-up message sends the others. */
        .global ap_code, ap_code_end
        .code16
ap_code:
        cli
        xor %ax, %ax
        mov %ax, %ds
        lgdtl (0x8000 + ap_gdt_register - ap_code)
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        ljmpl $0x08, $ap_flat
        .balign 4
ap_gdt_register:
        .word 23
        .long gdt
ap_code_end:

        .code32
ap_flat:
        mov $0x10, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %fs
        mov %eax, %gs
        mov %eax, %ss
        mov $1, %eax
        lock xadd %eax, cpus            /* my number */
        mov %eax, %ecx
        inc %ecx
        shl $14, %ecx
        lea stacks(%ecx), %esp
        push %eax
        call storm_other
        ud2

        .data
        .balign 8
gdt:    .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
gdt_register:
        .word 23
        .long gdt
        .global cpus
cpus:   .long 1

        .bss
        .balign 4096
        .global stacks
stacks: .skip 0x4000 * 8
