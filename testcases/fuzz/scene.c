#include "testcases/fuzz/fuzz.h"

#include <stdio.h>

#include "cpu/isa/isa.h"
#include "testcases/unit/long_bench.h"

const char *const scene_mode_names[SCENE_MODES] = { "real", "unreal", "protected 16", "protected 32", "paged", "PAE", "VM86", "64-bit", "compatibility" };

enum { AT_PAE = 0x78000, CODE_BYTES = 0x700, TASK_BYTES = 0x400 };

/* ---- The plan ---- */

static bool has_long_mode(enum scene_mode mode) { return mode == SCENE_LONG || mode == SCENE_COMPAT; }

static const char *pick_model(struct rng *r, enum scene_mode mode)
{
    static const char *const old[] = { "486", "pentium", "pentium3" }, *const late[] = { "core2", "nehalem", "haswell" };

    if (rng_chance(r, 60))
        return "max";
    if (has_long_mode(mode) || rng_chance(r, 50))
        return late[rng_below(r, 3)];
    return old[mode == SCENE_PAE ? 2 : rng_below(r, 3)];
}

void scene_plan(struct scene *s, uint64_t number)
{
    struct rng r = { number };

    *s = (struct scene){ .number = number, .mode = rng_below(&r, SCENE_MODES) };
    s->model = pick_model(&r, s->mode);
    s->cpus = strcmp(s->model, "486") == 0 || rng_chance(&r, 65) ? 1 : 2 + rng_below(&r, 3);
    s->quantum = rng_chance(&r, 30) ? 1 + rng_below(&r, 4) : 1 + rng_below(&r, 1000);
    s->turn_seed = rng_chance(&r, 50) ? 0 : rng_next(&r);
    s->stop_on_triple_fault = rng_chance(&r, 80);
    s->marks = 1 + rng_below(&r, 10);
    s->every = 1 + rng_below(&r, rng_chance(&r, 20) ? 2000 : 250);
    s->way = rng_below(&r, way_count);
}

/* ---- The machine ---- */

/* Jumps to where the scenes have their code: what runs after a reset. Multiboot's address fields, loaded at 1 MiB. */
static const uint32_t image[] = { 0x1BADB002, 0x10000, 0u - 0x1BADB002u - 0x10000, 0x100000, 0x100000, 0, 0, 0x100020, 0x011000b8, 0x90e0ff00 };

struct sim *scene_open_bare(const struct scene *s)
{
    char cpus[12], quantum[12], seed[24];
    const char *options[][2] = { { "memory", "4" }, { "cpu", s->model }, { "cpus", cpus }, { "quantum", quantum }, { "seed", seed },
                                 { "timeline", "off" }, { "stop-on", s->stop_on_triple_fault ? "triple-fault,dead-halt" : "dead-halt" },
                                 { "clock", "20M" } };
    struct sim_config cfg;
    struct sim *sim = NULL;
    enum sim_err err = SIM_OK;

    snprintf(cpus, sizeof(cpus), "%u", s->cpus);
    snprintf(quantum, sizeof(quantum), "%u", s->quantum);
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)s->turn_seed);
    sim_config_init(&cfg);
    for (unsigned n = 0; !err && n < sizeof(options) / sizeof(options[0]); n++)
        err = sim_config_set(&cfg, options[n][0], options[n][1]);
    if (!err)
        err = sim_config_image(&cfg, image, sizeof(image));
    if (!err)
        err = sim_create(&cfg, &sim);
    sim_config_fini(&cfg);
    return err ? NULL : sim;
}

/* ---- Handlers ---- */

static const bool has_error[32] = { [8] = true, [10] = true, [11] = true, [12] = true, [13] = true, [14] = true, [17] = true, [21] = true };

/* Goes on `skip` bytes behind what faulted. */
static unsigned handler(uint8_t *out, enum scene_mode mode, unsigned vector, unsigned skip)
{
    static const uint8_t real[] = { 0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x00, 0x5d, 0xcf }; /* push bp; mov bp,sp; add word [bp+2],n; pop bp; iret */
    bool error = vector < 32 && has_error[vector];
    unsigned n = 0;

    if (mode == SCENE_REAL || mode == SCENE_UNREAL) {
        memcpy(out, real, sizeof(real));
        out[6] = (uint8_t)skip;
        return sizeof(real);
    }
#define PUT(bytes) (memcpy(out + n, bytes, sizeof(bytes) - 1), n += (unsigned)sizeof(bytes) - 1)
    if (has_long_mode(mode)) {
        if (error)
            PUT("\x48\x83\xc4\x08");
        PUT("\x48\x83\x04\x24");
        out[n++] = (uint8_t)skip;
        PUT("\x48\xcf");
    } else {
        if (error)
            PUT("\x83\xc4\x04");
        PUT("\x83\x04\x24");
        out[n++] = (uint8_t)skip;
        PUT("\xcf");
    }
#undef PUT
    return n;
}

