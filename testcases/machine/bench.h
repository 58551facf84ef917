/*
 * What the whole-machine tests share: machines made from options, trails of digests, and a report of where two machines differ.
 */
#ifndef TESTCASES_MACHINE_BENCH_H
#define TESTCASES_MACHINE_BENCH_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libsim/machine.h"

/* The path of a guest under $GUESTS, in a buffer of the caller's. */
static inline const char *guest_path(char *out, size_t cap, const char *name)
{
    const char *guests = getenv("GUESTS");

    snprintf(out, cap, "%s/%s", guests ? guests : "testcases/guests", name);
    return out;
}

/* A machine from pairs of option and value, ended by NULL. Each test program is left by the first that cannot be made. */
static inline struct sim *machine_from(const char *const *options)
{
    struct sim_config cfg;
    struct sim *sim = NULL;

    sim_config_init(&cfg);
    for (; *options; options += 2)
        ck_assert_msg(sim_config_set(&cfg, options[0], options[1]) == SIM_OK, "%s %s: %s", options[0], options[1], sim_last_error());
    ck_assert_msg(sim_create(&cfg, &sim) == SIM_OK, "%s", sim_last_error());
    sim_config_fini(&cfg);
    return sim;
}

#define MACHINE_OPTIONS 24

/* The demonstration kernel with `append` as its command line, and further pairs, ended by NULL. */
static inline struct sim *demo(const char *append, ...)
{
    char path[512];
    const char *options[MACHINE_OPTIONS] = { "image", guest_path(path, sizeof(path), "demo/demo.elf"), "append", append, "memory", "16" };
    unsigned n = 6;
    va_list more;

    va_start(more, append);
    while ((options[n] = va_arg(more, const char *)) != NULL && n < MACHINE_OPTIONS - 2) {
        options[n + 1] = va_arg(more, const char *);
        n += 2;
    }
    va_end(more);
    options[n] = NULL;
    return machine_from(options);
}

/* ---- Trails: the digest at each of a row of steps ---- */

#define TRAIL_MAX 20000

struct trail {
    sim_steps every;
    unsigned count;
    uint64_t digest[TRAIL_MAX]; /* [n] at step (n + 1) * every; the last one where the run ended */
    struct sim_stop end;
};

/* Runs to the next mark of the trail, or to where the machine stops. False: it stopped. */
typedef bool trail_run_fn(struct sim *sim, void *arg, sim_steps mark, struct sim_stop *stop);

static inline bool run_in_one_piece(struct sim *sim, void *arg, sim_steps mark, struct sim_stop *stop)
{
    (void)arg;
    ck_assert_int_eq(sim_run_to(sim, mark, SIM_NEVER, stop), SIM_OK);
    return stop->reason == SIM_STOP_STEPS;
}

/* ---- Where two machines differ ---- */

static inline void print_differing_lines(const char *component, const char *a, const char *b)
{
    unsigned shown = 0;

    while (*a && *b && shown < 12) {
        size_t na = strcspn(a, "\n"), nb = strcspn(b, "\n");

        if (na != nb || memcmp(a, b, na) != 0) {
            printf("    %s: %.*s  |  %.*s\n", component, (int)na, a, (int)nb, b);
            shown++;
        }
        a += na + (a[na] != 0);
        b += nb + (b[nb] != 0);
    }
    if (strcmp(a, b) != 0 && shown < 12)
        printf("    %s: one listing is longer\n", component);
}

static inline void print_differing_pages(struct bus_ram *a, struct bus_ram *b)
{
    static uint8_t pa[SIM_PAGE_SIZE], pb[SIM_PAGE_SIZE];
    unsigned shown = 0;

    for (uint64_t at = 0; at < a->pages * SIM_PAGE_SIZE && shown < 8; at += SIM_PAGE_SIZE) {
        bus_ram_get(a, at, pa, SIM_PAGE_SIZE);
        bus_ram_get(b, at, pb, SIM_PAGE_SIZE);
        for (unsigned n = 0; n < SIM_PAGE_SIZE; n++)
            if (pa[n] != pb[n]) {
                printf("    %s: byte 0x%llx: %02x  |  %02x\n", a->name, (unsigned long long)(at + n), pa[n], pb[n]);
                shown++;
                break;
            }
    }
    if (!shown)
        printf("    %s: the hashes differ, but no byte does\n", a->name);
}

