/*
 * A bench for vector instructions: any row of the instruction table, encoded with random registers, natively on this host and by a CPU of
 * ours, from the same registers and memory; then everything is compared: general, vector and MMX registers, MXCSR, flags, memory, faults.
 *
 * Both run 64-bit user code that sees the same two pages at BENCH_DATA. A suite says which rows it wants, what operands look like
 * (simd_case.fill) and, where a result is only bounded, what is good enough (simd_case.close). All is static: one program, one suite.
 */
#ifndef LIBSIM_TESTCASES_SIMD_BENCH_H
#define LIBSIM_TESTCASES_SIMD_BENCH_H

#include "testcases/unit/fp_bench.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/cpu.h"
#include "cpu/decode.h"
#include "cpu/isa/isa.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "bus/bus.h"

#if defined(__x86_64__) && defined(__linux__)
#define SIMD_BENCH 1

#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

#define BENCH_DATA 0x30000000u
#define BENCH_CODE 0x30010000u
enum { BENCH_RAM = 0x20000, BENCH_DATA_BYTES = 2 * SIM_PAGE_SIZE, BENCH_FLAGS = EFL_ARITH };

/* What an instruction reads and writes. */
struct simd_state {
    uint64_t reg[16];
    uint64_t vector[16][4];
    uint64_t mm[8];      /* MMX registers */
    uint16_t exp[8];     /* and what stands above them */
    uint16_t cw, sw;
    uint8_t valid;       /* the abridged tag word */
    uint32_t mxcsr, eflags;
    uint8_t data[BENCH_DATA_BYTES];
    int fault;           /* vector, or -1 */
};

struct simd_case {
    const struct isa_row *row;
    uint8_t code[16];
    unsigned len;
    struct cpu_insn insn; /* as decoded */
    uint32_t at;          /* of the memory operand */
    struct simd_state in, native, sim;
};

/* ---- The host ---- */

/* The XSAVE area: legacy part, header, upper halves of YMM. SDM Vol. 1, "XSAVE area". */
struct bench_area {
    uint16_t cw, sw;
    uint8_t valid, pad0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    struct { uint64_t mant; uint16_t se, pad[3]; } st[8];
    uint64_t xmm[16][2];
    uint8_t pad1[96];
    uint64_t xstate_bv, xcomp_bv, pad2[6];
    uint64_t ymm[16][2];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct bench_area) == 832, "x87, SSE and AVX state");

/* The code below knows the offsets. */
static struct bench_host {
    struct bench_area in, out;
    uint64_t reg_in[16], reg_out[16], flags_in, flags_out, stack;
    void *code;
    volatile int fault;
} bench_host __attribute__((used));
_Static_assert(offsetof(struct bench_host, out) == 832 && offsetof(struct bench_host, reg_in) == 1664 &&
               offsetof(struct bench_host, reg_out) == 1792 && offsetof(struct bench_host, flags_in) == 1920 &&
               offsetof(struct bench_host, flags_out) == 1928 && offsetof(struct bench_host, stack) == 1936 &&
               offsetof(struct bench_host, code) == 1944, "as simd_bench_go has them");

void simd_bench_go(void);
extern char simd_bench_back[];

/* A fault ends the instruction where the code behind it would have gone on. */
static void bench_on_signal(int sig, siginfo_t *info, void *context)
{
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

    bench_host.fault = (int)g[REG_TRAPNO];
    g[REG_RIP] = (greg_t)simd_bench_back;
}

#define BENCH_EACH(X) X(rax, 0) X(rcx, 1) X(rdx, 2) X(rbx, 3) X(rbp, 5) X(rsi, 6) X(rdi, 7) \
    X(r8, 8) X(r9, 9) X(r10, 10) X(r11, 11) X(r12, 12) X(r13, 13) X(r14, 14) X(r15, 15)
#define BENCH_LOAD(name, n)  "mov bench_host+1664+" #n "*8(%rip), %" #name "\n\t"
#define BENCH_STORE(name, n) "mov %" #name ", bench_host+1792+" #n "*8(%rip)\n\t"

