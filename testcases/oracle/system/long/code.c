/*
 * The routines of a case of IA-32e mode: a few templates each, every one a short privileged sequence with operands drawn for it. Each
 * instruction is noted with its place, so that the logger can go on behind one that has faulted.
 */
#include "testcases/oracle/system/long/long.h"

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };
enum { REX_W = 0x48 };

/* ---- Bytes ---- */

static bool is_long(void)
{
    return out.bits == 64;
}

/* The operand size of the instruction that comes next; whose default is 32 bits in 64-bit mode. */
static void size(unsigned bits)
{
    if (bits == 64)
        byte(REX_W);
    else if ((bits == 16) != (out.bits == 16))
        byte(0x66);
}

static unsigned any_size(void)
{
    if (is_long())
        return chance(60) ? 64 : chance(70) ? 32 : 16;
    return chance(75) ? out.bits : 48 - out.bits;
}

/* Of instructions that know 16 or 64 bits in 64-bit mode. */
static unsigned stack_size(void)
{
    if (is_long())
        return chance(85) ? 64 : 16;
    return chance(75) ? out.bits : 48 - out.bits;
}

static void stack_prefix(unsigned bits)
{
    if (bits == 16 ? out.bits != 16 : out.bits == 16)
        byte(0x66);
}

static void mov_imm(enum gpr reg, u64 v)
{
    insn("mov-imm");
    if (is_long() && v >> 32) {
        byte(REX_W);
        byte(0xb8 + reg);
        bytes(v, 8);
    } else {
        size(32);
        byte(0xb8 + reg);
        bytes(v, 4);
    }
}

/* A value of the present stack width, or 16 bits. */
static void push_value(u64 v, unsigned bits)
{
    if (is_long() && (u64)(int64_t)(int32_t)v != v) {
        mov_imm(AX, v);
        insn("push");
        byte(0x50);
        return;
    }
    insn("push-imm");
    stack_prefix(bits);
    byte(0x68);
    bytes(v, bits == 16 ? 2 : 4);
}

/* An operand in memory: [RBX], which is loaded first, or in compatibility mode a plain offset. */
static u64 operand;

static void prepare_memory(u64 address)
{
    operand = address;
    if (is_long())
        mov_imm(BX, address);
}

static void memory(unsigned reg)
{
    if (is_long()) {
        byte(BX | reg << 3);
    } else {
        byte((out.bits == 32 ? 5 : 6) | reg << 3);
        bytes(operand, out.bits / 8);
    }
}

static void prefix_segment(void)
{
    static const u8 prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x64, 0x65 };

    if (chance(is_long() ? 30 : 50))
        byte(prefix[is_long() ? 4 + below(4) : below(6)]);
}

/* ---- Operands ---- */

/* Where something might be: by a window, or in compatibility mode in a data segment. */
static u64 data_address(void)
{
    static const u16 in_page[] = { 0, 0, 4, 8, 0x10, 0xffd, 0xffe, 0xff9, 0xffc, 0xff8 };
    u64 at = below(DATA_PAGES) * PAGE + in_page[below(10)];

    if (chance(4))
        return odd_address();
    if (!is_long())
        return chance(50) ? at : DATA_AT + at + windows[below(3)];
    return at + any_window() + (chance(90) ? DATA_AT : 0);
}

/* What a far pointer or a table's register is read from: in a data page, at an address for the present mode. */
static u64 put_pointer(u64 off, u16 selector, unsigned bits)
{
    u32 slot = 0x40 + below(60) * 16;

    for (u32 at = slot; at <= DATA_AT + slot; at += DATA_AT) { /* DS may be flat */
        put64(at, off);
        put16(at + bits / 8, selector);
    }
    if (is_long())
        return DATA_AT + slot + any_window();
    return slot;
}

static u64 flags_image(void)
{
    return (chance(90) ? 2 : 0) | (chance(60) ? 0x100 : 0) | (chance(30) ? 0x200 : 0) | below(4) << 12 | (chance(7) ? 0x4000 : 0) | (chance(20) ? 0x10000 : 0) |
           (chance(5) ? 0x20000 : 0) | (chance(20) ? 0x40000 : 0) | (chance(5) ? 0x180000 : 0) | (rnd() & 0x2008d5);
}

struct target {
    u16 selector;
    u64 off;
};

