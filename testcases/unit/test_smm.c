/* System-management mode: SDM Vol. 3C, "System Management Mode"; for the third map APM Vol. 2. */
#include "cpu/smm.h"
#include "testcases/unit/long_bench.h"

enum { BASE = 0x80000, ENTRY = BASE + SMM_ENTRY, MAP = BASE + 0x8000 };

static struct sys s;

static void open_with(const char *model, enum smm_map map)
{
    sys_open(&s, model, 1);
    smm_set_map(s.cluster, map);
    s.cpu->smm.base = BASE;
    sys_poke(&s, ENTRY, 0xaa0f, 2); /* RSM */
}

static void teardown(void)
{
    if (s.bus)
        sys_close(&s);
    s.bus = NULL;
}

static void smi(void)
{
    s.cpu->smi_pending = true;
    cpu_attend(s.cpu);
}

/* The SMI is a step. */
static void enter(void)
{
    smi();
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_HORIZON);
    ck_assert(s.cpu->smm.active);
}

static void leave(void)
{
    sys_run(&s, 1);
    ck_assert(!s.cpu->smm.active);
}

static uint64_t map_at(unsigned off, unsigned size) { return sys_peek(&s, MAP + off, size); }
static void map_set(unsigned off, uint64_t value, unsigned size) { sys_poke(&s, MAP + off, value, size); }

/* ---- What the map holds ---- */

struct expected {
    uint16_t off;
    uint8_t size;
    uint64_t value;
};

static void check_map(const struct expected *e, size_t count)
{
    for (size_t n = 0; n < count; n++)
        ck_assert_msg(map_at(e[n].off, e[n].size) == e[n].value, "%04x: %llx instead of %llx", e[n].off,
                      (unsigned long long)map_at(e[n].off, e[n].size), (unsigned long long)e[n].value);
}
#define CHECK_MAP(table) check_map(table, sizeof(table) / sizeof(table[0]))

static void number_registers(unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        s.cpu->reg[n] = (count > 8 ? 0x1111111100000000ull * (n & 7) : 0) | 0x01010101u * (n + 1);
}

START_TEST(the_map_of_32_bits)
{
    static const struct expected table[] = {
        { 0x7ffc, 4, 0x80000011 }, { 0x7ff8, 4, AT_PD }, { 0x7ff4, 4, 0x246 }, { 0x7ff0, 4, AT_CODE }, { 0x7fec, 4, 0x08080808 },
        { 0x7fe8, 4, 0x07070707 }, { 0x7fe4, 4, 0x06060606 }, { 0x7fe0, 4, 0x05050505 }, { 0x7fdc, 4, 0x04040404 },
        { 0x7fd8, 4, 0x03030303 }, { 0x7fd4, 4, 0x02020202 }, { 0x7fd0, 4, 0x01010101 }, { 0x7fcc, 4, 0xffff0ff1 },
        { 0x7fc8, 4, 0x401 }, { 0x7fc4, 4, TSS_SELF }, { 0x7fbc, 4, DATA0 }, { 0x7fb8, 4, DATA0 }, { 0x7fb4, 4, DATA0 },
        { 0x7fb0, 4, DATA0 }, { 0x7fac, 4, CODE0 }, { 0x7fa8, 4, DATA0 }, { 0x7fa4, 4, 0 }, { 0x7f02, 2, 0 }, { 0x7f00, 2, 0 },
        { 0x7efc, 4, 0x00030000 }, { 0x7ef8, 4, BASE },
    };

    open_with("pentium3", SMM_MAP_32);
    sys_protected(&s, 0);
    number_registers(8);
    sys_paging(&s);
    cpu_set_eflags(s.cpu, 0x246);
    s.cpu->dr[6] |= 1;
    s.cpu->dr[0] = 0x1234;
    s.cpu->dr[7] |= 1;
    enter();
    CHECK_MAP(table);
}
END_TEST

static void long_state(void)
{
    long_enter(&s, L_CODE0, 0);
    number_registers(16);
    cpu_set_eflags(s.cpu, 0x246);
    s.cpu->gdtr.base = 0xffff800000001000;
    s.cpu->idtr.base = 0xffff800000003000;
    s.cpu->seg[CPU_LDTR].base = 0xffff800000002000;
}

START_TEST(the_map_of_intel_64)
{
    static const struct expected table[] = {
        { 0x7ff8, 8, 0x80010011 }, { 0x7ff0, 8, AT_PML4 }, { 0x7fe8, 8, 0x246 }, { 0x7fe0, 8, 0xd01 }, { 0x7fd8, 8, AT_CODE },
        { 0x7fd0, 8, 0xffff0ff0 }, { 0x7fc8, 8, 0x400 }, { 0x7fc4, 4, L_TSS }, { 0x7fc0, 4, L_LDT }, { 0x7fbc, 4, L_DATA0 },
        { 0x7fb8, 4, L_DATA0 }, { 0x7fb4, 4, L_DATA0 }, { 0x7fb0, 4, L_DATA0 }, { 0x7fac, 4, L_CODE0 }, { 0x7fa8, 4, L_DATA0 },
        { 0x7fa4, 4, 0 }, { 0x7f94, 8, 0x7777777708080808 }, { 0x7f8c, 8, 0x6666666607070707 }, { 0x7f84, 8, 0x5555555506060606 },
        { 0x7f7c, 8, 0x4444444405050505 }, { 0x7f74, 8, 0x3333333304040404 }, { 0x7f6c, 8, 0x2222222203030303 },
        { 0x7f64, 8, 0x1111111102020202 }, { 0x7f5c, 8, 0x01010101 }, { 0x7f54, 8, 0x09090909 }, { 0x7f4c, 8, 0x111111110a0a0a0a },
        { 0x7f44, 8, 0x222222220b0b0b0b }, { 0x7f3c, 8, 0x333333330c0c0c0c }, { 0x7f34, 8, 0x444444440d0d0d0d },
        { 0x7f2c, 8, 0x555555550e0e0e0e }, { 0x7f24, 8, 0x666666660f0f0f0f }, { 0x7f1c, 8, 0x7777777710101010 },
        { 0x7f02, 2, 0 }, { 0x7f00, 2, 0 }, { 0x7efc, 4, 0x00030100 }, { 0x7ef8, 4, BASE }, { 0x7e9c, 4, AT_LDT }, { 0x7e94, 4, AT_IDT },
        { 0x7e8c, 4, AT_GDT }, { 0x7e40, 4, 0xa0 }, { 0x7dd8, 4, 0xffff8000 }, { 0x7dd4, 4, 0xffff8000 }, { 0x7dd0, 4, 0xffff8000 },
    };

    open_with("max", SMM_MAP_INTEL64);
    long_state();
    enter();
    CHECK_MAP(table);
}
END_TEST

