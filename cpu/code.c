#include "cpu/code.h"

#include <stdlib.h>

#include "base/error.h"
#include "cpu/decode.h"
#include "cpu/mem.h"
#include "cpu/monitor.h"
#include "cpu/paging.h"
#include "cpu/recall.h"

#define ARENA_BYTES (32u << 20)

/* What follows a block's last instruction. */
static unsigned end_of_block(struct cpu *cpu, const struct cpu_insn *i)
{
    (void)i;
    return code_leave(cpu, CPU_X_NEXT);
}

/* ---- Pages ---- */

static struct cpu_code_page *page_create(struct cpu_cluster *cluster, struct bus_ram *ram, uint64_t pfn)
{
    struct cpu_code_page *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->ram = ram;
    p->pfn = pfn;
    p->next = cluster->pages;
    if (p->next)
        p->next->prev = p;
    cluster->pages = p;
    ram->page[pfn].code = p;
    bus_ram_trap_set(ram, pfn, BUS_TRAP_CODE);
    return p;
}

static void page_destroy(struct cpu_cluster *cluster, struct cpu_code_page *p)
{
    p->ram->page[p->pfn].code = NULL;
    bus_ram_trap_clear(p->ram, p->pfn, BUS_TRAP_CODE);
    if (p->next)
        p->next->prev = p->prev;
    if (p->prev)
        p->prev->next = p->next;
    else
        cluster->pages = p->next;
    free(p);
}

/* ---- Blocks ---- */

static size_t block_bytes(unsigned capacity)
{
    return sizeof(struct cpu_block) + (capacity + 1) * sizeof(struct cpu_insn);
}

static struct cpu_block *block_create(struct cpu_cluster *cluster, unsigned count)
{
    unsigned capacity = (count + 3) & ~3u;
    struct cpu_block *b = cluster->spare[capacity];

    if (b) {
        cluster->spare[capacity] = b->next;
    } else {
        if (cluster->arena_used + block_bytes(capacity) > ARENA_BYTES)
            return NULL;
        b = (struct cpu_block *)(cluster->arena + cluster->arena_used);
        cluster->arena_used += (block_bytes(capacity) + 63) & ~(size_t)63;
        b->capacity = (uint16_t)capacity;
    }
    return b;
}

/* Links of other blocks to this one stay: they lie in the same page, and the page's links are cut by the caller. */
static void block_kill(struct cpu_cluster *cluster, struct cpu_block *b)
{
    b->page = NULL;
    b->link[0] = b->link[1] = NULL;
    b->next = cluster->spare[b->capacity];
    cluster->spare[b->capacity] = b;
}

static void forget_jumps(struct cpu_cluster *cluster)
{
    for (unsigned n = 0; n < cluster->count; n++)
        cluster->cpu[n]->fetch->generation++;
}

/* No block is longer, so none that reaches `off` begins earlier than this many bytes before it. */
#define BLOCK_MAX_BYTES (CPU_BLOCK_MAX * INSN_MAX_BYTES)

static unsigned first_bucket(uint32_t off)
{
    return off < BLOCK_MAX_BYTES ? 0 : (off - BLOCK_MAX_BYTES) >> 6;
}

static void cut_links(struct cpu_code_page *p)
{
    if (!p->has_links)
        return;
    p->has_links = false;
    for (unsigned n = 0; n < 64; n++)
        for (struct cpu_block *b = p->bucket[n]; b; b = b->next)
            b->link[0] = b->link[1] = NULL;
}

/* Kills the blocks that overlap off..off+len-1 of the page. */
static void kill_range(struct cpu_cluster *cluster, struct cpu_code_page *p, uint32_t off, uint32_t len)
{
    bool killed = false;

    for (unsigned n = first_bucket(off); n <= (off + len - 1) >> 6; n++)
        for (struct cpu_block **at = &p->bucket[n]; *at;) {
            struct cpu_block *b = *at;

            if (b->off < off + len && off < b->end) {
                *at = b->next;
                block_kill(cluster, b);
                killed = true;
            } else {
                at = &b->next;
            }
        }
    if (!killed)
        return;
    cut_links(p);
    forget_jumps(cluster);
}

bool code_overlaps(const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    const struct cpu_code_page *p = ram->page[pfn].code;

    if (!p)
        return false;
    for (unsigned n = first_bucket(off); n <= (off + len - 1) >> 6; n++)
        for (const struct cpu_block *b = p->bucket[n]; b; b = b->next)
            if (b->off < off + len && off < b->end)
                return true;
    return false;
}

