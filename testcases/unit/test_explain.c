/*
 * Why did this fault: golden texts of whole chains, a hint for each of the commonest mistakes, JSON, and hostile histories. The fifty guests of
 * testcases/guests/triple are explained by the programs that boot them; here the tables are made by hand.
 */
#include <ctype.h>

#include "testcases/unit/debug_bench.h"

static struct bench b;
static struct cpu *cpu;

static void setup(void)
{
    static const struct elf_symbol symbols[] = { { "main", AT_CODE, 0x100, STT_FUNC, 1 }, { "handlers", AT_HANDLER, 0x1000, STT_FUNC, 1 } };

    bench_open(&b);
    cpu = b.s.cpu;
    bench_symbols(&b, symbols, 2);
    sys_protected(&b.s, 0);
}

static void teardown(void) { bench_close(&b); }

/* Without the lines that show instructions: they need a library. */
static const char *explain(void)
{
    char *at, *end;

    sim_buf_clear(&b.text);
    dbg_explain(b.dbg, cpu, &b.text);
    sim_buf_u8(&b.text, 0);
    for (at = (char *)b.text.data; (at = strstr(at, "     at    ")) != NULL;) {
        at += strcspn(at, "\n") + 1;
        end = at + strcspn(at, "\n") + 1;
        memmove(at, end, strlen(end) + 1);
    }
    return (const char *)b.text.data;
}

static void pte(unsigned page, uint32_t entry) { sys_poke(&b.s, AT_PT + 4 * page, entry, 4); }
static void gate(unsigned vector, uint64_t raw) { sys_poke(&b.s, AT_IDT + 8 * vector, raw, 8); }
static void run(void) { sys_run(&b.s, 100); }

/* ---- Whole texts ---- */

START_TEST(nothing_is_said_before_the_first_delivery)
{
    ck_assert_str_eq(explain(), "");
    ck_assert_str_eq(TEXT(&b, dbg_explain_json(b.dbg, cpu, &b.text)), "");
}
END_TEST

START_TEST(a_stack_overflow_is_told_to_the_end)
{
    sys_paging(&b.s);
    pte(0x2f, 0); /* the guard page */
    CODE(&b.s, "\x90\xe8\xfa\xff\xff\xff"); /* nop; call main */
    cpu->reg[CPU_SP] = 0x30008;
    dbg_tell_step(b.dbg, cpu, 1000000);
    run();
    ck_assert_str_eq(explain(),
        "Triple fault on CPU 0 at step 1,000,006.\n\n"
        " 1. #PF page fault (vector 14), error 0x0002, CR2 = 0x0002fffc\n"
        "     at    0008:00010001  main+0x1\n"
        "     error write by the kernel, page not present\n"
        "     why   PF-NP-PT: The page-table entry of the address is not present: the page is not mapped.\n"
        "           while using the stack at 0010:00030000\n"
        "     seen  PTE at physical 0x000080bc = 0x00000000: not present (all zero) (CR3 = 0x00007000)\n"
        "     see   SDM Vol. 3A, \"Interrupt 14 - Page-Fault Exception (#PF)\"\n\n"
        " 2. #DF double fault (vector 8), error 0x0000, because 1 could not be delivered\n"
        "     met   #PF page fault (vector 14), error 0x0002, CR2 = 0x0002fffc\n"
        "     error write by the kernel, page not present\n"
        "     why   PF-NP-PT: The page-table entry of the address is not present: the page is not mapped.\n"
        "           while pushing the handler's frame on the stack at 0010:00030000\n"
        "     seen  PTE at physical 0x000080bc = 0x00000000: not present (all zero) (CR3 = 0x00007000)\n"
        "     see   SDM Vol. 3A, \"Interrupt 14 - Page-Fault Exception (#PF)\"\n"
        "     so    DF-PP: While a page fault was being delivered, another page fault came up: handler, stack, IDT, GDT or TSS\n"
        "           is not mapped, or read-only.\n\n"
        " 3. shutdown, because 2 could not be delivered\n"
        "     met   #PF page fault (vector 14), error 0x0002, CR2 = 0x0002fffc: PF-NP-PT, the same again\n\n"
        "Stack:\n"
        "     #0   00010001  main+0x1\n\n"
        "Hint: the stack pointer (0x00030000) has reached the end of the stack: below it is an unmapped page (a guard page?),\n"
        "      above it the stack. This is a stack overflow: endless recursion, or arrays too large for it. Handlers that run\n"
        "      on the same stack cannot even start: give #DF a stack of its own, by a task gate.\n"
        "To look at the machine just before: goto 1000005\n");
}
END_TEST

