/* Views of registers, tables and paging: hand-made state, and hostile state. */
#include "testcases/unit/debug_bench.h"

#include "cpu/paging.h"
#include "cpu/tlb.h"

static struct bench b;
static struct cpu *cpu;

static void setup(void)
{
    bench_open(&b);
    cpu = b.s.cpu;
    sys_protected(&b.s, 0);
    CODE(&b.s, "\x90");
}

static void teardown(void) { bench_close(&b); }

#define VIEW(name) TEXT(&b, dbg_view_##name(b.dbg, cpu, &b.text))
#define TRANSLATE(laddr) TEXT(&b, dbg_view_translate(b.dbg, cpu, (laddr), &b.text))

/* Does the text have a line that contains both? */
static void check_line(const char *text, const char *start, const char *rest)
{
    const char *at = strstr(text, start);
    size_t len = at ? strcspn(at, "\n") : 0;

    ck_assert_msg(at && memmem(at, len, rest, strlen(rest)), "no line with '%s' and '%s' in:\n%s", start, rest, text);
}

/* ---- Descriptor tables ---- */

static const struct { const char *entry, *text; } gdt[] = {
    { "    0  0000", "null" }, { "    1  0008  00cf9a00 0000ffff", "32-bit code, readable, DPL 0, present, base 0x00000000, limit 0xffffffff  <- CS" },
    { "    2  0010", "32-bit data, writable, DPL 0, present, base 0x00000000, limit 0xffffffff  <- ES SS DS FS GS" }, { "    4  0020", "DPL 3" },
    { "    5  0028", "32-bit TSS, busy, DPL 0, present, base 0x00004000, limit 0x00000fff  <- TR" }, { "    7  0038", "LDT, DPL 0, present, base 0x00002000" },
    { "    8  0040", "16-bit code, readable" }, { "   10  0050", "NOT PRESENT" }, { "   12  0060", "execute-only" }, { "   13  0068", "readable, conforming" },
    { "   15  0078", "read-only" }, { "   17  0088", "32-bit call gate to 0008:00011000 target, DPL 3, present" }, { "   24  00c0", "task gate to TSS selector 0x0030" },
    { "   29  00e8", "! too small for a task switch" }, { "   30  00f0", "16-bit TSS, available" }, { "   32  0100", "expand-down" },
    { "   33  0108", "! belongs into the IDT" }, { "   34  0110", "16-bit call gate to 0040:00001234" }, { "   35  0118", "3 parameters" },
    { "   47  0178", "! no valid type" }, { "   48 - 49", "empty" },
};

START_TEST(every_kind_of_descriptor_is_decoded)
{
    static const struct elf_symbol symbols[] = { { "target", AT_TASK, 16, STT_FUNC, 1 } };

    bench_symbols(&b, symbols, 1);
    sys_poke(&b.s, AT_GDT + 8 * 47, 0x0000880000000000, 8);
    cpu->gdtr.limit = 8 * 50 - 1;
    check_line(VIEW(gdt), gdt[_i].entry, gdt[_i].text);
}
END_TEST

START_TEST(a_table_that_is_partly_mapped_is_shown_as_far_as_it_goes)
{
    sys_paging(&b.s);
    cpu->gdtr = (struct cpu_table){ 0x3fff00, 0xffff };
    sys_poke(&b.s, 0x3fff10, FLAT(0xa, 0), 8);
    check_line(VIEW(gdt), "    2  0010", "32-bit code");
    check_line(VIEW(gdt), "   32 - 8191", "not mapped");
    ck_assert_uint_lt(strlen(VIEW(gdt)), 500);
    cpu->gdtr.limit = 4;
    ck_assert_has(VIEW(gdt), "is it a number of entries?");
}
END_TEST

static const struct { const char *entry, *text; } ldt[] = { { "    0  0004", "empty" }, { "    1  000c", "32-bit data, writable" }, { "    2 - 3", "empty" } };

START_TEST(the_ldt_is_shown)
{
    check_line(VIEW(ldt), ldt[_i].entry, ldt[_i].text);
    cpu->seg[CPU_LDTR].attr = SEG_UNUSABLE;
    ck_assert_has(VIEW(ldt), "no LDT");
}
END_TEST

