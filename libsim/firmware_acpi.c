/*
 * ACPI tables. Advanced Configuration and Power Interface Specification 2.0c, chapters 5 (tables) and 17, 18 (AML).
 *
 *     RSDP -> RSDT -> FADT -> DSDT, FACS
 *                  -> MADT
 *
 * All stand in the BIOS area, which the memory map reserves. The DSDT says what a kernel cannot find out by itself: the root bridge with its
 * windows, where the PCI interrupts go, and the value that switches the machine off.
 */
#include <string.h>

#include "libsim/firmware_tables.h"
#include "libsim/load.h"
#include "libsim/options.h"

enum { HEADER_BYTES = 36, RSDP_BYTES = 20, FACS_BYTES = 64, FADT_BYTES = 244 };

/* ---- A table: "System Description Table Header" ---- */

static void begin_table(struct sim_buf *b, const char signature[4], uint8_t revision)
{
    b->len = 0;
    sim_buf_put(b, signature, 4);
    sim_buf_u32(b, 0); /* length, when it is known */
    sim_buf_u8(b, revision);
    sim_buf_u8(b, 0);  /* checksum */
    firmware_text(b, "LIBSIM", 6);
    firmware_text(b, "PC", 8);
    sim_buf_u32(b, 1);
    firmware_text(b, "LSIM", 4);
    sim_buf_u32(b, 1);
}

/* Puts it at *next, which moves on, aligned for whatever follows; returns its address. */
static uint32_t end_table(struct sim *sim, struct sim_buf *b, uint32_t *next)
{
    uint32_t at = *next, len = (uint32_t)b->len;

    if (b->failed)
        return at;
    memcpy(b->data + 4, &len, 4);
    b->data[9] = 0;
    b->data[9] = firmware_checksum(b->data, b->len);
    load_put(sim, at, b->data, b->len);
    *next = (at + len + 63) & ~63u;
    return at;
}

/* ---- AML ---- */

/* "Package Length Encoding": two bytes, which is as far as we get. */
static void aml_enclose(struct sim_buf *b, size_t start)
{
    size_t len = b->len - start; /* the two bytes are there already, and count */

    if (b->failed)
        return;
    b->data[start] = (uint8_t)(0x40 | (len & 15));
    b->data[start + 1] = (uint8_t)(len >> 4);
}

static size_t aml_begin(struct sim_buf *b)
{
    sim_buf_u16(b, 0);
    return b->len - 2;
}

static void aml_dword(struct sim_buf *b, uint32_t v)
{
    sim_buf_u8(b, 0x0c); /* DWordPrefix */
    sim_buf_u32(b, v);
}

static void aml_name(struct sim_buf *b, const char *name)
{
    sim_buf_u8(b, 0x08); /* NameOp */
    sim_buf_put(b, name, strlen(name));
}

/* "Word Address Space Descriptor", "DWord Address Space Descriptor": type 0 memory, 1 I/O, 2 bus numbers. */
static void crs_words(struct sim_buf *b, uint8_t type, uint8_t flags, uint16_t first, uint16_t last)
{
    sim_buf_u8(b, 0x88), sim_buf_u16(b, 13);
    sim_buf_u8(b, type), sim_buf_u8(b, 0x0c), sim_buf_u8(b, flags); /* minimum and maximum fixed, passed on */
    sim_buf_u16(b, 0), sim_buf_u16(b, first), sim_buf_u16(b, last), sim_buf_u16(b, 0), sim_buf_u16(b, (uint16_t)(last - first + 1));
}

static void crs_memory(struct sim_buf *b, uint32_t first, uint32_t last)
{
    sim_buf_u8(b, 0x87), sim_buf_u16(b, 23);
    sim_buf_u8(b, 0), sim_buf_u8(b, 0x0c), sim_buf_u8(b, 0x01); /* read and write, not cacheable */
    sim_buf_u32(b, 0), sim_buf_u32(b, first), sim_buf_u32(b, last), sim_buf_u32(b, 0), sim_buf_u32(b, last - first + 1);
}

