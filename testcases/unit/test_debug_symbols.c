/* Symbols, source lines, call stacks, disassembly. */
#include "testcases/unit/debug_bench.h"

#include <unistd.h>

static struct bench b;

static void setup(void)
{
    bench_open(&b);
    sys_protected(&b.s, 0);
}
static void teardown(void) { bench_close(&b); }

static const char *symbolize(uint64_t laddr)
{
    static char text[200];

    dbg_symbolize(b.dbg, laddr, text, sizeof(text));
    return text;
}

static void load(const struct elf_symbol *symbol, unsigned count, uint32_t vaddr, uint32_t paddr, uint64_t offset)
{
    uint8_t *file;
    size_t len = elf_make(symbol, count, vaddr, paddr, 0x2000, NULL, 0, &file);

    ck_assert_msg(dbg_symbols_load_memory(b.dbg, "image", file, len, offset) == SIM_OK, "%s", sim_last_error());
    free(file);
}
#define LOAD(table, vaddr, paddr, offset) load(table, sizeof(table) / sizeof(table[0]), vaddr, paddr, offset)

/* ---- Symbols: .text is 100000..100fff, .data 101000..101fff ---- */

static const struct elf_symbol program[] = {
    { "main", 0x100000, 0x40, STT_FUNC, 1 }, { "inner", 0x100010, 8, STT_FUNC, 1 }, { "label", 0x100800, 0, STT_NOTYPE, 1 },
    { "same_a", 0x100900, 4, STT_NOTYPE, 1 }, { "same_b", 0x100900, 4, STT_FUNC, 1 }, { "variable", 0x101004, 4, STT_OBJECT, 2 },
    { "_end", 0x102000, 0, STT_NOTYPE, 2 }, { "CONSTANT", 0x100020, 0, STT_NOTYPE, SHN_ABS }, { "elsewhere", 0x100024, 4, STT_FUNC, SHN_UNDEF },
    { "", 0x100030, 4, STT_FUNC, 1 }, { "a.section", 0x100000, 0, STT_SECTION, 1 },
};

static const struct { uint64_t laddr; const char *text; } places[] = {
    { 0x100000, "main" }, { 0x100004, "main+0x4" }, { 0x100010, "inner" }, { 0x100017, "inner+0x7" }, { 0x100018, "main+0x18" }, { 0x10003f, "main+0x3f" },
    { 0x100040, "" }, { 0x1007ff, "" }, { 0x100800, "label" }, { 0x1008ff, "label+0xff" }, { 0x100900, "same_b" }, { 0x100904, "label+0x104" },
    { 0x100fff, "label+0x7ff" }, { 0x101000, "" }, { 0x101004, "variable" }, { 0x101008, "" }, { 0x102000, "_end" }, { 0x102001, "" }, { 0xfffff, "" },
    { UINT64_MAX, "" }, { 0, "" },
};

START_TEST(an_address_belongs_to_the_nearest_symbol_that_reaches_it)
{
    LOAD(program, 0x100000, 0x100000, 0);
    ck_assert_str_eq(symbolize(places[_i].laddr), places[_i].text);
}
END_TEST

START_TEST(names_are_found_absolute_ones_too_and_undefined_ones_not)
{
    uint64_t v;

    LOAD(program, 0x100000, 0x100000, 0);
    ck_assert(dbg_symbol_find(b.dbg, "inner", &v) && v == 0x100010);
    ck_assert(dbg_symbol_find(b.dbg, "CONSTANT", &v) && v == 0x100020);
    ck_assert(!dbg_symbol_find(b.dbg, "elsewhere", &v));
    ck_assert(!dbg_symbol_find(b.dbg, "", &v));
    ck_assert_str_eq(dbg_symbol_complete(b.dbg, "same", 0), "same_a");
    ck_assert_str_eq(dbg_symbol_complete(b.dbg, "same", 1), "same_b");
    ck_assert_ptr_null(dbg_symbol_complete(b.dbg, "same", 2));
}
END_TEST

START_TEST(images_have_offsets_and_do_not_disturb_each_other)
{
    static const struct elf_symbol module[] = { { "module_init", 0, 0x100, STT_FUNC, 1 } };
    uint64_t v;

    LOAD(program, 0x100000, 0x100000, 0);
    LOAD(module, 0, 0, 0x400000);
    ck_assert_str_eq(symbolize(0x400010), "module_init+0x10");
    ck_assert_str_eq(symbolize(0x100010), "inner");
    ck_assert_str_eq(symbolize(0x10), "");
    ck_assert(dbg_symbol_find(b.dbg, "module_init", &v) && v == 0x400000);
}
END_TEST

