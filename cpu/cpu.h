/*
 * One x86 processor: its architectural state, and the calls that the machine makes.
 *
 * A struct cpu is stepped by cpu_run() up to a horizon that the machine gives it. It knows the bus and nothing else.
 * All CPUs of a machine belong to one struct cpu_cluster, which holds what they share: the instruction table's index and
 * the cache of decoded code. Everything runs on the machine's one thread.
 *
 * The members of struct cpu are public within the tree: instruction handlers and debug/ read and write them. The rules:
 *   - at a boundary (whenever cpu_run is not on the stack) `ip`, `reg`, segments and system registers are exact, and
 *     arithmetic flags are read through cpu_eflags(), for they are lazy (flags.h);
 *   - inside a handler, `ip` is stale: the instruction's address is CPU_INSN_IP(cpu, i);
 *   - whoever changes CR0, CR4, EFER, a segment's cache, CPL, EFLAGS.VM or EFLAGS.AC calls cpu_mode_changed() afterwards; whoever changes
 *     EFLAGS.IF/TF/RF, DR7, an interrupt shadow, `activity` or anything that may make an interrupt deliverable calls cpu_attend().
 */
#ifndef LIBSIM_CPU_CPU_H
#define LIBSIM_CPU_CPU_H

#include <setjmp.h>

#include "base/field.h"
#include "bus/bus.h"
#include "cpu/delivery.h"
#include "cpu/fp/fp_host.h"
#include "cpu/fpu.h"
#include "cpu/pmu.h"
#include "cpu/regs.h"

struct cpu_insn;
struct cpu_block;
struct cpu_cluster;
struct cpu_model;
struct cpu_observer;
struct lapic;

/* Index of general registers, as encoded. Behind them stand what memory operands use as a base or index that is not a register:
 *   CPU_REG_ZERO       none; always 0
 *   CPU_REG_PAGE       RIP-relative: ip less its page offset, of the page being fetched; the displacement counts from there. Derived
 *   CPU_REG_PAGE_HIGH  the same plus 4 GiB, for displacements that do not fit in 32 bits then
 *   CPU_REG_IMM        the address is the immediate (64-bit MOV with an absolute offset); always 0 */
enum {
    CPU_AX, CPU_CX, CPU_DX, CPU_BX, CPU_SP, CPU_BP, CPU_SI, CPU_DI, CPU_R8, CPU_R9, CPU_R10, CPU_R11, CPU_GENERAL = 16,
    CPU_REG_ZERO = CPU_GENERAL, CPU_REG_PAGE, CPU_REG_PAGE_HIGH, CPU_REG_IMM, CPU_REGS
};
/* Index of segment registers, as encoded; LDTR and TR follow. */
enum { CPU_ES, CPU_CS, CPU_SS, CPU_DS, CPU_FS, CPU_GS, CPU_LDTR, CPU_TR, CPU_SEGS };

/* The hidden part of a segment register. `attr` is laid out like VMX access rights: bits 3:0 type, 4 S, 6:5 DPL, 7 P,
 * 12 AVL, 13 L, 14 D/B, 15 G, 16 unusable (null). `limit` is in bytes, scaled. */
struct cpu_seg {
    uint16_t selector;
    uint32_t attr;
    uint32_t limit;
    uint64_t base;
};

/* A vector register: XMM is its low half. */
union cpu_vector {
    uint8_t b[32];
    uint16_t w[16];
    uint32_t d[8];
    uint64_t q[4];
} __attribute__((aligned(32)));
#define MXCSR_INIT 0x1f80u
#define MXCSR_MASK 0xffffu /* bits that there are */

struct cpu_table { /* GDTR, IDTR */
    uint64_t base;
    uint32_t limit;
};