/* Is the segment flat, so that offsets are linear addresses? */
static bool is_flat(u16 selector)
{
    unsigned slot = (selector - FIRST) / 8;

    if (slot == U_CODE32)
        return !(get32(GDT_AT + FIRST + 8 * U_CODE32 + 4) & 0xff);
    return slot != K_CODE32 && slot != K_CODE16 && slot != U_CODE16 && slot != CONF32_0;
}

static struct target plain_target(unsigned bits)
{
    struct target t = { code_selector(bits), routine_offset(any_routine(bits, out.routine)) };

    if (is_flat(t.selector))
        t.off += CODE_AT + (is_long() && bits == 64 ? any_window() : 0);
    if (chance(3))
        t.off = odd_address();
    return t;
}

static struct target any_target(void)
{
    static const u8 other[] = { 64, 64, 32, 16 };
    struct target t = plain_target(chance(60) ? out.bits : other[below(4)]);
    u32 kind = below(10);

    if (kind < 3) /* a gate */
        t.selector = (u16)(FIRST + 8 * (CALL_FIRST + 2 * below(8)) + below(4));
    else if (kind < 4)
        t.selector = any_selector();
    return t;
}

static u64 next_stack(unsigned page)
{
    return STACK_AT + (page + 1) * PAGE - 0x80 + (chance(90) ? 8 * below(8) : below(0x80)) + (is_long() ? any_window() : 0);
}

static u16 stack_selector(unsigned rpl)
{
    if (chance(85))
        return (u16)(FIRST + 8 * (rpl == 3 ? U_DATA : K_DATA)) | rpl;
    return chance(30) ? rpl : any_selector();
}

/* ---- Templates ---- */

static void load_segment(void)
{
    static const u8 seg[] = { SEG_ES, SEG_ES, SEG_SS, SEG_DS, SEG_DS, SEG_FS, SEG_GS, SEG_CS };

    mov_imm(AX, any_selector());
    insn("mov-sreg");
    if (chance(20))
        byte(is_long() ? REX_W : 0x66);
    byte(0x8e);
    byte(0xc0 | seg[below(8)] << 3);
}

static void load_stack(void)
{
    mov_imm(AX, chance(70) ? stack_selector(scenario.cpl) : any_selector());
    insn("mov-ss");
    bytes(0xd08e, 2);
    if (chance(50)) {
        insn("after-ss");
        byte(chance(50) ? 0x90 : 0x9b);
    }
}

static void pop_segment(void)
{
    static const u16 op[] = { 0xa10f, 0xa90f, 0x07, 0x17, 0x1f };
    unsigned n = is_long() && chance(95) ? below(2) : below(5), bits = stack_size();

    push_value(any_selector(), bits);
    insn("pop-sreg");
    stack_prefix(bits);
    bytes(op[n], op[n] > 0xff ? 2 : 1);
}

static void load_pointer(void)
{
    static const u16 op[] = { 0xb20f, 0xb40f, 0xb50f, 0xc4, 0xc5 };
    unsigned n = below(is_long() ? 3 : 5), bits = any_size();

    prepare_memory(put_pointer(rnd64(), any_selector(), bits));
    insn("load-pointer");
    size(bits);
    bytes(op[n], op[n] > 0xff ? 2 : 1);
    memory(BP);
}

static void far_direct(void)
{
    struct target t = any_target();
    bool call = chance(60);
    unsigned bits = any_size();

    insn(call ? "call-far" : "jmp-far");
    if (is_long())
        bits = 32; /* #UD, whatever it is */
    else
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

    prepare_memory(put_pointer(t.off, t.selector, bits));
    insn(call ? "call-mem" : "jmp-mem");
    size(bits);
    byte(0xff);
    memory(call ? 3 : 5);
}

/* A frame of values, the last to be popped first. In 64-bit mode of any width: RSP is moved, and they are written. */
static void put_frame(const u64 *v, unsigned count, unsigned bits)
{
    if (!is_long() || bits == 64) {
        for (unsigned n = 0; n < count; n++)
            push_value(v[n], bits);
        return;
    }
    insn("sub-rsp");
    bytes(0xec8348, 3);
    byte(count * bits / 8);
    for (unsigned n = 0; n < count; n++) {
        insn("mov-frame");
        if (bits == 16)
            byte(0x66);
        bytes(0x2444c7, 3);
        byte((count - 1 - n) * bits / 8);
        bytes(v[n], bits / 8);
    }
}

