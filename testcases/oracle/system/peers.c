/* Errors that peers are known to make, each with what the manual says. A row is as exact as what it explains. */
#include "testcases/oracle/system/peers.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { RF = 0x10000, ACCESSED = 0x100, STACKS = 0x40000 };

/* ---- What a value is ---- */

static uint32_t address(const struct difference *d)
{
    return d->name[0] == 'm' ? (uint32_t)strtoul(d->name + 1, NULL, 16) : 0;
}

/* EFLAGS in one of the 32-bit TSSs. */
static bool is_task_flags(const struct difference *d)
{
    uint32_t at = address(d);

    return at == 0x14024 || at == 0x15024 || at == 0x150a4 || at == 0x151a4;
}

/* The half of a descriptor that has its type. */
static bool is_descriptor(const struct difference *d)
{
    uint32_t at = address(d);

    return (at >= 0x11000 && at < 0x13000) && at & 4;
}

/* The page table entry of a page of descriptors. */
static bool is_descriptor_page(const struct difference *d)
{
    uint32_t at = address(d);

    return at == 0x19044 || at == 0x19048 || at == 0x1c088 || at == 0x1c090;
}

static bool is_task_fault(const struct event *e)
{
    return e->vector == 10 || e->vector == 11 || e->vector == 12;
}

static bool said(const struct event *e, const char *what)
{
    return !strcmp(e->what, what);
}

/* ---- What the manual leaves open ---- */

static bool in_descriptors(uint32_t laddr)
{
    return (laddr & 0x3fffff) >= 0x11000 && (laddr & 0x3fffff) < 0x13000;
}

static bool order_of_checks(const struct difference *d)
{
    if (!*d->name)
        return (is_task_fault(d->a) && (is_task_fault(d->b) || d->b->vector == 14)) || (is_task_fault(d->b) && d->a->vector == 14);
    if (!strcmp(d->name, "cr2"))
        return d->a->vector == 14 && in_descriptors(d->ours) && in_descriptors(d->theirs);
    return (is_task_fault(d->a) || d->a->vector == 14 || d->a->vector == 8 || d->a->vector == 0x40) &&
           ((is_descriptor(d) && (d->ours ^ d->theirs) == ACCESSED) || (is_descriptor_page(d) && !((d->ours ^ d->theirs) & ~0x60u)));
}

static bool far_pointer_order(const struct difference *d)
{
    uint32_t apart = d->theirs - d->ours;

    return !strcmp(d->name, "cr2") && (apart == 2 || apart == 4) &&
           (d->a->vector != 14 || said(d->a, "load-pointer") || said(d->a, "jmp-mem") || said(d->a, "call-mem"));
}

static bool is_page_entry(const struct difference *d)
{
    uint32_t at = address(d);

    return at >= 0x18000 && at < 0x1e000;
}

static bool is_fault(const struct event *e)
{
    return e->vector != 1 && e->vector != 3 && e->vector != 4 && e->vector < 32;
}

/* Another operand of the instruction has faulted. */
static bool accessed_before_fault(const struct difference *d)
{
    return is_page_entry(d) && (d->ours ^ d->theirs) == 0x20 && is_fault(d->a);
}

/* Some of the bytes that an instruction writes before it meets a fault. */
static bool written_before_fault(const struct difference *d)
{
    uint32_t at = address(d);

    return is_fault(d->a) && ((said(d->a, "enter") && at >= 0x40000 && at < 0x44000) || (said(d->a, "sgdt") && at >= 0x30000 && at < 0x38000) ||
                              (said(d->a, "sidt") && at >= 0x30000 && at < 0x38000));
}

static bool disabled_breakpoint(const struct difference *d)
{
    uint32_t bits = d->ours ^ d->theirs;

    if (strcmp(d->name, "dr6") || bits & ~15u)
        return false;
    for (unsigned n = 0; n < 4; n++)
        if (bits >> n & 1 && peer_value("dr7") >> (n * 2) & 3)
            return false;
    return true;
}

/* ---- Bochs ---- */

static bool bochs_double_fault_rf(const struct difference *d)
{
    return d->a->vector == 8 && is_task_flags(d) && (d->ours ^ d->theirs) == RF && d->theirs & RF;
}

static bool bochs_string_rf(const struct difference *d)
{
    return d->a->vector == 1 && is_task_flags(d) && (d->ours ^ d->theirs) == RF && d->ours & RF && said(d->a, "string");
}

/* B0 to B3 of an instruction that comes next. */
static bool bochs_breakpoint_early(const struct difference *d)
{
    uint32_t bits = d->ours ^ d->theirs, dr7 = peer_value("dr7");

    if (strcmp(d->name, "dr6") || bits & ~15u || bits & d->ours)
        return false;
    for (unsigned n = 0; n < 4; n++)
        if (bits >> n & 1 && dr7 >> (16 + n * 4) & 3)
            return false;
    return true;
}

