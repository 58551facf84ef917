/* The remote protocol, packet by packet: GDB manual, "Remote Protocol". Sessions of the real gdb are in testcases/gdb. */
#include "testcases/unit/gdb_bench.h"

static struct gdb_bench *b;

static void setup(void)
{
    b = bench_open("1");
}

static void setup_two(void)
{
    b = bench_open("2");
}

static void teardown(void)
{
    bench_close(b);
}

/* The reply contains it. */
static void ck_has(const char *reply, const char *text)
{
    ck_assert_msg(strstr(reply, text) != NULL, "no '%s' in '%s'", text, reply);
}

static uint64_t reg(unsigned cpu, const char *name)
{
    uint64_t value;

    ck_assert_int_eq(sim_reg_read(b->sim, cpu, name, &value), SIM_OK);
    return value;
}

static unsigned counter(void)
{
    uint8_t data[2] = { 0 };

    sim_mem_read(b->sim, 0, SIM_PHYSICAL, 0x600, data, 2, NULL);
    return data[0] | data[1] << 8;
}

/* ---- Framing ---- */

struct framing {
    const char *bytes;
    const char *answer; /* all that comes back, as sent */
};
static const struct framing framings[] = {
    { "$qC#b4", "+$QC1#c5" },
    { "+$qC#b4", "+$QC1#c5" },
    { "noise$qC#b4", "+$QC1#c5" },
    { "$qC#B4", "+$QC1#c5" },
    { "$qC#b5", "-" },
    { "$qC#zz", "-" },
    { "$qfThre$qC#b4", "+$QC1#c5" },                   /* the first was cut off */
    { "$q}c#51", "+$QC1#c5" },                         /* escaped, which q's C needs not */
    { "$qNobodyKnowsThis#86", "+$#00" },
    { "$#00", "+$#00" },
    { "$vMustReplyEmpty#3a", "+$#00" },
    { "\003", "" },                                    /* it stands already */
    { "$qC#b4-", "+$QC1#c5$QC1#c5" },
    { "$QStartNoAckMode#b0+$qC#b4-$qC#b5", "+$OK#9a$QC1#c5" },
    { "$qAttached#8f", "+$1#31" },
    { "$qC#b4$qC#b4", "+$QC1#c5+$QC1#c5" },
};

START_TEST(a_packet_is_taken_when_its_sum_is_right)
{
    const struct framing *f = &framings[_i];
    char got[256] = "";
    size_t len = 0;
    int c;

    for (unsigned whole = 0; whole < 2; whole++) {
        size_t total = strlen(f->bytes);

        bench_close(b);
        b = bench_open("1");
        for (size_t n = 0; n < (whole ? 1 : total); n++) { /* byte by byte, and at once */
            bench_send(b, f->bytes + n, whole ? total : 1);
            bench_serve(b);
        }
        for (len = 0; (c = bench_getc(b)) >= 0 && len < sizeof(got) - 1;)
            got[len++] = (char)c;
        got[len] = 0;
        ck_assert_str_eq(got, f->answer);
    }
}
END_TEST

START_TEST(a_packet_that_is_too_long_is_an_error_and_no_more)
{
    static char much[PACKET_BYTES + 2];

    memset(much, 'm', sizeof(much));
    bench_send_packet(b, much, PACKET_BYTES + 1);
    bench_serve(b);
    ck_assert(bench_receive(b));
    ck_assert_str_eq(b->packet, "E01");
    ck_assert_str_eq(bench_ask(b, "qC"), "QC1");
}
END_TEST

/* ---- Malformed packets ---- */

static const char *const refused[] = {
    "m", "m,", "m7c00", "m7c00,", "mx,4", "m7c00,-4", "m11112222333344445,4", "x", "M7c00,4:0011", "M7c00,4:00112233445566", "M7c00,2:0g11",
    "M7c00,ffffffffffffffff:00", "X7c00,4:abc", "X7c00,ffffffff:", "Xg,0:", "p", "pffff", "p10000000000000000", "pg", "P", "P0", "P0=", "P0=12", "P0=xxxxxxxx",
    "P10=00", "Pffff=00000000", "G", "G00", "G000000zz", "Z", "Z0", "Z0,", "Z0,7c00", "Z5,7c00,1", "Z-1,7c00,1", "Z2,600,0", "z9,0,1", "H", "Hz1", "Hg", "Hg9", "T", "T9",
    "Tx", "cz", "c7c00z", "C", "Cz", "C05z", "s7c00,", "vCont;", "vCont;x", "vCont;s:9", "vCont;s:", "vCont;Sz", "vCont;r", "vCont;r7c00", "vCont;r7c00,:1", "vCont;c;;",
    "qXfer:features:read:target.xml:", "qXfer:features:read:target.xml:0", "qXfer:features:read:target.xml:fffffff,10", "qXfer:threads:read::x,y",
    "qThreadExtraInfo,", "qThreadExtraInfo,9", "qRcmd,6", "qRcmd,zz", "qRcmd,680065", "Qqemu.PhyMemMode:", "Qqemu.PhyMemMode:2",
};

