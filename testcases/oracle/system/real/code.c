/* The routines of a case of real mode: a few templates each. */
#include "testcases/oracle/system/real/real.h"

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };
enum { AX, CX, DX, BX, SP, BP, SI, DI };

/* ---- Bytes ---- */

static void o32(bool wide)
{
    if (wide)
        byte(0x66);
}

static void mov_imm(unsigned reg, u32 v, bool wide)
{
    insn("mov-imm");
    o32(wide);
    byte(0xb8 + reg);
    bytes(v, wide ? 4 : 2);
}

static void push_imm(u32 v, bool wide)
{
    insn("push-imm");
    o32(wide);
    byte(0x68);
    bytes(v, wide ? 4 : 2);
}

static void prefix_segment(void)
{
    static const u8 prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

    if (chance(40))
        byte(prefix[below(6)]);
}

/* ---- Operands ---- */

static u16 data_segment(void)
{
    static const u16 near[] = { DATA_SEG, DATA_SEG + 1, DATA_SEG - 0x800, STACK_SEG, DATA_SEG + 0x7ff, GDT_AT >> 4, CODE_SEG };

    return near[below(7)];
}

static u32 data_offset(void)
{
    static const u16 edges[] = { 0, 1, 0x10, 0x7ff0, 0x7fff, 0xfff0, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0xfffa, 0xff00 };

    return edges[below(12)];
}

/* A memory operand: an offset, or [BX], [BP], [SI], [DI], or with a 32-bit address. After the opcode's prefixes. */
struct place {
    u8 modrm;
    u32 disp;
    bool wide;              /* 67h */
};

static struct place any_place(void)
{
    struct place p = { 6, data_offset(), chance(15) };

    if (p.wide) {
        p.modrm = 5;
        p.disp = chance(70) ? p.disp : chance(70) ? 0x10000 + below(16) : 0xffffffff - below(8);
    } else if (chance(30)) {
        p.modrm = 0x80 | below(8);
        p.disp = chance(50) ? below(16) : data_offset();
    }
    return p;
}

static void place_prefix(struct place p)
{
    if (p.wide)
        byte(0x67);
}

static void place(struct place p, unsigned reg)
{
    byte(p.modrm | reg << 3);
    bytes(p.disp, p.wide ? 4 : 2);
}

/* ---- Templates ---- */

static void load_segment(void)
{
    static const u8 seg[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS, SEG_ES, SEG_DS, SEG_CS };

    mov_imm(AX, data_segment(), false);
    insn("mov-sreg");
    byte(0x8e);
    byte(0xc0 | seg[below(7)] << 3);
}

static void load_stack(void)
{
    static const u16 edges[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0xfffd, 0xfffe, 0xffff, 0x8000 };

    mov_imm(AX, chance(80) ? STACK_SEG : data_segment(), false);
    insn("mov-ss");
    bytes(0xd08e, 2);
    insn("mov-sp");
    byte(0xbc);
    bytes(chance(50) ? edges[below(14)] : 0xff00 + below(0x80), 2);
}

static void push_pop(void)
{
    static const u8 sregs[] = { 0x06, 0x0e, 0x16, 0x1e, 0xa0, 0xa8 }, pops[] = { 0x07, 0x17, 0x1f, 0xa1, 0xa9, 0x07 };
    bool wide = chance(30);
    unsigned n = below(6);

    switch (below(7)) {
    case 0:
        insn("push-sreg");
        o32(wide);
        if (n >= 4)
            byte(0x0f);
        byte(sregs[n]);
        break;
    case 1:
        push_imm(data_segment(), wide);
        insn(n == 1 ? "pop-ss" : "pop-sreg");
        o32(wide);
        if (n == 3 || n == 4)
            byte(0x0f);
        byte(pops[n]);
        break;
    case 2: insn("pusha"); o32(wide); byte(0x60); break;
    case 3: insn("popa"); o32(wide); byte(0x61); break;
    case 4:
        insn("enter");
        o32(wide);
        byte(0xc8);
        bytes(chance(80) ? below(0x20) : rnd(), 2);
        byte(chance(60) ? 0 : below(32));
        break;
    case 5: insn("leave"); o32(wide); byte(0xc9); break;
    default: {
        struct place p = any_place();

        insn("pop-mem");
        prefix_segment();
        place_prefix(p);
        o32(wide);
        byte(0x8f);
        place(p, 0);
    }
    }
}

