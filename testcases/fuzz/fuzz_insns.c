/*
 * Random instructions in all modes: what must hold of each machine, whatever its guest does.
 *
 *     fuzz_insns [--seed N] [--cases N] [--seconds N] [--failures N]
 *     fuzz_insns --case NUMBER [--trace]
 *
 * Each case runs two machines from the same random state (scene.c), one in one piece, the other in a way of its own (walk.c). Of each is asked:
 *   - no assertion, no sanitizer's report, no end of the program;
 *   - no run takes more than CASE_SECONDS of the host's time;
 *   - at each mark both are at the same step, have the same digest and say the same of it; they stop for the same reason;
 *   - every exception has a cause, of its own vector, and the machine's story of it is told, also as JSON;
 *   - between two steps no fault is left over, and privilege level, CS and EFLAGS.VM agree.
 *
 * Cases run in a child process, so that one that ends the program is counted and the next goes on. What failed is printed with its number;
 * --case makes it again in this process, for a debugger, with --trace showing each step of the first machine.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "debug/dbg.h"
#include "testcases/fuzz/fuzz.h"
#include "testcases/machine/bench.h"

#define CASE_SECONDS 180 /* of the processor's time, for both machines with the slowest sanitizers, if code resets them every few steps */

/* What parent and child share. */
static struct tally {
    uint64_t cases, failures, steps, deliveries, exceptions;
    uint64_t number; /* of the case under way */
    uint64_t ways[32], modes[SCENE_MODES], stops[16], vectors[32];
} *tally;

static struct walker *under_way;

/* ---- What must hold ---- */

static const uint8_t cause_vectors[CPU_CAUSE_COUNT] = {
#define CAUSE(id, text_id, vector, text) [CPU_CAUSE_##id] = vector,
#include "cpu/causes.def"
#undef CAUSE
};

static const char *bad_record(const struct cpu_delivery *d)
{
    static char text[160];

    if (d->type != CPU_DELIVER_EXCEPTION)
        return NULL;
    if (d->cause == CPU_CAUSE_NONE || (unsigned)d->cause >= CPU_CAUSE_COUNT)
        snprintf(text, sizeof(text), "exception %u has no cause", d->vector);
    else if (cause_vectors[d->cause] != d->vector)
        snprintf(text, sizeof(text), "exception %u has the cause %s", d->vector, cpu_cause_id(d->cause));
    else
        return NULL;
    return text;
}

/* A CS of real mode, whose lowest bits tell nothing, until protected mode's first far transfer. */
static bool real_cs(const struct cpu *cpu)
{
    return !cpu->cpl && cpu->seg[CPU_CS].base == (uint64_t)cpu->seg[CPU_CS].selector << 4;
}

static const char *bad_cpu(struct cpu *cpu)
{
    uint32_t first = cpu->history_next > CPU_HISTORY ? cpu->history_next - CPU_HISTORY : 0;

    for (uint32_t n = first; n < cpu->history_next; n++) {
        const char *bad = bad_record(&cpu->history[n % CPU_HISTORY]);

        if (bad)
            return bad;
    }
    if (cpu->fault.valid || cpu->delivering)
        return "a fault was left over";
    if (cpu->eflags & EFL_VM && cpu->cpl != 3)
        return "VM86 below privilege level 3";
    if (cpu->activity != CPU_SHUTDOWN && cpu->cr0 & CR0_PE && !(cpu->eflags & EFL_VM) && (cpu->seg[CPU_CS].selector & 3) != cpu->cpl && !real_cs(cpu))
        return "CS.RPL is not the privilege level";
    return NULL;
}

/* Is it one JSON value? Returns what stands behind it, or NULL. */
static const char *json_value(const char *p, unsigned depth);

static const char *json_string(const char *p)
{
    for (p++; *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return NULL;
        if (*p == '\\' && !strchr("\"\\/bfnrtu", *++p))
            return NULL;
    }
    return p + 1;
}

