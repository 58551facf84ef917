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

static uint64_t cut(uint64_t offset, unsigned size)
{
    return size == 2 ? (uint16_t)offset : size == 4 ? (uint32_t)offset : offset;
}

/* In IA-32e mode L asks for 64 bits, and then D must be clear. */
static bool has_l_and_d(const struct cpu *cpu, const struct seg_desc *code)
{
    return xfer_long(cpu) && (code->attr & (SEG_L | SEG_DB)) == (SEG_L | SEG_DB);
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
static void push_return(struct cpu *cpu, struct xfer_stack *s, uint64_t next_ip, unsigned size)
{
    uint64_t frame[2] = { cpu->seg[CPU_CS].selector, next_ip };

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
    uint64_t next_ip;
    uint64_t target;
};

static void check_target(const struct far *f, const struct seg_desc *code)
{
    if (!xfer_reaches(f->cpu, code, f->target))
        xfer_fault_code(f->cpu, VEC_GP, 0, CPU_CAUSE_GP_JMP_OFFSET, code);
}

/* To a code segment at the same level, whether named directly or by a gate. */
static void transfer_same_on(const struct far *f, struct seg_desc *code, struct xfer_stack *s)
{
    struct cpu *cpu = f->cpu;

    if (f->call) { /* a stack that cannot take the return address is found before a bad target, as on processors */
        xfer_check_room(cpu, s, 2, f->size);
        xfer_probe(cpu, s, 2, f->size);
    }
    check_target(f, code);
    seg_set_accessed(cpu, code);
    if (f->call)
        push_return(cpu, s, f->next_ip, f->size);
    xfer_commit_code(cpu, code, cpu->cpl, f->target);
    xfer_mode_changed(cpu);
}

static void transfer_same(const struct far *f, struct seg_desc *code)
{
    struct xfer_stack s;

    xfer_present_stack(f->cpu, CPU_CAUSE_SS_LIMIT, &s);
    transfer_same_on(f, code, &s);
}

/* The code segment named by the instruction itself. */
static void transfer_code(const struct far *f, struct seg_desc *code)
{
    struct cpu *cpu = f->cpu;
    unsigned dpl = SEG_DPL(code->attr);

    if (has_l_and_d(cpu, code))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_JMP_LD, code);
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
    struct xfer_stack s;
    uint64_t frame[4 + 31];

    xfer_inner_stack(cpu, dpl, &s);
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

/* A 64-bit call gate: no parameters, SS null on the inner stack. */
static void through_long_gate(struct far *f, struct seg_desc *code)
{
    struct cpu *cpu = f->cpu;
    bool inner = f->call && !is_conforming(code) && SEG_DPL(code->attr) < cpu->cpl;
    unsigned cpl = inner ? SEG_DPL(code->attr) : cpu->cpl, n = 0;
    struct xfer_stack s;
    uint64_t frame[4];

    f->size = 8;
    xfer_long_stack(cpu, cpl, 0, &s);
    if (!inner) {
        transfer_same_on(f, code, &s);
        return;
    }
    frame[n++] = cpu->seg[CPU_SS].selector;
    frame[n++] = cpu->reg[CPU_SP];
    frame[n++] = cpu->seg[CPU_CS].selector;
    frame[n++] = f->next_ip;
    xfer_check_room(cpu, &s, n, 8);
    check_target(f, code);
    seg_set_accessed(cpu, code);
    xfer_push(cpu, &s, frame, n, 8);
    xfer_commit_stack(cpu, &s);
    xfer_commit_code(cpu, code, cpl, f->target);
    xfer_mode_changed(cpu);
}

/* SDM Vol. 3A, "64-bit call gates"; elsewhere there is nothing to check. */
static void check_long_gate(const struct far *f, struct seg_desc *gate)
{
    struct cpu *cpu = f->cpu;

    if (!xfer_long(cpu))
        return;
    if (!seg_read_upper(cpu, gate))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_JMP_LIMIT, gate);
    if (seg_upper_type(gate))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_SEG_128, gate);
}