START_TEST(what_is_malformed_is_refused_and_changes_nothing)
{
    uint64_t before = sim_digest(b->sim);

    ck_assert_str_eq(bench_ask(b, refused[_i]), "E01");
    ck_assert_uint_eq(sim_digest(b->sim), before);
    ck_assert(gdb_server_attached(b->server));
}
END_TEST

static const char *const unknown[] = { "vFile:open:2f,0,0", "vAttach;1", "vRun;", "qTStatus", "QThreadEvents:1", "qXfer:exec-file:read::0,100", "A0", "y", "qCRC:0,4", "qXfer:features:read:other.xml:0,10", "b", "bx", "\x80" };

START_TEST(what_is_not_supported_is_answered_with_nothing)
{
    ck_assert_str_eq(bench_ask(b, unknown[_i]), "");
}
END_TEST

/* ---- Registers and memory ---- */

static void registers_are_told_in_the_sizes_of_the_description(void)
{
    size_t digits = 0, len;
    char xml[32768] = "", ask[64];
    bool seen[256] = { false };
    unsigned regs = 0;

    for (len = 0;;) {
        snprintf(ask, sizeof(ask), "qXfer:features:read:target.xml:%zx,100", len);
        bench_ask(b, ask);
        memcpy(xml + len, b->packet + 1, b->len - 1);
        len += b->len - 1;
        if (b->packet[0] == 'l')
            break;
        ck_assert_int_eq(b->packet[0], 'm');
    }
    for (const char *at = xml; (at = strstr(at, "<reg ")) != NULL; at++) {
        unsigned bits = 0, number = 0;

        ck_assert_int_eq(sscanf(strstr(at, "bitsize"), "bitsize=\"%u\"", &bits), 1);
        ck_assert_int_eq(sscanf(strstr(at, "regnum"), "regnum=\"%u\"", &number), 1);
        ck_assert_msg(number < sizeof(seen) && !seen[number], "register number %u twice", number);
        seen[number] = true;
        regs++;
        digits += bits / 4;
        snprintf(ask, sizeof(ask), "p%x", number);
        ck_assert_uint_eq(strlen(bench_ask(b, ask)), bits / 4);
    }
    ck_assert_uint_gt(regs, 32);
    ck_assert_uint_eq(regs, reg_layout(b->server)->count);
    ck_assert_uint_eq(strlen(bench_ask(b, "g")), digits);
}

START_TEST(registers_have_the_sizes_of_the_description)
{
    uint64_t before = sim_digest(b->sim);

    registers_are_told_in_the_sizes_of_the_description();
    ck_assert_uint_eq(sim_digest(b->sim), before);
}
END_TEST

START_TEST(a_register_is_written_as_it_was_read)
{
    static char all[PACKET_BYTES];
    uint64_t before = sim_digest(b->sim);

    all[0] = 'G';
    strcpy(all + 1, bench_ask(b, "g"));
    ck_assert_str_eq(bench_ask(b, all), "OK");
    ck_assert_uint_eq(sim_digest(b->sim), before); /* not one was an input */
    ck_assert_str_eq(bench_ask(b, "P0=78563412"), "OK");
    ck_assert_uint_eq(reg(0, "eax"), 0x12345678);
    ck_assert_str_eq(bench_ask(b, "p0"), "78563412");
    memcpy(all + 1, "efbeadde", 8);
    ck_assert_str_eq(bench_ask(b, all), "OK");
    ck_assert_uint_eq(reg(0, "eax"), 0xdeadbeef);
}
END_TEST

/* The number of a register, as P and p have it. */
static unsigned number_of(const char *name)
{
    const struct gdb_layout *layout = reg_layout(b->server);

    for (unsigned n = 0; n < layout->count; n++)
        if (strcmp(layout->reg[n].name, name) == 0)
            return n;
    ck_abort_msg("no register %s", name);
    return 0;
}

static const struct { const char *name, *value, *source; uint64_t is; } wide[] = {
    { "st0", "35c26821a2da0fc900c0", "mm0", 0xc90fdaa22168c235 }, { "fctrl", "7f020000", "fcw", 0x27f }, { "fstat", "00280000", "fsw", 0x2800 },
    { "ftag", "55550000", "ftw", 0x5555 }, { "fop", "e8010000", "fop", 0x1e8 }, { "fiseg", "08000000", "fcs", 8 }, { "fioff", "78563412", "fip", 0x12345678 },
    { "foseg", "10000000", "fds", 0x10 }, { "fooff", "21436587", "fdp", 0x87654321 }, { "xmm1", "0102030405060708090a0b0c0d0e0f10", "xmm1.q1", 0x100f0e0d0c0b0a09 },
    { "ymm3h", "0102030405060708090a0b0c0d0e0f10", "ymm3.q2", 0x0807060504030201 }, { "mxcsr", "c01f0000", "mxcsr", 0x1fc0 }, { "pkru", "54555555", "pkru", 0x55555554 },
};

