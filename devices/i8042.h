/*
 * The keyboard controller of a PC: an 8042 with the PS/2 firmware, a keyboard and a mouse on its two ports.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"; Intel
 * UPI-41/42 User's Manual (buffers and flags). The devices: devices/ps2kbd.h, devices/ps2mouse.h.
 *
 *   60h   read: output buffer; write: input buffer, data
 *   64h   read: status; write: input buffer, command
 *
 *     20h-3Fh  read controller RAM (20h: command byte)   C0h  read input port
 *     60h-7Fh  write controller RAM                      D0h  read output port
 *     A7h A8h  disable, enable the mouse                 D1h  write output port: bit 0 reset, bit 1 A20
 *     A9h      test the mouse's port: 00h                D2h  write the output buffer as the keyboard
 *     AAh      self test: 55h                            D3h  write the output buffer as the mouse
 *     ABh      test the keyboard's port: 00h             D4h  write to the mouse
 *     ADh AEh  disable, enable the keyboard              E0h  read test inputs
 *                                                        F0h-FFh  pulse bits of the output port that are 0
 *
 * Property: `bat`, how long the self tests of keyboard and mouse take, in milliseconds.
 *
 * Wires: drives "isa.irq1", "isa.irq12" and "a20.gate"; bit 0 of the output port asks for a reset of the machine.
 * Input: channels "keyboard" (struct sim_key) and "mouse" (struct sim_mouse).
 *
 * Time. The firmware is one loop. It takes a byte out of the input buffer 5 us after it was written (a few dozen
 * instructions at 12 MHz), and answers to its own commands 5 us after that. A byte on a PS/2 wire has 11 bits; the
 * clock may run at 10 to 16.7 kHz, and 11 kHz was chosen: 1 ms in either direction. Only one byte travels at a time.
 * While the output buffer is full both devices are held back. A byte from a device that is interrupted by a command
 * of the system is sent anew. While a byte goes out to a device, and while an answer waits for the output buffer, the
 * input buffer is not looked at: IBF stays set. A byte written while IBF is set replaces the one before, as in the
 * part; that is logged.
 *
 * Fixed where the sources leave it open: after RESET the command byte is 30h (both ports disabled, no interrupts, no
 * translation), the output port CFh (A20 on). A PC's firmware leaves the command byte at 65h, for those who start a
 * machine without it. RESET does not reach keyboard and mouse. Sending to a device enables its port.
 *
 * Not modelled: passwords (A4h to A6h), the diagnostic dump (ACh), polling the input port (C1h, C2h), the A20 pulse of
 * F0h-FFh: they do nothing, and say so once. Keylock is open; parity and time-out errors do not happen.
 */
#ifndef LIBSIM_DEVICES_I8042_H
#define LIBSIM_DEVICES_I8042_H

#include "bus/device.h"

extern const struct sim_device_class i8042_class; /* "i8042" */

/* The state in which firmware leaves it: command byte 65h (keyboard enabled with its interrupt, translation, mouse disabled), keyboard and
 * mouse as after power-on, nothing on its way. For machines that start without firmware; called after reset. */
void i8042_set_up(struct sim_device *dev);

#endif
