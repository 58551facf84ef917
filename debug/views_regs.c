/* Views of one processor: registers, segments, state, MSRs, local APIC. */
#include <string.h>

#include "cpu/code.h"
#include "cpu/lapic.h"
#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/paging.h"
#include "debug/words.h"
#include "debug/private.h"

typedef unsigned long long ull;

/* ---- Registers ---- */

static void next_instruction(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    sim_laddr laddr = dbg_linear(cpu, cpu->seg[CPU_CS].base + cpu->ip);
    char where[200], insn[128];

    dbg_symbolize(dbg, laddr, where, sizeof(where));
    dbg_disassemble(dbg, cpu, laddr, insn, sizeof(insn));
    sim_buf_printf(out, "=> %04x:%08llx%s%s  %s\n", cpu->seg[CPU_CS].selector, (ull)cpu->ip, *where ? "  " : "", where, insn);
}

static void registers64(struct cpu *cpu, struct sim_buf *out)
{
    static const struct { const char *name; uint8_t index; } general[] = { { "rax", CPU_AX }, { "rbx", CPU_BX }, { "rcx", CPU_CX }, { "rdx", CPU_DX },
                                                                           { "rsi", CPU_SI }, { "rdi", CPU_DI }, { "rbp", CPU_BP }, { "rsp", CPU_SP },
                                                                           { "r8 ", 8 }, { "r9 ", 9 }, { "r10", 10 }, { "r11", 11 },
                                                                           { "r12", 12 }, { "r13", 13 }, { "r14", 14 }, { "r15", 15 } };

    for (unsigned n = 0; n < CPU_GENERAL; n++)
        sim_buf_printf(out, "%s %016llx%s", general[n].name, (ull)cpu->reg[general[n].index], n % 4 == 3 ? "\n" : "  ");
    sim_buf_printf(out, "fs.base %016llx  gs.base %016llx  cr8 %x\n", (ull)cpu->seg[CPU_FS].base, (ull)cpu->seg[CPU_GS].base,
                   cpu->lapic ? lapic_peek(cpu->lapic, 0x80) >> 4 : 0);
}

void dbg_view_registers(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    static const struct { const char *name; uint8_t index; } general[] = { { "eax", CPU_AX }, { "ebx", CPU_BX }, { "ecx", CPU_CX }, { "edx", CPU_DX },
                                                                           { "esi", CPU_SI }, { "edi", CPU_DI }, { "ebp", CPU_BP }, { "esp", CPU_SP } };
    static const uint8_t segments[] = { CPU_CS, CPU_SS, CPU_DS, CPU_ES, CPU_FS, CPU_GS };

    if (cpu->mode & MODE_L) {
        registers64(cpu, out);
    } else {
        for (unsigned n = 0; n < 8; n++)
            sim_buf_printf(out, "%s %08x%s", general[n].name, (uint32_t)cpu->reg[general[n].index], n % 4 == 3 ? "\n" : "  ");
    }
    sim_buf_printf(out, cpu->mode & MODE_L ? "rip %016llx  rflags %08x  " : "eip %08llx  eflags %08x  ", (ull)cpu->ip, cpu_eflags(cpu));
    words_bits(words_eflags, cpu_eflags(cpu), out);
    sim_buf_printf(out, "  IOPL %u\n", cpu_eflags(cpu) >> EFL_IOPL_SHIFT & 3);
    for (unsigned n = 0; n < sizeof(segments); n++)
        sim_buf_printf(out, "%s %04x  ", words_segment_name(segments[n]), cpu->seg[segments[n]].selector);
    sim_buf_printf(out, "CPL %u, %s\n", cpu->cpl, words_mode(cpu->mode));
    sim_buf_printf(out, "cr0 %08llx  cr2 %08llx  cr3 %08llx  cr4 %08llx\n", (ull)cpu->cr0, (ull)cpu->cr2, (ull)cpu->cr3, (ull)cpu->cr4);
    next_instruction(dbg, cpu, out);
}

/* ---- Segments ---- */

/* What the descriptor table says now, where that is not what was loaded. */
static const char *differs(struct cpu *cpu, const struct cpu_seg *s)
{
    struct seg_desc d;
    uint32_t loads = SEG_TYPE_ACCESSED | (s->attr & SEG_S ? 0 : 2); /* set by loading: accessed, busy */

    if (!(cpu->cr0 & CR0_PE) || cpu->eflags & EFL_VM || !(s->selector & 0xfffc) || s->attr & SEG_UNUSABLE)
        return NULL;
    if (dbg_descriptor(cpu, s->selector, &d))
        return "its descriptor cannot be read any more";
    return d.base != s->base || d.limit != s->limit || (d.attr ^ s->attr) & ~loads ? "its descriptor is another one by now" : NULL;
}

