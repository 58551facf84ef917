/*
 * Paging in IA-32e mode: four and five levels, what is reserved, rights, PCIDs, protection keys. SDM Vol. 3A, "Paging".
 */
#include "cpu/paging.h"
#include "testcases/unit/long_bench.h"

static struct sys s;

static void setup(void) { long_open(&s); }
static void teardown(void) { sys_close(&s); }

#define REC(n) sys_record(&s, n)
#define B(bytes) bytes, sizeof(bytes) - 1

#define PRESENT 1u
#define WRITABLE 2u
#define PTE_LARGE 0x80u
#define PTE_GLOBAL 0x100u
#define NX (1ull << 63)
#define PAGE 0x90000u /* the page that these tests are about, by its own entry */

static uint64_t reg(unsigned n) { return s.cpu->reg[n]; }
static void pte(uint64_t value) { sys_poke(&s, (uint32_t)long_pte(PAGE), value, 8); }

/* ---- Walks ---- */

START_TEST(every_page_size_is_walked)
{
    static const struct { uint64_t laddr; unsigned levels, shift; } cases[] = { { 0x12345, 4, 12 }, { 0x212345, 3, 21 }, { 0x40012345, 2, 30 } };
    struct cpu_walk w;

    sys_poke(&s, AT_PDPT + 8, PTE_LARGE | PTE_ALL, 8); /* 1 GiB at 0 */
    paging_peek(s.cpu, cases[_i].laddr, &w);
    ck_assert(w.mapped);
    ck_assert_uint_eq(w.levels, cases[_i].levels);
    ck_assert_uint_eq(w.shift, cases[_i].shift);
    ck_assert_uint_eq(w.paddr, cases[_i].laddr & 0x3fffffff);
    ck_assert_uint_eq(w.step[0].level, 4);
    CODE(&s, "\x48\x8b\x10"); /* mov rdx, [rax] */
    sys_poke(&s, (uint32_t)w.paddr, 0x1122334455667788, 8);
    s.cpu->reg[CPU_AX] = cases[_i].laddr;
    sys_run(&s, 1);
    ck_assert_uint_eq(reg(CPU_DX), 0x1122334455667788);
    ck_assert_uint_eq(tlb_find(s.cpu->tlb, cases[_i].laddr)->shift, cases[_i].shift);
}
END_TEST

START_TEST(five_levels_reach_57_bits)
{
    const uint64_t laddr = 0x00ff000000000000; /* canonical with 57 bits only */

    s.cpu->cr4 |= CR4_LA57;
    s.cpu->cr3 = AT_PML5;
    sys_poke(&s, AT_PML5 + 8 * 0xff, AT_PML4 | PTE_ALL, 8);
    mem_flush_tlb(s.cpu, true);
    cpu_mode_changed(s.cpu);
    sys_poke(&s, AT_DATA, 0x55, 1);
    CODE(&s, "\x8a\x10\x8a\x11"); /* mov dl, [rax]; mov dl, [rcx] */
    s.cpu->reg[CPU_AX] = laddr + AT_DATA;
    s.cpu->reg[CPU_CX] = 0x0080000000000000; /* its PML5 entry is not there */
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(reg(CPU_DX) & 0xff, 0x55);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_NP_PML5);
    ck_assert_uint_eq(REC(0)->evidence.level, 5);
    ck_assert_uint_eq(REC(0)->cr2, 0x0080000000000000);
}
END_TEST

START_TEST(accessed_and_dirty_bits_are_set_at_all_levels)
{
    CODE(&s, "\x88\x10"); /* mov [rax], dl */
    s.cpu->reg[CPU_AX] = PAGE;
    sys_run(&s, 1);
    ck_assert_uint_eq(sys_peek(&s, AT_PML4, 8) & 0x60, 0x20);
    ck_assert_uint_eq(sys_peek(&s, AT_PDPT, 8) & 0x60, 0x20);
    ck_assert_uint_eq(sys_peek(&s, AT_LPD, 8) & 0x60, 0x20);
    ck_assert_uint_eq(sys_peek(&s, (uint32_t)long_pte(PAGE), 8) & 0x60, 0x60);
}
END_TEST

