/*
 * The instruction table against a list of encodings made elsewhere: $ISA_TSV, or ../shared/ref/isa.tsv beside the source tree. Each
 * encoding of tiers 1 to 6 decodes, in the modes it exists in, and what the table says of it agrees: name, tier, LOCK, REP, privilege, flags.
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

static bool is_vex(const struct line *l) { return is(l, SPACE, "vex"); }

static bool starts(const struct line *l, enum column c, const char *text) { return !strncmp(l->column[c], text, strlen(text)); }

static unsigned digit_or(const struct line *l, enum column c, unsigned otherwise)
{
    return *l->column[c] >= '0' && *l->column[c] <= '7' ? (unsigned)*l->column[c] - '0' : otherwise;
}

static unsigned map_of(const struct line *l)
{
    return is(l, MAP, "0F38") ? 2 : is(l, MAP, "0F3A") ? 3 : 1;
}

/* SDM Vol. 2A, "The VEX prefix": the three-byte form, with neither R, X nor B. An operand in vvvv is register 2. */
static unsigned encode_vex(const struct line *l, uint8_t *bytes)
{
    unsigned pp = is(l, PREFIX, "66") ? 1 : is(l, PREFIX, "F3") ? 2 : is(l, PREFIX, "F2") ? 3 : 0;
    bool vvvv = strstr(l->column[OPERANDS], "_N") != NULL;

    bytes[0] = 0xc4;
    bytes[1] = (uint8_t)(0xe0 | map_of(l));
    bytes[2] = (uint8_t)((is(l, W, "W1") ? 0x80 : 0) | (vvvv ? 0xd : 0xf) << 3 | (is(l, VL, "256") ? 4 : 0) | pp);
    return 3;
}

static unsigned encode_legacy(const struct line *l, uint8_t *bytes)
{
    unsigned n = 0;

    if (starts(l, PREFIX, "66"))
        bytes[n++] = 0x66;
    if (is(l, PREFIX, "F2") || is(l, PREFIX, "66+F2") || is(l, REP, "repne"))
        bytes[n++] = 0xf2;
    if (is(l, PREFIX, "F3") || is(l, REP, "rep") || is(l, REP, "repe"))
        bytes[n++] = 0xf3;
    if (is(l, W, "W1"))
        bytes[n++] = 0x48;
    if (strncmp(l->column[MAP], "1B", 2)) {
        bytes[n++] = 0x0f;
        if (map_of(l) > 1)
            bytes[n++] = map_of(l) == 2 ? 0x38 : 0x3a;
    }
    return n;
}

/* `lock`: with that prefix before it. VSIB needs a SIB byte, which 16-bit addresses lack. */
static void encode(const struct line *l, uint8_t *bytes, uint32_t mode, bool lock)
{
    unsigned n = 0, memory = *l->column[MOD] == 'm' || *l->column[MOD] == 'v';

    if (lock)
        bytes[n++] = 0xf0;
    if (*l->column[MOD] == 'v' && !(mode & (MODE_D | MODE_L)))
        bytes[n++] = 0x67;
    n += is_vex(l) ? encode_vex(l, bytes + n) : encode_legacy(l, bytes + n);
    bytes[n++] = (uint8_t)(strtoul(l->column[OPCODE], NULL, 16) + (strstr(l->column[OPCODE], "+r") ? 1 : 0)); /* 90 itself is NOP */
    if (*l->column[MOD] != '-')
        bytes[n++] = (uint8_t)((memory ? 0 : 0xc0) | digit_or(l, REG, 0) << 3 | digit_or(l, RM, *l->column[MOD] == 'v' ? 4 : 1));
    if (*l->column[MOD] == 'v')
        bytes[n++] = 0x08; /* index 1: not the destination, which is 0, nor the mask, which is 2 */
}

static const struct isa_row *decode_line(const struct line *l, uint32_t mode, bool lock, struct cpu_insn *insn)
{
    uint8_t bytes[INSN_MAX_BYTES] = { 0 };
    const struct isa_row *row;

    encode(l, bytes, mode, lock);
    decode(isa, mode | MODE_OSFXSR | MODE_AVX, 0, bytes, sizeof(bytes), insn, &row);
    return row;
}

/* ---- What is compared ---- */

