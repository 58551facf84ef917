/* Hints: why the first fault of a chain happened. */
#include <stdio.h>
#include <string.h>

#include "cpu/code.h"
#include "debug/words.h"
#include "debug/explain.h"

static bool is(const struct hint *h, enum cpu_cause cause)
{
    return h->d->cause == cause;
}

static bool is_between(const struct hint *h, enum cpu_cause first, enum cpu_cause last)
{
    return h->d->cause >= first && h->d->cause <= last;
}

static bool is_page_fault(const struct hint *h)
{
    return h->d->vector == VEC_PF && h->d->type == CPU_DELIVER_EXCEPTION;
}

static uint64_t raw_of(const struct hint *h)
{
    uint64_t raw;

    memcpy(&raw, h->d->evidence.bytes, sizeof(raw));
    return raw;
}

static sim_laddr linear_ip(const struct hint *h)
{
    return dbg_linear(h->s->cpu, h->d->cs_base + h->d->ip);
}

/* The bytes at the instruction; what cannot be read is 0. */
static void code_at(const struct hint *h, uint8_t *bytes, size_t len)
{
    memset(bytes, 0, len);
    cpu_peek(h->s->cpu, linear_ip(h), bytes, len);
}

static bool is_fetch(const struct hint *h)
{
    return is_page_fault(h) && story_touch(h->s, h->n) == TOUCH_CODE;
}

/* ---- Page faults ---- */

bool hint_handler_faults(struct hint *h)
{
    const struct cpu_delivery *first = &h->s->link[0];
    bool fetch = story_touch(h->s, 0) == TOUCH_CODE;

    hint_arg(h, 0, "%s", words_vector_short(first->vector) ? words_vector_short(first->vector) : "the exception");
    hint_arg(h, 1, "0x%08llx", (unsigned long long)dbg_linear(h->s->cpu, first->cs_base + first->ip));
    hint_arg(h, 2, "%s", fetch ? "is not mapped" : "does the same again");
    return h->s->repeats >= 2 && (fetch || first->delivered || h->s->shutdown);
}

/* Four equal bytes, or words that programmers fill memory with. */
static bool fill_pattern(struct hint *h)
{
    static const uint32_t words[] = { 0xdeadbeef, 0xbaadf00d, 0xcafebabe, 0xfeedface, 0xdeadc0de, 0x8badf00d };
    uint32_t addr = (uint32_t)h->d->cr2;

    if (!is_page_fault(h))
        return false;
    hint_arg(h, 0, "0x%08x", addr);
    for (unsigned n = 0; n < sizeof(words) / sizeof(words[0]); n++)
        if (addr - words[n] < 4096)
            return true;
    return addr >> 16 == (addr & 0xffff) && (addr >> 8 & 0xff) == (addr & 0xff) && addr && addr != UINT32_MAX;
}

static bool null_code(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)linear_ip(h));
    return is_fetch(h) && linear_ip(h) < SIM_PAGE_SIZE;
}

static bool no_identity(struct hint *h)
{
    static const uint32_t offsets[] = { 0xc0000000u, 0x80000000u, 0xf0000000u, 0xe0000000u };

    if (!is_fetch(h) || h->d->error & 1 || linear_ip(h) >= 0x80000000u)
        return false;
    for (unsigned n = 0; n < sizeof(offsets) / sizeof(offsets[0]); n++) {
        hint_arg(h, 0, "0x%08llx", (unsigned long long)linear_ip(h));
        hint_arg(h, 1, "0x%08x", (uint32_t)(linear_ip(h) + offsets[n]));
        if (story_mapped(h->s, linear_ip(h) + offsets[n]))
            return true;
    }
    return false;
}

static bool code_unmapped(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)linear_ip(h));
    return is_fetch(h) && !(h->d->error & 1);
}

static bool stack_overflow(struct hint *h)
{
    uint64_t cr2 = h->d->cr2;

    hint_arg(h, 0, "0x%08x", (uint32_t)h->d->sp);
    return is_page_fault(h) && story_touch(h->s, h->n) == TOUCH_STACK && !(h->d->error & 1) && !story_mapped(h->s, cr2) &&
           story_mapped(h->s, (cr2 | SIM_PAGE_MASK) + 1);
}

