/* What a case of IA-32e mode stands in: descriptors, gates, TSSs and page tables. Most are sound; some are broken in one field. */
#include "testcases/oracle/system/long/long.h"

enum { SMEP = 0x100000 };
enum { TSS_RSP0 = 0x04, TSS_IST = 0x24, TSS_IOMAP = 0x66, TSS_LIMIT = 0xa7 };

static const u64 no_execute = (u64)1 << 63;

/* ---- Choices ---- */

const u64 windows[WINDOWS] = { 0, 0x200000, 0x40000000, 0xffff800000000000, 0xffffffffffe00000, 0x7fffffe00000 };

u64 rnd64(void)
{
    u64 high = rnd();

    return high << 32 | rnd();
}

u64 any_window(void)
{
    return chance(60) ? 0 : windows[below(WINDOWS)];
}

u64 odd_address(void)
{
    static const u64 ends[] = { 0x0000800000000000, 0xffff800000000000, 0, 0x100000000 };
    u32 kind = below(10);

    if (kind < 6)
        return ends[below(4)] - 24 + below(48);
    return kind < 8 ? (u64)below(0x10000) << 44 | rnd() : rnd64();
}

/* A routine of that width behind `after`, so that no case goes round in circles. */
unsigned any_routine(unsigned bits, unsigned after)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        unsigned n = after + 1 < ROUTINES ? after + 1 + below(ROUTINES - 1 - after) : ROUTINES - 1;

        if (scenario.bits[n] == bits)
            return n;
    }
    return bits == 64 ? ROUTINES - 1 : ROUTINES - 2;
}

u16 any_selector(void)
{
    u32 kind = below(100);
    u16 rpl = chance(60) ? scenario.cpl : (u16)below(4);

    if (kind < 6)
        return (u16)below(4);
    if (kind < 16)
        return (u16)(below(LDT_ENTRIES + 1) * 8 | 4 | rpl);
    if (kind < 18)
        return (u16)(0xff8 - 8 * below(4)) | rpl;
    if (kind < 20)
        return (u16)(0x1000 + 8 * below(3));
    if (kind < 23)
        return MAIN_TSS | rpl;
    if (kind < 26)
        return (u16)(chance(50) ? H_CODE64 : H_DATA) | rpl;
    if (kind < 50)
        return (u16)(FIRST + 8 * below(PLAIN)) | rpl;
    return (u16)(FIRST + 8 * below(SLOTS)) | rpl;
}

u16 code_selector(unsigned bits)
{
    static const u8 wide[] = { K_CODE64, K_CODE64, U_CODE64, U_CODE64, CONF64_0, CONF64_3, EXEC64_0 };
    static const u8 middle[] = { K_CODE32, U_CODE32, U_CODE32, CONF32_0 }, narrow[] = { K_CODE16, U_CODE16 };
    unsigned slot = bits == 64 ? wide[below(sizeof(wide))] : bits == 32 ? middle[below(sizeof(middle))] : narrow[below(sizeof(narrow))];
    bool user = slot == U_CODE64 || slot == U_CODE32 || slot == U_CODE16 || slot == CONF64_3;

    if (chance(5))
        return any_selector();
    return (u16)(FIRST + 8 * slot) | (chance(80) ? (user ? 3 : slot == CONF64_0 || slot == CONF32_0 ? scenario.cpl : 0) : (u16)below(4));
}

u32 stack_top(unsigned page)
{
    return STACK_AT + (page + 1) * PAGE - 0x80 + (chance(90) ? 8 * below(12) : below(0x60));
}

/* ---- Descriptors ---- */

static u64 flat(u32 type, unsigned dpl, u32 flags)
{
    return descriptor(0, 0xfffff, A_P | A_S | type | dpl * DPL | flags | F_G | (chance(50) ? 1 : 0));
}

/* Of compatibility mode: where the code, the data or the stacks are. */
static u64 based(u32 base, u32 type, unsigned dpl, u32 flags)
{
    static const u32 limits[] = { 0x1fff, 0x3fff, 0x7fff, 0xffff };
    bool down = (type & 0xc) == 4;

    return descriptor(base, down ? below(2) * 0xfff : limits[below(4)], A_P | A_S | type | dpl * DPL | flags | (chance(50) ? 1 : 0));
}