void code_flush(struct cpu_cluster *cluster)
{
    while (cluster->pages)
        page_destroy(cluster, cluster->pages);
    cluster->arena_used = 0;
    memset(cluster->spare, 0, sizeof(cluster->spare));
    forget_jumps(cluster);
    for (unsigned n = 0; n < cluster->count; n++)
        code_forget_fetch(cluster->cpu[n]);
}

void code_mark_touchy(struct cpu *cpu, const struct cpu_block *block, uint16_t off)
{
    struct cpu_code_page *p = block->page;

    if (!p)
        return;
    p->touchy[off >> 6] |= 1ull << (off & 63);
    kill_range(cpu->cluster, p, off, 1);
}

/* ---- The RAM's listener ---- */

static void on_revoke(void *arg, struct bus_ram *ram, uint64_t pfn)
{
    struct cpu_cluster *cluster = arg;

    if (!ram->page[pfn].data)
        return;
    for (unsigned n = 0; n < cluster->count; n++)
        mem_fast_revoke(cluster->cpu[n], ram->page[pfn].data);
}

static void on_revoke_all(void *arg)
{
    struct cpu_cluster *cluster = arg;

    for (unsigned n = 0; n < cluster->count; n++)
        mem_fast_revoke(cluster->cpu[n], NULL);
}

static void on_code_write(void *arg, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    if (ram->page[pfn].code)
        kill_range(arg, ram->page[pfn].code, off, len);
}

static void on_watched_write(void *arg, struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len)
{
    monitor_written(arg, ram, pfn, off, len);
}

enum sim_err code_init(struct cpu_cluster *cluster)
{
    cluster->arena = aligned_alloc(64, ARENA_BYTES);
    cluster->recall = calloc(1, sizeof(*cluster->recall));
    if (!cluster->arena || !cluster->recall)
        return sim_fail(SIM_ERR_NOMEM, "out of memory for decoded code");
    cluster->listener = (struct bus_ram_listener){ on_revoke, on_revoke_all, on_code_write, on_watched_write, cluster, NULL };
    bus_memory_listen(&cluster->bus->memory, &cluster->listener);
    return SIM_OK;
}

void code_fini(struct cpu_cluster *cluster)
{
    if (cluster->arena)
        code_flush(cluster);
    free(cluster->recall);
    free(cluster->arena);
    cluster->recall = NULL;
    cluster->arena = NULL;
}

/* ---- Where code comes from ---- */

void code_forget_fetch(struct cpu *cpu)
{
    cpu->fetch->valid = false;
    cpu->fetch->generation++;
    cpu->attention |= CPU_ATT_MODE; /* no link is followed from the block under way */
}

static sim_laddr linear_ip(const struct cpu *cpu)
{
    sim_laddr laddr = cpu->seg[CPU_CS].base + cpu->ip;

    return cpu->mode & MODE_L ? laddr : (uint32_t)laddr;
}

/* Points `fetch` at the page of laddr. Raises the page fault of the fetch. */
static void fetch_page(struct cpu *cpu, sim_laddr laddr)
{
    struct cpu_fetch *f = cpu->fetch;
    sim_laddr page = laddr & ~(sim_laddr)SIM_PAGE_MASK;
    sim_paddr paddr;

    if (f->valid && f->page == page)
        return;
    f->valid = false;
    if (cpu->mode & MODE_L && !mem_canonical(cpu, laddr)) {
        cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = laddr };
        cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_FETCH);
    }
    /* A fault's address is the byte's, not the page's. */
    paddr = paging_translate(cpu, laddr, PAGING_FETCH, cpu->cpl == 3 ? PAGING_USER : PAGING_SUPERVISOR) & cpu->bus->a20_mask;
    f->page = page;
    f->ram = bus_mem_page_as(cpu->bus, cpu->smm.active ? BUS_SMM_CODE : BUS_NORMAL, paddr, false, &f->pfn);
    f->host = f->ram ? bus_ram_read_page(f->ram, f->pfn) : NULL;
    f->code = f->ram ? f->ram->page[f->pfn].code : NULL;
    f->paddr = paddr & ~(sim_paddr)SIM_PAGE_MASK;
    f->valid = true;
}

/* Rights and mode of the fetch page may have changed with CPL: cpu_mode_changed forgets it then. */

