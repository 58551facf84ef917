/*
 * x87: what the host cannot show. Exceptions that are pending and who hears of them, FERR# and IGNNE#, images of the environment in all
 * formats, FXSAVE's area, faults of memory operands.
 */
#include "testcases/unit/system_bench.h"

#include "cpu/isa/isa.h"

static struct sys s;

static bool ferr;
static struct sim_wire_driver ignne;

static void ferr_changed(void *arg, bool level)
{
    (void)arg;
    ferr = level;
}

static void setup_model(const char *model)
{
    sys_open(&s, model, 1);
    ferr = false;
    ck_assert_int_eq(bus_wire_sink(s.bus, "ferr", ferr_changed, NULL), SIM_OK);
    ck_assert_int_eq(bus_wire_source(s.bus, &ignne, "ignne"), SIM_OK);
    sys_protected(&s, 0);
    s.cpu->cr0 |= CR0_NE | CR0_MP;
    cpu_mode_changed(s.cpu);
}
static void setup(void)
{
    setup_model("max");
}
static void teardown(void)
{
    sys_close(&s);
}

/* Runs `steps` steps of the code from a clean history. */
static void run(const char *code, size_t len, unsigned steps)
{
    sys_code(&s, code, len);
    s.cpu->history_next = 0;
    sys_run(&s, steps);
}
#define RUN(code, steps) run((code), sizeof(code) - 1, (steps))

static struct cpu_fpu *fpu(void)
{
    return &s.cpu->fpu;
}

static unsigned top(void)
{
    return fpu()->sw >> FPU_TOP_SHIFT & 7;
}

/* FNINIT's state, with these exceptions unmasked. */
static void fresh(unsigned unmasked)
{
    fpu_reset(s.cpu, true);
    fpu()->cw &= (uint16_t)~unmasked;
}

static const struct cpu_delivery *only_record(void)
{
    ck_assert_uint_eq(s.cpu->history_next, 1);
    return &s.cpu->history[0];
}

/* ---- Pending exceptions: SDM Vol. 1, "x87 FPU exception synchronization" ---- */

#define DIVIDE "\xd9\xe8\xd9\xee\xdc\xf9" /* fld1; fldz; fdiv st(1), st */

START_TEST(an_exception_waits_for_the_next_instruction_that_looks)
{
    fresh(FP_ZE);
    RUN(DIVIDE "\x90\xd9\xe8", 4); /* nop; fld1 */
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(fpu()->sw & (FPU_SW_ES | FPU_SW_B | FP_ALL), FPU_SW_ES | FPU_SW_B | FP_ZE);
    ck_assert_uint_eq(fpu()->r[7].se, 0x3fff); /* not written */
    sys_run(&s, 1);
    ck_assert_uint_eq(only_record()->vector, VEC_MF);
    ck_assert_int_eq(only_record()->cause, CPU_CAUSE_MF_ZE);
    ck_assert_uint_eq(only_record()->ip, AT_CODE + 7);
    ck_assert_uint_eq(fpu()->fip, AT_CODE + 4); /* of the division */
    ck_assert_uint_eq(fpu()->fop, 0x4f9);
    ck_assert_uint_eq(top(), 6);
    ck_assert(!ferr);
}
END_TEST

struct waiting_case {
    const char *code;
    unsigned len;
    bool waits;
};
#define B(text) text, sizeof(text) - 1
static const struct waiting_case waiting_cases[] = {
    { B("\x9b"), true },             /* fwait */
    { B("\xd9\xd0"), true },         /* fnop */
    { B("\xd9\x2d\x00\x00\x06\x00"), true }, /* fldcw */
    { B("\xd9\x25\x00\x00\x06\x00"), true }, /* fldenv */
    { B("\xdd\x25\x00\x00\x06\x00"), true }, /* frstor */
    { B("\xd9\x05\x00\x00\x06\x00"), true }, /* fld */
    { B("\xdd\xc0"), true },         /* ffree */
    { B("\xdb\xe3"), false },        /* fninit */
    { B("\xdb\xe2"), false },        /* fnclex */
    { B("\xdf\xe0"), false },        /* fnstsw ax */
    { B("\xdd\x3d\x00\x00\x06\x00"), false }, /* fnstsw */
    { B("\xd9\x3d\x00\x00\x06\x00"), false }, /* fnstcw */
    { B("\xd9\x35\x00\x00\x06\x00"), false }, /* fnstenv */
    { B("\xdd\x35\x00\x00\x06\x00"), false }, /* fnsave */
    { B("\xdb\xe0"), false },        /* feni */
    { B("\x0f\xae\x05\x00\x00\x06\x00"), false }, /* fxsave */
    { B("\x0f\xae\x0d\x00\x00\x06\x00"), false }, /* fxrstor */
};
#define WAITING_CASES (int)(sizeof(waiting_cases) / sizeof(waiting_cases[0]))

