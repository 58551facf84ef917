/*
 * How instruction bodies are written.
 *
 * A *templated* body is written once; INSTANTIATE makes one function of it per operand form, width and address kind, with all
 * three constant, so that nothing is decoded when it runs:
 *
 *     CPU_BODY(add)                        // SDM Vol. 2A, "ADD"
 *     {
 *         uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a + b);
 *
 *         WRITE_DST(r);                    // the last thing that can fault
 *         flags_add(cpu, WIDTH, a, b, r);
 *         CONTINUE;
 *     }
 *     CPU_TEMPLATE_ALU(add)                // RR RM MR RI MI, widths 8 16 32
 *
 * A *plain* body is one function that reads its operands through the generic accessors below; for instructions that are not hot.
 *
 *     CPU_OP(op_lgdt) { ...; CONTINUE; }
 *
 * Either is named in the instruction's row (cpu/isa/). Order within a body: read, check, compute, write memory, commit registers.
 */
#ifndef LIBSIM_CPU_EXEC_H
#define LIBSIM_CPU_EXEC_H

#include "cpu/delivery.h"
#include "cpu/flags.h"
#include "cpu/insn.h"
#include "cpu/mem.h"

/* Operand forms: destination and source as register, memory, immediate. */
enum cpu_form { FORM_N, FORM_R, FORM_M, FORM_I, FORM_RR, FORM_RM, FORM_MR, FORM_RI, FORM_MI, FORM_RRI, FORM_RMI, FORM_COUNT };

/* Handlers of one operation by form, address kind and width (index 0..3: 8, 16, 32, 64 bits). NULL: no such form. */
struct cpu_handlers {
    cpu_fn *fn[FORM_COUNT][2][4];
};

static inline __attribute__((always_inline)) uint64_t exec_cut(uint64_t v, unsigned width)
{
    return width == 64 ? v : v & ((1ull << width) - 1);
}

/* Register operands, by byte offset into cpu->reg. Writing 32 bits clears the upper half (so the same handlers serve 64-bit mode). */
static inline __attribute__((always_inline)) uint64_t exec_reg(const struct cpu *cpu, unsigned offset, unsigned width)
{
    const uint8_t *p = (const uint8_t *)cpu->reg + offset;
    uint64_t v = 0;

    memcpy(&v, p, width / 8);
    return v;
}
static inline __attribute__((always_inline)) void exec_set_reg(struct cpu *cpu, unsigned offset, unsigned width, uint64_t v)
{
    uint8_t *p = (uint8_t *)cpu->reg + offset;

    if (width == 32) {
        v = (uint32_t)v;
        memcpy(p, &v, 8);
    } else {
        memcpy(p, &v, width / 8);
    }
}

static inline __attribute__((always_inline)) bool exec_dst_is_mem(enum cpu_form f) { return f == FORM_M || f == FORM_MR || f == FORM_MI; }
static inline __attribute__((always_inline)) bool exec_src_is_mem(enum cpu_form f) { return f == FORM_RM || f == FORM_RMI; }
static inline __attribute__((always_inline)) bool exec_src_is_imm(enum cpu_form f) { return f == FORM_I || f == FORM_RI || f == FORM_MI; }

