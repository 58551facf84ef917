#include "cpu/smm.h"

#include <stddef.h>

#include "base/error.h"
#include "cpu/code.h"
#include "cpu/isa/isa.h"
#include "cpu/mem.h"
#include "cpu/model.h"
#include "cpu/paging.h"
#include "cpu/run.h"
#include "cpu/transfer.h"

static const struct sim_field io_fields[] = {
    SIM_FIELD(struct cpu_io, step, "this CPU's step count right behind it"),
    SIM_FIELD(struct cpu_io, port, ""), SIM_FIELD(struct cpu_io, bytes, ""),
    SIM_FIELD(struct cpu_io, type, "1 IN, 2 string, 4 REP, 8 immediate port"),
    SIM_FIELD(struct cpu_io, ip, "as before it"), SIM_FIELD(struct cpu_io, cx, ""), SIM_FIELD(struct cpu_io, si, ""),
    SIM_FIELD(struct cpu_io, di, ""),
    SIM_FIELD(struct cpu_io, laddr, "of a string instruction's memory operand"),
    SIM_FIELD_END
};

const struct sim_field smm_fields[] = {
    SIM_FIELD(struct cpu_smm, active, "in system-management mode"),
    SIM_FIELD(struct cpu_smm, base, "SMBASE"),
    SIM_FIELD_STRUCT(struct cpu_smm, io, io_fields, "the last I/O instruction"),
    SIM_FIELD(struct cpu_smm, pending_db, "debug traps that are due behind RSM: DR6 bits"),
    SIM_FIELD_MAX(struct cpu_smm, pending_db_cause, CPU_CAUSE_COUNT - 1, "which kind of breakpoint raised them"),
    SIM_FIELD_END
};

/* ---- The save map ---- */

/* What it holds, whatever the layout. */
struct image {
    uint64_t reg[CPU_GENERAL], ip, flags, cr0, cr3, cr4, efer, dr6, dr7;
    uint64_t selector[CPU_SEGS], attr[CPU_SEGS], limit[CPU_SEGS], base[CPU_SEGS];
    uint64_t gdt_base, gdt_limit, idt_base, idt_limit, pdpte[4];
    uint64_t smbase, revision, auto_halt, io_restart, nmi_mask;
    uint64_t io_state, io_trap, io_address, io_ip, io_cx, io_si, io_di;
};

/* A place in it: `size` bytes at SMBASE + 8000h + off hold bits shift.. of a member. */
struct place {
    uint16_t off;
    uint8_t size, shift;
    uint16_t member; /* index of a uint64_t in struct image */
};
#define MEMBER(m)             (uint16_t)(offsetof(struct image, m) / sizeof(uint64_t))
#define AT(off_, size_, m)    { off_, size_, 0, MEMBER(m) }
#define HIGH(off_, m)         { off_, 4, 32, MEMBER(m) }

/* In both layouts of Intel the selectors stand in the order of their numbers, dwords. */
#define INTEL_SELECTORS                                                                                                      \
    AT(0x7fa8, 4, selector[CPU_ES]), AT(0x7fac, 4, selector[CPU_CS]), AT(0x7fb0, 4, selector[CPU_SS]),                      \
    AT(0x7fb4, 4, selector[CPU_DS]), AT(0x7fb8, 4, selector[CPU_FS]), AT(0x7fbc, 4, selector[CPU_GS]),                      \
    AT(0x7fc0, 4, selector[CPU_LDTR]), AT(0x7fc4, 4, selector[CPU_TR])
#define INTEL_CONTROL AT(0x7f02, 2, auto_halt), AT(0x7f00, 2, io_restart), AT(0x7efc, 4, revision), AT(0x7ef8, 4, smbase)

#define HIDDEN_32(n) AT(0x7f08 + 12 * (n), 4, base[n]), AT(0x7f0c + 12 * (n), 4, limit[n]), AT(0x7f10 + 12 * (n), 4, attr[n])

