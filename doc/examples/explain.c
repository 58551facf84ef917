/*
 * Runs a kernel into its triple fault, prints why, and goes back in time to look around.
 *
 *     cc explain.c $(pkg-config --cflags --libs libsim) -o explain
 *     ./explain kernel.elf
 */
#include <libsim/debug.h>

#include <stdio.h>

static void look(struct sim *sim)
{
    uint64_t pc = 0, sp = 0;
    char insn[160], where[200];
    unsigned len;

    sim_reg_read(sim, 0, "pc", &pc); /* linear: CS.base + EIP */
    sim_reg_read(sim, 0, "esp", &sp);
    if (sim_symbolize(sim, pc, where, sizeof(where)) != SIM_OK)
        where[0] = 0;
    sim_disassemble(sim, 0, pc, insn, sizeof(insn), &len);
    printf("step %-8llu esp %08llx  %08llx %-32s %s\n", (unsigned long long)sim_position(sim).step, (unsigned long long)sp, (unsigned long long)pc,
           where, insn);
}

int main(int argc, char **argv)
{
    struct sim_config cfg;
    struct sim_stop stop;
    struct sim *sim;

    if (argc < 2) {
        fprintf(stderr, "usage: explain IMAGE [COMMAND LINE]\n");
        return 2;
    }
    sim_config_init(&cfg);
    sim_config_set(&cfg, "image", argv[1]);
    if (argc > 2)
        sim_config_set(&cfg, "append", argv[2]);
    if (sim_create(&cfg, &sim) != SIM_OK) {
        fprintf(stderr, "explain: %s\n", sim_last_error());
        sim_config_fini(&cfg);
        return 1;
    }
    sim_config_fini(&cfg);

    sim_run_steps(sim, 100000000, &stop);
    if (stop.reason != SIM_STOP_TRIPLE_FAULT) {
        printf("no triple fault: %s\n", stop.text);
        sim_destroy(sim);
        return 1;
    }
    fputs(sim_explain(sim, &stop), stdout);

    puts("\nThe last steps, backwards:");
    for (int n = 0; n < 5; n++) {
        sim_reverse_steps(sim, 1, &stop); /* the timeline is on unless it is switched off */
        look(sim);
    }
    sim_destroy(sim);
    return 0;
}
