/*
 * The decoder beside Zydis: valid forms of every row of the instruction table, mutated, and random bytes, in all modes.
 *
 *     decode_zydis [strings] [seed]
 *
 * Asked of each string of bytes: the same length and the same mnemonic, or no instruction to both. What is not so must be a row of one of three
 * lists: names[], the same instruction under another name; outside[], what is not modelled, and so #UD here; and disputes[], where one of the
 * two is wrong, with the manual's word. With FULL strings or more, a name or dispute that was never needed fails too.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef HAVE_ZYDIS
int main(void)
{
    puts("SKIP: Zydis was not found");
    return 77;
}
#else
#include <Zydis/Zydis.h>

#include "cpu/code.h"
#include "cpu/decode.h"
#include "cpu/isa/isa.h"
#include "cpu/model.h"
#include "libsim/sim.h"

#define FULL 20000000u /* enough for each row of names[] and disputes[] */
enum { UNITS = MODE_OSFXSR | MODE_AVX, SHOWN = 200 };

static const struct machine {
    const char *name;
    ZydisMachineMode machine;
    ZydisStackWidth stack;
    uint32_t mode;
    unsigned bit;
} machines[] = {
    { "64", ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64, MODE_PE | MODE_L | MODE_LMA | MODE_PG | UNITS, 8 },
    { "32", ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32, MODE_PE | MODE_D | MODE_SS32 | MODE_FLAT | UNITS, 4 },
    { "16", ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16, MODE_PE | UNITS, 2 },
    { "real", ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16, UNITS, 1 },
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

/* ---- Random strings ---- */

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return (uint32_t)(((z ^ z >> 31) >> 32) * below >> 32);
}