static const struct place map_32[] = {
    AT(0x7ffc, 4, cr0), AT(0x7ff8, 4, cr3), AT(0x7ff4, 4, flags), AT(0x7ff0, 4, ip),
    AT(0x7fec, 4, reg[CPU_DI]), AT(0x7fe8, 4, reg[CPU_SI]), AT(0x7fe4, 4, reg[CPU_BP]), AT(0x7fe0, 4, reg[CPU_SP]),
    AT(0x7fdc, 4, reg[CPU_BX]), AT(0x7fd8, 4, reg[CPU_DX]), AT(0x7fd4, 4, reg[CPU_CX]), AT(0x7fd0, 4, reg[CPU_AX]),
    AT(0x7fcc, 4, dr6), AT(0x7fc8, 4, dr7), INTEL_SELECTORS, AT(0x7fa4, 4, io_state), AT(0x7fa0, 4, io_address), INTEL_CONTROL,
    /* reserved */
    HIDDEN_32(CPU_ES), HIDDEN_32(CPU_CS), HIDDEN_32(CPU_SS), HIDDEN_32(CPU_DS), HIDDEN_32(CPU_FS), HIDDEN_32(CPU_GS),
    HIDDEN_32(CPU_LDTR), HIDDEN_32(CPU_TR),
    AT(0x7f68, 4, gdt_base), AT(0x7f6c, 4, gdt_limit), AT(0x7f70, 4, idt_base), AT(0x7f74, 4, idt_limit), AT(0x7f78, 4, cr4),
    AT(0x7f7c, 4, io_ip), AT(0x7f80, 4, io_cx), AT(0x7f84, 4, io_si), AT(0x7f88, 4, io_di),
    AT(0x7e00, 8, pdpte[0]), AT(0x7e08, 8, pdpte[1]), AT(0x7e10, 8, pdpte[2]), AT(0x7e18, 8, pdpte[3]),
};

#define LIMIT_64(n) AT(0x7c08 + 16 * (n), 4, limit[n]), AT(0x7c0c + 16 * (n), 4, attr[n])
#define HIDDEN_64(n) AT(0x7c00 + 16 * (n), 8, base[n]), LIMIT_64(n)

static const struct place map_intel64[] = {
    AT(0x7ff8, 8, cr0), AT(0x7ff0, 8, cr3), AT(0x7fe8, 8, flags), AT(0x7fe0, 8, efer), AT(0x7fd8, 8, ip), AT(0x7fd0, 8, dr6),
    AT(0x7fc8, 8, dr7), INTEL_SELECTORS, AT(0x7fa4, 4, io_state), AT(0x7f9c, 8, io_address),
    AT(0x7f94, 8, reg[CPU_DI]), AT(0x7f8c, 8, reg[CPU_SI]), AT(0x7f84, 8, reg[CPU_BP]), AT(0x7f7c, 8, reg[CPU_SP]),
    AT(0x7f74, 8, reg[CPU_BX]), AT(0x7f6c, 8, reg[CPU_DX]), AT(0x7f64, 8, reg[CPU_CX]), AT(0x7f5c, 8, reg[CPU_AX]),
    AT(0x7f54, 8, reg[8]), AT(0x7f4c, 8, reg[9]), AT(0x7f44, 8, reg[10]), AT(0x7f3c, 8, reg[11]),
    AT(0x7f34, 8, reg[12]), AT(0x7f2c, 8, reg[13]), AT(0x7f24, 8, reg[14]), AT(0x7f1c, 8, reg[15]), INTEL_CONTROL,
    AT(0x7e9c, 4, base[CPU_LDTR]), HIGH(0x7dd4, base[CPU_LDTR]), AT(0x7e94, 4, idt_base), HIGH(0x7dd8, idt_base),
    AT(0x7e8c, 4, gdt_base), HIGH(0x7dd0, gdt_base), AT(0x7e40, 4, cr4), AT(0x7de8, 8, io_ip),
    /* reserved */
    HIDDEN_64(CPU_ES), HIDDEN_64(CPU_CS), HIDDEN_64(CPU_SS), HIDDEN_64(CPU_DS), HIDDEN_64(CPU_FS), HIDDEN_64(CPU_GS),
    LIMIT_64(CPU_LDTR), HIDDEN_64(CPU_TR), AT(0x7c80, 4, gdt_limit), AT(0x7c84, 4, idt_limit),
    AT(0x7c88, 8, pdpte[0]), AT(0x7c90, 8, pdpte[1]), AT(0x7c98, 8, pdpte[2]), AT(0x7ca0, 8, pdpte[3]),
    AT(0x7ca8, 8, io_cx), AT(0x7cb0, 8, io_si), AT(0x7cb8, 8, io_di),
};

