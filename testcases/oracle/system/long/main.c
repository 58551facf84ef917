/*
 * Runs the cases of IA-32e mode that the command line asks for:
 *
 *     seed=N first=N count=N     decimal; case n of a seed is always the same
 *     nodata                     no breakpoints on data
 *     wide-stack                 no ENTER, LEAVE or IRET of 64-bit mode with another operand size: Bochs has them wrong
 *     printer                    log to the first parallel port, not to port 0xE9
 */
#include "testcases/oracle/system/long/long.h"

enum { CR0_ALWAYS = 0x80000031, CR4_ALWAYS = 0x20, EFER = 0xc0000080, EFER_ALWAYS = 0x500 };

struct scenario scenario;

static void choose(u32 seed, u32 number)
{
    struct scenario *s = &scenario;

    rnd_seed(seed, number);
    s->number = number;
    s->cpl = chance(50) ? 0 : 3;
    s->cr0 = CR0_ALWAYS | (rnd() & 0x0005000e);
    s->cr4 = CR4_ALWAYS | (rnd() & 0x1008c) | (chance(20) ? 0x100000 : 0) | (chance(20) ? 0x200000 : 0) | (chance(30) ? 0x20000 : 0);
    s->efer = EFER_ALWAYS | (chance(85) ? 1 : 0) | (chance(85) ? 0x800 : 0);
    s->keep_dr6 = chance(10);
    for (unsigned n = 0; n < ROUTINES; n++)
        s->bits[n] = chance(75) ? 64 : chance(85) ? 32 : 16;
    s->bits[ROUTINES - 1] = 64;
    s->bits[ROUTINES - 2] = chance(70) ? 32 : 16;
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
        s->dr[n] = any_window() + (kind == 0 ? CODE_AT + insns[below(insn_count)].off : kind == 1 ? DATA_AT + below(8) * PAGE + below(16)
                 : kind == 2 ? STACK_AT + (below(4) + 1) * PAGE - 0x80 + below(0x80) : 0x80);
        s->dr7 |= (chance(90) ? 2u : 1u) << n * 2;
        s->dr7 |= (kind == 0 ? 0 : kind == 3 ? 2 : chance(50) ? 1 : 3) << (16 + n * 4) | (kind == 0 ? 0 : (u32[]){ 0, 1, 3, 2 }[below(4)]) << (18 + n * 4);
    }
}

static void write_msr(u32 msr, u64 v)
{
    __asm__ volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)));
}

static u64 entry(void)
{
    return any_window() + CODE_AT + routine_offset(any_routine(64, 0));
}

static void load_msrs(void)
{
    write_msr(EFER, scenario.efer | 0x100);
    write_msr(0xc0000081, (u64)(FIRST + 8 * U_CODE32 + 3) << 48 | (u64)(FIRST + 8 * K_CODE64) << 32); /* STAR */
    write_msr(0xc0000082, entry());
    write_msr(0xc0000083, entry());
    write_msr(0xc0000084, chance(50) ? 0x700 : rnd());
    write_msr(0x174, chance(80) ? FIRST + 8 * K_CODE64 : 0);
    write_msr(0x175, STACK_AT + PAGE - 0x40);
    write_msr(0x176, entry());
}

static void load_state(void)
{
    const struct scenario *s = &scenario;

    load_msrs();
    __asm__ volatile("mov %0, %%cr4" :: "r"((u64)s->cr4));
    __asm__ volatile("mov %0, %%cr0" :: "r"((u64)s->cr0));
    __asm__ volatile("mov %0, %%cr2" :: "r"((u64)0));
    __asm__ volatile("mov %0, %%dr0" :: "r"(s->dr[0]));
    __asm__ volatile("mov %0, %%dr1" :: "r"(s->dr[1]));
    __asm__ volatile("mov %0, %%dr2" :: "r"(s->dr[2]));
    __asm__ volatile("mov %0, %%dr3" :: "r"(s->dr[3]));
    __asm__ volatile("mov %0, %%dr6" :: "r"((u64)0xffff0ff0));
}

static u64 case_flags(void)
{
    return 2 | (chance(70) ? 0x100 : 0) | below(4) << 12 | (chance(20) ? 0x40000 : 0) | (chance(5) ? 0x4000 : 0) | (chance(20) ? 0x10000 : 0) | (rnd() & 0x8d5);
}

/* One that can be loaded at CPL 0; a return to CPL 3 clears it if it is the kernel's. */
static u16 data_selector(void)
{
    static const u8 slots[] = { U_DATA, U_DATA, K_DATA, U_BASED, K_BASED, U_READ, K_DATA16 };
    unsigned slot = slots[below(7)];
    u32 access = get32(GDT_AT + FIRST + slot * 8 + 4) >> 8;

    if (chance(10))
        return 0;
    return (access & 0x98) == 0x90 ? (u16)(FIRST + slot * 8 + (access >> 5 & 3)) : H_DATA; /* present, data */
}

/* Where the case begins. It does so by IRETQ, so that CS and SS have to be good. */
static struct frame *make_frame(void)
{
    /* Mapped in the case, too. What the IRETQ raises may be delivered right below, by handlers of the case that go on there. */
    static struct { u8 below[16384]; struct frame f; } at;
    struct frame *f = &at.f;
    unsigned bits = scenario.bits[0];
    bool user = scenario.cpl;

    for (unsigned n = 0; n < 16; n++)
        f->reg[n] = chance(60) ? below(0x8000) & ~3u : rnd64();
    f->ds = data_selector();
    f->es = data_selector();
    f->fs = data_selector();
    f->gs = data_selector();
    f->fs_base = any_window() + DATA_AT;
    f->gs_base = any_window() + DATA_AT;
    f->kernel_gs_base = any_window() + DATA_AT;
    f->dr7 = scenario.dr7;
    f->cr3 = PML4_AT;
    f->cr8 = below(16);
    f->flags = case_flags() & ~0x4000ull;
    f->cs = FIRST + 8 * (bits == 64 ? (user ? U_CODE64 : K_CODE64) : bits == 32 ? (user ? U_CODE32 : K_CODE32) : user ? U_CODE16 : K_CODE16) + scenario.cpl;
    f->ss = FIRST + 8 * (user ? U_DATA : K_DATA) + scenario.cpl;
    f->ip = (bits == 64 ? CODE_AT : 0) + routine_offset(0);
    if (bits == 32 && user && !(get32(GDT_AT + FIRST + 8 * U_CODE32 + 4) & 0xff)) /* flat */
        f->ip += CODE_AT;
    f->sp = stack_top(user ? 3 : 0);
    return f;
}

static void run_case(u32 seed, u32 number)
{
    struct frame *f;

    choose(seed, number);
    make_tables();
    make_code();
    choose_breakpoints();
    f = make_frame();
    log_begin(f);
    load_state();
    say_flush(); /* what the case does to the machine comes after its name */
    enter_case(f);
}

void guest_main(u32 magic, const u32 *info)
{
    command_keep(magic, info);
    scenario.wide_stack = command_find("wide-stack");
    scenario.no_data = command_find("nodata");
    make_tables_once();
    command_cases(run_case);
}