static void segment(struct cpu *cpu, unsigned n, struct sim_buf *out)
{
    const struct cpu_seg *s = &cpu->seg[n];
    const char *note = differs(cpu, s);

    sim_buf_printf(out, "%-4s  %04x  ", words_segment_name(n), s->selector);
    if (s->attr & SEG_UNUSABLE) {
        sim_buf_printf(out, "unusable: a null selector was loaded\n");
        return;
    }
    sim_buf_printf(out, "%08llx  %08x  %05x  ", (ull)s->base, s->limit, s->attr);
    words_attr(s->attr, out);
    sim_buf_printf(out, ", DPL %u%s", SEG_DPL(s->attr), s->attr & SEG_P ? "" : ", NOT PRESENT");
    if (note)
        sim_buf_printf(out, "  ! %s", note);
    sim_buf_printf(out, "\n");
}

void dbg_view_segments(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    static const uint8_t order[] = { CPU_CS, CPU_SS, CPU_DS, CPU_ES, CPU_FS, CPU_GS, CPU_LDTR, CPU_TR };

    (void)dbg;
    sim_buf_printf(out, "      sel   base      limit     attr\n");
    for (unsigned n = 0; n < sizeof(order); n++)
        segment(cpu, order[n], out);
    sim_buf_printf(out, "GDTR        %08llx  %08x\n", (ull)cpu->gdtr.base, cpu->gdtr.limit);
    sim_buf_printf(out, "IDTR        %08llx  %08x\n", (ull)cpu->idtr.base, cpu->idtr.limit);
}

/* ---- The processor ---- */

static const char *paging_mode(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PG))
        return "no paging";
    if (cpu->efer & EFER_LMA)
        return cpu->cr4 & CR4_LA57 ? "5-level paging" : "4-level paging";
    return cpu->cr4 & CR4_PAE ? "PAE paging" : cpu->cr4 & CR4_PSE ? "32-bit paging with 4-MiB pages" : "32-bit paging";
}

static void control_register(const char *name, uint64_t value, const struct words_bit *bits, struct sim_buf *out)
{
    sim_buf_printf(out, "%-6s %08llx  ", name, (ull)value);
    words_bits(bits, value, out);
    sim_buf_printf(out, "\n");
}

static void pending(struct cpu *cpu, struct sim_buf *out)
{
    int vector = cpu->lapic ? lapic_pending(cpu->lapic) : cpu->intr ? LAPIC_EXTINT : -1;
    bool open = cpu->eflags & EFL_IF && !cpu->shadow_sti && !cpu->shadow_ss;

    if (vector == LAPIC_EXTINT)
        sim_buf_printf(out, "pending: an interrupt of the PIC%s\n", open ? "" : ", held off");
    else if (vector >= 0)
        sim_buf_printf(out, "pending: interrupt vector %d of the local APIC%s\n", vector, open ? "" : ", held off");
    if (cpu->smi_pending)
        sim_buf_printf(out, "pending: SMI%s\n", cpu->smm.active ? ", until RSM" : "");
    if (cpu->nmi_pending)
        sim_buf_printf(out, "pending: NMI%s\n", !cpu->nmi_blocked ? "" : cpu->smm.active ? ", until IRET or RSM" : ", until IRET");
    if (cpu->pending_db) {
        sim_buf_printf(out, "pending: debug trap ");
        words_bits(words_dr6, cpu->pending_db, out);
        sim_buf_printf(out, "\n");
    }
    sim_buf_printf(out, "%s%s%s%s%s%s", !cpu->init_pending ? "" : cpu->smm.active ? "pending: INIT, until RSM\n" : "pending: INIT\n", cpu->sipi_pending ? "pending: SIPI\n" : "",
                   cpu->shadow_sti ? "interrupts are held off for the step after STI\n" : "",
                   cpu->shadow_ss ? "interrupts are held off for the step after MOV SS or POP SS\n" : "",
                   cpu->in_rep ? "the REP instruction has iterations left\n" : "",
                   cpu->nmi_blocked ? "NMIs are blocked until IRET\n" : "");
}

