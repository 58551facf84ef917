/*
 * A tiny machine with a gdb server, and a client at the other end of its socket. Shared by the tests of frontends/gdb.
 *
 * The guest counts to 1000 at 0x600 and halts for good:
 *
 *     7c00  mov cx, 1000      7c07  loop 7c03      7c0a  hlt
 *     7c03  inc word [600]    7c09  cli            7c0b  jmp 7c0a
 */
#ifndef LIBSIM_TESTCASES_UNIT_GDB_BENCH_H
#define LIBSIM_TESTCASES_UNIT_GDB_BENCH_H

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frontends/gdb/private.h"

struct gdb_bench {
    struct sim *sim;
    struct gdb_server *server;
    int client;             /* the socket */
    char dir[64], path[96], image[96], address[128];
    char packet[PACKET_BYTES * 2 + 1]; /* the last reply */
    size_t len;
    char console[65536];    /* O packets since the last command */
    bool alive;             /* the server has not said that the machine was killed */
};

static inline void bench_connect(struct gdb_bench *b)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    b->client = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(at.sun_path, b->path);
    ck_assert_int_eq(connect(b->client, (struct sockaddr *)&at, sizeof(at)), 0);
    b->alive = gdb_server_service(b->server);
}

static inline void bench_open_machine_with(struct gdb_bench *b, const char *cpus, const char *model)
{
    struct sim_config cfg;

    sim_config_init(&cfg);
    ck_assert_int_eq(sim_config_set(&cfg, "image", b->image), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "boot", "direct"), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "memory", "1M"), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "cpus", cpus), SIM_OK);
    ck_assert_int_eq(sim_config_set(&cfg, "cpu", model), SIM_OK);
    ck_assert_msg(sim_create(&cfg, &b->sim) == SIM_OK, "%s", sim_last_error());
    sim_config_fini(&cfg);
}

static inline void bench_open_machine(struct gdb_bench *b, const char *cpus)
{
    bench_open_machine_with(b, cpus, "max");
}

/* Where the server listens, in a buffer of the bench's. */
static inline const char *bench_address(struct gdb_bench *b)
{
    snprintf(b->address, sizeof(b->address), "unix:%s", b->path);
    return b->address;
}

static inline struct gdb_bench *bench_open_with(const char *cpus, const uint8_t *code, size_t len)
{
    uint8_t sector[512] = { 0 };
    struct gdb_bench *b = calloc(1, sizeof(*b));
    char address[128];
    FILE *f;

    strcpy(b->dir, "/tmp/sim-gdb.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/s", b->dir);
    snprintf(b->image, sizeof(b->image), "%s/image", b->dir);
    memcpy(sector, code, len);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    f = fopen(b->image, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(sector, 1, 512, f), 512);
    fclose(f);
    bench_open_machine(b, cpus);
    snprintf(address, sizeof(address), "unix:%s", b->path);
    ck_assert_msg(gdb_server_open(b->sim, address, &b->server) == SIM_OK, "%s", sim_last_error());
    bench_connect(b);
    return b;
}

static inline struct gdb_bench *bench_open(const char *cpus)
{
    static const uint8_t code[] = { 0xb9, 0xe8, 0x03, 0xff, 0x06, 0x00, 0x06, 0xe2, 0xfa, 0xfa, 0xf4, 0xeb, 0xfd };

    return bench_open_with(cpus, code, sizeof(code));
}

static inline void bench_close(struct gdb_bench *b)
{
    close(b->client);
    gdb_server_close(b->server);
    sim_destroy(b->sim);
    unlink(b->image);
    rmdir(b->dir); /* fails if the server left its socket behind */
    ck_assert_int_ne(access(b->dir, F_OK), 0);
    free(b);
}

/* The front end's part, until the server waits for its client. */
static inline void bench_serve(struct gdb_bench *b)
{
    struct sim_stop stop;

    do {
        struct pollfd p = { .fd = gdb_server_fd(b->server), .events = POLLIN };

        while (b->alive && poll(&p, 1, 0) > 0) {
            b->alive = gdb_server_service(b->server);
            p.fd = gdb_server_fd(b->server);
        }
        if (b->alive && gdb_server_attached(b->server) && gdb_server_running(b->server)) {
            sim_run_steps(b->sim, 1000, &stop);
            if (stop.reason != SIM_STOP_STEPS)
                gdb_server_stopped(b->server, &stop);
        }
    } while (b->alive && gdb_server_attached(b->server) && gdb_server_running(b->server));
}

static inline void bench_send(struct gdb_bench *b, const void *data, size_t len)
{
    ck_assert_int_eq(send(b->client, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void bench_send_packet(struct gdb_bench *b, const char *content, size_t len)
{
    static char frame[PACKET_BYTES * 2 + 8];

    ck_assert_uint_lt(len, sizeof(frame) - 8);
    bench_send(b, frame, packet_frame(content, len, frame));
}

static inline int bench_getc(struct gdb_bench *b)
{
    struct pollfd p = { .fd = b->client, .events = POLLIN };
    uint8_t c;

    return poll(&p, 1, 0) > 0 && recv(b->client, &c, 1, 0) == 1 ? c : -1;
}

/* The next packet from the server into b->packet, its checksum checked; false: there is none. Acks are passed over. */
static inline bool bench_receive(struct gdb_bench *b)
{
    uint8_t sum = 0;
    char given[3] = "";
    int c;

    while ((c = bench_getc(b)) != '$')
        if (c < 0)
            return false;
    for (b->len = 0; (c = bench_getc(b)) != '#'; sum = (uint8_t)(sum + c)) {
        ck_assert_int_ge(c, 0);
        ck_assert_uint_lt(b->len, sizeof(b->packet) - 1);
        b->packet[b->len++] = (char)c;
    }
    b->packet[b->len] = 0;
    given[0] = (char)bench_getc(b);
    given[1] = (char)bench_getc(b);
    ck_assert_uint_eq(strtoul(given, NULL, 16), sum);
    return true;
}

static inline void bench_take_console(struct gdb_bench *b)
{
    size_t at = strlen(b->console);

    for (size_t n = 1; n + 1 < b->len && at + 1 < sizeof(b->console); n += 2) {
        char pair[3] = { b->packet[n], b->packet[n + 1], 0 };

        b->console[at++] = (char)strtoul(pair, NULL, 16);
    }
    b->console[at] = 0;
}

/* Sends a packet, serves, and returns the reply that is no console text; "(none)" when none came. */
static inline const char *bench_ask_bytes(struct gdb_bench *b, const char *content, size_t len)
{
    b->console[0] = 0;
    bench_send_packet(b, content, len);
    bench_serve(b);
    while (bench_receive(b)) {
        if (b->packet[0] != 'O' || b->packet[1] == 'K')
            return b->packet;
        bench_take_console(b);
    }
    return "(none)";
}

static inline const char *bench_ask(struct gdb_bench *b, const char *content)
{
    return bench_ask_bytes(b, content, strlen(content));
}

/* Names the reasons that the client knows; but for exec events, so that stops are told as they are. */
static inline void bench_greet(struct gdb_bench *b)
{
    bench_ask(b, "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386");
}

#endif
