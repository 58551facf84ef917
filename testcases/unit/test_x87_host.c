/*
 * Each x87 instruction of the table against this host's: a random state, one instruction here and in the simulator, and the whole state
 * after it compared: registers, tags, TOP, flags, pointers, memory, EFLAGS, the signal.
 *
 * Processors of AMD's design neither save nor, the older ones, load the pointers with FXSAVE and FXRSTOR while no exception is pending
 * (host_vendor.h). There FNSTENV shows them and FLDENV loads them: their low 32 bits.
 *
 * $SIM_ORACLE_CASES is the number of cases a row. The host runs 64-bit code, the simulator 64-bit or 32-bit code of the same
 * bytes. Results of
 * transcendental functions are compared by their class and operand exceptions here; their bits have a test of their own.
 */
#include "testcases/host_vendor.h"
#include "testcases/unit/fp_bench.h"
#include "testcases/unit/long_bench.h"

#include "cpu/isa/isa.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define MEMORY 512 /* bytes that an instruction may read and write */

/* What goes in and what comes out; physical registers. */
struct machine {
    struct cpu_fpu fpu;
    uint32_t eflags;
    uint16_t ax;
    uint8_t memory[MEMORY] __attribute__((aligned(64)));
    int vector; /* of the fault; -1: none */
};

struct insn {
    const struct isa_row *row;
    uint8_t bytes[8];
    unsigned len;
    bool wide; /* 64-bit code here, too */
};

/* ---- The host ---- */

static struct {
    uint8_t *page, *insn, *end;
    uint8_t memory[MEMORY] __attribute__((aligned(64)));
    uint8_t in[576] __attribute__((aligned(64))), out[576] __attribute__((aligned(64))); /* FXSAVE's image, FNSTENV's */
    struct { uint64_t flags_in, flags_out, rax_in, rax_out; } general;
    int vector;
    bool hides_pointers;     /* while no exception is pending */
    bool loads_environment;  /* for FXRSTOR does not load what it hides */
    uint64_t pointer_bits;   /* of FIP and FDP, as far as they are seen; 0: nor FOP */
    bool pointers_on_exception; /* the opcode and the operand's address are kept of instructions with an unmasked exception alone */
} host;

typedef void stub_fn(const void *in, void *out, void *memory, void *general);

/* rbx and r12 are kept; rax and EFLAGS loaded; RBX is the operand's address. */
static const uint8_t stub_head[] = { 0x53, 0x41, 0x54, 0x48, 0x89, 0xd3, 0x48, 0x8b, 0x41, 0x10, 0x48, 0x0f, 0xae, 0x0f };
static const uint8_t stub_environment[] = { 0xd9, 0xa7, 0x00, 0x02, 0x00, 0x00 }; /* FLDENV */
static const uint8_t stub_flags[] = { 0xff, 0x31, 0x9d };
static const uint8_t stub_tail[] = { 0x9c, 0x8f, 0x41, 0x08, 0x48, 0x89, 0x41, 0x18, 0x48, 0x0f, 0xae, 0x06, 0xd9, 0xb6, 0x00, 0x02, 0x00, 0x00 };
static const uint8_t stub_end[] = { 0xdb, 0xe3, 0x41, 0x5c, 0x5b, 0xc3 };

static void on_signal(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;

    (void)info;
    host.vector = sig == SIGFPE ? VEC_MF : sig == SIGILL ? VEC_UD : VEC_GP;
    memcpy(host.out, u->uc_mcontext.fpregs, 512);
    host.general.flags_out = (uint64_t)u->uc_mcontext.gregs[REG_EFL];
    host.general.rax_out = (uint64_t)u->uc_mcontext.gregs[REG_RAX];
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)host.end;
}

