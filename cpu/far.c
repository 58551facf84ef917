#include "cpu/seg.h"

#include "cpu/code.h"
#include "cpu/exec.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

static bool is_conforming(const struct seg_desc *d)
{
    return d->attr & SEG_TYPE_CONFORMING;
}

static bool is_code(const struct seg_desc *d)
{
    return (d->attr & (SEG_S | SEG_TYPE_CODE)) == (SEG_S | SEG_TYPE_CODE);
}

static uint32_t cut(uint64_t offset, unsigned size)
{
    return size == 2 ? (uint16_t)offset : (uint32_t)offset;
}

/* ---- Real mode and VM86 ---- */

static void check_real_target(struct cpu *cpu, uint32_t offset, enum cpu_cause cause)
{
    if (offset > cpu->seg[CPU_CS].limit)
        xfer_fault_value(cpu, VEC_GP, 0, cause, offset);
}

static void real_transfer(struct cpu *cpu, uint16_t selector, uint32_t offset)
{
    seg_load_real(cpu, CPU_CS, selector);
    cpu->ip = offset;
    xfer_mode_changed(cpu);
}

/* Pushes the return address of a CALL on the present stack. */
static void push_return(struct cpu *cpu, struct xfer_stack *s, uint32_t next_ip, unsigned size)
{
    uint32_t frame[2] = { cpu->seg[CPU_CS].selector, next_ip };

    xfer_push(cpu, s, frame, 2, size);
    xfer_commit_stack(cpu, s);
}

/* ---- JMP and CALL in protected mode: SDM Vol. 2A, "JMP", "CALL" ---- */

/* A transfer under way. */
struct far {
    struct cpu *cpu;
    const struct cpu_insn *i;
    bool call;
    unsigned size;    /* of a return address */
    uint32_t next_ip;
    uint32_t target;
};

static void check_target(const struct far *f, const struct seg_desc *code)
{
    if (f->target > code->limit)
        xfer_fault_code(f->cpu, VEC_GP, 0, CPU_CAUSE_GP_JMP_OFFSET, code);
}

/* To a code segment at the same level, whether named directly or by a gate. */
static void transfer_same(const struct far *f, struct seg_desc *code)
{
    struct cpu *cpu = f->cpu;
    struct xfer_stack s = xfer_present_stack(cpu, CPU_CAUSE_SS_LIMIT);

    if (f->call) { /* a stack that cannot take the return address is found before a bad target, as on processors */
        xfer_check_room(cpu, &s, 2, f->size);
        xfer_probe(cpu, &s, 2, f->size);
    }
    check_target(f, code);
    seg_set_accessed(cpu, code);
    if (f->call)
        push_return(cpu, &s, f->next_ip, f->size);
    xfer_commit_code(cpu, code, cpu->cpl, f->target);
    xfer_mode_changed(cpu);
}

/* The code segment named by the instruction itself. */
static void transfer_code(const struct far *f, struct seg_desc *code)
{
    struct cpu *cpu = f->cpu;
    unsigned dpl = SEG_DPL(code->attr);

    if (is_conforming(code)) {
        if (dpl > cpu->cpl)
            xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_JMP_CONF, code);
    } else if ((code->selector & 3u) > cpu->cpl || dpl != cpu->cpl) {
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_JMP_NONCONF, code);
    }
    if (!(code->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_CS_JMP, code);
    transfer_same(f, code);
}

/* Through a call gate to an inner level: the parameters move to the new stack. */
static void call_inner(const struct far *f, const struct seg_desc *gate, struct seg_desc *code)
{
    struct cpu *cpu = f->cpu;
    unsigned dpl = SEG_DPL(code->attr), count = gate->gate_count, n = 0;
    struct xfer_stack s = xfer_inner_stack(cpu, dpl);
    uint32_t frame[4 + 31];

    xfer_check_room(cpu, &s, 4 + count, f->size);
    check_target(f, code);
    frame[n++] = cpu->seg[CPU_SS].selector;
    frame[n++] = (uint32_t)cpu->reg[CPU_SP];
    for (unsigned p = count; p > 0; p--)
        frame[n++] = (uint32_t)stack_read(cpu, f->i, (p - 1) * f->size, f->size);
    frame[n++] = cpu->seg[CPU_CS].selector;
    frame[n++] = f->next_ip;
    seg_set_accessed(cpu, code);
    xfer_push(cpu, &s, frame, n, f->size);
    xfer_commit_stack(cpu, &s);
    xfer_commit_code(cpu, code, dpl, f->target);
    xfer_mode_changed(cpu);
}

