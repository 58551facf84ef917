/*
 * System instructions among random descriptors, gates, TSSs, page tables, frames and flags: whatever a guest does, the processor goes on
 * or shuts down, and its privilege levels agree with each other.
 */
#include "testcases/unit/system_bench.h"

static struct sys s;
static uint64_t state;

static void setup(void) { sys_open(&s, "max", 2); }
static void teardown(void) { sys_close(&s); }

static uint32_t rnd(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16) % below;
}
static uint32_t any(void) { return rnd(UINT32_MAX) >> rnd(32); }
static uint16_t selector(void) { return (uint16_t)(rnd(47) << 3 | (rnd(2) ? 0 : rnd(8))); }

static const char *const code[] = {
    "\x8e\xd8", "\x8e\xd0", "\xff\x28", "\xff\x18", "\xcb", "\xcf", "\x66\xcb", "\x66\xcf", "\xca\x08\x01", "\x0f\x01\x38", "\x0f\x01\x10",
    "\xcd\x40", "\xcd\x80", "\xcc", "\xce", "\xf1", "\x9d", "\x66\x9d", "\x9c", "\xfa", "\xfb", "\x17", "\x07", "\x0f\x22\xc0", "\x0f\x22\xd8",
    "\x0f\x22\xe0", "\x0f\x23\xf8", "\x0f\x23\xc0", "\x0f\x30", "\x0f\x32", "\x0f\x31", "\x0f\x02\xc8", "\x0f\x03\xc8", "\x63\xd8",
    "\x0f\x01\x18", "\xe4\x21", "\xee", "\x0f\x0b", "\xc5\x18", "\x0f\xb2\x18", "\x0f\x01\xf0", "\x0f\xa2", "\xf4", "\xd9\x01", "\x50", "\x58",
};

static void mutate(void)
{
    switch (rnd(7)) {
    case 0: sys_poke(&s, AT_GDT + rnd(GDT_LIMIT), any(), 1); break;
    case 1: sys_poke(&s, AT_IDT + rnd(20) * 8 + rnd(8), any(), 1); break;
    case 2: sys_poke(&s, AT_TSS + rnd(0x68), any(), 1); break;
    case 3: sys_poke(&s, AT_TSS32 + rnd(0x68), any(), 1); break;
    case 4: sys_poke(&s, AT_TSS16 + rnd(0x2c), any(), 1); break;
    case 5: sys_poke(&s, AT_PT + 4 * rnd(0x70), rnd(0x70) << 12 | rnd(8), 4); break;
    default: s.cpu->seg[rnd(CPU_SEGS)].limit = any(); break;
    }
}

static void scatter(void)
{
    struct cpu *cpu = s.cpu;
    uint32_t frame[9] = { AT_TASK, rnd(2) ? selector() : CODE3 | 3, 2 | any(), AT_STACK3, rnd(2) ? DATA3 | 3 : selector(), 0x3000, 0x6000, 1, 2 };
    const char *c = code[rnd(sizeof(code) / sizeof(code[0]))];

    for (unsigned n = rnd(4); n > 0; n--)
        mutate();
    cpu->reg[CPU_AX] = rnd(2) ? AT_DATA : selector();
    cpu->reg[CPU_CX] = any();
    cpu->reg[CPU_BX] = any();
    cpu->reg[CPU_SP] = rnd(4) ? cpu->reg[CPU_SP] - sizeof(frame) : any();
    for (unsigned n = 0; n < 9; n++)
        bus_poke(s.bus, cpu->seg[CPU_SS].base + cpu->reg[CPU_SP] + 4 * n, &frame[n], 4);
    sys_poke(&s, AT_DATA, rnd(2) ? AT_TASK : any(), 4);
    sys_poke(&s, AT_DATA + 4, selector(), 2);
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & (EFL_VM | EFL_IOPL)) | 2 | (rnd(4) ? 0 : any() & 0x3c4fd5));
    sys_code(&s, c, strlen(c));
    cpu_mode_changed(cpu);
    cpu_attend(cpu);
}

static void prepare(void)
{
    struct cpu *cpu = s.cpu;

    cpu_reset(cpu, false);
    if (rnd(20) == 0)
        sys_tables(&s);
    switch (rnd(6)) {
    case 0: case 1: sys_protected(&s, 0); break;
    case 2: case 3: sys_protected(&s, 3); break;
    case 4: sys_vm86(&s, rnd(4)); break;
    default: sys_real(&s); break;
    }
    cpu->cr4 = rnd(4) ? 0 : any() & cpu->model->cr4;
    if (cpu->cr0 & CR0_PE && rnd(3) == 0 && !(cpu->cr4 & CR4_PAE))
        sys_paging(&s);
    scatter();
}

START_TEST(the_processor_survives_anything)
{
    struct cpu *cpu = s.cpu;

    state = 0x9e3779b97f4a7c15ull * (unsigned)(_i + 1);
    for (unsigned n = 0; n < 1500; n++) {
        prepare();
        cpu->steps = 0;
        sys_run(&s, 1 + rnd(3));
        ck_assert(cpu->steps > 0);
        ck_assert(!cpu->fault.valid && !cpu->delivering);
        ck_assert(!(cpu->eflags & EFL_VM) || cpu->cpl == 3);
        if (cpu->activity != CPU_SHUTDOWN && cpu->cr0 & CR0_PE && !(cpu->eflags & EFL_VM))
            ck_assert_uint_eq(cpu->seg[CPU_CS].selector & 3, cpu->cpl);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system_random");
    TCase *tc = tcase_create("random");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, the_processor_survives_anything, 0, 4);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
