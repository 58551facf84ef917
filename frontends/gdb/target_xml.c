/*
 * The target description: GDB manual, "Target Descriptions". The table gives the order of g and G, the numbers of p and P, and the XML.
 *
 * The first feature is gdb's own, and must hold its registers in this order. x87 is not modelled yet; its registers are unavailable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/gdb/private.h"

enum { CORE, SEGMENTS, SYSTEM, FEATURES };

#define SEGMENT(word, sim)                                   \
    { word "_base", sim ".base", 32, SEGMENTS, "data_ptr" }, \
    { word "_limit", sim ".limit", 32, SEGMENTS, "uint32" }, \
    { word "_attr", sim ".attr", 32, SEGMENTS, "segment_attr" }
#define X87(name) { name, NULL, 80, CORE, "i387_ext" }
#define X87_CONTROL(name) { name, NULL, 32, CORE, "int" }

const struct gdb_reg gdb_regs[] = {
    { "eax", "eax", 32, CORE, "int32" },
    { "ecx", "ecx", 32, CORE, "int32" },
    { "edx", "edx", 32, CORE, "int32" },
    { "ebx", "ebx", 32, CORE, "int32" },
    { "esp", "esp", 32, CORE, "data_ptr" },
    { "ebp", "ebp", 32, CORE, "data_ptr" },
    { "esi", "esi", 32, CORE, "int32" },
    { "edi", "edi", 32, CORE, "int32" },
    { "eip", "eip", 32, CORE, "code_ptr" },
    { "eflags", "eflags", 32, CORE, "i386_eflags" },
    { "cs", "cs", 32, CORE, "int32" },
    { "ss", "ss", 32, CORE, "int32" },
    { "ds", "ds", 32, CORE, "int32" },
    { "es", "es", 32, CORE, "int32" },
    { "fs", "fs", 32, CORE, "int32" },
    { "gs", "gs", 32, CORE, "int32" },
    X87("st0"), X87("st1"), X87("st2"), X87("st3"), X87("st4"), X87("st5"), X87("st6"), X87("st7"),
    X87_CONTROL("fctrl"), X87_CONTROL("fstat"), X87_CONTROL("ftag"), X87_CONTROL("fiseg"),
    X87_CONTROL("fioff"), X87_CONTROL("foseg"), X87_CONTROL("fooff"), X87_CONTROL("fop"),
    { "ip", "eip", 32, SEGMENTS, "uint32" },
    { "cpl", "cpl", 8, SEGMENTS, "uint8" },
    SEGMENT("cs", "cs"), SEGMENT("ss", "ss"), SEGMENT("ds", "ds"), SEGMENT("es", "es"), SEGMENT("fs", "fs"), SEGMENT("gs", "gs"),
    { "ldtr", "ldtr", 16, SEGMENTS, "uint16" }, SEGMENT("ldtr", "ldtr"),
    { "tr", "tr", 16, SEGMENTS, "uint16" }, SEGMENT("tr", "tr"),
    { "gdtr_base", "gdtr.base", 32, SYSTEM, "data_ptr" },
    { "gdtr_limit", "gdtr.limit", 16, SYSTEM, "uint16" },
    { "idtr_base", "idtr.base", 32, SYSTEM, "data_ptr" },
    { "idtr_limit", "idtr.limit", 16, SYSTEM, "uint16" },
    { "cr0", "cr0", 32, SYSTEM, "cr0" },
    { "cr2", "cr2", 32, SYSTEM, "data_ptr" },
    { "cr3", "cr3", 32, SYSTEM, "uint32" },
    { "cr4", "cr4", 32, SYSTEM, "cr4" },
    { "efer", "efer", 64, SYSTEM, "efer" },
    { "dr0", "dr0", 32, SYSTEM, "data_ptr" },
    { "dr1", "dr1", 32, SYSTEM, "data_ptr" },
    { "dr2", "dr2", 32, SYSTEM, "data_ptr" },
    { "dr3", "dr3", 32, SYSTEM, "data_ptr" },
    { "dr6", "dr6", 32, SYSTEM, "uint32" },
    { "dr7", "dr7", 32, SYSTEM, "uint32" },
};
const unsigned gdb_reg_count = sizeof(gdb_regs) / sizeof(gdb_regs[0]);

/* ---- Types ---- */