/* Where the manual says otherwise than the list. */
static bool flags_differ(const struct line *l)
{
    return is(l, MNEMONIC, "sbb")                     /* AF is defined: SDM Vol. 2B, "SBB" */
           || starts(l, IFORM, "MOV_CR")              /* flags are undefined: Vol. 2B, "MOV - Move to/from control registers" */
           || starts(l, IFORM, "MOV_DR")
           || is(l, MNEMONIC, "vptest")               /* OF, AF, PF and SF are cleared, as by PTEST: Vol. 2B, "PTEST" */
           || starts(l, MNEMONIC, "vtestp")           /* Vol. 2C, "VTESTPD/VTESTPS" */
           || is(l, MNEMONIC, "bextr");               /* ZF is by the result, CF and OF are cleared: Vol. 2A, "BEXTR" */
}

/* The list asks for CPL 0 where the row does not, or the other way round. */
static bool privilege_differs(const struct line *l)
{
    return is(l, MNEMONIC, "clac") || is(l, MNEMONIC, "stac")            /* #UD, not #GP: Vol. 2A, "CLAC" */
           || is(l, MNEMONIC, "sysexit") || starts(l, MNEMONIC, "sysret") /* asked after other conditions: Vol. 2B, "SYSEXIT" */
           || starts(l, MNEMONIC, "monitor") || starts(l, MNEMONIC, "mwait") /* #UD, not #GP: Vol. 2B, "MWAIT" */
           || is(l, ISA_SET, "SVM");                                     /* all but VMMCALL and SKINIT: APM Vol. 3, "VMRUN" */
}

/* #UD outside protected mode: these have other modes to exist in, or say #GP. Vol. 2B, "SWAPGS", "SYSCALL", "SYSENTER". */
static bool protection_differs(const struct line *l)
{
    return is_vex(l) || is(l, MNEMONIC, "swapgs") || starts(l, MNEMONIC, "sys");
}