START_TEST(those_that_do_not_wait_see_the_exception_pending)
{
    const struct waiting_case *c = &waiting_cases[_i];

    fresh(FP_ZE);
    fpu()->sw = FPU_SW_ES | FPU_SW_B | FP_ZE;
    run(c->code, c->len, 1);
    if (!c->waits) {
        ck_assert_uint_eq(s.cpu->history_next, 0);
        ck_assert_uint_eq(s.cpu->ip, AT_CODE + c->len);
        return;
    }
    ck_assert_uint_eq(only_record()->vector, VEC_MF);
    ck_assert_uint_eq(only_record()->ip, AT_CODE);
}
END_TEST

/* SDM Vol. 3A, "Control registers", and "Interrupt 7", "Interrupt 16": #UD, #NM, #MF, then what memory says. */
START_TEST(device_not_available_comes_before_and_memory_after)
{
    static const struct { const char *code; unsigned len; uint64_t cr0; unsigned vector; } cases[] = {
        { B("\xd9\xe8"), CR0_TS, VEC_NM }, { B("\xd9\xe8"), CR0_EM, VEC_NM }, { B("\x9b"), CR0_TS, VEC_NM }, { B("\x9b"), CR0_EM, VEC_MF },
        { B("\xd9\x05\x00\x00\x00\x40"), 0, VEC_MF }, /* beyond what is mapped */ { B("\xdb\xe3"), CR0_TS, VEC_NM },
        { B("\xf0\xd9\xe8"), CR0_TS, VEC_UD }, { B("\xd9\xd1"), 0, VEC_UD },
        { B("\x0f\xae\x05\x00\x00\x06\x00"), CR0_TS, VEC_NM }, { B("\x0f\xae\x05\x00\x00\x06\x00"), CR0_EM, VEC_NM },
    };

    sys_paging(&s);
    s.cpu->cr0 |= cases[_i].cr0;
    cpu_mode_changed(s.cpu);
    fresh(FP_ZE);
    fpu()->sw = FPU_SW_ES | FPU_SW_B | FP_ZE;
    run(cases[_i].code, cases[_i].len, 1);
    ck_assert_uint_eq(sys_record(&s, 0)->vector, cases[_i].vector);
}
END_TEST

START_TEST(fldcw_that_unmasks_makes_an_old_exception_pending)
{
    fresh(0);
    sys_poke(&s, AT_DATA, 0x37b, 2);
    RUN(DIVIDE "\xd9\x2d\x00\x00\x06\x00\xd9\xe8", 4);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(fpu()->sw & (FPU_SW_ES | FPU_SW_B), FPU_SW_ES | FPU_SW_B);
    sys_run(&s, 1);
    ck_assert_uint_eq(only_record()->vector, VEC_MF);
}
END_TEST

/* ---- The PC's way: SDM Vol. 1, "MS-DOS compatibility sub-mode" ---- */

/* Stands in front of the FLD1 that hears of a division by zero, frozen. */
static void freeze(void)
{
    s.cpu->cr0 &= ~(uint64_t)CR0_NE;
    fresh(FP_ZE);
    s.cpu->steps = s.cpu->retired = 0;
    RUN(DIVIDE "\xd9\xe8\xdb\xe2\x90", 3); /* fld1; fnclex; nop */
    ck_assert(!ferr);
    ck_assert_int_eq(sys_run(&s, 5), CPU_EXIT_SLEEP);
    ck_assert(ferr);
    ck_assert_int_eq(s.cpu->activity, CPU_FROZEN);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 6);
    ck_assert_uint_eq(s.cpu->steps, 4); /* freezing is a step, and retires nothing */
    ck_assert_uint_eq(s.cpu->retired, 3);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert(!cpu_wakeable(s.cpu));
}