/* ---- Faults ---- */

enum { AS_KERNEL, AS_USER };
enum { READ, WRITE, FETCH };

struct page_case {
    uint32_t at;     /* the entry that is changed */
    uint64_t entry;
    uint8_t as, access;
    uint32_t cr4;    /* bits besides */
    uint32_t eflags;
    uint32_t pkru, pkrs;
    uint64_t no_efer, no_cr0; /* bits that are clear */
    uint32_t error;
    enum cpu_cause cause; /* NONE: it works */
    uint8_t level;
};
#define LEAF 0u /* the page's own entry */
#define KEY(n) ((uint64_t)(n) << 59)
#define FAULT(code, id, lev) .error = (code), .cause = CPU_CAUSE_##id, .level = (lev)
static const struct page_case page_cases[] = {
    /* Not present, level by level. */
    { LEAF, 0, AS_USER, READ, FAULT(4, PF_NP_PT, 1) },
    { AT_LPD, 0, AS_USER, WRITE, FAULT(6, PF_NP_PD, 2) },
    { AT_PDPT, 0, AS_KERNEL, READ, FAULT(0, PF_NP_PDPT, 3) },
    { AT_PML4, 0, AS_KERNEL, WRITE, FAULT(2, PF_NP_PML4, 4) },
    /* Reserved bits. */
    { LEAF, PAGE | PTE_ALL | 1ull << 40, AS_KERNEL, READ, FAULT(9, PF_RSVD_ADDR, 1) },
    { LEAF, PAGE | PTE_ALL | 1ull << 39, AS_KERNEL, READ, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL | 0x7full << 52, AS_KERNEL, READ, .cause = CPU_CAUSE_NONE }, /* not reserved in IA-32e mode */
    { AT_PML4, AT_PDPT | PTE_ALL | PTE_LARGE, AS_KERNEL, READ, FAULT(9, PF_RSVD_PS, 4) },
    { AT_PDPT, 0x2000 | PTE_LARGE | PTE_ALL, AS_USER, READ, FAULT(0xd, PF_RSVD_PS, 3) },
    { AT_LPD, 0x2000 | PTE_LARGE | PTE_ALL, AS_USER, WRITE, FAULT(0xf, PF_RSVD_PS, 2) },
    { LEAF, PAGE | PTE_ALL | NX, AS_KERNEL, READ, .no_efer = EFER_NXE, FAULT(9, PF_RSVD_NX, 1) },
    { AT_PML4, AT_PDPT | PTE_ALL | 1ull << 51, AS_KERNEL, READ, FAULT(9, PF_RSVD_ADDR, 4) },
    /* Rights. */
    { LEAF, PAGE | 3, AS_USER, READ, FAULT(5, PF_USER_SUPER, 1) },
    { AT_PML4, AT_PDPT | 3, AS_USER, READ, FAULT(5, PF_USER_SUPER, 1) }, /* the evidence is the last entry */
    { LEAF, PAGE | 5, AS_USER, WRITE, FAULT(7, PF_USER_WRITE, 1) },
    { LEAF, PAGE | 1, AS_KERNEL, WRITE, FAULT(3, PF_SUPER_WRITE, 1) },
    { AT_LPD, AT_LPT | 5, AS_KERNEL, WRITE, FAULT(3, PF_SUPER_WRITE, 1) },
    { LEAF, PAGE | PTE_ALL | NX, AS_USER, FETCH, FAULT(0x15, PF_NX, 1) },
    { LEAF, PAGE | PTE_ALL | NX, AS_USER, READ, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL | NX, AS_KERNEL, FETCH, FAULT(0x11, PF_NX, 1) },
    { LEAF, 0, AS_KERNEL, FETCH, FAULT(0x10, PF_NP_PT, 1) },
    { LEAF, 0, AS_KERNEL, FETCH, .no_efer = EFER_NXE, FAULT(0, PF_NP_PT, 1) }, /* I: only with NXE or SMEP */
    { LEAF, 0, AS_USER, FETCH, .no_efer = EFER_NXE, .cr4 = CR4_SMEP, FAULT(0x14, PF_NP_PT, 1) },
    /* SMEP, SMAP. */
    { LEAF, PAGE | PTE_ALL, AS_KERNEL, FETCH, .cr4 = CR4_SMEP, FAULT(0x11, PF_SMEP, 1) },
    { LEAF, PAGE | PTE_ALL, AS_KERNEL, READ, .cr4 = CR4_SMEP, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL, AS_KERNEL, READ, .cr4 = CR4_SMAP, FAULT(1, PF_SMAP, 1) },
    { LEAF, PAGE | PTE_ALL, AS_KERNEL, WRITE, .cr4 = CR4_SMAP, FAULT(3, PF_SMAP, 1) },
    { LEAF, PAGE | PTE_ALL, AS_KERNEL, WRITE, .cr4 = CR4_SMAP, .eflags = EFL_AC, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL, AS_KERNEL, FETCH, .cr4 = CR4_SMAP, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL, AS_USER, READ, .cr4 = CR4_SMAP, .cause = CPU_CAUSE_NONE },
    /* Protection keys. */
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_USER, READ, .cr4 = CR4_PKE, .pkru = 1 << 10, FAULT(0x25, PF_PKU_AD, 1) },
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_USER, WRITE, .cr4 = CR4_PKE, .pkru = 2 << 10, FAULT(0x27, PF_PKU_WD, 1) },
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_USER, READ, .cr4 = CR4_PKE, .pkru = 2 << 10, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_KERNEL, WRITE, .cr4 = CR4_PKE, .pkru = 2 << 10, FAULT(0x23, PF_PKU_WD, 1) }, /* CR0.WP */
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_USER, READ, .pkru = 1 << 10, .cause = CPU_CAUSE_NONE }, /* CR4.PKE is clear */
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_USER, FETCH, .cr4 = CR4_PKE, .pkru = 1 << 10, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, READ, .cr4 = CR4_PKE, .pkru = 1 << 10, .cause = CPU_CAUSE_NONE }, /* not a user's page */
    { LEAF, PAGE | 5 | KEY(5), AS_USER, WRITE, .cr4 = CR4_PKE, .pkru = 1 << 10, FAULT(0x27, PF_USER_WRITE, 1) }, /* both are told */
    /* Supervisor protection keys: IA32_PKRS for what is not a user's page. */
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, READ, .cr4 = CR4_PKS, .pkrs = 1 << 10, FAULT(0x21, PF_PKS, 1) },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, WRITE, .cr4 = CR4_PKS, .pkrs = 2 << 10, FAULT(0x23, PF_PKS, 1) },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, WRITE, .cr4 = CR4_PKS, .pkrs = 2 << 10, .no_cr0 = CR0_WP, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, WRITE, .cr4 = CR4_PKS, .pkrs = 1 << 10, .no_cr0 = CR0_WP, FAULT(0x23, PF_PKS, 1) },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, READ, .cr4 = CR4_PKS, .pkrs = 2 << 10, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, FETCH, .cr4 = CR4_PKS, .pkrs = 3 << 10, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, READ, .pkrs = 1 << 10, .cause = CPU_CAUSE_NONE }, /* CR4.PKS is clear */
    { LEAF, PAGE | 3 | KEY(5), AS_KERNEL, READ, .cr4 = CR4_PKS, .pkru = 1 << 10, .cause = CPU_CAUSE_NONE },
    { LEAF, PAGE | PTE_ALL | KEY(5), AS_KERNEL, READ, .cr4 = CR4_PKS | CR4_PKE, .pkrs = 1 << 10, .cause = CPU_CAUSE_NONE }, /* a user's page */
    { LEAF, PAGE | 3 | KEY(5), AS_USER, READ, .cr4 = CR4_PKS, .pkrs = 1 << 10, FAULT(0x25, PF_USER_SUPER, 1) }, /* both are told */
};

