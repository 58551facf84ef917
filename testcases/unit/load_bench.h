/*
 * A bench for loaders and firmware: machines made from images in memory, and a look at what was left in their RAM.
 */
#ifndef LIBSIM_TESTCASES_UNIT_LOAD_BENCH_H
#define LIBSIM_TESTCASES_UNIT_LOAD_BENCH_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libsim/machine.h"

/* ---- Machines ---- */

/* Options as "name", "value" pairs, ended by NULL; timeline off. */
static inline enum sim_err load_open(struct sim **sim, const void *image, size_t len, const char *const *options)
{
    struct sim_config cfg;
    enum sim_err err;

    sim_config_init(&cfg);
    ck_assert_int_eq(sim_config_set(&cfg, "timeline", "off"), SIM_OK);
    for (; options && *options; options += 2)
        ck_assert_msg(sim_config_set(&cfg, options[0], options[1]) == SIM_OK, "%s", sim_last_error());
    if (image)
        sim_config_image(&cfg, image, len);
    *sim = NULL;
    err = sim_create(&cfg, sim);
    sim_config_fini(&cfg);
    return err;
}

/* A refusal is one line that says something. */
static inline void load_refused(enum sim_err err, enum sim_err wanted, const char *word)
{
    const char *text = sim_last_error();

    ck_assert_msg(err == wanted, "error %d instead of %d: %s", err, wanted, text);
    ck_assert_ptr_null(strchr(text, '\n'));
    ck_assert_uint_gt(strlen(text), 10);
    ck_assert_uint_lt(strlen(text), 400);
    if (word)
        ck_assert_msg(strstr(text, word) != NULL, "\"%s\" says nothing of \"%s\"", text, word);
}

static inline void load_ram(struct sim *sim, uint64_t at, void *out, size_t len)
{
    bus_ram_get(bus_ram_find(&sim->bus->memory, "ram"), at, out, len);
}

static inline uint64_t load_peek(struct sim *sim, uint64_t at, unsigned bytes)
{
    uint64_t v = 0;

    load_ram(sim, at, &v, bytes);
    return v;
}

static inline const char *load_text(struct sim *sim, uint64_t at, char out[256])
{
    load_ram(sim, at, out, 255);
    out[255] = 0;
    return out;
}

static inline struct cpu *load_cpu(struct sim *sim) { return cpu_get(sim->cluster, 0); }

/* ---- Files of our own ---- */

static char load_dir[64];

static inline void load_files_begin(void)
{
    strcpy(load_dir, "/tmp/libsim-load-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(load_dir));
}

static inline void load_files_end(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", load_dir);
    ck_assert_int_eq(system(command), 0);
}

/* Writes a file; its path is good until the next call. */
static inline const char *load_file(const char *name, const void *data, size_t len)
{
    static char path[160];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", load_dir, name);
    f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
    return path;
}

static inline uint32_t load_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

#endif