static void access_memory(void)
{
    static const u8 opcodes[] = { 0x8b, 0x89, 0x88, 0x8a, 0x01, 0x11, 0x87, 0xff, 0x39, 0x31 };
    struct place p = any_place();
    unsigned n = below(10);

    insn("memory");
    prefix_segment();
    place_prefix(p);
    o32(chance(40));
    byte(opcodes[n]);
    place(p, opcodes[n] == 0xff ? 6 : (unsigned[]){ AX, CX, DX, BX, SI, DI }[below(6)]);
}

static void string(void)
{
    static const u8 opcodes[] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad };
    u32 n = below(6);

    mov_imm(CX, below(6), chance(20));
    mov_imm(SI, data_offset(), chance(20));
    mov_imm(DI, 0x100 + data_offset(), chance(20));
    if (chance(30)) {
        insn("direction");
        byte(chance(50) ? 0xfc : 0xfd);
    }
    insn("string");
    prefix_segment();
    if (chance(10))
        byte(0x67);
    o32(chance(30));
    if (chance(75))
        byte(0xf3);
    byte(opcodes[n]);
}

static void interrupt(void)
{
    static const u8 one_byte[] = { 0xcc, 0xce, 0xf1 };

    if (chance(30)) {
        u32 n = below(3);

        insn(n == 0 ? "int3" : n == 1 ? "into" : "int1");
        byte(one_byte[n]);
        return;
    }
    insn("int");
    byte(0xcd);
    byte(chance(70) ? INT_FIRST + below(INT_LAST - INT_FIRST + 1) : chance(80) ? below(32) : rnd());
}

static u32 flags_image(void)
{
    return (rnd() & 0x8d7) | (chance(60) ? 0x100 : 0) | (chance(30) ? 0x200 : 0) | (chance(20) ? 0x400 : 0) | below(4) << 12 | (chance(10) ? 0x8028 : 0) |
           (chance(20) ? 0x4000 : 0);
}

static u32 target(void)
{
    return chance(97) ? routine_offset(below(ROUTINES)) : chance(50) ? 0x10000 + below(0x100) : 0xffff;
}

static void go_far(void)
{
    bool wide = chance(25);
    u32 kind = below(5);

    if (kind < 2) { /* by the stack */
        if (kind)
            push_imm(flags_image() | (wide && chance(30) ? rnd() & 0x3c0000 : 0), wide);
        push_imm(CODE_SEG, wide);
        push_imm(target(), wide);
        insn(kind ? "iret" : "retf");
        o32(wide);
        byte(kind ? 0xcf : 0xcb);
        return;
    }
    insn(kind == 2 ? "jmp-far" : "call-far");
    o32(wide);
    byte(kind == 2 ? 0xea : 0x9a);
    bytes(target(), wide ? 4 : 2);
    bytes(CODE_SEG, 2);
}

static void go_near(void)
{
    bool wide = chance(50);

    switch (below(3)) {
    case 0:
        push_imm(target(), wide);
        insn("ret");
        o32(wide);
        byte(0xc3);
        break;
    case 1:
        mov_imm(BX, target(), wide);
        insn("call-reg");
        o32(wide);
        bytes(0xd3ff, 2);
        break;
    default:
        insn("jmp-near");
        o32(wide);
        byte(0xe9);
        bytes(routine_offset(below(ROUTINES)) - (out.at + (wide ? 4 : 2)) + (chance(10) ? 0x10000 : 0), wide ? 4 : 2);
    }
}