START_TEST(an_exception_without_an_idt_is_told_link_by_link)
{
    cpu->idtr = (struct cpu_table){ 0, 0 };
    CODE(&b.s, "\xcc"); /* int3: benign, so that #GP comes next, then #DF */
    run();
    ck_assert_str_eq(explain(),
        "Triple fault on CPU 0 at step 1.\n\n"
        " 1. #BP breakpoint (vector 3)\n"
        "     at    0008:00010000  main\n"
        "     why   BP-INT3: The breakpoint instruction INT3 (CCh) was executed.\n"
        "     see   SDM Vol. 3A, \"Interrupt 3 - Breakpoint Exception (#BP)\"\n\n"
        " 2. #GP general protection (vector 13), error 0x001a, because 1 could not be delivered\n"
        "     error IDT entry 3\n"
        "     why   GP-IDT-LIMIT: The IDT ends before the entry of this vector; often LIDT was never executed or was given too\n"
        "           small a limit.\n"
        "     seen  IDTR has base 0x00000000, limit 0x0, which is no entry at all; entry 3 would stand at 0x00000018\n"
        "     see   SDM Vol. 3A, \"Interrupt Descriptor Table (IDT)\"\n\n"
        " 3. #DF double fault (vector 8), error 0x0000, because 2 could not be delivered\n"
        "     met   #GP general protection (vector 13), error 0x006b\n"
        "     error IDT entry 13, EXT: met while an event was being delivered\n"
        "     why   GP-IDT-LIMIT: The IDT ends before the entry of this vector; often LIDT was never executed or was given too\n"
        "           small a limit.\n"
        "     seen  IDTR has base 0x00000000, limit 0x0, which is no entry at all; entry 13 would stand at 0x00000068\n"
        "     see   SDM Vol. 3A, \"Interrupt Descriptor Table (IDT)\"\n"
        "     so    DF-CC: While one exception was being delivered, a second one of the same grave kind came up: neither can be\n"
        "           handled by itself.\n\n"
        " 4. shutdown, because 3 could not be delivered\n"
        "     met   #GP general protection (vector 13), error 0x0043\n"
        "     error IDT entry 8, EXT: met while an event was being delivered\n"
        "     why   GP-IDT-LIMIT: The IDT ends before the entry of this vector; often LIDT was never executed or was given too\n"
        "           small a limit.\n"
        "     seen  IDTR has base 0x00000000, limit 0x0, which is no entry at all; entry 8 would stand at 0x00000040\n"
        "     see   SDM Vol. 3A, \"Interrupt Descriptor Table (IDT)\"\n\n"
        "Stack:\n"
        "     #0   00010000  main\n\n"
        "Hint: there is no IDT: IDTR has base 0x0, limit 0x0. LIDT was not executed yet, or its operand was not filled in when\n"
        "      it was.\n"
        "To look at the machine just before: goto 0\n");
}
END_TEST

START_TEST(a_delivered_fault_is_told_with_its_handler)
{
    sys_protected(&b.s, 3);
    sys_paging(&b.s);
    pte(0x60, 0x60003);
    CODE(&b.s, "\x90\x90\xa1\x04\x00\x06\x00"); /* mov eax, [60004] */
    sys_run(&b.s, 3);
    ck_assert_str_eq(explain(),
        "CPU 0, step 2: #PF page fault (vector 14) was delivered to its handler, 0008:000200e0 handlers+0xe0.\n\n"
        " 1. #PF page fault (vector 14), error 0x0005, CR2 = 0x00060004\n"
        "     at    001b:00010002  main+0x2, user mode\n"
        "     error read by user code, the page is mapped but its rights forbid it\n"
        "     why   PF-USER-SUPER: User code touched a page that belongs to the kernel: U/S is clear at some level of the\n"
        "           tables.\n"
        "     seen  PDE at physical 0x00007000 = 0x00008027: A U W P, table 0x00008000\n"
        "           PTE at physical 0x00008180 = 0x00060003: W P, page 0x00060000\n"
        "     see   SDM Vol. 3A, \"Interrupt 14 - Page-Fault Exception (#PF)\"\n\n"
        "Hint: user code may touch 0x00060004 only if U/S (bit 2) is set at every level: in the page-directory entry and in the\n"
        "      page-table entry.\n");
}
END_TEST

