/*
 * Near branches. Targets are cut to the operand size and checked against CS's limit before anything is committed; in EA_FLAT
 * instances CS spans the whole address space. Far transfers are in the system files.
 */
#include "cpu/code.h"
#include "cpu/exec.h"

/* SDM Vol. 3A, "Limit checking": the target lies outside the code segment. In 64-bit mode: it is not canonical. */
static __attribute__((noinline, cold)) _Noreturn void outside_code(struct cpu *cpu, const struct cpu_insn *i, uint64_t target)
{
    const struct cpu_seg *cs = &cpu->seg[CPU_CS];

    cpu->cur = i;
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_OPERAND, .selector = cs->selector, .level = CPU_CS, .laddr = target,
                                           .value = cs->limit };
    cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_JMP_OFFSET);
}

static inline bool is_outside(const struct cpu *cpu, uint64_t target)
{
    return cpu->mode & MODE_L ? !mem_canonical(cpu, target) : target > cpu->seg[CPU_CS].limit;
}

static inline __attribute__((always_inline)) void check_target(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, uint64_t target)
{
    if (ea == EA_FLAT)
        return;
    if (ea == EA_LONG && (target ^ cpu->reg[CPU_REG_PAGE]) >> 47 == 0) /* as canonical as this page */
        return;
    if (ea == EA_LONG ? !mem_canonical(cpu, target) : is_outside(cpu, target))
        outside_code(cpu, i, target);
}

#define RELATIVE_TARGET() CUT(CPU_NEXT_IP(cpu, i) + (uint64_t)i->imm)

/* SDM Vol. 2A, "JMP". */
CPU_BODY(jmp)
{
    uint64_t target = RELATIVE_TARGET();

    check_target(cpu, i, EA, target);
    cpu->ip = target;
    return code_leave(cpu, CPU_X_TAKEN);
}
CPU_TEMPLATE_JUMP(jmp)

CPU_BODY(jmp_indirect)
{
    uint64_t target = PEEK_DST();

    check_target(cpu, i, EA, target);
    cpu->ip = target;
    return CPU_X_JUMP;
}
CPU_MEM_V(jmp_indirect, R) CPU_MEM_V(jmp_indirect, M)
CPU_HANDLERS(jmp_indirect, CPU_SLOT_MEM_V(jmp_indirect, R) CPU_SLOT_MEM_V(jmp_indirect, M))

/* SDM Vol. 2A, "CALL". A stack that cannot take the return address is found before a target outside the segment; so do processors,
 * though the manual has it the other way round. */
static inline __attribute__((always_inline)) void check_call(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, unsigned bytes,
                                                             uint64_t target)
{
    if (ea != EA_FLAT && is_outside(cpu, target)) {
        uint64_t mask = cpu->mode & MODE_L ? UINT64_MAX : cpu->mode & MODE_SS32 ? UINT32_MAX : 0xffff;
        uint64_t sp = (cpu->reg[CPU_SP] - bytes) & mask;

        mem_probe_write(cpu, i, mem_segment(cpu, i, CPU_SS, sp, bytes, MEM_WRITE), bytes);
        outside_code(cpu, i, target);
    }
}

#define PUSH_NEXT_IP()                                                                                                       \
    do {                                                                                                                     \
        if (FAST) {                                                                                                 \
            uint64_t sp = FLAT_CUT(cpu->reg[CPU_SP] - BYTES);                                                                \
                                                                                                                             \
            FLAT_WRITE(sp, BYTES, CPU_NEXT_IP(cpu, i));                                                                      \
            cpu->reg[CPU_SP] = sp;                                                                                           \
        } else {                                                                                                             \
            stack_push(cpu, i, BYTES, CUT(CPU_NEXT_IP(cpu, i)));                                                             \
        }                                                                                                                    \
    } while (0)

CPU_BODY(call)
{
    uint64_t target = RELATIVE_TARGET();

    check_call(cpu, i, EA, BYTES, target);
    PUSH_NEXT_IP();
    cpu->ip = target;
    return code_leave(cpu, CPU_X_TAKEN);
}
CPU_TEMPLATE_JUMP(call)

