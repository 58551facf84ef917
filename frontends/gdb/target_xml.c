/*
 * The target description: GDB manual, "Target Descriptions". The table gives the order of g and G, the numbers of p and P, and the XML.
 *
 * The first feature is gdb's own, and must hold its registers in this order; so are those of SSE, AVX, protection keys and the 64-bit segment bases.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/gdb/private.h"

enum { CORE, SEGMENTS, SYSTEM, BASES, SSE, AVX, KEYS, FEATURES };

#define SEGMENT(word, sim) SEGMENT_OF(word, sim, 32)
#define SEGMENT_OF(word, sim, width)                            \
    { word "_base", sim ".base", width, SEGMENTS, "data_ptr" }, \
    { word "_limit", sim ".limit", 32, SEGMENTS, "uint32" }, \
    { word "_attr", sim ".attr", 32, SEGMENTS, "segment_attr" }
/* The base is a register that gdb knows. */
#define BASE_OF_GDB(word, sim)                              \
    { word "_base", sim ".base", 64, BASES, "data_ptr" },      \
    { word "_limit", sim ".limit", 32, SEGMENTS, "uint32" }, \
    { word "_attr", sim ".attr", 32, SEGMENTS, "segment_attr" }
#define X87(name) { name, name, 80, CORE, "i387_ext" }
#define X87_WORD(name, sim) { name, sim, 32, CORE, "int" }
/* Where the last instruction and its operand were: gdb shows them as selector and offset, or in 64-bit code as bits 47:32 and 31:0, as FXSAVE has them. */
#define X87_POINTER(selector, offset, sim_selector, sim_offset) \
    { selector, sim_selector, 32, CORE, "int" }, { offset, sim_offset, 32, CORE, "int", 0, 4 }
#define X87_POINTER64(high, low, sim) { high, sim, 32, CORE, "int", 4, 2 }, { low, sim, 32, CORE, "int", 0, 4 }
#define XMM(n) { "xmm" #n, "xmm" #n, 128, SSE, "vec128" }
#define YMM_HIGH(n) { "ymm" #n "h", "ymm" #n, 128, AVX, "uint128", 16, 16 }
#define FIRST_8(row) row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)
#define NEXT_8(row) row(8), row(9), row(10), row(11), row(12), row(13), row(14), row(15)

static const struct gdb_reg regs32[] = {
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
    X87_WORD("fctrl", "fcw"), X87_WORD("fstat", "fsw"), X87_WORD("ftag", "ftw"), X87_POINTER("fiseg", "fioff", "fcs", "fip"),
    X87_POINTER("foseg", "fooff", "fds", "fdp"), X87_WORD("fop", "fop"),
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
    FIRST_8(XMM), { "mxcsr", "mxcsr", 32, SSE, "i386_mxcsr" },
    FIRST_8(YMM_HIGH),
    { "pkru", "pkru", 32, KEYS, "int" },
};

static const struct gdb_reg regs64[] = {
    { "rax", "rax", 64, CORE, "int64" },
    { "rbx", "rbx", 64, CORE, "int64" },
    { "rcx", "rcx", 64, CORE, "int64" },
    { "rdx", "rdx", 64, CORE, "int64" },
    { "rsi", "rsi", 64, CORE, "int64" },
    { "rdi", "rdi", 64, CORE, "int64" },
    { "rbp", "rbp", 64, CORE, "data_ptr" },
    { "rsp", "rsp", 64, CORE, "data_ptr" },
    { "r8", "r8", 64, CORE, "int64" },
    { "r9", "r9", 64, CORE, "int64" },
    { "r10", "r10", 64, CORE, "int64" },
    { "r11", "r11", 64, CORE, "int64" },
    { "r12", "r12", 64, CORE, "int64" },
    { "r13", "r13", 64, CORE, "int64" },
    { "r14", "r14", 64, CORE, "int64" },
    { "r15", "r15", 64, CORE, "int64" },
    { "rip", "rip", 64, CORE, "code_ptr" },
    { "eflags", "eflags", 32, CORE, "i386_eflags" },
    { "cs", "cs", 32, CORE, "int32" },
    { "ss", "ss", 32, CORE, "int32" },
    { "ds", "ds", 32, CORE, "int32" },
    { "es", "es", 32, CORE, "int32" },
    { "fs", "fs", 32, CORE, "int32" },
    { "gs", "gs", 32, CORE, "int32" },
    X87("st0"), X87("st1"), X87("st2"), X87("st3"), X87("st4"), X87("st5"), X87("st6"), X87("st7"),
    X87_WORD("fctrl", "fcw"), X87_WORD("fstat", "fsw"), X87_WORD("ftag", "ftw"), X87_POINTER64("fiseg", "fioff", "fip"),
    X87_POINTER64("foseg", "fooff", "fdp"), X87_WORD("fop", "fop"),
    { "ip", "rip", 64, SEGMENTS, "uint64" },
    { "cpl", "cpl", 8, SEGMENTS, "uint8" },
    SEGMENT_OF("cs", "cs", 64), SEGMENT_OF("ss", "ss", 64), SEGMENT_OF("ds", "ds", 64), SEGMENT_OF("es", "es", 64),
    BASE_OF_GDB("fs", "fs"), BASE_OF_GDB("gs", "gs"),
    { "ldtr", "ldtr", 16, SEGMENTS, "uint16" }, SEGMENT_OF("ldtr", "ldtr", 64),
    { "tr", "tr", 16, SEGMENTS, "uint16" }, SEGMENT_OF("tr", "tr", 64),
    { "gdtr_base", "gdtr.base", 64, SYSTEM, "data_ptr" },
    { "gdtr_limit", "gdtr.limit", 16, SYSTEM, "uint16" },
    { "idtr_base", "idtr.base", 64, SYSTEM, "data_ptr" },
    { "idtr_limit", "idtr.limit", 16, SYSTEM, "uint16" },
    { "cr0", "cr0", 32, SYSTEM, "cr0" },
    { "cr2", "cr2", 64, SYSTEM, "data_ptr" },
    { "cr3", "cr3", 64, SYSTEM, "uint64" },
    { "cr4", "cr4", 32, SYSTEM, "cr4" },
    { "efer", "efer", 64, SYSTEM, "efer" },
    { "dr0", "dr0", 64, SYSTEM, "data_ptr" },
    { "dr1", "dr1", 64, SYSTEM, "data_ptr" },
    { "dr2", "dr2", 64, SYSTEM, "data_ptr" },
    { "dr3", "dr3", 64, SYSTEM, "data_ptr" },
    { "dr6", "dr6", 32, SYSTEM, "uint32" },
    { "dr7", "dr7", 32, SYSTEM, "uint32" },
    { "k_gs_base", "msr:0xc0000102", 64, SYSTEM, "data_ptr" },
    FIRST_8(XMM), NEXT_8(XMM), { "mxcsr", "mxcsr", 32, SSE, "i386_mxcsr" },
    FIRST_8(YMM_HIGH), NEXT_8(YMM_HIGH),
    { "pkru", "pkru", 32, KEYS, "int" },
};

