/* 82371SB PIIX3 (290550), 82371AB PIIX4 (290562) data sheets. */
#include "testcases/unit/device_bench.h"

#include "devices/piix.h"

enum { BRIDGE = 1 << 3, PM = 1 << 3 | 3, FREQ = 100000000 };
enum { PMBA = 0x600, PMSTS = PMBA, PMEN = PMBA + 2, PMCNTRL = PMBA + 4, PMTMR = PMBA + 8 };
enum { TMROF = 0x0001, PWRBTN = 0x0100 };

static struct bench *b;
static struct sim_device *bridge;
static struct bench_wire sci, irq13, ignne;

static uint32_t config_read(uint8_t devfn, uint8_t off, unsigned size)
{
    return sim_pci_config_read(bridge, devfn, off, size);
}

static void config_write(uint8_t devfn, uint8_t off, uint32_t value, unsigned size)
{
    sim_pci_config_write(bridge, devfn, off, value, size);
}

/* As firmware sets it up. */
static void place_pm(void)
{
    config_write(PM, 0x40, PMBA | 1, 4);
    config_write(PM, 0x80, 0x01, 1);
    config_write(PM, 0x90, 0x700 | 1, 4);
    config_write(PM, 0xD2, 0x09, 1);
}

static void setup(void)
{
    b = bench_open(FREQ);
    bench_plug(b, &piix3_class, "isa", NULL);
    bridge = b->dev;
    bench_plug(b, &piix4_pm_class, "pm", NULL);
    bench_watch(b, &sci, "isa.irq9");
    bench_watch(b, &irq13, "isa.irq13");
    bench_watch(b, &ignne, "ignne");
    bus_reset(b->bus, SIM_RESET_POWER);
}

static void teardown(void)
{
    bench_close(b);
}

/* ---- The bridge ---- */

START_TEST(the_functions_say_what_they_are)
{
    ck_assert_uint_eq(config_read(BRIDGE, 0x00, 4), 0x70008086);
    ck_assert_uint_eq(config_read(BRIDGE, 0x0A, 2), 0x0601);
    ck_assert_uint_eq(config_read(BRIDGE, 0x0E, 1), 0x80);
    ck_assert_uint_eq(config_read(PM, 0x00, 4), 0x71138086);
    ck_assert_uint_eq(config_read(PM, 0x0A, 2), 0x0680);
}
END_TEST

START_TEST(registers_have_their_defaults)
{
    static const struct { uint8_t devfn, off, size; uint32_t value; } cases[] = {
        { BRIDGE, 0x04, 2, 0x0007 }, { BRIDGE, 0x06, 2, 0x0280 }, { BRIDGE, 0x4C, 1, 0x4D }, { BRIDGE, 0x4E, 2, 0x0003 },
        { BRIDGE, 0x60, 4, 0x80808080 }, { BRIDGE, 0x69, 1, 0x02 }, { BRIDGE, 0x70, 1, 0x80 }, { BRIDGE, 0xA0, 1, 0x08 },
        { PM, 0x04, 2, 0 }, { PM, 0x40, 4, 0x00000001 }, { PM, 0x80, 1, 0 }, { PM, 0x90, 4, 0x00000001 },
        { PM, 0x58, 4, 0 }, /* no APMC_EN: SeaBIOS then sets up SMM */
        { PM, 0x5F, 1, 0x90 }, { PM, 0x67, 1, 0x98 }, /* its DSDT looks for LPT, COM1 and COM2 there */
    };

    ck_assert_uint_eq(config_read(cases[_i].devfn, cases[_i].off, cases[_i].size), cases[_i].value);
}
END_TEST

/* A PCI device in slot 4, to ask for interrupts: its INTA# is PIRQD. */
struct asker {
    struct sim_device dev;
    struct sim_pci_function pci;
};

static enum sim_err asker_realize(struct sim_device *dev)
{
    struct asker *a = (struct asker *)dev;

