/*
 * The decoder: golden encodings, prefixes and lengths, what is illegal and why, every row reachable by its own encoding. Beside Zydis it
 * stands in testcases/oracle/decode_zydis.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/decode.h"
#include "cpu/recall.h"

enum {
    REAL = 0, PROT16 = MODE_PE, FLAT = MODE_PE | MODE_D | MODE_SS32 | MODE_FLAT, USER = FLAT | MODE_CPL, LONG = MODE_PE | MODE_L | MODE_LMA,
    UNITS = MODE_OSFXSR | MODE_AVX
};

static struct cpu_isa_index *isa;

static void setup(void)
{
    ck_assert_int_eq(isa_index_create(UINT64_MAX, &isa), 0);
}
static void teardown(void)
{
    isa_index_destroy(isa);
}

/* A decoded instruction as text: mnemonic, length, then what the operands became. */
static const char *describe(uint32_t mode, const void *bytes, unsigned avail)
{
    static const char *const seg[] = { "es", "cs", "ss", "ds", "fs", "gs" };
    static char text[200];
    const struct isa_row *row;
    struct cpu_insn insn;
    unsigned len = decode(isa, mode, 0, bytes, avail, &insn, &row), n;

    if (!len)
        return "short";
    if (!row) {
        snprintf(text, sizeof(text), "%s", cpu_cause_id((enum cpu_cause)insn.imm));
        return text;
    }
    n = (unsigned)snprintf(text, sizeof(text), "%s/%u%s%s%s%s%s", row->mnemonic, len, insn.flags & INSN_OP32 ? " o32" : " o16",
                           insn.flags & INSN_AD32 ? " a32" : " a16", insn.flags & INSN_LOCK ? " lock" : "",
                           insn.flags & INSN_REP ? " rep" : "", insn.flags & INSN_REPNE ? " repne" : "");
    n += (unsigned)snprintf(text + n, sizeof(text) - n, " d%u s%u", insn.dst, insn.src);
    if (insn.flags & INSN_MEM)
        n += (unsigned)snprintf(text + n, sizeof(text) - n, " [%s:%u+%u<<%u%+d]", seg[insn.seg], insn.base, insn.index, insn.scale, insn.disp);
    snprintf(text + n, sizeof(text) - n, " i%lld", (long long)insn.imm);
    return text;
}

struct golden {
    uint32_t mode;
    const char *bytes;
    unsigned len;
    const char *text;
};
#define G(mode, bytes, text) { mode, bytes, sizeof(bytes) - 1, text }