START_TEST(the_map_of_amd64)
{
    static const struct expected table[] = {
        { 0x7e00, 2, L_DATA0 }, { 0x7e10, 2, L_CODE0 }, { 0x7e12, 2, 0xa09b }, { 0x7e14, 4, 0xffffffff }, { 0x7e20, 2, L_DATA0 },
        { 0x7e22, 2, 0xc093 }, { 0x7e64, 2, L_GDT_LIMIT }, { 0x7e68, 8, 0xffff800000001000 }, { 0x7e70, 2, L_LDT },
        { 0x7e78, 8, 0xffff800000002000 }, { 0x7e84, 2, 0xfff }, { 0x7e88, 8, 0xffff800000003000 }, { 0x7e90, 2, L_TSS },
        { 0x7e98, 8, AT_TSS }, { 0x7ec0, 4, 0 }, { 0x7ec8, 1, 0 }, { 0x7ec9, 1, 0 }, { 0x7ed0, 8, 0xd01 }, { 0x7efc, 4, 0x00030064 },
        { 0x7f00, 4, BASE }, { 0x7f48, 8, 0xa0 }, { 0x7f50, 8, AT_PML4 }, { 0x7f58, 8, 0x80010011 }, { 0x7f60, 8, 0x400 },
        { 0x7f68, 8, 0xffff0ff0 }, { 0x7f70, 8, 0x246 }, { 0x7f78, 8, AT_CODE }, { 0x7f80, 8, 0x7777777710101010 },
        { 0x7fb8, 8, 0x09090909 }, { 0x7fc0, 8, 0x7777777708080808 }, { 0x7fc8, 8, 0x6666666607070707 },
        { 0x7fd0, 8, 0x5555555506060606 }, { 0x7fd8, 8, 0x4444444405050505 }, { 0x7fe0, 8, 0x3333333304040404 },
        { 0x7fe8, 8, 0x2222222203030303 }, { 0x7ff0, 8, 0x1111111102020202 }, { 0x7ff8, 8, 0x01010101 },
    };

    open_with("max", SMM_MAP_AMD64);
    long_state();
    enter();
    CHECK_MAP(table);
}
END_TEST

/* Which of the three is used follows from long mode, whatever is asked for. */
START_TEST(the_layout_fits_the_model)
{
    static const struct { const char *model; enum smm_map asked; uint32_t revision; } cases[] = {
        { "486", SMM_MAP_AMD64, 0x30000 }, { "pentium", SMM_MAP_INTEL64, 0x30000 }, { "pentium3", SMM_MAP_AMD64, 0x30000 },
        { "core2", SMM_MAP_32, 0x30100 }, { "haswell", SMM_MAP_INTEL64, 0x30100 }, { "max", SMM_MAP_AMD64, 0x30064 },
    };

    open_with(cases[_i].model, cases[_i].asked);
    sys_real(&s);
    enter();
    ck_assert_uint_eq(map_at(0x7efc, 4), cases[_i].revision);
}
END_TEST

/* ---- The state in SMM: "Processor register initialization in SMM" ---- */

START_TEST(smm_begins_as_the_manual_says)
{
    const struct cpu *cpu;

    open_with("max", SMM_MAP_INTEL64);
    long_user(&s);
    cpu = s.cpu;
    s.cpu->cr0 |= CR0_TS | CR0_EM | CR0_MP | CR0_NE;
    s.cpu->dr[7] |= 0xff;
    s.cpu->idtr = (struct cpu_table){ 0x12345, 0x67 };
    cpu_set_eflags(s.cpu, 0x246 | EFL_DF | EFL_AC);
    s.cpu->reg[CPU_SI] = 0x123456789abcdef0;
    enter();
    ck_assert_uint_eq(cpu->ip, 0x8000);
    ck_assert_uint_eq(cpu_eflags(cpu), 2);
    ck_assert_uint_eq(cpu->seg[CPU_CS].selector, BASE >> 4);
    ck_assert_uint_eq(cpu->seg[CPU_CS].base, BASE);
    for (unsigned n = CPU_ES; n <= CPU_GS; n++) {
        ck_assert_uint_eq(cpu->seg[n].limit, UINT32_MAX);
        ck_assert_uint_eq(cpu->seg[n].attr & (SEG_DB | SEG_L | SEG_P), SEG_P);
        if (n != CPU_CS)
            ck_assert(cpu->seg[n].selector == 0 && cpu->seg[n].base == 0);
    }
    ck_assert_uint_eq(cpu->cr0, CR0_MP | CR0_NE | CR0_ET | CR0_WP);
    ck_assert_uint_eq(cpu->cr4, 0);
    ck_assert_uint_eq(cpu->efer, 0);
    ck_assert_uint_eq(cpu->dr[7], 0x400);
    ck_assert_uint_eq(cpu->cpl, 0);
    ck_assert_uint_eq(cpu->mode, MODE_SMM);
    ck_assert(cpu->nmi_blocked && !cpu->smi_pending);
    ck_assert_uint_eq(cpu->idtr.base, 0x12345);
    ck_assert_uint_eq(cpu->reg[CPU_SI], 0x123456789abcdef0);
    ck_assert_uint_eq(cpu->steps, 1);
    ck_assert_uint_eq(cpu->retired, 0);
}
END_TEST

/* Data anywhere in 4 GiB by 32-bit offsets, and a far jump goes to 20-bit bases. */
START_TEST(segments_reach_4_gib)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_real(&s);
    sys_poke(&s, 0x345678, 0xcafe, 2);
    bus_poke(s.bus, ENTRY, "\x67\xa1\x78\x56\x34\x00\xea\x10\x00\x00\x70", 11); /* mov ax, [dword 345678]; jmp 7000:0010 */
    enter();
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX] & 0xffff, 0xcafe);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].base, 0x70000);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].limit, UINT32_MAX);
    ck_assert_uint_eq(s.cpu->ip, 0x10);
}
END_TEST

/* ---- There and back ---- */