static void set_flags(void)
{
    switch (below(5)) {
    case 0: {
        bool wide = chance(25);

        push_imm(flags_image() | (wide ? rnd() & 0x3d0000 : 0), wide);
        insn("popf");
        o32(wide);
        byte(0x9d);
        break;
    }
    case 1: insn("pushf"); o32(chance(30)); byte(0x9c); break;
    case 2: insn("sti"); byte(0xfb); break;
    case 3: insn("cli"); byte(0xfa); break;
    default: insn("nop"); byte(0x90);
    }
}

/* In one piece: whether 6 bytes go round at the end of a segment is left open, and what has been written before they fault. */
static void tables(void)
{
    static const u16 offsets[] = { 0, 0x10, 0x7ff0, 0xff00, 0xfff8, 0xfffa };
    struct place p = { 6, offsets[below(6)], false };
    u32 n = below(4);

    insn((const char *const[]){ "sgdt", "sidt", "lgdt", "smsw" }[n]);
    prefix_segment();
    place_prefix(p);
    o32(chance(50));
    bytes(0x010f, 2);
    place(p, n == 3 ? 4 : n);
}

static void control(void)
{
    switch (below(7)) {
    case 0: insn("smsw"); o32(chance(50)); bytes(0xe0010f, 3); break;
    case 1: insn("clts"); bytes(0x060f, 2); break;
    case 2: insn("mov-from-cr0"); bytes(0xc0200f, 3); break;
    case 3:
        insn("mov-from-cr0");
        bytes(0xc0200f, 3);
        insn("flip");
        o32(true);
        byte(0x35);
        bytes(flip_bit(0x2000000e), 4);
        insn("mov-cr0");
        bytes(0xc0220f, 3);
        break;
    case 4: insn("mov-from-dr"); bytes(0x00210f | (0xc0 | (chance(50) ? 6 : 7) << 3) << 16, 3); break;
    case 5:
        mov_imm(AX, below(8) << 1, false);
        insn("lmsw");
        bytes(0xf0010f, 3);
        break;
    default:
        mov_imm(AX, chance(50) ? CODE_AT + (chance(70) && insn_count ? insns[below(insn_count)].off : below(0x1000)) : DATA_AT + data_offset(), true);
        insn("mov-dr0");
        bytes(0xc0230f, 3);
        mov_imm(AX, 0x402 | (chance(50) ? 0 : (chance(50) ? 1 : 3) << 16 | (u32[]){ 0, 1, 3 }[below(3)] << 18), true);
        insn("mov-dr7");
        bytes(0xf8230f, 3);
    }
}

/* What is there in protected mode only, or nowhere. */
static void undefined(void)
{
    static const struct { const char *name; u8 len; u32 code; } some[] = {
        { "arpl", 2, 0xc063 },     { "sldt", 3, 0xc0000f }, { "str", 3, 0xc8000f }, { "lldt", 3, 0xd0000f }, { "ltr", 3, 0xd8000f },
        { "verr", 3, 0xe0000f },   { "lar", 3, 0xc0020f },  { "lsl", 3, 0xc0030f }, { "ud2", 2, 0x0b0f },    { "mov-cs", 2, 0xc88e },
        { "sysenter", 2, 0x340f }, { "sysexit", 2, 0x350f }, { "lock-nop", 2, 0x90f0 }, { "les-reg", 2, 0xc0c4 }, { "mov-cr1", 3, 0xc8220f },
    };
    u32 n = below(sizeof(some) / sizeof(some[0]));

    insn(some[n].name);
    bytes(some[n].code, some[n].len);
}

static void exceptions(void)
{
    struct place p = any_place();

    switch (below(4)) {
    case 0:
        mov_imm(CX, below(2), false);
        insn("div");
        o32(chance(30));
        bytes(0xf1f7, 2);
        break;
    case 1: insn("aam"); byte(0xd4); byte(chance(50) ? 0 : 10); break;
    case 2:
        insn("bound");
        prefix_segment();
        place_prefix(p);
        o32(chance(30));
        byte(0x62);
        place(p, SI);
        break;
    default:
        insn("load-pointer");
        prefix_segment();
        place_prefix(p);
        o32(chance(30));
        if (chance(50)) {
            byte(0x0f);
            byte(chance(50) ? 0xb4 : 0xb5);
        } else {
            byte(chance(50) ? 0xc4 : 0xc5);
        }
        place(p, chance(50) ? BX : DI);
    }
}