static void put_handlers(struct sys *s, struct rng *r, enum scene_mode mode)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint8_t code[16];
        /* Faults go on behind a guess at the instruction; interrupts return. Some handlers are nonsense. */
        unsigned skip = vector < 32 && vector != 1 && vector != 3 && vector != 4 ? 1 + rng_below(r, 4) : 0, len = handler(code, mode, vector, skip);

        if (rng_chance(r, 3))
            for (unsigned n = 0; n < 4; n++)
                code[rng_below(r, len)] = (uint8_t)rng_next(r);
        bus_poke(s->bus, AT_HANDLER + 16 * vector, code, len);
    }
}

/* ---- Tables ---- */

static void put_pae(struct sys *s)
{
    for (unsigned n = 0; n < 4; n++)
        sys_poke(s, AT_PAE + 8 * n, n == 0 ? AT_LPD | 1 : 0, 8);
}

/* Windows on devices, by whatever tables there are. */
static void map_devices(struct sys *s)
{
    static const struct { uint32_t laddr, paddr; } window[] = { { SCENE_LAPIC, 0xfee00000 }, { SCENE_IOAPIC, 0xfec00000 }, { SCENE_SCREEN, 0xb8000 },
                                                                { SCENE_NOWHERE, 0xd0000000 } };

    for (unsigned n = 0; n < 4; n++) {
        sys_poke(s, AT_PT + (window[n].laddr >> 10), window[n].paddr | 7, 4);
        sys_poke(s, AT_LPT + (window[n].laddr >> 9), window[n].paddr | 7, 8);
    }
}

/* A descriptor of a random kind with a random base and limit. */
static uint64_t random_descriptor(struct rng *r)
{
    uint32_t base = rng_chance(r, 50) ? rng_below(r, 8) << 16 : (uint32_t)rng_any(r), limit = (uint32_t)rng_any(r) & 0xfffff;

    return DESC(base, limit, (uint32_t)rng_next(r) & 0xf0ff) | (rng_chance(r, 90) ? 1ull << 47 : 0);
}

/* A gate that leads elsewhere: to another level or to the present one, to 16-bit code, to a task, to a stack of the IST. */
static void other_gate(struct sys *s, struct rng *r, bool wide)
{
    static const uint16_t selectors[] = { CODE0, CODE3 | 3, CONF0, CONF3, CODE16, CODE1, TSS32, TSS16, DATA0, CODE_NP, L_CODE3 | 3, L_CODE0, L_CONF0 };
    static const uint8_t types[] = { SYS_INT, SYS_INT, SYS_TRAP, SYS_INT16, SYS_TRAP16, SYS_TASK_GATE, SYS_CALL };
    static const uint8_t vectors[] = { 1, 3, 6, 8, 10, 11, 12, 13, 13, 14, 14, 17, 17, 17, 0x40, 0x80 };
    unsigned vector = vectors[rng_below(r, sizeof(vectors))];
    uint64_t gate = GATE(selectors[rng_below(r, sizeof(selectors) / sizeof(selectors[0]))], AT_HANDLER + 16 * vector, types[rng_below(r, sizeof(types))],
                         rng_below(r, 4), wide ? rng_below(r, 3) : 0);

    sys_poke(s, AT_IDT + (wide ? 16 : 8) * vector, gate, 8);
}

static void spoil(struct sys *s, struct rng *r, bool wide)
{
    uint32_t v = (uint32_t)rng_any(r);

    switch (rng_below(r, 12)) {
    case 0: sys_poke(s, AT_GDT + rng_below(r, GDT_LIMIT), v, 1); break;
    case 1: sys_desc(s, 8 + 8 * rng_below(r, 0x2d), random_descriptor(r)); break;
    case 2: sys_poke(s, AT_IDT + rng_below(r, 33) * 16 + rng_below(r, 16), v, 1); break;
    case 3: sys_poke(s, AT_TSS + rng_below(r, 0x68), v, 1 + rng_below(r, 4)); break;
    case 4: sys_poke(s, AT_TSS32 + rng_below(r, 0x68), v, 1 + rng_below(r, 4)); break;
    case 5: sys_poke(s, AT_PT + 4 * rng_below(r, 0x94), rng_chance(r, 50) ? rng_below(r, 0x94) << 12 | rng_below(r, 512) : v, 4); break;
    case 6: sys_poke(s, AT_LPT + 8 * rng_below(r, 0x94), rng_chance(r, 70) ? rng_below(r, 0x94) << 12 | rng_below(r, 512) : rng_next(r), 8); break;
    case 7: sys_poke(s, AT_PML4 + rng_below(r, 5) * 4096 + rng_below(r, 16), v, 1); break;
    case 8: sys_poke(s, AT_LDT + rng_below(r, 0x20), v, 1); break;
    default: other_gate(s, r, wide); break;
    }
}