START_TEST(an_access_is_judged_by_all_levels)
{
    static const char *const code[] = { "\x8a\x10", "\x88\x10", "\xff\xe0" }; /* mov dl, [rax]; mov [rax], dl; jmp rax */
    const struct page_case *c = &page_cases[_i];
    uint64_t laddr = PAGE, first = AT_CODE;

    if (c->as == AS_USER)
        long_user(&s);
    /* The code runs at an alias (and so do tables and stacks), that the entries under test do not lead to. */
    sys_poke(&s, AT_PML4 + 8 * 511, 0x7a000 | PTE_ALL, 8);
    sys_poke(&s, 0x7a000, 0x7b000 | PTE_ALL, 8);
    sys_poke(&s, 0x7b000, c->as == AS_USER ? 0x7c000 | PTE_ALL : 0x7c000 | 3, 8);
    for (unsigned n = 0; n < 512; n++)
        sys_poke(&s, 0x7c000 + 8 * n, n << 12 | (c->as == AS_USER && (n == AT_CODE >> 12 || n == (AT_STACK3 - 1) >> 12) ? PTE_ALL : 3), 8);
    first += 0xffffff8000000000;
    s.cpu->ip = first;
    s.cpu->gdtr.base += 0xffffff8000000000;
    s.cpu->idtr.base += 0xffffff8000000000;
    s.cpu->seg[CPU_TR].base += 0xffffff8000000000;
    sys_poke(&s, AT_TSS + 4, 0xffffff8000000000 + AT_STACK0, 8);
    s.cpu->reg[CPU_SP] += 0xffffff8000000000;
    long_gate(&s, VEC_PF, L_CODE0, 0xffffff8000000000 + AT_HANDLER + 16 * VEC_PF, SYS_INT, 0, 0);
    sys_poke(&s, PAGE, 0x9090, 2);
    sys_poke(&s, c->at ? c->at : (uint32_t)long_pte(PAGE), c->entry, 8);
    s.cpu->cr4 |= c->cr4;
    s.cpu->eflags |= c->eflags;
    s.cpu->pkru = c->pkru;
    s.cpu->msr.pkrs = c->pkrs;
    s.cpu->cr0 &= ~c->no_cr0;
    s.cpu->efer &= ~c->no_efer;
    mem_flush_tlb(s.cpu, true);
    cpu_mode_changed(s.cpu);
    sys_code(&s, code[c->access], 2);
    s.cpu->reg[CPU_AX] = laddr;
    sys_run(&s, c->access == FETCH ? 2 : 1);
    if (c->cause == CPU_CAUSE_NONE) {
        ck_assert_msg(s.cpu->history_next == 0, "case %d: %s", _i, cpu_cause_id(s.cpu->history[0].cause));
        return;
    }
    ck_assert_msg(REC(0)->cause == c->cause, "case %d: %s", _i, cpu_cause_id(REC(0)->cause));
    ck_assert_uint_eq(REC(0)->vector, VEC_PF);
    ck_assert_msg(REC(0)->error == c->error, "case %d: error %x", _i, REC(0)->error);
    ck_assert_uint_eq(REC(0)->evidence.level, c->level);
    ck_assert_uint_eq(s.cpu->cr2, laddr);
    ck_assert(REC(0)->delivered);
}
END_TEST