static void debug_registers(const struct cpu *cpu, struct sim_buf *out)
{
    static const char *const kinds[] = { "execute", "write", "I/O", "read or write" };
    static const uint8_t sizes[] = { 1, 2, 8, 4 };

    for (unsigned n = 0; n < 4; n++)
        if (cpu->dr[7] >> (2 * n) & 3)
            sim_buf_printf(out, "DR%u    %08llx  %s, %u bytes, %s\n", n, (ull)cpu->dr[n], kinds[cpu->dr[7] >> (16 + 4 * n) & 3],
                           sizes[cpu->dr[7] >> (18 + 4 * n) & 3], cpu->dr[7] >> (2 * n) & 2 ? "global" : "local");
    control_register("DR6", cpu->dr[6], words_dr6, out);
    sim_buf_printf(out, "DR7    %08llx\n", (ull)cpu->dr[7]);
}

void dbg_view_cpu(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    char steps[32], retired[32], cycle[32];

    (void)dbg;
    sim_buf_printf(out, "CPU %u (%s: %s), %s\n", cpu->number, cpu->model->name, cpu->model->title, cpu_activity_name(cpu->activity));
    sim_buf_printf(out, "%s, %s, CPL %u%s\n", words_mode(cpu->mode), paging_mode(cpu), cpu->cpl, cpu->eflags & EFL_IF ? "" : ", interrupts off");
    sim_buf_printf(out, "%s steps, %s instructions retired, cycle %s, TSC 0x%llx\n", words_count(cpu->steps, steps), words_count(cpu->retired, retired),
                   words_count(cpu->cycle, cycle), (ull)(cpu->cycle + cpu->tsc_offset));
    pending(cpu, out);
    sim_buf_printf(out, "SMBASE %08x  SMI handler at 0x%08x, save map up to 0x%08x\n", cpu->smm.base, cpu->smm.base + 0x8000, cpu->smm.base + 0xffff);
    control_register("CR0", cpu->cr0, words_cr0, out);
    sim_buf_printf(out, "CR2    %08llx  address of the last page fault\n", (ull)cpu->cr2);
    sim_buf_printf(out, "CR3    %08llx  top paging table at physical 0x%08llx\n", (ull)cpu->cr3, (ull)(cpu->cr3 & (cpu->cr4 & CR4_PAE && !(cpu->efer & EFER_LMA) ? ~31ull : ~4095ull)));
    control_register("CR4", cpu->cr4, words_cr4, out);
    if (cpu->efer)
        control_register("EFER", cpu->efer, words_efer, out);
    control_register("EFLAGS", cpu_eflags(cpu), words_eflags, out);
    if (paging_has_pdptes(cpu->cr0, cpu->cr4, cpu->efer))
        for (unsigned n = 0; n < 4; n++) {
            sim_buf_printf(out, "PDPTE%u %016llx  ", n, (ull)cpu->pdpte[n]);
            words_entry(cpu->pdpte[n], 3, true, false, out);
            sim_buf_printf(out, "\n");
        }
    debug_registers(cpu, out);
}

/* ---- MSRs: SDM Vol. 4 ---- */