static const char *json_list(const char *p, unsigned depth, char end)
{
    p++;
    if (*p == end)
        return p + 1;
    for (;;) {
        if (end == '}' && (*p != '"' || !(p = json_string(p)) || *p++ != ':'))
            return NULL;
        p += *p == ' ';
        p = json_value(p, depth + 1);
        if (!p || (*p != ',' && *p != end))
            return NULL;
        if (*p++ == end)
            return p;
        p += *p == ' ';
    }
}

static const char *json_value(const char *p, unsigned depth)
{
    static const char *const words[] = { "null", "true", "false" };

    if (depth > 10)
        return NULL;
    if (*p == '{' || *p == '[')
        return json_list(p, depth, *p == '{' ? '}' : ']');
    if (*p == '"')
        return json_string(p);
    for (unsigned n = 0; n < 3; n++)
        if (strncmp(p, words[n], strlen(words[n])) == 0)
            return p + strlen(words[n]);
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        return p + 1 + strspn(p + 1, "0123456789");
    return NULL;
}

static const char *bad_story(struct sim *sim, const struct sim_stop *stop)
{
    const char *end;
    bool any = false;

    for (unsigned n = 0; n < sim_cpus(sim); n++)
        any |= cpu_get(sim->cluster, n)->history_next != 0;
    for (unsigned n = 0; n < sim_cpus(sim); n++) {
        struct sim_stop of = *stop;
        bool told;

        of.cpu = n;
        told = *sim_explain(sim, &of) != 0;
        if (told != (cpu_get(sim->cluster, n)->history_next != 0))
            return told ? "a story of nothing" : "deliveries without a story";
        end = sim_explain_json(sim, &of); /* nothing of nothing */
        end = told ? json_value(end, 0) : end;
        if (!end || (*end && *end != '\n'))
            return "the story's JSON is none";
    }
    if (stop->reason == SIM_STOP_TRIPLE_FAULT && !any)
        return "a triple fault out of nothing";
    return *stop->text ? NULL : "a stop without a word";
}

static const char *bad_machine(struct sim *sim, const struct sim_stop *stop)
{
    for (unsigned n = 0; n < sim_cpus(sim); n++) {
        const char *bad = bad_cpu(cpu_get(sim->cluster, n));

        if (bad)
            return bad;
    }
    return bad_story(sim, stop);
}

/* ---- One case ---- */

static bool failed(const struct scene *s, const char *when, sim_steps step, const char *why)
{
    fprintf(stderr, "case 0x%016" PRIx64 " (%s, %s, %u CPUs, %s), %s, step %llu: %s\n", s->number, scene_mode_names[s->mode], s->model, s->cpus,
            ways[s->way].name, when, (unsigned long long)step, why);
    return false;
}

/* False: nothing was given. */
static bool give_input(struct sim *sim, const struct scene *s, unsigned mark)
{
    struct rng r = { s->number + mark };

    switch (rng_below(&r, 12)) {
    case 0: sim_input_key(sim, (uint8_t)(4 + rng_below(&r, 60)), rng_chance(&r, 50)); break;
    case 1: sim_input_bytes(sim, "serial0", "fuzz", 4); break;
    case 2: sim_input_mouse(sim, 1, -2, 1, rng_below(&r, 8)); break;
    case 3:
        if (rng_chance(&r, 80))
            return false;
        sim_input_reset(sim);
        break;
    default: return false;
    }
    return true;
}

static void count(const struct sim *sim, const struct scene *s, const struct sim_stop *stop)
{
    tally->ways[s->way]++;
    tally->modes[s->mode]++;
    tally->stops[stop->reason & 15]++;
    tally->steps += sim->step;
    for (unsigned n = 0; n < sim_cpus(sim); n++) {
        const struct cpu *cpu = cpu_get(sim->cluster, n);

        tally->deliveries += cpu->history_next;
        for (uint32_t k = 0; k < cpu->history_next && k < CPU_HISTORY; k++)
            if (cpu->history[k].type == CPU_DELIVER_EXCEPTION)
                tally->vectors[cpu->history[k].vector & 31]++, tally->exceptions++;
    }
}

