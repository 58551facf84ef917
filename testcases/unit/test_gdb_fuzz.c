/*
 * Packets that no gdb would send: random ones, and good ones that were damaged. Nothing may crash, hang, or leave the server deaf.
 *
 *     SIM_GDB_FUZZ=10000000 SIM_GDB_FUZZ_SEED=7 testcases/unit/test_gdb_fuzz
 */
#include "testcases/unit/gdb_bench.h"

#include <pthread.h>
#include <stdatomic.h>

#define PACKETS_PER_MACHINE 20000 /* its log of inputs grows with each write */
#define LONGEST 3000 /* a whole set of registers, too */

static const char *const seeds[] = {
    "qSupported:multiprocess+;swbreak+;hwbreak+;exec-events+;vContSupported+;xmlRegisters=i386", "?", "!", "g", "p8", "P8=007c0000", "P0=78563412", "Pa=c0070000",
    "P9=02000000", "P45=11000000", "m7c00,20", "m0,4000", "mfffffff0,100", "M600,2:0102", "M7c00,4:b9e803ff", "x600,40", "X600,4:abcd", "X7d00,0:", "c", "c7c00",
    "C05", "s", "S05;7c03", "vCont?", "vCont;c", "vCont;s:1;c", "vCont;s:2", "vCont;C05:1;c", "vCont;r7c03,7c09:1;c", "vCont;t", "vCont;S05:-1", "bs", "bc",
    "Z0,7c07,1", "Z1,7c03,1", "Z2,600,2", "Z3,600,1", "Z4,5ff,4", "z0,7c07,1", "z1,7c03,1", "z2,600,2", "z3,600,1", "z4,5ff,4", "Hg1", "Hc2", "Hg0", "Hc-1", "T1",
    "T2", "qC", "qfThreadInfo", "qsThreadInfo", "qThreadExtraInfo,1", "qXfer:features:read:target.xml:0,4000", "qXfer:features:read:target.xml:1000,ffb",
    "qXfer:memory-map:read::0,1000", "qXfer:threads:read::0,1000", "qAttached", "qTStatus", "qRcmd,706879736963616c206f6e", /* physical on */
    "qRcmd,617263686974656374757265206175746f", /* architecture auto */ "qRcmd,696e666f20726567697374657273", /* info registers */
    "qRcmd,617263686974656374757265207838362d3634", /* architecture x86-64 */ "qRcmd,696e666f20666c6f6174", /* info float */
    "qRcmd,696e666f20766563746f72", /* info vector */ "p10", "P10=35c26821a2da0fc900c0", "P18=7f020000", "P19=00280000", "P1a=ffff0000", "P1c=78563412",
    "P1f=e8010000", "p4b", "P4c=0102030405060708090a0b0c0d0e0f10", "P53=801f0000", "p54", "P5b=0102030405060708090a0b0c0d0e0f10", "P5c=54555555",
    "p60", "P60=0102030405060708090a0b0c0d0e0f10", "p74",
    "qqemu.PhyMemMode", "Qqemu.PhyMemMode:1", "Qqemu.PhyMemMode:0", "QPassSignals:e;10", "vMustReplyEmpty", "vFile:setfs:0", "R00",
};
#define SEEDS (sizeof(seeds) / sizeof(seeds[0]))
/* They end the session, so they come seldom. */
static const char *const lasts[] = { "D", "k", "vKill;1", "QStartNoAckMode" };

static uint64_t state;

/* xorshift64*. */
static uint32_t draw(uint32_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 33) % below;
}

/* ---- Packets ---- */

struct packet {
    uint8_t data[LONGEST];
    size_t len;
};

/* "G" and the registers as they are at first: those of 32-bit code, and those of 64-bit code. */
static struct packet whole[2];

static void take_whole(struct gdb_bench *b)
{
    for (unsigned n = 0; n < 2; n++) {
        if (n) { /* another description comes with the stop after the step */
            bench_ask(b, "qSupported:exec-events+");
            bench_ask(b, "qRcmd,617263686974656374757265207838362d3634");
            bench_ask(b, "s");
            bench_ask(b, "c");
        }
        bench_ask(b, "g");
        ck_assert_uint_lt(b->len, LONGEST);
        whole[n].data[0] = 'G';
        memcpy(whole[n].data + 1, b->packet, b->len);
        whole[n].len = b->len + 1;
    }
    ck_assert_uint_lt(whole[0].len + 500, whole[1].len);
}

