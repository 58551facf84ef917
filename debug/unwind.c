/* Call stacks: by DWARF call frame information where an image has it, else by frame pointers. The guest's stack is hostile: each step must go up. */
#include "debug/symbols.h"

#include <string.h>

#include "cpu/code.h"

/* DWARF numbers of the i386. */
enum { DW_SP = 4, DW_BP = 5, DW_IP = 8 };

#ifdef HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

#define STACK 16

/* Runs an expression. `cfa`: what DW_OP_call_frame_cfa gives. False: it uses something that is not known here. */
static bool evaluate(struct cpu *cpu, const struct unwind_regs *r, const Dwarf_Op *ops, size_t count, uint64_t cfa, bool *is_value, uint64_t *out)
{
    uint64_t stack[STACK];
    unsigned depth = 0;

    *is_value = false;
    for (size_t n = 0; n < count; n++) {
        const Dwarf_Op *op = &ops[n];
        uint64_t v = op->number;
        uint32_t word;
        unsigned reg;

        switch (op->atom) {
        case DW_OP_breg0 ... DW_OP_breg31: reg = op->atom - (unsigned)DW_OP_breg0; goto base_register;
        case DW_OP_bregx: reg = (unsigned)op->number; v = op->number2; goto base_register;
        case DW_OP_reg0 ... DW_OP_reg31: reg = op->atom - (unsigned)DW_OP_reg0; v = 0; *is_value = true; goto base_register;
        case DW_OP_regx: reg = (unsigned)op->number; v = 0; *is_value = true;
        base_register:
            if (reg >= 17 || !r->known[reg])
                return false;
            v += r->value[reg];
            break;
        case DW_OP_call_frame_cfa: v = cfa; break;
        case DW_OP_lit0 ... DW_OP_lit31: v = op->atom - (unsigned)DW_OP_lit0; break;
        case DW_OP_const1u: case DW_OP_const2u: case DW_OP_const4u: case DW_OP_const8u: case DW_OP_constu:
        case DW_OP_const1s: case DW_OP_const2s: case DW_OP_const4s: case DW_OP_const8s: case DW_OP_consts: case DW_OP_addr: break;
        case DW_OP_plus_uconst:
            if (!depth)
                return false;
            stack[depth - 1] += v;
            continue;
        case DW_OP_deref:
            if (!depth || !dbg_peek(cpu, stack[depth - 1], &word, sizeof(word)))
                return false;
            stack[depth - 1] = word;
            continue;
        case DW_OP_plus: case DW_OP_minus: case DW_OP_and: case DW_OP_ge: case DW_OP_shl:
            if (depth < 2)
                return false;
            v = stack[--depth];
            switch (op->atom) {
            case DW_OP_plus: stack[depth - 1] += v; break;
            case DW_OP_minus: stack[depth - 1] -= v; break;
            case DW_OP_and: stack[depth - 1] &= v; break;
            case DW_OP_ge: stack[depth - 1] = (int32_t)stack[depth - 1] >= (int32_t)v; break;
            default: stack[depth - 1] = v < 64 ? stack[depth - 1] << v : 0; break;
            }
            continue;
        case DW_OP_stack_value: *is_value = true; continue;
        default: return false;
        }
        if (depth == STACK)
            return false;
        stack[depth++] = v;
    }
    if (!depth)
        return false;
    *out = (uint32_t)stack[depth - 1];
    return true;
}

/* The caller's value of one register. False: unknown from here on. */
static bool restore(struct cpu *cpu, const struct unwind_regs *r, Dwarf_Frame *frame, int reg, uint64_t cfa, uint64_t *out)
{
    Dwarf_Op memory[3], *ops;
    size_t count;
    bool is_value;
    uint32_t word;

    if (dwarf_frame_register(frame, reg, memory, &ops, &count) != 0)
        return false;
    if (count == 0) {
        if (ops == memory) /* undefined */
            return false;
        if (reg == DW_SP) { /* not said: it is the CFA */
            *out = cfa;
            return true;
        }
        *out = r->value[reg];
        return r->known[reg];
    }
    if (!evaluate(cpu, r, ops, count, cfa, &is_value, out))
        return false;
    if (is_value)
        return true;
    if (!dbg_peek(cpu, *out, &word, sizeof(word)))
        return false;
    *out = word;
    return true;
}

static bool step_up(struct cpu *cpu, struct unwind_regs *r, Dwarf_Frame *frame)
{
    struct unwind_regs up = { .ip = 0 };
    bool is_value, ok;
    Dwarf_Op *ops;
    size_t count;
    uint64_t cfa;

    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || !count || !evaluate(cpu, r, ops, count, 0, &is_value, &cfa))
        return false;
    for (int reg = 0; reg <= DW_IP; reg++)
        up.known[reg] = restore(cpu, r, frame, reg, cfa, &up.value[reg]);
    if (!up.known[DW_SP]) {
        up.known[DW_SP] = true;
        up.value[DW_SP] = cfa;
    }
    ok = up.known[DW_IP];
    up.ip = up.value[DW_IP];
    if (ok)
        *r = up;
    return ok;
}