/* As xv6 is: linked at 80100000, loaded at 100000, where it runs until paging is on. */
START_TEST(a_kernel_is_known_at_its_load_address_too)
{
    static const struct elf_symbol kernel[] = { { "entry", 0x8010000c, 0x20, STT_FUNC, 1 } };
    uint64_t v;

    LOAD(kernel, 0x80100000, 0x100000, 0);
    ck_assert_str_eq(symbolize(0x8010000e), "entry+0x2");
    ck_assert_str_eq(symbolize(0x10000e), "entry+0x2");
    ck_assert(dbg_symbol_find(b.dbg, "entry", &v) && v == 0x8010000c);
}
END_TEST

/* ---- Hostile files ---- */

START_TEST(what_is_no_elf_file_is_refused)
{
    static const char text[] = "#!/bin/sh\necho hello\n";

    ck_assert_int_eq(dbg_symbols_load_memory(b.dbg, "script", text, sizeof(text), 0), SIM_ERR_FORMAT);
    ck_assert_has(sim_last_error(), "script: not an ELF file");
    ck_assert_int_eq(dbg_symbols_load_memory(b.dbg, "empty", text, 0, 0), SIM_ERR_FORMAT);
    ck_assert_int_eq(dbg_symbols_load(b.dbg, "/nowhere/at/all", 0), SIM_ERR_IO);
    ck_assert_int_eq(dbg_symbols_load(b.dbg, "/", 0), SIM_ERR_IO);
    ck_assert_str_eq(symbolize(0x100000), "");
}
END_TEST

static void ask_everything(void)
{
    const char *file;
    uint64_t v;
    unsigned line;

    for (uint64_t laddr = 0xffff0; laddr < 0x102010; laddr += 7)
        symbolize(laddr);
    dbg_symbol_find(b.dbg, "main", &v);
    dbg_symbol_complete(b.dbg, "", 3);
    dbg_line_at(b.dbg, 0x100000, &file, &line);
    dbg_line_find(b.dbg, "a.c", 3, &v);
}

/* Four bytes of a good file are something else: it is refused, or gives symbols, but nothing breaks. */
START_TEST(damaged_files_do_no_harm)
{
    uint8_t *file, *copy;
    size_t len = elf_make(program, sizeof(program) / sizeof(program[0]), 0x100000, 0x200000, 0x2000, "garbage!garbage!", 16, &file);
    uint32_t seed = (uint32_t)_i * 7919 + 1;

    for (unsigned n = 0; n < 60; n++) {
        copy = malloc(len);
        memcpy(copy, file, len);
        for (unsigned i = 0; i < 4; i++) {
            seed = seed * 1664525 + 1013904223;
            copy[(seed >> 8) % (seed & 1 ? len : 0x180)] = seed & 2 ? 0xff : (uint8_t)(seed >> 24);
        }
        dbg_symbols_load_memory(b.dbg, "damaged", copy, seed & 4 ? len : (seed >> 16) % len, 0);
        free(copy);
        ask_everything();
        dbg_destroy(b.dbg);
        ck_assert_int_eq(dbg_create(b.s.cluster, b.s.bus, &b.dbg), SIM_OK);
    }
    free(file);
}
END_TEST

/* ---- Lines: this very program has some ---- */

START_TEST(lines_of_a_real_program_are_found)
{
    const char *file;
    uint64_t laddr;
    unsigned line;

    ck_assert_int_eq(dbg_symbols_load(b.dbg, "/proc/self/exe", 0), SIM_OK);
    if (!dbg_line_find(b.dbg, "test_debug_symbols.c", 1, &laddr))
        return; /* built without libdw, or without -g */
    ck_assert(dbg_line_at(b.dbg, laddr, &file, &line));
    ck_assert_has(file, "test_debug_symbols.c");
    ck_assert_has(symbolize(laddr), "(test_debug_symbols.c:");
    ck_assert(!dbg_line_find(b.dbg, "debug_symbols.c", 1, &laddr)); /* only at a slash */
    ck_assert(!dbg_line_find(b.dbg, "test_debug_symbols.c", 1000000, &laddr));
    ck_assert(dbg_line_find(b.dbg, "unit/test_debug_symbols.c", 1, &laddr));
}
END_TEST

