/*
 * The south bridge: PIIX3's ISA bridge (PCI 0:1.0, 8086:7000) and PIIX4's power management (0:1.3, 8086:7113).
 *
 * Data sheets: Intel 82371FB/SB PIIX/PIIX3 (290550); 82371AB PIIX4 (290562). Its other parts are devices of their own:
 * interrupt controllers (pic.h), timer and port 61h (pit.h), port 92h (sysctl.h), DMA (dma.h), IDE (ide.h), the real-time
 * clock (rtc.h). The reset control register CF9h is decoded beside CF8h, in i440fx.h.
 *
 * "piix3", the bridge: routes PIRQA-PIRQD to ISA interrupts, and takes the processor's FERR# (wire "ferr") to
 * "isa.irq13" until port F0h is written, which drives IGNNE# (wire "ignne").
 *
 * "piix4-pm", power management: PM1 event and control registers, the PM timer, the general-purpose events, SCI on
 * "isa.irq9", soft-off, APMC and APMS (ports B2h, B3h), an SMBus host without anything on its bus. The channel
 * "power-button" is an input: any byte presses the button.
 *
 * Beyond the data sheet, because firmware and its ACPI tables for QEMU expect it: a block of general-purpose events at
 * AFE0h, a hot-plug block at AE00h that says that nothing can be unplugged, APMC values F1h and F0h setting and clearing
 * SCI_EN, which SMM code would do on hardware, and device enables (5Fh, 63h, 67h) that start as a board's firmware would
 * set them: the DSDT reads there that COM1, COM2 and the parallel port exist.
 *
 * Not modelled: SMM. APMC_EN is set at reset, so that SeaBIOS finds SMM set up and leaves it alone; no SMI is ever made,
 * and the SMI, device-monitor, clock-control and general-purpose output registers keep what is written and do nothing
 * else. Suspend but for soft-off is said once and ignored. In the bridge: chip selects, PC/PCI DMA, USB, MB IRQ and DMA
 * steering, APIC base; those registers too only keep their bits.
 */
#ifndef LIBSIM_DEVICES_PIIX_H
#define LIBSIM_DEVICES_PIIX_H

#include "bus/device.h"

#define PIIX_PM_TIMER_HZ 3579545

extern const struct sim_device_class piix3_class;    /* "piix3", no properties */
extern const struct sim_device_class piix4_pm_class; /* "piix4-pm", no properties */

#endif