/* ---- Building a block ---- */

static bool bit_set(const uint64_t *map, unsigned off)
{
    return map[off >> 6] >> (off & 63) & 1;
}

/* Decodes from page offset `off`; 0 instructions when the first straddles the page's end or must be alone in another way. */
static unsigned decode_run(struct cpu *cpu, unsigned off, struct cpu_insn *insn, unsigned *end)
{
    const struct cpu_fetch *f = cpu->fetch;
    const struct cpu_code_page *page = f->ram->page[f->pfn].code;
    unsigned count = 0;

    while (count < CPU_BLOCK_MAX && off < SIM_PAGE_SIZE) {
        const struct isa_row *row;
        unsigned avail = SIM_PAGE_SIZE - off < INSN_MAX_BYTES ? SIM_PAGE_SIZE - off : INSN_MAX_BYTES;
        unsigned len;

        if (count && bit_set(cpu->cluster->split, off))
            break;
        if (avail + off < SIM_PAGE_SIZE)
            len = recall_decode(cpu->cluster->recall, cpu->cluster->isa, cpu->mode, off, f->host + off, &insn[count], &row);
        else
            len = decode(cpu->cluster->isa, cpu->mode, off, f->host + off, avail, &insn[count], &row);
        if (!len || (count && decode_is_alone(&insn[count], row)))
            break;
        off += len;
        count++;
        if (decode_ends_block(&insn[count - 1], row) || (page && bit_set(page->touchy, insn[count - 1].off)))
            break;
    }
    *end = off;
    return count;
}

static struct cpu_block *build(struct cpu *cpu, unsigned off)
{
    struct cpu_cluster *cluster = cpu->cluster;
    struct cpu_fetch *f = cpu->fetch;
    struct cpu_insn insn[CPU_BLOCK_MAX];
    unsigned end, count = decode_run(cpu, off, insn, &end);
    struct cpu_block *b;

    if (!count)
        return NULL;
    b = block_create(cluster, count);
    if (!b) { /* full: start anew; the fetch page is forgotten with the rest */
        code_flush(cluster);
        fetch_page(cpu, linear_ip(cpu));
        b = block_create(cluster, count);
    }
    if (!f->code && !(f->code = f->ram->page[f->pfn].code) && !(f->code = page_create(cluster, f->ram, f->pfn)))
        return NULL;
    b->page = f->code;
    b->mode = cpu->mode;
    b->off = (uint16_t)off;
    b->end = (uint16_t)end;
    b->count = (uint16_t)count;
    b->link[0] = b->link[1] = NULL;
    memcpy(b->insn, insn, count * sizeof(insn[0]));
    b->insn[count] = (struct cpu_insn){ .fn = end_of_block, .off = (uint16_t)end };
    b->next = f->code->bucket[off >> 6];
    f->code->bucket[off >> 6] = b;
    return b;
}

/* ---- Finding ---- */

static void set_page(struct cpu *cpu, uint64_t ip)
{
    cpu->reg[CPU_REG_PAGE] = ip;
    cpu->reg[CPU_REG_PAGE_HIGH] = ip + (1ull << 32);
}

/* A fetch beyond the limit: found before the page that it would come from is looked at. */
static bool beyond_limit(const struct cpu *cpu)
{
    return !(cpu->mode & MODE_L) && (uint32_t)cpu->ip > cpu->seg[CPU_CS].limit;
}

/* Would running the block stay within the code segment, without wrapping? */
static bool within_limit(const struct cpu *cpu, const struct cpu_block *b)
{
    uint64_t last = cpu->ip + (b->end - b->off) - 1;

    if (cpu->mode & MODE_L)
        return true;
    return last <= cpu->seg[CPU_CS].limit && (cpu->mode & MODE_D || last <= 0xffff);
}

static struct cpu_block *find_in_page(const struct cpu *cpu, const struct cpu_code_page *page, unsigned off)
{
    struct cpu_block *b = page->bucket[off >> 6];

    while (b && (b->off != off || b->mode != cpu->mode))
        b = b->next;
    return b;
}

struct cpu_block *code_find(struct cpu *cpu)
{
    sim_laddr laddr = linear_ip(cpu);
    struct cpu_fetch *f = cpu->fetch;
    unsigned off = laddr & SIM_PAGE_MASK, slot = (laddr ^ laddr >> 12) & ((1u << CPU_JUMP_BITS) - 1);
    struct cpu_block *b;