/* At a mark: false when something does not hold. */
static bool compare(const struct scene *s, struct walker *a, struct walker *b, const struct sim_stop *stop_a, const struct sim_stop *stop_b)
{
    uint64_t digest_a = sim_digest(a->sim), digest_b = sim_digest(b->sim);
    const char *bad = a->failed ? a->failed : b->failed ? b->failed : NULL;

    if (!bad && (digest_a != digest_b || a->sim->step != b->sim->step)) {
        bad = "the machines differ";
        printf("case 0x%016" PRIx64 ": step %llu, %s | step %llu, %s\n", s->number, (unsigned long long)a->sim->step, sim_stop_word(stop_a->reason),
               (unsigned long long)b->sim->step, sim_stop_word(stop_b->reason));
        print_difference(a->sim, b->sim);
    }
    if (!bad && walk_ended(stop_a) && stop_a->reason != stop_b->reason)
        bad = "they stop for different reasons";
    if (!bad)
        bad = bad_machine(a->sim, stop_a);
    if (!bad)
        bad = bad_machine(b->sim, stop_b);
    if (bad)
        return failed(s, "at a mark", a->sim->step, bad);
    if (b->marks < sizeof(b->mark) / sizeof(b->mark[0])) {
        b->mark[b->marks].step = b->sim->step;
        b->mark[b->marks++].digest = digest_b;
    }
    return true;
}

static void show_step(void *arg, const char *line)
{
    (void)arg;
    puts(line);
    fflush(stdout);
}

static bool walk_side_by_side(const struct scene *s, struct walker *a, struct walker *b)
{
    struct sim_stop stop_a = { .reason = SIM_STOP_START, .text = "-" }, stop_b = stop_a;

    if (!compare(s, a, b, &stop_a, &stop_b))
        return false;
    for (unsigned mark = 1; mark <= s->marks; mark++) {
        sim_steps end = mark * s->every;

        if (b->sim->step >= end) /* where both are: input that waits would enter the one that is run */
            continue;
        under_way = b;
        ways[s->way].run(b, end, &stop_b);
        under_way = a; /* and to where the other has come: stepping one processor takes others past the mark */
        walk_plain(a, b->sim->step > end ? b->sim->step : end, &stop_a);
        if (!compare(s, a, b, &stop_a, &stop_b))
            return false;
        if (walk_ended(&stop_a))
            break;
        give_input(a->sim, s, mark);
        if (give_input(b->sim, s, mark))
            b->marks--; /* who comes back to this step finds the input's effect there */
    }
    count(a->sim, s, &stop_a);
    return true;
}

static bool run_case(uint64_t number, bool trace)
{
    struct scene s;
    struct walker a = { 0 }, b = { 0 };
    bool ok;

    scene_plan(&s, number);
    a.scene = b.scene = &s;
    b.rng.state = number ^ 0xb;
    a.sim = scene_open(&s);
    b.sim = scene_open(&s);
    if (!a.sim || !b.sim) {
        ok = failed(&s, "making the machines", 0, sim_last_error());
    } else {
        if (ways[s.way].timeline && sim_timeline(b.sim, true, 0))
            b.failed = sim_last_error();
        if (ways[s.way].prepare)
            ways[s.way].prepare(&b);
        if (trace)
            dbg_trace_steps(a.sim->dbg, show_step, NULL);
        ok = walk_side_by_side(&s, &a, &b);
    }
    under_way = NULL;
    sim_destroy(a.sim);
    sim_destroy(b.sim);
    return ok;
}

/* ---- Cases in a child ---- */

static uint64_t case_number(uint64_t seed, uint64_t n)
{
    struct rng r = { seed * 0x100000001b3ull + n };

    return rng_next(&r);
}

static void too_long(int signal)
{
    (void)signal;
    if (under_way)
        for (unsigned n = 0; n < sim_cpus(under_way->sim); n++) {
            const struct cpu *cpu = cpu_get(under_way->sim->cluster, n);

            fprintf(stderr, "  cpu%u: step %llu, cycle %llu, %04x:%llx\n", n, (unsigned long long)cpu->steps, (unsigned long long)cpu->cycle,
                    cpu->seg[CPU_CS].selector, (unsigned long long)cpu->ip);
        }
    fprintf(stderr, "case 0x%016" PRIx64 ": not done in %u seconds\n", tally->number, CASE_SECONDS);
    abort();
}