static bool host_open(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };
    unsigned a = 0, b = 0, c = 0, d = 0;

    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    host.pointers_on_exception = b >> 6 & 1;
    host.hides_pointers = host_is_amd();
    host.loads_environment = host.hides_pointers && !host_has_xsaveerptr();
    host.page = mmap(NULL, SIM_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (host.page == MAP_FAILED)
        return false;
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    return true;
}

static uint8_t *append(uint8_t *at, const uint8_t *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static void write_stub(const struct insn *insn)
{
    uint8_t *at = append(host.page, stub_head, sizeof(stub_head));

    if (host.loads_environment)
        at = append(at, stub_environment, sizeof(stub_environment));
    host.insn = at = append(at, stub_flags, sizeof(stub_flags));
    at = append(at, insn->bytes, insn->len);
    host.end = at = append(at, stub_tail, sizeof(stub_tail));
    append(at, stub_end, sizeof(stub_end));
}

/* The state, for FXRSTOR; and for the FLDENV behind it, which would wait for a pending exception: so that FXRSTOR loads none. */
static void write_images(const struct cpu_fpu *f)
{
    uint32_t mxcsr = MXCSR_INIT, env[7] = { f->cw, f->sw, fpu_tag_word(f), (uint32_t)f->fip, (uint32_t)f->fop << 16, (uint32_t)f->fdp, 0 };

    memset(host.in, 0, sizeof(host.in));
    fpu_save_image(f, host.in, true);
    memcpy(host.in + 24, &mxcsr, 4);
    memcpy(host.in + 512, env, sizeof(env));
    if (host.loads_environment) {
        host.in[2] &= (uint8_t)~(FP_ALL | FPU_SW_ES);
        host.in[3] &= (uint8_t)~(FPU_SW_B >> 8);
    }
}

/* Where FXSAVE hides the pointers, FNSTENV shows them, but not of an instruction that faulted: the frame of the signal is FXSAVE's. */
static void see_pointers(struct cpu_fpu *f)
{
    uint32_t env[7];

    host.pointer_bits = host.loads_environment ? UINT32_MAX : UINT64_MAX;
    if (!host.hides_pointers || f->sw & FPU_SW_ES || !host_rule(HOST_SAVED_POINTERS))
        return;
    host.pointer_bits = host.vector < 0 ? UINT32_MAX : 0;
    memcpy(env, host.out + 512, sizeof(env));
    f->fip = env[3];
    f->fop = env[4] >> 16 & FPU_FOP_BITS;
    f->fdp = env[5];
}

static bool seen_at(uint64_t pointer, const uint8_t *host_address)
{
    return ((pointer ^ (uint64_t)(uintptr_t)host_address) & host.pointer_bits) == 0;
}

static void host_run(const struct insn *insn, const struct machine *in, struct machine *out)
{
    stub_fn *stub;

    write_stub(insn);
    write_images(&in->fpu);
    memcpy(host.memory, in->memory, MEMORY);
    host.general.flags_in = in->eflags | EFL_IF;
    host.general.rax_in = in->ax;
    host.vector = -1;
    memcpy(&stub, &host.page, sizeof(stub));
    stub(host.in, host.out, host.memory, &host.general);
    *out = (struct machine){ .vector = host.vector, .eflags = (uint32_t)host.general.flags_out & EFL_ARITH, .ax = (uint16_t)host.general.rax_out };
    fpu_load_image(&out->fpu, host.out, true);
    out->fpu.sw = (uint16_t)(host.out[2] | host.out[3] << 8);
    memcpy(out->memory, host.memory, MEMORY);
    see_pointers(&out->fpu);
    if (seen_at(out->fpu.fip, host.insn))
        out->fpu.fip = AT_CODE;
    if (seen_at(out->fpu.fdp, host.memory))
        out->fpu.fdp = AT_DATA;
}

/* ---- The simulator ---- */

static struct sys narrow, wide;

static void know_all(struct sys *s)
{
    isa_index_destroy(s->cluster->isa);
    ck_assert_int_eq(isa_index_create(UINT64_MAX, &s->cluster->isa), SIM_OK);
}

static void simulated_open(void)
{
    sys_open(&narrow, "max", 1);
    know_all(&narrow);
    long_open(&wide);
    know_all(&wide);
}

static void simulated_close(void)
{
    sys_close(&narrow);
    sys_close(&wide);
}

static void simulated_run(const struct insn *insn, const struct machine *in, struct machine *out)
{
    struct sys *s = insn->wide ? &wide : &narrow;
    struct cpu *cpu = s->cpu;

    if (insn->wide) { /* a handler has the same code segment */
        cpu->reg[CPU_SP] = AT_STACK0;
        cpu->ip = AT_CODE;
    } else {
        sys_protected(s, 0);
    }
    cpu->cr0 |= CR0_NE;
    cpu->cr4 |= CR4_OSFXSR;
    cpu_mode_changed(cpu);
    ck_assert_int_eq(insn->wide, !!(cpu->mode & MODE_L));
    sys_code(s, insn->bytes, insn->len);
    cpu->reg[CPU_BX] = AT_DATA;
    cpu->reg[CPU_AX] = in->ax;
    cpu->fpu = in->fpu;
    cpu_set_eflags(cpu, in->eflags | 2);
    bus_poke(s->bus, AT_DATA, in->memory, MEMORY);
    cpu->history_next = 0;
    sys_run(s, 1);
    *out = (struct machine){ .fpu = cpu->fpu, .vector = -1 };
    if (cpu->history_next)
        out->vector = cpu->history[0].vector;
    out->eflags = cpu_eflags(cpu) & EFL_ARITH;
    out->ax = (uint16_t)cpu->reg[CPU_AX];
    bus_peek(s->bus, AT_DATA, out->memory, MEMORY);
    if (!strcmp(insn->row->mnemonic, "fxsave") && !insn->wide && out->vector < 0)
        memset(out->memory + 288, 0, 128); /* XMM8 to 15: 64-bit code has them */
}

/* ---- Cases ---- */

static bool is_x87(const struct isa_row *row)
{
    return row->attributes & ISA_X87 || !strcmp(row->mnemonic, "fwait");
}

static bool is_transcendental(const struct isa_row *row)
{
    static const char *const names[] = { "f2xm1", "fyl2x", "fyl2xp1", "fpatan", "fptan", "fsin", "fcos", "fsincos" };

    for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++)
        if (!strcmp(row->mnemonic, names[n]))
            return true;
    return false;
}

