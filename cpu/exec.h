/*
 * How instruction bodies are written.
 *
 * A *templated* body is written once; a CPU_TEMPLATE_ macro makes one function of it per operand form, width and address kind, with
 * all three constant, so that nothing is decoded when it runs:
 *
 *     CPU_BODY(add)                        // SDM Vol. 2A, "ADD"
 *     {
 *         uint64_t a = READ_DST(), b = READ_SRC(), r = CUT(a + b);
 *
 *         WRITE_DST(r);                    // the last thing that can fault
 *         flags_add(cpu, WIDTH, a, b, r);
 *         CONTINUE;
 *     }
 *     CPU_TEMPLATE_ALU(add)                // RR RM MR RI MI, all widths
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

/* Operand forms: destination and source as register, memory, immediate. FORM_REP: a string instruction with REP. */
enum cpu_form {
    FORM_N, FORM_R, FORM_M, FORM_I, FORM_RR, FORM_RM, FORM_MR, FORM_RI, FORM_MI, FORM_RRI, FORM_RMI, FORM_MRI, FORM_REP, FORM_COUNT
};

/* Handlers of one operation by form, address kind and width (index 0..3: 8, 16, 32, 64 bits). NULL: no such form; where only the
 * instance of EA_FLAT or EA_LONG is missing, that of EA_ANY serves. */
struct cpu_handlers {
    cpu_fn *fn[FORM_COUNT][EA_KINDS][4];
};

/* Handlers of one vector operation: by register file and length, for a register or memory source. NULL: no such form (a scalar operation
 * has no 256-bit one). cpu/simd.h makes them. */
