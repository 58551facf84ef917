/*
 * Drives the oracle test: see oracle.h.
 *
 *     oracle [tests per row] [seed] [mnemonic]
 *
 * All that differs is counted by mnemonic; the first few are shown in full. Flags that the manual leaves undefined are listed apart: a
 * difference there is no failure, for hosts differ too.
 */
#include "testcases/oracle/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/isa/isa.h"
#include "cpu/regs.h"

#define FLAGS (EFL_ARITH | EFL_DF | EFL_AC | EFL_NT | EFL_ID)
enum { SHOWN = 8, MAX_ROWS = 2048 };

static struct { unsigned long tests, faults, wrong, undefined[32]; } tally[MAX_ROWS];
static unsigned shown;

static void show_state(const char *name, const struct state *s)
{
    static const char *const reg[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };

    printf("    %-9s", name);
    for (unsigned n = 0; n < 8; n++)
        printf(" %s %08x", reg[n], s->reg[n]);
    printf(" eip %08x flags %05x es %x cs %x ss %x ds %x gs %x", s->ip, s->eflags & FLAGS, s->sel[S_ES], s->sel[S_CS], s->sel[S_SS],
           s->sel[S_DS], s->sel[S_GS]);
    if (s->vector >= 0)
        printf(" fault %d(%x) cr2 %08x", s->vector, s->error, s->cr2);
    printf("\n");
}

static void show(const struct test *t, const struct state *native, const struct state *simulated, const char *what)
{
    static const char *const seg[] = { "es", "cs", "ss", "ds", "fs", "gs" };

    printf("%s: %s\n    bytes    ", isa_rows[t->row].mnemonic, what);
    for (unsigned n = 0; n < t->len; n++)
        printf(" %02x", t->code[n]);
    printf(" at %08x%s;", t->code_at, t->to_end ? ", to its end" : "");
    for (unsigned n = 0; n < S_COUNT; n++)
        if (n != S_FS)
            printf(" %s %x:%x%s%s%s", seg[n], t->seg[n]->base, t->seg[n]->limit, t->seg[n]->big ? " 32" : "", t->seg[n]->down ? " down" : "",
                   t->seg[n]->readonly ? " ro" : "");
    printf("\n");
    show_state("before", &t->in);
    show_state("native", native);
    show_state("simulated", simulated);
}

/* Compares a range of pages; where they differ the host is right from now on. */
static bool same_memory(uint32_t laddr, unsigned pages, char *what, size_t size)
{
    bool same = true;

    for (unsigned n = 0; n < pages; n++) {
        const uint8_t *native, *simulated;
        uint32_t at = laddr + n * PAGE;

        if (laddr == DATA && !data_present(n))
            continue;
        native = native_page(at);
        simulated = simulated_page(at);
        if (!memcmp(native, simulated, PAGE))
            continue;
        for (unsigned k = 0; same && k < PAGE; k++)
            if (native[k] != simulated[k]) {
                snprintf(what, size, "memory at %08x is %02x natively, %02x simulated", at + k, native[k], simulated[k]);
                same = false;
            }
        simulated_put(at, native, PAGE);
    }
    return same;
}

/* Undefined flags go to the tally, and are taken out. A count of 0 changes no flag; that the table cannot say. */
static uint32_t defined_flags(const struct test *t, const struct state *native, const struct state *simulated)
{
    uint32_t undefined = isa_rows[t->row].undefined, differ = native->eflags ^ simulated->eflags;

    for (unsigned n = 0; n < 32; n++)
        if (differ & undefined & (1u << n))
            tally[t->row].undefined[n]++;
    return FLAGS & ~undefined;
}

/*
 * What processors leave behind of an instruction that faults, and we do not: there a fault leaves the state of before.
 *   POPA   registers popped before the slot that faults
 *   PUSHA  registers pushed before the slot that faults
 *   ENTER  the frame pushed before the new stack pointer is found to be bad
 *   CALL   the return address, when the target lies outside the segment
 * And where several words are read, of which more than one faults, another one may be the first: ADDRESS (CR2).
 */
enum { REGISTERS = 1, MEMORY = 2, ADDRESS = 4 };
static const struct { const char *mnemonic; unsigned what; } known[] = {
    { "popa", REGISTERS }, { "pusha", MEMORY }, { "enter", MEMORY }, { "call", MEMORY }, { "call far", MEMORY },
    { "ret far", ADDRESS }, { "iret", ADDRESS },
};

static unsigned known_residue(const struct test *t)
{
    for (unsigned n = 0; n < sizeof(known) / sizeof(known[0]); n++)
        if (!strcmp(known[n].mnemonic, isa_rows[t->row].mnemonic))
            return known[n].what;
    return 0;
}

/* A null selector loses its RPL on the way back from the kernel. */
static bool same_selectors(const struct state *native, const struct state *simulated)
{
    for (unsigned n = 0; n < S_COUNT; n++)
        if (native->sel[n] != simulated->sel[n] && (native->sel[n] > 3 || simulated->sel[n] > 3))
            return false;
    return true;
}