START_TEST(without_ne_the_processor_freezes_until_ignne)
{
    freeze();
    sim_wire_set(&ignne, true);
    ck_assert_int_eq(s.cpu->activity, CPU_ACTIVE);
    ck_assert_int_ne(sys_run(&s, 1), CPU_EXIT_SLEEP);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 8); /* FLD1 is done */
    ck_assert_uint_eq(top(), 5);
    ck_assert(ferr);
    sys_run(&s, 1);
    ck_assert(!ferr);
    ck_assert_uint_eq(fpu()->sw & (FPU_SW_ES | FPU_SW_B | FP_ALL), 0);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}
END_TEST

START_TEST(an_nmi_finds_the_frozen_processor_before_the_instruction)
{
    freeze();
    s.cpu->nmi_pending = true;
    cpu_attend(s.cpu);
    ck_assert(cpu_wakeable(s.cpu));
    sys_run(&s, 1);
    ck_assert_uint_eq(only_record()->vector, VEC_NMI);
    ck_assert_uint_eq(sys_stack(&s, 0), AT_CODE + 6);
    ck_assert_int_eq(s.cpu->activity, CPU_ACTIVE);
    ck_assert(ferr);
}
END_TEST

START_TEST(whatever_clears_the_exception_releases_ferr)
{
    static const struct { const char *code; unsigned len; bool released; } cases[] = {
        { B("\xdb\xe2"), true }, { B("\xdb\xe3"), true }, { B("\xdd\x35\x00\x00\x06\x00"), true }, { B("\xd9\x35\x00\x00\x06\x00"), true },
        { B("\x0f\xae\x0d\x00\x00\x06\x00"), true }, { B("\xdf\xe0"), false },
    };

    freeze();
    s.cpu->activity = CPU_ACTIVE;
    s.cpu->ip = AT_CODE;
    cpu_attend(s.cpu);
    run(cases[_i].code, cases[_i].len, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_int_eq(ferr, !cases[_i].released);
    ck_assert_int_eq(fpu()->ferr, !cases[_i].released);
}
END_TEST

/* From an image whose header says that the x87 is in its initial state. */
START_TEST(xrstor_of_an_initial_state_releases_ferr)
{
    isa_index_destroy(s.cluster->isa);
    ck_assert_int_eq(isa_index_create(UINT64_MAX, &s.cluster->isa), SIM_OK);
    freeze();
    s.cpu->activity = CPU_ACTIVE;
    s.cpu->ip = AT_CODE;
    s.cpu->cr4 = CR4_OSXSAVE | CR4_OSFXSR;
    s.cpu->reg[CPU_AX] = 1;
    s.cpu->reg[CPU_DX] = 0;
    cpu_mode_changed(s.cpu);
    cpu_attend(s.cpu);
    RUN("\x0f\xae\x2d\x00\x00\x06\x00", 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert(!ferr);
    ck_assert(!fpu()->ferr);
}
END_TEST

START_TEST(reset_releases_ferr_and_init_does_not)
{
    freeze();
    cpu_reset(s.cpu, true);
    ck_assert(ferr);
    ck_assert_uint_eq(fpu()->sw & FPU_SW_ES, FPU_SW_ES);
    cpu_reset(s.cpu, false);
    ck_assert(!ferr);
    ck_assert_uint_eq(fpu()->cw, 0x40);
    ck_assert_uint_eq(fpu_tag_word(fpu()), 0x5555);
}
END_TEST

/* ---- Stack faults ---- */

START_TEST(stack_overflow_pushes_the_indefinite_or_nothing)
{
    fresh(_i ? FP_IE : 0);
    fpu()->valid = 0xff;
    RUN("\xd9\xe8", 1);
    ck_assert_uint_eq(fpu()->sw & (FP_ALL | FPU_SW_SF | FPU_SW_C1), FP_IE | FPU_SW_SF | FPU_SW_C1);
    ck_assert_uint_eq(top(), _i ? 0 : 7);
    ck_assert_uint_eq(fpu()->r[7].se, _i ? 0 : 0xffff);
    ck_assert_uint_eq(fpu()->r[7].mant, _i ? 0 : 0xc000000000000000);
    ck_assert_int_eq(!!(fpu()->sw & FPU_SW_ES), _i);
}
END_TEST

START_TEST(a_store_of_an_empty_register_writes_the_indefinite_or_nothing)
{
    fresh(_i ? FP_IE : 0);
    sys_poke(&s, AT_DATA, 0x1234567812345678, 8);
    RUN("\xdd\x1d\x00\x00\x06\x00", 1); /* fstp qword */
    ck_assert_uint_eq(fpu()->sw & (FP_ALL | FPU_SW_SF | FPU_SW_C1), FP_IE | FPU_SW_SF);
    ck_assert_uint_eq(top(), _i ? 0 : 1);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 8), _i ? 0x1234567812345678 : FP64_INDEFINITE);
}
END_TEST

