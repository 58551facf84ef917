/*
 * x87: loads, constants, and moves within the register stack.
 */
#include "cpu/ops/x87.h"

/* Pushes `value`; nothing of it can fail but for the stack, and what `env` has collected. */
X87_INLINE void push_checked(struct cpu_fpu *f, const struct fp_env *env, fp80 value)
{
    if (X87_RARELY(x87_filled(f, x87_place(f, 7)))) {
        if (x87_stack_fault(f, true))
            x87_push(f, FP80_INDEFINITE);
    } else if (!(x87_take(f, env) & FP_IE)) { /* an unmasked denormal is pushed: cpu/fp/fp.h */
        x87_push(f, value);
    }
}

/* ---- FLD, FILD, FBLD ---- */

/* SDM Vol. 2A, "FLD". */
#define FLD(name, type, width, widen, convert)                                                                               \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        X87_BEGIN();                                                                                                         \
        uint64_t off;                                                                                                        \
        type raw = (type)X87_READ(sizeof(type));                                                                             \
        fp80 v;                                                                                                              \
                                                                                                                             \
        if (!X87_RARELY(x87_filled(f, x87_place(f, 7))) && widen(raw, &v)) {                                                 \
            x87_c1(f, false);                                                                                                \
            x87_push(f, v);                                                                                                  \
        } else if (FAST) {                                                                                                   \
            return slow_(cpu, i);                                                                                            \
        } else {                                                                                                             \
            struct fp_env env = x87_env(f);                                                                                  \
                                                                                                                             \
            v = convert(&env, raw);                                                                                          \
            push_checked(f, &env, v);                                                                                        \
        }                                                                                                                    \
        x87_note_memory(cpu, i, off);                                                                                        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    X87_MEM(name, width)
FLD(fld_f32, uint32_t, 32, x87_widen_f32, fp80_from_fp32)
FLD(fld_f64, uint64_t, 64, x87_widen_f64, fp80_from_fp64)

/* Ten bytes, in whatever memory. */
static fp80 read_fp80(struct cpu *cpu, const struct cpu_insn *i, uint64_t *off)
{
    uint8_t bytes[10];
    fp80 v;

    *off = mem_offset(cpu, i);
    mem_read_bytes(cpu, i, x87_operand(cpu, i, *off, 10, X87_UNIT_TEN, MEM_READ), bytes, 10);
    memcpy(&v.mant, bytes, 8);
    memcpy(&v.se, bytes + 8, 2);
    return v;
}

/* No conversion, and so no exception: a signalling NaN stays one. */
CPU_BODY(fld_f80)
{
    X87_BEGIN();
    struct fp_env env = x87_env(f);
    uint64_t off;
    fp80 v;

    if (FAST) {
        const uint8_t *host;

        off = FLAT_OPERAND();
        host = FLAT_HOST(fast_read, off, 10);
        memcpy(&v.mant, host, 8);
        memcpy(&v.se, host + 8, 2);
    } else {
        v = read_fp80(cpu, i, &off);
    }
    push_checked(f, &env, v);
    x87_note_memory(cpu, i, off);
    CONTINUE;
}
X87_MEM(fld_f80, 80)

/* SDM Vol. 2A, "FILD". */
#define FILD(name, type, width)                                                                                              \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        X87_BEGIN();                                                                                                         \
        struct fp_env env = x87_env(f);                                                                                      \
        uint64_t off;                                                                                                        \
        type v = (type)X87_READ(sizeof(type));                                                                               \
                                                                                                                             \
        push_checked(f, &env, fp80_from_i64(v));                                                                             \
        x87_note_memory(cpu, i, off);                                                                                        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    X87_MEM(name, width)
FILD(fild_i16, int16_t, 16)
FILD(fild_i32, int32_t, 32)
FILD(fild_i64, int64_t, 64)

/* SDM Vol. 2A, "FBLD". */
CPU_OP(op_fbld)
{
    struct fp_env env = x87_env(&cpu->fpu);
    uint8_t bcd[10];
    uint64_t off;

    x87_wait(cpu, i);
    off = mem_offset(cpu, i);
    mem_read_bytes(cpu, i, x87_operand(cpu, i, off, 10, X87_UNIT_TEN, MEM_READ), bcd, 10);
    push_checked(&cpu->fpu, &env, fp80_from_bcd(bcd));
    x87_note_memory(cpu, i, off);
    CPU_CONTINUE(cpu, i);
}

/* ---- Within the stack ---- */

/* FLD ST(i): the source is looked at first. */
CPU_OP(op_fld_sti)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned place = x87_place(f, i->dst);
    bool overflow = x87_filled(f, x87_place(f, 7)), underflow = !x87_filled(f, place);

    x87_wait(cpu, i);
    if (X87_RARELY(overflow || underflow)) {
        if (x87_stack_fault(f, !underflow))
            x87_push(f, FP80_INDEFINITE);
    } else {
        x87_c1(f, false);
        x87_push(f, f->r[place]);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

X87_INLINE unsigned fst_sti(struct cpu *cpu, const struct cpu_insn *i, bool pop)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0), to = x87_place(f, i->dst);
    bool write = true;

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, top))) {
        write = x87_stack_fault(f, false);
        if (write)
            x87_set(f, to, FP80_INDEFINITE);
    } else {
        x87_c1(f, false);
        x87_set(f, to, f->r[top]);
    }
    if (pop && write)
        x87_pop(f);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FST/FSTP". */
