/*
 * The MC146818 real-time clock and the CMOS memory around it: ports 70h-71h, and the upper 128 bytes at 72h-73h as in
 * PIIX4.
 *
 * Data sheets: Motorola MC146818A (ADI1032R1); 82371AB PIIX4 (290562) for the ports.
 *
 * Time is the machine's: the calendar starts at the property `date` when power comes on, and advances with the simulated
 * clock by a 32.768 kHz time base. Wire: "isa.irq8", high from a flag with its enable until register C is read.
 *
 * The properties fill the CMOS bytes that firmware reads: memory sizes (15h-18h, 30h-31h, 34h-35h, 5Bh-5Dh), processors
 * (5Fh), boot order (38h, 3Dh), floppy types (10h), equipment (14h), disk types (12h) and translation (39h), century
 * (32h), checksum (2Eh-2Fh).
 *
 * Fixed where the data sheet leaves it open: during an update the old time is read; a calendar byte out of range rolls
 * over at its next carry. Century byte 32h advances with the year and follows DM, as ACPI firmware expects.
 *
 * Not modelled: the square wave output, daylight saving (DSE), time bases other than 32.768 kHz (the clock then stands
 * still, which is said once). The NMI mask in bit 7 of port 70h is kept; nothing on this board makes an NMI.
 */
#ifndef LIBSIM_DEVICES_RTC_H
#define LIBSIM_DEVICES_RTC_H

#include "bus/device.h"

extern const struct sim_device_class rtc_class; /* "mc146818" */

#endif