/* ---- The environment: SDM Vol. 1, "x87 FPU environment (state) image formats" ---- */

struct format_case {
    void (*mode)(void);
    const char *prefix;     /* before FNSTENV [..] */
    unsigned size, at;      /* items' bytes; linear address of the image */
    uint32_t ip, cs, operand, ds; /* as they are stored */
};

/* An instruction at 123450h+6789h, its operand at 65432h+1000h. */
static void set_pointers(void)
{
    fresh(0);
    fpu()->fcs = 0x2345;
    fpu()->fip = 0x6789;
    fpu()->fds = 0x6543;
    fpu()->fdp = 0x1002;
    fpu()->fop = 0x5a6;
}
static void in_protected(void) { sys_protected(&s, 0); }
static void in_real(void)      { sys_real(&s); }
static void in_vm86(void)      { sys_vm86(&s, 0); }

/* FNSTENV [0] with DS = 6000h, or [60000h]. */
static const struct format_case formats[] = {
    { in_protected, "", 4, AT_DATA, 0x6789, 0x05a62345, 0x1002, 0xffff6543 },
    { in_protected, "\x66", 2, AT_DATA, 0x6789, 0x2345, 0x1002, 0x6543 },
    { in_real, "", 2, AT_DATA, 0x9bd9, 0x25a6, 0x6432, 0x6000 }, /* 23450 + 6789 = 29BD9; 65430 + 1002 = 66432 */
    { in_real, "\x66", 4, AT_DATA, 0xffff9bd9, 0x000025a6, 0xffff6432, 0x00006000 },
    { in_vm86, "", 2, AT_DATA, 0x9bd9, 0x25a6, 0x6432, 0x6000 },
    { in_vm86, "\x66", 4, AT_DATA, 0xffff9bd9, 0x000025a6, 0xffff6432, 0x00006000 },
};
#define FORMATS (int)(sizeof(formats) / sizeof(formats[0]))

