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
 * "isa.irq9", soft-off, an SMBus host without anything on its bus. The channel "power-button" is an input: any byte
 * presses the button. SMI# is the wire "smi"; while GLBCTL.SMI_EN is set it is pulsed by:
 *   - a write of APMC (port B2h; APMS, B3h, is for handler and caller to talk), with DEVACTB.APMC_EN; sets APM_STS
 *   - PMCNTRL.GBL_RLS, with GLBEN.BIOS_EN; sets BIOS_STS
 *   - an enabled PM1 event while SCI_EN is clear; seen as PM1_STS
 * GLBCTL.BIOS_RLS sets PMSTS.GBL_STS, until that is cleared.
 *
 * Beyond the data sheet, because firmware and its ACPI tables for QEMU expect it: a block of general-purpose events at
 * AFE0h, a hot-plug block at AE00h that says that nothing can be unplugged, APMC values F1h and F0h setting and clearing
 * SCI_EN (before the SMI, if one is made), which SMM code would do on hardware, and device enables (5Fh, 63h, 67h) that start as a board's firmware would
 * set them: the DSDT reads there that COM1, COM2 and the parallel port exist.
 *
 * Deviation: GLBCTL.EOS is cleared by an SMI, but need not be set for the next one: firmware made for QEMU never does
 * (test_piix, smi_needs_no_eos).
 *
 * Not modelled: other sources of SMI (EXTSMI#, THRM#, USB legacy support, device monitors and their traps, the global
 * standby timer, bus-master trap): their enables keep what is written. So do the device-monitor, clock-control and
 * general-purpose output registers. Suspend but for soft-off is said once and ignored. In the bridge: chip selects, PC/PCI DMA, USB, MB IRQ and DMA
 * steering, APIC base; those registers too only keep their bits.
 */
#ifndef LIBSIM_DEVICES_PIIX_H
#define LIBSIM_DEVICES_PIIX_H

#include "bus/device.h"

#define PIIX_PM_TIMER_HZ 3579545

extern const struct sim_device_class piix3_class;    /* "piix3", no properties */
extern const struct sim_device_class piix4_pm_class; /* "piix4-pm", no properties */

#endif
