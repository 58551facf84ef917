/*
 * What bodies of vector operations share: choosing by a mask, and intrinsics that stand in for a portable body.
 */
#ifndef LIBSIM_CPU_OPS_SIMD_HOST_H
#define LIBSIM_CPU_OPS_SIMD_HOST_H

#include "cpu/simd.h"

typedef uint64_t simd_vq __attribute__((vector_size(16)));

/* Bits of x where the mask is one, of y elsewhere. */
static inline __attribute__((always_inline)) union simd_lane simd_select(union simd_lane mask, union simd_lane x, union simd_lane y)
{
    return (union simd_lane){ .vq = (x.vq & mask.vq) | (y.vq & ~mask.vq) };
}

/* The linear address of an element whose alignment is never checked: its ends are looked at as bytes. */
static inline sim_laddr simd_element(struct cpu *cpu, const struct cpu_insn *i, uint64_t off, unsigned size, enum mem_access access)
{
    sim_laddr laddr = mem_segment(cpu, i, i->seg, off, 1, access);

    if (size > 1)
        mem_segment(cpu, i, i->seg, off + size - 1, 1, access);
    return laddr;
}

/* In a lane body: returns what the host's own instruction makes of a and b. The portable lines behind it say what that is; a build with
 * -DSIM_PORTABLE_SIMD has nothing else, and the oracle test holds them equal. */
#if defined(__SSE2__) && !defined(SIM_PORTABLE_SIMD)
#include <emmintrin.h>
#define SIMD_HOST_SSE2 1
#define SIMD_HOST(intrinsic) return (union simd_lane){ .vq = (simd_vq)intrinsic((__m128i)a.vq, (__m128i)b.vq) }
#else
#define SIMD_HOST_SSE2 0
#define SIMD_HOST(intrinsic) ((void)0)
#endif

#endif