static const struct { uint64_t raw; const char *text; } gates[] = {
    { GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0), "32-bit interrupt gate to 0008:00020000 handler, DPL 0, present\n" },
    { GATE(CODE0, AT_HANDLER, SYS_TRAP, 3, 0), "32-bit trap gate to 0008:00020000 handler, DPL 3, present\n" },
    { GATE(CODE16, 0x1234, SYS_INT16, 0, 0), "16-bit interrupt gate to 0040:00001234, DPL 0, present\n" },
    { GATE(TSS32, 0, SYS_TASK_GATE, 0, 0), "task gate to TSS selector 0x0030, DPL 0, present\n" }, { 0, "empty\n" },
    { ABSENT(GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0)), "NOT PRESENT\n" }, { GATE(DATA0, AT_HANDLER, SYS_INT, 0, 0), "! its selector does not name a code segment" },
    { GATE(OUTSIDE, AT_HANDLER, SYS_INT, 0, 0), "! it lies beyond the limit of the GDT" }, { GATE(0, AT_HANDLER, SYS_INT, 0, 0), "! its code segment is the null selector" },
    { GATE(CODE_NP, AT_HANDLER, SYS_INT, 0, 0), "! its code segment is not present" }, { GATE(CODE_SMALL, AT_HANDLER, SYS_INT, 0, 0), "! its handler lies beyond" },
    { GATE(CODE0, 0x80000000, SYS_INT, 0, 0), "! its handler is not mapped" }, { GATE(CODE0, AT_HANDLER, SYS_CALL, 0, 0), "32-bit call gate" },
    { GATE(CODE0, AT_HANDLER, SYS_CALL, 0, 0), "! no gate" }, { GATE(TSS_SELF, 0, SYS_TASK_GATE, 0, 0), "! its TSS is busy" },
    { GATE(TSS_NP, 0, SYS_TASK_GATE, 0, 0), "! its TSS is not present" },
};

START_TEST(what_is_wrong_with_a_gate_is_marked)
{
    static const struct elf_symbol symbols[] = { { "handler", AT_HANDLER, 0x10, STT_FUNC, 1 } };

    bench_symbols(&b, symbols, 1);
    sys_paging(&b.s);
    sys_poke(&b.s, AT_IDT + 8 * 14, gates[_i].raw, 8);
    ck_assert_has(strstr(VIEW(idt), "      14 #PF"), gates[_i].text);
}
END_TEST

START_TEST(equal_gates_share_a_line)
{
    for (unsigned n = 32; n < 256; n++)
        sys_poke(&b.s, AT_IDT + 8 * n, GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0), 8);
    check_line(VIEW(idt), " 32 - 255", "interrupt gate to 0008:00020000");
    sys_paging(&b.s);
    cpu->idtr = (struct cpu_table){ 0x80000000, 0xffff };
    check_line(VIEW(idt), "  0 - 255", "not mapped");
    ck_assert_has(VIEW(idt), "limit 0xffff: 8192 entries");
}
END_TEST

START_TEST(real_mode_has_vectors_instead)
{
    sys_real(&b.s);
    check_line(VIEW(idt), "       8 #DF", "2000:0080");
    ck_assert_has(VIEW(idt), "Interrupt vector table at 0x00000000, limit 0x3ff: 256 entries");
    ck_assert_has(VIEW(gdt), "not in use");
}
END_TEST