static void watch_time(void)
{
    struct itimerval limit = { .it_value = { .tv_sec = CASE_SECONDS } };

    signal(SIGPROF, too_long);
    setitimer(ITIMER_PROF, &limit, NULL);
}

struct range {
    uint64_t seed, next, cases;
    time_t end; /* 0: none */
};

/* Runs cases until the range or the time is over: 0; a failed one: 1. */
static int run_range(const struct range *r)
{
    for (uint64_t n = r->next; n < r->cases && !(r->end && time(NULL) >= r->end); n++) {
        tally->number = case_number(r->seed, n);
        tally->cases = n + 1;
        watch_time();
        if (!run_case(tally->number, false))
            return 1;
    }
    return 0;
}

static bool run_child(const struct range *r)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct rlimit none = { 0, 0 };

        setrlimit(RLIMIT_CORE, &none);
        status = run_range(r);
        fflush(NULL);
        _exit(status);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("fuzz_insns");
        exit(EXIT_FAILURE);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
        fprintf(stderr, "case 0x%016" PRIx64 ": the program ended with status 0x%x\n", tally->number, (unsigned)status);
    return false;
}

/* ---- The report ---- */

static void report(uint64_t seconds)
{
    printf("%" PRIu64 " cases, %" PRIu64 " steps, %" PRIu64 " deliveries, %" PRIu64 " seconds, %" PRIu64 " failures\n", tally->cases, tally->steps,
           tally->deliveries, seconds, tally->failures);
    printf("modes:");
    for (unsigned n = 0; n < SCENE_MODES; n++)
        printf(" %s %" PRIu64, scene_mode_names[n], tally->modes[n]);
    printf("\nways:");
    for (unsigned n = 0; n < way_count; n++)
        printf(" %s %" PRIu64 "%s", ways[n].name, tally->ways[n], n + 1 < way_count ? "," : "");
    printf("\nstops:");
    for (unsigned n = 0; n <= SIM_STOP_ERROR; n++)
        if (tally->stops[n])
            printf(" %s %" PRIu64, sim_stop_word((enum sim_stop_reason)n), tally->stops[n]);
    printf("\nvectors:");
    for (unsigned n = 0; n < 32; n++)
        if (tally->vectors[n])
            printf(" %u %" PRIu64, n, tally->vectors[n]);
    printf("\n");
    fflush(stdout);
}

static uint64_t number_argument(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int n = 1; n + 1 < argc; n++)
        if (strcmp(argv[n], name) == 0)
            return strtoull(argv[n + 1], NULL, 0);
    return otherwise;
}

static bool has_argument(int argc, char **argv, const char *name)
{
    for (int n = 1; n < argc; n++)
        if (strcmp(argv[n], name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    uint64_t seconds = number_argument(argc, argv, "--seconds", 0), most = number_argument(argc, argv, "--failures", 20);
    time_t begin = time(NULL);
    struct range r = { number_argument(argc, argv, "--seed", 1), 0, number_argument(argc, argv, "--cases", seconds ? UINT64_MAX : 400),
                       seconds ? begin + (time_t)seconds : 0 };

    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a machine touches little of its memory, and two are made for each case */
    tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED) {
        perror("fuzz_insns");
        return EXIT_FAILURE;
    }
    if (has_argument(argc, argv, "--case")) {
        tally->number = number_argument(argc, argv, "--case", 0);
        watch_time();
        return run_case(tally->number, has_argument(argc, argv, "--trace")) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    printf("seed %" PRIu64 "\n", r.seed);
    while (!run_child(&r)) {
        r.next = tally->cases;
        if (++tally->failures >= most)
            break;
    }
    report((uint64_t)(time(NULL) - begin));
    return tally->failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
