/*
 * The local APIC: SDM Vol. 3A, "Advanced programmable interrupt controller (APIC)".
 */
#include "testcases/unit/system_bench.h"

#include "base/buf.h"

static struct sys s;
static struct lapic *apic[4];

static void setup(void)
{
    sys_open(&s, "max", 4);
    for (unsigned n = 0; n < 4; n++) {
        apic[n] = cpu_get(s.cluster, n)->lapic;
        lapic_write(apic[n], 0xf0, 0x1ff, 4); /* on */
    }
}
static void teardown(void) { sys_close(&s); }

static uint32_t rd(unsigned n, uint32_t reg) { return lapic_read(apic[n], reg, 4); }
static void wr(unsigned n, uint32_t reg, uint32_t value) { lapic_write(apic[n], reg, value, 4); }
static bool requested(unsigned n, unsigned vector) { return rd(n, 0x200 + (vector / 32) * 16) >> (vector % 32) & 1; }
static void at(sim_cycles cycle) { sim_clock_advance(&s.clock, cycle); }

static void send(unsigned from, uint32_t high, uint32_t low)
{
    wr(from, 0x310, high);
    wr(from, 0x300, low);
}

/* ---- Registers ---- */

START_TEST(reset_masks_everything)
{
    static const struct { uint32_t reg, value; } after[] = {
        { 0x030, 0x00050014 }, { 0x080, 0 }, { 0x0d0, 0 }, { 0x0e0, 0xffffffff }, { 0x0f0, 0xff }, { 0x280, 0 }, { 0x300, 0 }, { 0x310, 0 },
        { 0x320, 0x10000 }, { 0x330, 0x10000 }, { 0x340, 0x10000 }, { 0x350, 0x10000 }, { 0x360, 0x10000 }, { 0x370, 0x10000 },
        { 0x380, 0 }, { 0x390, 0 }, { 0x3e0, 0 },
    };

    wr(1, 0x320, 0x20040);
    wr(1, 0x380, 1000);
    wr(1, 0x080, 0x20);
    lapic_reset(apic[1], false);
    ck_assert_uint_eq(rd(1, 0x20), 1u << 24);
    for (size_t n = 0; n < sizeof(after) / sizeof(after[0]); n++)
        ck_assert_msg(rd(1, after[n].reg) == after[n].value, "register %x is %x", after[n].reg, rd(1, after[n].reg));
    ck_assert_uint_eq(apic[1]->timer.deadline, SIM_NEVER);
}
END_TEST

START_TEST(init_keeps_the_id)
{
    wr(1, 0x20, 0x07000000);
    lapic_reset(apic[1], true);
    ck_assert_uint_eq(rd(1, 0x20), 0x07000000);
}
END_TEST

START_TEST(registers_keep_their_writable_bits)
{
    static const struct { uint32_t reg, value; } kept[] = {
        { 0x020, 0xff000000 }, { 0x080, 0xff }, { 0x0d0, 0xff000000 }, { 0x0e0, 0xffffffff }, { 0x0f0, 0x3ff }, { 0x310, 0xff000000 },
        { 0x320, 0x700ff }, { 0x330, 0x107ff }, { 0x340, 0x107ff }, { 0x350, 0x1a7ff }, { 0x360, 0x1a7ff }, { 0x370, 0x100ff },
        { 0x380, 0xffffffff }, { 0x3e0, 0xb }, { 0x030, 0x50014 }, { 0x100, 0 }, { 0x200, 0 },
    };

    for (size_t n = 0; n < sizeof(kept) / sizeof(kept[0]); n++) {
        wr(2, kept[n].reg, 0xffffffff);
        ck_assert_msg(rd(2, kept[n].reg) == kept[n].value, "register %x is %x", kept[n].reg, rd(2, kept[n].reg));
    }
}
END_TEST

START_TEST(a_reserved_register_is_an_error)
{
    rd(0, 0x040);
    ck_assert_uint_eq(rd(0, 0x280), 0);
    wr(0, 0x280, 0); /* latches */
    ck_assert_uint_eq(rd(0, 0x280), 0x80);
    wr(0, 0x280, 0);
    ck_assert_uint_eq(rd(0, 0x280), 0);
    wr(0, 0x370, 0x44);
    wr(0, 0x040, 1);
    ck_assert(requested(0, 0x44));
}
END_TEST

