/*
 * What the bodies of x87 instructions share.
 *
 * The order within one: wait for a pending exception; read memory; look for stack faults; compute; take the exceptions; write memory;
 * registers, tags and TOP; note the instruction as the last one. An exception that keeps its result from being written still counts as
 * done: the fault comes with the next instruction that waits. SDM Vol. 1, "Programming with the x87 FPU".
 *
 * Templated bodies (X87_MEM) have instances for flat memory, which go to the EA_ANY one for whatever is rare: a pending exception, a stack
 * fault, a miss in the fast table.
 */
#ifndef LIBSIM_CPU_OPS_X87_H
#define LIBSIM_CPU_OPS_X87_H

#include "cpu/exec.h"
#include "cpu/fpu.h"

#define X87_INLINE static inline __attribute__((always_inline))
#define X87_RARELY(x) __builtin_expect(!!(x), 0)

/* ---- Templates: one function for each address kind; the operand size is the body's own ---- */

#define X87_FNS_(name, ea, width) [EA_##ea] = { NULL, name##_M_##ea##_##width, name##_M_##ea##_##width, name##_M_##ea##_##width }
#define X87_MEM(name, width)                                                                                                 \
    CPU_INSTANCES_FLAT(name, M, width)                                                                                       \
    CPU_HANDLERS(name, [FORM_M] = { X87_FNS_(name, ANY, width) X87_COMMA_ X87_FNS_(name, FLAT, width) X87_COMMA_ X87_FNS_(name, LONG, width) })
#define X87_COMMA_ ,

/* First in a body. */
#define X87_BEGIN()                                                                                                          \
    struct cpu_fpu *f = &cpu->fpu;                                                                                           \
    if (X87_RARELY(f->sw & FPU_SW_ES)) {                                                                                     \
        if (FAST)                                                                                                            \
            return slow_(cpu, i);                                                                                            \
        fpu_check_pending(cpu, i);                                                                                           \
    }                                                                                                                        \
    (void)slow_

/* Reads the memory operand of 2, 4 or 8 bytes; its offset goes to `off`. */
#define X87_READ(size) (FAST ? ({ off = FLAT_OPERAND(); FLAT_READ(off, (size)); }) : x87_read(cpu, i, (size), &off))

X87_INLINE uint64_t x87_read(struct cpu *cpu, const struct cpu_insn *i, unsigned size, uint64_t *off)
{
    *off = mem_offset(cpu, i);
    return mem_read(cpu, i, mem_segment(cpu, i, i->seg, *off, size, MEM_READ), size);
}

/* Linear address of an operand whose size is no power of two; `size` bytes, to be aligned to `unit` where that is checked: SDM Vol. 3A,
 * "Alignment requirements by data type". */
X87_INLINE sim_laddr x87_operand(struct cpu *cpu, const struct cpu_insn *i, uint64_t off, unsigned size, unsigned unit, enum mem_access access)
{
    sim_laddr laddr = mem_segment(cpu, i, i->seg, off, size, access);

    if (X87_RARELY(cpu->eflags & EFL_AC && cpu->cr0 & CR0_AM && cpu->cpl == 3)) {
        if (access == MEM_READ)
            mem_probe_read(cpu, i, laddr, unit);
        else
            mem_probe_write(cpu, i, laddr, unit);
    }
    return laddr;
}
enum { X87_UNIT_TEN = 8 };

/* First in an instruction that is not templated. */
X87_INLINE void x87_wait(struct cpu *cpu, const struct cpu_insn *i)
{
    if (X87_RARELY(cpu->fpu.sw & FPU_SW_ES))
        fpu_check_pending(cpu, i);
}

/* ---- The stack ---- */

/* The physical register of ST(n). */
X87_INLINE unsigned x87_place(const struct cpu_fpu *f, unsigned n)
{
    return ((f->sw >> FPU_TOP_SHIFT) + n) & 7;
}

X87_INLINE bool x87_filled(const struct cpu_fpu *f, unsigned place)
{
    return f->valid >> place & 1;
}

/* By its two members: a copy of all 16 bytes would wait for the stores of both to arrive in the cache. */
X87_INLINE void x87_put(struct cpu_fpu *f, unsigned place, fp80 v)
{
    f->r[place].mant = v.mant;
    f->r[place].se = v.se;
}

X87_INLINE void x87_set(struct cpu_fpu *f, unsigned place, fp80 v)
{
    x87_put(f, place, v);
    f->valid |= (uint8_t)(1u << place);
}

X87_INLINE void x87_turn(struct cpu_fpu *f, int by)
{
    f->sw = (uint16_t)((f->sw & ~FPU_SW_TOP) | (((unsigned)f->sw + ((unsigned)by << FPU_TOP_SHIFT)) & FPU_SW_TOP));
}

X87_INLINE void x87_push(struct cpu_fpu *f, fp80 v)
{
    x87_turn(f, -1);
    x87_set(f, x87_place(f, 0), v);
}

X87_INLINE void x87_pop(struct cpu_fpu *f)
{
    f->valid &= (uint8_t)~(1u << x87_place(f, 0));
    x87_turn(f, 1);
}

/* ---- Exceptions ---- */

X87_INLINE struct fp_env x87_env(const struct cpu_fpu *f)
{
    /* PC: 01 is reserved; processors take it for 11. */
    unsigned pc = f->cw >> 8 & 3;

    return (struct fp_env){ .rounding = f->cw >> 10 & 3, .masked = f->cw & FP_ALL, .precision = pc == 0 ? 24 : pc == 2 ? 53 : 64 };
}

