/*
 * Runs one instruction on the host. The state is entered by rt_sigreturn, which loads any CS, SS, flags and registers, and left by
 * the signal that TF, a fault or the INT3 behind the instruction raises.
 */
#include "testcases/oracle/oracle.h"

#include <asm/ldt.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__linux__)

#define EFLAGS_TF 0x100u
#define EFLAGS_IF 0x200u
#define UC_FP_XSTATE 1ul
#define UC_SS     6ul /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */

/* A frame's state of FPU and vectors: FXSAVE's layout, then XSAVE's header and, where CPUID says, the upper halves of YMM. */
enum { FRAME_MAX = 8192, AT_MXCSR = 24, AT_ST = 32, AT_XMM = 160, AT_SOFTWARE = 464, AT_COMPONENTS = 512 };
#define FRAME_MAGIC 0x46505853u

static ucontext_t enter;
static uint8_t frame[FRAME_MAX] __attribute__((aligned(64))), left_frame[FRAME_MAX];
static uint32_t frame_bytes, at_upper; /* 0: there is none */
static bool with_vectors;
static greg_t left[NGREG];
static uint16_t left_es, left_ds, left_gs;
static unsigned long stack_pointer;
static volatile bool running; /* between go() and its return: a signal at another time is a fault of our own */
extern char native_back[];

/* CS, GS, FS, SS as the frame has them: 16 bits each, from the low end. */
static greg_t selectors(uint16_t cs, uint16_t ss)
{
    return (greg_t)((uint64_t)cs | (uint64_t)ss << 48);
}

/* The frame's registers come out, and what goes back is the C code that called. */
static __attribute__((noinline)) void swap(ucontext_t *u)
{
    greg_t *g = u->uc_mcontext.gregs;

    memcpy(left, g, sizeof(left));
    if (with_vectors) {
        memcpy(left_frame, u->uc_mcontext.fpregs, frame_bytes);
        u->uc_mcontext.fpregs = NULL; /* the C code goes on with a fresh one */
    }
    g[REG_RIP] = (greg_t)native_back;
    g[REG_RSP] = (greg_t)stack_pointer;
    g[REG_EFL] = EFLAGS_IF | 2;
    g[REG_CSGSFS] = selectors(0x33, 0x2b);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)info;
    if (!running) {
        signal(sig, SIG_DFL);
        return;
    }
    running = false;
    /* AC would make this very function fault; NT and ID are not taken from the frame, and would stay. */
    __asm__ volatile("pushfq; andl $~0x244000, (%%rsp); popfq\n\t"
                     "mov %%es, %0; mov %%ds, %1; mov %%gs, %2" : "=m"(left_es), "=m"(left_ds), "=m"(left_gs) :: "memory", "cc");
    swap(context);
}