START_TEST(interrupts_do_not_hide_the_fault_before_them)
{
    CODE(&b.s, "\x0f\x0b");
    sys_poke(&b.s, AT_HANDLER + 0x60, 0x40cd40cd, 4); /* the #UD handler: int 40h, int 40h, hlt */
    sys_poke(&b.s, AT_HANDLER + 0x64, 0xf4, 1);
    sys_poke(&b.s, AT_HANDLER + 0x400, 0xcf, 1);
    run();
    ck_assert_has(explain(), "#UD invalid opcode (vector 6) was delivered to its handler, 0008:00020060 handlers+0x60. Interrupts\ndelivered since: 2.\n");
    ck_assert_has_not(explain(), "Stack"); /* it is another one by now */
}
END_TEST

/* No exception: RSM shut the processor down by itself. */
START_TEST(a_bad_rsm_is_told_with_its_check)
{
    cpu->smm.base = 0x80000;
    sys_poke(&b.s, 0x88000, 0xaa0f, 2);
    cpu->smi_pending = true;
    cpu_attend(cpu);
    sys_run(&b.s, 1);
    sys_poke(&b.s, 0x8fff8, 0x80000010, 4);
    sys_run(&b.s, 1);
    ck_assert_has(explain(),
        "CPU 0 shut down at step 2: RSM found a state in the save map of SMM that it cannot go back to.\n\n"
        " 1. shutdown\n"
        "     at    8000:00008000, system-management mode\n"
        "     why   RSM-CR0: CR0 in the save map of SMM cannot be: paging without protected mode, NW without CD, or bits above\n"
        "           31.\n"
        "     seen  value = 0x80000010\n"
        "     see   SDM Vol. 3C, \"Exiting From SMM\"\n\n");
    ck_assert_has(TEXT(&b, dbg_explain_json(b.dbg, cpu, &b.text)), "\"name\":\"shutdown\",\"type\":\"shutdown\"");
}
END_TEST

START_TEST(a_history_of_interrupts_alone_says_so)
{
    CODE(&b.s, "\xcd\x40\xf4");
    sys_poke(&b.s, AT_HANDLER + 0x400, 0xcf, 1);
    run();
    ck_assert_has(explain(), "There is no fault among the last 1 deliveries of CPU 0. At step 0 INT 0x40 (software interrupt)");
}
END_TEST

/* ---- Hints ---- */