static bool compare(const struct test *t, const struct state *native, const struct state *simulated)
{
    char what[120] = "";
    uint32_t flags = defined_flags(t, native, simulated);
    unsigned residue = native->vector >= 0 && native->vector == simulated->vector ? known_residue(t) : 0;
    bool data = same_memory(DATA, DATA_PAGES, what, sizeof(what)), memory = same_memory(CODE, CODE_PAGES, what, sizeof(what)) && data;

    if (native->vector != simulated->vector)
        snprintf(what, sizeof(what), "fault %d natively, %d simulated", native->vector, simulated->vector);
    else if (native->error != simulated->error || (!(residue & ADDRESS) && native->cr2 != simulated->cr2))
        strcpy(what, "error code or CR2");
    else if (!(residue & REGISTERS) && memcmp(native->reg, simulated->reg, sizeof(native->reg)))
        strcpy(what, "registers");
    else if (native->ip != simulated->ip)
        strcpy(what, "EIP");
    else if (!same_selectors(native, simulated))
        strcpy(what, "segments");
    else if ((native->eflags ^ simulated->eflags) & flags)
        strcpy(what, "flags");
    else if (memory || residue & MEMORY)
        return true;
    if (tally[t->row].wrong == 0 && shown++ < SHOWN)
        show(t, native, simulated, what);
    return false;
}

static void fill_memory(void)
{
    uint32_t page[PAGE / 4];

    for (unsigned n = 0; n < DATA_PAGES; n++) {
        if (!data_writable(n))
            continue;
        for (unsigned k = 0; k < PAGE / 4; k++)
            page[k] = rnd();
        native_put(DATA + n * PAGE, page, PAGE);
        simulated_put(DATA + n * PAGE, page, PAGE);
    }
}

static void run_row(unsigned row, unsigned long tests, uint64_t seed)
{
    struct state native, simulated;
    struct test t;

    for (unsigned long n = 0; n < tests; n++) {
        rnd_seed(seed + row * 1000003ull + n);
        if (n % 1024 == 0)
            fill_memory();
        if (!generate(row, &t))
            continue;
        native_run(&t, &native);
        simulated_run(&t, &simulated);
        tally[row].tests++;
        tally[row].faults += native.vector >= 0 && native.vector != 3;
        tally[row].wrong += !compare(&t, &native, &simulated);
    }
}

/* ---- Report ---- */

static void report_undefined(void)
{
    static const struct { uint32_t bit; const char *name; } flags[] = { { 0, "CF" }, { 2, "PF" }, { 4, "AF" }, { 6, "ZF" }, { 7, "SF" }, { 11, "OF" } };

    for (unsigned row = 0; row < isa_row_count; row++)
        for (unsigned f = 0; f < 6; f++)
            if (tally[row].undefined[flags[f].bit])
                printf("undefined %s of %s (%s%02X): %lu of %lu differ from this host\n", flags[f].name, isa_rows[row].mnemonic,
                       isa_rows[row].map ? "0F " : "", isa_rows[row].opcode, tally[row].undefined[flags[f].bit], tally[row].tests);
}

static unsigned long report(void)
{
    unsigned long tests = 0, faults = 0, wrong = 0, rows = 0;

    for (unsigned row = 0; row < isa_row_count; row++) {
        rows += tally[row].tests != 0;
        tests += tally[row].tests;
        faults += tally[row].faults;
        wrong += tally[row].wrong;
        if (tally[row].wrong)
            printf("%s (%s%02X /%u): %lu of %lu differ\n", isa_rows[row].mnemonic, isa_rows[row].map ? "0F " : "", isa_rows[row].opcode,
                   isa_rows[row].ext, tally[row].wrong, tally[row].tests);
    }
    report_undefined();
    printf("oracle: %lu rows, %lu tests, %lu of them faulted, %lu differ\n", rows, tests, faults, wrong);
    return wrong;
}

static void prepare_readonly(void)
{
    uint32_t page[PAGE / 4];

    rnd_seed(1);
    for (unsigned k = 0; k < PAGE / 4; k++)
        page[k] = rnd();
    native_put(DATA + 4 * PAGE, page, PAGE);
    simulated_put(DATA + 4 * PAGE, page, PAGE);
    native_protect();
}

static int run(unsigned long tests, uint64_t seed, const char *mnemonic)
{
    const char *why = native_init(ldt_segments, ldt_count);

    if (why) {
        printf("SKIP: oracle: %s\n", why);
        return 77;
    }
    why = simulated_init();
    if (why) {
        printf("oracle: %s\n", why);
        return 1;
    }
    prepare_readonly();
    for (unsigned row = 0; row < isa_row_count; row++)
        if (row_wanted(row) && (!mnemonic || !strcmp(mnemonic, isa_rows[row].mnemonic)))
            run_row(row, tests, seed);
    return report() != 0;
}

/* In a child: a native test gone astray must not take the harness with it. */
int main(int argc, char **argv)
{
    unsigned long tests = argc > 1 ? strtoul(argv[1], NULL, 0) : 400;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    pid_t child = fork();
    int status;

    if (child == 0) {
        int result = run(tests, seed, argc > 3 ? argv[3] : NULL);

        fflush(stdout);
        _exit(result);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    printf("oracle: died of signal %d\n", WTERMSIG(status));
    return 1;
}
