/*
 * The routines of a case: a few templates each, every one a short privileged sequence with operands drawn for it. Each instruction is
 * noted with its place, so that the logger can go on behind one that has faulted.
 */
#include "testcases/oracle/system/system.h"

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };
enum { AX, CX, DX, BX, SP, BP, SI, DI };

/* ---- Bytes ---- */

/* The operand size of the instruction that comes next, 16 or 32. */
static void size(unsigned bits)
{
    if (bits != out.bits)
        byte(0x66);
}

static unsigned any_size(void)
{
    return chance(75) ? out.bits : 48 - out.bits;
}

static void mov_imm(unsigned reg, u32 v, unsigned bits)
{
    insn("mov-imm");
    size(bits);
    byte(0xb8 + reg);
    bytes(v, bits / 8);
}

static void push_imm(u32 v, unsigned bits)
{
    insn("push-imm");
    size(bits);
    byte(0x68);
    bytes(v, bits / 8);
}

/* ModRM of a memory operand without registers; `reg` its other operand. */
static void memory(unsigned reg, u32 off)
{
    byte((out.bits == 32 ? 5 : 6) | reg << 3);
    bytes(off, out.bits / 8);
}

static void prefix_segment(void)
{
    static const u8 prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

    if (chance(50))
        byte(prefix[below(6)]);
}

/* ---- Operands ---- */

/* An offset where something might be: in a data segment, or flat, through one of the windows. */
static u32 data_offset(void)
{
    static const u16 in_page[] = { 0, 0, 4, 8, 0x10, 0xffd, 0xffe, 0xfff, 0xffc, 0xff8 };
    u32 at = below(DATA_PAGES) * PAGE + in_page[below(10)];

    if (out.bits == 32 && chance(40))
        at += DATA_AT + (below(4) << (scenario.pae ? 21 : 22));
    if (chance(2))
        at = rnd();
    return at;
}

/* What a far pointer in memory is: laid down in a data page that is likely to be readable, at an offset from DATA_AT. */
static u32 put_pointer(u32 off, u16 selector, unsigned bits)
{
    u32 slot = 0x20 + below(64) * 8, at = DATA_AT + slot;

    if (bits == 32) {
        put32(at, off);
        put32(at + 4, (get32(at + 4) & 0xffff0000) | selector);
    } else {
        put32(at, (off & 0xffff) | (u32)selector << 16);
    }
    return slot;
}

static u32 eflags_image(void)
{
    return (chance(90) ? 2 : 0) | (chance(60) ? 0x100 : 0) | (chance(30) ? 0x200 : 0) | below(4) << 12 | (chance(10) ? 0x4000 : 0) | (chance(20) ? 0x10000 : 0) |
           (chance(10) ? 0x20000 : 0) | (chance(20) ? 0x40000 : 0) | (chance(20) ? 0x80000 : 0) | (chance(10) ? 0x100000 : 0) | (rnd() & 0x2008d5);
}

/* A place to go to. */
struct target {
    u16 selector;
    u32 off;
};

static struct target any_target(void)
{
    unsigned bits = chance(85) ? out.bits : 48 - out.bits;
    struct target t = { code_selector(bits), routine_offset(any_routine(bits, out.routine)) };
    u32 kind = below(10);

    if (kind < 3) /* a gate */
        t.selector = (u16)(FIRST + 8 * (CALL_FIRST + below(CALL_LAST - CALL_FIRST + 1)) + below(4));
    else if (kind < 5)
        t.selector = (u16)(FIRST + 8 * (chance(50) ? TSS_1 + below(4) : TASK_GATE_1 + below(2)) + below(4));
    else if (kind < 6)
        t.selector = any_selector();
    if (chance(3))
        t.off = rnd();
    return t;
}

/* ---- Templates ---- */

static void load_segment(void)
{
    static const u8 seg[] = { SEG_ES, SEG_ES, SEG_SS, SEG_DS, SEG_DS, SEG_FS, SEG_GS, SEG_CS };
    unsigned s = seg[below(8)];

    mov_imm(AX, any_selector(), 16);
    insn("mov-sreg");
    if (chance(20))
        byte(0x66);
    byte(0x8e);
    byte(0xc0 | s << 3);
}