static void in_real(void) { sys_real(&s); }
static void in_big_real(void)
{
    sys_real(&s);
    s.cpu->seg[CPU_DS].limit = s.cpu->seg[CPU_FS].limit = UINT32_MAX;
    s.cpu->seg[CPU_FS].base = 0x123450;
}
static void in_protected(void) { sys_protected(&s, 0); }
static void in_user(void) { sys_protected(&s, 3); }
static void in_vm86(void) { sys_vm86(&s, 3); }
static void in_paged(void)
{
    sys_protected(&s, 3);
    sys_paging(&s);
    sys_segment(&s, CPU_FS, 0, 0);
    s.cpu->seg[CPU_FS].attr = SEG_UNUSABLE;
}
/* Whose registers are no longer what memory says: only the maps that hold them bring them back. */
static void in_pae(void)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PD, 0x71001, 8);
    sys_poke(&s, 0x71000, 0x83, 8);
    s.cpu->cr4 |= CR4_PAE;
    s.cpu->pdpte[0] = 0x71001;
    sys_paging(&s);
}
static void in_long(void) { long_enter(&s, L_CODE0, 0); }
static void in_long_user(void) { long_enter(&s, L_CODE3, 3); }
static void in_compatibility(void) { long_enter(&s, L_CODE32_3, 3); }
static void in_long_without_stack(void)
{
    long_enter(&s, L_CODE0, 0);
    s.cpu->seg[CPU_SS] = (struct cpu_seg){ .attr = SEG_UNUSABLE };
    s.cpu->seg[CPU_GS].base = 0xffff900012345678;
}

static const struct { const char *model; enum smm_map map; void (*go)(void); } modes[] = {
    { "486", SMM_MAP_32, in_real }, { "pentium3", SMM_MAP_32, in_big_real }, { "pentium", SMM_MAP_32, in_protected },
    { "pentium3", SMM_MAP_32, in_user }, { "pentium3", SMM_MAP_32, in_vm86 }, { "pentium3", SMM_MAP_32, in_paged },
    { "pentium3", SMM_MAP_32, in_pae },
    { "max", SMM_MAP_INTEL64, in_real }, { "max", SMM_MAP_INTEL64, in_vm86 }, { "max", SMM_MAP_INTEL64, in_paged },
    { "max", SMM_MAP_INTEL64, in_pae }, { "max", SMM_MAP_INTEL64, in_long }, { "max", SMM_MAP_INTEL64, in_long_user },
    { "haswell", SMM_MAP_INTEL64, in_compatibility }, { "core2", SMM_MAP_INTEL64, in_long_without_stack },
    { "max", SMM_MAP_AMD64, in_big_real }, { "max", SMM_MAP_AMD64, in_user }, { "max", SMM_MAP_AMD64, in_vm86 },
    { "max", SMM_MAP_AMD64, in_paged }, { "max", SMM_MAP_AMD64, in_pae }, { "max", SMM_MAP_AMD64, in_long },
    { "max", SMM_MAP_AMD64, in_long_user }, { "max", SMM_MAP_AMD64, in_compatibility },
    { "max", SMM_MAP_AMD64, in_long_without_stack },
};

/* All that a program could tell. */
static void check_same(const struct cpu *a, const struct cpu *b)
{
    ck_assert(memcmp(a->reg, b->reg, CPU_GENERAL * sizeof(a->reg[0])) == 0);
    for (unsigned n = 0; n < CPU_SEGS; n++) {
        ck_assert_msg(a->seg[n].selector == b->seg[n].selector && a->seg[n].attr == b->seg[n].attr && a->seg[n].limit == b->seg[n].limit &&
                      a->seg[n].base == b->seg[n].base, "segment %u: %x %x %llx", n, a->seg[n].attr, b->seg[n].attr,
                      (unsigned long long)b->seg[n].base);
    }
    ck_assert(memcmp(a->dr, b->dr, sizeof(a->dr)) == 0);
    ck_assert(memcmp(a->pdpte, b->pdpte, sizeof(a->pdpte)) == 0);
    ck_assert(memcmp(a->vector, b->vector, sizeof(a->vector)) == 0);
    ck_assert(memcmp(&a->fpu, &b->fpu, sizeof(a->fpu)) == 0);
    ck_assert(memcmp(&a->msr, &b->msr, sizeof(a->msr)) == 0);
    ck_assert_uint_eq(a->ip, b->ip);
    ck_assert_uint_eq(cpu_eflags(a), cpu_eflags(b));
    ck_assert(a->gdtr.base == b->gdtr.base && a->gdtr.limit == b->gdtr.limit);
    ck_assert(a->idtr.base == b->idtr.base && a->idtr.limit == b->idtr.limit);
    ck_assert(a->cr0 == b->cr0 && a->cr2 == b->cr2 && a->cr3 == b->cr3 && a->cr4 == b->cr4 && a->efer == b->efer);
    ck_assert(a->cpl == b->cpl && a->mode == b->mode && a->activity == b->activity && a->nmi_blocked == b->nmi_blocked);
    ck_assert(a->pending_db == b->pending_db && a->pending_db_cause == b->pending_db_cause && a->smm.base == b->smm.base);
}

START_TEST(rsm_comes_back_to_the_same)
{
    struct cpu *before = aligned_alloc(64, (sizeof(*before) + 63) & ~(size_t)63);

    open_with(modes[_i].model, modes[_i].map);
    modes[_i].go();
    s.cpu->cr2 = 0x12345678;
    s.cpu->cr0 |= CR0_TS | CR0_NE;
    s.cpu->dr[1] = 0x55;
    cpu_set_eflags(s.cpu, cpu_eflags(s.cpu) | EFL_CF | EFL_ZF | EFL_DF);
    CODE(&s, "\x40\x90\x90"); /* inc eax, or a prefix of nop */
    memcpy(before, s.cpu, sizeof(*before));
    cpu_mode_changed(s.cpu);
    memcpy(before, s.cpu, sizeof(*before));
    enter();
    memset(s.cpu->reg, 0x5a, CPU_GENERAL * sizeof(s.cpu->reg[0])); /* the handler may do what it wants */
    leave();
    check_same(before, s.cpu);
    ck_assert_uint_eq(s.cpu->retired, 1);
    sys_run(&s, 1);
    ck_assert_uint_ne(s.cpu->ip, before->ip);
    ck_assert_uint_eq(s.cpu->history_next, 0); /* and it goes on without a fault */
    free(before);
}
END_TEST

