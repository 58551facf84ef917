/*
 * VGA: the IBM VGA's registers and planes, with the Bochs "dispi" extension for larger pictures, as a PCI display
 * adapter (1234:1111) that the VGA BIOS of SeaBIOS drives.
 *
 * The machine puts the VGA BIOS, if there is one, into a bus_ram named "vgabios" before it creates the device; the
 * device shows it as its expansion ROM. Like any PCI card it answers nothing, its legacy ports and windows
 * included, until the command register enables I/O and memory.
 */
#ifndef LIBSIM_DEVICES_VGA_H
#define LIBSIM_DEVICES_VGA_H

#include "bus/device.h"

extern const struct sim_device_class vga_class;

/*
 * The state in which firmware leaves the adapter: colour text, 80 x 25, mode 3, with its registers, its palette, a font in
 * plane 2, a cleared screen, the cursor at the top left, I/O and memory enabled. For machines that start without
 * firmware; called after reset. Base addresses are the caller's matter: one that is 0 stays unmapped.
 */
void vga_set_text_mode(struct sim_device *dev);

#endif