/* What the CPU is doing between steps. */
enum cpu_activity {
    CPU_ACTIVE,
    CPU_HALTED,        /* HLT: an interrupt, NMI, SMI, INIT or reset wakes it */
    CPU_WAIT_SIPI,     /* an application processor after INIT */
    CPU_SHUTDOWN,      /* triple fault, bad RSM: only reset, INIT and (smm.h) on some an SMI wake it */
    CPU_FROZEN,        /* before an x87 instruction that met a pending exception, with CR0.NE clear: as CPU_HALTED; IGNNE# wakes it too */
    CPU_MWAIT          /* as CPU_HALTED; a write to the monitored line wakes it too */
};

/* "active", "halted", "waiting for SIPI", "shutdown", "frozen", "waiting in MWAIT". */
const char *cpu_activity_name(enum cpu_activity activity);

/* Lazy arithmetic flags; see flags.h for what the members mean. */
struct cpu_cc {
    uint64_t z, aux, res; /* the two that are equal mostly do not lie side by side: gcc would make one vector store of them, by a detour */
};

/* A page of the fast table: host address of a linear page. tag == linear page address on a hit, CPU_FAST_EMPTY when empty. */
struct cpu_fast {
    uint64_t tag;
    uint8_t *host;
};
/* A linear page behind which is no RAM, found last: its physical address. `key` is the page's linear address and, below, for what it holds. */
struct cpu_device_page {
    uint64_t key; /* 0: none */
    sim_paddr paddr;
    uint8_t type; /* enum memtype */
};
#define CPU_DEVICE_PAGES 8u
/* A page of RAM that page walks have read from, found again without a look at the map. `key`: its physical address | 1; 0: none. */
struct cpu_walk_page {
    uint64_t key;
    const uint8_t *host;
};
#define CPU_WALK_PAGES 16u
#define CPU_FAST_BITS 12
#define CPU_FAST_SIZE (1u << CPU_FAST_BITS)
/* Lies in a page that belongs into another slot, so that no address hits it: ~0 would be the last page of 64 bits, whose slot is the last. */
#define CPU_FAST_EMPTY(slot) ((slot) == CPU_FAST_SIZE - 1 ? 0 : UINT64_MAX)

/* Reasons to look at the boundary before the next block. Derived, but for those with a field of their own. */
enum {
    CPU_ATT_INTERRUPT = 1,  /* intr, nmi, apic, smi, init, sipi: something may be deliverable */
    CPU_ATT_TRAP = 2,       /* pending_db */
    CPU_ATT_MODE = 4,       /* the mode word or the fetch page may have changed: follow no link */
    CPU_ATT_TOUCHED = 8,    /* the step reached a device or moved the clock's next deadline */
    CPU_ATT_STOP = 16,      /* an observer asked to stop after this step */
    CPU_ATT_STEP = 32,      /* steps must be made one by one: TF, RF, an interrupt shadow, DR7, an observer of every step */
    CPU_ATT_SLEEP = 64,     /* activity is no longer CPU_ACTIVE */
    CPU_ATT_SHUTDOWN = 128, /* a triple fault has just happened */
    CPU_ATT_WAIT = 256,     /* the step must wait until this CPU is furthest behind */
    CPU_ATT_YIELD = 1024,   /* PAUSE: the turn ends */
    CPU_ATT_COUNT = 512     /* the block made other steps than one an instruction: extra_steps or `retire` say which */
};

/* What the step under way found at the boundary and in the history, if it has changed either: it is put back when the step must wait. */
struct cpu_undo {
    bool valid;
    sim_steps step;         /* that this is about; an older one is of no use any more */
    enum cpu_activity activity;
    bool nmi_blocked, nmi_pending;
    uint32_t pending_db;
    enum cpu_cause pending_db_cause;
    uint64_t dr6;
    uint32_t history_next;
    struct cpu_delivery history[CPU_HISTORY]; /* records that were overwritten, in order from history_next on */
};

/* What the observer was told of a step: it is not told again when the step had to wait and is made anew. */
struct cpu_reports {
    bool valid;
    bool stop;              /* it asked for a stop */
    sim_steps step;
    uint32_t count;         /* events of this attempt */
    uint32_t known;         /* events that it knows from earlier ones */
};

