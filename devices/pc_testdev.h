/*
 * A device for programs that test a PC: it lets the guest pull interrupt lines, and answers ports and memory that nothing else explains.
 *
 *   2000h-2017h  level of interrupt line 0 to 23: a write other than 0 raises it, 0 lowers it; reads give the level
 *   E0h-E3h      four bytes that keep what was written, of 8, 16 or 32 bits
 *   E4h-E7h      "flush": a physical address. There is no mapping of the host's that a guest could miss, so it is kept and that is all
 *   FF000000h    64 KiB of memory that is reached as a device is: each access is a transaction of its own, of up to four bytes
 *
 * Its places are those of QEMU's pc-testdev (docs/specs, "pc-testdev"; read as a data sheet), so that programs made for that one run.
 * No part of any PC: it is there only with `--device pc-testdev`. Lines are those of the pc platform: 0 to 15 are the ISA's (line 2 is
 * the cascade and goes nowhere), 16 to 23 are gsi16 to gsi23. Each is ORed with what its rightful owner drives.
 *
 * Not modelled: the interrupt line that E8h latches, and the ports of other test devices.
 */
#ifndef LIBSIM_DEVICES_PC_TESTDEV_H
#define LIBSIM_DEVICES_PC_TESTDEV_H

#include "bus/device.h"

extern const struct sim_device_class pc_testdev_class; /* "pc-testdev", no properties */

#endif
