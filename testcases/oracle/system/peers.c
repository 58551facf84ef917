/* Errors that peers are known to make, each with what the manual says. A row is as exact as what it explains. */
#include "testcases/oracle/system/peers.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_FLAGS = 0x8d5, RF = 0x10000, VM = 0x20000, AC = 0x40000, VIF_VIP = 0x180000, ACCESSED = 0x100, STACKS = 0x40000, STACKS_END = 0x44000 };
enum { VME = 1, PVI = 2, LA57 = 0x1000, VMXE = 0x2000, SMAP = 0x200000 };

/* Of the task that a case begins in: what its TSS holds, by its name in the log. */
#define SAVED_EIP "m14020"
#define SAVED_FLAGS "m14024"
#define SAVED_EAX "m14028"
#define SAVED_ECX "m1402c"
#define SAVED_ESP "m14038"
#define SAVED_ESI "m14040"
#define SAVED_EDI "m14044"
#define SAVED_ES "m14048"
#define SAVED_CS "m1404c"
#define SAVED_SS "m14050"
#define SAVED_DS "m14054"
#define SAVED_FS "m14058"
#define SAVED_GS "m1405c"

/* ---- What a value is ---- */

uint32_t peer_address(const struct difference *d)
{
    return d->name[0] == 'm' ? (uint32_t)strtoul(d->name + 1, NULL, 16) : 0;
}

/* EFLAGS in one of the 32-bit TSSs. */
static bool is_task_flags(const struct difference *d)
{
    uint32_t at = peer_address(d);

    return at == 0x14024 || at == 0x15024 || at == 0x150a4 || at == 0x151a4;
}

/* The half of a descriptor that has its type. */
static bool is_descriptor(const struct difference *d)
{
    uint32_t at = peer_address(d);

    return (at >= 0x11000 && at < 0x13000) && at & 4;
}

/* The page table entry of a page of descriptors, or of the tasks. */
static bool is_task_switch_page(const struct difference *d)
{
    uint32_t at = peer_address(d);

    return at == 0x19044 || at == 0x19048 || at == 0x19054 || at == 0x1c088 || at == 0x1c090 || at == 0x1c0a8;
}

/* EFLAGS of the task that runs, in a TSS of 32 bits. */
static uint32_t task_flags(void)
{
    switch (peer_theirs("tr") & ~3u) {
    case 0x1100: return peer_theirs("m15024");
    case 0x1108: return peer_theirs("m150a4");
    default: return peer_theirs(SAVED_FLAGS);
    }
}

/* The case's first event: it tells all registers. */
static bool is_first(const struct event *e)
{
    return strstr(e->line, " cr0=");
}

static bool is_task_fault(const struct event *e)
{
    return e->vector == 10 || e->vector == 11 || e->vector == 12;
}

bool peer_said(const struct event *e, const char *what)
{
    return !strcmp(e->what, what);
}

static bool is_int(const struct event *e)
{
    return !strncmp(e->what, "int", 3) || peer_said(e, "end");
}

bool peer_is_fault(const struct event *e)
{
    return e->vector != 1 && e->vector != 3 && e->vector != 4 && e->vector < 32;
}

static bool on_stack(uint32_t at)
{
    return at >= STACKS && at < STACKS_END;
}

/* And the page behind, which stacks of odd descriptors begin in. */
static bool in_data(uint32_t at)
{
    return at >= 0x30000 && at < 0x39000;
}

/* ---- What the manual leaves open ---- */

static bool in_descriptors(uint32_t laddr)
{
    return (laddr & 0x3fffff) >= 0x11000 && (laddr & 0x3fffff) < 0x13000;
}

/* A descriptor of the case. */
static bool is_selector(uint32_t v)
{
    return v >= 0x1000 && v < 0x2000 && !(v & 7);
}

/* Of 32 bits, or one part of what 16-bit pushes have written. */
static bool are_selectors(uint32_t a, uint32_t b)
{
    for (unsigned shift = 0; shift <= 16; shift += 8) {
        uint32_t x = a >> shift & 0xffff, y = b >> shift & 0xffff;

        if (!((a ^ b) & ~(0xffffu << shift)) && is_selector(x & ~1u) && is_selector(y & ~1u) && (x & 1) == (y & 1)) /* or error codes with EXT */
            return true;
    }
    return false;
}

