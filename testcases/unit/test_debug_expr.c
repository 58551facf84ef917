/* Expressions, and registers by name. */
#include "testcases/unit/debug_bench.h"

#include "cpu/flags.h"

static struct bench b;
static struct cpu *cpu;

static void setup(void)
{
    static const struct elf_symbol symbols[] = { { "start", AT_CODE, 16, STT_FUNC, 1 }, { "counter", AT_DATA, 4, STT_OBJECT, 2 },
                                                 { "eax", 0x1234, 0, STT_NOTYPE, SHN_ABS } };

    bench_open(&b);
    bench_symbols(&b, symbols, 3);
    cpu = b.s.cpu;
    sys_protected(&b.s, 0);
    sys_poke(&b.s, AT_DATA, 0x8877665544332211, 8);
}

static void teardown(void) { bench_close(&b); }

/* ---- Expressions ---- */

static const struct { const char *text; uint64_t value; } good[] = {
    { "1", 1 }, { "0x1F", 31 }, { "0xffffffffffffffff", UINT64_MAX }, { " ( 2 ) ", 2 },
    { "1+2*3", 7 }, { "(1+2)*3", 9 }, { "7-2-1", 4 }, { "100/7%4", 2 }, { "1<<4|1", 17 }, { "1|2&3^1", 3 }, { "6&3==3", 0 },
    { "1<2", 1 }, { "2<=1", 0 }, { "3>2==1", 1 }, { "1!=1", 0 }, { "!5", 0 }, { "!!5", 1 }, { "~0", UINT64_MAX }, { "-1", UINT64_MAX }, { "-1+1", 0 },
    { "0||3", 1 }, { "2&&0", 0 }, { "1||1/0", 1 }, { "0&&*0xfffffff0", 0 }, { "1<<64", 0 }, { "1<<63>>63", 1 },
    { "start", AT_CODE }, { "counter+4", AT_DATA + 4 }, { "$eax", 0x01010101 }, { "eax", 0x1234 }, { "ebx", 0x04040404 }, { "$cs.base", 0 },
    { "$CR0&1", 1 }, { "*counter", 0x44332211 }, { "b[counter]", 0x11 }, { "w[counter+2]", 0x4433 }, { "d[counter]", 0x44332211 },
    { "q[counter]", 0x8877665544332211 }, { "pb[0x60000]", 0x11 }, { "pd[counter]", 0x44332211 }, { "pq[counter]", 0x8877665544332211 },
    { "*counter==0x44332211 && $cs==8", 1 }, { "- - 2", 2 }, { "+3", 3 }, { "b[b[counter]+0x60000-0x11]", 0x11 }, { "$msr:0x1b>>12", 0xfee00 },
    { "*$esp-4 == 0xfffffffffffffffc", 1 },
};

START_TEST(an_expression_has_the_value_that_c_gives_it)
{
    uint64_t v = 0;

    ck_assert_msg(dbg_eval(b.dbg, cpu, good[_i].text, &v) == SIM_OK, "%s: %s", good[_i].text, sim_last_error());
    ck_assert_msg(v == good[_i].value, "%s is 0x%llx", good[_i].text, (unsigned long long)v);
}
END_TEST

static const struct { const char *text; enum sim_err err; const char *says; } bad[] = {
    { "", SIM_ERR_USAGE, "column 1" }, { "1+", SIM_ERR_USAGE, "column 3: it ends too early" }, { "(1", SIM_ERR_USAGE, "')' is missing" },
    { "b[1", SIM_ERR_USAGE, "']' is missing" }, { "1 2", SIM_ERR_USAGE, "column 3: an operator" }, { "1/0", SIM_ERR_USAGE, "division by zero" },
    { "5%(2-2)", SIM_ERR_USAGE, "division by zero" }, { "0x", SIM_ERR_USAGE, "a number is expected" }, { "12ab", SIM_ERR_USAGE, "not a digit" },
    { "0x10000000000000000", SIM_ERR_USAGE, "64 bits" }, { "nobody", SIM_ERR_UNKNOWN, "column 1: symbol or register 'nobody'" },
    { "1+$nobody", SIM_ERR_UNKNOWN, "column 3: register 'nobody'" }, { "$start", SIM_ERR_UNKNOWN, "start" },
    { "pd[0x10000000]", SIM_ERR_FAULT, "nothing answers" }, { "$msr:0x9999", SIM_ERR_UNKNOWN, "msr:0x9999" }, { "1 ? 2", SIM_ERR_USAGE, "column 3" },
};

