/*
 * Gathers: SDM Vol. 2C, "VGATHERDPD/VGATHERQPD" and the like, "VPGATHERDD/VPGATHERQD".
 *
 * Elements are loaded in order. When one faults, those before it are in the destination and their mask bits clear, so that the instruction goes
 * on where it was; the run loop takes them from cpu->partial. When the instruction is left for another reason, nothing has happened.
 * Alignment is not checked: current Intel processors do not, by the oracle test.
 */
#include "cpu/ops/simd_host.h"

static uint64_t element_offset(struct cpu *cpu, const struct cpu_insn *i, uint64_t index)
{
    return insn_ad_cut(i, cpu->reg[i->base] + (index << i->scale) + (uint64_t)(int64_t)i->disp);
}

static void check_registers(struct cpu *cpu, const struct cpu_insn *i)
{
    if (i->dst != i->index && i->dst != insn_vvvv(i) && i->index != insn_vvvv(i))
        return;
    cpu->cur = i;
    cpu_raise(cpu, VEC_UD, 0, CPU_CAUSE_UD_GATHER);
}

/* Each element of the mask, used or not, is all ones or zero before the first is loaded; what lies above the vector's length is zero. */
static void settle_mask(union cpu_vector *mask, unsigned size, unsigned bytes)
{
    for (unsigned n = 0; n < 32; n++)
        mask->b[n] = n < bytes && mask->b[(n / size + 1) * size - 1] & 0x80 ? 0xff : 0;
}

/* Elements of `size` bytes by indices of `index_size`: as many as there is room for of the wider ones in the vector's `bytes`. */
static inline unsigned gather(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes, unsigned size, unsigned index_size)
{
    struct cpu_partial *p = &cpu->partial;
    const union cpu_vector *index = &cpu->vector[i->index];
    unsigned count = bytes / (size > index_size ? size : index_size);

    check_registers(cpu, i);
    *p = (struct cpu_partial){ .valid = true, .reg = { i->dst, (uint8_t)insn_vvvv(i) } };
    p->value[0] = cpu->vector[i->dst];
    p->value[1] = cpu->vector[insn_vvvv(i)];
    settle_mask(&p->value[1], size, bytes);
    for (unsigned n = 0; n < count; n++) {
        uint64_t at = index_size == 4 ? (uint64_t)(int32_t)index->d[n] : index->q[n], v;

        if (!p->value[1].b[n * size])
            continue;
        cpu->cur = i;
        v = mem_read_as(cpu, simd_element(cpu, i, element_offset(cpu, i, at), size, MEM_READ), size, cpu->cpl == 3);
        memcpy(p->value[0].b + n * size, &v, size);
        memset(p->value[1].b + n * size, 0, size);
        memset(p->value[0].b + bytes, 0, 32 - bytes);
    }
    memset(p->value[0].b + count * size, 0, 32 - count * size);
    cpu->vector[p->reg[0]] = p->value[0];
    memset(&cpu->vector[p->reg[1]], 0, sizeof(cpu->vector[0]));
    p->valid = false;
    CONTINUE;
}

#define GATHER(name, size, index_size)                                                                            \
    static unsigned name##_avx128_m(struct cpu *cpu, const struct cpu_insn *i) { return gather(cpu, i, 16, size, index_size); } \
    static unsigned name##_avx256_m(struct cpu *cpu, const struct cpu_insn *i) { return gather(cpu, i, 32, size, index_size); } \
    SIMD_TABLE(name, SIMD_SLOT_MEMORY(name, avx128) SIMD_SLOT_MEMORY(name, avx256))
GATHER(vpgatherdd, 4, 4)
GATHER(vpgatherdq, 8, 4)
GATHER(vpgatherqd, 4, 8)
GATHER(vpgatherqq, 8, 8)