static const struct { uint32_t number; const char *name; } msr_names[] = {
    { 0x000, "IA32_P5_MC_ADDR" }, { 0x001, "IA32_P5_MC_TYPE" }, { 0x010, "IA32_TIME_STAMP_COUNTER" }, { 0x017, "IA32_PLATFORM_ID" },
    { 0x01b, "IA32_APIC_BASE" }, { 0x03a, "IA32_FEATURE_CONTROL" }, { 0x03b, "IA32_TSC_ADJUST" }, { 0x08b, "IA32_BIOS_SIGN_ID" }, { 0x0c1, "IA32_PMC0" }, { 0x0c2, "IA32_PMC1" }, { 0x0c3, "IA32_PMC2" }, { 0x0c4, "IA32_PMC3" }, { 0x0ce, "MSR_PLATFORM_INFO" }, { 0x0fe, "IA32_MTRRCAP" },
    { 0x140, "MISC_FEATURES_ENABLES" }, { 0x174, "IA32_SYSENTER_CS" }, { 0x175, "IA32_SYSENTER_ESP" }, { 0x176, "IA32_SYSENTER_EIP" }, { 0x179, "IA32_MCG_CAP" },
    { 0x17a, "IA32_MCG_STATUS" }, { 0x186, "IA32_PERFEVTSEL0" }, { 0x187, "IA32_PERFEVTSEL1" }, { 0x188, "IA32_PERFEVTSEL2" },
    { 0x189, "IA32_PERFEVTSEL3" }, { 0x1a0, "IA32_MISC_ENABLE" }, { 0x1d9, "IA32_DEBUGCTL" }, { 0x1fc, "MSR_POWER_CTL" },
    { 0x200, "IA32_MTRR_PHYSBASE0" }, { 0x201, "IA32_MTRR_PHYSMASK0" }, { 0x202, "IA32_MTRR_PHYSBASE1" }, { 0x203, "IA32_MTRR_PHYSMASK1" },
    { 0x204, "IA32_MTRR_PHYSBASE2" }, { 0x205, "IA32_MTRR_PHYSMASK2" }, { 0x206, "IA32_MTRR_PHYSBASE3" }, { 0x207, "IA32_MTRR_PHYSMASK3" },
    { 0x208, "IA32_MTRR_PHYSBASE4" }, { 0x209, "IA32_MTRR_PHYSMASK4" }, { 0x20a, "IA32_MTRR_PHYSBASE5" }, { 0x20b, "IA32_MTRR_PHYSMASK5" },
    { 0x20c, "IA32_MTRR_PHYSBASE6" }, { 0x20d, "IA32_MTRR_PHYSMASK6" }, { 0x20e, "IA32_MTRR_PHYSBASE7" }, { 0x20f, "IA32_MTRR_PHYSMASK7" },
    { 0x250, "IA32_MTRR_FIX64K_00000" }, { 0x258, "IA32_MTRR_FIX16K_80000" }, { 0x259, "IA32_MTRR_FIX16K_A0000" },
    { 0x268, "IA32_MTRR_FIX4K_C0000" }, { 0x269, "IA32_MTRR_FIX4K_C8000" }, { 0x26a, "IA32_MTRR_FIX4K_D0000" }, { 0x26b, "IA32_MTRR_FIX4K_D8000" },
    { 0x26c, "IA32_MTRR_FIX4K_E0000" }, { 0x26d, "IA32_MTRR_FIX4K_E8000" }, { 0x26e, "IA32_MTRR_FIX4K_F0000" }, { 0x26f, "IA32_MTRR_FIX4K_F8000" },
    { 0x277, "IA32_PAT" }, { 0x2ff, "IA32_MTRR_DEF_TYPE" }, { 0x309, "IA32_FIXED_CTR0" }, { 0x30a, "IA32_FIXED_CTR1" },
    { 0x30b, "IA32_FIXED_CTR2" }, { 0x345, "IA32_PERF_CAPABILITIES" }, { 0x38d, "IA32_FIXED_CTR_CTRL" }, { 0x38e, "IA32_PERF_GLOBAL_STATUS" },
    { 0x38f, "IA32_PERF_GLOBAL_CTRL" }, { 0x6e0, "IA32_TSC_DEADLINE" }, { 0xda0, "IA32_XSS" }, { 0xc0000080u, "IA32_EFER" }, { 0xc0000081u, "IA32_STAR" },
    { 0xc0000082u, "IA32_LSTAR" }, { 0xc0000083u, "IA32_CSTAR" }, { 0xc0000084u, "IA32_FMASK" }, { 0xc0000100u, "IA32_FS_BASE" },
    { 0xc0000101u, "IA32_GS_BASE" }, { 0xc0000102u, "IA32_KERNEL_GS_BASE" }, { 0xc0000103u, "IA32_TSC_AUX" }, { 0x6e1u, "IA32_PKRS" },
};

static void msr_note(uint32_t number, uint64_t v, struct sim_buf *out)
{
    static const char *const types[] = { "UC", "WC", "?", "?", "WT", "WP", "WB", "UC-" };

    if (number == 0x01b)
        sim_buf_printf(out, "  base 0x%llx%s%s", (ull)(v & ~0xfffull), v & APIC_BASE_ENABLE ? ", enabled" : ", disabled", v & APIC_BASE_BSP ? ", BSP" : "");
    if (number == 0x277)
        for (unsigned n = 0; n < 8; n++)
            sim_buf_printf(out, "%s%s", n ? " " : "  ", types[v >> 8 * n & 7]);
    if (number == 0x2ff)
        sim_buf_printf(out, "  default %s%s%s", types[v & 7], v & 0x800 ? ", enabled" : ", disabled", v & 0x400 ? ", fixed ranges on" : "");
    if (number == 0xc0000080u) {
        sim_buf_printf(out, "  ");
        words_bits(words_efer, v, out);
    }
}

void dbg_view_msrs(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    bool any = false;

    (void)dbg;
    for (unsigned n = 0; n < sizeof(msr_names) / sizeof(msr_names[0]); n++) {
        uint64_t v;

        if (!msr_peek(cpu, msr_names[n].number, &v))
            continue;
        any = true;
        sim_buf_printf(out, "%08x  %016llx  %s", msr_names[n].number, (ull)v, msr_names[n].name);
        msr_note(msr_names[n].number, v, out);
        sim_buf_printf(out, "\n");
    }
    if (!any)
        sim_buf_printf(out, "CPU model %s has no MSRs.\n", cpu->model->name);
}