    sim_pci_header(&a->pci, 0x1234, 0x5678, 0, 0, 1);
    return sim_pci_add(dev, &a->pci, 4 << 3);
}

static const struct sim_field asker_fields[] = {
    SIM_FIELD_STRUCT(struct asker, pci, sim_pci_function_fields, "configuration space"), SIM_FIELD_END
};
static const struct sim_device_class asker_class = {
    .abi = SIM_DEVICE_ABI, .size = sizeof(struct sim_device_class), .name = "asker", .version = 1,
    .instance_size = sizeof(struct asker), .fields = asker_fields, .realize = asker_realize,
};

/* "PIRQRC": bit 7 off, bits 3:0 the interrupt; some are reserved. */
START_TEST(pirqs_go_where_they_are_routed)
{
    struct bench_wire irq[16];
    struct asker *a;

    bench_plug(b, &asker_class, "asker", NULL);
    a = (struct asker *)b->dev;
    for (unsigned i = 0; i < 16; i++) {
        char name[16];

        snprintf(name, sizeof(name), "isa.irq%u", i);
        bench_watch(b, &irq[i], name);
    }
    sim_pci_intx(&a->pci, true);
    for (unsigned value = 0; value < 16; value++) {
        bool reserved = value < 3 || value == 8 || value == 13;

        config_write(BRIDGE, 0x63, value, 1);
        for (unsigned i = 0; i < 16; i++)
            ck_assert_int_eq(irq[i].level, i == value && !reserved);
    }
    config_write(BRIDGE, 0x63, 0x80 | 11, 1);
    ck_assert(!irq[11].level);
    config_write(BRIDGE, 0x63, 11, 1);
    ck_assert(irq[11].level);
    sim_pci_intx(&a->pci, false);
    ck_assert(!irq[11].level);
}
END_TEST

/* "Coprocessor Error". */
START_TEST(port_f0h_answers_a_coprocessor_error)
{
    struct sim_wire_driver ferr;

    ck_assert_int_eq(bus_wire_source(b->bus, &ferr, "ferr"), SIM_OK);
    outb(b, 0xF0, 0);
    ck_assert(!ignne.level); /* only while there is an error */
    sim_wire_set(&ferr, true);
    ck_assert(irq13.level);
    outb(b, 0xF0, 0);
    ck_assert(!irq13.level);
    ck_assert(ignne.level);
    sim_wire_set(&ferr, false);
    ck_assert(!ignne.level);
    sim_wire_set(&ferr, true);
    ck_assert(irq13.level);
}
END_TEST

/* ---- Power management ---- */

START_TEST(the_registers_are_where_pmba_and_pmregmisc_put_them)
{
    ck_assert_uint_eq(inl(b, PMTMR), 0xFFFFFFFF);
    config_write(PM, 0x40, PMBA | 1, 4);
    ck_assert_uint_eq(inl(b, PMTMR), 0xFFFFFFFF);
    config_write(PM, 0x80, 0x01, 1);
    ck_assert_uint_eq(inl(b, PMTMR), 0);
    config_write(PM, 0x40, 0xB000 | 1, 4);
    ck_assert_uint_eq(inl(b, PMTMR), 0xFFFFFFFF);
    ck_assert_uint_eq(inl(b, 0xB008), 0);
    ck_assert_uint_eq(config_read(PM, 0x40, 4), 0xB001);
}
END_TEST

/* "PMTMR": 24 bits at 3.579545 MHz. */
START_TEST(the_timer_counts_24_bits)
{
    static const uint64_t ticks[] = { 1, 1000, 0x7FFFFF, 0x800000, 0xFFFFFF, 0x1000000, 0x1234567 };

    place_pm();
    for (unsigned i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        bench_run_to_tick(b, PIIX_PM_TIMER_HZ, ticks[i]);
        ck_assert_uint_eq(inl(b, PMTMR), ticks[i] & 0xFFFFFF);
    }
}
END_TEST