/* What the handler writes into the map is what comes back. */
START_TEST(rsm_takes_each_general_register_from_the_map)
{
    static const uint16_t offs[3][16] = {
        [SMM_MAP_32] = { 0x7fd0, 0x7fd4, 0x7fd8, 0x7fdc, 0x7fe0, 0x7fe4, 0x7fe8, 0x7fec },
        [SMM_MAP_INTEL64] = { 0x7f5c, 0x7f64, 0x7f6c, 0x7f74, 0x7f7c, 0x7f84, 0x7f8c, 0x7f94, 0x7f54, 0x7f4c, 0x7f44, 0x7f3c, 0x7f34,
                              0x7f2c, 0x7f24, 0x7f1c },
        [SMM_MAP_AMD64] = { 0x7ff8, 0x7ff0, 0x7fe8, 0x7fe0, 0x7fd8, 0x7fd0, 0x7fc8, 0x7fc0, 0x7fb8, 0x7fb0, 0x7fa8, 0x7fa0, 0x7f98,
                            0x7f90, 0x7f88, 0x7f80 },
    };
    static const uint16_t ip[] = { 0x7ff0, 0x7fd8, 0x7f78 }, flags[] = { 0x7ff4, 0x7fe8, 0x7f70 };
    unsigned count = _i == SMM_MAP_32 ? 8 : 16, size = _i == SMM_MAP_32 ? 4 : 8;
    uint64_t high = _i == SMM_MAP_32 ? 0 : 0x1234567800000000;

    open_with(_i == SMM_MAP_32 ? "pentium3" : "max", (enum smm_map)_i);
    if (_i == SMM_MAP_32)
        sys_protected(&s, 0);
    else
        long_enter(&s, L_CODE0, 0);
    enter();
    for (unsigned n = 0; n < count; n++)
        map_set(offs[_i][n], high | 0xa0b0c0d0u * (n + 1), size);
    map_set(ip[_i], 0x10002, size);
    map_set(flags[_i], 0xffffffffu & ~(EFL_VM | EFL_TF), size);
    leave();
    for (unsigned n = 0; n < count; n++)
        ck_assert_uint_eq(s.cpu->reg[n], high | 0xa0b0c0d0u * (n + 1));
    ck_assert_uint_eq(s.cpu->ip, 0x10002);
    ck_assert_uint_eq(cpu_eflags(s.cpu), 0x3d7ed7); /* only the flags that there are */
}
END_TEST

/* ---- SMBASE ---- */

START_TEST(smbase_can_be_moved)
{
    static const struct { const char *model; enum smm_map map; uint16_t off; uint32_t base; } cases[] = {
        { "pentium", SMM_MAP_32, 0x7ef8, 0x90000 }, { "pentium3", SMM_MAP_32, 0x7ef8, 0x123450 }, { "max", SMM_MAP_INTEL64, 0x7ef8, 0x123457 },
        { "max", SMM_MAP_AMD64, 0x7f00, 0x200000 },
    };
    uint32_t base = cases[_i].base;

    open_with(cases[_i].model, cases[_i].map);
    sys_protected(&s, 0);
    enter();
    map_set(cases[_i].off, base, 4);
    leave();
    ck_assert_uint_eq(s.cpu->smm.base, base);
    sys_poke(&s, base + SMM_ENTRY, 0xaa0f, 2);
    enter();
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].base, base);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, base >> 4 & 0xffff);
    ck_assert_uint_eq(sys_peek(&s, base + 0x8000 + cases[_i].off, 4), base);
    leave();
    ck_assert_uint_eq(s.cpu->ip, AT_CODE);
    cpu_reset(s.cpu, true); /* INIT keeps it */
    ck_assert_uint_eq(s.cpu->smm.base, base);
    cpu_reset(s.cpu, false);
    ck_assert_uint_eq(s.cpu->smm.base, 0x30000);
}
END_TEST

/* ---- When it comes ---- */

START_TEST(one_smi_waits_while_in_smm)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    CODE(&s, "\x40\x40\x40");
    sys_poke(&s, ENTRY, 0xaa0f40, 3); /* inc ax; rsm */
    enter();
    smi();
    smi();
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0x8001); /* it does not nest */
    leave();
    ck_assert_uint_eq(s.cpu->ip, AT_CODE);
    sys_run(&s, 1);
    ck_assert(s.cpu->smm.active);
    sys_run(&s, 3);
    ck_assert(!s.cpu->smm.active);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 1);
}
END_TEST

/* The interrupt shadows hold it off. */
START_TEST(an_smi_waits_for_the_step_behind_sti_and_mov_ss)
{
    static const struct { const char *code; unsigned before; } cases[] = {
        { "\xfb\x90\x90", 1 }, { "\x8e\xd0\x90\x90", 2 },
    };

    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    s.cpu->reg[CPU_AX] = DATA0;
    bus_poke(s.bus, AT_CODE, cases[_i].code, 4);
    sys_run(&s, 1);
    smi();
    sys_run(&s, 1);
    ck_assert(!s.cpu->smm.active);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + cases[_i].before + 1);
    sys_run(&s, 1);
    ck_assert(s.cpu->smm.active);
}
END_TEST

START_TEST(the_wire_smi_reaches_the_bootstrap_processor)
{
    struct sim_wire_driver driver;

    sys_open(&s, "max", 2);
    s.cpu->smm.base = BASE;
    sys_real(&s);
    ck_assert_int_eq(bus_wire_source(s.bus, &driver, "smi"), SIM_OK);
    sim_wire_set(&driver, true);
    sys_run(&s, 1);
    ck_assert(s.cpu->smm.active && !s.cpu->smi_pending);
    sim_wire_set(&driver, true); /* an edge, not a level */
    ck_assert(!s.cpu->smi_pending && !cpu_get(s.cluster, 1)->smi_pending);
}
END_TEST

/* SDM Vol. 3A, "Priority among simultaneous exceptions and interrupts": SMI, INIT, debug traps, NMI, interrupts. */
START_TEST(an_smi_comes_before_all_but_a_task_trap)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    CODE(&s, "\x40\x40\x40");
    cpu_set_eflags(s.cpu, 2 | EFL_TF | EFL_IF);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->pending_db, DR6_BS);
    s.cpu->nmi_pending = true;
    s.cpu->intr = true;
    enter();
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->pending_db, 0);
    leave();
    sys_run(&s, 1); /* the single-step trap is still due, and comes first */
    ck_assert_uint_eq(sys_record(&s, 0)->cause, CPU_CAUSE_DB_STEP);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 1);
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_record(&s, 1)->cause, CPU_CAUSE_NMI_PIN);

    s.cpu->pending_db = DR6_BT;
    smi();
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_record(&s, 2)->cause, CPU_CAUSE_DB_TASK);
    ck_assert(!s.cpu->smm.active);
    sys_run(&s, 1);
    ck_assert(s.cpu->smm.active);
}
END_TEST

