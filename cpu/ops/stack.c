/*
 * PUSH, POP and what builds stack frames. PUSH and POP of segment registers and flags are in the system files.
 */
#include "cpu/code.h"
#include "cpu/exec.h"

/* In EA_FLAT and EA_LONG instances the stack is flat too, and ESP or RSP its pointer. */
#define SP_LESS(bytes) FLAT_CUT(cpu->reg[CPU_SP] - (bytes))

/* SDM Vol. 2B, "PUSH". PUSH ESP pushes the old value. */
CPU_BODY(push)
{
    uint64_t v = FORM == FORM_R ? exec_reg(cpu, i->dst, WIDTH) : FORM == FORM_M ? PEEK_DST() : READ_SRC();

    if (FAST) {
        FLAT_WRITE(SP_LESS(BYTES), BYTES, v);
        cpu->reg[CPU_SP] = SP_LESS(BYTES);
    } else {
        stack_push(cpu, i, BYTES, v);
    }
    CONTINUE;
}
CPU_TEMPLATE_STACK(push)

/* SDM Vol. 2B, "POP", to a register. POP ESP keeps what was popped. */
CPU_BODY(pop)
{
    uint64_t v;

    if (FAST) {
        v = FLAT_READ(FLAT_CUT(cpu->reg[CPU_SP]), BYTES);
        cpu->reg[CPU_SP] = FLAT_CUT(cpu->reg[CPU_SP] + BYTES);
    } else {
        v = stack_read(cpu, i, 0, BYTES);
        stack_add(cpu, BYTES);
    }
    exec_set_reg(cpu, i->dst, WIDTH, v);
    CONTINUE;
}
/* To memory: the address is computed with the stack pointer already moved. */
static inline unsigned pop_memory(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes)
{
    uint64_t v = stack_read(cpu, i, 0, bytes), old = cpu->reg[CPU_SP], off;

    stack_add(cpu, bytes);
    off = mem_offset(cpu, i);
    cpu->reg[CPU_SP] = old;
    mem_write(cpu, i, mem_segment(cpu, i, i->seg, off, bytes, MEM_WRITE), bytes, v);
    stack_add(cpu, bytes);
    CONTINUE;
}
static unsigned pop_memory_16(struct cpu *cpu, const struct cpu_insn *i) { return pop_memory(cpu, i, 2); }
static unsigned pop_memory_32(struct cpu *cpu, const struct cpu_insn *i) { return pop_memory(cpu, i, 4); }
static unsigned pop_memory_64(struct cpu *cpu, const struct cpu_insn *i) { return pop_memory(cpu, i, 8); }
CPU_MEM_V(pop, R)
CPU_HANDLERS(pop, CPU_SLOT_MEM_V(pop, R) CPU_SLOT_FNS(M, NULL, pop_memory_16, pop_memory_32, pop_memory_64))

/* ---- Frames ---- */

static inline uint64_t stack_mask(const struct cpu *cpu)
{
    return cpu->mode & MODE_L ? UINT64_MAX : cpu->mode & MODE_SS32 ? UINT32_MAX : 0xffff;
}

static void set_stack_reg(struct cpu *cpu, unsigned reg, uint64_t v)
{
    uint64_t mask = stack_mask(cpu);

    cpu->reg[reg] = (cpu->reg[reg] & ~mask) | (v & mask);
}

/* A stack slot `bytes` wide at (E)SP-relative offset `at`, for writing. */
static sim_laddr slot_write(struct cpu *cpu, const struct cpu_insn *i, uint64_t at, unsigned bytes)
{
    return mem_segment(cpu, i, CPU_SS, at & stack_mask(cpu), bytes, MEM_WRITE);
}

/* Would the slot `n` below `top` be writable? */
static void probe_slot(struct cpu *cpu, const struct cpu_insn *i, uint64_t top, unsigned bytes, unsigned n)
{
    mem_probe_write(cpu, i, slot_write(cpu, i, top - (n + 1) * bytes, bytes), bytes);
}

static void write_slot(struct cpu *cpu, const struct cpu_insn *i, uint64_t top, unsigned bytes, unsigned n, uint64_t v)
{
    mem_write(cpu, i, slot_write(cpu, i, top - (n + 1) * bytes, bytes), bytes, exec_cut(v, bytes * 8));
}

