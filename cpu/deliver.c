#include "cpu/delivery.h"

#include <string.h>

#include "cpu/code.h"
#include "cpu/debugreg.h"
#include "cpu/mem.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

/* ---- Raising ---- */

static bool pushes_error(unsigned vector)
{
    return vector == VEC_DF || (vector >= VEC_TS && vector <= VEC_PF) || vector == VEC_AC || vector == VEC_CP;
}

static bool has_selector_error(unsigned vector)
{
    return vector >= VEC_TS && vector <= VEC_GP;
}

/* EXT: the fault was met while delivering something that the program did not ask for. SDM Vol. 3A, "Error code". */
static bool is_external(const struct cpu_delivery *e)
{
    return e && e->type != CPU_DELIVER_SOFTWARE_INT && e->type != CPU_DELIVER_SOFTWARE_EXCEPTION;
}

/* A page fault is no rare thing; compilers hold what does not return for one, and save bytes. */
__attribute__((hot)) _Noreturn void cpu_raise(struct cpu *cpu, unsigned vector, uint32_t error, enum cpu_cause cause)
{
    if (has_selector_error(vector) && is_external(cpu->delivering))
        error |= 1;
    cpu->fault = (struct cpu_delivery){ .valid = true, .vector = (uint8_t)vector, .type = CPU_DELIVER_EXCEPTION, .cause = cause,
                                        .has_error = pushes_error(vector) && cpu->cr0 & CR0_PE, .evidence = cpu->evidence };
    cpu->fault.error = cpu->fault.has_error ? error : 0;
    if (vector == VEC_PF)
        cpu->fault.cr2 = cpu->cr2;
    if (cpu->met.bits)
        debugreg_faulted(cpu);
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_NONE };
    run_unwind(cpu, RUN_UNWIND_FAULT);
}

_Noreturn void cpu_raise_pf(struct cpu *cpu, sim_laddr laddr, uint32_t error, enum cpu_cause cause)
{
    cpu->cr2 = laddr;
    cpu_raise(cpu, VEC_PF, error, cause);
}

void cpu_evidence_at(struct cpu *cpu, enum cpu_evidence_kind kind, uint16_t selector, sim_laddr laddr, const void *bytes, unsigned size)
{
    cpu->evidence = (struct cpu_evidence){ .kind = kind, .selector = selector, .laddr = laddr, .size = bytes ? (uint8_t)size : 0 };
    if (bytes)
        memcpy(cpu->evidence.bytes, bytes, size);
}

/* ---- What is pushed ---- */

/* SDM Vol. 3B, "Instruction-breakpoint exception condition": RF is set in the image of a fault, so that going back does not meet the
 * same breakpoint again; the breakpoint's own fault leaves it alone. So it is in that of an interrupt or a trap between two iterations
 * of a REP instruction, for going back goes on with it. */
uint32_t deliver_rf(const struct cpu *cpu, const struct cpu_delivery *e)
{
    uint32_t between = cpu->in_rep ? EFL_RF : 0;

    if (e->type == CPU_DELIVER_EXTERNAL || e->type == CPU_DELIVER_NMI)
        return between;
    if (e->type != CPU_DELIVER_EXCEPTION)
        return 0;
    switch (e->vector) {
    case VEC_DB: return e->cause == CPU_CAUSE_DB_GD ? EFL_RF : between;
    case VEC_NMI: case VEC_BP: case VEC_OF: case VEC_DF: case VEC_MC: return 0;
    default: return EFL_RF;
    }
}

static uint32_t flags_image(const struct cpu *cpu, const struct cpu_delivery *e)
{
    return cpu_eflags(cpu) | deliver_rf(cpu, e);
}

/* ---- Real mode: SDM Vol. 3B, "Interrupt and exception handling" (8086 emulation) ---- */

