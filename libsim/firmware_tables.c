#include "libsim/firmware_tables.h"

#include <string.h>

#include "cpu/model.h"
#include "libsim/load.h"

uint8_t firmware_checksum(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;

    while (len--)
        sum = (uint8_t)(sum + *bytes++);
    return (uint8_t)-sum;
}

void firmware_text(struct sim_buf *b, const char *text, size_t width)
{
    size_t len = strlen(text);

    for (size_t n = 0; n < width; n++)
        sim_buf_u8(b, n < len ? (uint8_t)text[n] : ' ');
}

uint8_t firmware_ioapic_id(const struct sim *sim)
{
    return (uint8_t)cpu_count(sim->cluster);
}

/* ---- MP table: MultiProcessor Specification, chapter 4 ---- */

#define MP_FLOATING FIRMWARE_MP
#define MP_TABLE    (FIRMWARE_MP + 16)

enum { MP_BUS_PCI, MP_BUS_ISA };

static void mp_processor(struct sim *sim, struct sim_buf *b, unsigned number)
{
    const struct cpu *cpu = cpu_get(sim->cluster, number);
    uint32_t leaf1[4];

    cpuid(cpu, 1, 0, leaf1);
    sim_buf_u8(b, 0);
    sim_buf_u8(b, (uint8_t)number);
    sim_buf_u8(b, 0x14);
    sim_buf_u8(b, number == 0 ? 3 : 1); /* enabled; the first is the bootstrap processor */
    sim_buf_u32(b, leaf1[0] & 0xfff); /* signature */
    sim_buf_u32(b, leaf1[3]);         /* features */
    sim_buf_u64(b, 0);
}

/* Entry 3: I/O interrupt, 4: local interrupt. Type 0 vectored, 1 NMI, 3 ExtINT. flags 0: as the bus has it. */
#define LEVEL_HIGH 0xd
static void mp_interrupt(struct sim_buf *b, uint8_t entry, uint8_t type, uint16_t flags, uint8_t bus, uint8_t irq, uint8_t apic, uint8_t pin)
{
    sim_buf_u8(b, entry);
    sim_buf_u8(b, type);
    sim_buf_u16(b, flags);
    sim_buf_u8(b, bus);
    sim_buf_u8(b, irq);
    sim_buf_u8(b, apic);
    sim_buf_u8(b, pin);
}

/* "I/O Interrupt Assignment Entries": source IRQ of PCI is device << 2 | pin. */
static unsigned mp_pci_interrupts(struct sim *sim, struct sim_buf *b, uint8_t ioapic)
{
    unsigned count = 0, pin;

    for (unsigned devfn = 0; devfn < 256; devfn++) {
        uint8_t source;

        if (!firmware_pci_interrupt(sim, devfn, &pin))
            continue;
        source = (uint8_t)((devfn >> 3) << 2 | (pin - 1));
        mp_interrupt(b, 3, 0, LEVEL_HIGH, MP_BUS_PCI, source, ioapic, firmware_pirq_line(devfn >> 3, pin));
        count++;
    }
    return count;
}

/* IRQ 0 is on pin 2; 10 and 11 belong to PCI alone. */
static unsigned mp_isa_interrupts(struct sim_buf *b, uint8_t ioapic)
{
    unsigned count = 0;

    for (uint8_t irq = 0; irq < 16; irq++) {
        if (irq == 2 || irq == 10 || irq == 11)
            continue;
        mp_interrupt(b, 3, 0, irq == 9 ? LEVEL_HIGH : 0, MP_BUS_ISA, irq, ioapic, irq == 0 ? 2 : irq);
        count++;
    }
    return count;
}

static unsigned mp_entries(struct sim *sim, struct sim_buf *b)
{
    unsigned cpus = cpu_count(sim->cluster), count = cpus + 3;
    uint8_t ioapic = firmware_ioapic_id(sim);

    for (unsigned n = 0; n < cpus; n++)
        mp_processor(sim, b, n);
    sim_buf_u8(b, 1), sim_buf_u8(b, MP_BUS_PCI), firmware_text(b, "PCI", 6);
    sim_buf_u8(b, 1), sim_buf_u8(b, MP_BUS_ISA), firmware_text(b, "ISA", 6);
    sim_buf_u8(b, 2), sim_buf_u8(b, ioapic), sim_buf_u8(b, 0x11), sim_buf_u8(b, 1), sim_buf_u32(b, 0xfec00000u);
    count += mp_pci_interrupts(sim, b, ioapic);
    count += mp_isa_interrupts(b, ioapic);
    mp_interrupt(b, 4, 3, 0, MP_BUS_ISA, 0, 0xff, 0); /* ExtINT on LINT0 */
    mp_interrupt(b, 4, 1, 0, MP_BUS_ISA, 0, 0xff, 1); /* NMI on LINT1 */
    return count + 2;
}

static void put_mp_table(struct sim *sim)
{
    struct sim_buf b = SIM_BUF_INIT, entries = SIM_BUF_INIT;
    unsigned count = mp_entries(sim, &entries);
    uint8_t floating[16] = { '_', 'M', 'P', '_' };

    sim_buf_put(&b, "PCMP", 4);
    sim_buf_u16(&b, (uint16_t)(44 + entries.len));
    sim_buf_u8(&b, 4);
    sim_buf_u8(&b, 0);
    firmware_text(&b, "LIBSIM", 8);
    firmware_text(&b, "PC", 12);
    sim_buf_u32(&b, 0);
    sim_buf_u16(&b, 0);
    sim_buf_u16(&b, (uint16_t)count);
    sim_buf_u32(&b, 0xfee00000u);
    sim_buf_u32(&b, 0);
    sim_buf_put(&b, entries.data, entries.len);
    if (!b.failed && !entries.failed) {
        b.data[7] = firmware_checksum(b.data, b.len);
        load_put(sim, MP_TABLE, b.data, b.len);
        memcpy(floating + 4, &(uint32_t){ MP_TABLE }, 4);
        floating[8] = 1;
        floating[9] = 4;
        floating[10] = firmware_checksum(floating, sizeof(floating));
        load_put(sim, MP_FLOATING, floating, sizeof(floating));
    }
    sim_buf_fini(&b);
    sim_buf_fini(&entries);
}

void firmware_put_tables(struct sim *sim)
{
    if (!cpu_get(sim->cluster, 0)->lapic)
        return; /* a CPU without APIC: one at most, and neither specification has a word for it */
    put_mp_table(sim);
    firmware_put_acpi(sim);
}