START_TEST(init_waits_for_rsm)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    sys_poke(&s, ENTRY, 0xaa0f90, 3); /* nop; rsm */
    s.cpu->init_pending = true;
    enter(); /* SMI first */
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0x8001);
    leave();
    ck_assert_uint_eq(s.cpu->ip, AT_CODE);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0xfff0);
    ck_assert(!s.cpu->init_pending);
}
END_TEST

/* A sleeper in SMM does not spin because of what waits for RSM. */
START_TEST(what_waits_for_rsm_wakes_nobody)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    sys_poke(&s, ENTRY, 0xf4, 1); /* hlt */
    enter();
    sys_run(&s, 1);
    s.cpu->init_pending = s.cpu->smi_pending = s.cpu->nmi_pending = true;
    cpu_attend(s.cpu);
    ck_assert(!cpu_wakeable(s.cpu));
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SLEEP);
}
END_TEST

/* ---- NMI ---- */

START_TEST(nmi_is_blocked_in_smm)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    sys_poke(&s, ENTRY, 0xaa0f90, 3);
    enter();
    s.cpu->nmi_pending = true;
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0x8001);
    leave();
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_record(&s, 0)->cause, CPU_CAUSE_NMI_PIN);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE);
}
END_TEST

/* "NMI handling while in SMM": IRET opens it; RSM forgets that it was blocked before, but with AMD's map. */
START_TEST(iret_opens_nmi_in_smm)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_real(&s);
    sys_poke(&s, ENTRY, 0xcf, 1); /* iret */
    s.cpu->seg[CPU_SS].base = 0;
    enter();
    s.cpu->idtr = (struct cpu_table){ 0, 0x3ff };
    s.cpu->reg[CPU_SP] = 0x6000;
    sys_poke(&s, 0x6000, 0x80008100, 4); /* 8000:8100 */
    sys_poke(&s, 0x6004, 2, 2);
    s.cpu->nmi_pending = true;
    sys_run(&s, 2);
    ck_assert_uint_eq(sys_record(&s, 0)->cause, CPU_CAUSE_NMI_PIN);
    ck_assert(s.cpu->smm.active);
    ck_assert_uint_eq(s.cpu->seg[CPU_CS].selector, 0x2000);
}
END_TEST

START_TEST(rsm_keeps_nmi_blocking_with_the_map_of_amd)
{
    open_with("max", _i ? SMM_MAP_AMD64 : SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    s.cpu->nmi_blocked = true;
    enter();
    leave();
    ck_assert(s.cpu->nmi_blocked == (_i == 1));
}
END_TEST

/* ---- HLT: "Auto HALT restart" ---- */

static const struct { enum smm_map map; uint16_t off; uint8_t size; } halt_field[] = {
    { SMM_MAP_32, 0x7f02, 2 }, { SMM_MAP_INTEL64, 0x7f02, 2 }, { SMM_MAP_AMD64, 0x7ec9, 1 },
};

START_TEST(hlt_goes_on_or_not_as_the_field_says)
{
    bool again = _i & 1;
    unsigned n = (unsigned)_i / 2;

    open_with(halt_field[n].map == SMM_MAP_32 ? "pentium3" : "max", halt_field[n].map);
    sys_protected(&s, 0);
    CODE(&s, "\xf4\x40");
    s.cpu->eflags |= EFL_IF;
    sys_run(&s, 1);
    ck_assert_int_eq(s.cpu->activity, CPU_HALTED);
    smi();
    ck_assert(cpu_wakeable(s.cpu));
    sys_run(&s, 1);
    ck_assert(s.cpu->smm.active);
    ck_assert_int_eq(s.cpu->activity, CPU_ACTIVE);
    ck_assert_uint_eq(map_at(halt_field[n].off, halt_field[n].size), 1);
    if (!again)
        map_set(halt_field[n].off, 0, halt_field[n].size);
    leave();
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 1);
    ck_assert_int_eq(s.cpu->activity, again ? CPU_HALTED : CPU_ACTIVE);
    ck_assert_int_eq(sys_run(&s, 1), again ? CPU_EXIT_SLEEP : CPU_EXIT_HORIZON);
}
END_TEST

/* ---- I/O: "SMM I/O state", "I/O instruction restart" ---- */

static const struct {
    const char *code;
    unsigned steps;  /* until the I/O instruction is done (of a repeated one: its second iteration) */
    uint32_t state;  /* as Intel has it */
    uint32_t trap;   /* as AMD has it */
    bool in_memory;
    uint8_t at;      /* where it stands */
} io[] = {
    { "\xe6\x70", 1, 0x00700083, 0x00700012, false, 0 },             /* out 70h, al */
    { "\xe4\x71", 1, 0x00710093, 0x00710013, false, 0 },             /* in al, 71h */
    { "\x66\xef", 1, 0x12340005, 0x12340022, false, 0 },             /* out dx, ax */
    { "\x40\xed", 2, 0x12340019, 0x12340043, false, 1 },             /* inc eax; in eax, dx */
    { "\x6e", 1, 0x12340023, 0x12340016, true, 0 },                  /* outsb */
    { "\x6d", 1, 0x12340039, 0x12340047, true, 0 },                  /* insd */
    { "\xf3\x6e", 2, 0x12340063, 0x1234001e, true, 0 },              /* rep outsb */
    { "\xf3\x66\x6d", 2, 0x12340075, 0x1234002f, true, 0 },          /* rep insw */
};

static void run_io(unsigned n)
{
    sys_protected(&s, 0);
    s.cpu->reg[CPU_CX] = 9;
    s.cpu->reg[CPU_DX] = 0x1234;
    s.cpu->reg[CPU_SI] = AT_DATA;
    s.cpu->reg[CPU_DI] = AT_DATA + 0x100;
    bus_poke(s.bus, AT_CODE, io[n].code, strlen(io[n].code));
    sys_run(&s, io[n].steps);
    enter();
}