/* ---- One processor ---- */

static void random_segment(struct sys *s, struct rng *r, unsigned n)
{
    struct cpu_seg *seg = &s->cpu->seg[n];

    switch (rng_below(r, 5)) {
    case 0: seg->limit = (uint32_t)rng_any(r); break;
    case 1: seg->base = rng_below(r, 16) << 14; break;
    case 2: seg->attr ^= SEG_DB; break;
    case 3: seg->attr ^= 4; break; /* expand down, or conforming */
    default: seg->attr ^= 2; break; /* writable, or readable */
    }
}

static void random_controls(struct sys *s, struct rng *r, enum scene_mode mode)
{
    struct cpu *cpu = s->cpu;
    uint64_t all = cpu->model->cr4;

    if (rng_chance(r, 15))
        cpu->cr0 |= (rng_next(r) & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM));
    cpu->cr0 |= rng_chance(r, 50) ? CR0_NE : 0;
    cpu->cr0 |= rng_chance(r, 12) ? CR0_AM : 0;
    cpu->cr4 |= rng_chance(r, 90) ? all & (CR4_OSFXSR | CR4_OSXSAVE | CR4_OSXMMEXCPT) : 0;
    if (rng_chance(r, 25)) /* PAE and LA57 change what the tables mean, PCIDE what CR3 does */
        cpu->cr4 |= rng_next(r) & all & ~(uint64_t)(CR4_PAE | CR4_LA57 | (has_long_mode(mode) ? 0 : CR4_PCIDE));
    if (cpu->cr4 & CR4_OSXSAVE)
        cpu->xcr0 = rng_chance(r, 90) ? 7 : 1;
    for (unsigned n = 0; rng_chance(r, 15) && n < 4; n++) {
        cpu->dr[n] = rng_chance(r, 50) ? AT_CODE + rng_below(r, 0x200) : stream_value(r);
        cpu->dr[7] |= (rng_next(r) & 0xf0000) << (4 * n) | 1ull << (2 * n);
    }
    cpu->msr.sysenter_cs = CODE0;
    cpu->msr.sysenter_esp = AT_STACK0;
    cpu->msr.sysenter_eip = AT_TASK;
    cpu->msr.star = (uint64_t)L_CODE32_3 << 48 | (uint64_t)L_CODE0 << 32;
    cpu->msr.lstar = AT_TASK;
    cpu->msr.fmask = rng_any(r) & 0xffffffff;
}

static void enter_mode(struct sys *s, struct rng *r, enum scene_mode mode)
{
    static const uint8_t levels[] = { 0, 0, 3, 3 };
    unsigned cpl = levels[rng_below(r, 4)];
    struct cpu *cpu = s->cpu;

    switch (mode) {
    case SCENE_REAL: sys_real(s); break;
    case SCENE_UNREAL:
        sys_real(s);
        for (unsigned n = 0; n < 6; n++)
            if (n != CPU_CS && rng_chance(r, 70))
                cpu->seg[n].limit = UINT32_MAX;
        break;
    case SCENE_PROT16:
        sys_protected(s, 0);
        sys_segment(s, CPU_CS, CODE16, DESC(0, 0xfffff, SEG_G | SEG_P | SEG_S | 0xa));
        if (rng_chance(r, 50))
            sys_segment(s, CPU_SS, DATA16, DESC(0, 0xffff, SEG_P | SEG_S | 0x2));
        break;
    case SCENE_PROT32: sys_protected(s, cpl); break;
    case SCENE_PAGED:
        sys_protected(s, cpl);
        sys_paging(s);
        break;
    case SCENE_PAE:
        sys_protected(s, cpl);
        cpu->cr3 = AT_PAE;
        cpu->cr4 |= CR4_PAE;
        cpu->pdpte[0] = AT_LPD | 1;
        cpu->cr0 |= CR0_PG;
        if (cpu->model->efer & EFER_NXE && rng_chance(r, 50))
            cpu->efer |= EFER_NXE;
        break;
    case SCENE_VM86:
        sys_vm86(s, rng_below(r, 4));
        if (rng_chance(r, 40))
            sys_paging(s);
        break;
    case SCENE_LONG: long_enter(s, cpl ? L_CODE3 : L_CODE0, cpl); break;
    default: long_enter(s, cpl ? L_CODE32_3 : L_CODE32, cpl); break;
    }
    if (mode == SCENE_PROT32 || mode == SCENE_PROT16 || mode == SCENE_PAGED || mode == SCENE_PAE)
        for (unsigned n = 0; n < 6; n++)
            if (n != CPU_CS && rng_chance(r, 12))
                random_segment(s, r, n);
}

