/* Errors that peers are known to make in IA-32e mode, each with what the manual says. A row is as exact as what it explains. */
#include "testcases/oracle/system/peers.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_FLAGS = 0x8d5, RF = 0x10000 };

/* ---- What a value is ---- */

static bool is_event(const struct difference *d)
{
    return !*d->name;
}

static bool is(const struct difference *d, const char *name)
{
    return !strcmp(d->name, name);
}

static uint32_t bits_of(const struct difference *d)
{
    return d->ours ^ d->theirs;
}

/* Through whatever window. */
static bool on_stack(uint32_t at)
{
    return (at & 0x1fffff) >= 0x40000 && (at & 0x1fffff) < 0x44000;
}

static bool is_page_entry(const struct difference *d)
{
    uint32_t at = peer_address(d);

    return at >= 0x18000 && at < 0x1c000;
}

static bool is_flags(const struct difference *d)
{
    return is(d, "rflags");
}

static bool is_int(const struct event *e)
{
    return !strncmp(e->what, "int", 3) || peer_said(e, "end") || e->vector == 3 || e->vector == 4;
}

/* What lies on a stack: `value` is peer_value, of ours, or peer_theirs. 0: not known. */
static uint32_t pushed(uint32_t value(const char *), unsigned offset)
{
    char at[20];

    snprintf(at, sizeof(at), "m%x", (value("rsp") + offset) & 0x1fffff);
    return value(at);
}

/* A code segment of compatibility mode. */
static bool is_narrow(uint32_t cs)
{
    uint32_t slot = cs & 0xfff8;

    return slot == 0x410 || slot == 0x430 || slot == 0x438 || slot == 0x440 || slot == 0x450;
}

/* ---- What the manual leaves open ---- */

static bool is_pointer_load(const struct event *e)
{
    return peer_said(e, "load-pointer") || peer_said(e, "jmp-mem") || peer_said(e, "call-mem") || peer_said(e, "lgdt") || peer_said(e, "lidt");
}

/* Ours reads the lower half first. */
static bool pointer_order(const struct difference *d)
{
    uint32_t apart = d->theirs - d->ours;

    return is(d, "cr2") && (is_pointer_load(d->a) || d->a->vector == 0x40) && (apart == 2 || apart == 4 || apart == 8);
}

/* Some of the bytes that an instruction writes before it meets a fault. */
static bool written_before_fault(const struct difference *d)
{
    uint32_t at = peer_address(d);

    if (d->a->vector == 8 && (is(d, "cr2") || is(d, "cr2.h"))) /* where it came to the second fault */
        return true;
    if (d->a->vector == 8) /* the delivery of the first fault */
        return at >= 0x30000 && at < 0x44000 ? true : is_page_entry(d) && !(bits_of(d) & ~0x60u);
    if ((peer_said(d->a, "sgdt") || peer_said(d->a, "sidt")) && peer_is_fault(d->a))
        return at >= 0x30000 && at < 0x44000;
    if (d->a->vector == 0x40 && at >= 0x30000 && at < 0x38000 && (at & 0xff0) == 0xff0) /* a handler of the case has taken the fault at the page's end */
        return true;
    if (is_int(d->a) && (d->a->vector == 14 || d->a->vector == 12)) /* the delivery */
        return !is_event(d) && (on_stack(at) || (is_page_entry(d) && !(bits_of(d) & ~0x60u)));
    if (d->a->vector == 0x40 && ((peer_said(d->a, "enter") && on_stack(at)) || (at >= 0x1b200 && at < 0x1b220 && !(bits_of(d) & ~0x60u))))
        return true; /* a handler of the case has taken the fault: of ENTER, or of a delivery on that page */
    if (d->a->vector == 0x40 ? d->ours != 0 : !(peer_said(d->a, "enter") && peer_is_fault(d->a)))
        return false;
    return (on_stack(peer_address(d)) || (is_page_entry(d) && !(bits_of(d) & ~0x60u)));
}

/* Theirs takes the look at the new top of the stack for an access. */
static bool enter_meets_breakpoint(const struct difference *d)
{
    return is(d, "dr6") && peer_said(d->a, "enter") && !(bits_of(d) & ~15u) && !(d->ours & bits_of(d));
}