static void no_change(void) { }
static void idt_base_in_real_mode_area(void) { cpu->idtr = (struct cpu_table){ 0, 0x3ff }; }
static void idt_limit_is_a_count(void) { cpu->idtr.limit = 31; }
static void idt_limit_of_pointer(void) { cpu->idtr.limit = 3; }
static void idt_ends_early(void) { cpu->idtr.limit = 5 * 8 - 1; for (unsigned n = 5; n < 256; n++) gate(n, 0); }
static void idt_all_zero(void) { for (unsigned n = 0; n < 256; n++) gate(n, 0); }
static void idt_partly_zero(void) { for (unsigned n = 0; n < 16; n++) gate(n, 0); }
static void all_gates(uint64_t raw) { for (unsigned n = 0; n < 32; n++) gate(n, raw); }
static void gates_are_call_gates(void) { all_gates(GATE(CODE0, AT_HANDLER, SYS_CALL, 0, 0)); }
static void gates_are_garbage(void) { all_gates(0x1234000000001234 | 0x92ull << 40); }
static void gates_absent(void) { all_gates(ABSENT(GATE(CODE0, AT_HANDLER, SYS_INT, 0, 0))); }
static void gates_to_null(void) { all_gates(GATE(0, AT_HANDLER, SYS_INT, 0, 0)); }
static void gates_to_data(void) { all_gates(GATE(DATA0, AT_HANDLER, SYS_INT, 0, 0)); }
static void gates_to_user(void) { all_gates(GATE(CODE3 | 3, AT_HANDLER, SYS_INT, 0, 0)); }
static void gates_to_nowhere(void) { all_gates(GATE(0x1f8, AT_HANDLER, SYS_INT, 0, 0)); }
static void gates_to_absent_code(void) { all_gates(GATE(CODE_NP, AT_HANDLER, SYS_INT, 0, 0)); }
static void gates_beyond_code(void) { all_gates(GATE(CODE_SMALL, 0x20000, SYS_INT, 0, 0)); }
static void task_gates_to_code(void) { all_gates(GATE(CODE0, 0, SYS_TASK_GATE, 0, 0)); }
static void task_gates_busy(void) { all_gates(GATE(TSS_SELF, 0, SYS_TASK_GATE, 0, 0)); }
static void task_gates_absent(void) { all_gates(GATE(TSS_NP, 0, SYS_TASK_GATE, 0, 0)); }
static void task_gates_short(void) { all_gates(GATE(TSS_SHORT, 0, SYS_TASK_GATE, 0, 0)); }
static void task_with_data_in_cs(void) { all_gates(GATE(TSS32, 0, SYS_TASK_GATE, 0, 0)); sys_poke(&b.s, AT_TSS32 + 0x4c, DATA0, 2); }
static void gdt_zero(void) { for (unsigned n = 0; n < 46; n++) sys_desc(&b.s, 8 * n, 0); }
static void gdt_limit_is_a_count(void) { cpu->gdtr.limit = 6; }
static void paging(void) { sys_paging(&b.s); }
static void idt_unmapped(void) { cpu->idtr.base = 0xc0000000 + AT_IDT; sys_paging(&b.s); }
static void gdt_unmapped(void) { cpu->gdtr.base = 0xc0000000 + AT_GDT; sys_paging(&b.s); }
static void gdt_read_only(void)
{
    sys_desc(&b.s, CODE0, DESC(0, 0xfffff, SEG_G | SEG_DB | SEG_P | SEG_S | 0xa)); /* never loaded yet */
    sys_paging(&b.s);
    cpu->cr0 |= CR0_WP;
    pte(AT_GDT >> 12, AT_GDT | 5);
}
static void stack_unmapped(void) { cpu->reg[CPU_SP] = 0xd0000000; sys_paging(&b.s); }
static void user(void) { sys_protected(&b.s, 3); sys_paging(&b.s); }
static void user_no_ltr(void) { user(); sys_segment(&b.s, CPU_TR, 0, SYSTEM(0, 0xffff, SYS_TSS_BUSY, 0)); pte(0, 0); }
static void user_esp0(uint32_t esp) { user(); sys_poke(&b.s, AT_TSS + 4, esp, 4); }
static void user_esp0_zero(void) { user_esp0(0); }
static void user_esp0_wrong_end(void) { user_esp0(0x28000); pte(0x27, 0); }
static void user_esp0_unmapped(void) { user_esp0(0x28000); pte(0x27, 0); pte(0x28, 0); }
static void user_esp0_read_only(void) { user_esp0(0x28000); pte(0x27, 0x27005); cpu->cr0 |= CR0_WP; }
static void user_ss0(uint16_t ss) { user(); sys_poke(&b.s, AT_TSS + 8, ss, 2); }
static void user_ss0_null(void) { user_ss0(0); }
static void user_ss0_user(void) { user_ss0(DATA3 | 3); }
static void user_ss0_read_only(void) { user_ss0(DATA_RO); }
static void user_ss0_absent(void) { user_ss0(DATA_NP); }
static void user_tss_small(void) { user(); cpu->seg[CPU_TR].limit = 3; }
static void user_esp0_beyond(void) { user_ss0(DATA16); sys_poke(&b.s, AT_TSS + 4, 0x30000, 4); sys_desc(&b.s, DATA16, DESC(0, 0xfff, SEG_DB | SEG_P | SEG_S | 2)); }
static void stack_no_granularity(void) { sys_segment(&b.s, CPU_SS, DATA0, DESC(0, 0xfffff, SEG_DB | SEG_P | SEG_S | 3)); cpu->reg[CPU_SP] = 0x200000; }
static void cr3(uint32_t value) { sys_paging(&b.s); cpu->cr3 = value; mem_flush_tlb(cpu, true); }
static void cr3_empty(void) { cr3(0x300000); }
static void cr3_table(void) { pte(0, 0); cr3(AT_PT); }
static void cr3_unaligned(void) { sys_poke(&b.s, 0x300800, 0x12345001, 4); cr3(0x300abc); }
static void no_identity(void) { sys_poke(&b.s, AT_PD + 4 * 768, AT_PT | 7, 4); sys_poke(&b.s, AT_PD, 0, 4); sys_paging(&b.s); }
static void reserved_pae(uint64_t bits)
{
    sys_poke(&b.s, AT_PT, 0x3000 | 7, 8);
    for (unsigned n = 0; n < 512; n++)
        sys_poke(&b.s, AT_PT + 8 * n, n << 12 | 7, 8);
    sys_poke(&b.s, AT_PT + 8 * 3, AT_IDT | 7 | bits, 8); /* the IDT's page */
    sys_poke(&b.s, AT_PD, AT_PT | 7, 8);
    cpu->pdpte[0] = AT_PD | 1;
    cpu->cr4 = CR4_PAE;
    sys_paging(&b.s);
}
static void reserved_nx(void) { reserved_pae(1ull << 63); }
static void reserved_address(void) { reserved_pae(0x0030000000000000); }
static void stale_entry(void) { sys_paging(&b.s); cpu->cr0 |= CR0_WP; pte(0x60, 0x60005); }
static void irq_8(void) { sys_segment(&b.s, CPU_DS, 0, 0); }
static void real_no_idt(void) { sys_real(&b.s); cpu->idtr.limit = 0; }
static void real_sp_1(void) { sys_real(&b.s); cpu->reg[CPU_SP] = 1; }
static void null_ds(void) { cpu->seg[CPU_DS] = (struct cpu_seg){ .attr = SEG_UNUSABLE }; }
static void nt_flag(void) { cpu_set_eflags(cpu, 2 | EFL_NT); }
static void trap_flag(void) { cpu_set_eflags(cpu, 2 | EFL_TF); cpu_attend(cpu); }