/* Faults of a task switch; one that a handler of the case has taken is told by its error code on the stack. */
static bool order_of_checks(const struct difference *d)
{
    if (on_stack(peer_address(d)))
        return !peer_is_fault(d->a) && are_selectors(d->ours, d->theirs);
    if (!*d->name && d->a->vector == 14 && d->b->vector == 14) /* the back link is written, or the rest is read first */
        return (d->a->error ^ d->b->error) == 2 && peer_value("cr2") == peer_theirs("cr2") && !on_stack(peer_value("cr2"));
    if (!*d->name)
        return (is_task_fault(d->a) && (is_task_fault(d->b) || d->b->vector == 14)) || (is_task_fault(d->b) && d->a->vector == 14);
    if (!strcmp(d->name, "cr2"))
        return (d->a->vector == 14 || d->a->vector == 8) && in_descriptors(d->ours) && in_descriptors(d->theirs);
    return (is_task_fault(d->a) || d->a->vector == 14 || d->a->vector == 8 || d->a->vector == 0x40) &&
           ((is_descriptor(d) && (d->ours ^ d->theirs) == ACCESSED) || (is_task_switch_page(d) && !((d->ours ^ d->theirs) & ~0x60u)));
}

/* Ours reads the offset of an operand first, and the selector that a return pops. */
static bool far_pointer_order(const struct difference *d)
{
    uint32_t apart = d->theirs - d->ours;

    if (strcmp(d->name, "cr2"))
        return false;
    if (peer_said(d->a, "retf"))
        return apart == -2u || apart == -4u;
    return (apart == 2 || apart == 4) &&
           (d->a->vector != 14 || peer_said(d->a, "load-pointer") || peer_said(d->a, "jmp-mem") || peer_said(d->a, "call-mem"));
}

static bool is_page_entry(const struct difference *d)
{
    uint32_t at = peer_address(d);

    return at >= 0x18000 && at < 0x1e000;
}

/* Another operand of the instruction has faulted, or what was to be pushed for the handler. */
static bool accessed_before_fault(const struct difference *d)
{
    return peer_is_fault(d->a) && ((is_page_entry(d) && (d->ours ^ d->theirs) == 0x20) || (is_descriptor(d) && (d->ours ^ d->theirs) == ACCESSED));
}

bool peer_is_call(const struct event *e)
{
    return !strncmp(e->what, "call-", 5);
}

/* Above the address that the push of an event could not reach; of INT n and a call through a gate, wherever there was no room. */
static bool pushed_before_fault(const struct difference *d)
{
    uint32_t at = peer_address(d), cr2 = peer_value("cr2");
    bool dirty = is_page_entry(d) && (d->ours ^ d->theirs) == 0x40;

    if (d->a->vector == 0x40 && is_first(d->a)) /* a handler of the case has taken the fault */
        return (on_stack(at) && !d->ours) || (is_page_entry(d) && !((d->ours ^ d->theirs) & ~0x60u));
    if (d->a->vector == 12)
        return (on_stack(at) || dirty) && (is_int(d->a) || peer_is_call(d->a));
    return on_stack(at) && d->a->vector == 14 && d->a->error & 2 && at > (cr2 & ~3u) && at < cr2 + 0x40;
}

/* Some of the bytes that an instruction writes before it meets a fault. */
static bool written_before_fault(const struct difference *d)
{
    uint32_t at = peer_address(d);

    if (peer_said(d->a, "enter") && d->a->vector == 1 && d->theirs == 0xffffffff && on_stack(at)) /* a frame pointer to where no memory is */
        return true;
    if (peer_said(d->a, "enter") && on_stack(at)) /* also of a fault that a handler of the case has taken */
        return peer_is_fault(d->a) || d->a->vector == 0x40;
    if (d->a->vector == 0x40 && in_data(at) && (at & 0xff0) == 0xff0) /* a handler of the case has taken the fault at the page's end */
        return true;
    if (peer_is_fault(d->a) && (peer_said(d->a, "sgdt") || peer_said(d->a, "sidt")))
        return !*d->name ? peer_is_fault(d->b) : in_data(at) || on_stack(at) || (is_page_entry(d) && (d->ours ^ d->theirs) == 0x40);
    return (peer_is_fault(d->a) || d->a->vector == 0x40) && pushed_before_fault(d);
}