/* Ours looks at the type in the upper half of a descriptor of 16 bytes, which has to be 0. */
static bool upper_type(const struct difference *d)
{
    return d->a->vector == 1 && (peer_said(d->a, "lsl") || peer_said(d->a, "lar")) && (is(d, "rdx") || is(d, "rdx.h") || (is_flags(d) && bits_of(d) == 0x40));
}

/* ---- Bochs ---- */

static bool bochs_string_rf(const struct difference *d)
{
    return d->a->vector == 1 && is_flags(d) && bits_of(d) == RF && d->ours & RF && peer_said(d->a, "string");
}

/* Of REP CMPS and REP SCAS, after an iteration that is not the last. */
static bool bochs_string_flags(const struct difference *d)
{
    return d->a->vector == 1 && is_flags(d) && peer_said(d->a, "string") && bits_of(d) & STATUS_FLAGS && !(bits_of(d) & ~(uint32_t)(STATUS_FLAGS | RF)) &&
           d->ours & RF;
}

static bool bochs_double_fault_rf(const struct difference *d)
{
    return d->a->vector == 8 && is_flags(d) && bits_of(d) == RF && d->theirs & RF;
}

static bool bochs_stack_selector(const struct difference *d)
{
    return is_event(d) && d->a->vector == 12 && d->b->vector == 12 && d->a->error == (d->b->error & 1) && d->b->error > 1;
}

/* An IRET of the logger itself loads the state of the case: one of the two exceptions may have a handler of the case. */
static bool bochs_iret_stack_absent(const struct difference *d)
{
    bool theirs_logged = d->b->vector == 11 && peer_said(d->b, "?") && peer_theirs("cs") == 0x18;
    bool ours_logged = d->a->vector == 12 && peer_said(d->a, "?") && peer_value("cs") == 0x18;

    if (!is_event(d))
        return false;
    if (ours_logged) /* theirs may be on the logger's stack still, which is not looked at */
        return pushed(peer_theirs, 0) == (uint32_t)d->a->error || (peer_caused("SS-NP-RET") && peer_theirs("ss") == 0x10);
    return theirs_logged || (d->a->vector == 12 && d->b->vector == 11 && d->a->error == d->b->error);
}

/* The frame of an event that is refused for the handler's address, or of a far call. */
static bool bochs_pushes_before_check(const struct difference *d)
{
    bool delivery = is_int(d->a) || d->a->error & 1;

    if (is_event(d) && d->a->vector == 8 && d->b->vector == 14) /* ours has met #GP, theirs a #PF, behind a fault that is none to go on with */
        return !(d->b->error & 5);
    if (d->a->vector != 13 || !(delivery || peer_is_call(d->a)))
        return false;
    return is_event(d) ? d->b->vector == 14 || d->b->vector == 8 : (on_stack(peer_address(d)) || (is_page_entry(d) && !(bits_of(d) & ~0x60u)));
}

static bool is_conforming(uint32_t cs)
{
    uint32_t slot = cs & 0xfff8;
    char descriptor[20];

    snprintf(descriptor, sizeof(descriptor), "m%x", 0x10004 + slot); /* a mutant */
    return slot == 0x448 || slot == 0x450 || slot == 0x458 || (peer_value(descriptor) & 0x1c00) == 0x1c00;
}

