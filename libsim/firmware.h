/*
 * What firmware does, and what it is told.
 *
 * With real firmware (SeaBIOS) the machine only hands over files by fw_cfg. Without it (direct boot) the machine is left as firmware
 * would leave it: PCI set up, text mode 3, memory map, MP and ACPI tables in place. See doc/firmware.md.
 */
#ifndef LIBSIM_LIBSIM_FIRMWARE_H
#define LIBSIM_LIBSIM_FIRMWARE_H

#include "libsim/machine.h"

/* fw_cfg contents for SeaBIOS. Called at each reset; adding twice is harmless. */
enum sim_err firmware_files(struct sim *sim);

/* Direct boot: chipset registers, BARs, interrupt routing, PICs and PIT as a BIOS leaves them, text mode, interrupt vectors and BIOS data area
 * as far as kernels look at them, MP table, ACPI tables (RSDP in 0xF0000). */
enum sim_err firmware_imitate(struct sim *sim);

/* The memory map as E820 entries, for Multiboot and Linux: at most `max`; returns the number. */
struct firmware_range {
    uint64_t base, length;
    uint32_t type; /* 1 RAM, 2 reserved, 3 ACPI, 4 NVS */
};
unsigned firmware_memory_map(const struct sim *sim, struct firmware_range *out, unsigned max);

/* ---- load.c ---- */

/* Finds out what the configured image is and how the machine will start: sets image_kind, needs_firmware, boot_cdrom_first; a disk or CD image becomes a
 * medium. */
enum sim_err image_plan(struct sim *sim);
/* Direct boot: RAM and registers as the boot loader would leave them. At each reset. */
enum sim_err image_boot_direct(struct sim *sim);
/* The image's own symbols, and those of --symbols. */
enum sim_err image_symbols(struct sim *sim);

#endif