/* The last I/O instruction (of a repeated one: the last iteration), for an SMI that comes right behind it; smm.h. */
enum cpu_io_type { CPU_IO_IN = 1, CPU_IO_STRING = 2, CPU_IO_REP = 4, CPU_IO_IMMEDIATE = 8 };
struct cpu_io {
    sim_steps step;         /* cpu->steps right behind it */
    uint16_t port;
    uint8_t bytes;
    uint8_t type;           /* CPU_IO_*, together the SDM's I/O type */
    uint64_t ip, cx, si, di; /* as before it */
    sim_laddr laddr;        /* of its memory operand, if it is a string instruction */
};

/* System-management mode: smm.h. */
enum smm_map { SMM_MAP_32, SMM_MAP_INTEL64, SMM_MAP_AMD64 };
struct cpu_smm {
    bool active;            /* the CPU is in SMM: it sees SMRAM, and SMIs and INITs wait */
    uint32_t base;          /* SMBASE */
    struct cpu_io io;
    uint32_t pending_db;    /* debug traps that were due when the SMI came: they are again behind RSM */
    enum cpu_cause pending_db_cause;
};

/* A gather under way: its destination and mask as they are when the element that comes next faults. */
struct cpu_partial {
    bool valid;
    uint8_t reg[2];         /* numbers of the two registers */
    union cpu_vector value[2];
};

/* What MONITOR armed: see monitor.h. */
struct cpu_monitor {
    bool armed;
    bool masked_too;      /* MWAIT: an interrupt ends it whatever EFLAGS.IF says */
    uint64_t line;        /* physical address */
    struct bus_ram *ram;  /* derived: where the trap is set; NULL: nowhere */
    uint64_t pfn;         /* derived */
};

struct cpu {
    /* ---- Registers ---- */
    uint64_t reg[CPU_REGS]; /* must come first: operands are byte offsets from here */
    union cpu_vector vector[CPU_GENERAL]; /* YMM0 to YMM15 */
    struct cpu_cc cc;
    uint64_t ip;
    uint32_t eflags;        /* all but the arithmetic flags CF PF AF ZF SF OF, which are in cc; bit 1 is set */
    struct cpu_seg seg[CPU_SEGS];
    struct cpu_table gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t dr[8];         /* 4 and 5 unused */
    uint64_t pdpte[4];      /* PAE: loaded by MOV CR3 and the like */
    uint8_t cpl;
    uint64_t xcr0;          /* bit 0 is always set */
    struct cpu_fpu fpu;
    uint64_t random;        /* where RDRAND's sequence stands */
    uint32_t mxcsr;
    uint32_t pkru;

    /* ---- Boundary state: what decides the next step ---- */
    enum cpu_activity activity;
    bool shadow_sti;        /* the step after STI: maskable interrupts are held off */
    bool shadow_ss;         /* the step after MOV SS / POP SS: all interrupts and debug traps are held off */
    bool in_rep;            /* the last step was an iteration of the REP instruction at ip, and not its last one */
    bool nmi_blocked;       /* until IRET */
    bool nmi_pending;
    bool smi_pending;       /* one at most is kept */
    bool init_pending;
    bool sipi_pending;
    uint8_t sipi_vector;
    bool intr;              /* level of the INTR pin (from the PIC) */
    uint32_t pending_db;    /* DR6 bits of debug traps that the last step raised, to be delivered next */
    enum cpu_cause pending_db_cause; /* of what breakpoints raised: DB_DATA or DB_IO (the first), DB_DELAYED; NONE: no breakpoint */

    struct cpu_smm smm;
    struct cpu_monitor monitor;

    /* ---- Time ---- */
    sim_cycles cycle;       /* this CPU's clock: when its next step begins */
    sim_steps steps;        /* steps done by this CPU */
    uint64_t retired;       /* instructions retired */
    uint64_t tsc_offset;    /* TSC = cycle + tsc_offset */
    struct cpu_pmu pmu;     /* performance counters */