#define COUNT(table) (sizeof(table) / sizeof(table[0]))
static const struct gdb_layout layout32 = { regs32, COUNT(regs32), .sp = 4, .bp = 5, .pc = 8 };
static const struct gdb_layout layout64 = { regs64, COUNT(regs64), .sp = 7, .bp = 6, .pc = 16 };

const struct gdb_layout *reg_layout(const struct gdb_server *s)
{
    return &s->layout;
}

void reg_layout_choose(struct gdb_server *s, enum code_size code)
{
    uint8_t value[64];
    size_t len;

    s->layout = code == CODE_64 ? layout64 : layout32;
    for (unsigned n = 0; n < s->layout.count; n++)
        if (s->layout.reg[n].feature >= SSE && sim_reg_read_bytes(s->sim, 0, s->layout.reg[n].source, value, sizeof(value), &len) != SIM_OK) {
            s->layout.count = n;
            return;
        }
}

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
    { "i386_mxcsr", 4, SSE,
      { BIT(IE, 0), BIT(DE, 1), BIT(ZE, 2), BIT(OE, 3), BIT(UE, 4), BIT(PE, 5), BIT(DAZ, 6), BIT(IM, 7), BIT(DM, 8), BIT(ZM, 9), BIT(OM, 10),
        BIT(UM, 11), BIT(PM, 12), { "RC", 13, 14 }, BIT(FZ, 15) } },
    { "efer", 8, SYSTEM, { BIT(SCE, 0), BIT(LME, 8), BIT(LMA, 10), BIT(NXE, 11) } },
};

/* What a vector of 16 bytes can be read as: gdb's own names. */
static const char vector_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>\n<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>\n"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>\n<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>\n"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>\n<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>\n"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
    "<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>\n";

/* ---- The text ---- */

static void put_flags(FILE *out, const struct flags *f)
{
    fprintf(out, "<flags id=\"%s\" size=\"%u\">", f->name, f->bytes);
    for (const struct bit *b = f->bit; b->name; b++)
        fprintf(out, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", b->name, b->first, b->last);
    fputs("</flags>\n", out);
}

static void put_reg(FILE *out, const struct gdb_reg *r, unsigned n)
{
    bool own = r->feature == SEGMENTS || r->feature == SYSTEM;
    const char *group = own ? "system" : r->feature == CORE && strcmp(r->type, "int") == 0 ? "float" : strcmp(r->name, "mxcsr") == 0 ? "vector" : NULL;

    /* what gdb does not know stays as it is when the user calls a function of the guest */
    fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s", r->name, r->bits, r->type, n, own ? " save-restore=\"no\"" : "");
    if (group)
        fprintf(out, " group=\"%s\"", group);
    fputs("/>\n", out);
}

static bool has_feature(const struct gdb_layout *layout, unsigned feature)
{
    for (unsigned n = 0; n < layout->count; n++)
        if (layout->reg[n].feature == feature)
            return true;
    return false;
}

static void put_feature(FILE *out, const struct gdb_layout *layout, unsigned feature)
{
    static const char *const names[FEATURES] = { "org.gnu.gdb.i386.core", "org.libsim.x86.segments", "org.libsim.x86.system", "org.gnu.gdb.i386.segments",
                                                 "org.gnu.gdb.i386.sse", "org.gnu.gdb.i386.avx", "org.gnu.gdb.i386.pkeys" };

    fprintf(out, "<feature name=\"%s\">\n", names[feature]);
    if (feature == SSE)
        fputs(vector_types, out);
    for (unsigned n = 0; n < sizeof(flag_types) / sizeof(flag_types[0]); n++)
        if (flag_types[n].feature == feature)
            put_flags(out, &flag_types[n]);
    for (unsigned n = 0; n < layout->count; n++)
        if (layout->reg[n].feature == feature)
            put_reg(out, &layout->reg[n], n);
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
        if (has_feature(reg_layout(s), feature))
            put_feature(out, reg_layout(s), feature);
    fputs("</target>\n", out);
    if (ferror(out) | fclose(out)) {
        free(s->xml);
        s->xml = NULL;
    }
    return s->xml;
}