/* Into conforming code, which leaves the CPL at 3. */
static bool bochs_push_as_supervisor(const struct difference *d)
{
    bool transfer = is_int(d->a) || peer_is_call(d->a) || is_int(d->b) || peer_is_call(d->b), same_address = peer_value("cr2") == peer_theirs("cr2");
    bool ours = d->a->vector == 14 && d->a->error == 7 && on_stack(peer_value("cr2"));
    bool theirs = d->b->vector == 14 && d->b->error == 3 && on_stack(peer_theirs("cr2"));
    bool theirs_met = on_stack(peer_theirs("cr2")) && !same_address && peer_value("cr4") & 0x200000; /* and a handler of the case has taken it */

    if (!is_event(d) && d->a->vector == 8) /* how far it came until there was no stack left */
        return is_conforming(peer_value("cs")) && is_conforming(peer_theirs("cs"));
    if (!is_event(d)) /* such a handler has the error code, or has taken theirs, or ours */
        return d->a->vector == 0x40 && d->b->vector == 0x40 &&
               ((on_stack(peer_address(d)) && bits_of(d) == 4 && d->ours & 4) || (is_conforming(peer_value("cs")) && theirs_met) ||
                ((is_conforming(peer_value("cs")) || is_conforming(peer_theirs("cs"))) && on_stack(peer_value("cr2")) && !same_address));
    if (d->a->vector == 8 && (is_conforming(peer_value("cs")) || is_conforming(peer_theirs("cs"))))
        return true;
    if (d->b->vector == 0x40 || d->b->vector == 8)
        return theirs_met || ((d->a->vector == 8 || ours) && on_stack(peer_value("cr2")));
    if (d->a->vector == 14 && d->b->vector == 14 && same_address)
        return (transfer || on_stack(peer_value("cr2"))) && (d->a->error ^ d->b->error) == 4 && d->a->error & 4;
    if (is_conforming(peer_value("cs")) && d->b->vector == 14 && d->b->error == 3 && peer_value("cr4") & 0x200000)
        return true;
    return (transfer || ours || is_conforming(peer_value("cs"))) && (theirs || ours) && d->a->error != d->b->error;
}

static bool bochs_sysret_rf(const struct difference *d)
{
    return is_flags(d) && bits_of(d) == RF && d->theirs & RF && peer_said(d->a, "sysret") && d->a->vector == 1;
}

static bool bochs_dr7_rtm(const struct difference *d)
{
    return is(d, "dr7") && bits_of(d) == 0x800 && d->theirs & 0x800;
}

/* As 16- and 32-bit code leaves them. */
static bool upper_half(const struct difference *d)
{
    return d->name[0] == 'r' && strstr(d->name, ".h") && (is_narrow(peer_value("cs")) || !d->ours);
}

static bool bochs_sysret_trap(const struct difference *d)
{
    bool by_rcx = peer_value("rip") == peer_value("rcx") && (peer_value("rip.h") == peer_value("rcx.h") || !peer_value("rip.h"));
    bool there = peer_value("cs") & 3 && (by_rcx || peer_value("rflags") == peer_value("r11")); /* RCX may be as it always was, and so not logged */
    bool step_later = (is_flags(d) && !(bits_of(d) & ~(uint32_t)STATUS_FLAGS)) ||
                      (on_stack(peer_address(d)) && (d->ours == peer_value("rcx") || !(bits_of(d) & ~(uint32_t)STATUS_FLAGS)));
    bool theirs_there = (peer_theirs("cs") & 3) == 3 && peer_theirs("rip") == peer_theirs("rcx") && peer_theirs("r11") & 0x100;

    if (is_event(d) && there && peer_is_fault(d->a) && peer_value("r11") & peer_value("dr6") >> 6 & 0x100) /* what the delivery of the trap has met */
        return true;
    if (is_event(d) && theirs_there && d->a->vector != 1) /* a handler of the case was to take the trap */
        return true;
    if (d->a->vector == 0x40 && d->b->vector == 0x40 && !is_event(d) && peer_value("r11") & 0x100 && step_later)
        return true;
    if (d->a->vector == 0x40) /* and has */
        return peer_value("dr6") & 0x4000 && !(peer_theirs("dr6") & 0x4000) && peer_theirs("r11") & 0x100 && (peer_theirs("cs") & 3) == 3;
    return d->a->vector == 1 && peer_value("rflags") & 0x100 && there && (is_event(d) || peer_theirs("rip") != peer_value("rip"));
}

/* Of the TF before. */
static bool bochs_sysret_no_trap(const struct difference *d)
{
    return is_event(d) && peer_said(d->b, "sysret") && ((d->b->vector == 1 && !(peer_theirs("rflags") & 0x100)) || d->b->error & 1);
}