static void deliver_real(struct cpu *cpu, const struct cpu_delivery *e)
{
    uint64_t frame[3] = { flags_image(cpu, e), cpu->seg[CPU_CS].selector, (uint32_t)cpu->ip };
    sim_laddr entry = (uint32_t)(cpu->idtr.base + e->vector * 4u);
    struct xfer_stack s;
    uint32_t target;

    xfer_present_stack(cpu, CPU_CAUSE_SS_REAL_SP, &s);
    if (e->vector * 4u + 3 > cpu->idtr.limit) {
        cpu_evidence_at(cpu, CPU_EVIDENCE_GATE, (uint16_t)(e->vector * 8u + 2), entry, NULL, 0);
        cpu->evidence.value = cpu->idtr.limit;
        cpu_raise(cpu, VEC_GP, e->vector * 8u + 2, CPU_CAUSE_GP_IDT_REAL);
    }
    target = (uint32_t)mem_sys_read(cpu, entry, 4);
    xfer_check_room(cpu, &s, 3, 2);
    if ((target & 0xffff) > cpu->seg[CPU_CS].limit)
        xfer_fault_value(cpu, VEC_GP, 0, CPU_CAUSE_GP_IDT_OFFSET, target & 0xffff);
    xfer_push(cpu, &s, frame, 3, 2);
    xfer_commit_stack(cpu, &s);
    cpu->eflags &= ~(uint32_t)(EFL_IF | EFL_TF | EFL_AC | EFL_RF);
    seg_load_real(cpu, CPU_CS, (uint16_t)(target >> 16));
    cpu->ip = target & 0xffff;
}

/* ---- Protected mode: SDM Vol. 2A, "INT n"; Vol. 3A, "Exception and interrupt handling" ---- */

static void note_gate(struct cpu *cpu, const struct seg_desc *gate)
{
    const uint64_t bytes[2] = { gate->raw, gate->upper };

    cpu_evidence_at(cpu, CPU_EVIDENCE_GATE, gate->selector, gate->laddr, bytes, gate->wide ? 16 : 8);
}

static _Noreturn void gate_fault(struct cpu *cpu, const struct seg_desc *gate, unsigned vector, enum cpu_cause cause)
{
    note_gate(cpu, gate);
    cpu_raise(cpu, vector, gate->selector, cause);
}

/* Gate types that an IDT may hold: bit n for type n. In IA-32e mode there are neither 16-bit gates nor tasks. */
static uint32_t gate_types(const struct cpu *cpu)
{
    const uint32_t gates32 = 1u << SYS_INT | 1u << SYS_TRAP;

    return xfer_long(cpu) ? gates32 : gates32 | 1u << SYS_TASK_GATE | 1u << SYS_INT16 | 1u << SYS_TRAP16;
}

/* Entries have 8 bytes, in IA-32e mode 16. */
static void read_gate(struct cpu *cpu, const struct cpu_delivery *e, struct seg_desc *gate)
{
    bool by_program = e->type == CPU_DELIVER_SOFTWARE_INT || e->type == CPU_DELIVER_SOFTWARE_EXCEPTION;
    unsigned size = xfer_long(cpu) ? 16 : 8;

    *gate = (struct seg_desc){ .selector = (uint16_t)(e->vector * 8u + 2), .limit = cpu->idtr.limit };
    gate->laddr = xfer_table_address(cpu, cpu->idtr.base + e->vector * size);
    if (e->vector * size + size - 1 > cpu->idtr.limit) {
        cpu_evidence_at(cpu, CPU_EVIDENCE_GATE, gate->selector, gate->laddr, NULL, 0);
        cpu->evidence.value = cpu->idtr.limit;
        cpu_raise(cpu, VEC_GP, gate->selector, CPU_CAUSE_GP_IDT_LIMIT);
    }
    seg_decode(mem_sys_read(cpu, gate->laddr, 8), gate);
    if (size == 16) {
        gate->wide = true;
        gate->upper = mem_sys_read(cpu, gate->laddr + 8, 8);
        gate->gate_offset |= gate->upper << 32;
    }
    if (gate->attr & SEG_S || !(gate_types(cpu) >> (gate->attr & SEG_TYPE) & 1))
        gate_fault(cpu, gate, VEC_GP, CPU_CAUSE_GP_IDT_TYPE);
    if (by_program && SEG_DPL(gate->attr) < cpu->cpl)
        gate_fault(cpu, gate, VEC_GP, CPU_CAUSE_GP_IDT_DPL);
    if (!(gate->attr & SEG_P))
        gate_fault(cpu, gate, VEC_NP, CPU_CAUSE_NP_IDT);
}