CPU_BODY(call_indirect)
{
    uint64_t target = PEEK_DST();

    check_call(cpu, i, EA, BYTES, target);
    PUSH_NEXT_IP();
    cpu->ip = target;
    return CPU_X_JUMP;
}
CPU_MEM_V(call_indirect, R) CPU_MEM_V(call_indirect, M)
CPU_HANDLERS(call_indirect, CPU_SLOT_MEM_V(call_indirect, R) CPU_SLOT_MEM_V(call_indirect, M))

/* SDM Vol. 2B, "RET", near; with an immediate, that many bytes of parameters are released. */
CPU_BODY(ret)
{
    unsigned release = FORM == FORM_I ? (uint16_t)i->imm : 0;
    uint64_t target;

    if (FAST) {
        target = FLAT_READ(FLAT_CUT(cpu->reg[CPU_SP]), BYTES);
        check_target(cpu, i, EA, target);
        cpu->reg[CPU_SP] = FLAT_CUT(cpu->reg[CPU_SP] + BYTES + release);
    } else {
        target = stack_read(cpu, i, 0, BYTES);
        check_target(cpu, i, EA, target);
        stack_add(cpu, (int64_t)BYTES + release);
    }
    cpu->ip = target;
    return CPU_X_JUMP;
}
CPU_MEM_V(ret, N) CPU_MEM_V(ret, I)
CPU_HANDLERS(ret, CPU_SLOT_MEM_V(ret, N) CPU_SLOT_MEM_V(ret, I))

/* SDM Vol. 2A, "Jcc". */
#define JCC(cc, name)                                                                                                        \
    CPU_BODY(name)                                                                                                           \
    {                                                                                                                        \
        uint64_t target = RELATIVE_TARGET();                                                                                 \
                                                                                                                             \
        if (!flags_cond(cpu, cc))                                                                                            \
            return code_leave(cpu, CPU_X_NEXT);                                                                                               \
        check_target(cpu, i, EA, target);                                                                                    \
        cpu->ip = target;                                                                                                    \
        return code_leave(cpu, CPU_X_TAKEN);                                                                                                  \
    }                                                                                                                        \
    CPU_TEMPLATE_JUMP(name)
JCC(0, jo) JCC(1, jno) JCC(2, jb) JCC(3, jnb) JCC(4, jz) JCC(5, jnz) JCC(6, jbe) JCC(7, jnbe)
JCC(8, js) JCC(9, jns) JCC(10, jp) JCC(11, jnp) JCC(12, jl) JCC(13, jnl) JCC(14, jle) JCC(15, jnle)

/* ---- Branches that count: the counter's width is the address size ---- */

static inline uint64_t counter(const struct cpu *cpu, const struct cpu_insn *i)
{
    return insn_ad_cut(i, cpu->reg[CPU_CX]);
}

static inline __attribute__((always_inline)) unsigned loop(struct cpu *cpu, const struct cpu_insn *i, enum mem_ea ea, uint64_t target,
                                                           bool condition)
{
    unsigned width = insn_ad_bytes(i) * 8;
    uint64_t count = exec_cut(counter(cpu, i) - 1, width);
    bool taken = count != 0 && condition;

    if (taken)
        check_target(cpu, i, ea, target);
    exec_set_reg(cpu, CPU_CX * 8, width, count);
    if (!taken)
        return code_leave(cpu, CPU_X_NEXT);
    cpu->ip = target;
    return code_leave(cpu, CPU_X_TAKEN);
}

/* SDM Vol. 2A, "LOOP/LOOPcc". */
CPU_BODY(loop) { return loop(cpu, i, EA, RELATIVE_TARGET(), true); }
CPU_TEMPLATE_JUMP(loop)
CPU_BODY(loope) { return loop(cpu, i, EA, RELATIVE_TARGET(), flag_zf(cpu)); }
CPU_TEMPLATE_JUMP(loope)
CPU_BODY(loopne) { return loop(cpu, i, EA, RELATIVE_TARGET(), !flag_zf(cpu)); }
CPU_TEMPLATE_JUMP(loopne)

/* SDM Vol. 2A, "Jcc": JCXZ, JECXZ. */
CPU_BODY(jcxz)
{
    uint64_t target = RELATIVE_TARGET();

    if (counter(cpu, i) != 0)
        return code_leave(cpu, CPU_X_NEXT);
    check_target(cpu, i, EA, target);
    cpu->ip = target;
    return code_leave(cpu, CPU_X_TAKEN);
}
CPU_TEMPLATE_JUMP(jcxz)