static void run_on_data(const struct format_case *c, uint8_t opcode, unsigned reg)
{
    char code[16];
    size_t len = strlen(c->prefix);
    bool flat = c->mode == in_protected;

    memcpy(code, c->prefix, len);
    code[len++] = (char)opcode;
    code[len++] = (char)(reg << 3 | (flat ? 5 : 6));
    memset(code + len, 0, 4);
    code[len + 2] = flat ? 6 : 0;
    len += flat ? 4 : 2;
    c->mode();
    run(code, len, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}

START_TEST(the_environment_has_a_format_for_each_mode_and_size)
{
    const struct format_case *c = &formats[_i];
    uint32_t fill = c->size == 4 ? 0xffff0000 : 0;

    c->mode();
    set_pointers();
    fpu()->sw = 0x3800;
    fpu()->valid = 0x81;
    fpu()->r[0] = (fp80){ 1ull << 63, 0x3fff };
    fpu()->r[7] = (fp80){ 0, 0 };
    sys_poke(&s, AT_DATA + 7 * c->size, 0xa5a5a5a5, 4);
    run_on_data(c, 0xd9, 6);
    ck_assert_uint_eq(sys_peek(&s, c->at, c->size), fill | 0x37f);
    ck_assert_uint_eq(sys_peek(&s, c->at + c->size, c->size), fill | 0x3800);
    ck_assert_uint_eq(sys_peek(&s, c->at + 2 * c->size, c->size), fill | 0x7ffc);
    ck_assert_uint_eq(sys_peek(&s, c->at + 3 * c->size, c->size), c->ip);
    ck_assert_uint_eq(sys_peek(&s, c->at + 4 * c->size, c->size), c->cs);
    ck_assert_uint_eq(sys_peek(&s, c->at + 5 * c->size, c->size), c->operand);
    ck_assert_uint_eq(sys_peek(&s, c->at + 6 * c->size, c->size), c->ds);
    ck_assert_uint_eq(sys_peek(&s, c->at + 7 * c->size, 4), 0xa5a5a5a5);
    /* And back: what is stored then is the same. */
    fresh(0);
    run_on_data(c, 0xd9, 4);
    sys_poke(&s, AT_DATA, 0, 8);
    sys_poke(&s, AT_DATA + 8, 0, 8);
    run_on_data(c, 0xd9, 6);
    ck_assert_uint_eq(sys_peek(&s, c->at + 2 * c->size, c->size), fill | 0x7ffc);
    ck_assert_uint_eq(sys_peek(&s, c->at + 3 * c->size, c->size), c->ip);
    ck_assert_uint_eq(sys_peek(&s, c->at + 4 * c->size, c->size), c->cs);
    ck_assert_uint_eq(sys_peek(&s, c->at + 5 * c->size, c->size), c->operand);
    ck_assert_uint_eq(sys_peek(&s, c->at + 6 * c->size, c->size), c->ds);
}
END_TEST

/* Registers follow from ST(0) on, ten bytes each; FNSAVE initialises, FRSTOR brings all back. */
START_TEST(fnsave_and_frstor_carry_the_registers)
{
    const struct format_case *c = &formats[_i];
    struct cpu_fpu before;

    c->mode();
    fresh(0);
    fpu()->sw = 5 << FPU_TOP_SHIFT;
    fpu()->valid = 0x5a;
    for (unsigned n = 0; n < 8; n++)
        fpu()->r[n] = (fp80){ 0x8000000000000000 | n, (uint16_t)(0x3fff + n) };
    before = *fpu();
    run_on_data(c, 0xdd, 6);
    for (unsigned n = 0; n < 8; n++) {
        ck_assert_uint_eq(sys_peek(&s, c->at + 7 * c->size + 10 * n, 8), 0x8000000000000000 | ((n + 5) & 7));
        ck_assert_uint_eq(sys_peek(&s, c->at + 7 * c->size + 10 * n + 8, 2), 0x3fff + ((n + 5) & 7));
    }
    ck_assert_uint_eq(fpu()->valid, 0);
    ck_assert_uint_eq(fpu()->sw, 0);
    memset(fpu()->r, 0, sizeof(fpu()->r));
    run_on_data(c, 0xdd, 4);
    ck_assert_uint_eq(fpu()->valid, 0x5a);
    ck_assert_uint_eq(fpu()->sw, before.sw);
    for (unsigned n = 0; n < 8; n++) {
        ck_assert_uint_eq(fpu()->r[n].mant, before.r[n].mant);
        ck_assert_uint_eq(fpu()->r[n].se, before.r[n].se);
    }
}
END_TEST

/* ---- FXSAVE ---- */

#define FXSAVE  "\x0f\xae\x05\x00\x00\x06\x00"
#define FXRSTOR "\x0f\xae\x0d\x00\x00\x06\x00"

static void fill(uint32_t at, unsigned len)
{
    for (unsigned n = 0; n < len; n++)
        sys_poke(&s, at + n, 0xa5, 1);
}

START_TEST(fxsave_writes_xmm_registers_when_the_system_knows_them)
{
    s.cpu->cr4 = _i ? CR4_OSFXSR : 0;
    cpu_mode_changed(s.cpu);
    fresh(0);
    s.cpu->mxcsr = 0x1fa5;
    for (unsigned n = 0; n < 16; n++)
        s.cpu->vector[n].q[0] = s.cpu->vector[n].q[1] = n + 1;
    fill(AT_DATA, 512);
    RUN(FXSAVE, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 4), 0x37f);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 24, 8), _i ? 0x0000ffff00001fa5 : 0xa5a5a5a5a5a5a5a5);
    for (unsigned n = 0; n < 8; n++)
        ck_assert_uint_eq(sys_peek(&s, AT_DATA + 160 + 16 * n + 8, 8), _i ? n + 1 : 0xa5a5a5a5a5a5a5a5);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 288, 8), 0xa5a5a5a5a5a5a5a5); /* XMM8: in 64-bit code only */
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 504, 8), 0xa5a5a5a5a5a5a5a5);
    memset(s.cpu->vector, 0, sizeof(s.cpu->vector));
    s.cpu->mxcsr = MXCSR_INIT;
    s.cpu->ip = AT_CODE;
    sys_poke(&s, AT_DATA + 24, 0x1fa5, 4);
    RUN(FXRSTOR, 1);
    ck_assert_uint_eq(s.cpu->mxcsr, _i ? 0x1fa5 : MXCSR_INIT);
    ck_assert_uint_eq(s.cpu->vector[7].q[1], _i ? 8 : 0);
    ck_assert_uint_eq(s.cpu->vector[8].q[1], 0);
}
END_TEST