static void load_stack(void)
{
    mov_imm(AX, chance(80) ? (u16)(FIRST + 8 * (S32_0 + below(STACKS - S32_0))) | (chance(70) ? scenario.cpl : below(4)) : any_selector(), 16);
    insn("mov-ss");
    bytes(0xd08e, 2);
    if (chance(50)) {
        insn("after-ss");
        byte(chance(50) ? 0x90 : 0x9b);
    }
}

static void pop_segment(void)
{
    static const u16 op[] = { 0x07, 0x17, 0x1f, 0xa10f, 0xa90f };
    unsigned n = below(5), bits = any_size();

    push_imm(any_selector(), bits);
    insn("pop-sreg");
    size(bits);
    bytes(op[n], op[n] > 0xff ? 2 : 1);
}

static void load_pointer(void)
{
    static const u16 op[] = { 0xc4, 0xc5, 0xb20f, 0xb40f, 0xb50f };
    unsigned n = below(5), bits = any_size();
    u32 at = put_pointer(rnd() & 0xffff, any_selector(), bits);

    insn("load-pointer");
    size(bits);
    bytes(op[n], op[n] > 0xff ? 2 : 1);
    memory(BP, at);
}

static void far_direct(void)
{
    struct target t = any_target();
    bool call = chance(60);
    unsigned bits = any_size();

    insn(call ? "call-far" : "jmp-far");
    size(bits);
    byte(call ? 0x9a : 0xea);
    bytes(t.off, bits / 8);
    bytes(t.selector, 2);
}

static void far_indirect(void)
{
    struct target t = any_target();
    bool call = chance(60);
    unsigned bits = any_size();
    u32 at = put_pointer(t.off, t.selector, bits);

    insn(call ? "call-mem" : "jmp-mem");
    size(bits);
    byte(0xff);
    memory(call ? 3 : 5, at);
}

static u32 next_stack(unsigned cpl)
{
    return (cpl + 1) * PAGE - 0x80 + (chance(90) ? 4 * below(16) : below(0x80));
}

static void outer_stack(u16 selector, unsigned bits)
{
    unsigned rpl = selector & 3;
    u16 ss = chance(85) ? (u16)(FIRST + 8 * (S32_0 + rpl)) | rpl : any_selector();

    push_imm(ss, bits);
    push_imm(next_stack(rpl), bits);
}

static void return_far(void)
{
    struct target t = any_target();
    unsigned bits = any_size();
    u32 drop = chance(60) ? 0 : below(4) * 4;

    if ((t.selector & 3) != scenario.cpl || chance(5)) {
        outer_stack(t.selector, bits);
        for (u32 n = 0; n < drop; n += bits / 8)
            push_imm(rnd(), bits);
    }
    push_imm(t.selector, bits);
    push_imm(t.off, bits);
    insn("retf");
    size(bits);
    byte(drop ? 0xca : 0xcb);
    if (drop)
        bytes(drop, 2);
}

static void return_interrupt(void)
{
    struct target t = any_target();
    unsigned bits = any_size();
    u32 flags = eflags_image();

    if (bits == 32 && flags & 0x20000) {
        static const u16 at[] = { 0, DATA_AT >> 4, DATA_AT >> 4, DATA_AT >> 4, STACK_AT >> 4 };

        for (unsigned n = 0; n < 5; n++)
            push_imm(at[n], 32);
        push_imm(next_stack(3), 32);
        t = (struct target){ CODE_AT >> 4, routine_offset(any_routine(16, out.routine)) };
    } else if ((t.selector & 3) != scenario.cpl || chance(5)) {
        outer_stack(t.selector, bits);
    }
    push_imm(flags, bits);
    push_imm(t.selector, bits);
    push_imm(t.off, bits);
    insn("iret");
    size(bits);
    byte(0xcf);
}