static bool stack_unmapped(struct hint *h)
{
    hint_arg(h, 0, "0x%08x", (uint32_t)h->d->sp);
    return is_page_fault(h) && story_touch(h->s, h->n) == TOUCH_STACK && !(h->d->error & 1);
}

static bool null_pointer(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)h->d->cr2);
    return is_page_fault(h) && h->d->cr2 < 0x1000;
}

static bool reserved_nx(struct hint *h)
{
    return is(h, CPU_CAUSE_PF_RSVD_NX);
}

static bool reserved_address(struct hint *h)
{
    sim_paddr paddr;

    hint_arg(h, 0, "0x%016llx", (unsigned long long)h->d->evidence.value);
    *h->arg[1] = 0;
    if (cpu_translate_peek(h->s->cpu, h->d->evidence.paddr, false, &paddr, NULL) == SIM_OK && paddr == h->d->evidence.paddr)
        hint_arg(h, 1, " `who-wrote 0x%llx` tells who wrote it.", (unsigned long long)paddr);
    return is(h, CPU_CAUSE_PF_RSVD_ADDR);
}

static bool reserved_large(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)(h->d->evidence.value & 0xfffff000u));
    hint_arg(h, 1, "%s", is(h, CPU_CAUSE_PF_RSVD_PS) ? "2 MiB" : "4 MiB");
    return is(h, CPU_CAUSE_PF_RSVD_PS) || is(h, CPU_CAUSE_PF_RSVD_PSE36);
}

static bool reserved_pdpte(struct hint *h)
{
    hint_arg(h, 0, "0x%016llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_GP_CR3_PDPTE);
}

static bool stale(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)h->d->cr2);
    return is(h, CPU_CAUSE_PF_STALE);
}

static bool user_touches_kernel(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)h->d->cr2);
    return is(h, CPU_CAUSE_PF_USER_SUPER);
}

static bool write_to_read_only(struct hint *h)
{
    hint_arg(h, 0, "0x%08llx", (unsigned long long)h->d->cr2);
    hint_arg(h, 1, "%s", is(h, CPU_CAUSE_PF_SUPER_WRITE) ? " CR0.WP is set, so that this holds for the kernel too (copy on write, .text, .rodata)." : "");
    return is(h, CPU_CAUSE_PF_SUPER_WRITE) || is(h, CPU_CAUSE_PF_USER_WRITE);
}

/* ---- Segments ---- */

static bool gdt_limit_counts(struct hint *h)
{
    const struct cpu_table *gdtr = &h->s->cpu->gdtr;

    hint_arg(h, 0, "0x%x", gdtr->limit);
    hint_arg(h, 1, "%u", gdtr->limit + 1);
    hint_arg(h, 2, "0x%x", (gdtr->limit + 1) * 8 - 1);
    return (is(h, CPU_CAUSE_GP_SEG_LIMIT) || is(h, CPU_CAUSE_GP_JMP_LIMIT)) && !(h->d->evidence.selector & 4) &&
           hint_table_counts_entries(h, gdtr->base, gdtr->limit, h->d->evidence.selector >> 3, false);
}

static bool selector_outside(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "%s", h->d->evidence.selector & 4 ? "LDT" : "GDT");
    return is(h, CPU_CAUSE_GP_SEG_LIMIT) || is(h, CPU_CAUSE_GP_JMP_LIMIT);
}

static bool descriptor_zero(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "0x%08llx", (unsigned long long)h->s->cpu->gdtr.base);
    hint_arg(h, 2, "0x%llx", (unsigned long long)h->d->evidence.laddr);
    return h->d->evidence.kind == CPU_EVIDENCE_DESCRIPTOR && h->d->evidence.size == 8 && !raw_of(h) &&
           (is(h, CPU_CAUSE_GP_SEG_SYSTEM) || is(h, CPU_CAUSE_GP_JMP_TYPE) || is(h, CPU_CAUSE_GP_SS_TYPE) || is(h, CPU_CAUSE_GP_LTR));
}

static bool system_descriptor(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "%02X", (unsigned)h->d->evidence.bytes[5]);
    return is(h, CPU_CAUSE_GP_SEG_SYSTEM) && h->d->evidence.size == 8;
}

static bool segment_absent(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    hint_arg(h, 1, "%02X", (unsigned)h->d->evidence.bytes[5]);
    hint_arg(h, 2, "%02X", (unsigned)h->d->evidence.bytes[5] | 0x80u);
    return h->d->evidence.size == 8 && (is(h, CPU_CAUSE_NP_DATA) || is(h, CPU_CAUSE_NP_CS_JMP) || is(h, CPU_CAUSE_SS_NP_MOV));
}

