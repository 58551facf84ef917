/*
 * The small ports of a PC's board: port 92h, the POST code, and those by which software talks to a simulator.
 *
 *   80h    POST code: the byte written goes to the output channel "post" and can be read back
 *   92h    system control port A: A20 (wire "a20.gate") and INIT of the processor (wire "cpu.init")
 *   E9h    debug console: bytes written go to the channel "debug"; reads E9h, which tells that it is there (Bochs)
 *   F4h    debug exit: a write ends the run with the value as status (QEMU's isa-debug-exit)
 *   402h   SeaBIOS' messages: channel "firmware"; reads E9h
 *   8900h  the letters of "Shutdown" in a row switch the machine off (Bochs)
 *
 * Port 92h: 82371AB PIIX4 (290562), "PORT 92". Port 61h is beside the timer: devices/pit.h. The ports that are there
 * for a simulator alone (E9h, F4h, 402h, 8900h) cost no simulated time.
 */
#ifndef LIBSIM_DEVICES_SYSCTL_H
#define LIBSIM_DEVICES_SYSCTL_H

#include "bus/device.h"

extern const struct sim_device_class sysctl_class; /* "sysctl", no properties */

#endif