/* "PMSTS": TMROF_STS is set when bit 23 changes, either way. */
START_TEST(a_change_of_bit_23_is_an_event)
{
    place_pm();
    outw(b, PMCNTRL, 1);
    outw(b, PMEN, TMROF);
    for (unsigned n = 1; n <= 3; n++) {
        bench_run_to_tick(b, PIIX_PM_TIMER_HZ, n * UINT64_C(0x800000) - 1);
        ck_assert_uint_eq(inw(b, PMSTS), 0);
        ck_assert(!sci.level);
        bench_run_to_tick(b, PIIX_PM_TIMER_HZ, n * UINT64_C(0x800000));
        ck_assert(sci.level);
        ck_assert_uint_eq(inw(b, PMSTS), TMROF);
        outw(b, PMSTS, TMROF);
        ck_assert(!sci.level);
    }
}
END_TEST

/* Not enabled it is seen all the same, without an event in the queue. */
START_TEST(a_change_that_nobody_waits_for_shows_in_the_status)
{
    place_pm();
    ck_assert_uint_eq(sim_clock_next(&b->clock), SIM_NEVER);
    bench_run_to_tick(b, PIIX_PM_TIMER_HZ, 0x2000000);
    ck_assert_uint_eq(inb(b, PMSTS), TMROF);
    outw(b, PMCNTRL, 1);
    ck_assert(!sci.level);
    outw(b, PMEN, TMROF);
    ck_assert(sci.level);
}
END_TEST

START_TEST(the_power_button_makes_sci)
{
    place_pm();
    outw(b, PMEN, PWRBTN);
    ck_assert_int_eq(bus_input(b->bus, "power-button", "", 1), SIM_OK);
    ck_assert_uint_eq(inw(b, PMSTS), PWRBTN);
    ck_assert(!sci.level);
    outb(b, 0xB2, 0xF1); /* ACPI takes over */
    ck_assert_uint_eq(inw(b, PMCNTRL), 0x0001);
    ck_assert(sci.level);
    outb(b, PMSTS + 1, PWRBTN >> 8);
    ck_assert(!sci.level);
    outb(b, 0xB2, 0xF0);
    ck_assert_uint_eq(inw(b, PMCNTRL), 0x0000);
}
END_TEST

/* "PMCNTRL": SUS_EN with SUS_TYP 0 is soft-off. */
START_TEST(soft_off_switches_the_machine_off)
{
    static const struct { uint16_t control; unsigned power_offs, logged; } cases[] = {
        { 0x2000, 1, 0 }, { 0x2001, 1, 0 }, { 0x0000, 0, 0 }, { 0x2000 | 5 << 10, 0, 0 }, { 0x2000 | 1 << 10, 0, 1 },
    };

    place_pm();
    outw(b, PMCNTRL, cases[_i].control);
    ck_assert_uint_eq(b->power_offs, cases[_i].power_offs);
    ck_assert_uint_eq(b->log_lines, cases[_i].logged);
    ck_assert_uint_eq(inw(b, PMCNTRL), cases[_i].control & 0x1C01);
}
END_TEST

START_TEST(a_byte_written_leaves_the_other_half)
{
    place_pm();
    outw(b, PMEN, PWRBTN | TMROF);
    outb(b, PMEN, 0);
    ck_assert_uint_eq(inw(b, PMEN), PWRBTN);
    ck_assert_int_eq(bus_input(b->bus, "power-button", "", 1), SIM_OK);
    outb(b, PMSTS, 0xFF);
    ck_assert_uint_eq(inw(b, PMSTS), PWRBTN);
    outl(b, PMBA + 0x2C, 0x12345678); /* DEVCTL is kept */
    ck_assert_uint_eq(inl(b, PMBA + 0x2C), 0x12345678);
    ck_assert_uint_eq(inw(b, PMBA + 0x2D), 0x3456);
}
END_TEST