#define UD "\x0f\x0b"
static const struct { void (*prepare)(void); const char *code; unsigned len; const char *hint; } hints[] = {
    { idt_base_in_real_mode_area, UD, 2, "Hint: there is no IDT: IDTR has base 0x0, limit 0x3ff." },
    { idt_limit_is_a_count, UD, 2, "Hint: the IDT's limit, 0x1f, looks like a number of entries" }, { idt_limit_of_pointer, UD, 2, "the size of a pointer" },
    { idt_ends_early, UD, 2, "Hint: the IDT has room for 5 entries only, and vector 8" }, { idt_all_zero, UD, 2, "Hint: the IDT at 0x00003000 is all zeros" },
    { idt_partly_zero, UD, 2, "Hint: IDT entry 8 is all zeros (of 256 entries 16 are zero and 240 good)" }, { gates_are_call_gates, UD, 2, "call gate (type C)" },
    { gates_are_garbage, UD, 2, "the entry holds no gate" }, { gates_absent, UD, 2, "no handler is installed for vector 8" },
    { gates_to_null, UD, 2, "forgot the code-segment selector" }, { gates_to_data, UD, 2, "0x10, is a data segment's" }, { gates_to_user, UD, 2, "the code segment of level 3" },
    { gates_to_nowhere, UD, 2, "0x1f8, does not exist in the present GDT" }, { gates_to_absent_code, UD, 2, "access byte is 1A and should be 9A" },
    { gates_beyond_code, UD, 2, "lies beyond the code segment's limit, 0xffff" }, { task_gates_to_code, UD, 2, "0x8 is a segment" },
    { task_gates_busy, UD, 2, "the one that LTR made current" }, { task_gates_absent, UD, 2, "the descriptor of the TSS 0xe0 lacks the present bit" },
    { task_gates_short, UD, 2, "has limit 0x66" }, { task_with_data_in_cs, UD, 2, "holds a wrong selector for CS: 0x10" },
    { gdt_zero, UD, 2, "the GDT at 0x00001000 does not hold the segments that are in use" }, { gdt_limit_is_a_count, UD, 2, "the GDT's limit, 0x6, looks like a number" },
    { idt_unmapped, UD, 2, "the IDT itself, at 0xc0003000, is not mapped" }, { idt_unmapped, UD, 2, "0x00003000 is mapped" },
    { gdt_unmapped, UD, 2, "the GDT, at 0xc0001000, is not mapped" }, { gdt_read_only, UD, 2, "the GDT's page is read-only" }, { stack_unmapped, UD, 2, "the stack pointer (0xd0000000) does not point to mapped memory" },
    { user_no_ltr, "\xf4", 1, "LTR was never executed" }, { user_esp0_zero, "\xf4", 1, "ESP0 in the TSS is 0" },
    { user_esp0_wrong_end, "\xf4", 1, "ESP0 = 0x00028000 is the lowest address of a mapped page" }, { user_esp0_unmapped, "\xf4", 1, "ESP0 = 0x00028000 in the TSS names is not mapped" },
    { user_esp0_read_only, "\xf4", 1, "lies in a read-only page" }, { user_ss0_null, "\xf4", 1, "SS0 in the TSS is 0" }, { user_ss0_user, "\xf4", 1, "a selector for user mode" },
    { user_ss0_read_only, "\xf4", 1, "0x78, which is no writable data segment" }, { user_ss0_absent, "\xf4", 1, "0x58, whose descriptor lacks" },
    { user_tss_small, "\xf4", 1, "the TSS has limit 0x3 by its descriptor" }, { user_esp0_beyond, "\xf4", 1, "0x2fffc lies outside its limit, 0xfff" },
    { stack_no_granularity, UD, 2, "SS has limit 0xfffff: the granularity bit" }, { cr3_empty, "\x90", 1, "CR3 = 0x00300000 does not name a page table of the top level" },
    { cr3_table, "\x90", 1, "CR3 = 0x00008000 seems to name a page table" }, { cr3_unaligned, "\x90", 1, "CR3 = 0x00300abc has low bits set" },
    { no_identity, "\x90", 1, "is not mapped there; it is mapped at 0xc0010000" }, { reserved_nx, UD, 2, "the IDT cannot be reached" },
    { reserved_nx, UD, 2, "reserved until EFER.NXE is set" }, { reserved_address, UD, 2, "0x0030000000003007 holds address bits that do not exist" },
    { real_no_idt, UD, 2, "Load it with base 0 and limit 0x3ff" }, { real_sp_1, "\x50", 1, "SP is 0x1" },
    /* those below are delivered: the first fault alone counts */
    { paging, "\xa1\x10\x00\x00\x80", 5, "#PF" }, { user, "\xfa", 1, "#GP" }, { user, "\x0f\x20\xc0", 3, "needs CPL 0, and this is CPL 3" },
    { user, "\xcd\x41", 2, "user code may use INT 0x41 only if the gate's DPL is 3" }, { no_change, "\x31\xc9\xf7\xf1", 4, "the divisor is zero" },
    { no_change, "\xb9\x01\x00\x00\x00\xba\x05\x00\x00\x00\xf7\xf1", 12, "DIV divides EDX:EAX" }, { no_change, UD, 2, "UD2 is there on purpose" },
    { no_change, "\x0f\xff", 2, "the processor runs data" }, { null_ds, "\xa1\x00\x00\x06\x00", 5, "DS holds a null selector" },
    { no_change, "\xb8\x58\x00\x00\x00\x8e\xd8", 7, "the descriptor of 0x58 lacks the present bit: its access byte is 12 and should be 92" },
    { no_change, "\xb8\xf8\x01\x00\x00\x8e\xd8", 7, "there is no entry of the GDT for selector 0x1f8" }, { no_change, "\x31\xc0\x8e\xd0", 4, "SS was loaded with 0" },
    { no_change, "\xb8\x28\x00\x00\x00\x0f\x00\xd8", 8, "the TSS 0x28 is busy already" },
    { no_change, "\xb8\x30\x00\x00\x00\x8e\xd8", 7, "the descriptor of 0x30 has 89 as its access byte" },
    { no_change, "\xb8\x00\x00\x00\x80\x0f\x22\xc0", 8, "CR0 was written as 0x80000010" }, { nt_flag, "\xcf", 1, "NT is set in EFLAGS" },
    { trap_flag, "\x90", 1, "TF is set in EFLAGS" }, { stale_entry, "\xc6\x05\x00\x00\x06\x00\x01", 7, "the page of 0x00060000 is read-only. CR0.WP is set" },
    { paging, "\xff\x25\x00\x00\x06\x00", 6, "the processor was sent to address 0x0" }, { paging, "\xa1\x6b\x6b\x6b\x6b", 5, "looks like a fill pattern" },
    { paging, "\x68\x00\x00\x00\x70\xc3", 6, "the code at 0x70000000 is not mapped" }, { irq_8, "\x90", 1, "" },
};

