/*
 * x87: the four operations, comparisons, and the exact operations on ST(0).
 */
#include "cpu/ops/x87.h"

/* ---- FADD, FMUL, FSUB, FSUBR, FDIV, FDIVR: SDM Vol. 2A ---- */

enum operation { ADD, MUL, SUB, SUBR, DIV, DIVR };

/* `b` is the memory operand, or the register that is not the destination. */
X87_INLINE fp80 compute(struct fp_env *env, enum operation op, fp80 a, fp80 b)
{
    switch (op) {
    case ADD: return fp80_add(env, a, b);
    case MUL: return fp80_mul(env, a, b);
    case SUB: return fp80_sub(env, a, b);
    case SUBR: return fp80_sub(env, b, a);
    case DIV: return fp80_div(env, a, b);
    default: return fp80_div(env, b, a);
    }
}

enum source { F32, F64, I16, I32 };

X87_INLINE unsigned source_bytes(enum source s)
{
    return s == F64 ? 8 : s == I16 ? 2 : 4;
}

X87_INLINE fp80 widen(struct fp_env *env, enum source s, uint64_t raw)
{
    switch (s) {
    case F32: return fp80_widen_fp32(env, (uint32_t)raw);
    case F64: return fp80_widen_fp64(env, raw);
    case I16: return fp80_from_i64((int16_t)raw);
    default: return fp80_from_i64((int32_t)raw);
    }
}

/* False: an integer is always widened, another number has to be looked at. */
X87_INLINE bool widen_quick(enum source s, uint64_t raw, fp80 *v)
{
    switch (s) {
    case F32: return x87_widen_f32((uint32_t)raw, v);
    case F64: return x87_widen_f64(raw, v);
    default: *v = widen(NULL, s, raw); return true;
    }
}

/* Has the host's FPU done it? *r may be *a or *b. */
X87_INLINE bool host_did(struct cpu *cpu, enum operation op, const fp80 *a, const fp80 *b, fp80 *r)
{
    struct cpu_fpu *f = &cpu->fpu;
    uint8_t flags;
    bool done;

    switch (op) {
    case ADD: done = fp_host_fp80_add(&cpu->fp_host, f->cw, f->sw, a, b, r, &flags); break;
    case MUL: done = fp_host_fp80_mul(&cpu->fp_host, f->cw, f->sw, a, b, r, &flags); break;
    case SUB: done = fp_host_fp80_sub(&cpu->fp_host, f->cw, f->sw, a, b, r, &flags); break;
    case SUBR: done = fp_host_fp80_sub(&cpu->fp_host, f->cw, f->sw, b, a, r, &flags); break;
    case DIV: done = fp_host_fp80_div(&cpu->fp_host, f->cw, f->sw, a, b, r, &flags); break;
    default: done = fp_host_fp80_div(&cpu->fp_host, f->cw, f->sw, b, a, r, &flags); break;
    }
    if (done)
        x87_took(f, flags);
    return done;
}

/* R`to` op= b by the portable way; true unless an unmasked exception keeps it from being written. */
static __attribute__((noinline)) bool compute_soft(struct cpu_fpu *f, struct fp_env *env, enum operation op, unsigned to, fp80 b)
{
    fp80 r = compute(env, op, f->r[to], b);

    if (x87_take(f, env) & X87_DROP)
        return false;
    x87_put(f, to, r);
    return true;
}