static void set_pe(bool on)
{
    if (on && chance(30)) { /* LMSW can set it, not clear it */
        insn("smsw");
        bytes(0xe0010f, 3);
        insn("or");
        bytes(0x010c, 2);
        insn("lmsw");
        bytes(0xf0010f, 3);
        return;
    }
    insn("mov-from-cr0");
    bytes(0xc0200f, 3);
    insn(on ? "or" : "and");
    bytes(on ? 0x010c : 0xfe24, 2);
    insn("mov-cr0");
    bytes(0xc0220f, 3);
}

/* Without TF and breakpoints: there is no IDT for protected mode. */
static void quiet(void)
{
    insn("pushf");
    byte(0x9c);
    insn("pop");
    byte(0x58);
    insn("and");
    byte(0x25);
    bytes(0xfcff, 2);
    insn("push");
    byte(0x50);
    insn("popf");
    byte(0x9d);
    mov_imm(AX, 0x400, true);
    insn("mov-dr7");
    bytes(0xf8230f, 3);
}

/* To protected mode and back; what segments were loaded with there stays. */
static void through_protected_mode(void)
{
    static const u16 selectors[] = { P_DATA, P_BIG, P_SMALL, P_DOWN, P_STACK };
    static const u8 seg[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
    bool far = chance(50);

    quiet();
    set_pe(true);
    if (far) {
        insn("jmp-far");
        byte(0xea);
        bytes(out.at + 4, 2);
        bytes(P_CODE, 2);
    }
    for (u32 n = below(4); n; n--) {
        mov_imm(AX, selectors[below(5)], false);
        insn("mov-sreg");
        byte(0x8e);
        byte(0xc0 | seg[below(4)] << 3);
    }
    if (chance(30)) {
        mov_imm(AX, P_STACK, false);
        insn("mov-ss");
        bytes(0xd08e, 2);
    }
    set_pe(false);
    if (far) {
        insn("jmp-far");
        byte(0xea);
        bytes(out.at + 4, 2);
        bytes(CODE_SEG, 2);
    }
    for (u32 n = 1 + below(3); n; n--) { /* through the limits that were left */
        insn("unreal");
        prefix_segment();
        byte(0x67);
        o32(chance(50));
        byte(chance(50) ? 0x8b : 0x89);
        byte(5 | (chance(50) ? CX : DX) << 3);
        bytes(chance(40) ? below(0x100) : chance(50) ? DATA_AT + below(0x100) : 0xff00 + below(0x200), 4);
    }
}

static void take(u32 n)
{
    if (n < 8)
        load_segment();
    else if (n < 14)
        load_stack();
    else if (n < 30)
        push_pop();
    else if (n < 42)
        access_memory();
    else if (n < 48)
        string();
    else if (n < 58)
        interrupt();
    else if (n < 68)
        go_far();
    else if (n < 72)
        go_near();
    else if (n < 78)
        set_flags();
    else if (n < 82)
        tables();
    else if (n < 87)
        control();
    else if (n < 92)
        undefined();
    else if (n < 96)
        exceptions();
    else
        through_protected_mode();
}

static void make_routine(unsigned n)
{
    out = (struct routine_out){ routine_offset(n), routine_offset(n) + ROUTINE_BYTES - 0x20, 16, n };
    if (n) { /* who comes here is told */
        insn("int-log");
        bytes(INT_LOG << 8 | 0xcd, 2);
    }
    for (u32 count = (n ? 2 : 4) + below(4); count; count--)
        take(below(100));
    if (n && chance(70)) {
        insn(chance(70) ? "iret" : "retf");
        byte(chance(70) ? 0xcf : 0xcb);
    }
    out.end += 0x20;
    insn("end");
    bytes(INT_END << 8 | 0xcd, 2);
    if (insn_count)
        insns[insn_count - 1].last = true;
}

void make_code(void)
{
    insn_count = 0;
    for (unsigned n = 0; n < ROUTINES; n++)
        make_routine(n);
}
