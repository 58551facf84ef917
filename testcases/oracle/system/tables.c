/* What a case stands in: descriptors, gates, TSSs and page tables. Most are sound; some are broken in one field. */
#include "testcases/oracle/system/system.h"

enum { TSS_CR3 = 0x1c, TSS_EIP = 0x20, TSS_FLAGS = 0x24, TSS_REG = 0x28, TSS_ESP = 0x38, TSS_SEG = 0x48, TSS_LDT = 0x60, TSS_TRAP = 0x64, TSS_IOMAP = 0x66 };

/* ---- Choices ---- */

/* A routine of that width behind `after`, so that no case goes round in circles. */
unsigned any_routine(unsigned bits, unsigned after)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        unsigned n = after + 1 < ROUTINES ? after + 1 + below(ROUTINES - 1 - after) : ROUTINES - 1;

        if (scenario.bits[n] == bits)
            return n;
    }
    return bits == 32 ? ROUTINES - 1 : ROUTINES - 2;
}

u16 any_selector(void)
{
    u32 kind = below(100);
    u16 rpl = chance(60) ? scenario.cpl : below(4);

    if (kind < 4)
        return below(4);
    if (kind < 16)
        return (u16)(below(LDT_ENTRIES + 1) * 8 | 4 | rpl);
    if (kind < 19)
        return (u16)(0x1ff8 - 8 * below(4)) | rpl; /* at the limit of the table: absent, all zeros */
    if (kind < 21)
        return 0x2000 + 8 * below(3);
    if (kind < 24)
        return MAIN_TSS | rpl;
    if (kind < 27)
        return (chance(50) ? H_CODE : H_DATA) | rpl;
    return (u16)(FIRST + 8 * below(SLOTS)) | rpl;
}

u16 code_selector(unsigned bits)
{
    static const u8 wide[] = { C32_0, C32_0, C32_1, C32_2, C32_3, CONF32_0, CONF32_3, EXEC32_0, EXEC32_3 }, narrow[] = { C16_0, C16_0, C16_3, CONF16_0 };
    unsigned slot = bits == 32 ? wide[below(sizeof(wide))] : narrow[below(sizeof(narrow))];
    static const u8 dpl[CODES] = { 0, 1, 2, 3, 0, 3, 0, 0, 3, 0, 3 };

    if (chance(5))
        return any_selector();
    return (u16)(FIRST + 8 * slot) | (chance(75) ? dpl[slot] : below(4));
}

static u16 slot_selector(unsigned slot, unsigned rpl)
{
    return (u16)(FIRST + 8 * slot + rpl);
}

/* ---- Descriptors ---- */

static u64 segment(u32 base, u32 type, unsigned dpl, bool wide)
{
    static const u32 limits[] = { 0x1fff, 0x3fff, 0x7fff, 0xffff, 0xfffff };
    u32 limit = limits[below(5)];
    bool down = (type & 0xc) == 4;

    if (down)
        return descriptor(base, below(2) * 0xfff + below(2), A_P | A_S | type | dpl * DPL | (wide ? F_DB : 0) | (chance(50) ? 1 : 0));
    return descriptor(base, limit, A_P | A_S | type | dpl * DPL | (wide ? F_DB : 0) | (limit == 0xfffff && wide ? F_G : 0) | (chance(50) ? 1 : 0));
}

static u64 call_gate(void)
{
    unsigned bits = chance(60) ? 32 : 16;

    return gate(code_selector(bits), routine_offset(any_routine(bits, 0)) + (chance(4) ? rnd() : 0),
                A_P | (bits == 32 ? SYS_CALL : SYS_CALL16) | (chance(70) ? 3 : below(4)) * DPL, chance(50) ? 0 : below(4));
}

static u16 any_task(void)
{
    static const u8 task[] = { TSS_1, TSS_1, TSS_2, TSS_2, TSS_16, TSS_SHORT };

    if (chance(8))
        return any_selector();
    return slot_selector(task[below(sizeof(task))], below(4));
}