/* ST(0) op= memory. */
#define ARITH_MEM(name, op, source, width)                                                                                   \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        X87_BEGIN();                                                                                                         \
        unsigned top = x87_place(f, 0);                                                                                      \
        uint64_t off, raw = X87_READ(source_bytes(source));                                                                  \
        fp80 b;                                                                                                              \
                                                                                                                             \
        if (X87_RARELY(!x87_filled(f, top))) {                                                                               \
            if (x87_stack_fault(f, false))                                                                                   \
                x87_set(f, top, FP80_INDEFINITE);                                                                            \
        } else if (!widen_quick(source, raw, &b) || !host_did(cpu, op, &f->r[top], &b, &f->r[top])) {                        \
            struct fp_env env;                                                                                               \
                                                                                                                             \
            if (FAST)                                                                                                        \
                return slow_(cpu, i);                                                                                        \
            env = x87_env(f);                                                                                                \
            b = widen(&env, source, raw);                                                                                    \
            compute_soft(f, &env, op, top, b);                                                                               \
        }                                                                                                                    \
        x87_note_memory(cpu, i, off);                                                                                        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    X87_MEM(name, width)

/* `to` op= `by`, both ST(n). */
X87_INLINE unsigned arith(struct cpu *cpu, const struct cpu_insn *i, enum operation op, unsigned to, unsigned by, bool pop)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned a = x87_place(f, to), b = x87_place(f, by);
    bool written = true;

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, a) || !x87_filled(f, b))) {
        written = x87_stack_fault(f, false);
        if (written)
            x87_set(f, a, FP80_INDEFINITE);
    } else if (!host_did(cpu, op, &f->r[a], &f->r[b], &f->r[a])) {
        struct fp_env env = x87_env(f);

        written = compute_soft(f, &env, op, a, f->r[b]);
    }
    if (pop && written)
        x87_pop(f);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

