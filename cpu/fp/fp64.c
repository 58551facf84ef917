/* Double precision: see sse.inc. */
#include "cpu/fp/round.h"

#define T          fp64
#define BITS       64
#define FRAC       52
#define WIDE       fp_u128
#define wide_clz   fp_clz128
#define INDEFINITE FP64_INDEFINITE

#include "cpu/fp/sse.inc"
