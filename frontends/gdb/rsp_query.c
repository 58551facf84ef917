/* What the client asks and sets: GDB manual, "General Query Packets". */
#include <stdio.h>
#include <string.h>

#include "frontends/gdb/private.h"

/* ---- Features ---- */

static void supported(struct gdb_server *s, struct cursor *c)
{
    const struct cursor all = *c;

    for (struct cursor at = all; at.at < at.end; at.at++) {
        struct cursor here = at;

        s->tells_swbreak |= cursor_take_text(&here, "swbreak+");
        s->tells_hwbreak |= cursor_take_text(&here, "hwbreak+");
        s->tells_exec |= cursor_take_text(&here, "exec-events+");
    }
    mode_start(s);
    text_printf(&s->reply,
                "PacketSize=%x;QStartNoAckMode%c;vContSupported+;swbreak+;hwbreak+;exec-events+;qXfer:features:read+;"
                "qXfer:memory-map:read+;qXfer:threads:read+;ReverseStep+;ReverseContinue+;binary-upload+",
                PACKET_BYTES, mode_differs(s) ? '-' : '+');
}

static void start_no_ack(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    s->no_ack = true; /* the '+' for this packet has gone out already, or still does */
    reply_ok(s);
}

/* ---- Threads ---- */

static void current_thread(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    text_printf(&s->reply, "QC%x", s->cpu + 1);
}

static void first_threads(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    text_str(&s->reply, "m");
    for (unsigned n = 0; n < sim_cpus(s->sim); n++)
        text_printf(&s->reply, "%s%x", n ? "," : "", n + 1);
}

static void further_threads(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    text_str(&s->reply, "l");
}

static uint64_t reg(struct gdb_server *s, unsigned cpu, const char *name)
{
    uint64_t value = 0;

    sim_reg_read(s->sim, cpu, name, &value);
    return value;
}

static const char *mode_of(struct gdb_server *s, unsigned cpu)
{
    uint64_t attr = reg(s, cpu, "cs.attr");
    bool code32 = attr & 1 << 14;

    if (reg(s, cpu, "efer") & 1 << 10)
        return attr & 1 << 13 ? "64-bit mode" : code32 ? "32-bit compatibility mode" : "16-bit compatibility mode";
    if (!(reg(s, cpu, "cr0") & 1))
        return code32 ? "unreal mode" : "real mode";
    if (reg(s, cpu, "eflags") & 1 << 17)
        return "virtual-8086 mode";
    return code32 ? "32-bit protected mode" : "16-bit protected mode";
}

static void describe_thread(struct gdb_server *s, unsigned cpu, char *out, size_t cap)
{
    const char *activity = sim_cpu_activity(s->sim, cpu);
    bool paging = reg(s, cpu, "cr0") >> 31 & 1;

    snprintf(out, cap, "%s, CPL %u%s%s%s%s", mode_of(s, cpu), (unsigned)reg(s, cpu, "cpl"), paging ? ", paging" : "",
             reg(s, cpu, "smm") ? ", SMM" : "",
             strcmp(activity, "active") == 0 ? "" : ", ", strcmp(activity, "active") == 0 ? "" : activity);
}

static void extra_info(struct gdb_server *s, struct cursor *c)
{
    char text[160];
    unsigned cpu;
    bool all;
    int len;

    if (!take_thread(s, c, &cpu, &all)) {
        reply_error(s);
        return;
    }
    len = snprintf(text, sizeof(text), "CPU %u: ", cpu);
    describe_thread(s, cpu, text + len, sizeof(text) - (size_t)len);
    text_hex_bytes(&s->reply, text, strlen(text));
}

/* ---- qXfer: texts, read in parts ---- */

/* "OFFSET,LENGTH" of `data`. */
static void transfer(struct gdb_server *s, struct cursor *c, const char *data)
{
    uint64_t at, len, total = strlen(data);

    if (!cursor_hex(c, &at) || !cursor_take(c, ',') || !cursor_hex(c, &len) || at > total) {
        reply_error(s);
        return;
    }
    text_str(&s->reply, "m");
    while (len && at < total && text_binary(&s->reply, (uint8_t)data[at])) {
        at++;
        len--;
    }
    if (at == total)
        s->reply.data[0] = 'l';
}

static void transfer_features(struct gdb_server *s, struct cursor *c)
{
    const char *xml = target_xml(s);

    if (xml)
        transfer(s, c, xml);
    else
        reply_error(s);
}

/* All of it may be memory: what is where depends on the guest's page tables, and changes. */
static void transfer_memory_map(struct gdb_server *s, struct cursor *c)
{
    transfer(s, c,
             "<?xml version=\"1.0\"?><!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
             "\"http://sourceware.org/gdb/gdb-memory-map.dtd\"><memory-map><memory type=\"ram\" start=\"0\" length=\"0x100000000\"/></memory-map>");
}

static void transfer_threads(struct gdb_server *s, struct cursor *c)
{
    char xml[4096], text[160];
    int len = snprintf(xml, sizeof(xml), "<?xml version=\"1.0\"?><threads>");

    for (unsigned n = 0; n < sim_cpus(s->sim) && len < (int)sizeof(xml) - 300; n++) {
        describe_thread(s, n, text, sizeof(text));
        len += snprintf(xml + len, sizeof(xml) - (size_t)len, "<thread id=\"%x\" core=\"%u\" name=\"CPU %u\">%s</thread>", n + 1, n, n, text);
    }
    snprintf(xml + len, sizeof(xml) - (size_t)len, "</threads>");
    transfer(s, c, xml);
}

/* ---- Physical memory: as other stubs have it ---- */

static void tell_physical(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    text_str(&s->reply, s->physical ? "1" : "0");
}

static void set_physical(struct gdb_server *s, struct cursor *c)
{
    if (cursor_left(c) != 1 || (*c->at != '0' && *c->at != '1')) {
        reply_error(s);
        return;
    }
    s->physical = *c->at == '1';
    reply_ok(s);
}

/* ---- The tables ---- */

/* There is one process, and it was there before the client. */
static void attached(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    text_str(&s->reply, "1");
}

static void accept_it(struct gdb_server *s, struct cursor *c)
{
    (void)c;
    reply_ok(s);
}

void rsp_query(struct gdb_server *s, struct cursor *c)
{
    static const struct rsp_command queries[] = {
        { "Supported", supported },
        { "Rcmd,", rsp_monitor },
        { "Attached", attached },
        { "C", current_thread },
        { "fThreadInfo", first_threads },
        { "sThreadInfo", further_threads },
        { "ThreadExtraInfo,", extra_info },
        { "Xfer:features:read:target.xml:", transfer_features },
        { "Xfer:memory-map:read::", transfer_memory_map },
        { "Xfer:threads:read::", transfer_threads },
        { "qemu.PhyMemMode", tell_physical },
    };

    /* "qC" is a name of its own, not the beginning of any */
    if (cursor_left(c) > 1 && *c->at == 'C')
        return;
    rsp_dispatch(s, queries, sizeof(queries) / sizeof(queries[0]), c);
}

void rsp_set(struct gdb_server *s, struct cursor *c)
{
    static const struct rsp_command sets[] = {
        { "StartNoAckMode", start_no_ack },
        { "PassSignals:", accept_it },
        { "qemu.PhyMemMode:", set_physical },
    };

    rsp_dispatch(s, sets, sizeof(sets) / sizeof(sets[0]), c);
}