/* With EFLAGS.AC, on a stack of user pages. */
static bool smap_inner_stack(const struct difference *d)
{
    bool ours = d->a->vector == 14 && d->a->error == 3 && (d->b->vector != 14 || peer_value("cr2") != peer_theirs("cr2"));

    return is_event(d) && (ours || d->a->vector == 8) && on_stack(peer_value("cr2")) &&
           peer_value("cr4") & 0x200000 && peer_theirs("rflags") & 0x40000;
}

/* Not canonical for 48 bits, but for 57. */
static bool bochs_linear_width(const struct difference *d)
{
    uint32_t high = peer_theirs("rdx"), msr = peer_theirs("rcx");
    bool wide = (high >> 15 && high >> 15 != 0x1ffff) && (high >> 24 == 0 || high >> 24 == 0xff);

    if (is_event(d) && (peer_said(d->b, "wrfsbase") || peer_said(d->b, "wrgsbase")))
        return d->b->vector == 13 && d->b->error == 0;
    if (!is_event(d)) /* ours comes to the next WRMSR, which faults in both */
        return wide && d->a->vector == 13 && peer_said(d->b, "wrmsr") && peer_value("rip") != peer_theirs("rip");
    return is_event(d) && wide && ((msr >= 0x175 && msr <= 0x176) || (msr >= 0xc0000082 && msr <= 0xc0000102)) &&
           (d->b->vector == 0x40 || ((d->b->vector == 13 || d->b->vector == 8) && peer_said(d->b, "wrmsr")));
}

static bool bochs_table_base(const struct difference *d)
{
    if (d->a->vector == 0x40) /* a handler of the case has taken it */
        return peer_theirs("ldtr") != peer_value("ldtr") || peer_theirs("tr") != peer_value("tr");
    return is_event(d) && (peer_said(d->a, "ltr") || peer_said(d->a, "lldt")) && d->a->vector == 13 && d->a->error > 7;
}

/* From 64-bit mode to compatibility mode. */
static bool bochs_call_checks_limit(const struct difference *d)
{
    bool cuts = d->a->vector == 12 && d->b->vector == 14 && !peer_theirs("cr2.h"); /* to 32 bits */

    return is_event(d) && peer_said(d->b, "call-mem") && ((d->b->vector == 12 && d->b->error == 0) || cuts);
}

static bool bochs_lacks_pks(const struct difference *d)
{
    return is_event(d) && peer_said(d->b, "mov-cr4") && peer_is_fault(d->b) && peer_value("cr4") & ~peer_theirs("cr4") & 0x1c00800;
}

/* A RIP of more than 32 bits, and a code segment that is none of 64-bit mode. */
static bool bochs_iret_cuts_rip(const struct difference *d)
{
    bool transfer = peer_said(d->a, "iret") || peer_said(d->a, "retf") || peer_said(d->a, "jmp-mem") || peer_said(d->a, "call-mem");

    return is_event(d) && d->a->vector == 13 && d->a->error == 0 && transfer && is_narrow(peer_theirs("cs"));
}

static bool bochs_clears_bt(const struct difference *d)
{
    return is(d, "dr6") && bits_of(d) == 0x8000 && d->ours & 0x8000;
}

/* Of 32 bits, in 64-bit mode. */
static bool bochs_retf_cuts_rsp(const struct difference *d)
{
    return is(d, "rsp.h") && d->ours && !d->theirs && d->a->vector == 0x40;
}

/* IRETD of 64-bit mode, which cases have by running 32-bit routines there only. */
static bool bochs_iret_keeps_rsp(const struct difference *d)
{
    return is(d, "rsp") && peer_said(d->a, "iret") && d->a->vector == 1 && !(peer_value("cs") & 3) && !is_narrow(peer_value("cs"));
}

static bool bochs_iret_null_rpl(const struct difference *d)
{
    return is_event(d) && peer_said(d->a, "iret") && d->a->vector == 13 && d->a->error == 0 && peer_theirs("ss") <= 3 &&
           peer_theirs("ss") != (peer_theirs("cs") & 3);
}

/* A new RSP that is just the end of the lower half: what is pushed lies below it. */
static bool stack_at_canonical_end(const struct difference *d)
{
    if (is_event(d))
        return d->b->vector == 12 && peer_value("cr2.h") == 0x7fff && peer_value("cr2") >= 0xffffff00;
    return d->a->vector == 0x40 && peer_value("rsp.h") == 0x7fff && peer_value("rsp") >= 0xffffff00;
}