/* Enters the state, runs the instruction and what follows it, which jumps to simd_bench_back, and leaves the state. */
__asm__(".text\n.globl simd_bench_go, simd_bench_back\n"
        "simd_bench_go:\n\t"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; sub $136, %rsp\n\t"
        "mov %rsp, bench_host+1936(%rip)\n\t"
        "mov $7, %eax; xor %edx, %edx; xrstor64 bench_host(%rip)\n\t"
        "pushq bench_host+1920(%rip); popfq\n\t" BENCH_EACH(BENCH_LOAD) "jmp *bench_host+1944(%rip)\n"
        "simd_bench_back:\n\t" BENCH_EACH(BENCH_STORE)
        "mov bench_host+1936(%rip), %rsp\n\t"
        "pushfq; popq bench_host+1928(%rip); cld\n\t"
        "mov $7, %eax; xor %edx, %edx; xsave64 bench_host+832(%rip)\n\t"
        "fninit; vzeroupper\n\t"
        "movl $0x1f80, bench_host+1936(%rip); ldmxcsr bench_host+1936(%rip)\n\t"
        "add $136, %rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static void bench_native(struct simd_case *c)
{
    static const uint8_t back[] = { 0xff, 0x25, 0, 0, 0, 0 }; /* jmp [rip], to where follows */
    void *to = simd_bench_back;
    uint8_t *code = (uint8_t *)(uintptr_t)BENCH_CODE;
    struct simd_state *s = &c->native;
    struct bench_area *a = &bench_host.in;

    memcpy(code, c->code, c->len);
    memcpy(code + c->len, back, sizeof(back));
    memcpy(code + c->len + sizeof(back), &to, sizeof(to));
    memcpy((void *)(uintptr_t)BENCH_DATA, c->in.data, BENCH_DATA_BYTES);
    memset(a, 0, sizeof(*a));
    a->cw = c->in.cw, a->sw = c->in.sw, a->valid = c->in.valid, a->mxcsr = c->in.mxcsr, a->xstate_bv = 7;
    for (unsigned n = 0; n < 8; n++)
        a->st[n].mant = c->in.mm[(n + (c->in.sw >> FPU_TOP_SHIFT)) & 7], a->st[n].se = c->in.exp[(n + (c->in.sw >> FPU_TOP_SHIFT)) & 7];
    for (unsigned n = 0; n < 16; n++) {
        memcpy(a->xmm[n], c->in.vector[n], 16);
        memcpy(a->ymm[n], c->in.vector[n] + 2, 16);
    }
    memcpy(bench_host.reg_in, c->in.reg, sizeof(c->in.reg));
    bench_host.flags_in = c->in.eflags | 0x202;
    bench_host.code = code;
    bench_host.fault = -1;
    memset(&bench_host.out, 0, sizeof(bench_host.out));
    simd_bench_go();

    a = &bench_host.out;
    memset(s, 0, sizeof(*s));
    s->fault = bench_host.fault;
    memcpy(s->reg, bench_host.reg_out, sizeof(s->reg));
    s->reg[CPU_SP] = c->in.reg[CPU_SP];
    s->eflags = (uint32_t)bench_host.flags_out & BENCH_FLAGS;
    s->cw = a->cw, s->sw = a->sw, s->valid = a->valid, s->mxcsr = a->mxcsr;
    for (unsigned n = 0; n < 8; n++) {
        unsigned r = (n + (s->sw >> FPU_TOP_SHIFT)) & 7;

        s->mm[r] = a->st[n].mant, s->exp[r] = a->st[n].se;
    }
    for (unsigned n = 0; n < 16; n++) {
        if (a->xstate_bv & 2)
            memcpy(s->vector[n], a->xmm[n], 16);
        if (a->xstate_bv & 4)
            memcpy(s->vector[n] + 2, a->ymm[n], 16);
    }
    memcpy(s->data, (void *)(uintptr_t)BENCH_DATA, BENCH_DATA_BYTES);
}

/* ---- The simulator: 64-bit code at CPL 3, its RAM at the same addresses, for there is no paging (which a real processor would want). There
 * is no IDT either: a fault ends in shutdown, and its record says what it was. ---- */

static struct {
    struct sim_clock clock;
    struct sim_log log;
    struct cpu_model model;
    struct bus *bus;
    struct bus_ram *ram;
    struct bus_region region;
    struct cpu_cluster *cluster;
    struct cpu *cpu;
} bench_sim;


static void bench_sim_open(void)
{
    struct cpu *cpu;

    sim_clock_init(&bench_sim.clock, 1000000000);
    sim_log_init(&bench_sim.log);
    bench_sim.model = *cpu_model_find("max");
    bench_sim.model.sets = UINT64_MAX;
    ck_assert_int_eq(bus_create(&bench_sim.clock, &bench_sim.log, &bench_sim.bus), SIM_OK);
    ck_assert_int_eq(bus_ram_create(&bench_sim.bus->memory, "ram", BENCH_RAM, true, &bench_sim.ram), SIM_OK);
    bench_sim.region = (struct bus_region){ .name = "ram", .kind = BUS_REGION_RAM, .length = BENCH_RAM, .answers = BUS_READS | BUS_WRITES,
                                            .enabled = true, .ram = bench_sim.ram };
    ck_assert_int_eq(bus_region_add(&bench_sim.bus->mem, NULL, &bench_sim.region, BENCH_DATA), SIM_OK);
    ck_assert_int_eq(cpu_cluster_create(bench_sim.bus, &bench_sim.model, &bench_sim.cluster), SIM_OK);
    ck_assert_int_eq(cpu_create(bench_sim.cluster, &bench_sim.cpu), SIM_OK);
    bus_set_a20(bench_sim.bus, true);
    cpu = bench_sim.cpu;
    cpu->cr0 = CR0_PE | CR0_WP | CR0_AM | CR0_NE | CR0_ET | CR0_MP;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->efer = EFER_LME | EFER_LMA;
    cpu->xcr0 = 7;
    cpu->cpl = 3;
    for (unsigned n = 0; n < 6; n++)
        cpu->seg[n] = (struct cpu_seg){ .selector = n == CPU_CS ? 0x33 : 0x2b, .limit = UINT32_MAX,
                                        .attr = SEG_P | SEG_S | 3 << 5 | SEG_G | (n == CPU_CS ? SEG_L | 0xb : SEG_DB | 3) };
    cpu->idtr = (struct cpu_table){ 0 };
    mem_flush_tlb(cpu, true);
    cpu_mode_changed(cpu);
}

static void bench_sim_close(void)
{
    cpu_cluster_destroy(bench_sim.cluster);
    bus_destroy(bench_sim.bus);
    sim_log_fini(&bench_sim.log);
    sim_clock_fini(&bench_sim.clock);
}

static void bench_simulated(struct simd_case *c)
{
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 1, .shared_until = SIM_NEVER };
    struct cpu *cpu = bench_sim.cpu;
    struct simd_state *s = &c->sim;
    uint32_t records = cpu->history_next;

    bus_ram_put(bench_sim.ram, BENCH_CODE - BENCH_DATA, c->code, sizeof(c->code));
    bus_ram_put(bench_sim.ram, 0, c->in.data, BENCH_DATA_BYTES);
    memcpy(cpu->reg, c->in.reg, sizeof(c->in.reg));
    memcpy(cpu->vector, c->in.vector, sizeof(c->in.vector));
    for (unsigned n = 0; n < 8; n++)
        cpu->fpu.r[n] = (fp80){ c->in.mm[n], c->in.exp[n] };
    cpu->fpu.cw = c->in.cw, cpu->fpu.sw = c->in.sw, cpu->fpu.valid = c->in.valid;
    cpu->mxcsr = c->in.mxcsr;
    cpu->ip = BENCH_CODE;
    cpu_set_eflags(cpu, c->in.eflags | EFL_IF | 2);
    cpu->activity = CPU_ACTIVE;
    cpu->attention = 0;
    cpu->pending_db = 0;
    cpu_mode_changed(cpu);
    while (cpu_run(cpu, &slice) == CPU_EXIT_TOUCHED && cpu->ip == BENCH_CODE && cpu->history_next == records)
        ;
    memset(s, 0, sizeof(*s));
    s->fault = cpu->history_next == records ? -1 : cpu->history[records % CPU_HISTORY].vector;
    memcpy(s->reg, cpu->reg, sizeof(s->reg));
    memcpy(s->vector, cpu->vector, sizeof(s->vector));
    for (unsigned n = 0; n < 8; n++)
        s->mm[n] = cpu->fpu.r[n].mant, s->exp[n] = cpu->fpu.r[n].se;
    s->cw = cpu->fpu.cw, s->sw = cpu->fpu.sw, s->valid = cpu->fpu.valid;
    s->mxcsr = cpu->mxcsr;
    s->eflags = cpu_eflags(cpu) & BENCH_FLAGS;
    for (unsigned n = 0; n < BENCH_DATA_BYTES; n += SIM_PAGE_SIZE)
        memcpy(s->data + n, bus_ram_read_page(bench_sim.ram, n >> SIM_PAGE_SHIFT), SIM_PAGE_SIZE);
    if (s->fault < 0)
        ck_assert_uint_eq(cpu->ip, BENCH_CODE + c->len);
}