START_TEST(a_wrong_expression_is_refused_with_the_place)
{
    uint64_t v = 77;

    ck_assert_int_eq(dbg_eval(b.dbg, cpu, bad[_i].text, &v), bad[_i].err);
    ck_assert_has(sim_last_error(), bad[_i].says);
    ck_assert_uint_eq(v, 77);
}
END_TEST

START_TEST(memory_that_is_not_mapped_is_a_fault)
{
    uint64_t v;

    sys_paging(&b.s);
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, "1 + *0x80000000", &v), SIM_ERR_FAULT);
    ck_assert_has(sim_last_error(), "column 5: 0x80000000 is not mapped");
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, "*0x3ffffe", &v), SIM_ERR_FAULT); /* half of it */
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, "*counter", &v), SIM_OK);
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[4096];
    uint64_t v;

    memset(text, '(', sizeof(text));
    text[sizeof(text) - 1] = 0;
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, text, &v), SIM_ERR_USAGE);
    memset(text, '!', sizeof(text) - 1);
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, text, &v), SIM_ERR_USAGE);
    memset(text, 'a', sizeof(text) - 1);
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, text, &v), SIM_ERR_UNKNOWN);
    for (unsigned n = 0; n < sizeof(text) - 1; n++)
        text[n] = n % 2 ? '+' : '1';
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, text, &v), SIM_OK); /* long, but not deep */
}
END_TEST

