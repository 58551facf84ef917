/* The logger: says what has changed, and where the case goes on. */
#include "testcases/oracle/system/long/long.h"

#include <stddef.h>

enum { MAX_EVENTS = 40, CR4_PGE = 0x80, RF = 0x10000 };

/* ---- Memory that is looked at ---- */

static const struct watched watched[] = {
    { GDT_AT + MAIN_TSS, 4 },
    { GDT_AT + FIRST, SLOTS * 2 },
    { LDT_AT, LDT_ENTRIES * 2 },
    { TSS_AT, 26 }, { TSS_AT + OTHER_TSS, 26 },
    { PML4_AT, 2 }, { PML4_AT + 255 * 8, 4 }, { PML4_AT + 511 * 8, 2 },
    { PDPT_AT, 4 }, { PDPT_AT + 511 * 8, 2 }, { PD_AT, 4 }, { PD_AT + 511 * 8, 2 }, { PT_AT, WATCHED_PAGES * 2 },
    { STACK_AT, 4 }, { STACK_AT + PAGE - 0x100, 0x44 }, { STACK_AT + 2 * PAGE - 0x100, 0x44 }, { STACK_AT + 3 * PAGE - 0x100, 0x44 },
    { STACK_AT + 4 * PAGE - 0x100, 0x44 },
    { DATA_AT, 8 }, { DATA_AT + PAGE - 8, 8 }, { DATA_AT + 2 * PAGE - 8, 8 }, { DATA_AT + 3 * PAGE - 8, 8 }, { DATA_AT + 4 * PAGE - 8, 8 },
    { DATA_AT + 5 * PAGE - 8, 8 }, { DATA_AT + 6 * PAGE - 8, 8 }, { DATA_AT + 7 * PAGE - 8, 8 }, { DATA_AT + 8 * PAGE - 8, 4 },
};
enum { AREAS = sizeof(watched) / sizeof(watched[0]) };

/* ---- Registers: those of a frame, and some more ---- */

enum { FRAME = sizeof(struct frame) / 8, CR0 = FRAME, CR2, CR4, DR6, EFER, TR, LDTR, STAR, LSTAR, FMASK, REGISTERS };
static const char *const names[REGISTERS] = {
    "fsbase", "gsbase", "kgsbase", "dr7", "cr3", "cr8", "ds", "es", "fs", "gs", "rax", "rcx", "rdx", "rbx", 0, "rbp", "rsi", "rdi", "r8", "r9",
    "r10", "r11", "r12", "r13", "r14", "r15", 0, 0, "rip", "cs", "rflags", "rsp", "ss",
    "cr0", "cr2", "cr4", "dr6", "efer", "tr", "ldtr", "star", "lstar", "fmask",
};
static u64 before[REGISTERS];
static bool told[REGISTERS];
static unsigned events, repeated;
static u64 last_entry, last_error;
static u32 expected;            /* offset of the instruction that comes next; ~0: not known */

static u64 read_msr(u32 msr)
{
    u32 low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (u64)high << 32 | low;
}

static void read_registers(const struct frame *f, u64 *r)
{
    const u64 *from = (const u64 *)f;
    u16 tr, ldtr;

    for (unsigned n = 0; n < FRAME; n++)
        r[n] = from[n];
    __asm__ volatile("mov %%cr0, %0" : "=r"(r[CR0]));
    __asm__ volatile("mov %%cr2, %0" : "=r"(r[CR2]));
    __asm__ volatile("mov %%cr4, %0" : "=r"(r[CR4]));
    __asm__ volatile("mov %%dr6, %0" : "=r"(r[DR6]));
    __asm__ volatile("str %0" : "=r"(tr));
    __asm__ volatile("sldt %0" : "=r"(ldtr));
    r[TR] = tr;
    r[LDTR] = ldtr;
    r[EFER] = read_msr(0xc0000080);
    r[STAR] = read_msr(0xc0000081);
    r[LSTAR] = read_msr(0xc0000082);
    r[FMASK] = read_msr(0xc0000084);
}

/* One half, or both. */
static void say_half(const char *name, const char *half, u32 now, u32 was, bool first)
{
    if (now == was)
        return;
    say(" ");
    say(name);
    say(half);
    say("=");
    say_hex(now);
    if (first) {
        say(":");
        say_hex(was);
    }
}