static void check_gate(const struct far *f, const struct seg_desc *gate)
{
    unsigned dpl = SEG_DPL(gate->attr);

    if (dpl < f->cpu->cpl || dpl < (gate->selector & 3u))
        xfer_fault(f->cpu, VEC_GP, CPU_CAUSE_GP_GATE_DPL, gate);
    if (!(gate->attr & SEG_P))
        xfer_fault(f->cpu, VEC_NP, CPU_CAUSE_NP_GATE, gate);
}

static void transfer_call_gate(struct far *f, const struct seg_desc *gate)
{
    struct cpu *cpu = f->cpu;
    struct seg_desc code;

    check_gate(f, gate);
    if (xfer_null(gate->gate_selector))
        xfer_fault_code(cpu, VEC_GP, 0, CPU_CAUSE_GP_GATE_CSNULL, gate);
    if (!seg_read(cpu, gate->gate_selector, &code) || !is_code(&code) || SEG_DPL(code.attr) > cpu->cpl)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_GATE_CS, &code);
    if (!f->call && !is_conforming(&code) && SEG_DPL(code.attr) != cpu->cpl)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_GATE_JMP, &code);
    if (!(code.attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_GATE_CS, &code);
    f->size = gate->attr & 8 ? 4 : 2;
    f->next_ip = cut(f->next_ip, f->size);
    f->target = gate->gate_offset;
    if (f->call && !is_conforming(&code) && SEG_DPL(code.attr) < cpu->cpl)
        call_inner(f, gate, &code);
    else
        transfer_same(f, &code);
}

static void transfer_task(const struct far *f, const struct seg_desc *tss)
{
    task_switch(f->cpu, tss, f->call ? TASK_CALL : TASK_JUMP, f->next_ip);
    xfer_check_task_ip(f->cpu, CPU_CAUSE_GP_JMP_OFFSET);
}

static void transfer_task_gate(const struct far *f, const struct seg_desc *gate)
{
    struct seg_desc tss;

    check_gate(f, gate);
    xfer_check_task(f->cpu, gate->gate_selector, CPU_CAUSE_GP_TSS_TI, CPU_CAUSE_GP_TSS_BUSY, &tss);
    transfer_task(f, &tss);
}

static void transfer_tss(const struct far *f, const struct seg_desc *d)
{
    struct seg_desc tss;

    if (SEG_DPL(d->attr) < f->cpu->cpl || SEG_DPL(d->attr) < (d->selector & 3u))
        xfer_fault(f->cpu, VEC_GP, CPU_CAUSE_GP_TSS_DPL, d);
    xfer_check_task(f->cpu, d->selector, CPU_CAUSE_GP_TSS_TI, CPU_CAUSE_GP_TSS_BUSY, &tss);
    transfer_task(f, &tss);
}

static void transfer_protected(struct far *f, uint16_t selector)
{
    struct cpu *cpu = f->cpu;
    struct seg_desc d;

    if (xfer_null(selector))
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_JMP_NULL, selector);
    if (!seg_read(cpu, selector, &d))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_JMP_LIMIT, &d);
    if (is_code(&d)) {
        transfer_code(f, &d);
        return;
    }
    switch (d.attr & (SEG_S | SEG_TYPE)) {
    case SYS_CALL16: case SYS_CALL:
        transfer_call_gate(f, &d);
        return;
    case SYS_TASK_GATE:
        transfer_task_gate(f, &d);
        return;
    case SYS_TSS16_AVAILABLE: case SYS_TSS16_BUSY: case SYS_TSS_AVAILABLE: case SYS_TSS_BUSY:
        transfer_tss(f, &d);
        return;
    default:
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_JMP_TYPE, &d);
    }
}

