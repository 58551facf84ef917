/* Runs the cases of real mode that the command line asks for: see ../main.c for its words. */
#include "testcases/oracle/system/real/real.h"

struct frame *const frame = (struct frame *)(LOGGER_AT + 0x400);

static void make_logger(void)
{
    for (u8 *from = logger_begin, *to = (u8 *)LOGGER_AT; from < logger_end;)
        *(volatile u8 *)to++ = *from++;
}

/* INT_END: code that is lost soon meets the end. */
static void fill(u32 at, u32 end)
{
    uintptr_t to = at, count = (end - at) / 4;

    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(INT_END << 24 | INT_END << 8 | 0xcd00cd) : "memory");
}

static void make_descriptors(void)
{
    put64(GDT_AT + H_CODE, descriptor(0, 0xfffff, F_G | F_DB | A_P | A_S | A_CODE));
    put64(GDT_AT + H_DATA, descriptor(0, 0xfffff, F_G | F_DB | A_P | A_S | A_DATA));
    put64(GDT_AT + H_CODE16, descriptor(LOGGER_AT, 0xffff, A_P | A_S | A_CODE));
    put64(GDT_AT + H_DATA16, descriptor(0, 0xffff, A_P | A_S | A_DATA));
    put64(GDT_AT + P_CODE, descriptor(CODE_AT, 0xffff, A_P | A_S | A_CODE));
    put64(GDT_AT + P_DATA, descriptor(DATA_AT, 0xffff, A_P | A_S | A_DATA));
    put64(GDT_AT + P_STACK, descriptor(STACK_AT, 0xffff, A_P | A_S | A_DATA));
    put64(GDT_AT + P_BIG, descriptor(0, 0xfffff, F_G | F_DB | A_P | A_S | A_DATA));
    put64(GDT_AT + P_SMALL, descriptor(DATA_AT, 0x7f, A_P | A_S | A_DATA));
    put64(GDT_AT + P_DOWN, descriptor(DATA_AT, 0x7fff, A_P | A_S | A_DOWN));
}

/* Vectors of the logger, and some that lead into the case. */
static void make_vectors(void)
{
    for (u32 n = 0; n < 256; n++)
        put32(n * 4, (u32)CODE_SEG << 16 | routine_offset(1 + below(ROUTINES - 1)));
    for (u32 n = 0; n < ENTRIES; n++)
        if (n >= 32 || n == 1 || n == 8 || !chance(6))
            put32((n < 32 ? n : INT_LOG + n - 32) * 4, (u32)LOGGER_SEG << 16 | n * 16);
}

static u16 any_segment(void)
{
    static const u16 near[] = { DATA_SEG, DATA_SEG, DATA_SEG + 1, DATA_SEG - 0x800, STACK_SEG, CODE_SEG, GDT_AT >> 4, DATA_SEG + 0x7ff };

    return near[below(8)];
}

static u32 any_register(void)
{
    switch (below(6)) {
    case 0: return rnd();
    case 1: return 0xffff - below(8);
    case 2: return below(16);
    case 3: return 0x10000 + below(16);
    default: return below(0x8000);
    }
}

/* Where the case begins: an IRET takes it there. */
static void make_frame(void)
{
    static const u16 edges[] = { 0, 1, 2, 4, 5, 6, 8, 0xfffe, 0xffff };
    u32 sp = chance(85) ? 0xff80 - below(0x40) * 2 : chance(60) ? edges[below(9)] : below(0x10000), flags = 2 | (rnd() & 0x8d5) | (chance(60) ? 0x100 : 0) |
             (chance(30) ? 0x200 : 0) | (chance(20) ? 0x400 : 0) | below(4) << 12 | (chance(20) ? 0x4000 : 0);
    const u16 image[3] = { (u16)routine_offset(0), CODE_SEG, (u16)flags };

    for (unsigned n = 0; n < 8; n++)
        frame->reg[n] = any_register();
    frame->ds = any_segment();
    frame->es = any_segment();
    frame->fs = any_segment();
    frame->gs = any_segment();
    frame->ss = STACK_SEG;
    frame->reg[4] = (chance(80) ? 0 : rnd() & 0xffff0000) | ((sp - 6) & 0xffff);
    for (unsigned n = 0; n < 3; n++) {
        u16 at = (u16)(sp - 6 + 2 * n);

        *(volatile u8 *)(STACK_AT + at) = (u8)image[n];
        *(volatile u8 *)(STACK_AT + (u16)(at + 1)) = (u8)(image[n] >> 8);
    }
    frame->cr0 = 0x10 | (rnd() & 0x5000e);
    frame->dr7 = 0x400;
    frame->gdt_limit = GDT_LIMIT;
    frame->gdt_base = GDT_AT;
    frame->idt_limit = chance(95) ? 0x3ff : (u16)(below(0x80) * 4 - 1);
    frame->idt_base = 0;
    if (frame->idt_limit < INT_END * 4 + 3)
        frame->idt_limit = INT_END * 4 + 3;
}

static void run_case(u32 seed, u32 number)
{
    rnd_seed(seed, number);
    make_logger(); /* the case before may have written there */
    fill(0, LOGGER_AT);
    fill(LOGGER_AT + PAGE, LOW_END);
    make_descriptors();
    for (u32 n = 0; n < 64; n++)
        put32(DATA_AT + below(0x4000) * 4, rnd());
    make_vectors();
    make_code();
    log_begin(number);
    make_frame();
    __asm__ volatile("mov %0, %%dr6" :: "r"(0xffff0ff0));
    say_flush(); /* what the case does to the machine comes after its name */
    enter_case();
}

void guest_main(u32 magic, const u32 *info)
{
    command_keep(magic, info);
    command_cases(run_case);
}