static void return_far(void)
{
    struct target t = any_target();
    unsigned bits = any_size(), rpl = t.selector & 3;
    u32 drop = chance(70) ? 0 : below(4) * 8;
    u64 outer[2] = { stack_selector(rpl), next_stack(rpl) }, inner[2] = { t.selector, t.off }, fill[12];

    for (unsigned n = 0; n < 12; n++)
        fill[n] = rnd();
    if (rpl != scenario.cpl || chance(5)) {
        put_frame(outer, 2, bits);
        if (drop)
            put_frame(fill, drop * 8 / bits, bits);
    }
    put_frame(inner, 2, bits);
    insn("retf");
    size(bits);
    byte(drop ? 0xca : 0xcb);
    if (drop)
        bytes(drop, 2);
}

static void return_interrupt(void)
{
    struct target t = any_target();
    unsigned bits = is_long() && scenario.wide_stack ? 64 : any_size(), rpl = t.selector & 3;
    u64 v[5] = { stack_selector(rpl), next_stack(rpl), flags_image(), t.selector, t.off };
    unsigned from = is_long() || rpl != scenario.cpl || chance(5) ? 0 : 2;

    put_frame(v + from, 5 - from, bits);
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
    default: insn("int"); byte(0xcd); byte(INT_FIRST + below(INT_LAST - INT_FIRST + 1)); break;
    }
}

static void look_at_selector(void)
{
    mov_imm(CX, any_selector());
    switch (below(6)) {
    case 0: case 1: insn("lar"); size(any_size()); bytes(0xd1020f, 3); break;
    case 2: case 3: insn("lsl"); size(any_size()); bytes(0xd1030f, 3); break;
    case 4: insn("verr"); bytes(0xe1000f, 3); break;
    default: insn("verw"); bytes(0xe9000f, 3); break;
    }
}

static void load_system(void)
{
    bool ldt = chance(60);
    u16 selector = any_selector();

    if (chance(60))
        selector = (u16)(FIRST + 8 * (ldt ? LDT_1 + 2 * below(2) : TSS_1 + 2 * below(3)));
    mov_imm(AX, selector);
    insn(ldt ? "lldt" : "ltr");
    bytes(ldt ? 0xd0000f : 0xd8000f, 3);
}

static void store_system(void)
{
    static const struct { const char *name; u32 op; } to_register[] = { { "sldt", 0xc0000f }, { "str", 0xc8000f }, { "smsw", 0xe0010f } };
    unsigned n = below(5);

    if (n < 3) {
        insn(to_register[n].name);
        size(any_size());
        bytes(to_register[n].op, 3);
        return;
    }
    prepare_memory(data_address());
    insn(n == 3 ? "sgdt" : "sidt");
    prefix_segment();
    bytes(0x010f, 2);
    memory(n == 3 ? 0 : 1);
}

/* LGDT and LIDT of tables that the logger can live with, whatever the base of DS. */
static void load_table(void)
{
    static const u32 bases[] = { 0, CODE_AT, DATA_AT, STACK_AT };
    bool idt = chance(40);
    u32 slot = 0xc00 + below(60) * 16, limit = idt ? (chance(50) ? 0x4ff : 0x7ff) : FIRST + below(SLOTS * 8);
    u64 base = idt ? IDT_AT : GDT_AT;

    if (chance(5))
        base = odd_address() | (u64)1 << 62; /* not canonical */
    for (unsigned n = 0; n < 4; n++) {
        put64(bases[n] + slot, limit | base << 16);
        put16(bases[n] + slot + 8, (u16)(base >> 48));
    }
    prepare_memory(is_long() ? DATA_AT + slot + any_window() : slot);
    insn(idt ? "lidt" : "lgdt");
    bytes(0x010f, 2);
    memory(idt ? 3 : 2);
}

/* One bit of a control register. */
static void flip_control(const char *from, const char *to, u32 op, u32 bit)
{
    insn(from);
    bytes(0xc0200f | op << 16, 3);
    insn("xor-bit");
    size(32);
    byte(0x35);
    bytes(bit, 4);
    insn(to);
    bytes(0xc0220f | op << 16, 3);
}

