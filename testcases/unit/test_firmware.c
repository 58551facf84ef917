/* What a kernel without firmware finds: registers, low memory, MP and ACPI tables. */
#include "testcases/unit/load_bench.h"

#include "libsim/firmware.h"
#include "libsim/firmware_tables.h"

static struct sim *sim;
static const uint8_t idle[] = { 0xfb, 0xf4, 0xeb, 0xfd }; /* sti; hlt; jmp hlt */

static void start(const char *const *options)
{
    ck_assert_msg(load_open(&sim, idle, sizeof(idle), options) == SIM_OK, "%s", sim_last_error());
}
static void setup(void) { start(NULL); }
static void setup_smp(void) { start((const char *const[]){ "cpus", "4", NULL }); }
static void teardown(void)
{
    sim_destroy(sim);
    sim = NULL;
}

static uint8_t port(uint16_t at) { return (uint8_t)bus_io_peek(sim->bus, at, 1); }

static uint32_t config(unsigned devfn, uint8_t off, unsigned size)
{
    return sim_pci_config_peek(bus_device_find(sim->bus, "i440fx"), (uint8_t)devfn, off, size);
}

static bool sums_to_0(uint32_t at, size_t len)
{
    uint8_t sum = 0;

    for (size_t n = 0; n < len; n++)
        sum = (uint8_t)(sum + load_peek(sim, at + n, 1));
    return sum == 0;
}

/* ---- Registers ---- */

/* doc/firmware.md, "Without firmware". */
START_TEST(ports_and_registers_are_as_a_bios_leaves_them)
{
    ck_assert_uint_eq(port(0x21), 0xb8);
    ck_assert_uint_eq(port(0xa1), 0x8e);
    ck_assert_uint_eq(port(0x4d0) | port(0x4d1) << 8, 0x0c00);
    ck_assert_uint_eq(port(0x64), 0x14);  /* the 8042: SYS, not locked, nothing waits */
    ck_assert_uint_eq(port(0x3f9) | port(0x2f9), 0); /* no interrupts of the UARTs */
    ck_assert_uint_eq(config(1 << 3 | 3, 0x40, 4), 0x601);
    ck_assert_uint_eq(config(1 << 3 | 3, 0x3c, 1), 9);
    ck_assert_uint_eq(config(1 << 3 | 1, 0x40, 4), 0x80008000u);
    ck_assert_uint_eq(config(1 << 3, 0x60, 4), 0x0b0b0a0a);
    ck_assert_uint_ne(bus_io_peek(sim->bus, FIRMWARE_PM_BASE + 8, 4), UINT32_MAX);
    ck_assert_uint_eq(sim->clock.now, 0);
    ck_assert(sim->bus->a20);
}
END_TEST

/* A reset in the middle of a run starts the devices at its moment, whatever they were doing before. */
START_TEST(a_reset_leaves_the_same_machine_but_for_time)
{
    struct sim_stop stop;
    uint8_t ports[5], again[5];
    static const uint16_t list[5] = { 0x21, 0xa1, 0x64, 0x4d1, 0x3f9 };

    for (unsigned n = 0; n < 5; n++)
        ports[n] = port(list[n]);
    sim_run_steps(sim, 100000, &stop);
    sim_input_reset(sim);
    sim_run_steps(sim, 1, &stop);
    for (unsigned n = 0; n < 5; n++)
        again[n] = port(list[n]);
    ck_assert_mem_eq(ports, again, 5);
    ck_assert_uint_ge(sim->clock.now + 2000, load_cpu(sim)->cycle);
}
END_TEST

/* The timer's handler acknowledges: its interrupt comes again, 18.2 times a second, and counts. */
START_TEST(interrupts_are_served_in_real_mode)
{
    struct sim_stop stop;

    sim_run_until(sim, 500000000, &stop);
    ck_assert_uint_ge(load_peek(sim, 0x46c, 4), 8);
    ck_assert_uint_le(load_peek(sim, 0x46c, 4), 10);
}
END_TEST