/* In compatibility mode a frame goes on behind FFFFFFFFh. */
static bool stack_wraps(const struct difference *d)
{
    if (is_event(d) && peer_said(d->a, "retf") && d->a->vector == 17 && d->b->vector == 12 && d->b->error == 0) /* unaligned, too */
        return peer_value("rsp") >= 0xfffffff0 && !peer_value("rsp.h");
    return is_event(d) && peer_said(d->a, "retf") && d->a->vector == 14 && d->b->vector == 12 && d->b->error == 0 && peer_value("cr2") >= 0xfffffff0;
}

/* So by a stack whose segment has a base. */
static bool stack_among_adapters(const struct difference *d)
{
    uint32_t at = ((peer_theirs("m1040c") & 0xff) << 16) + peer_theirs("rsp");

    return is_event(d) && is_narrow(peer_theirs("cs")) && (peer_theirs("ss") & 0xfff8) == 0x408 && at >= 0x9f000 && at < 0x100000;
}

/* By RBP, where a PC has adapters and firmware. */
static bool among_adapters(const struct difference *d)
{
    uint32_t at = peer_value("rbp") & 0x1fffff;

    return is(d, "rax") && peer_said(d->a, "mov-bp") && (at >= 0x9f000 || peer_value("rbp.h"));
}

static bool bochs_general_detect_rf(const struct difference *d)
{
    return is_flags(d) && bits_of(d) == RF && d->ours & RF && d->a->vector == 1 && peer_value("dr6") & 0x2000;
}

/* With IA32_FMASK.TF. */
static bool bochs_syscall_trap(const struct difference *d)
{
    bool masked = peer_value("fmask") & 0x100 && peer_value("r11") & 0x100;

    if (masked && peer_theirs("dr6") & ~peer_value("dr6") & 0x4000) /* a handler of the case, or what the delivery to it has met */
        return true;
    return is_event(d) && d->b->vector == 1 && masked && peer_theirs("rip") == peer_theirs("lstar");
}

static bool accessed_before_fault(const struct difference *d)
{
    uint32_t at = peer_address(d);
    bool page = (is_page_entry(d) && bits_of(d) == 0x20) || (at == 0x1b080 && bits_of(d) == 0x40); /* the GDT's is written, too */
    bool descriptor = at >= 0x10400 && at < 0x13000 && at & 4 && bits_of(d) == 0x100;

    return (peer_is_fault(d->a) || d->a->vector == 0x40) && (page || descriptor);
}

/* Both in code that was no part of the case: instructions that leave flags undefined, and others that use those. */
static bool lost_code(const struct difference *d)
{
    return peer_said(d->a, "?") && peer_said(d->b, "?");
}

/* ---- What a handler of the case has met ----
 *
 * The same again, where the guest does not log the fault or the trap itself: what ours has met since the last event tells (peer_caused), or what
 * stands on their stack.
 */

/* Theirs has taken an event without an error code at `rip`, with `flags`; what is 0 is not known. */
static bool theirs_took(uint32_t rip, uint32_t flags)
{
    return rip && flags && pushed(peer_theirs, 0) == rip && pushed(peer_theirs, 16) == flags;
}

/* Theirs is in a handler that conforms, or has come from one. */
static bool theirs_conforms(void)
{
    return is_conforming(peer_theirs("cs")) || is_conforming(pushed(peer_theirs, 8)) || is_conforming(pushed(peer_theirs, 16));
}

static bool met_pointer_order(const struct difference *d)
{
    uint32_t apart = d->theirs - d->ours;
    bool read = d->name[0] == 'r' && d->ours == peer_value("cr2") && d->a->vector == 0x40; /* CR2, by the handler */

    return ((is(d, "cr2") && peer_caused_kind("PF-")) || read) && (apart == 2 || apart == 4 || apart == 8);
}

/* The rest of the frame lies in the page below. */
static bool met_written_before_fault(const struct difference *d)
{
    uint32_t at = peer_address(d), rsp = peer_value("rsp");

    return peer_caused_kind("PF-") && at && (at ^ rsp) < 0x1000 && at < rsp;
}