/* Paging stays on: compatibility mode could leave IA-32e mode by it, and nothing could log then. */
static void move_cr(void)
{
    u32 kind = below(9);

    if (kind < 3) {
        flip_control("mov-from-cr0", "mov-cr0", 0, chance(80) ? flip_bit(0x0005002e) : flip_bit(is_long() ? 0xe000003e : 0x6000003e));
    } else if (kind < 6) {
        flip_control("mov-from-cr4", "mov-cr4", 0x20, flip_bit(chance(60) ? 0x0f : chance(60) ? 0x00370080 : 0xff3f8020));
    } else if (kind < 7) {
        mov_imm(AX, PML4_AT | (chance(50) ? 0 : below(0x20)) | (is_long() && chance(30) ? (u64)1 << (52 + below(12)) : 0));
        insn("mov-cr3");
        bytes(0xd8220f, 3);
    } else if (kind < 8 && is_long()) {
        mov_imm(AX, chance(80) ? below(16) : (u64)1 << below(64));
        insn("mov-cr8");
        bytes(0xc0220f44, 4);
    } else {
        static const u32 op[] = { 0xc8220f, 0xd0220f, 0xd0200f, 0xe8220f, 0xc8200f, 0xd8200f };

        insn("mov-cr-other");
        bytes(op[below(6)], 3);
    }
}

static void machine_status(void)
{
    switch (below(4)) {
    case 0:
        mov_imm(AX, below(16) | 1);
        insn("lmsw");
        bytes(0xf0010f, 3);
        break;
    case 1: insn("clts"); bytes(0x060f, 2); break;
    case 2: insn("stac"); bytes(0xcb010f, 3); break;
    default: insn("clac"); bytes(0xca010f, 3); break;
    }
}

static void move_dr(void)
{
    unsigned n = below(8);
    u64 high = is_long() && chance(10) ? (u64)1 << (32 + below(32)) : 0;

    if (chance(40)) {
        insn("mov-from-dr");
        bytes(0x210f, 2);
        byte(0xc0 | n << 3);
        return;
    }
    if (n == 7)
        mov_imm(AX, (rnd() & (scenario.no_data ? 0x222202aa : 0xffff02aa)) | (chance(20) ? 0x400 : 0) | high);
    else if (n == 6)
        mov_imm(AX, (rnd() & 0xf00f) | high);
    else
        mov_imm(AX, chance(40) ? CODE_AT + routine_offset(out.routine) + below(0x80) : chance(50) ? data_address() : next_stack(below(4)));
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

    prepare_memory(data_address());
    insn(kinds[n].name);
    if (n == 6 && chance(50))
        byte(0xf0); /* LOCK */
    prefix_segment();
    size(any_size());
    byte(kinds[n].op);
    if (kinds[n].op != 0xd7)
        memory(kinds[n].reg);
}

static void string_move(void)
{
    static const u8 op[] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xae };

    mov_imm(CX, below(6));
    mov_imm(SI, data_address());
    mov_imm(DI, data_address());
    insn("string");
    if (chance(30))
        prefix_segment();
    byte(chance(70) ? 0xf3 : 0x90);
    size(any_size());
    byte(op[below(6)]);
}

static void flags(void)
{
    unsigned bits = stack_size();

    switch (below(5)) {
    case 0: insn("cli"); byte(0xfa); break;
    case 1: insn("pushf"); stack_prefix(bits); byte(0x9c); break;
    case 2: insn("sti"); byte(0xfb); break;
    default:
        push_value(flags_image(), bits);
        insn("popf");
        stack_prefix(bits);
        byte(0x9d);
        break;
    }
}

static void port(void)
{
    if (chance(40)) {
        insn("out");
        byte(0xe6);
        byte(0x80);
        return;
    }
    mov_imm(DX, 0x80 + below(4));
    if (chance(50)) {
        insn("out-dx");
        size(chance(50) ? 32 : 16);
        byte(0xef);
    } else {
        mov_imm(SI, data_address());
        insn("outs");
        byte(0x6e);
    }
}

static void stack(void)
{
    unsigned bits = stack_size(), frame_bits = is_long() && scenario.wide_stack ? 64 : bits;

    switch (below(8)) {
    case 0: insn("enter"); stack_prefix(frame_bits); byte(0xc8); bytes(below(32), 2); byte(below(4)); break;
    case 1: insn("leave"); stack_prefix(frame_bits); byte(0xc9); break;
    case 2: insn("push"); stack_prefix(bits); byte(0x50 + below(8)); break;
    case 3: insn("pop"); stack_prefix(bits); byte(0x58 + (chance(70) ? 3 : below(8))); break;
    case 4: insn("call-near"); byte(0xe8); bytes(0, out.bits == 16 ? 2 : 4); break;
    case 5: case 6:
        mov_imm(SP, chance(50) ? odd_address() : next_stack(below(4)));
        insn("push");
        stack_prefix(bits);
        byte(0x50);
        break;
    default: /* the default segment is SS */
        mov_imm(BP, chance(50) ? data_address() : odd_address());
        insn("mov-bp");
        size(any_size());
        bytes(0x00458b, 3);
        break;
    }
}