static u64 slot_descriptor(unsigned slot)
{
    static const struct { u32 base; u8 type, dpl, wide; } plain[STACKS] = {
        [C32_0] = { CODE_AT, A_CODE, 0, 1 }, [C32_1] = { CODE_AT, A_CODE, 1, 1 }, [C32_2] = { CODE_AT, A_CODE, 2, 1 },
        [C32_3] = { CODE_AT, A_CODE, 3, 1 }, [C16_0] = { CODE_AT, A_CODE, 0, 0 }, [C16_3] = { CODE_AT, A_CODE, 3, 0 },
        [CONF32_0] = { CODE_AT, A_CONF, 0, 1 }, [CONF16_0] = { CODE_AT, A_CONF, 0, 0 }, [CONF32_3] = { CODE_AT, A_CONF, 3, 1 },
        [EXEC32_0] = { CODE_AT, A_EXEC, 0, 1 }, [EXEC32_3] = { CODE_AT, A_EXEC, 3, 1 },
        [D32_0] = { DATA_AT, A_DATA, 0, 1 }, [D32_1] = { DATA_AT, A_DATA, 1, 1 }, [D32_2] = { DATA_AT, A_DATA, 2, 1 },
        [D32_3] = { DATA_AT, A_DATA, 3, 1 }, [D16_0] = { DATA_AT, A_DATA, 0, 0 }, [D16_3] = { DATA_AT, A_DATA, 3, 0 },
        [READ_0] = { DATA_AT, A_READ, 0, 1 }, [READ_3] = { DATA_AT, A_READ, 3, 1 }, [DOWN_0] = { DATA_AT, A_DOWN, 0, 1 },
        [DOWN_3] = { DATA_AT, A_DOWN, 3, 0 }, [S32_0] = { STACK_AT, A_DATA, 0, 1 }, [S32_1] = { STACK_AT, A_DATA, 1, 1 },
        [S32_2] = { STACK_AT, A_DATA, 2, 1 }, [S32_3] = { STACK_AT, A_DATA, 3, 1 }, [S16_0] = { STACK_AT, A_DATA, 0, 0 },
        [S16_3] = { STACK_AT, A_DATA, 3, 0 }, [SDOWN_0] = { STACK_AT, A_DOWN, 0, 1 },
    };

    switch (slot) {
    case FLAT_0: case FLAT_3: return descriptor(0, 0xfffff, A_P | A_S | A_DATA | (slot == FLAT_3 ? 3 * DPL : 0) | F_DB | F_G);
    case LDT_1: return descriptor(LDT_AT, LDT_ENTRIES * 8 - 1, A_P | SYS_LDT | below(4) * DPL);
    case LDT_2: return descriptor(LDT_AT, below(LDT_ENTRIES * 8), A_P | SYS_LDT | below(4) * DPL);
    case TSS_1: case TSS_2: return descriptor(TASK_AT + (slot - TSS_1) * TASK_BYTES, 0x67, A_P | SYS_TSS | below(4) * DPL);
    case TSS_16: return descriptor(TASK_AT + 2 * TASK_BYTES, 0x2b, A_P | SYS_TSS16 | below(4) * DPL);
    case TSS_SHORT: return descriptor(TASK_AT + 3 * TASK_BYTES, chance(50) ? 0x66 : 0x2a, A_P | (chance(50) ? SYS_TSS : SYS_TSS16) | below(4) * DPL);
    case TASK_GATE_1: case TASK_GATE_2: return gate(any_task(), rnd(), A_P | SYS_TASK_GATE | below(4) * DPL, 0);
    case ODD_1: return (u64)(A_P | below(16)) << 40 | (u64)CODE_AT << 16 | 0xffff;
    case ODD_2: return descriptor(DATA_AT, below(0x2000), A_P | below(128));
    }
    if (slot >= CALL_FIRST && slot <= CALL_LAST)
        return call_gate();
    if (slot >= MUTANT_FIRST)
        return broken(slot_descriptor(below(MUTANT_FIRST)));
    return segment(plain[slot].base, plain[slot].type, plain[slot].dpl, plain[slot].wide);
}