static bool met_string_rf(const struct difference *d)
{
    return d->a->vector == 0x40 && peer_caused("DB-STEP") && on_stack(peer_address(d)) && bits_of(d) == RF && d->ours & RF;
}

static bool met_push_before_check(const struct difference *d)
{
    return peer_caused("GP-IDT-OFFSET") && (is_event(d) || on_stack(peer_address(d)) || (is_page_entry(d) && !(bits_of(d) & ~0x60u)));
}

static bool met_push_as_supervisor(const struct difference *d)
{
    bool same_address = d->a->vector == 14 && d->b->vector == 14 && peer_value("cr2") == peer_theirs("cr2");

    if (is_event(d) && same_address && peer_caused_kind("DB-")) /* the trap's frame */
        return (d->a->error ^ d->b->error) == 4 && d->a->error & 4;
    return peer_caused("PF-USER-SUPER") && theirs_conforms();
}

/* Theirs has taken a trap that ours has not, or the other way round, and with it what its delivery met. */
static bool met_sysret_trap(const struct difference *d)
{
    uint32_t to = peer_value("rcx");

    if (d->a->vector == 0x40 && peer_caused("DB-STEP") && peer_value("r11") & 0x100 && to && pushed(peer_value, 8) == to) /* behind an error code */
        return true;
    return theirs_took(peer_value("rcx"), peer_value("r11") & ~0x100u);
}

static bool met_syscall_trap(const struct difference *d)
{
    (void)d;
    return peer_value("fmask") & peer_value("r11") & 0x100 && theirs_took(peer_value("lstar"), peer_value("r11") & ~peer_value("fmask"));
}

static bool met_smap(const struct difference *d)
{
    return is_event(d) && peer_caused("PF-SMAP") && peer_theirs("rflags") & 0x40000;
}

static bool met_cut_rip(const struct difference *d)
{
    return is_event(d) && (peer_caused("GP-RET-OFFSET") || peer_caused("GP-JMP-OFFSET")) && !peer_theirs("rip.h");
}

static bool met_upper_type(const struct difference *d)
{
    uint32_t theirs = peer_theirs("rdx"); /* the limit of a TSS, or the rights of a system segment */
    bool loaded = theirs != peer_value("rdx") && (theirs == 0xa7 || (theirs & ~0x700u) == 0x8800 || (theirs & ~0x700u) == 0x8000);

    return loaded && (is(d, "rdx") || (is(d, "rdx.h") && !d->theirs) || (is_flags(d) && bits_of(d) == 0x40 && d->theirs & 0x40));
}

static bool met_linear_width(const struct difference *d)
{
    uint32_t high = peer_value("rdx"), msr = peer_value("rcx");
    bool wide = high >> 15 && high >> 15 != 0x1ffff && (high >> 24 == 0 || high >> 24 == 0xff);

    return d->b->vector == 0x40 && wide && ((msr >= 0x175 && msr <= 0x176) || (msr >= 0xc0000082 && msr <= 0xc0000102));
}

static bool met_table_base(const struct difference *d)
{
    bool loaded = peer_theirs("ldtr") != peer_value("ldtr") || peer_theirs("tr") != peer_value("tr");

    return is_event(d) && loaded && (peer_caused("GP-LLDT") || peer_caused("GP-LTR"));
}

static bool met_stack_selector(const struct difference *d)
{
    return peer_caused("SS-IST") && on_stack(peer_address(d)) && d->ours == (d->theirs & 1) && d->theirs > 1;
}

static bool met_stack_absent(const struct difference *d)
{
    return is_event(d) && peer_caused("SS-NP-RET") && (d->b->vector == 11 || pushed(peer_theirs, 0) == (uint32_t)d->a->error);
}

static bool met_stack_wraps(const struct difference *d)
{
    return is_event(d) && (peer_said(d->a, "iret") || peer_said(d->a, "retf")) && d->a->vector == 14 && d->b->vector == 0x40 &&
           peer_value("cr2") >= 0xfffffff0 && !peer_value("cr2.h");
}

