/*
 * The IDE function of the 82371SB (PIIX3): PCI 0:1.1, two legacy channels with two drives each, bus-master DMA.
 *
 * Data sheets: Intel 82371FB/82371SB PIIX, PIIX3 (290550), "IDE Controller" and "PCI IDE Configuration Registers";
 * Programming Interface for Bus Master IDE Controller 1.0; ATA/ATAPI-6 (T13/1410D) for channels and drives.
 *
 *     1F0h-1F7h, 3F6h  primary channel, IRQ 14      170h-177h, 376h  secondary channel, IRQ 15
 *     BAR4 +0h BMIC  +2h BMIS  +4h BMIDTP; +8h to +Fh the same for the secondary channel
 *     PCI 40h IDETIM primary  42h IDETIM secondary  44h SIDETIM
 *
 * A channel answers when PCICMD.IOSE and bit 15 of its IDETIM are set; both are 0 after reset, and it is firmware that
 * sets them. Who starts a machine without firmware has to (PCI command 0005h, IDETIM 8000h).
 *
 * Drives: a medium "ide0.0" (primary master), "ide0.1", "ide1.0", "ide1.1" makes a disk, or a CD-ROM drive when it is a
 * CD; without one there is no drive. Beside a device 0, an absent device 1 has status 0 and ignores commands, other
 * registers are those of device 0 ("Device 0 only configurations"); where no device 0 is, a selected device 0 reads as
 * all ones, as does a channel without drives.
 *
 * The bus master moves a block of up to 8192 bytes when the time it takes at 16.7 MB/s (multiword DMA mode 2) is over.
 *
 * Fixed where the data sheets leave it open: a transfer whose direction is not that of BMIC.RWCON, or one with
 * PCICMD.BME clear, waits; the first is logged once. A drive whose PRD table was too short waits with DMARQ until the bus
 * master is started again, or the drive is reset. Hard reset leaves drives ready at once.
 *
 * Deviation: the data sheet wires bits 31:16 of BMIBA to 0. They can be written here, because SeaBIOS sizes the register
 * as one of 32 bits and would find it too large to place (testcases/unit/test_ide.c).
 *
 * Not modelled: timings of IDETIM and SIDETIM (kept, without effect), Ultra DMA (the PIIX3 has none).
 */
#ifndef LIBSIM_DEVICES_IDE_H
#define LIBSIM_DEVICES_IDE_H

#include "bus/device.h"

extern const struct sim_device_class ide_class; /* "piix3-ide", no properties */

#endif
