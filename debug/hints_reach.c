/* Hints: what memory a delivery could not reach: paging, stacks, the TSS. */
#include <string.h>

#include "cpu/code.h"
#include "debug/words.h"
#include "debug/explain.h"

static const struct cpu *cpu_of(const struct hint *h)
{
    return h->s->cpu;
}

static bool is(const struct hint *h, enum cpu_cause cause)
{
    return h->d->cause == cause;
}

static bool is_between(const struct hint *h, enum cpu_cause first, enum cpu_cause last)
{
    return h->d->cause >= first && h->d->cause <= last;
}

/* The event whose delivery failed. */
static const struct cpu_delivery *event_of(const struct hint *h)
{
    return story_delivering(h->s, h->n);
}

static enum touch touch_of(const struct hint *h)
{
    return story_touch(h->s, h->n);
}

/* ---- Task switches ---- */

/* The event went through a task gate, so CR3 may be the new task's. */
static bool by_task_gate(const struct hint *h)
{
    const struct cpu_delivery *e = event_of(h);
    struct seg_desc gate;
    uint64_t raw;

    if (!e || !hint_table_entry(h, cpu_of(h)->idtr.base, e->vector, &raw)) {
        /* with CR3 gone wrong the IDT cannot be read either: a link at another place is a new task's */
        return h->n && h->d->ip != h->s->link[h->n - 1].ip;
    }
    seg_decode(raw, &gate);
    return (gate.attr & (SEG_S | SEG_TYPE)) == SYS_TASK_GATE;
}

static bool task_cr3(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->cr3);
    hint_arg(h, 1, "0x%x", cpu_of(h)->seg[CPU_TR].selector);
    return h->d->vector == VEC_PF && by_task_gate(h) && hint_cr3_is_empty(h);
}

/* ---- Page faults of a delivery ---- */

#define ENTRIES 1024
#define ENTRY_ADDRESS 0x000ffffffffff000ull /* in entries of 64 bits, and in CR3 of IA-32e mode */

/* The PML4, or PML5. */
static bool count_wide_table(struct cpu *cpu, unsigned *present, unsigned *identity)
{
    uint64_t table[ENTRIES / 2];

    if (bus_peek(cpu->bus, cpu->cr3 & ENTRY_ADDRESS & cpu->bus->a20_mask, table, sizeof(table)) != sizeof(table))
        return false;
    for (unsigned n = 0; n < ENTRIES / 2; n++) {
        *present += table[n] & 1;
        *identity += table[n] & 1 && (table[n] & ENTRY_ADDRESS) >> 12 == n;
    }
    return true;
}

/* Walks over the top table that CR3 names: entries present, and entries that map page n to page n. False: there is no memory. */
static bool count_top_table(const struct hint *h, unsigned *present, unsigned *identity)
{
    struct cpu *cpu = h->s->cpu;
    uint32_t table[ENTRIES];

    *present = *identity = 0;
    if (!(cpu->cr0 & CR0_PG))
        return false;
    if (cpu->efer & EFER_LMA)
        return count_wide_table(cpu, present, identity);
    if (cpu->cr4 & CR4_PAE) {
        for (unsigned n = 0; n < 4; n++)
            *present += cpu->pdpte[n] & 1;
        return true;
    }
    if (bus_peek(cpu->bus, (cpu->cr3 & 0xfffff000u) & cpu->bus->a20_mask, table, sizeof(table)) != sizeof(table))
        return false;
    for (unsigned n = 0; n < ENTRIES; n++) {
        *present += table[n] & 1;
        *identity += table[n] & 1 && table[n] >> 12 == n && !(table[n] & 128);
    }
    return true;
}

bool hint_cr3_is_table(struct hint *h)
{
    unsigned present, identity;

    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->cr3);
    return h->d->vector == VEC_PF && h->d->evidence.level >= 2 && count_top_table(h, &present, &identity) && identity > 16;
}

bool hint_cr3_is_empty(struct hint *h)
{
    unsigned present, identity;

    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->cr3);
    if (h->d->vector != VEC_PF || h->d->evidence.level < 2 || !(cpu_of(h)->cr0 & CR0_PG))
        return false;
    return !count_top_table(h, &present, &identity) || !present;
}

