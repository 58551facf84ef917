/*
 * Elements that go in or out of a vector, and moves of those that a mask chooses.
 */
#include "cpu/code.h"
#include "cpu/ops/simd_host.h"

/* ---- Insertion: SDM Vol. 2B, "PINSRB/PINSRD/PINSRQ", "PINSRW" ---- */

/* The source is a general register or memory of `size` bytes. */
static inline __attribute__((always_inline)) uint64_t element_source(struct cpu *cpu, const struct cpu_insn *i, unsigned size)
{
    uint64_t v = 0;

    if (!(i->flags & INSN_MEM))
        return exec_reg(cpu, i->src, size * 8);
    memcpy(&v, simd_source(cpu, i, size, SIMD_UNALIGNED), size);
    return v;
}
static inline unsigned wide_bytes(const struct cpu_insn *i) { return i->flags & INSN_OP64 ? 8 : 4; }

#define INSERT(name, size)                                                                                                   \
    static inline union simd_lane name(struct cpu *cpu, const struct cpu_insn *i, unsigned into)                             \
    {                                                                                                                        \
        uint64_t v = element_source(cpu, i, size);                                                                           \
        union simd_lane r = simd_load(&cpu->vector[into]);                                                                   \
                                                                                                                             \
        memcpy(r.b + (insn_imm8(i) * (size) & 15), &v, size);                                                                \
        return r;                                                                                                            \
    }                                                                                                                        \
    static unsigned name##_sse(struct cpu *cpu, const struct cpu_insn *i)                                                    \
    {                                                                                                                        \
        simd_put_xmm(cpu, i->dst, name(cpu, i, i->dst));                                                                     \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    static unsigned name##_avx128(struct cpu *cpu, const struct cpu_insn *i)                                                 \
    {                                                                                                                        \
        simd_set_xmm(cpu, i->dst, name(cpu, i, insn_vvvv(i)));                                                               \
        CONTINUE;                                                                                                            \
    }
#define BOTH(name, kind) [SIMD_KIND_##kind] = { name##_##kind, name##_##kind },
INSERT(pinsrb, 1)
INSERT(pinsrw, 2)
INSERT(pinsrd, wide_bytes(i))
SIMD_TABLE(pinsrb, BOTH(pinsrb, sse) BOTH(pinsrb, avx128))
SIMD_TABLE(pinsrd, BOTH(pinsrd, sse) BOTH(pinsrd, avx128))

static unsigned pinsrw_mmx(struct cpu *cpu, const struct cpu_insn *i)
{
    unsigned shift = (insn_imm8(i) & 3) * 16;
    uint64_t v;

    simd_mmx_wait(cpu, i);
    v = element_source(cpu, i, 2);
    simd_set_mmx(cpu, i->dst, (simd_mmx(cpu, i->dst) & ~(0xffffull << shift)) | v << shift);
    CONTINUE;
}
SIMD_TABLE(pinsrw, BOTH(pinsrw, sse) BOTH(pinsrw, avx128) BOTH(pinsrw, mmx))

/* SDM Vol. 2A, "INSERTPS": bits 7:6 choose the source's element when it is a register, 5:4 the place, 3:0 what becomes zero. */
static inline union simd_lane insertps(union simd_lane a, uint32_t v, unsigned choice)
{
    a.d[choice >> 4 & 3] = v;
    for (unsigned n = 0; n < 4; n++)
        a.d[n] = choice >> n & 1 ? 0 : a.d[n];
    return a;
}
static inline uint32_t insertps_source(struct cpu *cpu, const struct cpu_insn *i)
{
    if (i->flags & INSN_MEM)
        return (uint32_t)element_source(cpu, i, 4);
    return cpu->vector[i->src].d[insn_imm8(i) >> 6];
}
static unsigned insertps_sse(struct cpu *cpu, const struct cpu_insn *i)
{
    uint32_t v = insertps_source(cpu, i);

    simd_put_xmm(cpu, i->dst, insertps(simd_load(&cpu->vector[i->dst]), v, insn_imm8(i)));
    CONTINUE;
}
static unsigned insertps_avx128(struct cpu *cpu, const struct cpu_insn *i)
{
    uint32_t v = insertps_source(cpu, i);

    simd_set_xmm(cpu, i->dst, insertps(simd_load(&cpu->vector[insn_vvvv(i)]), v, insn_imm8(i)));
    CONTINUE;
}
SIMD_TABLE(insertps, BOTH(insertps, sse) BOTH(insertps, avx128))

/* ---- Extraction: SDM Vol. 2B, "PEXTRB/PEXTRD/PEXTRQ", "PEXTRW"; Vol. 2A, "EXTRACTPS" ---- */

/* To memory the element alone; in a general register the rest becomes zero. */
#define EXTRACT(name, size)                                                                                                  \
    static unsigned name##_x(struct cpu *cpu, const struct cpu_insn *i)                                                      \
    {                                                                                                                        \
        uint64_t v = 0;                                                                                                      \
                                                                                                                             \
        memcpy(&v, cpu->vector[i->src].b + (insn_imm8(i) * (size) & 15), size);                                              \
        rm_write(cpu, i, i->flags & INSN_MEM ? (size) : 8, v);                                                               \
        CONTINUE;                                                                                                            \
    }                                                                                                                        \
    SIMD_TABLE(name, [SIMD_SSE] = { name##_x, name##_x }, [SIMD_AVX128] = { name##_x, name##_x })
EXTRACT(pextrb, 1)
EXTRACT(pextrw_store, 2)
EXTRACT(pextrd, wide_bytes(i))
EXTRACT(extractps, 4)

/* The older PEXTRW: ModRM the other way round. */
static unsigned pextrw_x(struct cpu *cpu, const struct cpu_insn *i)
{
    exec_set_reg(cpu, i->dst, 32, cpu->vector[i->src].w[insn_imm8(i) & 7]);
    CONTINUE;
}
static unsigned pextrw_mmx_r(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    exec_set_reg(cpu, i->dst, 32, simd_mmx(cpu, i->src) >> (insn_imm8(i) & 3) * 16 & 0xffff);
    fpu_enter_mmx(&cpu->fpu);
    CONTINUE;
}
SIMD_TABLE(pextrw, [SIMD_SSE] = { pextrw_x, NULL }, [SIMD_AVX128] = { pextrw_x, NULL }, SIMD_SLOT_REGISTER(pextrw, mmx))

/* SDM Vol. 2C, "VEXTRACTF128". */
static unsigned vextractf128_r(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_set_xmm(cpu, i->dst, simd_load(cpu->vector[i->src].b + (insn_imm8(i) & 1) * 16));
    CONTINUE;
}
static unsigned vextractf128_m(struct cpu *cpu, const struct cpu_insn *i)
{
    return simd_store_miss(cpu, i, 16, SIMD_UNALIGNED, cpu->vector[i->src].b + (insn_imm8(i) & 1) * 16);
}
SIMD_TABLE(vextractf128, [SIMD_AVX256] = { vextractf128_r, vextractf128_m })

/* ---- Masked moves ---- */

/* Some elements of an operand in memory. The others are not accessed, and so do not fault; alignment is never checked. */
struct masked {
    uint64_t off;   /* of the first element in its segment */
    unsigned count, size;
    uint32_t mask;  /* bit n: element n */
    sim_laddr laddr[16]; /* of elements that count */
};

/* With 16-bit addressing an operand goes on above FFFFh; that of MASKMOVDQU is two, of 8 bytes each. So do current Intel processors, by the
 * oracle test. */
static uint64_t element_offset(const struct cpu_insn *i, const struct masked *m, unsigned n)
{
    uint64_t off = m->off + n * m->size;

    if (i->flags & (INSN_AD32 | INSN_AD64))
        return insn_ad_cut(i, off);
    return m->size > 1 ? off : insn_ad_cut(i, m->off + (n & 8)) + (n & 7);
}

/* What the segment has to say comes first. */
static void masked_addresses(struct cpu *cpu, const struct cpu_insn *i, struct masked *m, enum mem_access access)
{
    cpu->cur = i;
    for (unsigned n = 0; n < m->count; n++)
        if (m->mask >> n & 1)
            m->laddr[n] = simd_element(cpu, i, element_offset(i, m, n), m->size, access);
}

static void masked_read(struct cpu *cpu, const struct cpu_insn *i, struct masked *m, uint8_t *to)
{
    masked_addresses(cpu, i, m, MEM_READ);
    for (unsigned n = 0; n < m->count; n++)
        if (m->mask >> n & 1) {
            uint64_t v = mem_read_as(cpu, m->laddr[n], m->size, cpu->cpl == 3);

            memcpy(to + n * m->size, &v, m->size);
        }
}

/* As single bytes, one of each page, so that alignment does not count. */
static void probe_element(struct cpu *cpu, sim_laddr laddr, unsigned size)
{
    unsigned left = SIM_PAGE_SIZE - (unsigned)(laddr & SIM_PAGE_MASK);
    sim_laddr next = laddr + left;

    mem_probe_write_as(cpu, laddr, 1, cpu->cpl == 3);
    if (left < size)
        mem_probe_write_as(cpu, cpu->mode & MODE_L ? next : (uint32_t)next, 1, cpu->cpl == 3);
}

/* All are checked before the first is written. */
static void masked_write(struct cpu *cpu, const struct cpu_insn *i, struct masked *m, const uint8_t *from)
{
    masked_addresses(cpu, i, m, MEM_WRITE);
    for (unsigned n = 0; n < m->count; n++)
        if (m->mask >> n & 1)
            probe_element(cpu, m->laddr[n], m->size);
    for (unsigned n = 0; n < m->count; n++)
        if (m->mask >> n & 1) {
            uint64_t v = 0;

            memcpy(&v, from + n * m->size, m->size);
            mem_write_as(cpu, m->laddr[n], m->size, v, cpu->cpl == 3);
        }
}

/* The same where the whole operand lies at hand. */
static void masked_copy(uint8_t *to, const uint8_t *from, const struct masked *m)
{
    for (unsigned n = 0; n < m->count; n++)
        if (m->mask >> n & 1)
            memcpy(to + n * m->size, from + n * m->size, m->size);
}

/* Sign bits of the elements of a register. */
static uint32_t mask_of(const uint8_t *v, unsigned count, unsigned size)
{
    uint32_t mask = 0;

    for (unsigned n = 0; n < count; n++)
        mask |= (uint32_t)(v[(n + 1) * size - 1] >> 7) << n;
    return mask;
}

/* SDM Vol. 2C, "VMASKMOV", "VPMASKMOV". The mask is in vvvv; what it leaves out is zero in a register, and stays in memory. */
static inline unsigned maskmov(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes, unsigned size, bool store)
{
    struct masked m = { .count = bytes / size, .size = size, .mask = mask_of(cpu->vector[insn_vvvv(i)].b, bytes / size, size) };
    union cpu_vector r = { .q = { 0, 0, 0, 0 } };
    uint8_t *p = store ? simd_hit_write(cpu, i, bytes, 1) : (uint8_t *)(uintptr_t)simd_hit(cpu, i, bytes, 1);

    if (!p)
        m.off = mem_offset(cpu, i);
    if (store) {
        if (p)
            masked_copy(p, cpu->vector[i->src].b, &m);
        else
            masked_write(cpu, i, &m, cpu->vector[i->src].b);
        CONTINUE;
    }
    if (p)
        masked_copy(r.b, p, &m);
    else
        masked_read(cpu, i, &m, r.b);
    cpu->vector[i->dst] = r;
    CONTINUE;
}
#define MASKMOV(name, size, store)                                                                                           \
    static unsigned name##_avx128_m(struct cpu *cpu, const struct cpu_insn *i) { return maskmov(cpu, i, 16, size, store); }  \
    static unsigned name##_avx256_m(struct cpu *cpu, const struct cpu_insn *i) { return maskmov(cpu, i, 32, size, store); }  \
    SIMD_TABLE(name, SIMD_SLOT_MEMORY(name, avx128) SIMD_SLOT_MEMORY(name, avx256))
MASKMOV(vmaskmovps, 4, false)
MASKMOV(vmaskmovpd, 8, false)
MASKMOV(vmaskmovps_store, 4, true)
MASKMOV(vmaskmovpd_store, 8, true)

/* SDM Vol. 2B, "MASKMOVDQU", "MASKMOVQ": bytes to the address in (R/E)DI. Whether bytes that are not written may fault is left to the
 * processor; here they do not. */
static void maskmov_bytes(struct cpu *cpu, const struct cpu_insn *i, unsigned count, const void *from, const void *mask)
{
    struct masked m = { .off = insn_ad_cut(i, cpu->reg[CPU_DI]), .count = count, .size = 1, .mask = mask_of(mask, count, 1) };

    masked_write(cpu, i, &m, from);
}
static unsigned maskmovdqu_r(struct cpu *cpu, const struct cpu_insn *i)
{
    maskmov_bytes(cpu, i, 16, &cpu->vector[i->dst], &cpu->vector[i->src]);
    CONTINUE;
}
static unsigned maskmovq_r(struct cpu *cpu, const struct cpu_insn *i)
{
    simd_mmx_wait(cpu, i);
    maskmov_bytes(cpu, i, 8, &cpu->fpu.r[i->dst].mant, &cpu->fpu.r[i->src].mant);
    fpu_enter_mmx(&cpu->fpu);
    CONTINUE;
}
SIMD_TABLE(maskmovdqu, [SIMD_SSE] = { maskmovdqu_r, NULL }, [SIMD_AVX128] = { maskmovdqu_r, NULL })
SIMD_TABLE(maskmovq, [SIMD_MMX] = { maskmovq_r, NULL })