START_TEST(a_common_mistake_gets_its_hint)
{
    sys_code(&b.s, hints[_i].code, hints[_i].len);
    for (unsigned v = 0; v < 256; v++)
        sys_poke(&b.s, AT_HANDLER + 16 * v, 0xf4, 1);
    if (hints[_i].prepare == paging)
        pte(0, 0);
    hints[_i].prepare();
    cpu_mode_changed(cpu);
    run();
    sim_buf_clear(&b.text);
    dbg_explain_json(b.dbg, cpu, &b.text); /* in one line: no words are broken */
    if (*hints[_i].hint)
        ck_assert_has(sim_buf_cstr(&b.text), strncmp(hints[_i].hint, "Hint: ", 6) == 0 ? hints[_i].hint + 6 : hints[_i].hint);
}
END_TEST

START_TEST(a_pic_with_the_vectors_of_the_bios_is_recognised)
{
    struct cpu_delivery irq = { .valid = true, .vector = 8, .type = CPU_DELIVER_EXTERNAL, .cs = CODE0, .ip = AT_CODE, .mode = MODE_PE | MODE_D, .delivered = true };

    gates_absent();
    CODE(&b.s, UD);
    run();
    cpu->history[0] = irq; /* as if the #UD had been IRQ 0 */
    cpu->history[0].delivered = false;
    ck_assert_has(explain(), "vector 8 came from the interrupt controller: it is IRQ 0, not #DF.");
    ck_assert_has(explain(), " 1. external interrupt 8\n     at    before 0008:00010000");
}
END_TEST