struct bit {
    const char *name;
    uint8_t first, last;
};
struct flags {
    const char *name;
    uint8_t bytes, feature;
    struct bit bit[20]; /* ends with an empty name */
};

#define BIT(name, n) { #name, n, n }
static const struct flags flag_types[] = {
    { "i386_eflags", 4, CORE,
      { BIT(CF, 0), BIT(PF, 2), BIT(AF, 4), BIT(ZF, 6), BIT(SF, 7), BIT(TF, 8), BIT(IF, 9), BIT(DF, 10), BIT(OF, 11),
        { "IOPL", 12, 13 }, BIT(NT, 14), BIT(RF, 16), BIT(VM, 17), BIT(AC, 18), BIT(VIF, 19), BIT(VIP, 20), BIT(ID, 21) } },
    { "segment_attr", 4, SEGMENTS,
      { { "TYPE", 0, 3 }, BIT(S, 4), { "DPL", 5, 6 }, BIT(P, 7), BIT(AVL, 12), BIT(L, 13), BIT(DB, 14), BIT(G, 15), BIT(UNUSABLE, 16) } },
    { "cr0", 4, SYSTEM,
      { BIT(PE, 0), BIT(MP, 1), BIT(EM, 2), BIT(TS, 3), BIT(ET, 4), BIT(NE, 5), BIT(WP, 16), BIT(AM, 18), BIT(NW, 29), BIT(CD, 30),
        BIT(PG, 31) } },
    { "cr4", 4, SYSTEM,
      { BIT(VME, 0), BIT(PVI, 1), BIT(TSD, 2), BIT(DE, 3), BIT(PSE, 4), BIT(PAE, 5), BIT(MCE, 6), BIT(PGE, 7), BIT(PCE, 8), BIT(OSFXSR, 9),
        BIT(OSXMMEXCPT, 10), BIT(UMIP, 11), BIT(VMXE, 13), BIT(FSGSBASE, 16), BIT(PCIDE, 17), BIT(OSXSAVE, 18), BIT(SMEP, 20), BIT(SMAP, 21),
        BIT(PKE, 22) } },
    { "efer", 8, SYSTEM, { BIT(SCE, 0), BIT(LME, 8), BIT(LMA, 10), BIT(NXE, 11) } },
};

/* ---- The text ---- */

static void put_flags(FILE *out, const struct flags *f)
{
    fprintf(out, "<flags id=\"%s\" size=\"%u\">", f->name, f->bytes);
    for (const struct bit *b = f->bit; b->name; b++)
        fprintf(out, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", b->name, b->first, b->last);
    fputs("</flags>\n", out);
}

static void put_reg(FILE *out, unsigned n)
{
    const struct gdb_reg *r = &gdb_regs[n];

    /* what gdb does not know stays as it is when the user calls a function of the guest */
    fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s%s/>\n", r->name, r->bits, r->type, n,
            r->feature != CORE ? " save-restore=\"no\" group=\"system\"" : "", r->feature == CORE && !r->source && r->bits == 32 ? " group=\"float\"" : "");
}

static void put_feature(FILE *out, unsigned feature)
{
    static const char *const names[FEATURES] = { "org.gnu.gdb.i386.core", "org.libsim.x86.segments", "org.libsim.x86.system" };

    fprintf(out, "<feature name=\"%s\">\n", names[feature]);
    for (unsigned n = 0; n < sizeof(flag_types) / sizeof(flag_types[0]); n++)
        if (flag_types[n].feature == feature)
            put_flags(out, &flag_types[n]);
    for (unsigned n = 0; n < gdb_reg_count; n++)
        if (gdb_regs[n].feature == feature)
            put_reg(out, n);
    fputs("</feature>\n", out);
}

const char *target_xml(struct gdb_server *s)
{
    size_t len;
    FILE *out;

    if (s->xml)
        return s->xml;
    out = open_memstream(&s->xml, &len);
    if (!out)
        return NULL;
    fputs("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n", out);
    fprintf(out, "<architecture>%s</architecture>\n<osabi>none</osabi>\n", mode_architecture(s->code));
    for (unsigned feature = 0; feature < FEATURES; feature++)
        put_feature(out, feature);
    fputs("</target>\n", out);
    if (ferror(out) | fclose(out)) {
        free(s->xml);
        s->xml = NULL;
    }
    return s->xml;
}