#define SEGMENT_AMD(off, n) AT(off, 2, selector[n]), AT(off + 2, 2, attr[n]), AT(off + 4, 4, limit[n]), AT(off + 8, 8, base[n])

/* There is no room for the PDPTEs: RSM reads them anew. */
static const struct place map_amd64[] = {
    SEGMENT_AMD(0x7e00, CPU_ES), SEGMENT_AMD(0x7e10, CPU_CS), SEGMENT_AMD(0x7e20, CPU_SS), SEGMENT_AMD(0x7e30, CPU_DS),
    SEGMENT_AMD(0x7e40, CPU_FS), SEGMENT_AMD(0x7e50, CPU_GS), AT(0x7e64, 2, gdt_limit), AT(0x7e68, 8, gdt_base),
    SEGMENT_AMD(0x7e70, CPU_LDTR), AT(0x7e84, 2, idt_limit), AT(0x7e88, 8, idt_base), SEGMENT_AMD(0x7e90, CPU_TR),
    AT(0x7ea0, 8, io_ip), AT(0x7ea8, 8, io_cx), AT(0x7eb0, 8, io_si), AT(0x7eb8, 8, io_di), AT(0x7ec0, 4, io_trap),
    AT(0x7ec8, 1, io_restart), AT(0x7ec9, 1, auto_halt), AT(0x7eca, 1, nmi_mask), AT(0x7ed0, 8, efer),
    AT(0x7efc, 4, revision), AT(0x7f00, 4, smbase), AT(0x7f48, 8, cr4), AT(0x7f50, 8, cr3), AT(0x7f58, 8, cr0),
    AT(0x7f60, 8, dr7), AT(0x7f68, 8, dr6), AT(0x7f70, 8, flags), AT(0x7f78, 8, ip),
    AT(0x7f80, 8, reg[15]), AT(0x7f88, 8, reg[14]), AT(0x7f90, 8, reg[13]), AT(0x7f98, 8, reg[12]),
    AT(0x7fa0, 8, reg[11]), AT(0x7fa8, 8, reg[10]), AT(0x7fb0, 8, reg[9]), AT(0x7fb8, 8, reg[8]),
    AT(0x7fc0, 8, reg[CPU_DI]), AT(0x7fc8, 8, reg[CPU_SI]), AT(0x7fd0, 8, reg[CPU_BP]), AT(0x7fd8, 8, reg[CPU_SP]),
    AT(0x7fe0, 8, reg[CPU_BX]), AT(0x7fe8, 8, reg[CPU_DX]), AT(0x7ff0, 8, reg[CPU_CX]), AT(0x7ff8, 8, reg[CPU_AX]),
};

static const struct layout {
    const struct place *place;
    unsigned count;
    uint32_t level; /* of the revision identifier */
    bool has_pdptes;
} layouts[] = {
    [SMM_MAP_32] = { map_32, sizeof(map_32) / sizeof(map_32[0]), 0, true },
    [SMM_MAP_INTEL64] = { map_intel64, sizeof(map_intel64) / sizeof(map_intel64[0]), 0x100, true },
    [SMM_MAP_AMD64] = { map_amd64, sizeof(map_amd64) / sizeof(map_amd64[0]), 0x64, false },
};