static void random_insn(const struct isa_row *row, struct insn *insn)
{
    *insn = (struct insn){ .row = row, .wide = rnd_below(2) };
    if (row->op[0] == M && row->map == 0 && rnd_below(3) == 0)
        insn->bytes[insn->len++] = 0x66;
    if (row->op[0] == M && row->map == 1 && insn->wide && rnd_below(2)) /* FXSAVE64 */
        insn->bytes[insn->len++] = 0x48;
    if (row->map == 1)
        insn->bytes[insn->len++] = 0x0f;
    insn->bytes[insn->len++] = row->opcode;
    if (row->ext >= 0xc0)
        insn->bytes[insn->len++] = row->ext;
    else if (row->ext != EXT_NONE)
        insn->bytes[insn->len++] = (uint8_t)(row->ext << 3 | (row->attributes & ISA_REGONLY ? 0xc0 | rnd_below(8) : CPU_BX));
}

/* Full, or empty, or with holes. */
static uint8_t random_tags(void)
{
    switch (rnd_below(8)) {
    case 0: return 0;
    case 1: return 0xff;
    case 2: case 3: return (uint8_t)rnd();
    default: return (uint8_t)(0xff & ~(1u << rnd_below(8) | 1u << rnd_below(8) | 1u << rnd_below(8)));
    }
}