static unsigned put_prefixes(uint8_t *out, unsigned most)
{
    static const uint8_t prefix[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
    unsigned n = 0;

    while (n < most && rnd(100) < 30)
        out[n++] = prefix[rnd(sizeof(prefix))];
    return n;
}

static unsigned put_opcode(uint8_t *out, const struct isa_row *row)
{
    unsigned n = 0;

    if (row->map)
        out[n++] = 0x0f;
    if (row->map >= 2)
        out[n++] = row->map == 2 ? 0x38 : 0x3a;
    out[n++] = (uint8_t)(row->opcode + (row->attributes & ISA_PLUSR ? rnd(8) : 0));
    return n;
}

static unsigned put_vex(uint8_t *out, const struct isa_row *row, bool wide)
{
    unsigned pp = row->prefix & PF_66 ? 1 : row->prefix & PF_F3 ? 2 : row->prefix & PF_F2 ? 3 : 0, n = 0;
    unsigned w = (row->prefix & VWIG) == VWIG || rnd(8) == 0 ? rnd(2) : (row->prefix & VW1) != 0;
    unsigned l = (row->prefix & VLIG) == VLIG || rnd(8) == 0 ? rnd(2) : (row->prefix & VL1) != 0;
    unsigned vvvv = rnd(2) ? 15 : rnd(16), rxb = wide || rnd(8) == 0 ? rnd(8) : 7;

    if (rnd(16) == 0)
        pp = rnd(4);
    if (row->map == 1 && rnd(3) == 0) {
        out[n++] = 0xc5;
        out[n++] = (uint8_t)((rxb & 4) << 5 | vvvv << 3 | l << 2 | pp);
    } else {
        out[n++] = 0xc4;
        out[n++] = (uint8_t)(rxb << 5 | (rnd(32) ? row->map : rnd(32)));
        out[n++] = (uint8_t)(w << 7 | vvvv << 3 | l << 2 | pp);
    }
    out[n++] = row->opcode;
    return n;
}

/* A form of the row, with prefixes before it; now and then one thing is another. */
static void valid_form(uint8_t *bytes, const struct isa_row *row, bool wide)
{
    unsigned n = put_prefixes(bytes, 9);

    if (row->prefix & PF_VEX) {
        n += put_vex(bytes + n, row, wide);
    } else {
        if (!(row->prefix & PF_NP) || rnd(20) == 0)
            bytes[n++] = row->prefix & PF_66 ? 0x66 : row->prefix & PF_F3 ? 0xf3 : 0xf2;
        if (wide && rnd(2))
            bytes[n++] = (uint8_t)(0x40 | rnd(16) | (row->attributes & ISA_REXW ? 8 : 0));
        n += put_opcode(bytes + n, row);
    }
    if (row->ext >= 0xc0)
        bytes[n++] = row->ext;
    else if (row->ext < 8)
        bytes[n] = (uint8_t)((bytes[n] & 0xc7) | row->ext << 3), n++;
    if (rnd(6) == 0)
        bytes[rnd(n)] ^= (uint8_t)(1u << rnd(8));
}

/* A place of the opcode maps, whoever lives there. */
static void any_opcode(uint8_t *bytes, bool wide)
{
    static const uint8_t mandatory[] = { 0x66, 0xf2, 0xf3 };
    unsigned n = put_prefixes(bytes, 2), kind = rnd(8);

    if (kind == 0) { /* EVEX, XOP, or BOUND and POP */
        bytes[n++] = rnd(2) ? 0x62 : 0x8f;
        bytes[n] &= 0xf3;
        bytes[n + 1] |= 4;
        return;
    }
    if (kind < 4) {
        bytes[n++] = 0xc4;
        bytes[n++] = (uint8_t)((wide ? rnd(8) << 5 : 0xe0) | (1 + rnd(3)));
        bytes[n] |= 0x78;
        return;
    }
    if (rnd(2))
        bytes[n++] = mandatory[rnd(3)];
    if (wide && rnd(2))
        bytes[n++] = (uint8_t)(0x40 | rnd(16));
    bytes[n++] = 0x0f;
    switch (rnd(4)) {
    case 0: bytes[n++] = 0x38; break;
    case 1: bytes[n++] = 0x3a; break;
    case 2: /* of system instructions, many are a ModRM byte of this one */
        bytes[n++] = 0x01;
        bytes[n++] |= 0xc0;
        break;
    default: break;
    }
}

static void make_string(uint8_t bytes[INSN_MAX_BYTES], bool wide)
{
    uint8_t room[40];
    unsigned n;

    for (unsigned k = 0; k < sizeof(room); k += 4) {
        uint32_t v = rnd(UINT32_MAX);

        memcpy(room + k, &v, 4);
    }
    if (rnd(5)) {
        valid_form(room, &isa_rows[rnd(isa_row_count)], wide);
    } else if (rnd(2)) {
        any_opcode(room, wide);
    } else {
        n = put_prefixes(room, 14);
        if (rnd(3) == 0)
            room[n] = 0x0f;
        else if (rnd(8) == 0)
            room[n] = (uint8_t)(0xc4 + rnd(2));
    }
    memcpy(bytes, room, INSN_MAX_BYTES);
}

/* ---- The lists ---- */

/* The same instruction under another name. */
static struct name { const char *here, *zydis; unsigned long seen; } names[] = {
#define NAME(here, zydis) { here, zydis, 0 },
#include "testcases/oracle/decode_names.def"
#undef NAME
};

/* What is not modelled: no instruction here, these to Zydis. */
enum encoding { LEGACY_ENCODED, VEX_ENCODED, VEX256_ENCODED };
static struct outside { enum encoding encoding; const char *zydis; unsigned long seen; } outside[] = {
#define OUTSIDE(encoding, zydis) { encoding##_ENCODED, zydis, 0 },
#include "testcases/oracle/decode_outside.def"
#undef OUTSIDE
};

/* One of the two is wrong. */
enum { R = 1, P16 = 2, P32 = 4, L = 8, LEGACY = R | P16 | P32, PM = P16 | P32 | L, ALL = LEGACY | L };
static struct dispute { unsigned modes, map, opcode; const char *zydis, *here; unsigned long seen; } disputes[] = {
#define DISPUTE(modes, map, opcode, zydis, here, why) { modes, map, opcode, zydis, here, 0 },
#include "testcases/oracle/decode_disputes.def"
#undef DISPUTE
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- Comparing ---- */

static struct tally {
    unsigned long strings, same, both_illegal, outside, outside_encoding, disputed, truncated, models;
} tally;

/* What is found and stands in no list, one of each kind. */
static struct finding { char what[160], bytes[3 * INSN_MAX_BYTES + 1]; unsigned long count; } findings[4096];
static unsigned finding_count;

static void find(const char *what, const uint8_t *bytes)
{
    unsigned n = 0;

    while (n < finding_count && strcmp(findings[n].what, what) != 0)
        n++;
    if (n == COUNT(findings))
        return;
    if (n == finding_count) {
        snprintf(findings[n].what, sizeof(findings[n].what), "%s", what);
        for (unsigned k = 0; k < INSN_MAX_BYTES; k++)
            snprintf(findings[n].bytes + 3 * k, 4, "%02x ", bytes[k]);
        finding_count++;
    }
    findings[n].count++;
}

/* Both answers to one string. */
struct answers {
    const struct machine *m;
    const uint8_t *bytes;
    ZydisDecodedInstruction z;
    bool valid;
    const char *zydis, *here; /* mnemonics, or "-" */
    struct cpu_insn insn;
    const struct isa_row *decoded, *row; /* `row` is NULL where the handler refuses what was decoded */
    unsigned len;
    unsigned map, opcode;     /* of whoever knows the instruction */
};

/*
 * What decodes so that its handler may raise #UD: segment registers 6 and 7, MOV to CS, the test registers, x87 instructions that do not exist
 * (#NM goes before), a gather whose registers are not three, SYSRET where there is no 64-bit mode.
 */
static bool handler_refuses(const struct isa_row *row, const struct cpu_insn *insn, uint32_t mode)
{
    unsigned mask = insn_vvvv(insn);

    if (row->op[0] == Sw)
        return insn->dst > CPU_GS || insn->dst == CPU_CS;
    if (row->op[1] == Sw)
        return insn->src > CPU_GS;
    if (row->op[0] == Vs || row->op[1] == Vs)
        return insn->dst == insn->index || insn->dst == mask || insn->index == mask;
    return strcmp(row->mnemonic, "mov tr") == 0 || strcmp(row->mnemonic, "esc") == 0 || (strcmp(row->mnemonic, "sysret") == 0 && !(mode & MODE_PE));
}

static void ask(struct answers *a, const ZydisDecoder *decoder, const struct cpu_isa_index *isa)
{
    a->valid = ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, a->bytes, INSN_MAX_BYTES, &a->z));
    a->zydis = a->valid ? ZydisMnemonicGetString(a->z.mnemonic) : "-";
    a->len = decode(isa, a->m->mode, 0, a->bytes, INSN_MAX_BYTES, &a->insn, &a->decoded);
    a->row = a->decoded && !handler_refuses(a->decoded, &a->insn, a->m->mode) ? a->decoded : NULL;
    a->here = a->row ? a->row->mnemonic : "-";
    a->map = a->row ? a->row->map : a->valid ? (unsigned)a->z.opcode_map : 0;
    a->opcode = a->row ? a->row->opcode : a->valid ? a->z.opcode : 0;
}

