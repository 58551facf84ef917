/* The code of a case's routines, byte by byte; each instruction is noted with its place, so that the logger can go on behind one that has faulted. */
#include "testcases/oracle/system/harness.h"

struct routine_out out;
struct insn insns[MAX_INSNS];
unsigned insn_count;

u32 routine_offset(unsigned routine)
{
    return (routine >= 5 ? 0x1000 - 5 * ROUTINE_BYTES : 0) + routine * ROUTINE_BYTES;
}

void byte(u32 v)
{
    if (out.at < out.end)
        *(volatile u8 *)(uintptr_t)(CODE_AT + out.at++) = (u8)v;
}

void bytes(u64 v, unsigned n)
{
    for (; n; n--, v >>= 8)
        byte((u8)v);
}

void insn(const char *name)
{
    if (insn_count < MAX_INSNS)
        insns[insn_count++] = (struct insn){ out.at, name, false };
}

int insn_at(u32 off)
{
    for (unsigned n = 0; n < insn_count; n++)
        if (insns[n].off == off)
            return (int)n;
    return -1;
}