/* Where processor n has its code: in real and VM86 mode the segment begins at AT_CODE. */
static uint32_t code_at(unsigned n) { return AT_CODE + n * (CODE_BYTES / 2); }

static void put_code(struct sys *s, struct rng *r, const struct cpu_isa_index *isa, uint32_t at, unsigned bytes)
{
    uint8_t code[CODE_BYTES];
    struct stream stream = { .rng = r, .isa = isa, .mode = s->cpu->mode, .lapic_mapped = s->cpu->cr0 & CR0_PG, .out = code, .room = bytes };

    stream_fill(&stream);
    bus_poke(s->bus, at, code, bytes);
}

static void start_cpu(struct sys *s, struct rng *r, enum scene_mode mode)
{
    struct cpu *cpu = s->cpu;
    bool short_ip = mode == SCENE_REAL || mode == SCENE_UNREAL || mode == SCENE_VM86;

    enter_mode(s, r, mode);
    random_controls(s, r, mode);
    for (unsigned n = 0; n < (mode == SCENE_LONG ? 16u : 8u); n++)
        if (n != CPU_SP)
            cpu->reg[n] = mode == SCENE_LONG ? stream_value(r) : (uint32_t)stream_value(r);
    for (unsigned n = 0; n < 16; n++)
        for (unsigned q = 0; q < 4; q++)
            cpu->vector[n].q[q] = rng_chance(r, 50) ? rng_next(r) : rng_any(r);
    if (rng_chance(r, 20))
        cpu->reg[CPU_SP] += rng_below(r, 16);
    cpu->ip = code_at(cpu->number) - (short_ip ? (uint32_t)cpu->seg[CPU_CS].base : 0);
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & (EFL_VM | EFL_IOPL)) | 2 | (rng_chance(r, 60) ? EFL_IF : 0) | (cpu->cr0 & CR0_AM ? EFL_AC : 0) |
                            (rng_chance(r, 15) ? (uint32_t)rng_next(r) & 0x3c7dd5 & ~(uint32_t)EFL_VM : 0));
    cpu->activity = CPU_ACTIVE;
    mem_flush_tlb(cpu, true);
    cpu_mode_changed(cpu);
    cpu_attend(cpu);
}

/* ---- The scene ---- */

struct sim *scene_open(const struct scene *scene)
{
    struct rng r = { scene->number ^ 0x5ce0e };
    struct sim *sim = scene_open_bare(scene);
    struct sys s = { 0 };

    if (!sim)
        return NULL;
    s.bus = sim->bus;
    s.cluster = sim->cluster;
    bus_set_a20(sim->bus, true);
    s.cpu = cpu_get(s.cluster, 0);
    sys_tables(&s);
    put_handlers(&s, &r, scene->mode);
    for (unsigned n = 0; n < scene->cpus; n++) {
        s.cpu = cpu_get(s.cluster, n);
        if (n && rng_chance(&r, 40))
            continue; /* waits for SIPI */
        start_cpu(&s, &r, scene->mode);
    }
    if (scene->mode == SCENE_PAE) {
        long_tables(&s);
        sys_tables(&s);
        put_pae(&s);
    }
    map_devices(&s);
    s.cpu = cpu_get(s.cluster, 0);
    for (unsigned n = 0; n <= scene->cpus; n++)
        put_code(&s, &r, s.cluster->isa, n < scene->cpus ? code_at(n) : AT_TASK, n < scene->cpus ? CODE_BYTES / 2 : TASK_BYTES);
    for (unsigned n = 0; n < 0x400; n += 8)
        sys_poke(&s, AT_DATA + n, stream_value(&r), 8);
    for (unsigned n = rng_chance(&r, 60) ? 0 : rng_below(&r, 12); n; n--)
        spoil(&s, &r, has_long_mode(scene->mode));
    for (unsigned n = 0; n < scene->cpus; n++)
        mem_flush_tlb(cpu_get(s.cluster, n), true);
    return sim;
}
