/* Disassembly with Zydis: Intel syntax, with the symbols of absolute addresses. Without it: mnemonics and bytes. */
#include <stdio.h>
#include <string.h>

#include "cpu/code.h"
#include "cpu/decode.h"
#include "debug/private.h"

#define LONGEST 15

/* Where code stands, and how it is read. */
struct place {
    sim_laddr laddr;
    uint64_t cs_base;
    uint32_t mode;
};

static sim_laddr cut(const struct place *at, uint64_t laddr)
{
    return at->mode & MODE_L ? laddr : (uint32_t)laddr;
}


#ifdef HAVE_ZYDIS

#include <Zydis/Zydis.h>

struct context {
    ZydisFormatterFunc print; /* the formatter's own */
    bool has_target;
    uint64_t target;          /* the absolute address in the instruction */
    bool branch;
};

/* An absolute address: printed as the formatter does, and noted. */
static ZyanStatus print_address(const ZydisFormatter *formatter, ZydisFormatterBuffer *buffer, ZydisFormatterContext *context)
{
    struct context *c = context->user_data;
    ZyanU64 target;

    if (ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(context->instruction, context->operand, context->runtime_address, &target))) {
        c->has_target = true;
        c->target = target;
        c->branch = context->operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    }
    return c->print(formatter, buffer, context);
}

static void append_symbol(struct dbg *dbg, uint64_t laddr, char *out, size_t cap)
{
    size_t len = strlen(out);
    const char *name;
    uint64_t offset;

    if (!dbg_symbol_at(dbg, laddr, &name, &offset))
        return;
    if (offset)
        snprintf(out + len, cap - len, " <%.64s+0x%llx>", name, (unsigned long long)offset);
    else
        snprintf(out + len, cap - len, " <%.64s>", name);
}

static unsigned to_text(struct dbg *dbg, const struct place *at, const uint8_t *bytes, size_t len, char *out, size_t cap)
{
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisFormatterFunc hook = print_address;
    ZydisDecodedInstruction insn;
    ZydisFormatter formatter;
    ZydisDecoder decoder;
    struct context context = { .has_target = false };
    bool wide = at->mode & MODE_L, half = at->mode & MODE_D;

    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, wide ? ZYDIS_MACHINE_MODE_LONG_64 : half ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                                     wide ? ZYDIS_STACK_WIDTH_64 : at->mode & MODE_SS32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16)) ||
        ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, len, &insn, operands)))
        return 0;
    if (ZYAN_FAILED(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
        ZYAN_FAILED(ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE)) ||
        ZYAN_FAILED(ZydisFormatterSetHook(&formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, (const void **)&hook)))
        return 0;
    context.print = hook;
    if (ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, &insn, operands, insn.operand_count_visible, out, cap, at->laddr - at->cs_base, &context)))
        return 0;
    if (context.has_target)
        append_symbol(dbg, cut(at, (context.branch ? at->cs_base : 0) + context.target), out, cap);
    return insn.length;
}

#else

/* Without Zydis: the mnemonic, as the CPU's own table has it, and the bytes. */
static unsigned to_text(struct dbg *dbg, const struct place *at, const uint8_t *bytes, size_t len, char *out, size_t cap)
{
    const struct isa_row *row = NULL;
    struct cpu_insn insn;
    unsigned size = decode(dbg->cluster->isa, at->mode, 0, bytes, (unsigned)len, &insn, &row);
    size_t used;

    if (!size || !row)
        return 0;
    snprintf(out, cap, "%s ", row->mnemonic);
    used = strlen(out);
    for (unsigned n = 0; n < size && used + 4 < cap; n++)
        used += (size_t)snprintf(out + used, cap - used, " %02x", bytes[n]);
    return size;
}

#endif

unsigned dbg_disassemble_as(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, uint64_t cs_base, uint32_t mode, char *out, size_t cap)
{
    struct place at = { .cs_base = cs_base, .mode = mode };
    uint8_t bytes[LONGEST];
    unsigned len;
    size_t got;

    at.laddr = cut(&at, laddr);
    got = cpu_peek(cpu, at.laddr, bytes, sizeof(bytes));
    if (!got) {
        snprintf(out, cap, "(unmapped)");
        return 1;
    }
    len = to_text(dbg, &at, bytes, got, out, cap);
    if (!len) {
        snprintf(out, cap, "(bad)");
        len = 1;
    }
    return len;
}

unsigned dbg_disassemble(struct dbg *dbg, struct cpu *cpu, uint64_t laddr, char *out, size_t cap)
{
    return dbg_disassemble_as(dbg, cpu, laddr, cpu->seg[CPU_CS].base, cpu->mode, out, cap);
}