static bool tss_busy(struct hint *h)
{
    hint_arg(h, 0, "0x%x", h->d->evidence.selector);
    return is(h, CPU_CAUSE_GP_LTR) && h->d->evidence.size == 8 && (raw_of(h) >> 40 & 0x1d) == 9 && raw_of(h) >> 41 & 1;
}

static bool null_stack(struct hint *h)
{
    return is(h, CPU_CAUSE_GP_SS_NULL);
}

static bool null_segment(struct hint *h)
{
    hint_arg(h, 0, "%s", words_segment_name(h->d->evidence.level));
    return is(h, CPU_CAUSE_GP_NULLSEG);
}

/* SS has a limit of 1 MiB where 4 GiB was meant. */
static bool granularity(struct hint *h)
{
    const struct cpu_evidence *e = &h->d->evidence;

    hint_arg(h, 0, "%s", words_segment_name(e->level));
    hint_arg(h, 1, "0x%llx", (unsigned long long)e->laddr);
    return e->kind == CPU_EVIDENCE_OPERAND && e->value == 0xfffff && e->laddr > e->value && h->d->mode & MODE_PE;
}

/* ---- Returns ---- */

static bool error_code_left(struct hint *h)
{
    const struct cpu_delivery *before = &h->s->before;
    uint8_t code[2];

    code_at(h, code, sizeof(code));
    if (code[0] != 0xcf && !(code[0] == 0x66 && code[1] == 0xcf))
        return false;
    hint_arg(h, 0, "%s", words_vector_short(before->vector) ? words_vector_short(before->vector) : "exception");
    hint_arg(h, 1, "0x%x", before->error);
    hint_arg(h, 2, "0x%llx", (unsigned long long)before->ip);
    return before->valid && before->delivered && before->has_error && (h->d->error & 0xfffc) == (before->ip & 0xfffc) &&
           is_between(h, CPU_CAUSE_GP_RET_NULL, CPU_CAUSE_GP_IRET_SSCANON);
}

static bool return_to_garbage(struct hint *h)
{
    return is_between(h, CPU_CAUSE_GP_RET_NULL, CPU_CAUSE_GP_RET_SS) || is(h, CPU_CAUSE_NP_CS_RET) || is(h, CPU_CAUSE_GP_IRET_CS);
}

static bool nested_task(struct hint *h)
{
    return is(h, CPU_CAUSE_TS_BACKLINK_TI) || is(h, CPU_CAUSE_TS_BACKLINK_BUSY);
}

static bool single_step(struct hint *h)
{
    return is(h, CPU_CAUSE_DB_STEP);
}

/* ---- Instructions ---- */

static bool paging_without_pe(struct hint *h)
{
    hint_arg(h, 0, "0x%llx", (unsigned long long)h->d->evidence.value);
    return is(h, CPU_CAUSE_GP_CR0_PGPE);
}

static bool division_by_zero(struct hint *h)
{
    return is(h, CPU_CAUSE_DE_ZERO);
}

static bool division_overflow(struct hint *h)
{
    return is(h, CPU_CAUSE_DE_OVERFLOW);
}

static bool undefined_on_purpose(struct hint *h)
{
    uint8_t code[2];

    code_at(h, code, sizeof(code));
    return is(h, CPU_CAUSE_UD_OPCODE) && code[0] == 0x0f && code[1] == 0x0b;
}

static bool runs_data(struct hint *h)
{
    const char *name;
    uint64_t offset;

    hint_arg(h, 0, "0x%08llx", (unsigned long long)linear_ip(h));
    hint_arg(h, 1, "%s", dbg_symbol_at(h->s->dbg, linear_ip(h), &name, &offset) ? "" : ", where no symbol is");
    return is(h, CPU_CAUSE_UD_OPCODE);
}

static bool newer_instruction(struct hint *h)
{
    return is(h, CPU_CAUSE_UD_FEATURE);
}

static bool sse_not_enabled(struct hint *h)
{
    return is(h, CPU_CAUSE_UD_CR4OSFXSR) || is(h, CPU_CAUSE_UD_CR0EM);
}