/* A null selector need not clear the base of GS (host_vendor.h), so it has none before. */
static __attribute__((noinline)) void go(uint16_t es, uint16_t ds, uint16_t gs)
{
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
                     "mov %%rsp, %[save]\n\t"
                     "mov %w[flat], %%gs; mov %w[gs], %%gs; mov %w[es], %%es; mov %w[ds], %%ds\n\t"
                     "mov %[frame], %%rsp\n\t"
                     "mov %[nr], %%eax; syscall\n"
                     ".globl native_back\nnative_back:\n\t"
                     "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx\n\t"
                     "add $128, %%rsp"
                     : [save] "=m"(stack_pointer)
                     : [frame] "r"(&enter), [nr] "i"(SYS_rt_sigreturn), [es] "r"((uint32_t)es), [ds] "r"((uint32_t)ds), [gs] "r"((uint32_t)gs), [flat] "r"((uint32_t)flat_data.selector)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

/* ---- Vectors ---- */

static void learn_frame(int sig, siginfo_t *info, void *context)
{
    const uint8_t *f = (const uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
    uint32_t software[2]; /* magic, size of it all */

    (void)sig;
    (void)info;
    memcpy(software, f + AT_SOFTWARE, sizeof(software));
    if (software[0] != FRAME_MAGIC || software[1] > FRAME_MAX)
        return;
    frame_bytes = software[1];
    memcpy(frame, f, frame_bytes);
}

bool native_has_vectors(void)
{
    struct sigaction action = { .sa_sigaction = learn_frame, .sa_flags = SA_SIGINFO }, before;
    uint32_t a = 13, c = 2, b, d;

    if (!__builtin_cpu_supports("avx"))
        return false;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    at_upper = b;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &before, NULL);
    return frame_bytes != 0;
}

static void fill_frame(const struct vectors *v)
{
    unsigned top = v->status >> 11 & 7;
    uint64_t components;

    memcpy(frame, &v->control, 2);
    memcpy(frame + 2, &v->status, 2);
    frame[4] = (uint8_t)v->valid;
    memcpy(frame + AT_MXCSR, &v->mxcsr, 4);
    for (unsigned n = 0; n < 8; n++) {
        memcpy(frame + AT_ST + n * 16, &v->significand[(top + n) & 7], 8);
        memcpy(frame + AT_ST + n * 16 + 8, &v->exponent[(top + n) & 7], 2);
    }
    for (unsigned n = 0; n < 16; n++) {
        memcpy(frame + AT_XMM + n * 16, v->ymm[n], 16);
        memcpy(frame + at_upper + n * 16, v->ymm[n] + 16, 16);
    }
    memcpy(&components, frame + AT_COMPONENTS, 8);
    components |= 7;
    memcpy(frame + AT_COMPONENTS, &components, 8);
}

/* Components that are as after RESET are not in the frame. */
static void read_frame(struct vectors *v)
{
    const uint8_t *f = left_frame;
    uint64_t components;
    unsigned top;

    *v = (struct vectors){ .control = 0x37f, .mxcsr = 0 };
    memcpy(&components, f + AT_COMPONENTS, 8);
    memcpy(&v->mxcsr, f + AT_MXCSR, 4);
    if (components & 1) {
        memcpy(&v->control, f, 2);
        memcpy(&v->status, f + 2, 2);
        v->valid = f[4];
    }
    top = v->status >> 11 & 7;
    for (unsigned n = 0; n < 8 && components & 1; n++) {
        memcpy(&v->significand[(top + n) & 7], f + AT_ST + n * 16, 8);
        memcpy(&v->exponent[(top + n) & 7], f + AT_ST + n * 16 + 8, 2);
    }
    for (unsigned n = 0; n < 16; n++) {
        if (components & 2)
            memcpy(v->ymm[n], f + AT_XMM + n * 16, 16);
        if (components & 4)
            memcpy(v->ymm[n] + 16, f + at_upper + n * 16, 16);
    }
}

static const int reg_index[R_COUNT] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                        REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

void native_run(const struct test *t, struct state *out)
{
    greg_t *g = enter.uc_mcontext.gregs;
    bool wide = t->seg[S_CS]->wide;

    memset(&enter, 0, sizeof(enter));
    enter.uc_flags = UC_SS;
    with_vectors = t->vectors;
    if (with_vectors) {
        fill_frame(&t->in.v);
        enter.uc_flags |= UC_FP_XSTATE;
        enter.uc_mcontext.fpregs = (fpregset_t)(void *)frame;
    }
    for (unsigned n = 0; n < R_COUNT; n++)
        g[reg_index[n]] = (greg_t)t->in.reg[n];
    g[REG_RIP] = (greg_t)t->in.ip;
    g[REG_EFL] = (greg_t)(t->in.eflags | EFLAGS_IF | (t->to_end ? 0 : EFLAGS_TF));
    g[REG_CSGSFS] = selectors(t->seg[S_CS]->selector, t->seg[S_SS]->selector);
    running = true;
    go(t->seg[S_ES]->selector, t->seg[S_DS]->selector, t->seg[S_GS]->selector);
    *out = (struct state){ .vector = (int)left[REG_TRAPNO] };
    for (unsigned n = 0; n < (wide ? R_COUNT : 8u); n++)
        out->reg[n] = (uint64_t)left[reg_index[n]] & (wide ? UINT64_MAX : UINT32_MAX);
    out->ip = (uint64_t)left[REG_RIP];
    out->eflags = (uint32_t)left[REG_EFL];
    out->sel[S_ES] = left_es;
    out->sel[S_CS] = (uint16_t)left[REG_CSGSFS];
    out->sel[S_SS] = (uint16_t)((uint64_t)left[REG_CSGSFS] >> 48);
    out->sel[S_DS] = left_ds;
    out->sel[S_GS] = left_gs;
    if (with_vectors)
        read_frame(&out->v);
    if (out->vector == 1)
        out->vector = -1;
    else if (out->vector >= 10 && out->vector <= 14)
        out->error = (uint32_t)left[REG_ERR];
    if (out->vector == 14) {
        out->cr2 = (uint64_t)left[REG_CR2];
        out->error &= ~0x10u; /* fetches: said only where there is NX */
    }
}

void native_put(uint32_t laddr, const void *bytes, unsigned len)
{
    memcpy((void *)(uintptr_t)laddr, bytes, len);
}

void native_protect(void)
{
    mprotect((void *)(uintptr_t)(DATA + 4 * PAGE), PAGE, PROT_READ);
}

const uint8_t *native_page(uint32_t laddr)
{
    return (const uint8_t *)(uintptr_t)laddr;
}

/* ---- Setting up ---- */

/* Whatever else lies below 4 GiB could be met by a test's stray address. */
static bool low_memory_is_empty(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long low;
    bool empty = maps != NULL;
    char line[512];

    while (maps && fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx", &low) == 1 && low <= UINT32_MAX)
            empty = false;
    if (maps)
        fclose(maps);
    return empty;
}

static bool map(uint32_t laddr, unsigned pages, int prot)
{
    void *at = (void *)(uintptr_t)laddr;

    return mmap(at, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0) == at;
}

static bool install_ldt(const struct segment *ldt, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        bool pages = ldt[n].limit > 0xfffff;
        struct user_desc d = { .entry_number = ldt[n].selector >> 3, .base_addr = ldt[n].base, .seg_32bit = ldt[n].big,
                               .limit = pages ? ldt[n].limit >> 12 : ldt[n].limit, .limit_in_pages = pages,
                               .contents = ldt[n].code ? 2 : ldt[n].down ? 1 : 0, .read_exec_only = ldt[n].readonly,
                               .seg_not_present = ldt[n].absent, .useable = 1 };

        if (syscall(SYS_modify_ldt, 1, &d, sizeof(d)))
            return false;
    }
    return true;
}

/* MOV AL, 5Ah, the same bytes in every mode; with a GS, in 64-bit mode, MOV AL, GS:[0]. Did it come to pass, by a step or to its end? */
static bool runs(const struct segment *cs, const struct segment *gs, uint64_t sp, bool to_end)
{
    static const uint8_t plain[] = { 0xb0, 0x5a, 0xcc }, by_gs[] = { 0x65, 0x8a, 0x04, 0x25, 0, 0, 0, 0, 0xcc };
    unsigned len = gs ? sizeof(by_gs) : sizeof(plain);
    struct test t = { .code_at = CODE + 0x100, .to_end = to_end };
    struct state out;

    for (unsigned n = 0; n < S_COUNT; n++)
        t.seg[n] = &flat_data;
    t.seg[S_CS] = cs;
    t.in.ip = t.code_at - cs->base;
    t.in.reg[R_SP] = sp;
    native_put(t.code_at, gs ? by_gs : plain, len);
    if (gs) {
        t.seg[S_GS] = gs;
        native_put(gs->base, &plain[1], 1);
    }
    native_run(&t, &out);
    return out.vector == (to_end ? 3 : -1) && out.ip == t.in.ip + len - !to_end && (out.reg[R_AX] & 0xff) == 0x5a &&
           out.reg[R_SP] == sp && out.sel[S_CS] == cs->selector && (!gs || out.sel[S_GS] == gs->selector);
}

/* In a child, for a host may do worse than fault. */
static bool can(const struct segment *cs, const struct segment *gs, uint64_t sp)
{
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        alarm(10);
        _exit(!runs(cs, gs, sp, false) || !runs(cs, gs, sp, true));
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* By a segment of the LDT that begins where our code or data does. */
static bool can_by_ldt(const struct segment *ldt, unsigned count, bool code, bool big)
{
    bool any = false;

    for (unsigned n = 0; n < count && !any; n++)
        if (ldt[n].code == code && ldt[n].big == big && !ldt[n].absent && ldt[n].base == (code ? CODE : DATA))
            any = code ? can(&ldt[n], NULL, PAGE) : can(&wide_code, &ldt[n], PAGE);
    return any;
}

static void learn_abilities(const struct segment *ldt, unsigned count, struct abilities *has)
{
    *has = (struct abilities){ .code64 = can(&wide_code, NULL, PAGE), .code32 = can(&flat_code, NULL, PAGE) };
    has->stray_stack = has->code64 && can(&wide_code, NULL, CANONICAL + PAGE);
    has->ldt = install_ldt(ldt, count) && can_by_ldt(ldt, count, false, true);
    has->code16 = has->ldt && can_by_ldt(ldt, count, true, false);
    has->code32_by_ldt = has->ldt && can_by_ldt(ldt, count, true, true);
}

const char *native_init(const struct segment *ldt, unsigned count, struct abilities *has)
{
    static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

    if (!low_memory_is_empty())
        return "something is mapped below 4 GiB (a sanitizer, or a program that is not position-independent)";
    if (!map(DATA, 5, PROT_READ | PROT_WRITE) || !map(DATA + 6 * PAGE, 2, PROT_READ | PROT_WRITE) ||
        !map(CODE, CODE_PAGES, PROT_READ | PROT_WRITE | PROT_EXEC))
        return "cannot map low memory";
    if (!stack.ss_sp || sigaltstack(&stack, NULL))
        return "no signal stack";
    for (unsigned n = 0; n < sizeof(signals) / sizeof(signals[0]); n++)
        sigaction(signals[n], &action, NULL);
    learn_abilities(ldt, count, has);
    return has->code16 || has->code32 || has->code32_by_ldt || has->code64 ? NULL : "code of no mode can be entered by sigreturn and left by a signal";
}

#else

bool native_has_vectors(void) { return false; }
const char *native_init(const struct segment *ldt, unsigned count, struct abilities *has) { return "this host does not run x86 code"; }
void native_protect(void) {}
void native_put(uint32_t laddr, const void *bytes, unsigned len) {}
const uint8_t *native_page(uint32_t laddr) { return NULL; }
void native_run(const struct test *t, struct state *out) {}

#endif
