/*
 * Bits of control registers, EFLAGS and friends, by the manual's names; the modelled MSRs.
 * SDM Vol. 3A, "Control registers", "System flags and fields in the EFLAGS register"; Vol. 4 for MSRs.
 */
#ifndef LIBSIM_CPU_REGS_H
#define LIBSIM_CPU_REGS_H

#include "base/types.h"

enum {
    EFL_CF = 1 << 0, EFL_PF = 1 << 2, EFL_AF = 1 << 4, EFL_ZF = 1 << 6, EFL_SF = 1 << 7, EFL_TF = 1 << 8,
    EFL_IF = 1 << 9, EFL_DF = 1 << 10, EFL_OF = 1 << 11, EFL_IOPL = 3 << 12, EFL_NT = 1 << 14, EFL_RF = 1 << 16,
    EFL_VM = 1 << 17, EFL_AC = 1 << 18, EFL_VIF = 1 << 19, EFL_VIP = 1 << 20, EFL_ID = 1 << 21,
    EFL_ARITH = EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF | EFL_OF,
    EFL_DEFINED = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_RF | EFL_VM | EFL_AC | EFL_VIF | EFL_VIP | EFL_ID
};
#define EFL_IOPL_SHIFT 12

#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

#define CR0_WRITABLE (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define CR4_VME 0x00001u
#define CR4_PVI 0x00002u
#define CR4_TSD 0x00004u
#define CR4_DE  0x00008u
#define CR4_PSE 0x00010u
#define CR4_PAE 0x00020u
#define CR4_MCE 0x00040u
#define CR4_PGE 0x00080u
#define CR4_PCE 0x00100u
#define CR4_OSFXSR 0x00200u
#define CR4_OSXMMEXCPT 0x00400u
#define CR4_UMIP 0x00800u
#define CR4_LA57 0x01000u
#define CR4_VMXE 0x02000u
#define CR4_FSGSBASE 0x10000u
#define CR4_PCIDE 0x20000u
#define CR4_OSXSAVE 0x40000u
#define CR4_SMEP 0x100000u
#define CR4_SMAP 0x200000u
#define CR4_PKE 0x400000u
#define CR4_PKS 0x1000000u

#define EFER_SCE 0x001u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u

#define DR6_B0 0x1u
#define DR6_BD 0x2000u
#define DR6_BS 0x4000u
#define DR6_BT 0x8000u
#define DR6_WRITABLE 0xe00fu
#define DR6_INIT 0xFFFF0FF0u
#define DR7_GD 0x2000u
#define DR7_WRITABLE 0xffff23ffu
#define DR7_INIT 0x400u

/* IA32_DEBUGCTL */
#define DEBUGCTL_LBR 1u
#define DEBUGCTL_BTF 2u

/* Segment attributes (struct cpu_seg.attr). */
#define SEG_TYPE 0x000Fu
#define SEG_TYPE_ACCESSED 0x1u
#define SEG_TYPE_WRITE 0x2u      /* data: writable */
#define SEG_TYPE_READ 0x2u       /* code: readable */
#define SEG_TYPE_DOWN 0x4u       /* data: expand-down */
#define SEG_TYPE_CONFORMING 0x4u /* code: conforming */
#define SEG_TYPE_CODE 0x8u
#define SEG_S    0x0010u         /* code or data (not a system segment) */
#define SEG_DPL(attr) (((attr) >> 5) & 3u)
#define SEG_P    0x0080u
#define SEG_AVL  0x1000u
#define SEG_L    0x2000u
#define SEG_DB   0x4000u
#define SEG_G    0x8000u
#define SEG_UNUSABLE 0x10000u

/* System descriptor types. */
enum {
    SYS_TSS16_AVAILABLE = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_CALL16 = 4, SYS_TASK_GATE = 5, SYS_INT16 = 6,
    SYS_TRAP16 = 7, SYS_TSS_AVAILABLE = 9, SYS_TSS_BUSY = 11, SYS_CALL = 12, SYS_INT = 14, SYS_TRAP = 15
};

/* MSRs that are state. Their numbers and rules are in msr.c. */
/* Bits of IA32_MISC_ENABLE. */
#define MISC_ENABLE_PERFMON (1ull << 7)
#define MISC_ENABLE_MONITOR (1ull << 18)
#define MISC_ENABLE_LIMIT_CPUID (1ull << 22)
#define MISC_ENABLE_XD_DISABLE (1ull << 34)

#define MSR_MC_BANKS 9 /* that some model has */
#define MISC_FEATURES_CPUID_FAULT 1ull

struct cpu_msrs {
    uint64_t apic_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat;
    uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8];
    uint64_t misc_enable, feature_control;
    uint64_t mcg_status, mc_ctl[MSR_MC_BANKS];
    uint64_t misc_features_enables, power_ctl;
    uint64_t debugctl;
    uint64_t star, lstar, cstar, fmask, kernel_gs_base, tsc_aux;
    uint64_t bios_sign_id, pkrs;
    uint64_t tsc_adjust;
    uint64_t xss;
};

#endif