START_TEST(the_tss_is_shown_with_its_bitmap)
{
    const char *text;

    for (unsigned n = 0x68; n < 0x1000; n += 4)
        sys_poke(&b.s, AT_TSS + n, 0xffffffff, 4);
    sys_poke(&b.s, AT_TSS + 0x68 + 0x60 / 8, 0xee, 1); /* 60 and 64 */
    sys_poke(&b.s, AT_TSS + 0x68 + 0x3f8 / 8, 0, 1);
    text = VIEW(tss);
    ck_assert_has(text, "TR = 0x0028: 32-bit TSS at 0x00004000, limit 0xfff\n");
    ck_assert_has(text, "ESP0         00030000  SS0          0010\n");
    ck_assert_has(text, "open ports: 0060 0064 03f8-03ff\n");
    sys_poke(&b.s, AT_TSS + 0x66, 0xfff, 2);
    ck_assert_has(VIEW(tss), "no port is open");
    sys_poke(&b.s, AT_TSS + 8, DATA3 | 3, 2);
    ck_assert_has(VIEW(tss), "! SS0 = 0x0023 cannot be used: RPL and DPL must be 0");
    sys_poke(&b.s, AT_TSS + 8, 0, 2);
    ck_assert_has(VIEW(tss), "! SS0 = 0x0000 cannot be used: it is null");
    sys_paging(&b.s);
    sys_poke(&b.s, AT_TSS + 8, DATA0, 2);
    sys_poke(&b.s, AT_TSS + 4, 0, 4);
    ck_assert_has(VIEW(tss), "! the memory below ESP0 (0x00000000) is not mapped");
    cpu->seg[CPU_TR].limit = 3;
    ck_assert_has(VIEW(tss), "ESP0         (beyond)");
    ck_assert_has(VIEW(tss), "bitmap: none");
    cpu->seg[CPU_TR].selector = 0;
    ck_assert_has(VIEW(tss), "! LTR was never executed");
}
END_TEST

START_TEST(a_16_bit_tss_has_its_own_layout)
{
    sys_segment(&b.s, CPU_TR, TSS16, SYSTEM(AT_TSS16, 0x2b, SYS_TSS16_BUSY, 0));
    ck_assert_has(VIEW(tss), "16-bit TSS at 0x00006000");
    ck_assert_has(VIEW(tss), "IP           1234      FLAGS        0002\n");
    ck_assert_has_not(VIEW(tss), "I/O");
}
END_TEST

/* ---- Registers ---- */

START_TEST(registers_are_shown_with_flags_by_name)
{
    cpu_set_eflags(cpu, 2 | EFL_IF | EFL_CF | 3 << EFL_IOPL_SHIFT);
    ck_assert_has(VIEW(registers), "eax 01010101  ebx 04040404  ecx 02020202  edx 03030303\n");
    ck_assert_has(VIEW(registers), "eflags 00003203  IF CF  IOPL 3\n");
    ck_assert_has(VIEW(registers), "CS 0008  SS 0010");
    ck_assert_has(VIEW(registers), "CPL 0, 32-bit protected mode\n");
    ck_assert_has(VIEW(registers), "=> 0008:00010000  ");
}
END_TEST

START_TEST(x87_registers_are_shown_as_numbers)
{
    cpu->fpu = (struct cpu_fpu){ .cw = FPU_CW_INIT, .sw = 5 << FPU_TOP_SHIFT | FPU_SW_C3 | FP_ZE, .valid = 0xe0, .fop = 0x1e8, .fcs = 8, .fip = 0x10000 };
    cpu->fpu.r[5] = (fp80){ 0xc90fdaa22168c235, 0xc000 };
    cpu->fpu.r[6] = (fp80){ 1ull << 63, 0x7fff };
    cpu->fpu.r[7] = (fp80){ 0xc000000000000000, 0xffff };
    ck_assert_has(VIEW(float), "st0  R5  c000 c90fdaa22168c235  -3.14159265358979324\n");
    ck_assert_has(VIEW(float), "st1  R6  7fff 8000000000000000  infinity\n");
    ck_assert_has(VIEW(float), "st2  R7  ffff c000000000000000  -QNaN\n");
    ck_assert_has(VIEW(float), "st3  R0  0000 0000000000000000  empty\n");
    ck_assert_has(VIEW(float), "fcw  037f  masked: IM DM ZM OM UM PM; precision 64 bits, rounds to nearest\n");
    ck_assert_has(VIEW(float), "fsw  6804  TOP 5, C3 ZE\n");
    ck_assert_has(VIEW(float), "ftw  a3ff\n");
    ck_assert_has(VIEW(float), "last instruction 0008:00010000, opcode 1e8, operand 0000:00000000\n");
    cpu->fpu.r[5] = (fp80){ 1, 0 };
    ck_assert_has(VIEW(float), "3.6451995318824746e-4951  denormal\n");
    cpu->fpu.r[5] = (fp80){ 1, 5 };
    ck_assert_has(VIEW(float), "unsupported\n");
}
END_TEST

