/*
 * Performance counters: SDM Vol. 3B, "Performance Monitoring".
 *
 * A counter is not counted up: it is the difference of a quantity that the processor keeps anyway (instructions retired, cycles not asleep,
 * page walks) to what that was when the counter was last brought up to date. That happens when something changes that decides whether it
 * counts: a write of a counter or of its control, and where a counter is for one privilege only, the CPL. An overflow that shall interrupt is an
 * event of the machine's clock at the earliest cycle at which it can come. Only branches are counted one by one, and only while a counter
 * asks for them: then steps are made one at a time.
 *
 * Not counted: caches (there are none), mispredictions (nothing predicts), and all other events; edge detection, inversion and counter mask
 * make a counter stand still. What stands still says so once.
 */
#ifndef LIBSIM_CPU_PMU_H
#define LIBSIM_CPU_PMU_H

#include "base/clock.h"
#include "base/field.h"

struct cpu;

enum { PMU_COUNTERS = 4, PMU_FIXED = 3 };

enum pmu_quantity { PMU_NOTHING, PMU_INSTRUCTIONS, PMU_CYCLES, PMU_BRANCHES, PMU_LOAD_WALKS, PMU_STORE_WALKS, PMU_FETCH_WALKS, PMU_QUANTITIES };

/* An event of one model beside the architectural ones. */
struct pmu_event {
    uint8_t select, unit;
    uint8_t quantity; /* enum pmu_quantity */
};

/* What a processor has of all this. */
struct pmu_model {
    uint8_t version;     /* of architectural performance monitoring; 0: as the P6 family had it */
    uint8_t counters, width, fixed, fixed_width;
    bool full_width;     /* IA32_A_PMCx: counters are written in their whole width */
    const struct pmu_event *events;
    unsigned event_count;
};
/* Leaf 0Ah, EBX: last-level cache references and misses, mispredicted branches are not available. */
#define PMU_UNAVAILABLE 0x58u

struct cpu_pmu {
    uint64_t select[PMU_COUNTERS], counter[PMU_COUNTERS], fixed[PMU_FIXED];
    uint64_t fixed_ctrl, global_ctrl, global_status;
    uint64_t mark[PMU_QUANTITIES]; /* what the quantities were when the counters were last brought up to date */
    uint8_t cpl;                   /* since then, while a counter cares */
    uint64_t branches;             /* counted while a counter asks for them */
    uint64_t walks[3];             /* of loads, stores, fetches that missed the TLB and filled it */
    sim_cycles slept;              /* cycles of the CPU's clock that passed asleep */
    struct sim_event overflow;     /* a counter that interrupts may overflow */
    bool counting, by_cpl, by_step; /* derived: some counter counts; for one privilege only; branches */
};
extern const struct sim_field pmu_fields[];

void pmu_init(struct cpu *cpu);
void pmu_reset(struct cpu *cpu); /* RESET; INIT changes nothing */
void pmu_loaded(struct cpu *cpu);

/* Is this one of the model's performance-monitoring MSRs? */
bool pmu_has_msr(const struct cpu *cpu, uint32_t number);
/* Both are about MSRs that there are. The write is refused when it sets a reserved bit, or the register can only be read. */
uint64_t pmu_read(const struct cpu *cpu, uint32_t number);
bool pmu_write(struct cpu *cpu, uint32_t number, uint64_t value);
/* RDPMC: the counter that ECX names. False: there is none. */
bool pmu_read_counter(const struct cpu *cpu, uint32_t ecx, uint64_t *value);

/* The CPL is another one; call it when `by_cpl`. The CPU wakes. */
void pmu_cpl_changed(struct cpu *cpu);
void pmu_woken(struct cpu *cpu);

#endif