static void software_interrupt(void)
{
    switch (below(12)) {
    case 0: insn("int3"); byte(0xcc); break;
    case 1: insn("into"); byte(0xce); break;
    case 2: insn("int1"); byte(0xf1); break;
    case 3: insn("int-vector"); byte(0xcd); byte(below(32)); break;
    case 4: insn("ud2"); bytes(0x0b0f, 2); break;
    case 5: insn("bound"); byte(0x62); memory(AX, data_offset()); break;
    default: insn("int"); byte(0xcd); byte(INT_FIRST + below(INT_LAST - INT_FIRST + 1)); break;
    }
}

static void look_at_selector(void)
{
    mov_imm(CX, any_selector(), 32);
    switch (below(6)) {
    case 0: case 1: insn("lar"); size(any_size()); bytes(0xd1020f, 3); break;
    case 2: case 3: insn("lsl"); size(any_size()); bytes(0xd1030f, 3); break;
    case 4: insn("verr"); bytes(0xe1000f, 3); break;
    default: insn("verw"); bytes(0xe9000f, 3); break;
    }
}

static void load_system(void)
{
    u16 selector = any_selector();

    if (chance(50))
        selector = (u16)(FIRST + 8 * (LDT_1 + below(SYSTEMS - LDT_1)));
    mov_imm(AX, selector, 16);
    if (chance(60)) {
        insn("lldt");
        bytes(0xd0000f, 3);
    } else {
        insn("ltr");
        bytes(0xd8000f, 3);
    }
}

static void store_system(void)
{
    static const struct { const char *name; u32 op; } to_register[] = { { "sldt", 0xc0000f }, { "str", 0xc8000f }, { "smsw", 0xe0010f } };
    unsigned n = below(5);

    if (n < 3) {
        insn(to_register[n].name);
        size(any_size());
        bytes(to_register[n].op, 3);
    } else {
        insn(n == 3 ? "sgdt" : "sidt");
        prefix_segment();
        bytes(0x010f, 2);
        memory(n == 3 ? 0 : 1, data_offset());
    }
}

/* LGDT and LIDT of tables that the logger can live with, whatever the base of DS. */
static void load_table(void)
{
    bool idt = chance(40);
    static const u32 bases[] = { 0, CODE_AT, DATA_AT, STACK_AT };
    u32 slot = 0xc00 + below(64) * 8;
    u32 limit = idt ? (chance(50) ? 0x7ff : 0x27f) : FIRST + below(SLOTS * 8), base = idt ? 0x13000 : GDT_AT;

    for (unsigned n = 0; n < 4; n++) {
        put32(bases[n] + slot, limit | base << 16);
        put32(bases[n] + slot + 4, base >> 16);
    }
    insn(idt ? "lidt" : "lgdt");
    bytes(0x010f, 2);
    memory(idt ? 3 : 2, slot);
}

static void move_cr(void)
{
    u32 kind = below(8);

    if (kind < 3) { /* CR0: one bit of it */
        insn("mov-from-cr0");
        bytes(0xc0200f, 3);
        insn("xor-bit");
        size(32);
        byte(0x35);
        bytes(chance(80) ? flip_bit(0x0005002e) : flip_bit(0xe000003e), 4);
        insn("mov-cr0");
        bytes(0xc0220f, 3);
    } else if (kind < 6) {
        u32 bits = chance(60) ? 0x0f : chance(60) ? 0x30008f : 0x3de300;

        insn("mov-from-cr4");
        bytes(0xe0200f, 3);
        insn("xor-bit");
        size(32);
        byte(0x35);
        bytes(flip_bit(bits & ~0x20u), 4);
        insn("mov-cr4");
        bytes(0xe0220f, 3);
    } else if (kind < 7) {
        mov_imm(AX, (scenario.pae ? CASE_TABLE(2) : CASE_TABLE(0)) | (chance(50) ? 0 : below(32)), 32);
        insn("mov-cr3");
        bytes(0xd8220f, 3);
    } else {
        static const u32 op[] = { 0xc8220f, 0xd0220f, 0xd0200f, 0xe8220f, 0xc8200f, 0xd8200f };

        insn("mov-cr-other");
        bytes(op[below(6)], 3);
    }
}