START_TEST(any_bytes_are_an_expression_or_an_error)
{
    static const char alphabet[] = "0x19af$()[]+-*/%<>=!&|^~ .bwdqpcounter_eax";
    uint32_t seed = 1;
    char text[40];
    uint64_t v;

    for (unsigned n = 0; n < 20000; n++) {
        unsigned len = n % (sizeof(text) - 1);

        for (unsigned i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        text[len] = 0;
        dbg_eval(b.dbg, cpu, text, &v);
    }
}
END_TEST

/* ---- Registers ---- */

START_TEST(every_register_reads_and_writes_back_what_it_read)
{
    unsigned n;

    for (n = 0; dbg_reg_name(n); n++) {
        const char *name = dbg_reg_name(n);
        bool read_only = strcmp(name, "cpl") == 0 || strcmp(name, "pc") == 0 || strncmp(name, "pdpte", 5) == 0 || strcmp(name, "xcr0") == 0 || strcmp(name, "smm") == 0 ||
                         strcmp(name, "steps") == 0 || strcmp(name, "cycle") == 0;
        uint8_t before[32], after[32];
        size_t len, again;

        ck_assert_msg(dbg_reg_get(cpu, name, before, sizeof(before), &len) == SIM_OK, "%s", sim_last_error());
        ck_assert_msg(dbg_reg_set(cpu, name, before, len) == (read_only ? SIM_ERR_USAGE : SIM_OK), "%s: %s", name, sim_last_error());
        ck_assert_int_eq(dbg_reg_get(cpu, name, after, sizeof(after), &again), SIM_OK);
        ck_assert_msg(len == again && memcmp(before, after, len) == 0, "%s", name);
    }
    ck_assert_uint_gt(n, 200);
}
END_TEST

static const struct { const char *name; uint64_t value, eax; } parts[] = {
    { "eax", 0x11223344, 0x11223344 }, { "ax", 0x5566, 0x01015566 }, { "al", 0x77, 0x01010177 }, { "ah", 0x88, 0x01018801 },
    { "eax", UINT64_MAX, 0xffffffff }, { "al", UINT64_MAX, 0x010101ff }, { "EAX", 5, 5 },
};

START_TEST(a_part_of_a_register_is_written_alone)
{
    uint64_t v;

    ck_assert_int_eq(dbg_reg_write(cpu, parts[_i].name, parts[_i].value), SIM_OK);
    ck_assert_uint_eq(cpu->reg[CPU_AX], parts[_i].eax);
    ck_assert_int_eq(dbg_reg_read(cpu, "eax", &v), SIM_OK);
    ck_assert_uint_eq(v, parts[_i].eax);
}
END_TEST

/* What no processor could have come to. */
static const struct { const char *name; uint64_t value; const char *says; } refused[] = {
    { "eax", 0x100000000, "does not fit into 32 bits" }, { "al", 0x100, "8 bits" }, { "eflags", 1 << 15, "do not exist" },
    { "eflags", EFL_VM | 2, "VM cannot be changed" }, { "cr0", CR0_PG, "needs protected mode" }, { "cr0", CR0_PE | CR0_NW, "NW needs CD" },
    { "cr0", CR0_PE | 1 << 12, "do not exist" }, { "cr4", CR4_VMXE, "does not have bits 0x2000" }, { "efer", 1u << 12, "missing" },
    { "cpl", 3, "follows from CS and SS" }, { "pc", 0, "write eip" }, { "steps", 0, "only be read" }, { "cs", 0, "null selector" },
    { "cs", DATA0, "no code segment" }, { "cs", CODE3 | 3, "RPL is not the CPL" }, { "cs", CODE3, "DPL does not fit" }, { "cs", OUTSIDE, "limit of the GDT" },
    { "ss", 0, "null selector" }, { "ss", DATA_RO, "no writable data segment" }, { "ss", DATA3 | 3, "must equal the CPL" }, { "ds", CODE_XO, "execute-only" },
    { "ds", DATA_NP, "not present" }, { "ds", TSS32, "system descriptor" }, { "ds", 0x44, "limit of the LDT" }, { "ldtr", DATA0, "no LDT" },
    { "tr", LDT, "no TSS" }, { "tr", 0x2c, "must stand in the GDT" }, { "cs.attr", 0xc093, "must be a code segment" }, { "ss.attr", 0xc0f3, "DPL 0" },
    { "ds.attr", 0xc083, "bit 4 (S)" }, { "ds.limit", 0x12345678, "does not go with G=1" }, { "cs.attr", 0x10000, "always usable" }, { "ds.attr", 0xc193, "do not exist" }, { "ds.attr", 0x3c093, "17 bits" },
    { "ds.attr", 0xe093, "long mode" }, { "gdtr.limit", 0x10000, "16 bits" }, { "msr:0x1b", 0x7, "APIC" }, { "msr:0xfe", 0, "only be read" },
    { "msr:0x277", 0x02, "reserved bit" }, { "fcw", 0xa37f, "bits 0xa000 do not exist" }, { "fcw", 0x33f, "bit 6" }, { "fsw", 0x80, "must both be 0" },
    { "fsw", 0x8000, "must both be 0" }, { "fsw", 1, "must both be 1" }, { "fop", 0x800, "11 bits" }, { "fip", 0x100000000, "32 bits" },
    { "fdp", 0x100000000, "32 bits" }, { "mxcsr", 0x10000, "bits 0x10000 do not exist" }, { "xmm0", 0, "xmm0.q0" }, { "st7", 0, "info registers st7" },
};

START_TEST(a_write_that_breaks_an_invariant_is_refused)
{
    struct sim_buf before = SIM_BUF_INIT, after = SIM_BUF_INIT;

    sim_fields_pack(cpu_fields, cpu, &before);
    ck_assert_msg(dbg_reg_write(cpu, refused[_i].name, refused[_i].value) == SIM_ERR_USAGE, "%s = 0x%llx", refused[_i].name,
                  (unsigned long long)refused[_i].value);
    ck_assert_has(sim_last_error(), refused[_i].says);
    sim_fields_pack(cpu_fields, cpu, &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
    sim_buf_fini(&before);
    sim_buf_fini(&after);
}
END_TEST

START_TEST(st_is_a_place_on_the_stack)
{
    static const uint8_t pi[10] = { 0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40 };
    uint8_t out[32];
    uint64_t v;
    size_t len;

    cpu->fpu.cw = FPU_CW_INIT;
    cpu->fpu.sw = 6 << FPU_TOP_SHIFT;
    cpu->fpu.valid = 0x40;
    ck_assert_int_eq(dbg_reg_set(cpu, "st1", pi, 10), SIM_OK);
    ck_assert_uint_eq(cpu->fpu.r[7].mant, 0xc90fdaa22168c235);
    ck_assert_uint_eq(cpu->fpu.r[7].se, 0x4000);
    ck_assert_uint_eq(cpu->fpu.valid, 0x40); /* it stays empty */
    ck_assert_int_eq(dbg_reg_get(cpu, "ST1", out, 10, &len), SIM_OK);
    ck_assert_uint_eq(len, 10);
    ck_assert_mem_eq(out, pi, 10);
    ck_assert_int_eq(dbg_reg_read(cpu, "mm7", &v), SIM_OK); /* the physical one */
    ck_assert_uint_eq(v, 0xc90fdaa22168c235);
    ck_assert_int_eq(dbg_reg_write(cpu, "ftw", 0), SIM_OK);
    ck_assert_uint_eq(cpu->fpu.valid, 0xff);
    ck_assert_int_eq(dbg_reg_read(cpu, "ftw", &v), SIM_OK);
    ck_assert_uint_eq(v, 0x1555); /* R7 is valid, the others are zero */
    ck_assert_int_eq(dbg_reg_get(cpu, "st1", out, 9, &len), SIM_ERR_USAGE);
    ck_assert_has(sim_last_error(), "room for 9");
    ck_assert_int_eq(dbg_reg_set(cpu, "st1", pi, 8), SIM_ERR_USAGE);
}
END_TEST

START_TEST(an_exception_is_pending_when_flag_and_mask_say_so)
{
    cpu->fpu.cw = FPU_CW_INIT;
    ck_assert_int_eq(dbg_reg_write(cpu, "fsw", FP_ZE), SIM_OK);
    ck_assert(!(cpu->fpu.sw & FPU_SW_ES));
    ck_assert_int_eq(dbg_reg_write(cpu, "fcw", FPU_CW_INIT & ~FP_ZE), SIM_OK);
    ck_assert_uint_eq(cpu->fpu.sw, FPU_SW_ES | FPU_SW_B | FP_ZE);
    ck_assert_int_eq(dbg_reg_write(cpu, "fsw", 0), SIM_OK);
    ck_assert_uint_eq(cpu->fpu.sw, 0);
}
END_TEST

START_TEST(a_vector_register_is_seen_whole_and_in_parts)
{
    uint8_t bytes[32], out[32];
    uint64_t v;
    size_t len;

    for (unsigned n = 0; n < 32; n++)
        bytes[n] = (uint8_t)(n + 1);
    ck_assert_int_eq(dbg_reg_set(cpu, "ymm15", bytes, 32), SIM_OK);
    ck_assert_mem_eq(cpu->vector[15].b, bytes, 32);
    ck_assert_int_eq(dbg_reg_set(cpu, "xmm15", bytes + 16, 16), SIM_OK);
    ck_assert_mem_eq(cpu->vector[15].b + 16, bytes + 16, 16); /* the upper half stays */
    ck_assert_int_eq(dbg_reg_get(cpu, "ymm15", out, sizeof(out), &len), SIM_OK);
    ck_assert_uint_eq(len, 32);
    ck_assert_mem_eq(out, bytes + 16, 16);
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, "$ymm15.q3 == 0x201f1e1d1c1b1a19 && $xmm15.q0 == $ymm15.q2", &v), SIM_OK);
    ck_assert_uint_eq(v, 1);
    ck_assert_int_eq(dbg_reg_write(cpu, "ymm15.q3", 5), SIM_OK);
    ck_assert_uint_eq(cpu->vector[15].q[3], 5);
    ck_assert_int_eq(dbg_eval(b.dbg, cpu, "1 + $ymm15", &v), SIM_ERR_USAGE);
    ck_assert_has(sim_last_error(), "more than 64 bits");
}
END_TEST