/* ---- Encodings ---- */

static bool bench_has(const struct isa_row *row, enum isa_operand op)
{
    return row->op[0] == op || row->op[1] == op || row->op[2] == op || row->op[3] == op;
}

static bool bench_is_vector_rm(enum isa_operand op) { return op >= Wx && op <= We; }
static bool bench_is_mmx(const struct isa_row *row) { return bench_has(row, Pq) || bench_has(row, Qq) || bench_has(row, Qd); }
static bool bench_is_memory(enum isa_operand op) { return (op >= M && op <= Mx) || op == Vs; }

/* Must ModRM.rm, may it be memory? */
static bool bench_memory_form(const struct isa_row *row, bool *must)
{
    bool may = false;

    *must = row->attributes & ISA_MEMONLY;
    for (unsigned n = 0; n < 4; n++) {
        *must |= bench_is_memory(row->op[n]);
        may |= bench_is_vector_rm(row->op[n]) || (row->op[n] >= Eb && row->op[n] <= Ey) || row->op[n] == Qq || row->op[n] == Qd;
    }
    return (may || *must) && !(row->attributes & ISA_REGONLY);
}

/* A register for ModRM or VEX fields, never the stack pointer when it is a general one. */
static unsigned bench_register(unsigned count)
{
    unsigned n = rnd_below(count);

    return n == CPU_SP ? count - 1 : n;
}