START_TEST(wide_registers_are_written_as_they_are_read)
{
    char ask[100];

    snprintf(ask, sizeof(ask), "P%x=%s", number_of(wide[_i].name), wide[_i].value);
    ck_assert_str_eq(bench_ask(b, ask), "OK");
    ck_assert_uint_eq(reg(0, wide[_i].source), wide[_i].is);
    snprintf(ask, sizeof(ask), "p%x", number_of(wide[_i].name));
    ck_assert_str_eq(bench_ask(b, ask), wide[_i].value);
}
END_TEST

static const struct { const char *name, *value; } cannot[] = {
    { "fctrl", "7f030100" }, { "fctrl", "ffff0000" }, { "fstat", "80000000" }, { "mxcsr", "00000100" }, { "fop", "00080000" }, { "cs", "00000100" },
    { "xmm0", "00" }, { "ymm0h", "010203040506070809" }, { "st7", "0102030405060708090" },
};

START_TEST(what_a_register_cannot_hold_is_refused_and_changes_nothing)
{
    uint64_t before = sim_digest(b->sim);
    char ask[100];

    snprintf(ask, sizeof(ask), "P%x=%s", number_of(cannot[_i].name), cannot[_i].value);
    ck_assert_str_eq(bench_ask(b, ask), "E01");
    ck_assert_uint_eq(sim_digest(b->sim), before);
}
END_TEST

/* In 64-bit code the pointers of x87 stand in the two halves as FXSAVE with REX.W has them, and FS and GS have bases that gdb knows. */
START_TEST(the_registers_of_64_bit_code_are_others)
{
    bench_ask(b, "qSupported:exec-events+");
    bench_ask(b, "qRcmd,617263686974656374757265207838362d3634"); /* architecture x86-64 */
    ck_assert_ptr_nonnull(strstr(bench_ask(b, "s"), "exec:"));
    ck_assert_str_ne(bench_ask(b, "c"), "(none)"); /* the step's own stop */
    ck_assert_ptr_nonnull(strstr(target_xml(b->server), "i386:x86-64"));
    ck_assert_ptr_nonnull(strstr(target_xml(b->server), "org.gnu.gdb.i386.segments"));
    ck_assert_uint_eq(number_of("xmm15") - number_of("xmm0"), 15);
    ck_assert_uint_eq(number_of("ymm15h") - number_of("ymm0h"), 15);
    number_of("k_gs_base");
    registers_are_told_in_the_sizes_of_the_description();
}
END_TEST

static const struct { const char *model, *last, *lacks; } models[] = {
    { "486", "dr7", "org.gnu.gdb.i386.sse" }, { "pentium3", "mxcsr", "org.gnu.gdb.i386.avx" }, { "nehalem", "mxcsr", "org.gnu.gdb.i386.avx" },
    { "haswell", "ymm7h", "org.gnu.gdb.i386.pkeys" }, { "max", "pkru", "org.gnu.gdb.avx512" },
};

START_TEST(a_model_has_the_registers_of_its_instruction_sets)
{
    const struct gdb_layout *layout;

    gdb_server_close(b->server);
    sim_destroy(b->sim);
    bench_open_machine_with(b, "1", models[_i].model);
    ck_assert_int_eq(gdb_server_open(b->sim, bench_address(b), &b->server), SIM_OK);
    close(b->client);
    bench_connect(b);
    bench_greet(b);
    layout = reg_layout(b->server);
    ck_assert_str_eq(layout->reg[layout->count - 1].name, models[_i].last);
    ck_assert_ptr_null(strstr(target_xml(b->server), models[_i].lacks));
    registers_are_told_in_the_sizes_of_the_description();
}
END_TEST

START_TEST(eip_is_linear_and_ip_is_not)
{
    ck_assert_int_eq(sim_reg_write(b->sim, 0, "cs", 0x7c0), SIM_OK);
    ck_assert_int_eq(sim_reg_write(b->sim, 0, "eip", 0), SIM_OK);
    ck_assert_str_eq(bench_ask(b, "p8"), "007c0000");
    ck_assert_str_eq(bench_ask(b, "p20"), "00000000"); /* ip */
    ck_assert_str_eq(bench_ask(b, "P8=037c0000"), "OK");
    ck_assert_uint_eq(reg(0, "eip"), 3);
    ck_assert_str_eq(bench_ask(b, "p8"), "037c0000");
    bench_ask(b, "s");
    ck_assert_uint_eq(counter(), 1);
}
END_TEST