static void make_descriptors(void)
{
    put64(GDT_AT + H_CODE, descriptor(0, 0xfffff, A_P | A_S | A_CODE | 1 | F_DB | F_G));
    put64(GDT_AT + H_DATA, descriptor(0, 0xfffff, A_P | A_S | A_DATA | 1 | F_DB | F_G));
    put64(GDT_AT + H_TSS, descriptor(TSS_AT + 0x800, 0x67, A_P | SYS_TSS));
    put64(GDT_AT + MAIN_TSS, descriptor(TSS_AT, 0xa7 - (chance(5) ? below(0x40) : 0), A_P | SYS_TSS | SYS_BUSY | below(4) * DPL));
    for (unsigned n = 0; n < ENTRIES; n++)
        put64(GDT_AT + LOG_TSS + n * 8, descriptor(LOG_TSS_AT + n * TASK_BYTES, 0x67, A_P | SYS_TSS));
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        u64 d = slot_descriptor(slot);

        put64(GDT_AT + FIRST + slot * 8, chance(2) ? broken(d) : d);
    }
    for (unsigned n = 0; n < LDT_ENTRIES; n++) {
        u64 d = slot_descriptor(below(MUTANT_LAST + 1));

        put64(LDT_AT + n * 8, chance(10) ? broken(d) : d);
    }
}

/* ---- The IDT ---- */

static u64 case_gate(void)
{
    unsigned bits = chance(70) ? 32 : 16;
    u32 type = bits == 32 ? (chance(50) ? SYS_INT : SYS_TRAP) : (chance(50) ? SYS_INT16 : SYS_INT16 + 1);
    u64 g = gate(code_selector(bits), routine_offset(any_routine(bits, 0)) + (chance(3) ? rnd() : 0), A_P | type | (chance(70) ? 3 : below(4)) * DPL, 0);

    if (chance(15))
        g = gate(any_task(), rnd(), A_P | SYS_TASK_GATE | (chance(70) ? 3 : below(4)) * DPL, 0);
    return chance(6) ? broken(g) : g;
}

static void make_idt(void)
{
    bool own = chance(40); /* some exceptions go to the case's own handlers */

    for (unsigned v = 0; v < 32; v++)
        put64(IDT_AT + v * 8, own && v != 8 && v != 2 && v != 18 && chance(20) ? case_gate() : gate(LOG_TSS + v * 8, 0, A_P | SYS_TASK_GATE, 0));
    put64(IDT_AT + 3 * 8, chance(80) ? gate(LOG_TSS + 3 * 8, 0, A_P | SYS_TASK_GATE | below(4) * DPL, 0) : case_gate());
    put64(IDT_AT + 4 * 8, chance(80) ? gate(LOG_TSS + 4 * 8, 0, A_P | SYS_TASK_GATE | below(4) * DPL, 0) : case_gate());
    put64(IDT_AT + INT_LOG * 8, gate(LOG_TSS + 32 * 8, 0, A_P | SYS_TASK_GATE | 3 * DPL, 0));
    put64(IDT_AT + INT_END * 8, gate(LOG_TSS + 33 * 8, 0, A_P | SYS_TASK_GATE | 3 * DPL, 0));
    for (unsigned v = INT_FIRST; v <= INT_LAST; v++)
        put64(IDT_AT + v * 8, case_gate());
    for (unsigned v = 0; v < 0x100; v++) /* for VM86 with VME */
        put32(v * 4, (CODE_AT >> 4) << 16 | routine_offset(any_routine(16, 0)));
}

/* ---- TSSs ---- */

static u32 case_root(void)
{
    return scenario.pae ? CASE_TABLE(2) : CASE_TABLE(0);
}

static u32 stack_offset(unsigned cpl)
{
    return (cpl + 1) * PAGE - 0x100 + (chance(90) ? 4 * below(32) : below(0x80));
}