static void say_registers(const u64 *now)
{
    for (unsigned n = 0; n < REGISTERS; n++)
        if (names[n] && now[n] != before[n]) {
            say_half(names[n], "", (u32)now[n], (u32)before[n], !told[n]);
            say_half(names[n], ".h", (u32)(now[n] >> 32), (u32)(before[n] >> 32), !told[n]);
            told[n] = true;
            before[n] = now[n];
        }
}

/* In the first event: the comparison asks for them. */
static bool is_always_told(unsigned n)
{
    return n == offsetof(struct frame, dr7) / 8 || n == offsetof(struct frame, cs) / 8 || n == offsetof(struct frame, flags) / 8;
}

void log_begin(const struct frame *f)
{
    const u64 *from = (const u64 *)f;

    events = repeated = 0;
    last_entry = ENTRIES;
    expected = routine_offset(0);
    for (unsigned n = 0; n < REGISTERS; n++) {
        before[n] = n < FRAME && !(names[n] && is_always_told(n)) ? from[n] : 0;
        told[n] = false;
    }
    watch_begin(watched, AREAS);
    say("C ");
    say_hex(scenario.number);
    say("\n");
}

/* ---- Where the case stands ---- */

/* RIP as an offset into the routines: through whatever window, or in a segment that is based there. ~0: elsewhere. */
static u32 code_offset(u64 ip)
{
    for (unsigned n = 0; n < WINDOWS; n++)
        if (ip - windows[n] - CODE_AT < 2 * PAGE)
            return (u32)(ip - windows[n] - CODE_AT);
    return ip < 2 * PAGE ? (u32)ip : ~0u;
}

/* Translations of the case that are global are none of the logger's. */
static void flush_global(u64 cr4)
{
    if (cr4 & CR4_PGE) {
        __asm__ volatile("mov %0, %%cr4" :: "r"(cr4 & ~(u64)CR4_PGE) : "memory");
        __asm__ volatile("mov %0, %%cr4" :: "r"(cr4) : "memory");
    }
}

static void say_event(const struct frame *f, int n)
{
    say("E ");
    say_hex(f->entry < 32 ? (u32)f->entry : INT_LOG + (u32)f->entry - 32);
    say(" ");
    if (~f->error)
        say_hex((u32)f->error);
    else
        say("-");
    say(" ");
    say(n < 0 ? "?" : insns[n].name);
}

/* The same fault again and again: most likely it cannot even begin the instruction. */
static bool is_stuck(const struct frame *f)
{
    repeated = f->entry == last_entry && f->entry != 1 && f->entry < 32 && f->error == last_error ? repeated + 1 : 0;
    last_entry = f->entry;
    last_error = f->error;
    return repeated == 4;
}

bool log_event(struct frame *f)
{
    u64 now[REGISTERS];
    bool skip = entry_is_fault((u32)f->entry), in_logger = (f->cs & 0xfffc) == H_CODE64 && f->ip >= 0x100000 && f->ip < 0x200000;
    int here = insn_at(code_offset(f->ip)), n = skip ? here : insn_at(expected);

    read_registers(f, now);
    flush_global(now[CR4]);
    __asm__ volatile("mov %0, %%dr6" :: "r"(scenario.keep_dr6 ? now[DR6] & ~15ull : 0xffff0ff0));
    say_event(f, n);
    say_registers(now);
    watch_look(watched, AREAS, true);
    if (f->entry == 8 || f->entry == 33)
        return say_end(f->entry == 8 ? "double-fault" : "end");
    if (in_logger)
        return say_end("in-logger");
    if (++events == MAX_EVENTS)
        return say_end("many");
    if (is_stuck(f))
        return say_end("stuck");
    say("\n");
    say_flush();
    expected = code_offset(f->ip);
    if (f->entry == 1 && now[DR6] & 15) /* a breakpoint that was met must not be met again */
        f->flags |= RF;
    if (!skip)
        return true;
    if (here < 0)
        return say_end("lost");
    if (insns[here].last)
        return say_end("end");
    expected = insns[here + 1].off;
    f->ip += expected - insns[here].off;
    before[&f->ip - (u64 *)f] = f->ip;
    before[&f->flags - (u64 *)f] = f->flags;
    return true;
}
