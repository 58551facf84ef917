/*
 * What the tests that ask the host know of its maker.
 *
 * libsim does what the SDM says, and so do Intel's processors. Those of AMD (and Hygon, of the same design) do something else in the cases
 * of this list, and in no other: a test asks host_rule() when it has met exactly such a case, and still requires what the list says.
 * At the end host_rules_report() names the rules that were needed.
 *
 * Sources: AMD64 Architecture Programmer's Manual ("APM"), volumes 1 to 5; where the manual is silent, what such a processor was seen to do.
 */
#ifndef LIBSIM_TESTCASES_HOST_VENDOR_H
#define LIBSIM_TESTCASES_HOST_VENDOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

/* X(name, instruction, field, condition, what it is there, source) */
#define HOST_RULES(X)                                                                                                                                 \
    X(SAVED_POINTERS, "FXSAVE, XSAVE and their kin", "FOP, FIP, FDP in memory", "FSW.ES is 0",                                                        \
      "zeros with CPUID Fn8000_0008 EBX.XSaveErPtr, else not written", "APM Vol. 2, \"Saving Media and x87 State\"; Vol. 3, CPUID")                   \
    X(RESTORED_POINTERS, "FXRSTOR, XRSTOR and their kin", "FOP, FIP, FDP", "FSW.ES loaded is 0, no CPUID Fn8000_0008 EBX.XSaveErPtr",                 \
      "not loaded", "APM Vol. 2, \"Saving Media and x87 State\"")                                                                                     \
    X(MXCSR_MM, "FXSAVE, XSAVE; FXRSTOR, XRSTOR, LDMXCSR", "MXCSR_MASK bit 17; MXCSR.MM", "CPUID Fn8000_0001 ECX.MisAlignSse",                        \
      "not reserved", "APM Vol. 2, \"MXCSR\"; Vol. 1, \"Misaligned Exception Mask\"")                                                                 \
    X(TINY_UNCHANGED, "FSCALE by zero, FPREM and FPREM1 by infinity", "result, #U", "ST0 is denormal and stays so, #U is unmasked",                   \
      "#U with the scaled result; Intel's raise none", "seen")                                                                                        \
    X(HALF_INEXACT, "VCVTPS2PH", "MXCSR.PE", "#U is unmasked, the element a denormal, not taken for zero, of 11 bits",                                \
      "not noted, for the scaled result is exact", "seen")                                                                                            \
    X(DOT_PRODUCT, "DPPS, DPPD, VDPPS, VDPPD", "which NaN", "two summands at least are NaNs",                                                         \
      "that of (p0 + p1) + (p2 + p3), one sum for all elements, first operand first", "APM Vol. 4, \"DPPS\"")                                         \
    X(NEAR_BRANCH, "near CALL, JMP, Jcc, LOOPcc, JRCXZ, RET", "operand size", "66h in 64-bit mode",                                                   \
      "16 bits; the SDM has the prefix ignored", "APM Vol. 3, \"Near Branches in 64-Bit Mode\"")                                                      \
    X(REPEATED_LOOP, "LOOPE, LOOPNE", "the condition", "F2h or F3h before it",                                                                        \
      "LOOPNE with F2h, LOOPE with F3h; the SDM has the prefix ignored", "seen")                                                                      \
    X(PAUSE_R8, "PAUSE", "registers", "REX.B",                                                                                                        \
      "XCHG R8, RAX", "APM Vol. 3, \"XCHG\", \"REX Prefix\"")                                                                                         \
    X(PREFETCH_REGISTER, "0F 0D (PREFETCHW)", "#UD", "a register for an operand",                                                                     \
      "#UD; on Intel's processors NOP", "APM Vol. 3, \"PREFETCH\"")                                                                                   \
    X(DOUBLE_SHIFT, "SHLD, SHRD", "result, flags", "16 bits and a count of 17 to 31",                                                                 \
      "another undefined one", "APM Vol. 3, \"SHLD\"; so SDM Vol. 2B")                                                                                \
    X(MOVSXD_16, "MOVSXD", "bytes read", "66h without REX.W",                                                                                         \
      "4, where the SDM has 2", "APM Vol. 3, \"MOVSXD\"")                                                                                             \
    X(LOCK_VERW, "VERW", "#UD", "LOCK, a memory operand",                                                                                             \
      "may be none: the prefix is ignored", "seen; the SDM has #UD")                                                                                  \
    X(LOCK_MOV_CR0, "MOV from and to CR0", "#UD", "LOCK, CPUID Fn8000_0001 ECX.AltMovCr8",                                                            \
      "none: it is MOV of CR8, so #GP(0) at CPL 3", "APM Vol. 3, \"MOV CRn\"")                                                                        \
    X(UD1_LENGTH, "UD0, UD1", "#UD, #PF", "what follows ModRM cannot be fetched",                                                                          \
      "#UD", "seen")                                                                                                                                  \
    X(REPEATED_COMPARE, "REPcc CMPS, SCAS", "status flags", "a fault or a trap between two iterations",                                               \
      "those of the last iteration, not of before", "seen; SDM Vol. 2B, \"REP\"")                                                                     \
    X(COMPARE_ORDER, "CMPS", "fault", "both operands fault",                                                                                          \
      "that of DS:rSI", "seen")                                                                                                                       \
    X(ALIGNMENT_LAST, "all that access memory", "#AC", "unaligned and not canonical",                                                                 \
      "#GP or #SS", "APM Vol. 2, \"Exception Priorities\"")                                                                                           \
    X(VECTOR_ALIGNMENT, "SSE and AVX, operands that need not be aligned", "#AC", "more than 8 bytes, unaligned, EFLAGS.AC",                           \
      "#AC", "APM Vol. 4, \"Instruction Exceptions\"")                                                                                                \
    X(SHA_ALIGNMENT, "SHA", "#GP", "a memory operand is not aligned",                                                                                 \
      "none", "seen")                                                                                                                                 \
    X(VPERMQ_W, "VPERMQ, VPERMPD", "#UD", "VEX.W is 0",                                                                                               \
      "none", "seen; the SDM and APM Vol. 4 have W1 alone")                                                                                           \
    X(SEGMENT_SLOT, "PUSH, POP of segment registers", "bytes on the stack", "32-bit operands, not in 64-bit mode",                                      \
      "4, of which PUSH clears the upper half; Intel's touch 2", "APM Vol. 3, \"PUSH\"; SDM Vol. 2B, \"PUSH\" allows both")                              \
    X(FAR_RETURN, "far RET, IRET", "fault", "a slot of the stack faults, the outer stack's too if RPL is not CPL, and so does the selector",            \
      "that of the slot: all are read first, CS as wide as the others", "seen")                                                                        \
    X(WRAPPED, "all that access memory", "fault", "an operand goes beyond offset FFFFFFFFh, not in 64-bit mode",                                       \
      "#GP(0), #SS(0)", "seen; SDM Vol. 3A, \"Limit Checking\" leaves it to the implementation")                                                     \
    X(MASKED_WRAP, "VMASKMOV, VPMASKMOV", "addresses, faults", "an element comes behind offset FFFFh or FFFFFFFFh",                                                 \
      "the element's address wraps, and it may fault though it is not selected", "seen; APM Vol. 4, \"VMASKMOVPS\" leaves the fault open")              \
    X(MASKED_NONE, "MASKMOVQ, MASKMOVDQU", "#PF", "no byte is selected, and the page is not there",                                                             \
      "#PF", "seen; SDM Vol. 2B, \"MASKMOVDQU\" leaves it to the implementation")                                                                         \
    X(BASED_CANONICAL, "all that access memory by FS or GS", "#GP", "64-bit mode, the offset is not canonical, but with the base it is",                     \
      "#GP(0)", "seen")                                                                                                                                \
    X(BRANCH_AT_END, "Jcc, LOOPcc, JrCXZ", "#GP", "not in 64-bit mode, the last byte is the code segment's last one, and it branches",                    \
      "#GP(0), as if it went on behind it", "seen, of family 1Ah; the SDM asks of the target alone")                                                   \
    X(UNALIGNED_STACK, "CMPXCHG16B", "fault", "the operand is unaligned and not canonical, its segment SS",                                           \
      "#GP(0), for the alignment, not #SS(0)", "seen; the SDM does not say which comes first")                                                        \
    X(VEX_W_UD, "VPINSRD, VPEXTRD", "#UD", "VEX.W is 1, not in 64-bit mode",                                                                          \
      "#UD; Intel's ignore the bit, as SDM Vol. 2B, \"PINSRB/PINSRD/PINSRQ\" says", "seen")                                                           \
    X(GATHER_MASK, "VGATHER, VPGATHER", "mask elements not reached, bits above XMM", "an element faults",                                             \
      "as they were: no sign all over the elements, no zeros above", "seen; SDM Vol. 2C leaves it open")