/* Both have run into bytes that are no code of the case: instructions that leave flags undefined, and others that use
 * those, for numbers and as bytes to write. */
static bool lost_code(const struct difference *d)
{
    uint32_t at = ((peer_theirs(SAVED_CS) & 0xffff) << 4) + (peer_theirs(SAVED_EIP) & 0xffff);
    bool in_tables = peer_theirs(SAVED_FLAGS) & VM && at >= 0x10000 && at < 0x20000; /* virtual-8086 code that runs through descriptors */

    if (!(peer_said(d->a, "?") || in_tables) || d->name[0] != 'm')
        return false;
    return !is_task_flags(d) || !((d->ours ^ d->theirs) & ~(uint32_t)STATUS_FLAGS);
}

/* In virtual-8086 mode, where a PC has adapters and firmware, and each PC others. */
static bool lost_among_adapters(const struct difference *d)
{
    uint32_t at = ((peer_theirs(SAVED_CS) & 0xffff) << 4) + (peer_theirs(SAVED_EIP) & 0xffff);

    return !*d->name && peer_said(d->a, "?") && peer_said(d->b, "?") && peer_theirs(SAVED_FLAGS) & VM && at >= 0xa0000 && at < 0x100000;
}

/* What lies on top of a stack of the case. */
static uint32_t on_top(uint32_t value_of(const char *name))
{
    char name[12];

    snprintf(name, sizeof(name), "m%x", STACKS + (value_of(SAVED_ESP) & 0xfffc));
    return value_of(name);
}

/* A return from a stack whose descriptor has got a base there. */
static bool stack_among_adapters(const struct difference *d)
{
    for (uint32_t at = 0x110b8; at < 0x110f0; at += 8) {
        char name[12];
        uint32_t base;

        snprintf(name, sizeof(name), "m%x", at + 4);
        base = (peer_theirs(name) & 0xff) << 16 | (peer_theirs(name) & 0xff000000);
        if ((base >= 0xa0000 && base < 0x100000) || base >= 0x4000000) /* or beyond the memory */
            return !*d->name && (peer_said(d->a, "retf") || peer_said(d->a, "iret")) && peer_said(d->b, d->a->what);
    }
    return !*d->name && peer_said(d->a, "retf") && peer_said(d->b, "retf") && !on_top(peer_value) && !on_top(peer_theirs); /* or nothing was seen of it */
}

/* An x87 opcode that is none, with CR0.TS or CR0.EM. */
static bool reserved_escape(const struct difference *d)
{
    return !*d->name && peer_said(d->a, "?") && d->a->vector == 7 && d->b->vector == 6 && peer_value("cr0") & 0xc;
}

/* CS and EIP, as a double fault has saved them. */
static bool double_fault_pointer(const struct difference *d)
{
    return d->a->vector == 8 && (!strcmp(d->name, SAVED_EIP) || !strcmp(d->name, SAVED_CS));
}

/* To an inner level, on a stack of user pages, with EFLAGS.AC. */
static bool smap_inner_stack(const struct difference *d)
{
    uint32_t cr2 = peer_value("cr2");

    return !*d->name && ((d->a->vector == 14 && d->a->error == 3 && d->b->vector != 14) || (d->a->vector == 8 && d->b->vector != 8)) &&
           on_stack(cr2) && peer_value("cr4") & SMAP && task_flags() & AC;
}

static bool untouched(const struct event *e)
{
    return !strstr(e->line, " " SAVED_EIP "=");
}

/* The first thing that was met is a selector of the new task, and a handler of the case has got it as its error code, on whatever stack. */
static bool handler_got_selector(const struct difference *d)
{
    uint32_t code = on_top(peer_value) & 0xffff;

    return is_first(d->a) && d->a->vector == 0x40 && is_selector(code) && code == (on_top(peer_theirs) & 0xffff);
}

/* Nothing of the case has been executed: what was found wrong is a segment of the task that it begins in, and SS was not loaded yet. */
static bool stack_of_new_task(const struct difference *d)
{
    if (*d->name)
        return handler_got_selector(d) && (on_stack(peer_address(d)) || !strcmp(d->name, SAVED_ESP) || !strcmp(d->name, SAVED_SS));
    return (d->a->vector == 8 && d->b->vector != 8 && (untouched(d->a) || is_first(d->a))) || (d->b->vector == 8 && d->a->vector != 8 && untouched(d->b));
}

