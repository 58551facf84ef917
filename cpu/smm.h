/*
 * System-management mode: SDM Vol. 3C, "System Management Mode".
 *
 * An SMI (the wire "smi", or a message of the APIC) is latched, and taken by the boundary function: the CPU goes to SMM, writes
 * its state to the save map at SMBASE + FE00h (with the 64-bit map of Intel, + FC00h), and begins at SMBASE + 8000h in a mode
 * like real mode with segments of 4 GiB. RSM reads the map and goes back. In SMM the CPU sees memory as BUS_SMM and
 * BUS_SMM_CODE do; its TLB is flushed on the way in and out. Further SMIs (one is kept) and INITs wait for RSM, NMIs for RSM
 * or an IRET.
 *
 * What the manual leaves open, and what is done here:
 *   - an SMI waits for the step behind STI and MOV SS, so neither shadow has to be kept;
 *   - debug traps that are due when an SMI comes are kept, and delivered behind RSM;
 *   - an SMI ends the shutdown state where the processor's family hears it there (not the 80486 and the P6 family); RSM
 *     then goes on with the instruction that led there;
 *   - general registers keep their values on entry; CR2, DR0 to DR3, x87, vectors and MSRs but EFER are not touched;
 *   - the auto-HALT field decides, whatever was found: bit 0 set halts;
 *   - the I/O restart field counts if the step before the SMI was an I/O instruction, and if it is FFh;
 *   - EFER, CR0, CR4 and CR3 of the map must fit together as MOV and WRMSR want it: else shutdown;
 *   - after RSM NMIs are not blocked, for the maps of Intel do not keep that; AMD's does.
 *
 * The map has one of three layouts. The places that the manuals call reserved keep what they call hidden: a handler that
 * copies the map as a whole copies everything.
 *
 *   SMM_MAP_32       processors without long mode: SDM, "SMRAM State Save Map"
 *   SMM_MAP_INTEL64  the others: "SMRAM State Save Map for Intel 64 Architecture"
 *   SMM_MAP_AMD64    APM Vol. 2, "SMM State-Save Area"; SeaBIOS and other firmware made for
 *                    QEMU know this layout and that of 32 bits only
 */
#ifndef LIBSIM_CPU_SMM_H
#define LIBSIM_CPU_SMM_H

#include "cpu/cpu.h"
#include "cpu/insn.h"

enum { SMM_BASE_INITIAL = 0x30000, SMM_ENTRY = 0x8000 };

/* Bits of the revision identifier besides the level in 15:0. */
enum { SMM_REVISION_IO_RESTART = 1 << 16, SMM_REVISION_SMBASE = 1 << 17 };

/* What the I/O state field says (SDM, "I/O state implementation"). */
enum {
    SMM_IO_SMI = 1,          /* the SMI came right behind an I/O instruction */
    SMM_IO_LENGTH_SHIFT = 1, /* bytes: 1, 2, 4 */
    SMM_IO_TYPE_SHIFT = 4,   /* struct cpu_io.type */
    SMM_IO_PORT_SHIFT = 16
};

/* Which layout the CPUs of a cluster use from now on. At first it is the model's, by the SDM; to be called before the first step. */
void smm_set_map(struct cpu_cluster *cluster, enum smm_map map);

/* Could an SMI, or an INIT, be taken at this boundary, shadows apart? */
bool smm_hears_smi(const struct cpu *cpu);
static inline bool smm_takes_smi(const struct cpu *cpu) { return cpu->smi_pending && smm_hears_smi(cpu); }
static inline bool smm_takes_init(const struct cpu *cpu) { return cpu->init_pending && (!cpu->smm.active || cpu->activity == CPU_SHUTDOWN); }

/* The step that an SMI is, but for its counting. Only when this CPU may touch shared things. */
void smm_enter(struct cpu *cpu);

/* RSM, from inside its handler. Returns at the state that was interrupted, or shuts the CPU down (run_shutdown). */
void smm_leave(struct cpu *cpu, const struct cpu_insn *i);

/* An I/O instruction has accessed its port and changed no register yet; the ports of INS and OUTS with the address in memory. */
void smm_note_io(struct cpu *cpu, const struct cpu_insn *i, uint16_t port, unsigned bytes, bool write);
void smm_note_string(struct cpu *cpu, const struct cpu_insn *i, sim_laddr laddr);
static inline void smm_note_immediate(struct cpu *cpu) { cpu->smm.io.type |= CPU_IO_IMMEDIATE; }

extern const struct sim_field smm_fields[]; /* of struct cpu_smm */

#endif
