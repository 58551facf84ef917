/*
 * A bench for one device: a bus with nothing else on it, a hand that drives ports, wires and time, and eyes on wires and
 * outputs. Shared by the unit tests of devices.
 */
#ifndef LIBSIM_TESTCASES_UNIT_DEVICE_BENCH_H
#define LIBSIM_TESTCASES_UNIT_DEVICE_BENCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bus/bus.h"

struct bench_output {
    char channel[16];
    uint8_t bytes[256];
    size_t len;
};

struct bench {
    struct sim_clock clock;
    struct sim_log log;
    struct bus *bus;
    struct sim_device *dev;
    /* what left the machine */
    struct bench_output output[4];
    unsigned resets, power_offs, exits, log_lines;
    uint32_t exit_code;
};

/* A wire that is watched: its level, and how often it rose. */
struct bench_wire {
    bool level;
    unsigned rises;
    sim_cycles last_rise;
    struct bench *bench;
};

static inline void bench_output_fn(void *arg, const char *channel, const void *data, size_t len)
{
    struct bench *b = arg;

    for (unsigned i = 0; i < 4; i++) {
        struct bench_output *o = &b->output[i];

        if (o->channel[0] && strcmp(o->channel, channel))
            continue;
        strcpy(o->channel, channel);
        ck_assert_uint_le(o->len + len, sizeof(o->bytes));
        memcpy(o->bytes + o->len, data, len);
        o->len += len;
        return;
    }
    ck_abort_msg("too many channels");
}

static inline void bench_request_fn(void *arg, enum sim_request what, uint32_t code)
{
    struct bench *b = arg;

    b->resets += what == SIM_REQUEST_RESET;
    b->power_offs += what == SIM_REQUEST_POWER_OFF;
    b->exits += what == SIM_REQUEST_EXIT;
    b->exit_code = code;
}

static inline void bench_log_fn(void *arg, enum sim_log_level level, const char *component, const char *line)
{
    ((struct bench *)arg)->log_lines++;
}

static inline struct bench *bench_open(uint64_t freq_hz)
{
    struct bench *b = calloc(1, sizeof(*b));

    sim_clock_init(&b->clock, freq_hz);
    sim_log_init(&b->log);
    b->log.fn = bench_log_fn;
    b->log.arg = b;
    ck_assert_int_eq(bus_create(&b->clock, &b->log, &b->bus), SIM_OK);
    b->bus->host = (struct bus_host){ .output = bench_output_fn, .request = bench_request_fn, .arg = b };
    return b;
}

/* Puts in the device under test; `properties` are pairs ended by NULL, or NULL. */
static inline void bench_plug(struct bench *b, const struct sim_device_class *cls, const char *name,
                              const char *const *properties)
{
    enum sim_err err = bus_device_create(b->bus, cls, name, properties, &b->dev);

    ck_assert_msg(err == SIM_OK, "%s", sim_last_error());
    ck_assert_uint_eq(bus_device_class_gap(cls), cls->instance_size);
}

static inline void bench_close(struct bench *b)
{
    bus_destroy(b->bus);
    sim_log_fini(&b->log);
    sim_clock_fini(&b->clock);
    free(b);
}

/* ---- Ports and memory ---- */

static inline uint64_t bench_txn(struct bench *b, enum bus_kind kind, uint64_t addr, uint64_t data, unsigned size)
{
    struct bus_txn txn = { .kind = kind, .size = (uint8_t)size, .addr = addr, .data = data };

    bus_do(b->bus, &txn);
    return txn.data;
}

static inline void outb(struct bench *b, uint16_t port, uint8_t v) { bench_txn(b, BUS_IO_WRITE, port, v, 1); }
static inline void outw(struct bench *b, uint16_t port, uint16_t v) { bench_txn(b, BUS_IO_WRITE, port, v, 2); }
static inline void outl(struct bench *b, uint16_t port, uint32_t v) { bench_txn(b, BUS_IO_WRITE, port, v, 4); }
static inline uint8_t inb(struct bench *b, uint16_t port) { return (uint8_t)bench_txn(b, BUS_IO_READ, port, 0, 1); }
static inline uint16_t inw(struct bench *b, uint16_t port) { return (uint16_t)bench_txn(b, BUS_IO_READ, port, 0, 2); }
static inline uint32_t inl(struct bench *b, uint16_t port) { return (uint32_t)bench_txn(b, BUS_IO_READ, port, 0, 4); }
static inline uint32_t readl(struct bench *b, uint64_t paddr)
{
    return (uint32_t)bench_txn(b, BUS_MEM_READ, paddr, 0, 4);
}
static inline void writel(struct bench *b, uint64_t paddr, uint32_t v) { bench_txn(b, BUS_MEM_WRITE, paddr, v, 4); }

/* ---- Wires ---- */

static inline void bench_wire_fn(void *arg, bool level)
{
    struct bench_wire *w = arg;

    if (level && !w->level) {
        w->rises++;
        w->last_rise = w->bench->clock.now;
    }
    w->level = level;
}

static inline void bench_watch(struct bench *b, struct bench_wire *w, const char *name)
{
    *w = (struct bench_wire){ .bench = b };
    ck_assert_int_eq(bus_wire_sink(b->bus, name, bench_wire_fn, w), SIM_OK);
    w->level = bus_wire_level(b->bus, name);
}

/* ---- Time ---- */

static inline void bench_run_to(struct bench *b, sim_cycles cycle)
{
    sim_clock_advance(&b->clock, cycle);
}

/* To the cycle at which `ticks` ticks of a part at freq_hz have passed since power-on. */
static inline void bench_run_to_tick(struct bench *b, uint64_t freq_hz, uint64_t ticks)
{
    bench_run_to(b, sim_cycle_of(&b->clock, freq_hz, ticks));
}

/* ---- State ---- */

/* Packs the device, resets it, restores: the same bytes must come out. */
static inline void bench_check_state(struct bench *b)
{
    const struct sim_field *fields = b->dev->cls->fields;
    struct sim_buf before = SIM_BUF_INIT, after = SIM_BUF_INIT;
    struct sim_reader in;

    sim_fields_pack(fields, b->dev, &before);
    bus_reset(b->bus, SIM_RESET_POWER);
    in = sim_reader_over(before.data, before.len);
    ck_assert_int_eq(sim_fields_unpack(fields, b->dev, &in), SIM_OK);
    if (b->dev->cls->loaded)
        b->dev->cls->loaded(b->dev);
    sim_fields_pack(fields, b->dev, &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
    sim_buf_fini(&before);
    sim_buf_fini(&after);
}

/* ---- Check ---- */

static inline int bench_main(TCase *cases, const char *name)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