static void put_stacks(u32 tss)
{
    for (unsigned n = 0; n < 3; n++) {
        put32(tss + 4 + n * 8, chance(97) ? stack_offset(n) : rnd());
        put32(tss + 8 + n * 8, chance(95) ? slot_selector(chance(85) ? S32_0 + n : n ? S32_0 + below(7) : S16_0 + 2 * below(2), n) : any_selector());
    }
}

static u32 case_flags(void)
{
    return 2 | (chance(70) ? 0x100 : 0) | below(4) << 12 | (chance(20) ? 0x40000 : 0) | (chance(8) ? 0x80000 : 0) | (chance(8) ? 0x100000 : 0) |
           (chance(5) ? 0x4000 : 0) | (chance(20) ? 0x10000 : 0) | (rnd() & 0x8d5);
}

static void put_vm86(u32 tss, unsigned routine)
{
    static const u16 at[6] = { DATA_AT >> 4, CODE_AT >> 4, STACK_AT >> 4, DATA_AT >> 4, DATA_AT >> 4, 0 };

    for (unsigned n = 0; n < 6; n++)
        put32(tss + TSS_SEG + n * 4, at[n]);
    put32(tss + TSS_EIP, routine_offset(routine));
    put32(tss + TSS_FLAGS, (case_flags() & ~0x4000u) | 0x20000);
    put32(tss + TSS_ESP, stack_offset(3));
}

static void put_protected(u32 tss, unsigned cpl, unsigned width, unsigned routine)
{
    static const u8 code[4] = { C32_0, C32_1, C32_2, C32_3 };
    static const u8 data[] = { D32_3, D16_3, READ_3, FLAT_3, FLAT_0, D32_0, DOWN_3, D16_0 };

    put32(tss + TSS_SEG + 4, slot_selector(width == 32 ? code[cpl] : cpl ? C16_3 : C16_0, cpl));
    put32(tss + TSS_SEG + 8, slot_selector(width == 16 && chance(60) ? (cpl ? S16_3 : S16_0) : S32_0 + cpl, cpl));
    for (unsigned n = 0; n < 6; n++)
        if (n != 1 && n != 2)
            put32(tss + TSS_SEG + n * 4, chance(90) ? slot_selector(data[below(cpl == 3 ? 4 : 8)], cpl) : 0);
    put32(tss + TSS_EIP, routine_offset(routine));
    put32(tss + TSS_FLAGS, case_flags());
    put32(tss + TSS_ESP, stack_offset(cpl));
}

static void put_common(u32 tss)
{
    put_stacks(tss);
    put32(tss + TSS_CR3, case_root());
    for (unsigned n = 0; n < 8; n++)
        if (n != 4)
            put32(tss + TSS_REG + n * 4, chance(50) ? below(0x8000) & ~3u : rnd());
    put32(tss + TSS_LDT, slot_selector(LDT_1, 0));
    put16(tss + TSS_TRAP, 0);
    put16(tss + TSS_IOMAP, 0x88);
}

static void put_task16(u32 tss)
{
    unsigned cpl = chance(50) ? 3 : 0;

    for (unsigned n = 0; n < 3; n++) {
        put16(tss + 2 + n * 4, (u16)stack_offset(n));
        put16(tss + 4 + n * 4, slot_selector(S32_0 + n, n));
    }
    put16(tss + 0x0e, (u16)routine_offset(any_routine(16, 0)));
    put16(tss + 0x10, (u16)(case_flags() & ~0x4000u));
    for (unsigned n = 0; n < 8; n++)
        put16(tss + 0x12 + n * 2, n == 4 ? (u16)stack_offset(cpl) : (u16)rnd());
    put16(tss + 0x22, chance(80) ? slot_selector(D32_3, cpl) : any_selector());
    put16(tss + 0x24, chance(90) ? slot_selector(cpl ? C16_3 : C16_0, cpl) : any_selector());
    put16(tss + 0x26, chance(90) ? slot_selector(cpl ? S16_3 : S16_0, cpl) : any_selector());
    put16(tss + 0x28, chance(80) ? slot_selector(D16_3, cpl) : any_selector());
    put16(tss + 0x2a, chance(90) ? slot_selector(LDT_1, 0) : any_selector());
}