void smm_set_map(struct cpu_cluster *cluster, enum smm_map map)
{
    bool wide = cluster->model->sets >> SET_LONG & 1;

    cluster->smm_map = !wide ? SMM_MAP_32 : map == SMM_MAP_32 ? SMM_MAP_INTEL64 : map;
}

static const struct layout *layout_of(const struct cpu *cpu)
{
    return &layouts[cpu->cluster->smm_map];
}

/* SMRAM is accessed as a program in SMM would do it, by physical address; what is not aligned in pieces. */
static unsigned piece_at(uint32_t at, unsigned left)
{
    unsigned piece = 8;

    while (piece > left || at & (piece - 1))
        piece /= 2;
    return piece;
}

static uint64_t smram_read(struct cpu *cpu, uint32_t at, unsigned size)
{
    uint64_t v = 0;

    for (unsigned done = 0, piece; done < size; done += piece) {
        piece = piece_at(at + done, size - done);
        v |= (mem_phys_read(cpu, at + done, piece) & (UINT64_MAX >> (64 - 8 * piece))) << 8 * done;
    }
    return v;
}

static void smram_write(struct cpu *cpu, uint32_t at, unsigned size, uint64_t v)
{
    for (unsigned done = 0, piece; done < size; done += piece) {
        piece = piece_at(at + done, size - done);
        mem_phys_write(cpu, at + done, piece, (v >> 8 * done) & (UINT64_MAX >> (64 - 8 * piece)));
    }
}

static void store(struct cpu *cpu, const struct image *image)
{
    const struct layout *l = layout_of(cpu);

    for (unsigned n = 0; n < l->count; n++)
        smram_write(cpu, cpu->smm.base + 0x8000u + l->place[n].off, l->place[n].size,
                    ((const uint64_t *)image)[l->place[n].member] >> l->place[n].shift);
}

static void load(struct cpu *cpu, struct image *image)
{
    const struct layout *l = layout_of(cpu);

    *image = (struct image){ .ip = 0 };
    for (unsigned n = 0; n < l->count; n++)
        ((uint64_t *)image)[l->place[n].member] |= smram_read(cpu, cpu->smm.base + 0x8000u + l->place[n].off, l->place[n].size)
                                                   << l->place[n].shift;
}

/* ---- I/O instructions ---- */

void smm_note_io(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned bytes, bool write)
{
    cpu->smm.io = (struct cpu_io){ .step = cpu->shared_step + 1, .port = port, .bytes = (uint8_t)bytes,
                                   .type = write ? 0 : CPU_IO_IN, .ip = CPU_INSN_IP(cpu, i), .cx = cpu->reg[CPU_CX],
                                   .si = cpu->reg[CPU_SI], .di = cpu->reg[CPU_DI] };
    if (!(cpu->mode & MODE_L))
        cpu->smm.io.ip = (uint32_t)cpu->smm.io.ip;
}

void smm_note_string(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr)
{
    cpu->smm.io.type |= CPU_IO_STRING | (i->flags & (INSN_REP | INSN_REPNE) ? CPU_IO_REP : 0);
    cpu->smm.io.laddr = laddr;
}

/* SMM_IO_TRAP of AMD's map. */
enum { TRAP_IN = 1, TRAP_VALID = 2, TRAP_STRING = 4, TRAP_REP = 8, TRAP_SIZE_SHIFT = 4, TRAP_PORT_SHIFT = 16 };

