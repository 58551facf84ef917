/*
 * 16550A asynchronous serial port with FIFOs (COM1 at 3F8h, COM2 at 2F8h).
 *
 * Data sheet: National Semiconductor PC16550D (SNLS378), here "the data sheet".
 *
 *     +0  RBR (read), THR (write); with LCR.DLAB: divisor, low byte
 *     +1  IER; with LCR.DLAB: divisor, high byte
 *     +2  IIR (read), FCR (write)
 *     +3  LCR    +4  MCR    +5  LSR    +6  MSR    +7  SCR
 *
 * Properties: `base` first port; `irq` ISA interrupt; `channel` where bytes go to and come from; `pace`, how long a
 * character takes; `gate_out2`, whether MCR.OUT2 gates the interrupt.
 *
 * Pace. The crystal is 1.8432 MHz. With pace=line a character takes as long as divisor and LCR say, is as wide as LCR
 * says, and one that finds the receiver full is lost (LSR.OE). With pace=fast, the default, the far end is a patient
 * machine at 115200 baud, 8 data bits, whatever is programmed: a character takes 10 bit times (86.8 us) in each
 * direction, and the far end waits while the receiver is full or disconnected by loopback. In both, time is counted
 * in half bits of a clock that runs freely, so errors never add up. A divisor of 0 stands for 65536.
 *
 * Transmission of a first character starts up to one bit time after THR was written ("8 to 24 baud clocks"); until
 * then it is in THR. A byte is output when its last stop bit has been sent.
 *
 * Input waits in a queue on the host's side (4096 bytes; what does not fit is lost, and logged).
 *
 * The far end holds CTS, DSR and DCD active and RI inactive.
 *
 * Deviation: MCR.OUT2 gates the interrupt on the boards of a PC, and kernels that were tried on other simulators only
 * forget to set it. Such an interrupt is let through, and logged once; gate_out2=1 holds it back.
 *
 * Not modelled: DMA mode (RXRDY and TXRDY are not connected); a break sent other than in loopback reaches nobody;
 * parity and framing errors cannot happen (a break has FE and BI set).
 */
#ifndef LIBSIM_DEVICES_UART_H
#define LIBSIM_DEVICES_UART_H

#include "bus/device.h"

extern const struct sim_device_class uart_class; /* "16550a" */

#endif