/* 64-bit mode gives instructions of old a further operand size, and PAUSE and WAIT were there before they had a name of their own. */
static bool tier_differs(const struct line *l)
{
    return is(l, ISA_SET, "LONGMODE") || is(l, ISA_SET, "PAUSE") || is(l, MNEMONIC, "fwait");
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

static void check_attributes(const struct line *l, const struct isa_row *row)
{
    if (is(l, MOD, "mem") && (*l->column[LOCKABLE] == 'y') != ((row->attributes & ISA_LOCK) != 0))
        COMPLAIN(l, "LOCK: the row says otherwise");
    if (*l->column[REP] != '-' && !(row->attributes & ISA_STRING))
        COMPLAIN(l, "REP: the row says otherwise");
    if (!privilege_differs(l) && (*l->column[CPL0] == 'y') != ((row->attributes & ISA_CPL0) != 0))
        COMPLAIN(l, "CPL 0: the row says otherwise");
    if (!protection_differs(l) && (*l->column[PM_ONLY] == 'y') != ((row->attributes & ISA_PM) != 0))
        COMPLAIN(l, "protected mode: the row says otherwise");
}

/* Is the row's name that of the list? Ours leaves out what the operand size says, and REP. */
static bool same_name(const struct line *l, const struct isa_row *row)
{
    static const struct { const char *list, *ours; } sizes[] = {
        { "cwde", "cbw" }, { "cdqe", "cbw" }, { "cdq", "cwd" }, { "cqo", "cwd" }, { "jecxz", "jcxz" }, { "jrcxz", "jcxz" },
        { "movq", "movd" }, { "vmovq", "vmovd" }, { "pinsrq", "pinsrd" }, { "vpinsrq", "vpinsrd" }, { "pextrq", "pextrd" },
        { "vpextrq", "vpextrd" }, { "movhlps", "movlps" }, { "vmovhlps", "vmovlps" }, { "movlhps", "movhps" }, { "vmovlhps", "vmovhps" },
        { "pause", "nop" }, { "wbnoinvd", "wbinvd" },
    };
    const char *name = l->column[MNEMONIC], *blank = strchr(name, ' ');

    if (starts(l, MNEMONIC, "rep") && blank)
        name = blank + 1;
    if (!strncmp(row->mnemonic, name, strcspn(row->mnemonic, " ")))
        return true;
    for (unsigned n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++)
        if (!strcmp(name, sizes[n].list) && !strcmp(row->mnemonic, sizes[n].ours))
            return true;
    return false;
}

static void check_lock(const struct line *l, uint32_t mode)
{
    bool lockable = is(l, MOD, "mem") && *l->column[LOCKABLE] == 'y';
    struct cpu_insn insn;

    if (lockable != (decode_line(l, mode, true, &insn) != NULL))
        COMPLAIN(l, "%s LOCK in mode %x", lockable ? "does not take" : "takes", mode);
}

/* A line of the list in one mode: the row that it is, or NULL and a complaint. */
static const struct isa_row *check_mode(const struct line *l, uint32_t mode)
{
    const struct isa_row *row;
    struct cpu_insn insn;

    row = decode_line(l, mode, false, &insn);
    if (row) {
        check_lock(l, mode);
        return row;
    }
    if (insn.imm == CPU_CAUSE_UD_FEATURE) /* listed, not built: it is known all the same */
        return &isa_rows[insn.row];
    COMPLAIN(l, "is %s in mode %x", cpu_cause_id((enum cpu_cause)insn.imm), mode);
    return NULL;
}

/* REX is another instruction outside 64-bit mode, though the list may not say so. */
static bool exists(const struct line *l, const char *mode)
{
    return strstr(l->column[MODES], mode) && (!strcmp(mode, "64") || is_vex(l) || !is(l, W, "W1"));
}

static void check_line(const struct line *l)
{
    static const struct { const char *name; uint32_t mode; } modes[] = {
        { "16", MODE_PE }, { "32", MODE_PE | MODE_D | MODE_SS32 | MODE_FLAT }, { "64", MODE_PE | MODE_L | MODE_LMA | MODE_PG },
    };

    for (unsigned m = 0; m < 3; m++) {
        const struct isa_row *row = exists(l, modes[m].name) ? check_mode(l, modes[m].mode) : NULL;

        if (!row)
            continue;
        if (!same_name(l, row))
            COMPLAIN(l, "is %s in mode %x", row->mnemonic, modes[m].mode);
        if (!tier_differs(l) && isa_sets[row->set].tier != (unsigned)(*l->column[TIER] - '0'))
            COMPLAIN(l, "stands in tier %u", isa_sets[row->set].tier);
        check_attributes(l, row);
        if (!flags_differ(l))
            check_flags(l, row);
    }
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

/* What exists only without a feature that the table has, or on one processor; and UDB, whose D6 is as illegal as before it had a name. */
static bool not_ours(const struct line *l)
{
    return is(l, WHEN, "TZCNT=0") || is(l, WHEN, "LZCNT=0") || is(l, WHEN, "P4=0") || is(l, WHEN, "MODEP5=1") || is(l, WHEN, "MODE_SHORT_UD0=1") ||
           is(l, MNEMONIC, "udb");
}

START_TEST(the_list_is_in_the_table)
{
    static const unsigned at_least[] = { 0, 700, 680, 230, 1370, 21, 8 };
    unsigned tier = (unsigned)_i;
    FILE *list = open_list();
    unsigned lines = 0;
    struct line l;

    ck_assert_int_eq(isa_index_create(UINT64_MAX, &isa), 0);
    while (fgets(l.text, sizeof(l.text), list)) {
        if (*l.text == '#' || !split(&l) || *l.column[TIER] != (char)('0' + tier) || not_ours(&l))
            continue;
        lines++;
        check_line(&l);
    }
    fclose(list);
    isa_index_destroy(isa);
    fflush(stdout);
    ck_assert_uint_ge(lines, at_least[tier]);
    ck_assert_uint_eq(complaints, 0);
}
END_TEST

int main(void)
{
    FILE *list = open_list();
    SRunner *runner;
    Suite *suite;
    TCase *tc;
    int failed;

    if (!list) {
        printf("SKIP: test_isa: no list of encodings (ISA_TSV, ../shared/ref/isa.tsv)\n");
        return 77;
    }
    fclose(list);
    suite = suite_create("isa");
    tc = tcase_create("isa");
    tcase_add_loop_test(tc, the_list_is_in_the_table, 1, 7);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