/* Registers: byte offsets, 8 a register; 16 is "none". */
static const struct golden golden[] = {
    G(FLAT, "\x90", "nop/1 o32 a32 d0 s0 i0"),
    G(FLAT, "\xf3\x90", "pause/2 o32 a32 rep d0 s0 i0"),
    G(FLAT, "\x93", "xchg/1 o32 a32 d24 s0 i0"),
    G(FLAT, "\x01\xd8", "add/2 o32 a32 d0 s24 i0"),
    G(FLAT, "\x03\xd8", "add/2 o32 a32 d24 s0 i0"),
    G(FLAT, "\x00\xe7", "add/2 o32 a32 d25 s1 i0"),
    G(FLAT, "\x66\x01\xd8", "add/3 o16 a32 d0 s24 i0"),
    G(FLAT, "\x01\x45\xfc", "add/3 o32 a32 d0 s0 [ss:5+16<<0-4] i0"),
    G(FLAT, "\x01\x44\x24\x08", "add/4 o32 a32 d0 s0 [ss:4+16<<0+8] i0"),
    G(FLAT, "\x01\x04\x8d\x10\x00\x00\x00", "add/7 o32 a32 d0 s0 [ds:16+1<<2+16] i0"),
    G(FLAT, "\x01\x44\xb5\x01", "add/4 o32 a32 d0 s0 [ss:5+6<<2+1] i0"),
    G(FLAT, "\x01\x04\x65\x01\x00\x00\x00", "add/7 o32 a32 d0 s0 [ds:16+16<<1+1] i0"),
    G(FLAT, "\x01\x05\x78\x56\x34\x92", "add/6 o32 a32 d0 s0 [ds:16+16<<0-1842063752] i0"),
    G(FLAT, "\x64\x01\x05\x00\x00\x00\x00", "add/7 o32 a32 d0 s0 [fs:16+16<<0+0] i0"),
    G(FLAT, "\x2e\x65\x3e\x01\x45\x00", "add/6 o32 a32 d0 s0 [ds:5+16<<0+0] i0"),
    G(FLAT, "\x67\x01\x42\xfe", "add/4 o32 a16 d0 s0 [ss:5+6<<0-2] i0"),
    G(FLAT, "\x83\xc0\xff", "add/3 o32 a32 d0 s0 i-1"),
    G(FLAT, "\x81\x07\xff\xff\xff\xff", "add/6 o32 a32 d0 s0 [ds:7+16<<0+0] i-1"),
    G(FLAT, "\xf0\x83\x07\x01", "add/4 o32 a32 lock d0 s0 [ds:7+16<<0+0] i1"),
    G(FLAT, "\x82\xc1\x80", "add/3 o32 a32 d8 s0 i128"),
    G(FLAT, "\xb4\x80", "mov/2 o32 a32 d1 s0 i128"),
    G(FLAT, "\xb8\x01\x02\x03\x84", "mov/5 o32 a32 d0 s0 i-2080177663"),
    G(FLAT, "\x66\xb8\x01\x82", "mov/4 o16 a32 d0 s0 i-32255"),
    G(FLAT, "\xa1\x04\x03\x02\x01", "mov/5 o32 a32 d0 s0 [ds:16+16<<0+16909060] i0"),
    G(FLAT, "\x67\x26\xa3\x02\xff", "mov/5 o32 a16 d0 s0 [es:16+16<<0+65282] i0"),
    G(FLAT, "\xc8\x34\x12\x05", "enter/4 o32 a32 d0 s0 i332340"),
    G(FLAT, "\xe8\xfb\xff\xff\xff", "call/5 o32 a32 d0 s0 i-5"),
    G(FLAT, "\xeb\x80", "jmp/2 o32 a32 d0 s0 i-128"),
    G(FLAT, "\x0f\x84\x00\x01\x00\x00", "jz/6 o32 a32 d0 s0 i256"),
    G(FLAT, "\x0f\xb6\xc4", "movzx/3 o32 a32 d0 s1 i0"),
    G(FLAT, "\x0f\xbf\xc4", "movsx/3 o32 a32 d0 s32 i0"),
    G(FLAT, "\x0f\xa4\xc8\x04", "shld/4 o32 a32 d0 s8 i4"),
    G(FLAT, "\x0f\xa5\x08", "shld/3 o32 a32 d0 s8 [ds:0+16<<0+0] i0"),
    G(FLAT, "\x6b\x01\xfe", "imul/3 o32 a32 d0 s0 [ds:1+16<<0+0] i-2"),
    G(FLAT, "\xd3\xe3", "shl/2 o32 a32 d24 s8 i0"),
    G(FLAT, "\xd1\x2b", "shr/2 o32 a32 d0 s0 [ds:3+16<<0+0] i1"),
    G(FLAT, "\xf3\xa5", "movs/2 o32 a32 rep d0 s0 i0"),
    G(FLAT, "\xf3\xf2\xa6", "cmps/3 o32 a32 repne d0 s0 i0"),
    G(FLAT, "\xf2\xf3\xa6", "cmps/3 o32 a32 rep d0 s0 i0"),
    G(FLAT, "\x0f\xc7\x0f", "cmpxchg8b/3 o32 a32 d0 s0 [ds:7+16<<0+0] i0"),
    G(FLAT, "\x0f\xca", "bswap/2 o32 a32 d16 s0 i0"),
    G(REAL, "\x01\xd8", "add/2 o16 a16 d0 s24 i0"),
    G(REAL, "\x66\x01\xd8", "add/3 o32 a16 d0 s24 i0"),
    G(REAL, "\x01\x42\x05", "add/3 o16 a16 d0 s0 [ss:5+6<<0+5] i0"),
    G(REAL, "\x01\x80\x00\x80", "add/4 o16 a16 d0 s0 [ds:3+6<<0-32768] i0"),
    G(REAL, "\x01\x0e\x34\xf2", "add/4 o16 a16 d0 s8 [ds:16+16<<0+62004] i0"),
    G(REAL, "\x67\x01\x04\x24", "add/4 o16 a32 d0 s0 [ss:4+16<<0+0] i0"),
    G(REAL, "\xe8\x00\x80", "call/3 o16 a16 d0 s0 i-32768"),
    G(REAL, "\x66\xe9\x00\x00\x00\x80", "jmp/6 o32 a16 d0 s0 i-2147483648"),
    G(PROT16, "\xd4\x0a", "aam/2 o16 a16 d0 s0 i10"),
};

