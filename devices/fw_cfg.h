/*
 * The firmware configuration device of QEMU: ports 510h-511h, and DMA at 514h-51Bh. SeaBIOS learns from it what machine
 * it is in.
 *
 * Described in QEMU's "QEMU Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg). What firmware asks for and what
 * it does without is in doc/firmware.md.
 *
 * The properties make the usual items: signature (0), ID (1), RAM size (3), processors (5, Fh), no boot menu (Eh), IRQ 0 on
 * I/O APIC pin 2 (8002h), and the files "etc/e820" and "etc/system-states". The machine adds more by the calls below;
 * adding a key or a name again replaces its content. Items are configuration, not state.
 *
 * Nothing can be written through it: DMA writes answer with an error, writes to the data port are ignored (as in QEMU
 * since 2.4). A DMA read that goes more than 64 KiB past an item's end is an error.
 */
#ifndef LIBSIM_DEVICES_FW_CFG_H
#define LIBSIM_DEVICES_FW_CFG_H

#include "bus/device.h"

extern const struct sim_device_class fw_cfg_class; /* "fw_cfg" */

/* An item under a number below 20h or from 8000h on. The data is copied. SIM_ERR_USAGE, SIM_ERR_NOMEM. */
enum sim_err fw_cfg_add(struct sim_device *dev, uint16_t key, const void *data, size_t len);
/* A file: shows in the directory. `name` has at most 55 characters. */
enum sim_err fw_cfg_add_file(struct sim_device *dev, const char *name, const void *data, size_t len);

#endif