/* SDM Vol. 2B, "PUSHA/PUSHAD". SP is pushed as it was. */
CPU_BODY(pusha)
{
    if (FAST) {
        uint8_t *host = FLAT_HOST(fast_write, SP_LESS(8 * BYTES), 8 * BYTES);

        for (unsigned n = 0; n < 8; n++)
            exec_store(host + n * BYTES, WIDTH, cpu->reg[7 - n]);
        cpu->reg[CPU_SP] = SP_LESS(8 * BYTES);
    } else {
        for (unsigned n = 0; n < 8; n++)
            probe_slot(cpu, i, cpu->reg[CPU_SP], BYTES, n);
        for (unsigned n = 0; n < 8; n++)
            write_slot(cpu, i, cpu->reg[CPU_SP], BYTES, n, cpu->reg[n]);
        stack_add(cpu, -8 * BYTES);
    }
    CONTINUE;
}
CPU_TEMPLATE_NONE_STACK(pusha)

/* SDM Vol. 2B, "POPA/POPAD". The SP on the stack is skipped, but for the limit check and page fault of its slot. */
CPU_BODY(popa)
{
    uint64_t v[8];

    for (unsigned n = 0; n < 8; n++)
        v[7 - n] = stack_read(cpu, i, n * BYTES, BYTES);
    for (unsigned n = 0; n < 8; n++)
        if (n != CPU_SP)
            exec_set_reg(cpu, n * 8, WIDTH, v[n]);
    stack_add(cpu, 8 * BYTES);
    CONTINUE;
}
CPU_TEMPLATE_NONE(popa)

/* Frame pointer `n` of the frame at BP, for ENTER. */
static sim_laddr outer_frame(struct cpu *cpu, const struct cpu_insn *i, unsigned bytes, unsigned n)
{
    return mem_segment(cpu, i, CPU_SS, (cpu->reg[CPU_BP] - n * bytes) & stack_mask(cpu), bytes, MEM_READ);
}

/* SDM Vol. 2A, "ENTER". The old frame pointer is pushed, frame pointers of outer levels are copied one by one from the old frame, then
 * the new one is pushed. The new stack pointer must be writable, though nothing is written there. All is probed in that order first.
 * Where SP wraps on a 16-bit stack, processors differ: the frame pointer is ESP after the push, as on the 80386, its upper half kept;
 * on recent ones the borrow goes into the upper half of EBP, though not of ESP. */
CPU_OP(op_enter)
{
    unsigned bytes = insn_op_bytes(i), level = (unsigned)(i->imm >> 16) & 31, count = level ? level + 1 : 1;
    uint64_t sp = cpu->reg[CPU_SP], end = sp - count * bytes - (uint16_t)i->imm, mask = stack_mask(cpu);
    uint64_t frame = (sp & ~mask) | ((sp - bytes) & mask);

    for (unsigned n = 0; n < count; n++) {
        if (n && n < level)
            mem_probe_read(cpu, i, outer_frame(cpu, i, bytes, n), bytes);
        probe_slot(cpu, i, sp, bytes, n);
    }
    mem_probe_write(cpu, i, slot_write(cpu, i, end, bytes), bytes);
    write_slot(cpu, i, sp, bytes, 0, cpu->reg[CPU_BP]);
    for (unsigned n = 1; n < level; n++)
        write_slot(cpu, i, sp, bytes, n, mem_read(cpu, i, outer_frame(cpu, i, bytes, n), bytes));
    if (level)
        write_slot(cpu, i, sp, bytes, level, frame);
    exec_set_reg(cpu, CPU_BP * 8, bytes * 8, frame);
    set_stack_reg(cpu, CPU_SP, end);
    CONTINUE;
}

/* SDM Vol. 2A, "LEAVE". */
CPU_BODY(leave)
{
    uint64_t bp = cpu->reg[CPU_BP], v;

    if (FAST) {
        v = FLAT_READ(FLAT_CUT(bp), BYTES);
        cpu->reg[CPU_SP] = FLAT_CUT(bp + BYTES);
    } else {
        v = mem_read(cpu, i, mem_segment(cpu, i, CPU_SS, bp & stack_mask(cpu), BYTES, MEM_READ), BYTES);
        set_stack_reg(cpu, CPU_SP, bp + BYTES);
    }
    exec_set_reg(cpu, CPU_BP * 8, WIDTH, v);
    CONTINUE;
}
CPU_TEMPLATE_NONE_STACK(leave)