static bool privileged(struct hint *h)
{
    hint_arg(h, 0, "%u", h->d->cpl);
    return is(h, CPU_CAUSE_GP_CPL0);
}

static bool port_forbidden(struct hint *h)
{
    return is_between(h, CPU_CAUSE_GP_IOPL_IO, CPU_CAUSE_GP_IOMAP_TSS16);
}

static bool vm86_monitor(struct hint *h)
{
    return is(h, CPU_CAUSE_GP_V86_IOPL) || is(h, CPU_CAUSE_GP_IRET_V86) || is(h, CPU_CAUSE_GP_EVENT_V86INT);
}

static bool fpu_off(struct hint *h)
{
    return is(h, CPU_CAUSE_NM_TS) || is(h, CPU_CAUSE_NM_EM);
}

static bool real_stack(struct hint *h)
{
    hint_arg(h, 0, "0x%x", (unsigned)(h->d->sp & 0xffff));
    return h->d->vector == VEC_SS && !(h->d->mode & MODE_PE);
}

const struct hint_row hints_fault[] = {
    { hint_handler_faults, TOPIC_STACK,
      "the handler of {0} itself faults: its code at {1} {2}, and each try pushes another frame, until the stack is used up." },
    { hint_cr3_is_table, TOPIC_PAGING,
      "CR3 = {0} seems to name a page table instead of the page directory: its entries map page n to page n. CR3 takes the directory's physical address, "
      "not the value of its first entry." },
    { hint_cr3_is_empty, TOPIC_PAGING,
      "CR3 = {0} does not name a page directory: no entry there is present. CR3 takes the physical address of a directory that is filled in." },
    { hint_cr3_unaligned, TOPIC_PAGING,
      "CR3 = {0} has low bits set, so it is hardly the address of a page directory, which begins at a multiple of 4096. Was it taken from a wrong variable, or from one "
      "that was overwritten? CR3 takes the physical address." },
    { fill_pattern, TOPIC_DATA,
      "{0} looks like a fill pattern: a pointer was taken from memory that had been freed, or was never written." },
    { no_identity, TOPIC_PAGING,
      "paging is on, but the code that is running, at {0}, is not mapped there; it is mapped at {1}. Keep an identity mapping of the low memory until the kernel has "
      "jumped up, and the stack and GDTR hold high addresses too." },
    { null_code, TOPIC_CODE,
      "the processor was sent to address {0}: a call through a null function pointer, or a return with a damaged stack." },
    { code_unmapped, TOPIC_CODE,
      "the code at {0} is not mapped: a wild jump or return, or, if paging has just been switched on, a missing identity mapping." },
    { reserved_nx, TOPIC_PAGING,
      "bit 63 (no-execute) of a paging entry is reserved until EFER.NXE is set: set it (MSR 0xC0000080, bit 11) before paging goes on, or leave the bit clear." },
    { reserved_address, TOPIC_PAGING,
      "the paging entry {0} holds address bits that do not exist. Often the upper half of a 64-bit entry was not cleared.{1}" },
    { reserved_large, TOPIC_PAGING, "a large page must begin at a multiple of its size: {0} is no multiple of {1}." },
    { reserved_pdpte, TOPIC_PAGING,
      "the PAE directory pointer {0} has bits set that are reserved there. Only P, PWT, PCD and the address may be set; W and U (bits 1 and 2) belong into the "
      "entries below it." },
    { stale, TOPIC_PAGING,
      "the page tables allow this access now; the TLB still holds what they said before. After a change of a present entry INVLPG [{0}] (or a reload of CR3) "
      "is needed." },
    { stack_overflow, TOPIC_STACK,
      "the stack ({0}) has grown out of its last page into an unmapped one: a stack overflow, by endless recursion or arrays too large for it." },
    { null_pointer, TOPIC_DATA, "address {0} is in the first page: a null pointer, or a member of what one points to." },
    { stack_unmapped, TOPIC_STACK, "the stack pointer ({0}) does not point to mapped memory: it was never set, or was damaged." },
    { user_touches_kernel, TOPIC_DATA,
      "user code may touch {0} only if U/S (bit 2) is set at every level: in the page-directory entry and in the page-table entry." },
    { write_to_read_only, TOPIC_DATA, "the page of {0} is read-only.{1} If it should be writable, set W (bit 1) at every level of the tables." },
    { gdt_limit_counts, TOPIC_GDT,
      "the GDT's limit, {0}, looks like a number of entries, for there are good descriptors behind it. The limit is the number of bytes less one: "
      "{2} for {1} entries." },
    { selector_outside, TOPIC_GDT, "there is no entry of the {1} for selector {0}. A selector is the entry's number times 8 (plus RPL), not the number." },
    { descriptor_zero, TOPIC_GDT,
      "the GDT at {1} has only zeros for selector {0}: LGDT was given a wrong base, or the table was not filled in, or cleared. `who-wrote {2}` tells who wrote there." },
    { system_descriptor, TOPIC_GDT,
      "the descriptor of {0} has {1} as its access byte (byte 5); a data segment has 92 (user: F2), code 9A (FA). If the bytes look shifted, check the order of the fields: "
      "limit 15:0, base 23:0, access byte, flags and limit 19:16, base 31:24." },
    { segment_absent, TOPIC_GDT, "the descriptor of {0} lacks the present bit: its access byte is {1} and should be {2}." },
    { tss_busy, TOPIC_TASK,
      "the TSS {0} is busy already: LTR marks it so. A second LTR of the same TSS needs its descriptor's type set back to available (access byte 89)." },
    { null_stack, TOPIC_STACK, "SS was loaded with 0: usually a selector variable or a field of a saved frame that was not filled in." },
    { null_segment, TOPIC_DATA, "{0} holds a null selector: it was never loaded, or a return to user mode has cleared it because it was the kernel's." },
    { granularity, TOPIC_STACK,
      "{0} has a limit of 1 MiB less one, and offset {1} lies above: the granularity bit (G, bit 7 of byte 6 of the descriptor) is probably missing." },
    { error_code_left, TOPIC_CODE,
      "the {0} handler returned without dropping the error code ({1}) that the processor had pushed: IRET took it for EIP, and the old EIP ({2}) for CS. Add 4 to ESP "
      "before IRET in handlers of vectors 8, 10 to 14 and 17." },
    { return_to_garbage, TOPIC_CODE,
      "what the return took from the stack is no return address: pushes and pops do not balance, an error code was not dropped, or the frame was overwritten." },
    { nested_task, TOPIC_TASK,
      "NT is set in EFLAGS, so IRET means 'back to the previous task', which there is not. A POPF or IRET loaded a flags word with NT set by accident." },
    { single_step, TOPIC_CODE, "TF is set in EFLAGS. If nobody is debugging, a POPF or IRET loaded a damaged flags word." },
    { paging_without_pe, TOPIC_CODE, "CR0 was written as {0}: read it, set PG in what was read, and write that back, so that PE stays set." },
    { division_by_zero, TOPIC_CODE, "the divisor is zero." },
    { division_overflow, TOPIC_CODE, "DIV divides EDX:EAX. Clear EDX before an unsigned division (CDQ before a signed one)." },
    { undefined_on_purpose, TOPIC_CODE, "UD2 is there on purpose: compilers put it where code cannot go on (__builtin_trap, unreachable code, a failed check)." },
    { runs_data, TOPIC_CODE, "are the bytes at {0}{1} code at all? After a wild jump or return the processor runs data. Look at the stack for the last call." },
    { newer_instruction, TOPIC_CODE, "the program was compiled for a newer processor than this CPU model: see --cpu, or the compiler's -march." },
    { sse_not_enabled, TOPIC_CODE,
      "SSE has to be switched on: clear CR0.EM, set CR0.MP, set CR4.OSFXSR and CR4.OSXMMEXCPT. Or compile the kernel with -mno-sse -mgeneral-regs-only." },
    { privileged, TOPIC_CODE, "the instruction needs CPL 0, and this is CPL {0}." },
    { port_forbidden, TOPIC_TSS, "user programs reach ports only with IOPL 3 or a clear bit in the TSS's I/O permission bitmap." },
    { vm86_monitor, TOPIC_CODE, "this is normal in virtual-8086 mode with IOPL below 3: the #GP handler emulates the instruction." },
    { fpu_off, TOPIC_CODE, "the kernel has to clear CR0.TS (CLTS) and CR0.EM before the FPU is used, or to save and load its state in the #NM handler." },
    { real_stack, TOPIC_STACK, "SP is {0}, so near to the end of the segment that a push or pop wraps around it." },
    { NULL, 0, NULL }
};
