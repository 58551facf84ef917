/*
 * Single bits: BT and its kin, BSF, BSR.
 *
 * Undefined: BT, BTS, BTR, BTC leave OF, SF, AF and PF alone. BSF and BSR clear CF, AF, SF and OF, and set PF by the index (of a zero
 * source: as for 0); with a zero source they leave the destination alone. So do current Intel processors, by the oracle test.
 */
#include "cpu/exec.h"

/* With a register as bit offset and memory as base, the offset is signed and reaches beyond the operand: SDM Vol. 1, "Bit and byte
 * instructions". This is how far away the word is that holds the bit, in bytes. */
#define BIT_WORD()  ((uint64_t)((int64_t)flags_sext(exec_reg(cpu, i->src, WIDTH), WIDTH) >> (WIDTH == 16 ? 4 : WIDTH == 32 ? 5 : 6)) * BYTES)
#define BIT_INDEX() ((unsigned)READ_SRC() & (WIDTH - 1))

/* SDM Vol. 2A, "BT". */
CPU_BODY(bt)
{
    unsigned bit = BIT_INDEX();
    uint64_t v;

    if (FORM != FORM_MR)
        v = PEEK_DST();
    else if (FAST)
        v = FLAT_READ(FLAT_CUT(FLAT_OPERAND() + BIT_WORD()), BYTES);
    else
        v = mem_read(cpu, i, mem_segment(cpu, i, i->seg, insn_ad_cut(i, mem_offset(cpu, i) + BIT_WORD()), BYTES, MEM_READ), BYTES);
    flags_set_cf(cpu, v >> bit & 1);
    CONTINUE;
}
CPU_TEMPLATE_RMI_V(bt)

/* SDM Vol. 2A, "BTS", "BTR", "BTC". */
#define BIT_CHANGE(name, change)                                                                                             \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        uint64_t bit = 1ull << BIT_INDEX(), v;                                                                               \
                                                                                                                             \
        if (FORM != FORM_MR)                                                                                                 \
            v = READ_DST();                                                                                                  \
        else if (FAST)                                                                                              \
            v = exec_load(rmw_.host = FLAT_HOST(fast_write, FLAT_CUT(FLAT_OPERAND() + BIT_WORD()), BYTES), WIDTH);         \
        else                                                                                                                 \
            v = mem_rmw_read(cpu, i, mem_segment(cpu, i, i->seg, insn_ad_cut(i, mem_offset(cpu, i) + BIT_WORD()), BYTES,      \
                                                 MEM_RMW), BYTES, &rmw_);                                                    \
        WRITE_DST(change);                                                                                                   \
        flags_set_cf(cpu, v & bit);                                                                                          \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    CPU_TEMPLATE_RMI_V(name)
BIT_CHANGE(bts, v | bit)
BIT_CHANGE(btr, v & ~bit)
BIT_CHANGE(btc, v ^ bit)

/* SDM Vol. 2A, "BSF", "BSR". */
#define BIT_SCAN(name, scan)                                                                                                 \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        uint64_t v = READ_SRC(), index = v ? (uint64_t)(scan) : 0;                                                           \
                                                                                                                             \
        if (v)                                                                                                               \
            exec_set_reg(cpu, i->dst, WIDTH, index);                                                                         \
        cpu->cc = (struct cpu_cc){ .z = v, .res = index };                                                                   \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    CPU_TEMPLATE_LOAD(name)
BIT_SCAN(bsf, __builtin_ctzll(v))
BIT_SCAN(bsr, 63 - __builtin_clzll(v))