enum cpu_simd_kind { SIMD_MMX, SIMD_SSE, SIMD_AVX128, SIMD_AVX256, SIMD_KINDS };
struct cpu_simd {
    cpu_fn *fn[SIMD_KINDS][2];
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

static inline __attribute__((always_inline)) bool exec_dst_is_mem(enum cpu_form f) { return f == FORM_M || f == FORM_MR || f == FORM_MI || f == FORM_MRI; }
static inline __attribute__((always_inline)) bool exec_src_is_mem(enum cpu_form f) { return f == FORM_RM || f == FORM_RMI; }
static inline __attribute__((always_inline)) bool exec_src_is_imm(enum cpu_form f) { return f == FORM_I || f == FORM_RI || f == FORM_MI; }

/* ---- Memory in EA_FLAT and EA_LONG instances ----
 *
 * These only know the hit in the fast table, so they need no frame and save no registers: on a miss they leave the body for the EA_ANY
 * instance of the same form and width, which does the whole instruction with all checks. So nothing may be committed before the last of
 * them, and an instruction with several writes must not use them for more than the last.
 */
#define FAST (ea_ != EA_ANY)
/* An address, cut to what is left of it without 64-bit addressing. A non-canonical one never hits. */
#define FLAT_CUT(address) (ea_ == EA_LONG ? (address) : (uint64_t)(uint32_t)(address))
#define FLAT_OPERAND() FLAT_CUT(MEM_SUM(cpu, i))
#define FLAT_HOST(table, laddr, size)                                                                                        \
    ({                                                                                                                       \
        sim_laddr laddr_ = (laddr);                                                                                          \
        const struct cpu_fast *fast_ = &cpu->table[(laddr_ >> SIM_PAGE_SHIFT) & (CPU_FAST_SIZE - 1)];                        \
        if (!CPU_LIKELY((laddr_ ^ fast_->tag) <= SIM_PAGE_SIZE - (size)))                                                    \
            return slow_(cpu, i);                                                                                            \
        fast_->host + (laddr_ & SIM_PAGE_MASK);                                                                              \
    })
#define FLAT_READ(laddr, size)     exec_load(FLAT_HOST(fast_read, (laddr), (size)), (size) * 8)
#define FLAT_WRITE(laddr, size, v) exec_store(FLAT_HOST(fast_write, (laddr), (size)), (size) * 8, (v))

static inline __attribute__((always_inline)) uint64_t exec_load(const uint8_t *host, unsigned width)
{
    uint64_t v = 0;

    memcpy(&v, host, width / 8);
    return v;
}
static inline __attribute__((always_inline)) void exec_store(uint8_t *host, unsigned width, uint64_t v)
{
    memcpy(host, &v, width / 8);
}

/* ---- Inside a templated body ---- */

#define WIDTH width_
#define FORM  form_
#define EA    ea_
#define BYTES (width_ / 8)
#define CUT(v) exec_cut((v), width_)

/* Destination that is read, then written. */
#define READ_DST()                                                                                                           \
    ({                                                                                                                       \
        uint64_t v_;                                                                                                         \
        if (!exec_dst_is_mem(form_))                                                                                         \
            v_ = exec_reg(cpu, i->dst, WIDTH);                                                                               \
        else if (FAST)                                                                                             \
            v_ = exec_load(rmw_.host = FLAT_HOST(fast_write, FLAT_OPERAND(), BYTES), WIDTH);                                 \
        else                                                                                                                 \
            v_ = mem_rmw_read(cpu, i, mem_operand(cpu, i, ea_, BYTES, MEM_RMW), BYTES, &rmw_);                               \
        v_;                                                                                                                  \
    })
#define WRITE_DST(v)                                                                                                         \
    do {                                                                                                                     \
        if (!exec_dst_is_mem(form_))                                                                                         \
            exec_set_reg(cpu, i->dst, WIDTH, (v));                                                                           \
        else if (FAST)                                                                                             \
            exec_store(rmw_.host, WIDTH, (v));                                                                               \
        else                                                                                                                 \
            mem_rmw_write(cpu, i, BYTES, &rmw_, (v));                                                                        \
    } while (0)

#define READ_MEM_(w)                                                                                                         \
    (FAST ? FLAT_READ(FLAT_OPERAND(), (w) / 8)                                                                     \
                    : mem_read(cpu, i, mem_operand(cpu, i, ea_, (w) / 8, MEM_READ), (w) / 8))
/* Destination that is only read (CMP, TEST, BT). */
#define PEEK_DST() (exec_dst_is_mem(form_) ? READ_MEM_(WIDTH) : exec_reg(cpu, i->dst, WIDTH))
/* Destination that is written without being read (MOV, SETcc, POP). */
#define STORE_DST(v)                                                                                                         \
    do {                                                                                                                     \
        if (!exec_dst_is_mem(form_))                                                                                         \
            exec_set_reg(cpu, i->dst, WIDTH, (v));                                                                           \
        else if (FAST)                                                                                             \
            FLAT_WRITE(FLAT_OPERAND(), BYTES, (v));                                                                          \
        else                                                                                                                 \
            mem_write(cpu, i, mem_operand(cpu, i, ea_, BYTES, MEM_WRITE), BYTES, (v));                                       \
    } while (0)
/* Source, of the body's width or another (MOVZX). */
#define READ_SRC_W(w)                                                                                                        \
    (exec_src_is_imm(form_) ? exec_cut((uint64_t)i->imm, (w)) : exec_src_is_mem(form_) ? READ_MEM_(w) : exec_reg(cpu, i->src, (w)))
#define READ_SRC() READ_SRC_W(WIDTH)
#define CONTINUE     CPU_CONTINUE(cpu, i)

/* `rmw_` is the read-modify-write under way, `slow_` the instance that an EA_FLAT one falls back to: never inlined into that one, which
 * would then need a frame on its fast path too. */
#define CPU_BODY(name)                                                                                                       \
    static inline __attribute__((always_inline)) unsigned body_##name(struct cpu *cpu, const struct cpu_insn *i,             \
                                                                      const unsigned width_, const enum cpu_form form_, \
                                                                      const enum mem_ea ea_, struct mem_rmw rmw_, cpu_fn *slow_)

#define CPU_INSTANCE_(name, form, ea, width, slow)                                                                           \
    static __attribute__((noinline)) unsigned name##_##form##_##ea##_##width(struct cpu *cpu, const struct cpu_insn *i)                                \
    {                                                                                                                        \
        return body_##name(cpu, i, width, FORM_##form, EA_##ea, (struct mem_rmw){ NULL, 0 }, slow);                          \
    }