START_TEST(vector_registers_are_shown_as_far_as_the_mode_reaches)
{
    const double two[4] = { 0.5, -2, 0, 1e300 };

    memcpy(cpu->vector[7].b, two, 32);
    cpu->mxcsr = 0xe040 | 1;
    ck_assert_has(VIEW(vector), "ymm7   7e37e43c8800759c 0000000000000000  c000000000000000 3fe0000000000000\n");
    ck_assert_has(VIEW(vector), "mxcsr 0000e041  masked: -; flags: IE; rounds to zero, DAZ, FTZ\n");
    ck_assert_has_not(VIEW(vector), "ymm8");
    ck_assert_has(TEXT(&b, dbg_view_register(cpu, "ymm7", &b.text)), "double: 1.0000000000000001e+300 0 -2 0.5\n");
}
END_TEST

START_TEST(a_segment_that_is_not_what_its_descriptor_says_is_marked)
{
    ck_assert_has_not(VIEW(segments), "!");
    sys_desc(&b.s, DATA0, FLAT(0x0, 0));
    check_line(VIEW(segments), "DS ", "! its descriptor is another one by now");
    check_line(VIEW(segments), "CS ", "0c09b  32-bit code, readable, accessed, DPL 0");
    cpu->gdtr.limit = 0xf;
    check_line(VIEW(segments), "SS ", "! its descriptor cannot be read any more");
    cpu->seg[CPU_FS].attr = SEG_UNUSABLE;
    check_line(VIEW(segments), "FS ", "unusable");
}
END_TEST

START_TEST(the_state_of_the_processor_is_shown)
{
    cpu->nmi_pending = cpu->nmi_blocked = cpu->shadow_sti = true;
    cpu->pending_db = DR6_BS;
    cpu->dr[1] = 0x12345678;
    cpu->dr[7] = 0xd00408;
    cpu->steps = 1234567;
    cpu->cr4 = CR4_PAE | CR4_PSE;
    cpu->cr0 |= CR0_PG;
    ck_assert_has(VIEW(cpu), "CPU 0 (max: ");
    ck_assert_has(VIEW(cpu), "32-bit protected mode, PAE paging, CPL 0, interrupts off\n");
    ck_assert_has(VIEW(cpu), "1,234,567 steps");
    ck_assert_has(VIEW(cpu), "pending: NMI, until IRET\n");
    ck_assert_has(VIEW(cpu), "pending: debug trap BS\n");
    ck_assert_has(VIEW(cpu), "held off for the step after STI\n");
    ck_assert_has(VIEW(cpu), "CR4    00000030  PAE PSE\n");
    ck_assert_has(VIEW(cpu), "PDPTE0 0000000000000000  not present");
    ck_assert_has(VIEW(cpu), "DR1    12345678  write, 4 bytes, global\n");
    cpu->activity = CPU_SHUTDOWN;
    ck_assert_has(VIEW(cpu), ", shutdown\n");
    ck_assert_has(VIEW(cpu), "SMBASE 00030000  SMI handler at 0x00038000, save map up to 0x0003ffff\n");
    cpu->smm.active = cpu->smi_pending = cpu->init_pending = true;
    cpu->cr0 = 0;
    cpu_mode_changed(cpu);
    ck_assert_has(VIEW(cpu), "system-management mode, real mode, no paging, CPL 0, interrupts off\n");
    ck_assert_has(VIEW(cpu), "pending: SMI, until RSM\n");
    ck_assert_has(VIEW(cpu), "pending: NMI, until IRET or RSM\n");
    ck_assert_has(VIEW(cpu), "pending: INIT, until RSM\n");
}
END_TEST

START_TEST(msrs_and_the_local_apic_are_shown)
{
    check_line(VIEW(msrs), "0000001b  00000000fee00900  IA32_APIC_BASE", "base 0xfee00000, enabled, BSP");
    check_line(VIEW(msrs), "IA32_PAT", "WB WT UC- UC WB WT UC- UC");
    cpu->lapic->lvt_timer = 0x20030;
    cpu->lapic->irr[1] = 3;
    cpu->lapic->svr = 0x1ff;
    ck_assert_has(VIEW(lapic), "local APIC of CPU 0 at 0xfee00000, on, enabled by SVR\n");
    check_line(VIEW(lapic), "timer     00020030", "vector 48");
    ck_assert_has(VIEW(lapic), "periodic");
    ck_assert_has(VIEW(lapic), "IRR       32 33\n");
    ck_assert_has(VIEW(lapic), "ISR       none\n");
    ck_assert_has(VIEW(lapic), "next: vector 33\n");
}
END_TEST