START_TEST(the_map_tells_of_an_io_instruction)
{
    open_with("pentium3", SMM_MAP_32);
    run_io((unsigned)_i);
    ck_assert_uint_eq(map_at(0x7fa4, 4), io[_i].state);
    if (io[_i].in_memory) {
        unsigned bytes = io[_i].state >> 1 & 7, done = io[_i].state & 0x40 ? bytes : 0;

        ck_assert_uint_eq(map_at(0x7fa0, 4), (io[_i].state & 0x10 ? AT_DATA + 0x100 : AT_DATA) + done);
    }
    teardown();
    open_with("max", SMM_MAP_INTEL64);
    run_io((unsigned)_i);
    ck_assert_uint_eq(map_at(0x7fa4, 4), io[_i].state);
    ck_assert_uint_eq(map_at(0x7de8, 8), AT_CODE + io[_i].at);
    teardown();
    open_with("max", SMM_MAP_AMD64);
    run_io((unsigned)_i);
    ck_assert_uint_eq(map_at(0x7ec0, 4), io[_i].trap);
    ck_assert_uint_eq(map_at(0x7ea0, 8), AT_CODE + io[_i].at);
}
END_TEST

START_TEST(an_io_instruction_can_be_made_again)
{
    for (enum smm_map map = SMM_MAP_32; map <= SMM_MAP_AMD64; map++) {
        bool repeated = io[_i].state & 0x40;

        open_with(map == SMM_MAP_32 ? "pentium" : "max", map);
        run_io((unsigned)_i);
        if (map == SMM_MAP_AMD64)
            map_set(0x7ec8, 0xff, 1);
        else
            map_set(0x7f00, 0xff, 2);
        leave();
        ck_assert_uint_eq(s.cpu->ip, AT_CODE + io[_i].at);
        ck_assert_uint_eq(s.cpu->reg[CPU_CX], repeated ? 8 : 9);
        if (io[_i].in_memory) {
            unsigned bytes = io[_i].state >> 1 & 7, done = repeated ? bytes : 0;

            ck_assert_uint_eq(s.cpu->reg[CPU_SI], AT_DATA + (io[_i].state & 0x10 ? 0 : done));
            ck_assert_uint_eq(s.cpu->reg[CPU_DI], AT_DATA + 0x100 + (io[_i].state & 0x10 ? done : 0));
        }
        teardown();
    }
}
END_TEST

/* Between the two lies a step: then it was another thing that made the SMI, and nothing can be restarted. */
START_TEST(an_smi_later_than_the_io_instruction_does_not_tell_of_it)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    CODE(&s, "\xe6\x80\x40");
    sys_run(&s, 2);
    enter();
    ck_assert_uint_eq(map_at(0x7fa4, 4), 0);
    map_set(0x7f00, 0xff, 2);
    leave();
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 3);
}
END_TEST

/* ---- RSM that cannot be ---- */

START_TEST(rsm_outside_smm_is_undefined)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    CODE(&s, "\x0f\xaa");
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_record(&s, 0)->vector, VEC_UD);
    ck_assert_uint_eq(sys_record(&s, 0)->cause, CPU_CAUSE_UD_RSM);
}
END_TEST

static const struct { const char *model; enum smm_map map; void (*go)(void); uint16_t off; uint8_t size; uint64_t value; enum cpu_cause cause; } bad[] = {
    { "pentium3", SMM_MAP_32, in_protected, 0x7ffc, 4, 0x80000010, CPU_CAUSE_RSM_CR0 },
    { "pentium3", SMM_MAP_32, in_protected, 0x7ffc, 4, 0x20000011, CPU_CAUSE_RSM_CR0 },
    { "max", SMM_MAP_INTEL64, in_protected, 0x7ff8, 8, 0x100000011, CPU_CAUSE_RSM_CR0 },
    { "pentium", SMM_MAP_32, in_protected, 0x7f78, 4, CR4_PAE, CPU_CAUSE_RSM_CR4 },
    { "max", SMM_MAP_INTEL64, in_protected, 0x7e40, 4, 0x80000000, CPU_CAUSE_RSM_CR4 },
    { "max", SMM_MAP_AMD64, in_protected, 0x7f48, 8, 1ull << 40, CPU_CAUSE_RSM_CR4 },
    { "max", SMM_MAP_INTEL64, in_protected, 0x7e40, 4, CR4_PCIDE, CPU_CAUSE_RSM_PCIDE },
    { "max", SMM_MAP_INTEL64, in_long, 0x7fe0, 8, EFER_LME, CPU_CAUSE_RSM_EFER },
    { "max", SMM_MAP_AMD64, in_protected, 0x7ed0, 8, EFER_LMA, CPU_CAUSE_RSM_EFER },
    { "max", SMM_MAP_AMD64, in_protected, 0x7ed0, 8, 1 << 12, CPU_CAUSE_RSM_EFER },
    { "max", SMM_MAP_AMD64, in_long, 0x7f48, 8, 0, CPU_CAUSE_RSM_EFER },
    { "486", SMM_MAP_32, in_real, 0x7ef8, 4, 0x38001, CPU_CAUSE_RSM_SMBASE },
    { "pentium", SMM_MAP_32, in_real, 0x7ef8, 4, 0x34000, CPU_CAUSE_RSM_SMBASE },
};

START_TEST(rsm_to_a_state_that_cannot_be_shuts_down)
{
    const struct cpu_delivery *r;

    open_with(bad[_i].model, bad[_i].map);
    bad[_i].go();
    enter();
    map_set(bad[_i].off, bad[_i].value, bad[_i].size);
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_int_eq(s.cpu->activity, CPU_SHUTDOWN);
    ck_assert_uint_eq(s.cpu->history_next, 1);
    r = sys_record(&s, 0);
    ck_assert_int_eq(r->cause, bad[_i].cause);
    ck_assert_int_eq(r->type, CPU_DELIVER_OTHER);
    ck_assert(r->shutdown);
    ck_assert_uint_eq(r->evidence.value, bad[_i].value);
    ck_assert(s.cpu->smm.active); /* and all is as before RSM */
    ck_assert_uint_eq(s.cpu->ip, 0x8000);
    s.cpu->init_pending = true; /* which even in SMM ends a shutdown */
    cpu_attend(s.cpu);
    sys_run(&s, 1);
    ck_assert(!s.cpu->smm.active);
    ck_assert_int_eq(s.cpu->activity, CPU_ACTIVE);
}
END_TEST

