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
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__linux__)

#define EFLAGS_TF 0x100u
#define EFLAGS_IF 0x200u
#define UC_SS     6ul /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */

static ucontext_t enter;
static greg_t left[NGREG];
static uint16_t left_es, left_ds, left_gs;
static unsigned long stack_pointer;
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
    g[REG_RIP] = (greg_t)native_back;
    g[REG_RSP] = (greg_t)stack_pointer;
    g[REG_EFL] = EFLAGS_IF | 2;
    g[REG_CSGSFS] = selectors(0x33, 0x2b);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    /* AC would make this very function fault; NT and ID are not taken from the frame, and would stay. */
    __asm__ volatile("pushfq; andl $~0x244000, (%%rsp); popfq\n\t"
                     "mov %%es, %0; mov %%ds, %1; mov %%gs, %2" : "=m"(left_es), "=m"(left_ds), "=m"(left_gs) :: "memory", "cc");
    swap(context);
}

static __attribute__((noinline)) void go(uint16_t es, uint16_t ds, uint16_t gs)
{
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n\t"
                     "mov %%rsp, %[save]\n\t"
                     "mov %w[gs], %%gs; mov %w[es], %%es; mov %w[ds], %%ds\n\t"
                     "mov %[frame], %%rsp\n\t"
                     "mov %[nr], %%eax; syscall\n"
                     ".globl native_back\nnative_back:\n\t"
                     "pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx\n\t"
                     "add $128, %%rsp"
                     : [save] "=m"(stack_pointer)
                     : [frame] "r"(&enter), [nr] "i"(SYS_rt_sigreturn), [es] "r"((uint32_t)es), [ds] "r"((uint32_t)ds), [gs] "r"((uint32_t)gs)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

static const int reg_index[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };

void native_run(const struct test *t, struct state *out)
{
    greg_t *g = enter.uc_mcontext.gregs;

    memset(&enter, 0, sizeof(enter));
    enter.uc_flags = UC_SS;
    for (unsigned n = 0; n < 8; n++)
        g[reg_index[n]] = t->in.reg[n];
    g[REG_RIP] = t->in.ip;
    g[REG_EFL] = (greg_t)(t->in.eflags | EFLAGS_IF | (t->to_end ? 0 : EFLAGS_TF));
    g[REG_CSGSFS] = selectors(t->seg[S_CS]->selector, t->seg[S_SS]->selector);
    go(t->seg[S_ES]->selector, t->seg[S_DS]->selector, t->seg[S_GS]->selector);
    *out = (struct state){ .vector = (int)left[REG_TRAPNO] };
    for (unsigned n = 0; n < 8; n++)
        out->reg[n] = (uint32_t)left[reg_index[n]];
    out->ip = (uint32_t)left[REG_RIP];
    out->eflags = (uint32_t)left[REG_EFL];
    out->sel[S_ES] = left_es;
    out->sel[S_CS] = (uint16_t)left[REG_CSGSFS];
    out->sel[S_SS] = (uint16_t)((uint64_t)left[REG_CSGSFS] >> 48);
    out->sel[S_DS] = left_ds;
    out->sel[S_GS] = left_gs;
    if (out->vector == 1)
        out->vector = -1;
    else if (out->vector >= 10 && out->vector <= 14)
        out->error = (uint32_t)left[REG_ERR];
    if (out->vector == 14) {
        out->cr2 = (uint32_t)left[REG_CR2];
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

const char *native_init(const struct segment *ldt, unsigned count)
{
    static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

    if (!low_memory_is_empty())
        return "something is mapped below 4 GiB (a sanitizer, or a program that is not position-independent)";
    if (!map(DATA, 5, PROT_READ | PROT_WRITE) || !map(DATA + 6 * PAGE, 2, PROT_READ | PROT_WRITE) ||
        !map(CODE, CODE_PAGES, PROT_READ | PROT_WRITE | PROT_EXEC))
        return "cannot map low memory";
    if (!install_ldt(ldt, count))
        return "modify_ldt does not take 16-bit segments";
    if (!stack.ss_sp || sigaltstack(&stack, NULL))
        return "no signal stack";
    for (unsigned n = 0; n < sizeof(signals) / sizeof(signals[0]); n++)
        sigaction(signals[n], &action, NULL);
    return NULL;
}

#else

const char *native_init(const struct segment *ldt, unsigned count) { return "this host does not run x86 code"; }
void native_protect(void) {}
void native_put(uint32_t laddr, const void *bytes, unsigned len) {}
const uint8_t *native_page(uint32_t laddr) { return NULL; }
void native_run(const struct test *t, struct state *out) {}

#endif
