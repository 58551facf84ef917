/* The debugger in IA-32e mode: registers by their 64-bit names, views of 16-byte tables and of four levels, backtraces. */
#include "debug/dbg.h"
#include "testcases/unit/debug_bench.h"
#include "testcases/unit/long_bench.h"

static struct bench b;
static struct cpu *cpu;

static void setup(void)
{
    bench_open(&b);
    cpu = b.s.cpu;
    long_enter(&b.s, L_CODE0, 0);
}
static void teardown(void) { bench_close(&b); }

START_TEST(registers_have_64_bits)
{
    static const char *const names[] = { "rax", "rbp", "r8", "r15", "cr2", "dr3", "gs.base", "idtr.base" };
    uint64_t v;

    for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        ck_assert_msg(dbg_reg_write(cpu, names[n], 0xffff812345678000) == SIM_OK, "%s: %s", names[n], sim_last_error());
        ck_assert_int_eq(dbg_reg_read(cpu, names[n], &v), SIM_OK);
        ck_assert_uint_eq(v, 0xffff812345678000);
    }
    ck_assert_int_eq(dbg_reg_write(cpu, "rip", 0xffffffff80001000), SIM_OK);
    ck_assert_int_eq(dbg_reg_read(cpu, "pc", &v), SIM_OK);
    ck_assert_uint_eq(v, 0xffffffff80001000);
}
END_TEST

/* What no processor could have come to. */
START_TEST(impossible_writes_are_refused)
{
    static const struct { const char *name; uint64_t value; } refused[] = {
        { "rip", 0x800000000000 }, { "gs.base", 0x0200000000000000 }, { "gdtr.base", 0x8000000000000000 }, { "cr0", CR0_PE | CR0_ET },
        { "cr4", CR4_PGE }, { "cr4", CR4_PAE | CR4_LA57 }, { "cr3", 1ull << 40 }, { "cs.attr", 0xe09b }, { "efer", 0 },
    };
    uint64_t before, after;

    ck_assert_int_eq(dbg_reg_read(cpu, refused[_i].name, &before), SIM_OK);
    ck_assert_int_ne(dbg_reg_write(cpu, refused[_i].name, refused[_i].value), SIM_OK);
    ck_assert_int_eq(dbg_reg_read(cpu, refused[_i].name, &after), SIM_OK);
    ck_assert_uint_eq(before, after);
}
END_TEST

START_TEST(addresses_of_32_bits_stay_so_outside_long_mode)
{
    sys_protected(&b.s, 0);
    cpu->efer = 0;
    cpu->cr4 = 0;
    cpu_mode_changed(cpu);
    ck_assert_int_ne(dbg_reg_write(cpu, "gs.base", 1ull << 32), SIM_OK);
    ck_assert_int_ne(dbg_reg_write(cpu, "rip", 1ull << 32), SIM_OK);
}
END_TEST

START_TEST(the_registers_view_shows_them_all)
{
    const char *text;

    cpu->reg[15] = 0x1122334455667788;
    cpu->reg[CPU_DI] = 0xfedcba9876543210;
    text = TEXT(&b, dbg_view_registers(b.dbg, cpu, &b.text));
    ck_assert_has(text, "r15 1122334455667788");
    ck_assert_has(text, "rdi fedcba9876543210");
    ck_assert_has(text, "rip 0000000000010000");
    ck_assert_has(text, "64-bit mode");
}
END_TEST

START_TEST(an_address_is_walked_through_four_levels)
{
    const char *text = TEXT(&b, dbg_view_translate(b.dbg, cpu, 0x12345, &b.text));

    ck_assert_has(text, "PML4E [   0] at physical 0x00070000");
    ck_assert_has(text, "PDPTE [   0] at physical 0x00071000");
    ck_assert_has(text, "PTE   [  18] at physical 0x00074090");
    ck_assert_has(text, "-> physical 0x00012345");
}
END_TEST

/* A page fault below a sound PML4 is none of CR3's: the page directory that 32-bit paging would have is not looked at. */
START_TEST(a_sound_pml4_is_not_blamed)
{
    CODE(&b.s, "\x8b\x04\x25\x00\x00\x00\x40"); /* mov eax, [0x40000000]: no page directory */
    sys_run(&b.s, 1);
    ck_assert_uint_eq(b.s.cpu->history_next, 1);
    sim_buf_clear(&b.text);
    dbg_explain_json(b.dbg, cpu, &b.text);
    ck_assert_has(sim_buf_cstr(&b.text), "PF-NP-PDPT");
    ck_assert(!strstr(sim_buf_cstr(&b.text), "does not name"));
}
END_TEST

