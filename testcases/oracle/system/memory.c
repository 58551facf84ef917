/* Memory and descriptors as numbers. */
#include "testcases/oracle/system/harness.h"

void put16(u32 at, u16 value)
{
    *(volatile u16 *)(uintptr_t)at = value;
}

void put32(u32 at, u32 value)
{
    *(volatile u32 *)(uintptr_t)at = value;
}

void put64(u32 at, u64 value)
{
    put32(at, (u32)value);
    put32(at + 4, (u32)(value >> 32));
}

u32 get32(u32 at)
{
    return *(volatile u32 *)(uintptr_t)at;
}

void clear(u32 at, u32 bytes)
{
    uintptr_t to = at, count = bytes / 4;

    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0) : "memory");
}

u64 descriptor(u32 base, u32 limit, u32 attr)
{
    u32 high = (base >> 16 & 0xff) | (attr & 0xff) << 8 | (limit & 0xf0000) | (attr & 0xf000) << 8 | (base & 0xff000000);

    return (u64)high << 32 | base << 16 | (limit & 0xffff);
}

u64 gate(u16 selector, u32 offset, u32 access, u32 count)
{
    return (u64)((offset & 0xffff0000) | access << 8 | count) << 32 | (u32)selector << 16 | (offset & 0xffff);
}

/* One field, or one bit of one. */
u64 broken(u64 d)
{
    switch (below(8)) {
    case 0: return d ^ (u64)A_P << 40;
    case 1: return d ^ (u64)(1 + below(3)) << 45;
    case 2: return d ^ (u64)1 << (40 + below(5));
    case 3: return (d & ~(u64)0xf00000000) ^ (u64)below(32) << 40;
    case 4: return d ^ (u64)1 << (52 + below(4));
    case 5: return d ^ (u64)1 << below(16);
    case 6: return d ^ (u64)1 << (16 + below(24));
    default: return d ^ (u64)1 << (48 + below(16));
    }
}