START_TEST(encodings_decode_as_in_the_manual)
{
    const struct golden *g = &golden[_i];
    uint8_t padded[INSN_MAX_BYTES];

    ck_assert_str_eq(describe(g->mode, g->bytes, g->len), g->text);
    memset(padded, 0xcc, sizeof(padded));
    memcpy(padded, g->bytes, g->len);
    ck_assert_str_eq(describe(g->mode, padded, sizeof(padded)), g->text);
    for (unsigned n = 1; n < g->len; n++)
        ck_assert_str_eq(describe(g->mode, padded, n), "short");
}
END_TEST

/* SDM Vol. 2A, "Instruction format": no instruction is longer than 15 bytes. */
START_TEST(fifteen_bytes_are_an_instruction_and_sixteen_are_not)
{
    uint8_t bytes[INSN_MAX_BYTES];

    memset(bytes, 0x66, sizeof(bytes));
    bytes[14] = 0x90;
    ck_assert_str_eq(describe(FLAT, bytes, 15), "nop/15 o16 a32 d0 s0 i0");
    ck_assert_str_eq(describe(FLAT, bytes, 14), "short");
    bytes[14] = 0x01;
    ck_assert_str_eq(describe(FLAT, bytes, 15), "GP-LEN");
    bytes[14] = 0x66;
    ck_assert_str_eq(describe(FLAT, bytes, 15), "GP-LEN");
    memset(bytes, 0x2e, 9);
    memcpy(bytes + 9, "\x81\x05\x00\x00\x00\x00", 6); /* four bytes of immediate are to follow */
    ck_assert_str_eq(describe(FLAT, bytes, 15), "GP-LEN");
    memcpy(bytes + 5, "\x81\x05\x00\x00\x00\x00\x01\x00\x00\x00", 10);
    ck_assert_str_eq(describe(FLAT, bytes, 15), "add/15 o32 a32 d0 s0 [cs:16+16<<0+0] i1");
}
END_TEST

static const struct golden illegal[] = {
    G(FLAT, "\xf0\x01\xd8", "UD-LOCK"),                /* LOCK with a register destination */
    G(FLAT, "\xf0\x03\x07", "UD-LOCK"),                /* memory as source */
    G(FLAT, "\xf0\x39\x07", "UD-LOCK"),                /* CMP writes nothing */
    G(FLAT, "\xf0\x89\x07", "UD-LOCK"),                /* MOV */
    G(FLAT, "\xf0\x0f\xa3\x07", "UD-LOCK"),            /* BT */
    G(FLAT, "\xf0\xd1\x27", "UD-LOCK"),                /* shifts */
    G(FLAT, "\xf0\x90", "UD-LOCK"),
    G(FLAT, "\xf0\xa4", "UD-LOCK"),
    G(FLAT, "\x8d\xc0", "UD-REGFORM"),                 /* LEA */
    G(FLAT, "\x62\xc0", "UD-REGFORM"),                 /* BOUND */
    G(FLAT, "\x0f\xc7\xc8", "UD-REGFORM"),             /* CMPXCHG8B */
    G(FLAT, "\xfe\x10", "UD-OPCODE"),
    G(FLAT, "\xff\x38", "UD-OPCODE"),
    G(FLAT, "\x8f\x08", "UD-OPCODE"),
    G(FLAT, "\xc6\x08", "UD-OPCODE"),
    G(FLAT, "\x0f\xba\x00", "UD-OPCODE"),
    G(FLAT, "\x0f\x04", "UD-OPCODE"),
    G(FLAT, "\x0f\x38\x0c", "UD-OPCODE"),
    G(FLAT, "\x0f\x3a\x00", "UD-OPCODE"),
    G(FLAT | UNITS, "\xc4\xe1\x78\x77", "vzeroupper/4 o32 a32 d0 s0 i0"),
    G(FLAT | UNITS, "\xc4\xe1\x38\x77", "UD-VEXVVVV"), /* VEX.vvvv is to be 1111b, also where registers have three bits */
    G(PROT16 | UNITS, "\xc4\xe1\x70\x77", "UD-VEXVVVV"),
    G(LONG | UNITS, "\xc4\xe1\x38\x77", "UD-VEXVVVV"),
};

START_TEST(what_is_illegal_says_why)
{
    const struct golden *g = &illegal[_i];

    ck_assert_str_eq(describe(g->mode, g->bytes, g->len), g->text);
}
END_TEST

/* ---- Rows ---- */