    /* ---- Model-specific registers ---- */
    struct cpu_msrs msr;
    struct lapic *lapic;    /* owned; a component of its own; NULL when the model has none */

    /* ---- What happened last, for the explainer; deterministic, so it is state ---- */
    struct cpu_delivery history[CPU_HISTORY]; /* ring of deliveries and of faults during them */
    uint32_t history_next;  /* count of all records ever made; the newest is at (history_next - 1) % CPU_HISTORY */

    /* ---- Architectural TLB: state; see tlb.h ---- */
    struct cpu_tlb *tlb;

    /* ---- Derived: rebuilt by cpu_loaded(), never saved ---- */
    struct cpu_cluster *cluster;
    struct bus *bus;
    const struct cpu_model *model;
    unsigned number;        /* 0: the bootstrap processor */
    struct sim_wire_driver ferr; /* pin FERR# */
    struct fp_host fp_host; /* which operations the host's FPU may do; within cpu_run */
    char name[8], lapic_name[12];
    struct sim_component self, lapic_self;
    uint32_t component;
    uint32_t mode;          /* the mode word of blocks: see code.h */
    uint32_t attention;     /* CPU_ATT_*: 0 lets the loop run on */
    struct cpu_fast *fast_read, *fast_write; /* tables of the present privilege: [supervisor or user] */
    struct cpu_fast *fast_tables; /* 2 privileges x (read, write) x CPU_FAST_SIZE, and one that is always empty */
    uint32_t fast_filled_count;
    struct cpu_device_page device_page[CPU_DEVICE_PAGES]; /* dropped when the fast tables are, as a whole */
    struct cpu_walk_page walk_page[CPU_WALK_PAGES]; /* the same */
    bool device_pages_used, walk_pages_used;
    uint16_t *fast_filled;  /* slots filled since the last flush: CPU_FAST_SIZE of them */
    struct cpu_fetch *fetch; /* where code comes from: see code.h */
    struct cpu_block *block; /* being run; NULL during a fetch or a delivery */
    struct cpu_block *single; /* room for code_single */
    union cpu_vector operand; /* a vector operand that does not lie in one piece of RAM */
    struct cpu_partial partial; /* what a fault lets stand of a gather; valid only inside one */
    const struct cpu_insn *cur; /* the instruction that left the fast path last */
    struct cpu_delivery fault; /* raised and not yet delivered; only within cpu_run */
    struct cpu_delivery in_delivery; /* what `delivering` points at */
    struct cpu_undo undo;
    struct cpu_reports reports;
    bool fault_recorded;    /* `fault` is in the history already */
    bool resume;            /* the observer stopped before this very step: do not ask again */
    bool had_shadow_sti, had_shadow_ss; /* as before the present instruction, also while a fault of it is delivered */
    bool force_alone;       /* the next instruction must run alone: it was abandoned inside a block */
    bool step_trap;         /* single-step trap is due when the present instruction completes */
    sim_steps rf_until;     /* the end of the step that has dropped RF, 0 for none: it is given back if that step is left */
    struct {
        sim_steps step;
        uint32_t bits;      /* of pending_db: breakpoints that this step has met so far, and no step before it */
    } met;
    sim_cycles horizon;     /* of the present slice */
    sim_steps steps_end;    /* of the present slice: `steps` may grow up to here */
    sim_cycles shared_until; /* a step that begins later than this may not touch shared things */
    sim_steps budget;       /* steps that may be made from the present block's start on: the most that a REP instruction may make */
    int64_t chain_until;    /* blocks follow each other by themselves while `budget` stays at or above it */
    sim_steps counted_to;   /* value of `budget` up to which cycle, steps and retired are counted; what lies between is done but not counted */
    uint32_t stall;         /* bus cycles collected by step `shared_step`, not charged yet */
    sim_steps shared_step;  /* the step that touched shared things last */
    sim_steps extra_steps;  /* further steps made by the present instruction (REP iterations after the first) */
    bool retire;            /* the present instruction completed (not so for a REP iteration in the middle) */
    struct cpu_delivery *delivering; /* the event being delivered, or NULL */
    struct cpu_evidence evidence; /* what the check under way looked at */
    const struct cpu_observer *observer; /* NULL when nobody looks */
    jmp_buf unwind;         /* the one non-local exit */
    uint8_t unwind_why;
};