START_TEST(the_bios_data_area_says_what_there_is)
{
    ck_assert_uint_eq(load_peek(sim, 0x400, 2), 0x3f8);
    ck_assert_uint_eq(load_peek(sim, 0x40e, 2), FIRMWARE_EBDA >> 4);
    ck_assert_uint_eq(load_peek(sim, 0x413, 2), 639);
    ck_assert_uint_eq(load_peek(sim, 0x449, 1), 3);
    ck_assert_uint_eq(load_peek(sim, 0x44a, 2), 80);
    ck_assert_uint_eq(load_peek(sim, 0x44c, 2), 4096);
    ck_assert_uint_eq(load_peek(sim, 0x463, 2), 0x3d4);
    ck_assert_uint_eq(load_peek(sim, 0x484, 1), 24);
    ck_assert_uint_eq(load_peek(sim, 0x485, 2), 16);
    ck_assert_uint_eq(load_peek(sim, FIRMWARE_EBDA, 1), 1);
}
END_TEST

/* ---- MP: MultiProcessor Specification, chapter 4 ---- */

START_TEST(the_mp_table_names_every_cpu_and_every_pin)
{
    static const uint8_t bytes_of[] = { 20, 8, 8, 8, 8 };
    unsigned count[5] = { 0 }, pin_of_0 = 0, pci = 0;
    uint32_t table, at;

    for (at = 0xf0000; at < 0x100000 && load_peek(sim, at, 4) != 0x5f504d5f; at += 16)
        ;
    ck_assert_uint_lt(at, 0x100000);
    ck_assert(sums_to_0(at, 16));
    ck_assert_uint_eq(load_peek(sim, at + 8, 1), 1);
    ck_assert_uint_eq(load_peek(sim, at + 9, 1), 4);
    ck_assert_uint_eq(load_peek(sim, at + 11, 2), 0); /* a table; virtual wire mode */
    table = (uint32_t)load_peek(sim, at + 4, 4);
    ck_assert_uint_eq(load_peek(sim, table, 4), 0x504d4350); /* "PCMP" */
    ck_assert(sums_to_0(table, load_peek(sim, table + 4, 2)));
    at = table + 44;
    for (unsigned n = 0; n < load_peek(sim, table + 34, 2); n++) {
        unsigned type = (unsigned)load_peek(sim, at, 1);

        ck_assert_uint_le(type, 4);
        if (type == 0)
            ck_assert_uint_eq(load_peek(sim, at + 3, 1), count[0] == 0 ? 3 : 1);
        if (type == 2)
            ck_assert_uint_eq(load_peek(sim, at + 1, 1), cpu_count(sim->cluster));
        if (type == 3 && load_peek(sim, at + 4, 2) == 1)
            pin_of_0 = (unsigned)load_peek(sim, at + 7, 1);
        pci += type == 3 && load_peek(sim, at + 4, 1) == 0;
        count[type]++;
        at += bytes_of[type];
    }
    ck_assert_uint_eq(at - table, load_peek(sim, table + 4, 2));
    ck_assert_uint_eq(count[0], cpu_count(sim->cluster));
    ck_assert_uint_eq(count[1], 2);
    ck_assert_uint_eq(count[2], 1);
    ck_assert_uint_eq(count[3], 13 + pci);
    ck_assert_uint_eq(count[4], 2);
    ck_assert_uint_eq(pin_of_0, 2);
}
END_TEST

/* xv6 compares the two. */
START_TEST(the_io_apic_has_the_id_of_the_tables)
{
    struct bus_txn select = { .kind = BUS_MEM_WRITE, .size = 4, .addr = 0xfec00000u }, read = { .kind = BUS_MEM_READ, .size = 4, .addr = 0xfec00010u };

    bus_do(sim->bus, &select);
    bus_do(sim->bus, &read);
    ck_assert_uint_eq(read.data >> 24, cpu_count(sim->cluster));
}
END_TEST