static void transfer_call_gate(struct far *f, struct seg_desc *gate)
{
    struct cpu *cpu = f->cpu;
    struct seg_desc code;

    check_long_gate(f, gate);
    check_gate(f, gate);
    if (xfer_null(gate->gate_selector))
        xfer_fault_code(cpu, VEC_GP, 0, CPU_CAUSE_GP_GATE_CSNULL, gate);
    if (!seg_read(cpu, gate->gate_selector, &code) || !is_code(&code) || SEG_DPL(code.attr) > cpu->cpl)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_GATE_CS, &code);
    if (xfer_long(cpu) && (code.attr & (SEG_L | SEG_DB)) != SEG_L)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_GATE_64, &code);
    if (!f->call && !is_conforming(&code) && SEG_DPL(code.attr) != cpu->cpl)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_GATE_JMP, &code);
    if (!(code.attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_GATE_CS, &code);
    f->target = gate->gate_offset;
    if (xfer_long(cpu)) {
        through_long_gate(f, &code);
        return;
    }
    f->size = gate->attr & 8 ? 4 : 2;
    f->next_ip = cut(f->next_ip, f->size);
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

/* A TSS or task gate, of either size. */
static bool is_task(const struct seg_desc *d)
{
    unsigned type = d->attr & (SEG_S | SEG_TYPE);

    return type == SYS_TASK_GATE || type == SYS_TSS16_AVAILABLE || type == SYS_TSS16_BUSY || type == SYS_TSS_AVAILABLE || type == SYS_TSS_BUSY;
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
    if (xfer_long(cpu) && (d.attr & (SEG_S | SEG_TYPE)) == SYS_CALL16)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_GATE_64, &d);
    if (xfer_long(cpu) && (d.attr & (SEG_S | SEG_TYPE)) != SYS_CALL)
        xfer_fault(cpu, VEC_GP, is_task(&d) ? CPU_CAUSE_GP_TSS_LM : CPU_CAUSE_GP_JMP_TYPE, &d);
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
    struct far f = { .cpu = cpu, .i = i, .size = insn_op_bytes(i), .next_ip = xfer_next_ip(cpu, CPU_NEXT_IP(cpu, i)) };

    cpu->cur = i;
    f.target = cut(offset, f.size);
    if (xfer_protected(cpu)) {
        transfer_protected(&f, selector);
        return;
    }
    check_real_target(cpu, (uint32_t)f.target, CPU_CAUSE_GP_JMP_OFFSET);
    real_transfer(cpu, selector, (uint32_t)f.target);
}

void far_call(struct cpu *cpu, const struct cpu_insn *i, uint16_t selector, uint64_t offset)
{
    struct far f = { .cpu = cpu, .i = i, .call = true, .size = insn_op_bytes(i) };
    struct xfer_stack s;

    xfer_present_stack(cpu, CPU_CAUSE_SS_LIMIT, &s);
    cpu->cur = i;
    f.next_ip = xfer_next_ip(cpu, CPU_NEXT_IP(cpu, i));
    f.target = cut(offset, f.size);
    if (xfer_protected(cpu)) {
        transfer_protected(&f, selector);
        return;
    }
    xfer_check_room(cpu, &s, 2, f.size);
    check_real_target(cpu, (uint32_t)f.target, CPU_CAUSE_GP_JMP_OFFSET);
    push_return(cpu, &s, cut(f.next_ip, f.size), f.size);
    real_transfer(cpu, selector, (uint32_t)f.target);
}

/* ---- RET and IRET ---- */

/* What is wrong with the place to return to: a RET tells the checks apart, an IRET names itself. */
struct return_rules {
    enum cpu_cause null, outside, type, l_and_d, rpl, dpl, null_stack;
    struct xfer_stack_rules stack;
};
static const struct return_rules ret_rules = {
    CPU_CAUSE_GP_RET_NULL, CPU_CAUSE_GP_RET_LIMIT, CPU_CAUSE_GP_RET_TYPE, CPU_CAUSE_GP_JMP_LD, CPU_CAUSE_GP_RET_RPL, CPU_CAUSE_GP_RET_DPL,
    CPU_CAUSE_GP_RET_SSNULL,
    { VEC_GP, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_GP_RET_SS, CPU_CAUSE_SS_NP_RET },
};
static const struct return_rules iret_rules = {
    CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_JMP_LD, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS,
    CPU_CAUSE_GP_IRET_CS,
    { VEC_GP, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_GP_IRET_CS, CPU_CAUSE_SS_NP_RET },
};

