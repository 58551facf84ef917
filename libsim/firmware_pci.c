/*
 * PCI as a BIOS leaves it: the chipset's own registers, base addresses, interrupt lines. PCI Local Bus Specification 2.1, chapter 6.
 */
#include "libsim/firmware_tables.h"

enum { DEVFN_HOST = 0, DEVFN_ISA = 1 << 3, DEVFN_IDE = (1 << 3) | 1, DEVFN_PM = (1 << 3) | 3, DEVFN_VGA = 2 << 3 };
enum { PCI_ID = 0x00, PCI_COMMAND = 0x04, PCI_HEADER = 0x0e, PCI_BAR0 = 0x10, PCI_LINE = 0x3c, PCI_PIN = 0x3d };
enum { COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4 };

/* Where base addresses go that are not fixed below: behind the IDE's registers, and below VGA's memory. */
#define IO_FIRST     0xc100u
#define IO_END       0xf000u
#define MEMORY_FIRST 0xf0000000u
#define MEMORY_END   0xfd000000u

static void config(struct sim *sim, uint8_t devfn, uint8_t off, uint32_t value, unsigned size)
{
    sim_pci_config_write(bus_device_find(sim->bus, "i440fx"), devfn, off, value, size);
}

static uint32_t peek(struct sim *sim, unsigned devfn, uint8_t off, unsigned size)
{
    return sim_pci_config_peek(bus_device_find(sim->bus, "i440fx"), (uint8_t)devfn, off, size);
}

static bool present(struct sim *sim, unsigned devfn)
{
    return (uint16_t)peek(sim, devfn, PCI_ID, 2) != 0xffff;
}

/* PIRQA and PIRQB go to IRQ 10, PIRQC and PIRQD to IRQ 11: as SeaBIOS has it. */
uint8_t firmware_pirq_line(unsigned slot, unsigned pin)
{
    return ((slot - 1 + pin - 1) & 3) < 2 ? 10 : 11;
}

bool firmware_pci_interrupt(struct sim *sim, unsigned devfn, unsigned *pin)
{
    *pin = present(sim, devfn) ? peek(sim, devfn, PCI_PIN, 1) : 0;
    return *pin >= 1 && *pin <= 4;
}

static void set_up_chipset(struct sim *sim)
{
    config(sim, DEVFN_HOST, 0x59, 0x30, 1); /* PAM0..6: C0000-FFFFF read and write RAM */
    for (uint8_t pam = 0x5a; pam <= 0x5f; pam++)
        config(sim, DEVFN_HOST, pam, 0x33, 1);
    for (uint8_t pirq = 0; pirq < 4; pirq++)
        config(sim, DEVFN_ISA, (uint8_t)(0x60 + pirq), firmware_pirq_line(1, pirq + 1), 1);
    config(sim, DEVFN_IDE, 0x20, 0xc001, 4);      /* bus master registers */
    config(sim, DEVFN_IDE, 0x40, 0x80008000u, 4); /* IDETIM: both channels decode */
    config(sim, DEVFN_IDE, PCI_COMMAND, COMMAND_IO | COMMAND_MASTER, 2);
    config(sim, DEVFN_PM, 0x40, FIRMWARE_PM_BASE | 1, 4);
    config(sim, DEVFN_PM, 0x80, 1, 1);            /* ... decodes */
    config(sim, DEVFN_PM, 0x90, 0x701, 4);        /* SMBus base */
    config(sim, DEVFN_PM, 0xd2, 9, 1);            /* ... decodes */
    config(sim, DEVFN_VGA, 0x10, 0xfd000000u, 4);
    config(sim, DEVFN_VGA, 0x18, 0xfebf0000u, 4);
    config(sim, DEVFN_VGA, PCI_COMMAND, COMMAND_IO | COMMAND_MEMORY, 2);
}

/* The next multiple of `length` (a power of two), if it ends below `end`. */
static bool place(uint64_t *next, uint64_t end, uint64_t length, uint32_t *at)
{
    uint64_t first = (*next + length - 1) & ~(length - 1);

    if (first + length > end)
        return false;
    *at = (uint32_t)first;
    *next = first + length;
    return true;
}

/* "Base Addresses": the bits that can be written tell the length. */
static void set_up_function(struct sim *sim, uint8_t devfn, uint64_t *io, uint64_t *memory)
{
    uint16_t command = 0;

    for (uint8_t bar = PCI_BAR0; bar < PCI_BAR0 + 24; bar += 4) {
        uint32_t bits, length, at;
        bool is_io;

        config(sim, devfn, bar, UINT32_MAX, 4);
        bits = peek(sim, devfn, bar, 4);
        config(sim, devfn, bar, 0, 4);
        if (!bits)
            continue;
        is_io = bits & 1;
        length = ~(bits & (is_io ? ~3u : ~15u)) + 1;
        if (is_io)
            length &= 0xffff;
        if (!place(is_io ? io : memory, is_io ? IO_END : MEMORY_END, length, &at)) {
            sim_log(&sim->log, SIM_LOG_WARN, "firmware", "no room for base address %u of PCI function %u.%u", (bar - PCI_BAR0) / 4u, devfn >> 3,
                    devfn & 7);
            continue;
        }
        config(sim, devfn, bar, at, 4);
        command |= is_io ? COMMAND_IO : COMMAND_MEMORY;
    }
    config(sim, devfn, PCI_COMMAND, command, 2);
}

void firmware_set_up_pci(struct sim *sim)
{
    uint64_t io = IO_FIRST, memory = MEMORY_FIRST;

    set_up_chipset(sim);
    for (unsigned devfn = DEVFN_VGA + 8; devfn < 256; devfn++)
        if (present(sim, devfn) && (peek(sim, devfn, PCI_HEADER, 1) & 0x7f) == 0)
            set_up_function(sim, (uint8_t)devfn, &io, &memory);
    for (unsigned devfn = 0, pin; devfn < 256; devfn++)
        if (firmware_pci_interrupt(sim, devfn, &pin))
            config(sim, (uint8_t)devfn, PCI_LINE, firmware_pirq_line(devfn >> 3, pin), 1);
    config(sim, DEVFN_PM, PCI_LINE, 9, 1); /* SCI, whatever its pin says */
}
