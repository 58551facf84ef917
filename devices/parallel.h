/*
 * Parallel port (LPT1 at 378h) with a printer that takes every byte.
 *
 * Source: IBM Personal System/2 Hardware Interface Technical Reference, "Parallel Port Controller"; the printer's
 * handshake as in IEEE 1284, "Compatibility Mode".
 *
 *     +0  data (read and write)    +1  status (read only)    +2  control
 *
 * Properties: `base`, `irq`, `channel` where the bytes go to.
 *
 * A byte is output when STROBE goes from 0 to 1. The printer is then busy for 10 us, the last 5 of which it holds ACK#
 * low; with IRQ enabled the interrupt rises when ACK# does, and falls when the status is read, at the next strobe, or
 * when it is disabled. Status bit 2 is 0 while it is pending, as on the PS/2. A strobe while the printer is busy is
 * taken too, and logged: a real printer would lose the byte.
 *
 * Not modelled: input (control bit 5 is kept; the data port then reads all ones), EPP and ECP; the printer never runs
 * out of paper.
 */
#ifndef LIBSIM_DEVICES_PARALLEL_H
#define LIBSIM_DEVICES_PARALLEL_H

#include "bus/device.h"

extern const struct sim_device_class parallel_class; /* "parallel" */

#endif