START_TEST(memory_ends_where_it_ends)
{
    ck_assert_str_eq(bench_ask(b, "m7c00,3"), "b9e803");
    ck_assert_str_eq(bench_ask(b, "m7c00,0"), "");
    ck_assert_uint_eq(strlen(bench_ask(b, "m0,ffffffffffffffff")), PACKET_BYTES - 16);
    ck_assert_str_eq(bench_ask(b, "M600,2:0102"), "OK");
    ck_assert_uint_eq(counter(), 0x201);
    ck_assert_str_eq(bench_ask_bytes(b, "X600,3:\0}\003}]", 12), "OK"); /* 00 '#' 7d */
    ck_assert_str_eq(bench_ask(b, "m600,3"), "00237d");
    bench_ask(b, "x600,3");
    ck_assert_mem_eq(b->packet, "b\0}\003}]", b->len);
    ck_assert_uint_eq(b->len, 6);
    ck_assert_str_eq(bench_ask(b, "X600,0:"), "OK");
}
END_TEST

START_TEST(what_cannot_be_written_is_refused_and_changes_nothing)
{
    static const char *const places[] = { "200000", "fee00080", "ffffffff0" }; /* nothing, the local APIC, beyond linear addresses */
    uint64_t before = sim_digest(b->sim);
    char ask[64];

    for (unsigned physical = 0; physical < 2; physical++) {
        bench_ask(b, physical ? "Qqemu.PhyMemMode:1" : "Qqemu.PhyMemMode:0");
        for (unsigned n = 0; n < 3; n++) {
            snprintf(ask, sizeof(ask), "M%s,1:00", places[n]);
            ck_assert_str_eq(bench_ask(b, ask), "E01");
        }
    }
    ck_assert_uint_eq(sim_digest(b->sim), before);
    ck_assert_str_eq(bench_ask(b, "mfee00030,4"), "E01");
    bench_ask(b, "Qqemu.PhyMemMode:0");
    ck_assert_str_eq(bench_ask(b, "mfee00030,4"), "14000500"); /* the version; by physical address it is no CPU's */
    ck_assert_str_eq(bench_ask(b, "m200000,4"), "E01");
    ck_assert_str_eq(bench_ask(b, "mffffe,4"), "0000");
}
END_TEST

START_TEST(physical_memory_is_another_space)
{
    ck_assert_str_eq(bench_ask(b, "qqemu.PhyMemMode"), "0");
    ck_assert_str_eq(bench_ask(b, "Qqemu.PhyMemMode:1"), "OK");
    ck_assert_str_eq(bench_ask(b, "qqemu.PhyMemMode"), "1");
    ck_assert_str_eq(bench_ask(b, "m7c00,3"), "b9e803");
    ck_assert_str_eq(bench_ask(b, "qRcmd,706879736963616c206f6666"), "OK"); /* physical off */
    ck_has(b->console, "linear");
    ck_assert_str_eq(bench_ask(b, "qqemu.PhyMemMode"), "0");
}
END_TEST

/* ---- Running ---- */

START_TEST(breakpoints_stop_before_and_watchpoints_after)
{
    bench_greet(b);
    ck_assert_str_eq(bench_ask(b, "Z0,7c07,1"), "OK");
    ck_assert_str_eq(bench_ask(b, "Z0,7c07,1"), "OK");
    ck_has(bench_ask(b, "c"), "swbreak:;");
    ck_assert_uint_eq(reg(0, "eip"), 0x7c07);
    ck_assert_str_eq(bench_ask(b, "m7c07,1"), "e2"); /* no trap instruction there */
    ck_assert_str_eq(bench_ask(b, "z0,7c07,1"), "OK");
    ck_assert_str_eq(bench_ask(b, "z0,7c07,1"), "OK");
    ck_assert_str_eq(bench_ask(b, "Z2,600,2"), "OK");
    ck_has(bench_ask(b, "vCont;c"), "watch:600;");
    ck_assert_uint_eq(reg(0, "eip"), 0x7c07);
    ck_assert_uint_eq(counter(), 2);
    bench_ask(b, "z2,600,2");
    ck_assert_str_eq(bench_ask(b, "Z3,601,1"), "OK");
    ck_has(bench_ask(b, "C05"), "rwatch:601;");
    bench_ask(b, "z3,601,1");
    ck_assert_str_eq(bench_ask(b, "Z1,7c09,1"), "OK");
    ck_has(bench_ask(b, "vCont;c:1"), "hwbreak:;");
    ck_assert_uint_eq(counter(), 1000);
    ck_has(bench_ask(b, "c"), "T05");
    ck_has(b->console, "halted");
}
END_TEST