    set_page(cpu, cpu->ip - off);
    if (f->jump[slot].laddr == laddr && f->jump[slot].mode == cpu->mode && f->jump[slot].generation == f->generation &&
        within_limit(cpu, f->jump[slot].block))
        return f->jump[slot].block;
    if (beyond_limit(cpu))
        return NULL;
    fetch_page(cpu, laddr);
    if (!f->ram)
        return NULL;
    if (!f->code)
        f->code = f->ram->page[f->pfn].code;
    b = f->code ? find_in_page(cpu, f->code, off) : NULL;
    if (!b)
        b = build(cpu, off);
    if (!b || !within_limit(cpu, b))
        return NULL;
    f->jump[slot].laddr = laddr;
    f->jump[slot].mode = cpu->mode;
    f->jump[slot].generation = f->generation;
    f->jump[slot].block = b;
    return b;
}

struct cpu_block *code_link(struct cpu *cpu, struct cpu_block *from, unsigned which)
{
    sim_laddr laddr = linear_ip(cpu);
    struct cpu_block *b;

    /* CPU_REG_PAGE is right for the page only: a link never leaves it */
    if (!from->page || (cpu->ip - cpu->reg[CPU_REG_PAGE]) >= SIM_PAGE_SIZE || bit_set(cpu->cluster->split, laddr & SIM_PAGE_MASK))
        return NULL;
    b = find_in_page(cpu, from->page, laddr & SIM_PAGE_MASK);
    if (b && cpu->mode & (MODE_FLAT | MODE_L) && b->mode == from->mode) {
        from->link[which] = b;
        from->page->has_links = true;
    }
    return b && within_limit(cpu, b) ? b : NULL;
}

/* ---- Single instructions ---- */

/* A block that begins with the instruction at ip, within the limit; NULL: it has to be fetched and decoded. */
static const struct cpu_block *decoded_before(struct cpu *cpu, sim_laddr laddr)
{
    struct cpu_fetch *f = cpu->fetch;
    const struct cpu_block *b;

    if (beyond_limit(cpu))
        return NULL;
    fetch_page(cpu, laddr);
    if (!f->ram || !f->ram->page[f->pfn].code)
        return NULL;
    b = find_in_page(cpu, f->ram->page[f->pfn].code, laddr & SIM_PAGE_MASK);
    return b && within_limit(cpu, b) ? b : NULL;
}

/* Reads the instruction's bytes as far as limit and pages let it; decode() says whether they are enough. */
static uint8_t fetch_byte(struct cpu *cpu, sim_laddr laddr)
{
    struct cpu_fetch *f = cpu->fetch;

    fetch_page(cpu, laddr);
    if (f->ram)
        return f->host[laddr & SIM_PAGE_MASK];
    return (uint8_t)mem_phys_read(cpu, f->paddr | (laddr & SIM_PAGE_MASK), 1);
}

struct cpu_block *code_single(struct cpu *cpu)
{
    struct cpu_block *b = cpu->single;
    const struct cpu_block *before;
    sim_laddr laddr = linear_ip(cpu);
    uint8_t bytes[INSN_MAX_BYTES];
    const struct isa_row *row;
    unsigned n = 0, len = 0;

    cpu->cur = NULL;
    cpu->block = NULL;
    before = decoded_before(cpu, laddr);
    if (before) {
        b->insn[0] = before->insn[0];
        len = b->insn[0].len;
    }
    while (!len) {
        uint64_t ip = cpu->ip + n;

        if (!(cpu->mode & MODE_L) && (uint32_t)ip > cpu->seg[CPU_CS].limit)
            cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_FETCH);
        bytes[n] = fetch_byte(cpu, cpu->mode & MODE_L ? laddr + n : (uint32_t)(cpu->seg[CPU_CS].base + ip));
        n++;
        len = decode(cpu->cluster->isa, cpu->mode, laddr & SIM_PAGE_MASK, bytes, n, &b->insn[0], &row);
    }
    set_page(cpu, cpu->ip - (laddr & SIM_PAGE_MASK));
    b->page = NULL;
    b->link[0] = b->link[1] = NULL;
    b->mode = cpu->mode;
    b->off = b->insn[0].off;
    b->end = (uint16_t)(b->off + len);
    b->count = 1;
    b->insn[1] = (struct cpu_insn){ .fn = end_of_block, .off = b->end };
    return b;
}