void far_jump(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint64_t offset)
{
    struct far f = { .cpu = cpu, .i = i, .size = insn_op_bytes(i), .next_ip = (uint32_t)CPU_NEXT_IP(cpu, i) };

    cpu->cur = i;
    f.target = cut(offset, f.size);
    if (xfer_protected(cpu)) {
        transfer_protected(&f, selector);
        return;
    }
    check_real_target(cpu, f.target, CPU_CAUSE_GP_JMP_OFFSET);
    real_transfer(cpu, selector, f.target);
}

void far_call(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint64_t offset)
{
    struct far f = { .cpu = cpu, .i = i, .call = true, .size = insn_op_bytes(i) };
    struct xfer_stack s = xfer_present_stack(cpu, CPU_CAUSE_SS_LIMIT);

    cpu->cur = i;
    f.next_ip = (uint32_t)CPU_NEXT_IP(cpu, i);
    f.target = cut(offset, f.size);
    if (xfer_protected(cpu)) {
        transfer_protected(&f, selector);
        return;
    }
    xfer_check_room(cpu, &s, 2, f.size);
    check_real_target(cpu, f.target, CPU_CAUSE_GP_JMP_OFFSET);
    push_return(cpu, &s, cut(f.next_ip, f.size), f.size);
    real_transfer(cpu, selector, f.target);
}

/* ---- RET and IRET ---- */

/* What is wrong with the place to return to: a RET tells the checks apart, an IRET names itself. */
struct return_rules {
    enum cpu_cause null, outside, type, rpl, dpl, null_stack;
    struct xfer_stack_rules stack;
};
static const struct return_rules ret_rules = {
    CPU_CAUSE_GP_RET_NULL, CPU_CAUSE_GP_RET_LIMIT, CPU_CAUSE_GP_RET_TYPE, CPU_CAUSE_GP_RET_RPL, CPU_CAUSE_GP_RET_DPL,
    CPU_CAUSE_GP_RET_SSNULL,
    { VEC_GP, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_SS_NP_RET },
};
static const struct return_rules iret_rules = {
    CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS,
    CPU_CAUSE_GP_IRET_CS,
    { VEC_GP, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_SS_NP_RET },
};

/* A return under way: `skip` bytes stand on the stack before SS:ESP, `release` more are given back on both stacks. */
struct ret {
    struct cpu *cpu;
    const struct cpu_insn *i;
    const struct return_rules *rules;
    uint16_t selector;
    uint32_t ip;
    unsigned skip, release;
};