bool hint_cr3_unaligned(struct hint *h)
{
    uint64_t cr3 = cpu_of(h)->cr3;

    hint_arg(h, 0, "0x%08llx", (unsigned long long)cr3);
    return h->d->vector == VEC_PF && h->d->evidence.level >= 2 && cpu_of(h)->cr0 & CR0_PG && !(cpu_of(h)->cr4 & CR4_PAE) && cr3 & 0xfe7;
}

static bool reserved_on_the_way(struct hint *h)
{
    hint_arg(h, 0, "%s", touch_of(h) == TOUCH_IDT ? "the IDT" : touch_of(h) == TOUCH_GDT ? "the GDT" : touch_of(h) == TOUCH_TSS ? "the TSS" : "the stack");
    hint_arg(h, 1, "0x%llx", (unsigned long long)h->d->evidence.paddr);
    return is_between(h, CPU_CAUSE_PF_RSVD_ADDR, CPU_CAUSE_PF_RSVD_PSE36);
}

/* The other place that kernels map their low addresses at. */
static bool alias_of(const struct hint *h, uint64_t laddr, uint32_t *alias)
{
    static const uint32_t offsets[] = { 0xc0000000u, 0x80000000u, 0xf0000000u, 0xe0000000u };

    for (unsigned n = 0; n < sizeof(offsets) / sizeof(offsets[0]); n++)
        for (unsigned down = 0; down < 2; down++) {
            *alias = down ? (uint32_t)laddr - offsets[n] : (uint32_t)laddr + offsets[n];
            if ((down ? laddr >= offsets[n] : laddr < offsets[n]) && story_mapped(h->s, *alias))
                return true;
        }
    return false;
}

static void mapped_elsewhere(struct hint *h, unsigned n, uint64_t laddr)
{
    uint32_t alias;

    if (alias_of(h, laddr, &alias))
        hint_arg(h, n, " (0x%08x is mapped, so perhaps that address was meant)", alias);
    else
        hint_arg(h, n, "%s", "");
}

static bool idt_unmapped(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->idtr.base);
    mapped_elsewhere(h, 1, cpu_of(h)->idtr.base);
    return touch_of(h) == TOUCH_IDT;
}

static bool gdt_read_only(struct hint *h)
{
    return touch_of(h) == TOUCH_GDT && h->d->error & 1;
}

static bool gdt_unmapped(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->gdtr.base);
    mapped_elsewhere(h, 1, cpu_of(h)->gdtr.base);
    return touch_of(h) == TOUCH_GDT;
}

static bool tr_not_loaded(struct hint *h)
{
    const struct cpu_seg *tr = &cpu_of(h)->seg[CPU_TR];

    return (tr->selector & 0xfffc) == 0 && (touch_of(h) == TOUCH_TSS || is_between(h, CPU_CAUSE_TS_STACK_TSS_LIMIT, CPU_CAUSE_TS_STACK_TYPE));
}

static bool tss_unmapped(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)cpu_of(h)->seg[CPU_TR].base);
    return touch_of(h) == TOUCH_TSS;
}

static bool esp0(struct hint *h, uint32_t *esp, sim_laddr *laddr)
{
    uint16_t ss;

    if (touch_of(h) != TOUCH_INNER_STACK || !story_inner_stack(h->s, &ss, esp, laddr))
        return false;
    hint_arg(h, 0, "0x%08x", *esp);
    return true;
}

static bool esp0_zero(struct hint *h)
{
    sim_laddr laddr;
    uint32_t esp;

    return esp0(h, &esp, &laddr) && esp == 0;
}

static bool esp0_read_only(struct hint *h)
{
    sim_laddr laddr;
    uint32_t esp;

    return esp0(h, &esp, &laddr) && h->d->error & 1;
}

static bool esp0_wrong_end(struct hint *h)
{
    sim_laddr laddr;
    uint32_t esp;

    return esp0(h, &esp, &laddr) && !(laddr & SIM_PAGE_MASK) && story_mapped(h->s, laddr);
}

