/*
 * State components that the XSAVE instructions manage: which there are, and where they stand in an area.
 * SDM Vol. 1, "Managing state using the XSAVE feature set".
 */
#ifndef LIBSIM_CPU_XSAVE_H
#define LIBSIM_CPU_XSAVE_H

#include "base/types.h"

struct cpu;
struct cpu_model;

enum {
    XSAVE_X87 = 1, XSAVE_SSE = 2, XSAVE_AVX = 4, XSAVE_PKRU = 1 << 9,
    XSAVE_LEGACY_BYTES = 512, XSAVE_HEADER_BYTES = 64, XSAVE_MAX_BYTES = 2696
};
#define XSAVE_COMPACTED (1ull << 63)

/* One of the components behind the header. */
struct xsave_component {
    unsigned number, size, offset; /* offset in the standard format */
};
extern const struct xsave_component xsave_components[];
extern const unsigned xsave_component_count;

/* Bits of XCR0 that the model has. */
uint64_t xsave_supported(const struct cpu_model *model);
/* Bytes of an area that holds these components. */
uint32_t xsave_bytes(uint64_t components, bool compacted);

#endif
