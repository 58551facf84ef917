/*
 * The system's instructions, as far as a user program may run them: loads and stores of segment registers, far transfers at one
 * privilege level, descriptors asked about, flags, and what is #GP because CPL is not 0.
 *
 * Selectors name the LDT, whose content both sides know, and of the host's GDT only the two flat segments. FS is left alone, and INT n
 * takes no vector that the kernel serves.
 */
#include "testcases/oracle/oracle.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/isa/isa.h"

static bool named(const struct isa_row *row, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(row->mnemonic, *names))
            return true;
    return false;
}

/* Left out: what says what host this is (CPUID, RDTSC, SGDT, ...), and INT1, which looks like a step. */
bool system_row_wanted(const struct isa_row *row)
{
    static const char *const names[] = { "push es", "push cs", "push ss", "push ds", "push fs", "push gs", "pop es", "pop ss", "pop ds",
                                         "pop gs", "les", "lds", "lss", "lgs", "call far", "jmp far", "ret far", "int3", "int", "into",
                                         "iret", "pushf", "popf", "cli", "sti", "verr", "verw", "lar", "lsl", "arpl", NULL };
    bool segment_move = row->map == 0 && (row->opcode == 0x8c || row->opcode == 0x8e);

    return segment_move || named(row, names) || row->attributes & ISA_CPL0;
}

/* INT n is left out: 64-bit kernels serve other vectors. */
bool runs_in_64_bits(const struct isa_row *row)
{
    static const char *const names[] = { "int3", "pushf", "popf", "cli", "sti", "verr", "verw", "lar", "lsl", NULL };

    return named(row, names) || row->attributes & ISA_CPL0;
}

static uint16_t any_selector(void)
{
    uint16_t rpl = rnd() % 4 ? 3 : (uint16_t)(rnd() % 3);

    switch (rnd() % 10) {
    case 0: return (uint16_t)(rnd() % 4);
    case 1: return (flat_data.selector & 0xfff8u) | rpl;
    case 2: return (flat_code.selector & 0xfff8u) | rpl;
    case 3: return (uint16_t)((ldt_count + 1 + rnd() % 3) << 3 | 4 | rpl); /* beyond the LDT */
    default: return (uint16_t)((1 + rnd() % ldt_count) << 3 | 4 | rpl);
    }
}

/* An offset that may lie in a code segment. */
static uint32_t any_target(void)
{
    return rnd() % 3 ? rnd() % 0x2100 : CODE + rnd() % 0x2000;
}

/* What is popped: `count` slots of the operand size from SS:(E)SP. */
static void put_stack(const struct test *t, const struct cpu_insn *insn, const uint32_t *value, unsigned count)
{
    const struct segment *ss = t->seg[S_SS];
    unsigned bytes = insn->flags & INSN_OP32 ? 4 : 2;

    for (unsigned n = 0; n < count; n++) {
        uint32_t sp = (uint32_t)t->in.reg[R_SP] + n * bytes;

        put_both(ss->base + (ss->big ? sp : sp & 0xffff), &value[n], bytes);
    }
}

static void put_far_pointer(const struct cpu_insn *insn, uint32_t at)
{
    uint32_t offset = any_target();
    uint16_t selector = any_selector();
    unsigned bytes = insn->flags & INSN_OP32 ? 4 : 2;

    put_both(at, &offset, bytes);
    put_both(at + bytes, &selector, 2);
}

static bool to_ss(const struct isa_row *row, const struct cpu_insn *insn)
{
    return !strcmp(row->mnemonic, "pop ss") || !strcmp(row->mnemonic, "lss") || (row->op[0] == Sw && insn->dst == CPU_SS);
}

bool choose_selectors(struct test *t, const struct isa_row *row, const struct cpu_insn *insn, uint32_t at)
{
    static const char *const popping[] = { "pop es", "pop ss", "pop ds", "pop gs", NULL };
    static const char *const by_pointer[] = { "les", "lds", "lss", "lgs", NULL };
    static const char *const asking[] = { "verr", "verw", "lar", "lsl", NULL };
    static const char *const returning[] = { "ret far", "iret", NULL };
    uint32_t frame[3] = { any_target(), any_selector(), rnd() };

    if (row->op[0] == Sw && insn->dst == CPU_FS)
        return false;
    t->to_end = to_ss(row, insn) || !strcmp(row->mnemonic, "pushf");
    if (row->op[0] == Sw || named(row, asking)) {
        uint16_t selector = any_selector();

        if (insn->flags & INSN_MEM)
            put_both(at, &selector, 2);
        else
            t->in.reg[insn->src / 8] = (t->in.reg[insn->src / 8] & 0xffff0000u) | selector;
        if (!(insn->flags & INSN_MEM) && row->op[0] == Ew)
            t->in.reg[insn->dst / 8] = selector;
    } else if (named(row, popping)) {
        put_stack(t, insn, &frame[1], 1);
    } else if (named(row, by_pointer) || (insn->flags & INSN_MEM && row->opcode == 0xff)) {
        put_far_pointer(insn, at);
    } else if (row->op[0] == Ap) {
        if (rnd() % 4) /* else the offset is as random as the rest */
            memcpy(&t->code[t->len - (insn->flags & INSN_OP32 ? 6 : 4)], &frame[0], insn->flags & INSN_OP32 ? 4 : 2);
        memcpy(&t->code[t->len - 2], &frame[1], 2);
    } else if (named(row, returning)) {
        put_stack(t, insn, frame, 3);
    } else if (!strcmp(row->mnemonic, "popf")) {
        put_stack(t, insn, &frame[2], 1);
    } else if (!strcmp(row->mnemonic, "int")) {
        uint8_t vector = t->code[t->len - 1];

        return vector != 3 && vector != 4 && vector != 0x80;
    }
    return true;
}