/* ---- Paging ---- */

static void pte(unsigned page, uint32_t entry) { sys_poke(&b.s, AT_PT + 4 * page, entry, 4); }

START_TEST(the_map_merges_runs_of_one_kind)
{
    ck_assert_has(VIEW(page_tables), "Paging is off");
    sys_paging(&b.s);
    cpu->cr4 = CR4_PSE;
    pte(0x70, 0);
    pte(0x71, 0x200003);
    pte(0x72, 0x72019); /* PCD and PWT */
    cpu->msr.mtrr_def_type = 0x806;
    sys_poke(&b.s, AT_PD + 4 * 3, 0x400087, 4);
    sys_poke(&b.s, AT_PD + 4 * 4, 0x600087, 4);
    sys_poke(&b.s, AT_PD + 4 * 1023, 0xc00083, 4);
    ck_assert_str_eq(VIEW(page_tables), "CR3 = 0x00007000, 32-bit paging; CR0.WP is clear: the kernel may write read-only pages\n"
                                        "00000000-0006ffff    448 KiB  -> 00000000-0006ffff  4K  user   rwx  WB  identity\n"
                                        "00071000-00071fff      4 KiB  -> 00200000-00200fff  4K  kernel rwx  WB\n"
                                        "00072000-00072fff      4 KiB  -> 00072000-00072fff  4K  kernel r-x  UC  identity\n"
                                        "00073000-003fffff   3636 KiB  -> 00073000-003fffff  4K  user   rwx  WB  identity\n"
                                        "00c00000-00ffffff      4 MiB  -> 00400000-007fffff  4M  user   rwx  WB\n"
                                        "01000000-013fffff      4 MiB  ! reserved bits are set in a paging entry\n"
                                        "ffc00000-ffffffff      4 MiB  -> 00c00000-00ffffff  4M  kernel rwx  WB\n");
    sys_poke(&b.s, 0x300000, 0, 4);
    cpu->cr3 = 0x300000;
    ck_assert_has(VIEW(page_tables), "Nothing is mapped");
}
END_TEST

START_TEST(pae_tables_are_walked_too)
{
    cpu->cr4 = CR4_PAE;
    cpu->cr0 |= CR0_PG;
    cpu->pdpte[1] = 0x100001;
    sys_poke(&b.s, 0x100000, 0x200083, 8);
    sys_poke(&b.s, 0x100008, 0x101003, 8);
    sys_poke(&b.s, 0x101000, 0x8000000000003001, 8); /* no-execute is reserved */
    sys_poke(&b.s, 0x101008, 0x5001, 8);
    cpu_mode_changed(cpu);
    ck_assert_str_eq(VIEW(page_tables), "CR3 = 0x00000000, PAE; CR0.WP is clear: the kernel may write read-only pages\n"
                                        "40000000-401fffff      2 MiB  -> 00200000-003fffff  2M  kernel rwx  UC\n"
                                        "40200000-40200fff      4 KiB  ! reserved bits are set in a paging entry\n"
                                        "40201000-40201fff      4 KiB  -> 00005000-00005fff  4K  kernel r-x  UC\n");
    ck_assert_has(TRANSLATE(0x40200000), "PTE   [   0] at physical 0x00101000 = 0x8000000000003001  NX P, page 0x00003000  ! reserved bits are set");
    ck_assert_has(TRANSLATE(0x40000000), "PDPTE [   1] at physical 0x00000008 = 0x0000000000100001  P, table 0x00100000 (as loaded with CR3)");
}
END_TEST