static bool esp0_unmapped(struct hint *h)
{
    sim_laddr laddr;
    uint32_t esp;

    return esp0(h, &esp, &laddr);
}

/* The page is not mapped, and the one above it is. */
static bool below_a_mapped_page(const struct hint *h, uint64_t laddr)
{
    return !story_mapped(h->s, laddr) && story_mapped(h->s, (laddr | SIM_PAGE_MASK) + 1);
}

static bool stack_overflow(struct hint *h)
{
    hint_arg(h, 0, "0x%08x", (uint32_t)h->d->sp);
    return touch_of(h) == TOUCH_PRESENT_STACK && !(h->d->error & 1) && below_a_mapped_page(h, h->d->cr2);
}

static bool stack_unmapped(struct hint *h)
{
    hint_arg(h, 0, "0x%08x", (uint32_t)h->d->sp);
    return touch_of(h) == TOUCH_PRESENT_STACK && !(h->d->error & 1);
}

static bool stack_read_only(struct hint *h)
{
    hint_arg(h, 0, "0x%08x", (uint32_t)h->d->sp);
    return touch_of(h) == TOUCH_PRESENT_STACK;
}

/* ---- Stacks and the TSS ---- */

static bool real_stack(struct hint *h)
{
    hint_arg(h, 0, "0x%x", (unsigned)(h->d->sp & 0xffff));
    return is(h, CPU_CAUSE_SS_REAL_SP);
}

static bool stack_granularity(struct hint *h)
{
    const struct cpu_seg *ss = &cpu_of(h)->seg[CPU_SS];

    hint_arg(h, 0, "0x%x", ss->limit);
    hint_arg(h, 1, "0x%08x", (uint32_t)h->d->sp);
    return is(h, CPU_CAUSE_SS_EVENT) && ss->selector == h->d->ss && ss->limit == 0xfffff && !(ss->attr & SEG_G);
}

static bool stack_beyond_limit(struct hint *h)
{
    hint_arg(h, 0, "0x%08x", (uint32_t)h->d->sp);
    hint_arg(h, 1, "0x%llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_SS_EVENT);
}

static bool tss_too_small(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_TS_STACK_TSS_LIMIT);
}

static bool ss0_null(struct hint *h)
{
    return is(h, CPU_CAUSE_TS_STACK_NULL);
}

static bool ss0_user(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_TS_STACK_RPL) || is(h, CPU_CAUSE_TS_STACK_DPL);
}

static bool ss0_wrong(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_TS_STACK_TYPE) || is(h, CPU_CAUSE_TS_STACK_LIMIT);
}

static bool ss0_absent(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_SS_NP_TSS);
}

static bool esp0_beyond_limit(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)h->d->evidence.laddr);
    hint_arg(h, 1, "0x%llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_SS_PUSH_NEW);
}

