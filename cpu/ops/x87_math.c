/*
 * x87: operations with two results or two operands that are on the stack anyway, and the transcendental ones.
 */
#include "cpu/ops/x87.h"

/* C2: the operand was out of range, or was reduced only in part. */
static void set_c2(struct cpu_fpu *f, bool c2)
{
    f->sw = (uint16_t)((f->sw & ~FPU_SW_C2) | (c2 ? FPU_SW_C2 : 0));
}

/* Are ST(0) and ST(1) filled? If not, takes the stack fault; masked, ST(`to`) becomes the indefinite and `pop` is done. */
static bool two_operands(struct cpu_fpu *f, unsigned to, bool pop)
{
    if (x87_filled(f, x87_place(f, 0)) && x87_filled(f, x87_place(f, 1)))
        return true;
    if (x87_stack_fault(f, false)) {
        x87_set(f, x87_place(f, to), FP80_INDEFINITE);
        if (pop)
            x87_pop(f);
    }
    return false;
}

/* Is ST(0) filled, and the register above it empty? If not, takes the stack fault; masked, both become the indefinite. */
static bool room_for_two(struct cpu_fpu *f)
{
    bool underflow = !x87_filled(f, x87_place(f, 0));

    if (!underflow && !x87_filled(f, x87_place(f, 7)))
        return true;
    if (x87_stack_fault(f, !underflow)) {
        x87_set(f, x87_place(f, 0), FP80_INDEFINITE);
        x87_push(f, FP80_INDEFINITE);
    }
    return false;
}

