/*
 * 16-bit and 32-bit code in one session with an unmodified gdb.
 *
 * What gdb reads code as is its architecture, i8086 or i386, which it takes from the target description, and that it reads when it
 * connects and never again: except after an exec. So a stop in a mode other than the last one told is announced by an exec event; gdb
 * forgets the description, reads the new one, and goes on, as nothing asked it to stop there. Going on is answered with the stop itself,
 * and the machine has not moved. Symbols and breakpoints survive, because the program's "name" is that of no file.
 *
 * It works at `?` as well, and must be done there: an i386 executable would outvote a description that says i8086, and the exec takes the
 * executable (not its symbols) out of the vote.
 *
 * The registers, their order and their sizes are the same in all modes: no packet ever has another length than gdb expects.
 */
#include <stdlib.h>
#include <string.h>

#include "frontends/gdb/private.h"

const char *mode_architecture(enum code_size code)
{
    return code == CODE_16 ? "i8086" : "i386";
}

enum code_size mode_wanted(struct gdb_server *s, unsigned cpu)
{
    uint64_t attr = 0;

    if (s->forced != CODE_AUTO)
        return s->forced;
    sim_reg_read(s->sim, cpu, "cs.attr", &attr);
    return attr & 1 << 14 ? CODE_32 : CODE_16;
}

static void describe_as(struct gdb_server *s, enum code_size code)
{
    s->code = code;
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

void mode_announce(struct gdb_server *s)
{
    enum code_size code = mode_wanted(s, s->cpu);
    const char *name = code == CODE_16 ? "16-bit code" : "32-bit code";

    text_clear(&s->held);
    if (code == s->code || !s->tells_exec || s->silent)
        return;
    describe_as(s, code);
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