const struct hint_row hints_reach[] = {
    { hint_handler_faults, TOPIC_STACK,
      "the handler of {0} itself faults: its code at {1} {2}, and each try pushes another frame, until the stack is used up." },
    { task_cr3, TOPIC_PAGING,
      "the task switch loaded CR3 = {0} from the TSS {1}, and that page directory maps nothing. A task for #DF needs a CR3 that maps the kernel; "
      "usually it is the kernel's own." },
    { hint_cr3_is_table, TOPIC_PAGING,
      "CR3 = {0} seems to name a page table instead of the page directory: its entries map page n to page n. CR3 takes the directory's physical address, "
      "not the value of its first entry." },
    { hint_cr3_is_empty, TOPIC_PAGING,
      "CR3 = {0} does not name a page table of the top level: no entry there is present. CR3 takes the physical address of a page directory (64-bit: a PML4) that "
      "is filled in." },
    { hint_cr3_unaligned, TOPIC_PAGING,
      "CR3 = {0} has low bits set, so it is hardly the address of a page directory, which begins at a multiple of 4096. Was it taken from a wrong variable, or from one "
      "that was overwritten? CR3 takes the physical address." },
    { reserved_on_the_way, TOPIC_REACH, "{0} cannot be reached, for the paging entry at physical {1} has reserved bits set (see `seen`)." },
    { idt_unmapped, TOPIC_IDT, "the IDT itself, at {0}, is not mapped, so no exception can be handled{1}." },
    { gdt_read_only, TOPIC_GDT,
      "the GDT's page is read-only, and the processor writes to it: it sets a descriptor's accessed bit (bit 0 of the access byte) when it loads a segment. Set "
      "those bits yourself, or let the page be written." },
    { gdt_unmapped, TOPIC_GDT,
      "the GDT, at {0}, is not mapped, so no handler's code segment can be loaded{1}. LGDT takes a linear address: load it again once paging is on." },
    { tr_not_loaded, TOPIC_TSS,
      "LTR was never executed: TR still has what reset put there. To come from user mode to the kernel the processor needs a TSS with SS0 and ESP0." },
    { tss_unmapped, TOPIC_TSS, "the TSS, at {0}, is not mapped (or read-only), so the kernel's stack cannot be found." },
    { esp0_zero, TOPIC_TSS,
      "ESP0 in the TSS is 0: it was never set, so the frame goes to the top of the address space. Set it to the end of the kernel's stack of each task." },
    { esp0_read_only, TOPIC_STACK, "the kernel stack that ESP0 = {0} names lies in a read-only page, and CR0.WP makes that hold for the kernel too." },
    { esp0_wrong_end, TOPIC_TSS,
      "ESP0 = {0} is the lowest address of a mapped page, and stacks grow down, into the unmapped page below it. ESP0 must be the end of the stack: its "
      "address plus its size." },
    { esp0_unmapped, TOPIC_STACK, "the kernel stack that ESP0 = {0} in the TSS names is not mapped." },
    { stack_overflow, TOPIC_STACK,
      "the stack pointer ({0}) has reached the end of the stack: below it is an unmapped page (a guard page?), above it the stack. This is a stack "
      "overflow: endless recursion, or arrays too large for it. Handlers that run on the same stack cannot even start: give #DF a stack of its own, "
      "by a task gate." },
    { stack_unmapped, TOPIC_STACK,
      "the stack pointer ({0}) does not point to mapped memory, so no handler can start. It was never set, was damaged, or the stack was not mapped when paging "
      "went on." },
    { stack_read_only, TOPIC_STACK, "the stack at {0} is mapped, but cannot be written." },
    { real_stack, TOPIC_STACK,
      "SP is {0}: a word pushed there would wrap around the end of the segment, and so would the frame of any exception. SP should be even and not 1." },
    { stack_granularity, TOPIC_STACK,
      "SS has limit {0}: the granularity bit (G, bit 7 of byte 6 of its descriptor) is missing, so the limit is 1 MiB less one instead of 4 GiB, and "
      "the stack at {1} lies above it." },
    { stack_beyond_limit, TOPIC_STACK, "the stack pointer, {0}, is outside the stack segment's limit, {1}." },
    { tss_too_small, TOPIC_TSS,
      "the TSS has limit {0} by its descriptor in the GDT, too little for SS0 and ESP0. The limit is the size of the TSS less one, 0x67 at least; sizeof "
      "of a pointer is not it." },
    { ss0_null, TOPIC_TSS, "SS0 in the TSS is 0: it was never set. It must be the selector of the kernel's data segment." },
    { ss0_user, TOPIC_TSS, "SS0 in the TSS is {0}, a selector for user mode; it must be that of the kernel's data segment, with RPL 0." },
    { ss0_wrong, TOPIC_TSS, "SS0 in the TSS is {0}, which is no writable data segment; it must be the kernel's data segment." },
    { ss0_absent, TOPIC_TSS, "SS0 in the TSS is {0}, whose descriptor lacks the present bit." },
    { esp0_beyond_limit, TOPIC_TSS,
      "ESP0 is an offset into the segment of SS0, and {0} lies outside its limit, {1}. For a segment with a base, ESP0 is not a linear address." },
    { NULL, 0, NULL }
};