START_TEST(a_handler_that_faults_itself_is_recognised)
{
    sys_paging(&b.s);
    gate(14, GATE(CODE0, 0x80000000, SYS_INT, 0, 0));
    cpu->reg[CPU_SP] = 0x28040;
    pte(0x27, 0);
    CODE(&b.s, "\xa1\x00\x00\x00\x90");
    run();
    ck_assert_has(explain(), "The same fault had been delivered just before, at the same place");
    ck_assert_has(explain(), "Hint: the handler of #PF itself faults: its code at 0x80000000 is not mapped");
    ck_assert_has_not(explain(), "stack overflow");
}
END_TEST

START_TEST(an_error_code_that_was_left_on_the_stack_is_recognised)
{
    CODE(&b.s, "\xb8\xf8\x01\x00\x00\x8e\xd8"); /* mov ds, 1f8: #GP(1f8) */
    sys_poke(&b.s, AT_HANDLER + 0xd0, 0xcf, 1); /* its handler: iret */
    sys_run(&b.s, 3);
    ck_assert_has(explain(), "the #GP handler returned without dropping the error code (0x1f8)");
}
END_TEST

/* ---- JSON ---- */

static const char *json_value(const char *at);

static const char *json_string(const char *at)
{
    ck_assert_int_eq(*at, '"');
    for (at++; *at != '"'; at++) {
        ck_assert_msg((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f, "a byte 0x%02x", (unsigned char)*at);
        if (*at == '\\') {
            at++;
            ck_assert(strchr("\"\\nu", *at) != NULL);
        }
    }
    return at + 1;
}

/* A list of values (of pairs, in an object) up to its closing bracket. */
static const char *json_list(const char *at, char close)
{
    for (at++; *at != close;) {
        if (close == '}') {
            at = json_string(at);
            ck_assert_int_eq(*at++, ':');
        }
        at = json_value(at);
        ck_assert_msg(*at == ',' || *at == close, "'%.20s'", at);
        at += *at == ',' && at[1] != close;
    }
    return at + 1;
}

static const char *json_value(const char *at)
{
    size_t word = strspn(at, "abcdefghijklmnopqrstuvwxyz");

    if (*at == '"')
        return json_string(at);
    if (*at == '{' || *at == '[')
        return json_list(at, *at == '{' ? '}' : ']');
    if (isdigit((unsigned char)*at))
        return at + strspn(at, "0123456789");
    ck_assert_msg((word == 4 && (memcmp(at, "true", 4) == 0 || memcmp(at, "null", 4) == 0)) || (word == 5 && memcmp(at, "false", 5) == 0), "'%.20s'", at);
    return at + word;
}

static const char *explain_json(void)
{
    const char *text = TEXT(&b, dbg_explain_json(b.dbg, cpu, &b.text));

    ck_assert(!*text || !*json_value(text));
    return text;
}

START_TEST(json_has_every_link)
{
    static const char *const parts[] = {
        "{\"cpu\":0,\"step\":0,\"shutdown\":true,\"chain\":[{\"n\":1,\"vector\":6,\"name\":\"#UD\",\"type\":\"exception\",\"error\":null,\"error_text\":null,"
        "\"cause\":\"UD-OPCODE\",\"text\":\"",
        "\"cs\":8,\"eip\":65536,\"symbol\":\"main\",\"instruction\":\"", "\"cr2\":null,\"cpl\":0,\"step\":0,\"nested\":false,\"delivered\":false,\"shutdown\":false,\"evidence\":null}",
        "{\"n\":2,\"vector\":11,\"name\":\"#NP\",\"type\":\"exception\",\"error\":51,\"error_text\":\"IDT entry 6, EXT: met while an event was being delivered\","
        "\"cause\":\"NP-IDT\"",
        "\"nested\":true,\"delivered\":false,\"shutdown\":false,\"evidence\":{\"kind\":\"gate\",\"selector\":50,\"linear\":12336,\"physical\":0,\"value\":0,\"bytes\":"
        "\"00000800000e0200\",\"text\":\"IDT entry 6 at 0x00003030 = 00 00 08 00 00 0e 02 00: 32-bit interrupt gate to 0008:00020000 handlers, DPL 0, NOT PRESENT\"}}",
        "{\"n\":4,\"vector\":8,\"name\":\"#DF\"", "{\"n\":5,\"vector\":11,", "\"shutdown\":true,\"evidence\":{\"kind\":\"gate\"",
        "],\"stack\":[{\"eip\":65536,\"esp\":196608,\"where\":\"main\"}],\"hint\":\"no handler is installed for vector 8.",
    };

    gates_absent();
    CODE(&b.s, UD);
    run();
    for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]); n++)
        ck_assert_has(explain_json(), parts[n]);
}
END_TEST