static void put_task(u32 tss)
{
    unsigned cpl = below(4);

    put_common(tss);
    if (chance(15))
        put_vm86(tss, any_routine(16, 0));
    else
        put_protected(tss, cpl, 32, any_routine(32, 0));
    put32(tss, MAIN_TSS);
    if (chance(20)) /* one at most: the order of the checks is open */
        put32(tss + (chance(15) ? TSS_LDT : TSS_SEG + 4 * below(6)), any_selector());
    if (chance(10))
        put16(tss + TSS_TRAP, 1);
    if (chance(2))
        put32(tss + TSS_EIP, rnd());
}

static void make_tasks(void)
{
    extern u32 harness_root(void);

    put_common(TSS_AT);
    if (scenario.vm86)
        put_vm86(TSS_AT, 0);
    else
        put_protected(TSS_AT, scenario.cpl, scenario.width, 0);
    if (chance(20))
        put16(TSS_AT + TSS_IOMAP, (u16)(chance(50) ? 0x88 + below(0x20) : rnd()));
    for (unsigned n = 0x68; n < 0xa8; n += 4)
        put32(TSS_AT + n, rnd() & rnd());
    put32(TSS_AT + 0x70, get32(TSS_AT + 0x70) | 3); /* VME does not redirect the logger's interrupts */
    put32(TSS_AT + 0x800, MAIN_TSS);
    for (unsigned n = 0; n < TASKS; n++)
        if (n == 2)
            put_task16(TASK_AT + n * TASK_BYTES);
        else
            put_task(TASK_AT + n * TASK_BYTES);
    for (unsigned n = 0; n < ENTRIES; n++) {
        u32 tss = LOG_TSS_AT + n * TASK_BYTES;

        put32(tss + TSS_CR3, harness_root());
        put32(tss + TSS_EIP, (u32)log_entries + n * 16);
        put32(tss + TSS_FLAGS, 2);
        put32(tss + TSS_ESP, (u32)log_stacks + (n + 1) * PAGE);
        for (unsigned s = 0; s < 4; s++)
            put32(tss + TSS_SEG + s * 4, s == 1 ? H_CODE : H_DATA);
    }
}

/* ---- Page tables ---- */

/* Low bits of the entry of page n. */
static u32 page_flags(unsigned n)
{
    u32 f = PT_P | PT_RW | PT_US | (chance(50) ? PT_A : 0) | (chance(50) ? PT_D : 0), at = n * PAGE;

    if ((at >= LOG_TSS_AT && at < LOG_TSS_AT + 2 * PAGE) || at == GDT_AT || at == IDT_AT || at == TSS_AT)
        return f & ~(u32)PT_US; /* the logger needs them */
    if (at == GDT_AT + PAGE || at == LDT_AT)
        return (f & ~(u32)PT_US) ^ (chance(4) ? (chance(50) ? PT_P : PT_RW) : 0);
    if (at == TASK_AT)
        return f & ~(u32)PT_US;
    if (at >= CODE_AT && at < CODE_AT + 2 * PAGE)
        return (f & ~(scenario.cr4 & 0x100000 && scenario.cpl < 3 && chance(90) ? (u32)PT_US : 0)) ^ (chance(6) ? flip_bit(PT_P | PT_RW | PT_US) : 0);
    if (at >= DATA_AT && at < DATA_AT + DATA_PAGES * PAGE)
        return f ^ (chance(50) ? flip_bit(PT_P | PT_RW | PT_US | PT_G) : 0);
    if (at >= STACK_AT && at < STACK_AT + 3 * PAGE)
        return (f & ~(u32)(chance(80) ? PT_US : 0)) ^ (chance(3) ? flip_bit(PT_P | PT_RW | PT_US) : 0);
    if (at == STACK_AT + 3 * PAGE)
        return f ^ (chance(4) ? flip_bit(PT_P | PT_RW | PT_US) : 0);
    return f;
}