/* It has no limit to be blamed for; and the entry is no pair of gates of 8 bytes. */
START_TEST(a_handler_that_is_not_canonical_is_told_as_that)
{
    long_gate(&b.s, VEC_UD, L_CODE0, 0x0000800000020060, SYS_INT, 0, 0);
    CODE(&b.s, "\x0f\x0b");
    sys_run(&b.s, 1);
    sim_buf_clear(&b.text);
    dbg_explain_json(b.dbg, cpu, &b.text);
    ck_assert_has(sim_buf_cstr(&b.text), "GP-IDT-OFFSET");
    ck_assert_has(sim_buf_cstr(&b.text), "present; that address is not canonical");
    ck_assert_has(sim_buf_cstr(&b.text), "bits 63:32 of the handler's address stand in bytes 8 to 11");
    ck_assert(!strstr(sim_buf_cstr(&b.text), "16 bytes"));
    ck_assert(!strstr(sim_buf_cstr(&b.text), "code segment's limit is"));
}
END_TEST

START_TEST(the_map_has_both_halves)
{
    const char *text;

    sys_poke(&b.s, AT_PML4 + 8 * 256, AT_PDPT | 3, 8);
    text = TEXT(&b, dbg_view_page_tables(b.dbg, cpu, &b.text));
    ck_assert_has(text, "4 levels");
    ck_assert_has(text, "00000000-001fffff");
    ck_assert_has(text, "ffff800000000000-ffff8000001fffff");
    ck_assert_has(text, "2M");
}
END_TEST

START_TEST(tables_of_16_byte_entries_are_read)
{
    const char *text;

    long_gate(&b.s, VEC_DF, L_CODE0, 0xffffffff81000000, SYS_INT, 0, 3);
    text = TEXT(&b, dbg_view_idt(b.dbg, cpu, &b.text));
    ck_assert_has(text, "256 entries");
    ck_assert_has(text, "64-bit interrupt gate to 0008:ffffffff81000000");
    ck_assert_has(text, "IST3");
    ck_assert_has(text, "not mapped");
    text = TEXT(&b, dbg_view_gdt(b.dbg, cpu, &b.text));
    ck_assert_has(text, "base 0xffff800000005000");
    text = TEXT(&b, dbg_view_tss(b.dbg, cpu, &b.text));
    ck_assert_has(text, "64-bit TSS");
    ck_assert_has(text, "0000000000038000"); /* IST1 */
}
END_TEST

START_TEST(frames_of_64_bits_are_followed)
{
    struct dbg_frame frame[4];

    sys_poke(&b.s, AT_STACK0 - 16, AT_STACK0 - 0x100 + 0x110, 8); /* the caller's frame pointer: nothing there */
    sys_poke(&b.s, AT_STACK0 - 8, AT_TASK, 8);
    cpu->reg[CPU_SP] = AT_STACK0 - 32;
    cpu->reg[CPU_BP] = AT_STACK0 - 16;
    CODE(&b.s, "\x90\x90\x90\x90");
    ck_assert_uint_ge(dbg_backtrace(b.dbg, cpu, frame, 4), 2);
    ck_assert_uint_eq(frame[0].ip, AT_CODE);
    ck_assert_uint_eq(frame[1].ip, AT_TASK);
    ck_assert_uint_eq(frame[1].sp, AT_STACK0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug long");
    TCase *t = tcase_create("debug long");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, registers_have_64_bits);
    tcase_add_loop_test(t, impossible_writes_are_refused, 0, 9);
    tcase_add_test(t, addresses_of_32_bits_stay_so_outside_long_mode);
    tcase_add_test(t, a_sound_pml4_is_not_blamed);
    tcase_add_test(t, the_registers_view_shows_them_all);
    tcase_add_test(t, an_address_is_walked_through_four_levels);
    tcase_add_test(t, the_map_has_both_halves);
    tcase_add_test(t, tables_of_16_byte_entries_are_read);
    tcase_add_test(t, a_handler_that_is_not_canonical_is_told_as_that);
    tcase_add_test(t, frames_of_64_bits_are_followed);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