START_TEST(an_address_is_followed_level_by_level)
{
    sys_paging(&b.s);
    ck_assert_str_eq(TRANSLATE(0x71234), "linear 0x00071234\n"
                                         "  CR3 = 0x00007000\n"
                                         "  PDE   [   0] at physical 0x00007000 = 0x00008007  U W P, table 0x00008000\n"
                                         "  PTE   [ 113] at physical 0x000081c4 = 0x00071007  U W P, page 0x00071000\n"
                                         "  -> physical 0x00071234, RAM ram, 4K page, user   rwx, UC (UC by the MTRRs)\n"
                                         "  TLB: nothing for this address\n");
    cpu->msr.mtrr_def_type = 0x806;
    pte(0x100, 0x100017);
    ck_assert_has(TRANSLATE(0x100000), ", UC (WB by the MTRRs)");
    ck_assert_has(TRANSLATE(0x80000000), "not present (all zero)\n  -> not mapped\n");
    pte(0x100, 0x12345007);
    ck_assert_has(TRANSLATE(0x100000), "-> physical 0x12345000, where nobody answers");
    pte(0x100, 0xfee00007);
    ck_assert_has(TRANSLATE(0x100000), "the local APIC");
    bus_set_a20(b.s.bus, false);
    ck_assert_has(TRANSLATE(0x101000), "-> physical 0x00001000, RAM ram (0x00101000 with A20 masked)");
}
END_TEST

/* What a kernel that forgets INVLPG wants to be told. */
START_TEST(a_stale_tlb_entry_is_pointed_out)
{
    sys_paging(&b.s);
    CODE(&b.s, "\xa1\x34\x12\x07\x00\xa3\x00\x20\x07\x00\xf4"); /* mov eax, [71234]; mov [72000], eax; hlt */
    sys_run(&b.s, 2);
    ck_assert_has(TRANSLATE(0x71234), "  TLB: physical 0x00071234, 4K page, user   rwx\n");
    ck_assert_has_not(VIEW(tlb), "STALE");
    pte(0x71, 0x200007);
    ck_assert_has(TRANSLATE(0x71234), "STALE: the tables say something else");
    ck_assert_has(TRANSLATE(0x71234), "-> physical 0x00200234");
    check_line(VIEW(tlb), "00071000-00071fff  -> 00071000-00071fff", "STALE");
    check_line(VIEW(tlb), "00072000-00072fff  -> 00072000-00072fff", "dirty");
    pte(0x71, 0);
    ck_assert_has(TRANSLATE(0x71234), "STALE: the tables do not map it any more");
    mem_invlpg(cpu, 0x71000);
    ck_assert_has(TRANSLATE(0x71234), "nothing for this address");
}
END_TEST

START_TEST(the_tlb_is_listed_by_address_with_runs_merged)
{
    struct tlb_entry lost;

    sys_paging(&b.s);
    mem_flush_tlb(cpu, true);
    ck_assert_str_eq(VIEW(tlb), "0 live entries\n");
    for (unsigned n = 0; n < 8; n++)
        tlb_fill(cpu->tlb, (0x40 + n) << 12, (0x40 + n) << 12, 12, TLB_W | TLB_U, &lost);
    tlb_fill(cpu->tlb, 0x1000, 0x1000, 12, TLB_W | TLB_U, &lost);
    ck_assert_str_eq(VIEW(tlb), "9 live entries\n"
                                "00001000-00001fff  -> 00001000-00001fff  4K  user   rwx\n"
                                "00040000-00047fff  -> 00040000-00047fff  4K  user   rwx\n");
}
END_TEST

/* ---- Hostile state: everything that a guest can set is anything ---- */

static uint32_t seed;
static uint32_t any(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8 ^ seed << 11;
}