bool peer_disabled_breakpoint(const struct difference *d)
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

static bool bochs_general_detect_rf(const struct difference *d)
{
    return d->a->vector == 1 && is_task_flags(d) && (d->ours ^ d->theirs) == RF && d->ours & RF && peer_value("dr6") & 0x2000;
}

/* In the image that a handler of the case has got. */
static bool bochs_string_rf_pushed(const struct difference *d)
{
    return d->a->vector == 0x40 && on_stack(peer_address(d)) && (d->ours ^ d->theirs) == RF && d->ours & RF && peer_value("dr6") & 0x4000 &&
           (uint16_t)peer_value(SAVED_ECX);
}

static bool bochs_string_rf(const struct difference *d)
{
    bool saved = d->a->vector == 1 && is_task_flags(d) && (d->ours ^ d->theirs) == RF && d->ours & RF && peer_said(d->a, "string");

    return saved || bochs_string_rf_pushed(d);
}

/* Of REP CMPS and REP SCAS, after an iteration that is not the last. */
static bool bochs_string_flags(const struct difference *d)
{
    uint32_t bits = d->ours ^ d->theirs;
    bool trap = d->a->vector == 1 || (peer_is_fault(d->a) && d->a->error & 1); /* or a fault on the way to its handler */

    return trap && peer_said(d->a, "string") && is_task_flags(d) && bits & STATUS_FLAGS && !(bits & ~(uint32_t)(STATUS_FLAGS | RF)) && d->ours & RF;
}

/* From a 16-bit stack, across its end. */
static bool bochs_iret_no_wrap(const struct difference *d)
{
    return !*d->name && peer_said(d->b, "iret") && d->b->vector == 13 && (peer_theirs(SAVED_ESP) & 0xffff) > 0xffff - 12;
}

/* A word of an event's frame that begins below offset 0 of a flat stack. */
static bool frame_across_end(const struct difference *d)
{
    return !*d->name && (d->a->vector == 8 || d->a->vector == 12) && d->b->vector != d->a->vector && peer_value(SAVED_ESP) < 0x20;
}

/* B0 to B3 of an instruction that comes next. */
bool peer_breakpoint_early(const struct difference *d)
{
    uint32_t bits = d->ours ^ d->theirs, dr7 = peer_value("dr7");

    if (strcmp(d->name, "dr6") || bits & ~15u || bits & d->ours)
        return false;
    for (unsigned n = 0; n < 4; n++)
        if (bits >> n & 1 && dr7 >> (16 + n * 4) & 3)
            return false;
    return true;
}

/* Theirs is in virtual-8086 mode already, and meets the limit there, if it is to meet one. */
static bool bochs_iret_vm86_ip(const struct difference *d)
{
    bool handler_of_vm86 = d->b->vector == 0x40 && !peer_theirs(SAVED_ES) && !peer_theirs(SAVED_FS) && !peer_theirs(SAVED_GS);

    return d->a->vector == 13 && d->a->error == 0 && peer_said(d->a, "iret") &&
           (peer_theirs(SAVED_FLAGS) & ~peer_value(SAVED_FLAGS) & VM || handler_of_vm86);
}

/* Handlers of the case have taken both faults: theirs comes from virtual-8086 mode, with null selectors where ours has some. */
static bool bochs_iret_vm86_taken(const struct difference *d)
{
    return d->a->vector == 0x40 && d->b->vector == 0x40 && *d->name && !peer_theirs(SAVED_DS) && !peer_theirs(SAVED_FS) &&
           peer_theirs(SAVED_ESP) != peer_value(SAVED_ESP) && (peer_value(SAVED_DS) || peer_value(SAVED_FS));
}

static bool bochs_clears_bt(const struct difference *d)
{
    return !strcmp(d->name, "dr6") && d->a->vector == 1 && (d->ours ^ d->theirs) == 0x8000 && d->ours & 0x8000;
}

static bool bochs_dr7_rtm(const struct difference *d)
{
    return !strcmp(d->name, "dr7") && (d->ours ^ d->theirs) == 0x800 && d->theirs & 0x800;
}

