/*
 * Two 8259A interrupt controllers as a PC has them: the master at ports 20h-21h, the slave at A0h-A1h with its INT on
 * the master's IR2, and the edge/level registers ELCR at 4D0h-4D1h.
 *
 * Data sheets: Intel 8259A Programmable Interrupt Controller (231468); for ELCR, 82371SB PIIX3 (290550).
 *
 * Wires: listens to "isa.irq0".."isa.irq15" (but for irq2, which is the cascade), drives "intr", answers
 * interrupt-acknowledge cycles. A wire is high while the device asks, whatever the polarity of the real pin.
 *
 * A request is held by the device until it is acknowledged, as the data sheet demands ("Edge and Level Triggered
 * Modes"): an edge whose wire has fallen again is forgotten, and an acknowledge that finds no request gives IR7.
 *
 * Fixed where the data sheet leaves it open: after RESET all inputs are masked and all registers 0; between ICW1 and
 * the last ICW a chip asks for nothing; a poll that finds no request reads 0.
 *
 * Not modelled: buffered mode (ICW4 bits 3:2 are kept; which chip is the master is a matter of its SP/EN# pin), the
 * third INTA pulse of MCS-80 mode (an x86 sends two, and takes the low address byte of the CALL for its vector).
 * ICW1.LTIM is without effect: ELCR took its place.
 */
#ifndef LIBSIM_DEVICES_PIC_H
#define LIBSIM_DEVICES_PIC_H

#include "bus/device.h"

extern const struct sim_device_class pic_class; /* "i8259a", no properties */

#endif