/* AMD's map has no room for the PDPTEs: they are read anew. */
START_TEST(a_bad_pdpte_in_memory_shuts_down)
{
    open_with("max", SMM_MAP_AMD64);
    in_pae();
    enter();
    sys_poke(&s, AT_PD, 0x71003, 8);
    ck_assert_int_eq(sys_run(&s, 1), CPU_EXIT_SHUTDOWN);
    ck_assert_int_eq(sys_record(&s, 0)->cause, CPU_CAUSE_RSM_PDPTE);
    ck_assert(s.cpu->smm.active);
}
END_TEST

/* "Exiting from SMM": the Pentium hears SMI# in shutdown, the 80486 and the P6 family do not. */
START_TEST(an_smi_ends_shutdown_on_some_processors)
{
    static const struct { const char *model; bool hears; } cases[] = {
        { "486", false }, { "pentium", true }, { "pentium3", false }, { "core2", true }, { "max", true },
    };

    open_with(cases[_i].model, SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    s.cpu->activity = CPU_SHUTDOWN;
    smi();
    ck_assert(cpu_wakeable(s.cpu) == cases[_i].hears);
    sys_run(&s, 1);
    ck_assert(s.cpu->smm.active == cases[_i].hears);
    if (cases[_i].hears) {
        leave();
        ck_assert_int_eq(s.cpu->activity, CPU_ACTIVE);
    }
}
END_TEST

/* ---- SMRAM: two memories at one place ---- */

static struct bus_ram *smram;
static struct bus_region smram_region;

static void add_smram(unsigned hidden)
{
    ck_assert_int_eq(bus_ram_create(&s.bus->memory, "smram", 0x20000, true, &smram), SIM_OK);
    smram_region = (struct bus_region){ .name = "smram", .kind = BUS_REGION_RAM, .length = 0x20000, .priority = 1, .hidden = hidden,
                                        .answers = BUS_READS | BUS_WRITES, .enabled = true, .ram = smram };
    ck_assert_int_eq(bus_region_add(&s.bus->mem, NULL, &smram_region, 0xA0000), SIM_OK);
    s.cpu->smm.base = 0xA0000;
}

/* The same addresses are read, written and executed inside and outside, again and again: nothing cached goes from one to the other. */
START_TEST(smram_and_what_lies_under_it_do_not_mix)
{
    static const char outside[] = "\xff\x05\x00\x00\x0b\x00\x8b\x1d\x00\x00\x0b\x00\xeb\xf2"; /* 1: inc dword [b0000]; mov ebx, [b0000]; jmp 1 */
    static const char inside[] = "\x67\x66\x81\x05\x00\x00\x0b\x00\x00\x01\x00\x00\x0f\xaa"; /* add dword [dword b0000], 100h; rsm */

    open_with("max", SMM_MAP_INTEL64);
    add_smram(BUS_HIDE(BUS_NORMAL));
    bus_poke(s.bus, 0xA8000, outside, sizeof(outside) - 1);
    bus_ram_put(smram, 0x8000, inside, sizeof(inside) - 1);
    sys_protected(&s, 0);
    s.cpu->ip = 0xA8000;
    for (unsigned n = 0; n < 40; n++) {
        sys_run(&s, 3 * n);
        enter();
        sys_run(&s, 2);
        ck_assert(!s.cpu->smm.active);
    }
    sys_run(&s, 3);
    ck_assert_uint_eq(s.cpu->reg[CPU_BX], 3 * 40 * 39 / 2 / 3 + 1);
    ck_assert_uint_eq(sys_peek(&s, 0xB0000, 4), 3 * 40 * 39 / 2 / 3 + 1);
    ck_assert_uint_eq(sys_peek(&s, 0xAFFF8, 8), 0); /* the map went into SMRAM */
    {
        uint32_t v = 0;

        bus_ram_get(smram, 0x10000, &v, 4);
        ck_assert_uint_eq(v, 0x100 * 40);
        bus_ram_get(smram, 0xFFF8, &v, 4); /* CR0 */
        ck_assert_uint_eq(v, CR0_PE | CR0_ET);
    }
}
END_TEST

/* "D_CLS" of the host bridge: code comes from SMRAM, data from what lies under it. */
START_TEST(code_and_data_may_lie_apart_in_smm)
{
    open_with("max", SMM_MAP_INTEL64);
    sys_real(&s);
    add_smram(BUS_HIDE(BUS_NORMAL) | BUS_HIDE(BUS_SMM));
    bus_ram_put(smram, 0x8000, "\x2e\xa1\x00\x80\xf4", 5); /* mov ax, [cs:8000]; hlt */
    sys_poke(&s, 0xA8000, 0x1234, 2);
    enter();
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX] & 0xffff, 0x1234);
    ck_assert_uint_eq(sys_peek(&s, 0xAFFF8, 4), CR0_ET); /* the map is data, too */
}
END_TEST