/* The code segment to return to; the level is its RPL. SDM Vol. 2B, "RET"; Vol. 2A, "IRET". */
static void check_return(const struct ret *r, struct seg_desc *code)
{
    struct cpu *cpu = r->cpu;
    unsigned rpl = r->selector & 3u;

    if (xfer_null(r->selector))
        xfer_fault_value(cpu, VEC_GP, 0, r->rules->null, r->selector);
    if (!seg_read(cpu, r->selector, code))
        xfer_fault(cpu, VEC_GP, r->rules->outside, code);
    if (!is_code(code))
        xfer_fault(cpu, VEC_GP, r->rules->type, code);
    if (rpl < cpu->cpl)
        xfer_fault(cpu, VEC_GP, r->rules->rpl, code);
    if (is_conforming(code) ? SEG_DPL(code->attr) > rpl : SEG_DPL(code->attr) != rpl)
        xfer_fault(cpu, VEC_GP, r->rules->dpl, code);
    if (!(code->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_CS_RET, code);
}

static void check_return_ip(struct cpu *cpu, const struct seg_desc *code, uint32_t ip)
{
    if (ip > code->limit)
        xfer_fault_code(cpu, VEC_GP, 0, CPU_CAUSE_GP_RET_OFFSET, code);
}

/* (E)SP as a return loads it: in the width of the new stack. Software knows that the upper half of ESP stays for a 16-bit one. */
static void load_sp(struct cpu *cpu, uint32_t sp)
{
    if (cpu->seg[CPU_SS].attr & SEG_DB)
        cpu->reg[CPU_SP] = sp;
    else
        cpu->reg[CPU_SP] = (cpu->reg[CPU_SP] & ~0xffffull) | (sp & 0xffff);
}

static void return_outer(const struct ret *r, struct seg_desc *code)
{
    struct cpu *cpu = r->cpu;
    unsigned size = insn_op_bytes(r->i), rpl = r->selector & 3u;
    uint32_t sp = (uint32_t)stack_read(cpu, r->i, r->skip + r->release, size);
    uint16_t ss = (uint16_t)stack_read(cpu, r->i, r->skip + r->release + size, size);
    struct seg_desc stack;

    if (xfer_null(ss))
        xfer_fault_value(cpu, VEC_GP, 0, r->rules->null_stack, ss);
    xfer_check_stack(cpu, &r->rules->stack, ss, rpl, &stack);
    check_return_ip(cpu, code, r->ip);
    seg_set_accessed(cpu, code);
    seg_set_accessed(cpu, &stack);
    xfer_commit_code(cpu, code, rpl, r->ip);
    seg_load_cache(cpu, CPU_SS, &stack);
    load_sp(cpu, sp + r->release);
    xfer_drop_data_segments(cpu);
}

static void return_same(const struct ret *r, struct seg_desc *code)
{
    check_return_ip(r->cpu, code, r->ip);
    seg_set_accessed(r->cpu, code);
    xfer_commit_code(r->cpu, code, r->cpu->cpl, r->ip);
    stack_add(r->cpu, r->skip + r->release);
}

static void return_protected(const struct ret *r)
{
    struct seg_desc code;

    check_return(r, &code);
    if ((r->selector & 3u) > r->cpu->cpl)
        return_outer(r, &code);
    else
        return_same(r, &code);
}

void far_return(struct cpu *cpu, const struct cpu_insn *i, unsigned release_bytes)
{
    unsigned size = insn_op_bytes(i);
    struct ret r = { .cpu = cpu, .i = i, .rules = &ret_rules, .skip = 2 * size, .release = release_bytes };

    r.selector = (uint16_t)stack_read(cpu, i, size, 2); /* first, and as a word: it shows when both fault */
    r.ip = (uint32_t)stack_read(cpu, i, 0, size);
    if (xfer_protected(cpu)) {
        return_protected(&r);
        xfer_mode_changed(cpu);
        return;
    }
    check_real_target(cpu, r.ip, CPU_CAUSE_GP_RET_OFFSET);
    stack_add(cpu, 2 * size + release_bytes);
    real_transfer(cpu, r.selector, r.ip);
}

/* ---- IRET: SDM Vol. 2A, "IRET" ---- */

/* Loads the flags that may be changed from this level: IF by IOPL, IOPL and the virtual flags at CPL 0. */
static void load_flags(struct cpu *cpu, uint32_t image, unsigned size, unsigned cpl)
{
    uint32_t mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT;

    if (cpl <= xfer_iopl(cpu))
        mask |= EFL_IF;
    if (cpl == 0)
        mask |= EFL_IOPL;
    if (size > 2)
        mask |= EFL_RF | EFL_AC | EFL_ID | (cpl == 0 ? EFL_VIF | EFL_VIP : 0);
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (image & mask));
}

static void iret_real(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint32_t ip, uint32_t flags)
{
    unsigned size = insn_op_bytes(i);
    uint32_t mask = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | (size > 2 ? EFL_RF | EFL_AC | EFL_ID : 0);

    check_real_target(cpu, ip, CPU_CAUSE_GP_RET_OFFSET);
    stack_add(cpu, 3 * size);
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (flags & mask));
    real_transfer(cpu, selector, ip);
}