/* ---- ACPI ---- */

static uint32_t find_rsdp(void)
{
    uint64_t signature;
    uint32_t at = 0xe0000;

    memcpy(&signature, "RSD PTR ", 8);
    while (at < 0x100000 && load_peek(sim, at, 8) != signature)
        at += 16;
    return at;
}

/* The address of a table of the RSDT, its checksum seen to. */
static uint32_t table(const char *signature)
{
    uint32_t rsdt = (uint32_t)load_peek(sim, find_rsdp() + 16, 4), len = (uint32_t)load_peek(sim, rsdt + 4, 4);

    for (uint32_t n = 36; n < len; n += 4) {
        uint32_t at = (uint32_t)load_peek(sim, rsdt + n, 4);
        char found[4];

        load_ram(sim, at, found, 4);
        if (memcmp(found, signature, 4) == 0) {
            ck_assert(sums_to_0(at, load_peek(sim, at + 4, 4)));
            return at;
        }
    }
    ck_abort_msg("no %s", signature);
}

START_TEST(every_acpi_table_has_its_sum)
{
    uint32_t rsdp = find_rsdp(), rsdt = (uint32_t)load_peek(sim, rsdp + 16, 4), fadt = table("FACP"), facs, dsdt;

    ck_assert_uint_lt(rsdp, 0x100000);
    ck_assert(sums_to_0(rsdp, 20));
    ck_assert(sums_to_0(rsdt, load_peek(sim, rsdt + 4, 4)));
    facs = (uint32_t)load_peek(sim, fadt + 36, 4);
    dsdt = (uint32_t)load_peek(sim, fadt + 40, 4);
    ck_assert_uint_eq(facs & 63, 0);
    ck_assert_uint_eq(load_peek(sim, facs, 4), 0x53434146);
    ck_assert_uint_eq(load_peek(sim, dsdt, 4), 0x54445344);
    ck_assert(sums_to_0(dsdt, load_peek(sim, dsdt + 4, 4)));
    ck_assert_uint_lt(dsdt + load_peek(sim, dsdt + 4, 4), 0xfe000);
}
END_TEST

START_TEST(the_fadt_names_piix4)
{
    uint32_t fadt = table("FACP");

    ck_assert_uint_eq(load_peek(sim, fadt + 46, 2), 9);
    ck_assert_uint_eq(load_peek(sim, fadt + 48, 4), 0xb2);
    ck_assert_uint_eq(load_peek(sim, fadt + 56, 4), 0x600);
    ck_assert_uint_eq(load_peek(sim, fadt + 64, 4), 0x604);
    ck_assert_uint_eq(load_peek(sim, fadt + 76, 4), 0x608);
    ck_assert_uint_eq(load_peek(sim, fadt + 120, 8), 0xcf9);
    ck_assert_uint_eq(load_peek(sim, fadt + 128, 1), 6);
    ck_assert_uint_eq(load_peek(sim, fadt + 212, 8), 0x608);
}
END_TEST

START_TEST(the_madt_lists_cpus_io_apic_and_overrides)
{
    uint32_t madt = table("APIC"), end = madt + (uint32_t)load_peek(sim, madt + 4, 4), at = madt + 44;
    unsigned count[5] = { 0 };
    bool timer = false;

    while (at < end) {
        unsigned type = (unsigned)load_peek(sim, at, 1);

        ck_assert_uint_le(type, 4);
        if (type == 0)
            ck_assert_uint_eq(load_peek(sim, at + 3, 1), count[0]);
        if (type == 2 && load_peek(sim, at + 3, 1) == 0)
            timer = load_peek(sim, at + 4, 4) == 2;
        count[type]++;
        at += (uint32_t)load_peek(sim, at + 1, 1);
    }
    ck_assert_uint_eq(at, end);
    ck_assert_uint_eq(count[0], cpu_count(sim->cluster));
    ck_assert_uint_eq(count[1], 1);
    ck_assert_uint_eq(count[2], 4);
    ck_assert_uint_eq(count[4], 1);
    ck_assert(timer);
}
END_TEST