START_TEST(a_processor_without_gigabyte_pages_reserves_ps_there)
{
    struct cpu_walk w;

    sys_close(&s);
    sys_open(&s, "nehalem", 1);
    long_enter(&s, L_CODE0, 0);
    sys_poke(&s, AT_PDPT + 8, PTE_LARGE | PTE_ALL, 8);
    paging_peek(s.cpu, 0x40000000, &w);
    ck_assert(!w.mapped && w.reserved);
    CODE(&s, "\x8a\x10");
    s.cpu->reg[CPU_AX] = 0x40000000;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_RSVD_PS);
}
END_TEST

/* STAC opens the door to a user's page, CLAC closes it again, though the page was just used. */
START_TEST(stac_and_clac_count_at_once)
{
    s.cpu->cr4 |= CR4_SMAP;
    for (unsigned n = 0; n < 512; n++) /* all but PAGE is the kernel's */
        sys_poke(&s, AT_LPT + 8 * n, n << 12 | (n == PAGE >> 12 ? PTE_ALL : 3), 8);
    mem_flush_tlb(s.cpu, true);
    CODE(&s, "\x0f\x01\xcb\x8a\x10\x88\x10\xa4\x0f\x01\xca\x8a\x10"); /* stac; mov dl, [rax]; mov [rax], dl; movsb; clac; mov dl, [rax] */
    s.cpu->reg[CPU_AX] = s.cpu->reg[CPU_SI] = PAGE;
    s.cpu->reg[CPU_DI] = PAGE + 1;
    sys_run(&s, 5);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_SMAP);
}
END_TEST

