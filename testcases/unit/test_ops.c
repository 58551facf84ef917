/*
 * What the oracle cannot show of the instructions: steps and retirement, bulk runs of REP strings, real mode's wraps, ports, code that
 * overwrites itself, the magic breakpoint.
 */
#include "testcases/unit/system_bench.h"

static struct sys s;

static struct { unsigned count, of[BUS_SPECIAL + 1], locked_of[BUS_SPECIAL + 1]; struct bus_txn last; } txns;

static void note(void *arg, const struct bus_txn *txn)
{
    txns.count++;
    txns.last = *txn;
    txns.of[txn->kind]++;
    txns.locked_of[txn->kind] += txn->locked;
}
static struct bus_observer observer = { .fn = note };

static void setup(void)
{
    sys_open(&s, "max", 1);
    memset(&txns, 0, sizeof(txns));
    bus_observe(s.bus, &observer);
}
static void teardown(void)
{
    bus_unobserve(s.bus, &observer);
    sys_close(&s);
}

/* Runs from a clean count. */
static void begin(void)
{
    s.cpu->steps = s.cpu->cycle = s.cpu->retired = 0;
    s.cpu->history_next = 0;
}

static uint64_t reg(unsigned n)
{
    return s.cpu->reg[n];
}

static void set_string(uint64_t si, uint64_t di, uint64_t cx)
{
    s.cpu->reg[CPU_SI] = si;
    s.cpu->reg[CPU_DI] = di;
    s.cpu->reg[CPU_CX] = cx;
}

static void fill(uint32_t at, unsigned len, unsigned first)
{
    for (unsigned n = 0; n < len; n++)
        sys_poke(&s, at + n, (uint8_t)(first + n * 7), 1);
}

/* ---- What the manual leaves undefined, and older processors agree on ---- */

struct undefined_case {
    const char *code; /* of 3 bytes */
    uint64_t ax;
    bool cf_before;
    uint64_t result;
    bool cf, of;
};
static const struct undefined_case rotates[] = {
    { "\xc0\xc0\x07", 0x01, false, 0x80, false, true }, /* rol al, 7 */
    { "\xc0\xc0\x07", 0x02, false, 0x01, true, true },
    { "\xc0\xc0\x07", 0x7f, false, 0xbf, true, false },
    { "\xc0\xc8\x07", 0x01, false, 0x02, false, false }, /* ror al, 7 */
    { "\xc0\xc8\x07", 0xc0, false, 0x81, true, true },
    { "\xc0\xd0\x07", 0x02, true, 0x40, true, true }, /* rcl al, 7: 1_0000_0010 */
    { "\xc0\xd0\x07", 0x80, true, 0x60, false, false },
    { "\xc0\xd8\x07", 0x01, true, 0x06, false, false }, /* rcr al, 7: 1_0000_0001 */
    { "\xc0\xd8\x07", 0x40, false, 0x00, true, false },
    { "\xc0\xd8\x07", 0x20, false, 0x80, false, true },
};

/* SDM Vol. 2B, "RCL/RCR/ROL/ROR": OF is undefined for counts other than 1; here it follows from the result as for a count of 1. */
START_TEST(rotates_find_of_from_the_result)
{
    const struct undefined_case *c = &rotates[_i];

    sys_protected(&s, 0);
    sys_code(&s, c->code, 3);
    s.cpu->reg[CPU_AX] = c->ax;
    cpu_set_eflags(s.cpu, 2 | (c->cf_before ? EFL_CF : 0));
    begin();
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_AX), c->result);
    ck_assert_int_eq(!!(cpu_eflags(s.cpu) & EFL_CF), c->cf);
    ck_assert_int_eq(!!(cpu_eflags(s.cpu) & EFL_OF), c->of);
}
END_TEST