/* A frame for which there is no room, or whose stack cannot be loaded, and a handler beyond the limit of its segment. */
static bool bochs_ip_before_room(const struct difference *d)
{
    bool stack = (d->a->vector == 10 || d->a->vector == 12) && is_selector((uint32_t)d->a->error & ~7u);

    return !*d->name && d->b->vector == 13 && d->b->error <= 1 && (stack || (d->a->vector == 12 && d->a->error == d->b->error));
}

static bool bochs_pushes_before_limit(const struct difference *d)
{
    uint32_t at = peer_address(d);
    bool descriptor = d->a->vector == 14 && d->a->error == 3 && in_descriptors(peer_value("cr2")); /* to be marked accessed */

    if (!peer_is_call(d->a) || !(descriptor || (d->a->vector == 13 && !d->a->error)))
        return false;
    if (!*d->name)
        return d->b->vector == 12 || d->b->vector == 14;
    return on_stack(at) || (is_page_entry(d) && (d->ours ^ d->theirs) == 0x40);
}

/* Theirs looks neither at IOPL nor, for PVI, at EFLAGS.VM. */
static bool bochs_vip(const struct difference *d)
{
    uint32_t flags = task_flags(), cr4 = peer_value("cr4");
    bool counts = (flags & 0x3000) != 0x3000 && cr4 & (flags & VM ? VME : PVI);
    bool taken = d->b->vector == 0x40 && is_first(d->b); /* by a handler of the case, so that VM is clear already */

    if (!flags && peer_said(d->b, "mov-imm")) /* they are as at first, and not told; nothing else makes it fault */
        return !*d->name && is_first(d->b) && d->b->vector == 13 && d->b->error == 0 && cr4 & (VME | PVI);
    if (d->b->vector == 14 && peer_said(d->b, "int-log") && is_first(d->b)) /* such a handler, that cannot be fetched */
        return !*d->name && !peer_is_fault(d->a) && (peer_theirs(SAVED_FLAGS) & VIF_VIP) == VIF_VIP && (cr4 & (VME | PVI)) == PVI;
    if (taken)
        return !*d->name && !peer_is_fault(d->a) && (flags & VIF_VIP) == VIF_VIP && (cr4 & (VME | PVI)) == PVI;
    return !*d->name && d->b->vector == 13 && d->b->error == 0 && (flags & VIF_VIP) == VIF_VIP && cr4 & (VME | PVI) && !counts;
}

/* In virtual-8086 mode with IOPL below 3: elsewhere POPF never raises #GP. */
static bool bochs_popf_reads_first(const struct difference *d)
{
    return !*d->name && d->a->vector == 13 && d->a->error == 0 && peer_said(d->a, "popf") &&
           (d->b->vector == 14 || d->b->vector == 17 || d->b->vector == 12);
}

/* IRETD in virtual-8086 mode. */
static bool bochs_vm86_iretd_ip(const struct difference *d)
{
    return !*d->name && d->a->vector == 13 && d->a->error == 0 && peer_said(d->a, "iret") && peer_value(SAVED_FLAGS) & VM && peer_theirs(SAVED_EIP) > 0xffff;
}

static bool bochs_has_vmx(const struct difference *d)
{
    if (*d->name || !peer_said(d->a, "mov-cr4"))
        return false;
    return (d->a->vector == 13 && d->a->error == 0 && peer_value(SAVED_EAX) & VMXE) || peer_theirs("cr4") & ~peer_value("cr4") & VMXE;
}

/* The case goes on in ours. */
static bool bochs_lacks_la57(const struct difference *d)
{
    return !*d->name && peer_said(d->b, "mov-cr4") && peer_theirs(SAVED_EAX) & LA57 && peer_value("cr4") & ~peer_theirs("cr4") & LA57;
}

static bool bochs_ac_ext(const struct difference *d)
{
    return !*d->name && d->a->vector == 17 && d->b->vector == 17 && d->a->error == 0 && d->b->error == 1;
}

static bool redirection_bitmap_limit(const struct difference *d)
{
    return !*d->name && ((d->b->vector == 13 && d->b->error == 0) || d->b->vector == 8) && peer_value("cr4") & VME && (is_int(d->b) || is_int(d->a));
}