/* ---- Life ---- */

/* The things that the CPUs of one machine share. */
enum sim_err cpu_cluster_create(struct bus *bus, const struct cpu_model *model, struct cpu_cluster **out);
void cpu_cluster_destroy(struct cpu_cluster *cluster); /* and its CPUs */
/* CPUs get numbers 0, 1, ... in order of creation; APIC ID == number. It is in the state after RESET. */
enum sim_err cpu_create(struct cpu_cluster *cluster, struct cpu **out);
/* Where the sequence of RDRAND and RDSEED begins: another one for each CPU of the cluster. Before the first step. */
void cpu_seed_random(struct cpu_cluster *cluster, uint64_t seed);
unsigned cpu_count(const struct cpu_cluster *cluster);
struct cpu *cpu_get(const struct cpu_cluster *cluster, unsigned number);

/* RESET# (or INIT with init=true, which keeps caches, MSRs, TSC, x87). SDM Vol. 3A, "Processor state after reset".
 * CPUs other than 0 go to CPU_WAIT_SIPI. */
void cpu_reset(struct cpu *cpu, bool init);

/* The components of this CPU: itself and its LAPIC. */
const struct sim_component *cpu_component(struct cpu *cpu);
const struct sim_component *cpu_lapic_component(struct cpu *cpu); /* NULL without LAPIC */

/* ---- Running ---- */

enum cpu_exit {
    CPU_EXIT_HORIZON,  /* the cycle horizon or the step budget is reached */
    CPU_EXIT_TOUCHED,  /* the last step reached a device and moved a deadline, made a request, or may have woken another CPU: look again */
    CPU_EXIT_WAIT,     /* the next step would touch shared things and must wait until this CPU is furthest behind */
    CPU_EXIT_YIELD,    /* PAUSE was executed while another CPU is awake: that one may go on */
    CPU_EXIT_SLEEP,    /* not active, and nothing pending that would wake it */
    CPU_EXIT_SHUTDOWN, /* a triple fault has just occurred */
    CPU_EXIT_STOP      /* an observer asked for it */
};

struct cpu_slice {
    sim_cycles horizon;      /* run steps that begin before this cycle */
    sim_steps budget;        /* and at most so many */
    sim_cycles shared_until; /* a step that begins after this cycle may not touch shared things; SIM_NEVER: nobody else is awake */
};

/* Runs steps. cpu->cycle and cpu->steps tell how far it came; machine time is `bus->clock->now` while a step reaches
 * the bus. At least one step is made unless the exit says SLEEP, WAIT, STOP (before the step) or the slice is empty. */
enum cpu_exit cpu_run(struct cpu *cpu, const struct cpu_slice *slice);

/* True if something would make a sleeping CPU go on now: interrupt, NMI, SMI, INIT, SIPI, a write to the line that it monitors. */
bool cpu_wakeable(const struct cpu *cpu);
/* The sleeper wakes at `cycle`, if its clock is not past that. Idempotent. A CPU in CPU_MWAIT whose wait is over is active then; others become
 * so with the step that delivers what woke them. Called at a boundary, with cpu_wakeable(). */
void cpu_wake(struct cpu *cpu, sim_cycles cycle);

/* ---- Looking and changing, at a boundary ---- */

/* As whom the bus sees the CPU's accesses. */
static inline enum bus_viewer cpu_viewer(const struct cpu *cpu) { return cpu->smm.active ? BUS_SMM : BUS_NORMAL; }