/* Both sides page, and call the same page by the same address: TLB and fast tables of one do not serve the other. */
START_TEST(translations_do_not_cross)
{
    static const char outside[] = "\xff\x05\x00\x10\x06\x00\xeb\xf8";         /* 1: inc dword [61000]; jmp 1 */
    static const char inside[] = "\x66\xb8\x00\x00\x09\x00\x0f\x22\xd8"         /* mov cr3, 90000 */
                                 "\x0f\x20\xc0\x66\x0d\x01\x00\x00\x80\x0f\x22\xc0" /* set PE and PG */
                                 "\x67\x66\x83\x05\x00\x10\x06\x00\x10"           /* add dword [dword 61000], 10h */
                                 "\x0f\xaa";

    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    sys_paging(&s);
    bus_poke(s.bus, AT_CODE, outside, sizeof(outside) - 1);
    bus_poke(s.bus, ENTRY, inside, sizeof(inside) - 1);
    sys_poke(&s, AT_PT + 4 * 0x61, 0x62003, 4);
    sys_poke(&s, 0x90000, 0x91003, 4);
    for (unsigned n = 0; n < 1024; n++)
        sys_poke(&s, 0x91000 + 4 * n, n == 0x61 ? 0x63003 : n << 12 | 3, 4);
    for (unsigned n = 0; n < 10; n++) {
        sys_run(&s, 20);
        enter();
        sys_run(&s, 7);
        ck_assert(!s.cpu->smm.active);
        ck_assert_uint_eq(s.cpu->cr3, AT_PD);
    }
    ck_assert_uint_eq(sys_peek(&s, 0x61000, 4), 0);
    ck_assert_uint_eq(sys_peek(&s, 0x62000, 4), 10 * 10);
    ck_assert_uint_eq(sys_peek(&s, 0x63000, 4), 10 * 0x10);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

/* What a debugger reads is what the processor would. */
START_TEST(peeking_sees_what_the_processor_sees)
{
    uint32_t v = 0;

    open_with("max", SMM_MAP_INTEL64);
    sys_real(&s);
    add_smram(BUS_HIDE(BUS_NORMAL));
    sys_poke(&s, 0xA0000, 0x11111111, 4);
    enter();
    ck_assert_uint_eq(cpu_poke(s.cpu, 0xA0000, &(uint32_t){ 0x22222222 }, 4), 4);
    ck_assert_uint_eq(cpu_peek(s.cpu, 0xA0000, &v, 4), 4);
    ck_assert_uint_eq(v, 0x22222222);
    ck_assert_uint_eq(sys_peek(&s, 0xA0000, 4), 0x11111111);
    bus_ram_put(smram, 0x8000, "\x0f\xaa", 2);
    leave();
    ck_assert_uint_eq(cpu_peek(s.cpu, 0xA0000, &v, 4), 4);
    ck_assert_uint_eq(v, 0x11111111);
}
END_TEST

static void count_smm(void *arg, const struct bus_txn *txn)
{
    unsigned *count = arg;

    count[txn->smm]++;
}

START_TEST(transactions_say_that_they_are_of_smm)
{
    unsigned count[2] = { 0, 0 };
    struct bus_observer o = { .fn = count_smm, .arg = count };

    open_with("max", SMM_MAP_INTEL64);
    sys_protected(&s, 0);
    bus_poke(s.bus, AT_CODE, "\xe6\x80\xe6\x80", 4);
    bus_poke(s.bus, ENTRY, "\xe6\x80\xe6\x80\x0f\xaa", 6);
    bus_observe(s.bus, &o);
    sys_run(&s, 1);
    enter();
    sys_run(&s, 3);
    sys_run(&s, 1);
    ck_assert_uint_eq(count[0], 2);
    ck_assert_uint_eq(count[1], 2);
    bus_unobserve(s.bus, &o);
}
END_TEST

/* ---- Several processors ---- */

START_TEST(the_apic_sends_smi)
{
    struct cpu *other;

    sys_open(&s, "max", 2);
    other = cpu_get(s.cluster, 1);
    s.cpu->smm.base = other->smm.base = BASE;
    sys_real(&s);
    lapic_write(s.cpu->lapic, 0x0f0, 0x1ff, 4);
    lapic_write(s.cpu->lapic, 0x310, 1u << 24, 4);
    lapic_write(s.cpu->lapic, 0x300, 2 << 8, 4);
    ck_assert(other->smi_pending && !s.cpu->smi_pending);
    ck_assert(!cpu_wakeable(other)); /* it waits for its start-up message */
    other->sipi_pending = true;
    other->sipi_vector = 0x10;
    cpu_attend(other);
    s.cpu = other;
    sys_run(&s, 1);
    ck_assert(!other->smm.active);
    sys_run(&s, 1);
    ck_assert(other->smm.active);
    ck_assert_uint_eq(map_at(0x7fac, 4), 0x1000); /* CS */
    s.cpu = cpu_get(s.cluster, 0);
    lapic_write(s.cpu->lapic, 0x300, 1 << 18 | 2 << 8, 4); /* to itself */
    ck_assert(s.cpu->smi_pending && !other->smi_pending);
    lapic_write(s.cpu->lapic, 0x360, 2 << 8, 4); /* LINT1 as SMI */
    s.cpu->smi_pending = false;
    lapic_set_lint(s.cpu->lapic, 1, true);
    ck_assert(s.cpu->smi_pending && !s.cpu->nmi_pending);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("smm");
    TCase *t = tcase_create("smm");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_map_of_32_bits);
    tcase_add_test(t, the_map_of_intel_64);
    tcase_add_test(t, the_map_of_amd64);
    tcase_add_loop_test(t, the_layout_fits_the_model, 0, 6);
    tcase_add_test(t, smm_begins_as_the_manual_says);
    tcase_add_test(t, segments_reach_4_gib);
    tcase_add_loop_test(t, rsm_comes_back_to_the_same, 0, sizeof(modes) / sizeof(modes[0]));
    tcase_add_loop_test(t, rsm_takes_each_general_register_from_the_map, 0, 3);
    tcase_add_loop_test(t, smbase_can_be_moved, 0, 4);
    tcase_add_test(t, one_smi_waits_while_in_smm);
    tcase_add_loop_test(t, an_smi_waits_for_the_step_behind_sti_and_mov_ss, 0, 2);
    tcase_add_test(t, the_wire_smi_reaches_the_bootstrap_processor);
    tcase_add_test(t, an_smi_comes_before_all_but_a_task_trap);
    tcase_add_test(t, init_waits_for_rsm);
    tcase_add_test(t, what_waits_for_rsm_wakes_nobody);
    tcase_add_test(t, nmi_is_blocked_in_smm);
    tcase_add_test(t, iret_opens_nmi_in_smm);
    tcase_add_loop_test(t, rsm_keeps_nmi_blocking_with_the_map_of_amd, 0, 2);
    tcase_add_loop_test(t, hlt_goes_on_or_not_as_the_field_says, 0, 6);
    tcase_add_loop_test(t, the_map_tells_of_an_io_instruction, 0, sizeof(io) / sizeof(io[0]));
    tcase_add_loop_test(t, an_io_instruction_can_be_made_again, 0, sizeof(io) / sizeof(io[0]));
    tcase_add_test(t, an_smi_later_than_the_io_instruction_does_not_tell_of_it);
    tcase_add_test(t, rsm_outside_smm_is_undefined);
    tcase_add_loop_test(t, rsm_to_a_state_that_cannot_be_shuts_down, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, a_bad_pdpte_in_memory_shuts_down);
    tcase_add_loop_test(t, an_smi_ends_shutdown_on_some_processors, 0, 5);
    tcase_add_test(t, smram_and_what_lies_under_it_do_not_mix);
    tcase_add_test(t, code_and_data_may_lie_apart_in_smm);
    tcase_add_test(t, translations_do_not_cross);
    tcase_add_test(t, peeking_sees_what_the_processor_sees);
    tcase_add_test(t, transactions_say_that_they_are_of_smm);
    tcase_add_test(t, the_apic_sends_smi);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