static void capture_io(const struct cpu *cpu, struct image *image)
{
    const struct cpu_io *io = &cpu->smm.io;

    if (!io->step || io->step != cpu->steps)
        return;
    image->io_state = SMM_IO_SMI | (uint32_t)io->bytes << SMM_IO_LENGTH_SHIFT | (uint32_t)io->type << SMM_IO_TYPE_SHIFT |
                      (uint32_t)io->port << SMM_IO_PORT_SHIFT;
    image->io_trap = TRAP_VALID | (io->type & CPU_IO_IN ? TRAP_IN : 0) | (io->type & CPU_IO_STRING ? TRAP_STRING : 0) |
                     (io->type & CPU_IO_REP ? TRAP_REP : 0) | (uint32_t)io->bytes << TRAP_SIZE_SHIFT | (uint32_t)io->port << TRAP_PORT_SHIFT;
    image->io_address = io->laddr;
    image->io_ip = io->ip;
    image->io_cx = io->cx;
    image->io_si = io->si;
    image->io_di = io->di;
}

/* The I/O instruction is made once more, if the handler wants it: SDM, "I/O instruction restart". */
static void restart_io(const struct cpu *cpu, struct image *image)
{
    bool amd = cpu->cluster->smm_map == SMM_MAP_AMD64;
    bool string = amd ? image->io_trap & TRAP_STRING : image->io_state & CPU_IO_STRING << SMM_IO_TYPE_SHIFT;

    if ((image->io_restart & 0xff) != 0xff || !(amd ? image->io_trap & TRAP_VALID : image->io_state & SMM_IO_SMI))
        return;
    image->ip = image->io_ip;
    if (!string)
        return;
    image->reg[CPU_CX] = image->io_cx;
    image->reg[CPU_SI] = image->io_si;
    image->reg[CPU_DI] = image->io_di;
}

/* ---- In ---- */

/* SDM Vol. 3C, "Exiting from SMM", tells which processors hear SMI# in shutdown. */
static bool hears_smi_in_shutdown(const struct cpu_model *m)
{
    unsigned family = m->signature >> 8 & 15;
    bool p6 = family == 6 && !(m->sets >> SET_LONG & 1);

    return family != 4 && !p6;
}

bool smm_hears_smi(const struct cpu *cpu)
{
    if (cpu->smm.active || cpu->activity == CPU_WAIT_SIPI)
        return false;
    return cpu->activity != CPU_SHUTDOWN || hears_smi_in_shutdown(cpu->model);
}

/* AMD's attributes have 16 bits: what marks a null segment goes where none is defined. */
#define ATTR_NULL_AMD 0x100u

static void capture(const struct cpu *cpu, struct image *image)
{
    *image = (struct image){
        .ip = cpu->ip, .flags = cpu_eflags(cpu) | (cpu->in_rep ? EFL_RF : 0), .cr0 = cpu->cr0, .cr3 = cpu->cr3, .cr4 = cpu->cr4,
        .efer = cpu->efer, .dr6 = cpu->dr[6], .dr7 = cpu->dr[7], .gdt_base = cpu->gdtr.base, .gdt_limit = cpu->gdtr.limit,
        .idt_base = cpu->idtr.base, .idt_limit = cpu->idtr.limit, .smbase = cpu->smm.base,
        .revision = SMM_REVISION_IO_RESTART | SMM_REVISION_SMBASE | layout_of(cpu)->level,
        .auto_halt = cpu->activity == CPU_HALTED, .nmi_mask = cpu->nmi_blocked,
    };
    for (unsigned n = 0; n < CPU_GENERAL; n++)
        image->reg[n] = cpu->reg[n];
    for (unsigned n = 0; n < CPU_SEGS; n++) {
        const struct cpu_seg *s = &cpu->seg[n];

        image->selector[n] = s->selector;
        image->attr[n] = s->attr;
        image->limit[n] = s->limit;
        image->base[n] = s->base;
        if (cpu->cluster->smm_map == SMM_MAP_AMD64 && s->attr & SEG_UNUSABLE)
            image->attr[n] |= ATTR_NULL_AMD;
    }
    for (unsigned n = 0; n < 4; n++)
        image->pdpte[n] = cpu->pdpte[n];
    capture_io(cpu, image);
}

