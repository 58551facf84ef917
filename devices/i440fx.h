/*
 * The 82441FX host bridge (PCI 0:0.0, 8086:1237): PCI configuration mechanism 1, the map of main memory, shadow RAM.
 *
 * Data sheet: Intel 440FX PCIset, 82441FX PMC and 82442FX DBX (290549).
 *
 * It maps the RAM named "ram" and, if there is one, the ROM image named "bios"; both must exist before it is created:
 *
 *      0 -  9FFFF  RAM
 *  A0000 - BFFFF   PCI (VGA); RAM for processors in SMM as the register SMRAM says, and for all while it is open
 *  C0000 - FFFFF   RAM or PCI, reads and writes apart, as the 13 segments of PAM0-PAM6 say; on PCI the last 128 KiB of
 *                  the ROM end at FFFFF
 * 100000 - ...     RAM, to E0000000 at most
 *   4 GiB - size   the ROM
 *   4 GiB - ...    the RAM that found no place below
 *
 * RAM answers before whatever PCI maps at the same address; anything on PCI answers before the ROM.
 *
 * The registers read 440FX, but for: the subsystem ID (1AF4:1100, by which SeaBIOS knows a simulator, see
 * doc/firmware.md), and DRB, which start as firmware leaves them. Port CF9h is PIIX3's reset control register; byte
 * accesses to CF8h-CFBh pass through this bridge, so it is decoded here.
 *
 * Not modelled: DRAM timing and types, ECC, parity, the fixed hole (FDHC), PCI arbitration, de-turbo: those registers
 * keep what is written, nothing more. Cacheability (PAM bit 2) costs nothing.
 */
#ifndef LIBSIM_DEVICES_I440FX_H
#define LIBSIM_DEVICES_I440FX_H

#include "bus/device.h"

/* RAM beyond this goes above 4 GiB: the rest is PCI's. */
#define I440FX_LOW_RAM_LIMIT 0xE0000000u

extern const struct sim_device_class i440fx_class; /* "i440fx" */

#endif