START_TEST(fxrstor_refuses_reserved_bits_of_mxcsr_and_changes_nothing)
{
    struct cpu_fpu before;

    s.cpu->cr4 = CR4_OSFXSR;
    cpu_mode_changed(s.cpu);
    fill(AT_DATA, 512);
    sys_poke(&s, AT_DATA + 24, 0x11f80, 4);
    before = *fpu();
    RUN(FXRSTOR, 1);
    ck_assert_int_eq(only_record()->cause, CPU_CAUSE_GP_XRSTOR);
    ck_assert_mem_eq(&before, fpu(), sizeof(before));
    ck_assert_uint_eq(s.cpu->vector[0].q[0], 0);
}
END_TEST

START_TEST(fxsave_wants_16_byte_alignment)
{
    for (unsigned n = 1; n < 16; n++) {
        char code[] = FXSAVE;

        code[3] = (char)n;
        s.cpu->ip = AT_CODE;
        run(code, sizeof(code) - 1, 1);
        ck_assert_int_eq(only_record()->cause, CPU_CAUSE_GP_ALIGN);
        sys_protected(&s, 0);
    }
}
END_TEST

/* ---- Memory operands that fault: nothing has happened ---- */

START_TEST(an_operand_that_runs_into_a_missing_page_leaves_all_as_it_was)
{
    static const struct { uint8_t opcode, reg; unsigned off; } cases[] = {
        { 0xdb, 7, 0xff7 }, { 0xdb, 5, 0xff7 }, { 0xd9, 6, 0xff0 }, { 0xdd, 6, 0xfa0 }, { 0xdd, 4, 0xfa0 }, { 0xd9, 4, 0xff0 },
        { 0xdd, 3, 0xffc }, { 0xdf, 6, 0xff8 }, { 0xdf, 7, 0xffa }, { 0xd8, 0, 0xffd }, { 0xae, 0, 0xf00 }, { 0xae, 1, 0xf00 },
    };
    char code[8] = { 0 };
    size_t len = 0;
    struct cpu_fpu before;

    sys_paging(&s);
    sys_poke(&s, AT_PT + 4 * 0x61, 0, 4);
    fresh(0);
    fpu()->valid = 0x7f;
    fpu()->r[0] = (fp80){ 1ull << 63, 0x3fff };
    fpu()->fop = 0x123;
    before = *fpu();
    fill(AT_DATA + 0xe00, 0x200);
    if (cases[_i].opcode == 0xae)
        code[len++] = 0x0f;
    code[len++] = (char)cases[_i].opcode;
    code[len++] = (char)(cases[_i].reg << 3 | 5);
    code[len++] = (char)cases[_i].off;
    code[len++] = (char)(cases[_i].off >> 8);
    code[len++] = 6;
    run(code, len + 1, 1);
    ck_assert_uint_eq(only_record()->vector, VEC_PF);
    ck_assert_uint_eq(s.cpu->cr2, 0x61000);
    ck_assert_mem_eq(&before, fpu(), sizeof(before));
    for (unsigned n = 0xe00; n < 0x1000; n += 8)
        ck_assert_uint_eq(sys_peek(&s, AT_DATA + n, 8), 0xa5a5a5a5a5a5a5a5);
}
END_TEST

/* SDM Vol. 3A, "Alignment requirements by data type". */
START_TEST(alignment_is_checked_by_the_kind_of_operand)
{
    static const struct { const char *code; unsigned len, unit; } cases[] = {
        { B("\xd9\x03"), 4 }, { B("\xdd\x03"), 8 }, { B("\xdb\x2b"), 8 }, { B("\xdb\x3b"), 8 }, { B("\xdf\x23"), 8 }, { B("\xdf\x33"), 8 },
        { B("\xd9\x33"), 4 }, { B("\x66\xd9\x33"), 2 }, { B("\xdd\x23"), 4 }, { B("\x66\xdd\x33"), 2 }, { B("\xd9\x3b"), 2 },
    };

    for (unsigned n = 0; n < 8; n++) {
        sys_protected(&s, 3);
        s.cpu->cr0 |= CR0_AM | CR0_NE;
        s.cpu->eflags |= EFL_AC;
        cpu_mode_changed(s.cpu);
        fresh(0);
        fpu()->valid = 1;
        s.cpu->reg[CPU_BX] = AT_DATA + n;
        run(cases[_i].code, cases[_i].len, 1);
        if (n % cases[_i].unit)
            ck_assert_uint_eq(only_record()->vector, VEC_AC);
        else
            ck_assert_uint_eq(s.cpu->history_next, 0);
    }
}
END_TEST