/* SDM Vol. 3A, "Determination of access rights": the tables are looked into whatever AC says. */
START_TEST(a_descriptor_table_in_a_users_page_is_not_read_under_smap)
{
    for (unsigned n = 0; n < 512; n++)
        sys_poke(&s, AT_LPT + 8 * n, n << 12 | (n == AT_LDT >> 12 ? PTE_ALL : 3), 8);
    sys_poke(&s, AT_LDT + 8, FLAT(0x2, 0), 8);
    s.cpu->cr4 |= CR4_SMAP;
    s.cpu->eflags |= EFL_AC;
    mem_flush_tlb(s.cpu, true);
    cpu_mode_changed(s.cpu);
    CODE(&s, "\x8e\xd8"); /* mov ds, ax */
    s.cpu->reg[CPU_AX] = 8 | 4;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_SMAP);
    ck_assert_uint_eq(s.cpu->cr2, AT_LDT + 8);
}
END_TEST

START_TEST(a_write_of_ia32_pkrs_counts_at_once)
{
    s.cpu->cr4 |= CR4_PKS;
    pte(PAGE | 3 | KEY(3));
    CODE(&s, "\x8a\x13\x0f\x30\x8a\x13"); /* mov dl, [rbx]; wrmsr; mov dl, [rbx] */
    s.cpu->reg[CPU_BX] = PAGE;
    s.cpu->reg[CPU_AX] = 1 << 6;
    s.cpu->reg[CPU_CX] = 0x6e1;
    sys_run(&s, 1);
    s.cpu->reg[CPU_DX] = 0;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->msr.pkrs, 1 << 6);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_PKS);
    ck_assert_uint_eq(REC(0)->error, 0x21);
}
END_TEST

/* The tables are looked into as a supervisor whoever causes it. */
START_TEST(supervisor_keys_hold_for_descriptor_tables)
{
    sys_poke(&s, (uint32_t)long_pte(AT_LDT), AT_LDT | 3 | KEY(1), 8);
    sys_poke(&s, AT_LDT + 8, FLAT(0x2, 0), 8);
    s.cpu->cr4 |= CR4_PKS;
    s.cpu->msr.pkrs = 1 << 2;
    mem_flush_tlb(s.cpu, true);
    cpu_mode_changed(s.cpu);
    CODE(&s, "\x8e\xd8"); /* mov ds, ax */
    s.cpu->reg[CPU_AX] = 8 | 4;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_PKS);
    ck_assert_uint_eq(s.cpu->cr2, AT_LDT + 8);
}
END_TEST

START_TEST(wrpkru_counts_at_once)
{
    long_user(&s);
    s.cpu->cr4 |= CR4_PKE;
    pte(PAGE | PTE_ALL | KEY(3));
    CODE(&s, "\x8a\x13\x0f\x01\xef\x8a\x13"); /* mov dl, [rbx]; wrpkru; mov dl, [rbx] */
    s.cpu->reg[CPU_BX] = PAGE;
    s.cpu->reg[CPU_AX] = 1 << 6;
    s.cpu->reg[CPU_CX] = s.cpu->reg[CPU_DX] = 0;
    sys_run(&s, 2);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_uint_eq(s.cpu->pkru, 1 << 6);
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_PF_PKU_AD);
    ck_assert_uint_eq(REC(0)->error, 0x25);
}
END_TEST

