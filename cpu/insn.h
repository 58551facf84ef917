/*
 * A decoded instruction, and what running it returns.
 *
 * Decoding fills in 32 bytes; running is a chain of calls, each handler tail-calling the next instruction's. Operands are
 * resolved when decoding: registers are byte offsets into struct cpu, immediates are extended to 64 bits. A handler is
 * chosen for operand form, width and address kind, so it decodes nothing when it runs.
 */
#ifndef LIBSIM_CPU_INSN_H
#define LIBSIM_CPU_INSN_H

#include "base/types.h"

struct cpu;
struct cpu_insn;

/* How a handler, and so a block, ended. */
enum cpu_next {
    CPU_X_NEXT,  /* behind the block's last instruction */
    CPU_X_TAKEN, /* direct branch: cpu->ip is set, and is the same at each run of this block at this place */
    CPU_X_JUMP   /* cpu->ip is set */
};
typedef unsigned cpu_fn(struct cpu *cpu, const struct cpu_insn *i);

/* insn.flags: prefixes and sizes, for handlers that are not specialised. */
enum {
    INSN_OP32 = 1,    /* operand size 32 (else 16, unless INSN_OP64) */
    INSN_OP64 = 2,
    INSN_AD32 = 4,    /* address size 32 (else 16, unless INSN_AD64) */
    INSN_AD64 = 8,
    INSN_LOCK = 16,
    INSN_REP = 32,    /* F3 */
    INSN_REPNE = 64,  /* F2 */
    INSN_MEM = 128    /* the ModRM operand is memory: seg, base, index, scale, disp */
};

struct cpu_insn {
    cpu_fn *fn;
    int64_t imm;     /* immediate, extended as the row says; branch displacement; far pointer: offset | selector << 32 */
    int32_t disp;    /* of the memory operand */
    uint16_t off;    /* page offset of the first byte */
    uint16_t row : 15; /* row in the instruction table */
    uint16_t flat : 1; /* the memory operand's address is MEM_SUM, cut by the address size: what EA_FLAT and EA_LONG instances know */
    uint8_t dst;     /* first register operand: byte offset from cpu->reg; CR, DR, segment: its number */
    uint8_t src;     /* second register operand */
    uint8_t base, index; /* register numbers, or CPU_REG_ZERO and its like */
    uint8_t scale;   /* 0..3 */
    uint8_t seg;     /* of the memory operand, overrides applied */
    uint8_t len;     /* bytes, 1..15 */
    uint8_t flags;   /* INSN_* */
};
_Static_assert(sizeof(struct cpu_insn) == 32, "a decoded instruction is half a cache line");

/* The next handler of the block. At -O2 this is a jump; otherwise the stack grows by a frame an instruction, which the length
 * of a block bounds. */
#define CPU_CONTINUE(cpu, i) return (i)[1].fn((cpu), (i) + 1)

/* The address of the instruction, and of the one behind it, while a handler runs. Not cut to 16 or 32 bits by need: code
 * that wraps is never decoded into blocks. */
#define CPU_INSN_IP(cpu, i) ((cpu)->reg[CPU_REG_PAGE] + (i)->off)
#define CPU_NEXT_IP(cpu, i) ((cpu)->reg[CPU_REG_PAGE] + (i)->off + (i)->len)

/* Where rows with a VEX.vvvv operand (H, B) or one in the immediate's high digit (L) have their parts: imm bits 7:0 are the immediate. */
#define INSN_VVVV_SHIFT 8
static inline unsigned insn_vvvv(const struct cpu_insn *i) { return (unsigned)(i->imm >> INSN_VVVV_SHIFT) & 15; }
static inline unsigned insn_is4(const struct cpu_insn *i) { return (unsigned)(i->imm >> 4) & 15; }
/* An offset, cut to the address size. */
static inline __attribute__((always_inline)) uint64_t insn_ad_cut(const struct cpu_insn *i, uint64_t off)
{
    return i->flags & INSN_AD64 ? off : i->flags & INSN_AD32 ? (uint32_t)off : (uint16_t)off;
}
static inline unsigned insn_imm8(const struct cpu_insn *i) { return (unsigned)i->imm & 0xff; }

#endif
