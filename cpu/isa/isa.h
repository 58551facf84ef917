/*
 * The instruction table.
 *
 * Every form of the instruction set has a row here, built or not. The decoder, the coverage report (`sim --isa-coverage`), the
 * timing classes and the documentation are derived from the rows; there is no other list of instructions.
 *
 * Rows stand in cpu/isa/NAME.def, a file a group; all.def includes them, as
 *
 *     INSN(map, opcode, ext, "mnemonic", op0, op1, op2, handler, attributes, set, written, undefined)
 *     PFX(prefix, map, opcode, ext, "mnemonic", op0, op1, op2, handler, attributes, set, written, undefined)
 *     VEX(prefix, map, opcode, ext, "mnemonic", op0, op1, op2, op3, handler, attributes, set, written, undefined)
 *
 *   prefix     PFX: the mandatory prefix, PF_*, several ORed when each will do; INSN means any. VEX: PF_NP, PF_66, PF_F3 or PF_F2 (the pp
 *              field), with VL0, VL1 or VLIG and VW0, VW1 or VWIG. Where W only chooses between 32 and 64 bits of a general register
 *              (Ey, Gy, By operands) it is VWIG
 *   map        0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A
 *   opcode     the byte; with ISA_PLUSR the low three bits name a register and the row covers eight opcodes. Where an exact row and a
 *              PLUSR row meet (90: NOP and XCHG), the one that stands first wins
 *   ext        0..7: ModRM.reg digit; EXT_R: ModRM, reg is an operand; EXT_NONE: no ModRM; C0h..FFh: exactly this ModRM byte
 *   op0..op3   operand codes in Intel order (enum isa_operand), NO for none. An E, W or Q operand stands for two forms, register and memory
 *   handler    T(name): templated, cpu_handlers_name; V(name): vector template, cpu_simd_name; P(name): plain, op_name; U: listed, not built
 *              (decodes to #UD, said once)
 *   attributes ISA_* below, ORed
 *   set        the extension: a row of sets.def
 *   written, undefined   EFL_* masks of arithmetic and system flags; the handler says what an undefined one becomes
 *
 * Rows that share map, opcode and digit are tried in the order of all.def: the first that fits prefixes, mode, register or memory form and
 * the model's sets is the instruction. So F3 90 (PAUSE) may stand before 90, and TZCNT before BSF.
 */
#ifndef LIBSIM_CPU_ISA_ISA_H
#define LIBSIM_CPU_ISA_ISA_H

#include "base/buf.h"
#include "cpu/exec.h"

enum { EXT_R = 8, EXT_NONE = 9 };

/* Mandatory prefixes and VEX fields: a row is chosen when the bits of what stands before the opcode are all in its mask. F3 and F2 (the
 * last of them counts) leave 66 free to be the operand size. */
enum {
    PF_NP = 1, PF_66 = 2, PF_F3 = 4, PF_F2 = 8,
    PF_ANY = PF_NP | PF_66 | PF_F3 | PF_F2,
    PF_VEX = 16,
    VL0 = 32, VL1 = 64, VLIG = VL0 | VL1, /* VLIG: the length does not matter */
    VLX = VLIG | 512,                     /* both lengths, each a form of its own */
    VW0 = 128, VW1 = 256, VWIG = VW0 | VW1
};

/* Operand codes. Where a decoded instruction keeps them: the first operand in dst, the second in src, H and B operands (VEX.vvvv) in
 * insn_vvvv(), L in insn_is4(), none of which counts for first and second; immediates in imm, memory in seg/base/index/scale/disp. A memory
 * operand leaves its register field 0. General registers are byte offsets into cpu->reg; vector, MMX and x87 registers are numbers.
 * Widths: b 8, w 16, d 32, q 64, v the operand size, y 32 or with REX.W 64. */