/* "SMBHSTSTS": a command to an address where nobody is ends in DEV_ERR. */
START_TEST(nobody_is_on_the_smbus)
{
    place_pm();
    outb(b, 0x704, 0xA1);
    outb(b, 0x702, 0x48);
    ck_assert_uint_eq(inb(b, 0x700), 0x04);
    ck_assert_uint_eq(inb(b, 0x702), 0x08);
    outb(b, 0x700, 0x04);
    ck_assert_uint_eq(inb(b, 0x700), 0x00);
}
END_TEST

START_TEST(apm_ports_keep_their_bytes)
{
    outb(b, 0xB2, 0x12);
    outb(b, 0xB3, 0x34);
    ck_assert_uint_eq(inb(b, 0xB2), 0x12);
    ck_assert_uint_eq(inb(b, 0xB3), 0x34);
}
END_TEST

/* ---- SMI ---- */

#define GLBSTS (PMBA + 0x18)
#define GLBEN  (PMBA + 0x20)
#define GLBCTL (PMBA + 0x28)

/* "DEVACTB", "GLBCTL": a write of APMC is an SMI with APMC_EN and SMI_EN only. */
START_TEST(apmc_makes_smi_when_both_enables_are_set)
{
    struct bench_wire smi;

    bench_watch(b, &smi, "smi");
    place_pm();
    for (unsigned n = 0; n < 4; n++) {
        bool apmc = n & 1, smi_en = n & 2;

        smi.rises = 0;
        outw(b, GLBSTS, 0xFFFF);
        config_write(PM, 0x58, apmc ? 0x02000000 : 0, 4);
        outl(b, GLBCTL, smi_en);
        outb(b, 0xB2, 0x55);
        outb(b, 0xB3, 0x55); /* APMS makes none */
        ck_assert_uint_eq(smi.rises, apmc && smi_en);
        ck_assert_uint_eq(inw(b, GLBSTS), apmc ? 0x20 : 0);
        ck_assert(!smi.level);
    }
}
END_TEST

/* On hardware EOS would have to be set before each SMI. */
START_TEST(smi_needs_no_eos)
{
    struct bench_wire smi;

    bench_watch(b, &smi, "smi");
    place_pm();
    config_write(PM, 0x58, 0x02000000, 4);
    outl(b, GLBCTL, 0x10001);
    outb(b, 0xB2, 1);
    ck_assert_uint_eq(inl(b, GLBCTL), 0x00001);
    outb(b, 0xB2, 2);
    ck_assert_uint_eq(smi.rises, 2);
}
END_TEST

/* "PMCNTRL": GBL_RLS tells the SMM code, "GLBCTL": BIOS_RLS tells the operating system. */
START_TEST(the_global_lock_is_released_both_ways)
{
    struct bench_wire smi;

    bench_watch(b, &smi, "smi");
    place_pm();
    outl(b, GLBCTL, 1);
    outw(b, PMCNTRL, 4);
    ck_assert_uint_eq(smi.rises, 0); /* BIOS_EN is not set */
    ck_assert_uint_eq(inw(b, GLBSTS), 0x01);
    outb(b, GLBSTS, 0x01);
    ck_assert_uint_eq(inw(b, GLBSTS), 0);
    outw(b, GLBEN, 2);
    outw(b, PMCNTRL, 4);
    ck_assert_uint_eq(smi.rises, 1);
    ck_assert_uint_eq(inw(b, PMCNTRL), 0);
    outb(b, GLBSTS, 0x01);

    outw(b, PMEN, 0x20);
    outw(b, PMCNTRL, 1);
    outl(b, GLBCTL, 3);
    ck_assert(sci.level);
    ck_assert_uint_eq(inw(b, PMSTS), 0x20);
    ck_assert_uint_eq(inl(b, GLBCTL), 3);
    outw(b, PMSTS, 0x20);
    ck_assert(!sci.level);
    ck_assert_uint_eq(inl(b, GLBCTL), 1);
    ck_assert_uint_eq(smi.rises, 1);
}
END_TEST