#define CPU_INSTANCE(name, form, width)      CPU_INSTANCE_(name, form, ANY, width, NULL)
#define CPU_INSTANCE_FLAT(name, form, width) CPU_INSTANCE_(name, form, FLAT, width, name##_##form##_ANY_##width)
#define CPU_INSTANCE_LONG(name, form, width) CPU_INSTANCE_(name, form, LONG, width, name##_##form##_ANY_##width)
#define CPU_INSTANCES_FLAT(name, form, width)                                                                                \
    CPU_INSTANCE(name, form, width) CPU_INSTANCE_FLAT(name, form, width) CPU_INSTANCE_LONG(name, form, width)

/* Instances of one form at the widths a name ends with: B 8, V 16, 32 and 64, BV all four. REG: forms that touch no memory, where one
 * function serves all address kinds; MEM: a function for each. */
#define CPU_REG_B(name, form)  CPU_INSTANCE(name, form, 8)
#define CPU_REG_V(name, form)  CPU_INSTANCE(name, form, 16) CPU_INSTANCE(name, form, 32) CPU_INSTANCE(name, form, 64)
#define CPU_REG_BV(name, form) CPU_REG_B(name, form) CPU_REG_V(name, form)
#define CPU_MEM_B(name, form)  CPU_INSTANCES_FLAT(name, form, 8)
#define CPU_MEM_V(name, form)                                                                                                \
    CPU_INSTANCES_FLAT(name, form, 16) CPU_INSTANCE(name, form, 32) CPU_INSTANCE_FLAT(name, form, 32)                        \
    CPU_INSTANCE_LONG(name, form, 32) CPU_INSTANCE(name, form, 64) CPU_INSTANCE_LONG(name, form, 64)
#define CPU_MEM_BV(name, form) CPU_MEM_B(name, form) CPU_MEM_V(name, form)

/* Their places in the table. */
#define CPU_FN_(name, form, ea, width) name##_##form##_##ea##_##width
#define CPU_B_(name, form, ea)  [0] = CPU_FN_(name, form, ea, 8)
#define CPU_V_(name, form, ea)  [1] = CPU_FN_(name, form, ea, 16), [2] = CPU_FN_(name, form, ea, 32)
#define CPU_VQ_(name, form, ea) CPU_V_(name, form, ea), [3] = CPU_FN_(name, form, ea, 64)
#define CPU_SLOT_REG_B(name, form)  [FORM_##form] = { [EA_ANY] = { CPU_B_(name, form, ANY) } },
#define CPU_SLOT_REG_V(name, form)  [FORM_##form] = { [EA_ANY] = { CPU_VQ_(name, form, ANY) } },
#define CPU_SLOT_REG_BV(name, form) [FORM_##form] = { [EA_ANY] = { CPU_B_(name, form, ANY), CPU_VQ_(name, form, ANY) } },
#define CPU_SLOT_MEM_B(name, form)                                                                                           \
    [FORM_##form] = { [EA_ANY] = { CPU_B_(name, form, ANY) }, [EA_FLAT] = { CPU_B_(name, form, FLAT) },                      \
                      [EA_LONG] = { CPU_B_(name, form, LONG) } },
#define CPU_SLOT_MEM_V(name, form)                                                                                           \
    [FORM_##form] = { [EA_ANY] = { CPU_VQ_(name, form, ANY) }, [EA_FLAT] = { CPU_V_(name, form, FLAT) },                     \
                      [EA_LONG] = { CPU_VQ_(name, form, LONG) } },
#define CPU_SLOT_MEM_BV(name, form)                                                                                          \
    [FORM_##form] = { [EA_ANY] = { CPU_B_(name, form, ANY), CPU_VQ_(name, form, ANY) },                                      \
                      [EA_FLAT] = { CPU_B_(name, form, FLAT), CPU_V_(name, form, FLAT) },                                    \
                      [EA_LONG] = { CPU_B_(name, form, LONG), CPU_VQ_(name, form, LONG) } },
/* One function for each width. */
#define CPU_SLOT_FNS(form, b, v16, v32, v64) [FORM_##form] = { [EA_ANY] = { b, v16, v32, v64 } },

#define CPU_HANDLERS(name, slots)                                                                                            \
    extern const struct cpu_handlers cpu_handlers_##name;                                                                    \
    const struct cpu_handlers cpu_handlers_##name = { .fn = { slots } };