#define ARITH(name, op)                                                                                                      \
    ARITH_MEM(f##name##_f32, op, F32, 32)                                                                                    \
    ARITH_MEM(f##name##_f64, op, F64, 64)                                                                                    \
    ARITH_MEM(f##name##_i16, op, I16, 16)                                                                                    \
    ARITH_MEM(f##name##_i32, op, I32, 32)                                                                                    \
    CPU_OP(op_f##name##_st0_sti) { return arith(cpu, i, op, 0, i->src, false); }                                             \
    CPU_OP(op_f##name##_sti_st0) { return arith(cpu, i, op, i->dst, 0, false); }                                             \
    CPU_OP(op_f##name##p)        { return arith(cpu, i, op, i->dst, 0, true); }
ARITH(add, ADD)
ARITH(mul, MUL)
ARITH(sub, SUB)
ARITH(subr, SUBR)
ARITH(div, DIV)
ARITH(divr, DIVR)

/* ---- Comparisons ---- */

/* SDM Vol. 2A, "FCOM/FCOMP/FCOMPP". */
X87_INLINE unsigned conditions(enum fp_relation r)
{
    return r == FP_LESS ? FPU_SW_C0 : r == FP_EQUAL ? FPU_SW_C3 : r == FP_GREATER ? 0 : FPU_SW_C3 | FPU_SW_C2 | FPU_SW_C0;
}

X87_INLINE void set_conditions(struct cpu_fpu *f, unsigned bits)
{
    f->sw = (uint16_t)((f->sw & ~(FPU_SW_C3 | FPU_SW_C2 | FPU_SW_C0)) | bits);
}

/* ICOMI: EFLAGS, as FCOMI sets them. OF, SF and AF are cleared. */
X87_INLINE void set_relation(struct cpu *cpu, enum fp_relation r, bool icomi)
{
    if (!icomi)
        set_conditions(&cpu->fpu, conditions(r));
    else
        flags_set(cpu, r == FP_LESS ? EFL_CF : r == FP_EQUAL ? EFL_ZF : r == FP_GREATER ? 0 : EFL_ZF | EFL_PF | EFL_CF);
}

/* The comparison's end. After an unmasked exception nothing is popped; the condition codes are written all the same, whatever the SDM says:
 * Intel processors do. */
X87_INLINE void compared(struct cpu *cpu, bool done, enum fp_relation r, bool icomi, unsigned pops)
{
    set_relation(cpu, r, icomi);
    if (done && pops > 0)
        x87_pop(&cpu->fpu);
    if (done && pops > 1)
        x87_pop(&cpu->fpu);
}

#define COMPARE_MEM(name, source, width, pops)                                                                               \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        X87_BEGIN();                                                                                                         \
        unsigned top = x87_place(f, 0);                                                                                      \
        uint64_t off, raw = X87_READ(source_bytes(source));                                                                  \
        enum fp_relation r;                                                                                                  \
        fp80 b;                                                                                                              \
                                                                                                                             \
        if (X87_RARELY(!x87_filled(f, top))) {                                                                               \
            compared(cpu, x87_stack_fault(f, false), FP_UNORDERED, false, pops);                                             \
        } else if (widen_quick(source, raw, &b) && fp_host_fp80_compare(&cpu->fp_host, f->cw, &f->r[top], &b, false, &r)) {  \
            x87_c1(f, false);                                                                                                \
            compared(cpu, true, r, false, pops);                                                                             \
        } else if (FAST) {                                                                                                   \
            return slow_(cpu, i);                                                                                            \
        } else {                                                                                                             \
            struct fp_env env = x87_env(f);                                                                                  \
                                                                                                                             \
            b = widen(&env, source, raw);                                                                                    \
            r = fp80_compare(&env, f->r[top], b, false);                                                                     \
            compared(cpu, !x87_take(f, &env), r, false, pops);                                                               \
        }                                                                                                                    \
        x87_note_memory(cpu, i, off);                                                                                        \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    X87_MEM(name, width)
COMPARE_MEM(fcom_f32, F32, 32, 0)
COMPARE_MEM(fcomp_f32, F32, 32, 1)
COMPARE_MEM(fcom_f64, F64, 64, 0)
COMPARE_MEM(fcomp_f64, F64, 64, 1)
COMPARE_MEM(fcom_i16, I16, 16, 0)
COMPARE_MEM(fcomp_i16, I16, 16, 1)
COMPARE_MEM(fcom_i32, I32, 32, 0)
COMPARE_MEM(fcomp_i32, I32, 32, 1)

/* `quiet`: a quiet NaN is no invalid operand (FUCOM). FCOMI leaves C1 alone, but for stack faults. */
X87_INLINE unsigned compare(struct cpu *cpu, const struct cpu_insn *i, unsigned with, bool quiet, bool icomi, unsigned pops)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned a = x87_place(f, 0), b = x87_place(f, with);
    enum fp_relation r;

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, a) || !x87_filled(f, b))) {
        compared(cpu, x87_stack_fault(f, false), FP_UNORDERED, icomi, pops);
    } else if (fp_host_fp80_compare(&cpu->fp_host, f->cw, &f->r[a], &f->r[b], quiet, &r)) {
        if (!icomi)
            x87_c1(f, false);
        compared(cpu, true, r, icomi, pops);
    } else {
        struct fp_env env = x87_env(f);
        bool c1 = icomi && f->sw & FPU_SW_C1, done;

        r = fp80_compare(&env, f->r[a], f->r[b], quiet);
        done = !x87_take(f, &env);
        x87_c1(f, c1);
        compared(cpu, done, r, icomi, pops);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fcom)    { return compare(cpu, i, i->src, false, false, 0); }
CPU_OP(op_fcomp)   { return compare(cpu, i, i->src, false, false, 1); }
CPU_OP(op_fcompp)  { return compare(cpu, i, 1, false, false, 2); }
CPU_OP(op_fucom)   { return compare(cpu, i, i->src, true, false, 0); }
CPU_OP(op_fucomp)  { return compare(cpu, i, i->src, true, false, 1); }
CPU_OP(op_fucompp) { return compare(cpu, i, 1, true, false, 2); }
/* SDM Vol. 2A, "FCOMI/FCOMIP/FUCOMI/FUCOMIP". */
CPU_OP(op_fcomi)   { return compare(cpu, i, i->src, false, true, 0); }
CPU_OP(op_fcomip)  { return compare(cpu, i, i->src, false, true, 1); }
CPU_OP(op_fucomi)  { return compare(cpu, i, i->src, true, true, 0); }
CPU_OP(op_fucomip) { return compare(cpu, i, i->src, true, true, 1); }

/* SDM Vol. 2A, "FTST". */
CPU_OP(op_ftst)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0);

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, top))) {
        compared(cpu, x87_stack_fault(f, false), FP_UNORDERED, false, 0);
    } else {
        struct fp_env env = x87_env(f);
        enum fp_relation r = fp80_compare(&env, f->r[top], (fp80){ 0, 0 }, false);

        compared(cpu, !x87_take(f, &env), r, false, 0);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FXAM": an empty register has a sign, too. */
CPU_OP(op_fxam)
{
    static const uint16_t codes[] = {
        [FP80_ZERO] = FPU_SW_C3, [FP80_NORMAL] = FPU_SW_C2, [FP80_DENORMAL] = FPU_SW_C3 | FPU_SW_C2,
        [FP80_INFINITY] = FPU_SW_C2 | FPU_SW_C0, [FP80_NAN] = FPU_SW_C0, [FP80_UNSUPPORTED] = 0
    };
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0);

    x87_wait(cpu, i);
    x87_c1(f, f->r[top].se >> 15);
    set_conditions(f, x87_filled(f, top) ? codes[fp80_classify(f->r[top])] : FPU_SW_C3 | FPU_SW_C0);
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* ---- ST(0) alone ---- */

/* SDM Vol. 2A, "FCHS", "FABS": any pattern will do. */
X87_INLINE unsigned sign(struct cpu *cpu, const struct cpu_insn *i, uint16_t keep, uint16_t flip)
{
    struct cpu_fpu *f = &cpu->fpu;
    unsigned top = x87_place(f, 0);

    x87_wait(cpu, i);
    if (X87_RARELY(!x87_filled(f, top))) {
        if (x87_stack_fault(f, false))
            x87_set(f, top, FP80_INDEFINITE);
    } else {
        x87_c1(f, false);
        f->r[top].se = (uint16_t)((f->r[top].se & keep) ^ flip);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fchs) { return sign(cpu, i, 0xffff, 0x8000); }
CPU_OP(op_fabs) { return sign(cpu, i, 0x7fff, 0); }

X87_INLINE bool host_sqrt(struct cpu *cpu, unsigned top)
{
    struct cpu_fpu *f = &cpu->fpu;
    uint8_t flags;

    if (!fp_host_fp80_sqrt(&cpu->fp_host, f->cw, f->sw, &f->r[top], &f->r[top], &flags))
        return false;
    x87_took(f, flags);
    return true;
}

#define UNARY(name, function, quick)                                                                                              \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        struct cpu_fpu *f = &cpu->fpu;                                                                                       \
        unsigned top = x87_place(f, 0);                                                                                      \
                                                                                                                             \
        x87_wait(cpu, i);                                                                                                    \
        if (X87_RARELY(!x87_filled(f, top))) {                                                                               \
            if (x87_stack_fault(f, false))                                                                                   \
                x87_set(f, top, FP80_INDEFINITE);                                                                            \
        } else if (!(quick)) {                                                                                               \
            struct fp_env env = x87_env(f);                                                                                  \
            fp80 r = function(&env, f->r[top]);                                                                              \
                                                                                                                             \
            if (!(x87_take(f, &env) & X87_DROP))                                                                             \
                f->r[top] = r;                                                                                               \
        }                                                                                                                    \
        x87_note(cpu, i);                                                                                                    \
        CPU_CONTINUE(cpu, i);                                                                                                \
    }
/* SDM Vol. 2A, "FSQRT", "FRNDINT", "F2XM1". */
UNARY(fsqrt, fp80_sqrt, host_sqrt(cpu, top))
UNARY(frndint, fp80_round, false)
UNARY(f2xm1, fp80_2xm1, false)