/* A return under way: `skip` bytes stand on the stack before SS:ESP, `release` more are given back on both stacks. */
struct ret {
    struct cpu *cpu;
    const struct cpu_insn *i;
    const struct return_rules *rules;
    uint16_t selector;
    uint64_t ip;
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
    if (has_l_and_d(cpu, code))
        xfer_fault(cpu, VEC_GP, r->rules->l_and_d, code);
    if (rpl < cpu->cpl)
        xfer_fault(cpu, VEC_GP, r->rules->rpl, code);
    if (is_conforming(code) ? SEG_DPL(code->attr) > rpl : SEG_DPL(code->attr) != rpl)
        xfer_fault(cpu, VEC_GP, r->rules->dpl, code);
    if (!(code->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_CS_RET, code);
}

static void check_return_ip(struct cpu *cpu, const struct seg_desc *code, uint64_t ip)
{
    if (!xfer_reaches(cpu, code, ip))
        xfer_fault_code(cpu, VEC_GP, 0, CPU_CAUSE_GP_RET_OFFSET, code);
}

/* (E)SP or RSP as a return loads it: in the width of the new stack. Software knows that the upper half of ESP stays for a 16-bit one. */
static void load_sp(struct cpu *cpu, uint64_t sp)
{
    if (xfer_long(cpu) && cpu->seg[CPU_CS].attr & SEG_L)
        cpu->reg[CPU_SP] = sp;
    else if (cpu->seg[CPU_SS].attr & SEG_DB)
        cpu->reg[CPU_SP] = (uint32_t)sp;
    else
        cpu->reg[CPU_SP] = (cpu->reg[CPU_SP] & ~0xffffull) | (sp & 0xffff);
}

/* SS of the level `rpl`. 64-bit code inside of CPL 3 needs none. */
static void check_return_stack(const struct ret *r, const struct seg_desc *code, uint16_t ss, unsigned rpl, struct seg_desc *stack)
{
    if (!xfer_null(ss)) {
        xfer_check_stack(r->cpu, &r->rules->stack, ss, rpl, stack);
        return;
    }
    if (!xfer_is_long(r->cpu, code) || rpl == 3 || (ss & 3u) != rpl)
        xfer_fault_value(r->cpu, VEC_GP, 0, r->rules->null_stack, ss);
}

/* With SS:(E)SP from the stack: to an outer level, and IRET in 64-bit mode always. */
static void return_outer(const struct ret *r, struct seg_desc *code)
{
    struct cpu *cpu = r->cpu;
    unsigned size = insn_op_bytes(r->i), rpl = r->selector & 3u;
    uint64_t sp = stack_read(cpu, r->i, r->skip + r->release, size);
    uint16_t ss = (uint16_t)stack_read(cpu, r->i, r->skip + r->release + size, size);
    bool outer = rpl > cpu->cpl;
    struct seg_desc stack;

    check_return_stack(r, code, ss, rpl, &stack);
    check_return_ip(cpu, code, r->ip);
    seg_set_accessed(cpu, code);
    if (!xfer_null(ss))
        seg_set_accessed(cpu, &stack);
    xfer_commit_code(cpu, code, rpl, r->ip);
    if (xfer_null(ss))
        xfer_null_stack(cpu, ss);
    else
        seg_load_cache(cpu, CPU_SS, &stack);
    load_sp(cpu, sp + r->release);
    if (outer)
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
    if ((r->selector & 3u) > r->cpu->cpl || (r->rules == &iret_rules && r->cpu->mode & MODE_L))
        return_outer(r, &code);
    else
        return_same(r, &code);
}

void far_return(struct cpu *cpu, const struct cpu_insn *i, unsigned release_bytes)
{
    unsigned size = insn_op_bytes(i);
    struct ret r = { .cpu = cpu, .i = i, .rules = &ret_rules, .skip = 2 * size, .release = release_bytes };

    r.selector = (uint16_t)stack_read(cpu, i, size, 2); /* first, and as a word: it shows when both fault */
    r.ip = stack_read(cpu, i, 0, size);
    if (xfer_protected(cpu)) {
        return_protected(&r);
        xfer_mode_changed(cpu);
        return;
    }
    check_real_target(cpu, (uint32_t)r.ip, CPU_CAUSE_GP_RET_OFFSET);
    stack_add(cpu, 2 * size + release_bytes);
    real_transfer(cpu, r.selector, (uint32_t)r.ip);
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
        if (xfer_long(cpu))
            xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_IRET_NT64, cpu_eflags(cpu));
        iret_task(cpu, i);
        return;
    }
    flags = (uint32_t)stack_read(cpu, i, 2 * size, size); /* the order shows when several fault */
    r.selector = (uint16_t)stack_read(cpu, i, size, size);
    r.ip = stack_read(cpu, i, 0, size);
    if (size == 4 && flags & EFL_VM && cpl == 0 && !xfer_long(cpu)) {
        iret_to_vm86(cpu, i, r.selector, (uint32_t)r.ip, flags);
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
    if (run_wants(cpu, CPU_EVENT_RETURN)) {
        struct cpu_event event = { .kind = CPU_EVENT_RETURN };

        run_report(cpu, &event);
    }
}