bool unwind_cfi(struct symbols *s, struct cpu *cpu, struct unwind_regs *r, bool caller)
{
    for (unsigned n = 0; n < s->images; n++) {
        struct image *image = s->image[n];
        uint64_t pc = symbols_linked(image, r->ip) - image->offset - caller; /* a return address belongs to the call before it */
        GElf_Ehdr header;

        lines_read(image);
        if (!gelf_getehdr(image->elf, &header) || header.e_machine != EM_386)
            continue;
        for (unsigned kind = 0; kind < 2; kind++) {
            Dwarf_Frame *frame;
            bool ok;

            if (!image->cfi[kind] || dwarf_cfi_addrframe(image->cfi[kind], pc, &frame) != 0)
                continue;
            ok = step_up(cpu, r, frame);
            free(frame);
            if (ok)
                return true;
        }
    }
    return false;
}

#else

bool unwind_cfi(struct symbols *s, struct cpu *cpu, struct unwind_regs *r, bool caller)
{
    (void)s, (void)cpu, (void)r, (void)caller;
    return false;
}

#endif

/* ---- Frame pointers ---- */

static bool stack_word(struct cpu *cpu, uint64_t off, unsigned size, uint64_t *out)
{
    *out = 0;
    return dbg_peek(cpu, (cpu->mode & MODE_L ? 0 : cpu->seg[CPU_SS].base) + off, out, size);
}

/* In a function's first and last instructions the frame pointer is the caller's, and the return address is near the top of the stack. */
static bool step_up_at_edge(struct cpu *cpu, struct unwind_regs *r, unsigned size)
{
    uint8_t code[4] = { 0 };
    uint64_t off;

    cpu_peek(cpu, dbg_linear(cpu, cpu->seg[CPU_CS].base + r->ip), code, sizeof(code));
    if ((memcmp(code, "\xf3\x0f\x1e", 3) == 0 && (code[3] & 0xfe) == 0xfa) || code[0] == 0x55 || code[0] == 0xc3) /* endbr; push ebp; ret */
        off = 0;
    else if (memcmp(code + (size == 8 && code[0] == 0x48), "\x89\xe5", 2) == 0 || memcmp(code, "\x8b\xec", 2) == 0) /* mov ebp, esp */
        off = size;
    else
        return false;
    if (!stack_word(cpu, r->value[DW_SP] + off, size, &r->ip))
        return false;
    r->value[DW_SP] += off + size;
    return true;
}

static bool step_up_by_pointer(struct cpu *cpu, struct unwind_regs *r, unsigned size)
{
    uint64_t bp = r->value[DW_BP], up;

    if (!r->known[DW_BP] || !bp || bp < r->value[DW_SP] || bp - r->value[DW_SP] > 1u << 20)
        return false;
    if (!stack_word(cpu, bp, size, &up) || !stack_word(cpu, bp + size, size, &r->ip))
        return false;
    r->value[DW_SP] = bp + 2 * size;
    r->value[DW_BP] = up;
    return true;
}

/* Does the address look like code: a symbol's, or at least mapped? */
static bool plausible(struct dbg *dbg, struct cpu *cpu, uint64_t ip)
{
    const char *name;
    uint64_t offset;
    uint8_t byte;

    if (!ip)
        return false;
    return dbg_symbol_at(dbg, cpu->seg[CPU_CS].base + ip, &name, &offset) || dbg_peek(cpu, cpu->seg[CPU_CS].base + ip, &byte, 1);
}

unsigned dbg_backtrace(struct dbg *dbg, struct cpu *cpu, struct dbg_frame *frames, unsigned max)
{
    static const uint8_t index[] = { CPU_AX, CPU_CX, CPU_DX, CPU_BX, CPU_SP, CPU_BP, CPU_SI, CPU_DI };
    uint64_t mask = cpu->mode & MODE_L ? UINT64_MAX : cpu->mode & MODE_SS32 ? UINT32_MAX : 0xffff, last_sp;
    struct unwind_regs r = { .ip = cpu->ip };
    unsigned size = cpu->mode & MODE_L ? 8 : cpu->mode & MODE_D ? 4 : 2;
    bool flat = cpu->seg[CPU_CS].base == 0 && cpu->seg[CPU_SS].base == 0 && size == 4;

    for (unsigned n = 0; n < 8; n++) {
        r.value[n] = cpu->reg[index[n]];
        r.known[n] = true;
    }
    r.value[DW_SP] &= mask;
    r.value[DW_BP] &= mask;
    for (unsigned n = 0; n < max; n++) {
        frames[n] = (struct dbg_frame){ r.ip, r.value[DW_SP], r.value[DW_BP] };
        last_sp = r.value[DW_SP];
        if (!(flat && unwind_cfi(dbg->symbols, cpu, &r, n > 0)) && !(n == 0 && step_up_at_edge(cpu, &r, size)) &&
            !step_up_by_pointer(cpu, &r, size))
            return n + 1;
        if (r.value[DW_SP] <= last_sp || !plausible(dbg, cpu, r.ip))
            return n + 1;
    }
    return max;
}