static void random_memory(const struct isa_row *row, uint8_t memory[MEMORY])
{
    fp80 v80 = rnd_fp80((fp80){ rnd(), 0x3fff });
    uint64_t v64 = row->opcode == 0xdd || row->opcode == 0xdc ? rnd_fp64(0x3ff0000000000000) : rnd() >> rnd_below(64);

    for (unsigned n = 0; n < MEMORY; n += 8) {
        uint64_t v = rnd();

        memcpy(memory + n, &v, 8);
    }
    switch (row->op[0]) {
    case Md:
        v64 = row->opcode == 0xd8 || row->opcode == 0xd9 ? rnd_fp32(0x3f800000) : v64;
        memcpy(memory, &v64, 4);
        break;
    case Mq:
        memcpy(memory, &v64, 8);
        break;
    case Mt:
        memcpy(memory, &v80.mant, 8);
        memcpy(memory + 8, &v80.se, 2);
        for (unsigned n = 0; n < 10 && row->opcode == 0xdf; n++)
            memory[n] = (uint8_t)(rnd_below(10) | rnd_below(10) << 4);
        break;
    case M:
        if (row->map == 1 && rnd_below(8)) /* FXRSTOR: a good MXCSR */
            memory[26] = memory[27] = 0;
        if (memory[26] == 2 && memory[27] == 0 && host_rule(HOST_MXCSR_MM)) /* not reserved there */
            memory[26] = 0;
        if (rnd_below(4))
            memory[0] = 0x7f; /* all masked */
        break;
    default:
        break;
    }
}

static void random_state(const struct isa_row *row, bool is_wide, struct machine *m)
{
    uint16_t masks = rnd_below(3) ? FP_ALL : rnd_below(2) ? (uint16_t)(FP_ALL & ~(1u << rnd_below(6))) : (uint16_t)rnd_below(64);

    if (is_transcendental(row)) /* whether a result is tiny is not the same here and there */
        masks |= FP_UE;
    *m = (struct machine){ .vector = -1, .ax = (uint16_t)rnd(), .eflags = (uint32_t)rnd() & EFL_ARITH };
    m->fpu.cw = (uint16_t)(FPU_CW_RESET | masks | rnd_below(4) << 10 | (rnd_below(2) ? 3 : rnd_below(4)) << 8);
    m->fpu.sw = (uint16_t)(rnd_below(8) << FPU_TOP_SHIFT | (rnd() & (FPU_SW_C0 | FPU_SW_C1 | FPU_SW_C2 | FPU_SW_C3 | FPU_SW_SF)) |
                           (rnd_below(3) ? 0 : rnd() & (rnd_below(8) ? masks : FP_ALL)));
    if (m->fpu.sw & ~m->fpu.cw & FP_ALL)
        m->fpu.sw |= FPU_SW_ES | FPU_SW_B;
    m->fpu.valid = random_tags();
    for (unsigned n = 0; n < 8; n++)
        m->fpu.r[n] = rnd_fp80(n ? m->fpu.r[n - 1] : (fp80){ 1ull << 63, 0x3fff });
    m->fpu.fop = rnd() & FPU_FOP_BITS;
    m->fpu.fip = (uint64_t)((int64_t)rnd() >> (is_wide ? 16 : 33)) & (is_wide ? UINT64_MAX : INT32_MAX);
    m->fpu.fdp = (uint64_t)((int64_t)rnd() >> (is_wide ? 16 : 33)) & (is_wide ? UINT64_MAX : INT32_MAX);
    if (host.loads_environment) {
        m->fpu.fip &= UINT32_MAX;
        m->fpu.fdp &= UINT32_MAX;
    }
    random_memory(row, m->memory);
}

/* ---- What is compared ---- */

static bool is_finite(fp80 v)
{
    enum fp80_class c = fp80_classify(v);

    return c == FP80_ZERO || c == FP80_NORMAL || c == FP80_DENORMAL;
}

