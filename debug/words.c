#include "debug/words.h"

#include <stdio.h>
#include <string.h>

#include "cpu/code.h"

/* ---- Vectors: SDM Vol. 3A, "Exception and interrupt reference" ---- */

static const struct { const char *mnemonic, *name, *section; } vectors[] = {
    [VEC_DE] = { "#DE", "divide error", "Interrupt 0 - Divide Error Exception (#DE)" },
    [VEC_DB] = { "#DB", "debug exception", "Interrupt 1 - Debug Exception (#DB)" },
    [VEC_NMI] = { "NMI", "non-maskable interrupt", "Interrupt 2 - NMI Interrupt" },
    [VEC_BP] = { "#BP", "breakpoint", "Interrupt 3 - Breakpoint Exception (#BP)" },
    [VEC_OF] = { "#OF", "overflow", "Interrupt 4 - Overflow Exception (#OF)" },
    [VEC_BR] = { "#BR", "bound range exceeded", "Interrupt 5 - BOUND Range Exceeded Exception (#BR)" },
    [VEC_UD] = { "#UD", "invalid opcode", "Interrupt 6 - Invalid Opcode Exception (#UD)" },
    [VEC_NM] = { "#NM", "device not available", "Interrupt 7 - Device Not Available Exception (#NM)" },
    [VEC_DF] = { "#DF", "double fault", "Interrupt 8 - Double Fault Exception (#DF)" },
    [VEC_CSO] = { "vector 9", "coprocessor segment overrun", "Interrupt 9 - Coprocessor Segment Overrun" },
    [VEC_TS] = { "#TS", "invalid TSS", "Interrupt 10 - Invalid TSS Exception (#TS)" },
    [VEC_NP] = { "#NP", "segment not present", "Interrupt 11 - Segment Not Present (#NP)" },
    [VEC_SS] = { "#SS", "stack fault", "Interrupt 12 - Stack Fault Exception (#SS)" },
    [VEC_GP] = { "#GP", "general protection", "Interrupt 13 - General Protection Exception (#GP)" },
    [VEC_PF] = { "#PF", "page fault", "Interrupt 14 - Page-Fault Exception (#PF)" },
    [VEC_MF] = { "#MF", "floating-point error", "Interrupt 16 - x87 FPU Floating-Point Error (#MF)" },
    [VEC_AC] = { "#AC", "alignment check", "Interrupt 17 - Alignment Check Exception (#AC)" },
    [VEC_MC] = { "#MC", "machine check", "Interrupt 18 - Machine-Check Exception (#MC)" },
    [VEC_XM] = { "#XM", "SIMD floating-point exception", "Interrupt 19 - SIMD Floating-Point Exception (#XM)" },
    [VEC_VE] = { "#VE", "virtualization exception", "Interrupt 20 - Virtualization Exception (#VE)" },
    [VEC_CP] = { "#CP", "control protection", "Interrupt 21 - Control Protection Exception (#CP)" },
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

const char *words_vector_short(unsigned vector)
{
    return vector < VECTORS ? vectors[vector].mnemonic : NULL;
}

const char *words_vector_name(unsigned vector)
{
    return vector < VECTORS ? vectors[vector].name : NULL;
}

const char *words_vector_section(unsigned vector)
{
    return vector < VECTORS ? vectors[vector].section : NULL;
}

const char *words_delivery_type(enum cpu_delivery_type type)
{
    switch (type) {
    case CPU_DELIVER_EXTERNAL: return "external interrupt";
    case CPU_DELIVER_NMI: return "non-maskable interrupt";
    case CPU_DELIVER_EXCEPTION: return "exception";
    case CPU_DELIVER_SOFTWARE_INT: return "software interrupt";
    case CPU_DELIVER_PRIVILEGED_EXCEPTION: case CPU_DELIVER_SOFTWARE_EXCEPTION: return "software exception";
    case CPU_DELIVER_OTHER: return "shutdown";
    }
    return "unknown";
}

bool words_is_exception(const struct cpu_delivery *d)
{
    return d->type != CPU_DELIVER_EXTERNAL && d->type != CPU_DELIVER_NMI && d->type != CPU_DELIVER_SOFTWARE_INT;
}

/* SDM Vol. 3A, "Interrupt 14": P, W/R, U/S, RSVD, I/D; PK, SS, SGX above them. */
static void page_fault_error(uint32_t error, struct sim_buf *out)
{
    const char *access = error & 16 ? "instruction fetch" : error & 2 ? "write" : "read";
    const char *who = error & 4 ? "user code" : "the kernel";
    const char *why = error & 8 ? "reserved bit set in a paging entry" : error & 1 ? "the page is mapped but its rights forbid it" : "page not present";

    sim_buf_printf(out, "%s by %s, %s%s", access, who, why, error & 32 ? ", protection key" : "");
}

/* SDM Vol. 3A, "Error code". */
static void selector_error(uint32_t error, struct sim_buf *out)
{
    if (!(error & 0xfffe))
        sim_buf_printf(out, "no selector");
    else if (error & 2)
        sim_buf_printf(out, "IDT entry %u", error >> 3 & 0x1fff);
    else
        sim_buf_printf(out, "%s entry %u (selector 0x%04x)", error & 4 ? "LDT" : "GDT", error >> 3 & 0x1fff, error & 0xfffc);
    if (error & 1)
        sim_buf_printf(out, ", EXT: met while an event was being delivered");
}

void words_error(const struct cpu_delivery *d, struct sim_buf *out)
{
    switch (d->vector) {
    case VEC_PF: page_fault_error(d->error, out); break;
    case VEC_DF: case VEC_AC: sim_buf_printf(out, "always 0"); break;
    case VEC_CP: sim_buf_printf(out, "kind %u", d->error & 0x7fff); break;
    default: selector_error(d->error, out); break;
    }
}

/* ---- Bits ---- */

void words_bits(const struct words_bit *table, uint64_t value, struct sim_buf *out)
{
    bool any = false;

    for (; table->mask; table++)
        if (value & table->mask) {
            sim_buf_printf(out, "%s%s", any ? " " : "", table->name);
            any = true;
        }
    if (!any)
        sim_buf_printf(out, "-");
}

const struct words_bit words_cr0[] = {
    { CR0_PG, "PG" }, { CR0_CD, "CD" }, { CR0_NW, "NW" }, { CR0_AM, "AM" }, { CR0_WP, "WP" }, { CR0_NE, "NE" },
    { CR0_ET, "ET" }, { CR0_TS, "TS" }, { CR0_EM, "EM" }, { CR0_MP, "MP" }, { CR0_PE, "PE" }, { 0, NULL }
};
const struct words_bit words_cr4[] = {
    { CR4_PKS, "PKS" }, { CR4_PKE, "PKE" }, { CR4_SMAP, "SMAP" }, { CR4_SMEP, "SMEP" }, { CR4_OSXSAVE, "OSXSAVE" }, { CR4_PCIDE, "PCIDE" },
    { CR4_FSGSBASE, "FSGSBASE" }, { CR4_VMXE, "VMXE" }, { CR4_LA57, "LA57" }, { CR4_UMIP, "UMIP" }, { CR4_OSXMMEXCPT, "OSXMMEXCPT" },
    { CR4_OSFXSR, "OSFXSR" }, { CR4_PCE, "PCE" }, { CR4_PGE, "PGE" }, { CR4_MCE, "MCE" }, { CR4_PAE, "PAE" }, { CR4_PSE, "PSE" },
    { CR4_DE, "DE" }, { CR4_TSD, "TSD" }, { CR4_PVI, "PVI" }, { CR4_VME, "VME" }, { 0, NULL }
};
const struct words_bit words_efer[] = { { EFER_NXE, "NXE" }, { EFER_LMA, "LMA" }, { EFER_LME, "LME" }, { EFER_SCE, "SCE" }, { 0, NULL } };
const struct words_bit words_eflags[] = {
    { EFL_ID, "ID" }, { EFL_VIP, "VIP" }, { EFL_VIF, "VIF" }, { EFL_AC, "AC" }, { EFL_VM, "VM" }, { EFL_RF, "RF" }, { EFL_NT, "NT" },
    { EFL_OF, "OF" }, { EFL_DF, "DF" }, { EFL_IF, "IF" }, { EFL_TF, "TF" }, { EFL_SF, "SF" }, { EFL_ZF, "ZF" }, { EFL_AF, "AF" },
    { EFL_PF, "PF" }, { EFL_CF, "CF" }, { 0, NULL }
};
const struct words_bit words_dr6[] = {
    { DR6_BT, "BT" }, { DR6_BS, "BS" }, { DR6_BD, "BD" }, { DR6_B0 << 3, "B3" }, { DR6_B0 << 2, "B2" }, { DR6_B0 << 1, "B1" },
    { DR6_B0, "B0" }, { 0, NULL }
};

/* ---- Segments and gates: SDM Vol. 3A, "Code- and data-segment descriptor types", "System descriptor types" ---- */

static const char *const system_types[16] = {
    "empty (type 0)", "16-bit TSS, available", "LDT", "16-bit TSS, busy", "16-bit call gate", "task gate", "16-bit interrupt gate",
    "16-bit trap gate", "reserved (type 8)", "32-bit TSS, available", "reserved (type 10)", "32-bit TSS, busy", "32-bit call gate",
    "reserved (type 13)", "32-bit interrupt gate", "32-bit trap gate"
};

bool words_is_gate(uint32_t attr)
{
    return !(attr & SEG_S) && attr & 4 && (attr & SEG_TYPE) != 13;
}

void words_attr(uint32_t attr, struct sim_buf *out)
{
    if (!(attr & SEG_S)) {
        sim_buf_printf(out, "%s", system_types[attr & SEG_TYPE]);
        return;
    }
    if (attr & SEG_TYPE_CODE)
        sim_buf_printf(out, "%s code%s%s", attr & SEG_L ? "64-bit" : attr & SEG_DB ? "32-bit" : "16-bit",
                       attr & SEG_TYPE_READ ? ", readable" : ", execute-only", attr & SEG_TYPE_CONFORMING ? ", conforming" : "");
    else
        sim_buf_printf(out, "%s data%s%s", attr & SEG_DB ? "32-bit" : "16-bit", attr & SEG_TYPE_WRITE ? ", writable" : ", read-only",
                       attr & SEG_TYPE_DOWN ? ", expand-down" : "");
    sim_buf_printf(out, "%s", attr & SEG_TYPE_ACCESSED ? ", accessed" : "");
}

void words_descriptor(const struct seg_desc *d, struct sim_buf *out)
{
    words_attr(d->attr, out);
    if (!d->raw)
        return;
    sim_buf_printf(out, ", DPL %u, %s, base 0x%08llx, limit 0x%08x", SEG_DPL(d->attr), d->attr & SEG_P ? "present" : "NOT PRESENT",
                   (unsigned long long)d->base, d->limit);
}

void words_gate(const struct seg_desc *d, const char *symbol, struct sim_buf *out)
{
    bool call = (d->attr & 7) == SYS_CALL16;

    if (d->wide && words_is_gate(d->attr) && d->attr & 8)
        sim_buf_printf(out, "64-bit%s", strchr(system_types[d->attr & SEG_TYPE], ' '));
    else
        words_attr(d->attr, out);
    if (!d->raw)
        return;
    if ((d->attr & SEG_TYPE) == SYS_TASK_GATE)
        sim_buf_printf(out, " to TSS selector 0x%04x", d->gate_selector);
    else if (words_is_gate(d->attr))
        sim_buf_printf(out, " to %04x:%08llx%s%s", d->gate_selector, (unsigned long long)d->gate_offset, *symbol ? " " : "", symbol);
    if (call && d->gate_count)
        sim_buf_printf(out, ", %u parameters", d->gate_count);
    sim_buf_printf(out, ", DPL %u, %s", SEG_DPL(d->attr), d->attr & SEG_P ? "present" : "NOT PRESENT");
}

const char *words_segment_name(unsigned index)
{
    static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR" };

    return index < CPU_SEGS ? names[index] : "?";
}

/* ---- Paging: SDM Vol. 3A, "Formats of CR3 and paging-structure entries" ---- */

const char *words_level(unsigned level)
{
    static const char *const names[] = { "entry", "PTE", "PDE", "PDPTE", "PML4E", "PML5E" };

    return names[level < 6 ? level : 0];
}

static const struct words_bit entry_bits[] = {
    { 1ull << 63, "NX" }, { 256, "G" }, { 128, "PS" }, { 64, "D" }, { 32, "A" }, { 16, "PCD" }, { 8, "PWT" }, { 4, "U" }, { 2, "W" },
    { 1, "P" }, { 0, NULL }
};

void words_entry(uint64_t entry, unsigned level, bool wide, bool large_allowed, struct sim_buf *out)
{
    bool large = level > 1 && entry & 128 && large_allowed;
    uint64_t frame = entry & 0x000ffffffffff000ull;
    uint64_t shown = entry & (wide ? 0x80000000000001ffull : 0x1ffu);

    if (!(entry & 1)) {
        sim_buf_printf(out, entry ? "not present (P=0)" : "not present (all zero)");
        return;
    }
    if (level == 1)
        shown &= ~128ull; /* PAT, not PS */
    words_bits(entry_bits, shown, out);
    if (large && level == 2)
        frame = wide ? frame & ~0x1fffffull : (entry & 0xffc00000u) | (entry >> 13 & 0xf) << 32;
    if (large && level == 3)
        frame &= ~0x3fffffffull;
    sim_buf_printf(out, ", %s 0x%08llx%s", level == 1 || large ? "page" : "table", (unsigned long long)frame,
                   !large ? "" : level == 3 ? " (1 GiB)" : wide ? " (2 MiB)" : " (4 MiB)");
}

/* ---- Others ---- */

/* The modes outside SMM and in it. */
#define MODE_NAMES(prefix)                                                                                                   \
    { prefix "real mode", prefix "16-bit protected mode", prefix "32-bit protected mode", prefix "virtual-8086 mode",        \
      prefix "16-bit compatibility mode", prefix "32-bit compatibility mode", prefix "64-bit mode" }

const char *words_mode(uint32_t mode)
{
    static const char *const names[2][7] = { MODE_NAMES(""), MODE_NAMES("system-management mode, ") };
    bool d = mode & MODE_D;
    unsigned n = !(mode & MODE_PE) ? 0 : mode & MODE_VM ? 3 : mode & MODE_L ? 6 : (mode & MODE_LMA ? 4 : 1) + d;

    return names[mode & MODE_SMM ? 1 : 0][n];
}

const char *words_count(uint64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}
