/*
 * Drives the oracle test: see oracle.h.
 *
 *     oracle [tests per row] [seed] [mnemonic, or "vectors" for all of them]
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
enum { SHOWN = 8, MAX_ROWS = 4096 };

static struct { unsigned long tests, faults, wrong, undefined[32]; } tally[MAX_ROWS];
static unsigned shown;
static unsigned long unsteady; /* tests that differed, and not when they were made again */

static void show_state(const char *name, const struct state *s, bool wide)
{
    static const char *const reg[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15" };

    printf("    %-9s", name);
    for (unsigned n = 0; n < (wide ? 16u : 8u); n++)
        printf(" %s %0*llx", reg[n], wide ? 16 : 8, (unsigned long long)s->reg[n]);
    printf(" ip %08llx flags %05x es %x cs %x ss %x ds %x gs %x", (unsigned long long)s->ip, s->eflags & FLAGS, s->sel[S_ES], s->sel[S_CS], s->sel[S_SS],
           s->sel[S_DS], s->sel[S_GS]);
    if (s->vector >= 0)
        printf(" fault %d(%x) cr2 %08llx", s->vector, s->error, (unsigned long long)s->cr2);
    printf("\n");
}

static void show_vectors(const struct test *t, const struct state *native, const struct state *simulated)
{
    const struct { const char *name; const struct vectors *v; } who[] = { { "before", &t->in.v }, { "native", &native->v }, { "simulated", &simulated->v } };

    for (unsigned n = 0; n < 16; n++)
        for (unsigned k = 0; k < 3; k++) {
            if (k && !memcmp(who[k].v->ymm[n], t->in.v.ymm[n], 32) && !memcmp(native->v.ymm[n], simulated->v.ymm[n], 32))
                continue;
            printf("    %-9s ymm%-2u", who[k].name, n);
            for (unsigned byte = 32; byte-- > 0;)
                printf("%s%02x", byte % 8 == 7 ? " " : "", who[k].v->ymm[n][byte]);
            printf("\n");
        }
    for (unsigned k = 0; k < 3; k++) {
        printf("    %-9s cw %04x sw %04x valid %02x mxcsr %05x mm", who[k].name, who[k].v->control, who[k].v->status, who[k].v->valid, who[k].v->mxcsr);
        for (unsigned n = 0; n < 8; n++)
            printf(" %04x:%016llx", who[k].v->exponent[n], (unsigned long long)who[k].v->significand[n]);
        printf("\n");
    }
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
    show_state("before", &t->in, t->seg[S_CS]->wide);
    show_state("native", native, t->seg[S_CS]->wide);
    show_state("simulated", simulated, t->seg[S_CS]->wide);
    if (t->vectors)
        show_vectors(t, native, simulated);
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
 *   MOVBE  of 64 bits across pages, the half on the first page; nor is its alignment checked (generate.c)
 *   CALL   the return address, when the target lies outside the segment
 *   strings in 64-bit code with 32-bit addresses: the upper halves of RSI and RDI are cleared though the first element faults
 *   MOVD, MOVQ, MOVNTQ, MASKMOVQ to memory: TOP and the tags, which are as MMX wants them before the store faults
 * And where several words are read, of which more than one faults, another one may be the first: ADDRESS (CR2). So it is with moves by a
 * mask, where the address is that of the operand or of its part in the second page, not of the first byte that counts; MASKMOVQ and
 * MASKMOVDQU may find the second page first: ERROR.
 */
enum { REGISTERS = 1, MEMORY = 2, ADDRESS = 4, TAGS = 8, ERROR = 16 };
static const struct { const char *mnemonic; unsigned what; } known[] = {
    { "popa", REGISTERS }, { "pusha", MEMORY }, { "enter", MEMORY }, { "call", MEMORY }, { "call far", MEMORY },
    { "ret far", ADDRESS }, { "iret", ADDRESS }, { "movbe", MEMORY }, { "movd", TAGS }, { "movq", TAGS }, { "movntq", TAGS }, { "maskmovq", TAGS | ADDRESS | ERROR },
    { "maskmovdqu", ADDRESS | ERROR }, { "vmaskmovdqu", ADDRESS | ERROR }, { "vmaskmovps", ADDRESS }, { "vmaskmovpd", ADDRESS },
    { "vpmaskmovd", ADDRESS }, { "vpmaskmovq", ADDRESS },
};

static unsigned known_residue(const struct test *t)
{
    if (t->seg[S_CS]->wide && isa_rows[t->row].attributes & ISA_STRING)
        return REGISTERS;
    for (unsigned n = 0; n < sizeof(known) / sizeof(known[0]); n++)
        if (!strcmp(known[n].mnemonic, isa_rows[t->row].mnemonic))
            return known[n].what;
    return 0;
}

/* An address of the kernel's half, or the page below it: whether something is mapped there is not told to users. And what the simulator has
 * to itself is not mapped natively. */
static bool supervisors(uint64_t cr2)
{
    return cr2 >= CANONICAL - PAGE || (cr2 >= SYSTEM && cr2 < SYSTEM + SYSTEM_PAGES * PAGE);
}

bool same_error(const struct state *native, const struct state *simulated)
{
    uint32_t differ = native->error ^ simulated->error;

    return native->vector == 14 && supervisors(native->cr2) ? !(differ & ~1u) : !differ;
}

/* A null selector loses its RPL on the way back from the kernel. */
static bool same_selectors(const struct state *native, const struct state *simulated)
{
    for (unsigned n = 0; n < S_COUNT; n++)
        if (native->sel[n] != simulated->sel[n] && (native->sel[n] > 3 || simulated->sel[n] > 3))
            return false;
    return true;
}

static bool same_vectors(const struct vectors *native, const struct vectors *simulated, bool but_tags)
{
    struct vectors v = *native;

    if (but_tags) {
        v.status = simulated->status;
        v.valid = simulated->valid;
    }
    return !memcmp(&v, simulated, sizeof(v));
}

static bool compare(const struct test *t, const struct state *native, struct state *simulated, char *what, size_t size)
{
    uint32_t flags = defined_flags(t, native, simulated);
    unsigned residue = native->vector >= 0 && native->vector == simulated->vector ? known_residue(t) : 0;
    bool data = same_memory(DATA, DATA_PAGES, what, size), memory = same_memory(CODE, CODE_PAGES, what, size) && data;

    if (native->vector == 14 && (simulated->vector == 13 || simulated->vector == 12) && strstr(isa_rows[t->row].mnemonic, "maskmov"))
        return true; /* of a masked store that runs over the end of what is canonical the processor may find the page fault first */
    if (native->vector != simulated->vector)
        snprintf(what, size, "fault %d natively, %d simulated", native->vector, simulated->vector);
    else if ((!(residue & ERROR) && !same_error(native, simulated)) || (!(residue & ADDRESS) && native->cr2 != simulated->cr2))
        snprintf(what, size, "error code or CR2");
    else if (!(residue & REGISTERS) && memcmp(native->reg, simulated->reg, sizeof(native->reg)))
        snprintf(what, size, "registers");
    else if (!same_vectors(&native->v, &simulated->v, residue & TAGS))
        snprintf(what, size, "vectors");
    else if (native->ip != simulated->ip)
        snprintf(what, size, "EIP");
    else if (!same_selectors(native, simulated))
        snprintf(what, size, "segments");
    else if ((native->eflags ^ simulated->eflags) & flags)
        snprintf(what, size, "flags");
    else if (memory || residue & MEMORY)
        return true;
    return (memory || known_residue(t) & MEMORY) && vendor_agrees(t, native, simulated);
}

/* ---- Memory as it was before a test ---- */

static uint8_t kept[DATA_PAGES + CODE_PAGES][PAGE];

static uint32_t kept_page(unsigned n) { return n < DATA_PAGES ? DATA + n * PAGE : CODE + (n - DATA_PAGES) * PAGE; }
static bool page_kept(unsigned n) { return n >= DATA_PAGES || data_writable(n); }

static void keep_memory(void)
{
    for (unsigned n = 0; n < DATA_PAGES + CODE_PAGES; n++)
        if (page_kept(n))
            memcpy(kept[n], native_page(kept_page(n)), PAGE);
}

static void restore_memory(void)
{
    for (unsigned n = 0; n < DATA_PAGES + CODE_PAGES; n++)
        if (page_kept(n)) {
            native_put(kept_page(n), kept[n], PAGE);
            simulated_put(kept_page(n), kept[n], PAGE);
        }
}

/* ---- One test ---- */

/* A difference counts when it is there a second time: a host that is itself virtual was seen to lose a fault, once in some millions. */
static bool agrees(const struct test *t, struct state *native)
{
    struct state simulated;
    char what[120] = "";

    for (unsigned n = 0; n < 2; n++) {
        if (n)
            restore_memory();
        native_run(t, native);
        vendor_run(t, &simulated);
        if (compare(t, native, &simulated, what, sizeof(what))) {
            unsteady += n;
            return true;
        }
    }
    if (tally[t->row].wrong == 0 && shown++ < SHOWN)
        show(t, native, &simulated, what);
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

static void run_row(unsigned row, bool wide, unsigned long tests, uint64_t seed)
{
    struct state native;
    struct test t;

    for (unsigned long n = 0; n < tests; n++) {
        rnd_seed(seed + row * 1000003ull + n + (uint64_t)wide * 0x100000000ull);
        if (n % 1024 == 0)
            fill_memory();
        if (!generate(row, wide, &t))
            continue;
        keep_memory();
        tally[row].wrong += !agrees(&t, &native);
        tally[row].tests++;
        tally[row].faults += native.vector >= 0 && native.vector != 3;
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
    vendor_report();
    if (unsteady)
        printf("%lu tests differed once, and not when they were made again\n", unsteady);
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

/* What this host has not, and so is not compared. */
static void report_lacks(const struct abilities *host, bool vectors)
{
    static const char *const no_ldt = "this host loads no segment of an LDT";

    if (!host->code16)
        printf("SKIP: oracle: 16-bit code: %s\n", host->ldt ? "this host runs none of an LDT" : no_ldt);
    if (!host->code32)
        printf("SKIP: oracle: %s: this host has no such segment at %02Xh\n", host->code32_by_ldt ? "flat 32-bit code" : "32-bit code", flat_code.selector);
    if (!host->code64)
        printf("SKIP: oracle: 64-bit code: this host has no such segment at %02Xh\n", wide_code.selector);
    if (host->code64 && !host->stray_stack)
        printf("SKIP: oracle: an RSP that is not canonical: this host enters no code with it\n");
    if (!host->ldt)
        printf("SKIP: oracle: segments with a base, a limit or access rights of their own: %s\n", no_ldt);
    if (!vectors)
        printf("SKIP: oracle: vectors: this host has no AVX, or hides it\n");
    for (unsigned set = 0; vectors && set < SET_COUNT; set++)
        if (!host_has_vectors(set))
            printf("SKIP: oracle: %s: this host has not\n", isa_sets[set].title);
}

static int run(unsigned long tests, uint64_t seed, const char *mnemonic)
{
    struct abilities host;
    const char *why = native_init(ldt_segments, ldt_count, &host);
    bool wide_vectors;

    if (why) {
        printf("SKIP: oracle: %s\n", why);
        return 77;
    }
    why = simulated_init(&host);
    if (why) {
        printf("oracle: %s\n", why);
        return 1;
    }
    generate_for(&host);
    prepare_readonly();
    report_lacks(&host, wide_vectors = native_has_vectors());
    for (unsigned wide = 0; wide < 2; wide++)
        for (unsigned row = 0; row < isa_row_count; row++)
            if (row_wanted(row, wide) && (wide_vectors || !vector_row(&isa_rows[row])) && (!mnemonic || (!strcmp(mnemonic, "vectors") ? vector_row(&isa_rows[row]) : !strcmp(mnemonic, isa_rows[row].mnemonic))))
                run_row(row, wide, tests, seed);
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