START_TEST(breakpoints_leave_no_trace_in_the_guest)
{
    struct gdb_bench *plain = bench_open("1"), *watched = b;

    bench_ask(watched, "Z0,7c03,1");
    bench_ask(watched, "Z2,600,1");
    for (unsigned n = 0; n < 20; n++)
        bench_ask(watched, n & 1 ? "c" : "s");
    for (unsigned n = 0; n < 20; n++)
        bench_ask(watched, "g");
    struct sim_stop stop;
    sim_run_steps(plain->sim, sim_position(watched->sim).step, &stop);
    ck_assert_uint_eq(sim_digest(plain->sim), sim_digest(watched->sim));
    bench_close(plain);
}
END_TEST

START_TEST(there_is_an_end_to_breakpoints)
{
    char ask[32];

    for (unsigned n = 0; n < MAX_BREAKS; n++) {
        snprintf(ask, sizeof(ask), "Z0,%x,1", 0x10000 + n);
        ck_assert_str_eq(bench_ask(b, ask), "OK");
    }
    ck_assert_str_eq(bench_ask(b, "Z0,7c03,1"), "E01");
    ck_assert_str_eq(bench_ask(b, "z0,10000,1"), "OK");
    ck_has(bench_ask(b, "s"), "T05");
    ck_assert_str_eq(bench_ask(b, "Z0,7c03,1"), "OK");
}
END_TEST

START_TEST(a_step_is_one_and_a_range_is_many)
{
    ck_has(bench_ask(b, "s"), "08:037c0000;");
    ck_has(bench_ask(b, "vCont;s:1;c"), "08:077c0000;");
    ck_has(bench_ask(b, "S05;7c00"), "08:037c0000;");
    ck_has(bench_ask(b, "vCont;r7c03,7c09:1;c"), "08:097c0000;");
    ck_assert_uint_eq(counter(), 1001);
    ck_has(bench_ask(b, "vCont;r7c00,7c00:1"), "08:0a7c0000;"); /* an empty range is a step */
    ck_has(bench_ask(b, "vCont;t"), "T05");
    ck_has(bench_ask(b, "c7c03"), "T05");
    ck_assert_uint_eq(counter(), 1001); /* 65536 times around */
}
END_TEST

START_TEST(the_way_back_stops_where_gdb_expects_it)
{
    bench_greet(b);
    bench_ask(b, "Z1,7c09,1");
    bench_ask(b, "c");
    bench_ask(b, "z1,7c09,1");
    ck_has(bench_ask(b, "bs"), "08:077c0000;");
    bench_ask(b, "Z2,600,2");
    ck_has(bench_ask(b, "bs"), "watch:600;"); /* undone */
    ck_assert_uint_eq(counter(), 999);
    ck_has(bench_ask(b, "bc"), "watch:600;");
    ck_assert_uint_eq(counter(), 998);
    ck_has(bench_ask(b, "bc"), "08:037c0000;");
    ck_assert_uint_eq(counter(), 997);
    bench_ask(b, "z2,600,2");
    bench_ask(b, "Z0,7c07,1");
    ck_has(bench_ask(b, "bc"), "swbreak:;");
    ck_assert_uint_eq(counter(), 997);
    bench_ask(b, "z0,7c07,1");
    ck_has(bench_ask(b, "bc"), "replaylog:begin;");
    ck_has(bench_ask(b, "bs"), "replaylog:begin;");
    ck_has(bench_ask(b, "s"), "08:037c0000;");
}
END_TEST

START_TEST(without_a_timeline_there_is_no_way_back)
{
    bench_ask(b, "s");
    sim_timeline(b->sim, false, 0);
    ck_has(bench_ask(b, "bs"), "replaylog:begin;");
    ck_has(b->console, "timeline");
    ck_has(bench_ask(b, "bc"), "replaylog:begin;");
}
END_TEST

START_TEST(a_break_in_stops_a_machine_that_runs)
{
    bench_ask(b, "M7c00,2:ebfe"); /* a loop for ever */
    bench_send_packet(b, "c", 1);
    gdb_server_service(b->server);
    ck_assert(gdb_server_running(b->server));
    bench_send(b, "\003", 1);
    gdb_server_service(b->server);
    ck_assert(!gdb_server_running(b->server));
    ck_assert(bench_receive(b));
    ck_has(b->packet, "T02");
    ck_assert(!bench_receive(b));
}
END_TEST

START_TEST(a_break_in_ends_a_step_that_does_not_end)
{
    bench_ask(b, "M7c00,2:ebfe");
    bench_ask(b, "Hc2"); /* nobody starts it */
    bench_send(b, "$s#73\003", 6);
    gdb_server_service(b->server);
    ck_assert(bench_receive(b));
    ck_has(b->packet, "T02");
}
END_TEST