static bool bochs_iret_vm86_ip(const struct difference *d)
{
    return !*d->name && d->a->vector == 13 && d->a->error == 0 && said(d->a, "iret") && peer_theirs("m14024") & 0x20000;
}

/* Ours traps behind an instruction that has changed tasks. */
static bool bochs_step_over_task_switch(const struct difference *d)
{
    if (!*d->name)
        return d->a->vector == 1 && strstr(d->a->line, " tr=");
    return d->a->vector == 1 && !strcmp(d->name, "dr6") && (d->ours ^ d->theirs) == 0x4000 && d->ours & 0x8000;
}

static bool is_int(const struct event *e)
{
    return !strncmp(e->what, "int", 3) || said(e, "end");
}

static bool redirection_bitmap_limit(const struct difference *d)
{
    return !*d->name && d->b->vector == 13 && d->b->error == 0 && peer_value("cr4") & 1 && (is_int(d->b) || is_int(d->a));
}

/* A call gate to conforming code: CPL stays 3. */
static bool bochs_push_as_supervisor(const struct difference *d)
{
    return !*d->name && d->b->vector == 14 && d->b->error == 3 && !strncmp(d->b->what, "call-", 5) && peer_value("cr4") & 0x200000;
}

/* A stack switch to a 16-bit stack. */
static bool bochs_keeps_upper_esp(const struct difference *d)
{
    return !strcmp(d->name, "m14038") && (uint16_t)d->ours == (uint16_t)d->theirs && !(d->ours >> 16) && d->a->vector == 0x40;
}

static bool string_operand_order(const struct difference *d)
{
    bool string = said(d->a, "string") || said(d->a, "?");

    return string && (d->a->vector == 14 || d->a->vector == 13) && (d->b->vector == 14 || d->b->vector == 13) &&
           (!*d->name || !strcmp(d->name, "cr2"));
}

/* Stacks, and how far the fault before it has come. */
static bool written_before_double_fault(const struct difference *d)
{
    uint32_t at = address(d);

    return d->a->vector == 8 && ((at >= STACKS && at < STACKS + 0x4000) || is_task_flags(d));
}

static bool redirection_vector_access(const struct difference *d)
{
    return !*d->name && d->b->vector == 14 && d->b->error == 1 && peer_value("cr4") & 1 && peer_theirs("cr2") < 0x400;
}

static struct known qemu_known[] = {
    { NULL, false, NULL, 0 },
};

static struct known bochs_known[] = {
    { order_of_checks, true, "left open: SDM Vol. 3A, \"Task Switching\": the order of the checks is that of a processor family", 0 },
    { far_pointer_order, false, "left open: which half of a far pointer is read first", 0 },
    { disabled_breakpoint, false, "left open: SDM Vol. 3B, \"Debug Status Register (DR6)\": B0 to B3 of breakpoints that are not enabled", 0 },
    { accessed_before_fault, false, "left open: SDM Vol. 3A, \"Accessed and Dirty Flags\": A may be set by an access that is not made", 0 },
    { written_before_fault, true, "left open: what ENTER, SGDT and SIDT have written before they fault", 0 },
    { bochs_breakpoint_early, true, "SDM Vol. 3A, \"Priority Among Concurrent Events\": a trap comes before the breakpoint of the next instruction", 0 },
    { bochs_iret_vm86_ip, true, "SDM Vol. 2A, IRET, RETURN-TO-VIRTUAL-8086-MODE: an instruction pointer beyond FFFFH is #GP(0)", 0 },
    { bochs_step_over_task_switch, true, "SDM Vol. 3B, \"Single-Step Exception Condition\": TF before the instruction; a task switch is none of the exceptions", 0 },
    { redirection_bitmap_limit, true, "left open: INT n with VME and a redirection bitmap beyond the limit of the TSS", 0 },
    { redirection_vector_access, true, "left open: whether the access to the vector of a redirected interrupt is the user's", 0 },
    { bochs_double_fault_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image for faults; #DF is an abort", 0 },
    { written_before_double_fault, true, "left open: what a delivery has pushed before it faults", 0 },
    { string_operand_order, true, "left open: which operand of a string instruction is accessed first", 0 },
    { bochs_push_as_supervisor, true, "SDM Vol. 2A, CALL: a gate to conforming code leaves the CPL, so its pushes are the user's", 0 },
    { bochs_keeps_upper_esp, true, "SDM Vol. 2A, INT n: ESP is loaded from the TSS, all of it, also for a 16-bit stack", 0 },
    { bochs_string_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image by a trap between iterations", 0 },
    { NULL, false, NULL, 0 },
};

static const struct peer peers[] = { { "qemu", qemu_known }, { "bochs", bochs_known } };

const struct peer *peer_find(const char *name)
{
    for (size_t n = 0; n < sizeof(peers) / sizeof(peers[0]); n++)
        if (!strcmp(peers[n].name, name))
            return &peers[n];
    return NULL;
}

struct known *peer_explains(const struct peer *peer, const struct difference *d)
{
    for (struct known *k = peer->known; k->why; k++)
        if (k->is(d))
            return k;
    return NULL;
}