/* ---- Address spaces ---- */

static void read_page(void) /* through the TLB */
{
    CODE(&s, "\x8a\x10");
    s.cpu->ip = AT_CODE;
    s.cpu->reg[CPU_AX] = PAGE;
    sys_run(&s, 1);
}

static void load_cr3(uint64_t value)
{
    CODE(&s, "\x0f\x22\xd8");
    s.cpu->ip = AT_CODE;
    s.cpu->reg[CPU_AX] = value;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
}

static void use_pcids(void)
{
    CODE(&s, "\x0f\x22\xe0");
    s.cpu->reg[CPU_AX] = s.cpu->cr4 | CR4_PCIDE;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->cr4 & CR4_PCIDE, CR4_PCIDE);
}

static bool cached(void) { return tlb_find(s.cpu->tlb, PAGE) != NULL; }

static void write_page(void)
{
    CODE(&s, "\x88\x10"); /* mov [rax], dl */
    s.cpu->ip = AT_CODE;
    s.cpu->reg[CPU_AX] = PAGE;
    sys_run(&s, 1);
}

/* The one that it was read through says that the page is clean. */
START_TEST(a_write_replaces_the_translation_of_a_clean_page)
{
    unsigned held = 0;

    pte(PAGE | PRESENT | WRITABLE);
    read_page();
    write_page();
    ck_assert_uint_eq(s.cpu->history_next, 0);
    for (unsigned set = 0; set < TLB_SMALL_SETS; set++)
        for (unsigned way = 0; way < TLB_WAYS; way++) {
            const struct tlb_entry *e = &s.cpu->tlb->small[set][way];

            held += e->vpage == PAGE >> 12 && e->flags & TLB_P;
        }
    ck_assert_uint_eq(held, 1);
}
END_TEST

/* SDM Vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches": of a page fault. Tables are changed behind the TLB's back. */
START_TEST(a_page_fault_drops_the_translation)
{
    static const struct { uint64_t before, behind; } cases[] = {
        { PRESENT | WRITABLE, 0 },          /* a clean page: the write walks, and finds none */
        { PRESENT | WRITABLE, PRESENT },      /* or one that is read-only */
        { PRESENT, PRESENT | WRITABLE },      /* a page that was read-only: no walk */
    };

    s.cpu->cr0 |= CR0_WP;
    cpu_mode_changed(s.cpu);
    pte(PAGE | cases[_i].before);
    read_page();
    ck_assert(cached());
    pte(cases[_i].behind ? PAGE | cases[_i].behind : 0);
    write_page();
    ck_assert_uint_eq(REC(0)->vector, VEC_PF);
    ck_assert(!cached());
}
END_TEST

static uint64_t translated(void)
{
    mem_invlpg(s.cpu, PAGE);
    read_page();
    ck_assert(cached());
    return tlb_find(s.cpu->tlb, PAGE)->ppage << 12;
}

/* With A20 shut another page answers where the page table was: what walks remember of it goes. */
START_TEST(walks_read_what_the_map_says_now)
{
    uint64_t entries[SIM_PAGE_SIZE / 8], high = 0x100000 | AT_LPT;

    pte(PAGE | PTE_ALL);
    bus_peek(s.bus, AT_LPT, entries, sizeof(entries));
    entries[PAGE >> 12] = AT_DATA | PTE_ALL;
    bus_poke(s.bus, high, entries, sizeof(entries));
    sys_poke(&s, AT_LPD, high | PTE_ALL, 8);
    load_cr3(s.cpu->cr3);
    ck_assert_uint_eq(translated(), AT_DATA);
    bus_set_a20(s.bus, false);
    ck_assert_uint_eq(translated(), PAGE);
    bus_set_a20(s.bus, true);
    ck_assert_uint_eq(translated(), AT_DATA);
    entries[PAGE >> 12] = PAGE | PTE_ALL; /* and what is written there counts at once */
    bus_poke(s.bus, high, entries, sizeof(entries));
    ck_assert_uint_eq(translated(), PAGE);
}
END_TEST