/* Destination that is read, then written. */
static inline __attribute__((always_inline)) uint64_t exec_read_dst(struct cpu *cpu, const struct cpu_insn *i, unsigned width, enum cpu_form f,
                                                                    enum mem_ea ea, struct mem_rmw *rmw)
{
    if (exec_dst_is_mem(f))
        return mem_rmw_read(cpu, i, mem_operand(cpu, i, ea, width / 8, MEM_RMW), width / 8, rmw);
    return exec_reg(cpu, i->dst, width);
}
/* Destination that is only read (CMP, TEST, BT). */
static inline __attribute__((always_inline)) uint64_t exec_peek_dst(struct cpu *cpu, const struct cpu_insn *i, unsigned width, enum cpu_form f,
                                                                    enum mem_ea ea)
{
    if (exec_dst_is_mem(f))
        return mem_read(cpu, i, mem_operand(cpu, i, ea, width / 8, MEM_READ), width / 8);
    return exec_reg(cpu, i->dst, width);
}
static inline __attribute__((always_inline)) void exec_write_dst(struct cpu *cpu, const struct cpu_insn *i, unsigned width, enum cpu_form f,
                                                                 struct mem_rmw *rmw, uint64_t v)
{
    if (exec_dst_is_mem(f))
        mem_rmw_write(cpu, i, width / 8, rmw, v);
    else
        exec_set_reg(cpu, i->dst, width, v);
}
/* Destination that is written without being read (MOV, SETcc, POP). */
static inline __attribute__((always_inline)) void exec_store_dst(struct cpu *cpu, const struct cpu_insn *i, unsigned width, enum cpu_form f,
                                                                 enum mem_ea ea, uint64_t v)
{
    if (exec_dst_is_mem(f))
        mem_write(cpu, i, mem_operand(cpu, i, ea, width / 8, MEM_WRITE), width / 8, v);
    else
        exec_set_reg(cpu, i->dst, width, v);
}
static inline __attribute__((always_inline)) uint64_t exec_read_src(struct cpu *cpu, const struct cpu_insn *i, unsigned width, enum cpu_form f,
                                                                    enum mem_ea ea)
{
    if (exec_src_is_imm(f))
        return exec_cut((uint64_t)i->imm, width);
    if (exec_src_is_mem(f))
        return mem_read(cpu, i, mem_operand(cpu, i, ea, width / 8, MEM_READ), width / 8);
    return exec_reg(cpu, i->src, width);
}

/* Inside a templated body. `rmw` is declared by CPU_BODY. */
#define WIDTH        width_
#define FORM         form_
#define EA           ea_
#define CUT(v)       exec_cut((v), width_)
#define READ_DST()   exec_read_dst(cpu, i, width_, form_, ea_, &rmw_)
#define PEEK_DST()   exec_peek_dst(cpu, i, width_, form_, ea_)
#define WRITE_DST(v) exec_write_dst(cpu, i, width_, form_, &rmw_, (v))
#define STORE_DST(v) exec_store_dst(cpu, i, width_, form_, ea_, (v))
#define READ_SRC()   exec_read_src(cpu, i, width_, form_, ea_)
#define READ_SRC_W(w) exec_read_src(cpu, i, (w), form_, ea_)
#define CONTINUE     CPU_CONTINUE(cpu, i)

#define CPU_BODY(name)                                                                                                       \
    static inline __attribute__((always_inline)) unsigned body_##name(struct cpu *cpu, const struct cpu_insn *i,             \
                                                                      const unsigned width_, const enum cpu_form form_,      \
                                                                      const enum mem_ea ea_, struct mem_rmw rmw_)            \

#define CPU_INSTANCE(name, form, ea, width)                                                                                  \
    static unsigned name##_##form##_##ea##_##width(struct cpu *cpu, const struct cpu_insn *i)                                \
    {                                                                                                                        \
        return body_##name(cpu, i, width, FORM_##form, EA_##ea, (struct mem_rmw){ NULL, 0 });                                \
    }

/* A function that is not specialised. */
#define CPU_OP(name)                                                                                                         \
    unsigned name(struct cpu *cpu, const struct cpu_insn *i);                                                                \
    unsigned name(struct cpu *cpu __attribute__((unused)), const struct cpu_insn *i __attribute__((unused)))

/* ---- Generic accessors for plain bodies: the ModRM.rm operand (memory or register, dst holds the register) ---- */

static inline uint64_t rm_read(struct cpu *cpu, const struct cpu_insn *i, unsigned size)
{
    if (i->flags & INSN_MEM)
        return mem_read(cpu, i, mem_operand(cpu, i, EA_ANY, size, MEM_READ), size);
    return exec_reg(cpu, i->dst, size * 8);
}
static inline void rm_write(struct cpu *cpu, const struct cpu_insn *i, unsigned size, uint64_t v)
{
    if (i->flags & INSN_MEM)
        mem_write(cpu, i, mem_operand(cpu, i, EA_ANY, size, MEM_WRITE), size, v);
    else
        exec_set_reg(cpu, i->dst, size * 8, v);
}

/* Operand and address size of the instruction, in bytes. */
static inline unsigned insn_op_bytes(const struct cpu_insn *i) { return i->flags & INSN_OP64 ? 8 : i->flags & INSN_OP32 ? 4 : 2; }
static inline unsigned insn_ad_bytes(const struct cpu_insn *i) { return i->flags & INSN_AD64 ? 8 : i->flags & INSN_AD32 ? 4 : 2; }

#endif