enum isa_operand {
    NO,
    Eb, Ew, Ed, Ev, Ey,    /* ModRM.rm: register or memory */
    M, Mb, Mw, Md, Mq, Mt, Mo, Mx, /* ModRM.rm: memory; a register is #UD (UD-REGFORM). M: of whatever size the handler takes; t 10 bytes,
                            * o 16, x the vector's size */
    Rd,                    /* ModRM.rm: a register of 32 bits, in 64-bit mode 64, mod ignored (MOV CR, MOV DR) */
    Gb, Gw, Gd, Gv, Gy,    /* ModRM.reg */
    By,                    /* VEX.vvvv: a general register */
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
    Xb, Xv, Yb, Yv,        /* string source (seg, by (E)SI) and destination (ES, by (E)DI): kept nowhere, the handler knows them */
    Vx, Hx, Lx,            /* vector register (XMM or YMM): ModRM.reg, VEX.vvvv, immediate bits 7:4 */
    Wx, Wb, Ww, Wd, Wq, Wo, /* ModRM.rm: vector register, or memory of the vector's size, 1, 2, 4, 8 or 16 bytes ... */
    Wh, Wf, We,            /* ... half, a quarter, an eighth of the vector's size */
    Pq, Qq, Qd,            /* MMX register: ModRM.reg; ModRM.rm, or memory of 8 or 4 bytes */
    Vs,                    /* VSIB memory: the index is a vector register's number in `index` */
    ST0, STi               /* x87: the top (kept nowhere), ModRM.rm (one form: rows have ISA_REGONLY) */
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
    ISA_COND    = 0x2000,  /* flags depend on a count or condition */
    ISA_LOCKED  = 0x4000,  /* the memory form locks the bus, prefix or not */
    ISA_X87     = 0x10000, /* #NM when CR0.EM or CR0.TS; imm is what the FPU's last-opcode register would hold */
    ISA_MMX     = 0x20000, /* #UD when CR0.EM, #NM when CR0.TS */
    ISA_SSE     = 0x40000, /* #UD when CR0.EM or not CR4.OSFXSR, #NM when CR0.TS */
    ISA_AVX     = 0x80000, /* #UD unless CR4.OSXSAVE and XCR0 bits 1 and 2, #NM when CR0.TS */
    ISA_F64     = 0x100000, /* operand size is 64 in 64-bit mode, whatever the prefixes (near branches) */
    ISA_NOREXB  = 0x200000, /* another instruction with REX.B (90: NOP, or XCHG with R8) */
    ISA_REXW    = 0x400000, /* only with REX.W */
    ISA_BRANCH  = 0x800000 /* a branch to performance counters: near or far, taken or not, interrupts and returns */
};

enum isa_set {
#define ISA_SET(name, tier, title) SET_##name,
#include "cpu/isa/sets.def"
#undef ISA_SET
    SET_COUNT
};

struct isa_row {
    uint8_t map, opcode, ext;
    uint8_t op[4];   /* enum isa_operand */
    uint8_t set;
    uint16_t prefix; /* PF_*, VL*, VW* */
    uint32_t attributes;
    uint32_t written, undefined;
    const char *mnemonic;
    const struct cpu_handlers *handlers; /* templated; else: */
    const struct cpu_simd *simd;         /* vector template; else: */
    cpu_fn *plain;                       /* all NULL: not built */
};

extern const struct isa_row isa_rows[];
extern const unsigned isa_row_count;

/* 1: 8086 to Pentium Pro; 2: x87, MMX, SSE, SSE2, 64-bit mode; 3: SSE3 to SSE4.2 and their time; 4: AVX to SHA; 5: VMX; 6: SVM. */
enum { ISA_TIERS = 6 };
struct isa_set_info {
    const char *name, *title;
    uint8_t tier; /* 1..ISA_TIERS */
};
extern const struct isa_set_info isa_sets[SET_COUNT];

/* Rows found fast: for the sets that a CPU model has. */
struct isa_slot {
    uint16_t first, count; /* candidates, in order */
};
struct cpu_isa_index {
    struct isa_slot slot[2][4][256][8]; /* by VEX, map, opcode, ModRM.reg; without ModRM, in [0] */
    bool modrm[2][4][256];
    uint16_t *candidate;                /* numbers of rows */
};
enum sim_err isa_index_create(uint64_t sets, struct cpu_isa_index **out);
void isa_index_destroy(struct cpu_isa_index *index);

/* Is there a handler? */
bool isa_row_built(const struct isa_row *row);
/* Appends the coverage report: forms built and listed, a line for each set, each tier, and all. A row with a register-or-memory operand counts as two forms, one
 * for both vector lengths twice. */
void isa_coverage(struct sim_buf *out);

#endif
