/*
 * The cache of decoded code.
 *
 * A block is a run of instructions within one physical page, decoded for one mode word. It is keyed by the page that holds
 * the bytes, not by the address that reached it. It ends at a branch, at the page's end, at an instruction that changes what
 * the boundary looks at, or before a page offset that an observer wants to see. An instruction that straddles two pages is
 * never in a block: it is fetched and decoded each time.
 *
 * All of this is derived: dropping any of it at any time changes no guest-visible thing.
 */
#ifndef LIBSIM_CPU_CODE_H
#define LIBSIM_CPU_CODE_H

#include "bus/ram.h"
#include "cpu/cpu.h"
#include "cpu/insn.h"

/* The mode word: everything that decoding and the choice of a handler depend on. */
enum {
    MODE_D = 1,        /* CS.D: 32-bit operands and addresses by default */
    MODE_L = 2,        /* 64-bit code */
    MODE_PE = 4,       /* protected mode, VM86 included */
    MODE_VM = 8,       /* VM86 */
    MODE_FLAT = 16,    /* CS, DS, ES, SS: base 0, limit 4 GiB, SS.B = 1, DS/ES/SS writable, CS.D = 1: EA_FLAT handlers are right */
    MODE_CPL = 32 + 64,
    MODE_SS32 = 128,   /* SS.B: the stack pointer is ESP */
    MODE_PG = 256,     /* for the names of modes only */
    MODE_LMA = 512,
    MODE_TS = 1024,    /* CR0.TS */
    MODE_EM = 2048,    /* CR0.EM */
    MODE_OSFXSR = 4096, /* CR4.OSFXSR */
    MODE_SMM = 16384,  /* system-management mode: memory is another */
    MODE_AVX = 8192    /* CR4.OSXSAVE, and XCR0 has SSE and AVX state */
};
#define MODE_CPL_SHIFT 5
/* What control registers and SMM decide; the rest is of segments, CPL and EFLAGS.VM. */
#define MODE_CONTROLS ((uint32_t)(MODE_PE | MODE_PG | MODE_LMA | MODE_TS | MODE_EM | MODE_OSFXSR | MODE_SMM | MODE_AVX))

#define CPU_BLOCK_MAX 32 /* instructions; bounds the stack of unoptimised builds */

struct cpu_code_page;

struct cpu_block {
    struct cpu_block *next;      /* in its page's bucket */
    struct cpu_code_page *page;  /* NULL: a single-step block, or dead */
    struct cpu_block *link[2];   /* successor by CPU_X_NEXT and CPU_X_TAKEN, within the same page and mode; NULL: look it up */
    uint32_t mode;
    uint16_t off, end;           /* page offsets: first byte, and first byte behind */
    uint16_t count;              /* instructions */
    uint16_t capacity;
    struct cpu_insn insn[];      /* count of them, then one that returns CPU_X_NEXT */
};

/* What has been decoded from one RAM page; hangs on bus_page.code. */
struct cpu_code_page {
    struct bus_ram *ram;
    uint64_t pfn;
    bool has_links;                 /* some block of the page has a link */
    uint64_t touchy[64];            /* page offsets of instructions that reached a device from inside a block: decoding ends a block behind them */
    struct cpu_block *bucket[64];   /* by first byte's chunk */
    struct cpu_code_page *prev, *next;
};

/* Where one CPU's code comes from now. */
#define CPU_JUMP_BITS 11
struct cpu_fetch {
    bool valid;
    sim_laddr page;              /* linear page */
    const uint8_t *host;
    struct bus_ram *ram;         /* NULL: not RAM (code in a device, or nowhere): single steps through the bus */
    uint64_t pfn;
    sim_paddr paddr;             /* of the page */
    struct cpu_code_page *code;
    uint32_t generation;         /* of the jump cache: bumped to drop it */
    struct { uint64_t laddr; uint32_t mode; uint32_t generation; struct cpu_block *block; } jump[1 << CPU_JUMP_BITS];
};

/* What the CPUs share. */
struct cpu_isa_index;
struct cpu_cluster {
    struct bus *bus;
    const struct cpu_model *model;
    struct cpu *cpu[8];
    unsigned count;
    struct cpu_isa_index *isa;
    struct cpu_recall *recall;   /* what was decoded before (cpu/recall.h): no state of the machine */
    enum smm_map smm_map;        /* layout of SMM's save map: configuration */
    const struct cpu_observer *observer;
    uint64_t split[64];          /* page offsets before which a block must end */
    struct bus_ram_listener listener;
    struct cpu_code_page *pages;
    uint8_t *arena;              /* memory of blocks; dropped as a whole when full */
    size_t arena_used;
    struct cpu_block *spare[CPU_BLOCK_MAX + 1]; /* dead blocks by capacity */
};

/*
 * Leaves the present block by exit `which`: a tail call into the linked successor, while nothing wants attention and the run loop allows it, or
 * back to the loop. Its bounds: the horizon, the stack of builds whose tail calls are calls, an observer who looks at each block (never, then).
 */
static inline __attribute__((always_inline)) unsigned code_leave(struct cpu *cpu, unsigned which)
{
    struct cpu_block *from = cpu->block, *to = from->link[which];

    if (to && !cpu->attention) {
        sim_steps left = cpu->budget - from->count;

        if ((int64_t)(left - to->count) >= cpu->chain_until) {
            cpu->budget = left;
            cpu->block = to;
            return to->insn[0].fn(cpu, to->insn);
        }
    }
    return which;
}

enum sim_err code_init(struct cpu_cluster *cluster);
void code_fini(struct cpu_cluster *cluster);
/* Drops all blocks (and the CPUs' links to them). */
void code_flush(struct cpu_cluster *cluster);
/* The block at cpu->ip, decoded if need be. Raises the fetch's faults. NULL: it must be single-stepped (straddles pages, not in RAM,
 * near the CS limit). Sets CPU_REG_PAGE. */
struct cpu_block *code_find(struct cpu *cpu);
/* The block at cpu->ip, which `from` has just left by exit `which` within its page; NULL: use code_find. Remembers it as a link. */
struct cpu_block *code_link(struct cpu *cpu, struct cpu_block *from, unsigned which);
/* A block of the one instruction at cpu->ip, whatever memory it comes from; valid until the next call. Raises the fetch's faults. */
struct cpu_block *code_single(struct cpu *cpu);
/* Would a write of these bytes change decoded code? */
bool code_overlaps(const struct bus_ram *ram, uint64_t pfn, uint32_t off, uint32_t len);
/* The instruction at page offset `off` reached a device or its own code from inside a block. */
void code_mark_touchy(struct cpu *cpu, const struct cpu_block *block, uint16_t off);
/* The fetch page and the jump cache are no longer to be trusted (TLB entry lost, mode changed, map changed). */
void code_forget_fetch(struct cpu *cpu);

#endif