static void machine_status(void)
{
    if (chance(50)) {
        mov_imm(AX, below(16) | 1, 16);
        insn("lmsw");
        bytes(0xf0010f, 3);
    } else {
        insn("clts");
        bytes(0x060f, 2);
    }
}

static void move_dr(void)
{
    unsigned n = below(8);

    if (chance(40)) {
        insn("mov-from-dr");
        bytes(0x210f, 2);
        byte(0xc0 | n << 3);
        return;
    }
    if (n == 7)
        mov_imm(AX, (rnd() & (scenario.no_data ? 0x222202aa : 0xffff02aa)) | (chance(20) ? 0x400 : 0), 32);
    else if (n == 6)
        mov_imm(AX, rnd() & 0xf00f, 32);
    else
        mov_imm(AX, chance(40) ? CODE_AT + routine_offset(out.routine) + below(0x80) : chance(50) ? DATA_AT + data_offset() : STACK_AT + next_stack(below(4)), 32);
    insn("mov-dr");
    bytes(0x230f, 2);
    byte(0xc0 | n << 3);
}

static void access_memory(void)
{
    static const struct { const char *name; u8 op, reg; } kinds[] = {
        { "mov-load", 0x8b, CX }, { "mov-load8", 0x8a, DX }, { "mov-store", 0x89, BX }, { "mov-store8", 0x88, DX }, { "add-to", 0x01, SI },
        { "cmp", 0x39, DI }, { "inc", 0xff, 0 }, { "push-mem", 0xff, 6 }, { "pop-mem", 0x8f, 0 }, { "xchg", 0x87, BX }, { "xlat", 0xd7, 0 },
    };
    unsigned n = below(11);

    insn(kinds[n].name);
    size(any_size());
    prefix_segment();
    if (n == 6 && chance(50))
        byte(0xf0); /* LOCK */
    byte(kinds[n].op);
    if (kinds[n].op != 0xd7)
        memory(kinds[n].reg, data_offset());
}

static void string_move(void)
{
    static const u8 op[] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xa6, 0xae };

    mov_imm(CX, below(6), 32);
    mov_imm(SI, data_offset(), 32);
    mov_imm(DI, data_offset(), 32);
    insn("string");
    size(any_size());
    if (chance(40))
        prefix_segment();
    byte(chance(70) ? 0xf3 : 0x90);
    byte(op[below(7)]);
}

static void flags(void)
{
    unsigned bits = any_size();

    switch (below(5)) {
    case 0: insn("cli"); byte(0xfa); break;
    case 1: insn("pushf"); size(bits); byte(0x9c); break;
    case 2: insn("sti"); byte(0xfb); break;
    default:
        push_imm(eflags_image(), bits);
        insn("popf");
        size(bits);
        byte(0x9d);
        break;
    }
}

static void port(void)
{
    switch (below(3)) {
    case 0: insn("out"); byte(0xe6); byte(0x80); break;
    case 1:
        mov_imm(DX, 0x80 + below(4), 16);
        insn("out-dx");
        size(any_size());
        byte(0xee);
        break;
    default:
        mov_imm(DX, 0x80, 16);
        mov_imm(SI, data_offset(), 32);
        insn("outs");
        byte(0x6e);
        break;
    }
}