/* Back to the task named by the back link of the present TSS. */
static void iret_task(struct cpu *cpu, const struct cpu_insn *i)
{
    uint16_t link = (uint16_t)mem_sys_read(cpu, cpu->seg[CPU_TR].base, 2);
    struct seg_desc tss;
    unsigned type;

    if (link & 4 || !seg_read(cpu, link, &tss))
        xfer_fault_tss(cpu, VEC_TS, link & 0xfffc, CPU_CAUSE_TS_BACKLINK_TI, 0, 2);
    type = tss.attr & (SEG_S | SEG_TYPE);
    if (type != SYS_TSS16_BUSY && type != SYS_TSS_BUSY)
        xfer_fault(cpu, VEC_TS, CPU_CAUSE_TS_BACKLINK_BUSY, &tss);
    if (!(tss.attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_TSS, &tss);
    task_switch(cpu, &tss, TASK_IRET, (uint32_t)CPU_NEXT_IP(cpu, i));
    xfer_check_task_ip(cpu, CPU_CAUSE_GP_RET_OFFSET);
}

/* From CPL 0 into virtual-8086 mode: nine dwords. */
static void iret_to_vm86(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint32_t ip, uint32_t flags)
{
    static const uint8_t order[] = { CPU_SS, CPU_ES, CPU_DS, CPU_FS, CPU_GS };
    const uint32_t mask = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_RF | EFL_VM | EFL_AC | EFL_VIF | EFL_VIP | EFL_ID;
    uint32_t sp = (uint32_t)stack_read(cpu, i, 12, 4);
    uint16_t segment[sizeof(order)];

    for (unsigned n = 0; n < sizeof(order); n++)
        segment[n] = (uint16_t)stack_read(cpu, i, 16 + 4 * n, 4);
    if (ip > 0xffff)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_IRET_VM, ip);
    cpu_set_eflags(cpu, flags & mask);
    cpu->cpl = 3;
    vm86_load_segment(cpu, CPU_CS, selector);
    for (unsigned n = 0; n < sizeof(order); n++)
        vm86_load_segment(cpu, order[n], segment[n]);
    cpu->reg[CPU_SP] = sp;
    cpu->ip = ip;
}

static void iret_protected(struct cpu *cpu, const struct cpu_insn *i)
{
    unsigned size = insn_op_bytes(i), cpl = cpu->cpl;
    struct ret r = { .cpu = cpu, .i = i, .rules = &iret_rules, .skip = 3 * size };
    uint32_t flags;

    if (cpu->eflags & EFL_NT) {
        iret_task(cpu, i);
        return;
    }
    flags = (uint32_t)stack_read(cpu, i, 2 * size, size); /* the order shows when several fault */
    r.selector = (uint16_t)stack_read(cpu, i, size, size);
    r.ip = (uint32_t)stack_read(cpu, i, 0, size);
    if (size == 4 && flags & EFL_VM && cpl == 0) {
        iret_to_vm86(cpu, i, r.selector, r.ip, flags);
        return;
    }
    return_protected(&r);
    load_flags(cpu, flags, size, cpl);
}

void far_iret(struct cpu *cpu, const struct cpu_insn *i)
{
    unsigned size = insn_op_bytes(i);

    cpu->cur = i;
    cpu->nmi_blocked = false; /* even when it faults: SDM Vol. 3A, "Handling multiple NMIs" */
    if (xfer_protected(cpu)) {
        iret_protected(cpu, i);
    } else if (cpu->eflags & EFL_VM) {
        vm86_iret(cpu, i);
    } else {
        uint32_t ip = (uint32_t)stack_read(cpu, i, 0, size);
        uint16_t selector = (uint16_t)stack_read(cpu, i, size, size);

        iret_real(cpu, i, selector, ip, (uint32_t)stack_read(cpu, i, 2 * size, size));
    }
    xfer_mode_changed(cpu);
    cpu_attend(cpu);
    if (run_wants(cpu, CPU_EVENT_RETURN)) {
        struct cpu_event event = { .kind = CPU_EVENT_RETURN };

        run_report(cpu, &event);
    }
}