uint32_t cpu_eflags(const struct cpu *cpu);
void cpu_set_eflags(struct cpu *cpu, uint32_t value); /* all bits as given (bit 1 set): no privilege rules */
/* Recomputes the mode word, fast tables and attention after registers were changed from outside or by a handler. */
void cpu_mode_changed(struct cpu *cpu);
/* The same, where nothing but segments, CPL, EFLAGS.VM and EFLAGS.AC has changed; attention is the caller's. */
void cpu_segments_changed(struct cpu *cpu);
/* The same, where that is one segment other than CS. */
void cpu_segment_loaded(struct cpu *cpu, unsigned seg);
/* Recomputes which reasons there are to look at the boundary: interrupts, traps, single-stepping, sleep. Cheap. */
void cpu_attend(struct cpu *cpu);

/* Linear to physical as the guest would see it (TLB first), without side effects; fills in the entries looked at when
 * walk != NULL. SIM_ERR_FAULT when not mapped. A20 is applied. */
struct cpu_walk;
enum sim_err cpu_translate_peek(struct cpu *cpu, sim_laddr laddr, bool use_tlb, sim_paddr *paddr, struct cpu_walk *walk);
/* Memory by linear address, without side effects, for debuggers: returns how many bytes could be copied. Reads show the CPU its own local APIC too.
 * Writes reach RAM only (bus_poke); NULL for `in`: only tells. */
size_t cpu_peek(struct cpu *cpu, sim_laddr laddr, void *out, size_t len);
size_t cpu_poke(struct cpu *cpu, sim_laddr laddr, const void *in, size_t len);

/* ---- Observation ---- */

enum cpu_event_kind {
    CPU_EVENT_DELIVERY = 1,  /* `delivery` is about to be delivered (or led to shutdown) */
    CPU_EVENT_ACCESS = 2,    /* a data access to a watched range: `laddr`, `size`, `write`, `value` */
    CPU_EVENT_CONTROL = 4,   /* CR, DR or EFER write: `reg` (0..8 CR, 16.. DR, 32 EFER), old value, `value` */
    CPU_EVENT_MSR = 8,       /* WRMSR: `reg` is the number */
    CPU_EVENT_MODE = 16,     /* 0 real, 1 protected, 2 paging, 3 VM86, 4 long; 8 more in SMM: `old` and `value` */
    CPU_EVENT_PORT = 32,     /* IN/OUT: `laddr` is the port */
    CPU_EVENT_MAGIC = 64,    /* xchg bx, bx was executed */
    CPU_EVENT_SHUTDOWN = 128,
    CPU_EVENT_RETURN = 256   /* IRET or RSM completed */
};

struct cpu_event {
    enum cpu_event_kind kind;
    uint32_t reg;
    uint64_t laddr, paddr, old, value;
    uint8_t size;
    bool write;
    const struct cpu_delivery *delivery;
};

/* An observer changes nothing in the guest. Its callbacks return true to stop: `before` before the step, `event` after it. */
struct cpu_observer {
    void *arg;
    uint32_t events;     /* CPU_EVENT_*: those that are wanted */
    bool every_step;     /* call `before` at each step, not only where `split` says */
    /* Page offsets (bit n of word n / 64) where `before` is to be called: execution breakpoints. NULL: none. A change needs
     * cpu_observe() again. */
    const uint64_t *split;
    /* Is any byte of this linear page watched? Asked when a page enters the fast tables. NULL: no. */
    bool (*watched)(void *arg, struct cpu *cpu, sim_laddr page);
    bool (*before)(void *arg, struct cpu *cpu);
    bool (*event)(void *arg, struct cpu *cpu, const struct cpu_event *event);
};

/* The state table of struct cpu. */
extern const struct sim_field cpu_fields[];

/* Sets (or, with NULL, removes) the observer of all CPUs of the cluster; derived caches are flushed as needed. */
void cpu_observe(struct cpu_cluster *cluster, const struct cpu_observer *observer);

#endif