/* SDM Vol. 2A, "ENTER": with a 16-bit stack the pushes leave the upper half of ESP alone, and the frame pointer is what the first one left. */
START_TEST(enter_keeps_the_upper_half_of_esp_on_a_16_bit_stack)
{
    sys_protected(&s, 0);
    CODE(&s, "\x8e\xd1\xc8\x08\x00\x02"); /* mov ss, ecx; enter 8, 2 */
    sys_desc(&s, DATA16, DESC(AT_DATA, 0xffff, SEG_P | SEG_S | SEG_TYPE_WRITE));
    s.cpu->reg[CPU_CX] = DATA16;
    s.cpu->reg[CPU_SP] = 0x50000;
    s.cpu->reg[CPU_BP] = 0x7fff0;
    sys_poke(&s, AT_DATA + 0xffec, 0x12345678, 4);
    begin();
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(reg(CPU_BP), 0x5fffc);
    ck_assert_uint_eq(reg(CPU_SP), 0x5ffec);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0xfffc, 4), 0x7fff0);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0xfff8, 4), 0x12345678);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0xfff4, 4), 0x5fffc);
}
END_TEST

/* ---- REP: steps ---- */

/* An iteration is a step; the instruction retires once. */
START_TEST(rep_makes_as_many_steps_as_iterations)
{
    static const struct { uint64_t count, steps; } cases[] = { { 0, 1 }, { 1, 1 }, { 2, 2 }, { 100, 100 }, { 9000, 9000 } };

    sys_protected(&s, 0);
    CODE(&s, "\xf3\xa4\x90\x90"); /* rep movsb; nop; nop */
    set_string(AT_DATA, AT_DATA + 0x10000, cases[_i].count);
    fill(AT_DATA, 9000, 3);
    begin();
    sys_run(&s, (unsigned)cases[_i].steps);
    ck_assert_uint_eq(s.cpu->steps, cases[_i].steps);
    ck_assert_uint_eq(s.cpu->retired, 1);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(reg(CPU_CX), 0);
    ck_assert_uint_eq(reg(CPU_SI), AT_DATA + cases[_i].count);
    for (unsigned n = 0; n < cases[_i].count; n++)
        ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0x10000 + n, 1), (uint8_t)(3 + n * 7));
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0x10000 + (uint32_t)cases[_i].count, 1), 0);
}
END_TEST

/* However the run is sliced, each boundary shows the same registers. */
START_TEST(rep_stops_at_any_iteration)
{
    sys_protected(&s, 0);
    CODE(&s, "\xf3\xab\x90"); /* rep stosd; nop */
    set_string(0, AT_DATA + 0xff0, 20);
    begin();
    for (unsigned n = 1; n < 20; n++) {
        sys_run(&s, 1 + n % 3);
        if (s.cpu->steps >= 20)
            break;
        ck_assert_uint_eq(s.cpu->ip, AT_CODE);
        ck_assert_uint_eq(reg(CPU_CX), 20 - s.cpu->steps);
        ck_assert_uint_eq(reg(CPU_DI), AT_DATA + 0xff0 + 4 * s.cpu->steps);
        ck_assert_uint_eq(s.cpu->retired, 0);
    }
}
END_TEST

/* SDM Vol. 2B, "REP": a fault leaves the registers of the iterations before it. */
START_TEST(rep_faults_at_the_iteration_that_faults)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * (AT_DATA >> 12) + 8, 0, 4);
    sys_paging(&s);
    CODE(&s, "\xf3\xaa"); /* rep stosb */
    set_string(0, AT_DATA + 0x0ffe, 0x2000);
    begin();
    sys_run(&s, 0x1003);
    ck_assert_uint_eq(s.cpu->steps, 0x1003); /* 1002 iterations, and the fault */
    ck_assert_uint_eq(s.cpu->ip, AT_HANDLER + 16 * VEC_PF);
    ck_assert_uint_eq(reg(CPU_DI), AT_DATA + 0x2000);
    ck_assert_uint_eq(reg(CPU_CX), 0x2000 - 0x1002);
    ck_assert_uint_eq(s.cpu->cr2, AT_DATA + 0x2000);
    ck_assert_uint_eq(sys_record(&s, 0)->ip, AT_CODE);
}
END_TEST

/* ---- REP: runs ---- */