/* SDM, "Processor register initialization in SMM". */
static void initialize(struct cpu *cpu)
{
    for (unsigned n = CPU_ES; n <= CPU_GS; n++)
        cpu->seg[n] = (struct cpu_seg){ .limit = UINT32_MAX, .attr = SEG_G | SEG_P | SEG_S | SEG_TYPE_WRITE | SEG_TYPE_ACCESSED };
    cpu->seg[CPU_CS].attr |= SEG_TYPE_CODE;
    cpu->seg[CPU_CS].selector = (uint16_t)(cpu->smm.base >> 4);
    cpu->seg[CPU_CS].base = cpu->smm.base;
    cpu->ip = SMM_ENTRY;
    cpu_set_eflags(cpu, 2);
    cpu->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = cpu->efer = 0;
    cpu->dr[7] = DR7_INIT;
    cpu->cpl = 0;
    cpu->nmi_blocked = true;
}

void smm_enter(struct cpu *cpu)
{
    struct image image;

    capture(cpu, &image);
    cpu->smi_pending = false;
    cpu->smm.active = true;
    cpu->smm.pending_db = cpu->pending_db;
    cpu->smm.pending_db_cause = cpu->pending_db_cause;
    cpu->pending_db = 0;
    cpu->pending_db_cause = CPU_CAUSE_NONE;
    cpu->activity = CPU_ACTIVE;
    cpu->in_rep = false;
    store(cpu, &image);
    initialize(cpu);
    mem_flush_tlb(cpu, true);
    xfer_mode_changed(cpu);
}

/* ---- Out ---- */

static _Noreturn void refuse(struct cpu *cpu, enum cpu_cause cause, uint64_t value)
{
    cpu->evidence = (struct cpu_evidence){ .kind = CPU_EVIDENCE_REGISTER, .value = value };
    run_shutdown(cpu, cause);
}

/* SDM Vol. 3C, "Exiting from SMM"; Vol. 2B, "RSM". EFER's LMA bit says what EFER.LME and CR0.PG do. */
static void check(struct cpu *cpu, const struct image *image)
{
    uint64_t cr0 = image->cr0, cr4 = image->cr4, efer = image->efer;
    bool paging = cr0 & CR0_PG, lma = efer & EFER_LMA;
    unsigned family = cpu->model->signature >> 8 & 15;

    if (cr0 >> 32 || (paging && !(cr0 & CR0_PE)) || (cr0 & CR0_NW && !(cr0 & CR0_CD)))
        refuse(cpu, CPU_CAUSE_RSM_CR0, cr0);
    if (cr4 & ~(uint64_t)cpu->model->cr4)
        refuse(cpu, CPU_CAUSE_RSM_CR4, cr4);
    if (cr4 & CR4_PCIDE && !lma)
        refuse(cpu, CPU_CAUSE_RSM_PCIDE, cr4);
    if (efer & ~((uint64_t)cpu->model->efer | (cpu->model->efer & EFER_LME ? EFER_LMA : 0)) ||
        lma != (efer & EFER_LME && paging))
        refuse(cpu, CPU_CAUSE_RSM_EFER, efer);
    if (lma && !(cr4 & CR4_PAE))
        refuse(cpu, CPU_CAUSE_RSM_EFER, cr4);
    if (family < 6 && image->smbase & 0x7fff)
        refuse(cpu, CPU_CAUSE_RSM_SMBASE, image->smbase);
}

/* The map that has none: they are read as MOV CR3 would. In the view that RSM leads back to. */
static void read_pdptes(struct cpu *cpu, struct image *image)
{
    const uint64_t reserved = ~paging_phys_mask(cpu) | 0x1e6;

    cpu->smm.active = false;
    for (unsigned n = 0; n < 4; n++)
        image->pdpte[n] = mem_phys_read(cpu, (image->cr3 & 0xffffffe0u) + n * 8, 8);
    cpu->smm.active = true;
    for (unsigned n = 0; n < 4; n++)
        if (image->pdpte[n] & 1 && image->pdpte[n] & reserved)
            refuse(cpu, CPU_CAUSE_RSM_PDPTE, image->pdpte[n]);
}

