/*
 * The instruction table.
 *
 * Every form of the instruction set has a row here, built or not. The decoder, the coverage report (`sim --isa-coverage`), the
 * timing classes and the documentation are derived from the rows; there is no other list of instructions.
 *
 * Rows stand in cpu/isa/NAME.def, a file a group; all.def includes them, as
 *
 *     INSN(map, opcode, ext, "mnemonic", op0, op1, op2, handler, attributes, set, written, undefined)
 *
 *   map        0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A
 *   opcode     the byte; with ISA_PLUSR the low three bits name a register and the row covers eight opcodes. Where an exact row and a
 *              PLUSR row meet (90: NOP and XCHG), the one that stands first wins
 *   ext        0..7: ModRM.reg digit; EXT_R: ModRM, reg is an operand; EXT_NONE: no ModRM
 *   op0..op2   operand codes in Intel order (enum isa_operand), NO for none. An E operand stands for two forms, register and memory
 *   handler    T(name): templated, cpu_handlers_name; P(name): plain, op_name; U: listed, not built (decodes to #UD, said once)
 *   attributes ISA_* below, ORed
 *   set        the extension: a row of sets.def
 *   written, undefined   EFL_* masks of arithmetic and system flags; the handler says what an undefined one becomes
 */
#ifndef LIBSIM_CPU_ISA_ISA_H
#define LIBSIM_CPU_ISA_ISA_H

#include "base/buf.h"
#include "cpu/exec.h"

enum { EXT_R = 8, EXT_NONE = 9 };

/* Operand codes. Where a decoded instruction keeps them: op0 in dst, op1 in src, immediates in imm, memory in seg/base/index/scale/disp. A
 * memory operand leaves its register field 0. Widths: b 8, w 16, d 32, v the operand size. */
enum isa_operand {
    NO,
    Eb, Ew, Ed, Ev,        /* ModRM.rm: register or memory */
    M,                     /* ModRM.rm: memory of whatever size the handler takes; a register is #UD (UD-REGFORM) */
    Rd,                    /* ModRM.rm: a 32-bit register, mod ignored (MOV CR, MOV DR) */
    Gb, Gw, Gd, Gv,        /* ModRM.reg */
    Sw,                    /* ModRM.reg: a segment register's number */
    Cd, Dd,                /* ModRM.reg: a control or debug register's number */
    Zb, Zv, Zd,            /* low bits of the opcode */
    AL, rAX, CL, DX,       /* fixed registers; rAX is AX or EAX by operand size. As op2 (SHLD) they are kept nowhere */
    Ib, Ibs, Iw, Iz, Iv,   /* immediate: byte, byte sign-extended, word, word or dword (sign-extended to 64), operand size */
    Ibw,                   /* ENTER: word in imm bits 15:0, byte in bits 23:16 */
    ONE,                   /* the constant 1 */
    Jb, Jz,                /* branch displacement, sign-extended */
    Ap,                    /* far pointer: offset in imm bits 31:0, selector in bits 47:32 */
    Ob, Ov,                /* memory at an absolute offset: base and index none, the offset in disp */
    Xb, Xv, Yb, Yv         /* string source (seg, by (E)SI) and destination (ES, by (E)DI): kept nowhere, the handler knows them */
};

enum {
    ISA_PLUSR   = 0x0001,
    ISA_LOCK    = 0x0002,  /* LOCK allowed when op0 is memory */
    ISA_STRING  = 0x0004,  /* REP allowed; with it the instruction is a block of its own */
    ISA_END     = 0x0008,  /* ends a block: branches, and whatever changes what the boundary or the mode word looks at */
    ISA_ALONE   = 0x0010,  /* always a block of its own */
    ISA_PM      = 0x0020,  /* #UD in real and VM86 mode */
    ISA_CPL0    = 0x0040,  /* #GP(0) unless CPL is 0 */
    ISA_NO64    = 0x0080,  /* #UD in 64-bit mode */
    ISA_ONLY64  = 0x0100,
    ISA_MEMONLY = 0x0200,  /* the row is about the memory form only; another row may have the register form */
    ISA_REGONLY = 0x0400,
    ISA_D64     = 0x0800,  /* operand size defaults to 64 in 64-bit mode */
    ISA_ALIAS   = 0x1000,  /* an undocumented second encoding */
    ISA_PAUSE   = 0x8000,  /* with F3 it is PAUSE, which ends a block and gives up the CPU's turn */
    ISA_COND    = 0x2000,  /* flags depend on a count or condition */
    ISA_LOCKED  = 0x4000   /* the memory form locks the bus, prefix or not */
};

enum isa_set {
#define ISA_SET(name, tier, title) SET_##name,
#include "cpu/isa/sets.def"
#undef ISA_SET
    SET_COUNT
};

struct isa_row {
    uint8_t map, opcode, ext;
    uint8_t op[3]; /* enum isa_operand */
    uint8_t set;
    uint16_t attributes;
    uint32_t written, undefined;
    const char *mnemonic;
    const struct cpu_handlers *handlers; /* templated; else: */
    cpu_fn *plain;                       /* both NULL: not built */
};

extern const struct isa_row isa_rows[];
extern const unsigned isa_row_count;

struct isa_set_info {
    const char *name, *title;
    uint8_t tier;
};
extern const struct isa_set_info isa_sets[SET_COUNT];

/* Rows found fast: for the sets that a CPU model has. */
struct cpu_isa_index {
    uint16_t slot[4][256][8]; /* first row + 1 for (map, opcode, ModRM.reg); without ModRM, in [0] */
    bool modrm[4][256];
    uint16_t *next;           /* next candidate row + 1 */
};
enum sim_err isa_index_create(uint64_t sets, struct cpu_isa_index **out);
void isa_index_destroy(struct cpu_isa_index *index);

/* Appends "tier set forms built" lines and totals: the coverage report. A row with an E operand counts as two forms. */
void isa_coverage(struct sim_buf *out);

#endif
