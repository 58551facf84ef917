/*
 * The instruction table against a list of encodings made elsewhere: $ISA_TSV, or ../shared/ref/isa.tsv beside the source tree. Each
 * encoding of tier 1 decodes, in the modes it exists in, and what the table says of it agrees: LOCK, REP, privilege, flags.
 *
 * The columns are described in the README beside the list.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/decode.h"

enum column { TIER, ISA_SET, ICLASS, MNEMONIC, IFORM, ENCODING, SPACE, MAP, OPCODE, PREFIX, W, VL, MOD, REG, RM, IMM, OPERANDS, IMPLICIT,
              MODES, PM_ONLY, OPSIZE, ADDRSIZE, CPL0, PRIVILEGE, LOCKABLE, REP, FLAGS_READ, FLAGS_WRITTEN, FLAGS_UNDEFINED, FLAGS_ZEROED,
              FLAGS_SET, FLAGS_COND, CPUID, EXCEPTION_CLASS, ATTRIBUTES, WHEN, NOTE, SRC, COLUMNS };

struct line {
    char text[2048];
    const char *column[COLUMNS];
};

static struct cpu_isa_index *isa;
static unsigned complaints;

#define COMPLAIN(l, ...) (complaints++, printf("%s (%s): ", (l)->column[IFORM], (l)->column[ENCODING]), printf(__VA_ARGS__), printf("\n"))

static bool is(const struct line *l, enum column c, const char *text) { return !strcmp(l->column[c], text); }

static bool split(struct line *l)
{
    char *at = l->text;

    l->text[strcspn(l->text, "\r\n")] = '\0';
    for (unsigned n = 0; n < COLUMNS; n++) {
        l->column[n] = at;
        at += strcspn(at, "\t");
        if (*at)
            *at++ = '\0';
    }
    return *l->column[SRC] != '\0';
}

static uint32_t flags(const struct line *l, enum column c)
{
    static const struct { const char *name; uint32_t bit; } names[] = {
        { "cf", EFL_CF }, { "pf", EFL_PF }, { "af", EFL_AF }, { "zf", EFL_ZF }, { "sf", EFL_SF }, { "of", EFL_OF },
    };
    uint32_t mask = 0;

    for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++)
        for (const char *p = l->column[c]; (p = strstr(p, names[n].name)) != NULL; p += 2)
            if ((p == l->column[c] || p[-1] == ' ') && (p[2] == ' ' || p[2] == '\0'))
                mask |= names[n].bit;
    return mask;
}

/* ---- An encoding of the line ---- */

static unsigned encode(const struct line *l, uint8_t *bytes, bool memory, unsigned extra)
{
    unsigned n = 0, reg = *l->column[REG] >= '0' && *l->column[REG] <= '7' ? (unsigned)*l->column[REG] - '0' : 0;
    unsigned rm = *l->column[RM] >= '0' && *l->column[RM] <= '7' ? (unsigned)*l->column[RM] - '0' : 1;

    if (is(l, PREFIX, "66"))
        bytes[n++] = 0x66;
    if (is(l, PREFIX, "F2") || is(l, REP, "repne"))
        bytes[n++] = 0xf2;
    if (is(l, PREFIX, "F3") || is(l, REP, "rep") || is(l, REP, "repe"))
        bytes[n++] = 0xf3;
    if (extra)
        bytes[n++] = (uint8_t)extra;
    if (strncmp(l->column[MAP], "1B", 2))
        bytes[n++] = 0x0f;
    bytes[n++] = (uint8_t)strtoul(l->column[OPCODE], NULL, 16);
    if (*l->column[MOD] != '-')
        bytes[n++] = (uint8_t)((memory ? 0 : 0xc0) | reg << 3 | rm);
    return n;
}

static const struct isa_row *decode_line(const struct line *l, uint32_t mode, bool memory, unsigned extra, struct cpu_insn *insn)
{
    uint8_t bytes[INSN_MAX_BYTES] = { 0 };
    const struct isa_row *row;

    encode(l, bytes, memory, extra);
    decode(isa, mode, bytes, sizeof(bytes), insn, &row);
    return row;
}

/* ---- What is compared ---- */

/* Where the manual says otherwise than the list, or the instruction is not built. */
static bool flags_differ(const struct line *l)
{
    return is(l, MNEMONIC, "sbb")                                  /* AF is defined: SDM Vol. 2B, "SBB" */
           || !strncmp(l->column[IFORM], "MOV_CR", 6)              /* flags are undefined: Vol. 2B, "MOV - Move to/from control registers" */
           || !strncmp(l->column[IFORM], "MOV_DR", 6)
           || is(l, MNEMONIC, "rsm");                              /* no SMM yet */
}