static void commit_segments(struct cpu *cpu, const struct image *image)
{
    bool amd = cpu->cluster->smm_map == SMM_MAP_AMD64;

    for (unsigned n = 0; n < CPU_SEGS; n++) {
        uint32_t attr = (uint32_t)image->attr[n], null = amd ? attr & ATTR_NULL_AMD : attr & SEG_UNUSABLE;

        cpu->seg[n] = (struct cpu_seg){ .selector = (uint16_t)image->selector[n], .limit = (uint32_t)image->limit[n],
                                        .attr = (attr & 0xf0ff) | (null ? SEG_UNUSABLE : 0), .base = image->base[n] };
    }
    cpu->gdtr = (struct cpu_table){ .base = image->gdt_base, .limit = (uint32_t)image->gdt_limit & 0xffff };
    cpu->idtr = (struct cpu_table){ .base = image->idt_base, .limit = (uint32_t)image->idt_limit & 0xffff };
}

/* The level is that of SS always. */
static uint8_t level_of(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE))
        return 0;
    return cpu->eflags & EFL_VM ? 3 : (uint8_t)SEG_DPL(cpu->seg[CPU_SS].attr);
}

static void commit(struct cpu *cpu, const struct image *image)
{
    bool lma = image->efer & EFER_LMA;

    for (unsigned n = 0; n < CPU_GENERAL; n++)
        cpu->reg[n] = image->reg[n];
    commit_segments(cpu, image);
    cpu->cr0 = (image->cr0 & CR0_WRITABLE) | CR0_ET;
    cpu->cr3 = image->cr3 & (lma ? paging_phys_mask(cpu) : UINT32_MAX);
    cpu->cr4 = image->cr4;
    cpu->efer = image->efer;
    for (unsigned n = 0; n < 4; n++)
        cpu->pdpte[n] = image->pdpte[n];
    cpu->dr[6] = (image->dr6 & DR6_WRITABLE) | DR6_INIT;
    cpu->dr[7] = (image->dr7 & DR7_WRITABLE) | DR7_INIT;
    cpu_set_eflags(cpu, (uint32_t)image->flags & (lma ? EFL_DEFINED & ~(uint32_t)EFL_VM : EFL_DEFINED));
    cpu->cpl = level_of(cpu);
    cpu->ip = lma && cpu->seg[CPU_CS].attr & SEG_L ? image->ip : (uint32_t)image->ip;
}

/* The HLT that was interrupted goes on. */
static void halt(struct cpu *cpu)
{
    struct bus_txn txn = { .kind = BUS_SPECIAL, .master = (uint16_t)cpu->number, .addr = BUS_SPECIAL_HALT };

    bus_do(cpu->bus, &txn);
    cpu->activity = CPU_HALTED;
}

void smm_leave(struct cpu *cpu, const struct cpu_insn *i)
{
    struct cpu_event event = { .kind = CPU_EVENT_RETURN };
    struct image image;

    mem_touch(cpu, i);
    load(cpu, &image);
    check(cpu, &image);
    if (!layout_of(cpu)->has_pdptes && paging_has_pdptes(image.cr0, image.cr4, image.efer))
        read_pdptes(cpu, &image);
    restart_io(cpu, &image);

    commit(cpu, &image);
    cpu->smm.active = false;
    cpu->smm.base = (uint32_t)image.smbase;
    cpu->nmi_blocked = image.nmi_mask & 1;
    cpu->pending_db = cpu->smm.pending_db;
    cpu->pending_db_cause = cpu->smm.pending_db_cause;
    cpu->smm.pending_db = 0;
    cpu->smm.pending_db_cause = CPU_CAUSE_NONE;
    cpu->step_trap = false; /* TF of the handler has no say any more */
    if (image.auto_halt & 1)
        halt(cpu);
    mem_flush_tlb(cpu, true);
    xfer_mode_changed(cpu);
    run_report(cpu, &event);
}