/* A forward copy onto itself replicates; a backward one does not. */
START_TEST(overlapping_copies_go_element_by_element)
{
    static const struct { int distance; bool down; unsigned op; } cases[] = {
        { 1, false, 0xa4 }, { 3, false, 0xa4 }, { -1, false, 0xa4 }, { 4, false, 0xa5 }, { 2, false, 0xa5 }, { -2, false, 0xa5 },
        { 1, true, 0xa4 }, { -1, true, 0xa4 }, { 2, true, 0xa5 }, { -3, true, 0xa5 }, { 0, false, 0xa5 }, { 0x1000, false, 0xa5 },
    };
    unsigned size = cases[_i].op == 0xa5 ? 4 : 1, count = 300;
    uint8_t model[0x4000], code[] = { 0xf3, (uint8_t)cases[_i].op, 0x90 };
    int from = 0x1800, to = from + cases[_i].distance, step = cases[_i].down ? -(int)size : (int)size;

    sys_protected(&s, 0);
    sys_code(&s, code, sizeof(code));
    fill(AT_DATA, sizeof(model), 1);
    bus_peek(s.bus, AT_DATA, model, sizeof(model));
    for (unsigned n = 0; n < count; n++) {
        uint8_t element[4];

        memcpy(element, model + from + (int)n * step, size);
        memcpy(model + to + (int)n * step, element, size);
    }
    s.cpu->eflags |= cases[_i].down ? EFL_DF : 0;
    set_string(AT_DATA + (unsigned)from, AT_DATA + (unsigned)to, count);
    sys_run(&s, count);
    for (unsigned n = 0; n < sizeof(model); n++)
        ck_assert_msg(sys_peek(&s, AT_DATA + n, 1) == model[n], "byte %x", n);
    ck_assert_uint_eq(reg(CPU_CX), 0);
    ck_assert_uint_eq(reg(CPU_DI), (uint32_t)(AT_DATA + to + (int)count * step));
}
END_TEST

/* SDM Vol. 2B, "REP": the flags are those of the last comparison. */
START_TEST(scans_stop_where_they_find)
{
    sys_protected(&s, 0);
    fill(AT_DATA, 0x2000, 1);
    for (unsigned n = 0; n < 0x2000; n++)
        sys_poke(&s, AT_DATA + n, n == 0x1234 ? 'x' : '.', 1);
    CODE(&s, "\xf2\xae\x90"); /* repne scasb */
    s.cpu->reg[CPU_AX] = 'x';
    set_string(0, AT_DATA, 0x2000);
    begin();
    sys_run(&s, 0x1235);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(reg(CPU_DI), AT_DATA + 0x1235);
    ck_assert_uint_eq(reg(CPU_CX), 0x2000 - 0x1235);
    ck_assert(cpu_eflags(s.cpu) & EFL_ZF);
}
END_TEST

START_TEST(comparisons_stop_where_they_differ)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_DATA + 0x4000 + 0x1004, 0x80000000, 4);
    CODE(&s, "\xf3\xa7\x90"); /* repe cmpsd */
    set_string(AT_DATA, AT_DATA + 0x4000, 0x1000);
    begin();
    sys_run(&s, 0x402);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 2);
    ck_assert_uint_eq(reg(CPU_SI), AT_DATA + 0x1008);
    ck_assert_uint_eq(cpu_eflags(s.cpu) & EFL_ARITH, EFL_CF | EFL_OF | EFL_SF | EFL_PF); /* 0 - 80000000h */
}
END_TEST

/* A run that overwrites what follows it: the new code is executed. */
START_TEST(rep_may_overwrite_the_code_behind_it)
{
    sys_protected(&s, 0);
    CODE(&s, "\xf3\xaa\x90\x90\x90\x90\x90\x90"); /* rep stosb; nops, which become inc eax */
    set_string(0, AT_CODE + 2, 4);
    s.cpu->reg[CPU_AX] = 0x40;
    begin();
    sys_run(&s, 10);
    ck_assert_uint_eq(reg(CPU_AX), 0x44);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 8);
}
END_TEST

/* ---- Real mode ---- */

