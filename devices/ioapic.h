/*
 * The 82093AA I/O APIC at FEC00000h: 24 pins that become messages to local APICs.
 *
 * Data sheet: Intel 82093AA I/O Advanced Programmable Interrupt Controller (290566).
 *
 * Pins: "isa.irqN" is pin N, but irq0 is pin 2 (as the tables of every PC say), and pin 0 is "intr", the INTR of the 8259s;
 * "gsi16".."gsi23" are pins 16 to 23. Wires carry "asserted": the polarity bit is kept and has no effect.
 *
 * With the property `version` at 20h (32), it has the EOI register of later parts at offset 40h.
 *
 * Messages are taken at once, so that delivery status always reads idle. A doubleword is the only size of the data
 * window; other sizes read the doubleword's part and write nothing. Not modelled: the APIC bus and its arbitration (the
 * ID is copied to the arbitration register, as after an ID write); moving the registers by PIIX3's APICBASE.
 */
#ifndef LIBSIM_DEVICES_IOAPIC_H
#define LIBSIM_DEVICES_IOAPIC_H

#include "bus/device.h"

extern const struct sim_device_class ioapic_class; /* "82093aa" */

#endif