START_TEST(peeking_changes_nothing)
{
    lapic_peek(apic[0], 0x040);
    wr(0, 0x280, 0);
    ck_assert_uint_eq(lapic_peek(apic[0], 0x280), 0);
    ck_assert_uint_eq(lapic_peek(apic[3], 0x020), 3u << 24);
}
END_TEST

START_TEST(software_disable_masks_the_table_and_drops_what_comes)
{
    wr(0, 0x320, 0x40);
    wr(0, 0x0f0, 0xff);
    ck_assert_uint_eq(rd(0, 0x320), 0x10040);
    wr(0, 0x320, 0x40);
    ck_assert_uint_eq(rd(0, 0x320), 0x10040); /* and it stays masked */
    send(1, 0, 0x4050);
    ck_assert(!requested(0, 0x50));
    send(1, 0, 0x4400);
    ck_assert(cpu_get(s.cluster, 0)->nmi_pending); /* but NMI and INIT are heard */
}
END_TEST

/* ---- Priorities ---- */

START_TEST(the_highest_class_above_tpr_and_isr_is_delivered)
{
    send(0, 0, 0x44031); /* to itself */
    send(0, 0, 0x44052);
    send(0, 0, 0x44045);
    ck_assert_int_eq(lapic_pending(apic[0]), 0x52);
    lapic_take(apic[0], 0x52);
    ck_assert_uint_eq(rd(0, 0x0a0), 0x50);
    ck_assert_int_eq(lapic_pending(apic[0]), -1);
    send(0, 0, 0x4405f); /* the same class */
    ck_assert_int_eq(lapic_pending(apic[0]), -1);
    send(0, 0, 0x44060);
    ck_assert_int_eq(lapic_pending(apic[0]), 0x60);
    lapic_take(apic[0], 0x60);
    wr(0, 0x0b0, 0);
    ck_assert_uint_eq(rd(0, 0x0a0), 0x50);
    wr(0, 0x0b0, 0);
    ck_assert_int_eq(lapic_pending(apic[0]), 0x5f);
    wr(0, 0x080, 0x4f);
    ck_assert_int_eq(lapic_pending(apic[0]), 0x5f);
    wr(0, 0x080, 0x50);
    ck_assert_int_eq(lapic_pending(apic[0]), -1);
    ck_assert_uint_eq(rd(0, 0x0a0), 0x50);
    wr(0, 0x080, 0);
    lapic_take(apic[0], 0x5f);
    wr(0, 0x0b0, 0);
    lapic_take(apic[0], 0x45);
    wr(0, 0x0b0, 0);
    ck_assert_int_eq(lapic_pending(apic[0]), 0x31);
}
END_TEST

/* ---- Interprocessor interrupts ---- */

struct ipi_case {
    uint32_t high, low;
    unsigned heard; /* bit n: CPU n gets vector 41h */
};
static const struct ipi_case ipi_cases[] = {
    { 2u << 24, 0x4041, 1 << 2 },              /* physical */
    { 9u << 24, 0x4041, 0 },
    { 0xffu << 24, 0x4041, 15 },
    { 0, 0x44041, 1 << 1 },                    /* self; sent by 1 */
    { 0, 0x84041, 15 }, { 0, 0xc4041, 13 },    /* all, all others */
    { 0x05u << 24, 0x4841, 5 },                /* logical, flat: LDR is 1 << n */
    { 0xffu << 24, 0x4841, 15 },
    { 0x40u << 24, 0x4841, 0 },
};

START_TEST(ipis_reach_their_destinations)
{
    const struct ipi_case *c = &ipi_cases[_i];

    for (unsigned n = 0; n < 4; n++)
        wr(n, 0x0d0, 1u << (24 + n));
    send(1, c->high, c->low);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_int_eq(requested(n, 0x41), c->heard >> n & 1);
    ck_assert_uint_eq(rd(1, 0x300) & 0x1000, 0);
}
END_TEST

START_TEST(cluster_destinations_name_a_cluster_and_its_members)
{
    static const struct { uint8_t dest; unsigned heard; } cases[] = { { 0x13, 3 }, { 0x21, 4 }, { 0x22, 8 }, { 0x11, 1 }, { 0x32, 0 }, { 0xf1, 5 } };
    static const uint8_t ldr[] = { 0x11, 0x12, 0x21, 0x22 };

    for (unsigned n = 0; n < 4; n++) {
        wr(n, 0x0e0, 0x0fffffff);
        wr(n, 0x0d0, (uint32_t)ldr[n] << 24);
    }
    send(1, (uint32_t)cases[_i].dest << 24, 0x4841);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_int_eq(requested(n, 0x41), cases[_i].heard >> n & 1);
}
END_TEST