/* ---- Call stacks ---- */

static unsigned backtrace(struct dbg_frame *frame, unsigned max) { return dbg_backtrace(b.dbg, b.s.cpu, frame, max); }

/* Frames as `push ebp; mov ebp, esp` makes them. */
static uint32_t push_frame(uint32_t at, uint32_t old_bp, uint32_t back)
{
    sys_poke(&b.s, at, old_bp, 4);
    sys_poke(&b.s, at + 4, back, 4);
    return at;
}

START_TEST(frame_pointers_are_followed)
{
    struct dbg_frame frame[8];
    uint32_t bp = push_frame(AT_STACK0 - 0x20, 0, AT_CODE + 0x300);

    bp = push_frame(AT_STACK0 - 0x40, bp, AT_CODE + 0x200);
    b.s.cpu->reg[CPU_BP] = push_frame(AT_STACK0 - 0x60, bp, AT_CODE + 0x100);
    b.s.cpu->reg[CPU_SP] = AT_STACK0 - 0x70;
    ck_assert_uint_eq(backtrace(frame, 8), 4);
    ck_assert_uint_eq(frame[0].ip, AT_CODE);
    ck_assert_uint_eq(frame[1].ip, AT_CODE + 0x100);
    ck_assert_uint_eq(frame[2].ip, AT_CODE + 0x200);
    ck_assert_uint_eq(frame[3].ip, AT_CODE + 0x300);
    ck_assert_uint_eq(frame[1].sp, AT_STACK0 - 0x58);
    ck_assert_uint_eq(backtrace(frame, 2), 2);
}
END_TEST

/* The caller is not lost before the frame stands, nor when it has been taken down. */
static const struct { const char *code; unsigned len, off; } edges[] = { { "\x55\x89\xe5", 3, 0 }, { "\x89\xe5", 2, 4 }, { "\x8b\xec", 2, 4 }, { "\xc3", 1, 0 },
                                                                         { "\xf3\x0f\x1e\xfb\x55", 5, 0 } };

START_TEST(the_edges_of_a_function_are_known)
{
    struct dbg_frame frame[8];

    sys_code(&b.s, edges[_i].code, edges[_i].len);
    b.s.cpu->reg[CPU_BP] = push_frame(AT_STACK0 - 0x20, 0, AT_CODE + 0x200);
    b.s.cpu->reg[CPU_SP] = AT_STACK0 - 0x70;
    sys_poke(&b.s, AT_STACK0 - 0x70 + edges[_i].off, AT_CODE + 0x100, 4);
    ck_assert_uint_eq(backtrace(frame, 8), 3);
    ck_assert_uint_eq(frame[1].ip, AT_CODE + 0x100);
    ck_assert_uint_eq(frame[2].ip, AT_CODE + 0x200);
}
END_TEST

START_TEST(hostile_stacks_end)
{
    struct dbg_frame frame[64];
    struct cpu *cpu = b.s.cpu;

    cpu->reg[CPU_SP] = AT_STACK0;
    cpu->reg[CPU_BP] = push_frame(AT_STACK0, AT_STACK0, AT_CODE + 4); /* points at itself */
    ck_assert_uint_eq(backtrace(frame, 64), 2);
    push_frame(AT_STACK0, AT_STACK0 - 0x100, AT_CODE + 4); /* goes down */
    ck_assert_uint_eq(backtrace(frame, 64), 2);
    cpu->reg[CPU_BP] = 0;
    ck_assert_uint_eq(backtrace(frame, 64), 1);
    cpu->reg[CPU_BP] = 0xfffffffc;
    ck_assert_uint_eq(backtrace(frame, 64), 1);
    cpu->reg[CPU_SP] = cpu->reg[CPU_BP] = 0xfffffff8;
    ck_assert_uint_le(backtrace(frame, 64), 2);
    for (unsigned n = 0; n < 0x1000; n += 8) /* a long one is cut */
        push_frame(AT_STACK0 + n, AT_STACK0 + n + 8, AT_CODE + 4);
    cpu->reg[CPU_SP] = cpu->reg[CPU_BP] = AT_STACK0;
    ck_assert_uint_eq(backtrace(frame, 64), 64);
    sys_paging(&b.s);
    cpu->ip = 0x80000000;
    cpu->reg[CPU_SP] = cpu->reg[CPU_BP] = 0x90000000;
    ck_assert_uint_eq(backtrace(frame, 64), 1);
    ck_assert_uint_eq(backtrace(frame, 0), 0);
}
END_TEST