/* Name (_CRS, Buffer (n) { resources }). */
static void aml_windows(struct sim *sim, struct sim_buf *b)
{
    uint64_t low = sim->options->memory < FIRMWARE_LOW_RAM_END ? sim->options->memory : FIRMWARE_LOW_RAM_END;
    size_t buffer, bytes;
    uint16_t count;

    aml_name(b, "_CRS");
    sim_buf_u8(b, 0x11); /* BufferOp */
    buffer = aml_begin(b);
    sim_buf_u8(b, 0x0b), sim_buf_u16(b, 0); /* WordPrefix: the number of bytes */
    bytes = b->len;
    crs_words(b, 2, 0, 0, 0xff);
    sim_buf_put(b, "\x47\x01\xf8\x0c\xf8\x0c\x01\x08", 8); /* IO: CF8h-CFFh, the bridge's own */
    crs_words(b, 1, 3, 0x0000, 0x0cf7);
    crs_words(b, 1, 3, 0x0d00, 0xffff);
    crs_memory(b, 0xa0000, 0xbffff);
    crs_memory(b, low < 0x80000000u ? 0x80000000u : (uint32_t)low, 0xfebfffffu);
    sim_buf_put(b, "\x79\x00", 2); /* end; checksum 0 stands for "right" */
    count = (uint16_t)(b->len - bytes);
    if (!b->failed)
        memcpy(b->data + bytes - 2, &count, 2);
    aml_enclose(b, buffer);
}

/* "_PRT (PCI Routing Table)": Package (4) { slot << 16 | FFFFh, pin - 1, no link device, interrupt }. */
static void aml_interrupts(struct sim_buf *b)
{
    size_t all, one;

    aml_name(b, "_PRT");
    sim_buf_u8(b, 0x12); /* PackageOp */
    all = aml_begin(b);
    sim_buf_u8(b, 31 * 4);
    for (unsigned slot = 1; slot < 32; slot++)
        for (unsigned pin = 1; pin <= 4; pin++) {
            sim_buf_u8(b, 0x12);
            one = aml_begin(b);
            sim_buf_u8(b, 4);
            aml_dword(b, slot << 16 | 0xffff);
            sim_buf_u8(b, 0x0a), sim_buf_u8(b, (uint8_t)(pin - 1)); /* BytePrefix */
            sim_buf_u8(b, 0x00);                                    /* ZeroOp */
            sim_buf_u8(b, 0x0a), sim_buf_u8(b, firmware_pirq_line(slot, pin));
            aml_enclose(b, one);
        }
    aml_enclose(b, all);
}

static uint32_t put_dsdt(struct sim *sim, struct sim_buf *b, uint32_t *next)
{
    size_t scope, device;

    begin_table(b, "DSDT", 1);
    sim_buf_u8(b, 0x10); /* ScopeOp */
    scope = aml_begin(b);
    sim_buf_put(b, "\\_SB_", 5);
    sim_buf_put(b, "\x5b\x82", 2); /* DeviceOp */
    device = aml_begin(b);
    sim_buf_put(b, "PCI0", 4);
    aml_name(b, "_HID");
    aml_dword(b, 0x030ad041); /* EISAID ("PNP0A03") */
    aml_name(b, "_UID");
    sim_buf_u8(b, 0x00);
    aml_windows(sim, b);
    aml_interrupts(b);
    aml_enclose(b, device);
    aml_enclose(b, scope);
    aml_name(b, "_S5_"); /* SLP_TYPa 0, SLP_TYPb 0: PIIX4's soft off */
    sim_buf_put(b, "\x12\x06\x04\x00\x00\x00\x00", 7);
    return end_table(sim, b, next);
}

/* ---- FACS, FADT ---- */

static uint32_t put_facs(struct sim *sim, uint32_t *next)
{
    uint8_t facs[FACS_BYTES] = { 'F', 'A', 'C', 'S', FACS_BYTES };
    uint32_t at = *next;

    load_put(sim, at, facs, sizeof(facs));
    *next += FACS_BYTES;
    return at;
}

/* "Generic Address Structure": I/O space. */
static void fadt_register(uint8_t *at, uint8_t bits, uint16_t port)
{
    at[0] = 1;
    at[1] = bits;
    at[3] = bits == 8 ? 1 : bits == 16 ? 2 : 3;
    memcpy(at + 4, &port, 2);
}