START_TEST(an_address_space_keeps_its_translations_when_cr3_says_so)
{
    const uint64_t keep = 1ull << 63;

    use_pcids();
    load_cr3(AT_PML4 | 1);
    read_page();
    ck_assert(cached());
    load_cr3(keep | AT_PML4 | 2);
    ck_assert_uint_eq(s.cpu->cr3, AT_PML4 | 2); /* bit 63 is not kept */
    ck_assert(!cached());
    read_page();
    load_cr3(keep | AT_PML4 | 1);
    ck_assert(cached());
    load_cr3(AT_PML4 | 1); /* without it the space is flushed, the other one is not */
    ck_assert(!cached());
    load_cr3(keep | AT_PML4 | 2);
    ck_assert(cached());
}
END_TEST

START_TEST(a_global_page_belongs_to_all_address_spaces)
{
    pte(PAGE | PTE_ALL | PTE_GLOBAL);
    use_pcids();
    load_cr3(AT_PML4 | 1);
    read_page();
    load_cr3(AT_PML4 | 2);
    ck_assert(cached());
    CODE(&s, "\x0f\x01\x38"); /* invlpg [rax] */
    s.cpu->ip = AT_CODE;
    s.cpu->reg[CPU_AX] = PAGE;
    sys_run(&s, 1);
    ck_assert(!cached());
}
END_TEST

/* The page that code comes from is looked up again after INVLPG, though it was also written to through the same translation. */
START_TEST(code_that_remaps_its_own_page_goes_on_in_the_new_one)
{
    static const uint8_t code[] = {
        0xc6, 0x04, 0x25, 0x80, 0x50, 0x02, 0x00, 0x01,                         /* mov byte [25080h], 1 */
        0x48, 0xc7, 0x04, 0x25, 0x28, 0x41, 0x07, 0x00, 0x03, 0x60, 0x02, 0x00, /* mov qword [PTE of 25000h], 26003h */
        0x0f, 0x01, 0x3c, 0x25, 0x00, 0x50, 0x02, 0x00,                         /* invlpg [25000h] */
        0xb3, 0x01                                                              /* mov bl, 1 */
    };

    for (unsigned n = 0; n < sizeof(code); n++) {
        sys_poke(&s, 0x25000 + n, code[n], 1);
        sys_poke(&s, 0x26000 + n, code[n], 1);
    }
    sys_poke(&s, 0x26000 + sizeof(code) - 1, 2, 1);
    ck_assert_uint_eq(long_pte(0x25000), 0x74128);
    s.cpu->ip = 0x25000;
    sys_run(&s, 4);
    ck_assert_uint_eq(reg(CPU_BX) & 0xff, 2);
}
END_TEST

START_TEST(invpcid_drops_what_it_names)
{
    /* type; what is left of PAGE in spaces 1 and 2, and of a global page */
    static const struct { unsigned type, pcid; bool one, two, global; } cases[] = {
        { 0, 1, false, true, true }, { 1, 1, false, true, true }, { 2, 0, false, false, false }, { 3, 0, false, false, true },
    };
    const uint64_t keep = 1ull << 63;

    sys_poke(&s, (uint32_t)long_pte(AT_DATA), AT_DATA | PTE_ALL | PTE_GLOBAL, 8);
    use_pcids();
    load_cr3(AT_PML4 | 1);
    read_page();
    load_cr3(AT_PML4 | 2);
    read_page();
    sys_poke(&s, AT_DATA, cases[_i].pcid, 8);
    sys_poke(&s, AT_DATA + 8, PAGE, 8);
    CODE(&s, "\x66\x0f\x38\x82\x04\x25\x00\x00\x06\x00"); /* invpcid rax, [AT_DATA] */
    s.cpu->ip = AT_CODE;
    s.cpu->reg[CPU_AX] = cases[_i].type;
    sys_run(&s, 1);
    ck_assert_uint_eq(s.cpu->history_next, 0);
    ck_assert_int_eq(cached(), cases[_i].two);
    ck_assert_int_eq(tlb_find(s.cpu->tlb, AT_DATA) != NULL, cases[_i].global);
    load_cr3(keep | AT_PML4 | 1);
    ck_assert_int_eq(cached(), cases[_i].one);
}
END_TEST