static void remove_some(struct packet *p)
{
    size_t at = draw((uint32_t)p->len + 1), n = draw(8);

    if (n > p->len - at)
        n = p->len - at;
    memmove(p->data + at, p->data + at + n, p->len - at - n);
    p->len -= n;
}

static void insert_some(struct packet *p, const void *data, size_t n)
{
    size_t at = draw((uint32_t)p->len + 1);

    if (n > LONGEST - p->len)
        return;
    memmove(p->data + at + n, p->data + at, p->len - at);
    memcpy(p->data + at, data, n);
    p->len += n;
}

static void damage(struct packet *p)
{
    static const char *const pieces[] = { ",", ";", ":", "=", "-1", "0", "ffffffffffffffff", "7fffffff", "80000000", "10000000000000000", "1", "xx", "}", "s", "c", "7c03" };
    const char *piece = pieces[draw(16)];
    uint8_t byte = (uint8_t)draw(256);

    switch (draw(6)) {
    case 0: remove_some(p); break;
    case 1: insert_some(p, piece, strlen(piece)); break;
    case 2: insert_some(p, &byte, 1); break;
    case 3: if (p->len) p->data[draw((uint32_t)p->len)] = byte; break;
    case 4: if (p->len) p->data[draw((uint32_t)p->len)] ^= (uint8_t)(1u << draw(8)); break;
    case 5: p->len = draw((uint32_t)p->len + 1); break;
    }
}

static void make(struct packet *p)
{
    const char *seed = draw(2000) ? seeds[draw(SEEDS)] : lasts[draw(4)];

    p->len = 0;
    if (draw(20) == 0) {
        p->len = draw(64);
        for (size_t n = 0; n < p->len; n++)
            p->data[n] = (uint8_t)draw(256);
        return;
    }
    if (draw(100) == 0) {
        *p = whole[draw(2)];
    } else if (draw(200) == 0) { /* what looks like it */
        p->len = draw(LONGEST) + 1;
        memset(p->data, "0123456789abcdefxg"[draw(18)], p->len);
        p->data[0] = 'G';
    } else {
        p->len = strlen(seed);
        memcpy(p->data, seed, p->len);
    }
    for (unsigned n = draw(4); n > 0; n--)
        damage(p);
}

/* Monitor commands are the monitor's matter: some run for long or write files. Only harmless ones of ours may come through whole. */
static bool harmless(const struct packet *p)
{
    static const char rcmd[] = "qRcmd,";

    if (p->len < sizeof(rcmd) - 1 || memcmp(p->data, rcmd, sizeof(rcmd) - 1) != 0)
        return true;
    for (unsigned n = 0; n < SEEDS; n++)
        if (strlen(seeds[n]) == p->len && memcmp(seeds[n], p->data, p->len) == 0)
            return true;
    return draw(2) && p->len % 2; /* half a byte too much: refused */
}

/* With what stands for itself escaped, most of the time; and with the right sum, most of the time. */
static size_t frame(const struct packet *p, uint8_t *out)
{
    char content[2 * LONGEST];
    bool careless = draw(50) == 0;
    size_t len = 0;

    for (size_t n = 0; n < p->len; n++) {
        if (!careless && strchr("$#}", p->data[n]) && p->data[n]) {
            content[len++] = '}';
            content[len++] = (char)(p->data[n] ^ 0x20);
        } else {
            content[len++] = (char)p->data[n];
        }
    }
    len = packet_frame(content, len, (char *)out);
    if (draw(50) == 0)
        out[len - 1 - draw(2)] ^= 1;
    if (draw(100) == 0)
        len -= draw(4);
    if (draw(100) == 0)
        out[len++] = 3;
    return len;
}

/* ---- The client ---- */

static void drain(struct gdb_bench *b)
{
    static uint8_t data[65536]; /* not on the stack: a sanitizer marks all of it at each call */

    while (recv(b->client, data, sizeof(data), MSG_DONTWAIT) > 0)
        ;
}

/* In a packet that was begun and not ended a Ctrl-C is data: so it is ended first, with a wrong sum. */
static const char ctrl_c[] = "#zz\003";

/* A step of a CPU that nobody starts lasts until the client breaks in, and the client is us: an impatient hand does it. */
struct hand {
    pthread_t thread;
    struct gdb_bench *bench;
    atomic_ulong served; /* calls of the server */
    atomic_bool done;
};

static struct hand hand;

