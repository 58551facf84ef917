#include "cpu/tlb.h"

#include <stdlib.h>
#include <string.h>

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool tlb_live(const struct cpu_tlb *tlb, const struct tlb_entry *e)
{
    if (!(e->flags & TLB_P))
        return false;
    return e->stamp > (e->flags & TLB_G ? tlb->flushed_global : later(tlb->flushed_all, tlb->flushed_pcid[e->pcid]));
}

/* Can the present address space use it? */
static bool usable(const struct cpu_tlb *tlb, const struct tlb_entry *e)
{
    if (e->flags & TLB_G)
        return e->stamp > tlb->flushed_global;
    return e->flags & TLB_P && e->pcid == tlb->pcid && e->stamp > tlb->flushed_here;
}

static unsigned small_set(sim_laddr laddr)
{
    return (laddr >> 12) & (TLB_SMALL_SETS - 1);
}

/* Large pages of every size share the sets; a lookup asks each size in turn, so the set is taken from the address at
 * the size's own granularity. */
static unsigned large_set(sim_laddr laddr, unsigned shift)
{
    return (laddr >> shift) & (TLB_LARGE_SETS - 1);
}

static const uint8_t large_shifts[] = { 21, 22, 30 };

struct cpu_tlb *tlb_create(void)
{
    struct cpu_tlb *tlb = calloc(1, sizeof(*tlb));

    if (tlb)
        tlb->flushes = 1;
    return tlb;
}

static struct tlb_entry *find_large(const struct cpu_tlb *tlb, sim_laddr laddr)
{
    for (unsigned s = 0; s < sizeof(large_shifts); s++) {
        unsigned shift = large_shifts[s], set = large_set(laddr, shift);

        for (unsigned way = 0; way < TLB_WAYS; way++) {
            const struct tlb_entry *e = &tlb->large[set][way];

            if (e->shift == shift && e->vpage >> (shift - 12) == laddr >> shift && usable(tlb, e))
                return (struct tlb_entry *)e;
        }
    }
    return NULL;
}

const struct tlb_entry *tlb_find(const struct cpu_tlb *tlb, sim_laddr laddr)
{
    const struct tlb_entry *set = tlb->small[small_set(laddr)];
    uint64_t vpage = laddr >> 12;

#pragma GCC unroll 4 /* a page fault asks four times */
    for (unsigned way = 0; way < TLB_WAYS; way++)
        if (set[way].vpage == vpage && usable(tlb, &set[way]))
            return &set[way];
    return tlb->large_used ? find_large(tlb, laddr) : NULL;
}

struct tlb_entry *tlb_fill(struct cpu_tlb *tlb, sim_laddr laddr, sim_paddr paddr, unsigned shift, uint16_t flags,
                           struct tlb_entry *lost)
{
    bool is_large = shift != 12;
    unsigned set = is_large ? large_set(laddr, shift) : small_set(laddr);
    uint8_t *next = is_large ? &tlb->large_next[set] : &tlb->small_next[set];
    struct tlb_entry *e = is_large ? &tlb->large[set][*next] : &tlb->small[set][*next];
    uint64_t pages = 1ull << (shift - 12);

    lost->flags = 0;
    if (tlb_live(tlb, e))
        *lost = *e;
    *next = (*next + 1) % TLB_WAYS;
    e->vpage = (laddr >> 12) & ~(pages - 1);
    e->ppage = (paddr >> 12) & ~(pages - 1);
    e->flags = flags | TLB_P;
    e->shift = (uint8_t)shift;
    e->pcid = tlb->pcid;
    e->stamp = tlb->flushes;
    if (is_large)
        tlb->large_used = true;
    return e;
}

void tlb_set_pcid(struct cpu_tlb *tlb, uint16_t pcid)
{
    tlb->pcid = pcid;
    tlb->flushed_here = later(tlb->flushed_all, tlb->flushed_pcid[pcid]);
}

void tlb_flush_pcid(struct cpu_tlb *tlb, uint16_t pcid)
{
    tlb->flushed_pcid[pcid] = tlb->flushes++;
    tlb_set_pcid(tlb, tlb->pcid);
}

void tlb_flush(struct cpu_tlb *tlb, bool globals_too)
{
    tlb->flushed_all = tlb->flushes;
    if (globals_too) {
        tlb->flushed_global = tlb->flushes;
        tlb->large_used = false;
    }
    tlb->flushes++;
    tlb_set_pcid(tlb, tlb->pcid);
}

uint16_t tlb_invalidate(struct cpu_tlb *tlb, sim_laddr laddr, bool *large)
{
    struct tlb_entry *set = tlb->small[small_set(laddr)], *e;
    uint16_t dropped = 0;

    for (unsigned way = 0; way < TLB_WAYS; way++)
        if (set[way].vpage == laddr >> 12 && usable(tlb, &set[way])) {
            dropped |= set[way].flags;
            set[way].flags = 0;
        }
    *large = false;
    while (tlb->large_used && (e = find_large(tlb, laddr)) != NULL) {
        dropped |= e->flags;
        e->flags = 0;
        *large = true;
    }
    return dropped;
}

