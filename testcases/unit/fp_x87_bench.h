/* One x87 instruction on this host. */
#ifndef LIBSIM_TESTCASES_FP_X87_BENCH_H
#define LIBSIM_TESTCASES_FP_X87_BENCH_H

#include "cpu/fp/fp.h"

#ifdef __x86_64__

/* FNSAVE's image in 32-bit form. SDM Vol. 1, "x87 FPU State Image in Memory". */
struct __attribute__((packed)) image {
    uint16_t cw, r0, sw, r1, tw, r2;
    uint32_t rest[4];
    struct __attribute__((packed)) { uint64_t mant; uint16_t se; } st[8];
};
enum { C0 = 1 << 8, C1 = 1 << 9, C2 = 1 << 10, C3 = 1 << 14 };

struct native { struct __attribute__((packed)) { uint64_t mant; uint16_t se; } st[2]; uint8_t mem[16]; uint16_t cw; struct image out; };

/* ST0, ST1 = st[0], st[1]; the instruction, whose memory operand is mem. */
#define NATIVE(name, insn)                                                                                         \
    static void native_##name(struct native *n)                                                                    \
    {                                                                                                              \
        __asm__ volatile("fninit\n\tfldt %2\n\tfldt %1\n\tfldcw %3\n\t" insn "\n\tfnsave %0\n\tfninit"             \
                         : "=m"(n->out)                                                                            \
                         : "m"(n->st[0]), "m"(n->st[1]), "m"(n->cw), "r"(n->mem)                                   \
                         : "memory", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");         \
    }

static inline fp80 native_st(const struct native *n, unsigned k)
{
    return (fp80){ n->out.st[k].mant, n->out.st[k].se };
}

static inline bool equal(fp80 a, fp80 b)
{
    return a.mant == b.mant && a.se == b.se;
}

#endif
#endif