static bool same_name(const char *here, const char *zydis)
{
    if (strcmp(here, zydis) == 0)
        return true;
    for (unsigned n = 0; n < COUNT(names); n++)
        if (strcmp(names[n].here, here) == 0 && strcmp(names[n].zydis, zydis) == 0) {
            names[n].seen++;
            return true;
        }
    return false;
}

static bool is_outside(const struct answers *a)
{
    bool vex = a->valid && a->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX, wide = vex && a->z.raw.vex.L;

    if (!a->valid || a->row)
        return false;
    if (a->z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && a->z.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX) {
        tally.outside_encoding++;
        return true;
    }
    for (unsigned n = 0; n < COUNT(outside); n++)
        if (strcmp(outside[n].zydis, a->zydis) == 0 && vex == (outside[n].encoding != LEGACY_ENCODED) &&
            (wide || outside[n].encoding != VEX256_ENCODED)) {
            outside[n].seen++;
            tally.outside++;
            return true;
        }
    return false;
}

static bool is_disputed(const struct answers *a)
{
    for (unsigned n = 0; n < COUNT(disputes); n++) {
        struct dispute *d = &disputes[n];

        if (d->modes & a->m->bit && d->map == a->map && d->opcode == a->opcode && strcmp(d->zydis, a->zydis) == 0 && strcmp(d->here, a->here) == 0) {
            d->seen++;
            tally.disputed++;
            return true;
        }
    }
    return false;
}

/* Any less than all of its bytes is not enough. */
static void cut_short(const struct answers *a, const struct cpu_isa_index *isa)
{
    const struct isa_row *row;
    struct cpu_insn insn;

    tally.truncated++;
    if (a->len > 1 && decode(isa, a->m->mode, 0, a->bytes, 1 + rnd(a->len - 1), &insn, &row) != 0)
        find("decoded from too few bytes", a->bytes);
}

/* ---- Models: what a model has it decodes as the whole table does, and nothing else ---- */

static struct { const struct cpu_model *model; struct cpu_isa_index *isa; } models[16];
static unsigned model_count;

static enum sim_err open_models(void)
{
    const char *name, *title;
    enum sim_err err = SIM_OK;

    while (!err && model_count < COUNT(models) && sim_cpu_model(model_count, &name, &title)) {
        models[model_count].model = cpu_model_find(name);
        err = isa_index_create(models[model_count].model->sets, &models[model_count].isa);
        model_count++;
    }
    return err;
}