static void check_flags(const struct line *l, const struct isa_row *row)
{
    uint32_t undefined = flags(l, FLAGS_UNDEFINED);
    uint32_t written = flags(l, FLAGS_WRITTEN) | flags(l, FLAGS_ZEROED) | flags(l, FLAGS_SET) | undefined;

    if (((row->written | row->undefined) & EFL_ARITH) != written)
        COMPLAIN(l, "writes %x, the row says %x", written, (row->written | row->undefined) & EFL_ARITH);
    if ((row->undefined & EFL_ARITH) != undefined)
        COMPLAIN(l, "leaves %x undefined, the row says %x", undefined, row->undefined & EFL_ARITH);
}

static void check_attributes(const struct line *l, const struct isa_row *row, bool memory)
{
    if (memory && (*l->column[LOCKABLE] == 'y') != ((row->attributes & ISA_LOCK) != 0))
        COMPLAIN(l, "LOCK: the row says otherwise");
    if (*l->column[REP] != '-' && !(row->attributes & ISA_STRING))
        COMPLAIN(l, "REP: the row says otherwise");
    if ((*l->column[CPL0] == 'y') != ((row->attributes & ISA_CPL0) != 0))
        COMPLAIN(l, "CPL 0: the row says otherwise");
    if ((*l->column[PM_ONLY] == 'y') != ((row->attributes & ISA_PM) != 0))
        COMPLAIN(l, "protected mode: the row says otherwise");
}

static void check_line(const struct line *l)
{
    static const uint32_t modes[] = { MODE_PE, MODE_PE | MODE_D | MODE_SS32 | MODE_FLAT };
    bool memory = is(l, MOD, "mem");
    const struct isa_row *row;
    struct cpu_insn insn;

    for (unsigned m = 0; m < 2; m++) {
        if (!strstr(l->column[MODES], m ? "32" : "16"))
            continue;
        row = decode_line(l, modes[m], memory, 0, &insn);
        if (!row) {
            COMPLAIN(l, "is %s in mode %x", cpu_cause_id((enum cpu_cause)insn.imm), modes[m]);
            return;
        }
        if (memory && *l->column[LOCKABLE] != 'y' && decode_line(l, modes[m], memory, 0xf0, &insn))
            COMPLAIN(l, "takes LOCK in mode %x", modes[m]);
        if (memory && *l->column[LOCKABLE] == 'y' && !decode_line(l, modes[m], memory, 0xf0, &insn))
            COMPLAIN(l, "does not take LOCK in mode %x", modes[m]);
        if (!memory && decode_line(l, modes[m], memory, 0xf0, &insn))
            COMPLAIN(l, "takes LOCK without memory in mode %x", modes[m]);
    }
    if (!strstr(l->column[MODES], "32"))
        return;
    row = decode_line(l, modes[1], memory, 0, &insn);
    check_attributes(l, row, memory);
    if (!flags_differ(l))
        check_flags(l, row);
}

/* ---- The list ---- */

static FILE *open_list(void)
{
    const char *top = getenv("top_srcdir"), *path = getenv("ISA_TSV");
    char beside[1024];

    if (path)
        return fopen(path, "r");
    snprintf(beside, sizeof(beside), "%s/../shared/ref/isa.tsv", top ? top : ".");
    return fopen(beside, "r");
}

START_TEST(tier_1_of_the_list_is_in_the_table)
{
    FILE *list = open_list();
    unsigned lines = 0;
    struct line l;

    ck_assert_int_eq(isa_index_create(UINT64_MAX, &isa), 0);
    while (fgets(l.text, sizeof(l.text), list)) {
        if (*l.text == '#' || !split(&l) || !is(&l, TIER, "1"))
            continue;
        lines++;
        check_line(&l);
    }
    fclose(list);
    isa_index_destroy(isa);
    fflush(stdout);
    ck_assert_uint_gt(lines, 600);
    ck_assert_uint_eq(complaints, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("isa");
    TCase *tc = tcase_create("isa");
    FILE *list = open_list();
    SRunner *runner;
    int failed;

    if (!list) {
        printf("SKIP: test_isa: no list of encodings (ISA_TSV, ../shared/ref/isa.tsv)\n");
        return 77;
    }
    fclose(list);
    tcase_add_test(tc, tier_1_of_the_list_is_in_the_table);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
