/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions, interrupts of the two 8259s, and the panic screen. */
#include "kernel.h"

#define PIC1 0x20
#define PIC2 0xA0
#define PIC_EOI 0x20
#define PIT 0x40
#define PIT_HZ 1193182
#define IRQ_TIMER 0
#define IRQ_KEYBOARD 1
#define IRQ_CASCADE 2
#define IRQ_COM1 4
#define IRQ_SPURIOUS 7                  /* what PIC1 says when a request went away */

static const char *const exception_names[] = {
    "divide error", "debug exception", "NMI", "breakpoint", "overflow", "bound range exceeded",
    "invalid opcode", "no coprocessor", "double fault", "coprocessor overrun", "invalid TSS",
    "segment not present", "stack fault", "general protection fault", "page fault",
};

static void pic_init(uint16_t pic, uint8_t vector, uint8_t cascade, uint8_t mask)
{
    outb(pic, 0x11);                    /* ICW1: edge triggered, cascaded, ICW4 follows */
    outb(pic + 1, vector);              /* ICW2 */
    outb(pic + 1, cascade);             /* ICW3 */
    outb(pic + 1, 0x01);                /* ICW4: 8086 mode */
    outb(pic + 1, mask);
}

void interrupts_init(void)
{
    const unsigned used = 1 << IRQ_TIMER | 1 << IRQ_KEYBOARD | 1 << IRQ_COM1;
    const unsigned divisor = (PIT_HZ + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;

    pic_init(PIC1, VECTOR_IRQ0, 1 << IRQ_CASCADE, 0xFF & ~used);
    pic_init(PIC2, VECTOR_IRQ0 + 8, IRQ_CASCADE, 0xFF);
    outb(PIT + 3, 0x34);                /* counter 0, LSB then MSB, mode 2 */
    outb(PIT, divisor & 0xFF);
    outb(PIT, divisor >> 8);
}

/* Acknowledges first: a handler may leave for another task, and come back much later. */
static void interrupt(unsigned irq)
{
    if (irq == IRQ_SPURIOUS)
        return;
    outb(PIC1, PIC_EOI);
    switch (irq) {
    case IRQ_TIMER:
        task_tick();
        break;
    case IRQ_KEYBOARD:
        input_keyboard();
        break;
    case IRQ_COM1:
        input_serial();
        break;
    }
}

/* Follows the frame pointers: [EBP] is the caller's EBP, and above it lies the return address. */
static void backtrace(uint32_t ip, uint32_t ebp)
{
    kprintf("backtrace:");
    for (unsigned depth = 1; depth < 8; depth++) {
        const uint32_t *frame = (const uint32_t *)ebp;

        kprintf(" %08x", ip);
        if (!ebp || ebp % 4 || !page_present(ebp) || !page_present(ebp + 4))
            break;
        ebp = frame[0];
        ip = frame[1];
    }
    kprintf("\n");
}

static void panic_begin(void)
{
    interrupts_off();
    console_colour(CONSOLE_ALARM);
    kprintf("\n*** KERNEL PANIC on CPU %u, task '%s', tick %u\n", smp_this_cpu(), current->name,
            ticks);
}

static void __attribute__((noreturn)) panic_end(uint32_t ip, uint32_t ebp)
{
    backtrace(ip, ebp);
    kprintf("The machine is halted.\n");
    for (;;)
        halt();
}

void panic(const char *why)
{
    const uint32_t *frame = __builtin_frame_address(0);

    panic_begin();
    kprintf("%s\n", why);
    panic_end(frame[1], frame[0]);
}

/* SDM Vol. 3A, "Page-Fault Exception (#PF)": what the bits of the error code mean. */
static void describe_page_fault(const struct trap_frame *f)
{
    kprintf("ring %u %s %08x: %s\n", f->error & 4 ? 3 : 0,
            f->error & 2 ? "write to" : read_cr2() == f->eip ? "jump to" : "read of", read_cr2(),
            f->error & 1 ? "not allowed" : "page not present");
}

static void panic_screen(const struct trap_frame *f)
{
    /* The CPU has not pushed ESP: the interrupted stack ends where the frame does. */
    const uint32_t *stack = &f->user_esp;

    panic_begin();
    kprintf("%s (vector %u), error code %04x\n",
            f->vector < array_length(exception_names) ? exception_names[f->vector] : "exception",
            f->vector, f->error);
    if (f->vector == VECTOR_PAGE_FAULT)
        describe_page_fault(f);
    kprintf("eax %08x   ebx %08x   ecx %08x   edx %08x\n", f->eax, f->ebx, f->ecx, f->edx);
    kprintf("esi %08x   edi %08x   ebp %08x   esp %08x\n", f->esi, f->edi, f->ebp,
            (uint32_t)stack);
    kprintf("eip %08x   efl %08x   cr2 %08x   cr3 %08x\n", f->eip, f->eflags, read_cr2(),
            read_cr3());
    kprintf("cs %04x   ds %04x   es %04x   fs %04x   gs %04x\n", f->cs & 0xFFFF, f->ds & 0xFFFF,
            f->es & 0xFFFF, f->fs & 0xFFFF, f->gs & 0xFFFF);
    kprintf("stack:");
    for (unsigned i = 0; i < 7 && page_present((uint32_t)&stack[i]); i++)
        kprintf(" %08x", stack[i]);
    kprintf("\n");
    panic_end(f->eip, f->ebp);
}

static void exception(const struct trap_frame *frame)
{
    if ((frame->cs & 3) == 0)
        panic_screen(frame);
    kprintf("\n%s (%u): killed by exception %u at %08x\n", current->name, current->pid,
            frame->vector, frame->eip);
    task_exit();
}

/* Called from entry.S, with interrupts off but for system calls. */
void trap(struct trap_frame *frame)
{
    if (frame->vector < VECTOR_IRQ0)
        exception(frame);
    else if (frame->vector < VECTOR_IRQ0 + 16)
        interrupt(frame->vector - VECTOR_IRQ0);
    else if (frame->vector == VECTOR_SYSCALL)
        frame->eax = syscall(frame);
    else if (frame->vector == VECTOR_IPI)
        smp_acknowledge();
}