static void move_msr(void)
{
    static const u32 msr[] = { 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0x174, 0x175, 0x176, 0x12345678 };
    u32 m = msr[below(12)];
    u64 v = m == 0xc0000080 ? 0x500 | (rnd() & 0x801) | (chance(20) ? 1u << below(16) : 0)
          : m == 0xc0000081 ? (u64)(any_selector() | 3) << 48 | (u64)(any_selector() & ~3u) << 32 : m == 0x174 ? any_selector()
          : chance(60) ? any_window() + CODE_AT + routine_offset(any_routine(64, out.routine)) : odd_address();

    if (m == 0xc0000084)
        v = rnd();
    mov_imm(CX, m);
    if (chance(75)) {
        mov_imm(AX, (u32)v);
        mov_imm(DX, v >> 32);
        insn("wrmsr");
        bytes(0x300f, 2);
    } else {
        insn("rdmsr");
        bytes(0x320f, 2);
    }
}

/* With what it returns to in RCX and R11, RDX. */
static void system_call(void)
{
    static const u16 op[] = { 0x050f, 0x070f, 0x340f, 0x350f };
    unsigned n = below(4);
    struct target t = plain_target(chance(70) ? 64 : 32);

    if (n == 1 || n == 3) {
        mov_imm(CX, n == 1 ? t.off : next_stack(3));
        mov_imm(DX, t.off);
    }
    if (n == 1 && is_long()) {
        insn("mov-r11");
        bytes(0xbb41, 2);
        bytes(flags_image(), 4);
    }
    insn(n == 0 ? "syscall" : n == 1 ? "sysret" : n == 2 ? "sysenter" : "sysexit");
    if (is_long() && chance(60))
        byte(REX_W);
    bytes(op[n], 2);
}

static void segment_base(void)
{
    static const char *const names[] = { "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase" };
    unsigned n = below(4);

    if (chance(35)) {
        insn("swapgs");
        bytes(0xf8010f, 3);
        return;
    }
    mov_imm(AX, chance(70) ? any_window() + DATA_AT : odd_address());
    insn(names[n]);
    byte(0xf3);
    if (is_long() && chance(60))
        byte(REX_W);
    bytes(0xae0f, 2);
    byte(0xc0 | n << 3);
}

static void odd(void)
{
    switch (below(10)) {
    case 0: prepare_memory(data_address()); insn("invlpg"); bytes(0x010f, 2); memory(7); break;
    case 1: insn("wbinvd"); bytes(0x090f, 2); break;
    case 2: insn("arpl-movsxd"); byte(0x63); byte(0xc8); break;
    case 3: insn("fnop"); bytes(0xd0d9, 2); break;
    case 4: insn("wait"); byte(0x9b); break;
    case 5: insn("lock-nop"); bytes(0x90f0, 2); break;
    case 6: insn("lock-mov-cr"); bytes(0x200ff0, 3); byte(0xc0); break;
    case 7: insn("push-es"); byte(0x06); break;
    case 8: insn("salc-nop"); bytes(0x1f0f, 2); byte(0xc0); break;
    default: prepare_memory(data_address()); insn("smsw-mem"); bytes(0x010f, 2); memory(4); break;
    }
}

typedef void template(void);
static template *const templates[] = {
    load_segment, load_segment, load_segment, load_stack, pop_segment, load_pointer, far_direct, far_indirect, far_indirect, return_far, return_far,
    return_interrupt, return_interrupt, return_interrupt, software_interrupt, software_interrupt, software_interrupt, look_at_selector, look_at_selector,
    load_system, load_system, store_system, load_table, move_cr, move_cr, machine_status, move_dr, access_memory, access_memory, access_memory, access_memory,
    string_move, flags, flags, port, stack, stack, move_msr, move_msr, system_call, system_call, segment_base, segment_base, odd,
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
        size(is_long() ? 64 : out.bits);
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
