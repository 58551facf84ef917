/*
 * What firmware does for a kernel that is booted without it: PCI, and the tables by which the kernel learns what the machine has: MP
 * (MultiProcessor Specification 1.4) and ACPI (Advanced Configuration and Power Interface Specification 2.0). Internal to firmware*.c.
 */
#ifndef LIBSIM_LIBSIM_FIRMWARE_TABLES_H
#define LIBSIM_LIBSIM_FIRMWARE_TABLES_H

#include "libsim/machine.h"

/* Extended BIOS data area: the last KiB below 640 KiB that we need. */
#define FIRMWARE_EBDA        0x9fc00u
/* RAM below 4 GiB ends here at the latest. */
#define FIRMWARE_LOW_RAM_END 0xe0000000ull

/* Power management registers of PIIX4 (SeaBIOS has them at B000h with its own tables). */
#define FIRMWARE_PM_BASE     0x600u
/* The MP and the ACPI tables, from here on. */
#define FIRMWARE_MP          0xf5000u
#define FIRMWARE_ACPI        0xf6000u

/* ---- firmware_pci.c ---- */

/* Chipset registers, base addresses, interrupt lines. */
void firmware_set_up_pci(struct sim *sim);
/* The ISA interrupt of INTA..INTD (1..4) of a slot. */
uint8_t firmware_pirq_line(unsigned slot, unsigned pin);
/* Does the function exist and have an interrupt pin? */
bool firmware_pci_interrupt(struct sim *sim, unsigned devfn, unsigned *pin);

/* ---- firmware_acpi.c ---- */

/* RSDP, RSDT, FADT, FACS, MADT, DSDT from FIRMWARE_ACPI on. */
void firmware_put_acpi(struct sim *sim);

/* ---- firmware_tables.c ---- */

/* What makes the sum of the bytes 0. */
uint8_t firmware_checksum(const uint8_t *bytes, size_t len);
/* Text padded with blanks. */
void firmware_text(struct sim_buf *b, const char *text, size_t width);
/* ID of the I/O APIC: the first that no CPU has. */
uint8_t firmware_ioapic_id(const struct sim *sim);
/* Direct boot: writes the tables into the BIOS area (0xF0000-0xFFFFF). */
void firmware_put_tables(struct sim *sim);

#endif