START_TEST(real_mode_strings_wrap_at_64_kbytes)
{
    sys_real(&s);
    CODE(&s, "\xf3\xaa\x90"); /* rep stosb */
    s.cpu->reg[CPU_AX] = 0x5a;
    set_string(0, 0xfffe, 4);
    sys_run(&s, 4);
    ck_assert_uint_eq(reg(CPU_DI), 2);
    ck_assert_uint_eq(sys_peek(&s, 0x60000 + 0xfffe, 2), 0x5a5a);
    ck_assert_uint_eq(sys_peek(&s, 0x60000, 2), 0x5a5a);
    ck_assert_uint_eq(sys_peek(&s, 0x70000, 2), 0);
}
END_TEST

/* SDM Vol. 3A, "Real-address mode": an operand that reaches beyond 64 KBytes is #GP, on the stack #SS. */
START_TEST(real_mode_operands_do_not_wrap)
{
    static const struct { const char *code; unsigned len, vector; } cases[] = {
        { "\xa1\xff\xff", 3, VEC_GP },     /* mov ax, [0xffff] */
        { "\x8b\x5e\xff", 3, VEC_SS },     /* mov bx, [bp - 1] with BP = 0 */
        { "\x66\xa1\xfd\xff", 4, VEC_GP }, /* mov eax, [0xfffd] */
    };

    sys_real(&s);
    sys_code(&s, cases[_i].code, cases[_i].len);
    s.cpu->reg[CPU_BP] = 0;
    begin();
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_record(&s, 0)->vector, cases[_i].vector);
}
END_TEST

START_TEST(a_16_bit_stack_pointer_wraps_and_keeps_its_upper_half)
{
    sys_real(&s);
    CODE(&s, "\x6a\x7f\x5b"); /* push 7fh; pop bx */
    s.cpu->reg[CPU_SP] = 0xabcd0000;
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_SP), 0xabcdfffe);
    ck_assert_uint_eq(sys_peek(&s, 0x3fffe, 2), 0x7f);
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_SP), 0xabcd0000);
    ck_assert_uint_eq((uint16_t)reg(CPU_BX), 0x7f);
}
END_TEST

START_TEST(jumps_wrap_at_64_kbytes_with_16_bit_operands)
{
    sys_real(&s);
    CODE(&s, "\xeb\xfc"); /* jmp -4: 0 + 2 - 4 */
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->ip, 0xfffe);
}
END_TEST

/* ---- Several writes ---- */

/* All or nothing: the lower page of the stack is missing. */
START_TEST(pusha_writes_nothing_when_it_faults)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * ((AT_DATA >> 12) - 1), 0, 4);
    sys_paging(&s);
    CODE(&s, "\x60");
    s.cpu->reg[CPU_SP] = AT_DATA + 8;
    begin();
    s.cpu->idtr.limit = 0; /* the fault cannot be delivered: shutdown, registers as they were */
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_record(&s, 0)->vector, VEC_PF);
    ck_assert_uint_eq(reg(CPU_SP), AT_DATA + 8);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA, 8), 0);
}
END_TEST

/* ---- Ports and the bus ---- */

/* One iteration, one transaction, one step; the destination is checked before the port is read. */
START_TEST(ins_reads_no_port_when_its_destination_faults)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_PT + 4 * (AT_DATA >> 12) + 4, 0, 4);
    sys_paging(&s);
    CODE(&s, "\xf3\x6d"); /* rep insd */
    s.cpu->reg[CPU_DX] = 0x300;
    set_string(0, AT_DATA + 0xff8, 4);
    begin();
    sys_run(&s, 3);
    ck_assert_uint_eq(txns.count, 2);
    ck_assert_int_eq(txns.last.kind, BUS_IO_READ);
    ck_assert_uint_eq(txns.last.size, 4);
    ck_assert_uint_eq(sys_record(&s, 0)->vector, VEC_PF);
    ck_assert_uint_eq(reg(CPU_CX), 2);
    ck_assert_uint_eq(sys_peek(&s, AT_DATA + 0xff8, 8), UINT64_MAX); /* nobody answers: all ones */
}
END_TEST

START_TEST(outs_writes_from_memory_to_the_port)
{
    sys_protected(&s, 0);
    sys_poke(&s, AT_DATA, 0x11223344, 4);
    CODE(&s, "\x66\x6f"); /* outsw */
    s.cpu->reg[CPU_DX] = 0x301;
    s.cpu->reg[CPU_SI] = AT_DATA;
    sys_run(&s, 1);
    ck_assert_int_eq(txns.last.kind, BUS_IO_WRITE);
    ck_assert_uint_eq(txns.last.addr, 0x301);
    ck_assert_uint_eq(txns.last.data, 0x3344);
    ck_assert_uint_eq(reg(CPU_SI), AT_DATA + 2);
}
END_TEST