static void stack(void)
{
    unsigned bits = any_size();

    switch (below(9)) {
    case 0: insn("pusha"); size(bits); byte(0x60); break;
    case 1: insn("popa"); size(bits); byte(0x61); break;
    case 2: insn("enter"); size(bits); byte(0xc8); bytes(below(32), 2); byte(below(4)); break;
    case 3: insn("leave"); size(bits); byte(0xc9); break;
    case 4: insn("push"); size(bits); byte(0x50 + below(8)); break;
    case 5: insn("pop"); size(bits); byte(0x58 + (chance(70) ? 3 : below(8))); break;
    case 6: insn("call-near"); byte(0xe8); bytes(0, out.bits / 8); break;
    case 7:
        mov_imm(SP, chance(50) ? below(16) : next_stack(below(4)), 32);
        insn("push");
        size(bits);
        byte(0x50);
        break;
    default:
        mov_imm(BP, chance(50) ? below(0x4000) : rnd(), 32);
        insn("mov-bp");
        byte(0x8b);
        byte(0x46); /* [bp+0], [esi+0] */
        byte(0);
        break;
    }
}

static void move_msr(void)
{
    static const u32 msr[] = { 0x174, 0x175, 0x176, 0xc0000102, 0x12345678 };

    mov_imm(CX, msr[below(5)], 32);
    if (chance(50)) {
        mov_imm(AX, chance(60) ? any_selector() : CODE_AT + routine_offset(any_routine(32, out.routine)), 32);
        mov_imm(DX, 0, 32);
        insn("wrmsr");
        bytes(0x300f, 2);
    } else {
        insn("rdmsr");
        bytes(0x320f, 2);
    }
}

static void system_call(void)
{
    static const u16 op[] = { 0x340f, 0x350f, 0x050f, 0x070f };

    if (chance(60)) { /* the flat segments that it loads see the routines at their linear addresses */
        mov_imm(CX, 0x174, 32);
        mov_imm(AX, chance(80) ? FIRST + 8 * C32_0 : 0, 32);
        mov_imm(DX, 0, 32);
        insn("wrmsr");
        bytes(0x300f, 2);
        mov_imm(DX, CODE_AT + routine_offset(any_routine(32, out.routine)), 32);
        mov_imm(CX, STACK_AT + next_stack(3), 32);
    }
    insn("system-call");
    bytes(op[chance(90) ? below(2) : below(4)], 2);
}

static void odd(void)
{
    switch (below(8)) {
    case 0: insn("invlpg"); bytes(0x010f, 2); memory(7, data_offset()); break;
    case 1: insn("wbinvd"); bytes(0x090f, 2); break;
    case 2: insn("arpl"); byte(0x63); byte(0xc8); break;
    case 3: insn("fnop"); bytes(0xd0d9, 2); break;
    case 4: insn("wait"); byte(0x9b); break;
    case 5: insn("lock-nop"); bytes(0x90f0, 2); break;
    case 6: insn("lock-mov-cr"); bytes(0x200ff0, 3); byte(0xc0); break;
    default: insn("smsw-mem"); bytes(0x010f, 2); memory(4, data_offset()); break;
    }
}

typedef void template(void);
static template *const templates[] = {
    load_segment, load_segment, load_segment, load_stack, pop_segment, load_pointer, far_direct, far_direct, far_indirect, return_far, return_far,
    return_interrupt, return_interrupt, software_interrupt, software_interrupt, software_interrupt, look_at_selector, look_at_selector, load_system,
    store_system, load_table, move_cr, move_cr, machine_status, move_dr, access_memory, access_memory, access_memory, access_memory, string_move,
    flags, flags, port, stack, stack, move_msr, system_call, odd,
};

static void make_routine(unsigned n)
{
    unsigned count = n ? 1 + below(4) : 3 + below(8);

    out.routine = n;
    out.bits = scenario.bits[n];
    out.at = routine_offset(n);
    out.end = out.at + ROUTINE_BYTES - 4;
    if (n) {
        insn("int-log");
        byte(0xcd);
        byte(INT_LOG);
    }
    while (count--)
        templates[below(sizeof(templates) / sizeof(templates[0]))]();
    if (n && chance(50)) {
        insn("iret");
        byte(0xcf);
    }
    insn("end");
    insns[insn_count - 1].last = true;
    byte(0xcd);
    byte(INT_END);
}

void make_code(void)
{
    insn_count = 0;
    for (unsigned n = 0; n < ROUTINES; n++)
        make_routine(n);
}
