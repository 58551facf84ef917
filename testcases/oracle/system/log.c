/* The logger: says what has changed, and where the case goes on. */
#include "testcases/oracle/system/system.h"

enum { MAX_EVENTS = 40 };

/* ---- Memory that is looked at ---- */

static const struct watched watched[] = {
    { GDT_AT + H_TSS, 4 },                  /* busy or not */
    { GDT_AT + FIRST, SLOTS * 2 },
    { LDT_AT, LDT_ENTRIES * 2 },
    { TSS_AT, 26 },
    { TASK_AT, TASKS * TASK_BYTES / 4 },
    { CASE_TABLE(0), 4 }, { CASE_TABLE(1), 0x50 }, { CASE_TABLE(2), 8 }, { CASE_TABLE(3), 8 }, { CASE_TABLE(4), 0xa0 }, { CASE_TABLE(5), 2 },
    { STACK_AT, 4 }, { STACK_AT + PAGE - 0x100, 0x44 }, { STACK_AT + 2 * PAGE - 0x100, 0x44 }, { STACK_AT + 3 * PAGE - 0x100, 0x44 },
    { STACK_AT + 4 * PAGE - 0x100, 0x44 },
    { DATA_AT, 8 }, { DATA_AT + PAGE - 8, 8 }, { DATA_AT + 2 * PAGE - 8, 8 }, { DATA_AT + 3 * PAGE - 8, 8 }, { DATA_AT + 4 * PAGE - 8, 8 },
    { DATA_AT + 5 * PAGE - 8, 8 }, { DATA_AT + 6 * PAGE - 8, 8 }, { DATA_AT + 7 * PAGE - 8, 8 }, { DATA_AT + 8 * PAGE - 8, 4 },
};
enum { AREAS = sizeof(watched) / sizeof(watched[0]) };

/* ---- Registers ---- */

enum { CR0, CR2, CR4, DR6, DR7, TASK, ENTRY_SP, REGISTERS };
static const char *const names[REGISTERS] = { "cr0", "cr2", "cr4", "dr6", "dr7", "tr", "sp" };
static u32 registers[REGISTERS];
static unsigned events, repeated;
static u32 last_entry, last_error;
static u32 expected;            /* offset of the instruction that comes next; ~0: not known */

static void read_registers(u32 *r, const u32 *stack)
{
    __asm__ volatile("mov %%cr0, %0" : "=r"(r[CR0]));
    __asm__ volatile("mov %%cr2, %0" : "=r"(r[CR2]));
    __asm__ volatile("mov %%cr4, %0" : "=r"(r[CR4]));
    __asm__ volatile("mov %%dr6, %0" : "=r"(r[DR6]));
    r[DR7] = stack[0];
}

void log_begin(void)
{
    events = repeated = 0;
    last_entry = ENTRIES;
    expected = routine_offset(0);
    for (unsigned n = 0; n < REGISTERS; n++)
        registers[n] = 0;
    watch_begin(watched, AREAS);
    say("C ");
    say_hex(scenario.number);
    say("\n");
}

/* ---- Where the case stands ---- */

static u32 task_base(u16 selector)
{
    u32 d = GDT_AT + (selector & 0xfff8);

    return get32(d) >> 16 | (get32(d + 4) & 0xff) << 16;
}

/* EIP in a TSS as an offset into the routines, whether CS is based there or flat. */
static u32 code_offset(u32 ip)
{
    return ip >= CODE_AT && ip < CODE_AT + 2 * PAGE ? ip - CODE_AT : ip;
}

/* Of the task that has been left: its EIP. */
static bool is_narrow(u16 task)
{
    return !(get32(GDT_AT + (task & 0xfff8) + 4) & 0x800);
}

static u32 task_ip(u16 task)
{
    u32 tss = task_base(task);

    return code_offset(is_narrow(task) ? get32(tss + 0x0e) & 0xffff : get32(tss + 0x20));
}

/* Moves the case behind an instruction that has faulted. */
static bool go_on(u32 tss, bool narrow, int n)
{
    u32 at = tss + (narrow ? 0x0e : 0x20), ip = narrow ? get32(at) & 0xffff : get32(at);
    u32 next = insns[n + 1].off + (ip - code_offset(ip));

    put32(at, narrow ? (get32(at) & 0xffff0000) | next : next);
    expected = insns[n + 1].off;
    return true;
}

bool log_event(unsigned entry, u32 *stack)
{
    static const u32 has_code = 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17;
    u32 *top = (u32 *)(log_stacks + (entry + 1) * PAGE), now[REGISTERS], tss;
    u16 task = (u16)get32(LOG_TSS_AT + entry * TASK_BYTES);
    bool narrow, sound = task == MAIN_TSS || (task >= FIRST && task < FIRST + SLOTS * 8), code = &stack[2] != top, skip = entry_is_fault(entry);
    int n = insn_at(expected), here = sound ? insn_at(task_ip(task)) : -1;

    read_registers(now, stack);
    if (now[CR4] & 0x80) { /* global translations of the case are none of the logger's */
        __asm__ volatile("mov %0, %%cr4" :: "r"(now[CR4] & ~0x80u) : "memory");
        __asm__ volatile("mov %0, %%cr4" :: "r"(now[CR4]) : "memory");
    }
    __asm__ volatile("mov %0, %%dr6" :: "r"(scenario.keep_dr6 ? now[DR6] & ~15u : 0xffff0ff0));
    now[TASK] = task;
    now[ENTRY_SP] = (u32)top - (u32)&stack[2];
    say("E ");
    say_hex(entry < 32 ? entry : INT_LOG + entry - 32);
    say(" ");
    if (code)
        say_hex(stack[2]);
    else
        say("-");
    say(" ");
    if (skip && sound) /* what has faulted may be no instruction of ours: code that was jumped into the middle of */
        n = here;
    say(n < 0 ? "?" : insns[n].name);
    for (unsigned r = 0; r < REGISTERS; r++)
        if (now[r] != registers[r])
            say_value(names[r], registers[r] = now[r]);
    watch_look(watched, AREAS, true);
    if (code != (entry < 32 && has_code >> entry & 1))
        return say_end("error-code");
    if (entry == 8 || entry == 33)
        return say_end(entry == 8 ? "double-fault" : "end");
    if (!sound)
        return say_end("in-logger");
    if (++events == MAX_EVENTS)
        return say_end("many");
    repeated = entry == last_entry && entry != 1 && entry < 32 && (code ? stack[2] : 0) == last_error ? repeated + 1 : 0;
    last_entry = entry;
    last_error = code ? stack[2] : 0;
    if (repeated == 4) /* most likely it cannot even begin the instruction */
        return say_end("stuck");
    say("\n");
    say_flush();

    narrow = is_narrow(task);
    tss = task_base(task);
    expected = task_ip(task);
    if (entry == 1 && now[DR6] & 15 && !narrow) /* a breakpoint that was met must not be met again */
        put32(tss + 0x24, get32(tss + 0x24) | 0x10000);
    if (!skip)
        return true;
    if (here < 0)
        return say_end("lost");
    if (insns[here].last)
        return say_end("end");
    return go_on(tss, narrow, here);
}