/* An error code goes on the new task's stack. */
static void deliver_task(struct cpu *cpu, const struct cpu_delivery *e, const struct seg_desc *gate)
{
    struct seg_desc tss;

    xfer_check_task(cpu, gate->gate_selector, CPU_CAUSE_GP_IDT_TASK, CPU_CAUSE_GP_IDT_TASK, &tss);
    task_switch(cpu, &tss, TASK_EVENT, cpu->ip);
    if (e->has_error) {
        struct xfer_stack s;
        unsigned size = tss.attr & 8 ? 4 : 2;
        uint64_t error = e->error;

        xfer_present_stack(cpu, CPU_CAUSE_SS_EVENT, &s);
        xfer_check_room(cpu, &s, 1, size);
        xfer_push(cpu, &s, &error, 1, size);
        xfer_commit_stack(cpu, &s);
    }
    xfer_check_task_ip(cpu, CPU_CAUSE_GP_IDT_OFFSET);
}

/* The handler's code segment; returns the CPL that it will run at. */
static unsigned check_handler(struct cpu *cpu, const struct seg_desc *gate, struct seg_desc *code)
{
    bool vm86 = cpu->eflags & EFL_VM;
    unsigned dpl;

    if (xfer_null(gate->gate_selector))
        xfer_fault_code(cpu, VEC_GP, 0, CPU_CAUSE_GP_IDT_CSNULL, gate);
    if (!seg_read(cpu, gate->gate_selector, code))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_IDT_CSLIMIT, code);
    dpl = SEG_DPL(code->attr);
    if (!(code->attr & SEG_S) || !(code->attr & SEG_TYPE_CODE) || dpl > cpu->cpl)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_IDT_CSTYPE, code);
    if (xfer_long(cpu) && (code->attr & (SEG_L | SEG_DB)) != SEG_L)
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_IDT_CS64, code);
    if (!(code->attr & SEG_P))
        xfer_fault(cpu, VEC_NP, CPU_CAUSE_NP_IDT_CS, code);
    if (vm86 && (code->attr & SEG_TYPE_CONFORMING || dpl != 0))
        xfer_fault(cpu, VEC_GP, CPU_CAUSE_GP_IDT_V86, code);
    return code->attr & SEG_TYPE_CONFORMING ? cpu->cpl : dpl;
}

/* A stack under construction: what an event pushes, the first one highest. */
struct frame {
    uint64_t value[10];
    unsigned count;
};

static void add(struct frame *f, uint64_t value)
{
    f->value[f->count++] = value;
}

static void build_frame(const struct cpu *cpu, const struct cpu_delivery *e, bool inner, struct frame *f)
{
    if (cpu->eflags & EFL_VM) {
        add(f, cpu->seg[CPU_GS].selector);
        add(f, cpu->seg[CPU_FS].selector);
        add(f, cpu->seg[CPU_DS].selector);
        add(f, cpu->seg[CPU_ES].selector);
    }
    if (inner) {
        add(f, cpu->seg[CPU_SS].selector);
        add(f, cpu->reg[CPU_SP]);
    }
    add(f, flags_image(cpu, e));
    add(f, cpu->seg[CPU_CS].selector);
    add(f, cpu->ip);
    if (e->has_error)
        add(f, e->error);
}

static void leave_vm86(struct cpu *cpu)
{
    seg_load_null(cpu, CPU_GS, 0);
    seg_load_null(cpu, CPU_FS, 0);
    seg_load_null(cpu, CPU_DS, 0);
    seg_load_null(cpu, CPU_ES, 0);
}

static void check_offset(struct cpu *cpu, const struct seg_desc *gate, const struct seg_desc *code)
{
    if (xfer_reaches(cpu, code, gate->gate_offset))
        return;
    note_gate(cpu, gate);
    cpu->evidence.value = code->limit;
    cpu_raise(cpu, VEC_GP, 0, CPU_CAUSE_GP_IDT_OFFSET);
}

/* The handler is reached: no more faults. */
static void enter_handler(struct cpu *cpu, const struct seg_desc *gate, const struct seg_desc *code, unsigned cpl)
{
    xfer_commit_code(cpu, code, cpl, gate->gate_offset);
    cpu->eflags &= ~(uint32_t)(EFL_TF | EFL_NT | EFL_VM | EFL_RF);
    if (!(gate->attr & 1)) /* an interrupt gate, not a trap gate */
        cpu->eflags &= ~(uint32_t)EFL_IF;
}