static void any_state(void)
{
    for (unsigned n = 0; n < 8; n++)
        cpu->reg[n] = any();
    for (unsigned n = 0; n < CPU_SEGS; n++)
        cpu->seg[n] = (struct cpu_seg){ (uint16_t)any(), any() & 0x1f0ff, any(), any() };
    cpu->gdtr = (struct cpu_table){ any(), any() & 0xffff };
    cpu->idtr = (struct cpu_table){ any() & 0x3fffff, any() & 0xffff };
    cpu->ip = any();
    cpu->cr0 = (any() & 0x8005003fu) | CR0_PE | (any() & 1 ? CR0_PG : 0);
    cpu->cr3 = any() & 0x3ffffff;
    cpu->cr4 = any() & (CR4_PSE | CR4_PAE);
    cpu->cpl = any() & 3;
    for (unsigned n = 0; n < 4; n++)
        cpu->pdpte[n] = any() & 0x3fffff;
    for (unsigned n = 0; n < 64; n++) {
        uint32_t at = any() & 0x3ffff8;

        for (unsigned i = 0; i < 32; i++)
            sys_poke(&b.s, at + 8 * i > 0x3ffff8 ? 0 : at + 8 * i, (uint64_t)any() << 32 | any(), 8);
    }
    cpu_set_eflags(cpu, 2 | (any() & 0x3f7fd5));
    cpu_mode_changed(cpu);
}

START_TEST(any_state_can_be_viewed)
{
    void (*const views[])(struct dbg *, struct cpu *, struct sim_buf *) = { dbg_view_registers, dbg_view_segments, dbg_view_cpu, dbg_view_gdt, dbg_view_ldt,
                                                                            dbg_view_idt, dbg_view_tss, dbg_view_tlb, dbg_view_lapic, dbg_view_msrs,
                                                                            dbg_view_page_tables };

    seed = (uint32_t)_i;
    any_state();
    for (unsigned n = 0; n < sizeof(views) / sizeof(views[0]); n++) {
        sim_buf_clear(&b.text);
        views[n](b.dbg, cpu, &b.text);
        ck_assert_uint_lt(b.text.len, 2u << 20);
    }
    for (unsigned n = 0; n < 50; n++)
        TRANSLATE(any());
}
END_TEST

/* Every entry of the directory is the directory: a million pages, none beside the other. */
START_TEST(the_largest_map_is_cut)
{
    for (unsigned n = 0; n < 1024; n++)
        sys_poke(&b.s, AT_PD + 4 * n, AT_PD | 7, 4);
    sys_paging(&b.s);
    ck_assert_uint_lt(strlen(VIEW(page_tables)), 1u << 20);
    for (unsigned n = 0; n < 1024; n++)
        sys_poke(&b.s, AT_PT + 4 * n, ((n * 7) & 1023) << 12 | 7, 4);
    for (unsigned n = 0; n < 1024; n++)
        sys_poke(&b.s, AT_PD + 4 * n, AT_PT | 7, 4);
    ck_assert_has(VIEW(page_tables), "... and more\n");
}
END_TEST

#define LOOP(tcase, test, table) tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("debug views");
    TCase *t = tcase_create("views"), *h = tcase_create("hostile");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    LOOP(t, every_kind_of_descriptor_is_decoded, gdt);
    tcase_add_test(t, a_table_that_is_partly_mapped_is_shown_as_far_as_it_goes);
    LOOP(t, the_ldt_is_shown, ldt);
    LOOP(t, what_is_wrong_with_a_gate_is_marked, gates);
    tcase_add_test(t, equal_gates_share_a_line);
    tcase_add_test(t, real_mode_has_vectors_instead);
    tcase_add_test(t, the_tss_is_shown_with_its_bitmap);
    tcase_add_test(t, a_16_bit_tss_has_its_own_layout);
    tcase_add_test(t, registers_are_shown_with_flags_by_name);
    tcase_add_test(t, x87_registers_are_shown_as_numbers);
    tcase_add_test(t, vector_registers_are_shown_as_far_as_the_mode_reaches);
    tcase_add_test(t, a_segment_that_is_not_what_its_descriptor_says_is_marked);
    tcase_add_test(t, the_state_of_the_processor_is_shown);
    tcase_add_test(t, msrs_and_the_local_apic_are_shown);
    tcase_add_test(t, the_map_merges_runs_of_one_kind);
    tcase_add_test(t, pae_tables_are_walked_too);
    tcase_add_test(t, an_address_is_followed_level_by_level);
    tcase_add_test(t, a_stale_tlb_entry_is_pointed_out);
    tcase_add_test(t, the_tlb_is_listed_by_address_with_runs_merged);
    tcase_add_checked_fixture(h, setup, teardown);
    tcase_add_loop_test(h, any_state_can_be_viewed, 0, 30);
    tcase_add_test(h, the_largest_map_is_cut);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, h);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
