/*
 * Intel 82077AA floppy disk controller with two drives, in AT mode (ports 3F2h-3F5h and 3F7h, IRQ 6, DMA channel 2).
 *
 * Data sheet: Intel 82077AA CHMOS Single-Chip Floppy Disk Controller (290166), here "the data sheet".
 *
 *     3F2h DOR    3F3h TDR    3F4h MSR (read), DSR (write)    3F5h FIFO    3F7h DIR (read), CCR (write)
 *
 * Property: `dma`, the name of the DMA controller.
 *
 * Media: "fd0" and "fd1". What kind of diskette it is follows from the length of the medium: 160, 180, 320, 360, 720,
 * 1200, 1440 or 2880 KB. One of another length below 1440 KB is a diskette of 1440 KB with zeros behind its end, where
 * writes vanish; a longer one is unformatted. The data rate (CCR, DSR) has to be that of the medium: else no address
 * mark is found (ST1.MA), as on the real thing.
 *
 * Commands: READ and WRITE DATA, VERIFY, FORMAT TRACK, READ ID, RECALIBRATE, SEEK and RELATIVE SEEK, SENSE INTERRUPT
 * STATUS, SENSE DRIVE STATUS, SPECIFY, VERSION, CONFIGURE, LOCK, PERPENDICULAR MODE, DUMPREG. Data go by DMA, or (SPECIFY
 * with ND) through the FIFO with an interrupt for each sector. TC comes from the DMA controller alone.
 *
 * Time. A sector takes as long as its 512 bytes at the data rate (8.2 ms at 500 kb/s), a step as SPECIFY says, settling
 * and the search for a sector nothing: the head is always where it is wanted. A sector that is not there is looked for
 * through two turns (400 ms). Where nothing turns (no diskette, motor off), a command that needs the diskette waits for
 * ever, as the part does; software has to reset it.
 *
 * After a reset four SENSE INTERRUPT STATUS are due ("Drive Polling"), if polling is enabled.
 *
 * Not modelled: READ TRACK, deleted data, SCAN (they end as invalid, and say so once); status registers A and B (PS/2
 * mode); FIFO threshold, power-down, precompensation, head load and unload times (kept without effect).
 */
#ifndef LIBSIM_DEVICES_FLOPPY_H
#define LIBSIM_DEVICES_FLOPPY_H

#include "bus/device.h"

extern const struct sim_device_class floppy_class; /* "82077aa" */

#endif