/* Prefixes, opcode and their register bits: `reg`, `index`, `base` are 0..15. */
static void bench_prefixes(struct simd_case *c, unsigned reg, unsigned index, unsigned base, unsigned vvvv, bool wide, bool extended)
{
    static const uint8_t legacy[] = { [PF_66] = 0x66, [PF_F3] = 0xf3, [PF_F2] = 0xf2 };
    static const uint8_t pp[] = { [PF_NP] = 0, [PF_66] = 1, [PF_F3] = 2, [PF_F2] = 3 };
    const struct isa_row *row = c->row;
    unsigned one = row->prefix & PF_ANY & -(row->prefix & PF_ANY), l = (row->prefix & VLIG) == VLIG ? rnd_below(2) : row->prefix & VL1 ? 1 : 0;
    uint8_t rex = (uint8_t)((wide ? 8 : 0) | (reg & 8) >> 1 | (index & 8) >> 2 | base >> 3);

    if (row->prefix & PF_VEX) {
        uint8_t last = (uint8_t)((~vvvv & 15) << 3 | l << 2 | pp[one]);

        if (row->map == 1 && !(rex & 11) && rnd_below(2)) {
            c->code[c->len++] = 0xc5;
            c->code[c->len++] = (uint8_t)((rex & 4 ? 0 : 0x80) | last);
        } else {
            c->code[c->len++] = 0xc4;
            c->code[c->len++] = (uint8_t)((~rex & 7) << 5 | row->map);
            c->code[c->len++] = (uint8_t)((wide ? 0x80 : 0) | last);
        }
    } else {
        if (one != PF_NP && (row->prefix & PF_ANY) != PF_ANY)
            c->code[c->len++] = legacy[one];
        if (rex || (extended && rnd_below(8) == 0))
            c->code[c->len++] = 0x40 | rex;
        if (row->map)
            c->code[c->len++] = 0x0f;
        if (row->map > 1)
            c->code[c->len++] = row->map == 2 ? 0x38 : 0x3a;
    }
    c->code[c->len++] = row->opcode;
}

/* Where the memory operand lies: aligned mostly, now and then across the pages' border. */
static uint32_t bench_place(void)
{
    switch (rnd_below(8)) {
    case 0:
        return BENCH_DATA + SIM_PAGE_SIZE - rnd_below(34);
    case 1:
        return BENCH_DATA + 128 + rnd_below(64);
    default:
        return BENCH_DATA + 64 + 32 * rnd_below(100);
    }
}