/* SDM Vol. 2A, "FSCALE". */
CPU_OP(op_fscale)
{
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);

    x87_wait(cpu, i);
    if (two_operands(f, 0, false)) {
        fp80 r = fp80_scale(&env, f->r[x87_place(f, 0)], f->r[x87_place(f, 1)]);

        if (!(x87_take(f, &env) & X87_DROP))
            f->r[x87_place(f, 0)] = r;
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FXTRACT": the exponent takes the operand's place, the significand is pushed. */
CPU_OP(op_fxtract)
{
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);

    x87_wait(cpu, i);
    if (room_for_two(f)) {
        fp80 exponent, significand = fp80_extract(&env, f->r[x87_place(f, 0)], &exponent);

        if (!(x87_take(f, &env) & X87_DROP)) {
            f->r[x87_place(f, 0)] = exponent;
            x87_push(f, significand);
        }
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

static bool is_nan(fp80 v)
{
    return fp80_classify(v) == FP80_NAN;
}

/* SDM Vol. 2A, "FPREM", "FPREM1": C2 says that there is more to do; else C0, C3, C1 are the quotient's bits 2, 1, 0. Where there is none, C0 and
 * C3 stay. */
static void remainder_bits(struct cpu_fpu *f, bool complete, uint64_t q)
{
    unsigned bits = !complete ? FPU_SW_C2 : (q & 4 ? FPU_SW_C0 : 0) | (q & 2 ? FPU_SW_C3 : 0) | (q & 1 ? FPU_SW_C1 : 0);

    f->sw = (uint16_t)((f->sw & ~(FPU_SW_C0 | FPU_SW_C1 | FPU_SW_C2 | FPU_SW_C3)) | bits);
}

X87_INLINE unsigned remainder_of(struct cpu *cpu, const struct cpu_insn *i, bool nearest)
{
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);

    x87_wait(cpu, i);
    set_c2(f, false);
    if (two_operands(f, 0, false)) {
        uint64_t quotient = 0;
        bool complete = true;
        fp80 r = fp80_remainder(&env, f->r[x87_place(f, 0)], f->r[x87_place(f, 1)], nearest, &complete, &quotient);

        if (!(x87_take(f, &env) & X87_DROP)) {
            f->r[x87_place(f, 0)] = r;
            if (!is_nan(r))
                remainder_bits(f, complete, quotient);
        }
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fprem)  { return remainder_of(cpu, i, false); }
CPU_OP(op_fprem1) { return remainder_of(cpu, i, true); }

/* ---- Transcendental ---- */

/* The result takes ST(1)'s place, and ST(0) is popped. */
#define TO_ST1(name, expression)                                                                                             \
    CPU_OP(op_##name)                                                                                                        \
    {                                                                                                                        \
        struct cpu_fpu *f = &cpu->fpu;                                                                                       \
        struct fp_env env = x87_env(f);                                                                                      \
                                                                                                                             \
        x87_wait(cpu, i);                                                                                                    \
        if (two_operands(f, 1, true)) {                                                                                      \
            fp80 st0 = f->r[x87_place(f, 0)], st1 = f->r[x87_place(f, 1)], r = expression;                                   \
                                                                                                                             \
            if (!(x87_take(f, &env) & X87_DROP)) {                                                                           \
                f->r[x87_place(f, 1)] = r;                                                                                   \
                x87_pop(f);                                                                                                  \
            }                                                                                                                \
        }                                                                                                                    \
        x87_note(cpu, i);                                                                                                    \
        CPU_CONTINUE(cpu, i);                                                                                                \
    }
/* SDM Vol. 2A, "FYL2X", "FYL2XP1", "FPATAN". */
TO_ST1(fyl2x, fp80_yl2x(&env, st0, st1))
TO_ST1(fyl2xp1, fp80_yl2xp1(&env, st0, st1))
TO_ST1(fpatan, fp80_atan2(&env, st1, st0))

/* SDM Vol. 2A, "FSIN", "FCOS": C2 is set when the operand is out of range, and stays as it is. */
X87_INLINE unsigned circular(struct cpu *cpu, const struct cpu_insn *i, fp80 function(struct fp_env *, fp80, bool *))
{
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);
    unsigned top = x87_place(f, 0);

    x87_wait(cpu, i);
    set_c2(f, false);
    if (!x87_filled(f, top)) {
        if (x87_stack_fault(f, false))
            x87_set(f, top, FP80_INDEFINITE);
    } else {
        bool out_of_range = false;
        fp80 r = function(&env, f->r[top], &out_of_range);

        if (!(x87_take(f, &env) & X87_DROP)) {
            set_c2(f, out_of_range);
            f->r[top] = r;
        }
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
CPU_OP(op_fsin) { return circular(cpu, i, fp80_sin); }
CPU_OP(op_fcos) { return circular(cpu, i, fp80_cos); }

/* The results of FPTAN and FSINCOS: `second` is pushed unless the operand was out of range. */
static void two_results(struct cpu_fpu *f, const struct fp_env *env, fp80 first, fp80 second, bool out_of_range)
{
    if (x87_take(f, env) & X87_DROP)
        return;
    set_c2(f, out_of_range);
    if (out_of_range)
        return;
    f->r[x87_place(f, 0)] = first;
    x87_push(f, second);
}

/* SDM Vol. 2A, "FPTAN": 1.0 is pushed; when the result is a NaN, that is. */
CPU_OP(op_fptan)
{
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);

    x87_wait(cpu, i);
    set_c2(f, false);
    if (room_for_two(f)) {
        bool out_of_range = false;
        fp80 r = fp80_tan(&env, f->r[x87_place(f, 0)], &out_of_range);

        two_results(f, &env, r, is_nan(r) ? r : fp80_from_i64(1), out_of_range);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}

/* SDM Vol. 2A, "FSINCOS". C1 is the cosine's. */
CPU_OP(op_fsincos)
{
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);

    x87_wait(cpu, i);
    set_c2(f, false);
    if (room_for_two(f)) {
        bool out_of_range = false;
        fp80 operand = f->r[x87_place(f, 0)], sine = fp80_sin(&env, operand, &out_of_range), cosine;

        env.flags &= (uint8_t)~FP_UP_ROUNDED;
        cosine = fp80_cos(&env, operand, &out_of_range);
        two_results(f, &env, sine, cosine, out_of_range);
    }
    x87_note(cpu, i);
    CPU_CONTINUE(cpu, i);
}