START_TEST(lowest_priority_goes_to_the_one_with_least_to_do)
{
    wr(0, 0x080, 0x40);
    wr(1, 0x080, 0x20);
    wr(2, 0x080, 0x30);
    wr(3, 0x0f0, 0xff); /* off: takes no part */
    send(0, 0xffu << 24, 0x4141);
    for (unsigned n = 0; n < 4; n++)
        ck_assert_int_eq(requested(n, 0x41), n == 1);
}
END_TEST

START_TEST(an_illegal_vector_is_not_sent)
{
    send(0, 1u << 24, 0x400f);
    wr(0, 0x280, 0);
    ck_assert_uint_eq(rd(0, 0x280), 0x20);
    wr(1, 0x280, 0);
    ck_assert_uint_eq(rd(1, 0x280), 0);
}
END_TEST

START_TEST(an_illegal_vector_is_not_accepted)
{
    struct sim_apic_message msg = { .vector = 5, .dest = 1, .asserted = true };

    ck_assert(bus_apic_send(s.bus, &msg, NULL));
    wr(1, 0x280, 0);
    ck_assert_uint_eq(rd(1, 0x280), 0x40);
}
END_TEST

START_TEST(init_and_startup_wake_an_application_processor)
{
    struct cpu *ap = cpu_get(s.cluster, 1);
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 1, .shared_until = SIM_NEVER };

    ck_assert_int_eq(ap->activity, CPU_WAIT_SIPI);
    send(0, 1u << 24, 0xc500); /* INIT, level, assert */
    ck_assert(ap->init_pending && cpu_wakeable(ap));
    cpu_run(ap, &slice);
    send(0, 1u << 24, 0x8500); /* de-assert: nothing */
    ck_assert(!ap->init_pending && !cpu_wakeable(ap));
    send(0, 1u << 24, 0x4610);
    ck_assert(ap->sipi_pending && cpu_wakeable(ap));
    cpu_run(ap, &slice);
    ck_assert_int_eq(ap->activity, CPU_ACTIVE);
    ck_assert_uint_eq(ap->seg[CPU_CS].selector, 0x1000);
    ck_assert_uint_eq(ap->seg[CPU_CS].base, 0x10000);
    ck_assert_uint_eq(ap->ip, 0);
    send(0, 1u << 24, 0x4620); /* a second start-up is not heard */
    ck_assert(!ap->sipi_pending);
}
END_TEST

/* ---- Timer ---- */

START_TEST(the_timer_counts_once_or_again_and_again)
{
    static const uint16_t divide[] = { 2, 4, 8, 16, 32, 64, 128, 1 };
    uint32_t code = (uint32_t)((_i & 3) | (_i & 4) << 1);
    sim_cycles step = divide[_i];

    at(1000);
    wr(0, 0x3e0, code);
    wr(0, 0x320, 0x40);
    wr(0, 0x380, 10);
    ck_assert_uint_eq(rd(0, 0x390), 10);
    at(1000 + step - 1);
    ck_assert_uint_eq(rd(0, 0x390), 10);
    at(1000 + step);
    ck_assert_uint_eq(rd(0, 0x390), 9);
    at(1000 + 10 * step - 1);
    ck_assert(!requested(0, 0x40));
    at(1000 + 10 * step);
    ck_assert(requested(0, 0x40));
    ck_assert_uint_eq(rd(0, 0x390), 0);
    ck_assert_uint_eq(apic[0]->timer.deadline, SIM_NEVER);

    lapic_take(apic[0], 0x40);
    wr(0, 0x320, 0x20040);
    ck_assert_uint_eq(apic[0]->timer.deadline, SIM_NEVER); /* it begins with the next write of the count */
    at(10000);
    wr(0, 0x380, 10);
    at(10000 + 10 * step);
    ck_assert(requested(0, 0x40));
    ck_assert_uint_eq(apic[0]->timer.deadline, 10000 + 20 * step);
    ck_assert_uint_eq(rd(0, 0x390), 10);
    wr(0, 0x380, 0);
    ck_assert_uint_eq(apic[0]->timer.deadline, SIM_NEVER);
}
END_TEST

START_TEST(a_masked_timer_counts_in_silence)
{
    wr(0, 0x320, 0x10040);
    wr(0, 0x3e0, 0xb);
    wr(0, 0x380, 100);
    at(100);
    ck_assert(!requested(0, 0x40));
    ck_assert_uint_eq(rd(0, 0x390), 0);
}
END_TEST