/* Makes up an encoding, and general registers that fit it. */
static void bench_encode(struct simd_case *c)
{
    const struct isa_row *row = c->row, *found;
    bool must, memory = bench_memory_form(row, &must), wide, mmx = bench_is_mmx(row);
    unsigned reg = row->ext < 8 ? row->ext : bench_register(16), rm = bench_register(16), vvvv = 0, last = rnd_below(256);

    memory = must || (memory && rnd_below(2));
    wide = (row->prefix & VWIG) == VWIG || !(row->prefix & PF_VEX) ? rnd_below(2) : row->prefix & VW1;
    if (bench_has(row, Hx) || bench_has(row, By))
        vvvv = bench_register(16);
    if (mmx && (row->op[0] == Pq || row->op[1] == Pq))
        reg &= 7;
    if (memory && (rm & 7) == CPU_SP)
        rm--;
    c->len = 0;
    memset(c->code, 0x90, sizeof(c->code));
    bench_prefixes(c, reg, 0, rm, vvvv, wide, true);
    c->at = bench_place();
    if (memory) {
        uint32_t disp = (uint32_t)rnd();

        c->code[c->len++] = (uint8_t)(0x80 | (reg & 7) << 3 | (rm & 7));
        memcpy(c->code + c->len, &disp, 4);
        c->len += 4;
        c->in.reg[rm] = c->at - (uint64_t)(int64_t)(int32_t)disp;
    } else if (row->ext != EXT_NONE) {
        c->code[c->len++] = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    }
    if (bench_has(row, Ib) || bench_has(row, Ibs) || bench_has(row, Lx))
        c->code[c->len++] = (uint8_t)last;
    decode(bench_sim.cluster->isa, bench_sim.cpu->mode, 0, c->code, sizeof(c->code), &c->insn, &found);
    ck_assert_msg(found == row && c->insn.len == c->len, "%s: the bench's encoding is not its row's", row->mnemonic);
}

/* ---- Cases ---- */

/* Does this host have the row's extension? */
static bool bench_host_has(const struct isa_row *row)
{
    unsigned a, b, c, d, leaf7 = 0, c1 = 0, d1;

    __get_cpuid(1, &a, &b, &c1, &d1);
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        leaf7 = b;
    switch (row->set) {
    case SET_MMX: case SET_SSE: case SET_SSE2: return true;
    case SET_SSE3: return c1 & bit_SSE3;
    case SET_SSSE3: return c1 & bit_SSSE3;
    case SET_SSE41: return c1 & bit_SSE4_1;
    case SET_SSE42: return c1 & bit_SSE4_2;
    case SET_AVX: return c1 & bit_AVX;
    case SET_FMA: return c1 & bit_FMA;
    case SET_F16C: return c1 & bit_F16C;
    case SET_AES: return c1 & bit_AES;
    case SET_PCLMUL: return c1 & bit_PCLMUL;
    case SET_AVX2: return leaf7 & bit_AVX2;
    default: return false;
    }
}

static void bench_registers(struct simd_case *c)
{
    struct simd_state *s = &c->in;

    memset(s, 0, sizeof(*s));
    for (unsigned n = 0; n < 16; n++)
        s->reg[n] = rnd_fraction(64);
    for (unsigned n = 0; n < 16; n++)
        for (unsigned k = 0; k < 4; k++)
            s->vector[n][k] = rnd();
    for (unsigned n = 0; n < 8; n++) {
        s->mm[n] = rnd();
        s->exp[n] = 0xffff;
    }
    s->cw = 0x37f;
    s->sw = (uint16_t)(rnd_below(8) << FPU_TOP_SHIFT);
    s->valid = (uint8_t)rnd();
    s->mxcsr = 0x1f80;
    s->eflags = (uint32_t)rnd() & BENCH_FLAGS;
    for (unsigned n = 0; n < BENCH_DATA_BYTES / 8; n++) {
        uint64_t v = rnd();

        memcpy(s->data + 8 * n, &v, 8);
    }
}

/* What the instruction's memory operand is in `in`, of 32 bytes; for suites to fill. */
static inline uint8_t *bench_memory(struct simd_case *c)
{
    return c->in.data + (c->at - BENCH_DATA);
}