static void deliver_gate(struct cpu *cpu, const struct cpu_delivery *e, const struct seg_desc *gate)
{
    unsigned size = gate->attr & 8 ? 4 : 2, cpl;
    struct frame frame = { .count = 0 };
    struct seg_desc code;
    struct xfer_stack s;
    bool inner;

    cpl = check_handler(cpu, gate, &code);
    inner = cpl < cpu->cpl;
    if (inner)
        xfer_inner_stack(cpu, cpl, &s);
    else
        xfer_present_stack(cpu, CPU_CAUSE_SS_EVENT, &s);
    build_frame(cpu, e, inner, &frame);
    xfer_check_room(cpu, &s, frame.count, size);
    check_offset(cpu, gate, &code);
    seg_set_accessed(cpu, &code);
    xfer_push(cpu, &s, frame.value, frame.count, size);

    xfer_commit_stack(cpu, &s);
    if (cpu->eflags & EFL_VM)
        leave_vm86(cpu);
    enter_handler(cpu, gate, &code, cpl);
}

/* SDM Vol. 3A, "64-bit mode stack frame": the stack is aligned to 16 bytes, and SS:RSP is pushed always. */
static void deliver_long(struct cpu *cpu, const struct cpu_delivery *e, const struct seg_desc *gate)
{
    struct frame frame = { .count = 0 };
    struct seg_desc code;
    struct xfer_stack s;
    unsigned cpl;

    cpl = check_handler(cpu, gate, &code);
    xfer_long_stack(cpu, cpl, gate->gate_ist, &s);
    s.sp &= ~(uint64_t)15;
    build_frame(cpu, e, true, &frame);
    xfer_check_room(cpu, &s, frame.count, 8);
    check_offset(cpu, gate, &code);
    seg_set_accessed(cpu, &code);
    xfer_push(cpu, &s, frame.value, frame.count, 8);

    xfer_commit_stack(cpu, &s);
    enter_handler(cpu, gate, &code, cpl);
}

static void deliver_protected(struct cpu *cpu, const struct cpu_delivery *e)
{
    struct seg_desc gate;

    read_gate(cpu, e, &gate);
    if (xfer_long(cpu))
        deliver_long(cpu, e, &gate);
    else if ((gate.attr & SEG_TYPE) == SYS_TASK_GATE)
        deliver_task(cpu, e, &gate);
    else
        deliver_gate(cpu, e, &gate);
}

void cpu_deliver(struct cpu *cpu, struct cpu_delivery *event)
{
    if (cpu->cr0 & CR0_PE)
        deliver_protected(cpu, event);
    else
        deliver_real(cpu, event);
    if (event->vector == VEC_DB && event->type != CPU_DELIVER_SOFTWARE_INT)
        debugreg_delivered(cpu);
    xfer_mode_changed(cpu);
}

static enum cpu_cause software_cause(unsigned vector, enum cpu_delivery_type type)
{
    switch (type) {
    case CPU_DELIVER_PRIVILEGED_EXCEPTION: return CPU_CAUSE_DB_INT1;
    case CPU_DELIVER_SOFTWARE_EXCEPTION: return vector == VEC_BP ? CPU_CAUSE_BP_INT3 : CPU_CAUSE_OF_INTO;
    default: return CPU_CAUSE_NONE;
    }
}

/* INT1 was delivered: debug traps that MOV SS had held back until behind it came with it. */
static void merge_debug_traps(struct cpu *cpu, uint32_t held_back)
{
    if (!held_back)
        return;
    debugreg_report(cpu, held_back);
    cpu->pending_db &= ~held_back;
    cpu->pending_db_cause = cpu->pending_db ? CPU_CAUSE_DB_DATA : CPU_CAUSE_NONE;
    cpu_attend(cpu);
}

void cpu_software_interrupt(struct cpu *cpu, unsigned vector, enum cpu_delivery_type type, uint64_t next_ip)
{
    struct cpu_delivery *e = &cpu->in_delivery;
    struct cpu_event report = { .kind = CPU_EVENT_DELIVERY, .delivery = e };
    uint32_t held_back = type == CPU_DELIVER_PRIVILEGED_EXCEPTION ? cpu->pending_db : 0;

    *e = (struct cpu_delivery){ .valid = true, .vector = (uint8_t)vector, .type = type, .insn_length = cpu->cur->len,
                                .cause = software_cause(vector, type) };
    run_record(cpu, e);
    run_report(cpu, &report);
    cpu->delivering = e;
    cpu->ip = xfer_next_ip(cpu, next_ip);
    cpu_deliver(cpu, e);
    cpu->delivering = NULL;
    cpu->history[(cpu->history_next - 1) % CPU_HISTORY].delivered = true;
    merge_debug_traps(cpu, held_back);
    cpu->step_trap = false; /* TF was cleared on the way: SDM Vol. 3B, "Single-step exception condition" */
}