static void ask_model(const struct answers *a)
{
    unsigned n = rnd(model_count), len;
    const struct cpu_model *model = models[n].model;
    const struct isa_row *row;
    struct cpu_insn insn;
    char what[160];
    bool same;

    len = decode(models[n].isa, a->m->mode, 0, a->bytes, INSN_MAX_BYTES, &insn, &row);
    tally.models++;
    same = row == a->decoded && len == a->len;
    if (a->decoded && model->sets >> a->decoded->set & 1 ? same : !row || (model->sets >> row->set & 1 && a->decoded))
        return;
    snprintf(what, sizeof(what), "%s %s of set %s is %s on %s", a->m->name, a->decoded ? a->decoded->mnemonic : "-",
             a->decoded ? isa_sets[a->decoded->set].name : "-", row ? row->mnemonic : "-", model->name);
    find(what, a->bytes);
}

static void compare(struct answers *a, const struct cpu_isa_index *isa)
{
    char what[160];

    tally.strings++;
    if (!a->row && !a->valid) {
        tally.both_illegal++;
        return;
    }
    if (a->row && a->valid && a->len == a->z.length && same_name(a->here, a->zydis)) {
        tally.same++;
        if (rnd(16) == 0)
            cut_short(a, isa);
        return;
    }
    if (is_outside(a) || is_disputed(a))
        return;
    snprintf(what, sizeof(what), "%s %u:%02X Zydis %s%s, here %s%s%s%s%s", a->m->name, a->map, a->opcode, a->zydis,
             a->valid && a->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? " (VEX)" : "", a->here,
             a->row ? "" : " (", a->row ? "" : cpu_cause_id((enum cpu_cause)a->insn.imm), a->row ? "" : ")",
             a->row && a->valid && a->len != a->z.length ? ", lengths differ" : "");
    find(what, a->bytes);
}

/* ---- The report ---- */

static bool stale(const char *list, const char *what, unsigned long seen)
{
    if (seen || tally.strings < FULL)
        return false;
    printf("%s: %s was never met\n", list, what);
    return true;
}

static bool any_stale(void)
{
    bool any = false;

    for (unsigned n = 0; n < COUNT(names); n++)
        any |= stale("names", names[n].zydis, names[n].seen);
    for (unsigned n = 0; n < COUNT(outside); n++)
        stale("outside, by chance", outside[n].zydis, outside[n].seen); /* some have few encodings */
    for (unsigned n = 0; n < COUNT(disputes); n++)
        any |= stale("disputes", disputes[n].zydis, disputes[n].seen);
    return any;
}

static void set_up(ZydisDecoder *decoder, const struct machine *m)
{
    /* Hints of other extensions, which are NOPs to all who lack them. */
    ZydisDecoderInit(decoder, m->machine, m->stack);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_WBNOINVD, ZYAN_FALSE);
}

int main(int argc, char **argv)
{
    unsigned long strings = argc > 1 ? strtoul(argv[1], NULL, 0) : 400000;
    ZydisDecoder decoder[MACHINES];
    struct cpu_isa_index *isa;
    uint8_t bytes[INSN_MAX_BYTES];
    bool bad;

    state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    if (isa_index_create(UINT64_MAX, &isa) || open_models())
        return EXIT_FAILURE;
    for (unsigned m = 0; m < MACHINES; m++)
        set_up(&decoder[m], &machines[m]);
    for (unsigned long n = 0; n < strings; n++) {
        unsigned m = (unsigned)(n % MACHINES);
        struct answers a = { .m = &machines[m], .bytes = bytes };

        make_string(bytes, machines[m].mode & MODE_L);
        ask(&a, &decoder[m], isa);
        compare(&a, isa);
        if (n % 8 < MACHINES)
            ask_model(&a);
    }
    isa_index_destroy(isa);
    for (unsigned n = 0; n < model_count; n++)
        isa_index_destroy(models[n].isa);
    bad = any_stale() || finding_count;
    for (unsigned n = 0; n < finding_count && n < SHOWN; n++)
        printf("%s %s, %lu times\n", findings[n].bytes, findings[n].what, findings[n].count);
    printf("%lu strings: %lu the same instruction, %lu none to both, %lu + %lu outside, %lu disputed, %u kinds unexplained; %lu cut short, %lu by "
           "other models\n", tally.strings, tally.same, tally.both_illegal, tally.outside, tally.outside_encoding, tally.disputed, finding_count,
           tally.truncated, tally.models);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif
