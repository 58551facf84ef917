/* Single precision: see sse.inc. */
#include "cpu/fp/round.h"

#define T          fp32
#define BITS       32
#define FRAC       23
#define WIDE       uint64_t
#define wide_clz   fp_clz64
#define INDEFINITE FP32_INDEFINITE

#include "cpu/fp/sse.inc"
