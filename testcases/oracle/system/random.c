/* The same numbers wherever it runs: case n of a seed does not depend on the cases before it. */
#include "testcases/oracle/system/harness.h"

static u32 key, drawn;

static u32 mix(u32 x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

void rnd_seed(u32 seed, u32 number)
{
    key = mix(mix(seed) + number);
    drawn = 0;
}

u32 rnd(void)
{
    return mix(key + ++drawn * 0x9e3779b9u);
}

u32 below(u32 n)
{
    return (u32)((u64)rnd() * n >> 32);
}

bool chance(u32 percent)
{
    return below(100) < percent;
}

u32 flip_bit(u32 mask)
{
    u32 bit;

    do
        bit = 1u << below(32);
    while (!(bit & mask));
    return bit;
}