static u64 plain_descriptor(unsigned slot)
{
    switch (slot) {
    case K_CODE64: return flat(A_CODE, 0, F_L);
    case K_DATA: return flat(A_DATA, 0, F_DB);
    case U_CODE32: return chance(50) ? flat(A_CODE, 3, F_DB) : based(CODE_AT, A_CODE, 3, F_DB);
    case U_DATA: return flat(A_DATA, 3, F_DB);
    case U_CODE64: return flat(A_CODE, 3, F_L);
    case U_DATA_2: return flat(A_DATA, 3, F_DB);
    case K_CODE32: return based(CODE_AT, A_CODE, 0, F_DB);
    case K_CODE16: return based(CODE_AT, A_CODE, 0, 0);
    case U_CODE16: return based(CODE_AT, A_CODE, 3, 0);
    case CONF64_0: return flat(A_CONF, 0, F_L);
    case CONF32_0: return based(CODE_AT, A_CONF, 0, F_DB);
    case CONF64_3: return flat(A_CONF, 3, F_L);
    case EXEC64_0: return flat(A_EXEC, 0, F_L);
    case CODE_BOTH: return flat(A_CODE, below(4), F_L | F_DB);
    case K_DATA16: return based(DATA_AT, A_DATA, 0, 0);
    case K_READ: return flat(A_READ, 0, F_DB);
    case U_READ: return flat(A_READ, 3, F_DB);
    case U_DOWN: return based(DATA_AT, A_DOWN, 3, F_DB);
    case K_BASED: return based(DATA_AT, A_DATA, 0, F_DB);
    case U_BASED: return based(DATA_AT, A_DATA, 3, F_DB);
    case K_STACK: return based(STACK_AT, A_DATA, 0, chance(50) ? F_DB : 0);
    default: return based(STACK_AT, A_DATA, 3, chance(50) ? F_DB : 0);
    }
}

/* A descriptor of 16 bytes: bits 63:32 of its base or offset in the third dword. */
static void put_wide(u32 at, u64 low, u32 high, u32 last)
{
    put64(at, low);
    put64(at + 8, (u64)last << 32 | high);
}

static u32 odd_high(u64 window)
{
    return chance(3) ? rnd() : (u32)(window >> 32);
}

/* Where routines are entered by gates and MSRs. */
static u64 entry_address(unsigned bits)
{
    return any_window() + CODE_AT + routine_offset(any_routine(bits, 0));
}

static u32 other_tss(unsigned n)
{
    return TSS_AT + (n + 1) * OTHER_TSS;
}

static void put_call_gate(u32 at)
{
    u64 to = entry_address(64);

    put_wide(at, gate(code_selector(chance(90) ? 64 : 32), (u32)to, A_P | SYS_CALL | (chance(70) ? 3 : below(4)) * DPL, chance(80) ? 0 : below(32)), odd_high(to),
             chance(5) ? 1u << (8 + below(5)) : 0);
}

static void put_system(unsigned slot)
{
    u32 at = GDT_AT + FIRST + slot * 8, n = (slot - TSS_1) / 2;

    if (slot == LDT_1 || slot == LDT_2)
        put_wide(at, descriptor(LDT_AT, slot == LDT_1 ? LDT_ENTRIES * 8 - 1 : below(LDT_ENTRIES * 8), A_P | SYS_LDT | below(4) * DPL), odd_high(0), chance(5) ? rnd() : 0);
    else if (slot <= TSS_ODD)
        put_wide(at, descriptor(other_tss(n), slot == TSS_ODD ? 0x60 + below(16) : TSS_LIMIT, A_P | SYS_TSS | below(4) * DPL), odd_high(0),
                 chance(5) ? 1u << (8 + below(5)) : 0);
    else if (slot <= CALL_LAST)
        put_call_gate(at);
    else
        put_wide(at, (u64)(A_P | below(16)) << 40 | (u64)CODE_AT << 16 | 0xffff, 0, 0);
}

