/*
 * x87: stores to memory. What an unmasked exception other than FP_PE keeps from being written is not even looked at: no fault comes
 * of its address.
 */
#include "cpu/ops/x87.h"

X87_INLINE void write_memory(struct cpu *cpu, const struct cpu_insn *i, uint64_t off, unsigned size, uint64_t raw)
{
    mem_write(cpu, i, mem_segment(cpu, i, i->seg, off, size, MEM_WRITE), size, raw);
}

/* The end of a store that was made, or was not. `pop` only when it was. */
X87_INLINE void stored(struct cpu *cpu, const struct cpu_insn *i, uint64_t off, bool pop)
{
    if (pop)
        x87_pop(&cpu->fpu);
    x87_note_memory(cpu, i, off);
}

/* ST(0) is empty: masked, the indefinite is written. */
static __attribute__((noinline)) void store_empty(struct cpu *cpu, const struct cpu_insn *i, unsigned size, uint64_t indefinite, bool pop)
{
    struct cpu_fpu *f = &cpu->fpu;
    uint64_t off = mem_offset(cpu, i);
    bool masked = f->cw & FP_IE;

    if (masked)
        write_memory(cpu, i, off, size, indefinite);
    x87_stack_fault(f, false);
    stored(cpu, i, off, masked && pop);
}

