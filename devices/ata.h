/*
 * The ATA commands, of disks and of CD-ROM drives.
 *
 * Source: ATA/ATAPI-6 (T13/1410D), "Command descriptions", for disks with the features 48-bit address, power
 * management, write cache and look-ahead, and multiword DMA modes 0 to 2 (PIIX3 has no Ultra DMA). Obsolete commands
 * that old software uses (RECALIBRATE, SEEK, INITIALIZE DEVICE PARAMETERS, the "retry" opcodes, 94h to 99h, CHS) come
 * from ATA-3 and ATA/ATAPI-4.
 *
 * The default translation is 16 heads and 63 sectors. A medium whose length is not a multiple of 512 ends in a sector
 * filled up with zeros.
 *
 * Not modelled: all other commands (security, SMART, host protected area, ...). They end in ABRT, and say so once.
 */
#ifndef LIBSIM_DEVICES_ATA_H
#define LIBSIM_DEVICES_ATA_H

#include "devices/ide_drive.h"

enum { ATA_DEVICE_RESET = 0x08, ATA_EXECUTE_DIAGNOSTIC = 0x90, ATA_PACKET = 0xA0 };

extern const struct sim_field ata_fields[];
extern const struct ide_drive_ops ata_ops;

void ata_power_on(struct ide_drive *d);
/* The registers as a reset leaves them, which tell what kind of drive it is: "Signature and persistence". */
void ata_signature(struct ide_drive *d);

/* For IDENTIFY DEVICE and IDENTIFY PACKET DEVICE: words into the buffer. */
void ata_identify_text(struct ide_drive *d, unsigned word, unsigned words, const char *text);
void ata_identify_word(struct ide_drive *d, unsigned word, uint16_t value);
/* What both kinds say of themselves: names, transfer modes, versions; checksum last. */
void ata_identify_common(struct ide_drive *d, const char *model);
void ata_identify_checksum(struct ide_drive *d);

#endif