/* SDM Vol. 3A, "Bus locking"; Vol. 2D, "XCHG": locked without a prefix. Both halves are, in all pieces. */
static const struct {
    const char *code;
    unsigned len, reads, writes;
    bool locked;
} rmws[] = {
    { "\x87\x05\x00\x00\x80\x00", 6, 1, 1, true },              /* xchg [800000h], eax: beyond the RAM */
    { "\xf0\xff\x05\x00\x00\x80\x00", 7, 1, 1, true },          /* lock inc dword [800000h] */
    { "\xff\x05\x00\x00\x80\x00", 6, 1, 1, false },
    { "\xf0\x01\x05\x00\x00\x80\x00", 7, 1, 1, true },          /* lock add [800000h], eax */
    { "\x01\x05\x00\x00\x80\x00", 6, 1, 1, false },
    { "\xf0\x80\x0d\x00\x00\x80\x00\x01", 8, 1, 1, true },      /* lock or byte [800000h], 1 */
    { "\xf0\x0f\xc1\x05\x00\x00\x80\x00", 8, 1, 1, true },      /* lock xadd [800000h], eax */
    { "\xf0\x0f\xb1\x05\x00\x00\x80\x00", 8, 1, 1, true },      /* lock cmpxchg [800000h], eax */
    { "\x0f\xb1\x05\x00\x00\x80\x00", 7, 1, 1, false },
    { "\xf0\x0f\xc7\x0d\x00\x00\x80\x00", 8, 1, 1, true },      /* lock cmpxchg8b [800000h] */
    { "\xf0\x0f\xab\x05\x00\x00\x80\x00", 8, 1, 1, true },      /* lock bts [800000h], eax */
    { "\xf0\x0f\xba\x2d\x00\x00\x80\x00\x01", 9, 1, 1, true },  /* lock bts dword [800000h], 1 */
    { "\xf0\xf7\x15\xfe\x0f\x80\x00", 7, 4, 4, true },          /* lock not dword [800ffeh]: across pages */
    { "\xf7\x15\xfe\x0f\x80\x00", 6, 4, 4, false },
};

START_TEST(a_locked_read_modify_write_locks_both_halves)
{
    sys_protected(&s, 0);
    sys_code(&s, rmws[_i].code, rmws[_i].len);
    s.cpu->reg[CPU_AX] = 0;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(txns.of[BUS_MEM_READ], rmws[_i].reads);
    ck_assert_uint_eq(txns.of[BUS_MEM_WRITE], rmws[_i].writes);
    ck_assert_uint_eq(txns.locked_of[BUS_MEM_READ], rmws[_i].locked ? rmws[_i].reads : 0);
    ck_assert_uint_eq(txns.locked_of[BUS_MEM_WRITE], rmws[_i].locked ? rmws[_i].writes : 0);
}
END_TEST

/* ---- Self-modifying code within a block ---- */

START_TEST(a_store_into_the_next_instruction_takes_effect)
{
    sys_protected(&s, 0);
    /* mov byte [AT_CODE + 8], 40h; nop; nop (becomes inc eax); nop */
    CODE(&s, "\xc6\x05\x08\x00\x01\x00\x40\x90\x90\x90");
    s.cpu->reg[CPU_AX] = 0;
    sys_run(&s, 4);
    ck_assert_uint_eq(reg(CPU_AX), 1);
}
END_TEST

/* ---- Magic ---- */

static unsigned magic;

static bool on_event(void *arg, struct cpu *cpu, const struct cpu_event *event)
{
    magic += event->kind == CPU_EVENT_MAGIC;
    return true;
}