/* Component by component, field by field, page by page. */
static inline void print_difference(struct sim *a, struct sim *b)
{
    for (unsigned n = 0; n < a->component_count; n++) {
        const struct sim_component *ca = a->components[n], *cb = b->components[n];
        struct sim_buf packed_a = SIM_BUF_INIT, packed_b = SIM_BUF_INIT, ta = SIM_BUF_INIT, tb = SIM_BUF_INIT;

        if (ca->settle)
            ca->settle(ca->object);
        if (cb->settle)
            cb->settle(cb->object);
        sim_fields_pack(ca->fields, ca->object, &packed_a);
        sim_fields_pack(cb->fields, cb->object, &packed_b);
        if (packed_a.len != packed_b.len || memcmp(packed_a.data, packed_b.data, packed_a.len) != 0) {
            sim_fields_format(ca->fields, ca->object, "", &ta);
            sim_fields_format(cb->fields, cb->object, "", &tb);
            sim_buf_u8(&ta, 0);
            sim_buf_u8(&tb, 0);
            printf("  %s differs (%zu and %zu bytes)\n", ca->name, packed_a.len, packed_b.len);
            print_differing_lines(ca->name, (const char *)ta.data, (const char *)tb.data);
        }
        sim_buf_fini(&packed_a);
        sim_buf_fini(&packed_b);
        sim_buf_fini(&ta);
        sim_buf_fini(&tb);
    }
    for (struct bus_ram *ra = a->bus->memory.first, *rb = b->bus->memory.first; ra && rb; ra = ra->next, rb = rb->next)
        if (ra->state && bus_ram_hash(ra) != bus_ram_hash(rb))
            print_differing_pages(ra, rb);
    fflush(stdout);
}

/* ---- Small things ---- */

/* xorshift: any seed but 0. */
static inline uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Presses and releases the keys of a few small letters, spaces and line ends; the keyboard's buffer holds five or so. */
static inline void type_keys(struct sim *sim, const char *text)
{
    for (; *text; text++) {
        uint8_t usage = *text == '\n' ? 0x28 : *text == ' ' ? 0x2c : (uint8_t)(*text - 'a' + 0x04);

        ck_assert_int_eq(sim_input_key(sim, usage, true), SIM_OK);
        ck_assert_int_eq(sim_input_key(sim, usage, false), SIM_OK);
    }
}

/* Text that a machine sent on serial0. */
struct heard {
    struct sim_buf text;
    size_t pieces;
};

static inline void hear(void *arg, const char *channel, const void *data, size_t len)
{
    struct heard *h = (struct heard *)arg;

    h->pieces++;
    if (strcmp(channel, "serial0") == 0)
        sim_buf_put(&h->text, data, len);
}

static inline bool has_heard(struct heard *h, const char *text)
{
    return h->text.data && memmem(h->text.data, h->text.len, text, strlen(text)) != NULL;
}

/* Runs until the text has come over serial0, at most so many steps. */
static inline bool run_until_heard(struct sim *sim, struct heard *h, const char *text, sim_steps at_most)
{
    struct sim_stop stop;
    sim_steps end = sim->step + at_most;

    while (!has_heard(h, text)) {
        if (sim->step >= end)
            return false;
        ck_assert_int_eq(sim_run_steps(sim, 10000, &stop), SIM_OK);
        if (stop.reason != SIM_STOP_STEPS)
            return has_heard(h, text);
    }
    return true;
}

/* Runs a suite; the test program's status. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
