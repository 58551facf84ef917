/* The logger of real mode: says what has changed, and where the case goes on. */
#include "testcases/oracle/system/real/real.h"

enum { MAX_EVENTS = 40 };

static const struct watched watched[] = {
    { 0, 0x20 }, { GDT_AT + P_CODE, 12 }, { DATA_AT, 0x20 }, { DATA_AT + 0x7ff0, 8 }, { DATA_AT + 0xff00, 0x40 },
    { STACK_AT, 0x10 }, { STACK_AT + 0xfe80, 0x60 },
};
enum { AREAS = sizeof(watched) / sizeof(watched[0]) };

enum { REG, DS = 8, ES, FS, GS, SS, CR0, DR7, GDT_L, GDT_B, IDT_L, IDT_B, DR6, IP, CS, FLAGS, REGISTERS };
static const char *const names[REGISTERS] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "ds", "es", "fs", "gs", "ss", "cr0", "dr7",
                                              "gdt.l", "gdt.b", "idt.l", "idt.b", "dr6", "ip", "cs", "flags" };
static u32 before[REGISTERS];
static unsigned events, repeated;
static u32 last_entry;
static u32 expected;            /* offset of the instruction that comes next */

/* A word of the stack, which may go round in its segment. */
static u32 pushed(unsigned n)
{
    u16 at = (u16)(frame->reg[4] + 2 * n);
    u32 base = frame->ss << 4;

    return *(volatile u8 *)(base + at) | (u32)*(volatile u8 *)(base + (u16)(at + 1)) << 8;
}

static void push_back(unsigned n, u32 value)
{
    u16 at = (u16)(frame->reg[4] + 2 * n);
    u32 base = frame->ss << 4;

    *(volatile u8 *)(base + at) = (u8)value;
    *(volatile u8 *)(base + (u16)(at + 1)) = (u8)(value >> 8);
}

static void read_registers(u32 *r)
{
    for (unsigned n = 0; n < 8; n++)
        r[REG + n] = frame->reg[n];
    r[DS] = frame->ds & 0xffff;
    r[ES] = frame->es & 0xffff;
    r[FS] = frame->fs & 0xffff;
    r[GS] = frame->gs & 0xffff;
    r[SS] = frame->ss & 0xffff;
    r[CR0] = frame->cr0;
    r[DR7] = frame->dr7;
    r[GDT_L] = frame->gdt_limit;
    r[GDT_B] = frame->gdt_base;
    r[IDT_L] = frame->idt_limit;
    r[IDT_B] = frame->idt_base;
    __asm__ volatile("mov %%dr6, %0" : "=r"(r[DR6]));
    r[IP] = pushed(0);
    r[CS] = pushed(1);
    r[FLAGS] = pushed(2);
}

void log_begin(u32 number)
{
    events = repeated = 0;
    last_entry = ENTRIES;
    expected = routine_offset(0);
    for (unsigned n = 0; n < REGISTERS; n++)
        before[n] = 0;
    watch_begin(watched, AREAS);
    say("C ");
    say_hex(number);
    say("\n");
}

bool log_event(void)
{
    u32 now[REGISTERS], entry = frame->entry & 0xff, at;
    int n;

    read_registers(now);
    __asm__ volatile("mov %0, %%dr6" :: "r"(0xffff0ff0));
    at = now[CS] == CODE_SEG ? now[IP] : ~0u;
    n = insn_at(entry_is_fault(entry) ? at : expected);
    say("E ");
    say_hex(entry < 32 ? entry : INT_LOG + entry - 32);
    say(" - ");
    say(n < 0 ? "?" : insns[n].name);
    for (unsigned r = 0; r < REGISTERS; r++)
        if (now[r] != before[r])
            say_value(names[r], before[r] = now[r]);
    watch_look(watched, AREAS, true);
    if (entry == 8 || entry == 33)
        return say_end(entry == 8 ? "double-fault" : "end");
    if (now[CS] == LOGGER_SEG)
        return say_end("in-logger");
    if (++events == MAX_EVENTS)
        return say_end("many");
    repeated = entry == last_entry && entry_is_fault(entry) ? repeated + 1 : 0;
    last_entry = entry;
    if (repeated == 6)
        return say_end("stuck");
    expected = at;
    if (entry_is_fault(entry)) {
        if (n < 0)
            return say_end("lost");
        if (insns[n].last)
            return say_end("end");
        push_back(0, expected = insns[n + 1].off);
    }
    say("\n");
    say_flush();
    return true;
}
