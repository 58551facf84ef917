/*
 * The instruction fuzzer: machines in random states that run random instructions.
 *
 *   scene.c       a machine from a seed: modes, segments, tables, registers, devices in reach
 *   stream.c      random instructions
 *   walk.c        the ways to run a machine that must make no difference
 *   fuzz_insns.c  cases, what must hold of each, the report
 *
 * A case is one number. It says everything: the machine, what it runs, and how the second machine beside it is run. So a case that fails is
 * made again by its number alone.
 */
#ifndef LIBSIM_TESTCASES_FUZZ_FUZZ_H
#define LIBSIM_TESTCASES_FUZZ_FUZZ_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "libsim/machine.h"

/* The benches of the unit tests ask Check, which is not running here. */
#define MUST(holds) ((holds) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds), abort()))
#undef ck_assert_uint_eq
#undef ck_assert_uint_lt
#undef ck_assert_int_eq
#undef ck_assert_msg
#define ck_assert_uint_eq(a, b)   MUST((a) == (b))
#define ck_assert_uint_lt(a, b)   MUST((a) < (b))
#define ck_assert_int_eq(a, b)    MUST((a) == (b))
#define ck_assert_msg(holds, ...) MUST(holds)

/* ---- Random numbers: splitmix64 ---- */

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
static inline unsigned rng_below(struct rng *r, unsigned n) { return (unsigned)(rng_next(r) >> 32) % n; }
static inline bool rng_chance(struct rng *r, unsigned of_100) { return rng_below(r, 100) < of_100; }
/* Any number of up to 64 bits, small ones as often as great ones. */
static inline uint64_t rng_any(struct rng *r) { return rng_next(r) >> rng_below(r, 64); }

/* ---- scene.c ---- */

enum scene_mode { SCENE_REAL, SCENE_UNREAL, SCENE_PROT16, SCENE_PROT32, SCENE_PAGED, SCENE_PAE, SCENE_VM86, SCENE_LONG, SCENE_COMPAT, SCENE_MODES };
extern const char *const scene_mode_names[SCENE_MODES];

struct scene {
    uint64_t number;  /* of the case */
    enum scene_mode mode;
    const char *model;
    unsigned cpus;
    uint32_t quantum;
    uint64_t turn_seed;
    bool stop_on_triple_fault;
    unsigned marks;
    sim_steps every;  /* steps from mark to mark */
    unsigned way;
};

/* What the case is about. */
void scene_plan(struct scene *s, uint64_t number);
/* The machine, at step 0, its timeline off. NULL: sim_last_error() says why. */
struct sim *scene_open(const struct scene *s);
/* One without the scene's state: for a saved state to be put into. */
struct sim *scene_open_bare(const struct scene *s);

/* ---- stream.c ---- */

struct stream {
    struct rng *rng;
    const struct cpu_isa_index *isa;
    uint32_t mode;       /* the mode word of the code */
    bool lapic_mapped;   /* at SCENE_LAPIC; else where it is by default */
    uint8_t *out;
    unsigned room, len;
};

/* Linear addresses of devices, where there is paging. */
enum { SCENE_LAPIC = 0x90000, SCENE_IOAPIC = 0x91000, SCENE_SCREEN = 0x92000, SCENE_NOWHERE = 0x93000 };

/* Fills `room` bytes with instructions; the last jumps to the first. */
void stream_fill(struct stream *s);
/* A number that means something somewhere: an address, a selector, a port, a count. */
uint64_t stream_value(struct rng *r);

/* ---- walk.c ---- */

struct walker {
    struct sim *sim;
    const struct scene *scene;
    struct rng rng;
    uint64_t count;           /* of what a way counts, so that it has an effect */
    struct {
        sim_steps step;
        uint64_t digest;
    } mark[16];
    unsigned marks;
    const char *failed;       /* what did not hold on the way */
};

struct way {
    const char *name;
    bool timeline;
    void (*prepare)(struct walker *w);                                       /* NULL: nothing */
    void (*run)(struct walker *w, sim_steps mark, struct sim_stop *stop);    /* to the mark, or to where the machine stops for good */
};
extern const struct way ways[];
extern const unsigned way_count;

/* In one piece. */
void walk_plain(struct walker *w, sim_steps mark, struct sim_stop *stop);
/* Has the machine come to its end? */
bool walk_ended(const struct sim_stop *stop);

#endif