static void bench_show_state(const char *name, const struct simd_case *c, const struct simd_state *s)
{
    unsigned regs[3] = { c->insn.dst, c->insn.src, insn_vvvv(&c->insn) };

    printf("  %-7s mxcsr %04x eflags %03x fault %d top %u valid %02x", name, s->mxcsr, s->eflags, s->fault, s->sw >> FPU_TOP_SHIFT & 7, s->valid);
    for (unsigned n = 0; n < 16; n++)
        if (s->reg[n] != c->in.reg[n])
            printf(" r%u %016llx", n, (unsigned long long)s->reg[n]);
    printf("\n");
    for (unsigned n = 0; n < 3; n++)
        if (regs[n] < 16 && (n == 0 || regs[n] != regs[n - 1])) {
            printf("    v%-2u", regs[n]);
            for (unsigned k = 0; k < 32; k++)
                printf("%s%02x", k % 4 == 0 ? " " : "", ((const uint8_t *)s->vector[regs[n]])[31 - k]);
            printf("\n");
        }
    printf("    mm ");
    for (unsigned n = 0; n < 8; n++)
        printf(" %016llx", (unsigned long long)s->mm[n]);
    if (c->insn.flags & INSN_MEM) {
        printf("\n    [%x]", c->at);
        for (unsigned k = 0; k < 32; k++)
            printf("%s%02x", k % 4 == 0 ? " " : "", s->data[c->at - BENCH_DATA + 31 - k]);
    }
    printf("\n");
}

static void bench_show(const struct simd_case *c)
{
    printf("%s:", c->row->mnemonic);
    for (unsigned n = 0; n < c->len; n++)
        printf(" %02x", c->code[n]);
    printf("\n");
    bench_show_state("before", c, &c->in);
    bench_show_state("native", c, &c->native);
    bench_show_state("ours", c, &c->sim);
}

static bool bench_same(const struct simd_case *c)
{
    const struct simd_state *a = &c->native, *b = &c->sim;

    return !memcmp(a->reg, b->reg, sizeof(a->reg)) && !memcmp(a->vector, b->vector, sizeof(a->vector)) &&
           !memcmp(a->mm, b->mm, sizeof(a->mm)) && !memcmp(a->exp, b->exp, sizeof(a->exp)) && a->cw == b->cw && a->sw == b->sw &&
           a->valid == b->valid && a->mxcsr == b->mxcsr && !((a->eflags ^ b->eflags) & ~c->row->undefined) && a->fault == b->fault &&
           !memcmp(a->data, b->data, sizeof(a->data));
}

/* ---- Suites ---- */

struct simd_suite {
    bool (*wanted)(const struct isa_row *row);
    void (*fill)(struct simd_case *c);        /* operands and MXCSR; may be NULL */
    bool (*close)(const struct simd_case *c); /* is a difference none? NULL: no */
};

/* Rows that the suite wants and this host has; returns how many. */
static unsigned bench_rows(const struct simd_suite *suite, unsigned *rows, unsigned max)
{
    unsigned count = 0;

    for (unsigned n = 0; n < isa_row_count && count < max; n++)
        if (isa_row_built(&isa_rows[n]) && suite->wanted(&isa_rows[n]) && bench_host_has(&isa_rows[n]))
            rows[count++] = n;
    return count;
}

static bool bench_case(const struct simd_suite *suite, unsigned row, struct simd_case *c)
{
    c->row = &isa_rows[row];
    bench_registers(c);
    bench_encode(c);
    if (suite->fill)
        suite->fill(c);
    bench_native(c);
    bench_simulated(c);
    return bench_same(c) || (suite->close && suite->close(c));
}

/* Runs `cases` of one row; shows the first that differs, returns how many do. */
static unsigned long bench_row(const struct simd_suite *suite, unsigned row, unsigned long cases, unsigned long *faults)
{
    static struct simd_case c;
    unsigned long wrong = 0;

    for (unsigned long n = 0; n < cases; n++) {
        if (!bench_case(suite, row, &c) && !wrong++)
            bench_show(&c);
        *faults += c.native.fault >= 0;
    }
    return wrong;
}

/* To be called first, once. NULL, or why this host cannot do it. The simulator is for a checked fixture: bench_sim_open, bench_sim_close. */
static const char *bench_host_open(void)
{
    static const int signals[] = { SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP };
    struct sigaction action = { .sa_sigaction = bench_on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };
    unsigned a, b, c, d;
    void *at = (void *)(uintptr_t)BENCH_DATA;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
        return "this host has no AVX";
    if (mmap(at, BENCH_RAM, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at)
        return "cannot map low memory";
    for (unsigned n = 0; n < sizeof(signals) / sizeof(signals[0]); n++)
        sigaction(signals[n], &action, NULL);
    return NULL;
}

#endif
#endif