void tlb_invalidate_pcid(struct cpu_tlb *tlb, sim_laddr laddr, uint16_t pcid)
{
    struct tlb_entry *set = tlb->small[small_set(laddr)];

    for (unsigned way = 0; way < TLB_WAYS; way++)
        if (set[way].vpage == laddr >> 12 && set[way].pcid == pcid && !(set[way].flags & TLB_G))
            set[way].flags = 0;
    for (unsigned s = 0; s < sizeof(large_shifts); s++) {
        unsigned shift = large_shifts[s];

        set = tlb->large[large_set(laddr, shift)];
        for (unsigned way = 0; way < TLB_WAYS; way++)
            if (set[way].shift == shift && set[way].vpage >> (shift - 12) == laddr >> shift && set[way].pcid == pcid &&
                !(set[way].flags & TLB_G))
                set[way].flags = 0;
    }
}

/* ---- Packing: live entries and the order of replacement ---- */

static void pack_entry(const struct cpu_tlb *tlb, const struct tlb_entry *e, uint32_t index, struct sim_buf *out)
{
    if (!tlb_live(tlb, e))
        return;
    sim_buf_u32(out, index);
    sim_buf_u64(out, e->vpage);
    sim_buf_u64(out, e->ppage);
    sim_buf_u16(out, e->flags & ~TLB_FETCHED);
    sim_buf_u8(out, e->shift);
    sim_buf_u16(out, e->pcid);
}

#define SMALL_COUNT (TLB_SMALL_SETS * TLB_WAYS)
#define ALL_COUNT   (SMALL_COUNT + TLB_LARGE_SETS * TLB_WAYS)

static struct tlb_entry *entry_at(struct cpu_tlb *tlb, uint32_t index)
{
    return index < SMALL_COUNT ? &tlb->small[0][0] + index : &tlb->large[0][0] + (index - SMALL_COUNT);
}

static void tlb_pack(const void *member, struct sim_buf *out)
{
    struct cpu_tlb *tlb = *(struct cpu_tlb *const *)member;

    sim_buf_put(out, tlb->small_next, sizeof(tlb->small_next));
    sim_buf_put(out, tlb->large_next, sizeof(tlb->large_next));
    for (uint32_t n = 0; n < ALL_COUNT; n++)
        pack_entry(tlb, entry_at(tlb, n), n, out);
    sim_buf_u32(out, UINT32_MAX);
}

static bool valid_shift(uint32_t index, unsigned shift)
{
    return index < SMALL_COUNT ? shift == 12 : shift == 21 || shift == 22 || shift == 30;
}

static enum sim_err unpack_entries(struct cpu_tlb *tlb, struct sim_reader *in)
{
    for (;;) {
        uint32_t index = sim_reader_u32(in);
        struct tlb_entry *e;

        if (index == UINT32_MAX || in->failed)
            return in->failed ? SIM_ERR_FORMAT : SIM_OK;
        if (index >= ALL_COUNT)
            return SIM_ERR_FORMAT;
        e = entry_at(tlb, index);
        e->vpage = sim_reader_u64(in);
        e->ppage = sim_reader_u64(in);
        e->flags = sim_reader_u16(in) & ~TLB_FETCHED;
        e->shift = sim_reader_u8(in);
        e->pcid = sim_reader_u16(in);
        if (!valid_shift(index, e->shift) || !(e->flags & TLB_P) || e->pcid >= TLB_PCIDS) {
            e->flags = e->pcid = 0;
            return SIM_ERR_FORMAT;
        }
        e->stamp = tlb->flushes;
        tlb->large_used |= index >= SMALL_COUNT;
    }
}

static enum sim_err tlb_unpack(void *member, struct sim_reader *in)
{
    struct cpu_tlb *tlb = *(struct cpu_tlb **)member;
    const void *small = sim_reader_take(in, sizeof(tlb->small_next)), *large = sim_reader_take(in, sizeof(tlb->large_next));

    if (!small || !large)
        return SIM_ERR_FORMAT;
    tlb_flush(tlb, true);
    memcpy(tlb->small_next, small, sizeof(tlb->small_next));
    memcpy(tlb->large_next, large, sizeof(tlb->large_next));
    for (unsigned n = 0; n < TLB_SMALL_SETS; n++)
        tlb->small_next[n] %= TLB_WAYS;
    for (unsigned n = 0; n < TLB_LARGE_SETS; n++)
        tlb->large_next[n] %= TLB_WAYS;
    return unpack_entries(tlb, in);
}

const struct sim_field_custom tlb_packing = { tlb_pack, tlb_unpack };