START_TEST(sixteen_bit_stacks_are_read_in_words)
{
    struct dbg_frame frame[4];

    sys_real(&b.s);
    b.s.cpu->reg[CPU_SP] = 0xeff0;
    b.s.cpu->reg[CPU_BP] = 0xeff4;
    sys_poke(&b.s, 0x30000 + 0xeff4, 0x02340000, 4); /* old BP 0, return to 234 */
    ck_assert_uint_eq(backtrace(frame, 4), 2);
    ck_assert_uint_eq(frame[1].ip, 0x234);
}
END_TEST

#ifdef HAVE_LIBDW
/* A CIE as gcc writes it for i386 (CFA = ESP + 4, return address at CFA - 4), and an FDE for `size` bytes at `start`, where after two bytes the
 * CFA is ESP + 24. DWARF, "Call frame information". */
static size_t make_frames(uint8_t *out, uint32_t at, uint32_t start, uint32_t size)
{
    static const uint8_t cie[] = { 20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x7c, 8, 1, 0x1b, 0x0c, 4, 4, 0x88, 1, 0, 0 };
    static const uint8_t fde[] = { 20, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0x0e, 24, 0, 0, 0, 0, 0, 0, 0, 0 };
    uint32_t relative = start - (at + sizeof(cie) + 8);

    memcpy(out, cie, sizeof(cie));
    memcpy(out + sizeof(cie), fde, sizeof(fde));
    memcpy(out + sizeof(cie) + 8, &relative, 4);
    memcpy(out + sizeof(cie) + 12, &size, 4);
    return sizeof(cie) + sizeof(fde);
}

START_TEST(call_frame_information_goes_before_frame_pointers)
{
    static const struct elf_symbol symbols[] = { { "leaf", AT_CODE, 0x40, STT_FUNC, 1 }, { "caller", AT_CODE + 0x100, 0x40, STT_FUNC, 1 } };
    struct dbg_frame frame[4];
    uint8_t frames[64], *file;
    size_t len = make_frames(frames, AT_CODE + 0x2000, AT_CODE, 0x40);

    len = elf_make(symbols, 2, AT_CODE, AT_CODE, 0x2000, frames, len, &file);
    ck_assert_int_eq(dbg_symbols_load_memory(b.dbg, "frames", file, len, 0), SIM_OK);
    free(file);
    b.s.cpu->ip = AT_CODE + 8;
    b.s.cpu->reg[CPU_BP] = 0x12345678; /* used for something else */
    b.s.cpu->reg[CPU_SP] = AT_STACK0 - 0x40;
    sys_poke(&b.s, AT_STACK0 - 0x40 + 20, AT_CODE + 0x108, 4);
    ck_assert_uint_eq(backtrace(frame, 4), 2);
    ck_assert_uint_eq(frame[1].ip, AT_CODE + 0x108);
    ck_assert_uint_eq(frame[1].sp, AT_STACK0 - 0x40 + 24);
    b.s.cpu->ip = AT_CODE; /* before the frame is made */
    sys_poke(&b.s, AT_STACK0 - 0x40, AT_CODE + 0x10c, 4);
    ck_assert_uint_eq(backtrace(frame, 4), 2);
    ck_assert_uint_eq(frame[1].ip, AT_CODE + 0x10c);
}
END_TEST
#endif

/* ---- Disassembly ---- */

static const char *disassemble(uint64_t laddr, unsigned *len)
{
    static char text[160];

    *len = dbg_disassemble(b.dbg, b.s.cpu, laddr, text, sizeof(text));
    return text;
}

START_TEST(what_cannot_be_read_is_unmapped)
{
    unsigned len;

    sys_paging(&b.s);
    ck_assert_str_eq(disassemble(0x80000000, &len), "(unmapped)");
    ck_assert_uint_eq(len, 1);
}
END_TEST