static bool has_imm(const struct isa_row *row, enum isa_operand op)
{
    return row->op[0] == op || row->op[1] == op || row->op[2] == op || row->op[3] == op;
}

static bool lockable(const struct isa_row *row)
{
    return row->attributes & ISA_LOCK;
}

/* The prefixes of the row's encoding, and its map. */
static unsigned encode_start(const struct isa_row *row, bool opsize, uint8_t *bytes)
{
    static const uint8_t legacy[] = { [PF_66] = 0x66, [PF_F3] = 0xf3, [PF_F2] = 0xf2 };
    static const uint8_t pp[] = { [PF_NP] = 0, [PF_66] = 1, [PF_F3] = 2, [PF_F2] = 3 };
    unsigned n = 0, one = row->prefix & PF_ANY & -(row->prefix & PF_ANY);

    if (row->prefix & PF_VEX) {
        bytes[n++] = 0xc4;
        bytes[n++] = (uint8_t)(0xe0 | row->map);
        bytes[n++] = (uint8_t)((row->prefix & VW0 ? 0 : 0x80) | 0x78 | (row->prefix & VL0 ? 0 : 4) | pp[one]);
        return n;
    }
    if (opsize && row->prefix & PF_66)
        bytes[n++] = 0x66;
    else if ((row->prefix & PF_ANY) != PF_ANY && one != PF_NP)
        bytes[n++] = legacy[one];
    if (row->attributes & ISA_REXW)
        bytes[n++] = 0x48;
    if (row->map)
        bytes[n++] = 0x0f;
    if (row->map > 1)
        bytes[n++] = row->map == 2 ? 0x38 : 0x3a;
    return n;
}

static void check_recalled(struct cpu_recall *recall, uint32_t mode, unsigned off, const uint8_t *bytes)
{
    const struct isa_row *row, *wanted_row;
    struct cpu_insn insn, wanted;
    unsigned len = recall_decode(recall, isa, mode, off, bytes, &insn, &row);

    ck_assert_uint_eq(len, decode(isa, mode, off, bytes, INSN_MAX_BYTES, &wanted, &wanted_row));
    ck_assert_ptr_eq(row, wanted_row);
    ck_assert_mem_eq(&insn, &wanted, sizeof(insn));
}

/* Each string at two places in a page, and then with each of its bytes changed, right after it was decoded as it is. */
START_TEST(what_is_recalled_is_what_is_decoded)
{
    static const uint8_t starts[][3] = { { 0xc7, 0x05 }, { 0x48, 0xb8 }, { 0x48, 0xc7, 0x05 }, { 0xc7, 0x84 } }; /* of long ones */
    static const uint32_t modes[] = { MODE_PE | MODE_D, MODE_PE, LONG | UNITS, USER };
    struct cpu_recall *recall = calloc(1, sizeof(*recall));
    uint8_t bytes[RECALL_BYTES];
    uint32_t x = 1;

    for (unsigned n = 0; n < 20000; n++) {
        uint32_t mode = modes[n % 4];

        for (unsigned k = 0; k < sizeof(bytes); k++) {
            x = x * 1103515245 + 12345;
            bytes[k] = (uint8_t)(x >> 16);
        }
        if (n / 4 % 2)
            memcpy(bytes, starts[x >> 30], x >> 30 == 2 ? 3 : 2);
        for (unsigned k = 0; k < INSN_MAX_BYTES; k++) {
            check_recalled(recall, mode, 0xf00, bytes);
            check_recalled(recall, mode, 0x123, bytes);
            bytes[k] ^= 0x55;
            check_recalled(recall, mode, 0xf00, bytes);
            bytes[k] ^= 0x55;
        }
    }
    free(recall);
}
END_TEST