static const struct { const char *model, *name, *there; } lacking[] = {
    { "486", "mm0", "st0" }, { "486", "xmm0", "fcw" }, { "pentium3", "ymm0", "xmm0" }, { "pentium", "mxcsr", "st7" }, { "pentium3", "ymm1.q0", "xmm1.q0" },
    { "nehalem", "ymm0", "mxcsr" }, { "haswell", "pkru", "ymm15" },
};

START_TEST(a_model_has_the_registers_of_its_instruction_sets)
{
    uint8_t out[32];
    struct sys s;
    size_t len;

    sys_open(&s, lacking[_i].model, 1);
    ck_assert_int_eq(dbg_reg_get(s.cpu, lacking[_i].name, out, sizeof(out), &len), SIM_ERR_UNKNOWN);
    ck_assert_has(sim_last_error(), lacking[_i].model);
    ck_assert_int_eq(dbg_reg_get(s.cpu, lacking[_i].there, out, sizeof(out), &len), SIM_OK);
    sys_close(&s);
}
END_TEST

START_TEST(unknown_registers_are_named)
{
    uint64_t v;

    ck_assert_int_eq(dbg_reg_read(cpu, "r16", &v), SIM_ERR_UNKNOWN);
    ck_assert_has(sim_last_error(), "'r16'");
    ck_assert_int_eq(dbg_reg_write(cpu, "cs.what", 1), SIM_ERR_UNKNOWN);
    ck_assert_int_eq(dbg_reg_read(cpu, "msr:what", &v), SIM_ERR_UNKNOWN);
    ck_assert_int_eq(dbg_reg_read(cpu, "msr:0x123456789", &v), SIM_ERR_UNKNOWN);
    ck_assert_int_eq(dbg_reg_write(cpu, "msr:-1", 0), SIM_ERR_UNKNOWN);
}
END_TEST