CPU_OP(op_fst_sti)  { return fst_sti(cpu, i, false); }
CPU_OP(op_fstp_sti) { return fst_sti(cpu, i, true); }

/* D9 D8+i, undocumented: FSTP ST(i), which only pops when ST(0) is empty. */
CPU_OP(op_fstpnce)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0);

    x87_wait(cpu, i);
    x87_c1(f, false);
    if (x87_filled(f, top))
        x87_set(f, x87_place(f, i->dst), f->r[top]);
    x87_pop(f);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FXCH". Masked, an empty register counts as the indefinite. */
CPU_OP(op_fxch)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0), other = x87_place(f, i->dst);
    bool exchange = true;

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, top) || !x87_filled(f, other))) {
        exchange = x87_stack_fault(f, false);
        if (exchange && !x87_filled(f, top))
            x87_set(f, top, FP80_INDEFINITE);
        if (exchange && !x87_filled(f, other))
            x87_set(f, other, FP80_INDEFINITE);
    } else {
        x87_c1(f, false);
    }
    if (exchange) {
        fp80 v = f->r[top];

        x87_put(f, top, f->r[other]);
        x87_put(f, other, v);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FCMOVcc". Both registers must be filled, moved or not. C1 stays. */
X87_INLINE unsigned fcmov(struct cpu *cpu, const struct cpu_insn *i, bool move)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0), from = x87_place(f, i->src);

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, top) || !x87_filled(f, from))) {
        if (x87_stack_fault(f, false))
            x87_set(f, top, FP80_INDEFINITE);
    } else if (move) {
        x87_put(f, top, f->r[from]);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fcmovb)   { return fcmov(cpu, i, flags_cond(cpu, 2)); }
CPU_OP(op_fcmovnb)  { return fcmov(cpu, i, flags_cond(cpu, 3)); }
CPU_OP(op_fcmove)   { return fcmov(cpu, i, flags_cond(cpu, 4)); }
CPU_OP(op_fcmovne)  { return fcmov(cpu, i, flags_cond(cpu, 5)); }
CPU_OP(op_fcmovbe)  { return fcmov(cpu, i, flags_cond(cpu, 6)); }
CPU_OP(op_fcmovnbe) { return fcmov(cpu, i, flags_cond(cpu, 7)); }
CPU_OP(op_fcmovu)   { return fcmov(cpu, i, flags_cond(cpu, 10)); }
CPU_OP(op_fcmovnu)  { return fcmov(cpu, i, flags_cond(cpu, 11)); }

/* ---- Constants: SDM Vol. 2A, "FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/FLDLN2/FLDZ" ---- */

X87_INLINE unsigned constant(struct cpu *cpu, const struct cpu_insn *i, enum fp80_constant which)
{
    struct fp_env env = x87_env(&cpu->fpu);

    x87_wait(cpu, i);
    push_checked(&cpu->fpu, &env, fp80_constant(&env, which));
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fld1)   { return constant(cpu, i, FP80_ONE); }
CPU_OP(op_fldl2t) { return constant(cpu, i, FP80_L2T); }
CPU_OP(op_fldl2e) { return constant(cpu, i, FP80_L2E); }
CPU_OP(op_fldpi)  { return constant(cpu, i, FP80_PI); }
CPU_OP(op_fldlg2) { return constant(cpu, i, FP80_LG2); }
CPU_OP(op_fldln2) { return constant(cpu, i, FP80_LN2); }
CPU_OP(op_fldz)   { return constant(cpu, i, FP80_ZERO_CONSTANT); }

/* ---- Tags and TOP ---- */

/* SDM Vol. 2A, "FINCSTP", "FDECSTP": tags stay. */
X87_INLINE unsigned turn(struct cpu *cpu, const struct cpu_insn *i, int by)
{
    x87_wait(cpu, i);
    x87_c1(&cpu->fpu, false);
    x87_turn(&cpu->fpu, by);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fincstp) { return turn(cpu, i, 1); }
CPU_OP(op_fdecstp) { return turn(cpu, i, -1); }

/* SDM Vol. 2A, "FFREE". FFREEP (DF C0+i) is undocumented, and pops too. */
CPU_OP(op_ffree)
{
    struct cpu_fpu *f = &cpu->fpu;

    x87_wait(cpu, i);
    x87_c1(f, false);
    f->valid &= (uint8_t)~(1u << x87_place(f, i->dst));
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_ffreep)
{
    struct cpu_fpu *f = &cpu->fpu;

    x87_wait(cpu, i);
    x87_c1(f, false);
    f->valid &= (uint8_t)~(1u << x87_place(f, i->dst));
    x87_pop(f);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

CPU_OP(op_fnop)
{
    x87_wait(cpu, i);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
