/*
 * The packet commands of a CD-ROM drive.
 *
 * Sources: ATA/ATAPI-6 (T13/1410D), "PACKET delivered command protocol"; INF-8020i (SFF-8020i), "ATA Packet Interface
 * for CD-ROMs"; MMC-3 (T10/1363-D). The disc is one session with one data track of 2048-byte sectors.
 *
 * TEST UNIT READY, REQUEST SENSE, INQUIRY, START STOP UNIT, PREVENT ALLOW, READ CAPACITY, READ(10) and (12), SEEK(10),
 * READ TOC (formats 0 to 2), GET CONFIGURATION, GET EVENT STATUS NOTIFICATION, READ DISC INFORMATION, MODE SENSE(10)
 * (pages 01h and 2Ah), READ CD (user data only), MECHANISM STATUS. Others end in ILLEGAL REQUEST, and say so once.
 *
 * A byte count limit of 0 in a command with PIO data ends in ABRT. A data block of a PIO transfer has at most 8192
 * bytes, whatever more the limit would allow. After power-on the first command reports UNIT ATTENTION 29h/00h; when the
 * tray was closed again, 28h/00h. A medium of more than 900 MB shows itself as a DVD.
 */
#ifndef LIBSIM_DEVICES_ATAPI_H
#define LIBSIM_DEVICES_ATAPI_H

#include "devices/ide_drive.h"

extern const struct sim_field atapi_fields[];

void atapi_power_on(struct ide_drive *d);
/* The ATA commands PACKET and IDENTIFY PACKET DEVICE. */
void atapi_packet(struct ide_drive *d);
void atapi_identify(struct ide_drive *d);
/* The further course of PACKET. */
void atapi_take_packet(struct ide_drive *d);
void atapi_execute(struct ide_drive *d);
void atapi_next_chunk(struct ide_drive *d);
void atapi_drained(struct ide_drive *d);

#endif
