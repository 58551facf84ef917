/*
 * Boots an image, shows what it prints on COM1, and says how it ended.
 *
 *     cc run.c $(pkg-config --cflags --libs libsim) -o run
 *     ./run kernel.elf
 */
#include <libsim/sim.h>

#include <stdio.h>
#include <string.h>

static void on_output(void *arg, const char *channel, const void *data, size_t len)
{
    if (strcmp(channel, "serial0") == 0)
        fwrite(data, 1, len, (FILE *)arg);
}

int main(int argc, char **argv)
{
    struct sim_config cfg;
    struct sim_stop stop;
    struct sim *sim;

    if (argc < 2) {
        fprintf(stderr, "usage: run IMAGE [COMMAND LINE]\n");
        return 2;
    }
    sim_config_init(&cfg);
    if (sim_config_set(&cfg, "image", argv[1]) != SIM_OK || (argc > 2 && sim_config_set(&cfg, "append", argv[2]) != SIM_OK) ||
        sim_create(&cfg, &sim) != SIM_OK) {
        fprintf(stderr, "run: %s\n", sim_last_error()); /* every call that fails leaves one clear line */
        sim_config_fini(&cfg);
        return 1;
    }
    sim_config_fini(&cfg); /* sim_create made a copy */

    sim_on_output(sim, on_output, stdout);
    sim_run_until(sim, 10 * sim_clock_hz(sim), &stop); /* ten simulated seconds at most */
    printf("\n%s after %llu steps: %s\n", sim_stop_word(stop.reason), (unsigned long long)stop.at.step, stop.text);

    sim_destroy(sim);
    return 0;
}
