/*
 * The x87 FPU's state, and what its instructions and MMX share. SDM Vol. 1, "Programming with the x87 FPU".
 *
 * Registers are physical, R0 to R7: ST(i) is R[(TOP + i) & 7]. MMi is the significand of Ri; writing one sets its exponent and sign to
 * ones. Arithmetic itself is in cpu/fp/.
 */
#ifndef LIBSIM_CPU_FPU_H
#define LIBSIM_CPU_FPU_H

#include "base/field.h"
#include "cpu/fp/fp.h"

struct cpu;
struct cpu_insn;

enum {
    FPU_SW_ES = 0x80, FPU_SW_SF = 0x40, FPU_SW_C0 = 0x100, FPU_SW_C1 = 0x200, FPU_SW_C2 = 0x400, FPU_SW_TOP = 0x3800, FPU_SW_C3 = 0x4000,
    FPU_SW_B = 0x8000
};
#define FPU_TOP_SHIFT 11
#define FPU_CW_INIT 0x37f
#define FPU_CW_RESET 0x40
#define FPU_FOP_BITS 0x7ff
#define FPU_CW_BITS 0x1f3f /* that can be written; bit 6 is always set, the others never */

struct cpu_fpu {
    fp80 r[8];        /* physical registers */
    uint64_t fip, fdp;
    uint16_t cw;
    uint16_t sw;      /* TOP included; bits 0..5 are the FP_* flags. ES and B follow from these and the control word: fpu_settle() */
    uint8_t valid;    /* bit n: Rn is not empty (the tag word, as FXSAVE abridges it; the rest follows from the contents) */
    bool ferr;        /* this processor drives FERR# */
    uint16_t fop;     /* opcode of the last non-control instruction: 11 bits */
    uint16_t fcs, fds;
};

extern const struct sim_field fpu_fields[];

/* After RESET (init = false) or FNINIT. */
void fpu_reset(struct cpu *cpu, bool fninit);

/* The tag word in full: two bits a register, 0 valid, 1 zero, 2 special, 3 empty. */
uint16_t fpu_tag_word(const struct cpu_fpu *fpu);
void fpu_set_tag_word(struct cpu_fpu *fpu, uint16_t tags);

/* To be called first by instructions that wait (all x87 ones but FNxxx, and MMX): when an unmasked exception is pending it raises #MF, or with
 * CR0.NE clear asserts FERR# and, unless IGNNE# is active, freezes the processor in front of the instruction until an interrupt comes.
 * SDM Vol. 1, "x87 FPU exception synchronization", "MS-DOS compatibility sub-mode". */
void fpu_check_pending(struct cpu *cpu, const struct cpu_insn *i);

/* An instruction that may take back the pending exception (writes the control or status word) calls fpu_may_settle() before it has any
 * effect, for FERR# may fall, and fpu_settle() when both words are written: it makes ES and B agree with them. */
void fpu_may_settle(struct cpu *cpu, const struct cpu_insn *i);
void fpu_settle(struct cpu *cpu);

/* The first 160 bytes of an FXSAVE or XSAVE area, but for MXCSR and MXCSR_MASK (bytes 24 to 31), which stay as they are. `wide`: with REX.W,
 * 64-bit pointers instead of selectors. SDM Vol. 1, "FXSAVE area". */
enum { FPU_IMAGE_BYTES = 160 };
void fpu_save_image(const struct cpu_fpu *fpu, uint8_t image[FPU_IMAGE_BYTES], bool wide);
/* The way back; fpu_settle() is still to come. */
void fpu_load_image(struct cpu_fpu *fpu, const uint8_t image[FPU_IMAGE_BYTES], bool wide);

/* To be called by an MMX instruction when nothing can fail any more: TOP becomes 0, all tags valid. */
static inline void fpu_enter_mmx(struct cpu_fpu *fpu)
{
    fpu->sw &= (uint16_t)~FPU_SW_TOP;
    fpu->valid = 0xff;
}

#endif
