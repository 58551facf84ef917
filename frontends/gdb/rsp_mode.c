/*
 * 16-bit, 32-bit and 64-bit code in one session with an unmodified gdb.
 *
 * What gdb reads code as is its architecture, i8086, i386 or i386:x86-64, which it takes from the target description, and that it reads when it
 * connects and never again: except after an exec. So a stop in a mode other than the last one told is announced by an exec event; gdb
 * forgets the description, reads the new one, and goes on, as nothing asked it to stop there. Going on is answered with the stop itself,
 * and the machine has not moved. Symbols and breakpoints survive, because the program's "name" is that of no file.
 *
 * It works at `?` as well, and must be done there: an i386 executable would outvote a description that says i8086, and the exec takes the
 * executable (not its symbols) out of the vote.
 *
 * gdb waits for a stop patiently, but not while it connects: then it looks for the answer to going on once, and again and again, each time with
 * a warning ("Invalid remote reply: timeout"), until it is there. So it must be there: a client that will be given an announcement first is
 * not offered to do without acknowledgements, for it does wait for the '+', and the stop comes in one piece with that.
 *
 * The registers, their order and their sizes are those of the description that the client was given last (reg_layout), whatever the CPU runs
 * meanwhile: no packet ever has another length than gdb expects.
 */
#include <stdlib.h>
#include <string.h>

#include "frontends/gdb/private.h"

const char *mode_architecture(enum code_size code)
{
    return code == CODE_16 ? "i8086" : code == CODE_64 ? "i386:x86-64" : "i386";
}

enum code_size mode_wanted(struct gdb_server *s, unsigned cpu)
{
    uint64_t attr = 0, efer = 0;

    if (s->forced != CODE_AUTO)
        return s->forced;
    sim_reg_read(s->sim, cpu, "cs.attr", &attr);
    sim_reg_read(s->sim, cpu, "efer", &efer);
    if (efer & 1 << 10 && attr & 1 << 13)
        return CODE_64;
    return attr & 1 << 14 ? CODE_32 : CODE_16;
}

static void describe_as(struct gdb_server *s, enum code_size code)
{
    s->code = code;
    reg_layout_choose(s, code);
    free(s->xml);
    s->xml = NULL;
}

void mode_start(struct gdb_server *s)
{
    s->forced = CODE_AUTO;
    s->silent = false;
    text_clear(&s->held);
    describe_as(s, s->tells_exec ? CODE_32 : mode_wanted(s, s->cpu));
}

bool mode_differs(struct gdb_server *s)
{
    return s->tells_exec && !s->silent && mode_wanted(s, s->cpu) != s->code;
}

bool mode_follow(struct gdb_server *s)
{
    text_clear(&s->held);
    if (!mode_differs(s))
        return false;
    describe_as(s, mode_wanted(s, s->cpu));
    return true;
}

void mode_announce(struct gdb_server *s)
{
    const char *name = s->code == CODE_16 ? "16-bit code" : s->code == CODE_64 ? "64-bit code" : "32-bit code";

    s->held = s->reply;
    if (s->stop.reason == SIM_STOP_STEPS)
        memcpy(s->held.data + 1, "00", 2); /* gdb has forgotten that it was stepping: "Program stopped.", and no SIGTRAP */
    text_clear(&s->reply);
    text_str(&s->reply, "T05exec:");
    text_hex_bytes(&s->reply, name, strlen(name));
    text_printf(&s->reply, ";thread:%x;", s->cpu + 1);
}

bool mode_release(struct gdb_server *s)
{
    if (!s->held.len)
        return false;
    s->reply = s->held;
    text_clear(&s->held);
    return true;
}