/* A finite transcendental result may differ: here it is rounded correctly, there almost. */
static bool register_differs(const struct insn *insn, fp80 a, fp80 b)
{
    if (a.mant == b.mant && a.se == b.se)
        return false;
    return !is_transcendental(insn->row) || !is_finite(a) || !is_finite(b) || (a.se ^ b.se) & 0x8000 || abs(a.se - b.se) > 1;
}

static uint16_t compared_sw(const struct insn *insn)
{
    return is_transcendental(insn->row) ? (uint16_t)~(FPU_SW_C1 | FP_PE | FP_UE | FPU_SW_ES | FPU_SW_B) : UINT16_MAX;
}

/* HOST_TINY_UNCHANGED. */
static bool becomes_tiny(const struct insn *insn, const struct cpu_fpu *f)
{
    unsigned top = f->sw >> FPU_TOP_SHIFT & 7, next = (top + 1) & 7;
    bool scale = !strcmp(insn->row->mnemonic, "fscale");

    if ((!scale && strcmp(insn->row->mnemonic, "fprem") && strcmp(insn->row->mnemonic, "fprem1")) || (f->cw & (FP_UE | FP_DE)) != FP_DE)
        return false;
    return f->valid >> top & 1 && f->valid >> next & 1 && fp80_classify(f->r[top]) == FP80_DENORMAL && !(f->r[top].mant >> 63) &&
           fp80_classify(f->r[next]) == (scale ? FP80_ZERO : FP80_INFINITY);
}

/* What host_vendor.h says of FXSAVE and FXRSTOR: makes of the simulator's outcome, which is the SDM's, that which the host must have. */
static void as_the_maker(const struct insn *insn, const struct machine *in, struct machine *m)
{
    if (!strcmp(insn->row->mnemonic, "fxsave") && m->vector < 0 && host_has_misalignsse() && host_rule(HOST_MXCSR_MM))
        m->memory[30] |= 2;
    if (m->vector < 0 && becomes_tiny(insn, &in->fpu) && host_rule(HOST_TINY_UNCHANGED)) {
        struct fp_env env = { .rounding = in->fpu.cw >> 10 & 3, .masked = in->fpu.cw & FP_ALL, .precision = 64 };
        fp80 *top = &m->fpu.r[m->fpu.sw >> FPU_TOP_SHIFT & 7];

        *top = fp80_scale(&env, *top, (fp80){ 1ull << 63, 0x3ffe }); /* by 0, but as if it were a scaling */
        m->fpu.sw |= FP_UE | FPU_SW_ES | FPU_SW_B;
    }
    if (!host.hides_pointers || m->vector >= 0 || m->fpu.sw & FPU_SW_ES)
        return;
    if (!strcmp(insn->row->mnemonic, "fxsave") && host_rule(HOST_SAVED_POINTERS)) {
        if (host.loads_environment)
            memcpy(m->memory + 6, in->memory + 6, 18);
        else
            memset(m->memory + 6, 0, 18);
    }
    if (!strcmp(insn->row->mnemonic, "fxrstor") && host.loads_environment && host_rule(HOST_RESTORED_POINTERS)) {
        m->fpu.fip = in->fpu.fip;
        m->fpu.fdp = in->fpu.fdp;
        m->fpu.fop = in->fpu.fop;
    }
}

static const char *difference(const struct insn *insn, const struct machine *in, const struct machine *h, const struct machine *m)
{
    bool raised = m->fpu.sw & FPU_SW_ES && !(in->fpu.sw & FPU_SW_ES);

    if (h->vector != m->vector)
        return "vector";
    if (h->fpu.cw != m->fpu.cw)
        return "control word";
    if ((h->fpu.sw ^ m->fpu.sw) & compared_sw(insn))
        return "status word";
    if (h->fpu.valid != m->fpu.valid)
        return "tags";
    for (unsigned n = 0; n < 8; n++)
        if (register_differs(insn, h->fpu.r[n], m->fpu.r[n]))
            return "registers";
    if (m->vector < 0 && h->eflags != m->eflags)
        return "EFLAGS";
    if (h->ax != m->ax)
        return "AX";
    if (memcmp(h->memory, m->memory, MEMORY))
        return "memory";
    if (!host.pointer_bits)
        return NULL;
    if ((h->fpu.fip ^ m->fpu.fip) & host.pointer_bits)
        return "FIP";
    if (host.pointers_on_exception && m->fpu.fip == AT_CODE && (!raised || is_transcendental(insn->row)))
        return NULL;
    if (h->fpu.fop != m->fpu.fop)
        return "FOP";
    return (h->fpu.fdp ^ m->fpu.fdp) & host.pointer_bits ? "FDP" : NULL;
}

