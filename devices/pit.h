/*
 * The 8254 interval timer (ports 40h-43h), and beside it port 61h, through which a PC gates its counter 2.
 *
 * Data sheets: Intel 8254 Programmable Interval Timer (231164); for port 61h, "NMI Status and Control", 82371SB PIIX3
 * (290550). The counters run at 1193182 Hz. The gates of counters 0 and 1 are tied high.
 *
 * Wires: OUT0 drives "isa.irq0" and "pit.out0", an event for each change. OUT2 is read at port 61h; with the property
 * `out2` it drives the wire "pit.out2" too.
 *
 * Fixed where the data sheet leaves it open: after RESET every counter is in mode 0 without a count; a count of 1, which
 * modes 2 and 3 do not allow, counts as 2 there; a BCD digit above 9 keeps its value; a trigger before the first count is
 * ignored; a count of two bytes takes effect with its second one (mode 0 stops at the first).
 *
 * Not modelled: DRAM refresh by counter 1 (port 61h bit 4 toggles every 18 clocks whatever the counter does); sources of
 * SERR# and IOCHK# (port 61h bits 7:6 read 0; the enables in bits 3:2 are kept); sound.
 */
#ifndef LIBSIM_DEVICES_PIT_H
#define LIBSIM_DEVICES_PIT_H

#include "bus/device.h"

#define PIT_HZ 1193182

extern const struct sim_device_class pit_class; /* "i8254" */

#endif