START_TEST(invpcid_refuses_what_is_not_valid)
{
    static const struct { uint64_t type, low, high; } cases[] = { { 4, 0, 0 }, { 0, 0x1000, 0 }, { 1, 5, 0 }, { 0, 0, 0x8000000000000000 } };

    sys_poke(&s, AT_DATA, cases[_i].low, 8);
    sys_poke(&s, AT_DATA + 8, cases[_i].high, 8);
    CODE(&s, "\x66\x0f\x38\x82\x04\x25\x00\x00\x06\x00");
    s.cpu->reg[CPU_AX] = cases[_i].type;
    sys_run(&s, 1);
    ck_assert_int_eq(REC(0)->cause, CPU_CAUSE_GP_INVPCID);
}
END_TEST

/* What is saved is what is live, whatever address space it belongs to. */
START_TEST(translations_of_all_address_spaces_are_saved)
{
    const uint64_t keep = 1ull << 63;
    struct sim_buf buf = SIM_BUF_INIT;
    struct sim_reader in;

    use_pcids();
    load_cr3(AT_PML4 | 1);
    read_page();
    load_cr3(AT_PML4 | 2);
    tlb_packing.pack(&s.cpu->tlb, &buf);
    mem_flush_tlb(s.cpu, true);
    in = sim_reader_over(buf.data, buf.len);
    ck_assert_int_eq(tlb_packing.unpack(&s.cpu->tlb, &in), SIM_OK);
    paging_set_pcid(s.cpu);
    ck_assert(!cached());
    load_cr3(keep | AT_PML4 | 1);
    ck_assert(cached());
    sim_buf_fini(&buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long paging");
    TCase *t = tcase_create("long paging");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, every_page_size_is_walked, 0, 3);
    tcase_add_test(t, five_levels_reach_57_bits);
    tcase_add_test(t, accessed_and_dirty_bits_are_set_at_all_levels);
    tcase_add_loop_test(t, an_access_is_judged_by_all_levels, 0, sizeof(page_cases) / sizeof(page_cases[0]));
    tcase_add_test(t, a_processor_without_gigabyte_pages_reserves_ps_there);
    tcase_add_test(t, stac_and_clac_count_at_once);
    tcase_add_test(t, a_descriptor_table_in_a_users_page_is_not_read_under_smap);
    tcase_add_test(t, wrpkru_counts_at_once);
    tcase_add_test(t, a_write_of_ia32_pkrs_counts_at_once);
    tcase_add_test(t, supervisor_keys_hold_for_descriptor_tables);
    tcase_add_test(t, an_address_space_keeps_its_translations_when_cr3_says_so);
    tcase_add_test(t, a_write_replaces_the_translation_of_a_clean_page);
    tcase_add_loop_test(t, a_page_fault_drops_the_translation, 0, 3);
    tcase_add_test(t, a_global_page_belongs_to_all_address_spaces);
    tcase_add_test(t, code_that_remaps_its_own_page_goes_on_in_the_new_one);
    tcase_add_loop_test(t, invpcid_drops_what_it_names, 0, 4);
    tcase_add_loop_test(t, invpcid_refuses_what_is_not_valid, 0, 4);
    tcase_add_test(t, walks_read_what_the_map_says_now);
    tcase_add_test(t, translations_of_all_address_spaces_are_saved);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