START_TEST(a_new_divider_keeps_the_count)
{
    wr(0, 0x320, 0x40);
    wr(0, 0x3e0, 0xb);
    wr(0, 0x380, 1000);
    at(400);
    ck_assert_uint_eq(rd(0, 0x390), 600);
    wr(0, 0x3e0, 0); /* by 2 */
    ck_assert_uint_eq(rd(0, 0x390), 600);
    ck_assert_uint_eq(apic[0]->timer.deadline, 400 + 1200);
}
END_TEST

/* ---- Pins ---- */

START_TEST(lint0_is_the_pics_by_lvt)
{
    lapic_set_lint(apic[0], 0, true);
    ck_assert_int_eq(lapic_pending(apic[0]), -1); /* masked */
    wr(0, 0x350, 0x700);
    ck_assert_int_eq(lapic_pending(apic[0]), LAPIC_EXTINT);
    wr(0, 0x080, 0xff); /* priorities do not count */
    ck_assert_int_eq(lapic_pending(apic[0]), LAPIC_EXTINT);
    lapic_set_lint(apic[0], 0, false);
    ck_assert_int_eq(lapic_pending(apic[0]), -1);
}
END_TEST

START_TEST(without_the_apic_the_pins_are_intr_and_nmi)
{
    s.cpu->msr.apic_base &= ~(uint64_t)APIC_BASE_ENABLE;
    lapic_set_lint(apic[0], 0, true);
    ck_assert_int_eq(lapic_pending(apic[0]), LAPIC_EXTINT);
    lapic_set_lint(apic[0], 1, true);
    ck_assert(s.cpu->nmi_pending);
}
END_TEST

START_TEST(a_fixed_pin_asks_once_an_edge)
{
    wr(0, 0x350, 0x60);
    lapic_set_lint(apic[0], 0, true);
    ck_assert(requested(0, 0x60));
    lapic_take(apic[0], 0x60);
    wr(0, 0x0b0, 0);
    ck_assert(!requested(0, 0x60));
    lapic_set_lint(apic[0], 0, false);
    lapic_set_lint(apic[0], 0, true);
    ck_assert(requested(0, 0x60));
}
END_TEST

START_TEST(a_level_pin_asks_until_it_falls)
{
    wr(0, 0x350, 0x8060);
    lapic_set_lint(apic[0], 0, true);
    ck_assert_uint_eq(rd(0, 0x350), 0xc060); /* remote IRR */
    lapic_take(apic[0], 0x60);
    ck_assert(!requested(0, 0x60));
    wr(0, 0x0b0, 0);
    ck_assert(requested(0, 0x60));
    lapic_set_lint(apic[0], 0, false);
    lapic_take(apic[0], 0x60);
    wr(0, 0x0b0, 0);
    ck_assert(!requested(0, 0x60));
    ck_assert_uint_eq(rd(0, 0x350), 0x8060);
}
END_TEST

START_TEST(lint1_is_nmi_by_lvt)
{
    lapic_set_lint(apic[0], 1, true);
    ck_assert(!s.cpu->nmi_pending);
    lapic_set_lint(apic[0], 1, false);
    wr(0, 0x360, 0x400);
    lapic_set_lint(apic[0], 1, true);
    ck_assert(s.cpu->nmi_pending);
}
END_TEST

/* ---- Level-triggered messages ---- */

START_TEST(level_triggered_vectors_are_in_tmr)
{
    struct sim_apic_message msg = { .vector = 0x71, .level = true, .asserted = true };

    bus_apic_send(s.bus, &msg, NULL);
    ck_assert(requested(0, 0x71));
    ck_assert_uint_eq(rd(0, 0x180 + 3 * 16), 1u << 17);
    msg.level = false;
    bus_apic_send(s.bus, &msg, NULL);
    ck_assert_uint_eq(rd(0, 0x180 + 3 * 16), 0);
}
END_TEST

/* ---- With the processor ---- */

START_TEST(the_processor_takes_an_interrupt_by_the_idt)
{
    sys_protected(&s, 0);
    CODE(&s, "\xfb\x90\x90\x90");
    send(0, 0, 0x44061);
    sys_run(&s, 2); /* STI, and the instruction in its shadow */
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16 * 0x61);
    ck_assert_uint_eq(rd(0, 0x100 + 3 * 16), 2);
    ck_assert(!requested(0, 0x61));
    ck_assert_int_eq(sys_record(&s, 0)->type, CPU_DELIVER_EXTERNAL);
}
END_TEST

