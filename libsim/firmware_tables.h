/*
 * The tables by which a kernel learns what the machine has: MP (MultiProcessor Specification 1.4) and ACPI.
 */
#ifndef LIBSIM_LIBSIM_FIRMWARE_TABLES_H
#define LIBSIM_LIBSIM_FIRMWARE_TABLES_H

#include "libsim/machine.h"

/* Extended BIOS data area: the last KiB below 640 KiB that we need. */
#define FIRMWARE_EBDA        0x9fc00u
/* RAM below 4 GiB ends here at the latest. */
#define FIRMWARE_LOW_RAM_END 0xe0000000ull

/* Direct boot: writes the tables into the BIOS area (0xF0000-0xFFFFF). */
void firmware_put_tables(struct sim *sim);
/* Real firmware: offers what SeaBIOS asks for by fw_cfg. */
enum sim_err firmware_hand_over_tables(struct sim *sim);

#endif