/* Bits 63:32 of the entry, with PAE: NX, which is reserved without EFER.NXE, and bits that no processor has. */
static u32 high_flags(unsigned n)
{
    u32 at = n * PAGE;

    if (at >= DATA_AT && at < DATA_AT + DATA_PAGES * PAGE)
        return (chance(20) ? 0x80000000u : 0) | (chance(6) ? 1u << (47 - 32 + below(4)) : 0);
    if (at >= CODE_AT && at < CODE_AT + 2 * PAGE)
        return chance(4) ? 0x80000000u : 0;
    return 0;
}

static void make_pages(void)
{
    u32 pd = CASE_TABLE(0), pt = CASE_TABLE(1), pdpt = CASE_TABLE(2), wide_pd = CASE_TABLE(3), wide_pt = CASE_TABLE(4);
    u32 big = PT_P | PT_PS | (chance(80) ? PT_RW : 0) | (chance(80) ? PT_US : 0) | (chance(50) ? PT_A : 0) | (chance(50) ? PT_D : 0) | (chance(20) ? PT_G : 0);
    u32 alias = (chance(95) ? PT_P : 0) | (chance(60) ? PT_RW : 0) | (chance(60) ? PT_US : 0) | (chance(50) ? PT_A : 0);

    for (unsigned n = 0; n < WATCHED_PAGES; n++)
        put32(pt + n * 4, n * PAGE | page_flags(n));
    put32(pd, pt | PT_P | PT_RW | PT_US | (chance(50) ? PT_A : 0));
    put32(pd + 4, big | (chance(6) ? 1u << 21 : 0));
    put32(pd + 8, pt | alias);
    put32(pd + 12, chance(50) ? 0 : rnd() & ~1u);
    put64(pdpt, wide_pd | PT_P);
    for (unsigned n = 0; n < WATCHED_PAGES; n++)
        put64(wide_pt + n * 8, (u64)high_flags(n) << 32 | get32(pt + n * 4));
    put64(wide_pd, get32(pd) - pt + wide_pt);
    put64(wide_pd + 8, (u64)(chance(20) ? 0x80000000u : 0) << 32 | big | (chance(6) ? 1u << (13 + below(8)) : 0));
    put64(wide_pd + 16, (u64)(chance(20) ? 0x80000000u : 0) << 32 | wide_pt | alias);
    put64(wide_pd + 24, chance(50) ? 0 : rnd() & ~1u);
}

/* What firmware and loaders have left differs from machine to machine, and cases read it. */
static void clear_memory(void)
{
    extern char guest_end[];

    clear(ARENA_AT, LOW_END - ARENA_AT);
    clear((u32)guest_end, HIGH_END - (u32)guest_end);
}

/* The rest of the page tables: the same for all cases. */
void make_tables_once(void)
{
    clear_memory();
    for (unsigned n = WATCHED_PAGES; n < 1024; n++)
        put32(CASE_TABLE(1) + n * 4, n * PAGE | PT_P | PT_RW | PT_A | PT_D);
    for (unsigned n = WATCHED_PAGES; n < 512; n++)
        put64(CASE_TABLE(4) + n * 8, n * PAGE | PT_P | PT_RW | PT_A | PT_D);
}

void make_tables(void)
{
    clear(0x400, CASE_TABLE(0) - 0x400);
    clear(CASE_TABLE(6), ARENA_END - CASE_TABLE(6));
    for (u32 n = 0; n < DATA_PAGES * 16; n++)
        put32(DATA_AT + n / 16 * PAGE + (n & 8 ? PAGE - 64 : 0) + n % 16 * 4, rnd());
    make_descriptors();
    make_idt();
    make_pages();
    make_tasks();
}