/* ---- Modes ---- */

START_TEST(another_mode_is_announced_before_the_stop)
{
    ck_has(bench_ask(b, "qSupported:swbreak+;hwbreak+"), "QStartNoAckMode+");
    ck_has(bench_ask(b, "qSupported:swbreak+;hwbreak+;exec-events+"), "QStartNoAckMode-"); /* the answer to the first vCont comes with its '+' */
    ck_has(bench_ask(b, "qXfer:features:read:target.xml:0,100"), "<architecture>i386<");
    ck_has(bench_ask(b, "?"), "exec:3136"); /* "16... */
    ck_has(bench_ask(b, "qXfer:features:read:target.xml:0,100"), "<architecture>i8086<");
    ck_has(bench_ask(b, "vCont;c"), "thread:1;"); /* goes on from the announcement only */
    ck_assert_uint_eq(sim_position(b->sim).step, 0);
    ck_has(bench_ask(b, "s"), "T05");
    ck_assert_int_eq(sim_reg_write(b->sim, 0, "cs.attr", 0x409b), SIM_OK); /* as if */
    ck_has(bench_ask(b, "s"), "exec:3332"); /* "32... */
    ck_has(bench_ask(b, "c"), "T00");
    ck_assert_int_eq(sim_reg_write(b->sim, 0, "cs.attr", 0x9b), SIM_OK);
    bench_ask(b, "qRcmd,6172636869746563747572652073696c656e74"); /* architecture silent */
    ck_has(bench_ask(b, "s"), "T05");
    ck_assert_ptr_null(strstr(b->packet, "exec"));
}
END_TEST

/* ---- Threads ---- */

START_TEST(cpus_are_threads)
{
    ck_assert_str_eq(bench_ask(b, "qfThreadInfo"), "m1,2");
    ck_assert_str_eq(bench_ask(b, "qsThreadInfo"), "l");
    ck_assert_str_eq(bench_ask(b, "T2"), "OK");
    ck_assert_str_eq(bench_ask(b, "T3"), "E01");
    ck_assert_str_eq(bench_ask(b, "Hg2"), "OK");
    ck_assert_str_eq(bench_ask(b, "qC"), "QC2");
    ck_assert_uint_eq(sim_focus(b->sim), 1);
    ck_assert_str_eq(bench_ask(b, "P0=01000000"), "OK");
    ck_assert_uint_eq(reg(1, "eax"), 1);
    ck_assert_uint_ne(reg(0, "eax"), 1);
    ck_has(bench_ask(b, "qXfer:threads:read::0,1000"), "<thread id=\"2\" core=\"1\" name=\"CPU 1\">real mode, CPL 0, waiting for SIPI</thread>");
    ck_assert_str_eq(bench_ask(b, "Hg0"), "OK");
    ck_assert_str_eq(bench_ask(b, "Hc-1"), "OK");
}
END_TEST

/* The first CPU wakes the second (INIT, SIPI to 7000, in big real mode); then both do
 *
 *     7c70  in al, 80         a step that waits until its CPU is furthest behind
 *     7c72  lock inc word [600]
 *     7c77  jmp 7c70
 */
static const uint8_t both[] = {
    0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x0f, 0x01, 0x16, 0x44, 0x7c, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xbb, 0x08, 0x00,
    0x8e, 0xdb, 0x24, 0xfe, 0x0f, 0x22, 0xc0, 0x31, 0xc0, 0x66, 0x67, 0xc7, 0x05, 0x10, 0x03, 0xe0, 0xfe, 0x00, 0x00, 0x00, 0x01,
    0x66, 0x67, 0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x00, 0x00, 0x66, 0x67, 0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x07,
    0x46, 0x00, 0x00, 0xeb, 0x2c, 0x0f, 0x00, 0x50, 0x7c, 0x00, 0x00, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0x92, 0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe4, 0x80, 0xf0, 0xff, 0x06, 0x00, 0x06, 0xeb, 0xf7,
};