/* Marking the new stack's descriptor accessed. */
static bool bochs_half_delivered(const struct difference *d)
{
    bool state = !strcmp(d->name, SAVED_CS) || !strcmp(d->name, SAVED_EIP) || is_page_entry(d) || on_stack(peer_address(d));

    return d->a->vector == 14 && d->b->vector == 14 && d->a->error == 3 && state && *d->name &&
           in_descriptors(peer_value("cr2")) && peer_value("cr2") == peer_theirs("cr2") && (peer_value("cr2") & 7) == 5;
}

/* Present and the supervisor's, in the table of one kind of paging or the other, if the log has told it. */
static bool is_supervisor_page(uint32_t laddr)
{
    char name[2][12];

    snprintf(name[0], sizeof(name[0]), "m%x", 0x19000 + (laddr >> 12) * 4);
    snprintf(name[1], sizeof(name[1]), "m%x", 0x1c000 + (laddr >> 12) * 8);
    return (peer_theirs(name[0]) & 5) == 1 || (peer_theirs(name[1]) & 5) == 1;
}

/* A handler of the case has taken the fault of their push; what ours pushed there is the code segment that was left, CPL 3. */
static bool bochs_push_taken(const struct difference *d)
{
    uint32_t theirs_met = peer_theirs("cr2"), pushed;
    char name[12];

    snprintf(name, sizeof(name), "m%x", theirs_met & ~3u);
    pushed = peer_value(name) & 0xffff;
    return d->a->vector == 0x40 && on_stack(theirs_met) && theirs_met != peer_value("cr2") && peer_value("cr4") & SMAP && is_selector(pushed & ~3u) &&
           (pushed & 3) == 3;
}

/* A far call to conforming code, through a gate or not: CPL stays 3. */
static bool bochs_push_as_supervisor(const struct difference *d)
{
    bool smap = d->b->vector == 14 && d->b->error == 3 && peer_value("cr4") & SMAP;
    uint32_t met = peer_value("cr2"), theirs_met = peer_theirs("cr2");

    if (bochs_push_taken(d))
        return true;
    if (*d->name || !(peer_is_call(d->a) || peer_is_call(d->b)))
        return false;
    if (met != theirs_met) /* a handler of the case has taken the fault */
        return (on_stack(met) && is_supervisor_page(met)) || (on_stack(theirs_met) && peer_value("cr4") & SMAP);
    return smap || (d->a->vector == 14 && d->a->error == 7 && d->b->vector != 14) || (d->a->vector == 17 && d->b->vector != 17);
}

/* A stack switch to a 16-bit stack, by an event or by a call gate that was stepped. */
static bool bochs_keeps_upper_esp(const struct difference *d)
{
    return !strcmp(d->name, SAVED_ESP) && (uint16_t)d->ours == (uint16_t)d->theirs && (d->a->vector == 0x40 || d->a->vector == 1);
}

/* The fault of an operand, or what came of it. */
static bool may_be_of_operand(const struct event *e)
{
    return (e->vector >= 12 && e->vector <= 14) || e->vector == 8;
}

static bool string_operand_order(const struct difference *d)
{
    bool string = peer_said(d->a, "string") || peer_said(d->a, "?");

    uint32_t met = peer_theirs("cr2") & 0xffff;
    bool of_operand = met && (met == (peer_theirs(SAVED_ESI) & 0xffff) || met == (peer_theirs(SAVED_EDI) & 0xffff));
    bool taken = d->b->vector == 0x40 && of_operand; /* by a handler of the case */

    return string && may_be_of_operand(d->a) && (taken || may_be_of_operand(d->b)) && (!*d->name || !strcmp(d->name, "cr2"));
}

/* The page of the other operand was accessed before, and what leads there. */
static bool string_page_seen_later(const struct difference *d)
{
    uint32_t table = peer_address(d) & ~0xfffu, page = (peer_address(d) & 0xfff) / (table == 0x19000 ? 4 : 8);

    return d->a->vector == 0x40 && is_page_entry(d) && (d->ours ^ d->theirs) == 0x20 && peer_value(SAVED_ECX) &&
           ((table != 0x19000 && table != 0x1c000) || (page & 0xf) == (peer_value(SAVED_ESI) >> 12 & 0xf) || (page & 0xf) == (peer_value(SAVED_EDI) >> 12 & 0xf));
}