#define HOST(width)                                                                                                          \
    X87_INLINE bool host_i##width(struct cpu *cpu, unsigned top, uint64_t *raw, unsigned *flags)                             \
    {                                                                                                                        \
        const struct cpu_fpu *f = &cpu->fpu;                                                                                 \
        int##width##_t v;                                                                                                    \
        uint8_t met;                                                                                                         \
                                                                                                                             \
        if (!fp_host_fp80_to_i##width(&cpu->fp_host, f->cw, f->sw, &f->r[top], &v, &met))                                    \
            return false;                                                                                                    \
        *raw = (uint##width##_t)v;                                                                                           \
        *flags = met;                                                                                                        \
        return true;                                                                                                         \
    }
HOST(16)
HOST(32)
HOST(64)

/* `quick` gives raw and flags, or is false. */
#define STORE(name, type, width, quick, convert, indefinite, truncate, pop)                                                       \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        X87_BEGIN();                                                                                                         \
        unsigned top = x87_place(f, 0), flags;                                                                               \
        uint64_t off, raw;                                                                                                   \
                                                                                                                             \
        if (X87_RARELY(!x87_filled(f, top))) {                                                                               \
            if (FAST)                                                                                                        \
                return slow_(cpu, i);                                                                                        \
            store_empty(cpu, i, BYTES, (indefinite), (pop));                                                                 \
            CONTINUE;                                                                                                        \
        }                                                                                                                    \
        off = FAST ? FLAT_OPERAND() : mem_offset(cpu, i);                                                                    \
        if (quick) {                                                                                                         \
            if (FAST)                                                                                                        \
                FLAT_WRITE(off, BYTES, raw);                                                                                 \
            else                                                                                                             \
                write_memory(cpu, i, off, BYTES, raw);                                                                       \
            x87_took(f, flags);                                                                                              \
            stored(cpu, i, off, (pop));                                                                                      \
        } else if (FAST) {                                                                                                   \
            return slow_(cpu, i);                                                                                            \
        } else {                                                                                                             \
            struct fp_env env = x87_env(f);                                                                                  \
            bool write;                                                                                                      \
                                                                                                                             \
            if (truncate)                                                                                                    \
                env.rounding = FP_TOWARD_ZERO;                                                                               \
            raw = (type)convert(&env, f->r[top]);                                                                            \
            write = !(fp_raised(&env) & ~f->cw & FP_ALL & ~FP_PE);                                                           \
            if (write)                                                                                                       \
                write_memory(cpu, i, off, BYTES, raw);                                                                       \
            x87_take(f, &env);                                                                                               \
            stored(cpu, i, off, write && (pop));                                                                             \
        }                                                                                                                    \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    X87_MEM(name, width)

/* SDM Vol. 2A, "FST/FSTP". */
STORE(fst_f32, uint32_t, 32, x87_narrow(f, f->r[top], 23, 0xff, &raw, &flags), fp32_from_fp80, FP32_INDEFINITE, false, false)
STORE(fstp_f32, uint32_t, 32, x87_narrow(f, f->r[top], 23, 0xff, &raw, &flags), fp32_from_fp80, FP32_INDEFINITE, false, true)
STORE(fst_f64, uint64_t, 64, x87_narrow(f, f->r[top], 52, 0x7ff, &raw, &flags), fp64_from_fp80, FP64_INDEFINITE, false, false)
STORE(fstp_f64, uint64_t, 64, x87_narrow(f, f->r[top], 52, 0x7ff, &raw, &flags), fp64_from_fp80, FP64_INDEFINITE, false, true)

/* SDM Vol. 2A, "FIST/FISTP", "FISTTP". */
STORE(fist_i16, uint16_t, 16, host_i16(cpu, top, &raw, &flags), fp80_to_i16, 1ull << 15, false, false)
STORE(fistp_i16, uint16_t, 16, host_i16(cpu, top, &raw, &flags), fp80_to_i16, 1ull << 15, false, true)
STORE(fisttp_i16, uint16_t, 16, (flags = 0, raw = 0, false), fp80_to_i16, 1ull << 15, true, true)
STORE(fist_i32, uint32_t, 32, host_i32(cpu, top, &raw, &flags), fp80_to_i32, 1ull << 31, false, false)
STORE(fistp_i32, uint32_t, 32, host_i32(cpu, top, &raw, &flags), fp80_to_i32, 1ull << 31, false, true)
STORE(fisttp_i32, uint32_t, 32, (flags = 0, raw = 0, false), fp80_to_i32, 1ull << 31, true, true)
STORE(fistp_i64, uint64_t, 64, host_i64(cpu, top, &raw, &flags), fp80_to_i64, 1ull << 63, false, true)
STORE(fisttp_i64, uint64_t, 64, (flags = 0, raw = 0, false), fp80_to_i64, 1ull << 63, true, true)

/* ---- Ten bytes ---- */

static void write_ten(struct cpu *cpu, const struct cpu_insn *i, uint64_t off, const uint8_t bytes[10])
{
    mem_write_bytes(cpu, i, x87_operand(cpu, i, off, 10, X87_UNIT_TEN, MEM_WRITE), bytes, 10);
}

static void bytes_of(fp80 v, uint8_t bytes[10])
{
    memcpy(bytes, &v.mant, 8);
    memcpy(bytes + 8, &v.se, 2);
}

/* FSTP m80: no conversion, and so no exception but the stack's. */
CPU_BODY(fstp_f80)
{
    X87_BEGIN();
    unsigned top = x87_place(f, 0);
    bool filled = x87_filled(f, top), write = filled || f->cw & FP_IE;
    uint64_t off = FAST ? FLAT_OPERAND() : mem_offset(cpu, i);

    if (FAST) {
        uint8_t *host;

        if (X87_RARELY(!filled))
            return slow_(cpu, i);
        host = FLAT_HOST(fast_write, off, 10);
        memcpy(host, &f->r[top].mant, 8);
        memcpy(host + 8, &f->r[top].se, 2);
    } else if (write) {
        uint8_t bytes[10];

        bytes_of(filled ? f->r[top] : FP80_INDEFINITE, bytes);
        write_ten(cpu, i, off, bytes);
    }
    if (X87_RARELY(!filled))
        x87_stack_fault(f, false);
    else
        x87_c1(f, false);
    stored(cpu, i, off, write);
    CONTINUE;
}
X87_MEM(fstp_f80, 80)

/* SDM Vol. 2A, "FBSTP". */
CPU_OP(op_fbstp)
{
    static const uint8_t indefinite[10] = { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff };
    struct cpu_fpu *f = &cpu->fpu;
    struct fp_env env = x87_env(f);
    uint8_t bcd[10];
    bool filled = x87_filled(f, x87_place(f, 0)), write;
    uint64_t off = mem_offset(cpu, i);

    x87_wait(cpu, i);
    if (filled)
        fp80_to_bcd(&env, f->r[x87_place(f, 0)], bcd);
    write = filled ? !(fp_raised(&env) & ~f->cw & FP_ALL & ~FP_PE) : f->cw & FP_IE;
    if (write)
        write_ten(cpu, i, off, filled ? bcd : indefinite);
    if (filled)
        x87_take(f, &env);
    else
        x87_stack_fault(f, false);
    stored(cpu, i, off, write);
    CPU_CONTINUE(cpu, i);
}