X87_INLINE void x87_raise(struct cpu_fpu *f, unsigned flags)
{
    unsigned sw = f->sw | (flags & FP_ALL);

    f->sw = (uint16_t)(flags & ~f->cw & FP_ALL ? sw | FPU_SW_ES | FPU_SW_B : sw);
}

X87_INLINE void x87_c1(struct cpu_fpu *f, bool c1)
{
    f->sw = (uint16_t)((f->sw & ~FPU_SW_C1) | (c1 ? FPU_SW_C1 : 0));
}

/* Takes what an operation collected: C1 tells whether it rounded up. Returns the unmasked exceptions; those of X87_DROP keep the result from
 * being written to a register, all but FP_PE from being written to memory. */
enum { X87_DROP = FP_IE | FP_DE | FP_ZE };
X87_INLINE unsigned x87_take(struct cpu_fpu *f, const struct fp_env *env)
{
    unsigned flags = fp_raised(env), unmasked = flags & ~f->cw & FP_ALL;
    unsigned sw = (f->sw & ~(unsigned)FPU_SW_C1) | (flags & FP_ALL) | (flags & FP_UP_ROUNDED ? FPU_SW_C1 : 0);

    f->sw = (uint16_t)(unmasked ? sw | FPU_SW_ES | FPU_SW_B : sw);
    return unmasked;
}

/* Likewise of an operation that collected nothing but masked FP_PE. */
X87_INLINE void x87_took(struct cpu_fpu *f, unsigned flags)
{
    f->sw = (uint16_t)((f->sw & ~(unsigned)FPU_SW_C1) | (flags & FP_PE) | (flags & FP_UP_ROUNDED ? FPU_SW_C1 : 0));
}

/* Stack fault: SDM Vol. 1, "Stack overflow or underflow exception (#IS)". True when it is masked, and the indefinite takes the result's
 * place. */
X87_INLINE bool x87_stack_fault(struct cpu_fpu *f, bool overflow)
{
    x87_c1(f, overflow);
    f->sw |= FPU_SW_SF;
    x87_raise(f, FP_IE);
    return f->cw & FP_IE;
}

/* ---- What needs no second look: normal numbers and zeros, in the commonest rounding ---- */

/* False: it is another kind of number. */
X87_INLINE bool x87_widen_f64(uint64_t raw, fp80 *v)
{
    unsigned exp = raw >> 52 & 0x7ff;

    if (X87_RARELY(exp - 1 >= 0x7fe)) {
        *v = (fp80){ 0, (uint16_t)(raw >> 48) };
        return !(raw << 1);
    }
    *v = (fp80){ raw << 11 | 1ull << 63, (uint16_t)((raw >> 48 & 0x8000) | (exp + 0x3c00)) };
    return true;
}

X87_INLINE bool x87_widen_f32(uint32_t raw, fp80 *v)
{
    unsigned exp = raw >> 23 & 0xff;

    if (X87_RARELY(exp - 1 >= 0xfe)) {
        *v = (fp80){ 0, (uint16_t)(raw >> 16) };
        return !(uint32_t)(raw << 1);
    }
    *v = (fp80){ (uint64_t)raw << 40 | 1ull << 63, (uint16_t)((raw >> 16 & 0x8000) | (exp + 0x3f80)) };
    return true;
}

/* To `bits` of fraction and an exponent up to `emax`, to nearest, FP_PE masked. False: not so, or the result might not be normal. */
X87_INLINE bool x87_narrow(const struct cpu_fpu *f, fp80 v, unsigned bits, unsigned emax, uint64_t *raw, unsigned *flags)
{
    unsigned exp = (v.se & 0x7fff) - (0x3fff - emax / 2), cut = 63 - bits;
    uint64_t rest = v.mant & ((1ull << cut) - 1), half = 1ull << (cut - 1), sign = (uint64_t)(v.se >> 15) << (bits + (emax == 0xff ? 8 : 11));
    bool up = rest > half || (rest == half && v.mant >> cut & 1);

    if (X87_RARELY((f->cw & (0xc00 | FP_PE)) != FP_PE))
        return false;
    if (X87_RARELY(exp - 1 >= emax - 2 || !(v.mant >> 63))) {
        *raw = sign;
        *flags = 0;
        return !(v.se & 0x7fff) && !v.mant;
    }
    *raw = sign + ((uint64_t)(exp - 1) << bits) + (v.mant >> cut) + up;
    *flags = (rest ? FP_PE : 0) | (up ? FP_UP_ROUNDED : 0);
    return true;
}

/* ---- The last instruction: SDM Vol. 1, "x87 FPU instruction and data (operand) pointers" ---- */

X87_INLINE void x87_note(struct cpu *cpu, const struct cpu_insn *i)
{
    cpu->fpu.fip = CPU_INSN_IP(cpu, i);
    cpu->fpu.fcs = cpu->seg[CPU_CS].selector;
    cpu->fpu.fop = (uint16_t)i->imm;
}

/* `off`: of the memory operand. */
X87_INLINE void x87_note_memory(struct cpu *cpu, const struct cpu_insn *i, uint64_t off)
{
    x87_note(cpu, i);
    cpu->fpu.fdp = off;
    cpu->fpu.fds = cpu->seg[i->seg].selector;
}

#endif