/* "Fixed ACPI Description Table". Offsets are the specification's. */
static uint32_t put_fadt(struct sim *sim, struct sim_buf *b, uint32_t *next, uint32_t facs, uint32_t dsdt)
{
    static const struct { uint8_t off, bytes; uint32_t value; } fields[] = {
        { 45, 1, 1 },                            /* preferred profile: desktop */
        { 46, 2, 9 },                            /* SCI */
        { 48, 4, 0xb2 }, { 52, 1, 0xf1 }, { 53, 1, 0xf0 }, /* SMI command port; ACPI on, off */
        { 56, 4, FIRMWARE_PM_BASE }, { 64, 4, FIRMWARE_PM_BASE + 4 }, { 76, 4, FIRMWARE_PM_BASE + 8 }, { 80, 4, 0xafe0 },
        { 88, 1, 4 }, { 89, 1, 2 }, { 91, 1, 4 }, { 92, 1, 4 }, /* lengths of PM1 events, PM1 control, timer, GPE0 */
        { 96, 2, 0xfff }, { 98, 2, 0xfff },      /* no C2, no C3 */
        { 108, 1, 0x32 },                        /* century in the RTC */
        { 109, 2, 3 },                           /* legacy devices, 8042 */
        { 112, 4, 1 | 1 << 2 | 1 << 5 | 1 << 10 }, /* WBINVD, C1, no sleep button, reset register */
        { 128, 1, 6 },                           /* what resets by CF9h */
    };
    uint8_t f[FADT_BYTES] = { 0 };

    for (unsigned n = 0; n < sizeof(fields) / sizeof(fields[0]); n++)
        memcpy(f + fields[n].off, &fields[n].value, fields[n].bytes); /* little-endian hosts only, as all of libsim */
    memcpy(f + 36, &facs, 4);
    memcpy(f + 40, &dsdt, 4);
    memcpy(f + 132, &facs, 4);
    memcpy(f + 140, &dsdt, 4);
    fadt_register(f + 116, 8, 0xcf9);
    fadt_register(f + 148, 32, FIRMWARE_PM_BASE);
    fadt_register(f + 172, 16, FIRMWARE_PM_BASE + 4);
    fadt_register(f + 208, 32, FIRMWARE_PM_BASE + 8);
    fadt_register(f + 220, 32, 0xafe0);
    begin_table(b, "FACP", 3);
    sim_buf_put(b, f + HEADER_BYTES, FADT_BYTES - HEADER_BYTES);
    return end_table(sim, b, next);
}

/* ---- MADT ---- */

/* "Interrupt Source Overrides": flags 0 as the bus has it, Dh level and active high. */
static void madt_override(struct sim_buf *b, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    sim_buf_u8(b, 2), sim_buf_u8(b, 10), sim_buf_u8(b, 0), sim_buf_u8(b, irq), sim_buf_u32(b, gsi), sim_buf_u16(b, flags);
}

static uint32_t put_madt(struct sim *sim, struct sim_buf *b, uint32_t *next)
{
    begin_table(b, "APIC", 1);
    sim_buf_u32(b, 0xfee00000u);
    sim_buf_u32(b, 1); /* there are two 8259s */
    for (unsigned n = 0; n < cpu_count(sim->cluster); n++)
        sim_buf_u8(b, 0), sim_buf_u8(b, 8), sim_buf_u8(b, (uint8_t)n), sim_buf_u8(b, (uint8_t)n), sim_buf_u32(b, 1);
    sim_buf_u8(b, 1), sim_buf_u8(b, 12), sim_buf_u8(b, firmware_ioapic_id(sim)), sim_buf_u8(b, 0);
    sim_buf_u32(b, 0xfec00000u), sim_buf_u32(b, 0);
    madt_override(b, 0, 2, 0);
    madt_override(b, 9, 9, 0xd);
    madt_override(b, 10, 10, 0xd);
    madt_override(b, 11, 11, 0xd);
    sim_buf_u8(b, 4), sim_buf_u8(b, 6), sim_buf_u8(b, 0xff), sim_buf_u16(b, 0), sim_buf_u8(b, 1); /* NMI on LINT1 of all */
    return end_table(sim, b, next);
}

/* ---- RSDT, RSDP ---- */

static void put_rsdp(struct sim *sim, uint32_t rsdt)
{
    uint8_t rsdp[RSDP_BYTES] = "RSD PTR \0LIBSIM";

    memcpy(rsdp + 16, &rsdt, 4);
    rsdp[8] = firmware_checksum(rsdp, sizeof(rsdp));
    load_put(sim, FIRMWARE_ACPI, rsdp, sizeof(rsdp));
}

void firmware_put_acpi(struct sim *sim)
{
    struct sim_buf b = SIM_BUF_INIT;
    uint32_t next = FIRMWARE_ACPI + 64, facs = put_facs(sim, &next), dsdt = put_dsdt(sim, &b, &next);
    uint32_t fadt = put_fadt(sim, &b, &next, facs, dsdt), madt = put_madt(sim, &b, &next);

    begin_table(&b, "RSDT", 1);
    sim_buf_u32(&b, fadt);
    sim_buf_u32(&b, madt);
    put_rsdp(sim, end_table(sim, &b, &next));
    if (b.failed)
        sim_log(&sim->log, SIM_LOG_WARN, "firmware", "out of memory: ACPI tables are missing");
    sim_buf_fini(&b);
}