START_TEST(xchg_bx_bx_calls_the_observer_and_stops)
{
    static const struct cpu_observer watch = { .events = CPU_EVENT_MAGIC, .event = on_event };

    sys_protected(&s, 0);
    CODE(&s, "\x90\x87\xdb\x40\x66\x87\xdb\x86\xdb\x87\xd9"); /* nop; xchg ebx,ebx; inc eax; xchg bx,bx; xchg bl,bl; xchg ecx,ebx */
    magic = 0;
    sys_run(&s, 6);
    ck_assert_uint_eq(magic, 0);
    s.cpu->ip = AT_CODE;
    begin();
    cpu_observe(s.cluster, &watch);
    ck_assert_int_eq(sys_run(&s, 6), CPU_EXIT_STOP);
    ck_assert_uint_eq(magic, 1);
    ck_assert_uint_eq(s.cpu->steps, 2);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 3);
    ck_assert_int_eq(sys_run(&s, 4), CPU_EXIT_STOP);
    ck_assert_uint_eq(s.cpu->ip, AT_CODE + 7);
    sys_run(&s, 2);
    ck_assert_uint_eq(magic, 2);
    cpu_observe(s.cluster, NULL);
}
END_TEST

/* ENDBR64 and other hints with F3 are no PAUSE. */
START_TEST(only_pause_gives_up_the_turn)
{
    static const struct { const char *code; unsigned len; enum cpu_exit exit; unsigned steps; } cases[] = {
        { "\x90\xf3\x90\x90\xf4", 5, CPU_EXIT_YIELD, 2 },         { "\x90\xf3\x0f\x1e\xfa\x90\xf4", 7, CPU_EXIT_TOUCHED, 4 },
        { "\x90\xf3\x0f\x1f\xc0\x90\xf4", 7, CPU_EXIT_TOUCHED, 4 }, { "\x90\xf2\x90\x90\xf4", 5, CPU_EXIT_TOUCHED, 4 },
        { "\xf3\x66\x90\x90\x90\xf4", 6, CPU_EXIT_YIELD, 1 },
    };
    struct cpu_slice slice = { .horizon = SIM_NEVER, .budget = 100, .shared_until = 1000000 }; /* a block of all of it */

    sys_code(&s, cases[_i].code, cases[_i].len);
    sys_protected(&s, 0);
    s.cpu->steps = 0;
    ck_assert_int_eq(cpu_run(s.cpu, &slice), cases[_i].exit);
    ck_assert_uint_eq(s.cpu->steps, cases[_i].steps);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops");
    TCase *tc = tcase_create("ops");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, rotates_find_of_from_the_result, 0, sizeof(rotates) / sizeof(rotates[0]));
    tcase_add_test(tc, enter_keeps_the_upper_half_of_esp_on_a_16_bit_stack);
    tcase_add_loop_test(tc, rep_makes_as_many_steps_as_iterations, 0, 5);
    tcase_add_test(tc, rep_stops_at_any_iteration);
    tcase_add_test(tc, rep_faults_at_the_iteration_that_faults);
    tcase_add_loop_test(tc, overlapping_copies_go_element_by_element, 0, 12);
    tcase_add_test(tc, scans_stop_where_they_find);
    tcase_add_test(tc, comparisons_stop_where_they_differ);
    tcase_add_test(tc, rep_may_overwrite_the_code_behind_it);
    tcase_add_test(tc, real_mode_strings_wrap_at_64_kbytes);
    tcase_add_loop_test(tc, real_mode_operands_do_not_wrap, 0, 3);
    tcase_add_test(tc, a_16_bit_stack_pointer_wraps_and_keeps_its_upper_half);
    tcase_add_test(tc, jumps_wrap_at_64_kbytes_with_16_bit_operands);
    tcase_add_test(tc, pusha_writes_nothing_when_it_faults);
    tcase_add_test(tc, ins_reads_no_port_when_its_destination_faults);
    tcase_add_test(tc, outs_writes_from_memory_to_the_port);
    tcase_add_loop_test(tc, a_locked_read_modify_write_locks_both_halves, 0, sizeof(rmws) / sizeof(rmws[0]));
    tcase_add_test(tc, a_store_into_the_next_instruction_takes_effect);
    tcase_add_loop_test(tc, only_pause_gives_up_the_turn, 0, 5);
    tcase_add_test(tc, xchg_bx_bx_calls_the_observer_and_stops);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