START_TEST(a_selector_in_protected_mode_loads_its_descriptor)
{
    ck_assert_int_eq(dbg_reg_write(cpu, "ds", DATA1), SIM_OK);
    ck_assert_uint_eq(cpu->seg[CPU_DS].attr & ~1u, SEG_G | SEG_DB | SEG_P | SEG_S | 1 << 5 | 2);
    ck_assert_int_eq(dbg_reg_write(cpu, "es", 0), SIM_OK);
    ck_assert(cpu->seg[CPU_ES].attr & SEG_UNUSABLE);
    ck_assert_int_eq(dbg_reg_write(cpu, "cs", CODE16), SIM_OK);
    ck_assert(!(cpu->mode & MODE_D));
    ck_assert_uint_eq(cpu->seg[CPU_CS].limit, 0xffff);
    ck_assert_int_eq(dbg_reg_write(cpu, "ldtr", LDT), SIM_OK);
    ck_assert_int_eq(dbg_reg_write(cpu, "tr", TSS32), SIM_OK);
}
END_TEST

START_TEST(a_selector_in_real_mode_is_a_base)
{
    sys_real(&b.s);
    ck_assert_int_eq(dbg_reg_write(cpu, "ds", 0xb800), SIM_OK);
    ck_assert_uint_eq(cpu->seg[CPU_DS].base, 0xb8000);
    ck_assert_int_eq(dbg_reg_write(cpu, "ss", 0), SIM_OK);
    ck_assert_uint_eq(cpu->seg[CPU_SS].base, 0);
    sys_vm86(&b.s, 3);
    ck_assert_int_eq(dbg_reg_write(cpu, "fs", 0x1234), SIM_OK);
    ck_assert_uint_eq(cpu->seg[CPU_FS].base, 0x12340);
    ck_assert_int_eq(dbg_reg_write(cpu, "fs.base", 0), SIM_ERR_USAGE);
}
END_TEST

/* The processor goes by what was written: the next instruction, the rights, the translations. */
START_TEST(writes_take_effect_at_the_next_step)
{
    CODE(&b.s, "\x90\x90\xf4");
    sys_poke(&b.s, AT_CODE + 0x100, 0x40, 1); /* inc eax */
    ck_assert_int_eq(dbg_reg_write(cpu, "eip", AT_CODE + 0x100), SIM_OK);
    sys_run(&b.s, 1);
    ck_assert_uint_eq(cpu->reg[CPU_AX], 0x01010102);
    ck_assert_uint_eq(cpu->ip, AT_CODE + 0x101);

    sys_paging(&b.s);
    sys_poke(&b.s, AT_CODE + 0x101, 0x05a3, 2); /* mov [...], eax: fills the TLB */
    sys_poke(&b.s, AT_CODE + 0x101, 0xa3, 1);
    sys_poke(&b.s, AT_CODE + 0x102, AT_DATA, 4);
    sys_run(&b.s, 1);
    ck_assert_uint_eq(sys_peek(&b.s, AT_DATA, 4), 0x01010102);
    ck_assert_int_eq(dbg_reg_write(cpu, "cr3", 0x200000), SIM_OK); /* an empty directory */
    sys_run(&b.s, 1);
    ck_assert_uint_eq(cpu->history[0].vector, VEC_PF);
}
END_TEST

START_TEST(the_trap_flag_and_debug_registers_take_effect)
{
    CODE(&b.s, "\x90\x90\xa3\x00\x00\x06\x00\x90");
    ck_assert_int_eq(dbg_reg_write(cpu, "eflags", 2 | EFL_TF), SIM_OK);
    sys_run(&b.s, 2); /* the instruction, and its trap */
    ck_assert_uint_eq(cpu->history[0].vector, VEC_DB);
    ck_assert_uint_eq(cpu->history[0].cause, CPU_CAUSE_DB_STEP);

    sys_protected(&b.s, 0);
    sys_run(&b.s, 2);
    sys_protected(&b.s, 0);
    cpu->history_next = 0;
    ck_assert_int_eq(dbg_reg_write(cpu, "dr0", AT_DATA), SIM_OK);
    ck_assert_int_eq(dbg_reg_write(cpu, "dr7", 0xd0001), SIM_OK); /* writes of 4 bytes */
    ck_assert_uint_eq(cpu->dr[7], 0xd0401);
    sys_run(&b.s, 4);
    ck_assert_uint_eq(cpu->history[0].vector, VEC_DB);
    ck_assert_uint_eq(cpu->history[0].cause, CPU_CAUSE_DB_DATA);
}
END_TEST