enum host_rule {
#define HOST_RULE_NAME(name, ...) HOST_##name,
    HOST_RULES(HOST_RULE_NAME)
#undef HOST_RULE_NAME
    HOST_RULE_COUNT
};

static unsigned long host_rules_used[HOST_RULE_COUNT];

static inline uint32_t host_cpuid(uint32_t leaf, char reg)
{
    uint32_t a = 0, b = 0, c = 0, d = 0;

#if defined(__x86_64__) || defined(__i386__)
    __get_cpuid_count(leaf, 0, &a, &b, &c, &d);
#endif
    return reg == 'a' ? a : reg == 'b' ? b : reg == 'c' ? c : d;
}

/* AuthenticAMD, HygonGenuine. */
static inline bool host_is_amd(void)
{
    uint32_t b = host_cpuid(0, 'b');

    return b == 0x68747541 || b == 0x6f677948;
}

/* The FPU's pointers are saved and loaded whether an exception is pending or not; as zeros, if none is. */
static inline bool host_has_xsaveerptr(void) { return host_cpuid(0x80000008, 'b') >> 2 & 1; }

static inline bool host_has_misalignsse(void) { return host_cpuid(0x80000001, 'c') >> 7 & 1; }

static inline bool host_has_altmovcr8(void) { return host_cpuid(0x80000001, 'c') >> 4 & 1; }

/* May the case at hand, which is just what the rule says, differ on this host? */
static inline bool host_rule(enum host_rule rule)
{
    static int amd = -1;

    if (amd < 0)
        amd = host_is_amd();
    host_rules_used[rule] += (unsigned long)amd;
    return amd;
}

/* HOST_HALF_INEXACT: a denormal whose bits are not too many for half precision, if its exponent had no end. */
static inline bool host_half_is_exact(uint32_t single)
{
    uint32_t v = single & 0x7fffffff;

    return v && v < 0x00800000 && v / (v & -v) < 1 << 11;
}

static inline void host_rules_report(void)
{
    static const struct { const char *instruction, *field, *condition, *there, *source; } rules[] = {
#define HOST_RULE_ROW(name, ...) { __VA_ARGS__ },
        HOST_RULES(HOST_RULE_ROW)
#undef HOST_RULE_ROW
    };

    for (unsigned n = 0; n < HOST_RULE_COUNT; n++)
        if (host_rules_used[n])
            printf("AMD host, %lu cases: %s: %s, when %s: %s (%s)\n", host_rules_used[n], rules[n].instruction, rules[n].field, rules[n].condition,
                   rules[n].there, rules[n].source);
}

#endif