static bool met_iret_null_rpl(const struct difference *d)
{
    return d->b->vector == 0x40 && peer_caused("GP-IRET-CS") && peer_theirs("ss") <= 3 && peer_theirs("ss") != (peer_theirs("cs") & 3);
}

static bool met_canonical_end(const struct difference *d)
{
    return is_event(d) && d->a->vector == 0x40 && peer_value("rsp.h") == 0x7fff && peer_value("rsp") >= 0xffffff00 &&
           (d->b->vector == 12 || d->b->vector == 8);
}

struct known bochs_long_known[] = {
    { peer_disabled_breakpoint, false, "left open: SDM Vol. 3B, \"Debug Status Register (DR6)\": B0 to B3 of breakpoints that are not enabled", 0 },
    { peer_breakpoint_early, true, "SDM Vol. 3A, \"Priority Among Concurrent Events\": a trap comes before the breakpoint of the next instruction", 0 },
    { lost_code, true, "left open: flags that are undefined, in code that was no part of the case", 0 },
    { accessed_before_fault, false, "left open: SDM Vol. 3A, \"Accessed and Dirty Flags\": A may be set by an access that is not made", 0 },
    { bochs_pushes_before_check, true, "SDM Vol. 2A, INT n and CALL: the target is checked before anything is pushed", 0 },
    { bochs_push_as_supervisor, true, "SDM Vol. 2A, INT n and CALL: conforming code leaves the CPL, so the pushes are the user's", 0 },
    { smap_inner_stack, true, "left open: SDM Vol. 3A, \"Determination of Access Rights\": whether what an event pushes on an inner stack is an explicit access", 0 },
    { bochs_sysret_no_trap, true, "seen on processors: the TF that SYSRET has loaded counts, not that of before; the SDM does not say", 0 },
    { bochs_linear_width, true, "SDM Vol. 3A, \"Canonicality Checking\": a processor of 57 bits checks MSRs for those, whatever CR4.LA57; the peer's has 48", 0 },
    { bochs_table_base, true, "SDM Vol. 3A, \"Canonicality Checking\": LLDT and LTR check the base that they load", 0 },
    { bochs_call_checks_limit, true, "SDM Vol. 2A, CALL: what pushes in 64-bit mode knows no limit of SS, wherever it goes", 0 },
    { bochs_lacks_pks, true, "the peer's model lacks protection keys: CR4.PKE and CR4.PKS are reserved bits there", 0 },
    { bochs_iret_cuts_rip, true, "SDM Vol. 2A, IRET, RET, JMP, CALL: the limit is asked of all 64 bits that were read (so do AMD's processors)", 0 },
    { bochs_general_detect_rf, true, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image for faults, and general detect is one", 0 },
    { bochs_retf_cuts_rsp, true, "SDM Vol. 2B, RET: the stack's width is that of the mode, not of the operand", 0 },
    { bochs_iret_keeps_rsp, true, "SDM Vol. 2A, IRET: in 64-bit mode SS:RSP is popped whatever the level, with narrow operands too (so do AMD's processors)", 0 },
    { bochs_iret_null_rpl, true, "SDM Vol. 2A, IRET, 64-Bit Mode Exceptions: #GP(0) if the RPL of a null stack selector is not the CPL that is gone back to", 0 },
    { stack_at_canonical_end, true, "left open: SDM Vol. 2A, INT n: whether the new RSP or the address of what is pushed has to be canonical", 0 },
    { stack_wraps, true, "left open: SDM Vol. 3A, \"Limit Checking\": accesses that wrap in a segment of 4 GiB", 0 },
    { stack_among_adapters, true, "left open: what lies where a PC has adapters and firmware, on a stack whose segment has a base", 0 },
    { among_adapters, true, "left open: what lies where a PC has adapters and firmware", 0 },
    { bochs_clears_bt, false, "SDM Vol. 3B, \"Debug Status Register (DR6)\": but for bits 0 to 3, the processor never clears it", 0 },
    { bochs_dr7_rtm, false, "SDM Vol. 3B, \"Debug Control Register (DR7)\": RTM is reserved where the processor has no RTM", 0 },
    { upper_half, false, "left open: SDM Vol. 1, \"General-Purpose Registers in 64-Bit Mode\": upper halves are not kept outside 64-bit mode", 0 },
    { bochs_sysret_rf, false, "SDM Vol. 2B, SYSRET: RF is cleared", 0 },
    { bochs_sysret_trap, true, "seen on processors: a TF that SYSRET has loaded traps at once, before the next instruction; the SDM does not say", 0 },
    { bochs_syscall_trap, true, "SDM Vol. 2B, SYSCALL: IA32_FMASK clears TF, so there is no trap behind it", 0 },
    { pointer_order, false, "left open: which half of a far pointer or of a table's register is read first", 0 },
    { enter_meets_breakpoint, true, "left open: SDM Vol. 2A, ENTER: whether the check of the new top of the stack meets a breakpoint on data", 0 },
    { upper_type, true, "left open: whether LAR and LSL look at the upper half of a system descriptor", 0 },
    { written_before_fault, true, "left open: what ENTER, SGDT, SIDT and the delivery of an event have written before they fault", 0 },
    { bochs_string_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image by a trap between iterations", 0 },
    { bochs_string_flags, true, "SDM Vol. 2B, REP: CMPS and SCAS that are to go on have not written the flags (makers differ: host_vendor.h)", 0 },
    { bochs_double_fault_rf, false, "SDM Vol. 3B, \"Instruction-Breakpoint Exception Condition\": RF is set in the image for faults; #DF is an abort", 0 },
    { bochs_stack_selector, false, "SDM Vol. 2A, INT n: #SS for a new RSP that is not canonical has a null selector in its error code", 0 },
    { bochs_iret_stack_absent, true, "SDM Vol. 2A, IRET, RETURN-TO-OUTER-PRIVILEGE-LEVEL: a stack segment that is not present is #SS", 0 },
    /* met by handlers of the case */
    { met_pointer_order, false, "left open, met by a handler: which half of a far pointer or of a table's register is read first", 0 },
    { met_written_before_fault, true, "left open, met by a handler: what the delivery of an event has written before it faults", 0 },
    { met_string_rf, true, "met by a handler: SDM Vol. 3B: RF is set in the image by a trap between iterations", 0 },
    { met_push_before_check, true, "met by a handler: SDM Vol. 2A, INT n: the target is checked before anything is pushed", 0 },
    { met_push_as_supervisor, true, "met by a handler: SDM Vol. 2A, INT n and CALL: conforming code leaves the CPL, so the pushes are the user's", 0 },
    { met_sysret_trap, true, "met by a handler: the TF that SYSRET has loaded counts, not that of before", 0 },
    { met_syscall_trap, true, "met by a handler: SDM Vol. 2B, SYSCALL: IA32_FMASK clears TF, so there is no trap behind it", 0 },
    { met_smap, true, "left open, met by a handler: whether what an event pushes on an inner stack is an explicit access", 0 },
    { met_cut_rip, true, "met by a handler: RIP is not cut to 32 bits before it is checked", 0 },
    { met_upper_type, true, "left open, met later: whether LAR and LSL look at the upper half of a system descriptor", 0 },
    { met_linear_width, true, "met by a handler: SDM Vol. 3A, \"Canonicality Checking\": a processor of 57 bits checks MSRs for those", 0 },
    { met_table_base, true, "met by a handler: SDM Vol. 3A, \"Canonicality Checking\": LLDT and LTR check the base that they load", 0 },
    { met_stack_selector, true, "met by a handler: SDM Vol. 2A, INT n: #SS for a new RSP that is not canonical has a null selector in its error code", 0 },
    { met_stack_absent, true, "met by a handler: SDM Vol. 2A, IRET: a stack segment that is not present is #SS", 0 },
    { met_stack_wraps, true, "left open, met by a handler: SDM Vol. 3A, \"Limit Checking\": accesses that wrap in a segment of 4 GiB", 0 },
    { met_iret_null_rpl, true, "met by a handler: SDM Vol. 2A, IRET: #GP(0) if the RPL of a null stack selector is not the CPL that is gone back to", 0 },
    { met_canonical_end, true, "left open, met by a handler: a new RSP that is just the end of the lower half", 0 },
    { NULL, false, NULL, 0 },
};