/* ---- Local APIC: SDM Vol. 3A, "Advanced programmable interrupt controller (APIC)" ---- */

static const char *const delivery_modes[] = { "fixed", "lowest priority", "SMI", "reserved", "NMI", "INIT", "start-up", "ExtINT" };

static void vector_set(const char *name, const uint32_t *reg, struct sim_buf *out)
{
    bool any = false;

    sim_buf_printf(out, "%-9s", name);
    for (unsigned n = 0; n < 256; n++)
        if (reg[n / 32] >> (n % 32) & 1) {
            sim_buf_printf(out, " %u", n);
            any = true;
        }
    sim_buf_printf(out, "%s\n", any ? "" : " none");
}

static void lvt(const char *name, uint32_t v, bool has_mode, struct sim_buf *out)
{
    unsigned mode = v >> 8 & 7;

    sim_buf_printf(out, "%-9s %08x  ", name, v);
    if (!has_mode || mode == 0)
        sim_buf_printf(out, "vector %u", v & 0xff);
    else
        sim_buf_printf(out, "%s", delivery_modes[mode]);
    sim_buf_printf(out, "%s%s%s\n", v & 0x8000 ? ", level" : "", v & 0x1000 ? ", delivery pending" : "", v & 0x10000 ? ", masked" : "");
}

static void timer(struct cpu *cpu, struct sim_buf *out)
{
    struct lapic *l = cpu->lapic;
    static const uint8_t divisors[] = { 2, 4, 8, 16, 32, 64, 128, 1 };
    static const char *const modes[] = { "one-shot", "periodic", "TSC deadline", "reserved mode 11b" };
    unsigned divide = (l->timer_divide & 3) | (l->timer_divide >> 1 & 4);

    lvt("timer", l->lvt_timer, false, out);
    sim_buf_printf(out, "          %s, initial count %u, current %u, divided by %u\n", modes[l->lvt_timer >> 17 & 3], l->timer_initial,
                   lapic_peek(l, 0x390), divisors[divide]);
    if (l->tsc_deadline)
        sim_buf_printf(out, "          TSC deadline %llu, now %llu\n", (ull)l->tsc_deadline, (ull)(cpu->cycle + cpu->tsc_offset));
}

void dbg_view_lapic(struct dbg *dbg, struct cpu *cpu, struct sim_buf *out)
{
    struct lapic *l = cpu->lapic;
    int vector;

    (void)dbg;
    if (!l) {
        sim_buf_printf(out, "CPU model %s has no local APIC.\n", cpu->model->name);
        return;
    }
    if (cpu->msr.apic_base & APIC_BASE_EXTD)
        sim_buf_printf(out, "local APIC of CPU %u in x2APIC mode (MSRs 800h to 83Fh)", cpu->number);
    else
        sim_buf_printf(out, "local APIC of CPU %u at 0x%llx, %s", cpu->number, (ull)(cpu->msr.apic_base & ~0xfffull),
                       cpu->msr.apic_base & APIC_BASE_ENABLE ? "on" : "off (IA32_APIC_BASE bit 11)");
    sim_buf_printf(out, ", %s by SVR\n", l->svr & 0x100 ? "enabled" : "disabled");
    sim_buf_printf(out, "ID        %08x  APIC ID %u\n", lapic_peek(l, 0x020), l->id);
    sim_buf_printf(out, "TPR       %08x  PPR %08x\n", l->tpr, lapic_peek(l, 0x0a0));
    sim_buf_printf(out, "LDR       %08x  DFR %08x\n", lapic_peek(l, 0x0d0), l->dfr);
    sim_buf_printf(out, "SVR       %08x  spurious vector %u\n", l->svr, l->svr & 0xff);
    sim_buf_printf(out, "ESR       %08x\n", l->esr);
    sim_buf_printf(out, "ICR       %08x:%08x  %s, vector %u\n", l->icr_high, l->icr_low, delivery_modes[l->icr_low >> 8 & 7], l->icr_low & 0xff);
    timer(cpu, out);
    lvt("LINT0", l->lvt_lint0, true, out);
    lvt("LINT1", l->lvt_lint1, true, out);
    lvt("error", l->lvt_error, false, out);
    lvt("perf", l->lvt_perf, true, out);
    lvt("thermal", l->lvt_thermal, true, out);
    vector_set("IRR", l->irr, out);
    vector_set("ISR", l->isr, out);
    vector = lapic_pending(l);
    if (vector == LAPIC_EXTINT)
        sim_buf_printf(out, "next: an interrupt of the PIC, through LINT0\n");
    else if (vector >= 0)
        sim_buf_printf(out, "next: vector %d\n", vector);
}