/* The same, of a fault that a handler of the case has taken: ES:EDI in ours, DS:ESI in theirs. */
/* Each went to another handler of the case. */
static bool string_handlers(const struct difference *d)
{
    uint32_t met = peer_value("cr2") ^ peer_theirs("cr2");

    bool repeats = peer_value(SAVED_ECX) && peer_value(SAVED_ECX) < 8;

    return *d->name && peer_value(SAVED_EIP) != peer_theirs(SAVED_EIP) && d->a->vector == 0x40 && d->b->vector == 0x40 && repeats && met &&
           ((met & 0xffff) == (peer_value(SAVED_EDI) & 0xffff) || (met & 0xffff) == (peer_value(SAVED_ESI) & 0xffff));
}

static bool string_operand_order_seen_later(const struct difference *d)
{
    return string_page_seen_later(d) ||
           (!strcmp(d->name, "cr2") && d->a->vector != 14 && d->ours - peer_value(SAVED_EDI) == d->theirs - peer_value(SAVED_ESI));
}

/* Stacks, and how far the fault before it has come. */
static bool written_before_double_fault(const struct difference *d)
{
    uint32_t at = peer_address(d);

    bool page = is_page_entry(d) && !((d->ours ^ d->theirs) & ~0x60u);

    return d->a->vector == 8 && (!strcmp(d->name, "cr2") || on_stack(at) || in_data(at) || is_task_flags(d) || page);
}

static bool redirection_vector_access(const struct difference *d)
{
    bool fault = (d->b->vector == 14 && d->b->error == 1) || (d->b->vector == 8 && is_int(d->b));

    return (!*d->name || !strcmp(d->name, "cr2")) && fault && peer_value("cr4") & VME && peer_theirs("cr2") < 0x400;
}

static struct known qemu_known[] = {
    { NULL, false, NULL, 0 },
};

/* ---- What the log does not say, but the subject: see subject.c ---- */

/* By an instruction or a delivery, before what faulted. */
static bool met_pushed_before_fault(const struct difference *d)
{
    bool fault = peer_caused_kind("SS-") || peer_caused_kind("PF-") || peer_caused_kind("AC-");

    return fault && (peer_is_fault(d->a) || d->a->vector == 0x40) && on_stack(peer_address(d)) && !d->ours;
}

/* The event is told by the instruction before it. */
static bool met_string_rf(const struct difference *d)
{
    return d->a->vector == 1 && is_task_flags(d) && (d->ours ^ d->theirs) == RF && d->ours & RF && peer_caused_kind("DB-") && (uint16_t)peer_value(SAVED_ECX);
}