static void make_descriptors(void)
{
    put64(GDT_AT + H_CODE, descriptor(0, 0xfffff, A_P | A_S | A_CODE | 1 | F_DB | F_G));
    put64(GDT_AT + H_DATA, descriptor(0, 0xfffff, A_P | A_S | A_DATA | 1 | F_DB | F_G));
    put64(GDT_AT + H_CODE64, descriptor(0, 0xfffff, A_P | A_S | A_CODE | 1 | F_L | F_G));
    put_wide(GDT_AT + MAIN_TSS, descriptor(TSS_AT, TSS_LIMIT, A_P | SYS_TSS | below(4) * DPL), 0, 0);
    for (unsigned slot = 0; slot < PLAIN; slot++) {
        u64 d = plain_descriptor(slot);

        put64(GDT_AT + FIRST + slot * 8, chance(2) ? broken(d) : d);
    }
    for (unsigned slot = SYSTEM; slot < MUTANT_FIRST; slot += 2)
        put_system(slot);
    for (unsigned slot = MUTANT_FIRST; slot < SLOTS; slot++)
        put64(GDT_AT + FIRST + slot * 8, broken(plain_descriptor(below(PLAIN))));
    for (unsigned n = 0; n < LDT_ENTRIES; n++) {
        u64 d = plain_descriptor(below(PLAIN));

        put64(LDT_AT + n * 8, chance(10) ? broken(d) : d);
    }
}

/* ---- The IDT ---- */

static void put_gate(unsigned vector, u16 selector, u64 to, u32 access, u32 ist)
{
    put_wide(IDT_AT + vector * 16, gate(selector, (u32)to, access, ist), (u32)(to >> 32), 0);
}

static void put_case_gate(unsigned vector)
{
    u64 to = entry_address(64);
    u16 selector = chance(85) ? (u16)(FIRST + 8 * (chance(85) ? K_CODE64 : CONF64_0)) : code_selector(chance(80) ? 64 : 32);
    u32 access = A_P | (chance(50) ? SYS_INT : SYS_TRAP) | (chance(70) ? 3 : below(4)) * DPL, at = IDT_AT + vector * 16;

    if (chance(4))
        to = odd_address();
    put_gate(vector, selector, to, access, chance(60) ? 0 : 2 + below(2));
    if (chance(6))
        put64(at, broken((u64)get32(at + 4) << 32 | get32(at)));
}

static void make_idt(void)
{
    bool own = chance(40); /* some exceptions go to the case's own handlers */

    for (unsigned v = 0; v < 32; v++)
        if (own && v != 2 && v != 8 && v != 18 && chance(20))
            put_case_gate(v);
        else
            put_gate(v, H_CODE64, (u64)log_entries + v * 16, A_P | SYS_INT | (v == 3 || v == 4 ? below(4) * DPL : 0), 1);
    put_gate(INT_LOG, H_CODE64, (u64)log_entries + 32 * 16, A_P | SYS_INT | 3 * DPL, 1);
    put_gate(INT_END, H_CODE64, (u64)log_entries + 33 * 16, A_P | SYS_INT | 3 * DPL, 1);
    for (unsigned v = INT_FIRST; v <= INT_LAST; v++)
        put_case_gate(v);
}

/* ---- TSSs ---- */

static u64 stack_pointer(unsigned page)
{
    return chance(97) ? any_window() + stack_top(page) : odd_address();
}

static void put_tss(u32 at)
{
    put64(at + TSS_RSP0, stack_pointer(0));
    put64(at + TSS_RSP0 + 8, odd_address());
    put64(at + TSS_RSP0 + 16, odd_address());
    put64(at + TSS_IST, (u64)log_stack_top);
    put64(at + TSS_IST + 8, stack_pointer(1));
    put64(at + TSS_IST + 16, stack_pointer(2));
    put16(at + TSS_IOMAP, chance(80) ? 0x88 : (u16)rnd());
    for (unsigned n = 0x68; n < 0xa8; n += 4)
        put32(at + n, rnd() & rnd());
}

/* ---- Page tables ---- */