START_TEST(the_registers_stand_in_memory_before_the_bus)
{
    sys_protected(&s, 0);
    CODE(&s, "\xa1\x20\x00\xe0\xfe\xc7\x05\x80\x00\xe0\xfe\x35\x00\x00\x00"); /* mov eax, [id]; mov dword [tpr], 35h */
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0);
    ck_assert_uint_eq(rd(0, 0x080), 0x35);
}
END_TEST

START_TEST(the_page_moves_and_goes_with_the_base_msr)
{
    sys_protected(&s, 0);
    CODE(&s, "\x0f\x30\xa1\x30\x00\x10\x00\x0f\x30\xa1\x30\x00\x10\x00");
    sys_poke(&s, 0x100030, 0xabcd, 4);
    s.cpu->reg[CPU_CX] = 0x1b;
    s.cpu->reg[CPU_AX] = 0x100900;
    s.cpu->reg[CPU_DX] = 0;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0x50014);
    s.cpu->reg[CPU_AX] = 0x100100;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->reg[CPU_AX], 0xabcd);
}
END_TEST

/* ---- State ---- */

START_TEST(every_byte_is_described_and_survives)
{
    struct sim_buf a = { NULL }, b = { NULL };
    struct sim_reader r;

    ck_assert_uint_eq(sim_fields_gap(lapic_fields, sizeof(struct lapic)), sizeof(struct lapic));
    send(0, 0, 0x44061);
    wr(0, 0x320, 0x20040);
    wr(0, 0x380, 12345);
    lapic_set_lint(apic[0], 1, true);
    sim_fields_pack(lapic_fields, apic[0], &a);
    lapic_reset(apic[0], false);
    r = (struct sim_reader){ .data = a.data, .len = a.len };
    ck_assert_int_eq(sim_fields_unpack(lapic_fields, apic[0], &r), SIM_OK);
    lapic_loaded(apic[0]);
    sim_fields_pack(lapic_fields, apic[0], &b);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_eq(a.data, b.data, a.len);
    ck_assert_uint_eq(apic[0]->timer.deadline, 12345 * 2);
    sim_buf_fini(&a);
    sim_buf_fini(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lapic");
    TCase *tc = tcase_create("lapic");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reset_masks_everything);
    tcase_add_test(tc, init_keeps_the_id);
    tcase_add_test(tc, registers_keep_their_writable_bits);
    tcase_add_test(tc, a_reserved_register_is_an_error);
    tcase_add_test(tc, peeking_changes_nothing);
    tcase_add_test(tc, software_disable_masks_the_table_and_drops_what_comes);
    tcase_add_test(tc, the_highest_class_above_tpr_and_isr_is_delivered);
    tcase_add_loop_test(tc, ipis_reach_their_destinations, 0, sizeof(ipi_cases) / sizeof(ipi_cases[0]));
    tcase_add_loop_test(tc, cluster_destinations_name_a_cluster_and_its_members, 0, 6);
    tcase_add_test(tc, lowest_priority_goes_to_the_one_with_least_to_do);
    tcase_add_test(tc, an_illegal_vector_is_not_sent);
    tcase_add_test(tc, an_illegal_vector_is_not_accepted);
    tcase_add_test(tc, init_and_startup_wake_an_application_processor);
    tcase_add_loop_test(tc, the_timer_counts_once_or_again_and_again, 0, 8);
    tcase_add_test(tc, a_masked_timer_counts_in_silence);
    tcase_add_test(tc, a_new_divider_keeps_the_count);
    tcase_add_test(tc, lint0_is_the_pics_by_lvt);
    tcase_add_test(tc, without_the_apic_the_pins_are_intr_and_nmi);
    tcase_add_test(tc, a_fixed_pin_asks_once_an_edge);
    tcase_add_test(tc, a_level_pin_asks_until_it_falls);
    tcase_add_test(tc, lint1_is_nmi_by_lvt);
    tcase_add_test(tc, level_triggered_vectors_are_in_tmr);
    tcase_add_test(tc, the_processor_takes_an_interrupt_by_the_idt);
    tcase_add_test(tc, the_registers_stand_in_memory_before_the_bus);
    tcase_add_test(tc, the_page_moves_and_goes_with_the_base_msr);
    tcase_add_test(tc, every_byte_is_described_and_survives);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
