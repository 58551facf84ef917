/* Errors that peers are known to make in real mode, each with what the manual says. A row is as exact as what it explains. */
#include "testcases/oracle/system/peers.h"

#include <stddef.h>
#include <string.h>

/* Where a PC has adapters and firmware. */
static bool is_high(uint32_t segment)
{
    return segment >= 0x9f00;
}

/* In code that was no part of the case: what firmware has there, and instructions that leave flags undefined. */
static bool lost_code(const struct difference *d)
{
    return (peer_value("cs") != 0x2000 && peer_theirs("cs") != 0x2000) || is_high(peer_value("cs")) || is_high(peer_theirs("cs"));
}

static bool high_data(const struct difference *d)
{
    bool loaded = d->theirs == 0xffff && !d->ours && *d->name && peer_said(d->a, "load-pointer"); /* from there: nobody answers */

    return loaded || is_high(peer_value("ds")) || is_high(peer_value("es")) || is_high(peer_value("fs")) || is_high(peer_value("gs")) || is_high(peer_value("ss"));
}

/* Some of the bytes that an instruction writes before it meets a fault. */
static bool written_before_fault(const struct difference *d)
{
    bool pieces = peer_said(d->a, "enter") || peer_said(d->a, "pusha") || peer_said(d->a, "call-far");

    if (d->a->vector == 0x40 && (peer_caused_kind("SS-") || peer_caused_kind("GP-"))) /* a handler of the case has taken the fault */
        return peer_address(d) >= 0x30000;
    return pieces && peer_is_fault(d->a) && peer_address(d) >= 0x10000;
}

/* OF of a shift, in what lies between the instructions of the case: it has none. */
static bool undefined_flags(const struct difference *d)
{
    uint32_t bits = d->ours ^ d->theirs;

    return !strcmp(d->name, "flags") ? bits == 0x800 : peer_address(d) >= 0x40000 && (bits == 0x800 || bits == 0x8000000);
}

struct known bochs_real_known[] = {
    { peer_disabled_breakpoint, false, "left open: SDM Vol. 3B, \"Debug Status Register (DR6)\": B0 to B3 of breakpoints that are not enabled", 0 },
    { peer_breakpoint_early, true, "SDM Vol. 3A, \"Priority Among Concurrent Events\": a trap comes before the breakpoint of the next instruction", 0 },
    { lost_code, true, "left open: what firmware has in memory, and flags that are undefined, in code that was no part of the case", 0 },
    { high_data, true, "left open: what lies where a PC has adapters and firmware", 0 },
    { written_before_fault, true, "left open: what ENTER, PUSHA and CALL have written before they fault", 0 },
    { undefined_flags, true, "left open: flags that shifts leave undefined", 0 },
    { NULL, false, NULL, 0 },
};