START_TEST(json_holds_any_symbol)
{
    static const struct elf_symbol symbols[] = { { "a\"b\\c\n\xff\xc3\xa4", AT_CODE, 0x100, STT_FUNC, 1 } };

    dbg_destroy(b.dbg);
    ck_assert_int_eq(dbg_create(b.s.cluster, b.s.bus, &b.dbg), SIM_OK);
    bench_symbols(&b, symbols, 1);
    CODE(&b.s, UD);
    run();
    ck_assert_has(explain_json(), "a\\\"b\\\\c\\n\\u00ff");
}
END_TEST

/* ---- Hostile histories: a checkpoint's, or a guest's that points everything anywhere ---- */

static uint32_t seed;
static uint32_t any(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8 ^ seed << 11;
}

static void any_record(struct cpu_delivery *d)
{
    struct cpu_evidence *e = &d->evidence;

    *d = (struct cpu_delivery){ .valid = true, .vector = any() & 3 ? any() & 31 : any() & 255, .type = any() & 3 ? CPU_DELIVER_EXCEPTION : any() & 7,
                                .has_error = any() & 1, .nested = any() & 3, .shutdown = !(any() & 7), .delivered = any() & 1, .error = any() & 0xffff,
                                .cause = any() % CPU_CAUSE_COUNT, .cr2 = any(), .cs = (uint16_t)any(), .ip = any(), .cs_base = any() & 0xfffff, .sp = any(),
                                .ss = (uint16_t)any(), .cpl = any() & 3, .mode = any() & 0x3ff & ~(uint32_t)MODE_L, .step = any() };
    if (d->vector == VEC_PF && any() & 1)
        d->cause = CPU_CAUSE_PF_NP_PML5 + any() % 20;
    e->kind = any() & 7;
    e->selector = (uint16_t)any();
    e->level = (uint8_t)any();
    e->size = (uint8_t)any();
    e->laddr = any();
    e->paddr = any();
    e->value = (uint64_t)any() << 32 | any();
    for (unsigned n = 0; n < sizeof(e->bytes); n++)
        e->bytes[n] = any() & 1 ? 0 : (uint8_t)any();
}

START_TEST(any_history_can_be_explained)
{
    seed = (uint32_t)_i * 99991 + 7;
    if (_i & 1)
        sys_paging(&b.s);
    if (_i & 2)
        cpu->cr3 = any();
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned n = 0; n < CPU_HISTORY; n++)
            any_record(&cpu->history[n]);
        cpu->history_next = any() & 1 ? any() % 40 : any();
        cpu->idtr = (struct cpu_table){ any() & 0x3fffff, any() & 0xffff };
        cpu->gdtr = (struct cpu_table){ any() & 0x3fffff, any() & 0xffff };
        cpu->seg[CPU_TR].base = any();
        cpu->seg[CPU_TR].limit = any();
        cpu->reg[CPU_BP] = any() & 0x3fffff;
        explain_json();
        explain();
    }
}
END_TEST

#define LOOP(tcase, test, table) tcase_add_loop_test(tcase, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *t = tcase_create("texts"), *h = tcase_create("hints"), *j = tcase_create("json and hostile histories");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, nothing_is_said_before_the_first_delivery);
    tcase_add_test(t, a_stack_overflow_is_told_to_the_end);
    tcase_add_test(t, an_exception_without_an_idt_is_told_link_by_link);
    tcase_add_test(t, a_delivered_fault_is_told_with_its_handler);
    tcase_add_test(t, interrupts_do_not_hide_the_fault_before_them);
    tcase_add_test(t, a_bad_rsm_is_told_with_its_check);
    tcase_add_test(t, a_history_of_interrupts_alone_says_so);
    tcase_add_checked_fixture(h, setup, teardown);
    LOOP(h, a_common_mistake_gets_its_hint, hints);
    tcase_add_test(h, a_pic_with_the_vectors_of_the_bios_is_recognised);
    tcase_add_test(h, a_handler_that_faults_itself_is_recognised);
    tcase_add_test(h, an_error_code_that_was_left_on_the_stack_is_recognised);
    tcase_add_checked_fixture(j, setup, teardown);
    tcase_add_test(j, json_has_every_link);
    tcase_add_test(j, json_holds_any_symbol);
    tcase_add_loop_test(j, any_history_can_be_explained, 0, 20);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, h);
    suite_add_tcase(suite, j);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
