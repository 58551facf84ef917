/*
 * Runs the cases that the command line asks for:
 *
 *     seed=N first=N count=N     decimal; case n of a seed is always the same
 *     nodata                     no breakpoints on data
 *     printer                    log to the first parallel port, not to port 0xE9
 *     show                       says of each case what it is made of
 */
#include "testcases/oracle/system/system.h"

enum { CR0_ALWAYS = 0x31, CR4_PSE = 0x10, CR4_PAE = 0x20, EFER = 0xc0000080, EFER_NXE = 0x800 };

struct scenario scenario;
static u32 harness_tables[8][1024] __attribute__((aligned(4096)));

/* ---- The guest's own page tables: the first 4 MiB, the supervisor's ---- */

static void make_harness_tables(void)
{
    for (u32 n = 0; n < 1024; n++)
        harness_tables[1][n] = n * PAGE | 0x63;
    harness_tables[0][0] = (u32)harness_tables[1] | 3;
    harness_tables[2][0] = (u32)harness_tables[3] | 1;
    for (u32 n = 0; n < 2; n++)
        harness_tables[3][n * 2] = (u32)harness_tables[4 + n] | 3;
    for (u32 n = 0; n < 1024; n++)
        harness_tables[4 + n / 512][n % 512 * 2] = n * PAGE | 0x63;
}

u32 harness_root(void)
{
    return (u32)harness_tables[scenario.pae ? 2 : 0];
}

/* ---- A case ---- */

static void choose(u32 seed, u32 number)
{
    struct scenario *s = &scenario;

    rnd_seed(seed, number);
    s->number = number;
    s->paging = chance(75);
    s->pae = chance(50);
    s->vm86 = chance(22);
    s->cpl = s->vm86 ? 3 : chance(45) ? 0 : chance(60) ? 3 : below(4);
    s->width = s->vm86 || ((s->cpl == 0 || s->cpl == 3) && chance(25)) ? 16 : 32;
    s->cr0 = CR0_ALWAYS | (rnd() & 0x0005000e) | (s->paging ? 0x80000000 : 0);
    s->cr4 = (s->pae ? CR4_PAE : 0) | (chance(80) ? CR4_PSE : 0) | (rnd() & 0x8f) | (chance(20) ? 0x100000 : 0) | (chance(20) ? 0x200000 : 0);
    s->keep_dr6 = chance(10);
    for (unsigned n = 0; n < ROUTINES; n++)
        s->bits[n] = n ? (chance(s->width == 32 ? 70 : 45) ? 32 : 16) : s->width;
    s->bits[ROUTINES - 1] = 32;
    s->bits[ROUTINES - 2] = 16;
}

static void choose_breakpoints(void)
{
    struct scenario *s = &scenario;

    s->dr7 = 0x400;
    for (unsigned n = 0; n < 4; n++)
        s->dr[n] = 0;
    if (!chance(20))
        return;
    for (unsigned n = 0; n < 4; n++) {
        u32 kind = below(4);

        if (chance(50) || (s->no_data && (kind == 1 || kind == 2)))
            continue;
        s->dr[n] = kind == 0 ? CODE_AT + insns[below(insn_count)].off : kind == 1 ? DATA_AT + below(8) * PAGE + below(16)
                 : kind == 2 ? STACK_AT + (below(4) + 1) * PAGE - 0x80 + below(0x80) : 0x80;
        s->dr7 |= (chance(90) ? 2u : 1u) << n * 2;
        s->dr7 |= (kind == 0 ? 0 : kind == 3 ? 2 : chance(50) ? 1 : 3) << (16 + n * 4) | (kind == 0 ? 0 : (u32[]){ 0, 1, 3, 0 }[below(4)]) << (18 + n * 4);
    }
}

static void write_msr(u32 msr, u32 low)
{
    __asm__ volatile("wrmsr" :: "c"(msr), "a"(low), "d"(0));
}

static void load_state(void)
{
    const struct scenario *s = &scenario;

    write_msr(EFER, s->pae && chance(70) ? EFER_NXE : 0);
    write_msr(0xc0000102, 0);
    write_msr(0x174, chance(50) ? FIRST + 8 * C32_0 : 0);
    write_msr(0x175, STACK_AT + PAGE - 0x40);
    write_msr(0x176, CODE_AT + routine_offset(any_routine(32, 0)));
    __asm__ volatile("mov %0, %%cr3" :: "r"(harness_root()));
    __asm__ volatile("mov %0, %%cr4" :: "r"(s->cr4));
    __asm__ volatile("mov %0, %%cr0" :: "r"(s->cr0));
    __asm__ volatile("mov %0, %%cr2" :: "r"(0));
    __asm__ volatile("mov %0, %%dr0" :: "r"(s->dr[0]));
    __asm__ volatile("mov %0, %%dr1" :: "r"(s->dr[1]));
    __asm__ volatile("mov %0, %%dr2" :: "r"(s->dr[2]));
    __asm__ volatile("mov %0, %%dr3" :: "r"(s->dr[3]));
    __asm__ volatile("mov %0, %%dr6" :: "r"(0xffff0ff0));
    __asm__ volatile("mov %0, %%dr7" :: "r"(s->dr7));
}

static void show(void)
{
    const struct scenario *s = &scenario;

    say("# cpl ");
    say_hex(s->cpl);
    say(s->vm86 ? " vm86" : s->width == 16 ? " 16-bit" : " 32-bit");
    say(!s->paging ? " no paging" : s->pae ? " pae" : " paging");
    say(" cr0 ");
    say_hex(s->cr0);
    say(" cr4 ");
    say_hex(s->cr4);
    say("\n");
    for (u32 at = ARENA_AT; at < ARENA_END; at += 4)
        if (get32(at) && (at < CASE_TABLE(0) || at >= CODE_AT || (at & 0xfff) < 0x140)) {
            say("# ");
            say_hex(at);
            say(" ");
            say_hex(get32(at));
            say("\n");
        }
    for (unsigned n = 0; n < insn_count; n++) {
        u32 end = n + 1 < insn_count ? insns[n + 1].off : insns[n].off + 2;

        say("# code ");
        say_hex(insns[n].off);
        say(" ");
        say(insns[n].name);
        for (u32 at = insns[n].off; at < end && at < insns[n].off + 16; at++) {
            say(" ");
            say_hex(*(volatile u8 *)(CODE_AT + at) >> 4);
            say_hex(*(volatile u8 *)(CODE_AT + at) & 15);
        }
        say("\n");
    }
}

static void run_case(u32 seed, u32 number)
{
    choose(seed, number);
    make_tables();
    make_code();
    choose_breakpoints();
    if (command_find("show"))
        show();
    log_begin();
    load_state();
    say_flush(); /* what the case does to the machine comes after its name */
    enter_case();
}

void guest_main(u32 magic, const u32 *info)
{
    command_keep(magic, info);
    scenario.no_data = command_find("nodata");
    make_harness_tables();
    make_tables_once();
    command_cases(run_case);
}