/* Low bits of the entry of page n. */
static u32 page_flags(unsigned n)
{
    u32 f = PT_P | PT_RW | PT_US | (chance(50) ? PT_A : 0) | (chance(50) ? PT_D : 0), at = n * PAGE;

    if (at == GDT_AT || at == IDT_AT || at == TSS_AT)
        return f & ~(u32)PT_US; /* the logger needs them */
    if (at == LDT_AT)
        return (f & ~(u32)PT_US) ^ (chance(4) ? (chance(50) ? PT_P : PT_RW) : 0);
    if (at >= CODE_AT && at < CODE_AT + 2 * PAGE)
        return (f & ~(scenario.cr4 & SMEP && scenario.cpl < 3 && chance(90) ? (u32)PT_US : 0)) ^ (chance(3) ? flip_bit(PT_P | PT_RW | PT_US) : 0);
    if (at >= DATA_AT && at < DATA_AT + DATA_PAGES * PAGE)
        return f ^ (chance(50) ? flip_bit(PT_P | PT_RW | PT_US | PT_G) : 0);
    if (at >= STACK_AT && at < STACK_AT + 3 * PAGE)
        return (f & ~(u32)(chance(80) ? PT_US : 0)) ^ (chance(3) ? flip_bit(PT_P | PT_RW | PT_US) : 0);
    if (at == STACK_AT + 3 * PAGE)
        return f ^ (chance(4) ? flip_bit(PT_P | PT_RW | PT_US) : 0);
    return f;
}

/* NX, protection keys, and bits that no processor has. */
static u64 high_flags(unsigned n)
{
    u32 at = n * PAGE;

    if (at >= DATA_AT && at < DATA_AT + DATA_PAGES * PAGE)
        return (chance(20) ? no_execute : 0) | (chance(20) ? (u64)(1 + below(15)) << 59 : 0) | (chance(6) ? (u64)1 << (47 + below(4)) : 0);
    if (at >= CODE_AT && at < CODE_AT + 2 * PAGE)
        return chance(4) ? no_execute : 0;
    return 0;
}

/* A way to the same 2 MiB, by a table or by a large page. */
static u64 alias(u32 what, u32 flags)
{
    return what | flags | (chance(95) ? PT_P : 0) | (chance(70) ? PT_RW : 0) | (chance(70) ? PT_US : 0) | (chance(50) ? PT_A : 0) | (chance(10) ? no_execute : 0);
}

static u64 alias_page(u32 reserved)
{
    return alias(0, PT_PS | (chance(50) ? PT_D : 0) | (chance(20) ? PT_G : 0)) | (chance(6) ? 1u << (13 + below(reserved - 13)) : 0);
}

static void make_pages(void)
{
    u32 sure = PT_P | PT_RW | PT_US;

    put64(PML4_AT, PDPT_AT | sure | (chance(50) ? PT_A : 0));
    put64(PML4_AT + 255 * 8, alias(PDPT_AT, 0));
    put64(PML4_AT + 256 * 8, alias(PDPT_AT, chance(3) ? PT_PS : 0));
    put64(PML4_AT + 511 * 8, alias(PDPT_AT, 0));
    put64(PDPT_AT, PD_AT | sure | (chance(50) ? PT_A : 0));
    put64(PDPT_AT + 8, alias_page(30));
    put64(PDPT_AT + 511 * 8, alias(PD_AT, 0));
    put64(PD_AT, PT_AT | sure | (chance(50) ? PT_A : 0));
    put64(PD_AT + 8, alias_page(21));
    put64(PD_AT + 511 * 8, alias(PT_AT, 0));
    for (unsigned n = 0; n < WATCHED_PAGES; n++)
        put64(PT_AT + n * 8, high_flags(n) | n * PAGE | page_flags(n));
}

/* ---- All of it ---- */

enum { LOW_END = 0x9f000 };

void make_tables_once(void)
{
    clear(PT_AT, PAGE);
    for (unsigned n = WATCHED_PAGES; n < 512; n++)
        put64(PT_AT + n * 8, n * PAGE | PT_P | PT_RW | PT_A | PT_D);
}

void make_tables(void)
{
    clear(0, PT_AT); /* and what firmware has left, which flat segments see */
    clear(PT_AT + PAGE, LOW_END - PT_AT - PAGE);
    clear(0x200000 - PAGE, PAGE); /* stacks at the ends of what is canonical */
    for (u32 n = 0; n < DATA_PAGES * 16; n++)
        put32(DATA_AT + n / 16 * PAGE + (n & 8 ? PAGE - 64 : 0) + n % 16 * 4, rnd());
    make_descriptors();
    make_idt();
    make_pages();
    put_tss(TSS_AT);
    for (unsigned n = 0; n < TSSS; n++)
        put_tss(other_tss(n));
}