static void *impatience(void *arg)
{
    unsigned long before = 0, now;

    (void)arg;
    while (!atomic_load(&hand.done)) {
        usleep(50000);
        now = atomic_load(&hand.served);
        if (now == before)
            send(hand.bench->client, ctrl_c, sizeof(ctrl_c) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        before = now;
    }
    return NULL;
}

/* Serves until the machine stands; drains, so that the server need not wait. A machine that runs for long is broken into. */
static void serve(struct gdb_bench *b)
{
    for (unsigned round = 1;; round++) {
        struct pollfd p = { .fd = gdb_server_fd(b->server), .events = POLLIN };
        struct sim_stop stop;

        atomic_fetch_add(&hand.served, 1);
        if (round % 10 == 0)
            send(b->client, ctrl_c, sizeof(ctrl_c) - 1, MSG_NOSIGNAL);
        if (b->alive && poll(&p, 1, 0) > 0) {
            b->alive = gdb_server_service(b->server);
        } else if (b->alive && gdb_server_attached(b->server) && gdb_server_running(b->server)) {
            sim_run_steps(b->sim, 200, &stop);
            if (stop.reason != SIM_STOP_STEPS)
                gdb_server_stopped(b->server, &stop);
        } else {
            drain(b);
            return;
        }
        drain(b);
    }
}

static void reconnect(struct gdb_bench *b)
{
    if (b->alive && gdb_server_attached(b->server))
        return;
    close(b->client);
    if (!b->alive) {
        gdb_server_close(b->server);
        sim_destroy(b->sim);
        bench_open_machine(b, "2");
        char address[128];
        snprintf(address, sizeof(address), "unix:%s", b->path);
        ck_assert_msg(gdb_server_open(b->sim, address, &b->server) == SIM_OK, "%s", sim_last_error());
    } else {
        gdb_server_service(b->server);
    }
    bench_connect(b);
}

/* Whatever came before, a plain question is answered. */
static void ck_hears(struct gdb_bench *b)
{
    const char *reply;

    if (!b->alive || !gdb_server_attached(b->server))
        return;
    bench_send(b, "$", 1); /* what was begun is dropped */
    serve(b);
    if (!b->alive || !gdb_server_attached(b->server))
        return;
    bench_send(b, "\003$?#3f\003", 7);
    serve(b);
    reply = bench_ask(b, "qC");
    ck_assert_msg(strncmp(reply, "QC", 2) == 0, "qC is answered with '%s'", reply);
}

/* All vectors lead to the guest's end: a damaged guest would otherwise run for ever, faulting. */
static void point_vectors_to_the_end(struct gdb_bench *b)
{
    uint8_t vectors[1024];

    for (unsigned n = 0; n < sizeof(vectors); n += 4)
        memcpy(vectors + n, "\x09\x7c\0\0", 4);
    sim_mem_write(b->sim, 0, SIM_PHYSICAL, 0, vectors, sizeof(vectors), NULL);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoul(text, NULL, 0) : otherwise;
}

START_TEST(no_packet_does_harm)
{
    unsigned long packets = from_environment("SIM_GDB_FUZZ", 20000);
    struct gdb_bench *b = bench_open("2");
    uint8_t bytes[2 * LONGEST + 8];
    struct packet p;

    take_whole(b);
    b->alive = false;
    reconnect(b);
    hand.bench = b;
    ck_assert_int_eq(pthread_create(&hand.thread, NULL, impatience, NULL), 0);
    state = from_environment("SIM_GDB_FUZZ_SEED", 1) * 0x9e3779b97f4a7c15ull + 1;
    for (unsigned long n = 0; n < packets; n++) {
        if (n % 16 == 0)
            point_vectors_to_the_end(b);
        do
            make(&p);
        while (!harmless(&p));
        bench_send(b, bytes, frame(&p, bytes));
        if (draw(4)) /* sometimes several at once */
            serve(b);
        if (n % 1000 == 999)
            ck_hears(b);
        if (n % PACKETS_PER_MACHINE == PACKETS_PER_MACHINE - 1)
            b->alive = false;
        reconnect(b);
    }
    atomic_store(&hand.done, true);
    pthread_join(hand.thread, NULL);
    bench_close(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb fuzz");
    TCase *packets = tcase_create("packets");
    SRunner *runner;
    int failed;

    tcase_add_test(packets, no_packet_does_harm);
    tcase_set_timeout(packets, 0); /* how long it takes is the caller's choice */
    suite_add_tcase(suite, packets);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