/* Two operands, all widths: ADD, MOV. */
#define CPU_TEMPLATE_ALU(name)                                                                                               \
    CPU_REG_BV(name, RR) CPU_REG_BV(name, RI) CPU_MEM_BV(name, RM) CPU_MEM_BV(name, MR) CPU_MEM_BV(name, MI)                 \
    CPU_HANDLERS(name, CPU_SLOT_REG_BV(name, RR) CPU_SLOT_REG_BV(name, RI) CPU_SLOT_MEM_BV(name, RM)                         \
                       CPU_SLOT_MEM_BV(name, MR) CPU_SLOT_MEM_BV(name, MI))
/* The first in register or memory, the second a register or an immediate, all widths: TEST, shifts. */
#define CPU_TEMPLATE_RMI(name)                                                                                               \
    CPU_REG_BV(name, RR) CPU_REG_BV(name, RI) CPU_MEM_BV(name, MR) CPU_MEM_BV(name, MI)                                      \
    CPU_HANDLERS(name, CPU_SLOT_REG_BV(name, RR) CPU_SLOT_REG_BV(name, RI) CPU_SLOT_MEM_BV(name, MR) CPU_SLOT_MEM_BV(name, MI))
/* Likewise, 16 to 64 bits: BT. */
#define CPU_TEMPLATE_RMI_V(name)                                                                                             \
    CPU_REG_V(name, RR) CPU_REG_V(name, RI) CPU_MEM_V(name, MR) CPU_MEM_V(name, MI)                                          \
    CPU_HANDLERS(name, CPU_SLOT_REG_V(name, RR) CPU_SLOT_REG_V(name, RI) CPU_SLOT_MEM_V(name, MR) CPU_SLOT_MEM_V(name, MI))
/* The first in register or memory, the second a register, all widths: XCHG, XADD. */
#define CPU_TEMPLATE_RMR(name)                                                                                               \
    CPU_REG_BV(name, RR) CPU_MEM_BV(name, MR) CPU_HANDLERS(name, CPU_SLOT_REG_BV(name, RR) CPU_SLOT_MEM_BV(name, MR))
/* One operand, all widths: INC, MUL. */
#define CPU_TEMPLATE_UNARY(name)                                                                                             \
    CPU_REG_BV(name, R) CPU_MEM_BV(name, M) CPU_HANDLERS(name, CPU_SLOT_REG_BV(name, R) CPU_SLOT_MEM_BV(name, M))
/* One byte operand: SETcc. */
#define CPU_TEMPLATE_UNARY_B(name)                                                                                           \
    CPU_REG_B(name, R) CPU_MEM_B(name, M) CPU_HANDLERS(name, CPU_SLOT_REG_B(name, R) CPU_SLOT_MEM_B(name, M))
/* A register from register or memory, 16 to 64 bits: CMOVcc, MOVZX. */
#define CPU_TEMPLATE_LOAD(name)                                                                                              \
    CPU_REG_V(name, RR) CPU_MEM_V(name, RM) CPU_HANDLERS(name, CPU_SLOT_REG_V(name, RR) CPU_SLOT_MEM_V(name, RM))
/* A register, memory or an immediate, 16 to 64 bits, and the stack: PUSH. */
#define CPU_TEMPLATE_STACK(name)                                                                                             \
    CPU_MEM_V(name, R) CPU_MEM_V(name, M) CPU_MEM_V(name, I)                                                                 \
    CPU_HANDLERS(name, CPU_SLOT_MEM_V(name, R) CPU_SLOT_MEM_V(name, M) CPU_SLOT_MEM_V(name, I))
/* No operand, or implied ones: 16 to 64 bits. STACK: and the stack, or CS. */
#define CPU_TEMPLATE_NONE(name)       CPU_REG_V(name, N) CPU_HANDLERS(name, CPU_SLOT_REG_V(name, N))
#define CPU_TEMPLATE_NONE_STACK(name) CPU_MEM_V(name, N) CPU_HANDLERS(name, CPU_SLOT_MEM_V(name, N))
/* A displacement: branches. The address kind says whether CS is flat. */
#define CPU_TEMPLATE_JUMP(name)       CPU_MEM_V(name, I) CPU_HANDLERS(name, CPU_SLOT_MEM_V(name, I))

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