static void print_state(const char *name, const struct machine *m)
{
    printf("  %s: vector %d cw %04x sw %04x valid %02x flags %03x ax %04x fop %03x fip %llx fdp %llx\n      ", name, m->vector, m->fpu.cw, m->fpu.sw,
           m->fpu.valid, m->eflags, m->ax, m->fpu.fop, (unsigned long long)m->fpu.fip, (unsigned long long)m->fpu.fdp);
    for (unsigned n = 0; n < 8; n++) {
        const fp80 *r = &m->fpu.r[((m->fpu.sw >> FPU_TOP_SHIFT) + n) & 7];

        printf(" %04x:%016llx%s", r->se, (unsigned long long)r->mant, n == 3 ? "\n      " : "");
    }
    printf("\n       ");
    for (unsigned n = 0; n < 32; n++)
        printf("%02x", m->memory[n]);
    printf("\n");
}

static void complain(const struct insn *insn, const char *what, const struct machine *in, const struct machine *h, const struct machine *m)
{
    printf("%s:", insn->row->mnemonic);
    for (unsigned n = 0; n < insn->len; n++)
        printf(" %02x", insn->bytes[n]);
    printf(": %s\n", what);
    print_state("before", in);
    print_state("host  ", h);
    print_state("here  ", m);
}

static unsigned long row_differences(const struct isa_row *row, unsigned long cases)
{
    unsigned long wrong = 0;

    for (unsigned long n = 0; n < cases; n++) {
        struct machine in, h, m;
        struct insn insn;
        const char *what;

        random_insn(row, &insn);
        random_state(row, insn.wide, &in);
        simulated_run(&insn, &in, &m);
        as_the_maker(&insn, &in, &m);
        /* The system saves and loads what such a processor hides, so that an interrupt amid the case costs pointers: not every time. */
        for (unsigned attempts = 0; attempts == 0 || (what && host.hides_pointers && attempts < 8); attempts++) {
            host_run(&insn, &in, &h);
            what = difference(&insn, &in, &h, &m);
        }
        if (what && wrong++ < 3)
            complain(&insn, what, &in, &h, &m);
    }
    if (wrong)
        printf("%s %02x /%x: %lu of %lu differ\n", row->mnemonic, row->opcode, row->ext, wrong, cases);
    return wrong;
}

START_TEST(every_row_does_what_the_host_does)
{
    unsigned long cases = bench_cases(200), wrong = 0;
    unsigned rows = 0;

    simulated_open();
    for (unsigned n = 0; n < isa_row_count; n++)
        if (is_x87(&isa_rows[n])) {
            ck_assert(isa_row_built(&isa_rows[n]));
            rows++;
            wrong += row_differences(&isa_rows[n], cases);
        }
    simulated_close();
    host_rules_report();
    fflush(stdout);
    ck_assert_uint_gt(rows, 140);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x87-host");
    TCase *tc = tcase_create("x87-host");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (!host_open()) {
        puts("SKIP: test_x87_host: no memory that can be written and executed");
        return 77;
    }
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, every_row_does_what_the_host_does);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#else

int main(void)
{
    puts("SKIP: test_x87_host: this host is no x86-64 processor");
    return 77;
}

#endif