START_TEST(the_time_stamp_counter_and_msrs_can_be_set)
{
    uint64_t v;

    ck_assert_int_eq(dbg_reg_write(cpu, "tsc", 1000), SIM_OK);
    ck_assert_int_eq(dbg_reg_read(cpu, "msr:0x10", &v), SIM_OK);
    ck_assert_uint_eq(v, 1000);
    ck_assert_int_eq(dbg_reg_write(cpu, "msr:0x10", 5000), SIM_OK);
    ck_assert_int_eq(dbg_reg_read(cpu, "tsc", &v), SIM_OK);
    ck_assert_uint_eq(v, 5000);
    ck_assert_int_eq(dbg_reg_write(cpu, "msr:0x277", 0x0606060606060606), SIM_OK);
    ck_assert_uint_eq(cpu->msr.pat, 0x0606060606060606);
    ck_assert(!cpu->fault.valid);
}
END_TEST

/* SDM Vol. 3A, "PDPTE registers": MOV CR3 loads all four, or none. */
START_TEST(pae_page_directory_pointers_are_loaded_with_cr3)
{
    sys_poke(&b.s, 0x9000, 0x200001, 8);
    sys_poke(&b.s, 0xa000, 0x200003, 8); /* bit 1 is reserved */
    ck_assert_int_eq(dbg_reg_write(cpu, "cr3", 0x9000), SIM_OK);
    ck_assert_int_eq(dbg_reg_write(cpu, "cr4", CR4_PAE), SIM_OK);
    ck_assert_int_eq(dbg_reg_write(cpu, "cr0", CR0_PE | CR0_PG), SIM_OK);
    ck_assert_uint_eq(cpu->pdpte[0], 0x200001);
    ck_assert_int_eq(dbg_reg_write(cpu, "cr3", 0xa000), SIM_ERR_USAGE);
    ck_assert_has(sim_last_error(), "PDPTE 0 at physical 0xa000 is 0x0000000000200003");
    ck_assert_uint_eq(cpu->cr3, 0x9000);
    ck_assert_uint_eq(cpu->pdpte[0], 0x200001);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug expressions");
    TCase *t = tcase_create("expressions"), *r = tcase_create("registers");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, an_expression_has_the_value_that_c_gives_it, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(t, a_wrong_expression_is_refused_with_the_place, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, memory_that_is_not_mapped_is_a_fault);
    tcase_add_test(t, depth_is_bounded);
    tcase_add_test(t, any_bytes_are_an_expression_or_an_error);
    tcase_add_checked_fixture(r, setup, teardown);
    tcase_add_test(r, every_register_reads_and_writes_back_what_it_read);
    tcase_add_loop_test(r, a_part_of_a_register_is_written_alone, 0, sizeof(parts) / sizeof(parts[0]));
    tcase_add_loop_test(r, a_write_that_breaks_an_invariant_is_refused, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(r, unknown_registers_are_named);
    tcase_add_test(t, st_is_a_place_on_the_stack);
    tcase_add_test(t, an_exception_is_pending_when_flag_and_mask_say_so);
    tcase_add_test(t, a_vector_register_is_seen_whole_and_in_parts);
    tcase_add_loop_test(t, a_model_has_the_registers_of_its_instruction_sets, 0, (int)(sizeof(lacking) / sizeof(lacking[0])));
    tcase_add_test(r, a_selector_in_protected_mode_loads_its_descriptor);
    tcase_add_test(r, a_selector_in_real_mode_is_a_base);
    tcase_add_test(r, writes_take_effect_at_the_next_step);
    tcase_add_test(r, the_trap_flag_and_debug_registers_take_effect);
    tcase_add_test(r, the_time_stamp_counter_and_msrs_can_be_set);
    tcase_add_test(r, pae_page_directory_pointers_are_loaded_with_cr3);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, r);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
