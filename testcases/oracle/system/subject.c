/*
 * The simulator as the subject of the system oracle: runs the guest, and writes its log.
 *
 *     subject GUEST WORDS STEPS >LOG
 *
 * WORDS is the guest's command line. Before each line of the guest stands, for each exception that the processor met since the line before,
 * one of the subject's own: `D CAUSE`, an ID of cpu/causes.def. The guest cannot tell what its own handlers took, or what was turned into
 * another exception; known errors of a peer (peers.c) may.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libsim/machine.h"

struct subject {
    const struct cpu *cpu;
    uint32_t seen;          /* records of the history */
    unsigned causes;
    const char *cause[64];  /* of the line that comes next; if there are more, the first ones and the last */
    bool within;            /* a line */
};

static void see_causes(struct subject *s)
{
    for (; s->seen != s->cpu->history_next; s->seen++) {
        const struct cpu_delivery *d = &s->cpu->history[s->seen % CPU_HISTORY];

        if (d->type != CPU_DELIVER_EXCEPTION)
            continue;
        s->causes -= s->causes == sizeof(s->cause) / sizeof(s->cause[0]);
        s->cause[s->causes++] = cpu_cause_id(d->cause);
    }
}

/* An exception comes to its handler: the history does not hold many. */
static bool on_exception(void *arg, struct sim *sim, uint32_t id)
{
    (void)sim;
    (void)id;
    see_causes(arg);
    return false;
}

static void tell_causes(struct subject *s)
{
    see_causes(s);
    for (unsigned n = 0; n < s->causes; n++)
        printf("D %s\n", s->cause[n]);
    s->causes = 0;
}

static void on_output(void *arg, const char *channel, const void *data, size_t len)
{
    struct subject *s = arg;
    const char *text = data;

    if (strcmp(channel, "debug") != 0)
        return;
    for (size_t n = 0; n < len; n++) {
        if (!s->within)
            tell_causes(s);
        putchar(text[n]);
        s->within = text[n] != '\n';
    }
}

static int fail(const char *what)
{
    fprintf(stderr, "subject: %s: %s\n", what, sim_last_error());
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct subject s = { 0 };
    struct sim_config cfg;
    struct sim_stop stop;
    struct sim *sim;
    enum sim_err err;
    uint32_t id;

    if (argc != 4) {
        fprintf(stderr, "usage: subject GUEST WORDS STEPS\n");
        return EXIT_FAILURE;
    }
    const char *options[][2] = { { "image", argv[1] }, { "append", argv[2] }, { "cpu", "max" }, { "memory", "64" }, { "timeline", "off" } };

    sim_config_init(&cfg);
    for (unsigned n = 0; n < sizeof(options) / sizeof(options[0]); n++)
        if (sim_config_set(&cfg, options[n][0], options[n][1]))
            return fail(options[n][0]);
    if (sim_create(&cfg, &sim))
        return fail(argv[1]);
    sim_config_fini(&cfg);
    s.cpu = cpu_get(sim->cluster, 0);
    sim_on_output(sim, on_output, &s);
    if (sim_probe_add(sim, "catch exception", &id) || sim_probe_callback(sim, id, on_exception, &s))
        return fail("catch exception");
    err = sim_run_steps(sim, strtoull(argv[3], NULL, 0), &stop);
    sim_destroy(sim);
    return err ? fail("the run") : EXIT_SUCCESS;
}
