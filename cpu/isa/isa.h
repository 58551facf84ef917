/*
 * The instruction table.
 *
 * Every form of the instruction set has a row here, built or not. The decoder, the coverage report (`sim --isa-coverage`), the
 * timing classes and the documentation are derived from the rows; there is no other list of instructions.
 *
 * Rows stand in cpu/isa/NAME.def, one file for each group, as
 *
 *     INSN(map, opcode, ext, "mnemonic", op0, op1, op2, handlers, attributes, isa_set, flags_written, flags_undefined, "SDM 2A, ADD")
 *
 *   map        MAP0 (one byte), MAP0F, MAP0F38, MAP0F3A
 *   opcode     the byte; a row that names a register in its low three bits (PLUSR) covers eight
 *   ext        ModRM /digit 0..7, ANY (no digit: /r), NONE (no ModRM), or MOD3(reg, rm) for single encodings
 *   op0..op2   operand codes, Intel order: Eb Ev Gb Gv Ib Iz Jz M Sw ... (enum isa_operand); the memory and the register form of an E
 *              operand are two forms of one row
 *   handlers   T(name): templated handlers cpu_handlers_<name>; P(name): plain op_<name>; U: listed, not built yet (decodes to #UD)
 *   attributes ISA_LOCK (LOCK allowed on memory form), ISA_REP, ISA_REPE, ISA_END (ends a block), ISA_ALONE (always a block of its own),
 *              ISA_PM (#UD in real and VM86 mode), ISA_CPL0, ISA_NO64, ISA_ONLY64, ISA_MEMONLY, ISA_REGONLY, ISA_COND...
 *   isa_set    the extension: I8086 I186 I286 I386 I486 PENTIUM PPRO CMOV ... each with its tier and CPUID bit in sets.def
 *   flags_*    EFL_* masks; what an undefined flag becomes here is said in the handler
 */
#ifndef LIBSIM_CPU_ISA_ISA_H
#define LIBSIM_CPU_ISA_ISA_H

#include "base/buf.h"
#include "cpu/exec.h"

/* (The operand codes, attributes, row struct and index follow here: written with the decoder.) */

#endif