/* Decodes the row's own encoding, as register or memory form; what it must give. */
static void check_row(const struct isa_row *row, unsigned r, bool memory, uint32_t mode, bool opsize)
{
    uint8_t bytes[INSN_MAX_BYTES] = { 0 };
    unsigned n = encode_start(row, opsize, bytes), digit = row->ext < 8 ? row->ext : 0;
    const struct isa_row *found;
    struct cpu_insn insn;

    bytes[n++] = (uint8_t)(row->opcode + r);
    if (row->ext >= 0xc0)
        bytes[n++] = row->ext;
    else if (row->ext != EXT_NONE) /* [ECX], [BX+DI], or CX; with a SIB byte for VSIB */
        bytes[n++] = (uint8_t)((memory ? 0 : 0xc0) | digit << 3 | (has_imm(row, Vs) ? 4 : 1));
    ck_assert_uint_ge(decode(isa, mode, 0, bytes, sizeof(bytes), &insn, &found), n);
    if (row->opcode == 0x90 && r == 0 && row->attributes & ISA_PLUSR)
        return; /* NOP stands before it */
    if (!strcmp(row->mnemonic, "esc"))
        return; /* the coprocessor's instructions stand before it */
    if (!strcmp(row->mnemonic, "nop") && memory && found && !strncmp(found->mnemonic, "prefetch", 8))
        return; /* prefetches stand before the rest of their opcodes */
    ck_assert_msg(found == row, "%s %x/%u in mode %x: got %s", row->mnemonic, row->opcode + r, row->ext, mode,
                  found ? found->mnemonic : cpu_cause_id((enum cpu_cause)insn.imm));
    ck_assert_ptr_nonnull(insn.fn);
    ck_assert_uint_eq(insn.row, (unsigned)(row - isa_rows));
}

static bool memory_only(const struct isa_row *row)
{
    for (unsigned n = 0; n < 3; n++)
        if ((row->op[n] >= M && row->op[n] <= Mx) || row->op[n] == Vs)
            return true;
    return row->attributes & ISA_MEMONLY;
}

/* Are its operands general registers, chosen by the operand size? VEX ones need 32-bit addressing for VSIB. */
static bool exists_in(const struct isa_row *row, uint32_t mode)
{
    if (row->attributes & (mode & MODE_L ? ISA_NO64 : ISA_ONLY64))
        return false;
    return !has_imm(row, Vs) || mode & (MODE_D | MODE_L);
}

START_TEST(every_built_row_is_reached_by_its_encoding)
{
    static const uint32_t modes[] = { PROT16 | UNITS, FLAT | UNITS, LONG | UNITS };

    for (unsigned n = 0; n < isa_row_count; n++) {
        const struct isa_row *row = &isa_rows[n];
        bool modrm = row->ext != EXT_NONE && row->ext < 0xc0;

        for (unsigned m = 0; m < 3; m++)
            for (unsigned r = 0; r < (row->attributes & ISA_PLUSR ? 8u : 1u); r++)
                for (unsigned opsize = 0; opsize < 2; opsize++) {
                    if (!isa_row_built(row) || !exists_in(row, modes[m]))
                        continue;
                    if (!memory_only(row))
                        check_row(row, r, false, modes[m], opsize);
                    if (modrm && !(row->attributes & ISA_REGONLY) && !has_imm(row, Rd))
                        check_row(row, r, true, modes[m], opsize);
                }
    }
}
END_TEST

START_TEST(rows_are_sane)
{
    for (unsigned n = 0; n < isa_row_count; n++) {
        const struct isa_row *row = &isa_rows[n];

        ck_assert_msg(!(row->undefined & ~(uint32_t)EFL_ARITH), "%s: only arithmetic flags are undefined", row->mnemonic);
        if (lockable(row))
            ck_assert_msg(row->op[0] == Eb || row->op[0] == Ev || row->op[0] == M, "%s: LOCK needs memory", row->mnemonic);
        ck_assert(!(row->attributes & ISA_PLUSR) || (row->opcode & 7) == 0);
        ck_assert((row->handlers != NULL) + (row->simd != NULL) + (row->plain != NULL) <= 1);
    }
}
END_TEST

START_TEST(coverage_counts_rows_by_extension)
{
    struct sim_buf out = { 0 };

    isa_coverage(&out);
    sim_buf_u8(&out, 0);
    ck_assert_ptr_nonnull(strstr((const char *)out.data, "8086"));
    ck_assert_ptr_nonnull(strstr((const char *)out.data, "all"));
    if (getenv("SHOW_COVERAGE"))
        puts((const char *)out.data);
    sim_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tc = tcase_create("decode");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, encodings_decode_as_in_the_manual, 0, sizeof(golden) / sizeof(golden[0]));
    tcase_add_test(tc, fifteen_bytes_are_an_instruction_and_sixteen_are_not);
    tcase_add_loop_test(tc, what_is_illegal_says_why, 0, sizeof(illegal) / sizeof(illegal[0]));
    tcase_add_test(tc, every_built_row_is_reached_by_its_encoding);
    tcase_add_test(tc, what_is_recalled_is_what_is_decoded);
    tcase_add_test(tc, rows_are_sane);
    tcase_add_test(tc, coverage_counts_rows_by_extension);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