/* "SCI_EN": without it an event is an SMI, once. */
START_TEST(events_without_sci_make_smi)
{
    struct bench_wire smi;

    bench_watch(b, &smi, "smi");
    place_pm();
    outl(b, GLBCTL, 1);
    outw(b, PMEN, PWRBTN);
    ck_assert_int_eq(bus_input(b->bus, "power-button", "", 1), SIM_OK);
    ck_assert_uint_eq(smi.rises, 1);
    ck_assert(!sci.level);
    ck_assert_uint_eq(inw(b, GLBSTS), 0x40);
    outw(b, PMEN, PWRBTN);
    ck_assert_uint_eq(smi.rises, 1);
    outw(b, PMSTS, PWRBTN);
    ck_assert_uint_eq(inw(b, GLBSTS), 0);
    ck_assert_int_eq(bus_input(b->bus, "power-button", "", 1), SIM_OK);
    ck_assert_uint_eq(smi.rises, 2);
    outw(b, PMCNTRL, 1);
    ck_assert(sci.level);
    ck_assert_uint_eq(smi.rises, 2);
}
END_TEST

START_TEST(general_purpose_events_start_quiet)
{
    ck_assert_uint_eq(inl(b, 0xAFE0), 0);
    ck_assert_uint_eq(inl(b, 0xAE0C), 0); /* no slot can be unplugged */
    outb(b, 0xAFE2, 0x55);
    ck_assert_uint_eq(inb(b, 0xAFE2), 0x55);
}
END_TEST

START_TEST(a_reset_takes_the_windows_away)
{
    place_pm();
    bus_reset(b->bus, SIM_RESET_HARD);
    ck_assert_uint_eq(inl(b, PMTMR), 0xFFFFFFFF);
    ck_assert_uint_eq(inb(b, 0x700), 0xFF);
}
END_TEST

START_TEST(all_state_is_saved)
{
    place_pm();
    outw(b, PMEN, TMROF);
    outw(b, PMCNTRL, 0x0401);
    bench_run_to_tick(b, PIIX_PM_TIMER_HZ, 0x900000);
    bench_check_state(b);
    ck_assert_uint_eq(inl(b, PMTMR), 0x900000); /* the windows came back */
    b->dev = bridge;
    config_write(BRIDGE, 0x60, 0x0A, 1);
    bench_check_state(b);
    ck_assert_uint_eq(config_read(BRIDGE, 0x60, 1), 0x0A);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("piix");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_functions_say_what_they_are);
    tcase_add_loop_test(t, registers_have_their_defaults, 0, 15);
    tcase_add_test(t, pirqs_go_where_they_are_routed);
    tcase_add_test(t, port_f0h_answers_a_coprocessor_error);
    tcase_add_test(t, the_registers_are_where_pmba_and_pmregmisc_put_them);
    tcase_add_test(t, the_timer_counts_24_bits);
    tcase_add_test(t, a_change_of_bit_23_is_an_event);
    tcase_add_test(t, a_change_that_nobody_waits_for_shows_in_the_status);
    tcase_add_test(t, the_power_button_makes_sci);
    tcase_add_loop_test(t, soft_off_switches_the_machine_off, 0, 5);
    tcase_add_test(t, a_byte_written_leaves_the_other_half);
    tcase_add_test(t, nobody_is_on_the_smbus);
    tcase_add_test(t, apm_ports_keep_their_bytes);
    tcase_add_test(t, apmc_makes_smi_when_both_enables_are_set);
    tcase_add_test(t, smi_needs_no_eos);
    tcase_add_test(t, the_global_lock_is_released_both_ways);
    tcase_add_test(t, events_without_sci_make_smi);
    tcase_add_test(t, general_purpose_events_start_quiet);
    tcase_add_test(t, a_reset_takes_the_windows_away);
    tcase_add_test(t, all_state_is_saved);
    return bench_main(t, "piix");
}