#ifdef HAVE_ZYDIS
static const struct { const char *code; unsigned size; int mode; unsigned len; const char *text; } insns[] = {
    { "\x55", 1, 32, 1, "push ebp" }, { "\x89\xe5", 2, 32, 2, "mov ebp, esp" }, { "\xe8\xfb\x00\x00\x00", 5, 32, 5, "call 0x00010100 <callee>" },
    { "\xe9\xff\x00\x00\x00", 5, 32, 5, "jmp 0x00010104 <callee+0x4>" }, { "\xa1\x04\x00\x06\x00", 5, 32, 5, "mov eax, [0x00060004] <counter>" },
    { "\x0f\x0b", 2, 32, 2, "ud2" }, { "\xff\xff", 2, 32, 1, "(bad)" }, { "\x89\xe5", 2, 16, 2, "mov bp, sp" }, { "\xeb\xfe", 2, 16, 2, "jmp 0x0000" },
};

START_TEST(instructions_are_shown_in_intel_syntax_with_symbols)
{
    static const struct elf_symbol symbols[] = { { "callee", AT_CODE + 0x100, 16, STT_FUNC, 1 }, { "counter", AT_DATA + 4, 4, STT_OBJECT, 1 } };
    unsigned len;

    if (insns[_i].mode == 16)
        sys_real(&b.s);
    else
        bench_symbols(&b, symbols, 2);
    sys_code(&b.s, insns[_i].code, insns[_i].size);
    ck_assert_str_eq(disassemble(AT_CODE, &len), insns[_i].text);
    ck_assert_uint_eq(len, insns[_i].len);
}
END_TEST

#else
static const struct { const char *code; unsigned size; unsigned len; const char *text; } plain[] = {
    { "\x55", 1, 1, "push  55" }, { "\xe8\xfb\x00\x00\x00", 5, 5, "call  e8 fb 00 00 00" }, { "\xff\xff", 2, 1, "(bad)" },
};

START_TEST(instructions_are_shown_by_mnemonic_and_bytes)
{
    unsigned len;

    sys_code(&b.s, plain[_i].code, plain[_i].size);
    ck_assert_str_eq(disassemble(AT_CODE, &len), plain[_i].text);
    ck_assert_uint_eq(len, plain[_i].len);
}
END_TEST
#endif

START_TEST(an_instruction_that_ends_on_an_unmapped_page_is_bad)
{
    unsigned len;

    sys_paging(&b.s);
    sys_poke(&b.s, AT_PT + 4 * 0x11, 0, 4);
    sys_poke(&b.s, 0x10fff, 0xe8, 1);
    ck_assert_str_eq(disassemble(0x10fff, &len), "(bad)");
    ck_assert_uint_eq(len, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug symbols");
    TCase *t = tcase_create("symbols"), *c = tcase_create("code");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, an_address_belongs_to_the_nearest_symbol_that_reaches_it, 0, sizeof(places) / sizeof(places[0]));
    tcase_add_test(t, names_are_found_absolute_ones_too_and_undefined_ones_not);
    tcase_add_test(t, images_have_offsets_and_do_not_disturb_each_other);
    tcase_add_test(t, a_kernel_is_known_at_its_load_address_too);
    tcase_add_test(t, what_is_no_elf_file_is_refused);
    tcase_add_loop_test(t, damaged_files_do_no_harm, 0, 20);
    tcase_add_test(t, lines_of_a_real_program_are_found);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, frame_pointers_are_followed);
    tcase_add_loop_test(c, the_edges_of_a_function_are_known, 0, sizeof(edges) / sizeof(edges[0]));
    tcase_add_test(c, hostile_stacks_end);
    tcase_add_test(c, sixteen_bit_stacks_are_read_in_words);
#ifdef HAVE_LIBDW
    tcase_add_test(c, call_frame_information_goes_before_frame_pointers);
#endif
    tcase_add_test(c, what_cannot_be_read_is_unmapped);
#ifdef HAVE_ZYDIS
    tcase_add_loop_test(c, instructions_are_shown_in_intel_syntax_with_symbols, 0, sizeof(insns) / sizeof(insns[0]));
#else
    tcase_add_loop_test(c, instructions_are_shown_by_mnemonic_and_bytes, 0, sizeof(plain) / sizeof(plain[0]));
#endif
    tcase_add_test(c, an_instruction_that_ends_on_an_unmapped_page_is_bad);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, c);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
