/*
 * What AMD's processors do otherwise than the SDM says, as far as single instructions of user code show it: testcases/host_vendor.h has the
 * list. Where it can be told what they must do, that is compared; where the host says nothing about us, no such test is made.
 */
#include "testcases/oracle/oracle.h"

#include <string.h>

#include "cpu/decode.h"
#include "cpu/isa/isa.h"
#include "testcases/host_vendor.h"

static bool named(const struct isa_row *row, const char *mnemonic) { return !strcmp(row->mnemonic, mnemonic); }

static bool is_gather(const struct isa_row *row) { return row->op[0] == Vs || row->op[1] == Vs || row->op[2] == Vs; }

static bool is_prefix(uint8_t byte, bool wide)
{
    return (byte & 0xe7) == 0x26 || (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || (wide && (byte & 0xf0) == 0x40);
}

static unsigned prefixes(const struct test *t)
{
    unsigned n = 0;

    while (n < t->len && is_prefix(t->code[n], t->seg[S_CS]->wide))
        n++;
    return n;
}

static bool has_prefix(const struct test *t, uint8_t byte) { return memchr(t->code, byte, prefixes(t)) != NULL; }

/* ---- Tests that such a host cannot judge ---- */

/* Where 48 bits of canonical addresses end, or beyond. */
static bool not_canonical(uint64_t laddr)
{
    return laddr + 64 >= CANONICAL && laddr < 0 - CANONICAL;
}

static bool stray_address(const struct test *t, const struct isa_row *row, uint64_t at)
{
    const uint64_t *reg = t->in.reg;
    bool xlat = row->map == 0 && row->opcode == 0xd7, string = row->attributes & ISA_STRING || strstr(row->mnemonic, "maskmov");

    return not_canonical(at) || not_canonical(reg[R_SP]) || not_canonical(reg[R_BP]) || (xlat && not_canonical(reg[R_BX])) ||
           (string && (not_canonical(reg[R_SI]) || not_canonical(reg[R_DI])));
}

/* Of a segment that has one in 64-bit mode. */
static uint64_t base_of(const struct test *t, const struct cpu_insn *insn)
{
    return insn->seg == CPU_GS && t->seg[S_GS] ? t->seg[S_GS]->base : 0;
}

/* By RIP, for the place is not chosen yet; or by a register that is base and index. */
static bool anywhere(const struct cpu_insn *insn)
{
    return insn->base == CPU_REG_PAGE || insn->base == CPU_REG_PAGE_HIGH || insn->base == insn->index;
}

/* For all one knows. */
static bool unaligned(const struct cpu_insn *insn, uint64_t at, unsigned bytes) { return anywhere(insn) || at % bytes; }

/* An operand of more than 8 bytes. */
static bool unaligned_vector(const struct test *t, const struct isa_row *row, const struct cpu_insn *insn, uint64_t at)
{
    bool big = false;

    for (unsigned n = 0; n < 4; n++)
        big |= row->op[n] == Wx || row->op[n] == Mx || row->op[n] == Mo || row->op[n] == Wo || row->op[n] == Wh;
    return t->vectors && insn->flags & INSN_MEM && big && unaligned(insn, at, 32);
}

/* A masked move, some of whose elements come behind the last offset of 16- or 32-bit addresses. */
static bool masked_wraps(const struct test *t, const struct isa_row *row, const struct cpu_insn *insn)
{
    uint64_t offset = (uint64_t)(int64_t)insn->disp, last = insn_ad_bytes(insn) == 2 ? UINT16_MAX : UINT32_MAX;

    if (!(insn->flags & INSN_MEM) || insn_ad_bytes(insn) == 8 || !strstr(row->mnemonic, "maskmov"))
        return false;
    offset += insn->base < R_COUNT ? t->in.reg[insn->base] : 0;
    offset += insn->index < R_COUNT ? t->in.reg[insn->index] << insn->scale : 0;
    return (offset & last) + 31 > last;
}

bool vendor_can_judge(struct test *t, const struct isa_row *row, const struct cpu_insn *insn, uint64_t at)
{
    bool wide = t->seg[S_CS]->wide, memory = insn->flags & INSN_MEM, big = insn->flags & (INSN_OP32 | INSN_OP64);
    bool stray = stray_address(t, row, memory ? at : 0) || (memory && (anywhere(insn) || not_canonical(at - base_of(t, insn))));
    unsigned first = prefixes(t);

    if (wide && row->attributes & ISA_F64 && has_prefix(t, 0x66) && host_rule(HOST_NEAR_BRANCH))
        return false;
    if (row->map == 0 && (row->opcode | 1) == 0xe1 && (has_prefix(t, 0xf2) || has_prefix(t, 0xf3)) && host_rule(HOST_REPEATED_LOOP))
        return false;
    if (named(row, "pause") && first && (t->code[first - 1] & 0xf1) == 0x41 && host_rule(HOST_PAUSE_R8))
        return false;
    if (named(row, "verw") && has_prefix(t, 0xf0) && host_rule(HOST_LOCK_VERW))
        return false;
    if (row->map == 1 && row->opcode == 0x0d && !memory && host_rule(HOST_PREFETCH_REGISTER))
        return false;
    if ((named(row, "shld") || named(row, "shrd")) && !big &&
        ((row->op[2] == Ib ? t->code[t->len - 1] : (uint8_t)t->in.reg[R_CX]) & 31) > 16 && host_rule(HOST_DOUBLE_SHIFT))
        return false;
    if (row->set == SET_SHA && memory && unaligned(insn, at, 16) && host_rule(HOST_SHA_ALIGNMENT))
        return false;
    if (masked_wraps(t, row, insn) && host_rule(HOST_MASKED_WRAP))
        return false;
    if (t->in.eflags & EFL_AC && unaligned_vector(t, row, insn, at) && host_rule(HOST_VECTOR_ALIGNMENT))
        t->in.eflags &= ~(uint32_t)EFL_AC;
    if (wide && t->in.eflags & EFL_AC && stray && host_rule(HOST_ALIGNMENT_LAST))
        t->in.eflags &= ~(uint32_t)EFL_AC;
    return true;
}

bool vendor_ignores_w(const struct isa_row *row) { return (named(row, "vpermq") || named(row, "vpermpd")) && host_rule(HOST_VPERMQ_W); }

bool vendor_needs_room(const struct isa_row *row) { return (named(row, "ud0") || named(row, "ud1")) && host_rule(HOST_UD1_LENGTH); }

/* ---- What such a host must do instead ---- */

/* Other code at the same place in the simulator, with these registers. It must not write memory, unless that is wanted. */
static void run_code(const struct test *t, const uint64_t *reg, const uint8_t *code, struct state *out)
{
    struct test other = *t;

    memcpy(other.code, code, sizeof(other.code));
    memcpy(other.in.reg, reg, sizeof(other.in.reg));
    other.to_end = false;
    simulated_put(t->code_at, other.code, t->len);
    simulated_run(&other, out);
    simulated_put(t->code_at, t->code, t->len);
}

static bool is_vex(const struct test *t)
{
    return isa_rows[t->row].map && (t->code[prefixes(t)] & 0xfe) == 0xc4;
}

/* Where ModRM is, if there is one. */
static unsigned opcode_end(const struct test *t)
{
    unsigned first = prefixes(t), map = isa_rows[t->row].map;

    if (is_vex(t))
        return first + (t->code[first] == 0xc4 ? 4 : 3);
    return first + (map > 1 ? 3 : map + 1);
}

/* REX.B or VEX.B: the register in ModRM.rm is one of the upper eight. */
static bool extends_rm(const struct test *t)
{
    unsigned first = prefixes(t);

    if (!t->seg[S_CS]->wide)
        return false;
    if (is_vex(t))
        return t->code[first] == 0xc4 && !(t->code[first + 1] & 0x20);
    return first && (t->code[first - 1] & 0xf1) == 0x41;
}

/* The same test without some prefixes, with another opcode byte. */
static void run_as(const struct test *t, const uint64_t *reg, const char *without, uint8_t opcode, struct state *out)
{
    uint8_t code[sizeof(t->code)];
    unsigned first = prefixes(t), kept = 0, behind = opcode_end(t);

    memset(code, 0x90, sizeof(code));
    for (unsigned n = 0; n < first; n++)
        if (!strchr(without, t->code[n]))
            code[kept++] = t->code[n];
    code[kept] = opcode;
    memcpy(code + kept + 1, t->code + behind, t->len - behind);
    run_code(t, reg, code, out);
}

static bool same_fault(const struct state *a, const struct state *b)
{
    return a->vector >= 0 && a->vector == b->vector && same_error(a, b) && a->cr2 == b->cr2;
}

static bool same_registers(const uint64_t *a, const uint64_t *b) { return !memcmp(a, b, R_COUNT * sizeof(*a)); }

static void step_back(const struct test *t, uint64_t *reg)
{
    const struct isa_row *row = &isa_rows[t->row];
    bool wide = t->seg[S_CS]->wide, rexw = wide && (t->code[prefixes(t) - 1] & 0xf8) == 0x48;
    unsigned bytes = !(row->opcode & 1) ? 1 : rexw ? 8 : (wide || t->seg[S_CS]->big) != has_prefix(t, 0x66) ? 4 : 2;
    bool narrow = !wide && t->seg[S_CS]->big == has_prefix(t, 0x67);
    uint64_t mask = narrow ? 0xffff : wide && !has_prefix(t, 0x67) ? UINT64_MAX : UINT32_MAX;

    *reg = (*reg & ~mask) | ((*reg + (t->in.eflags & EFL_DF ? bytes : 0 - (uint64_t)bytes)) & mask);
}

/* Are the flags those of the last iteration? SDM Vol. 2B, "REP", has a fault restore those of before. */
static bool flags_of_last(const struct test *t, const struct state *native, const struct state *simulated)
{
    uint64_t reg[R_COUNT];
    struct state last;

    if (native->reg[R_CX] == t->in.reg[R_CX] || !same_registers(native->reg, simulated->reg) || native->ip != simulated->ip ||
        (native->vector >= 0 || simulated->vector >= 0 ? !same_fault(native, simulated) : false))
        return false;
    memcpy(reg, native->reg, sizeof(reg));
    step_back(t, &reg[R_DI]);
    if (named(&isa_rows[t->row], "cmps"))
        step_back(t, &reg[R_SI]);
    run_as(t, reg, "\xf2\xf3", isa_rows[t->row].opcode, &last);
    return last.vector < 0 && !((last.eflags ^ native->eflags) & EFL_ARITH);
}

/* Mask elements that the gather did not reach keep their bits, and registers what is above an XMM register. Here, as on Intel's processors,
 * the sign goes all over the element, and zeros come above. */
static bool keep_rest(const struct test *t, struct state *simulated)
{
    const uint8_t *vex = memchr(t->code, 0xc4, t->len);
    unsigned vvvv, dst, size, n = 0;

    if (!vex)
        return false;
    vvvv = ~(unsigned)vex[2] >> 3 & (t->seg[S_CS]->wide ? 15 : 7);
    dst = (vex[4] >> 3 & 7) | (vex[1] & 0x80 ? 0 : 8);
    size = vex[2] & 0x80 ? 8 : 4;
    while (n < 32 && !(simulated->v.ymm[vvvv][n + size - 1] >> 7))
        n += size;
    memcpy(simulated->v.ymm[vvvv] + n, t->in.v.ymm[vvvv] + n, 32 - n); /* the first is where it faulted */
    if (!(vex[2] & 4))
        memcpy(simulated->v.ymm[dst] + 16, t->in.v.ymm[dst] + 16, 16);
    return n < 32;
}

/* #GP(0) for a LOCK before MOV from or to CR0, instead of #UD. */
static bool locked_cr0(const struct test *t, const struct state *native, const struct state *simulated)
{
    const struct isa_row *row = &isa_rows[t->row];

    return row->map == 1 && (row->opcode == 0x20 || row->opcode == 0x22) && has_prefix(t, 0xf0) && !(t->code[prefixes(t) + 2] & 0x38) &&
           simulated->vector == VEC_UD && native->vector == VEC_GP && !native->error && same_registers(native->reg, simulated->reg);
}

/* ---- The stack, outside 64-bit mode ---- */

static unsigned operand_bytes(const struct test *t) { return t->seg[S_CS]->big != has_prefix(t, 0x66) ? 4 : 2; }

static bool moves_segment(const struct test *t, const char *how)
{
    return !t->seg[S_CS]->wide && operand_bytes(t) == 4 && !strncmp(isa_rows[t->row].mnemonic, how, strlen(how));
}

/* POP, PUSH AX: one slot, `above` bytes from the top of the stack. */
static void run_slot(const struct test *t, uint8_t opcode, uint32_t above, struct state *out)
{
    uint64_t reg[R_COUNT], mask = t->seg[S_SS]->big ? UINT32_MAX : 0xffff;

    memcpy(reg, t->in.reg, sizeof(reg));
    reg[R_AX] = 0;
    reg[R_SP] = (reg[R_SP] & ~mask) | ((reg[R_SP] + above) & mask);
    run_as(t, reg, "\xf2\xf3", opcode, out);
}

static bool vex_w_is_ud(const struct test *t)
{
    const struct isa_row *row = &isa_rows[t->row];
    const uint8_t *vex = memchr(t->code, 0xc4, t->len);

    return !t->seg[S_CS]->wide && (named(row, "vpinsrd") || named(row, "vpextrd")) && vex && vex[2] & 0x80;
}

static bool faults(const struct state *s) { return s->vector >= 0 && s->vector != VEC_BP; }

/* An instruction of two bytes, 0Fh and this one, with prefixes that make it as long. */
static void run_as_long(const struct test *t, uint8_t opcode, struct state *out)
{
    uint8_t code[sizeof(t->code)];

    memset(code, 0x66, sizeof(code));
    code[t->len - 2] = 0x0f;
    code[t->len - 1] = opcode;
    run_code(t, t->in.reg, code, out);
}

/* The selector in the lower half of a slot of zeros. */
static void push_segment(const struct test *t, struct state *out)
{
    out->vector = -1;
    if (t->len > 1)
        run_as_long(t, 0xa2, out); /* CPUID: can it be fetched? */
    if (!faults(out))
        run_slot(t, 0x50, 0, out);
    if (faults(out))
        memcpy(out->reg, t->in.reg, sizeof(out->reg));
    else
        simulated_run(t, out);
}

void vendor_run(const struct test *t, struct state *out)
{
    if (moves_segment(t, "push ") && host_rule(HOST_SEGMENT_SLOT))
        push_segment(t, out);
    else if (vex_w_is_ud(t) && host_rule(HOST_VEX_W_UD))
        run_as_long(t, 0x0b, out); /* UD2 */
    else
        simulated_run(t, out);
}

static bool slot_faults_so(const struct test *t, uint8_t opcode, uint32_t above, const struct state *native)
{
    struct state out;

    run_slot(t, opcode, above, &out);
    return same_fault(native, &out) && same_registers(native->reg, t->in.reg);
}

static bool far_return_reads_first(const struct test *t, const struct state *native)
{
    const struct isa_row *row = &isa_rows[t->row];
    bool iret = named(row, "iret");
    unsigned bytes = operand_bytes(t), own = (iret ? 3 : 2) * bytes;
    struct state cs;

    for (unsigned above = 0; above < own; above += bytes)
        if (slot_faults_so(t, 0x58, above, native))
            return true;
    if (!iret && row->opcode == 0xca)
        own += t->code[t->len - 2] | (unsigned)t->code[t->len - 1] << 8;
    run_slot(t, 0x58, bytes, &cs);
    return (cs.reg[R_AX] & 3) != 3 && (slot_faults_so(t, 0x58, own, native) || slot_faults_so(t, 0x58, own + bytes, native));
}

/* Does it fault on the last bytes of 4 GiB of a segment, or on the first, as a masked access may? Without alignment checking, for that has its own fault. */
static bool at_the_end(const struct test *t, const struct state *simulated)
{
    struct test unchecked = *t;
    struct state out = *simulated;

    if (simulated->vector == VEC_AC) {
        unchecked.in.eflags &= ~(uint32_t)EFL_AC;
        simulated_run(&unchecked, &out); /* faults, too, or is none of this */
    }
    for (unsigned s = 0; out.vector == VEC_PF && s < S_COUNT; s++)
        if (t->seg[s] && t->seg[s]->limit == UINT32_MAX && (uint32_t)(out.cr2 - t->seg[s]->base) + 64 < 128)
            return true;
    return false;
}

static bool wraps(const struct test *t, const struct state *native, const struct state *simulated)
{
    return !t->seg[S_CS]->wide && (native->vector == VEC_GP || native->vector == VEC_SS) && !native->error && at_the_end(t, simulated);
}

static bool based_canonical(const struct test *t, const struct state *native, const struct state *simulated)
{
    uint64_t reach = simulated->cr2 + CANONICAL; /* how far above the hole of what is not canonical */

    if (!t->seg[S_CS]->wide || native->vector != VEC_GP || native->error || simulated->vector != VEC_PF)
        return false;
    return (has_prefix(t, 0x64) && reach < t->seg[S_FS]->base) || (has_prefix(t, 0x65) && reach < t->seg[S_GS]->base);
}

/* CMPXCHG16B. LEA of the same operand tells where that is. */
static bool unaligned_on_stack(const struct test *t, const struct state *native, const struct state *simulated)
{
    unsigned first = prefixes(t);
    bool rex_r = first && (t->code[first - 1] & 0xf4) == 0x44;
    struct state lea;

    if (!named(&isa_rows[t->row], "cmpxchg8b") && !named(&isa_rows[t->row], "cmpxchg16b"))
        return false;
    if (!t->seg[S_CS]->wide || native->vector != VEC_GP || native->error || simulated->vector != VEC_SS || (t->code[first + 2] & 0x38) != 0x08)
        return false;
    run_as(t, t->in.reg, "\xf0", 0x8d, &lea);
    return lea.vector < 0 && lea.reg[rex_r ? 9 : 1] % 16;
}

/* MASKMOVQ, MASKMOVDQU: the sign bits of the second register are the mask. */
static bool nothing_selected(const struct test *t, const struct state *native, const struct state *simulated)
{
    unsigned at = opcode_end(t), n = t->code[at] & 7, bytes = has_prefix(t, 0x66) || is_vex(t) ? 16 : 8;
    const uint8_t *mask = t->in.v.ymm[n | (extends_rm(t) ? 8 : 0)];

    if (!strstr(isa_rows[t->row].mnemonic, "maskmovq") && !strstr(isa_rows[t->row].mnemonic, "maskmovdqu"))
        return false;
    if (bytes == 8)
        mask = (const uint8_t *)&t->in.v.significand[n];
    for (unsigned k = 0; k < bytes; k++)
        if (mask[k] & 0x80)
            return false;
    return native->vector == VEC_PF && simulated->vector < 0;
}

/* MXCSR.MM */
static bool loads_mm(const struct test *t, const struct state *native, const struct state *simulated)
{
    return strstr(isa_rows[t->row].mnemonic, "ldmxcsr") && host_has_misalignsse() && native->vector < 0 && simulated->vector == VEC_GP &&
           native->v.mxcsr >> 16 == 2;
}

static bool branches_at_end(const struct test *t, const struct state *native, const struct state *simulated)
{
    const char *name = isa_rows[t->row].mnemonic;
    bool conditional = !strncmp(name, "loop", 4) || (name[0] == 'j' && strncmp(name, "jmp", 3));

    return conditional && !t->seg[S_CS]->wide && (uint32_t)(t->in.ip + t->len - 1) == t->seg[S_CS]->limit && native->vector == VEC_GP && native->error == 0 &&
           same_registers(native->reg, t->in.reg) && native->ip == t->in.ip && simulated->vector < 0;
}

bool vendor_agrees(const struct test *t, const struct state *native, struct state *simulated)
{
    const struct isa_row *row = &isa_rows[t->row];
    struct state out;

    if (wraps(t, native, simulated))
        return host_rule(HOST_WRAPPED);
    if (row->attributes & ISA_STRING && (named(row, "cmps") || named(row, "scas")) && (has_prefix(t, 0xf2) || has_prefix(t, 0xf3)) &&
        flags_of_last(t, native, simulated))
        return host_rule(HOST_REPEATED_COMPARE);
    if (is_gather(row) && same_fault(native, simulated) && keep_rest(t, simulated) && !memcmp(&native->v, &simulated->v, sizeof(native->v)))
        return host_rule(HOST_GATHER_MASK);
    if (named(row, "cmps") && simulated->vector >= 0 && same_registers(native->reg, simulated->reg)) {
        run_as(t, native->reg, "\xf2\xf3", 0xac | (row->opcode & 1), &out); /* LODS */
        return (same_fault(native, &out) || wraps(t, native, &out) || based_canonical(t, native, &out)) && host_rule(HOST_COMPARE_ORDER);
    }
    if (moves_segment(t, "pop ") && slot_faults_so(t, 0x58, 0, native))
        return host_rule(HOST_SEGMENT_SLOT);
    if (moves_segment(t, "push ") && slot_faults_so(t, 0x50, 0, native))
        return host_rule(HOST_SEGMENT_SLOT);
    if (unaligned_on_stack(t, native, simulated))
        return host_rule(HOST_UNALIGNED_STACK);
    if (based_canonical(t, native, simulated))
        return host_rule(HOST_BASED_CANONICAL);
    if (branches_at_end(t, native, simulated))
        return host_rule(HOST_BRANCH_AT_END);
    if (nothing_selected(t, native, simulated))
        return host_rule(HOST_MASKED_NONE);
    if (loads_mm(t, native, simulated))
        return host_rule(HOST_MXCSR_MM);
    if ((named(row, "ret far") || named(row, "iret")) && !t->seg[S_CS]->wide && far_return_reads_first(t, native))
        return host_rule(HOST_FAR_RETURN);
    if (locked_cr0(t, native, simulated) && host_has_altmovcr8())
        return host_rule(HOST_LOCK_MOV_CR0);
    if (named(row, "movsxd") && has_prefix(t, 0x66) && same_registers(native->reg, t->in.reg)) {
        run_as(t, t->in.reg, "\x66", 0x8b, &out); /* MOV */
        return same_fault(native, &out) && host_rule(HOST_MOVSXD_16);
    }
    return false;
}

void vendor_report(void) { host_rules_report(); }