START_TEST(no_cpu_slips_past_while_another_steps_over_a_breakpoint)
{
    unsigned hits[3] = { 0 }, others = 0, thread;
    uint64_t cycle, last[3] = { 0 };
    char step[32], stop[256];

    bench_close(b);
    b = bench_open_with("2", both, sizeof(both));
    bench_greet(b);
    ck_assert_str_eq(bench_ask(b, "M7000,5:ea707c0000"), "OK"); /* jmp 0:7c70 */
    bench_ask(b, "Z0,7c70,1");
    strcpy(stop, bench_ask(b, "c"));
    for (unsigned n = 0; n < 400; n++) {
        ck_has(stop, "swbreak");
        ck_has(stop, "08:707c0000;");
        ck_assert_int_eq(sscanf(strstr(stop, "thread:"), "thread:%x;", &thread), 1);
        ck_assert_uint_le(thread, 2);
        cycle = reg(thread - 1, "cycle");
        hits[thread] += cycle != last[thread]; /* else it had no chance to go on yet */
        last[thread] = cycle;
        /* as gdb goes on: the breakpoint is taken away, its thread steps alone, and the breakpoint is put back */
        bench_ask(b, "z0,7c70,1");
        snprintf(step, sizeof(step), "vCont;s:%x", thread);
        strcpy(stop, bench_ask(b, step));
        bench_ask(b, "Z0,7c70,1");
        if (strstr(stop, "swbreak"))
            others++; /* the other one came here meanwhile */
        else
            strcpy(stop, bench_ask(b, "vCont;c"));
    }
    ck_assert_uint_gt(hits[1], 50);
    ck_assert_uint_gt(hits[2], 50);
    ck_assert_uint_gt(others, 0);
    ck_assert_uint_le(hits[1] + hits[2] - counter(), 2); /* those that have come there and not gone through yet */
}
END_TEST

/* ---- Coming and going ---- */

START_TEST(a_client_that_goes_leaves_a_machine_that_runs)
{
    bench_ask(b, "Z0,7c09,1");
    ck_assert(!gdb_server_running(b->server));
    ck_assert_str_eq(bench_ask(b, "D"), "OK");
    ck_assert(gdb_server_running(b->server));
    ck_assert(!gdb_server_attached(b->server));
    close(b->client);
    bench_connect(b);
    ck_assert(gdb_server_attached(b->server));
    ck_assert(!gdb_server_running(b->server));
    ck_has(bench_ask(b, "c"), "T05"); /* to the end: the breakpoint is gone */
    ck_assert_uint_eq(counter(), 1000);
    bench_ask(b, "Z0,7c09,1");
    close(b->client); /* without a word */
    gdb_server_service(b->server);
    ck_assert(!gdb_server_attached(b->server));
    bench_connect(b);
    ck_assert_str_eq(bench_ask(b, "qC"), "QC1");
}
END_TEST

START_TEST(a_second_client_waits_for_the_first_to_go)
{
    int first = b->client;

    bench_connect(b);
    bench_send_packet(b, "qC", 2);
    gdb_server_service(b->server);
    ck_assert(!bench_receive(b));
    close(first);
    gdb_server_service(b->server);
    gdb_server_service(b->server);
    ck_assert(bench_receive(b));
    ck_assert_str_eq(b->packet, "QC1");
}
END_TEST

START_TEST(a_client_that_waits_is_told_the_exit_status)
{
    bench_send_packet(b, "c", 1);
    ck_assert(gdb_server_service(b->server));
    ck_assert(gdb_server_running(b->server));
    gdb_server_exits(b->server, 21);
    ck_assert(bench_receive(b));
    ck_assert_str_eq(b->packet, "W15");
    ck_assert(!gdb_server_attached(b->server));
}
END_TEST

START_TEST(a_client_that_does_not_wait_is_told_nothing)
{
    gdb_server_exits(b->server, 21);
    ck_assert(!bench_receive(b));
    gdb_server_exits(NULL, 0);
}
END_TEST

START_TEST(a_killed_machine_ends_the_front_end)
{
    bench_ask(b, _i ? "vKill;1" : "k");
    ck_assert(!b->alive);
}
END_TEST

START_TEST(a_restart_is_a_reset)
{
    bench_ask(b, "!");
    bench_ask(b, "Z0,7c09,1");
    bench_ask(b, "c");
    ck_assert_str_eq(bench_ask(b, "R00"), "(none)");
    ck_has(bench_ask(b, "?"), "08:007c0000;");
    ck_assert_uint_eq(reg(0, "ecx"), 0);
}
END_TEST

START_TEST(what_is_written_after_a_restart_stays_written)
{
    uint64_t written;

    bench_ask(b, "s");
    bench_ask(b, "R00");
    ck_assert_str_eq(bench_ask(b, "M600,2:0505"), "OK");
    bench_ask(b, "P1=05000000");
    written = sim_digest(b->sim);
    bench_ask(b, "s");
    bench_ask(b, "s");
    bench_ask(b, "bs");
    bench_ask(b, "bs");
    ck_assert_uint_eq(sim_digest(b->sim), written);
    ck_assert_uint_eq(counter(), 0x505);
    bench_ask(b, "bs"); /* before it all */
    bench_ask(b, "s");
    ck_assert_uint_eq(sim_digest(b->sim), written);
}
END_TEST