/* SDM Vol. 1, "x87 FPU instruction and data (operand) pointers". */
START_TEST(control_instructions_leave_the_pointers_alone)
{
    fresh(0);
    RUN("\xd9\x05\x10\x00\x06\x00\xd9\x2d\x20\x00\x06\x00\xdb\xe2\xdf\xe0\x9b\xd9\x3d\x20\x00\x06\x00\xd9\xe0", 6);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(fpu()->fip, AT_CODE);
    ck_assert_uint_eq(fpu()->fcs, CODE0);
    ck_assert_uint_eq(fpu()->fop, 0x105);
    ck_assert_uint_eq(fpu()->fdp, 0x60010);
    ck_assert_uint_eq(fpu()->fds, DATA0);
    sys_run(&s, 1); /* fchs has no operand in memory */
    ck_assert_uint_eq(fpu()->fip, AT_CODE + 23);
    ck_assert_uint_eq(fpu()->fop, 0x1e0);
    ck_assert_uint_eq(fpu()->fdp, 0x60010);
}
END_TEST

/* ---- Models ---- */

START_TEST(older_models_lack_later_instructions)
{
    static const struct { const char *model, *code; unsigned len; bool there; } cases[] = {
        { "486", B("\xd9\xfe"), true }, { "486", B("\xda\xc1"), false }, { "486", B("\xdb\xf1"), false }, { "pentium", B(FXSAVE), false },
        { "pentium", B("\xda\xc1"), false }, { "pentium", B("\xd9\xfb"), true },
    };

    setup_model(cases[_i].model);
    fresh(0);
    run(cases[_i].code, cases[_i].len, 1);
    if (cases[_i].there)
        ck_assert_uint_eq(s.cpu->history_next, 0);
    else
        ck_assert_uint_eq(only_record()->vector, VEC_UD);
    sys_close(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x87");
    TCase *tc = tcase_create("x87"), *models = tcase_create("models");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_exception_waits_for_the_next_instruction_that_looks);
    tcase_add_loop_test(tc, those_that_do_not_wait_see_the_exception_pending, 0, WAITING_CASES);
    tcase_add_loop_test(tc, device_not_available_comes_before_and_memory_after, 0, 10);
    tcase_add_test(tc, fldcw_that_unmasks_makes_an_old_exception_pending);
    tcase_add_test(tc, without_ne_the_processor_freezes_until_ignne);
    tcase_add_test(tc, an_nmi_finds_the_frozen_processor_before_the_instruction);
    tcase_add_loop_test(tc, whatever_clears_the_exception_releases_ferr, 0, 6);
    tcase_add_test(tc, xrstor_of_an_initial_state_releases_ferr);
    tcase_add_test(tc, reset_releases_ferr_and_init_does_not);
    tcase_add_loop_test(tc, stack_overflow_pushes_the_indefinite_or_nothing, 0, 2);
    tcase_add_loop_test(tc, a_store_of_an_empty_register_writes_the_indefinite_or_nothing, 0, 2);
    tcase_add_loop_test(tc, the_environment_has_a_format_for_each_mode_and_size, 0, FORMATS);
    tcase_add_loop_test(tc, fnsave_and_frstor_carry_the_registers, 0, FORMATS);
    tcase_add_loop_test(tc, fxsave_writes_xmm_registers_when_the_system_knows_them, 0, 2);
    tcase_add_test(tc, fxrstor_refuses_reserved_bits_of_mxcsr_and_changes_nothing);
    tcase_add_test(tc, fxsave_wants_16_byte_alignment);
    tcase_add_loop_test(tc, an_operand_that_runs_into_a_missing_page_leaves_all_as_it_was, 0, 12);
    tcase_add_loop_test(tc, alignment_is_checked_by_the_kind_of_operand, 0, 11);
    tcase_add_test(tc, control_instructions_leave_the_pointers_alone);
    suite_add_tcase(suite, tc);
    tcase_add_loop_test(models, older_models_lack_later_instructions, 0, 6);
    suite_add_tcase(suite, models);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