static struct known bochs_known[] = {
    { order_of_checks, true, "left open: SDM Vol. 3A, \"Task Switching\": the order of the checks is that of a processor family", 0 },
    { far_pointer_order, false, "left open: which half of a far pointer is read first", 0 },
    { peer_disabled_breakpoint, false, "left open: SDM Vol. 3B, \"Debug Status Register (DR6)\": B0 to B3 of breakpoints that are not enabled", 0 },
    { accessed_before_fault, false, "left open: SDM Vol. 3A, \"Accessed and Dirty Flags\": A may be set by an access that is not made", 0 },
    { written_before_fault, true, "left open: what ENTER, SGDT, SIDT and the delivery of an event have written before they fault", 0 },
    { lost_code, true, "left open: flags that are undefined, in code that was no part of the case", 0 },
    { lost_among_adapters, true, "left open: what lies where a PC has adapters and firmware", 0 },
    { stack_among_adapters, true, "left open: what lies where a PC has adapters and firmware", 0 },
    { reserved_escape, true, "left open: whether an x87 opcode that is reserved is #NM or #UD where all others are #NM", 0 },
    { double_fault_pointer, true, "left open: SDM Vol. 3A, \"Interrupt 8 - Double Fault Exception (#DF)\": the saved CS and EIP are undefined", 0 },
    { stack_of_new_task, true, "left open: SDM Vol. 3A, \"Task Switching\": the stack of a fault that is found before SS is loaded", 0 },
    { frame_across_end, true, "left open: SDM Vol. 3A, \"Limit Checking\": accesses that wrap in a segment of 4 GiB", 0 },
    { string_handlers, true, "left open: which operand of a string instruction is accessed first", 0 },
    { string_operand_order_seen_later, false, "left open: which operand of a string instruction is accessed first", 0 },
    { smap_inner_stack, true, "left open: SDM Vol. 3A, \"Determination of Access Rights\": whether what an event pushes on an inner stack is an explicit access", 0 },
    { peer_breakpoint_early, true, "SDM Vol. 3A, \"Priority Among Concurrent Events\": a trap comes before the breakpoint of the next instruction", 0 },
    { bochs_iret_vm86_ip, true, "SDM Vol. 2A, IRET, RETURN-TO-VIRTUAL-8086-MODE: an instruction pointer beyond FFFFH is #GP(0)", 0 },
    { bochs_iret_vm86_taken, true, "SDM Vol. 2A, IRET, RETURN-TO-VIRTUAL-8086-MODE: an instruction pointer beyond FFFFH is #GP(0)", 0 },
    { bochs_vip, true, "SDM Vol. 3A, \"System Flags and Fields in the EFLAGS Register\": VIP counts with VME or PVI, and IOPL below 3", 0 },
    { bochs_popf_reads_first, true, "SDM Vol. 2B, POPF: with IOPL below 3 #GP(0) comes before the stack is read", 0 },
    { bochs_vm86_iretd_ip, true, "SDM Vol. 2A, IRET, RETURN-FROM-VIRTUAL-8086-MODE: an EIP beyond the limit of CS is #GP(0)", 0 },
    { bochs_has_vmx, true, "the peer's model has VMX: CR4.VMXE is no reserved bit there", 0 },
    { bochs_lacks_la57, true, "the peer's model lacks 5-level paging: CR4.LA57 is a reserved bit there", 0 },
    { bochs_ac_ext, false, "SDM Vol. 3A, \"Interrupt 17 - Alignment Check Exception (#AC)\": the error code is always zero", 0 },
    { bochs_clears_bt, false, "SDM Vol. 3B, \"Debug Status Register (DR6)\": but for bits 0 to 3, the processor never clears it", 0 },
    { bochs_dr7_rtm, false, "SDM Vol. 3B, \"Debug Control Register (DR7)\": RTM is reserved where the processor has no RTM", 0 },
    { bochs_ip_before_room, true, "SDM Vol. 2A, INT n: the new stack and its room are checked before the instruction pointer", 0 },
    { bochs_pushes_before_limit, false, "SDM Vol. 2A, CALL: the offset is checked, and the descriptor loaded, before anything is pushed", 0 },
    { redirection_bitmap_limit, true, "left open: INT n with VME and a redirection bitmap beyond the limit of the TSS", 0 },
    { redirection_vector_access, true, "left open: whether the access to the vector of a redirected interrupt is the user's", 0 },
    { bochs_half_delivered, true, "SDM Vol. 3A, \"Interrupt 14 - Page-Fault Exception (#PF)\": no change of program state goes with it", 0 },
    { bochs_double_fault_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image for faults; #DF is an abort", 0 },
    { written_before_double_fault, true, "left open: what a delivery has pushed before it faults", 0 },
    { string_operand_order, true, "left open: which operand of a string instruction is accessed first", 0 },
    { bochs_push_as_supervisor, true, "SDM Vol. 2A, CALL: conforming code leaves the CPL, so the pushes are the user's", 0 },
    { bochs_keeps_upper_esp, true, "SDM Vol. 2A, INT n: ESP is loaded from the TSS, all of it, also for a 16-bit stack", 0 },
    { bochs_string_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image by a trap between iterations", 0 },
    { bochs_general_detect_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image for faults, and general detect is one", 0 },
    { bochs_string_flags, false, "SDM Vol. 2B, REP: CMPS and SCAS that are to go on have not written the flags (makers differ: host_vendor.h)", 0 },
    { bochs_iret_no_wrap, true, "SDM Vol. 1, \"Address-Size Attributes for Stack\": each pop from a 16-bit stack is at SP, which wraps", 0 },
    { met_pushed_before_fault, true, "left open: what has been pushed before a fault, as the subject tells of it", 0 },
    { met_string_rf, false, "SDM Vol. 3B: RF is set in the image by a trap between iterations, as the subject tells of it", 0 },
    { NULL, false, NULL, 0 },
};

static const struct peer peers[] = { { "qemu", qemu_known }, { "bochs", bochs_known }, { "bochs-long", bochs_long_known }, { "qemu-long", qemu_known },
                                    { "bochs-real", bochs_real_known }, { "qemu-real", qemu_known } };

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