/* AML: the package lengths nest, and the last object is \_S5. */
START_TEST(the_dsdt_is_well_formed)
{
    uint32_t dsdt = (uint32_t)load_peek(sim, table("FACP") + 40, 4), end = dsdt + (uint32_t)load_peek(sim, dsdt + 4, 4), scope;
    static const uint8_t s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0, 0, 0, 0 };
    uint8_t found[sizeof(s5)];

    ck_assert_uint_eq(load_peek(sim, dsdt + 36, 1), 0x10);
    ck_assert_uint_eq(load_peek(sim, dsdt + 37, 1) >> 4, 4);
    scope = (uint32_t)((load_peek(sim, dsdt + 37, 1) & 15) | load_peek(sim, dsdt + 38, 1) << 4);
    load_ram(sim, dsdt + 37 + scope, found, sizeof(found));
    ck_assert_mem_eq(found, s5, sizeof(s5));
    ck_assert_uint_eq(dsdt + 37 + scope + sizeof(s5), end);
}
END_TEST

/* A 486 has no APIC: neither table may say that it has. */
START_TEST(without_an_apic_there_are_no_tables)
{
    start((const char *const[]){ "cpu", "486", NULL });
    ck_assert_uint_eq(find_rsdp(), 0x100000);
    ck_assert_uint_ne(load_peek(sim, FIRMWARE_MP, 4), 0x5f504d5f);
}
END_TEST

/* ---- The memory map ---- */

START_TEST(the_memory_map_is_ordered_and_complete)
{
    static const char *const sizes[] = { "1", "2", "128", "3583", "3584", "4096", "8192" };
    struct firmware_range map[16];
    uint64_t ram = 0, end = 0;
    unsigned count;

    start((const char *const[]){ "memory", sizes[_i], NULL });
    count = firmware_memory_map(sim, map, 16);
    for (unsigned n = 0; n < count; n++) {
        ck_assert_uint_gt(map[n].length, 0);
        ck_assert_uint_ge(map[n].base, end);
        end = map[n].base + map[n].length;
        ram += map[n].type == 1 ? map[n].length : 0;
    }
    ck_assert_uint_eq(ram, (strtoull(sizes[_i], NULL, 0) << 20) - 0x100000 + FIRMWARE_EBDA);
    ck_assert_uint_eq(firmware_memory_map(sim, map, 2), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("firmware");
    TCase *one = tcase_create("one CPU"), *smp = tcase_create("four CPUs"), *own = tcase_create("own machine");
    SRunner *r;

    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, ports_and_registers_are_as_a_bios_leaves_them);
    tcase_add_test(one, a_reset_leaves_the_same_machine_but_for_time);
    tcase_add_test(one, interrupts_are_served_in_real_mode);
    tcase_add_test(one, the_bios_data_area_says_what_there_is);
    tcase_add_test(one, the_mp_table_names_every_cpu_and_every_pin);
    tcase_add_test(one, every_acpi_table_has_its_sum);
    tcase_add_test(one, the_fadt_names_piix4);
    tcase_add_test(one, the_madt_lists_cpus_io_apic_and_overrides);
    tcase_add_test(one, the_dsdt_is_well_formed);
    suite_add_tcase(s, one);
    tcase_add_checked_fixture(smp, setup_smp, teardown);
    tcase_add_test(smp, the_mp_table_names_every_cpu_and_every_pin);
    tcase_add_test(smp, the_io_apic_has_the_id_of_the_tables);
    tcase_add_test(smp, the_madt_lists_cpus_io_apic_and_overrides);
    suite_add_tcase(s, smp);
    tcase_add_checked_fixture(own, NULL, teardown);
    tcase_add_test(own, without_an_apic_there_are_no_tables);
    tcase_add_loop_test(own, the_memory_map_is_ordered_and_complete, 0, 7);
    suite_add_tcase(s, own);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