static const struct { const char *address; enum sim_err err; } addresses[] = {
    { "", SIM_ERR_USAGE }, { "x", SIM_ERR_USAGE }, { "65536", SIM_ERR_USAGE }, { "1x", SIM_ERR_USAGE }, { "-1", SIM_ERR_USAGE }, { "localhost:", SIM_ERR_USAGE },
    { "unix:", SIM_ERR_USAGE }, { "unix:/nowhere/at/all/s", SIM_ERR_IO }, { "no.such.host.invalid:1", SIM_ERR_IO }, { "0", SIM_OK }, { ":0", SIM_OK },
    { "127.0.0.1:0", SIM_OK },
};

START_TEST(an_address_is_one_or_the_error_says_so)
{
    struct gdb_server *s = NULL;

    ck_assert_int_eq(gdb_server_open(b->sim, addresses[_i].address, &s), addresses[_i].err);
    ck_assert(addresses[_i].err ? s == NULL && *sim_last_error() : s != NULL);
    gdb_server_close(s);
}
END_TEST

START_TEST(a_socket_in_use_is_not_taken_away)
{
    struct gdb_server *s = NULL;
    char address[128];

    snprintf(address, sizeof(address), "unix:%s", b->path);
    ck_assert_int_eq(gdb_server_open(b->sim, address, &s), SIM_ERR_IO);
    snprintf(address, sizeof(address), "unix:%s", b->image); /* no socket at all */
    ck_assert_int_eq(gdb_server_open(b->sim, address, &s), SIM_ERR_IO);
    ck_assert_int_eq(access(b->image, F_OK), 0);
    ck_assert_str_eq(bench_ask(b, "qC"), "QC1");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
    Suite *suite = suite_create("gdb");
    TCase *one = tcase_create("packets"), *two = tcase_create("two CPUs");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_loop_test(one, a_packet_is_taken_when_its_sum_is_right, 0, COUNT(framings));
    tcase_add_test(one, a_packet_that_is_too_long_is_an_error_and_no_more);
    tcase_add_loop_test(one, what_is_malformed_is_refused_and_changes_nothing, 0, COUNT(refused));
    tcase_add_loop_test(one, what_is_not_supported_is_answered_with_nothing, 0, COUNT(unknown));
    tcase_add_test(one, registers_have_the_sizes_of_the_description);
    tcase_add_test(one, a_register_is_written_as_it_was_read);
    tcase_add_loop_test(one, wide_registers_are_written_as_they_are_read, 0, COUNT(wide));
    tcase_add_loop_test(one, what_a_register_cannot_hold_is_refused_and_changes_nothing, 0, COUNT(cannot));
    tcase_add_test(one, the_registers_of_64_bit_code_are_others);
    tcase_add_loop_test(one, a_model_has_the_registers_of_its_instruction_sets, 0, COUNT(models));
    tcase_add_test(one, eip_is_linear_and_ip_is_not);
    tcase_add_test(one, memory_ends_where_it_ends);
    tcase_add_test(one, what_cannot_be_written_is_refused_and_changes_nothing);
    tcase_add_test(one, physical_memory_is_another_space);
    tcase_add_test(one, breakpoints_stop_before_and_watchpoints_after);
    tcase_add_test(one, breakpoints_leave_no_trace_in_the_guest);
    tcase_add_test(one, there_is_an_end_to_breakpoints);
    tcase_add_test(one, a_step_is_one_and_a_range_is_many);
    tcase_add_test(one, the_way_back_stops_where_gdb_expects_it);
    tcase_add_test(one, without_a_timeline_there_is_no_way_back);
    tcase_add_test(one, a_break_in_stops_a_machine_that_runs);
    tcase_add_test(one, another_mode_is_announced_before_the_stop);
    tcase_add_test(one, a_client_that_goes_leaves_a_machine_that_runs);
    tcase_add_test(one, a_second_client_waits_for_the_first_to_go);
    tcase_add_test(one, a_client_that_waits_is_told_the_exit_status);
    tcase_add_test(one, a_client_that_does_not_wait_is_told_nothing);
    tcase_add_loop_test(one, a_killed_machine_ends_the_front_end, 0, 2);
    tcase_add_test(one, a_restart_is_a_reset);
    tcase_add_test(one, what_is_written_after_a_restart_stays_written);
    tcase_add_loop_test(one, an_address_is_one_or_the_error_says_so, 0, COUNT(addresses));
    tcase_add_test(one, a_socket_in_use_is_not_taken_away);
    suite_add_tcase(suite, one);
    tcase_add_checked_fixture(two, setup_two, teardown);
    tcase_add_test(two, cpus_are_threads);
    tcase_add_test(two, no_cpu_slips_past_while_another_steps_over_a_breakpoint);
    tcase_add_test(two, a_break_in_ends_a_step_that_does_not_end);
    suite_add_tcase(suite, two);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
